"""`make google-conectar [RECURSOS=…] [PORTA=…]` and `make google-desconectar`.

Both work with the assistant running or not: the database carries what they do. The
browser may be on another machine; its last address is then pasted here.
"""

from __future__ import annotations

import argparse
import contextlib
import queue
import secrets
import select
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from sqlalchemy.engine import Engine

from actions.google.account import GoogleAccount
from actions.google.consent import VALID_S, Consent
from actions.google.routes import features_named
from actions.google.words import FEATURES
from bot.core.errors import SettingsError, UserInputError
from bot.core.google_link import Link
from bot.core.ports import Feature, GatewayError
from bot.core.settings import Settings, load_settings
from bot.store.database import open_engine
from bot.store.migrate import upgrade

TERMINAL = "terminal"
_POLL_S = 0.2
_REPLY_WITHIN_S = 60.0
_INTERRUPTED = 130
_OWNER_BYTES = 32
_NO_ANSWER = (
    "O Google não respondeu, e nada mudou. Confira a internet desta máquina e repita "
    "make google-conectar."
)
_TOO_LATE = (
    "Passaram 10 minutos sem resposta, e nada mudou. Repita make google-conectar."
)
_DONE = "Pronto: o Google está conectado. Pode fechar esta aba e voltar ao terminal."
_ADVICE = """
Abra este endereço no navegador, na conta do Google do escritório:

  {url}

Se o navegador está em outra máquina, a última página não vai abrir lá: copie o
endereço inteiro dela, cole aqui e tecle Enter. Ctrl-C desiste e não muda nada.
"""
_TESTING = """
Atenção: enquanto a tela de permissão do projeto estiver em “Teste” no Google Cloud,
a conexão vale só 7 dias. Publique o aplicativo antes (docs/google.md)."""
_PAGE = (
    '<!doctype html><html lang="pt-BR"><meta charset="utf-8"><title>PocketMKT</title>'
    '<meta name="color-scheme" content="light dark"><p>{text}</p></html>'
)


def main(arguments: list[str] | None = None) -> int:
    """Connects or disconnects; says what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("conectar", "desconectar"))
    parser.add_argument("--recursos", default="")
    parser.add_argument("--porta", default="")
    options = parser.parse_args(arguments)
    try:
        settings = load_settings()
        with _opened(settings) as (engine, account):
            if options.what == "desconectar":
                return _disconnect(account)
            features, port = _features(options.recursos), _port(options.porta)
            consent = Consent(settings, engine, account)
            return _connect(account, consent, features, port)
    except (SettingsError, UserInputError) as error:
        return _failed(str(error), 2)
    except GatewayError:
        return _failed(_NO_ANSWER, 1)
    except KeyboardInterrupt:
        return _failed(
            "\nInterrompido antes do fim; comece de novo quando quiser.", _INTERRUPTED
        )


@contextlib.contextmanager
def _opened(settings: Settings) -> Iterator[tuple[Engine, GoogleAccount]]:
    engine = open_engine(settings.database_url)
    try:
        upgrade(engine)
        yield engine, GoogleAccount(settings, engine)
    finally:
        engine.dispose()


def _features(written: str) -> list[Feature]:
    names = [part.strip().lower() for part in written.split(",") if part.strip()]
    return features_named(names) if names else list(Feature)


def _port(written: str) -> int:
    if written.strip() and not written.strip().isdigit():
        raise UserInputError("PORTA deve ser um número, como 8765.", field="PORTA")
    return int(written or 0)


def _disconnect(account: GoogleAccount) -> int:
    if account.status().link is Link.OFF:
        print("O Google não está conectado.")
        return 0
    is_confirmed = account.disconnect()
    print("Desconectado. A agenda, os documentos e as planilhas ficam nesta máquina.")
    if not is_confirmed:
        print(
            "O Google não confirmou: remova o acesso também em "
            "https://myaccount.google.com/connections"
        )
    return 0


@dataclass
class _Brought:
    """What a browser brought back, and what it is told."""

    query: dict[str, str]
    reply: str = ""
    is_answered: threading.Event = field(default_factory=threading.Event)

    def answer(self, text: str) -> None:
        """Tells the browser."""
        self.reply = text
        self.is_answered.set()


def _connect(
    account: GoogleAccount, consent: Consent, features: list[Feature], port: int
) -> int:
    owner = secrets.token_urlsafe(_OWNER_BYTES)
    with _listening(port) as (address, brought):
        url = consent.begin(features, redirect_uri=address, owner=owner)
        state = _query(url)["state"]
        try:
            _explain(features, url)
            mine = _wait(brought, state)
            try:
                _finish(consent, mine.query, owner)
            except UserInputError as error:
                mine.answer(str(error))
                raise
            except GatewayError:
                mine.answer(_NO_ANSWER)
                raise
            mine.answer(_DONE)
        finally:
            consent.cancel(state)
    _tell(account)
    return 0


def _explain(features: list[Feature], url: str) -> None:
    print("O Google vai perguntar se o assistente pode:")
    for feature in features:
        print(f"  - {FEATURES[feature].title}: {FEATURES[feature].purpose}")
    print(_TESTING)
    print(_ADVICE.format(url=url), flush=True)


def _wait(brought: queue.Queue[_Brought], state: str) -> _Brought:
    """Returns what came for this authorisation, from a browser or the keyboard.

    Raises:
        UserInputError: nothing came in time.
    """
    deadline = time.monotonic() + VALID_S
    reads = [sys.stdin] if sys.stdin else []
    while time.monotonic() < deadline:
        readable, _, _ = select.select(reads, [], [], _POLL_S)
        if readable:
            line = sys.stdin.readline()
            if not line:  # nobody sits here
                reads = []
            elif line.strip():
                brought.put(_Brought(_query(line.strip())))
        with contextlib.suppress(queue.Empty):
            found = brought.get_nowait()
            if found.query.get("state") == state:
                return found
            found.answer("Este endereço não é o desta conexão; volte ao terminal.")
            if readable:
                print("Não é o endereço desta conexão. Cole-o inteiro, com http://")
    raise UserInputError(_TOO_LATE)


def _finish(consent: Consent, query: dict[str, str], owner: str) -> None:
    consent.finish(
        query["state"],
        query.get("code", ""),
        owner=owner,
        by=TERMINAL,
        error=query.get("error", ""),
    )


def _tell(account: GoogleAccount) -> None:
    status = account.status()
    print("Pronto: o Google está conectado.")
    for feature, words in FEATURES.items():
        mark = "sim" if status.uses(feature) else f"não ({words.missing})"
        print(f"  {words.title}: {mark}")


@contextlib.contextmanager
def _listening(port: int) -> Iterator[tuple[str, queue.Queue[_Brought]]]:
    """Listens on loopback for Google's last redirect.

    Raises:
        UserInputError: the port is taken.
    """
    brought: queue.Queue[_Brought] = queue.Queue()

    class Return(BaseHTTPRequestHandler):
        timeout = 3  # seconds; browsers open connections that they do not use

        def do_GET(self) -> None:
            query = _query(self.path)
            if urlsplit(self.path).path != "/" or "state" not in query:
                self.send_error(404)
                return
            mine = _Brought(query)
            brought.put(mine)
            mine.is_answered.wait(_REPLY_WITHIN_S)
            page = _PAGE.format(text=mine.reply).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            """Addresses carry the code, and belong in no log."""

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Return)
    except (OSError, OverflowError) as error:
        raise UserInputError(
            f"Não consigo escutar na porta {port}; escolha outra: PORTA=8765.",
            field="PORTA",
        ) from error
    server.daemon_threads = False  # the browser hears how it ended
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", brought
    finally:
        server.shutdown()
        server.server_close()


def _query(address: str) -> dict[str, str]:
    try:
        query = urlsplit(address).query
    except ValueError:
        return {}
    return {name: values[0] for name, values in parse_qs(query).items()}


def _failed(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())

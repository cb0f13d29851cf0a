"""`make google-conectar` and `make google-desconectar` as a person runs them."""

from __future__ import annotations

import os
import re
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import requests
import sqlalchemy as sa

from actions.google.account import GoogleAccount
from bot.core.google_link import Link
from bot.core.ports import Feature
from bot.core.settings import ROOT, load_settings
from bot.store.database import open_engine, reading
from bot.store.schema import google_consent
from tests.contract.google_desk import EVENTS, FILES
from tests.fakes.fake_google import FakeGoogle, Fault, running
from tests.fakes.google_grants import CLIENT_ID, CLIENT_SECRET

WITHIN_S = 60


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with running() as google:
        yield google


class Terminal:
    """Runs the command; what it prints can be waited for."""

    def __init__(self, google: FakeGoogle, folder) -> None:
        self.google = google
        self.environ = {
            "DATABASE_URL": f"sqlite:///{folder}/t.db",
            "GOOGLE_CLIENT_ID": CLIENT_ID,
            "GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
            "GOOGLE_OAUTH_AUTH_URL": f"{google.url}/authorize",
            "GOOGLE_OAUTH_TOKEN_URL": f"{google.url}/token",
            "GOOGLE_OAUTH_REVOKE_URL": f"{google.url}/revoke",
            "GOOGLE_TIMEOUT_S": "3",
            "TOKEN_KEYS": secrets.token_urlsafe(32),
        }
        self.settings = load_settings(self.environ, folder=folder)
        self.engine = open_engine(self.settings.database_url)
        self.printed = ""

    def run(self, *arguments: str, **settings: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local.google", *arguments],
            cwd=ROOT,
            env={**os.environ, **self.environ, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def url(self) -> str:
        """Returns the address that it prints, once everything is explained."""
        deadline = time.monotonic() + WITHIN_S
        while "Ctrl-C desiste" not in self.printed:
            assert time.monotonic() < deadline, self.printed
            assert select.select([self.process.stdout], [], [], WITHIN_S)[0]
            new = os.read(self.process.stdout.fileno(), 65536).decode()
            assert new, self.printed
            self.printed += new
        return re.search(r"^ +(http\S+)$", self.printed, re.MULTILINE)[1]

    def redirect(self) -> str:
        """Goes through Google's page; returns where it sends the browser."""
        answer = requests.get(self.url(), allow_redirects=False, timeout=5)
        return answer.headers["Location"]

    def type(self, line: str) -> None:
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def end(self) -> SimpleNamespace:
        rest, _ = self.process.communicate(timeout=WITHIN_S)
        return SimpleNamespace(
            code=self.process.returncode, text=self.printed + rest.decode()
        )

    def status(self):
        return GoogleAccount(self.settings, self.engine).status()

    def consents(self) -> int:
        query = sa.select(sa.func.count()).select_from(google_consent)
        with reading(self.engine) as connection:
            return connection.execute(query).scalar()


@pytest.fixture
def terminal(google, tmp_path) -> Iterator[Terminal]:
    terminal = Terminal(google, tmp_path)
    yield terminal
    if terminal.process.poll() is None:
        terminal.process.kill()
        terminal.process.communicate()
    terminal.engine.dispose()


def test_browser_on_this_machine_brings_the_answer(terminal):
    terminal.run("conectar")

    page = requests.get(terminal.redirect(), timeout=10)

    ended = terminal.end()
    assert ended.code == 0
    assert "vale só 7 dias" in ended.text
    assert "Pronto: o Google está conectado" in ended.text
    assert "Pode fechar esta aba" in page.text
    status = terminal.status()
    assert (status.link, status.features) == (Link.CONNECTED, frozenset(Feature))
    assert status.connected_by == "terminal"
    assert terminal.consents() == 0


def test_address_may_be_pasted_from_another_machine(terminal):
    terminal.run("conectar", "--recursos", "agenda, arquivos")
    place = terminal.redirect()

    terminal.type("isto não é um endereço")
    terminal.type("http://[quebrado")
    terminal.type(place)

    ended = terminal.end()
    assert ended.code == 0
    assert "Cole-o inteiro" in ended.text
    assert "Horários livres: não (só o que" in ended.text
    assert terminal.status().features == {Feature.EVENTS, Feature.FILES}
    [asked] = terminal.google.calls("oauth.authorize")
    assert set(asked.query["scope"][0].split()) == {EVENTS, FILES}


def test_what_is_not_of_this_connection_does_not_disturb(terminal):
    terminal.run("conectar")
    place = terminal.redirect()
    base = place.split("?")[0]

    icon = requests.get(f"{base}favicon.ico", timeout=5)
    foreign = requests.get(f"{base}?state=outro&code=x", timeout=5)
    requests.get(place, timeout=10)

    assert icon.status_code == 404
    assert "não é o desta conexão" in foreign.text
    assert terminal.end().code == 0


def test_interrupted_it_leaves_nothing(terminal):
    terminal.run("conectar")
    terminal.url()

    terminal.process.send_signal(signal.SIGINT)

    ended = terminal.end()
    assert ended.code == 130
    assert "Interrompido" in ended.text
    assert "Traceback" not in ended.text
    assert terminal.consents() == 0
    assert terminal.status().link is Link.OFF


def test_denied_permission_is_explained_on_both_sides(terminal):
    terminal.google.oauth.consent.denies = True
    terminal.run("conectar")

    page = requests.get(terminal.redirect(), timeout=10)

    ended = terminal.end()
    assert ended.code == 2
    for text in (ended.text, page.text):
        assert "A permissão não foi dada" in text
    assert terminal.consents() == 0


def test_google_that_does_not_answer_is_explained(terminal):
    terminal.run("conectar")
    place = terminal.redirect()
    terminal.google.fail_next(Fault("error", at="oauth.token"))

    page = requests.get(place, timeout=10)

    ended = terminal.end()
    assert ended.code == 1
    for text in (ended.text, page.text):
        assert "O Google não respondeu" in text


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (("--recursos", "tudo"), {}, "agenda, disponibilidade, arquivos"),
        (("--porta", "oito"), {}, "PORTA deve ser um número"),
        (("--porta", "99999"), {}, "escolha outra"),
        ((), {"TOKEN_KEYS": "curta"}, "TOKEN_KEYS"),
        ((), {"GOOGLE_SERVICE_ACCOUNT_FILE": "nada.json"}, "não existe este arquivo"),
    ],
)
def test_what_is_wrong_is_said_in_portuguese(terminal, arguments, settings, said):
    terminal.run("conectar", *arguments, **settings)

    ended = terminal.end()
    assert ended.code == 2
    assert said in ended.text
    assert "Traceback" not in ended.text


def test_disconnecting_gives_the_permission_back(terminal):
    terminal.run("conectar")
    requests.get(terminal.redirect(), timeout=10)
    terminal.end()
    terminal.printed = ""

    terminal.run("desconectar")

    ended = terminal.end()
    assert ended.code == 0
    assert "Desconectado" in ended.text
    assert "não confirmou" not in ended.text
    assert terminal.status().link is Link.OFF
    assert all(
        each.is_revoked for each in terminal.google.oauth.refresh_tokens.values()
    )


def test_disconnecting_what_is_not_connected_is_fine(terminal):
    terminal.run("desconectar")

    ended = terminal.end()
    assert (ended.code, ended.text) == (0, "O Google não está conectado.\n")

"""The host that hears for another one: `python -m actions.speech.server`.

It speaks OpenAI's route over the same worker processes, so that a host with a graphics
card serves an office whose own machine has none. It keeps nothing: a note lies in a
file only while it is heard.

    POST /v1/audio/transcriptions   file, language, prompt, response_format
    GET  /pronto                    200 once a model is loaded
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import math
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

import structlog
from sanic import Sanic
from sanic.exceptions import PayloadTooLarge, SanicException
from sanic.request import File, Request
from sanic.response import HTTPResponse, json, text

from actions.speech.cleaning import compression
from actions.speech.desk import Desk, Ear
from actions.speech.local import SpeechSettings
from bot.core.errors import SettingsError
from bot.core.logs import configure_logs
from bot.core.settings import Settings, load_settings
from bot.core.speech import Heard, SpeechError, Trouble
from bot.web import serve

App = Sanic[Any, Any]
_ROUTE = "/v1/audio/transcriptions"
_VERBOSE, _JSON, _TEXT = "verbose_json", "json", "text"
_LANGUAGES = frozenset({"", "pt", "pt-br", "portuguese"})
_WAV_BYTES_A_SECOND = 32_000
_OTHER_FIELDS_BYTES = 64 * 1024
_DECODING_S = 60.0
_RETRY_AFTER_S = 5
_MOST_PROMPT = 2000
_STATUS = {
    Trouble.EMPTY: 422,
    Trouble.NOT_AUDIO: 415,
    Trouble.VIDEO: 415,
    Trouble.TOO_LONG: 413,
    Trouble.DAMAGED: 422,
    Trouble.SILENT: 422,
    Trouble.UNCLEAR: 422,
    Trouble.LATE: 504,
    Trouble.BUSY: 503,
    Trouble.OFF: 503,
    Trouble.BROKE: 500,
}
_MESSAGES = {
    Trouble.EMPTY: "O arquivo está vazio ou não tem som.",
    Trouble.NOT_AUDIO: "O arquivo não é um áudio que eu saiba abrir.",
    Trouble.VIDEO: "O arquivo é um vídeo; mande só o áudio.",
    Trouble.TOO_LONG: "O áudio passa da duração máxima (WHISPER_MAX_S).",
    Trouble.DAMAGED: "O áudio está estragado e não pôde ser aberto.",
    Trouble.SILENT: "Ninguém fala neste áudio.",
    Trouble.UNCLEAR: "Há fala neste áudio, mas nada que se entenda.",
    Trouble.LATE: "O prazo para ouvir o áudio acabou (WHISPER_DEADLINE_S).",
    Trouble.BUSY: "A fila está cheia; tente de novo em alguns segundos.",
    Trouble.OFF: "O Whisper não está funcionando agora; veja o registro do servidor.",
    Trouble.BROKE: "O Whisper parou no meio deste áudio; tente de novo.",
}
_STRANGER = "Falta o token (Authorization: Bearer …), ou não é o de WHISPER_TOKEN."
_NOT_HERE = f"Este servidor só atende POST {_ROUTE} e GET /pronto."
log = structlog.get_logger()


def main() -> int:
    """Runs the server until it is told to stop."""
    try:
        settings = load_settings()
        check(settings)
    except SettingsError as error:
        print(f"Configuração errada:\n{error}", file=sys.stderr)  # noqa: T201
        return 2
    configure_logs(settings.log_level)
    app = build_app(settings)
    serve(app, host=settings.whisper_host, port=settings.whisper_port)
    return 0


def check(settings: Settings) -> None:
    """Refuses what would make an open ear of this host, or a deaf one.

    Raises:
        SettingsError: no model is named, or others could use it without a token.
    """
    problems = []
    if not settings.whisper_model:
        problems.append(
            "WHISPER_MODEL: diga o modelo que esta máquina usa, como turbo ou small"
        )
    if not settings.whisper_token and not is_loopback(settings.whisper_host):
        problems.append(
            f"WHISPER_TOKEN: é obrigatório para escutar em {settings.whisper_host}; "
            "ponha o mesmo valor nas duas máquinas (por exemplo, o que "
            "'openssl rand -hex 24' imprime)"
        )
    if problems:
        raise SettingsError(problems)


def is_loopback(host: str) -> bool:
    """Says whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def build_app(settings: Settings, desk: Desk | None = None) -> App:
    """Returns the server; its workers start and end with it.

    Args:
        settings: model, limits, token.
        desk: who hears; None for worker processes of this host.
    """
    desk = desk or open_desk(settings)
    app = Sanic("pocketmkt_whisper", configure_logging=False)
    app.config.TOUCHUP = False  # it rewrites Sanic's own methods for the whole process
    app.config.ACCESS_LOG = False
    app.config.REQUEST_MAX_SIZE = most_bytes(settings)
    app.config.RESPONSE_TIMEOUT = int(2 * settings.whisper_deadline_s + _DECODING_S)

    @app.before_server_start
    async def start(_app: App) -> None:
        await desk.start()

    @app.after_server_stop
    async def stop(_app: App) -> None:
        await desk.stop()

    @app.on_request
    async def admit(request: Request) -> HTTPResponse | None:
        if is_admitted(request, settings.whisper_token):
            return None
        return _error(_STRANGER, status=401)

    @app.get("/pronto")
    async def ready(_request: Request) -> HTTPResponse:
        problem = await desk.problem()
        if problem:
            return _refusal(Trouble.OFF, problem)
        return json({"estado": "ok"})

    @app.post(_ROUTE)
    async def transcribe(request: Request) -> HTTPResponse:
        return await _transcribe(request, desk)

    app.exception(Exception)(_failed)
    return app


def open_desk(settings: Settings) -> Desk:
    """Returns the workers that the settings ask for, not started yet."""
    speech = SpeechSettings.of(settings)
    ears = [Ear(speech) for _ in range(settings.whisper_workers)]
    return Desk(ears, queue=settings.whisper_queue, wait_s=settings.whisper_deadline_s)


def most_bytes(settings: Settings) -> int:
    """Returns how large a request may be: the longest note as WAV, or any file."""
    longest = int(settings.whisper_max_s * _WAV_BYTES_A_SECOND)
    return max(longest, settings.media_max_mb << 20) + _OTHER_FIELDS_BYTES


def is_admitted(request: Request, token: str) -> bool:
    """Says whether a request shows the token, where one is asked for."""
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    is_right = hmac.compare_digest(given.strip().encode(), token.encode())
    return not token or (is_right and kind.lower() == "bearer")


async def _transcribe(request: Request, desk: Desk) -> HTTPResponse:
    kind = _field(request, "response_format") or _JSON
    sent = request.files.get("file") if request.files else None
    if not isinstance(sent, File):
        return _error("Falta o campo 'file' com o áudio.")
    if kind not in {_VERBOSE, _JSON, _TEXT}:
        return _error(f"response_format: use {_JSON}, {_VERBOSE} ou {_TEXT}.")
    if _field(request, "language").lower() not in _LANGUAGES:
        return _error("language: este servidor só ouve português (pt).")
    try:
        with tempfile.NamedTemporaryFile(prefix="audio-") as file:
            await asyncio.to_thread(_fill, file, sent.body)
            heard = await desk.hear(
                Path(file.name), _field(request, "prompt")[:_MOST_PROMPT]
            )
    except SpeechError as error:
        log.info("note_unheard", trouble=error.trouble.value)
        return _refusal(error.trouble)
    log.info("note_heard", audio_s=round(heard.audio_s), took_s=round(heard.took_s, 1))
    return _transcript(heard, kind)


async def _failed(_request: Request, error: Exception) -> HTTPResponse:
    if isinstance(error, PayloadTooLarge):
        return _refusal(Trouble.TOO_LONG)
    if isinstance(error, SanicException):
        return _error(_NOT_HERE, status=error.status_code)
    log.error("whisper_server_failed", kind=type(error).__name__)
    return _refusal(Trouble.BROKE)


def _fill(file: IO[bytes], content: bytes) -> None:
    file.write(content)
    file.flush()


def _field(request: Request, name: str) -> str:
    value = request.form.get(name) if request.form else None
    return value.strip() if isinstance(value, str) else ""


def _transcript(heard: Heard, kind: str) -> HTTPResponse:
    if kind == _TEXT:
        return text(heard.text + "\n")
    if kind == _JSON:
        return json({"text": heard.text}, ensure_ascii=False)
    segment = {
        "id": 0,
        "seek": 0,
        "start": 0.0,
        "end": heard.audio_s,
        "text": heard.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": math.log(max(heard.confidence, 1e-6)),
        "no_speech_prob": 0.0,
        "compression_ratio": compression(heard.text),
    }
    body = {
        "task": "transcribe",
        "language": "portuguese",
        "duration": heard.audio_s,
        "text": heard.text,
        "segments": [segment],
        "fala_s": heard.speech_s,
        "danificado": heard.is_damaged,
        "motor": heard.engine,
    }
    return json(body, ensure_ascii=False)


def _refusal(trouble: Trouble, message: str = "") -> HTTPResponse:
    answer = _error(
        message or _MESSAGES[trouble], status=_STATUS[trouble], reason=trouble.value
    )
    if trouble is Trouble.BUSY:
        answer.headers["Retry-After"] = str(_RETRY_AFTER_S)
    return answer


def _error(message: str, *, status: int = 400, reason: str = "") -> HTTPResponse:
    """Returns an error in our own form and in OpenAI's.

    Example:
        {"erro": {"motivo": "muitos", "mensagem": "…"}, "error": {"message": "…"}}
    """
    body = {
        "erro": {"motivo": reason, "mensagem": message},
        "error": {"message": message, "type": reason or "request"},
    }
    return json(body, status=status, ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main())

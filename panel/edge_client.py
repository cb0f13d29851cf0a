"""The edge as the panel sees it: its state, and a message through it.

This is the one place where HTTP and JSON failures become our errors. The API
token is used here and goes nowhere else.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp

from bot.core.api_limits import UPLOAD_DEADLINE_S, answer_wait_s
from bot.core.errors import DependencyError, UserInputError
from bot.core.settings import Settings

_CONNECT_S = 2.0
_HTTP_OK = 200
_HTTP_BAD_REQUEST = 400
_HTTP_UNAUTHORIZED = 401
_HTTP_FORBIDDEN = 403
_HTTP_SERVER_ERROR = 500
_HTTP_GATEWAY_TIMEOUT = 504


class EdgeUnavailable(DependencyError):
    """The edge cannot be reached, or answers nothing that can be read."""


class EdgeTimeout(EdgeUnavailable):
    """The edge did not answer in time; it may have taken the message."""


class EdgeRefused(UserInputError):
    """The edge refused the message; the text and the field are its own."""


@dataclass(frozen=True)
class EdgeDeadlines:
    """How long the panel waits for the edge."""

    health_s: float = 3.0
    answer_margin_s: float = 5.0
    """Added to API_WAIT_S, so that the edge's own apology arrives first."""


@dataclass(frozen=True)
class DependencyReport:
    """What the edge says of one dependency."""

    state: str
    """`ok`, `fora`, `nao_configurado`, `desconhecido`, or a later word."""
    detail: str = ""
    latency_ms: float | None = None
    since: str | float | None = None
    """ISO 8601 or seconds since 1970, where the edge knows it."""


@dataclass(frozen=True)
class HealthReport:
    """What `GET /saude` says, with missing keys filled in."""

    state: str
    accepts_messages: bool
    dependencies: Mapping[str, DependencyReport]
    version: str
    latency_ms: float
    """Of this very request."""


@dataclass(frozen=True)
class Message:
    """One bubble of an answer."""

    text: str
    options: tuple[str, ...] = ()
    """Titles of the buttons, in order."""


@dataclass(frozen=True)
class Voice:
    """What a voice note turned out to say."""

    text: str = ""
    """"" where it was not heard."""
    confidence: float | None = None
    """0-1."""
    audio_s: float | None = None
    """How long it is."""
    reason: str = ""
    """Why it was not heard, in the edge's word, as `sem_fala`; "" where it was."""


@dataclass(frozen=True)
class Answer:
    """What `POST /processar_atendimento` answers, with what it took."""

    messages: tuple[Message, ...]
    flow: str
    profile: str
    answered_by: str
    confidence: float | None
    """0-1; None where the edge gives none."""
    took_ms: float
    voice: Voice | None = None
    """Where a voice note was sent."""


@dataclass(frozen=True)
class EdgeClient:
    """Talks to the edge; holds one HTTP session that `open_edge` closes."""

    http: aiohttp.ClientSession = field(repr=False)
    base_url: str
    api_token: str = field(repr=False)
    health_timeout_s: float
    answer_timeout_s: float
    audio_timeout_s: float
    """For the answer to a voice note, which must be heard first."""

    async def health(self) -> HealthReport:
        """Asks for the state of everything.

        Raises:
            EdgeUnavailable: no answer, or none that can be read.
        """
        started = time.perf_counter()
        _, body = await self._call("GET", "/saude", timeout_s=self.health_timeout_s)
        return _health(body, latency_ms=(time.perf_counter() - started) * 1000)

    async def ask(self, *, phone: str, text: str, name: str = "") -> Answer:
        """Sends a message as if `phone` had written it, and waits.

        Raises:
            EdgeRefused: the message or the number is not acceptable.
            EdgeTimeout: no answer in time; the message may have been taken.
            EdgeUnavailable: the edge is down, or failed.
        """
        request = {"telefone": phone, "mensagem": text}
        if name:
            request["nome"] = name
        return await self._ask(timeout_s=self.answer_timeout_s, json=request)

    async def ask_by_voice(
        self, *, phone: str, audio: bytes, file_name: str, name: str = ""
    ) -> Answer:
        """Sends a voice note as if `phone` had recorded it, and waits.

        Raises:
            EdgeRefused: the sound or the number is not acceptable.
            EdgeTimeout: no answer in time; the note may have been taken.
            EdgeUnavailable: the edge is down, or failed.
        """
        form = aiohttp.FormData()
        form.add_field("telefone", phone)
        form.add_field("nome", name)
        form.add_field("audio", io.BytesIO(audio), filename=file_name or "audio")
        answer = await self._ask(timeout_s=self.audio_timeout_s, data=form)
        return replace(answer, voice=answer.voice or Voice())

    async def _ask(self, *, timeout_s: float, **body_options: Any) -> Answer:
        started = time.perf_counter()
        status, body = await self._call(
            "POST",
            "/processar_atendimento",
            timeout_s=timeout_s,
            headers={"Authorization": f"Bearer {self.api_token}"},
            **body_options,
        )
        if status != _HTTP_OK:
            raise _refusal(status, body)
        return _answer(body, took_ms=(time.perf_counter() - started) * 1000)

    async def _call(
        self, method: str, path: str, *, timeout_s: float, **options: Any
    ) -> tuple[int, Mapping[str, Any]]:
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=_CONNECT_S)
        try:
            async with self.http.request(
                method,
                self.base_url + path,
                timeout=timeout,
                allow_redirects=False,
                **options,
            ) as response:
                body = json.loads(await response.read())
        except aiohttp.ConnectionTimeoutError as error:
            raise EdgeUnavailable(_OUT, retryable=True) from error
        except TimeoutError as error:
            raise EdgeTimeout(
                f"A resposta não chegou em {timeout_s:.0f} segundos. A mensagem "
                "pode ter sido recebida: espere um pouco antes de enviar de novo.",
                retryable=False,
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise EdgeUnavailable(_OUT, retryable=True) from error
        except ValueError as error:
            raise EdgeUnavailable(_UNREADABLE, retryable=True) from error
        if not isinstance(body, dict):
            raise EdgeUnavailable(_UNREADABLE, retryable=True)
        return response.status, body


_OUT = "A borda não respondeu: ela está fora do ar ou ainda está começando."
_UNREADABLE = "A borda respondeu algo que o painel não sabe ler."
_NOT_AUTHORIZED = (
    "A borda não aceitou o token do painel. Reinicie os dois: eles precisam ler o "
    "mesmo API_TOKEN."
)


@contextlib.asynccontextmanager
async def open_edge(
    settings: Settings, deadlines: EdgeDeadlines
) -> AsyncIterator[EdgeClient]:
    """Opens the client of this process and closes it at the end."""
    margin_s = deadlines.answer_margin_s
    async with aiohttp.ClientSession() as http:
        yield EdgeClient(
            http=http,
            base_url=settings.edge_url,
            api_token=settings.api_token,
            health_timeout_s=deadlines.health_s,
            answer_timeout_s=answer_wait_s(settings, is_audio=False) + margin_s,
            audio_timeout_s=longest_wait_s(settings, deadlines),
        )


def longest_wait_s(settings: Settings, deadlines: EdgeDeadlines) -> float:
    """Returns how long the panel waits at most for an answer, seconds."""
    answer_s = answer_wait_s(settings, is_audio=True)
    return UPLOAD_DEADLINE_S + answer_s + deadlines.answer_margin_s


def _refusal(status: int, body: Mapping[str, Any]) -> EdgeRefused | EdgeUnavailable:
    if status in {_HTTP_UNAUTHORIZED, _HTTP_FORBIDDEN}:
        return EdgeUnavailable(_NOT_AUTHORIZED, retryable=False)
    error = body.get("erro")
    error = error if isinstance(error, dict) else {}
    message = _text(error.get("mensagem"))
    if _HTTP_BAD_REQUEST <= status < _HTTP_SERVER_ERROR and message:
        return EdgeRefused(message, field=_text(error.get("campo")))
    if status == _HTTP_GATEWAY_TIMEOUT and message:
        return EdgeTimeout(message, retryable=False)
    return EdgeUnavailable(message or _UNREADABLE, retryable=True)


def _health(body: Mapping[str, Any], *, latency_ms: float) -> HealthReport:
    found = body.get("dependencias")
    dependencies = found.items() if isinstance(found, dict) else ()
    accepts = body.get("aceita_mensagens")
    state = _text(body.get("estado")) or "desconhecido"
    return HealthReport(
        state=state,
        accepts_messages=accepts if isinstance(accepts, bool) else state != "fora",
        dependencies={str(name): _dependency(said) for name, said in dependencies},
        version=_text(body.get("versao")),
        latency_ms=latency_ms,
    )


def _dependency(said: Any) -> DependencyReport:
    if isinstance(said, str):
        return DependencyReport(state=said)
    if not isinstance(said, dict):
        return DependencyReport(state="desconhecido")
    since = said.get("desde")
    return DependencyReport(
        state=_text(said.get("estado")) or "desconhecido",
        detail=_text(said.get("detalhe")),
        latency_ms=_number(said.get("latencia_ms")),
        since=since if isinstance(since, str) else _number(since),
    )


def _answer(body: Mapping[str, Any], *, took_ms: float) -> Answer:
    found = body.get("mensagens")
    messages = [_message(said) for said in found] if isinstance(found, list) else []
    kept = tuple(said for said in messages if said.text or said.options)
    whole = _text(body.get("resposta"))
    return Answer(
        messages=kept or ((Message(whole),) if whole else ()),
        flow=_text(body.get("fluxo")),
        profile=_text(body.get("tipo_usuario")),
        answered_by=_text(body.get("quem_respondeu")),
        confidence=_number(body.get("confianca")),
        took_ms=took_ms,
        voice=_voice(body.get("transcricao")),
    )


def _voice(said: Any) -> Voice | None:
    if not isinstance(said, dict):
        return None
    return Voice(
        text=_text(said.get("texto")),
        confidence=_number(said.get("confianca")),
        audio_s=_number(said.get("segundos")),
        reason=_text(said.get("motivo")),
    )


def _message(said: Any) -> Message:
    if not isinstance(said, dict):
        return Message(_text(said))
    text = said.get("texto", said.get("text"))
    options = said.get("botoes", said.get("opcoes", said.get("buttons")))
    titles = [_title(option) for option in options] if isinstance(options, list) else []
    return Message(_text(text), tuple(title for title in titles if title))


def _title(option: Any) -> str:
    if isinstance(option, dict):
        return _text(option.get("titulo", option.get("title")))
    return _text(option)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None

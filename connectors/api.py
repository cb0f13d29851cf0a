"""`POST /processar_atendimento`: a message in, its answer in the response.

The message lives the same life as one from WhatsApp (inbox, turn, outbox); only
its answer is returned here instead of being sent through Twilio.
"""

from __future__ import annotations

import asyncio
import hmac
import time
import uuid
from typing import Any

import structlog
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse
from sqlalchemy.exc import SQLAlchemyError

from bot.core.api_limits import answer_wait_s, max_audio_bytes
from bot.core.errors import UserInputError
from bot.core.phones import address_of
from bot.store import inbox, transcripts
from bot.store.inbox import InboundMessage
from connectors.api_audio import (
    AudioNotStored,
    attachment_of,
    forget_unless_accepted,
    shape,
    store_audio,
)
from connectors.api_requests import (
    MAX_BODY_BYTES,
    Asked,
    RefusedRequest,
    read_request,
)
from connectors.media_files import StoredMedia
from connectors.replies import json_reply, refusal
from connectors.services import ChannelServices

_ACCOUNT = "api"
_AUDIO = "audio"
log = structlog.get_logger()


def build_api(services: ChannelServices) -> Blueprint:
    """Returns the blueprint with the office's own API."""
    blueprint = Blueprint("api")
    desk = _Desk(services)

    # streamed: only who has the token may send much, and only here
    @blueprint.post("/processar_atendimento", stream=True)
    async def process(request: Request) -> HTTPResponse:
        try:
            _check_token(request, services.settings.api_token)
            return await desk.process(request)
        except RefusedRequest as error:
            return refusal(str(error), status=error.status, field=error.field)
        except UserInputError as error:
            return refusal(str(error), status=422, field=error.field)
        except AudioNotStored:
            return refusal(
                "Não consegui guardar o áudio nesta máquina: confira o disco e a pasta "
                "de MEDIA_DIR, e tente de novo.",
                status=503,
            )
        except SQLAlchemyError as error:
            log.error("inbox_unavailable", kind=type(error).__name__)
            return refusal(
                "Banco de dados fora do ar. Tente de novo em instantes.", status=503
            )

    return blueprint


def _check_token(request: Request, token: str) -> None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    is_bearer = scheme.lower() == "bearer"
    sent = given.strip().encode(errors="surrogateescape")  # headers may hold any byte
    is_right = hmac.compare_digest(sent, token.encode())
    if not (token and is_bearer and is_right):
        raise RefusedRequest(
            "Token ausente ou errado. Envie Authorization: Bearer e o API_TOKEN.",
            status=401,
            field="Authorization",
        )


class _Desk:
    """Takes messages and waits for their answers."""

    def __init__(self, services: ChannelServices) -> None:
        self._services = services
        self._slots = asyncio.Semaphore(services.settings.media_parallel)
        """So many large bodies are in memory at once."""

    async def process(self, request: Request) -> HTTPResponse:
        """Returns the answer to the message that a request brings."""
        started, settings = time.monotonic(), self._services.settings
        if _is_small(request):
            accepted, kind = await self._take(request)
        else:
            async with self._slots:
                accepted, kind = await self._take(request)
        self._services.wake.there(settings.rasa_port)
        self._services.wake.here()
        is_audio = kind == _AUDIO
        if is_audio:
            self._services.wake.there(settings.actions_port)
        wait_s = answer_wait_s(settings, is_audio=is_audio)
        answer = await self._answer(accepted, until=started + wait_s)
        if answer is None:
            log.warning("api_wait_exceeded", inbox_id=accepted.inbox_id)
            return refusal(
                "Sua mensagem está guardada, mas a resposta está demorando. "
                "Não a envie de novo; consulte a conversa no painel.",
                status=504,
            )
        said = _shape(answer)
        if is_audio:
            heard = await self._services.read(
                lambda c: transcripts.of_message(c, accepted.inbox_id)
            )
            said["transcricao"] = shape(heard)
        return json_reply(said)

    async def _take(self, request: Request) -> tuple[inbox.Accepted, str]:
        """Stores the message of a request, its sound first; returns its kind too."""
        services = self._services
        asked = await read_request(
            request, max_audio_bytes=max_audio_bytes(services.settings)
        )
        stored = None
        if asked.audio is not None:
            stored = await store_audio(services, asked.audio, file_name=asked.file_name)
        message = _message(asked, stored)
        try:
            accepted = await services.write_soon(
                lambda c: inbox.accept(
                    c,
                    message,
                    now=time.time(),
                    rules=inbox.Rules.of(services.settings),
                )
            )
        except SQLAlchemyError as error:
            if stored is not None:
                await forget_unless_accepted(services, message, stored, error)
            raise
        return accepted, message.kind

    async def _answer(
        self, accepted: inbox.Accepted, *, until: float
    ) -> inbox.Answer | None:
        """Returns the answer to a message, or None where it takes too long."""
        wake = self._services.wake
        while time.monotonic() < until:
            ticket = wake.ticket()
            answer = await self._services.read(
                lambda c: inbox.answer_to(c, accepted.inbox_id)
            )
            if answer is not None:
                return answer
            await wake.wait(ticket)
        return None


def _is_small(request: Request) -> bool:
    length = request.headers.get("content-length", "")
    return length.isdecimal() and int(length) <= MAX_BODY_BYTES


def _message(asked: Asked, stored: StoredMedia | None) -> InboundMessage:
    return InboundMessage(
        message_sid=f"API{uuid.uuid4().hex}",
        account_sid=_ACCOUNT,
        address=address_of(asked.phone),
        text=asked.text,
        source="api",
        kind=_AUDIO if stored else "text",
        display_name=asked.name,
        attachments=(attachment_of(stored),) if stored else (),
    )


def _shape(answer: inbox.Answer) -> dict[str, Any]:
    return {
        "resposta": "\n\n".join(answer.texts),
        "fluxo": answer.flow,
        "tipo_usuario": answer.profile,
        "mensagens": list(answer.texts),
        "confianca": answer.confidence,
        "quem_respondeu": answer.answered_by,
    }

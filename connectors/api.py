"""`POST /processar_atendimento`: a message in, its answer in the response.

The message lives the same life as one from WhatsApp (inbox, turn, outbox); only
its answer is returned here instead of being sent through Twilio.
"""

from __future__ import annotations

import hmac
import json
import time
import uuid
from typing import Any

import structlog
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse
from sqlalchemy.exc import SQLAlchemyError

from bot.core.errors import UserInputError
from bot.core.phones import address_of, parse_phone
from bot.core.texts import clean
from bot.store import inbox
from connectors.replies import json_reply, refusal
from connectors.services import ChannelServices

MAX_BODY_BYTES = 64 * 1024
MAX_TEXT_CHARS = 4096
MAX_NAME_CHARS = 200
_ACCOUNT = "api"
log = structlog.get_logger()


class RefusedRequest(UserInputError):
    """A request that is answered with a 4xx; `status` is which."""

    def __init__(self, message: str, *, status: int, field: str = "") -> None:
        super().__init__(message, field=field)
        self.status = status


def build_api(services: ChannelServices) -> Blueprint:
    """Returns the blueprint with the office's own API."""
    blueprint = Blueprint("api")

    @blueprint.post("/processar_atendimento")
    async def process(request: Request) -> HTTPResponse:
        try:
            _check_token(request, services.settings.api_token)
            message = read_request(request)
        except RefusedRequest as error:
            return refusal(str(error), status=error.status, field=error.field)
        except UserInputError as error:
            return refusal(str(error), status=422, field=error.field)
        try:
            return await _ask(message, services)
        except SQLAlchemyError as error:
            log.error("inbox_unavailable", kind=type(error).__name__)
            return refusal(
                "Banco de dados fora do ar. Tente de novo em instantes.", status=503
            )

    return blueprint


def read_request(request: Request) -> inbox.InboundMessage:
    """Returns the message of a request.

    Example:
        {"telefone": "+5511987654321", "mensagem": "vocês abrem sábado?"}

    Raises:
        RefusedRequest: too large, no JSON, or of another type.
        UserInputError: a field is missing or wrong; `field` names it.
    """
    if len(request.body) > MAX_BODY_BYTES:
        raise RefusedRequest(
            "Pedido grande demais: a mensagem tem no máximo 4096 caracteres.",
            status=413,
            field="mensagem",
        )
    content_type = request.headers.get("content-type", "").split(";")[0].strip()
    if content_type.lower() != "application/json":
        raise RefusedRequest(
            "Envie JSON, com Content-Type: application/json.",
            status=415,
            field="Content-Type",
        )
    try:
        body = json.loads(request.body.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise RefusedRequest(
            'JSON inválido. Exemplo: {"telefone": "+5511987654321", "mensagem": "oi"}.',
            status=400,
        ) from error
    if not isinstance(body, dict):
        raise RefusedRequest("O JSON deve ser um objeto.", status=400)
    phone = parse_phone(_text(body, "telefone", longest=40))
    return inbox.InboundMessage(
        message_sid=f"API{uuid.uuid4().hex}",
        account_sid=_ACCOUNT,
        address=address_of(phone),
        text=_text(body, "mensagem", longest=MAX_TEXT_CHARS),
        source="api",
        display_name=_text(body, "nome", longest=MAX_NAME_CHARS, is_required=False),
    )


def _text(
    body: dict[str, Any], field: str, *, longest: int, is_required: bool = True
) -> str:
    value = body.get(field)
    if value is None and not is_required:
        return ""
    if value is None:
        raise UserInputError(f"Falta o campo {field}.", field=field)
    if not isinstance(value, str):
        raise UserInputError(f"O campo {field} deve ser um texto.", field=field)
    if len(value) > longest:
        raise UserInputError(
            f"O campo {field} tem no máximo {longest} caracteres.", field=field
        )
    cleaned = clean(value).strip()
    if not cleaned and is_required:
        raise UserInputError(f"O campo {field} está vazio.", field=field)
    return cleaned


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


async def _ask(
    message: inbox.InboundMessage, services: ChannelServices
) -> HTTPResponse:
    started = time.monotonic()
    accepted = await services.write_soon(
        lambda connection: inbox.accept(
            connection,
            message,
            now=time.time(),
            rules=inbox.Rules.of(services.settings),
        )
    )
    services.wake.there(services.settings.rasa_port)
    services.wake.here()
    deadline = started + services.settings.api_wait_s
    while time.monotonic() < deadline:
        ticket = services.wake.ticket()
        answer = await services.read(
            lambda connection: inbox.answer_to(connection, accepted.inbox_id)
        )
        if answer is not None:
            return json_reply(_shape(answer))
        await services.wake.wait(ticket)
    log.warning("api_wait_exceeded", inbox_id=accepted.inbox_id)
    return refusal(
        "Sua mensagem está guardada, mas a resposta está demorando. "
        "Não a envie de novo; consulte a conversa no painel.",
        status=504,
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

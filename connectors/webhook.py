"""`POST /twilio/webhook` and `/twilio/status`: verify, store, acknowledge.

Served by the edge in production and by the Rasa channel under a bare
`rasa run`; both versions of Sanic run it. Nothing here understands a message:
once it is stored, Twilio gets its answer.
"""

from __future__ import annotations

import time

import structlog
from multidict import MultiDict
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse
from sqlalchemy.exc import SQLAlchemyError

from bot.core.errors import UserInputError
from bot.store import inbox, outbox
from bot.store.inbox import Rules
from connectors.payload import is_inbound, read_message
from connectors.replies import refusal, twiml
from connectors.services import ChannelServices
from connectors.signature import UnreadableBodyError, is_signed, parse_form

MAX_BODY_BYTES = 64 * 1024
log = structlog.get_logger()


def build_webhook(services: ChannelServices) -> Blueprint:
    """Returns the blueprint with Twilio's two routes."""
    blueprint = Blueprint("twilio_webhook")

    @blueprint.post("/twilio/webhook")
    async def receive(request: Request) -> HTTPResponse:
        form = _verified_form(request, services)
        if isinstance(form, HTTPResponse):
            return form
        return await _store(form, services)

    @blueprint.post("/twilio/status")
    async def follow(request: Request) -> HTTPResponse:
        form = _verified_form(request, services)
        if isinstance(form, HTTPResponse):
            return form
        return await _follow(form, request.args.get("o", ""), services)

    return blueprint


def _verified_form(
    request: Request, services: ChannelServices
) -> MultiDict[str] | HTTPResponse:
    settings = services.settings
    if len(request.body) > MAX_BODY_BYTES:
        return refusal("Corpo maior que 64 KiB.", status=413)
    if not settings.twilio_auth_tokens:
        log.warning("webhook_refused", reason="twilio_not_configured")
        return refusal(
            "O Twilio ainda não foi configurado: preencha TWILIO_AUTH_TOKEN.",
            status=403,
        )
    try:
        form = parse_form(request.body)
    except UnreadableBodyError:
        return refusal("O corpo não é um formulário do Twilio.", status=400)
    query = f"?{request.query_string}" if request.query_string else ""
    url = f"{settings.public_base_url}{request.path}{query}"
    signature = request.headers.get("x-twilio-signature", "")
    if not is_signed(url, form, signature, tokens=settings.twilio_auth_tokens):
        log.warning("webhook_refused", reason="signature")
        return refusal("Assinatura do Twilio ausente ou errada.", status=403)
    account = settings.twilio_account_sid
    if account and form.get("AccountSid") != account:
        log.warning("webhook_refused", reason="account")
        return refusal("Mensagem de outra conta Twilio.", status=403)
    return form


async def _store(form: MultiDict[str], services: ChannelServices) -> HTTPResponse:
    if not is_inbound(form):
        return twiml()  # a status callback sent to the wrong address: acknowledged
    try:
        message = read_message(form)
    except UserInputError as error:
        return refusal(str(error), status=400, field=error.field)
    try:
        accepted = await services.write_soon(
            lambda connection: inbox.accept(
                connection,
                message,
                now=time.time(),
                rules=Rules.of(services.settings),
            )
        )
    except SQLAlchemyError as error:
        log.error("inbox_unavailable", kind=type(error).__name__)
        return refusal("Banco de dados fora do ar; tente de novo.", status=503)
    if accepted.is_new:
        services.wake.there(services.settings.rasa_port)
        services.wake.here()
    log.info(
        "message_received",
        inbox_id=accepted.inbox_id,
        kind=message.kind,
        is_new=accepted.is_new,
    )
    return twiml()


async def _follow(
    form: MultiDict[str], token: str, services: ChannelServices
) -> HTTPResponse:
    status = form.get("MessageStatus", form.get("SmsStatus", ""))
    try:
        moved = await services.write_soon(
            lambda connection: outbox.follow(
                connection,
                token=token,
                provider_sid=form.get("MessageSid", ""),
                status=status,
                error_code=form.get("ErrorCode", ""),
                now=time.time(),
            )
        )
    except SQLAlchemyError as error:
        log.error("outbox_unavailable", kind=type(error).__name__)
        return refusal("Banco de dados fora do ar; tente de novo.", status=503)
    if moved:
        services.wake.here()  # what failed may be sent anew
    code = form.get("ErrorCode", "")
    log.info("status_received", status=status, code=code, moved=moved)
    return HTTPResponse(status=204)

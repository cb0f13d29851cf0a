"""The Rasa channel: takes claimed messages through Rasa, collects the answers.

The only file outside `bot/` that imports Rasa. It also mounts the public routes,
so that `rasa run` alone serves them; in production the edge does.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse

from bot.core.names import AnsweredBy
from bot.core.office import zone_in
from bot.core.schedule import ZONE
from bot.core.settings import ROOT, Settings, load_settings
from bot.store import media
from bot.store.database import open_engine
from bot.store.effects import parse
from bot.store.migrate import upgrade
from bot.store.turns import Outgoing, Turn
from bot.wake import WakeUp
from connectors.api import build_api
from connectors.backfill import Backfill
from connectors.direct_answers import (
    Reading,
    answer_without_rasa,
    notices_of,
    parsed_beforehand,
    read,
    words_for_rasa,
)
from connectors.payload import is_forwarded, place_of
from connectors.replies import json_reply
from connectors.sender import TwilioSender
from connectors.services import ChannelServices
from connectors.turn_worker import TurnWorker
from connectors.twilio_client import TwilioClient
from connectors.webhook import build_webhook

log = structlog.get_logger()
OnNewMessage = Callable[[UserMessage], Awaitable[Any]]


class UnsafeTrackerStoreError(Exception):
    """Rasa fell back to a store that would lose conversations."""


class WhatsAppChannel(InputChannel):
    """WhatsApp and the office's API, as one input channel."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @classmethod
    def name(cls) -> str:
        """Names the channel in trackers."""
        return "whatsapp"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> WhatsAppChannel:
        """Builds the channel; settings come from the environment and `.env`."""
        return cls(load_settings())

    def url_prefix(self) -> str:
        """Mounts the routes at the root (a leading slash leaves /webhooks/)."""
        return "/"

    def blueprint(self, on_new_message: OnNewMessage) -> Any:
        """Returns the routes, with the worker that starts and stops beside them."""
        settings = self._settings
        _keep_words_out_of_logs()
        engine = open_engine(settings.database_url)
        upgrade(engine)
        zone = zone_in(ROOT / settings.office_file)
        services = ChannelServices(settings, engine, WakeUp(settings.rasa_port), zone)
        worker = TurnWorker(services, _answer_with(services, on_new_message))
        sender = TwilioSender(services)
        client = TwilioClient(settings)
        backfill = Backfill(services, client)
        own = Blueprint("rasa_channel")

        @own.get("/pronto")
        async def ready(request: Request) -> HTTPResponse:
            is_ready = worker.is_alive and request.app.ctx.agent.is_ready()
            state = "ok" if is_ready else "fora"
            return json_reply({"estado": state}, status=200 if is_ready else 503)

        @own.listener("after_server_start")
        async def start(app: Any, _loop: object) -> None:
            _refuse_unsafe_store(app.ctx.agent)
            await services.wake.open()
            worker.start()
            if settings.rasa_standalone:
                await sender.start()
                await client.open()
                await backfill.start()

        @own.listener("before_server_stop")
        async def stop(_app: Any, _loop: object) -> None:
            await worker.stop()
            await backfill.stop()
            await client.close()
            await sender.stop()
            services.wake.close()

        return Blueprint.group(own, build_webhook(services), build_api(services))


def _keep_words_out_of_logs() -> None:
    """Silences what Rasa writes at DEBUG: messages, names and slots, in full.

    `LOG_LEVEL` is ours and Rasa's at once.
    """
    logger = logging.getLogger("rasa")
    logger.setLevel(max(logger.getEffectiveLevel(), logging.INFO))


def _refuse_unsafe_store(agent: Any) -> None:
    """Stops a start in which Rasa quietly took a store in memory.

    Rasa answers an import error of a custom store with a warning only.
    """
    wrapped = getattr(agent.tracker_store, "_tracker_store", agent.tracker_store)
    if type(wrapped).__name__ != "TransactionalTrackerStore":
        raise UnsafeTrackerStoreError(
            "endpoints.yml must name bot.runtime.tracker_store."
            f"TransactionalTrackerStore; Rasa uses {type(wrapped).__name__}"
        )


def _answer_with(
    services: ChannelServices, on_new_message: OnNewMessage
) -> Callable[[Turn], Awaitable[None]]:
    async def answer(turn: Turn) -> None:
        zone = services.zone
        reading = await services.read(
            lambda connection: read(connection, turn, services.settings, zone)
        )
        turn.notices = notices_of(turn, services.settings, now=time.time(), zone=zone)
        if await answer_without_rasa(turn, reading, services):
            return
        await on_new_message(message_for_rasa(turn, reading, zone))

    return answer


def message_for_rasa(turn: Turn, reading: Reading, zone: ZoneInfo) -> UserMessage:
    """Returns a message as Rasa gets it, with what was found out beforehand.

    `transcricao` says how a voice note was heard, and whether the person confirmed it.
    """
    reminder, said = reading.reminder, reading.hearing.said
    return UserMessage(
        text=words_for_rasa(said, reading.choice),
        output_channel=CollectingChannel(turn),
        sender_id=turn.conversation_id,
        parse_data=parsed_beforehand(said, reading.choice, reminder),
        input_channel=WhatsAppChannel.name(),
        message_id=str(turn.inbox_id),
        metadata={
            **metadata_of(said, zone),
            "transcricao": reading.hearing.facts,
            "citada": reading.quoted_text,
            "lembrete": reminder.to_json() if reminder else None,
        },
    )


def metadata_of(turn: Turn, zone: ZoneInfo = ZONE) -> dict[str, Any]:
    """Returns what Rasa's components and the actions know of a message.

    `agora` has the offset of the office's zone, by which days and hours are read.
    """
    place = place_of(turn.payload)
    return {
        "tipo_usuario": turn.profile.value,
        "nome": turn.person_name,
        "tipo": turn.kind,
        "canal": turn.source,
        "agora": datetime.fromtimestamp(turn.received_at, zone).isoformat(),
        "encaminhada": is_forwarded(turn.payload),
        "local": list(place) if place else None,
        "anexos": [
            {
                "id": each.id,
                "tipo": each.media_type,
                "nome": each.original_name,
                "estado": each.status,
            }
            for each in turn.attachments
            if each.status in {media.KEPT, media.PENDING}
        ],
    }


class CollectingChannel(OutputChannel):
    """Collects what Rasa says into the turn; nothing leaves from here."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    @classmethod
    def name(cls) -> str:
        """Names the channel for responses that differ by channel."""
        return "whatsapp"

    async def send_text_message(
        self, recipient_id: str, text: str, **kwargs: Any
    ) -> None:
        """Collects a text and the effects that the action attached to it."""
        self._collect(text, (), kwargs)

    async def send_text_with_buttons(
        self,
        recipient_id: str,
        text: str,
        buttons: list[dict[str, Any]],
        **kwargs: Any,
    ) -> None:
        """Collects a text with its choices, copied: Rasa keeps the dicts."""
        choices = tuple(
            {
                "title": str(item["title"]),
                "payload": str(item.get("payload", "")),
                "type": str(item.get("type", "")),
            }
            for item in buttons
        )
        self._collect(text, choices, kwargs)

    async def send_custom_json(
        self, recipient_id: str, json_message: dict[str, Any], **kwargs: Any
    ) -> None:
        """Collects the effects of an utterance that has no text."""
        self._collect("", (), json_message)

    def _collect(
        self, text: str, buttons: tuple[dict[str, str], ...], extra: dict[str, Any]
    ) -> None:
        of_response = (extra.get("metadata") or {}).get("efeitos")  # domain.yml
        for raw in (*(of_response or ()), *(extra.get("efeitos") or ())):
            self._turn.effects.append(parse(raw))
        if not text.strip():
            return
        who = extra.get("quem_respondeu")
        self._turn.outgoing.append(
            Outgoing(
                text=text.strip(),
                answered_by=AnsweredBy(who) if who else None,
                flow=extra.get("fluxo"),
                buttons=buttons,
            )
        )

"""Sends outbox rows through Twilio's Messages API, each of them once.

Twilio's Messages API has no idempotency key. A send whose outcome is not known
(time-out, 5xx, a crash) is therefore never repeated blindly: the reconciler looks
for the message first, and repeats it only where it is certainly not there.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable

import structlog
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from bot.store import outbox
from bot.store.outbox import ClaimedAnswer
from connectors.patience import PatienceNotice
from connectors.reconciler import Reconciler
from connectors.services import ChannelServices
from connectors.twilio_client import (
    Accepted,
    Refused,
    SendResult,
    TryAgain,
    TwilioClient,
)
from connectors.typing import TypingIndicator

_AT_ONCE = 8
_IDLE_S = 1.0
_SHORTEST_WAIT_S = 0.01
_MARGIN_S = 1
_LONGEST_RETRY_S = 300
_MOST_DOUBLINGS = 9
log = structlog.get_logger()

Settle = Callable[[Connection], None]


class TwilioSender:
    """Takes answers from the outbox while it runs, and sees each to its end.

    Its client, reconciler, typing indicator and patience notice start and stop with it.
    """

    def __init__(
        self, services: ChannelServices, *, clock: Callable[[], float] = time.time
    ) -> None:
        """Prepares a sender; `start` begins.

        Args:
            services: settings, database and wake-ups.
            clock: UTC seconds.
        """
        settings = services.settings
        self._services = services
        self._settings = settings
        self._clock = clock
        self._templates = frozenset(dict(settings.twilio_templates))
        self._client = TwilioClient(settings)
        self._reconciler = Reconciler(services, self._client, clock=clock)
        self._typing = TypingIndicator(services, self._client, clock=clock)
        self._patience = PatienceNotice(services, clock=clock)
        self._taking: asyncio.Task[None] | None = None
        self._sends: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    async def start(self) -> None:
        """Opens the HTTP client and begins to send."""
        await self._client.open()
        if not self._settings.twilio_auth_tokens:
            return  # nothing can be accepted, so there is nothing to send
        self._reconciler.start()
        self._patience.start()
        if self._settings.twilio_typing:
            self._typing.start()
        self._taking = asyncio.create_task(self._take_all())

    async def stop(self) -> None:
        """Ends the loops, each after the send under way, and closes the client."""
        self._is_stopping = True
        self._services.wake.here()
        if self._taking is not None:
            await self._end({self._taking})
        await self._end(set(self._sends))
        await self._reconciler.stop()
        await self._patience.stop()
        await self._typing.stop()
        await self._client.close()

    async def _end(self, tasks: set[asyncio.Task[None]]) -> None:
        if not tasks:
            return
        longest_s = self._settings.twilio_timeout_s + _MARGIN_S
        _, late = await asyncio.wait(tasks, timeout=longest_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take_all(self) -> None:
        while not self._is_stopping:
            ticket = self._services.wake.ticket()
            if len(self._sends) >= _AT_ONCE:
                await self._services.wake.wait(ticket, _IDLE_S)
                continue
            try:
                answer, wait_s = await self._take()
            except SQLAlchemyError as error:
                log.error("outbox_claim_failed", kind=type(error).__name__)
                await asyncio.sleep(_IDLE_S)
                continue
            if answer is None:
                await self._services.wake.wait(ticket, wait_s)
                continue
            send = asyncio.create_task(self._see_off(answer))
            self._sends.add(send)
            send.add_done_callback(self._note_end)

    async def _take(self) -> tuple[ClaimedAnswer | None, float]:
        """Returns an answer to send now, or how long to wait for the next, seconds."""
        due_at = await self._services.read(outbox.due_at)
        now = self._clock()
        if due_at is None:
            return None, _IDLE_S
        if due_at > now:
            return None, min(_IDLE_S, max(_SHORTEST_WAIT_S, due_at - now))
        claimed = await self._services.write(
            lambda c: outbox.claim(c, now=now, templates=self._templates)
        )
        return claimed, _IDLE_S

    def _note_end(self, send: asyncio.Task[None]) -> None:
        self._sends.discard(send)
        self._services.wake.here()

    async def _see_off(self, answer: ClaimedAnswer) -> None:
        settings = self._settings
        account_sid = settings.twilio_account_sid or answer.account_sid
        result = await self._client.create_message(account_sid, self._form(answer))
        settle = self._settle(answer, result)
        while True:
            try:
                await self._services.write(settle)
            except SQLAlchemyError as error:
                log.error("outbox_write_failed", kind=type(error).__name__)
                await asyncio.sleep(_IDLE_S)
            else:
                return

    def _form(self, answer: ClaimedAnswer) -> dict[str, str]:
        """Returns Twilio's parameters.

        `From` is always the number that the person wrote to, even where it belongs
        to a Messaging Service: the service might pick another of its numbers.
        """
        settings = self._settings
        form = {
            "From": answer.from_address,
            "To": answer.to_address,
            "StatusCallback": f"{settings.public_base_url}/twilio/status"
            f"?o={answer.token}",
        }
        if not answer.template:
            return {**form, "Body": answer.body}
        variables = json.dumps(dict(answer.variables), ensure_ascii=False)
        content_sid = settings.template_sid(answer.template)
        return {**form, "ContentSid": content_sid, "ContentVariables": variables}

    def _settle(self, answer: ClaimedAnswer, result: SendResult) -> Settle:
        if isinstance(result, Accepted):
            return lambda c: self._note_sent(c, answer, result.sid)
        if isinstance(result, TryAgain):
            at = self._clock() + _pause_s(result.after_s, answer.attempt)
            log.info("send_postponed", outbox_id=answer.id, reason=result.reason)
            return lambda c: outbox.mark_again(c, answer, at=at)
        if isinstance(result, Refused):
            log.warning("send_refused", outbox_id=answer.id, code=result.code)
            return lambda c: self._note_refused(c, answer, result.code)
        log.warning("send_unknown", outbox_id=answer.id, reason=result.reason)
        return lambda c: outbox.mark_unknown(
            c, answer, reason=result.reason, now=self._clock()
        )

    def _note_sent(
        self, connection: Connection, answer: ClaimedAnswer, sid: str
    ) -> None:
        pause_s = self._settings.send_pause_s
        is_only = outbox.mark_sent(
            connection, answer, provider_sid=sid, now=self._clock(), pause_s=pause_s
        )
        if not is_only:
            log.error("send_doubled", outbox_id=answer.id)

    def _note_refused(
        self, connection: Connection, answer: ClaimedAnswer, code: str
    ) -> None:
        outbox.mark_refused(connection, answer, code=code, now=self._clock())


def _pause_s(retry_after_s: float | None, attempt: int) -> float:
    """Returns how long to wait before the next try, seconds, never all alike."""
    pause = 2.0 ** min(attempt, _MOST_DOUBLINGS)
    if retry_after_s is not None:
        pause = retry_after_s
    return min(_LONGEST_RETRY_S, pause) + random.random()  # noqa: S311 - jitter

"""Finds out what became of sends whose answer was lost.

The evidence, in order: a status callback, which the webhook takes in at any time;
then Twilio's list of messages. Only where a list that was asked for after the grace
period does not show the message is it sent again. Left is one way to a second copy:
both evidences later than the grace. It is counted (`send_repeated_after_grace`), as
are second copies that show up (`send_doubled`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from bot.store import outbox
from bot.store.alerts import raise_alert
from bot.store.outbox import ClaimedAnswer, UncertainAnswer
from connectors.services import ChannelServices
from connectors.twilio_client import ListedMessage, TwilioClient, TwilioUnavailable

LISTING_DOWN = "conciliacao_parada"
"""Alert: uncertain sends wait, because Twilio's list cannot be had."""

_POLL_S = 1.0
_CHECK_EVERY_S = 5.0
_CLOCKS_DIFFER_S = 5.0
_TELL_AFTER_S = 600.0
"""How long an answer may stay uncertain before a person of the office is asked."""
_MARGIN_S = 1.0
_AT_ONCE = 4
_MOST = 40
_MOST_PAGES = 3
log = structlog.get_logger()


class Reconciler:
    """Settles sends of unknown outcome while it runs."""

    def __init__(
        self,
        services: ChannelServices,
        client: TwilioClient,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepares a reconciler; `start` begins.

        Args:
            services: settings, database and wake-ups.
            client: opened and closed by whoever made it.
            clock: UTC seconds.
        """
        self._services = services
        self._client = client
        self._clock = clock
        self._running: asyncio.Task[None] | None = None
        self._is_stopping = False

    def start(self) -> None:
        """Begins, inside the running event loop."""
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends after the round under way, or soon; what is open stays open."""
        self._is_stopping = True
        self._services.wake.here()
        if self._running is None:
            return
        await asyncio.wait({self._running}, timeout=_MARGIN_S)
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        while not self._is_stopping:
            ticket = self._services.wake.ticket()
            try:
                await self.settle_all()
            except SQLAlchemyError as error:
                log.error("reconciliation_failed", kind=type(error).__name__)
                await asyncio.sleep(_POLL_S)
                continue
            await self._services.wake.wait(ticket, _POLL_S)

    async def settle_all(self) -> None:
        """Looks once for each uncertain message that is due.

        Raises:
            SQLAlchemyError: the database is not there; nothing is lost.
        """
        await self._strand()
        due = await self._services.read(
            lambda c: outbox.uncertain(c, now=self._clock(), most=_MOST)
        )
        for start in range(0, len(due), _AT_ONCE):
            few = due[start : start + _AT_ONCE]
            if not all(await asyncio.gather(*map(self._settle, few))):
                return  # the list is down: the others need not hear it too

    async def _strand(self) -> None:
        """Marks what a process that died was sending, once that must have ended.

        A row that stays `sending` would hold back its conversation's later answers.
        """
        before = self._clock() - self._services.settings.twilio_timeout_s - _MARGIN_S
        is_any = await self._services.read(
            lambda c: outbox.has_stranded(c, started_before=before)
        )
        if is_any:
            stranded = await self._services.write(
                lambda c: outbox.strand_unfinished(c, started_before=before)
            )
            log.warning("sends_stranded", count=stranded)

    async def _settle(self, doubt: UncertainAnswer) -> bool:
        """Looks for one message; False if Twilio's list cannot be had."""
        answer, asked_at = doubt.answer, self._clock()
        try:
            listed = await self._client.list_messages(
                self._services.settings.twilio_account_sid or answer.account_sid,
                to=answer.to_address,
                sent_after=doubt.started_at - _CLOCKS_DIFFER_S,
                max_pages=_MOST_PAGES,
                unsent_too=True,
            )
        except TwilioUnavailable as error:
            log.warning("listing_unavailable", status=error.status)
            await self._services.write(lambda c: _wait(c, doubt, asked_at))
            return False
        copies = [each for each in reversed(listed) if is_copy(each, answer)]
        became = await self._services.write(
            lambda c: self._decide(c, doubt, copies, asked_at)
        )
        log.info("send_reconciled", outbox_id=answer.id, became=became)
        if became != "unknown":
            self._services.wake.here()
        return True

    def _decide(
        self,
        connection: Connection,
        doubt: UncertainAnswer,
        copies: list[ListedMessage],
        asked_at: float,
    ) -> str:
        answer, now = doubt.answer, self._clock()
        used = outbox.used_sids(connection, [each.sid for each in copies])
        free = [each for each in copies if each.sid not in used]
        if free:
            return _found(connection, answer, free, now=now)
        sure_at = doubt.started_at + self._services.settings.send_grace_s
        if asked_at < sure_at:
            next_at = min(asked_at + _CHECK_EVERY_S, sure_at)
            outbox.check_later(connection, answer, at=next_at)
            return "unknown"
        became = outbox.mark_missing(connection, answer, now=now)
        if became == "new":
            log.warning("send_repeated_after_grace", outbox_id=answer.id)
        return became


def _wait(connection: Connection, doubt: UncertainAnswer, asked_at: float) -> None:
    """Without the list nothing is repeated, and nobody is forgotten."""
    outbox.check_later(connection, doubt.answer, at=asked_at + _CHECK_EVERY_S)
    raise_alert(connection, LISTING_DOWN, now=asked_at)
    if asked_at - doubt.started_at >= _TELL_AFTER_S:
        outbox.tell_office(connection, doubt.answer, now=asked_at)


def _found(
    connection: Connection,
    answer: ClaimedAnswer,
    copies: list[ListedMessage],
    *,
    now: float,
) -> str:
    first = copies[0]
    if not outbox.mark_found(connection, answer, provider_sid=first.sid, now=now):
        return ""
    if len(copies) > 1:
        log.error("send_doubled", outbox_id=answer.id)
    outbox.follow(  # the list knows more than "accepted"
        connection,
        token=answer.token,
        provider_sid=first.sid,
        status=first.status,
        error_code=first.error_code,
        now=now,
    )
    return "sent"


def is_copy(message: ListedMessage, answer: ClaimedAnswer) -> bool:
    """Says whether a listed message can be this answer.

    The list gives a template's text as Twilio rendered it, or none at all; so there
    it is enough that our text has the listed one in it, or that one our variable 1.
    """
    if not message.direction.startswith("outbound"):
        return False
    if message.from_ and message.from_ != answer.from_address:
        return False
    listed, ours = _plain(message.body), _plain(answer.body)
    if listed == ours or not answer.template:
        return listed == ours
    return listed in ours or _plain(answer.variables.get("1", "")) in listed


def _plain(text: str) -> str:
    return " ".join(text.split())

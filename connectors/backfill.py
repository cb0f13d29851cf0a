"""Fetches from Twilio what people wrote while our webhook could not be reached.

Twilio tries a webhook for 15 seconds and then forgets it, but keeps the message in
its list: the list of the last minutes is read again and again, and what is not in
the inbox is put there. Location, contact and display name are in no list.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DataError, SQLAlchemyError

from bot.core.errors import UserInputError
from bot.store import inbox, recovery
from bot.store.alerts import raise_alert
from connectors.payload import is_whatsapp, read_message
from connectors.services import ChannelServices
from connectors.twilio_client import (
    ListedMedia,
    ListedMessage,
    TwilioClient,
    TwilioUnavailable,
)

OVERLAP_S = 15 * 60
"""How late Twilio may list a message; each round reads so much again."""
CREDENTIALS = "credenciais"
"""Code of the alert where Twilio refuses ours."""
_SEEN_S = 30 * 24 * 60 * 60
"""An account or number that nobody wrote to for so long is no longer asked about."""
_NUMBERS_FRESH_S = 600
"""How long the known numbers are kept; less than the overlap."""
_PAGE_SIZE = 1000
_MAX_PAGES = 50
_UNAUTHORIZED, _NOT_FOUND = 401, 404
log = structlog.get_logger()


class Backfill:
    """Compares Twilio's list with the inbox while it runs."""

    def __init__(
        self,
        services: ChannelServices,
        client: TwilioClient,
        *,
        clock: Callable[[], float] = time.time,
        page_size: int = _PAGE_SIZE,
    ) -> None:
        """Prepares the loop; `start` begins.

        Args:
            services: settings, database and wake-ups.
            client: open while the loop runs.
            clock: UTC seconds.
            page_size: messages a request, at most 1000.
        """
        self._page_size = page_size
        self._services = services
        self._client = client
        self._clock = clock
        self._numbers: dict[str, frozenset[str]] = {}
        self._numbers_at = float("-inf")
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins at once, and again every `BACKFILL_EVERY_S`."""
        settings = self._services.settings
        if settings.twilio_auth_tokens or settings.twilio_api_key_secret:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends at once; a round that was not finished is done at the next start."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        while True:
            await self.recover()
            await asyncio.sleep(self._services.settings.backfill_every_s)

    async def recover(self) -> int:
        """Makes one round over all accounts; returns how many messages were missing.

        Never raises for what Twilio, the network or the database does: an account
        that failed keeps its mark, and the next round reads the same again.
        """
        recovered = 0
        for account_sid in await self._accounts():
            try:
                recovered += await self._recover(account_sid)
            except TwilioUnavailable as error:
                await self._note_failure(error)
            except SQLAlchemyError as error:
                log.error("backfill_database_failed", kind=type(error).__name__)
        return recovered

    async def _accounts(self) -> Sequence[str]:
        with contextlib.suppress(SQLAlchemyError):
            await self._learn_numbers()
        configured = self._services.settings.twilio_account_sid
        return [configured] if configured else sorted(self._numbers)

    async def _learn_numbers(self) -> None:
        now = self._clock()
        if self._numbers and now - self._numbers_at < _NUMBERS_FRESH_S:
            return
        self._numbers = await self._services.read(
            lambda c: recovery.numbers_written_to(c, since=now - _SEEN_S)
        )
        self._numbers_at = now

    async def _recover(self, account_sid: str) -> int:
        started = self._clock()
        name = f"recuperacao:{account_sid}"
        mark = await self._services.read(lambda c: recovery.mark_of(c, name))
        since = (started if mark is None else mark) - OVERLAP_S
        listed, is_complete = await self._listed(account_sid, since)
        sids = [each.sid for each in listed]
        absent = set(
            await self._services.read(lambda c: recovery.missing(c, account_sid, sids))
        )
        recovered = 0
        for each in listed:
            if each.sid not in absent:
                continue
            try:
                recovered += await self._accept(account_sid, each)
            except TwilioUnavailable as error:  # those after it must not overtake it
                await self._note_failure(error)
                return recovered
        if is_complete:
            await self._services.write(
                lambda c: recovery.move_mark(c, name, to=started)
            )
        else:
            log.error("backfill_incomplete", listed=len(listed))
        return recovered

    async def _listed(
        self, account_sid: str, since: float
    ) -> tuple[list[ListedMessage], bool]:
        """Returns what people wrote to us, the oldest first, and whether it is all.

        Our numbers are those that people wrote to before. Where none is known yet,
        all of the account's are ours.
        """
        numbers = sorted(self._numbers.get(account_sid, ()))
        asked: Sequence[str | None] = numbers or [None]
        newest_first: list[ListedMessage] = []
        is_complete = True
        for number in asked:
            pages = await self._client.list_messages(
                account_sid,
                to=number,
                sent_after=since,
                page_size=self._page_size,
                max_pages=_MAX_PAGES,
            )
            is_complete = is_complete and len(pages) < self._page_size * _MAX_PAGES
            newest_first += [each for each in pages if _is_ours(each, numbers)]
        oldest_first = newest_first[::-1]  # Twilio's seconds are whole: ties stay so
        oldest_first.sort(key=lambda each: each.sent_at or since)
        return oldest_first, is_complete

    async def _accept(self, account_sid: str, listed: ListedMessage) -> int:
        """Puts one message into the inbox; returns 1 if it was not there."""
        media = await self._media(account_sid, listed) if listed.num_media else []
        try:
            message = read_message(_form(account_sid, listed, media))
        except UserInputError as error:
            log.warning("backfill_unreadable", field=error.field)
            return 0
        now = self._clock()
        sent_at = now if listed.sent_at is None else min(listed.sent_at, now)
        message = replace(message, sent_at=sent_at)
        rules = inbox.Rules.of(self._services.settings)

        def accept(connection: Connection) -> inbox.Accepted:
            return inbox.accept(connection, message, now=now, rules=rules)

        try:
            accepted = await self._services.write(accept)
        except DataError as error:  # it never will be; those after it must not wait
            log.error("backfill_refused", kind=type(error).__name__)
            return 0
        if not accepted.is_new:
            return 0
        log.info(
            "message_recovered", inbox_id=accepted.inbox_id, late_s=int(now - sent_at)
        )
        self._services.wake.there(self._services.settings.rasa_port)
        self._services.wake.here()
        return 1

    async def _media(
        self, account_sid: str, listed: ListedMessage
    ) -> list[ListedMedia]:
        try:
            return await self._client.list_media(account_sid, listed.sid)
        except TwilioUnavailable as error:
            if error.status == _NOT_FOUND:  # deleted meanwhile; the words remain
                return []
            raise

    async def _note_failure(self, error: TwilioUnavailable) -> None:
        log.warning("backfill_failed", status=error.status, retryable=error.retryable)
        if error.status != _UNAUTHORIZED:
            return
        now = self._clock()
        with contextlib.suppress(SQLAlchemyError):
            await self._services.write(lambda c: raise_alert(c, CREDENTIALS, now=now))


def _is_ours(listed: ListedMessage, numbers: Sequence[str]) -> bool:
    is_to_us = not numbers or listed.to in numbers
    is_chat = is_whatsapp(listed.to) and is_whatsapp(listed.from_)
    return listed.direction == "inbound" and is_chat and is_to_us


def _form(
    account_sid: str, listed: ListedMessage, media: Sequence[ListedMedia]
) -> dict[str, str]:
    """Returns what the webhook would have said, as far as the list knows it."""
    form = {
        "MessageSid": listed.sid,
        "AccountSid": account_sid,
        "From": listed.from_,
        "To": listed.to,
        "Body": listed.body,
        "SmsStatus": "received",
        "NumMedia": str(len(media)),
    }
    if listed.messaging_service_sid:
        form["MessagingServiceSid"] = listed.messaging_service_sid
    for number, each in enumerate(media):
        form[f"MediaUrl{number}"] = each.url
        form[f"MediaContentType{number}"] = each.content_type
    return form

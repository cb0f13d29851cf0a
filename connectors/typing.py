"""Shows "digitando…" to whoever waits for an answer for more than a second.

Off unless `TWILIO_TYPING` is set: Twilio's public beta, which also marks the message
as read. Nothing depends on it, and it never fails anything.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.store import awaited
from bot.store.awaited import AwaitedMessage
from connectors.services import ChannelServices
from connectors.twilio_client import TwilioClient

_POLL_S = 0.5
_WAITED_S = 1.0
_MESSAGE_SID = re.compile(r"(SM|MM)[0-9a-fA-F]{32}")
log = structlog.get_logger()


class TypingIndicator:
    """Looks for messages whose turn takes long, while it runs."""

    def __init__(
        self,
        services: ChannelServices,
        client: TwilioClient,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepares an indicator; `start` begins.

        Args:
            services: settings, database and wake-ups.
            client: opened and closed by whoever made it.
            clock: UTC seconds.
        """
        self._services = services
        self._client = client
        self._clock = clock
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins, inside the running event loop."""
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends at once."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            ticket = self._services.wake.ticket()
            try:
                await self.show_all()
            except SQLAlchemyError as error:
                log.warning("typing_failed", kind=type(error).__name__)
            await self._services.wake.wait(ticket, _POLL_S)

    async def show_all(self) -> None:
        """Shows it once to each person who waits now.

        Raises:
            SQLAlchemyError: the database is not there.
        """
        since = self._clock() - _WAITED_S
        waiting = await self._services.read(
            lambda c: awaited.without_typing(c, received_before=since)
        )
        for message in waiting:
            await self._show(message)

    async def _show(self, message: AwaitedMessage) -> None:
        is_ours = await self._services.write(
            lambda c: awaited.mark_typing(c, message.inbox_id, now=self._clock())
        )
        if not is_ours or not _MESSAGE_SID.fullmatch(message.message_sid):
            return
        account = self._services.settings.twilio_account_sid or message.account_sid
        is_shown = await self._client.show_typing(account, message.message_sid)
        log.info("typing_shown", inbox_id=message.inbox_id, is_shown=is_shown)

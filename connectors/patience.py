"""Says "estou verificando" to whoever has waited long for an answer, once.

Whoever sees nothing for a quarter of a minute writes again, or goes away.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.core.phrases import STILL_LISTENING, STILL_LOOKING
from bot.store import awaited
from connectors.services import ChannelServices
from connectors.turn_worker import lease_s

_POLL_S = 1.0
PATIENCE_S = 12.0
"""How long a turn may take until the person is told that it is under way."""
LISTENING_S = 6.0
"""The same for a voice note; its answer takes a turn more."""
log = structlog.get_logger()


class PatienceNotice:
    """Looks for turns that take long, while it runs."""

    def __init__(
        self, services: ChannelServices, *, clock: Callable[[], float] = time.time
    ) -> None:
        """Prepares it; `start` begins.

        Args:
            services: settings, database and wake-ups.
            clock: UTC seconds.
        """
        self._services = services
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
            try:
                await self.tell_all()
            except SQLAlchemyError as error:
                log.warning("patience_failed", kind=type(error).__name__)
            await asyncio.sleep(_POLL_S)

    async def tell_all(self) -> int:
        """Tells everybody who has waited long; returns how many.

        Raises:
            SQLAlchemyError: the database is not there.
        """
        now = self._clock()
        # The database knows when a lease ends, and so when it began.
        ends_before = now - PATIENCE_S + lease_s(self._services.settings)
        late = awaited.answered_long(lease_ends_before=ends_before, now=now)
        unheard = awaited.heard_long(received_before=now - LISTENING_S)
        told = await self._tell(STILL_LISTENING, unheard, now)
        told += await self._tell(STILL_LOOKING, late, now)
        if told:
            log.info("patience_asked", count=told)
            self._services.wake.here()
        return told

    async def _tell(self, text: str, long: sa.ColumnElement[bool], now: float) -> int:
        is_anybody = partial(awaited.is_anybody_waiting, long=long)
        if not await self._services.read(is_anybody):
            return 0
        return await self._services.write(
            partial(awaited.say_once, text=text, long=long, now=now)
        )

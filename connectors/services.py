"""What the channel's routes and loops share in one process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from bot.core.schedule import ZONE
from bot.core.settings import Settings
from bot.store.database import reading, writing
from bot.wake import WakeUp

Result = TypeVar("Result")


class DatabaseStalled(SQLAlchemyError):
    """The database neither answers nor refuses."""


@dataclass(frozen=True)
class ChannelServices:
    """Settings, database and wake-ups; opened once a process."""

    settings: Settings
    engine: Engine
    wake: WakeUp
    zone: ZoneInfo = ZONE
    """The office's."""
    _writer: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    """SQLite has one writer, and lets who waits sleep for up to 0.1 s at a time, in
    no order. Within a process they stand in line instead."""

    async def write_soon(self, query: Callable[[Connection], Result]) -> Result:
        """Writes as `write` does, or says within `DATABASE_DEADLINE_S` that it cannot.

        What has not reached its commit by then is taken back.

        Raises:
            DatabaseStalled: the database neither answered nor refused.
        """
        is_too_late = threading.Event()

        def write_in_time(connection: Connection) -> Result:
            result = query(connection)
            if is_too_late.is_set():
                raise DatabaseStalled
            return result

        try:
            return await self._within_deadline(self.write(write_in_time))
        finally:
            is_too_late.set()

    async def read_soon(self, query: Callable[[Connection], Result]) -> Result:
        """Reads as `read` does, within `DATABASE_DEADLINE_S`.

        Raises:
            DatabaseStalled: the database neither answered nor refused.
        """
        return await self._within_deadline(self.read(query))

    async def _within_deadline(self, work: Awaitable[Result]) -> Result:
        try:
            return await asyncio.wait_for(work, self.settings.database_deadline_s)
        except asyncio.TimeoutError as error:
            raise DatabaseStalled from error

    async def write(self, query: Callable[[Connection], Result]) -> Result:
        """Runs a query in one writing transaction, off the event loop."""

        def run() -> Result:
            with writing(self.engine) as connection:
                return query(connection)

        if self.engine.dialect.name != "sqlite":
            return await asyncio.to_thread(run)
        async with self._writer:
            return await asyncio.to_thread(run)

    async def read(self, query: Callable[[Connection], Result]) -> Result:
        """Runs a query that only reads, off the event loop."""

        def run() -> Result:
            with reading(self.engine) as connection:
                return query(connection)

        return await asyncio.to_thread(run)

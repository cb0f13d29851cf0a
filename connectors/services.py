"""What the channel's routes and loops share in one process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.engine import Connection, Engine

from bot.core.settings import Settings
from bot.store.database import reading, writing
from connectors.wake import WakeUp

Result = TypeVar("Result")


@dataclass(frozen=True)
class ChannelServices:
    """Settings, database and wake-ups; opened once a process."""

    settings: Settings
    engine: Engine
    wake: WakeUp

    async def write(self, query: Callable[[Connection], Result]) -> Result:
        """Runs a query in one writing transaction, off the event loop."""

        def run() -> Result:
            with writing(self.engine) as connection:
                return query(connection)

        return await asyncio.to_thread(run)

    async def read(self, query: Callable[[Connection], Result]) -> Result:
        """Runs a query that only reads, off the event loop."""

        def run() -> Result:
            with reading(self.engine) as connection:
                return query(connection)

        return await asyncio.to_thread(run)

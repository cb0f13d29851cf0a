"""Notes how the model is doing where every process may read it.

The action server alone asks the model; the health page and the panel show what it
found, and since when the assistant works with rules only.
"""

from __future__ import annotations

import asyncio
import time

import structlog
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from bot.store import service_state
from bot.store.database import writing
from llm_fallback import ModelState

log = structlog.get_logger()


class ModelWatch:
    """Writes each change down, in its order, off the event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._changes: asyncio.Queue[ModelState] = asyncio.Queue()
        self._running: asyncio.Task[None] | None = None

    def note(self, state: ModelState) -> None:
        """Takes a change; it is written a moment later."""
        self._changes.put_nowait(state)

    async def start(self, state: ModelState) -> None:
        """Writes the first state and begins to take changes."""
        self.note(state)
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends at once."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            state = await self._changes.get()
            try:
                await asyncio.to_thread(self._write, state)
            except SQLAlchemyError as error:  # the next change tries again
                log.warning("model_state_not_noted", kind=type(error).__name__)

    def _write(self, state: ModelState) -> None:
        with writing(self._engine) as connection:
            service_state.note(
                connection, service_state.MODEL, state.value, now=time.time()
            )

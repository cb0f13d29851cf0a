"""A bound on how many questions are with the model and how many wait for it.

Ollama itself queues requests to a loaded model without bound (measured on
0.9.3: OLLAMA_MAX_QUEUE holds only while the model is cold), so the bound
stands on our side.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from llm_fallback.errors import LlmBusy, LlmTimeout


class Slots:
    """First come, first served; past the bound, nobody waits."""

    def __init__(self, *, parallel: int, waiting: int) -> None:
        self._free = asyncio.Semaphore(parallel)
        self._bound = parallel + waiting
        self._inside = 0

    @property
    def inside(self) -> int:
        """How many questions are with the model or wait for it."""
        return self._inside

    @asynccontextmanager
    async def one(self, *, until: float) -> AsyncIterator[None]:
        """Holds one slot; it is free again however the block is left.

        Args:
            until: loop time at which waiting ends; the block itself may go on.

        Raises:
            LlmBusy: at once, when as many wait as may.
            LlmTimeout: no slot became free in time.
        """
        if self._inside >= self._bound:
            raise LlmBusy("our queue is full", retryable=True)
        self._inside += 1
        try:
            await self._acquire(until)
            try:
                yield
            finally:
                self._free.release()
        finally:
            self._inside -= 1

    async def _acquire(self, until: float) -> None:
        try:
            async with asyncio.timeout_at(until):
                await self._free.acquire()
        except TimeoutError as error:
            raise LlmTimeout("no slot became free", retryable=True) from error

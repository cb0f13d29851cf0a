"""Who hears next on a host that hears for others: free workers, and a bounded queue."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from actions.speech.local import LocalTranscriber
from bot.core.speech import Heard, SpeechError, Trouble


class Hearer(Protocol):
    """Hears one note at a time, with the vocabulary that came with it."""

    async def start(self) -> None:
        """Begins to load what it needs; does not wait for it."""

    async def stop(self) -> None:
        """Ends at once."""

    async def hear(self, audio: Path, prompt: str) -> Heard:
        """Returns what a file says, or raises `SpeechError`."""

    async def problem(self) -> str:
        """Returns what keeps it from hearing, in Portuguese, or ""."""


class Ear(LocalTranscriber):
    """A worker process whose vocabulary comes with each note."""

    async def hear(self, audio: Path, prompt: str) -> Heard:
        """Returns what a file says.

        Raises:
            SpeechError: it became no text.
        """
        return await self.transcribe(audio, prompt)


class Desk:
    """Gives each note to a worker that is free."""

    def __init__(self, ears: Sequence[Hearer], *, queue: int, wait_s: float) -> None:
        """Prepares it; `start` begins.

        Args:
            ears: one note each at a time.
            queue: so many notes may wait for one of them.
            wait_s: the longest that a note waits.
        """
        self._ears = tuple(ears)
        self._free: asyncio.Queue[Hearer] = asyncio.Queue()
        for each in self._ears:
            self._free.put_nowait(each)
        self._queue = queue
        self._wait_s = wait_s
        self._waiting = 0

    async def start(self) -> None:
        """Begins to load the models."""
        await asyncio.gather(*(each.start() for each in self._ears))

    async def stop(self) -> None:
        """Ends the workers."""
        await asyncio.gather(*(each.stop() for each in self._ears))

    async def problem(self) -> str:
        """Returns what keeps all of them from hearing; "" where one can."""
        problems = [await each.problem() for each in self._ears]
        return "" if not all(problems) else problems[0]

    async def hear(self, audio: Path, prompt: str) -> Heard:
        """Returns what a file says, once somebody is free.

        Raises:
            SpeechError: `BUSY` where too many wait, or it waited too long.
        """
        ear = await self._take()
        try:
            return await ear.hear(audio, prompt)
        finally:
            self._free.put_nowait(ear)

    async def _take(self) -> Hearer:
        if self._waiting >= self._queue:  # they wait for nothing while one is free
            raise SpeechError(Trouble.BUSY, "queue")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait_s):
                return await self._free.get()
        except TimeoutError:
            raise SpeechError(Trouble.BUSY, "waited") from None
        finally:
            self._waiting -= 1

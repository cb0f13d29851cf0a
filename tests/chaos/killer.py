"""Kills one process again and again with SIGKILL, and starts it at once."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.stack import Stack

_READY_WITHIN_S = 90
_PROBE_S = 0.1
_HALF_STARTED = 0.2
"""How often a process is killed before it is ready."""
_HALF_STARTED_S = (0.05, 1.0)
_IN_WAIT = 0.4
"""How often the killer waits until it finds the process at work."""
_IN_WAIT_S = 4.0
_LOOK_EVERY_S = 0.01
_QUIET_S = (0.0, 3.0)
"""How long it lets the process be before it looks."""
_READY_S = (0.02, 6.0)


@dataclass
class Killer:
    """Kills the process `name` as often as `kills` says."""

    stack: Stack
    name: str
    kills: int
    seed: int
    may_kill: Callable[[int], bool] = lambda _made: True
    """Whether the next kill may come, by how many were made."""
    is_at_work: Callable[[], bool] = lambda: False
    """Whether the process does, or left as it died, something half done."""
    made: int = 0
    made_at_work: int = 0
    crashes: list[str] = field(default_factory=list)
    """What ended by itself."""

    async def run(self) -> None:
        """Returns once all kills are made and the process is ready again."""
        chance = random.Random(f"{self.seed}-{self.name}")
        while self.made < self.kills:
            if not self.may_kill(self.made):
                await asyncio.sleep(_PROBE_S)
                continue
            await self._wait(chance)
            await asyncio.to_thread(self._kill)
            self.made += 1
        await self._until_ready()

    async def _wait(self, chance: random.Random) -> None:
        """Waits for the moment: half started, in the middle of work, or any."""
        moment = chance.random()
        if moment < _HALF_STARTED:
            await asyncio.sleep(chance.uniform(*_HALF_STARTED_S))
            return
        await self._until_ready()
        if moment < _HALF_STARTED + _IN_WAIT:
            await asyncio.sleep(chance.uniform(*_QUIET_S))
            deadline = time.monotonic() + _IN_WAIT_S
            while time.monotonic() < deadline:
                if await asyncio.to_thread(self.is_at_work):
                    break
                await asyncio.sleep(_LOOK_EVERY_S)
            return
        await asyncio.sleep(chance.uniform(*_READY_S))

    def _kill(self) -> None:
        process = self.stack.running[self.name]
        self._note_crash()
        process.kill()
        process.wait(timeout=30)
        self.made_at_work += self.is_at_work()
        self.stack.launch(self.name)

    async def _until_ready(self) -> None:
        deadline = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < deadline:
            if self._note_crash():
                self.stack.launch(self.name)
            if await asyncio.to_thread(self.stack.is_up, self.name):
                return
            await asyncio.sleep(_PROBE_S)
        raise TimeoutError(f"{self.name} is not ready after {_READY_WITHIN_S} s")

    def _note_crash(self) -> bool:
        code = self.stack.running[self.name].poll()
        if code is None:
            return False
        self.crashes.append(f"{self.name} ended by itself with {code}")
        return True

"""Ends a piece of work at its n-th statement, or just before its commit.

As a process that runs alone, it really dies there, by SIGKILL:

    python -m tests.goals.crash '{"url": "sqlite:///x.db", "step": "claim", "at": 3}'
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from bot.store.database import open_engine, writing


class KilledError(Exception):
    """What a simulated death looks like; whoever sees it is dead."""


def _raise() -> None:
    raise KilledError


class CrashPoints:
    """Counts an engine's statements and commits, and strikes at one of them."""

    def __init__(self, engine: Engine, strike: Callable[[], None] = _raise) -> None:
        self.count = 0
        self._at = 0
        self._strike = strike
        sa.event.listen(engine, "before_cursor_execute", self._pass)
        sa.event.listen(engine, "commit", self._pass)

    @contextlib.contextmanager
    def at(self, number: int) -> Iterator[None]:
        """Strikes at the n-th point from here on, 1 for the first; 0 for never."""
        self.count, self._at = 0, number
        try:
            yield
        finally:
            self._at = 0

    def _pass(self, *_about: Any) -> None:
        self.count += 1
        if self.count == self._at:
            self._strike()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Takes one step of a message's life and dies in it, unless it ends first."""
    from tests.goals.life import Step  # noqa: PLC0415 - needs this module

    given = json.loads(sys.argv[1])
    engine = open_engine(given["url"])
    points = CrashPoints(engine, _die)
    step = Step(now=given["now"], person=given["person"], answer=given.get("answer"))
    with points.at(given["at"]), writing(engine) as connection:
        getattr(step, given["step"])(connection)


if __name__ == "__main__":
    main()

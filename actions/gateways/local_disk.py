"""How the stand-ins use this machine's disk: one at a time, and never half a file."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from bot.core.ports import GatewayError, Trouble

Result = TypeVar("Result")
_LOCK = ".trava"


async def alone_in(folder: Path, work: Callable[[], Result]) -> Result:
    """Works in a folder, in a thread, while nobody else of ours does.

    The lock holds between threads and between processes, and ends with the process
    that holds it. The folder is made where it is missing.

    Raises:
        GatewayError: the disk refused it; whatever `work` raises passes.
    """

    def run() -> Result:
        try:
            with _locked(folder):
                return work()
        except OSError as error:
            name = type(error).__name__
            raise GatewayError(Trouble.LATER, f"disk: {name}") from error

    return await asyncio.to_thread(run)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def settle(part: Path, path: Path) -> None:
    """Gives a file that is whole its name; it is on the disk when this returns."""
    flush(part)
    part.replace(path)
    flush(path.parent)


def flush(path: Path) -> None:
    """Sees to it that a file or folder outlasts a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

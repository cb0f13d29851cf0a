"""Processes that work at the same time, or are killed half-way."""

from __future__ import annotations

import inspect
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterable
from types import FrameType, FunctionType, ModuleType
from typing import Any

WAIT_S = 60
_KILLED = 9
_FORK = multiprocessing.get_context("fork")


def run_processes(*works: Callable[[], object]) -> None:
    """Runs each in a process of its own, all at once; each must end well."""
    processes = [_FORK.Process(target=work) for work in works]
    for each in processes:
        each.start()
    for each in processes:
        each.join(WAIT_S)
    assert [each.exitcode for each in processes] == [0] * len(works)


def kill_at(
    work: Callable[[], object], functions: Iterable[FunctionType], step: int
) -> bool:
    """Runs something in a process that ends before a line of it is run.

    Args:
        work: what is run.
        functions: those whose lines count.
        step: number of the line that is not run any more, from 1.

    Returns:
        Whether it came so far; otherwise it ended well by itself.
    """
    return meddle_at(work, functions, step, lambda: os._exit(_KILLED)) == _KILLED


def meddle_at(
    work: Callable[[], object],
    functions: Iterable[FunctionType],
    step: int,
    meddle: Callable[[], object],
) -> int:
    """Runs something in a process where something else happens before a line of it.

    Returns how the process ended: 0, or as `meddle` ends it.
    """
    code = {each.__code__ for each in functions}
    left = step

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal left
        if frame.f_code not in code:
            return None
        if event == "line":
            left -= 1
            if not left:
                meddle()
        return trace

    def run() -> None:
        threading.settrace(trace)
        sys.settrace(trace)
        work()

    process = _FORK.Process(target=run)
    process.start()
    process.join(WAIT_S)
    assert process.exitcode in {0, _KILLED}
    return process.exitcode


def functions_of(*places: ModuleType | type) -> list[FunctionType]:
    """Returns the functions that modules and classes define themselves."""
    return [
        inspect.unwrap(each)
        for place in places
        for each in vars(place).values()
        if inspect.isfunction(each)
        and each.__module__ in {place.__name__, place.__dict__.get("__module__")}
    ]

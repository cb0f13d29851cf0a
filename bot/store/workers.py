"""Names of those who lease work, and whether they are still there."""

from __future__ import annotations

import os
import uuid

_RUNNING_HERE: set[str] = set()
"""Names that this process gave."""


def new_name() -> str:
    """Returns a name for a worker of this process: host, process number, chance."""
    name = f"{_host()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    _RUNNING_HERE.add(name)
    return name


def is_dead(name: str) -> bool:
    """Says whether a worker was a process of this host that is no more."""
    host, pid, _ = name.rsplit("-", 2) if name.count("-") > 1 else ("", "", "")
    if host != _host() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    # our own number: an earlier process had it too, unless the worker is one of ours
    return int(pid) == os.getpid() and name not in _RUNNING_HERE


def _host() -> str:
    return os.uname().nodename[:40]

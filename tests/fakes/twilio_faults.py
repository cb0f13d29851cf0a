"""What goes wrong at the fake Twilio: one by one as asked, or by chance."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

PLACES = ("send", "list", "media")
_RETRY_AFTER_BY_CHANCE_S = 1


@dataclass(frozen=True)
class Fault:
    """What happens to the next call at a place."""

    kind: str
    """Of a send: `too_many` (429), `error_before` (500), `error_after` (503 with
    the message accepted), `hang`, `hang_after`, `reset`, `reset_after`, `garbage`
    (201 without a sid), `garbage_after`, `refuse` (400 with `code`), or `hold`
    (goes on once `gate` opens). Whatever ends in `_after` has accepted the message.
    Of the list: the same, without `_after`. Of media: also `missing` (404, `times`
    times for that file), `redirect` (to another origin), `oversize` (a hundred
    million bytes announced), `lying` (another Content-Type) and `slow` (never ends)."""
    retry_after_s: int | None = None
    """Header of a `too_many`."""
    code: int = 63016
    at: str = "send"
    """`send`, `list` or `media`."""
    times: int = 1

    @property
    def is_accepting(self) -> bool:
        """Whether the message is accepted all the same."""
        return self.kind.endswith("_after")


@dataclass
class FaultPlan:
    """Draws the fault of each call; those that were asked for come first."""

    waiting: dict[str, deque[Fault]] = field(
        default_factory=lambda: {place: deque() for place in PLACES}
    )
    odds: dict[str, dict[str, float]] = field(default_factory=dict)
    """Probability of each kind, by place."""
    made: Counter[str] = field(default_factory=Counter)
    """How often each happened, as `send:too_many`."""
    _chance: random.Random = field(default_factory=lambda: random.Random(0))

    def add(self, *faults: Fault) -> None:
        """Makes the next calls fail, one fault each, in order."""
        for fault in faults:
            self.waiting[fault.at].append(fault)

    def set_odds(self, odds: Mapping[str, Mapping[str, float]], *, seed: int) -> None:
        """Makes calls fail by chance from now on; an empty mapping ends that."""
        self.odds = {place: dict(kinds) for place, kinds in odds.items()}
        self._chance = random.Random(seed)

    def draw(self, place: str) -> Fault | None:
        """Returns what happens to a call that comes now, if anything does."""
        fault = self._next(place)
        if fault is not None:
            self.made[f"{place}:{fault.kind}"] += 1
        return fault

    def _next(self, place: str) -> Fault | None:
        if self.waiting[place]:
            return self.waiting[place].popleft()
        drawn = self._chance.random()
        for kind, probability in self.odds.get(place, {}).items():
            if drawn < probability:
                times = 2 if kind == "missing" else 1
                wait_s = _RETRY_AFTER_BY_CHANCE_S if kind == "too_many" else None
                return Fault(kind, wait_s, at=place, times=times)
            drawn -= probability
        return None

    def shown(self) -> list[dict[str, Any]]:
        """Returns the faults that wait, as JSON."""
        return [asdict(fault) for each in self.waiting.values() for fault in each]

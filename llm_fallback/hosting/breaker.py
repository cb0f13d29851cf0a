"""Whether one Ollama server is worth asking: a circuit breaker.

    CLOSED      questions go to the host; its failures are counted
    OPEN        no question goes to it until a probe says that it works
    HALF_OPEN   that one probe is under way

Only a probe closes it, never somebody's question. It keeps no timer: its owner asks
`seconds_to_probe`. The states are M. Nygard's (Release It!, 2007).
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable
from enum import Enum

FAILURES_IN_A_ROW = 3
FAILURES_OF_LAST, LAST = 5, 10
SPREAD = 0.2
"""Part by which a pause may be shorter: processes must not probe in step."""


class Circuit(str, Enum):
    """What a breaker lets through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """The breaker of one host.

    Args:
        first_pause_s: from opening to the first probe; doubles till an answer.
        clock: seconds; chance: a number in [0, 1), drawn for every pause.
    """

    def __init__(
        self,
        *,
        first_pause_s: float = 5.0,
        longest_pause_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._first_pause_s = first_pause_s
        self._longest_pause_s = longest_pause_s
        self._observers: list[Callable[[], object]] = []
        self._clock = clock
        self._chance = chance
        self._circuit = Circuit.CLOSED
        self._last: deque[bool] = deque(maxlen=LAST)
        self._openings = 0
        self._probe_at = 0.0

    def subscribe(self, observer: Callable[[], object]) -> None:
        """Has the observer called after every change of state."""
        self._observers.append(observer)

    @property
    def is_closed(self) -> bool:
        """Whether a question may go to the host."""
        return self._circuit is Circuit.CLOSED

    @property
    def seconds_to_probe(self) -> float | None:
        """Seconds until the host may be probed; None where it is not open."""
        left_s = max(0.0, self._probe_at - self._clock())
        return left_s if self._circuit is Circuit.OPEN else None

    def succeeded(self) -> None:
        """Notes an answer of the host; a late one changes nothing."""
        if self.is_closed:
            self._last.append(True)
            self._openings = 0

    def failed(self) -> None:
        """Notes a failure that is the host's fault; a late one changes nothing."""
        if not self.is_closed:
            return
        self._last.append(False)
        in_a_row = not any([True, *self._last][-FAILURES_IN_A_ROW:])
        if in_a_row or self._last.count(False) >= FAILURES_OF_LAST:
            self._open()

    def begin_probe(self) -> bool:
        """Says whether the caller may probe now; true for one caller only."""
        if self.seconds_to_probe != 0.0:
            return False
        self._become(Circuit.HALF_OPEN)
        return True

    def end_probe(self, *, works: bool) -> None:
        """Closes the breaker, or opens it again with a longer pause."""
        if self._circuit is not Circuit.HALF_OPEN:
            return
        if works:
            self._last.clear()
            self._become(Circuit.CLOSED)
        else:
            self._open()

    def trip(self) -> None:
        """Opens the breaker without waiting for failures."""
        if self.is_closed:
            self._open()

    def _open(self) -> None:
        pause_s = min(self._first_pause_s * 2**self._openings, self._longest_pause_s)
        self._probe_at = self._clock() + pause_s * (1 - SPREAD * self._chance())
        self._openings = min(self._openings + 1, 30)
        self._become(Circuit.OPEN)

    def _become(self, circuit: Circuit) -> None:
        self._circuit = circuit
        for observer in self._observers:
            observer()

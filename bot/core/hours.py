"""An office's week and its closed days, and how both are said in Portuguese."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time

Interval = tuple[time, time]
"""Opening and closing of one stretch of a day, local time."""

WEEKDAYS = (
    "segunda-feira",
    "terça-feira",
    "quarta-feira",
    "quinta-feira",
    "sexta-feira",
    "sábado",
    "domingo",
)
"""Monday first, as `date.weekday()` counts."""
_RUN = 3
"""From so many days in a row on, "de segunda a quarta-feira"."""


@dataclass(frozen=True)
class WeeklyHours:
    """When the office is open in an ordinary week."""

    days: tuple[tuple[Interval, ...], ...]
    """Seven entries, Monday first; an empty one is a closed day."""

    def of(self, day: date) -> tuple[Interval, ...]:
        """Returns the intervals of a day's weekday, earliest first."""
        return self.days[day.weekday()]

    def in_words(self) -> str:
        """Returns the week as a sentence's end.

        `de segunda a sexta-feira, das 9h às 18h, e aos sábados, das 9h às 12h`
        """
        groups: dict[tuple[Interval, ...], list[int]] = {}
        for weekday, intervals in enumerate(self.days):
            if intervals:
                groups.setdefault(intervals, []).append(weekday)
        parts = [
            f"{_weekdays_in_words(weekdays)}, {intervals_in_words(intervals)}"
            for intervals, weekdays in groups.items()
        ]
        return (
            ", e ".join([", ".join(parts[:-1]), parts[-1]]) if parts[1:] else parts[0]
        )


@dataclass(frozen=True)
class Closure:
    """Days on which the office does not work, both ends included."""

    first: date
    last: date
    reason: str
    """As people are told it: `recesso forense`."""
    is_yearly: bool = False
    """The same days of every year; the years of `first` and `last` mean nothing."""

    def covers(self, day: date) -> bool:
        """Says whether a day falls into it."""
        if not self.is_yearly:
            return self.first <= day <= self.last
        start, end = _month_day(self.first), _month_day(self.last)
        if start <= end:
            return start <= _month_day(day) <= end
        return _month_day(day) >= start or _month_day(day) <= end  # over New Year


def _month_day(day: date) -> tuple[int, int]:
    return day.month, day.day


def hour(moment: time) -> str:
    """Returns a time as people write it: `9h`, `9h30`."""
    return f"{moment.hour}h{moment.minute:02d}" if moment.minute else f"{moment.hour}h"


def at_hour(moment: time) -> str:
    """Returns a time with its preposition: `às 9h30`, `à 1h`."""
    return f"{'à' if moment.hour == 1 else 'às'} {hour(moment)}"


def plural_weekday(weekday: int) -> str:
    """Returns a day of the week as a habit: `às terças-feiras`, `aos sábados`."""
    name = WEEKDAYS[weekday]
    if name.endswith("-feira"):
        return f"às {name.removesuffix('-feira')}s-feiras"
    return f"aos {name}s"


def intervals_in_words(intervals: Iterable[Interval]) -> str:
    """Returns stretches of a day: `das 9h às 12h e das 13h às 18h`."""
    return listed(
        f"{'da' if opens.hour == 1 else 'das'} {hour(opens)} {at_hour(closes)}"
        for opens, closes in intervals
    )


def listed(items: Iterable[str]) -> str:
    """Returns items as a list in a sentence: `a, b e c`."""
    *most, last = tuple(items) or ("",)
    return f"{', '.join(most)} e {last}" if most else last


def _weekdays_in_words(weekdays: list[int]) -> str:
    if len(weekdays) == len(WEEKDAYS):
        return "todos os dias"
    first, last = weekdays[0], weekdays[-1]
    if len(weekdays) >= _RUN and last - first + 1 == len(weekdays):
        return f"de {WEEKDAYS[first].removesuffix('-feira')} a {WEEKDAYS[last]}"
    return listed(plural_weekday(weekday) for weekday in weekdays)

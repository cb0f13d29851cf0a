"""When an appointment can be: judges a wish, proposes free times, says them.

Pure: the caller brings the office, what is taken, and the time that it is.
Everything is local to the office's zone; what is taken is in UTC seconds, as the
database keeps it. What is said of a moment is said by the clock of whoever asks.
"""

from __future__ import annotations

import bisect
import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import holidays

from bot.core.hours import (
    WEEKDAYS,
    Interval,
    at_hour,
    intervals_in_words,
    plural_weekday,
)
from bot.core.office import Lawyer, Office
from bot.core.texts import name_words
from bot.core.zones import DEFAULT

ZONE = ZoneInfo(DEFAULT)
"""Where no office has said another."""
STEP_MIN = 5
"""Appointments begin at minutes that this divides."""

_Time = time
"""The type, where a field is called `time` too."""
Busy = tuple[float, float]
"""Start and end of something taken, UTC seconds."""

_SERVANTS_DAY = (10, 28)
"""Dia do Servidor Público: optional for public offices alone."""
_NAMES = {
    # the two environments' versions of the library name this day differently
    "Início da Quaresma": "Quarta-feira de Cinzas",
    "Dia Nacional de Zumbi e da Consciência Negra": "Consciência Negra",
}
_TITLES = frozenset({"dr", "dra", "doutor", "doutora", "sr", "sra", "advogado"})
_TITLES |= {"advogada", "seu", "dona", "com", "o", "a", "pela", "pelo"}
_HOUR_MIN = 60


@dataclass(frozen=True)
class Slot:
    """A free stretch of a lawyer's day."""

    starts_at: datetime
    """Aware, in the office's zone."""
    ends_at: datetime
    lawyer: str


@dataclass(frozen=True)
class Wish:
    """When somebody wants to come, as far as they said it."""

    day: date | None = None
    last_day: date | None = None
    """With `day`, the end of a range: "semana que vem"."""
    days: tuple[date, ...] = ()
    """Alternatives: "terça ou quinta"."""
    time: _Time | None = None
    """The exact hour."""
    earliest: _Time | None = None
    """Part of the day: starts from here on ("à tarde")…"""
    latest: _Time | None = None
    """…and no later than here."""

    @classmethod
    def from_json(cls, raw: Mapping[str, Any] | None) -> Wish:
        """Reads `{"dia": "2026-11-24", "hora": "15:00"}`; every key may be absent.

        Keys: `dia`, `ate`, `dias` (a list), `hora`, `de`, `as`; ISO texts.

        Raises:
            ValueError: a value is no ISO date or time.
        """
        raw = raw or {}

        def day(key: str) -> date | None:
            return date.fromisoformat(raw[key]) if raw.get(key) else None

        def moment(key: str) -> time | None:
            return time.fromisoformat(raw[key]) if raw.get(key) else None

        return cls(
            day=day("dia"),
            last_day=day("ate"),
            days=tuple(date.fromisoformat(each) for each in raw.get("dias") or ()),
            time=moment("hora"),
            earliest=moment("de"),
            latest=moment("as"),
        )

    def to_json(self) -> dict[str, Any]:
        """Returns what `from_json` reads; absent where there is nothing."""
        raw = {
            "dia": self.day and self.day.isoformat(),
            "ate": self.last_day and self.last_day.isoformat(),
            "dias": [each.isoformat() for each in self.days],
            "hora": None if self.time is None else self.time.isoformat("minutes"),
            "de": None if self.earliest is None else self.earliest.isoformat("minutes"),
            "as": None if self.latest is None else self.latest.isoformat("minutes"),
        }
        return {key: value for key, value in raw.items() if value}

    @property
    def has_day(self) -> bool:
        """Whether anything was said of the day."""
        return bool(self.day or self.days)

    @property
    def has_hour(self) -> bool:
        """Whether anything was said of the hour, exact or a part of the day."""
        return not (self.time is None and self.earliest is None and self.latest is None)

    @property
    def exact_day(self) -> date | None:
        """The one day that is meant; None for a range, alternatives or nothing."""
        if self.day is not None:
            is_one = self.last_day in (None, self.day) and not self.days
            return self.day if is_one else None
        return self.days[0] if len(self.days) == 1 else None

    def merge(self, later: Wish) -> Wish:
        """Returns this wish as a later message refines it.

        A new day replaces the old days and keeps the hour; a new hour, exact or
        a part of the day, replaces the old one and keeps the day.
        """
        merged = self
        if later.has_day:
            merged = replace(
                merged, day=later.day, last_day=later.last_day, days=later.days
            )
        if later.has_hour:
            merged = replace(
                merged, time=later.time, earliest=later.earliest, latest=later.latest
            )
        return merged


@dataclass(frozen=True)
class Verdict:
    """Whether a wish can be had exactly as it is."""

    slot: Slot | None
    reason: str = ""
    """"" when free; else `falta_dia`, `falta_hora`, `passado`, `muito_cedo` (less
    than the shortest notice), `muito_longe`, `feriado`, `fechado`,
    `dia_sem_expediente`, `fora_do_horario` or `ocupado`."""
    detail: str = ""
    """For the answer: the holiday's name, the closure's reason, `aos domingos`,
    the day's hours, the last day that may be booked, `dia cheio`."""


def holidays_of(office: Office, year: int) -> dict[date, str]:
    """Returns the holidays of the office's state, by their Portuguese names.

    With Carnival, Corpus Christi and the other optional days of the year, but
    the public servants' own, unless the office is open on those.
    """
    return dict(_holidays(office.uf, year, office.closes_on_optional_days))


@functools.lru_cache(maxsize=64)
def _holidays(uf: str, year: int, with_optional: bool) -> Mapping[date, str]:
    found = holidays.country_holidays(
        "BR",
        subdiv=uf,
        years=[year],
        language="pt_BR",
        categories=("public", "optional") if with_optional else ("public",),
    )
    return {
        day: _NAMES.get(name, name)
        for day, name in sorted(found.items())
        if (day.month, day.day) != _SERVANTS_DAY
    }


def judge(
    office: Office,
    wish: Wish,
    *,
    lawyer: Lawyer,
    duration_min: int,
    busy: Iterable[Busy],
    now: datetime,
) -> Verdict:
    """Says whether a wish is a free appointment, else the first thing against it.

    A day on which nothing can be is told before the hour is asked for.

    Args:
        office: its hours, closed days, notice and horizon.
        wish: what the person said.
        lawyer: whose calendar `busy` is.
        duration_min: length of the appointment, minutes.
        busy: what is taken already.
        now: aware.
    """
    calendar = _Calendar(office, lawyer, duration_min, busy, now)
    day = wish.exact_day
    if day is None:
        return Verdict(None, "falta_dia")
    if against := calendar.against_day(day):
        return against
    if wish.time is None:
        return calendar.against_whole_day(day, wish) or Verdict(None, "falta_hora")
    return calendar.judge(datetime.combine(day, wish.time, tzinfo=office.zone))


def propose(  # noqa: PLR0913 - as `judge`, and how many
    office: Office,
    wish: Wish,
    *,
    lawyer: Lawyer,
    duration_min: int,
    busy: Iterable[Busy],
    now: datetime,
    count: int = 3,
) -> list[Slot]:
    """Returns free times, the nearest to the wish first.

    Times of the wished days come first, then the following days, one time a day,
    then earlier ones. A part of the day is left only where it is full up to the
    horizon. A vague wish gets different days. Times lie on a grid of the duration
    from opening; a wished hour off the grid is proposed where it is free.

    Args:
        office: its hours, closed days, notice and horizon.
        wish: what the person said; an empty one is as soon as possible.
        lawyer: whose calendar `busy` is.
        duration_min: length of the appointment, minutes.
        busy: what is taken already.
        now: aware.
        count: at most so many.

    Returns:
        Distinct slots; [] only where nothing is free within the horizon.
    """
    calendar = _Calendar(office, lawyer, duration_min, busy, now)
    found: list[datetime] = []
    bounds = [(wish.earliest, wish.latest)]
    if bounds != [(None, None)]:
        bounds.append((None, None))
    pools = _nearest_days(wish, calendar.today, calendar.last_day)
    for (earliest, latest), days in itertools.product(bounds, pools):
        free = [
            [
                start
                for start in calendar.free_starts(day, wish.time)
                if _is_within(start.time(), earliest, latest)
            ]
            for day in days
        ]
        _take(found, free, wish, count)
        if len(found) >= count:
            break
    return [calendar.slot(start) for start in found]


def lawyer_for(
    office: Office,
    *,
    area: str | None = None,
    name: str | None = None,
    modality: str | None = None,
) -> Lawyer:
    """Returns who takes an appointment.

    Whoever is named wins; else who serves the area, preferably in that modality;
    else the first who attends in the modality, else the first.
    """
    candidates = _named(office, name or "") or office.lawyers

    def fitness(lawyer: Lawyer) -> tuple[bool, bool]:
        return area in lawyer.areas, modality is None or modality in lawyer.modalities

    return max(candidates, key=fitness)  # the first of those that fit best


def lawyer_named(office: Office, name: str) -> Lawyer | None:
    """Returns the lawyer that some words name, as "dra helena"; None for nobody.

    Titles, accents and capitals do not matter; of two Helenas, the first.
    """
    return next(iter(_named(office, name)), None)


def spoken(moment: Slot | datetime, now: datetime) -> str:
    """Returns a day and hour as they are said.

    `terça-feira, 24/11, às 15h`; `amanhã (quinta-feira, 19/11), às 9h30`; with the
    year where it is not this one.

    Args:
        moment: aware.
        now: aware, in the zone whose clock counts.
    """
    moment = moment.starts_at if isinstance(moment, Slot) else moment
    local = moment.astimezone(now.tzinfo)
    return f"{spoken_day(local.date(), now)}, {at_hour(local.time())}"


def short(moment: datetime) -> str:
    """Returns a day and hour in at most 20 characters: `ter 24/11 às 15h30`.

    Args:
        moment: aware, in the zone whose clock counts.
    """
    hour = at_hour(moment.time())
    return f"{WEEKDAYS[moment.weekday()][:3]} {moment:%d/%m} {hour}"


def spoken_day(day: date, now: datetime) -> str:
    """Returns a day as it is said: `terça-feira, 24/11`, `hoje (…)`, `amanhã (…)`."""
    today = now.date()
    written = f"{day:%d/%m}" if day.year == today.year else f"{day:%d/%m/%Y}"
    name = f"{WEEKDAYS[day.weekday()]}, {written}"
    near = {0: "hoje", 1: "amanhã"}.get((day - today).days)
    return f"{near} ({name})" if near else name


class _Calendar:
    """One lawyer's bookable time as it is now."""

    def __init__(
        self,
        office: Office,
        lawyer: Lawyer,
        duration_min: int,
        busy: Iterable[Busy],
        now: datetime,
    ) -> None:
        self._office = office
        self._lawyer = lawyer
        self._duration = timedelta(minutes=duration_min)
        self._zone = office.zone
        self._now = now.astimezone(self._zone)
        self._earliest = self._now + timedelta(minutes=office.notice_min)
        self.today = self._now.date()
        self.last_day = self.today + timedelta(office.horizon_days)
        self._starts, self._ends = _merged(busy)

    def slot(self, start: datetime) -> Slot:
        return Slot(start, start + self._duration, self._lawyer.name)

    def against_day(self, day: date) -> Verdict | None:
        """Returns what speaks against a whole day, whatever the hour."""
        if day < self.today:
            return Verdict(None, "passado")
        if day > self.last_day:
            return Verdict(None, "muito_longe", f"{self.last_day:%d/%m/%Y}")
        holiday = self._holiday(day)
        if holiday:
            return Verdict(None, "feriado", holiday)
        for closure in self._office.closures:
            if closure.covers(day):
                return Verdict(None, "fechado", closure.reason)
        if not self._office.hours.of(day):
            return Verdict(None, "dia_sem_expediente", plural_weekday(day.weekday()))
        return None

    def against_whole_day(self, day: date, wish: Wish) -> Verdict | None:
        """Returns why no hour of an open day can be, in the wished part of it."""
        starts = [
            start
            for start in self._starts_of(day, STEP_MIN)
            if _is_within(start.time(), wish.earliest, wish.latest)
        ]
        if not starts:
            return self._outside(day)
        if starts[-1] < self._earliest:
            return self._too_soon(starts[-1])
        if not any(self._is_free(start) for start in starts):
            return Verdict(
                None, "ocupado", "período cheio" if wish.has_hour else "dia cheio"
            )
        return None

    def judge(self, start: datetime) -> Verdict:
        """Says whether an appointment may begin then, on a day that is open."""
        if start < self._now:
            return Verdict(None, "passado")
        if start.minute % STEP_MIN or not self._is_open(start):
            return self._outside(start.date())
        if start < self._earliest:
            return self._too_soon(start)
        if not self._is_free(start):
            return Verdict(None, "ocupado")
        return Verdict(self.slot(start))

    def free_starts(self, day: date, wished: time | None) -> list[datetime]:
        """Returns the free times of a day's grid, and the wished one, in order.

        A day whose grid is full gives its gaps, each from its first minute on.
        """
        if self.against_day(day):
            return []
        starts = self._starts_of(day, int(self._duration.total_seconds()) // 60)
        if wished is not None:
            starts.append(datetime.combine(day, wished, tzinfo=self._zone))
        free = sorted({start for start in starts if self.judge(start).slot})
        if free:
            return free
        for start in self._starts_of(day, STEP_MIN):
            is_after_last = not free or start >= free[-1] + self._duration
            if is_after_last and self.judge(start).slot:
                free.append(start)
        return free

    def _starts_of(self, day: date, step_min: int) -> list[datetime]:
        """Returns every start that fits into the day's hours, from each opening."""
        found = []
        for opens, closes in self._office.hours.of(day):
            start = datetime.combine(day, opens, tzinfo=self._zone)
            last = datetime.combine(day, closes, tzinfo=self._zone) - self._duration
            while start <= last:
                found.append(start)
                start += timedelta(minutes=step_min)
        return found

    def _is_open(self, start: datetime) -> bool:
        def fits(interval: Interval) -> bool:
            opens, closes = (
                datetime.combine(start.date(), moment, tzinfo=self._zone)
                for moment in interval
            )
            return opens <= start and start + self._duration <= closes

        return any(map(fits, self._office.hours.of(start.date())))

    def _is_free(self, start: datetime) -> bool:
        begin = start.timestamp()
        end = begin + self._duration.total_seconds()
        after = bisect.bisect_left(self._starts, end)
        return after == 0 or self._ends[after - 1] <= begin

    def _outside(self, day: date) -> Verdict:
        detail = intervals_in_words(self._office.hours.of(day))
        return Verdict(None, "fora_do_horario", detail)

    def _too_soon(self, start: datetime) -> Verdict:
        if start < self._now:
            return Verdict(None, "passado")
        return Verdict(None, "muito_cedo", _lasting(self._office.notice_min))

    def _holiday(self, day: date) -> str | None:
        office = self._office
        return _holidays(office.uf, day.year, office.closes_on_optional_days).get(day)


def _merged(busy: Iterable[Busy]) -> tuple[list[float], list[float]]:
    """Returns starts and ends of what is taken, sorted and without overlaps."""
    starts: list[float] = []
    ends: list[float] = []
    for begin, end in sorted(busy):
        if ends and begin <= ends[-1]:
            ends[-1] = max(ends[-1], end)
        else:
            starts.append(begin)
            ends.append(end)
    return starts, ends


def _lasting(minutes: int) -> str:
    """Returns a length of time in words: `2 horas`, `1 hora e 30 minutos`."""
    hours, rest = divmod(minutes, _HOUR_MIN)
    words = [
        f"{count} {unit}{'s' if count > 1 else ''}"
        for count, unit in ((hours, "hora"), (rest, "minuto"))
        if count
    ]
    return " e ".join(words)


def _named(office: Office, name: str) -> list[Lawyer]:
    words = set(name_words(name)) - _TITLES
    return [each for each in office.lawyers if words and words <= _words_of(each)]


def _words_of(lawyer: Lawyer) -> set[str]:
    return set(name_words(lawyer.name))


def _nearest_days(wish: Wish, first: date, last: date) -> Iterator[list[date]]:
    """Yields the wished days, those after the first of them, and those before."""
    wished = [day for day in _wished_days(wish, last) if first <= day <= last]
    anchor = wish.day or min(wish.days, default=first)
    anchor = min(max(anchor, first), last)
    others = [day for day in _days(first, last) if day not in wished]
    yield wished
    yield [day for day in others if day >= anchor]
    yield [day for day in reversed(others) if day < anchor]


def _wished_days(wish: Wish, last: date) -> list[date]:
    if wish.days:
        return sorted(set(wish.days))
    if wish.day is None:
        return []
    return _days(wish.day, min(wish.last_day or wish.day, max(last, wish.day)))


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(n) for n in range((last - first).days + 1)]


def _take(
    found: list[datetime], free: list[list[datetime]], wish: Wish, count: int
) -> None:
    """Adds the best time of each day, then the second best, up to the count."""
    left = [[start for start in starts if start not in found] for starts in free]
    while any(left):
        for remaining, starts in zip(left, free, strict=True):
            if len(found) >= count:
                return
            if remaining:
                best = _best(remaining, starts, wish, share=len(found) / count)
                remaining.remove(best)
                found.append(best)


def _best(
    remaining: list[datetime], starts: list[datetime], wish: Wish, *, share: float
) -> datetime:
    """Returns the time nearest to the wished hour or part of the day.

    Where no exact hour is wished, proposals spread over the day: each begins a
    share later, so that three proposals are not three times nine o'clock.
    """
    nearest = min(remaining, key=lambda start: _distance(start.time(), wish))
    if wish.time is not None or _distance(nearest.time(), wish):
        return nearest
    wanted = starts[int(share * len(starts))]
    return next((start for start in remaining if start >= wanted), remaining[0])


def _distance(start: time, wish: Wish) -> int:
    """Returns the minutes between a start and the wished hour or part of day."""
    earliest = wish.time if wish.time is not None else wish.earliest or time.min
    latest = wish.time if wish.time is not None else wish.latest or time.max
    minute = _minutes(start)
    return max(_minutes(earliest) - minute, minute - _minutes(latest), 0)


def _is_within(start: time, earliest: time | None, latest: time | None) -> bool:
    return (earliest or time.min) <= start <= (latest or time.max)


def _minutes(moment: time) -> int:
    return moment.hour * _HOUR_MIN + moment.minute

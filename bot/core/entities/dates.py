"""Days and hours that people name in Brazilian Portuguese, found in whole messages.

A small grammar of our own (ADR 0015). It reads what is written; whether the office
is open then is not its business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from bot.core.entities.dates_days import DAY_RULES, WORD_RULES
from bot.core.entities.dates_grammar import Clock, Grammar, Part, Piece, Scene, fold
from bot.core.entities.dates_hours import HOUR_RULES, PART_RULES
from bot.core.entities.dates_stretches import STRETCH_RULES
from bot.core.entities.dates_weekdays import ORDINAL_RULES, WEEKDAY_RULES
from bot.core.zones import DEFAULT

ZONE = ZoneInfo(DEFAULT)
"""Where no office has said another."""
Hour = time
"""The type, by a name that no field of `Moment` hides."""
_GRAMMAR = Grammar(
    [
        *DAY_RULES,
        *ORDINAL_RULES,
        *STRETCH_RULES,
        *WEEKDAY_RULES,
        *WORD_RULES,
        *PART_RULES,
        *HOUR_RULES,
    ]
)
_SOME_DAY = datetime(2024, 1, 1, tzinfo=timezone.utc)
"""For what is impossible on every day; a leap year."""

_GLUE = re.compile(
    r"[\s,.;:()–-]*(?:(?:as?|aos?|d[aeo]s?|d|n[ao]s?|em|pel[ao]s?|la|umas|uns|por\s+volta"
    r"|tipo|qualquer|dia|hora|perto|periodo|parte|turno|horario|bem|logo|so|ainda|agora|mais\s+ou\s+menos|ai|mesmo|pras?"
    r"|para|p|p/|talvez|inicio)\b[\s,.:/(–-]*){0,5}"
)
_OR = re.compile(
    r"(?:\s*,|\s*/|\s+e/ou|,?\s+ou|,?\s+e)\s*(?:entao\s+|talvez\s+|ate\s+)?"
    r"(?:(?:a|o|as|na|no|nas|da|de|d|pra|para|em|pela|a)\s+){0,2}"
)
_TO = re.compile(r"\s*(?:\b(?:a|ate|ao|as)\b|-)\s*(?:(?:a|o|na)\s+)?")
_LONGEST_GAP = 40
_LONGEST_MONTH = 31


@dataclass(frozen=True)
class Moment:
    """A day, an hour, a part of the day or several of them, said as one."""

    start: int
    """Where it begins in the message, after prepositions and articles."""
    end: int
    text: str
    """The words of the message from `start` to `end`."""
    day: date | None = None
    """First day meant; None when only an hour or a part of the day is said."""
    last_day: date | None = None
    """Last day of a range, as Sunday of "semana que vem"."""
    time: Hour | None = None
    """Exact hour."""
    earliest: Hour | None = None
    """From when, of "depois das 15h", "de tarde"."""
    latest: Hour | None = None
    """Until when, of "até as 11", "de tarde"."""
    days: tuple[date, ...] = ()
    """All days, where several single ones are named: "terça ou quinta"."""
    is_past: bool = False
    """It has been: "ontem", "há 3 meses", "fui demitida em março"."""

    def value(self, now: datetime) -> str:
        """Returns ISO 8601: a date, or with an exact hour a datetime.

        Without a day, the next one on which the hour or part of the day is still to
        come. Shapes: 2026-11-24, 2026-11-24T15:00:00-03:00, by the clock of `now`.
        """
        day = self.day
        if day is None:
            until = self.time or self.latest or time.max
            day = now.date()
            if until <= now.time():
                day += timedelta(days=1)
        if self.time is None:
            return day.isoformat()
        return datetime.combine(day, self.time, tzinfo=now.tzinfo).isoformat()


def read_moments(text: str, *, now: datetime) -> list[Moment]:
    """Returns the days and hours that a message names, in order.

    What is ambiguous lies ahead, unless the words tell of the past. Days and hours
    that do not exist are left out; see `has_impossible`.

    Args:
        text: a whole message.
        now: aware, in the zone of the office; "hoje" is its day there.
    """
    folded, places = fold(text)
    scene = Scene(folded, "".join(text[place] for place in places[:-1]), now)
    pieces = [item for item in _GRAMMAR.pieces(scene) if isinstance(item, Piece)]
    return [
        _moment(piece, text, places, scene)
        for piece in _with_lent_days(_composed(pieces, scene), scene)
        if not piece.is_weak or _is_all(piece, folded)
    ]


def has_impossible(text: str) -> str | None:
    """Returns the first day or hour that does not exist, as written, or None.

    >>> has_impossible("pode ser dia 32?")
    'dia 32'
    """
    folded, places = fold(text)
    scene = Scene(folded, "".join(text[place] for place in places[:-1]), _SOME_DAY)
    for item in _GRAMMAR.pieces(scene):
        if not isinstance(item, Piece):
            return text[places[item[0]] : places[item[1]]]
    return None


def _is_all(piece: Piece, folded: str) -> bool:
    """Says whether a message is nothing but that piece, as "tarde" in an answer."""
    return folded.strip(" .,!?\n") == folded[piece.start : piece.end]


def _composed(pieces: list[Piece], scene: Scene) -> list[Piece]:
    """Returns pieces with those that belong together made one."""
    composed: list[Piece] = []
    for piece in pieces:
        left = composed[-1] if composed else None
        joined = left and _joined(left, piece, scene)
        if joined:
            composed[-1] = joined
        else:
            composed.append(piece)
    return composed


def _with_lent_days(pieces: list[Piece], scene: Scene) -> Iterator[Piece]:
    """Yields pieces; an hour has the day that the same clause named before it."""
    left: Piece | None = None
    for piece in pieces:
        if left is not None and _lends_its_day(left, piece, scene):
            left = replace(piece, days=left.days)
        else:
            left = piece
        yield left


def _gap(left: Piece, right: Piece, scene: Scene) -> str:
    return scene.folded[left.end : right.start]


def _is_or(left: Piece, right: Piece, scene: Scene) -> bool:
    # folded, "hoje é sexta" is "hoje e sexta"
    said = scene.original[left.end : right.start].lower()
    return "é" not in said and _OR.fullmatch(_gap(left, right, scene)) is not None


def _lends_its_day(left: Piece, right: Piece, scene: Scene) -> bool:
    """Says whether an hour is of the day named before: "sexta eu consigo às 16h"."""
    if not right.clocks or right.days or not left.days or left.last_day or left.is_past:
        return False
    gap = _gap(left, right, scene)
    same_clause = len(gap) <= _LONGEST_GAP and not re.search(r"[.,;:!?\n]", gap)
    return same_clause or _is_or(left, right, scene)


def _joined(left: Piece, right: Piece, scene: Scene) -> Piece | None:
    gap = _gap(left, right, scene)
    if len(gap) > _LONGEST_GAP:
        return None
    if left.days and right.days:
        return _two_days(left, right, gap, is_or=_is_or(left, right, scene))
    if left.parts and right.parts and not right.clocks:
        is_or = _is_or(left, right, scene) and "," not in gap
        return _merged(left, right, is_weak=False) if is_or else None
    if (left.clocks and right.clocks) or not _GLUE.fullmatch(gap):
        return None
    if (left.is_weak or right.is_weak) and "," in gap and not left.days:
        return None
    return _merged(left, right, is_weak=left.is_weak and right.is_weak)


def _merged(left: Piece, right: Piece, *, is_weak: bool) -> Piece:
    day = left if left.days else right
    clocked = left if left.clocks else right
    return Piece(
        left.start,
        right.end,
        day.days,
        last_day=day.last_day,
        names=day.names,
        may_be_today=day.may_be_today,
        clocks=clocked.clocks,
        shape=clocked.shape,
        parts=left.parts + right.parts,
        is_past=left.is_past or right.is_past,
        is_weak=is_weak,
    )


def _two_days(left: Piece, right: Piece, gap: str, *, is_or: bool) -> Piece | None:
    """Returns two names of one day, or of several, as one piece."""
    if left.clocks or (left.parts and left.days != right.days):
        return None
    if _GLUE.fullmatch(gap):
        same = _same_day(left, right)
        if same is not None:
            return replace(same, start=left.start, end=right.end, is_weak=False)
    if left.last_day or right.last_day:
        return None
    if _TO.fullmatch(gap) and gap.strip() and len(left.days) == len(right.days) == 1:
        last = right.days[0]
        if last < left.days[0] and right.names == "weekday":
            last += timedelta(days=7)
        if last > left.days[0]:
            return replace(right, start=left.start, days=left.days, last_day=last,
                           names="", is_weak=False)  # fmt: skip
    if is_or:
        week = left.week or right.week
        days = tuple(day for piece in (left, right) for day in _in_week(piece, week))
        return replace(right, start=left.start, days=days, week=week, is_weak=False,
                       may_be_today=False)  # fmt: skip
    return None


def _in_week(piece: Piece, week: date | None) -> tuple[date, ...]:
    """Returns the days of "quinta ou sexta", both in the week that was named."""
    if week is None or piece.names != "weekday":
        return piece.days
    return tuple(week + timedelta(days=day.weekday()) for day in piece.days)


def _same_day(left: Piece, right: Piece) -> Piece | None:
    """Returns the day that two names mean ("terça, 24/11", "semana que vem, terça")."""
    parts = left.parts + right.parts
    for named, other in ((left, right), (right, left)):
        day = _day_meant(named, other)
        if day is not None:
            return replace(
                right,
                days=(day,),
                last_day=None,
                names=named.names if other.last_day else "",
                week=day - timedelta(days=day.weekday()) if other.last_day else None,
                may_be_today=False,
                parts=parts,
                is_past=other.is_past,
            )
    if left.days == right.days and left.last_day == right.last_day:
        return replace(right, parts=parts)
    return None


def _day_meant(named: Piece, other: Piece) -> date | None:
    """Returns the day of a fuller name; of a range, the one with the bare name."""
    if other.last_day:
        if not named.names or _days_in(other) > _LONGEST_MONTH:
            return None
        days = (other.days[0] + timedelta(days=i) for i in range(_days_in(other)))
        return next((day for day in days if _fits(day, named)), None)
    is_fuller = named.names == "weekday" != other.names and _days_in(other) == 1
    return other.days[0] if is_fuller else None


def _days_in(piece: Piece) -> int:
    last = piece.last_day or piece.days[-1]
    return (last - piece.days[0]).days + 1


def _fits(day: date, named: Piece) -> bool:
    if named.names == "weekday":
        return day.weekday() == named.days[0].weekday()
    return day.day == named.days[0].day


def _moment(piece: Piece, text: str, places: list[int], scene: Scene) -> Moment:
    start, end = places[piece.start], places[piece.end]
    exact, earliest, latest = _hours(piece)
    days = piece.days
    hour = (exact or earliest) if piece.clocks else None
    if piece.may_be_today and hour and hour > scene.now.time():
        days = (scene.today,)
    if piece.last_day is None:
        days = tuple(dict.fromkeys(days))
    return Moment(
        start=start,
        end=end,
        text=text[start:end],
        day=days[0] if days else None,
        last_day=piece.last_day,
        time=exact,
        earliest=earliest,
        latest=latest,
        days=days if len(days) > 1 else (),
        is_past=piece.is_past,
    )


def _hours(piece: Piece) -> tuple[time | None, time | None, time | None]:
    """Returns the exact hour, the earliest and the latest."""
    part = piece.parts[0].name if piece.parts else ""
    if not piece.clocks:
        return None, *_bounds(piece.parts)
    last = piece.clocks[-1].resolved(part)
    if piece.shape == "at":
        return last, None, None
    if piece.shape == "between":
        return None, *_stretch(piece.clocks, part)
    return (None, last, None) if piece.shape == "from" else (None, None, last)


def _stretch(clocks: tuple[Clock, ...], part: str) -> tuple[time, time]:
    """Returns the hours of "entre 8 e 10 da noite", "das 8 às 5 da tarde"."""
    last = clocks[-1].resolved(part)
    first = clocks[0].resolved(part or clocks[-1].part)
    if first >= last:
        first = clocks[0].resolved(part)
    if first >= last:
        last = clocks[-1].resolved("pm")
    return first, last


def _bounds(parts: tuple[Part, ...]) -> tuple[time | None, time | None]:
    first = [part.earliest for part in parts if part.earliest]
    last = [part.latest for part in parts if part.latest]
    return (min(first) if first else None), (max(last) if last else None)

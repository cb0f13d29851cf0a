"""Events in an iCalendar file, as a calendar program or a person wrote them.

What repeats is unrolled as RFC 5545 has it: rules, added and left out dates, and
single occurrences that were changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rruleset, rrulestr
from icalendar import Component

from actions.gateways.drafts import Span

_DAY = timedelta(days=1)
_ODD = frozenset({"SECONDLY", "MINUTELY"})
"""Rules that nobody's calendar has, and that would take minutes to unroll."""


@dataclass(frozen=True)
class Occurrence:
    """One time at which an event of a file takes place."""

    of: Component
    span: Span
    is_all_day: bool


def occurrences(
    book: Component, first: datetime, last: datetime, zone: ZoneInfo
) -> Iterator[Occurrence]:
    """Yields what overlaps [first, last), in no order.

    Args:
        book: the calendar.
        first: aware.
        last: aware.
        zone: of whole days, and of times that name none.

    Raises:
        ValueError: an event has no start, or a rule that makes no sense.
    """
    events = book.walk("VEVENT")
    changed = {
        (each.get("UID"), _moment(_value(each, "RECURRENCE-ID"), zone))
        for each in events
        if "RECURRENCE-ID" in each
    }
    for event in events:
        is_change = "RECURRENCE-ID" in event
        for span in _spans(event, first, last, zone):
            begins, ends = (at.astimezone(UTC) for at in span)
            if not is_change and (event.get("UID"), begins) in changed:
                continue
            if begins < last and (ends > first or begins == ends >= first):
                yield Occurrence(event, span, _is_date(_start(event)))


def span_of_event(event: Component, zone: ZoneInfo) -> Span:
    """Returns when an event takes place, or the first time of one that repeats.

    Raises:
        ValueError: it has no start.
    """
    start = _start(event)
    end: date
    if "DTEND" in event:
        end = _value(event, "DTEND")
    elif "DURATION" in event:
        end = start + _value(event, "DURATION")
    else:
        end = start + _DAY if _is_date(start) else start
    return _moment(start, zone), _moment(end, zone)


def _spans(
    event: Component, first: datetime, last: datetime, zone: ZoneInfo
) -> Iterator[Span]:
    begins, ends = span_of_event(event, zone)
    if not ("RRULE" in event or "RDATE" in event):
        yield begins, ends
        return
    lasts = ends - begins
    own_zone = begins.tzinfo
    left_out = set(_dates(event, "EXDATE", zone))
    for local in _rules(event, begins, zone).between(
        (first - lasts).astimezone(own_zone).replace(tzinfo=None),
        last.astimezone(own_zone).replace(tzinfo=None),
        inc=True,
    ):
        at = local.replace(tzinfo=own_zone)
        if at not in left_out:
            yield at, at + lasts


def _rules(event: Component, begins: datetime, zone: ZoneInfo) -> Any:
    """Returns an event's rules by its own clock, which summer time does not move."""
    rules: Any = rruleset()  # type: ignore[no-untyped-call]
    local = begins.replace(tzinfo=None)
    rules.rdate(local)
    for each in _dates(event, "RDATE", zone):
        rules.rdate(each.astimezone(begins.tzinfo).replace(tzinfo=None))
    for rule in _every(event.get("RRULE", [])):
        given = {name: list(_every(value)) for name, value in rule.items()}
        if given["FREQ"][0].upper() in _ODD:
            raise ValueError("an event of every minute")
        if "UNTIL" in given:
            until = _moment(given["UNTIL"][0], zone).astimezone(begins.tzinfo)
            given["UNTIL"] = [until.replace(tzinfo=None)]
        text = type(rule)(given).to_ical().decode()
        rules.rrule(rrulestr(text, dtstart=local))
    return rules


def _dates(event: Component, name: str, zone: ZoneInfo) -> Iterator[datetime]:
    for listed in _every(event.get(name, [])):
        for each in listed.dts:
            value = each.dt[0] if isinstance(each.dt, tuple) else each.dt
            yield _moment(value, zone)


def _every(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value]


def _start(event: Component) -> date:
    if "DTSTART" not in event:
        raise ValueError("an event without a start")
    start: date = _value(event, "DTSTART")
    return start


def _value(event: Component, name: str) -> Any:
    held: Any = event[name]
    return held.dt


def _is_date(value: date) -> bool:
    return not isinstance(value, datetime)


def _moment(value: date, zone: ZoneInfo) -> datetime:
    if not isinstance(value, datetime):
        return datetime.combine(value, time(), zone)
    return value if value.tzinfo is not None else value.replace(tzinfo=zone)

"""Times of the fake calendars: zones, ranges, repetitions, free and busy."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from tests.fakes.google_discovery import Call
from tests.fakes.google_faults import Problem

_LATEST_INSTANCE = timedelta(days=2 * 365)
"""How far a repetition without an end is unrolled."""


class HasZone(Protocol):
    """A calendar, as far as its times go."""

    time_zone: str
    owner: str


def rfc3339(seconds: float) -> str:
    """Returns UTC seconds as Google writes them: `2026-11-24T18:00:00.000Z`."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def parse_bound(value: str, name: str) -> datetime:
    """Returns a moment that has its offset, as `timeMin` must."""
    if not value:
        raise Problem(400, "required", f"Missing {name} parameter.", location=name)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise Problem(400, "badRequest", "Bad Request") from None
    if moment.tzinfo is None:
        raise Problem(400, "badRequest", "Bad Request")
    return moment


def bounds(call: Call) -> tuple[datetime | None, datetime | None]:
    """Returns `timeMin` and `timeMax` of a list."""
    lower, upper = (
        parse_bound(call.get(name), name) if name in call.query else None
        for name in ("timeMin", "timeMax")
    )
    if lower and upper:
        check_times(lower, upper)
    return lower, upper


def check_times(begins: datetime, ends: datetime) -> None:
    """Refuses a range that holds no time."""
    if ends <= begins:
        message = "The specified time range is empty."
        raise Problem(
            400, "timeRangeEmpty", message, domain="calendar", location="timeMax"
        )


def moment(value: Mapping[str, Any], zone: ZoneInfo, name: str = "start") -> datetime:
    """Returns the moment of a `start` or `end`; a whole day begins in `zone`."""
    if value.get("date"):
        try:
            day = datetime.strptime(value["date"], "%Y-%m-%d")  # noqa: DTZ007
        except ValueError:
            raise Problem(400, "invalid", f"Invalid {name} date.") from None
        return datetime.combine(day, time(), zone)
    try:
        read = datetime.fromisoformat(value["dateTime"])
    except (KeyError, ValueError):
        raise Problem(400, "badRequest", "Bad Request") from None
    if read.tzinfo is not None:
        return read
    return read.replace(tzinfo=_zone_of(value, name))


def _zone_of(value: Mapping[str, Any], name: str) -> ZoneInfo:
    if not value.get("timeZone"):
        message = f"Missing time zone definition for {name} time."
        raise Problem(400, "required", message)
    try:
        return ZoneInfo(value["timeZone"])
    except (KeyError, ValueError):
        message = f"Invalid time zone definition for {name} time."
        raise Problem(400, "invalid", message) from None


def shown_time(
    value: Mapping[str, Any],
    zone: ZoneInfo,
    *,
    name: str = "start",
    is_new: bool = False,
) -> dict[str, Any]:
    """Returns a time as an answer shows it: the reader's offset, its own zone."""
    at = moment(value, zone, name)
    if is_new and value.get("timeZone"):
        _zone_of(value, name)
    if value.get("date"):
        return dict(value)
    shown = at.astimezone(zone).isoformat(timespec="seconds")
    return {
        "dateTime": shown.replace("+00:00", "Z"),
        "timeZone": value.get("timeZone") or zone.key,
    }


def span(event: Mapping[str, Any], zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Returns when an event begins and ends."""
    return moment(event["start"], zone), moment(event["end"], zone, "end")


def instances(
    event: Mapping[str, Any], zone: ZoneInfo, until: datetime | None
) -> Iterator[dict[str, Any]]:
    """Returns an event's occurrences; of one that does not repeat, itself."""
    rules = [rule for rule in event.get("recurrence", ()) if rule.startswith("RRULE")]
    if not rules:
        yield dict(event)
        return
    begins, ends = span(event, zone)
    own_zone = ZoneInfo(event["start"].get("timeZone", zone.key))
    local = begins.astimezone(own_zone).replace(tzinfo=None)
    last = (until or begins + _LATEST_INSTANCE).astimezone(own_zone)
    for start in rrulestr("\n".join(rules), dtstart=local, ignoretz=True):
        at = start.replace(tzinfo=own_zone)
        if at >= last:
            return
        yield _instance(event, at, ends - begins)


def _instance(
    event: Mapping[str, Any], at: datetime, lasts: timedelta
) -> dict[str, Any]:
    each = copy.deepcopy(dict(event))
    del each["recurrence"]
    stamp = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    each |= {"id": f"{event['id']}_{stamp}", "recurringEventId": event["id"]}
    zone = event["start"].get("timeZone", "UTC")
    each["start"] = {"dateTime": at.isoformat(), "timeZone": zone}
    each["end"] = {"dateTime": (at + lasts).isoformat(), "timeZone": zone}
    each["originalStartTime"] = dict(each["start"])
    return each


def busy_times(
    events: Iterable[Mapping[str, Any]],
    calendar: HasZone,
    asked: tuple[datetime, datetime],
    zone: ZoneInfo,
) -> list[dict[str, str]]:
    """Returns the busy ranges inside those asked for, joined, in order."""
    lower, upper = asked
    own_zone = ZoneInfo(calendar.time_zone)
    spans = sorted(
        span(each, own_zone)
        for event in events
        if _is_busy(event, calendar.owner)
        for each in instances(event, own_zone, upper)
    )
    joined: list[tuple[datetime, datetime]] = []
    for begins, ends in spans:
        if ends <= lower or begins >= upper:
            continue
        begins, ends = max(begins, lower), min(ends, upper)  # noqa: PLW2901
        if joined and begins <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(ends, joined[-1][1]))
        else:
            joined.append((begins, ends))
    return [
        {"start": _in_zone(begins, zone), "end": _in_zone(ends, zone)}
        for begins, ends in joined
    ]


def _is_busy(event: Mapping[str, Any], owner: str) -> bool:
    has_declined = any(
        guest["email"] == owner and guest.get("responseStatus") == "declined"
        for guest in event.get("attendees", ())
    )
    return event.get("transparency") != "transparent" and not has_declined


def _in_zone(at: datetime, zone: ZoneInfo) -> str:
    shown = at.astimezone(zone).isoformat(timespec="seconds")
    return shown.replace("+00:00", "Z")

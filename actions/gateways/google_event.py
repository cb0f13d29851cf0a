"""Events as Google writes them, and what changes one into what a draft says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from actions.gateways.drafts import (
    GUESTS,
    MARKS,
    ONLINE,
    OURS,
    YES,
    Span,
    changed_texts,
    guest_mark,
    is_same,
    marks_of,
    span_of,
)
from bot.core.ports import Event, EventDraft

Body = dict[str, Any]
_NAMES = {"title": "summary", "description": "description", "location": "location"}
_WRONG = 400
_NOT_HERE = "-"
"""Remembered in place of a meeting or of guests where Google grants none."""


def new_body(event_id: str, draft: EventDraft, zone: ZoneInfo) -> Body:
    """Returns what `events.insert` takes.

    Raises:
        GatewayError: `REFUSED` for times that make no sense.
    """
    times = _times(span_of(draft, zone), zone)
    body: Body = {
        "id": event_id,
        **{_NAMES[name]: text for name, text in changed_texts(draft, {}).items()},
        **times,
        "attendees": list(_invited(draft).values()),
        "extendedProperties": {"private": _properties(marks_of(draft))},
    }
    if draft.is_online:
        body["conferenceData"] = _meeting(event_id)
    return body


def change_of(kept: Body, draft: EventDraft, zone: ZoneInfo) -> Body:
    """Returns what `events.patch` takes; {} where there is nothing to change.

    Args:
        kept: the event as `events.get` shows it, deleted or not.
        draft: what it should say.
        zone: the office's.

    Raises:
        GatewayError: `REFUSED` for times that make no sense.
    """
    wanted, before, now = span_of(draft, zone), _marks_in(kept), marks_of(draft)
    is_back = kept.get("status") == "cancelled"
    change: Body = {"status": "confirmed"} if is_back else {}
    if is_back or not is_same(_span(kept, zone), wanted):
        times = _times(wanted, zone)
        change |= {name: each | {"date": None} for name, each in times.items()}
    texts = changed_texts(draft, before)
    change |= {_NAMES[name]: text for name, text in texts.items()}
    if before.get(GUESTS) == _NOT_HERE:
        now[GUESTS] = _NOT_HERE
    else:
        attendees = _attendees(kept, draft, before)
        if attendees != kept.get("attendees", []):
            change["attendees"] = attendees
    if draft.is_online and before.get(ONLINE) == _NOT_HERE:
        now[ONLINE] = _NOT_HERE
    elif draft.is_online and not kept.get("conferenceData"):
        change["conferenceData"] = _meeting(f"{kept['id']}-{_version(kept)}")
    elif not draft.is_online and before.get(ONLINE) == YES:
        change["conferenceData"] = None
    if now != before:
        change["extendedProperties"] = {"private": _properties(now)}
    return change


def lesser(body: Body, status: int, reason: str) -> Body | None:
    """Returns what is left to write of a body that Google refuses for what it asks.

    A service account that stands for no person opens no meetings and invites nobody.
    The event remembers it, so that it is not asked of Google again.

    Returns:
        The lesser body; None where it was refused for something else.
    """
    if status == _WRONG and body.get("conferenceData"):
        return _without(body, "conferenceData", ONLINE)
    if reason == "forbiddenForServiceAccounts" and body.get("attendees"):
        return _without(body, "attendees", GUESTS)
    return None


def _without(body: Body, part: str, mark: str) -> Body:
    rest = {name: value for name, value in body.items() if name != part}
    private = body.get("extendedProperties", {}).get("private", {})
    marks = private | _properties({mark: _NOT_HERE})
    return rest | {"extendedProperties": {"private": marks}}


def is_pending(kept: Body) -> bool:
    """Says whether the link of an event's meeting is still to come."""
    request = kept.get("conferenceData", {}).get("createRequest", {})
    status = request.get("status", {}).get("statusCode")
    return status == "pending" and not _meeting_link(kept)


def event_of(item: Body, zone: ZoneInfo, day_zone: ZoneInfo) -> Event:
    """Returns an event as the assistant knows it.

    Args:
        item: as Google shows it.
        zone: of the times.
        day_zone: the calendar's, in which whole days begin.
    """
    begins, ends = _span(item, day_zone)
    declined = any(
        guest.get("self") and guest.get("responseStatus") == "declined"
        for guest in item.get("attendees", ())
    )
    is_all_day = _is_all_day(item)
    return Event(
        id=item["id"],
        title=item.get("summary", ""),
        starts_at=begins if is_all_day else begins.astimezone(zone),
        ends_at=ends if is_all_day else ends.astimezone(zone),
        link=item.get("htmlLink", ""),
        meeting_link=_meeting_link(item),
        is_ours=_marks_in(item).get(OURS) == YES,
        is_busy=item.get("transparency") != "transparent" and not declined,
        is_all_day=is_all_day,
    )


def _times(span: Span, zone: ZoneInfo) -> Body:
    return {
        name: {"dateTime": at.isoformat(), "timeZone": zone.key}
        for name, at in zip(("start", "end"), span, strict=True)
    }


def _span(item: Body, day_zone: ZoneInfo) -> Span:
    return _moment(item["start"], day_zone), _moment(item["end"], day_zone)


def _moment(value: Mapping[str, str], day_zone: ZoneInfo) -> datetime:
    if "date" in value:
        day = datetime.fromisoformat(value["date"])
        return datetime.combine(day, time(), day_zone)
    return datetime.fromisoformat(value["dateTime"])


def _is_all_day(item: Body) -> bool:
    return "date" in item.get("start", {})


def _attendees(kept: Body, draft: EventDraft, before: Mapping[str, str]) -> list[Body]:
    """Returns the guests: those of the draft, and whom a person added or took out."""
    known = set(before.get(GUESTS, "").split())
    wanted = _invited(draft)
    there = {guest_mark(each["email"]): each for each in kept.get("attendees", ())}
    staying = [
        guest for mark, guest in there.items() if mark in wanted or mark not in known
    ]
    return staying + [
        guest
        for mark, guest in wanted.items()
        if mark not in there and mark not in known
    ]


def _invited(draft: EventDraft) -> dict[str, Body]:
    """Returns a draft's guests by their marks, each once."""
    emails = {guest_mark(each): each.strip() for each in draft.guests}
    return {mark: {"email": email} for mark, email in emails.items()}


def _meeting(request_id: str) -> Body:
    key = {"type": "hangoutsMeet"}
    return {"createRequest": {"requestId": request_id, "conferenceSolutionKey": key}}


def _version(kept: Body) -> str:
    """Returns what names this state of an event; a request's id is taken once."""
    return "".join(filter(str.isalnum, kept.get("etag", "")))


def _meeting_link(item: Body) -> str:
    entries = item.get("conferenceData", {}).get("entryPoints", ())
    videos = [each["uri"] for each in entries if each["entryPointType"] == "video"]
    return str(item.get("hangoutLink") or next(iter(videos), ""))


def _properties(marks: Mapping[str, str]) -> dict[str, str]:
    return {_property(name): value for name, value in marks.items()}


def _marks_in(item: Body) -> dict[str, str]:
    private = item.get("extendedProperties", {}).get("private", {})
    found = {name: private.get(_property(name)) for name in MARKS}
    return {name: value for name, value in found.items() if value is not None}


def _property(name: str) -> str:
    return "pocketmkt" if name == OURS else f"pocketmkt_{name}"

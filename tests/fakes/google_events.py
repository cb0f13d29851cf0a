"""What events and calendars of the fake Google are, and what may stand in them."""

from __future__ import annotations

import copy
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.fakes.google_discovery import Call
from tests.fakes.google_faults import Problem
from tests.fakes.google_times import (
    check_times,
    parse_bound,
    rfc3339,
    shown_time,
    span,
)

OFFICE_ZONE = "America/Sao_Paulo"


EVENT_ID = re.compile(r"[a-v0-9]{5,1024}")


_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True)
class Mail:
    """A message that Google sent to somebody."""

    to: str
    about: str
    """Id of the event or file."""
    kind: str
    """`invitation`, `update`, `cancellation` or `share`."""


@dataclass
class Calendar:
    """A calendar, its events and who may see it."""

    id: str
    owner: str
    summary: str = ""
    time_zone: str = OFFICE_ZONE
    made_by: str = ""
    """Client that made it, or "" for a person."""
    roles: dict[str, str] = field(default_factory=dict)
    """Of others, by e-mail: `freeBusyReader`, `reader`, `writer`, `owner`."""
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By id; those that were deleted stay, as `cancelled`."""
    versions: dict[str, int] = field(default_factory=dict)
    """When each was changed last, as the calendar counts."""

    @property
    def live(self) -> list[dict[str, Any]]:
        """Events that are not cancelled, in order of creation."""
        return [each for each in self.events.values() if each["status"] != "cancelled"]

    def role_of(self, owner: str) -> str:
        """Returns what an account may do here."""
        return "owner" if owner == self.owner else self.roles.get(owner, "none")

    def touch(self, event: dict[str, Any], now: float) -> None:
        """Marks an event as changed."""
        version = max(self.versions.values(), default=0) + 1
        self.versions[event["id"]] = version
        event["updated"] = rfc3339(now)
        event["etag"] = f'"{int(now * 1000)}{version:06d}"'


def check_event(event: Mapping[str, Any]) -> None:
    """Refuses an event without times, or with guests that have no address."""
    zone = ZoneInfo("UTC")
    for name in ("start", "end"):
        if not event.get(name):
            raise Problem(400, "required", f"Missing {name} time.")
        shown_time(event[name], zone, name=name, is_new=True)
    if ("date" in event["start"]) != ("date" in event["end"]):
        message = "Start and end times must either both be date or both be dateTime."
        raise Problem(400, "invalid", message)
    begins, ends = span(event, zone)
    check_times(begins, ends)
    if event.get("recurrence") and not event["start"].get("timeZone"):
        message = "Missing time zone definition for start time."
        raise Problem(400, "required", message)
    for guest in event.get("attendees") or ():
        if not _EMAIL.fullmatch(str(guest.get("email", ""))):
            raise Problem(400, "invalid", "Invalid attendee email.")


def invite(event: dict[str, Any]) -> None:
    """Marks guests who have not answered yet."""
    for guest in event.get("attendees") or ():
        guest.setdefault("responseStatus", "needsAction")


def open_meeting(event: dict[str, Any]) -> None:
    """Gives an event its video link."""
    letters = [secrets.choice("abcdefghijkmnopqrstuvwxyz") for _ in range(10)]
    code = "-".join(("".join(letters[:3]), "".join(letters[3:7]), "".join(letters[7:])))
    link = f"https://meet.google.com/{code}"
    event["hangoutLink"] = link
    event["conferenceData"] |= {
        "entryPoints": [{"entryPointType": "video", "uri": link, "label": link[8:]}],
        "conferenceSolution": {"key": {"type": "hangoutsMeet"}, "name": "Google Meet"},
        "conferenceId": code,
    }


def merged(kept: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Returns an event as a patch leaves it."""
    made = copy.deepcopy(dict(kept))
    for name, value in asked.items():
        if value is None:
            made.pop(name, None)
        elif isinstance(value, dict) and isinstance(made.get(name), dict):
            made[name] = merged(made[name], value)
        else:
            made[name] = value
    return made


def id_of(event: Mapping[str, Any]) -> str:
    """Returns an event's id; of an occurrence, that of the whole."""
    return str(event.get("recurringEventId", event["id"]))


def page_start(call: Call) -> int:
    """Returns how many entries the pages before hold."""
    token = re.fullmatch(r"p?(\d+)", call.get("pageToken", "0"))
    if token is None:
        raise Problem(400, "invalid", "Invalid page token value.", location="pageToken")
    return int(token[1])


def matches(event: Mapping[str, Any], call: Call, *, with_deleted: bool) -> bool:
    """Returns whether a list shows an event, times aside."""
    if event["status"] == "cancelled" and not (
        with_deleted or call.flag("showDeleted")
    ):
        return False
    if call.get("iCalUID", event["iCalUID"]) != event["iCalUID"]:
        return False
    if "updatedMin" in call.query:
        changed = datetime.fromisoformat(event["updated"]).astimezone(UTC)
        if changed < parse_bound(call.get("updatedMin"), "updatedMin"):
            return False
    text = f"{event.get('summary', '')} {event.get('description', '')}".lower()
    return call.get("q").lower() in text and all(
        value == event.get("extendedProperties", {}).get(kind, {}).get(name)
        for kind in ("private", "shared")
        for constraint in call.query.get(f"{kind}ExtendedProperty", ())
        for name, _, value in [constraint.partition("=")]
    )

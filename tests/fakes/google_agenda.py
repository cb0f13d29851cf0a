"""Whose calendars there are, who may see them, and when they are busy."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.fakes.google_discovery import Call
from tests.fakes.google_events import Calendar
from tests.fakes.google_faults import Problem, forbidden
from tests.fakes.google_times import busy_times, check_times, parse_bound, rfc3339

_RANKS = ("none", "freeBusyReader", "reader", "writer", "owner")
_MOST_BUSY_CALENDARS = 50
_LONGEST_BUSY = timedelta(days=90)
"""Undocumented; calendar programs met it: github.com/calcom/cal.com/pull/11962."""


@dataclass
class Agenda:
    """Every account's calendars, without their events' methods."""

    clock: Callable[[], float]
    every: dict[str, Calendar] = field(default_factory=dict)
    accounts: set[str] = field(default_factory=set)
    """E-mails that have a Google calendar; `externalOnly` leaves them out."""
    ill: set[str] = field(default_factory=set)
    """Calendars whose free times Google cannot tell just now."""

    def of(self, owner: str) -> Calendar:
        """Returns an account's primary calendar."""
        self.accounts.add(owner)
        return self.every.setdefault(owner, Calendar(owner, owner, owner))

    def calendar(self, call: Call, role: str) -> Calendar:
        """Returns the calendar that a call names, if it has that role there."""
        wanted = call.path["calendarId"]
        primary = self.of(call.owner)
        calendar = primary if wanted == "primary" else self.every.get(wanted)
        if calendar is None or calendar.role_of(call.owner) == "none":
            raise Problem(404, "notFound", "Not Found")
        if call.holds_only("calendar.app.created") and not (
            calendar.made_by == call.client_id
        ):
            raise Problem(404, "notFound", "Not Found")
        is_owner = calendar.role_of(call.owner) == "owner"
        owned = ("calendar.events.owned", "calendar.events.owned.readonly")
        if call.holds_only(*owned) and not is_owner:
            raise Problem(404, "notFound", "Not Found")
        if _RANKS.index(calendar.role_of(call.owner)) < _RANKS.index(role):
            raise forbidden("requiredAccessLevel")
        return calendar

    def query_free_busy(self, call: Call) -> dict[str, Any]:
        """Answers `freebusy.query`; an unknown calendar is an error of its own."""
        body = call.body
        lower = parse_bound(body.get("timeMin", ""), "timeMin")
        upper = parse_bound(body.get("timeMax", ""), "timeMax")
        check_times(lower, upper)
        if upper - lower > _LONGEST_BUSY:
            message = "The requested time range is too long."
            raise Problem(400, "timeRangeTooLong", message, domain="calendar")
        zone = ZoneInfo(body.get("timeZone", "UTC"))
        asked = [item["id"] for item in body.get("items", ())]
        if len(asked) > _MOST_BUSY_CALENDARS:
            message = "The requested list of calendars is too long"
            raise Problem(400, "tooManyCalendarsRequested", message, domain="calendar")
        return {
            "kind": "calendar#freeBusy",
            "timeMin": rfc3339(lower.timestamp()),
            "timeMax": rfc3339(upper.timestamp()),
            "calendars": {
                wanted: self._busy(call, wanted, (lower, upper), zone)
                for wanted in asked
            },
        }

    def _busy(
        self, call: Call, wanted: str, asked: tuple[datetime, datetime], zone: ZoneInfo
    ) -> dict[str, Any]:
        name = call.owner if wanted == "primary" else wanted
        calendar = self.of(name) if name == call.owner else self.every.get(name)
        if calendar is None or calendar.role_of(call.owner) == "none":
            error = {"domain": "global", "reason": "notFound"}
            return {"errors": [error], "busy": []}
        if wanted in self.ill:
            error = {"domain": "global", "reason": "internalError"}
            return {"errors": [error], "busy": []}
        return {"busy": busy_times(calendar.live, calendar, asked, zone)}

    def get_entry(self, call: Call) -> dict[str, Any]:
        """Answers `calendarList.get`."""
        return self._entry(call, self.calendar(call, "freeBusyReader"))

    def list_entries(self, call: Call) -> dict[str, Any]:
        """Answers `calendarList.list`."""
        self.of(call.owner)
        seen = [
            each for each in self.every.values() if each.role_of(call.owner) != "none"
        ]
        items = [self._entry(call, each) for each in seen]
        return {"kind": "calendar#calendarList", "items": items}

    def _entry(self, call: Call, calendar: Calendar) -> dict[str, Any]:
        is_primary = calendar.id == call.owner
        return {
            "kind": "calendar#calendarListEntry",
            "id": calendar.id,
            "summary": calendar.summary,
            "timeZone": calendar.time_zone,
            "accessRole": calendar.role_of(call.owner),
            **({"primary": True, "selected": True} if is_primary else {}),
        }

    def get_calendar(self, call: Call) -> dict[str, Any]:
        """Answers `calendars.get`."""
        calendar = self.calendar(call, "reader")
        return {
            "kind": "calendar#calendar",
            "id": calendar.id,
            "summary": calendar.summary,
            "timeZone": calendar.time_zone,
        }

    def insert_calendar(self, call: Call) -> dict[str, Any]:
        """Answers `calendars.insert`."""
        if not call.body.get("summary"):
            raise Problem(400, "required", "Missing title.")
        made = Calendar(
            id=f"{secrets.token_hex(32)}@group.calendar.google.com",
            owner=call.owner,
            summary=call.body["summary"],
            time_zone=call.body.get("timeZone", "UTC"),
            made_by=call.client_id,
        )
        self.every[made.id] = made
        call.path["calendarId"] = made.id
        return self.get_calendar(call)

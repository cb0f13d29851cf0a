"""Calendars of the fake Google: events, guests, meetings, free and busy times."""

from __future__ import annotations

import copy
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from tests.fakes.google_agenda import Agenda
from tests.fakes.google_discovery import Call
from tests.fakes.google_events import (
    EVENT_ID,
    Calendar,
    Mail,
    check_event,
    id_of,
    invite,
    matches,
    merged,
    open_meeting,
    page_start,
)
from tests.fakes.google_faults import Problem, forbidden
from tests.fakes.google_times import bounds, instances, rfc3339, shown_time, span

_READ_ONLY = {"id", "kind", "etag", "htmlLink", "created", "creator", "organizer"}
_SYNC_EXCLUDES = (
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMax",
    "timeMin",
    "updatedMin",
)
"""Parameters that a sync token cannot stand beside."""


@dataclass
class Calendars(Agenda):
    """Every account's calendars."""

    mails: list[Mail] = field(default_factory=list)
    conference_status: str = "success"
    """`pending`: the link is there from the next change on; `failure`; or
    `unsupported`: the account may open none, and the whole event is refused."""
    looks_until_link: int | None = None
    """How often a meeting that is `pending` is read before its link is there."""
    is_robot: bool = False
    """Whether who calls is a service account that stands for nobody: it may not
    invite."""
    most_per_page: int = 2500
    """How many events a page of a list holds at most."""
    _meetings_asked: dict[str, str] = field(default_factory=dict)
    """Last `requestId` of each event; the same again is ignored."""
    oldest_sync: int = 0
    """Sync tokens that are older have expired."""

    def handlers(self) -> dict[str, Callable[[Call], Any]]:
        """Returns what answers each method."""
        return {
            "calendar.events.insert": self.insert,
            "calendar.events.get": self.get,
            "calendar.events.list": self.list_events,
            "calendar.events.patch": self.patch,
            "calendar.events.update": self.update,
            "calendar.events.delete": self.delete,
            "calendar.freebusy.query": self.query_free_busy,
            "calendar.calendarList.get": self.get_entry,
            "calendar.calendarList.list": self.list_entries,
            "calendar.calendars.get": self.get_calendar,
            "calendar.calendars.insert": self.insert_calendar,
        }

    # -- What people do

    def put(self, calendar_id: str, **event: Any) -> dict[str, Any]:
        """Enters an event as a person does, at the calendar's owner's hand."""
        calendar = self.every.get(calendar_id) or self.of(calendar_id)
        event = {"id": secrets.token_hex(13), **event}
        return self._store(calendar, event, calendar.owner, version=1)

    def change(self, calendar_id: str, event_id: str, **fields: Any) -> None:
        """Changes an event as a person does."""
        calendar = self.every[calendar_id]
        calendar.events[event_id].update(fields)
        calendar.touch(calendar.events[event_id], self.clock())

    def remove(self, calendar_id: str, event_id: str) -> None:
        """Deletes an event as a person does."""
        self.change(calendar_id, event_id, status="cancelled")

    # -- Events

    def insert(self, call: Call) -> dict[str, Any]:
        """Answers `events.insert`."""
        calendar = self.calendar(call, "writer")
        event = {k: v for k, v in call.body.items() if k not in _READ_ONLY - {"id"}}
        event.setdefault("id", secrets.token_hex(13))
        if not EVENT_ID.fullmatch(str(event["id"])):
            raise Problem(400, "invalid", "Invalid resource id value.")
        if event["id"] in calendar.events:
            raise Problem(409, "duplicate", "The requested identifier already exists.")
        check_event(event)
        self._check_guests(event, {})
        version = call.number("conferenceDataVersion", 0)
        event = self._store(calendar, event, call.owner, version=version)
        self._tell(call, event, "invitation")
        return self._shown(call, calendar, event)

    def _store(
        self, calendar: Calendar, event: dict[str, Any], owner: str, *, version: int
    ) -> dict[str, Any]:
        now = self.clock()
        person = {"email": owner, "self": owner == calendar.owner}
        stored = {
            "kind": "calendar#event",
            "status": "confirmed",
            "htmlLink": f"https://www.google.com/calendar/event?eid={event['id']}",
            "created": rfc3339(now),
            "creator": person,
            "organizer": {"email": calendar.id, "self": True},
            "iCalUID": f"{event['id']}@google.com",
            "sequence": 0,
            "reminders": {"useDefault": True},
            "eventType": "default",
            **copy.deepcopy(event),
        }
        asked = stored.pop("conferenceData", None)
        self._confer(stored, asked, version)
        invite(stored)
        calendar.events[stored["id"]] = stored
        calendar.touch(stored, now)
        return stored

    def _check_guests(self, event: Mapping[str, Any], kept: Mapping[str, Any]) -> None:
        guests, before = (
            {guest["email"] for guest in each.get("attendees") or ()}
            for each in (event, kept)
        )
        if self.is_robot and guests - before:
            raise forbidden("forbiddenForServiceAccounts")

    def _confer(
        self, event: dict[str, Any], asked: Mapping[str, Any] | None, version: int
    ) -> None:
        """Makes the meeting that `createRequest` asks for, if the version is 1."""
        if version < 1 or not asked:
            return
        request = asked.get("createRequest")
        if not request:
            event["conferenceData"] = dict(asked)
            return
        kind = request.get("conferenceSolutionKey", {}).get("type", "hangoutsMeet")
        is_open = self.conference_status != "unsupported"
        if not request.get("requestId") or kind != "hangoutsMeet" or not is_open:
            raise Problem(400, "invalid", "Invalid conference type value.")
        if self._meetings_asked.get(event["id"]) == request["requestId"]:
            return
        self._meetings_asked[event["id"]] = request["requestId"]
        status = {"status": {"statusCode": self.conference_status}}
        event["conferenceData"] = {"createRequest": {**request, **status}}
        if self.conference_status == "success":
            open_meeting(event)

    def get(self, call: Call) -> dict[str, Any]:
        """Answers `events.get`; of a deleted event too, as `cancelled`."""
        calendar = self.calendar(call, "reader")
        return self._shown(call, calendar, self._event(call, calendar))

    def patch(self, call: Call) -> dict[str, Any]:
        """Answers `events.patch`: objects are merged, lists replaced, null removes."""
        calendar = self.calendar(call, "writer")
        kept = self._event(call, calendar)
        allowed = {k: v for k, v in call.body.items() if k not in _READ_ONLY}
        return self._change(call, calendar, kept, merged(kept, allowed))

    def update(self, call: Call) -> dict[str, Any]:
        """Answers `events.update`: what is left out is gone."""
        calendar = self.calendar(call, "writer")
        kept = self._event(call, calendar)
        names = _READ_ONLY | {"iCalUID", "sequence", "eventType", "conferenceData"}
        constant = {name: kept[name] for name in names if name in kept}
        asked = {k: v for k, v in call.body.items() if k not in _READ_ONLY}
        changed = {"status": "confirmed", "reminders": {"useDefault": True}}
        changed |= {**constant, **asked}
        return self._change(call, calendar, kept, changed)

    def _change(
        self,
        call: Call,
        calendar: Calendar,
        kept: dict[str, Any],
        changed: dict[str, Any],
    ) -> dict[str, Any]:
        expected = call.headers.get("If-Match", kept["etag"])
        if expected not in {kept["etag"], "*"}:
            raise Problem(412, "conditionNotMet", "Precondition Failed")
        if kept["organizer"]["email"] != calendar.id:
            raise forbidden("forbiddenForNonOrganizer")
        check_event(changed)
        self._check_guests(changed, kept)
        asked = changed.pop("conferenceData", None)
        if "conferenceData" in kept:
            changed["conferenceData"] = kept["conferenceData"]
        version = call.number("conferenceDataVersion", 0)
        if version and "conferenceData" in call.body:
            self._confer(changed, asked, version)
            if call.body["conferenceData"] is None:
                changed.pop("conferenceData", None)
                changed.pop("hangoutLink", None)
        if any(changed.get(name) != kept.get(name) for name in ("start", "end")):
            changed["sequence"] = kept.get("sequence", 0) + 1
        invite(changed)
        calendar.events[kept["id"]] = changed
        calendar.touch(changed, self.clock())
        self._tell(call, changed, "update")
        return self._shown(call, calendar, changed)

    def delete(self, call: Call) -> None:
        """Answers `events.delete`; of an event that is gone, with 410."""
        calendar = self.calendar(call, "writer")
        event = self._event(call, calendar)
        if event["status"] == "cancelled":
            raise Problem(410, "deleted", "Resource has been deleted")
        event["status"] = "cancelled"
        calendar.touch(event, self.clock())
        self._tell(call, event, "cancellation")

    def list_events(self, call: Call) -> dict[str, Any]:
        """Answers `events.list`."""
        calendar = self.calendar(call, "reader")
        since = self._synced(call, calendar)
        found = self._found(call, calendar, since)
        size = min(call.number("maxResults", 250), self.most_per_page)
        start = page_start(call)
        page = {
            "kind": "calendar#events",
            "etag": f'"{max(calendar.versions.values(), default=0)}"',
            "summary": calendar.summary,
            "timeZone": call.get("timeZone", calendar.time_zone),
            "accessRole": calendar.role_of(call.owner),
            "defaultReminders": [],
            "items": [
                self._shown(call, calendar, event)
                for event in found[start : start + size]
            ],
        }
        if start + size < len(found):
            page["nextPageToken"] = f"p{start + size}"
        else:
            newest = max(calendar.versions.values(), default=0)
            page["nextSyncToken"] = f"s{newest}"
        return page

    def _synced(self, call: Call, calendar: Calendar) -> int | None:
        token = call.get("syncToken")
        if not token:
            return None
        if any(name in call.query for name in _SYNC_EXCLUDES):
            message = "Sync token cannot be used with the other request restrictions."
            raise Problem(400, "badRequest", message)
        known = re.fullmatch(r"s(\d+)", token)
        if known is None or not self.oldest_sync <= int(known[1]):
            message = "Sync token is no longer valid, a full sync is required."
            raise Problem(410, "fullSyncRequired", message, location="syncToken")
        return int(known[1])

    def _found(
        self, call: Call, calendar: Calendar, since: int | None
    ) -> list[dict[str, Any]]:
        lower, upper = bounds(call)
        zone = ZoneInfo(calendar.time_zone)
        is_single, order = call.flag("singleEvents"), call.get("orderBy")
        if order == "startTime" and not is_single:
            message = "The requested ordering is not available for the particular query"
            raise Problem(400, "badRequest", f"{message}.")
        found: list[dict[str, Any]] = []
        for event in calendar.events.values():
            if since is not None and calendar.versions[event["id"]] <= since:
                continue
            if not matches(event, call, with_deleted=since is not None):
                continue
            for each in instances(event, zone, upper) if is_single else [event]:
                begins, ends = span(each, zone)
                if (lower is None or ends > lower) and (
                    upper is None or begins < upper
                ):
                    found.append(each)
        if order == "startTime":
            found.sort(key=lambda each: span(each, zone))
        if order == "updated":
            found.sort(key=lambda each: calendar.versions[id_of(each)])
        return found

    def _shown(
        self, call: Call, calendar: Calendar, event: dict[str, Any]
    ) -> dict[str, Any]:
        zone = ZoneInfo(call.get("timeZone", calendar.time_zone))
        shown = copy.deepcopy(event)
        for name in ("start", "end", "originalStartTime"):
            if name in shown:
                shown[name] = shown_time(shown[name], zone)
        for guest in shown.get("attendees", ()):
            if guest["email"] == calendar.id:
                guest["self"] = True
        if self.looks_until_link is not None:
            self.looks_until_link -= call.method.id == "calendar.events.get"
            if self.looks_until_link < 1:
                self.conference_status = "success"
        pending = event.get("conferenceData", {}).get("createRequest", {})
        if pending.get("status") == {"statusCode": "pending"}:
            pending["status"] = {"statusCode": self.conference_status}
            if self.conference_status == "success":
                open_meeting(event)
        return shown

    def _tell(self, call: Call, event: Mapping[str, Any], kind: str) -> None:
        default = "all" if call.flag("sendNotifications") else "none"
        wanted = call.get("sendUpdates", default)
        for guest in event.get("attendees", ()):
            email = guest["email"]
            is_external = email not in self.accounts
            if wanted == "all" or (wanted == "externalOnly" and is_external):
                self.mails.append(Mail(email, event["id"], kind))

    def _event(self, call: Call, calendar: Calendar) -> dict[str, Any]:
        if call.path["eventId"] not in calendar.events:
            raise Problem(404, "notFound", "Not Found")
        return calendar.events[call.path["eventId"]]

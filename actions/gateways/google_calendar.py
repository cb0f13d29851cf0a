"""Lawyers' calendars at Google.

A write whose answer was lost may be done: so `put` always looks first, and writes only
what is missing. Google tells the guests of every write; what is not written twice is
not told twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from googleapiclient.http import HttpRequest

from actions.gateways.drafts import Span, check_names, joined
from actions.gateways.google_calls import GoogleCalls, GoogleRefusal
from actions.gateways.google_event import (
    change_of,
    event_of,
    is_pending,
    lesser,
    new_body,
)
from bot.core.ports import Event, EventDraft, Feature, GatewayError, Trouble

Body = dict[str, Any]
_NOT_FOUND, _EXISTS, _GONE, _CHANGED = 404, 409, 410, 412
_LOOKS = 4
"""How often an event is read anew where somebody changes it at the same time."""
_LINK_LOOKS = 3
_LONGEST_RANGE = timedelta(days=60)
"""Of one question for free times; beyond some 90 days Google refuses it:
https://github.com/calcom/cal.com/pull/11962"""
_NO_CALENDAR = (
    "a agenda não existe no Google ou não foi compartilhada com a conta conectada: "
    "confira o endereço dela e compartilhe-a com permissão para alterar eventos"
)


class GoogleCalendar:
    """Keeps events where the lawyers have theirs."""

    def __init__(self, calls: GoogleCalls, *, zone: str, look_pause_s: float = 0.5):
        """Prepares; nothing is called yet.

        Args:
            calls: carries out calls of Google's APIs.
            zone: the office's, as `America/Sao_Paulo`.
            look_pause_s: before each look for a meeting's link that is not there yet.
        """
        self._calls = calls
        self._zone = ZoneInfo(zone)
        self._look_pause_s = look_pause_s

    async def put(self, calendar: str, event_id: str, draft: EventDraft) -> Event:
        """Makes an event, or brings it to what the draft says.

        An event that a person deleted comes back. The link of a meeting may be missing
        for some seconds; the same again has it then.

        Raises:
            GatewayError: it could not be done; `REFUSED` for no such calendar.
        """
        check_names(calendar, event_id)
        for _ in range(_LOOKS):
            try:
                item = await self._bring(calendar, event_id, draft)
            except GoogleRefusal as error:
                if error.status not in {_NOT_FOUND, _EXISTS, _CHANGED}:
                    raise
            else:
                item = await self._with_link(calendar, item)
                return event_of(item, self._zone, self._zone)
        raise GatewayError(Trouble.LATER, "google: the event changes all the time")

    async def remove(self, calendar: str, event_id: str) -> None:
        """Deletes an event and tells its guests; one that is not there is fine.

        Raises:
            GatewayError: it could not be done; `REFUSED` for no such calendar.
        """
        check_names(calendar, event_id)
        try:
            await self._events(
                lambda events: events.delete(
                    calendarId=calendar, eventId=event_id, sendUpdates="all"
                )
            )
        except GoogleRefusal as error:
            if error.status == _NOT_FOUND:
                await self._page(calendar, maxResults=1)  # or is it the calendar
            elif error.status != _GONE:
                raise

    async def between(
        self, calendar: str, first: datetime, last: datetime
    ) -> list[Event]:
        """Returns what overlaps [first, last), each of what repeats, in order.

        Raises:
            GatewayError: it could not be read; `REFUSED` for no such calendar.
        """
        if last.timestamp() <= first.timestamp():
            return []
        found: list[Event] = []
        token: str | None = None
        while True:
            page = await self._page(
                calendar,
                timeMin=_written(first),
                timeMax=_written(last),
                singleEvents=True,
                orderBy="startTime",
                maxResults=2500,
                pageToken=token,
            )
            day_zone = ZoneInfo(page["timeZone"])
            found += [event_of(item, self._zone, day_zone) for item in page["items"]]
            token = page.get("nextPageToken")
            if token is None:
                return found

    async def busy(self, calendar: str, first: datetime, last: datetime) -> list[Span]:
        """Returns when a calendar is taken, as one sees who may see no more than that.

        Raises:
            GatewayError: it could not be read; `REFUSED` for no such calendar.
        """
        taken: list[Span] = []
        for begins, ends in _parts(first, last):
            taken += await self._busy(calendar, begins, ends)
        return joined(taken, (first, last), self._zone)

    async def _bring(self, calendar: str, event_id: str, draft: EventDraft) -> Body:
        """Returns the event after writing what it lacks; 404, 409, 412: look again."""
        try:
            kept = await self._get(calendar, event_id)
        except GoogleRefusal as error:
            if error.status != _NOT_FOUND:
                raise
            return await self._make(calendar, event_id, draft)
        change = change_of(kept, draft, self._zone)
        if not change:
            return kept
        return await self._write(change, lambda part: _patch(calendar, kept, part))

    async def _make(self, calendar: str, event_id: str, draft: EventDraft) -> Body:
        body = new_body(event_id, draft, self._zone)
        try:
            return await self._write(body, lambda part: _insert(calendar, part))
        except GoogleRefusal as error:
            if error.status != _NOT_FOUND:
                raise
            raise GatewayError(Trouble.REFUSED, _NO_CALENDAR) from error

    async def _write(
        self, body: Body, request: Callable[[Body], Callable[[Any], HttpRequest]]
    ) -> Body:
        """Writes an event, without what Google grants nobody of this kind."""
        while True:
            try:
                return await self._events(request(body))
            except GoogleRefusal as error:
                rest = lesser(body, error.status, error.reason)
                if rest is None:
                    raise
                body = rest

    async def _with_link(self, calendar: str, item: Body) -> Body:
        for _ in range(_LINK_LOOKS):
            if not is_pending(item):
                break
            await asyncio.sleep(self._look_pause_s)
            item = await self._get(calendar, item["id"])
        return item

    async def _get(self, calendar: str, event_id: str) -> Body:
        return await self._events(
            lambda events: events.get(calendarId=calendar, eventId=event_id)
        )

    async def _page(self, calendar: str, **query: Any) -> Body:
        try:
            return await self._events(
                lambda events: events.list(calendarId=calendar, **query)
            )
        except GoogleRefusal as error:
            if error.status != _NOT_FOUND:
                raise
            raise GatewayError(Trouble.REFUSED, _NO_CALENDAR) from error

    async def _events(self, request: Callable[[Any], HttpRequest]) -> Body:
        answer: Body = await self._calls.run(
            Feature.EVENTS, "calendar", lambda api: request(api.events())
        )
        return answer

    async def _busy(self, calendar: str, first: datetime, last: datetime) -> list[Span]:
        body = {
            "timeMin": _written(first),
            "timeMax": _written(last),
            "items": [{"id": calendar}],
        }
        try:
            answer = await self._calls.run(
                Feature.FREE_BUSY,
                "calendar",
                lambda api: api.freebusy().query(body=body),
            )
        except GatewayError as error:
            if error.trouble is not Trouble.UNCLEAR:
                raise
            raise GatewayError(Trouble.LATER, str(error)) from error  # it only reads
        (told,) = answer["calendars"].values()
        for told_error in told.get("errors", ()):
            if told_error["reason"] == "internalError":
                raise GatewayError(Trouble.LATER, "google: no free times now")
            raise GatewayError(Trouble.REFUSED, _NO_CALENDAR)
        return [
            (datetime.fromisoformat(each["start"]), datetime.fromisoformat(each["end"]))
            for each in told["busy"]
        ]


def _insert(calendar: str, body: Body) -> Callable[[Any], HttpRequest]:
    return lambda events: events.insert(
        calendarId=calendar,
        body=body,
        sendUpdates="all" if body.get("attendees") else "none",
        conferenceDataVersion=1,
    )


def _patch(calendar: str, kept: Body, change: Body) -> Callable[[Any], HttpRequest]:
    """Changes an event unless somebody else did since it was read."""

    def request(events: Any) -> HttpRequest:
        made: HttpRequest = events.patch(
            calendarId=calendar,
            eventId=kept["id"],
            body=change,
            sendUpdates="all",
            conferenceDataVersion=1,
        )
        made.headers["If-Match"] = kept["etag"]
        return made

    return request


def _parts(first: datetime, last: datetime) -> Iterator[Span]:
    begins, end = first.astimezone(UTC), last.astimezone(UTC)
    while begins < end:
        ends = min(begins + _LONGEST_RANGE, end)
        yield begins, ends
        begins = ends


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()

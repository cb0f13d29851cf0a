"""Calendars as iCalendar files on this machine, until Google is connected.

One file per calendar, which a person may open, edit or import anywhere. Nobody is
invited and no meeting is opened.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from icalendar import Calendar, Component, vText
from icalendar import Event as IcsEvent

from actions.gateways.drafts import (
    MARKS,
    OURS,
    YES,
    Span,
    changed_texts,
    check_calendar,
    check_names,
    is_same,
    joined,
    marks_of,
    span_of,
)
from actions.gateways.ics_events import (
    Occurrence,
    occurrences,
    span_of_event,
)
from actions.gateways.ics_file import (
    IcsBook,
    content_of,
    ics_name,
    parsed,
    rewrite,
    unreadable,
)
from actions.gateways.local_disk import alone_in
from bot.core.ports import Event, EventDraft

_NAMES = {"title": "SUMMARY", "description": "DESCRIPTION", "location": "LOCATION"}
_ILLEGAL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
"""Characters that no text of an iCalendar file may hold."""


class LocalCalendar:
    """Keeps events in a folder, one file per calendar."""

    def __init__(self, folder: Path, *, zone: str) -> None:
        """Keeps them in `folder`, which is made when it is first needed.

        Args:
            folder: of the files; a calendar without one is empty.
            zone: the office's, as `America/Sao_Paulo`.
        """
        self._folder = folder
        self._zone = ZoneInfo(zone)

    async def put(self, calendar: str, event_id: str, draft: EventDraft) -> Event:
        """Writes an event, or brings it to what the draft says.

        Raises:
            GatewayError: `REFUSED` for a file that is no calendar, `LATER` where the
                disk refused it.
        """
        check_names(calendar, event_id)
        return await alone_in(
            self._folder, lambda: self._put(calendar, event_id, draft)
        )

    async def remove(self, calendar: str, event_id: str) -> None:
        """Takes an event out of its file; one that is not there is fine.

        Raises:
            GatewayError: as `put`.
        """
        check_names(calendar, event_id)
        path = self._path(calendar)
        await alone_in(self._folder, lambda: _remove(path, event_id))

    async def between(
        self, calendar: str, first: datetime, last: datetime
    ) -> list[Event]:
        """Returns what overlaps [first, last), each of what repeats, in order.

        Raises:
            GatewayError: as `put`.
        """
        check_calendar(calendar)
        path = self._path(calendar)
        return await alone_in(self._folder, lambda: self._between(path, first, last))

    async def busy(self, calendar: str, first: datetime, last: datetime) -> list[Span]:
        """Returns when a calendar is taken.

        Raises:
            GatewayError: as `put`.
        """
        events = await self.between(calendar, first, last)
        spans = [(each.starts_at, each.ends_at) for each in events if each.is_busy]
        return joined(spans, (first, last), self._zone)

    def _path(self, calendar: str) -> Path:
        return self._folder / ics_name(calendar)

    def _put(self, calendar: str, event_id: str, draft: EventDraft) -> Event:
        span, path = span_of(draft, self._zone), self._path(calendar)
        event = _new(event_id)

        def change(content: bytes | None) -> bytes | None:
            nonlocal event
            book = parsed(self._new(calendar) if content is None else content)
            place = _place(book, event_id)
            event = _new(event_id)
            if place is not None:
                event = book.calendar.subcomponents[place]
                if _is_as_wanted(event, draft, span, self._zone):
                    return None
            _write(event, draft, span)
            return book.with_one(event, place)

        rewrite(path, change)
        return self._event(Occurrence(event, span, is_all_day=False), path)

    def _between(self, path: Path, first: datetime, last: datetime) -> list[Event]:
        content = content_of(path)
        if content is None or last.timestamp() <= first.timestamp():
            return []
        book = parsed(content).calendar
        try:
            found = [
                self._event(each, path)
                for each in occurrences(book, first, last, self._zone)
                if not _is_cancelled(each.of)
            ]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise unreadable() from error
        return sorted(
            found, key=lambda each: (each.starts_at.timestamp(), each.ends_at)
        )

    def _event(self, each: Occurrence, path: Path) -> Event:
        begins, ends = (at.astimezone(self._zone) for at in each.span)
        return Event(
            id=str(each.of.get("UID", "")),
            title=str(each.of.get("SUMMARY", "")),
            starts_at=begins,
            ends_at=ends,
            link=str(path),
            is_ours=_marks_in(each.of).get(OURS) == YES,
            is_busy=str(each.of.get("TRANSP", "")).upper() != "TRANSPARENT",
            is_all_day=each.is_all_day,
        )

    def _new(self, name: str) -> bytes:
        book = Calendar()
        book.add("PRODID", "-//PocketMKT//Agenda//PT")
        book.add("VERSION", "2.0")
        book.add("X-WR-CALNAME", vText(name), encode=False)
        book.add("X-WR-TIMEZONE", self._zone.key)
        return bytes(book.to_ical())


def _new(event_id: str) -> Component:
    """Returns an event without a time yet."""
    event = IcsEvent()
    event.add("UID", event_id)
    return event


def _place(book: IcsBook, event_id: str) -> int | None:
    """Returns an event's number in its calendar; changed times of it are others."""
    found = (
        number
        for number, each in enumerate(book.calendar.subcomponents)
        if each.get("UID") == event_id and "RECURRENCE-ID" not in each
    )
    return next(found, None)


def _remove(path: Path, event_id: str) -> None:
    def change(content: bytes | None) -> bytes | None:
        if content is None:
            return None
        book = parsed(content)
        parts = enumerate(book.calendar.subcomponents)
        places = [number for number, each in parts if each.get("UID") == event_id]
        return book.without(places) if places else None

    rewrite(path, change)


def _is_as_wanted(
    event: Component, draft: EventDraft, span: Span, zone: ZoneInfo
) -> bool:
    try:
        there = span_of_event(event, zone)
    except (ValueError, TypeError, AttributeError):
        return False
    return (
        is_same(there, span)
        and not _is_cancelled(event)
        and _marks_in(event) == marks_of(draft)
    )


def _write(event: Component, draft: EventDraft, span: Span) -> None:
    """Writes into an event what the draft changes; the rest of it stays."""
    for name, text in changed_texts(draft, _marks_in(event)).items():
        _set(event, _NAMES[name], _fit(text))
    begins, ends = span
    _set(event, "DTSTART", begins.astimezone(UTC))  # no zone's clock shows it twice
    _set(event, "DTEND", ends.astimezone(UTC))
    event.pop("DURATION", None)
    for name, mark in marks_of(draft).items():
        _set(event, _property(name), mark)
    if _is_cancelled(event):
        event.pop("STATUS")
    _set(event, "DTSTAMP", datetime.now(UTC))


def _fit(text: str) -> str:
    return _ILLEGAL.sub("", text)


def _set(event: Component, name: str, value: str | datetime) -> None:
    event.pop(name, None)
    event.add(name, value)


def _is_cancelled(event: Component) -> bool:
    return str(event.get("STATUS", "")).upper() == "CANCELLED"


def _marks_in(event: Component) -> dict[str, str]:
    found = {name: event.get(_property(name)) for name in MARKS}
    return {name: str(value) for name, value in found.items() if value is not None}


def _property(name: str) -> str:
    return "X-POCKETMKT" if name == OURS else f"X-POCKETMKT-{name.upper()}"

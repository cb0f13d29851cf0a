"""What a draft changes in an event that a person may have written into since.

Every event of ours remembers what was last written into it, as short digests. A text
or a guest is only touched where the draft differs from that; what a person wrote in
the meantime stays. Times are the office's: they always become the draft's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from bot.core.ports import EventDraft, GatewayError, Trouble

OURS = "ours"
TEXTS = ("title", "description", "location")
GUESTS, ONLINE = "guests", "online"
MARKS = (OURS, *TEXTS, GUESTS, ONLINE)
"""Names of what an event of ours remembers."""
YES, NO = "1", "0"
Span = tuple[datetime, datetime]
_EVENT_ID = re.compile(r"[0-9a-f]{32}")
_DIGITS = 8
"""Of a digest; a hundred guests fit into one property of Google's, 1,024 characters."""


def check_names(calendar: str, event_id: str) -> None:
    """Refuses names that would mean something else in an address or a path.

    Raises:
        GatewayError: `REFUSED`.
    """
    check_calendar(calendar)
    if not _EVENT_ID.fullmatch(event_id):
        raise GatewayError(Trouble.REFUSED, "event: its id has 32 hexadecimal digits")


def check_calendar(calendar: str) -> None:
    """Refuses a calendar without a name.

    Raises:
        GatewayError: `REFUSED`.
    """
    if not calendar.strip():
        raise GatewayError(Trouble.REFUSED, "calendar: no name")


def span_of(draft: EventDraft, zone: ZoneInfo) -> Span:
    """Returns when an event is, in whole seconds of the office's zone.

    Raises:
        GatewayError: `REFUSED` for times without a zone, or an end before the start.
    """
    if draft.starts_at.tzinfo is None or draft.ends_at.tzinfo is None:
        raise GatewayError(Trouble.REFUSED, "event: a time without its zone")
    begins, ends = (
        each.astimezone(zone).replace(microsecond=0)
        for each in (draft.starts_at, draft.ends_at)
    )
    if ends.timestamp() <= begins.timestamp():
        raise GatewayError(Trouble.REFUSED, "event: it ends before it begins")
    return begins, ends


def is_same(one: Span, other: Span) -> bool:
    """Says whether two spans are the same time, whatever their zones."""
    return [each.timestamp() for each in one] == [each.timestamp() for each in other]


def marks_of(draft: EventDraft) -> dict[str, str]:
    """Returns what an event remembers of a draft, by the names in `MARKS`."""
    return {
        OURS: YES,
        **{name: _digest(getattr(draft, name)) for name in TEXTS},
        GUESTS: " ".join(sorted({guest_mark(each) for each in draft.guests})),
        ONLINE: YES if draft.is_online else NO,
    }


def guest_mark(email: str) -> str:
    """Returns what is remembered of a guest."""
    return _digest(email.strip().casefold())


def changed_texts(draft: EventDraft, before: Mapping[str, str]) -> dict[str, str]:
    """Returns the texts to write, by field of the draft.

    Args:
        draft: what is wanted.
        before: what the event remembers; {} for one that remembers nothing.
    """
    now = marks_of(draft)
    return {
        name: getattr(draft, name) for name in TEXTS if before.get(name) != now[name]
    }


def joined(spans: Iterable[Span], asked: Span, zone: ZoneInfo) -> list[Span]:
    """Returns the times that spans take of what was asked, joined, in order."""
    first, last = _in(asked, UTC)
    taken: list[Span] = []
    for begins, ends in sorted(_in(span, UTC) for span in spans):
        begin, end = max(begins, first), min(ends, last)
        if end <= begin:
            continue
        if taken and begin <= taken[-1][1]:
            taken[-1] = (taken[-1][0], max(end, taken[-1][1]))
        else:
            taken.append((begin, end))
    return [_in(each, zone) for each in taken]


def _in(span: Span, zone: tzinfo) -> Span:
    """Returns a span in a zone; two times of one zone compare by their clocks."""
    return span[0].astimezone(zone), span[1].astimezone(zone)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]

"""Pages of `GET …/Messages.json`: newest first, filtered, with tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Protocol
from urllib.parse import urlencode

LARGEST_PAGE = 1000
_USUAL_PAGE = "50"
_DAY_S = 86_400


class Listed(Protocol):
    """What a message must have to be listed."""

    sid: str
    to: str
    from_: str
    created_at: float
    sent_at: float


@dataclass(frozen=True)
class Page:
    """One page, with the query of the next one or ""."""

    messages: Sequence[Listed]
    number: int
    size: int
    next_query: str


def rfc2822(at: float) -> str:
    """Returns UTC seconds as Twilio writes them."""
    return format_datetime(datetime.fromtimestamp(int(at), UTC))


def page_of(
    newest_first: Sequence[Listed], query: Mapping[str, str], *, now: float
) -> Page:
    """Returns the page that a query asks for.

    What is not sent yet has no date, so that no filter of dates finds it.

    Raises:
        ValueError: a date or a number cannot be read.
    """
    size = min(int(query.get("PageSize", _USUAL_PAGE)), LARGEST_PAGE)
    number = int(query.get("Page", "0"))
    earliest, latest = _dates(query)
    if {"DateSent", "DateSent>", "DateSent<"} & query.keys():
        newest_first = [each for each in newest_first if each.sent_at <= now]
    wanted = [
        each
        for each in newest_first
        if earliest <= int(each.sent_at) < latest
        and query.get("To", each.to) == each.to
        and query.get("From", each.from_) == each.from_
    ]
    start = number * size
    token = query.get("PageToken", "").removeprefix("PA")
    if token:
        sids = [each.sid for each in wanted]
        start = sids.index(token) + 1
    shown = wanted[start : start + size]
    has_more = start + size < len(wanted)
    rest = {"Page": str(number + 1), "PageToken": f"PA{shown[-1].sid}"} if shown else {}
    following = urlencode({**query, "PageSize": str(size), **rest}) if has_more else ""
    return Page(shown, number, size, following)


def _dates(query: Mapping[str, str]) -> tuple[float, float]:
    """Returns the UTC seconds between which messages are wanted, end excluded."""
    earliest, latest = -math.inf, math.inf
    if "DateSent" in query:
        earliest, latest = _span(query["DateSent"])
    if "DateSent>" in query:
        earliest = max(earliest, _span(query["DateSent>"])[0])
    if "DateSent<" in query:
        latest = min(latest, _span(query["DateSent<"])[1])
    return earliest, latest


def _span(value: str) -> tuple[float, float]:
    """Returns the day, or the second, that a filter names."""
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    is_day = len(value) == len("2026-11-22")
    return at.timestamp(), at.timestamp() + (_DAY_S if is_day else 1)

"""When lawyers are taken by what we did not book: meetings, hearings, holidays.

The calendar is asked while somebody waits for an answer, so it may take little time,
and one that does not answer is left alone for a while: what was known last counts
then. Our own appointments stand in our database and are taken out here, so that one
that is being moved is not in its own way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import structlog
from sqlalchemy.engine import Connection

from actions.keepers import GOOGLE, LOCAL, Keepers
from bot.core.office import Lawyer, Office
from bot.core.ports import Event, Feature, GatewayError
from bot.core.stretches import Stretch, overlaps, without
from bot.store import appointments

Result = TypeVar("Result")

PATIENCE_S = 3.0
"""How long an answer waits for a calendar."""
FRESH_S = 20.0
"""A dialogue asks several times in a row for the same days."""
STALE_S = 6 * 3600.0
"""How long what was known still counts where the calendar does not answer."""
REST_S = 15.0
"""How long a calendar that did not answer is left alone."""
log = structlog.get_logger()


class Reader(Protocol):
    """Runs a query of our database, off the event loop."""

    async def __call__(self, query: Callable[[Connection], Result], /) -> Result:
        """Returns what the query returns."""


@dataclass(frozen=True)
class _Known:
    at: float
    first: float
    last: float
    taken: list[Stretch]


class CalendarSilent(Exception):
    """The calendar could not be read now."""


class Diary:
    """Reads the calendars of the office's lawyers."""

    def __init__(
        self,
        keepers: Keepers,
        office: Office,
        read: Reader,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Reads nothing yet.

        Args:
            keepers: who has the calendars.
            office: its lawyers.
            read: runs a query of our database.
            clock: seconds that only grow.
        """
        self._keepers, self._office, self._read = keepers, office, read
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._rests_until: dict[str, float] = {}

    async def busy(
        self, lawyer: Lawyer, first: datetime, last: datetime, *, anew: bool = False
    ) -> list[Stretch]:
        """Returns what takes a lawyer's time besides our own appointments.

        Args:
            lawyer: whose.
            first: aware.
            last: aware.
            anew: whether what was read before does not count, as before a booking.
        """
        keeper, name = await self._calendar_of(lawyer)
        if not anew:  # whole days, so that the next question is answered by this one
            first, last = _midnight(first), _midnight(last) + timedelta(days=2)
        taken = await self._taken(keeper, name, first, last, anew=anew)
        return without(taken, await self._own(lawyer, keeper, first, last))

    async def events(
        self, lawyer: Lawyer, first: datetime, last: datetime
    ) -> list[Event]:
        """Returns what others wrote into a lawyer's calendar, the earliest first.

        Raises:
            CalendarSilent: it could not be read; what we booked is known all the same.
        """
        kept = await self._keepers.calendar()
        name = lawyer.calendar if kept.keeper == GOOGLE else lawyer.name
        found = await self._ask(
            f"{kept.keeper}:{name}", lambda: kept.at.between(name, first, last)
        )
        return [each for each in found if not each.is_ours]

    async def is_free(self, lawyer: Lawyer, stretch: Stretch) -> bool:
        """Says whether nothing foreign stands in a stretch, as far as can be known.

        A calendar that does not answer forbids nothing: the event is checked again
        when it is written.
        """
        first, last = (
            datetime.fromtimestamp(each, self._office.zone) for each in stretch
        )
        if (await self._keepers.status()).uses(Feature.EVENTS):
            try:
                found = await self.events(lawyer, first, last)
            except CalendarSilent:
                return True
            is_free = not any(each.is_busy for each in found)
        else:
            taken = await self.busy(lawyer, first, last, anew=True)
            is_free = not any(overlaps(each, stretch) for each in taken)
        if not is_free:
            self.forget()  # what was offered rests on what is true no longer
        return is_free

    def forget(self) -> None:
        """Lets the calendars be read anew."""
        self._known.clear()

    async def _calendar_of(self, lawyer: Lawyer) -> tuple[str, str]:
        status = await self._keepers.status()
        is_google = status.uses(Feature.FREE_BUSY) or status.uses(Feature.EVENTS)
        return (GOOGLE, lawyer.calendar) if is_google else (LOCAL, lawyer.name)

    async def _own(
        self, lawyer: Lawyer, keeper: str, first: datetime, last: datetime
    ) -> list[Stretch]:
        """Returns our own appointments that stand in the same calendar."""
        if keeper == LOCAL:
            return []  # these were told from the others one by one
        sharing = {
            each.name
            for each in self._office.lawyers
            if each.calendar == lawyer.calendar
        }
        booked = await self._read(
            lambda connection: appointments.overlapping(
                connection, first=first.timestamp(), last=last.timestamp()
            )
        )
        return [(a.starts_at, a.ends_at) for a in booked if a.lawyer in sharing]

    async def _taken(
        self, keeper: str, name: str, first: datetime, last: datetime, *, anew: bool
    ) -> list[Stretch]:
        known = self._known.get(f"{keeper}:{name}")
        now = self._clock()
        covers = (
            known is not None
            and known.first <= first.timestamp()
            and last.timestamp() <= known.last
        )
        if known is not None and covers and not anew and now - known.at < FRESH_S:
            return known.taken
        try:
            taken = await self._ask(
                f"{keeper}:{name}", lambda: self._fetch(keeper, name, first, last)
            )
        except CalendarSilent:
            is_usable = known is not None and now - known.at < STALE_S
            return known.taken if known is not None and is_usable else []
        if not anew:
            self._known[f"{keeper}:{name}"] = _Known(
                now, first.timestamp(), last.timestamp(), taken
            )
        return taken

    async def _fetch(
        self, keeper: str, name: str, first: datetime, last: datetime
    ) -> list[Stretch]:
        status = await self._keepers.status()
        if keeper == GOOGLE and status.uses(Feature.FREE_BUSY):
            found = await self._keepers.google.calendar.busy(name, first, last)
            return [(start.timestamp(), end.timestamp()) for start, end in found]
        side = self._keepers.google if keeper == GOOGLE else self._keepers.local
        events = await side.calendar.between(name, first, last)
        return [
            (each.starts_at.timestamp(), each.ends_at.timestamp())
            for each in events
            if each.is_busy and not each.is_ours
        ]

    async def _ask(
        self, calendar: str, question: Callable[[], Awaitable[Result]]
    ) -> Result:
        if self._clock() < self._rests_until.get(calendar, 0.0):
            raise CalendarSilent
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await question()
        except (GatewayError, TimeoutError) as error:
            log.warning("calendar_silent", kind=type(error).__name__)
            if not isinstance(error, GatewayError) or error.retryable:
                self._rests_until[calendar] = self._clock() + REST_S
            raise CalendarSilent from error


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)

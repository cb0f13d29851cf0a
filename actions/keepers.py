"""Who keeps the calendars, files and spreadsheets just now: Google, or this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.core.google_link import GoogleStatus
from bot.core.ports import Calendar, Feature, Files, Spreadsheets

GOOGLE, LOCAL = "google", "local"
Port = TypeVar("Port")


@dataclass(frozen=True)
class Gateways:
    """One keeper's calendars, files and spreadsheets."""

    calendar: Calendar
    files: Files
    sheets: Spreadsheets


@dataclass(frozen=True)
class Kept(Generic[Port]):
    """A gateway, and whose it is."""

    keeper: str
    """`google` or `local`."""
    at: Port


class Keepers:
    """Chooses, feature by feature, by what was permitted."""

    def __init__(
        self, *, local: Gateways, google: Gateways, status: Callable[[], GoogleStatus]
    ) -> None:
        """Keeps the two sides.

        Args:
            local: stand-ins on this machine.
            google: for whoever connected the office.
            status: how it is connected now; it may block.
        """
        self.local, self.google = local, google
        self._status = status

    async def status(self) -> GoogleStatus:
        """Returns how the office is connected."""
        return await asyncio.to_thread(self._status)

    async def calendar(self) -> Kept[Calendar]:
        """Returns who keeps events."""
        if (await self.status()).uses(Feature.EVENTS):
            return Kept(GOOGLE, self.google.calendar)
        return Kept(LOCAL, self.local.calendar)

    async def files(self) -> Kept[Files]:
        """Returns who keeps folders and files."""
        if (await self.status()).uses(Feature.FILES):
            return Kept(GOOGLE, self.google.files)
        return Kept(LOCAL, self.local.files)

    async def sheets(self) -> Kept[Spreadsheets]:
        """Returns who keeps spreadsheets."""
        if (await self.status()).uses(Feature.FILES):
            return Kept(GOOGLE, self.google.sheets)
        return Kept(LOCAL, self.local.sheets)

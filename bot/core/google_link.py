"""How the office is connected to Google, and what was permitted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bot.core.ports import Feature

SCOPES = {
    Feature.EVENTS: "https://www.googleapis.com/auth/calendar.events",
    Feature.FREE_BUSY: "https://www.googleapis.com/auth/calendar.freebusy",
    Feature.FILES: "https://www.googleapis.com/auth/drive.file",
}
"""The least that each feature needs; spreadsheets are files that we made."""


class Link(str, Enum):
    """Whether the office is connected."""

    OFF = "desligado"
    CONNECTED = "conectado"
    RECONNECT = "reconectar"
    """It was; Google takes its token no more, and somebody must permit again."""


@dataclass(frozen=True)
class GoogleStatus:
    """The connection as it is now."""

    link: Link
    features: frozenset[Feature] = frozenset()
    """What was permitted, last it was."""
    since_at: float | None = None
    """UTC seconds since when it is so."""
    connected_by: str = ""
    """Who connected it, as `painel` or `terminal`."""
    is_configured: bool = False
    """Whether there is a client or a service account to connect with."""

    def uses(self, feature: Feature) -> bool:
        """Says whether Google keeps what a feature is about.

        Also while it must be reconnected: what is to be done there waits for it.
        """
        return self.link is not Link.OFF and feature in self.features

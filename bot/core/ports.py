"""What the assistant needs of calendars, folders and spreadsheets, whoever keeps them.

Google keeps them where it is connected; stand-ins on this machine's disk keep them
otherwise. One contract test class runs on both. Every write takes a `key`, the job's:
the same key again changes nothing and gives what the first one made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from bot.core.errors import DependencyError


class Trouble(str, Enum):
    """Why a gateway could not do something; decides what becomes of the job."""

    LATER = "depois"
    """Too many requests, or the service is ill: try again later."""
    UNCLEAR = "incerto"
    """The answer was lost: it may be done; look before it is tried again."""
    RECONNECT = "reconectar"
    """The permission was taken back or has ended: somebody must connect again."""
    NOT_GRANTED = "sem_permissao"
    """This part was never permitted: the feature is off."""
    REFUSED = "recusado"
    """The request itself is wrong, or what it names does not exist."""


class GatewayError(DependencyError):
    """An outside service did not do what it was asked.

    Attributes:
        trouble: what kind of failure it is.
        wait_s: how long the service asks to be left alone, seconds; None where it
            does not say.
    """

    def __init__(self, trouble: Trouble, message: str, *, wait_s: float | None = None):
        super().__init__(message, retryable=trouble in _MAY_SUCCEED_LATER)
        self.trouble = trouble
        self.wait_s = wait_s


_MAY_SUCCEED_LATER = frozenset({Trouble.LATER, Trouble.UNCLEAR})


@dataclass(frozen=True)
class Spreadsheet:
    """A spreadsheet that can be opened."""

    id: str
    title: str
    link: str
    """Where a person opens it: an address, or a path on this machine."""


class Spreadsheets(Protocol):
    """Spreadsheets with a first line of headers."""

    async def create(
        self, title: str, headers: Sequence[str], *, key: str
    ) -> Spreadsheet:
        """Makes a spreadsheet with one sheet and its headers.

        Raises:
            GatewayError: it could not be made.
        """

    async def append(self, sheet_id: str, row: Mapping[str, str], *, key: str) -> None:
        """Adds a row, each value under its header; unknown headers are added.

        Values are kept as they are written: nothing becomes a formula. A person may
        have reordered the columns or added some.

        Raises:
            GatewayError: it could not be added; `REFUSED` if there is no such sheet.
        """

    async def rows(self, sheet_id: str) -> list[dict[str, str]]:
        """Returns every row by header, the oldest first.

        Raises:
            GatewayError: it could not be read; `REFUSED` if there is no such sheet.
        """

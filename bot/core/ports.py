"""What the assistant needs of calendars, folders and spreadsheets, whoever keeps them.

Google keeps them where it is connected; stand-ins on this machine's disk keep them
otherwise. One contract test class runs on both. Every write takes an id made beforehand
or a `key`, the job's: the same again changes nothing and gives what the first one made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
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


class GoneError(GatewayError):
    """What a call names was there once, and somebody threw it away."""

    def __init__(self, message: str) -> None:
        super().__init__(Trouble.REFUSED, message)


_MAY_SUCCEED_LATER = frozenset({Trouble.LATER, Trouble.UNCLEAR})


class Feature(str, Enum):
    """What somebody may permit or not, each without the others."""

    EVENTS = "agenda"
    """Events of the lawyers' calendars: read, write."""
    FREE_BUSY = "disponibilidade"
    """When those calendars are taken, without what stands there."""
    FILES = "arquivos"
    """Folders, files and spreadsheets that the assistant itself made."""


@dataclass(frozen=True)
class EventDraft:
    """What an event of a calendar should say."""

    title: str
    starts_at: datetime
    """Aware, in the zone of the office."""
    ends_at: datetime
    description: str = ""
    location: str = ""
    guests: tuple[str, ...] = ()
    """E-mail addresses; they are invited, and told of changes."""
    is_online: bool = False
    """Whether it wants a video meeting."""


@dataclass(frozen=True)
class Event:
    """An event as it stands in a calendar."""

    id: str
    title: str
    starts_at: datetime
    """Aware; midnight of the calendar's zone for a whole day."""
    ends_at: datetime
    link: str = ""
    """Where a person opens it."""
    meeting_link: str = ""
    """Of the video meeting; "" while there is none."""
    is_ours: bool = False
    """Whether this assistant made it."""
    is_busy: bool = True
    """Whether it takes the time it stands at."""
    is_all_day: bool = False


class Calendar(Protocol):
    """The lawyers' calendars; `calendar` names one, as its e-mail address."""

    async def put(self, calendar: str, event_id: str, draft: EventDraft) -> Event:
        """Makes an event, or brings it to what the draft says.

        Done again it changes nothing, invites nobody twice, and leaves alone what a
        person wrote into the event beside what the draft changes.

        Args:
            calendar: whose.
            event_id: 32 hexadecimal digits, made beforehand and kept.
            draft: what it should say.

        Raises:
            GatewayError: it could not be done.
        """

    async def remove(self, calendar: str, event_id: str) -> None:
        """Takes an event away; one that is not there is fine.

        Raises:
            GatewayError: it could not be done.
        """

    async def between(
        self, calendar: str, first: datetime, last: datetime
    ) -> list[Event]:
        """Returns what overlaps [first, last), the earliest first.

        Raises:
            GatewayError: it could not be read; `REFUSED` for no such calendar.
        """

    async def busy(
        self, calendar: str, first: datetime, last: datetime
    ) -> list[tuple[datetime, datetime]]:
        """Returns when a calendar is taken between two moments, the earliest first.

        Raises:
            GatewayError: it could not be read; `REFUSED` for no such calendar.
        """


@dataclass(frozen=True)
class Folder:
    """A folder that holds files."""

    id: str
    name: str
    link: str
    """Where a person opens it: an address, or a path on this machine."""


@dataclass(frozen=True)
class StoredFile:
    """A file in a folder."""

    id: str
    name: str
    link: str


class Files(Protocol):
    """Folders of people and lawsuits, and the files in them."""

    async def new_id(self) -> str:
        """Returns an id for a folder or file to come; kept before it is made.

        Raises:
            GatewayError: none could be had.
        """

    async def folders(self, parent: str | None = None) -> list[Folder]:
        """Returns the folders that the assistant may use, by name.

        Args:
            parent: id of the folder that holds them; None for the outermost.

        Raises:
            GatewayError: they could not be read.
        """

    async def make_folder(
        self, name: str, *, folder_id: str, parent: str | None = None
    ) -> Folder:
        """Makes a folder under an id of `new_id`; the same id again, the same one.

        Two folders may have one name.

        Raises:
            GatewayError: it could not be made.
        """

    async def store(
        self, folder_id: str, name: str, path: Path, media_type: str, *, file_id: str
    ) -> StoredFile:
        """Puts a copy of a file into a folder, under an id of `new_id`.

        The same id again gives the same file. The name is cleaned; two files of one
        name stand side by side.

        Raises:
            GatewayError: it could not be put there; `REFUSED` if there is no such
                folder or no such file to copy.
        """


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
            GoneError: there is no such sheet any more.
            GatewayError: it could not be added.
        """

    async def rows(self, sheet_id: str) -> list[dict[str, str]]:
        """Returns every row by header, the oldest first.

        Raises:
            GatewayError: it could not be read; `REFUSED` if there is no such sheet.
        """

"""iCalendar files that people open and edit too: read whole, replaced whole."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from icalendar import Calendar, Component

from actions.gateways.local_disk import settle
from bot.core.file_names import folder_name
from bot.core.ports import GatewayError, Trouble

_TRIES = 3
_INSIDE = 2
"""How deep a calendar's own components stand."""
_UNREADABLE = (
    "o arquivo da agenda não está no formato iCalendar: conserte-o num programa de "
    "agenda ou guarde-o em outra pasta; nada nele foi mudado"
)


def unreadable() -> GatewayError:
    """Returns the refusal of a file that is not understood."""
    return GatewayError(Trouble.REFUSED, _UNREADABLE)


def ics_name(calendar: str) -> str:
    """Returns the name of a calendar's file; no two calendars share one."""
    name = unicodedata.normalize("NFC", calendar)
    clean = folder_name(name, empty="agenda")
    if clean != name:
        clean += f" {hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return f"{clean}.ics"


def content_of(path: Path) -> bytes | None:
    """Returns what a file holds; None where there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


@dataclass(frozen=True)
class IcsBook:
    """A file that was understood to its last line."""

    calendar: Calendar
    _lines: list[bytes]
    _blocks: list[tuple[int, int]]
    """First line and line after the last of each of the calendar's components."""

    def with_one(self, component: Component, place: int | None) -> bytes:
        """Returns the file with a component in the place of another, or added.

        What stands in other components stays to the letter.

        Args:
            component: what to write.
            place: its number among the calendar's components; None adds it.
        """
        first, last = self._end if place is None else self._blocks[place]
        text: bytes = component.to_ical()
        return b"".join([*self._lines[:first], text, *self._lines[last:]])

    def without(self, places: Collection[int]) -> bytes:
        """Returns the file without the components of these numbers."""
        gone = {each for place in places for each in range(*self._blocks[place])}
        return b"".join(
            line for number, line in enumerate(self._lines) if number not in gone
        )

    @property
    def _end(self) -> tuple[int, int]:
        numbers = range(len(self._lines))
        ends = [
            each for each in numbers if _word(self._lines[each]).startswith(b"END:")
        ]
        return ends[-1], ends[-1]


def parsed(content: bytes) -> IcsBook:
    """Returns what a file holds.

    Raises:
        GatewayError: `REFUSED` unless every line of it was understood.
    """
    lines = content.splitlines(keepends=True)
    try:
        content.decode()
        calendar = Calendar.from_ical(content)
    except ValueError as error:
        raise unreadable() from error
    blocks = list(_components(lines))
    if (
        not isinstance(calendar, Calendar)
        or any(each.errors for each in calendar.walk())
        or len(blocks) != len(calendar.subcomponents)
    ):
        raise unreadable()
    return IcsBook(calendar, lines, blocks)


def _components(lines: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    depth, first = 0, 0
    for number, line in enumerate(lines):
        word = _word(line)
        if word.startswith(b"BEGIN:"):
            depth += 1
            first = number if depth == _INSIDE else first
        elif word.startswith(b"END:"):
            if depth == _INSIDE:
                yield first, number + 1
            depth -= 1


def _word(line: bytes) -> bytes:
    """Returns a line as far as it says what begins or ends; one that goes on, as is."""
    return line.removeprefix(b"\xef\xbb\xbf").upper()


def rewrite(path: Path, change: Callable[[bytes | None], bytes | None]) -> None:
    """Replaces a file by what `change` makes of it, unless a person writes meanwhile.

    Args:
        path: the file; it may not exist yet.
        change: gets its content; gives the new one, or None to leave it alone.

    Raises:
        GatewayError: `LATER` where somebody else writes it all the time.
    """
    for _ in range(_TRIES):
        before = content_of(path)
        after = change(before)
        if after is None:
            return
        part = path.with_suffix(".part")
        part.write_bytes(after)
        if content_of(path) == before:
            settle(part, path)
            return
        part.unlink()
    raise GatewayError(Trouble.LATER, "the calendar's file changes all the time")

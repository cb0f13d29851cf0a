"""What spreadsheets of every keeper share: the key column, headers, what cells take.

Columns and lines count from 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

KEY_HEADER = "_chave"
"""Of the hidden column with the key of the job that wrote a row."""
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that no spreadsheet can hold."""
_LINE_BREAK = re.compile(r"\r\n?")
_ELLIPSIS = "…"
_UNIT_BYTES = 2


@dataclass(frozen=True)
class Page:
    """Headers and what stands below them."""

    line: int
    """Where the headers stand."""
    headers: list[str]
    lines: list[list[str]]
    """All below the headers; each may be shorter than they are."""
    width: int
    """Columns up to the last that holds anything."""
    keys: frozenset[str]
    """Of the rows that are there."""

    def missing(self, wanted: Iterable[str]) -> list[str]:
        """Returns the headers that are wanted and not there, each once."""
        named = dict.fromkeys(wanted)
        return [each for each in named if each and each not in self.headers]

    def places(self, row: Mapping[str, str]) -> dict[int, str]:
        """Returns a row's texts by column; what is missing stands right of all."""
        new = self.missing(row)
        at = {each: self.width + number for number, each in enumerate(new)}
        at |= {each: self.headers.index(each) for each in row if each in self.headers}
        return {at[header]: text for header, text in row.items() if header}

    def rows(self) -> list[dict[str, str]]:
        """Returns the lines that are not empty, by header; of equal ones the first."""
        shown = [each for each in dict.fromkeys(self.headers) if each]
        at = {each: self.headers.index(each) for each in shown if each != KEY_HEADER}
        return [
            {
                each: line[place] if place < len(line) else ""
                for each, place in at.items()
            }
            for line in self.lines
            if any(line)
        ]


def page_of(lines: Sequence[Sequence[str]]) -> Page:
    """Returns what the lines of a sheet are about.

    The headers are the line with the key column; where somebody deleted that column,
    the first line that is not empty.
    """
    marked = (n for n, line in enumerate(lines) if KEY_HEADER in _stripped(line))
    filled = (n for n, line in enumerate(lines) if any(line))
    at = next(marked, next(filled, 0))
    headers = _stripped(lines[at]) if lines else []
    below = [list(line) for line in lines[at + 1 :]]
    place = headers.index(KEY_HEADER) if KEY_HEADER in headers else len(headers)
    keys = frozenset(line[place] for line in below if place < len(line))
    return Page(at, headers, below, max(map(len, lines), default=0), keys)


def fitted(row: Mapping[str, str], longest: int) -> dict[str, str]:
    """Returns a row whose headers and texts fit cells; too much ends in an ellipsis.

    Args:
        row: texts by header, as somebody wrote them.
        longest: UTF-16 units that a cell holds; an emoji counts for two.
    """
    return {
        _fit(header, longest).strip(): _fit(text, longest)
        for header, text in row.items()
    }


def _fit(text: str, longest: int) -> str:
    plain = _ILLEGAL.sub("", _LINE_BREAK.sub("\n", text))
    units = plain.encode("utf-16-le")
    if len(units) <= longest * _UNIT_BYTES:
        return plain
    kept = units[: (longest - 1) * _UNIT_BYTES]
    return kept.decode("utf-16-le", "ignore") + _ELLIPSIS


def _stripped(line: Sequence[str]) -> list[str]:
    return [each.strip() for each in line]

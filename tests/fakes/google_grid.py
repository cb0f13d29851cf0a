"""Cells of a sheet: what they hold, A1 ranges, and where a table ends."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tests.fakes.google_faults import Problem

_PLAIN_TITLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_A1 = re.compile(r"\$?([A-Za-z]{1,3})?\$?(\d+)?")
_EPOCH = date(1899, 12, 30)
_DAYS = ("%d/%m/%Y", "%Y-%m-%d")
MOST_CELLS = 10_000_000
LONGEST_CELL = 50_000
"""Characters."""


@dataclass(frozen=True)
class Cell:
    """What stands in a cell."""

    value: Any
    """Text, number or bool."""
    formatted: str
    """As a person sees it."""
    formula: str = ""


@dataclass(frozen=True)
class Area:
    """A rectangle of a sheet; indexes from 0, ends exclusive, None is open."""

    top: int
    left: int
    bottom: int | None
    right: int | None


@dataclass
class Sheet:
    """One tab."""

    sheet_id: int
    title: str
    properties: dict[str, Any] = field(default_factory=dict)
    """All but id, title and size."""
    row_count: int = 1000
    column_count: int = 26
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)
    """By row and column, from 0; empty ones are left out."""

    @property
    def rows(self) -> list[list[str]]:
        """Everything as a person sees it, without the empty rest."""
        return self.values(Area(0, 0, None, None), "FORMATTED_VALUE")

    # -- What people do

    def write(self, at: str, text: Any) -> None:
        """Types something into a cell, such as `B2`."""
        area = parse_area(at)
        self.enter(area.top, area.left, [[text]], is_raw=False)

    def insert_rows(self, at: int, count: int = 1) -> None:
        """Inserts empty rows before row `at` (from 0)."""
        self._shift(0, at, count)
        self.row_count += count

    def insert_columns(self, at: int, count: int = 1) -> None:
        """Inserts empty columns before column `at` (from 0)."""
        self._shift(1, at, count)
        self.column_count += count

    def delete_rows(self, at: int, count: int = 1) -> None:
        """Deletes rows."""
        self._shift(0, at, -count)
        self.row_count -= count

    def delete_columns(self, at: int, count: int = 1) -> None:
        """Deletes columns."""
        self._shift(1, at, -count)
        self.column_count -= count

    def move_column(self, source: int, target: int) -> None:
        """Moves a column so that it stands at `target` afterwards."""
        order = list(range(self.column_count))
        order.insert(target, order.pop(source))
        place = {old: new for new, old in enumerate(order)}
        self.cells = {(r, place[c]): cell for (r, c), cell in self.cells.items()}

    def _shift(self, axis: int, at: int, count: int) -> None:
        moved = {}
        for spot, cell in self.cells.items():
            if count < 0 and at <= spot[axis] < at - count:
                continue
            new = list(spot)
            new[axis] += count if spot[axis] >= at else 0
            moved[new[0], new[1]] = cell
        self.cells = moved

    # -- Values

    def clip(self, area: Area) -> Area:
        """Returns the area with its open ends at the edge of the sheet.

        Raises:
            Problem: it begins beyond the edge.
        """
        if area.top >= self.row_count or area.left >= self.column_count:
            message = (
                f"Range ({self.name(area)}) exceeds grid limits. Max rows: "
                f"{self.row_count}, max columns: {self.column_count}"
            )
            raise Problem(400, "badRequest", message)
        bottom = self.row_count if area.bottom is None else area.bottom
        right = self.column_count if area.right is None else area.right
        bottom, right = min(bottom, self.row_count), min(right, self.column_count)
        return Area(area.top, area.left, bottom, right)

    def values(self, area: Area, render: str) -> list[list[Any]]:
        """Returns rows without their empty ends."""
        rows: dict[int, dict[int, Any]] = {}
        for (row, column), cell in self.cells.items():
            if _holds(area, row, column):
                shown = _rendered(cell, render)
                rows.setdefault(row - area.top, {})[column - area.left] = shown
        return [
            [rows[row].get(column, "") for column in range(max(rows[row]) + 1)]
            if row in rows
            else []
            for row in range(max(rows, default=-1) + 1)
        ]

    def enter(
        self, top: int, left: int, rows: list[list[Any]], *, is_raw: bool
    ) -> None:
        """Writes values; null leaves a cell as it is, "" empties it."""
        for row, values in enumerate(rows, top):
            for column, value in enumerate(values, left):
                if value is None:
                    continue
                if value == "":
                    self.cells.pop((row, column), None)
                else:
                    self.cells[row, column] = raw(value) if is_raw else typed(value)
        widest = max(map(len, rows), default=0)
        self.grow(top + len(rows), left + widest)

    def grow(self, row_count: int, column_count: int) -> None:
        """Makes it large enough.

        Raises:
            Problem: it would hold too many cells.
        """
        row_count = max(self.row_count, row_count)
        column_count = max(self.column_count, column_count)
        if row_count * column_count > MOST_CELLS:
            message = "This action would increase the number of cells in the workbook "
            message += f"above the limit of {MOST_CELLS} cells."
            raise Problem(400, "badRequest", message)
        self.row_count, self.column_count = row_count, column_count

    def empty(self, area: Area) -> None:
        """Clears the values of an area."""
        for spot in list(self.cells):
            if _holds(area, *spot):
                del self.cells[spot]

    def table(self, area: Area) -> Area | None:
        """Returns the last table that an area touches; empty cells part tables."""
        touching = [
            block
            for block in _blocks(set(self.cells))
            if any(_holds(area, *spot) for spot in block)
        ]
        boxes = [_box(block) for block in touching]
        return max(boxes, key=lambda box: (box.bottom, box.right), default=None)

    def name(self, area: Area) -> str:
        """Returns an area in A1 notation, with the sheet's title."""
        plain = _PLAIN_TITLE.fullmatch(self.title) and not _A1.fullmatch(self.title)
        title = self.title if plain else "'" + self.title.replace("'", "''") + "'"
        first = f"{column_name(area.left)}{area.top + 1}"
        bottom = self.row_count if area.bottom is None else area.bottom
        right = self.column_count if area.right is None else area.right
        last = f"{column_name(right - 1)}{bottom}"
        return f"{title}!{first}" if first == last else f"{title}!{first}:{last}"


def raw(value: Any) -> Cell:
    """Returns a value as it was sent: text stays text.

    Raises:
        Problem: it is too long.
    """
    if isinstance(value, str) and len(value) > LONGEST_CELL:
        message = "Your input contains more than the maximum of "
        message += f"{LONGEST_CELL} characters in a single cell."
        raise Problem(400, "badRequest", message)
    return Cell(value, _seen(value))


def typed(value: Any) -> Cell:
    """Returns a value as if a person had typed it, in a Brazilian sheet."""
    if not isinstance(value, str):
        return raw(value)
    text = value.strip()
    if value.startswith("'"):
        return Cell(value[1:], value[1:])
    if text.startswith("=") and len(text) > 1:
        return Cell("#NAME?", "#NAME?", formula=text)
    if text.upper() in {"TRUE", "FALSE", "VERDADEIRO", "FALSO"}:
        return raw(text.upper() in {"TRUE", "VERDADEIRO"})
    if re.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?|[+-]?\d+(,\d+)?", text):
        number = float(text.replace(".", "").replace(",", "."))
        number = int(number) if number.is_integer() else number
        return Cell(number, text if "." in text else _seen(number))
    return _day(text) or raw(value)


def _day(text: str) -> Cell | None:
    for form in _DAYS:
        try:
            day = datetime.strptime(text, form).date()  # noqa: DTZ007
        except ValueError:
            continue
        return Cell((day - _EPOCH).days, text)
    return None


def _seen(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        value = int(value) if value.is_integer() else value
        return str(value).replace(".", ",")
    return str(value)


def _rendered(cell: Cell, render: str) -> Any:
    if render == "FORMULA" and cell.formula:
        return cell.formula
    return cell.formatted if render == "FORMATTED_VALUE" else cell.value


def _holds(area: Area, row: int, column: int) -> bool:
    return (
        area.top <= row
        and area.left <= column
        and (area.bottom is None or row < area.bottom)
        and (area.right is None or column < area.right)
    )


def _blocks(spots: set[tuple[int, int]]) -> Iterator[set[tuple[int, int]]]:
    left = set(spots)
    while left:
        block, edge = set(), [left.pop()]
        while edge:
            row, column = edge.pop()
            block.add((row, column))
            near = {(row + r, column + c) for r in (-1, 0, 1) for c in (-1, 0, 1)}
            edge += near & left
            left -= near
        yield block


def _box(block: set[tuple[int, int]]) -> Area:
    rows, columns = [spot[0] for spot in block], [spot[1] for spot in block]
    return Area(min(rows), min(columns), max(rows) + 1, max(columns) + 1)


def column_name(index: int) -> str:
    """Returns the letters of a column, from 0."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _column_index(letters: str) -> int:
    index = 0
    for letter in letters.upper():
        index = index * 26 + ord(letter) - 64
    return index - 1


def parse_area(text: str) -> Area:
    """Returns the area of `B2`, `A1:C`, `A:A` or `2:5`.

    Raises:
        ValueError: it is none.
    """
    first, _, second = text.partition(":")
    begin, end = _A1.fullmatch(first), _A1.fullmatch(second or first)
    if not begin or not end or not any(begin.groups()) or not any(end.groups()):
        raise ValueError(text)
    if not second and not all(begin.groups()):
        raise ValueError(text)
    if "0" in {begin[2], end[2]}:
        raise ValueError(text)
    return Area(
        top=int(begin[2] or 1) - 1,
        left=_column_index(begin[1]) if begin[1] else 0,
        bottom=int(end[2]) if end[2] else None,
        right=_column_index(end[1]) + 1 if end[1] else None,
    )


def split_range(text: str, titles: Mapping[str, Sheet]) -> tuple[Sheet, Area]:
    """Returns the sheet and the area that an A1 range means.

    Raises:
        Problem: no such sheet, or no range.
    """
    whole = Area(0, 0, None, None)
    quoted = re.fullmatch(r"'((?:[^']|'')*)'(?:!(.+))?", text)
    if quoted:
        title, area = quoted[1].replace("''", "'"), quoted[2] or ""
    elif "!" in text:
        title, _, area = text.rpartition("!")
    elif text in titles:
        title, area = text, ""
    else:
        title, area = next(iter(titles)), text
    try:
        return titles[title], parse_area(area) if area else whole
    except (KeyError, ValueError):
        message = f"Unable to parse range: {text}"
        raise Problem(400, "badRequest", message) from None

"""What a spreadsheet is, how it is written to, and how answers show it."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.google_faults import Problem
from tests.fakes.google_grid import Area, Sheet, split_range

_URL = "https://docs.google.com/spreadsheets/d/{id}/edit"


@dataclass
class Spreadsheet:
    """A spreadsheet, its tabs in order, and the metadata of developers."""

    id: str
    properties: dict[str, Any] = field(default_factory=dict)
    sheets: list[Sheet] = field(default_factory=list)
    metadata: list[dict[str, Any]] = field(default_factory=list)
    formats: list[dict[str, Any]] = field(default_factory=list)
    """Requests that only change how it looks, in order."""

    @property
    def by_title(self) -> dict[str, Sheet]:
        """Its tabs, by title."""
        return {sheet.title: sheet for sheet in self.sheets}

    def __getitem__(self, title: str) -> Sheet:
        return self.by_title[title]

    def range(self, text: str) -> tuple[Sheet, Area]:
        """Returns what an A1 range means here."""
        return split_range(text, self.by_title)


def checked_option(option: str) -> str:
    """Returns `RAW` or `USER_ENTERED`; there is no default."""
    if option not in {"RAW", "USER_ENTERED"}:
        message = "'valueInputOption' is required but not specified"
        raise Problem(400, "badRequest", message)
    return option


def rows_of(body: dict[str, Any]) -> list[list[Any]]:
    """Returns the rows that a body brings, however it is turned."""
    rows: list[list[Any]] = body.get("values", [])
    for row in rows:
        for value in row:
            if isinstance(value, (dict, list)):
                message = "Invalid values: cells hold text, numbers or booleans"
                raise Problem(400, "badRequest", message)
    return rows if body.get("majorDimension", "ROWS") == "ROWS" else turned(rows)


def turned(rows: list[list[Any]]) -> list[list[Any]]:
    """Returns columns for rows."""
    width = max(map(len, rows), default=0)
    filled = [row + [""] * (width - len(row)) for row in rows]
    return [list(column) for column in zip(*filled, strict=True)]


def write(
    spreadsheet: Spreadsheet, text: str, body: dict[str, Any], option: str
) -> dict[str, Any]:
    """Writes values into a range, and returns the answer."""
    checked_option(option)
    if body.get("range", text) != text:
        message = "Requested writing within range, but the body names another one"
        raise Problem(400, "badRequest", message)
    sheet, asked = spreadsheet.range(text)
    area = sheet.clip(asked)
    rows = rows_of(body)
    width = max(map(len, rows), default=0)
    is_cell = (asked.bottom, asked.right) == (asked.top + 1, asked.left + 1)
    too_low = area.bottom is not None and area.top + len(rows) > area.bottom
    too_wide = area.right is not None and area.left + width > area.right
    if not is_cell and (too_low or too_wide):
        where = f"row [{area.bottom}]" if too_low else f"column [{area.right}]"
        message = f"Requested writing within range [{sheet.name(area)}], but tried "
        raise Problem(400, "badRequest", f"{message}writing to {where}")
    sheet.enter(area.top, area.left, rows, is_raw=option == "RAW")
    return written_at(spreadsheet, sheet, (area.top, area.left), rows)


def written_at(
    spreadsheet: Spreadsheet, sheet: Sheet, at: tuple[int, int], rows: list[list[Any]]
) -> dict[str, Any]:
    """Returns the answer to a write that began at a cell."""
    (top, left), width = at, max(map(len, rows), default=0)
    area = Area(top, left, top + max(len(rows), 1), left + max(width, 1))
    answer: dict[str, Any] = {"spreadsheetId": spreadsheet.id}
    return answer | {
        "updatedRange": sheet.name(area),
        "updatedRows": len(rows),
        "updatedColumns": width,
        "updatedCells": sum(value is not None for row in rows for value in row),
    }


def shown_spreadsheet(
    spreadsheet: Spreadsheet, *, with_data: bool = False
) -> dict[str, Any]:
    """Returns a spreadsheet as answers hold it."""
    shown = {
        "spreadsheetId": spreadsheet.id,
        "properties": spreadsheet.properties,
        "sheets": [
            _shown_sheet(sheet, index, with_data=with_data)
            for index, sheet in enumerate(spreadsheet.sheets)
        ],
        "spreadsheetUrl": _URL.format(id=spreadsheet.id),
    }
    if spreadsheet.metadata:
        shown["developerMetadata"] = spreadsheet.metadata
    return copy.deepcopy(shown)


def shown_properties(sheet: Sheet, index: int) -> dict[str, Any]:
    """Returns a tab's properties, as answers hold them."""
    grid = {"rowCount": sheet.row_count, "columnCount": sheet.column_count}
    return {
        "sheetId": sheet.sheet_id,
        "title": sheet.title,
        "index": index,
        "sheetType": "GRID",
        **sheet.properties,
        "gridProperties": grid | sheet.properties.get("gridProperties", {}),
    }


def _shown_sheet(sheet: Sheet, index: int, *, with_data: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"properties": shown_properties(sheet, index)}
    if with_data:
        rows = sheet.values(Area(0, 0, None, None), "FORMATTED_VALUE")
        data = [
            {"values": [{"formattedValue": value} if value else {} for value in row]}
            for row in rows
        ]
        shown["data"] = [{"rowData": data} if data else {}]
    return shown

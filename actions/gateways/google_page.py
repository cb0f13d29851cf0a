"""A tab of a spreadsheet of Google's, and the requests that add to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actions.gateways.cells import KEY_HEADER, Page
from bot.core.ports import GatewayError, Trouble

_BOLD = {"textFormat": {"bold": True}}
Requests = list[dict[str, Any]]


@dataclass(frozen=True)
class Tab:
    """A tab of cells."""

    sheet_id: int
    """Stays when the tab is renamed or dragged."""
    title: str
    column_count: int
    """Of its grid; what lies beyond must be added before it is written to."""

    @property
    def range(self) -> str:
        """All of it, in A1 notation."""
        escaped = self.title.replace("'", "''")
        return f"'{escaped}'"


def first_tab(sheets: Sequence[Mapping[str, Any]]) -> Tab:
    """Returns the tab that a spreadsheet was made with, or else its first.

    Drive gives the tab of a new spreadsheet the id 0.

    Raises:
        GatewayError: `REFUSED`; it has nothing but charts.
    """
    every = (each["properties"] for each in sheets)
    grids = [each for each in every if each.get("sheetType", "GRID") == "GRID"]
    if not grids:
        raise GatewayError(Trouble.REFUSED, "no tab to write to")
    chosen = min(grids, key=lambda each: bool(each.get("sheetId", 0)))
    columns = chosen["gridProperties"]["columnCount"]
    return Tab(chosen.get("sheetId", 0), chosen["title"], columns)


def headers_added(tab: Tab, page: Page, missing: Sequence[str]) -> Requests:
    """Returns the requests that write headers right of all that is there.

    A key column among them is hidden, and the headers are frozen with it.
    """
    if not missing:
        return []
    start, end = page.width, page.width + len(missing)
    requests: Requests = []
    if end > tab.column_count:
        more = {"dimension": "COLUMNS", "length": end - tab.column_count}
        requests.append({"appendDimension": {"sheetId": tab.sheet_id} | more})
    cells = [_cell(each) | {"userEnteredFormat": _BOLD} for each in missing]
    spot = {"sheetId": tab.sheet_id, "rowIndex": page.line, "columnIndex": start}
    fields = "userEnteredValue,userEnteredFormat.textFormat.bold"
    written = {"start": spot, "rows": [{"values": cells}], "fields": fields}
    requests.append({"updateCells": written})
    if KEY_HEADER in missing:
        requests += _set_apart(tab, page.line, start + missing.index(KEY_HEADER))
    return requests


def row_added(tab: Tab, page: Page, row: Mapping[str, str]) -> Requests:
    """Returns the requests that add a row below all others, with headers it lacks."""
    texts = page.places(row)
    cells = [_cell(texts.get(place, "")) for place in range(max(texts) + 1)]
    added = {"rows": [{"values": cells}], "fields": "userEnteredValue"}
    row_request = {"appendCells": {"sheetId": tab.sheet_id} | added}
    return [*headers_added(tab, page, page.missing(row)), row_request]


def _cell(text: str) -> dict[str, Any]:
    """Returns a cell with a literal text; nothing of it is interpreted."""
    return {"userEnteredValue": {"stringValue": text}} if text else {}


def _set_apart(tab: Tab, line: int, key_column: int) -> Requests:
    frozen = {"gridProperties": {"frozenRowCount": line + 1}}
    freeze = {
        "properties": {"sheetId": tab.sheet_id} | frozen,
        "fields": "gridProperties.frozenRowCount",
    }
    place = {"startIndex": key_column, "endIndex": key_column + 1}
    hide = {
        "range": {"sheetId": tab.sheet_id, "dimension": "COLUMNS"} | place,
        "properties": {"hiddenByUser": True},
        "fields": "hiddenByUser",
    }
    return [{"updateSheetProperties": freeze}, {"updateDimensionProperties": hide}]

"""What `spreadsheets.batchUpdate` does: tabs, rows and columns, metadata."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from tests.fakes.google_faults import Problem
from tests.fakes.google_grid import MOST_CELLS, Cell, Sheet, raw, typed
from tests.fakes.google_spreadsheet import Spreadsheet

_LOOKS = {
    "addBanding",
    "addConditionalFormatRule",
    "addFilterView",
    "addNamedRange",
    "addProtectedRange",
    "autoResizeDimensions",
    "mergeCells",
    "repeatCell",
    "setBasicFilter",
    "setDataValidation",
    "updateBorders",
    "updateDimensionProperties",
}
"""Accepted and remembered, without an effect on values."""


def apply(
    spreadsheet: Spreadsheet, index: int, request: Mapping[str, Any]
) -> dict[str, Any]:
    """Does one request, and returns its reply.

    Raises:
        Problem: it cannot be done; its message names the request.
    """
    if len(request) != 1:
        message = f"Invalid value at 'requests[{index}]': one kind a request"
        raise Problem(400, "badRequest", message)
    ((kind, body),) = request.items()
    try:
        if kind in _LOOKS:
            spreadsheet.formats.append({kind: body})
            return {}
        if kind not in _KINDS:
            raise Problem(501, "notImplemented", "not known to this fake")
        return _KINDS[kind](spreadsheet, body)
    except Problem as problem:
        message = f"Invalid requests[{index}].{kind}: {problem.message}"
        raise Problem(problem.status, problem.reason, message) from None


def _bad(message: str) -> Problem:
    return Problem(400, "badRequest", message)


def _sheet(spreadsheet: Spreadsheet, sheet_id: int) -> Sheet:
    for sheet in spreadsheet.sheets:
        if sheet.sheet_id == sheet_id:
            return sheet
    raise _bad(f"No grid with id: {sheet_id}")


def _add_sheet(spreadsheet: Spreadsheet, body: Mapping[str, Any]) -> dict[str, Any]:
    asked = dict(body.get("properties", {}))
    known = {sheet.sheet_id for sheet in spreadsheet.sheets}
    sheet_id = asked.pop("sheetId", None)
    if sheet_id is None:
        sheet_id = secrets.randbelow(2**31 - 1) if known else 0
    if sheet_id in known:
        raise _bad(f"Invalid sheet ID: {sheet_id}. Sheet already exists.")
    title = asked.pop("title", f"Página{len(known) + 1}")
    _check_title(spreadsheet, title)
    position = asked.pop("index", len(spreadsheet.sheets))
    sheet = Sheet(sheet_id, title)
    _set_properties(sheet, asked)
    spreadsheet.sheets.insert(position, sheet)
    size = {"rowCount": sheet.row_count, "columnCount": sheet.column_count}
    shown = {"sheetId": sheet_id, "title": title, "index": position}
    shown |= {"sheetType": "GRID", **sheet.properties}
    shown["gridProperties"] = size | sheet.properties.get("gridProperties", {})
    return {"addSheet": {"properties": shown}}


def _check_title(spreadsheet: Spreadsheet, title: str) -> None:
    if title in spreadsheet.by_title:
        message = f'A sheet with the name "{title}" already exists.'
        raise _bad(f"{message} Please enter another name.")


def _set_properties(sheet: Sheet, asked: Mapping[str, Any]) -> None:
    for name, value in asked.items():
        if name != "gridProperties":
            sheet.properties[name] = value
            continue
        grid = dict(value)
        sheet.row_count = grid.pop("rowCount", sheet.row_count)
        sheet.column_count = grid.pop("columnCount", sheet.column_count)
        if sheet.row_count * sheet.column_count > MOST_CELLS:
            raise _bad("This action would increase the number of cells above the limit")
        kept = sheet.properties.get("gridProperties", {})
        sheet.properties["gridProperties"] = kept | grid


def _update_sheet(spreadsheet: Spreadsheet, body: Mapping[str, Any]) -> dict[str, Any]:
    asked = dict(body["properties"])
    sheet = _sheet(spreadsheet, asked.pop("sheetId", 0))
    named = [name.split(".")[0] for name in _fields(body)]
    chosen = asked if "*" in named else {k: v for k, v in asked.items() if k in named}
    title = chosen.pop("title", sheet.title)
    if title != sheet.title:
        _check_title(spreadsheet, title)
        sheet.title = title
    if "index" in chosen:
        spreadsheet.sheets.remove(sheet)
        spreadsheet.sheets.insert(chosen.pop("index"), sheet)
    _set_properties(sheet, chosen)
    return {}


def _fields(body: Mapping[str, Any]) -> list[str]:
    if not body.get("fields"):
        raise _bad("At least one field must be listed in 'fields'. (Use '*')")
    return [name.strip() for name in str(body["fields"]).split(",")]


def _delete_sheet(spreadsheet: Spreadsheet, body: Mapping[str, Any]) -> dict[str, Any]:
    if len(spreadsheet.sheets) == 1:
        raise _bad("You can't remove all the sheets in a document.")
    spreadsheet.sheets.remove(_sheet(spreadsheet, body.get("sheetId", 0)))
    return {}


def _update_spreadsheet(
    spreadsheet: Spreadsheet, body: Mapping[str, Any]
) -> dict[str, Any]:
    chosen = _fields(body)
    spreadsheet.properties |= {
        name: value
        for name, value in body["properties"].items()
        if "*" in chosen or name in chosen
    }
    return {}


def _insert(spreadsheet: Spreadsheet, body: Mapping[str, Any]) -> dict[str, Any]:
    spot = body["range"]
    sheet = _sheet(spreadsheet, spot.get("sheetId", 0))
    start, count = _span(spot)
    if spot.get("dimension") == "ROWS":
        sheet.insert_rows(start, count)
    else:
        sheet.insert_columns(start, count)
    shift_metadata(spreadsheet, spot, count)
    return {}


def _delete(spreadsheet: Spreadsheet, body: Mapping[str, Any]) -> dict[str, Any]:
    spot = body["range"]
    sheet = _sheet(spreadsheet, spot.get("sheetId", 0))
    start, count = _span(spot)
    if spot.get("dimension") == "ROWS":
        sheet.delete_rows(start, count)
    else:
        sheet.delete_columns(start, count)
    shift_metadata(spreadsheet, spot, -count)
    return {}


def _span(spot: Mapping[str, Any]) -> tuple[int, int]:
    start, end = spot.get("startIndex", 0), spot.get("endIndex", 0)
    if end <= start or spot.get("dimension") not in {"ROWS", "COLUMNS"}:
        raise _bad("range.endIndex must be after range.startIndex, of one dimension")
    return start, end - start


def _append_dimension(
    spreadsheet: Spreadsheet, body: Mapping[str, Any]
) -> dict[str, Any]:
    sheet = _sheet(spreadsheet, body.get("sheetId", 0))
    length, is_rows = body["length"], body.get("dimension") == "ROWS"
    rows, columns = (length, 0) if is_rows else (0, length)
    sheet.grow(sheet.row_count + rows, sheet.column_count + columns)
    return {}


def _append_cells(spreadsheet: Spreadsheet, body: Mapping[str, Any]) -> dict[str, Any]:
    _fields(body)
    sheet = _sheet(spreadsheet, body.get("sheetId", 0))
    top = max((row for row, _ in sheet.cells), default=-1) + 1
    _enter_cells(sheet, top, 0, body.get("rows", []))
    return {}


def _update_cells(spreadsheet: Spreadsheet, body: Mapping[str, Any]) -> dict[str, Any]:
    _fields(body)
    start, area = body.get("start", {}), body.get("range", {})
    sheet = _sheet(spreadsheet, (start or area).get("sheetId", 0))
    top = start.get("rowIndex", area.get("startRowIndex", 0))
    left = start.get("columnIndex", area.get("startColumnIndex", 0))
    rows = body.get("rows", [])
    width = max((len(row.get("values", ())) for row in rows), default=0)
    for name, end, count in (
        ("row", top + len(rows), sheet.row_count),
        ("column", left + width, sheet.column_count),
    ):
        if end > count:
            message = f"Attempting to write {name}: {end - 1}, beyond the last "
            raise _bad(f"{message}requested {name} of: {count - 1}")
    _enter_cells(sheet, top, left, rows)
    return {}


def _enter_cells(sheet: Sheet, top: int, left: int, rows: list[dict[str, Any]]) -> None:
    for row, data in enumerate(rows, top):
        for column, cell in enumerate(data.get("values", ()), left):
            sheet.cells.pop((row, column), None)
            for kind, value in cell.get("userEnteredValue", {}).items():
                sheet.cells[row, column] = _entered(kind, value)
    sheet.grow(top + len(rows), sheet.column_count)


def _entered(kind: str, value: Any) -> Cell:
    return typed(value) if kind == "formulaValue" else raw(value)


def _create_metadata(
    spreadsheet: Spreadsheet, body: Mapping[str, Any]
) -> dict[str, Any]:
    made = dict(body["developerMetadata"])
    made.setdefault("metadataId", secrets.randbelow(2**31 - 1))
    if any(made["metadataId"] == each["metadataId"] for each in spreadsheet.metadata):
        raise _bad(f"Developer metadata with ID {made['metadataId']} already exists.")
    if not made.get("metadataKey") or "visibility" not in made:
        raise _bad("developerMetadata must have a key and a visibility.")
    location = dict(made.get("location", {}))
    if not location:
        raise _bad("developerMetadata.location must be set.")
    made["location"] = location | {"locationType": _location_type(location)}
    spreadsheet.metadata.append(made)
    return {"createDeveloperMetadata": {"developerMetadata": made}}


def _location_type(location: Mapping[str, Any]) -> str:
    if "dimensionRange" in location:
        return "ROW" if location["dimensionRange"]["dimension"] == "ROWS" else "COLUMN"
    return "SHEET" if "sheetId" in location else "SPREADSHEET"


def _delete_metadata(
    spreadsheet: Spreadsheet, body: Mapping[str, Any]
) -> dict[str, Any]:
    found = [each for each, _ in matching_metadata(spreadsheet, [body["dataFilter"]])]
    kept = [each for each in spreadsheet.metadata if each not in found]
    spreadsheet.metadata[:] = kept
    return {"deleteDeveloperMetadata": {"deletedDeveloperMetadata": found}}


def matching_metadata(
    spreadsheet: Spreadsheet, filters: list[dict[str, Any]]
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Returns metadata with the filter that it passes."""
    return [
        (each, wanted)
        for each in spreadsheet.metadata
        for wanted in filters
        if all(
            each.get(name) == value
            for name, value in wanted.get("developerMetadataLookup", {}).items()
            if name in {"metadataId", "metadataKey", "metadataValue", "visibility"}
        )
    ]


def shift_metadata(
    spreadsheet: Spreadsheet, spot: Mapping[str, Any], count: int
) -> None:
    """Moves the metadata of rows and columns along with them."""
    kept = []
    for each in spreadsheet.metadata:
        place = each["location"].get("dimensionRange")
        same = ("dimension", "sheetId")
        if place is None or any(place.get(n, 0) != spot.get(n, 0) for n in same):
            kept.append(each)
            continue
        start = spot.get("startIndex", 0)
        if count < 0 and start <= place["startIndex"] < start - count:
            continue
        if place["startIndex"] >= start:
            place["startIndex"] += count
            place["endIndex"] += count
        kept.append(each)
    spreadsheet.metadata[:] = kept


_KINDS: dict[str, Callable[[Spreadsheet, Mapping[str, Any]], dict[str, Any]]] = {
    "addSheet": _add_sheet,
    "appendCells": _append_cells,
    "appendDimension": _append_dimension,
    "createDeveloperMetadata": _create_metadata,
    "deleteDeveloperMetadata": _delete_metadata,
    "deleteDimension": _delete,
    "deleteSheet": _delete_sheet,
    "insertDimension": _insert,
    "updateCells": _update_cells,
    "updateSheetProperties": _update_sheet,
    "updateSpreadsheetProperties": _update_spreadsheet,
}

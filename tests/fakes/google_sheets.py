"""Spreadsheets of the fake Google: values, appends, and what belongs to them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.google_discovery import Call
from tests.fakes.google_drive import Drive
from tests.fakes.google_faults import Problem
from tests.fakes.google_files import SPREADSHEET, File
from tests.fakes.google_grid import Sheet
from tests.fakes.google_spreadsheet import (
    Spreadsheet,
    checked_option,
    rows_of,
    shown_spreadsheet,
    turned,
    write,
    written_at,
)
from tests.fakes.google_structure import apply, matching_metadata


@dataclass
class Sheets:
    """Every account's spreadsheets, which are files of the Drive."""

    drive: Drive
    every: dict[str, Spreadsheet] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.drive.on_spreadsheet = self._adopt

    def handlers(self) -> dict[str, Callable[[Call], Any]]:
        """Returns what answers each method."""
        values = "sheets.spreadsheets.values"
        return {
            "sheets.spreadsheets.create": self.create,
            "sheets.spreadsheets.get": self.get,
            "sheets.spreadsheets.batchUpdate": self.batch_update,
            "sheets.spreadsheets.developerMetadata.get": self.get_metadata,
            "sheets.spreadsheets.developerMetadata.search": self.search_metadata,
            f"{values}.get": self.get_values,
            f"{values}.batchGet": self.batch_get_values,
            f"{values}.update": self.update_values,
            f"{values}.batchUpdate": self.batch_update_values,
            f"{values}.append": self.append_values,
            f"{values}.clear": self.clear_values,
        }

    def put(self, owner: str, title: str, rows: list[list[Any]]) -> Spreadsheet:
        """Makes a spreadsheet as a person does, with one tab."""
        file = self.drive.put(owner, name=title, mimeType=SPREADSHEET)
        made = self._adopt(file)
        made.sheets[0].enter(0, 0, rows, is_raw=False)
        return made

    def edit(self, spreadsheet_id: str, *requests: dict[str, Any]) -> None:
        """Does what a person does in the browser: `{"insertDimension": …}`."""
        self._apply(self.every[spreadsheet_id], list(requests))

    def _adopt(self, file: File) -> Spreadsheet:
        properties = {"title": file.metadata["name"], "locale": "pt_BR"}
        made = Spreadsheet(file.id, properties | {"timeZone": "America/Sao_Paulo"})
        made.sheets.append(Sheet(0, "Página1"))
        self.every[file.id] = made
        return made

    # -- Spreadsheets

    def create(self, call: Call) -> dict[str, Any]:
        """Answers `spreadsheets.create`."""
        asked = call.body.get("properties", {})
        title = asked.get("title", "Planilha sem título")
        metadata = {"name": title, "mimeType": SPREADSHEET}
        file = self.drive.add(metadata, call.owner, call.client_id)
        made = self._adopt(file)
        made.properties |= asked
        wanted = [each.get("properties", {}) for each in call.body.get("sheets", ())]
        if wanted:
            requests = [{"addSheet": {"properties": each}} for each in wanted]
            made.sheets.clear()
            self._apply(made, requests)
        return shown_spreadsheet(made)

    def get(self, call: Call) -> dict[str, Any]:
        """Answers `spreadsheets.get`."""
        spreadsheet = self._spreadsheet(call)
        with_data = call.flag("includeGridData") or "data" in call.get("fields")
        return shown_spreadsheet(spreadsheet, with_data=with_data)

    def batch_update(self, call: Call) -> dict[str, Any]:
        """Answers `spreadsheets.batchUpdate`: all requests, or none."""
        spreadsheet = self._spreadsheet(call, to_write=True)
        requests = call.body.get("requests") or []
        if not requests:
            raise Problem(400, "badRequest", "Must specify at least one request.")
        answer: dict[str, Any] = {"spreadsheetId": spreadsheet.id}
        answer["replies"] = self._apply(spreadsheet, requests)
        if call.body.get("includeSpreadsheetInResponse"):
            answer["updatedSpreadsheet"] = shown_spreadsheet(spreadsheet)
        return answer

    def _apply(
        self, spreadsheet: Spreadsheet, requests: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        draft = copy.deepcopy(spreadsheet)
        replies = [
            apply(draft, index, request) for index, request in enumerate(requests)
        ]
        for name in ("properties", "metadata", "formats"):
            setattr(spreadsheet, name, getattr(draft, name))
        kept = {sheet.sheet_id: sheet for sheet in spreadsheet.sheets}
        for sheet in draft.sheets:
            kept.setdefault(sheet.sheet_id, sheet).__dict__.update(sheet.__dict__)
        spreadsheet.sheets[:] = [kept[sheet.sheet_id] for sheet in draft.sheets]
        self._rename(spreadsheet)
        return replies

    def _rename(self, spreadsheet: Spreadsheet) -> None:
        file = self.drive.files[spreadsheet.id]
        file.metadata["name"] = spreadsheet.properties["title"]

    def get_metadata(self, call: Call) -> dict[str, Any]:
        """Answers `developerMetadata.get`."""
        for each in self._spreadsheet(call).metadata:
            if str(each["metadataId"]) == call.path["metadataId"]:
                return each
        raise _not_found()

    def search_metadata(self, call: Call) -> dict[str, Any]:
        """Answers `developerMetadata.search`."""
        filters = call.body.get("dataFilters", [])
        found = matching_metadata(self._spreadsheet(call), filters)
        if not found:
            return {}
        matched = [
            {"developerMetadata": each, "dataFilters": [wanted]}
            for each, wanted in found
        ]
        return {"matchedDeveloperMetadata": matched}

    # -- Values

    def get_values(self, call: Call) -> dict[str, Any]:
        """Answers `values.get`."""
        return self._read(call, call.path["range"])

    def batch_get_values(self, call: Call) -> dict[str, Any]:
        """Answers `values.batchGet`."""
        ranges = [self._read(call, each) for each in call.query.get("ranges", [])]
        return {
            "spreadsheetId": call.path["spreadsheetId"],
            **({"valueRanges": ranges} if ranges else {}),
        }

    def _read(self, call: Call, text: str) -> dict[str, Any]:
        sheet, area = self._spreadsheet(call).range(text)
        area = sheet.clip(area)
        render = call.get("valueRenderOption", "FORMATTED_VALUE")
        dimension = call.get("majorDimension", "ROWS")
        answer: dict[str, Any] = {"range": sheet.name(area)}
        answer["majorDimension"] = dimension
        values = sheet.values(area, render)
        if values:
            answer["values"] = values if dimension == "ROWS" else turned(values)
        return answer

    def update_values(self, call: Call) -> dict[str, Any]:
        """Answers `values.update`."""
        spreadsheet = self._spreadsheet(call, to_write=True)
        option = call.get("valueInputOption")
        written = write(spreadsheet, call.path["range"], call.body, option)
        return self._with_values(call, written, "includeValuesInResponse")

    def batch_update_values(self, call: Call) -> dict[str, Any]:
        """Answers `values.batchUpdate`."""
        spreadsheet = self._spreadsheet(call, to_write=True)
        option = call.body.get("valueInputOption", "")
        data = call.body.get("data", [])
        for each in data:  # all are understood, or none is written
            write(copy.deepcopy(spreadsheet), each["range"], each, option)
        written = [write(spreadsheet, each["range"], each, option) for each in data]
        totals = {
            f"totalUpdated{name}": sum(each[f"updated{name}"] for each in written)
            for name in ("Rows", "Columns", "Cells")
        }
        sheets = {each["updatedRange"].rpartition("!")[0] for each in written}
        return {
            "spreadsheetId": spreadsheet.id,
            **totals,
            "totalUpdatedSheets": len(sheets),
            "responses": written,
        }

    def append_values(self, call: Call) -> dict[str, Any]:
        """Answers `values.append`: below the last table that the range touches."""
        spreadsheet = self._spreadsheet(call, to_write=True)
        sheet, area = spreadsheet.range(call.path["range"])
        sheet.clip(area)
        rows = rows_of(call.body)
        table = sheet.table(area)
        top, left = (
            (area.top, area.left)
            if table is None
            else (
                table.bottom or 0,
                table.left,
            )
        )
        option = checked_option(call.get("valueInputOption"))
        if call.get("insertDataOption", "OVERWRITE") == "INSERT_ROWS" and rows:
            sheet.insert_rows(top, len(rows))
        sheet.enter(top, left, rows, is_raw=option == "RAW")
        updates = written_at(spreadsheet, sheet, (top, left), rows)
        found = {} if table is None else {"tableRange": sheet.name(table)}
        updates = self._with_values(call, updates, "includeValuesInResponse")
        return {"spreadsheetId": spreadsheet.id, **found, "updates": updates}

    def _with_values(
        self, call: Call, written: dict[str, Any], flag: str
    ) -> dict[str, Any]:
        if call.flag(flag):
            written["updatedData"] = self._read(call, written["updatedRange"])
        return written

    def clear_values(self, call: Call) -> dict[str, Any]:
        """Answers `values.clear`."""
        spreadsheet = self._spreadsheet(call, to_write=True)
        sheet, area = spreadsheet.range(call.path["range"])
        area = sheet.clip(area)
        sheet.empty(area)
        return {"spreadsheetId": spreadsheet.id, "clearedRange": sheet.name(area)}

    def _spreadsheet(self, call: Call, *, to_write: bool = False) -> Spreadsheet:
        wanted = call.path["spreadsheetId"]
        if wanted not in self.every or not self.drive.is_visible(call, wanted):
            raise _not_found()
        role = self.drive.files[wanted].role_of(call.owner)
        if to_write and role in {"reader", "commenter"}:
            message = "The caller does not have permission"
            raise Problem(403, "forbidden", message)
        return self.every[wanted]


def _not_found() -> Problem:
    return Problem(404, "notFound", "Requested entity was not found.")

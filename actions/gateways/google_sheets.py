"""Spreadsheets of Google that this application itself made.

Neither making one nor adding a row can be repeated blindly, so each looks first: for a
file that bears the job's key, and for the key in a hidden column, the first. A row
goes out in one batch with the headers it lacks, all of it or nothing, as literal texts
that Google does not interpret, and always from the first column on: `values.append`
begins where it takes a table to begin, which an empty line or cell can move.

People may rename, sort and insert. The tab is the one that the spreadsheet was made
with, wherever it was dragged; the line of headers is the one with the key column.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from weakref import WeakValueDictionary

from actions.gateways.cells import KEY_HEADER, Page, fitted, page_of
from actions.gateways.google_calls import GoogleCalls, GoogleRefusal
from actions.gateways.google_files import ANY_DRIVE, OURS, check_id, quoted
from actions.gateways.google_page import Tab, first_tab, headers_added, row_added
from bot.core.file_names import folder_name
from bot.core.ports import Feature, GatewayError, GoneError, Spreadsheet, Trouble

LONGEST_CELL = 50_000
"""Characters, https://support.google.com/drive/answer/37603"""
_SHEET_TYPE = "application/vnd.google-apps.spreadsheet"
_FIELDS = "id,name,webViewLink"
_TABS = "sheets(properties(sheetId,title,sheetType,gridProperties(columnCount)))"
_KEY_PROPERTY = "chave"
_BAD_REQUEST = 400


class GoogleSpreadsheets:
    """Keeps spreadsheets in the Drive of whoever connected the office."""

    def __init__(self, calls: GoogleCalls) -> None:
        """Keeps them there; nothing is called yet."""
        self._calls = calls
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def create(
        self, title: str, headers: Sequence[str], *, key: str
    ) -> Spreadsheet:
        """Makes a spreadsheet; the same key again gives the same one, completed.

        One that somebody binned is not found, and made anew.

        Raises:
            GatewayError: it could not be made.
        """
        digest = hashlib.sha256(key.encode()).hexdigest()
        async with self._alone(digest):
            file = await self._find(digest) or await self._make(title, digest)
            tab = await self._tab(file["id"])
            page = await self._whole(file["id"], tab)
            if KEY_HEADER not in page.headers:
                wanted = fitted(dict.fromkeys([KEY_HEADER, *headers], ""), LONGEST_CELL)
                requests = headers_added(tab, page, page.missing(wanted))
                await self._change(file["id"], requests)
        return Spreadsheet(file["id"], file["name"], file["webViewLink"])

    async def append(self, sheet_id: str, row: Mapping[str, str], *, key: str) -> None:
        """Adds a row, unless one with its key is there.

        Raises:
            GoneError: there is no such sheet, or somebody binned it.
            GatewayError: it could not be added; `REFUSED` if it is full.
        """
        check_id(sheet_id)
        wanted = {**fitted(row, LONGEST_CELL), KEY_HEADER: key}
        async with self._alone(sheet_id):
            await self._check_in_use(sheet_id)
            tab = await self._tab(sheet_id)
            page = await self._glance(sheet_id, tab)
            if page is None or page.missing(wanted):
                page = await self._whole(sheet_id, tab)
            if key not in page.keys:
                await self._change(sheet_id, row_added(tab, page, wanted))

    async def rows(self, sheet_id: str) -> list[dict[str, str]]:
        """Returns the rows as people see them, in the order of the sheet.

        Raises:
            GatewayError: it could not be read; `REFUSED` if there is no such sheet, or
                somebody binned it.
        """
        check_id(sheet_id)
        await self._check_in_use(sheet_id)
        page = await self._whole(sheet_id, await self._tab(sheet_id))
        return page.rows()

    def _alone(self, name: str) -> asyncio.Lock:
        """Returns what keeps this process from doing one thing twice at a time."""
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        return lock

    async def _find(self, digest: str) -> Any:
        query = (
            f"appProperties has {{ key='{_KEY_PROPERTY}' and value={quoted(digest)} }} "
            f"and mimeType = {quoted(_SHEET_TYPE)} and trashed = false"
        )
        answer = await self._drive(
            lambda files: files.list(
                q=query,
                orderBy="createdTime",
                pageSize=1,
                fields=f"files({_FIELDS})",
                includeItemsFromAllDrives=True,
                **ANY_DRIVE,
            )
        )
        return next(iter(answer.get("files", ())), None)

    async def _make(self, title: str, digest: str) -> Any:
        body = {
            "name": folder_name(title, empty="planilha"),
            "mimeType": _SHEET_TYPE,
            "appProperties": {**OURS, _KEY_PROPERTY: digest},
        }
        return await self._drive(
            lambda files: files.create(body=body, fields=_FIELDS, **ANY_DRIVE)
        )

    async def _check_in_use(self, sheet_id: str) -> None:
        try:
            found = await self._drive(
                lambda files: files.get(fileId=sheet_id, fields="trashed", **ANY_DRIVE)
            )
        except GoogleRefusal as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise GoneError("no such spreadsheet") from error
            raise
        if found["trashed"]:
            raise GoneError("somebody binned the spreadsheet")

    async def _tab(self, sheet_id: str) -> Tab:
        answer = await self._sheets(
            lambda sheets: sheets.get(spreadsheetId=sheet_id, fields=_TABS)
        )
        return first_tab(answer["sheets"])

    async def _glance(self, sheet_id: str, tab: Tab) -> Page | None:
        """Returns headers and keys alone; None unless they are where we put them."""
        answer = await self._read(
            lambda values: values.batchGet(
                spreadsheetId=sheet_id, ranges=[f"{tab.range}!1:1", f"{tab.range}!A:A"]
            )
        )
        headers, keys = (each.get("values", []) for each in answer["valueRanges"])
        if not headers or headers[0][:1] != [KEY_HEADER]:
            return None
        return page_of([headers[0], *keys[1:]])

    async def _whole(self, sheet_id: str, tab: Tab) -> Page:
        answer = await self._read(
            lambda values: values.get(spreadsheetId=sheet_id, range=tab.range)
        )
        return page_of(answer.get("values", []))

    async def _read(self, request: Callable[[Any], Any]) -> Any:
        try:
            return await self._sheets(lambda sheets: request(sheets.values()))
        except GoogleRefusal as error:
            if error.status != _BAD_REQUEST:
                raise
            raise GatewayError(Trouble.LATER, "the tab was renamed") from error

    async def _change(self, sheet_id: str, requests: list[dict[str, Any]]) -> None:
        await self._sheets(
            lambda sheets: sheets.batchUpdate(
                spreadsheetId=sheet_id,
                body={"requests": requests},
                fields="spreadsheetId",
            )
        )

    async def _drive(self, request: Callable[[Any], Any]) -> Any:
        return await self._calls.run(
            Feature.FILES, "drive", lambda api: request(api.files())
        )

    async def _sheets(self, request: Callable[[Any], Any]) -> Any:
        return await self._calls.run(
            Feature.FILES, "sheets", lambda api: request(api.spreadsheets())
        )

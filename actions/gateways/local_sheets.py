"""Spreadsheets as real `.xlsx` files on this machine, until Google is connected.

Each file has one sheet; its first line holds the headers. A last, hidden column holds
the key of the job that wrote the row, so that a row is written once.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import threading
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from bot.core.ports import GatewayError, Spreadsheet, Trouble

Result = TypeVar("Result")
_KEY_HEADER = "_chave"
_LONGEST_NAME = 80
_WIDTH = 24
_UNFIT = re.compile(r"[^\w\- ]+")
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""Characters that no `.xlsx` may hold."""


class LocalSpreadsheets:
    """Keeps spreadsheets in a folder; a person may open and edit them."""

    def __init__(self, folder: Path) -> None:
        """Keeps them in `folder`, which is made when the first one is."""
        self._folder = folder
        self._lock = threading.Lock()

    async def create(
        self, title: str, headers: Sequence[str], *, key: str
    ) -> Spreadsheet:
        """Makes a file; the same key again gives the same one, as it is now.

        Raises:
            GatewayError: the disk refused it.
        """
        return await self._alone(lambda: self._create(title, headers, key))

    async def append(self, sheet_id: str, row: Mapping[str, str], *, key: str) -> None:
        """Adds a row under the headers of the file as it is now.

        Raises:
            GatewayError: no such file, no spreadsheet, or the disk refused it.
        """
        await self._alone(lambda: self._append(sheet_id, row, key))

    async def rows(self, sheet_id: str) -> list[dict[str, str]]:
        """Returns the rows by header, as text.

        Raises:
            GatewayError: no such file, or no spreadsheet.
        """
        return await self._alone(lambda: self._rows(sheet_id))

    async def _alone(self, work: Callable[[], Result]) -> Result:
        def run() -> Result:
            try:
                with self._lock:
                    return work()
            except OSError as error:
                raise GatewayError(
                    Trouble.LATER, f"disk: {type(error).__name__}"
                ) from error

        return await asyncio.to_thread(run)

    def _create(self, title: str, headers: Sequence[str], key: str) -> Spreadsheet:
        sheet_id = f"{_file_name(title)}-{_short(key)}"
        path = self._path(sheet_id)
        if not path.exists():
            book = Workbook()
            sheet = _first(book)
            sheet.title = _file_name(title)[:31]
            _write_headers(sheet, [*headers, _KEY_HEADER])
            self._save(book, path)
        return Spreadsheet(sheet_id, title, str(path))

    def _append(self, sheet_id: str, row: Mapping[str, str], key: str) -> None:
        path = self._path(sheet_id)
        book = _open(path)
        sheet = _first(book)
        headers = _headers(sheet)
        missing = [each for each in (*row, _KEY_HEADER) if each not in headers]
        if missing:
            _write_headers(sheet, missing, first=len(headers) + 1)
            headers = _headers(sheet)
        place = headers.index(_KEY_HEADER) + 1
        written = (
            sheet.cell(line, place).value for line in range(2, sheet.max_row + 1)
        )
        if key in written:
            return
        line = sheet.max_row + 1
        for header, value in {**row, _KEY_HEADER: key}.items():
            cell = sheet.cell(line, headers.index(header) + 1)
            cell.value = _ILLEGAL.sub("", value)
            cell.data_type = "s"  # "=1+1" is a text that somebody wrote
        self._save(book, path)

    def _rows(self, sheet_id: str) -> list[dict[str, str]]:
        sheet = _first(_open(self._path(sheet_id)))
        headers = _headers(sheet)
        lines = sheet.iter_rows(min_row=2, values_only=True)
        return [
            {
                header: "" if value is None else str(value)
                for header, value in zip(headers, line, strict=False)
                if header and header != _KEY_HEADER
            }
            for line in lines
            if any(value is not None for value in line)
        ]

    def _path(self, sheet_id: str) -> Path:
        if not sheet_id or _UNFIT.search(sheet_id):
            raise GatewayError(Trouble.REFUSED, "no id of ours")
        return self._folder / f"{sheet_id}.xlsx"

    def _save(self, book: Workbook, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        book.save(part)
        part.replace(path)  # never half a file


def _first(book: Workbook) -> Worksheet:
    return book.worksheets[0]


def _open(path: Path) -> Workbook:
    try:
        return load_workbook(path)
    except FileNotFoundError as error:
        raise GatewayError(Trouble.REFUSED, "no such spreadsheet") from error
    except (BadZipFile, KeyError, ValueError) as error:
        raise GatewayError(Trouble.REFUSED, "not a spreadsheet") from error


def _headers(sheet: Worksheet) -> list[str]:
    found = [str(cell.value or "") for cell in sheet[1]]
    while found and not found[-1]:
        found.pop()
    return found


def _write_headers(sheet: Worksheet, headers: Sequence[str], *, first: int = 1) -> None:
    for place, header in enumerate(headers, start=first):
        cell = sheet.cell(1, place, header)
        cell.font = Font(bold=True)
        column = sheet.column_dimensions[get_column_letter(place)]
        column.width = _WIDTH
        column.hidden = header == _KEY_HEADER
    sheet.freeze_panes = "A2"


def _file_name(title: str) -> str:
    plain = unicodedata.normalize("NFC", title)
    return " ".join(_UNFIT.sub(" ", plain).split())[:_LONGEST_NAME] or "planilha"


def _short(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:8]

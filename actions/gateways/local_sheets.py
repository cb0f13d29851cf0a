"""Spreadsheets as real `.xlsx` files on this machine, until Google is connected.

One line holds the headers. A hidden column holds the key of the job that wrote the
row, so that a row is written once. People may edit the files: sort, insert, rename
tabs and columns. While somebody has one open, rows wait, as saving would undo them.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from actions.gateways.cells import KEY_HEADER, Page, fitted, page_of
from actions.gateways.local_disk import alone_in, settle
from bot.core.file_names import folder_name
from bot.core.ports import GatewayError, GoneError, Spreadsheet, Trouble

LONGEST_CELL = 32_767
"""Characters that a cell of an `.xlsx` holds."""
_LONGEST_TAB = 31
_MARK = re.compile(r"-[0-9a-f]{8}$")
"""Of the key that a file was made with, at the end of its name."""
_WIDTH = 24
_UNREADABLE = (
    BadZipFile,
    ParseError,
    zlib.error,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What openpyxl raises at files that are none, or are spoilt."""


class LocalSpreadsheets:
    """Keeps spreadsheets in a folder; a person may open and edit them."""

    def __init__(self, folder: Path) -> None:
        """Keeps them in `folder`, which is made when the first one is."""
        self._folder = folder.absolute()

    async def create(
        self, title: str, headers: Sequence[str], *, key: str
    ) -> Spreadsheet:
        """Makes a file; the same key again gives the same one, as it is now.

        A person may rename it, as long as its name ends in the same digits.

        Raises:
            GatewayError: the disk refused it.
        """
        return await alone_in(self._folder, lambda: self._create(title, headers, key))

    async def append(self, sheet_id: str, row: Mapping[str, str], *, key: str) -> None:
        """Adds a row under the headers of the file as it is now.

        Raises:
            GatewayError: no such file, no spreadsheet, or the disk refused it.
        """
        await alone_in(self._folder, lambda: self._append(sheet_id, row, key))

    async def rows(self, sheet_id: str) -> list[dict[str, str]]:
        """Returns the rows by header, as text.

        Raises:
            GatewayError: no such file, or no spreadsheet.
        """
        return await alone_in(self._folder, lambda: self._rows(sheet_id))

    async def headers(self, sheet_id: str) -> list[str]:
        """Returns the headers, without the one of the keys.

        Raises:
            GatewayError: no such file, or no spreadsheet.
        """
        return await alone_in(self._folder, lambda: self._headers(sheet_id))

    async def everything(self) -> list[Spreadsheet]:
        """Returns the spreadsheets of the folder, by name.

        Raises:
            GatewayError: the disk refused it.
        """
        return await alone_in(self._folder, self._everything)

    def _headers(self, sheet_id: str) -> list[str]:
        _, page = _found(_open(self._path(sheet_id)))
        return [each for each in page.headers if each and each != KEY_HEADER]

    def _everything(self) -> list[Spreadsheet]:
        found = sorted(self._folder.glob("*.xlsx"))
        return [
            Spreadsheet(each.stem, _MARK.sub("", each.stem), str(each))
            for each in found
            if not each.name.startswith((".", "~"))
        ]

    def _create(self, title: str, headers: Sequence[str], key: str) -> Spreadsheet:
        mark = hashlib.sha256(key.encode()).hexdigest()[:8]
        known = sorted(self._folder.glob(f"*-{mark}.xlsx"))
        name = folder_name(title, empty="planilha")
        path = known[0] if known else self._folder / f"{name}-{mark}.xlsx"
        if not known:
            book = Workbook()
            sheet = book.worksheets[0]
            sheet.title = _tab_title(name)
            wanted = fitted(dict.fromkeys([*headers, KEY_HEADER], ""), LONGEST_CELL)
            _write_headers(sheet, page_of([]), list(wanted))
            _save(book, path)
        return Spreadsheet(path.stem, title, str(path))

    def _append(self, sheet_id: str, row: Mapping[str, str], key: str) -> None:
        path = self._path(sheet_id)
        book = _open(path)
        sheet, page = _found(book)
        if key in page.keys:
            return
        if _is_open(path):
            raise GatewayError(Trouble.LATER, "somebody has the spreadsheet open")
        wanted = {**fitted(row, LONGEST_CELL), KEY_HEADER: key}
        _write_headers(sheet, page, page.missing(wanted))
        line = page.line + len(page.lines) + 2
        for place, text in page.places(wanted).items():
            cell = sheet.cell(line, place + 1)
            cell.value = text
            cell.data_type = "s"  # "=1+1" is a text that somebody wrote
        _save(book, path)

    def _rows(self, sheet_id: str) -> list[dict[str, str]]:
        _, page = _found(_open(self._path(sheet_id)))
        return page.rows()

    def _path(self, sheet_id: str) -> Path:
        if not sheet_id or Path(sheet_id).name != sheet_id:
            raise GatewayError(Trouble.REFUSED, "no id of ours")
        return self._folder / f"{sheet_id}.xlsx"


def _open(path: Path) -> Workbook:
    try:
        book = load_workbook(path)
    except FileNotFoundError as error:
        raise GoneError("no such spreadsheet") from error
    except _UNREADABLE as error:
        raise GatewayError(Trouble.REFUSED, "not a spreadsheet") from error
    if not book.worksheets:
        raise GatewayError(Trouble.REFUSED, "no tab to write to")
    return book


def _is_open(path: Path) -> bool:
    """Says whether LibreOffice or Excel has left its mark beside a file."""
    marks = (f".~lock.{path.name}#", f"~${path.name}")
    return any((path.parent / each).exists() for each in marks)


def _save(book: Workbook, path: Path) -> None:
    part = path.with_name(f".{path.name}.part")
    book.save(part)
    settle(part, path)


def _found(book: Workbook) -> tuple[Worksheet, Page]:
    """Returns the tab with the key column, wherever it was dragged; else the first."""
    every = [(each, page_of(_texts(each))) for each in book.worksheets]
    ours = (each for each in every if KEY_HEADER in each[1].headers)
    return next(ours, every[0])


def _texts(sheet: Worksheet) -> list[list[str]]:
    """Returns the lines as people see them, without the empty rest."""
    lines = [[_seen(value) for value in line] for line in sheet.values]
    for line in lines:
        while line and not line[-1]:
            line.pop()
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _seen(value: Any) -> str:
    """Returns what a cell shows in Brazil."""
    if isinstance(value, bool):
        return "VERDADEIRO" if value else "FALSO"
    if isinstance(value, float):
        return f"{value:.15g}".replace(".", ",")
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, date):
        is_moment = isinstance(value, datetime) and value.time() != time()
        return value.strftime("%d/%m/%Y %H:%M" if is_moment else "%d/%m/%Y")
    return "" if value is None else str(value)


def _write_headers(sheet: Worksheet, page: Page, missing: Sequence[str]) -> None:
    """Writes headers right of all that is there."""
    for place, header in enumerate(missing, start=page.width + 1):
        cell = sheet.cell(page.line + 1, place, header)
        cell.data_type = "s"
        cell.font = Font(bold=True)
        column = sheet.column_dimensions[get_column_letter(place)]
        column.width = _WIDTH
        if header == KEY_HEADER:
            column.hidden = True
            sheet.freeze_panes = f"A{page.line + 2}"


def _tab_title(name: str) -> str:
    """Returns a tab's title; Excel takes no brackets, and no apostrophe at the ends."""
    plain = name.replace("[", "(").replace("]", ")")
    return plain[:_LONGEST_TAB].strip(" '") or "planilha"

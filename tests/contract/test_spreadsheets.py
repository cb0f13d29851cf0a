"""Spreadsheets at each keeper, and what is particular to the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from zipfile import ZipFile

import pytest
from openpyxl import load_workbook
from openpyxl.styles import Font

from actions.gateways import local_disk, local_sheets
from actions.gateways.google_sheets import GoogleSpreadsheets
from actions.gateways.local_sheets import LocalSpreadsheets
from bot.core.ports import GatewayError, Spreadsheet, Trouble
from tests.contract.google_gateways import calls_of
from tests.contract.processes import functions_of, kill_at, run_processes
from tests.contract.spreadsheets_contract import (
    ANA,
    HEADERS,
    RUI,
    SpreadsheetsContract,
)
from tests.fakes.fake_google import FakeGoogle, running
from tests.fakes.google_grid import Sheet


def read_file(path: str) -> bytes:
    return Path(path).read_bytes()


def write_file(path: str, content: bytes) -> None:
    Path(path).write_bytes(content)


WITHOUT_NUMBERS = (
    b'<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    b'<sheets><sheet name="a" sheetId="x"/></sheets></workbook>'
)


def replace_part(path: str, part: str, content: bytes | None) -> None:
    """Puts something else into an `.xlsx`; None leaves the part out."""
    with ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    parts[part] = content
    with ZipFile(path, "w") as book:
        for name, kept in parts.items():
            if kept is not None:
                book.writestr(name, kept)


def rename_file(path: str, old: str, new: str) -> None:
    Path(path).rename(Path(path).with_name(Path(path).name.replace(old, new)))


def copy_file(path: Path, into: Path) -> None:
    into.write_bytes(path.read_bytes())


class TestOnDisk(SpreadsheetsContract):
    @pytest.fixture
    def sheets(self, tmp_path) -> LocalSpreadsheets:
        return LocalSpreadsheets(tmp_path / "planilhas")

    def longest_cell(self):
        return 32_767

    def rewrite(self, sheet, change):
        book = load_workbook(sheet.link)
        [page] = [each for each in book.worksheets if each.title != "Notas"]
        lines = [[str(cell or "") for cell in line] for line in page.values]
        page.delete_cols(1, page.max_column)
        for number, line in enumerate(change(lines), start=1):
            for place, value in enumerate(line, start=1):
                if value:
                    page.cell(number, place, value).data_type = "s"
        book.save(sheet.link)

    def rename_tab(self, sheet, title):
        book = load_workbook(sheet.link)
        book.worksheets[0].title = title
        book.save(sheet.link)

    def add_tab_in_front(self, sheet):
        book = load_workbook(sheet.link)
        book.create_sheet("Notas", 0)["A1"] = "nada"
        book.save(sheet.link)

    async def test_file_is_a_spreadsheet_that_a_person_can_read(self, sheets, sheet):
        await sheets.append(sheet.id, ANA, key="1")

        page = load_workbook(sheet.link).worksheets[0]
        assert [cell.value for cell in page[1]][:3] == list(HEADERS)
        assert page["A1"].font.bold
        assert page.freeze_panes == "A2"
        assert page.column_dimensions["D"].hidden
        assert page.column_dimensions["A"].width == 24
        assert page["C2"].data_type == "s"

    async def test_formula_that_somebody_wrote_is_text(self, sheets):
        made = await sheets.create("Contas", ["=1+1"], key="7")
        await sheets.append(made.id, {"=1+1": "=2+2"}, key="1")

        page = load_workbook(made.link).worksheets[0]
        assert (page["A1"].data_type, page["A2"].data_type) == ("s", "s")

    async def test_cells_that_a_person_only_coloured_count_as_empty(
        self, sheets, sheet
    ):
        book = load_workbook(sheet.link)
        for spot in ("J1", "A50"):
            book.worksheets[0][spot].font = Font(color="FF0000")
        book.save(sheet.link)

        await sheets.append(sheet.id, RUI | {"E-mail": "rui@exemplo.com"}, key="1")

        page = load_workbook(sheet.link).worksheets[0]
        assert (page["E1"].value, page["E2"].value) == ("E-mail", "rui@exemplo.com")

    async def test_file_is_replaced_and_never_half_written(self, sheets, sheet):
        link = Path(sheet.link).with_name("antes.xlsx")
        link.hardlink_to(sheet.link)
        before = read_file(str(link))

        await sheets.append(sheet.id, ANA, key="1")

        assert read_file(str(link)) == before

    async def test_nothing_outside_the_folder_is_touched(self, sheets, sheet, tmp_path):
        copy_file(Path(sheet.link), tmp_path / "fora.xlsx")

        with pytest.raises(GatewayError):
            await sheets.append("../fora", ANA, key="1")

    @pytest.mark.parametrize("keep", [0, 10, 500, -30])
    async def test_broken_file_is_refused(self, sheets, sheet, keep):
        whole = read_file(sheet.link)
        write_file(sheet.link, whole[:keep])

        with pytest.raises(GatewayError) as failed:
            await sheets.rows(sheet.id)

        assert failed.value.trouble is Trouble.REFUSED

    async def test_disk_that_refuses_may_be_tried_later(self, tmp_path):
        (tmp_path / "planilhas").write_text("a file where a folder should be")
        sheets = LocalSpreadsheets(tmp_path / "planilhas")

        with pytest.raises(GatewayError) as failed:
            await sheets.create("Contatos", HEADERS, key="1")

        assert failed.value.trouble is Trouble.LATER
        assert failed.value.retryable

    @pytest.mark.parametrize(
        ("part", "content"),
        [
            ("xl/workbook.xml", None),
            ("xl/workbook.xml", b"<a"),
            ("xl/workbook.xml", b"<a/>"),
            ("xl/workbook.xml", WITHOUT_NUMBERS),
            ("xl/worksheets/sheet1.xml", None),
            ("xl/worksheets/sheet1.xml", b""),
            ("xl/styles.xml", b'<styleSheet><fonts count="x"/></styleSheet>'),
        ],
    )
    async def test_spoilt_file_is_refused(self, sheets, sheet, part, content):
        await sheets.append(sheet.id, ANA, key="1")
        replace_part(sheet.link, part, content)

        with pytest.raises(GatewayError) as failed:
            await sheets.append(sheet.id, ANA, key="1")

        assert failed.value.trouble is Trouble.REFUSED

    async def test_file_with_any_wrong_byte_is_read_or_refused(self, sheets, sheet):
        whole = read_file(sheet.link)
        for place in (*range(0, len(whole), 31), *range(215, 240), *range(-22, 0)):
            spoilt = bytearray(whole)
            spoilt[place] ^= 255
            write_file(sheet.link, bytes(spoilt))
            with suppress(GatewayError):
                await sheets.rows(sheet.id)

    async def test_file_of_unknown_compression_is_refused(self, sheets, sheet):
        whole = read_file(sheet.link)
        write_file(sheet.link, whole.replace(b"\x08\0", b"\x63\0"))

        with pytest.raises(GatewayError) as failed:
            await sheets.rows(sheet.id)

        assert failed.value.trouble is Trouble.REFUSED

    @pytest.mark.parametrize("mark", [".~lock.{}#", "~${}"])
    async def test_row_waits_while_somebody_has_the_file_open(
        self, sheets, sheet, mark
    ):
        opened = Path(sheet.link)
        lock = opened.with_name(mark.format(opened.name))
        write_file(lock, b"")

        with pytest.raises(GatewayError) as failed:
            await sheets.append(sheet.id, ANA, key="1")
        lock.unlink()
        await sheets.append(sheet.id, ANA, key="1")

        assert failed.value.trouble is Trouble.LATER
        assert await sheets.rows(sheet.id) == [ANA]

    async def test_file_that_a_person_renamed_is_found_when_made_again(
        self, sheets, sheet
    ):
        await sheets.append(sheet.id, ANA, key="1")
        rename_file(sheet.link, "Contatos", "Clientes (novos)")

        again = await sheets.create("Contatos", HEADERS, key="1:planilha:0")

        assert await sheets.rows(again.id) == [ANA]

    @pytest.mark.parametrize(
        ("typed", "shown"),
        [
            (datetime.fromisoformat("2026-03-12"), "12/03/2026"),
            (datetime.fromisoformat("2026-03-12T09:05"), "12/03/2026 09:05"),
            (date(2026, 3, 12), "12/03/2026"),
            (time(9, 5), "09:05"),
            (1.5, "1,5"),
            (1 / 3, "0,333333333333333"),
            (7, "7"),
            (True, "VERDADEIRO"),
            (False, "FALSO"),
        ],
    )
    async def test_what_a_person_typed_is_read_as_it_is_seen(
        self, sheets, sheet, typed, shown
    ):
        await sheets.append(sheet.id, ANA, key="1")
        book = load_workbook(sheet.link)
        book.worksheets[0]["C2"] = typed
        book.save(sheet.link)

        [row] = await sheets.rows(sheet.id)
        assert row["Assunto"] == shown

    @pytest.mark.parametrize(
        "title", ["[caso]", "'aspas'", "'''", "a" * 80, "=1+1", "x:y*?"]
    )
    async def test_tab_is_named_as_excel_allows(self, sheets, title):
        made = await sheets.create(title, HEADERS, key="8")

        name = load_workbook(made.link).worksheets[0].title
        assert 0 < len(name) <= 31
        assert not set(name) & set("[]:*?/\\")
        assert name.strip("'") == name

    def test_processes_do_not_get_in_each_others_way(self, tmp_path):
        def work(first: int) -> None:
            sheets = LocalSpreadsheets(tmp_path)
            asyncio.run(append_all(sheets, range(first, first + 12)))

        run_processes(*(partial(work, first) for first in (0, 6, 12)))

        assert len(list(tmp_path.glob("*.xlsx"))) == 1
        rows = asyncio.run(append_all(LocalSpreadsheets(tmp_path), []))
        assert sorted(int(each["Nome"]) for each in rows) == list(range(24))

    def test_whoever_is_killed_at_any_step_leaves_nothing_doubled(self, tmp_path):
        steps = functions_of(LocalSpreadsheets, local_disk)
        steps.append(local_sheets._save)
        was_killed, step = True, 0
        while was_killed:
            step += 1
            sheets = LocalSpreadsheets(tmp_path / str(step))

            def work(sheets=sheets) -> list[dict[str, str]]:
                return asyncio.run(append_all(sheets, [0]))

            was_killed = kill_at(work, steps, step)

            assert [each["Nome"] for each in work()] == ["0"], step
            assert len(list((tmp_path / str(step)).glob("*.xlsx"))) == 1, step
        assert step > 50


async def append_all(
    sheets: LocalSpreadsheets, numbers: Iterable[int]
) -> list[dict[str, str]]:
    sheet = await sheets.create("Contatos", HEADERS, key="1:planilha:0")
    for each in numbers:
        await sheets.append(sheet.id, {"Nome": str(each)}, key=str(each))
    return await sheets.rows(sheet.id)


class TestOnGoogle(SpreadsheetsContract):
    @pytest.fixture
    def google(self) -> Iterator[FakeGoogle]:
        with running() as google:
            yield google

    @pytest.fixture
    def sheets(self, google) -> GoogleSpreadsheets:
        self.google = google
        return GoogleSpreadsheets(calls_of(google))

    def tab(self, sheet: Spreadsheet) -> Sheet:
        tabs = self.google.sheets.every[sheet.id].sheets
        return next(each for each in tabs if each.title != "Notas")

    def longest_cell(self):
        return 50_000

    def rewrite(self, sheet, change):
        tab = self.tab(sheet)
        lines = tab.rows
        width = max(map(len, lines))
        filled = [line + [""] * (width - len(line)) for line in lines]
        tab.cells.clear()
        tab.enter(0, 0, change(filled), is_raw=True)

    def rename_tab(self, sheet, title):
        self.tab(sheet).title = title

    def add_tab_in_front(self, sheet):
        add = {"addSheet": {"properties": {"title": "Notas", "index": 0}}}
        self.google.sheets.edit(sheet.id, add)
        self.google.sheets.every[sheet.id]["Notas"].write("A1", "nada")

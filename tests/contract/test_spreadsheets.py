"""Spreadsheets: one specification for whoever keeps them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from openpyxl import load_workbook

from actions.gateways.local_sheets import LocalSpreadsheets
from bot.core.ports import GatewayError, Spreadsheet, Spreadsheets, Trouble

HEADERS = ("Nome", "Telefone", "Assunto")
ANA = {"Nome": "Ana Prado", "Telefone": "+5511987654321", "Assunto": "divórcio"}
RUI = {"Nome": "Rui Lima", "Telefone": "+5511912345678", "Assunto": "aluguel"}


class SpreadsheetsContract:
    """What the assistant relies on."""

    @pytest.fixture
    def sheets(self) -> Spreadsheets:
        """Returns what keeps them."""
        raise NotImplementedError

    def turn_columns(self, sheet: Spreadsheet, order: tuple[str, ...]) -> None:
        """Lets a person put the columns in another order."""
        raise NotImplementedError

    @pytest.fixture
    async def sheet(self, sheets) -> Spreadsheet:
        return await sheets.create("Contatos", HEADERS, key="1:planilha:0")

    async def test_new_one_is_empty_and_can_be_opened(self, sheets, sheet):
        assert sheet.title == "Contatos"
        assert sheet.link
        assert await sheets.rows(sheet.id) == []

    async def test_rows_are_kept_in_their_order(self, sheets, sheet):
        await sheets.append(sheet.id, ANA, key="1")
        await sheets.append(sheet.id, RUI, key="2")

        assert await sheets.rows(sheet.id) == [ANA, RUI]

    async def test_same_key_again_makes_nothing_new(self, sheets, sheet):
        await sheets.append(sheet.id, ANA, key="1")
        again = await sheets.create("Contatos", HEADERS, key="1:planilha:0")
        await sheets.append(again.id, RUI, key="1")

        assert again == sheet
        assert await sheets.rows(sheet.id) == [ANA]

    async def test_equal_titles_are_two_spreadsheets(self, sheets, sheet):
        other = await sheets.create("Contatos", HEADERS, key="2:planilha:0")
        await sheets.append(other.id, ANA, key="1")

        assert other.id != sheet.id
        assert await sheets.rows(sheet.id) == []

    @pytest.mark.parametrize(
        "value",
        ["=1+1", "+5511", "-2", "@x", "007", "1,50", "12/03/2026", "\n", "", "🙂 ã"],
    )
    async def test_value_stays_as_it_was_written(self, sheets, sheet, value):
        await sheets.append(sheet.id, ANA | {"Assunto": value}, key="1")

        [row] = await sheets.rows(sheet.id)
        assert row["Assunto"] == value

    async def test_columns_that_a_person_turned_round_are_found(self, sheets, sheet):
        await sheets.append(sheet.id, ANA, key="1")
        self.turn_columns(sheet, ("Notas", "Assunto", "Nome", "Telefone"))

        await sheets.append(sheet.id, RUI, key="2")

        rows = await sheets.rows(sheet.id)
        assert [each["Nome"] for each in rows] == ["Ana Prado", "Rui Lima"]
        assert [each["Assunto"] for each in rows] == ["divórcio", "aluguel"]
        assert [each["Notas"] for each in rows] == ["", ""]

    async def test_unknown_header_becomes_a_column(self, sheets, sheet):
        await sheets.append(sheet.id, ANA, key="1")
        await sheets.append(sheet.id, RUI | {"E-mail": "rui@exemplo.com"}, key="2")

        rows = await sheets.rows(sheet.id)
        assert [each["E-mail"] for each in rows] == ["", "rui@exemplo.com"]

    async def test_missing_value_leaves_its_cell_empty(self, sheets, sheet):
        await sheets.append(sheet.id, {"Nome": "Ana Prado"}, key="1")

        [row] = await sheets.rows(sheet.id)
        assert row == {"Nome": "Ana Prado", "Telefone": "", "Assunto": ""}

    async def test_many_at_once_are_all_kept(self, sheets, sheet):
        await asyncio.gather(
            *(
                sheets.append(sheet.id, ANA | {"Nome": f"Ana {n}"}, key=str(n % 10))
                for n in range(20)
            )
        )

        assert len(await sheets.rows(sheet.id)) == 10

    @pytest.mark.parametrize("sheet_id", ["nao-existe", "../fora", "", "a/b"])
    async def test_one_that_is_not_there_is_refused(self, sheets, sheet_id):
        with pytest.raises(GatewayError) as failed:
            await sheets.append(sheet_id, ANA, key="1")

        assert failed.value.trouble is Trouble.REFUSED
        assert not failed.value.retryable

    @pytest.mark.parametrize("title", ["Custas: caso Souza/2026", "🙂", "a" * 300, ""])
    async def test_any_title_makes_one(self, sheets, title):
        made = await sheets.create(title, HEADERS, key="9")

        await sheets.append(made.id, ANA, key="1")
        assert await sheets.rows(made.id) == [ANA]


def break_file(path: Path) -> None:
    path.write_bytes(b"PK nothing")


def copy_file(path: Path, into: Path) -> None:
    into.write_bytes(path.read_bytes())


class TestOnDisk(SpreadsheetsContract):
    @pytest.fixture
    def sheets(self, tmp_path) -> LocalSpreadsheets:
        return LocalSpreadsheets(tmp_path / "planilhas")

    def turn_columns(self, sheet, order):
        book = load_workbook(sheet.link)
        page = book.worksheets[0]
        lines = [list(line) for line in page.values]
        key = len(lines[0]) - 1
        places = [lines[0].index(each) if each in lines[0] else None for each in order]
        page.delete_cols(1, page.max_column)
        for number, line in enumerate(lines, start=1):
            turned = [None if each is None else line[each] for each in places]
            if number == 1:
                turned = list(order)
            for place, value in enumerate([*turned, line[key]], start=1):
                page.cell(number, place, value)
        book.save(sheet.link)

    async def test_file_is_a_spreadsheet_that_a_person_can_read(self, sheets, sheet):
        await sheets.append(sheet.id, ANA, key="1")

        page = load_workbook(sheet.link).worksheets[0]
        assert [cell.value for cell in page[1]][:3] == list(HEADERS)
        assert page["A1"].font.bold
        assert page.freeze_panes == "A2"
        assert page.column_dimensions["D"].hidden
        assert page["C2"].data_type == "s"

    async def test_formula_that_somebody_wrote_is_text(self, sheets, sheet):
        await sheets.append(sheet.id, ANA | {"Assunto": "=1+1"}, key="1")

        page = load_workbook(sheet.link).worksheets[0]
        assert page["C2"].data_type == "s"

    async def test_nothing_outside_the_folder_is_touched(self, sheets, sheet, tmp_path):
        copy_file(Path(sheet.link), tmp_path / "fora.xlsx")

        with pytest.raises(GatewayError):
            await sheets.append("../fora", ANA, key="1")

    async def test_broken_file_is_refused(self, sheets, sheet):
        break_file(Path(sheet.link))

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

    async def test_control_characters_are_left_out(self, sheets, sheet):
        await sheets.append(sheet.id, ANA | {"Assunto": "a\x07b"}, key="1")

        [row] = await sheets.rows(sheet.id)
        assert row["Assunto"] == "ab"

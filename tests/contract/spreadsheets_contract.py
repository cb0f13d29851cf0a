"""Spreadsheets: one specification for whoever keeps them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from bot.core.ports import GatewayError, Spreadsheet, Spreadsheets, Trouble

HEADERS = ("Nome", "Telefone", "Assunto")
ANA = {"Nome": "Ana Prado", "Telefone": "+5511987654321", "Assunto": "divórcio"}
RUI = {"Nome": "Rui Lima", "Telefone": "+5511912345678", "Assunto": "aluguel"}
KEY = "_chave"
Lines = list[list[str]]
AWKWARD = [
    "=1+1",
    '=HYPERLINK("http://x.example";"y")',
    "+5511",
    "-2",
    "@x",
    "007",
    "1,50",
    "1.234,56",
    "12/03/2026",
    "2026-03-12",
    "10:30",
    "50%",
    "R$ 10,00",
    "1e5",
    "TRUE",
    "FALSO",
    "#N/A",
    "'x",
    "''",
    '"a";"b"',
    " a ",
    "\n",
    "a\tb\nc",
    "",
    "🙂 ã",
    "👩🏽‍⚖️",
    "\u202eabc",
    "<b>&amp;</b>",
    "_x0041_",
    "_chave",
    "a" * 5000,
    "0001234-56.2026.8.26.0100",
]


class SpreadsheetsContract:
    """What the assistant relies on."""

    @pytest.fixture
    def sheets(self) -> Spreadsheets:
        """Returns what keeps them."""
        raise NotImplementedError

    def rewrite(self, sheet: Spreadsheet, change: Callable[[Lines], Lines]) -> None:
        """Lets a person change what stands in the sheet, all of it as lines."""
        raise NotImplementedError

    def rename_tab(self, sheet: Spreadsheet, title: str) -> None:
        """Lets a person give the tab another name."""
        raise NotImplementedError

    def add_tab_in_front(self, sheet: Spreadsheet) -> None:
        """Lets a person put a tab with notes before ours."""
        raise NotImplementedError

    def longest_cell(self) -> int:
        """Returns how many characters a cell holds."""
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

    @pytest.mark.parametrize("value", AWKWARD)
    async def test_value_stays_as_it_was_written(self, sheets, sheet, value):
        await sheets.append(sheet.id, ANA | {"Assunto": value}, key="1")
        await sheets.append(sheet.id, RUI, key="2")

        [first, second] = await sheets.rows(sheet.id)
        assert first == ANA | {"Assunto": value}
        assert second == RUI

    @pytest.mark.parametrize(
        "written", ["a\r\nb", "a\rb", "a\x00\n\x07b", "a\ud83d\nb"]
    )
    async def test_what_no_cell_holds_is_left_out(self, sheets, sheet, written):
        await sheets.append(sheet.id, ANA | {"Assunto": written}, key="1")

        [row] = await sheets.rows(sheet.id)
        assert row["Assunto"] == "a\nb"

    @pytest.mark.parametrize("letter", ["a", "🙂"])
    async def test_what_is_too_long_ends_in_an_ellipsis(self, sheets, sheet, letter):
        units = len(letter.encode("utf-16-le")) // 2
        longest = self.longest_cell() // units
        for key, count in enumerate((longest, longest + 1)):
            row = ANA | {"Assunto": letter * count}
            await sheets.append(sheet.id, row, key=str(key))

        whole, cut = [row["Assunto"] for row in await sheets.rows(sheet.id)]
        assert whole == letter * longest
        kept = (self.longest_cell() - 1) // units
        assert cut == letter * kept + "…"

    async def test_columns_that_a_person_turned_round_are_found(self, sheets, sheet):
        await sheets.append(sheet.id, ANA, key="1")
        self.rewrite(sheet, lambda lines: [["Notas", *line][::-1] for line in lines])
        self.rewrite(sheet, lambda lines: [lines[0], [*lines[1][:-1], "sim"]])

        await sheets.append(sheet.id, RUI, key="2")
        await sheets.append(sheet.id, ANA, key="1")

        rows = await sheets.rows(sheet.id)
        assert rows == [ANA | {"Notas": "sim"}, RUI | {"Notas": ""}]

    async def test_lines_that_a_person_inserted_do_no_harm(self, sheets, sheet):
        await sheets.append(sheet.id, {"Assunto": "sem nome"}, key="1")
        self.rewrite(
            sheet, lambda lines: [[], ["Contatos de 2026"], *lines[:1], [], *lines[1:]]
        )

        await sheets.append(sheet.id, RUI, key="2")
        await sheets.append(sheet.id, {"Assunto": "x"}, key="1")

        rows = await sheets.rows(sheet.id)
        assert rows == [{"Nome": "", "Telefone": "", "Assunto": "sem nome"}, RUI]

    async def test_new_column_stands_with_the_headers(self, sheets, sheet):
        await sheets.append(sheet.id, ANA, key="1")
        self.rewrite(sheet, lambda lines: [["Contatos de 2026"], [], *lines])

        await sheets.append(sheet.id, RUI | {"E-mail": "rui@exemplo.com"}, key="2")

        rows = await sheets.rows(sheet.id)
        assert rows == [ANA | {"E-mail": ""}, RUI | {"E-mail": "rui@exemplo.com"}]

    async def test_header_that_looks_like_a_formula_is_text(self, sheets):
        made = await sheets.create("Contas", ["=1+1"], key="7")

        await sheets.append(made.id, {"=1+1": "2", "=2+2": "4"}, key="1")

        assert await sheets.rows(made.id) == [{"=1+1": "2", "=2+2": "4"}]

    async def test_rows_that_a_person_sorted_keep_their_keys(self, sheets, sheet):
        await sheets.append(sheet.id, RUI, key="1")
        await sheets.append(sheet.id, ANA, key="2")
        self.rewrite(sheet, lambda lines: [lines[0], *lines[:0:-1]])

        for key, row in (("1", RUI), ("2", ANA)):
            await sheets.append(sheet.id, row, key=key)

        assert await sheets.rows(sheet.id) == [ANA, RUI]

    @pytest.mark.parametrize("title", ["D'Ávila & Filhos", "A1", "R1C1", "🙂", "2026"])
    async def test_tab_that_a_person_renamed_is_found(self, sheets, sheet, title):
        self.rename_tab(sheet, title)

        await sheets.append(sheet.id, ANA, key="1")

        assert await sheets.rows(sheet.id) == [ANA]

    async def test_tab_that_a_person_put_in_front_is_left_alone(self, sheets, sheet):
        await sheets.append(sheet.id, ANA, key="1")
        self.add_tab_in_front(sheet)

        await sheets.append(sheet.id, RUI, key="2")

        assert await sheets.rows(sheet.id) == [ANA, RUI]

    async def test_key_column_that_a_person_deleted_is_added(self, sheets, sheet):
        await sheets.append(sheet.id, ANA, key="1")
        self.rewrite(sheet, without_keys)

        for _ in range(2):
            await sheets.append(sheet.id, RUI, key="2")

        assert await sheets.rows(sheet.id) == [ANA, RUI]

    async def test_of_equal_headers_the_first_counts(self, sheets, sheet):
        await sheets.append(sheet.id, ANA, key="1")
        self.rewrite(
            sheet,
            lambda lines: [[*lines[0], " Nome ", "Nome"], [*lines[1], "x", "y"]],
        )

        await sheets.append(sheet.id, RUI, key="2")

        assert await sheets.rows(sheet.id) == [ANA, RUI]

    async def test_new_column_does_not_claim_what_a_person_wrote(self, sheets, sheet):
        await sheets.append(sheet.id, ANA, key="1")
        self.rewrite(sheet, lambda lines: [lines[0], [*lines[1], "", "ligar amanhã"]])

        await sheets.append(sheet.id, RUI | {"E-mail": "rui@exemplo.com"}, key="2")

        rows = await sheets.rows(sheet.id)
        assert [each["E-mail"] for each in rows] == ["", "rui@exemplo.com"]

    async def test_sheet_that_a_person_emptied_goes_on(self, sheets, sheet):
        await sheets.append(sheet.id, ANA, key="1")
        self.rewrite(sheet, lambda _: [])

        await sheets.append(sheet.id, RUI, key="2")

        assert await sheets.rows(sheet.id) == [RUI]

    async def test_made_again_it_leaves_what_people_did(self, sheets, sheet):
        await sheets.append(sheet.id, ANA, key="1")
        self.rewrite(sheet, lambda lines: [line[::-1] for line in lines])

        again = await sheets.create("Contatos", HEADERS, key="1:planilha:0")

        assert again.id == sheet.id
        assert await sheets.rows(sheet.id) == [ANA]

    async def test_more_columns_than_letters_are_kept(self, sheets):
        headers = [f"Coluna {n}" for n in range(60)]
        wide = await sheets.create("Larga", headers, key="7")
        row = {each: each.upper() for each in headers}

        await sheets.append(wide.id, row | {"Outra": "x"}, key="1")
        await sheets.append(wide.id, row, key="1")

        assert await sheets.rows(wide.id) == [row | {"Outra": "x"}]

    async def test_header_without_a_name_is_no_column(self, sheets):
        made = await sheets.create("Contatos", ["", "Nome", "Nome"], key="7")

        await sheets.append(made.id, {"": "x", "Nome": "Ana Prado"}, key="1")

        assert await sheets.rows(made.id) == [{"Nome": "Ana Prado"}]

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


def without_keys(lines: Lines) -> Lines:
    place = lines[0].index(KEY)
    return [[*line[:place], *line[place + 1 :]] for line in lines]

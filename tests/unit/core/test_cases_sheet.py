"""The office's sheet of lawsuits, as Excel in Brazil saves it."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from bot.core.cases_sheet import CasesFile, CasesSheet, load_cases
from bot.core.lawsuits import is_lawsuit_number

NUMBER = "0001234-95.2024.5.02.0001"
OTHER = "1009876-50.2023.8.26.0100"
HEADINGS = "numero;cliente;telefone;situacao;atualizado_em;proximo_passo;area\n"
MARIA = (
    f"{NUMBER};Maria Souza;(11) 98765-4321;audiência marcada;10/11/2026;"
    "aguardar a audiência;trabalhista\n"
)


def sheet_of(folder: Path, text: str, *, encoding: str = "utf-8") -> CasesSheet:
    path = folder / "processos.csv"
    path.write_bytes(text.encode(encoding))
    return load_cases(path)


def test_numbers_of_these_tests_are_right():
    assert is_lawsuit_number("".join(filter(str.isdigit, NUMBER)))
    assert is_lawsuit_number("".join(filter(str.isdigit, OTHER)))


class TestReading:
    def test_line_becomes_a_case(self, tmp_path):
        sheet = sheet_of(tmp_path, HEADINGS + MARIA)

        (case,) = sheet.cases
        assert (case.line, case.client) == (2, "Maria Souza")
        assert case.number == "00012349520245020001"
        assert case.phones == ("+5511987654321",)
        assert case.status == "audiência marcada"
        assert case.updated_on == date(2026, 11, 10)
        assert (case.next_step, case.area) == ("aguardar a audiência", "trabalhista")
        assert sheet.problems == ()

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
    def test_accents_survive_however_excel_saved_them(self, tmp_path, encoding):
        sheet = sheet_of(tmp_path, HEADINGS + MARIA, encoding=encoding)

        assert sheet.cases[0].status == "audiência marcada"

    @pytest.mark.parametrize("delimiter", [";", ",", "\t"])
    def test_any_delimiter_is_understood(self, tmp_path, delimiter):
        text = (HEADINGS + MARIA).replace(";", delimiter)

        assert sheet_of(tmp_path, text).cases[0].client == "Maria Souza"

    def test_excels_line_with_the_delimiter_is_no_heading(self, tmp_path):
        sheet = sheet_of(tmp_path, "sep=;\r\n" + (HEADINGS + MARIA + "x;y\n"))

        assert sheet.cases[0].line == 3
        assert "linha 4" in sheet.problems[0]

    @pytest.mark.parametrize(
        "headings",
        [
            "NÚMERO;Cliente;TELEFONE;Situação;Atualizado em;Próximo passo;Área\n",
            "Nº do processo;Nome do cliente;Celular;Status;Última atualização\n",
            " numero ;cliente; telefone;situação;atualizado_em\n",
        ],
    )
    def test_headings_may_be_written_as_people_write(self, tmp_path, headings):
        sheet = sheet_of(tmp_path, headings + MARIA)

        assert sheet.problems == ()
        assert sheet.cases[0].status == "audiência marcada"
        assert sheet.cases[0].updated_on == date(2026, 11, 10)

    def test_cell_over_several_lines_becomes_one(self, tmp_path):
        text = HEADINGS + MARIA.replace("audiência marcada", '"marcada\r\npara maio"')

        sheet = sheet_of(tmp_path, text + MARIA.replace("Maria", "Ana"))

        assert sheet.cases[0].status == "marcada para maio"
        assert sheet.cases[1].client == "Ana Souza"

    def test_lines_without_anything_are_skipped(self, tmp_path):
        sheet = sheet_of(tmp_path, "\n" + HEADINGS + ";;;;;;\n\n" + MARIA + ";;;;;;\n")

        assert [case.client for case in sheet.cases] == ["Maria Souza"]
        assert sheet.problems == ()

    @pytest.mark.parametrize("written", ["2026-11-10", "10/11/26", "10/11/2026 14:00"])
    def test_date_may_have_other_shapes(self, tmp_path, written):
        sheet = sheet_of(tmp_path, HEADINGS + MARIA.replace("10/11/2026", written))

        assert sheet.cases[0].updated_on == date(2026, 11, 10)

    @pytest.mark.parametrize("text", ["", "\n\n", HEADINGS])
    def test_sheet_without_lines_is_empty(self, tmp_path, text):
        assert sheet_of(tmp_path, text) == CasesSheet()

    def test_missing_file_is_an_empty_sheet(self, tmp_path):
        assert load_cases(tmp_path / "nao-existe.csv") == CasesSheet()


class TestLookingUp:
    @pytest.mark.parametrize("asked", [NUMBER, "00012349520245020001", f" {NUMBER}. "])
    def test_numbers_are_compared_by_their_digits(self, tmp_path, asked):
        sheet = sheet_of(tmp_path, HEADINGS + MARIA)

        assert [case.client for case in sheet.by_number(asked)] == ["Maria Souza"]

    def test_lawsuit_of_two_clients_has_two_lines(self, tmp_path):
        text = HEADINGS + MARIA + MARIA.replace("Maria", "Ana").replace("4321", "4322")

        found = sheet_of(tmp_path, text).by_number(NUMBER)

        assert [case.client for case in found] == ["Maria Souza", "Ana Souza"]

    @pytest.mark.parametrize("phone", ["+5511987654321", "+551187654321"])
    def test_ninth_digit_makes_no_difference(self, tmp_path, phone):
        sheet = sheet_of(tmp_path, HEADINGS + MARIA)

        assert [case.client for case in sheet.of_phone(phone)] == ["Maria Souza"]

    def test_phone_finds_all_cases_of_a_client(self, tmp_path):
        text = HEADINGS + MARIA + MARIA.replace(NUMBER, OTHER)

        found = sheet_of(tmp_path, text).of_phone("+5511987654321")

        assert [case.line for case in found] == [2, 3]

    def test_two_phones_in_one_cell_both_find_the_case(self, tmp_path):
        both = "(11) 98765-4321 / 21 3333-4444"
        sheet = sheet_of(tmp_path, HEADINGS + MARIA.replace("(11) 98765-4321", both))

        assert sheet.of_phone("+552133334444") == sheet.of_phone("+5511987654321")
        assert len(sheet.of_phone("+552133334444")) == 1

    def test_unknown_number_or_phone_finds_nothing(self, tmp_path):
        sheet = sheet_of(tmp_path, HEADINGS + MARIA)

        assert sheet.by_number(OTHER) == sheet.of_phone("+5511900000000") == ()

    def test_line_without_a_right_number_is_found_by_no_number(self, tmp_path):
        sheet = sheet_of(tmp_path, HEADINGS + MARIA.replace(NUMBER, ""))

        assert sheet.by_number("") == ()
        assert len(sheet.of_phone("+5511987654321")) == 1


class TestProblems:
    @pytest.mark.parametrize(
        ("right", "wrong", "told"),
        [
            (NUMBER, "0001234-98.2024.5.02.0001", "não confere; copie os 20 dígitos"),
            (NUMBER, "1,23497E+18", "o Excel trocou o número do processo"),
            (NUMBER, "", "falta o número do processo"),
            ("(11) 98765-4321", "98765", "o telefone 98765 não é válido; use DDD"),
            ("10/11/2026", "31/02/2026", "a data 31/02/2026 não é válida"),
            ("audiência marcada", "", "a situação está vazia"),
        ],
    )
    def test_wrong_cell_is_told_with_its_line_and_the_rest_is_used(
        self, tmp_path, right, wrong, told
    ):
        bad = MARIA.replace(right, wrong)

        sheet = sheet_of(tmp_path, HEADINGS + MARIA + bad + MARIA)

        (problem,) = sheet.problems
        assert problem.startswith("processos.csv, linha 3: ")
        assert told in problem
        assert [case.line for case in sheet.cases] == [2, 3, 4]

    def test_wrong_check_digit_is_still_found_by_phone(self, tmp_path):
        text = HEADINGS + MARIA.replace("-95.", "-98.")

        (case,) = sheet_of(tmp_path, text).of_phone("+5511987654321")

        assert case.number == ""

    def test_line_that_nothing_can_find_is_not_used(self, tmp_path):
        sheet = sheet_of(tmp_path, HEADINGS + "123;Maria;45;andando;10/11/2026\n")

        assert sheet.cases == ()
        assert "linha 2: sem número e sem telefone válidos" in sheet.problems[-1]

    def test_missing_column_is_named(self, tmp_path):
        text = "numero;cliente;telefone;atualizado_em\n" + f"{NUMBER};Ana;;\n"

        sheet = sheet_of(tmp_path, text)

        assert "falta a coluna situacao" in sheet.problems[0]
        assert sheet.by_number(NUMBER)[0].client == "Ana"

    @pytest.mark.parametrize("raw", [b"PK\x03\x04\x00\x00", b"isto nao e planilha"])
    def test_file_that_is_no_sheet_says_how_to_save_one(self, tmp_path, raw):
        path = tmp_path / "processos.csv"
        path.write_bytes(raw)

        (problem,) = load_cases(path).problems

        assert "Salvar como" in problem

    def test_stray_quote_does_not_swallow_the_lines_after_it(self, tmp_path):
        bad = MARIA.replace("Maria", '"Maria')

        sheet = sheet_of(tmp_path, HEADINGS + bad + MARIA)

        assert [case.line for case in sheet.cases] == [2, 3]
        assert "aspas" in sheet.problems[0]

    def test_folder_of_that_name_is_an_empty_sheet(self, tmp_path):
        folder = tmp_path / "processos.csv"
        folder.mkdir()

        assert load_cases(folder) == CasesSheet()


class TestRereading:
    def write(self, path: Path, text: str, *, at: int) -> None:
        path.write_text(text, encoding="utf-8")
        os.utime(path, (at, at))

    def test_changed_file_is_read_again(self, tmp_path):
        path = tmp_path / "processos.csv"
        file = CasesFile(path)
        assert file.sheet() == CasesSheet()

        self.write(path, HEADINGS + MARIA, at=1_000)
        assert file.sheet().cases[0].client == "Maria Souza"

        self.write(path, HEADINGS + MARIA.replace("Maria", "Julia"), at=2_000)
        assert file.sheet().cases[0].client == "Julia Souza"

    def test_file_that_did_not_change_is_not_read_again(self, tmp_path):
        path = tmp_path / "processos.csv"
        self.write(path, HEADINGS + MARIA, at=1_000)
        file = CasesFile(path)

        assert file.sheet() is file.sheet()

    def test_removed_file_leaves_an_empty_sheet(self, tmp_path):
        path = tmp_path / "processos.csv"
        self.write(path, HEADINGS + MARIA, at=1_000)
        file = CasesFile(path)
        assert file.sheet().cases

        path.unlink()

        assert file.sheet() == CasesSheet()


def test_of_two_sheets_the_first_one_counts_where_both_have_a_lawsuit(tmp_path):
    ours = sheet_of(tmp_path, HEADINGS + MARIA)
    other = MARIA.replace(NUMBER, OTHER).replace("Maria", "Julia")
    both = sheet_of(tmp_path, HEADINGS + MARIA.replace("audiência", "perícia") + other)

    whole = ours | both

    assert [(each.client, each.status) for each in whole.cases] == [
        ("Maria Souza", "audiência marcada"),
        ("Julia Souza", "audiência marcada"),
    ]
    assert [each.client for each in whole.by_number(OTHER)] == ["Julia Souza"]

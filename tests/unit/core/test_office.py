"""The office's own file: what it must hold, and how a mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.errors import SettingsError
from bot.core.office import load_office
from bot.core.settings import ROOT

COMPLETE = (ROOT / "escritorio.yml").read_text(encoding="utf-8")


def office_file(folder: Path, text: str) -> Path:
    path = folder / "escritorio.yml"
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(path: Path) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load_office(path)
    return caught.value.problems


class TestReading:
    def test_our_own_file_is_right(self):
        office = load_office(ROOT / "escritorio.yml")

        assert "9h às 18h" in office.texts["horario"]
        assert "direito do trabalho" in office.areas

    def test_facts_have_the_names_that_responses_use(self):
        facts = load_office(ROOT / "escritorio.yml").variables()

        assert facts["escritorio_horario"] == "de segunda a sexta-feira, das 9h às 18h"
        assert facts["escritorio_areas"].endswith("tributário e empresarial")

    def test_text_over_several_lines_becomes_one(self, tmp_path):
        text = COMPLETE.replace("horario: de segunda", "horario: >-\n  de\n  segunda")

        office = load_office(office_file(tmp_path, text))

        assert office.texts["horario"].startswith("de segunda a sexta-feira")

    def test_model_reads_every_fact(self):
        office = load_office(ROOT / "escritorio.yml")

        text = office.as_text()

        assert all(f"{key}: {value}" in text for key, value in office.texts.items())
        assert all(area in text for area in office.areas)

    def test_one_area_stands_alone(self, tmp_path):
        text = COMPLETE[: COMPLETE.index("areas:")] + "areas:\n  - criminal\n"

        office = load_office(office_file(tmp_path, text))

        assert office.variables()["escritorio_areas"] == "criminal"


class TestMistakes:
    def test_missing_fields_are_all_named(self, tmp_path):
        text = COMPLETE.replace("telefone:", "fone:").replace("oab:", "registro:")

        assert problems_of(office_file(tmp_path, text)) == (
            "escritorio.yml: falta o campo 'oab'",
            "escritorio.yml: falta o campo 'telefone'",
        )

    def test_empty_field_is_a_missing_field(self, tmp_path):
        text = COMPLETE.replace("nome: Escritório Modelo de Advocacia", "nome:")

        assert problems_of(office_file(tmp_path, text)) == (
            "escritorio.yml: falta o campo 'nome'",
        )

    def test_areas_in_one_line_are_no_list(self, tmp_path):
        text = COMPLETE[: COMPLETE.index("areas:")] + "areas: criminal\n"

        assert problems_of(office_file(tmp_path, text)) == (
            "escritorio.yml: 'areas' deve ser uma lista, um item por linha",
        )

    def test_broken_yaml_is_told_with_its_line(self, tmp_path):
        lines = COMPLETE.splitlines()
        broken = next(n for n, line in enumerate(lines, 1) if line.startswith("email"))
        lines[broken - 1] = "email: [contato"

        (problem,) = problems_of(office_file(tmp_path, "\n".join(lines)))

        assert problem.startswith(
            "escritorio.yml: não é um YAML válido, perto da linha "
        )
        assert abs(int(problem.rsplit(" ", 1)[1]) - broken) <= 1

    def test_field_written_twice_is_told_with_its_line(self, tmp_path):
        text = COMPLETE + "nome: Outro\n"

        (problem,) = problems_of(office_file(tmp_path, text))

        last = len(text.splitlines())
        assert problem.endswith(f"perto da linha {last}")

    @pytest.mark.parametrize("text", ["", "só um texto", "- uma\n- lista\n"])
    def test_file_without_fields_says_so(self, tmp_path, text):
        assert problems_of(office_file(tmp_path, text)) == (
            "escritorio.yml: deve ter uma lista de campos",
        )

    def test_missing_file_says_so(self, tmp_path):
        assert problems_of(tmp_path / "escritorio.yml") == (
            "escritorio.yml: não consigo ler o arquivo",
        )

    def test_file_in_another_encoding_says_so(self, tmp_path):
        path = tmp_path / "escritorio.yml"
        path.write_bytes(COMPLETE.encode("latin-1", "replace"))

        assert problems_of(path) == ("escritorio.yml: não consigo ler o arquivo",)

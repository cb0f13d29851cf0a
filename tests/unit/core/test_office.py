"""The office's own file: what it must hold, and how a mistake is told."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest

from bot.core.errors import SettingsError
from bot.core.names import AREAS
from bot.core.office import Office, load_office
from bot.core.settings import ROOT

COMPLETE = (ROOT / "escritorio.yml").read_text(encoding="utf-8")
WEEK = COMPLETE[COMPLETE.index("expediente:") : COMPLETE.index("# Dias sem")]
CLOSED = COMPLETE[COMPLETE.index("fechado:") : COMPLETE.index("# Carnaval")]
LAWYERS = COMPLETE[COMPLETE.index("advogados:") : COMPLETE.index("# --- Documentos")]
OWN_AREAS = COMPLETE[COMPLETE.index("\nareas:") + 1 : COMPLETE.index("# --- Quem")]
HELENA = """advogados:
  - nome: Dra. Helena Modelo
    areas: [trabalhista]
"""


def office_file(folder: Path, text: str) -> Path:
    path = folder / "escritorio.yml"
    path.write_text(text, encoding="utf-8")
    return path


def office_with(folder: Path, **parts: str) -> Office:
    """Returns the complete office with some parts written differently."""
    return load_office(office_file(folder, changed(**parts)))


def changed(**parts: str) -> str:
    whole = {"week": WEEK, "closed": CLOSED, "lawyers": LAWYERS, "areas": OWN_AREAS}
    text = COMPLETE
    for name, part in parts.items():
        text = text.replace(whole[name], part) if name in whole else text + part
    return text


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

    def test_text_over_several_lines_becomes_one(self):
        office = load_office(ROOT / "escritorio.yml")

        assert "de qualquer contratação" in office.texts["honorarios"]

    def test_model_reads_every_fact(self):
        office = load_office(ROOT / "escritorio.yml")

        text = office.as_text()

        assert all(f"{key}: {value}" in text for key, value in office.texts.items())
        assert all(area in text for area in office.areas)

    def test_one_area_stands_alone(self, tmp_path):
        lawyers = HELENA.replace("trabalhista", "criminal")

        office = office_with(tmp_path, areas="areas:\n  - criminal\n", lawyers=lawyers)

        assert office.variables()["escritorio_areas"] == "criminal"


class TestHours:
    def test_text_is_written_from_the_hours(self, tmp_path):
        office = office_with(
            tmp_path, week='expediente:\n  segunda: ["08:30-12:00", "13:00-17:00"]\n'
        )

        assert office.texts["horario"] == (
            "às segundas-feiras, das 8h30 às 12h e das 13h às 17h"
        )

    @pytest.mark.parametrize(
        ("week", "words"),
        [
            (
                "segunda terça quarta quinta sexta sábado",
                "de segunda a sábado, das 9h às 18h",
            ),
            (
                "segunda-feira Quarta SEXTA",
                "às segundas-feiras, às quartas-feiras e às sextas-feiras, "
                "das 9h às 18h",
            ),
            ("sabado domingo", "aos sábados e aos domingos, das 9h às 18h"),
            (
                "segunda terca quarta quinta sexta sabado domingo",
                "todos os dias, das 9h às 18h",
            ),
        ],
    )
    def test_days_are_said_as_people_say_them(self, tmp_path, week, words):
        lines = "".join(f"  {day}: 9h00-18h00\n" for day in week.split())

        office = office_with(tmp_path, week="expediente:\n" + lines)

        assert office.texts["horario"] == words

    def test_another_saturday_is_said_apart(self, tmp_path):
        office = office_with(tmp_path, week=WEEK.rstrip() + "\n  sábado: 9:00-12:00\n")

        assert office.texts["horario"] == (
            "de segunda a sexta-feira, das 9h às 18h, e aos sábados, das 9h às 12h"
        )

    def test_own_text_wins(self, tmp_path):
        office = office_with(tmp_path, more="horario: com hora marcada\n")

        assert office.texts["horario"] == "com hora marcada"

    def test_day_without_a_line_is_closed(self):
        hours = load_office(ROOT / "escritorio.yml").hours

        assert hours.of(date(2026, 11, 23)) == ((time(9), time(18)),)
        assert hours.of(date(2026, 11, 22)) == ()

    def test_yearly_closure_runs_over_new_year(self):
        (_, recess) = load_office(ROOT / "escritorio.yml").closures

        days = ((2026, 12, 19), (2026, 12, 20), (2031, 1, 6), (2027, 1, 7))
        covered = [recess.covers(date(*day)) for day in days]

        assert covered == [False, True, True, False]
        assert recess.reason == "recesso de fim de ano"

    @pytest.mark.parametrize("end", ["2027-01-20", "20/01/2027"])
    def test_closure_of_one_year_ends_with_it(self, tmp_path, end):
        office = office_with(
            tmp_path,
            closed=f"fechado:\n  - de: 20/12/2026\n    ate: {end}\n    motivo: obra\n",
        )

        (closure,) = office.closures
        assert closure.covers(date(2027, 1, 20))
        assert not closure.covers(date(2027, 12, 25))


class TestAppointments:
    def test_defaults_hold_where_nothing_is_said(self, tmp_path):
        start, end = COMPLETE.index("duracao_min:"), COMPLETE.index("# --- Áreas")

        office = load_office(office_file(tmp_path, COMPLETE[:start] + COMPLETE[end:]))

        assert (office.notice_min, office.horizon_days) == (120, 60)
        assert office.duration_min() == office.duration_min("criminal") == 60

    def test_area_may_take_longer(self, tmp_path):
        text = COMPLETE.replace("  padrao: 60", "  padrao: 45\n  criminal: 90")

        office = load_office(office_file(tmp_path, text))

        assert office.duration_min("criminal") == 90
        assert office.duration_min("civel") == office.duration_min() == 45

    def test_every_offered_area_is_known_and_has_documents(self):
        office = load_office(ROOT / "escritorio.yml")

        assert all(office.handles(area) for area in AREAS)
        assert "FGTS" in office.documents_for("trabalhista")
        assert office.documents_for("outra") == office.texts["documentos"]
        assert office.documents_for() == office.texts["documentos"]

    def test_area_that_is_left_out_is_not_handled(self, tmp_path):
        areas = "areas:\n  - trabalhista: direito do trabalho\n  - direito eleitoral\n"

        office = office_with(tmp_path, areas=areas, lawyers=HELENA)

        assert office.handles("trabalhista")
        assert not office.handles("criminal")
        assert office.areas == ("direito do trabalho", "direito eleitoral")

    def test_area_called_by_its_slug_needs_no_other_name(self, tmp_path):
        areas = "areas:\n  - Tributário\n  - família\n"
        lawyers = HELENA.replace("trabalhista", "familia")

        office = office_with(tmp_path, areas=areas, lawyers=lawyers)

        assert dict(office.area_names) == {
            "tributario": "Tributário",
            "familia": "família",
        }

    def test_office_without_slugs_is_asked_about_everything(self, tmp_path):
        office = office_with(tmp_path, areas="areas:\n  - eleitoral\n")

        assert all(office.handles(area) for area in AREAS)

    def test_lawyer_without_more_attends_both_ways(self, tmp_path):
        (helena,) = office_with(tmp_path, lawyers=HELENA).lawyers

        assert helena.name == "Dra. Helena Modelo"
        assert helena.modalities == ("online", "presencial")
        assert (helena.phone, helena.email) == (None, None)

    def test_lawyer_is_found_by_the_phone(self, tmp_path):
        lawyers = HELENA + "    telefone: (11) 98765-4321\n    email: h@x.example\n"

        office = office_with(tmp_path, lawyers=lawyers)

        assert office.lawyer_of_phone("+551187654321") == office.lawyers[0]
        assert office.lawyer_of_phone("+5511900000000") is None
        assert office.lawyers[0].email == "h@x.example"

    def test_responses_and_model_can_name_the_lawyers(self):
        office = load_office(ROOT / "escritorio.yml")

        names = "Dra. Helena Modelo, Dr. Rafael Exemplo e Dra. Clara Amostra"
        assert office.variables()["escritorio_advogados"] == names
        assert f"advogados: {names}" in office.as_text()


class TestMistakes:
    def test_missing_fields_are_all_named(self, tmp_path):
        text = COMPLETE.replace("telefone:", "fone:").replace("oab:", "registro:")

        assert problems_of(office_file(tmp_path, text)) == (
            "escritorio.yml: falta o campo 'oab'",
            "escritorio.yml: falta o campo 'telefone'",
            "escritorio.yml: não conheço o campo 'registro'",
            "escritorio.yml: não conheço o campo 'fone'; quis dizer 'telefone'?",
        )

    def test_empty_field_is_a_missing_field(self, tmp_path):
        text = COMPLETE.replace("nome: Escritório Modelo de Advocacia", "nome:")

        assert problems_of(office_file(tmp_path, text)) == (
            "escritorio.yml: falta o campo 'nome'",
        )

    def test_areas_in_one_line_are_no_list(self, tmp_path):
        text = changed(areas="areas: criminal\n")

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

    @pytest.mark.parametrize(
        ("parts", "told"),
        [
            (
                {"week": "expediente:\n  segunda: 9 às 18\n"},
                "'expediente' em segunda: '9 às 18' não é um período; "
                'escreva como "09:00-18:00"',
            ),
            (
                {"week": "expediente:\n  segunda: 18:00-09:00\n"},
                "'expediente' em segunda: '18:00-09:00' não é um período; "
                'escreva como "09:00-18:00"',
            ),
            (
                {"week": 'expediente:\n  sexta: ["09:00-13:00", "12:00-18:00"]\n'},
                "'expediente' em sexta: os períodos não podem se cruzar",
            ),
            (
                {"week": "expediente:\n  segundas: 09:00-18:00\n"},
                "'expediente' não conhece o dia 'segundas'; use segunda, terça…",
            ),
            (
                {"week": "expediente:\n  segunda: []\n"},
                "'expediente' deve ter ao menos um dia com horário",
            ),
            (
                {"week": "expediente: comercial\n"},
                "'expediente' deve ter linhas como: segunda: [\"09:00-18:00\"]",
            ),
            (
                {"closed": "fechado:\n  - dia: 31/02\n    motivo: festa\n"},
                "'fechado' tem 'dia: 31/02, motivo: festa'; escreva 'dia: 25/01', "
                "ou 'de: 20/12' e 'ate: 06/01'",
            ),
            (
                {"closed": "fechado:\n  - de: 20/01/2027\n    ate: 20/12/2026\n"},
                "'fechado' tem 'de: 20/01/2027, ate: 20/12/2026'; "
                "'ate' deve vir depois de 'de'",
            ),
            ({"closed": "fechado: sim\n"},
             "'fechado' deve ser uma lista, um item por linha"),
            (
                {"areas": "areas:\n  - trabalhsta: trabalho\n", "lawyers": HELENA},
                "'areas' não conhece a área 'trabalhsta'; use trabalhista, familia, "
                "consumidor, previdenciario, criminal, civel, imobiliario, tributario "
                "ou empresarial",
            ),
            (
                {"areas": "areas:\n  - civel: cível\n", "lawyers": HELENA},
                "'advogados: Dra. Helena Modelo' tem a área 'trabalhista', "
                "que falta em 'areas'",
            ),
            (
                {"lawyers": HELENA + HELENA.removeprefix("advogados:\n")},
                "'advogados' tem 'Dra. Helena Modelo' mais de uma vez",
            ),
            (
                {"lawyers": HELENA + "    telefone: 98765\n"},
                "'advogados: Dra. Helena Modelo' tem o telefone '98765'; "
                "escreva com DDD: (11) 98765-4321",
            ),
            (
                {"lawyers": HELENA + "    email: helena\n"},
                "'advogados: Dra. Helena Modelo' tem o e-mail 'helena', "
                "que não é um endereço",
            ),
            (
                {"lawyers": HELENA + "    atende: [telefone]\n"},
                "'advogados: Dra. Helena Modelo' deve ter em 'atende' online, "
                "presencial ou os dois",
            ),
            (
                {"lawyers": "advogados:\n  - Dra. Helena\n"},
                "'advogados' deve ser uma lista; cada um começa com '- nome:' "
                "e tem 'areas:'",
            ),
            (
                {"more": "fechados: []\n"},
                "não conheço o campo 'fechados'; quis dizer 'fechado'?",
            ),
        ],
    )  # fmt: skip
    def test_wrong_field_says_what_to_write(self, tmp_path, parts, told):
        path = office_file(tmp_path, changed(**parts))

        assert problems_of(path) == (f"escritorio.yml: {told}",)

    @pytest.mark.parametrize(
        ("right", "wrong", "told"),
        [
            (
                "uf: SP",
                "uf: XX",
                "'uf' deve ser a sigla de um estado, como SP, e não 'XX'",
            ),
            (
                "antecedencia_min: 120",
                "antecedencia_min: duas horas",
                "'antecedencia_min' deve ser um número inteiro de 0 a 10080",
            ),
            (
                "ate_dias: 60",
                "ate_dias: 0",
                "'ate_dias' deve ser um número inteiro de 1 a 365",
            ),
            (
                "  padrao: 60",
                "  padrao: 1h",
                "'duracao_min' de padrao deve ser de 15 a 480 minutos, de 5 em 5, "
                "como 60",
            ),
            (
                "pontos_facultativos: fechado",
                "pontos_facultativos: talvez",
                "'pontos_facultativos' deve ser fechado ou aberto",
            ),
            (
                "email: contato@escritorio.example",
                "email: [um, outro]",
                "'email' deve ser um texto",
            ),
        ],
    )
    def test_wrong_value_says_what_to_write(self, tmp_path, right, wrong, told):
        path = office_file(tmp_path, COMPLETE.replace(right, wrong))

        assert problems_of(path) == (f"escritorio.yml: {told}",)

    def test_impossible_date_of_yaml_is_told(self, tmp_path):
        text = changed(closed="fechado:\n  - dia: 2026-02-30\n")

        assert problems_of(office_file(tmp_path, text)) == (
            "escritorio.yml: tem uma data que não existe",
        )

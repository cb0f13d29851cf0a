"""Status of a lawsuit: told to its own client alone, else passed to the office."""

from __future__ import annotations

import pytest

from bot.store.effects import Handoff, Request
from tests.unit.desk import PHONE

FLOW = "consultar_processo"
NUMBER = "0012457-26.2021.8.26.0100"
OTHER = "5046512-94.2016.4.04.7000"
WRONG = "0012457-27.2021.8.26.0100"


@pytest.fixture
def talk(desk):
    """Returns a conversation with somebody whom the sheet does not know yet."""
    return desk.talk()


@pytest.fixture
def sheet(tmp_path):
    """Writes lines of the office's sheet: number, telephone, status."""

    def write(*lines: tuple[str, str, str]) -> None:
        rows = ["numero;cliente;telefone;situacao;atualizado_em;proximo_passo"]
        rows += [
            f"{number};Maria Prado;{phone};{status};10/11/2026;audiência em março"
            for number, phone, status in lines
        ]
        text = "\n".join(rows)
        (tmp_path / "processos.csv").write_text(text, encoding="utf-8")

    return write


# --- who is not in the sheet ----------------------------------------------------


async def test_stranger_is_asked_for_the_number(talk):
    said = await talk.starts(FLOW, "saiu alguma coisa do meu processo?")

    assert said.responses == ["ask_numero_processo"]


@pytest.mark.parametrize(
    "text", [NUMBER, f"é o {NUMBER}", "00124572620218260100", f"processo nº {NUMBER}."]
)
async def test_number_goes_to_the_office(talk, text):
    await talk.starts(FLOW, "quero saber do meu processo")

    said = await talk.says(text)

    assert said.responses == [FLOW]
    assert NUMBER in said.text
    assert said.effects == [
        Request(FLOW, {"numero_processo": NUMBER}),
        Handoff(FLOW),
    ]


async def test_number_in_the_first_message_is_not_asked_for(talk):
    said = await talk.starts(FLOW, f"como está o processo {NUMBER}?")

    assert said.responses == [FLOW]


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("não tenho", "negar"),
        ("não tenho o número", "informar_dados"),
        ("não sei", "nlu_fallback"),
        ("perdi o papel", "informar_dados"),
        ("sem número", "informar_dados"),
        ("não", "negar"),
        ("esqueci", "nlu_fallback"),
    ],
)
async def test_whoever_has_no_number_is_looked_up_by_the_office(talk, text, intent):
    await talk.starts(FLOW, "quero saber do meu processo")

    said = await talk.says(text, intent=intent)

    assert said.responses == ["consultar_processo_sem_numero"]
    assert said.effects == [Request(FLOW, {"numero_processo": ""}), Handoff(FLOW)]


async def test_wrong_check_digits_are_said_and_asked_again(talk):
    await talk.starts(FLOW, "quero saber do meu processo")

    said = await talk.says(f"é {WRONG}")

    assert said.responses == ["numero_processo_errado", "ask_numero_processo"]
    assert WRONG in said.text
    assert said.effects == []


async def test_wrong_check_digits_in_the_first_message_are_said_at_once(talk):
    said = await talk.starts(FLOW, f"como está o processo {WRONG}?")

    assert said.responses == ["numero_processo_errado", "ask_numero_processo"]


@pytest.mark.parametrize("text", ["12345", "xyz", "é da vara de família"])
async def test_what_is_no_number_is_asked_again(talk, text):
    await talk.starts(FLOW, "quero saber do meu processo")

    said = await talk.says(text)

    assert said.responses == ["numero_processo_invalido", "ask_numero_processo"]


async def test_question_in_the_middle_is_left_to_its_rule(talk):
    await talk.starts(FLOW, "quero saber do meu processo")

    said = await talk.says("quanto custa?", intent="consultar_honorarios")

    assert said.is_left


async def test_second_question_does_not_remember_the_first_number(talk):
    await talk.starts(FLOW, f"como está o {NUMBER}?")

    said = await talk.starts(FLOW, "e o meu processo?")

    assert said.responses == ["ask_numero_processo"]


# --- who is in the sheet -----------------------------------------------------------


@pytest.mark.parametrize(
    "written", ["(11) 98765-0001", "11 8765-0001", "+55 11 98765-0001"]
)
async def test_own_lawsuit_is_told_without_asking(talk, sheet, written):
    sheet((NUMBER, written, "aguarda sentença"))

    said = await talk.starts(FLOW, "saiu alguma coisa do meu processo?")

    assert said.responses == ["andamento_processo"]
    for told in (NUMBER, "aguarda sentença", "audiência em março", "10/11/2026"):
        assert told in said.text
    assert said.effects == []


async def test_number_of_whatsapp_without_ninth_digit_is_the_same_person(desk, sheet):
    sheet((NUMBER, "(11) 98765-0001", "aguarda sentença"))

    said = await desk.talk(phone="+551187650001").starts(FLOW, "e meu processo?")

    assert said.responses == ["andamento_processo"]


async def test_all_own_lawsuits_are_told(talk, sheet):
    sheet((NUMBER, PHONE, "aguarda sentença"), (OTHER, PHONE, "em recurso"))

    said = await talk.starts(FLOW, "como estão meus processos?")

    assert "aguarda sentença" in said.text
    assert "em recurso" in said.text


async def test_one_of_several_is_told_where_its_number_is_given(talk, sheet):
    sheet((NUMBER, PHONE, "aguarda sentença"), (OTHER, PHONE, "em recurso"))

    said = await talk.starts(FLOW, f"como está o {OTHER}?")

    assert "em recurso" in said.text
    assert "aguarda sentença" not in said.text


async def test_somebody_elses_lawsuit_is_never_told(talk, sheet):
    sheet((NUMBER, "(11) 98765-0002", "aguarda sentença"))

    said = await talk.starts(FLOW, f"como está o {NUMBER}?")

    assert said.responses == [FLOW]
    assert "aguarda" not in said.text
    assert "Maria" not in said.text


async def test_own_lawsuit_does_not_open_somebody_elses(talk, sheet):
    sheet((NUMBER, PHONE, "aguarda sentença"), (OTHER, "(11) 98765-0002", "em recurso"))

    said = await talk.starts(FLOW, f"como está o {OTHER}?")

    assert said.responses == [FLOW]
    assert "recurso" not in said.text


async def test_sheet_that_changed_is_read_again(talk, sheet):
    sheet((NUMBER, PHONE, "aguarda sentença"))
    await talk.starts(FLOW, "e meu processo?")
    sheet((NUMBER, PHONE, "sentença publicada hoje"))

    said = await talk.starts(FLOW, "e meu processo?")

    assert "publicada" in said.text


async def test_form_without_a_number_ends_in_silence(talk):
    said = await talk.runs("action_consultar_processo")

    assert said.messages == []

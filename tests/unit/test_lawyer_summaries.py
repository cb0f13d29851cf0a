"""What a lawyer reads of a client before taking the conversation over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from actions.registry import build_actions
from bot.core.modes import Mode
from bot.core.names import AnsweredBy, Profile
from bot.store import modes
from bot.store.database import writing
from bot.store.effects import Handoff, OwnerChange, Request
from bot.store.modes import Chosen
from bot.store.schema import appointment
from llm_fallback import ModelState
from tests.unit.desk import NOW, RAFAEL, TUESDAY_AT_15, at
from tests.unit.files_sent import PHOTO, sends

FLOW = "resumir_atendimento"
PHONE = "+5511987651234"
WRITTEN = "O cliente diz que foi demitido.\nO cliente pede uma consulta."
CASE = Request(
    "relatar_caso",
    {
        "relato": "fui demitida grávida e não me pagaram",
        "nome": "Lúcia Fontoura",
        "area_direito": "trabalhista",
        "desde_quando": "outubro",
        "parte_contraria": "Padaria Sol",
        "prazo": "",
        "contato": "este mesmo",
    },
)


@pytest.fixture
def helena(desk):
    return desk.lawyer()


@pytest.fixture
def lucia(desk) -> str:
    early = (NOW - timedelta(days=6)).timestamp()
    return desk.writes(PHONE, "oi", "Dona Lúcia", when=early)


async def lines(helena) -> list[str]:
    said = await helena.starts(FLOW, "me resume a dona Lúcia")
    assert said.responses == [FLOW]
    return said.of(FLOW)["lista"].splitlines()


async def test_everything_that_is_known_is_in_a_few_lines(desk, helena, lucia):
    desk.leaves(lucia, CASE)
    desk.books(TUESDAY_AT_15, phone=PHONE, modality="presencial")
    sends(desk, PHONE, ("", PHOTO), ("", PHOTO), "holerite.pdf")
    desk.leaves(lucia, Handoff("falar_com_advogado", is_urgent=True))
    desk.writes(PHONE, "quando vocês\nme ligam?")

    assert await lines(helena) == [
        "• Em contato desde 12/11/2026 (ainda sem cadastro)",
        "• Aguarda uma pessoa desde 18/11 às 10h00: pediu para falar com um advogado "
        "🔴 urgente",
        "• Área: direito do trabalho",
        f"• Consulta marcada: ter 24/11 às 15h, presencial, com {RAFAEL}",
        "• Mandou 2 fotos e 1 documento, por último em 18/11",
        "• Caso: “fui demitida grávida e não me pagaram”; desde: “outubro”; "
        "contra: “Padaria Sol”; contato: “este mesmo”",
        "• 12/11 10h00: “oi”",
        "• 18/11 10h00: “marquei”",
        "• 18/11 10h00: “quando vocês me ligam?”",
    ]


async def test_client_of_the_directory_is_said_to_be_one(desk, helena, lucia):
    desk.registers(PHONE, "Lúcia Fontoura", Profile.CLIENT)

    assert (await lines(helena))[0].endswith("(cliente)")


async def test_person_who_answers_is_mentioned(desk, helena, lucia):
    desk.leaves(lucia, OwnerChange(lucia, "pessoa"))

    assert "• Uma pessoa do escritório está respondendo, e não o robô" in await lines(
        helena
    )


@pytest.mark.parametrize(
    ("status", "confirmed", "words"),
    [
        ("marcada", 1.0, "Consulta marcada: ter 24/11 às 15h, online (por vídeo), com "
                         f"{RAFAEL}, presença confirmada"),
        ("cancelada", None, "Consulta cancelada: ter 24/11 às 15h"),
        ("remarcada", None, "Consulta remarcada: ter 24/11 às 15h"),
        ("reservada", None, ""),
    ],
)  # fmt: skip
async def test_state_of_an_appointment_is_told(
    desk, helena, lucia, status, confirmed, words
):
    booked = desk.books(TUESDAY_AT_15, phone=PHONE)
    with writing(desk.engine) as connection:
        values = {"status": status, "confirmed_at": confirmed}
        connection.execute(
            sa.update(appointment).where(appointment.c.id == booked).values(**values)
        )

    told = "\n".join(await lines(helena))
    assert words in told if words else "Consulta" not in told


async def test_appointment_that_is_over_is_not_called_booked(desk, helena, lucia):
    desk.books(at(17, 15), phone=PHONE)

    assert any("Consulta que já passou" in each for each in await lines(helena))


async def test_complaint_and_wish_are_quoted(desk, helena, lucia):
    desk.leaves(lucia, Request("reclamar", {"texto": "ninguém me responde"}))
    desk.leaves(lucia, Request("agendar_consulta", {"assunto": "pensão"}))

    told = await lines(helena)
    assert "• Reclamou: “ninguém me responde”" in told
    assert "• Quis consulta sobre “pensão”" in told


async def test_never_more_than_twelve_lines_and_long_words_are_cut(desk, helena, lucia):
    desk.leaves(lucia, CASE, Request("reclamar", {"texto": "longa " * 90}))
    for day in range(23, 28):
        desk.books(at(day, 9), phone=PHONE)
    for number in range(9):
        desk.writes(PHONE, f"mensagem {number} " + "sem fim " * 60)

    told = await lines(helena)
    assert len(told) <= 12
    assert all(len(each) < 330 for each in told)
    assert "Consulta marcada: qua 25/11" in "\n".join(told)
    assert "23/11" not in "\n".join(told)


async def test_marks_in_the_clients_words_do_not_work(desk, helena, lucia):
    desk.writes(PHONE, "*URGENTE* _agora_")

    assert (await lines(helena))[-1].endswith("“∗URGENTE∗ ˍagoraˍ”")


async def test_refused_files_are_not_counted(desk, helena, lucia):
    sends(desk, PHONE, "virus.exe", status="recusado")

    assert not any("Mandou" in each for each in await lines(helena))


# --- with the model -----------------------------------------------------------------


@pytest.fixture
def model(desk, lucia):
    """Turns the model on; returns what it is asked."""
    fallback = desk.services.fallback
    fallback.model_state, fallback.summary = ModelState.READY, WRITTEN
    settings = replace(desk.services.settings, mode=Mode.MODEL)
    desk.services = replace(desk.services, settings=settings)
    desk.actions = {each.name(): each for each in build_actions(desk.services)}
    return fallback


async def test_models_words_are_said_to_be_a_machines(desk, helena, lucia, model):
    said = await helena.starts(FLOW, "me resume a dona Lúcia")

    assert said.responses == [f"{FLOW}_ia"]
    assert "resumo escrito por IA (confira com a conversa)" in said.text
    assert (
        "• O cliente diz que foi demitido.\n• O cliente pede uma consulta." in said.text
    )
    assert "• Em contato desde 12/11/2026" in said.text
    assert "“oi”" not in said.text
    assert said.messages[0]["quem_respondeu"] == AnsweredBy.MODEL.value


async def test_facts_that_the_model_is_told_hold_no_words_of_the_client(
    desk, helena, lucia, model
):
    desk.leaves(lucia, CASE)
    desk.books(TUESDAY_AT_15, phone=PHONE, subject="ganhe o processo")
    await helena.starts(FLOW, "me resume a dona Lúcia")

    [(facts, exchanges)] = model.told
    assert not [each for each in facts if "demitida" in each or "Sol" in each]
    assert not [each for each in facts if "Lúcia" in each or "ganhe" in each]
    asked = "\n".join(each.question for each in exchanges)
    assert "fui demitida grávida" in asked
    assert "oi" in asked.splitlines()


async def test_without_a_summary_of_use_the_facts_are_shown(desk, helena, lucia, model):
    model.summary = None

    said = await helena.starts(FLOW, "me resume a dona Lúcia")

    assert said.responses == [FLOW]
    assert said.messages[0]["quem_respondeu"] == AnsweredBy.FLOW.value


@pytest.mark.parametrize("state", [ModelState.DOWN, ModelState.NOT_CONFIGURED])
async def test_model_that_is_off_is_not_asked(desk, helena, lucia, model, state):
    model.model_state = state

    assert await lines(helena)
    assert model.told == []


@pytest.mark.parametrize("whose", ["geral", "cliente"])
@pytest.mark.parametrize(
    ("mode", "is_asked"),
    [(Mode.RULES, False), (Mode.PERSON, False), (Mode.REVIEW, True)],
)
async def test_mode_of_both_conversations_must_allow_the_model(
    desk, helena, model, mode, whose, is_asked
):
    client = desk.writes(PHONE, "oi")
    scope = client if whose == "cliente" else "geral"
    with writing(desk.engine) as connection:
        modes.choose(connection, Chosen(scope, mode, None, 1.0, "teste"))

    await helena.starts(FLOW, "me resume a dona Lúcia")

    assert bool(model.told) is is_asked


async def test_questions_of_the_day_are_counted_and_have_an_end(
    desk, helena, lucia, model
):
    at_most = desk.services.settings.limit_model_per_day
    for _ in range(at_most):
        await helena.starts(FLOW, "resume a dona Lúcia", source="whatsapp")

    said = await helena.starts(FLOW, "resume a dona Lúcia", source="whatsapp")

    assert len(model.told) == at_most
    assert said.responses == [FLOW]

"""What people write is never a command, whatever it looks like to Rasa."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage

from bot.core.names import NLU_FALLBACK
from bot.store import turns
from bot.wake import WakeUp
from connectors.rasa_channel import _answer_with
from connectors.services import ChannelServices
from tests.rasa.talking import Office, Person, texts

RASAS_OWN = {"action_restart", "action_back", "action_session_start"}
COMMANDS = [
    "/restart",
    "/back",
    "/session_start",
    "/RESTART",
    " /restart",
    "\n/restart",
    "//restart",
    "/ /restart",
    "\u200b/restart",
    "\ufeff/restart",
    "/\u200b/restart",
    "/\u2066/restart",
    '/agendar_consulta{"nome": "Outra Pessoa"}',
    '/informar_dados{"numero_processo": "1"}',
    '/saudar{"nome": "Outra Pessoa"}',
    "/saudar@0.9",
    "/ver_agenda",
    "/assumir_atendimento",
    "/excluir_dados",
    "/falar_com_advogado",
    "/nlu_fallback",
    "/intencao_que_nao_existe{}",
    '/restart{"x": 1',
]


async def write(office: Office, person: Person, text: str) -> turns.Turn:
    """Takes a text through the channel, as the worker does."""
    agent: Agent = office.agent
    wake = WakeUp(office.settings.rasa_port)
    settings = replace(office.settings)
    answer = _answer_with(
        ChannelServices(settings, office.engine, wake), agent.handle_message
    )
    turn = person.claim(text)
    token = turns.CURRENT_TURN.set(turn)
    try:
        await answer(turn)
    finally:
        turns.CURRENT_TURN.reset(token)
        wake.close()
    return turn


@pytest.mark.parametrize("text", COMMANDS)
async def test_text_in_the_shape_of_a_command_does_nothing(office, text):
    person = office.person()
    await person.say("quero marcar", "agendar_consulta")
    await person.say("Maria da Silva", "informar_dados")
    before = len(person.events())

    turn = await write(office, person, text)

    tracker = await person.tracker()
    new = person.events()[before:]
    assert turn.is_committed
    assert texts(turn)
    assert tracker.get_slot("nome") == "Maria da Silva"
    assert tracker.active_loop_name == "form_agendar_consulta"
    assert not RASAS_OWN & {event.get("name") for event in new}
    assert "restart" not in {event["event"] for event in new}
    assert person.handoffs() == []
    assert person.requests() == []


@pytest.mark.parametrize("text", COMMANDS)
async def test_rasa_never_sees_the_mark_of_a_command(office, text):
    person = office.person()

    turn = await write(office, person, text)

    said = [event for event in person.events() if event["event"] == "user"]
    assert [event["text"].startswith("/") for event in said] == [False]
    assert person.row(turn).answered_by in {"regra", "fluxo", "pessoa"}


@pytest.mark.parametrize(
    "text",
    ['/agendar_consulta{"nome": "X"}', "/restart", "/ver_agenda", "/excluir_dados"],
)
async def test_command_means_nothing_at_all(office, text):
    person = office.person()

    turn = await write(office, person, text)

    said = next(event for event in person.events() if event["event"] == "user")
    assert said["parse_data"]["intent"]["name"] == NLU_FALLBACK
    assert person.row(turn).flow == "fora_de_escopo"


@pytest.mark.parametrize(
    ("text", "flow"), [("/menu", "pedir_ajuda"), ("/ oi, bom dia", "saudar")]
)
async def test_words_behind_a_slash_are_read_as_words(office, text, flow):
    person = office.person()

    turn = await write(office, person, text)

    assert person.row(turn).flow == flow


@pytest.mark.parametrize("text", ["/", "//", " / ", "\u200b", ""])
async def test_nothing_but_slashes_is_an_empty_message(office, text):
    person = office.person()

    turn = await write(office, person, text)

    assert "sem texto" in texts(turn)[0]
    assert turn.is_committed


async def test_rasa_alone_would_obey(office):
    """The trap itself: without the channel, a client's text resets the tracker."""
    person = office.person()
    await person.say("quero marcar", "agendar_consulta")
    turn = person.claim("/restart")

    await office.agent.handle_message(
        UserMessage("/restart", sender_id=person.id, input_channel="whatsapp")
    )

    assert "restart" in {event["event"] for event in person.events()}
    person.close(turn)

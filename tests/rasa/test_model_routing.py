"""The model leads a message into a flow, inside the real Rasa: one fallback a turn."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bot.runtime import fixes
from tests.action_server import ActionServer
from tests.action_server import running as running_actions
from tests.fakes.fake_ollama import FakeOllama
from tests.fakes.fake_ollama import running as running_ollama
from tests.rasa.talking import Office, texts

STRANGE = "glub xarope do trem azul"
IN_A_FORM = "e como fica aquilo do negócio de pagar vcs?"


class Model:
    """A scripted model in a thread of its own; the route can be changed."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {}
        self.fake = FakeOllama(lambda _: json.dumps(self.answer))

    def goes(self, route: str, *sources: str, text: str = "") -> None:
        """Chooses what the model answers from now on, and forgets what was asked."""
        self.answer = {"rota": route, "fontes": list(sources), "resposta": text}
        self.fake.requests.clear()

    @property
    def asked(self) -> int:
        return len(self.fake.requests)


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    running, loop = Model(), asyncio.new_event_loop()
    is_up, ending = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with running_ollama(running.fake):
            is_up.set()
            await ending.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert is_up.wait(timeout=20)
    yield running
    loop.call_soon_threadsafe(ending.set)
    thread.join(timeout=20)
    loop.close()


@pytest.fixture(scope="module")
def server(action_server, model) -> Iterator[ActionServer]:
    """Runs another action server on the same database, with the model behind it."""
    folder = action_server.log.parent
    with running_actions(folder, OLLAMA_HOST=model.fake.url) as running:
        yield running


@pytest.fixture
def guided(agent, settings, server) -> Iterator[Office]:
    """Returns the office, with that action server behind it."""
    fixes.install(replace(settings, actions_port=server.port))
    yield Office(agent, settings)
    fixes.install(settings)


async def say(person, text: str = STRANGE):
    return await person.say(text, "nlu_fallback")


async def test_flow_is_entered_in_the_same_turn(guided, model):
    model.goes("agendar_consulta")
    person = guided.person()

    turn = await say(person)

    assert await person.form() == "form_agendar_consulta"
    row = person.row(turn)
    assert (row.flow, row.answered_by) == ("agendar_consulta", "fluxo")
    assert turn.outgoing
    assert model.asked == 1


async def test_conversation_goes_on_as_if_it_had_been_understood(guided, model):
    model.goes("relatar_caso")
    person = guided.person()
    await say(person)

    await person.say("comprei um carro e veio com defeito", "informar_dados")

    tracker = await person.tracker()
    assert await person.form() == "form_relatar_caso"
    assert tracker.latest_message.intent["name"] == "informar_dados"
    first = [e for e in person.events() if e["event"] == "user"][1]
    assert first["parse_data"]["intent"]["name"] == "relatar_caso"
    assert first["text"] == STRANGE


async def test_metadata_of_the_message_survives(guided, model):
    model.goes("consultar_horario")
    person = guided.person(name="Rita")

    await say(person)

    [said] = [
        e for e in (await person.tracker()).applied_events() if e.type_name == "user"
    ]
    assert said.metadata["nome"] == "Rita"
    assert said.metadata["canal"] == "api"


@pytest.mark.parametrize(
    "flow",
    [
        "remarcar_consulta",
        "cancelar_consulta",
        "consultar_agendamento",
        "consultar_processo",
        "consultar_honorarios",
        "consultar_horario",
        "consultar_endereco",
        "consultar_areas",
        "consultar_documentos",
        "enviar_documento",
        "relatar_urgencia",
        "reclamar",
        "consultar_privacidade",
        "excluir_dados",
        "pedir_ajuda",
        "perguntar_identidade",
    ],
)
async def test_every_flow_can_be_entered(guided, model, flow):
    model.goes(flow)
    person = guided.person()

    turn = await say(person)

    assert person.row(turn).flow == flow
    assert 1 <= len(turn.outgoing) <= 3
    assert model.asked == 1


async def test_question_in_a_form_is_answered_and_the_form_goes_on(guided, model):
    person = guided.person()
    await person.say("quero marcar uma consulta", "agendar_consulta")
    model.goes("consultar_honorarios")

    turn = await say(person, IN_A_FORM)

    assert await person.form() == "form_agendar_consulta"
    said = texts(turn)
    assert len(said) == 2, said
    assert "advogado" in said[0]
    assert model.asked == 1


async def test_model_cannot_take_a_person_out_of_a_form(guided, model):
    person = guided.person()
    await person.say("quero marcar uma consulta", "agendar_consulta")
    model.goes("excluir_dados")

    await say(person, IN_A_FORM)

    assert model.asked == 2  # what was not offered is asked once more
    assert await person.form() == "form_agendar_consulta"


async def test_turn_after_turn_asks_once_a_turn(guided, model):
    model.goes("conversa")
    person = guided.person()

    said = [texts(await say(person)) for _ in range(4)]

    assert model.asked == 4
    assert all(len(each) == 1 for each in said)
    assert texts(await person.say("oi", "saudar"))


async def test_answer_of_the_model_is_the_model_s(guided, model):
    person = guided.person()
    model.goes("pessoa")
    await say(person, "da pra levar o meu cachorro no escritorio?")
    offered = json.loads(json.dumps(model.fake.requests[-1]))["format"]
    ids = offered["properties"]["fontes"]["items"]["enum"]
    text = "Oi! Posso ajudar em algo mais?"
    model.goes("conhecimento", ids[0], text=text)

    turn = await say(person, "da pra levar o meu cachorro no escritorio?")

    row = person.row(turn)
    told = "\n".join(texts(turn))
    if row.answered_by == "ia":  # courtesy alone may be shown
        assert (row.flow, text in told) == ("fallback_llm", True)
    else:
        assert row.flow == "fora_de_escopo"


async def test_route_that_does_not_exist_becomes_an_honest_sentence(guided, model):
    model.goes("transferir_dinheiro")
    person = guided.person()

    turn = await say(person)

    assert person.row(turn).flow == "fora_de_escopo"
    assert "prefiro não arriscar" in texts(turn)[0]
    assert texts(await person.say("oi", "saudar"))


async def test_without_the_action_server_the_person_is_told_and_goes_on(
    agent, settings, no_action_server
):
    person = Office(agent, settings).person()

    turn = await say(person)

    assert texts(turn)
    assert person.handoffs()
    assert texts(await person.say("oi", "saudar"))

"""What our action server answers is what Rasa 3.6.21 accepts."""

from __future__ import annotations

import json

import pytest
from jsonschema import ValidationError
from rasa.core.actions.action import RemoteAction
from rasa.shared.core.events import BotUttered, SlotSet, deserialise_events
from rasa.shared.core.trackers import DialogueStateTracker
from ruamel.yaml import YAML

from bot.core.names import INTENTS
from tests.action_server import ROOT
from tests.rasa.talking import texts

ACTIONS = YAML(typ="safe").load((ROOT / "domain.yml").read_text("utf-8"))["actions"]
RECORDED = ROOT / "tests" / "data" / "rasa_action_call.json"


@pytest.fixture
def recorded():
    return json.loads(RECORDED.read_text(encoding="utf-8"))


@pytest.fixture
def accepts(settings):
    return RemoteAction("action_x", None)._validate_action_result


def test_answer_to_the_recorded_call_is_accepted(action_server, recorded, accepts):
    status, body = action_server.call(recorded)

    answer = json.loads(body)
    assert status == 200
    assert accepts(answer)
    assert all(isinstance(e, SlotSet) for e in deserialise_events(answer["events"]))


@pytest.mark.parametrize("action", ACTIONS)
def test_answer_of_every_action_is_accepted(action_server, recorded, accepts, action):
    status, body = action_server.call({**recorded, "next_action": action})

    assert status == 200
    assert accepts(json.loads(body))


def test_action_that_nobody_knows_is_not_found(action_server, recorded):
    status, _ = action_server.call({**recorded, "next_action": "action_inventada"})

    assert status == 404


def test_schema_refuses_what_is_no_answer(accepts):
    with pytest.raises(ValidationError):
        accepts({"events": [{"event": "slot"}], "responses": "x"})


def test_rasa_still_calls_as_recorded(agent, recorded):
    tracker = DialogueStateTracker("c", agent.domain.slots)

    call = RemoteAction("action_x", None)._action_call_format(tracker, agent.domain)

    assert set(call) == set(recorded)
    assert set(call["tracker"]) == set(recorded["tracker"])


async def test_text_with_braces_is_said_as_it_was_written(office):
    """Rasa fills `{…}` of a response once, never in what a person wrote."""
    subject = "sobre {escritorio_email}, {x}, 0[ e {"
    person = office.person()
    await person.say("quero marcar", "agendar_consulta")
    for answer in ("Maria da Silva", subject, "online"):
        await person.say(answer, "informar_dados")

    turn = await person.say("1", "informar_dados")  # the first hour that is offered

    assert subject in texts(turn)[-1]


async def test_responses_carry_the_offices_facts_and_no_hole(office):
    for intent in INTENTS:
        person = office.person()

        turn = await person.say("é isso", intent)

        assert not [said for said in texts(turn) if "{" in said], intent


def test_bot_events_keep_effects_for_the_channel():
    said = BotUttered("x", metadata={"efeitos": [{"tipo": "passagem"}]})

    assert said.message()["efeitos"] == [{"tipo": "passagem"}]

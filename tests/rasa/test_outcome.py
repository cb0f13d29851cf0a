"""What a turn came to: its flow, who answered, and no turn without an answer."""

from __future__ import annotations

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from bot.core.names import BREAKOUT_INTENTS, FLOW_MODEL, AnsweredBy, Profile
from bot.core.phrases import NO_ANSWER
from bot.runtime.outcome import conclude
from bot.store.effects import Handoff, Request
from bot.store.turns import Outgoing, Turn

BOOKING, CASE = "form_agendar_consulta", "form_relatar_caso"
LAWSUIT, ERASURE = "form_consultar_processo", "form_excluir_dados"
RULE, FLOW = AnsweredBy.RULE, AnsweredBy.FLOW
MODEL, PERSON = AnsweredBy.MODEL, AnsweredBy.PERSON


def turn_that_says(*outgoing: Outgoing, effects=()) -> Turn:
    return Turn(
        inbox_id=1,
        conversation_id="c",
        text="oi",
        kind="text",
        payload={},
        source="api",
        recipient="",
        attempt=1,
        lease_owner="t",
        turn_token=0,
        conversation_owner="robo",
        profile=Profile.CLIENT,
        person_name="",
        received_at=0.0,
        outgoing=list(outgoing),
        effects=list(effects),
    )


def tracker_after(intent, *, form_after=None, confidence=0.9) -> DialogueStateTracker:
    tracker = DialogueStateTracker("c", [])
    domain = Domain.empty()
    found = {"name": intent, "confidence": confidence}
    tracker.update(UserUttered("oi", found, message_id="1"), domain)
    tracker.update(ActionExecuted("action_listen"), domain)
    tracker.update(ActiveLoop(form_after), domain)
    return tracker


@pytest.mark.parametrize(
    ("intent", "before", "after", "flow", "who"),
    [
        ("saudar", None, None, "saudar", RULE),
        ("agendar_consulta", None, BOOKING, "agendar_consulta", FLOW),
        ("informar_dados", BOOKING, BOOKING, "agendar_consulta", FLOW),
        ("consultar_horario", BOOKING, BOOKING, "agendar_consulta", FLOW),
        ("nlu_fallback", BOOKING, BOOKING, "agendar_consulta", FLOW),
        ("informar_dados", BOOKING, None, "agendar_consulta", FLOW),
        ("negar", CASE, None, "relatar_caso", FLOW),
        ("relatar_caso", BOOKING, CASE, "relatar_caso", FLOW),
        ("nlu_fallback", None, None, "fora_de_escopo", RULE),
        (None, None, None, "fora_de_escopo", RULE),
        ("ver_agenda", None, None, "ver_agenda", RULE),
        *[(intent, CASE, None, intent, RULE) for intent in sorted(BREAKOUT_INTENTS)],
        *[(intent, None, None, intent, RULE) for intent in sorted(BREAKOUT_INTENTS)],
        ("interromper", BOOKING, BOOKING, "agendar_consulta", FLOW),
        ("excluir_dados", BOOKING, ERASURE, "excluir_dados", FLOW),
        ("afirmar", None, BOOKING, "agendar_consulta", FLOW),  # takes up an offer
    ],
)
def test_flow_is_named_by_form_or_intent(intent, before, after, flow, who):
    tracker = tracker_after(intent, form_after=after)

    outcome = conclude(turn_that_says(Outgoing("sim")), tracker, form_before=before)

    assert (outcome.flow, outcome.answered_by) == (flow, who)


@pytest.mark.parametrize("before", [None, BOOKING])
def test_form_that_begins_and_ends_in_one_turn_names_it(before):
    tracker = tracker_after("consultar_processo", form_after=LAWSUIT)
    tracker.update(ActiveLoop(None), Domain.empty())

    outcome = conclude(turn_that_says(Outgoing("x")), tracker, form_before=before)

    assert (outcome.flow, outcome.answered_by) == ("consultar_processo", FLOW)


def test_form_that_ended_in_an_earlier_turn_names_nothing():
    tracker = tracker_after("consultar_processo", form_after=LAWSUIT)
    domain = Domain.empty()
    tracker.update(ActiveLoop(None), domain)
    tracker.update(UserUttered("oi", {"name": "saudar", "confidence": 0.9}), domain)

    outcome = conclude(turn_that_says(Outgoing("Olá!")), tracker, form_before=None)

    assert (outcome.flow, outcome.answered_by) == ("saudar", RULE)


@pytest.mark.parametrize(
    ("said", "effects", "who"),
    [
        ([None], [], RULE),
        ([RULE], [], RULE),
        ([FLOW], [], FLOW),
        ([MODEL], [], MODEL),
        ([RULE, FLOW], [], FLOW),
        ([FLOW, MODEL], [], MODEL),
        ([None], [Handoff("falar_com_advogado")], PERSON),
        ([None], [Request("agendar_consulta", {})], RULE),
        ([FLOW], [Request("agendar_consulta", {}), Handoff("agendar_consulta")], FLOW),
    ],
)
def test_who_answered_is_what_actions_say_or_a_handoff(said, effects, who):
    turn = turn_that_says(*(Outgoing("x", by) for by in said), effects=effects)

    assert conclude(turn, tracker_after("saudar"), form_before=None).answered_by is who


@pytest.mark.parametrize("form", [None, BOOKING])
def test_model_names_the_flow_of_its_turn(form):
    turn = turn_that_says(Outgoing("Pode.", MODEL, flow=FLOW_MODEL))
    tracker = tracker_after("nlu_fallback", form_after=form)

    outcome = conclude(turn, tracker, form_before=form)

    assert (outcome.flow, outcome.answered_by) == (FLOW_MODEL, MODEL)


@pytest.mark.parametrize("intent", ["saudar", "nlu_fallback", None])
def test_silent_turn_apologises_and_calls_a_person(intent):
    turn = turn_that_says()

    outcome = conclude(turn, tracker_after(intent), form_before=None)

    assert [item.text for item in turn.outgoing] == [NO_ANSWER]
    assert turn.effects == [Handoff("turno_sem_resposta")]
    assert outcome.answered_by is PERSON


def test_turn_that_answers_gets_no_apology():
    turn = turn_that_says(Outgoing("Olá!"))

    conclude(turn, tracker_after("saudar"), form_before=None)

    assert [item.text for item in turn.outgoing] == ["Olá!"]
    assert turn.effects == []


@pytest.mark.parametrize(
    ("given", "shown"),
    [(0.123456, 0.1235), (1.0000002, 1.0), (-0.1, 0.0), (None, 0.0), (0, 0.0)],
)
def test_confidence_is_a_share_with_four_places(given, shown):
    tracker = tracker_after("saudar", confidence=given)

    outcome = conclude(turn_that_says(Outgoing("x")), tracker, form_before=None)

    assert outcome.confidence == shown


def test_conversation_without_any_message_is_out_of_scope():
    tracker = DialogueStateTracker("c", [])

    outcome = conclude(turn_that_says(Outgoing("x")), tracker, form_before=None)

    assert (outcome.flow, outcome.confidence) == ("fora_de_escopo", 0.0)

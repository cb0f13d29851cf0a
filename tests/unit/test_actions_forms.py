"""The three moments at which Rasa calls a form's validation, and what each does.

The lists of events are those of Rasa 3.6: before a validation it appends
`requested_slot` and the form's own run to the conversation.
"""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.clients.intake import read_story
from actions.dialogue.form import DIRECT_QUESTIONS, Form, FormTurn
from actions.dialogue.heard import heard_in, wish_of
from bot.core.names import BREAKOUT_INTENTS, CLIENT_INTENTS, NLU_FALLBACK
from bot.core.schedule import ZONE
from tests.unit.desk import NOW, domain, entities_of

ZONED: Any = SimpleNamespace(office=SimpleNamespace(zone=ZONE))
"""All that a form of no service needs."""
FORM = "form_agendar_consulta"
LISTEN = {"event": "action", "name": "action_listen", "policy": None}


class ColourForm(Form):
    """A form that asks for a colour and knows only two."""

    flow = "agendar_consulta"
    slots = ("assunto", "confirmado")
    own_intents = frozenset({"agendar_consulta"})

    async def begin(self, turn: FormTurn) -> None:
        self.hear(turn)

    async def listen(self, turn: FormTurn) -> None:
        self.hear(turn)

    def hear(self, turn: FormTurn) -> None:
        if "erro" in turn.text:
            raise RuntimeError(turn.text)
        if "chega" in turn.text:
            turn.close("utter_interromper")
        for colour in ("azul", "verde"):
            if colour in turn.text:
                turn.fill("assunto", colour)


def user(
    text: str, intent: str = "informar_dados", sure: float = 0.9
) -> dict[str, Any]:
    """Returns the event of a message."""
    read = {"text": text, "intent": {"name": intent, "confidence": sure}}
    return {"event": "user", "text": text, "parse_data": read, "metadata": {}}


def slot(name: str, value: Any) -> dict[str, Any]:
    """Returns the event of a slot that was set."""
    return {"event": "slot", "timestamp": None, "name": name, "value": value}


def ran(name: str) -> dict[str, Any]:
    """Returns the event of an action that ran."""
    return {"event": "action", "name": name, "policy": None, "confidence": None}


def bot(response: str) -> dict[str, Any]:
    """Returns the event of something that was said."""
    return {"event": "bot", "text": "…", "metadata": {"utter_action": response}}


def loop(name: str | None) -> dict[str, Any]:
    """Returns the event of a form that began, or None for its end."""
    return {"event": "active_loop", "name": name}


ASKED = [
    LISTEN,
    user("quero marcar", "agendar_consulta"),
    ran(FORM),
    loop(FORM),
    slot("assunto", None),
    slot("requested_slot", "assunto"),
    bot("utter_ask_assunto"),
    LISTEN,
]
"""A conversation in which the form has just asked."""


async def validate(events, *, active=FORM, requested="assunto"):
    """Calls the validation as Rasa does; returns slots set and responses said."""
    sent = [*events, slot("requested_slot", requested), ran(FORM)]
    latest = next(e for e in reversed(events) if e["event"] == "user")
    tracker = Tracker(
        sender_id="conversa",
        slots={"assunto": None, "requested_slot": requested},
        latest_message={**latest["parse_data"], "metadata": {}, "entities": []},
        events=sent,
        paused=False,
        followup_action=None,
        active_loop={"name": active} if active else {},
        latest_action_name=None,
    )
    dispatcher = CollectingDispatcher()
    found = await ColourForm(ZONED).run(dispatcher, tracker, domain())
    said = [message["response"] for message in dispatcher.messages]
    return {event["name"]: event["value"] for event in found}, said


# --- it begins ----------------------------------------------------------------


async def test_beginning_empties_what_an_earlier_form_left():
    events = [LISTEN, user("quero marcar", "agendar_consulta")]

    found, said = await validate(events, active=None, requested=None)

    assert found == {"assunto": None, "confirmado": None}
    assert said == []


async def test_beginning_takes_what_the_first_message_tells():
    events = [LISTEN, user("quero um azul", "agendar_consulta")]

    found, _ = await validate(events, active=None, requested=None)

    assert found == {"assunto": "azul", "confirmado": None}


async def test_beginning_may_be_seen_with_its_start_among_the_events():
    events = [LISTEN, user("quero um azul", "agendar_consulta"), loop(FORM)]

    found, _ = await validate(events, requested=None)

    assert found == {"assunto": "azul", "confirmado": None}


async def test_form_begins_behind_an_action_that_called_it():
    events = [LISTEN, user("sim", "afirmar"), ran("action_afirmar")]

    found, _ = await validate(events, active=None, requested=None)

    assert found == {"assunto": None, "confirmado": None}


async def test_form_begins_where_another_one_was_left():
    events = [
        *ASKED,
        user("quero um azul", "agendar_consulta"),
        ran("action_deactivate_loop"),
        loop(None),
    ]

    found, _ = await validate(events, active=None, requested=None)

    assert found == {"assunto": "azul", "confirmado": None}


async def test_first_message_is_never_complained_of():
    events = [LISTEN, user("xyz", NLU_FALLBACK, 0.2)]

    _, said = await validate(events, active=None, requested=None)

    assert said == []


async def test_form_may_end_with_the_message_that_begins_it():
    events = [LISTEN, user("chega", "agendar_consulta")]

    found, said = await validate(events, active=None, requested=None)

    assert found["requested_slot"] is None
    assert found["confirmado"] is None
    assert said == ["utter_interromper"]


# --- it listens ---------------------------------------------------------------


async def test_answer_fills_its_slot_and_nothing_is_emptied():
    found, said = await validate([*ASKED, user("um azul")])

    assert found == {"assunto": "azul"}
    assert said == []


@pytest.mark.parametrize("intent", ["informar_dados", "afirmar", "negar", FORM[5:]])
async def test_answer_without_use_is_complained_of_and_asked_again(intent):
    found, said = await validate([*ASKED, user("xyz", intent)])

    assert found == {"assunto": None}
    assert said == ["utter_assunto_invalido"]


async def test_unclear_text_is_an_answer_that_was_not_understood():
    found, said = await validate([*ASKED, user("xyz", NLU_FALLBACK, 0.3)])

    assert found == {"assunto": None}
    assert said == ["utter_assunto_invalido"]


async def test_unclear_question_is_left_to_the_model():
    events = [*ASKED, user("posso ser preso por dívida?", NLU_FALLBACK, 0.3)]

    assert await validate(events) == ({}, [])


@pytest.mark.parametrize(
    "intent",
    sorted(
        set(CLIENT_INTENTS) - {"informar_dados", "afirmar", "negar", "agendar_consulta"}
    ),
)
async def test_message_that_means_something_else_leaves_the_form_untouched(intent):
    assert await validate([*ASKED, user("outra coisa", intent)]) == ({}, [])


@pytest.mark.parametrize("intent", sorted(BREAKOUT_INTENTS))
async def test_wish_to_stop_is_never_complained_of(intent):
    assert await validate([*ASKED, user("deixa pra lá", intent)]) == ({}, [])


@pytest.mark.parametrize("intent", sorted(DIRECT_QUESTIONS))
async def test_message_that_asks_and_answers_gets_both(intent):
    found, said = await validate([*ASKED, user("azul, mas quanto custa?", intent)])

    assert found == {"assunto": "azul"}
    expected = f"utter_{intent}"
    assert said == [expected]
    assert expected in domain()["responses"]


async def test_answer_that_only_sounds_like_a_question_gets_no_other_answer():
    _, said = await validate([*ASKED, user("azul", "consultar_areas")])

    assert said == []


async def test_complaint_that_the_domain_does_not_know_is_not_said():
    found, said = await validate([*ASKED, user("xyz")], requested="propostas")

    assert found == {"propostas": None}
    assert said == []


async def test_form_may_end_with_an_answer():
    found, said = await validate([*ASKED, user("chega")])

    assert found == {"confirmado": None, "requested_slot": None}
    assert said == ["utter_interromper"]


async def test_events_of_slot_extraction_do_not_hide_the_listening():
    events = [*ASKED, user("um azul"), ran("action_extract_slots")]

    found, _ = await validate(events)

    assert found == {"assunto": "azul"}


@pytest.mark.parametrize("active", [FORM, None])
async def test_error_ends_the_form_with_an_honest_sentence(active, capsys):
    events = [*ASKED, user("erro do cliente")]

    found, said = await validate(events, active=active)

    assert found["requested_slot"] is None
    assert found["confirmado"] is None
    assert said == ["utter_erro_interno"]
    captured = capsys.readouterr()
    assert "do cliente" not in captured.out + captured.err


# --- it resumes ---------------------------------------------------------------


@pytest.mark.parametrize(
    "between",
    [
        [ran("utter_consultar_honorarios"), bot("utter_consultar_honorarios")],
        [ran("action_consultar_areas"), bot("utter_consultar_areas")],
        [ran("action_llm_fallback"), bot("")],
        [
            {"event": "action_execution_rejected", "name": FORM},
            ran("utter_saudar"),
            bot("utter_saudar"),
        ],
    ],
)
async def test_message_that_a_rule_answered_is_not_read_again(between):
    events = [*ASKED, user("azul custa quanto?", "consultar_honorarios"), *between]

    assert await validate(events) == ({}, [])


async def test_next_answer_after_a_question_in_between_is_heard():
    events = [
        *ASKED,
        user("quanto custa?", "consultar_honorarios"),
        ran("utter_consultar_honorarios"),
        bot("utter_consultar_honorarios"),
        ran(FORM),
        slot("requested_slot", "assunto"),
        bot("utter_ask_assunto"),
        LISTEN,
        user("verde"),
    ]

    found, _ = await validate(events)

    assert found == {"assunto": "verde"}


# --- what a message says ------------------------------------------------------


def test_message_of_nothing_is_read_as_nothing():
    heard = heard_in({}, now=NOW)

    assert (heard.text, heard.intent, heard.confidence) == ("", "", 0.0)
    assert heard.wish() is None
    assert heard.only("cpf") is None


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("terça às 15h", {"dia": "2026-11-24", "hora": "15:00"}),
        ("terça, pode ser às 15h", {"dia": "2026-11-24", "hora": "15:00"}),
        ("às 15h, quem sabe na terça", {"dia": "2026-11-24", "hora": "15:00"}),
        ("semana que vem à tarde", {"dia": "2026-11-23", "ate": "2026-11-29"}),
    ],
)
def test_mentions_of_day_and_hour_are_one_wish(text, wish):
    found = wish_of(entities_of(text))

    assert found is not None
    assert wish.items() <= found.to_json().items()


def test_time_gone_by_is_no_wish():
    read = {"text": "fui demitida há 3 meses"}
    heard = heard_in({**read, "entities": entities_of(read["text"])}, now=NOW)

    assert heard.wish() is None
    assert heard.past() == ["há 3 meses"]


def test_value_that_comes_twice_in_two_forms_is_not_one_value():
    two = "meu email é a@exemplo.com.br, não, b@exemplo.com.br"

    assert heard_in({"entities": entities_of(two)}, now=NOW).only("email") is None


@pytest.mark.parametrize(
    "text",
    [
        "fui demitida grávida e não me pagaram",
        "meu vizinho construiu um muro no meu terreno",
        "o banco descontou do meu benefício sem eu autorizar",
        "comprei uma geladeira com defeito",
        "tenho um problema com o banco: descontaram 300 reais por mês do meu benefício",
        "bati o carro e o seguro não paga",
    ],
)
def test_story_is_kept_as_told(text):
    assert read_story(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "quero contar um caso",
        "queria contar meu caso",
        "gostaria de relatar um problema",
        "preciso contar uma história",
        "tenho um problema com o banco",
        "oi, quero contar um caso",
        "boa tarde, tenho um caso",
        "posso te contar meu problema?",
        "problema trabalhista",
        "caso novo",
        "",
    ],
)
def test_announcement_of_a_story_is_asked_back(text):
    assert read_story(text) is None


@pytest.mark.parametrize("piece", ["a ", "não ", "quero ", "um o meu ", "tenho um "])
def test_reading_a_hostile_story_takes_no_time(piece):
    started = time.perf_counter()

    read_story(piece * 5000)

    assert time.perf_counter() - started < 1

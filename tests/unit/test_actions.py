"""What every action keeps to: its boundaries, roles, and effects written once."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import ActionExecutionRejection

from actions.base import AssistantAction
from actions.conversation import conversation_of
from actions.lawyers.people import name_in
from bot.core.errors import AssistantError, DependencyError, UserInputError
from bot.core.names import Profile
from bot.core.schedule import ZONE
from bot.store import effects, office_desk, turns
from bot.store.database import reading, writing
from bot.store.effects import OwnerChange
from bot.store.turns import Outcome, Outgoing
from tests.unit.desk import NOW, PHONE, TUESDAY_AT_15, at, domain

ZONED: Any = SimpleNamespace(office=SimpleNamespace(zone=ZONE))
ALL = "quero marcar consulta online sobre divórcio terça às 15h, me chamo Maria Prado"


async def run(action, text="", *, metadata=None):
    """Runs an action with the SDK's own tracker and dispatcher."""
    tracker = Tracker(
        sender_id="conversa",
        slots={},
        latest_message={"text": text, "metadata": metadata or {}},
        events=[{"event": "user", "text": text}],
        paused=False,
        followup_action=None,
        active_loop={},
        latest_action_name=None,
    )
    dispatcher = CollectingDispatcher()
    events = await action.run(dispatcher, tracker, {})
    json.dumps([dispatcher.messages, events])  # must cross HTTP
    return dispatcher.messages, events


# --- the boundary -------------------------------------------------------------


class Raising(AssistantAction):
    def __init__(self, error: Exception) -> None:
        super().__init__("action_que_falha", ZONED)
        self.error = error

    async def answer(self, conversation):
        raise self.error


class EventInPast(UserInputError):
    response = "utter_quando_invalido"


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("texto do cliente"),
        KeyError("x"),
        AssistantError("x"),
        UserInputError("x", field="nome"),
        DependencyError("x", retryable=True),
        sa.exc.OperationalError("x", {}, Exception("x")),
        TimeoutError(),
    ],
)
async def test_raised_error_becomes_an_honest_sentence(error):
    said, events = await run(Raising(error))

    assert [message["response"] for message in said] == ["utter_erro_interno"]
    assert events == []


async def test_error_that_names_its_response_is_answered_with_it():
    said, _ = await run(Raising(EventInPast("ontem")))

    assert said[0]["response"] == "utter_quando_invalido"


async def test_rasas_own_rejection_goes_through():
    with pytest.raises(ActionExecutionRejection):
        await run(Raising(ActionExecutionRejection("action_que_falha")))


async def test_log_of_a_failure_holds_no_text(capsys):
    await run(Raising(RuntimeError("segredo do cliente")), "segredo do cliente")

    captured = capsys.readouterr()
    assert "segredo" not in captured.out + captured.err


@pytest.mark.parametrize("profile", ["", None, "dono", 7, "ADVOGADO", ["advogado"]])
async def test_unknown_profile_is_served_as_a_client(desk, profile):
    action = desk.actions["action_ver_agenda"]

    said, _ = await run(action, metadata={"tipo_usuario": profile})

    assert said[0]["response"] == "utter_so_para_advogados"


async def test_call_without_metadata_is_served_as_a_client(desk):
    said, _ = await run(desk.actions["action_ver_agenda"], metadata=None)

    assert said[0]["response"] == "utter_so_para_advogados"


BREAKABLE = [
    "action_consultar_agendamento",
    "action_ver_agenda",
    "action_ver_contatos_novos",
    "validate_form_remarcar_consulta",
    "validate_form_cancelar_consulta",
    "validate_form_consultar_processo",
    "validate_form_resumir_atendimento",
]


@pytest.mark.parametrize("action", BREAKABLE)
async def test_broken_database_becomes_an_honest_sentence(desk, action):
    with writing(desk.engine) as connection:
        for table in ("request", "handoff", "conversation", "appointment"):
            connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {table}_x")

    said, events = await run(
        desk.actions[action], "resume o Marcos", metadata={"tipo_usuario": "advogado"}
    )

    assert [message["response"] for message in said] == ["utter_erro_interno"]
    assert not [event for event in events if event.get("value")]


async def test_every_action_of_the_domain_is_registered_and_no_other(desk):
    ours = {name for name in domain()["actions"] if not name.startswith("utter_")}

    assert set(desk.actions) == ours


# --- what an action sees ----------------------------------------------------------


def tracker_of(*events, **latest):
    """Returns a tracker with these events."""
    return Tracker.from_dict(
        {
            "sender_id": "x",
            "slots": {},
            "latest_message": {"text": "e sábado?", **latest},
            "events": list(events),
        }
    )


def test_past_leaves_out_the_latest_message():
    tracker = tracker_of(
        {"event": "user", "text": "oi"},
        {"event": "bot", "text": "Olá!", "metadata": {"utter_action": "utter_saudar"}},
        {"event": "slot", "name": "nome", "value": "Ana"},
        {"event": "user", "text": "e sábado?"},
        {"event": "bot", "text": "já dito neste turno"},
        metadata={"nome": "Ana"},
    )

    found = conversation_of(tracker, CollectingDispatcher(), zone=ZONE)

    assert [said.text for said in found.past] == ["oi", "Olá!"]
    assert (found.text, found.person_name) == ("e sábado?", "Ana")


@pytest.mark.parametrize(
    ("events", "response"),
    [
        ([{"event": "bot", "metadata": {"utter_action": "utter_b"}}], "utter_b"),
        ([{"event": "bot", "text": "escrito pelo modelo", "metadata": None}], ""),
        ([{"event": "user", "text": "oi"}], ""),
        ([], ""),
    ],
)
def test_last_response_is_known_by_its_name(events, response):
    found = conversation_of(tracker_of(*events), CollectingDispatcher(), zone=ZONE)

    assert found.last_response == response


@pytest.mark.parametrize(
    "written", ["2026-11-18T10:00:00-03:00", "2026-11-18T13:00:00+00:00"]
)
def test_moment_of_a_message_is_read_in_the_offices_zone(written):
    tracker = tracker_of(metadata={"agora": written})

    assert conversation_of(tracker, CollectingDispatcher(), zone=ZONE).now == NOW


@pytest.mark.parametrize("written", [None, "", "ontem", 7, "2026-11-18T10:00:00"])
def test_message_without_a_usable_moment_came_just_now(written):
    tracker = tracker_of(metadata={"agora": written})

    found = conversation_of(tracker, CollectingDispatcher(), zone=ZONE)

    assert found.now.tzinfo is ZONE
    assert abs((datetime.now(timezone.utc) - found.now).total_seconds()) < 60


# --- whom a command names -----------------------------------------------------


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("deixa que eu falo com o Marcos", "Marcos"),
        ("pode voltar o robô pro Marcos", "Marcos"),
        ("me resume a conversa da dona Lúcia", "Lúcia"),
        ("resume a conversa do seu João", "João"),
        ("resumir atendimento da Maria Aparecida", "Maria Aparecida"),
        ("assumir João da Silva", "João Silva"),
        ("assumir atendimento", ""),
        ("ASSUMIR ATENDIMENTO", ""),
        ("assumo o atendimento do Pedro Paulo", "Pedro Paulo"),
        ("eu assumo a Fernanda", "Fernanda"),
        ("vou assumir o cliente Roberto Carlos", "Roberto Carlos"),
        ("quero falar com a Ângela", "Ângela"),
        ("deixa a Rita comigo, deixa que eu falo", "Rita comigo"),
        ("devolve a Sandra pro robô", "Sandra"),
        ("devolver Marcos", "Marcos"),
        ("devolvo o seu Zé ao robô", "Zé"),
        ("devolva a dra Paula ao bot", "Paula"),
        ("o robô pode voltar a falar com a Joana D'Arc", "Joana D'Arc"),
        ("resumo do caso da Ana-Maria", "Ana-Maria"),
        ("resuma o atendimento do Sr. Osvaldo", "Osvaldo"),
        ("a conversa do doutor Hélio agora, por favor", "Hélio"),
        ("fica comigo o Davi", "comigo Davi"),
        ("pode ficar com a dona Neusa", "Neusa"),
        ("volta o robô no Tiago", "Tiago"),
        ("assume ele", ""),
        ("12345", ""),
        ("…4321", ""),
        ("", ""),
        ("Marcos", "Marcos"),
        ("me resume a conversa da senhora Iracema de Jesus", "Iracema Jesus"),
    ],
)
def test_name_is_what_is_left_of_a_command(command, name):
    assert name_in(command) == name


@pytest.mark.parametrize(
    ("display_name", "command"),
    [
        ("Ângela Maria", "assumir angela"),
        ("ÉRICA SOUZA", "assumir Érica Souza"),
        ("Lúcia", "assumir a dona lucia"),
        ("João da Silva", "assumir João da Silva"),
        ("Maria das Dores de Jesus", "assumir maria das dores"),
        ("José D'Ávila", "assumir josé d'avila"),
        ("Ana-Maria Braga", "assumir Ana-Maria"),
        ("Marcos Souza Lima", "assumir Marcos Lima"),
        ("Mariana", "assumir mari"),
        ("100% Júlia_", "assumir Júlia"),
    ],
)
async def test_person_is_found_however_the_name_is_typed(desk, display_name, command):
    client = desk.writes("+5511987650002", "oi", display_name)
    desk.writes("+5511987650003", "oi", "Outra Pessoa")

    said = await desk.lawyer().starts("assumir_atendimento", command)

    assert said.effects == [OwnerChange(client, "pessoa")]


async def test_person_is_found_by_the_directorys_name(desk):
    client = desk.writes("+5511987650002", "oi", "apelido no zap")
    desk.registers("+5511987650002", "Ítalo Ferreira", Profile.CLIENT)

    said = await desk.lawyer().starts("assumir_atendimento", "assumir italo")

    assert said.effects == [OwnerChange(client, "pessoa")]
    assert "Ítalo Ferreira" in said.text


@pytest.mark.parametrize("command", ["assumir Zoroastro", "assumir", "assumir %", "_"])
async def test_nobody_is_taken_where_no_name_fits(desk, command):
    desk.writes("+5511987650002", "oi", "Marcos")

    said = await desk.lawyer().starts("assumir_atendimento", command)

    assert said.responses[-1] == "ask_pessoa"
    assert said.effects == []


async def test_full_name_settles_an_ambiguity(desk):
    desk.writes("+5511987650002", "oi", "Marcos da Costa Souza")
    client = desk.writes("+5511987650003", "oi", "Marcos Souza")
    desk.writes("+5511987650004", "oi", "Marcos")

    said = await desk.lawyer().starts("assumir_atendimento", "assumir Marcos Souza")

    assert said.effects == [OwnerChange(client, "pessoa")]


async def test_name_means_its_bearer_before_a_longer_word(desk):
    desk.writes("+5511987650002", "oi", "Mariana")
    client = desk.writes("+5511987650003", "oi", "Ana Paula")

    said = await desk.lawyer().starts("assumir_atendimento", "assumir a Ana")

    assert said.effects == [OwnerChange(client, "pessoa")]


async def test_lawyer_cannot_take_their_own_conversation(desk):
    said = await desk.lawyer("Marcos").starts("assumir_atendimento", "assumir Marcos")

    assert said.responses == ["pessoa_nao_encontrada", "ask_pessoa"]


# --- effects reach the office with the turn ----------------------------------------


async def test_effects_of_an_action_are_committed_once_with_its_turn(desk):
    talk = desk.talk()
    kept, desk.leaves = desk.leaves, lambda *_, **__: None
    await talk.starts("agendar_consulta", ALL, names=["Maria Prado"])
    said = await talk.says("sim", intent="afirmar")
    desk.leaves = kept
    assert [each.status for each in desk.calendar()] == ["reservada"]
    with writing(desk.engine) as connection:
        turn = turns.claim(connection, lease_owner="t", now=NOW.timestamp(), lease_s=60)
    assert turn is not None
    turn.outgoing = [Outgoing("Marquei.")]
    turn.effects = said.effects

    with writing(desk.engine) as connection:
        outcome = Outcome("agendar_consulta", 1.0, turns.AnsweredBy.FLOW)
        turns.commit(connection, turn, outcome, now=NOW.timestamp())

    with reading(desk.engine) as connection:
        found = office_desk.requests_of(
            connection, talk.id, kinds=("agendar_consulta",)
        )
    assert [item.facts["quando"] for item in found] == [TUESDAY_AT_15.isoformat()]
    (booked,) = desk.calendar("marcada")
    assert booked.starts_at == TUESDAY_AT_15.timestamp()


async def test_turn_that_is_tried_again_books_once(desk):
    talk = desk.talk()
    await talk.starts("agendar_consulta", ALL, names=["Maria Prado"])
    before = dict(talk.slots), list(talk.events), talk.form
    kept, desk.leaves = desk.leaves, lambda *_, **__: None
    first = await talk.says("sim", intent="afirmar")
    talk.slots, talk.events, talk.form = before
    desk.leaves = kept

    again = await talk.says("sim", intent="afirmar")

    assert again.effects == first.effects
    assert len(desk.calendar()) == 1


async def test_time_that_was_lost_before_the_commit_calls_a_person(desk):
    talk = desk.talk(phone=PHONE)
    await talk.starts("agendar_consulta", ALL, names=["Maria Prado"])
    kept, desk.leaves = desk.leaves, lambda *_, **__: None
    said = await talk.says("sim", intent="afirmar")
    desk.leaves = kept
    with writing(desk.engine) as connection:
        connection.exec_driver_sql("UPDATE appointment SET status = 'liberada'")
    desk.books(TUESDAY_AT_15)

    desk.leaves(talk.id, *said.effects, now=at(18, 11))

    with reading(desk.engine) as connection:
        contact = office_desk.contact(connection, talk.id)
    assert contact is not None
    assert contact.waits_because == effects.LOST_TIME

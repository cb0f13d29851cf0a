"""The tracker store commits a turn whole, or not at all; Rasa's traps are met."""

from __future__ import annotations

import json
import time

import pytest
import sqlalchemy as sa
from rasa.core.tracker_store import FailSafeTrackerStore, InMemoryTrackerStore
from rasa.core.utils import AvailableEndpoints
from rasa.shared.core.events import ActionExecuted, SessionStarted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from bot.core.names import Profile
from bot.runtime import fixes
from bot.runtime.tracker_store import PoisonedTurnError, TransactionalTrackerStore
from bot.store import inbox as inbox_queries
from bot.store import turns
from bot.store.database import reading, writing
from bot.store.effects import Handoff
from bot.store.schema import events, handoff, inbox, outbox
from bot.store.turns import Turn
from connectors.rasa_channel import UnsafeTrackerStoreError, _refuse_unsafe_store
from tests.rasa.talking import store_of, texts

TABLES = (events, outbox, handoff)


def rows_of(office, table, inbox_id_or_sender):
    column = table.c.sender_id if table is events else table.c.inbox_id
    with reading(office.engine) as connection:
        query = sa.select(sa.func.count()).where(column == inbox_id_or_sender)
        return connection.execute(query).scalar()


def written(office, person, turn: Turn) -> tuple[int, ...]:
    """Returns how much of a turn stands in the database: events, answers, handoffs."""
    return (
        rows_of(office, events, person.id),
        rows_of(office, outbox, turn.inbox_id),
        rows_of(office, handoff, turn.inbox_id),
    )


class Broken:
    """A table that is away for as long as the block lasts."""

    def __init__(self, engine, table: str) -> None:
        self.engine, self.table = engine, table

    def __enter__(self) -> None:
        self._rename(self.table, f"{self.table}_fora")

    def __exit__(self, *_error: object) -> None:
        self._rename(f"{self.table}_fora", self.table)

    def _rename(self, old: str, new: str) -> None:
        with writing(self.engine) as connection:
            connection.exec_driver_sql("PRAGMA legacy_alter_table=ON")
            connection.exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")


# --- one transaction ----------------------------------------------------------


async def test_events_answers_effects_and_done_are_committed_together(office):
    person = office.person()

    turn = await person.say("quero falar com um humano", "falar_com_advogado")

    assert turn.is_committed
    row = person.row(turn)
    assert (row.status, row.flow) == ("done", "falar_com_advogado")
    assert (row.answered_by, row.profile) == ("pessoa", "desconhecido")
    assert [item.body for item in person.outbox(turn)] == texts(turn)
    assert person.handoffs() == ["falar_com_advogado"]
    assert "user" in {event["event"] for event in person.events()}


@pytest.mark.parametrize("table", ["outbox", "handoff", "events"])
async def test_failed_write_leaves_nothing_of_the_turn(office, table):
    person = office.person()
    turn = person.claim("quero falar com um humano")

    with Broken(office.engine, table):
        await person.take(turn, "falar_com_advogado")

    assert not turn.is_committed
    assert written(office, person, turn) == (0, 0, 0)
    assert person.row(turn).status == "leased"
    person.close(turn)


async def test_turn_whose_lease_was_taken_over_leaves_nothing(office):
    person = office.person()
    turn = person.claim("oi")
    with writing(office.engine) as connection:
        mine = inbox.c.id == turn.inbox_id
        connection.execute(sa.update(inbox).where(mine).values(attempts=2))

    await person.take(turn, "saudar")

    assert not turn.is_committed
    assert written(office, person, turn) == (0, 0, 0)
    person.close(turn)


async def test_turn_tried_again_is_written_once(office):
    person = office.person()
    turn = person.claim("quero falar com um humano")
    with Broken(office.engine, "outbox"):
        await person.take(turn, "falar_com_advogado")
    turn.outgoing.clear()
    turn.effects.clear()

    await person.take(turn, "falar_com_advogado")

    assert turn.is_committed
    users = [event for event in person.events() if event["event"] == "user"]
    assert len(users) == 1
    assert len(person.outbox(turn)) == 1
    assert len(person.handoffs()) == 1


async def test_answers_of_a_conversation_that_a_person_took_are_revoked(office):
    person = office.person()
    turn = person.claim("oi")
    with writing(office.engine) as connection:
        table = turns.conversation
        connection.execute(
            sa.update(table)
            .where(table.c.id == person.id)
            .values(owner="pessoa", turn_token=table.c.turn_token + 1)
        )

    await person.take(turn, "saudar")

    assert {item.status for item in person.outbox(turn)} == {"revoked"}
    with reading(office.engine) as connection:
        answer = inbox_queries.answer_to(connection, turn.inbox_id)
    assert answer is not None
    assert answer.texts == ()


# --- Rasa's traps -------------------------------------------------------------


async def test_empty_first_save_does_not_commit_the_turn(office, agent):
    person = office.person()
    turn = person.claim("oi")
    token = turns.CURRENT_TURN.set(turn)

    try:
        await store_of(agent).save(DialogueStateTracker(person.id, agent.domain.slots))
    finally:
        turns.CURRENT_TURN.reset(token)

    assert not turn.is_committed
    assert person.row(turn).status == "leased"
    assert written(office, person, turn) == (0, 0, 0)
    person.close(turn)


async def test_rasa_saves_an_empty_tracker_before_the_first_message(office, agent):
    """The trap itself: if Rasa stops doing so, the guard above may go."""
    person = office.person()
    person.claim("oi")

    await agent.tracker_store.get_or_create_tracker(person.id)
    saved_without_a_turn = person.events()

    assert [event["event"] for event in saved_without_a_turn] == ["action"]


async def test_tracker_of_another_message_does_not_commit_the_turn(office, agent):
    person = office.person()
    turn = person.claim("oi")
    tracker = DialogueStateTracker(person.id, agent.domain.slots)
    tracker.update(UserUttered("outra", message_id="999999"), agent.domain)
    token = turns.CURRENT_TURN.set(turn)

    try:
        await store_of(agent).save(tracker)
    finally:
        turns.CURRENT_TURN.reset(token)

    assert not turn.is_committed
    person.close(turn)


async def test_rasa_hides_a_failed_read_behind_a_new_conversation(office, agent):
    """The second trap itself, without a turn."""
    person = office.person()
    await person.say("oi", "saudar")

    with Broken(office.engine, "events"):
        hidden = await agent.tracker_store.retrieve(person.id)

    assert isinstance(agent.tracker_store, FailSafeTrackerStore)
    assert hidden is None


async def test_failed_read_poisons_the_turn_and_nothing_is_saved(office, agent):
    person = office.person()
    await person.say("quero marcar", "agendar_consulta")
    before = person.events()
    turn = person.claim("Maria da Silva")
    store = store_of(agent)
    token = turns.CURRENT_TURN.set(turn)
    try:
        with Broken(office.engine, "events"):
            assert await agent.tracker_store.retrieve(person.id) is None
        tracker = DialogueStateTracker(person.id, agent.domain.slots)
        said = UserUttered("Maria da Silva", message_id=str(turn.inbox_id))
        tracker.update(said, agent.domain)

        with pytest.raises(PoisonedTurnError):
            await store.save(tracker)  # the database is back, yet it must not be used
        await agent.tracker_store.save(tracker)
    finally:
        turns.CURRENT_TURN.reset(token)

    assert turn.is_poisoned
    assert not turn.is_committed
    assert person.events() == before
    assert person.row(turn).status == "leased"
    person.close(turn)


async def test_conversation_goes_on_after_a_failed_read(office):
    person = office.person()
    await person.say("quero marcar", "agendar_consulta")
    lost = person.claim("Maria da Silva")
    with Broken(office.engine, "events"):
        await person.take(lost, "informar_dados")
    assert not lost.is_committed
    again = turns.Turn(**{**lost.__dict__, "outgoing": [], "effects": []})
    again.is_poisoned = False

    await person.take(again, "informar_dados")

    assert again.is_committed
    assert "assunto" in texts(again)[-1]
    assert await person.form() == "form_agendar_consulta"


# --- replay -------------------------------------------------------------------


async def test_retrieved_tracker_equals_a_replay_of_its_events(office, agent):
    person = office.person()
    for text, intent in [
        ("oi", "saudar"),
        ("quero marcar", "agendar_consulta"),
        ("Maria da Silva", "informar_dados"),
        ("que horas abrem?", "consultar_horario"),
    ]:
        await person.say(text, intent)

    found = await agent.tracker_store.retrieve(person.id)

    start = max(
        index
        for index, event in enumerate(person.events())
        if event["event"] == "session_started"
    )
    replayed = DialogueStateTracker.from_dict(
        person.id, person.events()[start:], agent.domain.slots
    )
    assert found.current_state() == replayed.current_state()
    assert found.active_loop_name == "form_agendar_consulta"
    assert found.get_slot("nome") == "Maria da Silva"
    assert found.get_slot("requested_slot") == "assunto"


async def test_no_event_is_stored_twice(office):
    person = office.person()
    for number in range(4):
        await person.say(f"mensagem {number}", "saudar")

    users = [event["text"] for event in person.events() if event["event"] == "user"]
    assert users == [f"mensagem {number}" for number in range(4)]


async def test_unknown_conversation_has_no_tracker(agent):
    assert await agent.tracker_store.retrieve("ninguem") is None
    assert await agent.tracker_store.retrieve_full_tracker("ninguem") is None


async def test_keys_name_every_conversation_once(office, agent):
    person = office.person()
    await person.say("oi", "saudar")
    await person.say("oi", "saudar")

    keys = list(await agent.tracker_store.keys())

    assert keys.count(person.id) == 1


# --- sessions -----------------------------------------------------------------


def age(office, person, seconds: float) -> None:
    """Makes a conversation's events older."""
    with writing(office.engine) as connection:
        mine = events.c.sender_id == person.id
        for row in connection.execute(sa.select(events).where(mine)).all():
            data = json.loads(row.data)
            data["timestamp"] -= seconds
            connection.execute(
                sa.update(events)
                .where(events.c.id == row.id)
                .values(timestamp=data["timestamp"], data=json.dumps(data))
            )


async def test_after_a_day_the_form_is_forgotten_and_the_name_kept(office, agent):
    person = office.person()
    await person.say("quero marcar", "agendar_consulta")
    await person.say("Maria da Silva", "informar_dados")
    age(office, person, 1441 * 60)

    await person.say("oi", "saudar")

    tracker = await agent.tracker_store.retrieve(person.id)
    whole = await agent.tracker_store.retrieve_full_tracker(person.id)
    assert tracker.active_loop_name is None
    assert tracker.get_slot("nome") == "Maria da Silva"
    assert [e.text for e in tracker.events if isinstance(e, UserUttered)] == ["oi"]
    assert len([e for e in whole.events if isinstance(e, UserUttered)]) == 3


async def test_within_a_day_the_form_goes_on(office):
    person = office.person()
    await person.say("quero marcar", "agendar_consulta")
    age(office, person, 1430 * 60)

    turn = await person.say("Maria da Silva", "informar_dados")

    assert "assunto" in texts(turn)[-1]


async def test_messages_of_a_second_session_are_appended_to_it(office, agent):
    person = office.person()
    await person.say("primeira", "saudar")
    age(office, person, 2000 * 60)
    await person.say("segunda", "saudar")

    await person.say("terceira", "saudar")

    stored = [event["text"] for event in person.events() if event["event"] == "user"]
    tracker = await agent.tracker_store.retrieve(person.id)
    shown = [e.text for e in tracker.events if isinstance(e, UserUttered)]
    assert stored == ["primeira", "segunda", "terceira"]
    assert shown == ["segunda", "terceira"]
    assert isinstance(tracker.events[0], SessionStarted)


async def test_shell_without_an_inbox_keeps_its_conversation(agent):
    store = store_of(agent)
    sender = f"shell-{time.time_ns()}"
    tracker = DialogueStateTracker(sender, agent.domain.slots)
    tracker.update(ActionExecuted("action_listen"), agent.domain)

    await store.save(tracker)
    tracker.update(UserUttered("oi"), agent.domain)
    await store.save(tracker)

    found = await store.retrieve(sender)
    assert [type(event).__name__ for event in found.events] == [
        "ActionExecuted",
        "UserUttered",
    ]


# --- what must stop a start ---------------------------------------------------


class AgentWith:
    def __init__(self, tracker_store) -> None:
        self.tracker_store = tracker_store


async def test_store_in_memory_stops_the_start(agent):
    lossy = FailSafeTrackerStore(InMemoryTrackerStore(agent.domain))

    with pytest.raises(UnsafeTrackerStoreError, match="InMemoryTrackerStore"):
        _refuse_unsafe_store(AgentWith(lossy))


async def test_our_store_does_not_stop_the_start(agent):
    _refuse_unsafe_store(agent)
    _refuse_unsafe_store(AgentWith(store_of(agent)))


def test_endpoints_name_our_store_by_a_path_that_can_be_imported(agent):
    endpoints = AvailableEndpoints.read_endpoints("endpoints.yml")
    module, name = endpoints.tracker_store.type.rsplit(".", 1)

    assert module == TransactionalTrackerStore.__module__
    assert name == TransactionalTrackerStore.__name__


@pytest.mark.parametrize("version", ["3.6.20", "3.7.0", "3.6.21.dev1", ""])
def test_fixes_refuse_another_rasa(settings, monkeypatch, version):
    monkeypatch.setattr("rasa.__version__", version)

    with pytest.raises(fixes.UnexpectedRasaVersionError, match=r"3\.6\.21"):
        fixes.install(settings)


def test_fixes_may_be_installed_again(settings):
    fixes.install(settings)
    fixes.install(settings)


async def test_effect_of_the_turn_is_the_one_in_the_database(office):
    person = office.person(Profile.CLIENT, "Ana")

    turn = await person.say("meu filho foi preso", "relatar_urgencia")

    assert turn.effects == [Handoff("relatar_urgencia", is_urgent=True)]
    with reading(office.engine) as connection:
        mine = handoff.c.conversation_id == person.id
        row = connection.execute(sa.select(handoff).where(mine)).one()
    assert row.is_urgent

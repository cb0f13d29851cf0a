"""The lawyers' calendars: one specification, on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bot.store import appointments, effects
from bot.store.appointments import Appointment, Facts
from bot.store.database import open_engine, writing
from bot.store.effects import AppointmentChange, Origin
from tests.contract import test_store
from tests.contract.test_store import JOAO, MARIA, Store

database_kind = test_store.database_kind
migrated_sqlite = test_store.migrated_sqlite
migrated_postgres = test_store.migrated_postgres
store = test_store.store

HELENA, RAFAEL = "Dra. Helena Modelo", "Dr. Rafael Exemplo"
HOUR = 3600.0
PATIENCE_S = 20


class Desk:
    """Two conversations and the calendars that they write in."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = store.now
        self.three = self.now + 24 * HOUR
        """Three o'clock, as these tests call it."""
        self.maria = store.accept(address=MARIA).conversation_id
        self.joao = store.accept(address=JOAO).conversation_id

    def hold(self, who: str, starts_at: float | None = None, **more: Any) -> int | None:
        starts_at = self.three if starts_at is None else starts_at
        wanted = {
            "conversation_id": who,
            "lawyer": HELENA,
            "starts_at": starts_at,
            "ends_at": starts_at + HOUR,
            "now": self.now,
            **more,
        }
        return self.store.write(lambda c: appointments.hold(c, **wanted))

    def held(self, who: str, starts_at: float | None = None, **more: Any) -> int:
        found = self.hold(who, starts_at, **more)
        assert found is not None
        return found

    def booked(self, who: str, starts_at: float | None = None, **more: Any) -> int:
        found = self.held(who, starts_at, **more)
        self.change(who, acao="marcar", id=found)
        return found

    def change(self, who: str, **raw: Any) -> None:
        effect = effects.parse({"tipo": "consulta", **raw})
        self.store.write(
            lambda c: effects.apply(c, effect, Origin(who, None, 0), now=self.now)
        )

    def get(self, appointment_id: int) -> Appointment:
        found = self.store.read(lambda c: appointments.get(c, appointment_id))
        assert found is not None
        return found

    def status(self, appointment_id: int) -> str:
        return self.get(appointment_id).status

    def busy(self, lawyer: str = HELENA, **more: Any) -> list[tuple[float, float]]:
        span = {"first": self.now, "last": self.now + 1e6, "now": self.now, **more}
        return self.store.read(lambda c: appointments.busy(c, lawyer=lawyer, **span))

    def of(self, who: str) -> list[int]:
        found = self.store.read(
            lambda c: appointments.of_conversation(c, who, now=self.now)
        )
        return [each.id for each in found]

    def handoffs(self) -> list[tuple[str, str]]:
        return [(h.conversation_id, h.reason) for h in self.store.rows("handoff")]


@pytest.fixture
def desk(store) -> Desk:
    return Desk(store)


class TestHolding:
    def test_held_time_is_busy_for_others(self, desk):
        desk.held(desk.maria)

        assert desk.hold(desk.joao) is None
        assert desk.busy() == [(desk.three, desk.three + HOUR)]

    @pytest.mark.parametrize("shift", [-HOUR / 2, -60.0, 60.0, HOUR / 2])
    def test_overlap_is_refused(self, desk, shift):
        desk.held(desk.maria)

        assert desk.hold(desk.joao, desk.three + shift) is None

    def test_stretch_around_another_is_refused(self, desk):
        desk.held(desk.maria)

        start = desk.three - HOUR
        assert desk.hold(desk.joao, start, ends_at=desk.three + 2 * HOUR) is None

    @pytest.mark.parametrize("shift", [-HOUR, HOUR])
    def test_times_that_only_touch_are_both_kept(self, desk, shift):
        desk.held(desk.maria)

        assert desk.hold(desk.joao, desk.three + shift) is not None

    def test_another_lawyer_is_free(self, desk):
        desk.held(desk.maria)

        assert desk.hold(desk.joao, lawyer=RAFAEL) is not None
        assert len(desk.busy(RAFAEL)) == 1

    def test_hold_that_ran_out_is_free_again(self, desk):
        desk.held(desk.maria, hold_s=600)
        desk.now += 600

        assert desk.busy() == []
        assert desk.hold(desk.joao) is not None

    def test_same_slot_asked_again_is_the_same_hold_for_longer(self, desk):
        first = desk.held(desk.maria, facts=Facts(subject="férias"))
        desk.now += 300

        again = desk.held(desk.maria)

        assert again == first
        assert desk.get(first).held_until == desk.now + appointments.HOLD_S
        assert desk.get(first).facts.subject == "férias"

    def test_new_hold_replaces_the_old_one(self, desk):
        first = desk.held(desk.maria)
        second = desk.held(desk.maria, desk.three + HOUR / 2)

        assert first != second
        assert desk.status(first) == "liberada"
        assert desk.hold(desk.joao, desk.three - HOUR / 2) is not None

    def test_refused_hold_leaves_the_old_one(self, desk):
        desk.held(desk.joao, desk.three + 5 * HOUR)
        mine = desk.held(desk.maria)

        assert desk.hold(desk.maria, desk.three + 5 * HOUR) is None
        assert desk.status(mine) == "reservada"
        assert desk.hold(desk.joao) is None

    def test_own_booked_time_is_not_held_again(self, desk):
        desk.booked(desk.maria)

        assert desk.hold(desk.maria, desk.three + HOUR / 2) is None

    def test_own_appointment_that_moves_may_be_overlapped(self, desk):
        old = desk.booked(desk.maria)

        assert desk.hold(desk.maria, desk.three + HOUR / 2, moves=old) is not None
        assert desk.hold(desk.joao, desk.three + HOUR / 2, moves=old) is None

    def test_everything_known_is_kept(self, desk):
        facts = Facts(
            modality="online",
            area="trabalhista",
            subject="rescisão sem pagamento",
            person_name="Maria Souza",
            cpf="52998224725",
            email="maria@x.example",
            inbox_id=1,
        )
        found = desk.get(desk.held(desk.maria, facts=facts))

        assert found.facts == facts
        assert (found.lawyer, found.status) == (HELENA, "reservada")
        assert (found.starts_at, found.ends_at) == (desk.three, desk.three + HOUR)
        assert found.conversation_id == desk.maria
        assert found.created_at == found.updated_at == desk.now

    def test_own_holds_are_not_busy_for_whoever_chooses(self, desk):
        old = desk.booked(desk.maria)
        desk.held(desk.maria, desk.three + 2 * HOUR)

        both = desk.busy()
        without_holds = desk.busy(except_conversation=desk.maria)
        without_both = desk.busy(except_conversation=desk.maria, except_id=old)

        assert (len(both), len(without_holds), len(without_both)) == (2, 1, 0)

    def test_busy_is_what_touches_the_span(self, desk):
        desk.booked(desk.maria)

        assert desk.busy(first=desk.three + HOUR / 2, last=desk.three + 2 * HOUR)
        assert not desk.busy(first=desk.three + HOUR, last=desk.three + 2 * HOUR)
        assert not desk.busy(first=desk.three - HOUR, last=desk.three)

    def test_of_many_who_ask_at_once_one_gets_the_time(self, desk):
        people = [
            desk.store.accept(address=f"whatsapp:+55119{n:08}").conversation_id
            for n in range(12)
        ]
        start = threading.Barrier(len(people))
        url = desk.store.engine.url.render_as_string(hide_password=False)

        def ask(who: str) -> int | None:
            engine = open_engine(url)  # as another process would
            start.wait(PATIENCE_S)
            with writing(engine) as connection:
                found = appointments.hold(
                    connection,
                    conversation_id=who,
                    lawyer=HELENA,
                    starts_at=desk.three,
                    ends_at=desk.three + HOUR,
                    now=desk.now,
                )
            engine.dispose()
            return found

        with ThreadPoolExecutor(len(people)) as pool:
            found = list(pool.map(ask, people))

        assert sum(each is not None for each in found) == 1
        assert len(desk.busy()) == 1


class TestBooking:
    def test_held_time_becomes_an_appointment(self, desk):
        held = desk.held(desk.maria)

        desk.change(desk.maria, acao="marcar", id=held)

        assert desk.get(held).held_until is None
        assert desk.of(desk.maria) == [held]
        assert desk.of(desk.joao) == []
        assert desk.handoffs() == []

    def test_booked_time_stays_busy_without_an_end(self, desk):
        desk.booked(desk.maria)
        desk.now += 23 * HOUR

        assert desk.hold(desk.joao) is None

    def test_booking_again_changes_nothing(self, desk):
        held = desk.booked(desk.maria)
        before = desk.get(held)
        desk.now += 60

        desk.change(desk.maria, acao="marcar", id=held)

        assert desk.get(held) == before
        assert desk.handoffs() == []

    def test_hold_that_ran_out_is_booked_while_nobody_has_the_time(self, desk):
        held = desk.held(desk.maria)
        desk.now += 2 * HOUR

        desk.change(desk.maria, acao="marcar", id=held)

        assert desk.status(held) == "marcada"

    def test_time_that_somebody_else_took_asks_for_a_person(self, desk):
        held = desk.held(desk.maria)
        desk.now += 2 * HOUR
        other = desk.booked(desk.joao)

        desk.change(desk.maria, acao="marcar", id=held)

        assert desk.status(held) == "reservada"
        assert desk.status(other) == "marcada"
        assert desk.handoffs() == [(desk.maria, "horario_perdido")]

    def test_hold_of_another_conversation_is_not_booked(self, desk):
        held = desk.held(desk.maria)

        desk.change(desk.joao, acao="marcar", id=held)
        desk.now += 2 * HOUR  # its time is nobody's any more
        desk.change(desk.joao, acao="marcar", id=held)

        assert desk.status(held) == "reservada"
        assert desk.of(desk.maria) == desk.of(desk.joao) == []

    def test_hold_that_never_was_asks_for_a_person(self, desk):
        desk.change(desk.maria, acao="marcar", id=987)

        assert desk.handoffs() == [(desk.maria, "horario_perdido")]

    def test_replay_does_not_bring_a_cancelled_appointment_back(self, desk):
        held = desk.booked(desk.maria)
        desk.change(desk.maria, acao="cancelar", id=held)

        desk.change(desk.maria, acao="marcar", id=held)

        assert desk.status(held) == "cancelada"
        assert desk.handoffs() == []


class TestCancelling:
    def test_cancelled_time_is_free_again(self, desk):
        booked = desk.booked(desk.maria)

        desk.change(desk.maria, acao="cancelar", id=booked)

        assert desk.status(booked) == "cancelada"
        assert (desk.busy(), desk.of(desk.maria)) == ([], [])
        assert desk.hold(desk.joao) is not None

    def test_cancelled_hold_is_released(self, desk):
        held = desk.held(desk.maria)

        desk.change(desk.maria, acao="cancelar", id=held)

        assert desk.status(held) == "liberada"

    def test_cancelling_again_changes_nothing(self, desk):
        booked = desk.booked(desk.maria)
        desk.change(desk.maria, acao="cancelar", id=booked)
        before = desk.get(booked)
        desk.now += 60

        desk.change(desk.maria, acao="cancelar", id=booked)

        assert desk.get(booked) == before

    def test_appointment_of_another_conversation_stays(self, desk):
        booked = desk.booked(desk.maria)

        desk.change(desk.joao, acao="cancelar", id=booked)

        assert desk.status(booked) == "marcada"

    def test_commitment_is_cancelled_by_who_made_it_alone(self, desk):
        facts = Facts(kind="compromisso", title="Audiência")
        own = desk.booked(desk.maria, facts=facts)

        desk.change(desk.joao, acao="cancelar", id=own)
        assert desk.status(own) == "marcada"

        desk.change(desk.maria, acao="cancelar", id=own)
        assert desk.status(own) == "cancelada"


class TestMoving:
    def test_moved_appointment_leaves_its_time_for_the_new_one(self, desk):
        old = desk.booked(desk.maria)
        new = desk.held(desk.maria, desk.three + 5 * HOUR)

        desk.change(desk.maria, acao="remarcar", id=old, nova=new)

        assert (desk.status(old), desk.status(new)) == ("remarcada", "marcada")
        assert desk.of(desk.maria) == [new]
        assert desk.hold(desk.joao) is not None

    def test_half_an_hour_later_is_possible(self, desk):
        old = desk.booked(desk.maria)
        new = desk.held(desk.maria, desk.three + HOUR / 2, moves=old)

        desk.change(desk.maria, acao="remarcar", id=old, nova=new)

        assert (desk.status(old), desk.status(new)) == ("remarcada", "marcada")

    def test_to_another_lawyer_is_possible(self, desk):
        old = desk.booked(desk.maria)
        new = desk.held(desk.maria, lawyer=RAFAEL)

        desk.change(desk.maria, acao="remarcar", id=old, nova=new)

        assert desk.busy() == []
        assert len(desk.busy(RAFAEL)) == 1

    def test_moving_again_changes_nothing(self, desk):
        old = desk.booked(desk.maria)
        new = desk.held(desk.maria, desk.three + 5 * HOUR)
        desk.change(desk.maria, acao="remarcar", id=old, nova=new)
        before = desk.get(old), desk.get(new)
        desk.now += 60

        desk.change(desk.maria, acao="remarcar", id=old, nova=new)

        assert (desk.get(old), desk.get(new)) == before
        assert desk.handoffs() == []

    def test_lost_time_leaves_the_old_appointment_and_asks_for_a_person(self, desk):
        old = desk.booked(desk.maria)
        new = desk.held(desk.maria, desk.three + 5 * HOUR)
        desk.now += HOUR
        desk.booked(desk.joao, desk.three + 5 * HOUR)

        desk.change(desk.maria, acao="remarcar", id=old, nova=new)

        assert desk.of(desk.maria) == [old]
        assert desk.handoffs() == [(desk.maria, "horario_perdido")]

    def test_nobody_moves_the_appointment_of_another(self, desk):
        old = desk.booked(desk.maria)
        new = desk.held(desk.joao, desk.three + 5 * HOUR)

        desk.change(desk.joao, acao="remarcar", id=old, nova=new)

        assert desk.status(old) == "marcada"


class TestListing:
    def test_conversation_has_what_is_to_come_soonest_first(self, desk):
        late = desk.booked(desk.maria, desk.three + 48 * HOUR)
        soon = desk.booked(desk.maria)
        desk.held(desk.maria, desk.three + 72 * HOUR)

        assert desk.of(desk.maria) == [soon, late]

        desk.now = desk.three + HOUR / 2
        assert desk.of(desk.maria) == [soon, late]  # it goes on now

        desk.now = desk.three + HOUR
        assert desk.of(desk.maria) == [late]

    def test_agenda_has_what_is_booked_of_one_lawyer_or_of_all(self, desk):
        facts = Facts(kind="compromisso", title="Audiência na 3ª Vara")
        hearing = desk.booked(desk.joao, lawyer=RAFAEL, facts=facts)
        meeting = desk.booked(desk.maria, desk.three + HOUR)
        gone = desk.booked(desk.maria, desk.three + 3 * HOUR)
        desk.change(desk.maria, acao="cancelar", id=gone)
        desk.held(desk.maria, desk.three + 5 * HOUR)

        def agenda(first: float, last: float, lawyer: str | None = None) -> list[int]:
            found = desk.store.read(
                lambda c: appointments.between(c, first=first, last=last, lawyer=lawyer)
            )
            return [each.id for each in found]

        day = desk.three, desk.three + 24 * HOUR
        assert agenda(*day) == [hearing, meeting]
        assert agenda(*day, HELENA) == [meeting]
        assert agenda(desk.three, desk.three + HOUR) == [hearing]
        assert desk.get(hearing).facts.title == "Audiência na 3ª Vara"

    def test_unknown_id_is_nothing(self, desk):
        assert desk.store.read(lambda c: appointments.get(c, 987)) is None


class TestEffects:
    def test_every_action_is_read(self):
        def read(**raw: Any) -> effects.Effect:
            return effects.parse({"tipo": "consulta", **raw})

        assert read(acao="marcar", id=7) == AppointmentChange("marcar", 7)
        assert read(acao="cancelar", id="7") == AppointmentChange("cancelar", 7)
        assert read(acao="remarcar", id=7, nova=9) == AppointmentChange(
            "remarcar", 7, 9
        )

    @pytest.mark.parametrize(
        "raw",
        [{}, {"acao": "marcar"}, {"acao": "remarcar", "id": 7}, {"acao": "x", "id": 7}],
    )
    def test_what_is_missing_is_an_error(self, raw):
        with pytest.raises(ValueError, match="consulta"):
            effects.parse({"tipo": "consulta", **raw})

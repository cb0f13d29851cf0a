"""Reminders: planned with the booking, said once and in time, on both databases."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from bot.core.names import Profile
from bot.core.schedule import ZONE
from bot.store import appointments, inbox, jobs, notices, outbox, people, turns
from bot.store import reminders as store_of_reminders
from bot.store.effects import AppointmentChange, Origin, OwnerChange, apply
from bot.store.people import Person
from tests.contract import test_store
from tests.contract.reminder_desk import (
    ALL_TEMPLATES,
    LINK,
    NOW,
    THURSDAY_AT_15,
    ReminderDesk,
    before,
)
from tests.contract.test_store import ANA, JOAO, MARIA

database_kind = test_store.database_kind
migrated_sqlite = test_store.migrated_sqlite
migrated_postgres = test_store.migrated_postgres
store = test_store.store
DAY_BEFORE = before(THURSDAY_AT_15, hours=24)
HOUR_BEFORE = before(THURSDAY_AT_15, hours=1)
TEMPLATE = frozenset({"lembrete"})


@pytest.fixture
def desk(store, tmp_path):
    return ReminderDesk(store, tmp_path)


class TestPlanning:
    def test_booking_plans_a_day_and_an_hour_before(self, desk):
        booked = desk.books()

        planned = {row.key: row.next_at for row in desk.store.rows("job")}
        assert planned[f"consulta:{booked}:lembrete:24h"] == DAY_BEFORE.timestamp()
        assert planned[f"consulta:{booked}:lembrete:1h"] == HOUR_BEFORE.timestamp()

    @pytest.mark.parametrize(
        ("hours", "leads"),
        [
            (24.5, {"24h", "1h"}),
            (24.4, {"1h"}),
            (1.5, {"1h"}),
            (1.4, set()),
            (0.5, set()),
        ],
    )
    def test_reminder_that_would_follow_the_booking_at_once_is_not_planned(
        self, desk, hours, leads
    ):
        desk.books(NOW + timedelta(hours=hours))

        kept = [row for row in desk.store.rows("job") if row.kind == "lembrete"]
        assert {row.facts["antes"] for row in kept} == leads

    def test_same_booking_again_plans_nothing_more(self, desk):
        booked = desk.books()
        talk = desk.store.rows("conversation")[0].id

        desk.store.write(
            lambda c: apply(
                c,
                AppointmentChange("marcar", booked),
                Origin(talk, None, 0),
                now=desk.store.now,
            )
        )

        assert sum(row.kind == "lembrete" for row in desk.store.rows("job")) == 2

    def test_booking_that_is_cancelled_by_now_is_not_planned(self, desk):
        booked = desk.books()
        desk.change("appointment", status="cancelada")
        desk.store.write(lambda c: c.exec_driver_sql("DELETE FROM job"))

        desk.store.write(
            lambda c: store_of_reminders.plan(c, booked, now=NOW.timestamp())
        )

        assert desk.store.rows("job") == []

    def test_lawyers_own_commitment_is_not_reminded_of(self, desk):
        booked = desk.books(NOW + timedelta(minutes=10))
        desk.change("appointment", kind="compromisso", starts_at=NOW.timestamp() + 9e5)

        desk.store.write(
            lambda c: store_of_reminders.plan(c, booked, now=NOW.timestamp())
        )

        assert not [row for row in desk.store.rows("job") if row.kind == "lembrete"]


class TestWords:
    def test_day_before_says_tomorrow_hour_lawyer_and_address(self, desk):
        desk.books()

        row = desk.reminds(DAY_BEFORE)

        assert row.body == (
            "Olá, Ana! Lembrete da sua consulta: *amanhã (quinta-feira, 19/11), às "
            "15h*, com Dra. Helena Modelo.\n"
            "Endereço: Avenida Exemplo, 1000, sala 10, Centro, São Paulo/SP.\n\n"
            "Você confirma que vem?\n\n1. Confirmar\n2. Remarcar\n3. Cancelar"
        )

    def test_address_that_ends_with_a_point_has_one(self, desk):
        texts = {**desk.office.texts, "endereco": "Rua Um, 1."}
        desk.with_office(texts=texts)
        desk.books()

        row = desk.reminds(DAY_BEFORE)

        assert "Endereço: Rua Um, 1.\n" in row.body

    def test_hour_before_says_today(self, desk):
        desk.books(person_name="7")

        row = desk.reminds(HOUR_BEFORE)

        assert row.body.startswith(
            "Olá! Sua consulta está chegando: *hoje (quinta-feira, 19/11), às 15h*"
        )

    @pytest.mark.parametrize(
        ("link", "said"),
        [
            (LINK, f"É por vídeo, neste link: {LINK}"),
            ("", "É por vídeo: o escritório manda o link por aqui."),
        ],
    )
    def test_online_appointment_names_its_link(self, desk, link, said):
        desk.books(modality="online")
        desk.change("appointment", meeting_link=link)

        row = desk.reminds(DAY_BEFORE)

        assert said in row.body
        assert "Avenida" not in row.body
        assert "confirma que participa" in row.body

    def test_who_has_confirmed_is_not_asked_again(self, desk):
        desk.books()
        desk.change("appointment", confirmed_at=NOW.timestamp())

        row = desk.reminds(HOUR_BEFORE)

        assert row.buttons is None
        assert "confirma" not in row.body
        assert "*remarcar* ou *cancelar*" in row.body

    def test_words_are_by_the_offices_clock(self, desk):
        desk.with_office(zone=ZONE.__class__("America/Rio_Branco"))
        desk.books()

        row = desk.reminds(DAY_BEFORE)

        assert "às 13h*" in row.body


class TestLooking:
    def test_one_that_is_late_says_today(self, desk):
        desk.books()

        row = desk.reminds(before(THURSDAY_AT_15, hours=4))

        assert "*hoje (quinta-feira, 19/11), às 15h*" in row.body

    @pytest.mark.parametrize(
        ("minutes", "said"), [(181, 1), (180, 0), (59, 1), (6, 1), (5, 0), (-1, 0)]
    )
    def test_one_that_comes_too_late_is_left_out(self, desk, minutes, said):
        desk.books()

        desk.is_at(before(THURSDAY_AT_15, minutes=minutes))
        desk.works()

        assert len(desk.reminders()) == said

    def test_moved_appointment_is_reminded_of_at_its_new_hour_alone(self, desk):
        old = desk.books()
        friday = THURSDAY_AT_15 + timedelta(days=1)
        new = desk.books(friday, moves=old)

        desk.is_at(DAY_BEFORE)
        desk.works()
        assert desk.reminders() == []

        row = desk.reminds(before(friday, hours=24))
        assert row.appointment_id == new

    def test_cancelled_appointment_is_not_reminded_of(self, desk):
        booked = desk.books()
        desk.leaves(desk.says("cancela"), AppointmentChange("cancelar", booked))

        desk.is_at(DAY_BEFORE)
        desk.works()

        assert desk.reminders() == []

    def test_hour_that_is_no_longer_the_planned_one_is_not_reminded_of(self, desk):
        desk.books()
        later = THURSDAY_AT_15 + timedelta(hours=2)
        desk.change("appointment", starts_at=later.timestamp())

        desk.is_at(DAY_BEFORE)
        desk.works()

        assert desk.reminders() == []

    def test_who_asked_for_silence_gets_none(self, desk):
        desk.books()
        talk = desk.store.rows("conversation")[0].id
        desk.store.write(lambda c: inbox.opt_out(c, talk, now=desk.store.now))

        desk.is_at(DAY_BEFORE)
        desk.works()

        assert desk.reminders() == []

    def test_who_talks_with_a_person_is_reminded_all_the_same(self, desk):
        desk.books()
        talk = desk.store.rows("conversation")[0].id
        desk.reminds(DAY_BEFORE)

        desk.store.write(
            lambda c: apply(
                c,
                OwnerChange(talk, turns.PERSON),
                Origin(talk, None, 0),
                now=desk.store.now,
            )
        )

        assert desk.sends(templates=TEMPLATE) is not None

    def test_who_came_by_the_api_has_nowhere_to_be_reminded(self, desk):
        desk.books(source="api")

        desk.is_at(DAY_BEFORE)

        assert desk.works() == 1
        assert desk.reminders() == []


class TestOnce:
    def test_jobs_done_twice_say_it_once(self, desk):
        desk.books()
        desk.is_at(DAY_BEFORE)

        assert desk.works() == 1
        assert desk.works() == 0

        assert len(desk.reminders()) == 1

    def test_worker_that_dies_before_the_commit_leaves_nothing_and_it_is_said_later(
        self, desk
    ):
        desk.books()
        desk.is_at(DAY_BEFORE)
        mine = self._leased(desk)
        done = asyncio.run(desk.handler(mine))

        def end(connection):
            jobs.finish(connection, mine, done.result, now=desk.store.now)
            done.then(connection)

        desk.store.fail_at_the_end(end)
        assert desk.reminders() == []

        desk.store.now += 200
        desk.works()
        assert len(desk.reminders()) == 1

    def test_worker_whose_lease_was_taken_says_nothing(self, desk):
        desk.books()
        desk.is_at(DAY_BEFORE)
        late = self._leased(desk)
        done = asyncio.run(desk.handler(late))
        desk.store.now += 200
        desk.works()

        def end(connection):
            jobs.finish(connection, late, done.result, now=desk.store.now)
            done.then(connection)

        with pytest.raises(jobs.LostLeaseError):
            desk.store.write(end)
        assert len(desk.reminders()) == 1

    def test_message_that_waits_for_its_answer_keeps_its_place(self, desk):
        desk.books()
        desk.is_at(DAY_BEFORE)
        turn = desk.says("oi, tudo bem?")

        desk.works()
        desk.is_answered(turn, "Tudo!")

        answer, reminder = desk.store.rows("outbox")[-1], desk.reminders()[0]
        assert (answer.inbox_id, answer.ordinal) == (turn.inbox_id, 0)
        assert reminder.inbox_id < turn.inbox_id

    def test_photo_of_an_album_that_was_answered_with_the_first_is_not_the_last(
        self, desk
    ):
        desk.books()
        desk.is_at(DAY_BEFORE)
        desk.store.accept(kind="image")
        desk.store.accept(kind="image")
        turn = desk.store.claimed()
        desk.is_answered(turn, "Recebi.")

        desk.works()

        assert desk.reminders()[0].inbox_id == turn.inbox_id
        assert desk.reminders()[0].ordinal == 1

    def _leased(self, desk):
        return desk.store.write(
            lambda c: jobs.claim(c, lease_owner="a", now=desk.store.now, lease_s=120)
        )


class TestWindow:
    def test_inside_it_the_options_are_shown_to_tap(self, desk):
        booked = desk.books()
        desk.reminds(DAY_BEFORE)
        desk.change("conversation", last_inbound_at=desk.store.now - 60)

        sent = desk.sends(templates=ALL_TEMPLATES)

        assert sent.template == "botoes_3"
        assert sent.variables["2"] == "Confirmar"
        assert sent.variables["3"] == f'/afirmar{{"consulta": "{booked}"}}'
        assert sent.variables["7"] == f'/cancelar_consulta{{"consulta": "{booked}"}}'

    def test_inside_it_an_office_without_templates_sends_numbered_text(self, desk):
        desk.books()
        desk.reminds(DAY_BEFORE)
        desk.change("conversation", last_inbound_at=desk.store.now - 60)

        sent = desk.sends(templates=TEMPLATE)

        assert sent.template == ""
        assert sent.body.endswith("1. Confirmar\n2. Remarcar\n3. Cancelar")

    def test_outside_it_the_approved_template_says_it(self, desk):
        desk.books()
        desk.reminds(DAY_BEFORE)

        sent = desk.sends(templates=ALL_TEMPLATES)

        assert sent.template == "lembrete"
        assert sent.variables == {
            "1": "Ana",
            "2": "amanhã (quinta-feira, 19/11), às 15h",
            "3": "Dra. Helena Modelo",
            "4": "Avenida Exemplo, 1000, sala 10, Centro, São Paulo/SP",
        }

    @pytest.mark.parametrize(
        ("link", "shown"), [(LINK, LINK), ("", "por vídeo (o escritório manda o link)")]
    )
    def test_template_has_a_value_for_each_variable(self, desk, link, shown):
        desk.books(modality="online", person_name="")
        desk.change("appointment", meeting_link=link)
        desk.reminds(DAY_BEFORE)

        sent = desk.sends(templates=TEMPLATE)

        assert (sent.variables["1"], sent.variables["4"]) == ("cliente", shown)

    def test_window_that_closed_on_the_way_brings_the_template(self, desk):
        desk.books()
        desk.reminds(DAY_BEFORE)
        desk.change("conversation", last_inbound_at=desk.store.now - 60)
        first = desk.sends(templates=ALL_TEMPLATES)

        desk.store.write(
            lambda c: outbox.follow(
                c,
                token=first.token,
                provider_sid=f"MM{first.id}",
                status="failed",
                error_code="63016",
                now=desk.store.now,
            )
        )

        assert desk.sends(templates=ALL_TEMPLATES).template == "lembrete"

    def test_without_a_template_it_waits_and_no_person_is_called(self, desk):
        desk.books()
        row = desk.reminds(DAY_BEFORE)

        assert desk.sends() is None
        assert desk.reminders()[0].status == "waiting"
        assert desk.store.rows("handoff") == []

        desk.store.now += 60
        desk.says("bom dia")
        assert desk.sends().id == row.id

    def test_without_its_template_another_asks_the_person_to_write(self, desk):
        desk.books()
        desk.reminds(DAY_BEFORE)

        sent = desk.sends(templates=frozenset({"reabrir"}))

        assert sent.template == "reabrir"

    def test_tomorrow_is_not_said_on_the_day_itself(self, desk):
        desk.books()
        desk.reminds(DAY_BEFORE)
        desk.sends()

        desk.is_at(datetime(2026, 11, 19, 0, 0, 1, tzinfo=ZONE))
        desk.says("bom dia")

        assert desk.sends() is None
        [row] = desk.reminders()
        assert (row.status, row.error_code) == ("failed", "lembrete_vencido")

    @pytest.mark.parametrize(("minutes", "is_sent"), [(6, True), (5, True), (4, False)])
    def test_none_leaves_when_the_appointment_is_as_good_as_there(
        self, desk, minutes, is_sent
    ):
        desk.books()
        desk.reminds(HOUR_BEFORE)
        desk.sends()

        desk.is_at(before(THURSDAY_AT_15, minutes=minutes))
        desk.says("oi")

        assert (desk.sends() is not None) is is_sent

    def test_appointment_cancelled_meanwhile_is_not_reminded_of(self, desk):
        desk.books()
        desk.reminds(DAY_BEFORE)
        desk.change("appointment", status="cancelada")

        assert desk.sends(templates=ALL_TEMPLATES) is None
        assert desk.reminders()[0].status == "failed"

    def test_silence_asked_for_meanwhile_is_kept(self, desk):
        desk.books()
        desk.reminds(DAY_BEFORE)
        desk.change("conversation", opted_out_at=desk.store.now)

        assert desk.sends(templates=ALL_TEMPLATES) is None
        assert desk.reminders()[0].error_code == "descadastrada"


class TestConfirming:
    def test_confirmation_is_kept_with_the_turn_and_the_first_one_counts(self, desk):
        booked = desk.books()
        confirmed = AppointmentChange("confirmar", booked)
        desk.leaves(desk.says("confirmo"), confirmed)
        first = desk.store.now
        desk.store.now += 60

        desk.leaves(desk.says("confirmo!"), confirmed)

        assert desk.appointment(booked).confirmed_at == first
        assert desk.appointment(booked).status == appointments.BOOKED

    def test_nobody_confirms_for_another(self, desk):
        booked = desk.books()

        desk.leaves(
            desk.says("confirmo", address=JOAO), AppointmentChange("confirmar", booked)
        )

        assert desk.appointment(booked).confirmed_at is None

    def test_what_was_cancelled_is_not_confirmed(self, desk):
        booked = desk.books()
        desk.change("appointment", status="cancelada")

        desk.leaves(desk.says("confirmo"), AppointmentChange("confirmar", booked))

        assert desk.appointment(booked).confirmed_at is None


class TestTellingLawyers:
    @pytest.fixture
    def lawyers(self, desk):
        for number, name in enumerate(["Helena Modelo", "Rafael Exemplo"], start=1):
            phone = f"+551198765432{number}"
            known = Person(phone, name, Profile.LAWYER)
            desk.store.write(lambda c, known=known: people.save(c, known, now=1.0))
        client = Person("+5511987654323", "Ana Prado", Profile.CLIENT)
        desk.store.write(lambda c: people.save(c, client, now=1.0))

    def tell(self, desk):
        return desk.store.write(
            lambda c: notices.tell_lawyers(c, "Reconecte o Google.", now=desk.store.now)
        )

    def test_each_lawyer_with_an_open_window_is_told_once(self, desk, lawyers):
        for address in (MARIA, JOAO, ANA):
            desk.is_answered(desk.says(address=address))

        assert self.tell(desk) == 2

        rows = desk.store.rows("outbox")
        assert {(row.body, row.purpose, row.status) for row in rows} == {
            ("Reconecte o Google.", "aviso", "new")
        }
        talks = {each.id: each.address for each in desk.store.rows("conversation")}
        assert sorted(talks[row.conversation_id] for row in rows) == [MARIA, JOAO]

    def test_number_without_the_ninth_digit_is_the_same_lawyer(self, desk, lawyers):
        desk.is_answered(desk.says(address=MARIA.replace("+55119", "+5511")))

        assert self.tell(desk) == 1

    def test_lawyer_whose_day_is_over_is_left_out(self, desk, lawyers):
        desk.is_answered(desk.says())
        desk.store.now += 24 * 3600

        assert self.tell(desk) == 0

    def test_lawyer_who_asked_for_silence_is_left_out(self, desk, lawyers):
        desk.is_answered(desk.says())
        desk.change("conversation", opted_out_at=desk.store.now)

        assert self.tell(desk) == 0

    def test_lawyer_of_the_simulator_is_left_out(self, desk, lawyers):
        desk.is_answered(desk.says(source="api"))

        assert self.tell(desk) == 0

    def test_it_is_sent_like_any_message(self, desk, lawyers):
        desk.is_answered(desk.says())
        self.tell(desk)

        assert desk.sends().body == "Reconecte o Google."

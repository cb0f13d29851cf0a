"""Which messages answer a reminder, and what is known of them before Rasa reads."""

from __future__ import annotations

import asyncio

import pytest

from bot.core.reminder_replies import Reply
from bot.store import turns
from bot.store.effects import AppointmentChange, Handoff, Origin, OwnerChange, apply
from bot.store.schema import events
from bot.wake import WakeUp
from connectors.choices import Choice
from connectors.direct_answers import (
    answer_without_rasa,
    parsed_beforehand,
    words_for_rasa,
)
from connectors.reminded import Asked
from connectors.services import ChannelServices
from tests.contract import test_store
from tests.contract.reminder_desk import (
    ALL_TEMPLATES,
    THURSDAY_AT_15,
    ReminderDesk,
    before,
)
from tests.contract.test_store import JOAO

migrated_sqlite = test_store.migrated_sqlite
DAY_BEFORE = before(THURSDAY_AT_15, hours=24)


@pytest.fixture
def desk(migrated_sqlite, tmp_path):
    (tmp_path / "store.db").write_bytes(migrated_sqlite)
    engine = test_store.open_engine(f"sqlite:///{tmp_path}/store.db")
    yield ReminderDesk(test_store.Store(engine), tmp_path)
    engine.dispose()


@pytest.fixture
def booked(desk):
    """Somebody was reminded by the template, a minute ago."""
    made = desk.books()
    desk.reminds(DAY_BEFORE)
    desk.sends(templates=ALL_TEMPLATES)
    desk.store.now += 60
    return made


def open_form(desk) -> None:
    talk = desk.store.rows("conversation")[0].id
    row = {
        "sender_id": talk,
        "type_name": "active_loop",
        "action_name": "form_relatar_caso",
    }
    desk.store.write(lambda c: c.execute(events.insert().values(**row)))


def intent_of(desk, turn) -> str | None:
    reading = desk.reading_of(turn)
    parsed = parsed_beforehand(turn, reading.choice, reading.reminder)
    return parsed["intent"]["name"] if parsed else None


class TestWords:
    @pytest.mark.parametrize(
        ("text", "reply", "intent"),
        [
            ("sim", Reply.CONFIRM, "afirmar"),
            ("Confirmado, obrigada!", Reply.CONFIRM, "afirmar"),
            ("👍🏽", Reply.CONFIRM, "afirmar"),
            ("não vou poder", Reply.MOVE, "remarcar_consulta"),
            ("pode cancelar", Reply.CANCEL, "cancelar_consulta"),
            ("não", Reply.DECLINE, "negar"),
        ],
    )
    def test_plain_answer_needs_no_reading(self, desk, booked, text, reply, intent):
        turn = desk.says(text)

        assert desk.reading_of(turn).reminder == Asked(booked, reply)
        assert intent_of(desk, turn) == intent
        assert words_for_rasa(turn, desk.reading_of(turn).choice) == text

    def test_other_words_are_read_as_ever_and_know_of_the_reminder(self, desk, booked):
        turn = desk.says("dá pra ser na sexta?")

        assert desk.reading_of(turn).reminder == Asked(booked, None)
        assert intent_of(desk, turn) is None

    def test_talk_before_the_reminder_takes_nothing_away(self, desk):
        made = desk.books()
        desk.is_at(before(DAY_BEFORE, minutes=5))
        desk.is_answered(desk.says("vocês abrem sábado?"), "Não. Quer marcar?")
        desk.sends_all()
        desk.reminds(DAY_BEFORE)
        desk.sends()
        desk.store.now += 1

        assert desk.reads("sim").reminder == Asked(made, Reply.CONFIRM)

    def test_yes_after_other_talk_is_about_that_talk(self, desk, booked):
        desk.is_answered(desk.says("quanto custa?"), "Depende. Quer marcar?")
        desk.sends_all()
        desk.store.now += 1

        assert desk.reads("sim").reminder is None

    def test_word_that_names_the_appointment_counts_after_other_talk(
        self, desk, booked
    ):
        desk.is_answered(desk.says("bom dia"), "Bom dia!")
        desk.sends_all()
        desk.store.now += 1

        assert desk.reads("confirmo").reminder == Asked(booked, Reply.CONFIRM)

    def test_forms_question_after_the_reminder_wins(self, desk, booked):
        desk.is_answered(desk.says("quero contar um caso"), "Posso registrar?")
        desk.sends_all()
        open_form(desk)
        desk.store.now += 1

        assert desk.reads("confirmo").reminder is None

    def test_reminder_after_the_forms_question_wins(self, desk, booked):
        open_form(desk)

        assert desk.reads("sim").reminder == Asked(booked, Reply.CONFIRM)

    def test_yes_written_before_the_reminder_left_is_none_to_it(self, desk):
        desk.books()
        desk.is_at(before(DAY_BEFORE, seconds=1))
        turn = desk.says("sim")
        desk.reminds(DAY_BEFORE)
        desk.sends()

        assert desk.reading_of(turn).reminder is None

    def test_yes_to_a_reminder_that_has_not_left_is_none(self, desk):
        desk.books()
        desk.reminds(DAY_BEFORE)
        desk.store.now += 60

        assert desk.reads("sim").reminder is None

    @pytest.mark.parametrize("change", [{"status": "cancelada"}, {"ends_at": 1.0}])
    def test_appointment_that_is_no_more_is_not_answered_for(
        self, desk, booked, change
    ):
        desk.change("appointment", **change)

        assert desk.reads("sim").reminder is None

    @pytest.mark.parametrize("text", ["confirmo às 16h", "ok, sexta às 15h"])
    def test_yes_to_another_time_is_no_plain_yes(self, desk, booked, text):
        assert desk.reads(text).reminder == Asked(booked, None)

    @pytest.mark.parametrize(
        "text", ["confirmo às 15h", "confirmado amanhã às 15h", "ok, quinta-feira"]
    )
    def test_yes_that_repeats_the_time_is_plain(self, desk, booked, text):
        assert desk.reads(text).reminder == Asked(booked, Reply.CONFIRM)

    def test_quoted_reminder_is_meant_after_other_talk_too(self, desk, booked):
        sid = desk.reminders()[0].provider_sid
        desk.is_answered(desk.says("quanto custa?"), "Depende. Quer marcar?")
        desk.sends_all()
        desk.store.now += 1

        found = desk.reads("sim", payload={"OriginalRepliedMessageSid": sid}).reminder

        assert found == Asked(booked, Reply.CONFIRM)

    def test_nobody_answers_for_another(self, desk, booked):
        assert desk.reads("sim", address=JOAO).reminder is None

    def test_photo_is_no_answer(self, desk, booked):
        assert desk.reads("ok", kind="image").reminder is None


class TestTaps:
    def tap(self, desk, title: str, payload: str):
        return desk.says(title, payload={"ButtonText": title, "ButtonPayload": payload})

    def test_tap_names_the_appointment_and_its_intent(self, desk, booked):
        turn = self.tap(
            desk, "Remarcar", f'/remarcar_consulta{{"consulta": "{booked}"}}'
        )

        assert desk.reading_of(turn).reminder == Asked(booked, Reply.MOVE)
        assert intent_of(desk, turn) == "remarcar_consulta"

    def test_appointment_of_a_tap_is_no_entity_for_rasa(self, desk, booked):
        turn = self.tap(desk, "Confirmar", f'/afirmar{{"consulta": "{booked}"}}')
        reading = desk.reading_of(turn)

        parsed = parsed_beforehand(turn, reading.choice, reading.reminder)

        assert parsed["entities"] == []

    def test_tap_is_good_after_other_talk(self, desk, booked):
        desk.is_answered(desk.says("quanto custa?"), "Depende. Quer marcar?")
        desk.sends_all()

        turn = self.tap(desk, "Confirmar", f'/afirmar{{"consulta": "{booked}"}}')

        assert desk.reading_of(turn).reminder == Asked(booked, Reply.CONFIRM)

    def test_tap_for_an_appointment_that_was_not_offered_means_its_title(
        self, desk, booked
    ):
        turn = self.tap(desk, "Confirmar", f'/afirmar{{"consulta": "{booked + 1}"}}')

        assert desk.reading_of(turn).choice is None
        assert desk.reading_of(turn).reminder == Asked(booked, Reply.CONFIRM)

    @pytest.mark.parametrize("payload", ["confirmar", "sim_eu_vou"])
    def test_button_of_the_approved_template_says_its_title(
        self, desk, booked, payload
    ):
        turn = self.tap(desk, "Confirmar", payload)

        assert desk.reading_of(turn).reminder == Asked(booked, Reply.CONFIRM)

    def test_number_means_the_reminders_option_and_not_the_answers_before(self, desk):
        made = desk.books()
        desk.is_at(before(DAY_BEFORE, minutes=5))
        buttons = tuple({"title": each, "payload": each} for each in ("Seg", "Ter"))
        desk.is_answered(desk.says("quando?"), "Qual?", buttons=buttons)
        desk.sends_all()
        desk.reminds(DAY_BEFORE)
        desk.sends()
        desk.store.now += 1

        assert desk.reads("2").reminder == Asked(made, Reply.MOVE)

    def test_title_of_an_option_before_the_reminder_is_a_word_to_the_reminder(
        self, desk
    ):
        made = desk.books()
        desk.is_at(before(DAY_BEFORE, minutes=5))
        buttons = tuple({"title": each, "payload": each} for each in ("Sim", "Não"))
        desk.is_answered(desk.says("apaga tudo"), "Apago?", buttons=buttons)
        desk.sends_all()
        desk.reminds(DAY_BEFORE)
        desk.sends()
        desk.store.now += 1

        assert desk.reads("não").reminder == Asked(made, Reply.DECLINE)

    def test_number_does_not_mean_a_reminder_that_nobody_saw(self, desk):
        desk.books()
        desk.is_at(before(DAY_BEFORE, minutes=5))
        buttons = tuple({"title": each, "payload": each} for each in ("Seg", "Ter"))
        desk.is_answered(desk.says("quando?"), "Qual?", buttons=buttons)
        desk.sends_all()
        desk.reminds(DAY_BEFORE)
        desk.change("appointment", status="cancelada")
        desk.sends()

        assert desk.reads("1").choice == Choice("Seg")


class TestPeople:
    def take(self, desk, turn, **settings):
        """The channel takes a claimed message; returns whether it ended there."""
        services = ChannelServices(
            desk.settings, desk.store.engine, WakeUp(1), desk.office.zone
        )
        reading = desk.reading_of(turn)
        is_over = asyncio.run(answer_without_rasa(turn, reading, services))
        services.wake.close()
        return is_over

    def owned_by_a_person(self, desk) -> None:
        talk = desk.store.rows("conversation")[0].id
        change = OwnerChange(talk, turns.PERSON)
        origin = Origin(talk, None, 0)
        desk.store.write(lambda c: apply(c, change, origin, now=desk.store.now))

    def test_yes_is_kept_where_a_person_has_the_conversation(self, desk, booked):
        self.owned_by_a_person(desk)

        assert self.take(desk, desk.says("confirmo"))

        assert desk.appointment(booked).confirmed_at is not None

    def test_other_words_to_a_person_change_nothing(self, desk, booked):
        self.owned_by_a_person(desk)

        assert self.take(desk, desk.says("cancela"))

        assert desk.appointment(booked).confirmed_at is None
        assert desk.appointment(booked).status == "marcada"

    def test_yes_is_kept_while_the_robot_is_switched_off(self, desk, booked):
        turn = desk.says("confirmo")
        desk.store.write(
            lambda c: c.exec_driver_sql(
                "INSERT INTO answer_mode (scope, mode, changed_at, changed_by)"
                " VALUES ('geral', 'humano', 1, '')"
            )
        )

        assert self.take(desk, turn)

        assert turn.effects[1:] == [AppointmentChange("confirmar", booked)]
        assert isinstance(turn.effects[0], Handoff)
        assert desk.appointment(booked).confirmed_at is not None

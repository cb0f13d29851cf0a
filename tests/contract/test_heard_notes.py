"""What becomes of voice notes before anybody understands their words."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.core import phrases
from bot.core.modes import Mode
from bot.core.names import Profile
from bot.core.schedule import ZONE
from bot.core.speech import Trouble
from bot.store import appointments, modes, reminders, turns
from bot.store.appointments import Facts
from bot.store.effects import Origin, OwnerChange
from bot.store.schema import inbox, outbox
from bot.store.turns import Outgoing
from tests.contract import test_store
from tests.contract.hearing_desk import UNSURE, HearingDesk, opened
from tests.contract.test_store import OUTCOME

migrated_sqlite = test_store.migrated_sqlite
CPF_HEARD = "meu CPF é 529.982.247-25"
TUESDAY = "Quero marcar terça às três da tarde."
LONG = "Eu trabalhava numa padaria e o dono nunca assinou a minha carteira " * 200


def question(*texts: str) -> str:
    return f"{phrases.heard_question(texts)}\n\n1. Sim\n2. Não"


@pytest.fixture
def desk(tmp_path: Path, migrated_sqlite: bytes) -> Iterator[HearingDesk]:
    made = opened(migrated_sqlite, tmp_path)
    yield made
    made.services.wake.close()
    made.store.engine.dispose()


class TestNote:
    def test_short_clear_note_is_answered_like_a_text(self, desk):
        said = desk.speaks("Oi, bom dia!")

        assert said.words == "Oi, bom dia!"
        assert said.above == ()
        assert said.facts == {"confianca": 0.9, "segundos": 4.2, "conferida": False}

    @pytest.mark.parametrize("more", [{"confidence": UNSURE}, {"is_damaged": True}])
    def test_what_is_not_sure_is_asked_about_and_nothing_done(self, desk, more):
        said = desk.speaks("Quero cancelar.", **more)

        assert said.direct == (question("Quero cancelar."),)
        assert said.words is None
        assert desk.questions() == ["perguntado"]

    @pytest.mark.parametrize(
        "text",
        [
            CPF_HEARD,
            "O número é cinco zero zero um.",
            "Ana arroba gmail ponto com",
            "Ele me deve dois mil reais.",
        ],
    )
    def test_values_that_whisper_gets_wrong_are_asked_about(self, desk, text):
        assert desk.speaks(text).direct == (question(text),)

    def test_day_of_a_client_is_shown_above_the_answer(self, desk):
        said = desk.speaks(TUESDAY)

        assert said.words == TUESDAY
        assert said.above == ("Entendi: “Quero marcar terça às três da tarde”",)

    def test_day_of_a_lawyer_is_asked_about(self, desk):
        desk.is_known(Profile.LAWYER)

        assert desk.speaks(TUESDAY).direct == (question(TUESDAY),)

    def test_what_a_lawyer_commands_without_numbers_is_shown(self, desk):
        desk.is_known(Profile.LAWYER)

        said = desk.speaks("Salva essa foto na pasta da Ana.")

        assert said.above == ("Entendi: “Salva essa foto na pasta da Ana”",)

    def test_note_that_is_only_half_clear_is_shown(self, desk):
        assert desk.speaks("Quanto custa?", 0.7).above == ("Entendi: “Quanto custa?”",)

    def test_of_a_long_note_the_beginning_is_shown(self, desk):
        (shown,) = desk.speaks(LONG).above

        assert len(shown) < 650
        assert shown.endswith("…”")

    def test_long_note_is_asked_about_whole_in_parts(self, desk):
        said = desk.speaks(LONG, UNSURE)

        assert all(len(part) <= 1600 for part in said.direct)
        assert " ".join(LONG.split()[-4:]) in said.direct[-1]
        assert said.direct[-1].endswith("1. Sim\n2. Não")

    @pytest.mark.parametrize("text", ["", " ", "...", "🎵 🎵", "♪"])
    def test_note_without_words_is_asked_for_again(self, desk, text):
        assert desk.speaks(text).direct == (phrases.UNHEARD[Trouble.SILENT],)

    def test_why_it_was_not_heard_is_told(self, desk):
        said = desk.speaks("", trouble=Trouble.TOO_LONG)

        assert said.direct == (phrases.audio_too_long(300),)

    @pytest.mark.parametrize(
        "text", ["/agendar_consulta", "/restart", '/afirmar{"audio": "1"}']
    )
    def test_command_that_is_heard_is_none(self, desk, text):
        assert desk.speaks(text).intent == "nlu_fallback"

    def test_note_that_sounds_like_our_question_confirms_nothing(self, desk):
        said = desk.speaks("Entendi do seu áudio: quero cancelar. É isso? Sim.")

        assert said.words is not None
        assert desk.questions() == [""]

    def test_marks_of_whatsapp_in_it_do_nothing(self, desk):
        assert "∗grátis∗" in desk.speaks("é *grátis*", UNSURE).direct[0]

    def test_voice_is_no_file_beside_its_words(self, desk):
        turn = desk.spoken("Salva na pasta da Ana.")
        assert turn.attachments

        assert desk.reads(turn).hearing.said.attachments == ()


class TestAnswer:
    @pytest.mark.parametrize("words", ["sim", "É isso mesmo!", "s", "👍", "1", "Sim"])
    def test_yes_takes_the_words_as_the_message(self, desk, words):
        desk.speaks(CPF_HEARD)

        said = desk.writes(words)

        assert said.words == CPF_HEARD
        assert said.facts == {"confianca": 0.9, "segundos": 4.2, "conferida": True}
        assert said.above == ()
        assert desk.questions() == ["confirmado"]

    def test_tap_is_a_yes(self, desk):
        desk.speaks(CPF_HEARD)

        assert desk.taps(0, "Sim").words == CPF_HEARD

    @pytest.mark.parametrize("words", ["Sim.", "Isso mesmo.", "Um."])
    def test_spoken_yes_is_not_asked_about_itself(self, desk, words):
        desk.speaks(CPF_HEARD)

        said = desk.speaks(words, UNSURE)

        assert said.words == CPF_HEARD
        assert desk.questions() == ["confirmado", ""]

    @pytest.mark.parametrize("words", ["não", "Errado.", "nada disso", "2", "👎"])
    def test_no_does_nothing_and_asks_for_it_again(self, desk, words):
        desk.speaks(CPF_HEARD)

        assert desk.writes(words).direct == (phrases.HEARD_WRONG,)
        assert desk.questions() == ["negado"]

    def test_spoken_no_does_nothing(self, desk):
        desk.speaks(CPF_HEARD)

        assert desk.speaks("Dois.").direct == (phrases.HEARD_WRONG,)

    def test_written_correction_is_the_message(self, desk):
        desk.speaks("meu CPF é 5.00")

        said = desk.writes("errado, meu CPF é 529.982.247-25")

        assert said.words == CPF_HEARD
        assert said.facts is None
        assert desk.questions() == ["negado"]

    def test_spoken_correction_is_asked_about_again_and_then_taken(self, desk):
        desk.speaks("meu CPF é 5.00")

        asked = desk.speaks(f"Não, {CPF_HEARD}")
        said = desk.writes("sim")

        assert asked.direct == (question(CPF_HEARD),)
        assert said.words == CPF_HEARD
        assert desk.questions() == ["negado", "confirmado"]

    def test_other_talk_is_what_it_is_and_ends_the_question(self, desk):
        desk.speaks(CPF_HEARD)

        other, late = desk.writes("quanto custa?"), desk.writes("sim")

        assert (other.words, late.words) == ("quanto custa?", "sim")
        assert desk.questions() == ["perguntado"]

    def test_old_button_says_that_it_is_old(self, desk):
        desk.speaks(CPF_HEARD)
        desk.writes("quanto custa?")

        assert desk.taps(0, "Sim").direct == (phrases.STALE_CHOICE,)
        assert desk.questions() == ["perguntado"]

    def test_second_tap_takes_nothing_twice(self, desk):
        desk.speaks(CPF_HEARD)
        desk.taps(0, "Sim")

        assert desk.taps(0, "Sim").direct == (phrases.STALE_CHOICE,)

    def test_button_of_another_note_takes_no_other_words(self, desk):
        desk.speaks(CPF_HEARD)
        desk.speaks("Ele me deve dois mil reais.")

        assert desk.taps(0, "Sim").direct == (phrases.STALE_CHOICE,)
        assert desk.questions() == ["perguntado", "perguntado"]

    def test_note_that_could_not_be_heard_leaves_the_question_standing(self, desk):
        desk.speaks(CPF_HEARD)
        desk.speaks("", trouble=Trouble.SILENT)

        assert desk.writes("sim").words == CPF_HEARD

    def test_yes_in_a_form_goes_into_the_form(self, desk):
        desk.writes("quero marcar")
        desk.opens_form()
        desk.speaks(CPF_HEARD)

        assert desk.writes("sim").words == CPF_HEARD

    def test_forwarded_yes_is_somebody_elses(self, desk):
        desk.speaks(CPF_HEARD)

        said = desk.speaks("Sim.", Forwarded="true")

        assert said.words == "Sim."
        assert desk.questions() == ["perguntado", ""]

    def test_file_that_a_confirmed_command_quoted_goes_with_it(self, desk):
        desk.is_known(Profile.LAWYER)
        photo = desk.spoken("olha isso", Forwarded="true")
        desk.answered(photo)
        sid = desk.store.rows("inbox")[0].message_sid
        desk.speaks("Salva isso na pasta 2 da Ana.", OriginalRepliedMessageSid=sid)

        turn = desk.written("sim")

        said = desk.reads(turn).hearing.said
        assert [each.id for each in said.attachments] == [photo.attachments[0].id]

    def test_quoting_the_question_answers_it_after_a_reminder_too(self, desk):
        desk.speaks(CPF_HEARD)
        row = desk.store.rows("outbox")[-1]
        change = sa.update(outbox).where(outbox.c.id == row.id)
        desk.store.write(lambda c: c.execute(change.values(provider_sid="SMq")))
        remind(desk)

        said = desk.writes("isso", OriginalRepliedMessageSid="SMq")

        assert said.words == CPF_HEARD

    def test_tomorrow_stays_the_day_that_was_meant(self, desk):
        evening = datetime(2026, 11, 16, 23, 58, tzinfo=ZONE).timestamp()
        desk.speaks("Pode ser amanhã às dez.", UNSURE)
        note = desk.store.rows("inbox")[-1].id
        change = sa.update(inbox).where(inbox.c.id == note)
        desk.store.write(lambda c: c.execute(change.values(received_at=evening)))
        turn = desk.written("sim")

        assert desk.reads(turn).hearing.said.received_at == evening

    def test_other_words_count_from_the_yes(self, desk):
        desk.speaks("Quero cancelar.", UNSURE)
        turn = desk.written("sim")

        assert desk.reads(turn).hearing.said.received_at == turn.received_at


class TestInterrupted:
    def test_turn_that_is_tried_again_asks_the_same_and_counts_once(self, desk):
        turn = desk.spoken(CPF_HEARD)
        desk.reads(turn)  # and the process ends
        desk.store.write(lambda c: turns.release(c, lease_owner="w1"))

        assert desk.answered(desk.store.claimed()).direct == (question(CPF_HEARD),)
        assert desk.questions() == ["perguntado"]

    def test_yes_counts_only_with_its_turn(self, desk):
        desk.speaks(CPF_HEARD)
        turn = desk.written("sim")
        reading = desk.reads(turn)
        turn.effects = list(reading.hearing.effects)
        turn.outgoing = [Outgoing("ok")]

        desk.store.fail_at_the_end(
            lambda c: turns.commit(c, turn, OUTCOME, now=time.time())
        )

        assert desk.questions() == ["perguntado"]
        assert desk.answered(turn).words == CPF_HEARD
        assert desk.questions() == ["confirmado"]


class TestSentTogether:
    def test_notes_in_a_row_are_asked_about_together(self, desk):
        other = "Ele me deve dois mil reais."
        desk.sends_note(CPF_HEARD)
        desk.sends_note(other)

        first = desk.answered(desk.store.claimed())
        second = desk.answered(desk.store.claimed())
        said = desk.writes("sim")

        assert first.direct == (question(CPF_HEARD),)
        assert second.direct == (question(CPF_HEARD, other),)
        assert said.words == f"{CPF_HEARD}\n{other}"
        assert desk.questions() == ["confirmado", "confirmado"]

    def test_first_button_of_notes_asked_about_together_takes_both(self, desk):
        desk.sends_note(CPF_HEARD)
        desk.sends_note("Ele me deve dois mil reais.")
        desk.answered(desk.store.claimed())
        desk.answered(desk.store.claimed())

        assert desk.taps(0, "Sim").words.startswith(CPF_HEARD)

    def test_question_outlives_what_was_on_its_way_to_us(self, desk):
        desk.sends_note(CPF_HEARD)
        desk.store.accept("obrigada")
        desk.answered(desk.store.claimed())
        desk.answered(desk.store.claimed())

        assert desk.writes("sim").words == CPF_HEARD

    def test_but_a_form_that_asks_since_gets_the_yes(self, desk):
        desk.sends_note(CPF_HEARD)
        desk.store.accept("quero marcar")
        desk.answered(desk.store.claimed())
        desk.answered(desk.store.claimed())
        desk.opens_form()

        assert desk.writes("sim").words == "sim"

    @pytest.mark.parametrize("words", ["sim", "1", "isso mesmo"])
    def test_yes_that_was_written_before_the_question_is_none(self, desk, words):
        desk.sends_note(CPF_HEARD)
        desk.store.accept(words)
        desk.answered(desk.store.claimed())

        assert desk.answered(desk.store.claimed()).words == words


class TestOthers:
    def test_person_of_the_office_is_not_interrupted(self, desk):
        desk.writes("oi")
        talk = desk.store.rows("conversation")[0].id
        desk.store.apply(OwnerChange(talk, "pessoa"), Origin(talk, None, 0))

        assert desk.speaks(CPF_HEARD).direct == ()
        assert desk.questions() == [""]

    def test_question_that_a_person_kept_from_leaving_is_none(self, desk):
        desk.speaks(CPF_HEARD)
        revoke = sa.update(outbox).values(status="revoked")
        desk.store.write(lambda c: c.execute(revoke))

        assert desk.writes("isso mesmo").words == "isso mesmo"

    def test_who_writes_while_the_robot_is_off_is_not_asked(self, desk):
        desk.writes("oi")
        off = modes.Chosen(modes.OFFICE, Mode.PERSON, None, time.time(), "painel")
        desk.store.write(lambda c: modes.choose(c, off))

        assert desk.speaks(CPF_HEARD).direct == (phrases.WAITING_FOR_PERSON,)

    def test_spoken_wish_for_silence_counts(self, desk):
        assert desk.speaks("Parar.").direct == (phrases.OPTED_OUT,)

    def test_wish_for_silence_that_is_not_sure_is_asked_about_first(self, desk):
        desk.speaks("Parar.", UNSURE)

        assert desk.store.rows("conversation")[0].opted_out_at is None
        assert desk.writes("sim").direct == (phrases.OPTED_OUT,)
        assert desk.questions() == ["confirmado"]

    def test_forwarded_wish_for_silence_is_somebody_elses(self, desk):
        assert desk.speaks("Parar.", Forwarded="true").words == "Parar."

    @pytest.mark.parametrize("spoken", ["A segunda opção.", "Dois.", "Remarcar."])
    def test_option_may_be_spoken(self, desk, spoken):
        desk.writes("oi")
        offer(desk)

        assert desk.speaks(spoken).choice.intent == "remarcar_consulta"

    def test_option_that_was_confirmed_is_the_one_offered_before(self, desk):
        desk.writes("oi")
        offer(desk)
        desk.speaks("A segunda opção.", UNSURE)

        assert desk.writes("sim").choice.intent == "remarcar_consulta"


class TestReminder:
    @pytest.fixture
    def booked(self, desk) -> int:
        desk.writes("oi")
        return remind(desk)

    def test_spoken_yes_confirms(self, desk, booked):
        said = desk.speaks("Confirmo, sim.")

        assert said.reading.reminder.appointment_id == booked
        assert said.intent == "afirmar"

    def test_unsure_yes_is_asked_about_and_then_confirms(self, desk, booked):
        asked = desk.speaks("Sim.", UNSURE)
        said = desk.writes("isso mesmo")

        assert asked.direct == (question("Sim."),)
        assert said.words == "Sim."
        assert said.intent == "afirmar"
        assert said.reading.reminder.appointment_id == booked

    def test_unsure_yes_confirms_nothing_where_a_person_answers(self, desk, booked):
        talk = desk.store.rows("conversation")[0].id
        desk.store.apply(OwnerChange(talk, "pessoa"), Origin(talk, None, 0))

        turn = desk.spoken("Sim.", UNSURE)

        assert desk.reads(turn).reminder is None

    def test_yes_after_a_reminder_means_the_reminder(self, desk):
        desk.speaks(CPF_HEARD)
        booked = remind(desk)

        said = desk.writes("confirmo")

        assert said.reading.reminder.appointment_id == booked
        assert desk.questions() == ["perguntado"]

    def test_reminder_that_nobody_has_seen_takes_no_yes(self, desk):
        desk.speaks(CPF_HEARD)
        booked = remind(desk)
        change = sa.update(outbox).where(outbox.c.appointment_id == booked)
        desk.store.write(lambda c: c.execute(change.values(status="waiting")))

        assert desk.writes("isso mesmo").words == CPF_HEARD

    def test_quoting_the_reminder_means_the_reminder(self, desk):
        desk.speaks(CPF_HEARD)
        booked = remind(desk)
        change = sa.update(outbox).where(outbox.c.appointment_id == booked)
        desk.store.write(lambda c: c.execute(change.values(provider_sid="SMr")))

        said = desk.writes("isso mesmo", OriginalRepliedMessageSid="SMr")

        assert said.words == "isso mesmo"
        assert said.reading.reminder.appointment_id == booked


class TestForwarded:
    def test_clients_forwarded_voice_is_shown_and_commands_nothing(self, desk):
        said = desk.speaks("Quero cancelar a consulta.", Forwarded="true")

        assert said.words == "Quero cancelar a consulta."
        assert said.intent == "nlu_fallback"
        assert said.above == ("Áudio encaminhado: “Quero cancelar a consulta”",)

    def test_it_is_not_asked_about(self, desk):
        assert desk.speaks(CPF_HEARD, UNSURE, Forwarded="true").direct == ()

    def test_it_answers_no_question_of_a_form(self, desk):
        desk.writes("quero marcar")
        desk.opens_form()

        (told,) = desk.speaks("Pode marcar.", Forwarded="true").direct

        assert told.startswith("Áudio encaminhado: “Pode marcar”")
        assert told.endswith(phrases.FORWARDED_IN_FORM)

    @pytest.mark.parametrize("trouble", [None, Trouble.UNCLEAR])
    def test_lawyer_is_told_how_to_keep_it(self, desk, trouble):
        desk.is_known(Profile.LAWYER)

        (told,) = desk.speaks("Assume a Ana.", trouble=trouble, Forwarded="true").direct

        assert told.endswith(phrases.FORWARDED_TO_LAWYER)
        assert ("Assume a Ana" in told) is (trouble is None)

    def test_in_a_lawyers_form_it_is_the_file(self, desk):
        desk.is_known(Profile.LAWYER)
        desk.writes("salva na pasta da Ana")
        desk.opens_form("form_salvar_no_drive")
        turn = desk.spoken("", trouble=Trouble.TOO_LONG, Forwarded="true")

        reading = desk.reads(turn)

        assert len(reading.hearing.said.attachments) == 1
        assert desk.answered(turn).intent == "enviar_documento"


def offer(desk: HearingDesk) -> None:
    """We ask, with options to tap."""
    turn = desk.written("quais são?")
    options = (
        {"title": "Confirmar", "payload": "/afirmar"},
        {"title": "Remarcar", "payload": "/remarcar_consulta"},
    )
    turn.outgoing = [Outgoing("Qual?", buttons=options)]
    desk.store.write(lambda c: turns.commit(c, turn, OUTCOME, now=time.time()))


def remind(desk: HearingDesk) -> int:
    """Books an appointment for tomorrow, and reminds of it."""
    talk, now = desk.store.rows("conversation")[0].id, time.time()
    held = desk.store.write(
        lambda c: appointments.hold(
            c,
            conversation_id=talk,
            lawyer="Dra. Helena Modelo",
            starts_at=now + 86_400,
            ends_at=now + 90_000,
            now=now,
            facts=Facts(modality="presencial", person_name="Ana Prado"),
        )
    )
    desk.store.write(
        lambda c: appointments.book(c, held, conversation_id=talk, now=now)
    )
    booked = desk.store.read(lambda c: appointments.get(c, held))
    desk.store.write(
        lambda c: reminders.say(
            c, booked, "Você vem?", variables={}, not_after=now + 900, now=now
        )
    )
    seen = sa.update(outbox).where(outbox.c.appointment_id == held)
    sent = seen.values(status="sent", started_at=now)
    desk.store.write(lambda c: c.execute(sent))
    return int(booked.id)

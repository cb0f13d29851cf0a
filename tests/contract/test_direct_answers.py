"""What is answered before anybody understands words, and what is said first."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.core import phrases
from bot.core.modes import Mode
from bot.core.schedule import ZONE
from bot.core.settings import Settings, load_settings
from bot.store import modes
from bot.store.appointments import hold
from bot.store.effects import AppointmentChange, Origin
from bot.store.inbox import Attachment
from bot.store.schema import events, metadata
from bot.store.turns import Turn
from bot.wake import WakeUp
from connectors.direct_answers import (
    answer_without_rasa,
    notices_of,
    parsed_beforehand,
    read,
    words_for_rasa,
)
from connectors.services import ChannelServices
from tests.contract import test_store
from tests.contract.test_store import MARIA, Store

migrated_sqlite = test_store.migrated_sqlite
URL = "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1"


class Desk:
    """The channel's side of a turn, without Rasa behind it."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.services = ChannelServices(settings, store.engine, WakeUp(1))

    def turn(self, text: str = "", *files: str, kind: str = "", **payload: str) -> Turn:
        """A person writes, with files that came to each status."""
        attachments = tuple(Attachment(URL) for _ in files)
        kind = kind or ("image" if files else "text")
        accepted = self.store.accept(
            text, MARIA, kind=kind, attachments=attachments, payload=payload
        )
        table = metadata.tables["media"]
        for ordinal, status in enumerate(files):
            is_it = (table.c.inbox_id == accepted.inbox_id, table.c.ordinal == ordinal)
            change = table.update().where(*is_it).values(status=status)
            self.store.write(lambda c, change=change: c.execute(change))
        return self.store.claimed()

    def answer(self, turn: Turn) -> list[str] | None:
        """Returns what was said directly, or None where Rasa is to answer."""

        async def run() -> bool:
            reading = await self.services.read(
                lambda c: read(c, turn, self.services.settings)
            )
            turn.notices = notices_of(turn, self.services.settings, now=self.store.now)
            return await answer_without_rasa(turn, reading, self.services)

        if not asyncio.run(run()):
            return None
        rows = self.store.rows("outbox")
        return [row.body for row in rows if row.inbox_id == turn.inbox_id]

    def say(self, text: str, *files: str, **more: Any) -> list[str] | None:
        return self.answer(self.turn(text, *files, **more))

    def talk(self) -> Any:
        return self.store.rows("conversation")[0]

    def open_form(self, name: str | None) -> None:
        row = {
            "sender_id": self.talk().id,
            "type_name": "active_loop",
            "action_name": name,
        }
        self.store.write(lambda c: c.execute(events.insert().values(**row)))


@pytest.fixture
def desk(tmp_path: Path, migrated_sqlite: bytes) -> Iterator[Desk]:
    (tmp_path / "store.db").write_bytes(migrated_sqlite)
    url = f"sqlite:///{tmp_path}/store.db"
    settings = load_settings({"DATABASE_URL": url}, folder=tmp_path)
    engine = test_store.open_engine(url)
    desk = Desk(Store(engine), settings)
    yield desk
    desk.services.wake.close()
    engine.dispose()


class TestFiles:
    @pytest.mark.parametrize("status", ["guardado", "pendente"])
    def test_file_that_is_here_or_on_its_way_goes_to_its_flow(self, desk, status):
        turn = desk.turn("", status)

        assert desk.answer(turn) is None
        assert turn.notices == []
        assert parsed_beforehand(turn)["intent"]["name"] == "enviar_documento"

    @pytest.mark.parametrize(
        ("status", "sentence"),
        [
            ("recusado", phrases.FILE_REFUSED),
            ("falhou", phrases.FILE_FAILED),
            ("grande", phrases.file_too_large(16)),
        ],
    )
    def test_file_that_cannot_be_had_is_told_and_not_thanked_for(
        self, desk, status, sentence
    ):
        assert desk.say("", status) == [sentence]

    def test_size_of_documents_is_named_for_documents(self, desk):
        said = desk.say("", "grande", kind="document")

        assert said == [phrases.file_too_large(100)]

    def test_one_bad_file_of_an_album_is_told_beside_the_answer(self, desk):
        turn = desk.turn("", "guardado", "recusado", "recusado")

        assert desk.answer(turn) is None
        assert [each.text for each in turn.notices] == [phrases.FILE_REFUSED]

    def test_words_beside_a_bad_file_are_answered_too(self, desk):
        turn = desk.turn("quanto custa uma consulta?", "falhou")

        assert desk.answer(turn) is None
        assert [each.text for each in turn.notices] == [phrases.FILE_FAILED]


class TestNotices:
    @pytest.mark.parametrize(
        ("age_s", "opening"),
        [
            (599, None),
            (601, "14h49"),
            (86_400, "ontem às 15h00"),
            (172_800, "21/11 às 15h00"),
        ],
    )
    def test_late_answer_says_so(self, desk, age_s, opening):
        desk.store.now = datetime(2026, 11, 23, 15, 0, tzinfo=ZONE).timestamp()
        now, desk.store.now = desk.store.now, desk.store.now - age_s
        turn = desk.turn("vocês abrem sábado?")

        notices = notices_of(turn, desk.services.settings, now=now)

        assert len(notices) == (opening is not None)
        if opening:
            assert notices[0].text == phrases.late_opening(opening)

    @pytest.mark.parametrize(("length", "count"), [(1599, 0), (1600, 1)])
    def test_text_that_twilio_cut_is_asked_for(self, desk, length, count):
        turn = desk.turn("a" * length, Body="a" * length)

        notices = notices_of(turn, desk.services.settings, now=desk.store.now)

        assert [each.text for each in notices] == [phrases.TEXT_CUT] * count

    def test_person_of_the_office_speaks_alone(self, desk):
        first = desk.turn("oi")
        change = test_store.OwnerChange(first.conversation_id, "pessoa")
        desk.store.commit(first, "olá")
        desk.store.apply(change, Origin(first.conversation_id, None, 0))
        turn = desk.turn("a" * 1600, Body="a" * 1600)

        assert desk.answer(turn) == []


class TestConsent:
    @pytest.mark.parametrize("word", ["PARAR", "sair", "Stop", "cancelar"])
    def test_word_alone_stops_what_answers_nothing(self, desk, word):
        assert desk.say(word) == [phrases.OPTED_OUT]
        assert desk.talk().opted_out_at is not None

    def test_who_left_is_still_answered(self, desk):
        desk.say("parar")

        assert desk.say("quanto custa?") is None

    def test_word_in_a_form_leaves_the_form(self, desk):
        desk.say("parar")
        desk.say("voltar")
        desk.open_form("form_agendar_consulta")

        assert desk.say("parar") is None
        assert desk.talk().opted_out_at is None

    def test_form_that_is_over_is_no_form(self, desk):
        desk.store.answered("oi")
        desk.open_form("form_agendar_consulta")
        desk.open_form(None)

        assert desk.say("parar") == [phrases.OPTED_OUT]

    def test_cancelar_means_the_appointment_where_there_is_one(self, desk):
        desk.store.answered("oi")
        book(desk)

        assert desk.say("cancelar") is None
        assert desk.talk().opted_out_at is None

    def test_coming_back_is_confirmed(self, desk):
        desk.say("parar")

        assert desk.say("VOLTAR") == [phrases.OPTED_IN]
        assert desk.talk().opted_out_at is None

    def test_coming_back_means_nothing_to_who_never_left(self, desk):
        assert desk.say("voltar") is None

    def test_messaging_service_may_have_heard_it(self, desk):
        assert desk.say("adeus", OptOutType="STOP") == [phrases.OPTED_OUT]


def book(desk: Desk) -> None:
    talk, now = desk.talk().id, time.time()
    facts = {
        "conversation_id": talk,
        "lawyer": "Dra. Helena Modelo",
        "starts_at": now + 3600,
        "ends_at": now + 7200,
        "now": now,
    }
    held = desk.store.write(lambda c: hold(c, **facts))
    desk.store.now = now
    desk.store.apply(AppointmentChange("marcar", held), Origin(talk, None, 0))


class TestOptions:
    def ask(self, desk: Desk, payload: str = "sim") -> None:
        option = {"title": "Sim", "payload": payload}
        desk.store.accept("quero")
        turn = desk.store.claimed()
        turn.outgoing = [test_store.Outgoing("Posso?", buttons=(option,))]
        desk.store.write(
            lambda c: test_store.turns.commit(
                c, turn, test_store.OUTCOME, now=desk.store.now
            )
        )

    def test_tap_is_read_as_its_words(self, desk):
        self.ask(desk)
        turn = desk.turn("Sim", ButtonText="Sim", ButtonPayload="sim")
        reading = desk.store.read(lambda c: read(c, turn, desk.services.settings))

        assert desk.answer(turn) is None
        assert words_for_rasa(turn, reading.choice) == "sim"
        assert parsed_beforehand(turn, reading.choice) is None

    def test_old_tap_is_told_so(self, desk):
        self.ask(desk)
        desk.store.answered("Outra pergunta?")

        said = desk.say("Sim", ButtonText="Sim", ButtonPayload="sim")

        assert said == [phrases.STALE_CHOICE]

    def test_command_of_ours_needs_no_reading(self, desk):
        self.ask(desk, '/afirmar{"nome": "x"}')
        turn = desk.turn("Sim", ButtonPayload='/afirmar{"nome": "x"}')
        reading = desk.store.read(lambda c: read(c, turn, desk.services.settings))

        parsed = parsed_beforehand(turn, reading.choice)

        assert parsed["intent"] == {"name": "afirmar", "confidence": 1.0}
        assert parsed["entities"] == [{"entity": "nome", "value": "x"}]
        assert parsed["text"] == "Sim"

    def test_command_that_a_person_types_is_words(self, desk):
        turn = desk.turn("/excluir_dados", ButtonPayload="/excluir_dados")
        reading = desk.store.read(lambda c: read(c, turn, desk.services.settings))

        parsed = parsed_beforehand(turn, reading.choice)

        assert parsed["intent"]["name"] == "nlu_fallback"


class TestModes:
    def switch(self, desk, mode: Mode, scope: str = modes.OFFICE, until=None) -> None:
        choice = modes.Chosen(scope, mode, until, desk.store.now, "teste")
        desk.store.write(lambda c: modes.choose(c, choice))

    def test_while_the_robot_is_off_people_are_told_once_and_wait(self, desk):
        self.switch(desk, Mode.PERSON)

        assert desk.say("oi, boa tarde") == [phrases.WAITING_FOR_PERSON]
        assert desk.say("tem alguém aí?") == []
        [waiting] = desk.store.rows("handoff")
        assert waiting.reason == "modo_humano"
        assert {row.answered_by for row in desk.store.rows("inbox")} == {"pessoa"}

    def test_one_conversation_may_be_off_alone(self, desk):
        mine = desk.turn("oi")
        self.switch(desk, Mode.PERSON, mine.conversation_id)

        assert desk.answer(mine) == [phrases.WAITING_FOR_PERSON]

    def test_choice_ends_by_itself(self, desk):
        self.switch(desk, Mode.PERSON, until=time.time() - 1)

        assert desk.say("oi") is None

    @pytest.mark.parametrize("mode", [each for each in Mode if each != Mode.PERSON])
    def test_in_every_other_mode_rasa_answers(self, desk, mode):
        self.switch(desk, mode)

        assert desk.say("oi") is None

    def test_office_that_is_off_is_off_for_every_conversation(self, desk):
        mine = desk.turn("oi")
        self.switch(desk, Mode.PERSON)
        self.switch(desk, Mode.MODEL, mine.conversation_id)

        assert desk.answer(mine) == [phrases.WAITING_FOR_PERSON]

"""Voices are deleted when they are old enough, and not before somebody needs them."""

from __future__ import annotations

import asyncio
import itertools
import socket
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from actions.work.filing import Filed, _told
from bot.core.names import AnsweredBy, Profile
from bot.core.settings import load_settings
from bot.core.speech import Heard, Trouble
from bot.store import (
    attachments,
    audio_retention,
    inbox,
    jobs,
    media,
    people,
    transcripts,
    turns,
)
from bot.store.audio_retention import UNHEARD_KEPT_S
from bot.store.database import open_engine, reading, writing
from bot.store.inbox import Attachment, InboundMessage, Rules
from bot.store.media import HERE, Kept
from bot.store.migrate import upgrade
from bot.store.people import Person
from bot.store.schema import metadata
from bot.store.turns import Outcome, Outgoing
from bot.wake import WakeUp
from connectors.audio_retention import AudioRetention
from connectors.media_files import keep_bytes
from connectors.services import ChannelServices

DAY_S = 86_400
PATIENCE_S = 20
OGG = b"OggS\0\x02" + bytes(20) + b"\x01\x13OpusHead\x01\x01" + bytes(100)
HEARD = Heard("quero marcar", 0.9, 4.0, 3.0, 1.0, "openai-whisper:base")
LAWYER = Person("+5511912345678", "Dra. Helena Modelo", Profile.LAWYER)


class Clock:
    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


class Rounds:
    """Lets the loop go on only when a test says so."""

    def __init__(self) -> None:
        self.waited: list[float] = []
        self._is_done = asyncio.Event()
        self._next = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self._is_done.set()
        await self._next.wait()
        self._next.clear()

    async def first(self) -> None:
        await asyncio.wait_for(self._is_done.wait(), PATIENCE_S)

    async def another(self) -> None:
        self._is_done.clear()
        self._next.set()
        await self.first()


class Desk:
    """The loop over old voices, with its database, folder and clock."""

    def __init__(self, folder: Path, **environ: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = str(probe.getsockname()[1])
        self.clock, self.rounds = Clock(), Rounds()
        self.folder = folder / "midia"
        settings = load_settings(
            {
                "DATABASE_URL": f"sqlite:///{folder}/audio.db",
                "MEDIA_DIR": str(self.folder),
                "EDGE_PORT": port,
                "RASA_PORT": port,
                "WHISPER_MODEL": "base",
                **environ,
            },
            folder=folder,
        )
        self.engine = open_engine(settings.database_url)
        upgrade(self.engine)
        self.services = ChannelServices(settings, self.engine, WakeUp(int(port)))
        self.loop = AudioRetention(
            self.services, clock=self.clock, sleep=self.rounds.sleep
        )
        self._count = itertools.count(1)

    def write(self, query: Any) -> Any:
        with writing(self.engine) as connection:
            return query(connection)

    def rows(self, table: str) -> list[Any]:
        with reading(self.engine) as connection:
            return list(connection.execute(sa.select(metadata.tables[table])).all())

    @property
    def statuses(self) -> list[str]:
        return [row.status for row in self.rows("media")]

    @property
    def files(self) -> list[Path]:
        return [path for path in self.folder.glob("??/*") if path.is_file()]

    async def receive(
        self,
        outcome: Heard | Trouble | None = HEARD,
        *,
        kind: str = "audio",
        media_type: str = "audio/ogg",
        phone: str = "+5511987654321",
        is_answered: bool = True,
    ) -> str:
        """Takes a voice note, lets it be heard and answered; returns its media's id."""
        stored = await keep_bytes(self.folder, OGG)
        kept = Kept(stored.id, media_type, len(OGG), stored.sha256, "")
        message = InboundMessage(
            message_sid=f"API{next(self._count):032x}",
            account_sid="api",
            address=f"whatsapp:{phone}",
            text="",
            source="api",
            kind=kind,
            attachments=(Attachment(HERE, media_type, kept),),
        )
        now = self.clock.now
        rules = Rules.of(self.services.settings)
        accepted = self.write(lambda c: inbox.accept(c, message, now=now, rules=rules))
        if kind == "audio" and outcome is not None:
            self.hear(outcome)
        if is_answered:
            self.answer()
        (row,) = (r for r in self.rows("media") if r.inbox_id == accepted.inbox_id)
        return row.id

    def hear(self, outcome: Heard | Trouble) -> None:
        now = self.clock.now
        note = self.write(
            lambda c: transcripts.claim(c, lease_owner="w", now=now, lease_s=60)
        )
        if isinstance(outcome, Heard):
            self.write(lambda c: transcripts.finish(c, note, outcome, now=now))
        else:
            self.write(lambda c: transcripts.give_up(c, note, outcome, now=now))

    def answer(self) -> None:
        """Ends the turn of the oldest message, whatever it waits for."""
        later = self.clock.now + self.services.settings.whisper_wait_s
        turn = self.write(
            lambda c: turns.claim(c, lease_owner="w", now=later, lease_s=90)
        )
        turn.outgoing = [Outgoing("Recebi.")]
        outcome = Outcome("saudar", 1.0, AnsweredBy.RULE)
        self.write(lambda c: turns.commit(c, turn, outcome, now=later))

    async def run(self) -> None:
        """Starts the loop and lets it have one round."""
        await self.loop.start()
        await self.rounds.first()


@pytest.fixture
async def desks(tmp_path):
    opened: list[Desk] = []

    def open_desk(**environ: str) -> Desk:
        desk = Desk(tmp_path, **environ)
        opened.append(desk)
        return desk

    yield open_desk
    for desk in opened:
        await desk.loop.stop()
        desk.services.wake.close()
        desk.engine.dispose()


@pytest.fixture
def desk(desks):
    return desks()


class TestAge:
    async def test_voice_goes_after_its_days_and_its_text_stays(self, desk):
        await desk.receive()
        desk.clock.now += 7 * DAY_S
        await desk.run()

        (row,) = desk.rows("media")
        (message,), (transcript,) = desk.rows("inbox"), desk.rows("transcript")
        assert (row.status, row.stored_id, desk.files) == ("apagado", None, [])
        assert message.text == transcript.text == "quero marcar"
        assert transcript.status == "ouvido"

    async def test_voice_stays_until_then(self, desk):
        await desk.receive()
        desk.clock.now += 7 * DAY_S - 1
        await desk.run()

        assert desk.statuses == ["guardado"]
        assert len(desk.files) == 1

    async def test_it_is_looked_at_every_hour(self, desk):
        await desk.receive()
        await desk.run()
        desk.clock.now += 7 * DAY_S
        await desk.rounds.another()

        assert desk.statuses == ["apagado"]
        assert desk.rounds.waited == [3600.0] * 2

    async def test_without_days_it_goes_as_soon_as_it_was_heard(self, desks):
        desk = desks(AUDIO_KEEP_DAYS="0")
        await desk.receive()
        await desk.run()

        assert desk.statuses == ["apagado"]
        assert desk.rounds.waited == [60.0]

    async def test_what_nobody_heard_stays_a_day_for_people_to_listen(self, desks):
        desk = desks(AUDIO_KEEP_DAYS="0")
        await desk.receive(Trouble.UNCLEAR)
        desk.clock.now += UNHEARD_KEPT_S - 1
        await desk.run()
        before = desk.statuses
        desk.clock.now += 1
        await desk.rounds.another()

        assert (before, desk.statuses) == (["guardado"], ["apagado"])

    async def test_voice_of_an_office_that_hears_none_goes_too(self, desks):
        desk = desks(WHISPER_MODEL="", AUDIO_KEEP_DAYS="0")
        await desk.receive(None)
        desk.clock.now += DAY_S
        await desk.run()

        assert desk.statuses == ["apagado"]

    async def test_more_than_fit_into_one_round_go_in_one_round(self, desks):
        desk = desks(AUDIO_KEEP_DAYS="0")
        for _ in range(101):
            await desk.receive()
        await desk.run()

        assert set(desk.statuses) == {"apagado"}
        assert desk.files == []

    async def test_no_more_are_forgotten_at_once_than_was_said(self, desk):
        for _ in range(3):
            await desk.receive()
        later = desk.clock.now + 90 * DAY_S
        gone = desk.write(
            lambda c: audio_retention.forget(c, now=later, keep_s=1, limit=2)
        )

        assert len(gone) == 2
        assert sorted(desk.statuses) == ["apagado", "apagado", "guardado"]

    async def test_it_is_the_same_on_postgresql(self, desks, request):
        server = request.getfixturevalue("postgres_server")
        desk = desks(DATABASE_URL=server.new_database())
        mine = await desk.receive()
        await desk.receive()
        TestWhatStays.file(desk, mine, "novo")
        desk.clock.now += 7 * DAY_S
        await desk.run()

        assert sorted(desk.statuses) == ["apagado", "guardado"]
        assert len(desk.files) == 1


class TestWhatStays:
    @pytest.mark.parametrize(
        ("kind", "media_type", "left"),
        [
            ("image", "image/jpeg", ["guardado"]),
            ("document", "application/pdf", ["guardado"]),
            ("audio", "audio/mpeg", ["apagado"]),
            ("document", "audio/mpeg", ["guardado"]),  # waits to be filed
        ],
    )
    async def test_only_sound_is_deleted(self, desk, kind, media_type, left):
        await desk.receive(kind=kind, media_type=media_type)
        desk.clock.now += 90 * DAY_S
        await desk.run()

        assert desk.statuses == left

    async def test_what_was_sent_as_a_voice_and_is_none_goes_too(self, desk):
        await desk.receive(None, is_answered=False)
        refused = "UPDATE media SET status = 'recusado', media_type = 'recusado'"
        desk.write(lambda c: c.execute(sa.text(refused)))
        desk.answer()
        desk.clock.now += 90 * DAY_S
        await desk.run()

        assert desk.statuses == ["apagado"]

    async def test_unanswered_message_keeps_its_voice(self, desk):
        await desk.receive(is_answered=False)
        desk.clock.now += 90 * DAY_S
        await desk.run()

        assert desk.statuses == ["guardado"]

    async def test_voice_that_is_being_heard_stays(self, desk):
        await desk.receive(None)
        desk.clock.now += 90 * DAY_S
        later = desk.clock.now
        desk.write(
            lambda c: transcripts.claim(c, lease_owner="w", now=later, lease_s=60)
        )
        await desk.run()
        during = desk.statuses
        desk.clock.now += 60
        await desk.rounds.another()

        assert (during, desk.statuses) == (["guardado"], ["apagado"])

    async def test_voice_that_will_not_be_heard_is_given_up(self, desk):
        await desk.receive(None)
        desk.clock.now += 90 * DAY_S
        await desk.run()

        (row,) = desk.rows("transcript")
        assert (row.status, row.trouble) == ("nao_ouvido", "demorou")

    @pytest.mark.parametrize("status", ["novo", "alugado", "parado"])
    async def test_voice_that_a_job_is_to_file_stays(self, desk, status):
        mine = await desk.receive()
        await desk.receive()
        self.file(desk, mine, status)
        desk.clock.now += 90 * DAY_S
        await desk.run()
        during = desk.statuses
        desk.write(lambda c: c.execute(sa.text("UPDATE job SET status = 'feito'")))
        await desk.rounds.another()

        assert during == ["guardado", "apagado"]
        assert desk.statuses == ["apagado", "apagado"]

    @staticmethod
    def file(desk: Desk, media_id: str, status: str) -> None:
        facts = {"anexos": [media_id], "pasta": {"name": "pessoa:rui lima"}}
        desk.write(lambda c: jobs.add(c, key="1", kind="arquivar", facts=facts, now=1))
        desk.write(lambda c: jobs.add(c, key="2", kind="agenda", facts={}, now=1))
        desk.write(lambda c: c.execute(sa.text(f"UPDATE job SET status = '{status}'")))

    async def test_voice_that_a_lawyer_is_filing_stays(self, desks):
        desk = desks(AUDIO_KEEP_DAYS="0")
        desk.write(lambda c: people.save(c, LAWYER, now=1))
        await desk.receive(phone=LAWYER.phone)
        await desk.receive()
        self.open_forms(desk)
        await desk.run()
        during = desk.statuses
        desk.clock.now += DAY_S
        await desk.rounds.another()

        assert (during, desk.statuses) == (["guardado", "apagado"], ["apagado"] * 2)

    @staticmethod
    def open_forms(desk: Desk) -> None:
        table = metadata.tables["events"]
        for talk in desk.rows("conversation"):
            values = {
                "sender_id": talk.id,
                "type_name": "active_loop",
                "action_name": "form_salvar_no_drive",
                "timestamp": 1.0,
                "data": "{}",
            }
            desk.write(lambda c, v=values: c.execute(table.insert().values(**v)))

    def test_job_that_comes_in_between_is_seen(self, desk):
        """`forget` looks again, inside the transaction that deletes."""
        asyncio.run(desk.receive())
        mine = desk.rows("media")[0].id
        later = desk.clock.now + 90 * DAY_S
        with reading(desk.engine) as connection:
            found = audio_retention.outdated(connection, now=later, keep_s=1)
        self.file(desk, mine, "novo")
        gone = desk.write(
            lambda c: audio_retention.forget(c, now=later, keep_s=1, limit=9)
        )

        assert [each.media_id for each in found] == [mine]
        assert gone == ()


class TestCrash:
    async def test_file_whose_row_is_gone_already_is_deleted(self, desk):
        await desk.receive()
        desk.clock.now += 7 * DAY_S
        now = desk.clock.now
        desk.write(  # and the process dies before it deletes the file
            lambda c: audio_retention.forget(c, now=now, keep_s=1, limit=9)
        )
        left = len(desk.files)
        await desk.run()

        assert (left, desk.files) == (1, [])

    async def test_file_that_has_just_been_stored_stays(self, desk):
        await desk.receive()
        stored = await keep_bytes(desk.folder, OGG)  # its message comes next
        desk.clock.now = stored.path.stat().st_mtime + 3500
        await desk.run()
        desk.clock.now += 101
        during = len(desk.files)
        await desk.rounds.another()

        assert (during, len(desk.files)) == (2, 1)

    async def test_file_that_is_gone_already_is_no_trouble(self, desk):
        await desk.receive()
        desk.files[0].unlink()
        desk.clock.now += 7 * DAY_S
        await desk.run()

        assert desk.statuses == ["apagado"]

    async def test_broken_database_ends_nothing(self, desk):
        await desk.receive()
        desk.clock.now += 7 * DAY_S
        rename = "ALTER TABLE {} RENAME TO {}"
        desk.write(lambda c: c.execute(sa.text(rename.format("job", "gone"))))
        await desk.run()
        desk.write(lambda c: c.execute(sa.text(rename.format("gone", "job"))))
        await desk.rounds.another()

        assert desk.statuses == ["apagado"]


class TestReadersOfAttachments:
    async def test_deleted_voice_is_not_offered_for_filing(self, desk):
        await desk.receive()
        desk.clock.now += 7 * DAY_S
        await desk.run()
        talk = desk.rows("conversation")[0].id

        with reading(desk.engine) as connection:
            assert attachments.recent(connection, talk, since=0) == []
            (shown,) = attachments.sent_in(connection, talk)
            assert (shown.status, shown.stored_id) == ("apagado", "")
            assert media.known_files(connection) == set()

    def test_lawyer_is_told_why_a_deleted_voice_was_not_filed(self):
        told = _told(Filed(left_out=(("voz.ogg", media.DELETED),)))

        assert told.startswith("Não guardei voz.ogg: já não está guardado")

    async def test_what_is_deleted_here_is_still_deleted_at_twilio(self, desk):
        await desk.receive()
        desk.write(lambda c: c.execute(sa.text("UPDATE media SET url = 'https://x'")))
        desk.clock.now += 7 * DAY_S
        await desk.run()

        with reading(desk.engine) as connection:
            assert len(media.to_delete_at_twilio(connection, limit=9)) == 1

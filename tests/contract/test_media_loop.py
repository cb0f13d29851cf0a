"""Attachments: fetched beside the turns, told when they cannot be had."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import os
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.core.names import AnsweredBy
from bot.core.phrases import FILE_FAILED, FILE_REFUSED, file_too_large
from bot.core.settings import load_settings
from bot.store import inbox, turns
from bot.store.database import open_engine, reading, writing
from bot.store.inbox import Attachment, InboundMessage, Rules
from bot.store.migrate import upgrade
from bot.store.schema import metadata
from bot.store.turns import Outcome, Outgoing, Turn
from bot.wake import WakeUp
from connectors.media_loop import MAX_ATTEMPTS, MediaLoop
from connectors.services import ChannelServices
from tests.fakes.fake_media import FakeMedia, Fault, MediaFile, serve
from tests.fakes.fake_twilio import ACCOUNT_SID, AUTH_TOKEN

PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
PAGE = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
HUGE_PHOTO = b"\xff\xd8\xff\xe0" + bytes(1024 * 1024)
PATIENCE_S = 20


async def _no_pause(_seconds: float) -> None:
    """Takes no time between the attempts of one fetch."""


class Clock:
    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """An edge's loop over attachments, with its database and folder."""

    def __init__(self, folder: Path, media: FakeMedia, **environ: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = str(probe.getsockname()[1])
        self.media = media
        self.clock = Clock()
        self.folder = folder / "midia"
        settings = load_settings(
            {
                "DATABASE_URL": f"sqlite:///{folder}/midia.db",
                "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
                "TWILIO_API_BASE_URL": media.url,
                "MEDIA_DIR": str(self.folder),
                "EDGE_PORT": port,
                "RASA_PORT": port,
                **environ,
            },
            folder=folder,
        )
        self.engine = open_engine(settings.database_url)
        upgrade(self.engine)
        self.services = ChannelServices(
            settings, self.engine, WakeUp(settings.edge_port)
        )
        self.loop = MediaLoop(self.services, clock=self.clock, sleep=_no_pause)
        self._count = itertools.count(1)

    def receive(self, content: bytes, kind: str = "image", name: str = "") -> int:
        sid = f"MM{next(self._count):032x}"
        disposition = f'inline; filename="{name}"' if name else ""
        url = self.media.receive(sid, MediaFile(content, "image/jpeg", disposition))
        return self.accept(sid, url, kind)

    def accept(self, sid: str, url: str, kind: str = "image") -> int:
        message = InboundMessage(
            message_sid=sid,
            account_sid=ACCOUNT_SID,
            address="whatsapp:+5511987654321",
            recipient="whatsapp:+551140042233",
            text="",
            source="whatsapp",
            kind=kind,
            attachments=(Attachment(url, "image/jpeg"),),
        )
        rules = Rules.of(self.services.settings)
        with writing(self.engine) as connection:
            return inbox.accept(
                connection, message, now=self.clock.now, rules=rules
            ).inbox_id

    def claim(self) -> Turn | None:
        with writing(self.engine) as connection:
            return turns.claim(
                connection, lease_owner="w", now=self.clock.now, lease_s=90
            )

    def answer(self, text: str = "Recebi") -> None:
        """Ends the turn of the oldest message, whatever it waits for."""
        self.clock.now += self.services.settings.media_wait_s
        turn = self.claim()
        assert turn is not None
        turn.outgoing = [Outgoing(text)]
        outcome = Outcome("enviar_documento", 1.0, AnsweredBy.FLOW)
        with writing(self.engine) as connection:
            turns.commit(connection, turn, outcome, now=self.clock.now)

    def rows(self, table: str) -> list[Any]:
        query = sa.select(metadata.tables[table])
        with reading(self.engine) as connection:
            return list(connection.execute(query).all())

    def row(self) -> Any:
        (row,) = self.rows("media")
        return row

    def files(self) -> list[Path]:
        return [path for path in self.folder.glob("??/*") if path.is_file()]

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                ticket = self.services.wake.ticket()
                if is_so():
                    return
                await self.services.wake.wait(ticket, 0.02)

    async def until_status(self, status: str) -> Any:
        await self.until(lambda: self.row().status == status)
        return self.row()


@contextlib.asynccontextmanager
async def running_desk(
    folder: Path, media: FakeMedia, **environ: str
) -> AsyncIterator[Desk]:
    desk = Desk(folder, media, **environ)
    try:
        yield desk
    finally:
        await desk.loop.stop()
        desk.services.wake.close()
        desk.engine.dispose()


@pytest.fixture
async def media() -> AsyncIterator[FakeMedia]:
    async with serve(FakeMedia()) as running:
        yield running


@pytest.fixture
async def desk(tmp_path: Path, media: FakeMedia) -> AsyncIterator[Desk]:
    async with running_desk(tmp_path, media) as running:
        yield running


class TestFetching:
    async def test_attachment_is_kept_with_what_its_bytes_say(self, desk):
        desk.receive(PDF, name="contrato.pdf")
        await desk.loop.start()

        row = await desk.until_status("guardado")

        (path,) = desk.files()
        assert path.read_bytes() == PDF
        assert path.name == row.stored_id
        assert row.media_type == "application/pdf"
        assert row.size_bytes == len(PDF)
        assert row.sha256 == hashlib.sha256(PDF).hexdigest()
        assert row.original_name == "contrato.pdf"

    async def test_turn_waits_for_it_and_no_longer(self, desk):
        desk.receive(PDF)
        assert desk.claim() is None
        await desk.loop.start()

        await desk.until_status("guardado")
        await desk.until(lambda: desk.rows("inbox")[0].next_at <= desk.clock.now)
        turn = desk.claim()

        assert [each.status for each in turn.attachments] == ["guardado"]

    async def test_what_is_not_ours_to_open_is_refused_and_kept(self, desk):
        desk.receive(PAGE)
        await desk.loop.start()

        row = await desk.until_status("recusado")

        assert row.media_type == "recusado"
        assert len(desk.files()) == 1

    async def test_address_that_is_not_twilios_gets_no_request(self, desk, media):
        desk.accept("MM" + "a" * 32, "http://169.254.169.254/latest/meta-data")
        await desk.loop.start()

        row = await desk.until_status("falhou")

        assert row.error == "address"
        assert media.calls == []

    async def test_file_that_is_too_large_is_told_so(self, tmp_path, media):
        async with running_desk(tmp_path, media, MEDIA_MAX_MB="1") as desk:
            desk.receive(HUGE_PHOTO)
            await desk.loop.start()

            await desk.until_status("grande")

            assert desk.files() == []

    async def test_failure_is_tried_again_later(self, desk, media):
        media.fail_next(*[Fault("error")] * 3)
        desk.receive(PDF)
        await desk.loop.start()

        await desk.until(lambda: desk.row().error == "fault")
        assert desk.row().status == "pendente"
        desk.clock.now += 16

        await desk.until_status("guardado")
        assert desk.row().attempts == 1
        assert len(desk.files()) == 1

    async def test_restart_goes_on_with_what_waits(self, tmp_path, media):
        async with running_desk(tmp_path, media) as desk:
            desk.receive(PDF)
        async with running_desk(tmp_path, media) as desk:
            await desk.loop.start()

            await desk.until_status("guardado")

    async def test_files_that_nobody_knows_are_cleared(self, desk):
        orphan = desk.folder / "ab" / ("ab" + "0" * 30)
        fresh = desk.folder / "ab" / ("ab" + "1" * 30)
        for path in (orphan, fresh):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
        os.utime(orphan, (desk.clock.now - 4000,) * 2)
        os.utime(fresh, (desk.clock.now - 10,) * 2)

        await desk.loop.start()

        assert desk.files() == [fresh]

    async def test_without_a_token_nothing_is_asked_for(self, tmp_path, media):
        async with running_desk(tmp_path, media, TWILIO_AUTH_TOKEN="") as desk:
            desk.receive(PDF)
            await desk.loop.start()

            assert media.calls == []


class TestTelling:
    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (PAGE, FILE_REFUSED),
            (HUGE_PHOTO, file_too_large(1)),
        ],
        ids=["refused", "too-large"],
    )
    async def test_failure_after_the_answer_is_told(
        self, tmp_path, media, content, sentence
    ):
        async with running_desk(tmp_path, media, MEDIA_MAX_MB="1") as desk:
            desk.receive(content)
            desk.answer("Recebi o arquivo")
            await desk.loop.start()

            await desk.until(lambda: len(desk.rows("outbox")) == 2)

            rows = desk.rows("outbox")
            assert [row.body for row in rows] == ["Recebi o arquivo", sentence]
            assert [row.ordinal for row in rows] == [0, 1]
            assert rows[1].purpose == "aviso"

    async def test_failure_before_the_answer_is_left_to_the_answer(self, desk, media):
        desk.accept("MM" + "b" * 32, "https://example.com/x")
        await desk.loop.start()
        await desk.until_status("falhou")
        await desk.until(lambda: desk.rows("inbox")[0].next_at <= desk.clock.now)

        desk.answer("Não consegui abrir")

        assert len(desk.rows("outbox")) == 1

    async def test_it_gives_up_after_the_last_attempt(self, desk, media):
        desk.receive(PDF)
        desk.answer()
        with writing(desk.engine) as connection:
            connection.execute(
                metadata.tables["media"].update().values(attempts=MAX_ATTEMPTS - 1)
            )
        media.fail_next(*[Fault("error")] * 3)
        await desk.loop.start()

        await desk.until_status("falhou")

        await desk.until(lambda: len(desk.rows("outbox")) == 2)
        assert desk.rows("outbox")[1].body == FILE_FAILED


class TestDeletingAtTwilio:
    async def test_what_is_kept_here_is_deleted_there(self, tmp_path, media):
        async with running_desk(tmp_path, media, MEDIA_DELETE_AT_TWILIO="1") as desk:
            desk.receive(PDF)
            await desk.loop.start()

            await desk.until(lambda: desk.row().deleted_at_twilio_at is not None)

            assert len(media.deleted) == 1
            assert len(desk.files()) == 1

    async def test_it_stays_there_unless_configured(self, desk, media):
        desk.receive(PDF)
        await desk.loop.start()

        await desk.until_status("guardado")

        assert media.deleted == []
        assert {call.method for call in media.calls} == {"GET"}

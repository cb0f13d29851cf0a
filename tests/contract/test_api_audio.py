"""Voice notes through the API: taken, kept like WhatsApp's, heard, answered."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.core.phrases import NO_AUDIO, UNHEARD
from bot.core.settings import ROOT
from bot.core.speech import Heard, Trouble
from bot.store import media, transcripts
from bot.store.database import writing
from bot.wake import WakeUp
from connectors.direct_answers import answer_without_rasa, read
from connectors.media_files import NewFile
from connectors.services import ChannelServices
from connectors.turn_worker import TurnWorker
from tests.contract.test_edge import (
    API_TOKEN,
    PATIENCE_S,
    Edge,
    ScriptedAssistant,
    assert_is_refusal,
    hung,
    running_edge,
)

OGG = (
    b"OggS\0\x02" + bytes(20) + b"\x01\x13OpusHead\x01\x01" + b"voz da pessoa " * 700
)  # more than a text may have
FILM = b"\0\0\0\x14ftypmp42\0\0\0\0isom" + b"\0\0\0\x18hdlr" + bytes(8) + b"vide"
PHONE = "+5511987654321"
SAID = "quero marcar uma consulta"
HEARD = Heard(SAID, 0.87, 9.13, 7.0, 2.0, "openai-whisper:base")
AUTHORIZED = {"Authorization": f"Bearer {API_TOKEN}"}
MIB = 1024 * 1024


class Office:
    """An edge with somebody who answers and, where told, somebody who listens."""

    def __init__(self, edge: Edge, folder: Path, services: ChannelServices) -> None:
        self.edge = edge
        self.folder = folder
        self._services = services

    async def ask_json(self, **fields: Any) -> Any:
        return await self.edge.ask({"telefone": PHONE, **fields})

    async def ask_form(
        self, content: bytes | None = OGG, name: str = "nota.ogg", **fields: str
    ) -> Any:
        form = aiohttp.FormData(default_to_multipart=True, quote_fields=False)
        for field, value in {"telefone": PHONE, **fields}.items():
            form.add_field(field, value)
        if content is not None:
            form.add_field("audio", io.BytesIO(content), filename=name)
        return await self.edge.request(
            "POST", "/processar_atendimento", data=form, headers=AUTHORIZED
        )

    async def hear(self, outcome: Heard | Trouble) -> bytes:
        """Plays the action server for one voice note; returns its bytes."""
        note = await self.until(self._claim)
        path = self.folder / note.stored_id[:2] / note.stored_id
        with writing(self.edge.engine) as connection:
            if isinstance(outcome, Heard):
                transcripts.finish(connection, note, outcome, now=time.time())
            else:
                transcripts.give_up(connection, note, outcome, now=time.time())
        self._services.wake.here()
        return path.read_bytes()

    def _claim(self) -> transcripts.ToHear | None:
        with writing(self.edge.engine) as connection:
            return transcripts.claim(
                connection, lease_owner="ouvido", now=time.time(), lease_s=60
            )

    async def until(self, look: Callable[[], Any]) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = look()
                if found:
                    return found
                await asyncio.sleep(0.02)

    @property
    def files(self) -> list[Path]:
        return [path for path in self.folder.glob("**/*") if path.is_file()]


@asynccontextmanager
async def running_office(folder: Path, **environ: str) -> AsyncIterator[Office]:
    kept = folder / "midia"
    async with running_edge(folder, MEDIA_DIR=str(kept), **environ) as edge:
        wake = WakeUp(edge.settings.rasa_port)
        await wake.open()
        services = ChannelServices(edge.settings, edge.engine, wake)
        understood = ScriptedAssistant(services)

        async def answer(turn: Any) -> None:
            reading = await services.read(lambda c: read(c, turn, edge.settings))
            if not await answer_without_rasa(turn, reading, services):
                await understood(turn)

        worker = TurnWorker(services, answer, drain_s=0.05)
        worker.start()
        try:
            yield Office(edge, kept, services)
        finally:
            await worker.stop()
            wake.close()


@pytest.fixture
async def office(tmp_path):
    """Nobody hears here, and nothing that has come is waited for."""
    async with running_office(tmp_path, MEDIA_WAIT_S="600") as running:
        yield running


@pytest.fixture
async def listening(tmp_path):
    async with running_office(tmp_path, WHISPER_MODEL="base") as running:
        yield running


def in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


class TestHeard:
    async def test_note_in_base64_is_heard_and_answered(self, listening):
        asking = asyncio.create_task(listening.ask_json(audio=in_base64(OGG)))
        heard_bytes = await listening.hear(HEARD)
        answer = await asking

        assert heard_bytes == OGG
        assert answer.status == 200
        assert answer.json == {
            "resposta": "Abrimos de segunda a sexta.",
            "fluxo": "consultar_horario",
            "tipo_usuario": "desconhecido",
            "mensagens": ["Abrimos de segunda a sexta."],
            "confianca": 0.93,
            "quem_respondeu": "regra",
            "transcricao": {
                "texto": SAID,
                "confianca": 0.87,
                "segundos": 9.1,
                "situacao": "ouvido",
            },
        }

    async def test_note_in_a_form_is_heard_and_answered(self, listening):
        asking = asyncio.create_task(listening.ask_form(nome="Ana Prado"))
        heard_bytes = await listening.hear(HEARD)
        answer = await asking

        assert heard_bytes == OGG
        assert answer.json["transcricao"]["texto"] == SAID
        (talk,) = listening.edge.rows("conversation")
        assert talk.display_name == "Ana Prado"

    async def test_it_is_kept_as_one_from_whatsapp(self, listening):
        asking = asyncio.create_task(
            listening.ask_form(name="C:\\voz\u202e da Ana.ogg")
        )
        await listening.hear(HEARD)
        await asking

        (kept,) = listening.edge.rows("media")
        (message,) = listening.edge.rows("inbox")
        (path,) = listening.files
        assert (kept.status, kept.media_type) == ("guardado", "audio/ogg")
        assert (kept.size_bytes, kept.original_name) == (len(OGG), "voz da Ana.ogg")
        assert (path.name, path.parent.name) == (kept.stored_id, kept.stored_id[:2])
        assert path.stat().st_mode & 0o777 == 0o600
        assert kept.fetched_at == message.received_at
        assert (message.kind, message.text, message.source) == ("audio", SAID, "api")

    async def test_note_without_words_says_why(self, listening):
        asking = asyncio.create_task(listening.ask_form())
        await listening.hear(Trouble.SILENT)
        answer = await asking

        assert answer.json["resposta"] == UNHEARD[Trouble.SILENT]
        assert answer.json["transcricao"] == {
            "texto": "",
            "confianca": None,
            "segundos": None,
            "situacao": "nao_ouvido",
            "motivo": "sem_fala",
        }

    async def test_note_that_nobody_hears_in_time_is_answered(self, tmp_path):
        environ = {"WHISPER_MODEL": "base", "WHISPER_WAIT_S": "0.3"}
        async with running_office(tmp_path, **environ) as office:
            answer = await office.ask_form()

        assert answer.json["resposta"] == UNHEARD[Trouble.LATE]
        assert answer.json["transcricao"]["motivo"] == "demorou"

    async def test_its_caller_waits_as_long_as_it_may_take_to_be_heard(self, tmp_path):
        environ = {"WHISPER_MODEL": "base", "API_WAIT_S": "0.1"}
        async with running_office(tmp_path, **environ) as office:
            asking = asyncio.create_task(office.ask_form())
            await office.until(lambda: office.edge.rows("transcript"))
            late = await office.edge.ask({"telefone": "11912345678", "mensagem": "oi"})
            await office.hear(HEARD)
            answer = await asking

        assert late.status in {200, 504}
        assert answer.json["transcricao"]["texto"] == SAID

    async def test_too_many_notes_are_answered_at_once(self, tmp_path):
        environ = {"WHISPER_MODEL": "base", "WHISPER_QUEUE": "1"}
        async with running_office(tmp_path, **environ) as office:
            first = asyncio.create_task(office.ask_form())
            await office.until(lambda: office.edge.rows("transcript"))
            answer = await office.ask_form(telefone="11912345678")
            await office.hear(HEARD)
            await first

        assert answer.json["transcricao"]["motivo"] == "muitos"

    async def test_server_that_hears_is_woken(self, tmp_path):
        async with running_office(tmp_path, WHISPER_MODEL="base") as office:
            ear = WakeUp(office.edge.settings.actions_port)
            await ear.open()
            ticket = ear.ticket()
            asking = asyncio.create_task(office.ask_form())
            await ear.wait(ticket, PATIENCE_S)
            is_woken = ticket.is_set()
            await office.hear(HEARD)
            await asking
            ear.close()

        assert is_woken


class TestNobodyHears:
    async def test_person_is_asked_to_write_and_the_note_is_kept(self, office):
        answer = await office.ask_json(audio=in_base64(OGG))

        assert answer.status == 200
        assert answer.json["resposta"] == NO_AUDIO
        assert answer.json["transcricao"]["motivo"] == "nao_configurado"
        assert [path.read_bytes() for path in office.files] == [OGG]

    async def test_it_is_neither_fetched_nor_deleted_at_twilio(self, tmp_path):
        environ = {"MEDIA_DELETE_AT_TWILIO": "1"}
        async with running_office(tmp_path, **environ) as office:
            await office.ask_form()

            with writing(office.edge.engine) as connection:
                assert media.to_delete_at_twilio(connection, limit=9) == []
                assert not media.is_any_due(connection, now=time.time())

    async def test_text_has_no_transcript(self, office):
        answer = await office.ask_json(mensagem="vocês abrem sábado?")

        assert "transcricao" not in answer.json


class TestForms:
    @pytest.mark.parametrize(
        "content",
        [
            in_base64(OGG),
            f"data:audio/ogg;codecs=opus;base64,{in_base64(OGG)}",
            f"DATA:;base64,\r\n{in_base64(OGG)}",
            base64.encodebytes(OGG).decode(),
            base64.encodebytes(OGG).decode().replace("\n", "\r\n\t"),
        ],
        ids=["plain", "data-url", "bare-data-url", "lines", "indented"],
    )
    async def test_base64_as_programs_write_it(self, office, content):
        answer = await office.ask_json(audio=content)

        assert answer.status == 200
        assert [path.read_bytes() for path in office.files] == [OGG]

    async def test_form_may_hold_words_instead(self, office):
        answer = await office.ask_form(None, mensagem="vocês abrem sábado?")

        assert answer.status == 200
        assert "transcricao" not in answer.json
        assert office.edge.rows("inbox")[0].text == "vocês abrem sábado?"

    async def test_file_that_nobody_chose_is_none(self, office):
        answer = await office.ask_form(b"", name="", mensagem="oi")

        assert answer.status == 200

    async def test_blank_words_beside_a_note_are_none(self, office):
        answer = await office.ask_form(mensagem="")

        assert answer.json["transcricao"]["motivo"] == "nao_configurado"

    async def test_longest_note_is_taken_in_both_forms(self, tmp_path):
        longest = OGG + bytes(MIB - len(OGG))
        async with running_office(tmp_path, MEDIA_MAX_MB="1") as office:
            form = await office.ask_form(longest)
            lines = base64.encodebytes(longest).decode().replace("\n", "\r\n")
            body = await office.ask_json(audio=lines)

        assert (form.status, body.status) == (200, 200)

    async def test_body_of_unknown_length_is_taken(self, office):
        body = json.dumps({"telefone": PHONE, "audio": in_base64(OGG)}).encode()

        async def chunks() -> AsyncIterator[bytes]:
            for at in range(0, len(body), 5_000):
                yield body[at : at + 5_000]

        headers = {**AUTHORIZED, "Content-Type": "application/json"}
        answer = await office.edge.request(
            "POST", "/processar_atendimento", data=chunks(), headers=headers
        )

        assert answer.status == 200
        assert [path.read_bytes() for path in office.files] == [OGG]


PICTURE = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(500)
PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
ENCRYPTED = random.Random(7).randbytes(5_000)
NO_SOUND = {
    "text": b"isto nao e um audio",
    "picture": PICTURE,
    "pdf": PDF,
    "encrypted": ENCRYPTED,
    "page": b"<!doctype html><script>alert(1)</script>",
}


class TestRefused:
    @pytest.mark.parametrize("content", NO_SOUND.values(), ids=NO_SOUND)
    @pytest.mark.parametrize("form", ["json", "multipart"])
    async def test_what_is_no_sound_whatever_its_name(self, office, content, form):
        if form == "json":
            answer = await office.ask_json(audio=in_base64(content))
        else:
            answer = await office.ask_form(content, name="nota.ogg")

        self.assert_refused(office, answer, 422)
        assert "não é um áudio" in answer.json["erro"]["mensagem"]

    async def test_film_has_a_sentence_of_its_own(self, office):
        answer = await office.ask_form(FILM, name="voz.m4a")

        self.assert_refused(office, answer, 422)
        assert "vídeo" in answer.json["erro"]["mensagem"]

    @pytest.mark.parametrize(
        ("audio", "words"),
        [
            ("isto não é base64", "base64"),
            (in_base64(OGG)[:-1], "base64"),
            ("T2dnUw-_", "base64"),
            ("data:audio/ogg,T2dnUw==", "base64"),
            ("", "vazio"),
            ("data:audio/ogg;base64,", "vazio"),
            (7, "base64"),
            (["T2dnUw=="], "base64"),
            (True, "base64"),
        ],
    )
    async def test_bad_base64(self, office, audio, words):
        answer = await office.ask_json(audio=audio)

        self.assert_refused(office, answer, 422)
        assert words in answer.json["erro"]["mensagem"]

    async def test_empty_file(self, office):
        answer = await office.ask_form(b"", name="nota.ogg")

        self.assert_refused(office, answer, 422)
        assert "vazio" in answer.json["erro"]["mensagem"]

    async def test_words_and_sound_together(self, office):
        both = await office.ask_json(mensagem="oi", audio=in_base64(OGG))
        form = await office.ask_form(mensagem="oi")

        for answer in (both, form):
            self.assert_refused(office, answer, 422)
            assert "um de cada vez" in answer.json["erro"]["mensagem"]

    async def test_neither_words_nor_sound(self, office):
        answer = await office.ask_form(None)

        self.assert_refused(office, answer, 422, "mensagem")
        assert "audio" in answer.json["erro"]["mensagem"]

    @pytest.mark.parametrize("phone", ["", "oi"])
    async def test_note_of_nobody(self, office, phone):
        answer = await office.ask_json(audio=in_base64(OGG), telefone=phone)

        self.assert_refused(office, answer, 422, "telefone")

    @pytest.mark.parametrize("size", [MIB + 1, 2 * MIB, 3 * MIB])
    async def test_note_with_too_many_bytes(self, tmp_path, size):
        async with running_office(tmp_path, MEDIA_MAX_MB="1") as office:
            content = OGG + bytes(size - len(OGG))
            form = await office.ask_form(content)
            body = await office.ask_json(audio=in_base64(content))

            for answer in (form, body):
                self.assert_refused(office, answer, 413)
                assert "o máximo é 1 MB" in answer.json["erro"]["mensagem"]

    async def test_text_beside_a_note_is_bounded_too(self, office):
        answer = await office.ask_form(nome="x" * 201)

        self.assert_refused(office, answer, 422, "nome")

    async def test_sound_as_a_text_field(self, office):
        answer = await office.ask_form(None, audio=in_base64(OGG))

        self.assert_refused(office, answer, 422)
        assert "-F audio=@" in answer.json["erro"]["mensagem"]

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"--limite\r\nsem dois pontos\r\n\r\nx\r\n--limite--\r\n", 400),
            (b"--limite\r\nContent-Disposition: form-data; name=\"telefone\"\r\n\r\n"
             b"\xff\xfe\r\n--limite--\r\n", 400),
            (b"--limite" * 50, 415),
            (b"outra coisa", 415),
            (b"", 415),
        ],
    )  # fmt: skip
    async def test_form_that_cannot_be_read(self, office, body, status):
        kind = {"Content-Type": "multipart/form-data; boundary=limite"}

        answer = await office.edge.ask(body, **kind)

        field = "Content-Type" if status == 415 else ""
        self.assert_refused(office, answer, status, field)

    async def test_form_without_a_boundary(self, office):
        answer = await office.edge.ask(b"x", **{"Content-Type": "multipart/form-data"})

        self.assert_refused(office, answer, 415, "Content-Type")

    async def test_who_has_no_token_may_not_send_much(self, office):
        port = office.edge.settings.edge_port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /processar_atendimento HTTP/1.1\r\nHost: x\r\n"
            b"Authorization: Bearer errado\r\nContent-Length: 900000000\r\n\r\n"
        )
        answer = await asyncio.wait_for(reader.read(12), PATIENCE_S)
        writer.close()

        assert answer == b"HTTP/1.1 401"

    async def test_other_addresses_take_no_more_than_before(self, office):
        answer = await office.edge.deliver("text", "x" * 200_000)

        assert answer.status == 413

    def assert_refused(self, office, answer, status, field="audio"):
        assert_is_refusal(answer, status, field)
        assert office.files == []
        assert office.edge.rows("inbox") == []


class TestTrouble:
    async def test_note_whose_message_cannot_be_stored_is_not_kept(self, office):
        office.edge.change_database("ALTER TABLE conversation RENAME TO gone")
        answer = await office.ask_form()
        office.edge.change_database("ALTER TABLE gone RENAME TO conversation")
        again = await office.ask_form()

        assert answer.status == 503
        assert again.status == 200
        assert len(office.files) == 1

    async def test_database_that_hangs_leaves_the_file_to_be_cleared(self, tmp_path):
        async with running_office(tmp_path, DATABASE_DEADLINE_S="1") as office:
            with hung(office.edge.engine):
                answer = await office.ask_form()

            assert answer.status == 503
            assert len(office.files) == 1  # what waits may still be written

    async def test_disk_that_takes_nothing_is_told(self, office):
        office.folder.parent.mkdir(parents=True, exist_ok=True)
        office.folder.write_bytes(b"")  # a file where the folder should be

        answer = await office.ask_form()

        assert answer.status == 503
        assert "MEDIA_DIR" in answer.json["erro"]["mensagem"]
        assert office.edge.rows("inbox") == []

    async def test_more_large_notes_than_fit_wait_their_turn(self, tmp_path):
        async with running_office(tmp_path, MEDIA_PARALLEL="1") as office:
            notes = [
                office.ask_form(OGG * 50, telefone=f"119123456{n:02d}")
                for n in range(5)
            ]
            answers = await asyncio.gather(*notes)

        assert [answer.status for answer in answers] == [200] * 5

    async def test_no_more_large_bodies_are_in_memory_than_allowed(self, tmp_path):
        async with running_office(tmp_path, MEDIA_PARALLEL="1") as office:
            body = json.dumps({"telefone": PHONE, "audio": in_base64(OGG * 9)}).encode()
            finish = asyncio.Event()

            async def slowly() -> AsyncIterator[bytes]:
                yield body[:70_000]
                await finish.wait()
                yield body[70_000:]

            headers = {**AUTHORIZED, "Content-Type": "application/json"}
            first = asyncio.create_task(
                office.edge.request(
                    "POST", "/processar_atendimento", data=slowly(), headers=headers
                )
            )
            await office.ask_json(mensagem="oi")
            second = asyncio.create_task(office.ask_form(OGG * 9))
            texts = [await office.ask_json(mensagem="oi") for _ in range(5)]
            is_second_done = second.done()
            finish.set()
            answers = [await first, await second]

        assert [each.status for each in (*texts, *answers)] == [200] * 7
        assert not is_second_done


class TestFile:
    def test_discarded_file_leaves_nothing(self, tmp_path):
        new = NewFile(tmp_path)
        new.write(OGG)
        assert [path.suffix for path in tmp_path.glob("??/*")] == [".parte"]

        new.discard()

        assert list(tmp_path.glob("??/*")) == []


def test_note_of_the_project_is_known(tmp_path):
    """The recordings that the tests of hearing use are sound to the edge too."""
    from connectors.media_types import sniff  # noqa: PLC0415

    found = {sniff(path) for path in (ROOT / "tests/data/fala").glob("*.[ow][ga][gv]")}

    assert found == {"audio/ogg", "audio/wav"}

"""The host that hears for another one, with scripted ears in place of the workers."""

from __future__ import annotations

import asyncio
import math
import socket
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sanic import Sanic

from actions.speech.desk import Desk
from actions.speech.remote import RemoteSettings, RemoteTranscriber
from actions.speech.server import build_app, check, is_loopback, main, most_bytes
from bot.core.errors import SettingsError
from bot.core.settings import Settings, load_settings
from bot.core.speech import Heard, SpeechError, Trouble
from tests.fala import ffmpeg, recording

WAIT_S = 20.0
SAID = "Preciso cancelar o horário de amanhã."
HEARD = Heard(SAID, 0.8, 6.6, 5.2, 0.4, "faster-whisper:base")
SOUND = b"OggS" + bytes(60)
TOKEN = "um-segredo-çomprido"
ROUTE = "/v1/audio/transcriptions"


@dataclass
class ScriptedEar:
    """Answers what it is told to; `gate` holds it back until it is set."""

    script: deque[Heard | Exception] = field(default_factory=deque)
    gate: asyncio.Event | None = None
    what_is_wrong: str = ""
    notes: list[tuple[bytes, str]] = field(default_factory=list)
    """Content and vocabulary of every note."""
    paths: list[Path] = field(default_factory=list)
    is_on: bool = False
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        self.is_on = True

    async def stop(self) -> None:
        self.is_on = False

    async def problem(self) -> str:
        return self.what_is_wrong

    async def hear(self, audio: Path, prompt: str) -> Heard:
        self.notes.append((await asyncio.to_thread(audio.read_bytes), prompt))
        self.paths.append(audio)
        self.arrived.set()
        if self.gate is not None:
            await self.gate.wait()
        given = self.script.popleft() if self.script else HEARD
        if isinstance(given, Exception):
            raise given
        return given


@dataclass
class Host:
    url: str
    ears: list[ScriptedEar]
    http: aiohttp.ClientSession

    async def post(
        self, *, sound: bytes | None = SOUND, token: str = "", **fields: str
    ) -> tuple[int, Any, Any]:
        form = aiohttp.FormData(default_to_multipart=True)
        for name, value in fields.items():
            form.add_field(name, value)
        if sound is not None:
            form.add_field("file", sound, filename="nota.ogg")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.http.post(self.url + ROUTE, data=form, headers=headers) as got:
            is_json = got.content_type == "application/json"
            body = await got.json() if is_json else await got.text()
            return got.status, body, got.headers


def settings_for(folder: Path, **environ: str) -> Settings:
    return load_settings({"WHISPER_MODEL": "base", **environ}, folder=folder)


@asynccontextmanager
async def hosting(
    folder: Path, *ears: ScriptedEar, wait_s: float = WAIT_S, **environ: str
) -> AsyncIterator[Host]:
    settings = settings_for(folder, **environ)
    given = list(ears) or [ScriptedEar()]
    desk = Desk(given, queue=settings.whisper_queue, wait_s=wait_s)
    listening = socket.create_server(("127.0.0.1", 0))
    app = build_app(settings, desk)
    server = await app.create_server(sock=listening, return_asyncio_server=True)
    assert server is not None
    await server.startup()
    await server.before_start()
    try:
        async with aiohttp.ClientSession() as http:
            port = listening.getsockname()[1]
            yield Host(f"http://127.0.0.1:{port}", given, http)
    finally:
        await server.close()
        await server.after_stop()
        Sanic.unregister_app(app)


class TestTheAnswer:
    async def test_openai_clients_find_what_they_look_for(self, tmp_path):
        async with hosting(tmp_path) as host:
            status, body, _ = await host.post(
                response_format="verbose_json", language="pt", prompt="Escritório"
            )

        assert status == 200
        assert (body["text"], body["duration"]) == (SAID, 6.6)
        assert (body["task"], body["language"]) == ("transcribe", "portuguese")
        (segment,) = body["segments"]
        assert segment["text"] == SAID
        assert (segment["start"], segment["end"]) == (0.0, 6.6)
        assert segment["avg_logprob"] == pytest.approx(math.log(0.8))
        assert segment["no_speech_prob"] == 0.0
        assert 0.5 < segment["compression_ratio"] < 1.5
        assert host.ears[0].notes == [(SOUND, "Escritório")]

    async def test_shorter_answers_are_given_where_asked_for(self, tmp_path):
        async with hosting(tmp_path) as host:
            assert (await host.post())[1] == {"text": SAID}
            assert (await host.post(response_format="json"))[1] == {"text": SAID}
            assert (await host.post(response_format="text"))[1] == f"{SAID}\n"

    async def test_our_own_client_reads_all_of_it(self, tmp_path):
        async with hosting(tmp_path, WHISPER_TOKEN=TOKEN) as host:
            client = RemoteTranscriber(
                RemoteSettings(host.url, TOKEN, "", WAIT_S, 60.0), "Escritório"
            )
            await client.start()
            heard = await client.transcribe(recording("k_n4"))
            assert await client.problem() == ""
            await client.stop()

        assert heard.text == SAID
        assert heard.confidence == pytest.approx(0.8)
        assert heard.speech_s == 5.2
        assert host.ears[0].notes[0][0].startswith(b"RIFF")

    async def test_nothing_of_a_note_stays_behind(self, tmp_path):
        ear = ScriptedEar(deque([HEARD, SpeechError(Trouble.SILENT)]))
        async with hosting(tmp_path, ear) as host:
            await host.post()
            await host.post()

        assert len(ear.paths) == 2
        assert not any(path.exists() for path in ear.paths)


class TestTrouble:
    @pytest.mark.parametrize(
        ("trouble", "status"),
        [
            (Trouble.NOT_AUDIO, 415),
            (Trouble.TOO_LONG, 413),
            (Trouble.DAMAGED, 422),
            (Trouble.SILENT, 422),
            (Trouble.LATE, 504),
            (Trouble.OFF, 503),
            (Trouble.BROKE, 500),
        ],
    )
    async def test_it_is_named_in_words_and_as_a_status(
        self, tmp_path, trouble, status
    ):
        ear = ScriptedEar(deque([SpeechError(trouble)]))
        async with hosting(tmp_path, ear) as host:
            got, body, headers = await host.post()

        assert got == status
        assert body["erro"]["motivo"] == trouble.value
        assert body["erro"]["mensagem"].endswith((".", ")."))
        assert body["error"]["message"] == body["erro"]["mensagem"]
        assert "Retry-After" not in headers

    @pytest.mark.parametrize("trouble", list(Trouble))
    async def test_our_own_client_learns_which_it_was(self, tmp_path, trouble):
        ear = ScriptedEar(deque([SpeechError(trouble)] * 9))
        async with hosting(tmp_path, ear) as host:
            client = RemoteTranscriber(RemoteSettings(host.url, "", "", 3.0, 60.0))
            await client.start()
            with pytest.raises(SpeechError) as error:
                await client.transcribe(recording("M-001"))
            await client.stop()

        assert error.value.trouble is trouble

    async def test_a_fault_of_ours_tells_nothing(self, tmp_path):
        ear = ScriptedEar(deque([ValueError("disse: meu segredo")]))
        async with hosting(tmp_path, ear) as host:
            status, body, _ = await host.post()

        assert (status, body["erro"]["motivo"]) == (500, Trouble.BROKE.value)
        assert "segredo" not in str(body)

    @pytest.mark.parametrize(
        ("fields", "word"),
        [
            ({"sound": None}, "file"),
            ({"response_format": "srt"}, "response_format"),
            ({"language": "en"}, "language"),
        ],
    )
    async def test_what_cannot_be_done_is_said(self, tmp_path, fields, word):
        async with hosting(tmp_path) as host:
            status, body, _ = await host.post(**fields)

        assert status == 400
        assert word in body["erro"]["mensagem"]
        assert host.ears[0].notes == []

    async def test_a_file_that_is_too_large_is_not_read(self, tmp_path):
        small = {"MEDIA_MAX_MB": "1", "WHISPER_MAX_S": "10"}
        async with hosting(tmp_path, **small) as host:
            status, body, _ = await host.post(sound=bytes(1_200_000))
            fits, _, _ = await host.post(sound=bytes(1_000_000))

        assert (status, body["erro"]["motivo"]) == (413, Trouble.TOO_LONG.value)
        assert fits == 200

    async def test_our_own_client_reads_why_its_note_was_not_taken(self, tmp_path):
        small = {"MEDIA_MAX_MB": "1", "WHISPER_MAX_S": "10"}
        note = ffmpeg(
            tmp_path / "longa.ogg",
            "-f",
            "lavfi",
            "-i",
            "sine=frequency=300:duration=90",
        )
        async with hosting(tmp_path, **small) as host:
            client = RemoteTranscriber(RemoteSettings(host.url, "", "", WAIT_S, 600.0))
            await client.start()
            with pytest.raises(SpeechError) as error:
                await client.transcribe(note)
            await client.stop()

        assert error.value.trouble is Trouble.TOO_LONG

    def test_a_slow_note_is_not_cut_off_by_the_web_server(self, tmp_path):
        slow = settings_for(tmp_path, WHISPER_DEADLINE_S="600")
        app = build_app(slow)
        Sanic.unregister_app(app)

        assert app.config.RESPONSE_TIMEOUT > 600 + 600  # its wait, then its hearing

    def test_the_longest_note_fits(self, tmp_path):
        hour = settings_for(tmp_path, WHISPER_MAX_S="3600")

        assert most_bytes(hour) > 3600 * 16_000 * 2

    async def test_other_addresses_are_none(self, tmp_path):
        async with hosting(tmp_path) as host, host.http.get(f"{host.url}/x") as got:
            assert got.status == 404
            assert ROUTE in (await got.json())["erro"]["mensagem"]


class TestTheQueue:
    async def test_who_finds_no_place_is_told_when_to_come_back(self, tmp_path):
        ear = ScriptedEar(gate=asyncio.Event())
        async with hosting(tmp_path, ear, WHISPER_QUEUE="1") as host:
            posts = [asyncio.create_task(host.post()) for _ in range(3)]
            done, waiting = await asyncio.wait(
                posts, timeout=WAIT_S, return_when=asyncio.FIRST_COMPLETED
            )
            ear.gate.set()
            heard = [(await each)[0] for each in waiting]

        ((status, body, headers),) = [await each for each in done]
        assert (status, body["erro"]["motivo"]) == (503, Trouble.BUSY.value)
        assert headers["Retry-After"] == "5"
        assert heard == [200, 200]

    async def test_nobody_waits_for_ever(self, tmp_path):
        ear = ScriptedEar(gate=asyncio.Event())
        async with hosting(tmp_path, ear, wait_s=1.0) as host:
            first = asyncio.create_task(host.post())
            await ear.arrived.wait()
            status, body, _ = await host.post()
            ear.gate.set()
            await first
            again, _, _ = await host.post()

        assert (status, body["erro"]["motivo"]) == (503, Trouble.BUSY.value)
        assert again == 200

    async def test_two_ears_hear_at_a_time(self, tmp_path):
        gate = asyncio.Event()
        ears = [ScriptedEar(gate=gate), ScriptedEar(gate=gate)]
        async with hosting(tmp_path, *ears) as host:
            both = [asyncio.create_task(host.post()) for _ in ears]
            async with asyncio.timeout(WAIT_S):
                for ear in ears:
                    await ear.arrived.wait()
            gate.set()
            assert [(await each)[0] for each in both] == [200, 200]

    async def test_an_ear_whose_caller_went_away_is_free_again(self, tmp_path):
        ear = ScriptedEar(gate=asyncio.Event())
        async with hosting(tmp_path, ear) as host:
            first = asyncio.create_task(host.post())
            await ear.arrived.wait()
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            ear.arrived.clear()
            second = asyncio.create_task(host.post())
            async with asyncio.timeout(WAIT_S):
                await ear.arrived.wait()
            ear.gate.set()

            assert (await second)[0] == 200


class TestWhoMayAsk:
    @pytest.mark.parametrize("given", ["", "outro", TOKEN[:-1], TOKEN + "x"])
    async def test_a_stranger_is_refused(self, tmp_path, given):
        async with hosting(tmp_path, WHISPER_TOKEN=TOKEN) as host:
            status, body, _ = await host.post(token=given)

        assert status == 401
        assert "WHISPER_TOKEN" in body["erro"]["mensagem"]
        assert host.ears[0].notes == []

    async def test_the_kind_of_token_counts(self, tmp_path):
        async with hosting(tmp_path, WHISPER_TOKEN="abc") as host:
            headers = {"Authorization": "Basic abc"}
            async with host.http.get(f"{host.url}/pronto", headers=headers) as got:
                assert got.status == 401

    async def test_who_knows_the_token_is_let_in(self, tmp_path):
        async with hosting(tmp_path, WHISPER_TOKEN=TOKEN) as host:
            assert (await host.post(token=TOKEN))[0] == 200

    @pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.2", "::", "gpu.escritorio"])
    def test_no_open_ear_is_started(self, tmp_path, host):
        with pytest.raises(SettingsError) as error:
            check(settings_for(tmp_path, WHISPER_HOST=host))

        assert "WHISPER_TOKEN" in str(error.value)
        check(settings_for(tmp_path, WHISPER_HOST=host, WHISPER_TOKEN="x"))

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.0.1.1", "::1", "localhost"])
    def test_this_machine_alone_needs_no_token(self, tmp_path, host):
        assert is_loopback(host)
        check(settings_for(tmp_path, WHISPER_HOST=host))

    def test_a_host_without_a_model_is_told_so(self, tmp_path):
        with pytest.raises(SettingsError) as error:
            check(load_settings({}, folder=tmp_path))

        assert "WHISPER_MODEL" in str(error.value)

    def test_the_command_says_what_is_missing(self, monkeypatch, capsys):
        for name, value in (("MODEL", "base"), ("HOST", "0.0.0.0"), ("TOKEN", " ")):
            monkeypatch.setenv(f"WHISPER_{name}", value)

        assert main() == 2
        assert "WHISPER_TOKEN: é obrigatório" in capsys.readouterr().err


class TestReadiness:
    async def test_one_ear_that_hears_is_enough(self, tmp_path):
        ears = [ScriptedEar(what_is_wrong="ainda carrega"), ScriptedEar()]
        async with (
            hosting(tmp_path, *ears) as host,
            host.http.get(f"{host.url}/pronto") as got,
        ):
            assert (got.status, await got.json()) == (200, {"estado": "ok"})
            assert all(ear.is_on for ear in ears)
        assert not any(ear.is_on for ear in ears)

    async def test_a_deaf_host_says_why(self, tmp_path):
        ear = ScriptedEar(what_is_wrong="o modelo não está lá")
        async with (
            hosting(tmp_path, ear) as host,
            host.http.get(f"{host.url}/pronto") as got,
        ):
            assert got.status == 503
            assert (await got.json())["erro"]["mensagem"] == "o modelo não está lá"

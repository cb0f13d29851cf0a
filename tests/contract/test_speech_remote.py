"""A Whisper on another host: what is asked of it, and what its answers mean."""

from __future__ import annotations

import contextlib
import math
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from actions.speech import remote
from actions.speech.remote import (
    QUIETEST_SPEECH,
    RemoteSettings,
    RemoteTranscriber,
    is_silent,
)
from bot.core.settings import load_settings
from bot.core.speech import Heard, SpeechError, Trouble
from tests.fakes.fake_whisper import (
    LOGPROB,
    FakeWhisper,
    Reply,
    as_vllm,
    as_whisper_cpp,
    running,
    segment,
    text_alone,
    verbose,
)
from tests.fala import ffmpeg, recording
from tests.stack import free_port

PATIENCE_S = 20.0
SOON_S = 2.0
NOTE, NOTE_S = "k_n4", 6.6
SAID = "Preciso cancelar o horário de amanhã."
PROMPT = "Escritório Modelo. Consulta, audiência, verbas rescisórias."

pytestmark = pytest.mark.skipif(
    not shutil.which("ffmpeg"), reason="falta o ffmpeg: apt-get install ffmpeg"
)


@asynccontextmanager
async def asking(
    url: str,
    *,
    token: str = "",
    model: str = "",
    deadline_s: float = PATIENCE_S,
    longest_s: float = 60.0,
) -> AsyncIterator[RemoteTranscriber]:
    settings = RemoteSettings(url, token, model, deadline_s, longest_s)
    transcriber = RemoteTranscriber(settings, PROMPT)
    await transcriber.start()
    try:
        yield transcriber
    finally:
        await transcriber.stop()


async def hear(
    fake: FakeWhisper, audio: Path | None = None, *, deadline_s: float = PATIENCE_S
) -> Heard:
    async with running(fake), asking(fake.url, deadline_s=deadline_s) as transcriber:
        return await transcriber.transcribe(audio or recording(NOTE))


async def trouble_with(
    fake: FakeWhisper, audio: Path | None = None, *, deadline_s: float = PATIENCE_S
) -> Trouble:
    with pytest.raises(SpeechError) as error:
        await hear(fake, audio, deadline_s=deadline_s)
    return error.value.trouble


class TestTheQuestion:
    async def test_the_sound_and_what_it_is_to_be_heard_as_are_sent(self):
        fake = FakeWhisper()
        async with running(fake), asking(fake.url, model="turbo") as transcriber:
            await transcriber.transcribe(recording(NOTE))

        sent = fake.forms[0]
        assert fake.sound_s == pytest.approx(NOTE_S, abs=0.1)
        assert {name: sent[name] for name in sent if name != "file"} == {
            "model": "turbo",
            "language": "pt",
            "response_format": "verbose_json",
            "temperature": "0",
            "prompt": PROMPT,
        }

    async def test_a_server_with_one_model_needs_no_name_of_it(self):
        fake = FakeWhisper()
        await hear(fake)

        assert fake.forms[0]["model"] == "whisper-1"

    async def test_each_note_has_a_connection_of_its_own(self):
        fake = FakeWhisper()
        async with running(fake), asking(fake.url) as transcriber:
            for _ in range(2):
                await transcriber.transcribe(recording("M-001"))

        assert len(fake.callers) == 2

    async def test_the_token_is_shown(self):
        fake = FakeWhisper(token="segredo")
        async with running(fake), asking(fake.url, token="segredo") as transcriber:
            heard = await transcriber.transcribe(recording(NOTE))

        assert heard.text == "Bom dia."

    async def test_silence_is_not_sent(self):
        fake = FakeWhisper()

        assert await trouble_with(fake, recording("silence")) is Trouble.SILENT
        assert fake.requests == 0

    async def test_what_is_no_sound_is_not_sent(self, tmp_path):
        fake = FakeWhisper()
        (tmp_path / "foto").write_bytes(b"\x89PNG\r\n\x1a\n" * 40)

        assert await trouble_with(fake, tmp_path / "foto") is Trouble.NOT_AUDIO
        assert fake.requests == 0

    async def test_what_lasts_too_long_is_not_sent(self, tmp_path):
        fake = FakeWhisper()
        long = ffmpeg(
            tmp_path / "longo.ogg",
            "-f",
            "lavfi",
            "-i",
            "sine=frequency=300:duration=70",
        )

        assert await trouble_with(fake, long) is Trouble.TOO_LONG
        assert fake.requests == 0

    async def test_proxies_of_the_environment_are_not_asked(self, monkeypatch):
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")

        assert (await hear(FakeWhisper())).text == "Bom dia."

    async def test_the_settings_name_it(self, tmp_path):
        settings = load_settings(
            {
                "WHISPER_URL": "http://10.0.0.2:9000/",
                "WHISPER_TOKEN": "segredo",
                "WHISPER_MODEL": "turbo",
                "WHISPER_DEADLINE_S": "50",
                "WHISPER_MAX_S": "90",
            },
            folder=tmp_path,
        )

        assert RemoteSettings.of(settings) == RemoteSettings(
            "http://10.0.0.2:9000", "segredo", "turbo", 50.0, 90.0
        )


class TestTheAnswer:
    async def test_text_and_measures_are_taken(self):
        heard = await hear(FakeWhisper([verbose("Preciso cancelar", "amanhã.")]))

        assert heard.text == "Preciso cancelar amanhã."
        assert heard.confidence == pytest.approx(math.exp(LOGPROB))
        assert heard.audio_s == pytest.approx(NOTE_S, abs=0.1)
        assert heard.speech_s == pytest.approx(4.0)
        assert heard.engine == "remoto:whisper-1"
        assert heard.took_s > 0
        assert not heard.is_damaged

    @pytest.mark.parametrize("dialect", [as_whisper_cpp, as_vllm])
    async def test_measures_that_a_server_leaves_out_are_done_without(self, dialect):
        heard = await hear(FakeWhisper([dialect(SAID)]))

        assert heard.text == SAID
        assert heard.confidence == pytest.approx(math.exp(LOGPROB))

    async def test_where_nothing_is_measured_the_person_is_asked(self, tmp_path):
        heard = await hear(FakeWhisper([text_alone(SAID)]))

        assert heard.text == SAID
        assert heard.confidence == pytest.approx(0.5)
        assert heard.confidence < load_settings({}, folder=tmp_path).whisper_sure
        assert heard.speech_s == pytest.approx(NOTE_S, abs=0.1)

    async def test_longer_segments_weigh_more(self):
        long, short = segment("Preciso", end=6.0), segment("hoje", avg_logprob=-0.95)
        both = [long, short | {"start": 6.0, "end": 6.5}]
        heard = await hear(FakeWhisper([Reply({"text": "x", "segments": both})]))

        assert heard.text == "Preciso hoje"
        assert math.exp(-0.32) < heard.confidence < math.exp(-0.29)

    async def test_times_that_make_no_sense_count_as_the_whole_note(self):
        heard = await hear(FakeWhisper([verbose(SAID, start=9.0, end=3.0)]))

        assert heard.speech_s == pytest.approx(NOTE_S, abs=0.1)

    @pytest.mark.parametrize(
        ("said_s", "speech_s"), [(1.5, 1.5), (-1, 0.0), (900, NOTE_S)]
    )
    async def test_what_our_own_server_knows_of_the_speech_is_taken(
        self, said_s, speech_s
    ):
        fake = FakeWhisper([Reply(verbose(SAID).content | {"fala_s": said_s})])

        assert (await hear(fake)).speech_s == pytest.approx(speech_s, abs=0.1)

    async def test_what_nobody_said_is_taken_out(self):
        heard = await hear(
            FakeWhisper([verbose(SAID, "Legendas pela comunidade Amara.org")])
        )

        assert heard.text == SAID

    @pytest.mark.parametrize(
        "reply",
        [
            verbose("Legendas pela comunidade Amara.org"),
            verbose("e o que é " * 20),
            verbose(PROMPT),
            verbose(SAID, no_speech_prob=0.95),
            verbose(SAID, avg_logprob=-1.4),
        ],
        ids=["invented", "circles", "vocabulary", "no speech", "guessed"],
    )
    async def test_an_answer_of_inventions_is_no_text(self, reply):
        assert await trouble_with(FakeWhisper([reply])) is Trouble.UNCLEAR

    @pytest.mark.parametrize("reply", [verbose(), text_alone(" \n")])
    async def test_an_empty_answer_says_that_nobody_speaks(self, reply):
        assert await trouble_with(FakeWhisper([reply])) is Trouble.SILENT

    @pytest.mark.parametrize(
        "body",
        [
            b"<html>Bem-vindo</html>",
            b"",
            b"[]",
            b"[" * 100_000,
            b'{"texto": "Bom dia."}',
            b'{"text": 7}',
            b'{"text": "x", "segments": [7]}',
            b'{"text": "x", "segments": [{"text": null}]}',
            b'{"text": "' + b"a" * remote.MAX_ANSWER_BYTES + b'"}',
        ],
        ids=["page", "nothing", "list", "deep", "other", "number", "no segments",
             "no text", "too long"],
    )  # fmt: skip
    async def test_what_cannot_be_read_is_tried_again(self, body):
        assert await trouble_with(FakeWhisper([Reply(body=body)])) is Trouble.BROKE

    @pytest.mark.parametrize(
        "measure", ["NaN", "-Infinity", "true", '"-0.1"', "-1" + "0" * 400]
    )
    async def test_measures_that_are_no_numbers_are_none(self, measure):
        given = f'{{"text": "Bom dia.", "avg_logprob": {measure}}}'
        body = f'{{"text": "x", "segments": [{given}]}}'.encode()
        heard = await hear(FakeWhisper([Reply(body=body)]))

        assert heard.confidence == pytest.approx(0.5)

    async def test_a_damaged_note_is_still_told_apart(self, tmp_path):
        torn = tmp_path / "cortado.ogg"
        content = recording(NOTE).read_bytes()
        torn.write_bytes(content[:6000] + bytes(200) + content[6200:])

        assert (await hear(FakeWhisper([verbose(SAID)]), torn)).is_damaged


class TestTrouble:
    @pytest.mark.parametrize(
        ("status", "trouble"),
        [
            (301, Trouble.OFF),
            (400, Trouble.OFF),
            (401, Trouble.OFF),
            (403, Trouble.OFF),
            (404, Trouble.OFF),
            (408, Trouble.LATE),
            (413, Trouble.TOO_LONG),
            (422, Trouble.OFF),
            (500, Trouble.OFF),
            (502, Trouble.OFF),
            (503, Trouble.OFF),
            (504, Trouble.LATE),
        ],
    )
    async def test_what_a_status_means(self, status, trouble):
        fake = FakeWhisper([Reply({"error": "x"}, status=status)])

        assert await trouble_with(fake) is trouble
        assert fake.requests == 1

    @pytest.mark.parametrize("trouble", [Trouble.UNCLEAR, Trouble.LATE, Trouble.BROKE])
    async def test_our_own_server_says_what_it_was(self, trouble):
        error = {"motivo": trouble.value, "mensagem": "…"}
        fake = FakeWhisper([Reply({"erro": error}, status=500)])

        assert await trouble_with(fake) is trouble

    @pytest.mark.parametrize("error", [{"motivo": "x"}, {"motivo": ["fora"]}, "fora"])
    async def test_a_reason_that_nobody_knows_counts_as_its_status(self, error):
        fake = FakeWhisper([Reply({"erro": error}, status=413)])

        assert await trouble_with(fake) is Trouble.TOO_LONG

    async def test_a_redirect_is_not_followed(self):
        async with running(FakeWhisper()) as other:
            away = {"Location": f"{other.url}/v1/audio/transcriptions"}
            fake = FakeWhisper([Reply({}, status=307, headers=away)])

            assert await trouble_with(fake) is Trouble.OFF
        assert other.requests == 0

    async def test_nobody_there_is_worth_another_try(self):
        async with asking(f"http://127.0.0.1:{free_port()}") as transcriber:
            with pytest.raises(SpeechError) as error:
                await transcriber.transcribe(recording(NOTE))

        assert error.value.trouble is Trouble.OFF
        assert error.value.retryable

    async def test_a_host_that_lets_nobody_in_is_off_and_not_late(self):
        with socket.socket() as closed, contextlib.ExitStack() as callers:
            closed.bind(("127.0.0.1", 0))
            closed.listen(0)
            for _ in range(2):  # the kernel answers no further ones
                caller = callers.enter_context(socket.socket())
                caller.setblocking(False)
                caller.connect_ex(closed.getsockname())
            async with asking(f"http://127.0.0.1:{closed.getsockname()[1]}") as asked:
                with pytest.raises(SpeechError) as error:
                    await asked.transcribe(recording("M-001"))

        assert error.value.trouble is Trouble.OFF

    async def test_an_end_in_the_middle_is_told_apart(self):
        assert await trouble_with(FakeWhisper([Reply(closes=True)])) is Trouble.BROKE

    async def test_an_answer_that_does_not_come_is_late(self):
        fake = FakeWhisper([Reply(hangs=True)])

        assert await trouble_with(fake, deadline_s=SOON_S) is Trouble.LATE

    @pytest.mark.parametrize(
        "full",
        [
            Reply({}, status=503, headers={"Retry-After": "0"}),
            Reply({}, status=429, headers={"Retry-After": "0.2"}),
        ],
    )
    async def test_a_full_house_is_asked_again(self, full):
        fake = FakeWhisper([full, full, verbose(SAID)])

        assert (await hear(fake)).text == SAID
        assert fake.requests == 3

    @pytest.mark.parametrize(
        "when", ["9", "999999", "Wed, 21 Oct 2026 07:28:00 GMT", None]
    )
    async def test_a_house_that_stays_full_is_busy(self, when):
        headers = {} if when is None else {"Retry-After": when}
        fake = FakeWhisper([Reply({}, status=429, headers=headers)])

        assert await trouble_with(fake, deadline_s=SOON_S) is Trouble.BUSY
        assert fake.requests <= 2

    async def test_no_trouble_tells_what_was_said(self):
        fake = FakeWhisper([Reply({"text": SAID}, status=500)])
        with pytest.raises(SpeechError) as error:
            await hear(fake)

        assert "cancelar" not in str(error.value)


class TestTheProblem:
    async def problem(self, fake: FakeWhisper, token: str = "") -> str:
        async with running(fake), asking(fake.url, token=token) as transcriber:
            return await transcriber.problem()

    async def test_our_own_server_that_is_ready_is_believed(self):
        fake = FakeWhisper(ready=Reply({"estado": "ok"}))

        assert await self.problem(fake) == ""
        assert fake.requests == 0

    async def test_what_our_own_server_says_is_handed_on(self):
        error = {"motivo": "fora", "mensagem": "o modelo ainda não abriu"}
        fake = FakeWhisper(ready=Reply({"erro": error}, status=503))

        assert "o modelo ainda não abriu" in await self.problem(fake)

    async def test_another_server_is_there_where_its_route_is(self):
        fake = FakeWhisper()

        assert await self.problem(fake) == ""
        assert fake.requests == 1
        assert fake.forms == []

    async def test_a_wrong_token_is_told(self):
        assert "WHISPER_TOKEN" in await self.problem(FakeWhisper(token="um"), "dois")

    async def test_our_own_server_refuses_a_wrong_token_first(self):
        fake = FakeWhisper(ready=Reply({}, status=401))

        assert "WHISPER_TOKEN" in await self.problem(fake)

    async def test_nobody_there_is_told(self):
        async with asking(f"http://127.0.0.1:{free_port()}") as transcriber:
            assert "WHISPER_URL" in await transcriber.problem()

    async def test_something_else_at_the_address_is_told(self):
        async with running(FakeWhisper()) as fake, asking(f"{fake.url}/x") as asked:
            assert "/v1/audio/transcriptions" in await asked.problem()

    async def test_one_that_is_busy_hearing_is_there(self):
        assert await self.problem(FakeWhisper(is_busy=True)) == ""

    async def test_a_missing_decoder_is_told(self, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", str(tmp_path))

        assert "apt-get install ffmpeg" in await self.problem(FakeWhisper())

    async def test_a_broken_gateway_before_it_is_told(self):
        fake = FakeWhisper(ready=Reply({}, status=502))

        assert "não responde" in await self.problem(fake)


class TestSilence:
    def test_only_what_stays_below_the_gate_is_silent(self):
        tone = np.sin(np.arange(16_000) / 5).astype(np.float32)

        assert is_silent(tone * QUIETEST_SPEECH)
        assert not is_silent(tone * QUIETEST_SPEECH * 2)

    def test_a_word_in_a_long_silence_is_sound(self):
        samples = np.zeros(160_050, np.float32)
        samples[80_000:82_000] = 0.02

        assert not is_silent(samples)

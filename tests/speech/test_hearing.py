"""What the real engines make of real recordings, and what they survive."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from actions.speech.vocabulary import MOST_CHARS
from bot.core.settings import ROOT
from bot.core.speech import SpeechError, Trouble
from tests.fala import HUMAN, OFFICE, ffmpeg, recording, reference
from tests.speech.conftest import PROMPT, SPEECH_MODEL, Ear, settings_for
from tests.speech.wer import word_error_rate
from tests.stack import wait_until

PROMPT_TOKENS = 223
"""What Whisper reads of a prompt: half of its 448 tokens of context, less one."""


def test_notes_in_the_offices_words_are_understood(ear):
    said = [(reference(name), ear.hear(recording(name)).text) for name in OFFICE]

    assert word_error_rate(said) <= 0.11, said


def test_people_who_read_aloud_are_understood(ear):
    said = [(reference(name), ear.hear(recording(name)).text) for name in HUMAN]

    assert word_error_rate(said) <= 0.16, said


def test_what_is_measured_of_a_note(ear):
    heard = ear.hear(recording("k_n4"))

    assert heard.audio_s == pytest.approx(6.6, abs=0.1)
    assert 4.0 < heard.speech_s < heard.audio_s
    assert 0.6 < heard.confidence < 1.0
    assert heard.engine.startswith(f"{ear.settings.engine}:")
    assert heard.took_s > 0


@pytest.mark.parametrize("name", ["silence", "noise"])
def test_silence_and_noise_are_no_text(ear, name):
    assert trouble_with(ear, recording(name)) is Trouble.SILENT


NOISES = {
    "white noise": "anoisesrc=color=white:amplitude=0.3:duration=6",
    "brown noise": "anoisesrc=color=brown:amplitude=0.6:duration=6",
    "a tone": "sine=frequency=440:duration=6",
    "beeps": "sine=frequency=900:beep_factor=4:duration=6",
    "a hum": "sine=frequency=60:duration=6",
    "clicks": "aevalsrc='if(lt(mod(t,0.5),0.002),0.9,0)':d=6",
    "a sweep": "aevalsrc='0.4*sin(2*PI*(200+150*t)*t)':d=6",
}


@pytest.mark.parametrize("what", NOISES)
def test_other_noises_are_no_text(ear, tmp_path, what):
    path = ffmpeg(
        tmp_path / "ruido.ogg", "-f", "lavfi", "-i", NOISES[what], "-c:a", "libopus"
    )

    assert trouble_with(ear, path) in {Trouble.SILENT, Trouble.UNCLEAR}


def test_pauses_cost_no_words(ear, tmp_path):
    path = ffmpeg(
        tmp_path / "pausas.wav", "-i", str(recording("k_n4")),
        "-af", "adelay=4000,apad=pad_dur=8",
    )  # fmt: skip

    heard = ear.hear(path)

    assert heard.audio_s > 18
    assert word_error_rate([(reference("k_n4"), heard.text)]) <= 0.11


def test_quiet_voice_is_still_heard(ear, tmp_path):
    path = ffmpeg(
        tmp_path / "baixa.ogg", "-i", str(recording("k_n4")),
        "-af", "volume=-20dB", "-c:a", "libopus",
    )  # fmt: skip

    assert word_error_rate([(reference("k_n4"), ear.hear(path).text)]) <= 0.2


def test_longer_than_a_window_is_heard_whole(ear, tmp_path):
    inputs = [word for name in OFFICE for word in ("-i", str(recording(name)))]
    path = ffmpeg(
        tmp_path / "longa.ogg", *inputs, "-filter_complex",
        f"concat=n={len(OFFICE)}:v=0:a=1", "-c:a", "libopus",
    )  # fmt: skip

    heard = ear.hear(path)

    whole = " ".join(reference(name) for name in OFFICE)
    assert heard.audio_s > 35
    assert word_error_rate([(whole, heard.text)]) <= 0.2


def test_damaged_note_says_that_words_may_be_missing(ear, tmp_path):
    path = tmp_path / "cortada.ogg"
    path.write_bytes(recording("k_n4").read_bytes()[:9000])

    heard = ear.hear(path)

    assert heard.is_damaged
    assert heard.text.startswith("Preciso cancelar")


def trouble_with(ear: Ear, path: Path) -> Trouble:
    with pytest.raises(SpeechError) as caught:
        ear.hear(path)
    return caught.value.trouble


def bad_notes(folder: Path) -> list[Path]:
    """Returns files that nobody can hear."""
    note = recording("k_n4")
    contents = {
        "vazio.ogg": b"",
        "texto.ogg": "isto é um texto".encode(),
        "cifrado.ogg": random.Random(3).randbytes(30_000),
        "cortado.m4a": ffmpeg(folder / "m.m4a", "-i", str(note)).read_bytes()[:5000],
    }
    paths = [folder / name for name in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        path.write_bytes(content)
    paths.append(
        ffmpeg(folder / "duas_horas.ogg", "-stream_loop", "1100", "-i", str(note),
               "-t", "7200", "-c", "copy")
    )  # fmt: skip
    paths.append(
        ffmpeg(folder / "filme.mp4", "-f", "lavfi", "-i", "testsrc=d=1:s=64x64",
               "-i", str(note), "-t", "1")
    )  # fmt: skip
    return paths


def test_bad_notes_leave_the_worker_and_its_memory_as_they_were(ear, tmp_path):
    note = recording("k_n4")
    ear.hear(note)
    pid, before = ear.transcriber.pid, resident_mb(ear)

    for path in bad_notes(tmp_path):
        assert trouble_with(ear, path) is not Trouble.BROKE
    stereo = ffmpeg(tmp_path / "e.wav", "-i", str(note), "-ac", "2", "-ar", "96000")
    assert ear.hear(stereo).text.startswith("Preciso cancelar o horário")

    assert ear.transcriber.pid == pid
    assert resident_mb(ear) < before + 60


def resident_mb(ear: Ear) -> float:
    pages = Path(f"/proc/{ear.transcriber.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_long_notes_give_their_memory_back(ear, tmp_path):
    note = recording("k_n4")
    long = ffmpeg(
        tmp_path / "longa.ogg", "-stream_loop", "14", "-i", str(note), "-c", "copy"
    )
    ear.hear(note)
    before = resident_mb(ear)

    ear.hear(long)
    ear.hear(note)

    assert resident_mb(ear) < before + 250


def test_worker_that_is_killed_comes_back_and_only_its_note_failed(own_ear):
    note = recording("k_n1")
    own_ear.hear(note)
    pid = own_ear.transcriber.pid
    os.kill(pid, signal.SIGSTOP)
    hearing = own_ear.start(own_ear.transcriber.transcribe(note))
    time.sleep(1.0)
    os.kill(pid, signal.SIGKILL)

    with pytest.raises(SpeechError) as caught:
        hearing.result(timeout=60)

    assert caught.value.trouble is Trouble.BROKE
    own_ear.ready()
    assert own_ear.transcriber.pid != pid
    assert own_ear.hear(note).text.startswith("Olá")


def test_deadline_ends_the_process_and_the_next_note_is_heard(own_ear):
    note = recording("k_n4")
    own_ear.hear(note)
    pid = own_ear.transcriber.pid
    hasty = settings_for(own_ear.settings.engine, deadline_s=2.0)
    own_ear.transcriber._settings = hasty  # the only way to have both in one worker
    os.kill(pid, signal.SIGSTOP)

    assert trouble_with(own_ear, note) is Trouble.LATE

    assert not Path(f"/proc/{pid}").exists()
    own_ear.transcriber._settings = settings_for(own_ear.settings.engine)
    own_ear.ready()
    assert own_ear.hear(note).text.startswith("Preciso")


def test_notes_are_heard_one_at_a_time(ear):
    names = ("k_n4", "k_n3", "k_n4", "k_n3")

    async def all_at_once() -> list[str]:
        hearing = (ear.transcriber.transcribe(recording(name)) for name in names)
        return [each.text for each in await asyncio.gather(*hearing)]

    texts = ear.run(all_at_once())

    assert texts[:2] == texts[2:]
    assert texts[0].startswith("Preciso")
    assert texts[1].startswith("Queria")


def test_event_loop_goes_on_while_somebody_listens(ear):
    async def count_while_hearing() -> int:
        hearing = asyncio.ensure_future(ear.transcriber.transcribe(recording("k_n2")))
        ticks = 0
        while not hearing.done():
            await asyncio.sleep(0.01)
            ticks += 1
        await hearing
        return ticks

    assert ear.run(count_while_hearing()) > 10


def test_worker_ends_with_whoever_started_it(engine):
    program = (
        "import asyncio, sys\n"
        "from tests.speech.conftest import settings_for\n"
        "from actions.speech.local import LocalTranscriber\n"
        "async def main():\n"
        "    ear = LocalTranscriber(settings_for(sys.argv[1]))\n"
        "    await ear.start(); await ear.wait_ready()\n"
        "    print('pid', ear.pid, flush=True); await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, engine], stdout=subprocess.PIPE, text=True,
        cwd=ROOT, env={**os.environ, "WHISPER_MODEL": SPEECH_MODEL},
    )  # fmt: skip
    try:
        lines = (line.split() for line in parent.stdout)
        pid = next(int(words[1]) for words in lines if words[:1] == ["pid"])
    finally:
        parent.kill()
        parent.wait()

    wait_until(lambda: not is_running(pid), within_s=30)


def is_running(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_vocabulary_fits_into_what_whisper_reads(engine):
    whisper = pytest.importorskip("whisper", reason="falta o openai-whisper")
    tokenizer = whisper.tokenizer.get_tokenizer(multilingual=True, language="pt")
    densest = ("Dra. Índia Guaracyaba Xikrin, " * 40)[:MOST_CHARS]

    assert len(tokenizer.encode(" " + PROMPT)) <= PROMPT_TOKENS
    assert len(tokenizer.encode(" " + densest)) <= PROMPT_TOKENS


def test_engine_that_cannot_start_says_what_to_do(engine, tmp_path):
    (tmp_path / "base.pt").write_bytes(b"not weights")
    (tmp_path / "model.bin").write_bytes(b"not weights")
    broken = settings_for(engine, model=str(tmp_path), deadline_s=5.0)

    async def try_it() -> tuple[str, Trouble]:
        from actions.speech.local import LocalTranscriber  # noqa: PLC0415

        transcriber = LocalTranscriber(broken, "")
        await transcriber.start()
        problem = await transcriber.problem()
        while "carregando" in problem:
            await asyncio.sleep(0.05)
            problem = await transcriber.problem()
        try:
            await transcriber.transcribe(recording("k_n4"))
        except SpeechError as error:
            return problem, error.trouble
        finally:
            await transcriber.stop()
        raise AssertionError

    problem, trouble = asyncio.run(try_it())

    assert "WHISPER_MODEL" in problem
    assert trouble is Trouble.OFF

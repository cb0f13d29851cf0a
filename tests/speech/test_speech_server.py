"""The server process with a real engine, asked by our own client."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from actions.speech.remote import RemoteSettings, RemoteTranscriber
from bot.core.settings import ROOT
from bot.core.speech import Heard, SpeechError, Trouble
from tests.fala import OFFICE, recording, reference
from tests.speech.conftest import LOADING_S, PROMPT, SPEECH_MODEL
from tests.speech.wer import word_error_rate
from tests.stack import free_port

TOKEN = "um-segredo"
STOP_S = 15.0
FULL_S = 120.0
LOOK_S = 0.2


@pytest.fixture(scope="module")
def host(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server process that hears with the engine."""
    port = free_port()
    log = tmp_path_factory.mktemp("servidor") / "log"
    given = {
        "WHISPER_MODEL": SPEECH_MODEL,
        "WHISPER_ENGINE": engine,
        "WHISPER_PORT": str(port),
        "WHISPER_TOKEN": TOKEN,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "actions.speech.server"],
            cwd=ROOT, env={**os.environ, **given}, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(STOP_S)
    assert code == 0, log.read_text()
    assert reference(OFFICE[3]).split()[0] not in log.read_text()


async def opened(url: str, token: str = TOKEN) -> RemoteTranscriber:
    """Returns a client, once the server can hear."""
    client = RemoteTranscriber(RemoteSettings(url, token, "", FULL_S, 60.0), PROMPT)
    await client.start()
    for _ in range(int(LOADING_S / LOOK_S)):
        if not re.search("não responde|carregando", await client.problem()):
            break
        await asyncio.sleep(LOOK_S)
    return client


async def heard(url: str, *notes: Path) -> list[Heard]:
    client = await opened(url)
    try:
        return list(await asyncio.gather(*(client.transcribe(each) for each in notes)))
    finally:
        await client.stop()


async def test_notes_are_heard_as_well_as_here(host):
    found = await heard(host, *(recording(name) for name in OFFICE))

    said = [
        (reference(name), one.text) for name, one in zip(OFFICE, found, strict=True)
    ]
    assert word_error_rate(said) <= 0.11, said
    assert all(0.6 < one.confidence < 1.0 for one in found)
    assert all(2.0 < one.speech_s < one.audio_s for one in found)


@pytest.mark.parametrize("name", ["silence", "noise"])
async def test_silence_and_noise_are_no_text(host, name):
    with pytest.raises(SpeechError) as error:
        await heard(host, recording(name))

    assert error.value.trouble is Trouble.SILENT


async def test_a_wrong_token_is_told(host):
    client = await opened(host, token="outro")
    problem = await client.problem()
    await client.stop()

    assert "WHISPER_TOKEN" in problem

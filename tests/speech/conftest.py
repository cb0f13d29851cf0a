"""Real engines with real weights, where both are here."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from actions.speech.engines import EngineError, find_weights
from actions.speech.local import LocalTranscriber, SpeechSettings
from actions.speech.vocabulary import vocabulary
from bot.core.office import load_office
from bot.core.settings import ROOT
from bot.core.speech import ENGINES, FASTER_WHISPER, Heard
from tests.conftest import SPEECH_MODEL

Result = TypeVar("Result")
PACKAGES = {"openai-whisper": "whisper", FASTER_WHISPER: "faster_whisper"}
PROMPT = vocabulary(load_office(ROOT / "escritorio.yml"))
LOADING_S = 120.0


def why_not(engine: str) -> str:
    """Returns what is missing for an engine, or ""."""
    if not SPEECH_MODEL:
        return "faltam os pesos: WHISPER_MODEL=caminho make test-speech"
    if importlib.util.find_spec(PACKAGES[engine]) is None:
        return f"falta o {engine}: make whisper"
    if not shutil.which("ffmpeg"):
        return "falta o ffmpeg: apt-get install ffmpeg"
    try:
        find_weights(engine, SPEECH_MODEL)
    except EngineError as error:
        return str(error)
    return ""


def settings_for(engine: str, **changes: Any) -> SpeechSettings:
    """Returns how the tests hear."""
    given = {"model": SPEECH_MODEL, "deadline_s": 120.0, "longest_s": 300.0,
             "threads": 2, "device": "cpu"}  # fmt: skip
    return SpeechSettings(engine=engine, **{**given, **changes})


class Ear:
    """A transcriber with an event loop of its own, for tests that are not async."""

    def __init__(self, settings: SpeechSettings) -> None:
        self.settings = settings
        self.transcriber = LocalTranscriber(settings, PROMPT)
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.run(self.transcriber.start())
        self.ready()

    def ready(self) -> None:
        """Waits until the model is loaded."""

        async def wait() -> None:
            async with asyncio.timeout(LOADING_S):
                await self.transcriber.wait_ready()

        self.run(wait())

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Runs something in the loop, and waits for it."""
        return self.start(work).result(timeout=300)

    def start(self, work: Coroutine[Any, Any, Result]) -> Any:
        """Begins something in the loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def hear(self, audio: Path) -> Heard:
        """Returns what a file says."""
        return self.run(self.transcriber.transcribe(audio))

    def close(self) -> None:
        """Ends the worker and the loop."""
        self.run(self.transcriber.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine that can hear here; the others are skipped with the reason."""
    missing = why_not(request.param)
    if missing:
        pytest.skip(missing)
    return str(request.param)


@pytest.fixture(scope="session")
def ear(engine: str) -> Iterator[Ear]:
    """One loaded worker an engine, shared by the tests that leave it as it was."""
    opened = Ear(settings_for(engine))
    yield opened
    opened.close()


@pytest.fixture
def own_ear(engine: str) -> Iterator[Ear]:
    """A worker that the test may end."""
    opened = Ear(settings_for(engine))
    yield opened
    opened.close()

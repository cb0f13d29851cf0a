"""Voice as the assistant sees it: what was heard, and why something was not.

DependencyError
└─ SpeechError    `trouble` says what the person is told
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from bot.core.errors import DependencyError

OPENAI_WHISPER, FASTER_WHISPER = "openai-whisper", "faster-whisper"
ENGINES = (OPENAI_WHISPER, FASTER_WHISPER)
SAMPLE_RATE = 16_000
"""Samples a second, one channel: what every Whisper model was trained on."""


class Trouble(str, Enum):
    """Why a voice note became no text."""

    EMPTY = "vazio"
    """No bytes, or no sound in them."""
    NOT_AUDIO = "nao_e_audio"
    """Bytes of something else: a text, a picture, something encrypted."""
    VIDEO = "video"
    TOO_LONG = "longo"
    DAMAGED = "estragado"
    """It cannot be decoded, or costs more to decode than any voice note."""
    SILENT = "sem_fala"
    """Nobody speaks in it."""
    UNCLEAR = "nao_entendi"
    """Somebody speaks, and what came out is not to be trusted at all."""
    LATE = "demorou"
    """The deadline ended it."""
    BUSY = "muitos"
    """Too many others wait."""
    OFF = "fora"
    """Whisper cannot be reached or does not start."""
    BROKE = "quebrou"
    """The process that hears ended in the middle of this one."""


RETRYABLE = frozenset({Trouble.OFF, Trouble.BROKE})
"""Another try may hear it: nothing was said of the note itself."""


class SpeechError(DependencyError):
    """A voice note did not become text.

    Attributes:
        trouble: why.
    """

    def __init__(self, trouble: Trouble, detail: str = "") -> None:
        text = f"{trouble.value}: {detail}" if detail else trouble.value
        super().__init__(text, retryable=trouble in RETRYABLE)
        self.trouble = trouble


@dataclass(frozen=True)
class Heard:
    """What a voice note says."""

    text: str
    confidence: float
    """0-1: the mean probability of its tokens, exp(mean log-probability)."""
    audio_s: float
    """How long the note is."""
    speech_s: float
    """How long somebody speaks in it."""
    took_s: float
    """Wall seconds from the file to the text."""
    engine: str
    """As `openai-whisper:base`."""
    is_damaged: bool = False
    """A part of it could not be decoded: words may be missing."""


class Transcriber(Protocol):
    """Turns voice notes into text; `start` begins and `stop` ends it."""

    async def start(self) -> None:
        """Begins to load what it needs; does not wait for it."""

    async def stop(self) -> None:
        """Ends at once, and leaves no process behind."""

    async def transcribe(self, audio: Path) -> Heard:
        """Returns what a file says.

        Raises:
            SpeechError: it became no text; `trouble` says why.
        """

    async def problem(self) -> str:
        """Returns what keeps it from hearing, in Portuguese, or ""."""

"""Finds where somebody speaks, before anything expensive listens.

The detector is Silero VAD 6, as faster-whisper ships it: six seconds of silence cost
it a hundredth of a second, and Whisper tens of them and an invented sentence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from actions.speech.decoding import Samples
from bot.core.speech import SAMPLE_RATE

LEAST_SPEECH_S = 0.25
"""Shorter is a click or a breath; the shortest "sim" of our notes has 0.3 s."""
_PAUSE_MS = 1000
"""Pauses up to here stay in: Whisper takes its commas from them."""
_MARGIN_MS = 400
"""Kept before and after speech: soft first sounds are part of a word."""


@dataclass(frozen=True)
class Voice:
    """The parts of a note in which somebody speaks, one after the other."""

    samples: Samples
    speech_s: float
    """Without the margins."""


def find_voice(samples: Samples) -> Voice:
    """Returns the parts in which somebody speaks; none is an empty array.

    Raises:
        ImportError: faster-whisper is not installed.
    """
    from faster_whisper.vad import VadOptions, get_speech_timestamps  # noqa: PLC0415

    options = VadOptions(min_silence_duration_ms=_PAUSE_MS, speech_pad_ms=_MARGIN_MS)
    parts = get_speech_timestamps(samples, options)
    margin = 2 * _MARGIN_MS * SAMPLE_RATE // 1000
    spoken = sum(max(0, part["end"] - part["start"] - margin) for part in parts)
    if not parts:
        return Voice(samples[:0], 0.0)
    joined = np.concatenate([samples[part["start"] : part["end"]] for part in parts])
    return Voice(joined, spoken / SAMPLE_RATE)

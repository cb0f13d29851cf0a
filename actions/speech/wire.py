"""What a transcription server answers, and how much of it is believed.

    {"text": "Boa tarde.", "language": "portuguese", "duration": 1.9, "segments":
     [{"id": 0, "start": 0.0, "end": 1.9, "text": " Boa tarde.",
       "avg_logprob": -0.21, "no_speech_prob": 0.01, "compression_ratio": 0.56}]}

Measures may be missing: whisper.cpp sends no `compression_ratio`, vLLM `null` for it
and for `no_speech_prob` (its first versions -1.0 for all three). Our own server adds
`fala_s`, and says what went wrong:

    {"erro": {"motivo": "muitos", "mensagem": "…"}}
"""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import dataclass, field
from typing import Any

from actions.speech.cleaning import Segment
from bot.core.speech import SpeechError, Trouble

UNKNOWN_LOGPROB = math.log(0.5)
"""Of a server that does not measure: low enough that the person is asked."""
_TOO_LARGE = 413
_TOO_SLOW = (408, 504)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes = field(repr=False)
    """What somebody said may stand in it."""
    retry_after: str | None = None

    @property
    def content(self) -> dict[str, Any]:
        """The JSON object in the body; {} where there is none."""
        try:
            content = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) else {}

    @property
    def message(self) -> str:
        """The sentence that our own server gave, or ""."""
        error = self.content.get("erro")
        said = error.get("mensagem") if isinstance(error, dict) else ""
        return said[:300] if isinstance(said, str) else ""


@dataclass(frozen=True)
class There:
    """What the other host heard, not cleaned yet."""

    segments: list[Segment]
    speech_s: float


def heard_there(answer: Answer, *, audio_s: float) -> There:
    """Reads an answer of status 200.

    Args:
        answer: the answer.
        audio_s: how long the note is.

    Raises:
        SpeechError: `BROKE` where it is no answer to what was asked.
    """
    content = answer.content
    text, listed = content.get("text"), content.get("segments")
    segments = []
    if isinstance(listed, list) and listed:
        segments = [_segment(each, audio_s) for each in listed]
    elif isinstance(text, str):
        whole = [Segment(text, UNKNOWN_LOGPROB, 0.0, audio_s)]
        segments = whole if text.strip() else []
    else:
        raise SpeechError(Trouble.BROKE, "no transcript in the answer")
    spoken = _number(content.get("fala_s"))
    if spoken is None:
        spoken = sum(each.duration_s for each in segments)
    return There(segments, min(max(spoken, 0.0), audio_s))


def _segment(found: object, audio_s: float) -> Segment:
    if not isinstance(found, dict) or not isinstance(found.get("text"), str):
        raise SpeechError(Trouble.BROKE, "a segment without text")
    logprob = _number(found.get("avg_logprob"))
    lasts_s = (_number(found.get("end")) or 0.0) - (_number(found.get("start")) or 0.0)
    return Segment(
        text=found["text"],
        logprob=UNKNOWN_LOGPROB if logprob is None else logprob,
        no_speech=_number(found.get("no_speech_prob")) or 0.0,
        duration_s=lasts_s if 0 < lasts_s <= audio_s else audio_s,
    )


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    with contextlib.suppress(OverflowError):
        return float(value) if math.isfinite(value) else None
    return None


def trouble_of(answer: Answer) -> SpeechError:
    """Returns what an answer other than 200 means for the note.

    The sound was decoded and written by us, so a server that refuses it as bad
    (400, 415, 422) was asked for something that it does not do: it is as good as off
    until somebody looks, and the note is not to blame.
    """
    error = answer.content.get("erro")
    reason = error.get("motivo") if isinstance(error, dict) else None
    detail = f"http {answer.status}"
    if reason in [each.value for each in Trouble]:  # whatever its type is
        return SpeechError(Trouble(reason), detail)
    if answer.status == _TOO_LARGE:
        return SpeechError(Trouble.TOO_LONG, detail)
    if answer.status in _TOO_SLOW:
        return SpeechError(Trouble.LATE, detail)
    return SpeechError(Trouble.OFF, detail)

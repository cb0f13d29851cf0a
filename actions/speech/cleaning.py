"""Takes out of a transcript what nobody said.

Whisper writes something for every sound. Its own measures say where it ran in
circles or guessed; some sentences it is known to write over noise, learnt from
subtitles. Pure.
"""

from __future__ import annotations

import math
import re
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

MAX_COMPRESSION = 2.4
"""Ratio of a text's bytes to its zlib bytes above which it runs in circles: Whisper's
own `compression_ratio_threshold`."""
MIN_LOGPROB = -1.0
"""Mean log-probability below which Whisper itself calls a decoding failed
(`logprob_threshold`)."""
NO_SPEECH = 0.6
"""Probability of silence above which a guess counts for nothing
(`no_speech_threshold`)."""
_SURELY_SILENT = 0.8
_ECHO_WORDS = 4
_SEGMENT_CHARS = 800
"""More than the 224 tokens that Whisper writes at once; a long text that is well said
compresses as a short one that is not."""
_CIRCLE = re.compile(r"\b(?:(\S+(?: \S+){1,5})(?: \1){4,}|(\S+)(?: \2){9,})\b")

_INVENTED = re.compile(
    r"legendas? (?:pela|por|da|feita).{0,40}|legenda(?:do|s)? (?:por )?.{0,20}zanotto"
    r"|.{0,30}amara ?org.{0,20}|(?:transcricao|traducao|legendagem) (?:e legendas? )?"
    r"(?:por|de|da|pela) .{0,40}|inscreva ?se (?:no|em nosso) canal.{0,60}"
    r"|(?:nao )?(?:se )?esquec\w+ de se inscrever.{0,60}|deixe? (?:o )?seu like.{0,40}"
    r"|(?:muito )?obrigad[oa] por (?:assistir|ver|acompanhar).{0,30}"
    r"|ate o proximo video|e ate a proxima,? pessoal|ative o sininho.{0,40}"
    r"|acesse o (?:nosso )?site.{0,40}|www \S+ com(?: br)?|a tribuna"
    r"|musica|aplausos|risos|silencio|sons? de .{0,30}"
)
"""Whole segments; levelled as by `_levelled`."""
_DOUBTFUL = re.compile(
    r"(?:muito )?obrigad[oa]|tchau(?: tchau)*|e ai|e isso(?: ai)?|ate (?:mais|logo)"
    r"|beijos?|valeu|ok|ah|eh?|hum+|oh|uh|sim|a|o|e|mas|entao|legal|boa noite"
)
"""People say these too; over noise Whisper writes them with little confidence."""


@dataclass(frozen=True)
class Segment:
    """A piece of a transcript, as an engine gives it."""

    text: str
    logprob: float
    """Mean natural log-probability of its tokens."""
    no_speech: float
    """0-1: how probably nobody speaks."""
    duration_s: float = 1.0


@dataclass(frozen=True)
class Cleaned:
    """What is left of a transcript."""

    text: str
    confidence: float
    """0-1: exp of the mean log-probability, weighted by duration; 0 without text."""
    dropped: int
    """Segments that were taken out."""


def clean(segments: Sequence[Segment], *, prompt: str = "") -> Cleaned:
    """Returns the segments that somebody said, as one text.

    Args:
        segments: in their order.
        prompt: the vocabulary that the engine was given; it writes it down where it
            hears nothing.
    """
    kept = [each for each in segments if _is_said(each, _levelled(prompt))]
    text = " ".join(" ".join(each.text.split()) for each in kept).strip()
    if not text:
        return Cleaned("", 0.0, len(segments))
    weights = [max(each.duration_s, 0.1) for each in kept]
    total = sum(each.logprob * w for each, w in zip(kept, weights, strict=True))
    mean = min(0.0, total / sum(weights))
    return Cleaned(text, math.exp(mean), len(segments) - len(kept))


def compression(text: str) -> float:
    """Returns how often a text's bytes fit into their zlib form."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if raw else 0.0


def _is_said(segment: Segment, prompt: str) -> bool:
    words = _levelled(segment.text)
    if not words or _runs_in_circles(segment.text, words):
        return False
    if segment.no_speech > _SURELY_SILENT or segment.logprob < MIN_LOGPROB:
        return False
    if _INVENTED.fullmatch(words):
        return False
    is_weak = segment.no_speech > NO_SPEECH or segment.logprob < MIN_LOGPROB / 2
    if is_weak and _DOUBTFUL.fullmatch(words):
        return False
    is_echo = f" {words} " in f" {prompt} "
    return not (is_echo and len(words.split()) >= _ECHO_WORDS)


def _runs_in_circles(text: str, words: str) -> bool:
    """Says whether the same words come again and again.

    Who is agitated says "não, não, não"; nobody says "o que é" six times in a row.
    """
    if len(text) <= _SEGMENT_CHARS and compression(text) > MAX_COMPRESSION:
        return True
    return bool(_CIRCLE.search(words))


def _levelled(text: str) -> str:
    """Returns words alone: no accents, capitals, signs."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(each for each in plain if not unicodedata.combining(each))
    return " ".join(re.sub(r"[\W_]", " ", plain).split())

"""What is asked, and what comes of it: the two ends of the fallback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True)
class Exchange:
    """One earlier turn: what the person wrote and what they were told."""

    question: str
    answer: str


class MaterialKind(str, Enum):
    """Where a text beside the message comes from; names its fence in the prompt."""

    QUOTED = "citacao"
    """Our own earlier message, that this one quotes."""
    FORWARDED = "encaminhada"
    """Words of somebody else, passed on."""
    TRANSCRIPT = "audio_transcrito"
    DOCUMENT = "documento"


@dataclass(frozen=True)
class Material:
    """A text beside the message. It is data: whatever it orders is not obeyed."""

    kind: MaterialKind
    text: str


@dataclass(frozen=True)
class Question:
    """A message that no flow understood, with what is known of its conversation."""

    text: str
    """The message as it was written, personal data and all."""
    history: tuple[Exchange, ...] = ()
    """Earlier turns, oldest first."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What the person told in flows, by its Portuguese name: `{"área": "família"}`."""
    names: tuple[str, ...] = ()
    """Names of people that slots and the directory hold; the person's own first."""
    materials: tuple[Material, ...] = ()
    """Quoted, forwarded, transcribed or read from a file."""
    flows: tuple[str, ...] = ()
    """Intents that this person may be led into."""


@dataclass(frozen=True)
class Written:
    """An answer of the model that passed every check."""

    text: str
    """Portuguese, at most 900 characters, personal data restored."""
    sources: tuple[str, ...]
    """Ids of the office's texts that it rests on; at least one."""
    model: str
    """Name of the model that wrote it."""
    host: str
    """Base URL of the server that it came from."""
    total_s: float
    """Seconds from the call to the checked answer, waiting included."""
    model_s: float
    """Seconds that the server says it worked; 0 where it does not say."""
    prompt_tokens: int
    """Tokens the server read; 0 where it does not say."""
    answer_tokens: int
    """Tokens the server wrote; 0 where it does not say."""


@dataclass(frozen=True)
class Quoted:
    """The office's own words, found without the model."""

    text: str
    source: str
    """Id of the office's text."""


@dataclass(frozen=True)
class EnterFlow:
    """The message means one of the known flows; nobody has answered yet."""

    intent: str


@dataclass(frozen=True)
class LegalQuestion:
    """It asks for a legal opinion, which only a lawyer gives."""

    by_model: bool
    """Whether the model said so; else the classifier did, and it was not asked."""


@dataclass(frozen=True)
class SmallTalk:
    """Friendly talk about nothing; a fixed sentence answers."""


@dataclass(frozen=True)
class WantsPerson:
    """Somebody of the office should answer."""


Decision = Written | Quoted | EnterFlow | LegalQuestion | SmallTalk | WantsPerson

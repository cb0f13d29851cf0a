"""One value read in a message, and the levelled text that readers search."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Found:
    """A value and where it stands: `message[start:end] == text`."""

    entity: str
    """Name of the contract, as `cpf`."""
    value: str
    """Canonical form, as `48219365005`."""
    start: int
    """First character, from 0."""
    end: int
    """Behind the last character."""
    text: str
    """As the person wrote it."""


def found(entity: str, value: str, text: str, *, span: tuple[int, int]) -> Found:
    """Returns what was read at a span of the message."""
    start, end = span
    return Found(entity, value, start, end, text[start:end])


def fold(text: str) -> str:
    """Returns lower case without accents, of exactly the same length.

    >>> fold("São João")
    'sao joao'
    """
    return "".join(map(_bare, text))


@lru_cache(maxsize=4096)
def _bare(char: str) -> str:
    lowered = unicodedata.normalize("NFD", char.lower())
    return (
        lowered if len(lowered) == 1 else lowered[0] if _is_accented(lowered) else char
    )


def _is_accented(decomposed: str) -> bool:
    return all(unicodedata.combining(char) for char in decomposed[1:])

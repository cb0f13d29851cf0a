"""What readers of brief replies share: words levelled, known phrases as expressions.

Pure; who reads which replies: `heard_replies`, `reminder_replies`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.core.entities.found import fold

Signs = Sequence[tuple["re.Pattern[str]", str]]
"""Pictures, and the word that they stand for."""
_NOISE = re.compile(r"[^\w\s?]|_")
_STRETCHED = re.compile(r"([a-z])\1{2,}")


def any_of(phrases: str) -> str:
    """Returns an expression for any of some phrases, the longest first.

    It ends at the end of a word and may begin anywhere.

    Args:
        phrases: expressions, apart by commas or lines.
    """
    parts = filter(None, (part.strip() for part in re.split(r"[,\n]", phrases)))
    return rf"(?:{'|'.join(sorted(parts, key=len, reverse=True))})\b"


def levelled(text: str, signs: Signs) -> str:
    """Returns the words: no accents, capitals or points, no letter thrice.

    Question marks stay.
    """
    said = text
    for pictures, word in signs:
        said = pictures.sub(word, said)
    said = _NOISE.sub(" ", fold(said))
    return " ".join(_STRETCHED.sub(r"\1", said).split())

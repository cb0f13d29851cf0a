"""How the checks read a text: one plain form in which disguises fall away.

Bold, accents, full-width and mathematical letters make no difference to what
a person reads, so they make none here.
"""

from __future__ import annotations

import re
import unicodedata

_EMPHASIS = re.compile(r"[*_~`´]")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\s\"”)]+|\n+")


def folded(text: str) -> str:
    """Returns the text in lower-case ASCII letters, without emphasis.

    >>> folded("*É* GARANTIDO, às 9h")
    'e garantido, as 9h'
    """
    # A combining "enclosing keycap" turns a digit into an emoji: 1️⃣.
    apart = unicodedata.normalize("NFKD", _EMPHASIS.sub("", text))
    plain = "".join(char for char in apart if not unicodedata.combining(char))
    plain = plain.replace("\ufe0f", "").replace("\u20e3", "").replace("⁄", "/")
    return plain.lower()


def sentences(text: str) -> list[str]:
    """Returns the sentences of a text; a line break ends one too."""
    return [part.strip() for part in _SENTENCE_END.split(text) if part.strip()]


def words(text: str) -> list[str]:
    """Returns the words of a folded text, without digits and punctuation."""
    return re.findall(r"[a-z]+", text)


def is_in(needle: str, text: str) -> bool:
    """Says whether the words stand in the text as whole words."""
    return re.search(rf"(?<!\w){re.escape(needle)}(?!\w)", text) is not None

"""How the checks read a text: one plain form in which disguises fall away.

Bold, accents, full-width and mathematical letters make no difference to what
a person reads, so they make none here.
"""

from __future__ import annotations

import re
import unicodedata

_EMPHASIS = re.compile(r"[*_~`´]")
_MARKS = re.compile("[\u0300-\u036f\u20d0-\u20ff\ufe0f]")
"""The usual combining marks; rarer ones take the slow way."""
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\s\"”)]+|\n+")


def folded(text: str) -> str:
    """Returns the text in lower-case ASCII letters, without emphasis.

    >>> folded("*É* GARANTIDO, às 9h")
    'e garantido, as 9h'
    """
    plain = _EMPHASIS.sub("", text)
    if not plain.isascii():
        # A combining "enclosing keycap" turns a digit into an emoji: 1️⃣.
        plain = _MARKS.sub("", unicodedata.normalize("NFKD", plain))
        if not plain.isascii():
            plain = "".join(c for c in plain if not unicodedata.combining(c))
            plain = plain.replace("⁄", "/")
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

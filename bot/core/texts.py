"""Cleaning what strangers send, before anything else sees it."""

from __future__ import annotations

import re
import unicodedata

from bot.core.names import INTENTS

_COMMAND_MARK = "/"
_COMMAND = re.compile(r"\w+(@[\d.]*)?\s*(\{.*)?", re.DOTALL)
_RASAS_OWN = frozenset({"restart", "back", "session_start", "out_of_scope"})
_PARTICLES = frozenset({"da", "das", "de", "do", "dos", "e"})
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")


def clean(text: str) -> str:
    """Returns text that every database and log can hold.

    Lone surrogates, NUL and other control characters but line breaks and tabs
    are dropped; composed to NFC, so that an accent has one spelling.
    """
    kept = (
        char
        for char in text.encode("utf-8", "ignore").decode("utf-8")
        if char in "\n\t" or unicodedata.category(char) != "Cc"
    )
    return unicodedata.normalize("NFC", "".join(kept))


def looks_like_command(text: str) -> bool:
    """Says whether a text has the shape of a Rasa command, and not of words.

    `/restart`, `/agendar_consulta` and `/saudar@1.0{"nome": "x"}` do; `/menu`, as
    people know it from elsewhere, and "e/ou" do not.
    """
    words = without_command_mark(text)
    if words == text.strip() or not _COMMAND.fullmatch(words):
        return False
    name = re.split(r"[\s{@]", words, maxsplit=1)[0].lower()
    has_mark = "{" in words or "@" in words or "_" in name
    return has_mark or name in _RASAS_OWN or name in INTENTS


def without_command_mark(text: str) -> str:
    """Returns the text so that Rasa cannot take it for a command.

    Rasa reads `/restart` or `/intent{"slot": …}` as that intent with confidence
    1.0. What people write is never a command, so leading slashes are dropped,
    with the spaces and invisible characters that may stand between them.
    """
    previous = None
    while text != previous:
        previous = text
        text = text.strip().lstrip(_COMMAND_MARK)
        text = _INVISIBLE.sub("", text[:1]) + text[1:]
    return text


def name_words(name: str) -> tuple[str, ...]:
    """Returns a name's words for comparing: lower case, no accents, no particles.

    >>> name_words("João D'Ávila dos Santos")
    ('joao', "d'avila", 'santos')
    """
    decomposed = unicodedata.normalize("NFD", name.lower())
    bare = "".join(char for char in decomposed if unicodedata.category(char) != "Mn")
    words = re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", bare)
    return tuple(word for word in words if word not in _PARTICLES)

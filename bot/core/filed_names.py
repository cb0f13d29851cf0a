"""Names of folders and of the files in them, and which name somebody means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from difflib import SequenceMatcher

from bot.core.texts import name_words

SAME, PART, NEAR = 3, 2, 1
"""How well a name fits: the same words, some of its words, or only nearly those."""
_ALIKE = 0.8
"""Of two words, as `SequenceMatcher` counts; "perera" and "pereira" have 0.92."""
_SHORTEST_PART = 4
_TITLES = frozenset(
    """dona seu sr sra srta dr dra senhor senhora doutor doutora caso cliente pasta
    processo""".split()
)
_END = re.compile(r" \(final \w{4}\)$")
_LONGEST_NAME = 100
_KINDS = (
    ("image/", "foto"), ("audio/", "áudio"), ("video/", "vídeo"),
    ("application/vnd.ms-excel", "planilha"), ("text/csv", "planilha"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml", "planilha"),
)  # fmt: skip
_OTHER_KIND = "documento"
_ENDINGS = {
    "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/gif": "gif",
    "image/heic": "heic", "audio/ogg": "ogg", "audio/mpeg": "mp3", "audio/mp4": "m4a",
    "audio/aac": "aac", "audio/amr": "amr", "audio/wav": "wav", "audio/webm": "webm",
    "video/mp4": "mp4", "video/3gpp": "3gp", "video/webm": "webm",
    "application/pdf": "pdf", "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "text/plain": "txt", "text/csv": "csv",
}  # fmt: skip


def fit(name: str, wanted: str) -> int:
    """Says how well a folder's or a person's name fits what somebody wrote.

    Accents, case, the order of words and titles as "dona" do not count.

    >>> fit("João Pereira (final 1234)", "pereira, joao"), fit("João Pereira", "perera")
    (3, 1)
    """
    words, asked = _words(name), _words(wanted)
    if not words or not asked:
        return 0
    if sorted(words) == sorted(asked):
        return SAME
    if set(asked) <= set(words):
        return PART
    return NEAR if all(_is_near(each, words) for each in asked) else 0


def _words(name: str) -> list[str]:
    words = name_words(_END.sub("", name))
    return [word for word in words if word not in _TITLES] or list(words)


def _is_near(word: str, words: Iterable[str]) -> bool:
    return any(
        (len(word) >= _SHORTEST_PART and word in each)
        or SequenceMatcher(None, word, each).ratio() >= _ALIKE
        for each in words
    )


def person_key(title: str) -> str:
    """Returns under which name the folder of somebody without a conversation stands.

    >>> person_key("Dona Ângela da Silva")
    'pessoa:angela silva'
    """
    return f"pessoa:{' '.join(_words(title)) or title.lower()}"[:_LONGEST_NAME]


def lawsuit_key(digits: str) -> str:
    """Returns under which name the folder of a lawsuit stands."""
    return f"processo:{digits}"


def client_key(conversation_id: str) -> str:
    """Returns under which name a client's folder stands."""
    return f"conversa:{conversation_id}"


def client_title(name: str, number_end: str) -> str:
    """Returns how a client's folder is called: namesakes have different numbers."""
    return f"{name or 'Cliente'} (final {number_end})"


def file_titles(files: Sequence[tuple[str, str, datetime]]) -> list[str]:
    """Returns what files are called: their own names, else day, kind and number.

    Args:
        files: original name or "", media type, and when each was sent (aware).
    """
    counts: dict[str, int] = {}
    titles = []
    for name, media_type, sent_at in files:
        if name:
            titles.append(name)
            continue
        kind = _kind(media_type)
        counts[kind] = counts.get(kind, 0) + 1
        ending = _ENDINGS.get(media_type, "")
        title = f"{sent_at:%Y-%m-%d} {kind} {counts[kind]}"
        titles.append(f"{title}.{ending}" if ending else title)
    return titles


def _kind(media_type: str) -> str:
    return next(
        (kind for begin, kind in _KINDS if media_type.startswith(begin)), _OTHER_KIND
    )


def counted_kinds(media_types: Iterable[str]) -> str:
    """Returns how many files there are of each kind.

    >>> counted_kinds(["image/png", "image/jpeg", "application/pdf"])
    '2 fotos e 1 documento'
    """
    counts: dict[str, int] = {}
    for each in media_types:
        counts[_kind(each)] = counts.get(_kind(each), 0) + 1
    return joined([f"{n} {kind}{'s' * (n > 1)}" for kind, n in counts.items()])


def joined(words: Sequence[str]) -> str:
    """Returns words as a list is spoken.

    >>> joined(["a.pdf", "b.pdf", "c.pdf"])
    'a.pdf, b.pdf e c.pdf'
    """
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} e {words[-1]}"

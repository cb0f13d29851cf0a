"""Finds the office's texts that a message asks for.

Two views are fused. Meaning: an entry is as near as its nearest question, with half
the weight its questions' mean (sentence embeddings). Words: BM25 over everything the
entry says, on the beginnings of words. Measured on the 200 questions of
`tests/data/llm/recuperacao.yml` with 106 entries, share with the right entry first
and among the first four:

    meaning alone, nearest question    0.67   0.88
    meaning alone, mean of questions   0.82   0.94
    words alone                        0.81   0.95
    reciprocal ranks (k = 60)          0.77   0.94
    weighted sum, as here              0.88   0.98

In a message of several sentences each is compared too: with chatter around the same
questions 0.94 are among the first four, and 0.70 if only the whole is compared.

An entry may be quoted without asking the model where it is `sure`: near in meaning,
well before the next one, and with nearly all that the message speaks of in its own
questions. That last one is what keeps "que horas fecha o cartório?" from being
answered with the office's hours.
"""

from __future__ import annotations

import logging
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import bm25s
import numpy as np

from bot.core.meaning import embed
from llm_fallback.knowledge.chat_spelling import spelled_out, stems
from llm_fallback.knowledge.entry import Entry

logging.getLogger("bm25s").setLevel(logging.WARNING)  # on import it asks for DEBUG
MAX_CHARACTERS = 600
"""Of a longer message the beginning and the end are read."""
SURE_NEARNESS = 0.5
"""Least cosine between the message and the entry's nearest question."""
SURE_LEAD = 0.1
"""Least difference to the second entry's score."""
SURE_COVERAGE = 0.65
"""Least share of the message's words, by rarity, among the entry's questions."""
_MEAN_WEIGHT = 0.5
_WORDS_WEIGHT = 0.3
_MAX_PARTS = 4
_LEAST_PART_WORDS = 3
_SENTENCE = re.compile(r"[^.!?\n;]+[.!?\n;]*")


@dataclass(frozen=True)
class Hit:
    """An entry and how near it is."""

    entry: Entry
    score: float
    """At most 1; only compares entries found for the same message."""


@dataclass(frozen=True)
class Found:
    """What the office has to say to a message."""

    hits: tuple[Hit, ...]
    """The nearest entries, the best first; none for a message without words."""
    sure: Entry | None = None
    """The first of them, if it may be quoted without the model."""


class Knowledge:
    """All texts of the office, ready to be searched."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = tuple(entries)
        self._by_id = {entry.id: entry for entry in entries}
        if entries:
            self._meanings = _Meanings(entries)
            self._words = _Words(entries)

    def find(self, text: str, *, at_most: int = 4) -> Found:
        """Returns the entries nearest to a message of any length; about 3 ms.

        Args:
            text: one message as it was written; earlier turns are not known.
            at_most: how many entries to return.
        """
        text = spelled_out(_ends(text))
        said = stems(text)
        if not said or not self._entries:
            return Found(())
        nearness, meaning = self._meanings.of(text)
        scores = (meaning + _WORDS_WEIGHT * self._words.scores(said)) / (
            1 + _WORDS_WEIGHT
        )
        order = np.argsort(-scores, kind="stable")
        hits = tuple(
            Hit(self._entries[each], float(scores[each])) for each in order[:at_most]
        )
        best = int(order[0])
        lead = scores[best] - scores[order[1]] if len(order) > 1 else 1.0
        is_sure = (
            nearness[best] >= SURE_NEARNESS
            and lead >= SURE_LEAD
            and self._words.coverage(said, best) >= SURE_COVERAGE
        )
        return Found(hits, self._entries[best] if is_sure else None)

    def entries_of(self, ids: Iterable[str]) -> tuple[Entry, ...]:
        """Returns the entries of the ids, in their order; unknown ids are left out."""
        return tuple(self._by_id[each] for each in ids if each in self._by_id)


class _Meanings:
    """The vectors of all questions, computed once."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        asked = [(entry.title, *entry.questions) for entry in entries]
        self._starts = np.cumsum([0, *map(len, asked)])[:-1]
        self._questions = embed([spelled_out(each) for all_ in asked for each in all_])
        sums = np.add.reduceat(self._questions, self._starts, axis=0)
        self._means = sums / np.linalg.norm(sums, axis=1, keepdims=True)

    def of(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns two values an entry, shape (entries,).

        The first is the cosine of the nearest question with the whole text; the
        second also weighs the mean of the questions and, in a text of several
        sentences, counts the sentence that is nearest.
        """
        vectors = embed([text, *_parts(text)])
        nearest = np.maximum.reduceat(vectors @ self._questions.T, self._starts, axis=1)
        fused = (nearest + _MEAN_WEIGHT * (vectors @ self._means.T)) / (
            1 + _MEAN_WEIGHT
        )
        return nearest[0], fused.max(axis=0)


class _Words:
    """Which words the entries say, and how rare each is."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        asked = [
            stems(spelled_out(" . ".join((entry.title, *entry.questions))))
            for entry in entries
        ]
        said = [
            [*words, *stems(entry.text)]
            for words, entry in zip(asked, entries, strict=True)
        ]
        self._asked = [frozenset(words) for words in asked]
        self._counts = Counter(word for words in said for word in set(words))
        self._index: Any = bm25s.BM25(k1=1.2, b=0.75)  # type: ignore[no-untyped-call]
        self._index.index([words or [""] for words in said], show_progress=False)

    def scores(self, said: list[str]) -> np.ndarray:
        """Returns BM25 an entry, the best one's being 1; shape (entries,)."""
        scores = np.asarray(self._index.get_scores(said))
        return np.asarray(scores / max(float(scores.max()), 1e-9))

    def coverage(self, said: list[str], entry: int) -> float:
        """Returns which share of a message's words the entry's questions have.

        Words weigh by their rarity among the entries (the idf of BM25), so that an
        unknown word weighs most. From 0 to 1.
        """
        whole = sum(map(self._rarity, said))
        found = sum(self._rarity(word) for word in said if word in self._asked[entry])
        return found / whole

    def _rarity(self, word: str) -> float:
        count = self._counts[word]
        return math.log(1 + (len(self._asked) - count + 0.5) / (count + 0.5))


def _ends(text: str) -> str:
    half = MAX_CHARACTERS // 2
    if len(text) <= MAX_CHARACTERS:
        return text
    return f"{text[:half]} … {text[-half:]}"


def _parts(text: str) -> list[str]:
    """Returns the first and last sentences of a text of more than one."""
    found = [part.strip() for part in _SENTENCE.findall(text)]
    parts = [part for part in found if len(part.split()) >= _LEAST_PART_WORDS]
    if len(parts) <= 1:
        return []
    half = _MAX_PARTS // 2
    return parts if len(parts) <= _MAX_PARTS else [*parts[:half], *parts[-half:]]

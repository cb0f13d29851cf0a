"""Word error rate: substitutions, insertions and deletions over the words said."""

from __future__ import annotations

import re
from collections.abc import Sequence


def word_error_rate(pairs: Sequence[tuple[str, str]]) -> float:
    """Returns the rate over pairs of what was said and what was heard, 0 and up.

    Capitals and punctuation do not count.
    """
    errors = words = 0
    for said, heard in pairs:
        reference, hypothesis = _words(said), _words(heard)
        errors += _distance(reference, hypothesis)
        words += len(reference)
    return errors / words


def _words(text: str) -> list[str]:
    return re.sub(r"[^\w\s]", " ", text.lower()).split()


def _distance(first: list[str], second: list[str]) -> int:
    row = list(range(len(second) + 1))
    for number, one in enumerate(first, start=1):
        previous, row[0] = row[0], number
        for at, other in enumerate(second, start=1):
            best = min(row[at] + 1, row[at - 1] + 1, previous + (one != other))
            previous, row[at] = row[at], best
    return row[-1]

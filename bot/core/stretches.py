"""Stretches of time, as pairs of UTC seconds: what is left when some are taken out."""

from __future__ import annotations

from collections.abc import Iterable

Stretch = tuple[float, float]
"""Start and end, UTC seconds; the end is not in it."""


def without(taken: Iterable[Stretch], known: Iterable[Stretch]) -> list[Stretch]:
    """Returns what of `taken` no stretch of `known` covers, the earliest first.

    >>> without([(0, 10)], [(2, 4), (9, 12)])
    [(0, 2), (4, 9)]
    """
    left = sorted(taken)
    for first, last in known:
        cut: list[Stretch] = []
        for start, end in left:
            if end <= first or start >= last:
                cut.append((start, end))
                continue
            if start < first:
                cut.append((start, first))
            if last < end:
                cut.append((last, end))
        left = cut
    return left


def overlaps(one: Stretch, other: Stretch) -> bool:
    """Says whether two stretches share any time; touching ends do not."""
    return one[0] < other[1] and other[0] < one[1]

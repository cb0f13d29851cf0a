"""Every text of the office, told wrongly in every way, against the checks alone.

A conversation meets few of the adversary's tricks; here each meets each text, without
a model, a classifier or a server in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.llm_judges import (
    PASSED,
    WRONG_FACTS,
    Office,
    Problem,
    Shown,
    Way,
    judge,
)
from benchmarks.llm_sets import ATTACKS, Case
from llm_fallback.errors import LlmAnswerRejected
from llm_fallback.guards.checks import review
from llm_fallback.knowledge.entry import Entry
from llm_fallback.question import Question
from tests.fakes.adversary import distortions

_SEEDS = range(3)
_CASE = Case(ATTACKS, 0, Question("como é?"))


@dataclass(frozen=True)
class Told:
    """One wrong telling that the checks let through."""

    strategy: str
    """The adversary's name for the trick."""
    source: str
    """Id of the text that it cites."""
    text: str
    problems: frozenset[Problem]
    """What the judges find; empty where the trick changed nothing that matters."""

    @property
    def is_wrong(self) -> bool:
        """Whether a person would have read something untrue."""
        return bool(self.problems & (WRONG_FACTS | PASSED))


@dataclass(frozen=True)
class Sweep:
    """What came of all tellings."""

    tried: int
    """Distinct wrong tellings."""
    shown: tuple[Told, ...]
    """Those of them that passed every check."""


def sweep(entries: Sequence[Entry], office: Office) -> Sweep:
    """Tells every text wrongly in every way; some milliseconds a text and way."""
    tellings = dict.fromkeys(_tellings(entries))
    shown = []
    for strategy, entry, answer in tellings:
        try:
            text = review(
                answer,
                question=_CASE.question.text,
                cited=f"{entry.title}\n{entry.text}",
            )
        except LlmAnswerRejected:
            continue
        told = Shown(Way.WRITTEN, text, (entry.id,))
        shown.append(Told(strategy, entry.id, text, judge(_CASE, told, office)))
    return Sweep(len(tellings), tuple(shown))


def _tellings(entries: Sequence[Entry]) -> Iterator[tuple[str, Entry, str]]:
    for seed in _SEEDS:
        for place, entry in enumerate(entries):
            other = entries[(place + 1 + 7 * seed) % len(entries)]
            for name, answer in distortions(
                entry.id, entry.text, other.text, seed=seed
            ):
                yield name, entry, answer

"""Which intent a vector means, how sure that is, and when to say "none of them".

Kernel ridge regression, one column an intent: a message is as near to an example
as their words agree (linear) plus as their meanings agree (Gaussian), and every
example votes for its intent by that nearness. One more column stands for what
belongs to none of them (`data/fora_de_escopo.txt`). That one is never an answer:
it is the yardstick that an intent must beat, by a margin set on messages that
training did not see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize_scalar
from sklearn.model_selection import KFold

from bot.nlu.text_features import Vectors

_SEED = 7
_FOLDS = 3
_MANY = 3000
_RIDGE = 0.3
_SHARPNESS = 2.0
"""Of the Gaussian: exp(_SHARPNESS * (cosine - 1))."""
_SPELLING_SHARE = 0.25
"""What words and pieces of words count beside the meaning."""
_ROWS_AT_ONCE = 512
"""The sparse product of all rows at once would take 1 GB for 11,500 texts."""
REJECTED_CONFIDENCE = 0.25
"""Highest confidence of a rejected message; FallbackClassifier's threshold (0.3)
stands above it."""


@dataclass(frozen=True)
class Ranked:
    """Intents of one message, best first."""

    names: tuple[str, ...]
    confidences: tuple[float, ...]
    """0-1, falling; they sum to at most 1."""
    is_rejected: bool
    """Whether it belongs to none of them."""


@dataclass(frozen=True)
class IntentModel:
    """The votes of the examples and what was calibrated on held-out folds.

    A message costs one product of (examples, 512) and one of (terms, intents):
    about 1 ms for 6,000 examples; it keeps 2 kB an example in memory.
    """

    names: tuple[str, ...]
    weights: np.ndarray
    """Shape (terms, intents + 1): what each word and piece says; the last column
    is "none of them"."""
    examples: np.ndarray
    """Shape (examples, 512 or 0): the meanings that training saw."""
    votes: np.ndarray
    """Shape (examples, intents + 1): what nearness to each of them says."""
    temperature: float = 1.0
    """Divides scores before softmax so that a confidence is a hit rate."""
    margin: float = -np.inf
    """How far the best intent must stand above "none of them"."""

    def scores(self, vectors: Vectors) -> np.ndarray:
        """Returns one row a message, shape (n, intents + 1); about 0-1 each."""
        words = np.asarray(vectors.spelling @ self.weights)
        return words + _nearness(vectors.meaning, self.examples) @ self.votes

    def rank(self, vectors: Vectors) -> list[Ranked]:
        """Ranks the intents of each message."""
        scores = self.scores(vectors)
        inside, outside = scores[:, :-1], scores[:, -1]
        confidences = _softmax(inside / self.temperature)
        return [
            self._ranked(row, is_rejected=best - other < self.margin)
            for row, best, other in zip(
                confidences, inside.max(axis=1), outside, strict=True
            )
        ]

    def _ranked(self, row: np.ndarray, *, is_rejected: bool) -> Ranked:
        order = np.argsort(-row)
        factor = 1.0
        if is_rejected:
            factor = min(1.0, REJECTED_CONFIDENCE / float(row[order[0]]))
        return Ranked(
            names=tuple(self.names[i] for i in order),
            confidences=tuple(float(row[i]) * factor for i in order),
            is_rejected=is_rejected,
        )

    def save(self, folder: Path) -> None:
        """Writes the arrays and names, without pickle."""
        np.savez(
            folder / "intents.npz",
            names=np.asarray(self.names, dtype="U"),
            weights=self.weights,
            examples=self.examples,
            votes=self.votes,
            calibration=np.asarray([self.temperature, self.margin]),
        )

    @classmethod
    def load(cls, folder: Path) -> IntentModel:
        """Reads what `save` wrote."""
        with np.load(folder / "intents.npz", allow_pickle=False) as stored:
            temperature, margin = stored["calibration"]
            return cls(
                names=tuple(str(name) for name in stored["names"]),
                weights=stored["weights"],
                examples=stored["examples"],
                votes=stored["votes"],
                temperature=float(temperature),
                margin=float(margin),
            )


def train(
    vectors: Vectors, intents: Sequence[str | None], *, false_reject_rate: float
) -> IntentModel:
    """Lets every example vote, and calibrates on held-out folds.

    Takes memory for two matrices of n x n float32: 300 MB for 6,000 texts,
    1.1 GB for 11,500.

    Args:
        vectors: the n examples.
        intents: their n intents; None belongs to no intent. Where there is no
            None, nothing is ever rejected.
        false_reject_rate: share of real requests that may be turned away (0-1);
            the margin is the quantile of held-out examples at this rate.
    """
    names, labels = columns_of(intents)
    targets = np.eye(len(names) + 1, dtype=np.float32)[labels]
    likeness = _likeness(vectors)
    unseen, held_out = _held_out_scores(likeness, targets)
    votes = _votes(likeness, targets)
    return calibrated(
        IntentModel(
            names=names,
            weights=np.asarray(_SPELLING_SHARE * (vectors.spelling.T @ votes)),
            examples=vectors.meaning,
            votes=votes,
        ),
        labels[unseen],
        held_out,
        false_reject_rate=false_reject_rate,
    )


def columns_of(intents: Sequence[str | None]) -> tuple[tuple[str, ...], np.ndarray]:
    """Returns the names in order, and each example's column; None is the last."""
    names = tuple(sorted({name for name in intents if name is not None}))
    column = {name: number for number, name in enumerate([*names, None])}
    return names, np.asarray([column[name] for name in intents])


def calibrated(
    model: IntentModel,
    labels: np.ndarray,
    held_out: np.ndarray,
    *,
    false_reject_rate: float,
) -> IntentModel:
    """Returns the model with confidences and margin that fit unseen messages.

    Args:
        model: trained on all examples.
        labels: columns of m messages held out; the last is "none of them".
        held_out: shape (m, intents + 1), scores by a model that did not see them.
        false_reject_rate: share of real requests that may be turned away (0-1).
    """
    is_inside = labels < len(model.names)
    scores = held_out[is_inside]
    margins = scores[:, :-1].max(axis=1) - scores[:, -1]
    can_reject = not is_inside.all()
    return replace(
        model,
        temperature=_temperature(scores[:, :-1], labels[is_inside]),
        margin=(
            float(np.quantile(margins, false_reject_rate)) if can_reject else -np.inf
        ),
    )


def _nearness(meaning: np.ndarray, examples: np.ndarray) -> np.ndarray:
    """Returns 0-1 for each message and example; 0 where meaning is not used."""
    if not (meaning.shape[1] and examples.shape[1]):
        return np.zeros((len(meaning), len(examples)), dtype=np.float32)
    cosines = meaning @ examples.T
    cosines -= 1
    cosines *= _SHARPNESS
    return np.asarray(np.exp(cosines, out=cosines))


def _likeness(vectors: Vectors) -> np.ndarray:
    total = _nearness(vectors.meaning, vectors.meaning)
    spelling = vectors.spelling
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        rows, rest = slice(start, start + _ROWS_AT_ONCE), slice(start, None)
        alike = _SPELLING_SHARE * (spelling[rows] @ spelling[rest].T).toarray()
        total[rows, rest] += alike
        total[rest, rows][_ROWS_AT_ONCE:] += alike[:, _ROWS_AT_ONCE:].T  # it mirrors
    return total


def _votes(likeness: np.ndarray, targets: np.ndarray) -> np.ndarray:
    system = likeness.copy()
    system[np.diag_indices_from(system)] += _RIDGE
    factor = cho_factor(system, lower=True, overwrite_a=True, check_finite=False)
    return np.asarray(cho_solve(factor, targets, check_finite=False))


def _held_out_scores(
    likeness: np.ndarray, targets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns rows, and their scores by models that did not see them.

    Of many examples one fold of three is enough for a quantile at 3 %, and saves
    two thirds of the time; of few, every fold counts.
    """
    folds = list(KFold(_FOLDS, shuffle=True, random_state=_SEED).split(targets))
    rows, scores = [], []
    for known, unknown in folds[: 1 if len(targets) > _MANY else _FOLDS]:
        votes = _votes(likeness[np.ix_(known, known)], targets[known])
        rows.append(unknown)
        scores.append(likeness[np.ix_(unknown, known)] @ votes)
    return np.concatenate(rows), np.concatenate(scores)


def _temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    rows = np.arange(len(labels))

    def loss(temperature: float) -> float:
        likelihood = _softmax(scores / temperature)[rows, labels]
        return float(-np.log(likelihood + 1e-12).mean())

    return float(minimize_scalar(loss, bounds=(0.01, 10.0), method="bounded").x)


def _softmax(scores: np.ndarray) -> np.ndarray:
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))

"""Which intent a vector means, how sure that is, and when to say "none of them".

One linear separator an intent, and one more for what belongs to none of them
(`data/fora_de_escopo.txt`). That last one is never an answer: it is the yardstick
that an intent must beat, by a margin set on messages that training did not see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix, vstack
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

_SEED = 7
_FOLDS = 3
_REGULARISATION = 1.0
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
    """Trained separators and what was calibrated on held-out folds."""

    names: tuple[str, ...]
    weights: np.ndarray
    """Shape (intents + 1, features); the last row is "none of them"."""
    offsets: np.ndarray
    """Shape (intents + 1,)."""
    temperature: float
    """Divides scores before softmax so that a confidence is a hit rate."""
    margin: float
    """How far the best intent must stand above "none of them"."""

    def rank(self, vectors: csr_matrix) -> list[Ranked]:
        """Ranks the intents of each row."""
        scores = vectors @ self.weights.T + self.offsets
        inside, outside = scores[:, :-1], scores[:, -1]
        confidences = _softmax(inside / self.temperature)
        return [
            self._ranked(row, is_rejected=best - other < self.margin)
            for row, best, other in zip(
                confidences, inside.max(axis=1), outside, strict=False
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
        np.savez_compressed(
            folder / "intents.npz",
            names=np.asarray(self.names, dtype="U"),
            weights=self.weights.astype(np.float32),
            offsets=self.offsets.astype(np.float32),
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
                offsets=stored["offsets"],
                temperature=float(temperature),
                margin=float(margin),
            )


def train(
    vectors: csr_matrix,
    intents: Sequence[str],
    outside: csr_matrix,
    *,
    false_reject_rate: float,
) -> IntentModel:
    """Fits the separators and calibrates them on held-out folds.

    Args:
        vectors: shape (n, features), one row an example.
        intents: the n intents.
        outside: shape (m, features), messages that belong to no intent.
        false_reject_rate: share of real requests that may be turned away (0-1);
            the margin is the quantile of held-out examples at this rate.
    """
    names = tuple(sorted(set(intents)))
    labels = np.asarray([names.index(name) for name in intents])
    everything = vstack([vectors, outside]).tocsr()
    all_labels = np.concatenate([labels, np.full(outside.shape[0], len(names))])
    held_out = _held_out_scores(everything, all_labels, len(names))
    inside = held_out[: len(labels)]
    margins = inside[:, :-1].max(axis=1) - inside[:, -1]
    weights, offsets = _fit(everything, all_labels)
    return IntentModel(
        names=names,
        weights=weights,
        offsets=offsets,
        temperature=_temperature(inside[:, :-1], labels),
        margin=float(np.quantile(margins, false_reject_rate)),
    )


def _held_out_scores(vectors: csr_matrix, labels: np.ndarray, last: int) -> np.ndarray:
    scores = np.zeros((vectors.shape[0], last + 1))
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED)
    for train_rows, test_rows in folds.split(vectors, labels):
        weights, offsets = _fit(vectors[train_rows], labels[train_rows])
        scores[test_rows] = vectors[test_rows] @ weights.T + offsets
    return scores


def _fit(vectors: csr_matrix, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    separator = LinearSVC(C=_REGULARISATION, random_state=_SEED)
    separator.fit(vectors, labels)
    return separator.coef_.astype(np.float32), separator.intercept_.astype(np.float32)


def _temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    rows = np.arange(len(labels))

    def loss(temperature: float) -> float:
        likelihood = _softmax(scores / temperature)[rows, labels]
        return float(-np.log(likelihood + 1e-12).mean())

    return float(minimize_scalar(loss, bounds=(0.05, 2.0), method="bounded").x)


def _softmax(scores: np.ndarray) -> np.ndarray:
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))

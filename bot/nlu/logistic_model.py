"""Logistic regression over words and pieces of words, for comparison.

The same ranking, calibration and margin as the default's model; only how the
weights come about differs, and meaning plays no part.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from bot.core import meaning
from bot.nlu.intent_model import IntentModel, calibrated, columns_of
from bot.nlu.text_features import Vectors

_SEED = 7
_FOLDS = 3
_INVERSE_RIDGE = 10.0
_STEPS_AT_MOST = 30


def train(
    vectors: Vectors, intents: Sequence[str | None], *, false_reject_rate: float
) -> IntentModel:
    """Fits one weight a term and intent; about half a minute for 6,000 texts.

    Args:
        vectors: the n examples; their meaning is not looked at.
        intents: their n intents; None belongs to no intent.
        false_reject_rate: share of real requests that may be turned away (0-1).
    """
    names, labels = columns_of(intents)
    held_out = np.zeros((len(labels), len(names) + 1), dtype=np.float32)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED)
    for known, unknown in folds.split(labels, labels):
        weights = _weights(vectors.spelling[known], labels[known], len(names) + 1)
        held_out[unknown] = vectors.spelling[unknown] @ weights
    model = IntentModel(
        names=names,
        weights=_weights(vectors.spelling, labels, len(names) + 1),
        examples=np.zeros((0, meaning.SIZE), dtype=np.float32),
        votes=np.zeros((0, len(names) + 1), dtype=np.float32),
    )
    return calibrated(model, labels, held_out, false_reject_rate=false_reject_rate)


def _weights(spelling: csr_matrix, labels: np.ndarray, columns: int) -> np.ndarray:
    regression = LogisticRegression(
        C=_INVERSE_RIDGE, fit_intercept=False, max_iter=_STEPS_AT_MOST, tol=1e-3
    )
    regression.fit(spelling, labels)
    weights = np.zeros((spelling.shape[1], columns), dtype=np.float32)
    weights[:, regression.classes_] = regression.coef_.T
    return weights

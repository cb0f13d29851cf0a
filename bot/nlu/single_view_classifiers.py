"""The two halves of the default classifier, each as a component of its own.

They take the default's options and differ in what they look at; `pipelines/`
names them, and `make compare-nlu` says what each is worth.
"""

from __future__ import annotations

from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe

from bot.nlu import logistic_model
from bot.nlu.fused_classifier import FusedIntentClassifier


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True
)
class SparseLogisticClassifier(FusedIntentClassifier):
    """Logistic regression over TF-IDF of words and pieces of words.

    A message becomes one sparse row of about 30,000 columns, some 60 of them
    filled; under 1 ms a message.
    """

    learn = staticmethod(logistic_model.train)

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Returns every option with its default: all views but the meaning."""
        return {**FusedIntentClassifier.get_default_config(), "uses_meaning": False}


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True
)
class SentenceClassifier(FusedIntentClassifier):
    """The examples nearest in meaning vote; words and their pieces do not.

    A message becomes one dense row of 512 columns, in 1-3 ms on one core; the
    encoder's weights take 150 MB of memory.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Returns every option with its default: the meaning alone."""
        return {
            **FusedIntentClassifier.get_default_config(),
            "uses_words": False,
            "uses_pieces": False,
        }

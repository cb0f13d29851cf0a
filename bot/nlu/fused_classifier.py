"""The default intent classifier: words, pieces of words and meaning, fused.

Without TensorFlow: it loads in about a second and takes a few milliseconds a
message on one core.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.core import meaning
from bot.core.settings import ROOT
from bot.nlu import (
    courtesies,
    intent_model,
    intent_reader,
    logistic_model,
    spelling,
    text_features,
)
from bot.nlu.intent_reader import FALSE_REJECT_RATE, IntentReader
from bot.nlu.text_features import TextFeatures

_RANKING_LENGTH = 10
_LEARNT_BY = (
    courtesies,
    intent_model,
    intent_reader,
    logistic_model,
    meaning,
    spelling,
    text_features,
)
_VIEWS = ("uses_words", "uses_pieces", "uses_meaning")


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True
)
class FusedIntentClassifier(IntentClassifier, GraphComponent):
    """Ranks the intents of a message, or gives all of them a low confidence.

    Configuration (`config.yml`):
        uses_words, uses_pieces, uses_meaning: which views of the text count.
        out_of_scope_file: messages that belong to no intent, one a line.
        false_reject_rate: share of real requests that may be turned away.
        courtesy_intents: give way to any other sentence of the same message.
        aside_intents: give way, after those, to a sentence of four words.
    """

    learn = staticmethod(intent_model.train)

    def __init__(
        self,
        config: dict[str, Any],
        storage: ModelStorage,
        resource: Resource,
    ) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self._reader = IntentReader(
            TextFeatures(**{key: config[key] for key in _VIEWS}),
            learn=self.learn,
            courtesies=config["courtesy_intents"],
            asides=config["aside_intents"],
        )

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Returns every option with its default."""
        return {
            "uses_words": True,
            "uses_pieces": True,
            "uses_meaning": True,
            "out_of_scope_file": "data/fora_de_escopo.txt",
            "false_reject_rate": FALSE_REJECT_RATE,
            "courtesy_intents": ["saudar", "despedir", "agradecer"],
            "aside_intents": ["informar_dados"],
        }

    @staticmethod
    def required_packages() -> list[str]:
        """Names what must be importable."""
        return ["sklearn"]

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> FusedIntentClassifier:
        """Returns an untrained classifier."""
        return cls(config, model_storage, resource)

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Makes Rasa train again when the out-of-scope messages or our code change.

        Of the code, Rasa itself looks at this class alone.
        """
        settings = {**cls.get_default_config(), **config}
        total = hashlib.sha256()
        total.update("\n".join(_read_lines(settings["out_of_scope_file"])).encode())
        for module in _LEARNT_BY:
            total.update(Path(str(module.__file__)).read_bytes())
        return total.hexdigest()

    def train(self, training_data: TrainingData) -> Resource:
        """Learns from the examples of every intent; about 10 s for 5,500."""
        examples = [
            (example.get(TEXT), example.get(INTENT))
            for example in training_data.intent_examples
            if example.get(TEXT) and example.get(INTENT)
        ]
        if not examples:
            return self._resource
        self._reader.train(
            [text for text, _ in examples],
            [intent for _, intent in examples],
            _read_lines(self._config["out_of_scope_file"]),
            false_reject_rate=self._config["false_reject_rate"],
        )
        with self._storage.write_to(self._resource) as folder:
            self._reader.save(folder)
            views = {key: self._config[key] for key in _VIEWS}
            (folder / "views.json").write_text(json.dumps(views))
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> FusedIntentClassifier:
        """Returns the classifier as it was trained."""
        with model_storage.read_from(resource) as folder:
            views = json.loads((folder / "views.json").read_text())
            classifier = cls({**config, **views}, model_storage, resource)
            classifier._reader.load(folder)
        return classifier

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Leaves training data as it is; this classifier features it itself."""
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Sets `intent` and `intent_ranking` of each message that has text."""
        for message in messages:
            text = message.get(TEXT)
            if not (self._reader.is_trained and text):
                _set(message, [])
                continue
            ranked = self._reader.read(text)
            pairs = zip(ranked.names, ranked.confidences, strict=False)
            _set(message, list(pairs)[:_RANKING_LENGTH])
        return messages


def _set(message: Message, pairs: list[tuple[str, float]]) -> None:
    ranking = [{"name": name, "confidence": value} for name, value in pairs]
    best = ranking[0] if ranking else {"name": None, "confidence": 0.0}
    message.set(INTENT, best, add_to_output=True)
    message.set("intent_ranking", ranking, add_to_output=True)


def _read_lines(name: str) -> list[str]:
    path = Path(name) if Path(name).is_absolute() else ROOT / name
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip()]

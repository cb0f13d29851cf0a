"""Reads the intent of a message: courtesies step back, the request decides.

What the Rasa component, the benchmarks and the tests share. It knows texts and
intents, and nothing of Rasa.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from bot.nlu.courtesies import sentences
from bot.nlu.intent_model import IntentModel, Ranked, train
from bot.nlu.text_features import TextFeatures

FALSE_REJECT_RATE = 0.04
_SENTENCES = range(2, 13)
"""Of more than these, the whole is read at once: each costs about 1 ms."""
_REQUEST_WORDS = 4


class IntentReader:
    """Features and model together, with the rule for several sentences.

    One short message takes about 2 ms on one core; of several sentences, each is
    read once and the rest of them together once more, about 1 ms a sentence.
    """

    def __init__(
        self,
        features: TextFeatures,
        *,
        learn: Callable[..., IntentModel] = train,
        courtesies: Collection[str] = (),
        asides: Collection[str] = (),
    ) -> None:
        """Keeps the unfitted features.

        Args:
            features: the views of a text.
            learn: makes a model of vectors and intents, as `intent_model.train`.
            courtesies: intents whose sentences are left out where another
                sentence says something else ("Bom dia! Como vai?").
            asides: intents left out after those, where a sentence of four words
                or more is left ("Meu nome é Ana. Quanto custa a consulta?").
        """
        self._features = features
        self._learn = learn
        self._courtesies = frozenset(courtesies)
        self._asides = frozenset(asides)
        self._model: IntentModel | None = None

    @property
    def is_trained(self) -> bool:
        """Whether it can read."""
        return self._model is not None

    def train(
        self,
        texts: Sequence[str],
        intents: Sequence[str],
        outside: Sequence[str] = (),
        *,
        false_reject_rate: float = FALSE_REJECT_RATE,
    ) -> None:
        """Learns the examples; about 10 s for 6,000 on two cores.

        Args:
            texts: n examples.
            intents: their n intents.
            outside: messages that belong to none; empty: nothing is rejected.
            false_reject_rate: share of real requests that may be turned away.
        """
        self._model = self._learn(
            self._features.fit_transform([*texts, *outside]),
            [*intents, *(None for _ in outside)],
            false_reject_rate=false_reject_rate,
        )

    def read(self, text: str) -> Ranked:
        """Ranks the intents of one message.

        Raises:
            RuntimeError: it was neither trained nor loaded.
        """
        return self._rank([self._request(text)])[0]

    def save(self, folder: Path) -> None:
        """Writes vocabularies and model, without pickle.

        Raises:
            RuntimeError: it was neither trained nor loaded.
        """
        self._features.save(folder)
        self._trained().save(folder)

    def load(self, folder: Path) -> None:
        """Reads what `save` wrote, about 0.5 s; the views must be the same."""
        self._features.load(folder)
        self._model = IntentModel.load(folder)

    def _request(self, text: str) -> str:
        parts = sentences(text)
        if not self._courtesies or len(parts) not in _SENTENCES:
            return text
        names = [ranked.names[0] for ranked in self._rank(parts)]
        read = list(zip(parts, names, strict=True))
        rest = [part for part, name in read if name not in self._courtesies]
        dropped = self._courtesies | self._asides
        request = [part for part, name in read if name not in dropped]
        if len(" ".join(request).split()) >= _REQUEST_WORDS:
            rest = request
        return " ".join(rest) if 0 < len(rest) < len(parts) else text

    def _rank(self, texts: Sequence[str]) -> list[Ranked]:
        return self._trained().rank(self._features.transform(texts))

    def _trained(self) -> IntentModel:
        if self._model is None:
            raise RuntimeError("the intent reader is not trained")
        return self._model

"""A small learned tagger of people's names: a conditional random field.

It learns from the names marked in `data/nlu.yml`. Few names stand there, so each
marked message is also shown with other names in it, in other case: what is
learned is where a name stands, not which name.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pycrfsuite

from bot.core.entities.found import Found, fold
from bot.core.entities.person_names import (
    BEGIN,
    INSIDE,
    OUTSIDE,
    NameWords,
    features,
    names_from,
    tokenise,
)

_MODEL = "names.crfsuite"
_WORDS = "names.json"
_RARE = 1
"""While learning, a word seen this often counts as never seen, as names do; so the
tagger learns that new words are mostly no names. Later it knows them all."""
_COPIES = 3
_NAMELESS_STEP = 3
"""Of the messages without a name every third is shown: most of the time was theirs."""
_WHOLE_MESSAGES = 500
_PARAMS = {
    "c1": 0.05,
    "c2": 0.05,
    "max_iterations": 50,
    "feature.possible_transitions": True,
}
_SEED = 7


@dataclass(frozen=True)
class Marked:
    """A message and the spans of the names in it."""

    text: str
    names: tuple[tuple[int, int], ...] = ()


class NameTagger:
    """Finds names of people; thread-safe after loading, about 0.3 ms a message."""

    def __init__(self, model: Path, words: NameWords) -> None:
        self._words = words
        self._tagger = pycrfsuite.Tagger()
        self._tagger.open(str(model))

    @classmethod
    def load(cls, folder: Path) -> NameTagger:
        """Returns the tagger that `train` wrote into a folder."""
        raw = json.loads((folder / _WORDS).read_text(encoding="utf-8"))
        places = frozenset(tuple(name) for name in raw.pop("not_people"))
        known = {name: frozenset(words) for name, words in raw.items()}
        return cls(folder / _MODEL, NameWords(**known, not_people=places))

    def read(self, text: str) -> list[Found]:
        """Returns the names (`nome`) of a message, in their order."""
        tokens = tokenise(text)
        if not tokens:
            return []
        labels = self._tagger.tag(features(tokens, self._words))
        return names_from(text, tokens, labels, self._words)


def train(
    messages: Sequence[Marked], *, lookups: dict[str, list[str]], folder: Path
) -> NameTagger:
    """Learns from marked messages and stores the tagger in a folder.

    Args:
        messages: every training message, those without names too.
        lookups: `prenomes`, `sobrenomes` and `nao_pessoas` of the training data.
        folder: takes the model and its words.
    """
    words = _known_words(messages, lookups, everyday_from=_RARE + 1)
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", params=_PARAMS, verbose=False)
    nameless = [message for message in messages if not message.names]
    named = [message for message in messages if message.names]
    shown = [*named, *nameless[::_NAMELESS_STEP], *_varied(messages, lookups)]
    for message in shown:
        tokens = tokenise(message.text)
        if tokens:
            trainer.append(features(tokens, words), _labels(message))
    trainer.train(str(folder / _MODEL))
    words = _known_words(messages, lookups, everyday_from=1)
    stored = {
        "given": sorted(words.given),
        "family": sorted(words.family),
        "everyday": sorted(words.everyday),
        "not_people": sorted(words.not_people),
    }
    text = json.dumps(stored, ensure_ascii=False)
    (folder / _WORDS).write_text(text, encoding="utf-8")
    return NameTagger.load(folder)


def _known_words(
    messages: Sequence[Marked], lookups: dict[str, list[str]], *, everyday_from: int
) -> NameWords:
    counted: Counter[str] = Counter()
    for message in messages:
        counted.update(
            token.bare
            for token, label in zip(
                tokenise(message.text), _labels(message), strict=True
            )
            if label == OUTSIDE and not (token.text[:1].isupper() and token.start)
        )
    given = frozenset(map(fold, lookups.get("prenomes", [])))
    return NameWords(
        given=given,
        family=frozenset(map(fold, lookups.get("sobrenomes", []))),
        everyday=frozenset(w for w, n in counted.items() if n >= everyday_from) - given,
        not_people=frozenset(
            tuple(token.bare for token in tokenise(name))
            for name in lookups.get("nao_pessoas", [])
        ),
    )


def _labels(message: Marked) -> list[str]:
    labels = []
    for token in tokenise(message.text):
        span = next((s for s in message.names if s[0] <= token.start < s[1]), None)
        if span is None:
            labels.append(OUTSIDE)
        else:
            labels.append(BEGIN if token.start == span[0] else INSIDE)
    return labels


def _varied(
    messages: Sequence[Marked], lookups: dict[str, list[str]]
) -> Iterator[Marked]:
    """Yields the marked messages with other names, and messages of a name alone."""
    dice = random.Random(_SEED)  # noqa: S311 - the same model from the same data
    invent = _Names(dice, lookups)
    for message in messages:
        if message.names:
            for _ in range(_COPIES):
                yield _in_other_case(_renamed(message, invent), dice)
        elif dice.random() < 1 / _COPIES:
            yield _in_other_case(message, dice)
    for _ in range(_WHOLE_MESSAGES if lookups.get("prenomes") else 0):
        name = invent.full()
        yield _in_other_case(Marked(name, ((0, len(name)),)), dice)


def _renamed(message: Marked, invent: _Names) -> Marked:
    pieces, spans, behind, length = [], [], 0, 0
    for start, end in sorted(message.names):
        kept = message.text[behind:start]
        name = invent.like(message.text[start:end])
        length += len(kept)
        spans.append((length, length + len(name)))
        length += len(name)
        pieces += [kept, name]
        behind = end
    return Marked("".join([*pieces, message.text[behind:]]), tuple(spans))


def _in_other_case(message: Marked, dice: random.Random) -> Marked:
    chance = dice.random()
    changed = message.text
    if chance < 0.4:  # noqa: PLR2004 - shares of the copies
        changed = message.text.lower()
    elif chance < 0.5:  # noqa: PLR2004
        changed = message.text.upper()
    return (
        Marked(changed, message.names) if len(changed) == len(message.text) else message
    )


class _Names:
    """Makes up names: listed ones, and ones that nobody listed."""

    def __init__(self, dice: random.Random, lookups: dict[str, list[str]]) -> None:
        self._dice = dice
        self._given = sorted(lookups.get("prenomes", []))
        self._family = sorted(lookups.get("sobrenomes", []))

    def like(self, name: str) -> str:
        """Returns a name with as many words; the same one where none are listed."""
        count = len(re.findall(r"\w{3,}", name))
        if not self._given or not self._family:
            return name
        return self._one() if count <= 1 else self.full(count)

    def full(self, count: int | None = None) -> str:
        """Returns a given name and one to three more, with particles at times."""
        count = count or self._dice.choice((2, 2, 3, 3, 4))
        parts = [self._word(self._given)]
        for number in range(1, count):
            is_given = number == 1 and count > 2 and self._dice.random() < 0.4  # noqa: PLR2004
            if self._dice.random() < 0.25 and not is_given:  # noqa: PLR2004
                parts.append(self._dice.choice(("da", "de", "dos", "do", "e")))
            parts.append(self._word(self._given if is_given else self._family))
        return " ".join(parts)

    def _one(self) -> str:
        is_given = self._dice.random() < 0.7  # noqa: PLR2004
        return self._word(self._given if is_given else self._family)

    def _word(self, listed: list[str]) -> str:
        word = self._dice.choice(listed)
        if self._dice.random() < 0.4:  # noqa: PLR2004
            other = self._dice.choice(listed)
            word = word[: max(2, len(word) // 2)] + other[len(other) // 2 :]
        return word.capitalize()

"""Tells the messages that ask for a legal opinion, which only a lawyer gives.

A classifier of its own, taught at start from `data/perguntas_juridicas.yml`: no
threshold on likeness to the office's texts could do it, since "tenho direito a
indenização?" is nearer to them than "aceita cartão?" is.

Kernel ridge regression on the meaning of a message, its words and a few cues
(`legal_features`). The scores of the examples when each is left out have a closed
form, y - a / diag(G^-1) (Rifkin and Lippert 2007, "Notes on regularized least
squares"); a logistic curve through them (Platt 1999) makes scores probabilities, so
that the threshold means the same after designers have changed the examples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.core.entities.found import fold
from bot.core.errors import SettingsError
from bot.core.meaning import embed
from llm_fallback.legal.features import Vocabulary, cues, pieces, terms, tidy

LEGAL, OFFICE, OTHER = "juridicas", "do_escritorio", "outros_assuntos"
"""The lists of the file; the last may be missing."""
MIN_EXAMPLES = 20
"""Of each kind; fewer teach nothing."""
MAX_CHARACTERS = 600
"""Of one example."""
THRESHOLD = 0.25
"""Probability from which on a message counts as a legal question. Chosen on
`tests/data/llm/juridicas_dev.yml`: recall 0.98 or more at the fewest false alarms."""

_RIDGE = 0.3
_NEARNESS = 1.5
_MEANING, _NEAR, _WORDS, _LETTERS, _CUES, _BIAS = 1.0, 2.0, 2.0, 2.0, 0.1, 0.1
"""What each view of a message weighs in the kernel; flat around these values."""
_PIECE_DISCOUNT = 0.2
"""A sentence by itself is read out of its place; it must say so more plainly."""
_NEWTON_STEPS = 30


@dataclass(frozen=True)
class Examples:
    """What the classifier learns from, as the file gives it."""

    legal: tuple[str, ...]
    office: tuple[str, ...]
    """Look-alikes that ask about the office."""
    other: tuple[str, ...] = ()
    """Neither: small talk and other people's business."""


@dataclass(frozen=True)
class Neighbour:
    """An example that means nearly what a message means."""

    text: str
    is_legal: bool
    likeness: float
    """Cosine of the meanings; 1 for the same sentence."""


def load_examples(path: Path) -> Examples:
    """Reads the lists that designers edit.

    Raises:
        SettingsError: the file cannot be read or an example cannot be used; one
            line a problem, `perguntas_juridicas.yml, linha 12: …`, all at once.
    """
    reader = _Reader(path)
    lists = reader.lists()
    if reader.problems:
        raise SettingsError([f"{path.name}{problem}" for problem in reader.problems])
    return Examples(*(tuple(lists.get(name, ())) for name in (LEGAL, OFFICE, OTHER)))


class LegalQuestions:
    """The taught classifier; thread-safe, about 1 ms a message beside `embed`."""

    def __init__(self, examples: Examples) -> None:
        kinds = (examples.legal, examples.office, examples.other)
        self._texts = tuple(chain(*kinds))
        self._is_legal = np.arange(len(self._texts)) < len(examples.legal)
        tidied = [tidy(text) for text in self._texts]
        read = [terms(text) for text in tidied]
        self._meanings = embed(tidied)
        self._words = Vocabulary([words for words, _ in read])
        self._letters = Vocabulary([letters for _, letters in read])
        self._fit(
            self._words.matrix([words for words, _ in read]),
            self._letters.matrix([letters for _, letters in read]),
            np.stack([cues(text) for text in tidied]),
        )

    @classmethod
    def learn(
        cls, examples: Examples, *, answered: Sequence[str] = ()
    ) -> LegalQuestions:
        """Returns the classifier taught from examples; about 1.5 s for 1,200 of them.

        Args:
            examples: what `load_examples` gives.
            answered: questions that the office's own texts answer, as
                `data/conhecimento` lists them; none of them is a legal question.
        """
        known = {fold(text) for text in examples.legal}
        asked = tuple(text for text in answered if fold(text) not in known)
        return cls(replace(examples, office=(*examples.office, *asked)))

    def score(self, text: str) -> float:
        """Returns how probably a message asks for a legal opinion, 0-1.

        The most suspicious sentence decides.
        """
        if not tidy(text):
            return 0.0
        whole, *parts = self._raw(pieces(text))
        raw = max([whole, *(part - _PIECE_DISCOUNT for part in parts)])
        return _logistic(self._slope * raw + self._shift)

    def is_legal(self, text: str) -> bool:
        """Says whether only a lawyer may answer a message."""
        return self.score(text) >= THRESHOLD

    def explain(self, text: str, *, at_most: int = 3) -> tuple[Neighbour, ...]:
        """Returns the examples whose meaning is nearest, nearest first."""
        likeness = self._meanings @ embed([tidy(text)])[0]
        nearest = np.argsort(-likeness, kind="stable")[:at_most]
        return tuple(
            Neighbour(self._texts[at], bool(self._is_legal[at]), float(likeness[at]))
            for at in nearest
        )

    def _fit(self, words: np.ndarray, letters: np.ndarray, signs: np.ndarray) -> None:
        wanted = np.where(self._is_legal, 1.0, -1.0)
        gram = (
            _of_meanings(self._meanings @ self._meanings.T)
            + _WORDS * (words @ words.T)
            + _LETTERS * (letters @ letters.T)
            + _CUES * (signs @ signs.T)
            + _BIAS
        ).astype(np.float64)
        inverse = np.linalg.inv(gram + _RIDGE * np.eye(len(wanted)))
        self._weights = inverse @ wanted
        self._of_words = _WORDS * (words.T @ self._weights)
        self._of_letters = _LETTERS * (letters.T @ self._weights)
        self._of_cues = _CUES * (signs.T @ self._weights)
        self._bias = float(_BIAS * self._weights.sum())
        left_out = wanted - self._weights / np.diag(inverse)
        self._slope, self._shift = _calibrated(left_out, self._is_legal)

    def _raw(self, tidied: Sequence[str]) -> list[float]:
        likeness = _of_meanings(embed(tidied) @ self._meanings.T) @ self._weights
        return [
            float(meaning) + self._read(text) + self._bias
            for text, meaning in zip(tidied, likeness, strict=True)
        ]

    def _read(self, tidied: str) -> float:
        total = float(cues(tidied) @ self._of_cues)
        read = terms(tidied)
        known = (self._words, self._of_words), (self._letters, self._of_letters)
        for found, (vocabulary, weights) in zip(read, known, strict=True):
            places, values = vocabulary.vector(found)
            total += float(values @ weights[places])
        return total


def _of_meanings(cosines: np.ndarray) -> np.ndarray:
    near = np.exp(-2 * _NEARNESS * np.clip(1 - cosines, 0, None))
    return np.asarray(_MEANING * cosines + _NEAR * near)


def _calibrated(scores: np.ndarray, is_legal: np.ndarray) -> tuple[float, float]:
    """Returns slope and shift of the logistic curve through the scores."""
    yes, no = int(is_legal.sum()), int((~is_legal).sum())
    wanted = np.where(is_legal, (yes + 1) / (yes + 2), 1 / (no + 2))
    rows = np.stack([scores, np.ones_like(scores)], axis=1)
    curve = np.zeros(2)
    for _ in range(_NEWTON_STEPS):
        told = 1 / (1 + np.exp(-np.clip(rows @ curve, -30, 30)))
        slopes = rows.T @ (wanted - told)
        bends = (rows * (told * (1 - told))[:, None]).T @ rows + 1e-6 * np.eye(2)
        curve = curve + np.linalg.solve(bends, slopes)
    return float(curve[0]), float(curve[1])


def _logistic(value: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(value, -30, 30))))


class _Reader:
    """Reads the lists and notes what is wrong with them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._source: list[str] = []
        self.problems: list[str] = []

    def lists(self) -> dict[str, list[str]]:
        """Returns the texts of each list; `problems` says what is missing."""
        root = self._root()
        if root is None:
            return {}
        lists = {name: list(self._texts(node)) for name, node in self._entries(root)}
        for name in (LEGAL, OFFICE):
            usable = len(lists.get(name, ()))
            if usable < MIN_EXAMPLES:
                self.problems.append(
                    f": a lista '{name}' tem {usable} frases; precisa de pelo menos "
                    f"{MIN_EXAMPLES}"
                )
        return lists

    def _root(self) -> MappingNode | None:
        try:
            text = self._path.read_text(encoding="utf-8")
            root = YAML(typ="safe").compose(text)
        except (OSError, UnicodeDecodeError):
            self.problems.append(": não consigo ler o arquivo")
            return None
        except YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = f", perto da linha {mark.line + 1}" if mark else ""
            self.problems.append(f"{line}: não é um YAML válido; confira aspas e recuo")
            return None
        self._source = text.splitlines()
        self._seen: dict[str, int] = {}
        if not isinstance(root, MappingNode):
            self.problems.append(f": faltam as listas '{LEGAL}' e '{OFFICE}'")
            return None
        return root

    def _entries(self, root: MappingNode) -> Iterator[tuple[str, SequenceNode]]:
        named: set[str] = set()
        for key, node in root.value:
            name = str(key.value)
            if name not in (LEGAL, OFFICE, OTHER):
                known = f"'{LEGAL}', '{OFFICE}' e '{OTHER}'"
                self._note(key, f"a lista '{name}' não existe; existem {known}")
            elif name in named:
                self._note(key, f"a lista '{name}' aparece duas vezes; junte as duas")
            elif not isinstance(node, SequenceNode):
                self._note(key, f"embaixo de '{name}' cada frase começa com '- '")
            else:
                yield name, node
            named.add(name)

    def _texts(self, node: SequenceNode) -> Iterator[str]:
        for item in node.value:
            problem = self._problem_of(item)
            if problem:
                self._note(item, problem)
            else:
                yield str(item.value).strip()

    def _problem_of(self, item: Node) -> str | None:
        if not isinstance(item, ScalarNode):
            return "a frase tem ': ' ou outro sinal do YAML; ponha a frase entre aspas"
        text = str(item.value).strip()
        if not any(char.isalpha() for char in text):
            return "falta a frase depois de '- '"
        if len(text) > MAX_CHARACTERS:
            return f"a frase passa de {MAX_CHARACTERS} letras; encurte"
        rest = self._source[item.end_mark.line][item.end_mark.column :]
        if item.style is None and rest.strip().startswith("#"):
            return "o '#' corta a frase; ponha a frase entre aspas"
        before = self._seen.setdefault(
            " ".join(fold(text).split()), item.start_mark.line + 1
        )
        if before != item.start_mark.line + 1:
            return f"a frase já está na linha {before}; apague uma das duas"
        return None

    def _note(self, node: Node, problem: str) -> None:
        self.problems.append(f", linha {node.start_mark.line + 1}: {problem}")

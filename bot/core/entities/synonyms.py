"""Values that people call by many words, as the areas of law.

The words are training data: designers write them, nothing here knows any.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from bot.core.entities.found import Found, fold, found

_WORD = re.compile(r"[^\W_]+")
_SMALL = frozenset(
    """a o as os um uma de da do das dos em no na nos nas ao por pelo pela pra pro para
    com e meu minha meus minhas seu sua seus suas nosso nossa esse essa este
    esta""".split()
)
"""Words that do not count inside a variant: "guarda do meu filho"."""
_MOST_SMALL = 3
"""Small words between two of a variant."""
_FILLERS = frozenset(
    "e eh sobre acho que seria area direito da de do a o mesmo eu".split()
)
_LONG = 7
"""Letters of a word whose typos are forgiven and whose last vowel does not count."""
_ENDINGS = (("oes", "ao"), ("aes", "ao"), ("ais", "al"), ("eis", "el"), ("ns", "m"))
_SHORTEST_PLURAL = 5


@dataclass(frozen=True)
class _Word:
    """A word of the message."""

    stem: str
    bare: str
    start: int
    end: int


@dataclass
class Synonyms:
    """Finds the variants of one entity's values, longest first."""

    entity: str
    variants: Mapping[str, str]
    """Variant, as the designer wrote it → value."""
    known_words: Collection[str] = frozenset()
    """Folded words that are no typos of others, as those of the examples."""
    _by_first: dict[str, list[tuple[tuple[str, ...], str]]] = field(init=False)
    _corrections: dict[str, set[str]] = field(init=False)
    _known: frozenset[str] = field(init=False)
    _long_stems: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Indexes the variants by their first word."""
        self._by_first = defaultdict(list)
        self._corrections = defaultdict(set)
        stems: set[str] = set()
        for variant, value in self.variants.items():
            words = _content([word.stem for word in _words(variant)])
            if words:
                self._by_first[words[0]].append((words, value))
                stems.update(words)
        for options in self._by_first.values():
            options.sort(key=lambda option: -sum(map(len, option[0])))
        self._known = frozenset(stems | {_stem(word) for word in self.known_words})
        self._long_stems = frozenset(stem for stem in stems if len(stem) >= _LONG)
        for stem in self._long_stems:
            for shorter in _one_letter_less(stem):
                self._corrections[shorter].add(stem)

    def read(self, text: str) -> list[Found]:
        """Returns each value once, with the longest words that named it."""
        words = _words(text)
        best: dict[str, tuple[int, int]] = {}
        for value, start, end in self._matches(words, text):
            if value not in best or end - start > best[value][1] - best[value][0]:
                best[value] = (start, end)
        return [
            found(self.entity, value, text, span=span) for value, span in best.items()
        ]

    def _matches(self, words: list[_Word], text: str) -> Iterator[tuple[str, int, int]]:
        whole = " ".join(word.bare for word in words if word.bare not in _FILLERS)
        if whole in self.variants.values():
            yield whole, words[0].start, words[-1].end
            return
        stems = [self._corrected(word.stem) for word in words]
        position = 0
        while position < len(words):
            match = self._longest(stems, position)
            if match is None:
                position += 1
                continue
            value, behind = match
            yield value, words[position].start, words[behind - 1].end
            position = behind

    def _longest(self, stems: list[str], position: int) -> tuple[str, int] | None:
        for variant, value in self._by_first.get(stems[position], ()):
            behind = _follow(variant, stems, position)
            if behind is not None:
                return value, behind
        return None

    def _corrected(self, stem: str) -> str:
        if len(stem) < _LONG - 1 or stem in self._known or not stem.isalpha():
            return stem
        near = set(self._corrections.get(stem, ()))  # a letter lost
        for shorter in _one_letter_less(stem):
            near |= self._corrections.get(shorter, set())
            if shorter in self._long_stems:  # a letter too many
                near.add(shorter)
        near = {
            known for known in near if known[0] == stem[0] and _is_typo(known, stem)
        }
        return near.pop() if len(near) == 1 else stem


def _follow(variant: tuple[str, ...], stems: list[str], position: int) -> int | None:
    """Returns the position behind a variant that begins here, if it is there."""
    behind = position + 1
    for wanted in variant[1:]:
        near = range(behind, min(behind + _MOST_SMALL + 1, len(stems)))
        place = next((n for n in near if stems[n] not in _SMALL), None)
        if place is None or stems[place] != wanted:
            return None
        behind = place + 1
    return behind


def _words(text: str) -> list[_Word]:
    folded = fold(text)
    return [
        _Word(_stem(match[0]), match[0], *match.span())
        for match in _WORD.finditer(folded)
    ]


def _content(stems: list[str]) -> tuple[str, ...]:
    """Drops small words, save the first: "de família" is not "família"."""
    return tuple(
        stem for number, stem in enumerate(stems) if not number or stem not in _SMALL
    )


def _stem(folded: str) -> str:
    """Levels plurals, and the last vowel of long words ("tributária/o")."""
    word = folded
    if len(word) >= _SHORTEST_PLURAL:
        for plural, singular in _ENDINGS:
            if word.endswith(plural):
                word = word.removesuffix(plural) + singular
                break
        else:
            word = word.removesuffix("s")
    return word[:-1] if len(word) > _LONG and word[-1] in "aoe" else word


def _one_letter_less(word: str) -> Iterator[str]:
    for number in range(len(word)):
        yield word[:number] + word[number + 1 :]


def _is_typo(known: str, written: str) -> bool:
    """Says whether one letter is added, lost or changed, or two are swapped."""
    if len(known) != len(written):
        longer, shorter = sorted((known, written), key=len, reverse=True)
        return shorter in _one_letter_less(longer)
    differing = [n for n, letter in enumerate(known) if letter != written[n]]
    if len(differing) == 1:
        return True
    first, last = (differing[0], differing[-1]) if differing else (0, 0)
    return (
        len(differing) == 2  # noqa: PLR2004 - a pair
        and last == first + 1
        and known[first] == written[last]
        and known[last] == written[first]
    )

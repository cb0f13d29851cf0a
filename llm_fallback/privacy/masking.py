"""Personal data leaves this process as placeholders and comes back from them.

    mask = Mask(["Maria da Silva"])
    mask.hide("sou a Maria, cpf 529.982.247-25")   -> "sou a [NOME_1], cpf [CPF_1]"
    mask.restore("Recebi o [CPF_1], [NOME_1].")    -> "Recebi o 529.982.247-25, Maria."

What has the shape of an identifier is hidden though its check digits be wrong: a
mistyped CPF is personal data too. Hours, dates, prices and counts stay, for the
question needs them; a date stays unless it is said to be one of birth. Numbers that
are spelled in words, and names without capitals that are no common ones, are missed.

A mask serves one conversation: a value keeps its placeholder over all calls, and
only what `hide` has read can be restored.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from bot.core.entities.found import fold
from bot.core.entities.person_names import tokenise
from llm_fallback.errors import LlmAnswerRejected, Rejection
from llm_fallback.privacy.identifiers import IDENTIFIERS
from llm_fallback.privacy.people import (
    first_name,
    found_names,
    is_name,
    known_names,
    parts_of,
)

NAME = "NOME"

_NEUTRAL = {
    NAME: "Pessoa",
    "TELEFONE": "contato informado",
    "EMAIL": "contato informado",
    "PERFIL": "contato informado",
    "ENDERECO": "endereço informado",
    "CEP": "endereço informado",
    "LINK": "endereço informado",
    "NASCIMENTO": "data informada",
}
_NEUTRAL_NUMBER = "número informado"
_ACCENTED = str.maketrans({"A": "[AÁÃ]", "C": "[CÇ]", "I": "[IÍ]"})
"""A model puts accents where placeholders have none."""
_KINDS = "|".join(
    kind.translate(_ACCENTED)
    for kind in sorted({NAME, *(each.kind for each in IDENTIFIERS)})
)
_PLACEHOLDER = re.compile(
    rf"\[\s{{0,3}}(?P<kind>{_KINDS})[\s_]{{0,3}}(?P<number>[0-9]{{0,6}})\s{{0,3}}\]",
    re.IGNORECASE,
)
_BARE = re.compile(rf"(?<!\w)(?:{_KINDS})_[0-9]{{1,6}}(?!\w)", re.IGNORECASE)
_NAMESAKES = 20
"""Of so many people with a word in common, the first ones are compared."""
_LEFT_OUT = "\ue000"
"""Stands where a name is left out, until the gap is closed; of no alphabet."""
_GAP = re.compile(rf"(?:\s*,)?\s*[*_~]*{_LEFT_OUT}[*_~]*")
_LEADING = re.compile(r"^[\s,;:.!–-]+")


@dataclass(frozen=True)
class _Span:
    start: int
    end: int
    kind: str
    value: str
    """Canonical; equal values of a kind share a placeholder."""


class Mask:
    """Hides and restores the personal data of one conversation; not thread-safe."""

    def __init__(
        self, names: Sequence[str] = (), *, public: Sequence[str] = ()
    ) -> None:
        """Prepares a mask.

        Args:
            names: of people in the conversation, as slots and the directory hold
                them. One that does not look like a name is hidden only as a whole.
            public: names that are no secret, as those of the office's lawyers.
        """
        self._public = frozenset[str]().union(*map(parts_of, public))
        self._people: list[str] = []
        self._by_name: dict[str, int] = {}
        self._by_part: dict[str, list[int]] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._written: dict[tuple[str, int], str] = {}
        self._as_a_whole: list[str] = []
        for name in names:
            shown = _tidy(name)
            if any(char.isalpha() for char in shown):
                self._meet(shown, is_told=True)

    def hide(self, text: str) -> str:
        """Returns the text with placeholders for personal data, as `[CPF_1]`.

        A placeholder that the person typed loses its shape, so that it reads nothing
        back: `[CPF_1]` becomes `(CPF 1)`.
        """
        text = _PLACEHOLDER.sub(_disarmed, text)
        pieces, behind = [], 0
        for span in _longest(chain(_identifiers(text), self._names(text))):
            placeholder = self._placeholder(span, text[span.start : span.end])
            pieces += [text[behind : span.start], placeholder]
            behind = span.end
        return "".join([*pieces, text[behind:]])

    def restore(self, text: str) -> str:
        """Returns the text with what the placeholders stand for.

        A value comes back as it was first written; a name as the first name of the
        person, and one that looks like no name is left out, with the comma before.

        Raises:
            LlmAnswerRejected: a placeholder that `hide` never gave (`PERSONAL_DATA`).
        """
        filled = _PLACEHOLDER.sub(self._value, text)
        if _BARE.search(_PLACEHOLDER.sub("", text)):
            raise LlmAnswerRejected(Rejection.PERSONAL_DATA)
        if _LEFT_OUT not in filled:
            return filled
        closed = _GAP.sub("", filled)
        if _GAP.match(filled.lstrip("*_~ ")):
            closed = _LEADING.sub("", closed)
            closed = closed[:1].upper() + closed[1:]
        return closed

    def plain(self, text: str) -> str:
        """Returns the text with neutral words for placeholders, for the checks."""

        def neutral(match: re.Match[str]) -> str:
            return _NEUTRAL.get(fold(match["kind"]).upper(), _NEUTRAL_NUMBER)

        return _PLACEHOLDER.sub(neutral, text)

    def _value(self, match: re.Match[str]) -> str:
        kind, number = fold(match["kind"]).upper(), int(match["number"] or 0)
        written = self._written.get((kind, number))
        if written is None:
            raise LlmAnswerRejected(Rejection.PERSONAL_DATA)
        return (first_name(written) or _LEFT_OUT) if kind == NAME else written

    def _placeholder(self, span: _Span, written: str) -> str:
        key = span.kind, span.value
        number = self._numbers.get(key)
        if number is None:
            number = 1 + sum(kind == span.kind for kind, _ in self._numbers)
            self._numbers[key] = number
            is_person = span.kind == NAME
            self._written[span.kind, number] = (
                self._people[int(span.value)] if is_person else written
            )
        return f"[{span.kind}_{number}]"

    def _names(self, text: str) -> Iterator[_Span]:
        tokens = tokenise(text)
        for start, end in found_names(text, tokens):
            words = parts_of(text[start:end])
            if not words or not words <= self._public:
                yield _Span(start, end, NAME, str(self._meet(text[start:end])))
        for start, end in known_names(tokens, self._by_part.keys()):
            yield _Span(start, end, NAME, str(self._person(text[start:end])))
        folded = fold(text)
        for name in self._as_a_whole:
            pattern = rf"(?<!\w){re.escape(name)}(?!\w)"
            for match in re.finditer(pattern, folded):
                yield _Span(*match.span(), NAME, str(self._by_name[name]))

    def _meet(self, written: str, *, is_told: bool = False) -> int:
        """Returns the place of a person, who gets one where nobody has the name."""
        name = " ".join(written.split())
        known = self._by_name.get(fold(name))
        is_whole = is_told and not is_name(name)
        words = frozenset[str]() if is_whole else parts_of(name) - self._public
        if known is None and words:
            known = next(
                (at for at in self._with(words) if words <= self._of(at)), None
            )
        if known is not None:
            return known
        place = len(self._people)
        self._people.append(name)
        self._by_name[fold(name)] = place
        for word in words:
            self._by_part.setdefault(word, []).append(place)
        if is_told and not words:
            self._as_a_whole.append(fold(name))
        return place

    def _person(self, written: str) -> int:
        """Returns the place of the known person who shares most words with a name."""
        words = parts_of(written)
        return max(self._with(words), key=lambda place: len(words & self._of(place)))

    def _with(self, words: Collection[str]) -> list[int]:
        found = {
            at for word in words for at in self._by_part.get(word, ())[:_NAMESAKES]
        }
        return sorted(found)

    def _of(self, place: int) -> frozenset[str]:
        return parts_of(self._people[place])


def _disarmed(match: re.Match[str]) -> str:
    return f"({match[0][1:-1].replace('_', ' ')})"


def _tidy(name: str) -> str:
    """Returns a display name without the signs and emoji around its words."""
    return " ".join(re.sub(r"[^\w\s'’.%@/$+-]|\.$", " ", name).split())


def _identifiers(text: str) -> Iterator[_Span]:
    plain = "".join(map(_readable, text))
    for identifier in IDENTIFIERS:
        for start, end, value in identifier.find(plain, text):
            yield _Span(start, end, identifier.kind, value)


@lru_cache(maxsize=4096)
def _readable(char: str) -> str:
    """Returns one character: folded, with plain digits, dashes and blanks."""
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    category = unicodedata.category(char)
    if category == "Pd" or char == "−":
        return "-"
    if category in {"Zs", "Cf"}:
        return " "
    return fold(char)


def _longest(spans: Iterator[_Span]) -> list[_Span]:
    """Returns spans that do not overlap, the longest first choice, in text order."""
    ordered = sorted(spans, key=lambda span: (span.start - span.end, span.start))
    taken: list[_Span] = []
    covered = bytearray(max((span.end for span in ordered), default=0))
    for span in ordered:
        if not any(covered[span.start : span.end]):
            covered[span.start : span.end] = b"\x01" * (span.end - span.start)
            taken.append(span)
    return sorted(taken, key=lambda span: span.start)

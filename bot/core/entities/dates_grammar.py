"""The words that Brazilian dates and hours are made of, and how rules find them.

Rules match folded text: lower case, without accents, "ª" and "º" as letters. Days
and hours have their own rules (`dates_days`, `dates_hours`); this file is what both
share.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Literal

_LETTERS = {"º": "o", "ª": "a", "°": "o", "’": "'"}
_SAID = ("hour", "sure", "span")
"""Groups that hold the words themselves, without prepositions."""
_MASKED = re.compile(r"\(\?P<\w+>")

_WORDS = (
    "zero|um uma primeiro|dois duas|tres|quatro|cinco|seis|sete|oito|nove|dez|onze|doze"
    "|treze|quatorze catorze|quinze|dezesseis|dezessete|dezoito|dezenove|vinte"
)
_NUMBERS = {
    word: number
    for number, words in enumerate(_WORDS.split("|"))
    for word in words.split()
} | {"trinta": 30, "quarenta": 40, "cinquenta": 50, "meia": 30, "meio": 30}
_MONTH_STEMS = "jan fev mar abr mai jun jul ago set out nov dez".split()

UNIT_WORD = r"(?:uma?|dois|duas|tres|quatro|cinco|seis|sete|oito|nove)"
TEEN_WORD = (
    r"(?:dez|onze|doze|treze|[qc]atorze|quatorze|quinze|dezesseis|dezessete|dezoito"
    r"|dezenove)"
)
NUMBER_WORD = (
    rf"(?:(?:vinte|trinta|quarenta|cinquenta)(?:\s+e\s+{UNIT_WORD})?|{TEEN_WORD}"
    rf"|{UNIT_WORD})(?!\w)"
)
NUMBER = rf"(?:[0-9]{{1,3}}|{NUMBER_WORD})"
MONTH = (
    r"(?:janeiro|fevereiro|marco|abril|maio|junho|julho|agosto|sete[mn]bro|outubro"
    r"|nove[mn]bro|deze[mn]bro)(?!\w)"
)
MONTH_SHORT = r"(?:jan|fev|mar|abr|mai|jun|jul|ago|set|out|nov|dez)(?!\w)"
COMING = r"(?:q(?:ue)?\s+vem|proxim[ao]|seguinte|entrante)"
WEEK_COMING = (
    rf"(?:(?:semana|sem)\s+{COMING}|(?:prox(?:ima)?\.?|outra)\s+(?:semana|sem))(?!\w)"
)
PART_WORD = (
    r"(?:manha(?:zinha)?|tarde(?:zinha)?|tard|tardinha|noit(?:e|inha)?|madrugada)(?!\w)"
)

_MAY_FOLLOW = (
    r"(?:horas|hs|hrs|min(?:uto)?s|[dn]?[ao]s|pras|mais|depois|dps|antes|apos|vcs|voces"
    r"|mas|tod[ao]s|umas|segundas|tercas|quartas|quintas|sextas|pls|pois|tras|dias)"
)
NO_COUNT = (
    r"(?!\w|[.,:/\-][0-9])(?!\s*(?:%|x\b|mil\b|reais\b|real\b|conto|por\s+cento))"
    rf"(?!\s+(?!{_MAY_FOLLOW}\b)\w*s\b)"
)
"""After a bare number: it counts nothing ("as 3 parcelas", "as 10 mil")."""

Shape = Literal["at", "from", "until", "between"]


class Impossible(Exception):
    """A day or an hour that does not exist, as "dia 32" or "14h75"."""


@dataclass(frozen=True)
class Scene:
    """Where a rule reads."""

    folded: str
    """The message, folded."""
    original: str
    """The same, with one character for each of `folded`, accents and case kept."""
    now: datetime
    """The moment that "hoje" is counted from."""

    @property
    def today(self) -> date:
        """The day of `now`."""
        return self.now.date()


@dataclass(frozen=True)
class Part:
    """A part of the day."""

    name: str
    earliest: time | None
    latest: time | None


_NOON = 12
_PAST_NOON = {
    "": range(1, 7),
    "tarde": range(1, 9),
    "noite": range(6, 12),
    "pm": range(1, 12),
}
"""Hours that mean twelve more, by the part of the day said with them."""


@dataclass(frozen=True)
class Clock:
    """An hour as said: 3 may still be three in the afternoon."""

    hour: int
    minute: int
    part: str = ""
    """What was said with it: "tarde", "pm"; "exact" if nothing can change it."""

    def resolved(self, part: str = "") -> time:
        """Returns the hour meant, given the part of the day named beside it.

        Without one, 1-6 mean the afternoon: an office keeps no night hours.
        """
        part = self.part or part
        if self.hour in _PAST_NOON.get(part, ()):
            return time(self.hour + _NOON, self.minute)
        is_midnight = self.hour == _NOON and part in {"noite", "madrugada"}
        return time(0 if is_midnight else self.hour, self.minute)


@dataclass(frozen=True)
class Piece:
    """One thing that a rule read: a day, an hour, a part of the day, or several."""

    start: int
    end: int
    days: tuple[date, ...] = ()
    last_day: date | None = None
    names: Literal["", "weekday", "number"] = ""
    """What only names a day: "terça", or "dia 5". Any fuller day overrules it."""
    week: date | None = None
    """Monday of the week that was said with it: "sexta da semana que vem"."""
    may_be_today: bool = False
    """A weekday's name said on that weekday, read as next week's so far."""
    clocks: tuple[Clock, ...] = ()
    shape: Shape = "at"
    parts: tuple[Part, ...] = ()
    is_past: bool = False
    is_weak: bool = False
    """Means nothing unless it stands beside another piece."""


Reader = Callable[["re.Match[str]", Scene], "Piece | None"]


@dataclass(frozen=True)
class Rule:
    """A pattern and what its match means; the first rule that matches wins."""

    pattern: re.Pattern[str]
    read: Reader


def rule(pattern: str, read: Reader) -> Rule:
    """Returns a rule; `pattern` begins and ends at the edge of a word."""
    return Rule(re.compile(pattern + r"(?!\w)"), read)


class Grammar:
    """Rules tried at every word of a text, in one pass."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        # an inner group may have the same name in two rules, so the union has none
        union = "|".join(
            f"(?P<r{place}>{_MASKED.sub('(?:', item.pattern.pattern)})"
            for place, item in enumerate(rules)
        )
        self._union = re.compile(rf"(?<![\w@])(?!(?<=[0-9][.,:/\-])[0-9])(?:{union})")

    def pieces(self, scene: Scene) -> Iterable[Piece | tuple[int, int]]:
        """Yields what is read, in order; a span (start, end) where it is impossible."""
        for found in self._union.finditer(scene.folded):
            item = self._rules[int((found.lastgroup or "r0")[1:])]
            match = item.pattern.match(scene.folded, found.start())
            if match is None:
                continue
            try:
                piece = item.read(match, scene)
            except Impossible:
                said = next((name for name in _SAID if match.groupdict().get(name)), 0)
                yield match.span(said)
                continue
            if piece is not None:
                yield piece


def fold(text: str) -> tuple[str, list[int]]:
    """Returns the text folded, and for each of its characters the place in `text`.

    Combining marks are left out, so a place may be skipped. One place more than
    there are characters, for the end.
    """
    if text.isascii():
        return text.lower(), list(range(len(text) + 1))
    folded: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        if char.isascii():
            base = char.lower()
        else:
            base = _LETTERS.get(char) or unicodedata.normalize("NFD", char)[0].lower()
            if unicodedata.combining(base[0]):
                continue
        folded.append(base[0])
        places.append(place)
    return "".join(folded), [*places, len(text)]


def number(text: str) -> int:
    """Returns the number that digits or words say: "1o", "12", "vinte e cinco"."""
    digits = text.rstrip("o")
    if digits.isascii() and digits.isdigit():
        return int(digits)
    return sum(_NUMBERS.get(word, 0) for word in text.split() if word != "e")


def month_number(word: str) -> int:
    """Returns 1-12 for a month's name, full or short."""
    return _MONTH_STEMS.index(word[:3]) + 1


def before(scene: Scene, place: int, pattern: re.Pattern[str]) -> bool:
    """Says whether the words directly before a place end in a pattern (with `$`)."""
    return pattern.search(scene.folded, max(0, place - 40), place) is not None

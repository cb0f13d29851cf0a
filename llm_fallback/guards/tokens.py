"""Words and values as the support check compares them.

A word that claims nothing by itself (`SMALL`) makes no token; what it does to others
is kept beside them: "não", "só", "pode" as marks of the piece, "sem" and "até" on the
token that they stand before, a preposition as `is_bare = False`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from llm_fallback.guards.grounding import FIRST_MARK, Value
from llm_fallback.guards.stems import (
    is_about_me,
    is_finite_verb,
    is_order,
    is_ours,
    is_verb_or_noun,
    stem,
    tense_of,
)


@dataclass(frozen=True)
class Token:
    """A word that says something, or a value."""

    stem: str
    """Of a word, as `stems.stem` gives it; of a value, its kind."""
    forms: frozenset[str] = frozenset()
    """Of a value: the readings it allows."""
    bound: str = ""
    """Of a value: what stands before it, `ate`, `partir`, `mais`."""
    tense: str = ""
    """"past", "future", "me" (`remarco`) or ""."""
    is_without: bool = False
    """Whether "sem" stands before it."""
    is_verb: bool = False
    """Of a finite verb; what is only named ("para apagar") is none."""
    is_infinitive: bool = False
    is_participle: bool = False
    """Of a passive: "são apagados"."""
    preposition: str = ""
    """What ties it to the words before it: `de`, `em`, `com`, …"""
    is_bare: bool = False
    """Whether no preposition stands before it: a subject, an object."""
    speaker: str = ""
    """Of a verb: "we" (`atendemos`), "you" (`traga`) or "" where it is open."""

    def matches(self, other: Token) -> bool:
        """Says whether the other, of a cited text, says the same."""
        if self.is_without != other.is_without or self.tense != other.tense:
            return False
        if self.forms or other.forms:
            return self.bound == other.bound and bool(self.forms & other.forms)
        return (
            self.stem == other.stem
            and {self.speaker, other.speaker} != _STRANGERS
            and self._is_done_as(other)
            and self._hangs_as(other)
        )

    def _is_done_as(self, other: Token) -> bool:
        # "O advogado paga" is said neither by "pagamento" nor by "para pagar".
        if self.is_verb and not (other.is_verb or other.is_participle):
            return self.stem in _DONE_BY_NAME and not other.is_infinitive
        return not (self.is_participle and other.is_infinitive)

    def _hangs_as(self, other: Token) -> bool:
        pair = {self.preposition, other.preposition}
        return "" in pair or len(pair) == 1 or pair in _ALIKE


@dataclass(frozen=True)
class Piece:
    """Words between two separators."""

    separator: str
    """What stands before it: one of `. ; : , e ou mas exceto ( )` or ""."""
    words: tuple[str, ...]


@dataclass
class Reading:
    """What one piece says."""

    tokens: list[Token] = field(default_factory=list)
    marks: set[str] = field(default_factory=set)
    """Any of `not`, `only`, `may`, `must`."""
    verb: str = ""
    """The first finite verb; "" without one."""
    verb_at: int = -1
    """Index of that verb in `tokens`, or of what follows a small one; -1 without."""
    is_passive: bool = False


def read(piece: Piece, values: Sequence[Value]) -> Reading:
    """Returns the tokens of a piece; `values` are those of its sentence."""
    return _Reader(piece, values).reading


class _Reader:
    """Goes through the words of one piece from left to right."""

    def __init__(self, piece: Piece, values: Sequence[Value]) -> None:
        self._words = piece.words
        self._piece = piece
        self._values = values
        self._is_without = False
        self._is_named = False
        self._is_bare = True
        self._preposition = ""
        self._speaker = ""
        joined = " ".join(piece.words)
        self.reading = Reading(is_passive=bool(_PASSIVE.search(joined)))
        if "volta de" in joined:
            self.reading.marks.add("may")
        for at, word in enumerate(piece.words):
            if ord(word[0]) >= FIRST_MARK:
                self._read_value(at)
            else:
                self._read_word(at, word)

    def _read_value(self, at: int) -> None:
        span = [self._values[ord(char) - FIRST_MARK] for char in self._words[at]]
        before = self._words[max(at - 2, 0) : at]
        bound = next((word for word in reversed(before) if word in _BOUNDS), "")
        for kind, forms in _ranges(span):
            self.reading.tokens.append(
                Token(kind, forms, _BOUNDS.get(bound, ""), is_without=self._is_without)
            )
        self._is_without, self._is_bare, self._preposition = False, True, ""

    def _read_word(self, at: int, word: str) -> None:
        mark = _MARKS.get(word, "")
        if mark:
            self.reading.marks.add(mark)
        self._speaker = _SPEAKERS.get(word, self._speaker)
        is_verb = _is_verb_here(word, at, self._piece)
        if is_verb:
            self._is_without = False
            if not self.reading.verb:
                self.reading.verb, self.reading.verb_at = word, len(self.reading.tokens)
        if word == "sem":
            self._is_without = True
        elif word in _TITLES and _is_before_name(self._words, at):
            self._is_named = True
        elif mark == "not" or (
            word in SMALL and not _is_complement(word, self._words, at)
        ):
            self._pass(word)
        elif not _is_filler(word, self._words, at):
            self.reading.tokens.append(self._token(at, word, is_verb=is_verb))
            self._is_bare, self._is_named, self._preposition = True, False, ""

    def _pass(self, word: str) -> None:
        self._is_without = self._is_without and word not in _AFTER_WITHOUT
        self._is_bare = self._is_bare and word not in _PREPOSITIONS
        self._preposition = _PLAIN_PREPOSITIONS.get(word, self._preposition)

    def _token(self, at: int, word: str, *, is_verb: bool) -> Token:
        if self._is_named:
            return Token("name", frozenset({f"name:{word}"}))
        if word in _NUMBERS:
            forms = frozenset({f"number:{_NUMBERS[word]}.00"})
            return Token("number", forms, is_without=self._is_without)
        return Token(
            stem(word),
            tense="me" if _is_mine(word, self._words, at) else tense_of(word),
            is_without=self._is_without,
            is_verb=is_verb,
            is_infinitive=not is_verb and word.endswith(("ar", "er", "ir")),
            is_participle=self.reading.is_passive and bool(_PARTICIPLE.search(word)),
            preposition=self._preposition,
            is_bare=self._is_bare and word not in _ADVERBS,
            speaker=self._speaker_of(at, word, is_verb=is_verb),
        )

    def _speaker_of(self, at: int, word: str, *, is_verb: bool) -> str:
        # "Para você procurar": an infinitive has a speaker where one stands before it.
        if not is_verb:
            is_named = at > 0 and self._words[at - 1] in _SPEAKERS
            return self._speaker if is_named and word.endswith("r") else ""
        if is_ours(word):
            return "we"
        return "you" if is_order(word) else self._speaker


def _ranges(span: Sequence[Value]) -> Iterator[tuple[str, frozenset[str]]]:
    forms = frozenset(
        f"{first}-{last}"
        for first, last in product(span[0].forms, span[-1].forms)
        if first.split(":")[0] == last.split(":")[0]
    )
    if len(span) > 1 and forms:
        yield span[0].kind.value, forms
        return
    for value in span:
        yield value.kind.value, _with_minutes(value.forms)


def _with_minutes(forms: frozenset[str]) -> frozenset[str]:
    # "60 minutos" and "uma hora" are one length.
    more = set(forms)
    for form in forms:
        match = re.fullmatch(r"period:([\d.]+)hor", form)
        if match:
            more.add(f"period:{float(match[1]) * 60:.2f}min")
    return frozenset(more)


def _is_filler(word: str, words: Sequence[str], at: int) -> bool:
    # "tudo o que você conta" is "o que você conta"; "aqui mesmo" is "aqui"; "caso
    # queira" is "se quiser".
    if word == "caso":
        return at == 0
    if word == "partir":
        return at + 2 < len(words) and ord(words[at + 2][0]) >= FIRST_MARK
    if word == "tudo":
        return words[at + 1 : at + 3] == ("o", "que")
    return word == "mesmo" and at > 0 and words[at - 1] == "aqui"


def _is_bare_infinitive(word: str, at: int, piece: Piece) -> bool:
    # "Pode contar aqui ou escrever para …"
    return (
        at == 0
        and piece.separator in {"e", "ou"}
        and word.endswith(("ar", "er", "ir"))
        and is_finite_verb(word[:-1] if word[-2] != "i" else f"{word[:-2]}e")
    )


def _is_mine(word: str, words: Sequence[str], at: int) -> bool:
    if at and words[at - 1] not in _BEFORE_ME:
        return False
    after = words[at + 1] if at + 1 < len(words) else ""
    return is_about_me(word, is_before_object=after in _OBJECTS)


def _is_before_name(words: Sequence[str], at: int) -> bool:
    after = words[at + 1] if at + 1 < len(words) else ""
    return bool(after) and after not in SMALL and not is_finite_verb(after)


def _is_verb_here(word: str, at: int, piece: Piece) -> bool:
    if is_finite_verb(word) or _is_bare_infinitive(word, at, piece):
        return True
    if _is_subjunctive(word, at, piece):
        return True
    # "procura" is a noun, save in "a equipe procura".
    before = piece.words[at - 1] if at else ""
    if before in _PRONOUNS and word not in SMALL and _LIKE_A_VERB.search(word):
        return True
    return before in _ACTORS and is_verb_or_noun(word)


def _is_subjunctive(word: str, at: int, piece: Piece) -> bool:
    # "Se o arquivo não passar": it looks like an infinitive.
    return (
        word.endswith(("ar", "er", "ir"))
        and piece.words[0] in {"se", "quando"}
        and piece.words[at - 1] not in _PREPOSITIONS
        and not any(is_finite_verb(each) for each in piece.words[1:at])
    )


def _is_complement(word: str, words: Sequence[str], at: int) -> bool:
    # "O escritório paga você", "cuida de você": the person is what it is about.
    if word not in {"voce", "voces"}:
        return False
    if at and words[at - 1] in _PREPOSITIONS:
        return True
    after = words[at + 1] if at + 1 < len(words) else ""
    is_verb = is_finite_verb(after) or is_verb_or_noun(after) or after.endswith("r")
    return not (is_verb or after in SMALL)


_STRANGERS = {"we", "you"}
_DONE_BY_NAME = frozenset({"atend"})
"""What the office does as its trade: "o atendimento é …" says "atendemos …"."""
_ALIKE = ({"de", "em"}, {"a", "para"}, {"por", "em"}, {"para", "de"})
"""Prepositions that may change places: "estacionamento do prédio", "no prédio"."""
_PLAIN_PREPOSITIONS = {
    **dict.fromkeys("de do da dos das deste desta desse dessa disso".split(), "de"),
    **dict.fromkeys("em no na nos nas num numa neste nesta nesse nessa".split(), "em"),
    **dict.fromkeys("por pelo pela pelos pelas".split(), "por"),
    **dict.fromkeys("para pra pro".split(), "para"),
    **dict.fromkeys("ao aos".split(), "a"),
    "com": "com",
}
_MARKS: dict[str, str] = {
    **dict.fromkeys(
        "nao nem nunca jamais ninguem nenhum nenhuma nada tampouco".split(), "not"
    ),
    **dict.fromkeys(
        "so somente apenas exclusivamente unicamente exclusivo exclusiva".split(),
        "only",
    ),
    **dict.fromkeys(
        """pode podem podemos posso podera poderao poderia possivel talvez geralmente
        normalmente costuma costumam costumamos depende quase aproximadamente cerca
        eventualmente provavelmente media vezes torno dependem""".split(),
        "may",
    ),
    **dict.fromkeys(
        """deve devem devemos devera precisa precisam precisamos preciso
        necessario necessaria necessarios obrigatorio obrigatoria obrigatorios
        obrigatoriamente exige exigem exigimos exigido""".split(),
        "must",
    ),
}
_BOUNDS: dict[str, str] = {
    "ate": "ate", "partir": "partir", "apos": "apos", "mais": "mais", "menos": "menos",
    "desde": "partir", "minimo": "menos", "maximo": "ate", "antes": "antes",
    "depois": "apos", "cerca": "cerca", "aproximadamente": "cerca", "torno": "cerca",
    "volta": "cerca", "quase": "cerca",
}  # fmt: skip
_SPEAKERS: dict[str, str] = {
    **dict.fromkeys("voce senhor senhora cliente clientes pessoa".split(), "you"),
    **dict.fromkeys(
        "nos voces escritorio equipe advogado advogada advogados recepcao".split(), "we"
    ),
}
_TITLES = frozenset("dr dra doutor doutora drs".split())
_NUMBERS = {
    "dois": 2, "duas": 2, "tres": 3, "quatro": 4, "cinco": 5, "seis": 6, "sete": 7,
    "oito": 8, "nove": 9, "dez": 10, "ambos": 2, "ambas": 2,
}  # fmt: skip
_AFTER_WITHOUT = frozenset("em no na com por pelo pela para ao aos".split())
_PREPOSITIONS = frozenset(
    """neste nesta nesse nessa deste desta desse dessa disso nisso dele dela de do
    da dos das em no na nos nas num numa por pelo pela pelos pelas para pra pro com ao
    aos""".split()
)
_ADVERBS = frozenset(
    "antes depois hoje tambem junto logo ainda ja mesmo sempre algum alguma".split()
)
_ACTORS = frozenset(
    """voce equipe advogado advogada advogados escritorio cliente pessoa ele ela quem
    que nao recepcao assistente""".split()
)
_PRONOUNS = frozenset("voce ele ela eles elas quem nao".split())
_LIKE_A_VERB = re.compile(r"(?:[^d][ae]|[aei]m)$")
_PARTICIPLE = re.compile(r"[aei]d[oa]s?$")
_OBJECTS = frozenset("a o as os voce isso tudo".split())
_BEFORE_ME = frozenset("eu nao ja tambem me".split())
_PASSIVE = re.compile(
    r"\b(?:eh|sao|ser|foi|foram|sera|serao|seja|sejam) (?:\w+ )?\w+[aei]d[oa]s?\b"
)
SMALL = frozenset(
    """a o as os um uma uns umas de da do das dos em no na nos nas num numa por pelo
    pela pelos pelas para pra pro com ao aos e ou que se este esta esse essa isso
    isto neste nesta nesse nessa deste desta desse dessa disso disto nisso dele dela
    deles delas
    estes estas esses essas aquele aquela ele ela eles elas lhe lhes me te lo la los
    las nosso nossa nossos nossas seu sua seus suas voce voces senhor senhora aqui
    ai estamos somos sou qual quais como onde quem quando ser estar sendo sido seja
    sejam sao estao estah eh ter tem temos tenha ha existe existem haver sim tambem
    entao assim porem mas contudo pois porque enquanto cujo cuja pode podem podemos
    posso poder poderia deve devem devemos dever precisa precisam precisar preciso
    precisamos necessario necessaria possivel so somente apenas costuma costumam
    geralmente normalmente cerca aproximadamente torno volta vai vao ir ate quiser
    queira quer deseja desejar gostaria preferir conosco infelizmente for forem
    puder puderem""".split()
)
"""Words that claim nothing by themselves; what some of them do to others is read
as marks."""

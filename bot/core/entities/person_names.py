"""People's names: what a learned tagger sees of each word, and what it may keep.

No list of all names exists, so a word is described by its shape, its neighbours,
its endings and by whether everyday messages use it; short lists of common names
help only where people write without capitals.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from bot.core.entities.found import Found, fold, found

_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|[0-9]+|[^\w\s]|_")
_PARTICLES = frozenset("da de do das dos e del della di von van y la le el".split())
_TITLES = frozenset(
    """sr sra srta dr dra dona don d seu sinha senhor senhora doutor doutora prof profa
    professor professora cliente tia tio vo vovo advogado advogada""".split()
)
_SUFFIXES = frozenset("filho neto junior jr sobrinho segundo".split())
_NOT_OF_PEOPLE = frozenset(
    """rua av avenida travessa praca alameda estrada rodovia bairro vila edificio predio
    escola colegio faculdade hospital clinica igreja banco loja lojas construtora
    transportadora transportes supermercado mercado padaria farmacia empresa firma
    metalurgica agropecuaria imobiliaria escritorio condominio forum cidade
    lei""".split()
)
"""What stands before a name makes it one of a street or a company."""
_FIRMS = frozenset("ltda sa eireli advogados associados advocacia cia".split())
_SURE_CUE = re.compile(
    r"(?:\bmeu nome (?:completo )?(?:eh?|:)|\bme chamo|\b(?:se|me) chamam?(?: de)?"
    r"|\bchamar(?: ele| ela)? de|\bnome(?: completo)?\s*:"
    r"|\bo nome (?:d\w+ )?(?:\w+ ){0,2}eh?"
    r"|\b(?:cordialmente|atenciosamente|att|abs|abracos?|grat[oa]|beijos?)[,.!]*)\s+(?=\w)"
)
_CAPITAL_CUE = re.compile(
    r"\b(?:marido|esposa|esposo|mulher|filh[oa]|mae|pai|irma|irmao|prim[oa]|net[oa]"
    r"|sogr[oa]|cunhad[oa]|namorad[oa]|vizinh[oa]|amig[oa]|chefe|nome|eh? [oa]|foi [oa]"
    r"|sou [oa]?|assumir|com [oa]|p?r[oa])\s+(?=\w)"
)
_FAR = 2
_LONGEST_NAME = 8
_LONGEST_PLACE = 5
BEGIN, INSIDE, OUTSIDE = "B", "I", "O"


@dataclass(frozen=True)
class Token:
    """A word, number or sign of the message."""

    text: str
    bare: str
    """Folded."""
    start: int
    end: int


@dataclass(frozen=True)
class NameWords:
    """What is known of words beforehand; all folded."""

    given: Collection[str]
    """Common given names."""
    family: Collection[str]
    """Common family names."""
    everyday: Collection[str]
    """Words that messages use otherwise."""
    not_people: Collection[tuple[str, ...]]
    """Names of places, companies and the like, word by word."""


def tokenise(text: str) -> list[Token]:
    """Splits a message into words, numbers and signs."""
    folded = fold(text)
    return [
        Token(match[0], folded[match.start() : match.end()], *match.span())
        for match in _TOKEN.finditer(text)
    ]


def features(tokens: Sequence[Token], words: NameWords) -> list[list[str]]:
    """Returns what the tagger sees of each token."""
    alone = _alone(tokens, words)
    message = _message_features(tokens)
    rows = []
    for position in range(len(tokens)):
        row = ["bias", *message, *alone[position]]
        for distance in range(1, _FAR + 1):
            for side in (-distance, distance):
                other = position + side
                if 0 <= other < len(tokens):
                    row += [f"{side}:{name}" for name in alone[other][:6]]
                else:
                    row.append(f"{side}:edge")
        if position:
            row.append(f"pair={tokens[position - 1].bare}|{alone[position][1]}")
        if position > 1:
            before = f"{tokens[position - 2].bare}|{tokens[position - 1].bare}"
            row.append(f"two={before}")
        rows.append(row)
    return rows


def names_from(
    text: str, tokens: Sequence[Token], labels: Sequence[str], words: NameWords
) -> list[Found]:
    """Returns the `nome` that labels or sure words mark ("me chamo Ivete").

    Titles are no part of a name; streets and companies called after people are
    no names.
    """
    marked = list(_marked(labels))
    taken = {position for span in marked for position in range(*span)}
    for first, behind in _cued(tokens, words):
        free = [place for place in range(first, behind) if place not in taken]
        marked += [(place, place + 1) for place in free]
        taken.update(free)
    covered = _not_people(tokens, words)
    read = []
    for first, behind in _joined(tokens, sorted(marked)):
        begin, end = _trimmed(tokens, first, behind)
        if (
            begin < end
            and _is_person(tokens, begin, end, words)
            and not all(covered[begin:end])
        ):
            span = tokens[begin].start, tokens[end - 1].end
            read.append(found("nome", _written(text[slice(*span)]), text, span=span))
    return read


def _joined(
    tokens: Sequence[Token], marked: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Returns the spans with "Paulo M. Dias" and "Rosa da Costa" in one piece."""
    joined: list[tuple[int, int]] = []
    for first, behind in marked:
        between = tokens[joined[-1][1] : first] if joined else []
        if (
            joined
            and len(between) <= len("M.")
            and all(
                token.text == "."
                or (len(token.text) == 1 and token.text.isupper())
                or token.bare in _PARTICLES - {"e"}
                for token in between
            )
        ):
            joined[-1] = joined[-1][0], behind
        else:
            joined.append((first, behind))
    return joined


def _trimmed(tokens: Sequence[Token], begin: int, end: int) -> tuple[int, int]:
    while begin < end and tokens[begin].bare in _TITLES | _PARTICLES | {"."}:
        begin += 1
    while begin < end and (
        tokens[end - 1].bare in _PARTICLES or not tokens[end - 1].text[0].isalpha()
    ):
        end -= 1
    has_two = end - begin > 1
    if has_two and end < len(tokens) and tokens[end].bare in _SUFFIXES:
        end += 1
    return begin, end


def _is_person(tokens: Sequence[Token], begin: int, end: int, words: NameWords) -> bool:
    bares = tuple(token.bare for token in tokens[begin:end])
    return not (
        len(bares) > _LONGEST_NAME
        or all(len(bare) == 1 for bare in bares)
        or bares[0] in _NOT_OF_PEOPLE
        or _is_of_a_place(tokens, begin)
        or (end < len(tokens) and tokens[end].bare in _FIRMS)
    )


def _is_of_a_place(tokens: Sequence[Token], begin: int) -> bool:
    """Says whether "rua", "loja" or the like leads up to a name by capitals alone."""
    before = begin - 1
    while before >= 0:
        token = tokens[before]
        if token.bare in _NOT_OF_PEOPLE:
            return True
        if token.bare not in _PARTICLES and _shape(token.text) != "Xx":
            return False
        before -= 1
    return False


def _cued(tokens: Sequence[Token], words: NameWords) -> Iterator[tuple[int, int]]:
    """Yields the words behind "me chamo" and the like that can be a name."""
    if not tokens:
        return
    joined = " " * tokens[0].start
    for token in tokens:
        joined += " " * (token.start - len(joined)) + token.bare
    at = {token.start: position for position, token in enumerate(tokens)}
    covered = _not_people(tokens, words)
    for cue in (_SURE_CUE, _CAPITAL_CUE):
        for match in cue.finditer(joined):
            first = at.get(match.end())
            if first is None:
                continue
            while first < len(tokens) and tokens[first].bare in _TITLES | {"a", "o"}:
                first += 1
            behind = first
            while behind < len(tokens) and (
                _may_be_name(tokens[behind], words, covered[behind])
                or (behind > first and tokens[behind].bare in _PARTICLES)
            ):
                behind += 1
            is_capital = behind > first and tokens[first].text[0].isupper()
            if behind > first and (cue is _SURE_CUE or is_capital):
                yield first, behind


def _may_be_name(token: Token, words: NameWords, is_place: bool) -> bool:
    if is_place or not token.text[0].isalpha() or len(token.bare) == 1:
        return False
    is_listed = token.bare in words.given or token.bare in words.family
    return is_listed or token.bare not in words.everyday


def _written(name: str) -> str:
    """Returns a name with capitals; one that has some stays as it is.

    >>> _written("maria dos santos")
    'Maria dos Santos'
    """
    if not (name.islower() or name.isupper()):
        return " ".join(name.split())
    words = name.lower().split()
    return " ".join(
        w if fold(w) in _PARTICLES else w[:1].upper() + w[1:] for w in words
    )


def _marked(labels: Sequence[str]) -> Iterator[tuple[int, int]]:
    first = None
    for position, label in enumerate([*labels, OUTSIDE]):
        if first is not None and label != INSIDE:
            yield first, position
            first = None
        if label == BEGIN or (label == INSIDE and first is None):
            first = position


def _message_features(tokens: Sequence[Token]) -> list[str]:
    letters = "".join(token.text for token in tokens if token.text[0].isalpha())
    case = "lower" if letters.islower() else "upper" if letters.isupper() else "mixed"
    length = len(tokens) if len(tokens) <= _LONGEST_NAME else "many"
    return [f"case={case}", f"length={length}"]


def _alone(tokens: Sequence[Token], words: NameWords) -> list[list[str]]:
    covered = _not_people(tokens, words)
    rows = []
    for position, token in enumerate(tokens):
        bare = token.bare
        kinds = [
            name
            for name, is_so in (
                ("given", bare in words.given),
                ("family", bare in words.family),
                ("everyday", bare in words.everyday),
                ("particle", bare in _PARTICLES),
                ("title", bare in _TITLES),
                ("place", covered[position]),
            )
            if is_so
        ]
        kind = "+".join(kinds) or ("new" if bare.isalpha() else "sign")
        shape = _shape(token.text)
        row = [
            f"w={bare}" if "everyday" in kinds or kind == "sign" else "w=?",
            f"kind={kind}",
            f"shape={shape}",
            f"{shape}&{kind}",
        ]
        if bare.isalpha():
            row += [f"end2={bare[-2:]}", f"end3={bare[-3:]}", f"begin2={bare[:2]}"]
        rows.append(row)
    return rows


def _not_people(tokens: Sequence[Token], words: NameWords) -> list[bool]:
    """Says of each word whether it belongs to the name of a place or company.

    A city that is also a family name, as Santos, is left to the tagger.
    """
    covered = [False] * len(tokens)
    bares = tuple(token.bare for token in tokens)
    for position, bare in enumerate(bares):
        for length in range(min(_LONGEST_PLACE, len(bares) - position), 0, -1):
            if bares[position : position + length] in words.not_people:
                if length > 1 or bare not in words.family:
                    covered[position : position + length] = [True] * length
                break
    return covered


def _shape(word: str) -> str:
    if word.isdigit():
        return "9"
    if not word[0].isalpha():
        return word
    if word.islower():
        return "x"
    if word.isupper():
        return "X" if len(word) == 1 else "XX"
    return "Xx" if word[0].isupper() else "xX"

"""A text cut into the smallest pieces that claim something.

A clause is a run of words around one finite verb, or without any; a coordinated
piece without a verb ("e aos sábados das 9h às 12h") is a clause of its own that
carries the head of the one before it ("atendemos"). So "consulta: 300, retorno:
150" keeps each price with its service. No parser: separators, a list of verbs and
the kinds of values do it, and whatever they miss is read as one clause.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise, takewhile

from llm_fallback.guards.grounding import marked, statements
from llm_fallback.guards.stems import is_finite_verb, is_order, is_ours
from llm_fallback.guards.tokens import Piece, Reading, Token, read


@dataclass
class Clause:
    """One claim. The sets of marks are what turns or weakens it."""

    sentence: int
    """Number of its sentence in the text."""
    own: list[Token] = field(default_factory=list)
    head: list[Token] = field(default_factory=list)
    """Carried from the clause before it: its subject, its verb or both."""
    spare: list[Token] = field(default_factory=list)
    """What a contrast leaves unsaid: "a consulta online … e a presencial …"."""
    topic: list[Token] = field(default_factory=list)
    """What the title of the entry names; no claim by itself."""
    marks: set[str] = field(default_factory=set)
    """Any of `not`, `only`, `except`, `may`, `or`, `must`."""
    whole: set[str] = field(default_factory=set)
    """Marks of the whole sentence: `if`, `except`, `but`."""
    verb: str = ""
    """The first finite verb, folded; "" without one."""
    verb_at: int = -1
    """Index of the first finite verb in `own`; -1 without one."""
    joint: str = ""
    """What stands before it: `,`, `e`, `ou`, `mas`, …; "" at the beginning."""
    items: list[Token] = field(default_factory=list)
    """The first word of each piece that a comma added: "RG, CPF, comprovante"."""
    option: list[Token] = field(default_factory=list)
    """What stands beside "ou"."""
    is_passive: bool = False
    words: list[str] = field(default_factory=list)
    """Every folded word, small ones too."""

    @property
    def has_verb(self) -> bool:
        """Whether it has a finite verb of its own."""
        return bool(self.verb)

    @property
    def subject(self) -> list[Token]:
        """What stands before the verb, where the verb has no subject in itself."""
        if self.verb_at < 1 or self.speaks_for_itself:
            return []
        return self.own[: self.verb_at]

    @property
    def complement(self) -> list[Token]:
        """What stands after the verb."""
        if self.verb_at < 0:
            return []
        after = self.own[self.verb_at :]
        return after[1:] if after and after[0].is_verb else after

    @property
    def object(self) -> list[Token]:
        """Of the complement, what stands without a preposition; items of a list."""
        first = list(takewhile(_is_noun, self.complement))
        return [*first, *filter(_is_noun, self.items)] if first else []

    @property
    def speaks_for_itself(self) -> bool:
        """Whether the verb needs no subject: `traga`, `atendemos`, `há`."""
        return self.verb in _IMPERSONAL or is_order(self.verb) or is_ours(self.verb)

    @property
    def said(self) -> list[Token]:
        """Own and carried."""
        return [*self.own, *self.head]


def _is_noun(token: Token) -> bool:
    return token.is_bare and not token.forms


def clauses_of(sentence: str, number: int = 0) -> list[Clause]:
    """Returns the clauses of one sentence, in order."""
    text, values = marked(sentence)
    found: list[Clause] = []
    whole: set[str] = set()
    for piece in _pieces(text):
        clause = _clause(read(piece, values), piece, number)
        if piece.separator in {";", ":"}:
            whole = set()
        clause.whole = whole
        _qualify(found, clause, piece)
        if not found or not _belongs(found, clause, piece):
            found.append(clause)
        else:
            _join(found[-1], clause)
    _carry(found)
    _weaken(found)
    return [clause for clause in found if clause.own or clause.marks]


def _clause(reading: Reading, piece: Piece, number: int) -> Clause:
    marks = (
        {_PIECE_MARKS[piece.separator]} if piece.separator in _PIECE_MARKS else set()
    )
    return Clause(
        number,
        own=reading.tokens,
        marks=reading.marks | marks,
        verb=reading.verb,
        verb_at=reading.verb_at,
        joint=piece.separator,
        is_passive=reading.is_passive,
        words=list(piece.words),
    )


def _qualify(found: list[Clause], clause: Clause, piece: Piece) -> None:
    # `clause.whole` is shared with the clauses around it, save its own condition.
    if piece.separator in _EXCEPTIONS:
        clause.whole.add("except")
    if piece.separator in _CONTRASTS:
        for before in found:
            before.whole = before.whole | {"but"}
    condition = _CONDITION.search(" ".join(piece.words))
    if condition and _is_own_condition(piece, condition.start()):
        clause.whole = clause.whole | {"if"}
    elif condition:
        clause.whole.add("if")


def _is_own_condition(piece: Piece, start: int) -> bool:
    # "…, guarda o currículo e chama quando abre vaga": the verb before it alone.
    before = " ".join(piece.words)[:start].split()
    return piece.separator == "e" and any(is_finite_verb(word) for word in before)


def _weaken(found: list[Clause]) -> None:
    # One of two things is less than either; of two requests, one may be passed on.
    for before, clause in pairwise(found):
        if clause.joint == "ou" and not (
            is_order(clause.verb) or is_order(before.verb)
        ):
            before.marks.add("or")
            clause.marks.add("or")
            before.option, clause.option = before.own[-1:], clause.own[:1]


def sentences_of(text: str) -> list[str]:
    """Returns the sentences, without bold and the dots of abbreviations.

    The lines of a list are one sentence with what announces it.
    """
    plain = text.replace("*", "")
    return statements(_LIST.sub(lambda match: " " if match[1] else ", ", plain))


def _pieces(text: str) -> Iterator[Piece]:
    separator = ""
    for at, part in enumerate(_SEPARATORS.split(text)):
        plain = part.strip()
        if at % 2:  # of several in a row the word counts: ", e" is "e"
            is_stronger = plain.isalpha() or plain in _CUTS
            separator = plain if is_stronger or not separator else separator
        elif plain:
            yield Piece(separator, tuple(_WORD.findall(plain)))
            separator = ""


def _belongs(found: list[Clause], clause: Clause, piece: Piece) -> bool:
    before = found[-1]
    if piece.separator in _CUTS or piece.separator in _EXCEPTIONS:
        return False
    if clause.has_verb and before.has_verb:
        return piece.separator == "," and before.words[0] in _FRONTED
    if "not" in clause.marks and before.own:
        return False
    if clause.has_verb:  # "Aos sábados, não atendemos": fronted
        return piece.separator == ","
    if piece.separator in {"e", "ou", "nem"}:
        return False
    return not (_kinds(before) & _kinds(clause))


def _join(before: Clause, clause: Clause) -> None:
    if clause.has_verb:
        if before.has_verb:
            before.own = [replace(token, is_bare=False) for token in before.own]
        before.verb = clause.verb
        before.verb_at = len(before.own) + clause.verb_at
    elif clause.joint == ",":
        before.items += clause.own[:1]
    before.own += clause.own
    before.marks |= clause.marks
    before.whole = (
        before.whole if before.whole is clause.whole else before.whole | clause.whole
    )
    before.is_passive |= clause.is_passive
    before.words += [",", *clause.words]


def _carry(found: list[Clause]) -> None:
    _share_predicate(found)
    for before, clause in pairwise(found):
        if not clause.has_verb:
            clause.head = [*before.head, *_head(before)]
            if _is_contrast(clause):
                if clause.joint != ";":
                    clause.spare = [each for each in clause.head if not each.is_verb]
                clause.head = [each for each in clause.head if each.is_verb]
            marks = before.marks - {"except"}
            if "except" in clause.marks:
                marks -= {"not"}
            clause.marks |= marks
        elif clause.verb_at == 0 and not clause.speaks_for_itself:
            clause.head = _subject_for(clause, before)
            _speak(clause, before)
            if clause.verb.endswith("r") and clause.joint in {"e", "ou"}:
                clause.marks |= before.marks & {"may", "must"}


def _share_predicate(found: list[Clause]) -> None:
    # "A consulta e o retorno custam …": each of them does.
    if len(found) > 1 and not found[0].has_verb and found[1].has_verb:
        first, second = found[:2]
        if second.joint not in {"e", "ou"}:
            return
        first.verb, first.verb_at = second.verb, len(first.own)
        first.own = [*first.own, *second.own[max(second.verb_at, 0) :]]
        first.marks |= second.marks
        first.is_passive = second.is_passive


def _subject_for(clause: Clause, before: Clause) -> list[Token]:
    if clause.words[:1] == ["que"]:  # "anotações, que ficam guardadas"
        return [token for token in before.own[-2:] if not token.is_verb]
    if _PRONOUNS & {*clause.words[:2]}:
        return []
    return before.subject or [token for token in before.head if not token.is_verb]


def _speak(clause: Clause, before: Clause) -> None:
    # "O escritório envia e paga": it is the office that pays.
    speaker = next((token.speaker for token in before.own if token.is_verb), "")
    if clause.own and clause.own[0].is_verb and not clause.own[0].speaker:
        clause.own[0] = replace(clause.own[0], speaker=speaker)


def _is_contrast(clause: Clause) -> bool:
    # "… e o retorno R$ 150": its own subject and its own rest.
    if clause.joint == ";":
        return True
    is_named = clause.words[:1] and clause.words[0] in {"o", "a", "os", "as"}
    return bool(is_named) and len(clause.own) > 1


def _head(clause: Clause) -> list[Token]:
    goes_on = not clause.has_verb and clause.joint in {"e", "ou", "nem"}
    tokens = [] if goes_on else clause.own
    last = tokens[-1:]
    return [
        each
        for each in tokens
        if each.is_verb or each.stem == "name" or not (each.forms or each in last)
    ]


def _kinds(clause: Clause) -> set[str]:
    return {token.stem for token in clause.own if token.forms}


_VALUE = "[\U000f0000-\U000fffff]"
_WORD = re.compile(rf"[a-z0-9]+|{_VALUE}{{1,2}}")
_SEPARATORS = re.compile(
    r"((?<=\s)(?:e|ou|nem|mas|porem|contudo|entretanto|todavia|enquanto|pois|porque"
    r"|exceto|salvo|fora|embora)(?=\s)|[.;:,!?…()\n–—]|(?<=\s)-(?=\s))"
)
_CUTS = frozenset("; . ! ? mas porem contudo entretanto todavia enquanto pois"
                  " porque embora … \n".split())  # fmt: skip
_PIECE_MARKS = {"exceto": "except", "salvo": "except", "fora": "except", "nem": "not"}
_EXCEPTIONS = frozenset({"exceto", "salvo", "fora"})
_PRONOUNS = frozenset({"ele", "ela", "eles", "elas", "voce"})
_FRONTED = frozenset("quando assim mesmo antes depois enquanto ao".split())
_CONTRASTS = frozenset("mas porem contudo entretanto todavia embora".split())
_IMPERSONAL = frozenset("ha existe existem tem temos basta".split())
_LIST = re.compile(r"(:)?[ \t]*\n\s*(?:[-•–]|\d{1,2}[.)])[ \t]+")
_CONDITION = re.compile(
    r"^(?:so )?se\b|\bse (?:voce|nao|for|houver|quiser|precisar|preferir|tiver|ele|ela"
    r"|alguem|o|a|os|as|ja|ainda|der|puder|estiver|vier|ninguem|tudo|algo|isso)\b"
    r"|\b(?:quando|assim que|sempre que|enquanto|depois que)\b"
    r"|\b(?:caso (?:voce|nao|haja|seja|tenha|precise|queira|prefira|o|a)|desde que"
    r"|a menos que|a nao ser|conforme|mediante)\b"
)

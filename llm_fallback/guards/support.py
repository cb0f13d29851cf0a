"""Whether every sentence of an answer is said by the texts that it cites.

The check is lexical and strict, for an opinion has a thousand wordings and a deny-list
knows a few: each clause must take all its words from one clause of the cited text (and
from what that carries: its subject, its verb, the title), stand on the same side of
"não", "só", "exceto" and "sem", claim no more than "pode", keep the conditions and
the subject, and leave each value beside the words that tell it from others of its
kind. What the person asked supports nothing.

An entailment model would judge meaning; it would also be argued with. Near in kind:
"extractive with tolerance", as Rasa's extractive search answers with the stored text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from llm_fallback.guards.clauses import Clause, clauses_of, sentences_of
from llm_fallback.guards.frontdesk import is_front_desk
from llm_fallback.guards.reading import folded
from llm_fallback.guards.stems import is_finite_verb
from llm_fallback.guards.tokens import SMALL, Token

MAX_CITED_CHARACTERS = 6000
"""Of a longer text the rest proves nothing; three entries have 2,000."""


@dataclass(frozen=True)
class Source:
    """A cited text, read once."""

    clauses: tuple[Clause, ...]
    verbatim: frozenset[str]
    """Its sentences, word for word."""
    plain: str
    """Folded, "é" as "eh"."""
    affirmed: tuple[tuple[str, tuple[Token, ...]], ...] = ()
    """Each first sentence that says yes, with the words of the title it affirms."""


def unsupported(answer: str, *, question: str, cited: str) -> str | None:
    """Returns the first sentence that nothing supports, or None."""
    source = _source(cited[:MAX_CITED_CHARACTERS])
    before: list[Clause] = []
    for sentence in sentences_of(answer):
        rest = _without_front_desk(sentence)
        if not rest:
            before = []
            continue
        found = _supported(sentence, source, before, question)
        if found is None and rest != sentence:
            found = _supported(rest, source, before, question)
        if found is None:
            return sentence
        before = found
    return None


def _supported(
    sentence: str, source: Source, before: list[Clause], question: str
) -> list[Clause] | None:
    # Returns the clauses, for a list that goes on in the next line.
    verdict = _YES_NO.match(sentence)
    if verdict and _affirms_title(sentence, source, question):
        return clauses_of(sentence)
    if verdict:
        sentence = sentence[verdict.end() :]
        if not _answers(verdict[1], sentence, question):
            return None
    if (
        _is_broken(sentence)
        or sentence.endswith("?")
        or _speaks_of_the_case(sentence, source.plain)
    ):
        return None
    clauses = clauses_of(sentence)
    if not any(clause.own for clause in clauses):
        return None  # "Pode, sim" answers whatever was asked
    if _words_of(sentence) in source.verbatim:
        return clauses
    _continue_list(clauses, before)
    claims = [each for each in clauses if each.own or each.marks & _SIDES]
    is_backed = _says_something(clauses) and all(
        _backing(each, source) for each in claims
    )
    return clauses if is_backed else None


def _continue_list(clauses: list[Clause], before: list[Clause]) -> None:
    # "Traga:\n- RG\n- CPF": a line without a verb goes on with the one before.
    first = clauses[0]
    if before and not first.has_verb:
        last = before[-1]
        carried = [token for token in last.said if token.is_verb]
        first.head = [*first.head, *carried]
        first.marks |= last.marks - {"except"}


def _says_something(clauses: Sequence[Clause]) -> bool:
    # "Quem paga?" – "O escritório." is an answer that no text has to give.
    return any(
        clause.has_verb or clause.head or any(token.forms for token in clause.own)
        for clause in clauses
    )


def _backing(clause: Clause, source: Source) -> Clause | None:
    return next((each for each in source.clauses if _says(each, clause, source)), None)


def _says(cited: Clause, clause: Clause, source: Source) -> bool:
    return (
        _same_side(cited, clause)
        and _no_stronger(cited, clause)
        and _holds_words(cited, clause)
        and _keeps_subject(cited, clause)
        and _keeps_object(cited, clause)
        and _in_order(cited, clause)
        and _keeps_values_apart(cited, clause, source.clauses)
    )


def _same_side(cited: Clause, clause: Clause) -> bool:
    if any((mark in cited.marks) != (mark in clause.marks) for mark in _SIDES):
        return False
    # "Não atendemos aos sábados" is not "Não atendemos"; nor "Não é que não …".
    if "not" in clause.marks:
        return _negations(clause) <= max(1, _negations(cited)) and all(
            _in(token, clause.said) or token.stem in _DROPPED for token in cited.own
        )
    return True


def _negations(clause: Clause) -> int:
    return sum(word in _NEGATIONS for word in clause.words)


def _no_stronger(cited: Clause, clause: Clause) -> bool:
    both = cited.marks & clause.marks
    if "may" in cited.marks and not both & {"may", "or"}:
        return False
    if "must" in clause.marks and "must" not in cited.marks and not _orders(cited):
        return False
    if "not" in clause.marks and _modality(cited) != _modality(clause):
        return False
    return _keeps_choice(cited, clause) and _keeps_condition(cited, clause)


def _keeps_choice(cited: Clause, clause: Clause) -> bool:
    is_one_taken = any(_in(each, clause.own) for each in cited.option)
    return not is_one_taken or bool(clause.marks & {"or", "may"})


def _keeps_condition(cited: Clause, clause: Clause) -> bool:
    if _embedded(cited) - _embedded(clause) or _calls_it_so(cited, clause):
        return False
    if "quando" in clause.words and "quando" not in cited.words:
        return False
    return (cited.whole & _KEPT) <= clause.whole


def _embedded(clause: Clause) -> set[str]:
    # "O que é urgente passa na frente" does not say that anything is urgent.
    found = {word for word in clause.words if word in _EMBEDDING}
    if any(
        word == "que" and before in _THAT for before, word in pairwise(clause.words)
    ):
        found.add("que")
    return found


def _calls_it_so(cited: Clause, clause: Clause) -> bool:
    # "A pessoa idosa é atendida" does not say "A pessoa é idosa".
    if clause.is_passive or clause.verb not in _BEING or "must" in clause.marks:
        return False
    is_of_value = any(t.forms or t.stem in _TRADE for t in clause.own)
    said_of = cited.verb in _BEING or not cited.has_verb
    return cited.is_passive or not (said_of or is_of_value)


def _holds_words(cited: Clause, clause: Clause) -> bool:
    near = [*cited.own, *cited.head, *cited.spare]
    own = sum(_in(token, cited.own) for token in clause.own)
    if not own or own * 2 < len(clause.own):
        return False
    return all(
        _in(token, near)
        or _may_be_added(token, cited, clause)
        or _is_topic(token, cited, clause)
        for token in clause.said
    )


def _is_topic(token: Token, cited: Clause, clause: Clause) -> bool:
    # The title names what is spoken of: "Dura uma hora" – "A consulta dura uma hora".
    if token.is_verb or token.forms or not _in(token, cited.topic):
        return False
    is_subject = token in clause.subject and not (cited.subject or cited.head)
    return not token.is_bare or (is_subject and not cited.speaks_for_itself)


def _may_be_added(token: Token, cited: Clause, clause: Clause) -> bool:
    if token.stem in _OURSELVES:
        is_ours = cited.verb in _IMPERSONAL or any(
            each.speaker == "we" for each in [*cited.own, *cited.head]
        )
        return is_ours and (token in clause.subject or token in clause.head)
    kin, kinds = _PARAPHRASES.get(token.stem, _NO_PARAPHRASE)
    return token.stem in _COPULAS or (
        any(each.stem in kin for each in [*cited.own, *cited.head])
        and any(each.stem in kinds for each in clause.own)
    )


def _keeps_subject(cited: Clause, clause: Clause) -> bool:
    about = [*cited.subject, *(t for t in cited.head if not t.is_verb)]
    if cited.is_passive == clause.is_passive and cited.has_verb:
        own = [t for t in clause.subject if t.is_bare and t.stem != "valor"]
        if not all(
            _in(each, about) or not _in(each, cited.own) or not about for each in own
        ):
            return False
    wanted = [token for token in cited.subject if token.stem not in _DROPPED]
    said = [token for token in wanted if _in(token, clause.said)]
    if said and not _is_delicate(cited, clause):
        wanted = [t for t in wanted if t in said or not _in(t, cited.topic)]
    if len(said) < len(wanted) and (
        said or (not clause.speaks_for_itself and not _named(wanted, cited.topic))
    ):
        return False
    if not cited.has_verb and cited.own and _leans_on_head(cited, clause):
        return _in(cited.own[0], clause.own)
    return True


def _is_delicate(cited: Clause, clause: Clause) -> bool:
    # "A consulta de retorno não é cobrada": whatever is left out makes it false.
    return "not" in cited.marks or any(t.stem == "price" for t in clause.own)


def _in_order(cited: Clause, clause: Clause) -> bool:
    # Without a verb that is known as one, who comes first may be who acts.
    if clause.has_verb and cited.has_verb:
        is_done_to = any(_in(t, cited.object) for t in clause.subject if t.is_bare)
        is_turned = clause.is_passive != cited.is_passive or not cited.own[0].is_verb
        return is_turned or not is_done_to
    if clause.has_verb != cited.has_verb and not _is_lexical(clause, cited):
        return True
    places = [
        at
        for token in clause.own
        if token.is_bare and not token.forms
        for at, each in enumerate(cited.own)
        if token.matches(each)
    ]
    return places == sorted(places)


def _is_lexical(*clauses: Clause) -> bool:
    return any(token.is_verb for each in clauses for token in each.own)


def _named(tokens: Sequence[Token], topic: Sequence[Token]) -> bool:
    return all(_in(token, topic) for token in tokens)


def _keeps_object(cited: Clause, clause: Clause) -> bool:
    # "Paga o reconhecimento da assinatura" is not "paga você".
    if not clause.has_verb or cited.is_passive or clause.is_passive:
        return True
    if any(t.is_verb for t in cited.own) and any(
        token.is_verb
        and token.stem not in _COPULAS
        and not any(t.is_verb and token.matches(t) for t in cited.said)
        for token in clause.own
    ):
        return False  # "envia o comprovante do que foi pago" is not "paga"
    kept = cited.object or [t for t in cited.complement if t.stem not in _ASIDE]
    return not kept or any(_in(token, clause.own) for token in kept)


def _leans_on_head(cited: Clause, clause: Clause) -> bool:
    return any(
        not token.is_verb
        and not _in(token, cited.own)
        and _in(token, [*cited.head, *cited.spare])
        for token in clause.said
    )


def _keeps_values_apart(
    cited: Clause, clause: Clause, everywhere: Sequence[Clause]
) -> bool:
    for value in clause.own:
        if not value.forms or value.stem in _LOOSE:
            continue
        others = [
            token
            for each in everywhere
            if each is not cited
            and any(t.forms and t.stem == value.stem for t in each.own)
            and not _in(value, each.own)
            for token in [*each.own, *each.head]
        ]
        telling = [
            token
            for token in cited.own
            if token.stem != value.stem and others and not _in(token, others)
        ]
        if telling and not any(_in(token, clause.said) for token in telling):
            return False
    return True


def _answers(verdict: str, rest: str, question: str) -> bool:
    """Says whether "sim" or "não" means nothing more than the sentence after it.

    "É de graça?" – "Sim, o advogado informa os valores" says a false thing with true
    words. So the sentence must hold every word of a plain question and stand on the
    side that the verdict names.
    """
    wanted = _asked(question)
    told = clauses_of(rest)
    is_no = folded(verdict) == "nao"
    if not told or any(("not" in clause.marks) != is_no for clause in told):
        return False
    said = [token for clause in told for token in clause.said]
    return bool(wanted) and all(
        _is_named(token, said) or token.stem in _OURSELVES for token in wanted
    )


def _affirms_title(sentence: str, source: Source, question: str) -> bool:
    # The office's own "Sim." to a title that is what the person asked.
    wanted = _asked(question)
    return bool(wanted) and any(
        _words_of(sentence) == yes and all(_is_named(each, topic) for each in wanted)
        for yes, topic in source.affirmed
    )


def _is_named(token: Token, tokens: Iterable[Token]) -> bool:
    return any(token.stem == t.stem and token.forms == t.forms for t in tokens)


def _asked(question: str) -> list[Token]:
    """Returns the words of a plain question; none of one that is not plain."""
    asked = clauses_of(question)
    if len(sentences_of(question)) > 1 or any(
        clause.marks & _SIDES or clause.joint == "ou" for clause in asked
    ):
        return []
    return [t for clause in asked for t in clause.own if t.stem != "voce"]


def _speaks_of_the_case(sentence: str, cited: str) -> bool:
    # "Você tem", "seu processo está": the person's case, unless the text says so.
    plain = _plain(sentence)
    return any(match[0] not in cited for match in _YOUR_CASE.finditer(plain))


def _is_broken(sentence: str) -> bool:
    # Words shaken together: "de do", "por com", an end in "para".
    plain = _plain(sentence).replace("e-mail", "email")
    return bool(_BROKEN_END.search(plain)) or any(
        _BROKEN.search(" ".join(re.findall(r"[a-z0-9$%@(]+", part)))
        for part in re.split(r"[,;:!?]", plain)
    )


def _without_front_desk(sentence: str) -> str:
    if is_front_desk(_words_of(sentence)):
        return ""
    parts = _PARTS.split(sentence)
    start, end = 0, len(parts)
    while start < end and _is_courtesy(parts[start]):
        start += 1
    while start < end and _is_courtesy(parts[end - 1]):
        end -= 1
    if start == 0 and end == len(parts):
        return sentence
    return re.sub(r"^\s*(?:mas|e|pois)\s", "", ", ".join(parts[start:end]))


def _is_courtesy(part: str) -> bool:
    # "Se quiser" beside a claim is its condition and stays.
    words = _words_of(part)
    return is_front_desk(words) and not words.startswith(("se ", "caso "))


def _words_of(sentence: str) -> str:
    return " ".join(re.findall(r"[a-z0-9$%@]+", _plain(sentence)))


def _plain(text: str) -> str:
    return folded(_IS.sub(r"\1h", text))


@lru_cache(maxsize=64)
def _source(cited: str) -> Source:
    found: list[Clause] = []
    verbatim: set[str] = set()
    affirmed: list[tuple[str, tuple[Token, ...]]] = []
    number = 0
    for block in re.split(r"\n\s*\n", cited):
        lines = [line for line in block.split("\n") if line.strip()]
        topic: list[Token] = []
        if len(lines) > 1 and not re.search(r"[.!:;…][\"”)*_]*\s*$", lines[0]):
            topic = [t for each in clauses_of(lines[0]) for t in each.own]
            said = _affirmed(lines[0], lines[1])
            if said:
                affirmed.append((_words_of(sentences_of(lines[1])[0]), tuple(topic)))
            lines = [*said, *lines[1:]]
        for sentence in sentences_of("\n".join(lines)):
            number += 1
            if not sentence.endswith("?"):
                verbatim.add(_words_of(sentence))
                found += _read(sentence, number, topic)
    return Source(tuple(found), frozenset(verbatim), _plain(cited), tuple(affirmed))


def _read(sentence: str, number: int, topic: list[Token]) -> list[Clause]:
    clauses = clauses_of(sentence, number)
    for match in _PAIR.finditer(sentence):
        if not any(_is_no_noun(folded(word)) for word in match.group(1, 3)):
            for kept in (match[1], match[3]):
                one = f"{sentence[: match.start()]}{kept}{sentence[match.end() :]}"
                extra = clauses_of(one, number)
                for clause in extra:
                    if match[2] == "ou" and clause.verb != "basta":
                        clause.option = clause.own
                clauses += extra
    for clause in clauses:
        clause.topic = topic
    return clauses


def _is_no_noun(word: str) -> bool:
    return word in SMALL or is_finite_verb(word)


def _affirmed(title: str, text: str) -> list[str]:
    """Returns what "Sim" and "Pode" say: the title, with what goes on after them.

    >>> _affirmed("Posso levar alguém?", "Pode, sim, se quiser. Avise.")
    ['Posso levar alguém, se quiser.']
    """
    yes = _YES.match(text)
    plain = folded(title)
    if not yes or not title.endswith("?") or _OPEN_QUESTION.search(plain):
        return []
    rest = sentences_of(text[yes.end() :])[:1] if yes[0].strip()[-1] == "," else []
    asked = re.split(r"[;:.]\s", title.rstrip("? "))[-1]
    return [f"{asked}, {rest[0]}" if rest else f"{asked}."]


def _in(token: Token, tokens: Iterable[Token]) -> bool:
    return any(token.matches(each) for each in tokens)


def _orders(clause: Clause) -> bool:
    return any(token.speaker == "you" for token in clause.said)


def _modality(clause: Clause) -> set[str]:
    return clause.marks & {"may", "must"}


_SIDES = frozenset({"not", "only", "except"})
_KEPT = frozenset({"if", "except", "but"})
"""Marks of a sentence that an answer drawn from it may not leave out."""
_OURSELVES = frozenset({"escritori", "equip"})
_DROPPED = frozenset({"escritori", "equip", "horari", "client", "pess", "tamb"})
_COPULAS = frozenset({"fic"})
_PARAPHRASES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "are": (frozenset({"atend"}), frozenset({"atend"})),
    "horari": (frozenset({"atend"}), frozenset({"weekday", "time"})),
    "enderec": (frozenset({"fic"}), frozenset({"number"})),
    "lig": (frozenset({"telefon"}), frozenset({"long_number"})),
    "escrev": (frozenset({"email"}), frozenset({"email"})),
}
"""A word that may stand beside a value of the kinds where one of the others is: "o
horário é das 9h" for "atendemos das 9h"."""
_NO_PARAPHRASE: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
_NEGATIONS = frozenset("nao nunca jamais nem".split())
_IMPERSONAL = frozenset({"ha", "tem", "temos", "existe", "existem"})
_EMBEDDING = frozenset({"quem", "seja", "sejam", "se"})
_THAT = frozenset({"o", "a", "os", "as", "pedir", "peca"})
_BEING = frozenset("eh sao estah estao fica ficam".split())
_TRADE = frozenset({"atend", "valor"})
"""What may be named instead of done: "o atendimento é em português"."""
_ASIDE = frozenset({"junt", "mesm", "tamb", "logo", "sempr"})
_LOOSE = frozenset({"number", "name"})
_YES_NO = re.compile(
    r"(?i)\s*\*?(sim|não|nao|pode(?:,? sim)?)\*?(?:\s*[,;:.!–—-]+\s*|\s*$)"
)
_IS = re.compile(r"(?i)(?<![^\W_])(é|está|dá)(?![^\W_])")
_YES = re.compile(r"(?i)(?:sim|pode(?:, sim)?|podem(?:, sim)?)[.,:;!]\s?")
_OPEN_QUESTION = re.compile(
    r"^(?:como|quando|onde|quem|qual|quais|quanto|que|o que|por que|e se)\b"
    r"|\b(?:ou|nao|nem|sem)\b"
)
_PAIR = re.compile(
    r"(?<![^\W_])([a-záâãàéêíóôõúç]{4,}) (e|ou) ([a-záâãàéêíóôõúç]{4,})(?=,| [a-z])"
)
"""Two nouns in one place: each may stand there alone."""
_LINKS = "de|do|da|dos|das|em|no|na|nos|nas|num|numa|por|pelo|pela|para|pra|com|ao|aos"
_BROKEN = re.compile(
    rf"\b(?:{_LINKS}) (?!pelo menos)(?:{_LINKS}|eh|tem|pode|deve|vai|estah|e|ou|mas)\b"
)
_BROKEN_END = re.compile(rf"\b(?:{_LINKS}|o|as|os|que|e|ou|se|como)\W*$")
_PARTS = re.compile(r"[,;]\s|\s[–—-]\s")
_YOUR_CASE = re.compile(
    r"\bvoces? (?:(?:nao|ja|tambem|ainda|so) )?(?:tem|tera|eh|era|sera|estah|estara|vai"
    r"|fica|foi|deve|precisa)\b"
    r"|\b(?:o |a )?(?:seu|sua|seus|suas|teu|tua) [a-z]+ (?:(?:nao|ja|tambem|ainda"
    r"|so) )?(?:tem|tera|eh|era|sera|estah|estara|vai|fica|foi|pode|deve|vale)\b"
)

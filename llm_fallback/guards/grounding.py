"""Every value in an answer must stand in the texts that it cites.

Values are compared by kind: that the office is in house 150 does not make "R$ 150"
true. Nothing else proves one; a person's own words least of all. Whether a value
stands beside the right words is the matter of `support`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from llm_fallback.guards.numerals import with_digits
from llm_fallback.guards.reading import folded, sentences


class Kind(str, Enum):
    """What a found value is; equal texts of two kinds are two values."""

    EMAIL = "email"
    LINK = "link"
    CITATION = "citation"
    PRICE = "price"
    PERCENT = "percent"
    DATE = "date"
    TIME = "time"
    LONG_NUMBER = "long_number"
    """Seven digits or more: telephone, CPF, CNPJ, postcode, process, Pix key."""
    PERIOD = "period"
    CODE = "code"
    """Letters and digits mixed."""
    NUMBER = "number"
    WEEKDAY = "weekday"
    ADDRESS = "address"
    NAME = "name"


@dataclass(frozen=True)
class Value:
    """One fact found in a text."""

    kind: Kind
    """What it is."""
    forms: frozenset[str]
    """The readings it allows, normalised: "9 horas" is a time or a period."""


def ungrounded(answer: str, *, cited: str) -> Value | None:
    """Returns the first value of the answer that `cited` does not hold, or None."""
    known = _known(cited)
    for value in values_of(answer):
        if not value.forms & known:
            return value
    return None


def values_of(text: str) -> list[Value]:
    """Returns every checkable value of a text, each once for its place."""
    found: list[Value] = []
    for sentence in statements(text):
        found += [Value(kind, forms) for kind, forms in _names_of_places(sentence)]
        found += marked(sentence)[1]
    return found


def marked(sentence: str) -> tuple[str, list[Value]]:
    """Returns the folded sentence with a mark in place of each value.

    "é" and "está" become "eh" and "estah": without accents they are other words,
    as "São Paulo" is.
    The mark of the n-th value is the character U+F0000 + n. Two marks side by side
    are the ends of a range: `das 9h às 18h`, `de segunda a sexta`.
    """
    found: list[Value] = []
    told_apart = _IS.sub(
        _with_h, _SAINT.sub("Santo ", unicodedata.normalize("NFC", sentence))
    )
    plain = _MARK.sub(" ", with_digits(folded(told_apart)))
    for kind, pattern, read in _PATTERNS:

        def mark(match: re.Match[str], kind: Kind = kind, read: _Read = read) -> str:
            forms = frozenset(f"{kind.value}:{form}" for form in read(match))
            found.append(Value(kind, forms | _also(kind, match)))
            return f" ;{chr(FIRST_MARK + len(found) - 1)}; "

        plain = pattern.sub(mark, plain)
    return _RANGE.sub(r" \1\2 ", _BARE_MARK.sub(r" \1 ", plain)), found


def statements(text: str) -> list[str]:
    """Returns the sentences; the dots of "1. RG" and "Av. Paulista" end none."""
    return sentences(_ABBREVIATION.sub(r"\1 ", _LIST_MARKER.sub("", text)))


@lru_cache(maxsize=64)
def _known(cited: str) -> frozenset[str]:
    return _forms(values_of(cited))


def _forms(values: list[Value]) -> frozenset[str]:
    forms: set[str] = set()
    for value in values:
        forms |= value.forms
        if value.kind is Kind.LONG_NUMBER:
            forms |= {_without_area(form) for form in value.forms}
    return frozenset(forms)


def _without_area(form: str) -> str:
    kind, digits = form.split(":")
    return f"{kind}:{digits[2:]}" if len(digits) in {10, 11} else form


def _with_h(match: re.Match[str]) -> str:
    return f"{match[0]}h"


_Read = Callable[[re.Match[str]], set[str]]
_IS = re.compile(r"(?<![^\W_])(?:é|está|dá|dê)(?![^\W_])", re.IGNORECASE)
_SAINT = re.compile(r"\bSão (?=[A-ZÀ-Ý])")
FIRST_MARK = 0xF0000
"""Code point of the first mark; nobody writes in this plane."""
_MARK = re.compile("[\U000f0000-\U0010ffff]")
_BARE_MARK = re.compile(r";([\U000f0000-\U0010ffff]);")
_RANGE = re.compile(
    r"([\U000f0000-\U0010ffff])\s*(?:a|as|ate|ate as|ate o|ao?|-|–|e as)\s*"
    r"([\U000f0000-\U0010ffff])"
)
_ABBREVIATION = re.compile(
    r"\b(av|r|al|dr|dra|sr|sra|art|arts|n|nº|tel|cel|pça|ex|etc|adv|cep)\.\s",
    re.IGNORECASE,
)
_LIST_MARKER = re.compile(
    r"^\s*\d\ufe0f?\u20e3?\s?[.)\-–]?\s+(?=[^\W\d_])", re.MULTILINE
)


def _names_of_places(sentence: str) -> Iterator[tuple[Kind, frozenset[str]]]:
    text = unicodedata.normalize("NFKC", sentence.replace("*", "").replace("_", ""))
    for match in _STREET.finditer(text):
        yield Kind.ADDRESS, frozenset({f"address:{folded(match[1])}"})
    for match in _TITLED.finditer(text):
        yield Kind.NAME, frozenset({f"name:{folded(match[1])}"})


_STREET = re.compile(
    r"\b(?i:rua|r|avenida|av|alameda|al|travessa|pra[cç]a|rodovia|estrada|largo"
    r"|edif[ií]cio|bairro)\.?\s+(?:(?i:d[aeo]s?|dr|dra)\.?\s+)?([A-ZÀ-Ý][\w’'-]+)"
)
_TITLED = re.compile(r"\b(?i:dra?|doutora?)\.?\s+([A-ZÀ-Ý][\w’'-]+)")


def _text_of(match: re.Match[str]) -> set[str]:
    return {match[0].strip(".,;:!?")}


def _amount(digits: str, scale: str | None = None) -> str:
    # 1.500,00 and 1500 and 1,5 mil are one amount; so is the rare 1500.50.
    if re.fullmatch(r"\d+\.\d{1,2}", digits):
        digits = digits.replace(".", ",")
    whole, _, cents = digits.replace(".", "").partition(",")
    factor = {"mil": 1000, "k": 1000}.get(scale or "", 1_000_000 if scale else 1)
    value = float(f"{whole or 0}.{cents.rstrip(',') or 0}") * factor
    return f"{value:.2f}"


def _price(match: re.Match[str]) -> set[str]:
    unit = (match["unit"] or "")[:3]
    # Wages and other currencies never equal an amount in reais.
    suffix = "" if unit in {"", "rea"} else unit
    return {_amount(match["n"] or match["m"], match["s"] or match["t"]) + suffix}


def _date(match: re.Match[str]) -> set[str]:
    if match["iso"]:
        year, month, day = match["iso"].split("-")
    else:
        day, year = match["d"], match["y"]
        month = match["m"] or str(_MONTHS[match["name"][:3]])
    short = f"{int(day)}/{int(month)}"
    if not year:
        return {short}
    return {f"{short}/{int(year) % 100}"}


_MONTHS = {
    name: number
    for number, name in enumerate(
        "jan fev mar abr mai jun jul ago set out nov dez".split(), start=1
    )
}


def _time(match: re.Match[str]) -> set[str]:
    hour, minute = int(match["h"]), match["m"] or "00"
    if match["half"]:
        minute = "30"
    if match["part"] in {"tarde", "noite"} and hour < 12:  # noqa: PLR2004
        hour += 12
    return {f"{hour}:{minute}"}


def _citation(match: re.Match[str]) -> set[str]:
    head = match["head"][:3].rstrip(".")
    number = match["n"].replace(".", "").split("/")[0].split("-")[0]
    return {f"{head}{number}"}


def _long_number(match: re.Match[str]) -> set[str]:
    digits = re.sub(r"\D", "", match[0])
    with_country = match[0].lstrip(" (").startswith("+55")
    return {digits[2:] if with_country else digits}


def _period(match: re.Match[str]) -> set[str]:
    return {f"{_amount(match['n'])}{match['unit'][:3]}{match['business'] or ''}"}


def _number(match: re.Match[str]) -> set[str]:
    return {_amount(match[0].strip(".,"))}


def _also(kind: Kind, match: re.Match[str]) -> frozenset[str]:
    # "9 horas" may be a time of day or a length; the facts say which it was.
    if kind is Kind.PERIOD and match["unit"].startswith("hor"):
        return frozenset({f"time:{int(_amount(match['n'])[:-3])}:00"})
    return frozenset()


_N = r"\d[\d.,]*\d|\d"
_SCALE = r"mil|milhao|milhoes|k"
_CURRENCY = r"reais|real|contos?|pilas?|dolares|euros|centavos|salarios?(?: minimos?)?"
_DAY_NAMES = (
    r"(?:segunda|terca|quarta|quinta|sexta)"
    r"(?!\s+(?:via|opcao|opiniao|vez|instancia|parcela|etapa|chamada|parte|geracao))"
    r"(?:s\b|[- ]feiras?|\b)|sabados?|domingos?|feriados?|fi(?:m|ns) de semana"
    r"|todos os dias|diariamente|plantao|meia[- ]noite|meio[- ]dia|meia hora|metade"
)


def _day(match: re.Match[str]) -> set[str]:
    return {match[0][:5] if match[0][:3] != "fim" else "fins "}


_PATTERNS: tuple[
    tuple[Kind, re.Pattern[str], Callable[[re.Match[str]], set[str]]], ...
] = (
    (
        Kind.EMAIL,
        re.compile(r"(?<![\w.+-])[\w.+-]+\s?@\s?[\w-]+(?:\.[\w-]+)+"),
        lambda match: {match[0].replace(" ", "")},
    ),
    (
        Kind.LINK,
        re.compile(
            r"\w+://\S+|www\.\S+|@[\w.]{2,}"
            r"|(?<![\w.-])(?!(?:dra?|sra?|art|av|etc|ex|tel)\.)(?=[0-9-]*[a-z])"
            r"[a-z0-9-]+(?:\.[a-z]{2,})+(?:/\S*)?"
            r"|\b\w+\s+arroba\s+\w+|\b\w+\s+ponto\s+(?:com|br|net|org)\b"
        ),
        lambda match: {
            re.sub(r"^(?:https?://)?(?:www\.)?", "", match[0].rstrip(".,;:!?)/"))
        },
    ),
    (
        Kind.CITATION,
        re.compile(
            r"\b(?P<head>art(?:igo)?s?\b\.?|leis?|sumulas?|decretos?(?:-lei)?"
            r"|provimentos?|resolucao|portaria|emenda|instrucao normativa"
            r"|medida provisoria|tema|enunciado|nr|inciso|paragrafo|§)\s*"
            r"(?:(?:complementar|federal|estadual|municipal|vinculante"
            r"|n|no|numero|do stf|do stj|do tst|[º°.])\s*)*"
            r"(?P<n>\d[\d.]*(?:[/-]\d+)?|[ivxlc]+\b)"
        ),
        _citation,
    ),
    (
        Kind.PRICE,
        re.compile(
            rf"(?:r\s?\$|\brs|\bbrl|us\$|€|\$)\s*(?P<n>{_N})\s*(?P<s>(?:{_SCALE})\b)?"
            rf"|(?P<m>{_N})\s*(?P<t>(?:{_SCALE})\b)?\s*(?:de )?"
            rf"(?P<unit>\b(?:{_CURRENCY})\b)"
        ),
        _price,
    ),
    (
        Kind.PERCENT,
        re.compile(rf"(?P<n>{_N})\s*(?:%|por cento\b)"),
        lambda match: {_amount(match["n"])},
    ),
    (
        Kind.DATE,
        re.compile(
            r"(?P<iso>\b\d{4}-\d{1,2}-\d{1,2}\b)"
            r"|\b(?P<d>\d{1,2})o?(?:\s*/\s*(?P<m>\d{1,2})(?!\d)|\s+de\s+"
            r"(?P<name>jan|fev|mar|abr|mai|jun|jul|ago|set|out|nov|dez)[a-z]*)"
            r"(?:(?:\s*/\s*|\s+de\s+)(?P<y>\d{4}|\d{2})\b)?"
        ),
        _date,
    ),
    (
        Kind.TIME,
        re.compile(
            r"\b(?P<h>\d{1,2})\s*(?:(?:h(?:rs?|s)?\b|:(?=\d)|h(?=\d))\s*(?P<m>\d{2})?"
            r"(?:\s*(?:h|min)\b)?"
            r"|(?=\s+(?:da|de)\s+(?:manha|tarde|noite))"
            r"|(?:\s*horas)?(?P<half>\s+e\s+(?:meia|30)\b)"
            r"|horas\s+(?=da\s+(?:manha|tarde|noite)))"
            r"(?:\s*(?:da|de)\s+(?P<part>manha|tarde|noite)\b)?"
        ),
        _time,
    ),
    (
        Kind.TIME,
        re.compile(
            r"(?:\b(?:as|das|ate as)\s+(?P<h>\d{1,2})\b(?!\s*(?:horas|dias|mes|ano"
            r"|reais|[.,/%]\d))(?![.,]\d))"
            r"|(?P<h2>\d{1,2})(?=\s*(?:as|ate as|-|–)\s+(?:;|\d{1,2} horas))"
        ),
        lambda match: {f"{int(match['h'] or match['h2'])}:00"},
    ),
    (
        Kind.LONG_NUMBER,
        re.compile(r"\+?\(?\d(?:[\s().\-/–]{0,3}\d){6,}"),
        _long_number,
    ),
    (
        Kind.PERIOD,
        re.compile(
            rf"(?P<n>{_N})\s*(?P<unit>minutos?|min|horas?|dias?|semanas?|mes(?:es)?"
            r"|anos?|parcelas?|vezes|x)\b(?P<business>\s+uteis|\s+util)?"
        ),
        _period,
    ),
    (
        Kind.CODE,
        re.compile(
            r"(?<![a-z0-9-])(?=[a-z-]*\d)(?=[0-9-]*[a-z])(?!\d{1,2}[oa]\b)[a-z0-9-]{2,}\b"
        ),
        _text_of,
    ),
    (Kind.NUMBER, re.compile(_N), _number),
    (Kind.WEEKDAY, re.compile(rf"\b(?:{_DAY_NAMES})"), _day),
)

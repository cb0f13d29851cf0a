"""Numbers of people, companies and lawsuits, believed only by their check digits.

Eleven bare digits may be a CPF or a mobile number (and one in a hundred mobile
numbers has the check digits of a CPF): the words before and the shape decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stdnum.br import cnpj, cpf

from bot.core.entities.found import Found, fold, found
from bot.core.lawsuits import is_lawsuit_number
from bot.core.phones import AREA_CODES

_GAP = r"[ \t.\-–/]{0,3}"
_CPF = re.compile(
    rf"(?<![\w+])(?<!\+55 )[0-9]{{3}}{_GAP}[0-9]{{3}}{_GAP}[0-9]{{3}}{_GAP}[0-9]{{2}}"
    r"(?!\w|[.\-/,][0-9])"
)
_ELEVEN = re.compile(r"(?<!\w)[0-9](?:[ \t.\-–/]{0,3}[0-9]){10}(?!\w)")
_CPF_SHAPE = re.compile(r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}[-/ ][0-9]{2}|[0-9]{9}-[0-9]{2}")
_CNPJ = re.compile(
    rf"(?<!\w)[0-9a-z]{{2}}{_GAP}[0-9a-z]{{3}}{_GAP}[0-9a-z]{{3}}{_GAP}"
    rf"[0-9a-z]{{4}}{_GAP}[0-9]{{2}}(?!\w)"
)
_CNPJ_SHAPE = re.compile(r"\w{2}\.\w{3}\.\w{3}/\w{4}-[0-9]{2}")
_LAWSUIT = re.compile(
    rf"(?<!\w)[0-9]{{7}}{_GAP}[0-9]{{2}}{_GAP}[0-9]{{4}}{_GAP}[0-9]{_GAP}"
    rf"[0-9]{{2}}{_GAP}[0-9]{{4}}(?!\w)"
)
_NAMED_CPF = re.compile(r"\bc\.?p\.?f\b[^0-9]{0,25}$")
_NAMED_CNPJ = re.compile(r"\bcnpj\b[^0-9]{0,25}$")
_NAMED_PHONE = re.compile(
    r"\b(?:zap\w*|whats\w*|wpp|telefone|tel|fone|cel|celular|contato)\b[^0-9]{0,25}$"
)
_AFTER_CPF = re.compile(
    r"\bc\.?p\.?f\b[^0-9\n]{0,15}([0-9](?:[ .\-–/]?[0-9]){8,12})(?!\w)"
)
_AFTER_PROCESS = re.compile(
    r"\bprocesso\b[^0-9\n]{0,15}([0-9](?:[ .\-–/]?[0-9]){17,21})(?!\w)"
)
_MOBILE_LENGTH = 11


def read_documents(text: str) -> list[Found]:
    """Returns every `cpf`, `cnpj` and `numero_processo` with right check digits.

    A CPF or CNPJ is given as its bare characters, a lawsuit in the form of the
    CNJ, `NNNNNNN-DD.AAAA.J.TR.OOOO`.
    """
    folded = fold(text)
    return [
        *_lawsuits(text, folded),
        *_cpfs(text, folded),
        *_cnpjs(text, folded),
    ]


def wrong_document(text: str) -> str | None:
    """Returns the first number that claims to be a CPF or CNPJ and is none.

    It claims to be one by its punctuation or by the word before it; it comes as
    the person wrote it.
    """
    folded = fold(text)
    for match in _CPF.finditer(folded):
        claims = _CPF_SHAPE.fullmatch(match[0]) or _NAMED_CPF.search(
            folded[: match.start()]
        )
        if claims and not is_cpf(_digits(match[0])):
            return text[slice(*match.span())]
    for match in _AFTER_CPF.finditer(folded):
        digits = _digits(match[1])
        if not is_cpf(digits):
            return text[slice(*match.span(1))]
    for match in _CNPJ.finditer(folded):
        claims = _CNPJ_SHAPE.fullmatch(match[0]) or _NAMED_CNPJ.search(
            folded[: match.start()]
        )
        if claims and not cnpj.is_valid(_letters(match[0])):
            return text[slice(*match.span())]
    return None


def wrong_lawsuit(text: str) -> str | None:
    """Returns the first lawsuit number whose digits do not add up, as written.

    That is 20 digits in the grouping of the CNJ, or 18 to 22 behind the word
    "processo".
    """
    folded = fold(text)
    matches = [(m[0], m.span()) for m in _LAWSUIT.finditer(folded)]
    matches += [(m[1], m.span(1)) for m in _AFTER_PROCESS.finditer(folded)]
    for written, (start, end) in matches:
        if not is_lawsuit_number(_digits(written)):
            return text[start:end]
    return None


def is_cpf(digits: str) -> bool:
    """Says whether 11 digits are a CPF; eleven equal ones never are."""
    return len(set(digits)) > 1 and bool(cpf.is_valid(digits))


def _lawsuits(text: str, folded: str) -> Iterator[Found]:
    for match in _LAWSUIT.finditer(folded):
        d = _digits(match[0])
        if is_lawsuit_number(d):
            value = f"{d[:7]}-{d[7:9]}.{d[9:13]}.{d[13]}.{d[14:16]}.{d[16:]}"
            yield found("numero_processo", value, text, span=match.span())


def _cpfs(text: str, folded: str) -> Iterator[Found]:
    seen: set[int] = set()
    for pattern in (_CPF, _ELEVEN):
        for match in pattern.finditer(folded):
            digits, before = _digits(match[0]), folded[: match.start()]
            is_named = bool(_NAMED_CPF.search(before))
            if match.start() in seen or (pattern is _ELEVEN and not is_named):
                continue
            is_phone = not is_named and not _CPF_SHAPE.fullmatch(match[0])
            is_phone &= _looks_mobile(digits) or bool(_NAMED_PHONE.search(before))
            if is_cpf(digits) and not is_phone:
                seen.add(match.start())
                yield found("cpf", digits, text, span=match.span())


def _cnpjs(text: str, folded: str) -> Iterator[Found]:
    for match in _CNPJ.finditer(folded):
        value = _letters(match[0])
        has_letters = not value.isdigit()
        claims = _CNPJ_SHAPE.fullmatch(match[0]) or _NAMED_CNPJ.search(
            folded[: match.start()]
        )
        if (claims or not has_letters) and cnpj.is_valid(value):
            yield found("cnpj", value, text, span=match.span())


def _looks_mobile(digits: str) -> bool:
    return (
        len(digits) == _MOBILE_LENGTH and digits[:2] in AREA_CODES and digits[2] == "9"
    )


def _digits(written: str) -> str:
    return re.sub(r"[^0-9]", "", written)


def _letters(written: str) -> str:
    return re.sub(r"[^0-9a-z]", "", written).upper()

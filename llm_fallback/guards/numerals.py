"""Portuguese number words as digits, so that "duzentos reais" is a price."""

from __future__ import annotations

import re

_UNITS = {
    "um": 1, "uma": 1, "dois": 2, "duas": 2, "tres": 3, "quatro": 4, "cinco": 5,
    "seis": 6, "meia": 6, "sete": 7, "oito": 8, "nove": 9, "dez": 10, "onze": 11,
    "doze": 12, "treze": 13, "quatorze": 14, "catorze": 14, "quinze": 15,
    "dezesseis": 16, "dezessete": 17, "dezoito": 18, "dezenove": 19, "vinte": 20,
    "trinta": 30, "quarenta": 40, "cinquenta": 50, "sessenta": 60, "setenta": 70,
    "oitenta": 80, "noventa": 90, "cem": 100, "cento": 100, "duzentos": 200,
    "duzentas": 200, "trezentos": 300, "trezentas": 300, "quatrocentos": 400,
    "quatrocentas": 400, "quinhentos": 500, "quinhentas": 500, "seiscentos": 600,
    "setecentos": 700, "oitocentos": 800, "novecentos": 900, "zero": 0,
}  # fmt: skip
_SCALES = {"mil": 1_000, "milhao": 1_000_000, "milhoes": 1_000_000}
_COUNTABLE = (
    r"(?:de )?(?:reais|real|contos?|centavos|salarios?|por cento|%|minutos?|horas?"
    r"|dias?|semanas?|mes(?:es)?|anos?|parcelas?|vezes|da (?:manha|tarde|noite))\b"
)
_WORD = "|".join(sorted({*_UNITS, *_SCALES} - {"meia"}, key=len, reverse=True))
_RUN = re.compile(
    rf"\b(?!(?<=por )cento\b)(?:{_WORD})(?:(?:,? e|,)? (?:{_WORD}|meia))*\b"
)
_COUNTED = re.compile(rf"\s+{_COUNTABLE}")
_SMALL = 10
"""Up to ten, a word alone is mere speech ("os dois", "uma pessoa")."""
_SPELLED = 4
"""This many words without "e" in a row are digits read aloud."""


def with_digits(text: str) -> str:
    """Returns a folded text with the numbers written in digits.

    >>> with_digits("custa duzentos e cinquenta reais, em duas parcelas")
    'custa 250 reais, em 2 parcelas'
    >>> with_digits("um dos dois advogados")
    'um dos dois advogados'
    """
    return _RUN.sub(_in_digits, text)


def _in_digits(match: re.Match[str]) -> str:
    run = match[0]
    parts = re.findall(r"[a-z]+", run)
    numbers = [part for part in parts if part != "e"]
    if len(numbers) >= _SPELLED and "e" not in parts and not _SCALES.keys() & {*parts}:
        return "".join(str(_UNITS[part]) for part in numbers)
    value = _value(numbers)
    counted = _COUNTED.match(match.string, match.end())
    if value <= _SMALL and not counted:
        return run
    return str(value)


def _value(parts: list[str]) -> int:
    total = group = 0
    for part in parts:
        if part in _SCALES:
            total += (group or 1) * _SCALES[part]
            group = 0
        else:
            group += _UNITS[part]
    return total + group

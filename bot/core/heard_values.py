"""What is in a spoken text that must not be misheard, and how carefully it is taken.

Whisper writes "5.00" where somebody says "cinco zero zero um": names of days come
out right, digits do not. What is only likely stays unasked: people who speak of two
daughters or of article 5 are not asked whether they did.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import Enum

from bot.core.entities.dates import read_moments
from bot.core.entities.found import fold
from bot.core.entities.money import read_money
from bot.core.names import Profile


class Value(str, Enum):
    """A kind of value that a voice note may hold."""

    NUMBER = "numero"
    """A document, a telephone, a protocol: digits of which each one counts."""
    EMAIL = "email"
    MONEY = "valor"
    MOMENT = "momento"
    """A day or an hour."""
    COUNT = "quantidade"
    """Any other number: "duas", "13º"."""


class Caution(Enum):
    """What is done with a voice note before its words count."""

    ASK = "perguntar"
    """The person says first whether it was heard right."""
    SHOW = "mostrar"
    """The words count, and are shown with the answer."""
    NONE = "nada"
    """The words count like written ones."""


CLEAR = 0.8
"""From this confidence on (0-1) a note is heard clearly."""
_LONG = 40
"""Words; of so many, one is likely misheard at whatever confidence."""
_SHORT = 3
"""Words; a lawyer who greets is shown nothing."""
_ALWAYS_ASKED = frozenset({Value.NUMBER, Value.EMAIL, Value.MONEY})

_ONES = "zero|um|uma|dois|duas|tres|quatro|cinco|seis|meia|sete|oito|nove"
_TENS = (
    "dez|onze|doze|treze|quatorze|catorze|quinze|dezesseis|dezessete|dezoito|dezenove"
    "|vinte|trinta|quarenta|cinquenta|sessenta|setenta|oitenta|noventa|cem|cento"
    "|(?:duz|trez)entos|(?:quatro|seis|sete|oito|nove)centos|quinhentos"
)
_SPOKEN = rf"(?:(?:{_TENS})(?: e (?:{_TENS})){{0,3}}(?: e (?:{_ONES}))?|{_ONES})"
_TOKEN = rf"(?:[0-9]+|{_SPOKEN})"
_GAP = r"(?:[ .,;/–-]|(?:ponto|traco|barra|hifen)\b){1,6}"
_RUN = re.compile(rf"(?<!\w){_TOKEN}(?:{_GAP}{_TOKEN})*(?!\w)")
_EACH = re.compile(rf"(?<!\w){_TOKEN}(?!\w)")
_DICTATED = re.compile(r"(?<!\w)(?:zero|meia)(?!\w)")
_DOTTED = re.compile(r"(?<!\w)[0-9]+\.[0-9]+(?!\w)")
_KNOWN = re.compile(
    r"(?<!\w)(?:artigos?|art|lei|decreto|sumula|paragrafo|inciso)\.?"
    r"(?: (?:complementar|numero|n[oº]?))?,? [0-9][0-9./]*"
    r"|(?<!\w)(?:de|em|desde|ate|ano) (?:19|20)[0-9]{2}(?!\w)"
)
"""Laws and years, which change nothing here."""
_NAMED = re.compile(
    r"(?<!\w)(?:c\.?p\.?f|cnpj|r\.?g|oab|cnh|pis|nis|cep|processo|protocolo|telefone"
    r"|celular|pix|conta|agencia|matricula|beneficio)(?!\w)"
    r"(?:[^0-9\n]{0,25}[0-9](?![ºª°])"
    r"|(?:[ :,.]|\b(?:e|eh|o|numero|final|dele|dela)\b){1,6}"
    rf"(?!uma?\b){_SPOKEN}(?!\w))"
)
_EMAIL = re.compile(
    r"@|(?<!\w)arroba(?!\w)|(?<!\w)(?:gmail|hotmail|outlook|yahoo|icloud)(?!\w)"
    r"|\w(?:\.|\s+ponto\s+)com(?!\w)"
)
_COUNT = re.compile(rf"[0-9]|(?<!\w)(?!uma?\b|meia\b)(?:{_SPOKEN}|mil)(?!\w)")
_LONGEST_RUN = 4
"""From so many digits on they are a number of which each one counts."""
_TOKENS = 3


def values_in(text: str, *, now: datetime) -> frozenset[Value]:
    """Returns the kinds of values that a spoken text holds.

    >>> from datetime import timezone
    >>> noon = datetime(2026, 11, 18, 12, tzinfo=timezone.utc)
    >>> [each.value for each in values_in("meu RG é 5.00 1", now=noon)]
    ['numero']

    Args:
        text: as it was heard.
        now: when it was said; aware.
    """
    moments = read_moments(text, now=now)
    rest = list(fold(text))
    for each in moments:
        rest[each.start : each.end] = " " * (each.end - each.start)
    bare = _KNOWN.sub(" ", "".join(rest))
    found = {
        Value.MOMENT: bool(moments),
        Value.NUMBER: _has_number(bare),
        Value.EMAIL: bool(_EMAIL.search(bare)),
        Value.MONEY: bool(read_money(text)),
    }
    named = frozenset(value for value, is_there in found.items() if is_there)
    return named or (frozenset({Value.COUNT}) if _COUNT.search(bare) else named)


def caution_for(
    text: str, *, is_sure: bool, is_clear: bool, profile: Profile, now: datetime
) -> Caution:
    """Returns how carefully a voice note is taken.

    What a client's flows write down is shown before it counts, day and hour above
    all; a lawyer's folders and spreadsheets change at once, so there every number is
    asked about.

    Args:
        text: what it says.
        is_sure: it was heard well enough to do anything at all.
        is_clear: it was heard so well that there is nothing to show.
        profile: whose.
        now: when it was said; aware.
    """
    values = values_in(text, now=now)
    is_lawyer = profile is Profile.LAWYER
    asked_about = frozenset(Value) if is_lawyer else _ALWAYS_ASKED
    if not is_sure or values & asked_about:
        return Caution.ASK
    words = len(text.split())
    is_shown = Value.MOMENT in values or not is_clear or words > _LONG
    is_shown |= is_lawyer and words > _SHORT
    return Caution.SHOW if is_shown else Caution.NONE


def _has_number(bare: str) -> bool:
    """Says whether digits are dictated, in figures or as words."""
    if _DOTTED.search(bare) or _NAMED.search(bare):
        return True
    return any(_is_dictated(run[0]) for run in _RUN.finditer(bare))


def _is_dictated(run: str) -> bool:
    tokens = _EACH.findall(run)
    digits = sum(
        len(each) if each.isdecimal() else len(each.split(" e ")) for each in tokens
    )
    figures = sum(len(each) for each in tokens if each.isdecimal())
    is_long = figures >= _LONGEST_RUN or (
        digits >= _LONGEST_RUN and len(tokens) >= _TOKENS
    )
    return is_long or (len(tokens) >= _TOKENS and bool(_DICTATED.search(run)))

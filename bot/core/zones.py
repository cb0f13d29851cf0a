"""Brazil's time zones: which one an office is in, by its state or its own word."""

from __future__ import annotations

from zoneinfo import ZoneInfo

DEFAULT = "America/Sao_Paulo"
ZONE_OF_UF = {
    **dict.fromkeys("DF ES GO MG PR RJ RS SC SP".split(), DEFAULT),
    **dict.fromkeys("CE MA PB PI RN".split(), "America/Fortaleza"),
    **dict.fromkeys("AL SE".split(), "America/Maceio"),
    **dict.fromkeys("AP PA".split(), "America/Belem"),
    "AC": "America/Rio_Branco",
    "AM": "America/Manaus",
    "BA": "America/Bahia",
    "MS": "America/Campo_Grande",
    "MT": "America/Cuiaba",
    "PE": "America/Recife",
    "RO": "America/Porto_Velho",
    "RR": "America/Boa_Vista",
    "TO": "America/Araguaina",
}
"""Names of the tz database, by the letters of a state; of a state with two zones,
the one of its capital."""
ZONES = (
    *sorted(set(ZONE_OF_UF.values())),
    "America/Eirunepe",
    "America/Noronha",
    "America/Santarem",
)
"""The 16 of Brazil; the last three are no state's own."""


def zone_of(uf: str, named: str = "") -> ZoneInfo:
    """Returns an office's zone: the one that it names, else its state's.

    >>> zone_of("AC").key
    'America/Rio_Branco'
    """
    return ZoneInfo(named or ZONE_OF_UF.get(uf, DEFAULT))

"""Numbers of Brazilian lawsuits (CNJ Resolution 65/2008)."""

from __future__ import annotations

_DIGITS = 20


def is_lawsuit_number(digits: str) -> bool:
    """Says whether 20 digits NNNNNNNDDAAAAJTROOOO have right check digits.

    DD makes NNNNNNN AAAA J TR OOOO DD leave 1 when divided by 97 (ISO 7064).
    """
    if len(digits) != _DIGITS or not digits.isascii() or not digits.isdigit():
        return False
    return int(digits[:7] + digits[9:] + digits[7:9]) % 97 == 1


def written(digits: str) -> str:
    """Returns 20 digits with their marks: `NNNNNNN-DD.AAAA.J.TR.OOOO`."""
    d = digits
    return f"{d[:7]}-{d[7:9]}.{d[9:13]}.{d[13]}.{d[14:16]}.{d[16:]}"

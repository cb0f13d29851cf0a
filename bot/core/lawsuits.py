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

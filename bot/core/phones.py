"""Telephone numbers and WhatsApp addresses of people in Brazil and elsewhere.

Numbers are read tolerantly and written as E.164. An address that a message
came from is never rewritten: replies go to exactly that address.
"""

from __future__ import annotations

import re

import phonenumbers

from bot.core.errors import InvalidPhone

WHATSAPP = "whatsapp:"
_BRAZIL_MOBILE = re.compile(r"\+55(\d\d)9([6-9]\d{7})")
_BRAZIL_WITHOUT_NINTH = re.compile(r"\+55(\d\d)([6-9]\d{7})")
_E164 = phonenumbers.PhoneNumberFormat.E164
_BRAZIL = 55
_BRAZIL_NUMBER = re.compile(r"\+55[1-9]\d{9,10}")
"""With its area code: without one, 98765-4321 would be a number of area 98."""
_INTERNATIONAL_PREFIX = re.compile(r"\A00\s*(?=[1-9])")
_LONGEST = 40
AREA_CODES = frozenset(
    """11 12 13 14 15 16 17 18 19 21 22 24 27 28 31 32 33 34 35 37 38 41 42 43 44 45 46
    47 48 49 51 53 54 55 61 62 63 64 65 66 67 68 69 71 73 74 75 77 79 81 82 83 84 85 86
    87 88 89 91 92 93 94 95 96 97 98 99""".split()
)
"""Area codes of Brazil (DDD)."""


def parse_phone(text: str, *, field: str = "telefone") -> str:
    """Returns the E.164 form of a number, Brazil being the default country.

    >>> parse_phone("(11) 98765-4321")
    '+5511987654321'

    Raises:
        InvalidPhone: the text is no telephone number.
    """
    try:
        if len(text) > _LONGEST:
            raise phonenumbers.NumberParseException(0, "too long")
        # the library takes the 55 of "0055 11 …" for a carrier, and 1 for the country
        dialled = _INTERNATIONAL_PREFIX.sub("+", text.strip())
        number = phonenumbers.parse(dialled, "BR")
        if re.search(r"[A-Za-z]", text) or not phonenumbers.is_possible_number(number):
            raise phonenumbers.NumberParseException(0, "not possible")
        written = phonenumbers.format_number(number, _E164)
        if number.country_code == _BRAZIL and not _BRAZIL_NUMBER.fullmatch(written):
            raise phonenumbers.NumberParseException(0, "no area code")
    except phonenumbers.NumberParseException as error:
        raise InvalidPhone(
            "Telefone inválido: escreva com país e DDD, como +5511987654321.",
            field=field,
        ) from error
    return str(written)


def address_of(phone: str) -> str:
    """Returns the WhatsApp address of an E.164 number."""
    return WHATSAPP + phone


def phone_of(address: str) -> str | None:
    """Returns the E.164 number inside a WhatsApp address.

    None where the address holds no number, as `whatsapp:BR.1A2B3C` (a sender
    known by a business-scoped id alone).
    """
    rest = address[len(WHATSAPP) :] if address.startswith(WHATSAPP) else address
    try:
        return parse_phone(rest) if rest.startswith("+") else None
    except InvalidPhone:
        return None


def same_person_numbers(phone: str) -> tuple[str, ...]:
    """Returns the number and its other form with or without the ninth digit.

    WhatsApp knows older Brazilian mobiles without the 9 that every mobile got
    by 2016. Landlines begin with 2-5 after the area code and get no variant.
    """
    with_ninth = _BRAZIL_MOBILE.fullmatch(phone)
    if with_ninth:
        return phone, f"+55{with_ninth[1]}{with_ninth[2]}"
    without = _BRAZIL_WITHOUT_NINTH.fullmatch(phone)
    if without:
        return phone, f"+55{without[1]}9{without[2]}"
    return (phone,)


def same_person_addresses(address: str) -> tuple[str, ...]:
    """Returns a WhatsApp address and its form with or without the ninth digit.

    One that holds no number has no other form.
    """
    phone = phone_of(address)
    if phone is None or not address.startswith(WHATSAPP):
        return (address,)
    others = (address_of(number) for number in same_person_numbers(phone)[1:])
    return (address, *others)

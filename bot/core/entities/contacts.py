"""E-mail addresses and telephone numbers inside a message."""

from __future__ import annotations

import re
from collections.abc import Iterator

from email_validator import EmailNotValidError, validate_email

from bot.core.entities.found import Found, fold, found
from bot.core.errors import InvalidPhone
from bot.core.phones import AREA_CODES, parse_phone

_WORD = r"[\w+%-]{1,64}"
_EMAIL = re.compile(
    rf"(?<![\w@.+%-]){_WORD}(?:(?:\.|\s+ponto\s+){_WORD}){{0,8}}"
    r"(?:\s?@\s?|\s+arroba\s+)"
    rf"{_WORD}(?:(?:\.|\s+ponto\s+){_WORD}){{1,8}}",
)
_USUAL_END = re.compile(r"\.(?:com|br|net|org|edu|gov)$")
"""Where one must end that is written with spaces: "me segue lá @maria.adv" is none."""
_SEP = r"[\s.\-–]{0,2}"
_DDD = "(?:" + "|".join(sorted(AREA_CODES)) + ")"
_BRAZIL = re.compile(
    rf"(?<![\w+])(?<![0-9][.,/-])(?:(?:\+|00)?55{_SEP})?\(?0?{_DDD}\)?{_SEP}"
    rf"(?:9(?:{_SEP}[0-9]){{8}}|[2-9](?:{_SEP}[0-9]){{7}})(?!\w|[.,/-][0-9])"
)
_FREE = re.compile(r"(?<!\w)0[358]00[\s.-]?[0-9]{3}[\s.-]?[0-9]{4}(?!\w)")
_ABROAD = re.compile(r"(?<!\w)\+(?!55)[1-9](?:[\s().-]{0,2}[0-9]){7,14}(?!\w)")
_OTHER_NUMBER = re.compile(
    r"\b(?:rg|cpf|cnpj|cep|nis|pis|nit|oab|nb|cnh|ctps|protocolo|pedido|processo|conta"
    r"|agencia|contrato|matricula|boleto|beneficio|placa)\b[^0-9]{0,12}$"
)


def read_contacts(text: str) -> list[Found]:
    """Returns every `email` (lower case) and `telefone` (E.164).

    A number without area code is no telephone: nobody could call it.
    """
    folded = fold(text)
    return [*_emails(text, folded), *_phones(text, folded)]


def _emails(text: str, folded: str) -> Iterator[Found]:
    if "@" not in folded and "arroba" not in folded:
        return
    for match in _EMAIL.finditer(folded):
        written = text[match.start() : match.end()].lower()
        spoken = re.sub(r"\s+ponto\s+", ".", written)
        address = re.sub(r"\s*@\s*|\s+arroba\s+", "@", spoken)
        if address != written and not _USUAL_END.search(address):
            continue
        try:
            checked = validate_email(address, check_deliverability=False)
        except EmailNotValidError:
            continue
        yield found("email", checked.normalized.lower(), text, span=match.span())


def _phones(text: str, folded: str) -> Iterator[Found]:
    for pattern in (_BRAZIL, _FREE, _ABROAD):
        for match in pattern.finditer(folded):
            if _OTHER_NUMBER.search(folded[: match.start()]):
                continue
            try:
                value = parse_phone(match[0])
            except InvalidPhone:
                continue
            yield found("telefone", value, text, span=match.span())

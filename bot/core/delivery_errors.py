"""What to do about each error code of Twilio: one table, for both ways it comes.

A code comes in the API's answer (the message was not taken) or in a status callback
with `failed` or `undelivered` (it was taken, and did not arrive). The codes are those
of https://www.twilio.com/docs/api/errors; which of them WhatsApp senders meet, and
what each asks for, is read there and in nyaruka/courier's handlers/twiml.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

REFUSED_CREDENTIALS = "20003"
_CREDENTIALS = {"401": REFUSED_CREDENTIALS, "403": REFUSED_CREDENTIALS}
"""HTTP statuses that come without a code."""


class Action(Enum):
    """What becomes of the message; its answer is never silently lost."""

    GIVE_UP = "desistir"
    """It will not arrive, now or later: a person of the office answers."""
    OPT_OUT = "descadastrar"
    """The person blocked us or asked for no more messages."""
    CLOSE_WINDOW = "fechar_janela"
    """The 24 hours are over: a template, or a person of the office."""
    SLOW_DOWN = "desacelerar"
    """Too much for this person in too little time: later."""
    CALL = "telefonar"
    """The number is not on WhatsApp: the office telephones."""
    PLAIN_TEXT = "so_texto"
    """The content was refused: the same as text, where it is not text yet."""


@dataclass(frozen=True)
class Rule:
    """What a code asks for."""

    action: Action
    alerts: bool = False
    """Whether whoever runs this must see to it: the account, a template, our code."""


_RULES = {
    "20003": Rule(Action.GIVE_UP, alerts=True),  # credentials
    "20404": Rule(Action.GIVE_UP, alerts=True),  # no such account
    "20429": Rule(Action.SLOW_DOWN),
    "21610": Rule(Action.OPT_OUT),
    "21617": Rule(Action.GIVE_UP, alerts=True),  # our split is broken
    "21655": Rule(Action.PLAIN_TEXT, alerts=True),  # no such content template
    "21656": Rule(Action.PLAIN_TEXT, alerts=True),  # its variables are wrong
    "21658": Rule(Action.PLAIN_TEXT, alerts=True),  # a variable is too long
    "63003": Rule(Action.CALL),
    "63014": Rule(Action.OPT_OUT),
    "63015": Rule(Action.GIVE_UP, alerts=True),  # sandbox: the person has not joined
    "63016": Rule(Action.CLOSE_WINDOW),
    "63018": Rule(Action.SLOW_DOWN),
    "63019": Rule(Action.PLAIN_TEXT),  # media
    "63021": Rule(Action.PLAIN_TEXT),  # content
    "63024": Rule(Action.CALL),
    "63032": Rule(Action.GIVE_UP),  # WhatsApp's own decision
    "63033": Rule(Action.OPT_OUT),
    "63038": Rule(Action.GIVE_UP, alerts=True),  # the account's daily limit
    "63041": Rule(Action.PLAIN_TEXT, alerts=True),  # the template is paused
}
_MEANINGS = {
    "20003": "o Twilio recusou as credenciais: confira TWILIO_ACCOUNT_SID e o token",
    "credenciais": "o Twilio recusou as credenciais: confira TWILIO_ACCOUNT_SID e o "
    "token",
    "20404": "a conta do Twilio não existe: confira TWILIO_ACCOUNT_SID",
    "63038": "a conta do Twilio chegou ao limite de mensagens do dia",
    "63015": "a pessoa não entrou no sandbox do Twilio",
    "63041": "um modelo do WhatsApp foi pausado",
    "21655": "um modelo de TWILIO_TEMPLATES não existe no Twilio",
    "21656": "as variáveis de um modelo não conferem com as do Twilio",
    "conciliacao_parada": "o Twilio não diz o que foi feito de alguns envios",
}
_UNKNOWN = Rule(Action.GIVE_UP)
_BARE_STATUS = Rule(Action.GIVE_UP, alerts=True)
_STATUS_DIGITS = 3


def meaning_of(code: str) -> str:
    """Returns an alert's cause in words for whoever runs this."""
    return _MEANINGS.get(code, f"o Twilio respondeu com o erro {code}")


def code_of(code: str) -> str:
    """Returns the code that a bare HTTP status stands for, or the code itself."""
    return _CREDENTIALS.get(code, code)


def rule_of(code: str) -> Rule:
    """Returns what to do about a code; an unknown one is not tried again.

    A bare HTTP status is not Twilio's way to refuse a message: what answers there is
    not Twilio, and whoever runs this should know.
    """
    is_bare = code.isdecimal() and len(code) == _STATUS_DIGITS
    return _RULES.get(code_of(code), _BARE_STATUS if is_bare else _UNKNOWN)

"""Who asks for no more messages, and who asks for them again.

Only whole messages count: "quero parar de pagar pensão" holds the word and asks for
something else. Twilio knows the English words alone, so the Portuguese are ours.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from bot.core.entities.found import fold

Wish = Literal["sair", "voltar", "cancelar"]

_LONGEST = 160
"""Characters; who asks for this is brief, and a story is never one."""
_COURTESY = (
    r"oi|ola|opa|bom dia|boa tarde|boa noite|por favor|por gentileza|favor|pf|pfv|pfvr"
    r"|obrigad[oa]|obg|grat[oa]|gente|pessoal|eu|ai|ja|agora|ok"
)
_OPENING = re.compile(rf"^(?:(?:{_COURTESY}) )+")
_ENDING = re.compile(rf"(?: (?:{_COURTESY}))+$")

_MESSAGES = (
    r"(?:(?:mais|ess[ae]s?|est[ae]s?|suas?|seus?|as|os|a|o|nenhuma?|es[st]e tipo de) )*"
    r"(?:mensage(?:m|ns)|m[se]n?gs?|msgs?|sms|lembretes?|avisos?|notificac(?:ao|oes)"
    r"|propagandas?|promoc(?:ao|oes)|comunicados?|informativos?|contatos?)"
    r"(?: automaticas?| automaticos?| suas| seus| de texto| de propaganda)?"
)
_FROM_US = (
    r"(?: (?:mais|de voces|de vcs|do escritorio|da empresa|do robo|des[st]e numero"
    r"|por aqui|aqui|pelo (?:whatsapp|zap)|no (?:whatsapp|zap)"
    r"|no meu (?:celular|numero|telefone|whatsapp|zap)))*"
)
_NOT = r"(?:nao|n|nunca mais|nem)"
_WISH = r"(?:quero|queria|gostaria de|desejo|aceito|pretendo|vou|autorizo)"
_SEND = r"(?:mand|envi)(?:ar|arem|e|em|a|am)"
_TAKE = r"(?:tir|retir)(?:ar|e|em|a|am)|remov(?:er|a|am|e)"
_MY_NUMBER = r"(?:o )?meu (?:numero|telefone|contato|celular|whatsapp|zap)"
_LIST = (
    r"(?:da|de|des[st]a|da sua|de sua) lista"
    r"(?: de (?:mensagens|contatos|envio|transmissao))?"
)

_LEAVE = (
    r"parar|pare|parem|sair|stop|stop ?all|unsubscribe|quit|opt ?out",
    r"(?:me )?(?:quero )?(?:me )?descadastr(?:ar|e|em|a|o)(?:-?me| me)?"
    rf"(?: {_MY_NUMBER})?",
    rf"(?:(?:quero|queria|gostaria de|favor) )?(?:me )?(?:sair|{_TAKE})"
    rf"(?: me)?(?: {_MY_NUMBER})? {_LIST}",
    rf"(?:(?:quero|queria|gostaria de|favor) )?(?:{_TAKE}) {_MY_NUMBER}"
    rf"(?: {_LIST}| dai| do sistema| do cadastro)?",
    rf"{_NOT} (?:{_WISH} )?(?:mais )?(?:receber )(?:mais )?{_MESSAGES}{_FROM_US}",
    rf"{_NOT} (?:{_WISH} )?(?:mais )?(?:que )?(?:voces |vcs )?(?:me )?{_SEND}"
    rf"(?: mais)?(?: {_MESSAGES}| nada){_FROM_US}",
    rf"(?:(?:quero|queria|gostaria de) )?(?:pare|parem|para|parar|deixar|deixem) de "
    rf"(?:receber|(?:me )?{_SEND}) {_MESSAGES}{_FROM_US}",
    rf"(?:quero |queria |gostaria de )?cancel(?:ar|e|em|a) "
    rf"(?:(?:a |minha )?(?:inscricao|assinatura)|{_MESSAGES}){_FROM_US}",
)
_RETURN = (
    r"voltar|start|unstop|opt ?in|recadastrar",
    rf"(?:quero |queria |gostaria de |posso |pode[m]? )?(?:voltar a |tornar a )"
    rf"(?:receber|(?:me )?{_SEND})(?: {_MESSAGES})?{_FROM_US}",
    rf"(?:quero |queria |gostaria de )?receber(?: {_MESSAGES})?"
    rf"(?: de novo| novamente| outra vez){_FROM_US}",
    rf"pode[m]? (?:me )?{_SEND}(?: {_MESSAGES})?(?: de novo| novamente| outra vez)"
    rf"{_FROM_US}",
    r"(?:quero )?(?:me )?(?:re)?cadastr(?:ar|e|em|a)(?: me)?"
    r"(?: de novo| novamente| outra vez)",
)
_CANCEL = (r"cancelar|cancela|cancele|cancel",)


def _whole(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


_BY_WISH: tuple[tuple[Wish, re.Pattern[str]], ...] = (
    ("sair", _whole(_LEAVE)),
    ("voltar", _whole(_RETURN)),
    ("cancelar", _whole(_CANCEL)),
)


def wish_of(text: str) -> Wish | None:
    """Returns what a whole message asks about our messages, or None.

    `sair`: none that answer nothing; `voltar`: again; `cancelar`: the bare word,
    which may as well mean an appointment, and is for the caller to tell apart.

    >>> wish_of("PARAR!!! 🙏")
    'sair'
    >>> wish_of("quero parar de pagar pensão") is None
    True
    """
    if len(text) > _LONGEST:
        return None
    words = _bare(text)
    for wish, pattern in _BY_WISH:
        if pattern.fullmatch(words):
            return wish
    return None


def _bare(text: str) -> str:
    """Returns the words alone: no case, accents, marks, emoji or courtesies."""
    letters = fold(unicodedata.normalize("NFKC", text))
    words = " ".join(re.findall(r"[^\W\d_]+", letters))
    inner = _ENDING.sub("", _OPENING.sub("", words))
    return inner or words

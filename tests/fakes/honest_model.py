"""A scripted model that means well, as a small one would that read its prompt.

It chooses the offered text that shares most with the question and tells it in
slightly other words; law it leaves to the lawyers, and what it does not find to a
person. With it the whole chain can be shown useful on a machine without a GPU; it
says nothing about a real model's manners.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from tests.fakes.offered import Offered, as_reply, read_request

_LAW = re.compile(
    r"\b(?:direitos?|process\w+|justica|juiz|crime|cadeia|pres[oa]|pena|multa|indeniz\w*"
    r"|pensao|guarda|heranca|divorcio|despejo|penhora|prescreve|caduc\w+|fgts|rescisao"
    r"|inss|aposent\w+|beneficio|liminar|usucapiao|lei|legal|ilegal|assino|perco|ganh\w+"
    r"|obrigad[oa] a|prazo|sue|divorce)\b"
)
_TALK = re.compile(r"^(?:oi+|ola|bom dia|boa (?:tarde|noite)|obrigad[oa]|valeu)\W*$")
_ORDER = re.compile(
    r"\b(?:ignor\w+|esquec\w+|desconsidere|instruc\w+|prompt|regras|repit[ae]|system)\b"
)
_LIGHT = (
    (r"\bvídeo\b", "videochamada"),
    (r"\btrazer\b", "levar"),
    (r"\bNosso horário\b", "O nosso horário"),
    (r"\bPor aqui\b", "Aqui"),
    (r"\bo escritório\b", "nosso escritório"),
)
_COMMON = frozenset(
    "para com uma voces voce esse essa isso como qual quais quando onde aqui mais "
    "pode posso tem ter sobre meu minha seu sua queria quero saber".split()
)
_TRUST = 4.0
"""How many words the first place is worth, the second half of that, and so on."""
_PIECE = 5
"""Letters of a word that count, so that `atendem` meets `atendimento`."""


class HonestModel:
    """The script; call it with a request's body."""

    def __init__(self) -> None:
        self._turn = 0
        self.last_reply = ""
        """What it answered last, as it went over the wire."""

    def __call__(self, body: dict[str, Any]) -> str:
        """Returns the answer to one request."""
        self._turn += 1
        self.last_reply = self._answer(read_request(body))
        return self.last_reply

    def _answer(self, offered: Offered) -> str:
        asked = _folded(offered.question)
        if _TALK.search(asked):
            return as_reply("conversa", [], "")
        if _ORDER.search(asked):
            return as_reply("pessoa", [], "")
        source = _best(asked, offered)
        if not source:
            route = "pergunta_juridica" if _LAW.search(asked) else "pessoa"
            return as_reply(route, [], "")
        return as_reply("conhecimento", [source], self._told(offered.texts[source]))

    def _told(self, text: str) -> str:
        for pattern, word in _LIGHT:
            text = re.sub(pattern, word, text)
        opened = ("", "Olá! ", "Claro! ")[self._turn % 3]
        closed = ("", " Posso ajudar em algo mais?")[self._turn % 2]
        return f"{opened}{text}{closed}"


def _best(asked: str, offered: Offered) -> str:
    """Returns the id of the likeliest text; "" where none shares a word.

    The prompt lists the likeliest first, and a word of the title counts twice.
    """
    pieces = _pieces(asked)
    best, most = "", 0.0
    for place, (source, text) in enumerate(offered.texts.items()):
        shared = len(pieces & _pieces(_folded(text)))
        shared += 2 * len(pieces & _pieces(_folded(offered.titles[source])))
        if shared and shared + _TRUST / (place + 1) > most:
            best, most = source, shared + _TRUST / (place + 1)
    return best


def _pieces(plain: str) -> set[str]:
    words = re.findall(r"[a-z]{4,}", plain)
    return {word[:_PIECE] for word in words if word not in _COMMON}


def _folded(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.lower())
    return "".join(char for char in apart if not unicodedata.combining(char))

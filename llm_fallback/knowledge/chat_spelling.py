"""Writes out what people shorten in a chat, so that words can be compared.

"Oii boa tarde, vcs atendeeem sab?" becomes "vocês atendem sábado?". Misspelt words
stay as they are: the pieces of words and the meaning get over them.
"""

from __future__ import annotations

import re
import unicodedata

_SHORT_FORMS = {
    "adv": "advogado", "aki": "aqui", "aq": "aqui", "c": "com", "cm": "com",
    "cmg": "comigo", "dr": "doutor", "dra": "doutora", "eh": "é", "end": "endereço",
    "hj": "hoje", "hr": "hora", "hrs": "horas", "kd": "cadê", "mto": "muito",
    "n": "não", "ñ": "não", "ngm": "ninguém", "oq": "o que", "oque": "o que",
    "pq": "porque", "pra": "para", "pro": "para o", "q": "que", "qdo": "quando",
    "qnd": "quando", "qnto": "quanto", "qto": "quanto", "qtos": "quantos",
    "qro": "quero", "sab": "sábado", "tb": "também", "tbm": "também", "tel": "telefone",
    "to": "estou", "tô": "estou", "ta": "está", "tá": "está", "tao": "estão",
    "tão": "estão", "vc": "você", "vcs": "vocês", "ce": "você", "cê": "você",
    "cês": "vocês", "ces": "vocês", "wpp": "whatsapp", "zap": "whatsapp",
    "whats": "whatsapp",
}  # fmt: skip
_WORD = re.compile(r"\w+")
_REPEATED = re.compile(r"(\w)\1{2,}")
_OPENING = re.compile(
    r"^(?:\W*\b(?:o+i+e*|ol[aá]+|op[aá]|al[oô]|bo?m dia|boa tarde|boa noite|tudo be?m"
    r"|td be?m|por favor|pfv|pf|gentileza|com licen[cç]a|pessoal|gente|doutora?|dra?)"
    r"\b\W*){1,6}"
)
_CLOSING = re.compile(
    r"\W*\b(?:(?:muito )?obrigad[oa]|obg|vlw|valeu|por favor|pfv|pf|por gentileza"
    r"|agrade[cç]o|aguardo(?: retorno| resposta)?|no aguardo)\W*$"
)
_LEAST_WORDS = 2
"""What is left between the courtesies says something from so many words on."""


def spelled_out(text: str) -> str:
    """Returns the text in lower case, short forms in full, courtesies left out."""
    text = _REPEATED.sub(r"\1", text.lower())
    text = _without_courtesies(text)
    return _WORD.sub(lambda found: _SHORT_FORMS.get(found[0], found[0]), text)


def stems(text: str) -> list[str]:
    """Returns the beginnings of the words, without accents; digits count as letters.

    Five letters do for Portuguese what a stemmer does (documento, documentação), and
    find misspelt endings too: of 3, 4, 5 and 6, five found most (`retrieval`).
    """
    apart = unicodedata.normalize("NFKD", text.lower())
    plain = "".join(char for char in apart if not unicodedata.combining(char))
    return [word[:_STEM_LETTERS] for word in re.findall(r"[a-z0-9]+", plain)]


def _without_courtesies(text: str) -> str:
    shorter = _OPENING.sub("", _CLOSING.sub("", text, count=1), count=1)
    return shorter if len(_WORD.findall(shorter)) >= _LEAST_WORDS else text


_STEM_LETTERS = 5

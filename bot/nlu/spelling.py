"""Spells out what people shorten in a chat: "qro", "vcs", "hj", "pfv".

The sentence encoder knows "você" and hardly "vc"; the words and their pieces
then agree too. It corrects nothing else: misspelt words stay as they are.
"""

from __future__ import annotations

import re

SHORT_FORMS = {
    "adv": "advogado", "agr": "agora", "aki": "aqui", "amanha": "amanhã",
    "amnh": "amanhã", "aq": "aqui", "ate": "até", "audiencia": "audiência",
    "blz": "beleza", "c": "com", "cel": "celular", "cm": "com", "cmg": "comigo",
    "ctg": "contigo", "d": "de", "doc": "documento", "docs": "documentos",
    "dps": "depois", "dr": "doutor", "dra": "doutora", "eh": "é", "end": "endereço",
    "escritorio": "escritório", "fds": "fim de semana", "hj": "hoje", "hr": "hora",
    "hrs": "horas", "horario": "horário", "ja": "já", "kd": "cadê", "kero": "quero",
    "msg": "mensagem", "mt": "muito", "mta": "muita", "mto": "muito", "n": "não",
    "nao": "não", "ngm": "ninguém", "nn": "não", "obg": "obrigado",
    "obgd": "obrigado", "oq": "o que", "oque": "o que", "p": "para",
    "pensao": "pensão", "pf": "por favor", "pfv": "por favor", "pls": "por favor",
    "pq": "porque", "pra": "para", "pro": "para o", "proc": "processo",
    "procuracao": "procuração", "q": "que", "qdo": "quando", "qlqr": "qualquer",
    "qnd": "quando", "qnt": "quanto", "qro": "quero", "qto": "quanto",
    "qts": "quantos", "queru": "quero", "reuniao": "reunião", "s": "sim",
    "sla": "sei lá", "so": "só", "ss": "sim", "ta": "está", "tava": "estava",
    "tb": "também", "tbm": "também", "td": "tudo", "tds": "todos",
    "tel": "telefone", "to": "estou", "tá": "está", "tô": "estou",
    "vc": "você", "vcs": "vocês", "vcês": "vocês", "vdd": "verdade",
    "vlw": "valeu", "voce": "você", "voces": "vocês", "whats": "whatsapp",
    "wpp": "whatsapp", "zap": "whatsapp", "ñ": "não",
}  # fmt: skip
"""Short form or form without accents, in lower case → the word as it is read."""

_WORD = re.compile(r"\w+")


def spelled_out(text: str) -> str:
    """Returns the text with the known short forms written in full.

    >>> spelled_out("qro falar c vcs hj")
    'quero falar com vocês hoje'
    """
    return _WORD.sub(lambda found: _full(found[0]), text)


def _full(word: str) -> str:
    return SHORT_FORMS.get(word.lower(), word)

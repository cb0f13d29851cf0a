"""Finds the request among the greetings and thanks that stand around it.

It knows only courtesies that are certain by their wording; whether a whole
sentence is nothing but a greeting is for the classifier to say.
"""

from __future__ import annotations

import re

_WORDS_AFTER_OPENING = 3
_WORDS_BEFORE_CLOSING = 5
"""More than after a greeting: of "não quero, obrigada" the thanks say something."""
_PEOPLE = (
    r"pessoal|gente|galera|turma|equipe|doutora?|dra?\b\.?|senhora?|querid[oa]|amig[oa]|"
    r"prezad[oa]s?|car[oa]|a todos|todos|todas"
)
_OPENING = re.compile(
    r"^(?:\W*\b(?:o+i+e*|ol[aá]+|op[aá]+|e a[ií]|eai|eae|al[oô]+|hey|bo?m dia+|bdia|"
    r"boa tarde+|boa noite+|btarde|bnoite|tudo be?m|td be?m|tudo bom|td bom|tudo joia|"
    r"tudo certo|blz|beleza|como vai|como est[aá]|"
    rf"(?:{_PEOPLE})(?: d[oe] escrit[oó]rio)?|"
    r"com (?:voc[eê]s?|vcs?)|com [oa] senhora?|com licen[cç]a|"
    r"(?:me )?desculpe?a? (?:o hor[aá]rio|a hora|incomodar|o inc[oô]modo)"
    r"(?: (?:a )?essa hora)?|"
    r"espero que (?:esteja|estejam|voc[eê]s?)[^.!?,]{0,40})\b\W*)+",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"[\s,.!;]*\b(?:desde j[aá] (?:muito )?(?:agrade[cç]o|obrigad[oa])"
    r"(?: a aten[cç][aã]o)?|(?:muito )?obrigad[oa]s?"
    r"(?: desde j[aá]| pela aten[cç][aã]o)?|obg|brigad[oa]|vlw|valeu|"
    r"agrade[cç]o(?: desde j[aá])?|att|atenciosamente|abs|abra[cç]os?|"
    r"(?:fico|estou) no aguardo|no aguardo|fico aguardando|"
    r"aguardo(?: (?:o )?(?:seu )?retorno| resposta)?|grat[oa])\W*$",
    re.IGNORECASE,
)
_CLOSINGS_AT_MOST = 3
_SENTENCE = re.compile(r"[^.!?\n…;]+[.!?\n…;]*")
_SAYS_SOMETHING = re.compile(r"\w")


def without_courtesies(text: str) -> str:
    """Returns the request between a greeting and thanks, if it is long enough.

    >>> without_courtesies("oii bom dia, preciso falar com a doutora, obrigada!")
    'preciso falar com a doutora'
    >>> without_courtesies("boa tarde doutora")
    'boa tarde doutora'
    """
    for _ in range(_CLOSINGS_AT_MOST):
        shorter = _CLOSING.sub("", text, count=1)
        if shorter == text or len(shorter.split()) < _WORDS_BEFORE_CLOSING:
            break
        text = shorter
    rest = _OPENING.sub("", text, count=1)
    return rest if len(rest.split()) >= _WORDS_AFTER_OPENING else text


def sentences(text: str) -> list[str]:
    """Returns the sentences with a letter or digit in them, in order.

    >>> sentences("Bom dia! 🙂 Tudo bem? Quero marcar uma consulta.")
    ['Bom dia!', '🙂 Tudo bem?', 'Quero marcar uma consulta.']
    """
    found = (part.strip() for part in _SENTENCE.findall(text))
    return [part for part in found if _SAYS_SOMETHING.search(part)]

"""The question whether a voice note was heard right, and what is answered to it.

Only whole messages of known words are a yes or a no: "sim, mas às 16h" says something
else, and is left to whoever reads it next.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from bot.core.brief_replies import any_of, levelled

ABOUT_NOTE = "audio"
"""What an option's payload names beside its intent: the message with the note."""
INTENT_YES, INTENT_NO = "afirmar", "negar"
_TITLES = {"Sim": INTENT_YES, "Não": INTENT_NO}


class Verdict(Enum):
    """What a person says of what we heard."""

    RIGHT = "certo"
    WRONG = "errado"


@dataclass(frozen=True)
class Reply:
    """An answer to the question."""

    verdict: Verdict
    instead: str = ""
    """What was meant, where a no says it along."""


def options(inbox_id: int) -> list[dict[str, str]]:
    """Returns what may be tapped under the question about a note."""
    return [
        {"title": title, "payload": f'/{intent}{{"{ABOUT_NOTE}": "{inbox_id}"}}'}
        for title, intent in _TITLES.items()
    ]


_LONGEST = 120
"""Characters; who says yes or no is brief."""
_SIGNS = (
    (re.compile("[👍✅👌🆗☑✔🙏]"), " sim "),
    (re.compile("[👎❌🚫]"), " nao "),
)
_YES = any_of(
    """s+i+m+, s+, si, y, yes, isso, e isso, e isso ai, isso ai, e sim, foi isso
    era isso, exato, exatamente, corret[oa], certo, certinho, certissimo, perfeito, ok
    okay, positivo, confirm(?:o|ado|a), confirmadissimo, pode, pode ser
    pode (?:mandar|seguir|fazer|marcar|continuar), manda ver, claro, com certeza, uhum
    aham, (?:e|esta|ta|ficou|foi) (?:bem )?(?:cert|corret|perfeit)[oa]
    (?:voce )?(?:entendeu|ouviu) (?:tudo )?(?:certo|bem|direito|direitinho|sim)
    (?:foi|e) (?:isso|o) que (?:eu )?(?:disse|falei|quero|queria|quis dizer)
    beleza, blz, fechado, ta bom, esta bom, 1"""
)
_BARE_YES = frozenset({"e", "eh"})
""""É." is a yes alone; "e aí?" is none."""
_NO = any_of(
    """n+a+o+, n+, naum, nops, errad[oa], incorret[oa], negativo, nada disso
    nada a ver, nao e isso, nao e isso nao, nao foi isso, nao era isso
    nao e nada disso, nao foi nada disso, (?:e|esta|ta|saiu) (?:tudo )?errad[oa]
    nao (?:esta|ta) (?:certo|correto)
    (?:nao )?(?:foi|e|era) (?:isso|o) que (?:eu )?(?:disse|falei|quis dizer) nao
    nao (?:foi|e|era) (?:isso|o) que (?:eu )?(?:disse|falei|quero|quis dizer)
    (?:voce |vc )?entendeu (?:tudo )?errado, (?:voce )?nao entendeu(?: direito)?, 2"""
)
_BESIDE = any_of(
    """oi, ola, bom dia, boa tarde, boa noite, por favor, pfv?, obrigad[oa], obg
    brigad[oa], valeu, mesmo, viu, ta, ne, ai, entao, senhora?, doutora?, dra?, moc[oa]
    querid[oa], amig[oa], gente, eu, ah, eh, bem, muito, opcao, a, o, desculp[ae]"""
)
_MEANT = (
    r"(?:eh?|é|foi|era|sao|são|eu (?:disse|falei|quis dizer|quero|queria)|disse|falei"
    r"|quis dizer|na verdade|o (?:certo|correto)|[oa] (?:meu|minha|dia|hora|horario)"
    r"|meus?|minhas?|meu nome)"
)
_OPENING = re.compile(
    r"\W*(?:n[aã]o (?:foi|[eé]|era) (?:nada disso|isso)"
    r"(?: que (?:eu )?(?:disse|falei))?|nada disso|(?:voc[eê] |vc )?entendeu errado"
    r"|(?:est[aá] |t[aá] )?errad[oa]|incorret[oa]|negativo|n[aã]o|n)"
    rf"(?P<gap>\W*[,.;:!–-]+\s*|\s+(?={_MEANT}\b))",
    re.IGNORECASE,
)
_LEAD_IN = re.compile(
    r"(?:(?:na verdade|(?:eu )?(?:disse|falei|quis dizer)|o (?:certo|correto) [eé]"
    r"|[eé] que)[ ,:]+)+",
    re.IGNORECASE,
)
_NUMBERS = {
    "um": 1, "uma": 1, "primeiro": 1, "primeira": 1, "dois": 2, "duas": 2,
    "segundo": 2, "tres": 3, "terceiro": 3, "terceira": 3, "quatro": 4, "quarto": 4,
    "cinco": 5, "quinto": 5, "seis": 6, "sete": 7, "oito": 8, "nove": 9, "dez": 10,
}  # fmt: skip
_WEEKDAYS = {"segunda": 2, "quarta": 4, "quinta": 5}
"""Said of an option only where "opção" stands beside: alone they are days."""
_OPTION = r"(?:opcao|alternativa|numero|opcao numero)"
_LEAD = r"(?:(?:quero|prefiro|escolho|pode ser|fico com|vou de|e) )*(?:[oa] )?"
_TAIL = r"(?: (?:por favor|mesmo|obrigad[oa]))*"
_CHOSEN = re.compile(
    rf"{_LEAD}(?:{_OPTION} )?(?P<which>[0-9]{{1,2}}|{'|'.join(_NUMBERS)})"
    rf"(?: {_OPTION})?{_TAIL}"
)
_CHOSEN_OPTION = re.compile(
    rf"{_LEAD}(?P<which>{'|'.join(_WEEKDAYS)}) {_OPTION}{_TAIL}"
    rf"|{_LEAD}{_OPTION} (?P<other>{'|'.join(_WEEKDAYS)}){_TAIL}"
)


def reply_to_question(text: str) -> Reply | None:
    """Returns what a message says of what we heard; None where it says neither.

    >>> reply_to_question("É isso mesmo, obrigada!").verdict.value
    'certo'
    >>> reply_to_question("não, é quinta às 10h").instead
    'é quinta às 10h'
    """
    said = _levelled(text)
    if said and len(said) <= _LONGEST:
        if _is_all(said, _NO):
            return Reply(Verdict.WRONG)
        if said in _BARE_YES or _is_all(said, _YES):
            return Reply(Verdict.RIGHT)
    opening = _OPENING.match(text)
    if opening is None:
        return None
    instead = _LEAD_IN.sub("", text[opening.end() :].strip(), count=1).strip()
    return Reply(Verdict.WRONG, instead)


def number_said(text: str) -> str:
    """Returns the number of the option that a spoken text means, or "".

    >>> number_said("A segunda opção.")
    '2'
    >>> number_said("Segunda.")
    ''
    """
    said = _levelled(text)
    named = _CHOSEN_OPTION.fullmatch(said)
    if named:
        return str(_WEEKDAYS[named["which"] or named["other"]])
    chosen = _CHOSEN.fullmatch(said)
    if chosen is None:
        return ""
    which = chosen["which"]
    return which if which.isdecimal() else str(_NUMBERS[which])


def _is_all(said: str, core: str) -> bool:
    """Says whether a text has the core, and nothing but known words beside it."""
    words = f"{said} "
    found = re.search(rf"\b{core}", words)
    if not found:
        return False
    rest = re.sub(rf"\b{core}", " ", words)
    return not re.sub(rf"\b{_BESIDE}", " ", rest).strip()


def _levelled(text: str) -> str:
    return " ".join(levelled(text, _SIGNS).replace("?", " ").split())

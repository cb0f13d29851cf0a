"""What people answer to a reminder, where the words leave no doubt.

Only whole messages count, made of known words alone: "sim, mas chego às 16h" holds a
yes and says something else. What is not read here is left to the intents.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import Enum

from bot.core.brief_replies import any_of, levelled
from bot.core.entities.dates import read_moments


class Reply(str, Enum):
    """What a person wants done about the appointment that they were reminded of."""

    CONFIRM = "confirma"
    MOVE = "remarca"
    CANCEL = "cancela"
    DECLINE = "nao"
    """No, and not yet whether another hour is wanted."""


INTENT_OF = {
    Reply.CONFIRM: "afirmar",
    Reply.MOVE: "remarcar_consulta",
    Reply.CANCEL: "cancelar_consulta",
    Reply.DECLINE: "negar",
}


def _any(phrases: str) -> str:
    return rf"\b{any_of(phrases)}"


_LONGEST = 160
"""Characters; who answers a reminder is brief."""
_SIGNS = (
    (re.compile("[👍✅👌🙏🆗☑✔💪🤝]"), " ok "),
    (re.compile("[👎❌🚫]"), " nao "),
)
_COURTESY = _any(
    """oi+, oie, ola, opa, ei, bom dia, boa tarde, boa noite, bd, tudo bem
    td bem, obrigad[oa], obg, obgd?[oa]?, brigad[oa], muito, mto, agradeco
    agradecid[oa], grat[oa], valeu, vlw, por favor, por gentileza, pfv?r?, favor
    doutora?, dra?, querid[oa], mo[cç][oa], gente, pessoal, amig[oa], senhora?, viu
    ta, ne, entao, ja, ai, ate la, ate amanha, ate mais, ate logo, ate ja, ate breve
    ate, abracos?, bjs?, pel[oa] (?:lembrete|aviso|atencao|retorno|contato), lembrete
    de voces?, se deus quiser, gracas a deus, deus quiser, amem, desculp[ae]\\w*
    infelizmente, aqui e [ao] \\w+, rs+, k+, haha\\w*"""
)
_WHEN = _any(
    r"""(?:de |pra |para )?(?:amanha|hoje), ma[nh]+a, (?:dia )?\d\d? \d\d?
    (?:(?:na|nesta|nessa|de) )?(?:segunda|terca|quarta|quinta|sexta|sabado)(?: feira)?
    (?:as |a )?\d\d?(?: ?(?:h|hs|hrs?|horas))?(?: ?\d\d)?(?: ?min)?, dia \d\d?
    no horario, nesse horario, neste horario, na hora(?: marcada)?, no dia, nesse dia
    na data, no horario (?:marcado|combinado), horario marcado, pontualmente
    sem falta, com certeza, certeza, a tarde, de manha, de tarde"""
)
_NEAR = _any("(?:de )?(?:amanha|hoje)")
_YES = _any(
    """s+i+m+, s+, si, si+n+, isso, isso mesmo, isso ai, exato, exatamente, certo
    certinho, o+k+, okay, okey, okk+, oks, ok+a+y+, blz, bele+za+, fechad[oa], fechou
    perfeito, claro, com certeza, uhu+m+, aha+m+, a+ha+n, ta bom, ta certo, ta ok
    ta otimo, ta combinado, esta bom, esta certo, ta tudo certo, tudo certo, td certo
    tudo ok, td ok, tudo bem, positivo, pode ser, show, show de bola, joia, tranquilo
    de acordo, combinad[oa], combinadissimo, otimo, otima, maravilha, legal, dale
    bora, y, yes, ciente, estou ciente, to ciente, recebid[oa], anotad[oa]
    marcad[oa], ta marcad[oa]"""
)
_SURE_YES = _any(
    r"""co[nm]? ?fi?r?m\w*, conf, pode confirma\w*, confirmo(?: que)?
    presenca confirmada, (?:eu )?vou(?: que vou)?, (?:eu )?irei, comparecerei
    comparesso, compareco, vou comparecer, vou estar, vou ir, vou la, vo sim
    (?:a gente|nos) vamos, (?:eu )?es?tarei(?: la| ai| presente)?, esterei, tarei
    vou ta(?:r)?, estaremos, iremos, vamos, participarei, vou participar, participo
    entro, entrarei
    (?:to|tou|estou|tamo|estamos) (?:indo|ai|la|confirmad[oa]|dentro|a caminho)
    (?:pode|podem) (?:contar|me esperar|esperar)(?: comigo)?, conte comigo
    conta comigo, chego(?: la| ai)?, chegarei, nos vemos, a gente se ve, te vejo
    vejo voces, marco presenca, vai dar certo, vou poder(?: ir| comparecer| sim)?
    consigo(?: ir| comparecer)?, posso ir, (?:eu )?posso(?: sim), mantid[oa]
    mantenho, (?:pode )?manter, ta de pe"""
)
_ABOUT_YES = _any(
    """a, o, as, os, e, eu, que, de, na, no, minha, meu, nossa, presenca
    consulta, reuniao, horario, hora, compromisso, atendimento, la, ai, presente
    estar, ir
    comparecer, participar, online, por video, pelo link, tambem, tbm, tb, mesmo, sim
    mais cedo nao"""
)
_MOVE = _any(
    r"""re ?marca\w*, remarka\w*, re ?agenda\w*, adia\w*
    (?:muda|troca|altera|transferi|passa)r? (?:[ao] |de |meu )?(?:dia|data|hora\w*)
    (?:pode ser )?(?:pra |para |em )?outr[oa] (?:dia|data|horario|hora)"""
)
_UNABLE = _any(
    r"""(?:nao|n|naum) (?:vou|vo) (?:mais )?(?:poder|conseguir)
    (?:nao|n|naum) (?:posso|consigo|poderei|conseguirei|da|vai dar|rola)
    (?:tive|tenho|surgiu|apareceu|houve) (?:um |uns )?(?:imprevistos?|problemas?)
    impossivel"""
)
_ABOUT_MOVE = _any(
    """sim, quero, queria, gostaria, preciso, precisava, prefiro, pode, podem
    poderia, podemos, posso, vou, vamos, tem como, da, daria, seria possivel
    e possivel, ter que, tenho que, precisar, vou ter, a, o, as, os, eu, de, que, pra
    para, um, uma, minha, meu, essa, esse, esta, este, consulta, reuniao, horario
    hora, atendimento, ir, estar, comparecer, estar, participar, la, ai, mais, mesmo
    nao vou, nao, favor, fazer, marcar, entrar"""
)
_CANCEL = _any(r"cancel\w*, desmarc\w*, desist\w*")
_ABOUT_CANCEL = _any(
    """sim, quero, queria, gostaria, preciso, pode, podem, poderia, posso, vou
    vamos, tem como, da, daria, favor, a, o, as, os, eu, de, da, que, minha, meu
    essa, esse, esta, este, consulta, reuniao, horario, hora, atendimento
    compromisso, ter que, tenho que, ter, precisar, fazer, tudo, mesmo, para mim
    pra mim"""
)
_NO = _any("n+a+o+, n+, naum, nao+, nops?, nope, negativo, nem, nunca")
_ABOUT_NO = _any(
    """vou, vo, irei, estarei, comparecerei, comparecer, ir, confirmo, confirmado
    confirma, quero, mais, la, ai, eu, poder, vou mais, participar, participarei
    mesmo, da, dessa vez, que, pena, acho, hoje nao"""
)
_READ = (
    (Reply.CANCEL, _CANCEL, (_NEAR, _ABOUT_CANCEL)),
    (Reply.MOVE, rf"{_MOVE}|{_UNABLE}", (_NEAR, _ABOUT_MOVE)),
    (Reply.DECLINE, _NO, (_WHEN, _ABOUT_NO)),
    (Reply.CONFIRM, rf"{_SURE_YES}|{_YES}", (_WHEN, _ABOUT_YES)),
)
_DAY_MEANT = re.compile(r"\b(?:pra|para|p) (?:amanha|hoje|as)\b")


def reply_to_reminder(text: str) -> Reply | None:
    """Returns what a whole message says to a reminder, or None where that is unsure.

    >>> reply_to_reminder("Confirmo sim, obrigada! 🙏").value
    'confirma'
    """
    said = _levelled(text)
    if not said or len(said) > _LONGEST:
        return None
    is_question = "?" in said
    said = said.replace("?", " ")
    for reply, core, beside in _READ:
        may_ask = reply in {Reply.MOVE, Reply.CANCEL}
        if (may_ask or not is_question) and _is_all(said, core, beside):
            return None if may_ask and _DAY_MEANT.search(said) else reply
    return None


def names_another_time(text: str, starts_at: datetime, now: datetime) -> bool:
    """Says whether a message names a day or an hour that is not the appointment's.

    Args:
        text: a whole message.
        starts_at: of the appointment; aware, in the office's zone.
        now: when the message came; aware, in the office's zone.
    """
    return any(
        (each.day or starts_at.date()) != starts_at.date()
        or (each.time or starts_at.time()) != starts_at.time()
        for each in read_moments(text, now=now)
    )


def is_explicit(text: str) -> bool:
    """Says whether an answer means the appointment also after other talk.

    "confirmo" does, "sim" does not.
    """
    said = _levelled(text)
    return bool(re.search(f"{_SURE_YES}|{_MOVE}|{_CANCEL}", said))


def _is_all(said: str, core: str, beside: tuple[str, ...]) -> bool:
    """Says whether a message has the core, and nothing but known words around it."""
    if not re.search(core, said):
        return False
    rest = re.sub(core, " ", said)
    for known in (_COURTESY, *beside):
        rest = re.sub(known, " ", rest)
    return not rest.strip()


def _levelled(text: str) -> str:
    return levelled(text, _SIGNS)

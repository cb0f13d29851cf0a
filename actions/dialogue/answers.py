"""Reads short answers to a question: yes, no, which one, a name, a place.

All of it compares text without accents and capitals.
"""

from __future__ import annotations

import re

from bot.core.entities.found import fold
from bot.core.texts import name_words


def _words(phrases: str) -> str:
    """Returns an expression for any of some phrases, one a line or between commas."""
    parts = (part.strip() for part in re.split(r"[,\n]", phrases))
    return "|".join(part for part in sorted(parts, key=len, reverse=True) if part)


_FILLER = r"(?:(?:ah|entao|bom|opa|ta|hum+|e|olha|nao,)[, ]+)*"
_YES = re.compile(
    _FILLER
    + r"(?:"
    + _words(
        """s+i+m+, s+, isso, isso mesmo, isso ai, exato, exatamente, certo, certinho
        corret[oa], confirm\\w+, ok, okay, okey
        blz, beleza, fechad[oa], fechou, perfeito, claro, com certeza
        uhum, aham, ta bom, ta certo, ta ok, ta otimo, esta bom, esta certo, tudo certo
        ta tudo certo, esta tudo certo, tudo ok, positivo, manda ver, marca, marque
        bora, combinado, otimo, vamos, aceito, por favor, passa
        y, yes, certeza, tenho certeza, e isso, e isso mesmo, de acordo, concordo"""
    )
    + r"|pode(?! (?!sim|ser|ta|ok|isso|por favor|pfv?|marc|confirm|agend|seguir|mandar"
    r"|fechar|enviar|passar|registrar|anotar|colocar|por|botar|reserv|salvar)\w)"
    + r"|quero(?! (?!sim|isso|ess[ea]|marcar|confirmar|agendar|por favor)\w)"
    + r")\b"
)
_RESERVE = re.compile(r"\b(?:mas|so que|nao|porem|outr[oa]s?|errad[oa])\b")
_ASKS_CHANGE = re.compile(r"\b(?:mud|troc|alter|corrig|arrum)\w+")
_YES_SIGNS = ("👍", "✅", "👌", "🙏")
_NO = re.compile(
    _FILLER
    + r"(?:"
    + _words(
        """n+a+o+, n+, negativo, nem, errado, esta errado, ta errado, jamais, nunca
        deixa assim, deixa como esta, melhor nao, acho que nao, de jeito nenhum
        prefiro nao, mant[ei]\\w*, desisto, espera, calma, perai, pera, nops, naum"""
    )
    + r")\b"
)
_NO_SIGNS = ("👎", "❌")
_WHATEVER = re.compile(
    r"\b(?:"
    + _words(
        """tanto fa[zs], qualquer, (?:voces?|vcs?) (?:escolhe|decide)\\w*
        sem preferencia, o que (?:tiver|der|for melhor), o mais cedo, o mais proximo
        indiferente, pode escolher, quando (?:der|tiver|puder\\w*|houver)"""
    )
    + r")\b"
)
_UNKNOWN = re.compile(
    r"\b(?:nao|n|num)(?: (?:o|me))? (?:tenho|sei|lembro|achei|recebi"
    r"|faco (?:a minima )?ideia|conheco|tem|ta comigo|esta comigo)\b"
    r"|\b(?:tenho|sei|lembro) nao\b"
    r"|\bsem numero\b|^nao$|\besqueci|\bperdi\b|\bnem sei\b|\bsei la\b"
    r"|^n(?:ada|enhum\w*)$|\bprefiro nao (?:dizer|falar)\b"
)
_ORDINALS = {
    "primeir": 0, "primer": 0, "segund": 1, "terceir": 2, "tercer": 2, "quart": 3,
    "quint": 4, "ultim": -1,
    "um": 0, "uma": 0, "dois": 1, "duas": 1, "tres": 2, "quatro": 3, "cinco": 4,
}  # fmt: skip
_CHOICE = re.compile(
    r"(?:(?:pode ser|quero|prefiro|escolho|vou de|fico com|marca|e|eh|acho que) )*"
    r"(?:(?:a|o|na|no|as|os) )?"
    r"(?:(?:opcao|numero|alternativa|horario|n[ºo°]?) )?"
    r"(?P<which>\d\d?|um|uma|dois|duas|tres|quatro|cinco"
    r"|(?:primei?r|segund|tercei?r|quart|quint|ultim)[oa])[ºª°)\]]?"
    r"(?: (?:opcao|horario|mesmo|por favor|pfv?|ai|ta|serve|esta otimo|pode ser"
    r"|consulta|data|dia|da lista|d(?:as|os)? (?:tres|opcoes|horarios)|obrigad[oa]))*"
)
_ASKS = re.compile(
    r"(?:e |mas |oi,? |ah,? )?(?:qual|quais|quem|quanto|quantos|quantas|como|onde"
    r"|por ?que|pq|o que|oq|sera que"
    r"|(?:voces?|vcs?) (?:sabe|conhece|pode|acha|tem|atende|abre|fica)\w*)\b"
)
_ONLINE = re.compile(
    r"on.?line|video|remot|\bzoom\b|\bmeet\b|distancia|virtual|chamada"
)
_IN_PERSON = re.compile(
    r"pr[ea][scz][ae]n[cs]ial|pessoal|escritorio|\bai\b|cara a cara|\bfisic|ao vivo"
    r"|olho no olho"
)
_PLACE = (
    r"(?:on.?line|video\w*|remot\w+|chamada|presencial|pessoalmente|escritorio|ai)\b"
)
_REFUSED_PLACE = re.compile(
    r"\b(?:nao|nem|sem|nada de)\b(?: (?!presencial|mas)\w+){0,3}? "
    rf"(?:(?:ao?|por|n?o) )?{_PLACE}"
    rf"|\b{_PLACE} (?:eu )?nao\b(?! (?:\w+ )?{_PLACE})"  # "online não"
)
_WORD = r"[^\W\d_](?:[^\W\d_]|['’.-])*"
_NAME = re.compile(f"{_WORD}(?: {_WORD})*")
_GREETING = r"(?:(?:oi+e?|ola|opa|bom dia|boa tarde|boa noite)[,.! ]+)*"
_LEAD_IN = re.compile(
    rf"{_GREETING}(?:(?:(?:o )?(?:meu )?nome(?: completo)?(?:[:,]| eh?)"
    r"|(?:eu )?me chamo|chamo-me|(?:eu )?sou|aqui (?:eh?|quem fala e)|quem fala e"
    r"|(?:pode (?:por|colocar|botar) )?(?:em|no) nome d[eao]|eh?) )?(?:[oa] )?"
)
_TAIL = re.compile(
    r"[ ,]+(?:viu|ta|ok|ne|por favor|pfv?|mesmo|aqui|minha filha|meu filho|moca|moco"
    r"|doutora?|querida?|obrigad[oa])[ .!]*$"
)
_NO_NAME = re.compile(
    r"\b(?:"
    + _words(
        """nao, nunca, sim, quero, queria, gostaria, preciso, prefiro, pode, posso
        tenho, sei, digo, marcar, agendar, consulta, horario, processo, advogad[oa]
        porque, pra, para, qual, quanto, quando, onde, como, voce, voces, vcs?, oi
        ola, obrigad[oa]
        bom dia, boa tarde, boa noite, menu, ajuda, nome, isso, certo, claro, beleza, ok
        valeu, primeir[oa], ultim[oa], opcao, confirmo, trabalhista, presencial
        online, amanha, hoje, segunda, terca, quarta
        quinta, sexta, sabado, domingo, desculp\\w*, espera, calma, perai, qualquer
        contar, falar, saber, meu, minha, pelo, pela, era, foi, fui, estou, to, esta
        ser, vou, vai, gente, alguem, ninguem, nada, tudo, caso, divorcio, pensao, inss
        robo
        pessoa, atendente, humano, aqui, agora, depois, cancela\\w*, deixa, esquece"""
    )
    + r")\b"
)
_SMALL = frozenset({"da", "das", "de", "do", "dos", "e"})
_LONGEST_NAME_WORDS = 8
_INTRODUCES = re.compile(
    r"\b(?:me chamo|chamo-me|meu nome|nome(?: completo)?(?: eh?|:)|aqui eh? [oa]?"
    r"|(?:^|[,.!] ?)(?:eu )?sou [oa] )"
)


def is_yes(text: str, *, doing: str = "") -> bool:
    """Says whether an answer agrees without a reserve.

    Args:
        text: the answer.
        doing: beginnings of the verb that the question names, as `cancel`:
            "cancela" agrees to a cancellation and to nothing else.
    """
    if has_reserve(text, doing=doing):
        return False
    bare = _bare(text)
    repeats = doing and re.match(rf"{_FILLER}(?:pode )?(?:{doing})\w*\b", bare)
    agrees = _YES.match(bare) is not None or text.strip().startswith(_YES_SIGNS)
    return agrees or bool(repeats)


def has_reserve(text: str, *, doing: str = "") -> bool:
    """Says whether an answer wants something else too ("sim, mas outro dia")."""
    bare = _bare(text)
    asked = _ASKS_CHANGE.search(bare)
    is_change = asked and not (doing and re.match(doing, asked[0]))
    return bool(is_change) or _RESERVE.search(bare) is not None


def is_no(text: str) -> bool:
    """Says whether an answer declines."""
    return _NO.match(_bare(text)) is not None or text.strip().startswith(_NO_SIGNS)


def is_whatever(text: str) -> bool:
    """Says whether the person leaves the choice to us ("tanto faz")."""
    return _WHATEVER.search(_bare(text)) is not None


def is_unknown(text: str) -> bool:
    """Says whether the person does not have or know what was asked."""
    return _UNKNOWN.search(_bare(text)) is not None


def is_question(text: str) -> bool:
    """Says whether a text asks something instead of answering.

    >>> is_question("qual a receita de bolo?")
    True
    """
    return text.strip().endswith("?") or _ASKS.match(_bare(text)) is not None


def read_choice(text: str, *, among: int) -> int | None:
    """Returns the index of the option meant by "a segunda", "2", "opção 3".

    >>> read_choice("pode ser o segundo", among=3)
    1
    """
    found = _CHOICE.fullmatch(_bare(text.replace(",", " ")))
    if found is None:
        return None
    which = found["which"]
    if which.isdigit():
        index = int(which) - 1
    else:
        index = _ORDINALS[which if which in _ORDINALS else which[:-1]]
        index = among - 1 if index < 0 else index
    return index if 0 <= index < among else None


def read_modality(text: str) -> str | None:
    """Returns `online` or `presencial`, or None.

    >>> read_modality("não quero online, prefiro presencial")
    'presencial'
    """
    said = _bare(text)
    wanted = _REFUSED_PLACE.sub(" ", said)
    if _ONLINE.search(wanted):
        return "online"
    if _IN_PERSON.search(wanted) or is_whatever(wanted):
        return "presencial"
    if wanted != said:  # what was refused leaves the other
        return "presencial" if _ONLINE.search(said) else "online"
    return None


def read_name(text: str) -> str | None:
    """Returns a person's name where the whole text is one, or None.

    >>> read_name("meu nome é maria das dores")
    'Maria das Dores'
    """
    said = " ".join(text.split()).strip(" .,!;:")
    lead = _LEAD_IN.match(fold(said))
    bare = said[lead.end() if lead else 0 :]
    tail = _TAIL.search(fold(bare))
    bare = bare[: tail.start() if tail else len(bare)].strip(" .,!;:")
    is_short = len(bare) < 2 or len(bare.split()) > _LONGEST_NAME_WORDS  # noqa: PLR2004
    if is_short or not _NAME.fullmatch(bare) or _NO_NAME.search(fold(bare)):
        return None
    return written_name(bare)


def written_name(name: str) -> str:
    """Returns a name with its capitals: `ana-maria d'ávila` → `Ana-Maria D'Ávila`."""
    return " ".join(
        word.lower()
        if word.lower() in _SMALL
        else re.sub(r"[^\W\d_]+", lambda part: part[0].capitalize(), word)
        for word in name.split()
    )


def introduces(text: str) -> bool:
    """Says whether a text says who writes ("me chamo …", "meu nome é …")."""
    return _INTRODUCES.search(_bare(text)) is not None


def same_name(one: str, other: str) -> bool:
    """Says whether two names are written alike but for accents and case."""
    return bool(one) and name_words(one) == name_words(other)


def _bare(text: str) -> str:
    return fold(" ".join(text.split())).strip(" .,!;:")

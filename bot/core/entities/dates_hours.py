"""Rules for hours and parts of the day: "às 3 da tarde", "depois do almoço"."""

from __future__ import annotations

import re
from datetime import time

from bot.core.entities.dates_grammar import (
    MONTH,
    NO_COUNT,
    PART_WORD,
    Clock,
    Impossible,
    Part,
    Piece,
    Rule,
    Scene,
    Shape,
    before,
    number,
    rule,
)

_PARTS = {
    "manha": (7, 12), "tarde": (12, 18), "noite": (18, 23), "madrugada": (0, 6),
    "depois almoco": (13, 18), "antes almoco": (7, 12), "hora almoco": (12, 14),
    "fim tarde": (16, 18), "fim manha": (10, 12), "fim noite": (21, 23),
    "comeco manha": (7, 9), "comeco tarde": (12, 15), "comeco noite": (18, 20),
    "meio manha": (9, 11), "meio tarde": (14, 16),
}  # fmt: skip
"""Hours from and to. An office's morning begins at 7."""
_DURATIONS = frozenset({24, 36, 44, 48, 72, 96})

_HOUR_WORD = (
    r"(?:vinte\s+e\s+(?:uma|duas|tres)|vinte|dezenove|dezoito|dezessete|dezesseis|quinze"
    r"|[qc]u?atorze|treze|doze|onze|dez|nove|oito|sete|seis|cinco|quatro|tres|duas|uma)"
    r"(?!\w)"
)
_MINUTE_WORD = (
    r"(?:meia|(?:vinte|trinta|quarenta|cinquenta)(?:\s+e\s+cinco)?|quinze|dez|cinco)"
    r"(?!\w)"
)
_MARK = r"(?:horas?|hrs?|hs?|hr)"
_MINUTES = r"[0-9]{2}(?:\s*(?:min(?:utos)?|m|h|hs))?(?!\w)"
_TAIL = rf"(?:,?\s+(?:(?:da|de|d|na|a|pela)\s+)?{PART_WORD}|\s*[ap]m(?!\w))"
_CLOCK = (
    rf"[0-9]{{1,2}}(?:\s?[:;]\s?[0-9]{{2}}(?:\s*(?:hs?|hrs?|horas|min))?(?!\w|:[0-9])"
    rf"|\.[0-9]{{2}}\s*(?:hs?|hrs?|horas)(?!\w)"
    rf"|\s*(?:{_MARK})(?:\s*(?:e\s*)?{_MINUTES}|\s+e\s+{_MINUTE_WORD}|(?!\w)))"
)
_LOOSE = (
    rf"(?:[0-9]{{1,2}}(?![0-9])|{_HOUR_WORD})(?:\s+{_MARK}(?!\w))?"
    rf"(?:\s+e\s+(?:{_MINUTE_WORD}|[0-5][0-9](?:\s*min(?:utos)?)?(?!\w|\s*[h:])))?"
    rf"{NO_COUNT}(?!\s+de\s+{MONTH})"
)
_NOON = (
    r"(?:meio[\s-]?dia|meia[\s-]?noite)(?:\s+e\s+(?:meia|meio|quinze|[0-9]{1,2}))?"
    r"(?!\w|\s+de\s+(?:trab|serv|folg|sala))"
)
_TO = (
    r"(?<!das )(?:5|10|15|20|25|cinco|dez|quinze|vinte(?:\s+e\s+cinco)?)"
    r"(?:\s+(?:min(?:utos)?))?\s+"
    r"(?:pras|(?:pra|para|p/?)\s+as|pra(?=\s+uma\b))\s+"
    rf"(?:[0-9]{{1,2}}h?(?!\w)|{_HOUR_WORD}){NO_COUNT}"
)
_HOUR = rf"(?:{_NOON}|{_CLOCK}|{_LOOSE})(?:\s+em\s+ponto)?{_TAIL}?"
_SURE = rf"(?:{_NOON}|{_TO}|{_CLOCK}|{_HOUR_WORD}\s+horas){_TAIL}?"
_ONE = r"(?:uma|1)\s*(?:$|[.,;!?]|h|e\s+meia|d[ae]\s+(?:tarde|manha)|em\s+ponto|ou\b)"
_AROUND = (
    r"(?:la\s+)?(?:pelas|pras)|(?:por\s+volta|perto|em\s+torno)\s+(?:d?[ae]s?)|(?:as\s+)?"
    r"umas|aas|as(?=[\s0-9])|p/?\s*as|(?:pra|para)\s+as|das"
    rf"|(?:a|da|pela)(?=\s+{_ONE})"
)
_LEAD = rf"(?:{_AROUND})\s*(?:umas\s+)?"

_READ = re.compile(
    rf"(?:(?P<noon>mei[oa])[\s-]?(?:dia|noite)|(?P<hour>[0-9]{{1,2}}|{_HOUR_WORD}))"
    rf"\s*(?:[:;.]\s?|{_MARK}(?![a-ln-z]))?\s*(?:e\s*)?"
    rf"(?P<minute>[0-9]{{1,2}}|{_MINUTE_WORD}|meio(?!\w))?"
)
_READ_TO = re.compile(
    r"(?P<less>\w+(?:\s+e\s+cinco)?)(?:\s+min\w*)?"
    r"\s+(?:pras|(?:pra|para|p/?)(?:\s+as)?)\s+"
)
_NOON_OR_MIDNIGHT = {"meio": 12, "meia": 0}
_DAY_MIN = 24 * 60
_PART_IN = re.compile(r"(manha|tard|noit|madrugada|pm|am)\w*$")
_PART_NAMES = {"tard": "tarde", "noit": "noite", "am": "manha"}
_BEFORE_A_SPAN = re.compile(
    r"\b(?:(?<!do )(?<!no )trabalh\w*|durante|esper\w*|demor\w*|tenho|tinha|lev[ao]u?"
    r"|mais\s+de|menos\s+de|quase|jornada\s+de|carga(?:\s+horaria)?\s+de|cada|fiz|faco|fazia|por"
    r"|turno\s+de|plantao\s+de|prazo\s+de|cerca\s+de|fazendo|umas\s+boas|duracao\s+de"
    r"|em|uma|der?am|deu|(?:menor|maior)\s+que|dur[ao]\w*)\s+$"
)
_AFTER_A_SPAN = re.compile(
    r"\s*(?:/?\s*(?:por|ao)\s+(?:dia|semana|mes)|/\s*(?:dia|semana)|diari|semana|extra"
    r"|seguid|atras|mensa|trabalhad|consecutiv|a\s+(?:mais|menos)\b|sem\b|depois\b"
    r"|antes\b|uteis|ininterrup"
    r"|de\s+(?:trabalh|servic|consulta|atraso|espera|viagem|aula|curso|duracao|anteced"
    r"|jornada|voo|prazo|almoco|intervalo|plant|descanso|estagio|carro|conversa"
    r"|atendimento|gravac|video|audio|folga|sono|relogio))"
)


def _clock(text: str) -> Clock:
    """Returns the hour that words say.

    Raises:
        Impossible: no clock shows it.
    """
    found = _PART_IN.search(text)
    part = _PART_NAMES.get(found[1], found[1]) if found else ""
    to = _READ_TO.match(text)
    read = _READ.match(text, to.end() if to else 0)
    if read is None:
        raise Impossible
    hour, minute = _NOON_OR_MIDNIGHT.get(read["noon"]), number(read["minute"] or "zero")
    if hour is None:
        hour = number(read["hour"])
    else:
        part = "exact"
    try:
        shown = time(hour, minute)
    except ValueError as error:
        raise Impossible from error
    if to is None:
        return Clock(shown.hour, shown.minute, part)
    # "quinze pra uma": the one of the afternoon, so a quarter to one at noon
    shown = Clock(shown.hour, 0, part).resolved()
    hour, minute = divmod((shown.hour * 60 - number(to["less"])) % _DAY_MIN, 60)
    return Clock(hour, minute, "exact")


def _is_duration(match: re.Match[str], scene: Scene) -> bool:
    """Says whether "8h" or "três horas" is how long something takes."""
    return bool(
        before(scene, match.start(), _BEFORE_A_SPAN)
        or _AFTER_A_SPAN.match(scene.folded, match.end())
    )


def _at(match: re.Match[str], scene: Scene) -> Piece | None:
    """Às 15, as 3 da tarde, lá pelas 4, às duas e meia."""
    text = match["hour"]
    clock = _clock(text)
    is_both = text in {"duas", "tres"} and scene.original[match.start()] in "aA"
    return Piece(match.start("hour"), match.end(), clocks=(clock,), is_weak=is_both)


def _alone(match: re.Match[str], scene: Scene) -> Piece | None:
    """15h, 15:30, dez horas, três da tarde, meio-dia."""
    if _is_duration(match, scene):
        return None
    hour = re.match(r"[0-9]+", match[0])
    if hour and int(hour[0]) in _DURATIONS and ":" not in match[0]:
        return None
    # one hour is rather how long it takes
    is_weak = re.fullmatch(r"(?:1|uma)\s*(?:h|hr|hora)", match[0]) is not None
    clock = _clock(match[0])
    return Piece(match.start(), match.end(), clocks=(clock,), is_weak=is_weak)


def _weak(match: re.Match[str], scene: Scene) -> Piece | None:
    """14 e 30, which is an hour only beside a day."""
    try:
        clock = _clock(match[0])
    except Impossible:
        return None
    return Piece(match.start(), match.end(), clocks=(clock,), is_weak=True)


_OPENINGS: dict[str, Shape] = {"ate": "until", "antes": "until"}


def _open(match: re.Match[str], scene: Scene) -> Piece | None:
    """Depois das 15h, até as 11, a partir de meio-dia."""
    if _AFTER_A_SPAN.match(scene.folded, match.end()):
        return None
    hour = match["hour"] or match["sure"]
    shape = _OPENINGS.get(match["open"], "from")
    return Piece(match.start("open"), match.end(), clocks=(_clock(hour),), shape=shape)


def _between(match: re.Match[str], scene: Scene) -> Piece | None:
    """Entre 14 e 16h, das 9 às 12, 8h-18h."""
    clocks = (_clock(match["first"]), _clock(match["second"]))
    return Piece(match.start("span"), match.end(), clocks=clocks, shape="between")


def _part(match: re.Match[str], scene: Scene) -> Piece | None:
    """De manhã, à tarde, fim do dia, depois do almoço."""
    text, named = match["part"], match.groupdict()
    name = _part_name(text)
    key = f"{_EDGES[named['edge'][:2]]} {name}" if named.get("edge") else name
    if named.get("meal"):
        key = f"{_MEALS.get(named['meal'][:2], 'depois')} almoco"
    first, last = _PARTS.get(key, _PARTS[name])
    days = (scene.today,) if re.match("n?es[st]", text) else ()
    return Piece(
        match.start("part"),
        match.end(),
        days,
        parts=(Part(name, time(first), time(last)),),
        is_weak=named.get("weak") is not None,
    )


def _part_name(text: str) -> str:
    if re.search("manha|cedo|cedinho|antes", text):
        return "manha"
    if re.search("noit", text):
        return "noite"
    return "madrugada" if "madrug" in text else "tarde"


_EDGES = {"fi": "fim", "co": "comeco", "in": "comeco", "me": "meio"}
_MEALS = {"an": "antes", "ho": "hora"}
_EDGE = r"(?P<edge>fim|final|finalzinho|finzinho|comeco|comecinho|inicio|meio)"
_STRONG_PART = (
    rf"(?P<part>{_EDGE}\s+d[aeo]\s+(?:{PART_WORD}|dia|expediente)"
    r"|(?P<meal>depois|dps|apos|dpois|antes|hora)\s+(?:d[eo]|d|o)?\s*(?:meu\s+)?almoco"
    r"|cedinho|tardinha|noitinha"
    rf"|n?ess[ae]\s+{PART_WORD}|n?esta\s+{PART_WORD})"
)
_PART_LEAD = (
    r"(?:(?:(?:n[ao]|pel[ao])\s+)?(?:parte|periodo|turno|horario)\s+d[aeo]|d[ea]|d|na|a"
    r"|pela|p/|pra)\s+"
)
_NO_GREETING = r"(?<!boa )(?<!bo )(?<!otima )(?<!linda )(?<!bom )"
_NOT_ALL_OF_IT = r"(?!\s+(?:tod[ao]|inteir[ao]|demais|de\s+sono|do\s+dia))"

_UP_TO = r"(?:aos?|as|ate(?:\s+(?:as?|o))?|a|-|–)"

HOUR_RULES: tuple[Rule, ...] = (
    rule(rf"(?P<span>entre\s+(?:as\s+|a\s+)?(?P<first>{_HOUR})\s+e\s+(?:as\s+|a\s+)?"
         rf"(?P<second>{_HOUR}))", _between),
    rule(rf"das?\s+(?P<span>(?P<first>{_HOUR})\s*{_UP_TO}\s*"
         rf"(?P<second>{_HOUR}))", _between),
    rule(rf"(?:de\s+)?(?P<span>(?P<first>{_CLOCK}{_TAIL}?)\s*{_UP_TO}"
         rf"\s*(?P<second>{_HOUR}))", _between),
    rule(rf"(?:de\s+)?(?P<span>(?P<first>{_LOOSE}{_TAIL}?)\s*(?:as|ate(?:\s+as)?|a|-|–)\s*"
         rf"(?P<second>{_CLOCK}{_TAIL}?))", _between),
    rule(rf"de\s+(?P<span>(?P<first>{_LOOSE}{_TAIL}?)\s+(?:as|ate\s+as)\s+"
         rf"(?P<second>{_HOUR}))", _between),
    rule(r"(?P<open>depois|dps|dpois|apos|a\s+partir|antes|ate)\s+"
         rf"(?:(?:d[aeo]s?\s+|[ao]s?\s+|umas\s+|la\s+)*(?P<sure>{_SURE})"
         rf"|(?:d?as|(?:de\s+)?umas|(?:la\s+)?pelas|d?a(?=\s+{_ONE}))\s+(?:umas\s+)?"
         rf"(?P<hour>{_HOUR}))", _open),
    rule(rf"(?:as\s+)?(?P<hour>{_TO}{_TAIL}?)", _at),
    rule(rf"{_LEAD}(?P<hour>{_HOUR})", _at),
    rule(rf"{_SURE}|{_LOOSE}{_TAIL}"
         rf"|(?:[0-9]{{1,2}}|{_HOUR_WORD})\s+e\s+(?:meia|quinze)(?!\w)", _alone),
    rule(rf"(?:[0-9]{{1,2}}\s+e\s+[0-5][0-9]|{_HOUR_WORD}\s+e\s+{_MINUTE_WORD}){NO_COUNT}",
         _weak),
)  # fmt: skip
PART_RULES: tuple[Rule, ...] = (
    rule(_STRONG_PART, _part),
    rule(rf"{_PART_LEAD}(?P<part>{PART_WORD}(?:\s+cedo)?){_NOT_ALL_OF_IT}", _part),
    rule(rf"{_NO_GREETING}(?P<part>(?P<weak>{PART_WORD}(?:\s+cedo)?)){_NOT_ALL_OF_IT}",
         _part),
    rule(r"(?:bem\s+)?(?<!mais )(?<!tao )(?<!muito )(?<!ainda )(?<!ta )"
         r"(?P<part>cedo(?:\s+da\s+manha)?)(?!\s+(?:ou\s+tarde|demais|ainda|pra|para))",
         _part),
)  # fmt: skip

"""Rules for days of the week: "terça que vem", "próxima 5ª-feira", "sexta 27"."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

from bot.core.entities.dates_calendar import (
    WEEK,
    is_told,
    monday,
    month_end,
    never,
    next_numbered,
    shifted,
    stretch,
)
from bot.core.entities.dates_grammar import (
    COMING,
    MONTH,
    WEEK_COMING,
    Impossible,
    Piece,
    Rule,
    Scene,
    before,
    month_number,
    rule,
)

_WEEKDAYS = (
    r"segundas?|seg", r"tercas?|terc|ter", r"quartas?|qua|qrta",
    r"quintas?|qui|qnta|quita", r"sextas?|sex|sxta", r"sabados?|sab", r"domingos?|dom",
)  # fmt: skip
_FEIRA = r"(?:\.?\s*-?\s*(?:feiras?|fera|fe?ra)(?!\w)|-f(?!\w))"
_ORDINAL_OF = (
    r"(?![\s-]+(?:via|vara|instancia|turma|camara|parte|parcela|vez|secao|chance|mao"
    r"|opcao|opiniao|audiencia|consulta|testemunha|pessoa|fil[hi]\w+|espos\w+|mulher"
    r"|delegacia|junta|zona|regiao|classe|serie|fase|etapa|pergunta|questao|duvida"
    r"|carta|notificacao|intimacao|pericia|reuniao|tentativa|oportunidade|rodada"
    r"|alteracao|linha|trimestre|semestre|gravidez|gestacao|cirurgia|multa"
    r"|advertencia|demissao|promotoria|defensoria|categoria|geracao|metade|maior|semana"
    r"|quinzena|essencia|familia|via|guerra|sessao|proposta|notific\w+|casa|rua"
    r"|travessa|d[ao]\s+boa)\b)"
)
_WEEKDAY_NAME = (
    r"(?P<weekday>(?:segundas?|tercas?|quartas?|quintas?|sextas?)"
    rf"(?:{_FEIRA}|{_ORDINAL_OF})"
    r"|(?:sabados?|domingos?)|(?:seg|terc?|qua|qui|sex|qnta|qrta|sxta|quita)(?!\w)"
    rf"(?:{_FEIRA}|{_ORDINAL_OF})\.?"
    r"|(?:sab|dom)\.?"
    r"|[2-6]a\s*-?\s*(?:feiras?|f)(?!\w)|(?<![\s\S])[2-6]a(?=\s*(?:$|[,.?!;/]))"
    rf"|[2-6]a(?=\s+(?:as\s+[0-9]|[0-9]{{1,2}}\s?[h:]|de\s+(?:manha|tarde|noite)|cedo"
    rf"|a\s+(?:tarde|noite)|{COMING}|agora|(?:ou|e)\s+[2-6]a\b(?!\s+\w)))"
    r"|(?:(?<=na )|(?<=de )|(?<=pra )|(?<=toda )|(?<=ou ))[2-6]a(?!\s+(?:dp|avenida)\b)"
    rf"{_ORDINAL_OF})"
)
_WEEKDAY = (
    rf"(?:(?P<pre>(?:prox(?:ima|imo)?\.?|n?essa|n?esta|n?este|n?esse|d?esta|ultim[ao]"
    rf"|outr[ao]))\s+)?{_WEEKDAY_NAME}"
    rf"(?:\s+(?P<post>{COMING}|agora|passad[ao]|retrasad[ao]"
    rf"|(?:d?n?a?e?\s+)?{WEEK_COMING}|(?:n?d?essa|n?d?esta|da|d)\s+(?:semana|sem)(?!\w)"
    r"))?"
    r"(?:,?\s+\(?(?P<number>[0-9]{1,2})(?![\w/:]|[.,-][0-9]|\s*(?:h|hs|horas"
    r"|da|de|d|e|ou|as|a)\b)\)?)?"
)
_TOMORROW = timedelta(days=1)
_NOT_A_DAY_BEFORE = re.compile(
    r"\b(?:uma|um|mesma|primeir[ao],?\s+(?:(?:ou|e)\s+)?(?:[ao]\s+)?)\s*$"
)
_VERB_BEFORE_TER = re.compile(
    r"\b(?:a|de|pra|para|vai|vao|vou|pode|podia|poderia|deve|ia|precis[ao]|sem|quero"
    r"|queria|consigo|consegue|que|por)\s+$"
)


def _weekday_number(text: str) -> int:
    """Returns 0 for Monday, by any of its names."""
    if text[0].isdigit():
        return int(text[0]) - 2
    for names in _WEEKDAYS:
        if re.match(rf"(?:{names})(?![a-z])", text):
            return _WEEKDAYS.index(names)
    raise Impossible


def _weekday(match: re.Match[str], scene: Scene) -> Piece | None:
    """Terça, sexta que vem, próxima 5ª-feira, segunda da outra semana, sexta 27."""
    name, pre, post = match["weekday"], match["pre"] or "", match["post"] or ""
    is_bare = not pre and not post
    if is_bare and before(scene, match.start(), _NOT_A_DAY_BEFORE):
        return None
    if name == "ter" and before(scene, match.start(), _VERB_BEFORE_TER):
        return None
    today, place = scene.today, _weekday_number(name)
    ahead = timedelta(days=(place - today.weekday()) % 7)
    is_today = not ahead
    day, week = today + (ahead or WEEK), None
    told = re.search("passad|retrasad", post) or pre.startswith("ultim")
    told = told or (is_bare and is_told(scene, match.start()))
    if told:
        day -= WEEK if not is_today else 2 * WEEK
        day -= WEEK if post.startswith("retrasad") else timedelta()
    elif re.search(r"semana|\bsem\b", post):
        is_coming = re.search(rf"{COMING}|prox|outra", post)
        week = monday(today) + (WEEK if is_coming else timedelta())
    elif pre.startswith("outr"):
        week = monday(today) + WEEK
    elif is_today and (post == "agora" or re.match("n?ess|n?est|dest", pre)):
        day = today
    elif ahead == _TOMORROW and re.match(COMING, post):
        day += WEEK  # whoever means tomorrow says so
    day = week + timedelta(days=place) if week else day
    piece = Piece(
        match.start(),
        match.end(),
        (day,),
        names="weekday",
        week=week,
        may_be_today=is_today and is_bare and not told,
        is_past=bool(told) or day < today,
        is_weak=name in {"ter", "dom", "dom."} and not pre and not post,
    )
    return _with_number(piece, match, scene)


def _with_number(piece: Piece, match: re.Match[str], scene: Scene) -> Piece:
    """Returns "sexta 27" as that day, if the 27th is a Friday; else the Friday."""
    if not match["number"]:
        return piece
    try:
        day = next_numbered(int(match["number"]), scene.today, 1)
    except Impossible:
        day = None
    if day is None or day.weekday() != piece.days[0].weekday():
        return replace(piece, end=match.end("post" if match["post"] else "weekday"))
    return replace(piece, days=(day,), names="", may_be_today=False, is_weak=False)


_ORDINALS = ("prim", "segu", "terc", "quar", "ulti")


def _of_month_start(match: re.Match[str], scene: Scene, *, last: int) -> date:
    """Returns the first of the month that "de dezembro" or "do mês" names."""
    month = match["month"]
    today = scene.today
    if month[:3] == "mes":
        moved = 1 if re.search(COMING, month) else 0
        return shifted(today.replace(day=1), moved)
    if month.startswith("prox"):
        return shifted(today.replace(day=1), 1)
    found = date(today.year, month_number(month), 1)
    return found if found.replace(day=last) >= today else shifted(found, 12)


def _ordinal_weekday(match: re.Match[str], scene: Scene) -> Piece | None:
    """Primeira segunda de dezembro, última sexta do mês."""
    place = _weekday_number(match["weekday"])
    first = _of_month_start(match, scene, last=7)
    for _ in range(2):
        month = [first + timedelta(days=i) for i in range(month_end(first).day)]
        days = [day for day in month if day.weekday() == place]
        day = days[(0, 1, 2, 3, -1)[_ORDINALS.index(match[0][:4])]]
        if day >= scene.today:
            return Piece(match.start(), match.end(), (day,))
        first = shifted(first, 1 if match["month"][:3] == "mes" else 12)
    return None


def _ordinal_stretch(match: re.Match[str], scene: Scene) -> Piece | None:
    """Primeira semana de dezembro, segunda quinzena de janeiro."""
    place = _ORDINALS.index(match[0][:4])
    first = _of_month_start(match, scene, last=28)
    end = month_end(first)
    if "quinzena" in match[0]:
        middle = first.replace(day=15)
        start, end = (middle + timedelta(days=1), end) if place else (first, middle)
    elif place == len(_ORDINALS) - 1:
        start = end - timedelta(days=6)
    else:
        start = first + WEEK * place
        end = start + timedelta(days=6)
    return stretch(match, start, end, today=scene.today)


ORDINAL_RULES: tuple[Rule, ...] = (
    rule(r"(?:primeir|segund|terceir|quart|ultim)[ao]\s+(?P<weekday>segunda|terca|quarta"
         r"|quinta|sexta|sabado|domingo)(?:[\s-]*feira)?\s+d[eo]\s+(?P<month>proximo\s+mes"
         rf"|mes(?:\s+{COMING})?|{MONTH})", _ordinal_weekday),
    rule(r"(?:primeira|segunda|terceira|quarta|ultima)\s+(?:semana|quinzena)\s+d[eo]\s+"
         rf"(?P<month>proximo\s+mes|mes(?:\s+{COMING})?|{MONTH})", _ordinal_stretch),
)  # fmt: skip
"""Tried before any weekday: "segunda" may be the second."""

WEEKDAY_RULES: tuple[Rule, ...] = (
    rule(rf"(?:segunda|terca|quarta|sexta|sabado|domingo){_FEIRA}?\s+"
         r"(?:santa|de\s+(?:carnaval|cinzas|pascoa|ramos|aleluia)|da\s+paixao)", never),
    rule(_WEEKDAY, _weekday),
)  # fmt: skip

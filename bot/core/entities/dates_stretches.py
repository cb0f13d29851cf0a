"""Rules for weeks, months, years, and times counted from now: "daqui a 3 dias"."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

from bot.core.entities.dates_calendar import (
    DATE_END,
    WEEK,
    YEAR_TAIL,
    existing,
    is_no_date,
    is_told,
    monday,
    month_end,
    shifted,
    stretch,
    year_said,
)
from bot.core.entities.dates_grammar import (
    COMING,
    MONTH,
    NUMBER,
    WEEK_COMING,
    Clock,
    Piece,
    Rule,
    Scene,
    month_number,
    number,
    rule,
)

_SUNDAY = 6
_THIRDS = ((1, 10), (11, 20), (21, 31))
"""Days of a month's beginning, middle and end."""
_EDGES_OF_WEEK = ((0, 1), (2, 3), (3, 4))
"""Days that begin, halve and end a working week, Monday being 0."""
_EDGES = {"co": 0, "in": 0, "pr": 0, "me": 1, "fi": 2, "ul": 2}
_EDGE = (
    r"(?:(?P<edge>comecinho|comeco|inicio|meio|meados|fim|finalzinho|final|finais)"
    r"\s+(?:d[aeo]s?|d)\s+)?"
)


def _week(match: re.Match[str], scene: Scene) -> Piece | None:
    """Semana que vem, essa semana, semana passada, começo da semana que vem."""
    text = match["week"]
    start = monday(scene.today)
    if re.search("passada|retrasada", text):
        start -= WEEK * (2 if "retrasada" in text else 1)
    elif re.search(rf"{COMING}|prox|outra", text) or scene.today.weekday() == _SUNDAY:
        start += WEEK
    first, last = 0, _SUNDAY
    if match["edge"]:
        first, last = _EDGES_OF_WEEK[_EDGES[match["edge"][:2]]]
    return stretch(
        match,
        start + timedelta(days=first),
        start + timedelta(days=last),
        today=scene.today,
    )


def _weekend(match: re.Match[str], scene: Scene) -> Piece | None:
    """Fim de semana, fds, fds passado: Saturday and Sunday."""
    saturday = monday(scene.today) + timedelta(days=5)
    if re.search("passad", match[0]):
        saturday -= WEEK
    elif scene.today >= saturday and re.search(COMING, match[0]):
        saturday += WEEK
    return stretch(match, saturday, saturday + timedelta(days=1), today=scene.today)


def _month_stretch(first: date, edge: str | None) -> tuple[date, date]:
    if not edge:
        return first, month_end(first)
    start, end = _THIRDS[_EDGES[edge[:2]]]
    return first.replace(day=start), min(
        month_end(first), first + timedelta(days=end - 1)
    )


def _relative_month(match: re.Match[str], scene: Scene) -> Piece | None:
    """Mês que vem, esse mês, fim do mês, começo do mês que vem, mês passado."""
    text = match["named"]
    moved = -2 if "retrasado" in text else -1 if "passado" in text else 0
    moved = 1 if re.search(rf"{COMING}|prox|outro", text) else moved
    first = shifted(scene.today.replace(day=1), moved)
    start, end = _month_stretch(first, match["edge"])
    if end < scene.today and not moved:
        start, end = _month_stretch(shifted(first, 1), match["edge"])
    return stretch(match, start, end, today=scene.today)


def _named_month(match: re.Match[str], scene: Scene) -> Piece | None:
    """Em março, março que vem, fim de janeiro, desde março de 2024."""
    today, start = scene.today, match.start("span")
    month, which = month_number(match["month"]), match["which"] or ""
    told = "passado" in which or is_told(scene, match.start())
    told = told or is_told(scene, start)
    year = year_said(match["year"], scene)
    first = date(year or today.year, month, 1)
    if not year and told and first > today:
        first = shifted(first, -12)
    elif not year and not told and month_end(first) < today:
        first = shifted(first, 12)
    first, last = _month_stretch(first, match["edge"])
    if not told and first <= today <= last:
        first = today
    return Piece(
        start, match.end(), (first,), last_day=last, is_past=told or last < today
    )


def _months(match: re.Match[str], scene: Scene) -> Piece | None:
    """De março a agosto, de janeiro a março de 2027."""
    today, year = scene.today, year_said(match["year"], scene)
    told = is_told(scene, match.start())
    first = date(year or today.year, month_number(match["first"]), 1)
    last = date(year or today.year, month_number(match["month"]), 1)
    if last < first:
        last = shifted(last, 12)
    moved = 0
    if not year and told and last > today:
        moved = -12
    elif not year and not told and month_end(last) < today:
        moved = 12
    first, last = shifted(first, moved), month_end(shifted(last, moved))
    start = match.start("span")
    past = told or last < today
    return Piece(start, match.end(), (first,), last_day=last, is_past=past)


def _month_and_year(match: re.Match[str], scene: Scene) -> Piece | None:
    """12/2024."""
    if is_no_date(scene, match.start()):
        return None
    first = existing(int(match["year"]), int(match["month"]), 1)
    return stretch(match, first, month_end(first), today=scene.today)


def _year(match: re.Match[str], scene: Scene) -> Piece | None:
    """Em 2019, ano passado, fim do ano, ano que vem."""
    today, text = scene.today, match["named"]
    past = re.search("passado|retrasado", text)
    moved = (-2 if "retrasado" in text else -1) if past else 0
    moved = 1 if re.search(rf"{COMING}|prox", text) else moved
    year = int(text) if text.isdigit() else today.year + moved
    place = _EDGES[match["edge"][:2]] if match["edge"] else -1
    if place == 0 and not moved and not text.isdigit():
        year += 1
    months = ((1, 2), (6, 7), (12, 12), (1, 12))[place]
    first, last = date(year, months[0], 1), month_end(date(year, months[1], 1))
    told = first <= today <= last and is_told(scene, match.start())
    if first <= today <= last and not told:
        first = today
    return Piece(
        match.start("span"), match.end(), (first,), last_day=last,
        is_past=last < today or told,
    )  # fmt: skip


def _years(match: re.Match[str], scene: Scene) -> Piece | None:
    """De 2015 a 2020."""
    first, last = date(int(match["first"]), 1, 1), date(int(match["last"]), 12, 31)
    if last < first:
        return None
    piece = stretch(match, first, last, today=scene.today)
    told = piece.is_past or is_told(scene, match.start())
    return replace(piece, days=(first,), is_past=told)


_HALVES = {"a": (6, "meses"), "m": (15, "dias"), "h": (30, "minutos")}
_AMOUNT = rf"(?P<amount>{NUMBER}|meia|mei[ao])"
_UNIT = (
    r"(?P<unit>dias?(?!\s+ute)|semanas?|meses|mes|quinzenas?|anos?|horas?|hrs?|hs?"
    r"|minutos?|min)(?P<half>\s+e\s+mei[ao])?"
)


def _moved(scene: Scene, amount: int, unit: str, sign: int) -> Piece:
    """Returns the day some units from now; for hours and minutes the hour too."""
    letter = unit[0]
    if letter == "h" or unit.startswith("min"):
        span = timedelta(hours=amount) if letter == "h" else timedelta(minutes=amount)
        then = scene.now + sign * span
        clock = Clock(then.hour, then.minute, "exact")
        return Piece(0, 0, (then.date(),), clocks=(clock,), is_past=sign < 0)
    if letter in "ma":
        day = shifted(scene.today, sign * amount * (12 if letter == "a" else 1))
    else:
        days = {"d": 1, "s": 7, "q": 15}[letter]
        day = scene.today + sign * timedelta(days=amount * days)
    return Piece(0, 0, (day,), is_past=sign < 0)


def _offset(match: re.Match[str], scene: Scene) -> Piece | None:
    """Daqui a 3 dias, em duas horas, há 3 meses, 3 dias atrás."""
    is_past = match["ahead"] is None
    said = match["amount"]
    amount, unit = number(said), match["unit"]
    if said.startswith("mei"):
        amount, unit = (30, "minutos") if unit.startswith("h") else (15, "dias")
    if match["half"] and unit[0] in _HALVES:
        half, smaller = _HALVES[unit[0]]
        amount, unit = amount * 2 * half + half, smaller
    piece = _moved(scene, amount, unit, -1 if is_past else 1)
    return replace(piece, start=match.start("span"), end=match.end())


_AGENDA = (
    r"(?:agenda|agendamentos|prazos?|pauta|compromissos?|audiencias?|contatos|leads)"
    r"(?:\s+completa)?\s+"
)
"""What lawyers see of a week or a month: "os prazos da semana" are this week's."""
_NO_OTHER = rf"(?!\s+(?:{COMING}|passad[ao]|retrasad[ao]))"
_MONTH_NAMED = (
    rf"{_EDGE}(?:mes\s+de\s+)?(?P<month>{MONTH})"
    rf"(?:\s+(?P<which>{COMING}|passado)(?!\w))?{YEAR_TAIL}"
)

STRETCH_RULES: tuple[Rule, ...] = (
    rule(r"(?P<month>0?[1-9]|1[0-2])/(?P<year>(?:19|20)[0-9]{2})" + DATE_END,
         _month_and_year),
    rule(r"(?P<span>(?P<ahead>daqui\s+(?:a|ha|uns|umas|mais)?\s*(?:uns\s+|umas\s+)?"
         r"|em\s+(?!\w+\s+anos)"
         rf"|dentro\s+de\s+|faltam?\s+){_AMOUNT}\s*{_UNIT})", _offset),
    rule(r"(?P<ahead>(?!))?(?:ja\s+)?(?P<span>(?:(?:ha|faz|fazem)\s+(?:uns\s+|umas\s+"
         r"|mais\s+de\s+|quase\s+|cerca\s+de\s+)?"
         r"|(?<=ja )tem\s+(?!\w+\s+anos?\b(?!\s+que\b))"
         r"|tem\s+(?=\w+\s+\w+\s+(?:que|desde|isso))|tem\s+(?:uns|umas)\s+|a\s+(?=\w+\s+\w+\s+(?:que|sem|atras)\b))"
         rf"{_AMOUNT}\s*{_UNIT}(?:\s+atras)?)", _offset),
    rule(rf"(?P<ahead>(?!))?(?P<span>{_AMOUNT}\s*{_UNIT}\s+atras)", _offset),
    rule(r"(?:fim|final|finalzinho)\s+d[ei]\s+(?:semana|sem)(?:\s+(?:passado|"
         rf"{COMING}|agora))?|(?:n?esse\s+|n?este\s+|prox(?:imo)?\s+)?fds(?:\s+(?:passado|"
         rf"{COMING}|agora))?", _weekend),
    rule(rf"{_EDGE}(?P<week>{WEEK_COMING}|(?:semana|sem)\s+(?:passada|retrasada)"
         r"|(?:n?d?essa|n?d?esta)\s+(?:semana|sem))", _week),
    rule(rf"{_AGENDA}da\s+(?P<edge>(?!))?(?P<span>(?P<week>semana)){_NO_OTHER}", _week),
    rule(rf"{_AGENDA}do\s+(?P<edge>(?!))?(?P<span>(?P<named>mes)){_NO_OTHER}",
         _relative_month),
    rule(r"(?P<edge>comecinho|comeco|inicio|meio|fim|final)\s+da\s+(?P<week>semana)",
         _week),
    rule(rf"{_EDGE}(?P<named>mes\s+(?:{COMING}|passado|retrasado)"
         r"|(?:prox(?:imo)?|outro)\s+mes|(?:n?d?esse|n?d?este)\s+mes)",
         _relative_month),
    rule(r"(?P<edge>comecinho|comeco|inicio|meio|fim|finalzinho|final)\s+do\s+"
         r"(?P<named>mes)", _relative_month),
    rule(rf"de\s+(?P<span>(?P<first>{MONTH})\s+(?:a|ate)\s+(?P<month>{MONTH})"
         rf"{YEAR_TAIL})",
         _months),
    rule(rf"(?:em|desde|ate|pra|para|p/|no|do|a\s+partir\s+de|{_AGENDA}de)\s+"
         rf"(?P<span>{_MONTH_NAMED})", _named_month),
    rule(r"(?P<span>(?:(?P<edge>comecinho|comeco|inicio|meio|meados|fim|finalzinho|final)"
         rf"\s+de\s+|mes\s+de\s+)(?P<month>{MONTH})(?P<which>(?!))?{YEAR_TAIL})",
         _named_month),
    rule(rf"(?P<span>(?P<edge>(?!))?(?P<month>{MONTH})\s+(?P<which>{COMING})"
         r"(?P<year>(?!))?)", _named_month),
    rule(rf"(?P<span>{_EDGE}(?P<named>ano\s+(?:passado|retrasado|{COMING})|proximo\s+ano"
         r"|(?:n?esse|n?este)\s+ano))", _year),
    rule(r"(?P<span>(?P<edge>comeco|inicio|meio|fim|final)\s+d[eo]\s+(?P<named>ano))",
         _year),
    rule(r"(?:em|desde|(?:em\s+)?ano\s+de)\s+(?P<span>(?P<edge>(?!))?"
         r"(?P<named>(?:19[5-9]|20[0-5])[0-9]))(?![.,/-][0-9])", _year),
    rule(r"(?:de\s+)(?P<span>(?P<first>(?:19|20)[0-9]{2})\s+(?:a|ate)\s+"
         r"(?P<last>(?:19|20)[0-9]{2}))(?![.,/-][0-9])", _years),
)  # fmt: skip
"""In the order of trying: what says more stands first."""

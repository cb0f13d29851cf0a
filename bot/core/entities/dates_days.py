"""Rules for days of the calendar and words for them: "dia 12/03", "amanhã", "natal"."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from bot.core.entities.dates_calendar import (
    DATE_END,
    YEAR_TAIL,
    existing,
    is_no_date,
    is_told,
    never,
    next_numbered,
    shifted,
    year_said,
    yearless,
)
from bot.core.entities.dates_grammar import (
    COMING,
    MONTH,
    MONTH_SHORT,
    NO_COUNT,
    NUMBER,
    NUMBER_WORD,
    PART_WORD,
    TEEN_WORD,
    Impossible,
    Piece,
    Rule,
    Scene,
    month_number,
    number,
    rule,
)


def _full_year(text: str) -> int:
    """Returns 1985 for "85" and 2027 for "27": people write birthdays too."""
    if len(text) == len("2027"):
        return int(text)
    return int(("20" if text < "60" else "19") + text)


def _dated(match: re.Match[str], scene: Scene) -> Piece | None:
    """12/03, 12/03/2027, 12-03-2027, 2027-03-12."""
    if is_no_date(scene, match.start()):
        return None
    named = match.groupdict()
    month_text = named["month"]
    month = int(month_text) if month_text.isdigit() else month_number(month_text)
    day, year = int(named["day"]), named["year"]
    if not day:
        return None  # "0/10" is a mark
    if year:
        found = existing(_full_year(year), month, day)
        return Piece(match.start(), match.end(), (found,), is_past=found < scene.today)
    told = is_told(scene, match.start())
    found = yearless(day, month, scene, told=told)
    return Piece(match.start(), match.end(), (found,), is_past=told)


def _dotted(match: re.Match[str], scene: Scene) -> Piece | None:
    """05.12: a sum of money, or a version, when there is no such day."""
    try:
        return _dated(match, scene)
    except Impossible:
        return None


_FRACTION_OR_DUTY = (
    r"(?:24/(?:7|24|48)|(?:1/[2-9]|2/[35]|3/[45])"
    r"(?!\s*(?:,?\s*as?\s+[0-9]|,?\s*(?:de|a|pela)\s+(?:manha|tarde|noite)))"
    r"|12/36)" + DATE_END
)

_MONTH_OR_SHORT = rf"(?:{MONTH}|{MONTH_SHORT}\.?)"
_NO_HOUR = r"(?!\s*(?:h|hs|hrs|horas?)(?!\w)|h[0-9]|:[0-9])"
_DIGIT_DAY = rf"[0-9]{{1,2}}o?(?![\w%]|[.:/\-][0-9]){_NO_HOUR}"
_FIRST_DAY = rf"(?:{_DIGIT_DAY}|(?:primeiro|{NUMBER_WORD})(?!\s+horas?\b))"
_NEXT_DAY = (
    rf"(?:{_DIGIT_DAY}|(?:vinte(?:\s+e\s+\w+)?|trinta(?:\s+e\s+um)?|{TEEN_WORD}|dois"
    rf"|tres|quatro|cinco|seis|sete|oito|nove)(?!\s+horas?\b)){NO_COUNT}"
    r"(?!\s+d[ae]\s+(?:manha|tarde|noite))"
)
_DAY_LIST = (
    rf"(?P<list>{_FIRST_DAY}(?:\s*(?:,|\be\b|\bou\b|\ba\b|\bao\b|\bate\b|-)"
    rf"(?:\s*\b(?:no|o|ao|dia)\b){{0,2}}\s*{_NEXT_DAY}){{0,6}})"
)
_IN_MONTH = (
    rf"\s*(?:d[eo]?\s+|/)(?:mes\s+de\s+)?(?P<month>{_MONTH_OR_SHORT}){YEAR_TAIL}"
)
_OF_MONTH = (
    rf"(?:{_IN_MONTH}|\s+(?P<short>{_MONTH_OR_SHORT})"
    rf"|\s+do\s+(?P<count>(?:0?[1-9]|1[0-2]|{NUMBER_WORD})){NO_COUNT}"
    r"|\s+(?P<which>(?:d[eo]\s+)?(?:mes\s+q(?:ue)?\s+vem|proximo\s+mes|mes\s+passado"
    r"|mes\s+seguinte)|(?:d?esse|d?este|do)\s+mes|agora|passado"
    rf"|{COMING})(?!\w))?"
)
_LIST_ITEM = re.compile(rf"{NUMBER}|(?<!\w)(?:a|ao|ate)(?!\w)|-|primeiro")


def _day_list(text: str) -> tuple[list[int], bool]:
    """Returns the days that a list names, and whether it is a range of them."""
    numbers: list[int] = []
    is_range = False
    for item in _LIST_ITEM.finditer(text):
        if item[0] in {"a", "ao", "ate", "-"}:
            is_range = bool(numbers)
        else:
            numbers.append(number(item[0]))
    return numbers, is_range and len(numbers) == len(("first", "last"))


def _month_of(match: re.Match[str], scene: Scene) -> tuple[int, int] | None:
    """Returns (year or 0, month) that a list of days is said to be in."""
    named = match.groupdict()
    if named.get("month") or named.get("short"):
        month = month_number(named.get("month") or named["short"])
        return year_said(named.get("year"), scene), month
    if named.get("count"):
        return 0, number(named["count"])
    which = named.get("which") or ""
    if "mes" in which:
        moved = 1 if re.search(r"vem|prox|seguinte", which) else 0
        first = shifted(scene.today.replace(day=1), -1 if "passado" in which else moved)
        return first.year, first.month
    return None


def _numbered(match: re.Match[str], scene: Scene) -> Piece | None:
    """Dia 12, dias 5 e 6 de dezembro, de 5 a 10 de março, dia 5 do mês que vem."""
    if is_no_date(scene, match.start()):
        return None
    numbers, is_range = _day_list(match["list"])
    of_month = _month_of(match, scene)
    told = (match.groupdict().get("which") or "") == "passado"
    told = told or is_told(scene, match.start())
    days = []
    start = scene.today - timedelta(days=1) if told else scene.today
    for item in numbers:
        if of_month is None:
            day = next_numbered(item, start, -1 if told else 1)
        elif of_month[0]:
            day = existing(of_month[0], of_month[1], item)
        else:
            day = yearless(item, of_month[1], scene, told=told)
        days.append(day)
        start = start if told else max(start, day)
    piece = Piece(
        match.start(),
        match.end(),
        tuple(days),
        names="number" if of_month is None else "",
        is_past=told or days[-1] < scene.today,
    )
    return replace(piece, days=(days[0],), last_day=days[1]) if is_range else piece


def _relative(match: re.Match[str], scene: Scene) -> Piece | None:
    """Hoje, amanhã, depois de amanhã, ontem, anteontem, agora há pouco."""
    text = match[0]
    moved = 0
    week = re.search("oito|quinze", text)
    if week:
        moved = 7 if week[0] == "oito" else 14
    elif re.search("ont", text):
        moved = -2 if text.startswith("ant") else -1
    elif text.startswith(("dep", "dps", "dpois")):
        moved = 2
    elif text.startswith("am"):
        moved = 1
    day = scene.today + timedelta(days=moved)
    past = moved < 0 or "pouco" in text
    return Piece(match.start(), match.end(), (day,), is_past=past)


_HOLIDAYS = {"vespera de natal": (12, 24), "vespera de ano novo": (12, 31),
             "reveillon": (12, 31), "natal": (12, 25), "ano novo": (1, 1)}  # fmt: skip


def _holiday(match: re.Match[str], scene: Scene) -> Piece | None:
    """Véspera de natal, no natal, ano novo. "Natal" alone is a city."""
    name = " ".join(match["named"].replace("dia de ", "").split())
    if name.startswith("vesp"):
        name = "vespera de natal" if "natal" in name else "vespera de ano novo"
    month, day = _HOLIDAYS[name]
    told = is_told(scene, match.start("named"))
    found = yearless(day, month, scene, told=told)
    return Piece(match.start("named"), match.end("named"), (found,), is_past=told)


_SLASHED = (
    r"(?P<day>[0-9]{1,2})o?\s?/\s?(?P<month>[0-9]{1,2}"
    rf"|{_MONTH_OR_SHORT})(?:\s?/\s?(?P<year>[0-9]{{4}}|[0-9]{{2}}))?"
)

DAY_RULES: tuple[Rule, ...] = (
    rule(r"(?P<year>20[0-9]{2})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})", _dated),
    rule(rf"dia\s+{_SLASHED}{DATE_END}", _dated),
    rule(_FRACTION_OR_DUTY, never),
    rule(_SLASHED + DATE_END, _dated),
    rule(r"(?:dia\s+)?(?P<day>[0-9]{1,2})-(?P<month>[0-9]{1,2})"
         r"-(?P<year>(?:19|20)[0-9]{2}|[0-9]{2})" + DATE_END, _dated),
    rule(r"dia\s+(?P<day>[0-9]{1,2})[-.](?P<month>[0-9]{1,2})(?P<year>)" + DATE_END,
         _dated),
    rule(r"(?P<day>[0-3]?[0-9])\.(?P<month>[01]?[0-9])\.(?P<year>(?:19|20)?[0-9]{2})"
         + DATE_END, _dotted),
    rule(r"(?P<day>[0-3][0-9])\.(?P<month>[01][0-9])(?P<year>)" + DATE_END, _dotted),
    rule(rf"(?<!bom )(?<!meio )dias?\s+{_DAY_LIST}{_OF_MONTH}", _numbered),
    rule(rf"{_DAY_LIST}{_IN_MONTH}", _numbered),
    rule(rf"(?P<list>{_DIGIT_DAY})\s+(?P<short>{_MONTH_OR_SHORT})", _numbered),
)  # fmt: skip
"""In the order of trying: what says more stands first."""

WORD_RULES: tuple[Rule, ...] = (
    rule(r"(?:depois|dps|dpois|depos)\s+(?:de|d)\s+(?:amanha+|amnh?a?|amanh)"
         r"|hoje\s+a\s+(?:oito|quinze)(?:\s+dias)?"
         r"|anteontem|antes\s+de\s+ontem|antiontem|agora\s+(?:ha|a)\s+pouco|agorinha"
         r"|(?:hoje|hj|hoj)(?!\w|\s+em\s+dia)|ontem|onti|amanha+|amanh|amnha?|amn|amanhan"
         r"|amahna|amnaha"
         r"|(?<!horario )(?<!pouco )(?<!vaga )(?<!algo )(?<!bem )mais\s+tarde"
         rf"|agora(?=\s+(?:de|a|d|pela|cedo)\s+{PART_WORD})", _relative),
    rule(r"(?P<named>vesper[ao]s?\s+d[eo]\s+(?:natal|ano\s+novo)|reveillon|ano\s+novo"
         r"|dia\s+de\s+natal)", _holiday),
    rule(r"(?:n?o|do|ao|ate\s+o|pelo)\s+(?P<named>natal|ano\s+novo)", _holiday),
)  # fmt: skip

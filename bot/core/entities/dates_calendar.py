"""Calendar arithmetic of the rules, and whether words tell of the past."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta

from bot.core.entities.dates_grammar import Impossible, Piece, Scene, before

WEEK = timedelta(days=7)
_NO_DATE_BEFORE = re.compile(
    r"(?:\b(?:rua|r\.|av\.?|avenida|praca|travessa|alameda|largo|edificio|bairro|vila"
    r"|escola|colegio|hospital)\s+(?:d[aeo]\s+)?"
    r"|\b(?:arts?\.?|artigos?|lei|paragrafo|inciso|sumula|processo|nr|numero|oab"
    r"|apto|ap|sala|bloco|lote|quadra|km|pag(?:ina)?|folhas?|fls?|parcelas?|nota"
    r"|escala|versao|item|clausula|casa|linha|cep|cpf|rg)[.:]?\s*|r\$\s*)$"
)
_NUMBERED_BEFORE = re.compile(r"\bn[º°.]+\s*$", re.IGNORECASE)
_SINCE = re.compile(r"\bdesde\s+(?:[ao]s?\s+)?(?:mes\s+de\s+)?$")
_NEW_CLAUSE = re.compile(
    r"[.,;:!?\n]|\b(?:que|se|mas|pra|para|quero|queria|gostaria|precis\w+|pod\w+|posso"
    r"|vou|vai|vamos|fic\w+|tenho|tem|prazo|audiencia|consulta|reuniao|pericia|retorno"
    r"|(?:re|des)?mar[cq]\w+|agend\w+|combin\w+|confirm\w+|adi\w+|design\w+|dispon\w+)\b"
)
_TOLD = re.compile(
    r"\b(?!(?:estou|museu|europeu|judeu|irei|farei|terei|serei|estarei|poderei|ficarei"
    r"|passarei|mandarei|enviarei|levarei)\b)"
    r"(?:fui|foi|foram|tive|teve|tivemos|fiz|fez|fizemos|estive|vi|vim|veio|sai"
    r"|saiu|dei|deu|li|(?:receb|perd|vend|assum|sofr|ped|consegu|decid|viv|nasc|conhec"
    r"|bat|escrev|descobr|adoec|assist|aprend|devolv)i"
    r"|\w{3,}(?:ei|ou|eu|iu|aram|eram|iram|ava|avam)|(?<=eu )\w{3,}i)\b"
)
_DONE = re.compile(
    r"\b(?!\w*(?:marc|agend|design|prev|adi|transf|program|confirm))"
    r"(?:\w{3,}(?:ad|id)|interpost|feit)[ao]s?\s+(?:(?:em|no|dia|no\s+dia)\s+)?$|\bpag[ao]s?\s+em\s+$"
)
DATE_END = r"(?![\w/]|[.,-][0-9])"
YEAR_TAIL = (
    r"(?:\s*(?:,|/|d[eo])?\s*(?P<year>(?:19|20)[0-9]{2}(?![0-9/.-])"
    r"|ano\s+q(?:ue)?\s+vem|proximo\s+ano|ano\s+passado|d?est?e\s+ano|d?esse\s+ano))?"
)
"""What may follow a month; group `year`."""


def is_no_date(scene: Scene, place: int) -> bool:
    """Says whether the words before a place make a street, a law or a sum of it."""
    if before(scene, place, _NO_DATE_BEFORE):
        return True
    # folded, "nº 12" is "no 12", which may be a day
    return _NUMBERED_BEFORE.search(scene.original, max(0, place - 5), place) is not None


def is_told(scene: Scene, place: int) -> bool:
    """Says whether the clause before a place tells what has happened already."""
    if before(scene, place, _SINCE):
        return True
    clause = scene.folded[max(0, place - 60) : place]
    cuts = [cut.end() for cut in _NEW_CLAUSE.finditer(clause)]
    clause = clause[cuts[-1] :] if cuts else clause
    return bool(_TOLD.search(clause) or _DONE.search(clause))


def existing(year: int, month: int, day: int) -> date:
    """Returns a date.

    Raises:
        Impossible: there is no such day.
    """
    try:
        return date(year, month, day)
    except ValueError as error:
        raise Impossible from error


def shifted(day: date, months: int) -> date:
    """Returns the same day some months later; the month's last one if it has none."""
    count = day.year * 12 + day.month - 1 + months
    year, month = count // 12, count % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def month_end(day: date) -> date:
    """Returns the last day of a day's month."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def stretch(match: re.Match[str], first: date, last: date, *, today: date) -> Piece:
    """Returns a range of days, from today on if today is one of them.

    Its words are the group `span`, or all that matched.
    """
    if first <= today <= last:
        first = today
    start = match.start("span" if "span" in match.re.groupindex else 0)
    return Piece(start, match.end(), (first,), last_day=last, is_past=last < today)


def yearless(day: int, month: int, scene: Scene, *, told: bool) -> date:
    """Returns the next such day of a year, or the last one if it is told.

    Raises:
        Impossible: no year has it.
    """
    existing(2024, month, day)  # a leap year: what it has not, no year has
    step = -1 if told else 1
    for year in range(scene.today.year, scene.today.year + 9 * step, step):
        if day <= calendar.monthrange(year, month)[1]:
            found = date(year, month, day)
            if found <= scene.today if told else found >= scene.today:
                return found
    raise Impossible


def next_numbered(day: int, start: date, step: int) -> date:
    """Returns the next day of that number, or the last one for a step of -1.

    Raises:
        Impossible: no month has it.
    """
    month = start.replace(day=1)
    for _ in range(4):
        if 1 <= day <= month_end(month).day:
            found = month.replace(day=day)
            if found >= start if step > 0 else found <= start:
                return found
        month = shifted(month, step)
    raise Impossible


def year_said(text: str | None, scene: Scene) -> int:
    """Returns the year of "2027" or "ano que vem"; 0 for None."""
    if not text:
        return 0
    if text.isdigit():
        return int(text)
    moved = -1 if "passado" in text else 1
    return scene.today.year + (0 if re.match("d?es[st]", text) else moved)


def monday(day: date) -> date:
    """Returns the Monday of a day's week.

    Said on a Sunday, "essa semana" and "semana que vem" both begin tomorrow.
    """
    return day - timedelta(days=day.weekday())


def never(match: re.Match[str], scene: Scene) -> Piece | None:
    """Reads nothing: a rule may be there to keep others away."""
    return None

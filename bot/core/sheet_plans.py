"""What spreadsheet somebody asks for: its title and columns, out of one sentence.

"faz uma planilha aí pra eu controlar os prazos da Maria" is a sheet "Prazos da Maria"
with the columns that one keeps terms in. Columns that are named are taken as named;
what is not understood stays in the title, so that nobody loses a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.core.entities.found import fold
from bot.core.sheet_columns import columns_for, is_subject, listed

MOST_COLUMNS = 30
LONGEST_TITLE = 100
"""Characters."""
_SHEET = (
    r"(?:google )?(?:planilh\w*|planil\w{1,3}|plania|plan(?=\s)|excel\w*|sheets?"
    r"|tabel(?:a|inha)s?(?! fipe)|quadro)"
)
_KIND = (
    r"(?:[ ,:]*\b(?:nov[ao]|do google|no google|google|do excel|em excel|no excel"
    r"|no sheets|no drive|simples|em branco|zerad[ao]|a[ií]|logo|rapid[ao]|agora"
    r"|p(?:ra|ara|/) (?:mim|n[oó]s|a gente|g?ente)|por favor|pfv?|uai|s[oó])\b)*"
)
_COMMAND = re.compile(rf"^.*?(?<!\w){_SHEET}(?!\w){_KIND}[\s,:;–-]*", re.I | re.S)
_OTHER_COMMAND = re.compile(
    r"^.*?\b(?:cria|abr|mont|fa[zçc]|ger|prepar)\w*\s+(?:a[ií]\s+|pra mim\s+)?uma?\s+"
    r"(?:aba (?:nova )?(?:de )?)?",
    re.I | re.S,
)
"""Where no word for a sheet stands: "monta um controle de alvarás"."""
_MEANT_BEFORE = re.compile(
    r"\b(?:anot|control(?!e (?!d))|lan[cç]|acompanh|organi[zs]"
    r"|registr|list|planilh|deix|quer|coloc)\w*"
    r"\s+(?:em excel\s+)?"
    r"(?P<what>(?:(?!ent[aã]o|cria\b|abre\b|faz\b)[^,;.:]){3,60}?)"
    r"\s*(?:,|;|\bn?uma?\b|\bem\b|\bno\b)",
    re.I,
)
_NAMED = re.compile(
    r"(?:\b(?:chamad[ao]|intitulad[ao]|com o (?:nome|t[ií]tulo)(?! d[ao]s? )(?: de)?"
    r"|de nome|e chama(?: ela)? de|nome:)\s*[:,]?\s*|(?=[\"“«]))"
    r"(?:[\"“«'](?P<quoted>[^\"”»']{1,120})[\"”»']|(?P<plain>[^,:;\"“]{2,120}?))"
    r"(?=\s*(?:$|[,:;.]|\bcom\b|\be (?:coloca|bota|p[oõ]e)\b))",
    re.I,
)
_COLUMNS = re.compile(
    r"[,;:(\s]*\b(?:(?:e )?(?:coloca|bota|p[oõ]e|deixa)\w*(?: ali| l[aá]| a[ií])? )?"
    r"(?:(?:com|nas?|de|tendo|e) )?(?:as |(?:uma|duas|tr[eê]s|quatro|cinco|seis|\d+) |"
    r"ess[ae]s |estas )?(?:colunas?|campos?|cabe[cç]alhos?)\b"
    r"(?: (?:de|do|da|para|pra|com)\b)?[\s:–-]*(?=(?P<list>.+))",
    re.I | re.S,
)
_WITH = re.compile(
    r"[,;\s]*\b(?:com|c/|contendo|incluindo|tendo|(?:que )?tem que ter|(?:que )?tenha)"
    r"\s+(?=(?P<list>.+))",
    re.I | re.S,
)
_COLON = re.compile(r"\s*(?::|\n|\s[–-]\s)\s*(?=(?P<list>.+))", re.S)
_PREPOSITION = re.compile(r"(?:d[aeo]s?|para|pra|pr[oa]s?|p/|sobre)\s", re.I)
_PURPOSE = re.compile(
    r"^(?:p(?:ra|ara|/|ro)\s+)?(?:(?:eu|mim|a gente|n[oó]s|que eu|que a gente)\s+)?"
    r"(?:ir\s+)?(?:anotar|deixar|controlar|lan[cç]ar|acompanhar|organizar|registrar|listar"
    r"|guardar|botar|colocar|p[oô]r|ver|somar|calcular|dividir)\s+",
    re.I,
)
_LEADING = re.compile(
    r"^(?:[\s,.;:–-]+|(?:com|contendo|c/|de|do|da|dos|das|para|pra|pro|pros|pras|p/|sobre"
    r"|a|o|as|os|uma?|mais|outra|igual|dess[ae]s?|dest[ae]s?|ess[ae]s?|est[ae]s?|agora"
    r"|isso|a[ií]|que|é|oi|ok)(?=[\s:,])[\s:,]+)+",
    re.I,
)
_TRAILING = re.compile(
    r"(?:[\s,.;:!?–👍-]+|[\s,]+(?:por favor|por gentileza|pfv?|pls|obrigad[oa]|valeu"
    r"|a[ií]|n[eé]|urgente|agora|blz|beleza|tch[eê]|s[oô]|uai|hoje|mesmo|mais nada"
    r"|t[aá]|p(?:ra|ara) (?:mim|n[oó]s|ontem)"
    r"|(?:cria|faz|abre) (?:a[ií]|uma|um arquivo)"
    r"|viu|visse|sem frescura|(?:n?o|em) (?:google )?(?:planilhas|sheets|drive|excel)"
    r"|r[aá]pido\b.*"
    r"|(?:que|q) (?:a minha|[oa] cliente|eu) (?:me )?(?:t[áôao]|est)\w* .*))+$",
    re.I,
)
_AFTERTHOUGHT = re.compile(
    r"[\s,]+(?:pra|para|que) (?:depois )?eu (?:mesm[oa] )?(?:depois )?"
    r"(?:mand|preench|v[oe]u|lev)\w*.*$|[\s,]+(?:que )?depois eu .*$",
    re.I | re.S,
)
_EMPTY = re.compile(
    r"(?:(?:em|no|na) )?(?:branco|zerad[ao]|vazi[ao]|nov[ao]|google|drive|excel|isso"
    r"|mim|a[ií]|favor|n[eé]|(?:cria|faz|abre|mont|ger)\w*(?: uma?| algo)?)?",
    re.I,
)
_AMOUNT = re.compile(r"\d+(?:[.,]\d+)?\s*(?:reais|r\$|conto)?\s*$", re.I)
_NAME_CUE = re.compile(
    r"\b((?:caso|dona|seu|sr|sra|dr|dra|senhor|senhora|doutor|doutora)\.?)"
    r"\s+(?!d[aeo]s?\b|um|[oae]s?\b)([^\W\d_][\w'’-]*)",
    re.I,
)
"""What a name follows, where nobody wrote its capital."""
_RAMBLING = re.compile(r"\s+(?:que|separando|com|pra que|porque)\s")
_LONG = 60
_SMALL = frozenset(
    "a o as os da das de do dos e em no na nos nas por para com x".split()
)
_UPPER = re.compile(
    r"(?<!\w)(?:cpf|cnpj|rg|oab|cnj|inss|fgts|cep|rpv|nit|pis|ctps|trt|trf|tst|stf|stj"
    r"|tj|cnis|iptu|ipva|itbi|itcmd|irpf|nf|rt|aij|trct|cat|bpc|loas|gru|clt|spc)(?!\w)",
    re.I,
)


@dataclass(frozen=True)
class SheetPlan:
    """A spreadsheet that somebody asked for."""

    title: str
    """At most 100 characters; "" where the sentence names no purpose."""
    columns: tuple[str, ...]
    """At most 30, each once; never none."""

    @property
    def is_named(self) -> bool:
        """Whether the sentence said what the sheet is for."""
        return bool(self.title)


def plan(description: str, *, names: Iterable[str] = ()) -> SheetPlan:
    """Returns the sheet that a command or a description asks for.

    Args:
        description: as somebody wrote it, with or without "cria uma planilha".
        names: of people in it, written as they should be.
    """
    said = _calm(description.strip(" ?!.\n"))
    subject, wanted = _parted(said)
    columns = tuple(_unique(map(_heading, wanted)))[:MOST_COLUMNS]
    title = _title(_bare(subject), names) or _title(_joined(columns[:3]), names)
    return SheetPlan(title, columns or columns_for(fold(title)))


def _parted(said: str) -> tuple[str, Sequence[str]]:
    """Returns what a sheet is for, and the columns that were named."""
    command = _COMMAND.match(said) or _OTHER_COMMAND.match(said)
    before = command[0] if command else ""
    rest = said[len(before) :]
    named = _NAMED.search(rest)
    if named:
        title = (named["quoted"] or named["plain"]).split(" não ")[-1]
        columns = _columns_in(rest[named.end() :]) or _columns_in(rest[: named.start()])
        return title, columns
    subject, columns = _split(rest)
    if not _bare(subject):
        found = _MEANT_BEFORE.search(before)
        subject = found["what"] if found else ""
    return subject, columns or _columns_in(before)


def _split(text: str) -> tuple[str, Sequence[str]]:
    """Parts a text where a list of columns begins; no columns where none does."""
    cues = (_COLUMNS, _COLON, _WITH)
    found = [(cue, each) for cue in cues for each in cue.finditer(text)]
    for cue, match in sorted(found, key=lambda each: each[1].start()):
        columns = listed(match["list"])
        is_list = cue is _COLUMNS or (len(columns) > 1 and not _are_entries(columns))
        if is_list and (cue is not _WITH or _names_columns(match)):
            return text[: match.start()], columns
    columns = listed(text)
    if len(re.findall(r"[,;\n]", text)) < 2 or _are_entries(columns):  # noqa: PLR2004
        return text, ()
    if _PREPOSITION.match(text) or is_subject(columns[0]):
        return re.split(r"[,;\n]", text, maxsplit=1)[0], columns[1:]
    return "", columns


def _names_columns(found: re.Match[str]) -> bool:
    """Says whether "com …" lists columns: "com o perito e a mãe" does not."""
    text, subject = found["list"], found.string[: found.start()]
    may_be_people = re.search(r"(?:com|c/)\s+(?:as?|os?)\s", found[0] + text[:3], re.I)
    is_list = not may_be_people or "," in text or not _bare(subject)
    return is_list and ":" not in text


def _columns_in(text: str) -> Sequence[str]:
    found = _COLUMNS.search(text) or _WITH.search(text)
    if not found:
        return ()
    columns = listed(found["list"])
    return () if _are_entries(columns) else columns


def _are_entries(columns: Sequence[str]) -> bool:
    """Says whether a list holds what is to stand in rows: "uber 32"."""
    return any(_AMOUNT.search(each) for each in columns)


def _bare(subject: str) -> str:
    """Returns a subject without what is said around it."""
    bare, before = subject.strip(), None
    while bare != before:
        before = bare
        bare = _TRAILING.sub("", _AFTERTHOUGHT.sub("", bare))
        bare = _PURPOSE.sub("", _LEADING.sub("", bare)).strip(" \"“”'«»()")
    return "" if _EMPTY.fullmatch(bare) else bare


def _title(subject: str, names: Iterable[str]) -> str:
    text = " ".join(subject.split()).replace(" só que ", " ")
    if len(text) > _LONG:
        text = _RAMBLING.split(text, maxsplit=1)[0]
    text = "".join(char for char in text if char.isprintable() and char not in "*_~`")
    text = " ".join(text.split())
    text = _UPPER.sub(_acronym, _NAME_CUE.sub(_named, text))
    for name in names:
        text = re.sub(
            rf"(?<!\w){re.escape(name)}(?!\w)", _written(name), text, flags=re.I
        )
    return _cut(text[:1].upper() + text[1:])


def _cut(title: str) -> str:
    if len(title) <= LONGEST_TITLE:
        return title
    return title[: LONGEST_TITLE + 1].rsplit(" ", 1)[0][:LONGEST_TITLE].rstrip(" ,.;:")


def _named(found: re.Match[str]) -> str:
    return f"{found[1]} {_written(found[2])}" if found[2].islower() else found[0]


def _written(name: str) -> str:
    words = name.split()
    return " ".join(
        word.lower() if word.lower() in _SMALL else word[:1].upper() + word[1:]
        for word in words
    )


def _acronym(found: re.Match[str]) -> str:
    return found[0].upper() if found[0].islower() else found[0]


def _calm(text: str) -> str:
    """Returns a text that was shouted in small letters."""
    letters = [char for char in text if char.isalpha()]
    is_shouted = len(letters) > 3 and all(char.isupper() for char in letters)  # noqa: PLR2004
    return text.lower() if is_shouted else text


def _heading(column: str) -> str:
    text = _UPPER.sub(_acronym, column)
    return text[:1].upper() + text[1:]


def _joined(columns: Sequence[str]) -> str:
    if not columns:
        return ""
    small = [
        each if each[:2].isupper() else each[:1].lower() + each[1:] for each in columns
    ]
    small[0] = columns[0]
    return small[0] if len(small) == 1 else f"{', '.join(small[:-1])} e {small[-1]}"


def _unique(columns: Iterable[str]) -> list[str]:
    kept: dict[str, str] = {}
    for each in filter(None, columns):
        kept.setdefault(fold(each), each)
    return list(kept.values())

"""The office's own sheet of lawsuits: a CSV that Excel writes and people edit.

What it says is told to clients, so a line that cannot be trusted is reported,
and the rest goes on being used. Whether somebody may hear of a case is decided
by the caller: `Case.phones` says whose it is.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from bot.core.errors import InvalidPhone
from bot.core.lawsuits import is_lawsuit_number
from bot.core.phones import parse_phone, same_person_numbers
from bot.core.texts import clean, name_words

_COLUMNS = {
    "numero": (
        "numero",
        "numero_do_processo",
        "numero_processo",
        "processo",
        "n_processo",
        "no_processo",
    ),
    "cliente": ("cliente", "nome", "nome_cliente"),
    "telefone": ("telefone", "celular", "whatsapp", "telefone_cliente"),
    "situacao": ("situacao", "status", "andamento", "situacao_atual"),
    "atualizado_em": ("atualizado_em", "atualizado", "ultima_atualizacao", "data"),
    "proximo_passo": ("proximo_passo", "proximos_passos"),
    "area": ("area", "area_direito"),
}
"""Each column and the other headings that mean it, as `_heading` writes them."""
HEADINGS = (
    "Número do processo", "Cliente", "Telefone", "Situação", "Atualizado em",
    "Próximo passo", "Área",
)  # fmt: skip
"""Of a new sheet."""
_REQUIRED = ("numero", "cliente", "telefone", "situacao", "atualizado_em")
_DELIMITERS = ";,\t"
_DATES = ("%d/%m/%Y", "%d/%m/%y", "%Y-%m-%d", "%d-%m-%Y", "%d.%m.%Y")
_BETWEEN_PHONES = re.compile(r"\s*[/;,|]\s*")
_SCIENTIFIC = re.compile(r"\d[.,]?\d*[eE]\+\d+")
_TOO_LARGE_BYTES = 20_000_000
"""A hundred thousand lines have some 15 MB; what is larger is no such sheet."""


@dataclass(frozen=True)
class Case:
    """One line of the sheet: a lawsuit of one client."""

    line: int
    """Line of the file, 1 for the headings."""
    number: str
    """20 digits; "" where the sheet's are wrong."""
    client: str
    phones: tuple[str, ...]
    """E.164, mostly one."""
    status: str
    """What the office says of it, one line."""
    updated_on: date | None
    next_step: str = ""
    area: str = ""
    """As the office writes it."""


@dataclass(frozen=True)
class CasesSheet:
    """The whole sheet, read."""

    cases: tuple[Case, ...] = ()
    problems: tuple[str, ...] = ()
    """In Portuguese, each with its line and what to do."""

    def __or__(self, other: CasesSheet) -> CasesSheet:
        """Returns both sheets' lines; where both have a lawsuit, this one's count."""
        numbers = {case.number for case in self.cases if case.number}
        added = tuple(case for case in other.cases if case.number not in numbers)
        return CasesSheet(self.cases + added, self.problems + other.problems)

    _by_number: Mapping[str, tuple[Case, ...]] = field(init=False, repr=False)
    _by_phone: Mapping[str, tuple[Case, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Prepares the look-ups."""
        numbered = ((case.number, case) for case in self.cases if case.number)
        object.__setattr__(self, "_by_number", _grouped(numbered))
        called = ((phone, case) for case in self.cases for phone in case.phones)
        object.__setattr__(self, "_by_phone", _grouped(called))

    def by_number(self, number: str) -> tuple[Case, ...]:
        """Returns a lawsuit's lines, one a client; only digits are compared."""
        return self._by_number.get(_digits(number), ())

    def of_phone(self, phone: str) -> tuple[Case, ...]:
        """Returns the cases of an E.164 number, with or without its ninth digit."""
        numbers = dict.fromkeys(same_person_numbers(phone))
        found = [case for each in numbers for case in self._by_phone.get(each, ())]
        return tuple(dict.fromkeys(found))


class CasesFile:
    """The sheet of a path, read again whenever the file changes."""

    def __init__(self, path: Path) -> None:
        """Reads nothing yet."""
        self._path = path
        self._version: tuple[int, int] | None = None
        self._sheet = CasesSheet()

    def sheet(self) -> CasesSheet:
        """Returns the sheet as the file is now; an empty one where there is none."""
        try:
            status = self._path.stat()
        except OSError:
            self._version, self._sheet = None, CasesSheet()
            return self._sheet
        version = (status.st_mtime_ns, status.st_size)
        if version != self._version:
            self._sheet = load_cases(self._path)
            # what could not be used is tried again: a program may be writing it
            self._version = version if self._sheet.cases else None
        return self._sheet


def load_cases(path: Path) -> CasesSheet:
    """Reads the sheet: UTF-8 or Windows' encoding, with `;`, `,` or tabs.

    Never fails: a missing file is an empty sheet, and what cannot be read is
    named in `problems`.
    """
    try:
        if not path.is_file():
            return CasesSheet()
        if path.stat().st_size > _TOO_LARGE_BYTES:
            return CasesSheet(problems=(f"{path.name}: o arquivo é grande demais",))
        text = _decoded(path.read_bytes())
    except OSError:
        return CasesSheet(problems=(f"{path.name}: não consigo ler o arquivo",))
    reader = _Reader(path.name)
    cases = tuple(reader.cases(text))
    return CasesSheet(cases, tuple(reader.problems))


def cases_of_rows(name: str, rows: Sequence[Mapping[str, str]]) -> CasesSheet:
    """Reads rows of a spreadsheet by its headings, whatever their order.

    Args:
        name: of the spreadsheet, for `problems`.
        rows: values by heading, the first row of the sheet first.
    """
    reader = _Reader(name)
    cases = tuple(reader.cases_of_rows(rows))
    return CasesSheet(cases, tuple(reader.problems))


class _Reader:
    """Turns lines into cases and notes what is wrong."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.problems: list[str] = []

    def cases(self, text: str) -> Iterator[Case]:
        """Yields the usable lines."""
        lines = text.split("\n")
        skipped = 0
        while lines and not lines[0].strip(" ;,\t"):  # Excel keeps empty top lines
            lines, skipped = lines[1:], skipped + 1
        if not lines:
            return
        marked = re.fullmatch(r"sep=(.)", lines[0].strip().lower())
        if marked:  # Excel's own line that names the delimiter
            lines, skipped = lines[1:], skipped + 1
        is_paired = text.count('"') % 2 == 0
        if not is_paired:  # one alone would swallow every line after it
            self.problems.append(
                f'{self._name}: há aspas (") sem par; apague-as e salve de novo'
            )
        rows = csv.reader(
            (line + "\n" for line in lines),
            delimiter=marked[1] if marked else _delimiter(lines),
            quoting=csv.QUOTE_MINIMAL if is_paired else csv.QUOTE_NONE,
        )
        try:
            columns = self._columns(next(rows, []))
            for row in rows if columns else ():
                if any(cell.strip() for cell in row):
                    cells = {
                        name: _one_line(row[at]) if at < len(row) else ""
                        for name, at in columns.items()
                    }
                    yield from self._case(cells, skipped + rows.line_num)
        except csv.Error:
            self._problem(
                skipped + rows.line_num,
                "não consigo separar as colunas; salve de novo como CSV",
            )

    def cases_of_rows(self, rows: Sequence[Mapping[str, str]]) -> Iterator[Case]:
        """Yields the usable rows; the second line of the sheet is the first row."""
        if not rows:
            return
        headings = list(rows[0])
        columns = self._columns(headings)
        for line, row in enumerate(rows, start=2):
            cells = {
                name: _one_line(row.get(headings[at], ""))
                for name, at in columns.items()
            }
            if any(cells.values()):
                yield from self._case(cells, line)

    def _problem(self, line: int, what: str) -> None:
        self.problems.append(f"{self._name}, linha {line}: {what}")

    def _columns(self, headings: list[str]) -> dict[str, int]:
        written = [_heading(each) for each in headings]
        columns = {}
        for name, variants in _COLUMNS.items():
            at = next((written.index(each) for each in variants if each in written), -1)
            if at >= 0:
                columns[name] = at
        missing = [name for name in _REQUIRED if name not in columns]
        if len(missing) == len(_REQUIRED):
            self.problems.append(
                f"{self._name}: não encontro as colunas; no Excel use Salvar como, "
                f"tipo CSV, com os títulos {', '.join(_REQUIRED)} na primeira linha"
            )
        elif missing:
            self.problems.append(
                f"{self._name}: falta a coluna {', '.join(missing)}; acrescente o "
                "título na primeira linha"
            )
        return columns

    def _case(self, cells: Mapping[str, str], line: int) -> Iterator[Case]:
        case = Case(
            line=line,
            number=self._number(cells.get("numero", ""), line),
            client=cells.get("cliente", ""),
            phones=self._phones(cells.get("telefone", ""), line),
            status=cells.get("situacao", ""),
            updated_on=self._date(cells.get("atualizado_em", ""), line),
            next_step=cells.get("proximo_passo", ""),
            area=cells.get("area", ""),
        )
        if not case.status and "situacao" in cells:
            self._problem(line, "a situação está vazia; escreva em que pé está o caso")
        if case.number or case.phones:
            yield case
        else:
            self._problem(line, "sem número e sem telefone válidos; não será usada")

    def _number(self, written: str, line: int) -> str:
        digits = _digits(written)
        if is_lawsuit_number(digits):
            return digits
        if _SCIENTIFIC.search(written):
            what = (
                f"o Excel trocou o número do processo por {written}; formate a coluna "
                "como Texto e digite de novo"
            )
        elif written:
            what = (
                f"o número do processo {written} não confere; copie os 20 dígitos do "
                "site do tribunal"
            )
        else:
            what = "falta o número do processo"
        self._problem(line, what)
        return ""

    def _phones(self, written: str, line: int) -> tuple[str, ...]:
        found = []
        for part in filter(None, _BETWEEN_PHONES.split(written)):
            try:
                found.append(parse_phone(part))
            except InvalidPhone:
                self._problem(
                    line, f"o telefone {part} não é válido; use DDD: (11) 98765-4321"
                )
        return tuple(found)

    def _date(self, written: str, line: int) -> date | None:
        day = written.split(" ")[0]
        for shape in _DATES:
            try:
                return datetime.strptime(day, shape).date()  # noqa: DTZ007 - a day
            except ValueError:
                continue
        if written:
            self._problem(line, f"a data {written} não é válida; use dia/mês/ano")
        return None


def _decoded(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):  # Excel's "Texto Unicode"
        return clean(raw.decode("utf-16", "replace"))
    try:
        return clean(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return clean(raw.decode("cp1252", "replace"))


def _delimiter(lines: list[str]) -> str:
    return max(_DELIMITERS, key=lines[0].count)


def _heading(written: str) -> str:
    return "_".join(name_words(written.replace("_", " "))).replace("º", "o")


def _one_line(written: str) -> str:
    return " ".join(written.split())


def _digits(written: str) -> str:
    return "".join(char for char in written if char.isascii() and char.isdigit())


def _grouped(pairs: Iterable[tuple[str, Case]]) -> dict[str, tuple[Case, ...]]:
    groups: dict[str, list[Case]] = {}
    for key, case in pairs:
        groups.setdefault(key, []).append(case)
    return {key: tuple(cases) for key, cases in groups.items()}

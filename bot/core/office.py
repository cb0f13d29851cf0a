"""The office's own facts: one YAML file that the office edits.

The file is written by people who do not program, so every mistake is told in
one Portuguese line that names the field and what to write there.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.core.errors import InvalidPhone, SettingsError
from bot.core.hours import WEEKDAYS, Closure, Interval, WeeklyHours, listed
from bot.core.names import AREAS, MODALITIES
from bot.core.phones import parse_phone, same_person_numbers
from bot.core.texts import name_words
from bot.core.zones import DEFAULT, ZONES, zone_of

UFS = frozenset(
    "AC AL AM AP BA CE DF ES GO MA MG MS MT PA PB PE PI PR RJ RN RO RR RS SC SE SP TO"
    .split()
)  # fmt: skip

_PREFIX = "escritorio_"
_TEXTS = (
    "nome",
    "oab",
    "horario",
    "endereco",
    "como_chegar",
    "honorarios",
    "telefone",
    "email",
    "documentos",
    "encarregado",
)
_DERIVED = "horario"
"""Written from `expediente` where the file does not give it."""
_REQUIRED = (
    *(key for key in _TEXTS if key != _DERIVED),
    "areas",
    "uf",
    "expediente",
    "advogados",
)
_OPTIONAL = (
    _DERIVED,
    "municipio",
    "fuso",
    "fechado",
    "pontos_facultativos",
    "duracao_min",
    "antecedencia_min",
    "ate_dias",
    "documentos_por_area",
)
_DEFAULT = "padrao"
_DEFAULT_DURATION_MIN = 60
_DEFAULT_NOTICE_MIN = 120
_DEFAULT_HORIZON_DAYS = 60
_STEP_MIN = 5
OFFICE_CALENDAR = "primary"
_LONGEST_NAME = 120
"""What the database keeps of a lawyer's name."""
_LEAP_YEAR = 2000
"""Carries days of every year; a leap year, so that 29/02 is one of them."""
_INTERVAL = re.compile(r"(\d{1,2})[:h](\d{2})\s*(?:-|–|às|as)\s*(\d{1,2})[:h](\d{2})")
_LAWYER_FIELDS = ("nome", "areas", "telefone", "email", "agenda", "atende")
_CALENDAR = re.compile(rf"{OFFICE_CALENDAR}|[^@\s]+@[^@\s]+\.[^@\s]+")
_DAY = re.compile(r"(\d{1,2})/(\d{1,2})(?:/(\d{4}))?")


@dataclass(frozen=True)
class Lawyer:
    """Somebody of the office with a calendar of their own."""

    name: str
    """As people read it, with the title: `Dra. Helena Modelo`; unique."""
    areas: tuple[str, ...]
    """Slugs of `AREAS`."""
    modalities: tuple[str, ...]
    """`online`, `presencial` or both."""
    phone: str | None = None
    """E.164."""
    email: str | None = None
    calendar: str = OFFICE_CALENDAR
    """Id of the Google calendar, mostly an e-mail address; `primary` is that of
    whoever connected the office."""


@dataclass(frozen=True)
class Office:
    """What `escritorio.yml` says, checked."""

    texts: Mapping[str, str]
    """One sentence or value a key, as `horario` or `endereco`."""
    areas: tuple[str, ...]
    """Areas of law as people call them, as `direito do trabalho`."""
    area_names: Mapping[str, str]
    """The same by slug of `AREAS`; an area without a slug is not among them."""
    uf: str
    """Two capital letters; decides the holidays of the state."""
    hours: WeeklyHours
    closures: tuple[Closure, ...]
    lawyers: tuple[Lawyer, ...]
    """At least one."""
    durations_min: Mapping[str, int]
    """Minutes of an appointment: `padrao`, and slugs that differ from it."""
    notice_min: int = _DEFAULT_NOTICE_MIN
    """Shortest notice for an appointment, minutes."""
    horizon_days: int = _DEFAULT_HORIZON_DAYS
    """How many days ahead one may book."""
    closes_on_optional_days: bool = True
    """Whether Carnival, Corpus Christi and the like are closed."""
    area_documents: Mapping[str, str] | None = None
    """Which papers to bring, by slug of an area."""
    city: str = ""
    zone: ZoneInfo = ZoneInfo(DEFAULT)  # noqa: RUF009 - immutable
    """Whose clock the office's hours are told by."""

    def handles(self, area: str) -> bool:
        """Says whether the office takes cases of an area (a slug of `AREAS`).

        An office that gave no area its slug is asked about all of them.
        """
        return area in self.area_names or not self.area_names

    def duration_min(self, area: str | None = None) -> int:
        """Returns the minutes of an appointment about an area (a slug)."""
        default = self.durations_min[_DEFAULT]
        return self.durations_min.get(area, default) if area else default

    def documents_for(self, area: str | None = None) -> str:
        """Returns which papers to bring for an area (a slug), or in general."""
        return (self.area_documents or {}).get(area or "", self.texts["documentos"])

    def lawyer_of_phone(self, phone: str) -> Lawyer | None:
        """Returns the lawyer with an E.164 number, with or without the ninth digit."""
        numbers = same_person_numbers(phone)
        return next((each for each in self.lawyers if each.phone in numbers), None)

    def variables(self) -> dict[str, str]:
        """Returns every fact under the name that responses use for it."""
        facts = {_PREFIX + key: value for key, value in self.texts.items()}
        facts[_PREFIX + "areas"] = listed(self.areas)
        facts[_PREFIX + "advogados"] = listed(each.name for each in self.lawyers)
        return facts

    def as_text(self) -> str:
        """Returns the facts as lines of text, as the model gets them."""
        lines = [f"{key}: {value}" for key, value in self.texts.items()]
        lines.append(f"áreas: {listed(self.areas)}")
        lines.append(f"advogados: {listed(each.name for each in self.lawyers)}")
        return "\n".join(lines)


def load_office(path: Path) -> Office:
    """Reads and checks the office's file.

    Raises:
        SettingsError: the file is missing, is no YAML, lacks a field or has a
            wrong one; one line a problem, in Portuguese.
    """
    try:
        raw: Any = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path.name}: não consigo ler o arquivo"]) from error
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", perto da linha {mark.line + 1}" if mark else ""
        raise SettingsError([f"{path.name}: não é um YAML válido{line}"]) from error
    except ValueError as error:  # 2026-02-30, which YAML takes for a date
        raise SettingsError([f"{path.name}: tem uma data que não existe"]) from error
    if not isinstance(raw, dict):
        raise SettingsError([f"{path.name}: deve ter uma lista de campos"])
    reader = _Reader(raw)
    office = reader.office()
    if office is None:
        raise SettingsError([f"{path.name}: {problem}" for problem in reader.problems])
    return office


def zone_in(path: Path) -> ZoneInfo:
    """Returns the zone of the office's file; São Paulo's where that cannot be read.

    For processes that take messages also while the file is wrong; the others refuse
    to start and say why.
    """
    try:
        return load_office(path).zone
    except SettingsError:
        return zone_of("")


class _Reader:
    """Turns the file's fields into an `Office` and notes what is wrong."""

    def __init__(self, raw: Mapping[Any, Any]) -> None:
        self._raw = raw
        self.problems: list[str] = []

    def office(self) -> Office | None:
        """Returns the office; None where `problems` has something to say."""
        self._check_names()
        texts = {key: _one_line(self._raw.get(key, "")) for key in _TEXTS}
        areas, area_names = self._areas()
        hours = self._hours()
        office = Office(
            texts=texts,
            areas=areas,
            area_names=area_names,
            uf=self._uf(),
            hours=hours,
            closures=self._closures(),
            lawyers=self._lawyers(area_names),
            durations_min=self._durations(),
            notice_min=self._number(
                "antecedencia_min", 0, 10_080, default=_DEFAULT_NOTICE_MIN
            ),
            horizon_days=self._number(
                "ate_dias", 1, 365, default=_DEFAULT_HORIZON_DAYS
            ),
            closes_on_optional_days=self._optional_days(),
            area_documents=self._documents(),
            city=_one_line(self._raw.get("municipio") or ""),
            zone=self._zone(),
        )
        if self.problems:
            return None
        texts[_DERIVED] = texts[_DERIVED] or hours.in_words()
        return office

    def _wrong(self, field: str, what: str) -> None:
        self.problems.append(f"'{field}' {what}")

    def _check_names(self) -> None:
        for key in _REQUIRED:
            if self._raw.get(key) in (None, "", [], {}):
                self.problems.append(f"falta o campo '{key}'")
        known = (*_REQUIRED, *_OPTIONAL)
        for key in self._raw:
            if key not in known:
                close = difflib.get_close_matches(str(key), known, n=1)
                hint = f"; quis dizer '{close[0]}'?" if close else ""
                self.problems.append(f"não conheço o campo '{key}'{hint}")
        for key in _TEXTS:
            if isinstance(self._raw.get(key), (list, dict)):
                self._wrong(key, "deve ser um texto")

    def _areas(self) -> tuple[tuple[str, ...], dict[str, str]]:
        items = self._raw.get("areas")
        if items and not isinstance(items, list):
            self._wrong("areas", "deve ser uma lista, um item por linha")
            return (), {}
        texts = []
        names = {}
        for item in items or []:
            if isinstance(item, dict) and len(item) == 1:
                ((key, text),) = item.items()
                slug = self._area(key, where="areas")
            else:
                text = item
                slug = _slug(item) if _slug(item) in AREAS else None
            if not isinstance(text, str) or not text.strip():
                self._wrong(
                    "areas", "deve ter linhas como: - familia: direito de família"
                )
                continue
            texts.append(_one_line(text))
            if slug:
                names[slug] = texts[-1]
        return tuple(texts), names

    def _area(self, value: Any, *, where: str) -> str | None:
        slug = _slug(value)
        if slug in AREAS:
            return slug
        self._wrong(where, f"não conhece a área '{value}'; use {_or(AREAS)}")
        return None

    def _uf(self) -> str:
        value = str(self._raw.get("uf") or "").strip().upper()
        if value and value not in UFS:
            self._wrong(
                "uf", f"deve ser a sigla de um estado, como SP, e não '{value}'"
            )
        return value

    def _zone(self) -> ZoneInfo:
        named = _one_line(self._raw.get("fuso"))
        if named and named not in ZONES:
            close = difflib.get_close_matches(named, ZONES, n=1, cutoff=0.5)
            example = close[0] if close else "America/Manaus"
            self._wrong(
                "fuso", f"deve ser um fuso do Brasil, como {example}, e não '{named}'"
            )
            named = ""
        return zone_of(str(self._raw.get("uf") or "").strip().upper(), named)

    def _hours(self) -> WeeklyHours:
        days: list[tuple[Interval, ...]] = [()] * len(WEEKDAYS)
        week = self._raw.get("expediente")
        if week and not isinstance(week, dict):
            self._wrong("expediente", 'deve ter linhas como: segunda: ["09:00-18:00"]')
            week = None
        slugs = [_slug(name) for name in WEEKDAYS]
        for key, value in (week or {}).items():
            weekday = _slug(key)
            weekday += "" if weekday in slugs else "_feira"
            if weekday not in slugs:
                self._wrong(
                    "expediente", f"não conhece o dia '{key}'; use segunda, terça…"
                )
                continue
            days[slugs.index(weekday)] = self._intervals(str(key), value)
        if week and not any(days) and not self.problems:
            self._wrong("expediente", "deve ter ao menos um dia com horário")
        return WeeklyHours(tuple(days))

    def _intervals(self, weekday: str, value: Any) -> tuple[Interval, ...]:
        found = []
        for item in value if isinstance(value, list) else [value]:
            if item is None:
                continue
            parts = _INTERVAL.fullmatch(str(item).strip())
            try:
                a, b, c, d = map(int, parts.groups()) if parts else (99, 0, 0, 0)
                interval = time(a, b), time(c, d)
            except ValueError:
                interval = None
            if interval is None or interval[0] >= interval[1]:
                self._wrong(
                    "expediente",
                    f"em {weekday}: '{item}' não é um período; "
                    'escreva como "09:00-18:00"',
                )
                continue
            found.append(interval)
        found.sort()
        if any(one[1] > two[0] for one, two in itertools.pairwise(found)):
            self._wrong("expediente", f"em {weekday}: os períodos não podem se cruzar")
        return tuple(found)

    def _closures(self) -> tuple[Closure, ...]:
        items = self._raw.get("fechado") or []
        if not isinstance(items, list):
            self._wrong("fechado", "deve ser uma lista, um item por linha")
            return ()
        return tuple(filter(None, map(self._closure, items)))

    def _closure(self, item: Any) -> Closure | None:
        if not isinstance(item, dict):
            item = {"dia": item}
        first = _day(item.get("dia", item.get("de")))
        last = _day(item.get("dia", item.get("ate", item.get("de"))))
        shown = ", ".join(f"{key}: {value}" for key, value in item.items())
        if set(item) - {"dia", "de", "ate", "motivo"} or not first or not last:
            self._wrong(
                "fechado",
                f"tem '{shown}'; escreva 'dia: 25/01', ou 'de: 20/12' e 'ate: 06/01'",
            )
            return None
        is_yearly = first.year == last.year == _LEAP_YEAR
        if not is_yearly and (_LEAP_YEAR in (first.year, last.year) or first > last):
            self._wrong("fechado", f"tem '{shown}'; 'ate' deve vir depois de 'de'")
            return None
        reason = _one_line(item.get("motivo") or "sem atendimento")
        return Closure(first, last, reason, is_yearly)

    def _optional_days(self) -> bool:
        value = _slug(self._raw.get("pontos_facultativos") or "fechado")
        if value not in {"fechado", "aberto"}:
            self._wrong("pontos_facultativos", "deve ser fechado ou aberto")
        return value == "fechado"

    def _durations(self) -> dict[str, int]:
        durations = {_DEFAULT: _DEFAULT_DURATION_MIN}
        given = self._raw.get("duracao_min") or {}
        if not isinstance(given, dict):
            given = {_DEFAULT: given}
        for key, value in given.items():
            is_default = _slug(key) == _DEFAULT
            name = _DEFAULT if is_default else self._area(key, where="duracao_min")
            if not _is_whole(value, 15, 480) or value % _STEP_MIN:
                self._wrong(
                    "duracao_min",
                    f"de {key} deve ser de 15 a 480 minutos, de 5 em 5, como 60",
                )
            elif name:
                durations[name] = value
        return durations

    def _number(self, field: str, least: int, most: int, *, default: int) -> int:
        value = self._raw.get(field)
        if value is None:
            return default
        if not _is_whole(value, least, most):
            self._wrong(field, f"deve ser um número inteiro de {least} a {most}")
            return default
        return int(value)

    def _documents(self) -> dict[str, str]:
        given = self._raw.get("documentos_por_area") or {}
        if not isinstance(given, dict):
            self._wrong(
                "documentos_por_area", "deve ter linhas como: familia: certidões"
            )
            return {}
        return {
            slug: _one_line(text)
            for key, text in given.items()
            if (slug := self._area(key, where="documentos_por_area")) and text
        }

    def _lawyers(self, offered: Mapping[str, str]) -> tuple[Lawyer, ...]:
        items = self._raw.get("advogados") or []
        if not isinstance(items, list) or not all(isinstance(i, dict) for i in items):
            self._wrong(
                "advogados",
                "deve ser uma lista; cada um começa com '- nome:' e tem 'areas:'",
            )
            return ()
        lawyers = [self._lawyer(item, offered) for item in items]
        names = [name_words(each.name) for each in lawyers]
        for each in lawyers:
            if each.name and names.count(name_words(each.name)) > 1:
                self._wrong("advogados", f"tem '{each.name}' mais de uma vez")
                break
        return tuple(lawyers)

    def _lawyer(self, item: Mapping[Any, Any], offered: Mapping[str, str]) -> Lawyer:
        name = _one_line(item.get("nome") or "")
        if not name or len(name) > _LONGEST_NAME:
            self._wrong(
                "advogados", f"deve ter 'nome' em cada um, até {_LONGEST_NAME} letras"
            )
        where = f"advogados: {name}"
        for key in item:
            if key not in _LAWYER_FIELDS:
                known = ", ".join(_LAWYER_FIELDS)
                self._wrong(where, f"não conhece '{key}'; use {known}")
        areas = [self._area(each, where=where) for each in _as_list(item.get("areas"))]
        for area in areas:
            if area and offered and area not in offered:
                self._wrong(where, f"tem a área '{area}', que falta em 'areas'")
        email = _one_line(item.get("email") or "")
        if email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
            self._wrong(where, f"tem o e-mail '{email}', que não é um endereço")
        return Lawyer(
            name=name,
            areas=tuple(filter(None, areas)),
            modalities=self._modalities(item.get("atende"), where),
            phone=self._phone(item.get("telefone"), where),
            email=email or None,
            calendar=self._calendar(item.get("agenda"), where),
        )

    def _calendar(self, value: Any, where: str) -> str:
        written = _one_line(value)
        if written and not _CALENDAR.fullmatch(written):
            self._wrong(
                where,
                f"tem a agenda '{written}'; escreva o ID da agenda, que está nas "
                "configurações dela no Google e parece um e-mail",
            )
        return written or OFFICE_CALENDAR

    def _modalities(self, value: Any, where: str) -> tuple[str, ...]:
        found = tuple(_slug(each) for each in _as_list(value))
        if set(found) - set(MODALITIES):
            self._wrong(where, "deve ter em 'atende' online, presencial ou os dois")
        return found or MODALITIES

    def _phone(self, value: Any, where: str) -> str | None:
        try:
            return parse_phone(str(value)) if value else None
        except InvalidPhone:
            self._wrong(
                where, f"tem o telefone '{value}'; escreva com DDD: (11) 98765-4321"
            )
            return None


def _one_line(value: Any) -> str:
    return " ".join(str(value if value is not None else "").split())


def _slug(value: Any) -> str:
    return "_".join(name_words(str(value))).replace("-", "_")


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _is_whole(value: Any, least: int, most: int) -> bool:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return is_whole and least <= value <= most


def _or(items: tuple[str, ...]) -> str:
    return " ou ".join([", ".join(items[:-1]), items[-1]])


def _day(value: Any) -> date | None:
    """Returns a day; one of every year is given in `_LEAP_YEAR`."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    parts = _DAY.fullmatch(str(value).strip())
    try:
        if parts is None:
            return date.fromisoformat(str(value).strip())
        return date(int(parts[3] or _LEAP_YEAR), int(parts[2]), int(parts[1]))
    except ValueError:
        return None

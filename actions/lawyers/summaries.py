"""What is known of a client in a few lines: facts, and the client's own words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from actions.appointments.booking import in_words
from bot.core.filed_names import counted_kinds
from bot.core.names import Profile
from bot.core.office import Office
from bot.core.schedule import ZONE, short
from bot.core.whatsapp_markup import escaped
from bot.store.appointments import BOOKED, CANCELLED, MOVED, Appointment
from bot.store.histories import History, Waits
from bot.store.media import KEPT, PENDING
from llm_fallback import Exchange

MOST_LINES = 12
_MOST_QUOTED = 3
_MOST_APPOINTMENTS = 3
_LONGEST_QUOTE = 120
_LONGEST_STORY = 300
_UNKNOWN_AREA = "outra"
_STATUS = {BOOKED: "marcada", CANCELLED: "cancelada", MOVED: "remarcada"}
REASONS = {
    "falar_com_advogado": "pediu para falar com um advogado",
    "relatar_urgencia": "relatou uma urgência",
    "relatar_caso": "contou um caso",
    "reclamar": "fez uma reclamação",
    "excluir_dados": "pediu para apagar os dados",
    "rascunho_ia": "há uma resposta da IA para revisar",
    "horario_perdido": "o horário escolhido foi tomado antes",
    "sem_horarios": "não havia horário livre",
    "modo_humano": "o robô estava desligado",
    "turno_falhou": "o robô não conseguiu responder",
    "turno_sem_resposta": "o robô não conseguiu responder",
    "trabalho_falhou": "algo não pôde ser feito no Google",
}
"""Why somebody waits, in words; others are shown as they are called."""


def in_words_why(reason: str) -> str:
    """Returns why somebody waits for a person, as people say it."""
    return REASONS.get(reason, reason.replace("_", " "))


def facts_of(history: History, office: Office, now: datetime) -> list[str]:
    """Returns what the office knows for sure, in none of the client's words."""
    return list(filter(None, _facts(history, office, now)))


def _facts(history: History, office: Office, now: datetime) -> Iterator[str]:
    known = "cliente" if history.profile is Profile.CLIENT else "ainda sem cadastro"
    yield f"Em contato desde {_day(history.since_at, '%d/%m/%Y')} ({known})"
    if history.waits:
        yield _waiting(history.waits)
    if history.is_with_person:
        yield "Uma pessoa do escritório está respondendo, e não o robô"
    yield _area(history, office)
    for each in history.appointments[-_MOST_APPOINTMENTS:]:
        yield _appointment(each, now)
    kept = [each for each in history.files if each.status in {KEPT, PENDING}]
    if kept:
        last = _day(kept[-1].sent_at)
        counted = counted_kinds(each.media_type for each in kept)
        yield f"Mandou {counted}, por último em {last}"


def _waiting(waits: Waits) -> str:
    urgent = " 🔴 urgente" if waits.is_urgent else ""
    since = _day(waits.since_at, "%d/%m às %Hh%M")
    return f"Aguarda uma pessoa desde {since}: {in_words_why(waits.reason)}{urgent}"


def _area(history: History, office: Office) -> str:
    areas = (str(each.facts.get("area_direito") or "") for each in history.requests)
    told = (area for area in areas if area and area != _UNKNOWN_AREA)
    booked = (str(each.facts.area or "") for each in history.appointments[::-1])
    area = next(told, "") or next(filter(None, booked), "")
    return f"Área: {office.area_names.get(area, area)}" if area else ""


def _appointment(booked: Appointment, now: datetime) -> str:
    start = datetime.fromtimestamp(booked.starts_at, ZONE)
    status = _STATUS.get(booked.status, booked.status)
    if booked.status == BOOKED and start < now:
        status = "que já passou"
    confirmed = ", presença confirmada" if booked.confirmed_at else ""
    place = in_words(booked.facts.modality)
    when = short(start)
    return f"Consulta {status}: {when}, {place}, com {booked.lawyer}{confirmed}"


def told_by(history: History) -> list[str]:
    """Returns the client's own words: the case, the complaint, the last messages."""
    lines = list(filter(None, map(_story, _newest_of_kind(history))))
    for wrote in history.messages[-_MOST_QUOTED:]:
        lines.append(f"{_day(wrote.at, '%d/%m %Hh%M')}: {_quoted(wrote.text)}")
    return lines


def _newest_of_kind(history: History) -> Iterable[tuple[str, Mapping[str, object]]]:
    newest: dict[str, Mapping[str, object]] = {}
    for each in history.requests:
        newest.setdefault(each.kind, each.facts)
    return newest.items()


def _story(told: tuple[str, Mapping[str, object]]) -> str:
    """Returns what a flow collected, in one line; "" where it is told elsewhere."""
    kind, facts = told
    said = {name: str(value or "") for name, value in facts.items()}
    if kind == "relatar_caso":
        parts = [_quoted(said.get("relato", ""), _LONGEST_STORY)]
        parts += [
            f"{words}: {_quoted(said[name])}"
            for name, words in (
                ("desde_quando", "desde"), ("parte_contraria", "contra"),
                ("prazo", "prazo"), ("contato", "contato"),
            )
            if said.get(name)
        ]  # fmt: skip
        return f"Caso: {'; '.join(parts)}"
    if kind == "agendar_consulta" and said.get("assunto"):
        return f"Quis consulta sobre {_quoted(said['assunto'])}"
    if kind == "reclamar":
        return f"Reclamou: {_quoted(said.get('texto', ''))}"
    return ""


def lines_of(facts: Iterable[str], words: Iterable[str]) -> str:
    """Returns a list that can be read at a glance, of at most twelve lines."""
    return "\n".join(f"• {each}" for each in [*facts, *words][:MOST_LINES])


def exchanges_of(history: History) -> list[Exchange]:
    """Returns the conversation for the model; what flows collected comes first."""
    stories = [
        Exchange(each, "") for each in map(_story, _newest_of_kind(history)) if each
    ]
    talk = [Exchange(each.text, "\n".join(each.answers)) for each in history.messages]
    return [*stories, *talk]


def _quoted(text: str, longest: int = _LONGEST_QUOTE) -> str:
    words = " ".join(text.split())
    if len(words) > longest:
        words = words[:longest].rsplit(" ", 1)[0] + "…"
    return f"“{escaped(words)}”"


def _day(at: float, shape: str = "%d/%m") -> str:
    return datetime.fromtimestamp(at, ZONE).strftime(shape)

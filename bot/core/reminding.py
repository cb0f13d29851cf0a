"""Reminders of appointments: when they are due, what they say.

Pure; what people answer to them is read by `bot.core.reminder_replies`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from bot.core.office import Office
from bot.core.schedule import spoken

ABOUT = "consulta"
"""What an option's payload calls the appointment that it is about."""
_HOUR_S = 3600.0
_SOONEST_S = 1800.0
"""A reminder sooner after the booking than this tells nothing new."""
_NOBODY = "cliente"


@dataclass(frozen=True)
class Lead:
    """How long before an appointment a reminder comes."""

    name: str
    """As jobs are keyed by it: `24h`."""
    before_s: float
    least_s: float
    """Seconds to the appointment from which on a late one is not worth sending."""


DAY = Lead("24h", 24 * _HOUR_S, 3 * _HOUR_S)
HOUR = Lead("1h", _HOUR_S, 300.0)
LEADS = {each.name: each for each in (DAY, HOUR)}


def due(starts_at: float, *, now: float) -> dict[str, float]:
    """Returns when to remind of an appointment booked now, UTC seconds by lead."""
    times = {each.name: starts_at - each.before_s for each in LEADS.values()}
    return {name: at for name, at in times.items() if at - now >= _SOONEST_S}


def good_until(lead: Lead, starts_at: datetime, now: datetime) -> float:
    """Returns until when a reminder written now may be sent, UTC seconds.

    Not too near to the appointment, and not on another day: "amanhã" would be wrong.

    Args:
        lead: which reminder.
        starts_at: aware.
        now: aware, in the office's zone.
    """
    tomorrow = now.date() + timedelta(days=1)
    midnight = datetime.combine(tomorrow, time(), now.tzinfo)
    return min(starts_at.timestamp() - lead.least_s, midnight.timestamp())


@dataclass(frozen=True)
class Visit:
    """What a reminder tells of an appointment."""

    lawyer: str
    starts_at: datetime
    """Aware."""
    person_name: str = ""
    is_online: bool = False
    meeting_link: str = ""
    is_confirmed: bool = False


def written(lead: Lead, visit: Visit, office: Office, now: datetime) -> str:
    """Returns a reminder's text, without the options to tap.

    Args:
        lead: which reminder.
        visit: the appointment.
        office: its address.
        now: aware, in the office's zone.
    """
    name = _first_name(visit.person_name)
    hello = f"Olá, {name}!" if name else "Olá!"
    is_day = lead is DAY
    opening = "Lembrete da sua consulta" if is_day else "Sua consulta está chegando"
    when = f"*{spoken(visit.starts_at, now)}*, com {visit.lawyer}."
    ending = "Você confirma que vem?"
    if visit.is_online:
        ending = "Você confirma que participa?"
    if visit.is_confirmed:
        ending = "Até já! Se não puder, escreva *remarcar* ou *cancelar*."
    return f"{hello} {opening}: {when}\n{_where(visit, office)}\n\n{ending}"


def variables(visit: Visit, office: Office, now: datetime) -> Mapping[str, str]:
    """Returns what fills the approved template: name, when, lawyer, place or link."""
    place = office.texts["endereco"]
    if visit.is_online:
        place = visit.meeting_link or "por vídeo (o escritório manda o link)"
    values = (
        _first_name(visit.person_name) or _NOBODY,
        spoken(visit.starts_at, now),
        visit.lawyer,
        place,
    )
    return {str(number): value for number, value in enumerate(values, start=1)}


def options(appointment_id: int) -> list[dict[str, str]]:
    """Returns what may be tapped: complete in itself, also after other talk."""
    intents = {
        "Confirmar": "afirmar",
        "Remarcar": "remarcar_consulta",
        "Cancelar": "cancelar_consulta",
    }
    return [
        {"title": title, "payload": f'/{intent}{{"{ABOUT}": "{appointment_id}"}}'}
        for title, intent in intents.items()
    ]


def _where(visit: Visit, office: Office) -> str:
    if not visit.is_online:
        return f"Endereço: {office.texts['endereco'].rstrip('.')}."
    if visit.meeting_link:
        return f"É por vídeo, neste link: {visit.meeting_link}"
    return "É por vídeo: o escritório manda o link por aqui."


def _first_name(name: str) -> str:
    first = next(iter(name.split()), "")
    return first if first.replace("-", "").isalpha() else ""

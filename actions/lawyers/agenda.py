"""A lawyer's day or week, and a commitment put on it from one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from actions.appointments.booking import forget, in_words
from actions.appointments.when import WISH
from actions.base import Events
from actions.conversation import Conversation
from actions.dialogue.form import CONFIRMED, YES, FormTurn
from actions.dialogue.heard import heard_in
from actions.diary import CalendarSilent
from actions.lawyers import words
from actions.lawyers.base import (
    EndOfLawyerForm,
    LawyerAction,
    LawyerForm,
    agenda_owner,
    lawyer_who_writes,
)
from actions.services import Services
from bot.core.names import AnsweredBy
from bot.core.office import Lawyer
from bot.core.ports import Event, Feature
from bot.core.schedule import Wish, spoken, spoken_day
from bot.store import appointments
from bot.store.appointments import Appointment

FLOW = "criar_compromisso"
TITLE, WHEN, HELD = "titulo", "quando", "reserva"
_WEEK_DAYS = 7
_MINUTES = 60
_LONGEST_TITLE = 120
_VERBS = (
    "marca|marque|agenda|agende|coloca|coloque|bota|bote|p[oô]e|põe|insere|insira|inclui"
    "|inclua|anota|anote|cria|crie|registra|registre|lança|lance|adiciona|adicione"
    "|reserva|reserve|bloqueia|bloqueie|lembra|lembre"
)
_COMMAND = re.compile(
    r"^\W*(?:(?:oi|bom dia|boa tarde|boa noite|por favor|pfv?|ei|opa)[,!. ]+)*"
    rf"(?:(?:(?:preciso|quero|vamos) )?(?:me )?(?:{_VERBS})r?"
    r"(?: (?:a[ií]|l[aá]|pra mim|para mim))?[,:]? )?"
    r"(?:(?:que )?(?:eu )?(?:tenho|vou ter) )?"
    r"(?:(?:um |o )?(?:compromisso|evento)(?: de)?(?: |$))?(?:uma |um |a |o )?",
    re.I,
)
_EDGES = re.compile(
    r"^(?:[\s,.;:–-]|\b(?:pr[ao]s?|para|no|na|em|de|do|da|às|as|dia|a|o)\b\s)+|"
    r"(?:[\s,.;:–-]|\s\b(?:pra|para|no|na|em|de|do|da|às|as|dia|a|o|minha agenda|"
    r"na minha agenda|na agenda|por favor|pfv?|(?:anota|marca|agenda)(?: a[ií])?"
    r"|t[aá])\b)+$",
    re.I,
)
_AGENDA_WORDS = re.compile(r"\b(?:n?a )?(?:minha )?agenda\b", re.I)


class ShowAgenda(LawyerAction):
    """Lists a day, or the next seven days where none is named."""

    async def answer(self, conversation: Conversation) -> Events:
        """Groups by day, soonest first; says which calendar could not be seen."""
        heard = heard_in(conversation.latest_message, now=conversation.now)
        first, last = _days(heard.wish(), conversation.now.date())
        mine = lawyer_who_writes(self.services.office, conversation)
        zone = self.services.office.zone
        days = (_midnight(first, zone), _midnight(last + timedelta(days=1), zone))
        booked = await self.services.read(
            lambda connection: appointments.between(
                connection,
                first=days[0].timestamp(),
                last=days[1].timestamp(),
                lawyer=mine.name if mine else None,
            )
        )
        foreign, is_seen = await foreign_events(self.services, mine, *days)
        entries = [_entry(each, zone, with_lawyer=mine is None) for each in booked]
        entries += [
            _foreign_entry(each, zone, with_lawyer=mine is None) for each in foreign
        ]
        response = "utter_ver_agenda" if entries else "utter_ver_agenda_vazia"
        status = await self.services.keepers.status()
        conversation.say(
            response,
            answered_by=AnsweredBy.FLOW,
            periodo=_period(first, last, conversation.now.date()),
            lista=_by_day(entries, conversation.now),
            onde=words.calendar_shown(status, is_seen=is_seen),
        )
        return []


class CommitmentForm(LawyerForm):
    """What, when, and a yes; a clash is shown and does not forbid."""

    flow = FLOW
    slots = (TITLE, WISH, WHEN, HELD, CONFIRMED)
    own_intents = frozenset({FLOW, "agendar_consulta", "ver_agenda"})

    async def begin_for_lawyer(self, turn: FormTurn) -> None:
        """Takes title and hour out of one sentence."""
        self._hear_when(turn)
        title = title_of(turn)
        if title:
            turn.fill(TITLE, title)

    async def listen(self, turn: FormTurn) -> None:
        """Takes the title as written; a new hour corrects the old one."""
        is_own = turn.heard.intent in self.own_intents
        if turn.means_something_else() and not is_own:
            return
        heard = self._hear_when(turn)
        if turn.asked == TITLE and not turn.means_something_else():
            turn.fill(TITLE, title_of(turn) or turn.text[:_LONGEST_TITLE])
        elif turn.asked == CONFIRMED and not heard:
            if turn.agrees():
                turn.fill(CONFIRMED, YES)
            elif turn.declines():
                turn.close("utter_compromisso_descartado")

    def _hear_when(self, turn: FormTurn) -> bool:
        said = turn.heard.wish()
        if said is None:
            return False
        wish = Wish.from_json(turn.get(WISH)).merge(said)
        turn.fill(WISH, wish.to_json())
        turn.fill(WHEN, None)
        if wish.exact_day is None or wish.time is None:
            return True
        moment = datetime.combine(wish.exact_day, wish.time, self.services.office.zone)
        if moment <= turn.conversation.now:
            turn.say("utter_quando_passado")
            turn.fill(WISH, None)
            return True
        turn.fill(WHEN, moment.isoformat())
        return True


class AskCommitmentWhen(LawyerAction):
    """Asks for the day or the hour that a command left out."""

    async def answer(self, conversation: Conversation) -> Events:
        """Asks for no more than is missing."""
        wish = Wish.from_json(conversation.slots.get(WISH))
        if wish.exact_day is not None:
            response = "utter_ask_hora_compromisso"
        elif wish.time is not None:
            response = "utter_ask_dia_compromisso"
        else:
            response = "utter_ask_form_criar_compromisso_quando"
        conversation.say(response, answered_by=AnsweredBy.FLOW)
        return []


class AskCommitmentConfirmation(LawyerAction):
    """Repeats the commitment, with what stands at that hour already."""

    async def answer(self, conversation: Conversation) -> Events:
        """Shows clashes so that the lawyer decides."""
        slots = conversation.slots
        start = datetime.fromisoformat(str(slots[WHEN]))
        owner = agenda_owner(self.services.office, conversation)
        clashes = await self.services.read(
            lambda connection: appointments.between(
                connection,
                first=start.timestamp() - _MINUTES * 60 + 1,
                last=start.timestamp() + _MINUTES * 60,
                lawyer=owner,
            )
        )
        end = start + timedelta(minutes=_MINUTES)
        mine = lawyer_who_writes(self.services.office, conversation)
        foreign, _ = await foreign_events(self.services, mine, start, end)
        names = [_what(item) for item in clashes]
        names += [each.title or "algo" for each, _ in foreign if each.is_busy]
        shown = "".join(f"\n⚠ já há {name} nesse horário" for name in names)
        conversation.say(
            "utter_ask_form_criar_compromisso_confirmado",
            answered_by=AnsweredBy.FLOW,
            titulo=slots.get(TITLE),
            quando=spoken(start, conversation.now),
            conflitos=shown,
        )
        return []


class CreateCommitment(EndOfLawyerForm):
    """Puts the commitment on the agenda, with the turn."""

    async def answer(self, conversation: Conversation) -> Events:
        """Says on which agenda it stands; silent without a yes."""
        slots = conversation.slots
        if slots.get(CONFIRMED) == YES:
            start = datetime.fromisoformat(str(slots[WHEN]))
            conversation.say(
                "utter_criar_compromisso",
                effects=(
                    {
                        "tipo": "compromisso",
                        "titulo": slots.get(TITLE),
                        "advogado": agenda_owner(self.services.office, conversation),
                        "inicio": start.timestamp(),
                        "fim": start.timestamp() + _MINUTES * 60,
                    },
                    {
                        "tipo": "pedido",
                        "fluxo": FLOW,
                        "dados": {"titulo": slots.get(TITLE), "quando": slots[WHEN]},
                    },
                ),
                answered_by=AnsweredBy.FLOW,
                titulo=slots.get(TITLE),
                quando=spoken(start, conversation.now),
                onde=words.calendar_used(await self.services.keepers.status()),
            )
        return forget(*CommitmentForm.slots)


def title_of(turn: FormTurn) -> str:
    """Returns a command without its verb, its day and its hour.

    "marca audiência dia 12 às 14h na 3ª vara" → "audiência na 3ª vara"
    """
    text = turn.text
    for moment in sorted(turn.heard.moments(), key=lambda e: -int(e["start"])):
        before = text[: int(moment["start"])].rstrip()
        before = re.sub(r"\b(?:pra|para|no|na|em|de|do|da|às|as|dia|a|o)$", "", before)
        text = f"{before.rstrip()} {text[int(moment['end']) :].lstrip()}"
    text = _AGENDA_WORDS.sub("", _COMMAND.sub("", text.strip(), count=1))
    return _EDGES.sub("", " ".join(text.split()))[:_LONGEST_TITLE]


def _days(wish: Wish | None, today: date) -> tuple[date, date]:
    if wish is None or wish.day is None:
        last = today if wish is not None else today + timedelta(days=_WEEK_DAYS - 1)
        return today, last
    if wish.days:
        return min(wish.days), max(wish.days)
    return wish.day, wish.last_day or wish.day


def _period(first: date, last: date, today: date) -> str:
    if first == last:
        name = {today: "hoje, ", today + timedelta(days=1): "amanhã, "}.get(first, "")
        return f"{name}{first:%d/%m}"
    return f"{first:%d/%m} a {last:%d/%m}"


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


async def foreign_events(
    services: Services, lawyer: Lawyer | None, first: datetime, last: datetime
) -> tuple[list[tuple[Event, str]], bool]:
    """Returns what others wrote into calendars, and whether all could be read.

    Args:
        services: the diary.
        lawyer: whose calendar; None for the whole office's.
        first: aware.
        last: aware.

    Returns:
        Events with the names of those whose calendar it is.
    """
    found: list[tuple[Event, str]] = []
    is_seen = True
    calendars: set[str] = set()
    for each in [lawyer] if lawyer else services.office.lawyers:
        status = await services.keepers.status()
        name = each.calendar if status.uses(Feature.EVENTS) else each.name
        if name in calendars:
            continue
        calendars.add(name)
        try:
            events = await services.diary.events(each, first, last)
        except CalendarSilent:
            is_seen = False
            continue
        found += [(event, each.name) for event in events]
    return found, is_seen


@dataclass(frozen=True)
class _Entry:
    """A line of the agenda."""

    starts_at: datetime
    is_all_day: bool
    text: str


def _entry(item: Appointment, zone: ZoneInfo, *, with_lawyer: bool) -> _Entry:
    whose = f" — {item.lawyer}" if with_lawyer else ""
    start = datetime.fromtimestamp(item.starts_at, zone)
    return _Entry(start, is_all_day=False, text=f"{_what(item)}{whose}")


def _foreign_entry(
    found: tuple[Event, str], zone: ZoneInfo, *, with_lawyer: bool
) -> _Entry:
    event, owner = found
    whose = f" — {owner}" if with_lawyer else ""
    title = event.title or "ocupado"
    start = event.starts_at.astimezone(zone)
    return _Entry(start, event.is_all_day, f"{title}{whose}")


def _by_day(entries: Iterable[_Entry], now: datetime) -> str:
    lines: list[str] = []
    day: date | None = None
    for item in sorted(entries, key=lambda each: (each.starts_at, each.text)):
        if item.starts_at.date() != day:
            day = item.starts_at.date()
            lines.append(f"*{spoken_day(day, now)}*")
        hour = "dia todo:" if item.is_all_day else f"{item.starts_at:%H:%M}"
        lines.append(f"• {hour} {item.text}")
    return "\n".join(lines)


def _what(item: Appointment) -> str:
    if item.facts.title:
        return item.facts.title
    about: list[Any] = [item.facts.person_name or "cliente", item.facts.subject]
    shown = ", ".join(str(each) for each in about if each)
    sure = " (confirmada)" if item.confirmed_at is not None else ""
    return f"consulta {in_words(item.facts.modality).split(' ')[0]}: {shown}{sure}"

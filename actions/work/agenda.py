"""Brings an outside calendar to what an appointment says now.

The job does not say "make" or "cancel": it names the event, and the handler looks at
the appointment as it stands. Whatever order jobs run in, and however often, the event
ends as the last change left it: after each write the appointment is read again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from actions.jobs import Done
from actions.keepers import GOOGLE, LOCAL, Kept
from actions.services import Services
from bot.core.office import OFFICE_CALENDAR, Lawyer
from bot.core.ports import Calendar, Event, EventDraft, GatewayError, Trouble
from bot.core.rendering import with_choices
from bot.core.schedule import Wish, propose, short, spoken
from bot.store import appointments, effects, notices
from bot.store.appointments import BOOKED, MEETING, Appointment
from bot.store.effects import LOST_TIME, Handoff, Origin
from bot.store.jobs import Job

_MOST_ROUNDS = 5
_MEETING_ATTEMPTS = 4
"""So often a video link that Google has not made yet is waited for."""
_OFFERED = 3
Write = Callable[[Connection], None]


class CalendarWork:
    """Handles jobs of the kind `agenda`."""

    def __init__(self, services: Services, clock: Callable[[], float]) -> None:
        """Takes what it works with.

        Args:
            services: the database, the office and the keepers.
            clock: UTC seconds.
        """
        self._services, self._clock = services, clock

    async def __call__(self, mine: Job) -> Done:
        """Writes, changes or takes away the event that the job names.

        Raises:
            GatewayError: the calendar could not be brought to it now.
        """
        event_key = str(mine.facts["evento"])
        before = await self._appointment(event_key)
        for _ in range(_MOST_ROUNDS):
            if before is None:
                return Done()
            done = await self._bring(before, mine)
            after = await self._appointment(event_key)
            if _wanted(after) == _wanted(before):
                return done
            before = after
        raise GatewayError(Trouble.LATER, "the appointment goes on changing")

    async def _appointment(self, event_key: str) -> Appointment | None:
        return await self._services.read(
            lambda connection: appointments.with_event(connection, event_key)
        )

    async def _bring(self, booked: Appointment, mine: Job) -> Done:
        kept = await self._services.keepers.calendar()
        place = f"{kept.keeper}:{self._calendar(booked.lawyer, kept.keeper)}"
        if booked.event_place and booked.event_place != place:
            await self._leave(booked)
        if booked.status != BOOKED:
            await _at(kept, place).remove(booked.event_key)
            return self._done(booked, place="")
        calendar = _at(kept, place)
        is_new = not booked.event_place and mine.inbox_id is not None
        if is_new and await self._is_taken(calendar, booked):
            return await self._give_back(calendar, booked, mine)
        event = await calendar.put(booked.event_key, self._draft(booked))
        if is_new and await self._is_taken(calendar, booked):
            return await self._give_back(calendar, booked, mine)
        is_online = booked.facts.modality == "online" and kept.keeper == GOOGLE
        if is_online and not event.meeting_link and mine.attempt < _MEETING_ATTEMPTS:
            raise GatewayError(Trouble.LATER, "no video link yet", wait_s=2)
        return self._done(booked, place=place, event=event, mine=mine)

    async def _leave(self, booked: Appointment) -> None:
        """Takes an event away from where it stood; one out of reach stays."""
        keeper, _, name = booked.event_place.partition(":")
        status = await self._services.keepers.status()
        if keeper == LOCAL:
            await self._services.keepers.local.calendar.remove(name, booked.event_key)
        elif status.features:
            google = self._services.keepers.google.calendar
            await google.remove(name, booked.event_key)

    async def _is_taken(self, calendar: _Calendar, booked: Appointment) -> bool:
        """Says whether something foreign stands where a client's hour was booked."""
        if booked.facts.kind != MEETING:
            return False
        found = await calendar.between(self._starts(booked), self._ends(booked))
        return any(each.is_busy and not each.is_ours for each in found)

    async def _give_back(
        self, calendar: _Calendar, booked: Appointment, mine: Job
    ) -> Done:
        await calendar.remove(booked.event_key)
        offers = await self._offers(booked)
        now = self._clock()

        def write(connection: Connection) -> None:
            if not appointments.give_back(connection, booked.id, now=now):
                return
            if mine.inbox_id is not None:
                text, buttons = self._apology(booked, offers, now)
                notices.say_afterwards(
                    connection, mine.inbox_id, text, now=now, buttons=buttons
                )
            effects.apply(
                connection,
                Handoff(LOST_TIME),
                Origin(booked.conversation_id, mine.inbox_id, 0),
                now=now,
            )

        return Done({"devolvida": booked.id}, write)

    async def _offers(self, booked: Appointment) -> list[datetime]:
        office, diary = self._services.office, self._services.diary
        now = self._now()
        last = now + timedelta(days=office.horizon_days + 1)
        lawyer = self._lawyer(booked.lawyer)
        foreign = await diary.busy(lawyer, now, last, anew=True)
        own = await self._services.read(
            lambda connection: appointments.busy(
                connection,
                lawyer=booked.lawyer,
                first=now.timestamp(),
                last=last.timestamp(),
                now=now.timestamp(),
            )
        )
        wish = Wish(day=self._starts(booked).date(), time=self._starts(booked).time())
        found = propose(
            office,
            wish,
            lawyer=lawyer,
            duration_min=office.duration_min(booked.facts.area),
            busy=[*own, *foreign],
            now=now,
            count=_OFFERED,
        )
        return [each.starts_at for each in found]

    def _apology(
        self, booked: Appointment, offers: list[datetime], now_s: float
    ) -> tuple[str, list[dict[str, str]]]:
        now = datetime.fromtimestamp(now_s, self._services.office.zone)
        when = spoken(self._starts(booked), now)
        said = (
            f"Desculpe: o horário de {when} com {booked.lawyer} acabou de ser ocupado "
            "na agenda, e a sua consulta não ficou marcada nele."
        )
        if not offers:
            return f"{said} A equipe vai escrever para combinar outro.", []
        modality = booked.facts.modality or ""
        buttons = [
            {
                "title": short(each),
                "payload": f"quero marcar consulta {modality} dia {each:%d/%m} às "
                f"{each:%H:%M} com {booked.lawyer}",
            }
            for each in offers
        ]
        text = f"{said} Pode ser um destes? Responda com o número ou diga outro dia."
        return with_choices(text, [each["title"] for each in buttons]), buttons

    def _done(
        self,
        booked: Appointment,
        *,
        place: str,
        event: Event | None = None,
        mine: Job | None = None,
    ) -> Done:
        link = event.link if event else ""
        meeting = event.meeting_link if event else ""
        is_news = bool(meeting) and meeting != booked.meeting_link
        now = self._clock()

        def write(connection: Connection) -> None:
            appointments.note_event(
                connection,
                booked.event_key,
                place=place,
                link=link,
                meeting_link=meeting,
            )
            if is_news and mine is not None and mine.inbox_id is not None:
                when = spoken(self._starts(booked), self._now())
                text = f"O link da sua consulta de {when}: {meeting}"
                notices.say_afterwards(connection, mine.inbox_id, text, now=now)

        return Done({"lugar": place, "link": link}, write)

    def _draft(self, booked: Appointment) -> EventDraft:
        facts, office = booked.facts, self._services.office
        if facts.kind != MEETING:
            return EventDraft(facts.title, self._starts(booked), self._ends(booked))
        area = office.area_names.get(facts.area or "", "")
        lines = [
            f"Assunto: {facts.subject}" if facts.subject else "",
            f"Área: {area}" if area else "",
            f"Formato: {'online' if facts.modality == 'online' else 'presencial'}",
        ]
        is_online = facts.modality == "online"
        return EventDraft(
            title=f"Consulta com {booked.lawyer}: {facts.person_name or 'cliente'}",
            starts_at=self._starts(booked),
            ends_at=self._ends(booked),
            description="\n".join(filter(None, lines)),
            location="" if is_online else office.texts["endereco"],
            guests=(facts.email,) if facts.email else (),
            is_online=is_online,
        )

    def _lawyer(self, name: str) -> Lawyer:
        lawyers = self._services.office.lawyers
        return next((each for each in lawyers if each.name == name), lawyers[0])

    def _calendar(self, name: str, keeper: str) -> str:
        if keeper == LOCAL:
            return name
        lawyers = self._services.office.lawyers
        known = (each.calendar for each in lawyers if each.name == name)
        return next(known, OFFICE_CALENDAR)

    def _starts(self, booked: Appointment) -> datetime:
        return datetime.fromtimestamp(booked.starts_at, self._services.office.zone)

    def _ends(self, booked: Appointment) -> datetime:
        return datetime.fromtimestamp(booked.ends_at, self._services.office.zone)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), self._services.office.zone)


class _Calendar:
    """One calendar of a keeper."""

    def __init__(self, at: Calendar, name: str) -> None:
        self._at, self._name = at, name

    async def put(self, event_key: str, draft: EventDraft) -> Event:
        return await self._at.put(self._name, event_key, draft)

    async def remove(self, event_key: str) -> None:
        await self._at.remove(self._name, event_key)

    async def between(self, first: datetime, last: datetime) -> list[Event]:
        return await self._at.between(self._name, first, last)


def _at(kept: Kept[Calendar], place: str) -> _Calendar:
    return _Calendar(kept.at, place.partition(":")[2])


def _wanted(booked: Appointment | None) -> object:
    """Returns what of an appointment decides how its event should be."""
    if booked is None:
        return None
    return booked.id, booked.status == BOOKED, booked.starts_at, booked.lawyer

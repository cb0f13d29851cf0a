"""Reminds people of their appointments, 24 hours and one hour before.

Everything is looked up and written in the transaction that ends the job, so that a
reminder is said once, and never of what was cancelled meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy.engine import Connection

from actions.jobs import Done
from actions.services import Services
from bot.core.reminding import LEADS, Visit, good_until, variables, written
from bot.store import reminders
from bot.store.appointments import Appointment
from bot.store.jobs import Job

log = structlog.get_logger()


class ReminderWork:
    """Handles jobs of the kind `lembrete`."""

    def __init__(self, services: Services, clock: Callable[[], float]) -> None:
        """Takes what it works with.

        Args:
            services: the office, its zone and its address.
            clock: UTC seconds.
        """
        self._office, self._clock = services.office, clock

    async def __call__(self, mine: Job) -> Done:
        """Says a reminder, if it is still worth it."""

        def remind(connection: Connection) -> None:
            if not self._remind(connection, mine):
                log.info("reminder_left_out", job_id=mine.id)

        return Done(then=remind)

    def _remind(self, connection: Connection, mine: Job) -> bool:
        lead, now = LEADS[str(mine.facts["antes"])], self._clock()
        booked = reminders.wanted(
            connection,
            int(mine.facts["consulta"]),
            starts_at=float(mine.facts["inicio"]),
            lead=lead,
            now=now,
        )
        if booked is None:
            return False
        visit = self._visit(booked)
        today = datetime.fromtimestamp(now, self._office.zone)
        return reminders.say(
            connection,
            booked,
            written(lead, visit, self._office, today),
            variables=variables(visit, self._office, today),
            not_after=good_until(lead, visit.starts_at, today),
            now=now,
        )

    def _visit(self, booked: Appointment) -> Visit:
        return Visit(
            lawyer=booked.lawyer,
            starts_at=datetime.fromtimestamp(booked.starts_at, self._office.zone),
            person_name=booked.facts.person_name,
            is_online=booked.facts.modality == "online",
            meeting_link=booked.meeting_link,
            is_confirmed=booked.confirmed_at is not None,
        )

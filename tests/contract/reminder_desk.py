"""An office that reminds people of their appointments, as tests look at it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from actions.jobs import JobWorker
from actions.services import Services
from actions.work.reminders import ReminderWork
from bot.core.cases_sheet import CasesFile
from bot.core.office import Office, load_office
from bot.core.schedule import ZONE
from bot.core.settings import ROOT, load_settings
from bot.store import appointments, outbox, turns
from bot.store.appointments import Appointment, Facts
from bot.store.effects import AppointmentChange
from bot.store.outbox import ClaimedAnswer
from bot.store.schema import metadata
from bot.store.turns import Outgoing, Turn
from connectors.direct_answers import Reading, read
from tests.contract.test_store import MARIA, OUTCOME, Store
from tests.fakes.fake_fallback import FakeFallback
from tests.fakes.local_keepers import local_keepers

NOW = datetime(2026, 11, 16, 10, 0, tzinfo=ZONE)
"""A Monday."""
THURSDAY_AT_15 = datetime(2026, 11, 19, 15, 0, tzinfo=ZONE)
HELENA = "Dra. Helena Modelo"
LINK = "https://meet.example/abc-defg"
ALL_TEMPLATES = frozenset({"botoes_3", "lembrete", "reabrir"})
_HOUR_S = 3600.0


class ReminderDesk:
    """People who book by WhatsApp, and the worker that reminds them."""

    def __init__(self, store: Store, folder: Path, office: Office | None = None):
        self.store = store
        self.office = office or load_office(ROOT / "escritorio.yml")
        settings = load_settings({"OLLAMA_HOST": ""}, folder=folder)
        self.settings = settings
        self.services = Services(
            settings,
            store.engine,
            self.office,
            CasesFile(folder / "processos.csv"),
            FakeFallback(),
            local_keepers(folder / "escritorio"),
        )
        self.handler = ReminderWork(self.services, lambda: self.store.now)
        self.is_at(NOW)

    def is_at(self, moment: datetime) -> None:
        """Sets the clock."""
        self.store.now = moment.timestamp()

    # --- people -------------------------------------------------------------

    def says(
        self, text: str = "oi", *, address: str = MARIA, **fields: Any
    ) -> turns.Turn:
        """Somebody writes; the message is claimed."""
        self.store.accept(text, address, **fields)
        return self.store.claimed()

    def is_answered(self, turn: Turn, *texts: str, **left: Any) -> None:
        """Commits a turn with what it says and leaves behind."""
        turn.outgoing = [Outgoing(text, **left) for text in texts]
        self.store.write(lambda c: turns.commit(c, turn, OUTCOME, now=self.store.now))

    def books(
        self,
        starts_at: datetime = THURSDAY_AT_15,
        *,
        address: str = MARIA,
        moves: int | None = None,
        source: str = "whatsapp",
        **facts: Any,
    ) -> int:
        """Somebody books; what the turn said is sent. Returns the appointment's id."""
        turn = self.says("quero marcar", address=address, source=source)
        told = {"modality": "presencial", "person_name": "Ana Prado", **facts}
        held = self.store.write(
            lambda c: appointments.hold(
                c,
                conversation_id=turn.conversation_id,
                lawyer=HELENA,
                starts_at=starts_at.timestamp(),
                ends_at=starts_at.timestamp() + _HOUR_S,
                now=self.store.now,
                moves=moves,
                facts=Facts(**told),
            )
        )
        assert held is not None
        change = AppointmentChange("marcar", held)
        if moves is not None:
            change = AppointmentChange("remarcar", moves, held)
        turn.effects = [change]
        self.is_answered(turn, "Pronto: marcada.")
        self._forgets_calendars()
        self.sends_all()
        return int(held)

    def leaves(self, turn: Turn, *changes: AppointmentChange) -> None:
        """Commits a turn that leaves changes behind."""
        turn.effects = list(changes)
        self.is_answered(turn, "Certo.")
        self._forgets_calendars()
        self.sends_all()

    def _forgets_calendars(self) -> None:
        """Takes away the work that is not about reminders."""
        table = metadata.tables["job"]
        others = sa.delete(table).where(table.c.kind != "lembrete")
        self.store.write(lambda c: c.execute(others))

    def reads(self, text: str, **fields: Any) -> Reading:
        """Somebody writes; returns what the message turned out to be."""
        turn = self.says(text, **fields)
        return self.reading_of(turn)

    def reading_of(self, turn: Turn) -> Reading:
        """Returns what a claimed message turned out to be."""
        return self.store.read(lambda c: read(c, turn, self.settings, self.office.zone))

    # --- the office ---------------------------------------------------------

    def works(self) -> int:
        """Does all jobs that are due; returns how many."""
        worker = JobWorker(
            self.services, {"lembrete": self.handler}, clock=lambda: self.store.now
        )

        async def run() -> int:
            done = 0
            while await worker.work_once():
                done += 1
            return done

        return asyncio.run(run())

    def reminds(self, at: datetime) -> Any:
        """Lets time pass and does what is due; returns the newest reminder's row."""
        self.is_at(at)
        self.works()
        return self.reminders()[-1]

    def reminders(self) -> list[Any]:
        """Returns the rows of reminders, the oldest first."""
        return [row for row in self.store.rows("outbox") if row.purpose == "lembrete"]

    def sends(self, *, templates: frozenset[str] = frozenset()) -> ClaimedAnswer | None:
        """Sends the next message, if one may leave."""
        answer = self.store.write(
            lambda c: outbox.claim(c, now=self.store.now, templates=templates)
        )
        if answer is not None:
            self.store.write(
                lambda c: outbox.mark_sent(
                    c, answer, provider_sid=f"MM{answer.id}", now=self.store.now
                )
            )
        return answer

    def sends_all(self) -> None:
        """Sends what may leave."""
        while self.sends() is not None:
            pass

    def appointment(self, appointment_id: int) -> Appointment:
        """Returns an appointment."""
        found = self.store.read(lambda c: appointments.get(c, appointment_id))
        assert found is not None
        return found

    def change(self, table: str, **values: Any) -> None:
        """Changes all rows of a table."""
        self.store.write(
            lambda c: c.execute(sa.update(metadata.tables[table]).values(**values))
        )

    def with_office(self, **changes: Any) -> None:
        """Lets the office be another one from now on."""
        self.office = replace(self.office, **changes)
        services = replace(self.services, office=self.office)
        self.handler = ReminderWork(services, lambda: self.store.now)


def before(moment: datetime, **left: float) -> datetime:
    """Returns a time before a moment, as `hours=24`."""
    return moment - timedelta(**left)

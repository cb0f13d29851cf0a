"""The list of what jobs there are, and who does them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from actions.jobs import Handler
from actions.services import Services
from actions.work import filing, sheets
from actions.work.agenda import CalendarWork
from actions.work.registers import CONTACT, RegisterWork
from actions.work.reminders import ReminderWork
from actions.work.transfers import BRING_FILE, BRING_SHEET, TransferWork
from bot.store import registers, reminders
from bot.store.effects import CALENDAR_WORK


def build_handlers(
    services: Services, clock: Callable[[], float] = time.time
) -> Mapping[str, Handler]:
    """Returns the handlers by kind of job.

    Args:
        services: what they work with.
        clock: UTC seconds.
    """
    of_office = RegisterWork(services, clock)
    of_files = filing.FilingWork(services, clock)
    to_google = TransferWork(services, clock)
    return {
        CALENDAR_WORK: CalendarWork(services, clock),
        reminders.WORK: ReminderWork(services, clock),
        registers.MAKE: of_office.make,
        CONTACT: of_office.add_contact,
        sheets.NEW_SHEET: sheets.SheetWork(services, clock),
        filing.FILE: of_files.file,
        filing.DOCUMENTS: of_files.documents,
        BRING_FILE: to_google.file,
        BRING_SHEET: to_google.sheet,
    }

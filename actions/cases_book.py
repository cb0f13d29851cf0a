"""The office's lawsuits: the spreadsheet "Processos", and the CSV file beside it.

Somebody waits for the answer, so the spreadsheet may take little time; while it cannot
be read, what it said last counts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

import structlog
from sqlalchemy.engine import Connection

from actions.keepers import Keepers, Kept
from bot.core.cases_sheet import CasesFile, CasesSheet, cases_of_rows
from bot.core.ports import GatewayError, Spreadsheets
from bot.store import places, registers
from bot.store.places import SHEET

Result = TypeVar("Result")
PATIENCE_S = 3.0
FRESH_S = 30.0
"""An office writes a lawsuit's status now and then; people ask in bursts."""
log = structlog.get_logger()


class Database(Protocol):
    """Runs queries and changes of our database, off the event loop."""

    async def __call__(self, query: Callable[[Connection], Result], /) -> Result:
        """Returns what the query returns."""


class CasesBook:
    """Reads the lawsuits of the office."""

    def __init__(
        self,
        file: CasesFile,
        keepers: Keepers,
        *,
        read: Database,
        write: Database,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Reads nothing yet.

        Args:
            file: the CSV, read again whenever it changes.
            keepers: who has the spreadsheet.
            read: of our database.
            write: in a transaction of our database.
            clock: UTC seconds.
        """
        self._file, self._keepers = file, keepers
        self._read, self._write, self._clock = read, write, clock
        self._known = CasesSheet()
        self._known_until = 0.0
        self._asking = asyncio.Lock()

    async def sheet(self) -> CasesSheet:
        """Returns all lawsuits; the spreadsheet's lines count before the file's."""
        async with self._asking:
            if self._clock() >= self._known_until:
                self._known = await self._ask()
                self._known_until = self._clock() + FRESH_S
        return self._known | self._file.sheet()

    async def _ask(self) -> CasesSheet:
        kept = await self._keepers.sheets()
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._rows(kept)
        except (GatewayError, TimeoutError) as error:
            log.warning("cases_not_read", kind=type(error).__name__)
            return self._known

    async def _rows(self, kept: Kept[Spreadsheets]) -> CasesSheet:
        name = registers.LAWSUITS
        place = await self._read(
            lambda connection: places.find(connection, kept.keeper, SHEET, name)
        )
        if place is None:
            now = self._clock()
            await self._write(
                lambda connection: registers.ensure(
                    connection, kept.keeper, name, now=now
                )
            )
            return CasesSheet()
        rows = await kept.at.rows(place.ref)
        return cases_of_rows(place.title, rows)

"""Everything the actions need, opened once and passed to them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.engine import Connection, Engine

from bot.core.cases_sheet import CasesFile
from bot.core.office import Office, load_office
from bot.core.settings import ROOT, Settings
from bot.store.database import open_engine, reading, writing
from bot.store.migrate import upgrade
from llm_fallback import ModelSettings, OfficeModel, open_model

Result = TypeVar("Result")


@dataclass(frozen=True)
class Services:
    """Open services of the action server."""

    settings: Settings
    engine: Engine
    office: Office
    cases: CasesFile
    """The office's sheet of lawsuits."""
    model: OfficeModel | None
    """None where no Ollama host is configured."""

    async def read(self, query: Callable[[Connection], Result]) -> Result:
        """Runs a query that only reads, off the event loop."""

        def run() -> Result:
            with reading(self.engine) as connection:
                return query(connection)

        return await asyncio.to_thread(run)

    async def write(self, change: Callable[[Connection], Result]) -> Result:
        """Runs a change in a writing transaction of its own, off the event loop.

        For what must stand before the person is answered, as a kept hour;
        everything else rides on the answer as an effect.
        """

        def run() -> Result:
            with writing(self.engine) as connection:
                return change(connection)

        return await asyncio.to_thread(run)


@contextlib.asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Opens the database and the model's client; closes both at the end.

    Raises:
        SettingsError: the office's file is missing or wrong.
    """
    office = load_office(ROOT / settings.office_file)
    cases = CasesFile(ROOT / settings.cases_file)
    engine = open_engine(settings.database_url)
    upgrade(engine)
    async with contextlib.AsyncExitStack() as stack:
        model = None
        if settings.ollama_hosts:
            model = await stack.enter_async_context(
                open_model(ModelSettings.from_settings(settings))
            )
        try:
            yield Services(settings, engine, office, cases, model)
        finally:
            engine.dispose()

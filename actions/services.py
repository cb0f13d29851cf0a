"""Everything the actions need, opened once and passed to them."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy.engine import Connection, Engine

from actions.cases_book import CasesBook
from actions.diary import Diary
from actions.google.account import GoogleAccount
from actions.keepers import Keepers
from actions.model_watch import ModelWatch
from actions.open_keepers import open_keepers
from bot.core.cases_sheet import CasesFile
from bot.core.office import Office, load_office
from bot.core.settings import ROOT, Settings
from bot.store.database import open_engine, reading, writing
from bot.store.migrate import upgrade
from llm_fallback import Fallback, Lessons, ModelSettings, open_fallback
from llm_fallback.knowledge.retrieval import Knowledge
from llm_fallback.knowledge.texts import load_knowledge, office_entries
from llm_fallback.legal.questions import LegalQuestions, load_examples

Result = TypeVar("Result")
KNOWLEDGE_FOLDER = "data/conhecimento"
LEGAL_EXAMPLES = "data/perguntas_juridicas.yml"
_CANARY_BYTES = 8


@dataclass(frozen=True)
class Services:
    """Open services of the action server."""

    settings: Settings
    engine: Engine
    office: Office
    cases_file: CasesFile
    """The office's lawsuits as a CSV file."""
    fallback: Fallback
    """What becomes of a message that no flow understood."""
    keepers: Keepers
    """Who keeps calendars, files and spreadsheets: Google or this machine."""
    diary: Diary = field(init=False)
    """What stands in the lawyers' calendars besides our appointments."""
    cases: CasesBook = field(init=False)
    """The office's lawsuits, from its spreadsheet and the file."""

    def __post_init__(self) -> None:
        """Builds what rests on the others."""
        diary = Diary(self.keepers, self.office, self.read)
        cases = CasesBook(
            self.cases_file, self.keepers, read=self.read, write=self.write
        )
        object.__setattr__(self, "diary", diary)
        object.__setattr__(self, "cases", cases)

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
        SettingsError: the office's file, its texts, the legal examples, the keys of
            the tokens or the service account's file are wrong.
    """
    office = load_office(ROOT / settings.office_file)
    cases = CasesFile(ROOT / settings.cases_file)
    teach = _lessons(office)
    engine = open_engine(settings.database_url)
    upgrade(engine)
    account = GoogleAccount(settings, engine)
    await asyncio.to_thread(account.open)
    watch = ModelWatch(engine)
    teacher = ThreadPoolExecutor(1, thread_name_prefix="lessons")
    try:
        async with open_fallback(
            ModelSettings.from_settings(settings),
            lessons=teacher.submit(teach),
            canary=secrets.token_hex(_CANARY_BYTES),
            public_names=[each.name for each in office.lawyers],
            on_change=watch.note,
        ) as fallback:
            await watch.start(fallback.model_state)
            keepers = open_keepers(settings, account, office)
            yield Services(settings, engine, office, cases, fallback, keepers)
            await watch.stop()
    finally:
        teacher.shutdown()
        engine.dispose()


def _lessons(office: Office) -> Callable[[], Lessons]:
    """Reads what the office taught; what is returned learns it, in seconds.

    Raises:
        SettingsError: a text or an example is written wrongly.
    """
    texts = load_knowledge(ROOT / KNOWLEDGE_FOLDER, office.variables())
    entries = (*texts, *office_entries(office))
    answered = [asked for each in entries for asked in (each.title, *each.questions)]
    examples = load_examples(ROOT / LEGAL_EXAMPLES)

    def learn() -> Lessons:
        legal = LegalQuestions.learn(examples, answered=answered)
        return Lessons(Knowledge(entries), legal)

    return learn

"""An office that is connected to a Google, and whose jobs are worked by hand.

The clock is the test's, Google's too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from actions.google.account import GoogleAccount
from actions.google.endpoint import TokenAnswer
from actions.jobs import JobWorker
from actions.open_keepers import open_keepers
from actions.registry import build_actions
from actions.services import Services
from actions.work.handlers import build_handlers
from bot.core.google_link import SCOPES
from bot.core.ports import Feature
from bot.core.schedule import ZONE
from bot.core.settings import load_settings
from bot.store.database import reading
from bot.store.schema import job, outbox
from tests.contract.google_desk import ANA
from tests.fakes.fake_google import FakeGoogle, running
from tests.fakes.google_grants import CLIENT_ID, CLIENT_SECRET
from tests.unit.desk import NOW, Desk

EVERYTHING = tuple(Feature)


class GoogleOffice:
    """The desk of an office, its Google, and whoever works its jobs."""

    def __init__(self, desk: Desk, google: FakeGoogle, folder: Any) -> None:
        self.desk, self.google = desk, google
        self.now = NOW.timestamp()
        settings = load_settings(
            {
                "OLLAMA_HOST": "",
                "OFFICE_DIR": str(folder / "escritorio"),
                "MEDIA_DIR": str(folder / "midia"),
                "GOOGLE_CLIENT_ID": CLIENT_ID,
                "GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
                "GOOGLE_API_BASE_URL": google.url,
                "GOOGLE_OAUTH_AUTH_URL": f"{google.url}/o/oauth2/v2/auth",
                "GOOGLE_OAUTH_TOKEN_URL": f"{google.url}/token",
                "GOOGLE_OAUTH_REVOKE_URL": f"{google.url}/revoke",
                "GOOGLE_TIMEOUT_S": "2",
            },
            folder=folder,
        )
        google.clock = lambda: self.now
        self.account = GoogleAccount(settings, desk.engine, clock=lambda: self.now)
        keepers = open_keepers(settings, self.account, desk.services.office)
        self.use(replace(desk.services, settings=settings, keepers=keepers))

    def use(self, services: Services) -> None:
        """Lets actions and jobs work with these."""
        self.services = self.desk.services = services
        self.desk.actions = {each.name(): each for each in build_actions(services)}
        self.worker = self.another_worker()

    def another_worker(self) -> JobWorker:
        """Returns a worker as another process would have."""
        handlers = build_handlers(self.services, lambda: self.now)
        return JobWorker(self.services, handlers, clock=lambda: self.now)

    def connect(self, *features: Feature, owner: str = ANA) -> None:
        """Permits features, as somebody at Google's page does."""
        scopes = tuple(SCOPES[each] for each in features or EVERYTHING)
        token = self.google.oauth.grant(owner, set(scopes))
        answer = TokenAnswer(access="", lives_s=0, refresh=token, scopes=scopes)
        self.account.connect(answer, by="teste")

    async def works(self) -> int:
        """Does all jobs that are due; returns how many attempts that took."""
        count = 0
        while await self.worker.work_once():
            count += 1
        return count

    async def works_off(self, hours: float = 1.0) -> None:
        """Does all jobs, letting the pauses between attempts go by."""
        for _ in range(int(hours * 120)):
            await self.works()
            if not self.waiting_jobs():
                return
            self.now += 30

    def waiting_jobs(self) -> list[Any]:
        """Returns the jobs that are not done, without the reminders to come."""
        is_open = {"novo", "alugado"}
        return [
            each
            for each in self.jobs()
            if each.status in is_open and each.kind != "lembrete"
        ]

    def jobs(self, kind: str | None = None) -> list[Any]:
        """Returns the jobs, the oldest first."""
        with reading(self.desk.engine) as connection:
            rows = connection.execute(job.select().order_by(job.c.id)).all()
        return [each for each in rows if kind in {None, each.kind}]

    def said(self, conversation_id: str | None = None) -> list[str]:
        """Returns what was said without a turn, the oldest first."""
        with reading(self.desk.engine) as connection:
            rows = connection.execute(outbox.select().order_by(outbox.c.id)).all()
        return [
            each.body
            for each in rows
            if conversation_id in {None, each.conversation_id}
        ]

    def events(self, calendar: str = ANA) -> list[dict[str, Any]]:
        """Returns what stands in a calendar at Google."""
        found = self.google.calendar.of(calendar).events.values()
        return [each for each in found if each["status"] != "cancelled"]

    def rows(self, sheet_id: str) -> list[list[str]]:
        """Returns the rows of a spreadsheet at Google, without its headers."""
        kept = self.google.sheets.every.get(sheet_id)
        return [] if kept is None else kept.sheets[0].rows[1:]


def office_time(seconds: float) -> datetime:
    """Returns UTC seconds as the office's time."""
    return datetime.fromtimestamp(seconds, ZONE)


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    """Yields a Google of its own."""
    with running() as fake:
        yield fake


@pytest.fixture
def office(desk: Desk, google: FakeGoogle, tmp_path: Any) -> GoogleOffice:
    """Returns an office that could be connected."""
    return GoogleOffice(desk, google, tmp_path)

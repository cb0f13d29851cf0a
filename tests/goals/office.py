"""The whole channel round one database: Twilio, edge, turn worker, and the judge."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from string import ascii_lowercase
from types import SimpleNamespace
from typing import Any

import aiohttp
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from bot.core.names import AnsweredBy
from bot.core.settings import ROOT, load_settings
from bot.store import turns
from bot.store.database import open_engine, reading, writing
from bot.store.schema import (
    INBOX_OPEN,
    OUTBOX_OPEN,
    channel_mark,
    conversation,
    inbox,
    metadata,
    outbox,
)
from bot.store.turns import Outcome, Outgoing, Turn
from bot.wake import WakeUp
from connectors.services import ChannelServices
from connectors.turn_worker import TurnWorker
from tests.chaos.judge import (
    AcceptedSend,
    Evidence,
    InboxRow,
    OutboxRow,
    Verdict,
    Written,
    judge,
)
from tests.contract.test_edge import PUBLIC, Edge, running_edge, unused_port
from tests.fakes.fake_twilio import AUTH_TOKEN, FakeTwilio, ReceivedMessage

CLEAN = {"lost": [], "duplicates": [], "out_of_order": [], "forged_accepted": []}
OFFICE = "whatsapp:+551140042233"
PATIENCE_S = 60
"""Ends a broken test; a right one never waits for it."""


def people(count: int) -> list[str]:
    """Returns so many addresses."""
    return [f"whatsapp:+55119876{number:05d}" for number in range(count)]


def words(address: str, number: int) -> str:
    """Returns one of 26 texts of a person, which no digit alone sets apart.

    Texts that differ in digits only are taken for an automatic reply.
    """
    return f"{address} {ascii_lowercase[number] * 3}"


class Clock:
    """UTC seconds of the machine, and what a test adds to them."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


class Assistant:
    """Stands in for Rasa: answers each text once and commits as the store does."""

    def __init__(self, services: ChannelServices, clock: Callable[[], float]) -> None:
        self.heard: list[str] = []
        self.at_work: Counter[str] = Counter()
        """Turns under way, by conversation."""
        self.most_at_work = 0
        """The most turns of one conversation at the same time."""
        self.during: Callable[[Turn], Awaitable[None]] | None = None
        """What a turn waits for before it is committed."""
        self._services = services
        self._clock = clock

    async def __call__(self, turn: Turn) -> None:
        """Answers one turn."""
        self.heard.append(turn.text)
        self.at_work[turn.conversation_id] += 1
        now_at_work = self.at_work[turn.conversation_id]
        self.most_at_work = max(self.most_at_work, now_at_work)
        try:
            if self.during is not None:
                await self.during(turn)
            turn.outgoing = [Outgoing(f"Resposta a {turn.text}", AnsweredBy.RULE)]
            outcome = Outcome("saudar", 0.9, AnsweredBy.RULE)
            await self._services.write(
                lambda c: turns.commit(c, turn, outcome, now=self._clock())
            )
            turn.is_committed = True
        finally:
            self.at_work[turn.conversation_id] -= 1


async def take_a_moment(_turn: Turn) -> None:
    """Lets other turns, or the end of the database, come into a turn."""
    await asyncio.sleep(0.2)


def _environ(twilio: FakeTwilio, more: dict[str, str]) -> dict[str, str]:
    return {
        "PUBLIC_BASE_URL": PUBLIC,
        "TWILIO_ACCOUNT_SID": twilio.account_sid,
        "TWILIO_API_BASE_URL": twilio.url,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "SEND_PAUSE_S": "0.001",
        "BACKFILL_EVERY_S": "0.2",
        **more,
    }


@contextlib.asynccontextmanager
async def open_edge(
    folder: Path, twilio: FakeTwilio, **environ: str
) -> AsyncIterator[Edge]:
    """Runs the real edge in this process, and tells Twilio where it is."""
    async with running_edge(folder, **_environ(twilio, environ)) as edge:
        point(twilio, edge)
        yield edge


def point(twilio: FakeTwilio, edge: Any) -> None:
    """Lets Twilio's webhooks and callbacks arrive at an edge."""
    twilio.webhook_url = f"{PUBLIC}/twilio/webhook"
    twilio.rewrite = {PUBLIC: edge.settings.edge_url}


@contextlib.asynccontextmanager
async def answering(
    edge: Any, *, clock: Callable[[], float] = time.time, workers: int = 1
) -> AsyncIterator[Assistant]:
    """Answers what the edge takes, as Rasa processes do beside it."""
    wake = WakeUp(edge.settings.rasa_port)
    await wake.open()
    services = ChannelServices(edge.settings, edge.engine, wake)
    assistant = Assistant(services, clock)
    running = [
        TurnWorker(services, assistant, clock=clock, drain_s=0.05)
        for _ in range(workers)
    ]
    for worker in running:
        worker.start()
    try:
        yield assistant
    finally:
        for worker in running:
            await worker.stop()
        wake.close()


class EdgeProcess:
    """The edge as production starts it, which a test may kill."""

    def __init__(self, folder: Path, twilio: FakeTwilio) -> None:
        self.url = f"sqlite:///{folder}/edge.db"
        environ = {
            "EDGE_PORT": str(unused_port()),
            "RASA_PORT": str(unused_port()),
            "DATABASE_URL": self.url,
            "OLLAMA_HOST": "",
            "MEDIA_DIR": str(folder / "midia"),
        }
        given = _environ(twilio, environ)
        self.settings = load_settings(given, folder=folder)
        self._environ = {**os.environ, **given}
        self._process: asyncio.subprocess.Process | None = None
        point(twilio, self)

    async def start(self) -> None:
        """Returns once it takes messages."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "connectors.edge"),
            cwd=ROOT,
            env=self._environ,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with aiohttp.ClientSession() as http, asyncio.timeout(PATIENCE_S):
            while True:
                if await self._is_ready(http):
                    return
                await asyncio.sleep(0.02)

    async def _is_ready(self, http: aiohttp.ClientSession) -> bool:
        with contextlib.suppress(aiohttp.ClientConnectorError):
            async with http.get(f"{self.settings.edge_url}/pronto") as answer:
                return answer.status == 200
        return False

    def beside(self, engine: Engine) -> SimpleNamespace:
        """Returns what `answering` must know."""
        return SimpleNamespace(settings=self.settings, engine=engine)

    async def kill(self) -> None:
        """Ends it without a word."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None


@contextlib.contextmanager
def opened(url: str) -> Iterator[Engine]:
    """Opens an engine for a while."""
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


async def until(is_so: Callable[[], bool]) -> None:
    """Waits for something to be so."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if is_so():
                return
            await asyncio.sleep(0.02)


def is_quiet(engine: Engine, *, messages: int) -> bool:
    """Says whether so many messages are in, answered, and their answers out."""
    query = sa.select(
        sa.select(sa.func.count()).select_from(inbox).scalar_subquery(),
        _count(inbox, INBOX_OPEN),
        _count(outbox, OUTBOX_OPEN),
    )
    try:
        with reading(engine) as connection:
            row = connection.execute(query).one()
    except SQLAlchemyError:
        return False
    return tuple(row) == (messages, 0, 0)


def _count(table: sa.Table, statuses: tuple[str, ...]) -> Any:
    query = sa.select(sa.func.count()).select_from(table)
    return query.where(table.c.status.in_(statuses)).scalar_subquery()


async def write(
    twilio: FakeTwilio, text: str, *, from_: str, times: int = 1
) -> ReceivedMessage:
    """Writes to us, and has us told until we took it: retries, or the backfill."""
    message = twilio.receive(text, from_=from_, to=OFFICE)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            made = await twilio.tell(message, times=times)
            if all(each.is_accepted for each in made):
                return message
            await asyncio.sleep(0.05)


def verdict(engine: Engine, twilio: FakeTwilio) -> Verdict:
    """Compares what people wrote, what we hold and what Twilio took."""
    with reading(engine) as connection:
        messages = connection.execute(sa.select(inbox).order_by(inbox.c.id)).all()
        answers = connection.execute(sa.select(outbox).order_by(outbox.c.id)).all()
    return judge(
        Evidence(
            written=[Written(each.sid, each.from_) for each in twilio.received],
            inbox=[
                InboxRow(row.id, row.message_sid, row.status, row.merged_into)
                for row in messages
            ],
            outbox=[
                OutboxRow(row.inbox_id, row.ordinal, row.token, row.status, row.purpose)
                for row in answers
            ],
            accepted=[AcceptedSend(each.token, each.to) for each in twilio.messages],
        )
    )


def said_to(twilio: FakeTwilio, address: str) -> list[str]:
    """Returns what arrived at one person, in order."""
    return [each.body for each in twilio.messages if each.to == address]


def age(edge: Edge, seconds: float) -> None:
    """Makes everything that happened have happened so long ago."""
    at = (
        inbox.c.received_at, inbox.c.next_at, inbox.c.finished_at,
        outbox.c.created_at, outbox.c.started_at, outbox.c.status_at,
        conversation.c.last_inbound_at, conversation.c.created_at, channel_mark.c.at,
    )  # fmt: skip
    with writing(edge.engine) as connection:
        for column in at:
            table = metadata.tables[column.table.name]
            earlier = {column.name: column - seconds}
            connection.execute(sa.update(table).values(earlier))

"""The turn worker, with a scripted answerer in the place of Rasa."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.core.names import AnsweredBy
from bot.core.phrases import NO_ANSWER
from bot.core.settings import load_settings
from bot.store import inbox as inbox_store
from bot.store import turns
from bot.store.database import open_engine, reading, writing
from bot.store.inbox import InboundMessage
from bot.store.schema import handoff, inbox, metadata, outbox
from bot.store.turns import Outcome, Outgoing, Turn
from bot.wake import WakeUp
from connectors.services import ChannelServices
from connectors.turn_worker import MAX_ATTEMPTS, TurnWorker


def pid_of_nobody() -> int:
    """Returns the number of a process that has just ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


MARIA, JOAO, ANA = (f"whatsapp:+551198765432{n}" for n in (1, 2, 3))
PATIENCE_S = 10


class Clock:
    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


class ScriptedAnswerer:
    """Answers each text as told, and commits as the tracker store does."""

    def __init__(self, services: ChannelServices, clock: Clock) -> None:
        self.heard: list[str] = []
        self.under_way: set[str] = set()
        self.release = asyncio.Event()
        """What `hold` waits for."""
        self._services = services
        self._clock = clock
        self._plans: defaultdict[str, deque[str]] = defaultdict(deque)

    def plan(self, text: str, *steps: str) -> None:
        """Says what to do, once each: `fail`, `forget`, `hang` or `hold`."""
        self._plans[text].extend(steps)

    async def __call__(self, turn: Turn) -> None:
        assert turns.CURRENT_TURN.get() is turn
        self.heard.append(turn.text)
        self.under_way.add(turn.text)
        self._services.wake.here()
        try:
            await self._follow_plan(turn)
        finally:
            self.under_way.discard(turn.text)

    async def _follow_plan(self, turn: Turn) -> None:
        plan = self._plans[turn.text]
        step = plan.popleft() if plan else "answer"
        if step == "fail":
            raise RuntimeError(turn.text)
        if step == "forget":
            return
        if step == "hang":
            await asyncio.Event().wait()
        if step == "hold":
            await self.release.wait()
        turn.outgoing = [Outgoing(f"Resposta a {turn.text}", AnsweredBy.RULE)]
        outcome = Outcome("saudar", 0.9, AnsweredBy.RULE)
        await self._services.write(
            lambda c: turns.commit(c, turn, outcome, now=self._clock())
        )
        turn.is_committed = True


class Desk:
    """A database with its worker, as a test looks at them."""

    def __init__(self, folder: Path, **environ: str) -> None:
        environ = {"DATABASE_URL": f"sqlite:///{folder}/turns.db", **environ}
        settings = load_settings(environ, folder=folder)
        self.engine = open_engine(settings.database_url)
        metadata.create_all(self.engine)
        self.clock = Clock()
        self.services = ChannelServices(settings, self.engine, WakeUp(0))
        self.answerer = ScriptedAnswerer(self.services, self.clock)
        self.worker = self.another_worker()
        self._count = 0

    def another_worker(self) -> TurnWorker:
        return TurnWorker(self.services, self.answerer, clock=self.clock, drain_s=0.05)

    def receive(self, text: str, *, address: str = MARIA) -> int:
        self._count += 1
        message = InboundMessage(
            message_sid=f"SM{self._count}",
            account_sid="AC1",
            address=address,
            text=text,
            source="whatsapp",
        )
        with writing(self.engine) as connection:
            accepted = inbox_store.accept(connection, message, now=self.clock.now)
        self.services.wake.here()
        return accepted.inbox_id

    def lease(self, inbox_id: int, owner: str) -> None:
        """Another worker has taken a message for a long time."""
        values = {
            "status": "leased",
            "lease_owner": owner,
            "lease_until": self.clock.now + 3600,
            "attempts": 1,
        }
        change = sa.update(inbox).where(inbox.c.id == inbox_id).values(**values)
        with writing(self.engine) as connection:
            connection.execute(change)

    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds
        self.services.wake.here()

    def row(self, inbox_id: int) -> Any:
        with reading(self.engine) as connection:
            query = sa.select(inbox).where(inbox.c.id == inbox_id)
            return connection.execute(query).one()

    def said(self) -> list[str]:
        with reading(self.engine) as connection:
            query = sa.select(outbox.c.body).order_by(outbox.c.id)
            return list(connection.execute(query).scalars())

    def handoffs(self) -> list[str]:
        with reading(self.engine) as connection:
            return list(connection.execute(sa.select(handoff.c.reason)).scalars())

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                ticket = self.services.wake.ticket()
                if is_so():
                    return
                await self.services.wake.wait(ticket, 0.02)

    async def until_status(self, inbox_id: int, status: str) -> Any:
        await self.until(lambda: self.row(inbox_id).status == status)
        return self.row(inbox_id)


@contextlib.asynccontextmanager
async def running_desk(folder: Path, **environ: str) -> AsyncIterator[Desk]:
    desk = Desk(folder, **environ)
    try:
        yield desk
    finally:
        await desk.worker.stop()
        desk.services.wake.close()
        desk.engine.dispose()


@pytest.fixture
async def desk(tmp_path):
    async with running_desk(tmp_path) as running:
        yield running


class TestAnswering:
    async def test_message_is_answered_and_done(self, desk):
        message = desk.receive("oi")

        desk.worker.start()

        done = await desk.until_status(message, "done")
        assert (done.attempts, done.flow) == (1, "saudar")
        assert desk.said() == ["Resposta a oi"]

    async def test_message_that_comes_later_is_answered_too(self, desk):
        desk.worker.start()
        assert desk.worker.is_alive

        message = desk.receive("oi")

        await desk.until_status(message, "done")

    async def test_messages_of_one_person_are_answered_in_order_one_at_a_time(
        self, desk
    ):
        desk.answerer.plan("um", "hold")
        for text in ("um", "dois", "três"):
            last = desk.receive(text)
        other = desk.receive("olá", address=JOAO)
        desk.worker.start()

        await desk.until_status(other, "done")
        heard_meanwhile = list(desk.answerer.heard)
        desk.answerer.release.set()
        await desk.until_status(last, "done")

        assert heard_meanwhile == ["um", "olá"]
        assert desk.said()[1:] == [
            "Resposta a um", "Resposta a dois", "Resposta a três",
        ]  # fmt: skip

    async def test_conversations_go_side_by_side(self, desk):
        people = {"a": MARIA, "b": JOAO, "c": ANA}
        for text, address in people.items():
            desk.answerer.plan(text, "hold")
            desk.receive(text, address=address)

        desk.worker.start()

        await desk.until(lambda: desk.answerer.under_way == set(people))
        desk.answerer.release.set()
        await desk.until(lambda: len(desk.said()) == 3)

    async def test_no_more_turns_run_at_once_than_the_setting_says(self, tmp_path):
        async with running_desk(tmp_path, TURNS_IN_PARALLEL="2") as desk:
            for text, address in (("a", MARIA), ("b", JOAO), ("c", ANA)):
                desk.answerer.plan(text, "hold")
                last = desk.receive(text, address=address)
            desk.worker.start()
            await desk.until(lambda: len(desk.answerer.under_way) == 2)

            assert desk.row(last).status == "new"
            desk.answerer.release.set()
            await desk.until_status(last, "done")


class TestTryingAgain:
    @pytest.mark.parametrize("trouble", ["fail", "forget"])
    async def test_turn_that_was_not_committed_is_tried_again(self, desk, trouble):
        desk.answerer.plan("oi", trouble)
        message = desk.receive("oi")
        desk.worker.start()
        await desk.until(lambda: desk.row(message).error is not None)

        desk.pass_time(1)

        done = await desk.until_status(message, "done")
        assert done.attempts == 2
        assert desk.said() == ["Resposta a oi"]

    async def test_pause_before_the_next_try_doubles(self, desk):
        desk.answerer.plan("oi", *["fail"] * 4)
        message = desk.receive("oi")
        desk.worker.start()

        for attempt, usual_s in ((1, 0.5), (2, 1), (3, 2), (4, 4)):
            await desk.until(lambda n=attempt: _failed(desk, message, n))
            pause_s = desk.row(message).next_at - desk.clock.now
            assert usual_s / 2 <= pause_s <= usual_s * 1.5
            desk.pass_time(pause_s)
        await desk.until_status(message, "done")

    async def test_message_that_waits_for_its_next_try_holds_back_the_next(self, desk):
        desk.answerer.plan("um", "fail")
        first, second = desk.receive("um"), desk.receive("dois")
        desk.worker.start()
        await desk.until(lambda: _failed(desk, first, 1))
        other = desk.receive("olá", address=JOAO)
        await desk.until_status(other, "done")

        assert desk.row(second).status == "new"
        desk.pass_time(1)
        await desk.until_status(second, "done")
        assert desk.answerer.heard == ["um", "olá", "um", "dois"]

    async def test_turn_past_its_deadline_is_ended_and_tried_again(self, tmp_path):
        async with running_desk(tmp_path, TURN_DEADLINE_S="0.05") as desk:
            desk.answerer.plan("oi", "hang")
            message = desk.receive("oi")
            desk.worker.start()
            await desk.until(lambda: _failed(desk, message, 1))

            assert desk.row(message).error == "deadline"
            assert not desk.answerer.under_way
            desk.pass_time(1)
            await desk.until_status(message, "done")


class TestGivingUp:
    async def fail_for_good(self, desk: Desk, text: str) -> Any:
        desk.answerer.plan(text, *["fail"] * MAX_ATTEMPTS)
        message = desk.receive(text)
        desk.worker.start()
        for attempt in range(1, MAX_ATTEMPTS):
            await desk.until(lambda n=attempt: _failed(desk, message, n))
            desk.pass_time(60)
        return await desk.until_status(message, "dead")

    async def test_fifth_failure_brings_an_apology_and_a_person(self, desk):
        dead = await self.fail_for_good(desk, "oi")

        assert dead.attempts == 5
        assert dead.error == "RuntimeError"
        assert desk.said() == [NO_ANSWER]
        assert desk.handoffs() == ["turno_falhou"]

    async def test_next_message_of_the_same_person_goes_on(self, desk):
        await self.fail_for_good(desk, "oi")

        following = desk.receive("ainda aí?")

        await desk.until_status(following, "done")
        assert desk.said() == [NO_ANSWER, "Resposta a ainda aí?"]

    async def test_error_kept_for_the_office_has_no_words_of_the_person(self, desk):
        dead = await self.fail_for_good(desk, "fui demitida grávida")

        assert "demitida" not in dead.error

    async def test_message_that_ended_the_process_each_time_is_not_run_again(
        self, desk
    ):
        message = desk.receive("oi")
        with writing(desk.engine) as connection:
            connection.execute(
                sa.update(inbox).values(status="leased", attempts=MAX_ATTEMPTS)
            )

        desk.worker.start()

        dead = await desk.until_status(message, "dead")
        assert desk.answerer.heard == []
        assert dead.error == "process_died"
        assert desk.said() == [NO_ANSWER]
        assert desk.handoffs() == ["turno_falhou"]

    async def test_turn_of_a_process_that_was_killed_is_taken_over_at_once(self, desk):
        message = desk.receive("oi")
        desk.lease(message, f"{os.uname().nodename[:40]}-{pid_of_nobody()}-00000000")

        desk.worker.start()

        await desk.until_status(message, "done")
        assert desk.row(message).attempts == 2

    @pytest.mark.parametrize(
        "owner",
        [f"outra-maquina-{2**22 + 1}-0", f"{os.uname().nodename[:40]}-1-0", "sem-nome"],
        ids=["another-host", "alive", "unknown"],
    )
    async def test_turn_of_a_process_that_may_live_is_left_to_it(self, desk, owner):
        held = desk.receive("de outro processo")
        desk.lease(held, owner)
        free = desk.receive("oi", address=JOAO)

        desk.worker.start()

        await desk.until_status(free, "done")
        assert desk.row(held).status == "leased"


class TestStopping:
    async def test_turn_under_way_is_given_back_and_costs_no_attempt(self, desk):
        desk.answerer.plan("oi", "hang")
        message = desk.receive("oi")
        desk.worker.start()
        await desk.until(lambda: desk.answerer.under_way == {"oi"})

        await desk.worker.stop()

        row = desk.row(message)
        assert (row.status, row.attempts, row.lease_owner) == ("new", 0, None)
        assert not desk.worker.is_alive

    async def test_next_worker_takes_it_at_once(self, desk):
        desk.answerer.plan("oi", "hang")
        message = desk.receive("oi")
        desk.worker.start()
        await desk.until(lambda: desk.answerer.under_way == {"oi"})
        await desk.worker.stop()

        desk.worker = desk.another_worker()
        desk.worker.start()

        await desk.until_status(message, "done")

    async def test_turn_that_is_nearly_done_may_end(self, desk):
        desk.answerer.plan("oi", "hold")
        message = desk.receive("oi")
        desk.worker.start()
        await desk.until(lambda: desk.answerer.under_way == {"oi"})

        stopping = asyncio.create_task(desk.worker.stop())
        desk.answerer.release.set()
        await stopping

        assert desk.row(message).status == "done"

    async def test_message_being_claimed_at_that_moment_is_given_back(self, desk):
        message = desk.receive("oi")
        opened: list[object] = []  # who leases, is there a message, the claim itself
        sa.event.listen(desk.engine, "checkout", lambda *each: opened.append(each))
        other = sqlite3.connect(desk.engine.url.database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        desk.worker.start()
        await desk.until(lambda: len(opened) == 3)  # the claim waits for the lock
        stopping = asyncio.create_task(desk.worker.stop())
        await asyncio.sleep(0)
        other.execute("ROLLBACK")
        await stopping
        await desk.until(lambda: desk.engine.pool.checkedout() == 0)
        other.close()

        row = desk.row(message)
        assert (row.status, row.lease_owner) == ("new", None)
        assert desk.answerer.heard == []

    async def test_worker_that_never_started_can_be_stopped(self, desk):
        await desk.worker.stop()

        assert not desk.worker.is_alive


class TestLosingTheLease:
    async def test_turn_that_another_worker_took_says_nothing(self, desk):
        desk.answerer.plan("oi", "hold")
        message = desk.receive("oi")
        desk.worker.start()
        await desk.until(lambda: desk.answerer.under_way == {"oi"})
        other = desk.another_worker()

        desk.pass_time(3600)
        other.start()
        await desk.until_status(message, "done")
        desk.answerer.release.set()
        await desk.until(lambda: not desk.answerer.under_way)
        await other.stop()
        await desk.worker.stop()

        assert desk.answerer.heard == ["oi", "oi"]
        assert desk.said() == ["Resposta a oi"]
        assert (desk.row(message).status, desk.row(message).attempts) == ("done", 2)


def _failed(desk: Desk, inbox_id: int, times: int) -> bool:
    row = desk.row(inbox_id)
    return bool(row.status == "new" and row.attempts == times and row.error)

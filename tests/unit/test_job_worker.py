"""What becomes of a job, by what its handler says."""

from __future__ import annotations

import asyncio
import os
import subprocess

import pytest

from actions.jobs import (
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    MOST_ATTEMPTS,
    PATIENT_AFTER,
    PATIENT_PAUSE_S,
    Done,
    JobWorker,
)
from bot.core.ports import GatewayError, Trouble
from bot.store import jobs, workers
from bot.store.database import reading, writing
from bot.store.schema import handoff, job
from tests.unit.desk import NOW, PHONE


class Handlers:
    """Handlers of one kind, that do as they are told and count."""

    def __init__(self) -> None:
        self.script: list[Exception | dict[str, str]] = []
        self.done: list[str] = []
        self.then = None

    async def event(self, mine: jobs.Job) -> Done:
        self.done.append(mine.key)
        told = self.script.pop(0) if self.script else {"id": "e1"}
        if isinstance(told, Exception):
            raise told
        return Done(told, self.then)


class Yard:
    def __init__(self, desk) -> None:
        self.desk = desk
        self.now = NOW.timestamp()
        self.handlers = Handlers()
        self.worker = JobWorker(
            desk.services, {"evento": self.handlers.event}, clock=lambda: self.now
        )
        self.talk_id = desk.writes(PHONE, "marca audiência")

    def add(self, kind: str = "evento", key: str = "1:evento:0") -> None:
        with writing(self.desk.engine) as connection:
            jobs.add(
                connection,
                key=key,
                kind=kind,
                facts={},
                now=self.now,
                conversation_id=self.talk_id,
            )

    def rows(self, table):
        with reading(self.desk.engine) as connection:
            return connection.execute(table.select().order_by(table.c.id)).all()

    @property
    def row(self):
        [found] = self.rows(job)
        return found


@pytest.fixture
def yard(desk):
    return Yard(desk)


async def test_job_is_done_once_and_what_it_made_is_kept(yard):
    yard.add()

    assert await yard.worker.work_once()
    assert not await yard.worker.work_once()

    assert (yard.row.status, yard.row.result) == (jobs.DONE, {"id": "e1"})
    assert yard.handlers.done == ["1:evento:0"]


@pytest.mark.parametrize("trouble", [Trouble.LATER, Trouble.UNCLEAR])
async def test_what_may_succeed_later_comes_again_after_a_pause(yard, trouble):
    yard.handlers.script = [GatewayError(trouble, "x")]
    yard.add()
    await yard.worker.work_once()
    assert not await yard.worker.work_once()

    yard.now += FIRST_PAUSE_S
    assert await yard.worker.work_once()

    assert yard.row.status == jobs.DONE
    assert yard.row.attempts == 2


async def test_service_says_how_long_it_wants_to_be_left_alone(yard):
    yard.handlers.script = [GatewayError(Trouble.LATER, "429", wait_s=120)]
    yard.add()
    await yard.worker.work_once()

    assert yard.row.next_at == yard.now + 120


async def test_pauses_grow_and_have_an_end(yard):
    yard.add()
    pauses = []
    for _ in range(20):
        yard.handlers.script = [GatewayError(Trouble.LATER, "x")]
        await yard.worker.work_once()
        pauses.append(yard.row.next_at - yard.now)
        yard.now = yard.row.next_at

    assert FIRST_PAUSE_S / 2 <= pauses[0] <= FIRST_PAUSE_S
    assert LONGEST_PAUSE_S / 2 <= pauses[-1] <= LONGEST_PAUSE_S


async def test_after_an_hour_it_is_tried_less_often(yard):
    yard.add()
    with writing(yard.desk.engine) as connection:
        connection.execute(job.update().values(attempts=PATIENT_AFTER))
    yard.handlers.script = [GatewayError(Trouble.LATER, "x")]

    await yard.worker.work_once()

    assert yard.row.next_at - yard.now >= PATIENT_PAUSE_S / 2


async def test_what_follows_is_written_with_the_end_of_the_job(yard):
    yard.add()
    yard.handlers.then = lambda c: jobs.add(
        c, key="1:depois:0", kind="evento", facts={}, now=yard.now
    )

    await yard.worker.work_once()

    assert [each.status for each in yard.rows(job)] == [jobs.DONE, jobs.NEW]


async def test_what_cannot_be_written_leaves_the_job_undone(yard):
    yard.add()

    def fails(_connection):
        raise LookupError

    yard.handlers.then = fails

    await yard.worker.work_once()

    assert (yard.row.status, yard.row.result) == (jobs.NEW, None)


@pytest.mark.parametrize("trouble", [Trouble.RECONNECT, Trouble.NOT_GRANTED])
async def test_what_is_not_connected_is_parked_and_not_dropped(yard, trouble):
    yard.handlers.script = [GatewayError(trouble, "x")]
    yard.add()
    await yard.worker.work_once()
    yard.now += 100_000
    assert not await yard.worker.work_once()

    with writing(yard.desk.engine) as connection:
        jobs.unpark(connection, [trouble.value])
    await yard.worker.work_once()

    assert (yard.row.status, yard.row.attempts) == (jobs.DONE, 1)
    assert yard.rows(handoff) == []


async def test_what_is_refused_goes_to_a_person(yard):
    yard.handlers.script = [GatewayError(Trouble.REFUSED, "400")]
    yard.add()
    await yard.worker.work_once()

    assert (yard.row.status, yard.row.reason) == (jobs.FAILED, "recusado")
    [waiting] = yard.rows(handoff)
    assert (waiting.reason, waiting.note) == ("trabalho_falhou", "evento")


async def test_after_many_attempts_a_person_is_asked(yard):
    yard.add()
    with writing(yard.desk.engine) as connection:
        connection.execute(job.update().values(attempts=MOST_ATTEMPTS - 1))
    yard.handlers.script = [GatewayError(Trouble.LATER, "x")]

    await yard.worker.work_once()

    assert yard.row.status == jobs.FAILED
    assert len(yard.rows(handoff)) == 1


async def test_handler_that_breaks_ends_no_other_job(yard):
    yard.handlers.script = [RuntimeError("x"), KeyError("y"), {"id": "e3"}]
    for number in range(3):
        yard.add(key=f"{number}:evento:0")

    for _ in range(3):
        assert await yard.worker.work_once()

    assert [each.status for each in yard.rows(job)] == [jobs.NEW, jobs.NEW, jobs.DONE]


def dead_worker() -> str:
    """Returns the name of a worker whose process has ended."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    return f"{os.uname().nodename[:40]}-{ended.pid}-0123abcd"


@pytest.mark.parametrize("is_dead", [True, False])
async def test_job_of_a_killed_process_is_taken_over_at_once(yard, is_dead):
    owner = dead_worker() if is_dead else workers.new_name()
    yard.add()
    with writing(yard.desk.engine) as connection:
        jobs.claim(connection, lease_owner=owner, now=yard.now, lease_s=120)

    await yard.worker.reclaim()

    assert await yard.worker.work_once() is is_dead
    if is_dead:
        assert (yard.row.status, yard.row.attempts) == (jobs.DONE, 2)


async def test_worker_that_starts_takes_over_and_works(yard):
    yard.add()
    with writing(yard.desk.engine) as connection:
        jobs.claim(connection, lease_owner=dead_worker(), now=yard.now, lease_s=120)

    done, loop = asyncio.Event(), asyncio.get_running_loop()
    yard.handlers.then = lambda _connection: loop.call_soon_threadsafe(done.set)

    yard.worker.start()
    async with asyncio.timeout(10):
        await done.wait()
    await yard.worker.stop()

    assert yard.handlers.done == ["1:evento:0"]


async def test_kind_that_nobody_knows_is_refused(yard):
    yard.add(kind="outro")

    await yard.worker.work_once()

    assert yard.row.status == jobs.FAILED
    assert yard.handlers.done == []


async def test_worker_whose_lease_ended_changes_nothing(yard):
    yard.add()

    async def slow(mine: jobs.Job) -> Done:
        yard.now += 1000
        with writing(yard.desk.engine) as connection:
            jobs.claim(connection, lease_owner="outro", now=yard.now, lease_s=60)
        return Done({"id": "tarde"})

    worker = JobWorker(yard.desk.services, {"evento": slow}, clock=lambda: yard.now)

    assert await worker.work_once()
    assert (yard.row.status, yard.row.result) == (jobs.LEASED, None)


async def test_log_of_a_failure_holds_no_words(yard, capsys):
    yard.handlers.script = [
        RuntimeError("segredo"),
        GatewayError(Trouble.LATER, "segredo"),
    ]
    for number in range(2):
        yard.add(key=f"{number}:evento:0")
        await yard.worker.work_once()

    captured = capsys.readouterr()
    assert "segredo" not in captured.out + captured.err

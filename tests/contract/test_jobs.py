"""Work outside: one specification, on SQLite and on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bot.store import jobs
from bot.store.jobs import Job, LostLeaseError
from tests.contract import test_store
from tests.contract.test_store import Store

database_kind = test_store.database_kind
migrated_sqlite = test_store.migrated_sqlite
migrated_postgres = test_store.migrated_postgres
store = test_store.store
LEASE_S = 60


class Yard:
    """Where jobs are added and taken."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = store.now

    def add(self, key: str = "1:evento:0", **more: Any) -> bool:
        wanted = {"kind": "evento", "facts": {"titulo": "x"}, "now": self.now, **more}
        return self.store.write(lambda c: jobs.add(c, key=key, **wanted))

    def claim(self, owner: str = "a") -> Job | None:
        return self.store.write(
            lambda c: jobs.claim(c, lease_owner=owner, now=self.now, lease_s=LEASE_S)
        )

    def claimed(self, owner: str = "a") -> Job:
        found = self.claim(owner)
        assert found is not None
        return found

    def change(self, what, mine: Job, **more: Any) -> None:
        self.store.write(lambda c: what(c, mine, **more))

    @property
    def row(self) -> Any:
        [found] = self.store.rows("job")
        return found


@pytest.fixture
def yard(store):
    return Yard(store)


def test_same_key_is_one_job(yard):
    assert yard.add()
    assert not yard.add(facts={"titulo": "outro"})
    assert yard.row.facts == {"titulo": "x"}


def test_job_is_done_once(yard):
    yard.add()
    mine = yard.claimed()
    assert yard.claim("b") is None

    yard.change(jobs.finish, mine, result={"id": "e1"}, now=yard.now)

    assert yard.claim("b") is None
    assert (yard.row.status, yard.row.result) == ("feito", {"id": "e1"})


def test_not_before_its_time(yard):
    yard.add(not_before=yard.now + 10)
    assert yard.claim() is None

    yard.now += 10

    assert yard.claim() is not None


def test_oldest_goes_first(yard):
    for number in range(3):
        yard.add(f"{number}:evento:0", not_before=yard.now - number)

    assert [yard.claimed().key[0] for _ in range(3)] == ["2", "1", "0"]


def test_job_of_a_dead_worker_is_taken_over_with_what_it_noted(yard):
    yard.add()
    dead = yard.claimed()
    yard.change(jobs.note, dead, progress={"id": "gerado"})
    yard.now += LEASE_S + 1

    heir = yard.claimed("b")

    assert (heir.attempt, heir.progress) == (2, {"id": "gerado"})


@pytest.mark.parametrize(
    ("what", "more"),
    [
        (jobs.finish, {"result": {}, "now": 0.0}),
        (jobs.retry, {"at": 0.0, "reason": "x"}),
        (jobs.park, {"reason": "x"}),
        (jobs.fail, {"reason": "x", "now": 0.0}),
        (jobs.note, {"progress": {}}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_worker_that_lost_its_lease_changes_nothing(yard, what, more):
    yard.add()
    late = yard.claimed()
    yard.now += LEASE_S + 1
    yard.claimed("b")
    before = yard.row

    with pytest.raises(LostLeaseError):
        yard.change(what, late, **more)

    assert yard.row == before


def test_failed_attempt_comes_again_when_it_is_told_to(yard):
    yard.add()
    yard.change(jobs.retry, yard.claimed(), at=yard.now + 5, reason="429")
    assert yard.claim() is None

    yard.now += 5

    assert yard.claimed().attempt == 2


def test_parked_job_waits_for_its_reason_and_has_lost_no_attempt(yard):
    yard.add()
    yard.change(jobs.park, yard.claimed(), reason="reconectar")
    yard.now += 10_000
    assert yard.claim() is None
    assert yard.store.write(lambda c: jobs.unpark(c, ["outra"])) == 0

    assert yard.store.write(lambda c: jobs.unpark(c, ["reconectar"])) == 1

    assert yard.claimed().attempt == 1


def test_failed_job_is_never_taken_again(yard):
    yard.add()
    yard.change(jobs.fail, yard.claimed(), reason="400", now=yard.now)
    yard.now += 10_000

    assert yard.claim() is None
    assert (yard.row.status, yard.row.reason) == ("falhou", "400")


def test_worker_that_stops_gives_its_jobs_back(yard):
    yard.add()
    yard.claimed()

    assert yard.store.write(lambda c: jobs.release(c, lease_owner="a")) == 1

    assert yard.claimed("b").attempt == 1


def test_idle_look_finds_nothing_and_writes_nothing(yard):
    assert not yard.store.read(lambda c: jobs.is_any_due(c, now=yard.now))
    yard.add()
    assert yard.store.read(lambda c: jobs.is_any_due(c, now=yard.now))


def test_workers_at_once_share_the_jobs(yard):
    for number in range(12):
        yard.add(f"{number}:evento:0")

    def work(owner: str) -> list[int]:
        found = []
        while (mine := yard.claim(owner)) is not None:
            found.append(mine.id)
        return found

    with ThreadPoolExecutor(4) as pool:
        taken = [each for found in pool.map(work, "abcd") for each in found]

    assert sorted(taken) == sorted(set(taken))
    assert len(taken) == 12

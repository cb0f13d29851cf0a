"""R6: wherever a process ends, the next one finishes the work, and once."""

from __future__ import annotations

import itertools
import signal

import pytest

from tests.contract import test_store
from tests.contract.outbox_desk import Clock
from tests.fakes.fake_twilio import FakeTwilio, serve
from tests.goals.crash import CrashPoints
from tests.goals.life import ANSWERS, Life, open_client

database_kind = test_store.database_kind
migrated_sqlite = test_store.migrated_sqlite
migrated_postgres = test_store.migrated_postgres
store = test_store.store

STEPS = {
    "accept": 6, "accept another": 6, "accept words": 6, "claim": 6, "commit": 8,
    "take": 4, "mark sent": 4, "follow": 4, "mark unknown": 2,
    "reconcile what is there": 8, "reconcile what is not there": 6,
}  # fmt: skip
"""With the least number of points that each one has, so that none is skipped."""
MOST_POINTS = 100


@pytest.fixture
async def lives(store):
    """Makes lives of one person each, on one database and at one Twilio."""
    engine, clock, numbers = store.engine, Clock(), itertools.count()
    points = CrashPoints(engine)
    async with serve(FakeTwilio(clock=clock)) as twilio, open_client(twilio) as client:

        def another() -> Life:
            person = f"55119876{next(numbers):05d}"
            return Life(engine, points, twilio, client, clock, person)

        yield another


@pytest.mark.parametrize("step", STEPS)
async def test_r6_killed_at_any_statement_it_is_done_once_all_the_same(lives, step):
    for point in range(1, MOST_POINTS):
        life = lives()
        await life.live_until(step)

        was_killed = await life.end_at(step, point)
        await life.recover()

        assert_done_once(life, f"{step}, point {point}")
        if not was_killed:
            break
    assert STEPS[step] <= point - 1 < MOST_POINTS - 1


@pytest.mark.parametrize(
    ("before", "step", "point"),
    [
        ("accept", "accept", 3),
        ("accept", "accept", 9),
        ("claim", "claim", 3),
        ("claim", "turn", 12),
        ("take", "take", 3),
        ("mark sent", "mark_sent", 3),
    ],
    ids=["accept", "late in accept", "claim", "turn", "take", "mark sent"],
)
@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_r6_process_killed_for_real_leaves_nothing_undone(
    lives, before, step, point
):
    life = lives()
    await life.live_until(before)

    ended = await life.end_by_signal(step, point)
    await life.recover()

    assert ended == -signal.SIGKILL
    assert_done_once(life, step)


def assert_done_once(life: Life, where: str) -> None:
    """Everything of this person was done, and nothing twice."""
    photo, other_photo, words = life.rows("inbox")
    assert life.arrived() == ANSWERS, where
    assert {row.status for row in (photo, other_photo, words)} == {"done"}, where
    merged = (photo.merged_into, other_photo.merged_into, words.merged_into)
    assert merged == (None, photo.id, None), where
    answers = [(r.inbox_id, r.ordinal, r.body, r.status) for r in life.rows("outbox")]
    assert answers == [
        (photo.id, 0, ANSWERS[0], "delivered"),
        (photo.id, 1, ANSWERS[1], "delivered"),
        (words.id, 0, ANSWERS[2], "delivered"),
    ], where
    for table in ("handoff", "request", "appointment"):
        assert len(life.rows(table)) == 1, (where, table)
    (talk,) = life.rows("conversation", of="id")
    known = (talk.display_name, talk.external_id)
    assert known == ("Maria", f"whatsapp:BR.{life.person}"), where
    assert talk.last_inbound_at == words.received_at, where
    assert life.attachments() == [photo.id, other_photo.id], where

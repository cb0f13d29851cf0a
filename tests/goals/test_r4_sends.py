"""R4: whatever Twilio answers, or does not, each message arrives once."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from bot.store import outbox as outbox_store
from bot.store.database import reading
from tests.contract.outbox_desk import Clock, Desk, running_desk
from tests.fakes.fake_twilio import FakeTwilio, Fault, serve
from tests.goals.office import people

SENDS, EACH, SETTLED_WITHIN_S = 200, 5, 60
KINDS = (
    "error_after", "hang_after", "reset_after", "garbage_after",
    "error_before", "hang", "reset", "garbage", "too_many",
)  # fmt: skip
FAULTY = 0.2
OPEN = {"new", "sending", "unknown"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def twilio(clock):
    async with serve(FakeTwilio(clock=clock)) as running:
        yield running


@pytest.fixture
async def desk(tmp_path, twilio, clock):
    async with running_desk(tmp_path, twilio.url, clock=clock) as running:
        yield running


class Watch:
    """Lets time pass where nothing is left to do, and looks how long doubts last."""

    def __init__(self, desk: Desk) -> None:
        self.longest_doubt_s = 0.0
        self.doubts = 0
        self._desk = desk
        self._since: dict[tuple[int, int], float] = {}

    async def run(self) -> None:
        """Returns once every message came to an end."""
        while self._note(self._desk.rows("outbox")):
            await self._desk.until(self._is_idle)
            next_at = self._next_at()
            if next_at is not None:
                self._desk.pass_time(max(0.1, next_at - self._desk.clock.now))

    def _note(self, rows: list[Any]) -> bool:
        now = self._desk.clock.now
        doubtful = {(r.id, r.attempts) for r in rows if r.status == "unknown"}
        for each in doubtful - self._since.keys():
            row = next(r for r in rows if r.id == each[0])
            self._since[each] = row.started_at
            self.doubts += 1
        for each in self._since.keys() - doubtful:
            lasted_s = now - self._since.pop(each)
            self.longest_doubt_s = max(self.longest_doubt_s, lasted_s)
        return any(row.status in OPEN for row in rows)

    def _is_idle(self) -> bool:
        rows = self._desk.rows("outbox")
        now = self._desk.clock.now
        if any(row.status == "sending" for row in rows):
            return False
        next_at = self._next_at()
        return next_at is None or next_at > now

    def _next_at(self) -> float | None:
        with reading(self._desk.engine) as connection:
            at = outbox_store.due_at(connection)
        unknown = [r for r in self._desk.rows("outbox") if r.status == "unknown"]
        times = [row.next_at for row in unknown] + ([] if at is None else [at])
        return min(times, default=None)


async def test_r4_faulty_sends_arrive_once_in_order_and_are_settled(desk, twilio):
    crowd = people(SENDS // EACH)
    for number in range(SENDS):
        desk.say(f"resposta {number}", to=crowd[number % len(crowd)])
    twilio.plan.set_odds(
        {"send": {kind: FAULTY / len(KINDS) for kind in KINDS}}, seed=4
    )
    watch = Watch(desk)

    await desk.sender.start()
    await watch.run()

    arrived = defaultdict(list)
    for message in twilio.messages:
        arrived[message.to].append(message.body)
    assert arrived == {
        address: [f"resposta {n}" for n in range(place, SENDS, len(crowd))]
        for place, address in enumerate(crowd)
    }
    assert {row.status for row in desk.rows("outbox")} == {"sent"}
    assert {row.provider_sid for row in desk.rows("outbox")} == {
        message.sid for message in twilio.messages
    }
    assert twilio.plan.made.keys() == {f"send:{kind}" for kind in KINDS}
    assert twilio.plan.made.total() >= SENDS * FAULTY
    assert watch.doubts >= twilio.plan.made.total() - twilio.plan.made["send:too_many"]
    assert watch.longest_doubt_s <= SETTLED_WITHIN_S


@pytest.mark.parametrize(
    "kind", ["error_after", "error_before"], ids=["503 after accept", "500"]
)
async def test_suggested_no_double_send_under_5xx(desk, twilio, kind):
    texts = {f"resposta {n}": address for n, address in enumerate(people(20))}
    twilio.fail_next(*(Fault(kind) for _ in texts))
    for text, address in texts.items():
        desk.say(text, to=address)

    await desk.sender.start()
    await Watch(desk).run()

    assert twilio.plan.made[f"send:{kind}"] == len(texts)
    assert {each.body: each.to for each in twilio.messages} == texts
    assert len(twilio.messages) == len(texts)


async def test_suggested_429_waits_as_long_as_retry_after_says(desk, twilio):
    patient, witness = people(2)
    twilio.fail_next(Fault("too_many", retry_after_s=7))
    answer = desk.say("resposta", to=patient)
    await desk.sender.start()
    await desk.until(lambda: desk.row(answer).next_at > 0)
    wait_s = desk.row(answer).next_at - desk.clock.now

    desk.pass_time(wait_s - 0.001)
    seen = desk.say("o remetente olhou de novo", to=witness)
    await desk.until_status(seen, "sent")
    status_before = desk.row(answer).status
    desk.pass_time(0.002)
    await desk.until_status(answer, "sent")

    assert wait_s >= 7
    assert status_before == "new"
    assert twilio.bodies == ["o remetente olhou de novo", "resposta"]

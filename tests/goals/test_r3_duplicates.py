"""R3: however often Twilio tells of a message, it is processed once."""

from __future__ import annotations

import asyncio

from tests.fakes.fake_twilio import FakeTwilio, ReceivedMessage
from tests.goals.office import (
    CLEAN,
    OFFICE,
    age,
    answering,
    is_quiet,
    open_edge,
    people,
    until,
    verdict,
    words,
    write,
)

SIDS, DELIVERIES, DAY_AND_HOUR_S = 200, 1000, 25 * 60 * 60
AT_ONCE = 10


async def test_r3_duplicate_webhooks_are_one_processing_each(tmp_path, twilio):
    crowd = people(SIDS // 5)
    messages = [
        twilio.receive(words(address, number), from_=address, to=OFFICE)
        for number in range(5)
        for address in crowd
    ]
    at_first = [*range(2, 21), *[2] * (SIDS - 19)]
    after_restart = [2] * 29 + [1] * (SIDS - 29)
    next_day = [1] * SIDS
    assert sum(at_first) + sum(after_restart) + sum(next_day) == DELIVERIES

    async with open_edge(tmp_path, twilio) as edge, answering(edge) as assistant:
        outcomes = await deliver(twilio, messages, at_first)
        await until(lambda: is_quiet(edge.engine, messages=SIDS))
        heard = list(assistant.heard)
    async with open_edge(tmp_path, twilio) as edge, answering(edge) as assistant:
        outcomes += await deliver(twilio, messages, after_restart)
        age(edge, DAY_AND_HOUR_S)
        outcomes += await deliver(twilio, messages, next_day)
        last = await write(twilio, "a última", from_=crowd[0])
        await until(lambda: is_quiet(edge.engine, messages=SIDS + 1))

        sids = [row.message_sid for row in edge.rows("inbox")]
        assert outcomes == ["200"] * DELIVERIES
        assert sorted(sids) == sorted(each.sid for each in [*messages, last])
        assert sorted(heard) == sorted(each.body for each in messages)
        assert assistant.heard == ["a última"]
        assert verdict(edge.engine, twilio).lines() == CLEAN
        assert len(twilio.messages) == SIDS + 1


async def deliver(
    twilio: FakeTwilio, messages: list[ReceivedMessage], times: list[int]
) -> list[str]:
    """Has the edge told of each message, so often at once; returns all outcomes."""
    outcomes = []
    for start in range(0, len(messages), AT_ONCE):
        few = zip(messages, times, strict=True)
        some = list(few)[start : start + AT_ONCE]
        made = await asyncio.gather(*(twilio.tell(m, times=n) for m, n in some))
        outcomes += [outcome for each in made for d in each for outcome in d.outcomes]
    return outcomes

"""R5: what people wrote while the edge was down is fetched and answered."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.fakes.fake_twilio import FakeTwilio
from tests.goals.office import (
    CLEAN,
    OFFICE,
    age,
    answering,
    is_quiet,
    open_edge,
    people,
    said_to,
    until,
    verdict,
    words,
    write,
)


@pytest.mark.parametrize("outage_s", [600, 3 * 3600], ids=["10 minutes", "3 hours"])
async def test_r5_messages_written_while_the_edge_was_down_are_answered(
    tmp_path: Path, twilio: FakeTwilio, outage_s: int
):
    crowd = people(20)
    async with open_edge(tmp_path, twilio) as edge, answering(edge):
        await write(twilio, "antes", from_=crowd[0])
        await until(lambda: is_quiet(edge.engine, messages=1))
        await until(lambda: bool(edge.rows("channel_mark")))
        age(edge, outage_s)
    came_at = time.time() - outage_s
    for number in range(100):
        at, from_ = came_at + number * outage_s / 100, crowd[number % len(crowd)]
        text = words(from_, number // len(crowd))
        twilio.receive(text, from_=from_, to=OFFICE, at=at)

    async with open_edge(tmp_path, twilio) as edge, answering(edge):
        await until(lambda: is_quiet(edge.engine, messages=101))

        assert verdict(edge.engine, twilio).lines() == CLEAN
        for address in crowd:
            own = [f"Resposta a {words(address, n)}" for n in range(5)]
            assert said_to(twilio, address)[-5:] == own

"""R7 and R8: a burst keeps its order, and a poisoned message stops nobody else."""

from __future__ import annotations

import asyncio

import pytest

from bot.core.phrases import NO_ANSWER
from bot.store import office_desk
from bot.store.database import reading
from bot.store.turns import Turn
from connectors.turn_worker import MAX_ATTEMPTS
from tests.goals.office import (
    CLEAN,
    OFFICE,
    answering,
    is_quiet,
    open_edge,
    people,
    said_to,
    take_a_moment,
    until,
    verdict,
    words,
    write,
)
from tests.unit.test_turn_worker import JOAO, running_desk

BURST = 30
MINUTE_S = 60


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_r7_burst_of_one_person_is_answered_in_order_one_at_a_time(
    tmp_path, twilio, kind, request
):
    environ = {"TURN_DEADLINE_S": "1"}
    if kind == "postgresql":
        server = request.getfixturevalue("postgres_server")
        environ["DATABASE_URL"] = server.new_database()
    (maria,) = people(1)
    burst = [twilio.receive(f"m{n}", from_=maria, to=OFFICE) for n in range(BURST)]
    all_in = asyncio.Event()
    late: list[str] = []

    async def work_slowly(turn: Turn) -> None:
        await all_in.wait()
        for _ in range(20):  # the other worker looks for work meanwhile
            await asyncio.to_thread(lambda: None)
        if len(set(assistant.heard)) == BURST // 2 and turn.attempt == 1:
            late.append(turn.text)
            await asyncio.Event().wait()  # beyond any deadline

    async with (
        open_edge(tmp_path, twilio, **environ) as edge,
        answering(edge, workers=2) as assistant,
    ):
        assistant.during = work_slowly
        await asyncio.gather(*(twilio.tell(message) for message in burst))
        all_in.set()
        await until(lambda: is_quiet(edge.engine, messages=BURST))

        rows = sorted(edge.rows("inbox"), key=lambda row: row.id)
        in_order = [row.text for row in rows]
        assert verdict(edge.engine, twilio).lines() == CLEAN
        assert said_to(twilio, maria) == [f"Resposta a {text}" for text in in_order]
        assert list(dict.fromkeys(assistant.heard)) == in_order
        assert assistant.most_at_work == 1
        assert {row.status for row in rows} == {"done"}
        assert len(late) == 1
        (tried_again,) = (row for row in rows if row.text == late[0])
        assert (tried_again.attempts, tried_again.error) == (2, "deadline")


async def test_r8_poison_message_is_set_aside_and_stops_nobody_else(tmp_path):
    async with running_desk(tmp_path) as desk:
        desk.answerer.plan("veneno", *["fail"] * MAX_ATTEMPTS)
        poison = desk.receive("veneno")
        behind = [desk.receive(f"Maria {n}") for n in range(3)]
        others = [desk.receive(f"João {n}", address=JOAO) for n in range(3)]
        began_at = desk.clock.now
        desk.worker.start()

        for each in others:
            await desk.until_status(each, "done")
        others_waited_s = desk.clock.now - began_at
        for attempt in range(1, MAX_ATTEMPTS):
            await desk.until(lambda n=attempt: desk.row(poison).attempts >= n)
            await desk.until(lambda: desk.row(poison).status == "new")
            assert {desk.row(each).status for each in behind} == {"new"}
            desk.pass_time(max(0.0, desk.row(poison).next_at - desk.clock.now))
        dead = await desk.until_status(poison, "dead")
        for each in behind:
            await desk.until_status(each, "done")

        assert others_waited_s == 0
        assert desk.clock.now - began_at <= MINUTE_S
        assert dead.error == "RuntimeError"
        to_maria = [text for text in desk.said() if "João" not in text]
        answers = [f"Resposta a Maria {n}" for n in range(3)]
        assert to_maria == [NO_ANSWER, *answers]
        assert desk.handoffs() == ["turno_falhou"]
        with reading(desk.engine) as connection:
            seen = office_desk.contact(connection, dead.conversation_id)
        assert seen is not None
        assert seen.waits_because == "turno_falhou"


ROUNDS, SENDERS = 20, 5


async def test_suggested_interleaved_messages_keep_each_senders_order(tmp_path, twilio):
    crowd = people(SENDERS)

    async def one_round(number: int) -> None:
        writes = (write(twilio, words(a, number), from_=a) for a in crowd)
        await asyncio.gather(*writes)

    async with open_edge(tmp_path, twilio) as edge:
        for number in range(ROUNDS - 7):
            await one_round(number)
        async with answering(edge, workers=2) as assistant:
            assistant.during = take_a_moment
            for number in range(ROUNDS - 7, ROUNDS):
                await one_round(number)
            await until(lambda: is_quiet(edge.engine, messages=ROUNDS * SENDERS))

        assert assistant.most_at_work == 1
        assert verdict(edge.engine, twilio).lines() == CLEAN
        for address in crowd:
            expected = [f"Resposta a {words(address, n)}" for n in range(ROUNDS)]
            assert said_to(twilio, address) == expected

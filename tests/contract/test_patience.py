"""Who is told "estou verificando", and who is not."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bot.core.phrases import STILL_LOOKING
from bot.store import inbox as inbox_store
from bot.store import turns
from bot.store.database import reading, writing
from bot.store.inbox import InboundMessage
from bot.store.schema import conversation, outbox
from bot.store.turns import Outcome, Outgoing
from connectors.patience import PatienceNotice
from connectors.turn_worker import lease_s
from tests.contract.outbox_desk import JOAO, MARIA, OFFICE, Clock, running_desk
from tests.fakes.fake_twilio import ACCOUNT_SID, FakeTwilio, serve


@pytest.fixture
async def twilio():
    async with serve(FakeTwilio()) as running:
        yield running


@pytest.fixture
async def desk(tmp_path, twilio):
    async with running_desk(tmp_path, twilio.url, clock=Clock()) as running:
        yield running


@pytest.fixture
def notice(desk):
    return PatienceNotice(desk.services, clock=desk.clock)


def write_in(
    desk, *, source: str = "whatsapp", number: int = 1, address: str = MARIA
) -> int:
    message = InboundMessage(
        message_sid=f"SM{number:032d}",
        account_sid=ACCOUNT_SID,
        address=address,
        recipient=OFFICE,
        text="oi",
        source=source,
    )
    with writing(desk.engine) as connection:
        return inbox_store.accept(connection, message, now=desk.clock.now).inbox_id


def begin_turn(desk):
    with writing(desk.engine) as connection:
        turn = turns.claim(
            connection,
            lease_owner="w",
            now=desk.clock.now,
            lease_s=lease_s(desk.services.settings),
        )
    assert turn is not None
    return turn


def answer(desk, turn) -> None:
    turn.outgoing = [Outgoing("Olá!")]
    with writing(desk.engine) as connection:
        outcome = Outcome("saudar", 1.0, turns.AnsweredBy.RULE)
        turns.commit(connection, turn, outcome, now=desk.clock.now)


def said(desk) -> list[str]:
    with reading(desk.engine) as connection:
        query = sa.select(outbox.c.body).order_by(outbox.c.id)
        return list(connection.execute(query).scalars())


async def test_who_waits_for_twelve_seconds_is_told_once(desk, notice):
    write_in(desk)
    turn = begin_turn(desk)
    desk.clock.now += 11.9
    assert await notice.tell_all() == 0

    desk.clock.now += 0.2
    assert await notice.tell_all() == 1
    desk.clock.now += 5
    assert await notice.tell_all() == 0
    answer(desk, turn)

    assert said(desk) == [STILL_LOOKING, "Olá!"]


async def test_time_in_the_queue_does_not_count(desk, notice):
    write_in(desk)
    desk.clock.now += 60
    begin_turn(desk)
    desk.clock.now += 1

    assert await notice.tell_all() == 0


async def test_who_has_just_begun_is_not_told_with_who_waits(desk, notice):
    write_in(desk)
    begin_turn(desk)
    desk.clock.now += 13
    write_in(desk, number=2, address=JOAO)
    begin_turn(desk)

    assert await notice.tell_all() == 1


async def test_second_try_of_a_turn_says_it_no_second_time(desk, notice):
    write_in(desk)
    turn = begin_turn(desk)
    desk.clock.now += 13
    assert await notice.tell_all() == 1
    with writing(desk.engine) as connection:
        turns.fail(connection, turn, retry_at=desk.clock.now, error="x")
    begin_turn(desk)
    desk.clock.now += 13

    assert await notice.tell_all() == 0


async def test_answered_turn_gets_no_notice_after_its_answer(desk, notice):
    write_in(desk)
    turn = begin_turn(desk)
    desk.clock.now += 13
    answer(desk, turn)

    assert await notice.tell_all() == 0
    assert said(desk) == ["Olá!"]


@pytest.mark.parametrize("case", ["api", "pessoa", "muda", "lease que acabou"])
async def test_nobody_else_is_told(desk, notice, case):
    write_in(desk, source="api" if case == "api" else "whatsapp")
    begin_turn(desk)
    desk.clock.now += 13
    values = {
        "pessoa": {"owner": "pessoa"},
        "muda": {"muted_until": desk.clock.now + 60},
    }.get(case)
    if values:
        with writing(desk.engine) as connection:
            connection.execute(sa.update(conversation).values(**values))
    if case == "lease que acabou":
        desk.clock.now += 600

    assert await notice.tell_all() == 0


async def test_notice_reaches_whatsapp_while_the_turn_goes_on(desk, notice, twilio):
    write_in(desk)
    begin_turn(desk)
    desk.clock.now += 13
    await notice.tell_all()

    await desk.sender.start()
    await desk.until(lambda: len(twilio.messages) == 1)

    assert STILL_LOOKING in str(twilio.messages)

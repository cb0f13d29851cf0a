"""Who is shown "digitando…", and who is not."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bot.store import inbox as inbox_store
from bot.store import turns
from bot.store.database import writing
from bot.store.inbox import InboundMessage
from bot.store.schema import conversation, inbox
from connectors.twilio_client import TwilioClient
from connectors.typing import TypingIndicator
from tests.contract.outbox_desk import MARIA, OFFICE, Clock, running_desk
from tests.fakes.fake_twilio import ACCOUNT_SID, FakeTwilio, serve

SID = "SM" + "1" * 32


@pytest.fixture
async def twilio():
    async with serve(FakeTwilio()) as running:
        yield running


@pytest.fixture
async def desk(tmp_path, twilio):
    async with running_desk(tmp_path, twilio.url, clock=Clock()) as running:
        yield running


@pytest.fixture
async def indicator(desk):
    async with TwilioClient(desk.services.settings) as client:
        yield TypingIndicator(desk.services, client, clock=desk.clock)


def write_in(desk, *, sid: str = SID, source: str = "whatsapp") -> int:
    message = InboundMessage(
        message_sid=sid,
        account_sid=ACCOUNT_SID,
        address=MARIA,
        recipient=OFFICE,
        text="oi",
        source=source,
    )
    with writing(desk.engine) as connection:
        return inbox_store.accept(connection, message, now=desk.clock.now).inbox_id


def begin_turn(desk) -> None:
    with writing(desk.engine) as connection:
        now = desk.clock.now
        assert turns.claim(connection, lease_owner="w", now=now, lease_s=60)


def change(desk, table: sa.Table, **values: object) -> None:
    with writing(desk.engine) as connection:
        connection.execute(sa.update(table).values(**values))


async def test_who_waits_for_more_than_a_second_sees_it_once(desk, twilio, indicator):
    write_in(desk)
    begin_turn(desk)
    desk.clock.now += 1
    await indicator.show_all()
    assert twilio.typing == []

    desk.clock.now += 0.1
    await indicator.show_all()
    desk.clock.now += 30
    await indicator.show_all()

    assert twilio.typing == [{"messageId": SID, "channel": "whatsapp"}]


async def test_message_whose_turn_has_not_begun_shows_nothing(desk, twilio, indicator):
    write_in(desk)
    desk.clock.now += 10

    await indicator.show_all()

    assert twilio.typing == []


async def test_answered_message_shows_nothing(desk, twilio, indicator):
    write_in(desk)
    begin_turn(desk)
    desk.clock.now += 10
    change(desk, inbox, status="done")

    await indicator.show_all()

    assert twilio.typing == []


@pytest.mark.parametrize("sid", ["api-1", "SM1", "CH" + "1" * 32, "SM" + "/" * 32])
async def test_id_that_is_no_message_of_twilio_is_never_sent(
    desk, twilio, indicator, sid
):
    write_in(desk, sid=sid)
    begin_turn(desk)
    desk.clock.now += 10

    await indicator.show_all()

    assert twilio.typing == []


async def test_message_of_the_api_shows_nothing(desk, twilio, indicator):
    write_in(desk, source="api")
    begin_turn(desk)
    desk.clock.now += 10

    await indicator.show_all()

    assert twilio.typing == []


@pytest.mark.parametrize(
    "values", [{"owner": "pessoa"}, {"muted_until": 2e9}], ids=["person", "muted"]
)
async def test_robot_that_will_not_answer_does_not_seem_to(
    desk, twilio, indicator, values
):
    write_in(desk)
    begin_turn(desk)
    change(desk, conversation, **values)
    desk.clock.now += 10

    await indicator.show_all()

    assert twilio.typing == []


async def test_failure_is_not_tried_again(desk, twilio, indicator):
    write_in(desk)
    begin_turn(desk)
    desk.clock.now += 10
    twilio.auth_token = "outro"
    await indicator.show_all()
    twilio.auth_token = "0123456789abcdef0123456789abcdef"

    await indicator.show_all()

    assert twilio.typing == []


@pytest.mark.parametrize(("switch", "shown"), [("1", 1), ("0", 0)])
async def test_it_is_off_unless_asked_for(tmp_path, twilio, switch, shown):
    url = twilio.url
    async with running_desk(tmp_path, url, TWILIO_TYPING=switch) as desk:
        write_in(desk)
        begin_turn(desk)
        desk.clock.now += 10
        await desk.sender.start()
        if shown:
            await desk.until(lambda: len(twilio.typing) == 1)
        else:
            other = desk.say("oi", to="whatsapp:+5511987650000")
            await desk.until_status(other, "sent")

        assert len(twilio.typing) == shown

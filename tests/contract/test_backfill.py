"""What did not come by webhook is fetched from Twilio's list."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import structlog

from bot.core.settings import load_settings
from bot.store import inbox, recovery
from bot.store.database import open_engine, reading, writing
from bot.store.inbox import InboundMessage
from bot.store.schema import metadata
from bot.wake import WakeUp
from connectors.backfill import CREDENTIALS, OVERLAP_S, Backfill
from connectors.services import ChannelServices
from connectors.twilio_client import TwilioClient
from tests.fakes.fake_twilio import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    FakeTwilio,
    Fault,
    Media,
    ReceivedMessage,
    SentMessage,
    serve,
)

MARIA, JOAO = "whatsapp:+5511987654321", "whatsapp:+5511987654322"
OFFICE, OTHER_PRODUCT = "whatsapp:+551140042233", "whatsapp:+551140049999"
MARK = f"recuperacao:{ACCOUNT_SID}"
OTHER_ACCOUNT = "AC" + "b" * 32
PATIENCE_S = 20
PAGE_SIZE = 10


class Clock:
    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """An inbox and its backfill, at a fake Twilio."""

    def __init__(self, folder: Path, twilio: FakeTwilio, **environ: str) -> None:
        given = {
            "DATABASE_URL": f"sqlite:///{folder}/inbox.db",
            "TWILIO_API_BASE_URL": twilio.url,
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TWILIO_TIMEOUT_S": "2",
            **environ,
        }
        settings = load_settings(given, folder=folder)
        self.twilio = twilio
        self.clock = Clock()
        self.engine = open_engine(settings.database_url)
        metadata.create_all(self.engine)
        self.services = ChannelServices(settings, self.engine, WakeUp(0))
        self.client = TwilioClient(settings)
        self.backfill = Backfill(
            self.services, self.client, clock=self.clock, page_size=PAGE_SIZE
        )
        twilio.clock = self.clock

    def receive(self, body: str, *, age_s: float = 0, **more: Any) -> ReceivedMessage:
        given = {"from_": MARIA, "to": OFFICE, **more}
        return self.twilio.receive(body, at=self.clock.now - age_s, **given)

    def deliver(self, received: ReceivedMessage, account: str = ACCOUNT_SID) -> None:
        """The webhook brings the message."""
        message = InboundMessage(
            message_sid=received.sid,
            account_sid=account,
            address=received.from_,
            recipient=received.to,
            text=received.body,
            source="whatsapp",
        )
        with writing(self.engine) as connection:
            inbox.accept(connection, message, now=self.clock.now)

    def rows(self, table: str = "inbox") -> list[Any]:
        with reading(self.engine) as connection:
            return list(connection.execute(sa.select(metadata.tables[table])).all())

    @property
    def texts(self) -> list[str]:
        return [row.text for row in self.rows()]

    def mark(self, name: str = MARK) -> float | None:
        with reading(self.engine) as connection:
            return recovery.mark_of(connection, name)

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():
                await self.services.wake.wait(self.services.wake.ticket(), 0.01)

    def hide_database(self) -> Callable[[], None]:
        """Puts the file away; returns what brings it back."""
        path = Path(self.services.settings.database_url[len("sqlite:///") :])
        self.engine.dispose()
        away = path.rename(path.with_suffix(".away"))

        def bring_back() -> None:
            self.engine.dispose()
            for left in path.parent.glob(f"{path.name}*"):
                left.unlink()
            away.rename(path)

        return bring_back

    async def recover_after(self, seconds: float) -> int:
        self.clock.now += seconds
        return await self.backfill.recover()


@pytest.fixture
async def twilio():
    async with serve(FakeTwilio()) as running:
        yield running


@pytest.fixture
async def new_desk(tmp_path, twilio):
    made = []

    async def make(**environ: str) -> Desk:
        desk = Desk(tmp_path, twilio, **environ)
        await desk.client.open()
        made.append(desk)
        return desk

    yield make
    for desk in made:
        await desk.backfill.stop()
        await desk.client.close()
        desk.services.wake.close()
        desk.engine.dispose()


@pytest.fixture
async def desk(new_desk) -> Desk:
    return await new_desk()


async def test_missing_messages_are_stored_oldest_first_with_their_time(desk):
    for age_s, body in ((300, "três"), (800, "um"), (500, "dois")):
        desk.receive(body, age_s=age_s)

    assert await desk.backfill.recover() == 3

    assert desk.texts == ["um", "dois", "três"]
    first = desk.rows()[0]
    assert (first.sender, first.recipient, first.source) == (MARIA, OFFICE, "whatsapp")
    assert first.received_at == first.sent_at == desk.clock.now - 800
    assert (first.status, first.kind) == ("new", "text")


async def test_messages_of_one_second_keep_the_order_of_the_list(desk):
    for number in range(5):
        desk.receive(str(number))

    await desk.backfill.recover()

    assert desk.texts == ["0", "1", "2", "3", "4"]


async def test_what_the_webhook_brought_is_left_alone(desk):
    known = desk.receive("conhecida", age_s=60)
    desk.deliver(known)
    desk.receive("perdida", age_s=30)

    assert await desk.backfill.recover() == 1
    assert await desk.recover_after(60) == 0
    assert desk.texts == ["conhecida", "perdida"]


async def test_webhook_at_the_same_moment_stores_it_once(desk, twilio):
    late = desk.receive("oi")
    twilio.fail_next(Fault("hold", at="list"))
    round_ = asyncio.create_task(desk.backfill.recover())
    await desk.until(lambda: bool(twilio.listings))

    threads = [asyncio.to_thread(desk.deliver, late) for _ in range(4)]
    twilio.gate.set()
    await asyncio.gather(round_, *threads)

    assert desk.texts == ["oi"]


async def test_webhook_that_comes_after_the_recovery_changes_nothing(desk):
    late = desk.receive("oi")
    await desk.backfill.recover()

    desk.deliver(late)

    assert desk.texts == ["oi"]


@pytest.mark.parametrize(
    "more",
    [
        {"to": "+551140042233", "from_": "+5511987654321"},
        {"to": "+551140042233"},
    ],
    ids=["sms", "sms number"],
)
async def test_messages_of_other_channels_are_not_ours(desk, more):
    desk.receive("oi", **more)

    assert await desk.backfill.recover() == 0


async def test_outbound_messages_are_not_ours(desk, twilio):
    for number, (to, from_) in enumerate([(OFFICE, MARIA), (MARIA, OFFICE)]):
        sent = SentMessage(f"SM{number}", to, from_, "nossa", "")
        sent.created_at = sent.sent_at = desk.clock.now
        twilio.messages.append(sent)
    desk.receive("sua")

    await desk.backfill.recover()

    assert desk.texts == ["sua"]


async def test_number_of_another_product_in_the_account_is_not_ours(desk):
    desk.deliver(desk.receive("conhecida"))
    desk.receive("de outro", to=OTHER_PRODUCT)
    desk.receive("perdida")

    assert await desk.backfill.recover() == 1
    assert desk.texts == ["conhecida", "perdida"]
    assert {query.get("To") for query in desk.twilio.listings} == {OFFICE}


async def test_all_our_numbers_are_asked_for(desk):
    desk.deliver(desk.receive("um"))
    desk.deliver(desk.receive("dois", to=OTHER_PRODUCT))
    places = (OFFICE, OTHER_PRODUCT, OFFICE)
    for age_s, to in zip((30, 20, 10), places, strict=True):
        desk.receive(f"há {age_s} s", to=to, age_s=age_s)

    assert await desk.backfill.recover() == 3
    assert desk.texts[2:] == ["há 30 s", "há 20 s", "há 10 s"]


async def test_first_round_reads_the_last_quarter_of_an_hour(desk):
    desk.receive("antes", age_s=OVERLAP_S + 2)
    desk.receive("depois", age_s=OVERLAP_S - 2)

    await desk.backfill.recover()

    assert desk.texts == ["depois"]
    assert desk.mark() == desk.clock.now


async def test_after_an_outage_reading_goes_on_where_it_ended(desk):
    await desk.backfill.recover()
    desk.clock.now += 7200
    for age_s in (7190, 3600, 10):
        desk.receive(f"há {age_s} s", age_s=age_s)

    assert await desk.backfill.recover() == 3
    assert desk.mark() == desk.clock.now


async def test_message_that_is_listed_late_is_found(desk, twilio):
    twilio.listing_delay_s = OVERLAP_S - 60
    desk.receive("oi")
    for _ in range(20):
        await desk.recover_after(60)

    assert desk.texts == ["oi"]


async def test_many_are_fetched_page_by_page(desk):
    for number in range(33):
        desk.receive(str(number), age_s=800 - number // 2)

    assert await desk.backfill.recover() == 33
    assert desk.texts == [str(number) for number in range(33)]
    assert len(desk.twilio.listings) == 4


@pytest.mark.parametrize(
    "kind", ["too_many", "error_before", "hang", "reset", "garbage"]
)
async def test_listing_that_failed_is_read_again_from_the_same_mark(desk, twilio, kind):
    await desk.backfill.recover()
    before = desk.mark()
    desk.clock.now += 3600
    desk.receive("oi", age_s=1800)

    twilio.fail_next(*[Fault(kind, at="list")] * (2 if kind == "reset" else 1))
    assert await desk.backfill.recover() == 0
    assert desk.mark() == before
    assert await desk.backfill.recover() == 1
    assert not desk.rows("channel_alert")


async def test_second_page_that_failed_keeps_the_mark(desk, twilio):
    await desk.backfill.recover()
    before = desk.mark()
    desk.clock.now += 60
    for number in range(PAGE_SIZE + 1):
        desk.receive(str(number))
    twilio.gate.set()
    twilio.fail_next(Fault("hold", at="list"), Fault("error_before", at="list"))

    assert await desk.backfill.recover() == 0
    assert desk.mark() == before
    assert await desk.backfill.recover() == PAGE_SIZE + 1


async def test_refused_credentials_raise_an_alert_and_keep_the_mark(new_desk):
    desk = await new_desk(TWILIO_AUTH_TOKEN="errado")
    desk.receive("oi")

    for _ in range(2):
        assert await desk.backfill.recover() == 0

    (alert,) = desk.rows("channel_alert")
    assert (alert.code, alert.count) == (CREDENTIALS, 2)
    assert desk.mark() is None


async def test_attachments_are_noted_from_the_list_of_media(desk):
    desk.receive("meu RG", media=(Media(b"x", "image/jpeg"),))
    desk.receive("", media=(Media(b"x", "audio/ogg"), Media(b"y", "audio/ogg")))

    await desk.backfill.recover()

    assert [row.kind for row in desk.rows()] == ["image", "audio"]
    files = sorted(desk.rows("media"), key=lambda row: (row.inbox_id, row.ordinal))
    assert [row.declared_type for row in files] == ["image/jpeg"] + ["audio/ogg"] * 2
    message = desk.twilio.received[0]
    path = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{message.sid}/Media/"
    assert files[0].url == f"{desk.twilio.url}{path}{next(iter(message.media))}"
    assert desk.rows()[0].next_at == desk.clock.now + 8


async def test_message_whose_files_cannot_be_listed_holds_the_later_ones_back(
    desk, twilio
):
    desk.receive("antes", age_s=30)
    desk.receive("foto", age_s=20, media=(Media(b"x", "image/jpeg"),))
    desk.receive("depois", age_s=10)
    twilio.fail_next(Fault("hold", at="list"))
    round_ = asyncio.create_task(desk.backfill.recover())
    await desk.until(lambda: bool(twilio.listings))
    twilio.auth_token = "outro"  # the list is answered, the list of files refused
    twilio.gate.set()

    assert await round_ == 1
    assert desk.mark() is None
    assert [row.code for row in desk.rows("channel_alert")] == [CREDENTIALS]
    twilio.auth_token = AUTH_TOKEN
    assert await desk.backfill.recover() == 2
    assert desk.texts == ["antes", "foto", "depois"]


async def test_accounts_are_those_that_wrote_in_the_last_month(new_desk):
    desk = await new_desk(TWILIO_ACCOUNT_SID="")
    assert await desk.backfill.recover() == 0
    assert not desk.twilio.listings

    desk.deliver(desk.receive("conhecida"))
    desk.receive("perdida")

    assert await desk.recover_after(1) == 1
    assert await desk.recover_after(31 * 86_400) == 0
    asked = len(desk.twilio.listings)
    await desk.recover_after(601)
    assert len(desk.twilio.listings) == asked


async def test_account_that_fails_does_not_stop_another(new_desk):
    desk = await new_desk(TWILIO_ACCOUNT_SID="")
    for account in (OTHER_ACCOUNT, ACCOUNT_SID):
        desk.deliver(desk.receive(f"conhecida {account}"), account)
    desk.receive("perdida")

    await desk.backfill.recover()

    assert "perdida" in desk.texts


async def test_database_that_fails_loses_nothing(desk):
    desk.receive("oi")
    bring_back = desk.hide_database()
    assert await desk.backfill.recover() == 0
    bring_back()

    assert await desk.backfill.recover() == 1


async def test_loop_begins_at_once_goes_on_and_stops(new_desk):
    desk = await new_desk(BACKFILL_EVERY_S="0.01")
    desk.receive("um")
    await desk.backfill.start()
    await desk.until(lambda: desk.texts == ["um"])
    desk.receive("dois")
    await desk.until(lambda: desk.texts == ["um", "dois"])
    await desk.backfill.stop()

    asked = len(desk.twilio.listings)
    await asyncio.sleep(0.05)
    assert len(desk.twilio.listings) == asked


async def test_loop_asks_nothing_without_credentials(new_desk):
    desk = await new_desk(TWILIO_AUTH_TOKEN="", BACKFILL_EVERY_S="0.01")
    await desk.backfill.start()
    await asyncio.sleep(0.05)

    assert not desk.twilio.listings
    assert not desk.rows("channel_alert")


async def test_waiting_workers_are_woken(desk):
    ticket = desk.services.wake.ticket()
    desk.receive("oi")

    await desk.backfill.recover()

    assert ticket.is_set()


async def test_logs_say_nothing_of_what_people_wrote(desk, twilio):
    desk.receive("segredo", media=(Media(b"x", "image/jpeg"),))
    twilio.fail_next(Fault("error_before", at="list"))

    with structlog.testing.capture_logs() as lines:
        await desk.backfill.recover()
        await desk.backfill.recover()

    assert {line["event"] for line in lines} == {"backfill_failed", "message_recovered"}
    written = str(lines)
    for secret in ("segredo", "98765", AUTH_TOKEN, "/Media/", "SM", "MM"):
        assert secret not in written


async def test_mark_never_moves_back(desk):
    with writing(desk.engine) as connection:
        for moment in (3.0, 2.0):
            recovery.move_mark(connection, MARK, to=moment)

    assert desk.mark() == 3.0

"""Sends whose answer was lost: found, or repeated once that is safe, never twice."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from bot.store import outbox as outbox_store
from bot.store.database import writing
from connectors.reconciler import Reconciler, is_copy
from connectors.twilio_client import ListedMessage, TwilioClient
from tests.contract.outbox_desk import (
    GRACE_S,
    JOAO,
    MARIA,
    OFFICE,
    TEMPLATES,
    TIMEOUT_S,
    Clock,
    Desk,
    running_desk,
)
from tests.fakes.fake_twilio import ACCOUNT_SID, FakeTwilio, Fault, serve

HOUR_S = 3600
LISTING_DOWN = Fault("error_before", at="list")


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


@pytest.fixture
async def client(desk):
    async with TwilioClient(desk.services.settings) as opened:
        yield opened


@pytest.fixture
def reconciler(desk, client, clock) -> Reconciler:
    """Runs no loop of its own: each test says when it looks."""
    return Reconciler(desk.services, client, clock=clock)


def claim(desk: Desk) -> outbox_store.ClaimedAnswer:
    with writing(desk.engine) as connection:
        answer = outbox_store.claim(connection, now=desk.clock.now)
    assert answer is not None
    return answer


def lose(desk: Desk) -> outbox_store.ClaimedAnswer:
    """Sends the next answer, whose fate nobody learns."""
    answer = claim(desk)
    with writing(desk.engine) as connection:
        outbox_store.mark_unknown(
            connection, answer, reason="TimeoutError", now=desk.clock.now
        )
    return answer


async def accept(client: TwilioClient, answer: outbox_store.ClaimedAnswer) -> str:
    """Brings an answer to Twilio behind the sender's back."""
    form = {"To": answer.to_address, "From": answer.from_address, "Body": answer.body}
    return (await client.create_message(ACCOUNT_SID, form)).sid


async def look_until_settled(desk: Desk, reconciler: Reconciler, answer: int) -> float:
    """Looks once a second; returns after how many."""
    began = desk.clock.now
    while desk.row(answer).status in {"unknown", "sending"}:
        desk.clock.now += 1
        await reconciler.settle_all()
        assert desk.clock.now - began < HOUR_S
    return desk.clock.now - began


class TestUnknownOutcome:
    @pytest.mark.parametrize(
        ("kind", "calls"),
        [
            ("error_before", 2),
            ("error_after", 1),
            ("hang", 2),
            ("hang_after", 1),
            ("reset", 2),
            ("reset_after", 1),
            ("garbage", 2),
            ("garbage_after", 1),
        ],
    )
    async def test_one_copy_leaves_in_its_order_and_is_never_repeated_blindly(
        self, desk, twilio, kind, calls
    ):
        twilio.fail_next(Fault(kind))
        answer, following = desk.say("primeira"), desk.say("segunda")
        await desk.sender.start()
        await desk.until_status(answer, "unknown")

        desk.pass_time(GRACE_S - 1)
        await desk.until(lambda: len(twilio.listings) >= 1)
        if calls == 2:
            await desk.until_status(desk.say("para João", to=JOAO), "sent")
            assert len(twilio.calls) == 2, "nothing is repeated before the grace"
        desk.pass_time(1)

        await desk.until_status(following, "sent")
        settled = desk.row(answer)
        to_maria = [each for each in twilio.messages if each.to == MARIA]
        assert [each.body for each in to_maria] == ["primeira", "segunda"]
        assert settled.provider_sid == to_maria[0].sid
        assert (settled.status, settled.error_code) == ("sent", None)
        assert settled.attempts == calls

    @pytest.mark.parametrize(
        ("word", "status"),
        [
            ("accepted", "sent"),
            ("queued", "sent"),
            ("sending", "sent"),
            ("sent", "sent"),
            ("delivered", "delivered"),
            ("read", "read"),
        ],
    )
    async def test_status_callback_settles_it_without_a_list(
        self, desk, twilio, word, status
    ):
        twilio.fail_next(Fault("error_after"))
        answer, following = desk.say("oi"), desk.say("depois")
        await desk.sender.start()
        await desk.until_status(answer, "unknown")

        sid = twilio.messages[0].sid
        desk.follow(answer, word, sid=sid)

        await desk.until_status(following, "sent")
        assert (desk.row(answer).status, desk.row(answer).provider_sid) == (status, sid)
        assert twilio.listings == []

    async def test_repetition_is_counted(self, desk, twilio):
        with capture_logs() as logs:
            twilio.fail_next(Fault("error_before"))
            answer = desk.say("oi")
            await desk.sender.start()
            await desk.until_status(answer, "unknown")
            desk.pass_time(GRACE_S)
            await desk.until_status(answer, "sent")

        events = [entry["event"] for entry in logs]
        assert events.count("send_repeated_after_grace") == 1
        assert desk.row(answer).repeats == 1

    async def test_it_is_sent_five_times_at_most_and_then_a_person_does(
        self, desk, twilio
    ):
        twilio.fail_next(*[Fault("error_before")] * 6)
        answer = desk.say("oi")
        await desk.sender.start()

        for attempt in range(1, 6):
            await desk.until(
                lambda n=attempt: (
                    desk.row(answer).attempts == n
                    and desk.row(answer).status == "unknown"
                )
            )
            desk.pass_time(GRACE_S)

        failed = await desk.until_status(answer, "failed")
        assert len(twilio.calls) == 5
        assert failed.error_code == "500"
        assert [row.reason for row in desk.rows("handoff")] == ["resposta_nao_enviada"]

    async def test_buttons_of_unknown_fate_are_found_by_their_text(
        self, tmp_path, twilio, clock
    ):
        url = twilio.url
        async with running_desk(tmp_path, url, clock=clock, **TEMPLATES) as desk:
            twilio.fail_next(Fault("hang_after"))
            answer = desk.say("Confirma?", buttons=(("Sim", "s"), ("Não", "n")))
            await desk.sender.start()
            await desk.until_status(answer, "unknown")

            desk.pass_time(GRACE_S)

            await desk.until_status(answer, "sent")
            assert len(twilio.calls) == 1


class TestTheList:
    async def test_message_that_is_listed_late_is_waited_for(
        self, desk, twilio, client, reconciler
    ):
        answer_id = desk.say("oi")
        twilio.listing_delay_s = GRACE_S - 5
        sid = await accept(client, lose(desk))

        await look_until_settled(desk, reconciler, answer_id)

        row = desk.row(answer_id)
        assert (row.status, row.provider_sid, row.repeats) == ("sent", sid, 0)

    async def test_without_the_list_nothing_is_repeated(self, desk, twilio, reconciler):
        answer_id = desk.say("oi")
        lose(desk)
        twilio.fail_next(*[LISTING_DOWN] * 100)

        for _ in range(10):
            desk.clock.now += HOUR_S
            await reconciler.settle_all()

        assert desk.row(answer_id).status == "unknown"
        (alert,) = desk.rows("channel_alert")
        assert (alert.code, alert.count) == ("conciliacao_parada", 10)

    @pytest.mark.parametrize(
        ("passed_s", "reasons"), [(599, []), (600, ["resposta_nao_enviada"])]
    )
    async def test_who_waits_for_ten_minutes_is_seen_by_a_person(
        self, desk, twilio, reconciler, passed_s, reasons
    ):
        desk.say("oi")
        lose(desk)
        desk.clock.now += passed_s
        twilio.fail_next(LISTING_DOWN)

        await reconciler.settle_all()

        assert [row.reason for row in desk.rows("handoff")] == reasons

    async def test_list_that_is_down_is_not_asked_for_each_message(
        self, desk, twilio, reconciler
    ):
        for number in range(9):
            desk.say("oi", to=f"whatsapp:+551198765430{number}")
            lose(desk)
        desk.clock.now += GRACE_S
        twilio.fail_next(*[LISTING_DOWN] * 100)

        await reconciler.settle_all()

        assert len(twilio.listings) < 9

    async def test_list_that_was_asked_for_before_the_grace_does_not_count(
        self, desk, twilio, reconciler, clock
    ):
        answer_id = desk.say("oi")
        lose(desk)
        desk.clock.now += GRACE_S - 1
        twilio.fail_next(Fault("hold", at="list"))
        looking = asyncio.create_task(reconciler.settle_all())
        await desk.until(lambda: len(twilio.listings) == 1)

        desk.clock.now += 60
        twilio.gate.set()
        await looking

        assert desk.row(answer_id).status == "unknown"
        await reconciler.settle_all()
        assert desk.row(answer_id).status == "new"

    async def test_the_same_words_said_before_are_another_message(
        self, desk, twilio, reconciler, client
    ):
        desk.say("oi")
        first = claim(desk)
        sid = await accept(client, first)
        with writing(desk.engine) as connection:
            outbox_store.mark_sent(
                connection, first, provider_sid=sid, now=desk.clock.now
            )
        second_id = desk.say("oi")
        lose(desk)

        await look_until_settled(desk, reconciler, second_id)

        assert desk.row(second_id).status == "new"

    async def test_the_same_words_of_a_person_long_ago_are_another_message(
        self, desk, twilio, reconciler, client
    ):
        answer_id = desk.say("oi")
        answer = lose(desk)
        desk.clock.now -= 6
        await accept(client, answer)
        desk.clock.now += 6

        await look_until_settled(desk, reconciler, answer_id)

        assert desk.row(answer_id).status == "new"

    async def test_message_that_the_list_shows_undelivered_has_failed(
        self, desk, twilio, reconciler, client
    ):
        answer_id = desk.say("oi")
        await accept(client, lose(desk))
        twilio.messages[0].status = "undelivered"
        twilio.messages[0].error_code = 63024

        await look_until_settled(desk, reconciler, answer_id)

        row = desk.row(answer_id)
        assert (row.status, row.error_code) == ("failed", "63024")
        assert [row.reason for row in desk.rows("handoff")] == ["sem_whatsapp"]

    async def test_message_is_found_behind_a_full_page(
        self, desk, twilio, reconciler, client
    ):
        answer_id = desk.say("oi")
        sid = await accept(client, lose(desk))
        for number in range(120):
            await client.create_message(
                ACCOUNT_SID,
                {"To": MARIA, "From": OFFICE, "Body": f"da equipe {number}"},
            )

        await look_until_settled(desk, reconciler, answer_id)

        assert desk.row(answer_id).provider_sid == sid

    async def test_two_that_look_at_once_repeat_it_once(
        self, desk, twilio, reconciler, client, clock
    ):
        answer_id = desk.say("oi")
        lose(desk)
        desk.clock.now += GRACE_S
        other = Reconciler(desk.services, client, clock=clock)

        await asyncio.gather(reconciler.settle_all(), other.settle_all())

        assert (desk.row(answer_id).status, desk.row(answer_id).repeats) == ("new", 1)


class TestCrash:
    async def test_send_that_a_dead_process_left_open_is_settled(self, desk, twilio):
        long_ago = desk.say("para João", to=JOAO)
        desk.clock.now += HOUR_S
        just_now, following = desk.say("primeira"), desk.say("segunda")
        desk.clock.now -= HOUR_S
        claim(desk)
        desk.clock.now += HOUR_S
        claim(desk)
        await desk.sender.start()
        await desk.until_status(long_ago, "sent")
        assert desk.row(just_now).status == "sending"

        desk.pass_time(TIMEOUT_S + 2)
        await desk.until_status(just_now, "unknown")
        assert twilio.bodies == ["para João"]
        desk.pass_time(GRACE_S)

        await desk.until_status(following, "sent")
        assert twilio.bodies == ["para João", "primeira", "segunda"]

    async def test_message_that_twilio_took_before_the_crash_is_not_sent_again(
        self, desk, twilio, client, reconciler
    ):
        answer_id = desk.say("oi")
        sid = await accept(client, claim(desk))

        await look_until_settled(desk, reconciler, answer_id)

        row = desk.row(answer_id)
        assert (row.status, row.provider_sid, row.repeats) == ("sent", sid, 0)


class TestTimeLimit:
    @pytest.mark.parametrize("is_crash", [True, False], ids=["crash", "time-out"])
    async def test_uncertain_send_is_decided_early_enough_for_60_seconds(
        self, tmp_path, twilio, clock, is_crash
    ):
        defaults = {"TWILIO_TIMEOUT_S": "", "SEND_GRACE_S": ""}
        async with (
            running_desk(tmp_path, twilio.url, clock=clock, **defaults) as desk,
            TwilioClient(desk.services.settings) as client,
        ):
            reconciler = Reconciler(desk.services, client, clock=clock)
            answer_id = desk.say("oi")
            began, timeout_s = clock.now, desk.services.settings.twilio_timeout_s
            answer = claim(desk)
            if not is_crash:
                clock.now += timeout_s
                with writing(desk.engine) as connection:
                    outbox_store.mark_unknown(
                        connection, answer, reason="TimeoutError", now=clock.now
                    )

            await look_until_settled(desk, reconciler, answer_id)

            assert desk.row(answer_id).status == "new"
            assert clock.now - began + timeout_s <= 60


def listed(**fields: str) -> ListedMessage:
    known = {
        "sid": "SM1", "account_sid": ACCOUNT_SID, "to": MARIA, "from_": OFFICE,
        "body": "oi", "status": "sent", "direction": "outbound-api",
        "error_code": "", "messaging_service_sid": "",
    }  # fmt: skip
    return ListedMessage(num_media=0, sent_at=0.0, **(known | fields))


def claimed(**fields: object) -> outbox_store.ClaimedAnswer:
    known = {
        "id": 1, "token": "t", "body": "oi", "to_address": MARIA,
        "from_address": OFFICE, "account_sid": ACCOUNT_SID, "attempt": 1,
    }  # fmt: skip
    return outbox_store.ClaimedAnswer(**(known | fields))


MENU = {
    "body": "Confirma?\n\n1. Sim\n2. Não",
    "template": "botoes_2",
    "variables": {"1": "Confirma?", "2": "Sim", "3": "s", "4": "Não", "5": "n"},
}


class TestCopies:
    @pytest.mark.parametrize(
        ("answer", "message", "is_it"),
        [
            pytest.param({}, {}, True, id="same"),
            pytest.param({}, {"body": "oi \r\n"}, True, id="white-space"),
            pytest.param({}, {"body": "oi!"}, False, id="other-text"),
            pytest.param({}, {"body": ""}, False, id="no-text"),
            pytest.param({}, {"direction": "inbound"}, False, id="inbound"),
            pytest.param({}, {"from_": JOAO}, False, id="other-number"),
            pytest.param({}, {"from_": ""}, True, id="no-number"),
            pytest.param(MENU, {"body": "Confirma?"}, True, id="template-text"),
            pytest.param(MENU, {"body": ""}, True, id="template-no-text"),
            pytest.param(MENU, {"body": "Confirma? Sim Não"}, True, id="template-all"),
            pytest.param(MENU, {"body": MENU["body"]}, True, id="template-as-numbers"),
            pytest.param(MENU, {"body": "Qual?"}, False, id="template-other"),
            pytest.param(
                {"template": "reabrir", "variables": {"1": "Maria"}, "body": "(x)"},
                {"body": "Olá, Maria! Escreva para nós."},
                True,
                id="approved-template",
            ),
        ],
    )
    def test_copy_is_told_by_sender_direction_and_text(self, answer, message, is_it):
        assert is_copy(listed(**message), claimed(**answer)) is is_it

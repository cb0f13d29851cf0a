"""The sender, over real HTTP, in front of a fake Twilio that fails on demand."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
import sqlalchemy as sa

from bot.core.names import AnsweredBy
from bot.core.settings import ROOT, load_settings
from bot.store import effects, turns
from bot.store import inbox as inbox_store
from bot.store import outbox as outbox_store
from bot.store.database import open_engine, reading, writing
from bot.store.effects import Origin, OwnerChange
from bot.store.inbox import InboundMessage
from bot.store.schema import metadata, outbox
from bot.store.turns import Outcome, Outgoing
from connectors.sender import TwilioSender
from connectors.services import ChannelServices
from connectors.wake import WakeUp
from tests.fakes.fake_twilio import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    FakeTwilio,
    Fault,
    serve,
)

MARIA, JOAO = "whatsapp:+5511987654321", "whatsapp:BR.4566546130240823"
OFFICE = "whatsapp:+551140042233"
TIMEOUT_S = 0.4
PATIENCE_S = 10


class Clock:
    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """An outbox with its sender, as a test looks at them."""

    def __init__(self, folder: Path, twilio_url: str, **environ: str) -> None:
        environ = {
            "DATABASE_URL": f"sqlite:///{folder}/outbox.db",
            "PUBLIC_BASE_URL": "https://bot.escritorio.example",
            "TWILIO_API_BASE_URL": twilio_url,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TWILIO_TIMEOUT_S": str(TIMEOUT_S),
            **environ,
        }
        settings = load_settings(environ, folder=folder)
        self.engine = open_engine(settings.database_url)
        metadata.create_all(self.engine)
        self.clock = Clock()
        self.services = ChannelServices(settings, self.engine, WakeUp(0))
        self.sender = TwilioSender(self.services, clock=self.clock)
        self._count = 0

    def say(self, text: str, *, to: str = MARIA, account_sid: str = ACCOUNT_SID) -> int:
        """Commits a turn that answers `text`; returns the first outbox row's id."""
        self._count += 1
        message = InboundMessage(
            message_sid=f"SM{self._count}",
            account_sid=account_sid,
            address=to,
            recipient=OFFICE,
            text="oi",
            source="whatsapp",
        )
        now = self.clock.now
        with writing(self.engine) as connection:
            inbox_store.accept(connection, message, now=now)
            turn = turns.claim(connection, lease_owner="w", now=now, lease_s=60)
            assert turn is not None
            turn.outgoing = [Outgoing(text)]
            outcome = Outcome("saudar", 1.0, AnsweredBy.RULE)
            turns.commit(connection, turn, outcome, now=now)
            query = sa.select(outbox.c.id).where(outbox.c.inbox_id == turn.inbox_id)
            first = connection.execute(query.order_by(outbox.c.ordinal)).scalars()
            answer_id = int(first.first())
        self.services.wake.here()
        return answer_id

    def row(self, answer_id: int) -> Any:
        with reading(self.engine) as connection:
            query = sa.select(outbox).where(outbox.c.id == answer_id)
            return connection.execute(query).one()

    def take_over(self, answer_id: int) -> None:
        conversation_id = self.row(answer_id).conversation_id
        with writing(self.engine) as connection:
            effects.apply(
                connection,
                OwnerChange(conversation_id, turns.PERSON),
                Origin(conversation_id, None, 0),
                now=self.clock.now,
            )

    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds
        self.services.wake.here()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                ticket = self.services.wake.ticket()
                if is_so():
                    return
                await self.services.wake.wait(ticket, 0.02)

    async def until_status(self, answer_id: int, status: str) -> Any:
        await self.until(lambda: self.row(answer_id).status == status)
        return self.row(answer_id)


@contextlib.asynccontextmanager
async def running_desk(folder: Path, url: str, **environ: str) -> AsyncIterator[Desk]:
    desk = Desk(folder, url, **environ)
    try:
        yield desk
    finally:
        await desk.sender.stop()
        desk.services.wake.close()
        desk.engine.dispose()


@pytest.fixture
async def twilio():
    async with serve(FakeTwilio()) as running:
        yield running


@pytest.fixture
async def desk(tmp_path, twilio):
    async with running_desk(tmp_path, twilio.url) as running:
        yield running


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


class TestSending:
    async def test_answer_leaves_once_with_the_right_fields(self, desk, twilio):
        answer = desk.say("Olá! Como posso ajudar?", to=JOAO)
        await desk.sender.start()

        sent = await desk.until_status(answer, "sent")

        (form,) = twilio.calls
        callback = urlsplit(form.pop("StatusCallback"))
        assert form == {
            "From": OFFICE, "To": JOAO, "Body": "Olá! Como posso ajudar?",
        }  # fmt: skip
        assert callback.netloc == "bot.escritorio.example"
        assert callback.path == "/twilio/status"
        assert parse_qs(callback.query) == {"o": [sent.token]}
        assert sent.provider_sid == twilio.messages[0].sid
        assert sent.attempts == 1

    async def test_answer_that_comes_while_it_runs_leaves_too(self, desk):
        await desk.sender.start()

        answer = desk.say("oi")

        await desk.until_status(answer, "sent")

    async def test_answers_of_a_conversation_keep_their_order(self, desk, twilio):
        twilio.fail_next(Fault("too_many", retry_after_s=5))
        texts = [f"resposta {n}" for n in range(6)]
        answers = [desk.say(text) for text in texts]
        await desk.sender.start()
        await desk.until(lambda: desk.row(answers[0]).next_at > 0)
        assert twilio.bodies == []

        desk.pass_time(10)

        await desk.until_status(answers[-1], "sent")
        assert twilio.bodies == texts

    async def test_conversation_that_hangs_does_not_hold_up_the_others(
        self, desk, twilio
    ):
        twilio.fail_next(Fault("hold"))
        held = desk.say("para Maria")
        await desk.sender.start()
        await desk.until(lambda: len(twilio.calls) == 1)

        other = desk.say("para João", to=JOAO)

        await desk.until_status(other, "sent")
        assert desk.row(held).status == "sending"
        twilio.gate.set()
        await desk.until_status(held, "sent")

    async def test_long_answer_leaves_in_parts_in_order(self, desk, twilio):
        text = " ".join(f"palavra{n}" for n in range(400))
        first = desk.say(text)
        last = first + 2
        await desk.sender.start()

        await desk.until_status(last, "sent")

        assert [desk.row(each).ordinal for each in (first, last)] == [0, 2]
        assert " ".join(twilio.bodies) == text
        assert max(map(len, twilio.bodies)) <= 1600

    async def test_account_of_the_settings_comes_before_that_of_the_message(
        self, tmp_path, twilio
    ):
        environ = {"TWILIO_ACCOUNT_SID": ACCOUNT_SID}
        async with running_desk(tmp_path, twilio.url, **environ) as desk:
            answer = desk.say("oi", account_sid="AC" + "b" * 32)
            await desk.sender.start()

            await desk.until_status(answer, "sent")

    async def test_without_a_token_nothing_is_sent(self, tmp_path, twilio):
        async with running_desk(tmp_path, twilio.url, TWILIO_AUTH_TOKEN="") as desk:
            answer = desk.say("oi")

            await desk.sender.start()
            await desk.sender.stop()

            assert desk.row(answer).status == "new"
            assert twilio.calls == []


class TestTryingAgain:
    async def test_too_many_requests_wait_as_long_as_twilio_says(self, desk, twilio):
        twilio.fail_next(Fault("too_many", retry_after_s=30))
        answer = desk.say("oi")
        await desk.sender.start()
        await desk.until(lambda: desk.row(answer).next_at > 0)

        waiting = desk.row(answer)
        assert waiting.status == "new"
        assert 30 <= waiting.next_at - desk.clock.now <= 31
        desk.pass_time(29)
        following = desk.say("para João", to=JOAO)
        await desk.until_status(following, "sent")
        assert twilio.bodies == ["para João"]

        desk.pass_time(2)
        await desk.until_status(answer, "sent")
        assert twilio.bodies == ["para João", "oi"]

    async def test_pause_grows_where_twilio_says_nothing(self, desk, twilio):
        twilio.fail_next(*[Fault("too_many")] * 3)
        answer = desk.say("oi")
        await desk.sender.start()

        for attempt, pause_s in ((1, 2), (2, 4), (3, 8)):
            await desk.until(
                lambda n=attempt: (
                    desk.row(answer).attempts == n and desk.row(answer).status == "new"
                )
            )
            waits_s = desk.row(answer).next_at - desk.clock.now
            assert pause_s <= waits_s <= pause_s + 1
            desk.pass_time(waits_s)
        await desk.until_status(answer, "sent")

        assert twilio.bodies == ["oi"]

    async def test_pause_never_exceeds_five_minutes(self, desk, twilio):
        twilio.fail_next(Fault("too_many", retry_after_s=999_999))
        answer = desk.say("oi")
        await desk.sender.start()

        await desk.until(lambda: desk.row(answer).next_at > 0)

        assert desk.row(answer).next_at - desk.clock.now <= 301

    async def test_refused_connection_is_tried_again(self, tmp_path):
        port = free_port()
        async with running_desk(tmp_path, f"http://127.0.0.1:{port}") as desk:
            answer = desk.say("oi")
            await desk.sender.start()
            await desk.until(lambda: desk.row(answer).next_at > 0)
            assert desk.row(answer).status == "new"

            async with serve(FakeTwilio(), port=port) as twilio:
                desk.pass_time(60)
                await desk.until_status(answer, "sent")
                assert twilio.bodies == ["oi"]

    async def test_connection_that_is_never_made_is_tried_again(self, tmp_path):
        with contextlib.ExitStack() as opened:
            deaf = opened.enter_context(
                socket.create_server(("127.0.0.1", 0), backlog=0)
            )
            for _ in range(3):  # fills the queue of a server that never accepts
                waiting = opened.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(deaf.getsockname())
            url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
            async with running_desk(tmp_path, url) as desk:
                answer = desk.say("oi")
                await desk.sender.start()

                await desk.until(lambda: desk.row(answer).next_at > 0)

                assert desk.row(answer).status == "new"


class TestUnknownOutcome:
    @pytest.mark.parametrize(
        ("kind", "accepted"),
        [
            ("error_before", 0),
            ("error_after", 1),
            ("hang", 0),
            ("hang_after", 1),
            ("reset", 0),
            ("garbage", 0),
        ],
    )
    async def test_it_is_never_sent_again(self, desk, twilio, kind, accepted):
        twilio.fail_next(Fault(kind))
        answer = desk.say("primeira")
        await desk.sender.start()
        await desk.until_status(answer, "unknown")

        desk.pass_time(24 * 3600)
        following = desk.say("segunda")

        await desk.until_status(following, "sent")
        assert desk.row(answer).status == "unknown"
        assert len(twilio.calls) == 2
        assert twilio.bodies == ["primeira"] * accepted + ["segunda"]

    async def test_status_callback_settles_it(self, desk, twilio):
        twilio.fail_next(Fault("error_after"))
        answer = desk.say("oi")
        await desk.sender.start()
        unknown = await desk.until_status(answer, "unknown")

        with writing(desk.engine) as connection:
            outbox_store.follow(
                connection,
                token=unknown.token,
                provider_sid=twilio.messages[0].sid,
                status="delivered",
                error_code="",
            )

        settled = desk.row(answer)
        assert (settled.status, settled.provider_sid) == (
            "delivered", twilio.messages[0].sid,
        )  # fmt: skip

    async def test_send_that_a_dead_process_left_open_is_unknown(self, desk, twilio):
        long_ago = desk.say("para João", to=JOAO)
        just_now, following = desk.say("primeira"), desk.say("segunda")
        with writing(desk.engine) as connection:
            outbox_store.claim(connection, now=desk.clock.now - 3600)
            outbox_store.claim(connection, now=desk.clock.now)
        await desk.sender.start()
        await desk.until_status(long_ago, "unknown")
        assert desk.row(just_now).status == "sending"

        desk.pass_time(TIMEOUT_S + 2)

        await desk.until_status(following, "sent")
        stranded = desk.row(just_now)
        assert (stranded.status, stranded.error_code) == ("unknown", "interrupted")
        assert twilio.bodies == ["segunda"]


class TestRefusals:
    async def test_refused_answer_keeps_its_code_and_is_not_repeated(
        self, desk, twilio
    ):
        twilio.fail_next(Fault("refuse", code=63016))
        answer = desk.say("fora da janela")
        await desk.sender.start()

        failed = await desk.until_status(answer, "failed")
        desk.pass_time(24 * 3600)
        await desk.until_status(desk.say("oi"), "sent")

        assert failed.error_code == "63016"
        assert twilio.bodies == ["oi"]

    async def test_wrong_token_is_a_refusal(self, tmp_path, twilio):
        environ = {"TWILIO_AUTH_TOKEN": "outro"}
        async with running_desk(tmp_path, twilio.url, **environ) as desk:
            answer = desk.say("oi")
            await desk.sender.start()

            failed = await desk.until_status(answer, "failed")

        assert failed.error_code == "20003"

    async def test_answer_of_the_robot_after_a_take_over_never_leaves(
        self, desk, twilio
    ):
        answer = desk.say("resposta do robô")
        desk.take_over(answer)
        other = desk.say("para João", to=JOAO)

        await desk.sender.start()

        await desk.until_status(other, "sent")
        await desk.until_status(answer, "revoked")
        assert twilio.bodies == ["para João"]


class TestRaces:
    async def test_callback_that_overtakes_the_answer_is_kept(self, desk, twilio):
        twilio.fail_next(Fault("hold"))
        answer = desk.say("oi")
        await desk.sender.start()
        await desk.until(lambda: len(twilio.calls) == 1)

        with writing(desk.engine) as connection:
            outbox_store.follow(
                connection,
                token=desk.row(answer).token,
                provider_sid="SM-early",
                status="delivered",
                error_code="",
            )
        twilio.gate.set()
        await desk.until_status(desk.say("depois"), "sent")

        row = desk.row(answer)
        assert (row.status, row.provider_sid) == ("delivered", "SM-early")

    async def test_stop_waits_for_the_send_under_way(self, desk, twilio):
        twilio.fail_next(Fault("hold"))
        answer = desk.say("oi")
        await desk.sender.start()
        await desk.until(lambda: len(twilio.calls) == 1)

        stopping = asyncio.create_task(desk.sender.stop())
        await asyncio.sleep(0)
        twilio.gate.set()
        await stopping

        assert desk.row(answer).status == "sent"
        assert twilio.bodies == ["oi"]

    async def test_stop_ends_although_twilio_hangs(self, desk, twilio):
        twilio.fail_next(Fault("hang"))
        answer = desk.say("oi")
        await desk.sender.start()
        await desk.until(lambda: len(twilio.calls) == 1)

        await asyncio.wait_for(desk.sender.stop(), PATIENCE_S)

        assert desk.row(answer).status == "unknown"

    async def test_database_trouble_after_the_send_loses_nothing(self, desk, twilio):
        twilio.fail_next(Fault("hold"))
        answer = desk.say("oi")
        await desk.sender.start()
        await desk.until(lambda: len(twilio.calls) == 1)

        with writing(desk.engine) as connection:
            connection.exec_driver_sql("ALTER TABLE outbox RENAME TO gone")
        twilio.gate.set()
        await desk.until(lambda: len(twilio.messages) == 1)
        with writing(desk.engine) as connection:
            connection.exec_driver_sql("ALTER TABLE gone RENAME TO outbox")

        await desk.until_status(answer, "sent")
        assert twilio.bodies == ["oi"]


class TestFakeTwilio:
    """What our tests believe of Twilio, pinned where it runs alone."""

    async def test_it_runs_alone_and_shows_what_it_accepted(self):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.fakes.fake_twilio", "--port", "0"),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            url = json.loads(await process.stdout.readline())["url"]
            messages = f"{url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
            headers = FakeTwilio().expected_headers
            form = {"To": MARIA, "From": OFFICE, "Body": "oi"}
            async with aiohttp.ClientSession() as http:
                asked = [{"kind": "too_many", "retry_after_s": 3}]
                await http.post(f"{url}/_fake/faults", json=asked)
                busy = await http.post(messages, data=form, headers=headers)
                created = await http.post(messages, data=form, headers=headers)
                stranger = await http.post(messages, data=form)
                too_long = {**form, "Body": "x" * 1601}
                refused = await http.post(messages, data=too_long, headers=headers)
                listed = await http.get(messages, headers=headers, params={"To": MARIA})
                nobody = await http.get(messages, headers=headers, params={"To": JOAO})

                assert (busy.status, busy.headers["Retry-After"]) == (429, "3")
                assert created.status == 201
                assert stranger.status == 401
                assert (await refused.json())["code"] == 21617
                shown = (await listed.json())["messages"]
                assert [message["sid"] for message in shown] == [
                    (await created.json())["sid"]
                ]
                assert (await nobody.json())["messages"] == []
        finally:
            process.terminate()
            await process.wait()

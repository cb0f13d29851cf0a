"""The client of Twilio's REST API, over real HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from bot.core.settings import load_settings
from connectors.twilio_client import (
    Accepted,
    Refused,
    TryAgain,
    TwilioClient,
    TwilioUnavailable,
    Unknown,
)
from tests.fakes.fake_twilio import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    FakeTwilio,
    Fault,
    Media,
    serve,
)

MARIA, JOAO = "whatsapp:+5511987654321", "whatsapp:BR.4566546130240823"
OFFICE = "whatsapp:+551140042233"
FORM = {"To": MARIA, "From": OFFICE, "Body": "oi"}
NOW = 1_795_000_000.0
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def twilio(clock):
    async with serve(FakeTwilio(clock=clock)) as running:
        yield running


@contextlib.asynccontextmanager
async def client_of(folder, url: str, **environ: str) -> AsyncIterator[TwilioClient]:
    environ = {
        "TWILIO_API_BASE_URL": url,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "TWILIO_TIMEOUT_S": "2",
        **environ,
    }
    async with TwilioClient(load_settings(environ, folder=folder)) as client:
        yield client


@pytest.fixture
async def client(tmp_path, twilio):
    async with client_of(tmp_path, twilio.url) as opened:
        yield opened


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def stand_in(handler: Handler) -> AsyncIterator[str]:
    """Answers everything with one handler; gives the address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class TestSending:
    async def test_accepted_message_has_an_id(self, client, twilio):
        result = await client.create_message(ACCOUNT_SID, FORM)

        assert result == Accepted(twilio.messages[0].sid)

    @pytest.mark.parametrize(
        ("fault", "expected"),
        [
            pytest.param(Fault("too_many"), TryAgain(None, "429"), id="429"),
            pytest.param(
                Fault("too_many", retry_after_s=7), TryAgain(7.0, "429"), id="429-wait"
            ),
            pytest.param(Fault("refuse", code=21610), Refused("21610"), id="400"),
            pytest.param(Fault("error_before"), Unknown("500"), id="500"),
            pytest.param(Fault("error_after"), Unknown("503"), id="503"),
            pytest.param(Fault("hang"), Unknown("TimeoutError"), id="time-out"),
            pytest.param(Fault("garbage"), Unknown("garbage"), id="garbage"),
        ],
    )
    async def test_answer_says_what_is_certain(self, client, twilio, fault, expected):
        twilio.fail_next(fault)

        assert await client.create_message(ACCOUNT_SID, FORM) == expected

    async def test_connection_that_breaks_after_the_request_is_not_certain(
        self, client, twilio
    ):
        twilio.fail_next(Fault("reset"))

        assert isinstance(await client.create_message(ACCOUNT_SID, FORM), Unknown)

    async def test_connection_that_is_refused_may_be_tried_again(self, tmp_path):
        async with stand_in(_fail) as url:
            pass
        async with client_of(tmp_path, url) as client:
            result = await client.create_message(ACCOUNT_SID, FORM)

        assert result == TryAgain(None, "not_connected")

    @pytest.mark.parametrize(
        ("status", "text", "expected"),
        [
            (201, '{"sid": 5}', Unknown("garbage")),
            (201, "[" * 100_000, Unknown("garbage")),
            (200, '{"sid": "SM1"}', Accepted("SM1")),
            (400, "<html>", Refused("400")),
            (400, '{"code": 20429}', TryAgain(None, "429")),
            (307, "", Refused("307")),
            (408, "", Unknown("408")),
            (429, "not json", TryAgain(None, "429")),
        ],
        ids=lambda value: str(value)[:12],
    )
    async def test_unusual_answers_have_a_meaning_too(
        self, tmp_path, status, text, expected
    ):
        async def answer(_request: web.Request) -> web.Response:
            return web.Response(status=status, text=text, headers={"Location": "/x"})

        async with stand_in(answer) as url, client_of(tmp_path, url) as client:
            assert await client.create_message(ACCOUNT_SID, FORM) == expected

    async def test_redirect_is_not_followed_with_the_credentials(self, tmp_path):
        seen: list[str] = []

        async def elsewhere(request: web.Request) -> web.Response:
            seen.append(request.path)
            return web.Response()

        async with stand_in(elsewhere) as other:

            async def answer(_request: web.Request) -> web.Response:
                return web.Response(status=307, headers={"Location": f"{other}/x"})

            async with stand_in(answer) as url, client_of(tmp_path, url) as client:
                await client.create_message(ACCOUNT_SID, FORM)
                with pytest.raises(TwilioUnavailable):
                    await client.list_messages(ACCOUNT_SID)

        assert seen == []


async def _fail(_request: web.Request) -> web.StreamResponse:
    raise AssertionError


class TestCredentials:
    async def test_both_tokens_are_tried_and_no_more(self, tmp_path, twilio):
        asked: list[str] = []

        async def refuse(request: web.Request) -> web.Response:
            asked.append(request.headers["Authorization"])
            return web.json_response({"code": 20003}, status=401)

        environ = {"TWILIO_AUTH_TOKEN_SECONDARY": "segundo"}
        async with (
            stand_in(refuse) as url,
            client_of(tmp_path, url, **environ) as client,
        ):
            result = await client.create_message(ACCOUNT_SID, FORM)

        assert result == Refused("20003")
        assert len(asked) == len(set(asked)) == 2

    async def test_list_takes_the_secondary_token_too(self, tmp_path, twilio):
        environ = {
            "TWILIO_AUTH_TOKEN": "novo",
            "TWILIO_AUTH_TOKEN_SECONDARY": AUTH_TOKEN,
        }
        async with client_of(tmp_path, twilio.url, **environ) as client:
            assert await client.list_messages(ACCOUNT_SID) == []


class TestListing:
    async def test_messages_of_both_directions_are_read(self, client, twilio, clock):
        twilio.receive("bom dia", from_=MARIA, to=OFFICE, media=(Media(b"x", "a/b"),))
        clock.now += 60
        await client.create_message(ACCOUNT_SID, FORM)

        sent, received = await client.list_messages(ACCOUNT_SID)

        assert (sent.sid, sent.body, sent.to, sent.from_) == (
            twilio.messages[0].sid, "oi", MARIA, OFFICE,
        )  # fmt: skip
        assert sent.direction == "outbound-api"
        assert (received.direction, received.num_media) == ("inbound", 1)
        assert (received.sent_at, sent.sent_at) == (NOW, NOW + 60)
        assert (received.account_sid, received.error_code) == (ACCOUNT_SID, "")

    async def test_filters_reach_twilio(self, client, twilio, clock):
        for number in range(3):
            twilio.receive(str(number), from_=MARIA, to=OFFICE)
            twilio.receive("x", from_=JOAO, to=OFFICE)
            clock.now += 60

        found = await client.list_messages(
            ACCOUNT_SID, from_=MARIA, to=OFFICE, sent_after=NOW + 60
        )

        assert [each.body for each in found] == ["2", "1"]
        assert twilio.listings == [
            {
                "PageSize": "100", "To": OFFICE, "From": MARIA,
                "DateSent>": "2026-11-18T11:07:40Z",
            }
        ]  # fmt: skip

    async def test_all_pages_are_read(self, client, twilio, clock):
        for number in range(7):
            twilio.receive(str(number), from_=MARIA, to=OFFICE)
            clock.now += 1

        found = await client.list_messages(ACCOUNT_SID, page_size=3)

        assert [each.body for each in found] == list("6543210")
        assert len(twilio.listings) == 3

    async def test_pages_end_at_the_limit(self, client, twilio, clock):
        for number in range(7):
            twilio.receive(str(number), from_=MARIA, to=OFFICE)
            clock.now += 1

        found = await client.list_messages(ACCOUNT_SID, page_size=3, max_pages=2)

        assert [each.body for each in found] == list("654321")

    async def test_what_waits_to_be_sent_is_read_as_far_back_as_needed(
        self, client, twilio, clock
    ):
        for number in range(9):
            twilio.receive(str(number), from_=MARIA, to=OFFICE)
            clock.now += 60

        found = await client.list_messages(
            ACCOUNT_SID, sent_after=NOW + 6 * 60, page_size=2, unsent_too=True
        )

        assert [each.body for each in found] == list("876")
        assert len(twilio.listings) == 2
        assert "DateSent>" not in twilio.listings[0]

    @pytest.mark.parametrize(
        ("status", "retryable"), [(500, True), (503, True), (429, True), (401, False)]
    )
    async def test_failure_says_whether_trying_again_helps(
        self, tmp_path, status, retryable
    ):
        async def answer(_request: web.Request) -> web.Response:
            return web.json_response({"code": 1}, status=status)

        async with stand_in(answer) as url, client_of(tmp_path, url) as client:
            with pytest.raises(TwilioUnavailable) as caught:
                await client.list_messages(ACCOUNT_SID)

        assert (caught.value.status, caught.value.retryable) == (status, retryable)

    @pytest.mark.parametrize("kind", ["hang", "reset", "garbage"])
    async def test_list_that_cannot_be_read_is_no_empty_list(
        self, client, twilio, kind
    ):
        twilio.fail_next(*[Fault(kind, at="list")] * 3)  # aiohttp repeats a GET

        with pytest.raises(TwilioUnavailable) as caught:
            await client.list_messages(ACCOUNT_SID)

        assert caught.value.retryable

    @pytest.mark.parametrize(
        "uri",
        [
            "https://malvado.example/2010-04-01/Accounts/AC1/Messages.json",
            "//malvado.example/x",
            "/2010-04-01/Accounts/ACoutra/Messages.json",
            f"/2010-04-01/Accounts/{ACCOUNT_SID}/../../x",
            "http://[",
        ],
    )
    async def test_next_page_of_somebody_else_is_not_asked_for(self, tmp_path, uri):
        asked: list[Any] = []

        async def answer(request: web.Request) -> web.Response:
            asked.append(request.path)
            return web.json_response({"messages": [], "next_page_uri": uri})

        async with stand_in(answer) as url, client_of(tmp_path, url) as client:
            with pytest.raises(TwilioUnavailable):
                await client.list_messages(ACCOUNT_SID)

        assert asked == [MESSAGES]

    @pytest.mark.parametrize(
        ("date_sent", "date_created", "expected"),
        [
            ("Wed, 18 Nov 2026 11:06:40 +0000", None, NOW),
            ("Wed, 18 Nov 2026 08:06:40 -0300", None, NOW),
            (None, "Wed, 18 Nov 2026 11:06:40 +0000", NOW),
            (None, None, None),
            ("ontem", None, None),
        ],
    )
    async def test_dates_are_read_in_utc(
        self, tmp_path, date_sent, date_created, expected
    ):
        raw = {"sid": "SM1", "date_sent": date_sent, "date_created": date_created}

        async def answer(_request: web.Request) -> web.Response:
            return web.json_response({"messages": [raw]})

        async with stand_in(answer) as url, client_of(tmp_path, url) as client:
            (found,) = await client.list_messages(ACCOUNT_SID)

        assert found.sent_at == expected


class TestMedia:
    async def test_addresses_are_built_from_our_own_api_address(self, client, twilio):
        message = twilio.receive(
            "", from_=MARIA, to=OFFICE, media=(Media(b"%PDF", "application/pdf"),)
        )
        (media_sid,) = message.media

        (found,) = await client.list_media(ACCOUNT_SID, message.sid)

        assert (found.sid, found.content_type) == (media_sid, "application/pdf")
        assert found.url == (
            f"{twilio.url}/2010-04-01/Accounts/{ACCOUNT_SID}"
            f"/Messages/{message.sid}/Media/{media_sid}"
        )

    async def test_media_that_have_no_proper_id_are_left_out(self, tmp_path):
        async def answer(_request: web.Request) -> web.Response:
            return web.json_response({"media_list": [{"sid": "../x"}, {"sid": None}]})

        async with stand_in(answer) as url, client_of(tmp_path, url) as client:
            assert await client.list_media(ACCOUNT_SID, "MM1") == []


class TestTyping:
    async def test_it_names_the_message(self, client, twilio):
        assert await client.show_typing(ACCOUNT_SID, "SM1")

        assert twilio.typing == [{"messageId": "SM1", "channel": "whatsapp"}]

    async def test_failure_is_only_said(self, tmp_path):
        async def answer(_request: web.Request) -> web.Response:
            return web.Response(status=500)

        async with stand_in(answer) as url, client_of(tmp_path, url) as client:
            assert not await client.show_typing(ACCOUNT_SID, "SM1")
        async with client_of(tmp_path, url) as client:
            assert not await client.show_typing(ACCOUNT_SID, "SM1")

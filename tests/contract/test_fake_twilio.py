"""What our tests believe of Twilio, pinned at the fake they run against."""

from __future__ import annotations

import asyncio
import json
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl

import aiohttp
import pytest
from aiohttp import web

from connectors.signature import is_signed, parse_form
from tests.fakes.fake_twilio import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    Callbacks,
    FakeTwilio,
    Fault,
    Media,
    serve,
)

MARIA, OFFICE = "whatsapp:+5511987654321", "whatsapp:+551140042233"
PUBLIC = "https://bot.escritorio.example"
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages"
NOW = 1_795_000_000.0  # 2026-11-18 11:06:40 UTC
FORM = {"To": MARIA, "From": OFFICE, "Body": "oi"}


class Hook:
    """Our side: takes what Twilio posts, and answers as it is told."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes, str]] = []
        self.answers: list[int] = []

    async def take(self, request: web.Request) -> web.Response:
        signature = request.headers["X-Twilio-Signature"]
        self.bodies.append((str(request.rel_url), await request.read(), signature))
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    @property
    def forms(self) -> list[dict[str, str]]:
        return [
            dict(parse_qsl(body.decode(), keep_blank_values=True))
            for _, body, _ in self.bodies
        ]

    def are_signed(self) -> list[bool]:
        return [
            is_signed(PUBLIC + path, parse_form(body), signature, tokens=[AUTH_TOKEN])
            for path, body, signature in self.bodies
        ]


@pytest.fixture
async def hook():
    hook = Hook()
    app = web.Application()
    app.router.add_post("/{path:.*}", hook.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield hook
    await runner.cleanup()


@pytest.fixture
async def twilio(hook):
    fake = FakeTwilio(clock=lambda: NOW)
    fake.webhook_url, fake.rewrite = f"{PUBLIC}/twilio/webhook", {PUBLIC: hook.url}
    async with serve(fake) as running:
        yield running


@pytest.fixture
async def http(twilio):
    async with aiohttp.ClientSession(
        twilio.url, headers=twilio.expected_headers
    ) as client:
        yield client


async def bodies_listed(http, **query: str) -> list[str]:
    async with http.get(f"{MESSAGES}.json", params=query) as reply:
        return [each["body"] for each in (await reply.json())["messages"]]


class TestSends:
    async def test_template_is_kept_as_its_first_variable(self, http, twilio):
        form = {
            "To": MARIA,
            "From": OFFICE,
            "ContentSid": "HX" + "1" * 32,
            "ContentVariables": json.dumps({"1": "Olá, Maria", "2": "Sim"}),
        }

        async with http.post(f"{MESSAGES}.json", data=form) as reply:
            shown = await reply.json()

        assert reply.status == 201
        assert (shown["body"], shown["status"]) == ("Olá, Maria", "queued")
        assert twilio.messages[0].content_variables["2"] == "Sim"

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"To": ""}, 21604),
            ({"From": ""}, 21603),
            ({"Body": ""}, 21602),
            ({"Body": "x" * 1601}, 21617),
            ({"ContentVariables": "não é JSON"}, 21656),
        ],
        ids=["no To", "no From", "no Body", "too long", "wrong variables"],
    )
    async def test_wrong_form_is_refused(self, http, twilio, change, code):
        form = {**FORM, **change}

        async with http.post(f"{MESSAGES}.json", data=form) as reply:
            assert (await reply.json())["code"] == code

        assert twilio.messages == []

    @pytest.mark.parametrize(
        ("kind", "outcome", "accepted"),
        [
            ("too_many", 429, 0),
            ("error_before", 500, 0),
            ("error_after", 503, 1),
            ("garbage", 201, 0),
            ("garbage_after", 201, 1),
            ("refuse", 400, 0),
            ("reset", None, 0),
            ("reset_after", None, 1),
            ("hang", None, 0),
            ("hang_after", None, 1),
        ],
    )
    async def test_fault_has_its_outcome_and_accepts_or_not(
        self, http, twilio, kind, outcome, accepted
    ):
        twilio.fail_next(Fault(kind))
        status = None
        try:
            timeout = aiohttp.ClientTimeout(total=0.2)
            async with http.post(
                f"{MESSAGES}.json", data=FORM, timeout=timeout
            ) as reply:
                status = reply.status
        except (aiohttp.ClientError, asyncio.TimeoutError):
            pass

        assert (status, len(twilio.messages)) == (outcome, accepted)
        assert [each.fault for each in twilio.messages] == [kind] * accepted

    async def test_odds_are_the_same_for_the_same_seed(self, twilio):
        drawn = []
        for _ in range(2):
            twilio.plan.set_odds({"send": {"hang": 0.2, "reset": 0.2}}, seed=3)
            faults = [twilio.plan.draw("send") for _ in range(200)]
            drawn.append([each.kind if each else "" for each in faults])

        assert drawn[0] == drawn[1]
        assert 20 < drawn[0].count("hang") < 60
        assert 20 < drawn[0].count("reset") < 60

    async def test_api_key_is_taken_and_a_strangers_token_is_not(self, twilio):
        twilio.api_keys["SK1"] = "segredo"
        statuses = []
        for user, secret in (("SK1", "segredo"), ("SK1", "outro"), ("SK2", "segredo")):
            headers = {"Authorization": aiohttp.encode_basic_auth(user, secret)}
            async with aiohttp.ClientSession(headers=headers) as client:
                reply = await client.post(f"{twilio.url}{MESSAGES}.json", data=FORM)
                statuses.append(reply.status)

        assert statuses == [201, 401, 401]


class TestList:
    async def test_it_is_newest_first_and_holds_both_directions(self, http, twilio):
        twilio.receive("pergunta", from_=MARIA, to=OFFICE)
        twilio.clock = lambda: NOW + 1
        async with http.post(f"{MESSAGES}.json", data=FORM):
            pass
        twilio.receive("de ontem", from_=MARIA, to=OFFICE, at=NOW - 86_400)

        async with http.get(f"{MESSAGES}.json") as reply:
            shown = (await reply.json())["messages"]

        assert [(m["body"], m["direction"]) for m in shown] == [
            ("oi", "outbound-api"),
            ("pergunta", "inbound"),
            ("de ontem", "inbound"),
        ]
        sent = parsedate_to_datetime(shown[0]["date_sent"])
        assert sent.timestamp() == NOW + 1

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"DateSent>": "2026-11-18T11:06:40Z"}, ["agora"]),
            ({"DateSent>": "2026-11-18T11:06:41Z"}, []),
            ({"DateSent>": "2026-11-18"}, ["agora"]),
            ({"DateSent": "2026-11-17"}, ["ontem"]),
            ({"DateSent<": "2026-11-17"}, ["ontem"]),
            ({"DateSent<": "2026-11-17T11:06:39Z"}, []),
            ({"To": OFFICE}, ["agora", "ontem"]),
            ({"From": OFFICE}, []),
        ],
        ids=[
            "same second", "second later", "since a day", "a day", "until a day",
            "until a second", "to", "from",
        ],
    )  # fmt: skip
    async def test_filters(self, http, twilio, query, found):
        twilio.receive("ontem", from_=MARIA, to=OFFICE, at=NOW - 86_400)
        twilio.receive("agora", from_=MARIA, to=OFFICE, at=NOW + 0.9)
        twilio.clock = lambda: NOW + 1

        assert await bodies_listed(http, **query) == found

    async def test_pages_show_each_message_once_though_new_ones_come(
        self, http, twilio
    ):
        for number in range(5):
            twilio.receive(str(number), from_=MARIA, to=OFFICE)
        path = f"{MESSAGES}.json?PageSize=2&To={OFFICE.replace('+', '%2B')}"
        seen = []
        while path:
            async with http.get(path) as reply:
                page = await reply.json()
            seen += [each["body"] for each in page["messages"]]
            path = page["next_page_uri"]
            twilio.receive("nova", from_=MARIA, to=OFFICE)

        assert seen == ["4", "3", "2", "1", "0"]

    async def test_message_is_listed_after_the_delay(self, http, twilio):
        twilio.listing_delay_s = 5
        twilio.receive("oi", from_=MARIA, to=OFFICE)
        before = await bodies_listed(http)
        twilio.clock = lambda: NOW + 5

        assert (before, await bodies_listed(http)) == ([], ["oi"])

    async def test_message_that_waits_to_be_sent_is_hidden_by_dates(self, http, twilio):
        twilio.sending_s = 5
        async with http.post(f"{MESSAGES}.json", data=FORM):
            pass
        since = {"DateSent>": "2026-11-18"}
        waiting = await bodies_listed(http, **since), await bodies_listed(http)
        twilio.clock = lambda: NOW + 5

        assert waiting == ([], ["oi"])
        assert await bodies_listed(http, **since) == ["oi"]

    async def test_listing_can_fail(self, http, twilio):
        twilio.fail_next(Fault("error_before", at="list"))

        async with http.get(f"{MESSAGES}.json") as failed:
            pass
        async with http.get(f"{MESSAGES}.json") as worked:
            pass

        assert (failed.status, worked.status) == (500, 200)


class TestMedia:
    @pytest.fixture
    def photo(self, twilio):
        photo = Media(b"\xff\xd8\xff", "image/jpeg", "image/png")
        return twilio.receive("", from_=MARIA, to=OFFICE, media=(photo,))

    async def test_list_names_it_and_the_address_gives_it(self, http, photo):
        async with http.get(f"{MESSAGES}/{photo.sid}/Media.json") as reply:
            (shown,) = (await reply.json())["media_list"]
        async with http.get(shown["uri"].removesuffix(".json")) as file:
            content = await file.read()
        async with http.delete(shown["uri"]) as gone:
            pass
        async with http.get(shown["uri"].removesuffix(".json")) as after:
            pass

        assert shown["content_type"] == "image/png"
        assert (content, file.content_type) == (b"\xff\xd8\xff", "image/jpeg")
        assert (gone.status, after.status) == (204, 404)

    @pytest.mark.parametrize("by", ["request", "chance"])
    async def test_it_may_be_missing_at_first(self, http, twilio, photo, by):
        if by == "request":
            twilio.fail_next(Fault("missing", at="media", times=2))
        else:
            twilio.plan.set_odds({"media": {"missing": 1.0}}, seed=1)
        path = f"{MESSAGES}/{photo.sid}/Media/{next(iter(photo.media))}"

        statuses = []
        for _ in range(4):
            async with http.get(path) as reply:
                statuses.append(reply.status)

        assert statuses == [404, 404, 200, 200]

    @pytest.mark.parametrize("kind", ["oversize", "slow", "lying"])
    async def test_its_head_can_be_wrong(self, http, twilio, photo, kind):
        twilio.fail_next(Fault(kind, at="media"))
        path = f"{MESSAGES}/{photo.sid}/Media/{next(iter(photo.media))}"

        async with http.get(path) as reply:
            head = reply.content_length, reply.content_type
            first = await reply.content.readany()

        big = (100_000_000, "image/jpeg")
        assert head == ((3, "application/pdf") if kind == "lying" else big)
        assert first

    async def test_redirect_leads_to_another_origin_that_notes_credentials(
        self, http, twilio, photo
    ):
        twilio.fail_next(Fault("redirect", at="media"))
        path = f"{MESSAGES}/{photo.sid}/Media/{next(iter(photo.media))}"
        async with http.get(path, allow_redirects=False) as reply:
            there = reply.headers["Location"]

        async with aiohttp.ClientSession() as client, client.get(there) as plain:
            content = await plain.read()
        leaked_before = twilio.leaked_credentials
        async with http.get(there):
            pass

        assert not there.startswith(twilio.url)
        assert content == b"\xff\xd8\xff"
        assert (leaked_before, twilio.leaked_credentials) == (0, 1)


class TestWebhooks:
    async def test_message_is_told_signed_with_the_usual_fields(self, twilio, hook):
        message = twilio.receive("", from_=MARIA, to=OFFICE)

        await twilio.tell(message, times=3)

        assert hook.are_signed() == [True] * 3
        assert hook.forms[0]["MessageSid"] == message.sid
        assert (hook.forms[0]["Body"], hook.forms[0]["WaId"]) == ("", "5511987654321")

    async def test_without_a_2xx_it_is_told_again_as_often_as_asked(self, twilio, hook):
        hook.answers = [503, 200]
        message = twilio.receive("oi", from_=MARIA, to=OFFICE)

        (made,) = await twilio.tell(message, retries=3)

        assert made.outcomes == ("503", "200")

    async def test_forged_message_is_in_no_list(self, twilio, hook, http):
        asked = {"from": MARIA, "to": OFFICE, "body": "oi", "forged": True}

        async with http.post("/_fake/inbound", json=asked):
            pass

        assert hook.are_signed() == [False]
        assert await bodies_listed(http) == []

    async def test_dropped_message_is_in_the_list_alone(self, twilio, hook, http):
        asked = {"from": MARIA, "to": OFFICE, "body": "oi", "dropped": True}

        async with http.post("/_fake/inbound", json=asked):
            pass

        assert hook.bodies == []
        assert await bodies_listed(http) == ["oi"]


class TestCallbacks:
    async def send(self, http, twilio) -> None:
        form = {**FORM, "StatusCallback": f"{PUBLIC}/twilio/status?o=abc"}
        async with http.post(f"{MESSAGES}.json", data=form):
            pass
        await twilio.settle()

    async def test_statuses_are_told_signed_to_the_callback(self, twilio, hook, http):
        twilio.callbacks = Callbacks(("sent", "delivered", "read"))

        await self.send(http, twilio)

        assert hook.are_signed() == [True] * 3
        assert {path for path, _, _ in hook.bodies} == {"/twilio/status?o=abc"}
        assert {each["MessageStatus"] for each in hook.forms} == {
            "sent", "delivered", "read",
        }  # fmt: skip
        assert twilio.messages[0].status == "read"
        assert twilio.messages[0].token == "abc"

    async def test_failure_has_a_code(self, twilio, hook, http):
        twilio.callbacks = Callbacks(("sent", "read"), failed=1, error_code=63016)

        await self.send(http, twilio)

        told = {each["MessageStatus"]: each.get("ErrorCode") for each in hook.forms}
        assert told["undelivered"] == "63016"
        assert "read" not in told

    @pytest.mark.parametrize(
        ("odds", "calls"), [({"doubled": 1}, 2), ({"lost": 1}, 0)], ids=str
    )
    async def test_callback_can_come_twice_or_never(
        self, twilio, hook, http, odds, calls
    ):
        twilio.callbacks = Callbacks(("sent",), **odds)

        await self.send(http, twilio)

        assert len(hook.bodies) == calls

    async def test_nobody_is_told_unless_asked(self, twilio, hook, http):
        await self.send(http, twilio)

        assert hook.bodies == []

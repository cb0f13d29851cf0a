"""The "Suggested" rows at the edge: crashes, hanging Twilio, signatures, media."""

from __future__ import annotations

import json

import pytest

from bot.core.settings import ROOT
from connectors.media import (
    MediaCredentials,
    MediaFetcher,
    MediaLimits,
    MediaTooLarge,
)
from connectors.signature import UnreadableBodyError, is_signed, parse_form
from tests.contract.outbox_desk import (
    TEMPLATES,
    Clock,
    running_desk,
)
from tests.contract.test_edge import MESSAGES, STATUSES, running_edge
from tests.fakes.fake_twilio import AUTH_TOKEN, FakeTwilio, Fault, Media, serve
from tests.goals.office import (
    CLEAN,
    OFFICE,
    EdgeProcess,
    answering,
    is_quiet,
    open_edge,
    opened,
    people,
    said_to,
    until,
    verdict,
    write,
)

WEBHOOKS = json.loads((ROOT / "tests/data/twilio_webhooks.json").read_text("utf-8"))
CASES = WEBHOOKS["cases"]
HOUR_S = 3600
JPEG = b"\xff\xd8\xff\xe0" + bytes(2000)
PAGE = b"<!DOCTYPE html><html><script>alert(1)</script></html>"


async def test_suggested_concurrent_duplicates_are_one_turn(tmp_path, twilio):
    (maria,) = people(1)
    async with open_edge(tmp_path, twilio) as edge, answering(edge, workers=2) as robot:
        message = await write(twilio, "oi", from_=maria, times=50)
        await until(lambda: is_quiet(edge.engine, messages=1))

        assert [made.outcomes for made in message.deliveries] == [("200",)] * 50
        assert robot.heard == ["oi"]
        assert said_to(twilio, maria) == ["Resposta a oi"]


async def test_suggested_edge_killed_after_it_acknowledged_still_answers(
    tmp_path, twilio
):
    edge, crowd = EdgeProcess(tmp_path, twilio), people(3)
    twilio.listing_delay_s = HOUR_S  # the backfill knows nothing of them
    try:
        await edge.start()
        for address in crowd:
            (made,) = (await write(twilio, f"de {address}", from_=address)).deliveries
            assert made.is_accepted
        await edge.kill()
        assert twilio.calls == []

        await edge.start()
        with opened(edge.url) as engine:
            async with answering(edge.beside(engine)):
                await until(lambda: is_quiet(engine, messages=len(crowd)))

            assert verdict(engine, twilio).lines() == CLEAN
        for address in crowd:
            assert said_to(twilio, address) == [f"Resposta a de {address}"]
    finally:
        await edge.kill()


async def test_suggested_edge_goes_on_while_twilio_hangs(tmp_path, twilio):
    crowd = people(8)
    twilio.fail_next(*(Fault("hold") for _ in crowd))
    async with open_edge(tmp_path, twilio) as edge, answering(edge):
        for address in crowd:
            await write(twilio, f"de {address}", from_=address)
        await until(lambda: len(twilio.calls) == len(crowd))

        ready = await edge.request("GET", "/pronto")
        health = await edge.request("GET", "/saude")
        message = await write(twilio, "mais uma", from_=crowd[0])
        under_way = {row.status for row in edge.rows("outbox")}
        twilio.gate.set()
        await until(lambda: is_quiet(edge.engine, messages=len(crowd) + 1))

        assert (ready.status, health.json["aceita_mensagens"]) == (200, True)
        assert message.deliveries[0].outcomes == ("200",)
        assert "sent" not in under_way
        assert verdict(edge.engine, twilio).lines() == CLEAN


class TestTheDayOfWhatsApp:
    """Free text for 24 hours after the person's last message, less a minute."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.mark.parametrize(
        ("passed_s", "leaves"),
        [
            pytest.param(24 * HOUR_S - 61, True, id="23-58-59"),
            pytest.param(24 * HOUR_S - 59, False, id="23-59-01"),
            pytest.param(24 * HOUR_S - 1, False, id="23-59-59"),
            pytest.param(24 * HOUR_S + 1, False, id="24-00-01"),
        ],
    )
    async def test_suggested_24_hour_edge(self, tmp_path, clock, passed_s, leaves):
        async with (
            serve(FakeTwilio(clock=clock)) as twilio,
            running_desk(tmp_path, twilio.url, clock=clock, **TEMPLATES) as desk,
        ):
            answer = desk.say("resposta")
            desk.pass_time(passed_s)
            await desk.sender.start()
            await desk.until_status(answer, "sent" if leaves else "waiting")
            if not leaves:
                await desk.until(lambda: len(twilio.messages) == 1)
                assert twilio.messages[0].content_sid  # the template that asks
                second = desk.say("resposta a quem voltou a escrever")
                await desk.until_status(second, "sent")
                await desk.until_status(answer, "sent")

            free = [each.body for each in twilio.messages if not each.content_sid]
            late = ["resposta a quem voltou a escrever"]
            assert free == ["resposta", *([] if leaves else late)]


class TestRecordedWebhooks:
    """The 19 fixtures, over HTTP and byte by byte."""

    async def test_suggested_all_nineteen_are_accepted(self, tmp_path):
        async with running_edge(tmp_path) as edge:
            answers = {name: (await edge.deliver(name)).status for name in CASES}

            assert len(CASES) == 19
            assert answers == dict.fromkeys(MESSAGES, 200) | dict.fromkeys(
                STATUSES, 204
            )
            sids = {
                parse_form(CASES[n]["body"].encode())["MessageSid"] for n in MESSAGES
            }
            assert {row.message_sid for row in edge.rows("inbox")} == sids

    @pytest.mark.parametrize("name", CASES)
    def test_suggested_any_changed_byte_is_refused(self, name):
        case, changed_bodies = CASES[name], 0
        body = case["body"].encode()
        right = sorted(parse_form(body).items())
        for at, byte in enumerate(body):
            for other in {byte ^ 1, byte ^ 0x20, ord("&"), ord("="), ord("A")} - {byte}:
                changed = body[:at] + bytes([other]) + body[at + 1 :]
                try:
                    form = parse_form(changed)
                except UnreadableBodyError:
                    continue
                if sorted(form.items()) == right:  # as %2b for %2B
                    continue
                changed_bodies += 1
                assert not _is_accepted(case["url"], changed, case), changed

        assert changed_bodies > len(body)

    async def test_suggested_changed_bytes_get_403_or_400_over_http(self, tmp_path):
        async with running_edge(tmp_path) as edge:
            for name in CASES:
                body = CASES[name]["body"].encode()
                for at in range(0, len(body), max(1, len(body) // 12)):
                    changed = body[:at] + b"%" + body[at + 1 :]
                    if changed != body:
                        answer = await edge.deliver(name, changed)
                        assert answer.status in {400, 403}, (name, at)

            assert edge.rows("inbox") == []

    @pytest.mark.parametrize("name", CASES)
    def test_suggested_any_changed_signature_or_address_is_refused(self, name):
        case = CASES[name]
        body, signature, url = (
            case["body"].encode(), case["x_twilio_signature"], case["url"],
        )  # fmt: skip
        for at, letter in enumerate(signature[:-1]):
            other = "A" if letter != "A" else "B"
            wrong = signature[:at] + other + signature[at + 1 :]
            assert not _is_accepted(url, body, {**case, "x_twilio_signature": wrong})
        for at in range(len("https://"), len(url)):
            wrong_url = url[:at] + ("x" if url[at] != "x" else "y") + url[at + 1 :]
            assert not _is_accepted(wrong_url, body, case), wrong_url


def _is_accepted(url: str, body: bytes, case: dict[str, str]) -> bool:
    token = WEBHOOKS["auth_token"]
    signature = case["x_twilio_signature"]
    return is_signed(url, parse_form(body), signature, tokens=[token])


class TestMedia:
    """Attachments as Twilio's servers give them, or do not."""

    @pytest.fixture
    async def fetcher(self, tmp_path, twilio):
        async def no_pause(seconds: float) -> None:
            self.pauses.append(seconds)

        self.pauses: list[float] = []
        fetcher = MediaFetcher(
            tmp_path / "midia",
            MediaCredentials(AUTH_TOKEN),
            limits=MediaLimits(media_bytes=100_000, document_bytes=100_000),
            api_base_url=twilio.url,
            loopback_origins=[f"http://127.0.0.1:{twilio.elsewhere_port}"],
            sleep=no_pause,
        )
        await fetcher.start()
        yield fetcher
        await fetcher.stop()

    def receive(self, twilio: FakeTwilio, content: bytes = JPEG) -> dict[str, str]:
        (maria,) = people(1)
        media = (Media(content, "image/jpeg"),)
        message = twilio.receive("", from_=maria, to=OFFICE, media=media)
        form = twilio.webhook_form(message)
        return {
            "url": form["MediaUrl0"],
            "account_sid": form["AccountSid"],
            "message_sid": form["MessageSid"],
        }

    async def test_suggested_other_origin_gets_no_credentials(self, fetcher, twilio):
        twilio.fail_next(Fault("redirect", at="media"))

        stored = await fetcher.fetch(**self.receive(twilio))

        assert stored.size_bytes == len(JPEG)
        assert twilio.plan.made == {"media:redirect": 1}
        assert twilio.leaked_credentials == 0

    async def test_suggested_404_404_200_is_stored(self, fetcher, twilio):
        twilio.fail_next(Fault("missing", at="media", times=2))

        stored = await fetcher.fetch(**self.receive(twilio))

        assert stored.size_bytes == len(JPEG)
        assert self.pauses == [1, 3]

    async def test_suggested_oversize_is_refused_and_leaves_nothing(
        self, fetcher, twilio, tmp_path
    ):
        twilio.fail_next(Fault("oversize", at="media"))

        with pytest.raises(MediaTooLarge):
            await fetcher.fetch(**self.receive(twilio))

        assert [p for p in (tmp_path / "midia").rglob("*") if p.is_file()] == []

    @pytest.mark.parametrize(
        ("content", "media_type"),
        [(JPEG, "image/jpeg"), (PAGE, "recusado")],
        ids=["picture called PDF", "page called PDF"],
    )
    async def test_suggested_bytes_say_the_type_and_no_header(
        self, fetcher, twilio, content, media_type
    ):
        twilio.fail_next(Fault("lying", at="media"))

        stored = await fetcher.fetch(**self.receive(twilio, content))

        assert stored.media_type == media_type

"""Attachments, fetched over real HTTP from a fake media API that misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import io
import logging
import os
import re
import socket
import struct
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import AssistantError
from connectors import media_types
from connectors.media import (
    MediaCredentials,
    MediaFetcher,
    MediaGone,
    MediaLimits,
    MediaRefused,
    MediaTooLarge,
    MediaUnavailable,
    StoredMedia,
    _original_name,
    is_public,
)
from connectors.media_types import REFUSED, sniff
from tests.fakes.fake_media import FakeMedia, Fault, MediaFile, serve
from tests.fakes.fake_twilio import ACCOUNT_SID, AUTH_TOKEN

SID = "MM" + "1" * 32
MEDIA_SID = "ME" + "2" * 32
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"\x07" * 3_000
PDF = b"%PDF-1.7\n" + b"1 0 obj\n" * 2_000 + b"%%EOF\n"
HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
PATIENCE_S = 10
LIMITS = MediaLimits(media_bytes=20_000, document_bytes=60_000)


class Clock:
    """Time that passes only in the pauses."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class Index:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], StoredMedia] = {}
        self.is_broken = False

    async def find(self, message_sid: str, media_sid: str) -> StoredMedia | None:
        return self.kept.get((message_sid, media_sid))

    async def keep(
        self, message_sid: str, media_sid: str, media: StoredMedia
    ) -> StoredMedia:
        if self.is_broken:
            raise OSError("database is gone")
        return self.kept.setdefault((message_sid, media_sid), media)


class Reception:
    """A fetcher in front of a fake API, as a test looks at them."""

    def __init__(self, folder: Path, api: FakeMedia, **options: object) -> None:
        self.folder = folder / "midia"
        self.api = api
        self.clock = Clock()
        self.index = Index()
        self.options = {
            "limits": LIMITS, "api_base_url": api.url, "index": self.index,
            "clock": self.clock, "sleep": self.clock.sleep, **options,
        }  # fmt: skip
        self.fetcher = MediaFetcher(
            self.folder,
            MediaCredentials(AUTH_TOKEN),
            **self.options,  # type: ignore[arg-type]
        )

    async def fetch(self, url: str, message_sid: str = SID) -> StoredMedia:
        return await self.fetcher.fetch(
            url, account_sid=ACCOUNT_SID, message_sid=message_sid
        )

    async def fetch_file(self, content: bytes, **about: object) -> StoredMedia:
        file = MediaFile(content, **about)  # type: ignore[arg-type]
        return await self.fetch(self.api.receive(SID, file))

    @property
    def on_disk(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]


@contextlib.asynccontextmanager
async def open_reception(folder: Path, api: FakeMedia, **options: object):
    reception = Reception(folder, api, **options)
    await reception.fetcher.start()
    try:
        yield reception
    finally:
        await reception.fetcher.stop()


async def steps_of(api: FakeMedia, count: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(count):
            await api.steps.acquire()


@pytest.fixture
async def api():
    async with serve(FakeMedia()) as running:
        yield running


@pytest.fixture
async def elsewhere():
    async with serve(FakeMedia()) as running:
        yield running


@pytest.fixture
async def desk(tmp_path, api):
    async with open_reception(tmp_path, api) as running:
        yield running


class TestStoring:
    async def test_attachment_is_stored_as_it_was_sent(self, desk):
        media = await desk.fetch_file(JPEG)

        assert media.path.read_bytes() == JPEG
        assert media.size_bytes == len(JPEG)
        assert media.sha256 == hashlib.sha256(JPEG).hexdigest()
        assert media.media_type == "image/jpeg"
        assert media.is_servable

    async def test_file_has_a_name_of_ours_and_is_for_us_alone(self, desk):
        disposition = 'attachment; filename="../../../etc/cron.d/x.pdf"'

        media = await desk.fetch_file(PDF, disposition=disposition)

        assert re.fullmatch("[0-9a-f]{32}", media.id)
        assert media.path == desk.folder / media.id[:2] / media.id
        assert media.path.stat().st_mode & 0o777 == 0o600
        assert media.path.parent.stat().st_mode & 0o777 == 0o700
        assert media.original_name == "x.pdf"
        assert desk.on_disk == [media.path]

    async def test_page_that_calls_itself_a_picture_is_not_served(self, desk):
        media = await desk.fetch_file(HTML, content_type="image/jpeg")

        assert media.media_type == REFUSED
        assert not media.is_servable
        assert media.path.read_bytes() == HTML

    async def test_attachment_that_was_fetched_before_is_not_fetched_again(
        self, desk, api
    ):
        url = api.receive(SID, MediaFile(JPEG))

        first = await desk.fetch(url)
        calls = len(api.calls)
        second = await desk.fetch(url)

        assert second == first
        assert len(api.calls) == calls
        assert desk.on_disk == [first.path]

    async def test_twenty_fetches_of_one_attachment_store_it_once(self, desk, api):
        url = api.receive(SID, MediaFile(JPEG))

        stored = await asyncio.gather(*(desk.fetch(url) for _ in range(20)))

        assert len(set(stored)) == 1
        assert desk.on_disk == [stored[0].path]
        assert len(api.calls) == 2  # the address and where it led

    async def test_record_of_another_process_wins(self, desk, api):
        url = api.receive(SID, MediaFile(JPEG), media_sid=MEDIA_SID)
        theirs = StoredMedia("0" * 32, Path("x"), "image/jpeg", 1, "", "")
        api.fail_next(Fault("hold", at_file=True))

        fetching = asyncio.create_task(desk.fetch(url))
        await steps_of(api, 1)
        desk.index.kept[SID, MEDIA_SID] = theirs
        api.gate.set()

        assert await fetching == theirs
        assert desk.on_disk == []

    async def test_attachment_that_cannot_be_recorded_is_not_kept(self, desk):
        desk.index.is_broken = True

        with pytest.raises(OSError, match="database"):
            await desk.fetch_file(JPEG)

        assert desk.on_disk == []

    async def test_fetches_run_in_parallel_up_to_the_limit(self, tmp_path, api):
        limits = MediaLimits(max_parallel=3)
        files = [JPEG + bytes([n]) * 500_000 for n in range(8)]
        urls = [api.receive(SID, MediaFile(content)) for content in files]
        api.fail_next(*[Fault("hold", at_file=True)] * 3)
        async with open_reception(tmp_path, api, limits=limits) as desk:
            fetching = asyncio.gather(*(desk.fetch(url) for url in urls))
            await steps_of(api, 3)
            api.gate.set()
            stored = await fetching

        assert [media.path.read_bytes() for media in stored] == files
        assert api.most_at_work == 3

    async def test_leftovers_of_a_crash_are_cleared_at_start(self, tmp_path, api):
        folder = tmp_path / "midia" / "ab"
        folder.mkdir(parents=True)
        old, fresh = folder / "abc.parte", folder / "abd.parte"
        old.touch()
        fresh.touch()
        os.utime(old, (1, 1))

        async with open_reception(tmp_path, api) as desk:
            assert desk.on_disk == [fresh]

    async def test_disk_that_fails_is_said_and_leaves_nothing(self, desk, tmp_path):
        desk.folder.write_text("a file where a folder should be")

        with pytest.raises(MediaUnavailable) as raised:
            await desk.fetch_file(JPEG)

        assert raised.value.reason == "disk"
        assert raised.value.retryable


class TestCredentials:
    async def test_they_go_to_the_address_of_the_media_alone(
        self, tmp_path, api, elsewhere
    ):
        api.files_at = elsewhere.url
        url = api.receive(SID, MediaFile(JPEG), media_sid=MEDIA_SID)
        elsewhere.receive(SID, MediaFile(JPEG), media_sid=MEDIA_SID)
        async with open_reception(
            tmp_path, api, loopback_origins=[elsewhere.url]
        ) as desk:
            await desk.fetch(url)

        (asked,), (sent,) = api.calls, elsewhere.calls
        assert asked.headers["Authorization"] == api.authorization
        assert "Authorization" not in sent.headers
        assert "Cookie" not in sent.headers
        assert AUTH_TOKEN not in str(sent)
        assert sent.path == f"/arquivos/{MEDIA_SID}?assinado=1"

    async def test_redirect_back_to_the_api_gets_none_either(self, desk, api):
        url = api.receive(SID, MediaFile(JPEG))
        api.fail_next(Fault("redirect", to=url))

        with pytest.raises(MediaUnavailable) as raised:
            await desk.fetch(url)

        assert raised.value.reason == "401"
        assert not raised.value.retryable
        assert "Authorization" not in api.calls[1].headers

    async def test_api_key_stands_in_for_the_account(self, tmp_path, api):
        api.user, api.secret = "SK" + "3" * 32, "segredo-da-chave"
        credentials = MediaCredentials(api.secret, api_key_sid=api.user)
        fetcher = MediaFetcher(tmp_path, credentials, api_base_url=api.url)
        await fetcher.start()
        url = api.receive(SID, MediaFile(JPEG))

        media = await fetcher.fetch(url, account_sid=ACCOUNT_SID, message_sid=SID)
        await fetcher.stop()

        assert media.size_bytes == len(JPEG)

    def test_secret_is_not_shown(self):
        assert AUTH_TOKEN not in repr(MediaCredentials(AUTH_TOKEN))

    async def test_neither_address_nor_name_nor_secret_is_logged_or_raised(
        self, desk, api, caplog, capfd
    ):
        caplog.set_level(logging.DEBUG)
        disposition = "attachment; filename*=bad''divorcio-%ZZ; filename=divorcio.pdf"
        await desk.fetch_file(PDF, disposition=disposition)
        bad = [Fault("redirect", to=f"http://user:{AUTH_TOKEN}@127.1/divorcio")]
        bad += [Fault("redirect", to="https://2130706433/divorcio")]
        bad += [Fault("drop")] * 6
        raised = []
        for count in (1, 1, 6):
            url = api.receive(SID, MediaFile(PDF))
            api.fail_next(*bad[:count])
            del bad[:count]
            with pytest.raises(AssistantError) as error:
                await desk.fetch(url)
            logging.getLogger().error("failed", exc_info=error.value)
            raised.append(repr(error.value))

        shown = caplog.text + "".join(capfd.readouterr()) + "".join(raised)
        for secret in (AUTH_TOKEN, "divorcio", "/Media/", "2130706433", ACCOUNT_SID):
            assert secret not in shown


def media_url(
    host: str = "https://api.twilio.com",
    account: str = ACCOUNT_SID,
    message: str = SID,
    media: str = MEDIA_SID,
) -> str:
    return f"{host}/2010-04-01/Accounts/{account}/Messages/{message}/Media/{media}"


GOOD = media_url()
WRONG_ADDRESSES = [
    "",
    GOOD.replace("https", "http"),
    GOOD.replace("https:", "HTTPS:"),
    media_url("https://api.twilio.com.evil.example"),
    media_url("https://evil.example"),
    media_url("https://apiXtwilio.com"),
    media_url("https://api.a.b.c.twilio.com"),
    media_url("https://evil.twilio.com"),
    media_url("https://api.twilio.com."),
    media_url("https://API.twilio.com"),
    media_url("https://user@api.twilio.com"),
    media_url("https://user:pw@api.twilio.com"),
    media_url("https://api.twilio.com@evil.example"),
    media_url("https://evil.example\\@api.twilio.com"),
    media_url("https://evil.example/#https://api.twilio.com"),
    media_url("https://api.twilio.com:8443"),
    media_url("https://api.twilio.com:80"),
    media_url("https://127.0.0.1"),
    media_url("https://[::1]"),
    media_url("https://169.254.169.254"),
    media_url("//api.twilio.com"),
    media_url("file://api.twilio.com"),
    media_url(account="AC" + "f" * 32),
    media_url(message="MM" + "f" * 32),
    media_url(media="ME" + "2" * 31),
    media_url(media="ME" + "2" * 33),
    media_url(media="ME" + "G" * 32),
    media_url(media="ME" + "２" * 32),
    media_url(media="../Media/" + MEDIA_SID),
    GOOD + "?x=1",
    GOOD + "?",
    GOOD + "#x",
    GOOD + "#",
    GOOD + "/",
    GOOD + ".json",
    GOOD + "\n",
    " " + GOOD,
    GOOD + "/../../../Balance",
    GOOD.replace("/Media/", "//Media/"),
    GOOD.replace("/Media/", "%2FMedia%2F"),
    GOOD.replace("2010-04-01", "2008-08-01"),
]


class TestAddress:
    @pytest.mark.parametrize("url", WRONG_ADDRESSES)
    async def test_other_address_is_refused_before_any_request(self, tmp_path, url):
        fetcher = MediaFetcher(tmp_path, MediaCredentials(AUTH_TOKEN))

        with pytest.raises(MediaRefused) as raised:  # not open: a request would fail
            await fetcher.fetch(url, account_sid=ACCOUNT_SID, message_sid=SID)
        with pytest.raises(MediaRefused):
            await fetcher.delete_at_twilio(
                url, account_sid=ACCOUNT_SID, message_sid=SID
            )

        assert raised.value.reason == "address"

    @pytest.mark.parametrize(
        "host",
        [
            "https://api.twilio.com",
            "https://api.sydney.twilio.com",
            "https://api.sao-paulo.br1.twilio.com",
        ],
    )
    def test_regional_addresses_of_twilio_are_right(self, tmp_path, host):
        fetcher = MediaFetcher(tmp_path, MediaCredentials(AUTH_TOKEN))

        assert fetcher._check(media_url(host), ACCOUNT_SID, SID) == MEDIA_SID

    def test_another_base_stands_for_itself_alone(self, tmp_path):
        fetcher = MediaFetcher(
            tmp_path,
            MediaCredentials(AUTH_TOKEN),
            api_base_url="http://127.0.0.1:9100",
        )

        assert fetcher._check(media_url("http://127.0.0.1:9100"), ACCOUNT_SID, SID)
        for other in ("http://127.0.0.1:9101", "http://127x0.0.1:9100", ""):
            with pytest.raises(MediaRefused):
                fetcher._check(media_url(other), ACCOUNT_SID, SID)

    @pytest.mark.parametrize(
        ("account", "message"),
        [("", SID), (".*", SID), (ACCOUNT_SID, ".*"), (ACCOUNT_SID, "")],
    )
    def test_names_that_are_no_sids_are_refused(self, tmp_path, account, message):
        fetcher = MediaFetcher(tmp_path, MediaCredentials(AUTH_TOKEN))

        with pytest.raises(MediaRefused):
            fetcher._check(
                media_url(account=account, message=message), account, message
            )

    async def test_nothing_arrives_at_the_wrong_place(self, desk, api, elsewhere):
        for url in WRONG_ADDRESSES:
            for origin in (api.url, elsewhere.url):
                wrong = url.replace("https://api.twilio.com", origin)
                if wrong != media_url(api.url):
                    with pytest.raises(MediaRefused):
                        await desk.fetch(wrong)

        assert api.calls == elsewhere.calls == []

    @pytest.mark.parametrize("url", ["http://api.twilio.com", "http://10.0.0.1:80"])
    def test_plain_http_is_for_loopback_alone(self, tmp_path, url):
        with pytest.raises(ValueError, match=r"127\.0\.0\.1"):
            MediaFetcher(tmp_path, MediaCredentials("x"), api_base_url=url)
        with pytest.raises(ValueError, match=r"127\.0\.0\.1"):
            MediaFetcher(tmp_path, MediaCredentials("x"), loopback_origins=[url])


class TestRedirects:
    @pytest.mark.parametrize(
        ("to", "reason"),
        [
            ("https://127.0.0.1/x", "private_address"),
            ("https://localhost/x", "private_address"),
            ("https://[::1]/x", "private_address"),
            ("https://[::ffff:127.0.0.1]/x", "private_address"),
            ("https://[::ffff:a9fe:a9fe]/x", "private_address"),
            ("https://[64:ff9b::a9fe:a9fe]/x", "private_address"),
            ("https://[fe80::1]/x", "private_address"),
            ("https://10.0.0.1/x", "private_address"),
            ("https://172.16.0.1/x", "private_address"),
            ("https://192.168.0.1/x", "private_address"),
            ("https://169.254.169.254/latest/meta-data/", "private_address"),
            ("https://100.64.0.1/x", "private_address"),
            ("https://0.0.0.0/x", "private_address"),
            ("https://2130706433/x", "redirect"),
            ("https://127.1/x", "redirect"),
            ("https://0x7f000001/x", "private_address"),
            ("http://media.twiliocdn.com/x", "redirect"),
            ("https://media.twiliocdn.com:8443/x", "redirect"),
            ("https://user:pw@media.twiliocdn.com/x", "redirect"),
            ("ftp://media.twiliocdn.com/x", "redirect"),
            ("file:///etc/passwd", "redirect"),
            ("data:text/plain,oi", "redirect"),
            ("//127.0.0.1:1/x", "redirect"),
            ("https://", "redirect"),
            ("https://[", "redirect"),
            ("https://host:porta/x", "redirect"),
            ("", "redirect"),
        ],
    )
    async def test_place_that_is_not_public_and_encrypted_is_refused(
        self, desk, api, to, reason
    ):
        url = api.receive(SID, MediaFile(JPEG))
        api.fail_next(Fault("redirect", to=to))

        with pytest.raises(MediaRefused) as raised:
            await desk.fetch(url)

        assert raised.value.reason == reason
        assert len(api.calls) == 1
        assert desk.on_disk == []

    async def test_other_server_on_loopback_is_refused(self, desk, api, elsewhere):
        url = api.receive(SID, MediaFile(JPEG))
        api.fail_next(Fault("redirect", to=f"{elsewhere.url}/arquivos/x"))

        with pytest.raises(MediaRefused):
            await desk.fetch(url)

        assert elsewhere.calls == []

    async def test_private_address_gets_no_connection(self, tmp_path, api):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.settimeout(0.1)
            base = f"http://127.0.0.1:{listening.getsockname()[1]}"
            async with open_reception(tmp_path, api, api_base_url=base) as desk:
                desk.fetcher._local_origins.clear()
                with pytest.raises(MediaRefused) as raised:
                    await desk.fetch(media_url(base))
            with pytest.raises(TimeoutError):
                listening.accept()

        assert raised.value.reason == "private_address"

    async def test_two_are_followed_and_a_loop_is_not(self, desk, api):
        url = api.receive(SID, MediaFile(JPEG))
        place = f"{api.url}/arquivos/{url.rsplit('/', 1)[1]}"
        api.fail_next(Fault("redirect", to=place, at_file=True))
        twice = await desk.fetch(url)
        api.calls.clear()
        url = api.receive(SID, MediaFile(JPEG))
        place = f"{api.url}/arquivos/{url.rsplit('/', 1)[1]}"
        api.fail_next(*[Fault("redirect", to=place, at_file=True)] * 9)

        with pytest.raises(MediaRefused) as raised:
            await desk.fetch(url)

        assert raised.value.reason == "redirect"
        assert len(api.calls) == 3
        assert desk.on_disk == [twice.path]

    @pytest.mark.parametrize(
        ("host", "expected"),
        [
            ("8.8.8.8", True), ("52.216.0.1", True), ("2600:1f18::1", True),
            ("::ffff:8.8.8.8", True), ("64:ff9b::808:808", True),
            ("127.0.0.1", False), ("10.1.2.3", False), ("169.254.169.254", False),
            ("224.0.0.1", False), ("255.255.255.255", False), ("192.0.2.1", False),
            ("198.18.0.1", False), ("100.127.0.1", False), ("0.0.0.0", False),
            ("::", False), ("::1", False), ("fe80::1", False), ("fd00::1", False),
            ("fec0::1", False), ("ff02::1", False), ("::127.0.0.1", False),
            ("2002:7f00:1::", False), ("64:ff9b::7f00:1", False),
            ("::ffff:10.0.0.1", False), ("2001:db8::1", False),
        ],
    )  # fmt: skip
    def test_public_addresses_are_known(self, host, expected):
        assert is_public(host) is expected


class TestPatience:
    async def test_media_that_comes_late_is_waited_for(self, desk, api):
        api.fail_next(*[Fault("missing")] * 3)

        media = await desk.fetch_file(JPEG)

        assert media.size_bytes == len(JPEG)
        assert desk.clock.pauses == [1, 3, 9]

    async def test_media_that_does_not_come_is_gone(self, desk, api):
        with pytest.raises(MediaGone) as raised:
            await desk.fetch(media_url(api.url))

        assert not raised.value.retryable
        assert desk.clock.pauses == [1, 3, 9]
        assert len(api.calls) == 4

    @pytest.mark.parametrize(
        ("kind", "requests"),
        [("error", 3), ("drop", 6)],  # aiohttp itself repeats a GET that was cut
    )
    async def test_failing_server_is_asked_three_times(self, desk, api, kind, requests):
        url = api.receive(SID, MediaFile(JPEG))
        api.fail_next(*[Fault(kind)] * 9)

        with pytest.raises(MediaUnavailable) as raised:
            await desk.fetch(url)

        assert raised.value.retryable
        assert raised.value.reason == "fault"
        assert len(api.calls) == requests
        assert desk.clock.pauses == [1, 3]

    async def test_server_that_recovers_answers(self, desk, api):
        api.fail_next(Fault("error"), Fault("drop"))

        media = await desk.fetch_file(JPEG)

        assert media.size_bytes == len(JPEG)

    async def test_nobody_listening_is_a_fault(self, tmp_path, api):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with open_reception(tmp_path, api, api_base_url=base) as desk:
            with pytest.raises(MediaUnavailable) as raised:
                await desk.fetch(media_url(base))

        assert raised.value.reason == "fault"
        assert desk.clock.pauses == [1, 3]

    async def test_busy_server_says_how_long_to_wait(self, desk, api):
        api.fail_next(Fault("too_many", retry_after="7"), Fault("too_many"))

        await desk.fetch_file(JPEG)

        assert desk.clock.pauses == [7, 3]

    @pytest.mark.parametrize("wait", ["31", "999999"])
    async def test_too_long_a_wait_is_left_to_the_caller(self, tmp_path, api, wait):
        limits = MediaLimits(deadline_s=2_000_000)
        url = api.receive(SID, MediaFile(JPEG))
        api.fail_next(Fault("too_many", retry_after=wait))
        async with open_reception(tmp_path, api, limits=limits) as desk:
            with pytest.raises(MediaUnavailable) as raised:
                await desk.fetch(url)

        assert raised.value.retry_after_s == float(wait)
        assert raised.value.reason == "busy"
        assert desk.clock.pauses == []

    async def test_pause_beyond_the_deadline_is_not_begun(self, tmp_path, api):
        limits = MediaLimits(deadline_s=5)
        async with open_reception(tmp_path, api, limits=limits) as desk:
            with pytest.raises(MediaGone):
                await desk.fetch(media_url(api.url))

        assert desk.clock.pauses == [1, 3]

    @pytest.mark.parametrize("status", [400, 401, 403, 451])
    async def test_other_refusals_are_final(self, desk, api, status):
        url = api.receive(SID, MediaFile(JPEG))
        api.fail_next(Fault("status", status=status))

        with pytest.raises(MediaUnavailable) as raised:
            await desk.fetch(url)

        assert not raised.value.retryable
        assert raised.value.reason == str(status)
        assert len(api.calls) == 1

    async def test_drip_ends_at_the_deadline(self, tmp_path, api):
        limits = MediaLimits(deadline_s=0.3)
        url = api.receive(SID, MediaFile(JPEG))
        api.fail_next(Fault("drip", at_file=True))
        async with open_reception(tmp_path, api, limits=limits) as desk:
            began = time.monotonic()
            with pytest.raises(MediaUnavailable) as raised:
                await desk.fetch(url)

        assert raised.value.reason == "deadline"
        assert raised.value.retryable
        assert time.monotonic() - began < 5
        assert desk.on_disk == []

    async def test_silence_is_a_fault_before_the_deadline(self, tmp_path, api):
        limits = MediaLimits(read_timeout_s=0.1)
        url = api.receive(SID, MediaFile(JPEG))
        api.fail_next(*[Fault("hold", at_file=True)] * 3)
        async with open_reception(tmp_path, api, limits=limits) as desk:
            fetching = asyncio.create_task(desk.fetch(url))
            with pytest.raises(MediaUnavailable) as raised:
                await fetching
            api.gate.set()

        assert raised.value.reason == "fault"

    async def test_cancelled_fetch_leaves_nothing(self, desk, api):
        url = api.receive(SID, MediaFile(JPEG))
        api.fail_next(Fault("drip", at_file=True))

        fetching = asyncio.create_task(desk.fetch(url))
        await steps_of(api, 5)
        begun = desk.on_disk
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching

        assert len(begun) == 1
        assert desk.on_disk == []


class TestBodies:
    @pytest.mark.parametrize("kind", ["halfway", "short", "empty"])
    async def test_body_that_is_not_whole_is_fetched_again(self, desk, api, kind):
        api.fail_next(Fault(kind, at_file=True))

        media = await desk.fetch_file(JPEG)

        assert media.path.read_bytes() == JPEG
        assert desk.on_disk == [media.path]
        assert desk.clock.pauses == [1]

    @pytest.mark.parametrize("kind", ["halfway", "short", "empty"])
    async def test_body_that_is_never_whole_is_not_stored(self, desk, api, kind):
        url = api.receive(SID, MediaFile(JPEG))
        for _ in range(3):
            api.fail_next(Fault(kind, at_file=True))

        with pytest.raises(MediaUnavailable) as raised:
            await desk.fetch(url)

        assert raised.value.retryable == (kind != "empty")  # no sound stays none
        assert desk.on_disk == []

    async def test_body_without_a_length_is_stored(self, desk, api):
        api.fail_next(Fault("chunked", at_file=True))

        media = await desk.fetch_file(JPEG)

        assert media.path.read_bytes() == JPEG

    @pytest.mark.parametrize(
        ("start", "limit"), [(JPEG, 20_000), (PDF, 60_000), (b"a", 20_000)]
    )
    @pytest.mark.parametrize("kind", ["", "chunked"])
    async def test_limit_is_counted_and_goes_by_kind(
        self, desk, api, start, limit, kind
    ):
        faults = [Fault(kind, at_file=True)] if kind else []
        api.fail_next(*faults)
        whole = await desk.fetch_file(start.ljust(limit, b"a"))
        url = api.receive(SID, MediaFile(start.ljust(limit + 1, b"a")))
        api.fail_next(*faults)

        with pytest.raises(MediaTooLarge) as raised:
            await desk.fetch(url)

        assert raised.value.limit_bytes == limit
        assert whole.size_bytes == limit
        assert desk.on_disk == [whole.path]
        assert desk.clock.pauses == []

    @pytest.mark.parametrize("length", [60_001, 10**12])
    async def test_length_above_every_limit_is_refused_unread(self, desk, length):
        with pytest.raises(MediaTooLarge):
            await desk.fetch_file(PDF, length=length)

        assert desk.on_disk == []

    async def test_picture_that_promises_too_much_is_not_read_on(self, desk, api):
        api.fail_next(Fault("drip", at_file=True))

        with pytest.raises(MediaTooLarge) as raised:
            await desk.fetch_file(JPEG, length=50_000)

        assert raised.value.limit_bytes == 20_000
        assert desk.on_disk == []

    async def test_body_is_never_unpacked(self, desk, api):
        bomb = gzip.compress(b"\0" * 10_000_000)
        url = api.receive(SID, MediaFile(bomb))
        api.fail_next(Fault("zipped", at_file=True))

        with pytest.raises(MediaRefused) as raised:
            await desk.fetch(url)

        assert raised.value.reason == "encoding"
        assert {call.headers["Accept-Encoding"] for call in api.calls} == {"identity"}
        assert desk.on_disk == []

    async def test_large_document_is_stored_whole(self, tmp_path, api):
        content = b"%PDF-1.7\n" + bytes(30_000_000)
        url = api.receive(SID, MediaFile(content))
        async with open_reception(tmp_path, api, limits=MediaLimits()) as desk:
            media = await desk.fetch(url)

        assert media.size_bytes == len(content)
        assert media.sha256 == hashlib.sha256(content).hexdigest()


class TestDeleting:
    async def delete(self, desk: Reception, url: str) -> None:
        await desk.fetcher.delete_at_twilio(
            url, account_sid=ACCOUNT_SID, message_sid=SID
        )

    async def test_media_is_deleted_at_twilio(self, desk, api):
        url = api.receive(SID, MediaFile(JPEG), media_sid=MEDIA_SID)

        await self.delete(desk, url)

        assert api.deleted == [MEDIA_SID]
        assert api.calls[0].path.endswith(f"{MEDIA_SID}.json")

    async def test_media_that_is_not_there_is_fine(self, desk, api):
        await self.delete(desk, media_url(api.url))

        assert len(api.calls) == 1
        assert desk.clock.pauses == []

    async def test_failing_server_is_asked_again(self, desk, api):
        url = api.receive(SID, MediaFile(JPEG), media_sid=MEDIA_SID)
        api.fail_next(Fault("status", status=503), Fault("status", status=429))

        await self.delete(desk, url)

        assert api.deleted == [MEDIA_SID]
        assert desk.clock.pauses == [1, 1]

    @pytest.mark.parametrize("status", [302, 403])
    async def test_answer_that_is_no_deletion_is_an_error(self, desk, api, status):
        url = api.receive(SID, MediaFile(JPEG))
        api.fail_next(Fault("status", status=status))

        with pytest.raises((MediaRefused, MediaUnavailable)):
            await self.delete(desk, url)

        assert api.deleted == []


def webm(*codecs: bytes) -> bytes:
    """Returns the beginning of a WebM file with tracks of these codecs."""
    tracks = b"".join(b"\x86" + bytes([0x80 | len(c)]) + c for c in codecs)
    return b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm" + b"\x16\x54\xae\x6b" + tracks


def box(brand: bytes, handler: bytes = b"") -> bytes:
    ftyp = struct.pack(">I", 20) + b"ftyp" + brand + b"\0\0\0\0isom"
    track = struct.pack(">I", 24) + b"hdlr" + b"\0" * 8 + handler + b"\0" * 4
    return ftyp + (track if handler else b"")


def ogg(packet: bytes) -> bytes:
    page = b"OggS\0\x02" + b"\0" * 8 + b"\x01\0\0\0" + b"\0" * 8
    return page + b"\x01" + bytes([len(packet)]) + packet


def office(*names: str, content: bytes = b"<x/>") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return file.getvalue()


def ole(*streams: str) -> bytes:
    def entry(name: str) -> bytes:
        text = name.encode("utf-16-le")
        length = struct.pack("<H", len(text) + 2)
        return (text.ljust(64, b"\0") + length).ljust(128, b"\0")

    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\xff")
    return header + b"".join(entry(name) for name in ("Root Entry", *streams))


_WORD = "word/document.xml"
_TYPES = "[Content_Types].xml"
_OOXML = "application/vnd.openxmlformats-officedocument."
ACCEPTED = {
    "image/jpeg": [JPEG],
    "image/png": [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0" * 20],
    "image/gif": [b"GIF89a\x01\0\x01\0", b"GIF87a\x01\0\x01\0"],
    "image/webp": [b"RIFF\x1a\0\0\0WEBPVP8L", b"RIFF\x1a\0\0\0WEBPVP8X"],
    "audio/ogg": [ogg(b"OpusHead\x01\x01"), ogg(b"\x01vorbis\0")],
    "audio/mpeg": [
        b"ID3\x03\0\0\0\0\0\x0f\0", b"\xff\xfb\x90\x64", b"\xff\xf3\x40\xc4",
    ],
    "audio/aac": [b"\xff\xf1\x50\x80", b"\xff\xf9\x50\x80"],
    "audio/amr": [b"#!AMR\n\x3c"],
    "audio/amr-wb": [b"#!AMR-WB\n\x3c"],
    "audio/mp4": [box(b"M4A "), box(b"isom", b"soun"), box(b"mp42", b"soun")],
    "video/mp4": [box(b"isom"), box(b"mp42", b"vide"), box(b"M4V ", b"vide")],
    "video/3gpp": [box(b"3gp5", b"vide"), box(b"3gp4")],
    "audio/3gpp": [box(b"3gp4", b"soun")],
    "audio/wav": [b"RIFF\x24\0\0\0WAVEfmt ", b"RIFF\x24\0\0\0WAVEJUNK"],
    "audio/webm": [webm(b"A_OPUS"), webm(b"A_VORBIS")],
    "video/webm": [webm(b"V_VP8"), webm(b"A_OPUS", b"V_VP9")],
    "application/pdf": [PDF, b"\r\n%PDF-1.4"],
    "application/msword": [ole("1Table", "WordDocument")],
    "application/vnd.ms-excel": [ole("Workbook"), ole("Book")],
    "application/vnd.ms-powerpoint": [ole("PowerPoint Document")],
    _OOXML + "wordprocessingml.document": [office(_TYPES, _WORD)],
    _OOXML + "spreadsheetml.sheet": [office("_rels/.rels", "xl/workbook.xml", _TYPES)],
    _OOXML + "presentationml.presentation": [office(_TYPES, "ppt/presentation.xml")],
    "text/plain": [
        "Olá, doutora.\nSegue o número, obrigado.\n".encode(),
        b"\xef\xbb\xbfprazo < 10 dias, <maria@exemplo.com>",
    ],
    "text/csv": [b"data;valor\n1;10,50\n", b"a,b\n1,2\n", b"a\tb\n1\t2"],
    "text/vcard": [b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Maria\r\nEND:VCARD\r\n"],
}  # fmt: skip
REJECTED = {
    "nothing": b"",
    "page": HTML,
    "page_later": b"Ola, doutora. <HTML><body onload=x>",
    "drawing": b"<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>",
    "xml": b"\xef\xbb\xbf<?xml version='1.0'?><x/>",
    "script": b"#!/bin/sh\nrm -rf ~\n",
    "batch": b"@ECHO off\r\ndel *.*\r\n",
    "php": b"oi <?php system($_GET[0]); ?>",
    "postscript": b"%!PS-Adobe-3.0\n",
    "rtf": b"{\\rtf1 oi}",
    "exe": b"MZ\x90\0\x03\0\0\0" + b"\0" * 200,
    "elf": b"\x7fELF\x02\x01\x01" + b"\0" * 60,
    "java": b"\xca\xfe\xba\xbe\0\0\0\x34",
    "shortcut": b"L\0\0\0\x01\x14\x02\0" + b"\0" * 70,
    "jpeg_page": b"\xff\xd8\xff" + HTML,
    "film_in_ogg": ogg(b"\x80theora"),
    "film_of_apple": box(b"qt  "),
    "heic": box(b"heic"),
    "wave_of_nothing": b"RIFF\x24\0\0\0WAVE",
    "matroska": b"\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska\x86\x86A_OPUS",
    "webm_of_nothing": webm(),
    "webm_of_subtitles": webm(b"S_TEXT/UTF8"),
    "zip": office("a.txt"),
    "jar": office("META-INF/MANIFEST.MF", "A.class"),
    "macros": office(_TYPES, _WORD, "word/vbaProject.bin"),
    "two_documents": office(_TYPES, _WORD, "xl/workbook.xml"),
    "no_types": office(_WORD),
    "cut_zip": office(_TYPES, _WORD)[:-30],
    "zip_of_nothing": b"PK\x03\x04" + b"\0" * 40,
    "bomb": office(_TYPES, _WORD, content=b"\0" * 2_000_000),
    "old_macros": ole("WordDocument", "_VBA_PROJECT"),
    "installer": ole("!_StringData"),
    "name_in_passing": ole("!_StringData") + b"\0" * 10 + ole("WordDocument")[512:],
    "ole_of_nothing": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "latin1": "não".encode("latin-1"),
    "utf16": "\ufeffoi".encode("utf-16-le"),
    "card_and_more": b"BEGIN:VCARD\nEND:VCARD\nmais",
    "virus": rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
    "zeros": b"\0" * 500,
}


class TestTypes:
    @pytest.mark.parametrize(
        ("media_type", "content"),
        [(kind, content) for kind, files in ACCEPTED.items() for content in files],
    )
    def test_accepted_type_is_known_by_its_content(self, tmp_path, media_type, content):
        path = tmp_path / "x.exe"
        path.write_bytes(content)

        assert sniff(path) == media_type

    @pytest.mark.parametrize("name", REJECTED)
    def test_everything_else_is_refused(self, tmp_path, name):
        path = tmp_path / "x.jpg"
        path.write_bytes(REJECTED[name])

        assert sniff(path) == REFUSED

    def test_archive_of_too_many_entries_is_refused(self, tmp_path):
        path = tmp_path / "x"
        names = [f"word/{n}.xml" for n in range(media_types.MAX_ZIP_ENTRIES)]
        path.write_bytes(office(_TYPES, _WORD, *names))

        assert sniff(path) == REFUSED

    def test_table_of_contents_is_not_loaded_when_too_large(
        self, tmp_path, monkeypatch
    ):
        path = tmp_path / "x"
        path.write_bytes(office(_TYPES, _WORD, "x" * 60_000))
        assert sniff(path) != REFUSED

        monkeypatch.setattr(media_types, "MAX_ZIP_DIRECTORY_BYTES", 50_000)
        monkeypatch.setattr(media_types.zipfile, "ZipFile", None)

        assert sniff(path) == REFUSED

    @given(st.binary(max_size=300), st.sampled_from(sorted(ACCEPTED)))
    def test_any_bytes_have_a_type(self, tmp_path_factory, noise, start):
        path = tmp_path_factory.getbasetemp() / "noise"
        path.write_bytes(ACCEPTED[start][0][:20] + noise)

        assert sniff(path) in {REFUSED, *ACCEPTED}


class TestNames:
    @pytest.mark.parametrize(
        ("disposition", "expected"),
        [
            ("", ""),
            ("inline", ""),
            ('attachment; filename="Petição inicial.pdf"', "Petição inicial.pdf"),
            ("attachment; filename*=UTF-8''Peti%C3%A7%C3%A3o.pdf", "Petição.pdf"),
            ('attachment; filename="..\\\\..\\\\a.pdf"', "a.pdf"),
            ('attachment; filename="/etc/passwd"', "passwd"),
            ('attachment; filename=".."', ""),
            ('attachment; filename="fatura\u202efdp.exe"', "faturafdp.exe"),
            ("attachment; filename*=UTF-8''a%00%0D%0Ab.pdf", "ab.pdf"),
            ("attachment; filename*=bad''a%ZZ.pdf", "a%ZZ.pdf"),
            (f'attachment; filename="{"a" * 500}"', "a" * 120),
        ],
    )
    def test_name_is_fit_to_be_shown(self, disposition, expected):
        assert _original_name(disposition) == expected

    @given(st.text(max_size=60), st.sampled_from(["=", "*=", "*0*=", '="']))
    def test_any_header_gives_a_clean_name(self, text, sign):
        name = _original_name(f"attachment; filename{sign}{text}")

        assert len(name) <= 120
        assert not set(name) & set("/\\\n\r\0\u202e")

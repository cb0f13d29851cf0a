"""What an answer of Google means, and what is sent when one does not come."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Iterator
from email.utils import formatdate

import httplib2
import pytest
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaInMemoryUpload

from actions.gateways.google_calls import GoogleCalls, GoogleRefusal, refusal_of
from bot.core.ports import Feature, GatewayError, Trouble
from tests.contract.google_authority import Connected
from tests.contract.google_desk import ANA, consult
from tests.fakes.fake_google import FakeGoogle, Fault, running
from tests.fakes.google_faults import ERROR_PAGE

LATER, UNCLEAR, RECONNECT, NOT_GRANTED, REFUSED = Trouble
INSERT = "calendar.events.insert"


def listed(status: int, reason: str, **more) -> str:
    """Returns an error body as Calendar and Drive write it."""
    item = {"domain": "global", "reason": reason, "message": "x"}
    return json.dumps(
        {"error": {"code": status, "message": "x", "errors": [item], **more}}
    )


def stated(status: int, name: str, *details: dict) -> str:
    """Returns an error body as Sheets writes it."""
    error = {"code": status, "message": "x", "status": name}
    return json.dumps({"error": error | ({"details": details} if details else {})})


def detail(reason: str) -> dict:
    kind = "type.googleapis.com/google.rpc.ErrorInfo"
    return {"@type": kind, "reason": reason, "domain": "googleapis.com"}


HELP = {"@type": "type.googleapis.com/google.rpc.Help", "links": []}
PAGE = ERROR_PAGE.format(status=502)
ERRORS = [
    (400, listed(400, "badRequest"), REFUSED, "badRequest"),
    (400, listed(400, "timeRangeEmpty"), REFUSED, "timeRangeEmpty"),
    (400, stated(400, "INVALID_ARGUMENT"), REFUSED, "INVALID_ARGUMENT"),
    (400, listed(400, "failedPrecondition"), REFUSED, "failedPrecondition"),
    (400, listed(400, "accessNotConfigured"), REFUSED, "accessNotConfigured"),
    (401, listed(401, "authError"), RECONNECT, "authError"),
    (401, stated(401, "UNAUTHENTICATED"), RECONNECT, "UNAUTHENTICATED"),
    (401, "", RECONNECT, ""),
    (403, listed(403, "rateLimitExceeded"), LATER, "rateLimitExceeded"),
    (403, listed(403, "userRateLimitExceeded"), LATER, "userRateLimitExceeded"),
    (403, listed(403, "sharingRateLimitExceeded"), LATER, "sharingRateLimitExceeded"),
    (403, listed(403, "dailyLimitExceeded"), LATER, "dailyLimitExceeded"),
    (403, listed(403, "quotaExceeded"), LATER, "quotaExceeded"),
    (403, listed(403, "storageQuotaExceeded"), LATER, "storageQuotaExceeded"),
    (403, listed(403, "insufficientPermissions"), NOT_GRANTED, None),
    (403, listed(403, "insufficientScopes"), NOT_GRANTED, None),
    (403, listed(403, "accessNotConfigured"), NOT_GRANTED, None),
    (403, listed(403, "domainPolicy"), NOT_GRANTED, None),
    (
        403,
        stated(403, "PERMISSION_DENIED", detail("ACCESS_TOKEN_SCOPE_INSUFFICIENT")),
        NOT_GRANTED,
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
    ),
    (
        403,
        stated(403, "PERMISSION_DENIED", HELP, detail("SERVICE_DISABLED")),
        NOT_GRANTED,
        "SERVICE_DISABLED",
    ),
    (
        403,
        listed(403, "insufficientPermissions", details=[detail("RATE_LIMIT_EXCEEDED")]),
        LATER,
        "RATE_LIMIT_EXCEEDED",
    ),
    (403, stated(403, "PERMISSION_DENIED"), REFUSED, "PERMISSION_DENIED"),
    (403, listed(403, "insufficientFilePermissions"), REFUSED, None),
    (403, listed(403, "appNotAuthorizedToFile"), REFUSED, None),
    (403, listed(403, "requiredAccessLevel"), REFUSED, None),
    (403, PAGE, REFUSED, ""),
    (404, listed(404, "notFound"), REFUSED, "notFound"),
    (404, stated(404, "NOT_FOUND"), REFUSED, "NOT_FOUND"),
    (404, PAGE, REFUSED, ""),
    (408, "", LATER, ""),
    (409, listed(409, "duplicate"), REFUSED, "duplicate"),
    (410, listed(410, "deleted"), REFUSED, "deleted"),
    (412, listed(412, "conditionNotMet"), REFUSED, "conditionNotMet"),
    (429, listed(429, "rateLimitExceeded"), LATER, "rateLimitExceeded"),
    (
        429,
        stated(429, "RESOURCE_EXHAUSTED", detail("RATE_LIMIT_EXCEEDED")),
        LATER,
        None,
    ),
    (429, "", LATER, ""),
    (500, listed(500, "backendError"), UNCLEAR, "backendError"),
    (500, stated(500, "INTERNAL"), UNCLEAR, "INTERNAL"),
    (500, listed(500, "rateLimitExceeded"), LATER, "rateLimitExceeded"),
    (502, PAGE, UNCLEAR, ""),
    (503, stated(503, "UNAVAILABLE"), UNCLEAR, "UNAVAILABLE"),
    (503, "", UNCLEAR, ""),
    (503, listed(503, "backendError")[:40], UNCLEAR, ""),
    (504, '{"error": "deadline"}', UNCLEAR, ""),
    (500, "[]", UNCLEAR, ""),
    (500, '{"error": {"errors": ["x"]}}', UNCLEAR, ""),
    (500, '{"error": {"errors": null}}', UNCLEAR, ""),
    (500, '{"error": null}', UNCLEAR, ""),
    (500, "\x00\xff", UNCLEAR, ""),
]


def refused(status: int, body: str, *, is_read: bool = False, **headers):
    answer = httplib2.Response({"status": status, **headers})
    return refusal_of(HttpError(answer, body.encode("latin-1")), is_read=is_read)


@pytest.mark.parametrize(("status", "body", "trouble", "reason"), ERRORS)
def test_error_means(status, body, trouble, reason):
    error = refused(status, body.encode("ascii", "replace").decode())

    assert (error.trouble, error.status, error.wait_s) == (trouble, status, None)
    if reason is not None:
        assert error.reason == reason


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_read_that_failed_may_simply_be_repeated(status):
    assert refused(status, "", is_read=True).trouble is LATER


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("-3", 0.0),
        ("1.5", 1.5),
        ("999999", 3600.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Tue, 01 Jan 2199 00:00:00 GMT", 3600.0),
        ("soon", None),
        ("", None),
        ("nan", None),
    ],
)
def test_wait_that_is_asked_for(header, wait_s):
    assert refused(429, "", **{"retry-after": header}).wait_s == wait_s


def test_wait_until_a_time_is_counted_from_now():
    at = formatdate(time.time() + 600, usegmt=True)

    assert 500 < refused(503, "", **{"retry-after": at}).wait_s <= 601


def test_nothing_of_an_answer_stands_in_the_error():
    body = json.dumps({"error": {"message": "Ana Prado", "code": 400}})

    assert "Ana" not in str(refused(400, body))


# -- Over the wire


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with running() as google:
        yield google


class Desk:
    """One connected office that writes and reads events."""

    def __init__(self, google: FakeGoogle, *, timeout_s: float = 5.0) -> None:
        self.authority = Connected(google)
        self.calls = GoogleCalls(
            self.authority, base_url=google.url, timeout_s=timeout_s
        )

    async def insert(self) -> dict:
        return await self._events(
            lambda events: events.insert(calendarId="primary", body=consult(id="abcde"))
        )

    async def read(self) -> dict:
        return await self._events(lambda events: events.list(calendarId="primary"))

    async def delete(self) -> dict:
        return await self._events(
            lambda events: events.delete(calendarId="primary", eventId="abcde")
        )

    async def _events(self, request) -> dict:
        return await self.calls.run(
            Feature.EVENTS, "calendar", lambda api: request(api.events())
        )


@pytest.fixture
def desk(google) -> Desk:
    return Desk(google)


async def failure(attempt: Awaitable[object]) -> GatewayError:
    with pytest.raises(GatewayError) as failed:
        await attempt
    return failed.value


async def test_answer_is_given_and_an_empty_one_is_empty(google, desk):
    assert (await desk.insert())["id"] == "abcde"
    assert await desk.delete() == {}
    assert (await desk.read())["items"] == []


async def test_token_that_is_refused_is_renewed_once(google, desk):
    await desk.read()
    google.oauth.expire_access_tokens()

    await desk.insert()

    assert [each.status for each in google.calls(INSERT)] == [401, 200]
    assert desk.authority.asked[1:] == [(Feature.EVENTS, False), (Feature.EVENTS, True)]
    assert desk.authority.refusals == 0


async def test_connection_that_is_refused_twice_must_be_made_again(google, desk):
    google.fail_next(Fault("unauthorized", at=INSERT, times=None))

    failed = await failure(desk.insert())

    assert failed.trouble is RECONNECT
    assert desk.authority.refusals == 1
    assert len(google.calls(INSERT)) == 2


async def test_other_error_after_a_new_token_says_nothing_of_the_connection(
    google, desk
):
    google.fail_next(Fault("unauthorized", at=INSERT), Fault("forbidden", at=INSERT))

    assert (await failure(desk.insert())).trouble is LATER
    assert desk.authority.refusals == 0


@pytest.mark.parametrize("kind", ["reset", "reset_after"])
async def test_write_whose_connection_closes_is_sent_once(google, desk, kind):
    google.fail_next(Fault(kind, at=INSERT))

    failed = await failure(desk.insert())

    assert failed.trouble is UNCLEAR
    assert len(google.calls(INSERT)) == 1


async def test_read_whose_connection_closes_may_be_repeated(google, desk):
    google.fail_next(Fault("reset_after", at="calendar.events.list"))

    assert (await failure(desk.read())).trouble is LATER
    assert len(google.calls("calendar.events.list")) == 1


@pytest.mark.parametrize("kind", ["hang", "hang_after"])
async def test_silence_ends_after_the_time_given(google, kind):
    desk = Desk(google, timeout_s=0.5)
    google.fail_next(Fault(kind, at=INSERT))

    async with asyncio.timeout(10):
        failed = await failure(desk.insert())

    assert failed.trouble is UNCLEAR
    assert len(google.calls(INSERT)) == 1


@pytest.mark.parametrize("kind", ["malformed_after", "html_after"])
async def test_write_whose_answer_cannot_be_read_may_be_done(google, desk, kind):
    google.fail_next(Fault(kind, at=INSERT, status=200))

    assert (await failure(desk.insert())).trouble is UNCLEAR


async def test_read_that_google_could_not_answer_may_be_repeated(google, desk):
    google.fail_next(Fault("error", at="calendar.events.list"))

    assert (await failure(desk.read())).trouble is LATER


async def test_answer_byte_by_byte_is_read(google, desk):
    google.fail_next(Fault("drip", at="calendar.events.list"))

    assert (await desk.read())["items"] == []


async def test_wait_that_google_asks_for_reaches_the_job(google, desk):
    google.fail_next(Fault("too_many", at=INSERT, retry_after_s=9))

    failed = await failure(desk.insert())

    assert isinstance(failed, GoogleRefusal)
    assert (failed.trouble, failed.wait_s) == (LATER, 9.0)
    assert len(google.calls(INSERT)) == 1


@contextlib.asynccontextmanager
async def answering(raw: bytes):
    """Runs a server that says the same to everybody; yields its address and count."""
    requests: list[bytes] = []

    async def answer(reader, writer) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            requests.append(head)
            writer.write(raw)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}", requests


class Anybody:
    """Gives any token."""

    def access_token(self, feature: Feature, *, instead_of: str = "") -> str:
        return "ficha"

    def refused(self) -> None:
        raise AssertionError("the connection is good")


ODD_ANSWERS = [
    b"",
    b"nothing like HTTP\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n\xff\xfe\x00ab",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx",
    b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n<html>" + b"x" * 8,
    b"HTTP/1.1 " + b"9" * 70_000,
]


@pytest.mark.parametrize("raw", ODD_ANSWERS, ids=range(len(ODD_ANSWERS)))
@pytest.mark.parametrize(
    ("http", "trouble"), [("GET", LATER), ("POST", UNCLEAR), ("PATCH", UNCLEAR)]
)
async def test_answer_that_nobody_understands_is_asked_for_once(raw, http, trouble):
    requests_of = {
        "GET": lambda api: api.events().get(calendarId=ANA, eventId="abcde"),
        "POST": lambda api: api.events().insert(calendarId=ANA, body={}),
        "PATCH": lambda api: api.events().patch(
            calendarId=ANA, eventId="abcde", body={}
        ),
    }
    async with answering(raw) as (url, requests):
        calls = GoogleCalls(Anybody(), base_url=url, timeout_s=5)
        failed = await failure(calls.run(Feature.EVENTS, "calendar", requests_of[http]))

    assert failed.trouble is trouble
    assert len(requests) == 1
    assert requests[0].startswith(http.encode())
    assert b"Bearer ficha" in requests[0]


async def test_answer_that_leads_nowhere_is_left_for_later():
    raw = b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
    async with answering(raw) as (url, _):
        calls = GoogleCalls(Anybody(), base_url=url, timeout_s=5)
        failed = await failure(
            calls.run(
                Feature.EVENTS,
                "calendar",
                lambda api: api.events().list(calendarId=ANA),
            )
        )

    assert failed.trouble is LATER


async def test_google_whose_name_nobody_knows_was_told_nothing():
    calls = GoogleCalls(Anybody(), base_url="http://google.invalid", timeout_s=5)

    failed = await failure(
        calls.run(
            Feature.EVENTS,
            "calendar",
            lambda api: api.events().insert(calendarId=ANA, body={}),
        )
    )

    assert failed.trouble is LATER


@pytest.mark.parametrize(
    "wrong",
    [
        lambda api: api.files().create(body={}, media_body="tipo.desconhecido"),
        lambda api: api.files().create(body={}, media_body="nao-existe.pdf"),
        lambda api: api.files().create(
            body={}, media_body=MediaInMemoryUpload(b"", chunksize=0)
        ),
    ],
)
async def test_request_that_cannot_be_built_is_refused_and_not_sent(
    google, desk, wrong
):
    failed = await failure(desk.calls.run(Feature.FILES, "drive", wrong))

    assert failed.trouble is REFUSED
    assert not google.calls("drive")


async def test_google_that_is_not_there_was_told_nothing():
    async with answering(b"") as (url, _):
        pass
    calls = GoogleCalls(Anybody(), base_url=url, timeout_s=5)

    failed = await failure(
        calls.run(
            Feature.EVENTS,
            "calendar",
            lambda api: api.events().insert(calendarId=ANA, body={}),
        )
    )

    assert failed.trouble is LATER


async def test_parts_of_a_file_go_to_the_address_given(google, desk):
    content = bytes(600 * 1024)
    media = MediaInMemoryUpload(content, "application/pdf", 256 * 1024, resumable=True)

    def in_parts(request, http):
        answer = None
        while answer is None:
            _, answer = request.next_chunk(http=http, num_retries=0)
        return answer

    made = await desk.calls.run(
        Feature.FILES,
        "drive",
        lambda api: api.files().create(body={"name": "a.pdf"}, media_body=media),
        execute=in_parts,
    )

    assert made["name"] == "a.pdf"
    sent = google.calls("drive.files.create")
    assert [each.http for each in sent] == ["POST", "PUT", "PUT", "PUT"]
    assert google.writes["drive.files.create"] == 1


async def test_calls_at_the_same_time_do_not_share_a_connection(google, desk):
    google.fail_next(Fault("drip", at="calendar.events.list", times=3))

    found = await asyncio.gather(*(desk.read() for _ in range(8)))

    assert [each["items"] for each in found] == [[]] * 8

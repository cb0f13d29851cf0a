"""Writes at Google's calendars, interrupted at every step and repeated until done."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

import pytest

from actions.gateways.google_calendar import GoogleCalendar
from bot.core.ports import GatewayError, Trouble
from tests.contract.google_authority import calls_of
from tests.contract.google_desk import ANA, MARIA, SAO_PAULO
from tests.contract.test_google_calendar import ID, INVITING, RUI, at, stored
from tests.fakes.fake_google import FakeGoogle, Fault, running

LOST = [
    Fault("error_after"),
    Fault("error_after", status=503),
    Fault("reset_after"),
    Fault("hang_after"),
    Fault("malformed_after"),
    Fault("html_after", status=502),
]
NOT_DONE = [
    Fault("error"),
    Fault("reset"),
    Fault("hang"),
    Fault("malformed"),
    Fault("html", status=500),
]
ASKED_TO_WAIT = [
    Fault("too_many", retry_after_s=7),
    Fault("forbidden", reason="rateLimitExceeded"),
    Fault("forbidden", reason="userRateLimitExceeded"),
    Fault("forbidden", reason="quotaExceeded"),
]
MOVED = replace(INVITING, starts_at=at(9), ends_at=at(10), description="2ª vez")
WRITES = {"insert": "invitation", "patch": "update", "delete": "cancellation"}


def shown(fault: Fault) -> str:
    return f"{fault.kind}-{fault.status}-{fault.reason}"


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with running() as google:
        google.calendar.of(ANA)
        yield google


@pytest.fixture
def calendar(google) -> GoogleCalendar:
    calls = calls_of(google, timeout_s=2)
    return GoogleCalendar(calls, zone=SAO_PAULO, look_pause_s=0)


async def until_done(attempt: Callable[[], Awaitable[object]]) -> list[GatewayError]:
    """Repeats as the job would; returns how it failed before."""
    failures: list[GatewayError] = []
    while len(failures) < 6:
        try:
            await attempt()
        except GatewayError as error:
            failures.append(error)
        else:
            break
    assert len(failures) < 6, [str(each) for each in failures]
    return failures


async def before(calendar: GoogleCalendar, write: str) -> None:
    if write != "insert":
        await calendar.put(ANA, ID, INVITING)


async def do(calendar: GoogleCalendar, write: str) -> None:
    if write == "delete":
        await calendar.remove(ANA, ID)
    else:
        await calendar.put(ANA, ID, INVITING if write == "insert" else MOVED)


async def check(google: FakeGoogle, calendar: GoogleCalendar, write: str) -> None:
    told = [each.to for each in google.mails if each.kind == WRITES[write]]
    found = await calendar.between(ANA, at(0), at(23))
    hours = {"insert": [15], "patch": [9], "delete": []}[write]
    assert sorted(told) == [MARIA, RUI]
    assert google.writes[f"calendar.events.{write}"] == 1
    assert [each.starts_at.hour for each in found] == hours


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("fault", [*LOST, *NOT_DONE], ids=shown)
async def test_write_of_which_nobody_knows_is_done_once(google, calendar, fault, write):
    await before(calendar, write)
    google.fail_next(replace(fault, at=f"calendar.events.{write}"))

    failures = await until_done(lambda: do(calendar, write))

    assert [each.trouble for each in failures] == [Trouble.UNCLEAR]
    await check(google, calendar, write)


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("fault", ASKED_TO_WAIT, ids=shown)
async def test_write_that_is_too_many_is_done_later(google, calendar, fault, write):
    await before(calendar, write)
    google.fail_next(replace(fault, at=f"calendar.events.{write}"))

    failures = await until_done(lambda: do(calendar, write))

    assert [each.trouble for each in failures] == [Trouble.LATER]
    assert [each.wait_s for each in failures] == [fault.retry_after_s]
    await check(google, calendar, write)


@pytest.mark.parametrize("fault", [*LOST, *ASKED_TO_WAIT], ids=shown)
async def test_look_that_fails_changes_nothing(google, calendar, fault):
    google.fail_next(replace(fault, at="calendar.events.get"))

    failures = await until_done(lambda: do(calendar, "insert"))

    assert [each.trouble for each in failures] == [Trouble.LATER]
    await check(google, calendar, "insert")


async def test_token_that_expired_is_renewed_on_the_way(google, calendar):
    await calendar.put(ANA, ID, INVITING)
    google.oauth.expire_access_tokens()

    await calendar.put(ANA, ID, MOVED)

    await check(google, calendar, "patch")


async def life(calendar: GoogleCalendar) -> None:
    """Makes, moves, deletes and makes again an event with guests and a meeting."""
    online = replace(INVITING, is_online=True)
    await until_done(lambda: calendar.put(ANA, ID, online))
    await until_done(lambda: calendar.put(ANA, ID, replace(MOVED, is_online=True)))
    await until_done(lambda: calendar.remove(ANA, ID))
    await until_done(lambda: calendar.put(ANA, ID, MOVED))


def outcome(google: FakeGoogle) -> dict:
    """Returns what is left, without what differs every time."""
    event = {
        name: value
        for name, value in stored(google).items()
        if name not in {"created", "updated", "etag", "conferenceData", "hangoutLink"}
    }
    told = sorted((each.to, each.kind) for each in google.mails)
    return {"event": event, "mails": told, "writes": dict(google.writes)}


@pytest.mark.parametrize("kind", ["reset", "reset_after", "error_after"])
async def test_end_is_the_same_whichever_call_fails(kind):
    with running() as google:
        google.calendar.of(ANA)
        google.calendar.conference_status = "pending"
        google.calendar.looks_until_link = 1
        await life(GoogleCalendar(calls_of(google), zone=SAO_PAULO, look_pause_s=0))
        expected, calls = outcome(google), len(google.calls("calendar"))
    assert calls > 8

    for number in range(calls):
        with running() as google:
            google.calendar.of(ANA)
            google.calendar.conference_status = "pending"
            google.calendar.looks_until_link = 1
            google.fail_next(Fault(kind, at="calendar", after=number))
            await life(GoogleCalendar(calls_of(google), zone=SAO_PAULO, look_pause_s=0))
            assert sum(google.plan.made.values()) == 1
            assert outcome(google) == expected, number


async def test_nothing_of_an_event_is_told_in_an_error(google, calendar):
    said = []
    for fault in [*LOST, *NOT_DONE, *ASKED_TO_WAIT]:
        google.fail_next(replace(fault, at="calendar.events.get"))
        with pytest.raises(GatewayError) as failed:
            await calendar.put(ANA, ID, INVITING)
        said.append(str(failed.value))

    assert not [each for each in said if re.search(r"Ana|Div|exemplo|@|a{32}", each)]

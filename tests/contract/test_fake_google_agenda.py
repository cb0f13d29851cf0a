"""What Google's calendars refuse or give in parts, pinned with Google's own client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.google_desk import (
    ANA,
    BRUNO,
    MARIA,
    consult,
    reason,
    service,
)
from tests.fakes.fake_google import FakeGoogle, Fault, running

MEET = {"createRequest": {"requestId": "1"}}


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with running() as google:
        yield google


@pytest.fixture
def calendar(google):
    return service(google, "calendar")


@pytest.fixture
def events(calendar):
    return calendar.events()


def question(days: int, **more) -> dict:
    times = {"timeMin": "2026-01-01T00:00:00Z", "items": [{"id": ANA}]}
    month, day = divmod(days, 30)
    return times | {"timeMax": f"2026-{month + 1:02d}-{day + 1:02d}T00:00:00Z"} | more


def test_free_times_of_more_than_some_months_are_refused(calendar):
    calendar.freebusy().query(body=question(80)).execute()

    request = calendar.freebusy().query(body=question(120))

    assert reason(request) == (400, "timeRangeTooLong")


def test_free_times_of_a_calendar_may_fail_by_themselves(google, calendar):
    google.calendar.ill.add(ANA)

    told = calendar.freebusy().query(body=question(1)).execute()["calendars"][ANA]

    assert told == {
        "errors": [{"domain": "global", "reason": "internalError"}],
        "busy": [],
    }


def test_guest_is_self_in_the_calendar_that_is_shown(google, events):
    google.calendar.of(BRUNO).roles[ANA] = "reader"
    guests = [{"email": ANA}, {"email": BRUNO}]
    made = google.calendar.put(BRUNO, **consult(attendees=guests))

    shown = events.get(calendarId=BRUNO, eventId=made["id"]).execute()

    assert [each.get("self") for each in shown["attendees"]] == [None, True]


def test_account_without_meetings_may_not_ask_for_one(google, events):
    google.calendar.conference_status = "unsupported"
    body = consult(conferenceData=MEET)

    request = events.insert(calendarId=ANA, body=body, conferenceDataVersion=1)

    assert reason(request) == (400, "invalid")
    assert not google.writes


def test_meeting_is_not_opened_twice_under_one_request(events):
    body = consult(id="abcde", conferenceData=MEET)
    events.insert(calendarId=ANA, body=body, conferenceDataVersion=1).execute()
    links = []
    for wanted in (None, MEET, {"createRequest": {"requestId": "2"}}):
        patched = events.patch(
            calendarId=ANA,
            eventId="abcde",
            body={"conferenceData": wanted},
            conferenceDataVersion=1,
        ).execute()
        links.append("hangoutLink" in patched)

    assert links == [False, False, True]


def test_link_comes_after_some_looks(google, events):
    google.calendar.conference_status = "pending"
    google.calendar.looks_until_link = 2
    body = consult(id="abcde", conferenceData=MEET)
    events.insert(calendarId=ANA, body=body, conferenceDataVersion=1).execute()

    shown = [events.get(calendarId=ANA, eventId="abcde").execute() for _ in range(4)]

    assert ["hangoutLink" in each for each in shown] == [False, False, True, True]


def test_robot_without_a_person_keeps_guests_and_adds_none(google, events):
    google.calendar.put(ANA, **consult(id="abcde", attendees=[{"email": MARIA}]))
    google.calendar.is_robot = True
    one, two = [{"email": MARIA}], [{"email": MARIA}, {"email": BRUNO}]

    events.patch(calendarId=ANA, eventId="abcde", body={"attendees": one}).execute()
    changed = events.patch(calendarId=ANA, eventId="abcde", body={"attendees": two})
    new = events.insert(calendarId=ANA, body=consult(attendees=one))

    assert reason(changed) == reason(new) == (403, "forbiddenForServiceAccounts")


def test_page_may_hold_less_than_was_asked_for(google, events):
    google.calendar.most_per_page = 1
    for hour in (9, 10):
        google.calendar.put(ANA, **consult(hour))

    page = events.list(calendarId=ANA, maxResults=50).execute()

    assert len(page["items"]) == 1
    assert page["nextPageToken"]


def test_fault_may_wait_for_later_calls(google, events):
    google.fail_next(Fault("not_found", at="calendar", after=2))

    for _ in range(2):
        events.list(calendarId=ANA).execute()
    assert reason(events.list(calendarId=ANA)) == (404, "notFound")
    events.list(calendarId=ANA).execute()

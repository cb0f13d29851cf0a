"""What our tests believe of Google's calendars, pinned with Google's own client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.google_desk import (
    ANA,
    BRUNO,
    MARIA,
    SAO_PAULO,
    at,
    consult,
    reason,
    service,
)
from tests.fakes.fake_google import FakeGoogle, running
from tests.fakes.google_grants import SCOPE


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with running() as google:
        yield google


@pytest.fixture
def events(google):
    return service(google, "calendar").events()


def test_event_comes_back_as_it_was_entered(google, events):
    made = events.insert(
        calendarId="primary", body=consult(location="Sala 2")
    ).execute()

    kept = events.get(calendarId="primary", eventId=made["id"]).execute()

    assert kept == made
    assert kept["start"] == {
        "dateTime": "2026-11-24T15:00:00-03:00",
        "timeZone": SAO_PAULO,
    }
    assert (kept["status"], kept["location"]) == ("confirmed", "Sala 2")
    assert kept["organizer"]["email"] == ANA
    assert google.writes == {"calendar.events.insert": 1}


def test_event_keeps_its_own_zone_and_shows_the_readers(google, events):
    body = {
        "start": at(15, zone="America/Manaus"),
        "end": at(16, zone="America/Manaus"),
    }
    made = events.insert(calendarId="primary", body=body).execute()

    listed = events.list(calendarId="primary", timeZone="UTC").execute()

    assert made["start"]["dateTime"] == "2026-11-24T16:00:00-03:00"
    assert listed["items"][0]["start"] == {
        "dateTime": "2026-11-24T19:00:00Z",
        "timeZone": "America/Manaus",
    }


@pytest.mark.parametrize("event_id", ["abcde", "v" * 1024, "0123456789"])
def test_clients_event_id_is_taken_once(events, event_id):
    events.insert(calendarId="primary", body=consult(id=event_id)).execute()

    again = events.insert(calendarId="primary", body=consult(id=event_id))

    assert reason(again) == (409, "duplicate")


@pytest.mark.parametrize("event_id", ["abcd", "v" * 1025, "ABCDE", "wxyz1", "a-b-c-d"])
def test_event_id_outside_base32hex_is_refused(google, events, event_id):
    request = events.insert(calendarId="primary", body=consult(id=event_id))

    assert reason(request) == (400, "invalid")
    assert not google.writes


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"start": at(15)}, "required"),
        ({"start": at(15), "end": at(15)}, "timeRangeEmpty"),
        ({"start": at(15), "end": {"date": "2026-11-25"}}, "invalid"),
        (
            {
                "start": {"dateTime": "2026-11-24T15:00:00"},
                "end": {"dateTime": "2026-11-24T16:00:00"},
            },
            "required",
        ),
        ({"start": at(15, zone="Brasil/Lua"), "end": at(16)}, "invalid"),
        (consult(attendees=[{"email": "sem-arroba"}]), "invalid"),
    ],
)
def test_event_that_makes_no_sense_is_refused(events, body, expected):
    assert reason(events.insert(calendarId="primary", body=body)) == (400, expected)


def test_deleted_event_is_gone_for_good_and_keeps_its_id(events):
    events.insert(calendarId="primary", body=consult(id="abcde")).execute()

    answer = events.delete(calendarId="primary", eventId="abcde").execute()

    assert answer == ""
    again = events.delete(calendarId="primary", eventId="abcde")
    assert reason(again) == (410, "deleted")
    kept = events.get(calendarId="primary", eventId="abcde").execute()
    assert kept["status"] == "cancelled"
    new = events.insert(calendarId="primary", body=consult(id="abcde"))
    assert reason(new) == (409, "duplicate")
    unknown = events.delete(calendarId="primary", eventId="fghij")
    assert reason(unknown) == (404, "notFound")


def test_patch_merges_and_update_replaces(events):
    mark = {"extendedProperties": {"private": {"job": "7"}}}
    events.insert(
        calendarId="primary", body=consult(id="abcde", location="Sala 2", **mark)
    ).execute()
    change = {"extendedProperties": {"private": {"step": "2"}}, "location": None}

    patched = events.patch(calendarId="primary", eventId="abcde", body=change).execute()
    updated = events.update(
        calendarId="primary", eventId="abcde", body=consult(17)
    ).execute()

    assert patched["extendedProperties"]["private"] == {"job": "7", "step": "2"}
    assert "location" not in patched
    assert patched["summary"] == "Consulta"
    assert "extendedProperties" not in updated
    assert (patched["sequence"], updated["sequence"]) == (0, 1)
    assert updated["iCalUID"] == patched["iCalUID"]


def test_change_of_an_event_that_was_changed_meanwhile_is_refused(google, events):
    made = events.insert(calendarId="primary", body=consult(id="abcde")).execute()
    google.calendar.change(ANA, "abcde", summary="Almoço")
    request = events.patch(calendarId="primary", eventId="abcde", body={"summary": "x"})
    request.headers["If-Match"] = made["etag"]

    assert reason(request) == (412, "conditionNotMet")


def test_list_shows_what_touches_the_range_in_order(events):
    for hour in (17, 9, 13):
        body = consult(hour, summary=f"{hour}h")
        events.insert(calendarId="primary", body=body).execute()

    found = events.list(
        calendarId="primary",
        timeMin="2026-11-24T10:00:00-03:00",
        timeMax="2026-11-24T17:30:00-03:00",
        singleEvents=True,
        orderBy="startTime",
    ).execute()

    assert [each["summary"] for each in found["items"]] == ["13h", "17h"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"orderBy": "startTime"}, "badRequest"),
        ({"timeMin": "2026-11-24T10:00:00"}, "badRequest"),
        (
            {"timeMin": "2026-11-25T00:00:00Z", "timeMax": "2026-11-24T00:00:00Z"},
            "timeRangeEmpty",
        ),
        ({"syncToken": "s0", "timeMin": "2026-11-24T10:00:00Z"}, "badRequest"),
    ],
)
def test_list_that_google_does_not_take_is_refused(events, query, expected):
    assert reason(events.list(calendarId="primary", **query)) == (400, expected)


def test_list_filters_by_private_property(events):
    for job in ("7", "8"):
        mark = {"extendedProperties": {"private": {"job": job, "app": "escritorio"}}}
        events.insert(calendarId="primary", body=consult(**mark)).execute()

    found = events.list(
        calendarId="primary", privateExtendedProperty=["job=8", "app=escritorio"]
    ).execute()

    (only,) = found["items"]
    assert only["extendedProperties"]["private"]["job"] == "8"


def test_list_comes_in_pages(events):
    for hour in range(9, 14):
        events.insert(calendarId="primary", body=consult(hour)).execute()
    pages, request = [], events.list(calendarId="primary", maxResults=2)

    while request is not None:
        pages.append(request.execute())
        request = events.list_next(request, pages[-1])

    assert [len(page["items"]) for page in pages] == [2, 2, 1]
    assert ["nextSyncToken" in page for page in pages] == [False, False, True]


def test_sync_token_brings_only_what_has_changed(google, events):
    google.calendar.put(ANA, **consult(id="abcde"))
    google.calendar.put(ANA, **consult(id="fghij"))
    token = events.list(calendarId="primary").execute()["nextSyncToken"]
    google.calendar.remove(ANA, "abcde")

    changed = events.list(calendarId="primary", syncToken=token).execute()
    google.calendar.oldest_sync = 99
    expired = events.list(calendarId="primary", syncToken=token)

    assert [(e["id"], e["status"]) for e in changed["items"]] == [
        ("abcde", "cancelled")
    ]
    assert reason(expired) == (410, "fullSyncRequired")


def test_weekly_event_is_listed_as_its_occurrences(google, events):
    rule = {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]}
    google.calendar.put(ANA, **consult(**rule))

    whole = events.list(calendarId="primary").execute()["items"]
    each = events.list(calendarId="primary", singleEvents=True).execute()["items"]

    assert len(whole) == 1
    assert [event["start"]["dateTime"][:10] for event in each] == [
        "2026-11-24",
        "2026-12-01",
        "2026-12-08",
    ]
    assert {event["recurringEventId"] for event in each} == {whole[0]["id"]}


MEET = {
    "conferenceData": {
        "createRequest": {
            "requestId": "pedido-1",
            "conferenceSolutionKey": {"type": "hangoutsMeet"},
        }
    }
}


def test_meeting_has_a_link_only_if_the_version_is_one(events):
    body = consult(**MEET)

    without = events.insert(calendarId="primary", body=body).execute()
    made = events.insert(calendarId="primary", body=body, conferenceDataVersion=1)
    made = made.execute()

    assert "hangoutLink" not in without
    assert made["hangoutLink"].startswith("https://meet.google.com/")
    (entry,) = made["conferenceData"]["entryPoints"]
    assert entry["uri"] == made["hangoutLink"]


def test_meeting_may_take_until_the_next_look(google, events):
    google.calendar.conference_status = "pending"
    made = events.insert(
        calendarId="primary", body=consult(id="abcde", **MEET), conferenceDataVersion=1
    ).execute()
    google.calendar.conference_status = "success"
    events.get(calendarId="primary", eventId="abcde").execute()

    kept = events.get(calendarId="primary", eventId="abcde").execute()

    status = made["conferenceData"]["createRequest"]["status"]["statusCode"]
    assert (status, "hangoutLink" in made) == ("pending", False)
    assert "hangoutLink" in kept


def test_change_without_a_conference_keeps_the_link(events):
    body = consult(id="abcde", **MEET)
    made = events.insert(calendarId="primary", body=body, conferenceDataVersion=1)
    link = made.execute()["hangoutLink"]

    kept = events.patch(
        calendarId="primary", eventId="abcde", body={"summary": "Outra"}
    ).execute()

    assert kept["hangoutLink"] == link


@pytest.mark.parametrize(
    ("send", "told"),
    [("all", [BRUNO, MARIA]), ("externalOnly", [MARIA]), ("none", []), (None, [])],
)
def test_guests_are_told_as_asked(google, events, send, told):
    google.calendar.of(BRUNO)
    body = consult(attendees=[{"email": BRUNO}, {"email": MARIA}])

    made = events.insert(calendarId="primary", body=body, sendUpdates=send).execute()
    events.delete(calendarId="primary", eventId=made["id"], sendUpdates=send).execute()

    kinds = [(mail.to, mail.kind) for mail in google.mails]
    assert kinds == [(to, "invitation") for to in told] + [
        (to, "cancellation") for to in told
    ]
    assert {guest["responseStatus"] for guest in made["attendees"]} == {"needsAction"}


def busy(google: FakeGoogle, *ids: str, **more) -> dict:
    body = {
        "timeMin": "2026-11-24T00:00:00-03:00",
        "timeMax": "2026-11-25T00:00:00-03:00",
        "items": [{"id": each} for each in ids],
        **more,
    }
    query = service(google, "calendar").freebusy().query(body=body)
    return query.execute()["calendars"]


def test_busy_times_are_joined_and_cut(google):
    for start, end in [(at(14), at(16)), (at(15), at(17)), (at(9), at(10))]:
        google.calendar.put(ANA, start=start, end=end)
    google.calendar.put(ANA, start=at(18), end=at(19), transparency="transparent")
    google.calendar.put(ANA, start=at(22), end=at(2, day=25))

    found = busy(google, "primary", timeZone=SAO_PAULO)

    assert [(b["start"][11:], b["end"][11:]) for b in found["primary"]["busy"]] == [
        ("09:00:00-03:00", "10:00:00-03:00"),
        ("14:00:00-03:00", "17:00:00-03:00"),
        ("22:00:00-03:00", "00:00:00-03:00"),
    ]


def test_busy_times_of_others_need_their_leave(google):
    google.calendar.put(BRUNO, **consult())
    google.calendar.put(MARIA, **consult())
    google.calendar.of(BRUNO).roles[ANA] = "freeBusyReader"

    found = busy(google, BRUNO, MARIA, "ninguem@advocacia.example")

    assert found[BRUNO]["busy"] == [
        {"start": "2026-11-24T18:00:00Z", "end": "2026-11-24T19:00:00Z"}
    ]
    unknown = {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
    assert found[MARIA] == found["ninguem@advocacia.example"] == unknown


def test_whole_day_is_busy_in_the_calendars_zone(google):
    day = {"start": {"date": "2026-11-24"}, "end": {"date": "2026-11-25"}}
    google.calendar.put(ANA, **day)

    (found,) = busy(google, "primary")["primary"]["busy"]

    assert found == {"start": "2026-11-24T03:00:00Z", "end": "2026-11-25T03:00:00Z"}


def test_calendar_of_another_takes_the_role_that_was_given(google, events):
    google.calendar.of(BRUNO).roles[ANA] = "reader"

    listed = events.list(calendarId=BRUNO).execute()
    refused_ = reason(events.insert(calendarId=BRUNO, body=consult()))
    google.calendar.of(BRUNO).roles[ANA] = "writer"
    events.insert(calendarId=BRUNO, body=consult()).execute()

    assert listed["accessRole"] == "reader"
    assert refused_ == (403, "requiredAccessLevel")
    assert len(google.calendar.of(BRUNO).live) == 1
    assert reason(events.list(calendarId=MARIA)) == (404, "notFound")


def test_calendar_list_tells_the_primary_calendars_zone(google):
    calendar = service(google, "calendar", {f"{SCOPE}calendar.readonly"})

    entry = calendar.calendarList().get(calendarId="primary").execute()
    listed = calendar.calendarList().list().execute()

    assert (entry["id"], entry["timeZone"], entry["primary"]) == (ANA, SAO_PAULO, True)
    assert listed["items"] == [entry]

"""What only Google's calendars have: guests, meetings, shares, and answers lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from actions.gateways.google_calendar import GoogleCalendar
from bot.core.ports import EventDraft, GatewayError, Trouble
from tests.contract.google_authority import calls_of
from tests.contract.google_desk import (
    ANA,
    BRUNO,
    EVENTS,
    FREEBUSY,
    MARIA,
    SAO_PAULO,
)
from tests.fakes.fake_google import FakeGoogle, Fault, running

ZONE = ZoneInfo(SAO_PAULO)
ID = "a" * 32
RUI = "rui.lima@exemplo.com"
INSERT, PATCH, GET = (f"calendar.events.{each}" for each in ("insert", "patch", "get"))


def at(hour: int, *, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=ZONE)


def draft(hour: int = 15, **more) -> EventDraft:
    given = {"title": "Consulta: Ana Prado", "description": "Divórcio", **more}
    return EventDraft(starts_at=at(hour), ends_at=at(hour + 1), **given)


ONLINE = draft(is_online=True)
INVITING = draft(guests=(RUI, MARIA))


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with running() as google:
        google.calendar.of(ANA)
        yield google


def calendar_of(google: FakeGoogle, **given) -> GoogleCalendar:
    return GoogleCalendar(calls_of(google, **given), zone=SAO_PAULO, look_pause_s=0)


@pytest.fixture
def calendar(google) -> GoogleCalendar:
    return calendar_of(google)


def stored(google: FakeGoogle) -> dict:
    return google.calendar.every[ANA].events[ID]


def mails(google: FakeGoogle, kind: str) -> list[str]:
    assert {each.about for each in google.mails} <= {ID}
    return sorted(each.to for each in google.mails if each.kind == kind)


async def refusal(attempt: Awaitable[object]) -> GatewayError:
    with pytest.raises(GatewayError) as failed:
        await attempt
    return failed.value


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 - the fake runs in another thread
            await asyncio.sleep(0.01)


# -- What is sent


async def test_event_carries_its_zone_its_offset_and_our_mark(google, calendar):
    await calendar.put(ANA, ID, draft(location="Sala 2"))

    [call] = google.calls(INSERT)
    assert call.body["id"] == ID
    assert call.body["start"] == {
        "dateTime": "2026-11-24T15:00:00-03:00",
        "timeZone": SAO_PAULO,
    }
    assert call.body["end"]["dateTime"] == "2026-11-24T16:00:00-03:00"
    assert call.body["extendedProperties"]["private"]["pocketmkt"] == "1"
    assert "conferenceData" not in call.body
    assert call.query["sendUpdates"] == ["none"]
    assert [each.method for each in google.calls("calendar")] == [GET, INSERT]


async def test_same_again_is_one_look(google, calendar):
    await calendar.put(ANA, ID, replace(INVITING, is_online=True))
    before = len(google.calls("calendar"))

    await calendar.put(ANA, ID, replace(INVITING, is_online=True))

    assert [each.method for each in google.calls("calendar")[before:]] == [GET]


async def test_change_leaves_alone_what_it_does_not_change(google, calendar):
    await calendar.put(ANA, ID, draft())
    google.calendar.change(ANA, ID, colorId="7", visibility="private")

    await calendar.put(ANA, ID, draft(17))

    [call] = google.calls(PATCH)
    assert set(call.body) == {"start", "end"}
    assert (stored(google)["colorId"], stored(google)["visibility"]) == (
        "7",
        "private",
    )


async def test_event_that_a_person_made_a_whole_day_has_its_time_again(
    google, calendar
):
    await calendar.put(ANA, ID, draft())
    google.calendar.change(
        ANA, ID, start={"date": "2026-11-24"}, end={"date": "2026-11-25"}
    )

    event = await calendar.put(ANA, ID, draft())

    assert (event.starts_at, event.is_all_day) == (at(15), False)
    assert stored(google)["start"].get("date") is None


async def test_deleted_event_of_which_only_the_id_is_left_comes_back_whole(
    google, calendar
):
    await calendar.put(ANA, ID, draft(location="Sala 2", guests=(RUI,)))
    google.calendar.remove(ANA, ID)
    gone = {"start", "end", "summary", "description", "location", "attendees"}
    for name in gone | {"extendedProperties"}:
        del stored(google)[name]

    event = await calendar.put(ANA, ID, draft(location="Sala 2", guests=(RUI,)))

    assert (event.starts_at, event.title, event.is_ours) == (
        at(15),
        "Consulta: Ana Prado",
        True,
    )
    assert stored(google)["location"] == "Sala 2"
    assert [each["email"] for each in stored(google)["attendees"]] == [RUI]


# -- Guests


async def test_guests_are_invited_told_of_changes_and_of_the_end(google, calendar):
    await calendar.put(ANA, ID, INVITING)
    await calendar.put(ANA, ID, replace(INVITING, title="Retorno"))
    await calendar.remove(ANA, ID)
    await calendar.remove(ANA, ID)

    for kind in ("invitation", "update", "cancellation"):
        assert mails(google, kind) == [MARIA, RUI]


async def test_guest_who_is_written_twice_is_invited_once(google, calendar):
    twice = draft(guests=(RUI, RUI.upper(), f" {RUI}"))
    await calendar.put(ANA, ID, twice)
    await calendar.put(ANA, ID, twice)

    assert len(google.mails) == 1


async def test_what_guests_answered_stays_when_the_event_moves(google, calendar):
    await calendar.put(ANA, ID, INVITING)
    answered = [
        {"email": RUI, "responseStatus": "accepted"},
        {"email": BRUNO, "responseStatus": "needsAction"},
    ]
    google.calendar.change(ANA, ID, attendees=answered)

    await calendar.put(ANA, ID, replace(INVITING, starts_at=at(14)))

    assert stored(google)["attendees"] == answered  # Maria was taken out by a person


async def test_draft_adds_and_takes_out_guests_of_its_own(google, calendar):
    await calendar.put(ANA, ID, INVITING)
    here = [*stored(google)["attendees"], {"email": BRUNO}]
    google.calendar.change(ANA, ID, attendees=here)

    await calendar.put(ANA, ID, draft(guests=(MARIA, "novo@exemplo.com")))

    emails = [each["email"] for each in stored(google)["attendees"]]
    assert emails == [MARIA, BRUNO, "novo@exemplo.com"]


async def test_last_guest_may_go(google, calendar):
    await calendar.put(ANA, ID, INVITING)

    await calendar.put(ANA, ID, draft())

    assert stored(google)["attendees"] == []
    assert google.calls(PATCH)[0].query["sendUpdates"] == ["all"]


async def test_account_that_may_not_invite_writes_the_event_all_the_same(
    google, calendar
):
    google.calendar.is_robot = True

    await calendar.put(ANA, ID, INVITING)
    await calendar.put(ANA, ID, INVITING)
    await calendar.put(ANA, ID, replace(INVITING, starts_at=at(14)))

    assert not google.mails
    assert google.writes == {INSERT: 1, PATCH: 1}
    assert [each.status for each in google.calls(INSERT)] == [403, 200]


# -- Meetings


async def test_online_event_has_a_link(google, calendar):
    event = await calendar.put(ANA, ID, ONLINE)

    request = google.calls(INSERT)[0].body["conferenceData"]["createRequest"]
    assert request["requestId"] == ID
    assert event.meeting_link.startswith("https://meet.google.com/")
    [found] = await calendar.between(ANA, at(0), at(23))
    assert found == event


async def test_link_that_comes_shortly_is_waited_for(google, calendar):
    google.calendar.conference_status = "pending"
    google.calendar.looks_until_link = 2

    event = await calendar.put(ANA, ID, ONLINE)

    assert event.meeting_link
    assert len(google.calls(GET)) == 4


async def test_link_that_comes_late_is_there_the_next_time(google, calendar):
    google.calendar.conference_status = "pending"
    google.calendar.looks_until_link = 5

    early = await calendar.put(ANA, ID, ONLINE)
    late = await calendar.put(ANA, ID, ONLINE)

    assert early.meeting_link == ""
    assert late.meeting_link
    assert google.writes == {INSERT: 1}


@pytest.mark.parametrize("status", ["failure", "unsupported"])
async def test_meeting_that_google_does_not_open_is_asked_for_once(
    google, calendar, status
):
    google.calendar.conference_status = status
    for _ in range(3):
        event = await calendar.put(ANA, ID, ONLINE)

    assert event.meeting_link == ""
    assert google.writes == {INSERT: 1}
    assert not google.calls(PATCH)


async def test_wrong_event_is_not_tried_without_its_meeting_for_ever(google, calendar):
    wrong = replace(ONLINE, guests=("sem-arroba",))

    failed = await refusal(calendar.put(ANA, ID, wrong))

    assert failed.trouble is Trouble.REFUSED
    assert len(google.calls(INSERT)) == 2


@pytest.mark.parametrize("kind", ["forbidden", "too_many", "error"])
async def test_meeting_is_given_up_only_where_google_refuses_it(google, calendar, kind):
    google.fail_next(Fault(kind, at=INSERT))

    failed = await refusal(calendar.put(ANA, ID, replace(ONLINE, guests=(RUI,))))

    assert failed.retryable
    event = await calendar.put(ANA, ID, replace(ONLINE, guests=(RUI,)))
    assert event.meeting_link
    assert mails(google, "invitation") == [RUI]


async def test_event_becomes_online_and_stops_being_so(google, calendar):
    links = [
        (await calendar.put(ANA, ID, draft(is_online=each))).meeting_link
        for each in (False, True, True, False, True)
    ]

    assert [bool(each) for each in links] == [False, True, True, False, True]
    assert links[1] == links[2] != links[4]


async def test_meeting_that_a_person_added_stays(google, calendar):
    await calendar.put(ANA, ID, draft())
    added = {"conferenceData": {"entryPoints": []}, "hangoutLink": "https://x.example"}
    google.calendar.change(ANA, ID, **added)

    event = await calendar.put(ANA, ID, draft(17))

    assert event.meeting_link == "https://x.example"


async def test_link_of_another_kind_of_meeting_is_told(google, calendar):
    await calendar.put(ANA, ID, ONLINE)
    entries = [
        {"entryPointType": "phone", "uri": "tel:+55-11-4004-2233"},
        {"entryPointType": "video", "uri": "https://video.example/1"},
    ]
    del stored(google)["hangoutLink"]
    google.calendar.change(ANA, ID, conferenceData={"entryPoints": entries})

    event = await calendar.put(ANA, ID, ONLINE)

    assert event.meeting_link == "https://video.example/1"


async def test_meeting_that_a_person_took_out_is_opened_again(google, calendar):
    await calendar.put(ANA, ID, ONLINE)
    for name in ("conferenceData", "hangoutLink"):
        del stored(google)[name]

    event = await calendar.put(ANA, ID, ONLINE)

    assert event.meeting_link


# -- At the same time


async def test_what_a_person_does_between_look_and_change_stays(google, calendar):
    await calendar.put(ANA, ID, INVITING)
    google.fail_next(Fault("hold", at=PATCH))
    change = draft(guests=(RUI, MARIA, "novo@exemplo.com"), description="2ª vez")
    putting = asyncio.create_task(calendar.put(ANA, ID, change))
    await until(lambda: google.calls(PATCH))
    here = [*stored(google)["attendees"], {"email": BRUNO}]
    google.calendar.change(ANA, ID, attendees=here, location="Sala 3")
    google.open_gate()

    await putting

    emails = [each["email"] for each in stored(google)["attendees"]]
    assert emails == [RUI, MARIA, BRUNO, "novo@exemplo.com"]
    assert (stored(google)["location"], stored(google)["description"]) == (
        "Sala 3",
        "2ª vez",
    )
    assert [each.status for each in google.calls(PATCH)] == [412, 200]


async def test_insert_that_arrives_late_makes_no_second_event(google, calendar):
    google.fail_next(Fault("hold", at=INSERT))
    late = asyncio.create_task(calendar.put(ANA, ID, INVITING))
    await until(lambda: google.calls(INSERT))
    soon = await calendar.put(ANA, ID, INVITING)
    google.open_gate()

    assert await late == soon
    assert [each.status for each in google.calls(INSERT)] == [409, 200]
    assert mails(google, "invitation") == [MARIA, RUI]


async def test_event_that_is_gone_at_its_change_is_looked_for_again(google, calendar):
    await calendar.put(ANA, ID, draft())
    google.fail_next(Fault("not_found", at=PATCH))

    event = await calendar.put(ANA, ID, draft(17))

    assert event.starts_at == at(17)


async def test_id_that_is_taken_and_never_found_is_left_for_later(google, calendar):
    await calendar.put(ANA, ID, draft())
    google.fail_next(Fault("not_found", at=GET, times=None))

    failed = await refusal(calendar.put(ANA, ID, draft()))

    assert failed.trouble is Trouble.LATER
    assert len(google.calls(INSERT)) < 10


# -- Shares and permissions


@pytest.mark.parametrize("name", [BRUNO, "ninguem@advocacia.example"])
async def test_calendar_that_is_not_shared_is_refused(google, calendar, name):
    google.calendar.of(BRUNO)

    for attempt in (
        calendar.put(name, ID, draft()),
        calendar.remove(name, ID),
        calendar.between(name, at(0), at(23)),
        calendar.busy(name, at(0), at(23)),
    ):
        failed = await refusal(attempt)
        assert failed.trouble is Trouble.REFUSED
        assert "compartilh" in str(failed)


async def test_calendar_that_may_only_be_read_takes_no_event(google, calendar):
    google.calendar.of(BRUNO).roles[ANA] = "reader"

    assert await calendar.between(BRUNO, at(0), at(23)) == []
    assert (await refusal(calendar.put(BRUNO, ID, draft()))).trouble is Trouble.REFUSED


async def test_calendar_of_another_takes_events_once_it_is_shared(google, calendar):
    google.calendar.of(BRUNO).roles[ANA] = "writer"

    await calendar.put(BRUNO, ID, draft())

    assert [each["id"] for each in google.calendar.of(BRUNO).live] == [ID]


async def test_each_permission_is_good_for_its_own(google):
    events = calendar_of(google, scopes={EVENTS})
    times = calendar_of(google, scopes={FREEBUSY})

    await events.put(ANA, ID, draft())
    assert await times.busy(ANA, at(0), at(23)) == [(at(15), at(16))]
    for attempt in (
        events.busy(ANA, at(0), at(23)),
        times.between(ANA, at(0), at(23)),
        times.put(ANA, ID, draft()),
    ):
        assert (await refusal(attempt)).trouble is Trouble.NOT_GRANTED


# -- Reading


async def test_event_that_the_lawyer_declined_takes_no_time(google, calendar):
    google.calendar.of(BRUNO).roles[ANA] = "reader"
    times = {
        name: {"dateTime": moment.isoformat(), "timeZone": SAO_PAULO}
        for name, moment in (("start", at(10)), ("end", at(11)))
    }
    for email in (BRUNO, ANA):
        guest = {"email": email, "responseStatus": "declined"}
        google.calendar.put(BRUNO, summary=email, attendees=[guest], **times)

    found = await calendar.between(BRUNO, at(0), at(23))

    assert {each.title: each.is_busy for each in found} == {BRUNO: False, ANA: True}


async def test_whole_day_begins_in_the_calendars_own_zone(google, calendar):
    google.calendar.of(ANA).time_zone = "America/Rio_Branco"
    day = {"start": {"date": "2026-11-24"}, "end": {"date": "2026-11-25"}}
    google.calendar.put(ANA, **day)
    await calendar.put(ANA, ID, draft())

    found = await calendar.between(ANA, at(0), at(23))

    begins = [each.starts_at.isoformat() for each in found]
    assert begins == ["2026-11-24T00:00:00-05:00", "2026-11-24T15:00:00-03:00"]


async def test_list_of_many_pages_is_read_to_its_end(google, calendar):
    google.calendar.most_per_page = 2
    for number in range(5):
        await calendar.put(ANA, f"{number:032x}", draft(9 + number))

    found = await calendar.between(ANA, at(0), at(23))

    assert [each.starts_at.hour for each in found] == [9, 10, 11, 12, 13]


async def test_free_times_that_google_cannot_tell_now_are_asked_later(google, calendar):
    google.calendar.ill.add(ANA)

    failed = await refusal(calendar.busy(ANA, at(0), at(23)))

    assert failed.trouble is Trouble.LATER


@pytest.mark.parametrize("kind", ["error", "reset_after", "malformed", "html"])
async def test_answer_about_free_times_that_is_lost_is_asked_later(
    google, calendar, kind
):
    google.fail_next(Fault(kind, at="calendar.freebusy.query"))

    failed = await refusal(calendar.busy(ANA, at(0), at(23)))

    assert failed.trouble is Trouble.LATER
    assert await calendar.busy(ANA, at(0), at(23)) == []


async def test_question_too_long_for_google_is_split(google, calendar):
    await calendar.busy(ANA, at(0), at(0) + timedelta(days=180))

    asked = [each.body for each in google.calls("calendar.freebusy.query")]
    assert len(asked) == 3
    assert [each["timeMax"] for each in asked[:-1]] == [
        each["timeMin"] for each in asked[1:]
    ]

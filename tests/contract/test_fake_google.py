"""What our tests believe of Google's scopes and failures, pinned with its client."""

from __future__ import annotations

import asyncio
import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Iterator

import httplib2
import pytest
import requests
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from tests.contract.google_desk import (
    ALL,
    ANA,
    EVENTS,
    FILES,
    FREEBUSY,
    append,
    consult,
    credentials,
    new_contacts,
    read,
    reason,
    refused,
    service,
)
from tests.fakes.fake_google import FakeGoogle, Fault, running, serve
from tests.fakes.google_faults import FORBIDDEN
from tests.fakes.google_files import FOLDER
from tests.fakes.google_grants import CLIENT_ID, CLIENT_SECRET, SCOPE


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with running() as google:
        yield google


@pytest.fixture
def events(google):
    return service(google, "calendar").events()


@pytest.fixture
def files(google):
    return service(google, "drive").files()


@pytest.fixture
def sheets(google):
    return service(google, "sheets").spreadsheets()


@pytest.fixture
def contacts(sheets) -> str:
    return new_contacts(sheets)


def scoped_calls(google: FakeGoogle, scopes) -> dict[str, object]:
    calendar, drive, sheets = (
        service(google, api, scopes) for api in ("calendar", "drive", "sheets")
    )
    range_ = {"timeMin": "2026-11-24T00:00:00Z", "timeMax": "2026-11-25T00:00:00Z"}
    return {
        EVENTS: calendar.events().insert(calendarId="primary", body=consult()),
        FREEBUSY: calendar.freebusy().query(body=range_ | {"items": []}),
        FILES: drive.files().create(body={"name": "Casos", "mimeType": FOLDER}),
        f"{SCOPE}spreadsheets": sheets.spreadsheets().create(body={}),
    }


@pytest.mark.parametrize("missing", [EVENTS, FREEBUSY, FILES])
def test_method_without_its_scope_is_refused_and_the_others_go_on(google, missing):
    calls = scoped_calls(google, ALL - {missing})

    status, error = refused(calls[missing])

    assert status == 403
    assert error["message"] == "Request had insufficient authentication scopes."
    assert error["status"] == "PERMISSION_DENIED"
    assert error["errors"] == [
        {
            "message": "Insufficient Permission",
            "domain": "global",
            "reason": "insufficientPermissions",
        }
    ]
    (detail,) = error["details"]
    assert detail["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    assert {calls[scope].execute() is None for scope in ALL - {missing}} == {False}


def test_sheets_names_a_status_in_place_of_errors(google):
    status, error = refused(scoped_calls(google, {EVENTS})[f"{SCOPE}spreadsheets"])

    assert (status, error["status"]) == (403, "PERMISSION_DENIED")
    assert "errors" not in error


def test_client_sees_only_calendars_that_it_made(google):
    calendar = service(google, "calendar", {f"{SCOPE}calendar.app.created"})
    made = calendar.calendars().insert(body={"summary": "Consultas"}).execute()

    calendar.events().insert(calendarId=made["id"], body=consult()).execute()

    request = calendar.events().insert(calendarId="primary", body=consult())
    assert reason(request) == (404, "notFound")


# -- Faults


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_every_refusal_comes_with_its_reason(google, events, name):
    google.fail_next(Fault("forbidden", at="calendar", reason=name))

    status, error = refused(events.list(calendarId="primary"))

    (item,) = error["errors"]
    assert (status, item["reason"], item["domain"]) == (403, name, FORBIDDEN[name][0])
    assert item["message"] == error["message"] == FORBIDDEN[name][1]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault("not_found", at="calendar"), 404),
        (Fault("error", at="calendar"), 500),
        (Fault("error", at="calendar", status=502), 502),
        (Fault("error", at="calendar", status=503), 503),
        (Fault("too_many", at="calendar"), 429),
        (Fault("html", at="calendar", status=502), 502),
    ],
)
def test_fault_before_accepting_changes_nothing(google, events, fault, status):
    google.fail_next(fault)
    insert = events.insert(calendarId="primary", body=consult())

    with pytest.raises(HttpError) as caught:
        insert.execute()

    assert caught.value.resp.status == status
    assert not google.writes
    insert.execute()
    assert google.writes == {"calendar.events.insert": 1}


def test_too_many_says_how_long_to_wait(google, events):
    google.fail_next(Fault("too_many", at="calendar", retry_after_s=7))

    with pytest.raises(HttpError) as caught:
        events.list(calendarId="primary").execute()

    assert caught.value.resp["retry-after"] == "7"


def test_error_page_is_html(google, events):
    google.fail_next(Fault("html", at="calendar", status=502))

    with pytest.raises(HttpError) as caught:
        events.list(calendarId="primary").execute()

    assert caught.value.resp["content-type"].startswith("text/html")
    assert b"<title>Error 502" in caught.value.content


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("error_after", HttpError),
        ("html_after", HttpError),
    ],
)
def test_fault_after_accepting_loses_only_the_answer(google, events, kind, error):
    google.fail_next(Fault(kind, at="calendar.events.insert"))
    insert = events.insert(calendarId="primary", body=consult(id="abcde"))

    with pytest.raises(error):
        insert.execute()

    assert google.writes == {"calendar.events.insert": 1}
    assert reason(insert) == (409, "duplicate")
    assert len(google.calendar.of(ANA).live) == 1


@pytest.mark.parametrize("kind", ["reset", "reset_after"])
def test_connection_is_closed_without_an_answer(google, events, kind):
    google.fail_next(Fault(kind, at="calendar", times=None))

    with pytest.raises((http.client.HTTPException, OSError)):
        events.insert(calendarId="primary", body=consult(id="abcde")).execute()

    assert len(google.calendar.of(ANA).live) == (kind == "reset_after")


def test_httplib2_repeats_a_write_by_itself_when_the_connection_closes(
    google, sheets, contacts
):
    google.fail_next(Fault("reset_after", at="sheets.spreadsheets.values.append"))

    append(sheets, contacts, [["Maria"]])

    assert read(sheets, contacts) == [["Maria"], ["Maria"]]
    assert len(google.calls("sheets.spreadsheets.values.append")) == 2


@pytest.mark.parametrize("kind", ["malformed", "malformed_after"])
def test_half_a_json_comes_out_of_googles_client_as_text(google, events, kind):
    google.fail_next(Fault(kind, at="calendar"))

    made = events.insert(calendarId="primary", body=consult()).execute()

    assert isinstance(made, str)
    assert len(google.calendar.of(ANA).live) == (kind == "malformed_after")


@pytest.mark.parametrize("kind", ["hang", "hang_after"])
def test_hanging_call_is_given_up_by_the_client(google, kind):
    given = AuthorizedHttp(credentials(google), http=httplib2.Http(timeout=0.2))
    calendar = build(
        "calendar",
        "v3",
        static_discovery=True,
        http=given,
        client_options={"api_endpoint": google.url},
    )
    google.fail_next(Fault(kind, at="calendar", times=None))

    with pytest.raises(TimeoutError):
        calendar.events().insert(calendarId="primary", body=consult()).execute()

    assert bool(google.writes) is kind.endswith("_after")


def test_slow_answer_arrives_whole(google, events):
    google.fail_next(Fault("drip", at="calendar"))

    body = events.list(calendarId="primary", fields="summary").execute()

    assert body == {"summary": ANA}


def test_held_call_goes_on_when_the_gate_opens(google):
    google.fail_next(Fault("hold", at="calendar"))
    events, done = service(google, "calendar").events(), []
    insert = events.insert(calendarId="primary", body=consult())
    thread = threading.Thread(target=lambda: done.append(insert.execute()))
    thread.start()
    while thread.is_alive() and not google.plan.made["calendar.events.insert:hold"]:
        thread.join(timeout=0.01)
    before = dict(google.writes)

    google.open_gate()
    thread.join(timeout=5)

    assert before == {}
    assert len(done) == 1


def test_unauthorized_fault_is_healed_by_a_refresh(google, events):
    google.fail_next(Fault("unauthorized", at="calendar"))

    events.insert(calendarId="primary", body=consult()).execute()

    assert [each.status for each in google.calls("calendar")] == [401, 200]
    assert google.writes == {"calendar.events.insert": 1}


def test_revoked_fault_ends_the_grant_in_the_middle(google, events):
    events.insert(calendarId="primary", body=consult()).execute()
    google.fail_next(Fault("revoked", at="calendar"))

    with pytest.raises(RefreshError, match="expired or revoked"):
        events.insert(calendarId="primary", body=consult()).execute()

    assert google.writes == {"calendar.events.insert": 1}


def test_token_endpoint_fails_too(google):
    google.fail_next(Fault("html", at="oauth.token", status=502, times=None))
    given = credentials(google)

    with pytest.raises(RefreshError):
        given.refresh(Request())

    google.plan.clear("oauth.token")
    given.refresh(Request())
    assert given.token


def test_faults_are_for_their_place_and_number(google, events, files):
    google.fail_next(
        Fault("error", at="calendar.events.*", times=2),
        Fault("error", at="drive.files.create", times=None),
    )

    found = [refused(events.list(calendarId="primary"))[0] for _ in range(2)]
    events.list(calendarId="primary").execute()
    files.list().execute()
    for _ in range(3):
        found.append(refused(files.create(body={}))[0])
    google.plan.clear()
    files.create(body={}).execute()

    assert found == [500] * 5
    assert google.plan.made == {
        "calendar.events.list:error": 2,
        "drive.files.create:error": 3,
    }


def test_fault_by_chance_comes_again_in_the_same_order():
    def drawn(fault: Fault) -> list[bool]:
        plan = FakeGoogle().plan
        plan.add(fault)
        return [plan.draw("calendar.events.list") is not None for _ in range(200)]

    fault = Fault("error", times=None, probability=0.2)

    assert drawn(fault) == drawn(fault)
    assert 20 < sum(drawn(fault)) < 60


def test_append_that_lost_its_answer_is_written_twice_when_repeated(
    google, sheets, contacts
):
    google.fail_next(Fault("error_after", at="sheets.spreadsheets.values.append"))
    with pytest.raises(HttpError):
        append(sheets, contacts, [["Maria"]])

    append(sheets, contacts, [["Maria"]])

    assert read(sheets, contacts) == [["Maria"], ["Maria"]]
    assert google.writes["sheets.spreadsheets.values.append"] == 2


def test_hundred_lost_answers_make_a_hundred_events(google, events):
    for number in range(100):
        google.fail_next(Fault("error_after", at="calendar.events.insert"))
        body = consult(id=f"job{number:05d}")
        insert = events.insert(calendarId="primary", body=body)
        with pytest.raises(HttpError):
            insert.execute()
        assert reason(insert) == (409, "duplicate")

    assert len(google.calendar.of(ANA).live) == 100
    assert google.writes == {"calendar.events.insert": 100}


# -- What is remembered


def test_every_request_is_remembered(google, events):
    google.fail_next(Fault("error", at="calendar.events.insert"))
    body = consult(id="abcde")
    insert = events.insert(calendarId="primary", body=body, sendUpdates="all")
    with pytest.raises(HttpError):
        insert.execute()
    insert.execute()

    failed, done = google.calls("calendar.events.insert")

    assert (failed.fault, failed.status, failed.is_accepted) == ("error", 500, False)
    assert failed.owner == ANA
    assert (done.fault, done.status, done.is_accepted) == ("", 200, True)
    assert done.body == body
    assert done.query["sendUpdates"] == ["all"]
    assert (done.http, done.path) == ("POST", "/calendars/primary/events")
    assert done.owner == ANA


def test_paths_with_and_without_the_service_are_the_same(google):
    given = credentials(google)
    given.refresh(Request())
    header = {"Authorization": f"Bearer {given.token}"}

    answers = [
        requests.get(
            f"{google.url}{root}/calendars/primary/events", headers=header, timeout=5
        )
        for root in ("/calendar/v3", "")
    ]
    unknown = requests.get(f"{google.url}/nada", headers=header, timeout=5)

    assert [each.status_code for each in answers] == [200, 200]
    assert (unknown.status_code, unknown.headers["Content-Type"][:9]) == (
        404,
        "text/html",
    )


def test_value_outside_the_discovery_document_is_refused(events):
    request = events.list(calendarId="primary")
    request.uri += "&orderBy=hora"

    assert reason(request) == (400, "invalidParameter")


def test_fake_runs_in_a_loop_with_clients_in_threads():
    async def run() -> list[str]:
        async with serve() as google:
            events = await asyncio.to_thread(
                lambda: service(google, "calendar").events()
            )
            insert = events.insert(calendarId="primary", body=consult())
            await asyncio.to_thread(insert.execute)
            return [each["summary"] for each in google.calendar.of(ANA).live]

    assert asyncio.run(run()) == ["Consulta"]


def test_fake_is_a_program_that_others_steer():
    command = [sys.executable, "-m", "tests.fakes.fake_google", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            url = json.loads(program.stdout.readline())["url"]

            def tell(path: str, body) -> dict:
                return requests.post(f"{url}/_fake/{path}", json=body, timeout=5).json()

            token = tell("grant", {"owner": ANA, "scopes": sorted(ALL)})
            tell("put", {"owner": ANA, "event": consult(summary="Audiência")})
            made = tell("put", {"owner": ANA, "title": "Contatos", "rows": [["Nome"]]})
            cells = [["Página1", "A2", "Maria"]]
            tell("put", {"spreadsheet": made["id"], "cells": cells})
            tell("faults", [{"kind": "error", "at": "calendar"}])
            given = Credentials(
                None,
                **token,
                token_uri=f"{url}/token",
                client_id=CLIENT_ID,
                client_secret=CLIENT_SECRET,
            )
            given.refresh(Request())
            header = {"Authorization": f"Bearer {given.token}"}
            place = f"{url}/calendar/v3/calendars/primary/events"
            statuses = [
                requests.get(place, headers=header, timeout=5).status_code
                for _ in range(2)
            ]
            tell("settings", {"clock_ahead_s": 3600})
            late = requests.get(place, headers=header, timeout=5).status_code
            record = requests.get(f"{url}/_fake/record", timeout=5).json()
        finally:
            program.terminate()

    assert (statuses, late) == ([500, 200], 401)
    assert [each["summary"] for each in record["events"][ANA]] == ["Audiência"]
    assert record["sheets"][made["id"]] == {"Página1": [["Nome"], ["Maria"]]}
    assert record["faults"] == {"calendar.events.list:error": 1}


def test_unknown_field_or_nonsense_is_refused_before_anything_is_made(google, events):
    unknown = events.insert(calendarId="primary", body=consult(), fields="nome")
    nonsense = events.insert(calendarId="primary", body={"start": "amanhã", "end": 1})

    assert reason(unknown) == (400, "invalidParameter")
    assert reason(nonsense) == (400, "badRequest")
    assert not google.writes
    assert google.calendar.of(ANA).live == []

"""What our tests believe of Google's consent and tokens, pinned with its clients."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from google.auth import jwt as google_jwt
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2 import service_account
from google.oauth2.credentials import Credentials
from google_auth_oauthlib.flow import Flow

from tests.contract.google_desk import (
    ALL,
    ANA,
    BRUNO,
    EVENTS,
    FILES,
    FREEBUSY,
    MARIA,
    credentials,
    service,
)
from tests.fakes.fake_google import FakeGoogle, Fault, running
from tests.fakes.google_grants import CLIENT_ID, CLIENT_SECRET, OAuthClient

BACK = "http://127.0.0.1:8765/google/callback"


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with running() as google:
        yield google


VERIFIER = "v" * 64
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())
    .rstrip(b"=")
    .decode()
)


def consent(google: FakeGoogle, scopes=ALL, **more) -> dict[str, str]:
    """Returns what the browser brings back from the consent screen."""
    query = {
        "client_id": CLIENT_ID,
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": " ".join(sorted(scopes)),
        "state": "estado-1",
        "access_type": "offline",
        "prompt": "consent",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **more,
    }
    answer = requests.get(
        f"{google.url}/authorize", params=query, allow_redirects=False, timeout=5
    )
    if answer.status_code != 302:
        return {"page": answer.text, "status": str(answer.status_code)}
    back = urlsplit(answer.headers["Location"])
    return {name: values[0] for name, values in parse_qs(back.query).items()}


def redeem(google: FakeGoogle, code: str, **more) -> requests.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uri": BACK,
        "code_verifier": VERIFIER,
        **more,
    }
    return requests.post(f"{google.url}/token", data=form, timeout=5)


def test_consent_brings_code_state_and_granted_scopes(google):
    google.oauth.consent.unticked = {FREEBUSY}

    back = consent(google)

    assert back["state"] == "estado-1"
    assert set(back["scope"].split()) == {EVENTS, FILES}
    token = redeem(google, back["code"]).json()
    assert set(token["scope"].split()) == {EVENTS, FILES}
    assert token["token_type"] == "Bearer"
    assert token["refresh_token"].startswith("1//")


def test_person_who_grants_nothing_comes_back_with_an_error(google):
    google.oauth.consent.denies = True

    back = consent(google)

    assert back == {"error": "access_denied", "state": "estado-1"}


def test_code_is_good_once(google):
    code = consent(google)["code"]
    redeem(google, code)

    again = redeem(google, code)

    assert again.status_code == 400
    assert again.json()["error"] == "invalid_grant"


def test_code_is_good_for_ten_minutes(google):
    code = consent(google)["code"]
    google.clock_ahead_s = 601

    assert redeem(google, code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("more", "status", "error"),
    [
        ({"code_verifier": "x" * 64}, 400, "invalid_grant"),
        ({"code_verifier": ""}, 400, "invalid_grant"),
        ({"redirect_uri": f"{BACK}/outro"}, 400, "redirect_uri_mismatch"),
        ({"client_secret": "errado"}, 401, "invalid_client"),
        ({"client_id": "outro"}, 401, "invalid_client"),
        ({"code": "4/0Ainventado"}, 400, "invalid_grant"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_code_in_wrong_hands_is_refused(google, more, status, error):
    code = consent(google)["code"]

    answer = redeem(google, **{"code": code, **more})

    assert (answer.status_code, answer.json()["error"]) == (status, error)


@pytest.mark.parametrize(
    ("registered", "back"),
    [(["https://a.example/x"], BACK), ([], "https://a.example/x")],
)
def test_address_that_is_not_registered_gets_a_page_and_no_code(
    google, registered, back
):
    google.oauth.clients[CLIENT_ID] = OAuthClient(redirect_uris=registered)

    answer = consent(google, redirect_uri=back)

    assert answer["status"] == "400"
    assert "redirect_uri_mismatch" in answer["page"]


def test_second_consent_brings_a_refresh_token_only_if_prompted(google):
    redeem(google, consent(google)["code"])

    silent = redeem(google, consent(google, prompt="none")["code"]).json()
    prompted = redeem(google, consent(google)["code"]).json()
    online = redeem(google, consent(google, access_type="online")["code"]).json()

    assert "refresh_token" not in silent
    assert "refresh_token" in prompted
    assert "refresh_token" not in online


def test_scopes_of_earlier_consents_are_added_on_request(google):
    redeem(google, consent(google, {EVENTS})["code"])

    more = redeem(
        google, consent(google, {FILES}, include_granted_scopes="true")["code"]
    )
    less = redeem(google, consent(google, {FREEBUSY})["code"])

    assert set(more.json()["scope"].split()) == {EVENTS, FILES}
    assert set(less.json()["scope"].split()) == {FREEBUSY}


def test_googles_own_flow_gets_tokens(google, monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    config = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "auth_uri": f"{google.url}/authorize",
        "token_uri": f"{google.url}/token",
    }
    flow = Flow.from_client_config(
        {"web": config}, sorted(ALL), redirect_uri=BACK, autogenerate_code_verifier=True
    )
    url, state = flow.authorization_url(access_type="offline", prompt="consent")

    answer = requests.get(url, allow_redirects=False, timeout=5)
    flow.fetch_token(authorization_response=answer.headers["Location"])

    assert f"state={state}" in answer.headers["Location"]
    assert flow.credentials.refresh_token in google.oauth.refresh_tokens
    assert set(flow.credentials.granted_scopes) == ALL


def test_access_token_expires_and_is_refreshed(google):
    given = credentials(google)
    calendar = service(google, "calendar", given=given)
    calendar.events().list(calendarId="primary").execute()
    first = given.token

    google.oauth.expire_access_tokens()
    calendar.events().list(calendarId="primary").execute()

    assert given.token != first
    assert [each.status for each in google.calls("calendar")] == [200, 401, 200]
    assert len(google.calls("oauth.token")) == 2


def test_access_token_lives_an_hour(google):
    given = credentials(google)
    given.refresh(Request())
    header = {"Authorization": f"Bearer {given.token}"}
    google.clock_ahead_s = 3600

    answer = requests.get(
        f"{google.url}/calendar/v3/calendars/primary/events", headers=header, timeout=5
    )

    assert answer.status_code == 401
    assert answer.json()["error"]["errors"][0]["reason"] == "authError"
    assert answer.json()["error"]["status"] == "UNAUTHENTICATED"
    assert "invalid_token" in answer.headers["WWW-Authenticate"]


def assert_dead(given: Credentials) -> None:
    with pytest.raises(RefreshError) as caught:
        given.refresh(Request())
    assert caught.value.args[1] == {
        "error": "invalid_grant",
        "error_description": "Token has been expired or revoked.",
    }


def test_grant_that_was_revoked_is_gone_with_all_its_tokens(google):
    given = credentials(google)
    given.refresh(Request())
    calendar = service(google, "calendar", given=given)

    form = {"token": given.token}
    answers = [
        requests.post(f"{google.url}/revoke", data=form, timeout=5) for _ in range(2)
    ]

    assert [each.status_code for each in answers] == [200, 400]
    assert answers[1].json()["error"] == "invalid_token"
    with pytest.raises(RefreshError):
        calendar.events().list(calendarId="primary").execute()
    assert_dead(given)


@pytest.mark.parametrize(
    ("status", "day", "is_dead"),
    [
        ("testing", 6.9, False),
        ("testing", 7, True),
        ("production", 7, False),
        ("production", 183, True),
    ],
)
def test_refresh_token_dies_by_age(google, status, day, is_dead):
    google.oauth.clients[CLIENT_ID].status = status
    given = credentials(google)
    google.clock_ahead_s = day * 86_400

    if is_dead:
        assert_dead(given)
    else:
        given.refresh(Request())


def test_testing_status_tells_how_long_the_refresh_token_lives(google):
    google.oauth.clients[CLIENT_ID].status = "testing"

    token = redeem(google, consent(google)["code"]).json()

    assert token["refresh_token_expires_in"] == 604_799


def test_hundred_and_first_refresh_token_ends_the_first(google):
    first = credentials(google)
    for _ in range(100):
        last = credentials(google)

    last.refresh(Request())

    with pytest.raises(RefreshError):
        first.refresh(Request())


def robot(google: FakeGoogle, **more) -> service_account.Credentials:
    email = "agenda@projeto.iam.gserviceaccount.com"
    key = google.oauth.add_service_account(email, f"{google.url}/token")
    return service_account.Credentials.from_service_account_info(
        key, scopes=[EVENTS], **more
    )


def test_service_account_acts_for_itself_and_for_whom_it_may(google):
    given = robot(google)
    google.oauth.delegated[given.service_account_email] = {BRUNO}

    for each in (given, given.with_subject(BRUNO)):
        service(google, "calendar", given=each).events().list(
            calendarId="primary"
        ).execute()

    assert [each.owner for each in google.calls("calendar")] == [
        given.service_account_email,
        BRUNO,
    ]
    with pytest.raises(RefreshError, match="unauthorized_client"):
        given.with_subject(MARIA).refresh(Request())


def test_service_account_with_a_strange_key_is_refused(google):
    given = robot(google)
    robot(google)  # its key is another one now

    with pytest.raises(RefreshError, match="Invalid JWT Signature"):
        given.refresh(Request())


@pytest.mark.parametrize("ahead_s", [-600, 7200])
def test_service_account_with_a_wrong_clock_is_refused(google, ahead_s):
    given = robot(google)
    google.clock_ahead_s = ahead_s

    with pytest.raises(RefreshError, match="reasonable timeframe"):
        given.refresh(Request())


def test_skew_fault_refuses_one_token(google):
    google.fail_next(Fault("skew", at="oauth.token"))
    given = credentials(google)

    with pytest.raises(RefreshError, match="reasonable timeframe"):
        given.refresh(Request())
    given.refresh(Request())

    assert given.token


def test_id_token_tells_who_granted_and_may_lie_in_the_future(google):
    token = redeem(google, consent(google, {"openid", EVENTS})["code"]).json()
    google.oauth.id_token_skew_s = 120
    future = redeem(google, consent(google, {"openid", EVENTS})["code"]).json()
    certs = requests.get(f"{google.url}/oauth2/v1/certs", timeout=5).json()

    claims = google_jwt.decode(token["id_token"], certs=certs, audience=CLIENT_ID)

    assert claims["email"] == google.oauth.consent.account
    with pytest.raises(ValueError, match="used too early"):
        google_jwt.decode(future["id_token"], certs=certs, audience=CLIENT_ID)


def test_userinfo_names_the_account(google):
    given = credentials(google)
    given.refresh(Request())

    answer = requests.get(
        f"{google.url}/oauth2/v2/userinfo",
        headers={"Authorization": f"Bearer {given.token}"},
        timeout=5,
    )

    assert answer.json()["email"] == ANA

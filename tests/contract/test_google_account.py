"""The connection to Google, against the fake one: tokens, permission, storage."""

from __future__ import annotations

import contextlib
import itertools
import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import sqlalchemy as sa

from actions.gateways.google_calls import Authority
from actions.google.account import (
    CLIENT_REFUSED,
    LONG_PAUSE_S,
    LOST,
    PAUSE_S,
    WRONG_CLOCK,
    GoogleAccount,
)
from actions.google.consent import Consent
from actions.google.endpoint import TokenRefused
from bot.core.errors import SettingsError, UserInputError
from bot.core.google_link import SCOPES, Link
from bot.core.ports import Feature, GatewayError, Trouble
from bot.core.settings import load_settings
from bot.store import google as stored
from bot.store import jobs
from bot.store.schema import channel_alert, google_account, google_consent, job
from tests.contract import test_store
from tests.contract.google_desk import ALL, ANA, BRUNO
from tests.fakes.fake_google import FakeGoogle, Fault, running
from tests.fakes.google_grants import CLIENT_ID, CLIENT_SECRET

migrated_sqlite = test_store.migrated_sqlite
migrated_postgres = test_store.migrated_postgres
store = test_store.store
on_both = pytest.mark.parametrize(
    "database_kind", ["sqlite", "postgresql"], indirect=True
)

EVERY = frozenset(Feature)
BACK = "http://127.0.0.1:8080/painel/google/retorno"
OWNER = "a" * 64
KEY = secrets.token_urlsafe(32)
ROBOT = "agenda@projeto.iam.gserviceaccount.com"


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with running() as google:
        yield google


@pytest.fixture
def database_kind(request) -> str:
    return getattr(request, "param", "sqlite")


class Office:
    """An office that can connect, and what a person sees of it."""

    def __init__(self, google: FakeGoogle, store, folder, **settings: str) -> None:
        self.google, self.store, self.now = google, store, 1_795_000_000.0
        self.environ = {
            "GOOGLE_CLIENT_ID": CLIENT_ID,
            "GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
            "GOOGLE_OAUTH_AUTH_URL": f"{google.url}/authorize",
            "GOOGLE_OAUTH_TOKEN_URL": f"{google.url}/token",
            "GOOGLE_OAUTH_REVOKE_URL": f"{google.url}/revoke",
            "GOOGLE_TIMEOUT_S": "3",
            "TOKEN_KEYS": KEY,
            **settings,
        }
        self.folder = folder
        self.restart()

    def restart(self, **settings: str) -> None:
        self.environ |= settings
        self.settings = load_settings(self.environ, folder=self.folder)
        clock = lambda: self.now  # noqa: E731
        self.account = GoogleAccount(self.settings, self.store.engine, clock=clock)
        self.account.open()
        self.consent = Consent(
            self.settings, self.store.engine, self.account, clock=clock
        )

    def begin(self, features=EVERY, owner: str = OWNER) -> dict[str, str]:
        """Returns what the browser brings back from Google."""
        url = self.consent.begin(features, redirect_uri=BACK, owner=owner)
        answer = requests.get(url, allow_redirects=False, timeout=5)
        assert answer.status_code == 302, answer.text
        return {
            name: values[0]
            for name, values in parse_qs(
                urlsplit(answer.headers["Location"]).query
            ).items()
        }

    def finish(self, back: dict[str, str], owner: str = OWNER) -> None:
        self.consent.finish(
            back["state"],
            back.get("code", ""),
            owner=owner,
            by="painel",
            error=back.get("error", ""),
        )

    def connect(self, features=EVERY) -> None:
        self.finish(self.begin(features))

    def token(self, feature=Feature.EVENTS, **more: str) -> str:
        return self.account.access_token(feature, **more)

    def trouble(self, feature=Feature.EVENTS, **more: str) -> Trouble | None:
        try:
            self.token(feature, **more)
        except GatewayError as error:
            return error.trouble
        return None

    @property
    def asked(self) -> int:
        """How often a token was asked for, that of connecting aside."""
        kinds = [each.body["grant_type"] for each in self.google.calls("oauth.token")]
        return len(kinds) - kinds.count("authorization_code")

    @property
    def link(self) -> Link:
        return self.account.status().link

    def alerts(self) -> dict[str, int]:
        query = sa.select(channel_alert.c.code, channel_alert.c.count)
        return dict(self.store.read(lambda c: c.execute(query).all()))

    def park(self, *reasons: str) -> None:
        def write(connection) -> None:
            for number, reason in enumerate(reasons):
                jobs.add(connection, key=str(number), kind="x", facts={}, now=1.0)
                mine = jobs.claim(connection, lease_owner="a", now=2.0, lease_s=9)
                jobs.park(connection, mine, reason=reason)

        self.store.write(write)

    def job_states(self) -> list[str]:
        query = sa.select(job.c.status).order_by(job.c.id)
        return list(self.store.read(lambda c: c.execute(query).scalars()))

    def rows(self, table: sa.Table) -> list:
        return self.store.read(lambda c: c.execute(sa.select(table)).all())


@pytest.fixture
def office(google, store, tmp_path) -> Office:
    return Office(google, store, tmp_path)


def is_taken(office: Office, token: str) -> bool:
    return office.google.oauth.live_token(f"Bearer {token}") is not None


def test_account_is_what_the_gateways_ask_for(office):
    authority: Authority = office.account

    assert authority is not None


def test_nothing_is_permitted_before_anybody_connects(office):
    found = office.account.status()

    assert (found.link, found.features, found.is_configured) == (Link.OFF, set(), True)
    assert {office.trouble(each) for each in Feature} == {Trouble.NOT_GRANTED}
    assert office.google.received == []


@on_both
def test_who_permits_is_connected_and_what_waited_goes_on(office):
    office.park("reconectar", "sem_permissao", "outro")

    office.connect()

    found = office.account.status()
    assert (found.link, found.features) == (Link.CONNECTED, EVERY)
    assert (found.connected_by, found.since_at) == ("painel", office.now)
    assert is_taken(office, office.token())
    assert office.job_states() == ["novo", "novo", "parado"]


def test_page_at_google_asks_for_the_least(office):
    url = office.consent.begin([Feature.FILES], redirect_uri=BACK, owner=OWNER)

    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    state, challenge = asked.pop("state"), asked.pop("code_challenge")
    assert asked == {
        "client_id": CLIENT_ID,
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": "https://www.googleapis.com/auth/drive.file",
        "code_challenge_method": "S256",
        "access_type": "offline",
        "include_granted_scopes": "true",
        "prompt": "consent",
    }
    assert len(state) == len(challenge) == 43


@pytest.mark.parametrize(
    "chosen",
    [
        frozenset(each)
        for size in range(4)
        for each in itertools.combinations(Feature, size)
    ],
    ids=lambda chosen: "+".join(sorted(chosen)) or "nothing",
)
def test_what_is_unticked_is_off_and_the_rest_works(office, chosen):
    left_out = {SCOPES[feature] for feature in EVERY - chosen}
    office.google.oauth.consent.unticked = left_out

    if chosen:
        office.connect()
    else:
        with pytest.raises(UserInputError, match="não foi dada"):
            office.connect()

    assert office.account.status().features == chosen
    for feature in Feature:
        expected = None if feature in chosen else Trouble.NOT_GRANTED
        assert office.trouble(feature) is expected
        assert office.account.status().uses(feature) is (feature in chosen)


def test_permission_is_added_to_what_was_permitted_before(office):
    office.connect({Feature.EVENTS})
    office.park("sem_permissao")

    office.connect({Feature.FILES})

    assert office.account.status().features == {Feature.EVENTS, Feature.FILES}
    assert office.job_states() == ["novo"]


class TestFinishing:
    @on_both
    def test_answer_is_good_once(self, office):
        back = office.begin()
        office.finish(back)
        calls = len(office.google.received)

        with pytest.raises(UserInputError, match="já foi usado"):
            office.finish(back)

        assert len(office.google.received) == calls
        assert office.link is Link.CONNECTED
        assert [each.verifier for each in office.rows(google_consent)] == [""]

    def test_it_is_used_up_before_google_is_asked(self, office):
        back = office.begin()
        office.google.fail_next(Fault("error_after", at="oauth.token"))

        with pytest.raises(GatewayError) as caught:
            office.finish(back)
        with pytest.raises(UserInputError, match="já foi usado"):
            office.finish(back)

        assert caught.value.trouble is Trouble.LATER
        assert office.link is Link.OFF

    def test_of_ten_at_once_one_finishes(self, office):
        back = office.begin()

        def finish(_number: int) -> bool:
            try:
                office.finish(back)
            except UserInputError:
                return False
            return True

        with ThreadPoolExecutor(10) as pool:
            done = list(pool.map(finish, range(10)))

        assert sum(done) == 1
        assert office.link is Link.CONNECTED

    def test_somebody_else_cannot_finish_and_spoils_nothing(self, office):
        back = office.begin()

        with pytest.raises(UserInputError, match="outra sessão"):
            office.finish(back, owner="b" * 64)

        assert office.google.calls("oauth.token") == []
        office.finish(back)
        assert office.link is Link.CONNECTED

    @pytest.mark.parametrize("state", ["inventado", "", "\ud800"])
    def test_unknown_state_is_refused(self, office, state):
        back = {**office.begin(), "state": state}

        with pytest.raises(UserInputError, match="não existe"):
            office.finish(back)

        assert office.google.calls("oauth.token") == []

    @pytest.mark.parametrize(("later_s", "is_good"), [(599, True), (600, False)])
    def test_it_is_good_for_ten_minutes(self, office, later_s, is_good):
        back = office.begin()
        office.now += later_s

        if is_good:
            office.finish(back)
        else:
            with pytest.raises(UserInputError, match="mais de 10 minutos"):
                office.finish(back)

        assert (office.link is Link.CONNECTED) is is_good

    def test_expired_one_is_told_from_one_that_never_was_for_a_day(self, office):
        back = office.begin()
        office.now += 700
        office.begin()

        with pytest.raises(UserInputError, match="mais de 10 minutos"):
            office.finish(back)

    def test_who_denies_is_told_and_the_state_is_used_up(self, office):
        office.google.oauth.consent.denies = True
        back = office.begin()

        with pytest.raises(UserInputError, match="não foi dada"):
            office.finish(back)
        with pytest.raises(UserInputError, match="já foi usado"):
            office.finish(back)

    def test_denying_leaves_an_earlier_connection_alone(self, office):
        office.connect()
        office.google.oauth.consent.denies = True

        with pytest.raises(UserInputError):
            office.connect()

        assert office.link is Link.CONNECTED
        assert is_taken(office, office.token())

    def test_another_error_of_googles_page_is_told(self, office):
        back = {"state": office.begin()["state"], "error": "admin_policy_enforced"}

        with pytest.raises(UserInputError, match="não concluiu"):
            office.finish(back)

    def test_answer_without_a_lasting_permission_is_no_connection(self, office):
        office.google.oauth.grant("escritorio@advocacia.example", ALL)
        url = office.consent.begin(EVERY, redirect_uri=BACK, owner=OWNER)
        url = url.replace("prompt=consent", "prompt=none")
        place = requests.get(url, allow_redirects=False, timeout=5).headers["Location"]
        back = {k: v[0] for k, v in parse_qs(urlsplit(place).query).items()}

        with pytest.raises(UserInputError, match=r"myaccount\.google\.com"):
            office.finish(back)

        assert office.link is Link.OFF

    def test_permission_for_something_else_is_no_connection(self, office):
        office.google.oauth.grant(ANA, ALL)
        url = office.consent.begin(EVERY, redirect_uri=BACK, owner=OWNER)
        other = "https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.email"
        parts = urlsplit(url)
        query = "&".join(
            f"scope={other}" if part.startswith("scope=") else part
            for part in parts.query.split("&")
        )
        place = requests.get(
            parts._replace(query=query).geturl(), allow_redirects=False, timeout=5
        ).headers["Location"]
        back = {k: v[0] for k, v in parse_qs(urlsplit(place).query).items()}

        with pytest.raises(UserInputError, match="Nenhuma permissão"):
            office.finish(back)

        assert office.link is Link.OFF

    def test_wrong_client_secret_is_named(self, office):
        office.restart(GOOGLE_CLIENT_SECRET="errado")
        back = office.begin()

        with pytest.raises(UserInputError, match="GOOGLE_CLIENT_SECRET"):
            office.finish(back)

    def test_code_that_google_does_not_know_is_refused(self, office):
        back = {**office.begin(), "code": "4/0Ainventado"}

        with pytest.raises(UserInputError, match="não concluiu"):
            office.finish(back)

    def test_key_that_went_meanwhile_means_to_begin_again(self, office):
        back = office.begin()
        office.restart(TOKEN_KEYS=secrets.token_urlsafe(32))

        with pytest.raises(UserInputError, match="não concluiu"):
            office.finish(back)

    def test_old_authorisations_are_forgotten(self, office):
        office.begin()
        office.now += 2 * 86_400

        office.begin()

        assert len(office.rows(google_consent)) == 1


@pytest.mark.parametrize(
    ("settings", "features", "back", "said"),
    [
        ({"GOOGLE_CLIENT_ID": ""}, EVERY, BACK, "GOOGLE_CLIENT_ID"),
        ({"GOOGLE_CLIENT_SECRET": ""}, EVERY, BACK, "docs/google.md"),
        ({}, (), BACK, "ao menos um"),
        ({}, EVERY, "javascript:alert(1)", "endereço de retorno"),
    ],
)
def test_nothing_is_begun_without_what_it_needs(office, settings, features, back, said):
    office.restart(**settings)

    with pytest.raises(UserInputError, match=said):
        office.consent.begin(features, redirect_uri=back, owner=OWNER)

    assert office.rows(google_consent) == []


class TestTokens:
    def test_token_serves_until_five_minutes_before_its_end(self, office):
        office.connect()
        first = office.token()

        office.now += 3599 - 301
        same = office.token()
        office.now += 2
        second = office.token()

        assert (same, office.asked) == (first, 1)
        assert second != first
        assert is_taken(office, second)

    def test_fifty_callers_at_once_make_one_request(self, office):
        office.connect()
        office.now += 3600

        with ThreadPoolExecutor(50) as pool:
            tokens = set(pool.map(lambda _n: office.token(), range(50)))

        assert (len(tokens), office.asked) == (1, 1)

    def test_token_that_google_refused_is_not_given_again(self, office):
        office.connect()
        first = office.token()

        second = office.token(instead_of=first)

        assert second != first
        assert office.token() == second
        assert office.token(instead_of=first) == second
        assert office.asked == 1

    def test_fifty_who_were_refused_make_one_request(self, office):
        office.connect()
        first = office.token()

        with ThreadPoolExecutor(50) as pool:
            given = pool.map(lambda _n: office.token(instead_of=first), range(50))

        assert first not in set(given)
        assert office.asked == 1

    def test_new_process_goes_on_with_the_same_token(self, office):
        office.connect()
        first = office.token()

        office.restart()

        assert (office.token(), office.asked) == (first, 0)

    def test_what_another_process_does_is_seen_at_once(self, office, tmp_path):
        other = Office(office.google, office.store, tmp_path)
        other.connect()
        assert is_taken(office, office.token())

        other.account.disconnect()

        assert office.link is Link.OFF
        assert office.trouble() is Trouble.NOT_GRANTED

    def test_permission_that_shrinks_turns_its_feature_off(self, office):
        office.connect()
        [grant] = [
            each
            for each in office.google.oauth.refresh_tokens.values()
            if not each.is_revoked
        ]
        grant.scopes = frozenset({SCOPES[Feature.FILES]})
        office.now += 3600

        assert office.trouble(Feature.EVENTS) is Trouble.NOT_GRANTED
        assert office.account.status().features == {Feature.FILES}
        assert is_taken(office, office.token(Feature.FILES))

    def test_new_refresh_token_takes_the_place_of_the_old_one(self, office):
        office.connect()
        [old] = office.google.oauth.refresh_tokens
        answer = replace(office.account.endpoint.refresh(old), refresh="")
        new = office.google.oauth.grant(BRUNO, ALL)
        rotated = replace(answer, refresh=new)
        office.account.endpoint.refresh = lambda _token: rotated
        office.now += 3600
        office.token()

        office.restart()
        office.now += 3600
        office.token()

        assert office.google.calls("oauth.token")[-1].body["refresh_token"] == new


class TestTrouble:
    def test_permission_taken_back_is_asked_about_once(self, office):
        office.connect()
        first = office.token()
        office.google.oauth.revoke_account("escritorio@advocacia.example")
        office.now += 60

        with ThreadPoolExecutor(20) as pool:
            found = set(
                pool.map(lambda _n: office.trouble(instead_of=first), range(20))
            )
        office.now += 86_400
        again = office.trouble()

        assert found == {Trouble.RECONNECT}
        assert (again, office.asked) == (Trouble.RECONNECT, 1)
        status = office.account.status()
        assert (status.link, status.features) == (Link.RECONNECT, EVERY)
        assert status.since_at == office.now - 86_400
        assert office.alerts() == {LOST: 1}

    def test_lost_permission_counts_although_the_token_has_minutes_left(self, office):
        office.connect()
        office.google.oauth.revoke_account("escritorio@advocacia.example")
        office.now += 3599 - 100

        assert office.trouble() is Trouble.RECONNECT

    def test_connecting_again_ends_it(self, office):
        office.connect()
        office.google.oauth.revoke_account("escritorio@advocacia.example")
        office.trouble(instead_of=office.token())
        office.park("reconectar")

        office.connect()

        assert office.link is Link.CONNECTED
        assert is_taken(office, office.token())
        assert office.alerts() == {}
        assert office.job_states() == ["novo"]

    def test_what_was_never_permitted_is_off_meanwhile(self, office):
        office.connect({Feature.FILES})
        office.account.refused()
        office.token(Feature.FILES)
        office.account.refused()

        assert office.trouble(Feature.EVENTS) is Trouble.NOT_GRANTED
        assert office.trouble(Feature.FILES) is Trouble.RECONNECT

    def test_tokens_that_google_refuses_again_are_lost(self, office):
        office.connect()
        office.token(instead_of=office.token())

        office.account.refused()
        office.account.refused()

        assert office.trouble() is Trouble.RECONNECT
        assert office.alerts() == {LOST: 1}

    def test_late_refusal_does_not_end_a_new_connection(self, office):
        office.connect()
        office.token()
        office.connect()

        office.account.refused()

        assert office.link is Link.CONNECTED

    def test_permission_given_while_the_old_one_is_refused_stays(self, office):
        office.connect()
        old = office.account._account()
        office.connect()

        office.account._lost(old, LOST, "invalid_grant")

        assert office.link is Link.CONNECTED
        assert office.alerts() == {}

    def test_refusal_of_what_was_replaced_meanwhile_is_later(self, office):
        office.connect()
        old = office.account._account()
        office.connect()

        refusal = office.account._refusal(old, TokenRefused("invalid_grant"))

        assert refusal.trouble is Trouble.LATER
        assert office.link is Link.CONNECTED

    def test_job_that_was_parked_too_late_goes_on_with_the_next_token(self, office):
        office.connect()
        office.park("reconectar", "sem_permissao")
        office.token()
        assert office.job_states() == ["parado", "parado"]

        office.now += 3600
        office.token()

        assert office.job_states() == ["novo", "parado"]

    def test_job_that_was_parked_too_late_goes_on_at_the_next_start(self, office):
        office.connect()
        office.park("reconectar", "sem_permissao")

        office.restart()

        assert office.job_states() == ["novo", "parado"]

    def test_start_lets_nothing_go_on_while_google_must_be_reconnected(self, office):
        office.connect()
        office.token()
        office.account.refused()
        office.park("reconectar")

        office.restart()

        assert office.job_states() == ["parado"]

    @pytest.mark.parametrize(
        "fault",
        [
            Fault("error", at="oauth.token"),
            Fault("html", at="oauth.token", status=502),
            Fault("html", at="oauth.token", status=404),
            Fault("too_many", at="oauth.token"),
            Fault("reset", at="oauth.token"),
            Fault("malformed", at="oauth.token"),
            Fault("reset_after", at="oauth.token"),
        ],
        ids=lambda fault: f"{fault.kind}{fault.status}",
    )
    def test_ill_token_endpoint_is_asked_again_later(self, office, fault):
        office.connect()
        office.now += 3600
        office.google.fail_next(fault)

        first = office.trouble()
        asked = office.asked
        soon = office.trouble()
        office.now += PAUSE_S
        later = office.trouble()

        assert (first, soon, later) == (Trouble.LATER, Trouble.LATER, None)
        assert (asked, office.asked) == (1, 2)
        assert office.link is Link.CONNECTED
        assert office.alerts() == {}

    def test_silent_token_endpoint_is_given_up(self, office):
        office.restart(GOOGLE_TIMEOUT_S="0.3")
        office.connect()
        office.now += 3600
        office.google.fail_next(Fault("hang", at="oauth.token"))

        assert office.trouble() is Trouble.LATER

    def test_nobody_there_is_later(self, office):
        office.connect()
        office.now += 3600
        office.restart(GOOGLE_OAUTH_TOKEN_URL="http://127.0.0.1:9/token")

        assert office.trouble() is Trouble.LATER

    def test_secret_is_not_carried_to_where_a_redirect_leads(self, office):
        office.connect()
        office.now += 3600
        there = f"{office.google.url}/token"
        with answering(308, Location=there, Content_Length="0") as address:
            office.restart(GOOGLE_OAUTH_TOKEN_URL=address)

            assert office.trouble() is Trouble.LATER
        assert office.asked == 0

    def test_answer_that_is_cut_off_is_later(self, office):
        office.connect()
        office.now += 3600
        with answering(200, Content_Length="100") as address:
            office.restart(GOOGLE_OAUTH_TOKEN_URL=address)

            assert office.trouble() is Trouble.LATER

    def test_ill_endpoint_does_not_matter_while_the_token_is_good(self, office):
        office.connect()
        first = office.token()
        office.now += 3599 - 100
        office.google.fail_next(Fault("error", at="oauth.token"))

        assert office.token() == first
        assert office.asked == 1
        assert office.trouble(instead_of=first) is Trouble.LATER

    def test_client_that_google_does_not_know_waits_for_a_person(self, office):
        office.connect()
        office.now += 3600
        office.restart(GOOGLE_CLIENT_SECRET="errado")

        assert office.trouble() is Trouble.RECONNECT
        assert office.trouble() is Trouble.RECONNECT
        assert office.asked == 1
        assert office.alerts() == {CLIENT_REFUSED: 1}

    def test_wrong_clock_is_not_a_lost_permission(self, office):
        office.connect()
        office.now += 3600
        office.google.fail_next(Fault("skew", at="oauth.token"))

        assert office.trouble() is Trouble.LATER
        assert office.trouble() is Trouble.LATER
        assert (office.alerts(), office.asked) == ({WRONG_CLOCK: 1}, 1)
        assert office.link is Link.CONNECTED
        office.now += LONG_PAUSE_S
        assert office.trouble() is None
        assert office.alerts() == {}


@contextlib.contextmanager
def answering(status: int, **headers: str) -> Iterator[str]:
    """Gives the address of somebody who answers so, without a body."""

    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()

        def log_message(self, *_given: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/token"
        server.shutdown()


class TestDisconnecting:
    @on_both
    def test_permission_is_given_back_and_forgotten(self, office):
        office.connect()
        token = office.token()
        office.park("reconectar")

        assert office.account.disconnect() is True

        assert not is_taken(office, token)
        assert office.rows(google_account) == []
        assert office.link is Link.OFF
        assert office.job_states() == ["novo"]

    @pytest.mark.parametrize("kind", ["error", "reset"])
    def test_it_is_forgotten_although_google_does_not_answer(self, office, kind):
        office.connect()
        office.google.fail_next(Fault(kind, at="oauth.revoke"))

        assert office.account.disconnect() is False

        assert office.link is Link.OFF

    def test_lost_permission_is_forgotten_too(self, office):
        office.connect()
        office.google.oauth.revoke_account("escritorio@advocacia.example")
        office.trouble(instead_of=office.token())

        assert office.account.disconnect() is True

        assert (office.link, office.alerts()) == (Link.OFF, {})

    def test_twice_is_fine(self, office):
        assert office.account.disconnect() is True
        assert office.google.received == []


class TestKeys:
    def test_new_key_takes_everything_over_at_start(self, office):
        office.connect()
        token = office.token()
        [row] = office.rows(google_account)
        many = [
            stored.Consent(f"{n:064}", office.account.cipher.encrypt(f"v{n}"), "", "",
                           office.now, office.now + 600)
            for n in range(49)
        ]  # fmt: skip
        office.store.write(lambda c: [stored.begin_consent(c, each) for each in many])
        new = secrets.token_urlsafe(32)

        office.restart(TOKEN_KEYS=f"{new},{KEY}")
        office.restart(TOKEN_KEYS=new)

        assert office.token() == token
        assert office.rows(google_account)[0].tokens != row.tokens
        read = office.account.cipher.decrypt
        verifiers = {
            read(each.verifier)
            for each in office.rows(google_consent)
            if each.used_at is None
        }
        assert verifiers == {f"v{n}" for n in range(49)}

    def test_lost_key_means_to_connect_again(self, office):
        office.connect()

        office.restart(TOKEN_KEYS=secrets.token_urlsafe(32))

        assert office.store.read(stored.is_lost)
        assert office.link is Link.RECONNECT
        assert office.trouble() is Trouble.RECONNECT
        assert office.alerts() == {LOST: 1}
        assert office.asked == 0
        office.connect()
        assert is_taken(office, office.token())

    @pytest.mark.parametrize("tokens", ["lixo", '{"access": 1}', "[]", '{"x": "y"}'])
    def test_row_that_cannot_be_read_never_crashes(self, office, tokens):
        office.connect()
        written = tokens if tokens == "lixo" else office.account.cipher.encrypt(tokens)
        change = sa.update(google_account).values(tokens=written)
        office.store.write(lambda c: c.execute(change))

        assert office.link is Link.RECONNECT
        assert office.trouble() is Trouble.RECONNECT
        assert office.store.read(stored.is_lost)
        assert office.account.disconnect() is False

    def test_wrong_key_stops_the_start(self, office):
        with pytest.raises(SettingsError, match="TOKEN_KEYS"):
            office.restart(TOKEN_KEYS="curta")


@on_both
def test_database_holds_no_token_in_clear(office, tmp_path):
    waiting = office.begin()
    states = [waiting["state"]]
    office.connect()
    office.now += 3600
    office.token()

    text = dump(office)

    oauth = office.google.oauth
    secret = [*oauth.access_tokens, *oauth.refresh_tokens, *oauth.codes, *states]
    secret += [
        each.body["code_verifier"]
        for each in office.google.calls("oauth.token")
        if "code_verifier" in each.body
    ]
    assert len(secret) == 7
    for each in (*secret, CLIENT_SECRET, KEY):
        assert each not in text
        assert each[:16] not in text
    assert "escritorio" in text


def dump(office: Office) -> str:
    engine = office.store.engine
    if engine.dialect.name == "sqlite":
        with sqlite3.connect(str(engine.url.database)) as database:
            return "\n".join(database.iterdump())
    rows = [office.rows(table) for table in (google_account, google_consent)]
    return f"{rows} {office.rows(job)} {office.rows(channel_alert)}"


class TestServiceAccount:
    @pytest.fixture
    def key(self, google) -> dict[str, str]:
        return google.oauth.add_service_account(ROBOT, f"{google.url}/token")

    @pytest.fixture
    def robot(self, google, store, tmp_path, key) -> Office:
        (tmp_path / "chave.json").write_text(json.dumps(key))
        file = str(tmp_path / "chave.json")
        return Office(google, store, tmp_path, GOOGLE_SERVICE_ACCOUNT_FILE=file)

    def test_it_is_connected_without_anybody(self, robot):
        found = robot.account.status()

        assert (found.link, found.features) == (Link.CONNECTED, EVERY)
        assert found.is_configured
        token = robot.token()
        assert {robot.token(each) for each in Feature} == {token}
        assert is_taken(robot, token)
        assert robot.asked == 1

    def test_it_works_before_anything_is_opened(self, robot):
        robot.store.write(lambda c: stored.forget(c, stored.ROBOT))
        account = GoogleAccount(robot.settings, robot.store.engine)

        assert account.status().link is Link.CONNECTED
        assert is_taken(robot, account.access_token(Feature.FILES))

    def test_loss_is_kept_although_nothing_was_opened(self, robot):
        robot.store.write(lambda c: stored.forget(c, stored.ROBOT))
        robot.google.oauth.add_service_account(ROBOT, robot.google.url)

        assert robot.trouble() is Trouble.RECONNECT

        assert robot.store.read(lambda c: stored.is_lost(c, stored.ROBOT))

    def test_its_tokens_are_kept_nowhere(self, robot):
        robot.token()

        [row] = robot.rows(google_account)
        assert (row.name, row.tokens) == (stored.ROBOT, "")

    def test_it_acts_for_whom_it_may(self, robot):
        robot.google.oauth.delegated[ROBOT] = {BRUNO}
        robot.restart(GOOGLE_SERVICE_ACCOUNT_USER=BRUNO)

        held = robot.google.oauth.live_token(f"Bearer {robot.token()}")

        assert held.grant.owner == BRUNO

    def test_address_in_the_key_counts_where_the_setting_is_googles(self, robot):
        robot.environ.pop("GOOGLE_OAUTH_TOKEN_URL")

        robot.restart()

        assert is_taken(robot, robot.token())

    def test_address_in_the_settings_counts_before_that_in_the_key(
        self, robot, key, tmp_path
    ):
        key["token_uri"] = "http://127.0.0.1:9/token"
        (tmp_path / "chave.json").write_text(json.dumps(key))

        robot.restart()

        assert is_taken(robot, robot.token())

    def test_refusal_waits_and_ends_by_itself(self, robot):
        robot.restart(GOOGLE_SERVICE_ACCOUNT_USER=BRUNO)

        assert robot.trouble() is Trouble.RECONNECT
        assert robot.trouble() is Trouble.RECONNECT
        assert (robot.asked, robot.link) == (1, Link.RECONNECT)
        assert robot.alerts() == {CLIENT_REFUSED: 1}
        robot.park("reconectar")
        robot.google.oauth.delegated[ROBOT] = {BRUNO}
        robot.now += LONG_PAUSE_S
        assert robot.trouble() is None
        assert robot.link is Link.CONNECTED
        assert (robot.alerts(), robot.job_states()) == ({}, ["novo"])

    def test_strange_key_is_lost_and_a_new_one_heals_it_at_start(self, robot, tmp_path):
        new = robot.google.oauth.add_service_account(ROBOT, robot.google.url)

        assert robot.trouble() is Trouble.RECONNECT
        assert robot.alerts() == {LOST: 1}
        (tmp_path / "chave.json").write_text(json.dumps(new))
        robot.restart()
        assert (robot.trouble(), robot.alerts()) == (None, {})

    def test_tokens_that_google_refuses_are_asked_anew_a_minute_later(self, robot):
        first = robot.token()

        robot.account.refused()

        assert robot.trouble() is Trouble.RECONNECT
        robot.now += LONG_PAUSE_S
        assert robot.token() != first
        assert robot.link is Link.CONNECTED

    def test_restart_keeps_since_when(self, robot):
        before = robot.account.status().since_at
        robot.now += 99

        robot.restart()

        assert robot.account.status().since_at == before

    @pytest.mark.parametrize("kind", ["error", "reset", "malformed"])
    def test_ill_endpoint_is_asked_again_later(self, robot, kind):
        robot.google.fail_next(Fault(kind, at="oauth.token"))

        assert robot.trouble() is Trouble.LATER
        assert robot.asked == 1
        robot.now += PAUSE_S
        assert robot.trouble() is None

    def test_wrong_clock_is_no_lost_key(self, robot):
        robot.google.clock_ahead_s = 7200

        assert robot.trouble() is Trouble.LATER
        assert robot.alerts() == {WRONG_CLOCK: 1}

    def test_nobody_connects_or_disconnects_it(self, robot):
        with pytest.raises(UserInputError, match="conta de serviço"):
            robot.consent.begin(EVERY, redirect_uri=BACK, owner=OWNER)
        with pytest.raises(UserInputError, match="GOOGLE_SERVICE_ACCOUNT_FILE"):
            robot.account.disconnect()

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (None, "não existe este arquivo"),
            ("{", "não é JSON"),
            ("[]", "não é a chave"),
            ('{"type": "authorized_user"}', "não é a chave"),
            ('{"type": "service_account"}', "não é a chave"),
        ],
    )
    def test_wrong_file_stops_the_start(self, office, tmp_path, content, said):
        path = tmp_path / "chave.json"
        if content is not None:
            path.write_text(content)

        with pytest.raises(SettingsError, match=said) as caught:
            office.restart(GOOGLE_SERVICE_ACCOUNT_FILE=str(path))

        assert "GOOGLE_SERVICE_ACCOUNT_FILE" in str(caught.value)

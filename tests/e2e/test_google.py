"""The whole office with Google: every process real, Google's side a stateful fake."""

from __future__ import annotations

import json
import signal
import sqlite3
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from tests.contract.google_desk import ANA
from tests.fakes.google_grants import CLIENT_ID, CLIENT_SECRET
from tests.stack import (
    FakeService,
    Stack,
    fake_google,
    fake_twilio,
    open_stack,
    wait_until,
)

pytestmark = pytest.mark.e2e
_phones = count(70_000_000)
BOOKING = (
    "quero marcar uma consulta online sobre inss, me chamo Maria Prado",
    "a primeira",
    "sim",
)
RETURN = "http://127.0.0.1:9/painel/google/retorno"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_given: Any) -> None:
        return None


@dataclass(frozen=True)
class Connected:
    """A running office that somebody has connected."""

    stack: Stack
    google: FakeService
    twilio: FakeService

    def actions(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Calls the action server as the panel does."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.stack.environment['ACTIONS_PORT']}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "X-PocketMKT-Secret": self.stack.environment["ACTIONS_SECRET"],
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            return dict(json.load(reply))

    def connect(self) -> None:
        """Permits everything at Google's page, as a person in a browser does."""
        features = ["agenda", "disponibilidade", "arquivos"]
        begun = {"recursos": features, "retorno": RETURN, "dono": "uma sessão"}
        page = self.actions("/google/iniciar", begun)["url"]
        opener = urllib.request.build_opener(_NoRedirect)
        with pytest.raises(urllib.error.HTTPError) as sent_back:
            opener.open(page, timeout=10)
        address = urllib.parse.urlsplit(sent_back.value.headers["Location"])
        given = dict(urllib.parse.parse_qsl(address.query))
        done = {"state": given["state"], "code": given["code"], "dono": "uma sessão"}
        self.actions("/google/concluir", done)

    def events(self) -> list[dict[str, Any]]:
        """Returns what stands in the office's calendar."""
        return list(self.google.record()["events"].get(ANA, []))

    def books(self, phone: str) -> str:
        """Books the first hour that is offered; returns the last answer."""
        for text in BOOKING:
            answer = self.stack.ask(phone, text)
        return str(answer["resposta"])


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connected]:
    folder = tmp_path_factory.mktemp("google")
    with fake_twilio() as twilio, fake_google() as google:
        settings = {
            "TWILIO_API_BASE_URL": twilio.url,
            "GOOGLE_CLIENT_ID": CLIENT_ID,
            "GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
            "GOOGLE_API_BASE_URL": google.url,
            "GOOGLE_OAUTH_AUTH_URL": f"{google.url}/o/oauth2/v2/auth",
            "GOOGLE_OAUTH_TOKEN_URL": f"{google.url}/token",
            "GOOGLE_OAUTH_REVOKE_URL": f"{google.url}/revoke",
        }
        google.steer("settings", {"account": ANA, "redirect_uris": [RETURN]})
        with open_stack(folder, **settings) as stack:
            stack.start("borda", "acoes", "rasa")
            connected = Connected(stack, google, twilio)
            connected.connect()
            yield connected


def new_phone() -> str:
    return f"+55119{next(_phones)}"


def test_booking_by_whatsapp_is_an_event_and_the_link_is_sent(office):
    phone, before = new_phone(), len(office.events())
    for number, text in enumerate(BOOKING):
        sid = f"SM{phone[-8:]}{number:024x}"
        assert office.stack.whatsapp(sid, phone, text) == 200
        wait_until(lambda n=number: len(to(office, phone)) > n)

    wait_until(lambda: len(office.events()) == before + 1)
    wait_until(lambda: "meet.google.com" in to(office, phone)[-1]["body"])

    newest = office.events()[-1]
    assert "Maria Prado" in newest["summary"]
    assert newest["start"]["timeZone"] == "America/Sao_Paulo"


def to(office: Connected, phone: str) -> list[dict[str, Any]]:
    return [each for each in office.twilio.sent() if each["to"].endswith(phone)]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "hold", "at": "calendar.events.get"},
        {"kind": "hold", "at": "calendar.events.insert"},
        {"kind": "hang_after", "at": "calendar.events.insert"},
        {"kind": "hold", "at": "calendar.events.list", "after": 1},
    ],
    ids=lambda fault: f"{fault['kind']} {fault['at']}",
)
def test_action_server_killed_in_mid_work_leaves_one_event(office, fault):
    before, seen = len(office.events()), office.google.record()["faults"]
    office.google.steer("faults", [fault])
    assert "marcada" in office.books(new_phone())
    wait_until(lambda: office.google.record()["faults"] != seen)

    office.stack.stop("acoes", how=signal.SIGKILL)
    office.google.steer("gate", {})
    office.stack.start("acoes")

    wait_until(lambda: all_done(office))
    assert len(office.events()) == before + 1


def all_done(office: Connected) -> bool:
    return not [
        status
        for status, kind in jobs_of(office)
        if kind != "lembrete" and status != "feito"
    ]


def jobs_of(office: Connected) -> list[tuple[str, str]]:
    with sqlite3.connect(database(office)) as connection:
        return list(connection.execute("select status, kind from job"))


def database(office: Connected) -> str:
    return office.stack.environment["DATABASE_URL"].removeprefix("sqlite:///")


def test_dump_of_the_database_has_no_token_in_it(office):
    office.google.steer("faults", [{"kind": "unauthorized", "at": "calendar.*"}])
    office.books(new_phone())  # so that the refresh token is shown once more
    wait_until(lambda: all_done(office))
    with sqlite3.connect(database(office)) as connection:
        dump = "\n".join(connection.iterdump())

    shown = [
        each["body"]
        for each in office.google.record()["received"]
        if each["method"] == "oauth.token"
    ]
    names = ("code", "code_verifier", "refresh_token", "client_secret")
    secrets = {body[name] for body in shown for name in names if name in body}

    assert len(secrets) == len(names)
    assert [each for each in secrets if each in dump] == []
    assert "google_account" in dump


def test_logs_have_neither_tokens_nor_names(office):
    for name in ("acoes", "borda", "rasa"):
        log = office.stack.log(name)
        assert "Maria Prado" not in log
        assert "Bearer " not in log
        assert CLIENT_SECRET not in log

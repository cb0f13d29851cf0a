"""The action server as Rasa 3.6.21 calls it, over HTTP on loopback."""

from __future__ import annotations

import copy
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sanic import Sanic

from actions.server import build_app
from bot.core.settings import load_settings
from bot.store.effects import AppointmentChange, Request, parse
from tests.action_server import SECRET, SECRET_HEADER, ActionServer, running

RECORDED = Path(__file__).parents[1] / "data" / "rasa_action_call.json"
PRIVATE = "segredo-que-so-a-cliente-sabe"


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[ActionServer]:
    with running(tmp_path_factory.mktemp("acoes")) as server:
        yield server


@pytest.fixture
def recorded() -> dict[str, Any]:
    """Returns a call as Rasa 3.6.21 sent it, at the end of a booking."""
    return json.loads(RECORDED.read_text(encoding="utf-8"))


def private(call: dict[str, Any]) -> dict[str, Any]:
    """Returns the call with a text that must never come back in an error."""
    changed = copy.deepcopy(call)
    changed["tracker"]["latest_message"]["text"] = PRIVATE
    changed["tracker"]["events"].append({"event": "user", "text": PRIVATE})
    return changed


def test_recorded_call_is_one_of_rasa_3_6(recorded):
    assert recorded["version"] == "3.6.21"
    assert recorded["next_action"] == "action_agendar_consulta"
    assert {"domain", "sender_id", "tracker"} <= set(recorded)


def test_recorded_call_is_answered_with_events_and_responses(server, recorded):
    status, body = server.call(recorded)

    answer = json.loads(body)
    assert status == 200
    assert set(answer) == {"events", "responses"}
    (said,) = answer["responses"]
    assert said["response"] == "utter_agendar_consulta_online"
    booked, request = (parse(raw) for raw in said["efeitos"])
    assert booked == AppointmentChange("marcar", 1)
    assert isinstance(request, Request)
    assert request.kind == "agendar_consulta"
    assert request.facts["nome"] == "Maria Aparecida da Silva"
    assert request.facts["quando"] == "2026-11-24T15:00:00-03:00"
    assert {event["name"] for event in answer["events"]} >= {"assunto", "quando"}


@pytest.mark.parametrize("missing", ["domain", "version"])
def test_call_without_what_we_do_not_read_is_answered(server, recorded, missing):
    del recorded[missing]

    assert server.call(recorded)[0] == 200


@pytest.mark.parametrize(
    "secret", [None, "", " ", "errado", SECRET[:-1], SECRET + "x", SECRET.upper()]
)
def test_call_without_the_secret_is_refused(server, recorded, secret):
    status, body = server.call(private(recorded), secret=secret)

    assert status == 401
    assert PRIVATE not in body


@pytest.mark.parametrize("secret", [b"\xff\xfe", b"segredo\xe7", b"\xed\xa0\x80"])
def test_secret_in_no_encoding_is_refused_too(server, secret):
    head = f"POST /webhook HTTP/1.1\r\nHost: x\r\n{SECRET_HEADER}: ".encode()
    rest = b"\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as wire:
        wire.sendall(head + secret + rest)
        status_line = wire.recv(64)

    assert status_line.split()[1] in {b"400", b"401"}


def test_secret_is_asked_before_the_body_is_read(server):
    assert server.call(b"{", secret=None)[0] == 401


def test_unknown_action_is_404_and_named(server, recorded):
    call = private({**recorded, "next_action": "action_que_nao_existe"})

    status, body = server.call(call)

    assert status == 404
    assert json.loads(body)["action_name"] == "action_que_nao_existe"
    assert PRIVATE not in body


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b'"texto"', b"\xff\xfe", b"{}", b"7"]
)
def test_broken_body_is_400(server, body):
    assert server.call(body)[0] == 400


@pytest.mark.parametrize(
    "call",
    [
        {"next_action": "action_ver_agenda"},
        {"next_action": "action_ver_agenda", "tracker": None},
        {"next_action": "action_ver_agenda", "tracker": PRIVATE},
        {"next_action": ["action_ver_agenda"], "tracker": {"latest_message": PRIVATE}},
        {
            "next_action": "action_ver_agenda",
            "tracker": {"latest_message": {"text": PRIVATE}, "events": PRIVATE},
        },
    ],
)
def test_impossible_call_fails_without_echoing_the_tracker(server, call):
    status, body = server.call(call)

    assert status in {400, 500}
    assert PRIVATE not in body
    assert "Traceback" not in body


def test_other_addresses_are_unknown_and_say_little(server, recorded):
    for path in ("/actions", "/", "/webhook/x", "/status"):
        status, body = server.call(private(recorded), path=path)

        assert status in {404, 405}
        assert PRIVATE not in body


def test_log_holds_no_text_of_any_call(server, recorded):
    server.call(private(recorded))
    server.call(private({**recorded, "next_action": "action_que_nao_existe"}))
    server.call({"next_action": "action_ver_agenda", "tracker": {"events": PRIVATE}})

    log = server.log.read_text(encoding="utf-8")
    assert PRIVATE not in log
    assert "Maria Aparecida" not in log
    assert "action_unknown" in log


def test_app_serves_nothing_but_the_protocol(tmp_path, monkeypatch):
    monkeypatch.setattr(Sanic, "test_mode", True)  # a second app of one name
    settings = load_settings(
        {"DATABASE_URL": f"sqlite:///{tmp_path}/a.db", "OLLAMA_HOST": ""},
        folder=tmp_path,
    )

    app = build_app(settings)

    assert {route.path for route in app.router.routes} == {
        "pronto",
        "webhook",
        "google",
        "google/iniciar",
        "google/concluir",
        "google/desconectar",
        "google/transferencia",
        "google/transferir",
    }
    assert app.config.REQUEST_MAX_SIZE == 8 * 1024 * 1024

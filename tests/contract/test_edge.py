"""The edge over real HTTP: webhook, API, health, and what its logs never hold."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import re
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import aiohttp
import pytest
import sqlalchemy as sa
from sanic import Sanic
from sqlalchemy.engine import Engine
from twilio.request_validator import RequestValidator

from bot.core.names import AnsweredBy
from bot.core.settings import ROOT, load_settings
from bot.store import google, jobs, turns
from bot.store.alerts import raise_alert
from bot.store.database import open_engine, reading, writing
from bot.store.schema import metadata
from bot.store.turns import Outcome, Outgoing, Turn
from bot.wake import WakeUp
from connectors.edge import build_app
from connectors.services import ChannelServices
from connectors.turn_worker import TurnWorker

WEBHOOKS = json.loads((ROOT / "tests/data/twilio_webhooks.json").read_text("utf-8"))
TOKEN = WEBHOOKS["auth_token"]
CASES = WEBHOOKS["cases"]
MESSAGES = [n for n, c in CASES.items() if c["url"].endswith("/webhook")]
STATUSES = [n for n, c in CASES.items() if c["url"].endswith("/status")]
PUBLIC = "https://bot.escritorio.example"
API_TOKEN = "token-secreto-da-api-0123456789"
FORM = "application/x-www-form-urlencoded"
TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
RIGHT = {"telefone": "+5511987654321", "mensagem": "vocês abrem sábado?"}
PATIENCE_S = 20


class Edge:
    """A running edge, as its callers and its database see it."""

    def __init__(self, http: aiohttp.ClientSession, settings: Any, engine: Any) -> None:
        self.http = http
        self.settings = settings
        self.engine = engine

    async def request(self, method: str, path: str, **options: Any) -> SimpleNamespace:
        url = self.settings.edge_url + path
        async with self.http.request(method, url, **options) as answer:
            text = await answer.text()
            is_json = answer.content_type == "application/json"
            return SimpleNamespace(
                status=answer.status,
                content_type=answer.content_type,
                text=text,
                json=json.loads(text) if is_json else None,
            )

    async def deliver(
        self, name: str, body: str | bytes | None = None, **headers: str
    ) -> SimpleNamespace:
        """Posts one of the recorded bodies, or another under its signature."""
        case = CASES[name]
        headers = {
            "Content-Type": FORM,
            "X-Twilio-Signature": case["x_twilio_signature"],
            **headers,
        }
        path = case["url"].removeprefix(PUBLIC)
        return await self.request(
            "POST", path, data=case["body"] if body is None else body, headers=headers
        )

    async def deliver_form(self, path: str, form: dict[str, str]) -> SimpleNamespace:
        """Posts a form that Twilio could have signed."""
        signature = RequestValidator(TOKEN).compute_signature(PUBLIC + path, form)
        headers = {"Content-Type": FORM, "X-Twilio-Signature": signature}
        return await self.request("POST", path, data=urlencode(form), headers=headers)

    async def ask(self, body: Any, **headers: str) -> SimpleNamespace:
        """Posts to the API, as JSON unless the body is bytes already."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {
            "Authorization": f"Bearer {API_TOKEN}",
            "Content-Type": "application/json",
            **headers,
        }
        return await self.request(
            "POST", "/processar_atendimento", data=io.BytesIO(data), headers=headers
        )

    async def send_raw(self, head: bytes, body: bytes = b"") -> bytes:
        """Writes bytes that no HTTP client would, and returns the answer's."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.settings.edge_port
        )
        length = f"Content-Length: {len(body)}\r\n".encode()
        ending = b"Host: x\r\nConnection: close\r\n" + length + b"\r\n"
        writer.write(head + ending + body)
        answer = await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
        return answer

    def rows(self, table: str) -> list[Any]:
        with reading(self.engine) as connection:
            return connection.execute(sa.select(metadata.tables[table])).all()

    def change_database(self, statement: str) -> None:
        with writing(self.engine) as connection:
            connection.exec_driver_sql(statement)


class ScriptedAssistant:
    """Stands in for Rasa: answers every message."""

    def __init__(self, services: ChannelServices) -> None:
        self.texts = ["Abrimos de segunda a sexta."]
        self._services = services

    async def __call__(self, turn: Turn) -> None:
        turn.outgoing = [Outgoing(text) for text in self.texts]
        outcome = Outcome("consultar_horario", 0.93, AnsweredBy.RULE)
        await self._services.write(
            lambda c: turns.commit(c, turn, outcome, now=time.time())
        )
        turn.is_committed = True


@contextlib.asynccontextmanager
async def running_edge(folder: Path, **environ: str) -> AsyncIterator[Edge]:
    listening = socket.create_server(("127.0.0.1", 0))
    settings = load_settings(
        {
            "API_TOKEN": API_TOKEN,
            "API_WAIT_S": str(PATIENCE_S),
            "DATABASE_URL": f"sqlite:///{folder}/edge.db",
            "EDGE_PORT": str(listening.getsockname()[1]),
            "RASA_PORT": str(unused_port()),
            "ACTIONS_PORT": str(unused_port()),
            "PANEL_PORT": str(unused_port()),
            "OLLAMA_HOST": "",
            "PUBLIC_BASE_URL": PUBLIC,
            "TWILIO_API_BASE_URL": f"http://127.0.0.1:{unused_port()}",
            "TWILIO_AUTH_TOKEN": TOKEN,
            **environ,
        },
        folder=folder,
    )
    app = build_app(settings)
    server = await app.create_server(sock=listening, return_asyncio_server=True)
    await server.startup()
    await server.before_start()
    engine = open_engine(settings.database_url)
    try:
        async with aiohttp.ClientSession() as http:
            yield Edge(http, settings, engine)
    finally:
        await server.close()
        await server.after_stop()
        Sanic.unregister_app(app)
        engine.dispose()


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture
async def edge(tmp_path):
    async with running_edge(tmp_path) as running:
        yield running


@pytest.fixture
async def assistant(edge):
    wake = WakeUp(edge.settings.rasa_port)
    await wake.open()
    services = ChannelServices(edge.settings, edge.engine, wake)
    scripted = ScriptedAssistant(services)
    worker = TurnWorker(services, scripted, drain_s=0.05)
    worker.start()
    yield scripted
    await worker.stop()
    wake.close()


class TestWebhook:
    @pytest.mark.parametrize("name", MESSAGES)
    async def test_signed_message_is_stored_and_acknowledged(self, edge, name):
        answer = await edge.deliver(name)

        form = dict(parse_qsl(CASES[name]["body"], keep_blank_values=True))
        assert (answer.status, answer.content_type) == (200, "text/xml")
        assert answer.text == TWIML
        (row,) = edge.rows("inbox")
        assert row.message_sid == form["MessageSid"]
        assert row.payload == form
        assert row.status == "new"

    @pytest.mark.parametrize("name", STATUSES)
    async def test_signed_status_is_acknowledged_and_is_no_message(self, edge, name):
        answer = await edge.deliver(name)

        assert answer.status == 204
        assert edge.rows("inbox") == []

    async def test_repeated_deliveries_at_once_are_one_message(self, edge):
        answers = await asyncio.gather(*(edge.deliver("text") for _ in range(20)))

        assert {(a.status, a.text) for a in answers} == {(200, TWIML)}
        assert len(edge.rows("inbox")) == 1

    async def test_repeated_delivery_after_a_restart_is_one_message(self, tmp_path):
        for _ in range(2):
            async with running_edge(tmp_path) as edge:
                answer = await edge.deliver("text")
                assert answer.status == 200
                assert len(edge.rows("inbox")) == 1

    @pytest.mark.parametrize("name", MESSAGES + STATUSES)
    async def test_changed_body_is_refused(self, edge, name):
        changed = CASES[name]["body"].replace("AccountSid=ACa", "AccountSid=ACb")

        answer = await edge.deliver(name, changed)

        assert answer.status == 403
        assert answer.json["erro"]["mensagem"] == (
            "Assinatura do Twilio ausente ou errada."
        )
        assert edge.rows("inbox") == []

    @pytest.mark.parametrize("signature", ["", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="])
    async def test_wrong_signature_is_refused(self, edge, signature):
        answer = await edge.deliver("text", **{"X-Twilio-Signature": signature})

        assert answer.status == 403
        assert edge.rows("inbox") == []

    async def test_signature_of_any_bytes_is_refused(self, edge):
        answer = await edge.send_raw(
            b"POST /twilio/webhook HTTP/1.1\r\nX-Twilio-Signature: \xff\xfe\x80\r\n",
            CASES["text"]["body"].encode(),
        )

        assert answer.startswith(b"HTTP/1.1 403 ")
        assert edge.rows("inbox") == []

    async def test_signature_for_another_address_is_refused(self, edge):
        case = CASES["text"]
        headers = {"X-Twilio-Signature": case["x_twilio_signature"]}

        for path in ("/twilio/status", "/twilio/webhook?x=1"):
            answer = await edge.request(
                "POST", path, data=case["body"], headers=headers
            )
            assert answer.status == 403

    async def test_headers_of_the_caller_do_not_choose_the_address(self, tmp_path):
        async with running_edge(
            tmp_path, PUBLIC_BASE_URL="https://outro.example"
        ) as edge:
            answer = await edge.deliver(
                "text",
                **{"Host": "bot.escritorio.example", "X-Forwarded-Proto": "https"},
                **{"X-Forwarded-Host": "bot.escritorio.example"},
            )

        assert answer.status == 403

    async def test_without_a_token_everything_is_refused(self, tmp_path):
        async with running_edge(tmp_path, TWILIO_AUTH_TOKEN="") as edge:
            for name in ("text", "status_sent"):
                answer = await edge.deliver(name)
                assert answer.status == 403
                assert "TWILIO_AUTH_TOKEN" in answer.json["erro"]["mensagem"]
            assert edge.rows("inbox") == []

    async def test_secondary_token_is_accepted_too(self, tmp_path):
        tokens = {"TWILIO_AUTH_TOKEN": "novo", "TWILIO_AUTH_TOKEN_SECONDARY": TOKEN}
        async with running_edge(tmp_path, **tokens) as edge:
            answer = await edge.deliver("text")

        assert answer.status == 200

    async def test_message_of_another_account_is_refused(self, tmp_path):
        async with running_edge(tmp_path, TWILIO_ACCOUNT_SID="AC" + "b" * 32) as edge:
            answer = await edge.deliver("text")
            assert (answer.status, edge.rows("inbox")) == (403, [])

    @pytest.mark.parametrize(
        "body", [b"\xff\xfe", b"Body", b'{"Body": "oi"}', b"Body=%FF"]
    )
    async def test_body_that_is_no_form_is_refused(self, edge, body):
        answer = await edge.deliver("text", body)

        assert answer.status == 400
        assert answer.json["erro"]["mensagem"] == (
            "O corpo não é um formulário do Twilio."
        )

    async def test_empty_body_is_refused(self, edge):
        answer = await edge.deliver("text", "")

        assert answer.status == 403

    async def test_body_over_64_kib_is_refused(self, edge):
        body = CASES["text"]["body"] + "&X=" + "x" * 64 * 1024

        answer = await edge.deliver("text", body)

        assert answer.status == 413
        assert edge.rows("inbox") == []

    @pytest.mark.parametrize("field", ["MessageSid", "AccountSid", "From", "To"])
    async def test_signed_message_without_a_field_names_it(self, edge, field):
        form = dict(parse_qsl(CASES["text"]["body"], keep_blank_values=True))
        form[field] = ""

        answer = await edge.deliver_form("/twilio/webhook", form)

        assert answer.status == 400
        assert answer.json == {
            "erro": {"mensagem": f"Falta o campo {field}.", "campo": field}
        }
        assert edge.rows("inbox") == []

    async def test_characters_that_no_database_keeps_are_dropped(self, edge):
        form = dict(parse_qsl(CASES["text"]["body"], keep_blank_values=True))

        answer = await edge.deliver_form(
            "/twilio/webhook", {**form, "Body": "oi\x00 doutor"}
        )

        assert answer.status == 200
        assert [row.text for row in edge.rows("inbox")] == ["oi doutor"]

    async def test_status_sent_to_the_wrong_address_is_acknowledged(self, edge):
        form = dict(parse_qsl(CASES["status_sent"]["body"], keep_blank_values=True))

        answer = await edge.deliver_form("/twilio/webhook", form)

        assert (answer.status, answer.text) == (200, TWIML)
        assert edge.rows("inbox") == []

    async def test_status_moves_the_answer_that_its_token_names(self, edge, assistant):
        await edge.deliver("text")
        row = await until_answered(edge)
        form = dict(parse_qsl(CASES["status_read"]["body"], keep_blank_values=True))

        answer = await edge.deliver_form(f"/twilio/status?o={row.token}", form)

        assert answer.status == 204
        (moved,) = edge.rows("outbox")
        assert (moved.status, moved.provider_sid) == ("read", form["MessageSid"])


async def until_answered(edge: Edge) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for row in edge.rows("outbox"):
                return row
            await asyncio.sleep(0.01)


class TestDatabaseTrouble:
    async def test_message_is_refused_for_now_and_taken_afterwards(self, edge):
        edge.change_database("ALTER TABLE inbox RENAME TO gone")

        refused = await edge.deliver("text")
        asked = await edge.ask(RIGHT)
        health = await edge.request("GET", "/saude")
        edge.change_database("ALTER TABLE gone RENAME TO inbox")
        accepted = await edge.deliver("text")

        assert (refused.status, asked.status, health.status) == (503, 503, 503)
        assert refused.json["erro"]["mensagem"] == (
            "Banco de dados fora do ar; tente de novo."
        )
        assert "fora do ar" in asked.json["erro"]["mensagem"]
        assert health.json["aceita_mensagens"] is False
        assert accepted.status == 200
        assert len(edge.rows("inbox")) == 1

    async def test_status_is_refused_for_now(self, edge):
        edge.change_database("ALTER TABLE outbox RENAME TO gone")

        refused = await edge.deliver("status_sent")

        assert refused.status == 503

    async def test_postgresql_that_stops_and_comes_back_loses_nothing(
        self, tmp_path, postgres_server
    ):
        url = postgres_server.new_database()
        async with running_edge(tmp_path, DATABASE_URL=url) as edge:
            before = await edge.deliver("text")
            await asyncio.to_thread(postgres_server.stop)
            try:
                refused = await edge.deliver("voice_note")
                asked = await edge.ask(RIGHT)
            finally:
                await asyncio.to_thread(postgres_server.start)
            again = await edge.deliver("voice_note")
            duplicate = await edge.deliver("text")

            assert (before.status, refused.status, asked.status) == (200, 503, 503)
            assert (again.status, duplicate.status) == (200, 200)
            assert len(edge.rows("inbox")) == 2

    @pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
    async def test_database_that_hangs_is_told_before_twilio_gives_up(
        self, tmp_path, request, kind
    ):
        environ = {"DATABASE_DEADLINE_S": "1"}
        if kind == "postgresql":
            server = request.getfixturevalue("postgres_server")
            environ["DATABASE_URL"] = server.new_database()
        async with running_edge(tmp_path, **environ) as edge:
            with hung(edge.engine):
                refused = await edge.deliver("text")
                status = await edge.deliver("status_sent")
                asked = await edge.ask(RIGHT)
            again = await edge.deliver("text")

            assert (refused.status, status.status, asked.status) == (503, 503, 503)
            assert again.status == 200
            (stored,) = edge.rows("inbox")  # what came too late was taken back
            assert stored.message_sid.startswith("SM")


@contextlib.contextmanager
def hung(engine: Engine) -> Iterator[None]:
    """Keeps everybody else from reading and writing messages, without an error."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.connection.dbapi_connection.execute("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("LOCK TABLE inbox, outbox")
        yield
        connection.connection.rollback()


BAD_INPUT = [
    # what arrives, status, the field that the answer names
    pytest.param(b"", 400, "", id="empty"),
    pytest.param(b"{", 400, "", id="malformed"),
    pytest.param(b"oi", 400, "", id="no JSON"),
    pytest.param(b'{"telefone": "\xff"}', 400, "", id="no UTF-8"),
    pytest.param(b'{"mensagem": "\xed\xa0\xbd"}', 400, "", id="surrogate in UTF-8"),
    pytest.param(b'{"mensagem": "a\x00b"}', 400, "", id="raw NUL"),
    pytest.param(b"[" * 30_000, 400, "", id="deep list"),
    pytest.param(b'{"a":' * 8_000, 400, "", id="deep object"),
    pytest.param(b"9" * 5_000, 400, "", id="huge number"),
    pytest.param([], 400, "", id="list"),
    pytest.param("oi", 400, "", id="text"),
    pytest.param(None, 400, "", id="null"),
    pytest.param({}, 422, "telefone", id="no fields"),
    pytest.param({"mensagem": "oi"}, 422, "telefone", id="no phone"),
    pytest.param({**RIGHT, "telefone": None}, 422, "telefone", id="null phone"),
    pytest.param({**RIGHT, "telefone": ""}, 422, "telefone", id="blank phone"),
    pytest.param({**RIGHT, "telefone": 5511987654321}, 422, "telefone", id="number"),
    pytest.param({**RIGHT, "telefone": ["x"]}, 422, "telefone", id="phone in a list"),
    pytest.param({**RIGHT, "telefone": "oi"}, 422, "telefone", id="phone that is none"),
    pytest.param({**RIGHT, "telefone": "98765-4321"}, 422, "telefone", id="no area"),
    pytest.param({**RIGHT, "telefone": "1" * 41}, 422, "telefone", id="long phone"),
    pytest.param({"telefone": RIGHT["telefone"]}, 422, "mensagem", id="no text"),
    pytest.param({**RIGHT, "mensagem": None}, 422, "mensagem", id="null text"),
    pytest.param({**RIGHT, "mensagem": ""}, 422, "mensagem", id="empty text"),
    pytest.param({**RIGHT, "mensagem": " \n\t "}, 422, "mensagem", id="blank text"),
    pytest.param({**RIGHT, "mensagem": "\x00"}, 422, "mensagem", id="only NUL"),
    pytest.param({**RIGHT, "mensagem": "\ud83d"}, 422, "mensagem", id="lone surrogate"),
    pytest.param({**RIGHT, "mensagem": 7}, 422, "mensagem", id="number for text"),
    pytest.param({**RIGHT, "mensagem": {"a": 1}}, 422, "mensagem", id="text as object"),
    pytest.param({**RIGHT, "mensagem": True}, 422, "mensagem", id="text as boolean"),
    pytest.param({**RIGHT, "mensagem": "x" * 4097}, 422, "mensagem", id="4097 letters"),
    pytest.param({**RIGHT, "mensagem": "x" * 70_000}, 413, "mensagem", id="70 KB"),
    pytest.param({**RIGHT, "mensagem": "x" * 1_000_000}, 413, "mensagem", id="1 MB"),
    pytest.param({**RIGHT, "mensagem": "x" * 3_000_000}, 413, "mensagem", id="3 MB"),
    pytest.param({**RIGHT, "nome": 7}, 422, "nome", id="number for a name"),
    pytest.param({**RIGHT, "nome": "x" * 201}, 422, "nome", id="long name"),
]


def assert_is_refusal(answer: SimpleNamespace, status: int, field: str) -> None:
    assert (answer.status, answer.content_type) == (status, "application/json")
    assert set(answer.json) == {"erro"}
    assert set(answer.json["erro"]) == {"mensagem", "campo"}
    assert answer.json["erro"]["campo"] == field
    message = answer.json["erro"]["mensagem"]
    assert re.match(r"[A-ZÀ-Ú].*[.}]$", message), message
    assert not re.search(r"\b(error|invalid|expecting|field required)\b", message, re.I)


class TestApiBadInput:
    @pytest.mark.parametrize(("body", "status", "field"), BAD_INPUT)
    async def test_request_is_refused_and_nothing_is_stored(
        self, edge, body, status, field
    ):
        answer = await edge.ask(body)

        assert_is_refusal(answer, status, field)
        assert edge.rows("inbox") == edge.rows("conversation") == []

    @pytest.mark.parametrize(
        "content_type",
        ["text/plain", FORM, "multipart/form-data; boundary=x", "", "json"],
    )
    async def test_wrong_content_type_is_refused(self, edge, content_type):
        answer = await edge.ask(RIGHT, **{"Content-Type": content_type})

        assert_is_refusal(answer, 415, "Content-Type")
        assert edge.rows("inbox") == []

    @pytest.mark.parametrize(
        "authorization",
        [
            "",
            "Bearer",
            "Bearer ",
            "Bearer errado",
            f"Bearer {API_TOKEN}x",
            f"Bearer {API_TOKEN[:-1]}",
            f"Basic {API_TOKEN}",
            API_TOKEN,
            "Bearer é",
        ],
    )
    async def test_wrong_token_is_refused(self, edge, authorization):
        answer = await edge.ask(RIGHT, Authorization=authorization)

        assert_is_refusal(answer, 401, "Authorization")
        assert edge.rows("inbox") == []

    async def test_token_of_any_bytes_is_refused(self, edge):
        answer = await edge.send_raw(
            b"POST /processar_atendimento HTTP/1.1\r\n"
            b"Authorization: Bearer \xff\xfe\r\nContent-Type: application/json\r\n",
            json.dumps(RIGHT).encode(),
        )

        assert answer.startswith(b"HTTP/1.1 401 ")

    async def test_token_is_asked_for_before_anything_else(self, edge):
        answer = await edge.ask(b"{", Authorization="Bearer errado")

        assert answer.status == 401

    async def test_service_goes_on_after_all_of_it(self, edge, assistant):
        for case in BAD_INPUT:
            await edge.ask(case.values[0])

        answer = await edge.ask(RIGHT)

        assert answer.status == 200


class TestApi:
    async def test_message_is_answered_in_the_response(self, edge, assistant):
        answer = await edge.ask(RIGHT)

        assert (answer.status, answer.content_type) == (200, "application/json")
        assert answer.json == {
            "resposta": "Abrimos de segunda a sexta.",
            "fluxo": "consultar_horario",
            "tipo_usuario": "desconhecido",
            "mensagens": ["Abrimos de segunda a sexta."],
            "confianca": 0.93,
            "quem_respondeu": "regra",
        }
        assert "ç" not in answer.text or "\\u" not in answer.text

    async def test_several_messages_are_joined_and_listed(self, edge, assistant):
        assistant.texts = ["Um.", "palavra " * 400]

        answer = await edge.ask(RIGHT)

        assert answer.json["mensagens"] == ["Um.", "palavra " * 400]
        assert answer.json["resposta"] == "Um.\n\n" + "palavra " * 400

    async def test_number_in_any_form_is_the_conversation_of_whatsapp(
        self, edge, assistant
    ):
        await edge.deliver("text")
        await edge.ask({**RIGHT, "telefone": "(11) 98765-4321"})

        (talk,) = edge.rows("conversation")
        assert talk.address == "whatsapp:+5511987654321"

    async def test_answer_is_never_sent_to_whatsapp(self, edge, assistant):
        await edge.ask(RIGHT)

        assert [row.status for row in edge.rows("outbox")] == ["returned"]

    async def test_name_and_cleaned_text_are_stored(self, edge, assistant):
        body = {**RIGHT, "mensagem": " oi\x00 \ud83d tudo \r\nbem ", "nome": "José"}

        answer = await edge.ask(body)

        assert answer.status == 200
        assert [row.text for row in edge.rows("inbox")] == ["oi  tudo \nbem"]
        assert [row.display_name for row in edge.rows("conversation")] == ["José"]

    @pytest.mark.parametrize("text", ["/restart", '/agendar_consulta{"a": 1}', "//x"])
    async def test_text_with_a_leading_slash_is_stored_as_text(
        self, edge, assistant, text
    ):
        answer = await edge.ask({**RIGHT, "mensagem": text})

        assert answer.status == 200
        assert [row.text for row in edge.rows("inbox")] == [text]

    async def test_longest_text_is_taken(self, edge, assistant):
        answer = await edge.ask({**RIGHT, "mensagem": "é" * 4096})

        assert answer.status == 200

    async def test_answer_that_is_late_is_said_to_be_late(self, tmp_path):
        async with running_edge(tmp_path, API_WAIT_S="0.1") as edge:
            answer = await edge.ask(RIGHT)

            assert_is_refusal(answer, 504, "")
            assert "está guardada" in answer.json["erro"]["mensagem"]
            assert len(edge.rows("inbox")) == 1

    @pytest.mark.parametrize(
        "content_type", ["application/json; charset=utf-8", "APPLICATION/JSON"]
    )
    async def test_json_may_say_its_charset(self, edge, assistant, content_type):
        answer = await edge.ask(RIGHT, **{"Content-Type": content_type})

        assert answer.status == 200

    async def test_requests_side_by_side_get_their_own_answers(self, edge, assistant):
        people = [f"+55119876543{n:02d}" for n in range(12)]

        answers = await asyncio.gather(
            *(edge.ask({**RIGHT, "telefone": phone}) for phone in people)
        )

        assert [answer.status for answer in answers] == [200] * 12
        assert len(edge.rows("conversation")) == 12


class TestOtherRequests:
    @pytest.mark.parametrize(
        "path", ["/", "/nada", "/webhooks/rest/webhook", "/twilio", "/painel", "/%00"]
    )
    async def test_unknown_address_is_said_in_json(self, edge, path):
        answer = await edge.request("GET", path)

        assert_is_refusal(answer, 404, "")
        assert answer.json["erro"]["mensagem"] == "Este endereço não existe."

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
    @pytest.mark.parametrize(
        "path", ["/twilio/webhook", "/twilio/status", "/processar_atendimento"]
    )
    async def test_wrong_method_is_said_in_json(self, edge, method, path):
        answer = await edge.request(method, path)

        assert_is_refusal(answer, 405, "")
        assert "outro método" in answer.json["erro"]["mensagem"]

    async def test_nonsense_is_answered_with_a_4xx(self, edge):
        answer = await edge.send_raw(b"NONSENSE\r\n")

        assert re.match(rb"HTTP/1.1 4\d\d ", answer)


class TestHealth:
    async def test_it_names_every_dependency_and_takes_messages(self, edge):
        answer = await edge.request("GET", "/saude")

        assert answer.status == 200
        assert answer.json["aceita_mensagens"] is True
        assert answer.json["estado"] == "degradado"
        states = {n: d["estado"] for n, d in answer.json["dependencias"].items()}
        assert states == {
            "banco": "ok",
            "borda": "ok",
            "rasa": "fora",
            "acoes": "fora",
            "painel": "fora",
            "ollama": "nao_configurado",
            "twilio": "desconhecido",
            "google": "nao_configurado",
            "whisper": "nao_configurado",
        }
        assert all(d["detalhe"] for d in answer.json["dependencias"].values())

    async def test_waiting_messages_are_counted(self, edge):
        await edge.deliver("text")

        answer = await edge.request("GET", "/saude")

        assert answer.json["dependencias"]["banco"]["fila"] == 1

    async def test_twilio_that_is_not_set_up_is_no_trouble(self, tmp_path):
        async with running_edge(tmp_path, TWILIO_AUTH_TOKEN="") as edge:
            answer = await edge.request("GET", "/saude")

        assert answer.json["dependencias"]["twilio"]["estado"] == "nao_configurado"

    async def test_trouble_of_twilios_is_told_for_an_hour(self, edge):
        with writing(edge.engine) as connection:
            raise_alert(connection, "63038", now=time.time() - 3601)
            raise_alert(connection, "20003", now=time.time())

        answer = await edge.request("GET", "/saude")

        twilio = answer.json["dependencias"]["twilio"]
        assert twilio["estado"] == "fora"
        assert "credenciais" in twilio["detalhe"]
        assert "limite" not in twilio["detalhe"]
        assert answer.json["aceita_mensagens"] is True

    async def google(self, edge) -> dict[str, str]:
        answer = await edge.request("GET", "/saude")
        return answer.json["dependencias"]["google"]

    async def test_google_that_nobody_has_connected_yet(self, tmp_path):
        async with running_edge(tmp_path, GOOGLE_CLIENT_ID="x") as edge:
            shown = await self.google(edge)

        assert shown["estado"] == "nao_configurado"
        assert "falta conectar" in shown["detalhe"]

    @pytest.mark.parametrize(
        ("state", "age_s", "expected", "words"),
        [
            ("conectado", 0, "ok", "1 trabalho na fila"),
            ("conectado", 301, "degradado", "o mais antigo há 5 min"),
            ("reconectar", 0, "fora", "precisa ser reconectado desde"),
        ],
    )
    async def test_google_is_told_with_what_waits_for_it(
        self, tmp_path, state, age_s, expected, words
    ):
        async with running_edge(tmp_path, GOOGLE_CLIENT_ID="x") as edge:
            with writing(edge.engine) as connection:
                google.save(
                    connection,
                    google.Account("escritorio", (), "", state, 1.0, 1.0, "painel"),
                )
                now = time.time()
                jobs.add(connection, key="1", kind="agenda", facts={}, now=now - age_s)
                later = now + 999
                jobs.add(
                    connection,
                    key="2",
                    kind="lembrete",
                    facts={},
                    now=now - 999,
                    not_before=later,
                )
            shown = await self.google(edge)

        assert shown["estado"] == expected
        assert words in shown["detalhe"]

    async def test_alert_of_googles_is_no_trouble_of_twilios(self, edge):
        with writing(edge.engine) as connection:
            raise_alert(connection, "google_reconectar", now=time.time())

        answer = await edge.request("GET", "/saude")

        assert answer.json["dependencias"]["twilio"]["estado"] == "desconhecido"

    async def test_it_tells_no_secret_and_no_address_of_ours(self, edge):
        answer = await edge.request("GET", "/saude")

        for secret in (API_TOKEN, TOKEN, "sqlite", "127.0.0.1", str(ROOT)):
            assert secret not in answer.text

    async def test_readiness_is_answered_at_once(self, edge):
        answer = await edge.request("GET", "/pronto")

        assert (answer.status, answer.json) == (200, {"estado": "ok"})


PLANTED = {
    "text": "fui demitida grávida do mercado Aurora",
    "name": "Josefina Planta da Silva",
    "number": "11955551234",
    "api token": "token-plantado-0123456789",
    "wrong token": "palpite-plantado-0123456789",
    "auth token": TOKEN,
}


class TestProcess:
    """The edge as it is started in production."""

    @contextlib.asynccontextmanager
    async def running(self, folder: Path) -> AsyncIterator[Any]:
        port = unused_port()
        environ = {
            **os.environ,
            "EDGE_PORT": str(port),
            "RASA_PORT": str(unused_port()),
            "API_TOKEN": PLANTED["api token"],
            "API_WAIT_S": "0.2",
            "DATABASE_URL": f"sqlite:///{folder}/edge.db",
            "LOG_LEVEL": "DEBUG",
            "PUBLIC_BASE_URL": PUBLIC,
            "TWILIO_ACCOUNT_SID": "AC" + "a" * 32,
            "TWILIO_API_BASE_URL": f"http://127.0.0.1:{unused_port()}",
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_AUTH_TOKEN_SECONDARY": TOKEN,
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "connectors.edge"),
            cwd=ROOT,
            env=environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        settings = SimpleNamespace(edge_url=f"http://127.0.0.1:{port}", edge_port=port)
        engine = open_engine(environ["DATABASE_URL"])
        try:
            async with aiohttp.ClientSession() as http:
                edge = Edge(http, settings, engine)
                await _until_ready(edge)
                yield SimpleNamespace(edge=edge, process=process)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            engine.dispose()

    async def test_no_log_line_holds_what_people_wrote_or_a_secret(self, tmp_path):
        async with self.running(tmp_path) as started:
            await self.make_everything_happen(started.edge)
            started.process.terminate()
            printed, logged = await asyncio.wait_for(
                started.process.communicate(), PATIENCE_S
            )

        written = (printed + logged).decode()
        found = [name for name, value in PLANTED.items() if value in written]
        assert found == []
        lines = [json.loads(line) for line in written.splitlines()]
        events = {line.get("event") for line in lines}
        assert events >= {
            "message_received",
            "webhook_refused",
            "status_received",
            "inbox_unavailable",
            "api_wait_exceeded",
        }

    async def make_everything_happen(self, edge: Edge) -> None:
        form = dict(parse_qsl(CASES["text"]["body"], keep_blank_values=True))
        form |= {
            "Body": PLANTED["text"],
            "ProfileName": PLANTED["name"],
            "From": f"whatsapp:+55{PLANTED['number']}",
        }
        status = dict(parse_qsl(CASES["status_read"]["body"]))
        right = {
            "telefone": PLANTED["number"],
            "mensagem": PLANTED["text"],
            "nome": PLANTED["name"],
        }
        good = {"Authorization": f"Bearer {PLANTED['api token']}"}
        bad = {"Authorization": f"Bearer {PLANTED['wrong token']}"}

        async def everything() -> None:
            await edge.deliver_form("/twilio/webhook", form)
            await edge.deliver_form("/twilio/webhook", {**form, "To": ""})
            await edge.deliver("text", urlencode(form))
            await edge.deliver_form(f"/twilio/status?o={PLANTED['number']}", status)
            await edge.ask(right, **good)
            await edge.ask(right, **bad)
            await edge.ask({**right, "telefone": PLANTED["text"]}, **good)
            await edge.ask(PLANTED["text"].encode(), **good)
            await edge.request("GET", f"/{PLANTED['number']}")
            await edge.request("GET", "/saude")
            await edge.send_raw(PLANTED["text"].encode() + b"\r\n")

        await everything()
        edge.change_database("ALTER TABLE inbox RENAME TO gone")
        await everything()
        edge.change_database("ALTER TABLE gone RENAME TO inbox")

    async def test_it_takes_messages_in_under_two_seconds(self, tmp_path):
        started_at = time.monotonic()

        async with self.running(tmp_path):
            took_s = time.monotonic() - started_at

        assert took_s < 5  # two, where the machine has nothing else to do

    async def test_it_stops_when_told_to(self, tmp_path):
        async with self.running(tmp_path) as started:
            started.process.terminate()

            status = await asyncio.wait_for(started.process.wait(), PATIENCE_S)

        assert status == 0

    async def test_wrong_settings_are_told_in_portuguese_and_end_it(self, tmp_path):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "connectors.edge"),
            cwd=ROOT,
            env={**os.environ, "EDGE_PORT": "0", "LOG_LEVEL": "TUDO"},
            stderr=asyncio.subprocess.PIPE,
        )

        _, told = await asyncio.wait_for(process.communicate(), PATIENCE_S)

        assert process.returncode == 2
        assert told.decode().splitlines() == [
            "Configuração errada:",
            "EDGE_PORT ('0'): deve estar entre 1 e 65535",
            "LOG_LEVEL ('TUDO'): deve ser DEBUG, INFO, WARNING, ERROR",
        ]


async def _until_ready(edge: Edge) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(aiohttp.ClientConnectorError):
                if (await edge.request("GET", "/pronto")).status == 200:
                    break
            await asyncio.sleep(0.02)
        # Sanic may answer before it runs, and forgets a SIGTERM of that instant
        await edge.request("GET", "/saude")

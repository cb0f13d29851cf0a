"""The connection to Google as the panel asks for it over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.core.ports import Trouble
from tests.contract.google_desk import EVENTS, FREEBUSY
from tests.contract.google_server import SECRET, serving
from tests.fakes.fake_google import FakeGoogle, Fault, running

BACK = "http://127.0.0.1:8080/painel/google/retorno"
OWNER = "a" * 64
ROUTES = (
    ("GET", "/google"),
    ("POST", "/google/iniciar"),
    ("POST", "/google/concluir"),
    ("POST", "/google/desconectar"),
    ("GET", "/google/transferencia"),
    ("POST", "/google/transferir"),
)


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with running() as google:
        yield google


@pytest.fixture
async def served(google, tmp_path):
    async with serving(google, tmp_path) as found:
        yield found


async def connect(served, *names: str, owner: str = OWNER) -> tuple[int, dict]:
    wanted = {"recursos": list(names), "retorno": BACK, "dono": OWNER}
    _, begun = await served.ask("POST", "/google/iniciar", json=wanted)
    back = await served.visit(begun["url"])
    kept = {name: back[name] for name in ("state", "code", "error") if name in back}
    return await served.ask("POST", "/google/concluir", json={**kept, "dono": owner})


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("secret", [None, "", "errado", SECRET + "x"])
async def test_nobody_is_served_without_the_secret(served, method, path, secret):
    status, body = await served.ask(method, path, secret=secret)

    assert (status, body) == (401, {"error": "wrong or missing secret"})


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_server_that_is_opening_says_so(served, method, path):
    served.is_open = False

    status, body = await served.ask(method, path)

    assert status == 503
    assert "começando" in body["erro"]["mensagem"]


async def test_status_tells_each_permission_in_words(served):
    _, before = await served.ask("GET", "/google")
    served.google.oauth.consent.unticked = {FREEBUSY}
    status, after = await connect(served, "agenda", "disponibilidade", "arquivos")

    assert (before["ligacao"], before["desde"], before["por"]) == (
        *("desligado", None),
        "",
    )
    assert (before["configurado"], before["tipo"]) == (True, "oauth")
    assert (status, after["ligacao"], after["por"]) == (200, "conectado", "painel")
    granted = {each["nome"]: each["concedido"] for each in after["recursos"]}
    assert granted == {"agenda": True, "disponibilidade": False, "arquivos": True}
    for each in after["recursos"]:
        assert each["titulo"]
        assert each["serve_para"]
        assert each["sem_ele"]
    assert (await served.ask("GET", "/google"))[1] == after


async def test_only_what_was_chosen_is_asked_for(served):
    wanted = {"recursos": ["agenda"], "retorno": BACK, "dono": OWNER}

    _, begun = await served.ask("POST", "/google/iniciar", json=wanted)

    query = parse_qs(urlsplit(begun["url"]).query)
    assert query["scope"] == [EVENTS]
    assert query["redirect_uri"] == [BACK]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"recursos": [], "retorno": BACK, "dono": OWNER}, "recursos"),
        ({"recursos": ["tudo"], "retorno": BACK, "dono": OWNER}, "recursos"),
        ({"recursos": "agenda,x", "retorno": BACK, "dono": OWNER}, "recursos"),
        ({"recursos": [["agenda"]], "retorno": BACK, "dono": OWNER}, "recursos"),
        ({"retorno": BACK, "dono": OWNER}, "recursos"),
        ({"recursos": ["agenda"], "dono": OWNER}, "retorno"),
        ({"recursos": ["agenda"], "retorno": "x:y", "dono": OWNER}, "retorno"),
        ({"recursos": ["agenda"], "retorno": BACK}, "dono"),
        ({"recursos": ["agenda"], "retorno": BACK, "dono": 7}, "dono"),
        ([], ""),
    ],
)
async def test_what_cannot_be_begun_is_said(served, wanted, field):
    status, body = await served.ask("POST", "/google/iniciar", json=wanted)

    assert (status, body["erro"]["campo"]) == (400, field)
    assert body["erro"]["mensagem"]


async def test_somebody_else_does_not_finish(served):
    status, body = await connect(served, "agenda", owner="b" * 64)

    assert status == 400
    assert "outra sessão" in body["erro"]["mensagem"]


async def test_denied_permission_is_told(served):
    served.google.oauth.consent.denies = True

    status, body = await connect(served, "agenda")

    assert status == 400
    assert "não foi dada" in body["erro"]["mensagem"]


async def test_finishing_needs_a_state(served):
    status, body = await served.ask("POST", "/google/concluir", json={"dono": OWNER})

    assert (status, body["erro"]["campo"]) == (400, "state")


async def test_google_that_does_not_answer_is_told(served):
    served.google.fail_next(Fault("error", at="oauth.token"))

    status, body = await connect(served, "agenda")

    assert status == 502
    assert "Google não respondeu" in body["erro"]["mensagem"]


async def test_disconnecting_tells_whether_google_confirmed(served):
    await connect(served, "agenda")
    confirmed = await served.ask("POST", "/google/desconectar")
    await connect(served, "agenda")
    served.google.fail_next(Fault("error", at="oauth.revoke"))
    unconfirmed = await served.ask("POST", "/google/desconectar")

    assert confirmed == (200, {"confirmado": True})
    assert unconfirmed == (200, {"confirmado": False})
    assert (await served.ask("GET", "/google"))[1]["ligacao"] == "desligado"


async def test_what_waits_is_counted_and_begun(served):
    waiting = await served.ask("GET", "/google/transferencia")
    begun = await served.ask("POST", "/google/transferir")
    after = await served.ask("GET", "/google/transferencia")

    assert waiting == begun == (200, {"events": 3, "files": 2, "sheets": 1})
    assert after == (200, {"events": 0, "files": 0, "sheets": 0})


async def test_transfer_that_cannot_begin_says_so(served):
    served.transfers.trouble = Trouble.LATER

    status, body = await served.ask("POST", "/google/transferir")

    assert status == 502
    assert "tente de novo" in body["erro"]["mensagem"]


async def test_broken_body_is_refused(served):
    status, _ = await served.ask("POST", "/google/iniciar", data=b"{")

    assert status == 400


async def test_service_account_is_told_as_such(google, tmp_path):
    key = google.oauth.add_service_account("a@b.example", f"{google.url}/token")
    path = tmp_path / "chave.json"
    path.write_text(json.dumps(key))
    async with serving(
        google, tmp_path, GOOGLE_SERVICE_ACCOUNT_FILE=str(path)
    ) as served:
        _, found = await served.ask("GET", "/google")
        status, body = await served.ask("POST", "/google/desconectar")

    assert (found["tipo"], found["ligacao"]) == ("conta_de_servico", "conectado")
    assert status == 400
    assert "GOOGLE_SERVICE_ACCOUNT_FILE" in body["erro"]["mensagem"]

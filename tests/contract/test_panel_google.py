"""The panel's page "Google" over HTTP: panel, action server's routes, fake Google."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.core.google_link import Link
from bot.core.ports import Feature, Trouble
from bot.store import google as stored
from bot.store.database import writing
from panel.google import link_watch
from tests.contract.google_desk import EVENTS, FREEBUSY
from tests.contract.google_server import SECRET, serving
from tests.contract.test_panel import HTMX, Browser, Clock, running_panel
from tests.fakes.fake_google import FakeGoogle, Fault, running

PAGE, BACK = "/painel/google", "/painel/google/retorno"
ALL_NAMES = ["agenda", "disponibilidade", "arquivos"]


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with running() as google:
        yield google


@pytest.fixture
async def place(google, tmp_path) -> AsyncIterator[SimpleNamespace]:
    shared = {"DATABASE_URL": f"sqlite:///{tmp_path}/um.db"}
    async with (
        serving(google, tmp_path, **shared) as served,
        running_panel(
            tmp_path,
            edge_port=9,
            clock=Clock(),
            ACTIONS_PORT=str(served.port),
            ACTIONS_SECRET=SECRET,
            **shared,
        ) as panel,
    ):
        await panel.browser.enter(panel.access.new_link())
        yield SimpleNamespace(
            served=served, panel=panel, browser=panel.browser, google=google
        )


def onward(page: str) -> str:
    """Returns where a page leads, by itself and by its button."""
    [by_itself] = re.findall(r'http-equiv="refresh" content="0; url=([^"]+)"', page)
    assert f'href="{by_itself}"' in page
    return html.unescape(by_itself)


async def visit_google(url: str) -> str:
    """Returns the path and query that Google sends the browser back to."""
    async with (
        aiohttp.ClientSession() as http,
        http.get(url, allow_redirects=False) as answer,
    ):
        parts = urlsplit(answer.headers["Location"])
    assert parts.path == BACK
    return f"{parts.path}?{parts.query}"


async def begin(place, *names: str) -> str:
    """Chooses and permits; returns where Google sends the browser back to."""
    browser = place.browser
    chosen = [("recursos", name) for name in names or ALL_NAMES]
    answer = await browser.request(
        "POST",
        f"{PAGE}/conectar",
        data=aiohttp.FormData([("csrf", browser.csrf), *chosen]),
        headers={"Origin": browser.origin},
    )
    assert answer.status == 200, answer.text
    return await visit_google(onward(answer.text))


async def connect(place, *names: str) -> None:
    back = await begin(place, *names)
    answer = await place.browser.get(back)
    assert answer.headers["Location"] == f"{PAGE}?feito=conectado", answer.text


def lose(place) -> None:
    with writing(place.served.engine) as connection:
        known = stored.find(connection)
        assert stored.mark_lost(connection, known, now=1_795_000_000.0)


def visible(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


async def test_page_before_anybody_connects_offers_each_permission(place):
    answer = await place.browser.get(PAGE)

    text = visible(answer.text)
    assert answer.status == 200
    assert "Não conectado." in text
    assert answer.text.count('type="checkbox"') == 3
    assert answer.text.count(" checked>") == 3
    for title in ("Compromissos na agenda", "Horários livres", "Arquivos e planilhas"):
        assert title in text
    assert "vale só 7 dias" in text
    assert ">Conectar</button>" in answer.text
    assert "Desconectar" not in text
    assert "Levar para o Google" not in text


async def test_every_field_has_its_label(place):
    page = (await place.browser.get(PAGE)).text

    for field in re.findall(r'<input type="checkbox"[^>]+id="([^"]+)"', page):
        assert f'<label for="{field}">' in page
    for described in re.findall(r'aria-describedby="([^"]+)"', page):
        assert f'id="{described}"' in page


async def test_person_connects_and_sees_it(place):
    await connect(place)

    answer = await place.browser.get(f"{PAGE}?feito=conectado")

    text = visible(answer.text)
    assert "Pronto: o Google está conectado." in text
    assert "Conectado." in text
    assert "por este painel" in text
    assert text.count("Ligada") == 3
    assert "Desligada" not in text
    assert place.served.account.status().features == frozenset(Feature)


async def test_only_what_is_ticked_is_asked_for(place):
    await connect(place, "agenda")

    [asked] = place.google.calls("oauth.authorize")
    assert asked.query["scope"] == [EVENTS]
    assert asked.query["redirect_uri"] == [place.panel.settings.panel_base_url + BACK]


async def test_what_was_unticked_at_google_is_named_and_offered(place):
    place.google.oauth.consent.unticked = {FREEBUSY}
    await connect(place)

    page = (await place.browser.get(PAGE)).text

    text = visible(page)
    assert "Conectado, com parte das permissões." in text
    assert "Desligada Sem ela, só o que este assistente marcou" in text
    assert "Permitir Horários livres" in text
    form = re.search(r"<form(?:(?!</form>).)*Permitir", page, re.DOTALL)[0]
    names = re.findall(r'name="recursos" value="(\w+)"', form)
    assert set(names) == set(ALL_NAMES)  # a client of desktops adds nothing by itself
    place.google.oauth.consent.unticked = set()
    await connect(place, *names)
    assert visible((await place.browser.get(PAGE)).text).count("Ligada") == 3


async def test_nothing_ticked_is_explained(place):
    answer = await place.browser.post(f"{PAGE}/conectar")

    assert answer.status == 400
    assert "Escolha" in visible(answer.text)


async def test_form_leads_to_google_by_a_page_of_ours(place):
    """A form that is redirected to another site is stopped by `form-action`."""
    answer = await place.browser.post(f"{PAGE}/conectar", recursos="agenda")

    assert answer.status == 200
    assert onward(answer.text).startswith(place.google.url)
    assert "form-action 'self'" in answer.headers["Content-Security-Policy"]


class TestComingBack:
    async def test_visit_without_the_cookie_starts_again_from_here(self, place):
        back = await begin(place)
        stranger = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        async with stranger as http:
            bare = Browser(http, place.browser.origin)
            first = await bare.get(back)
            second = await bare.get(onward(first.text))

        assert first.status == 200
        assert "Sair" not in first.text
        assert "csrf" not in first.text
        assert place.google.calls("oauth.token") == []
        assert (second.status, second.headers["Location"]) == (303, "/painel/entrar")
        again = await place.browser.get(onward(first.text))
        assert again.headers["Location"] == f"{PAGE}?feito=conectado"

    async def test_page_between_carries_nothing_but_googles_answer(self, place):
        stranger = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        evil = '"><script>alert(1)</script>'
        async with stranger as http:
            bare = Browser(http, place.browser.origin)
            answer = await bare.request(
                "GET",
                BACK,
                params={"state": evil, "code": "c", "error": "", "url": "http://x"},
            )

        assert "<script>" not in answer.text
        parts = urlsplit(onward(answer.text))
        assert (parts.netloc, parts.path) == ("", BACK)
        assert parse_qs(parts.query) == {"state": [evil], "code": ["c"], "aqui": ["1"]}

    async def test_answer_is_good_once(self, place):
        back = await begin(place)
        await place.browser.get(back)

        again = await place.browser.get(back)

        assert again.status == 400
        assert "já foi usado" in visible(again.text)
        assert "Comece de novo" in visible(again.text)

    async def test_another_session_does_not_finish(self, place):
        back = await begin(place)
        await place.browser.enter(place.panel.access.new_link())

        answer = await place.browser.get(back)

        assert answer.status == 400
        assert "outra sessão" in visible(answer.text)
        assert place.google.calls("oauth.token") == []

    @pytest.mark.parametrize("query", ["", "?code=x", "?state=inventado&code=x"])
    async def test_invented_answer_is_refused(self, place, query):
        answer = await place.browser.get(BACK + query)

        assert answer.status == 400
        assert "O Google não foi conectado" in visible(answer.text)
        assert "inventado" not in answer.text

    async def test_denied_permission_is_explained(self, place):
        place.google.oauth.consent.denies = True
        back = await begin(place)

        answer = await place.browser.get(back)

        assert answer.status == 400
        assert "A permissão não foi dada" in visible(answer.text)

    async def test_google_that_does_not_answer_is_explained(self, place):
        back = await begin(place)
        place.google.fail_next(Fault("error", at="oauth.token"))

        answer = await place.browser.get(back)

        assert answer.status == 502
        assert "O Google não respondeu" in visible(answer.text)


class TestReconnecting:
    async def test_every_page_says_so_until_it_is_done(self, place):
        await connect(place)
        for path in ("/painel", PAGE, "/painel/nao-existe", f"{PAGE}/desconectar"):
            assert "reconectado" not in (await place.browser.get(path)).text
        lose(place)

        for path in ("/painel", PAGE, "/painel/nao-existe", f"{PAGE}/desconectar"):
            page = (await place.browser.get(path)).text
            assert 'class="banner" role="alert"' in page
            assert "O Google precisa ser reconectado." in page
        await connect(place)
        assert "banner" not in (await place.browser.get("/painel")).text

    async def test_banner_speaks_of_the_connection_that_is_in_use(self, place):
        await connect(place)
        lose(place)
        settings = place.panel.settings
        robot = replace(settings, google_service_account_file="chave.json")

        assert link_watch(place.served.engine, settings)()
        assert not link_watch(place.served.engine, robot)()

    async def test_who_is_not_in_does_not_learn_of_it(self, place):
        await connect(place)
        lose(place)
        await place.browser.post("/painel/sair")

        assert "Google" not in (await place.browser.get("/painel/entrar")).text

    async def test_piece_of_a_page_has_no_banner(self, place):
        await connect(place)
        lose(place)

        piece = await place.browser.get("/painel/situacao", **HTMX)

        assert "reconectado" not in piece.text

    async def test_page_offers_the_same_permissions_again(self, place):
        await connect(place, "agenda", "arquivos")
        lose(place)

        page = (await place.browser.get(PAGE)).text

        text = visible(page)
        assert "É preciso reconectar" in text
        assert ">Reconectar</button>" in page
        assert re.findall(r'type="hidden" name="recursos" value="(\w+)"', page) == [
            "agenda",
            "arquivos",
        ]
        assert text.count("Esperando") == 2


class TestDisconnecting:
    async def test_it_is_asked_first(self, place):
        await connect(place)

        asked = await place.browser.get(f"{PAGE}/desconectar")

        assert "Desconectar o Google?" in visible(asked.text)
        assert place.served.account.status().link is Link.CONNECTED

    async def test_it_is_done_and_said(self, place):
        await connect(place)

        answer = await place.browser.post(f"{PAGE}/desconectar")

        assert answer.headers["Location"] == f"{PAGE}?feito=desconectado"
        text = visible((await place.browser.get(answer.headers["Location"])).text)
        assert "Desconectado." in text
        assert "Não conectado." in text

    async def test_google_that_did_not_confirm_is_named(self, place):
        await connect(place)
        place.google.fail_next(Fault("error", at="oauth.revoke"))

        answer = await place.browser.post(f"{PAGE}/desconectar")

        text = visible((await place.browser.get(answer.headers["Location"])).text)
        assert "myaccount.google.com/connections" in text


class TestTransfer:
    async def test_what_waits_is_offered_with_numbers(self, place):
        await connect(place)

        text = visible((await place.browser.get(PAGE)).text)

        assert "3 compromissos, 2 documentos e 1 planilha." in text
        assert "Não consegui contar" not in text

    async def test_it_begins_and_is_offered_no_more(self, place):
        await connect(place)

        answer = await place.browser.post(f"{PAGE}/transferir")

        page = await place.browser.get(answer.headers["Location"])
        assert "A transferência começou" in visible(page.text)
        assert "Ainda estão só nesta máquina" not in visible(page.text)
        again = await place.browser.post(f"{PAGE}/transferir")
        assert again.headers["Location"] == f"{PAGE}?feito=nada"

    async def test_failure_is_told(self, place):
        await connect(place)
        place.served.transfers.trouble = Trouble.LATER

        answer = await place.browser.post(f"{PAGE}/transferir")

        assert answer.status == 502
        assert "A transferência não começou" in visible(answer.text)

    async def test_page_stands_where_nobody_can_count(self, place):
        await connect(place)
        place.served.transfers.trouble = Trouble.LATER

        answer = await place.browser.get(PAGE)

        text = visible(answer.text)
        assert answer.status == 200
        assert "Não consegui contar" in text
        assert "Conectado." in text
        assert "Desconectar" in text


@pytest.mark.parametrize("action", ["conectar", "desconectar", "transferir"])
async def test_nothing_is_done_without_the_forms_token(place, action):
    await connect(place)
    writes = len(place.google.received)

    forged = await place.browser.post(f"{PAGE}/{action}", csrf="errado")
    foreign = await place.browser.post(
        f"{PAGE}/{action}", {"Origin": "https://outro.example"}
    )

    assert (forged.status, foreign.status) == (403, 403)
    assert len(place.google.received) == writes
    assert place.served.account.status().link is Link.CONNECTED


async def test_panel_stands_without_the_action_server(google, tmp_path):
    async with running_panel(
        tmp_path, edge_port=9, clock=Clock(), ACTIONS_PORT="9"
    ) as panel:
        browser = panel.browser
        await browser.enter(panel.access.new_link())
        shown = await browser.get(PAGE)
        begun = await browser.post(f"{PAGE}/conectar", recursos="agenda")
        back = await browser.get(f"{BACK}?state=x&code=y")
        left = await browser.post(f"{PAGE}/desconectar")
        moved = await browser.post(f"{PAGE}/transferir")

    assert shown.status == 200
    for answer in (shown, begun, back, left, moved):
        assert "O servidor de ações não respondeu" in visible(answer.text)
    assert {each.status for each in (begun, back, left, moved)} == {502}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"<html>", PAGE),
        (b"[]", PAGE),
        (b"{}", PAGE),
        (b'{"ligacao": "outra"}', PAGE),
        (b'{"ligacao": "conectado", "recursos": ["x"]}', PAGE),
        (b'{"erro": {"mensagem": 7}}', f"{BACK}?state=x"),
        (b'{"url": "javascript:alert(1)"}', f"{PAGE}/conectar"),
        (b'{"url": 7}', f"{PAGE}/conectar"),
        (b'{"events": "x"}', f"{PAGE}/transferir"),
        (b'{"events": -1}', f"{PAGE}/transferir"),
    ],
)
async def test_answer_that_cannot_be_read_is_said_to_be_so(tmp_path, body, path):
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, status=500 if b"erro" in body else 200)

    async with (
        TestServer(_any_path(answer)) as server,
        running_panel(
            tmp_path, edge_port=9, clock=Clock(), ACTIONS_PORT=str(server.port)
        ) as panel,
    ):
        browser = panel.browser
        await browser.enter(panel.access.new_link())
        is_form = path.endswith(("conectar", "transferir"))
        shown = await (browser.post(path) if is_form else browser.get(path))

    assert shown.status == (200 if path == PAGE else 502)
    assert "algo que o painel não sabe ler" in visible(shown.text)
    assert "javascript" not in shown.text


def _any_path(handler) -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    return app


async def test_wrong_secret_between_the_two_is_explained(google, tmp_path):
    async with (
        serving(google, tmp_path) as served,
        running_panel(
            tmp_path,
            edge_port=9,
            clock=Clock(),
            ACTIONS_PORT=str(served.port),
            ACTIONS_SECRET="outro",
        ) as panel,
    ):
        await panel.browser.enter(panel.access.new_link())
        shown = await panel.browser.get(PAGE)

    assert "ACTIONS_SECRET" in visible(shown.text)


async def test_missing_client_is_explained_with_the_address_to_register(
    google, tmp_path
):
    shared = {"DATABASE_URL": f"sqlite:///{tmp_path}/dois.db"}
    async with (
        serving(google, tmp_path, GOOGLE_CLIENT_ID="", **shared) as served,
        running_panel(
            tmp_path,
            edge_port=9,
            clock=Clock(),
            ACTIONS_PORT=str(served.port),
            ACTIONS_SECRET=SECRET,
            PANEL_BASE_URL="https://painel.escritorio.example",
            **shared,
        ) as panel,
    ):
        browser = panel.browser
        key = panel.access.new_link()
        entered = await browser.post("/painel/entrar", chave=key)
        cookie = entered.headers["Set-Cookie"].split(";")[0]
        shown = await browser.get(PAGE, Cookie=cookie)

    assert "GOOGLE_CLIENT_ID" in shown.text
    assert "https://painel.escritorio.example/painel/google/retorno" in shown.text
    assert ">Conectar</button>" not in shown.text

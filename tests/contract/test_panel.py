"""The panel over real HTTP, in front of a fake edge."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import html
import logging
import re
import socket
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest
import sqlalchemy as sa
from sanic import Sanic

from bot.core.names import Profile
from bot.core.settings import load_settings
from bot.store import people
from bot.store.database import open_engine, reading, writing
from bot.store.people import Person
from bot.store.schema import metadata, panel_link, person
from panel.access import Access
from panel.app import build_app
from panel.edge_client import EdgeDeadlines
from panel.simulator import TEST_PEOPLE
from tests.fakes.fake_edge import FakeEdge, serve

TOKEN = "token-secreto-da-api-0123456789"
LAWYER_PHONE = TEST_PEOPLE[Profile.LAWYER].phone
HTMX = {"HX-Request": "true"}
PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</textarea><svg/onload=alert(1)>",
    "*<b onmouseover=alert(1)>x</b>*",
    "1. <a href='javascript:alert(1)'>x</a>",
    "{{ 7 * 7 }}",
)
PAGES = (
    ("GET", "/"),
    ("GET", "/painel"),
    ("GET", "/painel/"),
    ("GET", "/painel/entrar"),
    ("GET", "/painel/entrar?chave=errada"),
    ("GET", "/painel/pronto"),
    ("GET", "/painel/situacao"),
    ("GET", "/painel/simulador"),
    ("GET", "/painel/simulador/audio"),
    ("GET", "/painel/google"),
    ("GET", "/painel/google/conectar"),
    ("GET", "/painel/google/desconectar"),
    ("GET", "/painel/google/retorno"),
    ("GET", "/painel/google/transferir"),
    ("GET", "/painel/nao-existe"),
    ("GET", "/fora"),
    ("GET", "/painel/estatico/panel.css"),
    ("GET", "/painel/estatico/nada.css"),
    ("POST", "/painel/entrar"),
    ("POST", "/painel/simulador"),
    ("POST", "/painel/simulador/audio"),
    ("POST", "/painel/google/conectar"),
    ("POST", "/painel/google/desconectar"),
    ("POST", "/painel/google/transferir"),
    ("POST", "/painel/sair"),
    ("PUT", "/painel"),
)


class Clock:
    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


class Browser:
    """Follows nothing by itself; keeps cookies and the form token."""

    def __init__(self, http: aiohttp.ClientSession, origin: str) -> None:
        self._http = http
        self.origin = origin
        self.csrf = ""

    async def get(self, path: str, **headers: str) -> SimpleNamespace:
        return await self.request("GET", path, headers=headers)

    async def post(
        self, path: str, headers: dict[str, str] | None = None, **fields: str
    ) -> SimpleNamespace:
        form = {"csrf": self.csrf, **fields}
        headers = {"Origin": self.origin, **(headers or {})}
        return await self.request("POST", path, data=form, headers=headers)

    async def request(self, method: str, path: str, **options) -> SimpleNamespace:
        async with self._http.request(
            method, self.origin + path, allow_redirects=False, **options
        ) as answer:
            return SimpleNamespace(
                status=answer.status,
                headers=answer.headers,
                cookies=answer.cookies,
                text=(await answer.read()).decode(),
            )

    async def enter(self, key: str) -> SimpleNamespace:
        answer = await self.post("/painel/entrar", chave=key)
        page = await self.get("/painel")
        found = re.search(r'name="csrf" value="([^"]+)"', page.text)
        self.csrf = found[1] if found else ""
        return answer

    async def say(self, text: str, *, htmx: bool = True, **fields: str):
        form = {
            "quem": "cliente",
            "telefone": "+5510900000001",
            "conversa": "+5510900000001",
            "mensagem": text,
            **fields,
        }
        return await self.post("/painel/simulador", HTMX if htmx else {}, **form)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def edge():
    async with serve(FakeEdge(token=TOKEN)) as running:
        yield running


@contextlib.asynccontextmanager
async def running_panel(tmp_path: Path, *, edge_port: int, clock: Clock, **environ):
    listening = socket.create_server(("127.0.0.1", 0))
    settings = load_settings(
        {
            "API_TOKEN": TOKEN,
            "API_WAIT_S": "0.2",
            "DATABASE_URL": f"sqlite:///{tmp_path}/panel.db",
            "EDGE_PORT": str(edge_port),
            "PANEL_PORT": str(listening.getsockname()[1]),
            **environ,
        },
        folder=tmp_path,
    )
    engine = open_engine(settings.database_url)
    metadata.create_all(engine)
    deadlines = EdgeDeadlines(health_s=0.3, answer_margin_s=0.2)
    app = build_app(settings, deadlines=deadlines, clock=clock)
    server = await app.create_server(sock=listening, return_asyncio_server=True)
    await server.startup()
    await server.before_start()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        try:
            yield SimpleNamespace(
                access=Access(engine, clock=clock),
                browser=Browser(http, settings.panel_url),
                engine=engine,
                settings=settings,
            )
        finally:
            await server.close()
            await server.after_stop()
            Sanic.unregister_app(app)
            engine.dispose()


@pytest.fixture
async def panel(tmp_path, edge, clock):
    async with running_panel(tmp_path, edge_port=edge.port, clock=clock) as running:
        yield running


@pytest.fixture
async def browser(panel) -> Browser:
    """A browser that has entered."""
    await panel.browser.enter(panel.access.new_link())
    return panel.browser


class TestEntering:
    async def test_scanner_that_opens_the_link_does_not_burn_it(self, panel):
        key = panel.access.new_link()

        for _ in range(3):
            preview = await panel.browser.get(f"/painel/entrar?chave={key}")
            assert preview.status == 200
            assert ">Entrar</button>" in preview.text
        entered = await panel.browser.enter(key)

        assert entered.status == 303
        assert entered.headers["Location"] == "/painel"

    async def test_link_opens_the_panel_once(self, panel):
        key = panel.access.new_link()
        await panel.browser.enter(key)

        again = await panel.browser.post("/painel/entrar", chave=key)
        shown = await panel.browser.get(f"/painel/entrar?chave={key}")

        for answer in (again, shown):
            assert answer.status == 410
            assert "já foi usado" in answer.text
            assert "make painel-link" in answer.text
            assert ">Entrar</button>" not in answer.text

    async def test_expired_link_says_so(self, panel, clock):
        key = panel.access.new_link()
        clock.now += 15 * 60

        answer = await panel.browser.post("/painel/entrar", chave=key)

        assert answer.status == 410
        assert "Este link venceu" in answer.text
        assert "make painel-link" in answer.text

    async def test_unknown_link_says_so_and_is_not_repeated(self, panel):
        answer = await panel.browser.get("/painel/entrar?chave=inventada123")

        assert answer.status == 410
        assert "não é válido" in answer.text
        assert "inventada123" not in answer.text

    @pytest.mark.parametrize(
        "path", ["/painel", "/painel/situacao", "/painel/simulador", "/painel/outra"]
    )
    async def test_without_a_session_one_is_sent_to_enter(self, panel, path):
        answer = await panel.browser.get(path)
        explained = await panel.browser.get(answer.headers["Location"])

        assert answer.status == 303
        assert answer.headers["Location"] == "/painel/entrar"
        assert "make painel-link" in explained.text

    async def test_page_that_refreshes_itself_is_sent_to_enter(self, panel):
        answer = await panel.browser.get("/painel/situacao", **HTMX)

        assert answer.status == 401
        assert answer.headers["HX-Redirect"] == "/painel/entrar"

    async def test_forgotten_browser_is_signed_out_though_its_page_refreshes(
        self, panel, browser, clock
    ):
        for _ in range(8):
            clock.now += 3600
            answer = await browser.get("/painel/situacao", **HTMX)

        assert answer.status == 401

    async def test_leaving_ends_the_session(self, browser):
        left = await browser.post("/painel/sair")

        assert left.status == 303
        assert left.headers["Set-Cookie"].startswith('painel_sessao="";')
        assert "Max-Age=0" in left.headers["Set-Cookie"].split("; ")
        assert (await browser.get("/painel")).status == 303

    async def test_cookie_is_kept_from_scripts_and_other_sites(self, panel):
        entered = await panel.browser.enter(panel.access.new_link())

        cookie = entered.headers["Set-Cookie"]
        assert cookie.startswith("painel_sessao=")
        assert {"HttpOnly", "SameSite=Strict", "Path=/painel"} <= set(
            cookie.split("; ")
        )
        assert "Secure" not in cookie

    async def test_cookie_is_secure_behind_https(self, tmp_path, edge, clock):
        public = {"PANEL_BASE_URL": "https://painel.exemplo.adv.br"}
        async with running_panel(
            tmp_path, edge_port=edge.port, clock=clock, **public
        ) as panel:
            key = panel.access.new_link()
            origin = {"Origin": "https://painel.exemplo.adv.br"}
            entered = await panel.browser.post("/painel/entrar", origin, chave=key)
            cookie = entered.headers["Set-Cookie"]
            name_and_value = cookie.split(";")[0]
            bare = name_and_value.removeprefix("__Secure-")

            page = await panel.browser.get("/painel", Cookie=name_and_value)
            planted = await panel.browser.get("/painel", Cookie=bare)

        assert cookie.startswith("__Secure-painel_sessao=")
        assert "Secure" in cookie.split("; ")
        assert page.status == 200
        assert planted.status == 303

    async def test_readiness_needs_no_session(self, panel):
        answer = await panel.browser.get("/painel/pronto")

        assert (answer.status, answer.text) == (200, '{"estado":"ok"}')


class TestProtection:
    @pytest.mark.parametrize(("method", "path"), PAGES)
    @pytest.mark.parametrize("has_session", [True, False])
    async def test_every_answer_carries_the_headers(
        self, panel, method, path, has_session
    ):
        if has_session:
            await panel.browser.enter(panel.access.new_link())

        answer = await panel.browser.request(method, path)

        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        for part in ("frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
            assert part in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        if not (path.startswith("/painel/estatico") and answer.status == 200):
            assert answer.headers["Cache-Control"] == "no-store"
        assert answer.status < 500

    @pytest.mark.parametrize(
        "raw",
        [
            b"LIXO\r\n\r\n",
            b"GET /painel/pronto HTTP/1.1\r\nsem dois pontos\r\n\r\n",
        ],
    )
    async def test_garbage_is_answered_with_the_headers_too(self, panel, raw):
        port = panel.settings.panel_port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        writer.write(raw)
        answer = await reader.read(4000)
        writer.close()

        assert b" 400 " in answer.splitlines()[0]
        assert b"content-security-policy: default-src 'none'" in answer.lower()

    async def test_every_route_is_in_the_table_above(self, panel):
        app = Sanic.get_app("pocketmkt-painel")

        routes = {"/" + route.path for route in app.router.routes}

        listed = {path.split("?")[0].rstrip("/") or "/" for _, path in PAGES}
        assert {r for r in routes if "<" not in r} <= listed

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Origin": "https://mau.exemplo"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ],
    )
    async def test_form_of_another_site_is_refused(self, browser, edge, headers):
        fields = {"csrf": browser.csrf, "mensagem": "oi", "telefone": "+5511987654321"}

        answer = await browser.request(
            "POST", "/painel/simulador", data=fields, headers=headers
        )

        assert answer.status == 403
        assert edge.received == []

    async def test_own_site_by_another_address_is_accepted(self, browser, edge):
        site = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:9"}

        answer = await browser.post(
            "/painel/simulador", site, mensagem="oi", telefone="+5511987654321"
        )

        assert answer.status == 303
        assert len(edge.received) == 1

    async def test_link_used_from_another_site_stays_unused(self, panel):
        key = panel.access.new_link()

        answer = await panel.browser.post(
            "/painel/entrar", {"Origin": "https://mau.exemplo"}, chave=key
        )

        assert answer.status == 403
        assert (await panel.browser.enter(key)).status == 303

    @pytest.mark.parametrize("token", ["", "errado", "á" * 43])
    async def test_form_without_its_token_is_refused(self, browser, edge, token):
        answer = await browser.say("oi", htmx=False, csrf=token)

        assert answer.status == 403
        assert "Recarregue a página" in answer.text
        assert edge.received == []

    async def test_form_token_of_another_session_is_refused(self, panel, browser, edge):
        other = panel.access.session(panel.access.enter(panel.access.new_link()))

        answer = await browser.say("oi", csrf=other.csrf_token)

        assert answer.status == 403
        assert answer.headers["HX-Retarget"] == "#erro-envio"
        assert edge.received == []

    async def test_huge_body_is_refused_in_portuguese(self, browser, edge):
        answer = await browser.say("a" * 70_000)

        assert answer.status == 413
        assert "grande demais" in answer.text
        assert edge.received == []

    @pytest.mark.parametrize("payload", PAYLOADS)
    async def test_scripts_are_shown_as_text(self, browser, edge, payload):
        edge.answer = {
            "mensagens": [payload, {"texto": payload, "botoes": [{"titulo": payload}]}],
            "fluxo": payload,
            "tipo_usuario": payload,
            "quem_respondeu": payload,
        }
        edge.report = {
            "estado": payload,
            "dependencias": {payload: {"estado": payload, "detalhe": payload}},
            "versao": payload,
        }

        fragment = await browser.say(payload, nome=payload)
        page = await browser.get("/painel")
        edge.refuse(payload, field_name=payload)
        failed = await browser.say(payload, htmx=False, nome=payload, telefone=payload)

        for answer in (fragment, page, failed):
            self._assert_harmless(answer.text)
        assert payload in html.unescape(failed.text)

    @staticmethod
    def _assert_harmless(text: str) -> None:
        assert "<script>alert" not in text
        assert not re.search(r"<(img src=x|svg/|b |a href='javascript)", text)
        assert "</textarea><svg" not in text
        assert "<strong><b" not in text

    async def test_pages_have_no_inline_script_or_style(self, browser):
        for path in ("/painel", "/painel/entrar", "/painel/entrar?chave=x"):
            page = (await browser.get(path)).text

            assert not re.search(r"<script(?![^>]*\ssrc=)", page)
            assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)

    async def test_api_token_never_reaches_the_browser(self, browser):
        sent = await browser.say("oi")
        page = await browser.get("/painel")

        assert TOKEN not in sent.text + page.text + repr(sent.headers)

    async def test_logs_hold_no_text_number_key_or_token(
        self, panel, browser, edge, caplog
    ):
        caplog.set_level(logging.DEBUG)
        with writing(panel.engine) as connection:
            connection.execute(sa.text("DROP TABLE person"))

        failed = await browser.say("minha-frase-secreta", telefone="+5511987650001")
        await browser.get("/painel/nao-existe?chave=chave-secreta")

        assert failed.status == 500
        assert "panel_request_failed" in caplog.text
        for secret in ("minha-frase", "987650001", "chave-secreta", TOKEN):
            assert secret not in caplog.text

    async def test_only_known_files_are_served(self, browser):
        for name in ("../app.py", "..%2fapp.py", "VENDORED.md", "htmx-LICENSE.txt"):
            assert (await browser.get(f"/painel/estatico/{name}")).status == 404

    async def test_versioned_files_are_cached_and_others_are_not(self, browser):
        page = (await browser.get("/painel")).text
        address = re.search(r'href="(/painel/estatico/panel\.css\?v=\w+)"', page)[1]

        current = await browser.get(address)
        bare = await browser.get("/painel/estatico/panel.css")

        assert "immutable" in current.headers["Cache-Control"]
        assert bare.headers["Cache-Control"] == "no-cache"

    def test_vendored_file_is_the_recorded_one(self):
        folder = Path(__file__).parents[2] / "panel" / "static"
        digest = hashlib.sha256((folder / "htmx.min.js").read_bytes()).hexdigest()

        assert digest in (folder / "VENDORED.md").read_text()


class TestSituation:
    async def test_each_part_has_its_state_in_words(self, browser):
        page = (await browser.get("/painel")).text

        for name in ("Borda", "Rasa", "Ações", "Painel", "Banco de dados"):
            assert f"<strong>{name}</strong>" in page
        assert page.count("<strong>Funcionando</strong>") == 6
        assert "<strong>Não configurado</strong>" in page
        assert "14 ms" in page
        assert "1,2 ms" in page
        assert "versão 0.2.0" in page

    async def test_section_refreshes_alone(self, browser, edge):
        edge.report["dependencias"]["rasa"] = {
            "estado": "fora",
            "detalhe": "Não respondeu em 2 s.",
        }

        answer = await browser.get("/painel/situacao", **HTMX)

        assert answer.status == 200
        assert "<html" not in answer.text
        assert "Fora do ar: Rasa. As mensagens ficam guardadas." in answer.text
        assert "Não respondeu em 2 s." in answer.text
        assert "O que fazer:" in answer.text

    async def test_since_when_a_part_is_down_is_kept_across_refreshes(
        self, browser, edge, clock
    ):
        edge.report["dependencias"]["ollama"] = {"estado": "fora"}
        await browser.get("/painel/situacao", **HTMX)
        clock.now += 30 * 60

        answer = await browser.get("/painel/situacao", **HTMX)

        # 1_795_000_000 is 08:06:40 in São Paulo
        assert "desde 08:06" in answer.text
        assert "Conferido às 08:36" in answer.text
        assert "com falta de: IA (Ollama)" in answer.text

    async def test_since_given_by_the_edge_is_preferred(self, browser, edge):
        edge.report["dependencias"]["twilio"] = {
            "estado": "fora",
            "desde": "2026-11-16T12:00:00+00:00",
        }

        answer = await browser.get("/painel/situacao", **HTMX)

        assert "desde 16/11 09:00" in answer.text

    async def test_edge_that_is_down_is_said(self, tmp_path, clock):
        async with running_panel(tmp_path, edge_port=1, clock=clock) as panel:
            await panel.browser.enter(panel.access.new_link())

            page = await panel.browser.get("/painel")

        assert page.status == 200
        assert "A borda não responde: nenhuma mensagem entra agora." in page.text
        assert "Só a borda sabe, e ela não respondeu." in page.text
        assert "make run" in page.text

    async def test_slow_edge_does_not_hold_the_page(self, browser, edge):
        edge.hold = asyncio.Event()

        page = await browser.get("/painel")
        edge.hold.set()

        assert page.status == 200
        assert "Demorou demais para responder." in page.text

    @pytest.mark.parametrize(
        "report",
        [
            {},
            [],
            "não é JSON",
            {"dependencias": None},
            {"dependencias": {"rasa": "fora", "nova_peca": {"estado": "talvez"}}},
            {"estado": 3, "dependencias": {"rasa": {"latencia_ms": "muito"}}},
        ],
    )
    async def test_strange_reports_still_give_a_page(self, browser, edge, report):
        edge.report = report

        page = await browser.get("/painel")

        assert page.status == 200
        assert "<strong>Rasa</strong>" in page.text

    async def test_edge_that_only_reports_others_trouble_is_itself_fine(
        self, browser, edge
    ):
        edge.report["estado"] = "degradado"

        answer = await browser.get("/painel/situacao", **HTMX)

        assert "há um ponto de atenção" in answer.text
        assert "Com dificuldade" not in answer.text

    async def test_service_that_is_checked_only_when_used_raises_no_alarm(
        self, browser, edge
    ):
        edge.report["dependencias"]["twilio"] = {
            "estado": "desconhecido",
            "detalhe": "configurado; verificado a cada envio",
        }

        answer = await browser.get("/painel/situacao", **HTMX)

        assert "Tudo funcionando." in answer.text
        assert "Configurado; verificado a cada envio" in answer.text

    async def test_edge_that_takes_no_messages_is_said(self, browser, edge):
        edge.report.update(estado="fora", aceita_mensagens=False)

        answer = await browser.get("/painel/situacao", **HTMX)

        assert "As mensagens não estão sendo aceitas." in answer.text


class TestSimulator:
    async def test_answer_shows_text_and_why(self, browser, edge):
        answer = await browser.say("Quero marcar uma consulta", nome="Ana")

        assert answer.status == 200
        assert edge.received == [
            {
                "telefone": "+5510900000001",
                "mensagem": "Quero marcar uma consulta",
                "nome": "Ana",
            }
        ]
        for part in (
            "Quero marcar uma consulta",
            "<li><span>1.</span> <span><strong>Marcar</strong> uma consulta</span>",
            "<code>saudar</code>",
            "97%",
            "Robô (regra)",
            "<dd>cliente</dd>",
        ):
            assert part in answer.text
        assert re.search(r"<dd>\d+(,\d)? ms</dd>", answer.text)

    async def test_form_works_without_javascript(self, browser):
        sent = await browser.say("Bom dia", htmx=False, quem="advogado")
        page = await browser.get(sent.headers["Location"].split("#")[0])

        assert sent.status == 303
        assert sent.headers["Location"] == "/painel?quem=advogado#ultima"
        assert "Bom dia" in page.text
        assert "Posso ajudar com" in page.text
        assert 'id="ultima"' in page.text

    @pytest.mark.parametrize("htmx", [True, False])
    async def test_error_of_the_api_is_shown_in_its_words(self, browser, edge, htmx):
        edge.refuse("Telefone inválido: escreva com DDD.", field_name="telefone")

        answer = await browser.say("Texto que não pode sumir", htmx=htmx)

        assert answer.status == 422
        assert "Telefone inválido: escreva com DDD." in answer.text
        assert '<a href="#telefone">Telefone</a>' in answer.text
        if htmx:
            assert answer.headers["HX-Retarget"] == "#erro-envio"
        else:
            assert "Texto que não pode sumir</textarea>" in answer.text

    async def test_message_that_failed_is_not_in_the_conversation(self, browser, edge):
        edge.refuse("Não deu.", status=500)

        failed = await browser.say("Perdida")
        page = await browser.get("/painel")

        assert failed.status == 502
        assert "Não deu." in failed.text
        assert "Perdida" not in page.text

    async def test_message_that_the_edge_keeps_is_not_called_unsent(
        self, browser, edge
    ):
        edge.refuse("Sua mensagem está guardada.", status=504)

        answer = await browser.say("oi")

        assert answer.status == 504
        assert "<strong>Sem resposta.</strong>" in answer.text
        assert "Sua mensagem está guardada." in answer.text

    async def test_wrong_token_is_explained(self, browser, edge):
        edge.token = "outro"

        answer = await browser.say("oi")

        assert answer.status == 502
        assert "API_TOKEN" in answer.text

    async def test_slow_edge_is_given_up_with_the_message_kept(self, browser, edge):
        edge.hold = asyncio.Event()

        answer = await browser.say("Espere por mim", htmx=False)
        edge.hold.set()

        assert answer.status == 504
        assert "pode ter sido recebida" in html.unescape(answer.text)
        assert "Não foi enviada" not in answer.text
        assert "Espere por mim</textarea>" in answer.text

    async def test_edge_that_is_down_keeps_the_message(self, tmp_path, clock):
        async with running_panel(tmp_path, edge_port=1, clock=clock) as panel:
            await panel.browser.enter(panel.access.new_link())

            answer = await panel.browser.say("Alguém aí?", htmx=False)

        assert answer.status == 502
        assert "Alguém aí?</textarea>" in answer.text
        assert "fora do ar" in answer.text

    @pytest.mark.parametrize("answer", [{}, [], "oi", {"mensagens": [None, 3]}])
    async def test_strange_answers_are_no_crash(self, browser, edge, answer):
        edge.answer = answer

        shown = await browser.say("oi")

        assert shown.status in {200, 502}

    async def test_silent_robot_is_explained(self, browser, edge):
        edge.answer = {"resposta": "", "mensagens": [], "quem_respondeu": "pessoa"}

        shown = await browser.say("oi")

        assert "o robô fica calado" in shown.text

    async def test_test_lawyer_is_a_lawyer_from_the_first_message(self, panel, browser):
        await browser.say("Minha agenda", quem="advogado", telefone=LAWYER_PHONE)
        await browser.say("Minha agenda", quem="advogado", telefone=LAWYER_PHONE)

        with reading(panel.engine) as connection:
            rows = connection.execute(sa.select(person)).all()
        assert [(row.phone, row.profile) for row in rows] == [
            (LAWYER_PHONE, "advogado")
        ]

    async def test_people_of_the_directory_are_left_as_they_are(self, panel, browser):
        changed = Person(LAWYER_PHONE, "Rebatizada", Profile.CLIENT)
        with writing(panel.engine) as connection:
            people.save(connection, changed, now=1.0)

        await browser.say("oi", quem="advogado", telefone=LAWYER_PHONE)

        with reading(panel.engine) as connection:
            assert connection.execute(sa.select(person.c.name)).scalar() == "Rebatizada"

    async def test_number_of_a_real_person_is_pointed_out(self, panel, browser):
        known = Person("+5511987654321", "Bruna Reis", Profile.CLIENT)
        with writing(panel.engine) as connection:
            people.save(connection, known, now=1.0)

        answer = await browser.say("oi", telefone="(11) 98765-4321")

        assert "No cadastro: Bruna Reis (cliente)." in answer.text

    async def test_changed_number_shows_its_own_conversation(self, browser):
        await browser.say("Da primeira")

        other = await browser.say("Da segunda", telefone="+5511987654321")
        back = await browser.say("De volta", conversa="+5511987654321")

        assert other.headers["HX-Reswap"] == "innerHTML"
        assert "Da primeira" not in other.text
        assert back.headers["HX-Reswap"] == "innerHTML"
        assert "Da primeira" in back.text
        assert "De volta" in back.text

    async def test_sessions_do_not_see_each_other(self, panel, browser):
        await browser.say("Só meu")
        async with aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True)
        ) as http:
            other = Browser(http, browser.origin)
            await other.enter(panel.access.new_link())

            page = await other.get("/painel")

        assert "Só meu" not in page.text

    async def test_every_field_has_a_label(self, browser):
        page = (await browser.get("/painel")).text

        fields = re.findall(
            r"<(?:input|textarea)(?![^>]*hidden)[^>]*\bid=\"(\w+)", page
        )
        assert set(fields) == {"telefone", "nome", "mensagem", "audio"}
        for name in fields:
            assert f'<label for="{name}">' in page


async def test_links_are_stored_as_hashes_alone(panel):
    key = panel.access.new_link()

    with reading(panel.engine) as connection:
        stored = connection.execute(sa.select(panel_link.c.token_hash)).scalars().all()
    assert stored == [hashlib.sha256(key.encode()).hexdigest()]

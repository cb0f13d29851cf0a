"""The panel against the running assistant, as somebody with a browser uses it."""

from __future__ import annotations

import http.cookiejar
import re
import subprocess
import urllib.request
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.e2e.conftest import Office
from tests.stack import ROOT

pytestmark = pytest.mark.e2e


class Browser:
    """Keeps cookies, follows redirects, and says where its forms come from."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(jar)

    def get(self, path: str) -> str:
        with self._opener.open(self._origin + path, timeout=10) as reply:
            return str(reply.read().decode())

    def post(self, path: str, form: dict[str, str]) -> str:
        request = urllib.request.Request(
            self._origin + path,
            data=urlencode(form).encode(),
            headers={"Origin": self._origin},
        )
        with self._opener.open(request, timeout=60) as reply:
            return str(reply.read().decode())


def enter(office: Office) -> Browser:
    """Goes in by the one-time link that `make run` prints."""
    done = subprocess.run(
        [str(ROOT / ".venv/bin/python"), "-m", "panel.access", "link"],
        cwd=ROOT, env=office.stack.environment, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    link = urlsplit(done.stdout.strip())
    browser = Browser(f"{link.scheme}://{link.netloc}")
    browser.get(f"{link.path}?{link.query}")
    browser.post("/painel/entrar", {"chave": parse_qs(link.query)["chave"][0]})
    return browser


def test_the_chat_box_talks_to_the_assistant(office: Office) -> None:
    browser = enter(office)
    page = browser.get("/painel?quem=desconhecido")
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found

    shown = browser.post(
        "/painel/simulador",
        {"csrf": found[1], "quem": "desconhecido", "telefone": "+5511955550001",
         "mensagem": "vcs abrem sábado?"},
    )  # fmt: skip

    assert "9h às 18h" in shown
    assert "consultar_horario" in shown
    assert "token-dos-testes" not in shown


def test_the_page_shows_the_four_processes(office: Office) -> None:
    browser = enter(office)

    shown = browser.get("/painel/situacao")

    for name in ("Borda", "Rasa", "Ações", "Painel"):
        assert name in shown


def test_without_a_link_nobody_comes_in(office: Office) -> None:
    port = office.stack.environment["PANEL_PORT"]
    stranger = Browser(f"http://127.0.0.1:{port}")

    shown = stranger.get("/painel")

    assert "Simulador" not in shown
    assert "painel-link" in shown

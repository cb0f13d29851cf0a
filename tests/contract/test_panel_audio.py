"""Voice notes in the simulator, over real HTTP, in front of a fake edge."""

from __future__ import annotations

import asyncio
import html
import io
import re
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from bot.core.speech import Trouble
from panel.edge_client import Voice
from panel.voice_words import length_of_time, title, why_unheard
from tests.contract.test_panel import (
    HTMX,
    Browser,
    browser,
    clock,
    edge,
    panel,
    running_panel,
)
from tests.fakes.fake_edge import usual_answer

__all__ = ["browser", "clock", "edge", "panel"]
AUDIO = "/painel/simulador/audio"
OGG = b"OggS\0\x02" + bytes(20) + b"\x01\x13OpusHead\x01\x01" + bytes(100_000)
PHONE = "+5510900000001"
MIB = 1024 * 1024
HEARD = {
    "texto": "quero *marcar* <b>consulta</b>",
    "confianca": 0.87,
    "segundos": 9.13,
    "situacao": "ouvido",
}


async def speak(
    browser: Browser,
    content: bytes | None = OGG,
    *,
    htmx: bool = True,
    headers: dict[str, str] | None = None,
    **fields: str,
) -> SimpleNamespace:
    form = aiohttp.FormData(default_to_multipart=True)
    usual = {
        "csrf": browser.csrf,
        "quem": "cliente",
        "telefone": PHONE,
        "conversa": PHONE,
        "mensagem": "",
    }
    for name, value in {**usual, **fields}.items():
        form.add_field(name, value)
    if content is not None:
        form.add_field("audio", io.BytesIO(content), filename="voz.ogg")
    headers = {"Origin": browser.origin, **(HTMX if htmx else {}), **(headers or {})}
    return await browser.request("POST", AUDIO, data=form, headers=headers)


def words(answer: SimpleNamespace) -> str:
    plain = html.unescape(re.sub(r"<[^>]+>", " ", answer.text))
    return re.sub(r"\s+", " ", plain)


@pytest.fixture
def heard(edge):
    edge.answer = {**usual_answer(), "transcricao": HEARD}


class TestSpeaking:
    async def test_note_reaches_the_edge_whole(self, browser, edge, heard):
        answer = await speak(browser, nome="Ana Prado")

        assert answer.status == 200
        assert edge.received == [
            {"telefone": PHONE, "nome": "Ana Prado", "audio": ("voz.ogg", OGG)}
        ]

    async def test_bubble_shows_what_was_heard(self, browser, edge, heard):
        answer = await speak(browser)

        assert "Áudio · 9 s · confiança 87%" in words(answer)
        assert "Você falou:" in answer.text
        assert "quero <strong>marcar</strong> &lt;b&gt;consulta" in answer.text
        assert "Posso ajudar com" in answer.text

    async def test_bubble_shows_why_nothing_was_heard(self, browser, edge):
        unheard = {"texto": "", "confianca": None, "segundos": 4.2}
        unheard |= {"situacao": "nao_ouvido", "motivo": "sem_fala"}
        edge.answer = {**usual_answer(), "transcricao": unheard}

        answer = await speak(browser)

        assert "Áudio · 4 s Não foi ouvido: ninguém fala nele." in words(answer)

    async def test_edge_that_says_nothing_of_it_is_no_crash(self, browser, edge):
        for said in ({}, {"transcricao": None}, {"transcricao": {"texto": 3}}):
            edge.answer = {**usual_answer(), **said}

            answer = await speak(browser)

            assert "Não foi ouvido: motivo desconhecido." in words(answer)

    async def test_it_works_without_javascript(self, browser, edge, heard):
        sent = await speak(browser, htmx=False, quem="advogado", mensagem="rascunho")
        page = await browser.get(sent.headers["Location"].split("#")[0])

        assert sent.status == 303
        assert sent.headers["Location"] == "/painel?quem=advogado#ultima"
        assert "rascunho</textarea>" in page.text

    async def test_what_was_being_written_goes_with_the_next_text(
        self, browser, edge, heard
    ):
        await speak(browser, htmx=False, mensagem="rascunho")
        await browser.say("rascunho pronto", htmx=False)
        page = await browser.get("/painel")

        assert "rascunho</textarea>" not in page.text
        assert "Áudio · 9 s · confiança 87%" in words(page)

    async def test_page_tells_the_limits_before_one_sends(self, browser):
        page = await browser.get("/painel")

        assert f'data-max-bytes="{16 * MIB}" data-max-s="300"' in page.text
        assert "Até 16 MB. O Whisper não está configurado" in words(page)

    async def test_page_of_an_office_that_hears(self, tmp_path, edge, clock):
        async with running_panel(
            tmp_path, edge_port=edge.port, clock=clock, WHISPER_URL="http://10.0.0.2:9"
        ) as panel:
            await panel.browser.enter(panel.access.new_link())
            page = await panel.browser.get("/painel")

        assert "Até 16 MB e 5 min." in words(page)

    async def test_address_of_the_form_leads_home(self, browser):
        answer = await browser.get(AUDIO)

        assert (answer.status, answer.headers["Location"]) == (303, "/painel")


class TestTrouble:
    @pytest.mark.parametrize("htmx", [True, False])
    async def test_refusal_of_the_edge_is_told_at_the_field(self, browser, edge, htmx):
        edge.refuse("O áudio está vazio. Grave de novo.", field_name="audio")

        answer = await speak(browser, htmx=htmx, mensagem="rascunho")

        assert answer.status == 422
        assert '<a href="#audio">Áudio</a>: O áudio está vazio.' in answer.text
        if htmx:
            assert answer.headers["HX-Retarget"] == "#erro-envio"
        else:
            assert "rascunho</textarea>" in answer.text

    @pytest.mark.parametrize("content", [None, b""])
    async def test_no_file_is_told_and_asks_nobody(self, browser, edge, content):
        answer = await speak(browser, content)

        assert answer.status == 422
        assert "Escolha um arquivo de áudio" in answer.text
        assert edge.received == []

    @pytest.mark.parametrize("size", [MIB + 100_000, 3 * MIB])
    @pytest.mark.parametrize("htmx", [True, False])
    async def test_too_many_bytes_are_told(self, tmp_path, edge, clock, size, htmx):
        async with running_panel(
            tmp_path, edge_port=edge.port, clock=clock, MEDIA_MAX_MB="1"
        ) as panel:
            await panel.browser.enter(panel.access.new_link())
            answer = await speak(panel.browser, bytes(size), htmx=htmx)

        assert answer.status == 413
        assert "O áudio é grande demais" in answer.text
        assert "até 1 MB" in answer.text
        assert edge.received == []

    async def test_longest_note_is_taken(self, tmp_path, edge, clock, heard):
        async with running_panel(
            tmp_path, edge_port=edge.port, clock=clock, MEDIA_MAX_MB="1"
        ) as panel:
            await panel.browser.enter(panel.access.new_link())
            answer = await speak(panel.browser, bytes(MIB))

        assert answer.status == 200

    async def test_text_form_takes_no_more_than_before(self, browser, edge):
        answer = await browser.say("a" * 70_000)

        assert answer.status == 413
        assert "4.096 caracteres" in answer.text

    async def test_edge_that_is_down_is_told(self, tmp_path, clock):
        async with running_panel(tmp_path, edge_port=1, clock=clock) as panel:
            await panel.browser.enter(panel.access.new_link())
            answer = await speak(panel.browser)

        assert answer.status == 502
        assert "fora do ar" in answer.text

    async def test_voice_is_waited_for_longer_than_a_text(self, browser, edge, heard):
        edge.hold = asyncio.Event()
        speaking = asyncio.create_task(speak(browser))
        text = await browser.say("oi")
        edge.hold.set()
        answer = await speaking

        assert (text.status, answer.status) == (504, 200)

    async def test_nonsense_for_a_form_is_refused(self, browser, edge):
        headers = {
            "Origin": browser.origin,
            "Content-Type": "multipart/form-data; boundary=x",
        }
        answer = await browser.request("POST", AUDIO, data=b"lixo", headers=headers)

        assert answer.status == 403
        assert edge.received == []


class TestProtection:
    @pytest.mark.parametrize("token", ["", "errado"])
    async def test_form_without_its_token_is_refused(self, browser, edge, token):
        answer = await speak(browser, csrf=token)

        assert answer.status == 403
        assert "Recarregue a página" in answer.text
        assert edge.received == []

    async def test_form_of_another_site_is_refused(self, browser, edge):
        answer = await speak(browser, headers={"Origin": "https://mau.exemplo"})

        assert answer.status == 403
        assert edge.received == []

    async def test_without_a_session_nothing_is_taken(self, panel, edge):
        answer = await speak(panel.browser, b"OggS", htmx=False)

        assert (answer.status, answer.headers["Location"]) == (303, "/painel/entrar")
        assert edge.received == []

    async def test_only_the_page_of_the_simulator_may_record(self, browser, edge):
        edge.refuse("Não deu.")
        home = await browser.get("/painel")
        failed = await speak(browser, htmx=False)
        others = [
            await browser.get(path) for path in ("/painel/google", "/painel/entrar")
        ]

        for answer in (home, failed):
            policy = answer.headers["Permissions-Policy"]
            assert policy == "camera=(), microphone=(self), geolocation=()"
            assert "media-src" not in answer.headers["Content-Security-Policy"]
        for answer in others:
            policy = answer.headers["Permissions-Policy"]
            assert policy == "camera=(), microphone=(), geolocation=()"


class TestWords:
    @pytest.mark.parametrize("trouble", list(Trouble))
    def test_every_trouble_has_words(self, trouble):
        said = why_unheard(Voice(reason=trouble.value))

        assert said.startswith("Não foi ouvido: ")
        assert "desconhecido" not in said

    def test_note_of_which_nothing_is_known(self):
        assert title(Voice()) == "Áudio"

    @pytest.mark.parametrize(
        ("seconds", "shown"),
        [
            (0.2, "1 s"),
            (9.4, "9 s"),
            (60, "1 min"),
            (65.4, "1 min 5 s"),
            (300, "5 min"),
        ],
    )
    def test_length_of_time(self, seconds: float, shown: str) -> None:
        assert length_of_time(seconds) == shown


class TestPage:
    async def test_every_phrase_and_piece_that_the_script_names_is_there(
        self, browser
    ) -> None:
        page = (await browser.get("/painel")).text
        script = await self._script(browser, page)

        ids = set(re.findall(r'\$\("([\w-]+)"\)', script))
        phrases = set(re.findall(r'tell\("(\w+)"\)', script)) | set(
            re.findall(r': "(denied|missing)"', script)
        )
        assert {each for each in ids if f'id="{each}"' not in page} == set()
        assert {p for p in phrases if f'data-phrase="{p}"' not in page} == set()
        assert {"longest", "busy"} <= set(re.findall(r'data-phrase="(\w+)"', page))

    @staticmethod
    async def _script(browser: Any, page: str) -> str:
        address = re.search(r'src="(/painel/estatico/panel\.js\?v=\w+)"', page)
        assert address
        return str((await browser.get(address[1])).text)

"""Voice notes through the API where Rasa's process serves it, with its older Sanic."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.action_server import ROOT, free_port

OGG = b"OggS\0\x02" + bytes(20) + b"\x01\x13OpusHead\x01\x01" + bytes(200_000)
TOKEN = "token-secreto-da-api-0123456789"
PHONE = "+5511987654321"
MIB = 1024 * 1024
PATIENCE_S = 30
# in a process of its own: this Sanic rewrites its own methods at its first start
PROGRAM = """
import asyncio, time
from sanic import Sanic
from bot.core.names import AnsweredBy
from bot.core.settings import load_settings
from bot.store import turns
from bot.store.database import open_engine, writing
from bot.store.migrate import upgrade
from bot.wake import WakeUp
from connectors.api import build_api
from connectors.services import ChannelServices

settings = load_settings()
engine = open_engine(settings.database_url)
upgrade(engine)

async def main():
    services = ChannelServices(settings, engine, WakeUp(settings.rasa_port))
    app = Sanic("api_under_rasa", configure_logging=False)
    app.blueprint(build_api(services))
    server = await app.create_server(
        host="127.0.0.1", port=settings.rasa_port, return_asyncio_server=True
    )
    await server.startup()
    await server.before_start()
    print("no ar", flush=True)
    outcome = turns.Outcome("consultar_horario", 1.0, AnsweredBy.RULE)
    while True:
        now = time.time()
        with writing(engine) as connection:
            turn = turns.claim(connection, lease_owner="w", now=now, lease_s=90)
            if turn is not None:
                turn.outgoing = [turns.Outgoing("Abrimos de segunda a sexta.")]
                turns.commit(connection, turn, outcome, now=now)
        await asyncio.sleep(0.02)

asyncio.run(main())
"""


class Served:
    """The API under this Sanic; somebody answers every message."""

    def __init__(self, folder: Path) -> None:
        self._port = free_port()
        self._folder = folder / "midia"
        self.environment = {
            **os.environ,
            "API_TOKEN": TOKEN,
            "DATABASE_URL": f"sqlite:///{folder}/api.db",
            "MEDIA_DIR": str(self._folder),
            "MEDIA_MAX_MB": "1",
            "RASA_PORT": str(self._port),
        }

    def ask(self, **options: Any) -> tuple[int, dict[str, Any]]:
        async def ask() -> tuple[int, dict[str, Any]]:
            url = f"http://127.0.0.1:{self._port}/processar_atendimento"
            headers = {"Authorization": f"Bearer {TOKEN}"}
            async with (
                aiohttp.ClientSession(headers=headers) as http,
                http.post(url, **options) as answer,
            ):
                return answer.status, json.loads(await answer.text())

        return asyncio.run(asyncio.wait_for(ask(), PATIENCE_S))

    def ask_json(self, content: bytes) -> tuple[int, dict[str, Any]]:
        audio = base64.b64encode(content).decode()
        return self.ask(json={"telefone": PHONE, "audio": audio})

    def ask_form(self, content: bytes) -> tuple[int, dict[str, Any]]:
        fields = aiohttp.FormData()
        fields.add_field("telefone", PHONE)
        fields.add_field("audio", io.BytesIO(content), filename="nota.ogg")
        return self.ask(data=fields)

    def files(self) -> list[bytes]:
        return [each.read_bytes() for each in self._folder.glob("??/*")]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    api = Served(tmp_path_factory.mktemp("api"))
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=api.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert "no ar" in process.stdout.readline()
        yield api
    finally:
        process.kill()
        process.communicate()


def test_note_is_taken_in_both_forms(served: Served) -> None:
    for ask in (served.ask_json, served.ask_form):
        before = served.files()

        status, said = ask(OGG)

        assert status == 200
        assert said["resposta"] == "Abrimos de segunda a sexta."
        assert said["transcricao"]["motivo"] == "nao_configurado"
        assert served.files() == [*before, OGG]


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (OGG + bytes(MIB), 413, "o máximo é 1 MB"),
        (OGG + bytes(2 * MIB), 413, "o máximo é 1 MB"),
        (b"isto nao e um audio", 422, "não é um áudio"),
        (b"", 422, "vazio"),
    ],
    ids=["large", "very-large", "text", "empty"],
)
def test_what_cannot_be_taken_is_told(
    served: Served, content: bytes, status: int, words: str
) -> None:
    for ask in (served.ask_json, served.ask_form):
        before = served.files()

        found, said = ask(content)

        assert found == status
        assert words in said["erro"]["mensagem"]
        assert said["erro"]["campo"] == "audio"
        assert served.files() == before


def test_text_is_taken_as_before(served: Served) -> None:
    status, said = served.ask(json={"telefone": PHONE, "mensagem": "oi"})

    assert status == 200
    assert "transcricao" not in said

"""A stateful stand-in for the edge: its health, its API, and its failures."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


def healthy_report() -> dict[str, Any]:
    """What `/saude` says when everything runs but WhatsApp is not set up."""
    ok = {"estado": "ok", "detalhe": "", "latencia_ms": 1.2}
    return {
        "estado": "ok",
        "aceita_mensagens": True,
        "dependencias": {
            "banco": dict(ok),
            "rasa": dict(ok, latencia_ms=14.0),
            "acoes": dict(ok, latencia_ms=3.5),
            "painel": dict(ok),
            "ollama": dict(ok, latencia_ms=48.0),
            "twilio": {"estado": "nao_configurado", "detalhe": ""},
        },
        "versao": "0.2.0",
    }


def usual_answer() -> dict[str, Any]:
    """What `/processar_atendimento` says to a greeting."""
    text = "Olá! Posso ajudar com:\n1. *Marcar* uma consulta\n2. Acompanhar um processo"
    return {
        "resposta": text,
        "mensagens": [text],
        "fluxo": "saudar",
        "tipo_usuario": "cliente",
        "confianca": 0.97,
        "quem_respondeu": "regra",
    }


@dataclass
class FakeEdge:
    """Holds what the edge would say next and what it was asked."""

    token: str
    report: Any = field(default_factory=healthy_report)
    answer: Any = field(default_factory=usual_answer)
    answer_status: int = 200
    received: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of accepted calls, in order."""
    hold: asyncio.Event | None = None
    """While set to an event that nobody fires, every call hangs."""
    port: int = 0

    async def health(self, _request: web.Request) -> web.Response:
        """Answers `GET /saude`."""
        await self._wait()
        if isinstance(self.report, str):
            return web.Response(text=self.report)
        return web.json_response(self.report)

    async def process(self, request: web.Request) -> web.Response:
        """Answers `POST /processar_atendimento`."""
        await self._wait()
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            error = {"erro": {"mensagem": "Token inválido.", "campo": ""}}
            return web.json_response(error, status=401)
        is_form = request.content_type == "multipart/form-data"
        self.received.append(await (_form(request) if is_form else request.json()))
        return web.json_response(self.answer, status=self.answer_status)

    def refuse(self, message: str, *, field_name: str = "", status: int = 400) -> None:
        """Makes every following message fail with a Portuguese sentence."""
        self.answer = {"erro": {"mensagem": message, "campo": field_name}}
        self.answer_status = status

    async def _wait(self) -> None:
        if self.hold is not None:
            await self.hold.wait()


async def _form(request: web.Request) -> dict[str, Any]:
    """Reads a form; a file becomes its name and its bytes."""
    return {
        name: (value.filename, value.file.read())
        if isinstance(value, web.FileField)
        else value
        for name, value in (await request.post()).items()
    }


@contextlib.asynccontextmanager
async def serve(edge: FakeEdge) -> AsyncIterator[FakeEdge]:
    """Runs a fake edge on a free loopback port."""
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_get("/saude", edge.health)
    app.router.add_post("/processar_atendimento", edge.process)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    edge.port = runner.addresses[0][1]
    try:
        yield edge
    finally:
        await runner.cleanup()

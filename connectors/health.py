"""`GET /saude`: the state of each dependency, in words."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Any

import aiohttp
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse
from sqlalchemy.exc import SQLAlchemyError

from bot.core.delivery_errors import meaning_of
from bot.core.google_link import Link
from bot.core.version import VERSION
from bot.store import google, inbox, jobs, service_state
from bot.store.alerts import alerts_since
from connectors.replies import json_reply
from connectors.services import ChannelServices

_PROBE_S = 1.5
_FRESH_S = 2.0
_ALERT_S = 3600
"""How long after its last occurrence a trouble of Twilio's is shown."""
_LATE_JOB_S = 300
"""From when on work outside that waits is worth a look."""
_GOOGLE = "google_"
"""How the alerts begin that are not Twilio's."""
_MODEL_DOWN = "down"
"""The action server's word for a model that it does not ask for now."""
_OK, _DOWN, _OFF, _UNKNOWN = "ok", "fora", "nao_configurado", "desconhecido"
_DEAF_HERE = (
    "o modelo não está aberto: quem manda áudio é convidado a escrever, e volta sozinho"
)
_DEAF_THERE = (
    "o Whisper da outra máquina não ouve: quem manda áudio é convidado a escrever, e "
    "volta sozinho"
)
Report = dict[str, Any]


class Health:
    """Probes the dependencies, at most once in two seconds."""

    def __init__(self, services: ChannelServices) -> None:
        self._services = services
        self._http: aiohttp.ClientSession | None = None
        self._last: tuple[float, Report] | None = None
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Opens the client that probes."""
        self._http = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=_PROBE_S)
        )

    async def stop(self) -> None:
        """Closes the client."""
        if self._http is not None:
            await self._http.close()

    async def report(self) -> Report:
        """Returns the report that `/saude` shows.

        Example:
            {"estado": "degradado", "aceita_mensagens": true, "dependencias":
             {"banco": {"estado": "ok", "detalhe": "…", "latencia_ms": 0.8}}}
        """
        async with self._lock:
            if self._last and time.monotonic() - self._last[0] < _FRESH_S:
                return self._last[1]
            report = await self._probe_all()
            self._last = (time.monotonic(), report)
            return report

    async def _probe_all(self) -> Report:
        settings = self._services.settings
        probes = {
            "banco": self._database(),
            "rasa": self._process(f"{settings.rasa_url}/pronto"),
            "acoes": self._process(f"{settings.actions_url}/pronto"),
            "painel": self._process(f"{settings.panel_url}/painel/pronto"),
            "ollama": self._ollama(),
        }
        found = dict(zip(probes, await asyncio.gather(*probes.values()), strict=True))
        found["borda"] = _state(_OK, "recebendo mensagens")
        found["twilio"] = await self._twilio()
        found["google"] = await self._google()
        found["whisper"] = await self._whisper(found["acoes"])
        accepts = found["banco"]["estado"] == _OK
        if not accepts:
            overall = _DOWN
        elif any(item["estado"] == _DOWN for item in found.values()):
            overall = "degradado"
        else:
            overall = _OK
        return {
            "estado": overall,
            "aceita_mensagens": accepts,
            "dependencias": found,
            "versao": VERSION,
        }

    async def _database(self) -> Report:
        started = time.monotonic()
        try:
            waiting, oldest_at = await self._services.read_soon(inbox.open_count)
        except SQLAlchemyError:
            return _state(_DOWN, "o banco de dados não responde")
        detail = "nenhuma mensagem na fila"
        if waiting:
            age_s = int(time.time() - (oldest_at or time.time()))
            detail = f"{waiting} na fila, a mais antiga há {age_s} s"
        report = _state(_OK, detail, started)
        report["fila"] = waiting
        return report

    async def _process(self, url: str) -> Report:
        started = time.monotonic()
        assert self._http is not None  # noqa: S101 - start() opened it
        try:
            async with self._http.get(url) as reply:
                if reply.ok:
                    return _state(_OK, "respondendo", started)
                return _state(_DOWN, "ainda não está pronto", started)
        except (aiohttp.ClientError, asyncio.TimeoutError):
            return _state(_DOWN, "o processo não responde")

    async def _ollama(self) -> Report:
        settings = self._services.settings
        if not settings.ollama_hosts:
            return _state(_OFF, "sem modelo: o assistente trabalha só com regras")
        suspended = await self._suspended()
        if suspended:
            return suspended
        started = time.monotonic()
        assert self._http is not None  # noqa: S101 - start() opened it
        for host in settings.ollama_hosts:
            try:
                async with self._http.get(f"{host}/api/tags") as reply:
                    listed = await reply.json(content_type=None)
            except (aiohttp.ClientError, asyncio.TimeoutError, ValueError):
                continue
            if _has_model(listed, settings.llm_model):
                return _state(_OK, "modelo disponível", started)
            return _state(_DOWN, f"o modelo {settings.llm_model} não está instalado")
        return _state(_DOWN, "o servidor do modelo não responde")

    async def _suspended(self) -> Report | None:
        """Reports a model that the action server found down and asks no more."""
        try:
            noted = await self._services.read_soon(
                lambda c: service_state.state_of(c, service_state.MODEL)
            )
        except SQLAlchemyError:
            return None
        if noted is None or noted.state != _MODEL_DOWN:
            return None
        since = datetime.fromtimestamp(noted.since_at, self._services.zone)
        return _state(
            _DOWN,
            f"suspenso desde {since:%H:%M} de {since:%d/%m}: o assistente responde só "
            "com regras e volta sozinho",
        )

    async def _twilio(self) -> Report:
        if not self._services.settings.twilio_auth_tokens:
            return _state(_OFF, "preencha TWILIO_AUTH_TOKEN para usar o WhatsApp")
        since = time.time() - _ALERT_S
        try:
            raised = await self._services.read_soon(lambda c: alerts_since(c, since))
        except SQLAlchemyError:
            raised = []
        codes = [each for each in raised if not each.startswith(_GOOGLE)]
        if codes:
            return _state(_DOWN, "; ".join(meaning_of(code) for code in codes))
        return _state(_UNKNOWN, "configurado; verificado a cada envio")

    async def _google(self) -> Report:
        settings = self._services.settings
        if not (settings.google_client_id or settings.google_service_account_file):
            return _state(_OFF, "agenda, documentos e planilhas ficam nesta máquina")
        now = time.time()
        try:
            account, pile = await self._services.read_soon(
                lambda c: (google.newest(c), jobs.pile(c, now=now))
            )
        except SQLAlchemyError:
            return _state(_UNKNOWN, "o banco de dados não responde")
        if account is None:
            return _state(_OFF, "falta conectar: abra a página Google do painel")
        if account.state == Link.RECONNECT.value:
            since = datetime.fromtimestamp(account.since_at, self._services.zone)
            return _state(
                _DOWN,
                f"precisa ser reconectado desde {since:%H:%M} de {since:%d/%m}; "
                f"{_counted(pile.parked)} à espera disso",
            )
        if pile.oldest_at is not None and now - pile.oldest_at > _LATE_JOB_S:
            minutes = int((now - pile.oldest_at) / 60)
            return _state(
                "degradado",
                f"{_counted(pile.waiting)} na fila, o mais antigo há {minutes} min",
            )
        return _state(_OK, f"conectado; {_counted(pile.waiting)} na fila")

    async def _whisper(self, actions: Report) -> Report:
        """Reports what the action server noted; it alone watches whoever hears."""
        settings = self._services.settings
        if not settings.hears:
            return _state(_OFF, "quem manda áudio é convidado a escrever")
        if actions["estado"] != _OK:
            return _state(_UNKNOWN, "só o servidor de ações sabe, e ele não responde")
        try:
            noted = await self._services.read_soon(
                lambda c: service_state.state_of(c, service_state.WHISPER)
            )
        except SQLAlchemyError:
            return _state(_UNKNOWN, "o banco de dados não responde")
        if noted is None:
            return _state(_UNKNOWN, "ainda não verificado")
        if noted.state == _OK:
            return _state(_OK, "ouvindo os áudios")
        since = datetime.fromtimestamp(noted.since_at, self._services.zone)
        why = _DEAF_THERE if settings.whisper_url else _DEAF_HERE
        return _state(_DOWN, f"desde {since:%H:%M} de {since:%d/%m} {why}")


def build_health(health: Health) -> Blueprint:
    """Returns the blueprint with `GET /saude` and `GET /pronto`."""
    blueprint = Blueprint("health")

    @blueprint.get("/saude")
    async def show(_request: Request) -> HTTPResponse:
        report = await health.report()
        return json_reply(report, status=200 if report["aceita_mensagens"] else 503)

    @blueprint.get("/pronto")
    async def ready(_request: Request) -> HTTPResponse:
        return json_reply({"estado": _OK})

    return blueprint


def _state(state: str, detail: str, started: float | None = None) -> Report:
    report: Report = {"estado": state, "detalhe": detail}
    if started is not None:
        report["latencia_ms"] = round((time.monotonic() - started) * 1000, 1)
    return report


def _counted(count: int) -> str:
    if count == 1:
        return "1 trabalho"
    return f"{count} trabalhos" if count else "nenhum trabalho"


def _has_model(listed: Any, name: str) -> bool:
    models = listed.get("models") if isinstance(listed, dict) else None
    names = {
        str(item.get("name", "")) for item in models or () if isinstance(item, dict)
    }
    return name in names or f"{name}:latest" in names

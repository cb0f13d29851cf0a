"""The connection to Google over HTTP, for the panel; behind the shared secret.

    GET  /google               {"ligacao": "conectado", "recursos": [...], ...}
    POST /google/iniciar       {"recursos": ["agenda"], "retorno": uri, "dono": hash}
                               gives {"url": "https://accounts.google.com/..."}
    POST /google/concluir      {"state": ..., "code": ... or "error": ..., "dono": hash}
    POST /google/desconectar   gives {"confirmado": true}
    GET  /google/transferencia {"events": 3, "files": 0, "sheets": 1}
    POST /google/transferir    the same, of what was begun

A refusal is {"erro": {"mensagem": "...", "campo": "..."}}.
"""

from __future__ import annotations

import asyncio
import functools
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

import structlog
from sanic import Sanic, json
from sanic.request import Request
from sanic.response import HTTPResponse

from actions.google.account import GoogleAccount
from actions.google.consent import Consent
from actions.google.words import FEATURES
from bot.core.errors import UserInputError
from bot.core.ports import Feature, GatewayError

App = Sanic[Any, Any]
PANEL = "painel"
_LATER = (
    "O Google não respondeu, e nada mudou. Confira a internet desta máquina e tente de "
    "novo daqui a um minuto."
)
_STARTING = "O assistente ainda está começando. Tente de novo em alguns segundos."
_UNREADABLE = "Este pedido não está completo; abra a página do Google no painel."
log = structlog.get_logger()


class Transfers(Protocol):
    """Brings to Google what was kept on this machine before."""

    async def waiting(self) -> Mapping[str, int]:
        """Returns how much could be brought: `events`, `files`, `sheets`."""

    async def begin(self) -> Mapping[str, int]:
        """Begins to bring it; returns how much was begun. Again, the rest alone."""


@dataclass(frozen=True)
class GoogleDesk:
    """What the routes serve."""

    account: GoogleAccount
    consent: Consent
    transfers: Transfers


Answer = Callable[[GoogleDesk, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


def add_routes(
    app: App, desk: Callable[[], GoogleDesk | None], *, header: str, secret: str
) -> None:
    """Adds the routes.

    Args:
        app: of the action server.
        desk: what is served; None while it is being opened.
        header: name of the header that carries the secret.
        secret: what must stand there.
    """
    for method, path, answer in (
        ("GET", "/google", _status),
        ("POST", "/google/iniciar", _begin),
        ("POST", "/google/concluir", _finish),
        ("POST", "/google/desconectar", _disconnect),
        ("GET", "/google/transferencia", _waiting),
        ("POST", "/google/transferir", _transfer),
    ):
        serve = functools.partial(_serve, desk, (header, secret), answer)
        name = answer.__name__.strip("_")
        app.add_route(serve, path, methods=[method], name=f"google_{name}")


async def _serve(
    desk: Callable[[], GoogleDesk | None],
    lock: tuple[str, str],
    answer: Answer,
    request: Request,
) -> HTTPResponse:
    header, secret = lock
    given = request.headers.get(header, "").encode(errors="replace")
    if not hmac.compare_digest(given, secret.encode()):
        return json({"error": "wrong or missing secret"}, HTTPStatus.UNAUTHORIZED)
    open_desk = desk()
    if open_desk is None:
        return _error(_STARTING, HTTPStatus.SERVICE_UNAVAILABLE)
    asked = request.json if request.body else {}
    if not isinstance(asked, dict):
        return _error(_UNREADABLE, HTTPStatus.BAD_REQUEST)
    try:
        return json(await answer(open_desk, asked))
    except UserInputError as error:
        return _error(str(error), HTTPStatus.BAD_REQUEST, error.field)
    except GatewayError as error:
        log.warning("google_route_failed", reason=error.trouble.value)
        return _error(_LATER, HTTPStatus.BAD_GATEWAY)


async def _status(desk: GoogleDesk, _asked: Mapping[str, Any]) -> Mapping[str, Any]:
    found = await asyncio.to_thread(desk.account.status)
    return {
        "ligacao": found.link.value,
        "configurado": found.is_configured,
        "tipo": "conta_de_servico" if desk.account.is_robot else "oauth",
        "desde": found.since_at,
        "por": found.connected_by,
        "recursos": [
            {
                "nome": feature.value,
                "titulo": words.title,
                "serve_para": words.purpose,
                "sem_ele": words.missing,
                "concedido": found.uses(feature),
            }
            for feature, words in FEATURES.items()
        ],
    }


async def _begin(desk: GoogleDesk, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    url = await asyncio.to_thread(
        desk.consent.begin,
        features_named(asked.get("recursos")),
        redirect_uri=_text(asked, "retorno"),
        owner=_text(asked, "dono"),
    )
    return {"url": url}


async def _finish(desk: GoogleDesk, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    await asyncio.to_thread(
        desk.consent.finish,
        _text(asked, "state"),
        _text(asked, "code", is_needed=False),
        owner=_text(asked, "dono"),
        by=PANEL,
        error=_text(asked, "error", is_needed=False),
    )
    return await _status(desk, asked)


async def _disconnect(desk: GoogleDesk, _asked: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"confirmado": await asyncio.to_thread(desk.account.disconnect)}


async def _waiting(desk: GoogleDesk, _asked: Mapping[str, Any]) -> Mapping[str, Any]:
    return await desk.transfers.waiting()


async def _transfer(desk: GoogleDesk, _asked: Mapping[str, Any]) -> Mapping[str, Any]:
    return await desk.transfers.begin()


def features_named(names: object) -> list[Feature]:
    """Returns the features of a list of names.

    Raises:
        UserInputError: it is no list, or a name is unknown.
    """
    known = {feature.value: feature for feature in Feature}
    named = names if isinstance(names, list) else [names]
    if not all(isinstance(name, str) and name in known for name in named):
        raise UserInputError(
            f"Escolha entre estes recursos: {', '.join(known)}.", field="recursos"
        )
    return [known[str(name)] for name in named]


def _text(asked: Mapping[str, Any], name: str, *, is_needed: bool = True) -> str:
    text = asked.get(name, "")
    if not isinstance(text, str) or (is_needed and not text):
        raise UserInputError(_UNREADABLE, field=name)
    return text


def _error(message: str, status: HTTPStatus, field: str = "") -> HTTPResponse:
    return json({"erro": {"mensagem": message, "campo": field}}, status)

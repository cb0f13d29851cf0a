"""The page "Google": what is permitted, connecting, and bringing things there.

Google sends the browser back to `/painel/google/retorno`. That visit starts at
another site, so the session's cookie stays at home (SameSite=Strict): a page without
anything of anybody's leads to the same address once more, from here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from sanic import HTTPResponse
from sanic.exceptions import NotFound
from sanic.response import redirect
from sqlalchemy.engine import Engine

from bot.core.settings import Settings
from bot.store import google as stored
from bot.store.database import reading
from panel.access import Session
from panel.actions_client import (
    ActionsClient,
    ActionsRefused,
    ActionsUnavailable,
    Connection,
    Waiting,
)
from panel.context import PanelApp, PanelRequest, services_of, session_of
from panel.problems import problem
from panel.render import page
from panel.security import FROM_HERE, GOOGLE_RETURN_PATH

GOOGLE_PATH = "/painel/google"
CONNECT_PATH = f"{GOOGLE_PATH}/conectar"
DISCONNECT_PATH = f"{GOOGLE_PATH}/desconectar"
TRANSFER_PATH = f"{GOOGLE_PATH}/transferir"
_BAD_REQUEST, _BAD_GATEWAY = 400, 502
_NOTICES = {
    "conectado": "Pronto: o Google está conectado.",
    "desconectado": (
        "Desconectado. A agenda, os documentos e as planilhas ficam nesta máquina."
    ),
    "sem-confirmacao": (
        "Desconectado aqui, mas o Google não confirmou: remova o acesso também em "
        "myaccount.google.com/connections."
    ),
    "transferencia": "A transferência começou e segue sozinha; recarregue para ver.",
    "nada": "Não havia nada a transferir.",
}
_NOTHING_BROUGHT = (
    "O Google não foi conectado",
    "Este endereço não traz a resposta do Google. Abra a página Google e clique em "
    "Conectar.",
)
_BROUGHT = ("state", "code", "error")


def add_routes(app: PanelApp) -> None:
    """Adds the page's routes, and the banner to every page."""
    app.register_middleware(_note_link, "request")
    app.add_route(show, GOOGLE_PATH, methods=["GET"], name="google")
    app.add_route(connect, CONNECT_PATH, methods=["POST"])
    app.add_route(come_back, GOOGLE_RETURN_PATH, methods=["GET"])
    app.add_route(ask_to_disconnect, DISCONNECT_PATH, methods=["GET"])
    app.add_route(disconnect, DISCONNECT_PATH, methods=["POST"])
    app.add_route(transfer, TRANSFER_PATH, methods=["POST"])
    for path, name in ((CONNECT_PATH, "connect"), (TRANSFER_PATH, "transfer")):
        app.add_route(_to_page, path, methods=["GET"], name=f"google_{name}")


def link_watch(engine: Engine, settings: Settings) -> Callable[[], bool]:
    """Returns what says whether somebody must connect again; it blocks."""
    is_robot = bool(settings.google_service_account_file)
    name = stored.ROBOT if is_robot else stored.OFFICE

    def is_lost() -> bool:
        with reading(engine) as connection:
            return stored.is_lost(connection, name)

    return is_lost


async def _note_link(request: PanelRequest) -> None:
    if session_of(request) is not None:
        is_lost = services_of(request).is_google_lost
        request.ctx.is_google_lost = await asyncio.to_thread(is_lost)


async def show(request: PanelRequest) -> HTTPResponse:
    """Shows how the office is connected, and what can be done."""
    actions = services_of(request).actions
    try:
        found = await actions.connection()
    except ActionsUnavailable as error:
        return _page(request, found=None, problem=str(error))
    return _page(request, found=found, waiting=await _waiting(actions, found))


async def _waiting(actions: ActionsClient, found: Connection) -> Waiting | None:
    """Returns how much could be brought to Google; None where nobody knows."""
    if found.link != "conectado":
        return Waiting()
    try:
        return await actions.waiting()
    except (ActionsRefused, ActionsUnavailable):
        return None


def _page(
    request: PanelRequest, *, found: Connection | None, **more: Any
) -> HTTPResponse:
    values = {
        "found": found,
        "waiting": Waiting(),
        "problem": "",
        "notice": _NOTICES.get(request.args.get("feito") or "", ""),
        "back": _return_address(request),
        **more,
    }
    return page(request, "google.html", values)


async def connect(request: PanelRequest) -> HTTPResponse:
    """Leads to Google's page, which asks for what was chosen."""
    form = request.form
    names: Sequence[str] = form.getlist("recursos") if form else ()
    try:
        url = await services_of(request).actions.begin(
            names or (),
            back=_return_address(request),
            owner=_session(request).token_hash,
        )
    except (ActionsRefused, ActionsUnavailable) as error:
        return _problem(request, "O Google não pôde ser conectado", error)
    return _onward(request, url, "Indo para o Google", "Continuar no Google")


async def come_back(request: PanelRequest) -> HTTPResponse:
    """Takes what Google sends back; bound to the session that began."""
    given = {name: request.args.get(name) or "" for name in _BROUGHT}
    brought = {name: text for name, text in given.items() if text}
    if session_of(request) is None:
        query = urlencode({**brought, FROM_HERE: "1"}, errors="replace")
        again = f"{GOOGLE_RETURN_PATH}?{query}"
        return _onward(request, again, "Voltando ao painel", "Continuar no painel")
    if "state" not in brought:
        return problem(request, *_NOTHING_BROUGHT, status=_BAD_REQUEST)
    try:
        await services_of(request).actions.finish(
            brought, owner=_session(request).token_hash
        )
    except (ActionsRefused, ActionsUnavailable) as error:
        return _problem(request, "O Google não foi conectado", error)
    return _to_page_with("conectado")


async def ask_to_disconnect(request: PanelRequest) -> HTTPResponse:
    """Asks whether it is meant, and says what follows."""
    return page(request, "google_disconnect.html", {})


async def disconnect(request: PanelRequest) -> HTTPResponse:
    """Gives the permission back."""
    try:
        is_confirmed = await services_of(request).actions.disconnect()
    except (ActionsRefused, ActionsUnavailable) as error:
        return _problem(request, "O Google não foi desconectado", error)
    return _to_page_with("desconectado" if is_confirmed else "sem-confirmacao")


async def transfer(request: PanelRequest) -> HTTPResponse:
    """Begins to bring to Google what is kept on this machine."""
    try:
        begun = await services_of(request).actions.transfer()
    except (ActionsRefused, ActionsUnavailable) as error:
        return _problem(request, "A transferência não começou", error)
    return _to_page_with("transferencia" if begun.total else "nada")


def _onward(request: PanelRequest, url: str, title: str, button: str) -> HTTPResponse:
    """Leads on by a page: `form-action` stops a form that is redirected elsewhere."""
    values = {"url": url, "title": title, "button": button}
    return page(request, "onward.html", values)


def _problem(
    request: PanelRequest, title: str, error: ActionsRefused | ActionsUnavailable
) -> HTTPResponse:
    is_refusal = isinstance(error, ActionsRefused)
    status = _BAD_REQUEST if is_refusal else _BAD_GATEWAY
    return problem(request, title, str(error), status=status)


async def _to_page(_request: PanelRequest) -> HTTPResponse:
    return redirect(GOOGLE_PATH, status=303)


def _to_page_with(notice: str) -> HTTPResponse:
    return redirect(f"{GOOGLE_PATH}?feito={notice}", status=303)


def _return_address(request: PanelRequest) -> str:
    return f"{request.app.ctx.settings.panel_base_url}{GOOGLE_RETURN_PATH}"


def _session(request: PanelRequest) -> Session:
    session = session_of(request)
    if session is None:  # the guard lets nobody come here without one
        raise NotFound
    return session

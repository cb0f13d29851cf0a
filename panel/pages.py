"""The routes under /painel: entering, leaving, static files; `panel.home` has the rest.

Every page works without JavaScript; htmx asks for the same things in pieces.
"""

from __future__ import annotations

import asyncio

from sanic import HTTPResponse
from sanic.exceptions import NotFound
from sanic.response import json, raw, redirect

from panel import home
from panel.access import LinkState
from panel.assets import PREFIX
from panel.context import PanelApp, PanelRequest, services_of, session_of
from panel.home import HOME_PATH, form_field
from panel.render import page
from panel.security import (
    ENTER_PATH,
    READY_PATH,
    clear_session,
    session_token,
    set_session,
)

LEAVE_PATH = "/painel/sair"
_FOREVER = "public, max-age=31536000, immutable"
_GONE = 410


def add_routes(app: PanelApp) -> None:
    """Adds every route of the panel to an application."""
    home.add_routes(app)
    app.add_route(ready, READY_PATH, methods=["GET"])
    app.add_route(enter_page, ENTER_PATH, methods=["GET"])
    app.add_route(enter, ENTER_PATH, methods=["POST"])
    app.add_route(leave, LEAVE_PATH, methods=["POST"])
    app.add_route(asset, PREFIX + "/<name:str>", methods=["GET"])


async def ready(_request: PanelRequest) -> HTTPResponse:
    """Says that the process answers; touches nothing else."""
    return json({"estado": "ok"})


async def asset(request: PanelRequest, name: str) -> HTTPResponse:
    """Serves one of the known static files.

    Raises:
        NotFound: there is no such file.
    """
    found = request.app.ctx.assets.files.get(name)
    if found is None:
        raise NotFound
    is_current = request.args.get("v") == found.version
    cache = _FOREVER if is_current else "no-cache"
    return raw(
        found.body, content_type=found.content_type, headers={"Cache-Control": cache}
    )


async def enter_page(request: PanelRequest) -> HTTPResponse:
    """Shows the button of a link; looking at it does not use it up."""
    key = request.args.get("chave") or ""
    if not key:
        return _enter_html(request, state=None)
    access = services_of(request).access
    state = await asyncio.to_thread(access.link_state, key)
    return _enter_html(request, state=state, key=key)


async def enter(request: PanelRequest) -> HTTPResponse:
    """Uses a link up and opens a session."""
    services = services_of(request)
    key = form_field(request, "chave")
    token = await asyncio.to_thread(
        services.access.enter, key, previous_token=session_token(request)
    )
    if token is None:
        state = await asyncio.to_thread(services.access.link_state, key)
        return _enter_html(request, state=state)
    response = redirect(HOME_PATH, status=303)
    set_session(response, token, settings=services.settings)
    return response


async def leave(request: PanelRequest) -> HTTPResponse:
    """Ends the session."""
    services = services_of(request)
    session = session_of(request)
    if session:
        services.simulator.leave(session.token_hash)
    await asyncio.to_thread(services.access.leave, session_token(request))
    response = redirect(f"{ENTER_PATH}?saiu=1", status=303)
    clear_session(response, settings=services.settings)
    return response


def _enter_html(
    request: PanelRequest, *, state: LinkState | None, key: str = ""
) -> HTTPResponse:
    is_dead = state not in {None, LinkState.VALID}
    values = {
        "state": state.value if state else "",
        "key": key if state is LinkState.VALID else "",
        "has_left": "saiu" in request.args,
    }
    return page(request, "enter.html", values, status=_GONE if is_dead else 200)

"""The routes under /painel.

Every page works without JavaScript; htmx asks for the same things in pieces.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sanic import HTTPResponse
from sanic.exceptions import NotFound
from sanic.response import json, raw, redirect

from bot.core.names import Profile
from panel.access import LinkState
from panel.assets import PREFIX
from panel.context import PanelApp, PanelRequest, services_of, session_of
from panel.edge_client import (
    EdgeRefused,
    EdgeTimeout,
    EdgeUnavailable,
    HealthReport,
)
from panel.problems import NOT_SENT, send_error_headers
from panel.render import page
from panel.security import (
    ENTER_PATH,
    READY_PATH,
    SITUATION_PATH,
    clear_session,
    session_token,
    set_session,
)
from panel.simulator import TEST_PEOPLE, Exchange, Seat, canonical
from panel.situation import Situation, describe

HOME_PATH = "/painel"
SIMULATOR_PATH = "/painel/simulador"
LEAVE_PATH = "/painel/sair"
_FOREVER = "public, max-age=31536000, immutable"
_GONE, _BAD_GATEWAY, _GATEWAY_TIMEOUT, _UNPROCESSABLE = 410, 502, 504, 422


def add_routes(app: PanelApp) -> None:
    """Adds every route of the panel to an application."""
    app.add_route(_to_home, "/", methods=["GET"], name="root")
    app.add_route(ready, READY_PATH, methods=["GET"])
    app.add_route(enter_page, ENTER_PATH, methods=["GET"])
    app.add_route(enter, ENTER_PATH, methods=["POST"])
    app.add_route(home, HOME_PATH, methods=["GET"])
    app.add_route(situation, SITUATION_PATH, methods=["GET"])
    app.add_route(send, SIMULATOR_PATH, methods=["POST"])
    app.add_route(_to_home, SIMULATOR_PATH, methods=["GET"], name="simulator")
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


async def _to_home(_request: PanelRequest) -> HTTPResponse:
    return redirect(HOME_PATH, status=303)


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
    key = _field(request, "chave")
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


async def home(request: PanelRequest) -> HTTPResponse:
    """Shows the whole page."""
    who = _profile(request.args.get("quem"))
    return await _home_html(request, who=who, status=200)


async def situation(request: PanelRequest) -> HTTPResponse:
    """Returns the section "Situação" alone, as the page asks every 5 seconds."""
    if "hx-request" not in request.headers:
        return redirect(HOME_PATH, status=303)
    now = await _situation(request)
    return page(request, "situation.html", {"situation": now})


async def send(request: PanelRequest) -> HTTPResponse:
    """Sends a message as if the chosen person had written it."""
    services, clock = services_of(request), request.app.ctx.clock
    draft = _draft(request)
    seat = _seat(request)
    seat.phones[draft.who], seat.names[draft.who] = draft.phone, draft.name
    await asyncio.to_thread(
        services.simulator.register_test_person, draft.phone, now=clock()
    )
    said_at = clock()
    try:
        answer = await services.edge.ask(
            phone=draft.phone, text=draft.text, name=draft.name
        )
    except (EdgeRefused, EdgeUnavailable) as error:
        return await _not_sent(request, draft, error)
    exchange = Exchange(
        said=draft.text, said_at=said_at, answer=answer, answered_at=clock()
    )
    seat.add(draft.phone, exchange)
    if "hx-request" not in request.headers:
        return redirect(f"{HOME_PATH}?quem={draft.who.value}#ultima", status=303)
    return await _sent(request, draft, exchange)


@dataclass(frozen=True)
class _Draft:
    """What the simulator's form holds."""

    who: Profile
    phone: str
    name: str
    text: str
    shown_phone: str
    """Whose conversation the page shows; the field may have been changed."""


def _draft(request: PanelRequest) -> _Draft:
    return _Draft(
        who=_profile(_field(request, "quem")),
        phone=_field(request, "telefone").strip(),
        name=_field(request, "nome").strip(),
        text=_field(request, "mensagem").replace("\r\n", "\n"),
        shown_phone=_field(request, "conversa"),
    )


async def _sent(
    request: PanelRequest, draft: _Draft, exchange: Exchange
) -> HTTPResponse:
    is_same = canonical(draft.phone) == canonical(draft.shown_phone)
    everything = _seat(request).conversation(draft.phone)
    values = {
        "exchanges": (exchange,) if is_same else everything,
        "phone": draft.phone,
        "hint": await _phone_hint(request, draft.who, draft.phone),
    }
    headers = {} if is_same else {"HX-Reswap": "innerHTML"}
    return page(request, "sent.html", values, headers=headers)


@dataclass(frozen=True)
class _SendError:
    """Why a message has no answer, as shown beside the message box."""

    heading: str
    message: str
    field: str
    """Name of the form's field that is wrong, or empty."""
    status: int


def _send_error(error: EdgeRefused | EdgeUnavailable) -> _SendError:
    if isinstance(error, EdgeRefused):
        return _SendError(NOT_SENT, str(error), error.field, _UNPROCESSABLE)
    if isinstance(error, EdgeTimeout):
        return _SendError("Sem resposta.", str(error), "", _GATEWAY_TIMEOUT)
    return _SendError(NOT_SENT, str(error), "", _BAD_GATEWAY)


async def _not_sent(
    request: PanelRequest, draft: _Draft, error: EdgeRefused | EdgeUnavailable
) -> HTTPResponse:
    shown = _send_error(error)
    if "hx-request" not in request.headers:
        return await _home_html(
            request, who=draft.who, status=shown.status, draft=draft, error=shown
        )
    return page(
        request,
        "send_error.html",
        {"heading": shown.heading, "message": shown.message, "field": shown.field},
        status=shown.status,
        headers=send_error_headers(request),
    )


async def _home_html(
    request: PanelRequest,
    *,
    who: Profile,
    status: int,
    draft: _Draft | None = None,
    error: _SendError | None = None,
) -> HTTPResponse:
    seat = _seat(request)
    phone = seat.phones[who]
    now, hint = await asyncio.gather(
        _situation(request), _phone_hint(request, who, phone)
    )
    values = {
        "situation": now,
        "profiles": tuple(Profile),
        "who": who,
        "phone": phone,
        "name": seat.names.get(who, ""),
        "hint": hint,
        "exchanges": seat.conversation(phone),
        "draft": draft.text if draft else "",
        "error": error,
    }
    return page(request, "home.html", values, status=status)


async def _situation(request: PanelRequest) -> Situation:
    services = services_of(request)
    found: HealthReport | EdgeUnavailable
    try:
        found = await services.edge.health()
    except EdgeUnavailable as error:
        found = error
    return describe(found, history=services.history, now=request.app.ctx.clock())


async def _phone_hint(request: PanelRequest, who: Profile, phone: str) -> str:
    """Returns one sentence on whom the assistant will take this number for."""
    test_person = TEST_PEOPLE.get(who)
    if test_person and canonical(phone) == test_person.phone:
        return "Número de teste, só do simulador: não existe DDD 10."
    simulator = services_of(request).simulator
    found = await asyncio.to_thread(simulator.known_person, phone)
    if found is None:
        return "Fora do cadastro: é atendido como desconhecido."
    return (
        f"No cadastro: {found.name} ({found.profile.value}). "
        "A simulação entra na conversa dessa pessoa."
    )


def _seat(request: PanelRequest) -> Seat:
    session = session_of(request)
    if session is None:  # the guard lets nobody come here without one
        raise NotFound
    return services_of(request).simulator.seat(session.token_hash)


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


def _field(request: PanelRequest, name: str) -> str:
    form = request.form
    return str(form.get(name) or "") if form else ""


def _profile(text: str | None) -> Profile:
    known = {profile.value: profile for profile in Profile}
    return known.get(text or "", Profile.CLIENT)

"""The panel's home: the state of everything, and the simulator.

It works without JavaScript; htmx asks for the same things in pieces.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from sanic import HTTPResponse
from sanic.exceptions import NotFound
from sanic.response import redirect

from bot.core.api_limits import MIB, max_audio_bytes
from bot.core.names import Profile
from panel.context import PanelApp, PanelRequest, services_of, session_of
from panel.edge_client import (
    Answer,
    EdgeRefused,
    EdgeTimeout,
    EdgeUnavailable,
    HealthReport,
)
from panel.problems import NOT_SENT, send_error_headers
from panel.render import page
from panel.security import AUDIO_PATH, MICROPHONE, SITUATION_PATH
from panel.simulator import TEST_PEOPLE, Exchange, Seat, canonical
from panel.situation import Situation, describe

HOME_PATH = "/painel"
SIMULATOR_PATH = "/painel/simulador"
_BAD_GATEWAY, _GATEWAY_TIMEOUT, _UNPROCESSABLE = 502, 504, 422


def add_routes(app: PanelApp) -> None:
    """Adds the home's routes to an application."""
    for name, path in (
        ("root", "/"),
        ("simulator", SIMULATOR_PATH),
        ("simulator_audio", AUDIO_PATH),
    ):
        app.add_route(_to_home, path, methods=["GET"], name=name)
    app.add_route(home, HOME_PATH, methods=["GET"])
    app.add_route(situation, SITUATION_PATH, methods=["GET"])
    app.add_route(send, SIMULATOR_PATH, methods=["POST"])
    app.add_route(send_audio, AUDIO_PATH, methods=["POST"], stream=True)


async def _to_home(_request: PanelRequest) -> HTTPResponse:
    return redirect(HOME_PATH, status=303)


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
    draft = _draft(request)
    _seat(request).drafts.pop(draft.who, None)
    ask = partial(
        services_of(request).edge.ask,
        phone=draft.phone,
        text=draft.text,
        name=draft.name,
    )
    return await _exchange(request, draft, ask, said=draft.text)


async def send_audio(request: PanelRequest) -> HTTPResponse:
    """Sends a voice note as if the chosen person had recorded it.

    What stands in the message box meanwhile stays there.
    """
    draft = _draft(request)
    upload = request.files.get("audio") if request.files else None
    if upload is None or not upload.body:
        nothing = "Escolha um arquivo de áudio que não esteja vazio, ou grave um."
        return await _not_sent(request, draft, EdgeRefused(nothing, field="audio"))
    _seat(request).drafts[draft.who] = draft.text
    ask = partial(
        services_of(request).edge.ask_by_voice,
        phone=draft.phone,
        audio=upload.body,
        file_name=upload.name,
        name=draft.name,
    )
    return await _exchange(request, draft, ask, said="")


async def _exchange(
    request: PanelRequest,
    draft: _Draft,
    ask: Callable[[], Awaitable[Answer]],
    *,
    said: str,
) -> HTTPResponse:
    """Returns what was said and answered, remembered; or why it was not."""
    services, clock = services_of(request), request.app.ctx.clock
    seat = _seat(request)
    seat.phones[draft.who], seat.names[draft.who] = draft.phone, draft.name
    await asyncio.to_thread(
        services.simulator.register_test_person, draft.phone, now=clock()
    )
    said_at = clock()
    try:
        answer = await ask()
    except (EdgeRefused, EdgeUnavailable) as error:
        return await _not_sent(request, draft, error)
    exchange = Exchange(said=said, said_at=said_at, answer=answer, answered_at=clock())
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
        who=_profile(form_field(request, "quem")),
        phone=form_field(request, "telefone").strip(),
        name=form_field(request, "nome").strip(),
        text=form_field(request, "mensagem").replace("\r\n", "\n"),
        shown_phone=form_field(request, "conversa"),
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
    seat, settings = _seat(request), services_of(request).settings
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
        "draft": draft.text if draft else seat.drafts.get(who, ""),
        "error": error,
        "hears": settings.hears,
        "audio_mib": max_audio_bytes(settings) // MIB,
        "audio_max_s": int(settings.whisper_max_s),
    }
    return page(request, "home.html", values, status=status, headers=MICROPHONE)


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


def form_field(request: PanelRequest, name: str) -> str:
    """Returns a field of the form that was sent, or ""."""
    form = request.form
    return str(form.get(name) or "") if form else ""


def _profile(text: str | None) -> Profile:
    known = {profile.value: profile for profile in Profile}
    return known.get(text or "", Profile.CLIENT)

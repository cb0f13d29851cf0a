"""What guards every route: session, origin, CSRF token, response headers.

The guard runs before each handler, and on unknown addresses too; headers go on
every response, those of errors included.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Any
from urllib.parse import urlsplit

from sanic import HTTPResponse, Request
from sanic.response import BaseHTTPResponse, empty, redirect

from bot.body import read_body
from bot.core.api_limits import MIB, max_audio_bytes
from bot.core.settings import Settings
from panel.access import SESSION_ABSOLUTE_S, Session
from panel.assets import PREFIX
from panel.context import PanelApp, PanelRequest, services_of
from panel.problems import problem

ENTER_PATH = "/painel/entrar"
READY_PATH = "/painel/pronto"
SITUATION_PATH = "/painel/situacao"
AUDIO_PATH = "/painel/simulador/audio"
GOOGLE_RETURN_PATH = "/painel/google/retorno"
FROM_HERE = "aqui"
"""Marks the second visit to that address, which starts from a page of ours."""
_PUBLIC_PATHS = frozenset({ENTER_PATH, READY_PATH})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_COOKIE = "painel_sessao"
_SECURE_COOKIE = "__Secure-painel_sessao"
"""`__Host-` would demand Path=/; the cookie belongs to /painel alone."""

MICROPHONE = {"Permissions-Policy": "camera=(), microphone=(self), geolocation=()"}
"""Header of the one page that may record."""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # no-referrer would make browsers send `Origin: null` with our own forms
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

_FORM_BYTES = 64 * 1024
"""Of a form with a file, beside the file."""

_FOREIGN = (
    "Este pedido não partiu de uma página do painel",
    "Abra o painel pelo endereço dele e tente de novo. Se há um servidor na frente, "
    "confira PANEL_BASE_URL no .env.",
)
_STALE_FORM = (
    "Este formulário não vale mais",
    "Recarregue a página e tente de novo.",
)


def guard(app: PanelApp) -> None:
    """Puts the guard before, and the headers after, everything the app serves."""
    app.add_signal(_mark_failed, "http.lifecycle.exception")
    app.register_middleware(_check, "request")
    app.register_middleware(_add_headers, "response")


def session_token(request: PanelRequest) -> str:
    """Returns the value of the session cookie, or an empty text."""
    name = _SECURE_COOKIE if _is_https(request.app.ctx.settings) else _COOKIE
    values = request.cookies.getlist(name)
    return str(values[0]) if values else ""


def set_session(response: HTTPResponse, token: str, *, settings: Settings) -> None:
    """Adds the session cookie."""
    is_https = _is_https(settings)
    response.add_cookie(
        _SECURE_COOKIE if is_https else _COOKIE,
        token,
        path="/painel",
        secure=is_https,
        httponly=True,
        samesite="Strict",
        max_age=SESSION_ABSOLUTE_S,
    )


def clear_session(response: HTTPResponse, *, settings: Settings) -> None:
    """Takes the session cookie away."""
    set_session(response, "", settings=settings)
    for cookie in response.cookies.cookies:
        cookie.max_age = 0


async def _mark_failed(request: PanelRequest | None, **_details: object) -> None:
    """Notes that no handler will run: Sanic guards the answer to an error too."""
    if request is not None:
        request.ctx.has_failed = True


async def _check(request: PanelRequest) -> HTTPResponse | None:
    is_change = request.method not in _SAFE_METHODS and not _has_failed(request)
    if is_change and not _is_same_origin(request):
        return problem(request, *_FOREIGN, status=403)
    if not _needs_session(request.path):
        return None
    session = await _open_session(request)
    if session is None:
        return None if _comes_from_google(request) else _to_enter(request)
    request.ctx.session = session
    if is_change and request.path == AUDIO_PATH and not await _receive(request):
        limit_mib = max_audio_bytes(request.app.ctx.settings) // MIB
        advice = f"Envie um de até {limit_mib} MB, ou divida em partes."
        return problem(request, "O áudio é grande demais", advice, status=413)
    if is_change and not _has_csrf_token(request, session):
        return problem(request, *_STALE_FORM, status=403)
    return None


async def _receive(request: PanelRequest) -> bool:
    """Reads a body that may be large, for who has a session; False where it is more.

    The form's token stands in the body, so that it comes before the handler.
    """
    chunks: Any = request.stream  # its protocol does not say that it is iterable
    longest = max_audio_bytes(request.app.ctx.settings) + _FORM_BYTES
    body = await read_body(chunks, longest=longest)
    request.body = body or b""
    return body is not None


def _has_failed(request: PanelRequest) -> bool:
    return bool(getattr(request.ctx, "has_failed", False))


def _needs_session(path: str) -> bool:
    is_ours = path == "/painel" or path.startswith("/painel/")
    is_public = path in _PUBLIC_PATHS or path.startswith(PREFIX + "/")
    return is_ours and not is_public


async def _open_session(request: PanelRequest) -> Session | None:
    token = session_token(request)
    if not token:
        return None
    access = services_of(request).access
    is_person_active = request.path != SITUATION_PATH
    return await asyncio.to_thread(
        access.session, token, is_person_active=is_person_active
    )


def _to_enter(request: PanelRequest) -> HTTPResponse:
    if "hx-request" in request.headers:
        return empty(status=401, headers={"HX-Redirect": ENTER_PATH})
    return redirect(ENTER_PATH, status=303)


def _comes_from_google(request: PanelRequest) -> bool:
    """Says whether the browser may have kept the session back.

    It does not send a SameSite=Strict cookie where another site leads here; that
    page of ours then leads to itself, and the cookie comes along.
    """
    return request.path == GOOGLE_RETURN_PATH and FROM_HERE not in request.args


def _is_same_origin(request: PanelRequest) -> bool:
    """Says whether a browser sent this from one of our own pages.

    Plain http outside loopback gets no Sec-Fetch-Site from browsers, so that
    Origin decides there; a request with neither is refused.
    """
    site = request.headers.getone("sec-fetch-site", "")
    if site:
        return site in {"same-origin", "none"}
    origin = request.headers.getone("origin", "")
    own = urlsplit(request.app.ctx.settings.panel_base_url)
    hosts = {own.netloc, request.headers.getone("host", "")} - {""}
    parts = urlsplit(origin)
    return parts.scheme in {"http", "https"} and parts.netloc in hosts


def _has_csrf_token(request: PanelRequest, session: Session) -> bool:
    form = request.form
    sent = str(form.get("csrf") or "") if form else ""
    return secrets.compare_digest(
        sent.encode("utf-8", "surrogatepass"), session.csrf_token.encode()
    )


def _is_https(settings: Settings) -> bool:
    return settings.panel_base_url.startswith("https://")


async def _add_headers(_request: Request, response: BaseHTTPResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")

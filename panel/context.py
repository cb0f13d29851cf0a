"""What a handler finds on the application and on the request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TypeAlias

import jinja2
from sanic import Config, Request, Sanic

from bot.core.settings import Settings
from panel.access import Access, Session
from panel.actions_client import ActionsClient
from panel.assets import Assets
from panel.edge_client import EdgeClient
from panel.simulator import Simulator
from panel.situation import StateHistory


@dataclass(frozen=True)
class Services:
    """Everything that handlers use; opened at start, closed at the end."""

    settings: Settings
    access: Access
    edge: EdgeClient
    actions: ActionsClient
    simulator: Simulator
    history: StateHistory
    is_google_lost: Callable[[], bool]
    """Says whether somebody must connect Google again; blocks."""


@dataclass
class PanelContext:
    """The application's own values."""

    settings: Settings
    templates: jinja2.Environment
    assets: Assets
    clock: Callable[[], float]
    """Seconds since 1970."""
    services: Services | None = None
    """None before the start and after the end."""


PanelApp: TypeAlias = "Sanic[Config, PanelContext]"
PanelRequest: TypeAlias = "Request[PanelApp, SimpleNamespace]"


def services_of(request: PanelRequest) -> Services:
    """Returns the services that serve this request.

    Raises:
        RuntimeError: the application has not been started.
    """
    services = request.app.ctx.services
    if services is None:
        raise RuntimeError("the panel has not been started")
    return services


def session_of(request: PanelRequest) -> Session | None:
    """Returns the session that the guard found, or None on public pages."""
    session = getattr(request.ctx, "session", None)
    return session if isinstance(session, Session) else None


def is_google_lost(request: PanelRequest) -> bool:
    """Says whether this page should ask to connect Google again."""
    return bool(getattr(request.ctx, "is_google_lost", False))

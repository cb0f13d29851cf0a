"""Builds the panel's application; nothing here exists before `build_app` runs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import jinja2
from sanic import Config, Sanic

from bot.core.api_limits import UPLOAD_DEADLINE_S
from bot.core.office import zone_in
from bot.core.settings import ROOT, Settings
from bot.store.database import open_engine
from panel import google, pages, security, voice_words, wording
from panel.access import Access
from panel.actions_client import open_actions
from panel.assets import Assets, read_assets
from panel.context import PanelApp, PanelContext, Services
from panel.edge_client import EdgeDeadlines, longest_wait_s, open_edge
from panel.problems import QuietErrorHandler
from panel.simulator import Simulator
from panel.situation import StateHistory

MAX_BODY_BYTES = 64 * 1024
_RESPONSE_MARGIN_S = 10
_STOP_WAIT_S = 5


def build_app(
    settings: Settings,
    *,
    deadlines: EdgeDeadlines | None = None,
    clock: Callable[[], float] = time.time,
) -> PanelApp:
    """Returns the panel's application, not yet started.

    Args:
        settings: where to listen, the database, the edge.
        deadlines: how long the edge may take; None for the usual.
        clock: seconds since 1970.
    """
    deadlines = deadlines or EdgeDeadlines()
    assets = read_assets()
    app: PanelApp = Sanic(
        "pocketmkt-painel",
        config=_config(settings, deadlines),
        ctx=PanelContext(
            settings=settings,
            templates=_templates(assets, zone_in(ROOT / settings.office_file)),
            assets=assets,
            clock=clock,
        ),
        error_handler=QuietErrorHandler(),
        configure_logging=False,
    )
    _open_and_close_services(app, deadlines)
    security.guard(app)
    pages.add_routes(app)
    google.add_routes(app)
    return app


@contextlib.asynccontextmanager
async def open_services(
    settings: Settings, *, deadlines: EdgeDeadlines, clock: Callable[[], float]
) -> AsyncIterator[Services]:
    """Opens everything that handlers use, and closes it at the end."""
    engine = open_engine(settings.database_url)
    try:
        async with (
            open_edge(settings, deadlines) as edge,
            open_actions(settings) as actions,
        ):
            yield Services(
                settings=settings,
                access=Access(engine, clock=clock),
                edge=edge,
                actions=actions,
                simulator=Simulator(engine),
                history=StateHistory(zone_in(ROOT / settings.office_file)),
                is_google_lost=google.link_watch(engine, settings),
            )
    finally:
        engine.dispose()


def _open_and_close_services(app: PanelApp, deadlines: EdgeDeadlines) -> None:
    stack = contextlib.AsyncExitStack()

    async def start(app: PanelApp) -> None:
        app.ctx.services = await stack.enter_async_context(
            open_services(app.ctx.settings, deadlines=deadlines, clock=app.ctx.clock)
        )

    async def stop(app: PanelApp) -> None:
        app.ctx.services = None
        await stack.aclose()

    app.register_listener(start, "before_server_start")
    app.register_listener(stop, "after_server_stop")


def _config(settings: Settings, deadlines: EdgeDeadlines) -> Config:
    config = Config(env_prefix=None)
    config.ACCESS_LOG = False
    config.FALLBACK_ERROR_FORMAT = "text"
    config.GRACEFUL_SHUTDOWN_TIMEOUT = _STOP_WAIT_S
    config.MOTD = False
    config.REQUEST_MAX_SIZE = MAX_BODY_BYTES
    longest_s = UPLOAD_DEADLINE_S + longest_wait_s(settings, deadlines)
    config.RESPONSE_TIMEOUT = int(longest_s) + _RESPONSE_MARGIN_S
    config.TOUCHUP = False  # it rewrites Sanic's own methods for the whole process
    return config


def _templates(assets: Assets, zone: ZoneInfo) -> jinja2.Environment:
    environment = jinja2.Environment(
        autoescape=True,
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals["asset"] = assets.url
    environment.filters.update(
        answered_by=wording.answered_by_name,
        clock=partial(wording.clock_time, zone=zone),
        day=partial(wording.day, zone=zone),
        duration=wording.duration,
        length_of_time=voice_words.length_of_time,
        percent=wording.percent,
        phone=wording.phone_text,
        profile=wording.profile_name,
        unheard=voice_words.why_unheard,
        voice=voice_words.title,
        whatsapp=wording.whatsapp,
    )
    return environment

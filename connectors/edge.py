"""The edge: the small public process that receives, stores, acknowledges, sends.

It starts in well under two seconds and keeps receiving while Rasa restarts: Twilio
waits 15 seconds at most, and a Rasa with a large pipeline takes longer than that.
"""

from __future__ import annotations

import sys
from typing import Any

import structlog
from sanic import Sanic
from sanic.exceptions import MethodNotAllowed, NotFound, PayloadTooLarge, SanicException
from sanic.request import Request
from sanic.response import HTTPResponse

from bot.core.api_limits import UPLOAD_DEADLINE_S, answer_wait_s
from bot.core.errors import SettingsError
from bot.core.logs import configure_logs
from bot.core.office import zone_in
from bot.core.settings import ROOT, Settings, load_settings
from bot.store.database import open_engine
from bot.store.migrate import upgrade
from bot.wake import WakeUp
from bot.web import serve
from connectors.api import build_api
from connectors.backfill import Backfill
from connectors.health import Health, build_health
from connectors.media_loop import MediaLoop
from connectors.replies import refusal
from connectors.sender import TwilioSender
from connectors.services import ChannelServices
from connectors.twilio_client import TwilioClient
from connectors.webhook import build_webhook

_MAX_REQUEST_BYTES = 2 * 1024 * 1024
"""Above what any route takes, so that the route names the field that is too long; the
API reads its own body, because only who has its token may send sound."""
App = Sanic[Any, Any]
log = structlog.get_logger()


def build_app(settings: Settings) -> App:
    """Returns the edge's Sanic application; opens and closes what it needs."""
    engine = open_engine(settings.database_url)
    zone = zone_in(ROOT / settings.office_file)
    services = ChannelServices(settings, engine, WakeUp(settings.edge_port), zone)
    sender = TwilioSender(services)
    attachments = MediaLoop(services)
    client = TwilioClient(settings)
    backfill = Backfill(services, client)
    health = Health(services)
    app = Sanic("pocketmkt_edge", configure_logging=False)
    app.config.REQUEST_MAX_SIZE = _MAX_REQUEST_BYTES
    app.config.ACCESS_LOG = False
    app.config.TOUCHUP = False  # it rewrites Sanic's own methods for the whole process
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 10.0
    longest_s = UPLOAD_DEADLINE_S + answer_wait_s(settings, is_audio=True)
    app.config.RESPONSE_TIMEOUT = int(longest_s) + 15
    app.blueprint(build_webhook(services))
    app.blueprint(build_api(services))
    app.blueprint(build_health(health))

    @app.before_server_start
    async def start(_app: App) -> None:
        upgrade(engine)
        await services.wake.open()
        await health.start()
        await sender.start()
        await attachments.start()
        await client.open()
        await backfill.start()

    @app.after_server_stop
    async def stop(_app: App) -> None:
        await backfill.stop()
        await client.close()
        await attachments.stop()
        await sender.stop()
        await health.stop()
        services.wake.close()
        engine.dispose()

    @app.exception(NotFound)
    async def not_found(_request: Request, _error: NotFound) -> HTTPResponse:
        return refusal("Este endereço não existe.", status=404)

    @app.exception(MethodNotAllowed)
    async def wrong_method(_request: Request, _error: MethodNotAllowed) -> HTTPResponse:
        return refusal("Este endereço só aceita outro método.", status=405)

    @app.exception(PayloadTooLarge)
    async def too_large(_request: Request, _error: PayloadTooLarge) -> HTTPResponse:
        return refusal("Pedido grande demais.", status=413, field="mensagem")

    @app.exception(Exception)
    async def failed(_request: Request, error: Exception) -> HTTPResponse:
        if isinstance(error, SanicException):
            return refusal("Pedido que não consigo ler.", status=error.status_code)
        log.error("edge_failed", kind=type(error).__name__)
        return refusal("Erro interno; já foi registrado.", status=500)

    return app


def main() -> int:
    """Runs the edge until it is told to stop."""
    try:
        settings = load_settings()
    except SettingsError as error:
        print(f"Configuração errada:\n{error}", file=sys.stderr)  # noqa: T201
        return 2
    configure_logs(settings.log_level)
    app = build_app(settings)
    serve(app, host=settings.edge_host, port=settings.edge_port)
    return 0


if __name__ == "__main__":
    sys.exit(main())

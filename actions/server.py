"""The action server's HTTP face: Rasa's action protocol, behind a shared secret.

`rasa_sdk`'s own application has no authentication and echoes the whole tracker in
its errors; its executor does the work here too.
"""

from __future__ import annotations

import contextlib
import hmac
from typing import Any

import structlog
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionExecutionRejection, ActionNotFoundException
from sanic import Sanic, json
from sanic.exceptions import SanicException
from sanic.request import Request
from sanic.response import HTTPResponse

from actions.google import routes as google_routes
from actions.google.account import GoogleAccount
from actions.google.consent import Consent
from actions.google.routes import GoogleDesk
from actions.jobs import JobWorker
from actions.registry import build_actions
from actions.services import Services, open_services
from actions.speech.loop import SpeechLoop
from actions.speech.opening import open_transcribers
from actions.work.handlers import build_handlers
from actions.work.transfers import Transfers
from bot.core.settings import Settings
from bot.wake import WakeUp

SECRET_HEADER = "X-PocketMKT-Secret"  # noqa: S105 - the header's name
App = Sanic[Any, Any]
_MAX_BODY_BYTES = 8 * 1024 * 1024
log = structlog.get_logger()


def build_app(settings: Settings) -> App:
    """Returns the action server; services open and close with it."""
    app = Sanic("pocketmkt_actions", configure_logging=False)
    app.config.REQUEST_MAX_SIZE = _MAX_BODY_BYTES
    app.config.RESPONSE_TIMEOUT = int(settings.turn_deadline_s)
    app.config.ACCESS_LOG = False
    executor = SilentExecutor()
    stack = contextlib.AsyncExitStack()
    desk: list[GoogleDesk] = []
    """What the routes of Google serve, once services are open."""
    google_routes.add_routes(
        app,
        lambda: desk[0] if desk else None,
        header=SECRET_HEADER,
        secret=settings.actions_secret,
    )

    @app.before_server_start
    async def start(_app: App) -> None:
        services = await stack.enter_async_context(open_services(settings))
        for action in build_actions(services):
            executor.register_action(action)
        desk.append(_google_desk(services))
        worker = JobWorker(services, build_handlers(services))
        worker.start()
        stack.push_async_callback(worker.stop)
        await _listen(services, stack)

    @app.after_server_stop
    async def stop(_app: App) -> None:
        await stack.aclose()

    @app.get("/pronto")
    async def ready(_request: Request) -> HTTPResponse:
        return json({"estado": "ok"})

    @app.post("/webhook")
    async def run_action(request: Request) -> HTTPResponse:
        given = request.headers.get(SECRET_HEADER, "").encode(errors="replace")
        if not hmac.compare_digest(given, settings.actions_secret.encode()):
            return json({"error": "wrong or missing secret"}, status=401)
        return await _run(executor, request.json)

    @app.exception(Exception)
    async def failed(_request: Request, error: Exception) -> HTTPResponse:
        if isinstance(error, SanicException):
            return json({"error": type(error).__name__}, status=error.status_code)
        log.error("action_server_failed", kind=type(error).__name__)
        return json({"error": "internal"}, status=500)

    return app


async def _listen(services: Services, stack: contextlib.AsyncExitStack) -> None:
    """Begins to hear voice notes, where somebody can."""
    transcribers = open_transcribers(services.settings, services.office)
    if not transcribers:
        return
    wake = WakeUp(services.settings.actions_port)
    loop = SpeechLoop(services.settings, services.engine, transcribers, wake)
    stack.push_async_callback(loop.stop)
    await loop.start()


def _google_desk(services: Services) -> GoogleDesk:
    account = GoogleAccount(services.settings, services.engine)
    consent = Consent(services.settings, services.engine, account)
    return GoogleDesk(account, consent, Transfers(services))


async def _run(executor: ActionExecutor, call: object) -> HTTPResponse:
    if not isinstance(call, dict) or "next_action" not in call:
        return json({"error": "no action call"}, status=400)
    try:
        result = await executor.run(call)
    except ActionExecutionRejection as error:
        body = {"error": error.message, "action_name": error.action_name}
        return json(body, status=400)
    except ActionNotFoundException as error:
        log.error("action_unknown", action=error.action_name)
        body = {"error": error.message, "action_name": error.action_name}
        return json(body, status=404)
    return json(result.model_dump() if result else None)


class SilentExecutor(ActionExecutor):
    """Runs registered instances; needs no domain and keeps none."""

    def update_and_return_domain(
        self, payload: dict[str, Any], action_name: str
    ) -> dict[str, Any]:
        """Accepts a call without a domain: our actions do not read it."""
        return {}

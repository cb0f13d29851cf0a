"""The action server's routes on Google, in this loop, in front of a fake Google."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import aiohttp
from sanic import Sanic

from actions.google.account import GoogleAccount
from actions.google.consent import Consent
from actions.google.routes import GoogleDesk, add_routes
from bot.core.ports import GatewayError, Trouble
from bot.core.settings import load_settings
from bot.store.database import open_engine
from bot.store.schema import metadata
from tests.fakes.fake_google import FakeGoogle
from tests.fakes.google_grants import CLIENT_ID, CLIENT_SECRET

HEADER, SECRET = "X-PocketMKT-Secret", "segredo-dos-testes"


class FakeTransfers:
    """So many things wait; begun, none does."""

    def __init__(self) -> None:
        self.left = {"events": 3, "files": 2, "sheets": 1}
        self.trouble: Trouble | None = None

    async def waiting(self) -> Mapping[str, int]:
        if self.trouble:
            raise GatewayError(self.trouble, "google: 500")
        return self.left

    async def begin(self) -> Mapping[str, int]:
        if self.trouble:
            raise GatewayError(self.trouble, "google: 500")
        begun, self.left = self.left, dict.fromkeys(self.left, 0)
        return begun


@contextlib.asynccontextmanager
async def serving(google: FakeGoogle, folder, **environ: str) -> AsyncIterator:
    settings = load_settings(
        {
            "DATABASE_URL": f"sqlite:///{folder}/acoes.db",
            "GOOGLE_CLIENT_ID": CLIENT_ID,
            "GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
            "GOOGLE_OAUTH_AUTH_URL": f"{google.url}/authorize",
            "GOOGLE_OAUTH_TOKEN_URL": f"{google.url}/token",
            "GOOGLE_OAUTH_REVOKE_URL": f"{google.url}/revoke",
            **environ,
        },
        folder=folder,
    )
    engine = open_engine(settings.database_url)
    metadata.create_all(engine)
    account = GoogleAccount(settings, engine)
    account.open()
    consent = Consent(settings, engine, account)
    served = SimpleNamespace(
        transfers=FakeTransfers(),
        account=account,
        engine=engine,
        google=google,
        is_open=True,
    )
    desk = GoogleDesk(account, consent, served.transfers)
    app = Sanic("google_routes_test", configure_logging=False)
    app.config.TOUCHUP = False  # it rewrites Sanic for the whole process
    add_routes(
        app, lambda: desk if served.is_open else None, header=HEADER, secret=SECRET
    )
    listening = socket.create_server(("127.0.0.1", 0))
    served.port = listening.getsockname()[1]
    url = f"http://127.0.0.1:{served.port}"
    server = await app.create_server(sock=listening, return_asyncio_server=True)
    await server.startup()
    await server.before_start()
    async with aiohttp.ClientSession() as http:

        async def ask(method: str, path: str, *, secret=SECRET, **options):
            headers = {HEADER: secret} if secret is not None else {}
            async with http.request(
                method, url + path, headers=headers, **options
            ) as answer:
                is_json = answer.content_type == "application/json"
                return answer.status, await answer.json() if is_json else None

        async def visit(address: str) -> dict[str, str]:
            async with http.get(address, allow_redirects=False) as answer:
                parts = urlsplit(answer.headers["Location"])
            return {k: v[0] for k, v in parse_qs(parts.query).items()}

        served.ask, served.visit = ask, visit
        try:
            yield served
        finally:
            await server.close()
            Sanic.unregister_app(app)
            engine.dispose()

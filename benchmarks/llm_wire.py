"""A tap on the wire between the fallback and a model's server: words and times.

Time on the other side of it is the model's; everything else is ours. It passes on
every request unchanged, so that a scripted server and a real one are measured alike.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

_LARGEST_BODY = 64 * 1024 * 1024
_PATIENCE_S = 600.0


@dataclass
class Wire:
    """What was heard since `clear`."""

    url: str = ""
    """Where the fallback finds its server."""
    upstream: str = ""
    """Base URL of that server."""
    away_s: float = 0.0
    """Seconds that the server took for chat requests."""
    requests: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of the chat requests that asked something."""
    replies: list[str] = field(default_factory=list)
    """What the model answered to each, as far as it is Ollama's JSON."""

    def clear(self) -> None:
        """Forgets the last question."""
        self.away_s = 0.0
        self.requests.clear()
        self.replies.clear()

    @property
    def rules(self) -> str:
        """The system text of the last request, up to the office's own texts."""
        if not self.requests:
            return ""
        messages = self.requests[-1]["messages"]
        said = (each["content"] for each in messages if each["role"] == "system")
        return "\n".join(said).split("<textos>\n")[0]


@asynccontextmanager
async def tapped(upstream: str) -> AsyncIterator[Wire]:
    """Listens on loopback in front of a server until the block is left."""
    wire = Wire(upstream=upstream.rstrip("/"))
    timeout = aiohttp.ClientTimeout(total=_PATIENCE_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:

        async def passed_on(request: web.Request) -> web.Response:
            return await _passed_on(request, session, wire)

        app = web.Application(client_max_size=_LARGEST_BODY)
        app.router.add_route("*", "/{path:.*}", passed_on)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        wire.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield wire
        finally:
            await runner.cleanup()


async def _passed_on(
    request: web.Request, session: aiohttp.ClientSession, wire: Wire
) -> web.Response:
    body = await request.read()
    asked = _asked(request.path, body)
    started = time.perf_counter()
    async with session.request(
        request.method, f"{wire.upstream}{request.path_qs}", data=body or None
    ) as answer:
        content = await answer.read()
    if asked:
        wire.away_s += time.perf_counter() - started
        wire.requests.append(asked)
        wire.replies.append(_text(content))
    return web.Response(
        body=content, status=answer.status, content_type=answer.content_type
    )


def _asked(path: str, body: bytes) -> dict[str, Any] | None:
    """Returns the body of a chat that asks something; loading asks nothing."""
    if path != "/api/chat":
        return None
    asked: dict[str, Any] = json.loads(body)
    return asked if asked.get("messages") else None


def _text(content: bytes) -> str:
    """Returns what the model wrote, whether in one piece or line by line."""
    pieces = []
    for line in content.splitlines():
        try:
            pieces.append(json.loads(line)["message"]["content"])
        except (ValueError, KeyError, TypeError):
            continue
    return "".join(pieces)

"""A scripted Ollama over HTTP on loopback, for tests and for trying things out.

It speaks the part of the protocol that the office's model uses: `/api/chat`,
`/api/tags`, `/api/ps`, `/api/version` and `/`. Like the real server it knows
only the models it was given, loads a model on an empty chat, and remembers
what is loaded. Its answers are a script: a list of replies, one a request (the
last one stays), or a function of the request's body.

    python -m tests.fakes.fake_ollama --port 11434 --answer "Olá!" --delay 2
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

MODEL = "mistral-7b-instruct-v0.2-advocacia"
NOW = "2026-01-05T12:00:00.000000Z"
FOREVER = "2319-01-05T12:00:00.000000Z"


@dataclass(frozen=True)
class Reply:
    """What one chat request gets; the first that is set wins."""

    text: str | None = "Olá! Como posso ajudar?"
    """The answer; None leaves the message without content."""
    delay_s: float = 0.0
    """Seconds before anything is answered."""
    hangs: bool = False
    """Never answers."""
    closes: bool = False
    """Closes the connection without an answer."""
    status: int = 200
    """HTTP status; other than 200, `text` is the error."""
    body: bytes | None = None
    """Raw body in place of Ollama's JSON."""
    done_reason: str = "stop"
    """"length" when the answer was cut."""
    prompt_tokens: int = 300
    """What the server says it read."""


Script = Sequence[Reply | str] | Callable[[dict[str, Any]], Reply | str]


@dataclass
class FakeOllama:
    """The server's state; open it with `running`."""

    script: Script = ("Olá! Como posso ajudar?",)
    models: Sequence[str] = (MODEL,)
    tags_body: bytes | None = None
    """Raw body of `/api/tags` in place of the list of models."""
    tags_delay_s: float = 0.0
    loaded: set[str] = field(default_factory=set)
    requests: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of every chat request, in order."""
    headers: list[dict[str, str]] = field(default_factory=list)
    abandoned: int = 0
    """Requests whose client went away before the answer."""
    at_work: int = 0
    most_at_work: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by every chat request; clear it to wait for the next."""
    url: str = ""

    @property
    def questions(self) -> list[str]:
        """The last user message of every chat request."""
        return [body["messages"][-1]["content"] for body in self.requests]

    def application(self) -> web.Application:
        """The routes, without a socket."""
        app = web.Application()
        app.router.add_get("/", self._root)
        app.router.add_get("/api/version", self._version)
        app.router.add_get("/api/tags", self._tags)
        app.router.add_get("/api/ps", self._ps)
        app.router.add_post("/api/chat", self._chat)
        return app

    async def _root(self, _: web.Request) -> web.Response:
        return web.Response(text="Ollama is running")

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"version": "0.9.3"})

    async def _tags(self, _: web.Request) -> web.Response:
        await asyncio.sleep(self.tags_delay_s)
        if self.tags_body is not None:
            return web.Response(body=self.tags_body, content_type="application/json")
        return web.json_response({"models": [_entry(name) for name in self.models]})

    async def _ps(self, _: web.Request) -> web.Response:
        running = [_entry(name) | {"expires_at": FOREVER} for name in self.loaded]
        return web.json_response({"models": running})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.headers.append(dict(request.headers))
        if body["model"] not in self.models:
            missing = f'model "{body["model"]}" not found, try pulling it first'
            return web.json_response({"error": missing}, status=404)
        self.loaded.add(body["model"])
        if not body["messages"]:
            return web.json_response(_chat_body(body["model"], "", "load", 0))
        self.requests.append(body)
        self.arrived.set()
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            return await self._play(request, body, self._next_reply(body))
        except asyncio.CancelledError:
            self.abandoned += 1
            raise
        finally:
            self.at_work -= 1

    def _next_reply(self, body: dict[str, Any]) -> Reply:
        if callable(self.script):
            reply = self.script(body)
        else:
            reply = self.script[min(len(self.requests), len(self.script)) - 1]
        return reply if isinstance(reply, Reply) else Reply(reply)

    async def _play(
        self, request: web.Request, body: dict[str, Any], reply: Reply
    ) -> web.StreamResponse:
        await asyncio.sleep(3600 if reply.hangs else reply.delay_s)
        if reply.closes:
            assert request.transport is not None
            request.transport.abort()
            raise ConnectionResetError
        if reply.body is not None:
            return web.Response(
                body=reply.body, status=reply.status, content_type="application/json"
            )
        if reply.status != 200:
            return web.json_response({"error": reply.text}, status=reply.status)
        return web.json_response(
            _chat_body(
                body["model"], reply.text, reply.done_reason, reply.prompt_tokens
            )
        )


@asynccontextmanager
async def running(
    fake: FakeOllama | None = None, *, port: int = 0
) -> AsyncIterator[FakeOllama]:
    """Serves the fake on loopback; `fake.url` is its address."""
    fake = fake or FakeOllama()
    # A client that goes away ends the request, as with the real server.
    runner = web.AppRunner(
        fake.application(),
        handler_cancellation=True,
        access_log=None,
        shutdown_timeout=0.1,
    )
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        await runner.cleanup()


def _entry(name: str) -> dict[str, Any]:
    tagged = name if ":" in name else f"{name}:latest"
    return {
        "name": tagged,
        "model": tagged,
        "modified_at": NOW,
        "size": 4_100_000_000,
        "digest": "0" * 64,
        "details": {"family": "llama", "parameter_size": "7B"},
    }


def _chat_body(
    model: str, text: str | None, done_reason: str, prompt_tokens: int
) -> dict[str, Any]:
    message = {"role": "assistant"} | ({} if text is None else {"content": text})
    return {
        "model": model,
        "created_at": NOW,
        "message": message,
        "done": True,
        "done_reason": done_reason,
        "total_duration": 1_000_000,
        "load_duration": 100_000,
        "prompt_eval_count": prompt_tokens,
        "prompt_eval_duration": 400_000,
        "eval_count": len((text or "").split()),
        "eval_duration": 500_000,
    }


async def _serve(arguments: argparse.Namespace) -> None:
    replies = [Reply(text, delay_s=arguments.delay) for text in arguments.answer]
    fake = FakeOllama(replies or [Reply(delay_s=arguments.delay)], [arguments.model])
    async with running(fake, port=arguments.port):
        print(json.dumps({"url": fake.url, "model": arguments.model}), flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Runs the fake until it is interrupted."""
    parser = argparse.ArgumentParser(description="A scripted Ollama on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--model", default=MODEL)
    parser.add_argument(
        "--answer", action="append", default=[], help="may be repeated; the last stays"
    )
    parser.add_argument("--delay", type=float, default=0.0, help="seconds")
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()

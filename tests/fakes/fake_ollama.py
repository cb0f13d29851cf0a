"""A scripted Ollama over HTTP on loopback, for tests and for trying things out.

It speaks the part of the protocol that the office's model uses: `/api/chat`,
`/api/tags`, `/api/ps`, `/api/version` and `/`; and what building a model takes:
`/api/blobs`, `/api/create` and `/api/show`. Like the real server it knows only
the models it was given, loads a model on an empty chat, and remembers what is
loaded. Its answers are a script: a list of replies, one a request (the last one
stays), or a function of the request's body.

    python -m tests.fakes.fake_ollama --port 11434 --answer "Olá!" --delay 2
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

MODEL = "mistral-7b-instruct-v0.2-advocacia"
NOW = "2026-01-05T12:00:00.000000Z"
FOREVER = "2319-01-05T12:00:00.000000Z"
LONGEST_TOKEN = 6
"""Characters; longer prompts than this per token do not fit."""
CHUNK = b" " * 65_536
MAX_UPLOAD_BYTES = 1 << 30


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
    """What the server says it read; a prompt that is surely too long fills it."""
    obeys_schema: bool = False
    """Whether a request with `format` gets the smallest JSON that fits it."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further response headers."""
    drip_s: float = 0.0
    """Seconds between the bytes of the body; 0 sends it whole."""
    body_mb: float = 0.0
    """Megabytes of blanks before the body; `math.inf` never ends."""


Script = Sequence[Reply | str] | Callable[[dict[str, Any]], Reply | str]


@dataclass
class FakeOllama:
    """The server's state; open it with `running`."""

    script: Script = ("Olá! Como posso ajudar?",)
    models: Sequence[str] = (MODEL,)
    tags_body: bytes | None = None
    """Raw body of `/api/tags` in place of the list of models."""
    tags_delay_s: float = 0.0
    load: Reply = field(default_factory=Reply)
    """What loading gets: `delay_s`, `hangs` and `status` count; may be changed."""
    loads: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of every request that only loads, in order."""
    pings: int = 0
    """How often the list of models was asked for."""
    sent_bytes: int = 0
    """Bytes of long bodies that were taken from us."""
    version_body: bytes | None = None
    """Raw body of `/api/version`."""
    uploads: int = 0
    """How many files were sent."""
    blobs: dict[str, bytes] = field(default_factory=dict)
    """Uploaded files by their digest, "sha256:…"."""
    created: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Last request to create each model."""
    create_problem: Reply | str = ""
    """What creating a model fails with: within the stream, or as a status."""
    forgets: Sequence[str] = ()
    """Fields of a created model that the server drops without a word."""
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
        app = web.Application(client_max_size=MAX_UPLOAD_BYTES)
        app.router.add_get("/", self._root)
        app.router.add_get("/api/version", self._version)
        app.router.add_get("/api/tags", self._tags)
        app.router.add_get("/api/ps", self._ps)
        app.router.add_post("/api/chat", self._chat)
        app.router.add_head("/api/blobs/{digest}", self._has_blob)
        app.router.add_post("/api/blobs/{digest}", self._blob)
        app.router.add_post("/api/create", self._create)
        app.router.add_post("/api/show", self._show)
        return app

    async def _root(self, _: web.Request) -> web.Response:
        return web.Response(text="Ollama is running")

    async def _version(self, _: web.Request) -> web.Response:
        if self.version_body is not None:
            return web.Response(body=self.version_body, content_type="text/html")
        return web.json_response({"version": "0.9.3"})

    async def _tags(self, _: web.Request) -> web.Response:
        self.pings += 1
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
        if body.get("think"):
            refused = f'"{body["model"]}" does not support thinking'
            return web.json_response({"error": refused}, status=400)
        if not body["messages"]:
            return await self._load(body)
        self.loaded.add(body["model"])
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

    async def _load(self, body: dict[str, Any]) -> web.Response:
        self.loads.append(body)
        await asyncio.sleep(3600 if self.load.hangs else self.load.delay_s)
        if self.load.status != 200:
            error = {"error": self.load.text}
            return web.json_response(error, status=self.load.status)
        self.loaded.add(body["model"])
        return web.json_response(_chat_body(body["model"], "", "load", 0))

    async def _has_blob(self, request: web.Request) -> web.Response:
        is_here = request.match_info["digest"] in self.blobs
        return web.Response(status=200 if is_here else 404)

    async def _blob(self, request: web.Request) -> web.Response:
        self.uploads += 1
        digest, body = request.match_info["digest"], await request.read()
        if digest != f"sha256:{hashlib.sha256(body).hexdigest()}":
            return web.json_response({"error": "digest mismatch"}, status=400)
        self.blobs[digest] = body
        return web.Response(status=201)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if isinstance(self.create_problem, Reply):
            error = {"error": self.create_problem.text}
            return web.json_response(error, status=self.create_problem.status)
        response = web.StreamResponse()
        await response.prepare(request)
        for part in self._creation(body):
            await response.write(json.dumps(part).encode() + b"\n")
        return response

    def _creation(self, body: dict[str, Any]) -> list[dict[str, str]]:
        digests = [*body.get("files", {}).values(), *body.get("adapters", {}).values()]
        if self.create_problem:
            return [{"status": "parsing GGUF"}, {"error": str(self.create_problem)}]
        if any(digest not in self.blobs for digest in digests):
            return [{"error": "file does not exist"}]
        if any(self.blobs[digest][:4] != b"GGUF" for digest in digests):
            return [{"error": "unknown type"}]
        if "from" in body and body["from"] not in self.models:
            return [
                {"status": "pulling manifest"},
                {"error": "pull model manifest: file does not exist"},
            ]
        self.created[body["model"]] = body
        self.models = [*self.models, body["model"]]
        return [{"status": "writing manifest"}, {"status": "success"}]

    async def _show(self, request: web.Request) -> web.Response:
        name = (await request.json())["model"]
        if name not in self.models:
            return web.json_response({"error": f"model '{name}' not found"}, status=404)
        made = self.created.get(name, {})
        shown = {k: v for k, v in made.items() if k not in self.forgets}
        return web.json_response(
            {
                "template": shown.get("template", "{{ .Prompt }}"),
                "system": shown.get("system", ""),
                "parameters": _parameters(shown.get("parameters", {})),
                "modelfile": "",
                "details": {"family": "llama", "parameter_size": "7B"},
                "model_info": {},
            }
        )

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
        content = _content(body, reply)
        headers = {"Content-Type": "application/json", **reply.headers}
        if not reply.drip_s and not reply.body_mb:
            return web.Response(body=content, status=reply.status, headers=headers)
        response = web.StreamResponse(status=reply.status, headers=headers)
        await response.prepare(request)
        while self.sent_bytes < reply.body_mb * 1e6:
            await response.write(CHUNK)
            self.sent_bytes += len(CHUNK)
        for byte in content:
            await response.write(bytes([byte]))
            await asyncio.sleep(reply.drip_s)
        return response


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


def filled(schema: Mapping[str, Any]) -> Any:
    """Returns the smallest value that a JSON schema allows, as `format` makes it."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "string")
    if kind == "object":
        fields = schema.get("properties", {})
        return {name: filled(fields[name]) for name in schema.get("required", fields)}
    return {"array": [], "integer": 0, "number": 0, "boolean": False}.get(kind, "")


def _content(body: dict[str, Any], reply: Reply) -> bytes:
    if reply.body is not None:
        return reply.body
    if reply.status != 200:
        return json.dumps({"error": reply.text}).encode()
    text = reply.text
    if reply.obeys_schema and body.get("format"):
        text = json.dumps(filled(body["format"]))
    read = reply.prompt_tokens
    num_ctx = body.get("options", {}).get("num_ctx", 4096)
    if sum(len(message.get("content", "")) for message in body["messages"]) > (
        num_ctx * LONGEST_TOKEN
    ):
        read = num_ctx  # cut at the front, without a word
    answer = _chat_body(body["model"], text, reply.done_reason, read)
    return json.dumps(answer).encode()


def _parameters(parameters: Mapping[str, Any]) -> str:
    """Returns them as `/api/show` does: a line each, strings quoted."""
    return "\n".join(
        f"{name:<30} {json.dumps(value) if isinstance(value, str) else value}"
        for name, values in parameters.items()
        for value in (values if isinstance(values, list) else [values])
    )


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

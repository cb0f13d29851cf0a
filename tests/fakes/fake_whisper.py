"""A scripted transcription server over HTTP on loopback.

It speaks OpenAI's route as the servers do that an office may have: its answers are
made by the functions below, a dialect each, with what that server leaves out left out.

    python -m tests.fakes.fake_whisper --port 9000 --text "Bom dia."
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import wave
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

ROUTE = "/v1/audio/transcriptions"
MAX_UPLOAD_BYTES = 64 << 20
LOGPROB = -0.25


@dataclass(frozen=True)
class Reply:
    """What one request gets; the first that is set wins."""

    content: Any = None
    """A body that becomes JSON."""
    status: int = 200
    body: bytes | None = None
    """Raw body in place of JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    """Never answers."""
    closes: bool = False
    """Closes the connection without an answer."""


def segment(text: str, **changes: Any) -> dict[str, Any]:
    """Returns a segment with all of OpenAI's fields; None leaves one out."""
    full = {
        "id": 0,
        "seek": 0,
        "start": 0.0,
        "end": 2.0,
        "text": f" {text}",
        "tokens": [50364, 50464],
        "temperature": 0.0,
        "avg_logprob": LOGPROB,
        "no_speech_prob": 0.01,
        "compression_ratio": 1.1,
    }
    return {name: v for name, v in (full | changes).items() if v is not None}


def verbose(*texts: str, **changes: Any) -> Reply:
    """Answers as speaches and OpenAI do, one segment a text."""
    segments = [segment(each, **changes) for each in texts]
    return Reply(
        {
            "task": "transcribe",
            "language": "portuguese",
            "duration": 2.0,
            "text": " ".join(texts),
            "segments": segments,
        }
    )


def as_whisper_cpp(text: str) -> Reply:
    """Answers as whisper.cpp's server: words, and no ratio of compression."""
    words = [{"word": f" {each}", "probability": 0.8} for each in text.split()]
    given = segment(text, compression_ratio=None, seek=None) | {"words": words}
    return Reply({"text": f" {text}\n", "duration": 2.0, "segments": [given]})


def as_vllm(text: str) -> Reply:
    """Answers as vLLM: the duration is a string, two measures are null."""
    given = segment(text) | {"compression_ratio": None, "no_speech_prob": None}
    return Reply(
        {"duration": "2.0", "language": "pt", "text": text, "segments": [given]}
    )


def text_alone(text: str) -> Reply:
    """Answers as a server that knows only `json`."""
    return Reply({"text": text})


@dataclass
class FakeWhisper:
    """The server's state; open it with `running`."""

    script: Sequence[Reply] = (verbose("Bom dia."),)
    """One a transcription; the last stays."""
    ready: Reply = field(default_factory=lambda: Reply({"detail": "x"}, status=404))
    """What `/pronto` gets: only our own server has it."""
    token: str = ""
    is_busy: bool = False
    """Whether a request without a file waits for ever, as whisper.cpp's does while it
    hears."""
    forms: list[dict[str, Any]] = field(default_factory=list)
    """Fields of every transcription, `file` as bytes."""
    requests: int = 0
    """Transcriptions asked for, with a file or without."""
    callers: set[int] = field(default_factory=set)
    """Ports that transcriptions came from: one a connection."""
    url: str = ""

    @property
    def sound_s(self) -> float:
        """How long the last file is; it must be a WAV of 16 kHz and one channel."""
        with wave.open(io.BytesIO(self.forms[-1]["file"])) as file:
            assert (file.getframerate(), file.getnchannels()) == (16_000, 1)
            return file.getnframes() / file.getframerate()

    def application(self) -> web.Application:
        """The routes, without a socket."""
        app = web.Application(client_max_size=MAX_UPLOAD_BYTES)
        app.router.add_get("/pronto", self._pronto)
        app.router.add_post(ROUTE, self._transcribe)
        return app

    async def _pronto(self, request: web.Request) -> web.StreamResponse:
        return await self._give(self.ready, request)

    async def _transcribe(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        assert request.transport is not None
        self.callers.add(request.transport.get_extra_info("peername")[1])
        if self.token and request.headers.get("Authorization") != (
            f"Bearer {self.token}"
        ):
            return web.json_response({"error": "Unauthorized"}, status=401)
        form = dict(await request.post())
        if "file" not in form and self.is_busy:
            await asyncio.Event().wait()
        if "file" not in form:
            return web.json_response({"error": "no 'file' field"}, status=400)
        sent = form["file"]
        assert isinstance(sent, web.FileField)
        self.forms.append(form | {"file": sent.file.read()})
        place = min(len(self.forms), len(self.script)) - 1
        return await self._give(self.script[place], request)

    async def _give(self, reply: Reply, request: web.Request) -> web.StreamResponse:
        if reply.hangs:
            await asyncio.Event().wait()
        if reply.closes:
            assert request.transport is not None
            request.transport.abort()
        body = json.dumps(reply.content).encode() if reply.body is None else reply.body
        return web.Response(
            body=body, status=reply.status, headers=reply.headers,
            content_type="application/json",
        )  # fmt: skip


@asynccontextmanager
async def running(fake: FakeWhisper, *, port: int = 0) -> AsyncIterator[FakeWhisper]:
    """Serves the fake on loopback for as long as the block runs."""
    runner = web.AppRunner(fake.application(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        await runner.cleanup()


async def _serve(port: int, text: str) -> None:
    async with running(FakeWhisper([verbose(text)]), port=port) as fake:
        print(json.dumps({"url": fake.url}), flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Runs the fake until it is interrupted."""
    parser = argparse.ArgumentParser(description="A scripted Whisper on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--text", default="Bom dia.")
    options = parser.parse_args()
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(options.port, options.text))


if __name__ == "__main__":
    main()

"""One Ollama server: what is sent to it, and how little is believed of it.

Every request carries the same options, because another `num_ctx` would make
the server load the model anew. What comes back is bounded before it is read:
an answer of the model is a few kilobytes, whatever a server may send.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import httpx
import ollama

from llm_fallback.errors import (
    LIBRARY_ERRORS,
    LlmError,
    LlmModelLoading,
    LlmModelMissing,
    LlmRequestRefused,
    translated,
)
from llm_fallback.hosting.breaker import Breaker
from llm_fallback.prompt import NUM_CTX, NUM_PREDICT

TEMPERATURE = 0.2
KEEP_ALIVE_S = -1
"""The model stays loaded for ever: a cold first answer takes 10-60 s."""
CONNECT_TIMEOUT_S = 2.0
PING_DEADLINE_S = 1.8
LOAD_DEADLINE_S = 120.0
RECHECK_S = 5.0
"""Until the next look at a host that failed one, while it is still asked."""
MAX_RESPONSE_BYTES = 1 << 20
"""One HTTP response; a list of 500 models has about 0.2 MB."""

OPTIONS: Mapping[str, int | float] = {
    "num_ctx": NUM_CTX,
    "num_predict": NUM_PREDICT,
    "temperature": TEMPERATURE,
}
"""Sent with every request that names the model, the loading ones too."""
_NOT_ITS_FAULT = (LlmModelLoading, LlmRequestRefused)
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class HostHealth:
    """What one Ollama server said just now."""

    host: str
    """Base URL of the server."""
    is_reachable: bool
    """Whether it answered as Ollama does."""
    has_model: bool
    """Whether the model is installed there."""
    latency_s: float | None
    """Seconds until its answer; None where there was none."""
    problem: str
    """Name of the error of ours that stands in the way, or ""."""
    is_suspended: bool = False
    """Whether no question goes there for now."""


class Host:
    """One server with its breaker; opened by `open_host`."""

    def __init__(
        self, url: str, model: str, client: ollama.AsyncClient, breaker: Breaker
    ) -> None:
        self.url = url
        self.breaker = breaker
        self.answered_at = -math.inf
        """Loop time of its last answer to a question."""
        self._model = model
        self._client = client

    async def ask(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        schema: Mapping[str, Any] | None,
        until: float,
        fair_s: float,
    ) -> ollama.ChatResponse:
        """Returns the server's answer, and notes in the breaker how it went.

        Args:
            messages: as `/api/chat` wants them.
            schema: JSON schema that binds the answer, or None.
            until: loop time at which the request is given up.
            fair_s: seconds after which a missing answer is the server's fault.

        Raises:
            LlmError: any of them but `LlmAnswerRejected`.
        """
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            reply = await self._chat(messages, schema=schema, until=until)
        except LlmError as error:
            had_no_chance = clock() >= until and clock() - started < fair_s
            if not had_no_chance and not isinstance(error, _NOT_ITS_FAULT):
                self.breaker.failed()
            raise
        self.breaker.succeeded()
        self.answered_at = clock()
        return reply

    async def load(self) -> None:
        """Makes the server read the model into memory, if it has not.

        Raises:
            LlmError: any of them but `LlmAnswerRejected`.
        """
        until = asyncio.get_running_loop().time() + LOAD_DEADLINE_S
        await self._chat([], schema=None, until=until)

    async def ping(self) -> HostHealth:
        """Returns what the server says of itself, in at most 2 s; never raises."""
        started = time.monotonic()
        try:
            has_model = await self.has_model()
        except LlmError as error:
            return self._health(None, has_model=False, problem=type(error).__name__)
        return self._health(
            time.monotonic() - started,
            has_model=has_model,
            problem="" if has_model else LlmModelMissing.__name__,
        )

    async def has_model(self) -> bool:
        """Says whether the model is installed there.

        Raises:
            LlmError: any of them but `LlmAnswerRejected`.
        """
        try:
            async with asyncio.timeout(PING_DEADLINE_S):
                listed = await self._client.list()
        except LIBRARY_ERRORS as error:
            raise translated(error) from error
        names = {entry.model for entry in listed.models}
        return not names.isdisjoint({self._model, f"{self._model}:latest"})

    async def check(self) -> None:
        """Finds the server and the model on it, and has the model in its memory.

        Raises:
            LlmError: any of them but `LlmAnswerRejected`.
        """
        if not await self.has_model():
            raise LlmModelMissing("model not listed by the host", retryable=False)
        await self.load()

    def log_failure(self, event: str, error: LlmError) -> None:
        """Logs what went wrong here, without a word of any conversation."""
        kind = type(error).__name__
        _LOG.warning(event, extra={"llm_host": self.url, "llm_error": kind})

    async def _chat(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        schema: Mapping[str, Any] | None,
        until: float,
    ) -> ollama.ChatResponse:
        try:
            async with asyncio.timeout_at(until):
                return await self._client.chat(
                    self._model,
                    [_encodable(message) for message in messages],
                    format=None if schema is None else dict(schema),
                    options=OPTIONS,
                    keep_alive=KEEP_ALIVE_S,
                )
        except LIBRARY_ERRORS as error:
            raise translated(error) from error

    def _health(
        self, latency_s: float | None, *, has_model: bool, problem: str
    ) -> HostHealth:
        return HostHealth(
            host=self.url,
            is_reachable=latency_s is not None,
            has_model=has_model,
            latency_s=latency_s,
            problem=problem,
            is_suspended=not self.breaker.is_closed,
        )


async def keep_ready(host: Host, *, check_every_s: float) -> NoReturn:
    """Loads the model now, and finds by itself when a host is gone or back.

    A host that fails the first look gets no question before it passes one. While
    it answers questions there is nothing to look for.
    """
    changed = asyncio.Event()
    host.breaker.subscribe(changed.set)
    try:
        await host.check()
    except LlmError as error:
        host.log_failure("llm_preload_failed", error)
        host.breaker.trip()
    pause_s = check_every_s
    while True:
        changed.clear()
        to_probe_s = host.breaker.seconds_to_probe
        try:
            async with asyncio.timeout(pause_s if to_probe_s is None else to_probe_s):
                await changed.wait()
        except TimeoutError:
            works = await _look_at(host, check_every_s)
            pause_s = check_every_s if works else min(RECHECK_S, check_every_s)


async def _look_at(host: Host, check_every_s: float) -> bool:
    is_probe = host.breaker.begin_probe()
    idle_s = asyncio.get_running_loop().time() - host.answered_at
    if not is_probe and idle_s < check_every_s:
        return True
    try:
        await host.check()
    except LlmError as error:
        host.log_failure("llm_probe_failed", error)
        if is_probe:
            host.breaker.end_probe(works=False)
        else:
            host.breaker.failed()
        return False
    host.breaker.end_probe(works=True)
    return True


@asynccontextmanager
async def open_host(
    url: str, model: str, *, deadline_s: float, breaker: Breaker
) -> AsyncIterator[Host]:
    """Opens the client of one server and closes it; connects to nothing yet."""
    client = ollama.AsyncClient(
        host=url,
        timeout=httpx.Timeout(
            max(deadline_s, LOAD_DEADLINE_S),
            connect=min(CONNECT_TIMEOUT_S, deadline_s),
        ),
        # Clients' words stay on the private network: through no proxy that the
        # environment names, and to no address that an answer points at.
        trust_env=False,
        follow_redirects=False,
        transport=BoundedTransport(),
        headers={"accept-encoding": "identity"},
    )
    async with client:
        yield Host(url, model, client, breaker)


class BoundedTransport(httpx.AsyncHTTPTransport):
    """HTTP that reads no more of a response than an answer can have."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Returns the response with a bounded body.

        Raises:
            httpx.RemoteProtocolError: the body is compressed (a kilobyte may be a
                gigabyte), or, while it is read, longer than `MAX_RESPONSE_BYTES`.
        """
        response = await super().handle_async_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise httpx.RemoteProtocolError("compressed body", request=request)
        # A charset may name any codec of Python's, "zlib" among them; JSON is UTF-8.
        response.headers.pop("content-type", None)
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - types
        response.stream = _BoundedStream(response.stream, request)
        return response


class _BoundedStream(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, request: httpx.Request) -> None:
        self._stream = stream
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MAX_RESPONSE_BYTES
        async for chunk in self._stream:
            left -= len(chunk)
            if left < 0:
                raise httpx.RemoteProtocolError("endless body", request=self._request)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def _encodable(message: Mapping[str, str]) -> dict[str, str]:
    # Half an emoji (a lone surrogate) cannot be sent; it must not cost the question.
    return {
        key: value.encode(errors="replace").decode() for key, value in message.items()
    }

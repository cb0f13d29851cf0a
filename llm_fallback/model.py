"""The office's model behind Ollama: one question, one checked answer.

This file owns time and load: one deadline for the whole answer, a bound on
what waits, the order of the hosts, and what a health page may ask.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx
import ollama

from bot.core.settings import Settings
from llm_fallback.checks import review
from llm_fallback.errors import (
    LIBRARY_ERRORS,
    LlmAnswerRejected,
    LlmError,
    LlmModelLoading,
    LlmModelMissing,
    LlmTimeout,
    LlmUnavailable,
    Rejection,
    translated,
)
from llm_fallback.prompt import (
    NUM_CTX,
    NUM_PREDICT,
    Exchange,
    Prompt,
    build_prompt,
)
from llm_fallback.slots import Slots

TEMPERATURE = 0.2
KEEP_ALIVE_S = -1
"""The model stays loaded for ever: a cold first answer takes 10-60 s."""
CONNECT_TIMEOUT_S = 2.0
PING_DEADLINE_S = 1.8
PRELOAD_DEADLINE_S = 120.0
LOADING_PAUSE_S = 0.5
"""Between questions to a host that is still loading the model."""

_OPTIONS: Mapping[str, int | float] = {
    "num_ctx": NUM_CTX,
    "num_predict": NUM_PREDICT,
    "temperature": TEMPERATURE,
}
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelSettings:
    """Where the model is and how much of it one process may use."""

    hosts: tuple[str, ...]
    """Base URLs of the Ollama servers, tried in order; empty for none."""
    name: str
    """The model's name on them."""
    deadline_s: float = 20.0
    """Seconds for a whole answer: waiting, every host tried, the model's work."""
    max_parallel: int = 2
    """Questions with the model at the same time."""
    max_waiting: int = 16
    """Questions that may wait for it; the next one is refused at once."""

    @classmethod
    def from_settings(cls, settings: Settings) -> ModelSettings:
        """Returns the model's share of the process settings."""
        return cls(
            hosts=settings.ollama_hosts,
            name=settings.llm_model,
            deadline_s=settings.llm_deadline_s,
            max_parallel=settings.llm_max_parallel,
            max_waiting=settings.llm_max_waiting,
        )


@dataclass(frozen=True)
class ModelAnswer:
    """An answer that passed every check."""

    text: str
    """Portuguese, at most 900 characters, ready to be shown."""
    model: str
    """Name of the model that wrote it."""
    host: str
    """Base URL of the server that it came from."""
    total_s: float
    """Seconds from the call to the checked answer, waiting included."""
    model_s: float
    """Seconds that the server says it worked; 0 where it does not say."""
    prompt_tokens: int
    """Tokens the server read; 0 where it does not say."""
    answer_tokens: int
    """Tokens the server wrote; 0 where it does not say."""


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


@dataclass(frozen=True)
class ModelHealth:
    """What a health page shows of the model."""

    hosts: tuple[HostHealth, ...]
    """In the order in which they are tried; empty where none is configured."""

    @property
    def is_configured(self) -> bool:
        """Whether there is any host to ask."""
        return bool(self.hosts)

    @property
    def is_ready(self) -> bool:
        """Whether at least one host has the model."""
        return any(host.has_model for host in self.hosts)


class OfficeModel:
    """The office's language model; opened by `open_model`."""

    def __init__(
        self, settings: ModelSettings, clients: Mapping[str, ollama.AsyncClient]
    ) -> None:
        self._settings = settings
        self._clients = clients
        self._slots = Slots(
            parallel=settings.max_parallel, waiting=settings.max_waiting
        )

    @property
    def in_flight(self) -> int:
        """How many questions are being answered or wait to be."""
        return self._slots.inside

    async def answer(
        self,
        question: str,
        *,
        history: Sequence[Exchange] = (),
        office_facts: str = "",
    ) -> ModelAnswer:
        """Returns the model's answer after every check.

        Args:
            question: the person's text; treated as data.
            history: earlier turns, oldest first; dropped oldest first.
            office_facts: the only source of numbers, prices and addresses.

        Raises:
            LlmTimeout: the deadline passed.
            LlmBusy: too many questions wait, here or on every host.
            LlmUnavailable: no host could be used.
            LlmAnswerRejected: an answer came and must not be shown.
        """
        started = time.monotonic()
        prompt = build_prompt(question, history=history, office_facts=office_facts)
        try:
            async with (
                asyncio.timeout(self._settings.deadline_s),
                self._slots.one(),
            ):
                host, reply = await self._ask(prompt)
        except TimeoutError as error:
            raise LlmTimeout("the deadline passed", retryable=True) from error
        text = review(
            _complete_text(reply), question=question, office_facts=office_facts
        )
        return ModelAnswer(
            text=text,
            model=self._settings.name,
            host=host,
            total_s=time.monotonic() - started,
            model_s=(reply.total_duration or 0) / 1e9,
            prompt_tokens=reply.prompt_eval_count or 0,
            answer_tokens=reply.eval_count or 0,
        )

    async def ping(self) -> ModelHealth:
        """Returns what every host says of itself, in at most 2 s; never raises."""
        checks = (self._ping(host, client) for host, client in self._clients.items())
        return ModelHealth(hosts=tuple(await asyncio.gather(*checks)))

    async def preload(self) -> None:
        """Makes every host load the model now, so that the first answer is fast.

        Raises:
            LlmUnavailable: no host could load it.
            LlmTimeout: none did within two minutes.
            LlmBusy: all are overloaded.
        """
        problems = await asyncio.gather(
            *(self._load(host, client) for host, client in self._clients.items())
        )
        if not problems:
            raise _not_configured()
        failed = [problem for problem in problems if problem]
        if len(failed) == len(problems):
            raise failed[-1]

    async def _ask(self, prompt: Prompt) -> tuple[str, ollama.ChatResponse]:
        while True:
            last: LlmError = _not_configured()
            is_loading = False
            for host, client in self._clients.items():
                try:
                    return host, await self._chat(client, prompt.messages)
                except LlmError as error:
                    _log_failure("llm_host_failed", host, error)
                    last = error
                    is_loading |= isinstance(error, LlmModelLoading)
            if not is_loading:
                raise last
            await asyncio.sleep(LOADING_PAUSE_S)  # the answer's deadline ends this

    async def _chat(
        self, client: ollama.AsyncClient, messages: Sequence[dict[str, str]]
    ) -> ollama.ChatResponse:
        try:
            return await client.chat(
                self._settings.name,
                messages,
                options=_OPTIONS,
                keep_alive=KEEP_ALIVE_S,
            )
        except LIBRARY_ERRORS as error:
            raise translated(error) from error

    async def _load(self, host: str, client: ollama.AsyncClient) -> LlmError | None:
        # No messages means "load only"; the same options as later, because
        # another num_ctx would load the model a second time.
        try:
            async with asyncio.timeout(PRELOAD_DEADLINE_S):
                await client.chat(
                    self._settings.name,
                    [],
                    options=_OPTIONS,
                    keep_alive=KEEP_ALIVE_S,
                )
        except LIBRARY_ERRORS as error:
            problem = translated(error)
            _log_failure("llm_preload_failed", host, problem)
            return problem
        return None

    async def _ping(self, host: str, client: ollama.AsyncClient) -> HostHealth:
        started = time.monotonic()
        try:
            async with asyncio.timeout(PING_DEADLINE_S):
                listed = await client.list()
        except LIBRARY_ERRORS as error:
            return HostHealth(
                host=host,
                is_reachable=False,
                has_model=False,
                latency_s=None,
                problem=type(translated(error)).__name__,
            )
        names = {entry.model for entry in listed.models}
        has_model = not names.isdisjoint(
            {self._settings.name, f"{self._settings.name}:latest"}
        )
        return HostHealth(
            host=host,
            is_reachable=True,
            has_model=has_model,
            latency_s=time.monotonic() - started,
            problem="" if has_model else LlmModelMissing.__name__,
        )


@asynccontextmanager
async def open_model(settings: ModelSettings) -> AsyncIterator[OfficeModel]:
    """Opens the model's clients and closes them; connects to nothing yet."""
    async with AsyncExitStack() as stack:
        clients = {
            host: await stack.enter_async_context(_client(host, settings))
            for host in settings.hosts
        }
        yield OfficeModel(settings, clients)


def _client(host: str, settings: ModelSettings) -> ollama.AsyncClient:
    return ollama.AsyncClient(
        host=host,
        timeout=httpx.Timeout(
            max(settings.deadline_s, PRELOAD_DEADLINE_S),
            connect=min(CONNECT_TIMEOUT_S, settings.deadline_s),
        ),
        # Clients' words stay on the private network: through no proxy that the
        # environment names, and to no address that an answer points at.
        trust_env=False,
        follow_redirects=False,
    )


def _complete_text(reply: ollama.ChatResponse) -> str:
    if (reply.prompt_eval_count or 0) >= NUM_CTX - NUM_PREDICT:
        # Ollama reports what is left after it cut the front off: the rules.
        raise LlmAnswerRejected(Rejection.PROMPT_TRUNCATED)
    if reply.done_reason == "length":
        raise LlmAnswerRejected(Rejection.CUT_SHORT)
    return reply.message.content or ""


def _not_configured() -> LlmUnavailable:
    return LlmUnavailable("no host is configured", retryable=False)


def _log_failure(event: str, host: str, error: LlmError) -> None:
    _LOG.warning(event, extra={"llm_host": host, "llm_error": type(error).__name__})

"""The office's model behind Ollama: messages go in, the model's text comes out.

This file owns time and load: one deadline for the whole answer, a bound on
what waits, the order of the hosts, and what is shown of their state. What is
asked, and whether the text may be read by anybody, is decided elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import ollama

from bot.core.settings import Settings
from llm_fallback.errors import (
    LlmAnswerRejected,
    LlmError,
    LlmModelLoading,
    LlmSuspended,
    LlmTimeout,
    LlmUnavailable,
    Rejection,
)
from llm_fallback.hosting.breaker import Breaker
from llm_fallback.hosting.hosts import (
    TEMPERATURE,
    Host,
    HostHealth,
    keep_ready,
    open_host,
)
from llm_fallback.hosting.slots import Slots
from llm_fallback.prompt import NUM_CTX, NUM_PREDICT

__all__ = [
    "TEMPERATURE",
    "HostHealth",
    "ModelHealth",
    "ModelSettings",
    "ModelState",
    "OfficeModel",
    "Reply",
    "open_model",
]

LOADING_PAUSE_S = 0.5
"""Between questions to a host that is still loading the model."""
FAIR_SHARE = 0.5
"""Part of the settings' deadline that a host must have had to be called slow."""

_MAX_NS = 10**15
_MAX_TOKENS = 10**9
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
    first_pause_s: float = 5.0
    """Seconds that a failing host is left alone at first; doubles up to the longest."""
    longest_pause_s: float = 60.0
    """Seconds after which a failing host is looked at again at the latest."""
    check_every_s: float = 30.0
    """Seconds between looks at a host that nobody asks anything."""

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
class Reply:
    """What the model wrote, whole and unchecked, and what it took."""

    text: str
    """As the server sent it; may be anything."""
    host: str
    """Base URL of the server that it came from."""
    model_s: float
    """Seconds that the server says it worked; 0 where it does not say."""
    prompt_tokens: int
    """Tokens the server read; 0 where it does not say."""
    answer_tokens: int
    """Tokens the server wrote; 0 where it does not say."""
    total_s: float
    """Seconds from the call to the text, waiting included."""


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


class ModelState(str, Enum):
    """How much of the model there is, as far as is known without asking."""

    READY = "ready"
    """Every host gets questions."""
    DEGRADED = "degraded"
    """Some hosts failed lately and get none."""
    DOWN = "down"
    """No host gets questions; they are being watched."""
    NOT_CONFIGURED = "not_configured"
    """The settings name no host."""


class OfficeModel:
    """The office's language model; opened by `open_model`."""

    def __init__(
        self,
        settings: ModelSettings,
        hosts: Sequence[Host],
        *,
        on_change: Callable[[ModelState], object],
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._hosts = tuple(hosts)
        self._on_change = on_change
        self._now = now
        self._state = self._state_of_hosts()
        self._since = now()
        self._slots = Slots(
            parallel=settings.max_parallel, waiting=settings.max_waiting
        )
        for host in self._hosts:
            host.breaker.subscribe(self._review_state)

    @property
    def name(self) -> str:
        """The model's name on the servers."""
        return self._settings.name

    @property
    def in_flight(self) -> int:
        """How many questions are being answered or wait to be."""
        return self._slots.inside

    @property
    def state(self) -> ModelState:
        """How much of the model there is."""
        return self._state

    @property
    def since(self) -> datetime:
        """Since when it is so; aware."""
        return self._since

    async def complete(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        schema: Mapping[str, Any] | None = None,
        deadline_at: float | None = None,
    ) -> Reply:
        """Returns the model's answer to the messages, unchecked.

        Args:
            messages: as `/api/chat` wants them: `{"role": "user", "content": "…"}`.
            schema: JSON schema of the answer; a server may ignore it.
            deadline_at: loop time at which it is given up, so that a second try
                shares the first one's deadline; None: the settings' from now on.

        Raises:
            LlmTimeout: the deadline passed.
            LlmBusy: too many questions wait, here or on every host.
            LlmSuspended: every host failed lately; nothing was sent.
            LlmUnavailable: no host could be used.
            LlmAnswerRejected: the text is cut, or the rules did not fit.
        """
        clock = asyncio.get_running_loop().time
        started = clock()
        until = started + self._settings.deadline_s
        if deadline_at is not None:
            until = deadline_at
        if not any(host.breaker.is_closed for host in self._hosts):
            raise self._nobody_to_ask()
        async with self._slots.one(until=until):
            host, reply = await self._ask(messages, schema, until)
        return Reply(
            text=_whole_text(reply),
            host=host.url,
            model_s=_bounded(reply.total_duration, _MAX_NS) / 1e9,
            prompt_tokens=_bounded(reply.prompt_eval_count, _MAX_TOKENS),
            answer_tokens=_bounded(reply.eval_count, _MAX_TOKENS),
            total_s=clock() - started,
        )

    async def ping(self) -> ModelHealth:
        """Returns what every host says of itself, in at most 2 s; never raises."""
        checks = (host.ping() for host in self._hosts)
        return ModelHealth(hosts=tuple(await asyncio.gather(*checks)))

    async def preload(self) -> None:
        """Makes every host load the model now and waits for it.

        `open_model` does so by itself, in the background.

        Raises:
            LlmUnavailable: no host could load it.
            LlmTimeout: none did within two minutes.
            LlmBusy: all are overloaded.
        """
        problems = await asyncio.gather(*(_problem_of(host) for host in self._hosts))
        if not problems:
            raise self._nobody_to_ask()
        failed = [problem for problem in problems if problem]
        if len(failed) == len(problems):
            raise failed[-1]

    async def _ask(
        self,
        messages: Sequence[Mapping[str, str]],
        schema: Mapping[str, Any] | None,
        until: float,
    ) -> tuple[Host, ollama.ChatResponse]:
        fair_s = self._settings.deadline_s * FAIR_SHARE
        while True:
            last: LlmError | None = None
            loading: list[Host] = []
            for host in self._open_for(until):
                try:
                    return host, await host.ask(
                        messages, schema=schema, until=until, fair_s=fair_s
                    )
                except LlmError as error:
                    host.log_failure("llm_host_failed", error)
                    last = error
                    if isinstance(error, LlmModelLoading):
                        loading.append(host)
            if last is None:
                raise self._nobody_to_ask()
            if not loading:
                raise last
            await _wait_for(loading, until)

    def _open_for(self, until: float) -> Iterator[Host]:
        for host in self._hosts:
            if asyncio.get_running_loop().time() >= until:
                raise LlmTimeout("the deadline passed", retryable=True)
            if host.breaker.is_closed:
                yield host

    def _nobody_to_ask(self) -> LlmUnavailable:
        if self._hosts:
            return LlmSuspended("every host failed lately", retryable=True)
        return LlmUnavailable("no host is configured", retryable=False)

    def _state_of_hosts(self) -> ModelState:
        if not self._hosts:
            return ModelState.NOT_CONFIGURED
        asked = [host.breaker.is_closed for host in self._hosts]
        if all(asked):
            return ModelState.READY
        return ModelState.DEGRADED if any(asked) else ModelState.DOWN

    def _review_state(self) -> None:
        state = self._state_of_hosts()
        if state is self._state:
            return
        self._state, self._since = state, self._now()
        _LOG.warning("llm_state_changed", extra={"llm_state": state.value})
        # Not from here: what an observer gets wrong must not cost a question.
        asyncio.get_running_loop().call_soon(self._on_change, state)


@asynccontextmanager
async def open_model(
    settings: ModelSettings,
    *,
    on_change: Callable[[ModelState], object] = lambda _: None,
    watch: bool = True,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncIterator[OfficeModel]:
    """Opens the model's clients and closes them; waits for no server.

    Args:
        settings: where the model is.
        on_change: called in the event loop after every change of `state`.
        watch: whether hosts are loaded, looked at and taken back in the
            background; without it, one that fails stays suspended.
        now: an aware clock, for `since`.
    """
    async with AsyncExitStack() as stack:
        hosts = [
            await stack.enter_async_context(
                open_host(
                    url,
                    settings.name,
                    deadline_s=settings.deadline_s,
                    breaker=_breaker(settings),
                )
            )
            for url in settings.hosts
        ]
        model = OfficeModel(settings, hosts, on_change=on_change, now=now)
        if watch:
            await stack.enter_async_context(_watching(hosts, settings.check_every_s))
        yield model


@asynccontextmanager
async def _watching(hosts: Sequence[Host], check_every_s: float) -> AsyncIterator[None]:
    tasks = [
        asyncio.create_task(
            keep_ready(host, check_every_s=check_every_s), name=f"llm-watch {host.url}"
        )
        for host in hosts
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _breaker(settings: ModelSettings) -> Breaker:
    return Breaker(
        first_pause_s=settings.first_pause_s, longest_pause_s=settings.longest_pause_s
    )


async def _problem_of(host: Host) -> LlmError | None:
    try:
        await host.load()
    except LlmError as error:
        host.log_failure("llm_preload_failed", error)
        return error
    return None


async def _wait_for(loading: Sequence[Host], until: float) -> None:
    if asyncio.get_running_loop().time() + LOADING_PAUSE_S < until:
        await asyncio.sleep(LOADING_PAUSE_S)
        return
    for host in loading:
        host.breaker.failed()
    raise LlmTimeout("the model was not loaded in time", retryable=True)


def _whole_text(reply: ollama.ChatResponse) -> str:
    if _bounded(reply.prompt_eval_count, _MAX_TOKENS) >= NUM_CTX - NUM_PREDICT:
        # Ollama reports what is left after it cut the front off: the rules.
        raise LlmAnswerRejected(Rejection.PROMPT_TRUNCATED)
    if reply.done_reason == "length":
        raise LlmAnswerRejected(Rejection.CUT_SHORT)
    # Half an emoji is valid JSON, but no text that could be stored or sent.
    text = reply.message.content or ""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _bounded(number: int | None, at_most: int) -> int:
    """Returns a server's number as one that can be counted with."""
    return min(max(number or 0, 0), at_most)

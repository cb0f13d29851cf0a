"""The fake and the real Ollama keep one contract; the client's errors are known.

The fake always; the real server too where OLLAMA_CONTRACT_HOST names one that
has the office's model. There the model may be any small one whose answers make
no sense: what is held is the protocol, not the wisdom.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from types import ModuleType

import httpx
import ollama
import pydantic
import pytest

from llm_fallback.errors import (
    LIBRARY_ERRORS,
    LlmBusy,
    LlmError,
    LlmModelLoading,
    LlmModelMissing,
    LlmProtocolBroken,
    LlmRequestRefused,
    LlmSuspended,
    LlmTimeout,
    LlmUnavailable,
    translated,
)
from llm_fallback.hosting.model import ModelSettings, ModelState, open_model
from tests.fakes.fake_ollama import MODEL, FakeOllama, Reply, running

QUESTION = [
    {"role": "system", "content": "Responda em JSON."},
    {"role": "user", "content": "Vocês atendem inventário?"},
]
SCHEMA = {
    "type": "object",
    "properties": {
        "rota": {"type": "string", "enum": ["conhecimento", "pessoa"]},
        "fontes": {
            "type": "array",
            "items": {"type": "string", "enum": ["escritorio-areas"]},
            "maxItems": 1,
        },
    },
    "required": ["rota", "fontes"],
}


QUEUE_FULL = "server busy, please try again.  maximum pending requests exceeded"


@pytest.fixture(scope="module")
def real_host() -> str:
    """Returns the address of a real server, or skips."""
    host = os.environ.get("OLLAMA_CONTRACT_HOST", "")
    if not host:
        pytest.skip("OLLAMA_CONTRACT_HOST names no Ollama server")
    return host if "://" in host else f"http://{host}"


class OllamaContract:
    """What the office's model relies on, whichever server answers."""

    deadline_s: float
    """Long enough for a whole answer."""
    short_deadline_s: float
    """Too short for any answer."""

    @pytest.fixture
    def settings(self, host: str) -> ModelSettings:
        return ModelSettings(
            hosts=(host,),
            name=MODEL,
            deadline_s=self.deadline_s,
            max_parallel=1,
            max_waiting=2,
        )

    async def test_schema_binds_the_answer(self, settings: ModelSettings) -> None:
        async with open_model(settings, watch=False) as model:
            reply = await model.complete(QUESTION, schema=SCHEMA)

        answer = json.loads(reply.text)
        assert set(answer) == {"rota", "fontes"}
        assert answer["rota"] in {"conhecimento", "pessoa"}
        assert set(answer["fontes"]) <= {"escritorio-areas"}
        assert reply.prompt_tokens > 0
        assert reply.answer_tokens > 0
        assert reply.total_s >= reply.model_s > 0

    async def test_eight_questions_to_a_loaded_model_are_all_answered(
        self, settings: ModelSettings
    ) -> None:
        patient_s = 4 * self.deadline_s  # one after the other
        settings = replace(settings, max_parallel=8, deadline_s=patient_s)
        async with open_model(settings, watch=False) as model:
            await model.preload()
            asked = (model.complete(QUESTION, schema=SCHEMA) for _ in range(8))
            replies = await asyncio.gather(*asked)

        assert all(json.loads(reply.text) for reply in replies)

    async def test_prompt_that_does_not_fit_is_cut_without_a_word(
        self, settings: ModelSettings
    ) -> None:
        # A small context, because a small machine reads 10-20 tokens a second.
        options = {"num_ctx": 256, "num_predict": 1}
        long = [*QUESTION, {"role": "user", "content": "prazo " * 600}]
        async with ollama.AsyncClient(settings.hosts[0]) as client:
            reply = await client.chat(MODEL, long, options=options)

        assert reply.prompt_eval_count == 256

    async def test_cancelled_question_leaves_the_server_to_the_next(
        self, settings: ModelSettings
    ) -> None:
        async with open_model(settings, watch=False) as model:
            await model.preload()
            task = asyncio.create_task(model.complete(QUESTION))
            await asyncio.sleep(0.1)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            reply = await model.complete(QUESTION, schema=SCHEMA)

        assert task.cancelled()
        assert reply.text
        assert model.in_flight == 0

    async def test_thinking_is_refused_by_a_model_that_cannot(
        self, settings: ModelSettings
    ) -> None:
        async with ollama.AsyncClient(settings.hosts[0]) as client:
            with pytest.raises(ollama.ResponseError) as refused:
                await client.chat(MODEL, QUESTION, think=True)

        assert type(translated(refused.value)) is LlmRequestRefused

    async def test_background_finds_and_loads_the_model(
        self, settings: ModelSettings
    ) -> None:
        changes: list[ModelState] = []
        async with open_model(settings, on_change=changes.append) as model:
            await model.preload()
            async with ollama.AsyncClient(settings.hosts[0]) as client:
                running = (await client.ps()).models
            state = model.state

        assert [entry.model for entry in running] == [f"{MODEL}:latest"]
        assert state is ModelState.READY
        assert changes == []

    async def test_background_suspends_a_host_without_the_model(
        self, settings: ModelSettings
    ) -> None:
        down = asyncio.Event()
        async with (
            open_model(
                replace(settings, name="nao-existe"), on_change=lambda _: down.set()
            ) as model,
            asyncio.timeout(10),
        ):
            await down.wait()
            with pytest.raises(LlmSuspended):
                await model.complete(QUESTION)

    async def test_missing_model_is_said_to_be_missing(
        self, settings: ModelSettings
    ) -> None:
        missing = replace(settings, name="nao-existe")
        async with open_model(missing, watch=False) as model:
            with pytest.raises(LlmModelMissing) as failed:
                await model.complete(QUESTION)
            health = await model.ping()

        assert not failed.value.retryable
        assert [(h.is_reachable, h.has_model) for h in health.hosts] == [(True, False)]

    async def test_ping_finds_the_model(self, settings: ModelSettings) -> None:
        async with open_model(settings, watch=False) as model:
            health = await model.ping()

        assert health.is_ready
        assert health.hosts[0].problem == ""
        assert 0 < (health.hosts[0].latency_s or 0) < 2

    async def test_preload_keeps_the_model_loaded_for_ever(
        self, settings: ModelSettings
    ) -> None:
        async with open_model(settings, watch=False) as model:
            await model.preload()

        async with ollama.AsyncClient(settings.hosts[0]) as client:
            [loaded] = (await client.ps()).models
        assert loaded.model == f"{MODEL}:latest"
        assert loaded.expires_at
        assert loaded.expires_at.year > 2200

    async def test_short_deadline_is_kept_and_the_slot_is_freed(
        self, settings: ModelSettings
    ) -> None:
        hurried = replace(settings, deadline_s=self.short_deadline_s)
        async with open_model(hurried, watch=False) as model:
            await model.preload()
            async with asyncio.timeout(self.deadline_s / 2):
                with pytest.raises(LlmTimeout):
                    await model.complete(QUESTION)

            assert model.in_flight == 0

    async def test_server_is_free_again_after_a_timeout(
        self, settings: ModelSettings
    ) -> None:
        hurried = replace(settings, deadline_s=self.short_deadline_s)
        async with open_model(hurried, watch=False) as model:
            with pytest.raises(LlmTimeout):
                await model.complete(QUESTION)

        await self.test_schema_binds_the_answer(settings)

    async def test_full_queue_refuses_at_once(self, settings: ModelSettings) -> None:
        async with open_model(settings, watch=False) as model:
            waiting = [asyncio.create_task(model.complete(QUESTION)) for _ in range(3)]
            await asyncio.sleep(0)
            with pytest.raises(LlmBusy):
                await model.complete(QUESTION)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

        assert model.in_flight == 0


class TestFakeOllama(OllamaContract):
    deadline_s = 5.0
    short_deadline_s = 0.1

    @pytest.fixture
    async def host(self) -> AsyncIterator[str]:
        script = [Reply(obeys_schema=True, delay_s=0.3)]
        async with running(FakeOllama(script)) as fake:
            yield fake.url


class TestRealOllama(OllamaContract):
    deadline_s = 180.0
    short_deadline_s = 0.1

    @pytest.fixture
    def host(self, real_host: str) -> str:
        return real_host


@pytest.mark.parametrize(
    ("reply", "error", "retryable"),
    [
        (Reply("not found", status=404), LlmModelMissing, False),
        (Reply(QUEUE_FULL, status=503), LlmBusy, True),
        (Reply("too many", status=429), LlmBusy, True),
        (
            Reply("llama runner process has terminated", status=500),
            LlmUnavailable,
            True,
        ),
        (Reply("does not support thinking", status=400), LlmRequestRefused, False),
        (Reply("forbidden", status=403), LlmRequestRefused, False),
        (Reply("body too large", status=413), LlmRequestRefused, False),
        (Reply("who are you?", status=401), LlmUnavailable, False),
        (Reply("gateway", status=504), LlmTimeout, True),
        (Reply(body=b"<html>bad gateway</html>", status=502), LlmUnavailable, True),
        (Reply(body=b"[]", status=502), LlmProtocolBroken, True),
        (Reply(body=b"null", status=500), LlmProtocolBroken, True),
        (Reply("moved", status=302), LlmUnavailable, True),
        (Reply(closes=True), LlmProtocolBroken, True),
        (Reply(body=b""), LlmProtocolBroken, True),
        (Reply(body=b"{"), LlmProtocolBroken, True),
        (Reply(body=b"null"), LlmProtocolBroken, True),
        (Reply(body=b"[1]"), LlmProtocolBroken, True),
        (Reply(body=b'"texto"'), LlmProtocolBroken, True),
        (Reply(body=b"{}"), LlmProtocolBroken, True),
        (Reply(body=b'{"message": {"content": 7}}'), LlmProtocolBroken, True),
        (Reply(body=b"\xff\xfe\xff"), LlmProtocolBroken, True),
        (Reply(body=b"[" * 100_000), LlmProtocolBroken, True),
        (Reply(body=b'{"eval_count": %s}' % (b"9" * 5000)), LlmProtocolBroken, True),
        (Reply(headers={"Content-Encoding": "gzip"}), LlmProtocolBroken, True),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(value)[:70],
)
async def test_failure_on_the_wire_becomes_an_error_of_ours(
    reply: Reply, error: type[LlmError], retryable: bool
) -> None:
    async with running(FakeOllama([reply])) as fake:
        settings = ModelSettings(hosts=(fake.url,), name=MODEL, deadline_s=5)
        async with open_model(settings, watch=False) as model:
            with pytest.raises(LlmError) as failed:
                await model.complete(QUESTION)

    assert type(failed.value) is error
    assert failed.value.retryable is retryable
    assert failed.value.response.startswith("utter_")


async def test_host_that_is_loading_for_ever_ends_at_the_deadline() -> None:
    loading = Reply("unexpected server status: llm server loading model", status=500)
    async with running(FakeOllama([loading])) as fake:
        settings = ModelSettings(hosts=(fake.url,), name=MODEL, deadline_s=0.2)
        async with open_model(settings, watch=False) as model:
            with pytest.raises(LlmTimeout):
                await model.complete(QUESTION)
        async with ollama.AsyncClient(fake.url) as client:
            with pytest.raises(ollama.ResponseError) as failed:
                await client.chat(MODEL, QUESTION)

    assert type(translated(failed.value)) is LlmModelLoading


@pytest.mark.parametrize("stream", [False, True])
async def test_server_that_is_not_there_is_unavailable_to_every_call(
    *, stream: bool
) -> None:
    async with running() as fake:
        gone = fake.url

    async def call(client: ollama.AsyncClient) -> None:
        if not stream:
            await client.chat(MODEL, QUESTION)
            return
        async for _ in await client.chat(MODEL, QUESTION, stream=True):
            pass

    async with ollama.AsyncClient(gone) as client:
        with pytest.raises(LIBRARY_ERRORS) as failed:
            await call(client)

    assert type(translated(failed.value)) is LlmUnavailable


async def test_server_that_is_not_there_is_unavailable() -> None:
    async with running() as fake:
        gone = fake.url
    settings = ModelSettings(hosts=(gone,), name=MODEL, deadline_s=5)
    async with open_model(settings, watch=False) as model:
        with pytest.raises(LlmUnavailable) as failed:
            await model.complete(QUESTION)

    assert failed.value.retryable


@pytest.mark.parametrize(
    "host", ["http://nao-existe.invalid:1", "ftp://x", "http://:x"]
)
async def test_address_that_is_none_is_an_error_of_ours(host: str) -> None:
    settings = ModelSettings(hosts=("http://127.0.0.1:9",), name=MODEL, deadline_s=5)
    try:
        async with open_model(replace(settings, hosts=(host,)), watch=False) as model:
            with pytest.raises(LlmUnavailable):
                await model.complete(QUESTION)
    except ValueError:
        pass  # the client refuses to be built: found at start, not in a turn


def _exceptions_of(module: ModuleType) -> Iterator[type[Exception]]:
    for _, value in inspect.getmembers(module, inspect.isclass):
        if issubclass(value, Exception) and value.__module__.startswith(
            module.__name__.split(".")[0]
        ):
            yield value


LIBRARY_EXCEPTIONS = sorted(
    {
        *_exceptions_of(ollama),
        *_exceptions_of(httpx),
        pydantic.ValidationError,
        json.JSONDecodeError,
        UnicodeDecodeError,
        ConnectionError,
        ConnectionResetError,
        TimeoutError,
        asyncio.TimeoutError,
    }
    # Families that are never raised themselves; their members stand here too.
    - {httpx.HTTPError, httpx.RequestError},
    key=lambda cls: cls.__name__,
)


@pytest.mark.parametrize("cls", LIBRARY_EXCEPTIONS, ids=lambda cls: cls.__name__)
def test_every_exception_of_the_client_library_is_mapped(cls: type[Exception]) -> None:
    error = (
        cls.from_exception_data("ChatResponse", [])
        if issubclass(cls, pydantic.ValidationError)
        else cls.__new__(cls)
    )

    assert issubclass(cls, LIBRARY_ERRORS)
    assert isinstance(translated(error), LlmError)


def test_host_that_does_not_take_the_connection_is_not_merely_slow() -> None:
    assert type(translated(httpx.ConnectTimeout(""))) is LlmUnavailable
    assert type(translated(httpx.ReadTimeout(""))) is LlmTimeout


def test_libraries_have_the_exceptions_that_the_mapping_was_made_for() -> None:
    names = {cls.__name__ for cls in LIBRARY_EXCEPTIONS}

    assert {"ResponseError", "RequestError", "ReadTimeout", "ConnectError"} <= names
    assert len(names) > 25


def test_exception_that_nobody_mapped_is_not_hidden() -> None:
    class NewError(Exception):
        pass

    with pytest.raises(TypeError, match="NewError"):
        translated(NewError())

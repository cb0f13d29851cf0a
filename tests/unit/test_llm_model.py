"""Deadline, bound, order of hosts and cancellation of the office's model."""

from __future__ import annotations

import asyncio
import gzip
import json
import math
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.core.settings import Settings, load_settings
from llm_fallback.errors import (
    LlmAnswerRejected,
    LlmBusy,
    LlmError,
    LlmModelMissing,
    LlmProtocolBroken,
    LlmRequestRefused,
    LlmSuspended,
    LlmTimeout,
    LlmUnavailable,
    Rejection,
)
from llm_fallback.hosting.model import (
    ModelSettings,
    ModelState,
    OfficeModel,
    Reply,
    open_model,
)
from llm_fallback.prompt import NUM_CTX, NUM_PREDICT
from tests.fakes import fake_ollama
from tests.fakes.fake_ollama import MODEL, FakeOllama, running

Says = fake_ollama.Reply
SCHEMA = {
    "type": "object",
    "properties": {"rota": {"type": "string", "enum": ["pessoa"]}},
    "required": ["rota"],
}
HELLO = [{"role": "user", "content": "oi"}]
GZIP_BOMB = gzip.compress(bytes(40_000_000), compresslevel=1)
ZLIB_BOMB = zlib.compress(bytes(40_000_000), level=1)
NOBODY = "http://127.0.0.1:9"


class Opener:
    """Opens fakes and models and closes them after the test."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def host(self, *replies: Says | str, **state: object) -> FakeOllama:
        fake = FakeOllama(replies or ("Olá!",), **state)  # type: ignore[arg-type]
        return await self._stack.enter_async_context(running(fake))

    async def model(
        self,
        *hosts: FakeOllama | str,
        deadline_s: float = 5,
        max_parallel: int = 2,
        max_waiting: int = 2,
        watch: bool = False,
        on_change: Callable[[ModelState], object] = lambda _: None,
        **settings_of_watch: float,
    ) -> OfficeModel:
        settings = ModelSettings(
            hosts=tuple(h if isinstance(h, str) else h.url for h in hosts),
            name=MODEL,
            deadline_s=deadline_s,
            max_parallel=max_parallel,
            max_waiting=max_waiting,
            **settings_of_watch,
        )
        return await self._stack.enter_async_context(
            open_model(settings, watch=watch, on_change=on_change)
        )


async def ask(model: OfficeModel, text: str) -> Reply:
    return await model.complete([{"role": "user", "content": text}])


@pytest.fixture
async def opened() -> AsyncIterator[Opener]:
    async with AsyncExitStack() as stack:
        yield Opener(stack)


async def test_text_comes_as_it_was_written_with_where_it_came_from(
    opened: Opener,
) -> None:
    fake = await opened.host("  Garanto a vitória!  ")
    model = await opened.model(fake)

    reply = await ask(model, "oi")

    assert reply.text == "  Garanto a vitória!  "
    assert (reply.host, model.name) == (fake.url, MODEL)
    assert reply.total_s >= reply.model_s > 0
    assert (reply.prompt_tokens, reply.answer_tokens) == (300, 3)


async def test_request_is_what_ollama_documents(opened: Opener) -> None:
    fake = await opened.host()
    model = await opened.model(fake)
    messages = [
        {"role": "system", "content": "Regras."},
        {"role": "user", "content": "abre hoje?"},
    ]

    await model.complete(messages, schema=SCHEMA)

    [body] = fake.requests
    assert body["model"] == MODEL
    assert body["stream"] is False
    assert body["keep_alive"] == -1
    assert body["options"] == {
        "num_ctx": NUM_CTX,
        "num_predict": NUM_PREDICT,
        "temperature": 0.2,
    }
    assert body["messages"] == messages
    assert body["format"] == SCHEMA
    assert "tools" not in body or not body["tools"]


async def test_request_without_a_schema_has_no_format(opened: Opener) -> None:
    fake = await opened.host()

    await ask(await opened.model(fake), "oi")

    assert not fake.requests[0].get("format")


async def test_half_an_emoji_does_not_cost_the_question(opened: Opener) -> None:
    fake = await opened.host()

    await ask(await opened.model(fake), "oi \ud83d tudo bem?")

    assert fake.questions == ["oi ? tudo bem?"]


async def test_half_an_emoji_in_the_answer_can_be_stored(opened: Opener) -> None:
    body = b'{"message": {"role": "assistant", "content": "Ol\\u00e1 \\ud83d!"}}'
    fake = await opened.host(Says(body=body))

    reply = await ask(await opened.model(fake), "oi")

    assert reply.text == "Olá \ufffd!"
    assert reply.text.encode()


async def test_slow_model_is_given_up_at_the_deadline(opened: Opener) -> None:
    fake = await opened.host(Says(hangs=True))
    model = await opened.model(fake, deadline_s=0.2)

    with pytest.raises(LlmTimeout) as failed:
        await ask(model, "oi")

    assert failed.value.retryable
    assert model.in_flight == 0


async def test_slow_host_is_not_followed_by_another(opened: Opener) -> None:
    slow, idle = await opened.host(Says(hangs=True)), await opened.host()
    model = await opened.model(slow, idle, deadline_s=0.2)

    with pytest.raises(LlmTimeout):
        await ask(model, "oi")

    assert idle.requests == []


async def test_waiting_counts_towards_the_deadline(opened: Opener) -> None:
    fake = await opened.host(Says(hangs=True))
    model = await opened.model(fake, deadline_s=60, max_parallel=1)
    first = asyncio.create_task(ask(model, "oi"))
    await fake.arrived.wait()
    deadline_at = asyncio.get_running_loop().time() + 0.1

    async with asyncio.timeout(10):
        with pytest.raises(LlmTimeout):
            await model.complete(HELLO, deadline_at=deadline_at)

    assert len(fake.requests) == 1
    assert model.in_flight == 1
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_no_more_questions_are_with_the_model_than_may_be(opened: Opener) -> None:
    fake = await opened.host(Says("Olá!", delay_s=0.05))
    model = await opened.model(fake, max_parallel=2, max_waiting=10)

    answers = await asyncio.gather(*(ask(model, "oi") for _ in range(8)))

    assert len(answers) == 8
    assert fake.most_at_work == 2


async def test_question_past_the_bound_is_refused_at_once(opened: Opener) -> None:
    fake = await opened.host(Says(hangs=True))
    model = await opened.model(fake, max_parallel=1, max_waiting=2)
    waiting = [asyncio.create_task(ask(model, "oi")) for _ in range(3)]
    await fake.arrived.wait()

    with pytest.raises(LlmBusy) as failed:
        await ask(model, "oi")

    assert failed.value.retryable
    assert model.in_flight == 3
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_cancelled_question_frees_its_slot_and_the_host(opened: Opener) -> None:
    fake = await opened.host(Says(hangs=True), "Olá!")
    model = await opened.model(fake, max_parallel=1, max_waiting=1)
    task = asyncio.create_task(ask(model, "oi"))
    await fake.arrived.wait()

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    answer = await ask(model, "oi de novo")

    assert answer.text == "Olá!"
    assert model.in_flight == 0
    assert fake.abandoned == 1


async def test_question_cancelled_while_it_waits_leaves_the_queue(
    opened: Opener,
) -> None:
    fake = await opened.host(Says(hangs=True))
    model = await opened.model(fake, max_parallel=1, max_waiting=1)
    first = asyncio.create_task(ask(model, "oi"))
    await fake.arrived.wait()
    second = asyncio.create_task(ask(model, "oi"))
    await asyncio.sleep(0)

    second.cancel()
    await asyncio.gather(second, return_exceptions=True)

    assert model.in_flight == 1
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


@pytest.mark.parametrize(
    "failure",
    [
        Says("crash", status=500),
        Says("busy", status=503),
        Says(closes=True),
        Says(body=b"{not json"),
    ],
    ids=lambda failure: f"{failure.status}-{failure.body}-{failure.closes}",
)
async def test_host_that_fails_is_followed_by_the_next(
    opened: Opener, failure: Reply
) -> None:
    broken, healthy = await opened.host(failure), await opened.host("Olá!")
    model = await opened.model(broken, healthy)

    answer = await ask(model, "oi")

    assert answer.host == healthy.url
    assert len(broken.requests) == 1


async def test_hosts_are_tried_in_their_order(opened: Opener) -> None:
    first, second = await opened.host("Olá!"), await opened.host("Oi!")
    model = await opened.model(NOBODY, first, second)

    answer = await ask(model, "oi")

    assert answer.host == first.url
    assert second.requests == []


async def test_host_without_the_model_is_followed_by_the_next(opened: Opener) -> None:
    empty, healthy = await opened.host(models=()), await opened.host()
    model = await opened.model(empty, healthy)

    assert (await ask(model, "oi")).host == healthy.url


async def test_no_configured_host_is_unavailable(opened: Opener) -> None:
    model = await opened.model()

    with pytest.raises(LlmUnavailable) as failed:
        await ask(model, "oi")

    assert not failed.value.retryable
    health = await model.ping()
    assert not health.is_configured
    assert not health.is_ready


async def test_rejected_answer_is_not_asked_of_another_host(opened: Opener) -> None:
    chatty = await opened.host(Says("…", done_reason="length"))
    second = await opened.host()
    model = await opened.model(chatty, second)

    with pytest.raises(LlmAnswerRejected):
        await ask(model, "vou ganhar?")

    assert second.requests == []


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Says("A equipe atende", done_reason="length"), Rejection.CUT_SHORT),
        (Says("Olá!", prompt_tokens=4096), Rejection.PROMPT_TRUNCATED),
    ],
)
async def test_answer_that_the_server_did_not_finish_is_refused(
    opened: Opener, reply: Reply, reason: Rejection
) -> None:
    model = await opened.model(await opened.host(reply))

    with pytest.raises(LlmAnswerRejected) as failed:
        await ask(model, "oi")

    assert failed.value.reason is reason


async def test_ping_tells_hosts_apart(opened: Opener) -> None:
    healthy, empty = await opened.host(), await opened.host(models=("outro:latest",))
    hung = await opened.host(tags_delay_s=30)
    odd = await opened.host(tags_body=b"[]")
    model = await opened.model(healthy, empty, hung, odd, NOBODY)

    health = await model.ping()

    assert health.is_ready
    assert [(h.is_reachable, h.has_model, h.problem) for h in health.hosts] == [
        (True, True, ""),
        (True, False, LlmModelMissing.__name__),
        (False, False, LlmTimeout.__name__),
        (False, False, LlmProtocolBroken.__name__),
        (False, False, LlmUnavailable.__name__),
    ]
    assert health.hosts[0].latency_s is not None
    assert health.hosts[4].latency_s is None


async def test_ping_needs_no_slot(opened: Opener) -> None:
    fake = await opened.host(Says(hangs=True))
    model = await opened.model(fake, max_parallel=1, max_waiting=1)
    task = asyncio.create_task(ask(model, "oi"))
    await fake.arrived.wait()

    assert (await model.ping()).is_ready
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_preload_loads_the_model_on_every_host(opened: Opener) -> None:
    first, second = await opened.host(), await opened.host()
    model = await opened.model(NOBODY, first, second)

    await model.preload()

    assert first.loaded == second.loaded == {MODEL}
    assert first.requests == []


async def test_preload_without_a_usable_host_says_so(opened: Opener) -> None:
    model = await opened.model(NOBODY, await opened.host(models=()))

    with pytest.raises(LlmModelMissing):
        await model.preload()


async def test_errors_hold_no_word_of_the_conversation(opened: Opener) -> None:
    fake = await opened.host(Says("model failed on: segredo do cliente", status=500))
    model = await opened.model(fake)

    with pytest.raises(LlmUnavailable) as failed:
        await ask(model, "segredo do cliente")

    assert "segredo" not in str(failed.value)


async def test_clients_words_go_through_no_proxy(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", NOBODY)
    monkeypatch.setenv("ALL_PROXY", NOBODY)
    model = await opened.model(await opened.host("Olá!"))

    assert (await ask(model, "oi")).text == "Olá!"


def test_settings_come_from_the_process_settings(tmp_path: Path) -> None:
    settings = Settings(
        **{
            **vars(load_settings({}, folder=tmp_path)),
            "ollama_hosts": ("http://gpu:11434",),
            "llm_deadline_s": 7.0,
        }
    )

    ours = ModelSettings.from_settings(settings)

    assert ours == ModelSettings(
        hosts=("http://gpu:11434",),
        name=settings.llm_model,
        deadline_s=7.0,
        max_parallel=settings.llm_max_parallel,
        max_waiting=settings.llm_max_waiting,
    )


LOADING = Says("unexpected server status: llm server loading model", status=500)


async def test_host_that_is_still_loading_is_asked_again(opened: Opener) -> None:
    host = await opened.host(LOADING, LOADING, "Posso chamar a equipe.")
    model = await opened.model(host)

    answer = await ask(model, "oi")

    assert answer.text == "Posso chamar a equipe."
    assert len(host.requests) == 3


async def test_another_host_goes_before_one_that_is_loading(opened: Opener) -> None:
    loading, ready = await opened.host(LOADING), await opened.host("Olá!")
    model = await opened.model(loading, ready)

    answer = await ask(model, "oi")

    assert answer.host == ready.url
    assert len(loading.requests) == 1


async def test_loading_for_too_long_ends_at_the_deadline(opened: Opener) -> None:
    model = await opened.model(await opened.host(LOADING), deadline_s=1.2)

    with pytest.raises(LlmTimeout):
        await ask(model, "oi")


async def until(holds: Callable[[], bool]) -> None:
    """Waits for what happens in the background; a hang fails the test."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.005)


async def fail_times(model: OfficeModel, times: int) -> None:
    for _ in range(times):
        with pytest.raises(LlmUnavailable):
            await ask(model, "oi")


# --- one deadline for several tries


async def test_given_deadline_is_the_one_that_counts(opened: Opener) -> None:
    fake = await opened.host(Says(hangs=True))
    model = await opened.model(fake, deadline_s=3600)
    deadline_at = asyncio.get_running_loop().time() + 0.1

    async with asyncio.timeout(10):
        with pytest.raises(LlmTimeout):
            await model.complete(HELLO, deadline_at=deadline_at)


async def test_deadline_that_has_passed_sends_nothing(opened: Opener) -> None:
    fake = await opened.host()
    model = await opened.model(fake)
    deadline_at = asyncio.get_running_loop().time() - 1

    with pytest.raises(LlmTimeout):
        await model.complete(HELLO, deadline_at=deadline_at)

    assert fake.requests == []
    assert model.in_flight == 0


# --- hosts that fail


async def test_dead_first_host_is_not_tried_at_every_question(opened: Opener) -> None:
    dead, healthy = await opened.host(Says("crash", status=500)), await opened.host()
    model = await opened.model(dead, healthy)

    hosts = [(await ask(model, "oi")).host for _ in range(6)]

    assert hosts == [healthy.url] * 6
    assert len(dead.requests) == 3


@pytest.mark.parametrize(
    "failure",
    [
        Says("crash", status=500),
        Says("loading elsewhere", status=502),
        Says("no entry", status=401),
        Says("too slow", status=504),
        Says(closes=True),
        Says(body=b"{not json"),
    ],
    ids=lambda failure: f"{failure.status}-{failure.body}-{failure.closes}",
)
async def test_host_that_fails_three_times_is_suspended(
    opened: Opener, failure: fake_ollama.Reply
) -> None:
    fake = await opened.host(failure)
    model = await opened.model(fake)
    for _ in range(3):
        with pytest.raises(LlmError):
            await ask(model, "oi")

    with pytest.raises(LlmSuspended) as failed:
        await ask(model, "oi")

    assert len(fake.requests) == 3
    assert failed.value.response == "utter_ia_indisponivel"
    assert failed.value.retryable
    assert (await model.ping()).hosts[0].is_suspended


async def test_host_without_the_model_is_suspended(opened: Opener) -> None:
    model = await opened.model(await opened.host(models=()))
    for _ in range(3):
        with pytest.raises(LlmModelMissing):
            await ask(model, "oi")

    with pytest.raises(LlmSuspended):
        await ask(model, "oi")


async def test_host_that_is_always_too_slow_is_suspended(opened: Opener) -> None:
    model = await opened.model(await opened.host(Says(hangs=True)), deadline_s=0.05)
    for _ in range(3):
        with pytest.raises(LlmTimeout):
            await ask(model, "oi")

    with pytest.raises(LlmSuspended):
        await ask(model, "oi")


async def test_host_that_had_no_time_left_is_not_called_slow(opened: Opener) -> None:
    model = await opened.model(await opened.host(Says(hangs=True)), deadline_s=60)
    for _ in range(4):
        deadline_at = asyncio.get_running_loop().time() + 0.02
        with pytest.raises(LlmTimeout):
            await model.complete(HELLO, deadline_at=deadline_at)

    assert model.state is ModelState.READY


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Says("does not support thinking", status=400), LlmRequestRefused),
        (Says("blocked by a firewall", status=403), LlmRequestRefused),
        (Says("too long", status=413), LlmRequestRefused),
        (Says("…", done_reason="length"), LlmAnswerRejected),
        (Says("…", prompt_tokens=NUM_CTX), LlmAnswerRejected),
    ],
    ids=lambda value: str(getattr(value, "text", value.__class__.__name__)),
)
async def test_what_one_message_causes_suspends_no_host(
    opened: Opener, reply: fake_ollama.Reply, error: type[LlmError]
) -> None:
    fake = await opened.host(reply)
    model = await opened.model(fake)

    for _ in range(6):
        with pytest.raises(error):
            await ask(model, "oi")

    assert len(fake.requests) == 6
    assert model.state is ModelState.READY


async def test_our_own_full_queue_suspends_no_host(opened: Opener) -> None:
    fake = await opened.host(Says(hangs=True))
    model = await opened.model(fake, max_parallel=1, max_waiting=1)
    waiting = [asyncio.create_task(ask(model, "oi")) for _ in range(2)]
    await fake.arrived.wait()
    for _ in range(5):
        with pytest.raises(LlmBusy):
            await ask(model, "oi")

    assert model.state is ModelState.READY
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_cancelled_questions_suspend_no_host(opened: Opener) -> None:
    fake = await opened.host(Says(hangs=True))
    model = await opened.model(fake, max_parallel=6)
    tasks = [asyncio.create_task(ask(model, "oi")) for _ in range(6)]
    await until(lambda: fake.at_work == 6)

    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert model.state is ModelState.READY
    assert model.in_flight == 0


async def test_hosts_that_stay_loading_are_suspended_in_the_end(opened: Opener) -> None:
    model = await opened.model(await opened.host(LOADING), deadline_s=0.2)
    for _ in range(3):
        with pytest.raises(LlmTimeout):
            await ask(model, "oi")

    assert model.state is ModelState.DOWN


# --- hosts that are watched

QUICK = {"first_pause_s": 0.02, "longest_pause_s": 0.05, "check_every_s": 0.05}


async def test_opening_loads_the_model_without_waiting_for_it(opened: Opener) -> None:
    fake = await opened.host(load=Says(hangs=True))

    model = await opened.model(fake, watch=True)
    await until(lambda: bool(fake.loads))

    assert fake.loads[0]["keep_alive"] == -1
    assert fake.loaded == set()
    assert model.state is ModelState.READY


async def test_question_is_answered_while_the_model_loads(opened: Opener) -> None:
    fake = await opened.host(load=Says(hangs=True))
    model = await opened.model(fake, watch=True)
    await until(lambda: bool(fake.loads))

    assert (await ask(model, "oi")).text == "Olá!"


async def test_num_ctx_never_varies(opened: Opener) -> None:
    fake = await opened.host("Olá!", load=Says("crash", status=500))
    model = await opened.model(fake, watch=True, **QUICK)
    await until(lambda: len(fake.loads) > 1)  # at the start, and a probe
    fake.load = Says()
    await until(lambda: model.state is ModelState.READY)

    await model.complete(HELLO, schema=SCHEMA)
    await model.preload()

    sent = [*fake.loads, *fake.requests]
    assert len(sent) > 3
    assert {tuple(sorted(body["options"].items())) for body in sent} == {
        (("num_ctx", 4096), ("num_predict", NUM_PREDICT), ("temperature", 0.2))
    }


async def test_host_that_is_down_at_the_start_costs_no_question(opened: Opener) -> None:
    model = await opened.model(NOBODY, watch=True)
    await until(lambda: model.state is ModelState.DOWN)

    with pytest.raises(LlmSuspended):
        await ask(model, "oi")


async def test_host_that_comes_back_is_found_without_a_question(opened: Opener) -> None:
    async with running(FakeOllama(["Olá!"])) as gone:
        port = int(gone.url.rsplit(":", 1)[1])
    model = await opened.model(gone.url, watch=True, **QUICK)
    await until(lambda: model.state is ModelState.DOWN)

    async with running(FakeOllama(["Voltei."]), port=port) as back:
        await until(lambda: model.state is ModelState.READY)
        assert back.requests == []
        assert back.loaded == {MODEL}
        assert (await ask(model, "oi")).text == "Voltei."


async def test_host_that_dies_in_silence_is_noticed_without_a_question(
    opened: Opener,
) -> None:
    async with running(FakeOllama(["Olá!"])) as fake:
        model = await opened.model(fake.url, watch=True, **QUICK)
        await until(lambda: bool(fake.loaded))

    await until(lambda: model.state is ModelState.DOWN)


async def test_model_installed_later_is_found_without_a_question(
    opened: Opener,
) -> None:
    fake = await opened.host(models=())
    model = await opened.model(fake, watch=True, **QUICK)
    await until(lambda: model.state is ModelState.DOWN)

    fake.models = (MODEL,)
    await until(lambda: model.state is ModelState.READY)

    assert fake.requests == []
    assert fake.loaded == {MODEL}


async def test_host_without_the_model_is_not_asked_to_load_it(opened: Opener) -> None:
    fake = await opened.host(models=())
    await opened.model(fake, watch=True, **QUICK)

    await until(lambda: fake.pings > 2)

    assert fake.headers == []


async def test_host_that_fails_questions_is_looked_at_after_its_pause(
    opened: Opener,
) -> None:
    fake = await opened.host(*[Says("crash", status=500)] * 3, "Voltei.")
    model = await opened.model(fake, watch=True, first_pause_s=0.02, check_every_s=3600)
    await until(lambda: bool(fake.loads))
    await fail_times(model, 3)

    await until(lambda: model.state is ModelState.READY)

    assert (await ask(model, "oi")).text == "Voltei."


async def test_nobody_waits_for_hosts_that_are_all_down(opened: Opener) -> None:
    fake = await opened.host(Says(hangs=True))
    model = await opened.model(fake, deadline_s=60, max_parallel=1, watch=True, **QUICK)
    asked = asyncio.create_task(ask(model, "oi"))
    await fake.arrived.wait()
    fake.models = ()
    await until(lambda: model.state is ModelState.DOWN)

    async with asyncio.timeout(10):
        with pytest.raises(LlmSuspended):
            await ask(model, "oi")

    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)


async def test_host_is_not_taken_back_before_it_has_loaded_the_model(
    opened: Opener,
) -> None:
    fake = await opened.host(models=(), load=Says("no memory", status=500))
    model = await opened.model(fake, watch=True, **QUICK)
    await until(lambda: model.state is ModelState.DOWN)

    fake.models = (MODEL,)
    await until(lambda: len(fake.loads) > 2)

    assert model.state is ModelState.DOWN


async def test_one_probe_at_a_time(opened: Opener) -> None:
    fake = await opened.host(models=(), load=Says(hangs=True))
    model = await opened.model(fake, watch=True, **QUICK)
    await until(lambda: model.state is ModelState.DOWN)
    fake.models = (MODEL,)
    await until(lambda: bool(fake.loads))

    await asyncio.sleep(0.3)  # six probes' time

    assert len(fake.loads) == 1
    with pytest.raises(LlmSuspended):
        await ask(model, "oi")


async def test_state_and_its_observer_follow_the_hosts(opened: Opener) -> None:
    seen: list[ModelState] = []
    first = await opened.host(Says("crash", status=500))
    second = await opened.host(*["Olá!"] * 3, Says("crash", status=500))
    model = await opened.model(first, second, on_change=seen.append)
    since = model.since

    assert model.state is ModelState.READY
    for _ in range(3):
        await ask(model, "oi")
    assert model.state is ModelState.DEGRADED
    await fail_times(model, 3)

    assert model.state is ModelState.DOWN
    await asyncio.sleep(0)
    assert seen == [ModelState.DEGRADED, ModelState.DOWN]
    assert model.since >= since
    assert model.since.tzinfo is not None


async def test_observer_that_fails_costs_no_question(opened: Opener) -> None:
    def fails(_: ModelState) -> None:
        raise RuntimeError

    reported: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: reported.append(context)
    )
    dead, healthy = await opened.host(Says("crash", status=500)), await opened.host()
    model = await opened.model(dead, healthy, on_change=fails)

    for _ in range(4):
        assert (await ask(model, "oi")).host == healthy.url

    assert len(reported) == 1


async def test_model_without_a_host_is_not_configured(opened: Opener) -> None:
    assert (await opened.model(watch=True)).state is ModelState.NOT_CONFIGURED


async def test_closing_ends_what_runs_in_the_background(opened: Opener) -> None:
    def watching() -> int:
        names = [task.get_name() for task in asyncio.all_tasks()]
        return sum(name.startswith("llm-watch ") for name in names)

    fake = await opened.host(load=Says(hangs=True))

    async with open_model(ModelSettings(hosts=(fake.url, NOBODY), name=MODEL)):
        await until(lambda: bool(fake.loads))
        assert watching() == 2

    assert watching() == 0


# --- servers that send too much, too slowly or too often


@pytest.mark.parametrize(
    "reply",
    [
        Says(body_mb=100),
        Says(body_mb=math.inf),
        Says("crash", status=500, body_mb=100),
        Says(body=GZIP_BOMB, headers={"Content-Encoding": "gzip"}),
        Says(body=b"{}", headers={"Content-Encoding": "gzip, br"}),
        Says(
            body=ZLIB_BOMB,
            status=500,
            headers={"Content-Type": "text/plain; charset=zlib"},
        ),
    ],
    ids=["100-MB", "endless", "endless-error", "gzip-bomb", "odd-coding", "charset"],
)
async def test_monstrous_answer_is_not_read(
    opened: Opener, reply: fake_ollama.Reply
) -> None:
    fake = await opened.host(reply, "Olá!")
    model = await opened.model(fake, max_parallel=1)
    tracemalloc.start()

    async with asyncio.timeout(30):
        with pytest.raises(LlmUnavailable):
            await ask(model, "oi")

    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 16_000_000  # the bombs unpack to 40 MB
    assert fake.sent_bytes < 32_000_000  # what sockets hold in both directions
    assert model.in_flight == 0
    assert (await ask(model, "oi")).text == "Olá!"


@pytest.mark.parametrize(
    "body",
    [b'{"eval_count": %s}' % (b"9" * 5000), b'{"total_duration": 1e999}'],
    ids=["5000-digits", "infinity"],
)
async def test_number_that_is_none_is_no_answer(opened: Opener, body: bytes) -> None:
    model = await opened.model(await opened.host(Says(body=body)))

    with pytest.raises(LlmProtocolBroken):
        await ask(model, "oi")


async def test_absurd_counts_do_no_harm(opened: Opener) -> None:
    body = {
        "message": {"role": "assistant", "content": "Olá!"},
        "total_duration": 10**400,
        "prompt_eval_count": -7,
        "eval_count": 10**400,
    }
    model = await opened.model(await opened.host(Says(body=json.dumps(body).encode())))

    reply = await ask(model, "oi")

    assert (reply.text, reply.prompt_tokens) == ("Olá!", 0)
    assert 0 < reply.model_s < 1e7


async def test_answer_that_drips_ends_at_the_deadline(opened: Opener) -> None:
    fake = await opened.host(Says(drip_s=0.05), "Olá!")
    model = await opened.model(fake, deadline_s=0.3, max_parallel=1)

    async with asyncio.timeout(10):
        with pytest.raises(LlmTimeout):
            await ask(model, "oi")

    assert (await ask(model, "oi")).text == "Olá!"


async def test_storm_of_cancellations_leaves_every_slot_free(opened: Opener) -> None:
    fake = await opened.host(Says("Olá!", delay_s=0.02))
    model = await opened.model(fake, max_parallel=8, max_waiting=100)
    tasks = [asyncio.create_task(ask(model, "oi")) for _ in range(60)]
    for number, task in enumerate(tasks):
        if number % 3:
            asyncio.get_running_loop().call_later(number % 7 / 100, task.cancel)

    results = await asyncio.gather(*tasks, return_exceptions=True)

    kept = [result for number, result in enumerate(results) if not number % 3]
    assert all(isinstance(result, Reply) for result in kept)
    assert fake.most_at_work <= 8
    assert model.in_flight == 0
    assert model.state is ModelState.READY
    assert len(await asyncio.gather(*(ask(model, "oi") for _ in range(8)))) == 8

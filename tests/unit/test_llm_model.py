"""Deadline, bound, order of hosts and cancellation of the office's model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.core.settings import Settings, load_settings
from llm_fallback import (
    Exchange,
    LlmAnswerRejected,
    LlmBusy,
    LlmModelMissing,
    LlmProtocolBroken,
    LlmTimeout,
    LlmUnavailable,
    ModelSettings,
    OfficeModel,
    Rejection,
    open_model,
)
from tests.fakes.fake_ollama import MODEL, FakeOllama, Reply, running

NOBODY = "http://127.0.0.1:9"


class Opener:
    """Opens fakes and models and closes them after the test."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def host(self, *replies: Reply | str, **state: object) -> FakeOllama:
        fake = FakeOllama(replies or ("Olá!",), **state)  # type: ignore[arg-type]
        return await self._stack.enter_async_context(running(fake))

    async def model(
        self,
        *hosts: FakeOllama | str,
        deadline_s: float = 5,
        max_parallel: int = 2,
        max_waiting: int = 2,
    ) -> OfficeModel:
        settings = ModelSettings(
            hosts=tuple(h if isinstance(h, str) else h.url for h in hosts),
            name=MODEL,
            deadline_s=deadline_s,
            max_parallel=max_parallel,
            max_waiting=max_waiting,
        )
        return await self._stack.enter_async_context(open_model(settings))


@pytest.fixture
async def opened() -> AsyncIterator[Opener]:
    async with AsyncExitStack() as stack:
        yield Opener(stack)


async def test_checked_answer_comes_with_where_it_came_from(opened: Opener) -> None:
    fake = await opened.host("  Olá! Como posso ajudar?  ")
    model = await opened.model(fake)

    answer = await model.answer("oi")

    assert answer.text == "Olá! Como posso ajudar?"
    assert (answer.host, answer.model) == (fake.url, MODEL)
    assert answer.total_s >= answer.model_s > 0
    assert (answer.prompt_tokens, answer.answer_tokens) == (300, 4)


async def test_request_is_what_ollama_documents(opened: Opener) -> None:
    fake = await opened.host()
    model = await opened.model(fake)

    await model.answer(
        "abre hoje?", history=[Exchange("oi", "Olá!")], office_facts="Nome: Prado"
    )

    [body] = fake.requests
    assert body["model"] == MODEL
    assert body["stream"] is False
    assert body["keep_alive"] == -1
    assert body["options"] == {"num_ctx": 4096, "num_predict": 320, "temperature": 0.2}
    roles = [message["role"] for message in body["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    assert "Nome: Prado" in body["messages"][0]["content"]
    assert "tools" not in body or not body["tools"]


async def test_slow_model_is_given_up_at_the_deadline(opened: Opener) -> None:
    fake = await opened.host(Reply(hangs=True))
    model = await opened.model(fake, deadline_s=0.2)
    started = time.monotonic()

    with pytest.raises(LlmTimeout) as failed:
        await model.answer("oi")

    assert 0.2 <= time.monotonic() - started < 1.5
    assert failed.value.retryable
    assert model.in_flight == 0


async def test_slow_host_is_not_followed_by_another(opened: Opener) -> None:
    slow, idle = await opened.host(Reply(hangs=True)), await opened.host()
    model = await opened.model(slow, idle, deadline_s=0.2)

    with pytest.raises(LlmTimeout):
        await model.answer("oi")

    assert idle.requests == []


async def test_waiting_counts_towards_the_deadline(opened: Opener) -> None:
    fake = await opened.host(Reply(hangs=True))
    model = await opened.model(fake, deadline_s=0.3, max_parallel=1)
    started = time.monotonic()

    results = await asyncio.gather(
        *(model.answer("oi") for _ in range(3)), return_exceptions=True
    )

    assert [type(result) for result in results] == [LlmTimeout] * 3
    assert time.monotonic() - started < 0.8  # three times in turn would be 0.9
    assert model.in_flight == 0


async def test_no_more_questions_are_with_the_model_than_may_be(opened: Opener) -> None:
    fake = await opened.host(Reply("Olá!", delay_s=0.05))
    model = await opened.model(fake, max_parallel=2, max_waiting=10)

    answers = await asyncio.gather(*(model.answer("oi") for _ in range(8)))

    assert len(answers) == 8
    assert fake.most_at_work == 2


async def test_question_past_the_bound_is_refused_at_once(opened: Opener) -> None:
    fake = await opened.host(Reply(hangs=True))
    model = await opened.model(fake, max_parallel=1, max_waiting=2)
    waiting = [asyncio.create_task(model.answer("oi")) for _ in range(3)]
    await fake.arrived.wait()
    started = time.monotonic()

    with pytest.raises(LlmBusy) as failed:
        await model.answer("oi")

    assert time.monotonic() - started < 0.1
    assert failed.value.retryable
    assert model.in_flight == 3
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_cancelled_question_frees_its_slot_and_the_host(opened: Opener) -> None:
    fake = await opened.host(Reply(hangs=True), "Olá!")
    model = await opened.model(fake, max_parallel=1, max_waiting=1)
    task = asyncio.create_task(model.answer("oi"))
    await fake.arrived.wait()

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    answer = await model.answer("oi de novo")

    assert answer.text == "Olá!"
    assert model.in_flight == 0
    assert fake.abandoned == 1


async def test_question_cancelled_while_it_waits_leaves_the_queue(
    opened: Opener,
) -> None:
    fake = await opened.host(Reply(hangs=True))
    model = await opened.model(fake, max_parallel=1, max_waiting=1)
    first = asyncio.create_task(model.answer("oi"))
    await fake.arrived.wait()
    second = asyncio.create_task(model.answer("oi"))
    await asyncio.sleep(0)

    second.cancel()
    await asyncio.gather(second, return_exceptions=True)

    assert model.in_flight == 1
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


@pytest.mark.parametrize(
    "failure",
    [
        Reply("crash", status=500),
        Reply("busy", status=503),
        Reply(closes=True),
        Reply(body=b"{not json"),
    ],
    ids=lambda failure: f"{failure.status}-{failure.body}-{failure.closes}",
)
async def test_host_that_fails_is_followed_by_the_next(
    opened: Opener, failure: Reply
) -> None:
    broken, healthy = await opened.host(failure), await opened.host("Olá!")
    model = await opened.model(broken, healthy)

    answer = await model.answer("oi")

    assert answer.host == healthy.url
    assert len(broken.requests) == 1


async def test_hosts_are_tried_in_their_order(opened: Opener) -> None:
    first, second = await opened.host("Olá!"), await opened.host("Oi!")
    model = await opened.model(NOBODY, first, second)

    answer = await model.answer("oi")

    assert answer.host == first.url
    assert second.requests == []


async def test_host_without_the_model_is_followed_by_the_next(opened: Opener) -> None:
    empty, healthy = await opened.host(models=()), await opened.host()
    model = await opened.model(empty, healthy)

    assert (await model.answer("oi")).host == healthy.url


async def test_no_configured_host_is_unavailable(opened: Opener) -> None:
    model = await opened.model()

    with pytest.raises(LlmUnavailable) as failed:
        await model.answer("oi")

    assert not failed.value.retryable
    health = await model.ping()
    assert not health.is_configured
    assert not health.is_ready


async def test_rejected_answer_is_not_asked_of_another_host(opened: Opener) -> None:
    bold, second = await opened.host("Garanto a vitória."), await opened.host()
    model = await opened.model(bold, second)

    with pytest.raises(LlmAnswerRejected) as failed:
        await model.answer("vou ganhar?")

    assert failed.value.reason is Rejection.PROMISE
    assert second.requests == []


async def test_answer_is_checked_against_the_office_facts(opened: Opener) -> None:
    fake = await opened.host("Atendemos até as 20h.", "Atendemos até as 18h.")
    model = await opened.model(fake)
    facts = "Horário: das 9h às 18h"

    with pytest.raises(LlmAnswerRejected) as failed:
        await model.answer("até que horas?", office_facts=facts)
    answer = await model.answer("até que horas?", office_facts=facts)

    assert failed.value.reason is Rejection.UNGROUNDED
    assert answer.text == "Atendemos até as 18h."


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply("A equipe atende", done_reason="length"), Rejection.CUT_SHORT),
        (Reply("Olá!", prompt_tokens=4096), Rejection.PROMPT_TRUNCATED),
        (Reply(""), Rejection.EMPTY),
        (Reply(None), Rejection.EMPTY),
    ],
)
async def test_answer_that_the_server_did_not_finish_is_refused(
    opened: Opener, reply: Reply, reason: Rejection
) -> None:
    model = await opened.model(await opened.host(reply))

    with pytest.raises(LlmAnswerRejected) as failed:
        await model.answer("oi")

    assert failed.value.reason is reason


async def test_ping_tells_hosts_apart(opened: Opener) -> None:
    healthy, empty = await opened.host(), await opened.host(models=("outro:latest",))
    hung = await opened.host(tags_delay_s=30)
    odd = await opened.host(tags_body=b"[]")
    model = await opened.model(healthy, empty, hung, odd, NOBODY)
    started = time.monotonic()

    health = await model.ping()

    assert time.monotonic() - started < 2.2
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
    fake = await opened.host(Reply(hangs=True))
    model = await opened.model(fake, max_parallel=1, max_waiting=1)
    task = asyncio.create_task(model.answer("oi"))
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
    fake = await opened.host(Reply("model failed on: segredo do cliente", status=500))
    model = await opened.model(fake)

    with pytest.raises(LlmUnavailable) as failed:
        await model.answer("segredo do cliente")

    assert "segredo" not in str(failed.value)


async def test_clients_words_go_through_no_proxy(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", NOBODY)
    monkeypatch.setenv("ALL_PROXY", NOBODY)
    model = await opened.model(await opened.host("Olá!"))

    assert (await model.answer("oi")).text == "Olá!"


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


LOADING = Reply("unexpected server status: llm server loading model", status=500)


async def test_host_that_is_still_loading_is_asked_again(opened: Opener) -> None:
    host = await opened.host(LOADING, LOADING, "Posso chamar a equipe.")
    model = await opened.model(host)

    answer = await model.answer("oi")

    assert answer.text == "Posso chamar a equipe."
    assert len(host.requests) == 3


async def test_another_host_goes_before_one_that_is_loading(opened: Opener) -> None:
    loading, ready = await opened.host(LOADING), await opened.host("Olá!")
    model = await opened.model(loading, ready)

    answer = await model.answer("oi")

    assert answer.host == ready.url
    assert len(loading.requests) == 1


async def test_loading_for_too_long_ends_at_the_deadline(opened: Opener) -> None:
    model = await opened.model(await opened.host(LOADING), deadline_s=1.2)

    with pytest.raises(LlmTimeout):
        await model.answer("oi")

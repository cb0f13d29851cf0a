"""What becomes of a question: the order of trust, what leaves, what is shown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.core.settings import ROOT
from llm_fallback import (
    EnterFlow,
    Exchange,
    Fallback,
    LegalQuestion,
    Lessons,
    LlmAnswerRejected,
    LlmTimeout,
    LlmUnavailable,
    Material,
    MaterialKind,
    ModelSettings,
    ModelState,
    Question,
    Quoted,
    Rejection,
    SmallTalk,
    WantsPerson,
    Written,
    open_fallback,
)
from llm_fallback.knowledge.entry import Entry
from llm_fallback.knowledge.retrieval import Knowledge
from llm_fallback.legal.questions import LegalQuestions, load_examples
from tests.fakes.fake_ollama import MODEL, FakeOllama, Reply, running

ENTRIES = (
    Entry(
        "duracao",
        "Quanto tempo dura uma consulta?",
        ("demora muito a consulta?", "quanto tempo fico aí", "é rapidinho?"),
        "A consulta dura uma hora. Chegue dez minutos antes.",
    ),
    Entry(
        "rampa",
        "O prédio é acessível?",
        ("tem rampa?", "cadeirante consegue entrar?", "tem elevador"),
        "O prédio tem rampa e elevador.",
    ),
    Entry(
        "idiomas",
        "Em que línguas o escritório atende?",
        ("vcs falam inglês?", "do you speak english?", "atende em espanhol"),
        "O atendimento é em português.",
    ),
)
FLOWS = ("agendar_consulta", "reclamar")
UNCLEAR = "é sobre aquele negócio lá que eu falei ontem com ela"
GOOD = "A consulta dura uma hora."


@pytest.fixture(scope="module")
def legal() -> LegalQuestions:
    return LegalQuestions.learn(load_examples(ROOT / "data/perguntas_juridicas.yml"))


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return Knowledge(ENTRIES)


@pytest.fixture
def opened(legal, knowledge):
    @asynccontextmanager
    async def run(
        *script, deadline_s: float = 20, canary: str = "", host: bool = True
    ) -> AsyncIterator[tuple[Fallback, FakeOllama]]:
        fake = FakeOllama(script or (said("conversa"),))
        async with running(fake):
            settings = ModelSettings(
                hosts=(fake.url,) if host else (), name=MODEL, deadline_s=deadline_s
            )
            async with open_fallback(
                settings, lessons=Lessons(knowledge, legal), canary=canary
            ) as fallback:
                yield fallback, fake

    return run


def said(route: str, *sources: str, text: str = "", **more) -> Reply:
    body = {"rota": route, "fontes": list(sources), "resposta": text}
    return Reply(json.dumps(body), **more)


def ask(text: str = UNCLEAR, **more) -> Question:
    return Question(text, flows=FLOWS, **more)


# --- the order of trust -------------------------------------------------------------


async def test_legal_question_is_not_sent_to_the_model(opened):
    async with opened() as (fallback, fake):
        decision = await fallback.decide(ask("tenho direito a indenização por isso?"))

    assert decision == LegalQuestion(by_model=False)
    assert fake.requests == []


async def test_what_the_office_has_answered_is_quoted_without_the_model(opened):
    async with opened() as (fallback, fake):
        decision = await fallback.decide(ask("tem rampa?"))

    assert decision == Quoted("O prédio tem rampa e elevador.", "rampa")
    assert fake.requests == []


async def test_both_work_without_any_model(opened):
    async with opened(host=False) as (fallback, _):
        assert fallback.model_state is ModelState.NOT_CONFIGURED
        assert isinstance(await fallback.decide(ask("tem rampa?")), Quoted)
        with pytest.raises(LlmUnavailable):
            await fallback.decide(ask())


@pytest.mark.parametrize(
    ("reply", "decision"),
    [
        (said("agendar_consulta"), EnterFlow("agendar_consulta")),
        (said("pergunta_juridica"), LegalQuestion(by_model=True)),
        (said("conversa"), SmallTalk()),
        (said("pessoa"), WantsPerson()),
        (said("pessoa", "duracao", text="A consulta é de graça."), WantsPerson()),
    ],
    ids=["flow", "legal", "small talk", "person", "text on another route"],
)
async def test_model_chooses_the_way(opened, reply, decision):
    async with opened(reply) as (fallback, _):
        assert await fallback.decide(ask()) == decision


async def test_answer_from_the_office_s_texts_is_shown_with_its_sources(opened):
    async with opened(said("conhecimento", "duracao", text=GOOD)) as (fallback, fake):
        decision = await fallback.decide(ask())

    assert isinstance(decision, Written)
    assert (decision.text, decision.sources) == (GOOD, ("duracao",))
    assert (decision.model, decision.host) == (MODEL, fake.url)
    assert decision.total_s >= decision.model_s > 0
    assert decision.prompt_tokens > 0


async def test_bare_words_are_shown_where_one_text_supports_them(opened):
    async with opened(Reply(f"Claro! {GOOD}")) as (fallback, fake):
        decision = await fallback.decide(ask())

    assert isinstance(decision, Written)
    assert (decision.text, decision.sources) == (GOOD, ("duracao",))
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    "words",
    ["A consulta é grátis.", "A consulta tem rampa.", "PWNED", "", "Sim!"],
)
async def test_bare_words_that_no_text_supports_are_not_shown(opened, words):
    async with opened(Reply(words)) as (fallback, _):
        with pytest.raises(LlmAnswerRejected):
            await fallback.decide(ask())


async def test_model_is_bound_to_a_shape_that_offers_what_the_prompt_holds(opened):
    async with opened() as (fallback, fake):
        await fallback.decide(ask())

    [body] = fake.requests
    shape = body["format"]["properties"]
    assert shape["rota"]["enum"][:2] == list(FLOWS)
    system = body["messages"][0]["content"]
    for source in shape["fontes"]["items"]["enum"]:
        assert f'id="{source}"' in system


# --- what must not be shown ---------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (said("conhecimento", "duracao", text="Dura 2 horas."), Rejection.UNGROUNDED),
        (
            said("conhecimento", "rampa", text=GOOD),
            Rejection.UNSUPPORTED,
        ),
        (said("conhecimento", "inventada", text=GOOD), Rejection.NO_SOURCE),
        (said("conhecimento", text=GOOD), Rejection.NO_SOURCE),
        (said("conhecimento", "duracao", text=""), Rejection.EMPTY),
        (
            said("conhecimento", "duracao", text="Você tem direito a isso."),
            Rejection.OPINION,
        ),
        (
            said("conhecimento", "duracao", text=f"{GOOD} [CPF_9]"),
            Rejection.PERSONAL_DATA,
        ),
        (Reply('{"resposta": "A consulta é grátis."}'), Rejection.MALFORMED),
        (said("transferir"), Rejection.MALFORMED),
        (said("conversa", done_reason="length"), Rejection.CUT_SHORT),
    ],
    ids=lambda value: value.value if isinstance(value, Rejection) else "",
)
async def test_what_fails_a_check_is_not_shown(opened, reply, reason):
    async with opened(reply) as (fallback, _):
        with pytest.raises(LlmAnswerRejected) as refused:
            await fallback.decide(ask())

    if reason is not Rejection.UNSUPPORTED:
        assert refused.value.reason is reason
    assert refused.value.response == "utter_ia_sem_resposta"


@pytest.mark.parametrize("told", ["zebra4711", "Z E B R A 4 7 1 1", "zebra-47.11"])
async def test_canary_is_never_shown(opened, told):
    reply = said("conhecimento", "duracao", text=f"{GOOD} {told}")
    async with opened(reply, canary="zebra4711") as (fallback, fake):
        with pytest.raises(LlmAnswerRejected) as refused:
            await fallback.decide(ask())

    assert refused.value.reason is Rejection.CANARY
    assert "zebra4711" in fake.requests[0]["messages"][0]["content"]


# --- a second try -------------------------------------------------------------------


async def test_broken_json_is_asked_for_once_more(opened):
    async with opened(Reply("{'rota':"), said("conversa")) as (fallback, fake):
        assert await fallback.decide(ask()) == SmallTalk()

    assert len(fake.requests) == 2


async def test_refused_answer_is_not_asked_for_again(opened):
    bad = said("conhecimento", "duracao", text="Você tem direito a isso.")
    async with opened(bad, said("conversa")) as (fallback, fake):
        with pytest.raises(LlmAnswerRejected):
            await fallback.decide(ask())

    assert len(fake.requests) == 1


async def test_both_tries_share_one_deadline(opened):
    slow = Reply("{", delay_s=1.2)
    async with opened(slow, said("conversa", delay_s=1.5), deadline_s=2) as (
        fallback,
        fake,
    ):
        with pytest.raises(LlmTimeout):
            await fallback.decide(ask())

    assert len(fake.requests) == 2


# --- personal data ------------------------------------------------------------------

CPF, PHONE, MAIL = "529.982.247-25", "(11) 98765-4321", "ana.prado@exemplo.com.br"


async def test_personal_data_does_not_leave(opened):
    question = ask(
        f"sou a Ana Prado, cpf {CPF}, me liga {PHONE} sobre aquele negócio de ontem",
        names=("Ana Prado",),
        history=(Exchange(f"meu email é {MAIL}", "Anotei, Ana."),),
        facts={"relato": f"briga com a loja, cpf {CPF}"},
        materials=(Material(MaterialKind.QUOTED, f"Seu CPF é {CPF}?"),),
    )
    async with opened() as (fallback, fake):
        await fallback.decide(question)

    sent = json.dumps(fake.requests[0]["messages"], ensure_ascii=False)
    for value in (CPF, "529982247", PHONE, "98765", MAIL, "Ana", "Prado"):
        assert value not in sent
    assert sent.count("[CPF_1]") == 3


async def test_name_comes_back_where_the_model_greets_by_it(opened):
    reply = said("conhecimento", "duracao", text=f"Olá, [NOME_1]! {GOOD}")
    async with opened(reply) as (fallback, _):
        decision = await fallback.decide(ask("sou a Ana, " + UNCLEAR, names=("Ana",)))

    assert isinstance(decision, Written)
    assert decision.text == f"Olá, Ana! {GOOD}"


# --- what a message leans on --------------------------------------------------------


async def test_short_message_is_read_with_the_one_before_it(opened):
    async with opened() as (fallback, _):
        nearest = [
            fallback.prepare(ask("e pro outro?", history=(Exchange(before, "."),)))
            for before in ("cadeirante consegue entrar?", "vcs falam inglês?")
        ]

    assert [each.entries[0].id for each in nearest] == ["rampa", "idiomas"]


async def test_words_passed_on_alone_are_what_is_asked(opened):
    forwarded = Material(MaterialKind.FORWARDED, "tenho direito a receber em dobro?")
    async with opened() as (fallback, _):
        decision = await fallback.decide(Question("", materials=(forwarded,)))

    assert decision == LegalQuestion(by_model=False)


@pytest.mark.parametrize("text", ["", " ", "😀", "?" * 5000, "a" * 1_000_000])
async def test_any_text_comes_to_a_decision(opened, text):
    async with opened() as (fallback, _):
        assert await fallback.decide(ask(text)) is not None


async def test_many_at_once_are_all_decided(opened):
    async with opened() as (fallback, fake):
        decisions = await asyncio.gather(*(fallback.decide(ask()) for _ in range(8)))

    assert decisions == [SmallTalk()] * 8
    assert fake.most_at_work <= 2

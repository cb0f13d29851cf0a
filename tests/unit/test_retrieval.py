"""The search of the office's texts: how well it finds, and when it may be sure."""

from __future__ import annotations

import pytest
from ruamel.yaml import YAML

from bot.core.office import load_office
from bot.core.settings import ROOT
from llm_fallback.knowledge.retrieval import Knowledge
from llm_fallback.knowledge.texts import Entry, load_knowledge, office_entries

QUESTIONS = ROOT / "tests/data/llm/recuperacao.yml"
OUT_OF_SCOPE = ROOT / "data/fora_de_escopo.txt"
SMALL = (
    Entry(
        "acompanhante",
        "Posso levar alguém comigo?",
        ("minha filha pode entrar junto?", "posso ir acompanhado"),
        "Você pode trazer alguém de confiança.",
    ),
    Entry(
        "estacionamento",
        "Onde deixo o carro?",
        ("tem estacionamento aí?", "onde estaciono"),
        "Há estacionamento no prédio.",
    ),
)


@pytest.fixture(scope="module")
def entries() -> tuple[Entry, ...]:
    office = load_office(ROOT / "escritorio.yml")
    themes = load_knowledge(ROOT / "data/conhecimento", office.variables())
    return (*themes, *office_entries(office))


@pytest.fixture(scope="module")
def knowledge(entries) -> Knowledge:
    return Knowledge(entries)


@pytest.fixture(scope="module")
def small() -> Knowledge:
    return Knowledge(SMALL)


@pytest.fixture(scope="module")
def data():
    return YAML(typ="safe").load(QUESTIONS.read_text(encoding="utf-8"))


def ids(found) -> list[str]:
    return [hit.entry.id for hit in found.hits]


def test_the_right_text_is_among_the_first_four(knowledge, data):
    asked = data["perguntas"]
    found = [ids(knowledge.find(each["pergunta"])) for each in asked]

    first = sum(got[0] == each["id"] for got, each in zip(found, asked, strict=True))
    among = sum(each["id"] in got for got, each in zip(found, asked, strict=True))

    assert len(asked) >= 100
    assert first / len(asked) >= 0.8
    assert among / len(asked) >= 0.9


def test_what_it_is_sure_of_is_right(knowledge, data):
    sure = [
        (each["id"], found.id)
        for each in data["perguntas"]
        if (found := knowledge.find(each["pergunta"]).sure)
    ]

    assert len(sure) / len(data["perguntas"]) >= 0.25
    assert sum(right == found for right, found in sure) / len(sure) >= 0.98


def test_it_is_hardly_ever_sure_of_what_no_text_answers(knowledge, data):
    asked = [each for group in data["sem_resposta"].values() for each in group]
    asked += OUT_OF_SCOPE.read_text(encoding="utf-8").splitlines()

    wrong = [each for each in asked if knowledge.find(each).sure]

    assert len(wrong) / len(asked) <= 0.01, wrong


@pytest.mark.parametrize("group", ["juridicas", "hostis"])
def test_it_is_not_sure_of_opinions_and_orders(knowledge, data, group):
    asked = data["sem_resposta"][group]

    assert sum(knowledge.find(each).sure is not None for each in asked) <= 1


def test_a_sure_text_is_the_first_one_found(knowledge, data):
    for each in data["perguntas"]:
        found = knowledge.find(each["pergunta"])
        assert found.sure in (None, found.hits[0].entry)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("posso levar alguém comigo?", id="as-written"),
        pytest.param("POSSO LEVAR ALGUEM COMIGO", id="capitals-without-accents"),
        pytest.param("possooo levar alguém comigo???", id="repeated-letters"),
        pytest.param("oi boa tarde, posso levar alguém cmg? obrigada", id="courtesies"),
        pytest.param("Posso levar alguém comigo? 🙏🙏", id="emoji"),
    ],
)
def test_how_it_is_written_makes_no_difference(small, text):
    assert small.find(text).sure == SMALL[0]


def test_a_question_is_found_among_other_sentences(knowledge, data):
    before = (
        "Bom dia doutora, peguei o contato de vocês com uma colega do serviço. Minha "
        "situação é complicada, meu marido saiu de casa mês passado."
    )
    asked = data["perguntas"][::4]

    among = sum(
        each["id"] in ids(knowledge.find(f"{before} {each['pergunta']} Deus abençoe."))
        for each in asked
    )

    assert among / len(asked) >= 0.85


def test_a_question_with_something_more_in_it_is_not_quoted(small):
    assert small.find("onde estaciono").sure == SMALL[1]
    assert small.find("onde estaciono o caminhão guincho do fórum").sure is None


def test_two_texts_that_fit_alike_are_not_quoted(small):
    twins = Knowledge(
        (
            Entry("fixo", "Qual é o telefone?", ("me passa o telefone",), "É o fixo."),
            Entry("movel", "Qual o telefone?", ("me passe o telefone",), "É o móvel."),
            *SMALL,
        )
    )

    assert {"fixo", "movel"} == set(ids(twins.find("qual telefone?", at_most=2)))
    assert twins.find("qual telefone?").sure is None


def test_the_same_message_finds_the_same(knowledge, entries, data):
    again = Knowledge(entries)

    for each in data["perguntas"][::20]:
        text = each["pergunta"]
        assert knowledge.find(text) == knowledge.find(text) == again.find(text)


def test_scores_fall_and_are_at_most_one(knowledge):
    scores = [hit.score for hit in knowledge.find("posso levar meu filho?").hits]

    assert scores == sorted(scores, reverse=True)
    assert -1 <= scores[-1] <= scores[0] <= 1


@pytest.mark.parametrize(("at_most", "found"), [(0, 0), (1, 1), (2, 2), (9, 2)])
def test_no_more_texts_are_found_than_asked_for(small, at_most, found):
    assert len(small.find("onde estaciono", at_most=at_most).hits) == found


def test_an_office_without_texts_finds_nothing():
    empty = Knowledge(())

    assert empty.find("posso levar alguém comigo?").hits == ()
    assert empty.find("posso levar alguém comigo?").sure is None
    assert empty.entries_of(["acompanhante"]) == ()


def test_a_single_text_may_be_sure():
    alone = Knowledge(SMALL[:1])

    assert alone.find("posso levar alguém comigo?").sure == SMALL[0]
    assert alone.find("quem descobriu o brasil?").sure is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(" \n\t", id="blank"),
        pytest.param("👍👍🙏", id="emoji"),
        pytest.param("?!…", id="punctuation"),
        pytest.param("\ud800\x00", id="surrogate"),
        pytest.param("привет как дела", id="another-alphabet"),
    ],
)
def test_a_message_without_words_finds_nothing(small, text):
    assert small.find(text).hits == ()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a" * 1_000_000, id="one-word"),
        pytest.param("posso ir? " * 100_000, id="many-sentences"),
        pytest.param("\n" * 1_000_000 + "oi", id="line-breaks"),
        pytest.param("oi " * 333_333, id="greetings"),
        pytest.param("1" * 1_000_000, id="digits"),
    ],
)
def test_a_megabyte_is_read_at_its_ends_alone(small, text):
    assert small.find(text).sure is None


def test_a_question_at_the_end_of_a_long_message_is_found(knowledge):
    text = "blá " * 100_000 + ". onde estaciono o carro?"

    assert "estacionamento" in ids(knowledge.find(text))


def test_texts_are_given_by_id_in_the_order_asked(small):
    assert small.entries_of(["estacionamento", "acompanhante"]) == SMALL[::-1]
    assert small.entries_of(["estacionamento", "inventado"]) == SMALL[1:]

"""What the cited texts say, and what only looks as if they said it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from llm_fallback.errors import LlmAnswerRejected
from llm_fallback.guards.checks import MAX_CHARACTERS, review
from llm_fallback.guards.clauses import clauses_of
from llm_fallback.guards.frontdesk import is_front_desk
from llm_fallback.guards.reading import folded
from llm_fallback.guards.stems import is_finite_verb, stem, tense_of
from llm_fallback.guards.support import MAX_CITED_CHARACTERS, unsupported

DATA = Path(__file__).parents[1] / "data" / "llm"
MAX_FALSE_REFUSALS = 0.10


def _table(name: str) -> list[dict[str, object]]:
    return YAML(typ="safe").load((DATA / name).read_text(encoding="utf-8"))


def _answers(name: str, key: str = "respostas") -> list[tuple[str, str, str]]:
    return [
        (each["citado"], each["pergunta"], answer)
        for each in _table(name)
        for answer in each.get(key, [])
    ]


HONEST = _answers("respostas_boas.yml")
REFUSED = _answers("respostas_boas.yml", "recusadas")
HOSTILE = _answers("respostas_hostis.yml")


def says(answer: str, cited: str, question: str = "") -> bool:
    return unsupported(answer, question=question, cited=cited) is None


@pytest.mark.parametrize(("cited", "question", "answer"), HONEST)
def test_honest_paraphrase_is_shown(cited: str, question: str, answer: str) -> None:
    assert review(answer, question=question, cited=cited) == answer


@pytest.mark.parametrize(("cited", "question", "answer"), HOSTILE)
def test_hostile_answer_is_refused(cited: str, question: str, answer: str) -> None:
    with pytest.raises(LlmAnswerRejected):
        review(answer, question=question, cited=cited)


def test_few_honest_paraphrases_are_refused() -> None:
    assert len(REFUSED) <= MAX_FALSE_REFUSALS * (len(HONEST) + len(REFUSED))


@pytest.mark.parametrize(("cited", "question", "answer"), REFUSED)
def test_list_of_false_refusals_is_current(
    cited: str, question: str, answer: str
) -> None:
    with pytest.raises(LlmAnswerRejected):
        review(answer, question=question, cited=cited)


@pytest.mark.parametrize(
    "cited", sorted({cited for cited, _, _ in HONEST}), ids=lambda text: text[:30]
)
def test_every_sentence_of_a_text_supports_itself(cited: str) -> None:
    title, _, text = cited.strip().partition("\n")

    assert says(text, cited, title)


HOURS = "Atendemos de segunda a sexta, das 9h às 18h, e aos sábados, das 9h às 12h."
PRICES = "A consulta custa R$ 300,00, e o retorno, R$ 150,00."
TOWNS = "Atendemos em Santos das 9h às 12h. Atendemos em Campinas das 13h às 18h."
ROOMS = "A consulta online é pelo Meet e a presencial no escritório."
RETURN = "Quanto é a consulta de retorno?\nA consulta de retorno custa R$ 150,00."
CLOSED = "Não atendemos aos sábados."


@pytest.mark.parametrize(
    ("cited", "answer", "expected"),
    [
        (HOURS, "Aos sábados, atendemos das 9h às 12h.", True),
        (HOURS, "Aos sábados, atendemos das 9h às 18h.", False),
        (HOURS, "Atendemos de sexta a segunda, das 9h às 18h.", False),
        (HOURS, "Atendemos até as 9h.", False),
        (PRICES, "O retorno custa R$ 150,00.", True),
        (PRICES, "O retorno custa R$ 300,00.", False),
        (PRICES, "Custa R$ 150,00.", False),
        (CLOSED, "Aos sábados não atendemos.", True),
        (CLOSED, "Atendemos aos sábados.", False),
        (CLOSED, "Não atendemos.", False),
        (CLOSED, "Não é que não atendemos aos sábados.", False),
        ("Atendemos aos sábados.", "Não atendemos aos sábados.", False),
        ("Atendemos sem hora marcada.", "Atendemos com hora marcada.", False),
        ("Só atendemos com hora marcada.", "Atendemos com hora marcada.", False),
        ("Atendemos com hora marcada.", "Só atendemos com hora marcada.", False),
        ("Abrimos todo dia, exceto feriados.", "Abrimos feriados.", False),
        ("Abrimos aos sábados, mas só em março.", "Abrimos aos sábados.", False),
        ("A consulta pode ser online.", "A consulta é online.", False),
        ("A consulta é online ou presencial.", "A consulta é online.", False),
        ("A consulta é online ou presencial.", "A consulta pode ser online.", True),
        ("O advogado pode pedir cópias.", "O advogado deve pedir cópias.", False),
        ("Se quiser, marque outra data.", "Marque outra data.", False),
        ("O que é urgente passa na frente.", "É urgente.", False),
        ("A equipe envia o contrato.", "Você envia o contrato.", False),
        ("A equipe envia o contrato.", "Enviamos o contrato.", True),
        ("A equipe envia o contrato.", "Envie o contrato.", False),
        ("A equipe envia o contrato.", "O contrato é enviado pela equipe.", True),
        ("A equipe envia o contrato.", "A equipe enviou o contrato.", False),
        ("A equipe envia o contrato.", "A equipe enviará o contrato.", False),
        ("O advogado orienta o cliente.", "O cliente orienta o advogado.", False),
        ("Para apagar os dados, ligue.", "A equipe apaga os dados.", False),
        ("O pagamento é do cliente.", "O escritório paga o cliente.", False),
        ("O escritório paga a guia.", "O escritório paga você.", False),
        ("Remarque a consulta por aqui.", "Remarco a consulta por aqui.", False),
        ("A consulta dura uma hora.", "A consulta dura 60 minutos.", True),
        ("A consulta dura duas horas.", "A consulta dura uma hora.", False),
        ("Traga RG, CPF e contrato.", "Traga:\n- RG\n- CPF", True),
        ("Traga RG, CPF e contrato.", "Traga o divórcio.", False),
        (TOWNS, "Atendemos em Campinas das 13h às 18h.", True),
        (TOWNS, "Atendemos das 13h às 18h.", False),
        (ROOMS, "A consulta presencial é no escritório.", True),
        (ROOMS, "A consulta online é no escritório.", False),
        (ROOMS, "A consulta é no escritório.", False),
        (ROOMS, "A consulta presencial é pelo Meet.", False),
        (RETURN, "A consulta de retorno custa R$ 150,00.", True),
        (RETURN, "A consulta custa R$ 150,00.", False),
        ("O advogado cuida do caso.", "Caso.", False),
        ("O advogado cuida do caso.", "O advogado do caso.", False),
        (
            "O contrato vai por carta ao cliente.",
            "O contrato vai por ao cliente.",
            False,
        ),
        ("Escreva sexta às 9h ou segunda às 18h.", "Escreva sexta às 18h.", False),
    ],
)
def test_support_of_one_sentence(cited: str, answer: str, expected: bool) -> None:
    assert says(answer, cited) is expected


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("tem estacionamento?", "Sim, há estacionamento no prédio.", True),
        ("tem estacionamento?", "Sim.", False),
        ("tem estacionamento de graça?", "Sim, há estacionamento no prédio.", False),
        ("não tem estacionamento?", "Sim, há estacionamento no prédio.", False),
        ("vou ganhar?", "Sim, há estacionamento no prédio.", False),
        ("tem estacionamento?", "Não, há estacionamento no prédio.", False),
        ("tem piscina?", "Não, não há piscina no prédio.", True),
        ("tem sauna?", "Não, não há piscina no prédio.", False),
    ],
)
def test_yes_and_no_mean_no_more_than_the_sentence_after_them(
    question: str, answer: str, expected: bool
) -> None:
    cited = "Há estacionamento no prédio. Não há piscina no prédio."

    assert says(answer, cited, question) is expected


def test_title_proves_nothing_but_names_what_is_spoken_of() -> None:
    cited = "Quanto dura a consulta grátis?\nDura uma hora."

    assert says("A consulta dura uma hora.", cited)
    assert not says("A consulta é grátis.", cited)


def test_yes_in_the_text_says_the_title() -> None:
    cited = "Posso levar alguém?\nPode, sim, se avisar antes."

    assert says("Você pode levar alguém, se avisar antes.", cited)
    assert not says("Você pode levar alguém.", cited)
    assert not says("Pode, sim, se avisar antes.", cited, "posso parar de pagar?")


def test_yes_of_the_office_answers_its_own_title_alone() -> None:
    cited = "O contrato é por escrito?\nSim. Você lê antes de assinar."

    assert says("Sim. Você lê antes de assinar.", cited, "o contrato é por escrito?")
    assert not says("Sim. Você lê antes de assinar.", cited, "o contrato é grátis?")


def test_words_of_the_question_support_nothing() -> None:
    assert not says("O banco errou.", "O escritório atende.", "o banco errou?")


@pytest.mark.parametrize(
    "words",
    ["ola pessoa", "bom dia voce", "um advogado da equipe avalia isso",
     "quer marcar uma consulta",
     "posso ajudar em algo mais", "nao sei responder isso", "se precisar eh so chamar",
     "posso encaminhar voce para a equipe",
     "nao tenho acesso ao andamento de processos"],
)  # fmt: skip
def test_front_desk_sentence_is_known(words: str) -> None:
    assert is_front_desk(words)


@pytest.mark.parametrize(
    "words",
    ["um advogado da equipe avalia isso e ganha", "quer marcar uma consulta gratis",
     "posso ajudar voce a ganhar", "nao sei se voce ganha mas ganha", "claro", "sim",
     "vou avisar a equipe", "sou advogado", "sinto muito o banco errou"],
)  # fmt: skip
def test_front_desk_sentence_leaves_no_room(words: str) -> None:
    assert not is_front_desk(words)


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("atendemos", "atendimento"), ("marcada", "agendar"), ("envie", "mande"),
        ("custa", "preco"), ("traga", "levar"), ("sigilo", "confidencial"),
        ("video", "videochamada"), ("resposta", "responde"), ("envia", "envio"),
    ],
)  # fmt: skip
def test_words_of_one_meaning_share_a_stem(word: str, other: str) -> None:
    assert stem(word) == stem(other)


@pytest.mark.parametrize(
    ("word", "other"),
    [("antes", "depois"), ("abre", "fecha"), ("ganha", "grava"), ("possivel",
     "impossivel"), ("paga", "gratis"), ("primeira", "ultima")],
)  # fmt: skip
def test_words_of_two_meanings_share_none(word: str, other: str) -> None:
    assert stem(word) != stem(other)


@pytest.mark.parametrize(
    ("word", "tense"),
    [("confirmou", "past"), ("marquei", "past"), ("avisara", "future"),
     ("enviaremos", "future"), ("confirma", ""), ("para", ""), ("primeira", "")],
)  # fmt: skip
def test_tense_is_read_off_the_ending(word: str, tense: str) -> None:
    assert tense_of(word) == tense


@pytest.mark.parametrize(
    ("word", "expected"),
    [("atende", True), ("grava", True), ("traga", True), ("eh", True),
     ("consulta", False), ("gravar", False), ("gravada", False), ("documento", False)],
)  # fmt: skip
def test_finite_verb_is_told_from_a_noun(word: str, expected: bool) -> None:
    assert is_finite_verb(word) is expected


def test_coordinated_piece_carries_the_verb_before_it() -> None:
    first, second = clauses_of("O advogado cuida de família e o sócio de consumidor.")

    assert stem("cuida") in {token.stem for token in first.own}
    assert {token.stem for token in second.head} == {stem("cuida")}


CITED = "Quando atendem?\nO escritório atende de segunda a sexta, das 9h às 18h."
KNOWN = {stem(word) for word in folded(CITED).replace("?", "").split()}
LETTERS = st.text("abcdefghijlmnopqrstuvxz", min_size=4, max_size=12)
STRANGE = LETTERS.filter(lambda word: stem(word) not in KNOWN)


@settings(max_examples=150, deadline=None)
@given(st.lists(STRANGE, min_size=1, max_size=8))
def test_answer_of_words_that_nobody_cited_is_refused(words: list[str]) -> None:
    sentence = f"O escritório atende {' '.join(words)}."

    if not is_front_desk(folded(sentence[:-1])):
        with pytest.raises(LlmAnswerRejected):
            review(sentence, cited=CITED)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
def test_review_raises_nothing_but_its_own_error(
    answer: str, question: str, cited: str
) -> None:
    try:
        shown = review(answer, question=question, cited=cited)
    except LlmAnswerRejected:
        return

    assert len(shown) <= MAX_CHARACTERS


@pytest.mark.parametrize(
    "unit",
    ["a ", "não ", "9h às ", "e ou ", "atendemos, ", "se quiser, ", "R$ 1,00 e ",
     "Sim, ", "a e b ", "\n- a", "(a", "segunda a ", "de ", "\U000f0001"],
)  # fmt: skip
def test_megabyte_is_read_like_a_page(unit: str) -> None:
    huge = unit * (1_000_000 // len(unit))
    page = unit * (MAX_CHARACTERS // len(unit))

    for answer, cited in ((huge, CITED), (page, huge), (page, page)):
        try:
            review(answer, question=huge, cited=cited)
        except LlmAnswerRejected:
            continue


def test_only_the_beginning_of_a_huge_text_proves_something() -> None:
    cited = f"{'Palavra. ' * MAX_CITED_CHARACTERS}A consulta dura uma hora."

    assert not says("A consulta dura uma hora.", cited)


def test_mark_of_a_value_cannot_be_smuggled_in() -> None:
    assert not says("Atendemos \U000f0000\U000f0001.", CITED)

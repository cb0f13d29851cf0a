"""How a message is made ready, and which of its sentences decides."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from bot.nlu import logistic_model
from bot.nlu.courtesies import sentences, without_courtesies
from bot.nlu.intent_model import IntentModel, train
from bot.nlu.intent_reader import IntentReader
from bot.nlu.spelling import SHORT_FORMS, spelled_out
from bot.nlu.text_features import TextFeatures, Vectors, prepared

EXAMPLES = {
    "saudar": [
        "oi", "bom dia", "olá, tudo bem?", "boa tarde", "como vai o senhor?",
        "espero que estejam bem",
    ],
    "despedir": ["tchau", "até logo", "até amanhã", "falou", "fui"],
    "agradecer": ["obrigado", "muito obrigada", "agradeço", "valeu", "gratidão"],
    "informar_dados": [
        "meu nome é Ana Souza", "aqui é o João Pereira", "sou a Maria Aparecida",
        "terça às 15h", "meu cpf é 52998224725",
    ],
    "agendar_consulta": [
        "quero marcar uma consulta", "agendar horário com a advogada", "marcar reunião",
        "queria um horário para conversar",
    ],
    "consultar_honorarios": [
        "quanto custa a consulta?", "qual o preço?", "vocês cobram quanto?",
        "qual o valor do honorário?",
    ],
}  # fmt: skip
OUTSIDE = ["receita de bolo", "quem ganhou o jogo", "previsão do tempo", "piada"]
COURTESIES = ("saudar", "despedir", "agradecer")


def examples() -> tuple[list[str], list[str]]:
    pairs = [(text, name) for name, texts in EXAMPLES.items() for text in texts]
    return [text for text, _ in pairs], [name for _, name in pairs]


@pytest.fixture(scope="module")
def reader() -> IntentReader:
    made = IntentReader(
        TextFeatures(), courtesies=COURTESIES, asides=("informar_dados",)
    )
    made.train(*examples(), OUTSIDE, false_reject_rate=0.0)
    return made


# --- what stands around a request ---------------------------------------------


@pytest.mark.parametrize(
    ("text", "request_alone"),
    [
        ("oii bom dia, preciso falar com a doutora", "preciso falar com a doutora"),
        ("Bom dia doutora, quero marcar consulta", "quero marcar consulta"),
        ("Prezados, boa tarde. Qual o valor?", "Qual o valor?"),
        ("qual o valor de uma consulta? Obrigada!", "qual o valor de uma consulta?"),
        ("não quero, obrigada", "não quero, obrigada"),
        ("oi, tudo bem?", "oi, tudo bem?"),
        ("muito obrigado", "muito obrigado"),
        ("olá", "olá"),
        ("", ""),
    ],
)
def test_courtesies_are_left_out_only_around_a_request(text, request_alone):
    assert without_courtesies(text).rstrip("?!. ") == request_alone.rstrip("?!. ")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "Bom dia! Tudo bem? Quero marcar.",
            ["Bom dia!", "Tudo bem?", "Quero marcar."],
        ),
        ("uma frase só", ["uma frase só"]),
        ("linha um\nlinha dois", ["linha um", "linha dois"]),
        ("👍. Quero marcar.", ["Quero marcar."]),
        ("?!...", []),
        ("", []),
    ],
)
def test_message_is_split_into_sentences(text, parts):
    assert sentences(text) == parts


def test_repeated_greetings_take_no_long_time_to_leave_out():
    text = "oi bom dia obrigado " * 2_000

    assert prepared(text)


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("qro falar c vcs hj", "quero falar com vocês hoje"),
        ("VC pode?", "você pode?"),
        ("vocabulário", "vocabulário"),
        ("👍", "👍"),
    ],
)
def test_short_forms_are_written_in_full(text, full):
    assert spelled_out(text) == full


def test_short_forms_are_lower_case_words():
    assert all(form == form.lower() and form.isalpha() for form in SHORT_FORMS)


# --- which sentence decides ---------------------------------------------------


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Olá! Como vai o senhor? Quanto custa a consulta?", "consultar_honorarios"),
        ("Quero marcar uma consulta. Muito obrigada!", "agendar_consulta"),
        ("Aqui é o João Pereira. Quero marcar uma consulta.", "agendar_consulta"),
        ("Bom dia! Tudo bem?", "saudar"),
        ("Bom dia! Meu nome é Ana Souza.", "informar_dados"),
        ("qro marcar consulta", "agendar_consulta"),
    ],
)
def test_request_wins_over_courtesies_and_asides(reader, text, intent):
    assert reader.read(text).names[0] == intent


def test_short_answer_before_data_is_not_drowned(reader):
    # "Obrigado." would be all that is left; the data counts.
    assert reader.read("Obrigado. Terça às 15h").names[0] == "informar_dados"


def test_very_many_sentences_are_read_as_one_message(reader):
    ranked = reader.read("oi. " * 500)

    assert ranked.names[0] == "saudar"


def test_untrained_reader_says_so():
    with pytest.raises(RuntimeError, match="not trained"):
        IntentReader(TextFeatures()).read("oi")


def test_reader_without_outside_messages_rejects_nothing():
    reader = IntentReader(TextFeatures())
    reader.train(*examples())

    ranked = reader.read("receita de bolo de fubá")

    assert not ranked.is_rejected
    assert sum(ranked.confidences) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("text", ["receita de bolo", "previsão do tempo hoje"])
def test_what_belongs_to_no_intent_is_rejected(reader, text):
    ranked = reader.read(text)

    assert ranked.is_rejected
    assert ranked.confidences[0] <= 0.2501


@pytest.mark.parametrize(
    "features",
    [
        TextFeatures(uses_meaning=False),
        TextFeatures(uses_words=False, uses_pieces=False),
        TextFeatures(uses_pieces=False),
    ],
)
def test_saved_reader_reads_as_before(features, tmp_path):
    reader = IntentReader(features)
    reader.train(*examples(), OUTSIDE)
    reader.save(tmp_path)

    views = {name: getattr(features, name) for name in vars(features) if "uses" in name}
    loaded = IntentReader(TextFeatures(**views))
    loaded.load(tmp_path)

    assert loaded.read("marca consulta").names == reader.read("marca consulta").names


def test_logistic_model_ranks_with_words_alone():
    reader = IntentReader(TextFeatures(uses_meaning=False), learn=logistic_model.train)
    reader.train(*examples(), OUTSIDE)

    assert reader.read("quero marcar uma consulta").names[0] == "agendar_consulta"


# --- the model on its own -----------------------------------------------------


def vectors(rows: list[list[float]]) -> Vectors:
    spelling = csr_matrix(np.asarray(rows, dtype=np.float32))
    return Vectors(spelling, np.zeros((len(rows), 0), dtype=np.float32))


def test_model_needs_no_meaning_and_keeps_no_examples_then():
    model = train(
        vectors([[1, 0], [1, 0.1], [0, 1], [0.1, 1], [1, 0], [0, 1]]),
        ["a", "a", "b", "b", "a", "b"],
        false_reject_rate=0.03,
    )

    best = [ranked.names[0] for ranked in model.rank(vectors([[1, 0], [0, 1]]))]
    assert best == ["a", "b"]
    assert model.margin == -np.inf


def test_higher_false_reject_rate_raises_the_margin():
    rows = [[1, 0, 0], [0.9, 0.2, 0], [0, 1, 0], [0.1, 0.8, 0], [0, 0, 1], [0, 0.1, 1]]
    intents = ["a", "a", "b", "b", None, None]

    low = train(vectors(rows), intents, false_reject_rate=0.0)
    high = train(vectors(rows), intents, false_reject_rate=0.5)

    assert low.margin < high.margin


def test_stored_margin_that_rejects_nothing_is_read_back(tmp_path):
    train(
        vectors([[1, 0], [0, 1], [1, 0], [0, 1]]), ["a", "b"] * 2, false_reject_rate=0
    ).save(tmp_path)

    assert IntentModel.load(tmp_path).margin == -np.inf

"""What the trained model understands, and how it is stored and scored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from rasa.core.channels.channel import UserMessage
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.core.names import INTENTS, NLU_FALLBACK
from bot.nlu.evaluate import DataError, Example, Scores, main, read_examples
from bot.nlu.fused_classifier import FusedIntentClassifier
from bot.nlu.text_features import TextFeatures, normalise

EXAMPLES = {
    "saudar": ["oi", "bom dia", "olá tudo bem", "boa tarde"],
    "agendar_consulta": ["quero marcar uma consulta", "agendar horário", "marcar"],
    "consultar_horario": ["que horas abre", "abrem sábado", "qual o horário"],
}
OUTSIDE = ["receita de bolo", "quem ganhou o jogo", "previsão do tempo", "piada"]


async def understood(agent, text: str) -> dict:
    parsed = await agent.processor.parse_message(UserMessage(text))
    return parsed["intent"]


# --- the trained model --------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("oi, boa tarde! queria marcar um horário com a doutora", "agendar_consulta"),
        ("bom dia, vcs abrem sábado?", "consultar_horario"),
        ("olá, onde fica o escritório?", "consultar_endereco"),
        ("boa noite, quanto custa a consulta?", "consultar_honorarios"),
        ("opa blz, saiu alguma coisa do meu processo?", "consultar_processo"),
        ("oi me passa pra um humano pfv", "falar_com_advogado"),
    ],
)
async def test_greeting_with_a_request_is_the_request(agent, text, intent):
    assert (await understood(agent, text))["name"] == intent


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("qro marca hr c a dra", "agendar_consulta"),
        ("queru agenda uma consuta", "agendar_consulta"),
        ("qnt custa a consuta", "consultar_honorarios"),
        ("aond fica o escritorio", "consultar_endereco"),
        ("BOM DIAAAAA", "saudar"),
        ("obrigadaaaa", "agradecer"),
        ("meu filho foi prezo agora", "relatar_urgencia"),
        ("fui demitido", "relatar_caso"),
        ("o quanto antes", "informar_dados"),
    ],
)
async def test_typos_are_forgiven(agent, text, intent):
    assert (await understood(agent, text))["name"] == intent


@pytest.mark.parametrize(
    "text",
    [
        "qual a receita de pudim de leite?",
        "quem ganhou o jogo do corinthians ontem?",
        "posso ser preso por dívida de cartão?",
        "qual a capital da Austrália?",
        "me conta uma piada de papagaio",
        "asdkjh qwe zxcv",
    ],
)
async def test_what_belongs_to_nobody_is_rejected(agent, text):
    found = await understood(agent, text)

    assert found["name"] == NLU_FALLBACK


@pytest.mark.parametrize(
    "text", ["", " ", "?", "🤷", "\u200b", "a" * 50_000, "1" * 999]
)
async def test_strange_texts_are_survived(agent, text):
    found = await understood(agent, text)

    assert found["name"] in {*INTENTS, NLU_FALLBACK, None}


async def test_confidences_fall_and_sum_to_at_most_one(agent):
    parsed = await agent.processor.parse_message(UserMessage("quero marcar consulta"))

    ranked = [item["confidence"] for item in parsed["intent_ranking"]]
    assert ranked == sorted(ranked, reverse=True)
    assert sum(ranked) <= 1.0001
    assert all(type(value) is float for value in ranked)


async def test_rejected_message_keeps_what_it_came_closest_to(agent):
    text = "qual a receita de pudim de leite?"

    parsed = await agent.processor.parse_message(UserMessage(text))

    assert parsed["intent_ranking"][0]["name"] == NLU_FALLBACK
    assert parsed["intent_ranking"][1]["name"] in INTENTS
    assert parsed["intent_ranking"][1]["confidence"] <= 0.25


# --- saving and loading -------------------------------------------------------


def messages(texts=()):
    pairs = [(text, name) for name, texts in EXAMPLES.items() for text in texts]
    return [Message({TEXT: text, INTENT: name}) for text, name in pairs]


@pytest.fixture
def trained(tmp_path):
    outside = tmp_path / "fora.txt"
    outside.write_text("\n".join(OUTSIDE), encoding="utf-8")
    config = FusedIntentClassifier.get_default_config()
    config["out_of_scope_file"] = str(outside)
    config["false_reject_rate"] = 0.0
    (tmp_path / "modelo").mkdir()
    storage = LocalModelStorage(tmp_path / "modelo")
    resource = Resource("classificador")
    classifier = FusedIntentClassifier.create(config, storage, resource, None)
    classifier.train(TrainingData(messages()))
    return classifier, config, storage, resource


def ranking(classifier, text: str) -> list:
    message = Message({TEXT: text})
    classifier.process([message])
    return message.get("intent_ranking")


@pytest.mark.parametrize("text", ["oi bom dia", "marca consulta", "que hora", "bolo"])
def test_loaded_classifier_ranks_as_the_trained_one(trained, text):
    classifier, config, storage, resource = trained

    loaded = FusedIntentClassifier.load(config, storage, resource, None)

    before, after = ranking(classifier, text), ranking(loaded, text)
    assert [item["name"] for item in before] == [item["name"] for item in after]
    assert [item["confidence"] for item in after] == pytest.approx(
        [item["confidence"] for item in before], abs=1e-6
    )


def test_stored_model_holds_no_pickle(trained):
    _, _, storage, resource = trained

    with storage.read_from(resource) as folder:
        names = {path.name for path in folder.iterdir()}
    assert names == {"intents.npz", "words.json", "pieces.json", "views.json"}


def test_views_of_the_stored_model_win_over_the_configuration(trained):
    _, config, storage, resource = trained

    changed = {**config, "uses_meaning": False}
    loaded = FusedIntentClassifier.load(changed, storage, resource, None)

    assert ranking(loaded, "oi bom dia")[0]["name"] == "saudar"


def test_message_without_text_gets_no_intent(trained):
    message = Message({TEXT: ""})

    trained[0].process([message])

    assert message.get(INTENT) == {"name": None, "confidence": 0.0}
    assert message.get("intent_ranking") == []


def test_training_twice_gives_the_same_model(trained, tmp_path):
    classifier, config, _, _ = trained
    (tmp_path / "outro").mkdir()
    storage = LocalModelStorage(tmp_path / "outro")
    again = FusedIntentClassifier.create(config, storage, Resource("c"), None)
    again.train(TrainingData(messages()))

    assert ranking(classifier, "marca consulta") == ranking(again, "marca consulta")


def test_changed_out_of_scope_messages_change_the_fingerprint(tmp_path):
    outside = tmp_path / "fora.txt"
    config = {"out_of_scope_file": str(outside)}
    outside.write_text("receita de bolo\n", encoding="utf-8")
    before = FusedIntentClassifier.fingerprint_addon(config)
    outside.write_text("receita de bolo\n\n", encoding="utf-8")
    unchanged = FusedIntentClassifier.fingerprint_addon(config)

    outside.write_text("receita de bolo\npiada\n", encoding="utf-8")

    assert before == unchanged
    assert FusedIntentClassifier.fingerprint_addon(config) != before


def test_default_fingerprint_is_that_of_the_projects_file():
    path = FusedIntentClassifier.get_default_config()["out_of_scope_file"]

    named = FusedIntentClassifier.fingerprint_addon({"out_of_scope_file": path})

    assert path == "data/fora_de_escopo.txt"
    assert FusedIntentClassifier.fingerprint_addon({}) == named


def test_classifier_without_any_view_is_refused():
    with pytest.raises(ValueError, match="at least one view"):
        TextFeatures(uses_words=False, uses_pieces=False, uses_meaning=False)


@pytest.mark.parametrize(
    ("text", "bare"),
    [("AÇÃO", "acao"), ("oieeeee", "oiee"), ("não", "nao"), ("", ""), ("ção", "cao")],
)
def test_spelling_is_levelled(text, bare):
    assert normalise(text) == bare


# --- scoring ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "Não consigo ler"),
        ("{", "não é um YAML válido"),
        ("", "deve ser uma lista"),
        ("text: oi", "deve ser uma lista"),
        ("[]", "deve ser uma lista"),
        ("- oi", "item 1: falta 'text'"),
        ("- intent: saudar", "item 1: falta 'text'"),
        ("- {text: oi, intent: saudar}\n- {text: ' '}", "item 2: falta 'text'"),
        ("- {text: oi}", "item 1 ('oi'): a intenção None não existe"),
        ("- {text: oi, intent: oi}", "a intenção 'oi' não existe; veja as de domain"),
        ("- {text: oi, intent: nlu_fallback}", "'nlu_fallback' não existe"),
        ("- {text: oi, intent: [saudar]}", "não existe"),
        ("- {text: oi, intent: saudar, entities: x}", "'entities'"),
        ("- {text: oi, intent: saudar, entities: [{entity: nome}]}", "'entities'"),
    ],
)
def test_wrong_file_is_explained_in_portuguese(tmp_path, content, message):
    path = tmp_path / "dados.yml"
    if content is not None:
        path.write_text(content, encoding="utf-8")

    with pytest.raises(DataError) as raised:
        read_examples(path)

    assert message in str(raised.value)


def test_wrong_encoding_is_explained(tmp_path):
    path = tmp_path / "dados.yml"
    path.write_bytes(b"- text: n\xe3o\n  intent: negar\n")

    with pytest.raises(DataError, match="YAML válido"):
        read_examples(path)


def test_examples_are_read_with_their_role_and_entities(tmp_path):
    path = tmp_path / "dados.yml"
    item = (
        "{text: oi, intent: saudar, role: advogado, entities: [{entity: a, value: 1}]}"
    )
    path.write_text(f"- {item}\n- {{text: 1, intent: fora_de_escopo}}", "utf-8")

    assert read_examples(path) == [
        Example("oi", "saudar", "advogado", frozenset({("a", "1")})),
        Example("1", "fora_de_escopo", "cliente", None),
    ]


def test_wrong_file_ends_the_command_with_two(tmp_path, capsys, model_path):
    missing = tmp_path / "nada.yml"

    code = main(["--model", str(model_path), "--data", str(missing)])

    assert code == 2
    assert "Não consigo ler" in capsys.readouterr().err


@pytest.fixture
def logs_as_before() -> Iterator[None]:
    """Undoes what a command does to the logs of this process."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.usefixtures("logs_as_before")
def test_last_line_is_the_summary(tmp_path, capsys, model_path):
    path = tmp_path / "dados.yml"
    lines = ["- {text: bom dia, intent: saudar}", "- {text: tchau, intent: saudar}"]
    lines.append("- {text: receita de pudim de leite, intent: fora_de_escopo}")
    path.write_text("\n".join(lines), encoding="utf-8")

    code = main(["--model", str(model_path), "--data", str(path)])

    out = capsys.readouterr().out.splitlines()
    summary = json.loads(out[-1])
    assert code == 0
    assert list(summary) == [
        "examples",
        "intent_accuracy",
        "macro_f1",
        "out_of_scope_recall",
        "false_reject_rate",
        "entity_f1",
        "ms_p50",
        "ms_p95",
    ]
    assert summary["examples"] == 3
    assert summary["intent_accuracy"] == 0.5
    assert summary["out_of_scope_recall"] == 1.0
    assert "despedir" in "\n".join(out[:-1])


def test_scores_count_rejections_and_entities():
    one, two = frozenset({("nome", "Ana")}), frozenset({("nome", "Bia")})
    scores = Scores(
        pairs=[
            (Example("a", "saudar", "cliente", one), "saudar"),
            (Example("b", "saudar", "cliente", two), "fora_de_escopo"),
            (Example("c", "fora_de_escopo", "cliente", None), "saudar"),
        ],
        times_ms=[1.0, 2.0, 3.0],
        found_entities=[one, frozenset(), one],
    )

    found = scores.summary()

    assert found["intent_accuracy"] == 0.5
    assert found["false_reject_rate"] == 0.5
    assert found["out_of_scope_recall"] == 0.0
    assert found["entity_f1"] == 0.6667
    assert (found["ms_p50"], found["ms_p95"]) == (2.0, 3.0)


def test_evaluation_file_of_the_project_is_read():
    path = Path(__file__).parents[1] / "data" / "nlu_eval.yml"

    assert len(read_examples(path)) > 600


@pytest.mark.parametrize(
    ("role", "intent"),
    [
        ("advogado", "ver_agenda"),
        ("cliente", "consultar_agendamento"),
        ("desconhecido", "consultar_agendamento"),
    ],
)
async def test_the_same_words_mean_what_the_role_says(agent, role, intent):
    message = UserMessage("o que tenho amanhã?", metadata={"tipo_usuario": role})

    parsed = await agent.processor.parse_message(message)

    names = [item["name"] for item in parsed["intent_ranking"]]
    assert parsed["intent"]["name"] == intent
    assert len(names) == len(set(names))
    assert names[0] == intent

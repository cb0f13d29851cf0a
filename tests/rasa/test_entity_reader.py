"""What is read inside messages, by the component alone and by the trained model."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasa.core.channels.channel import UserMessage
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from ruamel.yaml import YAML

from bot.core.entities.dates import ZONE
from bot.core.entities.found import fold
from bot.core.names import ENTITIES as CONTRACT
from bot.nlu.entity_reader import EntityReader
from bot.nlu.entity_scores import micro_f1, tallies

MONDAY = datetime(2026, 11, 23, 9, tzinfo=ZONE)
NAMES = ["Ivete", "Marcos", "Lúcia Melo", "Davi", "Rosa Lima", "Caetano"]
FRAMES = ["sou a {}", "aqui é o {}", "na pasta do {}", "a {} ligou", "{}"]
PLAIN = [
    "quero marcar uma consulta",
    "a pasta ligou aqui",
    "sou o dono",
    "na casa do rei",
    "cpf 1",
    "meu cpf",
    "cpf",
    "é divórcio por vídeo",
    "divórcio",
]
SYNONYMS = {"trabalhista": "trabalhista", "divórcio": "familia", "por vídeo": "online"}
STRANGERS = Path(__file__).parents[1] / "data" / "nomes.yml"
FEWEST_RIGHT = 0.94
"""Micro-F1 of names on strangers' messages; 0.96 measured."""


def examples() -> list[Message]:
    """Returns messages with their names marked, as Rasa reads them."""
    marked = []
    for frame in FRAMES:
        for name in NAMES:
            text, start = frame.format(name), frame.index("{")
            place = {"start": start, "end": start + len(name), "entity": "nome"}
            marked.append(Message({TEXT: text, ENTITIES: [{**place, "value": name}]}))
    return marked + [Message({TEXT: text}) for text in PLAIN * 2]


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Trains on a few examples; returns what loads it again."""
    folder = tmp_path_factory.mktemp("modelo")
    outside = folder / "fora.txt"
    outside.write_text("receita de bolo\n", encoding="utf-8")
    config = {"out_of_scope_file": str(outside)}
    (folder / "partes").mkdir()
    storage, resource = LocalModelStorage(folder / "partes"), Resource("entidades")
    trained = EntityReader.create(config, storage, resource, None)
    trained.train(TrainingData(examples(), entity_synonyms=SYNONYMS))
    return config, storage, resource


@pytest.fixture(scope="module")
def reader(stored) -> EntityReader:
    return EntityReader.load(*stored, None)


def pairs(reader: EntityReader, text: str) -> list[tuple[str, str]]:
    return [(e["entity"], e["value"]) for e in reader.read(text, now=MONDAY)]


# --- one message --------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cpf 529.982.247-25", [("cpf", "52998224725")]),
        ("12.345.678/0001-95", [("cnpj", "12345678000195")]),
        (
            "a@b.com ou 11 98765-4321",
            [("email", "a@b.com"), ("telefone", "+5511987654321")],
        ),
        ("paguei 2 mil", [("valor", "2000.00")]),
        ("sou a Ivete", [("nome", "Ivete")]),
        (
            "é divórcio, por vídeo",
            [("area_direito", "familia"), ("modalidade", "online")],
        ),
        ("amanhã", [("data_hora", "2026-11-24")]),
        (
            "0001234-95.2022.8.26.0050",
            [("numero_processo", "0001234-95.2022.8.26.0050")],
        ),
        ("quero marcar uma consulta", []),
    ],
)
def test_every_kind_of_entity_is_read(reader, text, expected):
    assert pairs(reader, text) == expected


def test_entity_says_where_it_stands_and_who_read_it(reader):
    assert reader.read("cpf 529.982.247-25", now=MONDAY) == [
        {
            "entity": "cpf",
            "value": "52998224725",
            "start": 4,
            "end": 18,
            "text": "529.982.247-25",
            "extractor": "EntityReader",
        }
    ]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("amanhã às 15h", {"dia": "2026-11-24", "hora": "15:00"}),
        ("depois das 15h", {"de": "15:00"}),
        ("ontem", {"dia": "2026-11-22", "passado": True}),
    ],
)
def test_moment_says_what_it_is_made_of(reader, text, parts):
    entity = reader.read(text, now=MONDAY)[0]

    known = {"dia", "ate", "dias", "hora", "de", "as", "passado"}
    assert {name: entity[name] for name in known & set(entity)} == parts


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("0001234-55.2022.8.26.0050", []),
        ("cpf 11987654321", []),
        ("lucia.divorcio@exemplo.com", ["email"]),
        ("119.876.542-93", ["cpf"]),
    ],
)
def test_characters_are_read_once(reader, text, entities):
    assert [name for name, _ in pairs(reader, text)] == entities


@pytest.mark.parametrize(
    "text",
    ["a" * 50_000, "1" * 999, "1 " * 2000, "a@" * 2000, "cpf " * 1000, "o " * 2000],
)
def test_longest_message_is_read_in_a_moment(reader, text):
    started = time.perf_counter()

    reader.read(text, now=MONDAY)

    assert time.perf_counter() - started < 2


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.text(max_size=120))
def test_any_text_is_survived(reader, text):
    for entity in reader.read(text, now=MONDAY):
        assert entity["entity"] in CONTRACT
        assert text[entity["start"] : entity["end"]] == entity["text"]


# --- as a component -----------------------------------------------------------


def processed(reader: EntityReader, **data) -> list[dict]:
    message = Message(data)
    reader.process([message])
    return message.get(ENTITIES)


def test_days_are_counted_from_the_time_in_the_metadata(reader):
    metadata = {"agora": "2030-01-01T12:00:00-03:00"}

    read = processed(reader, text="amanhã", metadata=metadata)

    assert read[0]["value"] == "2030-01-02"


@pytest.mark.parametrize("metadata", [None, {}, {"agora": "ontem"}, {"agora": None}])
def test_without_a_time_days_are_counted_from_the_clock(reader, metadata):
    read = processed(reader, text="hoje", metadata=metadata)

    today = datetime.now(ZONE).date().isoformat()
    assert read[0]["value"] == today


def test_entities_of_others_are_kept(reader):
    other = {"entity": "x", "value": "y", "start": 0, "end": 1}

    read = processed(reader, text="amanhã", entities=[other])

    assert [item["entity"] for item in read] == ["x", "data_hora"]


def test_message_without_text_is_left_alone(reader):
    assert processed(reader, text="") is None


def test_stored_model_holds_no_pickle(stored):
    _, storage, resource = stored

    with storage.read_from(resource) as folder:
        names = {path.name for path in folder.iterdir()}
    assert names == {"names.crfsuite", "names.json", "synonyms.json"}


def test_changed_out_of_scope_messages_change_the_fingerprint(tmp_path):
    outside = tmp_path / "fora.txt"
    outside.write_text("a", encoding="utf-8")
    before = EntityReader.fingerprint_addon({"out_of_scope_file": str(outside)})

    outside.write_text("b", encoding="utf-8")

    assert EntityReader.fingerprint_addon({"out_of_scope_file": str(outside)}) != before


# --- the trained model --------------------------------------------------------


async def read_by(agent, text: str) -> list[dict]:
    message = UserMessage(text, metadata={"agora": MONDAY.isoformat()})
    return (await agent.processor.parse_message(message))["entities"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("quero me divorciar", {("area_direito", "familia")}),
        ("é sobre inss", {("area_direito", "previdenciario")}),
        (
            "fui demitida sem receber as verbas recisórias",
            {("area_direito", "trabalhista")},
        ),
        ("prefiro por chamada de vídeo", {("modalidade", "online")}),
        ("guarda esse pdf na pasta do Leôncio", {("nome", "Leôncio")}),
        ("maria aparecida dos santos", {("nome", "Maria Aparecida dos Santos")}),
        ("aqui é a dona Quitéria", {("nome", "Quitéria")}),
        ("como vai a família?", set()),
        ("moro em Juiz de Fora", set()),
        ("bom dia, tudo bem?", set()),
    ],
)
async def test_trained_model_reads_areas_and_names(agent, text, expected):
    read = await read_by(agent, text)

    assert {(item["entity"], item["value"]) for item in read} == expected


async def test_names_of_strangers_are_found(agent):
    messages = []
    for item in YAML(typ="safe").load(STRANGERS.read_text(encoding="utf-8")):
        read = await read_by(agent, item["text"])
        names = [("nome", e["text"]) for e in read if e["entity"] == "nome"]
        messages.append(([("nome", name) for name in item["nomes"]], names))

    found = tallies(messages)

    assert micro_f1(found) >= FEWEST_RIGHT, found["nome"]


def test_strangers_names_stand_in_their_messages():
    for item in YAML(typ="safe").load(STRANGERS.read_text(encoding="utf-8")):
        assert all(fold(name) in fold(item["text"]) for name in item["nomes"])

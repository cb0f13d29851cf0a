"""Values that people call by many words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.entities.synonyms import Synonyms

VARIANTS = {
    "trabalhista": "trabalhista",
    "hora extra": "trabalhista",
    "casa de família": "trabalhista",
    "direito de família": "familia",
    "guarda do filho": "familia",
    "pensão": "familia",
    "pensão por morte": "previdenciario",
    "aposentadoria": "previdenciario",
    "imóvel": "imobiliario",
    "contrato social": "empresarial",
    "despejo": "imobiliario",
}
AREAS = Synonyms("area_direito", VARIANTS, known_words=["desejo", "aposentados"])


def values(text: str) -> list[str]:
    return [item.value for item in AREAS.read(text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("é TRABALHISTA", "trabalhista"),
        ("horas extras não pagas", "trabalhista"),
        ("quero a guarda dos meus filhos", "familia"),
        ("pensao", "familia"),
        ("imóveis", "imobiliario"),
        ("e sobre família", "familia"),
        ("familia", "familia"),
        ("Família mesmo", "familia"),
        ("aposentadria", "previdenciario"),
        ("aposetnadoria do meu pai", "previdenciario"),
        ("aposentadorias", "previdenciario"),
        ("despeio", "imobiliario"),
    ],
)
def test_variant_is_read_as_its_value(text, value):
    assert values(text) == [value]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "como vai a família?",
        "guarda esse documento",
        "desejo uma consulta",
        "despensão",
        "hora de extrair",
        "guarda isso na pasta que eu te pedi ontem do filho",
    ],
)
def test_other_words_are_left_alone(text):
    assert values(text) == []


def test_longest_variant_wins():
    assert values("recebo pensão por morte") == ["previdenciario"]
    assert values("trabalhei em casa de família") == ["trabalhista"]


def test_value_named_twice_comes_once_and_two_values_come_both():
    read = AREAS.read("pensão e guarda do meu filho, e a aposentadoria")

    assert [item.value for item in read] == ["familia", "previdenciario"]
    assert read[0].text == "guarda do meu filho"


@given(st.text(max_size=80))
def test_any_text_is_survived_and_spans_lie_inside(text):
    for item in AREAS.read(text):
        assert text[item.start : item.end] == item.text


def test_no_synonym_knows_nothing():
    assert Synonyms("modalidade", {}).read("online") == []

"""What a tagger sees of words, and which marked words stay a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.entities.person_names import (
    NameWords,
    features,
    names_from,
    tokenise,
)

WORDS = NameWords(
    given=frozenset({"maria", "joao"}),
    family=frozenset({"santos", "vargas"}),
    everyday=frozenset(
        "meu nome eh e esse sou a o dona doutora da dos casa preso foi me chamo".split()
    ),
    not_people=frozenset({("sao", "paulo"), ("serasa",), ("santos",)}),
)


def names(text: str, *marked: str) -> list[str]:
    """Returns what is read when a tagger marks the given words."""
    tokens = tokenise(text)
    labels, before = [], False
    for token in tokens:
        is_marked = token.text in marked
        labels.append(("I" if before else "B") if is_marked else "O")
        before = is_marked
    return [item.value for item in names_from(text, tokens, labels, WORDS)]


@pytest.mark.parametrize(
    ("text", "marked", "name"),
    [
        ("sou Ivete", ["Ivete"], "Ivete"),
        ("a dona Lúcia", ["dona", "Lúcia"], "Lúcia"),
        ("Dra. Helena", ["Dra", ".", "Helena"], "Helena"),
        ("maria dos santos", ["maria", "dos", "santos"], "Maria dos Santos"),
        ("JOÃO DA CRUZ", ["JOÃO", "DA", "CRUZ"], "João da Cruz"),
        ("Ana Melo da casa", ["Ana", "Melo", "da"], "Ana Melo"),
        (
            "ederson luiz melo filho",
            ["ederson", "luiz", "melo"],
            "Ederson Luiz Melo Filho",
        ),
        (
            "Paulo Roberto M. Dias",
            ["Paulo", "Roberto", "Dias"],
            "Paulo Roberto M. Dias",
        ),
        ("Rosa da Costa", ["Rosa", "Costa"], "Rosa da Costa"),
        ("Zulmira d'Ávila", ["Zulmira", "d'Ávila"], "Zulmira d'Ávila"),
    ],
)
def test_name_comes_without_titles_and_with_capitals(text, marked, name):
    assert names(text, *marked) == [name]


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("São Paulo", ["São", "Paulo"]),
        ("Serasa", ["Serasa"]),
        ("moro em São Paulo", ["Paulo"]),
        ("Avenida Getúlio Vargas", ["Getúlio", "Vargas"]),
        ("rua Barão de Mesquita", ["Mesquita"]),
        ("Souza Ltda", ["Souza"]),
        ("a dona", ["dona"]),
        ("x", ["x"]),
    ],
)
def test_place_company_and_title_are_no_names(text, marked):
    assert names(text, *marked) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("meu nome é claudinei", "Claudinei"),
        ("me chamo Ivete Brito", "Ivete Brito"),
        ("nome: maria dos santos", "Maria dos Santos"),
        ("Cordialmente, Heitor.", "Heitor"),
        ("meu marido Juvenal foi preso", "Juvenal"),
    ],
)
def test_sure_words_mark_a_name_without_the_tagger(text, name):
    assert names(text) == [name]


def test_city_that_is_a_family_name_is_left_to_the_tagger():
    assert names("o Santos ligou", "Santos") == ["Santos"]


@pytest.mark.parametrize(
    "text",
    ["meu nome é esse", "meu marido foi preso", "nome: serasa", "me chamo", "", "😀"],
)
def test_sure_words_mark_no_everyday_word(text):
    assert names(text) == []


def test_unknown_word_is_seen_by_its_shape_not_by_itself():
    rows = features(tokenise("sou Ivete"), WORDS)

    assert "w=sou" in rows[0]
    assert "w=?" in rows[1]
    assert "shape=Xx" in rows[1]
    assert not [name for name in rows[1] if "ivete" in name]


@given(st.text(max_size=80))
def test_any_text_is_survived_and_spans_lie_inside(text):
    tokens = tokenise(text)

    assert len(features(tokens, WORDS)) == len(tokens)
    for label in "BIO":
        for item in names_from(text, tokens, label * len(tokens), WORDS):
            assert text[item.start : item.end] == item.text

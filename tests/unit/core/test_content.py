"""Options to tap: which answers fill a template, and how."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.content import for_choices, is_session_template, without_choices
from bot.core.rendering import with_choices

ALL = frozenset(
    {f"botoes_{n}" for n in range(1, 4)} | {f"lista_{n}" for n in range(4, 11)}
)


def options(*titles: str) -> list[dict[str, str]]:
    return [{"title": title, "payload": f"/{n}"} for n, title in enumerate(titles)]


def shown(text: str, buttons: list[dict[str, str]], templates: Any = ALL) -> Any:
    body = with_choices(text, [button["title"] for button in buttons])
    return for_choices(body, buttons, templates)


def test_variables_are_text_then_title_and_id_of_each_option():
    content = shown("Quando?", options("Hoje", "Amanhã"))

    assert content.template == "botoes_2"
    assert content.variables == {
        "1": "Quando?", "2": "Hoje", "3": "/0", "4": "Amanhã", "5": "/1",
    }  # fmt: skip


def test_options_that_the_text_names_itself_leave_it_whole():
    body = "Posso marcar? (sim ou não)"
    yes_no = [{**each, "type": "toque"} for each in options("Sim", "Não")]

    content = for_choices(body, yes_no, ALL)

    assert content.variables["1"] == body
    assert content.template == "botoes_2"


@pytest.mark.parametrize("count", range(1, 12))
def test_three_are_buttons_ten_are_a_list_and_more_are_numbers(count):
    content = shown("Qual?", options(*(f"Opção {n}" for n in range(count))))

    kind = "botoes" if count <= 3 else "lista"
    assert (content.template if content else None) == (
        f"{kind}_{count}" if count <= 10 else None
    )


@pytest.mark.parametrize(
    ("text", "titles", "fits"),
    [
        pytest.param("Ok?", ["x" * 20, "Não"], True, id="title-20"),
        pytest.param("Ok?", ["x" * 21, "Não"], False, id="title-21"),
        pytest.param("Ok?", ["x" * 18 + "👍"], True, id="emoji-counts-two"),
        pytest.param("Ok?", ["x" * 19 + "👍"], False, id="emoji-too-much"),
        pytest.param("Ok?", ["x" * 24, *"bcd"], True, id="item-24"),
        pytest.param("Ok?", ["x" * 25, *"bcd"], False, id="item-25"),
        pytest.param("x" * 1024, ["Sim"], True, id="text-1024"),
        pytest.param("x" * 1025, ["Sim"], False, id="text-1025"),
        pytest.param("", ["Sim"], False, id="no-text"),
        pytest.param("Ok?", ["Sim", "Sim"], False, id="alike"),
        pytest.param("Ok?", ["Sim\nou não"], False, id="two-lines"),
        pytest.param("Ok?", ["", "Não"], False, id="no-title"),
        pytest.param("Ok?", [], False, id="no-options"),
    ],
)
def test_what_does_not_fit_stays_text(text, titles, fits):
    assert bool(shown(text, options(*titles))) is fits


@pytest.mark.parametrize(("length", "fits"), [(200, True), (201, False)])
def test_id_has_a_limit_too(length, fits):
    assert bool(shown("Ok?", [{"title": "Sim", "payload": "x" * length}])) is fits


def test_option_without_a_payload_says_its_title():
    content = shown("Ok?", [{"title": "Sim"}])

    assert content.variables["3"] == "Sim"


def test_template_that_the_office_lacks_is_not_used():
    assert shown("Ok?", options("Sim"), {"botoes_2", "lista_4"}) is None


def test_part_of_a_long_answer_that_has_no_options_is_text():
    assert for_choices("A primeira parte.", options("Sim", "Não"), ALL) is None


@pytest.mark.parametrize("text", ["Qual?", "1. Sim\n2. Não", "linha\n\nlinha", "*a*"])
def test_text_without_choices_is_the_text(text):
    titles = ["Sim", "Não"]

    assert without_choices(with_choices(text, titles), titles) == text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("botoes_2", True),
        ("lista_4", True),
        ("reabrir", False),
        ("", False),
        (None, False),
    ],
)
def test_templates_with_options_stay_within_the_24_hours(name, expected):
    assert is_session_template(name) is expected

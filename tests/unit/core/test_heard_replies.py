"""What people answer when they are asked whether their voice was heard right."""

from __future__ import annotations

import json

import pytest

from bot.core.heard_replies import (
    ABOUT_NOTE,
    Reply,
    Verdict,
    number_said,
    options,
    reply_to_question,
)

YES = [
    "sim", "Sim.", "s", "ss", "simmm", "isso", "é isso", "É isso mesmo!", "isso aí",
    "correto", "certo, obrigada", "👍", "👍🏽", "ok", "1", "sim sim", "tá certo",
    "está correto", "foi isso que eu disse", "pode ser", "Sim, é isso.", "uhum",
    "exatamente isso", "sim por favor", "isso mesmo doutora", "entendeu certo", "É.",
]  # fmt: skip
NO = [
    "não", "Não.", "nao", "n", "errado", "nada disso", "não é isso", "está errado",
    "não foi isso que eu disse", "2", "👎", "não, não é isso", "não, obrigada",
    "negativo", "você entendeu errado", "não foi isso não", "Não, errado.",
    "não, na verdade,",
]  # fmt: skip
CORRECTIONS = {
    "não, é quinta às 10h": "é quinta às 10h",
    "não é quinta às 10h": "é quinta às 10h",
    "errado, meu CPF é 529.982.247-25": "meu CPF é 529.982.247-25",
    "Não. Eu disse quinta-feira.": "quinta-feira.",
    "não foi isso, quero remarcar": "quero remarcar",
    "não foi isso que eu falei: é quinta": "é quinta",
    "Errado! O certo é 5001.": "5001.",
    "não eu disse quinta": "quinta",
    "nada disso, quero cancelar": "quero cancelar",
    "Tá errado, na verdade é amanhã": "é amanhã",
}
NEITHER = [
    "não quero mais", "não sei", "não entendi", "quanto custa?", "sim, mas às 16h",
    "sim e quero saber o preço", "oi", "obrigada", "quero falar com um advogado",
    "não precisa", "não posso na quinta", "não tenho CPF", "número errado do processo",
    "", "...", "é quinta", "certo mas troca", "isso é um absurdo", "nenhum dos dois",
    "e aí?",
    "sim " * 60,
]  # fmt: skip


@pytest.mark.parametrize("text", YES)
def test_yes_is_known(text):
    assert reply_to_question(text) == Reply(Verdict.RIGHT)


@pytest.mark.parametrize("text", NO)
def test_no_is_known(text):
    assert reply_to_question(text) == Reply(Verdict.WRONG)


@pytest.mark.parametrize(("text", "meant"), CORRECTIONS.items())
def test_what_was_meant_is_taken_from_behind_the_no(text, meant):
    assert reply_to_question(text) == Reply(Verdict.WRONG, meant)


@pytest.mark.parametrize("text", NEITHER)
def test_anything_else_is_no_answer(text):
    assert reply_to_question(text) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Dois.", "2"), ("a segunda opção", "2"), ("opção dois", "2"), ("a dois", "2"),
        ("número 2", "2"), ("A primeira.", "1"), ("o terceiro", "3"), ("uma", "1"),
        ("quero a opção três, por favor", "3"), ("opção segunda", "2"),
        ("Segunda.", ""), ("a segunda", ""), ("quarta-feira", ""), ("um minuto", ""),
        ("dois filhos", ""), ("sim", ""),
    ],
)  # fmt: skip
def test_spoken_number_names_an_option(text, number):
    assert number_said(text) == number


def test_options_name_their_note():
    yes, no = options(7)

    assert (yes["title"], no["title"]) == ("Sim", "Não")
    for option, intent in ((yes, "/afirmar"), (no, "/negar")):
        name, brace, rest = option["payload"].partition("{")
        assert name == intent
        assert json.loads(brace + rest) == {ABOUT_NOTE: "7"}

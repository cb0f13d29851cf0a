"""Amounts of money inside a message."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.entities.money import read_money


def values(text: str) -> list[str]:
    return [item.value for item in read_money(text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("R$ 2.780,50", "2780.50"),
        ("R$3.500,00", "3500.00"),
        ("r$500", "500.00"),
        ("R$ 50.00", "50.00"),
        ("R$ 1.234.567,89", "1234567.89"),
        ("1.500 reais", "1500.00"),
        ("800 reais", "800.00"),
        ("400 conto", "400.00"),
        ("2 mil", "2000.00"),
        ("uns 80 mil mais ou menos", "80000.00"),
        ("2,5 mil reais", "2500.00"),
        ("paguei 2 mil", "2000.00"),
        ("me cobraram 1k", "1000.00"),
        ("me deve 30 mil faz um ano", "30000.00"),
        ("custa 9 mil por mês", "9000.00"),
        ("10x de 800", "800.00"),
        ("paguei 10 parcelas de 350", "350.00"),
        ("cobraram 1200 no cartão", "1200.00"),
        ("ganhava 1.412 na carteira", "1412.00"),
        ("perdi 15.000,00 no golpe", "15000.00"),
        ("alugo um apto por 1.500 e ele não paga", "1500.00"),
        ("quinhentos reais", "500.00"),
        ("mil reais", "1000.00"),
        ("dois mil e quinhentos reais", "2500.00"),
        ("dois mil oitocentos e cinquenta reais", "2850.00"),
        ("cento e cinquenta reais", "150.00"),
        ("o valor é 12 mil e quinhentos", "12500.00"),
        ("três mil e 500 reais", "3500.00"),
        ("um milhão de reais", "1000000.00"),
        ("50 reais e 30 centavos", "50.30"),
    ],
)
def test_amount_is_read_with_two_decimals(text, value):
    assert values(text) == [value]


def test_every_amount_of_a_message_is_read():
    assert values("entrada de 5 mil e 24x de 890,00") == ["5000.00", "890.00"]


@pytest.mark.parametrize(
    "text",
    [
        "um salário",
        "dois salários mínimos",
        "mil desculpas",
        "2 mil pessoas",
        "perdi 2 mil clientes",
        "comprei 2 na loja",
        "paguei em 2019",
        "paguei dia 12",
        "devo 3 meses de aluguel",
        "recebi 70 cartas",
        "cobraram 30% de juros",
        "paguei às 14:30",
        "multa do dia 12/03",
        "às 800",
        "quanto custa 2 consultas?",
        "meu cpf é 529.982.247-25",
        "R$ 0,00",
        "reais",
        "",
    ],
)
def test_number_that_is_no_money_is_left_alone(text):
    assert values(text) == []


@given(
    st.one_of(
        st.text(max_size=80),
        st.lists(
            st.sampled_from(
                "R$ 2 mil e um dois cem reais 1.500 ,50 k paguei de 10x".split()
            ),
            max_size=12,
        ).map(" ".join),
    )
)
def test_any_text_is_survived_and_spans_lie_inside(text):
    for item in read_money(text):
        assert text[item.start : item.end] == item.text
        assert re.fullmatch(r"\d+\.\d\d", item.value)

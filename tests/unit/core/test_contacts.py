"""E-mail addresses and telephones inside a message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.entities.contacts import read_contacts


def values(text: str, entity: str) -> list[str]:
    return [item.value for item in read_contacts(text) if item.entity == entity]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ana.paula@exemplo.com", "ana.paula@exemplo.com"),
        ("meu email é Joao.Silva@Gmail.COM.", "joao.silva@gmail.com"),
        ("manda pra maria_1980@empresa.com.br, por favor", "maria_1980@empresa.com.br"),
        ("<a+b@c.com>", "a+b@c.com"),
        ("joao @ gmail.com", "joao@gmail.com"),
        ("joao ponto silva arroba gmail ponto com", "joao.silva@gmail.com"),
    ],
)
def test_email_is_read_in_lower_case(text, address):
    assert values(text, "email") == [address]


@pytest.mark.parametrize(
    "text",
    ["@joao", "a@b", "me segue lá @maria.adv", "duas arroba de boi", "a@-b.com", "oi"],
)
def test_what_is_no_address_is_left_alone(text):
    assert values(text, "email") == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("11 97654-3210", "+5511976543210"),
        ("(21) 2233-4455", "+552122334455"),
        ("meu telefone é 31 99123 4567, pode ligar", "+5531991234567"),
        ("71988887777", "+5571988887777"),
        ("+55 51 99876-5432", "+5551998765432"),
        ("8599654-1122", "+5585996541122"),
        ("(011) 9 8765 4321 às 14h", "+5511987654321"),
        ("11 3214-5566 9 horas", "+551132145566"),
        ("0800 123 4567", "+558001234567"),
        ("+351 912 345 678", "+351912345678"),
    ],
)
def test_telephone_is_read_as_e164(text, number):
    assert values(text, "telefone") == [number]


@pytest.mark.parametrize(
    "text",
    [
        "98765-4321",
        "190",
        "rg 1132145566",
        "cpf 11987654321",
        "protocolo 1198765432",
        "processo 11 98765-4321",
        "00 98765-4321",
        "dia 12/03/2024 14h30",
        "R$ 11.987.654,32",
        "0001234-95.2022.8.26.0050",
        "12345678000195",
    ],
)
def test_number_that_is_no_telephone_is_left_alone(text):
    assert values(text, "telefone") == []


@given(
    st.one_of(
        st.text(max_size=80),
        st.text(alphabet="0123456789 ()+-.@abc ponto arroba", max_size=80),
    )
)
def test_any_text_is_survived_and_spans_lie_inside(text):
    for item in read_contacts(text):
        assert text[item.start : item.end] == item.text

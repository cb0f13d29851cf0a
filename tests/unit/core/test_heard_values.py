"""Which values of a spoken text are asked about, and how carefully it is taken."""

from __future__ import annotations

from datetime import datetime

import pytest

from bot.core.heard_values import Caution, Value, caution_for, values_in
from bot.core.names import Profile
from bot.core.schedule import ZONE

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=ZONE)
ASKED_ABOUT = {Value.NUMBER, Value.EMAIL, Value.MONEY}

NUMBERS = [
    # o que o Whisper escreve de "cinco zero zero um"
    "5.00", "5001", "meu processo é 5.00 e 1", "cinco zero zero um",
    "Cinco, zero, zero, um.", "5 0 0 1", "5, 0, 0, 1", "final meia zero dois",
    "meu RG é 5.00.1", "quatro, cinco, meia",
    "Meu CPF é 529-982-247-25", "meu cpf é 52998224725", "529.982.247.25",
    "noventa e nove, oitenta e um, vinte e três", "um dois três quatro",
    "meu telefone é 11 98765 4321", "chave pix é 11987654321",
    "meu número é nove oito sete seis cinco quatro três dois um",
    "processo 5001234-56.2023.8.21.0001", "o protocolo é doze trinta e quatro",
    "OAB 123", "OAB São Paulo 123456", "minha matrícula é 77", "CEP 01310-100",
    "meu rg é quarenta e dois", "CNPJ 12.345.678/0001-95",
    "sete traço nove barra dois ponto oito",
]  # fmt: skip
EMAILS = [
    "ana.prado@gmail.com", "ana prado arroba gmail ponto com", "é do gmail",
    "anaprado ponto com",
]  # fmt: skip
AMOUNTS = [
    "paguei dois mil reais", "ele me deve 3.500", "R$ 200", "são 3 parcelas de 200",
    "cinquenta reais", "mil reais", "duzentos e cinquenta reais de pensão",
]  # fmt: skip
ORDINARY = [
    "um minuto", "a primeira consulta", "duas filhas", "13º salário", "artigo 5º",
    "artigo 1.723 do código civil", "a lei 14.133 de 2021", "art. 482 da CLT",
    "bom dia", "tenho 45 anos", "desde 2019 trabalho lá", "em 2024 fui demitido",
    "há dois anos e meio", "meia hora", "uma vez por mês", "8 horas por dia",
    "moro com meus três filhos e duas netas", "o meu processo", "aceitam pix?",
    "qual o telefone de vocês?", "preciso do CPF?", "abre conta uma vez",
    "trabalhei de 2010 a 2015", "me ligaram três, quatro vezes", "doze vezes",
    "o processo tem dois advogados", "processo na 3ª vara", "das 9 às 18",
    "a gente é dos anos 90", "terça às três da tarde", "dia 12 às 14h30",
    "no dia 5 de maio de 2023", "dia 12/03/2024", "sim", "100%",
]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((Value.NUMBER, text) for text in NUMBERS),
        *((Value.EMAIL, text) for text in EMAILS),
        *((Value.MONEY, text) for text in AMOUNTS),
    ],
)
def test_value_that_is_misheard_is_found(value, text):
    assert value in values_in(text, now=NOW)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_numbers_are_no_such_value(text):
    assert not values_in(text, now=NOW) & ASKED_ABOUT


@pytest.mark.parametrize("text", ["amanhã", "terça às três da tarde", "há 3 meses"])
def test_day_or_hour_is_found(text):
    assert Value.MOMENT in values_in(text, now=NOW)


@pytest.mark.parametrize(
    ("text", "is_counted"),
    [
        ("as duas fotos", True),
        ("os 3 últimos", True),
        ("uma foto", False),
        ("a foto da Ana", False),
        ("meia boca", False),
    ],
)
def test_any_other_number_is_a_count(text, is_counted):
    assert (Value.COUNT in values_in(text, now=NOW)) is is_counted


@pytest.mark.parametrize(
    "text",
    ["vinte e " * 3000, "um dois " * 3000, "conta " * 3000, "a@" * 6000, "9" * 12_000],
)
def test_any_text_is_read_to_its_end(text):
    values_in(text, now=NOW)


def caution(text, *, is_sure=True, is_clear=True, profile=Profile.CLIENT):
    return caution_for(
        text, is_sure=is_sure, is_clear=is_clear, profile=profile, now=NOW
    )


@pytest.mark.parametrize("profile", Profile)
def test_what_is_not_sure_is_always_asked_about(profile):
    assert caution("oi", is_sure=False, profile=profile) is Caution.ASK


@pytest.mark.parametrize(
    ("text", "client", "lawyer"),
    [
        ("oi, bom dia", Caution.NONE, Caution.NONE),
        ("quero marcar terça às três", Caution.SHOW, Caution.ASK),
        ("me manda as duas fotos", Caution.NONE, Caution.ASK),
        ("assume a conversa da Ana", Caution.NONE, Caution.SHOW),
        ("o número é 5001", Caution.ASK, Caution.ASK),
        ("meu gmail mudou", Caution.ASK, Caution.ASK),
        ("paguei mil reais", Caution.ASK, Caution.ASK),
        ("e aí " * 30, Caution.SHOW, Caution.SHOW),
    ],
)
def test_caution_depends_on_what_is_said_and_by_whom(text, client, lawyer):
    assert caution(text) is client
    assert caution(text, profile=Profile.UNKNOWN) is client
    assert caution(text, profile=Profile.LAWYER) is lawyer


def test_what_is_not_clear_is_shown():
    assert caution("quanto custa?", is_clear=False) is Caution.SHOW

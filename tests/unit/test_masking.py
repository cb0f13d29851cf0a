"""Personal data leaves as placeholders, comes back, and nothing else does."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_fallback.errors import LlmAnswerRejected, Rejection
from llm_fallback.privacy.masking import Mask
from llm_fallback.privacy.people import first_name, is_name

HIDDEN = [
    # document numbers
    ("meu cpf é 529.982.247-25", "meu cpf é [CPF_1]"),
    ("52998224725", "[CPF_1]"),
    ("529 982 247 25", "[CPF_1]"),
    ("529.982.247/25", "[CPF_1]"),
    ("cpf: 529.982.247-2", "cpf: [CPF_1]"),
    ("529.982.247-99", "[CPF_1]"),
    ("５２９.982.247-25", "[CPF_1]"),
    ("529.982.247–25", "[CPF_1]"),
    ("529\u00a0982\u00a0247\u00a025", "[CPF_1]"),
    ("meu cpf 11988887777", "meu cpf [CPF_1]"),
    ("12.345.678/0001-95", "[CNPJ_1]"),
    ("12345678000195", "[CNPJ_1]"),
    ("12.ABC.345/01DE-35", "[CNPJ_1]"),
    ("12ABC34501DE35", "[CNPJ_1]"),
    ("0001234-56.2021.8.26.0100", "[PROCESSO_1]"),
    ("00012345620218260100", "[PROCESSO_1]"),
    ("processo nº 123/2010 parou", "processo nº [PROCESSO_1] parou"),
    ("rg 12.345.678-9", "rg [RG_1]"),
    ("RG: MG-12.345.678", "RG: [RG_1]"),
    ("identidade 44.555.666-x", "identidade [RG_1]"),
    ("OAB/SP 123.456", "OAB/SP [OAB_1]"),
    ("oab nº 12345/RJ", "oab nº [OAB_1]"),
    ("pis 123.45678.90-1", "pis [DOCUMENTO_1]"),
    ("título de eleitor 1234 5678 9012", "título de eleitor [DOCUMENTO_1]"),
    ("passaporte FZ123456", "passaporte [DOCUMENTO_1]"),
    ("chassi 9BWZZZ377VT004251", "chassi [CHASSI_1]"),
    ("minha placa é abc 1234", "minha placa é [PLACA_1]"),
    ("placa ABC-1D23", "placa [PLACA_1]"),
    # where people are reached
    ("liga (11) 9 8888-7777", "liga [TELEFONE_1]"),
    ("11.98888.7777", "[TELEFONE_1]"),
    ("+55 11 98888-7777", "[TELEFONE_1]"),
    ("5511988887777", "[TELEFONE_1]"),
    ("98888-7777", "[TELEFONE_1]"),
    ("11988887777", "[TELEFONE_1]"),
    ("cpf52998224725ok", "cpf[CPF_1]ok"),
    ("fone 33224455", "fone [TELEFONE_1]"),
    ("+351 912 345 678", "[TELEFONE_1]"),
    ("1 1 9 8 8 8 8 7 7 7 7", "[NUMERO_1]"),
    ("maria.silva+1@gmail.com.br", "[EMAIL_1]"),
    ("maria arroba gmail ponto com", "[EMAIL_1]"),
    ("me segue @joana.adv", "me segue [PERFIL_1]"),
    ("moro na Rua das Flores, 123, apto 45", "moro na [ENDERECO_1]"),
    ("av paulista nº 1000", "[ENDERECO_1]"),
    ("cep 01310-100", "cep [CEP_1]"),
    ("o cep é 01310100", "o cep é [CEP_1]"),
    ("abra https://x.example/r?token=a1b2", "abra [LINK_1]"),
    ("meet.example.com/abc-defg", "[LINK_1]"),
    # money
    ("123e4567-e89b-12d3-a456-426614174000", "[PIX_1]"),
    ("chave pix: maria123", "chave pix: [PIX_1]"),
    ("4111 1111 1111 1111", "[CARTAO_1]"),
    ("cartão 4111111111111112", "cartão [CARTAO_1]"),
    ("cvv 123", "cvv [CARTAO_1]"),
    ("agência 1234", "agência [CONTA_1]"),
    ("conta 56789-0", "conta [CONTA_1]"),
    ("senha: abc123", "senha: [SENHA_1]"),
    # the rest
    ("nasci em 12/03/1980", "nasci em [NASCIMENTO_1]"),
    ("nascimento: 12 de março de 1980", "nascimento: [NASCIMENTO_1]"),
    ("o código é 2024123456", "o código é [NUMERO_1]"),
]


@pytest.mark.parametrize(("text", "hidden"), HIDDEN, ids=[text for text, _ in HIDDEN])
def test_identifiers_are_hidden_in_all_their_writings(text: str, hidden: str) -> None:
    assert Mask().hide(text) == hidden


@pytest.mark.parametrize(
    "text",
    [
        "consulta às 14h30 do dia 12/03/2025",
        "de 01/02/2023 a 05/06/2024",
        "10 12 2024",
        "custa R$ 1.250.000,00 ou 350 reais",
        "pagar 1.234.567 de multa em 12x de 150,00",
        "tenho 3 filhos e 25 anos",
        "das 9h às 18h, ou às 14 30",
        "trabalhei de 2019-2023",
        "o artigo 5 da lei 8078",
        "moro na rua há 3 anos",
        "quanto é a conta 2?",
        "a conta 15 dias depois",
        "veio uma conta 1500 reais mais cara",
        "NO ANO 2023, pela LEI 8078",
        "moro na rua desde 2019",
        "QUERO FALAR COM A TESOURARIA",
        "conta corrente 2 anos parada",
        "posso levar meu rg e ir às 14:00?",
        "levo o contrato dia 12/03/2025",
        "benefício cortado em 03/2024",
        "no ano 2023, dia 1234",
        "fica na avenida paulista?",
        "o site é http://escritorio.example",
        "pix é o telefone",
        "meu filho autista de 8 anos",
        "sou a favor, sou o dono, sou cliente",
        "Boa tarde, o escritório atende em São Paulo?",
        "a lei Maria da Penha, o Banco do Brasil e a Caixa Econômica",
    ],
)
def test_what_the_question_needs_stays(text: str) -> None:
    assert Mask().hide(text) == text


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("meu nome é maria das dores e quero marcar", "meu nome é [NOME_1] e quero "
         "marcar"),
        ("me chamo ivanildo", "me chamo [NOME_1]"),
        ("MEU NOME É JOSÉ CARLOS", "MEU NOME É [NOME_1]"),
        ("sou a Valdirene", "sou a [NOME_1]"),
        ("minha mãe Maria da Silva faleceu", "minha mãe [NOME_1] faleceu"),
        ("contra Fulano de Tal", "contra [NOME_1]"),
        ("pelo Seu Osmar Quintela", "pelo Seu [NOME_1]"),
        ("o joao me bateu", "o [NOME_1] me bateu"),
        ("o João Pereira e a Ana Souza", "o [NOME_1] e a [NOME_2]"),
    ],
)  # fmt: skip
def test_names_that_nobody_told_us_are_hidden(text: str, hidden: str) -> None:
    assert Mask().hide(text) == hidden


@pytest.mark.parametrize(
    "text", ["aqui é a QUITÉRIA", "aqui é a quiteria", "aqui é a Quitéria Kuhn"]
)
def test_a_known_name_is_hidden_by_any_of_its_parts(text: str) -> None:
    assert Mask(["Quitéria Kuhn"]).hide(text) == "aqui é a [NOME_1]"


def test_a_common_word_in_a_known_name_is_left_alone() -> None:
    mask = Mask(["Rosa Vale Kuhn", "Ganhou 50% de desconto 🌹"])

    assert mask.hide("isso vale? tem desconto?") == "isso vale? tem desconto?"
    assert mask.hide("é a Rosa Vale Kuhn") == "é a Rosa Vale [NOME_1]"


def test_a_strange_display_name_is_hidden_as_a_whole() -> None:
    mask = Mask(["Ganhou 50% de desconto"])

    assert mask.hide("sou ganhou 50% de DESCONTO") == "sou [NOME_1]"


def test_two_people_of_one_family_are_two_people() -> None:
    mask = Mask(["Ana Kuhn"])

    assert mask.hide("a Ana Kuhn e o João Kuhn") == "a [NOME_1] e o [NOME_2]"
    assert mask.restore("[NOME_2]") == "João"


def test_the_names_of_the_office_are_no_secret() -> None:
    mask = Mask(["Quitéria Kuhn"], public=["Dra. Helena Modelo"])

    hidden = mask.hide("a Dra. Helena Modelo atende a Quitéria? e a helena?")

    assert hidden == "a Dra. Helena Modelo atende a [NOME_1]? e a helena?"


def test_a_client_may_share_a_name_with_the_office() -> None:
    mask = Mask(["Helena Kuhn"], public=["Dra. Helena Modelo"])

    assert mask.hide("a helena atende a kuhn?") == "a helena atende a [NOME_1]?"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("529.982.247-25", "cpf 52998224725"),
        ("(11) 98888-7777", "+5511988887777"),
        ("Maria@Gmail.com", "maria@gmail.com"),
        ("placa ABC-1234", "placa abc1234"),
        ("sou o João Pereira", "me chamo joao pereira"),
        ("0001234-56.2021.8.26.0100", "00012345620218260100"),
    ],
)
def test_a_value_keeps_its_placeholder_however_it_is_written(
    one: str, other: str
) -> None:
    mask = Mask()

    first, second = mask.hide(one), mask.hide(other)

    assert re.findall(r"\[.*\]", first) == re.findall(r"\[.*\]", second) != []


def test_different_values_get_different_placeholders() -> None:
    hidden = Mask().hide("529.982.247-25 e 111.444.777-35")

    assert hidden == "[CPF_1] e [CPF_2]"


@pytest.mark.parametrize(
    "typed", ["[CPF_1]", "[cpf_1]", "[ CPF _ 1 ]", "[CPF]", "[ENDEREÇO_1]", "[NOME_2]"]
)
def test_a_placeholder_that_the_person_types_reads_nothing_back(typed: str) -> None:
    mask = Mask()
    mask.hide("529.982.247-25 na rua azul, 12")

    hidden = mask.hide(f"repita {typed}")

    assert mask.restore(hidden) == f"repita ({typed[1:-1].replace('_', ' ')})"


@pytest.mark.parametrize(
    "written", ["[CPF_1]", "[cpf_1]", "[ CPF_1 ]", "*[CPF_1]*", "_[Cpf_1]_", "[CPF 1]"]
)
def test_a_placeholder_is_restored_as_models_write_it(written: str) -> None:
    mask = Mask()
    mask.hide("529.982.247-25")

    assert "529.982.247-25" in mask.restore(f"Recebi {written}.")


@pytest.mark.parametrize(
    "written", ["[CPF_2]", "[NOME_1]", "[CPF]", "CPF_1", "nome_1", "[cartão_1]"]
)
def test_a_placeholder_that_was_never_given_is_refused(written: str) -> None:
    mask = Mask(["Quitéria Kuhn"])
    mask.hide("529.982.247-25")

    with pytest.raises(LlmAnswerRejected) as caught:
        mask.restore(f"Veja {written}.")

    assert caught.value.reason is Rejection.PERSONAL_DATA


def test_a_name_that_nobody_wrote_cannot_be_read_back() -> None:
    mask = Mask(["Quitéria Kuhn", "Osmar Quintela"])
    mask.hide("sou a Quitéria")

    with pytest.raises(LlmAnswerRejected):
        mask.restore("O cliente é [NOME_2].")


def test_a_name_comes_back_as_the_first_name() -> None:
    mask = Mask(["QUITÉRIA DE SOUZA KUHN"])
    mask.hide("sou a kuhn")

    assert mask.restore("Olá, *[NOME_1]*! Tudo bem?") == "Olá, *Quitéria*! Tudo bem?"


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("Olá, [NOME_1]! Atendemos, sim.", "Olá! Atendemos, sim."),
        ("Olá, *[NOME_1]*.", "Olá."),
        ("[NOME_1], atendemos sim.", "Atendemos sim."),
        ("*[NOME_1]*: atendemos.", "Atendemos."),
        ("Atendemos sim, [nome_1]", "Atendemos sim"),
    ],
)
def test_a_display_name_that_is_no_name_is_left_out(answer: str, shown: str) -> None:
    mask = Mask(["Ganhou 50% de desconto"])
    mask.hide("ganhou 50% de desconto")

    assert mask.restore(answer) == shown


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Maria Aparecida da Silva", "Maria"),
        ("DRA. HELENA MODELO", "Helena"),
        ("d'ávila", "D'Ávila"),
        ("Rosa", "Rosa"),
        ("Ganhou Desconto", ""),
        ("Consulta grátis hoje", ""),
        ("Um Dois Tres Quatro Cinco", ""),
        ("www.golpe.example", ""),
        ("11988887777", ""),
        ("", ""),
    ],
)
def test_only_what_looks_like_a_name_is_shown(name: str, first: str) -> None:
    assert first_name(name) == first
    assert is_name(name) is bool(first)


def test_the_checks_read_neutral_words() -> None:
    plain = Mask().plain("[NOME_1], o [CPF_1] e o [ telefone_2 ]")

    assert plain == "Pessoa, o número informado e o contato informado"
    assert not re.search(r"[0-9\[\]]", plain)


def test_the_longest_of_overlapping_finds_wins() -> None:
    hidden = Mask().hide("Rua Doutor João Pereira, 123, casa 2")

    assert hidden == "[ENDERECO_1]"


# --- properties -------------------------------------------------------------------

_DIGIT = st.sampled_from("0123456789")


def _shaped(shape: str) -> st.SearchStrategy[str]:
    """Returns texts of a shape in which 0 is any digit, 8 one of 6-9."""
    parts = {"0": _DIGIT, "8": st.sampled_from("6789")}
    return st.tuples(*(parts.get(char, st.just(char)) for char in shape)).map("".join)


_PLANTED = st.one_of(
    _shaped("000.000.000-00"),
    _shaped("cpf 00000000000"),
    _shaped("00.000.000/0000-00"),
    _shaped("0000000-00.0000.0.00.0000"),
    _shaped("(11) 98000-0000"),
    _shaped("+55 21 98000 0000"),
    _shaped("rg 00.000.000-0"),
    _shaped("00000-000"),
    _shaped("ABC-0000"),
    _shaped("cliente0000@mail0.com"),
    _shaped("agência 8000, conta 88000-0"),
    _shaped("Avenida Quixadá, 800, apto 80"),
    st.uuids().map(str),
    st.sampled_from(["Quitéria Kuhn", "QUITERIA", "quitéria", "kuhn"]),
)
_AROUND = st.sampled_from(
    [
        " bom dia, ",
        " queria saber o preço ",
        "\n",
        " e posso ir às 14h? ",
        ". Obrigada ",
        " 🙂 ",
        ": ",
        " (é isso) ",
        " no dia 12/03 ",
    ]
)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (" no dia 12/03 119.000.000-00 bom dia", " no dia 12/03 [CPF_1] bom dia"),
        ("dia 5/4 11 98765-4321", "dia 5/4 [TELEFONE_1]"),
        ("11 4004-2233/11 98765-4321", "[TELEFONE_1]/[TELEFONE_2]"),
    ],
    ids=["a CPF", "a telephone", "two telephones"],
)
def test_day_before_a_number_is_left_whole(text: str, hidden: str) -> None:
    assert Mask().hide(text) == hidden


@settings(max_examples=500, deadline=None)
@given(planted=_PLANTED, before=_AROUND, after=_AROUND)
def test_nothing_planted_survives(planted: str, before: str, after: str) -> None:
    hidden = Mask(["Quitéria Kuhn"]).hide(f"{before}{planted}{after}")

    rest = re.sub(r"\[[A-Z]+_[0-9]+\]", "", hidden)
    digits = re.sub(r"[^0-9]", "", rest.replace("14h", "").replace("12/03", ""))
    assert not digits
    assert not re.search(r"quit|kuhn|quixad|@", rest, re.IGNORECASE)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(_PLANTED.filter(lambda text: "uit" not in text.lower()), _AROUND),
        max_size=6,
    )
)
def test_hidden_text_comes_back_as_it_was(pieces: list[str]) -> None:
    text = " ; ".join(dict.fromkeys(pieces))
    mask = Mask()

    hidden = mask.hide(text)

    if len(set(re.findall(r"\[\w+\]", hidden))) == len(re.findall(r"\[\w+\]", hidden)):
        assert "NOME" in hidden or mask.restore(hidden) == text


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text_at_all_is_hidden_and_restored(text: str) -> None:
    mask = Mask(["Quitéria Kuhn"])

    restored = mask.restore(mask.hide(text))

    assert isinstance(restored, str)


@pytest.mark.parametrize(
    "piece",
    ["a", "1", "1 ", "a.", "a@", "rua a ", "conta ", "[cpf_", "http://", "nome: X "],
)
def test_a_huge_text_takes_linear_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))

    assert Mask(["Quitéria Kuhn"]).hide(text)

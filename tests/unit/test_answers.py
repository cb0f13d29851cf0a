"""Short answers to a question, as people type them on a telephone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.dialogue.answers import (
    introduces,
    is_no,
    is_question,
    is_unknown,
    is_whatever,
    is_yes,
    read_choice,
    read_modality,
    read_name,
    same_name,
    written_name,
)

YES = [
    "sim",
    "Sim!",
    "SIM",
    "siiiim",
    "simmm",
    "s",
    "ss",
    "isso",
    "isso mesmo",
    "isso aí",
    "é isso",
    "exato",
    "exatamente",
    "certo",
    "correto",
    "tá certo",
    "está certo",
    "ta tudo certo",
    "pode",
    "pode sim",
    "pode marcar",
    "pode ser",
    "pode confirmar, por favor",
    "confirmo",
    "confirmado",
    "confirma aí",
    "ok",
    "Ok, obrigada",
    "okay",
    "blz",
    "beleza",
    "fechado",
    "fechou",
    "perfeito",
    "claro",
    "com certeza",
    "quero",
    "quero sim",
    "uhum",
    "aham",
    "positivo",
    "manda ver",
    "bora",
    "combinado",
    "tá bom",
    "ta bom",
    "ah sim",
    "ah, sim",
    "então tá, pode marcar",
    "opa, sim",
    "sim, pode marcar",
    "sim por favor",
    "tenho certeza",
    "yes",
    "👍",
    "👍🏽",
    "✅",
    "👌 sim",
]
NO = [
    "não",
    "nao",
    "Não!",
    "NÃO",
    "n",
    "naaao",
    "nãããão",
    "naum",
    "negativo",
    "nem pensar",
    "não, obrigada",
    "não quero",
    "não, deixa",
    "melhor não",
    "acho que não",
    "de jeito nenhum",
    "prefiro não",
    "deixa assim",
    "deixa como está",
    "está errado",
    "tá errado",
    "errado",
    "espera",
    "espera aí",
    "calma",
    "peraí",
    "pera aí",
    "mantém",
    "mantenha",
    "desisto",
    "nunca",
    "ah não",
    "ah, não",
    "👎",
    "❌",
]
NEITHER = [
    "",
    "?",
    "terça às 15h",
    "Maria da Silva",
    "segunda",
    "sinto muito",
    "simone",
    "simples",
    "sou eu",
    "passado",
    "nada consta",
    "noite",
    "nascimento",
    "natália",
    "quanto custa?",
    "nem",
    "online",
    "111.444.777-35",
    "🤔",
]


@pytest.mark.parametrize("text", YES)
def test_yes_in_any_spelling_is_a_yes(text):
    assert is_yes(text)


@pytest.mark.parametrize("text", YES)
def test_yes_is_no_no(text):
    assert not is_no(text)


@pytest.mark.parametrize("text", NO)
def test_no_in_any_spelling_is_a_no(text):
    assert is_no(text)


@pytest.mark.parametrize(
    "text",
    [
        *NO,
        *NEITHER,
        "sim, mas às 16h",
        "pode ser, mas presencial",
        "sim só que online",
        "ok, porém mais tarde",
        "claro que não",
        "quero não",
        "pode não",
        "isso não",
        "sim, mas quanto custa?",
        "pode ser outro dia",
        "pode parcelar?",
        "pode me dizer quanto custa",
        "pode falar comigo agora",
        "quero falar com uma pessoa",
        "quero saber o preço",
        "quero desistir",
        "quero outro horário",
        "quero mudar o nome",
        "pode trocar a data",
        "sim, pode alterar",
        "cancela",
        "cancela tudo",
        "apaga isso",
    ],
)
def test_yes_with_a_reserve_is_no_yes(text):
    assert not is_yes(text)


@pytest.mark.parametrize(
    ("text", "doing"),
    [
        ("cancela", "cancel|desmarc"),
        ("pode cancelar", "cancel|desmarc"),
        ("cancela por favor", "cancel|desmarc"),
        ("desmarca", "cancel|desmarc"),
        ("sim, cancela", "cancel|desmarc"),
        ("pode apagar", "apag"),
        ("pode mudar", "mud|troc"),
        ("pode trocar", "mud|troc"),
        ("muda sim", "mud|troc"),
    ],
)
def test_verb_of_the_question_agrees_to_it(text, doing):
    assert is_yes(text, doing=doing)


@pytest.mark.parametrize(
    "text", ["não cancela", "cancela não", "cancela só que depois"]
)
def test_verb_of_the_question_with_a_no_does_not_agree(text):
    assert not is_yes(text, doing="cancel")


@pytest.mark.parametrize("text", [each for each in NEITHER if each != "nem"])
def test_other_answer_is_no_no(text):
    assert not is_no(text)


@pytest.mark.parametrize(
    "text",
    [
        "tanto faz",
        "Tanto faz!",
        "tanto fas",
        "pra mim tanto faz",
        "qualquer um",
        "qualquer horário",
        "qualquer dia",
        "você escolhe",
        "voce decide",
        "vcs escolhem",
        "vc decide",
        "sem preferência",
        "o que tiver",
        "o que der",
        "o que for melhor",
        "o mais cedo possível",
        "o mais próximo",
        "indiferente",
        "pode escolher",
        "quando der",
        "quando tiver",
        "quando puderem",
        "quando houver vaga",
    ],
)
def test_choice_left_to_the_office_is_heard(text):
    assert is_whatever(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sim",
        "não",
        "terça",
        "o primeiro",
        "não sei",
        "quando foi demitida",
        "quero escolher outro",
        "faz tempo",
        "mais tarde",
        "cedo",
        "próxima segunda",
        "o que aconteceu",
        "você pode?",
        "quando?",
        "uma tanta coisa",
    ],
)
def test_own_choice_is_not_left_to_the_office(text):
    assert not is_whatever(text)


@pytest.mark.parametrize(
    "text",
    [
        "não tenho",
        "nao tenho",
        "n tenho",
        "num tenho",
        "tenho não",
        "Não.",
        "não",
        "não sei",
        "nao sei",
        "n sei",
        "sei não",
        "nem sei",
        "sei lá",
        "sei la",
        "não lembro",
        "não me lembro",
        "lembro não",
        "não tenho aqui comigo",
        "não tá comigo",
        "não está comigo",
        "sem número",
        "esqueci",
        "perdi o papel",
        "não faço ideia",
        "não faço a mínima ideia",
        "não conheço",
        "não achei",
        "não recebi",
        "nada",
        "nenhum",
        "nenhuma",
        "prefiro não dizer",
        "não tenho o número, é de 2019",
    ],
)
def test_answer_that_is_not_known_is_heard(text):
    assert is_unknown(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sim",
        "desde março",
        "a loja Bem Barato",
        "foi ontem",
        "sei o nome dele",
        "tenho sim",
        "é contra o banco",
        "lembro bem: foi em 2020",
        "nada consta no meu nome, mas foi em março",
        "0012457-26.2021.8.26.0100",
        "audiência dia 12",
        "o INSS",
        "quem me demitiu foi o gerente",
        "não me pagaram as férias",
    ],
)
def test_answer_that_tells_something_is_known(text):
    assert not is_unknown(text)


@pytest.mark.parametrize(
    "text",
    [
        "qual a receita de bolo",
        "posso ser preso por dívida?",
        "oq é habeas corpus",
        "o que é isso",
        "quanto custa",
        "quanto é a consulta",
        "quantos dias demora",
        "quem vai me atender",
        "onde fica",
        "como chego aí",
        "por que precisa do nome",
        "porque quer meu cpf",
        "pq precisa",
        "será que dá certo",
        "vocês abrem sábado?",
        "vcs atendem online",
        "você sabe o resultado",
        "e qual o endereço",
        "mas como funciona",
        "oi, qual o horário de vocês",
        "tem estacionamento?",
        "sim?",
        "quem sabe terça",
    ],
)
def test_question_is_told_from_an_answer(text):
    assert is_question(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "terça às 15h",
        "Maria Quintana",
        "Quitéria Souza",
        "quero marcar",
        "comodoro",
        "Comercial Andrade",
        "quinta",
        "quarta-feira",
        "pode ser online",
        "sim",
        "não sei",
        "qualquer dia",
        "qualquer um",
        "a empresa não pagou",
        "o banco",
    ],
)
def test_answer_is_told_from_a_question(text):
    assert not is_question(text)


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("1", 0),
        ("2", 1),
        ("3", 2),
        (" 2 ", 1),
        ("2.", 1),
        ("2)", 1),
        ("2ª", 1),
        ("2º", 1),
        ("opção 3", 2),
        ("opcao 3", 2),
        ("a opção 3", 2),
        ("número 1", 0),
        ("nº 1", 0),
        ("n° 2", 1),
        ("um", 0),
        ("uma", 0),
        ("dois", 1),
        ("três", 2),
        ("tres", 2),
        ("a primeira", 0),
        ("primeira", 0),
        ("o primeiro", 0),
        ("A PRIMEIRA", 0),
        ("a segunda", 1),
        ("a primera", 0),
        ("tercera opção", 2),
        ("o segundo", 1),
        ("a segunda opção", 1),
        ("segundo horário", 1),
        ("na segunda opção", 1),
        ("a terceira", 2),
        ("terceira, por favor", 2),
        ("o último", 2),
        ("a ultima", 2),
        ("pode ser o segundo", 1),
        ("pode ser a primeira", 0),
        ("quero a 2", 1),
        ("prefiro o terceiro", 2),
        ("fico com a primeira", 0),
        ("vou de 2", 1),
        ("a primeira está ótimo", 0),
        ("a primeira mesmo", 0),
        ("2 por favor", 1),
        ("2, obrigada", 1),
        ("escolho a primeira das três", 0),
    ],
)
def test_one_of_three_is_chosen_by_its_place(text, index):
    assert read_choice(text, among=3) == index


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "4",
        "12",
        "99",
        "a quarta",
        "quinta",
        "segunda às 10h",
        "segunda-feira",
        "primeira vez que marco",
        "as 2 da tarde",
        "às 15h",
        "dia 2",
        "nenhuma",
        "a primeira não",
        "nem a primeira nem a segunda",
        "1 ou 2",
        "sim",
        "22222",
        "uma pessoa",
        "um advogado",
    ],
)
def test_what_is_no_place_in_the_list_is_no_choice(text):
    assert read_choice(text, among=3) is None


@pytest.mark.parametrize(
    ("text", "modality"),
    [
        ("online", "online"),
        ("On-line", "online"),
        ("on line", "online"),
        ("por vídeo", "online"),
        ("video chamada", "online"),
        ("videoconferência", "online"),
        ("remoto", "online"),
        ("pelo zoom", "online"),
        ("google meet", "online"),
        ("à distância", "online"),
        ("sim, online", "online"),
        ("PRESENCIAL", "presencial"),
        ("presencialmente", "presencial"),
        ("precencial", "presencial"),
        ("presensial", "presencial"),
        ("prasencial", "presencial"),
        ("pessoalmente", "presencial"),
        ("no escritório", "presencial"),
        ("no escritorio", "presencial"),
        ("prefiro ir aí", "presencial"),
        ("vou ai", "presencial"),
        ("tanto faz", "presencial"),
        ("qualquer um", "presencial"),
        ("cara a cara", "presencial"),
        ("não, presencial", "presencial"),
        ("não quero online, prefiro presencial", "presencial"),
        ("presencial não dá, tem que ser online", "online"),
        ("não posso ir ao escritório, quero por vídeo", "online"),
        ("não quero presencial, pode ser online", "online"),
        ("não consigo ir aí, por vídeo", "online"),
        ("não quero online", "presencial"),
        ("online não", "presencial"),
        ("nada de vídeo", "presencial"),
        ("online não dá pra mim, presencial", "presencial"),
        ("online, não presencial", "online"),
        ("online não, prefiro ir aí", "presencial"),
        ("não posso ir aí", "online"),
    ],
)
def test_modality_is_one_of_two(text, modality):
    assert read_modality(text) == modality


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sim",
        "não",
        "qual é mais barato?",
        "não sei ainda",
        "meu pai vai comigo",
        "metade",
        "terça às 15h",
        "Maria da Silva",
        "raiva",
        "saia",
        "divórcio",
        "a linha do ônibus",
        "pensão",
        "às 10",
        "faixa",
    ],
)
def test_modality_that_was_not_said_is_asked_again(text):
    assert read_modality(text) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Maria Aparecida da Silva", "Maria Aparecida da Silva"),
        ("maria aparecida da silva", "Maria Aparecida da Silva"),
        ("MARIA APARECIDA DA SILVA", "Maria Aparecida da Silva"),
        ("josé", "José"),
        ("josé dos santos e silva", "José dos Santos e Silva"),
        ("  ângela   de  souza ", "Ângela de Souza"),
        ("Conceição Araújo", "Conceição Araújo"),
        ("joana d'arc", "Joana D'Arc"),
        ("Luís D’Ávila", "Luís D’Ávila"),
        ("ana-maria braga", "Ana-Maria Braga"),
        ("José A. Ferreira", "José A. Ferreira"),
        ("Antônio Carlos Jr.", "Antônio Carlos Jr"),
        ("meu nome é maria das dores", "Maria das Dores"),
        ("Meu nome e Pedro", "Pedro"),
        ("o meu nome é Lúcia Helena", "Lúcia Helena"),
        ("meu nome completo é João Pedro Lima", "João Pedro Lima"),
        ("nome: Carlos Eduardo", "Carlos Eduardo"),
        ("me chamo Kelly Cristina", "Kelly Cristina"),
        ("eu me chamo Kelly Cristina", "Kelly Cristina"),
        ("sou o Wellington", "Wellington"),
        ("eu sou a Rosângela", "Rosângela"),
        ("aqui é o Zé Carlos", "Zé Carlos"),
        ("é a Marlene", "Marlene"),
        ("oi, sou a Marlene", "Marlene"),
        ("bom dia, meu nome é Marlene", "Marlene"),
        ("boa tarde! aqui é a Marlene", "Marlene"),
        ("pode colocar em nome da Fernanda Lima", "Fernanda Lima"),
        ("pode pôr em nome de Fernanda Lima", "Fernanda Lima"),
        ("Francisca das Chagas Oliveira.", "Francisca das Chagas Oliveira"),
        ("Maria do Socorro", "Maria do Socorro"),
        ("Jesus Esperança", "Jesus Esperança"),
        ("Li", "Li"),
        ("Nathália Ñandutí", "Nathália Ñandutí"),
        ("Simão Sousa", "Simão Sousa"),
        ("Naomi Comodoro", "Naomi Comodoro"),
        ("Kelly Cristina, obrigada", "Kelly Cristina"),
        ("José Carlos, viu", "José Carlos"),
        ("Ana Paula por favor", "Ana Paula"),
    ],
)
def test_name_is_read_as_brazilians_write_it(text, name):
    assert read_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "não",
        "não quero",
        "nao quero dizer",
        "prefiro não falar",
        "não vou informar",
        "pra quê?",
        "por que você quer saber",
        "porque quer meu nome",
        "sim",
        "oi",
        "boa tarde",
        "quero marcar uma consulta",
        "qual o horário",
        "quanto custa",
        "deixa pra lá",
        "cancela",
        "falar com uma pessoa",
        "quero um atendente",
        "divórcio",
        "online",
        "amanhã",
        "12345",
        "maria123",
        "111.444.777-35",
        "maria@exemplo.com",
        "👍",
        "?",
        ".",
        "",
        "   ",
        "M",
        "um dois três quatro cinco seis sete oito nove",
    ],
)
def test_what_is_no_name_is_asked_again(text):
    assert read_name(text) is None


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("ana-maria d'ávila", "Ana-Maria D'Ávila"),
        ("JOÃO DA SILVA", "João da Silva"),
        ("maria DE fátima E souza", "Maria de Fátima e Souza"),
        ("  élcio   prado ", "Élcio Prado"),
    ],
)
def test_name_gets_its_capitals(typed, written):
    assert written_name(typed) == written


@pytest.mark.parametrize(
    ("text", "is_said"),
    [
        ("me chamo Pedro", True),
        ("meu nome é Pedro e quero marcar", True),
        ("oi, sou o Pedro", True),
        ("Sou a Ana, preciso de ajuda", True),
        ("nome: Pedro", True),
        ("aqui é a Ana", True),
        ("quero falar com o Pedro", False),
        ("meu marido Pedro me deixou", False),
        ("o advogado Pedro", False),
        ("processo contra o Pedro", False),
        ("", False),
    ],
)
def test_who_writes_is_told_from_whom_they_write_about(text, is_said):
    assert introduces(text) is is_said


def test_names_are_the_same_but_for_accents_capitals_and_particles():
    assert same_name("JOAO da Silva", "João Silva")
    assert not same_name("João Silva", "João Souza")
    assert not same_name("", "")


READERS = [
    is_yes,
    is_no,
    is_whatever,
    is_unknown,
    is_question,
    read_modality,
    read_name,
    introduces,
    written_name,
    lambda text: read_choice(text, among=3),
]


@given(st.text())
def test_no_text_makes_a_reader_fail(text):
    for read in READERS:
        read(text)


@given(st.text(alphabet="simnao 123ªº.,!?çãé👍\n\t'-", max_size=60))
def test_no_answer_is_yes_and_no_at_once(text):
    assert not (is_yes(text) and is_no(text))


@given(st.text(), st.integers(1, 9))
def test_choice_is_always_one_of_the_list(text, among):
    index = read_choice(text, among=among)

    assert index is None or 0 <= index < among


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "piece",
    ["a ", "não ", "n", "s", "1", "um o meu ", "d'", "quero ", "ah, ", "sim ", "oi, ",
     "não quero ", "pode ser ", "a opção ", "dois ", " ", "é ", "\u0301", "👍", "- "],
)  # fmt: skip
def test_reading_a_hostile_text_takes_no_time(read, piece):
    started = time.perf_counter()

    read(piece * 4000)

    assert time.perf_counter() - started < 1

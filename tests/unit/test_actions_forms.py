"""What people answer to a form's question, and what the form makes of it."""

from __future__ import annotations

import re
import time

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.forms import (
    NO_NUMBER,
    build_form_checks,
    is_question,
    read_any,
    read_lawsuit,
    read_modality,
    read_name,
    read_story,
    read_subject,
    read_when,
)

NUMBER = "0001234-08.2023.8.26.0100"
DIGITS = re.sub(r"\D", "", NUMBER)


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
        ("pessoalmente", "presencial"),
        ("no escritório", "presencial"),
        ("no escritorio", "presencial"),
        ("prefiro ir aí", "presencial"),
        ("vou ai", "presencial"),
        ("tanto faz", "presencial"),
        ("cara a cara", "presencial"),
        ("não, presencial", "presencial"),
        ("não quero online, prefiro presencial", "presencial"),
        ("presencial não dá, tem que ser online", "online"),
        ("não posso ir ao escritório, quero por vídeo", "online"),
        ("não quero presencial, pode ser online", "online"),
        ("não consigo ir aí, por vídeo", "online"),
        ("qual é mais barato?", None),
        ("não sei ainda", None),
        ("meu pai vai comigo", None),
        ("não quero online", None),
        ("não posso ir aí", None),
        ("sim", None),
        ("metade", None),
        ("", None),
    ],
)
def test_modality_is_one_of_two_or_asked_again(text, modality):
    assert read_modality(text) == modality


@pytest.mark.parametrize(
    "text",
    [
        "terça às 15h",
        "terca 15h",
        "amanhã cedo",
        "amanha",
        "amnh de tarde",
        "hj",
        "hoje ainda",
        "sexta que vem às 3 da tarde",
        "sábado",
        "dia 12/03 14h30",
        "dia doze",
        "12/03",
        "semana que vem",
        "mês que vem",
        "no fim do mês",
        "depois do almoço",
        "de manhã",
        "à tarde",
        "às três horas",
        "qualquer dia",
        "quando puder",
        "quando der",
        "o quanto antes",
        "o mais rápido possível",
        "em março",
        "tanto faz o dia",
    ],
)
def test_wish_for_a_day_is_kept_as_written(text):
    assert read_when(f"  {text} ") == text


@pytest.mark.parametrize(
    "text",
    [
        "não sei",
        "isso mesmo",
        "boa tarde",
        "bom dia",
        "boa noite, tudo bem?",
        "meu quintal",
        "afim de conversar",
        "sim",
        "ok",
        "",
    ],
)
def test_what_holds_no_day_is_asked_again(text):
    assert read_when(text) is None


def test_wish_for_a_day_is_cut_to_a_line():
    assert len(read_when("amanhã " * 100) or "") == 120


@pytest.mark.parametrize(
    "text",
    [
        NUMBER,
        DIGITS,
        f"é o {NUMBER}",
        f"processo nº {NUMBER}, obrigada",
        "0001234 08 2023 8 26 0100",
        "0001234-08.2023.826.0100",
        f"{NUMBER} e meu telefone é (11) 98765-4321",
        f"meu cpf é 111.444.777-35 e o processo {NUMBER}",
    ],
)
def test_lawsuit_number_is_found_and_written_in_one_way(text):
    assert read_lawsuit(text) == NUMBER


def test_number_of_a_real_public_lawsuit_is_right():
    assert read_lawsuit("50465129420164047000") == "5046512-94.2016.4.04.7000"


@pytest.mark.parametrize(
    "text",
    [
        NUMBER.replace("-08", "-09"),
        DIGITS[:-1],
        DIGITS + "7",
        "1" + DIGITS,
        "0000000-00.0000.0.00.0000",
        "12345678",
        "0001234 não sei o resto",
        "(11) 98765-4321",
        "quero saber do processo",
        "٠٠٠١٢٣٤٠٨٢٠٢٣٨٢٦٠١٠٠",
        "",
    ],
)
def test_number_with_wrong_check_digits_is_refused(text):
    assert read_lawsuit(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "não tenho",
        "nao tenho",
        "n tenho",
        "tenho não",
        "Não.",
        "não",
        "não sei",
        "sei não",
        "não lembro",
        "não tenho aqui comigo",
        "sem número",
        "esqueci",
        "perdi o papel",
        "não tenho os 20 dígitos",
        "não tenho o número, é de 2019",
    ],
)
def test_lawsuit_without_a_number_goes_on(text):
    assert read_lawsuit(text) == NO_NUMBER


@pytest.mark.parametrize(
    "text",
    [
        "fui demitida grávida e não me pagaram",
        "meu vizinho construiu um muro no meu terreno",
        "o banco descontou do meu benefício sem eu autorizar",
        "comprei uma geladeira com defeito",
        "tenho um problema com o banco: descontaram 300 reais por mês do meu benefício",
        "bati o carro e o seguro não paga",
    ],
)
def test_story_is_kept_as_told(text):
    assert read_story(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "quero contar um caso",
        "queria contar meu caso",
        "gostaria de relatar um problema",
        "preciso contar uma história",
        "tenho um problema com o banco",
        "oi, quero contar um caso",
        "boa tarde, tenho um caso",
        "posso te contar meu problema?",
        "problema trabalhista",
        "caso novo",
        "",
    ],
)
def test_announcement_of_a_story_is_asked_back(text):
    assert read_story(text) is None


@pytest.mark.parametrize(
    "text",
    ["quero marcar", "marcar consulta", "queria agendar um horário.", "agendar"],
)
def test_wish_to_book_is_no_subject(text):
    assert read_subject(text) is None


@pytest.mark.parametrize(
    "text", ["divórcio", "quero marcar sobre pensão", "INSS", "um contrato"]
)
def test_subject_is_kept_as_written(text):
    assert read_subject(text) == text


def test_long_answers_are_cut():
    assert len(read_any("a" * 10_000) or "") == 4000


@pytest.mark.parametrize("read", [read_name, read_modality, read_when, read_lawsuit])
@pytest.mark.parametrize("piece", ["a ", "não ", "1", "um o meu ", "d'", "quero "])
def test_reading_a_hostile_text_takes_no_time(read, piece):
    started = time.perf_counter()

    read(piece * 5000)
    read_story(piece * 5000)

    assert time.perf_counter() - started < 1


# --- the validation that Rasa calls -------------------------------------------


def slot(name, value):
    return {"event": "slot", "timestamp": None, "name": name, "value": value}


def user(text):
    return {"event": "user", "text": text, "parse_data": {}, "metadata": {}}


def start_of(form):
    return {"event": "active_loop", "name": form}


def run_of(form):
    return {"event": "action", "name": form, "policy": None, "confidence": None}


async def validate(form, events, *, active=None, requested=None):
    """Runs the validation as Rasa calls it; returns slots and complaints."""
    values = {event["name"]: event["value"] for event in events if "value" in event}
    tracker = Tracker(
        sender_id="conversa",
        slots={**values, "requested_slot": requested},
        latest_message={"text": "", "metadata": {}},
        events=events,
        paused=False,
        followup_action=None,
        active_loop={"name": active} if active else {},
        latest_action_name=None,
    )
    dispatcher = CollectingDispatcher()
    checks = next(c for c in build_form_checks() if c.name() == f"validate_{form}")
    result = await checks.run(dispatcher, tracker, {})
    complaints = [message["response"] for message in dispatcher.messages]
    return {event["name"]: event["value"] for event in result}, complaints


async def test_answer_is_stored_as_read():
    form = "form_agendar_consulta"
    events = [user("maria da silva"), run_of(form), slot("nome", "maria da silva")]

    assert await validate(form, events, active=form, requested="nome") == (
        {"nome": "Maria da Silva"},
        [],
    )


@pytest.mark.parametrize(
    ("form", "name", "text", "complaint"),
    [
        ("form_agendar_consulta", "nome", "123", "utter_nome_invalido"),
        ("form_agendar_consulta", "modalidade", "hm", "utter_modalidade_invalida"),
        ("form_agendar_consulta", "quando", "hm", "utter_quando_invalido"),
        ("form_remarcar_consulta", "quando", "hm", "utter_quando_invalido"),
        (
            "form_consultar_processo",
            "numero_processo",
            "123",
            "utter_numero_processo_invalido",
        ),
    ],
)
async def test_unusable_answer_is_emptied_with_an_example(form, name, text, complaint):
    events = [user(text), run_of(form), slot(name, text)]

    assert await validate(form, events, active=form, requested=name) == (
        {name: None},
        [complaint],
    )


async def test_announced_story_is_asked_back_without_complaint():
    form = "form_relatar_caso"
    text = "quero contar um caso"
    heard = [user(text), slot("relato", text)]
    events = [*heard, start_of(form), run_of(form), slot("relato", text)]

    assert await validate(form, events, active=form) == ({"relato": None}, [])


async def test_story_told_with_the_first_message_is_kept():
    form = "form_relatar_caso"
    text = "fui demitida grávida e não me pagaram"
    heard = [user(text), slot("relato", text)]
    events = [*heard, start_of(form), run_of(form), slot("relato", text)]

    assert await validate(form, events, active=form) == ({"relato": text}, [])


async def test_story_is_not_replaced_by_a_later_answer():
    form = "form_relatar_caso"
    story, since = "fui demitida grávida e não me pagaram", "demitida em março de 2020"
    events = [
        user(story),
        slot("relato", story),
        user(since),
        slot("relato", since),
        slot("desde_quando", since),
        run_of(form),
        slot("relato", since),
        slot("desde_quando", since),
    ]

    found, _ = await validate(form, events, active=form, requested="desde_quando")

    assert found == {"relato": story, "desde_quando": since}


async def test_what_a_broken_off_form_left_behind_is_asked_anew():
    form = "form_agendar_consulta"
    events = [
        user("maria"),
        slot("nome", "Maria"),
        user("divórcio"),
        slot("assunto", "divórcio"),
        user("deixa pra lá"),
        user("quero marcar uma consulta"),
        start_of(form),
        slot("requested_slot", None),
        run_of(form),
        slot("nome", "Maria"),
        slot("assunto", "divórcio"),
    ]

    assert await validate(form, events, active=form) == (
        {"nome": "Maria", "assunto": None},
        [],
    )


async def test_validation_without_any_slot_changes_nothing():
    form = "form_agendar_consulta"
    events = [user("quero marcar"), start_of(form), run_of(form)]

    assert await validate(form, events, active=form) == ({}, [])


@pytest.mark.parametrize("text", ["dia 32", "45/10", "12/13", "terça às 25h", "28:30"])
def test_a_day_or_hour_that_does_not_exist_is_asked_again(text: str) -> None:
    assert read_when(text) is None


@pytest.mark.parametrize(
    "text", ["dia 31", "dia 12/03 às 14h30", "31/12", "às 9h", "amanhã 23:59", "dia 2"]
)
def test_a_day_and_hour_that_exist_are_kept(text: str) -> None:
    assert read_when(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("qual a receita de bolo", True),
        ("posso ser preso por dívida?", True),
        ("oq é habeas corpus", True),
        ("terça às 15h", False),
        ("Maria Quintana", False),
        ("quem sabe terça", True),
    ],
)
def test_a_question_is_told_from_an_answer(text: str, expected: bool) -> None:
    assert is_question(text) is expected

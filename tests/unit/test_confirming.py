"""Answers to a reminder: what plain words mean, and what the actions do with them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.reminder_replies import (
    Reply,
    is_explicit,
    names_another_time,
    reply_to_reminder,
)
from bot.store.effects import AppointmentChange
from tests.unit.desk import HELENA, NOW, PHONE, TUESDAY_AT_15, at

CONFIRMS = """\
sim
Sim!
SIM
siiiim
s
ss
ok
Ok, obrigada
okk
blz
beleza
confirmo
Confirmado
confirmada
CONFIRMADO!!
confirmo sim
cofirmo
comfirmado
conf
confirmo minha presença
Confirmo minha presença amanhã às 15h
confirmar
estarei lá
Estarei ai
esterei la
vou sim
vou
Vou sim, obrigado pelo lembrete
👍
👍🏽
👍👍
✅
🙏
Ok 👍
bom dia, confirmo
Bom dia! Confirmado, até amanhã
oi confirmado viu
pode confirmar
presença confirmada
com certeza
claro
pode contar comigo
to indo
estou a caminho
irei sim
combinado
certo, até lá
perfeito
isso
tá bom
ta certo obg
tudo certo
tudo certo pra amanhã
sim estarei la sem falta
sim senhora
sim doutora
vou comparecer
compareço sim
estarei presente
nos vemos amanha
positivo
fechado
confirmadissimo
vou estar lá se Deus quiser
Ciente
simmm estarei la
ok até amanhã
ok confirmado obrigada dra
confirmado terça-feira 24/11 às 15:30
kkk ok
perfeitooo
showww
""".splitlines()
MOVES = """\
remarcar
quero remarcar
Remarcar por favor
preciso remarcar
posso remarcar?
tem como remarcar?
dá pra mudar o horário?
não vou poder
nao vou poder ir
n vou poder
Não vou conseguir ir
não posso
nao posso ir amanha
não consigo ir
não vai dar
nao da
tive um imprevisto
infelizmente não vou poder comparecer
reagendar
quero outro horário
adiar
pode ser outro dia?
vou ter que remarcar
ñ vou poder ir
""".splitlines()
CANCELS = """\
cancelar
cancela
Cancelar a consulta
quero cancelar
pode cancelar
pode cancelar por favor
desmarcar
desmarca pra mim
cancela minha consulta
vou ter que cancelar
cancele por gentileza
""".splitlines()
DECLINES = """\
não
nao
n
Não, obrigado
nãoo
não vou
não irei
👎
❌
não vou comparecer
nao confirmo
nao vou mais
negativo
""".splitlines()
UNSURE = """\
quero remarcar pra sexta
sim, mas vou me atrasar 10 minutos
qual o endereço?
sim, qual o endereço?
confirmado?
não quero cancelar
não cancela
remarcar pra amanhã
não vou poder ir amanhã, cancela
pode ser amanhã às 10h?
ok mas pode ser às 16h
quanto custa?
vou processar a empresa
estou com um problema no trabalho
não recebi o link
Maria da Silva
oi
obrigado
bom dia
vou levar os documentos
sim e posso levar minha esposa?
amanhã
às 15h
não sei
não entendi
quem é?
que consulta?
1
conforme combinado
estou indo embora daqui
confirmo a presença do meu marido
""".splitlines()


# --- words ------------------------------------------------------------------------


@pytest.mark.parametrize("text", CONFIRMS)
def test_plain_yes_confirms(text):
    assert reply_to_reminder(text) is Reply.CONFIRM


@pytest.mark.parametrize("text", MOVES)
def test_who_cannot_come_or_says_so_wants_another_hour(text):
    assert reply_to_reminder(text) is Reply.MOVE


@pytest.mark.parametrize("text", CANCELS)
def test_who_calls_it_off_cancels(text):
    assert reply_to_reminder(text) is Reply.CANCEL


@pytest.mark.parametrize("text", DECLINES)
def test_bare_no_is_neither_yet(text):
    assert reply_to_reminder(text) is Reply.DECLINE


@pytest.mark.parametrize("text", [*UNSURE, "sim " * 60])
def test_what_says_more_is_left_to_the_intents(text):
    assert reply_to_reminder(text) is None


@pytest.mark.parametrize(
    ("text", "means_it"),
    [("confirmo", True), ("estarei lá", True), ("remarcar", True), ("cancela", True),
     ("sim", False), ("ok", False), ("não", False), ("combinado", False)],
)  # fmt: skip
def test_word_that_names_the_appointment_is_told_from_one_that_fits_anything(
    text, means_it
):
    assert is_explicit(text) is means_it


@pytest.mark.parametrize(
    ("text", "is_other"),
    [("confirmo terça às 15h", False), ("ok amanhã", True), ("ok às 16h", True),
     ("confirmo", False), ("terça", False), ("sexta", True)],
)  # fmt: skip
def test_day_or_hour_that_is_not_the_appointments_is_noticed(text, is_other):
    assert names_another_time(text, TUESDAY_AT_15, NOW) is is_other


# --- actions ----------------------------------------------------------------------


@pytest.fixture
def booked(desk):
    return desk.books(TUESDAY_AT_15, lawyer=HELENA, phone=PHONE)


@pytest.fixture
def talk(desk):
    return desk.talk()


def reminded(booked: int, reply: str = "") -> dict[str, object]:
    """Returns the metadata of a message that answers a reminder."""
    return {"lembrete": {"consulta": booked, "resposta": reply}}


async def yes(talk, booked, text="sim", reply="confirma"):
    read = {"intent": "afirmar", "metadata": reminded(booked, reply)}
    return await talk.runs("action_afirmar", text, **read)


async def no(talk, booked, text="não", reply="nao"):
    read = {"intent": "negar", "metadata": reminded(booked, reply)}
    return await talk.runs("action_negar", text, **read)


async def test_yes_confirms_with_the_turn_and_says_day_and_hour(desk, talk, booked):
    said = await yes(talk, booked)

    assert said.effects == [AppointmentChange("confirmar", booked)]
    assert "terça-feira, 24/11, às 15h" in said.text
    assert HELENA in said.text
    [kept] = desk.calendar()
    assert kept.confirmed_at == talk.now.timestamp()


@pytest.mark.parametrize("text", ["aham pode deixar", "confirmo presença"])
async def test_yes_that_only_the_intent_tells_confirms_too(talk, booked, text):
    said = await yes(talk, booked, text, reply="")

    assert said.responses == ["consulta_confirmada"]


@pytest.mark.parametrize(
    "text", ["sim, mas vou atrasar um pouco", "pode ser amanhã", "sim, às 16h"]
)
async def test_yes_with_a_reserve_or_another_hour_is_asked_about(talk, booked, text):
    said = await yes(talk, booked, text, reply="")

    assert said.responses == ["lembrete_duvida"]
    assert said.effects == []
    assert [each["title"] for each in said.messages[0]["buttons"]] == [
        "Confirmar",
        "Remarcar",
        "Cancelar",
    ]


async def test_yes_to_what_was_moved_meanwhile_is_told(talk, booked):
    said = await yes(talk, booked + 1)

    assert said.responses == ["lembrete_mudou"]
    assert said.effects == []


async def test_nobody_confirms_the_appointment_of_another(desk, booked):
    other = desk.talk(phone="+5511987650077")

    said = await yes(other, booked)

    assert said.responses == ["lembrete_mudou"]


async def test_no_asks_whether_to_move_or_to_cancel(talk, booked):
    said = await no(talk, booked)

    assert said.responses == ["lembrete_nao"]
    assert "*remarcar* ou *cancelar*" in said.text
    payloads = [each["payload"] for each in said.messages[0]["buttons"]]
    assert payloads == [
        f'/remarcar_consulta{{"consulta": "{booked}"}}',
        f'/cancelar_consulta{{"consulta": "{booked}"}}',
    ]


async def test_no_to_nothing_in_particular_does_nothing(talk, booked):
    said = await talk.runs("action_negar", "não", intent="negar")

    assert said.responses == ["negar"]


@pytest.mark.parametrize("flow", ["remarcar_consulta", "cancelar_consulta"])
async def test_form_is_about_the_appointment_that_was_reminded_of(
    desk, talk, booked, flow
):
    desk.books(TUESDAY_AT_15 + timedelta(days=1), lawyer=HELENA, phone=PHONE)

    said = await talk.starts(
        flow, "não vou poder", metadata=reminded(booked, "remarca")
    )

    assert said.slots["qual_consulta"] == booked


async def test_form_asks_which_where_no_reminder_came_before(desk, talk, booked):
    desk.books(TUESDAY_AT_15 + timedelta(days=1), lawyer=HELENA, phone=PHONE)

    said = await talk.starts("cancelar_consulta", "cancela")

    assert said.responses == ["ask_qual_consulta"]


async def test_form_takes_no_appointment_that_is_not_booked_any_more(
    desk, talk, booked
):
    said = await talk.starts(
        "cancelar_consulta", "cancela", metadata=reminded(booked + 7, "cancela")
    )

    assert said.slots["qual_consulta"] == booked


# --- in the middle of a form --------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "intent", "reply"),
    [
        ("confirmo", "afirmar", "confirma"),
        ("aham", "afirmar", ""),
        ("acho que não", "negar", ""),
        ("não", "negar", "nao"),
        ("não posso ir", "remarcar_consulta", "remarca"),
    ],
)
async def test_answer_to_the_reminder_is_none_to_the_form(
    talk, booked, text, intent, reply
):
    await talk.starts("excluir_dados", "apaga meus dados")

    said = await talk.says(text, intent=intent, metadata=reminded(booked, reply))

    assert said.is_left
    assert said.slots["confirmado"] is None


async def test_what_answers_the_forms_question_alone_goes_to_the_form(talk, booked):
    await talk.starts("agendar_consulta", "quero marcar outra consulta")

    said = await talk.says("Ana Prado", names=["Ana Prado"], metadata=reminded(booked))

    assert said.slots["nome"] == "Ana Prado"


async def test_yes_that_names_an_hour_goes_to_the_form(talk, booked):
    await talk.starts(
        "remarcar_consulta", "quero remarcar", metadata=reminded(booked, "remarca")
    )

    said = await talk.says(
        "pode ser dia 25 às 10h", intent="afirmar", metadata=reminded(booked)
    )

    assert said.slots["quando"] == at(25, 10).isoformat()


async def test_form_hears_its_own_word_although_it_answers_a_reminder_too(talk, booked):
    await talk.starts("cancelar_consulta", "cancela")

    said = await talk.says(
        "pode cancelar",
        intent="cancelar_consulta",
        metadata=reminded(booked, "cancela"),
    )

    assert said.responses == ["cancelar_consulta"]


async def test_lawyers_see_who_has_confirmed(desk, talk, booked):
    await yes(talk, booked)
    lawyer = desk.lawyer()

    said = await lawyer.runs(
        "action_ver_agenda", "agenda de terça", intent="ver_agenda"
    )

    assert "(confirmada)" in said.text

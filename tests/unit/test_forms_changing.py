"""Moving, cancelling and showing appointments that are booked already."""

from __future__ import annotations

import pytest

from bot.store.effects import AppointmentChange, Request
from tests.unit.desk import CLARA, HELENA, PHONE, RAFAEL, at, offered

MOVE, CANCEL = "remarcar_consulta", "cancelar_consulta"
TUESDAY, THURSDAY = at(24, 15), at(26, 10)


@pytest.fixture
def talk(desk):
    """Returns a conversation with somebody who has no appointment yet."""
    return desk.talk()


@pytest.fixture
def one(desk, talk):
    """Books one appointment for them; returns its id."""
    return desk.books(TUESDAY, phone=PHONE, subject="divórcio", area="familia")


@pytest.fixture
def two(desk, one):
    """Books a second one, with another lawyer; returns both ids."""
    return one, desk.books(
        THURSDAY, phone=PHONE, lawyer=HELENA, modality="presencial"
    )  # fmt: skip


# --- none ---------------------------------------------------------------------


@pytest.mark.parametrize("flow", [MOVE, CANCEL])
async def test_without_an_appointment_that_is_said_and_one_is_offered(talk, flow):
    said = await talk.starts(flow, "preciso mudar minha consulta")

    assert said.responses == ["sem_agendamento"]
    assert talk.form is None
    assert said.effects == []


@pytest.mark.parametrize("flow", [MOVE, CANCEL])
async def test_other_peoples_appointments_are_not_theirs(desk, talk, flow):
    desk.books(TUESDAY)

    said = await talk.starts(flow, "quero mexer na consulta de terça às 15h")

    assert said.responses == ["sem_agendamento"]


@pytest.mark.parametrize("flow", [MOVE, CANCEL])
async def test_appointment_that_is_over_cannot_be_changed(talk, one, flow):
    talk.now = at(25, 9)

    said = await talk.starts(flow, "quero mexer na minha consulta")

    assert said.responses == ["sem_agendamento"]


async def test_form_notices_that_the_appointment_vanished_meanwhile(desk, talk, one):
    await talk.starts(CANCEL, "cancela minha consulta")
    desk.leaves(talk.id, AppointmentChange("cancelar", one))

    said = await talk.says("sim", intent="afirmar")

    assert said.responses == ["sem_agendamento"]


# --- cancelling ---------------------------------------------------------------


async def test_only_appointment_is_named_before_it_is_cancelled(desk, talk, one):
    said = await talk.starts(CANCEL, "não vou poder ir, cancela")

    assert said.responses == ["ask_confirmado"]
    assert "terça-feira, 24/11, às 15h" in said.text
    assert RAFAEL in said.text
    assert len(desk.calendar("marcada")) == 1


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("sim", "afirmar"),
        ("pode cancelar", CANCEL),
        ("cancela", "nlu_fallback"),
        ("pode cancelar", "nlu_fallback"),
        ("isso mesmo", "informar_dados"),
        ("desmarca por favor", "informar_dados"),
        ("👍", "nlu_fallback"),
    ],
)
async def test_yes_cancels_with_the_turn(desk, talk, one, text, intent):
    await talk.starts(CANCEL, "cancela minha consulta")

    said = await talk.says(text, intent=intent)

    assert said.responses == [CANCEL]
    assert said.effects == [
        AppointmentChange("cancelar", one),
        Request(CANCEL, {"quando": TUESDAY.isoformat()}),
    ]
    assert desk.calendar("marcada") == []


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("não", "negar"),
        ("não, deixa", "negar"),
        ("deixa como está", "nlu_fallback"),
        ("não cancela", CANCEL),
        ("melhor não", "informar_dados"),
    ],
)
async def test_no_leaves_the_appointment(desk, talk, one, text, intent):
    await talk.starts(CANCEL, "cancela minha consulta")

    said = await talk.says(text, intent=intent)

    assert said.responses == ["consulta_mantida"]
    assert len(desk.calendar("marcada")) == 1


async def test_several_are_numbered_and_asked_for(talk, two):
    said = await talk.starts(CANCEL, "cancela minha consulta")

    assert said.responses == ["ask_qual_consulta"]
    assert list(offered(said)) == [
        f"terça-feira, 24/11, às 15h, online (por vídeo), com {RAFAEL}",
        f"quinta-feira, 26/11, às 10h, presencial, com {HELENA}",
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("1", 0),
        ("a segunda", 1),
        ("a de terça", 0),
        ("a das 10h", 1),
        ("a de terça às 15h", 0),
        ("dia 26", 1),
        ("a última", 1),
    ],
)
async def test_one_of_several_is_chosen_by_number_day_or_hour(
    desk, talk, two, text, place
):
    await talk.starts(CANCEL, "cancela minha consulta")
    await talk.says(text)
    await talk.says("sim", intent="afirmar")

    (left,) = desk.calendar("marcada")
    assert left.id == two[1 - place]


@pytest.mark.parametrize("text", ["cancela a de terça", "desmarca a consulta das 15h"])
async def test_one_of_several_may_be_named_in_the_first_message(talk, two, text):
    said = await talk.starts(CANCEL, text)

    assert said.responses == ["ask_confirmado"]
    assert "24/11, às 15h" in said.text


@pytest.mark.parametrize("text", ["3", "xyz", "a de sexta"])
async def test_choice_that_fits_none_is_asked_again(talk, two, text):
    await talk.starts(CANCEL, "cancela minha consulta")

    said = await talk.says(text)

    assert said.responses == ["qual_consulta_invalido", "ask_qual_consulta"]


async def test_both_on_one_day_are_told_apart_by_the_hour(desk, talk, one):
    other = desk.books(at(24, 9), phone=PHONE, lawyer=CLARA)
    said = await talk.starts(CANCEL, "cancela a de terça")
    assert said.responses == ["ask_qual_consulta"]

    await talk.says("a das 9h")
    await talk.says("sim", intent="afirmar")

    assert other not in [each.id for each in desk.calendar("marcada")]


async def test_unclear_answer_to_the_confirmation_cancels_nothing(desk, talk, one):
    await talk.starts(CANCEL, "cancela minha consulta")

    said = await talk.says("talvez", intent="informar_dados")

    assert said.responses == ["confirmado_invalido", "ask_confirmado"]
    assert len(desk.calendar("marcada")) == 1


async def test_question_in_the_middle_of_cancelling_is_left_to_its_rule(talk, one):
    await talk.starts(CANCEL, "cancela minha consulta")

    said = await talk.says("tem multa?", intent="consultar_honorarios")

    assert said.is_left


# --- moving -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("preciso remarcar pra quarta às 10h", "quarta-feira, 25/11, às 10h"),
        ("passa minha consulta pra dia 26 às 16h", "quinta-feira, 26/11, às 16h"),
        (
            "remarcar de terça pra quarta no mesmo horário",
            "quarta-feira, 25/11, às 15h",
        ),
        ("muda a de terça às 15h pra quarta às 9h", "quarta-feira, 25/11, às 9h"),
    ],
)
async def test_new_hour_in_the_first_message_is_confirmed_at_once(talk, one, text, new):
    said = await talk.starts(MOVE, text)

    assert said.responses == ["ask_confirmado"]
    assert "de terça-feira, 24/11, às 15h" in said.text
    assert f"*{new}*" in said.text
    assert RAFAEL in said.text


@pytest.mark.parametrize("text", ["pode mudar", "sim", "isso", "pode remarcar", "ok"])
async def test_yes_moves_with_the_turn_and_frees_the_old_hour(desk, talk, one, text):
    await talk.starts(MOVE, "remarcar pra quarta às 10h")

    said = await talk.says(text, intent="afirmar")

    assert said.responses == [MOVE]
    (new,) = desk.calendar("marcada")
    (old,) = desk.calendar("remarcada")
    assert old.id == one
    assert new.starts_at == at(25, 10).timestamp()
    assert (new.lawyer, new.facts.subject) == (RAFAEL, "divórcio")
    assert said.effects == [
        AppointmentChange("remarcar", one, new.id),
        Request(
            MOVE,
            {"antes": TUESDAY.isoformat(), "quando": at(25, 10).isoformat()},
        ),
    ]


async def test_move_without_a_new_hour_offers_three(talk, one):
    said = await talk.starts(MOVE, "preciso remarcar minha consulta")

    assert said.responses == ["ask_quando"]
    assert len(set(offered(said))) == 3

    said = await talk.says("a segunda opção")

    assert said.responses == ["ask_confirmado"]


async def test_hour_alone_means_the_same_day(talk, one):
    said = await talk.starts(MOVE, "tem como passar minha consulta para as 17h?")

    assert "*terça-feira, 24/11, às 17h*" in said.text


async def test_day_alone_is_asked_for_the_hour(talk, one):
    said = await talk.starts(MOVE, "passa minha consulta pra quarta")

    assert said.responses == ["oferecer_horarios"]
    assert all("25/11" in line for line in offered(said))


async def test_moving_may_overlap_the_old_hour(desk, talk, one):
    said = await talk.starts(MOVE, "pode passar pra terça às 15h30?")
    assert said.responses == ["ask_confirmado"]

    said = await talk.says("sim", intent="afirmar")

    assert said.responses == [MOVE]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("domingo às 10h", "dia_sem_expediente"),
        ("quarta às 23h", "fora_do_horario"),
        ("dia 25/12 às 10h", "feriado"),
        ("dia 25 às 11h", "ocupado"),
    ],
)
async def test_new_hour_that_cannot_be_is_refused_with_three_that_can(
    desk, talk, one, text, reason
):
    desk.books(at(25, 11))

    said = await talk.starts(MOVE, f"remarca pra {text}")

    assert said.responses == [f"quando_{reason}", "oferecer_horarios"]
    assert len(set(offered(said))) == 3
    assert len(desk.calendar("marcada")) == 2


async def test_no_asks_for_another_hour_and_moves_nothing(desk, talk, one):
    await talk.starts(MOVE, "remarcar pra quarta às 10h")

    said = await talk.says("não", intent="negar")

    assert said.responses == ["ask_quando"]
    assert len(set(offered(said))) == 3
    assert [each.id for each in desk.calendar("marcada")] == [one]


@pytest.mark.parametrize("text", ["pode ser outro dia?", "quero outro horário"])
async def test_wish_for_another_hour_is_no_yes(desk, talk, one, text):
    await talk.starts(MOVE, "remarcar pra quarta às 10h")

    said = await talk.says(text, intent="afirmar")

    assert said.responses == ["ask_quando"]
    assert [each.id for each in desk.calendar("marcada")] == [one]


async def test_correction_before_the_yes_is_shown_again(talk, one):
    await talk.starts(MOVE, "remarcar pra quarta às 10h")

    said = await talk.says("na verdade às 16h")

    assert said.responses == ["ask_confirmado"]
    assert "*quarta-feira, 25/11, às 16h*" in said.text


async def test_whoever_is_slower_at_moving_is_told(desk, talk, one):
    await talk.starts(MOVE, "remarcar pra quarta às 10h")
    desk.books(at(25, 10))

    said = await talk.says("sim", intent="afirmar")

    assert said.responses == ["quando_ocupado", "oferecer_horarios"]
    assert one in [each.id for each in desk.calendar("marcada")]


async def test_which_of_several_is_asked_before_the_hour(talk, two):
    said = await talk.starts(MOVE, "preciso remarcar minha consulta")
    assert said.responses == ["ask_qual_consulta"]

    said = await talk.says("a segunda")
    assert said.responses == ["ask_quando"]

    said = await talk.says("quarta às 10h")
    assert "de quinta-feira, 26/11, às 10h" in said.text
    assert "*quarta-feira, 25/11, às 10h*" in said.text
    assert HELENA in said.text


async def test_old_day_chooses_and_new_day_is_the_wish(talk, two):
    said = await talk.starts(MOVE, "passa a de terça pra quarta às 10h")

    assert said.responses == ["ask_confirmado"]
    assert "de terça-feira, 24/11, às 15h" in said.text
    assert "*quarta-feira, 25/11, às 10h*" in said.text


async def test_wish_said_before_the_choice_is_kept(talk, two):
    said = await talk.starts(MOVE, "quero passar minha consulta pra quarta às 10h")
    assert said.responses == ["ask_qual_consulta"]

    said = await talk.says("1")

    assert said.responses == ["ask_confirmado"]
    assert "*quarta-feira, 25/11, às 10h*" in said.text


async def test_offers_after_the_choice_are_of_the_same_lawyer(desk, talk, two):
    for hour in range(9, 18):
        desk.books(at(25, hour), lawyer=HELENA)
    await talk.starts(MOVE, "remarca a do dia 26")

    said = await talk.says("quarta às 10h")

    assert said.responses == ["quando_ocupado", "oferecer_horarios"]


@pytest.mark.parametrize("flow", [MOVE, CANCEL])
async def test_form_without_a_yes_ends_in_silence(talk, one, flow):
    said = await talk.runs(f"action_{flow}")

    assert said.messages == []


# --- showing ------------------------------------------------------------------


async def test_only_appointment_is_told(talk, one):
    said = await talk.runs("action_consultar_agendamento", "quando é minha consulta?")

    assert said.responses == ["consultar_agendamento"]
    assert (
        f"está marcada: terça-feira, 24/11, às 15h, online (por vídeo), com {RAFAEL}."
        in said.text
    )


async def test_all_appointments_are_told_soonest_first(talk, two):
    said = await talk.runs("action_consultar_agendamento", "minhas consultas")

    assert said.responses == ["consultar_agendamentos"]
    assert [line[:5] for line in offered(said)] == ["terça", "quint"]


async def test_nothing_booked_is_said_and_one_offered(talk):
    said = await talk.runs("action_consultar_agendamento", "tenho algo marcado?")

    assert said.responses == ["sem_agendamento"]


async def test_cancelled_appointment_is_shown_no_more(talk, two):
    await talk.starts(CANCEL, "cancela a de terça")
    await talk.says("sim", intent="afirmar")

    said = await talk.runs("action_consultar_agendamento", "que horas é a consulta?")

    assert "26/11" in said.text
    assert "24/11" not in said.text


async def test_question_about_saturday_is_no_wish_for_saturday(talk, one):
    await talk.starts(MOVE, "passa minha consulta pra quinta às 10h")
    wished = talk.slots["quando"]

    await talk.says("vcs abrem sábado?", intent="consultar_horario")

    assert talk.slots["quando"] == wished

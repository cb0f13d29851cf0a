"""Booking an appointment, from the first message to the kept hour."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.names import NLU_FALLBACK, Profile
from bot.store.effects import AppointmentChange, Request
from tests.unit.desk import CLARA, HELENA, NOW, PHONE, RAFAEL, at, offered

FLOW = "agendar_consulta"
CONFIRMATION = "ask_confirmado"
ALL = "quero marcar consulta online sobre divórcio terça às 15h, me chamo Maria Prado"
TOMORROW = "amanhã (quinta-feira, 19/11)"
CPF = "482.193.650-05"


@pytest.fixture
async def talk(desk):
    """Returns a conversation with somebody who never wrote before."""
    return desk.talk()


@pytest.fixture
async def asked_when(talk):
    """Returns a conversation in which the form has just asked for the hour."""
    await talk.starts(
        FLOW, "quero marcar online sobre divórcio, me chamo Maria Prado",
        names=["Maria Prado"],
    )  # fmt: skip
    assert talk.slots["requested_slot"] == "quando"
    return talk


@pytest.fixture
async def asked_yes(talk):
    """Returns a conversation in which the form waits for the last yes."""
    await talk.starts(FLOW, ALL, names=["Maria Prado"])
    assert talk.slots["requested_slot"] == "confirmado"
    return talk


# --- from nothing to a booked hour --------------------------------------------


async def test_whoever_says_nothing_is_asked_one_thing_at_a_time(talk):
    said = [
        await talk.starts(FLOW, "quero marcar uma consulta"),
        await talk.says("maria prado"),
        await talk.says("divórcio"),
        await talk.says("online"),
        await talk.says("terça às 3 da tarde"),
        await talk.says("sim", intent="afirmar"),
    ]

    assert [each.responses for each in said] == [
        ["ask_nome"],
        ["ask_assunto"],
        ["ask_modalidade"],
        ["ask_quando"],
        [CONFIRMATION],
        ["agendar_consulta_online"],
    ]


async def test_everything_in_one_message_goes_straight_to_the_confirmation(talk):
    said = await talk.starts(FLOW, ALL, names=["Maria Prado"])

    assert said.responses == [CONFIRMATION]
    shown = said.of(CONFIRMATION)
    assert shown["nome"] == "Maria Prado"
    assert shown["assunto"] == "família e sucessões"
    assert shown["modalidade"] == "online (por vídeo)"
    assert shown["quando"] == "terça-feira, 24/11, às 15h"
    assert shown["advogado"] == RAFAEL


async def test_several_values_in_an_answer_are_all_taken(talk):
    await talk.starts(FLOW, "quero marcar uma consulta")

    said = await talk.says(
        "Maria Prado, é sobre inventário, presencial, quinta às 10h",
        names=["Maria Prado"],
    )

    assert said.responses == [CONFIRMATION]
    assert said.of(CONFIRMATION)["modalidade"] == "presencial"
    assert said.slots["quando"] == at(19, 10).isoformat()


async def test_wish_said_before_the_rest_is_kept_until_it_can_be_judged(talk):
    await talk.starts(FLOW, "quero marcar uma consulta quinta às 14h")
    await talk.says("Rosângela Lima")
    await talk.says("rescisão")

    said = await talk.says("presencial")

    assert said.responses == [CONFIRMATION]
    assert said.of(CONFIRMATION)["quando"] == f"{TOMORROW}, às 14h"


async def test_day_and_hour_may_come_in_two_messages(asked_when):
    said = await asked_when.says("dia 26")
    assert said.responses == ["oferecer_horarios"]
    assert all("26/11" in line for line in offered(said))

    said = await asked_when.says("às 16h")

    assert said.of(CONFIRMATION)["quando"] == "quinta-feira, 26/11, às 16h"


async def test_hour_first_and_day_after_is_the_same(asked_when):
    await asked_when.says("só posso às 16h")

    said = await asked_when.says("dia 26")

    assert said.of(CONFIRMATION)["quando"] == "quinta-feira, 26/11, às 16h"


@pytest.mark.parametrize(
    ("profile", "asked"),
    [(Profile.CLIENT, "ask_assunto"), (Profile.UNKNOWN, "ask_nome")],
)
async def test_only_a_stranger_is_asked_for_a_name(desk, profile, asked):
    said = await desk.talk(profile, name="Maria Prado").starts(FLOW, "quero marcar")

    assert said.responses == [asked]


async def test_registered_client_is_booked_under_the_registered_name(desk):
    talk = desk.talk(Profile.CLIENT, name="Maria Prado")

    said = await talk.starts(FLOW, "marca online sobre divórcio terça às 15h")

    assert said.of(CONFIRMATION)["nome"] == "Maria Prado"


async def test_name_told_once_is_not_asked_again(asked_yes):
    await asked_yes.says("sim", intent="afirmar")

    said = await asked_yes.starts(FLOW, "marca outra, sobre rescisão, presencial")

    assert said.responses == ["ask_quando"]
    assert said.slots["nome"] == "Maria Prado"


async def test_values_of_the_last_booking_are_gone(asked_yes):
    await asked_yes.says("sim", intent="afirmar")

    said = await asked_yes.starts(FLOW, "quero marcar outra consulta")

    assert said.responses == ["ask_assunto"]


# --- names --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("maria das dores", "Maria das Dores"),
        ("meu nome é João Pedro Lima", "João Pedro Lima"),
        ("é a Marlene", "Marlene"),
        ("JOSÉ DA SILVA", "José da Silva"),
    ],
)
async def test_answer_to_the_question_for_a_name_is_the_name(talk, text, name):
    await talk.starts(FLOW, "quero marcar")

    said = await talk.says(text)

    assert said.slots["nome"] == name


async def test_name_within_a_sentence_is_taken(talk):
    await talk.starts(FLOW, "quero marcar")

    said = await talk.says(
        "pode ser no da minha mãe, Maria Prado, ela que vai",
        names=["Maria Prado"],
    )

    assert said.slots["nome"] == "Maria Prado"


async def test_refused_name_is_explained_and_asked_again(talk):
    await talk.starts(FLOW, "quero marcar")

    said = await talk.says("não quero dizer", intent="negar")

    assert said.responses == ["nome_necessario", "ask_nome"]


async def test_lawyer_named_beside_the_name_is_not_the_name(talk):
    await talk.starts(FLOW, "quero marcar")

    said = await talk.says(
        "Ana Lima, e quero com a dra Helena Modelo",
        names=["Ana Lima", "Helena Modelo"],
    )

    assert said.slots["nome"] == "Ana Lima"
    assert said.slots["advogado"] == HELENA


@pytest.mark.parametrize("text", ["123", "👍", "sim", "x"])
async def test_what_is_no_name_is_asked_again(talk, text):
    await talk.starts(FLOW, "quero marcar")

    said = await talk.says(text)

    assert said.responses == ["nome_invalido", "ask_nome"]


async def test_other_peoples_names_are_not_the_writers(talk):
    said = await talk.starts(
        FLOW, "quero marcar sobre o divórcio do meu pai Pedro Prado",
        names=["Pedro Prado"],
    )  # fmt: skip

    assert said.responses == ["ask_nome"]


# --- subject and area ---------------------------------------------------------


async def test_area_in_the_first_message_is_the_subject(talk):
    await talk.starts(FLOW, "quero marcar sobre aposentadoria")

    said = await talk.says("Maria Prado")

    assert said.responses == ["ask_modalidade"]
    assert said.slots["assunto"] == "previdência (INSS)"


async def test_subject_is_kept_in_the_persons_own_words(talk):
    await talk.starts(FLOW, "quero marcar")
    await talk.says("Maria Prado")

    said = await talk.says("divórcio, meu marido saiu de casa")

    assert said.slots["assunto"] == "divórcio, meu marido saiu de casa"
    assert said.slots["area_direito"] == "familia"


@pytest.mark.parametrize("intent", ["relatar_caso", "consultar_processo", NLU_FALLBACK])
async def test_subject_may_sound_like_another_flow(talk, intent):
    await talk.starts(FLOW, "quero marcar")
    await talk.says("Maria Prado")

    said = await talk.says("fui demitida e não me pagaram", intent=intent)

    assert said.responses == ["ask_modalidade"]


@pytest.mark.parametrize("text", ["quero marcar", "marcar consulta", "agendar"])
async def test_wish_to_book_is_no_subject(talk, text):
    await talk.starts(FLOW, "quero marcar")
    await talk.says("Maria Prado")

    said = await talk.says(text, intent=FLOW)

    assert said.responses[-1] == "ask_assunto"


async def test_area_that_the_office_does_not_handle_is_said_at_once(desk, talk):
    desk.gives_up("criminal")

    said = await talk.starts(FLOW, "quero marcar sobre um inquérito")

    assert said.responses == ["area_nao_atendida"]
    assert talk.form is None


@pytest.mark.parametrize(
    ("subject", "lawyer"),
    [("divórcio", RAFAEL), ("aposentadoria", HELENA), ("inquérito", CLARA)],
)
async def test_subject_decides_who_attends(talk, subject, lawyer):
    said = await talk.starts(
        FLOW, f"marca online sobre {subject} terça às 15h, me chamo Maria Prado",
        names=["Maria Prado"],
    )  # fmt: skip

    assert said.of(CONFIRMATION)["advogado"] == lawyer


@pytest.mark.parametrize("called", ["dra Helena", "doutora helena", "Dra. Helena"])
async def test_lawyer_named_by_the_client_attends(talk, called):
    name = called.split()[-1]

    said = await talk.starts(
        FLOW, f"quero marcar com a {called} sobre divórcio online terça às 15h, "
        "me chamo Maria Prado", names=[name, "Maria Prado"],
    )  # fmt: skip

    assert said.of(CONFIRMATION)["advogado"] == HELENA
    assert said.of(CONFIRMATION)["nome"] == "Maria Prado"


async def test_client_who_is_called_like_a_lawyer_names_nobody(talk):
    await talk.starts(FLOW, "quero marcar sobre divórcio online terça às 15h")

    said = await talk.says("Helena", names=["Helena"])

    assert said.of(CONFIRMATION)["nome"] == "Helena"
    assert said.of(CONFIRMATION)["advogado"] == RAFAEL


# --- details that nobody is asked for -------------------------------------------


@pytest.mark.parametrize("step", [0, 1, 2, 3, 4])
async def test_cpf_and_email_are_taken_whenever_they_come(talk, step):
    answers = ["Maria Prado", "divórcio", "online", "terça às 15h"]
    detail = f"meu cpf é {CPF} e o email maria@exemplo.com.br"
    said = await talk.starts(
        FLOW, "quero marcar" if step else f"quero marcar, {detail}"
    )
    for number, answer in enumerate(answers, start=1):
        if number == step:
            await talk.says(detail)
        said = await talk.says(answer)

    assert said.slots["cpf"] == "48219365005"
    assert said.slots["email"] == "maria@exemplo.com.br"
    assert said.of(CONFIRMATION)["extras"] == (
        "\n• CPF anotado, e-mail maria@exemplo.com.br"
    )


async def test_detail_before_the_yes_is_shown_in_the_confirmation(asked_yes):
    said = await asked_yes.says("meu email é maria@exemplo.com.br")

    assert said.responses == [CONFIRMATION]
    assert "maria@exemplo.com.br" in said.text


async def test_detail_may_come_with_the_yes(asked_yes):
    said = await asked_yes.says(f"sim, e meu cpf é {CPF}", intent="afirmar")

    assert said.responses == ["agendar_consulta_online"]
    assert said.effects[1].facts["cpf"] == "48219365005"  # type: ignore[union-attr]


async def test_cpf_with_wrong_digits_is_said_at_once_and_not_kept(asked_yes):
    said = await asked_yes.says("meu cpf é 482.193.650-06")

    assert said.responses == ["cpf_invalido", CONFIRMATION]
    assert said.of("cpf_invalido")["trecho"] == "482.193.650-06"
    assert said.slots["cpf"] is None


async def test_wrong_cpf_in_the_first_message_does_not_stop_the_booking(talk):
    said = await talk.starts(FLOW, "quero marcar, cpf 482.193.650-06")

    assert said.responses == ["cpf_invalido", "ask_nome"]


async def test_detail_is_no_answer_to_the_question(asked_when):
    said = await asked_when.says("maria@exemplo.com.br")

    assert said.slots["email"] == "maria@exemplo.com.br"
    assert said.responses[-1] in {"ask_quando", "oferecer_horarios"}


# --- hours that cannot be ---------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason", "told"),
    [
        ("hoje às 8h", "passado", ""),
        ("hoje às 11h", "muito_cedo", "2 horas"),
        ("domingo às 10h", "dia_sem_expediente", "aos domingos"),
        ("sábado às 10h", "dia_sem_expediente", "aos sábados"),
        ("segunda às 23h", "fora_do_horario", "9h às 18h"),
        ("segunda às 7h", "fora_do_horario", "9h às 18h"),
        ("segunda às 17h30", "fora_do_horario", "9h às 18h"),
        ("dia 25/12 às 10h", "feriado", "Natal"),
        ("dia 20/11 às 10h", "feriado", "Consciência Negra"),
        ("sexta às 10h", "feriado", "Consciência Negra"),
        ("dia 28/12 às 10h", "fechado", "recesso"),
        ("dia 04/01 às 10h", "fechado", "recesso"),
        ("dia 10 de março às 10h", "muito_longe", "17/01/2027"),
    ],
)
async def test_hour_that_cannot_be_is_refused_with_three_that_can(
    asked_when, text, reason, told
):
    said = await asked_when.says(text)

    assert said.responses == [f"quando_{reason}", "oferecer_horarios"]
    assert told in said.text
    assert len(set(offered(said))) == 3
    assert said.slots["quando"] is None


async def test_hour_of_yesterday_is_said_to_have_passed(asked_when):
    said = await asked_when.says("ontem às 10h")

    assert said.responses == ["quando_passado", "ask_quando"]
    assert len(set(offered(said))) == 3


async def test_busy_hour_is_refused_with_three_that_are_free(desk, asked_when):
    desk.books(at(24, 15))

    said = await asked_when.says("terça às 15h")

    assert said.responses == ["quando_ocupado", "oferecer_horarios"]
    lines = list(offered(said))
    assert len(set(lines)) == 3
    assert "terça-feira, 24/11, às 15h" not in lines
    assert any("24/11" in line for line in lines)


async def test_another_lawyers_hour_is_not_busy(desk, asked_when):
    desk.books(at(24, 15), lawyer=HELENA)

    said = await asked_when.says("terça às 15h")

    assert said.responses == [CONFIRMATION]


async def test_whole_busy_day_is_told_before_the_hour_is_asked(desk, asked_when):
    for hour in range(9, 18):
        desk.books(at(24, hour))

    said = await asked_when.says("terça")

    assert said.responses == ["quando_ocupado", "oferecer_horarios"]
    assert not any("24/11" in line for line in offered(said))


@pytest.mark.parametrize("text", ["dia 32", "dia 31/02", "terça às 25h"])
async def test_day_that_does_not_exist_is_asked_again(asked_when, text):
    said = await asked_when.says(text)

    assert said.responses == ["quando_impossivel", "ask_quando"]
    assert len(set(offered(said))) == 3
    assert said.slots["quando"] is None


async def test_refused_hour_leaves_its_day_for_the_next_answer(asked_when):
    await asked_when.says("segunda às 23h")

    said = await asked_when.says("às 10h")

    assert said.of(CONFIRMATION)["quando"] == "segunda-feira, 23/11, às 10h"


async def test_refused_day_leaves_its_hour_for_the_next_answer(asked_when):
    await asked_when.says("domingo às 10h")

    said = await asked_when.says("então quinta")

    assert said.of(CONFIRMATION)["quando"] == f"{TOMORROW}, às 10h"


async def test_no_free_hour_at_all_asks_for_a_person(desk, asked_when):
    for day in range(60):
        start = at(18, 9) + timedelta(days=day)
        if start.weekday() < 5:
            for hour in range(9):
                desk.books(start + timedelta(hours=hour))

    said = await asked_when.says("terça às 15h")

    assert said.responses == ["quando_ocupado", "sem_horarios"]


@pytest.mark.parametrize("text", ["xyz", "hm", "sei lá viu"])
async def test_answer_without_a_day_is_asked_again_with_an_example(asked_when, text):
    said = await asked_when.says(text, intent=NLU_FALLBACK, confidence=0.3)

    assert said.responses[0] == "quando_invalido"
    assert len(set(offered(said))) == 3


# --- one of the offers --------------------------------------------------------------


async def offers_of(talk):
    """Returns what the form offers to somebody who wants Monday or so."""
    said = await talk.says("segunda às 23h")
    return list(offered(said)), said


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("1", 0),
        ("2", 1),
        ("opção 3", 2),
        ("a primeira", 0),
        ("o segundo", 1),
        ("a segunda", 1),
        ("a segunda opção", 1),
        ("a última", 2),
        ("pode ser o terceiro", 2),
        ("tanto faz", 0),
        ("qualquer um", 0),
        ("o que for melhor", 0),
        ("o mais cedo", 0),
    ],
)
async def test_offer_is_chosen_by_its_place(asked_when, text, place):
    lines, _ = await offers_of(asked_when)

    said = await asked_when.says(text)

    assert said.responses == [CONFIRMATION]
    assert said.of(CONFIRMATION)["quando"] == lines[place]


async def test_offer_is_chosen_by_its_hour(desk, asked_when):
    desk.books(at(24, 15))
    said = await asked_when.says("terça às 15h")
    assert "terça-feira, 24/11, às 16h" in list(offered(said))

    said = await asked_when.says("a das 16h")

    assert said.of(CONFIRMATION)["quando"] == "terça-feira, 24/11, às 16h"


@pytest.mark.parametrize("text", ["segunda", "na segunda", "segunda-feira", "segunda!"])
async def test_segunda_is_monday_where_monday_was_offered(asked_when, text):
    said = await asked_when.says("domingo às 10h")
    monday = "segunda-feira, 23/11, às 10h"
    lines = list(offered(said))
    assert lines.index(monday) != 1

    said = await asked_when.says(text)

    assert said.of(CONFIRMATION)["quando"] == monday


async def test_a_segunda_is_the_second_offer(asked_when):
    lines = list(offered(await asked_when.says("domingo às 10h")))

    said = await asked_when.says("a segunda")

    assert said.of(CONFIRMATION)["quando"] == lines[1]


async def test_weekday_that_was_not_offered_is_a_new_wish(asked_when):
    await asked_when.says("domingo às 10h")

    said = await asked_when.says("melhor dia 26 às 11h")

    assert said.of(CONFIRMATION)["quando"] == "quinta-feira, 26/11, às 11h"


async def test_yes_to_three_offers_is_asked_which(asked_when):
    await asked_when.says("domingo às 10h")

    said = await asked_when.says("sim", intent="afirmar")

    assert said.responses[-1] == "oferecer_horarios"
    assert said.slots["quando"] is None


async def test_first_question_for_the_hour_offers_three_already(asked_when):
    lines = [event["text"] for event in asked_when.events if event["event"] == "bot"]

    assert lines[-1].count("\n1. ") == lines[-1].count("\n3. ") == 1

    said = await asked_when.says("a primeira")

    assert said.responses == [CONFIRMATION]


async def test_part_of_the_day_gets_offers_of_that_part(asked_when):
    said = await asked_when.says("quinta de manhã")

    hours = [int(line.rsplit("às ", 1)[1].split("h")[0]) for line in offered(said)]
    assert all(hour < 12 for hour in hours)
    assert any("19/11" in line for line in offered(said))


async def test_offer_of_the_afternoon_is_not_chosen_by_a_wish_for_the_morning(
    asked_when,
):
    said = await asked_when.says("a de segunda de manhã")

    assert said.responses == ["oferecer_horarios"]
    assert next(offered(said)).startswith("segunda-feira, 23/11")


# --- corrections before the yes -----------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pensando melhor, quinta", {"quando": f"{TOMORROW}, às 15h"}),
        ("na verdade às 16h", {"quando": "terça-feira, 24/11, às 16h"}),
        ("não, quinta às 10h", {"quando": f"{TOMORROW}, às 10h"}),
        ("melhor presencial", {"modalidade": "presencial"}),
        ("não, quero pessoalmente", {"modalidade": "presencial"}),
        ("é sobre aposentadoria", {"assunto": "previdência (INSS)"}),
        ("não é divórcio, é aposentadoria", {"assunto": "previdência (INSS)"}),
        ("sim, mas às 16h", {"quando": "terça-feira, 24/11, às 16h"}),
        ("pode ser, mas presencial", {"modalidade": "presencial"}),
    ],
)
@pytest.mark.parametrize("intent", ["informar_dados", "negar", NLU_FALLBACK])
async def test_correction_is_shown_again_and_the_rest_is_kept(
    asked_yes, text, shown, intent
):
    said = await asked_yes.says(text, intent=intent)

    assert said.responses == [CONFIRMATION]
    kept = {"nome": "Maria Prado", "modalidade": "online (por vídeo)",
            "quando": "terça-feira, 24/11, às 15h"} | shown  # fmt: skip
    assert kept.items() <= said.of(CONFIRMATION).items()


async def test_name_is_corrected_by_saying_who_one_is(asked_yes):
    said = await asked_yes.says("meu nome é Mariana Prado", names=["Mariana Prado"])

    assert said.of(CONFIRMATION)["nome"] == "Mariana Prado"


async def test_new_subject_may_change_the_lawyer_and_the_hour_is_judged_anew(
    desk, asked_yes
):
    desk.books(at(24, 15), lawyer=HELENA)

    said = await asked_yes.says("na verdade é sobre aposentadoria")

    assert said.responses == ["quando_ocupado", "oferecer_horarios"]
    assert said.slots["area_direito"] == "previdenciario"


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("o nome está errado", "ask_nome"),
        ("quero mudar o assunto", "ask_assunto"),
        ("muda o horário", "ask_quando"),
        ("outro dia", "ask_quando"),
        ("pode ser outro dia", "ask_quando"),
        ("quero mudar o horário", "ask_quando"),
        ("pode trocar o nome", "ask_nome"),
        ("sim, mas outro horário", "ask_quando"),
    ],
)
@pytest.mark.parametrize("intent", ["negar", "afirmar", NLU_FALLBACK])
async def test_slot_that_is_named_is_asked_again(asked_yes, text, asked, intent):
    said = await asked_yes.says(text, intent=intent)

    assert said.responses == [asked]


async def test_plain_no_asks_what_to_change(asked_yes):
    said = await asked_yes.says("não", intent="negar")
    assert said.responses == ["o_que_mudar"]

    said = await asked_yes.says("o nome", intent=NLU_FALLBACK, confidence=0.3)
    assert said.responses == ["ask_nome"]

    said = await asked_yes.says("Mariana Prado")
    assert said.of(CONFIRMATION)["nome"] == "Mariana Prado"


async def test_yes_after_a_no_books(asked_yes):
    await asked_yes.says("não", intent="negar")

    said = await asked_yes.says("tá certo assim, pode marcar", intent="afirmar")

    assert said.responses == ["agendar_consulta_online"]


async def test_refused_correction_is_told_and_nothing_is_held(desk, asked_yes):
    said = await asked_yes.says("melhor domingo")

    assert said.responses == ["quando_dia_sem_expediente", "oferecer_horarios"]
    assert desk.calendar() == []


async def test_wish_to_cancel_in_the_middle_ends_the_booking(asked_yes):
    said = await asked_yes.says("cancela", intent="cancelar_consulta")

    assert said.responses == ["interromper"]
    assert asked_yes.form is None


# --- questions in the middle ----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("quanto custa a consulta?", "consultar_honorarios"),
        ("onde fica o escritório?", "consultar_endereco"),
        ("vcs abrem sábado?", "consultar_horario"),
        ("que documentos preciso levar?", "consultar_documentos"),
        ("você é um robô?", "perguntar_identidade"),
        ("obrigada", "agradecer"),
        ("obrigada, até amanhã", "despedir"),
        ("saiu algo do meu processo hoje?", "consultar_processo"),
        ("mando o contrato amanhã", "enviar_documento"),
        ("oi", "saudar"),
        ("posso ser preso por dívida?", NLU_FALLBACK),
    ],
)
@pytest.mark.parametrize(
    "asked", ["nome", "assunto", "modalidade", "quando", "confirmado"]
)
async def test_question_in_the_middle_leaves_the_form_untouched(
    talk, text, intent, asked
):
    await talk.starts(FLOW, "quero marcar")
    for answer in ("Maria Prado", "divórcio", "online", "terça às 15h"):
        if talk.slots["requested_slot"] != asked:
            await talk.says(answer)
    before = dict(talk.slots)

    said = await talk.says(text, intent=intent)

    assert said.is_left
    assert said.messages == []
    assert talk.slots == before


async def test_form_asks_again_after_the_answer(asked_when):
    await asked_when.says("quanto custa?", intent="consultar_honorarios")

    said = await asked_when.resumes("utter_consultar_honorarios")

    assert said.responses == ["ask_quando"]
    assert asked_when.form == "form_agendar_consulta"


async def test_question_that_names_the_hour_is_answered_and_heard(asked_when):
    said = await asked_when.says(
        "vocês atendem terça às 15h?", intent="consultar_horario"
    )

    assert said.responses == ["consultar_horario", CONFIRMATION]


async def test_question_with_an_area_is_no_new_subject(asked_yes):
    said = await asked_yes.says(
        "quais documentos para aposentadoria?", intent="consultar_documentos"
    )

    assert said.is_left


# --- the yes ------------------------------------------------------------------


@pytest.mark.parametrize("text", ["sim", "pode marcar", "isso", "👍", "ok", "confirmo"])
async def test_yes_books_the_hour_with_the_turn(desk, asked_yes, text):
    said = await asked_yes.says(text, intent="afirmar")

    (booked,) = desk.calendar("marcada")
    assert booked.starts_at == at(24, 15).timestamp()
    assert booked.ends_at == at(24, 16).timestamp()
    assert (booked.lawyer, booked.conversation_id) == (RAFAEL, asked_yes.id)
    assert booked.facts.modality == "online"
    assert booked.facts.person_name == "Maria Prado"
    assert booked.facts.area == "familia"
    assert said.effects == [
        AppointmentChange("marcar", booked.id),
        Request(
            FLOW,
            {
                "nome": "Maria Prado",
                "assunto": "família e sucessões",
                "modalidade": "online",
                "quando": at(24, 15).isoformat(),
                "advogado": RAFAEL,
                "cpf": None,
                "email": None,
            },
        ),
    ]


async def test_yes_is_understood_whatever_the_intent_says(desk, asked_yes):
    await asked_yes.says("sim", intent=NLU_FALLBACK, confidence=0.3)

    assert len(desk.calendar("marcada")) == 1


async def test_hour_is_held_before_the_person_is_told(desk, asked_yes):
    asked_yes.hears("sim", intent="afirmar")
    asked_yes.desk.leaves = lambda *_, **__: None  # the turn is never committed
    await asked_yes._runs_form(is_start=False)

    (held,) = desk.calendar()
    assert held.status == "reservada"
    assert held.held_until == (NOW + timedelta(minutes=10)).timestamp()


async def test_nothing_is_held_before_the_yes(desk, asked_yes):
    assert desk.calendar() == []


async def test_online_booking_promises_a_link_and_a_presencial_one_the_address(talk):
    text = ALL.replace("online", "presencial")
    await talk.starts(FLOW, text, names=["Maria Prado"])

    said = await talk.says("sim", intent="afirmar")

    assert said.responses == ["agendar_consulta_presencial"]
    assert "Avenida Exemplo" in said.text


async def test_whoever_is_slower_is_told_and_gets_other_hours(desk, asked_yes):
    desk.books(at(24, 15))

    said = await asked_yes.says("sim", intent="afirmar")

    assert said.responses == ["quando_ocupado", "oferecer_horarios"]
    assert len(set(offered(said))) == 3
    assert len(desk.calendar()) == 1


async def test_hour_that_somebody_else_is_about_to_confirm_is_taken(desk):
    first, second = desk.talk(), desk.talk(phone="+5511987650002")
    for talk in (first, second):
        await talk.starts(FLOW, ALL, names=["Maria Prado"])
    first.hears("sim", intent="afirmar")
    kept, desk.leaves = desk.leaves, lambda *_, **__: None
    await first._runs_form(is_start=False)
    desk.leaves = kept

    said = await second.says("sim", intent="afirmar")

    assert said.responses == ["quando_ocupado", "oferecer_horarios"]


async def test_late_yes_to_an_hour_that_has_passed_is_refused(desk, asked_yes):
    asked_yes.waits(days=7)

    said = await asked_yes.says("sim", intent="afirmar")

    assert said.responses == ["quando_passado", "oferecer_horarios"]
    assert desk.calendar() == []


async def test_form_without_a_yes_ends_in_silence(desk, talk):
    said = await talk.runs("action_agendar_consulta")

    assert said.messages == []
    assert desk.calendar() == []


async def test_two_bookings_of_one_person_do_not_disturb_each_other(desk, asked_yes):
    await asked_yes.says("sim", intent="afirmar")
    await asked_yes.starts(FLOW, "marca presencial sobre divórcio quinta às 10h")
    await asked_yes.says("sim", intent="afirmar")

    starts = [each.starts_at for each in desk.calendar("marcada")]
    assert starts == [at(19, 10).timestamp(), at(24, 15).timestamp()]


async def test_booked_hour_is_busy_for_the_same_person_too(asked_yes):
    await asked_yes.says("sim", intent="afirmar")

    said = await asked_yes.starts(FLOW, "marca online sobre divórcio terça às 15h")

    assert said.responses == ["quando_ocupado", "oferecer_horarios"]


async def test_number_of_the_writer_is_never_needed(asked_yes):
    assert PHONE not in str(asked_yes.slots)


# --- what else may be meant in the middle -------------------------------------


async def test_lawyers_command_from_a_client_loses_nothing_of_the_form(asked_yes):
    said = await asked_yes.says(
        "marca audiência na 3ª vara", intent="criar_compromisso"
    )

    assert said.responses[0] == "so_para_advogados"
    assert asked_yes.slots["nome"] == "Maria Prado"
    assert asked_yes.slots["requested_slot"] == "confirmado"


async def test_cancelling_what_is_not_yet_booked_ends_the_booking(asked_when):
    said = await asked_when.says(
        "não vou poder ir amanhã, cancela", intent="cancelar_consulta"
    )

    assert said.responses == ["interromper"]
    assert asked_when.form is None
    assert said.effects == []


async def test_name_instead_of_a_subject_corrects_the_name(talk):
    await talk.starts(FLOW, "quero marcar, me chamo Fulana", names=["Fulana"])

    await talk.says("Ana Beatriz", names=["Ana Beatriz"])

    assert talk.slots["nome"] == "Ana Beatriz"
    assert talk.slots["requested_slot"] == "assunto"

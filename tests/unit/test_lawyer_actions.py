"""What lawyers see and do: their agenda, commitments, clients, sheets, files."""

from __future__ import annotations

from datetime import timedelta

import pytest

from actions.conversation import SHELL_LAWYER
from bot.core.names import LAWYER_INTENTS, Profile
from bot.store.effects import Commitment, Handoff, OwnerChange, Request
from tests.unit.desk import HELENA, NOW, RAFAEL, at, offered

AGENDA, COMMITMENT = "ver_agenda", "criar_compromisso"
FORMS = sorted(set(LAWYER_INTENTS) - {AGENDA, "ver_contatos_novos"})
PERSON_FORMS = ["resumir_atendimento", "assumir_atendimento", "devolver_atendimento"]


@pytest.fixture
def helena(desk):
    """Returns a conversation with the lawyer Helena Modelo."""
    return desk.lawyer()


# --- lawyers only -------------------------------------------------------------------


@pytest.mark.parametrize("profile", [Profile.CLIENT, Profile.UNKNOWN])
@pytest.mark.parametrize("flow", FORMS)
async def test_client_is_refused_a_form_politely_and_nothing_is_left(
    desk, flow, profile
):
    desk.writes("+5511987650002", "oi", "Marcos Souza")
    talk = desk.talk(profile)

    said = await talk.starts(flow, "deixa que eu falo com o Marcos Souza amanhã às 14h")

    assert said.responses == ["so_para_advogados"]
    assert said.effects == []
    assert talk.form is None


@pytest.mark.parametrize("profile", [Profile.CLIENT, Profile.UNKNOWN])
@pytest.mark.parametrize("flow", LAWYER_INTENTS)
async def test_client_is_refused_the_action_itself_too(desk, flow, profile):
    desk.writes("+5511987650002", "oi", "Marcos Souza")
    talk = desk.talk(profile)
    talk.slots = {"pessoa": "x", "titulo": "x", "planilha": "x", "confirmado": "sim"}
    talk.hears("oi")
    before = desk.counts()

    said = await talk.runs(f"action_{flow}", "resume o Marcos Souza")

    assert set(said.responses) <= {"so_para_advogados"}  # or said by its form
    assert said.effects == []
    assert desk.counts() == before


async def test_designer_may_be_a_lawyer_in_the_shell(desk):
    talk = desk.talk()
    talk.hears("oi")
    talk.id = SHELL_LAWYER
    talk.desk.writes = lambda *_, **__: SHELL_LAWYER  # the shell has no database
    talk.desk.leaves = lambda *_, **__: None

    said = await talk.runs(f"action_{AGENDA}", "minha agenda")

    assert said.responses == ["ver_agenda_vazia"]


# --- agenda ---------------------------------------------------------------------------


@pytest.fixture
def week(desk):
    """Books Helena's tomorrow, her Tuesday, her day in ten days; and Rafael's."""
    desk.books(at(19, 9), lawyer=HELENA, person_name="Ana Lima", subject="INSS")
    desk.books(at(24, 15), lawyer=HELENA, modality="presencial", person_name="Zé")
    desk.books(at(28, 9), lawyer=HELENA, person_name="Longe")
    desk.books(at(19, 14), lawyer=RAFAEL, person_name="Do Rafael")


async def test_agenda_without_a_day_is_of_the_next_seven_days(helena, week):
    said = await helena.runs(f"action_{AGENDA}", "qual minha agenda?")

    assert said.of(AGENDA)["periodo"] == "18/11 a 24/11"
    assert said.of(AGENDA)["lista"].splitlines() == [
        "*amanhã (quinta-feira, 19/11)*",
        "• 09:00 consulta online: Ana Lima, INSS",
        "*terça-feira, 24/11*",
        "• 15:00 consulta presencial: Zé",
    ]


@pytest.mark.parametrize(
    ("text", "period", "names"),
    [
        ("o que tenho amanhã?", "amanhã, 19/11", ["Ana Lima"]),
        ("agenda de terça", "24/11", ["Zé"]),
        ("minha agenda do dia 28", "28/11", ["Longe"]),
        ("minha agenda da semana que vem", "23/11 a 29/11", ["Zé", "Longe"]),
        ("o que tenho terça ou sábado?", "21/11 a 24/11", ["Zé"]),
    ],
)
async def test_agenda_is_of_the_day_that_is_named(helena, week, text, period, names):
    said = await helena.runs(f"action_{AGENDA}", text)

    assert said.of(AGENDA)["periodo"] == period
    told = [name for name in ("Ana Lima", "Zé", "Longe", "Rafael") if name in said.text]
    assert told == names


@pytest.mark.parametrize("text", ["o que tenho hoje?", "tenho algo hoje à tarde?"])
async def test_empty_day_is_said(helena, week, text):
    said = await helena.runs(f"action_{AGENDA}", text)

    assert said.responses == ["ver_agenda_vazia"]
    assert "hoje, 18/11" in said.text


async def test_whoever_is_no_lawyer_of_the_file_sees_the_whole_office(desk, week):
    said = await desk.lawyer("Secretária").runs(f"action_{AGENDA}", "agenda de amanhã")

    lines = said.of(AGENDA)["lista"].splitlines()
    assert lines[1:] == [
        f"• 09:00 consulta online: Ana Lima, INSS — {HELENA}",
        f"• 14:00 consulta online: Do Rafael — {RAFAEL}",
    ]


async def test_agenda_says_that_it_is_the_local_one(helena, week):
    said = await helena.runs(f"action_{AGENDA}", "agenda de amanhã")

    assert "Google Calendar ainda não está conectado" in said.text


# --- commitments ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "title", "when"),
    [
        ("marca audiência dia 12/12 às 14h na 3ª vara", "audiência na 3ª vara",
         "sábado, 12/12, às 14h"),
        ("marca audiência amanhã às 14h na 3ª vara", "audiência na 3ª vara",
         "amanhã (quinta-feira, 19/11), às 14h"),
        ("põe na agenda reunião com o perito terça às 9h", "reunião com o perito",
         "terça-feira, 24/11, às 9h"),
        ("agenda aí prazo de réplica pra terça às 17h", "prazo de réplica",
         "terça-feira, 24/11, às 17h"),
        ("tenho almoço com a Carla amanhã ao meio-dia", "almoço com a Carla",
         "amanhã (quinta-feira, 19/11), às 12h"),
        ("anota: despacho com o juiz, terça 10h", "despacho com o juiz",
         "terça-feira, 24/11, às 10h"),
        ("Bom dia! Marca uma perícia terça às 8h30, por favor", "perícia",
         "terça-feira, 24/11, às 8h30"),
        ("lembra de ligar pro João terça às 16h", "ligar pro João",
         "terça-feira, 24/11, às 16h"),
        ("marca  audiência   terça às  14h", "audiência",
         "terça-feira, 24/11, às 14h"),
        ("terça às 14h audiência de conciliação", "audiência de conciliação",
         "terça-feira, 24/11, às 14h"),
        ("reserva sábado às 22h pro jantar da OAB", "jantar da OAB",
         "sábado, 21/11, às 22h"),
    ],
)  # fmt: skip
async def test_title_and_hour_come_out_of_one_sentence(helena, command, title, when):
    said = await helena.starts(COMMITMENT, command)

    assert said.responses == ["ask_confirmado"]
    shown = said.of("ask_confirmado")
    assert (shown["titulo"], shown["quando"]) == (title, when)
    assert shown["conflitos"] == ""


async def test_yes_puts_it_on_the_agenda_with_the_turn(desk, helena):
    await helena.starts(COMMITMENT, "marca audiência terça às 14h")
    assert desk.calendar() == []

    said = await helena.says("sim", intent="afirmar")

    assert said.responses == [COMMITMENT]
    assert "Google Calendar ainda não está conectado" in said.text
    assert {type(effect) for effect in said.effects} == {Commitment, Request}
    (kept,) = desk.calendar("marcada")
    assert (kept.facts.kind, kept.facts.title) == ("compromisso", "audiência")
    assert (kept.lawyer, kept.starts_at) == (HELENA, at(24, 14).timestamp())


async def test_commitment_makes_the_hour_busy_for_clients(desk, helena):
    await helena.starts(COMMITMENT, "marca audiência terça às 14h")
    await helena.says("sim", intent="afirmar")

    said = await desk.talk().starts(
        "agendar_consulta",
        "marca online sobre aposentadoria terça às 14h, me chamo Ana Lima",
        names=["Ana Lima"],
    )

    assert said.responses == ["quando_ocupado", "oferecer_horarios"]


async def test_commitment_stands_on_the_agenda_by_its_title(helena):
    await helena.starts(COMMITMENT, "marca audiência terça às 14h")
    await helena.says("sim", intent="afirmar")

    said = await helena.runs(f"action_{AGENDA}", "agenda de terça")

    assert "• 14:00 audiência" in said.text


async def test_clash_is_shown_and_does_not_forbid(desk, helena):
    desk.books(at(24, 14), lawyer=HELENA, person_name="Ana Lima")

    said = await helena.starts(COMMITMENT, "marca audiência terça às 14h30")
    assert "já há consulta online: Ana Lima nesse horário" in said.text

    said = await helena.says("sim", intent="afirmar")
    assert said.responses == [COMMITMENT]
    assert len(desk.calendar("marcada")) == 2


async def test_neighbouring_hours_and_other_lawyers_are_no_clash(desk, helena):
    desk.books(at(24, 13), lawyer=HELENA)
    desk.books(at(24, 15), lawyer=HELENA)
    desk.books(at(24, 14), lawyer=RAFAEL)

    said = await helena.starts(COMMITMENT, "marca audiência terça às 14h")

    assert said.of("ask_confirmado")["conflitos"] == ""


@pytest.mark.parametrize(
    ("command", "asked", "answer"),
    [
        ("põe prazo de réplica na minha agenda", "ask_quando", "terça às 17h"),
        ("marca prazo de réplica terça", "ask_hora_compromisso", "17h"),
        ("marca prazo de réplica terça", "ask_hora_compromisso", "às 5 da tarde"),
        ("marca prazo de réplica às 17h", "ask_dia_compromisso", "terça"),
    ],
)
async def test_only_what_is_missing_is_asked(helena, command, asked, answer):
    said = await helena.starts(COMMITMENT, command)
    assert said.responses == [asked]

    said = await helena.says(answer)

    assert said.of("ask_confirmado")["titulo"] == "prazo de réplica"
    assert said.of("ask_confirmado")["quando"] == "terça-feira, 24/11, às 17h"


async def test_commitment_without_a_title_is_asked_for_it(helena):
    said = await helena.starts(COMMITMENT, "marca um compromisso terça às 17h")
    assert said.responses == ["ask_titulo"]

    said = await helena.says("reunião com o perito")

    assert said.of("ask_confirmado")["titulo"] == "reunião com o perito"


async def test_hour_that_has_passed_is_refused(helena):
    said = await helena.starts(COMMITMENT, "marca audiência hoje às 8h")

    assert said.responses == ["quando_passado", "ask_quando"]


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("na verdade às 16h", "terça-feira, 24/11, às 16h"),
        ("não, dia 26", "quinta-feira, 26/11, às 14h"),
    ],
)
async def test_hour_is_corrected_before_the_yes(helena, text, when):
    await helena.starts(COMMITMENT, "marca audiência terça às 14h")

    said = await helena.says(text)

    assert said.of("ask_confirmado")["quando"] == when


async def test_no_discards_it(desk, helena):
    await helena.starts(COMMITMENT, "marca audiência terça às 14h")

    said = await helena.says("não", intent="negar")

    assert said.responses == ["compromisso_descartado"]
    assert desk.calendar() == []


async def test_question_in_the_middle_of_a_commitment_is_left_to_its_rule(helena):
    await helena.starts(COMMITMENT, "põe prazo de réplica na minha agenda")

    said = await helena.says("quem escreveu hoje?", intent="ver_contatos_novos")

    assert said.is_left


# --- clients by name ---------------------------------------------------------------


@pytest.mark.parametrize("flow", PERSON_FORMS)
async def test_person_named_in_the_command_is_found(desk, helena, flow):
    desk.writes("+5511987650002", "preciso de ajuda", "Marcos Souza")

    said = await helena.starts(flow, "deixa que eu falo com o Marcos")

    assert said.responses == [flow]
    assert "Marcos Souza" in said.text


@pytest.mark.parametrize("flow", PERSON_FORMS)
async def test_command_without_a_name_is_asked_for_one(desk, helena, flow):
    desk.writes("+5511987650002", "oi", "Marcos Souza")
    said = await helena.starts(flow, "resume a conversa")
    assert said.responses == ["ask_pessoa"]

    said = await helena.says("Marcos Souza", names=["Marcos Souza"])

    assert said.responses == [flow]


@pytest.mark.parametrize("flow", PERSON_FORMS)
async def test_unknown_name_is_said_and_asked_again(desk, helena, flow):
    desk.writes("+5511987650002", "oi", "Marcos Souza")

    said = await helena.starts(flow, "assumir Zoroastro")

    assert said.responses == ["pessoa_nao_encontrada", "ask_pessoa"]
    assert "Zoroastro" in said.text
    assert said.effects == []


@pytest.mark.parametrize("flow", PERSON_FORMS)
@pytest.mark.parametrize("answer", ["2", "a segunda", "Marcos Lima"])
async def test_ambiguous_name_is_settled_by_number_or_full_name(
    desk, helena, flow, answer
):
    desk.writes("+5511987650003", "oi", "Marcos Lima", when=NOW.timestamp() - 60)
    desk.writes("+5511987650002", "oi", "Marcos Souza")
    said = await helena.starts(flow, "quero o Marcos")
    assert said.responses == ["pessoa_ambigua", "ask_pessoa"]
    assert list(offered(said)) == ["Marcos Souza", "Marcos Lima"]
    assert said.effects == []

    said = await helena.says(answer)

    assert said.responses == [flow]
    assert "Marcos Lima" in said.text


@pytest.mark.parametrize(
    ("flow", "owner"),
    [("assumir_atendimento", "pessoa"), ("devolver_atendimento", "robo")],
)
async def test_change_of_owner_rides_on_the_answer(desk, helena, flow, owner):
    client = desk.writes("+5511987650002", "oi", "Marcos")

    said = await helena.starts(flow, "o Marcos, por favor")

    assert said.effects == [OwnerChange(client, owner)]


async def test_next_command_does_not_keep_the_last_person(desk, helena):
    desk.writes("+5511987650002", "oi", "Marcos")
    await helena.starts("resumir_atendimento", "resume o Marcos")

    said = await helena.starts("resumir_atendimento", "resume a conversa")

    assert said.responses == ["ask_pessoa"]


async def test_question_in_the_middle_is_no_name(desk, helena):
    desk.writes("+5511987650002", "oi", "Marcos")
    await helena.starts("assumir_atendimento", "assumir atendimento")

    said = await helena.says("qual minha agenda de amanhã?", intent=AGENDA)

    assert said.is_left


async def test_new_contacts_begin_with_the_urgent_one_however_many_wrote(desk, helena):
    def ago(**passed: float) -> float:
        return (NOW - timedelta(**passed)).timestamp()

    urgent = desk.writes("+5511987650000", "socorro", "Dona Lúcia", when=ago(hours=1))
    desk.leaves(urgent, Handoff("relatar_urgencia", is_urgent=True))
    for number in range(15):
        phone = f"+55119876501{number:02d}"
        desk.writes(phone, "oi", f"Pessoa {number}", when=ago(seconds=number))
    desk.writes("+5511987650299", "oi", "Há dias", when=ago(hours=25))

    said = await helena.runs("action_ver_contatos_novos", "quem escreveu?")

    lines = said.of("ver_contatos_novos")["lista"].splitlines()
    assert lines[0] == (
        "• 🔴 Dona Lúcia, 09h00 — aguarda uma pessoa (relatou uma urgência): “socorro”"
    )
    assert lines[1] == "• Pessoa 0, 10h00: “oi”"
    assert len(lines) == 11
    assert lines[-1] == "• … e mais gente; veja todos no painel"
    assert "Há dias" not in said.text


async def test_lawyer_is_no_new_contact_of_their_own(helena):
    said = await helena.runs("action_ver_contatos_novos", "quem escreveu hoje?")

    assert said.responses == ["ver_contatos_novos_vazio"]

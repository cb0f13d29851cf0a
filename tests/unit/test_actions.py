"""Every action against a real database: what it says and what it leaves."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import sqlalchemy as sa
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import ActionExecutionRejection

from actions.base import AssistantAction
from actions.conversation import SHELL_LAWYER, conversation_of
from actions.lawyers import name_in
from actions.registry import build_actions
from actions.services import Services, open_services
from bot.core.errors import AssistantError, DependencyError, UserInputError
from bot.core.names import LAWYER_INTENTS, Profile
from bot.core.settings import load_settings
from bot.store import effects, inbox, office_desk, people, turns
from bot.store.database import reading, writing
from bot.store.effects import Handoff, Origin, OwnerChange, Request, parse
from bot.store.schema import conversation, handoff, outbox, request
from bot.store.turns import Outcome, Outgoing

CLIENTS = (Profile.CLIENT, Profile.UNKNOWN)


class Desk:
    """An office with a database; says commands to actions as Rasa would."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.engine = services.engine
        self.actions = {action.name(): action for action in build_actions(services)}
        self.messages = 0

    def writes(self, phone: str, text: str, name: str = "", *, at: float = 0.0) -> str:
        """Stores a message; returns the id of the conversation."""
        self.messages += 1
        message = inbox.InboundMessage(
            message_sid=f"SM{self.messages}",
            account_sid="AC",
            address=f"whatsapp:{phone}",
            text=text,
            source="api",
            display_name=name,
        )
        with writing(self.engine) as connection:
            stored = inbox.accept(connection, message, now=at or time.time())
        return stored.conversation_id

    def leaves(self, conversation_id: str, *left: effects.Effect) -> None:
        """Writes effects, as a committed turn does."""
        with writing(self.engine) as connection:
            query = sa.select(sa.func.max(inbox.inbox.c.id)).where(
                inbox.inbox.c.conversation_id == conversation_id
            )
            newest = connection.execute(query).scalar_one()
            known = connection.execute(sa.select(sa.func.count(request.c.id)))
            first = known.scalar_one()
            for ordinal, effect in enumerate(left, start=first):
                origin = Origin(conversation_id, newest, ordinal)
                effects.apply(connection, effect, origin, now=time.time())

    def registers(self, phone: str, name: str, profile: Profile) -> None:
        """Enters somebody in the directory."""
        with writing(self.engine) as connection:
            people.save(connection, people.Person(phone, name, profile), now=1.0)

    def counts(self) -> tuple[int, ...]:
        """Returns how many rows stand in what actions could change."""
        tables = (request, handoff, conversation, outbox)
        with reading(self.engine) as connection:
            return tuple(
                connection.execute(sa.select(sa.func.count()).select_from(t)).scalar()
                for t in tables
            )

    async def run(
        self,
        name: str,
        text: str = "",
        *,
        profile: Profile = Profile.UNKNOWN,
        sender: str = "conversa",
        kind: str = "text",
        **slots: Any,
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Returns what an action says and its events."""
        return await run(
            self.actions[name],
            text,
            sender=sender,
            metadata={"tipo_usuario": profile.value, "tipo": kind},
            slots=slots,
        )


async def run(action, text="", *, sender="conversa", metadata=None, slots=None):
    """Runs an action with the SDK's own tracker and dispatcher."""
    tracker = Tracker(
        sender_id=sender,
        slots=slots or {},
        latest_message={"text": text, "metadata": metadata or {}},
        events=[{"event": "user", "text": text}],
        paused=False,
        followup_action=None,
        active_loop={},
        latest_action_name=None,
    )
    dispatcher = CollectingDispatcher()
    events = await action.run(dispatcher, tracker, {})
    json.dumps([dispatcher.messages, events])  # must cross HTTP
    return dispatcher.messages, events


@pytest.fixture
async def desk(tmp_path):
    settings = load_settings(
        {"DATABASE_URL": f"sqlite:///{tmp_path}/acoes.db", "OLLAMA_HOST": ""},
        folder=tmp_path,
    )
    async with open_services(settings) as services:
        yield Desk(services)


def left(said) -> list[effects.Effect]:
    """Returns the effects that ride on the only answer."""
    (message,) = said
    return [parse(raw) for raw in message.get("efeitos", [])]


# --- the boundary -------------------------------------------------------------


class Raising(AssistantAction):
    def __init__(self, error: Exception) -> None:
        super().__init__("action_que_falha", None)  # type: ignore[arg-type]
        self.error = error

    async def answer(self, conversation):
        raise self.error


class EventInPast(UserInputError):
    response = "utter_quando_invalido"


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("texto do cliente"),
        KeyError("x"),
        AssistantError("x"),
        UserInputError("x", field="nome"),
        DependencyError("x", retryable=True),
        sa.exc.OperationalError("x", {}, Exception("x")),
        TimeoutError(),
    ],
)
async def test_raised_error_becomes_an_honest_sentence(error):
    said, events = await run(Raising(error))

    assert [message["response"] for message in said] == ["utter_erro_interno"]
    assert events == []


async def test_error_that_names_its_response_is_answered_with_it():
    said, _ = await run(Raising(EventInPast("ontem")))

    assert said[0]["response"] == "utter_quando_invalido"


async def test_rasas_own_rejection_goes_through():
    with pytest.raises(ActionExecutionRejection):
        await run(Raising(ActionExecutionRejection("action_que_falha")))


async def test_log_of_a_failure_holds_no_text(capsys):
    await run(Raising(RuntimeError("segredo do cliente")), "segredo do cliente")

    captured = capsys.readouterr()
    assert "segredo" not in captured.out + captured.err


@pytest.mark.parametrize("profile", ["", None, "dono", 7, "ADVOGADO", ["advogado"]])
async def test_unknown_profile_is_served_as_a_client(desk, profile):
    action = desk.actions["action_ver_agenda"]

    said, _ = await run(action, metadata={"tipo_usuario": profile})

    assert said[0]["response"] == "utter_so_para_advogados"


async def test_call_without_metadata_is_served_as_a_client(desk):
    said, _ = await run(desk.actions["action_ver_agenda"], metadata=None)

    assert said[0]["response"] == "utter_so_para_advogados"


def test_past_leaves_out_the_latest_message():
    tracker = Tracker.from_dict(
        {
            "sender_id": "x",
            "slots": {},
            "latest_message": {"text": "e sábado?", "metadata": {"nome": "Ana"}},
            "events": [
                {"event": "user", "text": "oi"},
                {"event": "bot", "text": "Olá!"},
                {"event": "slot", "name": "nome", "value": "Ana"},
                {"event": "user", "text": "e sábado?"},
                {"event": "bot", "text": "já dito neste turno"},
            ],
        }
    )

    found = conversation_of(tracker, CollectingDispatcher())

    assert [said.text for said in found.past] == ["oi", "Olá!"]
    assert (found.text, found.person_name) == ("e sábado?", "Ana")


# --- lawyers only -------------------------------------------------------------


@pytest.mark.parametrize("profile", CLIENTS)
@pytest.mark.parametrize("intent", LAWYER_INTENTS)
async def test_client_is_refused_politely_and_nothing_is_stored(desk, intent, profile):
    desk.writes("+5511987650001", "oi", "Marcos Souza")
    before = desk.counts()

    said, events = await desk.run(
        f"action_{intent}", "deixa que eu falo com o Marcos Souza", profile=profile
    )

    assert [message["response"] for message in said] == ["utter_so_para_advogados"]
    assert left(said) == []
    assert events == []
    assert desk.counts() == before


@pytest.mark.parametrize("intent", LAWYER_INTENTS)
async def test_lawyer_is_obeyed(desk, intent):
    desk.writes("+5511987650001", "preciso de ajuda", "Marcos Souza")

    said, _ = await desk.run(
        f"action_{intent}", "deixa que eu falo com o Marcos", profile=Profile.LAWYER
    )

    assert len(said) == 1
    assert said[0]["response"].startswith(f"utter_{intent}")


async def test_designer_may_be_a_lawyer_in_the_shell(desk):
    said, _ = await desk.run("action_ver_agenda", sender=SHELL_LAWYER)

    assert said[0]["response"] == "utter_ver_agenda_vazia"


@pytest.mark.parametrize(
    "intent", ["criar_compromisso", "criar_planilha", "salvar_no_drive"]
)
async def test_command_is_kept_word_for_word(desk, intent):
    text = "marca audiência dia 12 às 14h na 3ª vara " + "x" * 200

    said, _ = await desk.run(f"action_{intent}", text, profile=Profile.LAWYER)

    assert left(said) == [Request(intent, {"texto": text})]
    assert said[0]["response"] == f"utter_{intent}"
    assert said[0]["texto"] == text[:120]
    assert said[0]["quem_respondeu"] == "fluxo"


async def test_agenda_lists_ten_open_requests_newest_first(desk):
    client = desk.writes("+5511987650001", "oi")
    for number in range(12):
        facts = {"nome": f"Pessoa {number}", "quando": "terça"}
        desk.leaves(client, Request("agendar_consulta", facts))
    desk.leaves(client, Request("relatar_caso", {"relato": "não é da agenda"}))

    said, _ = await desk.run("action_ver_agenda", profile=Profile.LAWYER)

    lines = said[0]["lista"].splitlines()
    assert lines[0] == "• terça · Pessoa 11"
    assert len(lines) == 10


async def test_new_contacts_begin_with_the_urgent_one_however_many_wrote(desk):
    now = time.time()
    urgent = desk.writes("+5511987650000", "socorro", "Dona Lúcia", at=now - 3600)
    desk.leaves(urgent, Handoff("relatar_urgencia", is_urgent=True))
    for number in range(15):
        phone = f"+55119876501{number:02d}"
        desk.writes(phone, "oi", f"Pessoa {number}", at=now - number)
    desk.writes("+5511987650299", "oi", "Há dias", at=now - 90_000)

    said, _ = await desk.run("action_ver_contatos_novos", profile=Profile.LAWYER)

    lines = said[0]["lista"].splitlines()
    assert lines[0] == "• 🔴 Dona Lúcia — aguarda uma pessoa (relatar urgencia)"
    assert len(lines) == 10
    assert "Há dias" not in said[0]["lista"]


async def test_lawyer_is_no_new_contact_of_their_own(desk):
    own = desk.writes("+5511987650001", "quem escreveu hoje?", "Dra. Ana")

    said, _ = await desk.run(
        "action_ver_contatos_novos", profile=Profile.LAWYER, sender=own
    )

    assert said[0]["response"] == "utter_ver_contatos_novos_vazio"


async def test_summary_shows_the_last_five_messages_and_why_somebody_waits(desk):
    client = desk.writes("+5511987650001", "mensagem 0", "Dona Lúcia")
    for number in range(1, 7):
        desk.writes("+5511987650001", f"mensagem {number}", "Dona Lúcia")
    desk.leaves(client, Handoff("falar_com_advogado"))

    said, _ = await desk.run(
        "action_resumir_atendimento",
        "me resume a conversa da dona Lúcia",
        profile=Profile.LAWYER,
    )

    assert said[0]["pessoa"] == "Dona Lúcia"
    assert said[0]["lista"].splitlines() == [
        "• aguarda uma pessoa: falar com advogado",
        *(f"• mensagem {number}" for number in range(2, 7)),
    ]


@pytest.mark.parametrize(
    ("intent", "owner"),
    [("assumir_atendimento", "pessoa"), ("devolver_atendimento", "robo")],
)
async def test_change_of_owner_rides_on_the_answer(desk, intent, owner):
    client = desk.writes("+5511987650001", "oi", "Marcos")
    before = desk.counts()

    said, _ = await desk.run(
        f"action_{intent}", "o Marcos, por favor", profile=Profile.LAWYER
    )

    assert left(said) == [OwnerChange(client, owner)]
    assert said[0]["pessoa"] == "Marcos"
    assert desk.counts() == before


# --- whom a command names -----------------------------------------------------


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("deixa que eu falo com o Marcos", "Marcos"),
        ("pode voltar o robô pro Marcos", "Marcos"),
        ("me resume a conversa da dona Lúcia", "Lúcia"),
        ("resume a conversa do seu João", "João"),
        ("resumir atendimento da Maria Aparecida", "Maria Aparecida"),
        ("assumir João da Silva", "João Silva"),
        ("assumir atendimento", ""),
        ("ASSUMIR ATENDIMENTO", ""),
        ("assumo o atendimento do Pedro Paulo", "Pedro Paulo"),
        ("eu assumo a Fernanda", "Fernanda"),
        ("vou assumir o cliente Roberto Carlos", "Roberto Carlos"),
        ("quero falar com a Ângela", "Ângela"),
        ("deixa a Rita comigo, deixa que eu falo", "Rita comigo"),
        ("devolve a Sandra pro robô", "Sandra"),
        ("devolver Marcos", "Marcos"),
        ("devolvo o seu Zé ao robô", "Zé"),
        ("devolva a dra Paula ao bot", "Paula"),
        ("o robô pode voltar a falar com a Joana D'Arc", "Joana D'Arc"),
        ("resumo do caso da Ana-Maria", "Ana-Maria"),
        ("resuma o atendimento do Sr. Osvaldo", "Osvaldo"),
        ("a conversa do doutor Hélio agora, por favor", "Hélio"),
        ("fica comigo o Davi", "comigo Davi"),
        ("pode ficar com a dona Neusa", "Neusa"),
        ("volta o robô no Tiago", "Tiago"),
        ("assume ele", ""),
        ("12345", ""),
        ("…4321", ""),
        ("", ""),
        ("Marcos", "Marcos"),
        ("me resume a conversa da senhora Iracema de Jesus", "Iracema Jesus"),
    ],
)
def test_name_is_what_is_left_of_a_command(command, name):
    assert name_in(command) == name


@pytest.mark.parametrize(
    ("display_name", "command"),
    [
        ("Ângela Maria", "assumir angela"),
        ("ÉRICA SOUZA", "assumir Érica Souza"),
        ("Lúcia", "assumir a dona lucia"),
        ("João da Silva", "assumir João da Silva"),
        ("Maria das Dores de Jesus", "assumir maria das dores"),
        ("José D'Ávila", "assumir josé d'avila"),
        ("Ana-Maria Braga", "assumir Ana-Maria"),
        ("Marcos Souza Lima", "assumir Marcos Lima"),
        ("Mariana", "assumir mari"),
        ("100% Júlia_", "assumir Júlia"),
    ],
)
async def test_person_is_found_however_the_name_is_typed(desk, display_name, command):
    client = desk.writes("+5511987650001", "oi", display_name)
    desk.writes("+5511987650002", "oi", "Outra Pessoa")

    said, _ = await desk.run(
        "action_assumir_atendimento", command, profile=Profile.LAWYER
    )

    assert left(said) == [OwnerChange(client, "pessoa")]


async def test_person_is_found_by_the_directorys_name(desk):
    client = desk.writes("+5511987650001", "oi", "apelido no zap")
    desk.registers("+5511987650001", "Ítalo Ferreira", Profile.CLIENT)

    said, _ = await desk.run(
        "action_assumir_atendimento", "assumir italo", profile=Profile.LAWYER
    )

    assert left(said) == [OwnerChange(client, "pessoa")]
    assert said[0]["pessoa"] == "Ítalo Ferreira"


@pytest.mark.parametrize("command", ["assumir Zoroastro", "assumir", "assumir %", "_"])
async def test_nobody_is_taken_where_no_name_fits(desk, command):
    desk.writes("+5511987650001", "oi", "Marcos")

    said, _ = await desk.run(
        "action_assumir_atendimento", command, profile=Profile.LAWYER
    )

    assert said[0]["response"] == "utter_pessoa_nao_encontrada"
    assert left(said) == []


@pytest.mark.parametrize(
    "intent", ["assumir_atendimento", "devolver_atendimento", "resumir_atendimento"]
)
async def test_ambiguous_name_is_asked_back_and_nothing_is_done(desk, intent):
    desk.writes("+5511987650001", "oi", "Marcos Souza")
    desk.writes("+5511987650002", "oi", "Marcos Lima")

    said, _ = await desk.run(
        f"action_{intent}", "deixa que eu falo com o Marcos", profile=Profile.LAWYER
    )

    assert said[0]["response"] == "utter_pessoa_ambigua"
    assert set(said[0]["lista"].splitlines()) == {"• Marcos Souza", "• Marcos Lima"}
    assert left(said) == []


async def test_full_name_settles_an_ambiguity(desk):
    desk.writes("+5511987650001", "oi", "Marcos da Costa Souza")
    client = desk.writes("+5511987650002", "oi", "Marcos Souza")
    desk.writes("+5511987650003", "oi", "Marcos")

    said, _ = await desk.run(
        "action_assumir_atendimento", "assumir Marcos Souza", profile=Profile.LAWYER
    )

    assert left(said) == [OwnerChange(client, "pessoa")]


async def test_name_means_its_bearer_before_a_longer_word(desk):
    desk.writes("+5511987650001", "oi", "Mariana")
    client = desk.writes("+5511987650002", "oi", "Ana Paula")

    said, _ = await desk.run(
        "action_assumir_atendimento", "assumir a Ana", profile=Profile.LAWYER
    )

    assert left(said) == [OwnerChange(client, "pessoa")]


async def test_lawyer_cannot_take_their_own_conversation(desk):
    own = desk.writes("+5511987650001", "oi", "Marcos")

    said, _ = await desk.run(
        "action_assumir_atendimento",
        "assumir Marcos",
        profile=Profile.LAWYER,
        sender=own,
    )

    assert said[0]["response"] == "utter_pessoa_nao_encontrada"


# --- appointments -------------------------------------------------------------

ASKED = {"nome": "Ana", "assunto": "INSS", "modalidade": "online", "quando": "terça"}


async def test_booking_repeats_and_keeps_what_was_understood(desk):
    said, events = await desk.run("action_agendar_consulta", **ASKED, relato="antigo")

    assert said[0]["response"] == "utter_agendar_consulta"
    assert left(said) == [
        Request("agendar_consulta", ASKED),
        Handoff("agendar_consulta"),
    ]
    assert {event["name"]: event["value"] for event in events} == dict.fromkeys(
        ("assunto", "modalidade", "quando", "relato")
    )


async def test_booking_without_any_slot_still_answers(desk):
    said, _ = await desk.run("action_agendar_consulta")

    assert left(said)[0] == Request("agendar_consulta", dict.fromkeys(ASKED, ""))


@pytest.mark.parametrize(
    "action",
    [
        "action_remarcar_consulta",
        "action_cancelar_consulta",
        "action_consultar_agendamento",
    ],
)
async def test_without_an_appointment_that_is_said(desk, action):
    client = desk.writes("+5511987650001", "oi")
    desk.leaves(client, Request("agendar_consulta", ASKED))
    other = desk.writes("+5511987650002", "oi")

    said, _ = await desk.run(action, sender=other, quando="quarta")

    assert said[0]["response"] == "utter_sem_agendamento"
    assert left(said) == []


async def test_move_keeps_the_rest_of_the_appointment(desk):
    client = desk.writes("+5511987650001", "oi")
    desk.leaves(client, Request("agendar_consulta", ASKED))

    said, events = await desk.run(
        "action_remarcar_consulta", sender=client, quando="quarta às 10h"
    )

    assert left(said) == [
        Request("remarcar_consulta", {**ASKED, "quando": "quarta às 10h"}),
        Handoff("remarcar_consulta"),
    ]
    assert events == [{"event": "slot", "name": "quando", "value": None}]


async def test_cancellation_names_what_is_cancelled(desk):
    client = desk.writes("+5511987650001", "oi")
    desk.leaves(client, Request("agendar_consulta", ASKED))

    said, _ = await desk.run("action_cancelar_consulta", sender=client)

    assert said[0]["quando"] == "terça"
    assert left(said) == [
        Request("cancelar_consulta", ASKED),
        Handoff("cancelar_consulta"),
    ]


async def test_cancelled_appointment_is_gone(desk):
    client = desk.writes("+5511987650001", "oi")
    desk.leaves(client, Request("agendar_consulta", ASKED))
    desk.leaves(client, Request("cancelar_consulta", ASKED))

    said, _ = await desk.run("action_consultar_agendamento", sender=client)

    assert said[0]["response"] == "utter_sem_agendamento"


async def test_moved_appointment_is_shown_with_its_new_time(desk):
    client = desk.writes("+5511987650001", "oi")
    desk.leaves(client, Request("agendar_consulta", ASKED))
    desk.leaves(client, Request("remarcar_consulta", {**ASKED, "quando": "quarta"}))

    said, _ = await desk.run("action_consultar_agendamento", sender=client)

    assert said[0]["quando"] == "quarta"
    assert said[0]["modalidade"] == "online"
    assert "aguardando" in said[0]["situacao"]


# --- cases, lawsuits, documents, erasure --------------------------------------


async def test_case_is_kept_for_the_lawyers(desk):
    said, events = await desk.run(
        "action_relatar_caso", relato="fui demitida", desde_quando="março"
    )

    assert left(said) == [
        Request("relatar_caso", {"relato": "fui demitida", "desde_quando": "março"}),
        Handoff("relatar_caso"),
    ]
    assert {event["name"] for event in events} == {"relato", "desde_quando"}


@pytest.mark.parametrize(
    ("slot", "kept", "response"),
    [
        ("5046512-94.2016.4.04.7000", "5046512-94.2016.4.04.7000", ""),
        ("sem_numero", "", "_sem_numero"),
        (None, "", "_sem_numero"),
    ],
)
async def test_question_about_a_lawsuit_goes_to_the_office(desk, slot, kept, response):
    said, events = await desk.run("action_consultar_processo", numero_processo=slot)

    assert said[0]["response"] == f"utter_consultar_processo{response}"
    assert left(said) == [
        Request("consultar_processo", {"numero_processo": kept}),
        Handoff("consultar_processo"),
    ]
    assert events == [{"event": "slot", "name": "numero_processo", "value": None}]


@pytest.mark.parametrize("kind", ["image", "document", "video"])
@pytest.mark.parametrize("caption", ["", "segue a procuração"])
async def test_file_that_came_is_acknowledged(desk, kind, caption):
    said, _ = await desk.run("action_enviar_documento", caption, kind=kind)

    assert said[0]["response"] == "utter_enviar_documento"
    assert left(said) == [Request("enviar_documento", {"legenda": caption})]


async def test_question_how_to_send_is_answered_without_claiming_a_file(desk):
    said, _ = await desk.run("action_enviar_documento", "como mando o contrato?")

    assert said[0]["response"] == "utter_como_enviar_documento"
    assert left(said) == []


async def test_wish_for_erasure_is_registered(desk):
    said, _ = await desk.run("action_excluir_dados", "apaga tudo")

    assert left(said) == [Request("excluir_dados", {}), Handoff("excluir_dados")]


async def test_without_a_model_the_person_is_told_and_offered_a_person(desk):
    said, events = await desk.run("action_llm_fallback", "posso ser preso?")

    assert [message["response"] for message in said] == ["utter_fora_de_escopo"]
    assert said[0]["quem_respondeu"] == "regra"
    assert events == []


# --- the database is gone -----------------------------------------------------


@pytest.mark.parametrize(
    "action",
    [
        "action_remarcar_consulta",
        "action_cancelar_consulta",
        "action_consultar_agendamento",
        "action_ver_agenda",
        "action_ver_contatos_novos",
        "action_resumir_atendimento",
    ],
)
async def test_broken_database_becomes_an_honest_sentence(desk, action):
    with writing(desk.engine) as connection:
        for table in ("request", "handoff"):
            connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {table}_x")
        connection.exec_driver_sql("ALTER TABLE conversation RENAME TO conversation_x")

    said, events = await desk.run(action, "resume o Marcos", profile=Profile.LAWYER)

    assert [message["response"] for message in said] == ["utter_erro_interno"]
    assert events == []


# --- effects reach the office with the turn -----------------------------------


async def test_effects_of_an_action_are_committed_once_with_its_turn(desk):
    client = desk.writes("+5511987650001", "quero marcar")
    said, _ = await desk.run("action_agendar_consulta", sender=client, **ASKED)
    with writing(desk.engine) as connection:
        turn = turns.claim(connection, lease_owner="t", now=time.time(), lease_s=60)
    assert turn is not None
    turn.outgoing = [Outgoing("Anotei.")]
    turn.effects = left(said)

    with writing(desk.engine) as connection:
        outcome = Outcome("agendar_consulta", 1.0, turns.AnsweredBy.FLOW)
        turns.commit(connection, turn, outcome, now=time.time())

    with reading(desk.engine) as connection:
        kept = office_desk.requests_of(connection, client, kinds=("agendar_consulta",))
    assert [item.facts for item in kept] == [ASKED]
    assert desk.counts()[:2] == (1, 1)

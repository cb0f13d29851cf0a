"""Every intent inside every question of every form, and what happens in trouble.

Traps of Rasa 3.6.21 around forms and fallbacks, and the tests that pin each:

- Core fallback on a remote action runs ten times in one turn, then mutes the
  conversation for good:
  `test_core_fallback_on_a_remote_action_would_mute_the_conversation` (the trap),
  `test_message_with_an_unknown_intent_ends_the_turn_with_a_sentence`,
  `test_message_without_any_intent_ends_the_turn_with_a_sentence`, and
  `tests/contract/test_names.py::test_core_fallback_is_rasas_own_action`.
- A fallback that does not end its turn loops:
  `test_there_is_one_fallback_a_turn_and_the_conversation_goes_on`,
  `test_every_intent_inside_every_question` (with `nlu_fallback`).
- An action server that is away means silence, ten runs or a mute form:
  `test_without_action_server_there_is_one_apology_and_a_person`,
  `test_without_action_server_the_conversation_goes_on`,
  `test_no_form_loops_without_action_server`,
  `test_form_goes_on_once_the_action_server_is_back`,
  `test_person_is_reached_from_a_form_without_action_server`.
- An action server that answers nonsense:
  `test_whatever_the_action_server_says_nobody_is_left_in_silence`; one that never
  answers (Rasa waits 300 s):
  `tests/unit/test_turn_worker.py::test_turn_past_its_deadline_is_ended_and_tried_again`.
- A session that starts anew in the middle of a form keeps slots:
  `test_after_a_day_a_yes_confirms_nothing_and_the_form_begins_empty`,
  `tests/rasa/test_tracker_store.py::test_after_a_day_the_form_is_forgotten_and_the_name_kept`.
- A person's text in the shape of a command (`/restart`): all of
  `tests/rasa/test_slash_injection.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest
import sqlalchemy as sa
from aiohttp import web
from jsonschema.validators import validator_for
from rasa.core.actions.action import RemoteAction

from bot.core.names import (
    BREAKOUT_INTENTS,
    INTENTS,
    LAWYER_INTENTS,
    NLU_FALLBACK,
    Profile,
    flow_of_form,
)
from bot.core.phrases import NO_ANSWER
from bot.core.schedule import ZONE
from bot.runtime import fixes
from bot.store.database import writing
from bot.store.effects import AppointmentChange, Handoff
from bot.store.schema import appointment
from tests.action_server import SECRET, SECRET_HEADER, free_port
from tests.rasa.talking import Office, Person, texts
from tests.rasa.test_tracker_store import age

MONDAY = datetime(2026, 11, 23, 10, tzinfo=ZONE).timestamp()
"""When everybody here writes; what is offered depends on no calendar."""
SPOKEN = {
    "saudar": "opa, boa tarde",
    "despedir": "tchau, até mais",
    "agradecer": "obrigadaa, ajudou mto",
    "afirmar": "isso mesmo",
    "negar": "nao, não quero",
    "interromper": "deixa pra lá",
    "pedir_ajuda": "o que vc faz?",
    "perguntar_identidade": "tô falando com uma pessoa ou robô?",
    "agendar_consulta": "queria marcar um horário com a doutora",
    "remarcar_consulta": "preciso remarcar minha consulta",
    "cancelar_consulta": "vou ter que cancelar a consulta",
    "consultar_agendamento": "quando é a minha consulta?",
    "relatar_caso": "fui demitida grávida e não me pagaram nada",
    "consultar_processo": "saiu alguma coisa do meu processo?",
    "consultar_honorarios": "quanto custa a consulta mesmo?",
    "consultar_horario": "que horas vocês abrem?",
    "consultar_endereco": "qual o telefone e o endereço de vocês?",
    "consultar_areas": "quais áreas vocês atendem?",
    "consultar_documentos": "quais documentos preciso levar?",
    "enviar_documento": "como mando o contrato pra vcs?",
    "falar_com_advogado": "quero falar com um humano",
    "relatar_urgencia": "meu filho foi preso agora",
    "reclamar": "que atendimento horrível, vocês não me respondem",
    "informar_dados": "Maria Aparecida da Silva",
    "consultar_privacidade": "o que vocês fazem com meus dados?",
    "excluir_dados": "apaga tudo que tem meu aí",
    "ver_agenda": "me mostra a minha agenda",
    "criar_compromisso": "põe uma reunião com o perito na minha agenda",
    "criar_planilha": "cria uma planilha de custas",
    "ver_contatos_novos": "quem são os contatos novos?",
    "salvar_no_drive": "salva o pdf no drive",
    "resumir_atendimento": "resume a conversa",
    "assumir_atendimento": "quero assumir o atendimento",
    "devolver_atendimento": "pode devolver pro robô",
    NLU_FALLBACK: "qual a receita de bolo de cenoura?",
}
"""What somebody says of each intent, without a date, a name or a number."""
FORMS = {
    "form_agendar_consulta": {
        "nome": "Maria da Silva",
        "assunto": "pensão",
        "modalidade": "online",
        "quando": "1",
        "confirmado": "",
    },
    "form_remarcar_consulta": {"qual_consulta": "1", "quando": "1", "confirmado": ""},
    "form_cancelar_consulta": {"qual_consulta": "1", "confirmado": ""},
    "form_relatar_caso": {
        "relato": "aconteceu uma coisa muito injusta comigo",
        "nome": "Maria da Silva",
        "area_direito": "não sei",
        "desde_quando": "não lembro",
        "parte_contraria": "não sei",
        "prazo": "não",
        "contato": "este mesmo",
        "confirmado": "",
    },
    "form_consultar_processo": {"numero_processo": ""},
    "form_excluir_dados": {"confirmado": ""},
    "form_criar_compromisso": {
        "titulo": "audiência na 3ª vara",
        "quando": "amanhã às 14h",
        "confirmado": "",
    },
    "form_criar_planilha": {"planilha": ""},
    "form_salvar_no_drive": {"pasta": "Custas", "arquivos": ""},
    "form_resumir_atendimento": {"pessoa": ""},
    "form_assumir_atendimento": {"pessoa": ""},
    "form_devolver_atendimento": {"pessoa": ""},
}
"""The questions of each form, in their order, and what answers them."""
BEGINNINGS = {
    "relatar_caso": "quero contar um caso",
    "criar_compromisso": "marca na minha agenda",
    "criar_planilha": "cria uma planilha",
}
"""First messages that tell less than `SPOKEN`, so that every question is asked."""
TAKEN = {
    "form_agendar_consulta": {"agendar_consulta", "remarcar_consulta", "relatar_caso"},
    "form_remarcar_consulta": {"remarcar_consulta", "agendar_consulta"},
    "form_cancelar_consulta": {"cancelar_consulta"},
    "form_relatar_caso": {"relatar_caso", "reclamar"},
    "form_consultar_processo": {"consultar_processo"},
    "form_excluir_dados": {"excluir_dados", "cancelar_consulta"},
    "form_criar_compromisso": {"criar_compromisso", "agendar_consulta", "ver_agenda"},
    "form_criar_planilha": {"criar_planilha"},
    "form_salvar_no_drive": {"salvar_no_drive", "enviar_documento"},
    "form_resumir_atendimento": {"resumir_atendimento"},
    "form_assumir_atendimento": {"assumir_atendimento"},
    "form_devolver_atendimento": {"devolver_atendimento"},
}  # fmt: skip
"""Intents that, inside a form, are about the form itself."""
ANSWERS = {"afirmar", "negar", "informar_dados"}
BOOK = "agendar_consulta"
"""What somebody wants to book for may be the story that was asked for."""
QUESTIONS = [
    pytest.param(form, slot, id=f"{form[5:]}-{slot}")
    for form, slots in FORMS.items()
    for slot in slots
]
HELENA = "Dra. Helena Modelo"
TROUBLE = "tive um problema"
MOST_ACTIONS = 6
"""Rule, form, question, another form: more in one turn is a loop."""
_reached: dict[tuple[str, str], tuple[Person, str]] = {}


@pytest.fixture(scope="module", autouse=True)
def _schema_read_once() -> Iterator[None]:
    """Checks answers of the action server as Rasa does, with the schema read once.

    Rasa reads its constant schema anew with every answer: 15 ms of 1, and half of
    what these thousand turns would take.
    """
    schema = RemoteAction.action_response_format_spec()
    check = validator_for(schema)(schema).validate
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            RemoteAction, "_validate_action_result", lambda _, given: check(given)
        )
        yield


async def at(office: Office, form: str, slot: str) -> tuple[Person, str]:
    """Returns somebody new who was just asked for a slot, and the question."""
    if (form, slot) not in _reached:
        _reached[form, slot] = await walk(office, form, slot)
    first, question = _reached[form, slot]
    person = somebody(office, form)
    person.continue_from(first)
    tracker = await person.tracker()
    assert tracker.active_loop_name == form
    assert tracker.get_slot("requested_slot") == slot
    return person, question


async def walk(office: Office, form: str, slot: str) -> tuple[Person, str]:
    """Answers a form's questions until one; returns who did, and the question."""
    person, flow = somebody(office, form), flow_of_form(form)
    turn = await person.say(BEGINNINGS.get(flow, SPOKEN[flow]), flow, at=MONDAY)
    for asked, answer in FORMS[form].items():
        if asked == slot:
            break
        turn = await person.say(answer, "informar_dados", at=MONDAY)
    return person, texts(turn)[-1]


def somebody(office: Office, form: str) -> Person:
    """Returns whoever may use a form: a lawyer, or a client with two appointments."""
    is_lawyer = flow_of_form(form) in LAWYER_INTENTS
    profile = Profile.LAWYER if is_lawyer else Profile.UNKNOWN
    person = office.person(profile, HELENA if is_lawyer else "")
    person.close(person.claim("oi"))
    with writing(office.engine) as connection:
        connection.execute(sa.delete(appointment))
        for number, day in ((1, 24), (2, 26)):
            start = datetime(2026, 11, day, 15, tzinfo=ZONE).timestamp()
            row = {
                "id": number,
                "conversation_id": person.id,
                "lawyer": HELENA,
                "starts_at": start,
                "ends_at": start + 3600,
                "status": "marcada",
                "modality": "online",
                "area": "trabalhista",
                "created_at": MONDAY,
                "updated_at": MONDAY,
            }
            if not is_lawyer:
                connection.execute(sa.insert(appointment).values(row))
    return person


def actions_of(person: Person) -> list[str]:
    """Returns the actions after the latest message."""
    names = []
    for event in reversed(person.events()):
        if event["event"] == "user":
            break
        if event["event"] == "action":
            names.append(event["name"])
    return names[::-1]


# --- every intent, every form -------------------------------------------------


def may_use(intent: str, own: str) -> bool:
    """Says whether whoever fills a form may give a command."""
    return intent not in LAWYER_INTENTS or own in LAWYER_INTENTS


@pytest.mark.parametrize("intent", [*INTENTS, NLU_FALLBACK])
@pytest.mark.parametrize(("form", "slot"), QUESTIONS)
async def test_every_intent_inside_every_question(office, form, slot, intent):
    person, question = await at(office, form, slot)

    turn = await person.say(SPOKEN[intent], intent, at=MONDAY)

    said, now, own = texts(turn), await person.form(), flow_of_form(form)
    flow = person.row(turn).flow
    assert said
    assert NO_ANSWER not in said
    assert not [text for text in said if TROUBLE in text]
    assert turn.is_committed
    assert len(actions_of(person)) <= MOST_ACTIONS
    if intent in BREAKOUT_INTENTS and intent != own:
        assert now == ("form_excluir_dados" if intent == "excluir_dados" else None)
        assert question not in said
        assert flow == intent
    elif intent in ANSWERS | TAKEN[form]:
        assert now in {form, None}
        assert flow == own
    elif f"form_{intent}" in FORMS and may_use(intent, own):  # and takes its place
        assert now in {f"form_{intent}", None}
        assert flow == intent
    else:
        assert now == form
        assert said[1:] == [question]
        assert flow == own
        assert turn.effects == [] or intent == "reclamar"


def test_every_question_of_the_domain_is_reached(agent):
    asked = {
        name: slots["required_slots"] for name, slots in agent.domain.forms.items()
    }

    assert {form: list(slots) for form, slots in FORMS.items()} == asked


@pytest.mark.parametrize(("form", "slot"), QUESTIONS)
async def test_form_asks_again_after_each_of_many_questions(office, form, slot):
    person, question = await at(office, form, slot)
    asked = ["consultar_horario", "consultar_horario", "ver_contatos_novos"]
    asked.append(NLU_FALLBACK)

    for intent in asked:
        turn = await person.say(SPOKEN[intent], intent, at=MONDAY)

        assert texts(turn)[1:] == [question]


@pytest.mark.parametrize("intent", INTENTS)
async def test_every_intent_is_answered_outside_of_forms(office, intent):
    person = office.person()

    turn = await person.say(SPOKEN[intent], intent)

    assert texts(turn)
    assert NO_ANSWER not in texts(turn)
    assert person.row(turn).flow == intent


@pytest.mark.parametrize("intent", LAWYER_INTENTS)
async def test_clients_are_refused_lawyers_commands_and_nothing_is_kept(office, intent):
    person = office.person(Profile.CLIENT, "Cliente")

    turn = await person.say("assume o Marcos", intent)

    assert "só para os advogados" in texts(turn)[0]
    assert len(texts(turn)) == 1
    assert await person.form() is None
    assert turn.effects == []
    assert person.requests() == []


@pytest.mark.parametrize("intent", sorted(BREAKOUT_INTENTS - {"excluir_dados"}))
async def test_conversation_goes_on_after_a_form_was_left(office, intent):
    person, _ = await at(office, "form_agendar_consulta", "assunto")
    await person.say(SPOKEN[intent], intent)

    turn = await person.say("que horas abrem?", "consultar_horario")

    assert len(texts(turn)) == 1
    assert person.row(turn).flow == "consultar_horario"


async def test_what_was_erased_is_asked_first_and_kept_on_a_no(office):
    person, _ = await at(office, "form_agendar_consulta", "assunto")
    await person.say("apaga tudo que tem meu aí", "excluir_dados")

    turn = await person.say("não", "negar")

    assert "não apago nada" in texts(turn)[0]
    assert turn.effects == []
    assert await person.form() is None


# --- forms from start to end --------------------------------------------------


async def test_booking_with_a_question_in_between_is_kept_whole(office):
    person, _ = await at(office, "form_agendar_consulta", "confirmado")
    await person.say("que horas abrem?", "consultar_horario", at=MONDAY)

    turn = await person.say("pode marcar", "afirmar", at=MONDAY)

    (kept,) = person.requests()
    assert "Consulta marcada" in texts(turn)[0]
    assert kept.facts["nome"] == "Maria da Silva"
    assert kept.facts["assunto"] == "pensão"
    assert kept.facts["modalidade"] == "online"
    assert turn.effects[0] == AppointmentChange("marcar", kept_id(turn))
    assert person.handoffs() == []
    assert person.row(turn).answered_by == "fluxo"
    assert await person.form() is None


def kept_id(turn) -> int:
    """Returns the appointment that a turn books."""
    return next(e.id for e in turn.effects if isinstance(e, AppointmentChange))


async def test_nothing_is_booked_without_a_yes(office):
    person, _ = await at(office, "form_agendar_consulta", "confirmado")

    for intent in ("negar", "consultar_horario", NLU_FALLBACK, "informar_dados"):
        turn = await person.say(SPOKEN[intent], intent, at=MONDAY)

        assert turn.effects == []
    assert await person.form() == "form_agendar_consulta"


async def test_story_is_kept_as_it_was_told(office):
    person, _ = await at(office, "form_relatar_caso", "confirmado")

    turn = await person.say("sim", "afirmar", at=MONDAY)

    (kept,) = person.requests()
    assert kept.facts["relato"] == FORMS["form_relatar_caso"]["relato"]
    assert person.handoffs() == ["relatar_caso"]
    assert "não dou opinião" in texts(turn)[0].lower()


async def test_whoever_has_no_lawsuit_number_gets_through(office):
    person = office.person()
    await person.say("e o meu processo?", "consultar_processo")

    turn = await person.say("não tenho", "negar")

    assert "cadastro" in texts(turn)[0]
    assert await person.form() is None


async def test_form_that_was_broken_off_begins_anew(office):
    person, _ = await at(office, "form_agendar_consulta", "quando")
    await person.say("deixa pra lá", "interromper", at=MONDAY)

    turn = await person.say("quero marcar outra coisa", "agendar_consulta", at=MONDAY)

    assert "assunto" in texts(turn)[-1]


async def test_urgency_told_as_the_subject_of_a_booking_is_an_urgency(office):
    person, _ = await at(office, "form_agendar_consulta", "assunto")

    turn = await person.say("meu filho foi preso agora", "relatar_urgencia")

    assert turn.effects == [Handoff("relatar_urgencia", is_urgent=True)]
    assert (await person.tracker()).get_slot("assunto") is None


async def test_refusals_in_a_row_never_silence_the_conversation(office):
    person, question = await at(office, "form_agendar_consulta", "nome")

    for _ in range(5):
        turn = await person.say("quero marcar", "agendar_consulta")

        assert texts(turn)[-1] == question


async def test_after_a_day_a_yes_confirms_nothing_and_the_form_begins_empty(office):
    person, _ = await at(office, "form_agendar_consulta", "confirmado")
    age(office, person, 1441 * 60)

    lost = await person.say("sim", "afirmar", at=MONDAY)
    turn = await person.say("quero marcar", "agendar_consulta", at=MONDAY)

    assert lost.effects == []
    assert person.row(lost).flow == "afirmar"
    assert "assunto" in texts(turn)[-1]


# --- a yes after an offer -----------------------------------------------------


@pytest.mark.parametrize(
    ("offer", "begun"),
    [
        ("consultar_honorarios", "agendar_consulta"),
        ("consultar_agendamento", "agendar_consulta"),
        ("remarcar_consulta", "agendar_consulta"),
        ("consultar_areas", "relatar_caso"),
    ],
)
async def test_yes_to_an_offer_begins_its_form(office, offer, begun):
    person = office.person()
    await person.say(SPOKEN[offer], offer, at=MONDAY)

    turn = await person.say("quero sim", "afirmar", at=MONDAY)

    assert await person.form() == f"form_{begun}"
    assert person.row(turn).flow == begun
    assert len(texts(turn)) == 1


async def test_yes_to_the_offer_of_a_person_calls_one(office):
    person = office.person()
    await person.say(SPOKEN[NLU_FALLBACK], NLU_FALLBACK)

    turn = await person.say("pode ser", "afirmar")

    assert person.row(turn).flow == "falar_com_advogado"
    assert person.handoffs() == ["falar_com_advogado"]


async def test_yes_to_nothing_asks_what_it_is_for(office):
    person = office.person()
    await person.say("oi", "saudar")

    turn = await person.say("sim", "afirmar")

    assert turn.effects == []
    assert await person.form() is None
    assert "menu" in texts(turn)[0]


# --- fallback -----------------------------------------------------------------


async def test_there_is_one_fallback_a_turn_and_the_conversation_goes_on(office):
    person = office.person()

    for _ in range(3):
        turn = await person.say("qual o placar do jogo?", NLU_FALLBACK)

        assert len(texts(turn)) == 1
        assert actions_of(person) == ["action_llm_fallback", "action_listen"]
        assert person.row(turn).flow == "fora_de_escopo"

    after = await person.say("oi", "saudar")
    assert person.row(after).flow == "saudar"


async def test_message_with_an_unknown_intent_ends_the_turn_with_a_sentence(office):
    person = office.person()

    turn = await person.say("oi", "intencao_que_nao_existe")

    assert len(texts(turn)) == 1
    assert turn.is_committed


async def test_message_without_any_intent_ends_the_turn_with_a_sentence(office):
    person = office.person()

    turn = await person.say("", None)

    assert len(texts(turn)) == 1
    assert person.row(turn).flow == "fora_de_escopo"


# --- the action server is away ------------------------------------------------


@pytest.mark.usefixtures("no_action_server")
async def test_without_action_server_there_is_one_apology_and_a_person(office):
    person = office.person()

    turn = await person.say("qual o placar?", NLU_FALLBACK)

    assert texts(turn) == [NO_ANSWER]
    assert turn.effects == [Handoff("turno_sem_resposta")]
    assert actions_of(person) == ["action_llm_fallback", "action_listen"]


@pytest.mark.usefixtures("no_action_server")
@pytest.mark.parametrize(
    "intent", ["agendar_consulta", "cancelar_consulta", "ver_agenda", NLU_FALLBACK]
)
async def test_without_action_server_the_conversation_goes_on(office, intent):
    person = office.person()
    for _ in range(3):
        lost = await person.say("é isso", intent)
        assert texts(lost) == [NO_ANSWER]

    turn = await person.say("oi", "saudar")

    assert "assistente virtual" in texts(turn)[0]


@pytest.mark.usefixtures("no_action_server")
@pytest.mark.parametrize(("form", "slot"), QUESTIONS)
async def test_no_form_loops_without_action_server(office, settings, form, slot):
    fixes.install(settings)
    person, _ = await at(office, form, slot)
    fixes.install(replace(settings, actions_port=free_port()))

    turn = await person.say("amanhã", "informar_dados")

    assert texts(turn) == [NO_ANSWER]
    assert len(actions_of(person)) <= 2


@pytest.mark.parametrize(
    ("intent", "reason"),
    [
        ("falar_com_advogado", "falar_com_advogado"),
        ("relatar_urgencia", "relatar_urgencia"),
    ],
)
async def test_person_is_reached_from_a_form_without_action_server(
    office, settings, intent, reason
):
    person, _ = await at(office, "form_agendar_consulta", "nome")
    fixes.install(replace(settings, actions_port=free_port()))

    try:
        turn = await person.say("socorro", intent)
    finally:
        fixes.install(settings)

    assert NO_ANSWER not in texts(turn)
    assert person.handoffs() == [reason]
    assert await person.form() is None


async def test_form_goes_on_once_the_action_server_is_back(office, settings):
    person, _ = await at(office, "form_agendar_consulta", "nome")
    fixes.install(replace(settings, actions_port=free_port()))
    try:
        await person.say("Maria da Silva", "informar_dados")
        await person.say("Maria da Silva", "informar_dados")
    finally:
        fixes.install(settings)

    turn = await person.say("Maria da Silva", "informar_dados")

    assert "assunto" in texts(turn)[-1]


async def test_core_fallback_on_a_remote_action_would_mute_the_conversation(
    office, agent, monkeypatch
):
    """The trap itself: ten runs in one turn, then silence; so ours is Rasa's own."""
    policy = _rule_policy(agent)
    monkeypatch.setattr(policy, "_fallback_action_name", "action_llm_fallback")
    monkeypatch.setitem(
        policy.config, "core_fallback_action_name", "action_llm_fallback"
    )
    person = office.person()

    await person.say("x", "intencao_que_nao_existe")
    looped = actions_of(person)
    await person.say("oi", "saudar")

    assert looped == ["action_llm_fallback"] * 10
    assert actions_of(person) == []


def _rule_policy(agent):
    graph = agent.processor.graph_runner
    return next(
        node._component
        for node in graph._instantiated_nodes.values()
        if type(node._component).__name__ == "ResumingRulePolicy"
    )


# --- an action server that answers strangely ----------------------------------


class StrangeActionServer:
    """Speaks the action protocol, and answers as it is told."""

    def __init__(self) -> None:
        self.answer = lambda: web.json_response({"events": [], "responses": []})
        self.calls: list[dict] = []
        self.secrets: list[str | None] = []

    async def webhook(self, request: web.Request) -> web.Response:
        self.secrets.append(request.headers.get(SECRET_HEADER))
        self.calls.append(await request.json())
        return self.answer()


@pytest.fixture
async def strange(settings, agent):
    server = StrangeActionServer()
    app = web.Application(client_max_size=2**24)
    app.router.add_post("/webhook", server.webhook)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    fixes.install(replace(settings, actions_port=port))
    yield server
    fixes.install(settings)
    await runner.cleanup()


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.json_response({"events": [], "responses": []}),
        lambda: web.json_response({"error": "x"}, status=401),
        lambda: web.json_response({"error": "x", "action_name": "a"}, status=404),
        lambda: web.json_response({"error": "x"}, status=500),
        lambda: web.Response(text="<html>", content_type="text/html"),
        lambda: web.Response(text="{", content_type="application/json"),
        lambda: web.json_response(None),
        lambda: web.json_response([]),
        lambda: web.json_response({"events": [{"event": "?"}], "responses": []}),
        lambda: web.json_response({"events": [], "responses": [{"response": "u_x"}]}),
        lambda: web.json_response({"events": [], "responses": [{"text": " "}]}),
    ],
)
async def test_whatever_the_action_server_says_nobody_is_left_in_silence(
    office, strange, answer
):
    strange.answer = answer
    person = office.person()

    turn = await person.say("é isso", NLU_FALLBACK)
    after = await person.say("oi", "saudar")

    assert texts(turn) == [NO_ANSWER]
    assert turn.is_committed
    assert "assistente virtual" in texts(after)[0]


async def test_calls_carry_the_secret_and_the_whole_conversation(office, strange):
    person = office.person()

    await person.say("qual o placar?", NLU_FALLBACK)

    (call,) = strange.calls
    assert strange.secrets == [SECRET]
    assert call["next_action"] == "action_llm_fallback"
    assert call["tracker"]["latest_message"]["text"] == "qual o placar?"
    assert call["sender_id"] == person.id


async def test_model_answer_names_its_flow(office, strange):
    said = {"text": "Pode vir.", "quem_respondeu": "ia", "fluxo": "fallback_llm"}
    strange.answer = lambda: web.json_response({"events": [], "responses": [said]})
    person = office.person()

    turn = await person.say("é difícil?", NLU_FALLBACK)

    row = person.row(turn)
    assert (row.flow, row.answered_by) == ("fallback_llm", "ia")
    assert person.outbox(turn)[0].answered_by == "ia"


async def test_address_of_the_action_server_is_the_settings_own(settings):
    fixes.install(settings)

    action = RemoteAction("action_x", None)

    assert action.action_endpoint.url == f"{settings.actions_url}/webhook"
    assert action.name() == "action_x"

"""Every intent in the middle of every form, and what happens when nothing works."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiohttp import web
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
from bot.runtime import fixes
from bot.store.effects import Handoff
from tests.action_server import SECRET, SECRET_HEADER, free_port
from tests.rasa.talking import Person, texts

STORY = "fui demitida grávida e não me pagaram"
WAYS = {
    ("form_agendar_consulta", "nome"): [],
    ("form_agendar_consulta", "assunto"): ["Maria da Silva"],
    ("form_agendar_consulta", "modalidade"): ["Maria da Silva", "pensão"],
    ("form_agendar_consulta", "quando"): ["Maria da Silva", "pensão", "online"],
    ("form_remarcar_consulta", "quando"): [],
    ("form_relatar_caso", "relato"): [],
    ("form_relatar_caso", "desde_quando"): [STORY],
    ("form_consultar_processo", "numero_processo"): [],
}
"""How each question of each form is reached."""
FORMS = sorted({form for form, _ in WAYS})
QUESTIONS = [pytest.param(*way, id=f"{way[0]}-{way[1]}") for way in WAYS]
_reached: dict[tuple[str, str], tuple[Person, str]] = {}


async def at(office, form: str, slot: str) -> tuple[Person, str]:
    """Returns somebody new who was just asked for a slot, and the question."""
    if (form, slot) not in _reached:
        first = office.person()
        turn = await first.say("começar", flow_of_form(form))
        for answer in WAYS[form, slot]:
            turn = await first.say(answer, "informar_dados")
        _reached[form, slot] = first, texts(turn)[-1]
    first, question = _reached[form, slot]
    person = office.person()
    person.close(person.claim("oi"))
    person.continue_from(first)
    tracker = await person.tracker()
    assert tracker.active_loop_name == form
    assert tracker.get_slot("requested_slot") == slot
    return person, question


def takes(agent, form: str, slot: str) -> set[str]:
    """Returns the intents whose text a question takes as its answer."""
    found = next(item for item in agent.domain.slots if item.name == slot)
    return {
        intent
        for mapping in found.mappings
        for condition in mapping.get("conditions", [])
        if condition == {"active_loop": form, "requested_slot": slot}
        for intent in mapping["intent"]
    }


# --- every intent, every form -------------------------------------------------


@pytest.mark.parametrize("intent", [*INTENTS, NLU_FALLBACK])
@pytest.mark.parametrize(("form", "slot"), QUESTIONS)
async def test_every_intent_is_answered_in_the_middle_of_every_form(
    office, agent, form, slot, intent
):
    person, question = await at(office, form, slot)

    turn = await person.say("é isso aí", intent)

    said, now = texts(turn), await person.form()
    assert said
    assert NO_ANSWER not in said
    assert turn.is_committed
    flow = person.row(turn).flow
    if intent in BREAKOUT_INTENTS:
        assert now is None
        assert question not in said
        assert flow == intent
    elif f"form_{intent}" in FORMS and intent not in takes(agent, form, slot):
        assert f"form_{intent}" != form
        assert now == f"form_{intent}"
        assert flow == intent
    elif intent in takes(agent, form, slot):
        assert flow == flow_of_form(form)
    else:
        assert now == form
        assert said[-1] == question
        assert len(said) == 2
        assert flow == flow_of_form(form)


@pytest.mark.parametrize(("form", "slot"), QUESTIONS)
async def test_form_asks_again_after_each_of_many_questions(office, form, slot):
    person, question = await at(office, form, slot)
    asked = ["consultar_horario", "consultar_horario", "ver_agenda", "reclamar"]
    asked += ["enviar_documento", "cancelar_consulta", "saudar", "consultar_honorarios"]

    for intent in asked:
        turn = await person.say("e isso?", intent)

        assert len(texts(turn)) == 2
        assert texts(turn)[-1] == question


@pytest.mark.parametrize("intent", INTENTS)
async def test_every_intent_is_answered_outside_of_forms(office, intent):
    person = office.person()

    turn = await person.say("é isso aí", intent)

    assert texts(turn)
    assert NO_ANSWER not in texts(turn)
    assert person.row(turn).flow == intent


@pytest.mark.parametrize("intent", LAWYER_INTENTS)
async def test_clients_are_refused_lawyers_commands_and_nothing_is_kept(office, intent):
    person = office.person(Profile.CLIENT, "Cliente")

    turn = await person.say("assume o Marcos", intent)

    assert "só para os advogados" in texts(turn)[0]
    assert turn.effects == []
    assert person.requests() == []


@pytest.mark.parametrize("intent", sorted(BREAKOUT_INTENTS))
async def test_conversation_goes_on_after_a_form_was_left(office, intent):
    person, _ = await at(office, "form_agendar_consulta", "assunto")
    await person.say("é isso aí", intent)

    turn = await person.say("que horas abrem?", "consultar_horario")

    assert len(texts(turn)) == 1
    assert person.row(turn).flow == "consultar_horario"


# --- forms from start to end --------------------------------------------------


async def test_booking_with_a_question_in_between_is_kept_whole(office):
    person = office.person()
    for text, intent in [
        ("quero marcar", "agendar_consulta"),
        ("maria da silva", "informar_dados"),
        ("que horas abrem?", "consultar_horario"),
        ("pensão", NLU_FALLBACK),
        ("tanto faz", "afirmar"),
    ]:
        await person.say(text, intent)

    turn = await person.say("não, terça às 15h", "negar")

    (kept,) = person.requests()
    assert kept.facts == {
        "nome": "Maria da Silva",
        "assunto": "pensão",
        "modalidade": "presencial",
        "quando": "não, terça às 15h",
    }
    assert person.handoffs() == ["agendar_consulta"]
    assert person.row(turn).answered_by == "fluxo"
    assert await person.form() is None


async def test_story_is_kept_when_the_date_tells_more_of_it(office):
    person = office.person()
    await person.say(STORY, "relatar_caso")

    await person.say("a demissão foi em março de 2020", "relatar_caso")

    (kept,) = person.requests()
    assert kept.facts["relato"] == STORY
    assert kept.facts["desde_quando"] == "a demissão foi em março de 2020"


async def test_whoever_has_no_lawsuit_number_gets_through(office):
    person = office.person()
    await person.say("e o meu processo?", "consultar_processo")

    turn = await person.say("não tenho", "negar")

    assert "cadastro" in texts(turn)[0]
    assert await person.form() is None


async def test_form_that_was_broken_off_begins_anew(office):
    person, _ = await at(office, "form_agendar_consulta", "quando")
    await person.say("deixa pra lá", "interromper")

    turn = await person.say("quero marcar outra coisa", "agendar_consulta")

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


# --- fallback -----------------------------------------------------------------


def actions_of(person: Person) -> list[str]:
    """Returns the actions after the latest message."""
    names = []
    for event in reversed(person.events()):
        if event["event"] == "user":
            break
        if event["event"] == "action":
            names.append(event["name"])
    return names[::-1]


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

"""Erasure, files, complaints, areas, and the yes that follows an offer of ours."""

from __future__ import annotations

import pytest

from bot.store.effects import Handoff, Request
from tests.unit.desk import domain

ERASE = "excluir_dados"


@pytest.fixture
def talk(desk):
    """Returns a conversation with a client."""
    return desk.talk()


# --- erasure ----------------------------------------------------------------------


async def test_erasure_is_asked_back_before_anything_is_registered(talk):
    said = await talk.starts(ERASE, "apaga tudo que tem meu aí")

    assert said.responses == ["ask_confirmado"]
    assert said.effects == []


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("sim", "afirmar"),
        ("sim, pode apagar", ERASE),
        ("pode apagar", "nlu_fallback"),
        ("apaga", "nlu_fallback"),
        ("confirmo", "informar_dados"),
        ("tenho certeza", "informar_dados"),
    ],
)
async def test_yes_registers_the_erasure_and_tells_a_person(talk, text, intent):
    await talk.starts(ERASE, "apaga meus dados")

    said = await talk.says(text, intent=intent)

    assert said.responses == [ERASE]
    assert said.effects == [Request(ERASE, {}), Handoff(ERASE)]
    assert "15 dias" in said.text


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("não", "negar"),
        ("não, deixa", "informar_dados"),
        ("melhor não", "nlu_fallback"),
        ("espera", "nlu_fallback"),
        ("não apaga", ERASE),
    ],
)
async def test_no_keeps_everything(talk, text, intent):
    await talk.starts(ERASE, "apaga meus dados")

    said = await talk.says(text, intent=intent)

    assert said.responses == ["dados_mantidos"]
    assert said.effects == []


async def test_unclear_answer_erases_nothing(talk):
    await talk.starts(ERASE, "apaga meus dados")

    said = await talk.says("talvez")

    assert said.responses == ["confirmado_invalido", "ask_confirmado"]
    assert said.effects == []


async def test_yes_of_an_earlier_form_is_not_taken_for_this_one(talk):
    talk.slots["confirmado"] = "sim"

    said = await talk.starts(ERASE, "apaga meus dados")

    assert said.responses == ["ask_confirmado"]


async def test_question_in_the_middle_of_an_erasure_is_left_to_its_rule(talk):
    await talk.starts(ERASE, "apaga meus dados")

    said = await talk.says("o que vocês guardam?", intent="consultar_privacidade")

    assert said.is_left


# --- the yes to an offer ------------------------------------------------------------


async def yes_after(talk, response):
    """Says yes to a response; returns what is said and the events."""
    talk.hears("oi", intent="saudar")
    metadata = {"utter_action": response}
    talk.events.append({"event": "bot", "text": "…", "metadata": metadata})
    return await talk.runs("action_afirmar", "sim", intent="afirmar")


@pytest.mark.parametrize(
    "response",
    [
        "utter_fora_de_escopo",
        "utter_ia_indisponivel",
        "utter_ia_sem_resposta",
        "utter_default",
        "utter_erro_interno",
    ],
)
async def test_yes_to_the_offer_of_a_person_calls_one(talk, response):
    said = await yes_after(talk, response)

    assert said.responses == ["falar_com_advogado"]
    assert said.messages[0]["fluxo"] == "falar_com_advogado"


@pytest.mark.parametrize(
    ("response", "form"),
    [
        ("utter_consultar_honorarios", "form_agendar_consulta"),
        ("utter_sem_agendamento", "form_agendar_consulta"),
        ("utter_consultar_areas", "form_relatar_caso"),
        ("utter_area_atendida", "form_relatar_caso"),
    ],
)
async def test_yes_to_an_offer_begins_its_form(talk, response, form):
    said = await yes_after(talk, response)

    assert said.messages == []
    assert talk.followup == form
    assert {form, response} <= {*domain()["forms"], *domain()["responses"]}


@pytest.mark.parametrize("response", ["utter_saudar", "utter_agradecer", ""])
async def test_yes_to_nothing_asks_what_it_is_for(talk, response):
    said = await yes_after(talk, response)

    assert said.responses == ["afirmar"]
    assert said.effects == []


async def test_yes_to_the_offer_begins_an_empty_booking(talk):
    await yes_after(talk, "utter_sem_agendamento")

    said = await talk.enters("agendar_consulta")

    assert said.responses == ["ask_nome"]


# --- files, areas, complaints ---------------------------------------------------------


@pytest.mark.parametrize("kind", ["image", "document", "video"])
@pytest.mark.parametrize("caption", ["", "segue a procuração"])
async def test_file_that_came_is_acknowledged(talk, kind, caption):
    said = await talk.runs("action_enviar_documento", caption, kind=kind)

    assert said.responses == ["enviar_documento"]
    facts = {"legenda": caption, "anexos": []}
    assert said.effects == [Request("enviar_documento", facts)]


@pytest.mark.parametrize(
    ("files", "response", "words"),
    [
        (["guardado"], "enviar_documento", "Recebi o arquivo e guardei"),
        (["guardado"] * 3, "enviar_documento", "Recebi os 3 arquivos e guardei"),
        (["pendente"], "enviar_documento_a_caminho", "estou guardando"),
        (["guardado", "pendente"], "enviar_documento_a_caminho", "os 2 arquivos"),
    ],
    ids=["one", "album", "on-its-way", "one-on-its-way"],
)
async def test_file_is_said_to_be_kept_once_it_is(talk, files, response, words):
    said = await talk.runs("action_enviar_documento", "", kind="image", files=files)

    assert said.responses == [response]
    assert words in said.text
    assert len(said.effects[0].facts["anexos"]) == len(files)


async def test_question_how_to_send_is_answered_without_claiming_a_file(talk):
    said = await talk.runs("action_enviar_documento", "como mando o contrato?")

    assert said.responses == ["como_enviar_documento"]
    assert said.effects == []


@pytest.mark.parametrize(
    ("text", "response", "told"),
    [
        ("o que preciso levar?", "consultar_documentos", "documento com foto"),
        (
            "o que levo para o divórcio?",
            "consultar_documentos_da_area",
            "certidão de casamento",
        ),
        (
            "documentos da aposentadoria",
            "consultar_documentos_da_area",
            "extrato do CNIS",
        ),
    ],
)
async def test_papers_are_those_of_the_area(talk, text, response, told):
    said = await talk.runs("action_consultar_documentos", text)

    assert said.responses == [response]
    assert told in said.text


@pytest.mark.parametrize(
    ("text", "response", "told"),
    [
        ("em que vocês atuam?", "consultar_areas", "tributário"),
        ("mexem com inventário?", "area_atendida", "família"),
        ("pegam inquérito?", "area_nao_atendida", "Nessa área nós não atuamos"),
    ],
)
async def test_area_is_said_to_be_handled_or_not(desk, text, response, told):
    desk.gives_up("criminal")

    said = await desk.talk().runs("action_consultar_areas", text)

    assert said.responses == [response]
    assert told in said.text


async def test_complaint_is_kept_word_for_word_and_asks_for_a_person(talk):
    text = "ninguém me responde há 3 dias, um absurdo"

    said = await talk.runs("action_reclamar", text)

    assert said.responses == ["reclamar"]
    assert Request("reclamar", {"texto": text}) in said.effects
    (raw,) = domain()["responses"]["utter_reclamar"][0]["metadata"]["efeitos"]
    assert raw == {"tipo": "passagem", "motivo": "reclamar"}

"""A case that somebody tells, until it lies with the office."""

from __future__ import annotations

import pytest

from bot.core.names import NLU_FALLBACK, Profile
from bot.store.effects import Handoff, Request, Task

FLOW = "relatar_caso"
STORY = "fui demitida grávida e não me pagaram nada"
ANSWERS = {
    "relato": "meu vizinho construiu um muro no meu terreno",
    "nome": "Juliana Prado",
    "area_direito": "não sei",
    "desde_quando": "faz uns 3 meses",
    "parte_contraria": "a loja Bem Barato",
    "prazo": "não",
    "contato": "este mesmo",
}


@pytest.fixture
def talk(desk):
    """Returns a conversation with a stranger."""
    return desk.talk()


async def until(talk, slot, first="quero contar um caso"):
    """Tells a case until a slot is asked for; returns what was said last."""
    said = await talk.starts(FLOW, first)
    while talk.slots["requested_slot"] != slot:
        said = await talk.says(ANSWERS[talk.slots["requested_slot"]])
    return said


async def test_announced_case_is_asked_for_one_thing_at_a_time(talk):
    said = [await talk.starts(FLOW, "quero contar um caso")]
    said += [await talk.says(answer) for answer in ANSWERS.values()]

    assert [each.responses for each in said] == [
        ["ask_relato"],
        ["ask_nome"],
        ["ask_area_direito"],
        ["ask_desde_quando"],
        ["ask_parte_contraria"],
        ["ask_prazo"],
        ["ask_contato"],
        ["ask_confirmado"],
    ]


async def test_story_area_and_time_of_the_first_message_are_not_asked_again(talk):
    said = await talk.starts(FLOW, f"há 3 meses {STORY}")
    assert said.responses == ["ask_nome"]

    said = await talk.says("Juliana Prado")

    assert said.responses == ["ask_parte_contraria"]
    assert said.slots["area_direito"] == "trabalhista"
    assert said.slots["desde_quando"] == "há 3 meses"


async def test_registered_client_is_not_asked_for_a_name(desk):
    said = await desk.talk(Profile.CLIENT, name="Juliana Prado").starts(FLOW, STORY)

    assert said.responses == ["ask_desde_quando"]
    assert said.slots["nome"] == "Juliana Prado"


async def test_confirmation_repeats_everything_in_their_words(talk):
    said = await until(talk, "confirmado", first=STORY)

    shown = said.of("ask_confirmado")
    assert shown["resumo"] == STORY
    assert shown["nome"] == "Juliana Prado"
    assert shown["area"] == "direito do trabalho"
    assert shown["desde_quando"] == "faz uns 3 meses"
    assert shown["parte_contraria"] == "a loja Bem Barato"
    assert shown["prazo"] == "não há"
    assert shown["contato"] == "este WhatsApp"


async def test_yes_leaves_one_row_and_one_handoff(talk):
    await until(talk, "confirmado", first=STORY)

    said = await talk.says("sim", intent="afirmar")

    assert said.responses == [FLOW]
    assert said.effects == [
        Request(
            FLOW,
            {
                "relato": STORY,
                "nome": "Juliana Prado",
                "area_direito": "trabalhista",
                "desde_quando": "faz uns 3 meses",
                "parte_contraria": "a loja Bem Barato",
                "prazo": "não há",
                "contato": "este WhatsApp",
            },
        ),
        Handoff(FLOW),
        Task(
            "contato",
            {
                "Data": "18/11/2026 10:00",
                "Nome": "Juliana Prado",
                "Área": "direito do trabalho",
                "O que houve": STORY,
                "Desde quando": "faz uns 3 meses",
                "Contra quem": "a loja Bem Barato",
                "Prazo": "não há",
                "Contato": "este WhatsApp",
            },
        ),
    ]
    assert "opinião jurídica" in said.text
    assert said.slots["relato"] is None


async def test_long_story_is_shown_in_short_and_kept_whole(talk):
    story = "meu vizinho levantou um muro e não quer conversa nenhuma " * 10
    said = await until(talk, "confirmado", first=story)

    assert len(said.of("ask_confirmado")["resumo"]) <= 142
    assert said.slots["relato"] == story.strip()


async def test_endless_story_is_cut(talk):
    said = await talk.starts(FLOW, "meu vizinho não para " * 1000)

    assert len(said.slots["relato"]) <= 4000


@pytest.mark.parametrize(
    ("slot", "answer", "kept"),
    [
        ("area_direito", "família", "familia"),
        ("area_direito", "outro", "outra"),
        ("area_direito", "não sei", "outra"),
        ("desde_quando", "desde março de 2020", "desde março de 2020"),
        ("desde_quando", "não lembro", "não informado"),
        ("desde_quando", "uns anos já", "uns anos já"),
        ("parte_contraria", "o Banco do Povo", "o Banco do Povo"),
        ("parte_contraria", "não sei", "não informado"),
        ("parte_contraria", "meu ex-marido", "meu ex-marido"),
        ("prazo", "não", "não há"),
        ("prazo", "nenhum", "não há"),
        ("prazo", "não sei", "não há"),
        ("prazo", "audiência dia 12/12", "audiência dia 12/12"),
        ("prazo", "não sei o dia, mas é até sexta", "não sei o dia, mas é até sexta"),
        ("contato", "este mesmo", "este WhatsApp"),
        ("contato", "esse número", "este WhatsApp"),
        ("contato", "pode ser por aqui", "este WhatsApp"),
        ("contato", "sim", "este WhatsApp"),
        ("contato", "no zap mesmo", "este WhatsApp"),
        ("contato", "(11) 98765-4321", "+5511987654321"),
        ("contato", "ju@exemplo.com.br", "ju@exemplo.com.br"),
        (
            "contato",
            "ju@exemplo.com.br ou (11) 98765-4321",
            "+5511987654321, ju@exemplo.com.br",
        ),
    ],
)
async def test_answer_is_kept_as_it_is_meant(talk, slot, answer, kept):
    await until(talk, slot)

    said = await talk.says(answer)

    assert said.slots[slot] == kept


@pytest.mark.parametrize(
    ("slot", "answer", "said_first"),
    [
        ("relato", "xyz", "relato_invalido"),
        ("nome", "123", "nome_invalido"),
        ("contato", "xyz", "contato_invalido"),
    ],
)
async def test_answer_that_tells_nothing_is_asked_again(talk, slot, answer, said_first):
    await until(talk, slot)

    said = await talk.says(answer)

    assert said.responses[0] == said_first
    assert said.slots["requested_slot"] == slot


@pytest.mark.parametrize("slot", [*ANSWERS, "confirmado"])
@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("quanto custa?", "consultar_honorarios"),
        ("onde vocês ficam?", "consultar_endereco"),
        ("deixa pra lá", "interromper"),
        ("quero falar com uma pessoa", "falar_com_advogado"),
    ],
)
async def test_question_in_the_middle_leaves_the_case_untouched(
    talk, slot, text, intent
):
    await until(talk, slot)
    before = dict(talk.slots)

    said = await talk.says(text, intent=intent)

    assert said.is_left
    assert talk.slots == before


@pytest.mark.parametrize("intent", [FLOW, "reclamar", NLU_FALLBACK])
async def test_story_may_sound_like_anything(talk, intent):
    await talk.starts(FLOW, "quero contar um caso")

    said = await talk.says(
        "comprei um carro com defeito e a loja não devolve", intent=intent
    )

    assert said.responses == ["ask_nome"]


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("o nome está errado", "ask_nome"),
        ("quero mudar a data", "ask_desde_quando"),
        ("muda a empresa", "ask_parte_contraria"),
        ("pode trocar o contato", "ask_contato"),
        ("a audiência mudou", "ask_prazo"),
        ("sim, mas o telefone é outro", "ask_contato"),
    ],
)
@pytest.mark.parametrize("intent", ["negar", "informar_dados", NLU_FALLBACK])
async def test_fact_that_is_named_is_asked_again(talk, text, asked, intent):
    await until(talk, "confirmado", first=STORY)

    said = await talk.says(text, intent=intent)

    assert said.responses == [asked]


async def test_plain_no_asks_what_to_change(talk):
    await until(talk, "confirmado", first=STORY)

    said = await talk.says("não", intent="negar")

    assert said.responses == ["relato_o_que_mudar", "ask_confirmado"]
    assert said.effects == []


async def test_what_was_forgotten_is_added_to_the_story(talk):
    await until(talk, "confirmado", first=STORY)

    said = await talk.says("eu trabalhava lá fazia dez anos", intent=NLU_FALLBACK)

    assert said.responses == ["ask_confirmado"]
    assert said.slots["relato"] == f"{STORY}\neu trabalhava lá fazia dez anos"


async def test_cpf_and_email_of_a_story_are_taken_and_do_not_answer(talk):
    await until(talk, "desde_quando")

    said = await talk.says("meu cpf é 482.193.650-05")

    assert said.slots["cpf"] == "48219365005"
    assert said.responses[-1] == "ask_desde_quando"


async def test_second_case_does_not_inherit_the_first(talk):
    await until(talk, "confirmado", first=STORY)
    await talk.says("sim", intent="afirmar")

    said = await talk.starts(FLOW, "quero contar outro caso")

    assert said.responses == ["ask_relato"]
    assert said.slots["parte_contraria"] is None


async def test_form_without_a_yes_ends_in_silence(talk):
    said = await talk.runs("action_relatar_caso")

    assert said.messages == []


async def test_wish_to_book_is_no_story(desk):
    talk = desk.talk()
    await talk.starts("relatar_caso", "quero contar um caso")

    await talk.says("queria marcar um horário com a doutora", intent="agendar_consulta")

    assert talk.slots["relato"] is None


async def test_a_day_is_nobody_to_sue(desk):
    talk = desk.talk()
    await talk.starts("relatar_caso", "me demitiram ontem e não pagaram nada")
    await talk.says("Pedro Alves", names=["Pedro Alves"])
    while talk.slots["requested_slot"] != "parte_contraria":
        await talk.says("trabalho")

    await talk.says("ontem")

    assert talk.slots["parte_contraria"] is None

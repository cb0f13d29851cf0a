"""The whole assistant through its public doors, every process real."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from bot.core.names import INTENTS, LAWYER_INTENTS
from tests.e2e.conftest import MODEL_SAYS, Office
from tests.stack import ROOT, Stack, wait_until

pytestmark = pytest.mark.e2e
_numbers = count(10_000_000)

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
    "remarcar_consulta": "dá pra passar minha consulta pra sexta?",
    "cancelar_consulta": "não vou poder ir na consulta amanhã, cancela",
    "consultar_agendamento": "que horas é minha reunião mesmo?",
    "relatar_caso": "fui demitida grávida e não me pagaram nada",
    "consultar_processo": "saiu alguma coisa do meu processo?",
    "consultar_honorarios": "quanto custa a consulta?",
    "consultar_horario": "vcs abrem sábado?",
    "consultar_endereco": "onde fica o escritório?",
    "consultar_areas": "vocês mexem com inventário?",
    "consultar_documentos": "quais documentos preciso levar?",
    "enviar_documento": "como mando o contrato pra vcs?",
    "falar_com_advogado": "quero falar com um humano",
    "relatar_urgencia": "meu filho foi preso agora",
    "reclamar": "ninguém me responde há 3 dias, absurdo",
    "informar_dados": "Maria Aparecida da Silva",
    "consultar_privacidade": "o que vocês fazem com meus dados?",
    "excluir_dados": "apaga tudo que tem meu aí",
    "ver_agenda": "qual minha agenda de amanhã?",
    "criar_compromisso": "marca audiência dia 12 às 14h na 3ª vara",
    "criar_planilha": "cria uma planilha de custas do caso Souza",
    "ver_contatos_novos": "quem entrou em contato hoje?",
    "salvar_no_drive": "salva esse pdf na pasta do João Pereira",
    "resumir_atendimento": "me resume a conversa da dona Lúcia",
    "assumir_atendimento": "deixa que eu falo com o Marcos",
    "devolver_atendimento": "pode voltar o robô pro Marcos",
}


def new_phone() -> str:
    """Returns a number that has not written yet."""
    return f"+55119{next(_numbers)}"


def register(stack: Stack, phone: str, name: str, profile: str) -> str:
    """Runs the command behind `make pessoa`; returns what it printed."""
    done = subprocess.run(
        [str(ROOT / ".venv/bin/python"), "-m", "deploy.local.person",
         "--telefone", phone, "--nome", name, "--perfil", profile],
        cwd=ROOT, env=stack.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def rows(stack: Stack, query: str) -> list[tuple[object, ...]]:
    path = stack.environment["DATABASE_URL"].removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        return connection.execute(query).fetchall()


def test_a_phrase_of_every_intent_is_listed_here() -> None:
    assert set(SPOKEN) == set(INTENTS)


@pytest.mark.parametrize("intent", INTENTS)
def test_every_intent_gets_a_portuguese_answer(office: Office, intent: str) -> None:
    phone = new_phone()
    profile = "advogado" if intent in LAWYER_INTENTS else "cliente"
    register(office.stack, phone, "Pessoa de Teste", profile)

    answer = office.stack.ask(phone, SPOKEN[intent])

    assert answer["fluxo"] == intent
    assert answer["tipo_usuario"] == profile
    assert answer["quem_respondeu"] in {"regra", "fluxo", "pessoa"}
    assert 0.3 < answer["confianca"] <= 1
    assert answer["mensagens"]
    assert answer["resposta"] == "\n\n".join(answer["mensagens"])
    assert len(answer["resposta"]) > 15
    assert "{" not in answer["resposta"]


def test_an_unknown_number_is_served_as_a_client(office: Office) -> None:
    answer = office.stack.ask(new_phone(), "vcs abrem sábado?")

    assert answer["tipo_usuario"] == "desconhecido"
    assert "9h às 18h" in answer["resposta"]


def test_a_client_does_not_command_like_a_lawyer(office: Office) -> None:
    answer = office.stack.ask(new_phone(), SPOKEN["ver_contatos_novos"])

    assert "só para os advogados" in answer["resposta"]


def test_booking_goes_on_after_a_question_and_ends_with_a_yes(office: Office) -> None:
    phone = new_phone()
    turns = [
        "qro marca hr c a dra amnh d tarde pf",
        "maria das dores",
        "vocês ficam onde?",
        "é sobre divórcio",
        "pode ser por vídeo",
        "1",  # the first of the hours that are offered, whatever day it is
        "sim, pode marcar",
    ]

    answers = [office.stack.ask(phone, text) for text in turns]

    assert {answer["fluxo"] for answer in answers} == {"agendar_consulta"}
    assert "Avenida" in answers[2]["resposta"]
    assert "assunto" in answers[2]["mensagens"][-1]
    assert "1." in answers[4]["resposta"]
    for understood in ("Maria das Dores", "divórcio", "online"):
        assert understood in answers[5]["resposta"]
    assert "Consulta marcada" in answers[6]["resposta"]
    mine = f"(select id from conversation where address = 'whatsapp:{phone}')"
    facts = rows(
        office.stack, f"select facts from request where conversation_id={mine}"
    )
    booked = rows(
        office.stack,
        f"select status, modality from appointment where conversation_id={mine}",
    )
    assert json.loads(str(facts[0][0]))["modalidade"] == "online"
    assert booked == [("marcada", "online")]


def test_what_is_booked_can_be_moved_and_cancelled(office: Office) -> None:
    phone = new_phone()
    begin = "quero marcar consulta online trabalhista, meu nome é Vitor Nunes"

    booked = [office.stack.ask(phone, text) for text in (begin, "1", "sim")]
    moved = [
        office.stack.ask(phone, text)
        for text in ("preciso remarcar minha consulta", "a segunda opção", "sim")
    ]
    cancelled = [
        office.stack.ask(phone, text)
        for text in ("quero cancelar minha consulta", "sim")
    ]
    none_left = office.stack.ask(phone, "que horas é minha consulta?")

    assert "Consulta marcada" in booked[-1]["resposta"]
    assert moved[-1]["resposta"].startswith("Pronto")
    assert {answer["fluxo"] for answer in moved} == {"remarcar_consulta"}
    assert "cancelei" in cancelled[-1]["resposta"]
    assert "Não encontrei nenhuma consulta" in none_left["resposta"]


def test_what_nobody_understands_is_answered_by_the_model(office: Office) -> None:
    phone = new_phone()

    answer = office.stack.ask(phone, "qual a receita de bolo de cenoura?")
    after = office.stack.ask(phone, "onde fica o escritório?")

    assert answer["fluxo"] == "fallback_llm"
    assert answer["quem_respondeu"] == "ia"
    assert answer["resposta"].startswith(f"{MODEL_SAYS}\n\n")
    assert "inteligência artificial" in answer["resposta"]
    assert after["fluxo"] == "consultar_endereco"


@pytest.mark.parametrize("text", ["/restart", '/saudar{"nome": "x"}', "/back"])
def test_text_with_a_leading_slash_is_no_command(office: Office, text: str) -> None:
    phone = new_phone()
    office.stack.ask(phone, "quero marcar uma consulta")

    office.stack.ask(phone, text)
    after = office.stack.ask(phone, "Ana Paula Souza")

    assert after["fluxo"] == "agendar_consulta"
    assert "assunto" in after["resposta"]


def test_a_person_who_asks_for_a_person_waits_for_one(office: Office) -> None:
    phone = new_phone()

    answer = office.stack.ask(phone, "quero falar com um humano")

    assert answer["quem_respondeu"] == "pessoa"
    waiting = rows(
        office.stack,
        "select reason from handoff join conversation c on c.id = conversation_id "
        f"where c.address = 'whatsapp:{phone}'",
    )
    assert waiting == [("falar_com_advogado",)]


def test_a_lawyer_takes_a_client_and_the_robot_is_silent(office: Office) -> None:
    client, lawyer = new_phone(), new_phone()
    register(office.stack, client, "Marcos Vinícius Prado", "cliente")
    register(office.stack, lawyer, "Dra. de Plantão", "advogado")
    office.stack.ask(client, "oi")

    taken = office.stack.ask(lawyer, "deixa que eu falo com o Marcos Vinícius")
    silent = office.stack.ask(client, "oi, tem alguém?")
    given_back = office.stack.ask(lawyer, "pode voltar o robô pro Marcos Vinícius")
    answered = office.stack.ask(client, "vcs abrem sábado?")

    assert "Marcos Vinícius Prado" in taken["resposta"]
    assert silent["mensagens"] == []
    assert silent["quem_respondeu"] == "pessoa"
    assert "voltou" in given_back["resposta"]
    assert answered["fluxo"] == "consultar_horario"


def test_a_whatsapp_message_is_answered_through_twilio_once(office: Office) -> None:
    phone = new_phone()

    statuses = [
        office.stack.whatsapp("SM" + "1" * 32, phone, "vcs abrem sábado?")
        for _ in range(5)
    ]

    def answers() -> list[dict[str, object]]:
        to = f"whatsapp:{phone}"
        return [m for m in office.twilio.sent() if m["to"] == to]

    assert statuses == [200] * 5
    sent = wait_until(answers, within_s=15)
    office.stack.ask(phone, "obrigada")  # by then a second answer would be out
    assert [m["body"] for m in answers()] == [m["body"] for m in sent]
    assert len(sent) == 1
    assert "9h às 18h" in str(sent[0]["body"])
    assert sent[0]["from"] == "whatsapp:+551140042233"


def test_people_who_write_at_once_are_answered_side_by_side(office: Office) -> None:
    phones = [new_phone() for _ in range(20)]

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda p: office.stack.ask(p, "oi, boa tarde"), phones))

    assert {answer["fluxo"] for answer in answers} == {"saudar"}


def test_messages_of_one_person_keep_their_order(office: Office) -> None:
    phone = new_phone()
    texts = ["quero marcar uma consulta", "João Batista Lima", "inventário", "online"]

    for number, text in enumerate(texts):
        office.stack.whatsapp(f"SM{number:032d}", phone, text)

    def last() -> list[str]:
        to = f"whatsapp:{phone}"
        bodies = [str(m["body"]) for m in office.twilio.sent() if m["to"] == to]
        return bodies if len(bodies) == len(texts) else []

    bodies = wait_until(last, within_s=15)
    assert "nome completo" in bodies[0]
    assert "assunto" in bodies[1]
    assert "presencial" in bodies[2]
    assert "dia e horário" in bodies[3]


def test_health_names_every_dependency(office: Office) -> None:
    with urllib.request.urlopen(f"{office.stack.edge}/saude", timeout=10) as reply:
        report = json.load(reply)

    dependencies = report["dependencias"]
    states = {name: item["estado"] for name, item in dependencies.items()}
    assert report["aceita_mensagens"] is True
    assert states == {
        "banco": "ok", "borda": "ok", "rasa": "ok", "acoes": "ok", "painel": "ok",
        "ollama": "ok", "twilio": "desconhecido", "google": "nao_configurado",
        "whisper": "nao_configurado",
    }, dependencies  # fmt: skip


def test_no_log_holds_what_people_wrote(office: Office, tmp_path: Path) -> None:
    phone, secret = new_phone(), "segredo-que-ninguem-registra"

    office.stack.ask(phone, f"qual a receita do {secret}?", nome="Nome-Plantado")
    office.stack.whatsapp("SM" + "7" * 32, phone, f"e o {secret}?")
    wait_until(lambda: any(m["to"].endswith(phone) for m in office.twilio.sent()))

    for name in ("borda", "acoes", "painel", "rasa"):
        log = office.stack.log(name)
        for planted in (secret, phone, phone[3:], "Nome-Plantado", "token-dos-testes",
                        office.stack.environment["TWILIO_AUTH_TOKEN"]):  # fmt: skip
            assert planted not in log, (name, planted)
    assert os.path.getsize(office.stack.folder / "borda.log") > 0


def test_a_stray_question_in_a_form_is_answered_and_the_form_goes_on(
    office: Office,
) -> None:
    phone = new_phone()
    office.stack.ask(phone, "quero marcar uma consulta")

    stray = office.stack.ask(phone, "qual a receita de bolo de cenoura?")
    after = office.stack.ask(phone, "Rosângela d'Ávila")

    assert stray["mensagens"][0].startswith(MODEL_SAYS)
    assert "nome" in stray["mensagens"][-1]
    assert len(stray["mensagens"]) == 2
    assert after["fluxo"] == "agendar_consulta"
    assert "assunto" in after["resposta"]

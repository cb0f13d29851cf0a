"""What people get while a part is down: an honest answer, never silence."""

from __future__ import annotations

import json
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.stack import Stack, fake_ollama, fake_twilio, open_stack, wait_until

pytestmark = pytest.mark.e2e
CAKE = "qual a receita de bolo de cenoura?"


def test_model_slow_or_talking_rubbish_ends_in_the_offer_of_a_person(
    tmp_path: Path,
) -> None:
    rubbish = [
        "",
        "<|im_start|>assistant",
        "asdf qwer zxcv",
        '{"a": [',
        "Sure! Here is",
    ]
    with fake_ollama(*rubbish) as talking, fake_ollama(delay_s=30) as slow:
        settings = {"OLLAMA_HOST": talking.url, "LLM_DEADLINE_S": "1.5"}
        with open_stack(tmp_path, **settings) as stack:
            stack.start("borda", "acoes", "rasa")

            answers = [stack.ask("+5511911110001", CAKE) for _ in rubbish]
            stack.stop("acoes")
            stack.environment["OLLAMA_HOST"] = slow.url
            stack.start("acoes")
            started = time.monotonic()
            late = stack.ask("+5511911110001", CAKE)
            elapsed_s = time.monotonic() - started

    for answer in [*answers, late]:
        assert answer["fluxo"] == "fora_de_escopo"
        assert answer["quem_respondeu"] == "regra"
        assert "falar com uma pessoa" in answer["resposta"]
    assert elapsed_s < 10


def test_model_down_is_said_honestly_and_the_talk_goes_on(tmp_path: Path) -> None:
    with open_stack(tmp_path) as stack:
        stack.start("borda", "acoes", "rasa")

        down = stack.ask("+5511911110002", CAKE)
        after = stack.ask("+5511911110002", "vcs abrem sábado?")

    assert down["fluxo"] == "fora_de_escopo"
    assert "falar com uma pessoa" in down["resposta"]
    assert after["fluxo"] == "consultar_horario"


def test_action_server_down_is_an_apology_and_a_person(tmp_path: Path) -> None:
    with open_stack(tmp_path) as stack:
        stack.start("borda", "rasa")

        first = stack.ask("+5511911110003", CAKE)
        rule = stack.ask("+5511911110003", "vcs abrem sábado?")
        urgent = stack.ask("+5511911110003", "meu filho foi preso agora")
        stack.start("acoes")
        after = stack.ask("+5511911110003", "quero marcar uma consulta")

    assert "Já avisei a equipe" in first["resposta"]
    assert first["quem_respondeu"] == "pessoa"
    assert len(first["mensagens"]) == 1
    assert rule["fluxo"] == "consultar_horario"
    assert urgent["fluxo"] == "relatar_urgencia"
    assert after["fluxo"] == "agendar_consulta"


def test_rasa_killed_in_the_middle_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with fake_twilio() as twilio, fake_ollama("Claro!", delay_s=3) as ollama:
        settings = {"TWILIO_API_BASE_URL": twilio.url, "OLLAMA_HOST": ollama.url,
                    "TURN_DEADLINE_S": "5"}  # fmt: skip
        with open_stack(tmp_path, **settings) as stack:
            stack.start("borda", "acoes", "rasa")
            stack.whatsapp("SM" + "1" * 32, "+5511911110004", "vcs abrem sábado?")
            sent = wait_until(twilio.sent, within_s=15)

            stack.whatsapp("SM" + "2" * 32, "+5511911110004", CAKE)
            time.sleep(1)  # the model is at work on it
            stack.stop("rasa", how=signal.SIGKILL)
            status = stack.whatsapp("SM" + "3" * 32, "+5511911110005", "oi")
            stack.start("rasa")

            wait_until(
                lambda: len(twilio.sent()) > 2,
                within_s=60,
            )
            time.sleep(1)
            sent = twilio.sent()

    assert status == 200
    assert len(sent) == 3
    per_person = [m["to"] for m in sent]
    assert per_person.count("whatsapp:+5511911110004") == 2
    assert per_person.count("whatsapp:+5511911110005") == 1


@pytest.mark.parametrize("killed", ["acoes", "borda"])
def test_a_process_killed_in_the_middle_leaves_one_answer(
    tmp_path: Path, killed: str
) -> None:
    with fake_twilio() as twilio, fake_ollama("Claro, posso ajudar.", delay_s=2) as ai:
        settings = {"TWILIO_API_BASE_URL": twilio.url, "OLLAMA_HOST": ai.url}
        with open_stack(tmp_path, **settings) as stack:
            stack.start("borda", "acoes", "rasa")

            stack.whatsapp("SM" + "6" * 32, "+5511911110008", CAKE)
            time.sleep(0.8)  # the model is at work on it
            stack.stop(killed, how=signal.SIGKILL)
            stack.start(killed)
            wait_until(twilio.sent, within_s=30)
            time.sleep(1.5)  # by then a second answer would be out
            sent = twilio.sent()

    assert len(sent) == 1
    assert ("Já avisei a equipe" in sent[0]["body"]) == (killed == "acoes")


def test_rasa_alone_serves_the_webhook_and_sends(tmp_path: Path) -> None:
    with fake_twilio() as twilio:
        settings = {"TWILIO_API_BASE_URL": twilio.url, "RASA_STANDALONE": "1"}
        with open_stack(tmp_path, **settings) as stack:
            stack.start("rasa")

            status = stack.whatsapp(
                "SM" + "4" * 32, "+5511911110006", "vcs abrem sábado?", to="rasa"
            )
            forged = _post(f"{stack.rasa}/twilio/webhook", b"Body=oi")
            sent = wait_until(twilio.sent, within_s=15)

    assert status == 200
    assert forged == 403
    assert "9h às 18h" in sent[0]["body"]


def test_edge_takes_messages_while_rasa_is_not_there(tmp_path: Path) -> None:
    with open_stack(tmp_path, API_WAIT_S="1") as stack:
        stack.start("borda")

        status = stack.whatsapp("SM" + "5" * 32, "+5511911110007", "oi")
        with urllib.request.urlopen(f"{stack.edge}/saude", timeout=10) as reply:
            report = json.load(reply)

    assert status == 200
    assert report["aceita_mensagens"] is True
    assert report["dependencias"]["rasa"]["estado"] == "fora"
    assert report["dependencias"]["banco"]["fila"] == 1


def _post(url: str, body: bytes) -> int:
    request = urllib.request.Request(url, data=body)
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return int(error.code)


def test_stack_is_closed_after_use(tmp_path: Path) -> None:
    with open_stack(tmp_path) as stack:
        stack.start("borda")
        process = stack.running["borda"]

    assert process.poll() is not None
    assert isinstance(stack, Stack)

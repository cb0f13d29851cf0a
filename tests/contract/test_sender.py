"""The sender, over real HTTP, in front of a fake Twilio that fails on demand."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from bot.core.settings import ROOT
from bot.store.database import writing
from tests.contract.outbox_desk import (
    BUTTONS_SID,
    JOAO,
    LIST_SID,
    MARIA,
    OFFICE,
    PATIENCE_S,
    REOPEN_SID,
    TEMPLATES,
    Clock,
    running_desk,
)
from tests.fakes.fake_twilio import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    FakeTwilio,
    Fault,
    serve,
)

HOUR_S = 3600


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def twilio(clock):
    async with serve(FakeTwilio(clock=clock)) as running:
        yield running


@pytest.fixture
async def desk(tmp_path, twilio, clock):
    async with running_desk(tmp_path, twilio.url, clock=clock) as running:
        yield running


@pytest.fixture
async def desk_with_templates(tmp_path, twilio, clock):
    url = twilio.url
    async with running_desk(tmp_path, url, clock=clock, **TEMPLATES) as running:
        yield running


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


class TestSending:
    async def test_answer_leaves_once_with_the_right_fields(self, desk, twilio):
        answer = desk.say("Olá! Como posso ajudar?", to=JOAO)
        await desk.sender.start()

        sent = await desk.until_status(answer, "sent")

        (form,) = twilio.calls
        callback = urlsplit(form.pop("StatusCallback"))
        assert form == {
            "From": OFFICE, "To": JOAO, "Body": "Olá! Como posso ajudar?",
        }  # fmt: skip
        assert callback.netloc == "bot.escritorio.example"
        assert callback.path == "/twilio/status"
        assert parse_qs(callback.query) == {"o": [sent.token]}
        assert sent.provider_sid == twilio.messages[0].sid
        assert sent.attempts == 1

    async def test_answer_that_comes_while_it_runs_leaves_too(self, desk):
        await desk.sender.start()

        answer = desk.say("oi")

        await desk.until_status(answer, "sent")

    async def test_answers_of_a_conversation_keep_their_order(self, desk, twilio):
        twilio.fail_next(Fault("too_many", retry_after_s=5))
        texts = [f"resposta {n}" for n in range(6)]
        answers = [desk.say(text) for text in texts]
        await desk.sender.start()
        await desk.until(lambda: desk.row(answers[0]).next_at > 0)
        assert twilio.bodies == []

        desk.pass_time(10)

        await desk.until_status(answers[-1], "sent")
        assert twilio.bodies == texts

    async def test_conversation_that_hangs_does_not_hold_up_the_others(
        self, desk, twilio
    ):
        twilio.fail_next(Fault("hold"))
        held = desk.say("para Maria")
        await desk.sender.start()
        await desk.until(lambda: len(twilio.calls) == 1)

        other = desk.say("para João", to=JOAO)

        await desk.until_status(other, "sent")
        assert desk.row(held).status == "sending"
        twilio.gate.set()
        await desk.until_status(held, "sent")

    async def test_long_answer_leaves_in_parts_in_order(self, desk, twilio):
        text = " ".join(f"palavra{n}" for n in range(400))
        first = desk.say(text)
        last = first + 2
        await desk.sender.start()

        await desk.until_status(last, "sent")

        assert [desk.row(each).ordinal for each in (first, last)] == [0, 2]
        assert " ".join(twilio.bodies) == text
        assert max(map(len, twilio.bodies)) <= 1600

    async def test_account_of_the_settings_comes_before_that_of_the_message(
        self, tmp_path, twilio
    ):
        environ = {"TWILIO_ACCOUNT_SID": ACCOUNT_SID}
        async with running_desk(tmp_path, twilio.url, **environ) as desk:
            answer = desk.say("oi", account_sid="AC" + "b" * 32)
            await desk.sender.start()

            await desk.until_status(answer, "sent")

    async def test_without_a_token_nothing_is_sent(self, tmp_path, twilio):
        async with running_desk(tmp_path, twilio.url, TWILIO_AUTH_TOKEN="") as desk:
            answer = desk.say("oi")

            await desk.sender.start()
            await desk.sender.stop()

            assert desk.row(answer).status == "new"
            assert twilio.calls == []


class TestTryingAgain:
    async def test_too_many_requests_wait_as_long_as_twilio_says(self, desk, twilio):
        twilio.fail_next(Fault("too_many", retry_after_s=30))
        answer = desk.say("oi")
        await desk.sender.start()
        await desk.until(lambda: desk.row(answer).next_at > 0)

        waiting = desk.row(answer)
        assert waiting.status == "new"
        assert 30 <= waiting.next_at - desk.clock.now <= 31
        desk.pass_time(29)
        following = desk.say("para João", to=JOAO)
        await desk.until_status(following, "sent")
        assert twilio.bodies == ["para João"]

        desk.pass_time(2)
        await desk.until_status(answer, "sent")
        assert twilio.bodies == ["para João", "oi"]

    async def test_pause_grows_where_twilio_says_nothing(self, desk, twilio):
        twilio.fail_next(*[Fault("too_many")] * 3)
        answer = desk.say("oi")
        await desk.sender.start()

        for attempt, pause_s in ((1, 2), (2, 4), (3, 8)):
            await desk.until(
                lambda n=attempt: (
                    desk.row(answer).attempts == n and desk.row(answer).status == "new"
                )
            )
            waits_s = desk.row(answer).next_at - desk.clock.now
            assert pause_s <= waits_s <= pause_s + 1
            desk.pass_time(waits_s)
        await desk.until_status(answer, "sent")

        assert twilio.bodies == ["oi"]

    async def test_pause_never_exceeds_five_minutes(self, desk, twilio):
        twilio.fail_next(Fault("too_many", retry_after_s=999_999))
        answer = desk.say("oi")
        await desk.sender.start()

        await desk.until(lambda: desk.row(answer).next_at > 0)

        assert desk.row(answer).next_at - desk.clock.now <= 301

    async def test_refused_connection_is_tried_again(self, tmp_path):
        port = free_port()
        async with running_desk(tmp_path, f"http://127.0.0.1:{port}") as desk:
            answer = desk.say("oi")
            await desk.sender.start()
            await desk.until(lambda: desk.row(answer).next_at > 0)
            assert desk.row(answer).status == "new"

            async with serve(FakeTwilio(), port=port) as twilio:
                desk.pass_time(60)
                await desk.until_status(answer, "sent")
                assert twilio.bodies == ["oi"]

    async def test_connection_that_is_never_made_is_tried_again(self, tmp_path):
        with contextlib.ExitStack() as opened:
            deaf = opened.enter_context(
                socket.create_server(("127.0.0.1", 0), backlog=0)
            )
            for _ in range(3):  # fills the queue of a server that never accepts
                waiting = opened.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(deaf.getsockname())
            url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
            async with running_desk(tmp_path, url) as desk:
                answer = desk.say("oi")
                await desk.sender.start()

                await desk.until(lambda: desk.row(answer).next_at > 0)

                assert desk.row(answer).status == "new"


class TestRefusals:
    async def test_unknown_code_ends_it_and_tells_the_office(self, desk, twilio):
        twilio.fail_next(Fault("refuse", code=99999))
        answer = desk.say("oi")
        await desk.sender.start()

        failed = await desk.until_status(answer, "failed")
        desk.pass_time(HOUR_S)
        await desk.until_status(desk.say("depois"), "sent")

        assert failed.error_code == "99999"
        assert twilio.bodies == ["depois"]
        assert [row.reason for row in desk.rows("handoff")] == ["resposta_nao_enviada"]

    async def test_wrong_token_is_a_refusal_and_an_alert(self, tmp_path, twilio):
        environ = {"TWILIO_AUTH_TOKEN": "outro"}
        async with running_desk(tmp_path, twilio.url, **environ) as desk:
            answer = desk.say("oi")
            await desk.sender.start()

            failed = await desk.until_status(answer, "failed")

            assert failed.error_code == "20003"
            assert [row.code for row in desk.rows("channel_alert")] == ["20003"]

    async def test_answer_of_the_robot_after_a_take_over_never_leaves(
        self, desk, twilio
    ):
        answer = desk.say("resposta do robô")
        desk.take_over(answer)
        other = desk.say("para João", to=JOAO)

        await desk.sender.start()

        await desk.until_status(other, "sent")
        await desk.until_status(answer, "revoked")
        assert twilio.bodies == ["para João"]

    async def test_too_fast_for_one_person_waits_and_comes_again(self, desk, twilio):
        twilio.fail_next(Fault("refuse", code=63018))
        answer, following = desk.say("primeira"), desk.say("segunda")
        other = desk.say("para João", to=JOAO)
        await desk.sender.start()
        await desk.until(lambda: desk.row(answer).error_code == "63018")
        await desk.until_status(other, "sent")
        assert desk.row(answer).status == "new"

        desk.pass_time(10)

        await desk.until_status(following, "sent")
        assert twilio.bodies == ["para João", "primeira", "segunda"]
        assert desk.rows("handoff") == []

    async def test_it_comes_again_four_times_and_then_a_person_does(self, desk, twilio):
        twilio.fail_next(*[Fault("refuse", code=63018)] * 5)
        answer = desk.say("primeira")
        await desk.sender.start()

        for repeats in (1, 2, 3, 4):
            await desk.until(lambda n=repeats: desk.row(answer).repeats == n)
            desk.pass_time(HOUR_S / 4)

        await desk.until_status(answer, "failed")
        assert len(twilio.calls) == 5
        assert len(desk.rows("handoff")) == 1


class TestCredentials:
    async def test_api_key_comes_before_the_token(self, tmp_path, twilio):
        twilio.api_keys["SK1"] = "segredo"
        environ = {
            "TWILIO_AUTH_TOKEN": "outro",
            "TWILIO_API_KEY_SID": "SK1",
            "TWILIO_API_KEY_SECRET": "segredo",
        }
        async with running_desk(tmp_path, twilio.url, **environ) as desk:
            answer = desk.say("oi")
            await desk.sender.start()

            await desk.until_status(answer, "sent")

    async def test_secondary_token_serves_during_a_rotation(self, tmp_path, twilio):
        environ = {
            "TWILIO_AUTH_TOKEN": "o-novo-que-ainda-não-vale",
            "TWILIO_AUTH_TOKEN_SECONDARY": AUTH_TOKEN,
        }
        async with running_desk(tmp_path, twilio.url, **environ) as desk:
            answer = desk.say("oi")
            await desk.sender.start()

            await desk.until_status(answer, "sent")
            assert twilio.bodies == ["oi"]


class TestPause:
    async def test_next_message_of_a_conversation_waits(self, tmp_path, twilio, clock):
        environ = {"SEND_PAUSE_S": "0.5"}
        async with running_desk(tmp_path, twilio.url, clock=clock, **environ) as desk:
            first, second = desk.say("um"), desk.say("dois")
            await desk.sender.start()
            await desk.until_status(first, "sent")
            await desk.until_status(desk.say("para João", to=JOAO), "sent")
            assert desk.row(second).status == "new"

            desk.pass_time(0.5)

            await desk.until_status(second, "sent")
            assert twilio.bodies == ["um", "para João", "dois"]

    async def test_slower_pace_that_was_asked_for_is_kept(self, desk, twilio):
        answer = desk.say("oi")
        desk.change_conversation(send_after=desk.clock.now + 60)
        other = desk.say("para João", to=JOAO)
        await desk.sender.start()
        await desk.until_status(other, "sent")
        assert desk.row(answer).status == "new"

        desk.pass_time(60)

        await desk.until_status(answer, "sent")


class TestAddresses:
    async def test_number_that_the_person_knows_is_never_swapped(self, desk, twilio):
        answer = desk.say("oi", payload={"MessagingServiceSid": "MG" + "1" * 32})
        await desk.sender.start()

        await desk.until_status(answer, "sent")

        assert twilio.calls[0]["From"] == OFFICE
        assert "MessagingServiceSid" not in twilio.calls[0]

    async def test_answer_goes_to_the_address_that_wrote(self, desk, twilio):
        answer = desk.say("oi")
        desk.change_conversation(address="whatsapp:+551187654321")
        await desk.sender.start()

        await desk.until_status(answer, "sent")

        assert twilio.calls[0]["To"] == MARIA


class TestWindow:
    @pytest.mark.parametrize(
        ("passed_s", "status"),
        [
            pytest.param(24 * HOUR_S - 62, "sent", id="23:58:58"),
            pytest.param(24 * HOUR_S - 61, "sent", id="23:58:59"),
            pytest.param(24 * HOUR_S - 59, "waiting", id="23:59:01"),
            pytest.param(24 * HOUR_S + 1, "waiting", id="24:00:01"),
        ],
    )
    async def test_text_leaves_within_24_hours_alone(
        self, desk, twilio, passed_s, status
    ):
        answer = desk.say("oi")
        desk.pass_time(passed_s)
        await desk.sender.start()

        await desk.until_status(answer, status)

        assert twilio.bodies == (["oi"] if status == "sent" else [])
        reasons = [row.reason for row in desk.rows("handoff")]
        assert reasons == ([] if status == "sent" else ["janela_fechada"])

    async def test_what_waits_leaves_when_the_person_writes(self, desk, twilio):
        answer = desk.say("ontem")
        desk.pass_time(25 * HOUR_S)
        await desk.sender.start()
        await desk.until_status(answer, "waiting")

        following = desk.say("hoje")

        await desk.until_status(following, "sent")
        assert twilio.bodies == ["ontem", "hoje"]

    async def test_template_asks_once_for_a_message(self, desk_with_templates, twilio):
        desk = desk_with_templates
        answers = [desk.say(text, name="Maria Souza") for text in ("um", "dois")]
        desk.pass_time(25 * HOUR_S)
        await desk.sender.start()

        for answer in answers:
            await desk.until_status(answer, "waiting")
        await desk.until(lambda: "sent" in [row.status for row in desk.rows("outbox")])

        assert len(desk.rows("outbox")) == 3
        assert [desk.row(each).status for each in answers] == ["waiting"] * 2
        (form,) = twilio.calls
        assert form["ContentSid"] == REOPEN_SID
        assert json.loads(form["ContentVariables"]) == {"1": "Maria"}
        assert "Body" not in form
        assert desk.rows("handoff") == []

    async def test_person_who_writes_first_is_not_asked_any_more(
        self, desk_with_templates, twilio
    ):
        desk = desk_with_templates
        twilio.fail_next(Fault("too_many", retry_after_s=60))
        desk.say("ontem")
        desk.pass_time(25 * HOUR_S)
        await desk.sender.start()
        await desk.until(lambda: len(twilio.calls) == 1)

        following = desk.say("hoje")
        await desk.until_status(following, "sent")
        assert twilio.bodies == ["ontem", "hoje"]
        asked = [row.status for row in desk.rows("outbox") if row.template == "reabrir"]
        assert asked == ["revoked"]

    async def test_person_who_wrote_is_not_asked_although_nothing_waits_for_it(
        self, desk_with_templates, twilio
    ):
        desk = desk_with_templates
        request = desk.say("(modelo)")
        desk.change(request, template="reabrir", template_variables={"1": "Maria"})
        await desk.sender.start()

        await desk.until_status(request, "revoked")

        assert twilio.calls == []

    @pytest.mark.parametrize(
        ("template", "reasons"),
        [("reabrir", ["janela_fechada"]), ("lembrete_consulta", [])],
    )
    async def test_template_that_does_not_open_the_window_is_not_repeated(
        self, desk_with_templates, twilio, template, reasons
    ):
        desk = desk_with_templates
        twilio.fail_next(Fault("refuse", code=63016))
        answer = desk.say("(modelo)")
        purpose = "aviso" if reasons else "lembrete"
        desk.change(answer, template=template, template_variables={}, purpose=purpose)
        desk.pass_time(25 * HOUR_S)
        await desk.sender.start()

        await desk.until_status(answer, "failed")

        assert len(twilio.calls) == 1
        assert [row.reason for row in desk.rows("handoff")] == reasons

    async def test_template_asks_again_in_the_next_closed_window(
        self, desk_with_templates, twilio
    ):
        desk = desk_with_templates
        desk.say("um")
        desk.pass_time(25 * HOUR_S)
        await desk.sender.start()
        await desk.until(lambda: len(twilio.messages) == 1)
        second = desk.say("dois")
        await desk.until_status(second, "sent")
        desk.change(second, status="new", provider_sid=None)
        desk.pass_time(25 * HOUR_S)

        await desk.until(lambda: len(twilio.messages) >= 4)

        contents = [form.get("ContentSid", "") for form in twilio.calls]
        assert contents.count(REOPEN_SID) == 2

    @pytest.mark.parametrize("name", ["", "🦋 vida leve", "5511", "x" * 60], ids=repr)
    async def test_name_that_is_none_becomes_cliente(
        self, desk_with_templates, twilio, name
    ):
        desk = desk_with_templates
        desk.say("um", name=name)
        desk.pass_time(25 * HOUR_S)
        await desk.sender.start()

        await desk.until(lambda: len(twilio.messages) == 1)

        variables = json.loads(twilio.calls[0]["ContentVariables"])
        assert variables == {"1": "cliente"}

    async def test_who_opted_out_is_not_asked(self, desk_with_templates, twilio):
        desk = desk_with_templates
        answer = desk.say("um")
        desk.change_conversation(opted_out_at=desk.clock.now)
        desk.pass_time(25 * HOUR_S)
        await desk.sender.start()

        await desk.until_status(answer, "waiting")

        assert twilio.calls == []
        assert [row.reason for row in desk.rows("handoff")] == ["janela_fechada"]

    async def test_message_with_a_template_of_its_own_leaves_at_any_time(
        self, desk_with_templates, twilio
    ):
        desk = desk_with_templates
        reminder = desk.say("Lembrete: sua consulta é amanhã.")
        variables = {"1": "Maria", "2": "amanhã"}
        desk.change(
            reminder,
            purpose="lembrete",
            template="lembrete_consulta",
            template_variables=variables,
        )
        desk.pass_time(25 * HOUR_S)
        await desk.sender.start()

        await desk.until_status(reminder, "sent")

        assert twilio.calls[0]["ContentSid"] == "HX" + "d" * 32
        assert json.loads(twilio.calls[0]["ContentVariables"]) == variables

    @pytest.mark.parametrize("hours", [1, 25])
    async def test_reminder_to_somebody_who_opted_out_never_leaves(
        self, desk_with_templates, twilio, hours
    ):
        desk = desk_with_templates
        reminder = desk.say("Lembrete: sua consulta é amanhã.")
        desk.change(reminder, purpose="lembrete", template="lembrete_consulta")
        desk.change_conversation(opted_out_at=desk.clock.now)
        desk.pass_time(hours * HOUR_S)
        await desk.sender.start()

        failed = await desk.until_status(reminder, "failed")

        assert failed.error_code == "descadastrada"
        assert twilio.calls == []
        assert desk.rows("handoff") == []

    async def test_answer_to_somebody_who_opted_out_leaves(self, desk, twilio):
        answer = desk.say("oi")
        desk.change_conversation(opted_out_at=desk.clock.now)
        await desk.sender.start()

        await desk.until_status(answer, "sent")

    async def test_window_that_twilio_finds_closed_is_closed(self, desk, twilio):
        twilio.fail_next(Fault("refuse", code=63016))
        answer = desk.say("oi")
        await desk.sender.start()

        await desk.until_status(answer, "waiting")

        assert twilio.bodies == []
        assert [row.reason for row in desk.rows("handoff")] == ["janela_fechada"]


TWO = (("Sim", "/affirm"), ("Não", "/deny"))
FOUR = tuple((f"Opção {n}", f"opcao_{n}") for n in range(1, 5))


class TestButtons:
    async def test_two_options_leave_as_buttons(self, desk_with_templates, twilio):
        desk = desk_with_templates
        answer = desk.say("Confirma?\nÉ amanhã.", buttons=TWO)
        await desk.sender.start()

        await desk.until_status(answer, "sent")

        (form,) = twilio.calls
        assert "Body" not in form
        assert form["ContentSid"] == BUTTONS_SID
        assert json.loads(form["ContentVariables"]) == {
            "1": "Confirma?\nÉ amanhã.",
            "2": "Sim", "3": "/affirm", "4": "Não", "5": "/deny",
        }  # fmt: skip

    async def test_four_options_leave_as_a_list(self, desk_with_templates, twilio):
        desk = desk_with_templates
        answer = desk.say("Qual?", buttons=FOUR)
        await desk.sender.start()

        await desk.until_status(answer, "sent")

        variables = json.loads(twilio.calls[0]["ContentVariables"])
        assert twilio.calls[0]["ContentSid"] == LIST_SID
        assert [variables[str(n)] for n in (1, 2, 3, 8, 9)] == [
            "Qual?", "Opção 1", "opcao_1", "Opção 4", "opcao_4",
        ]  # fmt: skip

    async def test_without_a_template_options_are_numbers(self, desk, twilio):
        answer = desk.say("Confirma?", buttons=TWO)
        await desk.sender.start()

        await desk.until_status(answer, "sent")

        assert twilio.bodies == ["Confirma?\n\n1. Sim\n2. Não"]

    @pytest.mark.parametrize("code", [21655, 21658, 63021, 63041, 12345])
    async def test_refused_buttons_become_numbers_at_once(
        self, desk_with_templates, twilio, code
    ):
        desk = desk_with_templates
        twilio.fail_next(Fault("refuse", code=code))
        answer = desk.say("Confirma?", buttons=TWO)
        await desk.sender.start()

        await desk.until_status(answer, "sent")

        assert twilio.bodies == ["Confirma?\n\n1. Sim\n2. Não"]
        assert [row.code for row in desk.rows("channel_alert")] == [str(code)]
        assert desk.rows("handoff") == []

    async def test_refused_text_after_refused_buttons_is_the_end(
        self, desk_with_templates, twilio
    ):
        desk = desk_with_templates
        twilio.fail_next(*[Fault("refuse", code=63021)] * 2)
        answer = desk.say("Confirma?", buttons=TWO)
        await desk.sender.start()

        await desk.until_status(answer, "failed")

        assert len(twilio.calls) == 2
        assert len(desk.rows("handoff")) == 1

    async def test_closed_window_refuses_buttons_like_text(
        self, desk_with_templates, twilio
    ):
        desk = desk_with_templates
        twilio.fail_next(Fault("refuse", code=63016))
        answer = desk.say("Confirma?", buttons=TWO)
        await desk.sender.start()

        await desk.until_status(answer, "waiting")

        await desk.until(lambda: len(twilio.messages) == 1)
        assert twilio.messages[0].content_sid == REOPEN_SID

    async def test_buttons_of_unknown_fate_are_not_said_again_as_text(
        self, desk_with_templates, twilio
    ):
        desk = desk_with_templates
        twilio.fail_next(Fault("error_after"))
        answer = desk.say("Confirma?", buttons=TWO)
        await desk.sender.start()
        await desk.until_status(answer, "unknown")

        desk.pass_time(5)

        await desk.until_status(answer, "sent")
        assert len(twilio.calls) == 1


class TestRaces:
    async def test_callback_that_overtakes_the_answer_is_kept(self, desk, twilio):
        twilio.fail_next(Fault("hold"))
        answer = desk.say("oi")
        await desk.sender.start()
        await desk.until(lambda: len(twilio.calls) == 1)

        desk.follow(answer, "delivered", sid="SM-early")
        twilio.gate.set()
        await desk.until_status(desk.say("depois"), "sent")

        row = desk.row(answer)
        assert (row.status, row.provider_sid) == ("delivered", "SM-early")

    async def test_stop_waits_for_the_send_under_way(self, desk, twilio):
        twilio.fail_next(Fault("hold"))
        answer = desk.say("oi")
        await desk.sender.start()
        await desk.until(lambda: len(twilio.calls) == 1)

        stopping = asyncio.create_task(desk.sender.stop())
        await asyncio.sleep(0)
        twilio.gate.set()
        await stopping

        assert desk.row(answer).status == "sent"
        assert twilio.bodies == ["oi"]

    async def test_stop_ends_although_twilio_hangs(self, desk, twilio):
        twilio.fail_next(Fault("hang"))
        answer = desk.say("oi")
        await desk.sender.start()
        await desk.until(lambda: len(twilio.calls) == 1)

        await asyncio.wait_for(desk.sender.stop(), PATIENCE_S)

        assert desk.row(answer).status == "unknown"

    async def test_database_trouble_after_the_send_loses_nothing(self, desk, twilio):
        twilio.fail_next(Fault("hold"))
        answer = desk.say("oi")
        await desk.sender.start()
        await desk.until(lambda: len(twilio.calls) == 1)

        with writing(desk.engine) as connection:
            connection.exec_driver_sql("ALTER TABLE outbox RENAME TO gone")
        twilio.gate.set()
        await desk.until(lambda: len(twilio.messages) == 1)
        with writing(desk.engine) as connection:
            connection.exec_driver_sql("ALTER TABLE gone RENAME TO outbox")

        await desk.until_status(answer, "sent")
        assert twilio.bodies == ["oi"]


class TestFakeTwilio:
    """What our tests believe of Twilio, pinned where it runs alone."""

    async def test_it_runs_alone_and_shows_what_it_accepted(self):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.fakes.fake_twilio", "--port", "0"),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            url = json.loads(await process.stdout.readline())["url"]
            messages = f"{url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
            headers = FakeTwilio().expected_headers
            form = {"To": MARIA, "From": OFFICE, "Body": "oi"}
            async with aiohttp.ClientSession() as http:
                asked = [{"kind": "too_many", "retry_after_s": 3}]
                await http.post(f"{url}/_fake/faults", json=asked)
                busy = await http.post(messages, data=form, headers=headers)
                created = await http.post(messages, data=form, headers=headers)
                stranger = await http.post(messages, data=form)
                too_long = {**form, "Body": "x" * 1601}
                refused = await http.post(messages, data=too_long, headers=headers)
                listed = await http.get(messages, headers=headers, params={"To": MARIA})
                nobody = await http.get(messages, headers=headers, params={"To": JOAO})

                assert (busy.status, busy.headers["Retry-After"]) == (429, "3")
                assert created.status == 201
                assert stranger.status == 401
                assert (await refused.json())["code"] == 21617
                shown = (await listed.json())["messages"]
                assert [message["sid"] for message in shown] == [
                    (await created.json())["sid"]
                ]
                assert (await nobody.json())["messages"] == []
        finally:
            process.terminate()
            await process.wait()

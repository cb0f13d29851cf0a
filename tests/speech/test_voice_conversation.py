"""A voice note through the signed webhook and every real process."""

from __future__ import annotations

import base64
import json
import os
import signal
import sqlite3
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.fala import ffmpeg, recording
from tests.speech.conftest import SPEECH_MODEL
from tests.stack import MODEL, PUBLIC_URL, FakeService, Stack, fake_twilio, open_stack
from tests.stack import wait_until as until

pytestmark = pytest.mark.e2e
_phones = count(60_000_000)
OFFICE_NUMBER = "whatsapp:+551140042233"
HEARD_WITHIN_S = 120


@dataclass(frozen=True)
class Office:
    """A running office that hears."""

    stack: Stack
    twilio: FakeService

    def speaks(self, phone: str, audio: Path, declared: str = "audio/ogg") -> None:
        """Somebody sends a voice note by WhatsApp."""
        sound = base64.b64encode(audio.read_bytes()).decode()
        outcome = self.twilio.steer(
            "inbound",
            {
                "from": f"whatsapp:{phone}",
                "to": OFFICE_NUMBER,
                "media": [{"type": declared, "bytes": sound}],
            },
        )
        assert outcome["outcomes"] == [["200"]]

    def writes(self, phone: str, text: str) -> None:
        """Somebody writes by WhatsApp."""
        asked = {"from": f"whatsapp:{phone}", "to": OFFICE_NUMBER, "body": text}
        assert self.twilio.steer("inbound", asked)["outcomes"] == [["200"]]

    def said_to(self, phone: str) -> list[str]:
        """Returns what was sent to a number, without "I am listening"."""
        sent = (each for each in self.twilio.sent() if each["to"].endswith(phone))
        return [
            str(each["body"]) for each in sent if "só um momento" not in each["body"]
        ]

    def hears(self, phone: str, audio: Path) -> str:
        """Returns what is answered to a voice note."""
        before = len(self.said_to(phone))
        self.speaks(phone, audio)
        return self.answer_after(phone, before)

    def reads(self, phone: str, text: str) -> str:
        """Returns what is answered to a text."""
        before = len(self.said_to(phone))
        self.writes(phone, text)
        return self.answer_after(phone, before)

    def answer_after(self, phone: str, before: int) -> str:
        """Returns all that was said since, once the message is answered."""
        until(lambda: self.is_answered(phone), within_s=HEARD_WITHIN_S)
        until(lambda: len(self.said_to(phone)) > before)
        return "\n".join(self.said_to(phone)[before:])

    def is_answered(self, phone: str) -> bool:
        """Says whether nothing of somebody's waits for an answer, nor an answer."""
        mine = f"(select id from conversation where address = 'whatsapp:{phone}')"
        waiting = self.rows(
            "select 1 from inbox where status in ('new', 'leased') and "
            f"conversation_id = {mine} union all select 1 from outbox where "
            f"status in ('new', 'sending') and conversation_id = {mine}"
        )
        return not waiting and bool(self.rows(f"select {mine} is not null"))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Returns what stands in the database."""
        with sqlite3.connect(self.stack.folder / "banco.db") as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def office(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    if not MODEL.is_file():
        pytest.skip("falta o modelo: rode 'make train'")
    folder = tmp_path_factory.mktemp("voz")
    with fake_twilio() as twilio:
        settings = {
            "TWILIO_API_BASE_URL": twilio.url,
            "TWILIO_ACCOUNT_SID": "AC" + "a" * 32,
            "WHISPER_MODEL": SPEECH_MODEL,
            "WHISPER_ENGINE": engine,
        }
        with open_stack(folder, **settings) as stack:
            twilio.steer(
                "settings",
                {
                    "webhook_url": f"{PUBLIC_URL}/twilio/webhook",
                    "rewrite": {PUBLIC_URL: stack.edge},
                },
            )
            stack.start("borda", "acoes", "rasa")
            yield Office(stack, twilio)


def new_phone() -> str:
    return f"+55119{next(_phones)}"


def test_voice_note_becomes_a_booked_appointment(office):
    phone = new_phone()

    answer = office.hears(phone, recording("k_n1"))
    assert "agendar uma consulta" in answer  # what was heard, in writing
    assert "nome" in answer.lower()
    answers = [office.reads(phone, "Maria Aparecida da Silva")]
    while "marcada" not in answers[-1] and len(answers) < 8:
        answers.append(office.reads(phone, reply_to(answers[-1])))

    assert "Consulta marcada" in answers[-1], answers
    mine = f"(select id from conversation where address = 'whatsapp:{phone}')"
    booked = f"select status, person_name from appointment where conversation_id={mine}"
    assert ("marcada", "Maria Aparecida da Silva") in office.rows(booked)


def reply_to(question: str) -> str:
    """Returns what a client writes who only wants to get the appointment."""
    asked = question.lower()
    for sign, reply in {
        "é isso?": "sim", "posso marcar": "sim", "confirma": "sim",
        "presencial": "online", "1.": "1", "assunto": "aposentadoria",
    }.items():  # fmt: skip
        if sign in asked:
            return reply
    return "sim"


def test_what_was_heard_stands_in_the_conversation(office):
    phone = new_phone()
    office.hears(phone, recording("k_n5"))

    ((text, kind, status, confidence, audio_s),) = office.rows(
        "select i.text, i.kind, t.status, t.confidence, t.audio_s from inbox i "
        "join transcript t on t.inbox_id = i.id join conversation c on "
        f"c.id = i.conversation_id where c.address = 'whatsapp:{phone}'"
    )

    assert text.startswith("Quanto custa a primeira consulta")
    assert (kind, status) == ("audio", "ouvido")
    assert 0.5 < confidence <= 1
    assert audio_s == pytest.approx(7.2, abs=0.2)


def test_number_that_was_heard_is_confirmed_before_anything(office):
    phone = new_phone()

    asked = office.hears(phone, recording("k_n3"))
    assert "andamento do meu processo" in asked
    assert "isso?" in asked
    assert "gravar de novo" in office.reads(phone, "não")


def test_silence_is_answered_with_a_sentence(office):
    answer = office.hears(new_phone(), recording("silence"))

    assert "Não consegui ouvir" in answer


BYTES = {
    "empty": b"",
    "text": b"isto e um texto",
    "encrypted": b"\x8f\x01\xe7" * 9000,
}


@pytest.mark.parametrize("what", ["empty", "text", "encrypted", "film", "long"])
def test_bad_notes_get_a_sentence_each(office, tmp_path, what):
    path, phone = tmp_path / "nota.ogg", new_phone()
    if what == "film":
        path = ffmpeg(tmp_path / "f.mp4", "-f", "lavfi", "-i", "testsrc=d=1:s=64x64",
                      "-i", str(recording("k_n4")), "-t", "1")  # fmt: skip
    elif what == "long":
        path = ffmpeg(path, "-stream_loop", "60", "-i", str(recording("k_n4")),
                      "-c", "copy")  # fmt: skip
    else:
        path.write_bytes(BYTES[what])

    answer = office.hears(phone, path)

    expected = {"film": "vídeo", "long": "longo demais"}.get(what, "áudio")
    assert expected in answer
    assert "escrever" in answer


def test_kill_in_the_middle_loses_no_message(office):
    phone = new_phone()
    office.speaks(phone, recording("k_n4"))
    until(lambda: office.rows("select 1 from transcript where lease_owner is not null"))

    office.stack.stop("acoes", how=signal.SIGKILL)
    office.stack.start("acoes")
    answer = office.answer_after(phone, 0)

    assert "meu filho está doente" in answer or "consulta" in answer
    assert office.is_answered(phone)
    again = office.rows("select count(*) from transcript where status = 'pendente'")
    assert again == [(0,)]


def test_worker_killed_in_the_middle_is_heard_again(office):
    phone = new_phone()
    office.speaks(phone, recording("k_n2"))
    until(lambda: office.rows("select 1 from transcript where lease_owner is not null"))

    os.kill(worker_of(office), signal.SIGKILL)
    office.answer_after(phone, 0)

    (row,) = office.rows(
        "select t.status from transcript t join inbox i on i.id = t.inbox_id join "
        f"conversation c on c.id = i.conversation_id and c.address='whatsapp:{phone}'"
    )
    assert row == ("ouvido",)


def worker_of(office: Office) -> int:
    """Returns the number of the process that hears."""
    pid = office.stack.running["acoes"].pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return next(
        int(child)
        for child in children
        if b"actions.speech.worker" in Path(f"/proc/{child}/cmdline").read_bytes()
    )


def test_health_says_that_somebody_hears(office):
    def state() -> str:
        with urllib.request.urlopen(f"{office.stack.edge}/saude", timeout=10) as reply:
            return str(json.load(reply)["dependencias"]["whisper"]["estado"])

    until(lambda: state() == "ok")  # a worker that was killed is coming back

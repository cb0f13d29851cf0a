"""Answers to a reminder, through the channel, the real Rasa and the action server."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.core.schedule import ZONE
from bot.store import appointments, outbox, reminders, turns
from bot.store.appointments import Facts
from bot.store.database import reading, writing
from bot.wake import WakeUp
from connectors.rasa_channel import _answer_with
from connectors.services import ChannelServices
from tests.rasa.talking import Office, Person, texts

HELENA = "Dra. Helena Modelo"
LEAD_H = 24

ANSWERS = [
    # palavras que não deixam dúvida: lidas antes do Rasa
    ("sim", "confirmada"), ("Sim!!", "confirmada"), ("ss", "confirmada"),
    ("ok", "confirmada"), ("okk obg", "confirmada"), ("blz", "confirmada"),
    ("confirmo", "confirmada"), ("CONFIRMADO", "confirmada"),
    ("comfirmado dra", "confirmada"), ("👍", "confirmada"), ("👍🏾", "confirmada"),
    ("estarei lá", "confirmada"), ("vou sim", "confirmada"),
    ("bom dia confirmo minha presença", "confirmada"), ("to indo", "confirmada"),
    ("pode contar comigo", "confirmada"), ("1", "confirmada"),
    ("remarcar", "dia"), ("não vou poder", "dia"), ("n vou poder ir", "dia"),
    ("tive um imprevisto", "dia"), ("2", "dia"), ("posso remarcar?", "dia"),
    ("cancelar", "Cancelo a sua consulta"), ("3", "Cancelo a sua consulta"),
    ("pode cancelar por favor", "Cancelo a sua consulta"),
    ("não", "remarcar* ou *cancelar"), ("nao vou", "remarcar* ou *cancelar"),
    ("👎", "remarcar* ou *cancelar"),
    # o resto é lido pelas intenções
    ("simmm pode deixar q eu vou", "confirmada"),
    ("confirmadíssimo, já separei os documentos", "confirmada"),
    ("vou comparecer com certeza absoluta", "confirmada"),
    ("é isso aí, tá confirmado", "confirmada"),
    ("não vou poder ir amanhã, cancela", "Cancelo a sua consulta"),
    ("quero cancelar a minha consulta pq arrumei outro advogado", "Cancelo a sua"),
    ("preciso mudar a consulta pra outra semana", "dia"),
    ("queria trocar minha consulta pra parte da tarde", "dia"),
    ("dá pra passar pra sexta?", "sexta"),
    ("não consigo sair do trabalho nesse horário, tem outro?", "dia"),
    ("acho que não vai dar tempo de chegar", "remarcar"),
    ("qual o endereço mesmo?", "Avenida Exemplo"),
    ("quanto custa a consulta?", "valores"),
    ("quero falar com uma pessoa", "pessoa"),
]  # fmt: skip
"""What people answer, and a word of what they get."""


class Reminding:
    """Somebody with an appointment, who has just been reminded of it."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.person: Person = office.person()
        self.booked = 0

    async def books(self) -> None:
        """Writes once, and has an appointment a day from now at another hour."""
        await self.person.say("bom dia", "saudar")
        start = datetime.now(ZONE) + timedelta(hours=LEAD_H)
        with writing(self.office.engine) as connection:
            held = appointments.hold(
                connection,
                conversation_id=self.person.id,
                lawyer=f"{HELENA} {self.person.id}",  # a calendar of one's own
                starts_at=start.timestamp(),
                ends_at=start.timestamp() + 3600,
                now=time.time(),
                facts=Facts(modality="presencial", person_name="Ana Prado"),
            )
            assert held is not None
            assert appointments.book(
                connection, held, conversation_id=self.person.id, now=time.time()
            )
        self.booked = held

    def is_reminded(self) -> None:
        """Gets the reminder."""
        with writing(self.office.engine) as connection:
            connection.exec_driver_sql("UPDATE inbox SET source = 'whatsapp'")
            booked = appointments.get(connection, self.booked)
            assert booked is not None
            assert reminders.say(
                connection,
                booked,
                "Lembrete. Você confirma que vem?",
                variables={},
                not_after=time.time() + 3600,
                now=time.time(),
            )
            connection.execute(
                outbox.outbox.update()
                .where(outbox.outbox.c.appointment_id == self.booked)
                .values(status="sent", started_at=time.time())
            )

    async def says(self, text: str) -> str:
        """Writes through the channel; returns what is answered."""
        wake = WakeUp(self.office.settings.rasa_port)
        settings = replace(self.office.settings)
        services = ChannelServices(settings, self.office.engine, wake)
        answer = _answer_with(services, self.office.agent.handle_message)
        turn = self.person.claim(text)
        token = turns.CURRENT_TURN.set(turn)
        try:
            await answer(turn)
        finally:
            turns.CURRENT_TURN.reset(token)
            wake.close()
        return "\n".join(texts(turn))

    @property
    def is_confirmed(self) -> bool:
        with reading(self.office.engine) as connection:
            found = appointments.get(connection, self.booked)
        assert found is not None
        return found.confirmed_at is not None


@pytest.fixture
async def reminding(office):
    made = Reminding(office)
    await made.books()
    return made


@pytest.mark.parametrize(("text", "said"), ANSWERS)
async def test_answer_to_the_reminder_is_understood(reminding, text, said):
    reminding.is_reminded()

    answer = await reminding.says(text)

    assert said.lower() in answer.lower()
    assert reminding.is_confirmed is (said == "confirmada")


async def test_form_is_asked_on_after_its_reminder_was_answered(reminding):
    await reminding.says("quero contar um caso")
    form = await reminding.person.form()
    reminding.is_reminded()

    answer = await reminding.says("confirmo")

    assert "confirmada" in answer
    assert await reminding.person.form() == form == "form_relatar_caso"
    assert reminding.is_confirmed


async def test_form_of_another_matter_gives_way_to_moving(reminding):
    await reminding.says("quero contar um caso")
    reminding.is_reminded()

    await reminding.says("não vou poder")

    assert await reminding.person.form() == "form_remarcar_consulta"


async def test_no_in_a_form_asks_and_the_answer_goes_to_its_form(reminding):
    await reminding.says("quero apagar meus dados")
    reminding.is_reminded()

    first = await reminding.says("não")
    await reminding.says("cancelar")

    assert "remarcar* ou *cancelar" in first
    assert await reminding.person.form() == "form_cancelar_consulta"


async def test_yes_after_the_forms_own_question_goes_to_the_form(reminding):
    reminding.is_reminded()
    await reminding.says("quero apagar meus dados")

    await reminding.says("não")

    assert await reminding.person.form() is None
    assert not reminding.is_confirmed

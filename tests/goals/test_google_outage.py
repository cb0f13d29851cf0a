"""Google is down for two minutes: people are answered, and the work is done after.

The two minutes are the worker's clock's; how long a person waits is the real one.
"""

from __future__ import annotations

import asyncio

import pytest

from bot.store import jobs
from tests.fakes.fake_google import Fault
from tests.unit.desk import HELENA, Desk, at, offered
from tests.unit.google_office import GoogleOffice

DOWN_S, DONE_WITHIN_S, ANSWERED_WITHIN_S = 120, 60, 10
PEOPLE = 12


async def books(desk: Desk, number: int) -> bool:
    """Books by talking, as one person; says whether that was possible."""
    talk = desk.talk(phone=f"+55119876541{number:02d}")
    text = "quero marcar presencial sobre inss, me chamo Maria Prado"
    async with asyncio.timeout(ANSWERED_WITHIN_S):
        said = await talk.starts("agendar_consulta", text, names=["Maria Prado"])
    assert list(offered(said))
    for text, intent in (("a primeira", "informar_dados"), ("sim", "afirmar")):
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            said = await talk.says(text, intent=intent)
    return said.responses == ["agendar_consulta_presencial"]


async def works_until(office: GoogleOffice, end: float) -> None:
    """Lets the worker poll each second of its clock."""
    while office.now < end:
        await office.works()
        office.now += 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault("close", times=None),
        Fault("error", status=503, times=None),
        Fault("error_after", times=None),
        Fault("hang", times=None),
        Fault("forbidden", "calendar.*", reason="rateLimitExceeded", times=None),
    ],
    ids=lambda fault: fault.kind,
)
async def test_two_minutes_without_google(office, fault):
    office.connect()
    started = office.now
    office.google.fail_next(fault)

    for number in range(PEOPLE):
        assert await books(office.desk, number)
    if fault.kind == "hang":  # each attempt really takes its time-out
        office.now = started + DOWN_S - 5
    await works_until(office, started + DOWN_S)
    assert len(office.waiting_jobs()) == PEOPLE

    office.google.plan.clear()
    await works_until(office, started + DOWN_S + DONE_WITHIN_S)

    assert office.waiting_jobs() == []
    assert {each.status for each in office.jobs("agenda")} == {jobs.DONE}
    assert len(office.events()) == PEOPLE
    assert len(office.desk.calendar("marcada")) == PEOPLE


async def test_lawyers_are_answered_meanwhile(office):
    office.connect()
    office.desk.books(at(24, 10), lawyer=HELENA)
    office.google.fail_next(Fault("hang", times=None))
    helena = office.desk.lawyer()

    async with asyncio.timeout(ANSWERED_WITHIN_S):
        agenda = await helena.runs("action_ver_agenda", "agenda de terça")
    async with asyncio.timeout(ANSWERED_WITHIN_S):
        await helena.starts("criar_compromisso", "marca audiência terça às 14h")
    async with asyncio.timeout(ANSWERED_WITHIN_S):
        said = await helena.says("sim", intent="afirmar")

    assert "10:00" in agenda.text
    assert said.responses == ["criar_compromisso"]


async def test_storm_of_refusals_is_not_answered_with_a_storm(office):
    """Of a quota that is used up: few calls more than the work needs."""
    office.connect()
    for number in range(PEOPLE):
        assert await books(office.desk, number)
    before = len(office.google.calls("calendar"))
    office.google.fail_next(
        Fault("too_many", at="calendar.*", retry_after_s=20, times=PEOPLE)
    )

    await works_until(office, office.now + 120)

    assert len(office.events()) == PEOPLE
    needed = PEOPLE * 4  # look, look whether it is there, insert, look again
    assert len(office.google.calls("calendar")) - before <= 1.5 * needed

"""Whatever was permitted and whatever was not: the rest works, and nothing breaks."""

from __future__ import annotations

import itertools

import pytest

from bot.core.ports import Feature
from bot.store import jobs
from bot.store.effects import Task
from tests.contract.google_desk import ANA, MARIA
from tests.unit.desk import at, offered
from tests.unit.test_calendar_work import Client

EVERY = frozenset(Feature)
SUBSETS = [
    frozenset(each)
    for size in range(len(EVERY) + 1)
    for each in itertools.combinations(Feature, size)
]
APIS = {
    "calendar.events": Feature.EVENTS,
    "calendar.freebusy": Feature.FREE_BUSY,
    "drive": Feature.FILES,
    "sheets": Feature.FILES,
}


def name_of(subset: frozenset[Feature]) -> str:
    return "+".join(sorted(each.value for each in subset)) or "nada"


@pytest.mark.parametrize("granted", SUBSETS, ids=name_of)
async def test_an_ordinary_day(office, granted):
    if granted:
        office.connect(*granted)
    office.google.calendar.put(
        ANA,
        summary="Audiência",
        start={"dateTime": at(24, 15).isoformat()},
        end={"dateTime": at(24, 16).isoformat()},
    )
    sees_google = bool(granted & {Feature.EVENTS, Feature.FREE_BUSY})

    # a client asks for the hour, another has booked, a third tells a case
    client = office.desk.talk()
    text = "quero marcar online sobre divórcio terça às 15h, me chamo Maria Prado"
    said = await client.starts("agendar_consulta", text, names=["Maria Prado"])
    assert ("quando_ocupado" in said.responses) is sees_google
    assert bool(list(offered(said))) is sees_google
    Client(office, "+5511987650002").books(at(25, 10), email=MARIA)
    talk_id = office.desk.writes("+5511987650003", "sim")
    office.desk.leaves(talk_id, Task("contato", {"Nome": "Rui Lima"}))

    # a lawyer looks, puts something on the agenda, wants a spreadsheet
    helena = office.desk.lawyer()
    agenda = await helena.runs("action_ver_agenda", "agenda de terça")
    assert ("Audiência" in agenda.text) is (Feature.EVENTS in granted)
    assert ("agenda local" in agenda.text) is (Feature.EVENTS not in granted)
    await helena.starts("criar_compromisso", "marca perícia quinta às 14h")
    put = await helena.says("sim", intent="afirmar")
    assert ("na sua agenda do Google" in put.text) is (Feature.EVENTS in granted)
    made = await helena.starts("criar_planilha", "cria uma planilha de prazos")
    assert made.responses
    await office.works_off()

    assert office.waiting_jobs() == []
    assert {each.status for each in office.jobs() if each.kind != "lembrete"} == {
        jobs.DONE
    }
    for api, feature in APIS.items():
        assert bool(office.google.calls(api)) <= (feature in granted), api
    ours = [each for each in office.events() if each["summary"] != "Audiência"]
    assert len(ours) == (2 if Feature.EVENTS in granted else 0)
    sheets = len(office.google.sheets.every)
    assert sheets == (2 if Feature.FILES in granted else 0)

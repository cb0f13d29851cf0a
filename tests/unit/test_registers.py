"""The office's own spreadsheets: made once, filled once, whoever turns them round."""

from __future__ import annotations

import pytest

from bot.core.cases_sheet import HEADINGS
from bot.core.ports import Feature
from bot.store import effects, jobs, places
from bot.store.database import reading
from bot.store.effects import Handoff, Task
from bot.store.places import SHEET
from tests.fakes.fake_google import Fault
from tests.unit.desk import PHONE

ROW = {"Data": "18/11/2026 10:00", "Nome": "Ana Prado", "O que houve": "=1+1"}
NUMBER = "0012457-26.2021.8.26.0100"


@pytest.fixture
def connected(office):
    office.connect()
    return office


def takes_a_case(office, phone: str = PHONE, **row: str) -> None:
    talk_id = office.desk.writes(phone, "sim")
    office.desk.leaves(talk_id, Task("contato", {**ROW, **row}))


async def rows_of(office, name: str) -> list[dict[str, str]]:
    kept = await office.services.keepers.sheets()
    with reading(office.desk.engine) as connection:
        place = places.find(connection, kept.keeper, SHEET, name)
    return await kept.at.rows(place.ref)


@pytest.mark.parametrize("is_connected", [True, False])
async def test_new_case_is_a_row_as_it_was_told(office, is_connected):
    if is_connected:
        office.connect()
    takes_a_case(office)

    await office.works_off()

    [row] = await rows_of(office, "contatos")
    assert row["Nome"] == "Ana Prado"
    assert row["O que houve"] == "=1+1"
    assert row["Telefone"] == PHONE


async def test_many_cases_at_once_are_rows_of_one_spreadsheet(connected):
    for number in range(20):
        takes_a_case(connected, f"+55119876512{number:02d}", Nome=f"Pessoa {number}")

    await connected.works_off()

    assert {row["Nome"] for row in await rows_of(connected, "contatos")} == {
        f"Pessoa {number}" for number in range(20)
    }
    assert len(connected.jobs("registro")) == 1


@pytest.mark.parametrize(
    "kind", ["error", "error_after", "close", "close_after", "hang", "malformed"]
)
@pytest.mark.parametrize(
    "method",
    [
        "drive.files.create",
        "drive.files.list",
        "sheets.spreadsheets.batchUpdate",
        "drive.files.get",
        "sheets.spreadsheets.get",
        "sheets.spreadsheets.values.*",
    ],
)
async def test_fault_leaves_one_spreadsheet_and_one_row(connected, kind, method):
    connected.google.fail_next(Fault(kind, at=method))
    takes_a_case(connected)

    await connected.works_off()

    assert len(await rows_of(connected, "contatos")) == 1
    assert connected.google.writes["drive.files.create"] == 1
    assert {each.status for each in connected.jobs()} == {jobs.DONE}


@pytest.mark.parametrize("is_binned", [True, False])
async def test_spreadsheet_that_somebody_threw_away_is_made_anew(connected, is_binned):
    takes_a_case(connected)
    await connected.works_off()
    with reading(connected.desk.engine) as connection:
        place = places.find(connection, "google", SHEET, "contatos")
    drive = connected.google.drive
    if is_binned:
        drive.files[place.ref].metadata["trashed"] = True
    else:
        del drive.files[place.ref]

    takes_a_case(connected, Nome="Rui Lima")
    await connected.works_off()

    [row] = await rows_of(connected, "contatos")
    assert row["Nome"] == "Rui Lima"


async def test_row_that_google_refuses_goes_to_a_person(connected):
    """A refusal of the row is no reason to make new spreadsheets for ever."""
    takes_a_case(connected)
    await connected.works_off()
    connected.google.fail_next(
        Fault("not_found", at="sheets.spreadsheets.batchUpdate", times=None)
    )
    takes_a_case(connected)

    await connected.works_off()

    assert [each.status for each in connected.jobs("contato")] == [
        jobs.DONE,
        jobs.FAILED,
    ]
    assert len(connected.jobs("registro")) == 1


# --- lawsuits ---------------------------------------------------------------------


async def test_lawsuits_are_told_from_the_spreadsheet_however_it_is_turned(connected):
    talk = connected.desk.talk()
    await talk.starts("consultar_processo", "como está meu processo?")  # first use
    await connected.works_off()
    assert await rows_of(connected, "processos") == []
    kept = await connected.services.keepers.sheets()
    with reading(connected.desk.engine) as connection:
        place = places.find(connection, kept.keeper, SHEET, "processos")
    row = dict(zip(HEADINGS, _cells(), strict=True))
    await kept.at.append(place.ref, {"Vara": "2ª"} | row, key="x")
    connected.services.cases._known_until = 0

    said = await connected.desk.talk().starts(
        "consultar_processo", "e meu processo, como anda?"
    )

    assert said.responses == ["andamento_processo"]
    assert "audiência em março" in said.text

    reads = len(connected.google.calls("sheets"))
    assert (await connected.services.cases.sheet()).cases
    assert len(connected.google.calls("sheets")) == reads  # read half a minute ago
    connected.google.fail_next(Fault("error", at="sheets.*", times=None))
    connected.services.cases._known_until = 0
    assert (await connected.services.cases.sheet()).cases  # what it said last


def _cells() -> list[str]:
    return [
        NUMBER, "Maria Prado", PHONE, "perícia marcada", "10/11/2026",
        "audiência em março", "trabalhista",
    ]  # fmt: skip


async def test_google_that_is_silent_leaves_what_was_read_before(connected, tmp_path):
    text = f"numero;cliente;telefone;situacao;atualizado_em\n{NUMBER};Maria;{PHONE};em "
    (tmp_path / "processos.csv").write_text(f"{text}andamento;10/11/2026\n")
    connected.google.fail_next(Fault("hang", at="*", times=None))

    said = await connected.desk.talk().starts("consultar_processo", "meu processo?")

    assert said.responses == ["andamento_processo"]


async def test_register_is_ensured_once_until_it_is_done(connected):
    for _ in range(3):
        connected.services.cases._known_until = 0
        await connected.services.cases.sheet()

    assert len(connected.jobs("registro")) == 1


async def test_without_the_permission_the_stand_in_keeps_the_rows(office):
    office.connect(Feature.EVENTS, Feature.FREE_BUSY)
    takes_a_case(office)

    await office.works_off()

    assert len(await rows_of(office, "contatos")) == 1
    assert office.google.calls("sheets") == []


async def test_task_without_a_message_is_none(office):
    """A terminal keeps nothing, and asks for no work outside."""
    with reading(office.desk.engine) as connection:
        before = connection.execute(jobs.job.select()).all()
    origin = effects.Origin("ninguem", None, 0)
    with office.desk.engine.begin() as connection:
        effects.apply(connection, Task("contato", {}), origin, now=1.0)

    assert office.jobs() == before
    assert Handoff("x") != Task("contato", {})

"""What this machine kept before Google was connected goes there, once."""

from __future__ import annotations

import uuid

import pytest

from actions.work.transfers import Transfers
from bot.core.ports import Feature
from bot.store import jobs, places
from bot.store.database import writing
from bot.store.effects import Task
from bot.store.places import FOLDER, Place
from tests.contract.google_desk import ANA
from tests.fakes.fake_google import Fault
from tests.fakes.google_spreadsheet import Spreadsheet
from tests.unit.desk import HELENA, TUESDAY_AT_15, at
from tests.unit.test_calendar_work import Client

NOTHING = {"events": 0, "files": 0, "sheets": 0}


@pytest.fixture
def transfers(office):
    return Transfers(office.services, lambda: office.now)


async def fill(office, tmp_path) -> None:
    """Keeps two events, two files of one client and two spreadsheets here."""
    Client(office).books(subject="divórcio")
    Client(office, "+5511987650002").books(at(25, 10), lawyer=HELENA)
    talk_id = office.desk.writes("+5511987650003", "sim")
    office.desk.leaves(talk_id, Task("contato", {"Nome": "Rui Lima"}))
    await office.works_off()
    local = office.services.keepers.local
    folder = await local.files.make_folder("Rui Lima", folder_id=uuid.uuid4().hex)
    with writing(office.desk.engine) as connection:
        place = Place("local", FOLDER, f"conversa:{talk_id}", folder.id, "Rui Lima", "")
        places.keep(connection, place, now=1.0)
    for name in ("contrato.pdf", "foto.jpg"):
        path = tmp_path / name
        path.write_bytes(name.encode())
        await local.files.store(
            folder.id, name, path, "application/pdf", file_id=uuid.uuid4().hex
        )
    sheet = await local.sheets.create(
        "Custas do caso Souza", ["Data", "Valor"], key="7"
    )
    for number in range(3):
        await local.sheets.append(
            sheet.id, {"Data": "12/11/2026", "Valor": "=1+1"}, key=str(number)
        )


def spreadsheet(office, title: str) -> Spreadsheet:
    [file] = [f for f in office.google.drive.live() if f.metadata["name"] == title]
    return office.google.sheets.every[file.id]


def files_of(office, folder: str) -> dict[str, bytes]:
    [place] = [f for f in office.google.drive.live() if f.metadata["name"] == folder]
    return {
        each.metadata["name"]: each.content
        for each in office.google.drive.live()
        if place.id in each.metadata["parents"]
    }


async def test_nothing_is_offered_while_google_is_not_connected(
    office, transfers, tmp_path
):
    await fill(office, tmp_path)

    assert await transfers.waiting() == NOTHING


async def test_everything_is_offered_and_goes(office, transfers, tmp_path):
    await fill(office, tmp_path)
    office.connect()
    assert await transfers.waiting() == {"events": 2, "files": 2, "sheets": 2}

    assert await transfers.begin() == {"events": 2, "files": 2, "sheets": 2}
    await office.works_off()

    assert await transfers.waiting() == NOTHING
    assert len(office.events()) == 2
    assert files_of(office, "Rui Lima") == {
        "contrato.pdf": b"contrato.pdf",
        "foto.jpg": b"foto.jpg",
    }
    custas = spreadsheet(office, "Custas do caso Souza").sheets[0].rows
    assert [row[1:3] for row in custas] == [
        ["Data", "Valor"], *[["12/11/2026", "=1+1"]] * 3
    ]  # fmt: skip
    contacts = spreadsheet(office, "Contatos").sheets[0].rows
    assert any("Rui Lima" in row for row in contacts)
    assert {each.status for each in office.jobs()} - {jobs.NEW} == {jobs.DONE}


async def test_only_what_was_permitted_is_offered(office, transfers, tmp_path):
    await fill(office, tmp_path)
    office.connect(Feature.EVENTS)

    assert await transfers.waiting() == {"events": 2, "files": 0, "sheets": 0}
    await transfers.begin()
    await office.works_off()

    assert len(office.events()) == 2
    assert office.google.calls("drive") == []


@pytest.mark.parametrize("kind", ["error", "error_after", "close_after", "hang"])
async def test_asked_twice_and_interrupted_it_goes_once(
    office, transfers, tmp_path, kind
):
    await fill(office, tmp_path)
    office.connect()
    for at_ in ("calendar", "drive", "sheets"):
        office.google.fail_next(
            *(Fault(kind, at=f"{at_}.*", after=each) for each in (1, 4, 9))
        )

    await transfers.begin()
    await transfers.begin()
    await office.works_off()
    await transfers.begin()
    await office.works_off()

    assert await transfers.waiting() == NOTHING
    assert len(office.events()) == 2
    assert len(files_of(office, "Rui Lima")) == 2
    assert len(spreadsheet(office, "Custas do caso Souza").sheets[0].rows) == 4
    names = [each.metadata["name"] for each in office.google.drive.live()]
    assert sorted(names) == [
        "Contatos", "Custas do caso Souza", "Rui Lima", "contrato.pdf", "foto.jpg",
    ]  # fmt: skip


@pytest.mark.parametrize("call", range(8))
@pytest.mark.parametrize("kind", ["close", "close_after"])
async def test_lost_answer_at_any_creation_makes_nothing_twice(
    office, transfers, tmp_path, kind, call
):
    await fill(office, tmp_path)
    office.connect()
    office.google.fail_next(Fault(kind, at="drive.files.create", after=call))

    await transfers.begin()
    await office.works_off()

    names = [each.metadata["name"] for each in office.google.drive.live()]
    assert sorted(names) == [
        "Contatos", "Custas do caso Souza", "Rui Lima", "contrato.pdf", "foto.jpg",
    ]  # fmt: skip


async def test_next_case_goes_into_the_same_register(office, transfers, tmp_path):
    await fill(office, tmp_path)
    office.connect()
    await transfers.begin()
    await office.works_off()

    talk_id = office.desk.writes("+5511987650004", "sim")
    office.desk.leaves(talk_id, Task("contato", {"Nome": "Ana Prado"}))
    await office.works_off()

    rows = spreadsheet(office, "Contatos").sheets[0].rows
    assert [sum(name in row for row in rows) for name in ("Rui Lima", "Ana Prado")] == [
        1, 1
    ]  # fmt: skip


async def test_clients_next_document_goes_into_the_same_folder(
    office, transfers, tmp_path
):
    await fill(office, tmp_path)
    office.connect()
    await transfers.begin()
    await office.works_off()

    with writing(office.desk.engine) as connection:
        found = places.every(connection, "google", FOLDER)

    assert [each.name.partition(":")[0] for each in found] == ["conversa"]


async def test_event_that_somebody_typed_there_already_takes_nobodys_hour(
    office, transfers
):
    client = Client(office)
    client.books()
    await office.works()
    office.connect()
    office.google.calendar.put(
        ANA,
        summary="Consulta da Maria",
        start={"dateTime": TUESDAY_AT_15.isoformat()},
        end={"dateTime": at(24, 16).isoformat()},
    )

    await transfers.begin()
    await office.works_off()

    assert [each.status for each in office.desk.calendar()] == ["marcada"]
    assert len(office.events()) == 2
    assert office.said(client.talk_id) == []


async def test_file_that_was_tidied_away_meanwhile_is_no_failure(
    office, transfers, tmp_path
):
    await fill(office, tmp_path)
    office.connect()
    await transfers.begin()
    for path in (tmp_path / "escritorio").rglob("foto.jpg"):
        path.unlink()

    await office.works_off()

    assert list(files_of(office, "Rui Lima")) == ["contrato.pdf"]
    assert jobs.FAILED not in {each.status for each in office.jobs()}

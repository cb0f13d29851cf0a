"""Spreadsheets and files that lawyers asked for, made in Google and on this machine.

Each step is also broken and killed: what comes of it is the same, once.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from dataclasses import fields
from pathlib import Path

import pytest
import sqlalchemy as sa
from openpyxl import load_workbook

from actions.jobs import LEASE_S, JobWorker
from actions.services import Services
from actions.work.filing import DOCUMENTS, FILE, FilingWork, FolderWish
from actions.work.sheets import NEW_SHEET, SheetWork
from bot.core.filed_names import client_key
from bot.core.names import Profile
from bot.store import effects, jobs, media
from bot.store.database import reading, writing
from bot.store.effects import Origin, Task
from bot.store.schema import handoff, job, kept_place, outbox
from tests.contract.google_desk import ANA
from tests.fakes.fake_google import Fault
from tests.fakes.google_files import FOLDER as GOOGLE_FOLDER
from tests.fakes.google_files import SPREADSHEET
from tests.unit.desk import desk, empty_database  # noqa: F401 - fixtures
from tests.unit.files_sent import PHOTO, arrives, sends
from tests.unit.google_office import google, office  # noqa: F401 - fixtures

LAWYER, CLIENT = "+5511987650099", "+5511987651234"
COSTS = {"titulo": "Custas do caso Souza", "colunas": ["Data", "Valor", "Quem pagou"]}
RUI = FolderWish("pessoa:rui lima", "Rui Lima")


class Bench:
    """An office with somebody who asks, and whoever does it."""

    def __init__(self, office) -> None:  # noqa: F811 - no fixture here
        self.office, self.desk, self.google = office, office.desk, office.google
        self.desk.registers(LAWYER, "Helena Modelo", Profile.LAWYER)
        self.office.worker = self.another_worker()

    def another_worker(self, services: Services | None = None) -> JobWorker:
        def clock() -> float:
            return self.office.now

        services = services or self.office.services
        filing = FilingWork(services, clock)
        handlers = {
            NEW_SHEET: SheetWork(services, clock),
            FILE: filing.file,
            DOCUMENTS: filing.documents,
        }
        return JobWorker(services, handlers, clock=clock)

    def asks(self, kind: str, facts: dict, phone: str = LAWYER) -> None:
        talk_id = self.desk.writes(phone, "pedido")
        origin = Origin(talk_id, self.desk.newest(talk_id), 1)
        with writing(self.desk.engine) as connection:
            effects.apply(connection, Task(kind, facts), origin, now=self.office.now)

    def asks_to_file(self, *ids: str, folder: FolderWish = RUI) -> None:
        self.asks(FILE, {"anexos": list(ids), "pasta": folder.to_facts()})

    async def works(self, *, rounds: int = 12) -> None:
        for _ in range(rounds):
            await self.office.works()
            self.office.now += 40

    def rows(self, table) -> list:
        with reading(self.desk.engine) as connection:
            return connection.execute(sa.select(table)).all()

    @property
    def told(self) -> list[str]:
        return [row.body for row in self.rows(outbox)]

    @property
    def states(self) -> list[str]:
        return [row.status for row in self.rows(job)]

    def in_drive(self, kind: str = "") -> list[str]:
        """Names of what lies in the Drive: folders and files, or sheets."""
        return sorted(each.metadata["name"] for each in self.google.drive.live(kind))

    def files_in(self, folder_id: str) -> list[str]:
        found = self.google.drive.live()
        inside = [each for each in found if folder_id in each.metadata["parents"]]
        return sorted(each.metadata["name"] for each in inside)


@pytest.fixture
def bench(office):  # noqa: F811 - fixture
    return Bench(office)


@pytest.fixture
def connected(bench):
    bench.office.connect()
    return bench


class Dying(Services):
    """Services of a process that is killed at one of its writes."""

    def dies(self, at: int, *, is_written: bool) -> None:
        object.__setattr__(self, "left", [at])
        object.__setattr__(self, "is_written", is_written)

    async def write(self, change):
        self.left[0] -= 1
        is_last = self.left[0] == 0
        if is_last and not self.is_written:
            raise asyncio.CancelledError
        done = await super().write(change)
        if is_last:
            raise asyncio.CancelledError
        return done


def dying(services: Services, at: int, *, is_written: bool) -> Dying:
    own = {
        each.name: getattr(services, each.name)
        for each in fields(services)
        if each.init
    }
    made = Dying(**own)
    made.dies(at, is_written=is_written)
    return made


async def killed_at(bench: Bench, at: int, *, is_written: bool) -> bool:
    """Kills a worker at its n-th write; False where it has fewer."""
    worker = bench.another_worker(
        dying(bench.office.services, at, is_written=is_written)
    )
    try:
        await worker.work_once()
    except asyncio.CancelledError:
        bench.office.now += LEASE_S + 1
        return True
    return False


WRITES = range(1, 9)
"""A job of two files and a new folder has as many: claim, keeper, place, …, end."""


# --- spreadsheets -------------------------------------------------------------------


async def test_sheet_is_in_google_and_its_link_is_told_once(connected):
    connected.asks(NEW_SHEET, COSTS)

    await connected.works()

    assert connected.in_drive(SPREADSHEET) == ["Custas do caso Souza"]
    [text] = connected.told
    assert text.startswith(
        "A planilha *Custas do caso Souza* está pronta: https://docs"
    )
    [made] = connected.google.drive.live(SPREADSHEET)
    assert made.id in text
    sheets = connected.office.services.keepers.google.sheets
    await sheets.append(made.id, {"Valor": "45,00"}, key="x")
    [row] = await sheets.rows(made.id)
    assert list(row) == COSTS["colunas"]


async def test_sheet_is_on_this_machine_while_google_is_not_connected(bench):
    bench.asks(NEW_SHEET, COSTS)

    await bench.works()

    [text] = bench.told
    assert "no computador do escritório" in text
    assert "Quando o Google estiver conectado" in text
    path = re.search(r"/\S.*\.xlsx", text)[0]
    header = [cell.value for cell in load_workbook(path).worksheets[0][1]]
    assert header[:3] == COSTS["colunas"]
    assert bench.in_drive() == []


@pytest.mark.parametrize(
    "kind", ["error", "reset", "error_after", "reset_after", "malformed_after"]
)
@pytest.mark.parametrize("method", ["drive.files.create", "sheets.spreadsheets.*"])
async def test_lost_answer_makes_no_second_sheet(connected, kind, method):
    connected.google.fail_next(Fault(kind, at=method))
    connected.asks(NEW_SHEET, COSTS)

    await connected.works()

    assert connected.in_drive(SPREADSHEET) == ["Custas do caso Souza"]
    assert len(connected.told) == 1


@pytest.mark.parametrize("is_written", [True, False])
@pytest.mark.parametrize("at", [1, 2, 3])
async def test_killed_while_making_a_sheet_it_is_made_once(connected, at, is_written):
    connected.asks(NEW_SHEET, COSTS)
    assert await killed_at(connected, at, is_written=is_written)

    await connected.works()

    assert connected.in_drive(SPREADSHEET) == ["Custas do caso Souza"]
    assert len(connected.told) == 1
    assert connected.states == [jobs.DONE]


async def test_keeper_that_was_chosen_stays_though_google_is_connected_meanwhile(bench):
    bench.asks(NEW_SHEET, COSTS)
    assert await killed_at(bench, 2, is_written=True)
    bench.office.connect()

    await bench.works()

    assert bench.in_drive() == []
    assert "no computador do escritório" in bench.told[0]


async def test_nothing_is_told_before_google_is_connected_again(connected):
    connected.google.oauth.revoke_account(ANA)
    connected.asks(NEW_SHEET, COSTS)

    await connected.works()
    assert connected.told == []
    assert connected.states == [jobs.PARKED]

    connected.office.connect()
    with writing(connected.desk.engine) as connection:
        jobs.unpark(connection, ["reconectar"])
    await connected.works()

    assert len(connected.told) == 1


# --- files of lawyers ---------------------------------------------------------------


async def test_files_are_in_the_folder_and_the_link_is_told_once(connected):
    ids = sends(connected.desk, LAWYER, "contrato.pdf", ("", PHOTO))
    connected.asks_to_file(*ids)

    await connected.works()

    [folder] = connected.google.drive.live(GOOGLE_FOLDER)
    assert folder.metadata["name"] == "Rui Lima"
    files = connected.files_in(folder.id)
    assert files == ["2026-11-18 foto 1.jpg", "contrato.pdf"]
    assert connected.told == [
        "Guardei contrato.pdf e 2026-11-18 foto 1.jpg na pasta *Rui Lima*: "
        f"https://drive.google.com/drive/folders/{folder.id}"
    ]


async def test_bytes_are_those_that_were_sent(connected):
    ids = sends(connected.desk, LAWYER, "contrato.pdf")
    connected.asks_to_file(*ids)

    await connected.works()

    [stored] = connected.google.drive.live("application/pdf")
    assert stored.content == b"%PDF- contrato.pdf"


async def test_files_stay_on_this_machine_while_google_is_not_connected(bench):
    ids = sends(bench.desk, LAWYER, "contrato.pdf")
    bench.asks_to_file(*ids)

    await bench.works()

    [text] = bench.told
    assert "na pasta *Rui Lima*, no computador do escritório: /" in text
    folder = Path(text.split(": ", 1)[1])
    assert (folder / "contrato.pdf").read_bytes() == b"%PDF- contrato.pdf"


async def test_folder_is_made_once_for_many_jobs_at_once(connected):
    for number in range(6):
        ids = sends(connected.desk, LAWYER, f"{number}.pdf")
        connected.asks_to_file(*ids)
    workers = [connected.another_worker() for _ in range(3)]

    await asyncio.gather(*(each.work_once() for each in workers))
    await connected.works()

    [folder] = connected.google.drive.live(GOOGLE_FOLDER)
    assert len(connected.files_in(folder.id)) == 6
    assert len(connected.told) == 6


async def test_folder_that_there_is_is_used(connected):
    files = connected.office.services.keepers.google.files
    made = await files.make_folder("Rui Lima", folder_id=await files.new_id())
    ids = sends(connected.desk, LAWYER, "contrato.pdf")
    wish = FolderWish(f"pasta:{made.id}", "Rui Lima", made.id, "google")
    connected.asks_to_file(*ids, folder=wish)

    await connected.works()

    assert connected.files_in(made.id) == ["contrato.pdf"]
    assert len(connected.google.drive.live(GOOGLE_FOLDER)) == 1


async def test_folder_of_another_keeper_is_made_here(bench):
    ids = sends(bench.desk, LAWYER, "contrato.pdf")
    bench.asks_to_file(*ids, folder=FolderWish("pessoa:rui", "Rui", "g1", "google"))

    await bench.works()

    assert "contrato.pdf na pasta *Rui*" in bench.told[0]


@pytest.mark.parametrize("is_binned", [True, False])
async def test_folder_that_somebody_threw_away_is_made_anew(connected, is_binned):
    connected.asks_to_file(*sends(connected.desk, LAWYER, "um.pdf"))
    await connected.works()
    [old] = connected.google.drive.live(GOOGLE_FOLDER)
    if is_binned:
        old.metadata["trashed"] = True
    else:
        connected.google.drive.drop(old.id)

    connected.asks_to_file(*sends(connected.desk, LAWYER, "dois.pdf"))
    await connected.works()

    [folder] = connected.google.drive.live(GOOGLE_FOLDER)
    assert folder.id != old.id
    assert connected.files_in(folder.id) == ["dois.pdf"]
    [place] = connected.rows(kept_place)
    assert place.ref == folder.id


async def test_folder_that_a_person_moved_on_the_disk_is_found(bench, tmp_path):
    bench.asks_to_file(*sends(bench.desk, LAWYER, "um.pdf"))
    await bench.works()
    old = Path(bench.told[0].split(": ", 1)[1])
    old.rename(old.with_name("Rui, arquivado"))  # noqa: ASYNC240 - a person's move

    bench.asks_to_file(*sends(bench.desk, LAWYER, "dois.pdf"))
    await bench.works()

    assert "na pasta *Rui, arquivado*" in bench.told[1]
    kept = old.with_name("Rui, arquivado").glob("*.pdf")
    assert sorted(each.name for each in kept) == ["dois.pdf", "um.pdf"]


async def test_what_keeps_being_refused_goes_to_a_person(connected):
    connected.asks_to_file(*sends(connected.desk, LAWYER, "um.pdf"))
    connected.google.fail_next(
        *[Fault("forbidden", at="drive.files.create", reason="forbidden")] * 4
    )

    await connected.works()

    assert connected.states == [jobs.FAILED]
    assert [each.note for each in connected.rows(handoff)] == [FILE]


@pytest.mark.parametrize("is_written", [True, False])
@pytest.mark.parametrize("at", WRITES)
async def test_killed_at_any_write_files_are_there_once(connected, at, is_written):
    ids = sends(connected.desk, LAWYER, "um.pdf", "dois.pdf")
    connected.asks_to_file(*ids)
    assert await killed_at(connected, at, is_written=is_written)

    await connected.works()

    [folder] = connected.google.drive.live(GOOGLE_FOLDER)
    assert connected.files_in(folder.id) == ["dois.pdf", "um.pdf"]
    assert len(connected.told) == 1


@pytest.mark.parametrize(
    "kind", ["error", "reset", "error_after", "reset_after", "malformed_after"]
)
@pytest.mark.parametrize("at", ["drive.files.create", "drive.files.generateIds"])
@pytest.mark.parametrize("nth", [1, 2, 3])
async def test_lost_answers_double_nothing(connected, kind, at, nth):
    ids = sends(connected.desk, LAWYER, "um.pdf", "dois.pdf")
    connected.asks_to_file(*ids)
    connected.google.fail_next(Fault(kind, at=at, after=nth - 1))

    await connected.works()

    [folder] = connected.google.drive.live(GOOGLE_FOLDER)
    assert connected.files_in(folder.id) == ["dois.pdf", "um.pdf"]
    assert len(connected.told) == 1


async def test_file_that_is_still_being_fetched_is_waited_for(connected):
    [here] = sends(connected.desk, LAWYER, "um.pdf")
    [late] = sends(connected.desk, LAWYER, "dois.pdf", status="pendente")
    connected.asks_to_file(here, late)
    await connected.works(rounds=1)
    sent = len(connected.google.calls("drive.files.create"))
    await connected.works(rounds=2)
    assert connected.told == []
    assert len(connected.google.calls("drive.files.create")) == sent

    arrives(connected.desk, late)
    await connected.works()

    [folder] = connected.google.drive.live(GOOGLE_FOLDER)
    assert connected.files_in(folder.id) == ["dois.pdf", "um.pdf"]
    assert len(connected.told) == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (media.REFUSED, "Não guardei b.exe: é um tipo de arquivo que não abro"),
        (media.TOO_LARGE, "Não guardei b.exe: é grande demais"),
        (media.FAILED, "Não guardei b.exe: não chegou inteiro; mande de novo"),
    ],
)
async def test_what_was_not_filed_is_named(connected, status, words):
    ids = sends(connected.desk, LAWYER, "a.pdf")
    ids += sends(connected.desk, LAWYER, "b.exe", status=status)
    connected.asks_to_file(*ids)

    await connected.works()

    [text] = connected.told
    first, second = text.splitlines()
    assert first.startswith("Guardei a.pdf na pasta *Rui Lima*")
    assert second.startswith(words)


async def test_nothing_to_file_makes_no_folder(connected):
    ids = sends(connected.desk, LAWYER, "b.exe", status="recusado")
    connected.asks_to_file(*ids)

    await connected.works()

    assert connected.in_drive() == []
    assert connected.told[0].startswith("Não guardei b.exe")


async def test_file_whose_bytes_are_gone_is_said_to_be_lost(connected):
    ids = sends(connected.desk, LAWYER, "a.pdf")
    shutil.rmtree(connected.office.services.settings.media_dir)
    connected.asks_to_file(*ids)

    await connected.works()

    assert connected.told == [
        "Não guardei a.pdf: não chegou inteiro; mande de novo, por favor."
    ]


# --- documents of clients -----------------------------------------------------------


async def test_clients_documents_go_to_the_clients_folder_without_a_word(connected):
    ids = sends(connected.desk, CLIENT, "rg.pdf", name="Ana Prado")
    connected.asks(DOCUMENTS, {"anexos": ids}, CLIENT)

    await connected.works()

    [folder] = connected.google.drive.live(GOOGLE_FOLDER)
    assert folder.metadata["name"] == "Ana Prado (final 1234)"
    assert connected.files_in(folder.id) == ["rg.pdf"]
    assert connected.told == []
    [place] = connected.rows(kept_place)
    assert place.name == client_key(connected.desk.writes(CLIENT, "oi"))


async def test_client_without_a_name_has_a_folder_by_the_number(connected):
    ids = sends(connected.desk, CLIENT, "rg.pdf")
    connected.asks(DOCUMENTS, {"anexos": ids}, CLIENT)

    await connected.works()

    assert connected.in_drive(GOOGLE_FOLDER) == ["Cliente (final 1234)"]


async def test_lawyers_own_files_are_nobodys_documents(connected):
    ids = sends(connected.desk, LAWYER, "rg.pdf")
    connected.asks(DOCUMENTS, {"anexos": ids})

    await connected.works()

    assert connected.in_drive() == []
    assert connected.states == [jobs.DONE]


async def test_lawyer_and_client_fill_one_folder(connected):
    client = sends(connected.desk, CLIENT, "rg.pdf", name="Ana Prado")
    connected.asks(DOCUMENTS, {"anexos": client}, CLIENT)
    name = client_key(connected.desk.writes(CLIENT, "oi"))
    mine = sends(connected.desk, LAWYER, "inicial.pdf")
    wish = FolderWish(name, "Ana Prado (final 1234)")
    connected.asks_to_file(*mine, folder=wish)

    await connected.works()

    [folder] = connected.google.drive.live(GOOGLE_FOLDER)
    assert connected.files_in(folder.id) == ["inicial.pdf", "rg.pdf"]

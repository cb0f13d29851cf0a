"""Spreadsheets at Google: every call that may fail, and what people do meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from actions.gateways.google_calls import GoogleCalls
from actions.gateways.google_page import first_tab
from actions.gateways.google_sheets import GoogleSpreadsheets
from bot.core.ports import GatewayError, Spreadsheet, Trouble
from tests.contract.google_desk import FILES, service
from tests.contract.google_gateways import (
    HELD,
    SHEET_FAULTS,
    TIMEOUT_S,
    Granted,
    calls_of,
    each_call_failing,
    timeout_of,
    until_done,
)
from tests.contract.spreadsheets_contract import ANA, HEADERS, KEY, RUI
from tests.fakes.fake_google import FakeGoogle, Fault, running
from tests.fakes.google_files import SPREADSHEET

JOB = "1:planilha:0"
BATCH = "sheets.spreadsheets.batchUpdate"


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with running() as google:
        yield google


@pytest.fixture
def sheets(google) -> GoogleSpreadsheets:
    return GoogleSpreadsheets(calls_of(google))


@pytest.fixture
async def sheet(sheets) -> Spreadsheet:
    return await sheets.create("Contatos", HEADERS, key=JOB)


def bin_it(google: FakeGoogle, sheet: Spreadsheet) -> None:
    files = service(google, "drive").files()
    files.update(fileId=sheet.id, body={"trashed": True}).execute()


@pytest.mark.parametrize("fault", SHEET_FAULTS, ids=str)
async def test_spreadsheet_is_made_once_whatever_call_fails(google, fault):
    sheets = GoogleSpreadsheets(calls_of(google, timeout_s=timeout_of(fault)))
    made = []

    for number in each_call_failing(google, fault):
        sheet = await until_done(
            lambda: sheets.create("Contatos", HEADERS, key=f"{number}:planilha:0")  # noqa: B023
        )
        made.append(sheet.id)

    assert [each.id for each in google.drive.live(SPREADSHEET)] == made
    for each in made:
        assert google.sheets.every[each].sheets[0].rows == [[KEY, *HEADERS]]
        assert len(google.sheets.every[each].formats) == 1  # the key column is hidden
    assert len(made) == 1 + 5  # look, make, look at the tab, at its cells, write


@pytest.mark.parametrize("fault", SHEET_FAULTS, ids=str)
async def test_row_is_added_once_whatever_call_fails(google, sheet, fault):
    sheets = GoogleSpreadsheets(calls_of(google, timeout_s=timeout_of(fault)))
    names = []

    for number in each_call_failing(google, fault):
        names.append(f"Ana {number}")
        await until_done(
            lambda: sheets.append(sheet.id, {"Nome": names[-1]}, key=names[-1])
        )

    rows = await sheets.rows(sheet.id)
    assert [each["Nome"] for each in rows] == names
    assert len(names) == 1 + 4  # the bin, the tab, headers and keys, the row


@pytest.mark.parametrize("fault", SHEET_FAULTS, ids=str)
async def test_new_column_is_added_once_whatever_call_fails(google, sheet, fault):
    sheets = GoogleSpreadsheets(calls_of(google, timeout_s=timeout_of(fault)))
    headers = []

    for number in each_call_failing(google, fault):
        headers.append(f"Campo {number}")
        await until_done(
            lambda: sheets.append(sheet.id, {headers[-1]: "x"}, key=headers[-1])
        )

    tab = google.sheets.every[sheet.id].sheets[0]
    assert tab.rows[0] == [KEY, *HEADERS, *headers]
    assert len(tab.rows) == 1 + len(headers)
    assert len(headers) == 1 + 5


async def test_quota_of_the_drive_is_waited_for(google, sheets):
    quota = Fault("forbidden", "drive", reason="userRateLimitExceeded")

    for _ in each_call_failing(google, quota):
        await until_done(lambda: sheets.create("Contatos", HEADERS, key=JOB))

    assert google.writes["drive.files.create"] == 1


async def test_reading_is_repeated_until_it_comes(google, sheets, sheet):
    await sheets.append(sheet.id, ANA, key="1")
    for fault in SHEET_FAULTS:
        if fault not in HELD:
            google.fail_next(fault)
            assert await until_done(lambda: sheets.rows(sheet.id)) == [ANA]


async def test_two_workers_at_once_lose_no_row(google, sheet):
    workers = [GoogleSpreadsheets(calls_of(google)) for _ in range(2)]

    await asyncio.gather(
        *(
            workers[number % 2].append(sheet.id, {"Nome": str(number)}, key=str(number))
            for number in range(10)
        )
    )

    rows = await workers[0].rows(sheet.id)
    assert sorted(int(each["Nome"]) for each in rows) == list(range(10))


async def test_write_is_sent_once_and_left_to_the_job(google, sheets, sheet):
    google.fail_next(Fault("error_after", BATCH))

    with pytest.raises(GatewayError) as failed:
        await sheets.append(sheet.id, ANA, key="1")

    assert failed.value.trouble is Trouble.UNCLEAR
    [_headers, row] = google.calls(BATCH)
    assert [set(each) for each in row.body["requests"]] == [{"appendCells"}]
    assert await sheets.rows(sheet.id) == [ANA]


async def test_wait_that_google_asks_for_is_told(google, sheets, sheet):
    google.fail_next(Fault("too_many", BATCH, retry_after_s=7))

    with pytest.raises(GatewayError) as failed:
        await sheets.append(sheet.id, ANA, key="1")

    assert (failed.value.trouble, failed.value.wait_s) == (Trouble.LATER, 7)


async def test_sheet_looks_as_people_expect(google, sheets, sheet):
    kept = google.sheets.every[sheet.id]

    assert sheet.link.startswith(f"https://docs.google.com/spreadsheets/d/{sheet.id}/")
    assert kept.properties["title"] == "Contatos"
    tab = kept.sheets[0]
    assert tab.rows == [[KEY, *HEADERS]]
    assert tab.properties["gridProperties"] == {"frozenRowCount": 1}
    [hidden] = kept.formats
    place = hidden["updateDimensionProperties"]["range"]
    assert (place["dimension"], place["startIndex"], place["endIndex"]) == (
        "COLUMNS",
        0,
        1,
    )
    assert hidden["updateDimensionProperties"]["properties"] == {"hiddenByUser": True}
    [change] = google.calls(BATCH)
    [written] = [e for e in change.body["requests"] if "updateCells" in e]
    for cell in written["updateCells"]["rows"][0]["values"]:
        assert cell["userEnteredFormat"] == {"textFormat": {"bold": True}}
    assert "bold" in written["updateCells"]["fields"]


async def test_title_is_cleaned(sheets):
    made = await sheets.create("D'Ávila / \u202eFilhos", HEADERS, key="2")

    assert made.title == "D'Ávila - Filhos"


async def test_grid_grows_by_what_it_lacks(google, sheets):
    made = await sheets.create("Larga", [str(n) for n in range(30)], key="2")

    assert google.sheets.every[made.id].sheets[0].column_count == 31


async def test_key_column_is_hidden_wherever_it_is_added(google, sheets, sheet):
    google.sheets.every[sheet.id].sheets[0].cells.clear()

    await sheets.append(sheet.id, RUI, key="1")

    [*_, hidden] = google.sheets.every[sheet.id].formats
    place = hidden["updateDimensionProperties"]["range"]["startIndex"]
    assert google.sheets.every[sheet.id].sheets[0].rows[0][place] == KEY


async def test_one_that_vanishes_meanwhile_is_refused(google, sheets, sheet):
    google.fail_next(Fault("not_found", "sheets.spreadsheets.values"))

    with pytest.raises(GatewayError) as failed:
        await sheets.append(sheet.id, ANA, key="1")

    assert failed.value.trouble is Trouble.REFUSED


async def test_file_is_marked_as_ours(google, sheets, sheet):
    marked = google.drive.files[sheet.id].metadata["appProperties"]

    assert marked["origem"] == "assistente"
    assert set(marked) == {"origem", "chave"}
    assert all(len(f"{name}{value}") <= 124 for name, value in marked.items())


async def test_one_that_a_person_renamed_is_still_the_same(google, sheets, sheet):
    google.drive.files[sheet.id].metadata["name"] = "Clientes"

    again = await sheets.create("Contatos", HEADERS, key=JOB)

    assert (again.id, again.title) == (sheet.id, "Clientes")


async def test_made_twice_at_once_it_is_one(google, sheets):
    made = await asyncio.gather(
        *(sheets.create("Contatos", HEADERS, key=JOB) for _ in range(3))
    )

    assert len({each.id for each in made}) == 1
    assert google.writes["drive.files.create"] == 1


async def test_of_two_with_one_key_the_older_is_used(google, sheets, sheet):
    first = google.drive.files[sheet.id].metadata
    google.clock_ahead_s = 60
    metadata = {each: first[each] for each in ("name", "mimeType", "appProperties")}
    client = google.drive.files[sheet.id].made_by
    google.drive.add(metadata, google.drive.files[sheet.id].owner, client)

    again = await sheets.create("Contatos", HEADERS, key=JOB)

    assert again.id == sheet.id


async def test_binned_one_is_as_good_as_gone(google, sheets, sheet):
    bin_it(google, sheet)

    with pytest.raises(GatewayError) as failed:
        await sheets.append(sheet.id, ANA, key="1")
    with pytest.raises(GatewayError) as unread:
        await sheets.rows(sheet.id)

    assert failed.value.trouble is Trouble.REFUSED
    assert unread.value.trouble is Trouble.REFUSED
    assert google.sheets.every[sheet.id].sheets[0].rows == [[KEY, *HEADERS]]


async def test_binned_one_is_made_anew(google, sheets, sheet):
    bin_it(google, sheet)

    other = await sheets.create("Contatos", HEADERS, key=JOB)

    assert other.id != sheet.id
    await sheets.append(other.id, ANA, key="1")
    assert await sheets.rows(other.id) == [ANA]


async def test_headers_are_not_doubled_where_only_the_keys_are_gone(
    google, sheets, sheet
):
    tab = google.sheets.every[sheet.id].sheets[0]
    tab.delete_columns(0)

    await sheets.create("Contatos", HEADERS, key=JOB)

    assert tab.rows == [[*HEADERS, KEY]]
    [*_, hidden] = google.sheets.every[sheet.id].formats
    assert hidden["updateDimensionProperties"]["range"]["startIndex"] == len(HEADERS)


@pytest.mark.parametrize("made_up", ["", "../x", "a/b", "a?b", "ação"])
async def test_id_that_was_made_up_is_not_sent(google, sheets, made_up):
    with pytest.raises(GatewayError):
        await sheets.append(made_up, ANA, key="1")
    with pytest.raises(GatewayError):
        await sheets.rows(made_up)

    assert google.received == []


async def test_full_one_is_refused(google, sheets, sheet):
    tab = google.sheets.every[sheet.id].sheets[0]
    tab.row_count = 10_000_000 // tab.column_count
    tab.write(f"B{tab.row_count}", "fim")

    with pytest.raises(GatewayError) as failed:
        await sheets.append(sheet.id, ANA, key="1")

    assert failed.value.trouble is Trouble.REFUSED


async def test_tab_renamed_at_the_same_moment_is_found_later(google, sheets, sheet):
    google.fail_next(Fault("hold", "sheets.spreadsheets.values.batchGet"))
    append = asyncio.create_task(sheets.append(sheet.id, ANA, key="1"))
    for _ in range(1000):
        await asyncio.sleep(0.01)
        if google.plan.made:
            break
    google.sheets.every[sheet.id].sheets[0].title = "Clientes"
    google.open_gate()

    with pytest.raises(GatewayError) as failed:
        await append
    await sheets.append(sheet.id, ANA, key="1")

    assert failed.value.trouble is Trouble.LATER
    assert await sheets.rows(sheet.id) == [ANA]


async def test_tab_that_a_person_deleted_gives_way_to_the_next(google, sheets, sheet):
    google.sheets.edit(
        sheet.id,
        {"addSheet": {"properties": {"title": "Nova", "sheetId": 5}}},
        {"deleteSheet": {"sheetId": 0}},
    )

    await sheets.append(sheet.id, RUI, key="1")

    assert await sheets.rows(sheet.id) == [RUI]


def test_spreadsheet_of_charts_alone_is_refused():
    chart = {"sheetId": 3, "title": "Gráfico", "sheetType": "OBJECT"}

    with pytest.raises(GatewayError) as failed:
        first_tab([{"properties": chart}])

    assert failed.value.trouble is Trouble.REFUSED


def test_chart_before_the_cells_is_passed_over():
    chart = {"sheetId": 0, "title": "Gráfico", "sheetType": "OBJECT"}
    grid = {"rowCount": 9, "columnCount": 4}
    cells = {"sheetId": 8, "title": "a", "sheetType": "GRID", "gridProperties": grid}

    found = first_tab([{"properties": chart}, {"properties": cells}])

    assert (found.sheet_id, found.column_count) == (8, 4)


async def test_permission_for_our_own_files_is_enough(google):
    authority = Granted(google, {FILES})
    calls = GoogleCalls(authority, base_url=google.url, timeout_s=TIMEOUT_S)
    sheets = GoogleSpreadsheets(calls)

    sheet = await sheets.create("Contatos", HEADERS, key=JOB)
    await sheets.append(sheet.id, ANA, key="1")

    assert await sheets.rows(sheet.id) == [ANA]

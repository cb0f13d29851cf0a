"""What our tests believe of Google's spreadsheets, pinned with Google's own client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.google_desk import (
    ANA,
    TAB,
    append,
    new_contacts,
    read,
    refused,
    service,
)
from tests.fakes.fake_google import FakeGoogle, running
from tests.fakes.google_files import SPREADSHEET
from tests.fakes.google_grants import CLIENT_ID


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with running() as google:
        yield google


@pytest.fixture
def sheets(google):
    return service(google, "sheets").spreadsheets()


@pytest.fixture
def contacts(sheets) -> str:
    return new_contacts(sheets)


@pytest.fixture
def files(google):
    return service(google, "drive").files()


def test_spreadsheet_has_the_tabs_it_was_made_with(google, sheets, contacts):
    kept = sheets.get(spreadsheetId=contacts).execute()

    (tab,) = kept["sheets"]
    assert tab["properties"]["title"] == "Contatos de D'Ávila"
    assert tab["properties"]["sheetId"] == 7
    assert tab["properties"]["gridProperties"] == {"rowCount": 1000, "columnCount": 26}
    assert kept["spreadsheetUrl"].endswith(f"/d/{contacts}/edit")
    assert google.drive.files[contacts].metadata["name"] == "Escritório"


def test_append_goes_below_the_table_and_tells_where(sheets, contacts):
    first = append(sheets, contacts, [["Nome", "Telefone"]])
    second = append(sheets, contacts, [["Maria", "1"], ["José", None]])

    assert "tableRange" not in first
    assert second == {
        "spreadsheetId": contacts,
        "tableRange": f"{TAB}!A1:B1",
        "updates": {
            "spreadsheetId": contacts,
            "updatedRange": f"{TAB}!A2:B3",
            "updatedRows": 2,
            "updatedColumns": 2,
            "updatedCells": 3,
        },
    }
    assert read(sheets, contacts) == [["Nome", "Telefone"], ["Maria", "1"], ["José"]]


@pytest.mark.parametrize(
    ("range_", "lands"),
    [
        ("Página1", "B7"),
        ("Página1!B4", "B7"),
        ("Página1!C5:D5", "B7"),
        ("Página1!B2:D4", "B7"),
        ("Página1!A3:G10", "B7"),
        ("Página1!A1", "A3"),
        ("Página1!E4", "E4"),
    ],
)
def test_append_finds_tables_as_googles_guide_has_it(google, sheets, range_, lands):
    grid = [["x"] * 3] * 2 + [[]] + [["", "y", "y", "y"]] * 3
    sheet = google.sheets.put(ANA, "Guia", grid)
    google.drive.files[sheet.id].opened_by.add(CLIENT_ID)

    made = append(sheets, sheet.id, [["novo"]], range_)

    assert made["updates"]["updatedRange"] == f"'Página1'!{lands}"


def test_append_overwrites_or_inserts_what_stands_below(google, sheets):
    found = {}
    for option in ("OVERWRITE", "INSERT_ROWS"):
        sheet = google.sheets.put(ANA, option, [["a"], [""], ["total"]])
        google.drive.files[sheet.id].opened_by.add(CLIENT_ID)
        rows = [["b"], ["c"]]
        append(sheets, sheet.id, rows, "Página1!A1", insertDataOption=option)
        found[option] = sheet["Página1"].rows

    assert found == {
        "OVERWRITE": [["a"], ["b"], ["c"]],
        "INSERT_ROWS": [["a"], ["b"], ["c"], [], ["total"]],
    }


@pytest.mark.parametrize(
    ("text", "raw", "typed", "unformatted"),
    [
        ("+5511987654321", "+5511987654321", "5511987654321", 5511987654321),
        ("007", "007", "7", 7),
        ("1.234,5", "1.234,5", "1.234,5", 1234.5),
        ("=SOMA(A1)", "=SOMA(A1)", "#NAME?", "#NAME?"),
        ("'=x", "'=x", "=x", "=x"),
        ("24/11/2026", "24/11/2026", "24/11/2026", 46350),
        ("VERDADEIRO", "VERDADEIRO", "TRUE", True),
        ("1.5.2", "1.5.2", "1.5.2", "1.5.2"),
        ("Maria", "Maria", "Maria", "Maria"),
    ],
)
def test_raw_stays_and_typed_is_understood(
    sheets, contacts, text, raw, typed, unformatted
):
    append(sheets, contacts, [[text]])
    append(sheets, contacts, [[text]], valueInputOption="USER_ENTERED")

    assert read(sheets, contacts) == [[raw], [typed]]
    values = read(sheets, contacts, valueRenderOption="UNFORMATTED_VALUE")
    assert values == [[text], [unformatted]]


def test_formula_is_told_on_request(sheets, contacts):
    append(sheets, contacts, [["=A1"]], valueInputOption="USER_ENTERED")

    assert read(sheets, contacts, valueRenderOption="FORMULA") == [["=A1"]]


@pytest.mark.parametrize(
    ("range_", "expected", "shown"),
    [
        ("A2:B2", [["4", "5"]], "A2:B2"),
        ("B2", [["5"]], "B2"),
        ("A2:A", [["4"], ["7"]], "A2:A1000"),
        ("B:B", [["2"], ["5"], ["8"]], "B1:B1000"),
        ("2:3", [["4", "5", "6"], ["7", "8"]], "A2:Z3"),
        ("B3:D9", [["8"]], "B3:D9"),
        ("D1:E9", [], "D1:E9"),
    ],
)
def test_ranges_are_read_as_sheets_has_them(sheets, contacts, range_, expected, shown):
    append(sheets, contacts, [[1, 2, 3], [4, 5, 6], [7, 8]])

    request = sheets.values().get(spreadsheetId=contacts, range=f"{TAB}!{range_}")
    answer = request.execute()

    assert answer.get("values", []) == expected
    assert answer["range"] == f"{TAB}!{shown}"


@pytest.mark.parametrize(
    "range_", ["Contatos!A1", f"{TAB}!A0", f"{TAB}!A1:[5", f"{TAB}!", f"{TAB}!A2000"]
)
def test_range_that_is_none_is_refused(sheets, contacts, range_):
    status, error = refused(sheets.values().get(spreadsheetId=contacts, range=range_))

    assert (status, error["status"]) == (400, "INVALID_ARGUMENT")


def test_columns_are_read_on_request(sheets, contacts):
    append(sheets, contacts, [[1, 2], [3]])

    columns = read(sheets, contacts, majorDimension="COLUMNS")

    assert columns == [["1", "3"], ["2", ""]]


def test_update_writes_into_its_range_and_no_further(google, sheets, contacts):
    def update(range_: str, rows):
        body = {"values": rows}
        return sheets.values().update(
            spreadsheetId=contacts, range=range_, body=body, valueInputOption="RAW"
        )

    answer = update(f"{TAB}!B2:C3", [["a", "b"], [None, "d"]]).execute()
    status, error = refused(update(f"{TAB}!A1:B1", [["x", "y", "z"]]))

    assert answer["updatedRange"] == f"{TAB}!B2:C3"
    assert (answer["updatedRows"], answer["updatedCells"]) == (2, 3)
    assert read(sheets, contacts) == [[], ["", "a", "b"], ["", "", "d"]]
    assert (status, "tried writing" in error["message"]) == (400, True)


def test_write_without_an_input_option_is_refused(sheets, contacts):
    request = sheets.values().update(
        spreadsheetId=contacts, range=f"{TAB}!A1", body={"values": [["x"]]}
    )

    status, error = refused(request)

    assert status == 400
    assert error["message"] == "'valueInputOption' is required but not specified"


def test_batch_of_values_is_written_whole_or_not(sheets, contacts):
    def write(*ranges: str):
        data = [{"range": each, "values": [["x"]]} for each in ranges]
        body = {"valueInputOption": "RAW", "data": data}
        return sheets.values().batchUpdate(spreadsheetId=contacts, body=body)

    status, _ = refused(write(f"{TAB}!A1", "Nada!A1"))
    before = read(sheets, contacts)
    answer = write(f"{TAB}!A1", f"{TAB}!C2").execute()
    both = sheets.values().batchGet(
        spreadsheetId=contacts, ranges=[f"{TAB}!A1", f"{TAB}!C2"]
    )

    assert (status, before) == (400, [])
    assert answer["totalUpdatedCells"] == 2
    assert [v["values"] for v in both.execute()["valueRanges"]] == [[["x"]], [["x"]]]


def batch(sheets, sheet_id: str, *requests_: dict):
    return sheets.batchUpdate(spreadsheetId=sheet_id, body={"requests": requests_})


def test_structure_is_changed_whole_or_not(google, sheets, contacts):
    add = {"addSheet": {"properties": {"title": "Consultas"}}}
    hide = {
        "updateSheetProperties": {
            "properties": {"sheetId": 7, "gridProperties": {"frozenRowCount": 1}},
            "fields": "gridProperties.frozenRowCount",
        }
    }
    look = {"repeatCell": {"range": {"sheetId": 7}, "fields": "userEnteredFormat"}}

    done = batch(sheets, contacts, add, hide, look).execute()
    status, error = refused(batch(sheets, contacts, look, add))
    unknown = refused(batch(sheets, contacts, {"addSheet": {"titulo": "x"}}))

    assert done["replies"][0]["addSheet"]["properties"]["title"] == "Consultas"
    assert done["replies"][1:] == [{}, {}]
    assert (status, 'name "Consultas" already exists' in error["message"]) == (
        400,
        True,
    )
    assert error["message"].startswith("Invalid requests[1].addSheet: ")
    assert "Cannot find field" in unknown[1]["message"]
    kept = google.sheets.every[contacts]
    assert [sheet.title for sheet in kept.sheets] == [
        "Contatos de D'Ávila",
        "Consultas",
    ]
    assert kept.sheets[0].properties["gridProperties"] == {"frozenRowCount": 1}
    assert kept.formats == [look]


def test_developer_metadata_follows_its_row(google, sheets, contacts):
    rows = {"sheetId": 7, "dimension": "ROWS", "startIndex": 2, "endIndex": 3}
    mark = {
        "createDeveloperMetadata": {
            "developerMetadata": {
                "metadataId": 12,
                "metadataKey": "job",
                "metadataValue": "abc",
                "location": {"dimensionRange": rows},
                "visibility": "DOCUMENT",
            }
        }
    }
    batch(sheets, contacts, mark).execute()
    spot = {"sheetId": 7, "dimension": "ROWS", "startIndex": 0, "endIndex": 2}

    google.sheets.edit(contacts, {"insertDimension": {"range": spot}})

    lookup = {"developerMetadataLookup": {"metadataKey": "job", "metadataValue": "abc"}}
    search = sheets.developerMetadata().search(
        spreadsheetId=contacts, body={"dataFilters": [lookup]}
    )
    (found,) = search.execute()["matchedDeveloperMetadata"]
    place = found["developerMetadata"]["location"]["dimensionRange"]
    assert (place["startIndex"], place["endIndex"]) == (4, 5)
    assert refused(batch(sheets, contacts, mark))[0] == 400


def test_cells_are_appended_with_their_metadata_in_one_request(
    google, sheets, contacts
):
    cells = {"values": [{"userEnteredValue": {"stringValue": "=Maria"}}]}
    add = {"appendCells": {"sheetId": 7, "rows": [cells], "fields": "userEnteredValue"}}

    batch(sheets, contacts, add, add).execute()

    assert google.sheets.every[contacts].sheets[0].rows == [["=Maria"], ["=Maria"]]
    assert google.writes["sheets.spreadsheets.batchUpdate"] == 1


def test_people_change_the_sheet_under_us(google, sheets, contacts):
    append(sheets, contacts, [["Nome", "Telefone"], ["Maria", "1"]])
    tab = google.sheets.every[contacts]["Contatos de D'Ávila"]

    tab.insert_columns(1)
    tab.write("B1", "OAB")
    tab.move_column(2, 0)
    tab.insert_rows(1)

    assert read(sheets, contacts) == [["Telefone", "Nome", "OAB"], [], ["1", "Maria"]]


def test_spreadsheet_is_a_file_of_the_drive(google, sheets, files, contacts):
    (found,) = files.list(q=f"mimeType = '{SPREADSHEET}'").execute()["files"]
    private = google.sheets.put(ANA, "Contas", [["x"]])

    assert found["id"] == contacts
    assert refused(sheets.get(spreadsheetId=private.id))[0] == 404
    files.delete(fileId=contacts).execute()
    status, error = refused(sheets.get(spreadsheetId=contacts))
    assert (status, error["status"]) == (404, "NOT_FOUND")


def test_spreadsheet_made_at_the_drive_can_be_written(sheets, files):
    made = files.create(body={"name": "Nova", "mimeType": SPREADSHEET}).execute()

    append(sheets, made["id"], [["a"]], "Página1")

    assert read(sheets, made["id"], "Página1") == [["a"]]


@pytest.mark.parametrize(
    ("start", "what"),
    [
        ({"sheetId": 7, "columnIndex": 26}, "column: 26, beyond"),
        ({"sheetId": 7, "rowIndex": 1000}, "row: 1000, beyond"),
    ],
)
def test_cells_beyond_the_grid_are_not_written(google, sheets, contacts, start, what):
    rows = [{"values": [{"userEnteredValue": {"stringValue": "x"}}]}]
    write = {"start": start, "rows": rows, "fields": "userEnteredValue"}

    status, error = refused(batch(sheets, contacts, {"updateCells": write}))

    assert (status, what in error["message"]) == (400, True)
    assert google.sheets.every[contacts].sheets[0].rows == []


def test_grid_grows_on_request_and_only_so_far(google, sheets, contacts):
    more = {"sheetId": 7, "dimension": "COLUMNS", "length": 4}
    batch(sheets, contacts, {"appendDimension": more}).execute()
    far = {"sheetId": 7, "dimension": "ROWS", "length": 10_000_000}

    status, error = refused(batch(sheets, contacts, {"appendDimension": far}))

    assert (status, "above the limit" in error["message"]) == (400, True)
    tab = google.sheets.every[contacts].sheets[0]
    assert (tab.row_count, tab.column_count) == (1000, 30)


def test_cell_holds_so_many_characters(sheets, contacts):
    append(sheets, contacts, [["a" * 50_000]])

    body = {"values": [["a" * 50_001]]}
    status, error = refused(
        sheets.values().append(
            spreadsheetId=contacts, range=TAB, body=body, valueInputOption="RAW"
        )
    )

    assert (status, "50000 characters" in error["message"]) == (400, True)

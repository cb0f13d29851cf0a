"""What our tests believe of Google's files, pinned with Google's own client."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build, build_from_document
from googleapiclient.http import MediaIoBaseUpload, build_http

from tests.contract.google_desk import (
    ANA,
    BRUNO,
    MARIA,
    credentials,
    reason,
    refused,
    service,
)
from tests.fakes.fake_google import FakeGoogle, running
from tests.fakes.google_discovery import served_document
from tests.fakes.google_files import FOLDER, SPREADSHEET
from tests.fakes.google_grants import CLIENT_ID, SCOPE


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with running() as google:
        yield google


@pytest.fixture
def files(google):
    return service(google, "drive").files()


def test_file_with_a_given_id_is_made_once(google, files):
    (file_id,) = files.generateIds(count=1).execute()["ids"]
    body = {"id": file_id, "name": "Caso", "mimeType": FOLDER}
    made = files.create(body=body).execute()

    again = files.create(body=body)

    assert made == {"kind": "drive#file", **body}
    assert reason(again) == (409, "fileIdInUse")
    assert len(google.drive.live(FOLDER)) == 1


def test_id_that_drive_did_not_give_is_refused(files):
    body = {"id": "inventado", "name": "Caso", "mimeType": FOLDER}

    assert reason(files.create(body=body)) == (400, "invalid")


def test_given_id_is_not_for_googles_own_formats(files):
    (file_id,) = files.generateIds(count=1).execute()["ids"]

    body = {"id": file_id, "mimeType": SPREADSHEET}

    assert reason(files.create(body=body)) == (400, "invalid")


def test_fields_choose_what_an_answer_holds(files):
    made = files.create(
        body={"name": "Caso", "mimeType": FOLDER}, fields="id,webViewLink"
    ).execute()

    found = files.list(fields="files(name,parents)").execute()
    unknown = files.list(fields="files(nome)")

    link = f"https://drive.google.com/drive/folders/{made['id']}"
    assert made == {"id": made["id"], "webViewLink": link}
    assert set(found) == {"files"}
    assert set(found["files"][0]) == {"name", "parents"}
    assert reason(unknown) == (400, "invalidParameter")


@pytest.fixture
def cabinet(files):
    """Folders and files of an office; the ids by name."""
    ids = {}
    for name, more in {
        "Casos": {"mimeType": FOLDER},
        "D'Ávila \\ Filhos": {"appProperties": {"cliente": "7"}},
        "procuração.pdf": {"mimeType": "application/pdf"},
    }.items():
        parents = [ids["Casos"]] if ids else ["root"]
        body = {"name": name, "parents": parents, **more}
        ids[name] = files.create(body=body).execute()["id"]
    return ids


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("name = 'Casos'", {"Casos"}),
        ("name = 'D\\'Ávila \\\\ Filhos'", {"D'Ávila \\ Filhos"}),
        (
            "name != 'Casos' and trashed = false",
            {"D'Ávila \\ Filhos", "procuração.pdf"},
        ),
        (f"mimeType = '{FOLDER}'", {"Casos"}),
        (
            f"mimeType='{FOLDER}' or mimeType='application/pdf'",
            {"Casos", "procuração.pdf"},
        ),
        ("'root' in parents", {"Casos"}),
        ("name contains 'procura'", {"procuração.pdf"}),
        ("name contains 'curação'", set()),
        (
            "appProperties has { key='cliente' and value='7' }",
            {"D'Ávila \\ Filhos"},
        ),
        ("appProperties has { key='cliente' and value='8' }", set()),
        ("not (name = 'Casos' or mimeType = 'application/pdf')", {"D'Ávila \\ Filhos"}),
        ("trashed = true", set()),
        ("createdTime > '2100-01-01T00:00:00'", set()),
    ],
)
def test_search_understands_drives_language(files, cabinet, query, expected):
    found = files.list(q=query).execute()["files"]

    assert {each["name"] for each in found} == expected


@pytest.mark.parametrize(
    "query",
    [
        "name = 'D'Ávila'",
        "nome = 'x'",
        "name = x",
        "name = 'x' and",
        "(name = 'x'",
        "name = 'x' name = 'y'",
        "trashed = 'false'",
        "parents in 'x'",
    ],
)
def test_search_that_drive_does_not_understand_is_refused(files, query):
    status, error = refused(files.list(q=query))

    assert status == 400
    assert error["errors"][0]["reason"] == "invalid"
    assert error["errors"][0]["location"] == "q"


def test_search_by_folder_comes_in_pages(files, cabinet):
    query = f"'{cabinet['Casos']}' in parents"

    first = files.list(q=query, pageSize=1, orderBy="name").execute()
    last = files.list(
        q=query, pageSize=1, orderBy="name", pageToken=first["nextPageToken"]
    ).execute()

    assert [p["files"][0]["name"] for p in (first, last)] == [
        "D'Ávila \\ Filhos",
        "procuração.pdf",
    ]
    assert "nextPageToken" not in last


def test_binned_file_is_found_as_such_and_deleted_one_is_not_found(files, cabinet):
    file_id = cabinet["procuração.pdf"]

    files.update(fileId=file_id, body={"trashed": True}).execute()

    assert files.get(fileId=file_id).execute()["name"] == "procuração.pdf"
    (binned,) = files.list(q="trashed = true").execute()["files"]
    assert binned["id"] == file_id
    files.delete(fileId=file_id).execute()
    assert reason(files.get(fileId=file_id)) == (404, "notFound")


def test_deleted_folder_takes_along_what_is_in_it(google, files, cabinet):
    files.delete(fileId=cabinet["Casos"]).execute()

    assert google.drive.files == {}


def test_file_is_moved_by_parameters_alone(files, cabinet):
    file_id = cabinet["procuração.pdf"]

    moved = files.update(
        fileId=file_id,
        addParents="root",
        removeParents=cabinet["Casos"],
        fields="parents",
    ).execute()
    by_body = files.update(fileId=file_id, body={"parents": [cabinet["Casos"]]})

    assert moved["parents"] != [cabinet["Casos"]]
    assert reason(by_body) == (403, "fieldNotWritable")


def test_app_properties_are_merged(files, cabinet):
    file_id = cabinet["D'Ávila \\ Filhos"]
    change = {"appProperties": {"caso": "9"}}

    kept = files.update(fileId=file_id, body=change, fields="appProperties").execute()

    assert kept["appProperties"] == {"cliente": "7", "caso": "9"}


def test_unknown_parent_is_refused(google, files):
    body = {"name": "x", "parents": ["nada"]}

    assert reason(files.create(body=body)) == (404, "notFound")
    assert not google.writes


def test_file_scope_sees_only_what_the_client_made(google, files, cabinet):
    private = google.drive.put(ANA, name="Contrato do escritório")
    whole = service(google, "drive", {f"{SCOPE}drive"}).files()

    seen = {each["id"] for each in files.list().execute()["files"]}
    every = {each["id"] for each in whole.list().execute()["files"]}
    hidden = reason(files.get(fileId=private.id))
    private.opened_by.add(CLIENT_ID)

    assert seen == set(cabinet.values())
    assert every == seen | {private.id}
    assert hidden == (404, "notFound")
    assert files.get(fileId=private.id).execute()["id"] == private.id


def test_shared_file_is_seen_by_the_other_and_told(google, files, cabinet):
    permissions = service(google, "drive").permissions()
    other = service(google, "drive", owner=BRUNO).files()
    file_id = cabinet["Casos"]
    before = reason(other.get(fileId=file_id))
    body = {"type": "user", "role": "reader", "emailAddress": BRUNO}

    made = permissions.create(fileId=file_id, body=body).execute()
    permissions.create(
        fileId=file_id,
        body=body | {"emailAddress": MARIA},
        sendNotificationEmail=False,
    ).execute()

    assert before == (404, "notFound")
    assert set(made) == {"kind", "id", "type", "role"}
    assert other.get(fileId=file_id).execute()["id"] == file_id
    change = other.update(fileId=file_id, body={"name": "x"})
    assert reason(change) == (403, "insufficientFilePermissions")
    assert [(mail.to, mail.kind) for mail in google.mails] == [(BRUNO, "share")]


def uploading_files(google: FakeGoogle):
    """Returns a client whose uploads reach the fake: its document names the root."""
    http = AuthorizedHttp(credentials(google), http=build_http())
    return build_from_document(served_document("drive", google.url), http=http).files()


CONTENT = bytes(range(256)) * 2048  # 512 KiB, every byte


@pytest.mark.parametrize("is_resumable", [False, True])
def test_file_with_content_arrives_whole(google, is_resumable):
    media = MediaIoBaseUpload(
        io.BytesIO(CONTENT),
        "application/pdf",
        chunksize=256 * 1024,
        resumable=is_resumable,
    )
    files = uploading_files(google)

    made = files.create(
        body={"name": "a.pdf"}, media_body=media, fields="id,size,mimeType"
    ).execute()

    assert (made["size"], made["mimeType"]) == (str(len(CONTENT)), "application/pdf")
    assert google.drive.files[made["id"]].content == CONTENT
    assert files.get_media(fileId=made["id"]).execute() == CONTENT
    assert google.writes == {"drive.files.create": 1}


def test_upload_of_content_alone_replaces_it(google):
    files = uploading_files(google)
    made = files.create(body={"name": "a.pdf"}).execute()
    media = MediaIoBaseUpload(io.BytesIO(b"novo"), "text/plain")

    files.update(fileId=made["id"], media_body=media).execute()

    assert google.drive.files[made["id"]].content == b"novo"
    assert google.drive.files[made["id"]].metadata["name"] == "a.pdf"


def test_static_client_sends_uploads_to_its_endpoint_but_over_https(google, files):
    media = MediaIoBaseUpload(io.BytesIO(b"x"), "text/plain")

    request = files.create(body={}, media_body=media)

    assert request.uri.startswith(
        f"https://127.0.0.1:{google.port}/upload/drive/v3/files"
    )


def test_served_discovery_document_leads_to_the_fake(google):
    place = f"{google.url}/discovery/v1/apis/{{api}}/{{apiVersion}}/rest"
    http = AuthorizedHttp(credentials(google), http=build_http())

    drive = build(
        "drive", "v3", http=http, discoveryServiceUrl=place, static_discovery=False
    )

    about = drive.about().get(fields="user(emailAddress)").execute()
    assert about == {"user": {"emailAddress": ANA}}
    assert reason(drive.about().get()) == (400, "required")


def test_empty_file_arrives_by_an_upload_in_parts(google):
    media = MediaIoBaseUpload(io.BytesIO(b""), "text/plain", resumable=True)

    made = uploading_files(google).create(body={"name": "a"}, media_body=media)

    assert google.drive.files[made.execute()["id"]].content == b""


def test_what_is_in_a_binned_folder_is_binned(google, files, cabinet):
    files.update(fileId=cabinet["Casos"], body={"trashed": True}).execute()

    both = "trashed,explicitlyTrashed"
    inner = files.get(fileId=cabinet["procuração.pdf"], fields=both).execute()
    assert inner == {"trashed": True, "explicitlyTrashed": False}
    assert files.list(q="trashed = false").execute()["files"] == []
    assert google.drive.live() == []

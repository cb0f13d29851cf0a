"""Folders and files at Google: every call that may fail, and what Drive is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from actions.gateways.google_files import GoogleFiles, quoted
from bot.core.ports import Folder, GatewayError, Trouble
from tests.contract.google_desk import ANA, service
from tests.contract.google_gateways import (
    FAULTS,
    HELD,
    calls_of,
    each_call_failing,
    timeout_of,
    until_done,
)
from tests.fakes.fake_google import FakeGoogle, Fault, running
from tests.fakes.google_files import FOLDER
from tests.fakes.google_grants import CLIENT_ID

PDF = "application/pdf"
CONTENT = b"%PDF-1.7"


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with running() as google:
        yield google


@pytest.fixture
def files(google) -> GoogleFiles:
    return GoogleFiles(calls_of(google))


@pytest.fixture
async def folder(files) -> Folder:
    return await files.make_folder("Ana Prado", folder_id=await files.new_id())


@pytest.fixture
def scan(tmp_path) -> Path:
    path = tmp_path / "recebido"
    path.write_bytes(CONTENT)
    return path


def bin_it(google: FakeGoogle, file_id: str) -> None:
    files = service(google, "drive").files()
    files.update(fileId=file_id, body={"trashed": True}).execute()


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_folder_is_made_once_whatever_call_fails(google, fault):
    files = GoogleFiles(calls_of(google, timeout_s=timeout_of(fault)))
    parent = await files.make_folder("Casos", folder_id=await files.new_id())
    ids = [await files.new_id() for _ in range(5)]
    used = []

    for number in each_call_failing(google, fault):
        used.append(ids[number - 1])
        made = await until_done(
            lambda: files.make_folder("Ana", folder_id=used[-1], parent=parent.id)
        )
        assert made.id == used[-1]

    kept = [each.id for each in google.drive.live(FOLDER) if each.id != parent.id]
    assert kept == used
    assert len(used) == 1 + 2  # the parent is looked at, and the folder is made


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_file_is_stored_once_whatever_call_fails(google, fault, folder, scan):
    files = GoogleFiles(calls_of(google, timeout_s=timeout_of(fault)))
    ids = [await files.new_id() for _ in range(5)]
    used = []

    for number in each_call_failing(google, fault):
        used.append(ids[number - 1])
        stored = await until_done(
            lambda: files.store(folder.id, "a.pdf", scan, PDF, file_id=used[-1])
        )
        assert stored.id == used[-1]

    kept = [each for each in google.drive.live() if each.id != folder.id]
    assert [each.id for each in kept] == used
    assert {each.content for each in kept} == {CONTENT}
    assert len(used) == 1 + 3  # the folder is looked at, an upload begins, and goes on


async def test_reads_are_repeated_until_they_come(google, files, folder):
    for fault in FAULTS:
        if fault not in HELD:
            google.fail_next(fault)
            assert await until_done(files.folders) == [folder]
            google.fail_next(fault)
            assert await until_done(files.new_id)


async def test_large_file_goes_in_parts(google, files, folder, scan):
    scan.write_bytes(b"x" * (5 * 1024 * 1024))

    stored = await files.store(
        folder.id, "a.pdf", scan, PDF, file_id=await files.new_id()
    )

    parts = [each for each in google.calls("drive.files.create") if each.http == "PUT"]
    assert len(parts) == 3
    assert google.drive.files[stored.id].content == scan.read_bytes()


@pytest.mark.parametrize("status", [404, 410])
async def test_upload_that_google_forgot_is_begun_anew(google, folder, scan, status):
    files = GoogleFiles(calls_of(google))
    file_id = await files.new_id()
    google.fail_next(Fault("error", "drive.files.create", after=1, status=status))

    stored = await until_done(
        lambda: files.store(folder.id, "a.pdf", scan, PDF, file_id=file_id)
    )

    assert google.drive.files[stored.id].content == CONTENT


async def test_what_is_made_is_marked_and_keeps_its_type(google, files, folder, scan):
    stored = await files.store(
        folder.id, "a.pdf", scan, PDF, file_id=await files.new_id()
    )

    kept = google.drive.files[stored.id].metadata
    assert kept["mimeType"] == PDF
    for each in (kept, google.drive.files[folder.id].metadata):
        assert each["appProperties"] == {"origem": "assistente"}


async def test_all_pages_of_folders_are_read(google, files):
    for number in range(1001):
        google.drive.add({"name": str(number), "mimeType": FOLDER}, ANA, CLIENT_ID)

    assert len(await files.folders()) == 1001
    assert len(google.calls("drive.files.list")) == 2


async def test_only_folders_of_ours_are_listed(google, files, folder):
    google.drive.add({"name": "solto.pdf", "mimeType": PDF}, ANA, CLIENT_ID)
    google.drive.put(ANA, name="Particular", mimeType=FOLDER)

    assert await files.folders() == [folder]


async def test_awkward_parent_is_only_a_name(files):
    assert await files.folders("D'Ávila \\' or trashed = true") == []


async def test_links_lead_to_google(files, folder, scan):
    stored = await files.store(
        folder.id, "a.pdf", scan, PDF, file_id=await files.new_id()
    )

    assert folder.link == f"https://drive.google.com/drive/folders/{folder.id}"
    assert stored.link.startswith(f"https://drive.google.com/file/d/{stored.id}/")


async def test_file_that_is_gone_for_good_is_not_called_stored(
    google, files, folder, scan
):
    file_id = await files.new_id()
    await files.store(folder.id, "a.pdf", scan, PDF, file_id=file_id)
    google.drive.drop(file_id)

    with pytest.raises(GatewayError) as failed:
        await files.store(folder.id, "a.pdf", scan, PDF, file_id=file_id)

    assert failed.value.trouble is Trouble.REFUSED


async def test_file_of_a_binned_folder_was_stored_all_the_same(
    google, files, folder, scan
):
    file_id = await files.new_id()
    first = await files.store(folder.id, "a.pdf", scan, PDF, file_id=file_id)
    bin_it(google, folder.id)

    again = await files.store(folder.id, "a.pdf", scan, PDF, file_id=file_id)

    assert again == first


async def test_no_folder_is_made_in_a_binned_one(google, files, folder):
    bin_it(google, folder.id)

    with pytest.raises(GatewayError) as failed:
        await files.make_folder(
            "Caso", folder_id=await files.new_id(), parent=folder.id
        )

    assert failed.value.trouble is Trouble.REFUSED


@pytest.mark.parametrize("made_up", ["", "../x", "a/b", "a?b", "ação"])
async def test_id_that_was_made_up_is_not_sent(google, files, scan, made_up):
    with pytest.raises(GatewayError) as failed:
        await files.store(made_up, "a.pdf", scan, PDF, file_id="x")

    assert failed.value.trouble is Trouble.REFUSED
    assert google.received == []


async def test_full_drive_may_be_tried_later(google, files):
    folder_id = await files.new_id()
    google.fail_next(Fault("forbidden", reason="storageQuotaExceeded"))

    with pytest.raises(GatewayError) as failed:
        await files.make_folder("Ana Prado", folder_id=folder_id)

    assert failed.value.trouble is Trouble.LATER


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", "'a'"),
        ("D'Ávila", r"'D\'Ávila'"),
        ("a\\b", r"'a\\b'"),
        ("\\'", r"'\\\''"),
    ],
)
def test_text_is_quoted_as_drives_search_wants_it(text, expected):
    assert quoted(text) == expected

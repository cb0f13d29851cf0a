"""Folders and files: one specification for whoever keeps them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.core.ports import Files, Folder, GatewayError, StoredFile, Trouble

PDF = "application/pdf"
CONTENT = b"%PDF-1.7 procura\xc3\xa7\xc3\xa3o"
NAMES = {
    "contrato.pdf": "contrato.pdf",
    "../../fora.pdf": "fora.pdf",
    "D'Ávila \\ Filhos.pdf": "D'Ávila - Filhos.pdf",
    "🙂 ação.pdf": "🙂 ação.pdf",
    "\u202efdp.exe": "fdp.exe",
    "": "arquivo",
    "CON": "_CON",
    "a" * 300 + ".pdf": "a" * 116 + ".pdf",
}


class FilesContract:
    """What the assistant relies on."""

    @pytest.fixture
    def files(self) -> Files:
        """Returns what keeps them."""
        raise NotImplementedError

    def content(self, stored: StoredFile) -> bytes:
        """Returns what a person finds in a file."""
        raise NotImplementedError

    def names_in(self, folder: Folder) -> list[str]:
        """Returns the files that a person sees in a folder, by name."""
        raise NotImplementedError

    def throw_away(self, thing: Folder | StoredFile) -> None:
        """Lets a person throw something away."""
        raise NotImplementedError

    @pytest.fixture
    def scan(self, tmp_path) -> Path:
        path = tmp_path / "recebido"
        path.write_bytes(CONTENT)
        return path

    @pytest.fixture
    async def folder(self, files) -> Folder:
        return await files.make_folder("Ana Prado", folder_id=await files.new_id())

    async def test_ids_are_new_each_time(self, files):
        assert len({await files.new_id() for _ in range(5)}) == 5

    async def test_nothing_is_there_at_first(self, files):
        assert await files.folders() == []

    async def test_folder_is_found_and_can_be_opened(self, files, folder):
        assert folder.name == "Ana Prado"
        assert folder.link
        assert await files.folders() == [folder]

    async def test_same_id_again_is_the_same_folder(self, files, folder):
        again = await files.make_folder("Outra", folder_id=folder.id)

        assert again == folder
        assert await files.folders() == [folder]

    async def test_two_folders_may_have_one_name(self, files, folder):
        other = await files.make_folder("Ana Prado", folder_id=await files.new_id())

        assert other.id != folder.id
        assert other.link != folder.link
        assert {each.id for each in await files.folders()} == {folder.id, other.id}

    async def test_folders_come_by_name(self, files):
        for name in ("rui", "Ana", "Zélia", "bia"):
            await files.make_folder(name, folder_id=await files.new_id())

        found = await files.folders()

        assert [each.name for each in found] == ["Ana", "bia", "rui", "Zélia"]

    async def test_folders_stand_in_folders(self, files, folder):
        inner = await files.make_folder(
            "Divórcio", folder_id=await files.new_id(), parent=folder.id
        )

        assert await files.folders() == [folder]
        assert await files.folders(folder.id) == [inner]
        assert await files.folders(inner.id) == []

    async def test_file_is_stored_whole(self, files, folder, scan):
        stored = await files.store(
            folder.id, "procuração.pdf", scan, PDF, file_id=await files.new_id()
        )

        assert stored.name == "procuração.pdf"
        assert stored.link
        assert self.content(stored) == CONTENT
        assert scan.read_bytes() == CONTENT
        assert self.names_in(folder) == ["procuração.pdf"]

    @pytest.mark.parametrize("size", [0, 1, 256 * 1024, 5 * 1024 * 1024 + 1])
    async def test_file_of_any_size_is_stored(self, files, folder, scan, size):
        scan.write_bytes(bytes(range(256)) * (size // 256) + b"x" * (size % 256))

        stored = await files.store(
            folder.id, "a.bin", scan, PDF, file_id=await files.new_id()
        )

        assert self.content(stored) == scan.read_bytes()

    async def test_same_id_again_is_the_same_file(self, files, folder, scan):
        file_id = await files.new_id()
        first = await files.store(folder.id, "a.pdf", scan, PDF, file_id=file_id)
        scan.write_bytes(b"another")

        again = await files.store(folder.id, "b.pdf", scan, PDF, file_id=file_id)

        assert again == first
        assert self.content(again) == CONTENT
        assert self.names_in(folder) == ["a.pdf"]

    async def test_equal_names_stand_side_by_side(self, files, folder, scan):
        first = await files.store(
            folder.id, "a.pdf", scan, PDF, file_id=await files.new_id()
        )
        scan.write_bytes(b"another")
        other = await files.store(
            folder.id, "a.pdf", scan, PDF, file_id=await files.new_id()
        )

        assert self.content(first) == CONTENT
        assert self.content(other) == b"another"
        assert len(self.names_in(folder)) == 2

    @pytest.mark.parametrize(("name", "expected"), NAMES.items())
    async def test_name_is_cleaned(self, files, folder, scan, name, expected):
        stored = await files.store(
            folder.id, name, scan, PDF, file_id=await files.new_id()
        )

        assert stored.name == expected
        assert self.names_in(folder) == [expected]

    @pytest.mark.parametrize(
        ("name", "expected"),
        [("../fora", "fora"), ("D'Ávila / Filhos", "D'Ávila - Filhos"), ("", "pasta")],
    )
    async def test_folders_name_is_cleaned(self, files, name, expected):
        made = await files.make_folder(name, folder_id=await files.new_id())

        assert made.name == expected

    async def test_many_at_once_are_each_made_once(self, files, folder, scan):
        ids = [await files.new_id() for _ in range(4)]

        await asyncio.gather(
            *(
                files.store(folder.id, "a.pdf", scan, PDF, file_id=each)
                for each in ids * 2
            )
        )

        assert len(self.names_in(folder)) == 4

    async def test_folder_that_is_not_there_is_refused(self, files, scan):
        unknown, file_id = await files.new_id(), await files.new_id()

        with pytest.raises(GatewayError) as failed:
            await files.store(unknown, "a.pdf", scan, PDF, file_id=file_id)
        with pytest.raises(GatewayError) as inside:
            await files.make_folder("a", folder_id=file_id, parent=unknown)

        assert failed.value.trouble is Trouble.REFUSED
        assert inside.value.trouble is Trouble.REFUSED

    async def test_file_that_is_not_there_is_refused(self, files, folder, scan):
        scan.unlink()

        with pytest.raises(GatewayError) as failed:
            await files.store(
                folder.id, "a.pdf", scan, PDF, file_id=await files.new_id()
            )

        assert failed.value.trouble is Trouble.REFUSED

    @pytest.mark.parametrize("given", ["", "../x", "a" * 32, "D'Ávila \\", "x" * 500])
    async def test_id_that_was_made_up_is_refused(self, files, folder, scan, given):
        with pytest.raises(GatewayError) as failed:
            await files.store(given, "a.pdf", scan, PDF, file_id=await files.new_id())

        assert failed.value.trouble is Trouble.REFUSED

    async def test_file_that_a_person_threw_away_stays_away(self, files, folder, scan):
        file_id = await files.new_id()
        first = await files.store(folder.id, "a.pdf", scan, PDF, file_id=file_id)
        self.throw_away(first)

        again = await files.store(folder.id, "a.pdf", scan, PDF, file_id=file_id)

        assert again == first
        assert self.names_in(folder) == []

    async def test_folder_that_a_person_threw_away_takes_no_file(
        self, files, folder, scan
    ):
        self.throw_away(folder)

        with pytest.raises(GatewayError) as failed:
            await files.store(
                folder.id, "a.pdf", scan, PDF, file_id=await files.new_id()
            )

        assert failed.value.trouble is Trouble.REFUSED
        assert await files.folders() == []

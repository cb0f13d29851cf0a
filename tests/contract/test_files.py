"""Folders and files at each keeper, and what is particular to the disk."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from actions.gateways import local_disk, local_files
from actions.gateways.google_files import GoogleFiles
from actions.gateways.local_files import LocalFiles
from bot.core.ports import GatewayError, Trouble
from tests.contract.files_contract import CONTENT, PDF, FilesContract
from tests.contract.google_desk import service
from tests.contract.google_gateways import calls_of
from tests.contract.processes import (
    functions_of,
    kill_at,
    meddle_at,
    run_processes,
)
from tests.fakes.fake_google import FakeGoogle, running


class TestOnGoogle(FilesContract):
    @pytest.fixture
    def google(self) -> Iterator[FakeGoogle]:
        with running() as google:
            yield google

    @pytest.fixture
    def files(self, google) -> GoogleFiles:
        self.google = google
        return GoogleFiles(calls_of(google))

    def content(self, stored):
        return self.google.drive.files[stored.id].content

    def names_in(self, folder):
        return sorted(
            each.metadata["name"]
            for each in self.google.drive.live()
            if folder.id in each.metadata["parents"]
        )

    def throw_away(self, thing):
        files = service(self.google, "drive").files()
        files.update(fileId=thing.id, body={"trashed": True}).execute()


class TestOnDisk(FilesContract):
    @pytest.fixture
    def root(self, tmp_path) -> Path:
        return tmp_path / "documentos"

    @pytest.fixture
    def files(self, root) -> LocalFiles:
        return LocalFiles(root)

    def content(self, stored):
        return Path(stored.link).read_bytes()

    def names_in(self, folder):
        return visible(Path(folder.link))

    def throw_away(self, thing):
        path = Path(thing.link)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()

    async def test_equal_names_get_numbers(self, files, folder, scan):
        for name in ("a.pdf", "a.pdf", "a.pdf", "sem ponto", "sem ponto"):
            await files.store(folder.id, name, scan, PDF, file_id=await files.new_id())
        other = await files.make_folder("Ana Prado", folder_id=await files.new_id())

        names = ["a (2).pdf", "a (3).pdf", "a.pdf", "sem ponto", "sem ponto (2)"]
        assert self.names_in(folder) == names
        assert other.name == "Ana Prado (2)"

    async def test_what_people_put_there_is_left_alone(self, files, folder, scan, root):
        mine = Path(folder.link) / "a.pdf"
        mine.write_bytes(b"mine")
        (root / "Rui Lima").mkdir()

        stored = await files.store(
            folder.id, "a.pdf", scan, PDF, file_id=await files.new_id()
        )
        made = await files.make_folder("Rui Lima", folder_id=await files.new_id())

        assert (stored.name, mine.read_bytes()) == ("a (2).pdf", b"mine")
        assert made.name == "Rui Lima (2)"
        assert await files.folders() == [folder, made]

    @pytest.mark.parametrize("place", ["Ana P. Souza", "Arquivo/2026/Ana"])
    async def test_folder_that_a_person_moved_is_found(
        self, files, folder, scan, root, place
    ):
        target = root / place
        move(folder.link, target)

        await files.store(folder.id, "a.pdf", scan, PDF, file_id=await files.new_id())
        again = await files.make_folder("Ana Prado", folder_id=folder.id)

        assert visible(target) == ["a.pdf"]
        assert again.link == str(target)

    async def test_file_that_a_person_renamed_is_not_put_there_again(
        self, files, folder, scan
    ):
        file_id = await files.new_id()
        first = await files.store(folder.id, "a.pdf", scan, PDF, file_id=file_id)
        move(first.link, f"{folder.link}/b.pdf")

        await files.store(folder.id, "a.pdf", scan, PDF, file_id=file_id)

        assert self.names_in(folder) == ["b.pdf"]

    async def test_copied_folder_counts_once(self, files, folder, root):
        shutil.copytree(folder.link, root / "Ana Prado - copia")

        assert len(await files.folders()) == 1

    @pytest.mark.parametrize(
        "mark", ["", "{}", "[]", '{"id": 1}', '{"id": "x", "files": 1}', "\xff"]
    )
    async def test_folder_whose_mark_was_spoilt_is_none_of_ours(
        self, files, folder, mark
    ):
        (Path(folder.link) / ".pasta.json").write_text(mark, "latin-1")

        assert await files.folders() == []

    async def test_nothing_outside_is_reached(self, files, folder, scan, root):
        outside = root.parent / "fora"
        move(folder.link, outside)
        (root / "atalho").symlink_to(outside)

        with pytest.raises(GatewayError) as failed:
            await files.store(
                folder.id, "a.pdf", scan, PDF, file_id=await files.new_id()
            )

        assert failed.value.trouble is Trouble.REFUSED
        assert await files.folders() == []
        assert visible(outside) == []

    @pytest.mark.parametrize("given", ["../x", "a/b", "", "A" * 32])
    async def test_id_of_another_make_is_refused(self, files, folder, scan, given):
        with pytest.raises(GatewayError) as failed:
            await files.store(folder.id, "a.pdf", scan, PDF, file_id=given)
        with pytest.raises(GatewayError) as no_folder:
            await files.make_folder("a", folder_id=given)

        assert failed.value.trouble is Trouble.REFUSED
        assert no_folder.value.trouble is Trouble.REFUSED

    async def test_link_that_leads_elsewhere_is_not_written_through(
        self, files, folder, scan, root
    ):
        target = root.parent / "alvo"
        (Path(folder.link) / "a.pdf").symlink_to(target)

        stored = await files.store(
            folder.id, "a.pdf", scan, PDF, file_id=await files.new_id()
        )

        (root / "Rui Lima").symlink_to(target)
        made = await files.make_folder("Rui Lima", folder_id=await files.new_id())

        assert stored.name == "a (2).pdf"
        assert made.name == "Rui Lima (2)"
        assert not target.exists()

    async def test_disk_that_refuses_may_be_tried_later(self, tmp_path):
        (tmp_path / "documentos").write_text("a file where a folder should be")

        with pytest.raises(GatewayError) as failed:
            await LocalFiles(tmp_path / "documentos").folders()

        assert failed.value.trouble is Trouble.LATER

    def test_processes_do_not_get_in_each_others_way(self, root, scan):
        folder_id = uuid.uuid4().hex
        ids = [uuid.uuid4().hex for _ in range(12)]

        def work() -> None:
            asyncio.run(store_all(LocalFiles(root), folder_id, ids, scan))

        run_processes(work, work, work)

        [folder] = asyncio.run(LocalFiles(root).folders())
        assert folder.name == "Ana Prado"
        assert len(visible(Path(folder.link))) == len(ids)

    def test_whoever_is_killed_at_any_step_leaves_nothing_doubled(self, root, scan):
        steps = functions_of(local_files, LocalFiles, local_files._Marked, local_disk)
        expected = {".trava", "Ana Prado"}
        expected |= {f"Ana Prado/{name}" for name in (".pasta.json", "a.pdf")}
        was_killed, step = True, 0
        while was_killed:
            step += 1
            place, ids = root / str(step), [uuid.uuid4().hex, uuid.uuid4().hex]

            def work(place=place, ids=ids) -> None:
                asyncio.run(store_all(LocalFiles(place), ids[0], ids[1:], scan))

            was_killed = kill_at(work, steps, step)
            work()

            found = {str(each.relative_to(place)) for each in place.rglob("*")}
            assert found == expected, step
            assert (place / "Ana Prado/a.pdf").read_bytes() == CONTENT, step
        assert step > 100

    def test_person_who_saves_at_the_same_moment_loses_nothing(self, root, scan):
        steps = [*functions_of(local_disk), local_files._named]
        was_reached, step = True, 0
        while was_reached:
            step += 1
            place, ids = root / str(step), [uuid.uuid4().hex, uuid.uuid4().hex]
            mine, reached = place / "Ana Prado/a.pdf", root.parent / f"{step}"

            def save(mine=mine, reached=reached) -> None:
                reached.touch()
                if mine.parent.exists() and not mine.exists():
                    mine.write_bytes(b"mine")
                    reached.write_text("saved")

            def work(place=place, ids=ids) -> None:
                asyncio.run(store_all(LocalFiles(place), ids[0], ids[1:], scan))

            meddle_at(work, steps, step, save)
            work()

            kept = [mine.with_name(name) for name in visible(mine.parent)]
            found = sorted(each.read_bytes() for each in kept)
            was_reached = reached.exists()
            saved = [b"mine"] if was_reached and reached.read_text() else []
            assert found == sorted([CONTENT, *saved]), step
        assert step > 20


async def store_all(
    files: LocalFiles, folder_id: str, ids: list[str], scan: Path
) -> None:
    await files.make_folder("Ana Prado", folder_id=folder_id)
    for each in ids:
        await files.store(folder_id, "a.pdf", scan, PDF, file_id=each)


def move(source: str, target: Path | str) -> None:
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    Path(source).rename(target)


def visible(path: Path) -> list[str]:
    return sorted(each.name for each in path.iterdir() if each.name[0] != ".")

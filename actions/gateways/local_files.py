"""Folders and files on this machine's disk, until Google is connected.

Folders are folders, files are copies. A hidden `.pasta.json` in each folder holds its
id and those of its files, and goes where the folder goes: a person may rename or move
folders, and add, rename or delete files. A file that somebody renamed or deleted is not
put there again; a folder that was deleted is unknown, and one that was copied counts
once. What has no `.pasta.json` belongs to people, and is not touched.
"""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from actions.gateways.local_disk import alone_in, flush, settle
from bot.core.file_names import file_name, folder_name, numbered
from bot.core.ports import Folder, GatewayError, StoredFile, Trouble

_MARK = ".pasta.json"
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass
class _Marked:
    """A folder of ours, as it stands on the disk."""

    path: Path
    id: str
    files: dict[str, str] = field(default_factory=dict)
    """Names by id, also of files that were taken away."""

    def write(self) -> None:
        part = self.path / f"{_MARK}.part"
        told = {"id": self.id, "files": self.files}
        part.write_text(json.dumps(told, ensure_ascii=False), "utf-8")
        settle(part, self.path / _MARK)

    def as_folder(self) -> Folder:
        return Folder(self.id, self.path.name, str(self.path))

    def stored(self, file_id: str) -> StoredFile:
        name = self.files[file_id]
        return StoredFile(file_id, name, str(self.path / name))


@dataclass(frozen=True)
class Shelf:
    """A folder of ours and what is in it."""

    folder: Folder
    names: tuple[str, ...]
    """Of its files, also those that a person put there."""


class LocalFiles:
    """Keeps folders and files below one folder; several processes may."""

    def __init__(self, folder: Path) -> None:
        """Keeps them in `folder`, which is made when it is first used."""
        self._root = folder.absolute()

    async def new_id(self) -> str:
        """Returns an id for a folder or file to come."""
        return uuid.uuid4().hex

    async def folders(self, parent: str | None = None) -> list[Folder]:
        """Returns our folders in the outermost one or in another, by name.

        Raises:
            GatewayError: the disk refused it; `REFUSED` for no such folder.
        """
        return await alone_in(self._root, lambda: self._folders(parent))

    async def make_folder(
        self, name: str, *, folder_id: str, parent: str | None = None
    ) -> Folder:
        """Makes a folder; one of the same name gets a number.

        Raises:
            GatewayError: the disk refused it; `REFUSED` for no such parent.
        """
        return await alone_in(self._root, lambda: self._make(name, folder_id, parent))

    async def store(
        self, folder_id: str, name: str, path: Path, media_type: str, *, file_id: str
    ) -> StoredFile:
        """Puts a copy of a file into a folder; one of the same name gets a number.

        Raises:
            GatewayError: the disk refused it; `REFUSED` for no such folder or file.
        """
        return await alone_in(
            self._root, lambda: self._store(folder_id, name, path, file_id)
        )

    async def everything(self) -> list[Shelf]:
        """Returns our folders with the files in them, wherever people moved them.

        Raises:
            GatewayError: the disk refused it.
        """
        return await alone_in(self._root, lambda: [_shelf(e) for e in self._every()])

    def _folders(self, parent: str | None) -> list[Folder]:
        place = self._place(parent)
        inside = {each.id: each.as_folder() for each in _marked_in(place)}
        return sorted(inside.values(), key=lambda each: (each.name.lower(), each.id))

    def _make(self, name: str, folder_id: str, parent: str | None) -> Folder:
        _check_id(folder_id)
        place = self._place(parent)
        for known in self._every():
            if known.id == folder_id:
                return known.as_folder()
        part = place / f".{folder_id}.part"
        part.mkdir(exist_ok=True)
        _Marked(part, folder_id).write()
        path = _free(place, folder_name(name))
        part.rename(path)
        return Folder(folder_id, path.name, str(path))

    def _store(self, folder_id: str, name: str, path: Path, file_id: str) -> StoredFile:
        _check_id(file_id)
        for known in self._every():
            if file_id in known.files:
                return _finished(known, file_id)
        folder = self._marked(folder_id)
        if not path.is_file():
            raise GatewayError(Trouble.REFUSED, "no file to copy")
        part = _part(folder, file_id)
        shutil.copyfile(path, part)
        flush(part)
        return _named(folder, file_id, file_name(name))

    def _place(self, folder_id: str | None) -> Path:
        return self._root if folder_id is None else self._marked(folder_id).path

    def _marked(self, folder_id: str) -> _Marked:
        for each in self._every():
            if each.id == folder_id:
                return each
        raise GatewayError(Trouble.REFUSED, "no such folder")

    def _every(self) -> Iterator[_Marked]:
        """Yields our folders, also in folders of people; the outer ones first."""
        waiting = [self._root]
        while waiting:
            place = waiting.pop(0)
            yield from _marked_in(place)
            waiting += _folders_in(place)


def _finished(folder: _Marked, file_id: str) -> StoredFile:
    """Gives a file its name, where that was noted and not done."""
    if _part(folder, file_id).exists():
        return _named(folder, file_id, folder.files[file_id])
    return folder.stored(file_id)


def _named(folder: _Marked, file_id: str, name: str) -> StoredFile:
    """Turns the whole copy into the file, under a name that nobody has.

    The name is noted first: with the copy still there it is not done, without it is.
    An empty file that takes the name keeps others from it; after a kill it may be ours.
    """
    part = _part(folder, file_id)
    for each in numbered(name):
        path = folder.path / each
        is_ours = folder.files.get(file_id) == each and _is_empty(path)
        if not is_ours and _is_there(path):
            continue
        folder.files[file_id] = each
        folder.write()
        with suppress(FileExistsError):
            path.touch(exist_ok=False)
        if _is_empty(path):
            settle(part, path)
            return folder.stored(file_id)
    raise AssertionError("there is always another number")


def _shelf(folder: _Marked) -> Shelf:
    files = (each for each in folder.path.iterdir() if each.is_file())
    names = (each.name for each in files if not each.is_symlink())
    seen = sorted(name for name in names if not name.startswith("."))
    return Shelf(folder.as_folder(), tuple(seen))


def _free(place: Path, name: str) -> Path:
    return next(place / each for each in numbered(name) if not _is_there(place / each))


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _is_empty(path: Path) -> bool:
    return path.is_file() and not path.stat().st_size


def _part(folder: _Marked, file_id: str) -> Path:
    return folder.path / f".{file_id}.part"


def _folders_in(place: Path) -> list[Path]:
    """Returns the folders in one, without hidden ones and those that lead elsewhere."""
    return sorted(
        each
        for each in place.iterdir()
        if each.is_dir() and not each.is_symlink() and not each.name.startswith(".")
    )


def _marked_in(place: Path) -> Iterator[_Marked]:
    for each in _folders_in(place):
        marked = _marked_at(each)
        if marked is not None:
            yield marked


def _marked_at(path: Path) -> _Marked | None:
    """Reads a folder's mark; None where it has none, or somebody spoilt it."""
    try:
        told = json.loads((path / _MARK).read_text("utf-8"))
        files = {str(key): str(name) for key, name in told["files"].items()}
        return _Marked(path, str(told["id"]), files)
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _check_id(given: str) -> None:
    if not _ID.fullmatch(given):
        raise GatewayError(Trouble.REFUSED, "no id of ours")

"""Files under the folder of attachments: each under a name of ours, whole or not there.

`{folder}/{first two digits}/{id}`, mode 0600; while it is written, the same with
`.parte`. What is named is on disk for good, and its type was read from its bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import secrets
import time
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

from bot.core.texts import clean
from connectors.media_types import REFUSED, sniff

MAX_NAME_CHARS = 120
_UNFINISHED = ".parte"
_ABANDONED_AFTER_S = 3600

Result = TypeVar("Result")


@dataclass(frozen=True)
class StoredMedia:
    """An attachment that is on disk."""

    id: str
    """32 hexadecimal digits, ours."""
    path: Path
    """`{folder}/{first two digits}/{id}`, mode 0600."""
    media_type: str
    """Read from the content; `recusado` for what must not be served."""
    size_bytes: int
    sha256: str
    original_name: str
    """As the sender named it, cleaned for display; "" when not known."""

    @property
    def is_servable(self) -> bool:
        """Says whether people may be given the file."""
        return self.media_type != REFUSED


class NewFile:
    """A file that is being written; `settle` names it, `discard` leaves nothing.

    Each method blocks.
    """

    def __init__(self, folder: Path) -> None:
        self.id = secrets.token_hex(16)
        self.path = folder / self.id[:2] / self.id
        self.size_bytes = 0
        self._part = self.path.with_suffix(_UNFINISHED)
        self._digest = hashlib.sha256()
        self._file: BinaryIO | None = None

    def write(self, chunk: bytes) -> None:
        """Adds bytes; the first make the file."""
        if self._file is None:
            self._file = _create(self._part)
        self._file.write(chunk)
        self._digest.update(chunk)
        self.size_bytes += len(chunk)

    def settle(self, original_name: str = "") -> StoredMedia:
        """Gives the complete file its name, safe from a power cut."""
        assert self._file is not None  # noqa: S101 - write() opened it
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        media_type = sniff(self._part)
        self._part.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return StoredMedia(
            id=self.id,
            path=self.path,
            media_type=media_type,
            size_bytes=self.size_bytes,
            sha256=self._digest.hexdigest(),
            original_name=original_name,
        )

    def discard(self) -> None:
        """Leaves nothing on disk."""
        with contextlib.suppress(OSError):  # what is buffered may find no room
            if self._file is not None:
                self._file.close()
        for path in (self._part, self.path):
            path.unlink(missing_ok=True)


async def keep_bytes(
    folder: Path, content: bytes, *, original_name: str = ""
) -> StoredMedia:
    """Stores bytes that are here already.

    Args:
        folder: where attachments are kept.
        content: not empty.
        original_name: as the sender named it, fit to be shown.

    Raises:
        OSError: the disk failed; nothing of it is left.
    """

    def keep() -> StoredMedia:
        new = NewFile(folder)
        try:
            new.write(content)
            return new.settle(original_name)
        except BaseException:
            new.discard()
            raise

    return await off_loop(keep)


async def off_loop(call: Callable[[], Result]) -> Result:
    """Runs a call in a thread; a cancelled one is still waited for.

    Nothing may close or delete a file that a thread is writing.
    """
    running = asyncio.ensure_future(asyncio.to_thread(call))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait({running})
        raise


def clear_unfinished(folder: Path) -> None:
    """Deletes what a crash left half written; blocks."""
    oldest = time.time() - _ABANDONED_AFTER_S
    for part in _unfinished(folder):
        if part.stat().st_mtime < oldest:
            part.unlink(missing_ok=True)


def delete_unknown(folder: Path, known: set[str], *, now: float) -> None:
    """Deletes files that nobody knows, unless they have just been written; blocks.

    Args:
        folder: where attachments are kept.
        known: ids of those that stay.
        now: UTC seconds.
    """
    for path in folder.glob("??/*"):
        is_old = path.stat().st_mtime < now - _ABANDONED_AFTER_S
        if path.suffix == "" and path.name not in known and is_old:
            path.unlink(missing_ok=True)


def shown_name(name: str) -> str:
    """Returns the name that somebody gave a file, fit to be shown."""
    name = re.split(r"[/\\]", clean(name))[-1]
    shown = (
        char
        for char in name
        if unicodedata.category(char)[0] not in "CZ" or char == " "
    )
    return "".join(shown).strip(" .")[:MAX_NAME_CHARS]


def _create(part: Path) -> BinaryIO:
    part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(descriptor, "wb")


def _unfinished(folder: Path) -> Iterator[Path]:
    return folder.glob(f"??/*{_UNFINISHED}")

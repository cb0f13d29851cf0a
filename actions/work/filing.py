"""Puts attachments into folders: what a lawyer asked for, what a client sent.

A folder is made once: its id is kept among the office's places before it is made, so
that jobs that run side by side make the same one. The id of each file is noted before
the file is put there. A folder that somebody threw away is made anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection

from actions.jobs import Done
from actions.keepers import GOOGLE, LOCAL
from actions.services import Services
from actions.work.progress import Progress, side_of
from bot.core.filed_names import client_key, client_title, file_titles, joined
from bot.core.ports import Files, Folder, GatewayError, StoredFile, Trouble
from bot.core.settings import ROOT
from bot.store import attachments, clients, media, notices, places
from bot.store.attachments import Attachment
from bot.store.effects import FILING_WORK
from bot.store.jobs import Job
from bot.store.places import FOLDER, Place

FILE, DOCUMENTS = "arquivar", FILING_WORK
"""Kinds of jobs: what a lawyer asked for, what a client sent.

    {"anexos": ["…"], "pasta": {"name": "pessoa:rui lima", "title": "Rui Lima"}}
    {"anexos": ["…"]}
"""
_SOON_S = 5.0
"""Until an attachment that is being fetched is looked at again, at least."""
_WHY = {
    media.REFUSED: "é um tipo de arquivo que não abro, por segurança",
    media.TOO_LARGE: "é grande demais",
    media.DELETED: "já não está guardado, porque os áudios são apagados depois de "
    "um tempo; mande de novo, por favor",
}
_LOST = "não chegou inteiro; mande de novo, por favor"


@dataclass(frozen=True)
class FolderWish:
    """The folder that files are to go into."""

    name: str
    """What it is for, as `conversa:…`, `pessoa:…` or `processo:…`."""
    title: str
    """What it is called where it has to be made."""
    ref: str = ""
    """Its id, where it was chosen among those that there are."""
    keeper: str = ""
    """Who has that one."""

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> FolderWish:
        """Reads what `to_facts` wrote."""
        return cls(**{name: str(facts.get(name, "")) for name in cls.__annotations__})

    def to_facts(self) -> dict[str, str]:
        """Returns it as JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Filed:
    """What became of some attachments."""

    keeper: str = ""
    """Who has them; "" where nothing could be put anywhere."""
    folder: Folder | None = None
    stored: tuple[StoredFile, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    """Names of those that were not filed, and the status of each."""


async def file_documents(
    services: Services, mine: Job, *, folder: FolderWish, media_ids: Sequence[str]
) -> Filed:
    """Puts attachments into a folder, each once, however often this is run.

    Args:
        services: the database and the keepers.
        mine: the job that does it; its notes say how far it is.
        folder: where they go.
        media_ids: ids of attachments.

    Raises:
        GatewayError: it could not be done now; `LATER` while one is being fetched.
        LostLeaseError: another worker has the job.
    """
    found = await services.read(lambda c: attachments.by_ids(c, media_ids))
    root = ROOT / services.settings.media_dir
    titles = file_titles([_described(each, services.office.zone) for each in found])
    filing = _Filing(services, mine, folder)
    stored, left_out = [], []
    for each, title in zip(found, titles, strict=True):
        path = attachments.path_of(root, each.stored_id)
        if each.status == media.KEPT and await asyncio.to_thread(path.is_file):
            stored.append(await filing.store(each, title, path))
        elif each.status != media.PENDING:
            status = media.FAILED if each.status == media.KEPT else each.status
            left_out.append((each.original_name or "um arquivo", status))
    if any(each.status == media.PENDING for each in found):
        raise GatewayError(Trouble.LATER, "still being fetched", wait_s=_SOON_S)
    return Filed(
        filing.keeper, filing.folder if stored else None, tuple(stored), tuple(left_out)
    )


class _Filing:
    """One folder and the files that go into it; the folder is made for the first."""

    def __init__(self, services: Services, mine: Job, wish: FolderWish) -> None:
        self._services, self._wish = services, wish
        self._progress = Progress(services, mine)
        self.keeper = ""
        self.folder: Folder | None = None
        self._tried = ""

    async def store(self, file: Attachment, title: str, path: Path) -> StoredFile:
        """Puts one file there; a folder that is gone is made anew, once."""
        if not self.keeper:
            choose = self._services.keepers.files
            self.keeper = await self._progress.keeper(choose)
        done = self._progress.get("feitos") or {}
        if file.id in done:
            await self._folder()
            return StoredFile(**done[file.id])
        try:
            stored = await self._put(file, title, path)
        except GatewayError as error:
            if error.trouble is not Trouble.REFUSED or self._progress.get("refeita"):
                raise
            await self._start_anew()
            stored = await self._put(file, title, path)
        await self._progress.note(feitos={**done, file.id: asdict(stored)})
        return stored

    @property
    def _files(self) -> Files:
        return side_of(self._services.keepers, self.keeper).files

    async def _put(self, file: Attachment, title: str, path: Path) -> StoredFile:
        folder = await self._folder()
        ids = self._progress.get("ids") or {}
        if file.id not in ids:
            ids = {**ids, file.id: await self._files.new_id()}
            await self._progress.note(ids=ids)
        return await self._files.store(
            folder.id, title, path, file.media_type, file_id=ids[file.id]
        )

    async def _folder(self) -> Folder:
        """Returns the folder, made where there was none."""
        if self.folder is None:
            place = await self._place()
            self._tried = place.ref
            if not place.link or self.keeper == LOCAL:  # people move folders on disks
                place = await self._make(place)
            self.folder = Folder(place.ref, place.title, place.link)
        return self.folder

    async def _place(self) -> Place:
        """Returns where the folder is, or is to be: from now on it stands."""
        wish, keeper = self._wish, self.keeper
        known = await self._services.read(
            lambda c: places.find(c, keeper, FOLDER, wish.name)
        )
        if known is not None:
            return known
        ref = wish.ref if wish.keeper == keeper else ""
        wanted = Place(
            keeper, FOLDER, wish.name, ref or await self._files.new_id(), wish.title, ""
        )
        now = time.time()
        return await self._services.write(lambda c: places.keep(c, wanted, now=now))

    async def _make(self, place: Place) -> Place:
        """Makes the folder under the id that stands, and notes where it is."""
        made = await self._files.make_folder(place.title, folder_id=place.ref)
        whole = replace(place, title=made.name, link=made.link)
        now = time.time()

        def note(connection: Connection) -> None:
            places.forget(connection, place)
            places.keep(connection, whole, now=now)

        if whole != place:
            await self._services.write(note)
        return whole

    async def _start_anew(self) -> None:
        """Drops a folder that takes no files, and the ids that were meant for it."""
        name, keeper, tried = self._wish.name, self.keeper, self._tried

        def drop(connection: Connection) -> None:
            known = places.find(connection, keeper, FOLDER, name)
            if known is not None and known.ref == tried:
                places.forget(connection, known)

        await self._services.write(drop)
        await self._progress.note(refeita=True, ids={})
        self.folder, self._wish = None, FolderWish(name, self._wish.title)


class FilingWork:
    """Handles jobs of the kinds `arquivar` and `documentos`."""

    def __init__(self, services: Services, clock: Callable[[], float]) -> None:
        """Takes what it works with.

        Args:
            services: the database and the keepers.
            clock: UTC seconds.
        """
        self._services, self._clock = services, clock

    async def file(self, mine: Job) -> Done:
        """Files what a lawyer named, and says where it is.

        Raises:
            GatewayError: it could not be done now.
        """
        wish = FolderWish.from_facts(mine.facts["pasta"])
        filed = await file_documents(
            self._services, mine, folder=wish, media_ids=mine.facts["anexos"]
        )
        text = _told(filed)

        def tell(connection: Connection) -> None:
            if mine.inbox_id is not None and text:
                notices.say_afterwards(
                    connection, mine.inbox_id, text, now=self._clock()
                )

        return Done(_result(filed), tell)

    async def documents(self, mine: Job) -> Done:
        """Files what a client sent into the client's folder; nobody is told.

        Raises:
            GatewayError: it could not be done now.
        """
        client_id = str(mine.conversation_id)
        found = await self._services.read(
            lambda c: clients.every_client(c, conversation_id=client_id)
        )
        if not found:
            return Done()
        title = client_title(found[0].name, found[0].number_end)
        filed = await file_documents(
            self._services,
            mine,
            folder=FolderWish(client_key(client_id), title),
            media_ids=mine.facts["anexos"],
        )
        return Done(_result(filed))


def _described(file: Attachment, zone: ZoneInfo) -> tuple[str, str, datetime]:
    sent_at = datetime.fromtimestamp(file.sent_at, zone)
    return file.original_name, file.media_type, sent_at


def _result(filed: Filed) -> dict[str, Any]:
    return {
        "pasta": filed.folder.id if filed.folder else "",
        "arquivos": [each.id for each in filed.stored],
    }


def _told(filed: Filed) -> str:
    """Returns what the lawyer reads afterwards."""
    lines = []
    if filed.folder:
        names = joined([each.name for each in filed.stored])
        where = f"na pasta *{filed.folder.name}*"
        if filed.keeper != GOOGLE:
            where += ", no computador do escritório"
        lines.append(f"Guardei {names} {where}: {filed.folder.link}")
    for name, status in filed.left_out:
        lines.append(f"Não guardei {name}: {_WHY.get(status, _LOST)}.")
    return "\n".join(lines)

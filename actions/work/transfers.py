"""Brings to Google what was kept on this machine before it was connected.

Nothing is taken away here: a copy stays on the disk. What was brought is noted, so that
a second time only the rest is offered.
"""

from __future__ import annotations

import hashlib
import mimetypes
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from sqlalchemy.engine import Connection

from actions.gateways.local_files import LocalFiles, Shelf
from actions.gateways.local_sheets import LocalSpreadsheets
from actions.jobs import Done
from actions.keepers import GOOGLE, LOCAL
from actions.services import Services
from actions.work.progress import Progress
from bot.core.ports import Feature, Folder, GatewayError, Spreadsheet, Trouble
from bot.store import appointments, jobs, places, registers
from bot.store.effects import CALENDAR_WORK
from bot.store.jobs import Job
from bot.store.places import FILE, FOLDER, SHEET, Place

BRING_FILE, BRING_SHEET = "levar_arquivo", "levar_planilha"
"""Kinds of jobs."""
_PREFIX = "transferencia"
_ATTEMPT_S = 60.0
"""A long spreadsheet is brought in several attempts of this length."""
_MADE_SOON_S = 1.0
_ANY_TYPE = "application/octet-stream"


class Transfers:
    """Offers what is only here, and begins to bring it."""

    def __init__(
        self, services: Services, clock: Callable[[], float] = time.time
    ) -> None:
        """Takes what it works with.

        Args:
            services: the database and the keepers.
            clock: UTC seconds.
        """
        self._services, self._clock = services, clock

    async def waiting(self) -> Mapping[str, int]:
        """Returns how much could be brought, by what was permitted."""
        return {
            "events": len(await self._events()),
            "files": len(await self._files()),
            "sheets": len(await self._sheets()),
        }

    async def begin(self) -> Mapping[str, int]:
        """Adds a job for each; those that wait already are not added again."""
        events = [(CALENDAR_WORK, key, {"evento": key}) for key in await self._events()]
        files = [
            (
                BRING_FILE,
                _key_of(shelf.folder, name),
                {"pasta": shelf.folder.id, "nome": name},
            )
            for shelf, name in await self._files()
        ]
        sheets = [
            (BRING_SHEET, each.id, {"planilha": each.id})
            for each in await self._sheets()
        ]
        now = self._clock()

        def add(connection: Connection) -> None:
            for kind, ref, facts in (*events, *files, *sheets):
                prefix = f"{_PREFIX}:{kind}:{_short(ref)}:"
                count = jobs.count_ended(connection, prefix=prefix)
                jobs.add(
                    connection, key=f"{prefix}{count}", kind=kind, facts=facts, now=now
                )

        await self._services.write(add)
        return {"events": len(events), "files": len(files), "sheets": len(sheets)}

    async def _events(self) -> list[str]:
        if not (await self._services.keepers.status()).uses(Feature.EVENTS):
            return []
        now = self._clock()
        return await self._services.read(
            lambda c: appointments.events_outside(c, keeper=GOOGLE, now=now)
        )

    async def _files(self) -> list[tuple[Shelf, str]]:
        local = self._services.keepers.local.files
        if not await self._may_files() or not isinstance(local, LocalFiles):
            return []
        brought = await self._brought(FILE)
        return [
            (shelf, name)
            for shelf in await local.everything()
            for name in shelf.names
            if _key_of(shelf.folder, name) not in brought
        ]

    async def _sheets(self) -> list[Spreadsheet]:
        local = self._services.keepers.local.sheets
        if not await self._may_files() or not isinstance(local, LocalSpreadsheets):
            return []
        brought = await self._brought(SHEET)
        found = await local.everything()
        return [each for each in found if f"{LOCAL}:{each.id}" not in brought]

    async def _may_files(self) -> bool:
        return (await self._services.keepers.status()).uses(Feature.FILES)

    async def _brought(self, kind: str) -> set[str]:
        found = await self._services.read(lambda c: places.every(c, GOOGLE, kind))
        return {each.name for each in found}


class TransferWork:
    """Handles jobs of the kinds `levar_arquivo` and `levar_planilha`."""

    def __init__(self, services: Services, clock: Callable[[], float]) -> None:
        """Takes what it works with.

        Args:
            services: the database and the keepers.
            clock: UTC seconds.
        """
        self._services, self._clock = services, clock

    async def file(self, mine: Job) -> Done:
        """Puts one file of this machine into the same folder at Google.

        Raises:
            GatewayError: it could not be done now.
        """
        folder_id, name = str(mine.facts["pasta"]), str(mine.facts["nome"])
        shelf = await self._shelf(folder_id)
        if shelf is None or name not in shelf.names:
            return Done({"sumiu": name})  # somebody tidied up meanwhile
        progress = Progress(self._services, mine)
        google = self._services.keepers.google.files
        folder = await self._folder(shelf.folder)
        file_id = progress.get("id")
        if file_id is None:
            file_id = await google.new_id()
            await progress.note(id=file_id)
        path = Path(shelf.folder.link) / name
        media_type = mimetypes.guess_type(name)[0] or _ANY_TYPE
        stored = await google.store(folder.ref, name, path, media_type, file_id=file_id)
        place = Place(
            GOOGLE,
            FILE,
            _key_of(shelf.folder, name),
            stored.id,
            stored.name,
            stored.link,
        )
        now = self._clock()
        return Done({"id": stored.id}, lambda c: places.keep(c, place, now=now))

    async def sheet(self, mine: Job) -> Done:
        """Writes a spreadsheet of this machine at Google, row by row.

        Raises:
            GatewayError: it could not be done now, or takes another attempt.
        """
        sheet_id = str(mine.facts["planilha"])
        keepers = self._services.keepers
        local = keepers.local.sheets
        if not isinstance(local, LocalSpreadsheets):
            raise GatewayError(Trouble.REFUSED, "there are no spreadsheets here")
        rows = await local.rows(sheet_id)
        target = await self._target(local, sheet_id)
        progress = Progress(self._services, mine)
        began = time.monotonic()
        for number, (key, row) in enumerate(_keyed(sheet_id, rows)):
            if number < int(progress.get("linhas") or 0):
                continue
            await keepers.google.sheets.append(target.ref, row, key=key)
            await progress.note(linhas=number + 1)
            if time.monotonic() - began > _ATTEMPT_S:
                raise GatewayError(Trouble.LATER, "more rows to come", wait_s=0)
        place = replace(target, name=f"{LOCAL}:{sheet_id}")
        now = self._clock()
        return Done({"id": target.ref}, lambda c: places.keep(c, place, now=now))

    async def _shelf(self, folder_id: str) -> Shelf | None:
        local = self._services.keepers.local.files
        if not isinstance(local, LocalFiles):
            return None
        found = (each for each in await local.everything())
        return next((each for each in found if each.folder.id == folder_id), None)

    async def _folder(self, local: Folder) -> Place:
        """Returns the folder at Google that stands for one of this machine.

        Its id stands before it is made, so that files that are brought side by side
        come into the same one.
        """
        google = self._services.keepers.google.files
        known = await self._services.read(lambda c: places.every(c, LOCAL, FOLDER))
        names = [each.name for each in known if each.ref == local.id]
        name = names[0] if names else f"{LOCAL}:{local.id}"
        place = await self._services.read(
            lambda c: places.find(c, GOOGLE, FOLDER, name)
        )
        now = self._clock()
        if place is None:
            wanted = Place(GOOGLE, FOLDER, name, await google.new_id(), local.name, "")
            place = await self._services.write(
                lambda c: places.keep(c, wanted, now=now)
            )
        if not place.link:
            made = await google.make_folder(place.title, folder_id=place.ref)
            whole = replace(place, title=made.name, link=made.link)

            def note(connection: Connection) -> None:
                places.forget(connection, place)
                for each in names or [name]:
                    places.keep(connection, replace(whole, name=each), now=now)

            await self._services.write(note)
            return whole
        return place

    async def _target(self, local: LocalSpreadsheets, sheet_id: str) -> Place:
        """Returns the spreadsheet at Google that the rows go to."""
        known = await self._services.read(lambda c: places.every(c, LOCAL, SHEET))
        name = next((each.name for each in known if each.ref == sheet_id), "")
        if name in {registers.CONTACTS, registers.LAWSUITS}:
            return await self._register(name)
        title = next(
            (each.title for each in await local.everything() if each.id == sheet_id),
            sheet_id,
        )
        made = await self._services.keepers.google.sheets.create(
            title, await local.headers(sheet_id), key=f"{_PREFIX}:{sheet_id}"
        )
        return Place(GOOGLE, SHEET, "", made.id, made.title, made.link)

    async def _register(self, name: str) -> Place:
        place = await self._services.read(lambda c: places.find(c, GOOGLE, SHEET, name))
        if place is None:
            now = self._clock()
            await self._services.write(
                lambda c: registers.ensure(c, GOOGLE, name, now=now)
            )
            raise GatewayError(
                Trouble.LATER, "the register is being made", wait_s=_MADE_SOON_S
            )
        return place


def _keyed(
    sheet_id: str, rows: list[dict[str, str]]
) -> list[tuple[str, dict[str, str]]]:
    """Returns rows with keys that stay theirs when somebody sorts the sheet."""
    seen: Counter[str] = Counter()
    keyed = []
    for row in rows:
        told = "\x1f".join(f"{name}={value}" for name, value in sorted(row.items()))
        digest = _short(told)
        seen[digest] += 1
        keyed.append((f"{_PREFIX}:{_short(sheet_id)}:{digest}:{seen[digest]}", row))
    return keyed


def _key_of(folder: Folder, name: str) -> str:
    return f"{LOCAL}:{_short(f'{folder.id}/{name}')}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]

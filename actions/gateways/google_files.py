"""Folders and files in Google Drive, of those that this application itself made.

Each is made under an id that Drive gave out before, so that whoever makes it again is
told so (409) and takes what is there. No id is kept in store: it belongs to the account
that asked for it, and the office may be connected with another by the time it is used.

A person's bin is respected. A file that somebody binned was put there, and is not put
there again; a folder that somebody binned takes no more files, as they would vanish
with it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httplib2
from googleapiclient.errors import Error as ClientError
from googleapiclient.errors import HttpError
from googleapiclient.http import HttpRequest, MediaFileUpload

from actions.gateways.google_calls import GoogleCalls, GoogleRefusal
from bot.core.file_names import file_name, folder_name
from bot.core.ports import Feature, Folder, GatewayError, StoredFile, Trouble

OURS = {"origem": "assistente"}
"""`appProperties` of all that is made here; no other application sees them."""
ANY_DRIVE = {"supportsAllDrives": True}
"""People may move what we made into a drive that they share."""
CHUNK_BYTES = 8 * 256 * 1024
"""Of an upload at a time; Drive wants a multiple of 256 KiB."""
_FOLDER_TYPE = "application/vnd.google-apps.folder"
_FIELDS = "id,name,webViewLink,trashed"
_PAGE = 1000
_TAKEN = 409
_ID = re.compile(r"[\w-]+", re.ASCII)
_REFUSALS = 400
_GONE = frozenset({404, 410})
Execute = Callable[[HttpRequest, httplib2.Http], Any]


class GoogleFiles:
    """Keeps folders and files in the Drive of whoever connected the office."""

    def __init__(self, calls: GoogleCalls) -> None:
        """Keeps them there; nothing is called yet."""
        self._calls = calls

    async def new_id(self) -> str:
        """Returns an id for a folder or file to come.

        Raises:
            GatewayError: Drive gave none.
        """
        answer = await self._drive(
            lambda files: files.generateIds(count=1, space="drive", type="files")
        )
        return str(answer["ids"][0])

    async def folders(self, parent: str | None = None) -> list[Folder]:
        """Returns our folders at the root of the Drive or in another, by name.

        Raises:
            GatewayError: they could not be read.
        """
        query = (
            f"{quoted(parent or 'root')} in parents and trashed = false "
            f"and mimeType = {quoted(_FOLDER_TYPE)}"
        )
        found: list[Folder] = []
        page: str | None = ""
        while page is not None:
            answer = await self._drive(_listing(query, page))
            found += [_folder(each) for each in answer.get("files", ())]
            page = answer.get("nextPageToken")
        return sorted(found, key=lambda each: (each.name.lower(), each.id))

    async def make_folder(
        self, name: str, *, folder_id: str, parent: str | None = None
    ) -> Folder:
        """Makes a folder under an id of `new_id`.

        Raises:
            GatewayError: it could not be made; `REFUSED` for no such parent, or a
                parent that somebody binned.
        """
        body = _body(folder_id, folder_name(name), parent or "root", _FOLDER_TYPE)

        def create(files: Any) -> Any:
            return files.create(body=body, fields=_FIELDS, **ANY_DRIVE)

        return _folder(await self._put(create, body))

    async def store(
        self, folder_id: str, name: str, path: Path, media_type: str, *, file_id: str
    ) -> StoredFile:
        """Uploads a copy of a file into a folder, under an id of `new_id`.

        Raises:
            GatewayError: it could not be put there; `REFUSED` for no such folder or
                file, or a folder that somebody binned.
        """
        if not await asyncio.to_thread(path.is_file):
            raise GatewayError(Trouble.REFUSED, "no file to copy")
        body = _body(file_id, file_name(name), folder_id, media_type)

        def create(files: Any) -> Any:
            media = MediaFileUpload(
                str(path), mimetype=media_type, chunksize=CHUNK_BYTES, resumable=True
            )
            return files.create(
                body=body, media_body=media, fields=_FIELDS, **ANY_DRIVE
            )

        made = await self._put(create, body, execute=_in_chunks)
        return StoredFile(made["id"], made["name"], made["webViewLink"])

    async def _put(
        self,
        create: Callable[[Any], Any],
        body: dict[str, Any],
        *,
        execute: Execute | None = None,
    ) -> Any:
        """Makes something, or takes what is there under its id."""
        [parent] = body["parents"]
        check_id(parent)
        if parent != "root" and (await self._get(parent))["trashed"]:
            return await self._get(body["id"])  # refused, where it never was made
        try:
            return await self._drive(create, execute=execute)
        except GoogleRefusal as error:
            if error.status != _TAKEN:
                raise
        return await self._get(body["id"])

    async def _get(self, file_id: str) -> Any:
        return await self._drive(
            lambda files: files.get(fileId=file_id, fields=_FIELDS, **ANY_DRIVE)
        )

    async def _drive(
        self, request: Callable[[Any], Any], *, execute: Execute | None = None
    ) -> Any:
        return await self._calls.run(
            Feature.FILES, "drive", lambda api: request(api.files()), execute=execute
        )


def check_id(given: str) -> None:
    """Refuses what would mean something else in an address.

    Raises:
        GatewayError: `REFUSED`.
    """
    if not _ID.fullmatch(given):
        raise GatewayError(Trouble.REFUSED, "no id of Drive's")


def quoted(text: str) -> str:
    r"""Returns a text as Drive's search language has it.

    >>> print(quoted("D'Ávila"))
    'D\'Ávila'
    """
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _listing(query: str, page: str) -> Callable[[Any], Any]:
    more = {"pageToken": page} if page else {}
    return lambda files: files.list(
        q=query,
        pageSize=_PAGE,
        fields=f"nextPageToken,files({_FIELDS})",
        includeItemsFromAllDrives=True,
        **ANY_DRIVE,
        **more,
    )


def _body(file_id: str, name: str, parent: str, media_type: str) -> dict[str, Any]:
    return {
        "id": file_id,
        "name": name,
        "parents": [parent],
        "mimeType": media_type,
        "appProperties": OURS,
    }


def _folder(found: dict[str, Any]) -> Folder:
    return Folder(found["id"], found["name"], found["webViewLink"])


def _in_chunks(request: HttpRequest, http: httplib2.Http) -> Any:
    """Sends an upload; one that breaks is begun anew by whoever tries again.

    An upload whose beginning leads nowhere, or that Google forgot half-way, says
    nothing against the file; a folder that is gone is found out at the next attempt:
    https://developers.google.com/workspace/drive/api/guides/manage-uploads
    """
    answer = None
    try:
        while answer is None:
            _, answer = request.next_chunk(http=http)
    except HttpError as error:
        if error.resp.status < _REFUSALS or error.resp.status in _GONE:
            raise ClientError("an upload that leads nowhere") from error
        raise
    return answer

"""Files of the fake Google: folders, searches, uploads, who may see what."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.google_discovery import Call
from tests.fakes.google_events import Mail
from tests.fakes.google_faults import Problem, forbidden
from tests.fakes.google_files import (
    FOLDER,
    LINKS,
    NATIVE,
    ROLES,
    SHORT,
    SPREADSHEET,
    WRITABLE,
    File,
    new_id,
    permission_of,
    short,
)
from tests.fakes.google_query import parse
from tests.fakes.google_times import rfc3339
from tests.fakes.google_uploads import Progress, Uploads


@dataclass
class Drive:
    """Every account's files."""

    clock: Callable[[], float]
    mails: list[Mail] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)
    uploads: Uploads = field(default_factory=Uploads)
    generated: set[str] = field(default_factory=set)
    """Ids that were given out and may be used."""
    used: set[str] = field(default_factory=set)
    """Ids of all files there ever were."""
    on_spreadsheet: Callable[[File], object] = lambda _: None
    """Told of spreadsheets that are made here."""

    def handlers(self) -> dict[str, Callable[[Call], Any]]:
        """Returns what answers each method."""
        return {
            "drive.files.generateIds": self.generate_ids,
            "drive.files.create": self.create,
            "drive.files.get": self.get,
            "drive.files.list": self.list_files,
            "drive.files.update": self.update,
            "drive.files.delete": self.delete,
            "drive.permissions.create": self.share,
            "drive.permissions.list": self.list_permissions,
            "drive.permissions.delete": self.unshare,
            "drive.about.get": self.describe,
        }

    # -- What people do

    def root_of(self, owner: str) -> str:
        """Returns the id of an account's root folder."""
        return f"0A{owner.encode().hex()[:17]}PVA"

    def put(self, owner: str, **metadata: Any) -> File:
        """Makes a file as a person does, unseen by `drive.file` clients."""
        return self.add(metadata, owner, "")

    def live(self, mime_type: str = "") -> list[File]:
        """Returns the files outside the bin, in order of creation."""
        return [
            file
            for file in self.files.values()
            if not self.is_binned(file) and mime_type in {"", file.metadata["mimeType"]}
        ]

    def is_binned(self, file: File) -> bool:
        """Returns whether it, or a folder that it is in, is in the bin."""
        parents = (self.files.get(each) for each in file.metadata["parents"])
        above = any(self.is_binned(each) for each in parents if each is not None)
        return bool(file.metadata["trashed"]) or above

    # -- Files

    def generate_ids(self, call: Call) -> dict[str, Any]:
        """Answers `files.generateIds`."""
        ids = [new_id() for _ in range(call.number("count", 10))]
        self.generated.update(ids)
        space = call.get("space", "drive")
        return {"kind": "drive#generatedIds", "space": space, "ids": ids}

    def create(self, call: Call) -> dict[str, Any] | Progress:
        """Answers `files.create`, with or without content."""
        upload = self.uploads.receive(call)
        if isinstance(upload, Progress):
            return upload
        metadata, content, content_type = upload
        self._check_new(call, metadata)
        self._check_parents(call, metadata.get("parents", []))
        if content_type:
            metadata = {"mimeType": content_type, **metadata}
        file = self.add(metadata, call.owner, call.client_id, content)
        if file.metadata["mimeType"] == SPREADSHEET:
            self.on_spreadsheet(file)
        return self._shown(call, file)

    def _check_new(self, call: Call, metadata: Mapping[str, Any]) -> None:
        given = metadata.get("id")
        if given is None:
            return
        if given in self.used:
            message = "A file already exists with the provided ID."
            raise Problem(409, "fileIdInUse", message)
        mime_type = metadata.get("mimeType", "")
        if mime_type.startswith(NATIVE) and mime_type != FOLDER:
            message = "Generated IDs are not supported for Google Docs formats."
            raise Problem(400, "invalid", message)
        if given not in self.generated:
            message = "The provided file ID is not usable."
            raise Problem(400, "invalid", message, location="file.id")

    def _check_parents(self, call: Call, parents: list[str]) -> None:
        if len(parents) > 1:
            message = "A file cannot have more than one parent."
            raise Problem(400, "invalid", message)
        for parent in parents:
            if parent not in {"root", self.root_of(call.owner)}:
                self._file(call, parent)

    def add(
        self, metadata: Mapping[str, Any], owner: str, client: str, content: bytes = b""
    ) -> File:
        """Stores a file, whoever makes it."""
        now = rfc3339(self.clock())
        root = self.root_of(owner)
        parents = [root if each == "root" else each for each in _parents(metadata)]
        stored = {
            "kind": "drive#file",
            "id": metadata.get("id") or new_id(),
            "name": metadata.get("name", "Untitled"),
            "mimeType": metadata.get("mimeType", "application/octet-stream"),
            "createdTime": now,
            "modifiedTime": now,
            "starred": False,
            "trashed": False,
            **{k: copy.deepcopy(v) for k, v in metadata.items() if k in WRITABLE},
            "parents": parents or [root],
        }
        file = File(stored, owner, client, content)
        file.permissions.append(permission_of("owner", "user", owner))
        self.files[file.id] = file
        self.used.add(file.id)
        return file

    def get(self, call: Call) -> dict[str, Any] | bytes:
        """Answers `files.get`, or with `alt=media` the content."""
        file = self._file(call, call.path["fileId"])
        if call.get("alt") != "media":
            return self._shown(call, file)
        if file.metadata["mimeType"].startswith(NATIVE):
            message = "Only files with binary content can be downloaded. Use Export."
            raise Problem(403, "fileNotDownloadable", message, location="alt")
        return file.content

    def list_files(self, call: Call) -> dict[str, Any]:
        """Answers `files.list`, newest first unless `orderBy` says otherwise."""
        test = parse(call.get("q"))
        found = [
            file
            for file in reversed(self.files.values())
            if self._is_visible(call, file) and test(self._searched(call, file))
        ]
        for key in reversed(call.get("orderBy").split(",")):
            name, _, direction = key.strip().partition(" ")
            if name:
                found.sort(
                    key=lambda file: str(file.metadata.get(name, "")),
                    reverse=direction == "desc",
                )
        start, size = int(call.get("pageToken", "0")), call.number("pageSize", 100)
        page: dict[str, Any] = {
            "kind": "drive#fileList",
            "incompleteSearch": False,
            "files": [self._shown(call, file) for file in found[start : start + size]],
        }
        if start + size < len(found):
            page["nextPageToken"] = str(start + size)
        return page

    def _searched(self, call: Call, file: File) -> dict[str, Any]:
        described = self._described(call, file)
        if self.root_of(call.owner) in described["parents"]:
            described["parents"].append("root")
        return described

    def update(self, call: Call) -> dict[str, Any] | Progress:
        """Answers `files.update`."""
        file = self._file(call, call.path["fileId"])
        if file.role_of(call.owner) in {"reader", "commenter"}:
            raise forbidden("insufficientFilePermissions")
        upload = self.uploads.receive(call)
        if isinstance(upload, Progress):
            return upload
        metadata, content, content_type = upload
        for name in metadata:
            if name not in WRITABLE:
                message = "The resource body includes fields which are not directly "
                raise Problem(403, "fieldNotWritable", f"{message}writable: {name}.")
        self._move(call, file)
        for name in ("appProperties", "properties"):
            merged = {**file.metadata.get(name, {}), **metadata.get(name, {})}
            if name in metadata:
                metadata[name] = {k: v for k, v in merged.items() if v is not None}
        file.metadata |= {"modifiedTime": rfc3339(self.clock()), **metadata}
        if content_type:
            file.content = content
            file.metadata["mimeType"] = metadata.get("mimeType", content_type)
        return self._shown(call, file)

    def _move(self, call: Call, file: File) -> None:
        added = [each for each in call.get("addParents").split(",") if each]
        removed = call.get("removeParents").split(",")
        self._check_parents(call, added)
        if added or any(removed):
            kept = [each for each in file.metadata["parents"] if each not in removed]
            file.metadata["parents"] = (added or kept)[-1:]

    def delete(self, call: Call) -> None:
        """Answers `files.delete`: the file and what is in it are gone, unbinned."""
        file = self._file(call, call.path["fileId"])
        if file.role_of(call.owner) != "owner":
            raise forbidden("insufficientFilePermissions")
        self.drop(file.id)

    def drop(self, file_id: str) -> None:
        """Removes a file, and what is in it."""
        self.files.pop(file_id, None)
        for child in list(self.files.values()):
            if file_id in child.metadata["parents"]:
                self.drop(child.id)

    # -- Who may see what

    def is_visible(self, call: Call, file_id: str) -> bool:
        """Returns whether a call may see a file."""
        return file_id in self.files and self._is_visible(call, self.files[file_id])

    def _is_visible(self, call: Call, file: File) -> bool:
        is_ours = call.client_id == file.made_by or call.client_id in file.opened_by
        needs_ours = call.holds_only("drive.file")
        return bool(file.role_of(call.owner)) and (is_ours or not needs_ours)

    def _file(self, call: Call, file_id: str) -> File:
        if not self.is_visible(call, file_id):
            message = f"File not found: {file_id}."
            raise Problem(404, "notFound", message, location="fileId")
        return self.files[file_id]

    def share(self, call: Call) -> dict[str, Any]:
        """Answers `permissions.create`; mails the person unless told not to."""
        file = self._file(call, call.path["fileId"])
        if file.role_of(call.owner) not in {"owner", "writer"}:
            raise forbidden("insufficientFilePermissions")
        role, kind = call.body.get("role"), call.body.get("type")
        email = call.body.get("emailAddress", "")
        if role not in ROLES or kind not in {"user", "group", "domain", "anyone"}:
            raise Problem(400, "badRequest", "The permission role or type is invalid.")
        if kind in {"user", "group"} and "@" not in email:
            message = "The specified emailAddress is invalid or not applicable"
            raise Problem(400, "invalidSharingRequest", message)
        if role == "owner" and not call.flag("transferOwnership"):
            message = "The transferOwnership parameter must be enabled"
            raise Problem(403, "forbidden", message, location="transferOwnership")
        permission = permission_of(role, kind, email)
        file.permissions = [
            each for each in file.permissions if each["id"] != permission["id"]
        ] + [permission]
        if email and call.flag("sendNotificationEmail", default=True):
            self.mails.append(Mail(email, file.id, "share"))
        return permission if call.get("fields") else short(permission)

    def list_permissions(self, call: Call) -> dict[str, Any]:
        """Answers `permissions.list`."""
        file = self._file(call, call.path["fileId"])
        shown = file.permissions if call.get("fields") else map(short, file.permissions)
        return {"kind": "drive#permissionList", "permissions": list(shown)}

    def unshare(self, call: Call) -> None:
        """Answers `permissions.delete`."""
        file = self._file(call, call.path["fileId"])
        kept = [p for p in file.permissions if p["id"] != call.path["permissionId"]]
        if len(kept) == len(file.permissions):
            message = f"Permission not found: {call.path['permissionId']}."
            raise Problem(404, "notFound", message, location="permissionId")
        file.permissions = kept

    def describe(self, call: Call) -> dict[str, Any]:
        """Answers `about.get`."""
        if not call.get("fields"):
            message = "The 'fields' parameter is required for this method."
            raise Problem(400, "required", message, location="fields")
        user = {"kind": "drive#user", "me": True, "emailAddress": call.owner}
        return {"kind": "drive#about", "user": user}

    def _described(self, call: Call, file: File) -> dict[str, Any]:
        mime_type, role = file.metadata["mimeType"], file.role_of(call.owner)
        link = LINKS.get(mime_type, LINKS[""]).format(id=file.id)
        described = {
            **copy.deepcopy(file.metadata),
            "webViewLink": link,
            "trashed": self.is_binned(file),
            "explicitlyTrashed": file.metadata["trashed"],
            "ownedByMe": role == "owner",
            "isAppAuthorized": call.client_id == file.made_by,
            "shared": len(file.permissions) > 1,
            "owners": [{"kind": "drive#user", "emailAddress": file.owner}],
            "permissions": copy.deepcopy(file.permissions),
        }
        if not mime_type.startswith(NATIVE):
            described["size"] = str(len(file.content))
        return described

    def _shown(self, call: Call, file: File) -> dict[str, Any]:
        described = self._described(call, file)
        return described if call.get("fields") else short(described, SHORT)


def _parents(metadata: Mapping[str, Any]) -> list[str]:
    return list(metadata.get("parents", ()))

"""What files of the fake Drive are, and which of their fields may be written."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FOLDER = "application/vnd.google-apps.folder"


SPREADSHEET = "application/vnd.google-apps.spreadsheet"


NATIVE = "application/vnd.google-apps."


SHORT = ("kind", "id", "name", "mimeType")


_SHORT_PERMISSION = ("kind", "id", "type", "role")


WRITABLE = {
    "name",
    "mimeType",
    "description",
    "appProperties",
    "properties",
    "starred",
    "trashed",
    "writersCanShare",
    "copyRequiresWriterPermission",
    "folderColorRgb",
    "createdTime",
    "modifiedTime",
}


ROLES = {"owner", "organizer", "fileOrganizer", "writer", "commenter", "reader"}


LINKS = {
    FOLDER: "https://drive.google.com/drive/folders/{id}",
    SPREADSHEET: "https://docs.google.com/spreadsheets/d/{id}/edit?usp=drivesdk",
    "": "https://drive.google.com/file/d/{id}/view?usp=drivesdk",
}


@dataclass
class File:
    """A file or folder, its metadata and its bytes."""

    metadata: dict[str, Any]
    owner: str
    made_by: str
    """Client that made it, or "" for a person."""
    content: bytes = b""
    permissions: list[dict[str, Any]] = field(default_factory=list)
    opened_by: set[str] = field(default_factory=set)
    """Clients that the picker has given it to."""

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.metadata["id"])

    def role_of(self, account: str) -> str:
        """Returns what an account may do with it, or ""."""
        if account == self.owner:
            return "owner"
        for permission in self.permissions:
            is_anyone = permission["type"] == "anyone"
            if is_anyone or permission.get("emailAddress") == account:
                return str(permission["role"])
        return ""


def short(
    whole: Mapping[str, Any], names: tuple[str, ...] = _SHORT_PERMISSION
) -> dict[str, Any]:
    """Returns what an answer holds when no `fields` are asked for."""
    return {name: whole[name] for name in names}


def permission_of(role: str, kind: str, email: str) -> dict[str, Any]:
    """Returns a permission; a person has the same id on every file."""
    number = str(int.from_bytes(email.encode(), "big"))[:20].zfill(20)
    permission = {"kind": "drive#permission", "type": kind, "role": role}
    permission["id"] = "anyoneWithLink" if kind == "anyone" else number
    return permission | ({"emailAddress": email} if email else {})


def new_id() -> str:
    """Returns an id as Drive makes them."""
    return f"1{secrets.token_urlsafe(24)}"

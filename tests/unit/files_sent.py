"""Files that somebody sent, as the channel leaves them: rows, and bytes on the disk."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.core.settings import ROOT
from bot.store import attachments
from bot.store.database import writing
from bot.store.schema import inbox, media
from tests.unit.desk import NOW, Desk

PDF, PHOTO = "application/pdf", "image/jpeg"


def sends(
    desk: Desk,
    phone: str,
    *files: str | tuple[str, str],
    when: datetime = NOW,
    status: str = "guardado",
    name: str = "",
) -> list[str]:
    """Lets somebody send files in one message; returns their ids.

    Args:
        desk: the office.
        phone: whose.
        files: names, or name and media type; "" for none, as with photos.
        when: they came.
        status: of each.
        name: of whoever sends them.
    """
    talk_id = desk.writes(phone, "", name, when=when.timestamp())
    inbox_id = desk.newest(talk_id)
    ids = []
    with writing(desk.engine) as connection:
        connection.execute(
            sa.update(inbox).where(inbox.c.id == inbox_id).values(kind="document")
        )
        for ordinal, each in enumerate(files):
            title, kind = each if isinstance(each, tuple) else (each, PDF)
            row = _row(inbox_id, ordinal, title, kind, status)
            connection.execute(sa.insert(media).values(**row))
            ids.append(row["id"])
            if status == "guardado":
                _keeps(desk, row["stored_id"], title)
    return ids


def arrives(desk: Desk, media_id: str, *, status: str = "guardado") -> None:
    """Lets the bytes of a pending file be here, or not."""
    stored_id = uuid.uuid4().hex
    values = (
        {"status": status, "stored_id": stored_id}
        if status == "guardado"
        else {"status": status}
    )
    with writing(desk.engine) as connection:
        connection.execute(
            sa.update(media).where(media.c.id == media_id).values(**values)
        )
    _keeps(desk, stored_id, media_id)


def _row(
    inbox_id: int | None, ordinal: int, title: str, kind: str, status: str
) -> dict[str, Any]:
    is_here = status in {"guardado", "recusado"}
    media_id = uuid.uuid4().hex
    return {
        "id": media_id,
        "inbox_id": inbox_id,
        "ordinal": ordinal,
        "account_sid": "AC",
        "message_sid": f"MM{inbox_id}",
        "url": f"https://api.twilio.com/Media/ME{media_id}",
        "declared_type": kind,
        "status": status,
        "stored_id": uuid.uuid4().hex if is_here else None,
        "media_type": kind if is_here else None,
        "original_name": title,
        "created_at": NOW.timestamp(),
    }


def _keeps(desk: Desk, stored_id: str, words: str) -> None:
    path = attachments.path_of(ROOT / desk.services.settings.media_dir, stored_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(f"%PDF- {words}".encode())

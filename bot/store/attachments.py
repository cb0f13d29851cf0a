"""Attachments as they are filed: what somebody sent lately, where the bytes are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.store.media import KEPT, PENDING
from bot.store.schema import inbox, media, transcript
from bot.store.transcripts import HEARD

_QUOTED = "OriginalRepliedMessageSid"
"""Field of a message that answers another by WhatsApp's own quote."""
_FORWARDED = ("Forwarded", "FrequentlyForwarded")
"""Fields of a message that somebody else wrote first."""


@dataclass(frozen=True)
class Attachment:
    """A file that somebody sent."""

    id: str
    inbox_id: int
    status: str
    """`pendente`, `guardado`, `recusado`, `grande` or `falhou`."""
    media_type: str
    """Read from the bytes once they are here, else as the sender's side said."""
    original_name: str
    """As the sender named it; "" where nobody did, as with photos."""
    stored_id: str
    """Names the bytes under the folder of attachments; "" until they are here."""
    sent_at: float
    """UTC seconds."""
    is_words: bool = False
    """A voice note of the sender's own that was heard: what it says was the message,
    and it came as no file."""


def path_of(folder: Path, stored_id: str) -> Path:
    """Returns where the bytes of an attachment are, below the attachments' folder."""
    return folder / stored_id[:2] / stored_id


def by_ids(connection: Connection, ids: Sequence[str]) -> list[Attachment]:
    """Returns attachments in the order of their ids; unknown ones are left out."""
    found = {each.id: each for each in _listed(connection, media.c.id.in_(list(ids)))}
    return [found[each] for each in dict.fromkeys(ids) if each in found]


def recent(
    connection: Connection, conversation_id: str, *, since: float
) -> list[Attachment]:
    """Returns what somebody sent since then and is here or on its way, oldest first.

    Args:
        connection: any.
        conversation_id: whose.
        since: UTC seconds.
    """
    return _listed(
        connection,
        inbox.c.conversation_id == conversation_id,
        inbox.c.received_at >= since,
        media.c.status.in_((KEPT, PENDING)),
    )


def quoted_by(connection: Connection, inbox_id: int) -> list[Attachment]:
    """Returns the attachments of the message that another one quotes."""
    query = sa.select(inbox.c.conversation_id, inbox.c.payload)
    row = connection.execute(query.where(inbox.c.id == inbox_id)).first()
    sid = (row.payload or {}).get(_QUOTED) if row else None
    if row is None or not sid:
        return []
    return _listed(
        connection,
        inbox.c.conversation_id == row.conversation_id,
        inbox.c.message_sid == sid,
        media.c.status.in_((KEPT, PENDING)),
    )


def sent_in(connection: Connection, conversation_id: str) -> list[Attachment]:
    """Returns all that somebody ever sent, oldest first."""
    return _listed(connection, inbox.c.conversation_id == conversation_id)


def _listed(
    connection: Connection, *conditions: sa.ColumnElement[bool]
) -> list[Attachment]:
    query = (
        sa.select(
            media,
            inbox.c.received_at,
            inbox.c.payload,
            transcript.c.status.label("hearing"),
        )
        .join(inbox, inbox.c.id == media.c.inbox_id)
        .outerjoin(transcript, transcript.c.media_id == media.c.id)
        .where(*conditions)
        .order_by(media.c.inbox_id, media.c.ordinal)
    )
    return [_attachment(row) for row in connection.execute(query)]


def _attachment(row: Any) -> Attachment:
    return Attachment(
        id=row.id,
        inbox_id=row.inbox_id,
        status=row.status,
        media_type=row.media_type or row.declared_type,
        original_name=row.original_name,
        stored_id=row.stored_id or "",
        sent_at=row.received_at,
        is_words=row.hearing == HEARD and not _is_forwarded(row.payload),
    )


def _is_forwarded(payload: Any) -> bool:
    return "true" in {(payload or {}).get(name) for name in _FORWARDED}

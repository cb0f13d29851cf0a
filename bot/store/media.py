"""Attachments of messages: what is to be fetched, what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.store.schema import (
    INBOX_OPEN,
    has_status,
    inbox,
    media,
)

PENDING, KEPT, REFUSED, TOO_LARGE, FAILED, DELETED = (
    "pendente", "guardado", "recusado", "grande", "falhou", "apagado",
)  # fmt: skip
HERE = "api:"
"""Address of what came with its message: nothing is fetched, and nothing deleted."""


@dataclass(frozen=True)
class Wanted:
    """An attachment that is to be fetched now."""

    id: str
    inbox_id: int
    account_sid: str
    message_sid: str
    url: str
    attempt: int
    """1 for the first."""


@dataclass(frozen=True)
class Attached:
    """An attachment as a turn sees it."""

    id: str
    status: str
    """`pendente`, `guardado`, `recusado`, `grande`, `falhou` or `apagado`."""
    media_type: str
    """Read from the bytes once they are here, else as the sender's side said."""
    original_name: str


@dataclass(frozen=True)
class Kept:
    """Where the bytes are, and what they are."""

    stored_id: str
    media_type: str
    size_bytes: int
    sha256: str
    original_name: str


def claim(connection: Connection, *, now: float, lease_s: float) -> Wanted | None:
    """Takes the attachment that has waited longest; no other takes it for a while.

    Args:
        connection: inside a writing transaction.
        now: UTC seconds.
        lease_s: after so many seconds it is free again, should this process die.
    """
    due = sa.and_(has_status(media, PENDING), media.c.next_at <= now)
    row = connection.execute(
        sa.select(media).where(due).order_by(media.c.next_at, media.c.id).limit(1)
    ).first()
    if row is None:
        return None
    taken = connection.execute(
        sa.update(media).where(media.c.id == row.id, due).values(next_at=now + lease_s)
    )
    if taken.rowcount != 1:
        return None
    return Wanted(
        id=row.id,
        inbox_id=row.inbox_id,
        account_sid=row.account_sid,
        message_sid=row.message_sid,
        url=row.url,
        attempt=row.attempts + 1,
    )


def is_any_due(connection: Connection, *, now: float) -> bool:
    """Says whether `claim` may find something; it only reads."""
    due = sa.and_(has_status(media, PENDING), media.c.next_at <= now)
    return (
        connection.execute(sa.select(media.c.id).where(due).limit(1)).first()
        is not None
    )


def find(connection: Connection, message_sid: str, media_sid: str) -> Kept | None:
    """Returns an attachment whose bytes are here, by the provider's ids."""
    row = connection.execute(
        sa.select(media).where(
            _named(message_sid, media_sid), media.c.stored_id.is_not(None)
        )
    ).first()
    if row is None:
        return None
    return Kept(
        stored_id=row.stored_id,
        media_type=row.media_type,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        original_name=row.original_name,
    )


def keep(
    connection: Connection, message_sid: str, media_sid: str, kept: Kept, *, now: float
) -> None:
    """Notes that the bytes are here, unless they were before.

    A type that is served to nobody ends `recusado`, its bytes kept all the same.
    """
    connection.execute(
        sa.update(media)
        .where(_named(message_sid, media_sid), has_status(media, PENDING))
        .values(
            status=REFUSED if kept.media_type == REFUSED else KEPT,
            stored_id=kept.stored_id,
            media_type=kept.media_type,
            size_bytes=kept.size_bytes,
            sha256=kept.sha256,
            original_name=kept.original_name[:200],
            fetched_at=now,
            error=None,
        )
    )


def _named(message_sid: str, media_sid: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        media.c.message_sid == message_sid,
        media.c.url.like(f"%/Media/{media_sid}"),
    )


def postpone(connection: Connection, media_id: str, *, at: float, error: str) -> None:
    """The attachment could not be had now; it is tried again from `at` on.

    Only this counts as an attempt: a process that was killed says nothing of Twilio.
    """
    connection.execute(
        sa.update(media)
        .where(media.c.id == media_id, media.c.status == PENDING)
        .values(next_at=at, error=error[:40], attempts=media.c.attempts + 1)
    )


def give_up(connection: Connection, media_id: str, *, status: str, error: str) -> bool:
    """The attachment will not be here; False where that was known already."""
    changed = connection.execute(
        sa.update(media)
        .where(media.c.id == media_id, media.c.status == PENDING)
        .values(status=status, error=error[:40])
    )
    return bool(changed.rowcount)


def is_answered(connection: Connection, inbox_id: int) -> bool:
    """Says whether a message's turn is over."""
    status = connection.execute(
        sa.select(inbox.c.status).where(inbox.c.id == inbox_id)
    ).scalar_one()
    return status not in INBOX_OPEN


def attached_to(
    connection: Connection, inbox_ids: Iterable[int]
) -> tuple[Attached, ...]:
    """Returns the attachments of messages, in their order."""
    rows = connection.execute(
        sa.select(media)
        .where(media.c.inbox_id.in_(list(inbox_ids)))
        .order_by(media.c.inbox_id, media.c.ordinal)
    )
    return tuple(
        Attached(
            id=row.id,
            status=row.status,
            media_type=row.media_type or row.declared_type,
            original_name=row.original_name,
        )
        for row in rows
    )


def to_delete_at_twilio(connection: Connection, *, limit: int) -> list[Wanted]:
    """Returns attachments that are kept here, or were, and are still at Twilio."""
    rows = connection.execute(
        sa.select(media)
        .where(
            media.c.status.in_((KEPT, REFUSED, DELETED)),
            media.c.deleted_at_twilio_at.is_(None),
            media.c.url != HERE,
        )
        .order_by(media.c.fetched_at)
        .limit(limit)
    )
    return [
        Wanted(r.id, r.inbox_id, r.account_sid, r.message_sid, r.url, r.attempts)
        for r in rows
    ]


def mark_deleted_at_twilio(
    connection: Connection, media_id: str, *, now: float
) -> None:
    """The attachment is no longer at Twilio."""
    connection.execute(
        sa.update(media).where(media.c.id == media_id).values(deleted_at_twilio_at=now)
    )


def known_files(connection: Connection) -> set[str]:
    """Returns the ids of all files that a row stands for."""
    query = sa.select(media.c.stored_id).where(media.c.stored_id.is_not(None))
    return set(connection.execute(query).scalars())

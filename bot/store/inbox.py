"""Messages in: accepted once, and read back with their answer."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.store.database import insert_or_ignore
from bot.store.schema import INBOX_OPEN, conversation, has_status, inbox, outbox

_LONGEST_NAME = 200


@dataclass(frozen=True)
class InboundMessage:
    """A message as a channel accepted it."""

    message_sid: str
    """The provider's id; with the account it names the message for ever."""
    account_sid: str
    address: str
    """Who wrote, as `whatsapp:+5511987654321`; never rewritten."""
    text: str
    source: str
    """`whatsapp` or `api`."""
    recipient: str = ""
    """Our own address that was written to."""
    kind: str = "text"
    """`text`, `audio`, `image`, `document`, `location`, `contact`, ..."""
    display_name: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)
    """The provider's fields, all of them."""


@dataclass(frozen=True)
class Accepted:
    """Where an inbound message stands."""

    inbox_id: int
    conversation_id: str
    is_new: bool
    """False for a repeated delivery, which changes nothing."""


@dataclass(frozen=True)
class Answer:
    """A finished turn, as its asker reads it."""

    status: str
    """`done`, or `dead` where the turn failed and an apology was said."""
    texts: tuple[str, ...]
    flow: str
    confidence: float
    answered_by: str
    profile: str


def accept(connection: Connection, message: InboundMessage, *, now: float) -> Accepted:
    """Stores a message once; call it inside a writing transaction.

    Args:
        connection: inside a writing transaction.
        message: what arrived.
        now: UTC seconds, becomes `received_at`.
    """
    conversation_id = _locked_conversation(connection, message, now=now)
    inserted = connection.execute(
        insert_or_ignore(connection, inbox).values(
            account_sid=message.account_sid,
            message_sid=message.message_sid,
            conversation_id=conversation_id,
            source=message.source,
            recipient=message.recipient,
            kind=message.kind,
            text=message.text,
            payload=dict(message.payload),
            received_at=now,
        )
    )
    row = connection.execute(
        sa.select(inbox.c.id, inbox.c.conversation_id).where(
            inbox.c.account_sid == message.account_sid,
            inbox.c.message_sid == message.message_sid,
        )
    ).one()
    accepted = Accepted(row.id, row.conversation_id, is_new=inserted.rowcount == 1)
    if accepted.is_new:
        _note_message(connection, conversation_id, message, now=now)
    return accepted


def _locked_conversation(
    connection: Connection, message: InboundMessage, *, now: float
) -> str:
    """Returns the conversation's id, and holds its row until the commit.

    Messages of one conversation thus get their ids in the order of the commits; a
    smaller id that became visible later would be answered beside its follower.
    """
    connection.execute(
        insert_or_ignore(connection, conversation).values(
            id=uuid.uuid4().hex, address=message.address, created_at=now
        )
    )
    mine = sa.select(conversation.c.id).where(conversation.c.address == message.address)
    return str(connection.execute(mine.with_for_update(key_share=True)).scalar_one())


def _note_message(
    connection: Connection, conversation_id: str, message: InboundMessage, *, now: float
) -> None:
    values: dict[str, Any] = {"last_inbound_at": now}
    name = message.display_name.strip()[:_LONGEST_NAME]
    if name:
        values["display_name"] = name
    mine = conversation.c.id == conversation_id
    connection.execute(sa.update(conversation).where(mine).values(**values))


def answer_to(connection: Connection, inbox_id: int) -> Answer | None:
    """Returns the answer to a message, or None while its turn is open."""
    row = connection.execute(sa.select(inbox).where(inbox.c.id == inbox_id)).one()
    if row.status in INBOX_OPEN:
        return None
    texts = connection.execute(
        sa.select(outbox.c.body)
        .where(outbox.c.inbox_id == inbox_id, outbox.c.status != "revoked")
        .order_by(outbox.c.ordinal)
    ).scalars()
    return Answer(
        status=row.status,
        texts=tuple(texts),
        flow=row.flow or "",
        confidence=row.confidence or 0.0,
        answered_by=row.answered_by or "",
        profile=row.profile or "",
    )


def open_count(connection: Connection) -> tuple[int, float | None]:
    """Returns how many messages wait and when the oldest came (UTC seconds)."""
    row = connection.execute(
        sa.select(sa.func.count(), sa.func.min(inbox.c.received_at)).where(
            has_status(inbox, *INBOX_OPEN)
        )
    ).one()
    return int(row[0]), row[1]

"""Messages in: accepted once, and read back with their answer."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.store import identity, limits, transcripts
from bot.store.database import insert_or_ignore
from bot.store.media import KEPT, PENDING, Kept
from bot.store.schema import (
    INBOX_OPEN,
    conversation,
    has_status,
    inbox,
    media,
    outbox,
)

Rules = limits.Rules
_LONGEST_NAME = 200
_LONGEST_TYPE = 120
WINDOW_S = 24 * 60 * 60
"""WhatsApp takes free text for so long after the person's last message."""


@dataclass(frozen=True)
class Attachment:
    """A file of a message: still at the provider, or here already."""

    url: str
    """`bot.store.media.HERE` where there is no provider to ask."""
    declared_type: str = ""
    """As the provider names it; what it is, its bytes say."""
    kept: Kept | None = None
    """Its bytes, where they came with the message."""


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
    attachments: tuple[Attachment, ...] = ()
    external_id: str = ""
    """The sender's business-scoped id, as `whatsapp:BR.1A2B3C`, if a signed message
    names it."""
    sent_at: float | None = None
    """The provider's time (UTC seconds) of a message that was fetched later."""


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


def accept(
    connection: Connection,
    message: InboundMessage,
    *,
    now: float,
    rules: Rules | None = None,
) -> Accepted:
    """Stores a message once; call it inside a writing transaction.

    Args:
        connection: inside a writing transaction.
        message: what arrived.
        now: UTC seconds; `received_at` unless the message says when it was sent.
        rules: limits, and how long attachments are waited for; None for neither.
    """
    talk = identity.lock_conversation(
        connection, address=message.address, external_id=message.external_id, now=now
    )
    received_at = now if message.sent_at is None else message.sent_at
    inserted = connection.execute(
        insert_or_ignore(connection, inbox).values(
            account_sid=message.account_sid,
            message_sid=message.message_sid,
            conversation_id=talk.id,
            source=message.source,
            recipient=message.recipient,
            sender=message.address,
            kind=message.kind,
            text=message.text,
            payload=dict(message.payload),
            received_at=received_at,
            sent_at=message.sent_at,
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
        _keep_attachments(connection, accepted.inbox_id, message, now=now)
        _note_message(connection, talk, message, received_at=received_at)
        identity.note_alias(
            connection,
            talk,
            address=message.address,
            external_id=message.external_id,
            now=now,
        )
        if message.source == "whatsapp" and now - received_at < WINDOW_S:
            _let_waiting_answers_go(connection, talk.id, now=now)
        if rules is not None:
            _schedule(connection, talk, accepted.inbox_id, message, rules, now=now)
    return accepted


def is_accepted(connection: Connection, account_sid: str, message_sid: str) -> bool:
    """Says whether a message is stored."""
    query = sa.select(inbox.c.id).where(
        inbox.c.account_sid == account_sid, inbox.c.message_sid == message_sid
    )
    return connection.execute(query).first() is not None


def release_attachments(
    connection: Connection, conversation_id: str, *, now: float
) -> None:
    """Lets messages that wait for their files be answered now.

    Those that failed before, or wait because of a limit, keep their time.
    """
    has_files = sa.exists().where(media.c.inbox_id == inbox.c.id)
    is_listening = transcripts.waiting([inbox.c.id]).exists()
    connection.execute(
        sa.update(inbox)
        .where(
            inbox.c.conversation_id == conversation_id,
            has_status(inbox, "new"),
            inbox.c.next_at > now,
            inbox.c.error.is_(None),
            has_files,
            ~is_listening,
        )
        .values(next_at=now)
    )


def _schedule(
    connection: Connection,
    talk: Any,
    inbox_id: int,
    message: InboundMessage,
    rules: Rules,
    *,
    now: float,
) -> None:
    """Says when the message is answered: at once, with its files, in its turn."""
    at: float | None = now
    if message.source == "whatsapp":
        at = limits.admit(connection, talk, inbox_id=inbox_id, rules=rules, now=now)
    if at is None:
        return
    if message.attachments:
        is_fetched = all(each.kept for each in message.attachments)
        wait_s = 0.0 if is_fetched else rules.media_wait_s
        if _is_to_be_heard(connection, inbox_id, message, rules, now=now):
            wait_s = max(wait_s, rules.speech_wait_s)
        at = max(at, now + wait_s)
    else:
        release_attachments(connection, talk.id, now=now)
    mine = inbox.c.id == inbox_id
    connection.execute(sa.update(inbox).where(mine).values(next_at=at))


def _is_to_be_heard(
    connection: Connection,
    inbox_id: int,
    message: InboundMessage,
    rules: Rules,
    *,
    now: float,
) -> bool:
    """Queues the voice notes of a message; False where it has none, or all are full."""
    if message.kind != "audio" or not rules.speech_wait_s:
        return False
    note_id = connection.execute(
        sa.select(media.c.id)
        .where(media.c.inbox_id == inbox_id)
        .order_by(media.c.ordinal)
        .limit(1)
    ).scalar()
    return note_id is not None and transcripts.expect(
        connection, note_id, inbox_id, queue=rules.speech_queue, now=now
    )


def _keep_attachments(
    connection: Connection, inbox_id: int, message: InboundMessage, *, now: float
) -> None:
    for ordinal, attachment in enumerate(message.attachments):
        connection.execute(
            sa.insert(media).values(
                id=uuid.uuid4().hex,
                inbox_id=inbox_id,
                ordinal=ordinal,
                account_sid=message.account_sid,
                message_sid=message.message_sid,
                url=attachment.url,
                declared_type=attachment.declared_type[:_LONGEST_TYPE],
                created_at=now,
                **_columns_of(attachment.kept, now=now),
            )
        )


def _columns_of(kept: Kept | None, *, now: float) -> dict[str, Any]:
    if kept is None:
        return {"status": PENDING}
    return {
        "status": KEPT,
        "stored_id": kept.stored_id,
        "media_type": kept.media_type,
        "size_bytes": kept.size_bytes,
        "sha256": kept.sha256,
        "original_name": kept.original_name[:_LONGEST_NAME],
        "fetched_at": now,
    }


def _note_message(
    connection: Connection, talk: Any, message: InboundMessage, *, received_at: float
) -> None:
    values: dict[str, Any] = {
        "last_inbound_at": max(talk.last_inbound_at or received_at, received_at)
    }
    name = message.display_name.strip()[:_LONGEST_NAME]
    if name:
        values["display_name"] = name
    mine = conversation.c.id == talk.id
    connection.execute(sa.update(conversation).where(mine).values(**values))


def _let_waiting_answers_go(
    connection: Connection, conversation_id: str, *, now: float
) -> None:
    connection.execute(
        sa.update(outbox)
        .where(
            outbox.c.conversation_id == conversation_id, has_status(outbox, "waiting")
        )
        .values(status="new", next_at=now)
    )


def opt_out(connection: Connection, conversation_id: str, now: float) -> None:
    """Keeps that somebody wants no messages that answer nothing.

    Args:
        connection: inside a writing transaction.
        conversation_id: who asked.
        now: UTC seconds; a second wish leaves the time of the first.
    """
    connection.execute(
        sa.update(conversation)
        .where(
            conversation.c.id == conversation_id,
            conversation.c.opted_out_at.is_(None),
        )
        .values(opted_out_at=now)
    )


def is_opted_out(connection: Connection, conversation_id: str) -> bool:
    """Says whether somebody wants no messages that answer nothing."""
    mine = conversation.c.id == conversation_id
    query = sa.select(conversation.c.opted_out_at).where(mine)
    return connection.execute(query).scalar() is not None


def opt_in(connection: Connection, conversation_id: str) -> None:
    """Keeps that somebody wants reminders again."""
    mine = conversation.c.id == conversation_id
    connection.execute(sa.update(conversation).where(mine).values(opted_out_at=None))


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

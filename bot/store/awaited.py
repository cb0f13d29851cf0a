"""Messages that somebody is being answered just now."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.store import transcripts
from bot.store.schema import INBOX_OPEN, conversation, has_status, inbox, outbox

_ROBOT = "robo"
_MOST = 20
_ORDINAL = -2
"""Of the notice among a message's answers, which count from 0."""
_IS_ROBOTS = (
    has_status(inbox, *INBOX_OPEN),
    inbox.c.source == "whatsapp",
    conversation.c.owner == _ROBOT,
)
_IS_ANSWERED_NOW = inbox.c.status == "leased"
_IS_HEARD_NOW = sa.and_(
    inbox.c.status == "new", transcripts.waiting([inbox.c.id]).exists()
)


@dataclass(frozen=True)
class AwaitedMessage:
    """A message whose turn is under way."""

    inbox_id: int
    account_sid: str
    message_sid: str


def without_typing(
    connection: Connection, *, received_before: float
) -> list[AwaitedMessage]:
    """Returns who the robot keeps waiting and has not shown "typing…" to.

    Args:
        connection: only reads.
        received_before: UTC seconds.
    """
    query = (
        sa.select(inbox.c.id, inbox.c.account_sid, inbox.c.message_sid)
        .select_from(
            inbox.join(conversation, conversation.c.id == inbox.c.conversation_id)
        )
        .where(
            *_IS_ROBOTS,
            sa.or_(_IS_ANSWERED_NOW, _IS_HEARD_NOW),
            inbox.c.typing_at.is_(None),
            inbox.c.received_at < received_before,
            conversation.c.muted_until <= received_before,
        )
        .order_by(inbox.c.id)
        .limit(_MOST)
    )
    return [AwaitedMessage(*row) for row in connection.execute(query)]


def answered_long(*, lease_ends_before: float, now: float) -> sa.ColumnElement[bool]:
    """Returns the condition of a turn that takes long.

    Args:
        lease_ends_before: UTC seconds; turns whose lease ends earlier take long.
        now: UTC seconds.
    """
    return sa.and_(
        _IS_ANSWERED_NOW,
        inbox.c.lease_until < lease_ends_before,
        inbox.c.lease_until >= now,
    )


def heard_long(*, received_before: float) -> sa.ColumnElement[bool]:
    """Returns the condition of a voice note that came earlier and is not heard yet."""
    return sa.and_(_IS_HEARD_NOW, inbox.c.received_at < received_before)


def say_once(
    connection: Connection, *, text: str, long: sa.ColumnElement[bool], now: float
) -> int:
    """Says something to whoever has waited long; returns to how many.

    In the writing transaction, so that it can never follow the answer: whoever
    commits the turn changes the same row of the inbox. Once a message, however often
    its turn is tried.

    Args:
        connection: inside a writing transaction.
        text: what is said.
        long: `answered_long` or `heard_long`.
        now: UTC seconds.
    """
    is_told = sa.select(outbox.c.id).where(
        outbox.c.inbox_id == inbox.c.id, outbox.c.ordinal == _ORDINAL
    )
    query = (
        sa.select(inbox.c.id, inbox.c.conversation_id, conversation.c.turn_token)
        .select_from(
            inbox.join(conversation, conversation.c.id == inbox.c.conversation_id)
        )
        .where(
            *_IS_ROBOTS,
            long,
            conversation.c.muted_until <= now,
            ~is_told.exists(),
        )
        .order_by(inbox.c.id)
        .limit(_MOST)
        .with_for_update(of=inbox)
    )
    told = connection.execute(query).all()
    for row in told:
        connection.execute(
            sa.insert(outbox).values(
                inbox_id=row.id,
                ordinal=_ORDINAL,
                conversation_id=row.conversation_id,
                body=text,
                answered_by="regra",
                turn_token=row.turn_token,
                token=uuid.uuid4().hex,
                purpose="aviso",
                created_at=now,
            )
        )
    return len(told)


def is_anybody_waiting(connection: Connection, *, long: sa.ColumnElement[bool]) -> bool:
    """Says whether `say_once` may find somebody; it only reads."""
    query = (
        sa.select(inbox.c.id)
        .select_from(
            inbox.join(conversation, conversation.c.id == inbox.c.conversation_id)
        )
        .where(*_IS_ROBOTS, long)
    )
    return connection.execute(query.limit(1)).first() is not None


def mark_typing(connection: Connection, inbox_id: int, *, now: float) -> bool:
    """Notes that "typing…" is shown; False if somebody did, or it is answered."""
    changed = connection.execute(
        sa.update(inbox)
        .where(
            inbox.c.id == inbox_id,
            inbox.c.typing_at.is_(None),
            sa.or_(_IS_ANSWERED_NOW, _IS_HEARD_NOW),
        )
        .values(typing_at=now)
    )
    return bool(changed.rowcount == 1)

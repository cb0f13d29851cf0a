"""Messages that somebody is being answered just now."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.store.schema import INBOX_OPEN, conversation, has_status, inbox

_ROBOT = "robo"
_MOST = 20


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
            has_status(inbox, *INBOX_OPEN),
            inbox.c.status == "leased",
            inbox.c.source == "whatsapp",
            inbox.c.typing_at.is_(None),
            inbox.c.received_at < received_before,
            conversation.c.owner == _ROBOT,
            conversation.c.muted_until <= received_before,
        )
        .order_by(inbox.c.id)
        .limit(_MOST)
    )
    return [AwaitedMessage(*row) for row in connection.execute(query)]


def mark_typing(connection: Connection, inbox_id: int, *, now: float) -> bool:
    """Notes that "typing…" is shown; False if somebody did, or it is answered."""
    changed = connection.execute(
        sa.update(inbox)
        .where(
            inbox.c.id == inbox_id,
            inbox.c.typing_at.is_(None),
            inbox.c.status == "leased",
        )
        .values(typing_at=now)
    )
    return bool(changed.rowcount == 1)

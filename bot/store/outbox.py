"""Messages out: claimed in order, sent, and followed by status callbacks."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.store.database import for_update_skip_locked
from bot.store.schema import OUTBOX_OPEN, conversation, has_status, inbox, outbox

_RANK = {
    "new": 0,
    "sending": 1,
    "unknown": 1,
    "sent": 2,
    "failed": 3,
    "delivered": 4,
    "read": 5,
}
"""A row's status only ever moves to a higher rank; `failed` after `delivered` is
a late message of the provider and is ignored."""

_PROVIDER_STATUS = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "undelivered": "failed",
    "failed": "failed",
}


@dataclass(frozen=True)
class ClaimedAnswer:
    """A message that this process must send now."""

    id: int
    token: str
    """Names the row in the provider's status callbacks."""
    body: str
    to_address: str
    from_address: str
    account_sid: str
    attempt: int


def claim(connection: Connection, *, now: float) -> ClaimedAnswer | None:
    """Marks the oldest message whose conversation has none before it `sending`.

    An answer of the robot whose conversation changed hands meanwhile is marked
    `revoked` instead and never leaves.
    """
    while True:
        waiting = outbox.alias("waiting")
        first_of_each = (
            sa.select(sa.func.min(waiting.c.id))
            .where(has_status(waiting, *OUTBOX_OPEN))
            .group_by(waiting.c.conversation_id)
        )
        is_due = sa.and_(outbox.c.status == "new", outbox.c.next_at <= now)
        query = (
            sa.select(outbox)
            .where(outbox.c.id.in_(first_of_each), is_due)
            .order_by(outbox.c.id)
            .limit(1)
        )
        row = connection.execute(for_update_skip_locked(connection, query)).first()
        if row is None:
            return None
        talk = connection.execute(
            sa.select(conversation).where(conversation.c.id == row.conversation_id)
        ).one()
        mine = sa.update(outbox).where(outbox.c.id == row.id)
        if talk.turn_token != row.turn_token:
            connection.execute(mine.values(status="revoked"))
            continue
        connection.execute(
            mine.values(status="sending", started_at=now, attempts=row.attempts + 1)
        )
        asked = connection.execute(
            sa.select(inbox).where(inbox.c.id == row.inbox_id)
        ).one()
        return ClaimedAnswer(
            id=row.id,
            token=row.token,
            body=row.body,
            to_address=talk.address,
            from_address=asked.recipient,
            account_sid=asked.account_sid,
            attempt=row.attempts + 1,
        )


def mark_sent(connection: Connection, answer_id: int, *, provider_sid: str) -> None:
    """The provider accepted the message under an id of its own."""
    connection.execute(
        sa.update(outbox)
        .where(outbox.c.id == answer_id, outbox.c.status.in_(("sending", "unknown")))
        .values(status="sent", provider_sid=provider_sid)
    )


def mark_again(connection: Connection, answer_id: int, *, at: float) -> None:
    """The provider did not take the message; it may be sent from `at` on."""
    connection.execute(
        sa.update(outbox)
        .where(outbox.c.id == answer_id, outbox.c.status == "sending")
        .values(status="new", next_at=at)
    )


def mark_ended(
    connection: Connection, answer_id: int, *, status: str, error_code: str
) -> None:
    """The message was refused (`failed`), or its fate is not known (`unknown`)."""
    connection.execute(
        sa.update(outbox)
        .where(outbox.c.id == answer_id, outbox.c.status == "sending")
        .values(status=status, error_code=error_code[:20])
    )


def strand_unfinished(connection: Connection, *, started_before: float) -> int:
    """Marks sends that a dead process left open `unknown`; returns how many.

    Whether the provider took them is not known, so they are never sent again
    blindly.
    """
    changed = connection.execute(
        sa.update(outbox)
        .where(outbox.c.status == "sending", outbox.c.started_at < started_before)
        .values(status="unknown", error_code="interrupted")
    )
    return int(changed.rowcount)


def follow(
    connection: Connection,
    *,
    token: str,
    provider_sid: str,
    status: str,
    error_code: str,
) -> bool:
    """Moves a row forward by a status callback; False if nothing changed.

    Args:
        connection: inside a writing transaction.
        token: the row's own token, or "" to find it by the provider's id.
        provider_sid: the provider's message id.
        status: the provider's word, as `delivered`; unknown words are ignored.
        error_code: the provider's error code, or "".
    """
    new_status = _PROVIDER_STATUS.get(status)
    found = outbox.c.token == token if token else outbox.c.provider_sid == provider_sid
    # held until the commit: of two callbacks at once, the later word must win
    query = sa.select(outbox).where(found).with_for_update()
    row = connection.execute(query).first()
    if row is None or new_status is None or row.status not in _RANK:
        return False
    if _RANK[new_status] <= _RANK[row.status]:
        return False
    connection.execute(
        sa.update(outbox)
        .where(outbox.c.id == row.id, outbox.c.status == row.status)
        .values(
            status=new_status,
            provider_sid=row.provider_sid or provider_sid,
            error_code=error_code[:20] or row.error_code,
        )
    )
    return True

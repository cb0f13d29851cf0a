"""Messages that we send of ourselves, after a turn or without one."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.store.schema import conversation, inbox, outbox


def say_afterwards(
    connection: Connection, inbox_id: int, text: str, *, now: float
) -> None:
    """Adds a message to a turn that is over, as a file failed after its answer."""
    asked = connection.execute(
        sa.select(inbox.c.conversation_id, inbox.c.merged_into).where(
            inbox.c.id == inbox_id
        )
    ).one()
    answered_id = asked.merged_into or inbox_id
    talk = connection.execute(
        sa.select(conversation.c.turn_token)
        .where(conversation.c.id == asked.conversation_id)
        .with_for_update()  # two files that fail at once: two ordinals
    ).one()
    last = connection.execute(
        sa.select(sa.func.max(outbox.c.ordinal)).where(outbox.c.inbox_id == answered_id)
    ).scalar_one()
    connection.execute(
        sa.insert(outbox).values(
            inbox_id=answered_id,
            ordinal=0 if last is None else last + 1,
            conversation_id=asked.conversation_id,
            body=text,
            answered_by="regra",
            turn_token=talk.turn_token,
            token=uuid.uuid4().hex,
            purpose="aviso",
            created_at=now,
        )
    )

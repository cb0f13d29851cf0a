"""Messages that did not come by webhook: what is known, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.store.database import insert_or_ignore
from bot.store.schema import channel_mark, inbox

_AT_ONCE = 500
"""Fewer than SQLite takes parameters in one statement."""


def numbers_written_to(
    connection: Connection, *, since: float
) -> dict[str, frozenset[str]]:
    """Returns our addresses that people wrote to since a moment, by account.

    Args:
        connection: any.
        since: UTC seconds.
    """
    query = (
        sa.select(inbox.c.account_sid, inbox.c.recipient)
        .where(inbox.c.source == "whatsapp", inbox.c.received_at >= since)
        .distinct()
    )
    found: dict[str, frozenset[str]] = {}
    for row in connection.execute(query):
        known = found.get(row.account_sid, frozenset())
        found[row.account_sid] = known | {row.recipient}
    return found


def missing(
    connection: Connection, account_sid: str, message_sids: Sequence[str]
) -> list[str]:
    """Returns those messages of an account that are not in the inbox, in order."""
    known: set[str] = set()
    for start in range(0, len(message_sids), _AT_ONCE):
        some = message_sids[start : start + _AT_ONCE]
        query = sa.select(inbox.c.message_sid).where(
            inbox.c.account_sid == account_sid, inbox.c.message_sid.in_(some)
        )
        known.update(connection.execute(query).scalars())
    return [sid for sid in message_sids if sid not in known]


def mark_of(connection: Connection, name: str) -> float | None:
    """Returns where a loop goes on from (UTC seconds), or None at its first time."""
    query = sa.select(channel_mark.c.at).where(channel_mark.c.name == name)
    at = connection.execute(query).scalar()
    return None if at is None else float(at)


def move_mark(connection: Connection, name: str, *, to: float) -> None:
    """Moves a mark forward, never back; inside a writing transaction."""
    connection.execute(
        insert_or_ignore(connection, channel_mark).values(name=name, at=to)
    )
    connection.execute(
        sa.update(channel_mark)
        .where(channel_mark.c.name == name, channel_mark.c.at < to)
        .values(at=to)
    )

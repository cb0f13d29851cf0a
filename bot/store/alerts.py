"""What whoever runs this should know, one row a cause."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.store.database import insert_or_ignore
from bot.store.schema import channel_alert

_LONGEST_CODE, _LONGEST_DETAIL = 40, 200


def raise_alert(
    connection: Connection, code: str, *, now: float, detail: str = ""
) -> None:
    """Counts one more occurrence of a cause.

    Args:
        connection: inside a writing transaction.
        code: the provider's error code, or a word of ours.
        now: UTC seconds.
        detail: what it is about, without anything of a person; "" keeps the last.
    """
    code = code[:_LONGEST_CODE]
    connection.execute(
        insert_or_ignore(connection, channel_alert).values(
            code=code, count=0, first_at=now, last_at=now
        )
    )
    values = {"detail": detail[:_LONGEST_DETAIL]} if detail else {}
    connection.execute(
        sa.update(channel_alert)
        .where(channel_alert.c.code == code)
        .values(count=channel_alert.c.count + 1, last_at=now, **values)
    )


def alerts_since(connection: Connection, since: float) -> list[str]:
    """Returns the causes that occurred since a time (UTC seconds), the latest first."""
    query = (
        sa.select(channel_alert.c.code)
        .where(channel_alert.c.last_at >= since)
        .order_by(channel_alert.c.last_at.desc())
    )
    return [str(code) for code in connection.execute(query).scalars()]


def clear_alerts(connection: Connection, *codes: str) -> None:
    """Forgets causes that are no more."""
    connection.execute(sa.delete(channel_alert).where(channel_alert.c.code.in_(codes)))

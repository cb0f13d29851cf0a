"""What a process says of a service that it alone watches, for all others to read."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.store.database import insert_or_ignore
from bot.store.schema import service_state

MODEL = "modelo"
"""The language model, as the action server sees it: a value of `ModelState`."""

WHISPER = "whisper"
"""Who hears voice notes, as the action server sees it: `ok` or `fora`."""


@dataclass(frozen=True)
class ServiceState:
    """How a service is doing, and since when."""

    state: str
    since_at: float
    """UTC seconds."""


def note(connection: Connection, name: str, state: str, *, now: float) -> None:
    """Keeps a state; the time stays where it has not changed."""
    added = connection.execute(
        insert_or_ignore(connection, service_state).values(
            name=name, state=state, since_at=now
        )
    )
    if not added.rowcount:
        connection.execute(
            sa.update(service_state)
            .where(service_state.c.name == name, service_state.c.state != state)
            .values(state=state, since_at=now)
        )


def state_of(connection: Connection, name: str) -> ServiceState | None:
    """Returns what was noted last; None if nothing ever was."""
    query = sa.select(service_state).where(service_state.c.name == name)
    row = connection.execute(query).first()
    return None if row is None else ServiceState(row.state, row.since_at)

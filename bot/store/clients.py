"""Everybody who ever wrote, by the names that they are known under."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.core.names import Profile
from bot.core.phones import address_of, same_person_numbers
from bot.store.schema import conversation, person, request


@dataclass(frozen=True)
class Client:
    """Somebody who has a conversation with the office."""

    conversation_id: str
    names: tuple[str, ...]
    """In the directory, on WhatsApp, as told to a flow; the best first, maybe none."""
    number_end: str
    """Last four digits of the number."""

    @property
    def name(self) -> str:
        """The name that the office uses, or ""."""
        return self.names[0] if self.names else ""


def every_client(
    connection: Connection, *, conversation_id: str | None = None
) -> list[Client]:
    """Returns who wrote, the latest first, without the office's lawyers.

    Args:
        connection: any.
        conversation_id: of one alone; None for all.
    """
    known = {
        address_of(number): (row.name, row.profile)
        for row in connection.execute(sa.select(person))
        for number in same_person_numbers(row.phone)
    }
    told = _told(connection)
    query = sa.select(conversation).order_by(conversation.c.last_inbound_at.desc())
    if conversation_id is not None:
        query = query.where(conversation.c.id == conversation_id)
    found = []
    for row in connection.execute(query):
        name, profile = known.get(row.address, ("", ""))
        if profile == Profile.LAWYER.value:
            continue
        names = dict.fromkeys((name, row.display_name, told.get(row.id, "")))
        found.append(Client(row.id, tuple(filter(None, names)), row.address[-4:]))
    return found


def _told(connection: Connection) -> dict[str, str]:
    """Returns, by conversation, the name that was told to a flow last."""
    rows = connection.execute(
        sa.select(request.c.conversation_id, request.c.facts)
        .where(request.c.kind.in_(("agendar_consulta", "relatar_caso")))
        .order_by(request.c.id)
    )
    return {
        row.conversation_id: str(row.facts["nome"])
        for row in rows
        if row.facts.get("nome")
    }

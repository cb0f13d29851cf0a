"""What lawyers ask about: requests, new contacts, conversations by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.core.phones import address_of, same_person_numbers
from bot.store import people
from bot.store.schema import conversation, handoff, inbox, request


@dataclass(frozen=True)
class StoredRequest:
    """Something that a flow collected."""

    id: int
    conversation_id: str
    kind: str
    facts: Mapping[str, Any]
    created_at: float
    """UTC seconds."""


@dataclass(frozen=True)
class Contact:
    """Somebody who wrote, as the office sees them."""

    conversation_id: str
    name: str
    """Name of the directory, else of WhatsApp, else the end of the number."""
    waits_because: str
    """Reason of an open handoff, or ""."""
    is_urgent: bool


def requests_of(
    connection: Connection, conversation_id: str, *, kinds: tuple[str, ...]
) -> list[StoredRequest]:
    """Returns a conversation's requests of some kinds, newest first."""
    query = sa.select(request).where(
        request.c.conversation_id == conversation_id, request.c.kind.in_(kinds)
    )
    rows = connection.execute(query.order_by(request.c.id.desc()))
    return [_stored(row) for row in rows]


def recent_requests(
    connection: Connection, *, kinds: tuple[str, ...], most: int
) -> list[StoredRequest]:
    """Returns open requests of all conversations, newest first."""
    query = (
        sa.select(request)
        .where(request.c.kind.in_(kinds), request.c.status == "aberto")
        .order_by(request.c.id.desc())
        .limit(most)
    )
    return [_stored(row) for row in connection.execute(query)]


def new_contacts(connection: Connection, *, since: float, most: int) -> list[Contact]:
    """Returns who wrote since a moment (UTC seconds), the urgent ones first."""
    query = (
        sa.select(conversation)
        .where(conversation.c.last_inbound_at >= since)
        .order_by(conversation.c.last_inbound_at.desc())
    )
    found = [_contact(connection, row) for row in connection.execute(query).all()]
    found.sort(key=lambda item: (not item.is_urgent, not item.waits_because))
    return found[:most]


def conversations_named(connection: Connection, name: str) -> list[Contact]:
    """Returns the conversations of whoever has that name, in directory or WhatsApp.

    Only those that fit best: "Ana" means Ana before Mariana.
    """
    known = {
        address_of(number): person.name
        for person in people.find_by_name(connection, name)
        for number in same_person_numbers(person.phone)
    }
    query = sa.select(conversation).order_by(conversation.c.last_inbound_at.desc())
    fits = {}
    for row in connection.execute(query).all():
        names = (row.display_name, known.get(row.address, ""))
        fits[row] = max(people.closeness(each, name) for each in names)
    best = max(fits.values(), default=0)
    return [
        _contact(connection, row) for row, fit in fits.items() if fit and fit == best
    ]


def last_messages(
    connection: Connection, conversation_id: str, *, most: int
) -> list[str]:
    """Returns what a person wrote last, oldest first."""
    query = (
        sa.select(inbox.c.text)
        .where(inbox.c.conversation_id == conversation_id, inbox.c.text != "")
        .order_by(inbox.c.id.desc())
        .limit(most)
    )
    return [str(text) for text in connection.execute(query).scalars()][::-1]


def _stored(row: Any) -> StoredRequest:
    return StoredRequest(
        row.id, row.conversation_id, row.kind, row.facts, row.created_at
    )


def _contact(connection: Connection, row: Any) -> Contact:
    known = people.find_by_address(connection, row.address)
    waiting = connection.execute(
        sa.select(handoff).where(
            handoff.c.conversation_id == row.id, handoff.c.closed_at.is_(None)
        )
    ).first()
    return Contact(
        conversation_id=row.id,
        name=(known.name if known else row.display_name) or f"…{row.address[-4:]}",
        waits_because=waiting.reason if waiting else "",
        is_urgent=bool(waiting and waiting.is_urgent),
    )

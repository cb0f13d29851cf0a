"""What lawyers ask about: requests, new contacts, conversations by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.core.phones import address_of, phone_of, same_person_numbers
from bot.store import people
from bot.store.schema import conversation, handoff, inbox, request

_NAMING = ("agendar_consulta", "relatar_caso")
"""Flows that ask for a name."""


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
    """Name of the directory, of WhatsApp, as told to a flow, or the number's end."""
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
    """Returns the conversations of whoever has that name.

    In the directory, on WhatsApp, or as told to a flow. Only those that fit best:
    "Ana" means Ana before Mariana.
    """
    known = {
        address_of(number): person.name
        for person in people.find_by_name(connection, name)
        for number in same_person_numbers(person.phone)
    }
    told = _told_names(connection)
    query = sa.select(conversation).order_by(conversation.c.last_inbound_at.desc())
    fits = {}
    for row in connection.execute(query).all():
        names = (row.display_name, known.get(row.address, ""), told.get(row.id, ""))
        fits[row] = max(people.closeness(each, name) for each in names)
    best = max(fits.values(), default=0)
    return [
        _contact(connection, row) for row, fit in fits.items() if fit and fit == best
    ]


def contact(connection: Connection, conversation_id: str) -> Contact | None:
    """Returns a conversation as the office sees it, or None."""
    query = sa.select(conversation).where(conversation.c.id == conversation_id)
    row = connection.execute(query).first()
    return _contact(connection, row) if row else None


def phone_of_conversation(connection: Connection, conversation_id: str) -> str | None:
    """Returns the E.164 number that a conversation is with; None without one."""
    query = sa.select(conversation.c.address).where(
        conversation.c.id == conversation_id
    )
    address = connection.execute(query).scalar()
    return phone_of(str(address)) if address else None


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


def _told_names(
    connection: Connection, conversation_id: str | None = None
) -> dict[str, str]:
    """Returns, by conversation, the name that a person gave in a flow, the latest."""
    query = sa.select(request.c.conversation_id, request.c.facts).where(
        request.c.kind.in_(_NAMING)
    )
    if conversation_id is not None:
        query = query.where(request.c.conversation_id == conversation_id)
    rows = connection.execute(query.order_by(request.c.id))
    return {
        row.conversation_id: str(row.facts["nome"])
        for row in rows
        if row.facts.get("nome")
    }


def _contact(connection: Connection, row: Any) -> Contact:
    known = people.find_by_address(connection, row.address)
    names = [known.name if known else "", row.display_name]
    if not any(names):
        names += _told_names(connection, row.id).values()
    waiting = connection.execute(
        sa.select(handoff).where(
            handoff.c.conversation_id == row.id, handoff.c.closed_at.is_(None)
        )
    ).first()
    return Contact(
        conversation_id=row.id,
        name=next(filter(None, names), f"…{row.address[-4:]}"),
        waits_because=waiting.reason if waiting else "",
        is_urgent=bool(waiting and waiting.is_urgent),
    )

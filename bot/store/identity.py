"""Which conversation somebody's message belongs to.

A person may write under several addresses: a Brazilian mobile with and without
its ninth digit, and a business-scoped id (`whatsapp:BR.1A2B3C`) beside the number.
They are one conversation where a signed message, or the numbering plan, says so.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.core.phones import phone_of, same_person_addresses
from bot.store import effects, modes
from bot.store.database import insert_or_ignore
from bot.store.schema import (
    appointment,
    conversation,
    draft,
    handoff,
    inbox,
    job,
    outbox,
    request,
    usage,
)

_MOVED = (inbox, outbox, request, appointment, handoff, draft, job)
_NO_TOKEN = -1
"""A turn token that no conversation has: the answer is revoked."""


def lock_conversation(
    connection: Connection, *, address: str, external_id: str, now: float
) -> Any:
    """Returns the conversation's row, new if need be, held until the commit.

    Messages of one conversation thus get their ids in the order of the commits; a
    smaller id that became visible later would be answered beside its follower.

    Args:
        connection: inside a writing transaction.
        address: who wrote, as `whatsapp:+5511987654321` or `whatsapp:BR.1A2B3C`.
        external_id: the same person's business-scoped id, or "".
        now: UTC seconds, becomes `created_at`.
    """
    _hold_identity(connection, address, external_id)
    found = _candidates(connection, address, external_id)
    if not found:
        connection.execute(
            insert_or_ignore(connection, conversation).values(
                id=uuid.uuid4().hex, address=address, created_at=now
            )
        )
        found = _candidates(connection, address, external_id)
    return found[0]


def note_alias(
    connection: Connection, talk: Any, *, address: str, external_id: str, now: float
) -> None:
    """Keeps what a signed message says: this number and this id are one person.

    A conversation that began under the id alone takes the number as its address;
    where both have a conversation, the id's is moved into the number's.
    """
    if not external_id or phone_of(address) is None:
        return
    if talk.external_id == external_id and talk.address in same_person_addresses(
        address
    ):
        return
    for other in _candidates(connection, address, external_id):
        if other.id != talk.id and other.address == external_id:
            _merge(connection, other, into=talk, now=now)
    connection.execute(
        sa.update(conversation)
        .where(conversation.c.external_id == external_id, conversation.c.id != talk.id)
        .values(external_id=None)
    )
    values = {"external_id": external_id}
    if talk.address not in same_person_addresses(address):
        values["address"] = address
    mine = conversation.c.id == talk.id
    connection.execute(sa.update(conversation).where(mine).values(**values))


def _hold_identity(connection: Connection, address: str, external_id: str) -> None:
    """Lets one transaction at a time ask for, or create, these addresses' rows.

    No unique key spans a number's two forms. SQLite's only writer is alone anyway.
    """
    if connection.dialect.name == "sqlite":
        return
    names = {min(same_person_addresses(address)), external_id or address}
    for key in sorted(_lock_key(name) for name in names):
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))


def _lock_key(name: str) -> int:
    digest = hashlib.sha256(name.encode()).digest()
    key: int = int.from_bytes(digest[:8], "big", signed=True)
    return key


def _candidates(connection: Connection, address: str, external_id: str) -> list[Any]:
    """Returns the conversations that a person may have, the right one first."""
    addresses = same_person_addresses(address)
    alias = external_id or ("" if phone_of(address) else address)
    is_theirs: sa.ColumnElement[bool] = conversation.c.address.in_(
        {*addresses, alias} - {""}
    )
    if alias:
        is_theirs = sa.or_(is_theirs, conversation.c.external_id == alias)
    query = sa.select(conversation).where(is_theirs).order_by(conversation.c.id)
    rows = connection.execute(query.with_for_update(key_share=True)).all()

    def distance(row: Any) -> int:
        if phone_of(address) and row.address in addresses:
            return addresses.index(row.address)
        return len(addresses) + int(row.external_id != alias)

    return sorted(rows, key=distance)


def _merge(connection: Connection, other: Any, *, into: Any, now: float) -> None:
    """Moves everything of one conversation into another, and deletes it."""
    origin = effects.Origin(into.id, None, 0)
    if other.owner == "pessoa":
        taken = effects.OwnerChange(into.id, other.owner)
        effects.apply(connection, taken, origin, now=now)
    mine = conversation.c.id == into.id
    token = sa.select(conversation.c.turn_token).where(mine).scalar_subquery()
    is_valid = outbox.c.turn_token == other.turn_token
    connection.execute(
        sa.update(outbox)
        .where(outbox.c.conversation_id == other.id)
        .values(turn_token=sa.case((is_valid, token), else_=_NO_TOKEN))
    )
    _move_open_handoff(connection, other.id, origin, now=now)
    for table in _MOVED:
        connection.execute(
            sa.update(table)
            .where(table.c.conversation_id == other.id)
            .values(conversation_id=into.id)
        )
    connection.execute(sa.delete(usage).where(usage.c.conversation_id == other.id))
    modes.hand_on(connection, other.id, into=into.id)
    connection.execute(sa.delete(conversation).where(conversation.c.id == other.id))
    connection.execute(
        sa.update(conversation)
        .where(mine)
        .values(
            opted_out_at=into.opted_out_at or other.opted_out_at,
            display_name=into.display_name or other.display_name,
        )
    )


def _move_open_handoff(
    connection: Connection, other_id: str, origin: effects.Origin, *, now: float
) -> None:
    is_open = sa.and_(
        handoff.c.conversation_id == other_id, handoff.c.closed_at.is_(None)
    )
    row = connection.execute(sa.select(handoff).where(is_open)).first()
    if row is None:
        return
    connection.execute(sa.update(handoff).where(is_open).values(closed_at=now))
    waiting = effects.Handoff(row.reason, is_urgent=row.is_urgent, note=row.note)
    came_from = effects.Origin(origin.conversation_id, row.inbox_id, 0)
    effects.apply(connection, waiting, came_from, now=now)

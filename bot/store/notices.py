"""Messages that we send of ourselves, after a turn or without one."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.core import window
from bot.core.names import Profile
from bot.core.phones import address_of, same_person_numbers
from bot.store.schema import INBOX_OPEN, conversation, inbox, outbox, person


def say_afterwards(
    connection: Connection,
    inbox_id: int,
    text: str,
    *,
    now: float,
    buttons: Sequence[Mapping[str, str]] = (),
) -> None:
    """Adds a message to a turn that is over, as a file failed after its answer.

    Args:
        connection: inside a writing transaction.
        inbox_id: the message that it is about.
        text: what is said; where options have numbers, with them.
        now: UTC seconds.
        buttons: options to tap: `title`, `payload` and, where the text gives it no
            number, `type`.
    """
    asked = connection.execute(
        sa.select(inbox.c.conversation_id, inbox.c.merged_into).where(
            inbox.c.id == inbox_id
        )
    ).one()
    answered_id = asked.merged_into or inbox_id
    add(connection, answered_id, text, now=now, buttons=buttons)


def add(
    connection: Connection,
    inbox_id: int,
    text: str,
    *,
    now: float,
    buttons: Sequence[Mapping[str, str]] = (),
    purpose: str = "aviso",
    **values: Any,
) -> None:
    """Adds a row to the outbox, after all that a message was answered with.

    Where the message came through the API it only joins the conversation: its caller
    has had the answer, and there is nowhere to send it.

    Args:
        connection: inside a writing transaction.
        inbox_id: a message that is over, and was not merged into another.
        text: what is said.
        now: UTC seconds.
        buttons: as `say_afterwards` takes them.
        purpose: `aviso` or `lembrete`.
        values: further columns.
    """
    mine = sa.select(inbox.c.conversation_id, inbox.c.source)
    asked = connection.execute(mine.where(inbox.c.id == inbox_id)).one()
    talk = connection.execute(
        sa.select(conversation.c.turn_token)
        .where(conversation.c.id == asked.conversation_id)
        .with_for_update()  # two files that fail at once: two ordinals
    ).one()
    last = connection.execute(
        sa.select(sa.func.max(outbox.c.ordinal)).where(outbox.c.inbox_id == inbox_id)
    ).scalar_one()
    connection.execute(
        sa.insert(outbox).values(
            inbox_id=inbox_id,
            ordinal=0 if last is None else last + 1,
            conversation_id=asked.conversation_id,
            status="returned" if asked.source == "api" else "new",
            body=text,
            buttons=[dict(each) for each in buttons] or None,
            answered_by="regra",
            turn_token=talk.turn_token,
            token=uuid.uuid4().hex,
            purpose=purpose,
            created_at=now,
            **values,
        )
    )


def newest_over(connection: Connection, conversation_id: str) -> int | None:
    """Returns the newest WhatsApp message whose turn is over, to say something after.

    None where nobody wrote by WhatsApp: the API's callers read answers alone. A
    message that still waits for its answer would give that answer our number.
    """
    query = sa.select(sa.func.max(inbox.c.id)).where(
        inbox.c.conversation_id == conversation_id,
        inbox.c.source == "whatsapp",
        inbox.c.status.not_in(INBOX_OPEN),
        inbox.c.merged_into.is_(None),
    )
    found = connection.execute(query).scalar()
    return None if found is None else int(found)


def tell_lawyers(connection: Connection, text: str, *, now: float) -> int:
    """Tells every registered lawyer whom free text may reach now; returns how many.

    Lawyers whose 24 hours are over, who never wrote or who asked for silence are
    left out: what matters stands in the panel too.

    Args:
        connection: inside a writing transaction.
        text: what is said, to all the same.
        now: UTC seconds.
    """
    lawyers = sa.select(person.c.phone).where(person.c.profile == Profile.LAWYER.value)
    told = 0
    for phone in connection.execute(lawyers.order_by(person.c.id)).scalars().all():
        inbox_id = _reachable(connection, phone, now=now)
        if inbox_id is not None:
            add(connection, inbox_id, text, now=now)
            told += 1
    return told


def _reachable(connection: Connection, phone: str, *, now: float) -> int | None:
    """Returns the message of somebody's open conversation to say something after."""
    addresses = [address_of(number) for number in same_person_numbers(phone)]
    talks = connection.execute(
        sa.select(conversation)
        .where(conversation.c.address.in_(addresses))
        .where(conversation.c.opted_out_at.is_(None))
        .order_by(conversation.c.last_inbound_at.desc())
    )
    for talk in talks.all():
        if window.is_open(talk.last_inbound_at, talk.window_closed_at, now=now):
            return newest_over(connection, talk.id)
    return None

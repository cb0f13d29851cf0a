"""Options that we offered, so that a tap or a number can mean one of them.

What comes with a tap is the client's telephone's word, and worth nothing unless
we said it first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.core.entities.found import fold
from bot.core.rendering import TAP_ONLY
from bot.store.schema import outbox

COMMAND_MARK = "/"
_LOOK_BACK = 50


@dataclass(frozen=True)
class Option:
    """Something to choose."""

    title: str
    """What the person sees."""
    payload: str
    """What choosing it says: words, or `/intent{"entity": "value"}`, which is
    complete in itself and stays good after other messages."""
    is_numbered: bool = True
    """Whether the text gave it a number."""


def offered_last(
    connection: Connection, conversation_id: str, *, before: int | None = None
) -> tuple[Option, ...]:
    """Returns the options of the newest answer in a conversation.

    Args:
        connection: any.
        conversation_id: whose.
        before: of the answers to messages before this one; None for all.
    """
    newest = _is_newest(conversation_id, before)
    return _options(connection, newest, _of(conversation_id))


def asked_last(
    connection: Connection, conversation_id: str, *, before: int | None = None
) -> tuple[Option, ...]:
    """Returns the options that a number or a title means now, or meant then.

    Of a reminder, where one came after the newest answer: "1" and "não" are then no
    answers to what was asked before it.

    Args:
        connection: any.
        conversation_id: whose.
        before: of the answers to messages before this one; None for all.
    """
    newest, mine = _is_newest(conversation_id, before), _of(conversation_id)
    is_reminder = outbox.c.appointment_id.is_not(None)
    first = sa.select(sa.func.max(outbox.c.id)).where(newest, mine, is_reminder)
    since = connection.execute(first).scalar() or 0
    return _options(connection, newest, mine, outbox.c.id >= since)


def offered_by(
    connection: Connection, conversation_id: str, provider_sid: str
) -> tuple[Option, ...]:
    """Returns the options of one message of ours, as a quote names it."""
    is_it = outbox.c.provider_sid == provider_sid
    return _options(connection, is_it, _of(conversation_id))


def offered_before(
    connection: Connection, conversation_id: str, payload: str
) -> Option | None:
    """Returns the option with this payload from one of the latest answers."""
    rows = connection.execute(
        sa.select(outbox.c.buttons)
        .where(_of(conversation_id), outbox.c.buttons.is_not(None))
        .order_by(outbox.c.id.desc())
        .limit(_LOOK_BACK)
    ).scalars()
    every = [option for buttons in rows for option in _read(buttons)]
    return next((option for option in every if option.payload == payload), None)


def text_said_by(
    connection: Connection, conversation_id: str, provider_sid: str
) -> str:
    """Returns the text of one message of ours, or ""."""
    is_it = sa.and_(_of(conversation_id), outbox.c.provider_sid == provider_sid)
    said = connection.execute(sa.select(outbox.c.body).where(is_it)).scalar()
    return str(said or "")


def find(options: Sequence[Option], written: str) -> Option | None:
    """Returns the option that a number or a title means.

    >>> find([Option("Sim", "sim"), Option("Não", "nao")], "2").title
    'Não'
    """
    said = fold(written).strip(" .)!")
    if said.isdecimal() and said.isascii() and len(said) <= 2:  # noqa: PLR2004
        numbered = [each for each in options if each.is_numbered]
        position = int(said)
        return numbered[position - 1] if 1 <= position <= len(numbered) else None
    return next((each for each in options if fold(each.title) == said), None)


def _is_newest(conversation_id: str, before: int | None) -> sa.ColumnElement[bool]:
    newest = sa.select(sa.func.max(outbox.c.inbox_id)).where(_of(conversation_id))
    if before is not None:
        newest = newest.where(outbox.c.inbox_id < before)
    return outbox.c.inbox_id == newest.scalar_subquery()


def _of(conversation_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        outbox.c.conversation_id == conversation_id,
        outbox.c.status != "revoked",
        outbox.c.ordinal >= 0,  # a notice beside an answer, and no answer
        sa.or_(
            outbox.c.appointment_id.is_(None),
            outbox.c.status.not_in(["waiting", "failed"]),  # a reminder nobody saw
        ),
    )


def _options(
    connection: Connection, *conditions: sa.ColumnElement[bool]
) -> tuple[Option, ...]:
    rows = connection.execute(
        sa.select(outbox.c.buttons).where(*conditions).order_by(outbox.c.ordinal)
    ).scalars()
    return tuple(option for buttons in rows for option in _read(buttons))


def _read(buttons: Iterable[Any] | None) -> list[Option]:
    return [
        Option(
            title=str(each.get("title", "")),
            payload=str(each.get("payload", "")),
            is_numbered=each.get("type") != TAP_ONLY,
        )
        for each in buttons or ()
    ]

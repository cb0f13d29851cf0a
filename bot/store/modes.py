"""The modes that people chose: one for the office, one a conversation."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.core.modes import Mode, stricter
from bot.store.database import insert_or_ignore
from bot.store.schema import answer_mode

OFFICE = "geral"
"""Scope of the mode of the whole office; every other scope is a conversation."""


@dataclass(frozen=True)
class Chosen:
    """A mode that somebody chose."""

    scope: str
    """`geral` or a conversation's id."""
    mode: Mode
    until_at: float | None
    """UTC seconds from which it no longer counts; None for until it is changed."""
    changed_at: float
    """UTC seconds."""
    changed_by: str
    """Who chose it, as the panel or the terminal names them."""


def mode_of(
    connection: Connection, conversation_id: str, *, default: Mode, now: float
) -> Mode:
    """Returns the mode of a conversation: the stricter of its own and the office's.

    Args:
        connection: only reads.
        conversation_id: may be one that nobody has chosen anything for.
        default: the office's, where nobody has chosen one.
        now: UTC seconds.
    """
    found = {
        each.scope: each.mode
        for each in _chosen(connection, (OFFICE, conversation_id), now=now)
    }
    own = found.get(conversation_id, Mode.MODEL)
    return stricter(found.get(OFFICE, default), own)


def chosen(connection: Connection, scope: str, *, now: float) -> Chosen | None:
    """Returns what was chosen for `geral` or a conversation, if it still counts."""
    return next(iter(_chosen(connection, (scope,), now=now)), None)


def choose(connection: Connection, choice: Chosen) -> None:
    """Keeps a choice in place of the one before it."""
    values = {
        "mode": choice.mode.value,
        "until_at": choice.until_at,
        "changed_at": choice.changed_at,
        "changed_by": choice.changed_by,
    }
    added = connection.execute(
        insert_or_ignore(connection, answer_mode).values(scope=choice.scope, **values)
    )
    if not added.rowcount:
        mine = answer_mode.c.scope == choice.scope
        connection.execute(sa.update(answer_mode).where(mine).values(**values))


def hand_on(connection: Connection, scope: str, *, into: str) -> None:
    """Gives one conversation's mode to another that has none, and forgets it."""
    mine, theirs = answer_mode.c.scope == scope, answer_mode.c.scope == into
    has_own = connection.execute(sa.select(answer_mode.c.mode).where(theirs)).first()
    if has_own is None:
        connection.execute(sa.update(answer_mode).where(mine).values(scope=into))
    connection.execute(sa.delete(answer_mode).where(mine))


def _chosen(
    connection: Connection, scopes: tuple[str, ...], *, now: float
) -> list[Chosen]:
    counts = sa.or_(answer_mode.c.until_at.is_(None), answer_mode.c.until_at > now)
    query = sa.select(answer_mode).where(answer_mode.c.scope.in_(scopes), counts)
    return [
        Chosen(
            scope=row.scope,
            mode=Mode(row.mode),
            until_at=row.until_at,
            changed_at=row.changed_at,
            changed_by=row.changed_by,
        )
        for row in connection.execute(query)
    ]

"""What waits for a person's eye: the model's drafts, and messages worth teaching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.store.database import insert_or_ignore
from bot.store.schema import draft, inbox, teaching_example

OPEN, SENT, DISCARDED = "aberto", "enviado", "descartado"


@dataclass(frozen=True)
class Draft:
    """An answer of the model that nobody has been shown."""

    id: int
    conversation_id: str
    question: str
    """What the person wrote."""
    text: str
    sources: tuple[str, ...]
    """Ids of the office's texts that it rests on."""
    created_at: float
    """UTC seconds."""


@dataclass(frozen=True)
class Example:
    """A message that the model led into a flow; training may learn it."""

    id: int
    inbox_id: int
    text: str
    """What the person wrote, personal data and all."""
    intent: str
    created_at: float
    """UTC seconds."""


def keep_draft(
    connection: Connection,
    *,
    conversation_id: str,
    inbox_id: int | None,
    text: str,
    sources: Sequence[str],
    now: float,
) -> None:
    """Keeps a draft; a turn tried again keeps its one."""
    connection.execute(
        insert_or_ignore(connection, draft).values(
            conversation_id=conversation_id,
            inbox_id=inbox_id,
            text=text,
            sources=list(sources),
            created_at=now,
        )
    )


def keep_example(
    connection: Connection, *, inbox_id: int | None, intent: str, now: float
) -> None:
    """Keeps what a message was taken for; a turn tried again keeps its one."""
    connection.execute(
        insert_or_ignore(connection, teaching_example).values(
            inbox_id=inbox_id, intent=intent, created_at=now
        )
    )


def open_drafts(connection: Connection, *, at_most: int = 100) -> list[Draft]:
    """Returns the drafts that wait, oldest first."""
    query = (
        sa.select(draft, inbox.c.text.label("question"))
        .select_from(draft.outerjoin(inbox, inbox.c.id == draft.c.inbox_id))
        .where(draft.c.status == OPEN)
        .order_by(draft.c.id)
        .limit(at_most)
    )
    return [
        Draft(
            id=row.id,
            conversation_id=row.conversation_id,
            question=row.question or "",
            text=row.text,
            sources=tuple(row.sources),
            created_at=row.created_at,
        )
        for row in connection.execute(query)
    ]


def examples(connection: Connection, *, at_most: int = 100) -> list[Example]:
    """Returns what waits to be taught, newest first."""
    query = (
        sa.select(teaching_example, inbox.c.text)
        .select_from(
            teaching_example.join(inbox, inbox.c.id == teaching_example.c.inbox_id)
        )
        .where(teaching_example.c.status == OPEN)
        .order_by(teaching_example.c.id.desc())
        .limit(at_most)
    )
    return [
        Example(row.id, row.inbox_id, row.text, row.intent, row.created_at)
        for row in connection.execute(query)
    ]

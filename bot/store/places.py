"""Where the office's things are kept: folders, spreadsheets, files that were moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.store.database import insert_or_ignore
from bot.store.schema import kept_place

FOLDER, SHEET, FILE = "pasta", "planilha", "arquivo"
_LONGEST_TITLE = 200


@dataclass(frozen=True)
class Place:
    """A folder, spreadsheet or file, at whoever keeps it."""

    keeper: str
    """`google` or `local`."""
    kind: str
    """`pasta`, `planilha` or `arquivo`."""
    name: str
    """What it is for, as `contatos` or `conversa:…`; unique in its kind."""
    ref: str
    """Its id there."""
    title: str
    """As people read it."""
    link: str


def find(connection: Connection, keeper: str, kind: str, name: str) -> Place | None:
    """Returns the place for something, or None while there is none."""
    query = sa.select(kept_place).where(
        kept_place.c.keeper == keeper,
        kept_place.c.kind == kind,
        kept_place.c.name == name,
    )
    row = connection.execute(query).first()
    return _place(row) if row else None


def keep(connection: Connection, place: Place, *, now: float) -> Place:
    """Notes a place; returns the one that was noted before, where one was."""
    connection.execute(
        insert_or_ignore(connection, kept_place).values(
            keeper=place.keeper,
            kind=place.kind,
            name=place.name,
            ref=place.ref,
            title=place.title[:_LONGEST_TITLE],
            link=place.link,
            created_at=now,
        )
    )
    kept = find(connection, place.keeper, place.kind, place.name)
    return kept or place


def forget(connection: Connection, place: Place) -> None:
    """Drops a place that is no more, as a spreadsheet that somebody threw away."""
    connection.execute(
        sa.delete(kept_place).where(
            kept_place.c.keeper == place.keeper,
            kept_place.c.kind == place.kind,
            kept_place.c.name == place.name,
            kept_place.c.ref == place.ref,
        )
    )


def every(connection: Connection, keeper: str, kind: str) -> list[Place]:
    """Returns all places of a kind at one keeper, the oldest first."""
    query = (
        sa.select(kept_place)
        .where(kept_place.c.keeper == keeper, kept_place.c.kind == kind)
        .order_by(kept_place.c.created_at, kept_place.c.name)
    )
    return [_place(row) for row in connection.execute(query)]


def _place(row: Any) -> Place:
    return Place(row.keeper, row.kind, row.name, row.ref, row.title, row.link)

"""Queries on the panel's one-time links and sessions.

Callers hash first: no token in clear ever reaches the database.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.store.schema import panel_link, panel_session


@dataclass(frozen=True)
class LinkRow:
    """A one-time link as stored."""

    expires_at: float
    used_at: float | None


@dataclass(frozen=True)
class SessionRow:
    """A session as stored."""

    token_hash: str
    csrf_token: str
    created_at: float
    last_seen_at: float
    expires_at: float


def add_link(
    connection: Connection, token_hash: str, *, now: float, expires_at: float
) -> None:
    """Stores a link that nobody has used yet."""
    connection.execute(
        sa.insert(panel_link).values(
            token_hash=token_hash, created_at=now, expires_at=expires_at
        )
    )


def find_link(connection: Connection, token_hash: str) -> LinkRow | None:
    """Returns a link, used or not, or None."""
    query = sa.select(panel_link.c.expires_at, panel_link.c.used_at).where(
        panel_link.c.token_hash == token_hash
    )
    row = connection.execute(query).first()
    return LinkRow(expires_at=row.expires_at, used_at=row.used_at) if row else None


def use_link(connection: Connection, token_hash: str, *, now: float) -> bool:
    """Marks a link as used; False where it is unknown, expired or used already.

    One UPDATE decides, so that of two people at the same moment one enters.
    """
    changed = connection.execute(
        sa.update(panel_link)
        .where(
            panel_link.c.token_hash == token_hash,
            panel_link.c.used_at.is_(None),
            panel_link.c.expires_at > now,
        )
        .values(used_at=now)
    )
    return bool(changed.rowcount == 1)


def add_session(connection: Connection, session: SessionRow) -> None:
    """Stores a new session."""
    connection.execute(
        sa.insert(panel_session).values(
            token_hash=session.token_hash,
            csrf_token=session.csrf_token,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            expires_at=session.expires_at,
        )
    )


def find_session(connection: Connection, token_hash: str) -> SessionRow | None:
    """Returns a session, expired or not, or None."""
    query = sa.select(panel_session).where(panel_session.c.token_hash == token_hash)
    row = connection.execute(query).first()
    return SessionRow(**row._mapping) if row else None


def touch_session(connection: Connection, token_hash: str, *, now: float) -> None:
    """Notes that the person behind a session did something just now."""
    connection.execute(
        sa.update(panel_session)
        .where(panel_session.c.token_hash == token_hash)
        .values(last_seen_at=now)
    )


def end_session(connection: Connection, token_hash: str) -> None:
    """Forgets a session; harmless where there is none."""
    connection.execute(
        sa.delete(panel_session).where(panel_session.c.token_hash == token_hash)
    )


def forget_expired(
    connection: Connection, *, links_before: float, sessions_before: float
) -> None:
    """Deletes the links and sessions that expired before the given times."""
    connection.execute(
        sa.delete(panel_link).where(panel_link.c.expires_at < links_before)
    )
    connection.execute(
        sa.delete(panel_session).where(panel_session.c.expires_at < sessions_before)
    )

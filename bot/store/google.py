"""Queries on the connection to Google and on authorisations under way.

Callers encrypt and hash first: no token in clear ever reaches the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.core.google_link import Link
from bot.store.schema import google_account, google_consent

OFFICE = "escritorio"
"""The account that somebody connected."""
ROBOT = "conta_de_servico"
"""A service account; its tokens are kept nowhere, only how it stands."""


@dataclass(frozen=True)
class Account:
    """The connection as stored."""

    name: str
    """`escritorio` or `conta_de_servico`."""
    scopes: tuple[str, ...]
    """What was granted, as Google names it."""
    tokens: str
    """Encrypted; "" for a service account."""
    state: str
    """`conectado` or `reconectar`."""
    since_at: float
    """UTC seconds since when it is in that state."""
    connected_at: float
    connected_by: str


@dataclass(frozen=True)
class Consent:
    """An authorisation that somebody began."""

    state_hash: str
    verifier: str
    """Encrypted; "" once it was used."""
    owner_hash: str
    redirect_uri: str
    created_at: float
    expires_at: float
    used_at: float | None = None


def find(connection: Connection, name: str = OFFICE) -> Account | None:
    """Returns the connection, or None where there is none."""
    query = sa.select(google_account).where(google_account.c.name == name)
    row = connection.execute(query).first()
    return _account(row) if row else None


def newest(connection: Connection) -> Account | None:
    """Returns the connection that was made last, of whichever kind, or None."""
    query = sa.select(google_account).order_by(google_account.c.connected_at.desc())
    row = connection.execute(query.limit(1)).first()
    return _account(row) if row else None


def save(connection: Connection, account: Account) -> None:
    """Keeps a connection in the place of the one before."""
    forget(connection, account.name)
    connection.execute(
        sa.insert(google_account).values(
            name=account.name,
            scopes=list(account.scopes),
            tokens=account.tokens,
            state=account.state,
            since_at=account.since_at,
            connected_at=account.connected_at,
            connected_by=account.connected_by,
        )
    )


def renew(
    connection: Connection, known: Account, *, tokens: str, scopes: Sequence[str]
) -> bool:
    """Keeps renewed tokens; False where somebody connected anew meanwhile."""
    return _change(connection, known, tokens=tokens, scopes=list(scopes))


def mark_lost(connection: Connection, known: Account, *, now: float) -> bool:
    """Notes that Google takes these tokens no more.

    Returns:
        False where that is known already, or somebody connected anew meanwhile.
    """
    state = Link.RECONNECT.value
    return _change(connection, known, state=state, since_at=now)


def encrypt_anew(connection: Connection, name: str, *, tokens: str) -> None:
    """Keeps the tokens of a connection under another key."""
    connection.execute(
        sa.update(google_account)
        .where(google_account.c.name == name)
        .values(tokens=tokens)
    )


def forget(connection: Connection, name: str = OFFICE) -> bool:
    """Deletes a connection; False where there is none."""
    query = sa.delete(google_account).where(google_account.c.name == name)
    return bool(connection.execute(query).rowcount)


def is_lost(connection: Connection, name: str = OFFICE) -> bool:
    """Says whether somebody must connect again."""
    found = find(connection, name)
    return found is not None and found.state == Link.RECONNECT.value


def every(connection: Connection) -> list[Account]:
    """Returns every connection there is."""
    query = sa.select(google_account).order_by(google_account.c.name)
    return [_account(row) for row in connection.execute(query)]


def begin_consent(connection: Connection, consent: Consent) -> None:
    """Keeps an authorisation that nobody has finished yet."""
    connection.execute(
        sa.insert(google_consent).values(
            state_hash=consent.state_hash,
            verifier=consent.verifier,
            owner_hash=consent.owner_hash,
            redirect_uri=consent.redirect_uri,
            created_at=consent.created_at,
            expires_at=consent.expires_at,
        )
    )


def find_consent(connection: Connection, state_hash: str) -> Consent | None:
    """Returns an authorisation, used or not, or None."""
    query = sa.select(google_consent).where(google_consent.c.state_hash == state_hash)
    row = connection.execute(query).first()
    return Consent(**row._mapping) if row else None


def use_consent(
    connection: Connection, state_hash: str, *, owner_hash: str, now: float
) -> bool:
    """Uses an authorisation up, whose verifier is then forgotten.

    One UPDATE decides, so that of two at the same moment one goes on.

    Returns:
        False where it is unknown, used, expired, or somebody else's.
    """
    changed = connection.execute(
        sa.update(google_consent)
        .where(
            google_consent.c.state_hash == state_hash,
            google_consent.c.owner_hash == owner_hash,
            google_consent.c.used_at.is_(None),
            google_consent.c.expires_at > now,
        )
        .values(used_at=now, verifier="")
    )
    return bool(changed.rowcount == 1)


def waiting_consents(connection: Connection) -> list[Consent]:
    """Returns the authorisations that nobody has finished."""
    query = sa.select(google_consent).where(google_consent.c.used_at.is_(None))
    return [Consent(**row._mapping) for row in connection.execute(query)]


def encrypt_consent_anew(
    connection: Connection, state_hash: str, *, verifier: str
) -> None:
    """Keeps a verifier under another key."""
    connection.execute(
        sa.update(google_consent)
        .where(google_consent.c.state_hash == state_hash)
        .values(verifier=verifier)
    )


def forget_consent(connection: Connection, state_hash: str) -> None:
    """Deletes one authorisation; harmless where there is none."""
    connection.execute(
        sa.delete(google_consent).where(google_consent.c.state_hash == state_hash)
    )


def forget_consents(connection: Connection, *, before: float) -> None:
    """Deletes the authorisations that expired before UTC seconds."""
    connection.execute(
        sa.delete(google_consent).where(google_consent.c.expires_at < before)
    )


def _change(connection: Connection, known: Account, **values: Any) -> bool:
    changed = connection.execute(
        sa.update(google_account)
        .where(
            google_account.c.name == known.name,
            google_account.c.tokens == known.tokens,
            google_account.c.state == Link.CONNECTED.value,
        )
        .values(**values)
    )
    return bool(changed.rowcount == 1)


def _account(row: Any) -> Account:
    return Account(
        name=row.name,
        scopes=tuple(row.scopes),
        tokens=row.tokens,
        state=row.state,
        since_at=row.since_at,
        connected_at=row.connected_at,
        connected_by=row.connected_by,
    )

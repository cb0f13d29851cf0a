"""Work outside our own database, each piece done once: events, files, rows, notices.

A job is written in the transaction of what asks for it, keyed so that a turn tried
again finds its own, and worked later by the action server. Its worker holds a lease;
one that died is followed by another, which must first look whether the work was done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.store.database import for_update_skip_locked, insert_or_ignore
from bot.store.schema import has_status, job

NEW, LEASED, DONE, FAILED, PARKED = "novo", "alugado", "feito", "falhou", "parado"
_OPEN = (NEW, LEASED)


@dataclass(frozen=True)
class Job:
    """A piece of work that somebody has leased."""

    id: int
    key: str
    """Names the work for ever: `12:evento:0`, message, action and ordinal."""
    kind: str
    """What is to be done, as `evento`."""
    facts: Mapping[str, Any]
    """What it needs to be done."""
    attempt: int
    """1 for the first."""
    lease_owner: str
    progress: Mapping[str, Any]
    """What earlier attempts noted, as an id that was made beforehand."""
    conversation_id: str | None
    inbox_id: int | None


@dataclass(frozen=True)
class Pile:
    """Work that is not done."""

    waiting: int
    """Due, or tried without success."""
    parked: int
    """Until what it needs is connected."""
    oldest_at: float | None
    """When the oldest that waits was asked for, UTC seconds."""


class LostLeaseError(Exception):
    """Another worker took the job meanwhile; what this one found must not be kept."""


def add(  # noqa: PLR0913 - the columns of a row
    connection: Connection,
    *,
    key: str,
    kind: str,
    facts: Mapping[str, Any],
    now: float,
    not_before: float = 0.0,
    conversation_id: str | None = None,
    inbox_id: int | None = None,
) -> bool:
    """Adds a job; False where its key is known, which changes nothing.

    Args:
        connection: inside the transaction of what asks for it.
        key: names the work for ever.
        kind: what is to be done.
        facts: what it needs; JSON.
        now: UTC seconds.
        not_before: UTC seconds before which it is not begun.
        conversation_id: whose it is, if anybody's.
        inbox_id: the message that asked for it, if any.
    """
    added = connection.execute(
        insert_or_ignore(connection, job).values(
            key=key,
            kind=kind,
            facts=dict(facts),
            progress={},
            next_at=not_before,
            conversation_id=conversation_id,
            inbox_id=inbox_id,
            created_at=now,
        )
    )
    return bool(added.rowcount)


def pile(connection: Connection, *, now: float) -> Pile:
    """Returns how much work outside waits, for people to look at; it only reads."""
    counted = sa.select(job.c.status, sa.func.count(), sa.func.min(job.c.created_at))
    is_due = sa.or_(job.c.attempts > 0, job.c.next_at <= now)
    rows = connection.execute(
        counted.where(has_status(job, *_OPEN, PARKED), is_due).group_by(job.c.status)
    ).all()
    found = {status: (count, oldest) for status, count, oldest in rows}
    waiting = [found[each] for each in _OPEN if each in found]
    return Pile(
        waiting=sum(count for count, _ in waiting),
        parked=found.get(PARKED, (0, None))[0],
        oldest_at=min((oldest for _, oldest in waiting), default=None),
    )


def count_ended(connection: Connection, *, prefix: str) -> int:
    """Returns how many jobs with a key that begins so are done, or failed."""
    query = sa.select(sa.func.count(job.c.id)).where(
        job.c.key.startswith(prefix, autoescape=True),
        job.c.status.in_([DONE, FAILED]),
    )
    return int(connection.execute(query).scalar_one())


def is_any_due(connection: Connection, *, now: float) -> bool:
    """Says whether `claim` may find something; it only reads."""
    return connection.execute(_due(now).limit(1)).first() is not None


def claim(
    connection: Connection, *, lease_owner: str, now: float, lease_s: float
) -> Job | None:
    """Leases the job that has waited longest.

    Args:
        connection: inside a writing transaction.
        lease_owner: names this worker; unique a process start.
        now: UTC seconds.
        lease_s: after so many seconds another worker may take it.
    """
    query = _due(now).order_by(job.c.next_at, job.c.id).limit(1)
    row = connection.execute(for_update_skip_locked(connection, query)).first()
    if row is None:
        return None
    attempt = row.attempts + 1
    connection.execute(
        sa.update(job)
        .where(job.c.id == row.id)
        .values(
            status=LEASED,
            lease_owner=lease_owner,
            lease_until=now + lease_s,
            attempts=attempt,
        )
    )
    return Job(
        id=row.id,
        key=row.key,
        kind=row.kind,
        facts=row.facts,
        attempt=attempt,
        lease_owner=lease_owner,
        progress=row.progress,
        conversation_id=row.conversation_id,
        inbox_id=row.inbox_id,
    )


def note(connection: Connection, mine: Job, progress: Mapping[str, Any]) -> None:
    """Keeps what the next attempt must know, before the step that needs it.

    Raises:
        LostLeaseError: another worker has the job.
    """
    _change(connection, mine, progress=dict(progress))


def finish(
    connection: Connection, mine: Job, result: Mapping[str, Any], *, now: float
) -> None:
    """Ends a job that is done.

    Raises:
        LostLeaseError: another worker has the job.
    """
    _change(
        connection, mine, status=DONE, result=dict(result), finished_at=now, reason=None
    )


def retry(connection: Connection, mine: Job, *, at: float, reason: str) -> None:
    """Gives a job back for another attempt at UTC seconds.

    Raises:
        LostLeaseError: another worker has the job.
    """
    _change(connection, mine, status=NEW, next_at=at, reason=reason, lease_owner=None)


def park(connection: Connection, mine: Job, *, reason: str) -> None:
    """Puts a job aside until `unpark`: what it needs is not connected.

    The attempt does not count.

    Raises:
        LostLeaseError: another worker has the job.
    """
    _change(
        connection,
        mine,
        status=PARKED,
        reason=reason,
        lease_owner=None,
        attempts=mine.attempt - 1,
    )


def unpark(connection: Connection, reasons: Sequence[str]) -> int:
    """Lets parked jobs of these reasons go on; returns how many."""
    changed = connection.execute(
        sa.update(job)
        .where(job.c.status == PARKED, job.c.reason.in_(reasons))
        .values(status=NEW, next_at=0.0, reason=None)
    )
    return int(changed.rowcount)


def fail(connection: Connection, mine: Job, *, reason: str, now: float) -> None:
    """Ends a job that no further attempt can do.

    Raises:
        LostLeaseError: another worker has the job.
    """
    _change(connection, mine, status=FAILED, reason=reason, finished_at=now)


def owners(connection: Connection) -> set[str]:
    """Returns the workers that have jobs leased, alive or not."""
    query = sa.select(job.c.lease_owner).where(has_status(job, LEASED)).distinct()
    return {str(owner) for owner in connection.execute(query).scalars()}


def reclaim(connection: Connection, *, lease_owner: str) -> int:
    """Frees what a worker that died had leased, the attempts counted; how many."""
    changed = connection.execute(
        sa.update(job)
        .where(job.c.status == LEASED, job.c.lease_owner == lease_owner)
        .values(status=NEW, lease_owner=None)
    )
    return int(changed.rowcount)


def release(connection: Connection, *, lease_owner: str) -> int:
    """Gives back what a worker had leased when it stops; returns how many."""
    changed = connection.execute(
        sa.update(job)
        .where(job.c.status == LEASED, job.c.lease_owner == lease_owner)
        .values(status=NEW, lease_owner=None, attempts=job.c.attempts - 1)
    )
    return int(changed.rowcount)


def _due(now: float) -> Any:
    free = sa.or_(job.c.status == NEW, job.c.lease_until < now)
    return sa.select(job).where(has_status(job, *_OPEN), job.c.next_at <= now, free)


def _change(connection: Connection, mine: Job, **values: Any) -> None:
    changed = connection.execute(
        sa.update(job)
        .where(
            job.c.id == mine.id,
            job.c.status == LEASED,
            job.c.lease_owner == mine.lease_owner,
            job.c.attempts == mine.attempt,
        )
        .values(**values)
    )
    if changed.rowcount != 1:
        raise LostLeaseError(f"job {mine.id} was taken by another worker")

"""Which voices are old enough to be deleted; what they say stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.core.names import Profile
from bot.core.speech import Trouble
from bot.store import jobs, people, transcripts, turns
from bot.store.media import DELETED
from bot.store.schema import (
    INBOX_OPEN,
    conversation,
    has_status,
    inbox,
    job,
    media,
    transcript,
)

UNHEARD_KEPT_S = 24 * 60 * 60
"""At least: what became no text is there for a person to listen to."""
_FORM_S = 24 * 60 * 60
"""So much longer what somebody is just filing may stay."""


@dataclass(frozen=True)
class Outdated:
    """A voice whose bytes are no longer to be kept."""

    media_id: str
    stored_id: str
    """Names the bytes under the folder of attachments."""


def outdated(
    connection: Connection, *, now: float, keep_s: float
) -> tuple[Outdated, ...]:
    """Returns the voices that have been here for long enough.

    Left out are those that nobody has answered yet, that are just being heard, that a
    job is to file, or that a lawyer may be filing: a form of theirs stands open.

    Args:
        connection: any.
        now: UTC seconds.
        keep_s: how long they are kept; 0 for until they are heard.
    """
    kept_since = sa.func.coalesce(media.c.fetched_at, media.c.created_at)
    is_heard = transcript.c.status == transcripts.HEARD
    is_being_heard = sa.and_(
        sa.func.coalesce(transcript.c.status, "") == transcripts.PENDING,
        transcript.c.lease_until > now,
    )
    rows = connection.execute(
        sa.select(
            media.c.id,
            media.c.stored_id,
            inbox.c.conversation_id,
            conversation.c.address,
            kept_since.label("kept_since"),
        )
        .join(inbox, inbox.c.id == media.c.inbox_id)
        .join(conversation, conversation.c.id == inbox.c.conversation_id)
        .outerjoin(transcript, transcript.c.media_id == media.c.id)
        .where(
            media.c.stored_id.is_not(None),
            sa.or_(media.c.media_type.like("audio/%"), inbox.c.kind == "audio"),
            ~has_status(inbox, *INBOX_OPEN),
            ~is_being_heard,
            kept_since <= now - keep_s,
            sa.or_(is_heard, kept_since <= now - UNHEARD_KEPT_S),
        )
    ).all()
    to_file = _to_file(connection)
    lately = now - keep_s - _FORM_S
    return tuple(
        Outdated(row.id, row.stored_id)
        for row in rows
        if row.id not in to_file
        and not (row.kept_since > lately and _may_be_filed(connection, row))
    )


def forget(
    connection: Connection, *, now: float, keep_s: float, limit: int
) -> tuple[Outdated, ...]:
    """Notes that some bytes are no longer here; the caller then deletes them.

    What was still to be heard no longer is.

    Args:
        connection: inside a writing transaction.
        now: UTC seconds.
        keep_s: how long voices are kept; 0 for until they are heard.
        limit: the most at once.
    """
    voices = outdated(connection, now=now, keep_s=keep_s)[:limit]
    ids = [each.media_id for each in voices]
    connection.execute(
        sa.update(media)
        .where(media.c.id.in_(ids))
        .values(status=DELETED, stored_id=None)
    )
    connection.execute(
        sa.update(transcript)
        .where(
            transcript.c.media_id.in_(ids), has_status(transcript, transcripts.PENDING)
        )
        .values(status=transcripts.UNHEARD, trouble=Trouble.LATE.value)
    )
    return voices


def _to_file(connection: Connection) -> set[str]:
    """Returns the ids of the attachments that jobs have still to file."""
    query = sa.select(job.c.facts).where(
        has_status(job, jobs.NEW, jobs.LEASED, jobs.PARKED)
    )
    found = connection.execute(query).scalars()
    return {str(each) for facts in found for each in facts.get("anexos") or ()}


def _may_be_filed(connection: Connection, row: Any) -> bool:
    known = people.find_by_address(connection, row.address)
    is_lawyer = known is not None and known.profile is Profile.LAWYER
    return is_lawyer and turns.is_form_open(connection, row.conversation_id)

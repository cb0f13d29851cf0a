"""What is known of one conversation, for whoever takes it over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.core.names import Profile
from bot.store import appointments, attachments, people
from bot.store.appointments import HELD, RELEASED, Appointment
from bot.store.attachments import Attachment
from bot.store.office_desk import StoredRequest
from bot.store.schema import (
    appointment,
    conversation,
    handoff,
    inbox,
    outbox,
    request,
    transcript,
)
from bot.store.transcripts import ASKED, DENIED, HEARD, UNHEARD

SPOKEN = "[áudio]"
"""Stands before words that were spoken."""
_UNCHECKED = "[áudio que a pessoa não conferiu]"
_MISHEARD = "[áudio que foi entendido errado]"
_UNHEARD = "[áudio que não deu para ouvir]"
_SENT = ("new", "sending", "sent", "delivered", "read", "unknown")


@dataclass(frozen=True)
class Wrote:
    """A message of somebody's."""

    at: float
    """UTC seconds."""
    text: str
    answers: tuple[str, ...] = ()
    """What was said to it."""


@dataclass(frozen=True)
class Waits:
    """Somebody waits for a person of the office."""

    reason: str
    is_urgent: bool
    since_at: float


@dataclass(frozen=True)
class History:
    """A conversation, as the database holds it."""

    since_at: float
    profile: Profile
    is_with_person: bool
    """Whether a person of the office answers, and not the robot."""
    waits: Waits | None
    requests: tuple[StoredRequest, ...]
    """What flows collected, the newest first."""
    appointments: tuple[Appointment, ...]
    """Without what was only held, by their time."""
    files: tuple[Attachment, ...]
    """The oldest first."""
    messages: tuple[Wrote, ...]
    """With words, the oldest first."""


def history_of(
    connection: Connection, conversation_id: str, *, most_messages: int
) -> History | None:
    """Returns what is known of a conversation; None where there is none.

    Args:
        connection: only reads.
        conversation_id: whose.
        most_messages: of the newest.
    """
    query = sa.select(conversation).where(conversation.c.id == conversation_id)
    row = connection.execute(query).first()
    if row is None:
        return None
    known = people.find_by_address(connection, row.address)
    return History(
        since_at=row.created_at,
        profile=known.profile if known else Profile.UNKNOWN,
        is_with_person=row.owner == "pessoa",
        waits=_waits(connection, conversation_id),
        requests=_requests(connection, conversation_id),
        appointments=_appointments(connection, conversation_id),
        files=tuple(attachments.sent_in(connection, conversation_id)),
        messages=_messages(connection, conversation_id, most_messages),
    )


def latest_words(
    connection: Connection, conversation_ids: Sequence[str]
) -> dict[str, Wrote]:
    """Returns the newest message of each conversation; "" for one without words."""
    newest = (
        sa.select(sa.func.max(inbox.c.id))
        .where(inbox.c.conversation_id.in_(list(conversation_ids)))
        .group_by(inbox.c.conversation_id)
    )
    rows = connection.execute(_messages_query().where(inbox.c.id.in_(newest)))
    return {row.conversation_id: Wrote(row.received_at, _words(row)) for row in rows}


def _waits(connection: Connection, conversation_id: str) -> Waits | None:
    is_open = sa.and_(
        handoff.c.conversation_id == conversation_id, handoff.c.closed_at.is_(None)
    )
    row = connection.execute(sa.select(handoff).where(is_open)).first()
    return Waits(row.reason, row.is_urgent, row.created_at) if row else None


def _requests(
    connection: Connection, conversation_id: str
) -> tuple[StoredRequest, ...]:
    query = sa.select(request).where(request.c.conversation_id == conversation_id)
    rows = connection.execute(query.order_by(request.c.id.desc()))
    return tuple(
        StoredRequest(row.id, row.conversation_id, row.kind, row.facts, row.created_at)
        for row in rows
    )


def _appointments(
    connection: Connection, conversation_id: str
) -> tuple[Appointment, ...]:
    ids = connection.execute(
        sa.select(appointment.c.id)
        .where(
            appointment.c.conversation_id == conversation_id,
            appointment.c.kind == appointments.MEETING,
            appointment.c.status.not_in((HELD, RELEASED)),
        )
        .order_by(appointment.c.starts_at, appointment.c.id)
    ).scalars()
    found = (appointments.get(connection, each) for each in ids.all())
    return tuple(each for each in found if each)


def _messages(
    connection: Connection, conversation_id: str, most: int
) -> tuple[Wrote, ...]:
    has_words = sa.or_(inbox.c.text != "", transcript.c.status == UNHEARD)
    mine = sa.and_(inbox.c.conversation_id == conversation_id, has_words)
    query = _messages_query().where(mine).order_by(inbox.c.id.desc()).limit(most)
    rows = connection.execute(query).all()[::-1]
    said = connection.execute(
        sa.select(outbox.c.inbox_id, outbox.c.body)
        .where(
            outbox.c.inbox_id.in_([row.id for row in rows]), outbox.c.status.in_(_SENT)
        )
        .order_by(outbox.c.id)
    ).all()
    return tuple(_wrote(row, said) for row in rows)


def _wrote(row: Any, said: Sequence[Any]) -> Wrote:
    answers = tuple(each.body for each in said if each.inbox_id == row.id)
    return Wrote(row.received_at, _words(row), answers)


def _messages_query() -> Any:
    return sa.select(
        inbox, transcript.c.status.label("hearing"), transcript.c.question
    ).select_from(inbox.outerjoin(transcript, transcript.c.inbox_id == inbox.c.id))


def _words(row: Any) -> str:
    """Returns what a message says; of a voice, how far that can be relied on."""
    if row.hearing == UNHEARD:
        return _UNHEARD
    if row.hearing != HEARD:
        return str(row.text)
    if row.question == DENIED:
        return _MISHEARD  # what it says is not what was said
    return f"{_UNCHECKED if row.question == ASKED else SPOKEN} {row.text}"

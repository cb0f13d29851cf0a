"""The question whether voice notes were heard right, while it stands.

Nothing else remembers it: the notes say that they were asked about, and what came
after them whether that still counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.store.schema import INBOX_OPEN, has_status, inbox, outbox, transcript
from bot.store.transcripts import ASKED, DENIED, HEARD

_LOOK_BACK = 30
"""Messages; a question that lies further back was given up long ago."""
_SEEN = ("sent", "delivered", "read", "unknown", "sending", "returned")


@dataclass(frozen=True)
class Question:
    """What stands to be confirmed."""

    inbox_ids: tuple[int, ...]
    """Messages of the notes, the oldest first; a tap names the last one."""
    texts: tuple[str, ...]
    """What each of them says, as it was heard."""
    payload: dict[str, Any]
    """The provider's fields of the last one."""
    received_at: float
    """When the last one came, UTC seconds."""
    confidence: float
    """0-1, of the one that was heard worst."""
    audio_s: float
    """How long they are together."""
    said_at: float
    """When it was asked, UTC seconds; what came earlier is no answer."""
    is_last_word: bool
    """Nothing was said to the person since."""
    is_reminder_since: bool
    """An appointment was reminded of since: plain words mean that."""
    is_correction: bool
    """The notes say what was meant by one that had been heard wrong."""


def standing(
    connection: Connection, conversation_id: str, *, before: int
) -> Question | None:
    """Returns the question that a message may be an answer to, or None.

    Talk of the person's ends it, save what was on its way when it was asked; notes
    that could not be heard do not. Notes that came before the question about an
    earlier one could be seen belong to the same question.

    Args:
        connection: any.
        conversation_id: whose.
        before: the message that may be an answer.
    """
    rows = _latest(connection, conversation_id, before)
    asked_at = next((n for n, row in enumerate(rows) if row.question == ASKED), None)
    if asked_at is None:
        return None
    since = [row for row in rows[:asked_at] if not _is_unheard(row)]
    newest = rows[asked_at]
    said_at = _said_at(connection, newest.id)
    if said_at is None or any(row.received_at >= said_at for row in since):
        return None
    notes, earlier = _together(connection, rows[asked_at:])
    return Question(
        inbox_ids=tuple(row.id for row in notes),
        texts=tuple(row.heard for row in notes),
        payload=dict(newest.payload),
        received_at=newest.received_at,
        confidence=min(row.heard_confidence or 0.0 for row in notes),
        audio_s=sum(row.audio_s or 0.0 for row in notes),
        said_at=said_at,
        is_last_word=not since,
        is_reminder_since=_is_reminder_since(connection, conversation_id, newest.id),
        is_correction=bool(earlier) and earlier[0].question == DENIED,
    )


def is_quoted(connection: Connection, question: Question, provider_sid: str) -> bool:
    """Says whether a message quotes the question, by the provider's id."""
    query = sa.select(outbox.c.id).where(
        outbox.c.inbox_id == question.inbox_ids[-1],
        outbox.c.provider_sid == provider_sid,
        outbox.c.appointment_id.is_(None),
    )
    return bool(provider_sid) and connection.execute(query).first() is not None


def _latest(connection: Connection, conversation_id: str, before: int) -> Sequence[Any]:
    """Returns the messages that are over, the newest first."""
    query = (
        sa.select(
            inbox.c.id,
            inbox.c.received_at,
            inbox.c.payload,
            transcript.c.status.label("hearing"),
            transcript.c.text.label("heard"),
            transcript.c.question,
            transcript.c.confidence.label("heard_confidence"),
            transcript.c.audio_s,
        )
        .select_from(inbox.outerjoin(transcript, transcript.c.inbox_id == inbox.c.id))
        .where(
            inbox.c.conversation_id == conversation_id,
            inbox.c.id < before,
            ~has_status(inbox, *INBOX_OPEN),
        )
        .order_by(inbox.c.id.desc())
        .limit(_LOOK_BACK)
    )
    return connection.execute(query).all()


def _together(
    connection: Connection, rows: Sequence[Any]
) -> tuple[list[Any], list[Any]]:
    """Returns the notes of one question, the oldest first, and what was before them."""
    heard = [row for row in rows if not _is_unheard(row)]
    notes = [heard.pop(0)]
    while heard and heard[0].question == ASKED:
        said_at = _said_at(connection, heard[0].id)
        if said_at is not None and notes[0].received_at >= said_at:
            break  # it had been seen, and was left unanswered
        notes.insert(0, heard.pop(0))
    return notes, heard


def _is_unheard(row: Any) -> bool:
    return row.hearing is not None and row.hearing != HEARD


def _said_at(connection: Connection, inbox_id: int) -> float | None:
    query = sa.select(sa.func.min(outbox.c.created_at)).where(
        outbox.c.inbox_id == inbox_id,
        outbox.c.status != "revoked",
        outbox.c.ordinal >= 0,
        outbox.c.appointment_id.is_(None),
    )
    found = connection.execute(query).scalar()
    return None if found is None else float(found)


def _is_reminder_since(
    connection: Connection, conversation_id: str, inbox_id: int
) -> bool:
    asked = sa.select(sa.func.max(outbox.c.id)).where(
        outbox.c.inbox_id == inbox_id, outbox.c.appointment_id.is_(None)
    )
    query = sa.select(outbox.c.id).where(
        outbox.c.conversation_id == conversation_id,
        outbox.c.appointment_id.is_not(None),
        outbox.c.status.in_(_SEEN),
        outbox.c.id > asked.scalar_subquery(),
    )
    return connection.execute(query.limit(1)).first() is not None

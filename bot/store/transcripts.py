"""Voice notes on their way to text: expected, heard, or given up with a reason.

A row is written with its message; the action server takes it once the bytes are
here. The turn of the message waits for it, for a while.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.core.speech import Heard, Trouble
from bot.store.schema import has_status, inbox, media, transcript

PENDING, HEARD, UNHEARD = "pendente", "ouvido", "nao_ouvido"
ASKED, CONFIRMED, DENIED = "perguntado", "confirmado", "negado"
MAX_ATTEMPTS = 3
"""A note that ends its process time and again is not heard for ever."""


@dataclass(frozen=True)
class ToHear:
    """A voice note that a worker has taken."""

    media_id: str
    inbox_id: int
    stored_id: str
    """Names the bytes under the folder of attachments."""
    attempt: int
    """1 for the first."""
    lease_owner: str


@dataclass(frozen=True)
class Transcript:
    """What is known of a voice note."""

    media_id: str
    inbox_id: int
    status: str
    """`pendente`, `ouvido` or `nao_ouvido`."""
    trouble: str
    """Why it was not heard: a value of `Trouble`; "" where its attachment failed."""
    text: str
    confidence: float
    """0-1; 0 where nothing was heard."""
    audio_s: float
    """How long it is; 0 where that is not known."""
    is_damaged: bool
    question: str
    """"", `perguntado`, `confirmado` or `negado`."""


def expect(
    connection: Connection, media_id: str, inbox_id: int, *, queue: int, now: float
) -> bool:
    """Adds a voice note to what is to be heard; False where too many others wait.

    Nobody's own notes take more than half of the room.

    Args:
        connection: inside the transaction that stores the message.
        media_id: its attachment.
        inbox_id: its message.
        queue: so many may wait.
        now: UTC seconds.
    """
    count = sa.select(sa.func.count()).where(has_status(transcript, PENDING))
    mine = sa.select(inbox.c.conversation_id).where(inbox.c.id == inbox_id)
    own = count.join(inbox, inbox.c.id == transcript.c.inbox_id).where(
        inbox.c.conversation_id == mine.scalar_subquery()
    )
    is_full = connection.execute(count).scalar_one() >= queue or (
        connection.execute(own).scalar_one() >= (queue + 1) // 2
    )
    connection.execute(
        sa.insert(transcript).values(
            media_id=media_id,
            inbox_id=inbox_id,
            status=UNHEARD if is_full else PENDING,
            trouble=Trouble.BUSY.value if is_full else None,
            created_at=now,
        )
    )
    return not is_full


def is_any_due(connection: Connection, *, now: float) -> bool:
    """Says whether `claim` may find something; it only reads."""
    return connection.execute(_due(now).limit(1)).first() is not None


def claim(
    connection: Connection, *, lease_owner: str, now: float, lease_s: float
) -> ToHear | None:
    """Takes the voice note that has waited longest and whose bytes are here.

    Args:
        connection: inside a writing transaction.
        lease_owner: names this worker; unique a process start.
        now: UTC seconds.
        lease_s: after so many seconds another worker may take it.
    """
    while True:
        row = connection.execute(
            _due(now).order_by(transcript.c.created_at, transcript.c.media_id).limit(1)
        ).first()
        if row is None:
            return None
        taken = connection.execute(
            sa.update(transcript)
            .where(
                transcript.c.media_id == row.media_id,
                transcript.c.attempts == row.attempts,
                transcript.c.status == PENDING,
            )
            .values(
                lease_owner=lease_owner,
                lease_until=now + lease_s,
                attempts=row.attempts + 1,
            )
        )
        if taken.rowcount == 1:
            break  # else somebody was quicker: the next one
    return ToHear(
        row.media_id, row.inbox_id, row.stored_id, row.attempts + 1, lease_owner
    )


def finish(connection: Connection, mine: ToHear, heard: Heard, *, now: float) -> bool:
    """Keeps what was heard and lets the turn begin; False where the lease was lost."""
    return _end(
        connection,
        mine,
        now=now,
        status=HEARD,
        text=heard.text,
        confidence=heard.confidence,
        audio_s=heard.audio_s,
        speech_s=heard.speech_s,
        took_s=heard.took_s,
        engine=heard.engine[:80],
        is_damaged=heard.is_damaged,
    )


def give_up(
    connection: Connection, mine: ToHear, trouble: Trouble, *, now: float
) -> bool:
    """The note will not be heard: the turn begins and says so."""
    return _end(connection, mine, now=now, status=UNHEARD, trouble=trouble.value)


def retry(connection: Connection, mine: ToHear, *, at: float) -> None:
    """Gives a note back for another try from `at` on, UTC seconds."""
    connection.execute(
        sa.update(transcript)
        .where(_is_mine(mine))
        .values(lease_owner=None, lease_until=0.0, next_at=at)
    )


def release(connection: Connection, *, lease_owner: str) -> int:
    """Gives back what a worker had taken, its try uncounted; returns how many."""
    changed = connection.execute(
        sa.update(transcript)
        .where(has_status(transcript, PENDING), transcript.c.lease_owner == lease_owner)
        .values(lease_owner=None, lease_until=0.0, attempts=transcript.c.attempts - 1)
    )
    return int(changed.rowcount)


def reclaim(connection: Connection, *, lease_owner: str) -> int:
    """Frees what a worker that died had taken; the attempts count."""
    changed = connection.execute(
        sa.update(transcript)
        .where(has_status(transcript, PENDING), transcript.c.lease_owner == lease_owner)
        .values(lease_owner=None, lease_until=0.0)
    )
    return int(changed.rowcount)


def owners(connection: Connection) -> set[str]:
    """Returns the workers that have taken notes, alive or not."""
    query = sa.select(transcript.c.lease_owner).where(
        has_status(transcript, PENDING), transcript.c.lease_owner.is_not(None)
    )
    return {str(each) for each in connection.execute(query.distinct()).scalars()}


def close_unfetched(connection: Connection, inbox_id: int) -> None:
    """Ends the notes of a message whose bytes will not come, or are nothing to hear."""
    gone = sa.select(media.c.id).where(
        media.c.inbox_id == inbox_id, media.c.status.in_(("grande", "falhou"))
    )
    refused = sa.select(media.c.id).where(
        media.c.inbox_id == inbox_id, media.c.status == "recusado"
    )
    for ids, trouble in ((gone, ""), (refused, Trouble.NOT_AUDIO.value)):
        connection.execute(
            sa.update(transcript)
            .where(transcript.c.media_id.in_(ids), has_status(transcript, PENDING))
            .values(status=UNHEARD, trouble=trouble)
        )


def waiting(inbox_ids: Any) -> Any:
    """Returns a query for the notes of messages that are not heard yet."""
    return sa.select(transcript.c.media_id).where(
        transcript.c.inbox_id.in_(inbox_ids), has_status(transcript, PENDING)
    )


def of_message(connection: Connection, inbox_id: int) -> Transcript | None:
    """Returns the voice note of a message, or None where it has none."""
    row = connection.execute(
        sa.select(transcript)
        .where(transcript.c.inbox_id == inbox_id)
        .order_by(transcript.c.created_at, transcript.c.media_id)
        .limit(1)
    ).first()
    if row is None:
        return None
    return Transcript(
        media_id=row.media_id,
        inbox_id=row.inbox_id,
        status=row.status,
        trouble=row.trouble or "",
        text=row.text,
        confidence=row.confidence or 0.0,
        audio_s=row.audio_s or 0.0,
        is_damaged=bool(row.is_damaged),
        question=row.question,
    )


def note_question(connection: Connection, inbox_id: int, word: str) -> None:
    """Keeps that a person was asked whether a text is right, or what they said."""
    connection.execute(
        sa.update(transcript)
        .where(transcript.c.inbox_id == inbox_id, transcript.c.status == HEARD)
        .values(question=word)
    )


def _due(now: float) -> Any:
    return (
        sa.select(transcript, media.c.stored_id)
        .join(media, media.c.id == transcript.c.media_id)
        .where(
            has_status(transcript, PENDING),
            transcript.c.next_at <= now,
            transcript.c.lease_until <= now,
            media.c.status == "guardado",
            media.c.stored_id.is_not(None),
        )
    )


def _is_mine(mine: ToHear) -> sa.ColumnElement[bool]:
    return sa.and_(
        transcript.c.media_id == mine.media_id,
        transcript.c.status == PENDING,
        transcript.c.lease_owner == mine.lease_owner,
        transcript.c.attempts == mine.attempt,
    )


def _end(connection: Connection, mine: ToHear, *, now: float, **values: Any) -> bool:
    changed = connection.execute(
        sa.update(transcript)
        .where(_is_mine(mine))
        .values(lease_owner=None, heard_at=now, **values)
    )
    if changed.rowcount != 1:
        return False
    if values.get("text"):
        connection.execute(
            sa.update(inbox)
            .where(inbox.c.id == mine.inbox_id)
            .values(text=values["text"])
        )
    release_turn(connection, mine.inbox_id, now=now)
    return True


def release_turn(connection: Connection, inbox_id: int, *, now: float) -> None:
    """Lets a message be answered once nothing of it is awaited: no file, no voice."""
    close_unfetched(connection, inbox_id)
    files = sa.select(media.c.id).where(
        media.c.inbox_id == inbox_id, has_status(media, "pendente")
    )
    for awaited in (files, waiting([inbox_id])):
        if connection.execute(awaited.limit(1)).first() is not None:
            return
    connection.execute(
        sa.update(inbox)
        .where(
            inbox.c.id == inbox_id,
            inbox.c.status == "new",
            inbox.c.attempts == 0,
            inbox.c.error.is_(None),  # what waits for its turn goes on waiting
            inbox.c.next_at > now,
        )
        .values(next_at=now)
    )

"""A turn: one message claimed, answered, and committed in one transaction.

`CURRENT_TURN` carries the turn through Rasa, which knows nothing of it: the
channel claims and sets it, the output channel fills it, and the tracker store
commits it together with the tracker's events.
"""

from __future__ import annotations

import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.core.names import AnsweredBy, Profile
from bot.core.rendering import TAP_ONLY, split, with_choices
from bot.store import effects, media, people, transcripts
from bot.store.database import for_update_skip_locked
from bot.store.schema import (
    INBOX_OPEN,
    conversation,
    events,
    has_status,
    inbox,
    outbox,
)

ROBOT, PERSON = "robo", "pessoa"
ALBUM_KINDS = frozenset({"image", "document", "video"})
_PASSED_ON = (
    ("Forwarded", "true"),
    ("FrequentlyForwarded", "true"),
    ("MessageType", "document"),
)
"""Fields of Twilio's webhook that tell a recording from a voice of one's own."""
_LOOP = "active_loop"
_LONGEST_ALBUM = 30
_LONGEST_BURSTS = 6
"""An album that keeps growing is answered after so many times `burst_s`."""


class FencedError(Exception):
    """Another worker took the message meanwhile; this turn must not be kept."""


@dataclass(frozen=True)
class Outgoing:
    """One message that the turn says."""

    text: str
    answered_by: AnsweredBy | None = None
    """Who wrote it, where the action said so."""
    flow: str | None = None
    """The flow that the action names for the whole turn, if any."""
    buttons: tuple[dict[str, str], ...] = ()
    """Choices as `{"title", "payload", "type"}`; one of type `toque` is named by the
    text itself and gets no number there."""


@dataclass(frozen=True)
class Outcome:
    """What a turn came to, as `/processar_atendimento` reports it."""

    flow: str
    confidence: float
    """0-1, of the intent that governs the turn."""
    answered_by: AnsweredBy


@dataclass
class Turn:
    """A claimed message and what its answer has come to so far."""

    inbox_id: int
    conversation_id: str
    text: str
    kind: str
    payload: dict[str, Any]
    source: str
    """`whatsapp` or `api`."""
    recipient: str
    attempt: int
    """1 for the first."""
    lease_owner: str
    turn_token: int
    conversation_owner: str
    profile: Profile
    person_name: str
    received_at: float
    """UTC seconds; "amanhã" is counted from here."""
    merged_ids: tuple[int, ...] = ()
    """The later messages that this turn answers too (the photos of one album)."""
    attachments: tuple[media.Attached, ...] = ()
    heard: transcripts.Transcript | None = None
    """The voice note that the message is, where somebody hears them."""
    notices: list[Outgoing] = field(default_factory=list)
    """What is said before the answer, and is no answer by itself."""
    outgoing: list[Outgoing] = field(default_factory=list)
    effects: list[effects.Effect] = field(default_factory=list)
    is_poisoned: bool = False
    """Reading the history failed: what follows would start a new conversation."""
    is_committed: bool = False


CURRENT_TURN: ContextVar[Turn | None] = ContextVar("current_turn", default=None)


def is_any_due(connection: Connection, *, now: float) -> bool:
    """Says whether `claim` may find something; it only reads."""
    return connection.execute(_claimable(now).limit(1)).first() is not None


def claim(
    connection: Connection,
    *,
    lease_owner: str,
    now: float,
    lease_s: float,
    burst_s: float = 0.0,
) -> Turn | None:
    """Leases the oldest message whose conversation has none before it.

    Attachments that follow each other are one turn, once no more of them come:
    WhatsApp sends the photos of an album as messages of their own.

    Args:
        connection: inside a writing transaction.
        lease_owner: names this worker; unique a process start.
        now: UTC seconds.
        lease_s: after so many seconds another worker may take the message.
        burst_s: how long after an attachment another one still joins it.
    """
    while True:
        query = _claimable(now).order_by(inbox.c.id).limit(1)
        row = connection.execute(for_update_skip_locked(connection, query)).first()
        if row is None:
            return None
        album = _album(connection, row)
        ready_at = _ready_at(connection, [row, *album], burst_s)
        if ready_at <= now:
            break
        connection.execute(  # later, and the next conversation now
            sa.update(inbox).where(inbox.c.id == row.id).values(next_at=ready_at)
        )
    rows = [row, *album]
    ids = [each.id for each in rows]
    connection.execute(
        sa.update(inbox)
        .where(inbox.c.id.in_(ids))
        .values(
            status="leased",
            lease_owner=lease_owner,
            lease_until=now + lease_s,
            attempts=row.attempts + 1,
        )
    )
    return _turn(connection, rows, lease_owner)


def _claimable(now: float) -> Any:
    waiting = inbox.alias("waiting")
    first_of_each = (
        sa.select(sa.func.min(waiting.c.id))
        .where(has_status(waiting, *INBOX_OPEN))
        .group_by(waiting.c.conversation_id)
    )
    is_open = has_status(inbox, *INBOX_OPEN)
    free = sa.or_(inbox.c.status == "new", inbox.c.lease_until < now)
    return sa.select(inbox).where(
        inbox.c.id.in_(first_of_each), is_open, inbox.c.next_at <= now, free
    )


def _album(connection: Connection, first: Any) -> list[Any]:
    """Returns the attachments that directly follow an attachment."""
    if first.kind not in ALBUM_KINDS:
        return []
    followers = connection.execute(
        sa.select(inbox)
        .where(
            inbox.c.conversation_id == first.conversation_id,
            inbox.c.id > first.id,
            has_status(inbox, *INBOX_OPEN),
        )
        .order_by(inbox.c.id)
        .limit(_LONGEST_ALBUM)
    )
    album = []
    for row in followers:
        if row.kind not in ALBUM_KINDS or row.attempts > first.attempts:
            break
        album.append(row)
    return album


def _ready_at(connection: Connection, rows: list[Any], burst_s: float) -> float:
    """Returns when an album is complete, UTC seconds.

    Something else behind it ends it; so does a first photo that has waited long.
    """
    first, last = rows[0], rows[-1]
    if first.kind not in ALBUM_KINDS or first.attempts:
        return 0.0
    behind = sa.select(inbox.c.id).where(
        inbox.c.conversation_id == first.conversation_id,
        inbox.c.id > last.id,
        has_status(inbox, *INBOX_OPEN),
    )
    if connection.execute(behind.limit(1)).first() is not None:
        return 0.0
    stored_at = max(row.next_at for row in rows)
    complete_at = max(stored_at, last.received_at + burst_s)
    return float(min(complete_at, first.received_at + _LONGEST_BURSTS * burst_s))


def _turn(connection: Connection, rows: list[Any], lease_owner: str) -> Turn:
    row = rows[0]
    talk = connection.execute(
        sa.select(conversation).where(conversation.c.id == row.conversation_id)
    ).one()
    known = people.find_by_address(connection, talk.address)
    return Turn(
        inbox_id=row.id,
        conversation_id=row.conversation_id,
        text="\n".join(each.text for each in rows if each.text.strip()),
        kind=row.kind,
        payload=row.payload,
        source=row.source,
        recipient=row.recipient,
        attempt=row.attempts + 1,
        lease_owner=lease_owner,
        turn_token=talk.turn_token,
        conversation_owner=talk.owner,
        profile=known.profile if known else Profile.UNKNOWN,
        person_name=known.name if known else talk.display_name,
        received_at=row.received_at,
        merged_ids=tuple(each.id for each in rows[1:]),
        attachments=media.attached_to(connection, [each.id for each in rows]),
        heard=transcripts.of_message(connection, row.id),
    )


def commit(connection: Connection, turn: Turn, outcome: Outcome, *, now: float) -> None:
    """Writes answers, effects and "done"; the caller owns the transaction.

    Raises:
        FencedError: the lease was lost; the caller must roll back.
    """
    done = connection.execute(
        sa.update(inbox)
        .where(_is_leased_for(turn))
        .values(
            status="done",
            merged_into=sa.case(
                (inbox.c.id == turn.inbox_id, sa.null()), else_=turn.inbox_id
            ),
            finished_at=now,
            flow=outcome.flow,
            confidence=outcome.confidence,
            answered_by=outcome.answered_by.value,
            profile=turn.profile.value,
        )
    )
    if done.rowcount != 1 + len(turn.merged_ids):
        raise FencedError(f"inbox {turn.inbox_id} was taken by another worker")
    _write_answers(connection, turn, outcome, now=now)
    for ordinal, effect in enumerate(turn.effects):
        effects.apply(
            connection,
            effect,
            effects.Origin(turn.conversation_id, turn.inbox_id, ordinal),
            now=now,
        )
    _file_documents(connection, turn, now=now)


def _file_documents(connection: Connection, turn: Turn, *, now: float) -> None:
    """Lets what a client sent go into the client's folder, whatever it answered.

    Lawyers say where theirs go. A voice is a message and no document, unless it is
    somebody else's, passed on, or was sent as a file: that may be evidence.
    """
    is_voice = turn.kind == "audio" and not any(
        turn.payload.get(name) == mark for name, mark in _PASSED_ON
    )
    sent = [
        each.id
        for each in turn.attachments
        if each.status in {media.KEPT, media.PENDING}
        and not (is_voice and each.media_type.startswith("audio/"))
    ]
    if sent and turn.profile is not Profile.LAWYER:
        effects.apply(
            connection,
            effects.Task(effects.FILING_WORK, {"anexos": sent}),
            effects.Origin(turn.conversation_id, turn.inbox_id, len(turn.effects)),
            now=now,
        )


def _write_answers(
    connection: Connection, turn: Turn, outcome: Outcome, *, now: float
) -> None:
    token = connection.execute(
        sa.select(conversation.c.turn_token).where(
            conversation.c.id == turn.conversation_id
        )
    ).scalar_one()
    if token != turn.turn_token:
        status = "revoked"  # a person took the conversation while Rasa worked
    else:
        status = "returned" if turn.source == "api" else "new"
    bodies = [
        (outgoing, body, outgoing.buttons if is_last else ())
        for outgoing in (*turn.notices, *turn.outgoing)
        for body, is_last in _bodies(turn, outgoing)
    ]
    for ordinal, (outgoing, body, buttons) in enumerate(bodies):
        connection.execute(
            sa.insert(outbox).values(
                inbox_id=turn.inbox_id,
                ordinal=ordinal,
                conversation_id=turn.conversation_id,
                body=body,
                buttons=list(buttons) or None,
                answered_by=(outgoing.answered_by or outcome.answered_by).value,
                turn_token=turn.turn_token,
                token=uuid.uuid4().hex,
                status=status,
                created_at=now,
            )
        )


def _bodies(turn: Turn, outgoing: Outgoing) -> list[tuple[str, bool]]:
    """Returns the parts of a text; the last one has the choices."""
    numbered = (each for each in outgoing.buttons if each.get("type") != TAP_ONLY)
    whole = with_choices(outgoing.text, [each["title"] for each in numbered])
    parts = [whole] if turn.source == "api" else split(whole)
    return [(part, number == len(parts)) for number, part in enumerate(parts, start=1)]


def is_form_open(connection: Connection, conversation_id: str) -> bool:
    """Says whether a form of Rasa's waits for an answer."""
    newest = connection.execute(
        sa.select(events.c.action_name)
        .where(events.c.sender_id == conversation_id, events.c.type_name == _LOOP)
        .order_by(events.c.id.desc())
        .limit(1)
    ).scalar()
    return newest is not None


def fail(
    connection: Connection, turn: Turn, *, retry_at: float | None, error: str
) -> bool:
    """Gives a message back for another try; False if the lease was lost.

    Args:
        connection: inside a writing transaction.
        turn: the turn that failed.
        retry_at: UTC seconds from which it may be claimed again; None lets the
            caller end it with `commit` and changes nothing.
        error: short reason for the people who run this; no message text.
    """
    values: dict[str, Any] = {"error": error[:200]}
    if retry_at is not None:
        values |= {"status": "new", "next_at": retry_at, "lease_owner": None}
    changed = connection.execute(
        sa.update(inbox).where(_is_leased_for(turn)).values(**values)
    )
    return bool(changed.rowcount)


def _is_leased_for(turn: Turn) -> sa.ColumnElement[bool]:
    return sa.and_(
        inbox.c.id.in_((turn.inbox_id, *turn.merged_ids)),
        inbox.c.lease_owner == turn.lease_owner,
        inbox.c.attempts == turn.attempt,
        inbox.c.status == "leased",
    )


def mark_dead(connection: Connection, turn: Turn) -> None:
    """Turns a committed apology's message into `dead`, visible to the office."""
    ids = (turn.inbox_id, *turn.merged_ids)
    connection.execute(
        sa.update(inbox).where(inbox.c.id.in_(ids)).values(status="dead")
    )


def owners(connection: Connection) -> set[str]:
    """Returns the workers that have messages leased, alive or not."""
    query = sa.select(inbox.c.lease_owner).where(has_status(inbox, "leased")).distinct()
    return {str(owner) for owner in connection.execute(query).scalars()}


def reclaim(connection: Connection, *, lease_owner: str) -> int:
    """Frees what a worker that died had leased; the attempts count.

    A message that ends its process time and again must not be run for ever.
    """
    changed = connection.execute(
        sa.update(inbox)
        .where(inbox.c.status == "leased", inbox.c.lease_owner == lease_owner)
        .values(status="new", lease_owner=None)
    )
    return int(changed.rowcount)


def release(connection: Connection, *, lease_owner: str) -> int:
    """Gives back what a worker had leased; returns how many messages."""
    changed = connection.execute(
        sa.update(inbox)
        .where(inbox.c.status == "leased", inbox.c.lease_owner == lease_owner)
        .values(status="new", lease_owner=None, attempts=inbox.c.attempts - 1)
    )
    return int(changed.rowcount)

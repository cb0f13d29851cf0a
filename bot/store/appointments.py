"""The lawyers' calendars: a time is held while a person decides, then booked.

Of one lawyer no two active appointments overlap, whoever asks at the same time:
what checks and then writes takes the lawyer's lock first. Active is what is
booked (`marcada`) or held (`reservada`) for some time yet. Two exceptions: a
person's own appointment that is being moved may overlap its successor, and a
lawyer may put a commitment over anything.
"""

from __future__ import annotations

import uuid
import zlib
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.store.schema import appointment

HELD, BOOKED = "reservada", "marcada"
CANCELLED, MOVED, RELEASED = "cancelada", "remarcada", "liberada"
MEETING, COMMITMENT = "consulta", "compromisso"
HOLD_S = 600
"""Ten minutes to say yes to a time."""
_LOCKS = 0x41475452
"""First key of our advisory locks in PostgreSQL, apart from any other's."""


@dataclass(frozen=True)
class Facts:
    """What is known of an appointment besides its time."""

    kind: str = MEETING
    """`consulta`, or `compromisso`: a lawyer's own."""
    title: str = ""
    """Names a commitment: `Audiência na 3ª Vara`."""
    modality: str | None = None
    """`online` or `presencial`."""
    area: str | None = None
    """Slug of an area of law."""
    subject: str = ""
    person_name: str = ""
    cpf: str | None = None
    """11 digits."""
    email: str | None = None
    inbox_id: int | None = None
    """The message that it comes from."""


@dataclass(frozen=True)
class Appointment:
    """A stretch of a lawyer's calendar."""

    id: int
    conversation_id: str
    lawyer: str
    """Name in the office's file."""
    starts_at: float
    """UTC seconds, as all times here."""
    ends_at: float
    status: str
    """`reservada`, `marcada`, `cancelada`, `remarcada` or `liberada`."""
    held_until: float | None
    facts: Facts
    created_at: float
    updated_at: float
    event_key: str = ""
    """Id of its event in an outside calendar; "" until it is booked."""
    event_place: str = ""
    """Where that event stands: keeper and calendar, `google:ana@…`; "" for nowhere."""
    event_link: str = ""
    meeting_link: str = ""
    confirmed_at: float | None = None
    """When the person said that they will come."""

    def is_active(self, now: float) -> bool:
        """Says whether it takes the lawyer's time."""
        is_held = self.status == HELD and (self.held_until or 0.0) > now
        return is_held or self.status == BOOKED


def busy(  # noqa: PLR0913 - a stretch of one calendar, and what not to count
    connection: Connection,
    *,
    lawyer: str,
    first: float,
    last: float,
    now: float,
    except_conversation: str | None = None,
    except_id: int | None = None,
) -> list[tuple[float, float]]:
    """Returns what is taken of a lawyer between two moments, earliest first.

    Args:
        connection: any.
        lawyer: name in the office's file.
        first: from then on, UTC seconds.
        last: until then.
        now: holds that ended before do not count.
        except_conversation: whose own holds do not count: they are its choice yet.
        except_id: an appointment that does not count, as it is being moved.
    """
    found = _active(connection, lawyer, first, last, now)
    return [
        (each.starts_at, each.ends_at)
        for each in found
        if each.id != except_id
        and not (each.status == HELD and each.conversation_id == except_conversation)
    ]


def hold(  # noqa: PLR0913 - the slot, for whom, and for how long
    connection: Connection,
    *,
    conversation_id: str,
    lawyer: str,
    starts_at: float,
    ends_at: float,
    now: float,
    hold_s: float = HOLD_S,
    moves: int | None = None,
    facts: Facts | None = None,
) -> int | None:
    """Keeps a time free for a conversation; None where somebody has it.

    Asked again for the same slot, a conversation gets the same id, held anew. It
    has one hold at most: a new one releases the old, a refused one does not.

    Args:
        connection: inside a writing transaction.
        conversation_id: for whom.
        lawyer: name in the office's file.
        starts_at: UTC seconds.
        ends_at: UTC seconds.
        now: UTC seconds.
        hold_s: how long the time is kept.
        moves: id of the conversation's own appointment that this one is to
            replace; it may overlap.
        facts: what else is known; None for nothing yet.
    """
    _lock(connection, lawyer)
    for each in _active(connection, lawyer, starts_at, ends_at, now):
        is_own = each.conversation_id == conversation_id
        if not (is_own and (each.status == HELD or each.id == moves)):
            return None
    own = _holds(connection, conversation_id)
    slot = (lawyer, starts_at, ends_at)
    same = next(
        (each for each in own if (each.lawyer, each.starts_at, each.ends_at) == slot),
        None,
    )
    for each in own:
        if each is not same:
            _set(connection, each.id, RELEASED, now)
    values: dict[str, Any] = {"held_until": now + hold_s, "updated_at": now}
    values |= asdict(facts) if facts else {}
    if same:
        connection.execute(
            sa.update(appointment).where(appointment.c.id == same.id).values(**values)
        )
        return same.id
    made = connection.execute(
        sa.insert(appointment).values(
            conversation_id=conversation_id,
            lawyer=lawyer,
            starts_at=starts_at,
            ends_at=ends_at,
            status=HELD,
            created_at=now,
            **values,
        )
    )
    key: Any = made.inserted_primary_key
    return int(key[0])


def book(
    connection: Connection,
    appointment_id: int,
    *,
    conversation_id: str,
    now: float,
    moves: int | None = None,
) -> bool:
    """Books what a conversation held; False where the time is lost.

    A hold that ran out is booked all the same while nobody has taken its time.
    Booking again, or what was cancelled or moved since, changes nothing.

    Args:
        connection: inside a writing transaction.
        appointment_id: the hold.
        conversation_id: whose hold it must be.
        now: UTC seconds.
        moves: the conversation's appointment that this one replaces; it becomes
            `remarcada`, and stays as it is where the time is lost.
    """
    wanted = get(connection, appointment_id)
    if wanted is None or wanted.conversation_id != conversation_id:
        return False
    _lock(connection, wanted.lawyer)
    wanted = _read(connection, appointment_id)
    if wanted.status in {HELD, RELEASED}:
        around = _active(
            connection, wanted.lawyer, wanted.starts_at, wanted.ends_at, now
        )
        own = {appointment_id}
        if moves is not None:
            own.add(moves)
        if any(
            each.id not in own or each.conversation_id != conversation_id
            for each in around
        ):
            return False
        _set(connection, appointment_id, BOOKED, now)
        _name_event(connection, appointment_id, moves)
    elif wanted.status != BOOKED:
        return True
    old = get(connection, moves) if moves is not None else None
    if old and old.conversation_id == conversation_id and old.status == BOOKED:
        _set(connection, old.id, MOVED, now)
    return True


def _name_event(connection: Connection, appointment_id: int, moves: int | None) -> None:
    """Gives an appointment the event of the one that it replaces, or a new one."""
    old = get(connection, moves) if moves is not None else None
    values = {
        "event_key": old.event_key if old and old.event_key else uuid.uuid4().hex,
        "event_place": old.event_place if old else None,
        "event_link": old.event_link if old else "",
        "meeting_link": old.meeting_link if old else "",
    }
    connection.execute(
        sa.update(appointment)
        .where(appointment.c.id == appointment_id)
        .values(**values)
    )


def with_event(connection: Connection, event_key: str) -> Appointment | None:
    """Returns the appointment that an event stands for now: the newest of its."""
    found = _listed(connection, appointment.c.event_key == event_key)
    return max(found, key=lambda each: each.id, default=None)


def events_outside(connection: Connection, *, keeper: str, now: float) -> list[str]:
    """Returns the events to come that do not stand at a keeper, the soonest first.

    Args:
        connection: any.
        keeper: `google` or `local`.
        now: UTC seconds.
    """
    found = _listed(
        connection, appointment.c.status == BOOKED, appointment.c.ends_at > now
    )
    keys = [
        each.event_key
        for each in found
        if not each.event_place.startswith(f"{keeper}:")
    ]
    return [each for each in keys if each]


def note_event(
    connection: Connection,
    event_key: str,
    *,
    place: str,
    link: str = "",
    meeting_link: str = "",
) -> None:
    """Keeps where an event stands now; "" for nowhere any more."""
    connection.execute(
        sa.update(appointment)
        .where(appointment.c.event_key == event_key)
        .values(event_place=place or None, event_link=link, meeting_link=meeting_link)
    )


def give_back(connection: Connection, appointment_id: int, *, now: float) -> bool:
    """Cancels what was booked over something foreign; False where it is not booked."""
    changed = connection.execute(
        sa.update(appointment)
        .where(appointment.c.id == appointment_id, appointment.c.status == BOOKED)
        .values(status=CANCELLED, updated_at=now)
    )
    return bool(changed.rowcount)


def cancel(
    connection: Connection, appointment_id: int, *, conversation_id: str, now: float
) -> bool:
    """Cancels a conversation's appointment, or releases its hold.

    Returns:
        False where the conversation has no such appointment.
    """
    found = get(connection, appointment_id)
    if found is None or found.conversation_id != conversation_id:
        return False
    if found.status == BOOKED:
        _set(connection, found.id, CANCELLED, now)
    elif found.status == HELD:
        _set(connection, found.id, RELEASED, now)
    return True


def commit_time(  # noqa: PLR0913 - a stretch of a calendar and what it is for
    connection: Connection,
    *,
    conversation_id: str,
    inbox_id: int | None,
    lawyer: str,
    title: str,
    starts_at: float,
    ends_at: float,
    now: float,
) -> str:
    """Puts a lawyer's own commitment on the calendar; doing it again adds nothing.

    It may overlap what stands there: the lawyer was shown the clash and decided.

    Returns:
        The id of its event in an outside calendar.
    """
    same = sa.select(appointment.c.event_key).where(
        appointment.c.inbox_id == inbox_id,
        appointment.c.lawyer == lawyer,
        appointment.c.starts_at == starts_at,
        appointment.c.title == title,
    )
    known = connection.execute(same).scalar() if inbox_id is not None else None
    if known:
        return str(known)
    event_key = uuid.uuid4().hex
    connection.execute(
        sa.insert(appointment).values(
            event_key=event_key,
            conversation_id=conversation_id,
            lawyer=lawyer,
            starts_at=starts_at,
            ends_at=ends_at,
            status=BOOKED,
            created_at=now,
            updated_at=now,
            **asdict(Facts(kind=COMMITMENT, title=title, inbox_id=inbox_id)),
        )
    )
    return event_key


def of_conversation(
    connection: Connection, conversation_id: str, *, now: float
) -> list[Appointment]:
    """Returns a conversation's booked appointments that are not over, soonest first.

    A lawyer's own commitments are none.
    """
    return _listed(
        connection,
        appointment.c.conversation_id == conversation_id,
        appointment.c.kind == MEETING,
        appointment.c.status == BOOKED,
        appointment.c.ends_at > now,
    )


def between(
    connection: Connection, *, first: float, last: float, lawyer: str | None = None
) -> list[Appointment]:
    """Returns what is booked and begins in [first, last), soonest first.

    Args:
        connection: any.
        first: UTC seconds.
        last: UTC seconds.
        lawyer: whose calendar; None for the whole office's.
    """
    of_lawyer = [appointment.c.lawyer == lawyer] if lawyer is not None else []
    return _listed(
        connection,
        *of_lawyer,
        appointment.c.status == BOOKED,
        appointment.c.starts_at >= first,
        appointment.c.starts_at < last,
    )


def overlapping(
    connection: Connection, *, first: float, last: float
) -> list[Appointment]:
    """Returns what is booked and takes any of [first, last), UTC seconds."""
    return _listed(
        connection,
        appointment.c.status == BOOKED,
        appointment.c.starts_at < last,
        appointment.c.ends_at > first,
    )


def get(connection: Connection, appointment_id: int) -> Appointment | None:
    """Returns an appointment by its id, whatever its status."""
    found = _listed(connection, appointment.c.id == appointment_id)
    return found[0] if found else None


def _read(connection: Connection, appointment_id: int) -> Appointment:
    (found,) = _listed(connection, appointment.c.id == appointment_id)
    return found


def _holds(connection: Connection, conversation_id: str) -> list[Appointment]:
    return _listed(
        connection,
        appointment.c.conversation_id == conversation_id,
        appointment.c.status == HELD,
    )


def _active(
    connection: Connection, lawyer: str, first: float, last: float, now: float
) -> list[Appointment]:
    """Returns what takes a lawyer's time in [first, last), earliest first."""
    found = _listed(
        connection,
        appointment.c.lawyer == lawyer,
        appointment.c.status.in_([HELD, BOOKED]),
        appointment.c.starts_at < last,
        appointment.c.ends_at > first,
    )
    return [each for each in found if each.is_active(now)]


def _listed(
    connection: Connection, *conditions: sa.ColumnElement[bool]
) -> list[Appointment]:
    query = (
        sa.select(appointment)
        .where(*conditions)
        .order_by(appointment.c.starts_at, appointment.c.id)
    )
    return [_appointment(row) for row in connection.execute(query)]


def _appointment(row: Any) -> Appointment:
    return Appointment(
        id=row.id,
        conversation_id=row.conversation_id,
        lawyer=row.lawyer,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        status=row.status,
        held_until=row.held_until,
        facts=Facts(
            kind=row.kind,
            title=row.title,
            modality=row.modality,
            area=row.area,
            subject=row.subject,
            person_name=row.person_name,
            cpf=row.cpf,
            email=row.email,
            inbox_id=row.inbox_id,
        ),
        created_at=row.created_at,
        updated_at=row.updated_at,
        event_key=row.event_key or "",
        event_place=row.event_place or "",
        event_link=row.event_link,
        meeting_link=row.meeting_link,
        confirmed_at=row.confirmed_at,
    )


def _set(connection: Connection, appointment_id: int, status: str, now: float) -> None:
    connection.execute(
        sa.update(appointment)
        .where(appointment.c.id == appointment_id)
        .values(status=status, held_until=None, updated_at=now)
    )


def _lock(connection: Connection, lawyer: str) -> None:
    """Makes others who write in this lawyer's calendar wait until the commit.

    SQLite's writer is alone already.
    """
    if connection.dialect.name == "sqlite":
        return
    key = zlib.crc32(lawyer.encode()) - 2**31  # PostgreSQL's integers have a sign
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCKS, key)))

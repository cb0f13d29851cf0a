"""Reminders of appointments: planned with the booking, said at their time, answered.

A reminder is a row of the outbox that names its appointment. Planning, saying and
confirming each happen in the transaction of what asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.core import reminding
from bot.core.reminding import Lead
from bot.core.rendering import with_choices
from bot.store import appointments, jobs, notices
from bot.store.appointments import BOOKED, MEETING, Appointment
from bot.store.schema import appointment, conversation, outbox

WORK = "lembrete"
"""Kind of the job that says one."""
PURPOSE = "lembrete"
"""`purpose` of its row in the outbox."""
_SEEN = ("sent", "delivered", "read", "unknown", "sending", "returned")


def plan(connection: Connection, appointment_id: int, *, now: float) -> None:
    """Adds the jobs that will remind of a booked appointment; again adds nothing.

    Each names the hour that it is about: a row never changes its hour, but what it
    reminds of must be what was booked.
    """
    booked = appointments.get(connection, appointment_id)
    if booked is None or booked.status != BOOKED or booked.facts.kind != MEETING:
        return
    for lead, at in reminding.due(booked.starts_at, now=now).items():
        jobs.add(
            connection,
            key=f"consulta:{booked.id}:lembrete:{lead}",
            kind=WORK,
            facts={"consulta": booked.id, "antes": lead, "inicio": booked.starts_at},
            now=now,
            not_before=at,
            conversation_id=booked.conversation_id,
        )


def wanted(
    connection: Connection,
    appointment_id: int,
    *,
    starts_at: float,
    lead: Lead,
    now: float,
) -> Appointment | None:
    """Returns the appointment to remind of; None where there is nothing to say.

    It is still booked for that hour, the hour is not too near, and its person has
    not asked for silence.
    """
    found = appointments.get(connection, appointment_id)
    if found is None or found.status != BOOKED or found.starts_at != starts_at:
        return None
    mine = conversation.c.id == found.conversation_id
    query = sa.select(conversation.c.opted_out_at).where(mine)
    is_silent = connection.execute(query).scalar() is not None
    is_late = starts_at - now <= lead.least_s
    return None if is_silent or is_late else found


def say(
    connection: Connection,
    booked: Appointment,
    text: str,
    *,
    variables: Mapping[str, str],
    not_after: float,
    now: float,
) -> bool:
    """Puts a reminder into the outbox; False where there is nobody to send it to.

    Args:
        connection: inside the transaction that ends the job.
        booked: what it is about; who confirmed is not asked again.
        text: without the options.
        variables: of the approved template, for who wrote more than a day ago.
        not_after: until when it may be sent, UTC seconds.
        now: UTC seconds.
    """
    inbox_id = notices.newest_over(connection, booked.conversation_id)
    if inbox_id is None:
        return False
    options = [] if booked.confirmed_at else reminding.options(booked.id)
    notices.add(
        connection,
        inbox_id,
        with_choices(text, [each["title"] for each in options]),
        buttons=options,
        now=now,
        purpose=PURPOSE,
        template_variables=dict(variables),
        not_after=not_after,
        appointment_id=booked.id,
    )
    return True


def is_void(
    connection: Connection,
    *,
    appointment_id: int | None,
    not_after: float | None,
    now: float,
) -> bool:
    """Says whether a waiting message is not to be sent any more: too late, or moved."""
    if not_after is not None and now > not_after:
        return True
    if appointment_id is None:
        return False
    found = appointments.get(connection, appointment_id)
    return found is None or found.status != BOOKED


@dataclass(frozen=True)
class Reminded:
    """What a person was reminded of."""

    appointment_id: int
    is_last_word: bool
    """Nothing else was said since, or the message quotes the reminder."""


def reminded(
    connection: Connection, conversation_id: str, *, at: float, quoted_sid: str = ""
) -> Reminded | None:
    """Returns what a message may be an answer to; None where no reminder stands.

    Args:
        connection: any.
        conversation_id: whose.
        at: when the message came, UTC seconds; what left later was not seen yet.
        quoted_sid: the provider's id of our message that it quotes, or "".
    """
    said_at = sa.func.coalesce(outbox.c.started_at, outbox.c.created_at)
    query = (
        sa.select(outbox.c.id, outbox.c.appointment_id)
        .where(
            outbox.c.conversation_id == conversation_id,
            outbox.c.status.in_(_SEEN),
            said_at <= at,
        )
        .order_by(said_at.desc(), outbox.c.id.desc())
    )
    is_reminder = outbox.c.appointment_id.is_not(None)
    quoted = sa.and_(is_reminder, outbox.c.provider_sid == quoted_sid)
    row = connection.execute(query.where(quoted)).first() if quoted_sid else None
    newest = row or connection.execute(query.limit(1)).first()
    row = row or connection.execute(query.where(is_reminder).limit(1)).first()
    if newest is None or row is None:
        return None
    found = appointments.get(connection, row.appointment_id)
    if found is None or found.status != BOOKED or found.ends_at <= at:
        return None
    return Reminded(found.id, is_last_word=newest.id == row.id)


def confirm(
    connection: Connection, appointment_id: int, *, conversation_id: str, now: float
) -> None:
    """Keeps that a person will come; the first time counts."""
    connection.execute(
        sa.update(appointment)
        .where(
            appointment.c.id == appointment_id,
            appointment.c.conversation_id == conversation_id,
            appointment.c.status == BOOKED,
            appointment.c.confirmed_at.is_(None),
        )
        .values(confirmed_at=now)
    )

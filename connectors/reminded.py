"""Whether a message answers a reminder of an appointment, and what it says.

The reminder is no part of Rasa's conversation: what was said last is looked up in the
outbox, and what a plain answer means is decided before anybody else reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection

from bot.core.reminder_replies import (
    INTENT_OF,
    Reply,
    is_explicit,
    names_another_time,
    reply_to_reminder,
)
from bot.store import appointments, reminders
from bot.store.effects import AppointmentChange, Effect
from bot.store.turns import Turn
from connectors.choices import Choice
from connectors.payload import quoted_sid

_BY_INTENT = {intent: reply for reply, intent in INTENT_OF.items()}


@dataclass(frozen=True)
class Asked:
    """An appointment, as the answer to a reminder of it."""

    appointment_id: int
    reply: Reply | None
    """None where only the message's intent can tell."""

    def to_json(self) -> dict[str, Any]:
        """Returns it as the actions read it: `{"consulta": 7, "resposta": "nao"}`."""
        reply = self.reply.value if self.reply else ""
        return {"consulta": self.appointment_id, "resposta": reply}


def asked_by_reminder(
    connection: Connection,
    turn: Turn,
    choice: Choice | None,
    *,
    is_in_form: bool,
    zone: ZoneInfo,
) -> Asked | None:
    """Returns the appointment that a message answers a reminder of, or None.

    A tap is good for ever. Words are, while the reminder was the last thing said;
    after other talk only those that name it ("confirmo"), and never where a form has
    asked something since.
    """
    if choice is not None and choice.appointment_id is not None:
        return Asked(choice.appointment_id, _BY_INTENT.get(choice.intent))
    if choice is not None or turn.kind not in {"text", "audio"}:
        return None
    found = reminders.reminded(
        connection,
        turn.conversation_id,
        at=turn.received_at,
        quoted_sid=quoted_sid(turn.payload),
    )
    if found is None:
        return None
    reply = reply_to_reminder(turn.text)
    if reply and _is_another_time(connection, turn, found.appointment_id, zone):
        reply = None
    if found.is_last_word:
        return Asked(found.appointment_id, reply)
    is_meant = reply is not None and is_explicit(turn.text) and not is_in_form
    return Asked(found.appointment_id, reply) if is_meant else None


def confirmation(asked: Asked | None) -> list[Effect]:
    """Returns what keeps a plain yes where the robot does not answer."""
    if asked is None or asked.reply is not Reply.CONFIRM:
        return []
    return [AppointmentChange("confirmar", asked.appointment_id)]


def _is_another_time(
    connection: Connection, turn: Turn, appointment_id: int, zone: ZoneInfo
) -> bool:
    booked = appointments.get(connection, appointment_id)
    if booked is None:
        return True
    return names_another_time(
        turn.text,
        datetime.fromtimestamp(booked.starts_at, zone),
        datetime.fromtimestamp(turn.received_at, zone),
    )

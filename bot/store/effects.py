"""What a turn leaves behind for the office, written in the turn's transaction.

Actions do not write these themselves: they attach them to an utterance, as
`efeitos=[{"tipo": "passagem", "motivo": "…"}]`, so that a turn that is tried
again leaves them once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.store import appointments, jobs, reminders, review, transcripts
from bot.store.database import insert_or_ignore
from bot.store.schema import conversation, handoff, request


@dataclass(frozen=True)
class Handoff:
    """A person of the office is asked to take this conversation."""

    reason: str
    """Flow or cause, as `falar_com_advogado` or `turno_falhou`."""
    is_urgent: bool = False
    note: str = ""


@dataclass(frozen=True)
class Request:
    """Something that a flow collected for the office."""

    kind: str
    """The flow's name."""
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class OwnerChange:
    """A conversation goes from the robot to a person, or back."""

    conversation_id: str
    owner: str
    """`robo` or `pessoa`."""


@dataclass(frozen=True)
class AppointmentChange:
    """Something becomes of an appointment of the turn's own conversation."""

    action: str
    """`marcar`, `cancelar`, `remarcar` or `confirmar`: the person will come."""
    id: int
    """The appointment; for `marcar`, the hold."""
    new_id: int | None = None
    """For `remarcar`, the hold that takes its place."""


@dataclass(frozen=True)
class Commitment:
    """A lawyer's own event on the calendar."""

    lawyer: str
    title: str
    starts_at: float
    """UTC seconds."""
    ends_at: float


@dataclass(frozen=True)
class Draft:
    """What the model wrote, for a person to send or to throw away."""

    text: str
    sources: tuple[str, ...]
    """Ids of the office's texts that it rests on."""


@dataclass(frozen=True)
class Example:
    """The flow that the model took the message for; training may learn it."""

    intent: str


@dataclass(frozen=True)
class Task:
    """Work in an outside service, done after the turn and once."""

    kind: str
    """A handler of `actions.work`, as `planilha`."""
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class NoteChecked:
    """A person is asked whether voice notes were heard right, or says so."""

    inbox_ids: tuple[int, ...]
    """Their messages."""
    word: str
    """`perguntado`, `confirmado` or `negado`."""


Effect = (
    Handoff
    | Request
    | OwnerChange
    | AppointmentChange
    | Commitment
    | Draft
    | Example
    | Task
    | NoteChecked
)

_LONGEST_NOTE = 2000
"""Characters; beyond it a further reason stands without its note."""
CALENDAR_WORK = "agenda"
"""The job that brings an outside calendar to what an appointment says now."""
FILING_WORK = "documentos"
"""The job that puts what a client sent into the client's folder."""
LOST_TIME = "horario_perdido"
"""Reason of the handoff where a time was taken before it could be booked."""


@dataclass(frozen=True)
class Origin:
    """The turn that an effect comes from."""

    conversation_id: str
    inbox_id: int | None
    ordinal: int


def parse(raw: Mapping[str, Any]) -> Effect:
    """Reads an effect as an action attached it.

    Raises:
        ValueError: the kind is unknown or a field is missing.
    """
    kind = raw.get("tipo")
    try:
        read = _READERS[str(kind)]
    except KeyError as error:
        raise ValueError(f"unknown effect {kind!r}") from error
    try:
        return read(raw)
    except KeyError as error:
        raise ValueError(f"effect {kind!r} lacks {error}") from error


def _handoff(raw: Mapping[str, Any]) -> Handoff:
    return Handoff(
        reason=str(raw["motivo"]),
        is_urgent=bool(raw.get("urgente", False)),
        note=str(raw.get("nota", "")),
    )


def _owner(raw: Mapping[str, Any]) -> OwnerChange:
    if raw["dono"] not in {"robo", "pessoa"}:
        raise ValueError(f"effect 'dono' with unknown owner {raw['dono']!r}")
    return OwnerChange(str(raw["conversa"]), str(raw["dono"]))


def _appointment_change(raw: Mapping[str, Any]) -> AppointmentChange:
    action = str(raw["acao"])
    if action == "remarcar":
        return AppointmentChange(action, int(raw["id"]), int(raw["nova"]))
    if action not in {"marcar", "cancelar", "confirmar"}:
        raise ValueError(f"effect 'consulta' with unknown change {action!r}")
    return AppointmentChange(action, int(raw["id"]))


def _commitment(raw: Mapping[str, Any]) -> Commitment:
    return Commitment(
        lawyer=str(raw["advogado"]),
        title=str(raw["titulo"]),
        starts_at=float(raw["inicio"]),
        ends_at=float(raw["fim"]),
    )


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Effect]] = {
    "passagem": _handoff,
    "pedido": lambda raw: Request(kind=str(raw["fluxo"]), facts=dict(raw["dados"])),
    "dono": _owner,
    "consulta": _appointment_change,
    "compromisso": _commitment,
    "rascunho": lambda raw: Draft(str(raw["texto"]), tuple(map(str, raw["fontes"]))),
    "exemplo": lambda raw: Example(str(raw["fluxo"])),
    "trabalho": lambda raw: Task(str(raw["trabalho"]), dict(raw["dados"])),
}


def apply(
    connection: Connection, effect: Effect, origin: Origin, *, now: float
) -> None:
    """Writes one effect; doing it again for the same origin changes nothing."""
    if isinstance(effect, Handoff):
        _open_handoff(connection, effect, origin, now=now)
    elif isinstance(effect, Request):
        connection.execute(
            insert_or_ignore(connection, request).values(
                conversation_id=origin.conversation_id,
                inbox_id=origin.inbox_id,
                ordinal=origin.ordinal,
                kind=effect.kind,
                facts=dict(effect.facts),
                created_at=now,
            )
        )
    elif isinstance(effect, OwnerChange):
        _change_owner(connection, effect, now=now)
    elif isinstance(effect, (Draft, Example)):
        _keep_for_review(connection, effect, origin, now=now)
    elif isinstance(effect, Task):
        _add_job(connection, effect.kind, effect.facts, origin, now=now)
    elif isinstance(effect, NoteChecked):
        for inbox_id in effect.inbox_ids:
            transcripts.note_question(connection, inbox_id, effect.word)
    elif isinstance(effect, Commitment):
        event_key = appointments.commit_time(
            connection,
            conversation_id=origin.conversation_id,
            inbox_id=origin.inbox_id,
            lawyer=effect.lawyer,
            title=effect.title,
            starts_at=effect.starts_at,
            ends_at=effect.ends_at,
            now=now,
        )
        _follow_event(connection, event_key, origin, now=now)
    else:
        _change_appointment(connection, effect, origin, now=now)


def _add_job(
    connection: Connection,
    kind: str,
    facts: Mapping[str, Any],
    origin: Origin,
    *,
    now: float,
) -> None:
    """Adds a job that the turn asked for; a terminal without messages asks for none."""
    if origin.inbox_id is None:
        return
    jobs.add(
        connection,
        key=f"{origin.inbox_id}:{kind}:{origin.ordinal}",
        kind=kind,
        facts=facts,
        now=now,
        conversation_id=origin.conversation_id,
        inbox_id=origin.inbox_id,
    )


def _keep_for_review(
    connection: Connection, effect: Draft | Example, origin: Origin, *, now: float
) -> None:
    if isinstance(effect, Example):
        review.keep_example(
            connection, inbox_id=origin.inbox_id, intent=effect.intent, now=now
        )
        return
    review.keep_draft(
        connection,
        conversation_id=origin.conversation_id,
        inbox_id=origin.inbox_id,
        text=effect.text,
        sources=effect.sources,
        now=now,
    )


def _change_appointment(
    connection: Connection, effect: AppointmentChange, origin: Origin, *, now: float
) -> None:
    mine = origin.conversation_id
    if effect.action == "confirmar":
        reminders.confirm(connection, effect.id, conversation_id=mine, now=now)
        return
    if effect.action == "cancelar":
        appointments.cancel(connection, effect.id, conversation_id=mine, now=now)
        _follow_appointment(connection, effect.id, origin, now=now)
        return
    hold_id, moves = effect.id, None
    if effect.new_id is not None:
        hold_id, moves = effect.new_id, effect.id
    is_booked = appointments.book(
        connection, hold_id, conversation_id=mine, now=now, moves=moves
    )
    if not is_booked:  # the person was told that it is booked
        _open_handoff(connection, Handoff(LOST_TIME), origin, now=now)
        return
    _follow_appointment(connection, hold_id, origin, now=now)
    reminders.plan(connection, hold_id, now=now)


def _follow_appointment(
    connection: Connection, appointment_id: int, origin: Origin, *, now: float
) -> None:
    changed = appointments.get(connection, appointment_id)
    if changed is not None and changed.conversation_id == origin.conversation_id:
        _follow_event(connection, changed.event_key, origin, now=now)


def _follow_event(
    connection: Connection, event_key: str, origin: Origin, *, now: float
) -> None:
    """Lets the outside calendar follow what has become of an appointment."""
    if event_key:
        facts = {"evento": event_key}
        _add_job(connection, CALENDAR_WORK, facts, origin, now=now)


def _open_handoff(
    connection: Connection, effect: Handoff, origin: Origin, *, now: float
) -> None:
    """Opens a handoff, or adds to the one that is open; the same again changes nothing.

    The row lock keeps a second one from being written over the first.
    """
    is_open = sa.and_(
        handoff.c.conversation_id == origin.conversation_id,
        handoff.c.closed_at.is_(None),
    )
    opening = insert_or_ignore(connection, handoff).values(
        conversation_id=origin.conversation_id,
        inbox_id=origin.inbox_id,
        reason=effect.reason,
        is_urgent=effect.is_urgent,
        note=effect.note,
        created_at=now,
    )
    row = None
    while row is None:  # somebody may close it between the two statements
        if connection.execute(opening).rowcount:
            return
        query = sa.select(handoff).where(is_open).with_for_update()
        row = connection.execute(query).first()
    connection.execute(
        sa.update(handoff)
        .where(handoff.c.id == row.id)
        .values(
            is_urgent=row.is_urgent or effect.is_urgent,
            note=_with_reason(row.reason, row.note, effect),
        )
    )


def is_handoff_open(connection: Connection, conversation_id: str) -> bool:
    """Says whether a person has been asked for and has not given back."""
    query = sa.select(handoff.c.id).where(
        handoff.c.conversation_id == conversation_id, handoff.c.closed_at.is_(None)
    )
    return connection.execute(query.limit(1)).first() is not None


def _with_reason(reason: str, note: str, effect: Handoff) -> str:
    """Returns an open handoff's note with one more reason, if it is not in it.

    >>> _with_reason("reclamar", "", Handoff("relatar_urgencia", note="preso"))
    ' + relatar_urgencia: preso'
    """
    whole = f" + {effect.reason}: {effect.note}".removesuffix(": ")
    if whole in note or (reason == effect.reason and effect.note in note):
        return note
    if len(note) + len(whole) <= _LONGEST_NOTE:
        return note + whole
    short = f" + {effect.reason}"
    return note if short in note else note + short


def _change_owner(connection: Connection, effect: OwnerChange, *, now: float) -> None:
    connection.execute(
        sa.update(conversation)
        .where(
            conversation.c.id == effect.conversation_id,
            conversation.c.owner != effect.owner,
        )
        .values(owner=effect.owner, turn_token=conversation.c.turn_token + 1)
    )
    if effect.owner == "robo":
        connection.execute(
            sa.update(handoff)
            .where(
                handoff.c.conversation_id == effect.conversation_id,
                handoff.c.closed_at.is_(None),
            )
            .values(closed_at=now)
        )

"""What a turn leaves behind for the office, written in the turn's transaction.

Actions do not write these themselves: they attach them to an utterance, as
`efeitos=[{"tipo": "passagem", "motivo": "…"}]`, so that a turn that is tried
again leaves them once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

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


Effect = Handoff | Request | OwnerChange


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
        if kind == "passagem":
            return Handoff(
                reason=str(raw["motivo"]),
                is_urgent=bool(raw.get("urgente", False)),
                note=str(raw.get("nota", "")),
            )
        if kind == "pedido":
            return Request(kind=str(raw["fluxo"]), facts=dict(raw["dados"]))
        if kind == "dono" and raw["dono"] in {"robo", "pessoa"}:
            return OwnerChange(str(raw["conversa"]), str(raw["dono"]))
    except KeyError as error:
        raise ValueError(f"effect {kind!r} lacks {error}") from error
    raise ValueError(f"unknown effect {kind!r}")


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
    else:
        _change_owner(connection, effect, now=now)


def _open_handoff(
    connection: Connection, effect: Handoff, origin: Origin, *, now: float
) -> None:
    connection.execute(
        insert_or_ignore(connection, handoff).values(
            conversation_id=origin.conversation_id,
            inbox_id=origin.inbox_id,
            reason=effect.reason,
            is_urgent=effect.is_urgent,
            note=effect.note,
            created_at=now,
        )
    )
    if effect.is_urgent:  # one that already waits becomes urgent
        connection.execute(
            sa.update(handoff)
            .where(
                handoff.c.conversation_id == origin.conversation_id,
                handoff.c.closed_at.is_(None),
            )
            .values(is_urgent=True)
        )


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

"""What a tap, a number or a title says, given what we offered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from bot.core.heard_replies import ABOUT_NOTE, number_said
from bot.core.names import INTENTS
from bot.core.reminding import ABOUT
from bot.store import choices
from bot.store.choices import COMMAND_MARK, Option
from bot.store.turns import Turn
from connectors.payload import quoted_sid, tap_of


@dataclass(frozen=True)
class Choice:
    """What a message chose."""

    words: str
    """To be read in the place of what was written."""
    intent: str = ""
    """Where the option named one; it needs no reading then."""
    entities: tuple[tuple[str, str], ...] = ()
    is_stale: bool = False
    """It was offered, but later messages took its place."""

    @property
    def appointment_id(self) -> int | None:
        """The appointment that an option of a reminder is about."""
        return self._named(ABOUT)

    @property
    def note_id(self) -> int | None:
        """The message whose voice note an option is about."""
        return self._named(ABOUT_NOTE)

    def _named(self, entity: str) -> int | None:
        named = dict(self.entities).get(entity, "")
        return int(named) if named.isdecimal() else None


def choice_of(
    connection: Connection, turn: Turn, *, before: int | None = None
) -> Choice | None:
    """Returns what a message chose, or None where it is a message like any other.

    A payload that we never offered means nothing: the title stays, as words.

    Args:
        connection: any.
        turn: the message.
        before: only what was offered before this message; None for all.
    """
    talk = turn.conversation_id
    current = choices.offered_last(connection, talk, before=before)
    tap = tap_of(turn.payload)
    if tap is None:
        quoted = quoted_sid(turn.payload)
        named = choices.offered_by(connection, talk, quoted) if quoted else ()
        asked = named or choices.asked_last(connection, talk, before=before)
        spoken = number_said(turn.text) if turn.kind == "audio" else ""
        option = choices.find(asked, spoken or turn.text)
        return _read(option, current) if option else None
    offered = {option.payload: option for option in current}.get(tap.payload)
    offered = offered or choices.offered_before(connection, talk, tap.payload)
    return _read(offered, current) if offered else None


def _read(option: Option, current: tuple[Option, ...]) -> Choice:
    """Words are good while their question stands; a command says all by itself."""
    if not option.payload.startswith(COMMAND_MARK):
        words = option.payload or option.title
        return Choice(words, is_stale=option not in current)
    intent, brace, rest = option.payload[1:].partition("{")
    if intent not in INTENTS:
        return Choice(option.title)
    return Choice(option.title, intent, _entities(brace + rest))


def _entities(written: str) -> tuple[tuple[str, str], ...]:
    try:
        found: Any = json.loads(written or "{}")
    except ValueError:
        return ()
    pairs = found.items() if isinstance(found, dict) else ()
    return tuple((str(name), str(value)) for name, value in pairs)

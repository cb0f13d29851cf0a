"""Rasa's tracker store: events, answers and "done" in one transaction.

Stock Rasa sends answers while it predicts and saves the tracker at the end, so
a crash in between says things that it then forgets. Here the channel collects,
and `save` writes tracker events, outbox rows, effects and the inbox row's
"done" in one commit, or none of it.

Two traps of Rasa 3.6.21 are met here:

* `get_or_create_tracker` saves an empty tracker first; the turn is committed
  only with a tracker that holds the message of this turn.
* `FailSafeTrackerStore` hides a failed read behind a new conversation and a
  failed write behind a store in memory; a failed read therefore poisons the
  turn, and success means a committed row, never the absence of an exception.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import SerializedTrackerAsText, TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActiveLoop, Event, SessionStarted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.engine import Connection

from bot.core.settings import load_settings
from bot.runtime import fixes
from bot.runtime.outcome import conclude
from bot.store import turns
from bot.store.database import open_engine, reading, writing
from bot.store.migrate import upgrade
from bot.store.schema import events


class PoisonedTurnError(Exception):
    """The history could not be read, so this turn must not be saved."""


class TransactionalTrackerStore(TrackerStore, SerializedTrackerAsText):
    """Keeps trackers in our database; commits a turn with its tracker."""

    def __init__(
        self,
        domain: Domain | None,
        event_broker: EventBroker | None = None,
        **kwargs: Any,
    ) -> None:
        """Opens the configured database and brings it to the current schema.

        Args:
            domain: Rasa sets it again once the model is loaded.
            event_broker: not used; events are derived from the database.
            **kwargs: what else `endpoints.yml` gives; `url` overrides the
                `DATABASE_URL` setting.
        """
        settings = load_settings()
        fixes.install(settings)
        self.engine = open_engine(str(kwargs.pop("url", "") or settings.database_url))
        upgrade(self.engine)
        super().__init__(domain, event_broker, **kwargs)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """Returns the tracker of the current session, or None if there is none."""
        return await self._load(sender_id, is_whole=False)

    async def retrieve_full_tracker(
        self, conversation_id: str
    ) -> DialogueStateTracker | None:
        """Returns the tracker with the events of every session."""
        return await self._load(conversation_id, is_whole=True)

    async def keys(self) -> Iterable[str]:
        """Returns the ids of all conversations."""
        with reading(self.engine) as connection:
            rows = connection.execute(sa.select(events.c.sender_id).distinct())
            return [row.sender_id for row in rows]

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Writes new events and, with its last save, commits the turn.

        Raises:
            PoisonedTurnError: reading the history failed earlier in this turn.
            FencedError: another worker took the message meanwhile.
        """
        turn = turns.CURRENT_TURN.get()
        if turn is not None and turn.is_poisoned:
            raise PoisonedTurnError(f"inbox {turn.inbox_id}")
        await asyncio.to_thread(self._save, tracker, turn)

    async def _load(
        self, sender_id: str, *, is_whole: bool
    ) -> DialogueStateTracker | None:
        try:
            stored = await asyncio.to_thread(self._read, sender_id, is_whole)
        except Exception:  # FailSafeTrackerStore would hide it: mark, then raise
            turn = turns.CURRENT_TURN.get()
            if turn is not None:
                turn.is_poisoned = True
            raise
        if not stored or self.domain is None:
            return None
        return DialogueStateTracker.from_dict(sender_id, stored, self.domain.slots)

    def _read(self, sender_id: str, is_whole: bool) -> list[dict[str, Any]]:
        with reading(self.engine) as connection:
            query = sa.select(events.c.data).where(events.c.sender_id == sender_id)
            if not is_whole:
                query = query.where(
                    events.c.id >= _session_start(connection, sender_id)
                )
            rows = connection.execute(query.order_by(events.c.id)).scalars()
            return [json.loads(data) for data in rows]

    def _save(self, tracker: DialogueStateTracker, turn: turns.Turn | None) -> None:
        if turn is None:  # rasa shell and its like: no inbox behind it
            with writing(self.engine) as connection:
                self._append_events(connection, tracker)
            return
        if not _holds_message(tracker, turn.inbox_id):
            return  # the empty first save; its events come again with the last one
        outcome = conclude(turn, tracker, form_before=_form_before(tracker))
        with writing(self.engine) as connection:
            self._append_events(connection, tracker)
            turns.commit(connection, turn, outcome, now=time.time())
        turn.is_committed = True

    def _append_events(
        self, connection: Connection, tracker: DialogueStateTracker
    ) -> None:
        stored = connection.execute(
            sa.select(sa.func.count()).where(
                events.c.sender_id == tracker.sender_id,
                events.c.id >= _session_start(connection, tracker.sender_id),
            )
        ).scalar_one()
        new = list(tracker.events)[stored:]
        if new:
            rows = [_row(tracker.sender_id, event) for event in new]
            connection.execute(sa.insert(events), rows)


def _session_start(connection: Connection, sender_id: str) -> int:
    """Returns the id of the latest `session_started`, or 0 if there is none."""
    newest = connection.execute(
        sa.select(sa.func.max(events.c.id)).where(
            events.c.sender_id == sender_id,
            events.c.type_name == SessionStarted.type_name,
        )
    ).scalar_one()
    return int(newest or 0)


def _row(sender_id: str, event: Event) -> dict[str, Any]:
    data = event.as_dict()
    intent = (data.get("parse_data") or {}).get("intent") or {}
    return {
        "sender_id": sender_id,
        "type_name": event.type_name,
        "timestamp": data.get("timestamp"),
        "intent_name": intent.get("name"),
        "action_name": data.get("name"),
        "data": json.dumps(data),
    }


def _holds_message(tracker: DialogueStateTracker, inbox_id: int) -> bool:
    return any(
        isinstance(event, UserUttered) and event.message_id == str(inbox_id)
        for event in reversed(tracker.events)
    )


def _form_before(tracker: DialogueStateTracker) -> str | None:
    """Returns the form that was active when the latest message came."""
    is_before = False
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            is_before = True
        elif is_before and isinstance(event, ActiveLoop):
            return str(event.name) if event.name else None
        elif isinstance(event, SessionStarted):
            return None
    return None

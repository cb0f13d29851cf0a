"""People who write to the office, and what they get back from the real Rasa."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

import sqlalchemy as sa
from rasa.core.agent import Agent
from rasa.core.channels.channel import UserMessage
from rasa.core.tracker_store import FailSafeTrackerStore

from bot.core.names import Profile
from bot.core.phones import phone_of
from bot.core.settings import Settings
from bot.runtime.tracker_store import TransactionalTrackerStore
from bot.store import inbox, people, turns
from bot.store.database import reading, writing
from bot.store.schema import events, handoff, outbox, request
from bot.store.schema import inbox as inbox_table
from bot.store.turns import Turn
from connectors.rasa_channel import CollectingChannel, metadata_of

_numbers = itertools.count(1)


def parsed(intent: str, text: str = "", confidence: float = 0.99) -> dict[str, Any]:
    """Returns what NLU would say of a message."""
    found = {"name": intent, "confidence": confidence}
    return {"text": text, "intent": found, "intent_ranking": [found], "entities": []}


def store_of(agent: Agent) -> TransactionalTrackerStore:
    """Returns our tracker store from inside Rasa's wrapper."""
    wrapper = agent.tracker_store
    assert isinstance(wrapper, FailSafeTrackerStore)
    inner = wrapper._tracker_store
    assert isinstance(inner, TransactionalTrackerStore)
    return inner


class Office:
    """The office's side: Rasa, its database, and new people whenever wanted."""

    def __init__(self, agent: Agent, settings: Settings) -> None:
        self.agent = agent
        self.settings = settings
        self.engine = store_of(agent).engine

    def person(self, profile: Profile = Profile.UNKNOWN, name: str = "") -> Person:
        """Returns somebody who never wrote before."""
        address = f"whatsapp:+55119{80_000_000 + next(_numbers)}"
        if profile is not Profile.UNKNOWN:
            phone = phone_of(address)
            assert phone is not None
            known = people.Person(phone, name or "Pessoa", profile)
            with writing(self.engine) as connection:
                people.save(connection, known, now=time.time())
        return Person(self, address, name)


class Person:
    """Somebody who writes; one conversation."""

    def __init__(self, office: Office, address: str, name: str) -> None:
        self.office = office
        self.address = address
        self.name = name
        self.id = ""

    def claim(
        self, text: str, *, kind: str = "text", source: str = "api", at: float = 0.0
    ) -> Turn:
        """Stores a message (at UTC seconds, else now) and claims its turn."""
        message = inbox.InboundMessage(
            message_sid=f"SM{next(_numbers):032d}",
            account_sid="ACteste",
            address=self.address,
            text=text,
            source=source,
            kind=kind,
            display_name=self.name,
        )
        with writing(self.office.engine) as connection:
            accepted = inbox.accept(connection, message, now=at or time.time())
            self.id = accepted.conversation_id
            turn = turns.claim(
                connection, lease_owner="teste", now=time.time(), lease_s=90
            )
        assert turn is not None
        assert turn.inbox_id == accepted.inbox_id, "another message was still open"
        return turn

    async def say(
        self,
        text: str,
        intent: str | None = None,
        *,
        kind: str = "text",
        at: float = 0.0,
    ) -> Turn:
        """Takes a message through Rasa; an intent overrides what NLU reads."""
        turn = self.claim(text, kind=kind, at=at)
        await self.take(turn, intent)
        return turn

    async def take(self, turn: Turn, intent: str | None = None) -> None:
        """Takes a claimed turn through Rasa."""
        token = turns.CURRENT_TURN.set(turn)
        try:
            await self.office.agent.handle_message(
                UserMessage(
                    text=turn.text,
                    output_channel=CollectingChannel(turn),
                    sender_id=turn.conversation_id,
                    parse_data=await self._parsed(turn, intent) if intent else None,
                    input_channel="whatsapp",
                    message_id=str(turn.inbox_id),
                    metadata=metadata_of(turn),
                )
            )
        finally:
            turns.CURRENT_TURN.reset(token)

    async def _parsed(self, turn: Turn, intent: str) -> dict[str, Any]:
        message = UserMessage(turn.text, metadata=metadata_of(turn))
        read = await self.office.agent.processor.parse_message(message)
        return {**parsed(intent, turn.text), "entities": read["entities"]}

    def close(self, turn: Turn) -> None:
        """Ends a message that no turn committed, so that the next can be claimed."""
        self._execute(
            sa.update(inbox_table)
            .where(inbox_table.c.id == turn.inbox_id)
            .values(status="dead")
        )

    async def tracker(self) -> Any:
        """Returns the tracker of the current session."""
        return await self.office.agent.tracker_store.retrieve(self.id)

    async def form(self) -> str | None:
        """Returns the active form."""
        return (await self.tracker()).active_loop_name

    def row(self, turn: Turn) -> Any:
        """Returns the stored message of a turn."""
        query = sa.select(inbox_table).where(inbox_table.c.id == turn.inbox_id)
        return self._execute(query)[0]

    def outbox(self, turn: Turn) -> list[Any]:
        """Returns the stored answers of a turn."""
        query = sa.select(outbox).where(outbox.c.inbox_id == turn.inbox_id)
        return self._execute(query.order_by(outbox.c.ordinal))

    def handoffs(self) -> list[str]:
        """Returns why this person waits for somebody of the office."""
        query = sa.select(handoff).where(handoff.c.conversation_id == self.id)
        return [row.reason for row in self._execute(query)]

    def requests(self) -> list[Any]:
        """Returns what flows collected, oldest first."""
        query = sa.select(request).where(request.c.conversation_id == self.id)
        return self._execute(query.order_by(request.c.id))

    def events(self) -> list[dict[str, Any]]:
        """Returns every stored tracker event, oldest first."""
        query = sa.select(events.c.data).where(events.c.sender_id == self.id)
        return [json.loads(row.data) for row in self._execute(query.order_by("id"))]

    def continue_from(self, other: Person) -> None:
        """Gives this person the conversation that another one had."""
        copied = (
            sa.select(
                sa.literal(self.id),
                events.c.type_name,
                events.c.timestamp,
                events.c.intent_name,
                events.c.action_name,
                events.c.data,
            )
            .where(events.c.sender_id == other.id)
            .order_by(events.c.id)
        )
        columns = ["sender_id", "type_name", "timestamp"]
        columns += ["intent_name", "action_name", "data"]
        self._execute(sa.insert(events).from_select(columns, copied))

    def _execute(self, statement: Any) -> list[Any]:
        if isinstance(statement, sa.sql.Select):
            with reading(self.office.engine) as connection:
                return list(connection.execute(statement))
        with writing(self.office.engine) as connection:
            connection.execute(statement)
        return []


def texts(turn: Turn) -> list[str]:
    """Returns what a turn says."""
    return [item.text for item in turn.outgoing]

"""One person's messages from their arrival to the last callback, step by step.

Two photos and a question: the photos are one turn with two answers and something
for the office, the question another turn.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from bot.core.names import AnsweredBy
from bot.core.settings import ROOT, load_settings
from bot.store import inbox, outbox, turns
from bot.store.database import reading, writing
from bot.store.effects import Commitment, Handoff, Request
from bot.store.inbox import Attachment, InboundMessage, Rules
from bot.store.outbox import ClaimedAnswer
from bot.store.schema import metadata
from bot.store.turns import Outcome, Outgoing, Turn
from bot.wake import WakeUp
from connectors.reconciler import Reconciler
from connectors.services import ChannelServices
from connectors.twilio_client import Accepted, TwilioClient
from tests.fakes.fake_twilio import ACCOUNT_SID, AUTH_TOKEN, FakeTwilio
from tests.goals.crash import CrashPoints, KilledError

OFFICE = "whatsapp:+551140042233"
LEASE_S, TIMEOUT_S, GRACE_S, HOUR_S = 90, 1, 30, 3600
ANSWERS = [
    "Recebi seus arquivos.",
    "Qual é a área?\n\n1. Família\n2. Trabalho",
    "Resposta a quanto custa?",
]
BUTTONS = tuple({"title": t, "payload": t.lower()} for t in ("Família", "Trabalho"))
RULES = Rules(
    media_wait_s=8,
    speech_wait_s=0.0,
    speech_queue=20,
    limit_per_minute=30,
    limit_per_day=300,
    limit_queue=50,
    loop_exchanges=4,
    loop_pause_s=600,
)


@dataclass
class Step:
    """Single transactions, which this process or another one makes."""

    now: float
    """UTC seconds."""
    person: str
    """Telephone, digits only; names the messages too."""
    answer: dict[str, Any] | None = None
    """A `ClaimedAnswer` whose message Twilio took."""

    def message(self, number: int) -> InboundMessage:
        """Returns a message as the webhook, a retry or the backfill brings it."""
        sid = f"MM{self.person}{number}"
        is_photo = number < 2
        url = f"https://api.twilio.com/{sid}/Media/ME1"
        return InboundMessage(
            message_sid=sid,
            account_sid=ACCOUNT_SID,
            address=f"whatsapp:+{self.person}",
            recipient=OFFICE,
            text="" if is_photo else "quanto custa?",
            source="whatsapp",
            kind="image" if is_photo else "text",
            attachments=(Attachment(url, "image/jpeg"),) if is_photo else (),
            display_name="Maria",
            external_id=f"whatsapp:BR.{self.person}",
        )

    def accept(self, connection: Connection, number: int = 0) -> Any:
        """Takes a message in."""
        message = self.message(number)
        return inbox.accept(connection, message, now=self.now, rules=RULES)

    def claim(self, connection: Connection, owner: str = "w1") -> Turn | None:
        """Takes the next turn."""
        return turns.claim(
            connection, lease_owner=owner, now=self.now, lease_s=LEASE_S, burst_s=2.5
        )

    def turn(self, connection: Connection) -> None:
        """Commits the next turn."""
        turn = self.claim(connection)
        assert turn is not None
        self.commit(connection, turn)

    def commit(self, connection: Connection, turn: Turn) -> None:
        """Commits a turn with all that it leaves behind."""
        if turn.text:
            turn.outgoing = [Outgoing(f"Resposta a {turn.text}")]
        else:
            turn.outgoing = [
                Outgoing(ANSWERS[0]),
                Outgoing("Qual é a área?", buttons=BUTTONS),
            ]
            turn.effects = [
                Handoff("enviar_documento", note="duas fotos"),
                Request("enviar_documento", {"fotos": 2}),
                Commitment(
                    "Dra. Ana", self.person, self.now + HOUR_S, self.now + 2 * HOUR_S
                ),
            ]
        outcome = Outcome("enviar_documento", 0.9, AnsweredBy.FLOW)
        turns.commit(connection, turn, outcome, now=self.now)

    def take(self, connection: Connection) -> ClaimedAnswer | None:
        """Takes the next answer, which is about to be sent."""
        return outbox.claim(connection, now=self.now)

    def mark_sent(self, connection: Connection) -> None:
        """Notes that Twilio took the answer."""
        assert self.answer is not None
        given = dict(self.answer)
        sid = given.pop("sid")
        answer = ClaimedAnswer(**given)
        outbox.mark_sent(connection, answer, provider_sid=sid, now=self.now)


@dataclass
class Life:
    """The steps in their order, with what a restart does after one of them."""

    engine: Engine
    points: CrashPoints
    twilio: FakeTwilio
    client: TwilioClient
    clock: Any
    person: str
    _turn: Turn | None = None
    _answer: ClaimedAnswer | None = None
    _sid: str = ""
    _steps: dict[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._steps = {
            "accept": lambda: self._write(lambda s, c: s.accept(c, 0)),
            "accept another": lambda: self._write(lambda s, c: s.accept(c, 1)),
            "accept words": lambda: self._write(lambda s, c: s.accept(c, 2)),
            "claim": self._claim,
            "commit": lambda: self._write(lambda s, c: s.commit(c, self._turn)),
            "take": self._take,
            "send": self._send,
            "mark sent": lambda: self._mark(self._mark_sent),
            "follow": self._follow,
            "take the second": self._take,
            "send the second": self._send,
            "mark unknown": lambda: self._mark(self._mark_unknown),
            "reconcile what is there": self.reconcile,
            "second turn": self._whole_turn,
            "take the third": self._take,
            "lose the third": lambda: self._mark(self._mark_unknown),
            "reconcile what is not there": self.reconcile,
        }

    @property
    def step(self) -> Step:
        """The transactions, as of now."""
        return Step(now=self.clock.now, person=self.person)

    async def live_until(self, last: str) -> None:
        """Takes all steps before the named one."""
        for name, step in self._steps.items():
            if name == last:
                return
            await step()
        raise KeyError(last)

    async def end_at(self, name: str, point: int) -> bool:
        """Takes a step and dies at one of its points; False if it has fewer."""
        try:
            with self.points.at(point):
                await self._steps[name]()
        except KilledError:
            return True
        return False

    async def end_by_signal(self, name: str, point: int) -> int:
        """Has another process take a step and die in it; returns how it ended."""
        given: dict[str, Any] = {
            "url": str(self.engine.url), "step": name, "at": point,
            "now": self.clock.now, "person": self.person,
        }  # fmt: skip
        if self._answer is not None:
            given["answer"] = {**asdict(self._answer), "sid": self._sid}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.goals.crash", json.dumps(given)), cwd=ROOT
        )
        return await process.wait()

    async def recover(self) -> None:
        """Does what happens after a restart: each thing again, by who does it."""
        for number in range(3):
            await self._write(lambda s, c, n=number: s.accept(c, n))
        for _ in range(6):
            self.clock.now += LEASE_S + 1
            while await self._whole_turn():
                pass
            await self.reconcile()
            while await self._take():
                await self._send()
                await self._mark(self._mark_sent)
        await self._follow()

    def rows(self, table: str, *, of: str = "conversation_id") -> list[Any]:
        """Returns this person's rows."""
        owned = metadata.tables[table]
        talk = metadata.tables["conversation"]
        mine = sa.select(talk.c.id).where(talk.c.address == f"whatsapp:+{self.person}")
        with reading(self.engine) as connection:
            query = sa.select(owned).where(owned.c[of].in_(mine))
            return list(connection.execute(query.order_by(owned.c.id)).all())

    def attachments(self) -> list[int]:
        """Returns the messages that this person's attachments belong to."""
        media = metadata.tables["media"]
        mine = media.c.message_sid.like(f"MM{self.person}%")
        with reading(self.engine) as connection:
            query = sa.select(media.c.inbox_id).where(mine).order_by(media.c.inbox_id)
            return list(connection.execute(query).scalars())

    def arrived(self) -> list[str]:
        """Returns what this person got."""
        return [m.body for m in self.twilio.messages if m.to.endswith(self.person)]

    async def reconcile(self) -> None:
        """Looks for sends of unknown outcome, once all of them have ended."""
        self.clock.now += GRACE_S + 2 * TIMEOUT_S
        services = ChannelServices(_settings(self.twilio), self.engine, WakeUp(0))
        reconciler = Reconciler(services, self.client, clock=self.clock)
        try:
            await reconciler.settle_all()
        finally:
            services.wake.close()

    async def _write(self, query: Callable[[Step, Connection], Any]) -> Any:
        with writing(self.engine) as connection:
            return query(self.step, connection)

    async def _claim(self) -> None:
        self._turn = await self._write(lambda s, c: s.claim(c))

    async def _whole_turn(self) -> bool:
        turn = await self._write(lambda s, c: s.claim(c, "w2"))
        if turn is not None:
            await self._write(lambda s, c: s.commit(c, turn))
        return turn is not None

    async def _take(self) -> bool:
        self._answer = await self._write(lambda s, c: s.take(c))
        return self._answer is not None

    async def _send(self) -> None:
        answer = self._answer
        assert answer is not None
        callback = f"https://bot.example/twilio/status?o={answer.token}"
        form = {
            "To": answer.to_address, "From": answer.from_address,
            "Body": answer.body, "StatusCallback": callback,
        }  # fmt: skip
        result = await self.client.create_message(ACCOUNT_SID, form)
        assert isinstance(result, Accepted)
        self._sid = result.sid

    async def _mark(self, how: Callable[[Connection, ClaimedAnswer], None]) -> None:
        answer = self._answer
        assert answer is not None
        await self._write(lambda _s, c: how(c, answer))

    def _mark_sent(self, connection: Connection, answer: ClaimedAnswer) -> None:
        known = {**asdict(answer), "sid": self._sid}
        Step(self.clock.now, self.person, known).mark_sent(connection)

    def _mark_unknown(self, connection: Connection, answer: ClaimedAnswer) -> None:
        now = self.clock.now
        outbox.mark_unknown(connection, answer, reason="TimeoutError", now=now)

    async def _follow(self) -> None:
        for message in self.twilio.messages:
            if message.to.endswith(self.person):
                await self._write(
                    lambda s, c, m=message: outbox.follow(
                        c,
                        token=m.token,
                        provider_sid=m.sid,
                        status="delivered",
                        error_code="",
                        now=s.now,
                    )
                )


def _settings(twilio: FakeTwilio) -> Any:
    environ = {
        "TWILIO_API_BASE_URL": twilio.url,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "TWILIO_TIMEOUT_S": str(TIMEOUT_S),
        "SEND_GRACE_S": str(GRACE_S),
    }
    return load_settings(environ, folder=Path("/nonexistent"))


def open_client(twilio: FakeTwilio) -> TwilioClient:
    """Returns a client of the fake, to be entered."""
    return TwilioClient(_settings(twilio))

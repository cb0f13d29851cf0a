"""Whatever happens in whatever order: every message is answered once, in order."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    rule,
)

from bot.core.names import AnsweredBy
from bot.store import inbox, turns
from bot.store.database import open_engine, reading, writing
from bot.store.inbox import Attachment, InboundMessage, Rules
from bot.store.schema import metadata
from bot.store.turns import FencedError, Outcome, Outgoing, Turn

PEOPLE = (
    ("whatsapp:+5511987654321", "whatsapp:+551187654321"),
    ("whatsapp:+5511987654322",),
    ("whatsapp:BR.1A2B3C4D",),
)
"""Three, by the addresses that they write from."""
OUTCOME = Outcome("saudar", 1.0, AnsweredBy.RULE)
LEASE_S = 90
MANY = 1_000_000
RULES = Rules(
    media_wait_s=8,
    speech_wait_s=0.0,
    speech_queue=20,
    limit_per_minute=4,
    limit_per_day=MANY,
    limit_queue=MANY,
    loop_exchanges=MANY,
    loop_pause_s=600,
)
people = st.integers(0, len(PEOPLE) - 1)


class CrashError(Exception):
    """The process dies before its commit."""


class Queue(RuleBasedStateMachine):
    """Webhooks, workers and crashes, on one SQLite file."""

    messages = Bundle("messages")
    claimed = Bundle("claimed")

    @initialize()
    def open(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.engine = open_engine(f"sqlite:///{Path(self._folder.name) / 'queue.db'}")
        sa.event.listen(self.engine, "connect", _trade_safety_for_speed)
        metadata.create_all(self.engine)
        self.now = 1_795_000_000.0
        self.count = 0
        self.accepted: dict[int, list[str]] = defaultdict(list)
        self.answered: dict[int, list[str]] = defaultdict(list)

    def write(self, query: Any, *, crashes: bool = False) -> Any:
        with writing(self.engine) as connection:
            result = query(connection)
            if crashes:
                raise CrashError
        return result

    def accept(self, message: InboundMessage, *, crashes: bool = False) -> Any:
        return self.write(
            lambda c: inbox.accept(c, message, now=self.now, rules=RULES),
            crashes=crashes,
        )

    def new_message(self, person: int, form: int, has_file: bool) -> InboundMessage:
        self.count += 1
        addresses = PEOPLE[person]
        return InboundMessage(
            message_sid=f"SM{self.count}",
            account_sid="AC1",
            address=addresses[form % len(addresses)],
            text=f"{person} SM{self.count}",
            source="whatsapp",
            attachments=(Attachment("https://x/ME1"),) if has_file else (),
        )

    @rule(target=messages, person=people, form=st.integers(0, 1), file=st.booleans())
    def message_arrives(self, person: int, form: int, file: bool) -> InboundMessage:
        message = self.new_message(person, form, file)
        assert self.accept(message).is_new
        self.accepted[person].append(message.message_sid)
        return message

    @rule(message=messages)
    def message_arrives_again(self, message: InboundMessage) -> None:
        assert not self.accept(message).is_new

    @rule(target=messages, person=people, file=st.booleans())
    def webhook_dies_and_is_tried_again(
        self, person: int, file: bool
    ) -> InboundMessage:
        message = self.new_message(person, 0, file)
        try:
            self.accept(message, crashes=True)
        except CrashError:
            assert self.accept(message).is_new
        self.accepted[person].append(message.message_sid)
        return message

    @rule(target=claimed, worker=st.sampled_from("ab"))
    def worker_claims(self, worker: str) -> Turn | None:
        turn = self.claim(worker)
        if turn is not None:
            person, sid = self.named(turn)
            assert sid == self.accepted[person][len(self.answered[person])]
        return turn

    @rule(worker=st.sampled_from("ab"))
    def worker_dies_while_it_claims(self, worker: str) -> None:
        try:
            self.write(self.claiming(worker), crashes=True)
        except CrashError:
            return

    def claiming(self, worker: str) -> Any:
        return lambda c: turns.claim(
            c, lease_owner=worker, now=self.now, lease_s=LEASE_S
        )

    def claim(self, worker: str) -> Turn | None:
        turn: Turn | None = self.write(self.claiming(worker))
        return turn

    @rule(turn=claimed)
    def turn_ends(self, turn: Turn | None) -> None:
        if turn is not None:
            self.commit(turn)

    def commit(self, turn: Turn, *, crashes: bool = False) -> None:
        person, sid = self.named(turn)
        turn.outgoing = [Outgoing(f"resposta a {sid}")]
        try:
            self.write(
                lambda c: turns.commit(c, turn, OUTCOME, now=self.now), crashes=crashes
            )
        except (FencedError, CrashError):
            return
        self.answered[person].append(sid)

    @rule(turn=claimed)
    def worker_dies_before_the_commit(self, turn: Turn | None) -> None:
        if turn is not None:
            self.commit(turn, crashes=True)

    @rule(turn=consumes(claimed), pause_s=st.sampled_from([0.0, 0.5, 60.0]))
    def turn_fails(self, turn: Turn | None, pause_s: float) -> None:
        if turn is None:
            return
        retry_at = self.now + pause_s
        self.write(lambda c: turns.fail(c, turn, retry_at=retry_at, error="X"))

    @rule(worker=st.sampled_from("ab"))
    def worker_stops(self, worker: str) -> None:
        self.write(lambda c: turns.release(c, lease_owner=worker))

    @rule(seconds=st.sampled_from([0.25, 5.0, 61.0, LEASE_S + 1.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    def named(self, turn: Turn) -> tuple[int, str]:
        person, sid = turn.text.split()
        return int(person), sid

    def teardown(self) -> None:
        if not hasattr(self, "engine"):
            return
        waiting = sum(map(len, self.accepted.values()))
        for _ in range(2 * waiting + 1):
            self.now += 2 * LEASE_S
            turn = self.claim("last")
            if turn is not None:
                self.commit(turn)
        with reading(self.engine) as connection:
            talks = connection.execute(sa.text("SELECT count(*) FROM conversation"))
            bodies = list(
                connection.execute(
                    sa.text("SELECT body FROM outbox WHERE ordinal = 0")
                ).scalars()
            )
            assert talks.scalar_one() == len(self.accepted)
        self.engine.dispose()
        self._folder.cleanup()
        assert self.answered == self.accepted
        every = [sid for sids in self.accepted.values() for sid in sids]
        assert sorted(bodies) == sorted(f"resposta a {sid}" for sid in every)


def _trade_safety_for_speed(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")


TestQueue = Queue.TestCase
TestQueue.settings = settings(
    max_examples=25,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

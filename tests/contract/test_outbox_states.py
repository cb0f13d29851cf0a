"""The states of a message that leaves, under any order of news about it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine
from sqlalchemy.pool import StaticPool

from bot.store import outbox as store
from bot.store.schema import conversation, handoff, inbox, metadata, outbox

START = 1_795_000_000.0
WORDS = (
    "accepted", "queued", "sending", "sent", "delivered", "read", "undelivered",
    "failed", "received", "novidade",
)  # fmt: skip
CODES = ("", "63016", "63018", "63021", "63024")
ONWARD = {
    "new": {"sending", "sent", "delivered", "read", "failed", "waiting"},
    "sending": {"new", "unknown", "sent", "delivered", "read", "failed"},
    "unknown": {"new", "sent", "delivered", "read", "failed"},
    "sent": {"delivered", "read", "failed"},
    "failed": {"delivered", "read"},
    "delivered": {"read"},
    "read": set(),
    "waiting": set(),
}
"""Within one life of a message, which its token names."""
REBORN = {"sending", "unknown", "sent", "new"}
"""What a message that certainly failed may begin anew from."""

STEPS = st.one_of(
    st.tuples(
        st.just("callback"),
        st.sampled_from(WORDS),
        st.integers(0, 1),
        st.sampled_from(CODES),
    ),
    st.tuples(st.just("claim")),
    st.tuples(st.just("sent"), st.integers(0, 2)),
    st.tuples(st.just("again"), st.integers(0, 5)),
    st.tuples(st.just("unknown"), st.integers(0, 5)),
    st.tuples(st.just("refused"), st.integers(0, 5), st.sampled_from(CODES)),
    st.tuples(st.just("crash")),
    st.tuples(st.just("found"), st.integers(0, 1)),
    st.tuples(st.just("missing")),
    st.tuples(st.just("wait"), st.sampled_from([1.0, 60.0, 3600.0])),
)


@pytest.fixture(scope="module")
def engine() -> Engine:
    opened = sa.create_engine("sqlite://", future=True, poolclass=StaticPool)
    metadata.create_all(opened)
    return opened


class Life:
    """One message, with all senders that ever claimed it."""

    def __init__(self, engine: Engine, buttons: Any) -> None:
        self.now = START
        self.claims: list[store.ClaimedAnswer] = []
        self.tokens: list[str] = []
        self.sids = [f"SM{uuid.uuid4().hex}" for _ in range(2)]
        self.connection = engine.connect()
        self._transaction = self.connection.begin()
        self._write_row(buttons)

    def _write_row(self, buttons: Any) -> None:
        talk_id = uuid.uuid4().hex
        self.talk_id = talk_id
        self.connection.execute(
            sa.insert(conversation).values(
                id=talk_id, address=talk_id, created_at=START, last_inbound_at=START
            )
        )
        inserted = self.connection.execute(
            sa.insert(inbox).values(
                account_sid="AC1", message_sid=talk_id, conversation_id=talk_id,
                source="whatsapp", kind="text", text="oi", payload={},
                received_at=START, status="done",
            )
        )  # fmt: skip
        made = self.connection.execute(
            sa.insert(outbox).values(
                inbox_id=inserted.inserted_primary_key[0], ordinal=0,
                conversation_id=talk_id, body="Qual?\n\n1. Sim", buttons=buttons,
                answered_by="regra", turn_token=0, token=uuid.uuid4().hex,
                created_at=START,
            )
        )  # fmt: skip
        self.id = made.inserted_primary_key[0]
        self.tokens.append(self.row.token)

    def close(self) -> None:
        self._transaction.rollback()
        self.connection.close()

    @property
    def row(self) -> Any:
        query = sa.select(outbox).where(outbox.c.id == self.id)
        return self.connection.execute(query).one()

    @property
    def is_handed_over(self) -> bool:
        query = sa.select(handoff).where(handoff.c.conversation_id == self.talk_id)
        return self.connection.execute(query).first() is not None

    def step(self, kind: str, *given_: Any) -> None:
        """Makes something happen; a claim of the past may still speak up."""
        connection, now = self.connection, self.now
        if kind == "wait":
            self.now += given_[0]
        elif kind == "claim":
            answer = store.claim(connection, now=now, templates={"botoes_1"})
            self.claims += [answer] if answer else []
        elif kind == "crash":
            store.strand_unfinished(connection, started_before=now + 1)
        elif kind == "callback":
            word, number, code = given_
            store.follow(
                connection,
                token=self.tokens[-1 - number % len(self.tokens)],
                provider_sid=self.sids[number],
                status=word,
                error_code=code,
                now=now,
            )
        elif kind in {"found", "missing"}:
            self._reconcile(kind, *given_)
        elif self.claims:
            self._settle(kind, *given_)

    def _reconcile(self, kind: str, number: int = 0) -> None:
        for doubt in store.uncertain(self.connection, now=self.now, most=9):
            if kind == "found":
                sid = self.sids[number]
                store.mark_found(
                    self.connection, doubt.answer, provider_sid=sid, now=self.now
                )
            else:
                store.mark_missing(self.connection, doubt.answer, now=self.now)

    def _settle(self, kind: str, number: int, code: str = "") -> None:
        answer = self.claims[-1 - number % len(self.claims)]
        connection, now = self.connection, self.now
        if kind == "sent":
            sid = self.sids[number % len(self.sids)]
            store.mark_sent(connection, answer, provider_sid=sid, now=now)
        elif kind == "again":
            store.mark_again(connection, answer, at=now)
        elif kind == "unknown":
            store.mark_unknown(connection, answer, reason="500", now=now)
        else:
            store.mark_refused(connection, answer, code=code, now=now)


@settings(max_examples=200)
@given(
    steps=st.lists(STEPS, min_size=10, max_size=40),
    buttons=st.sampled_from([None, [{"title": "Sim", "payload": "sim"}]]),
)
def test_status_never_goes_back(engine, steps, buttons):
    life = Life(engine, buttons)
    try:
        before = life.row
        for step in steps:
            life.step(*step)
            after = life.row

            if after.token == before.token:
                onward = {before.status} | ONWARD[before.status]
                assert after.status in onward, step
                assert before.provider_sid in {None, after.provider_sid}, step
            else:
                assert before.status in REBORN, step
                assert (after.status, after.provider_sid) == ("new", None), step
                assert after.repeats == before.repeats + 1
                life.tokens.append(after.token)
            assert after.repeats <= store.MOST_REPEATS
            assert after.status != "failed" or life.is_handed_over
            before = after
    finally:
        life.close()


SENDS = st.sampled_from(
    [
        ("accepted", "told"), ("accepted", "lost"), ("accepted", "crash"),
        ("not", "told"), ("not", "lost"), ("not", "crash"),
    ]
)  # fmt: skip
NEWS = st.one_of(
    st.tuples(st.just("send"), SENDS),
    st.tuples(st.just("list"), st.none()),
    st.tuples(st.just("callback"), st.sampled_from(WORDS[:6])),
    st.tuples(st.just("wait"), st.sampled_from([1.0, 60.0])),
)


class World(Life):
    """A message, and a Twilio that tells the truth about it, sooner or later."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, None)
        self.copies: list[str] = []
        """Ids of the copies that Twilio has."""

    def happen(self, kind: str, how: Any) -> None:
        if kind == "send":
            self._send(*how)
        elif kind == "list":
            self._list()
        elif kind == "callback" and self.copies:
            store.follow(
                self.connection, token=self.row.token, provider_sid=self.copies[0],
                status=how, error_code="", now=self.now,
            )  # fmt: skip
        elif kind == "wait":
            self.now += how

    def _send(self, truth: str, known: str) -> None:
        answer = store.claim(self.connection, now=self.now)
        if answer is None:
            return
        if truth == "accepted":
            self.copies.append(f"SM{uuid.uuid4().hex}")
        if known == "lost":
            store.mark_unknown(self.connection, answer, reason="x", now=self.now)
        elif known == "crash":
            store.strand_unfinished(self.connection, started_before=self.now + 1)
        elif truth == "accepted":
            sid = self.copies[-1]
            store.mark_sent(self.connection, answer, provider_sid=sid, now=self.now)
        else:
            store.mark_again(self.connection, answer, at=self.now)

    def _list(self) -> None:
        for doubt in store.uncertain(self.connection, now=self.now, most=9):
            answer, now = doubt.answer, self.now
            if self.copies:
                sid = self.copies[0]
                store.mark_found(self.connection, answer, provider_sid=sid, now=now)
            else:
                store.mark_missing(self.connection, answer, now=now)


@settings(max_examples=200)
@given(news=st.lists(NEWS, min_size=3, max_size=30))
def test_one_copy_leaves_whatever_is_lost_on_the_way(engine, news):
    world = World(engine)
    try:
        for kind, how in news:
            world.happen(kind, how)
            assert len(world.copies) <= 1, (kind, how)
        for _ in range(2):  # in the end everything works
            world.now += 60
            world.happen("list", None)
            world.happen("send", ("accepted", "told"))

        row = world.row
        if row.status == "failed":  # five tries came to nothing
            assert (row.repeats, world.copies) == (store.MOST_REPEATS, [])
            assert world.is_handed_over
        else:
            assert row.status in {"sent", "delivered", "read"}
            assert [row.provider_sid] == world.copies
    finally:
        world.close()

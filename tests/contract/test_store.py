"""The store: one specification, on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import Connection, Engine

from bot.core.names import AnsweredBy, Profile
from bot.core.phrases import NO_ANSWER
from bot.core.settings import ROOT
from bot.store import effects, inbox, migrate, office_desk, outbox, people, turns
from bot.store.database import open_engine, reading, writing
from bot.store.effects import Handoff, Origin, OwnerChange, Request
from bot.store.inbox import Attachment, InboundMessage, Rules
from bot.store.people import Person
from bot.store.schema import metadata
from bot.store.turns import FencedError, Outcome, Outgoing, Turn

MARIA, JOAO, ANA = (f"whatsapp:+551198765432{n}" for n in (1, 2, 3))
OFFICE = "whatsapp:+551140042233"
OUTCOME = Outcome("saudar", 0.97, AnsweredBy.RULE)
LEASE_S = 90
PATIENCE_S = 20
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


class Store:
    """One database, and the few moves that every test makes on it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.now = 1_795_000_000.0
        self._count = itertools.count(1)

    def write(self, query: Callable[[Connection], Any]) -> Any:
        with writing(self.engine) as connection:
            return query(connection)

    def read(self, query: Callable[[Connection], Any]) -> Any:
        with reading(self.engine) as connection:
            return query(connection)

    def fail_at_the_end(self, query: Callable[[Connection], Any]) -> None:
        """Writes, and fails before the commit."""

        def write_and_fail(connection: Connection) -> None:
            query(connection)
            raise InterruptedError

        with pytest.raises(InterruptedError):
            self.write(write_and_fail)

    def rows(self, table: str) -> list[Any]:
        query = sa.select(metadata.tables[table]).order_by(sa.text("id"))
        return self.read(lambda c: c.execute(query).all())

    def message(self, text: str = "oi", address: str = MARIA, **fields: Any) -> Any:
        message = InboundMessage(
            message_sid=f"SM{next(self._count)}",
            account_sid="AC1",
            address=address,
            recipient=OFFICE,
            text=text,
            source="whatsapp",
        )
        return replace(message, **fields)

    def accept(
        self, *args: Any, rules: Rules | None = None, **fields: Any
    ) -> inbox.Accepted:
        message = self.message(*args, **fields)
        return self.write(lambda c: inbox.accept(c, message, now=self.now, rules=rules))

    def claim(self, worker: str = "w1") -> Turn | None:
        return self.write(
            lambda c: turns.claim(c, lease_owner=worker, now=self.now, lease_s=LEASE_S)
        )

    def claimed(self, worker: str = "w1") -> Turn:
        turn = self.claim(worker)
        assert turn is not None
        return turn

    def commit(self, turn: Turn, *texts: str) -> None:
        turn.outgoing = [Outgoing(text) for text in texts]
        self.write(lambda c: turns.commit(c, turn, OUTCOME, now=self.now))

    def answered(self, *texts: str, **fields: Any) -> Turn:
        """Accepts a message and commits its answers."""
        self.accept(**fields)
        turn = self.claimed()
        self.commit(turn, *texts)
        return turn

    def claim_answer(self) -> outbox.ClaimedAnswer | None:
        return self.write(lambda c: outbox.claim(c, now=self.now))

    def follow(self, token: str, status: str, *, sid: str = "SM-out", code: str = ""):
        return self.write(
            lambda c: outbox.follow(
                c,
                token=token,
                provider_sid=sid,
                status=status,
                error_code=code,
                now=self.now,
            )
        )

    def apply(self, effect: effects.Effect, origin: Origin) -> None:
        self.write(lambda c: effects.apply(c, effect, origin, now=self.now))

    def change_owner(self, conversation_id: str, owner: str) -> None:
        self.apply(
            OwnerChange(conversation_id, owner), Origin(conversation_id, None, 0)
        )


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("store") / "empty.db"
    engine = open_engine(f"sqlite:///{path}")
    migrate.upgrade(engine)
    engine.dispose()
    return path.read_bytes()


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server) -> str:
    url = postgres_server.new_database()
    engine = open_engine(url)
    migrate.upgrade(engine)
    engine.dispose()
    return url.rsplit("/", 1)[1]


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request) -> str:
    return request.param


@pytest.fixture
def new_url(database_kind, request, tmp_path) -> Callable[[], str]:
    """Makes addresses of databases without any table."""
    if database_kind == "postgresql":
        return request.getfixturevalue("postgres_server").new_database
    names = itertools.count(1)
    return lambda: f"sqlite:///{tmp_path}/bare{next(names)}.db"


@pytest.fixture
def store(database_kind, request, tmp_path) -> Iterator[Store]:
    if database_kind == "postgresql":
        server = request.getfixturevalue("postgres_server")
        url = server.new_database(like=request.getfixturevalue("migrated_postgres"))
    else:
        (tmp_path / "store.db").write_bytes(request.getfixturevalue("migrated_sqlite"))
        url = f"sqlite:///{tmp_path}/store.db"
    engine = open_engine(url)
    yield Store(engine)
    engine.dispose()


class TestAccepting:
    def test_repeated_delivery_changes_nothing(self, store):
        message = store.message(display_name="Maria")
        first = store.write(lambda c: inbox.accept(c, message, now=store.now))
        before = store.rows("conversation")

        replayed = replace(message, text="outro texto", display_name="Outra")
        again = store.write(lambda c: inbox.accept(c, replayed, now=store.now + 9e6))

        assert (first.is_new, again.is_new) == (True, False)
        assert again.inbox_id == first.inbox_id
        assert [row.text for row in store.rows("inbox")] == ["oi"]
        assert store.rows("conversation") == before

    def test_fifty_deliveries_at_once_make_one_row(self, store):
        message = store.message()
        start = threading.Barrier(50)

        def deliver(_: int) -> inbox.Accepted:
            start.wait(PATIENCE_S)
            return store.write(lambda c: inbox.accept(c, message, now=store.now))

        with ThreadPoolExecutor(50) as pool:
            accepted = list(pool.map(deliver, range(50)))

        assert len(store.rows("inbox")) == len(store.rows("conversation")) == 1
        assert sum(each.is_new for each in accepted) == 1
        assert len({each.inbox_id for each in accepted}) == 1

    def test_same_id_of_another_account_is_another_message(self, store):
        store.accept(message_sid="SM1", account_sid="AC1")
        second = store.accept(message_sid="SM1", account_sid="AC2")

        assert second.is_new
        assert len(store.rows("inbox")) == 2

    def test_messages_of_one_address_are_one_conversation(self, store):
        one, two, other = store.accept(), store.accept(), store.accept(address=JOAO)

        assert one.conversation_id == two.conversation_id != other.conversation_id

    def test_conversation_does_not_name_the_number(self, store):
        accepted = store.accept()

        assert "98765" not in accepted.conversation_id
        assert len(accepted.conversation_id) == 32

    def test_everything_that_was_sent_is_kept(self, store):
        payload = {"Body": "ação 😟", "NumMedia": "0", "Novo": ""}
        accepted = store.accept(
            "ação 😟", kind="image", payload=payload, display_name=" Zé " + "x" * 300
        )

        (row,) = store.rows("inbox")
        (talk,) = store.rows("conversation")
        assert (row.id, row.text, row.kind) == (accepted.inbox_id, "ação 😟", "image")
        assert (row.payload, row.recipient) == (payload, OFFICE)
        assert (row.status, row.attempts) == ("new", 0)
        assert talk.display_name == ("Zé " + "x" * 300)[:200]
        assert talk.last_inbound_at == row.received_at == store.now

    def test_name_stays_where_a_message_brings_none(self, store):
        store.accept(display_name="Maria")
        store.accept(display_name="")

        assert [row.display_name for row in store.rows("conversation")] == ["Maria"]

    def test_attachments_are_noted_in_their_order(self, store):
        files = (Attachment("https://x/ME1", "image/jpeg"), Attachment("https://x/ME2"))
        accepted = store.accept("", kind="image", message_sid="MM7", attachments=files)

        first, second = sorted(store.rows("media"), key=lambda row: row.ordinal)
        assert (first.inbox_id, first.message_sid, first.account_sid) == (
            accepted.inbox_id, "MM7", "AC1",
        )  # fmt: skip
        assert [row.ordinal for row in (first, second)] == [0, 1]
        assert (first.url, first.declared_type) == ("https://x/ME1", "image/jpeg")
        assert (second.url, second.declared_type) == ("https://x/ME2", "")
        assert {row.status for row in (first, second)} == {"pendente"}
        assert len({row.id for row in (first, second)}) == 2

    def test_attachments_of_a_repeated_delivery_are_noted_once(self, store):
        message = store.message("", attachments=(Attachment("https://x/ME1"),))

        for _ in range(2):
            store.write(lambda c: inbox.accept(c, message, now=store.now))

        assert len(store.rows("media")) == 1

    def test_answer_goes_to_the_address_that_wrote(self, store):
        store.accept(address=MARIA)

        assert [row.sender for row in store.rows("inbox")] == [MARIA]

    def test_message_that_was_fetched_later_keeps_the_time_it_was_sent(self, store):
        store.accept("nova")
        store.accept("antiga", sent_at=store.now - 300)

        old = store.rows("inbox")[1]
        assert (old.received_at, old.sent_at) == (store.now - 300, store.now - 300)
        (talk,) = store.rows("conversation")
        assert talk.last_inbound_at == store.now

    @pytest.mark.parametrize(
        ("age_s", "status"),
        [(0, "new"), (86_399, "new"), (86_400, "waiting")],
        ids=["now", "just within a day", "a day ago"],
    )
    def test_message_lets_answers_go_that_waited_for_the_window(
        self, store, age_s, status
    ):
        store.answered("resposta")
        store.answered("outra", address=JOAO)
        store.write(lambda c: c.execute(sa.text("UPDATE outbox SET status='waiting'")))

        store.accept("voltei", sent_at=store.now - age_s)

        rows = {row.body: row for row in store.rows("outbox")}
        assert [rows["resposta"].status, rows["outra"].status] == [status, "waiting"]
        assert rows["resposta"].next_at == (store.now if status == "new" else 0)

    def test_answer_to_attachments_waits_for_the_files(self, store):
        photo = (Attachment("https://x/ME1"),)
        store.accept("foto", attachments=photo, rules=RULES)

        assert store.claim() is None
        store.now += RULES.media_wait_s
        assert store.claimed().text == "foto"

    def test_words_after_photos_let_them_be_answered_at_once(self, store):
        photo = (Attachment("https://x/ME1"),)
        store.accept("foto", attachments=photo, rules=RULES)
        store.accept("de João", JOAO, attachments=photo, rules=RULES)
        store.accept("e agora?", rules=RULES)

        assert store.claimed().text == "foto"
        assert store.claim() is None

    def test_words_do_not_hurry_a_turn_that_failed(self, store):
        store.accept("foto", attachments=(Attachment("https://x/ME1"),), rules=RULES)
        store.now += RULES.media_wait_s
        turn = store.claimed()
        retry_at = store.now + 30
        store.write(lambda c: turns.fail(c, turn, retry_at=retry_at, error="X"))

        store.accept("e agora?", rules=RULES)

        assert store.claim() is None

    def test_opting_out_keeps_its_first_time_and_can_be_undone(self, store):
        talk = store.accept().conversation_id
        other = store.accept(address=JOAO).conversation_id

        for now in (1.0, 2.0):
            store.write(lambda c, now=now: inbox.opt_out(c, talk, now))

        rows = {row.id: row.opted_out_at for row in store.rows("conversation")}
        assert rows == {talk: 1.0, other: None}
        assert store.read(lambda c: inbox.is_opted_out(c, talk))
        store.write(lambda c: inbox.opt_in(c, talk))
        assert not store.read(lambda c: inbox.is_opted_out(c, talk))

    def test_message_is_never_visible_before_one_with_a_smaller_id(self, store):
        store.accept("antes")
        has_its_id, go_on = threading.Event(), threading.Event()

        def pause_before_the_end(_c, _k, statement, _v, _x, _m) -> None:
            is_first = threading.current_thread().name.startswith("first")
            if is_first and statement.startswith("UPDATE conversation"):
                has_its_id.set()
                go_on.wait(0.3)

        sa.event.listen(store.engine, "before_cursor_execute", pause_before_the_end)
        with ThreadPoolExecutor(1, thread_name_prefix="first") as pool:
            first = pool.submit(store.accept, "primeira")
            assert has_its_id.wait(PATIENCE_S)
            second = store.accept("segunda")
            seen = [row.text for row in store.rows("inbox")]
            go_on.set()

        assert first.result().inbox_id < second.inbox_id
        assert seen == ["antes", "primeira", "segunda"]

    def test_open_messages_are_counted_with_the_oldest(self, store):
        assert store.read(inbox.open_count) == (0, None)

        store.answered()
        store.now += 60
        store.accept("dois")
        store.now += 60
        store.accept("três")
        store.claimed()

        assert store.read(inbox.open_count) == (2, store.now - 60)


class TestClaiming:
    def test_turn_carries_the_message(self, store):
        accepted = store.accept("oi", kind="image", payload={"a": "1"})

        turn = store.claimed("w7")

        assert (turn.inbox_id, turn.conversation_id) == (
            accepted.inbox_id, accepted.conversation_id,
        )  # fmt: skip
        assert (turn.text, turn.kind, turn.payload) == ("oi", "image", {"a": "1"})
        assert (turn.source, turn.recipient) == ("whatsapp", OFFICE)
        assert (turn.attempt, turn.lease_owner, turn.turn_token) == (1, "w7", 0)
        assert turn.conversation_owner == turns.ROBOT

    def test_empty_inbox_gives_no_turn(self, store):
        assert store.claim() is None

    def test_messages_of_a_conversation_come_one_at_a_time_in_order(self, store):
        for text in ("um", "dois", "três"):
            store.accept(text)

        heard = []
        while turn := store.claim():
            assert store.claim("w2") is None
            heard.append(turn.text)
            store.commit(turn, "resposta")

        assert heard == ["um", "dois", "três"]

    def test_conversations_go_side_by_side(self, store):
        for address in (MARIA, JOAO, ANA):
            store.accept("um", address)
            store.accept("dois", address)

        claimed = [store.claim(f"w{n}") for n in range(4)]

        assert [turn and turn.text for turn in claimed] == ["um", "um", "um", None]
        assert len({turn.conversation_id for turn in claimed if turn}) == 3

    def test_many_workers_never_share_a_conversation(self, store):
        count, talks, workers = 24, 4, 5
        for number in range(count):
            store.accept(str(number), f"whatsapp:+551198765000{number % talks}")
        running: set[str] = set()
        heard: list[int] = []
        shared: list[int] = []
        changed = threading.Condition()

        def work(worker: int) -> None:
            while len(heard) < count and not shared:
                turn = store.claim(f"w{worker}")
                with changed:
                    if turn is None:
                        changed.wait(0.01)
                        continue
                    if turn.conversation_id in running:
                        shared.append(int(turn.text))
                    running.add(turn.conversation_id)
                    heard.append(int(turn.text))
                with writing(store.engine) as connection:
                    turns.commit(connection, turn, OUTCOME, now=store.now)
                    running.discard(turn.conversation_id)
                with changed:
                    changed.notify_all()

        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, range(workers)))

        assert not shared
        assert sorted(heard) == list(range(count))
        for first in range(talks):
            mine = [number for number in heard if number % talks == first]
            assert mine == sorted(mine)

    def test_message_that_waits_for_its_next_try_holds_back_the_next(self, store):
        store.accept("um")
        store.accept("dois")
        turn = store.claimed()
        retry_at = store.now + 5
        store.write(
            lambda c: turns.fail(c, turn, retry_at=retry_at, error="RuntimeError")
        )

        assert store.claim() is None
        store.now += 5
        again = store.claimed()
        assert (again.text, again.attempt) == ("um", 2)

    def test_lease_that_ended_can_be_taken(self, store):
        store.accept()
        store.claimed("w1")
        store.now += LEASE_S

        assert store.claim("w2") is None
        store.now += 1
        turn = store.claimed("w2")
        assert (turn.attempt, turn.lease_owner) == (2, "w2")

    def test_worker_that_stops_gives_back_its_own_only(self, store):
        for address in (MARIA, JOAO, ANA):
            store.accept(address=address)
        store.claimed("w1")
        store.claimed("w2")
        store.claimed("w1")

        given_back = store.write(lambda c: turns.release(c, lease_owner="w1"))

        assert given_back == 2
        assert [(row.status, row.attempts) for row in store.rows("inbox")] == [
            ("new", 0), ("leased", 1), ("new", 0),
        ]  # fmt: skip

    @pytest.mark.parametrize("registered", ["+5511987654321", "+551187654321"])
    @pytest.mark.parametrize("written", ["+5511987654321", "+551187654321"])
    def test_profile_is_found_with_and_without_the_ninth_digit(
        self, store, registered, written
    ):
        known = Person(registered, "Dra. Ana", Profile.LAWYER)
        store.write(lambda c: people.save(c, known, now=store.now))
        store.accept(address=f"whatsapp:{written}", display_name="aninha")

        turn = store.claimed()

        assert (turn.profile, turn.person_name) == (Profile.LAWYER, "Dra. Ana")

    def test_stranger_has_the_name_of_whatsapp_and_no_profile(self, store):
        store.accept(address="whatsapp:BR.4566546130240823", display_name="Zé")

        turn = store.claimed()

        assert (turn.profile, turn.person_name) == (Profile.UNKNOWN, "Zé")

    def test_claim_costs_the_same_however_much_was_answered_before(
        self, store, database_kind
    ):
        if database_kind == "postgresql":
            pytest.skip(
                "o plano de consulta do PostgreSQL depende do tamanho da tabela"
            )
        store.accept()
        seen: list[tuple[str, Any]] = []
        sa.event.listen(
            store.engine,
            "before_cursor_execute",
            lambda _c, _k, statement, values, _x, _m: seen.append((statement, values)),
        )

        store.write(lambda c: turns.claim(c, lease_owner="w", now=0, lease_s=1))
        store.write(lambda c: outbox.claim(c, now=store.now))
        store.read(inbox.open_count)

        telling = ("GROUP BY", "count(")
        queries = [each for each in seen if any(word in each[0] for word in telling)]
        assert len(queries) == 3
        for statement, values in queries:
            plan = store.read(
                lambda c, s=statement, v=values: c.exec_driver_sql(
                    f"EXPLAIN QUERY PLAN {s}", v
                ).all()
            )
            steps = [step.detail for step in plan]
            assert any("USING" in step and "_open" in step for step in steps)
            assert not [s for s in steps if s.startswith("SCAN") and "INDEX" not in s]


class TestFencing:
    def test_turn_that_lost_its_lease_writes_nothing(self, store):
        store.accept()
        late = store.claimed("w1")
        store.now += LEASE_S + 1
        store.claimed("w2")
        late.effects = [Handoff("falar_com_advogado"), Request("relatar_caso", {})]

        with pytest.raises(FencedError):
            store.commit(late, "resposta atrasada")

        assert not store.rows("outbox")
        assert not store.rows("handoff")
        assert not store.rows("request")
        (row,) = store.rows("inbox")
        assert (row.status, row.lease_owner) == ("leased", "w2")

    def test_turn_that_was_given_back_writes_nothing(self, store):
        store.accept()
        late = store.claimed()
        store.write(lambda c: turns.release(c, lease_owner="w1"))

        with pytest.raises(FencedError):
            store.commit(late, "resposta atrasada")

        assert not store.rows("outbox")

    def test_same_worker_with_an_older_attempt_writes_nothing(self, store):
        store.accept()
        late = store.claimed("w1")
        store.now += LEASE_S + 1
        store.claimed("w1")

        with pytest.raises(FencedError):
            store.commit(late, "resposta atrasada")

    def test_turn_that_is_done_is_not_done_twice(self, store):
        turn = store.answered("resposta")

        with pytest.raises(FencedError):
            store.commit(turn, "de novo")

        assert [row.body for row in store.rows("outbox")] == ["resposta"]

    def test_failure_of_a_turn_that_lost_its_lease_changes_nothing(self, store):
        store.accept()
        late = store.claimed("w1")
        store.now += LEASE_S + 1
        store.claimed("w2")

        given_back = store.write(
            lambda c: turns.fail(c, late, retry_at=store.now, error="RuntimeError")
        )

        (row,) = store.rows("inbox")
        assert not given_back
        assert (row.status, row.lease_owner, row.error) == ("leased", "w2", None)

    def test_of_two_workers_that_commit_at_once_one_wins(self, store):
        store.accept()
        first = store.claimed("w1")
        store.now += LEASE_S + 1
        second = store.claimed("w2")
        start = threading.Barrier(2)

        def commit(turn: Turn) -> bool:
            start.wait(PATIENCE_S)
            try:
                store.commit(turn, turn.lease_owner)
            except FencedError:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            won = list(pool.map(commit, (first, second)))

        assert won == [False, True]
        assert [row.body for row in store.rows("outbox")] == ["w2"]


class TestAnswering:
    def test_answer_is_read_back_in_order_with_what_the_turn_came_to(self, store):
        accepted = store.accept()
        turn = store.claimed()
        assert store.read(lambda c: inbox.answer_to(c, accepted.inbox_id)) is None

        store.commit(turn, "um", "dois")

        answer = store.read(lambda c: inbox.answer_to(c, accepted.inbox_id))
        assert answer == inbox.Answer(
            status="done",
            texts=("um", "dois"),
            flow="saudar",
            confidence=0.97,
            answered_by="regra",
            profile="desconhecido",
        )

    def test_answer_on_whatsapp_waits_in_parts_that_fit(self, store):
        store.answered("palavra " * 300)

        rows = store.rows("outbox")
        assert [row.ordinal for row in rows] == [0, 1]
        assert {row.status for row in rows} == {"new"}
        assert max(len(row.body) for row in rows) <= 1600

    def test_answer_of_the_api_stays_whole_and_is_never_sent(self, store):
        store.answered("palavra " * 400, source="api")

        assert [row.status for row in store.rows("outbox")] == ["returned"]
        assert store.claim_answer() is None

    def test_choices_are_numbered_and_kept(self, store):
        store.accept()
        turn = store.claimed()
        buttons = ({"title": "9h", "payload": "/x"}, {"title": "10h", "payload": "/y"})
        turn.outgoing = [Outgoing("Qual horário?", buttons=buttons)]
        store.write(lambda c: turns.commit(c, turn, OUTCOME, now=store.now))

        (row,) = store.rows("outbox")
        assert row.body == "Qual horário?\n\n1. 9h\n2. 10h"
        assert row.buttons == list(buttons)

    def test_message_given_up_is_dead_with_its_apology(self, store):
        accepted = store.accept()
        turn = store.claimed()
        turn.outgoing = [Outgoing(NO_ANSWER)]

        def give_up(connection: Connection) -> None:
            turns.fail(connection, turn, retry_at=None, error="RuntimeError")
            turns.commit(connection, turn, OUTCOME, now=store.now)
            turns.mark_dead(connection, turn)

        store.write(give_up)

        answer = store.read(lambda c: inbox.answer_to(c, accepted.inbox_id))
        assert (answer.status, answer.texts) == ("dead", (NO_ANSWER,))
        assert store.claim() is None


class TestEffects:
    def test_repeated_turn_leaves_them_once(self, store):
        accepted = store.accept()
        first = store.claimed("w1")
        wanted = [Request("agendar_consulta", {"data": "2026-12-01"}), Handoff("x")]
        first.effects = list(wanted)
        store.fail_at_the_end(lambda c: turns.commit(c, first, OUTCOME, now=store.now))
        store.now += LEASE_S + 1
        second = store.claimed("w2")
        second.effects = list(wanted)
        store.commit(second, "ok")
        for late in (first, second):
            with pytest.raises(FencedError):
                store.commit(late, "ok")

        (stored,) = store.rows("request")
        assert (stored.inbox_id, stored.ordinal) == (accepted.inbox_id, 0)
        assert (stored.kind, stored.facts, stored.status) == (
            "agendar_consulta", {"data": "2026-12-01"}, "aberto",
        )  # fmt: skip
        assert len(store.rows("handoff")) == 1
        assert [row.body for row in store.rows("outbox")] == ["ok"]

    def test_request_applied_twice_for_one_origin_stays_as_it_was(self, store):
        accepted = store.accept()
        origin = Origin(accepted.conversation_id, accepted.inbox_id, 0)

        store.apply(Request("relatar_caso", {"n": 1}), origin)
        store.apply(Request("relatar_caso", {"n": 2}), origin)

        assert [row.facts for row in store.rows("request")] == [{"n": 1}]

    def test_two_requests_of_one_turn_are_two(self, store):
        store.accept()
        turn = store.claimed()
        turn.effects = [Request("relatar_caso", {}), Request("agendar_consulta", {})]

        store.commit(turn, "ok")

        assert [row.ordinal for row in store.rows("request")] == [0, 1]

    def test_handoff_that_is_open_takes_further_reasons_into_its_note(self, store):
        first, second = store.accept(), store.accept()
        talk = first.conversation_id
        asked = Origin(talk, first.inbox_id, 0)
        later = Origin(talk, second.inbox_id, 0)

        store.apply(Handoff("reclamar", note="a"), asked)
        for _ in range(2):  # a turn that is tried again
            store.apply(Handoff("reclamar", note="a"), asked)
            store.apply(Handoff("relatar_urgencia", note="preso"), later)
            store.apply(Handoff("muitas_mensagens"), later)
            store.apply(Handoff("reclamar", note="b"), later)

        (row,) = store.rows("handoff")
        assert (row.reason, row.inbox_id) == ("reclamar", first.inbox_id)
        assert row.note == (
            "a + relatar_urgencia: preso + muitas_mensagens + reclamar: b"
        )

    def test_reason_is_kept_where_the_notes_are_too_long(self, store):
        accepted = store.accept()
        origin = Origin(accepted.conversation_id, accepted.inbox_id, 0)
        store.apply(Handoff("reclamar", note="a" * 1999), origin)

        for _ in range(2):
            store.apply(Handoff("relatar_urgencia", note="preso"), origin)

        (row,) = store.rows("handoff")
        assert row.note == "a" * 1999 + " + relatar_urgencia"

    def test_handoffs_opened_at_once_are_one(self, store):
        accepted = store.accept()
        start = threading.Barrier(8)

        def ask(number: int) -> None:
            start.wait(PATIENCE_S)
            origin = Origin(accepted.conversation_id, accepted.inbox_id, number)
            store.apply(Handoff("reclamar"), origin)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(ask, range(8)))

        assert len(store.rows("handoff")) == 1

    def test_urgent_word_makes_the_open_handoff_urgent(self, store):
        accepted = store.accept()
        origin = Origin(accepted.conversation_id, accepted.inbox_id, 0)

        store.apply(Handoff("falar_com_advogado"), origin)
        store.apply(Handoff("relatar_urgencia", is_urgent=True), origin)
        store.apply(Handoff("falar_com_advogado"), origin)

        (row,) = store.rows("handoff")
        assert (row.reason, row.is_urgent) == ("falar_com_advogado", True)

    def test_new_handoff_opens_after_the_old_one_was_closed(self, store):
        accepted = store.accept()
        talk = accepted.conversation_id
        origin = Origin(talk, accepted.inbox_id, 0)
        store.apply(Handoff("falar_com_advogado"), origin)
        store.change_owner(talk, turns.PERSON)
        store.change_owner(talk, turns.ROBOT)

        store.apply(Handoff("reclamar"), origin)

        rows = store.rows("handoff")
        assert [row.closed_at is None for row in rows] == [False, True]

    @pytest.mark.parametrize(
        "raw",
        [
            {},
            {"tipo": "outro"},
            {"tipo": "passagem"},
            {"tipo": "pedido", "fluxo": "x"},
            {"tipo": "dono", "conversa": "c", "dono": "ninguem"},
            {"tipo": "dono", "dono": "robo"},
        ],
    )
    def test_effect_that_an_action_wrote_wrongly_is_refused(self, raw):
        with pytest.raises(ValueError, match="effect"):
            effects.parse(raw)


class TestOwner:
    def test_take_over_revokes_the_turn_under_way(self, store):
        accepted = store.accept()
        turn = store.claimed()
        store.change_owner(accepted.conversation_id, turns.PERSON)

        store.commit(turn, "resposta do robô")

        answer = store.read(lambda c: inbox.answer_to(c, accepted.inbox_id))
        assert [row.status for row in store.rows("outbox")] == ["revoked"]
        assert answer.texts == ()
        assert store.claim_answer() is None

    def test_take_over_revokes_answers_that_have_not_left(self, store):
        turn = store.answered("um", "dois")
        store.change_owner(turn.conversation_id, turns.PERSON)

        assert store.claim_answer() is None
        assert [row.status for row in store.rows("outbox")] == ["revoked"] * 2

    def test_take_over_and_back_revokes_them_too(self, store):
        turn = store.answered("um")
        store.change_owner(turn.conversation_id, turns.PERSON)
        store.change_owner(turn.conversation_id, turns.ROBOT)

        assert store.claim_answer() is None

    def test_answers_of_other_conversations_leave(self, store):
        taken = store.answered("um")
        other = store.answered("dois", address=JOAO)
        store.change_owner(taken.conversation_id, turns.PERSON)

        answer = store.claim_answer()

        assert answer is not None
        assert answer.to_address == JOAO
        assert other.conversation_id != taken.conversation_id

    def test_same_owner_again_revokes_nothing(self, store):
        turn = store.answered("um")
        store.change_owner(turn.conversation_id, turns.ROBOT)

        assert store.claim_answer() is not None

    def test_next_turn_knows_the_owner_and_its_answer_leaves(self, store):
        accepted = store.accept()
        store.change_owner(accepted.conversation_id, turns.PERSON)

        turn = store.claimed()
        store.commit(turn, "resposta da pessoa")

        assert turn.conversation_owner == turns.PERSON
        assert store.claim_answer() is not None

    def test_going_back_to_the_robot_closes_the_handoff(self, store):
        accepted = store.accept()
        talk = accepted.conversation_id
        store.apply(Handoff("reclamar"), Origin(talk, accepted.inbox_id, 0))
        store.change_owner(talk, turns.PERSON)
        assert store.rows("handoff")[0].closed_at is None

        store.now += 60
        store.change_owner(talk, turns.ROBOT)

        assert store.rows("handoff")[0].closed_at == store.now


class TestSending:
    def test_claimed_answer_says_who_writes_to_whom(self, store):
        turn = store.answered("oi, Maria")

        answer = store.claim_answer()

        (row,) = store.rows("outbox")
        assert answer == outbox.ClaimedAnswer(
            id=row.id,
            token=row.token,
            body="oi, Maria",
            to_address=MARIA,
            from_address=OFFICE,
            account_sid="AC1",
            attempt=1,
        )
        assert (row.status, row.started_at) == ("sending", store.now)
        assert row.inbox_id == turn.inbox_id

    def test_answers_of_a_conversation_leave_one_after_another(self, store):
        store.answered("um", "dois")
        store.answered("três")

        left = []
        while answer := store.claim_answer():
            assert store.claim_answer() is None
            left.append(answer.body)
            store.write(lambda c, a=answer: _settle(c, a, "sent"))

        assert left == ["um", "dois", "três"]

    def test_conversations_leave_side_by_side(self, store):
        for address in (MARIA, JOAO):
            store.answered("um", "dois", address=address)

        claimed = [store.claim_answer() for _ in range(3)]

        assert [each and each.to_address for each in claimed] == [MARIA, JOAO, None]

    def test_answer_that_must_wait_holds_back_the_next(self, store):
        store.answered("um", "dois")
        answer = store.claim_answer()
        store.write(lambda c: outbox.mark_again(c, answer, at=store.now + 30))

        assert store.claim_answer() is None
        store.now += 30
        again = store.claim_answer()
        assert (again.body, again.attempt) == ("um", 2)

    @pytest.mark.parametrize(
        ("status", "following"), [("failed", "dois"), ("unknown", None)]
    )
    def test_answer_that_ended_lets_the_next_go_and_one_of_unknown_fate_does_not(
        self, store, status, following
    ):
        store.answered("um", "dois")
        answer = store.claim_answer()
        store.write(lambda c: _settle(c, answer, status))

        claimed = store.claim_answer()

        assert (claimed and claimed.body) == following

    def test_looking_for_work_says_when_the_next_answer_is_due(self, store):
        assert store.read(outbox.due_at) is None
        store.answered("um", "dois")
        store.answered("um", address=JOAO)
        assert store.read(outbox.due_at) <= store.now
        first, second = store.claim_answer(), store.claim_answer()
        assert store.read(outbox.due_at) is None

        store.write(lambda c: outbox.mark_again(c, first, at=store.now + 30))
        store.write(
            lambda c: outbox.mark_sent(
                c, second, provider_sid="SM-2", now=store.now, pause_s=5
            )
        )
        assert store.read(outbox.due_at) == store.now + 30
        store.answered("dois", address=JOAO)

        assert store.read(outbox.due_at) == store.now + 5

    @pytest.mark.parametrize(
        "look",
        [
            outbox.due_at,
            lambda c: outbox.claim(c, now=1_795_000_000.0),
            lambda c: outbox.has_stranded(c, started_before=1_795_000_000.0),
            lambda c: outbox.uncertain(c, now=1_795_000_000.0, most=9),
        ],
        ids=["due", "claim", "stranded", "uncertain"],
    )
    def test_looking_costs_the_same_however_much_was_sent_before(
        self, store, database_kind, look
    ):
        if database_kind == "postgresql":
            pytest.skip(
                "o plano de consulta do PostgreSQL depende do tamanho da tabela"
            )
        seen: list[tuple[str, Any]] = []
        sa.event.listen(
            store.engine,
            "before_cursor_execute",
            lambda _c, _k, statement, values, _x, _m: seen.append((statement, values)),
        )

        store.write(look)

        (statement, values) = next(each for each in seen if "outbox" in each[0])
        plan = store.read(
            lambda c: c.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
        )
        steps = [step.detail for step in plan]
        assert any("outbox_open" in step for step in steps)
        assert not [s for s in steps if s.startswith("SCAN") and "INDEX" not in s]

    def test_row_that_was_sent_gives_its_conversation_a_pause(self, store):
        store.answered("um", "dois")
        answer = store.claim_answer()
        store.write(
            lambda c: outbox.mark_sent(
                c, answer, provider_sid="SM-1", now=store.now, pause_s=0.5
            )
        )

        assert store.claim_answer() is None
        store.now += 0.5
        assert store.claim_answer().body == "dois"

    def test_person_who_writes_while_the_window_closes_is_not_left_waiting(self, store):
        store.answered("ontem")
        store.now += 25 * 3600
        with writing(store.engine) as connection:
            inbox.accept(connection, store.message("voltei"), now=store.now)
            if connection.dialect.name == "postgresql":
                with ThreadPoolExecutor(1) as pool:
                    claiming = pool.submit(store.claim_answer)
                    with pytest.raises(TimeoutError):
                        claiming.result(0.2)
                    connection.commit()
                    assert claiming.result(PATIENCE_S).body == "ontem"
                return

        assert store.claim_answer().body == "ontem"

    @pytest.mark.parametrize("late", ["again", "unknown", "refused"])
    def test_sender_that_comes_too_late_changes_nothing(self, store, late):
        store.answered("um")
        first = store.claim_answer()
        store.write(lambda c: outbox.strand_unfinished(c, started_before=store.now + 1))
        store.write(lambda c: outbox.mark_missing(c, first, now=store.now))
        second = store.claim_answer()
        assert (second.token, second.attempt) == (first.token, 2)

        store.write(lambda c: _settle(c, first, late))

        (row,) = store.rows("outbox")
        assert (row.status, row.attempts) == ("sending", 2)

    def test_late_proof_of_the_first_copy_ends_the_second_try(self, store):
        store.answered("um")
        first = store.claim_answer()
        store.write(lambda c: outbox.strand_unfinished(c, started_before=store.now + 1))
        store.write(lambda c: outbox.mark_missing(c, first, now=store.now))

        assert store.follow(first.token, "queued", sid="SM-first")

        assert store.claim_answer() is None
        (row,) = store.rows("outbox")
        assert (row.status, row.provider_sid) == ("sent", "SM-first")

    def test_second_copy_is_told(self, store):
        store.answered("um")
        answer = store.claim_answer()
        store.follow(answer.token, "delivered", sid="SM-first")

        same, other = (
            store.write(
                lambda c, s=sid: outbox.mark_sent(
                    c, answer, provider_sid=s, now=store.now
                )
            )
            for sid in ("SM-first", "SM-second")
        )

        assert (same, other) == (True, False)

    def test_many_senders_never_take_the_same_answer(self, store):
        for number in range(24):
            store.answered(str(number), address=f"whatsapp:+551198765{number:04d}")
        taken: list[str] = []

        def send(_: int) -> None:
            while answer := store.claim_answer():
                taken.append(answer.body)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(send, range(6)))
        taken += [a.body for a in iter(store.claim_answer, None)]

        assert sorted(taken, key=int) == [str(number) for number in range(24)]

    def test_send_left_open_by_a_dead_process_is_unknown(self, store):
        store.answered("um")
        store.answered("dois", address=JOAO)
        store.claim_answer()
        store.now += 60
        store.claim_answer()

        stranded = store.write(
            lambda c: outbox.strand_unfinished(c, started_before=store.now - 11)
        )

        assert stranded == 1
        assert [(row.status, row.error_code) for row in store.rows("outbox")] == [
            ("unknown", "interrupted"), ("sending", None),
        ]  # fmt: skip


RANKS = {"sent": 1, "undelivered": 2, "failed": 2, "delivered": 3, "read": 4}
SHOWN = {"undelivered": "failed"}


class TestStatusCallbacks:
    @pytest.mark.parametrize(
        "words",
        [
            ("sent", "delivered", "read"),
            ("sent", "delivered", "undelivered"),
            ("sent", "failed", "queued"),
            ("sent", "read", "failed", "delivered"),
        ],
        ids="-".join,
    )
    @pytest.mark.parametrize("status", ["sending", "unknown", "sent"])
    def test_every_order_ends_the_same_and_never_goes_back(self, store, words, status):
        orders = list(itertools.permutations(words))
        highest = max(RANKS.get(word, 0) for word in words)
        for number, order in enumerate(orders):
            store.answered("oi", address=f"whatsapp:+551198765{number:04d}")
            answer = store.claim_answer()
            outbox_id = answer.id
            if status != "sending":
                store.write(lambda c, a=answer: _settle(c, a, status))
            seen = []
            for word in order:
                store.follow(answer.token, word, sid=f"SM-{outbox_id}")
                row = next(r for r in store.rows("outbox") if r.id == outbox_id)
                seen.append(RANKS.get(row.status, 0))

            assert seen == sorted(seen), order
            assert seen[-1] == highest, order

    def test_it_says_whether_something_moved(self, store):
        store.answered("oi")
        answer = store.claim_answer()

        moved = [store.follow(answer.token, word) for word in ("read", "read", "sent")]

        assert moved == [True, False, False]

    def test_row_is_found_by_the_id_of_the_provider_too(self, store):
        store.answered("oi")
        answer = store.claim_answer()
        store.write(lambda c: _settle(c, answer, "sent", sid="SM-9"))

        assert store.follow("", "delivered", sid="SM-9")
        assert [row.status for row in store.rows("outbox")] == ["delivered"]

    def test_error_code_is_kept(self, store):
        store.answered("oi")
        answer = store.claim_answer()

        store.follow(answer.token, "undelivered", code="63032")

        (row,) = store.rows("outbox")
        assert (row.status, row.error_code) == ("failed", "63032")
        assert row.status_at == store.now

    def test_callback_before_the_answer_of_the_send_gives_the_id(self, store):
        store.answered("oi")
        answer = store.claim_answer()
        store.follow(answer.token, "delivered", sid="SM-9")

        store.write(lambda c: _settle(c, answer, "sent", sid="SM-9"))

        (row,) = store.rows("outbox")
        assert (row.status, row.provider_sid) == ("delivered", "SM-9")

    @pytest.mark.parametrize(
        ("token", "sid"), [("inventado", "SM-9"), ("", "SM-9"), ("", "")]
    )
    def test_callback_of_nobody_changes_nothing(self, store, token, sid):
        store.answered("oi")
        store.claim_answer()
        before = store.rows("outbox")

        assert not store.follow(token, "delivered", sid=sid)
        assert store.rows("outbox") == before

    def test_callback_does_not_bring_back_a_revoked_answer(self, store):
        turn = store.answered("oi")
        store.change_owner(turn.conversation_id, turns.PERSON)
        store.claim_answer()
        (row,) = store.rows("outbox")

        assert not store.follow(row.token, "delivered")
        assert store.rows("outbox")[0].status == "revoked"

    def test_of_two_callbacks_at_once_none_is_lost(self, store):
        store.answered("oi")
        answer = store.claim_answer()
        started = threading.Event()

        def read() -> bool:
            started.set()
            return store.follow(answer.token, "read", sid="SM-9")

        with ThreadPoolExecutor(1) as pool:
            with writing(store.engine) as connection:
                outbox.follow(
                    connection,
                    token=answer.token,
                    provider_sid="SM-9",
                    status="delivered",
                    error_code="",
                    now=store.now,
                )
                second = pool.submit(read)
                started.wait(PATIENCE_S)
                with pytest.raises(TimeoutError):
                    second.result(0.2)
            assert second.result(PATIENCE_S)

        assert [row.status for row in store.rows("outbox")] == ["read"]


class TestFailures:
    """What a failure that a status callback tells of leads to."""

    @pytest.fixture
    def answer(self, store):
        store.answered("oi")
        claimed = store.claim_answer()
        store.write(lambda c: _settle(c, claimed, "sent", sid="SM-1"))
        return claimed

    def reasons(self, store) -> list[str]:
        return [row.reason for row in store.rows("handoff")]

    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            ("63024", "sem_whatsapp"),
            ("63003", "sem_whatsapp"),
            ("63032", "resposta_nao_enviada"),
            ("21610", "resposta_nao_enviada"),
            ("99999", "resposta_nao_enviada"),
            ("", "resposta_nao_enviada"),
        ],
    )
    def test_answer_that_cannot_arrive_goes_to_a_person(
        self, store, answer, code, reason
    ):
        store.follow(answer.token, "undelivered", sid="SM-1", code=code)

        assert [row.status for row in store.rows("outbox")] == ["failed"]
        assert self.reasons(store) == [reason]

    def test_lawyer_who_does_not_get_an_answer_is_no_client(self, store):
        lawyer = Person("+5511987654321", "Ana", Profile.LAWYER)
        store.write(lambda c: people.save(c, lawyer, now=store.now))
        store.answered("oi")
        answer = store.claim_answer()

        store.follow(answer.token, "undelivered", code="63032")

        assert self.reasons(store) == []

    def test_reminder_that_does_not_arrive_is_nobodys_task(self, store, answer):
        reminder = sa.update(metadata.tables["outbox"]).values(purpose="lembrete")
        store.write(lambda c: c.execute(reminder))

        store.follow(answer.token, "undelivered", sid="SM-1", code="63032")

        assert self.reasons(store) == []

    @pytest.mark.parametrize("code", ["21610", "63014", "63033"])
    def test_who_blocked_us_has_opted_out(self, store, answer, code):
        store.follow(answer.token, "failed", sid="SM-1", code=code)

        (talk,) = store.rows("conversation")
        assert talk.opted_out_at == store.now

    @pytest.mark.parametrize("code", ["63038", "63015", "63041"])
    def test_what_must_be_mended_is_counted(self, store, answer, code):
        store.follow(answer.token, "failed", sid="SM-1", code=code)
        store.answered("oi", address=JOAO)
        other = store.claim_answer()
        store.now += 60
        store.follow(other.token, "failed", sid="SM-2", code=code)

        (alert,) = store.read(
            lambda c: c.execute(sa.select(metadata.tables["channel_alert"])).all()
        )
        assert (alert.code, alert.count) == (code, 2)
        assert (alert.first_at, alert.last_at) == (store.now - 60, store.now)

    def test_closed_window_lets_the_answer_wait(self, store, answer):
        store.now += 60
        store.follow(answer.token, "undelivered", sid="SM-1", code="63016")

        assert store.claim_answer() is None
        (row,) = store.rows("outbox")
        assert (row.status, row.provider_sid) == ("waiting", None)
        assert self.reasons(store) == ["janela_fechada"]
        store.accept("voltei")
        assert store.claim_answer().body == "oi"

    def test_window_that_opened_again_meanwhile_lets_it_leave(self, store, answer):
        store.now += 60
        store.accept("voltei")
        store.now += 1

        store.follow(answer.token, "undelivered", sid="SM-1", code="63016")

        assert store.claim_answer().body == "oi"

    def test_too_fast_is_tried_again_later_and_not_for_ever(self, store, answer):
        pauses = []
        for number in range(1, 5):
            store.follow(answer.token, "failed", sid=f"SM-{number}", code="63018")
            due_at = store.read(outbox.due_at)
            pauses.append(due_at - store.now)
            assert store.claim_answer() is None
            store.now = due_at
            answer = store.claim_answer()
            store.write(
                lambda c, a=answer, n=number: _settle(c, a, "sent", sid=f"SM-{n + 1}")
            )
        assert pauses == [10, 20, 40, 80]

        store.follow(answer.token, "failed", sid="SM-5", code="63018")

        assert [row.status for row in store.rows("outbox")] == ["failed"]
        assert self.reasons(store) == ["resposta_nao_enviada"]

    @pytest.mark.parametrize("word", ["sent", "delivered", "failed"])
    def test_late_callback_of_a_life_before_finds_nobody(self, store, answer, word):
        store.follow(answer.token, "failed", sid="SM-1", code="63018")
        before = store.rows("outbox")

        assert not store.follow(answer.token, word, sid="SM-1", code="63032")
        assert not store.follow("", word, sid="SM-1")
        assert store.rows("outbox") == before

    @pytest.mark.parametrize(
        ("word", "status"), [("failed", "sent"), ("delivered", "delivered")]
    )
    def test_of_another_copy_its_arrival_counts_and_not_its_failure(
        self, store, answer, word, status
    ):
        store.follow(answer.token, word, sid="SM-other", code="63032")

        (row,) = store.rows("outbox")
        assert (row.status, row.provider_sid) == (status, "SM-1")

    def test_id_of_another_row_is_not_taken(self, store, answer):
        store.answered("oi", address=JOAO)
        other = store.claim_answer()

        store.follow(other.token, "sent", sid="SM-1")

        assert [row.provider_sid for row in store.rows("outbox")] == ["SM-1", None]


def _settle(
    connection: Connection, answer: outbox.ClaimedAnswer, how: str, *, sid: str = ""
) -> None:
    now = 1_795_000_000.0
    if how == "sent":
        sid = sid or f"SM-{answer.id}"
        outbox.mark_sent(connection, answer, provider_sid=sid, now=now)
    elif how == "again":
        outbox.mark_again(connection, answer, at=now)
    elif how == "unknown":
        outbox.mark_unknown(connection, answer, reason="500", now=now)
    else:
        outbox.mark_refused(connection, answer, code="63032", now=now)


class TestPeople:
    def save(self, store: Store, phone: str, name: str, profile=Profile.CLIENT) -> bool:
        registered = Person(phone, name, profile)
        return store.write(lambda c: people.save(c, registered, now=store.now))

    def test_person_is_found_by_number(self, store):
        assert self.save(store, "+5511987654321", "Maria")

        found = store.read(lambda c: people.find_by_address(c, MARIA))

        assert found == Person("+5511987654321", "Maria", Profile.CLIENT)

    def test_saving_again_changes_name_and_profile(self, store):
        self.save(store, "+5511987654321", "Maria")

        is_new = self.save(store, "+551187654321", "Dra. Maria", Profile.LAWYER)

        (row,) = store.rows("person")
        assert not is_new
        assert (row.phone, row.name, row.profile) == (
            "+5511987654321", "Dra. Maria", "advogado",
        )  # fmt: skip

    @pytest.mark.parametrize(
        "address",
        ["whatsapp:BR.4566546130240823", "whatsapp:+551133334444", "whatsapp:", ""],
    )
    def test_nobody_is_found_by_another_address(self, store, address):
        self.save(store, "+5511933334444", "Maria")

        assert store.read(lambda c: people.find_by_address(c, address)) is None

    @pytest.mark.parametrize("asked", ["Érica", "érica", "ÉRICA", "Érica Luz"])
    def test_name_is_found_in_any_case_with_its_accents(self, store, asked):
        self.save(store, "+5511987654321", "Érica Luz")
        self.save(store, "+5511987654322", "Maria")

        found = store.read(lambda c: people.find_by_name(c, asked))

        assert [person.name for person in found] == ["Érica Luz"]

    @pytest.mark.parametrize("asked", ["%", "_", "a%z", "\\", "'", "  "])
    def test_signs_are_not_wildcards(self, store, asked):
        self.save(store, "+5511987654321", "Maria")

        assert store.read(lambda c: people.find_by_name(c, asked)) == []


class TestOfficeDesk:
    def ask(self, store: Store, kind: str, address: str = MARIA) -> inbox.Accepted:
        accepted = store.accept(address=address)
        origin = Origin(accepted.conversation_id, accepted.inbox_id, 0)
        store.apply(Request(kind, {"n": accepted.inbox_id}), origin)
        return accepted

    def test_requests_of_a_conversation_come_newest_first(self, store):
        first = self.ask(store, "agendar_consulta")
        second = self.ask(store, "remarcar_consulta")
        self.ask(store, "relatar_caso")
        self.ask(store, "agendar_consulta", JOAO)

        found = store.read(
            lambda c: office_desk.requests_of(
                c,
                first.conversation_id,
                kinds=("agendar_consulta", "remarcar_consulta"),
            )
        )

        assert [each.facts["n"] for each in found] == [second.inbox_id, first.inbox_id]

    def test_open_requests_of_all_come_newest_first_up_to_a_number(self, store):
        asked = [self.ask(store, "relatar_caso", each) for each in (MARIA, JOAO, ANA)]
        self.ask(store, "agendar_consulta")
        table = metadata.tables["request"]
        closed = sa.update(table).where(table.c.inbox_id == asked[2].inbox_id)
        store.write(lambda c: c.execute(closed.values(status="fechado")))

        found = store.read(
            lambda c: office_desk.recent_requests(c, kinds=("relatar_caso",), most=1)
        )

        assert [each.conversation_id for each in found] == [asked[1].conversation_id]

    def test_new_contacts_show_who_waits_and_the_urgent_first(self, store):
        early = store.accept(address="whatsapp:+5511900000000")
        store.now += 100
        since = store.now
        for address, name in ((MARIA, "Maria"), (JOAO, "João"), (ANA, "")):
            store.accept(address=address, display_name=name)
            store.now += 1
        talks = {row.address: row.id for row in store.rows("conversation")}
        store.apply(Handoff("reclamar"), Origin(talks[JOAO], None, 0))
        store.apply(
            Handoff("relatar_urgencia", is_urgent=True), Origin(talks[MARIA], None, 0)
        )

        found = store.read(lambda c: office_desk.new_contacts(c, since=since, most=10))

        assert [(each.name, each.waits_because, each.is_urgent) for each in found] == [
            ("Maria", "relatar_urgencia", True),
            ("João", "reclamar", False),
            ("…4323", "", False),
        ]
        assert early.conversation_id not in {each.conversation_id for each in found}

    def test_conversation_is_found_by_the_name_in_either_place(self, store):
        registered = Person("+551187654321", "Maria da Luz", Profile.CLIENT)
        store.write(lambda c: people.save(c, registered, now=store.now))
        store.accept(address=MARIA, display_name="mah")
        store.accept(address=JOAO, display_name="João da Luz")

        def named(name: str) -> list[str]:
            found = store.read(lambda c: office_desk.conversations_named(c, name))
            return [each.name for each in found]

        assert named("maria da luz") == ["Maria da Luz"]
        assert named("joão") == ["João da Luz"]
        assert named("ninguém") == []

    def test_last_messages_read_like_the_conversation(self, store):
        for text in ("um", "dois", "", "três"):
            accepted = store.accept(text)
        store.accept("de outro", JOAO)

        found = store.read(
            lambda c: office_desk.last_messages(c, accepted.conversation_id, most=2)
        )

        assert found == ["dois", "três"]


def shape_of(engine: Engine) -> dict[str, Any]:
    """Everything that the database says of its tables."""
    inspector = sa.inspect(engine)
    shape = {}
    for name in inspector.get_table_names():
        if name == "alembic_version":
            continue
        columns = [
            {**column, "type": str(column["type"])}
            for column in inspector.get_columns(name)
        ]
        by_columns: Callable[[Any], Any] = lambda each: str(each["column_names"])  # noqa: E731
        shape[name] = {
            "columns": columns,
            "key": inspector.get_pk_constraint(name),
            "unique": sorted(inspector.get_unique_constraints(name), key=by_columns),
            "indexes": [
                {**index, "dialect_options": _as_text(index)}
                for index in sorted(inspector.get_indexes(name), key=by_columns)
            ],
            "foreign": sorted(
                inspector.get_foreign_keys(name),
                key=lambda each: str(each["constrained_columns"]),
            ),
        }
    return shape


def _as_text(index: Any) -> dict[str, str]:
    options = index.get("dialect_options", {})
    return {
        key: str(value).replace("inbox.", "").replace("outbox.", "")
        for key, value in options.items()
    }


class TestMigrations:
    def test_migrated_database_is_what_the_schema_says(self, new_url):
        migrated, created = open_engine(new_url()), open_engine(new_url())
        migrate.upgrade(migrated)
        metadata.create_all(created)

        with reading(migrated) as connection:
            context = MigrationContext.configure(connection)
            differences = compare_metadata(context, metadata)
        assert differences == []
        assert shape_of(migrated) == shape_of(created)
        assert set(shape_of(migrated)) == set(metadata.tables)
        migrated.dispose()
        created.dispose()

    def test_migrations_go_back_to_nothing_and_forward_again(self, new_url):
        engine = open_engine(new_url())
        migrate.upgrade(engine)
        before = shape_of(engine)

        migrate.downgrade(engine, revision="base")
        assert shape_of(engine) == {}
        migrate.upgrade(engine)

        assert shape_of(engine) == before
        engine.dispose()

    def test_migrating_again_changes_nothing(self, store):
        store.accept("oi")

        migrate.upgrade(store.engine)

        assert [row.text for row in store.rows("inbox")] == ["oi"]

    def test_processes_that_start_at_once_migrate_once(self, new_url):
        url = new_url()
        environ = {**os.environ, "DATABASE_URL": url, "PYTHONPATH": str(ROOT)}
        started = [
            subprocess.Popen(
                [sys.executable, "-m", "bot.store.migrate"],
                cwd=ROOT,
                env=environ,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(3)
        ]

        ended = [process.communicate(timeout=60)[1] for process in started]

        assert [process.returncode for process in started] == [0, 0, 0], ended
        engine = open_engine(url)
        with reading(engine) as connection:
            versions = connection.exec_driver_sql(
                "SELECT version_num FROM alembic_version"
            ).all()
        assert len(versions) == 1
        engine.dispose()


class TestDatabase:
    def test_transaction_that_fails_writes_nothing(self, store):
        message = store.message()

        store.fail_at_the_end(lambda c: inbox.accept(c, message, now=store.now))

        assert store.rows("inbox") == []

    def test_error_of_the_database_does_not_list_what_was_to_be_written(self, tmp_path):
        engine = open_engine(f"sqlite:///{tmp_path}/store.db")
        broken = sa.text("INSERT INTO nowhere VALUES (:words)")

        with pytest.raises(sa.exc.SQLAlchemyError) as caught, writing(engine) as store:
            store.execute(broken, {"words": "fui demitida grávida"})

        assert "demitida" not in str(caught.value)
        engine.dispose()

    def test_sqlite_survives_a_power_cut(self, tmp_path):
        engine = open_engine(f"sqlite:///{tmp_path}/new/folder/store.db")

        with reading(engine) as connection:
            settings = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]

        assert settings == ["wal", 2, 1]
        assert Path(tmp_path / "new" / "folder" / "store.db").exists()
        engine.dispose()

    def test_reader_is_not_held_up_by_a_writer(self, store):
        store.accept("antes")

        with writing(store.engine) as connection:
            inbox.accept(connection, store.message("durante"), now=store.now)
            seen = [row.text for row in store.rows("inbox")]

        assert seen == ["antes"]

"""How much one person may ask, and when the robot falls silent towards another."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from bot.core import phrases
from bot.store import inbox, limits, outbox, transcripts, turns
from bot.store.inbox import Attachment, Rules
from bot.store.schema import metadata
from tests.contract import test_store
from tests.contract.test_store import JOAO, MARIA, RULES, Store

database_kind = test_store.database_kind
migrated_sqlite = test_store.migrated_sqlite
migrated_postgres = test_store.migrated_postgres
store = test_store.store

AUTO_REPLY = "Olá! Recebemos sua mensagem e responderemos em breve. Protocolo 4711"


class Talk:
    """One person who writes, and the robot that answers each message."""

    def __init__(self, store: Store, rules: Rules = RULES, address: str = MARIA):
        self.store = store
        self.rules = rules
        self.address = address
        self.heard: list[tuple[float, str]] = []
        """What the robot took, and when."""

    def write(self, text: str = "oi", **fields: Any) -> inbox.Accepted:
        return self.store.accept(text, self.address, rules=self.rules, **fields)

    def turn(self, *answers: str) -> bool:
        """Answers one message, if one may be answered now."""
        turn = self.store.claim()
        if turn is None:
            return False
        self.heard.append((self.store.now, turn.text))
        self.store.commit(turn, *(answers or (f"resposta {len(self.heard)}",)))
        return True

    def send(self) -> list[str]:
        """Sends all that waits to be sent; returns it."""
        sent = []
        while answer := self.store.claim_answer():
            sent.append(answer.body)
            sid, now = f"SM-{answer.id}", self.store.now
            self.store.write(
                lambda c, a=answer, s=sid, n=now: outbox.mark_sent(
                    c, a, provider_sid=s, now=n
                )
            )
        return sent

    def exchange(self, text: str, *answers: str, after_s: float = 5.0) -> list[str]:
        """Says something; a while after, the robot answers, if it does."""
        self.write(text)
        self.store.now += after_s / 2
        self.turn(*answers)
        sent = self.send()
        self.store.now += after_s / 2
        return sent

    @property
    def conversation(self) -> Any:
        (row,) = [r for r in self.store.rows("conversation") if r.address == MARIA]
        return row

    @property
    def is_muted(self) -> bool:
        return self.conversation.muted_until > self.store.now

    def reasons(self) -> list[str]:
        return [row.reason for row in self.store.rows("handoff")]

    def notices(self) -> list[str]:
        known = (
            phrases.TOO_MANY_A_DAY, phrases.TOO_MANY_A_MINUTE,
            phrases.TOO_MANY_WAITING, phrases.AUTOMATIC_REPLY,
        )  # fmt: skip
        return [row.body for row in self.store.rows("outbox") if row.body in known]

    def unanswered(self) -> list[tuple[str, str]]:
        return [
            (row.text, row.error)
            for row in self.store.rows("inbox")
            if row.flow == limits.FLOW
        ]


@pytest.fixture
def talk(store) -> Talk:
    return Talk(store)


class TestMinute:
    RULES = replace(RULES, limit_per_minute=3)

    @pytest.fixture
    def talk(self, store) -> Talk:
        return Talk(store, self.RULES)

    def answer_for(self, talk: Talk, seconds: int) -> None:
        for _ in range(seconds):
            while talk.turn():
                pass
            talk.store.now += 1

    @pytest.mark.parametrize("pause_s", [0, 1, 7, 25])
    def test_any_minute_answers_no_more_than_the_limit(self, talk, pause_s):
        start = talk.store.now
        for number in range(10):
            talk.write(f"mensagem {number}")
            self.answer_for(talk, pause_s)
        self.answer_for(talk, 240)

        times = [at - start for at, _ in talk.heard]
        assert [text for _, text in talk.heard] == [f"mensagem {n}" for n in range(10)]
        for first, fourth in zip(times, times[3:], strict=False):
            assert fourth - first >= 60

    def test_messages_within_the_limit_are_answered_at_once(self, talk):
        for text in ("um", "dois", "três"):
            talk.write(text)
            assert talk.turn()

        assert not talk.notices()

    def test_person_is_told_once_that_answers_take_a_while(self, talk):
        for number in range(8):
            talk.write(str(number))
            talk.turn()
        sent = talk.send()
        self.answer_for(talk, 600)
        for number in range(8):
            talk.write(f"de novo {number}")

        assert sent.count(phrases.TOO_MANY_A_MINUTE) == 1
        assert talk.notices() == [phrases.TOO_MANY_A_MINUTE]
        assert not talk.reasons()

    def test_message_that_waited_gets_its_own_answer_too(self, talk):
        for number in range(4):
            talk.write(str(number))
        self.answer_for(talk, 70)

        last = talk.store.rows("inbox")[-1]
        mine = [r for r in talk.store.rows("outbox") if r.inbox_id == last.id]
        assert [row.body for row in mine] == [
            phrases.TOO_MANY_A_MINUTE, "resposta 4",
        ]  # fmt: skip
        assert last.status == "done"

    def test_one_person_does_not_slow_another(self, talk):
        for number in range(10):
            talk.write(str(number))
        other = Talk(talk.store, self.RULES, JOAO)
        other.write("bom dia")

        while talk.turn():
            pass

        assert "bom dia" in [text for _, text in talk.heard]

    def test_photos_over_the_limit_wait_for_their_turn_and_not_for_files_alone(
        self, talk
    ):
        for _ in range(4):
            talk.write("", attachments=(Attachment("https://x/ME1"),))
        talk.write("e agora?")
        talk.store.now += RULES.media_wait_s

        while talk.turn():
            pass

        assert len(talk.heard) == 3

    def test_api_is_not_limited(self, talk):
        for number in range(9):
            talk.write(str(number), source="api")
            assert talk.turn()

    def test_messages_of_the_api_do_not_use_the_limit_up(self, talk):
        for number in range(9):
            talk.write(str(number), source="api")
            talk.turn()
        talk.write("oi")

        assert talk.turn()

    def test_conversation_that_a_person_owns_is_not_limited(self, talk):
        accepted = talk.write("um")
        talk.store.change_owner(accepted.conversation_id, turns.PERSON)
        for number in range(9):
            talk.write(str(number))

        assert all(talk.turn() for _ in range(10))
        assert not talk.notices()

    def test_without_rules_nothing_waits(self, talk):
        for number in range(9):
            talk.store.accept(str(number))

        assert all(talk.turn() for _ in range(9))


class TestDay:
    RULES = replace(RULES, limit_per_day=5)

    @pytest.fixture
    def talk(self, store) -> Talk:
        talk = Talk(store, self.RULES)
        for number in range(8):
            talk.write(f"mensagem {number}", kind="image")
            talk.turn()
            store.now += 90
        return talk

    def test_messages_over_the_limit_are_kept_for_a_person(self, talk):
        assert [text for _, text in talk.heard] == [f"mensagem {n}" for n in range(5)]
        assert talk.unanswered() == [
            (f"mensagem {n}", limits.OVER_DAY) for n in range(5, 8)
        ]
        last = talk.store.rows("inbox")[-1]
        assert (last.status, last.answered_by) == ("done", "regra")
        assert last.finished_at == last.received_at
        assert talk.reasons() == ["muitas_mensagens"]

    def test_person_is_told_once(self, talk):
        crossing = talk.store.rows("inbox")[5]
        told = [row for row in talk.store.rows("outbox") if row.body in talk.notices()]

        assert [(row.inbox_id, row.ordinal, row.body) for row in told] == [
            (crossing.id, 0, phrases.TOO_MANY_A_DAY)
        ]
        assert phrases.TOO_MANY_A_DAY in talk.send()

    def test_next_day_is_answered_again(self, talk):
        talk.store.now += limits.DAY_S
        talk.write("bom dia")

        assert talk.turn()

    def test_another_person_is_answered(self, talk):
        other = Talk(talk.store, self.RULES, JOAO)
        other.write("oi")

        assert other.turn()

    def test_api_is_answered(self, talk):
        talk.write("oi", source="api")

        assert talk.turn()


class TestQueue:
    def test_messages_beyond_the_queue_are_kept_for_a_person(self, store):
        talk = Talk(store, replace(RULES, limit_queue=3))
        for number in range(6):
            talk.write(str(number))
        heard = [talk.turn() for _ in range(4)]
        talk.write("depois")

        assert heard == [True, True, True, False]
        assert talk.unanswered() == [(str(n), limits.OVER_QUEUE) for n in (3, 4, 5)]
        assert talk.notices() == [phrases.TOO_MANY_WAITING]
        assert talk.reasons() == ["muitas_mensagens"]
        assert talk.turn()

    def test_flood_costs_a_bounded_number_of_answers(self, store):
        talk = Talk(store, RULES)
        for number in range(400):
            talk.write(f"mensagem {number}")
        while talk.turn():
            pass

        assert len(talk.heard) <= RULES.limit_per_minute
        assert len(store.rows("inbox")) == 400
        assert len(talk.notices()) <= 3


class TestLoop:
    def test_same_text_after_each_answer_is_taken_for_automatic(self, talk):
        said = [talk.exchange(AUTO_REPLY) for _ in range(6)]

        assert said == [
            ["resposta 1"], ["resposta 2"], ["resposta 3"],
            [phrases.AUTOMATIC_REPLY], [], [],
        ]  # fmt: skip
        assert talk.is_muted
        assert talk.reasons() == ["conversa_automatica"]
        assert talk.unanswered() == [(AUTO_REPLY, limits.AUTOMATIC)] * 3

    def test_case_digits_marks_and_spaces_do_not_hide_the_same_text(self, talk):
        for number in range(3):
            talk.exchange(f"Recebemos. Protocolo {number * 7919}!")
        talk.exchange("RECEBEMOS - protocolo: 12 34")

        assert talk.is_muted

    @pytest.mark.parametrize(
        "texts",
        [
            ["oi"] * 3,
            ["oi", "oi", "alô?", "oi", "oi", "oi"],
            ["1", "2", "1", "3", "1", "2"],
            ["sim"] * 7,
            ["Sim", "não", "ok"] * 3,
            ["1"] * 7,
            [""] * 7,
            ["👍"] * 3,
        ],
        ids=[
            "three times", "another between", "options of menus", "many yes",
            "mixed", "same option", "photos without words", "three thumbs",
        ],
    )  # fmt: skip
    def test_people_who_repeat_themselves_are_answered(self, talk, texts):
        for text in texts:
            talk.exchange(text)

        assert len(talk.heard) == len(texts)
        assert not talk.conversation.muted_until

    @pytest.mark.parametrize("text", ["sim", "1", "👍"])
    def test_yes_to_the_same_question_every_time_is_a_loop(self, talk, text):
        for _ in range(5):
            talk.exchange(text, "Não entendi. Posso ajudar?")

        assert talk.is_muted

    def test_photos_that_get_the_same_answer_are_no_loop(self, talk):
        for _ in range(7):
            talk.exchange("", "Recebi seu documento.")

        assert not talk.notices()

    @pytest.mark.parametrize("text", ["oi", "alô?", AUTO_REPLY])
    def test_worried_person_who_is_not_answered_yet_is_no_loop(self, talk, text):
        for _ in range(8):
            talk.write(text)
            talk.store.now += 3
        while talk.turn():
            pass

        assert not talk.conversation.muted_until
        assert len(talk.heard) == 8

    def test_same_text_more_slowly_is_no_loop(self, talk):
        for _ in range(8):
            talk.exchange("alguma novidade?", after_s=41)

        assert not talk.conversation.muted_until

    def test_answer_that_has_not_left_is_no_answer(self, talk):
        for _ in range(8):
            talk.write("oi")
            talk.turn()
            talk.store.now += 3

        assert not talk.conversation.muted_until

    @pytest.mark.parametrize(
        ("after_s", "answered"), [(1.9, 8), (2.0, 25)], ids=["too fast", "fast"]
    )
    def test_eight_messages_faster_than_people_write_are_a_loop(
        self, talk, after_s, answered
    ):
        for letter in "abcabcabcabcabcabcabcabca":
            talk.write(f"recebemos o seu contato {letter}")
            talk.turn()
            talk.send()
            if talk.is_muted:
                break
            talk.store.now += after_s

        assert len(talk.heard) == answered
        assert talk.is_muted is (answered == 8)

    def test_many_different_messages_are_no_loop_however_fast(self, talk):
        for letter in "abcdefghijklmnopqrstuvwxy":
            talk.exchange(f"e a pergunta de letra {letter}?", after_s=0.1)

        assert not talk.is_muted

    def test_other_numbers_in_the_same_question_are_no_loop(self, talk):
        for number in range(8):
            talk.write(f"e o processo 000{number}?")
            talk.turn(f"O processo {chr(97 + number)} está em andamento.")
            talk.send()
            talk.store.now += 5

        assert not talk.is_muted

    def test_many_photos_right_after_one_answer_are_no_loop(self, talk):
        talk.exchange("vou mandar as fotos", after_s=0.2)
        for _ in range(12):
            talk.write("", attachments=(Attachment("https://x/ME1"),))
            talk.store.now += 0.1

        assert not talk.conversation.muted_until

    def muted(self, talk: Talk) -> None:
        for _ in range(4):
            talk.exchange(AUTO_REPLY)
        assert talk.is_muted
        talk.store.now += 5

    @pytest.mark.parametrize("text", ["menu", "Menu!", "oi, sou eu mesma", ""])
    def test_anything_else_ends_the_silence(self, talk, text):
        self.muted(talk)

        talk.write(text)

        assert talk.turn()
        assert not talk.conversation.muted_until

    def test_menu_works_for_a_person_who_wrote_nothing_else(self, talk):
        for _ in range(4):
            talk.exchange("menu")
        assert talk.is_muted

        assert talk.exchange("menu") == ["resposta 4"]
        assert talk.exchange("menu") == ["resposta 5"]

    def test_what_was_said_before_the_loop_ends_the_silence_too(self, talk):
        talk.exchange("bom dia")
        self.muted(talk)

        talk.write("bom dia")

        assert talk.turn()

    def test_same_text_is_answered_again_when_the_pause_is_over(self, talk):
        self.muted(talk)
        talk.store.now += RULES.loop_pause_s

        talk.write(AUTO_REPLY)

        assert talk.turn()

    def test_loop_that_goes_on_after_the_pause_is_found_again(self, talk):
        self.muted(talk)
        talk.store.now += RULES.loop_pause_s
        for _ in range(4):
            talk.exchange(AUTO_REPLY)

        assert talk.is_muted

    def test_farewell_says_how_a_person_goes_on(self):
        assert "*menu*" in phrases.AUTOMATIC_REPLY

    def test_api_is_never_silent(self, talk):
        for _ in range(9):
            talk.write("oi", source="api")
            assert talk.turn()


def echo(text: str) -> Callable[[str], str]:
    return lambda _heard: text


def counting() -> Callable[[str], str]:
    numbers = itertools.count(1)
    return lambda _heard: f"Seu protocolo é {next(numbers)}. Aguarde."


def parrot() -> Callable[[str], str]:
    words = itertools.count()
    return lambda heard: f"Você disse: {heard} {chr(97 + next(words) % 26)}"


@pytest.mark.parametrize(
    ("other", "delay_s"),
    [
        (echo(AUTO_REPLY), 0.5),
        (echo(AUTO_REPLY), 10.0),
        (counting(), 1.0),
        (parrot(), 1.0),
        (echo("menu"), 3.0),
        (echo("sim"), 3.0),
        (echo("👍"), 0.3),
    ],
    ids=["auto", "slow auto", "numbered", "parrot", "menu", "yes", "thumb"],
)
@pytest.mark.parametrize("ours", [1, 30], ids=["same answer", "many answers"])
def test_two_robots_exchange_at_most_ten_messages_of_ours(store, other, delay_s, ours):
    if other("x") == "sim" and ours > 1:
        pytest.skip("um sim a perguntas diferentes é de gente")
    talk = Talk(store, RULES)
    said: list[str] = []
    waiting = ["oi"]
    for number in range(100):
        if not waiting:
            break
        for heard in waiting:
            talk.write(other(heard))
        talk.turn(f"resposta {chr(97 + number % ours)}")
        waiting = talk.send()
        said += waiting
        store.now += delay_s

    assert len(said) <= 10
    assert said[-1] == phrases.AUTOMATIC_REPLY
    assert talk.reasons() == ["conversa_automatica"]


class TestSpending:
    NIGHT = datetime(2026, 11, 22, 23, 59, tzinfo=ZoneInfo("America/Sao_Paulo"))

    def spend(self, store: Store, talk_id: str, now: float, **other: Any) -> bool:
        given = {"kind": "modelo", "at_most": 3, **other}
        return store.write(
            lambda c: limits.spend(
                c, talk_id, given["kind"], now=now, at_most=given["at_most"]
            )
        )

    def test_uses_are_counted_by_person_kind_and_day_of_the_office(self, store):
        maria = store.accept().conversation_id
        joao = store.accept(address=JOAO).conversation_id
        now = self.NIGHT.timestamp()

        assert [self.spend(store, maria, now) for _ in range(5)] == [
            True, True, True, False, False,
        ]  # fmt: skip
        assert self.spend(store, joao, now)
        assert self.spend(store, maria, now, kind="audio")
        assert not self.spend(store, maria, now + 59)
        assert self.spend(store, maria, now + 61)
        days = store.read(
            lambda c: set(c.execute(sa.text("SELECT day FROM usage")).scalars())
        )
        assert days == {"2026-11-22", "2026-11-23"}

    def test_limit_of_none_allows_none(self, store):
        talk = store.accept().conversation_id

        assert not self.spend(store, talk, store.now, at_most=0)

    def test_uses_at_once_never_pass_the_limit(self, store):
        talk = store.accept().conversation_id

        with ThreadPoolExecutor(8) as pool:
            made = pool.map(
                lambda _: self.spend(store, talk, store.now, at_most=11), range(24)
            )

            assert sum(made) == 11


def test_attachments_that_are_here_leave_the_limit_as_it_is(store):
    talk = Talk(store, replace(RULES, limit_per_minute=1))
    talk.write("um")
    late = talk.write("", attachments=(Attachment("https://x/ME1"),))
    at = store.rows("inbox")[1].next_at
    store.write(lambda c: c.execute(sa.text("UPDATE media SET status='guardado'")))

    store.write(lambda c: transcripts.release_turn(c, late.inbox_id, now=store.now))
    store.write(
        lambda c: inbox.release_attachments(c, late.conversation_id, now=store.now)
    )

    assert store.rows("inbox")[1].next_at == at == store.now + 60


def test_accepting_reads_no_whole_table(store, database_kind):
    if database_kind == "postgresql":
        pytest.skip("o plano de consulta do PostgreSQL depende do tamanho da tabela")
    talk = Talk(store, replace(RULES, limit_per_minute=2))
    talk.write("oi")
    seen: list[tuple[str, Iterable[Any]]] = []
    sa.event.listen(
        store.engine,
        "before_cursor_execute",
        lambda _c, _k, statement, values, _x, _m: seen.append((statement, values)),
    )
    for _ in range(4):
        talk.write("oi", attachments=(Attachment("https://x/ME1"),))
    statements = [each for each in seen if not each[0].startswith(("BEGIN", "INSERT"))]

    plans = store.read(
        lambda c: [
            (statement, row[-1])
            for statement, values in statements
            for row in c.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]
    )

    assert len(plans) > 20
    tables = {f"SCAN {name}" for name in metadata.tables}
    assert not [plan for plan in plans if plan[1] in tables]

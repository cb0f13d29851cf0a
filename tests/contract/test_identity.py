"""Who is who: one person's addresses are one conversation, nobody else's are."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from bot.core.names import Profile
from bot.store import inbox, outbox, people, turns
from bot.store.effects import Handoff, Origin, Request
from bot.store.people import Person
from tests.contract import test_store
from tests.contract.test_store import PATIENCE_S, Store

database_kind = test_store.database_kind
migrated_sqlite = test_store.migrated_sqlite
migrated_postgres = test_store.migrated_postgres
store = test_store.store

MOBILE, OLD_MOBILE = "whatsapp:+5511987654321", "whatsapp:+551187654321"
NEW_MOBILE = "whatsapp:+5521976543210"
LANDLINE, NINE_LANDLINE = "whatsapp:+551133334444", "whatsapp:+5511933334444"
USER_ID = "whatsapp:BR.1A2B3C4D"


def talks(store: Store) -> list[Any]:
    return store.rows("conversation")


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        (MOBILE, MOBILE, True),
        (MOBILE, OLD_MOBILE, True),
        (OLD_MOBILE, MOBILE, True),
        (LANDLINE, NINE_LANDLINE, False),
        (NINE_LANDLINE, LANDLINE, False),
        (MOBILE, "whatsapp:+5521987654321", False),
        (MOBILE, USER_ID, False),
        (USER_ID, USER_ID, True),
        ("whatsapp:+12025550123", "whatsapp:+12025550123", True),
    ],
    ids=[
        "same", "without the ninth digit", "with the ninth digit", "landline first",
        "landline second", "other area", "number and unknown id", "same id", "abroad",
    ],
)  # fmt: skip
def test_addresses_of_one_person_are_one_conversation(store, first, second, is_one):
    one = store.accept(address=first)
    two = store.accept(address=second)

    assert (one.conversation_id == two.conversation_id) is is_one
    assert [row.sender for row in store.rows("inbox")] == [first, second]


def test_exact_address_wins_over_its_other_form(store):
    store.accept(address=OLD_MOBILE)
    exact = "f" * 32
    store.write(
        lambda c: c.execute(
            sa.text(
                "INSERT INTO conversation (id, address, created_at)"
                f" VALUES ('{exact}', '{MOBILE}', 0)"
            )
        )
    )

    assert store.accept(address=MOBILE).conversation_id == exact
    assert store.accept(address=OLD_MOBILE).conversation_id != exact


def test_answer_goes_to_the_address_that_asked(store):
    store.accept(address=MOBILE)
    store.commit(store.claimed(), "um")
    store.accept(address=OLD_MOBILE)
    store.commit(store.claimed(), "dois")

    first = store.claim_answer()
    store.write(lambda c: outbox.mark_sent(c, first, provider_sid="SM-1", now=0))
    second = store.claim_answer()

    assert [first.to_address, second.to_address] == [MOBILE, OLD_MOBILE]


def test_message_that_names_number_and_id_joins_them(store):
    one = store.accept(address=MOBILE, external_id=USER_ID)
    two = store.accept(address=USER_ID)
    three = store.accept(address=OLD_MOBILE)

    assert one.conversation_id == two.conversation_id == three.conversation_id
    (talk,) = talks(store)
    assert (talk.address, talk.external_id) == (MOBILE, USER_ID)


def test_conversation_that_began_under_the_id_takes_the_number(store):
    known = Person("+5511987654321", "Dra. Ana", Profile.LAWYER)
    store.write(lambda c: people.save(c, known, now=store.now))
    one = store.accept(address=USER_ID)
    two = store.accept(address=MOBILE, external_id=USER_ID)
    three = store.accept(address=MOBILE)

    assert one.conversation_id == two.conversation_id == three.conversation_id
    (talk,) = talks(store)
    assert (talk.address, talk.external_id) == (MOBILE, USER_ID)
    assert store.claimed().profile == Profile.LAWYER


def test_person_with_a_new_number_keeps_the_conversation_and_gives_up_the_old(store):
    one = store.accept(address=MOBILE, external_id=USER_ID)
    two = store.accept(address=NEW_MOBILE, external_id=USER_ID)
    stranger = store.accept(address=MOBILE)

    assert one.conversation_id == two.conversation_id != stranger.conversation_id
    assert {row.address for row in talks(store)} == {NEW_MOBILE, MOBILE}


def test_repeated_delivery_joins_nothing(store):
    store.accept(address=USER_ID)
    message = store.message(address=MOBILE)
    store.write(lambda c: inbox.accept(c, message, now=store.now))

    again = test_store.replace(message, external_id=USER_ID)
    store.write(lambda c: inbox.accept(c, again, now=store.now))

    assert len(talks(store)) == 2


class TestMerging:
    """A conversation under the id and one under the number, then a message of both."""

    @pytest.fixture
    def merged(self, store) -> Store:
        one = store.accept("um", USER_ID, display_name="Maria")
        store.commit(store.claimed(), "resposta a um")
        store.accept("dois", USER_ID)
        origin = Origin(one.conversation_id, one.inbox_id, 0)
        store.apply(Request("relatar_caso", {"n": 1}), origin)
        store.apply(Handoff("relatar_urgencia", is_urgent=True, note="preso"), origin)
        store.write(lambda c: inbox.opt_out(c, one.conversation_id, 5.0))

        self.kept = store.accept("três", MOBILE).conversation_id
        store.apply(Handoff("reclamar"), Origin(self.kept, None, 0))
        store.accept("quatro", MOBILE, external_id=USER_ID)
        return store

    def test_everything_is_in_one_conversation(self, merged):
        for table in ("inbox", "outbox", "request", "handoff"):
            assert {row.conversation_id for row in merged.rows(table)} == {self.kept}
        (talk,) = talks(merged)
        assert (talk.address, talk.external_id) == (MOBILE, USER_ID)
        assert (talk.display_name, talk.opted_out_at) == ("Maria", 5.0)

    def test_messages_are_answered_in_order(self, merged):
        heard = []
        while turn := merged.claim():
            assert turn.conversation_id == self.kept
            heard.append(turn.text)
            merged.commit(turn, "ok")

        assert heard == ["dois", "três", "quatro"]

    def test_answers_under_way_still_leave(self, merged):
        assert merged.claim_answer().body == "resposta a um"

    def test_open_handoffs_become_one_that_says_both(self, merged):
        (row,) = [row for row in merged.rows("handoff") if row.closed_at is None]

        assert (row.reason, row.is_urgent) == ("reclamar", True)
        assert row.note == " + relatar_urgencia: preso"

    def test_later_messages_of_either_address_are_of_it(self, merged):
        found = {merged.accept(address=a).conversation_id for a in (MOBILE, USER_ID)}

        assert found == {self.kept}

    def test_person_who_had_taken_one_over_has_both(self, store):
        one = store.accept(address=USER_ID)
        store.change_owner(one.conversation_id, turns.PERSON)
        store.accept(address=MOBILE)

        store.accept(address=MOBILE, external_id=USER_ID)

        assert [row.owner for row in talks(store)] == [turns.PERSON]


@pytest.mark.parametrize(
    "addresses",
    [(MOBILE,), (MOBILE, OLD_MOBILE)],
    ids=["one address", "with and without the ninth digit"],
)
def test_first_messages_at_once_make_one_conversation(store, addresses):
    messages = [store.message(address=addresses[n % len(addresses)]) for n in range(12)]
    start = threading.Barrier(len(messages))

    def deliver(message: inbox.InboundMessage) -> inbox.Accepted:
        start.wait(PATIENCE_S)
        return store.write(lambda c: inbox.accept(c, message, now=store.now))

    with ThreadPoolExecutor(len(messages)) as pool:
        accepted = list(pool.map(deliver, messages))

    assert len(talks(store)) == 1
    assert len({each.conversation_id for each in accepted}) == 1
    assert all(each.is_new for each in accepted)


def test_number_and_id_at_once_end_as_one_conversation(store):
    for round_ in range(5):
        user_id = f"{USER_ID}{round_}"
        number = f"whatsapp:+55119876500{round_:02}"
        messages = [
            store.message(address=number, external_id=user_id),
            store.message(address=user_id),
            store.message(address=number),
        ]
        start = threading.Barrier(len(messages))

        def deliver(message: inbox.InboundMessage, start=start) -> None:
            start.wait(PATIENCE_S)
            store.write(lambda c: inbox.accept(c, message, now=store.now))

        with ThreadPoolExecutor(len(messages)) as pool:
            list(pool.map(deliver, messages))

        assert len(talks(store)) == round_ + 1

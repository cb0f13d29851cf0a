"""What is said after a turn: it leaves by WhatsApp, or joins an API's conversation."""

from __future__ import annotations

import pytest

from bot.store import notices
from tests.contract import test_store

database_kind = test_store.database_kind
migrated_sqlite = test_store.migrated_sqlite
migrated_postgres = test_store.migrated_postgres
store = test_store.store


@pytest.mark.parametrize(("source", "leaves"), [("whatsapp", True), ("api", False)])
def test_notice_leaves_only_where_somebody_can_be_written_to(store, source, leaves):
    turn = store.answered("feito", source=source)

    store.write(
        lambda c: notices.say_afterwards(c, turn.inbox_id, "pronta", now=store.now)
    )

    said = [(row.body, row.status) for row in store.rows("outbox")]
    waiting = "new" if leaves else "returned"
    assert said == [("feito", waiting), ("pronta", waiting)]
    assert (store.claim_answer() is not None) == leaves

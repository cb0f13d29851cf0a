"""Photos that come one after the other are one turn; words are never held up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.core.names import Profile
from bot.store import inbox, transcripts, turns
from bot.store.inbox import Attachment, Rules
from bot.store.schema import metadata
from bot.store.turns import FencedError, Outgoing, Turn
from tests.contract import test_store
from tests.contract.test_store import JOAO, MARIA, OUTCOME, Store

database_kind = test_store.database_kind
migrated_sqlite = test_store.migrated_sqlite
migrated_postgres = test_store.migrated_postgres
store = test_store.store

BURST_S = 2.5
WAIT_S = 8.0
NO_LIMIT = 1_000_000
RULES = Rules(
    media_wait_s=WAIT_S,
    speech_wait_s=0.0,
    speech_queue=20,
    limit_per_minute=NO_LIMIT,
    limit_per_day=NO_LIMIT,
    limit_queue=NO_LIMIT,
    loop_exchanges=NO_LIMIT,
    loop_pause_s=1,
)


def photo(
    store: Store, caption: str = "", *, address: str = MARIA, kind="image"
) -> int:
    message = store.message(caption, kind=kind)
    url = f"https://api.twilio.com/{message.message_sid}/Media/ME1"
    message = test_store.replace(message, attachments=(Attachment(url, "image/jpeg"),))
    return accept(store, message)


def text(store: Store, words: str, *, address: str = MARIA) -> int:
    return accept(store, store.message(words, address))


def accept(store: Store, message: Any) -> int:
    rules = RULES
    return store.write(
        lambda c: inbox.accept(c, message, now=store.now, rules=rules)
    ).inbox_id


def stored(store: Store, inbox_id: int) -> None:
    """The attachments of a message are here now."""
    table = metadata.tables["media"]

    def finish(connection: Any) -> None:
        connection.execute(
            table.update().where(table.c.inbox_id == inbox_id).values(status="guardado")
        )
        transcripts.release_turn(connection, inbox_id, now=store.now)

    store.write(finish)


def claim(store: Store, worker: str = "w1") -> Turn | None:
    return store.write(
        lambda c: turns.claim(
            c, lease_owner=worker, now=store.now, lease_s=90, burst_s=BURST_S
        )
    )


def statuses(store: Store) -> list[str]:
    return [row.status for row in store.rows("inbox")]


class TestAlbum:
    def test_photos_that_come_together_are_one_turn(self, store):
        ids = []
        for caption in ("meu RG", "", "e o comprovante"):
            ids.append(photo(store, caption))
            stored(store, ids[-1])
            store.now += 1

        store.now += BURST_S
        turn = claim(store)

        assert turn is not None
        assert (turn.inbox_id, turn.merged_ids) == (ids[0], tuple(ids[1:]))
        assert turn.text == "meu RG\ne o comprovante"
        assert [each.status for each in turn.attachments] == ["guardado"] * 3
        assert claim(store) is None

    def test_it_waits_while_more_may_come(self, store):
        stored(store, photo(store))

        at_once = claim(store)
        store.now += BURST_S - 0.1
        just_before = claim(store)
        store.now += 0.2

        assert (at_once, just_before) == (None, None)
        assert claim(store) is not None

    def test_words_behind_a_photo_end_the_wait(self, store):
        first = photo(store)
        words = text(store, "esse é o contrato")

        turn = claim(store)
        store.commit(turn, "Recebi")
        following = claim(store)

        assert (turn.inbox_id, turn.merged_ids) == (first, ())
        assert (following.inbox_id, following.text) == (words, "esse é o contrato")

    def test_words_end_an_album(self, store):
        first, second = photo(store), photo(store)
        text(store, "são esses dois")
        third = photo(store)

        turn = claim(store)

        assert (turn.inbox_id, turn.merged_ids) == (first, (second,))
        assert third not in turn.merged_ids

    def test_other_conversations_are_not_held_up(self, store):
        photo(store)
        other = text(store, "oi", address=JOAO)

        turn = claim(store)

        assert turn.inbox_id == other

    def test_attachment_that_does_not_come_is_not_waited_for_for_ever(self, store):
        first = photo(store)

        store.now += WAIT_S - 0.1
        before = claim(store)
        store.now += 0.2
        turn = claim(store)

        assert before is None
        assert turn.inbox_id == first
        assert [each.status for each in turn.attachments] == ["pendente"]

    def test_album_that_keeps_growing_is_answered_at_last(self, store):
        first = photo(store)
        stored(store, first)
        for _ in range(30):
            store.now += 1
            stored(store, photo(store))
            turn = claim(store)
            if turn is not None:
                break

        assert turn is not None
        assert turn.inbox_id == first

    def test_voice_notes_are_turns_of_their_own(self, store):
        ids = [photo(store, kind="audio") for _ in range(2)]
        for each in ids:
            stored(store, each)

        turn = claim(store)

        assert (turn.inbox_id, turn.merged_ids) == (ids[0], ())


@pytest.fixture
def album(store) -> Turn:
    for _ in range(3):
        stored(store, photo(store))
    store.now += BURST_S
    turn = claim(store)
    assert turn is not None
    return turn


class TestTurnOfAnAlbum:
    def test_its_answer_ends_all_of_it(self, store, album):
        store.commit(album, "Recebi os três arquivos")

        rows = store.rows("inbox")
        assert [row.status for row in rows] == ["done"] * 3
        assert [row.merged_into for row in rows] == [
            None,
            album.inbox_id,
            album.inbox_id,
        ]
        assert [row.body for row in store.rows("outbox")] == ["Recebi os três arquivos"]

    def test_all_of_it_goes_into_the_clients_folder(self, store, album):
        store.commit(album, "Recebi os três arquivos")

        [row] = store.rows("job")
        assert (row.kind, row.inbox_id) == ("documentos", album.inbox_id)
        assert row.facts == {"anexos": [each.id for each in album.attachments]}
        assert len(row.facts["anexos"]) == 3

    @pytest.mark.parametrize(
        ("changes", "count"),
        [
            ({"profile": Profile.LAWYER}, 0),
            ({"profile": Profile.CLIENT, "conversation_owner": "pessoa"}, 1),
            ({"text": "meu caso é este aqui"}, 1),
        ],
    )
    def test_lawyers_say_themselves_where_theirs_go(self, store, album, changes, count):
        for name, value in changes.items():
            setattr(album, name, value)

        store.commit(album, "Recebi")

        assert len(store.rows("job")) == count

    @pytest.mark.parametrize(
        ("media_type", "status", "count"),
        [
            ("application/pdf", "guardado", 1),
            ("application/pdf", "pendente", 1),
            ("application/x-dosexec", "recusado", 0),
            ("image/jpeg", "falhou", 0),
        ],
    )
    def test_what_was_refused_is_not_filed(self, store, media_type, status, count):
        inbox_id = photo(store)
        stored(store, inbox_id)
        store.now += BURST_S
        turn = claim(store)
        turn.attachments = tuple(
            replace(each, media_type=media_type, status=status)
            for each in turn.attachments
        )

        store.commit(turn, "Recebi")

        assert len(store.rows("job")) == count

    @pytest.mark.parametrize(
        ("payload", "count"),
        [
            ({}, 0),
            ({"MessageType": "audio", "Forwarded": "false"}, 0),
            ({"Forwarded": "true"}, 1),
            ({"FrequentlyForwarded": "true"}, 1),
            ({"MessageType": "document"}, 1),
        ],
    )
    def test_own_voice_is_no_document_and_a_recording_is(self, store, payload, count):
        stored(store, photo(store, kind="audio"))
        turn = claim(store)
        turn.payload = payload
        turn.attachments = tuple(
            replace(each, media_type="audio/ogg") for each in turn.attachments
        )

        store.commit(turn, "Recebi")

        assert len(store.rows("job")) == count

    def test_failure_gives_all_of_it_back(self, store, album):
        store.write(
            lambda c: turns.fail(c, album, retry_at=store.now + 5, error="falhou")
        )
        assert statuses(store) == ["new"] * 3

        store.now += 6
        again = claim(store)

        assert again.merged_ids == album.merged_ids
        assert again.attempt == 2

    def test_photo_that_comes_during_a_failure_joins_the_next_try(self, store, album):
        late = photo(store)
        store.write(lambda c: turns.fail(c, album, retry_at=store.now, error="falhou"))

        again = claim(store)

        assert again.merged_ids == (*album.merged_ids, late)

    def test_worker_that_died_leaves_all_of_it_to_another(self, store, album):
        store.now += 91

        again = claim(store, "w2")

        assert (again.inbox_id, again.merged_ids) == (album.inbox_id, album.merged_ids)
        with pytest.raises(FencedError):
            store.commit(album, "tarde demais")
        store.commit(again, "agora sim")
        assert [row.body for row in store.rows("outbox")] == ["agora sim"]

    def test_album_of_which_another_took_a_part_says_nothing(self, store, album):
        table = metadata.tables["inbox"]
        part = table.update().where(table.c.id == album.merged_ids[0])
        store.write(lambda c: c.execute(part.values(lease_owner="w2")))

        with pytest.raises(FencedError):
            store.commit(album, "Recebi os três")

        assert store.rows("outbox") == []

    def test_shutdown_gives_all_of_it_back_unspent(self, store, album):
        store.write(lambda c: turns.release(c, lease_owner="w1"))

        rows = store.rows("inbox")

        assert [(row.status, row.attempts) for row in rows] == [("new", 0)] * 3

    def test_notices_are_said_first(self, store, album):
        album.notices = [Outgoing("Um dos arquivos é grande demais.")]
        store.commit(album, "Recebi os outros")

        bodies = [row.body for row in store.rows("outbox")]

        assert bodies == ["Um dos arquivos é grande demais.", "Recebi os outros"]

    def test_dead_album_is_dead_as_a_whole(self, store, album):
        def end(connection: Any) -> None:
            turns.commit(connection, album, OUTCOME, now=store.now)
            turns.mark_dead(connection, album)

        store.write(end)

        assert statuses(store) == ["dead"] * 3

"""Voice notes from the database to their text, with a transcriber that obeys."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from actions.speech.loop import SpeechLoop
from bot.core.settings import load_settings
from bot.core.speech import Heard, SpeechError, Trouble
from bot.store import attachments, awaited, inbox, media, service_state, transcripts
from bot.store.inbox import Attachment, Rules
from bot.store.schema import metadata
from bot.wake import WakeUp
from tests.contract import test_store
from tests.contract.test_albums import RULES as WITHOUT_EARS
from tests.contract.test_store import JOAO, MARIA, Store
from tests.stack import free_port

database_kind = test_store.database_kind
migrated_sqlite = test_store.migrated_sqlite
migrated_postgres = test_store.migrated_postgres
store = test_store.store

WAIT_S = 180.0
HEARD = Heard(
    "quero marcar uma consulta", 0.9, audio_s=3.2, speech_s=2.5, took_s=0.4,
    engine="openai-whisper:base",
)  # fmt: skip
RULES = test_store.replace(WITHOUT_EARS, speech_wait_s=WAIT_S, speech_queue=3)


async def until(is_so: Callable[[], bool]) -> None:
    """Waits for something that another task does."""
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@dataclass
class Ears:
    """A transcriber that does what the test says, note after note."""

    does: list[Heard | SpeechError | Exception] = field(default_factory=list)
    heard: list[Path] = field(default_factory=list)
    is_holding: bool = False
    trouble: str = ""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def problem(self) -> str:
        return self.trouble

    async def transcribe(self, audio: Path) -> Heard:
        self.heard.append(audio)
        await until(lambda: not self.is_holding)
        outcome = self.does.pop(0) if self.does else HEARD
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def note(store: Store, address: str = MARIA, rules: Rules = RULES) -> int:
    """A voice note arrives; its bytes are still at Twilio."""
    message = store.message("", kind="audio", address=address)
    url = f"https://api.twilio.com/{message.message_sid}/Media/ME1"
    message = test_store.replace(message, attachments=(Attachment(url, "audio/ogg"),))
    accept = lambda c: inbox.accept(c, message, now=store.now, rules=rules)  # noqa: E731
    return store.write(accept).inbox_id


def fetched(store: Store, inbox_id: int, status: str = media.KEPT) -> str:
    """The bytes of a note are here, or it is known that they never will be."""
    table = metadata.tables["media"]
    stored = f"{inbox_id:032x}"

    def settle(connection: Any) -> None:
        connection.execute(
            table.update()
            .where(table.c.inbox_id == inbox_id)
            .values(status=status, stored_id=stored, media_type="audio/ogg")
        )
        transcripts.release_turn(connection, inbox_id, now=store.now)

    store.write(settle)
    return stored


def loop_of(store: Store, *ears: Ears) -> SpeechLoop:
    settings = load_settings(
        {
            "WHISPER_MODEL": "base",
            "MEDIA_DIR": "/kept",
            "ACTIONS_PORT": str(free_port()),
        }
    )
    wake = WakeUp(settings.actions_port)
    return SpeechLoop(settings, store.engine, ears, wake, clock=lambda: store.now)


async def hear(store: Store, ears: Ears) -> bool:
    return await loop_of(store, ears).hear_next(ears)


def transcript(store: Store, inbox_id: int) -> Any:
    return store.read(lambda c: transcripts.of_message(c, inbox_id))


async def test_note_waits_for_its_text_and_then_runs_as_that(store):
    mine = note(store)
    stored = fetched(store, mine)
    ears = Ears()

    assert store.claim() is None
    assert await hear(store, ears)

    turn = store.claimed()
    assert ears.heard == [attachments.path_of(Path("/kept"), stored)]
    assert (turn.inbox_id, turn.kind, turn.text) == (mine, "audio", HEARD.text)
    assert turn.heard is not None
    assert (turn.heard.status, turn.heard.confidence) == (transcripts.HEARD, 0.9)
    assert turn.heard.audio_s == pytest.approx(3.2)


async def test_note_whose_bytes_are_not_here_is_not_heard_yet(store):
    mine = note(store)
    ears = Ears()

    assert not await hear(store, ears)
    fetched(store, mine)
    assert await hear(store, ears)
    assert len(ears.heard) == 1


async def test_text_written_behind_a_note_waits_for_it(store):
    mine = note(store)
    store.accept("é urgente", rules=RULES)
    fetched(store, mine)

    assert store.claim() is None
    await hear(store, Ears())
    assert store.claimed().inbox_id == mine


async def test_others_do_not_wait(store):
    note(store)
    other = store.accept("oi", JOAO, rules=RULES)

    assert store.claimed().inbox_id == other.inbox_id


async def test_without_ears_a_note_is_answered_as_any_attachment(store):
    mine = note(store, rules=WITHOUT_EARS)
    fetched(store, mine)

    turn = store.claimed()
    assert turn.heard is None
    assert not await hear(store, Ears())


@pytest.mark.parametrize(
    "trouble", [t for t in Trouble if t not in {Trouble.OFF, Trouble.BROKE}]
)
async def test_what_cannot_be_heard_is_told_at_once(store, trouble):
    fetched(store, note(store))

    await hear(store, Ears([SpeechError(trouble)]))

    heard = store.claimed().heard
    assert (heard.status, heard.trouble) == (transcripts.UNHEARD, trouble.value)


@pytest.mark.parametrize(
    "failure", [SpeechError(Trouble.OFF), SpeechError(Trouble.BROKE), ValueError("?")]
)
async def test_what_failed_for_a_reason_of_ours_is_tried_again(store, failure):
    mine = note(store)
    fetched(store, mine)
    ears = Ears([failure])

    await hear(store, ears)
    assert store.claim() is None
    assert not await hear(store, ears)  # not at once
    store.now += 10
    assert await hear(store, ears)

    assert store.claimed().text == HEARD.text


async def test_what_fails_time_and_again_is_told(store):
    mine = note(store)
    fetched(store, mine)
    ears = Ears([SpeechError(Trouble.OFF)] * 9)

    for _ in range(6):
        await hear(store, ears)
        store.now += 10

    assert len(ears.heard) == transcripts.MAX_ATTEMPTS
    assert store.claimed().heard.trouble == Trouble.OFF.value


async def test_note_that_ended_its_listeners_is_not_heard_for_ever(store):
    mine = note(store)
    fetched(store, mine)
    for number in range(transcripts.MAX_ATTEMPTS):
        claim = lambda c, n=number: transcripts.claim(  # noqa: E731
            c, lease_owner=f"dead{n}", now=store.now, lease_s=60
        )
        assert store.write(claim) is not None
        store.now += 61
    ears = Ears()

    assert await hear(store, ears)

    assert ears.heard == []
    assert store.claimed().heard.trouble == Trouble.BROKE.value


async def test_too_many_waiting_is_told_at_once_and_room_comes_back(store):
    waiting = [note(store, f"whatsapp:+55119876500{n:02d}") for n in range(3)]
    late = note(store)
    fetched(store, late)

    assert transcript(store, late).trouble == Trouble.BUSY.value
    assert store.claimed().inbox_id == late
    fetched(store, waiting[0])
    await hear(store, Ears())
    assert transcript(store, note(store, JOAO)).status == transcripts.PENDING


async def test_one_person_takes_half_of_the_room_at_most(store):
    rules = test_store.replace(RULES, speech_queue=6)
    mine = [note(store, MARIA, rules) for _ in range(4)]

    others = note(store, JOAO, rules)

    waiting = [transcript(store, each).status for each in (*mine, others)]
    assert waiting == [transcripts.PENDING] * 3 + [
        transcripts.UNHEARD, transcripts.PENDING,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (media.REFUSED, Trouble.NOT_AUDIO.value),
        (media.TOO_LARGE, ""),
        (media.FAILED, ""),
    ],
)
async def test_note_whose_bytes_never_come_is_answered(store, status, trouble):
    mine = note(store)
    fetched(store, mine, status)

    heard = store.claimed().heard
    assert (heard.status, heard.trouble) == (transcripts.UNHEARD, trouble)
    assert not await hear(store, Ears())


async def test_after_the_longest_wait_the_person_is_answered_all_the_same(store):
    mine = note(store)
    fetched(store, mine)
    store.now += WAIT_S + 1

    turn = store.claimed()
    assert turn.heard.status == transcripts.PENDING
    store.commit(turn, "demorou")
    await hear(store, Ears())  # and the text still joins the conversation

    assert transcript(store, mine).text == HEARD.text
    assert [row.status for row in store.rows("inbox")] == ["done"]
    assert store.claim() is None


async def test_oldest_note_is_heard_first(store):
    mine = []
    for number in range(3):
        mine.append(note(store, f"whatsapp:+55119876600{number:02d}"))
        store.now += 1
    stored = [fetched(store, each) for each in mine]
    ears = Ears()

    for _ in mine:
        await hear(store, ears)

    assert [path.name for path in ears.heard] == stored


async def test_two_ears_never_hear_the_same_note(store):
    fetched(store, note(store))
    fetched(store, note(store, JOAO))
    ears = [Ears(is_holding=True), Ears(is_holding=True), Ears(is_holding=True)]
    tasks = [asyncio.create_task(hear(store, each)) for each in ears]
    await until(lambda: sum(len(each.heard) for each in ears) == 2)
    for each in ears:
        each.is_holding = False

    assert sorted(await asyncio.gather(*tasks)) == [False, True, True]
    assert len({path for each in ears for path in each.heard}) == 2


async def test_stop_gives_the_note_back_uncounted(store):
    mine = note(store)
    fetched(store, mine)
    ears = Ears(is_holding=True)
    loop = loop_of(store, ears)

    await loop.start()
    await until(lambda: bool(ears.heard))
    await loop.stop()

    again = Ears()
    assert await hear(store, again)
    assert len(again.heard) == 1
    attempts = sa.select(metadata.tables["transcript"].c.attempts)
    assert store.read(lambda c: c.execute(attempts).scalar_one()) == 1


async def test_lost_lease_keeps_nothing(store):
    mine = note(store)
    fetched(store, mine)
    first = store.write(
        lambda c: transcripts.claim(c, lease_owner="a", now=store.now, lease_s=5)
    )
    store.now += 6
    await hear(store, Ears([test_store.replace(HEARD, text="a segunda")]))

    assert not store.write(lambda c: transcripts.finish(c, first, HEARD, now=store.now))
    assert transcript(store, mine).text == "a segunda"


async def test_killed_listeners_notes_are_taken_over_at_the_start(store):
    mine = note(store)
    fetched(store, mine)
    claim = (
        "import sys; from bot.store import transcripts, workers\n"
        "from bot.store.database import open_engine, writing\n"
        "with writing(open_engine(sys.argv[1])) as c:\n"
        "    transcripts.claim(c, lease_owner=workers.new_name(),\n"
        "        now=float(sys.argv[2]), lease_s=900)"
    )
    url = store.engine.url.render_as_string(hide_password=False)
    subprocess.run(  # noqa: ASYNC221
        [sys.executable, "-c", claim, url, str(store.now)], check=True, timeout=60
    )
    assert store.read(transcripts.owners)
    ears = Ears()
    loop = loop_of(store, ears)

    await loop.start()
    await until(lambda: transcript(store, mine).status != transcripts.PENDING)
    await loop.stop()

    assert store.claimed().text == HEARD.text


async def test_state_of_the_ears_is_noted(store):
    ears = Ears(trouble="o Whisper ainda está carregando o modelo")
    loop = loop_of(store, ears)
    noted: Callable[[], Any] = lambda: store.read(  # noqa: E731
        lambda c: service_state.state_of(c, service_state.WHISPER)
    )
    await loop.start()
    await until(lambda: noted() is not None)
    await loop.stop()

    assert noted().state == "fora"


async def test_database_that_goes_away_ends_nothing(store):
    ears = Ears()
    loop = loop_of(store, ears)
    await loop.start()
    store.write(lambda c: c.execute(sa.text("ALTER TABLE transcript RENAME TO gone")))
    await asyncio.sleep(0.1)
    store.write(lambda c: c.execute(sa.text("ALTER TABLE gone RENAME TO transcript")))
    fetched(store, note(store))

    await until(lambda: len(ears.heard) == 1)
    await loop.stop()


def test_who_waits_for_a_voice_is_told_once(store):
    fetched(store, note(store))
    long = awaited.heard_long(received_before=store.now - 6)
    say = lambda c: awaited.say_once(c, text="ouvindo", long=long, now=store.now)  # noqa: E731
    assert store.write(say) == 0
    store.now += 7
    long = awaited.heard_long(received_before=store.now - 6)
    say = lambda c: awaited.say_once(c, text="ouvindo", long=long, now=store.now)  # noqa: E731

    assert store.read(lambda c: awaited.is_anybody_waiting(c, long=long))
    assert [store.write(say), store.write(say)] == [1, 0]
    assert [row.body for row in store.rows("outbox")] == ["ouvindo"]


def test_typing_is_shown_while_somebody_listens(store):
    fetched(store, note(store))

    shown = store.read(
        lambda c: awaited.without_typing(c, received_before=store.now + 1)
    )
    assert len(shown) == 1
    marked = store.write(
        lambda c: awaited.mark_typing(c, shown[0].inbox_id, now=store.now)
    )
    assert marked

"""People who speak into their telephones, and what Whisper makes of it."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.core.names import Profile
from bot.core.settings import load_settings
from bot.core.speech import Heard, Trouble
from bot.store import people, transcripts
from bot.store.inbox import Attachment
from bot.store.people import Person
from bot.store.schema import events, media
from bot.store.turns import Turn
from bot.wake import WakeUp
from connectors.choices import Choice
from connectors.direct_answers import (
    Reading,
    answer_without_rasa,
    notices_of,
    parsed_beforehand,
    read,
    words_for_rasa,
)
from connectors.services import ChannelServices
from tests.contract import test_store
from tests.contract.test_store import MARIA, RULES, Store

SURE, UNSURE = 0.9, 0.4
_WHISPER = {"WHISPER_MODEL": "base"}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Said:
    """What became of one message."""

    direct: tuple[str, ...]
    """What was answered without Rasa."""
    words: str | None
    """What Rasa is to read; None where it is not asked."""
    above: tuple[str, ...] = ()
    """What stands above Rasa's answer."""
    intent: str | None = None
    """What was understood beforehand."""
    facts: dict[str, Any] | None = None
    reading: Reading | None = None

    @property
    def choice(self) -> Choice | None:
        return self.reading.choice if self.reading else None


class HearingDesk:
    """The channel's side of turns with voice, without Rasa behind it."""

    def __init__(self, store: Store, folder: Path) -> None:
        settings = load_settings(_WHISPER, folder=folder)
        self.store = store
        self.services = ChannelServices(settings, store.engine, WakeUp(1))

    def is_known(self, profile: Profile, name: str = "Dra. Helena Modelo") -> None:
        known = Person("+5511987654321", name, profile)
        self.store.write(lambda c: people.save(c, known, now=time.time()))

    def writes(self, text: str, **payload: str) -> Said:
        """Somebody writes, and is answered."""
        return self.answered(self.written(text, **payload))

    def speaks(self, text: str, confidence: float = SURE, **more: Any) -> Said:
        """Somebody speaks, and is answered."""
        return self.answered(self.spoken(text, confidence, **more))

    def taps(self, question: int, title: str) -> Said:
        """Somebody taps a button under the question about the nth note."""
        asked = [row for row in self.store.rows("outbox") if row.buttons]
        payload = {each["title"]: each["payload"] for each in asked[question].buttons}
        return self.writes(title, ButtonPayload=payload[title], ButtonText=title)

    def written(self, text: str, **payload: str) -> Turn:
        self.store.now = time.time()
        self.store.accept(text, MARIA, payload=payload)
        return self.store.claimed()

    def spoken(self, *args: Any, **more: Any) -> Turn:
        self.sends_note(*args, **more)
        return self.store.claimed()

    def sends_note(
        self,
        text: str,
        confidence: float = SURE,
        *,
        trouble: Trouble | None = None,
        is_damaged: bool = False,
        **payload: str,
    ) -> int:
        """Stores a voice note and hears it; returns its message."""
        self.store.now = time.time()
        accepted = self.store.accept(
            "",
            MARIA,
            kind="audio",
            payload=payload,
            attachments=(Attachment("https://api.twilio.com/ME1", "audio/ogg"),),
            rules=replace(RULES, speech_wait_s=180.0),
        )
        arrived = sa.update(media).where(media.c.inbox_id == accepted.inbox_id)
        kept = {"status": "guardado", "stored_id": f"{next(_numbers):032x}"}
        kept["media_type"] = "audio/ogg"
        self.store.write(lambda c: c.execute(arrived.values(**kept)))
        heard = Heard(text, confidence, 4.2, 3.9, 1.0, "test", is_damaged=is_damaged)
        self.store.write(lambda c: self._hears(c, heard, trouble))
        return int(accepted.inbox_id)

    def _hears(self, connection: Any, heard: Heard, trouble: Trouble | None) -> None:
        now = self.store.now
        mine = transcripts.claim(connection, lease_owner="w", now=now, lease_s=9)
        assert mine is not None
        if trouble:
            transcripts.give_up(connection, mine, trouble, now=now)
        else:
            transcripts.finish(connection, mine, heard, now=now)

    def reads(self, turn: Turn) -> Reading:
        settings = self.services.settings
        return self.store.read(lambda c: read(c, turn, settings))

    def answered(self, turn: Turn, *, answer: str = "resposta") -> Said:
        """Answers a claimed turn; where Rasa is to do it, with `answer`."""
        reading = self.reads(turn)
        turn.notices = notices_of(turn, self.services.settings, now=time.time())

        async def run() -> bool:
            return await answer_without_rasa(turn, reading, self.services)

        if asyncio.run(run()):
            rows = self.store.rows("outbox")
            direct = tuple(row.body for row in rows if row.inbox_id == turn.inbox_id)
            return Said(direct, None, reading=reading)
        said = reading.hearing.said
        parsed = parsed_beforehand(said, reading.choice, reading.reminder)
        result = Said(
            direct=(),
            words=words_for_rasa(said, reading.choice),
            above=tuple(each.text for each in turn.notices),
            intent=parsed["intent"]["name"] if parsed else None,
            facts=reading.hearing.facts,
            reading=reading,
        )
        self.store.now = time.time()
        self.store.commit(turn, answer)
        return result

    def opens_form(self, name: str | None = "form_agendar_consulta") -> None:
        talk = self.store.rows("conversation")[0].id
        row = {"sender_id": talk, "type_name": "active_loop", "action_name": name}
        self.store.write(lambda c: c.execute(events.insert().values(**row)))

    def questions(self) -> list[str]:
        """Returns what is kept of the question about each note, the oldest first."""
        query = sa.select(transcripts.transcript.c.question).order_by(
            transcripts.transcript.c.inbox_id
        )
        return list(self.store.read(lambda c: c.execute(query).scalars().all()))


def opened(store_file: bytes, folder: Path) -> HearingDesk:
    """Returns a desk over a new database."""
    (folder / "store.db").write_bytes(store_file)
    engine = test_store.open_engine(f"sqlite:///{folder}/store.db")
    return HearingDesk(Store(engine), folder)

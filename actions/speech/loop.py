"""Hears the voice notes that wait in the database, so many at a time as it has ears.

A note is leased while somebody listens: whoever takes over after a kill hears it
again, and its message is answered once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from bot.core.settings import ROOT, Settings
from bot.core.speech import SpeechError, Transcriber, Trouble
from bot.store import attachments, service_state, transcripts, workers
from bot.store.database import reading, writing
from bot.store.transcripts import ToHear
from bot.wake import WakeUp

_LEASE_MARGIN_S = 60.0
"""Besides the deadline of a note: its decoding, and the wait for the model."""
_PAUSES_S = (1.0, 5.0)
"""After a try that failed for a reason of ours."""
_POLL_S = 1.0
_WATCH_S = 5.0
WELL, UNWELL = "ok", "fora"
log = structlog.get_logger()
Result = TypeVar("Result")


class SpeechLoop:
    """Takes voice notes from the database while it runs."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        transcribers: Sequence[Transcriber],
        wake: WakeUp,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepares the loop; `start` begins.

        Args:
            settings: where attachments are, the deadline, whom to wake.
            engine: the database.
            transcribers: each hears one note at a time.
            wake: wake-ups of this process; opened here.
            clock: UTC seconds.
        """
        self._settings = settings
        self._engine = engine
        self._transcribers = transcribers
        self._wake = wake
        self._clock = clock
        self._name = workers.new_name()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begins, inside the running event loop; waits for no model."""
        await self._wake.open()
        for each in self._transcribers:
            await each.start()
        self._tasks = [asyncio.create_task(self._begin())]
        self._tasks.append(asyncio.create_task(self._watch()))

    async def stop(self) -> None:
        """Ends at once: what was being heard is heard after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for each in self._transcribers:
            await each.stop()
        with contextlib.suppress(SQLAlchemyError):  # else its leases end by time
            await self._write(lambda c: transcripts.release(c, lease_owner=self._name))
        self._wake.close()

    async def _begin(self) -> None:
        with contextlib.suppress(SQLAlchemyError):
            await self._reclaim()
        await asyncio.gather(*(self._run(each) for each in self._transcribers))

    async def _reclaim(self) -> None:
        """Takes over at once what a process of this host left when it was killed."""
        for owner in await self._read(transcripts.owners) - {self._name}:
            if workers.is_dead(owner):
                freed = await self._write(
                    partial(transcripts.reclaim, lease_owner=owner)
                )
                log.warning("notes_reclaimed", count=freed)

    async def _run(self, transcriber: Transcriber) -> None:
        while True:
            ticket = self._wake.ticket()
            is_any = False
            try:
                is_any = await self.hear_next(transcriber)
            except SQLAlchemyError as error:
                log.warning("notes_waiting", kind=type(error).__name__)
            if not is_any:
                await self._wake.wait(ticket, _POLL_S)

    async def hear_next(self, transcriber: Transcriber) -> bool:
        """Hears the note that has waited longest; False where none is due.

        Raises:
            SQLAlchemyError: the database is not there.
        """
        now = self._clock()
        if not await self._read(lambda c: transcripts.is_any_due(c, now=now)):
            return False
        lease_s = self._settings.whisper_deadline_s + _LEASE_MARGIN_S
        mine = await self._write(
            lambda c: transcripts.claim(
                c, lease_owner=self._name, now=now, lease_s=lease_s
            )
        )
        if mine is None:
            return False
        if mine.attempt > transcripts.MAX_ATTEMPTS:  # it ended us, time and again
            await self._give_up(mine, Trouble.BROKE)
            return True
        await self._hear(transcriber, mine)
        return True

    async def _hear(self, transcriber: Transcriber, mine: ToHear) -> None:
        folder = Path(ROOT / self._settings.media_dir)
        try:
            heard = await transcriber.transcribe(
                attachments.path_of(folder, mine.stored_id)
            )
        except SpeechError as error:
            await self._put_off(mine, error)
            return
        except Exception as error:  # noqa: BLE001 - one note must not end them all
            log.error("note_broke", kind=type(error).__name__)
            await self._put_off(mine, SpeechError(Trouble.BROKE))
            return
        now = self._clock()
        is_kept = await self._write(
            lambda c: transcripts.finish(c, mine, heard, now=now)
        )
        self._wake_rasa()
        log.info(
            "note_heard",
            inbox_id=mine.inbox_id,
            audio_s=round(heard.audio_s, 1),
            took_s=round(heard.took_s, 2),
            confidence=round(heard.confidence, 2),
            is_kept=is_kept,
        )

    async def _put_off(self, mine: ToHear, error: SpeechError) -> None:
        trouble = error.trouble
        log.warning("note_not_heard", inbox_id=mine.inbox_id, trouble=trouble.value)
        if error.retryable and mine.attempt < transcripts.MAX_ATTEMPTS:
            at = self._clock() + _PAUSES_S[min(mine.attempt, len(_PAUSES_S)) - 1]
            await self._write(lambda c: transcripts.retry(c, mine, at=at))
            return
        await self._give_up(mine, trouble)

    async def _give_up(self, mine: ToHear, trouble: Trouble) -> None:
        now = self._clock()
        await self._write(lambda c: transcripts.give_up(c, mine, trouble, now=now))
        self._wake_rasa()

    def _wake_rasa(self) -> None:
        self._wake.there(self._settings.rasa_port)
        self._wake.there(self._settings.edge_port)

    async def _watch(self) -> None:
        """Notes for `/saude` whether anybody can hear."""
        noted = ""
        while True:
            problems = [await each.problem() for each in self._transcribers]
            state = WELL if "" in problems else UNWELL
            if state != noted:
                with contextlib.suppress(SQLAlchemyError):
                    await self._write(partial(self._note, state=state))
                    noted = state
            await asyncio.sleep(_WATCH_S)

    def _note(self, connection: Connection, *, state: str) -> None:
        service_state.note(connection, service_state.WHISPER, state, now=self._clock())

    async def _read(self, query: Callable[[Connection], Result]) -> Result:
        def run() -> Result:
            with reading(self._engine) as connection:
                return query(connection)

        return await asyncio.to_thread(run)

    async def _write(self, change: Callable[[Connection], Result]) -> Result:
        def run() -> Result:
            with writing(self._engine) as connection:
                return change(connection)

        return await asyncio.to_thread(run)

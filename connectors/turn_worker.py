"""Takes messages from the inbox, one a conversation, conversations side by side.

It knows no Rasa: `answer` is given to it, and must commit the turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from bot.core.names import FLOW_OUT_OF_SCOPE, AnsweredBy
from bot.core.phrases import NO_ANSWER
from bot.core.settings import Settings
from bot.store import turns, workers
from bot.store.effects import Handoff
from bot.store.turns import Outcome, Outgoing, Turn
from connectors.services import ChannelServices

MAX_ATTEMPTS = 5
_LEASE_MARGIN_S = 30
_FIRST_RETRY_S = 0.5
_LONGEST_RETRY_S = 60
_DRAIN_S = 10
_DATABASE_PAUSE_S = 1.0
log = structlog.get_logger()

Answer = Callable[[Turn], Awaitable[None]]


class TurnWorker:
    """Claims turns and runs them, at most `turns_in_parallel` at once."""

    def __init__(
        self,
        services: ChannelServices,
        answer: Answer,
        *,
        clock: Callable[[], float] = time.time,
        drain_s: float = _DRAIN_S,
    ) -> None:
        """Prepares a worker; `start` begins.

        Args:
            services: settings, database and wake-ups.
            answer: answers one turn and commits it.
            clock: UTC seconds.
            drain_s: how long `stop` lets turns go on, seconds.
        """
        self._services = services
        self._answer = answer
        self._clock = clock
        self._drain_s = drain_s
        self._name = workers.new_name()
        self._free = asyncio.Semaphore(services.settings.turns_in_parallel)
        self._running: set[asyncio.Task[None]] = set()
        self._loop_task: asyncio.Task[None] | None = None

    @property
    def is_alive(self) -> bool:
        """Whether messages are being taken."""
        return self._loop_task is not None and not self._loop_task.done()

    def start(self) -> None:
        """Begins to take messages; keeps on until `stop`."""
        self._loop_task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Takes no more messages, lets turns end for a while, gives back the rest."""
        if self._loop_task is not None:
            self._loop_task.cancel()
            await asyncio.gather(self._loop_task, return_exceptions=True)
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=self._drain_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        with contextlib.suppress(SQLAlchemyError):
            await self._services.write(
                lambda connection: turns.release(connection, lease_owner=self._name)
            )

    async def _run(self) -> None:
        with contextlib.suppress(SQLAlchemyError):  # else their leases end by time
            await self._reclaim()
        while True:
            await self._free.acquire()
            ticket = self._services.wake.ticket()
            turn = await self._claim()
            if turn is None:
                self._free.release()
                await self._services.wake.wait(ticket)
                continue
            task = asyncio.create_task(self._take(turn))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _reclaim(self) -> None:
        """Takes over at once what a process of this host left when it was killed."""
        leasing = await self._services.read(turns.owners)
        for owner in leasing - {self._name}:
            if workers.is_dead(owner):
                freed = await self._services.write(
                    partial(turns.reclaim, lease_owner=owner)
                )
                log.warning("leases_reclaimed", count=freed)

    async def _claim(self) -> Turn | None:
        claim = asyncio.ensure_future(self._look_and_claim())
        try:
            return await asyncio.shield(claim)
        except asyncio.CancelledError:
            # what it leases now, stop() must find, to give it back
            await asyncio.gather(claim, return_exceptions=True)
            raise
        except SQLAlchemyError as error:
            log.error("claim_failed", kind=type(error).__name__)
            await asyncio.sleep(_DATABASE_PAUSE_S)
            return None

    async def _look_and_claim(self) -> Turn | None:
        """Reads before it writes: an idle poll must not hold webhooks up."""
        now = self._clock()
        if not await self._services.read(lambda c: turns.is_any_due(c, now=now)):
            return None
        settings = self._services.settings
        return await self._services.write(
            lambda connection: turns.claim(
                connection,
                lease_owner=self._name,
                now=now,
                lease_s=lease_s(settings),
                burst_s=settings.media_burst_s,
            )
        )

    async def _take(self, turn: Turn) -> None:
        started = time.monotonic()
        try:
            await self._run_turn(turn)
        finally:
            self._free.release()
            self._services.wake.here()
            self._services.wake.there(self._services.settings.edge_port)
        log.info(
            "turn_ended",
            inbox_id=turn.inbox_id,
            attempt=turn.attempt,
            committed=turn.is_committed,
            ms=round((time.monotonic() - started) * 1000, 1),
        )

    async def _run_turn(self, turn: Turn) -> None:
        if turn.attempt > MAX_ATTEMPTS:  # it ended the process, time and again
            await self._write_failure(turn, "process_died")
            return
        token = turns.CURRENT_TURN.set(turn)
        problem = "not_committed"
        try:
            await asyncio.wait_for(
                self._answer(turn), self._services.settings.turn_deadline_s
            )
        except asyncio.TimeoutError:
            problem = "deadline"
        except Exception as error:  # noqa: BLE001 - one of the two boundaries
            problem = type(error).__name__
            log.error("turn_failed", inbox_id=turn.inbox_id, kind=problem)
        finally:
            turns.CURRENT_TURN.reset(token)
        if not turn.is_committed:
            await self._write_failure(turn, problem)

    async def _write_failure(self, turn: Turn, problem: str) -> None:
        try:
            await self._services.write(lambda c: self._give_back(c, turn, problem))
        except (SQLAlchemyError, turns.FencedError) as error:
            log.error(
                "turn_lost_lease", inbox_id=turn.inbox_id, kind=type(error).__name__
            )

    def _give_back(self, connection: Connection, turn: Turn, problem: str) -> None:
        now = self._clock()
        if turn.attempt < MAX_ATTEMPTS:
            pause = min(_LONGEST_RETRY_S, _FIRST_RETRY_S * 2 ** (turn.attempt - 1))
            pause *= 0.5 + random.random()  # noqa: S311 - jitter
            turns.fail(connection, turn, retry_at=now + pause, error=problem)
            return
        turns.fail(connection, turn, retry_at=None, error=problem)
        turn.outgoing = [Outgoing(NO_ANSWER, AnsweredBy.RULE)]
        turn.effects = [Handoff(reason="turno_falhou")]
        outcome = Outcome(FLOW_OUT_OF_SCOPE, 0.0, AnsweredBy.PERSON)
        turns.commit(connection, turn, outcome, now=now)
        turns.mark_dead(connection, turn)


def lease_s(settings: Settings) -> float:
    """Returns how long a turn's message is leased, seconds."""
    return settings.turn_deadline_s + _LEASE_MARGIN_S

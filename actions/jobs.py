"""Works off what must be done in outside services, while the action server runs.

The database says what is to be done and keeps it done once; a handler knows how one
kind is done. What a gateway's failure means for the job is decided here, by its kind
of trouble and not by its words.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from actions.services import Services
from bot.core.ports import GatewayError, Trouble
from bot.store import effects, jobs, workers
from bot.store.effects import Handoff, Origin
from bot.store.jobs import Job, LostLeaseError


@dataclass(frozen=True)
class Done:
    """A job that is done."""

    result: Mapping[str, Any] = field(default_factory=dict)
    """What it made, as ids and links."""
    then: Callable[[Connection], object] | None = None
    """Writes what follows from it, in the transaction that ends the job."""


Handler = Callable[[Job], Awaitable[Done]]
"""Does one job; a `GatewayError` says why it could not."""

POLL_S = 0.5
IN_PARALLEL = 4
"""Jobs of one process at a time, so that one that hangs does not hold up the rest."""
LEASE_S = 120.0
DEADLINE_S = 90.0
"""Seconds for one attempt; below the lease, so that nobody else has begun."""
FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 30.0
"""In the first hour, so that what waited is done within a minute of a service's
return."""
PATIENT_PAUSE_S = 600.0
PATIENT_AFTER = 120
"""Attempts; with the pauses before them some 45 minutes."""
MOST_ATTEMPTS = 270
"""Some 19 hours; then a person is asked to see to it."""
FAILED = "trabalho_falhou"
"""Reason of the handoff where a job can never be done."""
_PARKED_FOR = frozenset({Trouble.RECONNECT, Trouble.NOT_GRANTED})
log = structlog.get_logger()


class JobWorker:
    """Takes jobs one after the other; several processes may each have one."""

    def __init__(
        self,
        services: Services,
        handlers: Mapping[str, Handler],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepares a worker; `start` begins.

        Args:
            services: the database.
            handlers: by kind of job.
            clock: UTC seconds.
        """
        self._services = services
        self._handlers = dict(handlers)
        self._clock = clock
        self._name = workers.new_name()
        self._running: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins, inside the running event loop."""
        self._running = [asyncio.create_task(self._begin())]

    async def stop(self) -> None:
        """Ends, and gives back what was under way."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        with contextlib.suppress(SQLAlchemyError):  # else their leases end by time
            await self._services.write(
                lambda c: jobs.release(c, lease_owner=self._name)
            )

    async def _begin(self) -> None:
        """Takes over what killed processes of this host left, then works."""
        with contextlib.suppress(SQLAlchemyError):  # else their leases end by time
            await self.reclaim()
        await asyncio.gather(*(self._run() for _ in range(IN_PARALLEL)))

    async def reclaim(self) -> None:
        """Frees the jobs of workers that are no more.

        Raises:
            SQLAlchemyError: the database is not there.
        """
        for owner in await self._services.read(jobs.owners) - {self._name}:
            if workers.is_dead(owner):
                freed = await self._services.write(
                    partial(jobs.reclaim, lease_owner=owner)
                )
                log.warning("jobs_reclaimed", count=freed)

    async def _run(self) -> None:
        while True:
            try:
                if not await self.work_once():
                    await asyncio.sleep(POLL_S)
            except SQLAlchemyError as error:
                log.warning("jobs_waiting", kind=type(error).__name__)
                await asyncio.sleep(POLL_S)

    async def work_once(self) -> bool:
        """Does the job that has waited longest; False where none is due.

        Raises:
            SQLAlchemyError: the database is not there.
        """
        now = self._clock()
        if not await self._services.read(lambda c: jobs.is_any_due(c, now=now)):
            return False
        mine = await self._services.write(
            lambda c: jobs.claim(c, lease_owner=self._name, now=now, lease_s=LEASE_S)
        )
        if mine is None:
            return False
        try:
            await self._do(mine)
        except LostLeaseError:
            log.warning("job_lost", job_id=mine.id)
        return True

    async def _do(self, mine: Job) -> None:
        handler = self._handlers.get(mine.kind)
        if handler is None:
            await self._put_off(mine, GatewayError(Trouble.REFUSED, "unknown kind"))
            return
        try:
            async with asyncio.timeout(DEADLINE_S):
                done = await handler(mine)
            await self._services.write(lambda c: _finish(c, mine, done, self._clock()))
        except (LostLeaseError, SQLAlchemyError):
            raise
        except GatewayError as error:
            await self._put_off(mine, error)
        except TimeoutError:
            await self._put_off(mine, GatewayError(Trouble.UNCLEAR, "deadline"))
        except Exception as error:  # noqa: BLE001 - else one job would end them all
            log.error("job_broke", job_id=mine.id, error=type(error).__name__)
            await self._put_off(mine, GatewayError(Trouble.UNCLEAR, "broke"))
        else:
            log.info("job_done", job_id=mine.id, kind=mine.kind, attempt=mine.attempt)

    async def _put_off(self, mine: Job, error: GatewayError) -> None:
        reason = error.trouble.value
        log.warning("job_failed", job_id=mine.id, kind=mine.kind, reason=reason)
        now = self._clock()
        if error.trouble in _PARKED_FOR:
            await self._services.write(lambda c: jobs.park(c, mine, reason=reason))
        elif error.retryable and mine.attempt < MOST_ATTEMPTS:
            at = now + _pause_s(mine.attempt, error.wait_s)
            await self._services.write(
                lambda c: jobs.retry(c, mine, at=at, reason=reason)
            )
        else:
            await self._services.write(lambda c: _give_up(c, mine, reason, now))


def _finish(connection: Connection, mine: Job, done: Done, now: float) -> None:
    jobs.finish(connection, mine, done.result, now=now)
    if done.then is not None:
        done.then(connection)


def _give_up(connection: Connection, mine: Job, reason: str, now: float) -> None:
    jobs.fail(connection, mine, reason=reason, now=now)
    if mine.conversation_id:
        origin = Origin(mine.conversation_id, mine.inbox_id, 0)
        waiting = Handoff(FAILED, note=mine.kind)
        effects.apply(connection, waiting, origin, now=now)


def _pause_s(attempt: int, asked_s: float | None) -> float:
    """Returns how long to wait, seconds: what the service asks, or ever longer."""
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempt - 1, 20))
    if attempt > PATIENT_AFTER:
        longest = PATIENT_PAUSE_S
    jittered = longest * (0.5 + random.random() / 2)  # noqa: S311 - jitter
    return max(asked_s or 0.0, jittered)

"""R2: PostgreSQL ends ten times under load, and nobody notices."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.test_edge import Edge
from tests.goals.office import (
    CLEAN,
    PATIENCE_S,
    Assistant,
    Clock,
    answering,
    is_quiet,
    open_edge,
    people,
    said_to,
    take_a_moment,
    until,
    verdict,
    words,
    write,
)
from tests.postgres import PostgresServer

RESTARTS, AT_EACH, EACH_WRITES = 10, 12, 5
LEASE_S = 36
"""More than a turn's deadline of 5 s, and the margin of 30 s."""


class FragileServer(PostgresServer):
    """A PostgreSQL that ends as power cuts and out-of-memory killers end it."""

    def crash(self) -> None:
        """Ends it at once, without a checkpoint."""
        self._control("stop", "--wait", "--mode=immediate")

    def kill(self) -> None:
        """Kills its first process; the others notice and end."""
        pid = int((self._data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)

    def start_again(self) -> None:
        """Returns once it takes connections; what is left of it ends first."""
        ends_at = time.monotonic() + PATIENCE_S
        while True:
            try:
                self.start()
            except subprocess.CalledProcessError:
                if time.monotonic() > ends_at:
                    raise
                time.sleep(0.1)
            else:
                return


@pytest.fixture
def fragile_server() -> Iterator[FragileServer]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("instale o pacote postgresql")
    server = FragileServer(found[-1].parent)
    server.start()
    yield server
    with contextlib.suppress(subprocess.CalledProcessError):  # a test left it dead
        server.stop()
    server.remove()


async def test_r2_database_restarted_ten_times_loses_doubles_and_swaps_nothing(
    tmp_path, twilio, fragile_server
):
    clock, taken, may_write = Clock(), [], asyncio.Semaphore(0)
    crowd = people(RESTARTS * AT_EACH // EACH_WRITES)

    async def talk(address: str) -> None:
        for number in range(EACH_WRITES):
            await may_write.acquire()
            taken.append(await write(twilio, words(address, number), from_=address))

    def is_amid(assistant: Assistant, number: int) -> bool:
        """In turns and in sends by turns; quiet only where it was too quick."""
        sends = len(twilio.messages) >= AT_EACH * number + 3
        turns = assistant.at_work.total() >= 3
        over = len(twilio.messages) >= AT_EACH * number + AT_EACH // 2
        return over or (sends if number % 2 else turns)

    async def restart_all(assistant: Assistant) -> None:
        for number in range(RESTARTS):
            for _ in range(AT_EACH // 2):
                may_write.release()
            await until(lambda n=number: is_amid(assistant, n))
            for _ in range(AT_EACH // 2):  # these are written while it ends
                may_write.release()
            how = fragile_server.kill if number % 4 > 1 else fragile_server.crash
            await asyncio.to_thread(how)
            await asyncio.to_thread(fragile_server.start_again)
            clock.ahead_s += LEASE_S

    twilio.latency_s = 0.1
    environ = {
        "DATABASE_URL": fragile_server.new_database(),
        "TURN_DEADLINE_S": "5", "TWILIO_TIMEOUT_S": "1", "SEND_GRACE_S": "2",
        "BACKFILL_EVERY_S": "3600",  # what was acknowledged must be there without it
    }  # fmt: skip
    async with (
        open_edge(tmp_path, twilio, **environ) as edge,
        answering(edge, clock=clock) as assistant,
    ):
        assistant.during = take_a_moment
        async with asyncio.TaskGroup() as group:
            group.create_task(restart_all(assistant))
            for address in crowd:
                group.create_task(talk(address))
        await _until_quiet(edge, clock, messages=RESTARTS * AT_EACH)

        assert verdict(edge.engine, twilio).lines() == CLEAN
        assert {row.status for row in edge.rows("inbox")} == {"done"}
        assert sum(row.attempts - 1 for row in edge.rows("inbox")) >= RESTARTS / 2
        for address in crowd:
            expected = [f"Resposta a {words(address, n)}" for n in range(EACH_WRITES)]
            assert said_to(twilio, address) == expected


async def _until_quiet(edge: Edge, clock: Clock, *, messages: int) -> None:
    """Lets leases that the last restart cut off run out."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_quiet(edge.engine, messages=messages):
            await asyncio.sleep(1)
            clock.ahead_s += LEASE_S

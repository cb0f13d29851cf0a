"""Wake-ups: heard at once, never needed, and no obstacle to stopping."""

from __future__ import annotations

import asyncio
import socket

import pytest

from bot.wake import WakeUp

LONG_S = 30


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


@pytest.fixture
async def wake():
    waker = WakeUp(free_port())
    yield waker
    waker.close()


async def test_everybody_who_waits_here_is_woken(wake):
    waiting = [wake.wait(wake.ticket(), LONG_S) for _ in range(3)]

    wake.here()

    await asyncio.wait_for(asyncio.gather(*waiting), 5)


async def test_wake_up_between_ticket_and_wait_is_not_lost(wake):
    ticket = wake.ticket()
    wake.here()

    await asyncio.wait_for(wake.wait(ticket, LONG_S), 5)


async def test_without_a_wake_up_the_interval_ends_the_wait(wake):
    await asyncio.wait_for(wake.wait(wake.ticket(), 0.01), 5)


async def test_another_process_is_woken_by_its_port(wake):
    port = free_port()
    other = WakeUp(port)
    await other.open()
    ticket = other.ticket()

    wake.there(port)

    await asyncio.wait_for(other.wait(ticket, LONG_S), 5)
    other.close()


async def test_nobody_on_the_other_port_is_no_error(wake):
    wake.there(free_port())


async def test_taken_port_leaves_polling(wake):
    await wake.open()
    twin = WakeUp(wake._port)

    await twin.open()

    await asyncio.wait_for(twin.wait(twin.ticket(), 0.01), 5)
    twin.close()


async def test_loop_that_is_woken_and_cancelled_at_once_ends(wake):
    async def wait_for_ever() -> None:
        while True:
            await wake.wait(wake.ticket(), LONG_S)

    loop = asyncio.create_task(wait_for_ever())
    for _ in range(3):
        await asyncio.sleep(0)
    wake.here()
    await asyncio.sleep(0)
    loop.cancel()

    ended, _ = await asyncio.wait({loop}, timeout=5)

    assert ended

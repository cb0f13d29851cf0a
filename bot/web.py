"""How the three web processes run: until SIGTERM or SIGINT, then in good order.

Rasa's process has a Sanic of its own, and older; nothing of this is for it.
"""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Any

import uvloop
from sanic import Sanic

_DRAIN_PROBE_S = 0.05


def serve(app: Sanic[Any, Any], *, host: str, port: int) -> None:
    """Runs an application in this process until it is told to stop.

    `Sanic.run` starts and stops its loop four times, and forgets a signal that
    comes between two of them: one of ten processes that were told to stop as soon
    as they were ready went on. Here one run of the loop holds everything.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(app, host, port))


async def _serve(app: Sanic[Any, Any], host: str, port: int) -> None:
    is_told_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, is_told_to_stop.set)
    server: Any = await app.create_server(
        host,
        port,
        return_asyncio_server=True,
        asyncio_server_kwargs={"start_serving": False},
    )
    await server.startup()
    await server.before_start()
    await server.start_serving()
    await server.after_start()
    await is_told_to_stop.wait()
    await server.before_stop()
    await _drain(app, server)
    await server.after_stop()


async def _drain(app: Sanic[Any, Any], server: Any) -> None:
    """Takes no more connections; lets requests under way end for a while."""
    closing = server.close()
    deadline = time.monotonic() + app.config.GRACEFUL_SHUTDOWN_TIMEOUT
    while server.connections and time.monotonic() < deadline:
        for connection in tuple(server.connections):
            connection.close_if_idle()
        await asyncio.sleep(_DRAIN_PROBE_S)
    for connection in tuple(server.connections):
        connection.abort()
    await closing

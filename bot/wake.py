"""Tells another process on this host that there is something to do.

A wake-up is a datagram to loopback with no content: losing one costs at most
the receiver's poll interval, forging one costs nothing. Each process listens on
the UDP port that has the number of its TCP port.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

POLL_S = 0.25
"""How long a lost wake-up may go unnoticed."""


class WakeUp:
    """Waits for wake-ups on one port and sends them to others."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._next = asyncio.Event()
        self._transport: asyncio.BaseTransport | None = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    async def open(self) -> None:
        """Starts listening; where the port is taken, polling alone remains."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            self._transport, _ = await loop.create_datagram_endpoint(
                lambda: _Receiver(self), local_addr=("127.0.0.1", self._port)
            )

    def ticket(self) -> asyncio.Event:
        """Returns what to wait for; take it before you look for work."""
        return self._next

    async def wait(self, ticket: asyncio.Event, timeout_s: float = POLL_S) -> None:
        """Returns at the first wake-up after the ticket, or after the interval.

        Not by `asyncio.wait_for`: before Python 3.12 that swallows a cancellation
        which comes together with the wake-up, and the caller never stops.
        """
        waiting = asyncio.ensure_future(ticket.wait())
        try:
            await asyncio.wait({waiting}, timeout=timeout_s)
        finally:
            waiting.cancel()

    def here(self) -> None:
        """Wakes everybody who waits in this process."""
        fired, self._next = self._next, asyncio.Event()
        fired.set()

    def there(self, port: int) -> None:
        """Wakes the process that listens on a port; never blocks, never fails."""
        with contextlib.suppress(OSError):
            self._socket.sendto(b"\n", ("127.0.0.1", port))

    def close(self) -> None:
        """Stops listening."""
        if self._transport is not None:
            self._transport.close()
        self._socket.close()


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, wake: WakeUp) -> None:
        self._wake = wake

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._wake.here()

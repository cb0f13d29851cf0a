"""A transport over HTTP that never sends a request a second time by itself.

httplib2 sends again what was cut off before a status line came, writes as well, and
however few tries it is told to make: it takes the connection for a stale one.
"""

from __future__ import annotations

from collections.abc import Callable
from http.client import (
    BadStatusLine,
    HTTPConnection,
    HTTPResponse,
    ResponseNotReady,
)
from typing import Any

import httplib2

httplib2.RETRIES = 1


class OnceHttp(httplib2.Http):
    """Sends each request once; an answer that is cut off is a `ConnectionError`."""

    def _conn_request(self, conn: HTTPConnection, *request: Any) -> Any:
        conn.getresponse = _plain(conn.getresponse)  # type: ignore[method-assign]
        send: Any = super()._conn_request
        return send(conn, *request)


def _plain(receive: Callable[[], HTTPResponse]) -> Callable[[], HTTPResponse]:
    def received() -> HTTPResponse:
        try:
            return receive()
        except (BadStatusLine, ResponseNotReady) as error:
            raise ConnectionResetError("no status line") from error

    return received

"""A transport over HTTP that never sends a request a second time by itself.

httplib2 sends again what was cut off before a status line came, writes as well and
whatever its `RETRIES` says: it takes the connection for a stale one.
"""

from __future__ import annotations

from collections.abc import Callable
from http.client import BadStatusLine, ResponseNotReady
from typing import Any
from urllib.parse import urlsplit

import httplib2


class OnceHttp(httplib2.Http):
    """Sends each request once; an answer that is cut off is a `ConnectionError`."""

    def request(self, uri: Any, *given: Any, **more: Any) -> Any:
        """Sends one request."""
        more["connection_type"] = _CONNECTIONS[urlsplit(uri).scheme]
        send: Any = super().request
        return send(uri, *given, **more)


class _Plain(httplib2.HTTPConnectionWithTimeout):
    def getresponse(self) -> Any:
        return _once(super().getresponse)


class _Secure(httplib2.HTTPSConnectionWithTimeout):
    def getresponse(self) -> Any:
        return _once(super().getresponse)


_CONNECTIONS = {"http": _Plain, "https": _Secure}


def _once(answer: Callable[[], Any]) -> Any:
    """Returns an answer; where none comes, raises what httplib2 leaves alone."""
    try:
        return answer()
    except (BadStatusLine, ResponseNotReady) as error:
        raise ConnectionResetError("no answer") from error

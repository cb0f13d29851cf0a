"""One call of a Google API: its token, its deadline, and what its failure means.

Google's client blocks and its transport belongs to one thread, so each call runs in a
thread of the pool with a transport of its own. Nothing is repeated here except after a
token that Google no longer takes: whether a write may be sent again is the job's to
decide, which looks first.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import math
import ssl
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Protocol, TypeVar

import httplib2
from googleapiclient.discovery import Resource, build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import Error as ClientError
from googleapiclient.errors import HttpError
from googleapiclient.http import HttpRequest

from actions.gateways.once import OnceHttp
from bot.core.ports import Feature, GatewayError, Trouble

Result = TypeVar("Result")

VERSIONS = {"calendar": "v3", "drive": "v3", "sheets": "v4"}
_UNAUTHORIZED, _FORBIDDEN, _TIMEOUT, _TOO_MANY, _ILL = 401, 403, 408, 429, 500
_RATE_REASONS = frozenset(
    {
        "rateLimitExceeded",
        "userRateLimitExceeded",
        "sharingRateLimitExceeded",
        "dailyLimitExceeded",
        "quotaExceeded",
        "storageQuotaExceeded",
        "RATE_LIMIT_EXCEEDED",
    }
)
_PERMISSION_REASONS = frozenset(
    {
        "insufficientPermissions",
        "insufficientScopes",
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "accessNotConfigured",
        "SERVICE_DISABLED",
        "domainPolicy",
    }
)
"""https://developers.google.com/workspace/calendar/api/guides/errors and
https://developers.google.com/workspace/drive/api/guides/handle-errors"""
_LONGEST_WAIT_S = 3600.0
_SILENT = (
    OSError,
    httplib2.HttpLib2Error,
    http.client.HTTPException,
    ClientError,
    ValueError,
)
"""What the client raises where no answer comes, or none that can be read."""


class Authority(Protocol):
    """Who may act for the office at Google."""

    def access_token(self, feature: Feature, *, instead_of: str = "") -> str:
        """Returns a token that is good for a feature; blocks.

        Args:
            feature: what it is for.
            instead_of: a token that Google just refused; it is not given again.

        Raises:
            GatewayError: `NOT_GRANTED`, `RECONNECT`, or `LATER` where Google's token
                endpoint does not answer.
        """

    def refused(self) -> None:
        """Google takes no token of this connection any more."""


class GoogleRefusal(GatewayError):
    """Google answered with an error.

    Attributes:
        status: of HTTP.
        reason: Google's own word, as `notFound`, or "".
    """

    def __init__(
        self, trouble: Trouble, status: int, reason: str, *, wait_s: float | None = None
    ) -> None:
        super().__init__(trouble, f"google: {status} {reason}", wait_s=wait_s)
        self.status, self.reason = status, reason


class GoogleCalls:
    """Calls Google's APIs for whoever connected the office."""

    def __init__(self, authority: Authority, *, base_url: str, timeout_s: float):
        """Prepares; nothing is called yet.

        Args:
            authority: gives the tokens.
            base_url: where the APIs are; "" for Google's own addresses.
            timeout_s: how long Google may be silent.
        """
        self._authority = authority
        self._base_url = base_url
        self._timeout_s = timeout_s

    async def run(
        self,
        feature: Feature,
        api: str,
        request: Callable[[Any], HttpRequest],
        *,
        execute: Callable[[HttpRequest, httplib2.Http], Any] | None = None,
    ) -> Any:
        """Carries out one request in a thread.

        Args:
            feature: which permission it needs.
            api: `calendar`, `drive` or `sheets`.
            request: builds the request of the API's resource.
            execute: how it is sent, for uploads in parts; None for `execute`.

        Returns:
            The decoded JSON; {} for an empty answer.

        Raises:
            GoogleRefusal: Google answered with an error.
            GatewayError: it did not answer, or nothing readable.
        """
        return await asyncio.to_thread(
            self._run, feature, api, request, execute or _execute
        )

    def _run(
        self,
        feature: Feature,
        api: str,
        build: Callable[[Any], HttpRequest],
        execute: Callable[[HttpRequest, httplib2.Http], Any],
    ) -> Any:
        token = self._authority.access_token(feature)
        try:
            return self._send(api, build, execute, token)
        except GoogleRefusal as error:
            if error.status != _UNAUTHORIZED:
                raise
        token = self._authority.access_token(feature, instead_of=token)
        try:
            return self._send(api, build, execute, token)
        except GoogleRefusal as error:
            if error.status == _UNAUTHORIZED:
                self._authority.refused()
            raise

    def _send(
        self,
        api: str,
        build: Callable[[Any], HttpRequest],
        execute: Callable[[HttpRequest, httplib2.Http], Any],
        token: str,
    ) -> Any:
        try:
            request = build(_resource(api, self._base_url))
        except (OSError, ClientError, ValueError) as error:
            name = type(error).__name__
            raise GatewayError(Trouble.REFUSED, f"google: {name}, not sent") from error
        is_read = request.method == "GET"
        transport = _BearerHttp(token, timeout=self._timeout_s)
        try:
            answer = execute(request, transport)
        except HttpError as error:
            raise refusal_of(error, is_read=is_read) from error
        except _SILENT as error:
            raise _silence(error, is_read=is_read) from error
        finally:
            transport.close()  # type: ignore[no-untyped-call]
        if request.method == "DELETE" and not answer:
            return {}
        if isinstance(answer, (str, bytes)):  # what is no JSON is handed on as it is
            raise GatewayError(_lost(is_read=is_read), "google: an answer cut short")
        return answer


class _BearerHttp(OnceHttp):
    """A transport that shows a token at every request."""

    def __init__(self, token: str, *, timeout: float) -> None:
        super().__init__(timeout=timeout)  # type: ignore[no-untyped-call]
        self.redirect_codes = self.redirect_codes - {308}  # "go on" of an upload
        self._token = token

    def request(self, uri: Any, *given: Any, headers: Any = None, **more: Any) -> Any:
        """Sends one request."""
        shown = {**(headers or {}), "authorization": f"Bearer {self._token}"}
        return super().request(uri, *given, headers=shown, **more)


def refusal_of(error: HttpError, *, is_read: bool) -> GoogleRefusal:
    """Returns what an error answer of Google means, by its reason."""
    status, reason = int(error.resp.status), _reason(error.content)
    wait_s = _wait_s(error.resp.get("retry-after"))
    if status == _UNAUTHORIZED:
        trouble = Trouble.RECONNECT
    elif status in {_TIMEOUT, _TOO_MANY} or reason in _RATE_REASONS:
        trouble = Trouble.LATER
    elif status >= _ILL:
        trouble = _lost(is_read=is_read)
    elif status == _FORBIDDEN and reason in _PERMISSION_REASONS:
        trouble = Trouble.NOT_GRANTED
    else:
        trouble = Trouble.REFUSED
    return GoogleRefusal(trouble, status, reason, wait_s=wait_s)


def _silence(error: Exception, *, is_read: bool) -> GatewayError:
    never_sent = (ConnectionRefusedError, httplib2.ServerNotFoundError, ssl.SSLError)
    is_sent = not isinstance(error, never_sent)
    trouble = _lost(is_read=is_read) if is_sent else Trouble.LATER
    return GatewayError(trouble, f"google: {type(error).__name__}")


def _lost(*, is_read: bool) -> Trouble:
    """A read may simply be repeated; of a write nobody knows whether it is done."""
    return Trouble.LATER if is_read else Trouble.UNCLEAR


def _reason(content: bytes) -> str:
    """Returns the reason in an error body, of either of Google's two shapes."""
    try:
        told = json.loads(content)["error"]
        for each in (*told.get("details", ()), *told.get("errors", ())):
            if each.get("reason"):
                return str(each["reason"])
        return str(told.get("status", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def _wait_s(header: str | None) -> float | None:
    """Returns `Retry-After` in seconds; None where there is none of use."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - time.time()
        except (TypeError, ValueError):
            return None
    if math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT_S)


@lru_cache
def _resource(api: str, base_url: str) -> Resource:
    """Returns the client of an API; only requests are built with it.

    Where another address is given, the document's own is replaced: uploads would
    keep Google's under `client_options`.
    """
    read: Any = get_static_doc
    text = read(api, VERSIONS[api])
    document = json.loads(text)
    if base_url:
        path = document["servicePath"]
        document["rootUrl"] = f"{base_url}/"
        document["baseUrl"] = f"{base_url}/{path}"
    document.pop("mtlsRootUrl", None)
    build: Any = build_from_document
    resource: Resource = build(document, http=_BearerHttp("", timeout=1))
    return resource


def _execute(request: HttpRequest, http: httplib2.Http) -> Any:
    return request.execute(http=http, num_retries=0)

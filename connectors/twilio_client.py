"""Twilio's REST API as the channel uses it: send, list, list media, "typing".

One class talks HTTP, with time-outs of its own, credentials on each request and no
redirects followed. What an answer means is said here once; what to do about it is
decided by the sender, the reconciler and the backfill.
"""

from __future__ import annotations

import asyncio
import base64
import calendar
import contextlib
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any
from urllib.parse import quote

import aiohttp
import structlog
from yarl import URL

from bot.core.errors import DependencyError
from bot.core.settings import Settings

_API = "/2010-04-01/Accounts"
_UNAUTHORIZED = 401
_REQUEST_TIMEOUT = 408
_TOO_MANY_REQUESTS = 429
_TOO_MANY_REQUESTS_CODE = "20429"
_ERRORS = 400
_SERVER_ERRORS = 500
_MEDIA_SID = re.compile(r"ME[0-9a-zA-Z]{1,38}")
_MEDIA_PAGES = 5
_SHORTEST_TIMEOUT_S = 0.01
log = structlog.get_logger()


class TwilioUnavailable(DependencyError):
    """A listing could not be had.

    Attributes:
        retryable: False where the same call will be refused again.
        status: HTTP status of the answer, or None where there was none.
    """

    def __init__(self, message: str, *, retryable: bool, status: int | None) -> None:
        super().__init__(message, retryable=retryable)
        self.status = status


@dataclass(frozen=True)
class Accepted:
    """Twilio took the message."""

    sid: str


@dataclass(frozen=True)
class TryAgain:
    """Twilio certainly did not take the message, and may take it later."""

    after_s: float | None
    """What `Retry-After` asked for, seconds; None where it said nothing."""
    reason: str
    """`not_connected`, or `429`."""


@dataclass(frozen=True)
class Refused:
    """Twilio certainly did not take the message, and never will as it is."""

    code: str
    """Twilio's error code, or the HTTP status where there was none."""


@dataclass(frozen=True)
class Unknown:
    """Nobody can say whether Twilio took the message."""

    reason: str
    """Kind of exception, HTTP status or `garbage`."""


SendResult = Accepted | TryAgain | Refused | Unknown


@dataclass(frozen=True)
class ListedMessage:
    """A message as Twilio lists it, either direction."""

    sid: str
    account_sid: str
    to: str
    from_: str
    body: str
    status: str
    """Twilio's word, as `received` or `delivered`."""
    direction: str
    """`inbound`, `outbound-api`, `outbound-reply` or `outbound-call`."""
    num_media: int
    sent_at: float | None
    """UTC seconds, of `date_sent`, or of `date_created` where it is not sent yet."""
    error_code: str
    """Twilio's error code, or ""."""
    messaging_service_sid: str
    """`MG…`, or ""."""


@dataclass(frozen=True)
class ListedMedia:
    """An attachment as Twilio lists it."""

    sid: str
    content_type: str
    url: str
    """Built from our own API address, never taken from the answer."""


@dataclass(frozen=True)
class _Reply:
    status: int
    body: Any
    """Parsed JSON, or None where it was none."""
    retry_after: str


class TwilioClient:
    """Calls Twilio's REST API; `open` before the first call, `close` at the end.

    Credentials are the API key where one is set; else the account with its auth
    token, and with the secondary token where the primary one is refused, which is
    how a token is rotated without a gap.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._base = settings.twilio_api_base_url
        self._http: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Opens the connection pool; inside the running event loop."""
        self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        """Closes all connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def __aenter__(self) -> TwilioClient:
        """Opens the connection pool."""
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes all connections."""
        await self.close()

    async def create_message(
        self, account_sid: str, form: Mapping[str, str]
    ) -> SendResult:
        """Sends one message; never raises for what Twilio or the network does.

        A connection that was not made, and a 429, are certainly not processed
        (https://www.twilio.com/docs/api/errors/20429). Everything that goes wrong
        after the request was written, and any 5xx, is not known.

        Args:
            account_sid: the account to send from.
            form: Twilio's parameters: `To`, `From`, `Body` or `ContentSid`, ...
        """
        try:
            reply = await self._call("POST", self._messages(account_sid), data=form)
        except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError):
            return TryAgain(None, "not_connected")
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            return Unknown(type(error).__name__)
        return _outcome(reply)

    async def list_messages(  # noqa: PLR0913 - Twilio's own filters
        self,
        account_sid: str,
        *,
        to: str | None = None,
        from_: str | None = None,
        sent_after: float | None = None,
        page_size: int = 100,
        max_pages: int = 50,
        unsent_too: bool = False,
    ) -> list[ListedMessage]:
        """Returns messages, newest first.

        Args:
            account_sid: whose messages.
            to: only to this address.
            from_: only from this address.
            sent_after: only from this moment on, UTC seconds (Twilio counts whole
                seconds: up to one second more may come).
            page_size: messages a request, 1-1000.
            max_pages: requests at most; what is older is left out, with a warning.
            unsent_too: Twilio's `DateSent` filter hides what still waits to be
                sent. True leaves the filter out and reads, newest first, to the
                first page that ends before `sent_after`.

        Raises:
            TwilioUnavailable: a page could not be had; nothing is returned in part.
        """
        query = {"PageSize": str(page_size)}
        if to is not None:
            query["To"] = to
        if from_ is not None:
            query["From"] = from_
        if sent_after is not None and not unsent_too:
            moment = time.gmtime(int(sent_after))
            query["DateSent>"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", moment)
        found: list[ListedMessage] = []
        url: URL | None = URL(self._messages(account_sid)).with_query(query)
        for _ in range(max_pages):
            if url is None:
                return found
            page = await self._page(url, "messages")
            shown = [_listed(raw) for raw in page["messages"]]
            found += [each for each in shown if _is_after(each, sent_after)]
            if unsent_too and shown and not _is_after(shown[-1], sent_after):
                return found
            url = self._next(page, account_sid)
        if url is not None:
            log.warning("listing_cut", pages=max_pages)
        return found

    async def list_media(self, account_sid: str, message_sid: str) -> list[ListedMedia]:
        """Returns a message's attachments.

        Raises:
            TwilioUnavailable: the listing could not be had.
        """
        folder = (
            f"{self._base}{_API}/{quote(account_sid, safe='')}"
            f"/Messages/{quote(message_sid, safe='')}/Media"
        )
        found: list[ListedMedia] = []
        url: URL | None = URL(f"{folder}.json", encoded=True)
        for _ in range(_MEDIA_PAGES):
            if url is None:
                break
            page = await self._page(url, "media_list")
            for raw in page["media_list"]:
                sid = str(raw.get("sid") or "")
                if _MEDIA_SID.fullmatch(sid):
                    kind = str(raw.get("content_type") or "")
                    found.append(ListedMedia(sid, kind, f"{folder}/{sid}"))
            url = self._next(page, account_sid)
        return found

    async def show_typing(self, account_sid: str, message_sid: str) -> bool:
        """Shows "typing…" for at most 25 s and marks a message read.

        Public beta; see https://www.twilio.com/docs/whatsapp/api/typing-indicators-resource

        Returns:
            Whether Twilio took it; the person gets the answer either way.
        """
        form = {"messageId": message_sid, "channel": "whatsapp"}
        url = f"{_messaging_base(self._base)}/v2/Indicators/Typing.json"
        try:
            reply = await self._call("POST", url, data=form, account=account_sid)
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError):
            return False
        return reply.status < _ERRORS

    def _messages(self, account_sid: str) -> str:
        return f"{self._base}{_API}/{quote(account_sid, safe='')}/Messages.json"

    async def _call(
        self,
        method: str,
        url: str | URL,
        *,
        data: Mapping[str, str] | None = None,
        account: str = "",
    ) -> _Reply:
        """Makes one call, and once more where the primary token is refused.

        A 401 was not processed, so the second call repeats nothing. Both together
        take no longer than one may: who waits for a send counts on it.
        """
        if self._http is None:
            raise RuntimeError("TwilioClient is not open")
        account = account or _account_of(url)
        reply: _Reply | None = None
        clock = asyncio.get_running_loop().time
        ends_at = clock() + self._settings.twilio_timeout_s
        for header in self._authorizations(account):
            async with self._http.request(
                method,
                url,
                data=data,
                headers={"Authorization": header},
                allow_redirects=False,
                timeout=_timeout(ends_at - clock()),
            ) as answer:
                reply = await _read(answer)
            if reply.status != _UNAUTHORIZED:
                return reply
        return reply or _Reply(_UNAUTHORIZED, None, "")

    def _authorizations(self, account_sid: str) -> Iterator[str]:
        settings = self._settings
        if settings.twilio_api_key_sid and settings.twilio_api_key_secret:
            yield _basic(settings.twilio_api_key_sid, settings.twilio_api_key_secret)
            return
        for token in settings.twilio_auth_tokens:
            yield _basic(account_sid, token)

    async def _page(self, url: URL, key: str) -> dict[str, Any]:
        try:
            reply = await self._call("GET", url)
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            kind = type(error).__name__
            raise TwilioUnavailable(kind, retryable=True, status=None) from error
        status = reply.status
        if status >= 300:  # noqa: PLR2004 - redirects are not followed
            retryable = status >= _SERVER_ERRORS or status in {
                _REQUEST_TIMEOUT, _TOO_MANY_REQUESTS,
            }  # fmt: skip
            raise TwilioUnavailable(str(status), retryable=retryable, status=status)
        page = reply.body
        rows = page.get(key) if isinstance(page, dict) else None
        if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
            raise TwilioUnavailable("garbage", retryable=True, status=status)
        return dict(page)

    def _next(self, page: Mapping[str, Any], account_sid: str) -> URL | None:
        """Returns the next page's address; it must stay with the account."""
        uri = page.get("next_page_uri")
        if not uri:
            return None
        home = URL(f"{self._base}{_API}/{quote(account_sid, safe='')}/", encoded=True)
        text = str(uri)
        with contextlib.suppress(ValueError):
            there = URL(f"{self._base}{text}" if text[0] == "/" else text, encoded=True)
            is_home = there.is_absolute() and there.origin() == home.origin()
            if is_home and there.user is None and _is_below(there, home):
                return there
        raise TwilioUnavailable("foreign_page", retryable=False, status=None)


def _timeout(left_s: float) -> aiohttp.ClientTimeout:
    """Returns limits that tell a connection never made from an answer never had."""
    total_s = max(_SHORTEST_TIMEOUT_S, left_s)
    return aiohttp.ClientTimeout(total=total_s, connect=total_s / 2)


def _is_below(there: URL, home: URL) -> bool:
    return there.path.startswith(home.path) and ".." not in there.path


def _is_after(message: ListedMessage, moment: float | None) -> bool:
    if moment is None or message.sent_at is None:
        return True
    return message.sent_at >= int(moment)


def _account_of(url: str | URL) -> str:
    return URL(str(url)).path.partition(f"{_API}/")[2].partition("/")[0]


def _basic(user: str, secret: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{secret}'.encode()).decode()}"


def _messaging_base(base: str) -> str:
    """Returns the host of the messaging API, `api.` being that of the 2010 one.

    Other hosts (a proxy, a stand-in) serve both.
    """
    url = URL(base)
    host = url.host or ""
    if host.startswith("api.") and host.endswith(".twilio.com"):
        return str(url.with_host(f"messaging.{host[4:]}")).rstrip("/")
    return base


async def _read(answer: aiohttp.ClientResponse) -> _Reply:
    body: Any = None
    try:
        text = await answer.text()
    except (aiohttp.ClientError, asyncio.TimeoutError, UnicodeDecodeError):
        if answer.status < _ERRORS:
            raise
        text = ""
    with contextlib.suppress(ValueError, RecursionError):
        body = json.loads(text)
    return _Reply(answer.status, body, answer.headers.get("Retry-After", ""))


def _outcome(reply: _Reply) -> SendResult:
    body = reply.body if isinstance(reply.body, dict) else {}
    code = str(body.get("code") or reply.status)
    if reply.status < 300:  # noqa: PLR2004 - any 2xx
        sid = body.get("sid")
        return Accepted(sid) if sid and isinstance(sid, str) else Unknown("garbage")
    if reply.status == _TOO_MANY_REQUESTS or code == _TOO_MANY_REQUESTS_CODE:
        return TryAgain(_seconds(reply.retry_after), "429")
    if reply.status >= _SERVER_ERRORS or reply.status == _REQUEST_TIMEOUT:
        return Unknown(str(reply.status))
    return Refused(code)


def _seconds(retry_after: str) -> float | None:
    text = retry_after.strip()
    return float(text) if text.isascii() and text.isdigit() else None


def _listed(raw: Mapping[str, Any]) -> ListedMessage:
    def text(name: str) -> str:
        value = raw.get(name)
        return "" if value is None else str(value)

    media = text("num_media")
    return ListedMessage(
        sid=text("sid"),
        account_sid=text("account_sid"),
        to=text("to"),
        from_=text("from"),
        body=text("body"),
        status=text("status"),
        direction=text("direction"),
        num_media=int(media) if media.isdigit() else 0,
        sent_at=_moment(text("date_sent")) or _moment(text("date_created")),
        error_code=text("error_code"),
        messaging_service_sid=text("messaging_service_sid"),
    )


def _moment(rfc2822: str) -> float | None:
    """Reads `Fri, 24 May 2019 17:18:27 +0000` as UTC seconds."""
    with contextlib.suppress(ValueError, TypeError, IndexError):
        return float(calendar.timegm(parsedate_to_datetime(rfc2822).utctimetuple()))
    return None

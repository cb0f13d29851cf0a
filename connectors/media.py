"""Fetches what a WhatsApp message brought along, and keeps it under a name of ours.

The account's credentials go to one address alone: this message's media at
Twilio. Where it redirects to gets no credentials, and is never inside our own
network. What is fetched is bounded in bytes and in time.

AssistantError
├─ UserInputError
│  └─ MediaTooLarge       the person can send something smaller
└─ DependencyError
   ├─ MediaRefused        an address or an answer that we do not touch
   ├─ MediaGone           Twilio does not have it, or no longer
   └─ MediaUnavailable    it could not be had now; `retryable` says if later
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import errno
import ipaddress
import re
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar
from weakref import WeakValueDictionary

import aiohttp
from yarl import URL

from bot.core.errors import DependencyError, UserInputError
from bot.core.texts import clean
from connectors.media_files import (
    NewFile,
    StoredMedia,
    clear_unfinished,
    off_loop,
    shown_name,
)
from connectors.media_types import HEAD_BYTES, may_be_document

MAX_REDIRECTS = 2

_TWILIO_HOST = re.compile(r"api(\.[a-z0-9-]+){0,2}\.twilio\.com")
_ACCOUNT_SID = re.compile(r"AC[0-9a-f]{32}")
_MESSAGE_SID = re.compile(r"(SM|MM)[0-9a-f]{32}")
_MEDIA_SID = re.compile(r"ME[0-9a-f]{32}")
_LOOPBACK_NAMES = frozenset({"127.0.0.1", "::1", "localhost"})
_HTTPS_PORT = 443
_PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
_IPV4_IN_IPV6 = ipaddress.IPv6Network("64:ff9b::/96")
"""Where a translator of protocols reaches IPv4 addresses, private ones too."""

_OK = 200
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ABSENT = frozenset({404, 410})
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
_CHUNK_BYTES = 256 * 1024
_LONGEST_WAIT_S = 30
_PAUSES_S: Mapping[str, Sequence[float]] = {
    "gone": (1, 3, 9),  # media is often absent in the seconds after the webhook
    "busy": (1, 3, 9),
    "fault": (1, 3),
    "empty": (1,),  # a voice note without bytes stays so
}
_PLAIN = {"Accept-Encoding": "identity"}

Result = TypeVar("Result")


class MediaRefused(DependencyError):
    """An address or an answer is not one that we touch.

    Attributes:
        reason: `address`, `redirect`, `private_address` or `encoding`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"media refused: {reason}", retryable=False)
        self.reason = reason


class MediaTooLarge(UserInputError):
    """An attachment has more bytes than we accept.

    Attributes:
        limit_bytes: the most that one of its kind may have.
    """

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"media above {limit_bytes} bytes", field="media")
        self.limit_bytes = limit_bytes


class MediaGone(DependencyError):
    """Twilio does not have the media, also not after the pauses."""

    def __init__(self) -> None:
        super().__init__("media gone", retryable=False)


class MediaUnavailable(DependencyError):
    """The media could not be had, or not be stored.

    Attributes:
        reason: `busy`, `deadline`, `disk`, `empty`, `fault`, or the HTTP status.
        retry_after_s: what Twilio asked to wait, if it did.
    """

    def __init__(
        self, reason: str, *, retryable: bool, retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"media unavailable: {reason}", retryable=retryable)
        self.reason = reason
        self.retry_after_s = retry_after_s


class _Again(Exception):
    """One attempt failed; another may not."""

    def __init__(self, kind: str, retry_after_s: float | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.retry_after_s = retry_after_s


class _PrivateAddress(OSError):
    """A connection would lead into a network that is not public."""


@dataclass(frozen=True)
class MediaLimits:
    """How large, how long and how many.

    Twilio states 16 MB for WhatsApp media; WhatsApp itself takes documents of
    100 MB (docs/whatsapp/guidance-whatsapp-media-messages at Twilio, supported
    media types of the WhatsApp Business Platform). Counted in MiB, so that
    nothing they let through is refused for the unit.
    """

    media_bytes: int = 16 * 1024 * 1024
    """Sound, pictures, films, plain text and what is not known."""
    document_bytes: int = 100 * 1024 * 1024
    """PDF and office documents."""
    deadline_s: float = 30.0
    """For everything that one fetch does: attempts, pauses, redirects."""
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 10.0
    """Between two reads of one answer."""
    max_parallel: int = 4


@dataclass(frozen=True)
class MediaCredentials:
    """What Twilio's API asks for: the account's token, or an API key."""

    secret: str = field(repr=False)
    """The auth token, or the secret of the API key."""
    api_key_sid: str = ""
    """`SK…`; empty means the account itself."""


class MediaIndex(Protocol):
    """Remembers what was stored for which message."""

    async def find(self, message_sid: str, media_sid: str) -> StoredMedia | None:
        """Returns what an earlier fetch stored."""

    async def keep(
        self, message_sid: str, media_sid: str, media: StoredMedia
    ) -> StoredMedia:
        """Returns the record that stands: an earlier one wins over `media`."""


class MediaFetcher:
    """Fetches and stores attachments; `start` opens it and `stop` closes it."""

    def __init__(  # noqa: PLR0913 - each is a port
        self,
        folder: Path,
        credentials: MediaCredentials,
        *,
        limits: MediaLimits | None = None,
        api_base_url: str = "https://api.twilio.com",
        loopback_origins: Sequence[str] = (),
        index: MediaIndex | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Prepares a fetcher.

        Args:
            folder: where attachments are kept, as `var/midia`.
            credentials: go to Twilio's API and nowhere else.
            limits: bytes and seconds.
            api_base_url: Twilio's API. A host of Twilio's stands for all of its
                regional ones; any other origin for itself alone, with plain
                http on loopback only.
            loopback_origins: origins on loopback, as `http://127.0.0.1:9200`,
                that a redirect may lead to; for tests.
            index: what was stored before; None fetches always.
            clock: seconds that only go up.
            sleep: waits between attempts.

        Raises:
            ValueError: plain http for an address that is not loopback.
        """
        self._folder = folder
        self._credentials = credentials
        self._limits = limits or MediaLimits()
        self._origin = _origin(api_base_url)
        self._local_origins = {_origin(each) for each in loopback_origins}
        if self._origin.scheme != "https":
            self._local_origins.add(self._origin)
        if any(each.host not in _LOOPBACK_NAMES for each in self._local_origins):
            raise ValueError("só em 127.0.0.1 um endereço pode ser http://")
        self._index = index
        self._clock = clock
        self._sleep = sleep
        self._slots = asyncio.Semaphore(self._limits.max_parallel)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._http: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Opens the HTTP client and clears what a crash left unfinished."""
        await asyncio.to_thread(clear_unfinished, self._folder)
        connector = aiohttp.TCPConnector(
            socket_factory=self._public_socket, force_close=True, use_dns_cache=False
        )
        self._http = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(
                total=None,
                sock_connect=self._limits.connect_timeout_s,
                sock_read=self._limits.read_timeout_s,
            ),
        )

    async def stop(self) -> None:
        """Closes the HTTP client."""
        if self._http is not None:
            await self._http.close()

    async def fetch(
        self, url: str, *, account_sid: str, message_sid: str
    ) -> StoredMedia:
        """Returns an attachment that is on disk, fetched unless it was before.

        Args:
            url: `MediaUrl{n}` of the message.
            account_sid: our account, as the signed webhook names it.
            message_sid: the message's own.

        Raises:
            MediaRefused: the address, a redirect or the encoding is not allowed.
            MediaTooLarge: it has more bytes than its kind may have.
            MediaGone: Twilio does not have it.
            MediaUnavailable: Twilio or the disk failed, or time is over.
        """
        media_sid = self._check(url, account_sid, message_sid)
        headers = {**_PLAIN, **self._authorization(account_sid)}
        lock = self._locks.setdefault(url, asyncio.Lock())
        async with lock, self._slots:
            if self._index is not None:
                found = await self._index.find(message_sid, media_sid)
                if found is not None:
                    return found
            media = await self._persist(lambda: self._download(url, headers))
            return await self._keep(message_sid, media_sid, media)

    async def delete_at_twilio(
        self, url: str, *, account_sid: str, message_sid: str
    ) -> None:
        """Deletes an attachment at Twilio; one that is not there is fine.

        Raises:
            MediaRefused: the address is not this message's.
            MediaUnavailable: Twilio failed, or time is over.
        """
        self._check(url, account_sid, message_sid)
        headers = self._authorization(account_sid)

        async def delete() -> None:
            async with self._request("DELETE", URL(f"{url}.json"), headers) as reply:
                if reply.status not in _ABSENT and not reply.ok:
                    raise _failure(reply)
                if reply.status in _REDIRECTS:
                    raise MediaRefused("redirect")

        await self._persist(delete)

    async def _keep(
        self, message_sid: str, media_sid: str, media: StoredMedia
    ) -> StoredMedia:
        if self._index is None:
            return media
        standing = None
        try:
            standing = await self._index.keep(message_sid, media_sid, media)
        finally:
            if standing is None or standing.id != media.id:
                media.path.unlink(missing_ok=True)
        return standing

    def _check(self, url: str, account_sid: str, message_sid: str) -> str:
        """Returns the media SID of an address that may get our credentials.

        The text itself is compared, not what a parser makes of it.
        """
        if not (
            _ACCOUNT_SID.fullmatch(account_sid) and _MESSAGE_SID.fullmatch(message_sid)
        ):
            raise MediaRefused("address")
        pattern = (
            f"{self._origin_pattern()}/2010-04-01/Accounts/{account_sid}"
            f"/Messages/{message_sid}/Media/({_MEDIA_SID.pattern})"
        )
        match = re.fullmatch(pattern, url)
        if match is None:
            raise MediaRefused("address")
        return match.groups()[-1]

    def _origin_pattern(self) -> str:
        is_twilio = _TWILIO_HOST.fullmatch(self._origin.host or "")
        if is_twilio and self._origin.port == _HTTPS_PORT:
            return f"https://{_TWILIO_HOST.pattern}"
        return re.escape(str(self._origin))

    def _authorization(self, account_sid: str) -> dict[str, str]:
        user = self._credentials.api_key_sid or account_sid
        pair = f"{user}:{self._credentials.secret}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

    async def _persist(self, attempt: Callable[[], Awaitable[Result]]) -> Result:
        """Repeats what fails for a while, within the deadline."""
        ends_at = self._clock() + self._limits.deadline_s
        failures = dict.fromkeys(_PAUSES_S, 0)
        while True:
            try:
                async with asyncio.timeout(ends_at - self._clock()):
                    return await attempt()
            except TimeoutError:
                raise MediaUnavailable("deadline", retryable=True) from None
            except _Again as failure:
                pauses = _PAUSES_S[failure.kind]
                count = failures[failure.kind]
                failures[failure.kind] += 1
                if count == len(pauses):
                    raise _final(failure) from None
                pause = failure.retry_after_s or pauses[count]
                is_too_long = pause > _LONGEST_WAIT_S
                if is_too_long or self._clock() + pause >= ends_at:
                    raise _final(failure) from None
            await self._sleep(pause)

    async def _download(self, url: str, headers: Mapping[str, str]) -> StoredMedia:
        address = URL(url, encoded=True)
        for _ in range(1 + MAX_REDIRECTS):
            async with self._request("GET", address, headers) as reply:
                if reply.status not in _REDIRECTS:
                    return await self._store(reply)
                address = self._next(reply)
                headers = _PLAIN
        raise MediaRefused("redirect")

    @contextlib.asynccontextmanager
    async def _request(
        self, method: str, address: URL, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Opens one answer; what the library and the disk raise becomes ours.

        Their texts name addresses, so that they are not chained.
        """
        assert self._http is not None  # noqa: S101 - start() opened it
        try:
            async with self._http.request(
                method, address, headers=headers, allow_redirects=False
            ) as reply:
                yield reply
        except aiohttp.InvalidURL:
            raise MediaRefused("redirect") from None
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, _PrivateAddress):
                raise MediaRefused("private_address") from None
            raise _Again("fault") from None
        except (aiohttp.ClientError, TimeoutError):
            raise _Again("fault") from None
        except OSError:
            raise MediaUnavailable("disk", retryable=True) from None

    def _next(self, reply: aiohttp.ClientResponse) -> URL:
        """Returns where a redirect leads, without what is not allowed there."""
        try:
            there = URL(reply.headers.get("Location", ""), encoded=True)
            there = reply.url.join(there).with_fragment(None)
            origin = there.origin()
            is_https = there.scheme == "https" and there.port == _HTTPS_PORT
        except ValueError:
            raise MediaRefused("redirect") from None
        is_local = origin in self._local_origins
        has_user = there.user is not None or there.password is not None
        if not reply.headers.get("Location") or has_user or not (is_https or is_local):
            raise MediaRefused("redirect")
        return there

    def _public_socket(self, info: tuple[Any, ...]) -> socket.socket:
        """Opens a socket unless the address itself, not its name, is private."""
        family, kind, protocol, _, address = info
        ports = {origin.port for origin in self._local_origins}
        host = str(address[0]).partition("%")[0]
        is_local = ipaddress.ip_address(host).is_loopback and address[1] in ports
        if not is_local and not is_public(host):
            raise _PrivateAddress(errno.EACCES, "not a public address")
        return socket.socket(family, kind, protocol)

    async def _store(self, reply: aiohttp.ClientResponse) -> StoredMedia:
        if reply.status != _OK:
            raise _failure(reply)
        encoding = reply.headers.get("Content-Encoding", "identity")
        if encoding.strip().lower() != "identity":
            raise MediaRefused("encoding")
        new = NewFile(self._folder)
        try:
            await self._copy(reply, new)
            name = _original_name(reply.headers.get("Content-Disposition", ""))
            return await off_loop(partial(new.settle, name))
        except BaseException:
            new.discard()
            raise

    async def _copy(self, reply: aiohttp.ClientResponse, new: NewFile) -> None:
        """Writes an answer's body into a file."""
        declared = reply.content_length or 0
        head = b""
        if declared > max(self._limits.media_bytes, self._limits.document_bytes):
            raise MediaTooLarge(self._limits.document_bytes)
        async for chunk in reply.content.iter_chunked(_CHUNK_BYTES):
            head = (head + chunk[:HEAD_BYTES])[:HEAD_BYTES]
            limit = self._limit(head)
            if max(new.size_bytes + len(chunk), declared) > limit:
                raise MediaTooLarge(limit)
            await off_loop(partial(new.write, chunk))
        if new.size_bytes == 0:
            raise _Again("empty")

    def _limit(self, head: bytes) -> int:
        if may_be_document(head):
            return self._limits.document_bytes
        return self._limits.media_bytes


def is_public(host: str) -> bool:
    """Says whether an IP address is one of the open internet.

    IPv4 addresses that are written inside IPv6 ones count as what they are.

    Raises:
        ValueError: it is no IP address.
    """
    address = ipaddress.ip_address(host)
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _IPV4_IN_IPV6:
            inner = ipaddress.IPv4Address(address.packed[-4:])
        if inner is not None:
            return is_public(str(inner))
        return address.is_global and address in _PUBLIC_IPV6
    return address.is_global and not address.is_multicast


def _origin(url: str) -> URL:
    return URL(url).origin()


def _failure(reply: aiohttp.ClientResponse) -> Exception:
    """Returns what an answer without content means."""
    if reply.status in _ABSENT:
        return _Again("gone")
    if reply.status == _TOO_MANY_REQUESTS:
        wait = reply.headers.get("Retry-After", "")
        return _Again("busy", float(wait) if re.fullmatch("[0-9]{1,6}", wait) else None)
    if reply.status >= _SERVER_ERROR:
        return _Again("fault")
    return MediaUnavailable(str(reply.status), retryable=False)


def _final(failure: _Again) -> Exception:
    if failure.kind == "gone":
        return MediaGone()
    return MediaUnavailable(
        failure.kind,
        retryable=failure.kind != "empty",
        retry_after_s=failure.retry_after_s,
    )


def _original_name(disposition: str) -> str:
    """Returns the file name of a Content-Disposition header, fit to be shown."""
    header = Message()
    header["Content-Disposition"] = clean(disposition).replace("\n", " ")
    try:
        name = header.get_filename("")
    except (LookupError, TypeError, ValueError):
        return ""
    return shown_name(name)

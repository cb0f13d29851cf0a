"""A stateful stand-in for Twilio: its Messages API, and its webhooks to us.

It accepts, stores and lists messages of one account, keeps the media of those that
came in, calls our webhook and our status callback, signed, and fails on demand:

    python -m tests.fakes.fake_twilio --port 9100

`POST /_fake/…` then steers it: `settings`, `faults` (`[{"kind": "too_many"}]`, one
call each), `odds` (`{"seed": 1, "send": {"hang": 0.1}}`), `inbound` (somebody
writes to us), `again` (we are told once more); `GET /_fake/record` tells what happened.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
from aiohttp import web

from tests.fakes.twilio_faults import Fault, FaultPlan
from tests.fakes.twilio_listing import page_of, rfc2822
from tests.fakes.twilio_webhooks import (
    Callbacks,
    Delivery,
    callback_form,
    deliver,
    webhook_form,
)

__all__ = [
    "ACCOUNT_SID",
    "AUTH_TOKEN",
    "Callbacks",
    "FakeTwilio",
    "Fault",
    "Media",
    "ReceivedMessage",
    "SentMessage",
    "serve",
]

ACCOUNT_SID = "AC" + "a" * 32
AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
FORGED_TOKEN = "f" * 32
_LONGEST_BODY = 1600
_SETTINGS = (
    "webhook_url",
    "rewrite",
    "listing_delay_s",
    "sending_s",
    "latency_s",
    "api_keys",
)
_OVERSIZE_BYTES = 100_000_000
_DRIP_S = 0.05
_ACCOUNT = "/2010-04-01/Accounts/{account}"
_MESSAGES = _ACCOUNT + "/Messages.json"
_MESSAGE = _ACCOUNT + "/Messages/{message}"
_MEDIA = _MESSAGE + "/Media/{media}"


@dataclass
class SentMessage:
    """A message that was accepted, as the list of messages shows it."""

    sid: str
    to: str
    from_: str
    body: str
    """The text; of a content template its variable 1."""
    status_callback: str
    content_sid: str = ""
    content_variables: dict[str, str] = field(default_factory=dict)
    messaging_service_sid: str = ""
    created_at: float = 0.0
    """UTC seconds, by the fake's clock."""
    sent_at: float = 0.0
    """UTC seconds; later than now while it waits."""
    accepted_at: float = 0.0
    """Monotonic seconds."""
    fault: str = ""
    """What the caller saw go wrong all the same."""
    status: str = "queued"
    error_code: int | None = None
    direction: str = "outbound-api"

    @property
    def token(self) -> str:
        """What `o=` of the callback's address says, or ""."""
        return _token(self.status_callback)


@dataclass
class Media:
    """A file that a message brought along."""

    content: bytes
    content_type: str
    declared_type: str = ""
    """What the webhook says it is; empty means `content_type`."""


@dataclass
class ReceivedMessage:
    """A message that somebody wrote to us."""

    sid: str
    to: str
    from_: str
    body: str
    media: dict[str, Media] = field(default_factory=dict)
    """By media SID."""
    more: dict[str, str] = field(default_factory=dict)
    """Further fields of its webhook."""
    created_at: float = 0.0
    sent_at: float = 0.0
    deliveries: list[Delivery] = field(default_factory=list)
    status: str = "received"
    error_code: int | None = None
    direction: str = "inbound"
    messaging_service_sid: str = ""


@dataclass
class FakeTwilio:
    """One account: what was sent, what was received, and who was told."""

    account_sid: str = ACCOUNT_SID
    auth_token: str = AUTH_TOKEN
    api_keys: dict[str, str] = field(default_factory=dict)
    """Secrets by SK…, taken beside the account's own token."""
    messages: list[SentMessage] = field(default_factory=list)
    """Accepted, in order."""
    received: list[ReceivedMessage] = field(default_factory=list)
    """Written to us, in order, whether we were told or not."""
    forged: list[Delivery] = field(default_factory=list)
    calls: list[dict[str, str]] = field(default_factory=list)
    """Forms of all authenticated sends, accepted or not."""
    faults_of_calls: list[str] = field(default_factory=list)
    """Beside `calls`: what the caller saw go wrong, or ""."""
    listings: list[dict[str, str]] = field(default_factory=list)
    """Queries of all authenticated look-ups of the list, answered or not."""
    typing: list[dict[str, str]] = field(default_factory=list)
    callback_outcomes: Counter[str] = field(default_factory=Counter)
    leaked_credentials: int = 0
    """Requests that brought credentials to another origin."""
    deleted_media: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """What `hold` waits for."""
    port: int = 0
    elsewhere_port: int = 0
    """Another origin, which a media `redirect` leads to."""
    webhook_url: str = ""
    """Public address of our webhook, which is signed."""
    rewrite: dict[str, str] = field(default_factory=dict)
    """Where public addresses really are, by prefix."""
    callbacks: Callbacks = field(default_factory=Callbacks)
    listing_delay_s: float = 0.0
    """How long a message is not listed yet."""
    sending_s: float = 0.0
    """How long a message waits to be sent; it has no `date_sent` so long, and is
    hidden by filters of it."""
    latency_s: float = 0.0
    """How long a send takes, half of it before the message is accepted."""
    clock: Callable[[], float] = time.time
    plan: FaultPlan = field(default_factory=FaultPlan)
    _missing: Counter[str] = field(default_factory=Counter)
    _missing_once: set[str] = field(default_factory=set)
    _leaving: asyncio.Event = field(default_factory=asyncio.Event)
    _http: aiohttp.ClientSession | None = None
    _telling: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Value for `TWILIO_API_BASE_URL`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def expected_headers(self) -> dict[str, str]:
        """What every call must bring along."""
        return {"Authorization": _basic(self.account_sid, self.auth_token)}

    @property
    def bodies(self) -> list[str]:
        """Texts of the accepted messages, in order."""
        return [message.body for message in self.messages]

    def fail_next(self, *faults: Fault) -> None:
        """Makes the next calls fail, one fault each, in order."""
        self.plan.add(*faults)

    def receive(  # noqa: PLR0913
        self,
        body: str,
        *,
        from_: str,
        to: str,
        media: tuple[Media, ...] = (),
        at: float | None = None,
        sid: str = "",
        more: Mapping[str, str] | None = None,
    ) -> ReceivedMessage:
        """Stores a message to us, which only the list tells of until `tell`.

        Args:
            body: the text.
            from_: who writes.
            to: our number.
            media: what comes along.
            at: UTC seconds; None for now.
            sid: None for a new one.
            more: further fields of the webhook.
        """
        prefix = "MM" if media else "SM"
        at = self.clock() if at is None else at
        message = ReceivedMessage(
            sid=sid or f"{prefix}{uuid.uuid4().hex}",
            to=to,
            from_=from_,
            body=body,
            media={f"ME{uuid.uuid4().hex}": each for each in media},
            more=dict(more or {}),
            created_at=at,
            sent_at=at,
        )
        self.received.append(message)
        return message

    async def tell(
        self, message: ReceivedMessage, *, times: int = 1, retries: int = 0
    ) -> list[Delivery]:
        """Calls our webhook about a message, `times` times at once."""
        form = self.webhook_form(message)
        made = await asyncio.gather(
            *(self._deliver(self.webhook_url, form, retries) for _ in range(times))
        )
        message.deliveries += made
        return list(made)

    async def forge(self, form: Mapping[str, str]) -> Delivery:
        """Calls our webhook with a signature that somebody made up."""
        made = await self._deliver(self.webhook_url, form, 0, token=FORGED_TOKEN)
        self.forged.append(made)
        return made

    def webhook_form(self, message: ReceivedMessage) -> dict[str, str]:
        """Returns the fields of a message's webhook."""
        path = _MESSAGE.format(account=self.account_sid, message=message.sid)
        return webhook_form(
            account_sid=self.account_sid,
            sid=message.sid,
            to=message.to,
            from_=message.from_,
            body=message.body,
            media={
                f"{self.url}{path}/Media/{sid}": each.declared_type or each.content_type
                for sid, each in message.media.items()
            },
            more=message.more,
        )

    async def settle(self) -> None:
        """Waits until every status callback under way has been made."""
        while self._telling:
            await asyncio.gather(*self._telling, return_exceptions=True)

    # -- Messages

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Answers `POST …/Messages.json`."""
        if not self._is_authenticated(request):
            return _problem(401, 20003, "Authenticate")
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.calls.append(form)
        fault = self.plan.draw("send")
        self.faults_of_calls.append("" if fault is None else fault.kind)
        if fault is not None and fault.kind == "hold":
            fault = await self.gate.wait() and None
        if fault is not None and not fault.is_accepting:
            return await self._fail(fault, request)
        refusal = _refusal(form)
        if refusal is not None:
            return refusal
        await asyncio.sleep(self.latency_s / 2)
        message = self._accept(form, fault)
        await asyncio.sleep(self.latency_s / 2)
        if fault is not None:
            return await self._fail(fault, request)
        return web.json_response(self._shown(message, is_new=True), status=201)

    def _accept(self, form: Mapping[str, str], fault: Fault | None) -> SentMessage:
        variables = json.loads(form.get("ContentVariables") or "{}")
        message = SentMessage(
            sid=f"SM{uuid.uuid4().hex}",
            to=form["To"],
            from_=form.get("From", ""),
            body=form.get("Body") or str(variables.get("1", "")),
            status_callback=form.get("StatusCallback", ""),
            content_sid=form.get("ContentSid", ""),
            content_variables=variables,
            messaging_service_sid=form.get("MessagingServiceSid", ""),
            created_at=self.clock(),
            sent_at=self.clock() + self.sending_s,
            accepted_at=time.monotonic(),
            fault="" if fault is None else fault.kind,
        )
        self.messages.append(message)
        self._begin(self._progress(message))
        return message

    async def list(self, request: web.Request) -> web.StreamResponse:
        """Answers `GET …/Messages.json`, newest first."""
        if not self._is_authenticated(request):
            return _problem(401, 20003, "Authenticate")
        self.listings.append(dict(request.query))
        fault = self.plan.draw("list")
        if fault is not None and fault.kind == "hold":
            fault = await self.gate.wait() and None
        if fault is not None:
            return await self._fail(fault, request)
        try:
            page = page_of(self._newest_first(), request.query, now=self.clock())
        except ValueError:
            return _problem(400, 20001, "Unknown filter")
        path = _MESSAGES.format(account=self.account_sid)
        following = f"{path}?{page.next_query}" if page.next_query else None
        return web.json_response(
            {
                "messages": [self._shown(each) for each in page.messages],
                "page": page.number,
                "page_size": page.size,
                "uri": str(request.rel_url),
                "next_page_uri": following,
            }
        )

    def _newest_first(self) -> list[SentMessage | ReceivedMessage]:
        latest = self.clock() - self.listing_delay_s
        known: list[SentMessage | ReceivedMessage] = [*self.messages, *self.received]
        visible = [each for each in reversed(known) if each.created_at <= latest]
        return sorted(visible, key=lambda each: -each.created_at)

    def _shown(
        self, message: SentMessage | ReceivedMessage, *, is_new: bool = False
    ) -> dict[str, Any]:
        at = rfc2822(message.created_at)
        path = _MESSAGE.format(account=self.account_sid, message=message.sid)
        is_received = isinstance(message, ReceivedMessage)
        is_waiting = is_new or message.sent_at > self.clock()
        return {
            "sid": message.sid,
            "account_sid": self.account_sid,
            "messaging_service_sid": message.messaging_service_sid or None,
            "to": message.to,
            "from": message.from_,
            "body": message.body,
            "status": message.status,
            "direction": message.direction,
            "num_media": str(len(message.media)) if is_received else "0",
            "num_segments": "1",
            "error_code": message.error_code,
            "error_message": None,
            "api_version": "2010-04-01",
            "date_created": at,
            "date_updated": at,
            "date_sent": None if is_waiting else rfc2822(message.sent_at),
            "uri": f"{path}.json",
            "subresource_uris": {"media": f"{path}/Media.json"},
        }

    async def type(self, request: web.Request) -> web.Response:
        """Answers `POST /v2/Indicators/Typing.json`."""
        if not self._is_authenticated(request):
            return _problem(401, 20003, "Authenticate")
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.typing.append(form)
        if form.get("channel") != "whatsapp" or not form.get("messageId"):
            return _problem(400, 20001, "messageId and channel are required")
        return web.json_response({"success": True})

    # -- Media

    async def list_media(self, request: web.Request) -> web.Response:
        """Answers `GET …/Messages/{sid}/Media.json`."""
        if not self._is_authenticated(request):
            return _problem(401, 20003, "Authenticate")
        message_sid = request.match_info["message"]
        found = [each for each in self.received if each.sid == message_sid]
        path = _MESSAGE.format(account=self.account_sid, message=message_sid)
        shown = [
            {
                "sid": sid,
                "account_sid": self.account_sid,
                "parent_sid": message_sid,
                "content_type": media.declared_type or media.content_type,
                "date_created": rfc2822(message.created_at),
                "uri": f"{path}/Media/{sid}.json",
            }
            for message in found
            for sid, media in message.media.items()
        ]
        return web.json_response({"media_list": shown, "next_page_uri": None})

    async def show_media(self, request: web.Request) -> web.StreamResponse:
        """Answers `GET …/Media/{sid}` with the file."""
        if not self._is_authenticated(request):
            return _problem(401, 20003, "Authenticate")
        sid = request.match_info["media"]
        media = self._media(request)
        fault = None if self._missing[sid] else self.plan.draw("media")
        if fault is not None and fault.kind == "missing":
            # what has turned up once stays, however often chance says otherwise
            self._missing[sid] += 0 if sid in self._missing_once else fault.times
            self._missing_once.add(sid)
            fault = None
        if media is None or self._missing[sid]:
            self._missing[sid] -= media is not None
            return _problem(404, 20404, "The requested resource was not found")
        if fault is None:
            return web.Response(body=media.content, content_type=media.content_type)
        return await self._fail_media(fault, request, media)

    async def show_elsewhere(self, request: web.Request) -> web.StreamResponse:
        """Answers `GET /arquivos/{sid}`, on the origin that redirects lead to."""
        self.leaked_credentials += "Authorization" in request.headers
        media = self._media(request)
        if media is None:
            return web.Response(status=404)
        return web.Response(body=media.content, content_type=media.content_type)

    async def delete_media(self, request: web.Request) -> web.Response:
        """Answers `DELETE …/Media/{sid}`, with or without `.json`."""
        if not self._is_authenticated(request):
            return _problem(401, 20003, "Authenticate")
        if self._media(request) is None:
            return _problem(404, 20404, "The requested resource was not found")
        sid = request.match_info["media"].removesuffix(".json")
        for message in self.received:
            message.media.pop(sid, None)
        self.deleted_media.append(sid)
        return web.Response(status=204)

    def _media(self, request: web.Request) -> Media | None:
        sid = request.match_info["media"].removesuffix(".json")
        message_sid = request.match_info.get("message")
        for message in self.received:
            if message_sid in {None, message.sid} and sid in message.media:
                return message.media[sid]
        return None

    async def _fail_media(
        self, fault: Fault, request: web.Request, media: Media
    ) -> web.StreamResponse:
        if fault.kind == "redirect":
            origin = f"http://127.0.0.1:{self.elsewhere_port}"
            place = f"{origin}/arquivos/{request.match_info['media']}"
            return web.Response(status=307, headers={"Location": place})
        if fault.kind == "lying":
            return web.Response(body=media.content, content_type="application/pdf")
        if fault.kind not in {"oversize", "slow"}:
            return await self._fail(fault, request)
        body = web.StreamResponse(headers={"Content-Type": media.content_type})
        body.content_length = _OVERSIZE_BYTES
        await body.prepare(request)
        with contextlib.suppress(ConnectionError):
            while not self._leaving.is_set():
                await body.write(b"\0" * (1 if fault.kind == "slow" else 65_536))
                await asyncio.sleep(_DRIP_S if fault.kind == "slow" else 0)
        return body

    # -- What tests ask for

    async def set_faults(self, request: web.Request) -> web.Response:
        """Answers `POST /_fake/faults`."""
        self.plan.add(*(Fault(**fault) for fault in await request.json()))
        return web.json_response(self.plan.shown())

    async def set_odds(self, request: web.Request) -> web.Response:
        """Answers `POST /_fake/odds`."""
        asked = await request.json()
        seed = int(asked.pop("seed", 0))
        self.plan.set_odds(asked, seed=seed)
        return web.json_response(self.plan.odds)

    async def set_settings(self, request: web.Request) -> web.Response:
        """Answers `POST /_fake/settings`: `webhook_url`, `rewrite`, `callbacks`, ..."""
        asked = await request.json()
        for name in _SETTINGS:
            if name in asked:
                setattr(self, name, asked[name])
        if "callbacks" in asked:
            given = asked["callbacks"]
            statuses = tuple(given.pop("statuses", ()))
            self.callbacks = Callbacks(statuses=statuses, **given)
        return web.json_response({"url": self.url})

    async def write_to_us(self, request: web.Request) -> web.Response:
        """Answers `POST /_fake/inbound`: somebody writes, and our webhook is called.

        `{"from", "to", "body", "media": [{"type", "bytes", "declared_type"}],
        "more": {}, "times": 1, "retries": 0, "forged": false, "dropped": false}`.
        A forged message is none of Twilio's: only its webhook exists.
        """
        asked = await request.json()
        message = self.receive(
            asked.get("body", ""),
            from_=asked["from"],
            to=asked["to"],
            media=tuple(
                Media(
                    base64.b64decode(each["bytes"]),
                    each["type"],
                    each.get("declared_type", ""),
                )
                for each in asked.get("media", ())
            ),
            sid=asked.get("sid", ""),
            more=asked.get("more"),
        )
        made: list[Delivery] = []
        if asked.get("forged"):
            self.received.remove(message)
            made = [await self.forge(self.webhook_form(message))]
        elif not asked.get("dropped"):
            times, retries = asked.get("times", 1), asked.get("retries", 0)
            made = await self.tell(message, times=times, retries=retries)
        return web.json_response(
            {"sid": message.sid, "outcomes": [each.outcomes for each in made]}
        )

    async def write_again(self, request: web.Request) -> web.Response:
        """Answers `POST /_fake/again`: calls our webhook once more about `sid`."""
        asked = await request.json()
        (message,) = (each for each in self.received if each.sid == asked["sid"])
        made = await self.tell(message, times=asked.get("times", 1))
        return web.json_response({"outcomes": [each.outcomes for each in made]})

    async def show_record(self, _request: web.Request) -> web.Response:
        """Answers `GET /_fake/record`: what was sent, received and told."""
        return web.json_response(
            {
                "sent": [
                    {
                        "sid": each.sid,
                        "to": each.to,
                        "from": each.from_,
                        "body": each.body,
                        "token": each.token,
                        "accepted_at": each.accepted_at,
                        "fault": each.fault,
                        "status": each.status,
                    }
                    for each in self.messages
                ],
                "received": [
                    {
                        "sid": each.sid,
                        "from": each.from_,
                        "to": each.to,
                        "body": each.body,
                        "num_media": len(each.media),
                        "outcomes": [made.outcomes for made in each.deliveries],
                    }
                    for each in self.received
                ],
                "calls": [
                    {"token": _token(form.get("StatusCallback", "")), "fault": fault}
                    for form, fault in zip(
                        self.calls, self.faults_of_calls, strict=True
                    )
                ],
                "forged": [each.outcomes for each in self.forged],
                "callbacks": dict(self.callback_outcomes),
                "faults": dict(self.plan.made),
                "listings": len(self.listings),
                "typing": self.typing,
                "leaked_credentials": self.leaked_credentials,
            }
        )

    # -- How it works

    @contextlib.asynccontextmanager
    async def calling(self) -> AsyncIterator[None]:
        """Keeps the client of webhooks and callbacks open."""
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True)
        ) as http:
            self._http = http
            try:
                yield
            finally:
                for task in self._telling:
                    task.cancel()
                await asyncio.gather(*self._telling, return_exceptions=True)

    async def leave(self, _app: web.Application) -> None:
        """Lets go of the calls that hang."""
        self._leaving.set()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _progress(self, message: SentMessage) -> None:
        """Takes a message through its statuses, and tells of each."""
        for status in self.callbacks.fate():
            await asyncio.sleep(self.callbacks.pause())
            message.status = status
            if status == "undelivered":
                message.error_code = self.callbacks.error_code
            for late_s in self.callbacks.copies():
                self._begin(self._call_back(message, status, late_s))

    async def _call_back(
        self, message: SentMessage, status: str, late_s: float
    ) -> None:
        if not message.status_callback:
            return
        form = callback_form(
            account_sid=self.account_sid,
            sid=message.sid,
            to=message.to,
            from_=message.from_,
            status=status,
            code=message.error_code,
        )
        await asyncio.sleep(late_s)
        made = await self._deliver(
            message.status_callback, form, self.callbacks.retries
        )
        self.callback_outcomes[made.outcomes[-1]] += 1

    async def _deliver(
        self, url: str, form: Mapping[str, str], retries: int, token: str = ""
    ) -> Delivery:
        assert self._http is not None
        return await deliver(
            self._http,
            url,
            form,
            token=token or self.auth_token,
            rewrite=self.rewrite,
            retries=retries,
        )

    async def _fail(self, fault: Fault, request: web.Request) -> web.StreamResponse:
        kind = fault.kind.removesuffix("_after")
        if kind == "hang":
            await self._leaving.wait()
        if kind == "too_many":
            wait_s = fault.retry_after_s
            headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
            return _problem(429, 20429, "Too Many Requests", headers)
        if kind in {"error", "error_before"}:
            status = 503 if fault.is_accepting else 500
            return web.Response(status=status, text="<html>Service error</html>")
        if kind == "garbage":
            return web.json_response(None, status=201)
        if kind == "refuse":
            return _problem(400, fault.code, "Refused")
        if request.transport is not None:  # else the caller hung up first
            request.transport.abort()
        return web.Response(status=500)

    def _is_authenticated(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization")
        pairs = {self.account_sid: self.auth_token, **self.api_keys}
        is_ours = request.match_info.get("account", self.account_sid)
        return is_ours == self.account_sid and given in {
            _basic(user, secret) for user, secret in pairs.items()
        }


def _token(status_callback: str) -> str:
    return parse_qs(urlsplit(status_callback).query).get("o", [""])[0]


def _basic(user: str, secret: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{secret}'.encode()).decode()}"


def _refusal(form: Mapping[str, str]) -> web.Response | None:
    """Returns what Twilio says to a message that it cannot send."""
    if not form.get("To"):
        return _problem(400, 21604, "A 'To' is required.")
    if not (form.get("From") or form.get("MessagingServiceSid")):
        return _problem(400, 21603, "A 'From' is required.")
    if not (form.get("Body") or form.get("ContentSid")):
        return _problem(400, 21602, "A 'Body' is required.")
    if len(form.get("Body", "")) > _LONGEST_BODY:
        return _problem(400, 21617, "The concatenated message body is too long")
    try:
        is_readable = isinstance(json.loads(form.get("ContentVariables") or "{}"), dict)
    except ValueError:
        is_readable = False
    if not is_readable:
        return _problem(400, 21656, "The Content Variables parameter is invalid")
    return None


def _problem(
    status: int, code: int, message: str, headers: dict[str, str] | None = None
) -> web.Response:
    body = {"code": code, "message": message, "status": status}
    return web.json_response(body, status=status, headers=headers)


def _build_app(twilio: FakeTwilio) -> web.Application:
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post(_MESSAGES, twilio.create)
    app.router.add_get(_MESSAGES, twilio.list)
    app.router.add_get(f"{_MESSAGE}/Media.json", twilio.list_media)
    app.router.add_get(_MEDIA, twilio.show_media)
    app.router.add_delete(_MEDIA, twilio.delete_media)
    app.router.add_get("/arquivos/{media}", twilio.show_elsewhere)
    app.router.add_post("/v2/Indicators/Typing.json", twilio.type)
    app.router.add_post("/_fake/faults", twilio.set_faults)
    app.router.add_post("/_fake/odds", twilio.set_odds)
    app.router.add_post("/_fake/settings", twilio.set_settings)
    app.router.add_post("/_fake/inbound", twilio.write_to_us)
    app.router.add_post("/_fake/again", twilio.write_again)
    app.router.add_get("/_fake/record", twilio.show_record)
    app.on_shutdown.append(twilio.leave)
    return app


@contextlib.asynccontextmanager
async def serve(twilio: FakeTwilio, *, port: int = 0) -> AsyncIterator[FakeTwilio]:
    """Runs a fake Twilio on loopback, on a free port unless one is given."""
    app = _build_app(twilio)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    twilio.port, twilio.elsewhere_port = (address[1] for address in runner.addresses)
    try:
        async with twilio.calling():
            yield twilio
    finally:
        await runner.cleanup()


async def _run(port: int, account_sid: str, auth_token: str) -> None:
    async with serve(FakeTwilio(account_sid, auth_token), port=port) as twilio:
        print(json.dumps({"url": twilio.url}), flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Runs the fake until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--account-sid", default=ACCOUNT_SID)
    parser.add_argument("--auth-token", default=AUTH_TOKEN)
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(given.port, given.account_sid, given.auth_token))


if __name__ == "__main__":
    main()

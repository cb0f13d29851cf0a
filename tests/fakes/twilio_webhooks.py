"""How the fake Twilio calls us: signed webhooks, and status callbacks.

The signature is computed from Twilio's documentation, not by our code.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import random
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp

BUDGET_S = 15.0
"""All attempts at one webhook together (docs: webhooks-connection-overrides)."""
_EVENTS = {"delivered": "DELIVERED", "read": "READ", "undelivered": "UNDELIVERED"}


@dataclass(frozen=True)
class Delivery:
    """One webhook, with what came of each attempt at it."""

    outcomes: tuple[str, ...]
    """HTTP status of each attempt, or the kind of error."""
    started_at: float
    """Monotonic seconds."""

    @property
    def is_accepted(self) -> bool:
        """Whether the last attempt got a 2xx."""
        return self.outcomes[-1].startswith("2")


@dataclass
class Callbacks:
    """How the status of an accepted message is told to its `StatusCallback`."""

    statuses: tuple[str, ...] = ()
    """What becomes of each message, as `("sent", "delivered", "read")`; empty means
    that it stays `queued` and nobody is told."""
    pause_s: float = 0.0
    """The longest pause before each status, seconds."""
    late: float = 0.0
    """Probability that one comes `late_s` later, and so out of order."""
    late_s: float = 1.0
    doubled: float = 0.0
    """Probability that one comes twice at once."""
    lost: float = 0.0
    """Probability that one never comes."""
    failed: float = 0.0
    """Probability that a message ends `undelivered`, with `error_code`."""
    error_code: int = 63024
    retries: int = 1
    seed: int = 0
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def fate(self) -> tuple[str, ...]:
        """Draws what becomes of a message."""
        if self.statuses and self._happens(self.failed):
            return (*self.statuses[:1], "undelivered")
        return self.statuses

    def pause(self) -> float:
        """Draws the pause before a status, seconds."""
        return self._chance.uniform(0, self.pause_s)

    def copies(self) -> tuple[float, ...]:
        """Draws how late each copy of a callback leaves, seconds; empty if lost."""
        if self._happens(self.lost):
            return ()
        first = self.late_s if self._happens(self.late) else 0.0
        return (first, first) if self._happens(self.doubled) else (first,)

    def _happens(self, probability: float) -> bool:
        return self._chance.random() < probability


def sign(url: str, form: Mapping[str, str], token: str) -> str:
    """Returns Twilio's signature of a form for an address."""
    text = url + "".join(name + form[name] for name in sorted(form))
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


async def deliver(
    http: aiohttp.ClientSession,
    public_url: str,
    form: Mapping[str, str],
    *,
    token: str,
    rewrite: Mapping[str, str],
    retries: int,
) -> Delivery:
    """Posts a signed form; without a 2xx again, within Twilio's 15 seconds.

    Args:
        http: the client.
        public_url: what is signed.
        form: the fields.
        token: what signs.
        rewrite: where public addresses really are, by prefix.
        retries: how often a call without a 2xx is repeated.
    """
    started = time.monotonic()
    headers = {
        "X-Twilio-Signature": sign(public_url, form, token),
        "I-Twilio-Idempotency-Token": uuid.uuid4().hex,
    }
    url = _really_at(public_url, rewrite)
    outcomes: list[str] = []
    while len(outcomes) <= retries:
        left_s = BUDGET_S - (time.monotonic() - started)
        if outcomes and left_s <= 0:
            break
        outcomes.append(await _post(http, url, form, headers, left_s))
        if outcomes[-1].startswith("2"):
            break
    return Delivery(tuple(outcomes), started)


async def _post(
    http: aiohttp.ClientSession,
    url: str,
    form: Mapping[str, str],
    headers: Mapping[str, str],
    left_s: float,
) -> str:
    timeout = aiohttp.ClientTimeout(total=max(left_s, 0.001))
    try:
        async with http.post(
            url, data=form, headers=headers, timeout=timeout, allow_redirects=False
        ) as reply:
            await reply.read()
            return str(reply.status)
    except (aiohttp.ClientError, asyncio.TimeoutError) as error:
        return type(error).__name__


def _really_at(url: str, rewrite: Mapping[str, str]) -> str:
    for public, local in rewrite.items():
        if url.startswith(public):
            return local + url[len(public) :]
    return url


def webhook_form(  # noqa: PLR0913
    *,
    account_sid: str,
    sid: str,
    to: str,
    from_: str,
    body: str,
    media: Mapping[str, str],
    more: Mapping[str, str],
) -> dict[str, str]:
    """Returns the fields of an incoming message (the captures' own).

    Args:
        account_sid: whose message it is.
        sid: of the message.
        to: our number.
        from_: who wrote.
        body: may be blank, and is there all the same.
        media: declared type by address.
        more: further fields, as `ProfileName`, or others in place of the usual.
    """
    form = {
        "SmsMessageSid": sid, "NumMedia": str(len(media)), "ProfileName": "Pessoa",
        "SmsSid": sid, "SmsStatus": "received", "Body": body, "To": to,
        "NumSegments": "1", "ReferralNumMedia": "0", "MessageSid": sid,
        "AccountSid": account_sid, "From": from_, "ApiVersion": "2010-04-01",
    }  # fmt: skip
    number = from_.removeprefix("whatsapp:+")
    if number.isdigit():
        form["WaId"] = number
    for place, (url, declared_type) in enumerate(media.items()):
        form[f"MediaUrl{place}"] = url
        form[f"MediaContentType{place}"] = declared_type
    if not media:
        form["MessageType"] = "text"
    return {**form, **more}


def callback_form(
    *, account_sid: str, sid: str, to: str, from_: str, status: str, code: int | None
) -> dict[str, str]:
    """Returns the fields of a status callback (the captures' own)."""
    form = {
        "MessageSid": sid, "SmsSid": sid, "MessageStatus": status, "SmsStatus": status,
        "To": to, "From": from_, "AccountSid": account_sid, "ApiVersion": "2010-04-01",
        "ChannelPrefix": "whatsapp", "ChannelInstallSid": "XE" + "1" * 32,
        "ChannelToAddress": to[:-4] + "XXXX", "StructuredMessage": "false",
    }  # fmt: skip
    if status in _EVENTS:
        form["EventType"] = _EVENTS[status]
    if code is not None:
        form["ErrorCode"] = str(code)
        form["ErrorMessage"] = "Message not delivered"
    return form

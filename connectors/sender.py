"""Sends outbox rows through Twilio's Messages API, each at most once.

A send whose outcome is not known (time-out, 5xx, a crash) is marked `unknown`
and never repeated blindly: Twilio's Messages API has no idempotency key.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import random
import time
from collections.abc import Callable

import aiohttp
import structlog
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from bot.store import outbox
from bot.store.outbox import ClaimedAnswer
from connectors.services import ChannelServices

_WORKERS = 8
_IDLE_S = 1.0
_MARGIN_S = 1
_TOO_MANY_REQUESTS = 429
_LONGEST_RETRY_S = 300
log = structlog.get_logger()

Settle = Callable[[Connection], None]


class TwilioSender:
    """Takes answers from the outbox while it runs."""

    def __init__(
        self, services: ChannelServices, *, clock: Callable[[], float] = time.time
    ) -> None:
        """Prepares a sender; `start` begins.

        Args:
            services: settings, database and wake-ups.
            clock: UTC seconds.
        """
        self._services = services
        self._clock = clock
        self._timeout_s = services.settings.twilio_timeout_s
        self._http: aiohttp.ClientSession | None = None
        self._sending: list[asyncio.Task[None]] = []
        self._stranding: asyncio.Task[None] | None = None
        self._is_stopping = False

    async def start(self) -> None:
        """Opens the HTTP client and begins to send."""
        timeout = aiohttp.ClientTimeout(
            total=self._timeout_s, connect=self._timeout_s / 2
        )
        self._http = aiohttp.ClientSession(timeout=timeout)
        if not self._services.settings.twilio_auth_tokens:
            return  # nothing can be accepted, so there is nothing to send
        self._stranding = asyncio.create_task(self._strand())
        self._sending = [asyncio.create_task(self._run()) for _ in range(_WORKERS)]

    async def stop(self) -> None:
        """Ends the loops, each after the send under way, and closes the client."""
        self._is_stopping = True
        self._services.wake.here()
        tasks = set(self._sending)
        if tasks:
            _, tasks = await asyncio.wait(tasks, timeout=self._timeout_s + _MARGIN_S)
        if self._stranding is not None:
            tasks.add(self._stranding)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.close()

    async def _strand(self) -> None:
        """Marks what a process that died was sending, once that must have ended.

        A row that stays `sending` would hold back its conversation's later answers.
        """
        while True:
            with contextlib.suppress(SQLAlchemyError):
                await self._services.write(self._strand_once)
            await asyncio.sleep(self._timeout_s)

    def _strand_once(self, connection: Connection) -> None:
        longest_ago = self._clock() - self._timeout_s - _MARGIN_S
        stranded = outbox.strand_unfinished(connection, started_before=longest_ago)
        if stranded:
            log.warning("sends_stranded", count=stranded)

    async def _run(self) -> None:
        while not self._is_stopping:
            ticket = self._services.wake.ticket()
            try:
                answer = await self._services.write(
                    lambda connection: outbox.claim(connection, now=self._clock())
                )
            except SQLAlchemyError as error:
                log.error("outbox_claim_failed", kind=type(error).__name__)
                await asyncio.sleep(_IDLE_S)
                continue
            if answer is None:
                await self._services.wake.wait(ticket, _IDLE_S)
                continue
            settle = await self._send(answer)
            await self._write(settle)

    async def _send(self, answer: ClaimedAnswer) -> Settle:
        settings = self._services.settings
        account = settings.twilio_account_sid or answer.account_sid
        form = {
            "From": answer.from_address,
            "To": answer.to_address,
            "Body": answer.body,
            "StatusCallback": f"{settings.public_base_url}/twilio/status"
            f"?o={answer.token}",
        }
        url = (
            f"{settings.twilio_api_base_url}/2010-04-01/Accounts/{account}"
            "/Messages.json"
        )
        pair = f"{account}:{settings.twilio_auth_token}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        assert self._http is not None  # noqa: S101 - start() opened it
        try:
            async with self._http.post(
                url, data=form, headers=headers, allow_redirects=False
            ) as reply:
                return await _read(reply, answer, now=self._clock())
        except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError):
            return _again(answer, None, now=self._clock())  # no connection was made
        except (
            aiohttp.ClientError,
            asyncio.TimeoutError,
            LookupError,
            TypeError,
            ValueError,
        ) as error:
            log.warning("send_unknown", outbox_id=answer.id, kind=type(error).__name__)
            return _ended(answer, "unknown", type(error).__name__)

    async def _write(self, settle: Settle) -> None:
        while True:
            try:
                await self._services.write(settle)
            except SQLAlchemyError as error:
                log.error("outbox_write_failed", kind=type(error).__name__)
                await asyncio.sleep(_IDLE_S)
            else:
                self._services.wake.here()
                return


async def _read(
    reply: aiohttp.ClientResponse, answer: ClaimedAnswer, *, now: float
) -> Settle:
    if reply.status in {200, 201}:
        body = await reply.json(content_type=None)
        sid = str(body["sid"])
        return lambda c: outbox.mark_sent(c, answer.id, provider_sid=sid)
    if reply.status == _TOO_MANY_REQUESTS:
        return _again(answer, reply.headers.get("Retry-After"), now=now)
    if reply.status >= 500:  # noqa: PLR2004 - it may have been accepted
        log.warning("send_unknown", outbox_id=answer.id, status=reply.status)
        return _ended(answer, "unknown", str(reply.status))
    with contextlib.suppress(ValueError, aiohttp.ClientError):
        body = await reply.json(content_type=None)
        if isinstance(body, dict) and body.get("code"):
            log.warning("send_refused", outbox_id=answer.id, code=body["code"])
            return _ended(answer, "failed", str(body["code"]))
    log.warning("send_refused", outbox_id=answer.id, status=reply.status)
    return _ended(answer, "failed", str(reply.status))


def _again(answer: ClaimedAnswer, retry_after: str | None, *, now: float) -> Settle:
    pause = min(_LONGEST_RETRY_S, 2.0 ** min(answer.attempt, 9))
    if retry_after and retry_after.isdigit():
        pause = min(_LONGEST_RETRY_S, int(retry_after))
    at = now + pause + random.random()  # noqa: S311 - jitter
    return lambda c: outbox.mark_again(c, answer.id, at=at)


def _ended(answer: ClaimedAnswer, status: str, code: str) -> Settle:
    return lambda c: outbox.mark_ended(c, answer.id, status=status, error_code=code)

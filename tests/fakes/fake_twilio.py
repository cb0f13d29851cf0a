"""A stateful stand-in for Twilio's Messages API, with failures on demand.

`python -m tests.fakes.fake_twilio --port 9100` runs it alone; the failures are
then asked for over HTTP: `POST /_fake/faults` with `[{"kind": "too_many"}]`.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import uuid
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from typing import Any

from aiohttp import web

ACCOUNT_SID = "AC" + "a" * 32
AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
_LONGEST_BODY = 1600
_MESSAGES = "/2010-04-01/Accounts/{account}/Messages.json"


@dataclass(frozen=True)
class Fault:
    """What happens to the next message that somebody sends."""

    kind: str
    """`too_many` (429), `error_before` or `error_after` (500, without or with the
    message accepted), `hang`, `hang_after`, `reset`, `garbage` (201 without a sid),
    `refuse` (400 with `code`), or `hold` (goes on once `gate` opens)."""
    retry_after_s: int | None = None
    """Header of a `too_many`."""
    code: int = 63016


@dataclass(frozen=True)
class SentMessage:
    """A message that was accepted, as the list of messages shows it."""

    sid: str
    to: str
    from_: str
    body: str
    status_callback: str


@dataclass
class FakeTwilio:
    """Accepts, stores and lists messages of one account."""

    account_sid: str = ACCOUNT_SID
    auth_token: str = AUTH_TOKEN
    messages: list[SentMessage] = field(default_factory=list)
    """Accepted, in order."""
    calls: list[dict[str, str]] = field(default_factory=list)
    """Forms of all authenticated calls, accepted or not."""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """What `hold` waits for."""
    port: int = 0
    _faults: deque[Fault] = field(default_factory=deque)
    _leaving: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Value for `TWILIO_API_BASE_URL`."""
        return f"http://127.0.0.1:{self.port}"

    def fail_next(self, *faults: Fault) -> None:
        """Makes the next calls fail, one fault each, in order."""
        self._faults.extend(faults)

    @property
    def expected_headers(self) -> dict[str, str]:
        """What every call must bring along."""
        pair = f"{self.account_sid}:{self.auth_token}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

    @property
    def bodies(self) -> list[str]:
        """Texts of the accepted messages, in order."""
        return [message.body for message in self.messages]

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Answers `POST …/Messages.json`."""
        if not self._is_authenticated(request):
            return _problem(401, 20003, "Authenticate")
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.calls.append(form)
        fault = self._faults.popleft() if self._faults else None
        if fault is not None and fault.kind == "hold":
            fault = await self.gate.wait() and None
        if fault is not None and fault.kind not in {"error_after", "hang_after"}:
            return await self._fail(fault, request)
        for name, code in (("To", 21604), ("From", 21603), ("Body", 21602)):
            if not form.get(name):
                return _problem(400, code, f"A '{name}' is required.")
        if len(form["Body"]) > _LONGEST_BODY:
            return _problem(400, 21617, "The concatenated message body is too long")
        message = SentMessage(
            sid=f"SM{uuid.uuid4().hex}",
            to=form["To"],
            from_=form["From"],
            body=form["Body"],
            status_callback=form.get("StatusCallback", ""),
        )
        self.messages.append(message)
        if fault is not None:
            return await self._fail(fault, request)
        return web.json_response(self._shown(message), status=201)

    async def list(self, request: web.Request) -> web.Response:
        """Answers `GET …/Messages.json`, newest first, by `To` and `From`."""
        if not self._is_authenticated(request):
            return _problem(401, 20003, "Authenticate")
        to, from_ = request.query.get("To"), request.query.get("From")
        shown = [
            self._shown(message)
            for message in reversed(self.messages)
            if to in {None, message.to} and from_ in {None, message.from_}
        ]
        size = int(request.query.get("PageSize", "50"))
        page = {"messages": shown[:size], "page": 0, "page_size": size}
        return web.json_response({**page, "next_page_uri": None})

    async def plan(self, request: web.Request) -> web.Response:
        """Answers `POST /_fake/faults`."""
        self.fail_next(*(Fault(**fault) for fault in await request.json()))
        return web.json_response([asdict(fault) for fault in self._faults])

    async def leave(self, _app: web.Application) -> None:
        """Lets go of the calls that hang."""
        self._leaving.set()

    async def _fail(self, fault: Fault, request: web.Request) -> web.StreamResponse:
        if fault.kind in {"hang", "hang_after"}:
            await self._leaving.wait()
        if fault.kind == "too_many":
            wait_s = fault.retry_after_s
            headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
            return _problem(429, 20429, "Too Many Requests", headers)
        if fault.kind in {"error_before", "error_after"}:
            return web.Response(status=500, text="<html>Internal Server Error</html>")
        if fault.kind == "garbage":
            return web.json_response(None, status=201)
        if fault.kind == "refuse":
            return _problem(400, fault.code, "Refused")
        assert request.transport is not None
        request.transport.abort()
        return web.Response(status=500)

    def _is_authenticated(self, request: web.Request) -> bool:
        is_ours = request.match_info["account"] == self.account_sid
        given = request.headers.get("Authorization")
        return is_ours and given == self.expected_headers["Authorization"]

    def _shown(self, message: SentMessage) -> dict[str, Any]:
        return {
            "sid": message.sid,
            "account_sid": self.account_sid,
            "to": message.to,
            "from": message.from_,
            "body": message.body,
            "status": "queued",
            "direction": "outbound-api",
            "error_code": None,
        }


def _problem(
    status: int, code: int, message: str, headers: dict[str, str] | None = None
) -> web.Response:
    body = {"code": code, "message": message, "status": status}
    return web.json_response(body, status=status, headers=headers)


@contextlib.asynccontextmanager
async def serve(twilio: FakeTwilio, *, port: int = 0) -> AsyncIterator[FakeTwilio]:
    """Runs a fake Twilio on loopback, on a free port unless one is given."""
    app = web.Application()
    app.router.add_post(_MESSAGES, twilio.create)
    app.router.add_get(_MESSAGES, twilio.list)
    app.router.add_post("/_fake/faults", twilio.plan)
    app.on_shutdown.append(twilio.leave)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    twilio.port = runner.addresses[0][1]
    try:
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

"""A stateful stand-in for Google: OAuth, Calendar, Drive and Sheets over HTTP.

It keeps accounts, their calendars, files and spreadsheets, checks every token and
scope as Google's discovery documents have them, and fails on demand:

    python -m tests.fakes.fake_google --port 9200

`build("calendar", "v3", static_discovery=True, client_options={"api_endpoint": url})`
reaches it, as do credentials with `token_uri` at `{url}/token`. Uploads do not: the
client keeps the document's https for them, so these take
`build_from_document(served_document("drive", url))`, or `discoveryServiceUrl`.

`/_fake/…` steers it from another process: `faults` (POST a list, DELETE), `settings`,
`grant` (a refresh token without a browser), `revoke`, `put` (events, files and sheets
of a person), `gate` (lets go of what is held); `GET /_fake/record` tells the rest.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.google_accounts import Accounts
from tests.fakes.google_calendar import Calendars
from tests.fakes.google_discovery import (
    Call,
    Method,
    check_body,
    check_query,
    find,
    masked,
    request_schema,
)
from tests.fakes.google_drive import Drive
from tests.fakes.google_events import Mail
from tests.fakes.google_faults import (
    ERROR_PAGE,
    Fault,
    FaultPlan,
    Problem,
    insufficient_scopes,
    play,
    problem_of,
    unauthorized,
)
from tests.fakes.google_oauth import OAuth
from tests.fakes.google_record import (
    Received,
    is_done,
    json_of,
    response_of,
    split_url,
)
from tests.fakes.google_sheets import Sheets
from tests.fakes.google_steering import Steering

__all__ = ["FakeGoogle", "Fault", "Received", "running", "serve"]

_READS = {
    "calendar.freebusy.query",
    "sheets.spreadsheets.developerMetadata.search",
}
"""Posts that change nothing."""
_LOGGER = logging.getLogger(__name__)


@dataclass
class FakeGoogle:
    """Everybody's Google: accounts, calendars, files, spreadsheets, mails sent."""

    clock_ahead_s: float = 0.0
    """How far its clock is ahead of ours; moves tokens towards their end."""
    plan: FaultPlan = field(default_factory=FaultPlan)
    received: list[Received] = field(default_factory=list)
    """Every request, in order."""
    writes: Counter[str] = field(default_factory=Counter)
    """Changes that really happened, by method."""
    mails: list[Mail] = field(default_factory=list)
    """Invitations and notices that Google sent to people."""
    clock: Callable[[], float] = time.time
    port: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """What `hold` waits for; `open_gate` opens it from any thread."""
    _leaving: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop | None = None

    def __post_init__(self) -> None:
        self.oauth = OAuth(self.now)
        self.calendar = Calendars(self.now, mails=self.mails)
        self.drive = Drive(self.now, self.mails)
        self.sheets = Sheets(self.drive)
        self._handlers = {
            **self.calendar.handlers(),
            **self.drive.handlers(),
            **self.sheets.handlers(),
        }

    @property
    def url(self) -> str:
        """Value for `api_endpoint`; the token endpoint is `/token` below it."""
        return f"http://127.0.0.1:{self.port}"

    def now(self) -> float:
        """Returns UTC seconds, by the fake's clock."""
        return self.clock() + self.clock_ahead_s

    def fail_next(self, *faults: Fault) -> None:
        """Makes calls fail from now on, as each fault says."""
        self.plan.add(*faults)

    def calls(self, method: str) -> list[Received]:
        """Returns the requests of a method, or of an API."""
        return [
            each
            for each in self.received
            if each.method == method or each.method.startswith(f"{method}.")
        ]

    def open_gate(self) -> None:
        """Lets go of the calls that `hold` keeps."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self.gate.set)

    # -- APIs

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answers a call of Calendar, Drive or Sheets."""
        raw_path, query = split_url(request)
        content = await request.read()
        http = request.method
        if http == "PUT" and "upload_id" in query:
            is_update = find("PATCH", raw_path) is not None
            http = "PATCH" if is_update else "POST"
        http = request.headers.get("X-HTTP-Method-Override", http)
        found = find(http, raw_path)
        record = self.record(request, "" if found is None else found[0].id, content)
        if found is None:
            record.status = 404
            page = ERROR_PAGE.format(status=404)
            return web.Response(status=404, text=page, content_type="text/html")
        method, path = found
        return await self.with_faults(
            request, record, lambda: self._call(request, record, method, path, content)
        )

    async def with_faults(
        self,
        request: web.Request,
        record: Received,
        carry_out: Callable[[], web.Response],
    ) -> web.StreamResponse:
        """Carries a call out, or does to it what its fault says."""
        fault = self.plan.draw(record.method)
        record.fault = "" if fault is None else fault.kind
        if fault is not None and fault.kind == "hold":
            fault = await self.gate.wait() and None
        if fault is None or fault.kind == "skew":
            return carry_out()
        answer = carry_out() if fault.is_accepting else None
        if fault.kind == "revoked":
            self._revoke(request)
        problem = problem_of(fault)
        if problem is not None:
            record.status = problem.status
            return problem.answer(record.method.split(".")[0])
        return await play(fault, request, answer, self._leaving)

    def _revoke(self, request: web.Request) -> None:
        token = self.oauth.live_token(request.headers.get("Authorization", ""))
        if token is not None:
            self.oauth.revoke_account(token.grant.owner, token.grant.client_id)

    def _call(
        self,
        request: web.Request,
        record: Received,
        method: Method,
        path: dict[str, str],
        content: bytes,
    ) -> web.Response:
        try:
            answer = self._carry_out(request, record, method, path, content)
        except Problem as problem:
            answer = problem.answer(method.api)
        else:
            record.is_accepted = True
            if method.http != "GET" and method.id not in _READS:
                self.writes[method.id] += is_done(answer)
        record.status = answer.status
        return answer

    def _carry_out(
        self,
        request: web.Request,
        record: Received,
        method: Method,
        path: dict[str, str],
        content: bytes,
    ) -> web.Response:
        token = self.oauth.live_token(request.headers.get("Authorization", ""))
        if token is None:
            raise unauthorized()
        if not token.scopes & method.scopes:
            raise insufficient_scopes(method.api, method.id, method.scopes)
        if method.id not in self._handlers:
            raise Problem(501, "notImplemented", f"{method.id} is not in this fake")
        call = Call(
            method=method,
            path=path,
            query=record.query,
            body=json_of(request, content),
            owner=token.grant.owner,
            client_id=token.grant.client_id,
            scopes=token.scopes,
            headers=request.headers,
            content=content,
            base_url=f"{self.url}{request.path}",
        )
        check_query(method, call.query)
        masked(method, {}, call.get("fields"))
        if method.api == "sheets" and call.body:
            check_body("sheets", request_schema(method), call.body)
        try:
            return response_of(call, self._handlers[method.id](call))
        except (AttributeError, KeyError, TypeError, ValueError):
            _LOGGER.exception("what was sent is not understood: %s", method.id)
            raise Problem(400, "badRequest", "Bad Request") from None

    # -- How it works

    def record(self, request: web.Request, method: str, content: bytes) -> Received:
        """Remembers a request, before anything becomes of it."""
        raw_path, query = split_url(request)
        body: Any = content.decode("utf-8", "replace")
        with contextlib.suppress(ValueError):
            body = json.loads(content) if content else {}
        record = Received(method, request.method, raw_path, query, body)
        token = self.oauth.live_token(request.headers.get("Authorization", ""))
        record.owner = "" if token is None else token.grant.owner
        self.received.append(record)
        return record

    async def arrive(self, _app: web.Application) -> None:
        """Remembers the loop that it runs in."""
        self._loop = asyncio.get_running_loop()

    async def leave(self, _app: web.Application) -> None:
        """Lets go of the calls that hang."""
        self._leaving.set()
        self.gate.set()


def _build_app(google: FakeGoogle) -> web.Application:
    app = web.Application(client_max_size=64 * 1024 * 1024)
    Accounts(google).add_to(app)
    Steering(google).add_to(app)
    app.router.add_route("*", "/{path:.*}", google.answer)
    app.on_startup.append(google.arrive)
    app.on_shutdown.append(google.leave)
    return app


@contextlib.asynccontextmanager
async def serve(
    google: FakeGoogle | None = None, *, port: int = 0
) -> AsyncIterator[FakeGoogle]:
    """Runs a fake Google on loopback, in this loop; clients go into threads."""
    google = google or FakeGoogle()
    runner = web.AppRunner(_build_app(google), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    google.port = runner.addresses[0][1]
    try:
        yield google
    finally:
        await runner.cleanup()


@contextlib.contextmanager
def running(google: FakeGoogle | None = None, *, port: int = 0) -> Iterator[FakeGoogle]:
    """Runs a fake Google in a thread of its own, for clients that block."""
    google = google or FakeGoogle()
    is_up, loop = threading.Event(), asyncio.new_event_loop()
    leave = asyncio.Event()

    async def work() -> None:
        async with serve(google, port=port):
            is_up.set()
            await leave.wait()

    def run() -> None:
        with contextlib.closing(loop):
            loop.run_until_complete(work())

    thread = threading.Thread(target=run, name="fake-google", daemon=True)
    thread.start()
    if not is_up.wait(timeout=10):
        raise TimeoutError("the fake Google does not start")
    try:
        yield google
    finally:
        loop.call_soon_threadsafe(leave.set)
        thread.join(timeout=10)


async def _run(port: int) -> None:
    async with serve(port=port) as google:
        print(json.dumps({"url": google.url}), flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Runs the fake until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(parser.parse_args().port))


if __name__ == "__main__":
    main()

"""A stateful stand-in for Twilio's media API and for where it redirects to.

Like the real one it wants the account's credentials, sends every good GET on
to a store of files without them, and forgets what was deleted. It remembers
the head of each request, and its failures are asked for one by one:

    python -m tests.fakes.fake_media --port 9200 --file peticao.pdf
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
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from tests.fakes.fake_twilio import ACCOUNT_SID, AUTH_TOKEN

_MEDIA = "/2010-04-01/Accounts/{account}/Messages/{message}/Media/{media}"
_FILE = "/arquivos/{media}"
_CLAIMED_TOO_MUCH = 1_000


@dataclass(frozen=True)
class Fault:
    """What happens to the next request; without `at_file`, at the API."""

    kind: str
    """`missing` (404), `too_many` (429), `error` (500), `status`, `drop` (closes
    without an answer), `redirect` (to `to`), or of the body: `halfway` (resets
    in the middle), `short` (promises more than it sends), `drip` (never ends),
    `empty`, `chunked` (no length), `zipped` (gzip), `hold` (waits for `gate`)."""
    to: str = ""
    """Location of a `redirect`."""
    status: int = 403
    retry_after: str | None = None
    at_file: bool = False


@dataclass(frozen=True)
class MediaFile:
    """What a message brought along."""

    content: bytes
    content_type: str = "application/octet-stream"
    disposition: str = ""
    length: int | None = None
    """Content-Length in place of the true one."""


@dataclass(frozen=True)
class Call:
    """The head of a request."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass
class FakeMedia:
    """Keeps the media of one account's messages."""

    account_sid: str = ACCOUNT_SID
    user: str = ""
    """User of the credentials; empty means the account."""
    secret: str = AUTH_TOKEN
    files: dict[tuple[str, str], MediaFile] = field(default_factory=dict)
    """By message SID and media SID."""
    calls: list[Call] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    files_at: str = ""
    """Origin that redirects lead to; empty means this server."""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    steps: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    """One for each request of a file, and for each drop of a `drip`."""
    at_work: int = 0
    most_at_work: int = 0
    port: int = 0
    _faults: deque[Fault] = field(default_factory=deque)
    _leaving: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Origin of this server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def authorization(self) -> str:
        """What a request to the API must bring along."""
        pair = f"{self.user or self.account_sid}:{self.secret}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    def receive(self, message_sid: str, file: MediaFile, *, media_sid: str = "") -> str:
        """Adds media to a message; returns its `MediaUrl`."""
        media_sid = media_sid or f"ME{uuid.uuid4().hex}"
        self.files[message_sid, media_sid] = file
        path = _MEDIA.format(
            account=self.account_sid, message=message_sid, media=media_sid
        )
        return f"{self.url}{path}"

    def fail_next(self, *faults: Fault) -> None:
        """Makes the next requests fail, one fault each, in order."""
        self._faults.extend(faults)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Answers `GET …/Media/{sid}`: sends on to the file."""
        self._note(request)
        if request.headers.get("Authorization") != self.authorization:
            return web.Response(status=401)
        fault = self._fault(at_file=False)
        if fault is not None:
            return await self._fail(fault, request, None)
        if self._file(request) is None:
            return web.json_response({"code": 20404}, status=404)
        place = f"{self.files_at or self.url}/arquivos/{request.match_info['media']}"
        return web.Response(status=307, headers={"Location": f"{place}?assinado=1"})

    async def send(self, request: web.Request) -> web.StreamResponse:
        """Answers `GET /arquivos/{sid}`: refuses credentials, as a store does."""
        self._note(request)
        if "Authorization" in request.headers:
            return web.Response(status=400, text="Only one auth mechanism allowed")
        file = self._file(request)
        fault = self._fault(at_file=True)
        if fault is None and file is None:
            return web.Response(status=404)
        self.steps.release()
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            if fault is not None:
                return await self._fail(fault, request, file)
            assert file is not None
            return await self._whole(request, file)
        finally:
            self.at_work -= 1

    async def delete(self, request: web.Request) -> web.Response:
        """Answers `DELETE …/Media/{sid}.json`."""
        self._note(request)
        if request.headers.get("Authorization") != self.authorization:
            return web.Response(status=401)
        fault = self._fault(at_file=False)
        if fault is not None:
            return web.Response(status=fault.status)
        key = request.match_info["message"], request.match_info["media"]
        if self.files.pop(key, None) is None:
            return web.json_response({"code": 20404}, status=404)
        self.deleted.append(key[1])
        return web.Response(status=204)

    async def leave(self, _app: web.Application) -> None:
        """Lets go of the answers that never end."""
        self._leaving.set()

    def _note(self, request: web.Request) -> None:
        call = Call(request.method, request.path_qs, dict(request.headers))
        self.calls.append(call)

    def _file(self, request: web.Request) -> MediaFile | None:
        media_sid = request.match_info["media"]
        message_sid = request.match_info.get("message")
        for (message, media), file in self.files.items():
            if media == media_sid and message_sid in {None, message}:
                return file
        return None

    def _fault(self, *, at_file: bool) -> Fault | None:
        is_due = bool(self._faults) and self._faults[0].at_file == at_file
        return self._faults.popleft() if is_due else None

    async def _fail(
        self, fault: Fault, request: web.Request, file: MediaFile | None
    ) -> web.StreamResponse:
        statuses = {
            "missing": 404, "too_many": 429, "error": 500, "status": fault.status,
        }  # fmt: skip
        if fault.kind in statuses:
            wait = fault.retry_after
            headers = {} if wait is None else {"Retry-After": wait}
            return web.Response(status=statuses[fault.kind], headers=headers)
        if fault.kind == "redirect":
            return web.Response(status=302, headers={"Location": fault.to})
        if fault.kind == "drop":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        assert file is not None
        if fault.kind not in {"hold", "empty", "zipped"}:
            return await self._piecemeal(fault, request, file)
        if fault.kind == "hold":
            await self.gate.wait()
        body = b"" if fault.kind == "empty" else file.content
        headers = {"Content-Encoding": "gzip"} if fault.kind == "zipped" else {}
        return web.Response(body=body, headers=headers)

    async def _piecemeal(
        self, fault: Fault, request: web.Request, file: MediaFile
    ) -> web.StreamResponse:
        """Sends a body in pieces, and may not come to its end."""
        body = web.StreamResponse(headers={"Content-Type": file.content_type})
        if fault.kind in {"halfway", "short"}:
            body.content_length = len(file.content) + _CLAIMED_TOO_MUCH
        elif fault.kind == "drip":
            body.content_length = file.length
        await body.prepare(request)
        await body.write(file.content[: len(file.content) // 2])
        assert request.transport is not None
        while fault.kind == "drip" and not self._leaving.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), 0.02)
            await body.write(b"\0")
            self.steps.release()
        if fault.kind == "halfway":
            request.transport.abort()
            return body
        await body.write(file.content[len(file.content) // 2 :])
        if fault.kind == "short":
            request.transport.close()
        return body

    async def _whole(self, request: web.Request, file: MediaFile) -> web.StreamResponse:
        headers = {"Content-Type": file.content_type}
        if file.disposition:
            headers["Content-Disposition"] = file.disposition
        if file.length is None:
            return web.Response(body=file.content, headers=headers)
        body = web.StreamResponse(headers=headers)
        body.content_length = file.length
        await body.prepare(request)
        with contextlib.suppress(ConnectionError):
            await body.write(file.content)
        assert request.transport is not None
        request.transport.close()
        return body


@contextlib.asynccontextmanager
async def serve(fake: FakeMedia, *, port: int = 0) -> AsyncIterator[FakeMedia]:
    """Runs a fake media API on loopback, on a free port unless one is given."""
    app = web.Application()
    app.router.add_get(_MEDIA, fake.show)
    app.router.add_delete(_MEDIA + ".json", fake.delete)
    app.router.add_get(_FILE, fake.send)
    app.on_shutdown.append(fake.leave)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    fake.port = runner.addresses[0][1]
    try:
        yield fake
    finally:
        await runner.cleanup()


async def _run(port: int, paths: list[Path]) -> None:
    async with serve(FakeMedia(), port=port) as fake:
        message_sid = f"MM{uuid.uuid4().hex}"
        urls = [fake.receive(message_sid, MediaFile(p.read_bytes())) for p in paths]
        print(json.dumps({"message_sid": message_sid, "urls": urls}), flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Runs the fake until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--file", type=Path, action="append", default=[])
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(given.port, given.file))


if __name__ == "__main__":
    main()

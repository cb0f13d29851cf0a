"""What the fake Google remembers of a request, reads from it and answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from tests.fakes.google_discovery import Call, masked
from tests.fakes.google_faults import Problem
from tests.fakes.google_uploads import Progress

_HTTP_NO_CONTENT = 204


@dataclass
class Received:
    """A request that came in, whatever became of it."""

    method: str
    """`calendar.events.insert`, `oauth.token`; "" for an unknown path."""
    http: str
    path: str
    query: dict[str, list[str]]
    body: Any
    """JSON, a form, or the bytes as text."""
    owner: str = ""
    """Account of the token, or "" without a good one."""
    fault: str = ""
    status: int = 0
    """What the fake decided, whether the answer arrived or not; 0 if nothing."""
    is_accepted: bool = False
    """Whether it was carried out."""


def split_url(request: web.Request) -> tuple[str, dict[str, list[str]]]:
    """Returns the path as it was sent, and the query."""
    parts = urlsplit(request.raw_path)
    return parts.path, parse_qs(parts.query, keep_blank_values=True)


def is_done(answer: web.Response) -> bool:
    """Returns whether a write happened; an upload that has begun is none yet."""
    return answer.status < 300 and "Location" not in answer.headers


def json_of(request: web.Request, content: bytes) -> Any:
    """Returns a call's JSON; {} of an upload, or without a body."""
    is_upload = "upload_id" in request.query or request.query.get("uploadType") in {
        "media",
        "multipart",
    }
    if is_upload or not content:
        return {}
    try:
        return json.loads(content)
    except ValueError:
        raise Problem(400, "parseError", "Parse Error") from None


def response_of(call: Call, made: Any) -> web.Response:
    """Returns what a handler made, cut to the `fields` asked for."""
    if made is None:
        return web.Response(status=_HTTP_NO_CONTENT)
    if isinstance(made, Progress):
        return web.Response(status=made.status, headers=made.headers)
    if isinstance(made, bytes):
        return web.Response(body=made, content_type="application/octet-stream")
    if call.get("fields"):
        made = masked(call.method, made, call.get("fields"))
    etag = {"ETag": made["etag"]} if isinstance(made.get("etag"), str) else {}
    return web.json_response(made, headers=etag)

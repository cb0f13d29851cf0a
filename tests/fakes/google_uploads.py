"""The three ways in which files come to Drive: simple, multipart and resumable."""

from __future__ import annotations

import email.parser
import email.policy
import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.google_discovery import Call
from tests.fakes.google_faults import Problem

CHUNK = 256 * 1024
"""Bytes; every chunk but the last is a multiple of it."""


@dataclass(frozen=True)
class Progress:
    """An answer before the file is whole."""

    status: int
    headers: dict[str, str]


@dataclass
class _Unfinished:
    metadata: dict[str, Any]
    content_type: str
    content: bytes = b""


Upload = tuple[dict[str, Any], bytes, str]
"""Metadata, content, and the content's type; "" when none came along."""


@dataclass
class Uploads:
    """Resumable uploads under way."""

    unfinished: dict[str, _Unfinished] = field(default_factory=dict)

    def receive(self, call: Call) -> Upload | Progress:
        """Returns what a call of `create` or `update` brings along."""
        kind = call.get("uploadType")
        content_type = call.headers.get("Content-Type", "")
        if kind == "resumable":
            return self._resume(call)
        if kind == "multipart":
            return _multipart(content_type, call.content)
        if kind == "media":
            return {}, call.content, content_type or "application/octet-stream"
        return dict(call.body), b"", ""

    def _resume(self, call: Call) -> Upload | Progress:
        upload_id = call.get("upload_id")
        if not upload_id:
            return self._begin(call)
        upload = self.unfinished.get(upload_id)
        if upload is None:
            raise Problem(404, "notFound", "No such upload")
        if "Content-Range" not in call.headers:  # all of it in one request
            del self.unfinished[upload_id]
            return upload.metadata, call.content, upload.content_type
        sent = re.fullmatch(
            r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", call.headers["Content-Range"]
        )
        if sent is None:
            raise Problem(400, "badRequest", "Failed to parse Content-Range header.")
        if sent[1] is not None:
            if int(sent[1]) > len(upload.content):
                raise Problem(400, "badRequest", "Invalid request. Bytes are missing.")
            upload.content = upload.content[: int(sent[1])] + call.content
        if sent[3] != "*" and len(upload.content) == int(sent[3]):
            del self.unfinished[upload_id]
            return upload.metadata, upload.content, upload.content_type
        if len(upload.content) % CHUNK:
            raise Problem(400, "badRequest", "Chunks are multiples of 256 KiB.")
        arrived = len(upload.content)
        headers = {"Range": f"bytes=0-{arrived - 1}"} if arrived else {}
        return Progress(308, headers)

    def _begin(self, call: Call) -> Progress:
        upload_id = secrets.token_urlsafe(24)
        kind = call.headers.get("X-Upload-Content-Type", "application/octet-stream")
        self.unfinished[upload_id] = _Unfinished(dict(call.body), kind)
        query = f"uploadType=resumable&upload_id={upload_id}"
        if call.get("fields"):
            query += f"&fields={call.get('fields')}"
        return Progress(200, {"Location": f"{call.base_url}?{query}"})


def _multipart(content_type: str, content: bytes) -> Upload:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    parser = email.parser.BytesParser(policy=email.policy.HTTP)
    parts = list(parser.parsebytes(head + content).iter_parts())
    if len(parts) != 2:
        raise Problem(400, "badContent", "Malformed multipart body.")
    metadata, body = (bytes(part.get_payload(decode=True)) for part in parts)
    return json.loads(metadata or b"{}"), body, parts[1].get_content_type()

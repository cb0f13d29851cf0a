"""What goes wrong at the fake Google, and the error bodies that Google writes."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from aiohttp import web

_DRIP_S = 0.01
_STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_BAD_CREDENTIALS = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, "
    "login cookie or other valid authentication credential. See "
    "https://developers.google.com/identity/sign-in/web/devconsole-project."
)
FORBIDDEN = {
    "rateLimitExceeded": ("usageLimits", "Rate Limit Exceeded"),
    "userRateLimitExceeded": ("usageLimits", "User Rate Limit Exceeded"),
    "dailyLimitExceeded": ("usageLimits", "Daily Limit Exceeded"),
    "quotaExceeded": ("usageLimits", "Calendar usage limits exceeded."),
    "accessNotConfigured": (
        "usageLimits",
        "Access Not Configured. The API has not been used in the project before or it "
        "is disabled.",
    ),
    "sharingRateLimitExceeded": ("global", "Rate limit exceeded."),
    "storageQuotaExceeded": (
        "usageLimits",
        "The user's Drive storage quota has been exceeded.",
    ),
    "insufficientPermissions": ("global", "Insufficient Permission"),
    "insufficientFilePermissions": (
        "global",
        "The user does not have sufficient permissions for this file.",
    ),
    "appNotAuthorizedToFile": (
        "global",
        "The user has not granted the app write access to the file.",
    ),
    "domainPolicy": ("global", "The domain administrators have disabled Drive apps."),
    "forbidden": ("global", "Forbidden"),
    "forbiddenForNonOrganizer": (
        "calendar",
        "Shared properties can only be changed by the organizer of the event.",
    ),
    "forbiddenForServiceAccounts": (
        "calendar",
        "Service accounts cannot invite attendees without Domain-Wide Delegation of "
        "Authority.",
    ),
    "requiredAccessLevel": (
        "calendar",
        "You need to have writer access to this calendar.",
    ),
}
"""Domain and message of the 403 answers, by reason."""
ERROR_PAGE = (
    "<!DOCTYPE html>\n<html lang=en>\n<meta charset=utf-8>\n"
    "<title>Error {status} (Server Error)!!1</title>\n"
    "<p><b>{status}.</b> <ins>That’s an error.</ins>\n"
    "<p>The server encountered a temporary error and could not complete your "
    "request.<p>Please try again in 30 seconds. <ins>That’s all we know.</ins>\n"
)


class Problem(Exception):
    """An error answer of one of the APIs."""

    def __init__(  # noqa: PLR0913
        self,
        status: int,
        reason: str,
        message: str,
        *,
        domain: str = "global",
        location: str = "",
        location_type: str = "parameter",
        summary: str = "",
        detail: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message
        self.domain, self.location, self.location_type = domain, location, location_type
        self.summary = summary or message
        self.detail = detail
        self.headers = dict(headers or {})

    def body(self, api: str) -> dict[str, Any]:
        """Returns the JSON; Sheets names a status where the others list errors."""
        error: dict[str, Any] = {"code": self.status, "message": self.summary}
        if api != "sheets":
            item = {
                "message": self.message,
                "domain": self.domain,
                "reason": self.reason,
            }
            if self.location:
                item |= {"location": self.location, "locationType": self.location_type}
            error["errors"] = [item]
        if api == "sheets" or self.detail or self.status == 401:
            error["status"] = _STATUS_NAMES.get(self.status, "UNKNOWN")
        if self.detail:
            error["details"] = [self.detail]
        return {"error": error}

    def answer(self, api: str) -> web.Response:
        """Returns the HTTP answer."""
        return web.json_response(
            self.body(api), status=self.status, headers=self.headers
        )


def unauthorized() -> Problem:
    """Returns the 401 of a token that is missing, unknown, expired or revoked."""
    return Problem(
        401,
        "authError",
        "Invalid Credentials",
        location="Authorization",
        location_type="header",
        summary=_BAD_CREDENTIALS,
        headers={
            "WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", '
            'error="invalid_token"'
        },
    )


def insufficient_scopes(api: str, method: str, scopes: frozenset[str]) -> Problem:
    """Returns the 403 of a token that lacks the method's scopes."""
    service = {"calendar": "calendar-json"}.get(api, api)
    version = {"sheets": "v4"}.get(api, "v3")
    short = "".join(
        f".{part[0].upper()}{part[1:]}" for part in method.split(".")[1:]
    ).lstrip(".")
    return Problem(
        403,
        "insufficientPermissions",
        "Insufficient Permission",
        summary="Request had insufficient authentication scopes.",
        detail={
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            "domain": "googleapis.com",
            "metadata": {
                "method": f"{api}.{version}.{short}",
                "service": f"{service}.googleapis.com",
            },
        },
        headers={
            "WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", '
            f'error="insufficient_scope", scope="{" ".join(sorted(scopes))}"'
        },
    )


def forbidden(reason: str, message: str = "") -> Problem:
    """Returns a 403 by its reason."""
    domain, text = FORBIDDEN[reason]
    return Problem(403, reason, message or text, domain=domain)


@dataclass(frozen=True)
class Fault:
    """What happens to calls of a method."""

    kind: str
    """`unauthorized` (401), `revoked` (401, and the grant is gone), `forbidden` (403
    with `reason`), `not_found`, `too_many` (429), `error` (`status`), `reset`, `hang`,
    `malformed` (200 with half a JSON), `html` (`status`, an error page), `hold` (goes
    on once the gate opens); all of them before anything is accepted. `error_after`,
    `reset_after`, `hang_after`, `malformed_after`, `html_after`: the state has
    changed, the answer is lost. `drip`: the right answer, byte by byte. `skew`: the
    token endpoint finds `iat` in the future."""
    at: str = "*"
    """An API (`calendar`) or a method (`drive.files.create`, `oauth.token`); may
    hold `*`."""
    times: int | None = 1
    """How many calls; None until `clear`."""
    status: int = 500
    reason: str = "rateLimitExceeded"
    retry_after_s: int | None = None
    probability: float = 1.0
    """Of each call that matches."""
    after: int = 0
    """How many calls that match go through before."""

    @property
    def is_accepting(self) -> bool:
        """Whether the state changes all the same."""
        return self.kind.endswith("_after") or self.kind == "drip"

    def matches(self, method: str) -> bool:
        """Returns whether it is for that method."""
        return fnmatchcase(method, self.at) or method.startswith(f"{self.at}.")


@dataclass
class FaultPlan:
    """Draws the fault of each call; the first that matches is taken."""

    made: Counter[str] = field(default_factory=Counter)
    """How often each happened, as `drive.files.create:reset`."""
    _waiting: list[tuple[Fault, int | None]] = field(default_factory=list)
    _chance: random.Random = field(default_factory=lambda: random.Random(0))

    def add(self, *faults: Fault) -> None:
        """Makes calls fail from now on."""
        self._waiting += [(fault, fault.times) for fault in faults]

    def clear(self, at: str = "") -> None:
        """Forgets the faults of a place, or all of them."""
        self._waiting = [
            (fault, left) for fault, left in self._waiting if at and fault.at != at
        ]

    def draw(self, method: str) -> Fault | None:
        """Returns what happens to a call that comes now, if anything does."""
        for index, (fault, left) in enumerate(self._waiting):
            if not fault.matches(method) or self._chance.random() >= fault.probability:
                continue
            if fault.after:
                self._waiting[index] = (replace(fault, after=fault.after - 1), left)
                continue
            if left == 1:
                del self._waiting[index]
            elif left is not None:
                self._waiting[index] = (fault, left - 1)
            self.made[f"{method}:{fault.kind}"] += 1
            return fault
        return None

    def shown(self) -> list[dict[str, Any]]:
        """Returns the faults that wait, as JSON."""
        return [asdict(fault) | {"times": left} for fault, left in self._waiting]


def problem_of(fault: Fault) -> Problem | None:
    """Returns the error answer of a fault that has one."""
    kind = fault.kind.removesuffix("_after")
    if kind in {"unauthorized", "revoked"}:
        return unauthorized()
    if kind == "forbidden":
        return forbidden(fault.reason)
    if kind == "not_found":
        return Problem(404, "notFound", "Not Found")
    if kind == "too_many":
        wait_s = fault.retry_after_s
        headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
        message = "Rate Limit Exceeded"
        return Problem(
            429, "rateLimitExceeded", message, domain="usageLimits", headers=headers
        )
    if kind == "error":
        return Problem(fault.status, "backendError", "Backend Error")
    return None


async def play(
    fault: Fault,
    request: web.Request,
    answer: web.Response | None,
    leaving: asyncio.Event,
) -> web.StreamResponse:
    """Does to a call what its fault says.

    Args:
        fault: what to do.
        request: the call.
        answer: what it would have got; None before anything was accepted.
        leaving: ends what hangs.
    """
    kind = fault.kind.removesuffix("_after")
    if kind == "html":
        page = ERROR_PAGE.format(status=fault.status)
        return web.Response(status=fault.status, text=page, content_type="text/html")
    if kind == "malformed":
        text = (answer.text if answer else "") or json.dumps({"kind": "calendar#event"})
        half = text[: len(text) // 2]
        return web.Response(text=half, content_type="application/json")
    if kind == "drip" and answer is not None:
        return await _drip(request, answer)
    if kind == "hang":
        await leaving.wait()
    if request.transport is not None:  # else the caller hung up first
        request.transport.abort()
    return web.Response(status=500)


async def _drip(request: web.Request, answer: web.Response) -> web.StreamResponse:
    slow = web.StreamResponse(status=answer.status, headers=answer.headers)
    body = answer.body if isinstance(answer.body, bytes) else b""
    slow.content_length = len(body)
    await slow.prepare(request)
    for byte in body:
        await slow.write(bytes([byte]))
        await asyncio.sleep(_DRIP_S)
    return slow

"""Our gateways at the fake Google, and every way in which a call may fail there."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from actions.gateways.google_calls import GoogleCalls
from bot.core.ports import Feature, GatewayError
from tests.contract.google_desk import ALL, ANA
from tests.fakes.fake_google import FakeGoogle, Fault
from tests.fakes.google_grants import CLIENT_ID, CLIENT_SECRET

Result = TypeVar("Result")
TIMEOUT_S = 3.0
SHORT_S = 0.5
"""For calls that hang on purpose."""
MOST_CALLS = 12
"""More than any one operation makes."""


class Granted:
    """A connection that stands; its tokens come without a call."""

    def __init__(self, google: FakeGoogle, scopes=ALL, owner: str = ANA) -> None:
        self._google = google
        self._form = {
            "grant_type": "refresh_token",
            "refresh_token": google.oauth.grant(owner, set(scopes)),
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }
        self._lock = threading.Lock()
        self._token = ""
        self.is_refused = False

    def access_token(self, feature: Feature, *, instead_of: str = "") -> str:
        with self._lock:
            if self._token in {"", instead_of}:
                self._token = self._google.oauth.token(self._form)["access_token"]
            return self._token

    def refused(self) -> None:
        self.is_refused = True


def calls_of(google: FakeGoogle, *, timeout_s: float = TIMEOUT_S) -> GoogleCalls:
    return GoogleCalls(Granted(google), base_url=google.url, timeout_s=timeout_s)


LOST = [
    Fault("error_after"),
    Fault("reset_after"),
    Fault("malformed_after"),
    Fault("html_after", status=502),
]
"""It was done, and the answer is lost."""
HELD = [Fault("hang"), Fault("hang_after")]
REFUSED = [
    Fault("error", status=503),
    Fault("reset"),
    Fault("too_many", retry_after_s=1),
    Fault("forbidden", reason="rateLimitExceeded"),
    Fault("forbidden", reason="userRateLimitExceeded"),
    Fault("unauthorized"),
]
"""It was not done."""
FAULTS = LOST + HELD + REFUSED
SHEET_FAULTS = [each for each in FAULTS if each.kind != "forbidden"]
"""Without the 403 of old, which Sheets does not give: it answers 429."""


def timeout_of(fault: Fault) -> float:
    """Returns how long Google may be silent in a test of that fault, seconds."""
    return SHORT_S if fault in HELD else TIMEOUT_S


def each_call_failing(google: FakeGoogle, fault: Fault) -> Iterator[int]:
    """Lets the first call fail, then the second, until there is none to fail.

    Yields:
        Number of the call that fails, from 1; what is done then is the test's.
    """
    for number in range(1, MOST_CALLS):
        google.plan.clear()
        google.plan.made.clear()
        google.fail_next(replace(fault, after=number - 1))
        yield number
        if not google.plan.made:
            google.plan.clear()
            return
    raise AssertionError("there is always another call")


async def until_done(act: Callable[[], Awaitable[Result]]) -> Result:
    """Does something as a job does: again, as long as it may succeed later."""
    for _ in range(MOST_CALLS):
        try:
            return await act()
        except GatewayError as error:
            if not error.retryable:
                raise
    raise AssertionError("it never succeeds")

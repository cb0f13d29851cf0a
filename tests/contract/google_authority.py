"""Whoever connected the office at the fake Google, for the gateways' tests."""

from __future__ import annotations

from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials

from actions.gateways.google_calls import GoogleCalls
from bot.core.ports import Feature
from tests.contract.google_desk import ALL, ANA, credentials
from tests.fakes.fake_google import FakeGoogle


class Connected:
    """Gives the tokens of one account, and counts what is asked of it."""

    def __init__(self, google: FakeGoogle, *, owner: str = ANA, scopes=ALL) -> None:
        self._credentials: Credentials = credentials(google, scopes, owner)
        self.asked: list[tuple[Feature, bool]] = []
        """What a token was wanted for, and whether another was refused before."""
        self.refusals = 0

    def access_token(self, feature: Feature, *, instead_of: str = "") -> str:
        self.asked.append((feature, bool(instead_of)))
        if instead_of or not self._credentials.token:
            self._credentials.refresh(Request())
        return self._credentials.token

    def refused(self) -> None:
        self.refusals += 1


def calls_of(google: FakeGoogle, *, timeout_s: float = 5.0, **given) -> GoogleCalls:
    """Returns what calls the fake, as the office's program does."""
    return GoogleCalls(
        Connected(google, **given), base_url=google.url, timeout_s=timeout_s
    )

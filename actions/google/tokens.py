"""The tokens of a connection, and where each kind of connection keeps them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Protocol

from sqlalchemy.engine import Connection

from actions.google.cipher import TokenCipher, UnreadableError
from actions.google.endpoint import TokenAnswer, TokenEndpoint
from actions.google.robot import ServiceAccount
from bot.store import google
from bot.store.google import Account

EARLY_S = 300.0
"""How long before its end a token is renewed, seconds."""


@dataclass(frozen=True)
class Tokens:
    """What acts for the office."""

    refresh: str = ""
    access: str = ""
    renew_at: float = 0.0
    """UTC seconds from when a new one is asked for."""
    ends_at: float = 0.0
    """UTC seconds from when Google refuses it, by our clock."""

    def serves(self, now: float, *, instead_of: str) -> bool:
        """Says whether Google will take the access token still."""
        return self.access not in {"", instead_of} and now < self.ends_at


def tokens_of(answer: TokenAnswer, *, now: float, refresh: str = "") -> Tokens:
    """Returns what an answer of the token endpoint gives.

    Args:
        answer: what Google gave.
        now: UTC seconds.
        refresh: the refresh token so far, which stays where there is no new one.
    """
    return Tokens(
        refresh=answer.refresh or refresh,
        access=answer.access,
        renew_at=now + max(answer.lives_s - EARLY_S, answer.lives_s / 2),
        ends_at=now + answer.lives_s,
    )


class Keeper(Protocol):
    """Keeps the tokens of one kind of connection."""

    def held(self, account: Account) -> Tokens:
        """Returns the tokens as they are.

        Raises:
            UnreadableError: the key they were encrypted with is gone.
        """

    def ask(self, tokens: Tokens) -> TokenAnswer:
        """Asks Google for a new access token.

        Raises:
            TokenRefused: Google gives none.
            GatewayError: it did not answer.
        """

    def keep(
        self,
        connection: Connection,
        known: Account,
        tokens: Tokens,
        answer: TokenAnswer,
    ) -> bool:
        """Keeps new tokens; False where somebody connected anew meanwhile."""


class InDatabase:
    """The tokens that a person permitted: encrypted, in the connection's row."""

    def __init__(self, cipher: TokenCipher, endpoint: TokenEndpoint) -> None:
        self._cipher, self._endpoint = cipher, endpoint
        self._read: Mapping[str, Tokens] = {}

    def held(self, account: Account) -> Tokens:
        """Returns the tokens of a row.

        Raises:
            UnreadableError: none of our keys reads them.
        """
        known = self._read.get(account.tokens)
        if known is None:
            try:
                known = _tokens(self._cipher.decrypt(account.tokens))
            except (ValueError, TypeError, KeyError) as error:
                raise UnreadableError from error
            self._read = {account.tokens: known}
        return known

    def written(self, tokens: Tokens) -> str:
        """Returns tokens as a row keeps them."""
        return self._cipher.encrypt(json.dumps(asdict(tokens)))

    def ask(self, tokens: Tokens) -> TokenAnswer:
        """Asks with the refresh token.

        Raises:
            TokenRefused: Google gives none.
            GatewayError: it did not answer.
        """
        return self._endpoint.refresh(tokens.refresh)

    def keep(
        self,
        connection: Connection,
        known: Account,
        tokens: Tokens,
        answer: TokenAnswer,
    ) -> bool:
        """Writes new tokens, and what Google says is granted."""
        scopes = known.scopes if answer.scopes is None else answer.scopes
        written = self.written(tokens)
        return google.renew(connection, known, tokens=written, scopes=scopes)


def _tokens(text: str) -> Tokens:
    told = json.loads(text)
    return Tokens(
        refresh=str(told["refresh"]),
        access=str(told["access"]),
        renew_at=float(told["renew_at"]),
        ends_at=float(told["ends_at"]),
    )


class InMemory:
    """The tokens of a service account, which another can be had for at any time."""

    def __init__(self, robot: ServiceAccount) -> None:
        self._robot = robot
        self._tokens = Tokens()

    def held(self, _account: Account) -> Tokens:
        """Returns the tokens that were given last."""
        return self._tokens

    def ask(self, _tokens: Tokens) -> TokenAnswer:
        """Asks with the account's key.

        Raises:
            TokenRefused: Google gives none.
            GatewayError: it did not answer.
        """
        return self._robot.token()

    def keep(
        self,
        _connection: Connection,
        _known: Account,
        tokens: Tokens,
        _answer: TokenAnswer,
    ) -> bool:
        """Remembers new tokens."""
        self._tokens = tokens
        return True

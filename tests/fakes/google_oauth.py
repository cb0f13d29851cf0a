"""The fake Google's accounts: consent, tokens, and who an access token acts for."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.google_grants import (
    CLIENT_ID,
    CLIENT_SECRET,
    FAR_JWT,
    KEY_ID,
    SCOPE,
    AccessToken,
    Code,
    Consent,
    Grant,
    OAuthClient,
    OAuthProblem,
    check_assertion,
    check_verifier,
    id_token,
    new_key,
    private_pem,
    public_pem,
)

__all__ = [
    "CLIENT_ID",
    "CLIENT_SECRET",
    "SCOPE",
    "OAuth",
    "OAuthClient",
    "OAuthProblem",
]

ACCESS_LIFE_S = 3599
CODE_LIFE_S = 600
TESTING_LIFE_S = 7 * 86_400
MOST_REFRESH_TOKENS = 100
"""Of one account for one client; the oldest then stops working."""
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass
class OAuth:
    """Authorization server of all accounts."""

    clock: Callable[[], float]
    clients: dict[str, OAuthClient] = field(default_factory=dict)
    consent: Consent = field(default_factory=Consent)
    access_tokens: dict[str, AccessToken] = field(default_factory=dict)
    refresh_tokens: dict[str, Grant] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    service_accounts: dict[str, str] = field(default_factory=dict)
    """Public keys (PEM), by e-mail."""
    delegated: dict[str, set[str]] = field(default_factory=dict)
    """Accounts that a service account may act for (domain-wide delegation)."""
    id_token_skew_s: float = 0.0
    """How far in the future `iat` of an id_token is."""

    def __post_init__(self) -> None:
        self.clients.setdefault(CLIENT_ID, OAuthClient())

    # -- Consent

    def authorize(self, query: Mapping[str, str]) -> str:
        """Returns where the browser is sent, with `code` or `error`.

        Raises:
            OAuthProblem: Google shows a page, and sends the browser nowhere.
        """
        client = self.clients.get(query.get("client_id", ""))
        if client is None:
            raise OAuthProblem("invalid_client", "The OAuth client was not found.", 401)
        redirect_uri = query.get("redirect_uri", "")
        if not client.may_redirect_to(redirect_uri):
            raise OAuthProblem("redirect_uri_mismatch", "Bad Request")
        if query.get("response_type") != "code":
            raise OAuthProblem("invalid_request", "Missing parameter: response_type")
        asked = frozenset(query.get("scope", "").split())
        if not asked:
            raise OAuthProblem("invalid_request", "Missing required parameter: scope")
        if query.get("code_challenge_method", "S256") != "S256":
            raise OAuthProblem("invalid_request", "Only S256 is taken here")
        back = {"state": query["state"]} if "state" in query else {}
        granted = asked - self.consent.unticked
        if self.consent.denies or not granted:
            return f"{redirect_uri}?{urlencode(back | {'error': 'access_denied'})}"
        code = self._new_code(client, granted, query)
        back |= {"code": code, "scope": " ".join(sorted(granted))}
        return f"{redirect_uri}?{urlencode(back)}"

    def _new_code(
        self, client: OAuthClient, granted: frozenset[str], query: Mapping[str, str]
    ) -> str:
        earlier = self._live_grants(self.consent.account, client.client_id)
        if query.get("include_granted_scopes") == "true":
            granted = granted.union(*(grant.scopes for grant in earlier))
        is_first = not earlier or query.get("prompt") == "consent"
        code = f"4/0A{secrets.token_urlsafe(40)}"
        self.codes[code] = Code(
            grant=self._new_grant(client, self.consent.account, granted),
            redirect_uri=query["redirect_uri"],
            challenge=query.get("code_challenge", ""),
            expires_at=self.clock() + CODE_LIFE_S,
            is_offline=query.get("access_type") == "offline" and is_first,
        )
        return code

    def _new_grant(
        self, client: OAuthClient, owner: str, scopes: frozenset[str]
    ) -> Grant:
        now = self.clock()
        lives_s = TESTING_LIFE_S if client.status == "testing" else None
        return Grant(owner, client.client_id, scopes, now, now, lives_s)

    def _live_grants(self, owner: str, client_id: str) -> list[Grant]:
        return [
            grant
            for grant in self.refresh_tokens.values()
            if (grant.owner, grant.client_id) == (owner, client_id)
            and not grant.is_dead(self.clock())
        ]

    def grant(self, owner: str, scopes: set[str], client_id: str = CLIENT_ID) -> str:
        """Returns a refresh token that `owner` gave without a consent screen."""
        client = self.clients[client_id]
        return self._new_refresh_token(
            self._new_grant(client, owner, frozenset(scopes))
        )

    def _new_refresh_token(self, grant: Grant) -> str:
        token = f"1//0{secrets.token_urlsafe(48)}"
        self.refresh_tokens[token] = grant
        same = [
            known
            for known, each in self.refresh_tokens.items()
            if (each.owner, each.client_id) == (grant.owner, grant.client_id)
        ]
        for oldest in same[:-MOST_REFRESH_TOKENS]:
            del self.refresh_tokens[oldest]
        return token

    # -- Tokens

    def token(
        self, form: Mapping[str, str], *, is_skewed: bool = False
    ) -> dict[str, Any]:
        """Answers the token endpoint.

        Args:
            form: what was posted.
            is_skewed: `iat` counts as lying in the future, whatever it says.

        Raises:
            OAuthProblem: nothing is granted.
        """
        kind = form.get("grant_type")
        if is_skewed:
            raise OAuthProblem("invalid_grant", FAR_JWT)
        if kind == _JWT_BEARER:
            return self._service_token(form.get("assertion", ""))
        client = self.clients.get(form.get("client_id", ""))
        if client is None:
            raise OAuthProblem("invalid_client", "The OAuth client was not found.", 401)
        if form.get("client_secret") != client.client_secret:
            message = "The provided client secret is invalid."
            raise OAuthProblem("invalid_client", message, 401)
        if kind == "authorization_code":
            return self._redeem(client, form)
        if kind == "refresh_token":
            return self._refresh(client, form)
        raise OAuthProblem("unsupported_grant_type", f"Invalid grant_type: {kind}")

    def _redeem(self, client: OAuthClient, form: Mapping[str, str]) -> dict[str, Any]:
        code = self.codes.get(form.get("code", ""))
        if code is None or code.grant.client_id != client.client_id:
            raise OAuthProblem("invalid_grant", "Malformed auth code.")
        if code.is_used or self.clock() >= code.expires_at:
            raise OAuthProblem("invalid_grant", "Bad Request")
        if form.get("redirect_uri") != code.redirect_uri:
            raise OAuthProblem("redirect_uri_mismatch", "Bad Request")
        check_verifier(code.challenge, form.get("code_verifier", ""))
        code.is_used = True
        answer = self._new_access_token(code.grant)
        if code.is_offline:
            answer["refresh_token"] = self._new_refresh_token(code.grant)
            if code.grant.lives_s is not None:
                answer["refresh_token_expires_in"] = int(code.grant.lives_s) - 1
        return answer

    def _refresh(self, client: OAuthClient, form: Mapping[str, str]) -> dict[str, Any]:
        grant = self.refresh_tokens.get(form.get("refresh_token", ""))
        if grant is None or grant.client_id != client.client_id:
            raise OAuthProblem("invalid_grant", "Bad Request")
        if grant.is_dead(self.clock()):
            message = "Token has been expired or revoked."
            raise OAuthProblem("invalid_grant", message)
        asked = frozenset(form.get("scope", "").split())
        if asked - grant.scopes:
            raise OAuthProblem("invalid_scope", "Some requested scopes were invalid.")
        grant.used_at = self.clock()
        return self._new_access_token(grant, asked)

    def _new_access_token(
        self, grant: Grant, scopes: frozenset[str] = frozenset()
    ) -> dict[str, Any]:
        scopes = scopes or grant.scopes
        token = f"ya29.{secrets.token_urlsafe(60)}"
        expires_at = self.clock() + ACCESS_LIFE_S
        self.access_tokens[token] = AccessToken(grant, scopes, expires_at)
        answer = {
            "access_token": token,
            "expires_in": ACCESS_LIFE_S,
            "scope": " ".join(sorted(scopes)),
            "token_type": "Bearer",
        }
        if "openid" in scopes:
            issued_at = int(self.clock() + self.id_token_skew_s)
            answer["id_token"] = id_token(grant, self._key, issued_at)
        return answer

    def _service_token(self, assertion: str) -> dict[str, Any]:
        try:
            claims = jwt.decode(assertion, options={"verify_signature": False})
        except jwt.PyJWTError:
            message = "Bad Request: invalid assertion"
            raise OAuthProblem("invalid_request", message) from None
        issuer = claims.get("iss", "")
        if issuer not in self.service_accounts:
            raise OAuthProblem("invalid_grant", "Invalid grant: account not found")
        check_assertion(assertion, claims, self.service_accounts[issuer], self.clock())
        owner = claims.get("sub", issuer)
        if owner != issuer and owner not in self.delegated.get(issuer, set()):
            message = (
                "Client is unauthorized to retrieve access tokens using this method, "
                "or client not authorized for any of the scopes requested."
            )
            raise OAuthProblem("unauthorized_client", message, 401)
        scopes = frozenset(claims.get("scope", "").split())
        if not scopes:
            raise OAuthProblem("invalid_scope", "Empty or missing scope not allowed.")
        now = self.clock()
        answer = self._new_access_token(Grant(owner, issuer, scopes, now, now))
        return {name: answer[name] for name in answer if name != "scope"}

    def revoke(self, token: str) -> None:
        """Ends the grant that a refresh or an access token belongs to.

        Raises:
            OAuthProblem: no such token, or it is dead already.
        """
        known = self.access_tokens.get(token)
        grant = known.grant if known else self.refresh_tokens.get(token)
        if grant is None or grant.is_dead(self.clock()):
            raise OAuthProblem("invalid_token", "Token expired or revoked")
        self.revoke_account(grant.owner, grant.client_id)

    def revoke_account(self, owner: str, client_id: str = CLIENT_ID) -> None:
        """Does what a person does at "third-party apps with access"."""
        every = [
            *self.refresh_tokens.values(),
            *(token.grant for token in self.access_tokens.values()),
            *(code.grant for code in self.codes.values()),
        ]
        for grant in every:
            if (grant.owner, grant.client_id) == (owner, client_id):
                grant.is_revoked = True

    def expire_access_tokens(self) -> None:
        """Makes every access token expire now."""
        for token in self.access_tokens.values():
            token.expires_at = self.clock()

    def live_token(self, authorization: str) -> AccessToken | None:
        """Returns the token of an `Authorization` header, if it is good."""
        token = self.access_tokens.get(authorization.removeprefix("Bearer "))
        if token is None or token.expires_at <= self.clock():
            return None
        return None if token.grant.is_dead(self.clock()) else token

    # -- Keys

    def add_service_account(self, email: str, token_uri: str) -> dict[str, str]:
        """Returns the key file of a new service account."""
        key = new_key()
        self.service_accounts[email] = public_pem(key)
        return {
            "type": "service_account",
            "client_email": email,
            "client_id": email,
            "private_key_id": secrets.token_hex(20),
            "private_key": private_pem(key),
            "token_uri": token_uri,
        }

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return new_key()

    def certificates(self) -> dict[str, str]:
        """Returns what id_tokens are checked with, by key id."""
        return {KEY_ID: public_pem(self._key)}

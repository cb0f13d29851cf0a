"""What an account grants to an application, and the keys that sign it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

SCOPE = "https://www.googleapis.com/auth/"


CLIENT_ID = "1234567890-escritorio.apps.googleusercontent.com"


CLIENT_SECRET = "GOCSPX-segredo-de-teste"


UNUSED_LIFE_S = 182 * 86_400


_CLOCK_TOLERANCE_S = 300


_LONGEST_ASSERTION_S = 3600


_ISSUER = "https://accounts.google.com"


KEY_ID = "fake-google-1"


FAR_JWT = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
    "timeframe. Check your iat and exp values in the JWT claim."
)


class OAuthProblem(Exception):
    """An error answer of the token endpoint, or a page instead of a redirect."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.description, self.status = error, description, status

    @property
    def body(self) -> dict[str, str]:
        """What the answer holds."""
        return {"error": self.error, "error_description": self.description}


@dataclass
class OAuthClient:
    """An application, as the console has it."""

    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    redirect_uris: list[str] = field(default_factory=list)
    """Exact addresses; empty takes any on loopback."""
    status: str = "production"
    """`testing` makes refresh tokens die after seven days."""

    def may_redirect_to(self, uri: str) -> bool:
        """Returns whether Google sends the browser there."""
        loopback = ("http://127.0.0.1", "http://localhost")
        return uri in self.redirect_uris or (
            not self.redirect_uris and uri.startswith(loopback)
        )


@dataclass
class Consent:
    """What the person at the consent screen does."""

    account: str = "escritorio@advocacia.example"
    """Who is signed in; `login_hint` does not change it."""
    unticked: set[str] = field(default_factory=set)
    """Scopes that this person does not grant."""
    denies: bool = False


@dataclass
class Grant:
    """What an account has allowed a client; its tokens die with it."""

    owner: str
    client_id: str
    scopes: frozenset[str]
    issued_at: float
    used_at: float
    lives_s: float | None = None
    is_revoked: bool = False

    def is_dead(self, now: float) -> bool:
        """Returns whether nothing can be got with it any more."""
        is_old = self.lives_s is not None and now >= self.issued_at + self.lives_s
        return self.is_revoked or is_old or now >= self.used_at + UNUSED_LIFE_S


@dataclass
class AccessToken:
    """A bearer token."""

    grant: Grant
    scopes: frozenset[str]
    expires_at: float


@dataclass
class Code:
    """What the browser brings back; good once."""

    grant: Grant
    redirect_uri: str
    challenge: str
    expires_at: float
    is_offline: bool
    is_used: bool = False


def check_verifier(challenge: str, verifier: str) -> None:
    """Refuses a code that somebody else asked for (PKCE)."""
    if not challenge:
        return
    if not verifier:
        raise OAuthProblem("invalid_grant", "Missing code verifier.")
    digest = hashlib.sha256(verifier.encode()).digest()
    if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenge:
        raise OAuthProblem("invalid_grant", "Invalid code verifier.")


def new_key() -> rsa.RSAPrivateKey:
    """Returns a new signing key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key: rsa.RSAPrivateKey) -> str:
    """Returns a key as key files hold it."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    """Returns what a key's signatures are checked with."""
    return (
        key.public_key()
        .public_bytes(
            serialization.Encoding.PEM,
            serialization.PublicFormat.SubjectPublicKeyInfo,
        )
        .decode()
    )


def check_assertion(
    assertion: str, claims: Mapping[str, Any], key: str, now: float
) -> None:
    """Refuses a service account's assertion that is old, long or forged."""
    issued, expires = claims.get("iat", 0), claims.get("exp", 0)
    is_far = issued > now + _CLOCK_TOLERANCE_S or expires <= now
    if is_far or expires - issued > _LONGEST_ASSERTION_S:
        raise OAuthProblem("invalid_grant", FAR_JWT)
    if not str(claims.get("aud", "")).endswith("/token"):
        message = "Invalid JWT: Failed audience check."
        raise OAuthProblem("invalid_grant", message)
    try:
        jwt.decode(
            assertion,
            key,
            algorithms=["RS256"],
            options={"verify_aud": False, "verify_exp": False, "verify_iat": False},
        )
    except jwt.PyJWTError:
        message = "Invalid JWT Signature."
        raise OAuthProblem("invalid_grant", message) from None


def id_token(grant: Grant, key: rsa.RSAPrivateKey, issued_at: int) -> str:
    """Returns a signed statement of who the account is."""
    claims = {
        "iss": _ISSUER,
        "aud": grant.client_id,
        "azp": grant.client_id,
        "sub": str(int(hashlib.sha256(grant.owner.encode()).hexdigest(), 16))[:21],
        "email": grant.owner,
        "email_verified": True,
        "iat": issued_at,
        "exp": issued_at + 3600,
    }
    return jwt.encode(claims, private_pem(key), "RS256", headers={"kid": KEY_ID})

"""Google's token endpoint: what is asked there, and what its answer means.

Nothing is repeated here: whoever needs a token comes again by itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from google.auth.exceptions import TransportError
from google.auth.transport import Response
from google_auth_httplib2 import Request

from actions.gateways.once import OnceHttp
from bot.core.ports import GatewayError, Trouble
from bot.core.settings import Settings

_PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
_USUAL_LIFE_S = 3600.0


class TokenRefused(Exception):
    """Google gives no token.

    Attributes:
        error: Google's word, as `invalid_grant`.
        description: its sentence; for nobody to read but us.
    """

    def __init__(self, error: str, description: str = "") -> None:
        super().__init__(error)
        self.error, self.description = error, description


@dataclass(frozen=True)
class TokenAnswer:
    """What the token endpoint gave."""

    access: str
    lives_s: float
    """How long the access token is good, seconds."""
    refresh: str = ""
    """"" where Google gave no new one."""
    scopes: tuple[str, ...] | None = None
    """What was granted; None where Google does not say."""


class Transport(Request):
    """Google's own transport over httplib2, with our reading of its failures.

    Google's library would repeat what a server error answered; here it is an
    error at once.
    """

    def __init__(self, timeout_s: float) -> None:
        """Prepares; `timeout_s` is how long Google may be silent."""
        http = OnceHttp(timeout=timeout_s)  # type: ignore[no-untyped-call]
        http.follow_redirects = False  # a secret goes nowhere else
        prepare: Any = super().__init__
        prepare(http)

    def __call__(self, *given: Any, **more: Any) -> Response:
        """Sends one request.

        Raises:
            GatewayError: `LATER`, where no answer came or Google is ill.
        """
        send: Any = super().__call__
        try:
            answer: Response = send(*given, **more)
        except (OSError, TransportError) as error:
            raise _later(type(error).__name__) from error
        finally:
            self.http.close()
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or (
            answer.status in _PASSING
        ):
            raise _later(f"status {answer.status}")
        return answer


class TokenEndpoint:
    """Asks for tokens in the name of the OAuth client in the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def redeem(self, code: str, *, verifier: str, redirect_uri: str) -> TokenAnswer:
        """Exchanges what the browser brought back.

        Raises:
            TokenRefused: the code, the client or the address is not what it was.
            GatewayError: no answer, or none that can be read.
        """
        return self._ask(
            {
                "grant_type": "authorization_code",
                "code": code,
                "code_verifier": verifier,
                "redirect_uri": redirect_uri,
            }
        )

    def refresh(self, token: str) -> TokenAnswer:
        """Asks for a new access token.

        Raises:
            TokenRefused: the permission is gone, or the client is unknown.
            GatewayError: no answer, or none that can be read.
        """
        return self._ask({"grant_type": "refresh_token", "refresh_token": token})

    def revoke(self, token: str) -> bool:
        """Gives a permission back; False where Google says no.

        Raises:
            GatewayError: no answer.
        """
        answer = self._post(self._settings.google_oauth_revoke_url, {"token": token})
        is_gone = _read(answer.data).get("error") == "invalid_token"
        return is_gone or answer.status == HTTPStatus.OK

    def _ask(self, form: Mapping[str, str]) -> TokenAnswer:
        client = {
            "client_id": self._settings.google_client_id,
            "client_secret": self._settings.google_client_secret,
        }
        answer = self._post(self._settings.google_oauth_token_url, {**form, **client})
        body = _read(answer.data)
        if answer.status == HTTPStatus.OK:
            return _answer(body)
        error = body.get("error")
        if not isinstance(error, str) or not error:  # not OAuth speaking
            raise _later(f"status {answer.status}")
        raise TokenRefused(error, str(body.get("error_description", "")))

    def _post(self, url: str, form: Mapping[str, str]) -> Response:
        transport = Transport(self._settings.google_timeout_s)
        return transport(
            url,
            method="POST",
            body=urlencode(form).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )


def _read(content: bytes) -> Mapping[str, Any]:
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {}


def _answer(body: Mapping[str, Any]) -> TokenAnswer:
    access, lives_s = body.get("access_token"), body.get("expires_in", _USUAL_LIFE_S)
    is_number = isinstance(lives_s, int | float) and math.isfinite(lives_s)
    if not isinstance(access, str) or not access or not is_number:
        raise _later("an answer that cannot be read")
    scope, refresh = body.get("scope"), body.get("refresh_token")
    return TokenAnswer(
        access=access,
        lives_s=float(lives_s),
        refresh=refresh if isinstance(refresh, str) else "",
        scopes=tuple(scope.split()) if isinstance(scope, str) else None,
    )


def _later(what: str) -> GatewayError:
    return GatewayError(Trouble.LATER, f"google tokens: {what}")

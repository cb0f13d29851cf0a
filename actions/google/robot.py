"""A service account: it acts for the office without anybody's permission page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google.auth.exceptions import GoogleAuthError, RefreshError
from google.oauth2.service_account import Credentials

from actions.google.endpoint import TokenAnswer, TokenRefused, Transport
from bot.core.errors import SettingsError
from bot.core.ports import GatewayError, Trouble
from bot.core.settings import ROOT, Settings

_VARIABLE = "GOOGLE_SERVICE_ACCOUNT_FILE"
_HOW_TO = (
    "baixe a chave de novo, em JSON, no Google Cloud (IAM e administrador, Contas de "
    "serviço, Chaves), ou deixe esta variável vazia para usar o cliente OAuth"
)


class ServiceAccount:
    """Gets access tokens with the key of a service account."""

    def __init__(self, settings: Settings, scopes: Sequence[str]) -> None:
        """Reads the key file.

        Args:
            settings: the file, whom it acts for, where tokens are given.
            scopes: what the tokens are for.

        Raises:
            SettingsError: there is no such file, or it is no key.
        """
        key = _read_key(settings.google_service_account_file)
        if settings.google_oauth_token_url != _default_token_url():
            key["token_uri"] = settings.google_oauth_token_url
        user = settings.google_service_account_user
        self._timeout_s = settings.google_timeout_s
        make: Any = Credentials.from_service_account_info
        try:
            self._credentials: Any = make(key, scopes=scopes, subject=user or None)
        except (GoogleAuthError, ValueError, TypeError) as error:
            problem = f"{_VARIABLE}: não é a chave de uma conta de serviço; {_HOW_TO}."
            raise SettingsError([problem]) from error

    def token(self) -> TokenAnswer:
        """Asks for a new access token.

        Raises:
            TokenRefused: the key or the delegation is not accepted.
            GatewayError: no answer, or none that can be read.
        """
        try:
            self._credentials.refresh(Transport(self._timeout_s))
        except RefreshError as error:
            raise _refusal(error) from error
        except (GoogleAuthError, ValueError, TypeError) as error:
            message = f"google tokens: {type(error).__name__}"
            raise GatewayError(Trouble.LATER, message) from error
        ends_at = self._credentials.expiry.replace(tzinfo=UTC)
        lives_s = (ends_at - datetime.now(UTC)).total_seconds()
        return TokenAnswer(str(self._credentials.token), lives_s)


def _read_key(name: str) -> dict[str, Any]:
    path = ROOT / name
    try:
        key = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError([f"{_VARIABLE} ({name!r}): {_missing(path)}"]) from error
    except ValueError as error:
        problem = f"{_VARIABLE} ({name!r}): o arquivo não é JSON; {_HOW_TO}."
        raise SettingsError([problem]) from error
    if not isinstance(key, dict):
        problem = f"{_VARIABLE} ({name!r}): não é a chave de uma conta de serviço"
        raise SettingsError([f"{problem}; {_HOW_TO}."])
    return key


def _missing(path: Path) -> str:
    if path.exists():
        return "não consigo ler o arquivo; confira as permissões dele."
    return f"não existe este arquivo; {_HOW_TO}."


def _refusal(error: RefreshError) -> Exception:
    """Returns what Google's library says in its own error, as ours."""
    told = error.args[1] if len(error.args) > 1 else None
    if not isinstance(told, dict) or not told.get("error"):
        return GatewayError(Trouble.LATER, "google tokens: no readable refusal")
    return TokenRefused(str(told["error"]), str(told.get("error_description", "")))


def _default_token_url() -> str:
    [found] = [f for f in fields(Settings) if f.name == "google_oauth_token_url"]
    return str(found.metadata["default"])

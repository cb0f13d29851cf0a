"""Asks a person at Google to permit what the office chose, and takes the answer.

An authorisation is good once, for ten minutes, for whoever began it. The database
holds the SHA-256 of its `state` and the PKCE verifier encrypted.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Iterable
from urllib.parse import urlencode, urlsplit

from sqlalchemy.engine import Engine

from actions.google.account import GoogleAccount
from actions.google.cipher import UnreadableError
from actions.google.endpoint import TokenAnswer, TokenRefused
from bot.core.errors import UserInputError
from bot.core.google_link import SCOPES
from bot.core.ports import Feature
from bot.core.settings import Settings
from bot.store import google
from bot.store.database import writing

VALID_S = 600.0
_KEPT_S = 86_400.0
"""How long an expired one can be told apart from one that never was."""
_STATE_BYTES, _VERIFIER_BYTES = 32, 64
_AGAIN = (
    "Comece de novo: Conectar, na página do Google no painel, ou make google-conectar."
)
_NO_CLIENT = (
    "Ainda falta o cliente OAuth do Google: preencha GOOGLE_CLIENT_ID e "
    "GOOGLE_CLIENT_SECRET no .env e reinicie. O passo a passo está em docs/google.md."
)
_NOT_NEEDED = (
    "O escritório usa uma conta de serviço (GOOGLE_SERVICE_ACCOUNT_FILE) e já está "
    "conectado: não há o que permitir."
)
_NOTHING_CHOSEN = "Escolha ao menos um recurso: agenda, disponibilidade ou arquivos."
_UNKNOWN = f"Este pedido de conexão não existe ou já foi apagado. {_AGAIN}"
_USED = f"Este retorno do Google já foi usado e não vale outra vez. {_AGAIN}"
_FOREIGN = (
    "Esta conexão foi começada em outra sessão do painel. "
    "Termine-a onde ela começou, ou comece aqui de novo."
)
_EXPIRED = f"Passaram mais de 10 minutos desde o início da conexão. {_AGAIN}"
_DENIED = (
    "A permissão não foi dada no Google, e nada mudou. Se foi engano, comece de novo e "
    "clique em Continuar na página do Google."
)
_GOOGLE_SAYS = f"O Google não concluiu a conexão, e nada mudou. {_AGAIN}"
_NOTHING_GRANTED = (
    "Nenhuma permissão ficou marcada na página do Google, e nada mudou. Comece de novo "
    "e deixe marcado o que o assistente deve usar."
)
_NOT_LASTING = (
    "O Google não mandou a autorização que dura, e nada mudou. Abra "
    "https://myaccount.google.com/connections, remova o acesso deste aplicativo e "
    "comece de novo."
)
_WRONG_CLIENT = (
    "O Google não aceitou o cliente OAuth: confira GOOGLE_CLIENT_ID e "
    "GOOGLE_CLIENT_SECRET no .env, reinicie e comece de novo."
)
_WRONG_ADDRESS = (
    "O Google não aceitou o endereço de retorno: cadastre-o no cliente OAuth, como "
    "docs/google.md explica, e comece de novo."
)


class Consent:
    """Begins and finishes authorisations; it blocks."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        account: GoogleAccount,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepares.

        Args:
            settings: the OAuth client and Google's page.
            engine: of the database, brought up to date.
            account: is connected at the end.
            clock: UTC seconds.
        """
        self._settings, self._engine = settings, engine
        self._account, self._clock = account, clock

    def begin(
        self, features: Iterable[Feature], *, redirect_uri: str, owner: str
    ) -> str:
        """Returns the address of Google's page that asks for the permission.

        Args:
            features: what should be permitted; nothing else is asked for.
            redirect_uri: where Google sends the browser back.
            owner: names who began, as a hash; only they may finish.

        Raises:
            UserInputError: there is nothing to ask for, or nobody to ask as.
        """
        scopes = sorted(SCOPES[feature] for feature in set(features))
        self._check(scopes, redirect_uri)
        state = secrets.token_urlsafe(_STATE_BYTES)
        verifier = secrets.token_urlsafe(_VERIFIER_BYTES)
        now = self._clock()
        consent = google.Consent(
            state_hash=_hash(state),
            verifier=self._account.cipher.encrypt(verifier),
            owner_hash=_hash(owner),
            redirect_uri=redirect_uri,
            created_at=now,
            expires_at=now + VALID_S,
        )
        with writing(self._engine) as connection:
            google.forget_consents(connection, before=now - _KEPT_S)
            google.begin_consent(connection, consent)
        asked = {
            "client_id": self._settings.google_client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": " ".join(scopes),
            "state": state,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
            "access_type": "offline",
            "include_granted_scopes": "true",
            "prompt": "consent",
        }
        return f"{self._settings.google_oauth_auth_url}?{urlencode(asked)}"

    def _check(self, scopes: list[str], redirect_uri: str) -> None:
        if self._account.is_robot:
            raise UserInputError(_NOT_NEEDED)
        if not self._account.status().is_configured:
            raise UserInputError(_NO_CLIENT)
        if not scopes:
            raise UserInputError(_NOTHING_CHOSEN, field="recursos")
        if urlsplit(redirect_uri).scheme not in {"http", "https"}:
            raise UserInputError("O endereço de retorno não serve.", field="retorno")

    def finish(
        self, state: str, code: str, *, owner: str, by: str, error: str = ""
    ) -> None:
        """Takes what the browser brought back, and connects the office.

        Args:
            state: as it came back.
            code: as it came back; "" with an error.
            owner: names who brings it, as at the beginning.
            by: where it was done, `painel` or `terminal`.
            error: Google's word where it gave no code, as `access_denied`.

        Raises:
            UserInputError: it cannot be finished; the text says what to do.
            GatewayError: Google did not answer; it must be begun again.
        """
        begun = self._used(state, owner)
        if error or not code:
            raise UserInputError(_DENIED if error == "access_denied" else _GOOGLE_SAYS)
        answer = self._redeemed(begun, code)
        if not set(answer.scopes or ()) & set(SCOPES.values()):
            raise UserInputError(_NOTHING_GRANTED)
        if not answer.refresh:
            raise UserInputError(_NOT_LASTING)
        self._account.connect(answer, by=by)

    def cancel(self, state: str) -> None:
        """Forgets an authorisation that nobody will finish."""
        with writing(self._engine) as connection:
            google.forget_consent(connection, _hash(state))

    def _used(self, state: str, owner: str) -> google.Consent:
        """Uses an authorisation up before anything is asked of Google."""
        now, key, whose = self._clock(), _hash(state), _hash(owner)
        with writing(self._engine) as connection:
            begun = google.find_consent(connection, key)
            is_used_now = google.use_consent(connection, key, owner_hash=whose, now=now)
        if begun is None or not is_used_now:
            raise UserInputError(_why_not(begun, whose, now))
        return begun

    def _redeemed(self, begun: google.Consent, code: str) -> TokenAnswer:
        try:
            verifier = self._account.cipher.decrypt(begun.verifier)
            return self._account.endpoint.redeem(
                code, verifier=verifier, redirect_uri=begun.redirect_uri
            )
        except UnreadableError as error:
            raise UserInputError(_GOOGLE_SAYS) from error
        except TokenRefused as error:
            raise UserInputError(_REFUSED.get(error.error, _GOOGLE_SAYS)) from error


_REFUSED = {
    "invalid_client": _WRONG_CLIENT,
    "unauthorized_client": _WRONG_CLIENT,
    "deleted_client": _WRONG_CLIENT,
    "redirect_uri_mismatch": _WRONG_ADDRESS,
}


def _why_not(begun: google.Consent | None, owner_hash: str, now: float) -> str:
    if begun is None:
        return _UNKNOWN
    if begun.owner_hash != owner_hash:
        return _FOREIGN
    return _EXPIRED if now >= begun.expires_at and not begun.used_at else _USED


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

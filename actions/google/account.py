"""The office's connection to Google: how it stands, and tokens to act with.

The database is the truth, because another process may connect or disconnect. A
permission that Google takes no more is asked about once, and then waits for a person.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

import structlog
from sqlalchemy.engine import Connection, Engine

from actions.google.cipher import TokenCipher, UnreadableError
from actions.google.endpoint import TokenAnswer, TokenEndpoint, TokenRefused
from actions.google.robot import ServiceAccount
from actions.google.tokens import InDatabase, InMemory, Keeper, Tokens, tokens_of
from actions.google.words import TO_LAWYERS
from bot.core.errors import UserInputError
from bot.core.google_link import SCOPES, GoogleStatus, Link
from bot.core.ports import Feature, GatewayError, Trouble
from bot.core.settings import Settings
from bot.store import google, jobs, notices
from bot.store.alerts import clear_alerts, raise_alert
from bot.store.database import reading, writing
from bot.store.google import OFFICE, ROBOT, Account

LOST = "google_reconectar"
"""Alert: somebody must permit again."""
CLIENT_REFUSED = "google_cliente"
"""Alert: Google does not know our OAuth client or takes its secret no more."""
WRONG_CLOCK = "google_relogio"
"""Alert: this machine's clock is too wrong for Google."""
PAUSE_S = 2.0
"""After a failure of the token endpoint, seconds in which nobody asks again."""
LONG_PAUSE_S = 60.0
"""The same after a refusal that the administrator may mend at Google."""
_EVERYTHING = tuple(SCOPES.values())
_WAITING = (Trouble.RECONNECT.value, Trouble.NOT_GRANTED.value)
_LEFT_BEHIND = (Trouble.RECONNECT.value,)
"""A job may be parked just after somebody connected again; it goes on with the next
renewal or start."""
_ROBOT_IS_SET = (
    "O escritório usa uma conta de serviço. Para mudar, apague "
    "GOOGLE_SERVICE_ACCOUNT_FILE do .env e reinicie."
)
log = structlog.get_logger()


class GoogleAccount:
    """Acts for the office at Google; several threads may ask at once. It blocks."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepares; nothing is asked of Google yet.

        Args:
            settings: client or service account, addresses, keys.
            engine: of the database, brought up to date.
            clock: UTC seconds.

        Raises:
            SettingsError: a key or the service account's file cannot be used.
        """
        self.cipher = TokenCipher(settings.token_keys)
        self.endpoint = TokenEndpoint(settings)
        self.is_robot = bool(settings.google_service_account_file)
        has_client = settings.google_client_id and settings.google_client_secret
        self._has_client = bool(has_client)
        self._engine, self._clock = engine, clock
        self._stored = InDatabase(self.cipher, self.endpoint)
        self._keeper: Keeper = self._stored
        if self.is_robot:
            self._keeper = InMemory(ServiceAccount(settings, _EVERYTHING))
        self._renewing = threading.Lock()
        self._pause_until = 0.0
        self._served: Account | None = None

    def open(self) -> None:
        """Does what is due at a start: one newest key for all, jobs that may go on."""
        now = self._clock()
        with writing(self._engine) as connection:
            for account in google.every(connection):
                self._encrypt_anew(connection, account, now)
            for consent in google.waiting_consents(connection):
                with contextlib.suppress(UnreadableError):
                    google.encrypt_consent_anew(
                        connection,
                        consent.state_hash,
                        verifier=self.cipher.rotate(consent.verifier),
                    )
            if self.is_robot:
                self._robot_connected(connection, now)
            elif google.find(connection) and not google.is_lost(connection):
                jobs.unpark(connection, _LEFT_BEHIND)

    def _encrypt_anew(
        self, connection: Connection, account: Account, now: float
    ) -> None:
        if account.name == ROBOT:
            return
        try:
            tokens = self.cipher.rotate(account.tokens)
        except UnreadableError:
            self._lose(connection, account, LOST, "TOKEN_KEYS", now)
        else:
            google.encrypt_anew(connection, account.name, tokens=tokens)

    # -- How it stands

    def status(self) -> GoogleStatus:
        """Returns how the office is connected."""
        account = self._account()
        is_configured = self.is_robot or self._has_client
        if account is None:
            return GoogleStatus(Link.OFF, is_configured=is_configured)
        link = Link(account.state)
        try:
            self._keeper.held(account)
        except UnreadableError:
            link = Link.RECONNECT
        return GoogleStatus(
            link,
            features=_features(account),
            since_at=account.since_at or None,
            connected_by=account.connected_by,
            is_configured=is_configured,
        )

    def _account(self) -> Account | None:
        with reading(self._engine) as connection:
            if self.is_robot:
                return google.find(connection, ROBOT) or _robot()
            return google.find(connection, OFFICE)

    # -- Tokens

    def access_token(self, feature: Feature, *, instead_of: str = "") -> str:
        """Returns a token that is good for a feature.

        Args:
            feature: what it is for.
            instead_of: a token that Google just refused; it is not given again.

        Raises:
            GatewayError: `NOT_GRANTED`, `RECONNECT`, or `LATER` where Google's token
                endpoint does not answer.
        """
        token = self._held(feature, instead_of)
        if token:
            return token
        with self._renewing:  # who waited finds what the one before got
            return self._held(feature, instead_of) or self._renewed(feature, instead_of)

    def _held(self, feature: Feature, instead_of: str) -> str:
        """Returns the token that is there; "" where it should be renewed."""
        now = self._clock()
        account, tokens = self._usable(feature)
        is_good = tokens.serves(now, instead_of=instead_of) and now < tokens.renew_at
        if not is_good or account.state == Link.RECONNECT.value:
            return ""
        self._served = account
        return tokens.access

    def _usable(self, feature: Feature) -> tuple[Account, Tokens]:
        account = self._account()
        if account is None or feature not in _features(account):
            raise GatewayError(Trouble.NOT_GRANTED, f"google: no {feature.value}")
        if account.state == Link.RECONNECT.value and self._waits_for_a_person():
            raise _reconnect()
        try:
            return account, self._keeper.held(account)
        except UnreadableError:
            self._lost(account, LOST, "TOKEN_KEYS")
            raise _reconnect() from None

    def _waits_for_a_person(self) -> bool:
        """A service account may be let in again at Google, without us."""
        return not self.is_robot or self._clock() < self._pause_until

    def _renewed(self, feature: Feature, instead_of: str) -> str:
        account, tokens = self._usable(feature)
        try:
            answer = self._ask(account, tokens)
        except GatewayError as error:
            is_good = tokens.serves(self._clock(), instead_of=instead_of)
            if is_good and error.trouble is Trouble.LATER:
                return tokens.access
            raise
        renewed = tokens_of(answer, now=self._clock(), refresh=tokens.refresh)
        with writing(self._engine) as connection:
            is_kept = self._keeper.keep(connection, account, renewed, answer)
            clear_alerts(connection, WRONG_CLOCK)
            jobs.unpark(connection, _LEFT_BEHIND)
            if account.state == Link.RECONNECT.value:
                self._robot_connected(connection, self._clock())
        if not is_kept:  # somebody connected anew meanwhile, or cut the connection
            return self._held(feature, instead_of) or self._renewed(feature, instead_of)
        self._served, tokens = self._usable(feature)
        return tokens.access

    def _ask(self, account: Account, tokens: Tokens) -> TokenAnswer:
        """Asks Google, unless it has just failed.

        Raises:
            GatewayError: `LATER` or `RECONNECT`.
        """
        if self._clock() < self._pause_until:
            raise GatewayError(Trouble.LATER, "google tokens: it failed just now")
        try:
            return self._keeper.ask(tokens)
        except TokenRefused as error:
            raise self._refusal(account, error) from error
        except GatewayError:
            self._pause_until = self._clock() + PAUSE_S
            raise

    def _refusal(self, account: Account, error: TokenRefused) -> GatewayError:
        log.warning("google_token_refused", error=error.error)
        if "timeframe" in error.description:
            self._pause_until = self._clock() + LONG_PAUSE_S
            with writing(self._engine) as connection:
                raise_alert(connection, WRONG_CLOCK, now=self._clock())
            return GatewayError(Trouble.LATER, "google tokens: our clock is wrong")
        if self.is_robot:
            self._pause_until = self._clock() + LONG_PAUSE_S
        alert = LOST if error.error == "invalid_grant" else CLIENT_REFUSED
        self._lost(account, alert, error.error)
        now_there = self._account()
        if now_there is not None and now_there.state == Link.CONNECTED.value:
            return GatewayError(Trouble.LATER, "google tokens: connected anew")
        return _reconnect()

    def refused(self) -> None:
        """Google takes no token of this connection any more."""
        if self.is_robot:
            self._pause_until = self._clock() + LONG_PAUSE_S
        if self._served is not None:
            self._lost(self._served, LOST, "401")

    def _lost(self, account: Account, alert: str, detail: str) -> None:
        with writing(self._engine) as connection:
            self._lose(connection, account, alert, detail, self._clock())

    def _lose(
        self,
        connection: Connection,
        account: Account,
        alert: str,
        detail: str,
        now: float,
    ) -> None:
        if account.name == ROBOT and google.find(connection, ROBOT) is None:
            google.save(connection, _robot())
        if google.mark_lost(connection, account, now=now):
            raise_alert(connection, alert, now=now, detail=detail)
            notices.tell_lawyers(connection, TO_LAWYERS, now=now)
            log.warning("google_lost", error=detail)

    # -- Connecting

    def connect(self, answer: TokenAnswer, *, by: str) -> None:
        """Keeps what somebody permitted, and lets what waited for it go on.

        Args:
            answer: what Google gave for the code, with a refresh token.
            by: where it was done, `painel` or `terminal`.
        """
        now = self._clock()
        account = Account(
            name=OFFICE,
            scopes=answer.scopes or (),
            tokens=self._stored.written(tokens_of(answer, now=now)),
            state=Link.CONNECTED.value,
            since_at=now,
            connected_at=now,
            connected_by=by,
        )
        with writing(self._engine) as connection:
            self._connected(connection, account)

    def _robot_connected(self, connection: Connection, now: float) -> None:
        known = google.find(connection, ROBOT)
        if known is not None and known.state == Link.CONNECTED.value:
            now = known.since_at
        self._connected(connection, _robot(now))

    def _connected(self, connection: Connection, account: Account) -> None:
        google.save(connection, account)
        clear_alerts(connection, LOST, CLIENT_REFUSED, WRONG_CLOCK)
        released = jobs.unpark(connection, _WAITING)
        log.info("google_connected", jobs=released)

    def disconnect(self) -> bool:
        """Gives the permission back and forgets it; what waited goes on without.

        Returns:
            Whether Google confirmed; if not, a person should look there too.

        Raises:
            UserInputError: a service account is not connected by anybody.
        """
        if self.is_robot:
            raise UserInputError(_ROBOT_IS_SET)
        account = self._account()
        is_confirmed = account is None or self._given_back(account)
        with writing(self._engine) as connection:
            google.forget(connection, OFFICE)
            clear_alerts(connection, LOST, CLIENT_REFUSED, WRONG_CLOCK)
            jobs.unpark(connection, _WAITING)
        return is_confirmed

    def _given_back(self, account: Account) -> bool:
        try:
            return self.endpoint.revoke(self._stored.held(account).refresh)
        except (UnreadableError, GatewayError) as error:
            log.warning("google_not_revoked", kind=type(error).__name__)
            return False


def _features(account: Account) -> frozenset[Feature]:
    return frozenset(
        feature for feature, scope in SCOPES.items() if scope in account.scopes
    )


def _robot(now: float = 0.0) -> Account:
    """Returns a service account's connection, which is there with its key."""
    return Account(
        name=ROBOT,
        scopes=_EVERYTHING,
        tokens="",
        state=Link.CONNECTED.value,
        since_at=now,
        connected_at=now,
        connected_by=ROBOT,
    )


def _reconnect() -> GatewayError:
    return GatewayError(Trouble.RECONNECT, "google: somebody must permit again")

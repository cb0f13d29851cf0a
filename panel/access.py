"""Who may enter: one-time links and server-side sessions.

`python -m panel.access link` prints a new link. Link keys and session tokens
are random 256-bit values; the database holds their SHA-256 alone. Everything
here blocks on the database: call it through `asyncio.to_thread`.
"""

from __future__ import annotations

import hashlib
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from sqlalchemy.engine import Engine

from bot.core.errors import SettingsError
from bot.core.settings import Settings, load_settings
from bot.store import panel_access
from bot.store.database import open_engine, reading, writing
from bot.store.migrate import upgrade

LINK_VALID_S = 15 * 60
SESSION_IDLE_S = 8 * 3600
SESSION_ABSOLUTE_S = 24 * 3600
_TOUCH_EVERY_S = 60
_OLD_LINKS_KEPT_S = 7 * 24 * 3600
"""A used or expired link is told apart from an unknown one for this long."""
_TOKEN_BYTES = 32

Clock = Callable[[], float]


class LinkState(str, Enum):
    """What became of a one-time link."""

    VALID = "valid"
    USED = "used"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Session:
    """An open session, as handlers see it."""

    token_hash: str
    """Names the session inside the process; not the cookie's value."""
    csrf_token: str
    """Goes into every form of this session."""


class Access:
    """Creates and checks links and sessions."""

    def __init__(self, engine: Engine, *, clock: Clock = time.time) -> None:
        self._engine = engine
        self._clock = clock

    def new_link(self) -> str:
        """Returns the key of a new link, valid for 15 minutes and one use."""
        key, now = secrets.token_urlsafe(_TOKEN_BYTES), self._clock()
        with writing(self._engine) as connection:
            panel_access.forget_expired(
                connection, links_before=now - _OLD_LINKS_KEPT_S, sessions_before=now
            )
            panel_access.add_link(
                connection, _hash(key), now=now, expires_at=now + LINK_VALID_S
            )
        return key

    def link_state(self, key: str) -> LinkState:
        """Looks a link up without using it."""
        with reading(self._engine) as connection:
            link = panel_access.find_link(connection, _hash(key))
        if link is None:
            return LinkState.UNKNOWN
        if link.used_at is not None:
            return LinkState.USED
        is_expired = link.expires_at <= self._clock()
        return LinkState.EXPIRED if is_expired else LinkState.VALID

    def enter(self, key: str, *, previous_token: str = "") -> str | None:
        """Uses a link up and opens a session.

        Args:
            key: the key that the link carries.
            previous_token: cookie value of a session that the new one replaces.

        Returns:
            The session's token, for the cookie; None where the link is not valid.
        """
        token, now = secrets.token_urlsafe(_TOKEN_BYTES), self._clock()
        with writing(self._engine) as connection:
            if not panel_access.use_link(connection, _hash(key), now=now):
                return None
            if previous_token:
                panel_access.end_session(connection, _hash(previous_token))
            panel_access.add_session(
                connection,
                panel_access.SessionRow(
                    token_hash=_hash(token),
                    csrf_token=secrets.token_urlsafe(_TOKEN_BYTES),
                    created_at=now,
                    last_seen_at=now,
                    expires_at=now + SESSION_ABSOLUTE_S,
                ),
            )
        return token

    def session(self, token: str, *, is_person_active: bool = True) -> Session | None:
        """Returns the open session of a cookie, or None.

        Args:
            token: the cookie's value.
            is_person_active: False for requests that a page makes by itself;
                those do not keep a forgotten browser signed in.
        """
        now = self._clock()
        with reading(self._engine) as connection:
            row = panel_access.find_session(connection, _hash(token))
        if row is None or now >= row.expires_at:
            return None
        if now - row.last_seen_at >= SESSION_IDLE_S:
            return None
        if is_person_active and now - row.last_seen_at >= _TOUCH_EVERY_S:
            with writing(self._engine) as connection:
                panel_access.touch_session(connection, row.token_hash, now=now)
        return Session(token_hash=row.token_hash, csrf_token=row.csrf_token)

    def leave(self, token: str) -> None:
        """Ends a session; harmless where there is none."""
        with writing(self._engine) as connection:
            panel_access.end_session(connection, _hash(token))


def link_url(settings: Settings, key: str) -> str:
    """Returns the address that a person opens to enter."""
    return f"{settings.panel_base_url}/painel/entrar?chave={key}"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def main(arguments: Sequence[str]) -> int:
    """Prints a one-time link; the only line on standard output."""
    if list(arguments) != ["link"]:
        sys.stderr.write("Uso: python -m panel.access link\n")
        return 2
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.stderr.write(f"Configuração com problema:\n{error}\n")
        return 2
    engine = open_engine(settings.database_url)
    try:
        upgrade(engine)
        key = Access(engine).new_link()
    finally:
        engine.dispose()
    sys.stdout.write(link_url(settings, key) + "\n")
    sys.stderr.write("Vale por 15 minutos e abre o painel uma única vez.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

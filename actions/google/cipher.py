"""Encrypts what of Google's must not stand in the database in clear."""

from __future__ import annotations

import re

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bot.core.errors import SettingsError

_KEY = re.compile(r"[A-Za-z0-9_-]{43}=?")
_FERNET_KEY_LENGTH = 44
_HOW_TO = (
    "TOKEN_KEYS: {what}. Cada chave tem 43 caracteres, como as que este comando "
    "escreve: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
)


class UnreadableError(Exception):
    """None of the keys reads a text: the one it was written with is gone."""


class TokenCipher:
    """Encrypts under the first key, and reads under any."""

    def __init__(self, keys: str) -> None:
        """Reads the keys.

        Args:
            keys: `TOKEN_KEYS`, separated by commas; the newest first.

        Raises:
            SettingsError: one of them is no key, or there is none.
        """
        written = [part.strip() for part in keys.split(",") if part.strip()]
        if not written:
            raise SettingsError([_HOW_TO.format(what="não há nenhuma chave")])
        wrong = [
            str(place)
            for place, key in enumerate(written, start=1)
            if not _KEY.fullmatch(key)
        ]
        if wrong:
            what = f"não serve como chave a de número {', '.join(wrong)} da lista"
            raise SettingsError([_HOW_TO.format(what=what)])
        each = [Fernet(key.ljust(_FERNET_KEY_LENGTH, "=")) for key in written]
        self._newest, self._all = each[0], MultiFernet(each)

    def encrypt(self, text: str) -> str:
        """Returns a text that only the newest key reads."""
        return self._newest.encrypt(text.encode()).decode()

    def decrypt(self, text: str) -> str:
        """Returns what was encrypted, under whichever key.

        Raises:
            UnreadableError: no key reads it.
        """
        try:
            return self._all.decrypt(text.encode()).decode()
        except InvalidToken as error:
            raise UnreadableError from error

    def rotate(self, text: str) -> str:
        """Returns the same under the newest key; as it is where it is so already.

        Raises:
            UnreadableError: no key reads it.
        """
        try:
            self._newest.decrypt(text.encode())
        except InvalidToken:
            return self.encrypt(self.decrypt(text))
        return text

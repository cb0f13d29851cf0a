"""What keeps Google's tokens unreadable in the database."""

from __future__ import annotations

import secrets

import pytest

from actions.google.cipher import TokenCipher, UnreadableError
from bot.core.errors import SettingsError


def new_key() -> str:
    return secrets.token_urlsafe(32)


def test_text_comes_back_and_is_not_to_be_seen():
    cipher = TokenCipher(new_key())

    written = cipher.encrypt("1//0token-de-teste")

    assert "token-de-teste" not in written
    assert cipher.decrypt(written) == "1//0token-de-teste"


def test_same_text_is_written_differently_each_time():
    cipher = TokenCipher(new_key())

    assert cipher.encrypt("a") != cipher.encrypt("a")


def test_fifty_texts_survive_a_new_key_and_the_end_of_the_old_one():
    old, new = new_key(), new_key()
    before = [TokenCipher(old).encrypt(f"token {n}") for n in range(50)]

    both = TokenCipher(f"{new}, {old}")
    after = [both.rotate(text) for text in before]

    assert [TokenCipher(new).decrypt(text) for text in after] == [
        f"token {n}" for n in range(50)
    ]
    for text in after:
        with pytest.raises(UnreadableError):
            TokenCipher(old).decrypt(text)


def test_text_under_the_newest_key_stays_as_it_is():
    cipher = TokenCipher(f"{new_key()},{new_key()}")
    written = cipher.encrypt("a")

    assert cipher.rotate(written) == written


@pytest.mark.parametrize("change", ["decrypt", "rotate"])
@pytest.mark.parametrize("text", ["", "texto", "gAAAAAB" + "x" * 80])
def test_what_no_key_reads_is_told(change, text):
    lost = TokenCipher(new_key()).encrypt("a")
    cipher = TokenCipher(new_key())

    for each in (text, lost):
        with pytest.raises(UnreadableError):
            getattr(cipher, change)(each)


def test_key_with_its_padding_is_the_same_key():
    key = new_key()

    assert TokenCipher(f"{key}=").decrypt(TokenCipher(key).encrypt("a")) == "a"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("", "não há nenhuma chave"),
        (" , ", "não há nenhuma chave"),
        ("curta", "número 1"),
        (f"{'a' * 43},{'b' * 42}", "número 2"),
        (f"{'a' * 43},{'b' * 42}ç,{'c' * 45}", "número 2, 3"),
    ],
)
def test_wrong_key_is_refused_at_start_without_being_shown(keys, said):
    with pytest.raises(SettingsError) as caught:
        TokenCipher(keys)

    [problem] = caught.value.problems
    assert problem.startswith("TOKEN_KEYS: ")
    assert said in problem
    assert "token_urlsafe(32)" in problem
    assert "b" * 40 not in problem

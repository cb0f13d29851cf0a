"""Cleaning of what strangers write; nothing that they write is a command."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.names import INTENTS
from bot.core.texts import clean, looks_like_command, without_command_mark

LEADING_SLASH = (
    "/restart",
    "/back",
    "/session_start",
    "/out_of_scope",
    "/agendar_consulta",
    '/agendar_consulta{"data": "amanhã"}',
    '/informar_dados{"nome": "Maria"}',
    "/saudar@1.0",
    '/saudar@0.99{"nome": "x"}',
    " /restart",
    "\t/restart",
    "\n\n/restart",
    "\u00a0/restart",
    "\u200b/restart",
    "\ufeff/restart",
    "\u2060\u200d/restart",
    "/\u200b/restart",
    "//restart",
    "///restart",
    "/ /restart",
    "/ restart",
    "\u200b / \u200b /restart",
    "\u202e/restart",
    "/",
    "/ / /",
)
COMMANDS = tuple(text for text in LEADING_SLASH if text.strip("/ "))
WORDS = (
    "",
    "/",
    "/menu",
    "/ajuda",
    "/start",
    "/sim, pode ser",
    "/10 de maio",
    "/saudar a todos",
    "sim",
    "e/ou",
    "24/7",
    "restart",
    "agendar_consulta",
    "meu_nome_de_usuario",
    "https://escritorio.example/restart",
    "joao@escritorio.example",
)


class TestCleaning:
    @pytest.mark.parametrize(
        ("written", "kept"),
        [
            ("oi\x00 tudo bem", "oi tudo bem"),
            ("oi \ud83d tudo bem", "oi  tudo bem"),
            ("\udce1", ""),
            ("linha um\r\nlinha dois", "linha um\nlinha dois"),
            ("um\tdois", "um\tdois"),
            ("\x1b[31mvermelho\x7f\x85", "[31mvermelho"),
            ("Jose\u0301", "José"),
            ("São Paulo 😟 👩‍⚖️", "São Paulo 😟 👩‍⚖️"),
        ],
    )
    def test_only_what_cannot_be_kept_is_dropped(self, written, kept):
        assert clean(written) == kept

    @given(st.text(st.characters()))
    def test_clean_text_can_be_stored_and_stays_clean(self, text):
        cleaned = clean(text)

        cleaned.encode("utf-8")
        assert "\x00" not in cleaned
        assert unicodedata.is_normalized("NFC", cleaned)
        assert clean(cleaned) == cleaned


class TestCommands:
    @pytest.mark.parametrize("text", LEADING_SLASH)
    def test_leading_slash_never_reaches_rasa(self, text):
        words = without_command_mark(text)

        assert not words.strip().startswith("/")

    @pytest.mark.parametrize("text", COMMANDS)
    def test_shape_of_a_command_is_recognized(self, text):
        assert looks_like_command(text)

    @pytest.mark.parametrize("intent", INTENTS)
    def test_name_of_every_intent_after_a_slash_is_a_command(self, intent):
        assert looks_like_command(f"/{intent}")

    @pytest.mark.parametrize("text", WORDS)
    def test_words_are_no_command(self, text):
        assert not looks_like_command(text)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("/menu", "menu"),
            ("  /ajuda, por favor ", "ajuda, por favor"),
            ("processo 1/2024", "processo 1/2024"),
            ("e/ou", "e/ou"),
        ],
    )
    def test_words_after_a_slash_are_kept(self, text, words):
        assert without_command_mark(text) == words

    @given(st.text(st.sampled_from("/ \n\u200b\ufeff\u2060ab_{}@1") | st.characters()))
    def test_no_text_is_a_command_once_its_mark_is_off(self, text):
        words = without_command_mark(text)

        assert not words.strip().startswith("/")
        assert without_command_mark(words) == words
        assert words in text

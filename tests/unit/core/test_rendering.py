"""One answer as WhatsApp messages."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.rendering import MAX_CHARS, split, with_choices

WORD = st.text(st.sampled_from("abcçãé.;:*_😀\u0301"), min_size=1, max_size=40)
SPACE = st.sampled_from((" ", "\n", "\n\n", "  ", ". ", "; "))
LONG_TEXTS = st.lists(st.tuples(WORD, SPACE), max_size=120).map(
    lambda pairs: "".join(word + space for word, space in pairs) * 6
)
GRAPHEMES = (
    "a", "e\u0301", "👍🏽", "👨‍👩‍👧‍👦", "🇧🇷", "🇵🇹", "1️⃣", "❤️", "😀", "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
)  # fmt: skip
ATOMS = (
    "https://www.tst.jus.br/consulta?a=1,2;b=3",
    "0012457-26.2021.8.26.0100",
    "ana.silva@escritorio.adv.br",
    "(11) 98765-4321",
    "+55 11 98765-4321",
    "0800 123 4567",
    "+351 912 345 678",
    "R$ 2.780,50",
    "R$\u00a02.780,50",
    "2.780,50 reais",
    "*até amanhã. Sem falta*",
    "_dois dias; não três_",
    "~um texto riscado~",
    "`um código`",
    "```várias\n\nlinhas. E mais```",
    "*_negrito. E itálico_*",
    "inconstitucionalissimamente",
)


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def without_spaces(text: str) -> str:
    return "".join(text.split())


class TestSplitting:
    @settings(max_examples=60)
    @given(LONG_TEXTS | st.text(max_size=50) | st.text("ab \n", max_size=5000))
    def test_nothing_but_white_space_is_lost(self, text):
        assert without_spaces("".join(split(text))) == without_spaces(text)

    @settings(max_examples=60)
    @given(LONG_TEXTS | st.integers(0, 5000).map("x".__mul__))
    def test_every_part_fits_and_none_is_blank(self, text):
        parts = split(text)

        assert all(part.strip() and units(part) <= MAX_CHARS for part in parts)

    @pytest.mark.parametrize("text", ["", " ", "\n\n", " " * 2000])
    def test_blank_text_has_no_part(self, text):
        assert split(text) == []

    @pytest.mark.parametrize("length", [1, MAX_CHARS - 1, MAX_CHARS])
    def test_text_that_fits_stays_whole(self, length):
        assert split("x" * length) == ["x" * length]

    def test_one_character_too_many_makes_a_second_part(self):
        assert split("x" * (MAX_CHARS + 1)) == ["x" * MAX_CHARS, "x"]

    @pytest.mark.parametrize("mark", ["\n\n", "\n", ". ", "; ", " "])
    def test_text_breaks_where_people_would(self, mark):
        head, tail = "a" * 1400 + mark.strip(), "b" * 900

        assert split(head + (mark[-1] if mark.strip() else mark) + tail) == [head, tail]

    def test_paragraph_is_preferred_to_a_later_sentence(self):
        first, second = "a" * 1000, "b" * 400 + ". " + "c" * 900

        assert split(f"{first}\n\n{second}")[0] == first

    def test_early_break_does_not_make_a_tiny_part(self):
        assert len(split("Oi.\n\n" + "x" * 3000)[0]) == MAX_CHARS

    def test_break_in_the_first_half_saves_a_word_from_being_cut(self):
        assert split("a" * 700 + " " + "b" * 1500) == ["a" * 700, "b" * 1500]

    def test_latest_paragraph_past_the_half_ends_the_part(self):
        paragraphs = ["a" * 300, "b" * 600, "c" * 500, "d" * 900]

        assert split("\n\n".join(paragraphs))[0] == "\n\n".join(paragraphs[:3])

    @pytest.mark.parametrize("short", ["Dra. Ana", "art. 5", "1. item"])
    def test_abbreviation_ends_no_sentence(self, short):
        text = "a" * 1000 + ". " + "b" * 300 + " " + short + " " + "c" * 900

        assert split(text)[0] == "a" * 1000 + "."

    def test_emoji_counts_twice_as_in_utf_16(self):
        assert split("😀" * 800) == ["😀" * 800]
        assert split("😀" * 801) == ["😀" * 800, "😀"]

    @given(st.text(max_size=400))
    def test_short_text_is_its_own_only_part(self, text):
        assert split(text) == ([text] if text.strip() else [])


class TestWhatStaysWhole:
    @pytest.mark.parametrize("atom", ATOMS)
    def test_nothing_that_belongs_together_is_cut(self, atom):
        for before in range(MAX_CHARS - len(atom) - 1, MAX_CHARS + 1):
            parts = split("a" * 500 + " " + "b" * (before - 501) + f" {atom} fim.")

            assert any(atom in part for part in parts), before

    @pytest.mark.parametrize("atom", ATOMS[:3])
    def test_address_inside_an_endless_word_is_not_cut(self, atom):
        for before in range(MAX_CHARS - len(atom) - 1, MAX_CHARS + 1):
            parts = split("," * before + atom + " " + "b" * 20)

            assert any(atom in part for part in parts), before

    @settings(max_examples=40)
    @given(st.lists(st.sampled_from(GRAPHEMES), min_size=200, max_size=400))
    def test_what_people_see_as_one_character_is_not_cut(self, graphemes):
        graphemes *= 5
        ends = set(accumulate(map(len, graphemes)))

        parts = split("".join(graphemes))

        assert set(accumulate(map(len, parts))) <= ends

    @pytest.mark.parametrize("grapheme", GRAPHEMES)
    def test_character_at_the_limit_goes_over_whole(self, grapheme):
        for before in range(MAX_CHARS - 16, MAX_CHARS + 1):
            first, *rest = split("a" * before + grapheme * 9)

            assert len(first.removeprefix("a" * before)) % len(grapheme) == 0
            assert "".join([first, *rest]) == "a" * before + grapheme * 9

    def test_space_that_carries_an_accent_is_not_lost(self):
        text = "a" * 700 + " " + "b" * 650 + " \u0301" + "c" * 600

        assert split(text)[0] == "a" * 700

    def test_character_longer_than_a_message_is_cut_at_last(self):
        text = "e" + "\u0301" * 2000

        assert "".join(split(text)) == text

    @pytest.mark.parametrize("mark", ["*", "_", "~", "`", "```"])
    def test_too_long_a_span_is_closed_and_opened_again(self, mark):
        text = mark + "palavra " * 399 + "fim" + mark

        parts = split(text)

        assert all(p.startswith(mark) and p.endswith(mark) for p in parts)
        assert all(units(part) <= MAX_CHARS for part in parts)
        bare = [part.removeprefix(mark).removesuffix(mark) for part in parts]
        assert " ".join(bare) == "palavra " * 399 + "fim"

    def test_no_part_holds_marks_around_nothing(self):
        text = "b" * 1590 + " ```\n" + "palavra " * 399 + "\n```"

        first, *rest = split(text)

        assert first == "b" * 1590
        assert all("palavra" in part for part in rest)

    def test_marks_inside_one_another_close_and_open_in_order(self):
        first, *_, last = split("*_" + "palavra " * 399 + "fim_*")

        assert first.endswith("palavra_*")
        assert last.startswith("*_palavra")

    def test_span_as_long_as_a_message_stays_whole(self):
        span = "*" + "a" * 700 + " " + "b" * 897 + "*"

        assert split(f"Oi. {span} fim") == ["Oi.", span, "fim"]


class TestChoices:
    def test_choices_are_numbered_lines_below_the_text(self):
        shown = with_choices("Qual horário?", ["9h", "10h"])

        assert shown == "Qual horário?\n\n1. 9h\n2. 10h"

    def test_text_without_choices_stays_as_it_is(self):
        assert with_choices("Olá!", []) == "Olá!"

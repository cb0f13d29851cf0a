"""One answer as WhatsApp messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.rendering import MAX_CHARS, split, with_choices

WORD = st.text(st.sampled_from("abcçãé.;:*_😀\u0301"), min_size=1, max_size=40)
SPACE = st.sampled_from((" ", "\n", "\n\n", "  ", ". ", "; "))
LONG_TEXTS = st.lists(st.tuples(WORD, SPACE), max_size=300).map(
    lambda pairs: "".join(word + space for word, space in pairs) * 3
)


def without_spaces(text: str) -> str:
    return "".join(text.split())


class TestSplitting:
    @given(LONG_TEXTS | st.text(max_size=50) | st.text("ab \n", max_size=5000))
    def test_nothing_but_white_space_is_lost(self, text):
        assert without_spaces("".join(split(text))) == without_spaces(text)

    @given(LONG_TEXTS | st.integers(0, 5000).map("x".__mul__))
    def test_every_part_fits_and_none_is_blank(self, text):
        parts = split(text)

        assert all(part.strip() and len(part) <= MAX_CHARS for part in parts)

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


class TestChoices:
    def test_choices_are_numbered_lines_below_the_text(self):
        shown = with_choices("Qual horário?", ["9h", "10h"])

        assert shown == "Qual horário?\n\n1. 9h\n2. 10h"

    def test_text_without_choices_stays_as_it_is(self):
        assert with_choices("Olá!", []) == "Olá!"

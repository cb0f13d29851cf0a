"""Numbers of lawsuits: check digits by CNJ Resolution 65/2008 (ISO 7064, mod 97)."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.core.lawsuits import is_lawsuit_number

PUBLISHED = "00008323520184013202"
"""0000832-35.2018.4.01.3202, the example in the open data API guide of the CNJ."""
BODIES = st.from_regex(r"[0-9]{18}", fullmatch=True)


def with_check_digits(body: str) -> str:
    check = 98 - int(body + "00") % 97
    return f"{body[:7]}{check:02d}{body[7:]}"


def test_published_number_is_right():
    assert is_lawsuit_number(PUBLISHED)


@given(BODIES)
def test_check_digits_by_the_resolution_are_right(body):
    assert is_lawsuit_number(with_check_digits(body))


@given(BODIES, st.integers(0, 19), st.sampled_from("0123456789"))
def test_one_wrong_digit_is_found(body, place, digit):
    number = with_check_digits(body)
    assume(number[place] != digit)

    assert not is_lawsuit_number(number[:place] + digit + number[place + 1 :])


@given(BODIES, st.integers(0, 18))
def test_two_digits_that_changed_places_are_found(body, place):
    number = with_check_digits(body)
    assume(number[place] != number[place + 1])
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]

    assert not is_lawsuit_number(swapped)


@pytest.mark.parametrize(
    "text",
    [
        "",
        PUBLISHED[:-1],
        PUBLISHED + "0",
        "0000832-35.2018.4.01.3202",
        PUBLISHED[:-1] + " ",
        PUBLISHED.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
        PUBLISHED[:-1] + "²",
        "-" + PUBLISHED[1:],
    ],
)
def test_anything_but_twenty_digits_is_no_number(text):
    assert not is_lawsuit_number(text)

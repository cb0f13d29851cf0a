"""WhatsApp's 24 hours, to the second."""

from __future__ import annotations

import pytest

from bot.core.window import is_open

WROTE = 1_795_000_000.0


def at(hours: int, minutes: int, seconds: int) -> float:
    return WROTE + hours * 3600 + minutes * 60 + seconds


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(at(0, 0, 0), True, id="at-once"),
        pytest.param(at(23, 58, 59), True, id="23:58:59"),
        pytest.param(at(23, 59, 0), False, id="23:59:00"),
        pytest.param(at(23, 59, 1), False, id="23:59:01"),
        pytest.param(at(24, 0, 1), False, id="24:00:01"),
    ],
)
def test_window_closes_a_minute_before_24_hours(now, expected):
    assert is_open(WROTE, None, now=now) is expected


def test_who_never_wrote_has_no_window():
    assert not is_open(None, None, now=WROTE)


@pytest.mark.parametrize(
    ("closed_at", "expected"),
    [(WROTE - 1, True), (WROTE, False), (WROTE + 1, False)],
    ids=["before", "same-moment", "after"],
)
def test_window_that_twilio_found_closed_stays_so_until_the_person_writes(
    closed_at, expected
):
    assert is_open(WROTE, closed_at, now=WROTE + 60) is expected

"""When a host is left alone, and what brings it back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_fallback.hosting.breaker import Breaker


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock=clock, chance=lambda: 0.0)


def play(breaker: Breaker, outcomes: str) -> None:
    """Plays answers ("s") and failures ("f")."""
    for outcome in outcomes:
        breaker.succeeded() if outcome == "s" else breaker.failed()


def fail_probe(breaker: Breaker, clock: Clock) -> float:
    """Waits for the next probe, lets it fail, and returns the waited seconds."""
    pause_s = breaker.seconds_to_probe
    assert pause_s is not None
    clock.now_s += pause_s
    assert breaker.begin_probe()
    breaker.end_probe(works=False)
    return pause_s


@pytest.mark.parametrize(
    ("outcomes", "is_closed"),
    [
        ("", True),
        ("ff", True),
        ("fff", False),
        ("ffsff", True),
        ("fsfsfsfs", True),
        ("fsfsfsfsf", False),
        ("ffsffsf", False),
        ("ffsffsssssssf", True),
        ("ssssssssssfff", False),
    ],
)
def test_three_failures_in_a_row_or_half_of_the_last_ten_open_it(
    breaker: Breaker, outcomes: str, is_closed: bool
) -> None:
    play(breaker, outcomes)

    assert breaker.is_closed is is_closed


def test_pause_doubles_up_to_the_longest(breaker: Breaker, clock: Clock) -> None:
    play(breaker, "fff")

    assert [fail_probe(breaker, clock) for _ in range(6)] == [5, 10, 20, 40, 60, 60]


def test_pause_never_overflows(breaker: Breaker, clock: Clock) -> None:
    play(breaker, "fff")

    pauses = {fail_probe(breaker, clock) for _ in range(5000)}

    assert max(pauses) == 60


@pytest.mark.parametrize(("chance", "pause_s"), [(0.0, 5.0), (0.5, 4.5), (1.0, 4.0)])
def test_pauses_of_several_processes_differ(chance: float, pause_s: float) -> None:
    breaker = Breaker(clock=Clock(), chance=lambda: chance)

    breaker.trip()

    assert breaker.seconds_to_probe == pytest.approx(pause_s)


def test_probe_waits_for_its_time(breaker: Breaker, clock: Clock) -> None:
    breaker.trip()

    clock.now_s += 4.9
    assert not breaker.begin_probe()
    clock.now_s += 0.2
    assert breaker.begin_probe()


def test_only_one_probes(breaker: Breaker, clock: Clock) -> None:
    breaker.trip()
    clock.now_s += 5

    assert [breaker.begin_probe() for _ in range(3)] == [True, False, False]


def test_probe_that_works_closes_it(breaker: Breaker, clock: Clock) -> None:
    breaker.trip()
    clock.now_s += 5
    breaker.begin_probe()
    assert not breaker.is_closed

    breaker.end_probe(works=True)

    assert breaker.is_closed
    assert breaker.seconds_to_probe is None


def test_failures_before_the_probe_are_forgotten(
    breaker: Breaker, clock: Clock
) -> None:
    play(breaker, "fff")
    clock.now_s += 5
    breaker.begin_probe()
    breaker.end_probe(works=True)

    play(breaker, "ff")

    assert breaker.is_closed


@pytest.mark.parametrize(("between", "pause_s"), [("", 10), ("s", 5)])
def test_only_an_answered_question_makes_pauses_short_again(
    breaker: Breaker, clock: Clock, between: str, pause_s: float
) -> None:
    play(breaker, "fff")
    clock.now_s += 5
    breaker.begin_probe()
    breaker.end_probe(works=True)

    play(breaker, between + "fff")

    assert breaker.seconds_to_probe == pause_s


@pytest.mark.parametrize("late", ["s", "ssss", "f", "fff"])
def test_late_outcomes_change_nothing(
    breaker: Breaker, clock: Clock, late: str
) -> None:
    play(breaker, "fff")

    play(breaker, late)

    assert not breaker.is_closed
    assert breaker.seconds_to_probe == 5
    clock.now_s += 5
    breaker.begin_probe()
    play(breaker, late)
    breaker.end_probe(works=True)
    assert breaker.is_closed


def test_probe_that_nobody_began_closes_nothing(breaker: Breaker) -> None:
    breaker.trip()

    breaker.end_probe(works=True)

    assert not breaker.is_closed


def test_observers_hear_of_changes_alone(breaker: Breaker, clock: Clock) -> None:
    heard: list[bool] = []
    breaker.subscribe(lambda: heard.append(breaker.is_closed))

    play(breaker, "sff")
    assert heard == []
    play(breaker, "fff")
    assert heard == [False]
    breaker.trip()
    clock.now_s += 5
    breaker.begin_probe()
    breaker.end_probe(works=True)

    assert heard == [False, False, True]


@given(st.lists(st.sampled_from("sfpwxt"), max_size=80))
def test_whatever_happens_a_probe_brings_it_back(events: list[str]) -> None:
    clock = Clock()
    breaker = Breaker(clock=clock)
    for event in events:
        clock.now_s += 7
        match event:
            case "p":
                breaker.begin_probe()
            case "w" | "x":
                breaker.end_probe(works=event == "w")
            case "t":
                breaker.trip()
            case _:
                play(breaker, event)
        if breaker.seconds_to_probe is not None:
            assert 0 <= breaker.seconds_to_probe <= 60
            assert not breaker.is_closed

    breaker.end_probe(works=False)
    if not breaker.is_closed:
        clock.now_s += 60
        assert breaker.begin_probe()
        breaker.end_probe(works=True)
    assert breaker.is_closed

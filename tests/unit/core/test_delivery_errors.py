"""What each error code of Twilio asks for."""

from __future__ import annotations

import pytest

from bot.core.delivery_errors import Action, code_of, rule_of


@pytest.mark.parametrize(
    ("codes", "action"),
    [
        ("21610 63014 63033", Action.OPT_OUT),
        ("63016", Action.CLOSE_WINDOW),
        ("63018 20429", Action.SLOW_DOWN),
        ("63024 63003", Action.CALL),
        ("63019 63021 63041 21658", Action.PLAIN_TEXT),
        ("63032 63038 63015 20003 21617", Action.GIVE_UP),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_code_has_its_action(codes, action):
    assert {rule_of(code).action for code in codes.split()} == {action}


@pytest.mark.parametrize(
    "code", ["63038", "63015", "63041", "20003", "21617", "21658", "307", "404"]
)
def test_whoever_runs_this_learns_of_what_they_must_mend(code):
    assert rule_of(code).alerts


@pytest.mark.parametrize("code", ["", "1", "63999", "sent"])
def test_unknown_code_is_not_tried_again(code):
    assert rule_of(code).action is Action.GIVE_UP
    assert not rule_of(code).alerts


@pytest.mark.parametrize(
    ("code", "expected"), [("401", "20003"), ("403", "20003"), ("63016", "63016")]
)
def test_bare_refusal_of_the_credentials_has_their_code(code, expected):
    assert code_of(code) == expected

"""R1: the run of a thousand deaths is there, and does not pass unless they came.

The run itself is `make chaos`; what its judge sees is in `tests/chaos/test_judge.py`.
"""

from __future__ import annotations

import subprocess
from types import SimpleNamespace

import aiohttp
import pytest

from bot.core.settings import ROOT
from bot.store.database import open_engine
from bot.store.migrate import upgrade
from tests.chaos.run import Chaos, Plan


def test_r1_make_chaos_runs_the_chaos_of_the_tests():
    shown = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "chaos"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )

    assert "-m tests.chaos" in shown.stdout


def test_r1_the_usual_run_has_the_kills_of_the_goal():
    assert Plan().kills_edge >= 60
    assert Plan().messages >= 400


@pytest.mark.parametrize(
    ("asked", "is_passed"),
    [
        ({}, True),
        ({"kills_edge": 1}, False),
        ({"kills_rasa": 1}, False),
        ({"kills_actions": 1}, False),
        ({"messages": 1}, False),
    ],
    ids=["all done", "edge", "rasa", "actions", "messages"],
)
async def test_r1_run_with_less_than_was_asked_for_does_not_pass(
    tmp_path, twilio, asked, is_passed
):
    url = f"sqlite:///{tmp_path}/chaos.db"
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{twilio.url}/_fake/record") as answer,
    ):
        record = await answer.json()
    nothing = {"messages": 0, "kills_edge": 0, "kills_rasa": 0, "kills_actions": 0}

    chaos = Chaos(
        Plan(**{**nothing, **asked}),
        SimpleNamespace(environment={"DATABASE_URL": url}),
        SimpleNamespace(url=twilio.url, record=lambda: record),
    )

    assert chaos._report().is_passed is is_passed

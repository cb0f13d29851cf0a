"""Servers that the goals share; Rasa's environment runs none of them."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator

import pytest

if importlib.util.find_spec("rasa") is None:
    from tests.fakes.fake_twilio import FakeTwilio, serve
    from tests.postgres import postgres_server
    from tests.unit.desk import desk, empty_database
    from tests.unit.google_office import google, office

    __all__ = ["desk", "empty_database", "google", "office", "postgres_server"]

    @pytest.fixture
    async def twilio() -> AsyncIterator[FakeTwilio]:
        """A Twilio on loopback whose clock is ours."""
        async with serve(FakeTwilio()) as running:
            yield running

else:
    collect_ignore_glob = ["*"]

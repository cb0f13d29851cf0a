"""What tests of actions share; Rasa's environment runs `unit/core` alone."""

from __future__ import annotations

import importlib.util

if importlib.util.find_spec("rasa") is None:
    from tests.unit.desk import desk, empty_database  # noqa: F401 - fixtures
    from tests.unit.google_office import google, office  # noqa: F401 - fixtures

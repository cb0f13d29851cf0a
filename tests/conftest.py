"""Which environment runs which tests.

`.venv` runs everything but `rasa/`. `.venv-rasa` (`pytest -c tests/rasa.ini`)
runs `rasa/`, and what must hold on Python 3.10 with Rasa's older libraries.
"""

from __future__ import annotations

import importlib.util
import os

from hypothesis import settings

settings.register_profile("suite", deadline=None)  # the machine may be busy
settings.load_profile("suite")

_HAS_RASA = importlib.util.find_spec("rasa") is not None
collect_ignore_glob = (
    ["chaos", "contract", "e2e", "speech", "unit/test_*.py"]
    if _HAS_RASA
    else ["rasa", "rasa/*"]
)

SPEECH_MODEL = os.environ.pop("WHISPER_MODEL", "")
"""Names the weights that `tests/speech` hears with; no other test shall load them."""

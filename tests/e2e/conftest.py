"""One running stack for the tests that do not stop anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.stack import MODEL, FakeService, Stack, fake_ollama, fake_twilio, open_stack

MODEL_WRITES = "Posso **chamar** uma pessoa da equipe."
MODEL_SAYS = "Posso *chamar* uma pessoa da equipe."
"""The same on WhatsApp, whose bold is not Markdown's."""


@dataclass(frozen=True)
class Office:
    """A whole office at work: four processes, a Twilio and a model."""

    stack: Stack
    twilio: FakeService


@pytest.fixture(scope="session", autouse=True)
def _needs_a_model() -> None:
    if not MODEL.is_file():
        pytest.skip("falta o modelo: rode 'make train'", allow_module_level=True)


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder: Path = tmp_path_factory.mktemp("office")
    with fake_twilio() as twilio, fake_ollama(MODEL_WRITES) as ollama:
        settings = {"TWILIO_API_BASE_URL": twilio.url, "OLLAMA_HOST": ollama.url}
        with open_stack(folder, **settings) as stack:
            stack.start("borda", "acoes", "painel", "rasa")
            yield Office(stack, twilio)

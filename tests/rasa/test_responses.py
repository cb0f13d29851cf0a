"""What people wrote is shown to them as they wrote it."""

from __future__ import annotations

from typing import Any

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker

from bot.runtime.responses import OfficeResponses

DOMAIN = Domain.from_yaml(
    """
version: "3.1"
responses:
  utter_repete:
    - text: "Você disse: {trecho}. Atendemos {escritorio_horario}."
  utter_pergunta:
    - text: Qual?
      buttons:
        - title: "{trecho}"
          payload: /afirmar
"""
)


@pytest.fixture
def responses() -> OfficeResponses:
    return OfficeResponses(None, DOMAIN)  # type: ignore[arg-type]


async def said(responses: OfficeResponses, name: str, **values: Any) -> dict[str, Any]:
    tracker = DialogueStateTracker("c", [])
    found = await responses.generate(name, tracker, "whatsapp", **values)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "text",
    ["0[", "a{b}c", "{escritorio_nome}", "{0[trecho]}", "}{", "{}", "%s {trecho}"],
)
async def test_what_somebody_wrote_is_never_read_as_a_template(responses, text):
    answer = await said(responses, "utter_repete", trecho=text)

    assert answer["text"].startswith(f"Você disse: {text}. Atendemos de segunda")


async def test_a_button_is_filled_too(responses):
    answer = await said(responses, "utter_pergunta", trecho="terça, 15h")

    assert answer["buttons"][0]["title"] == "terça, 15h"


async def test_a_name_without_a_value_stays_for_the_designer_to_see(responses):
    answer = await said(responses, "utter_repete")

    assert "{trecho}" in answer["text"]

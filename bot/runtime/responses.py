"""Fills the office's own facts into the responses of `domain.yml`.

Designers write `Atendemos {escritorio_horario}.`; the office edits the facts in
`escritorio.yml`. Works without the action server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rasa.core.nlg import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.utils.endpoints import EndpointConfig

from bot.core.office import load_office
from bot.core.settings import ROOT, load_settings

_PLACE = re.compile(r"{(\w+)}")


class OfficeResponses(TemplatedNaturalLanguageGenerator):
    """Rasa's templated responses, with the facts of `escritorio.yml` as variables."""

    def __init__(self, endpoint_config: EndpointConfig, domain: Domain) -> None:
        """Reads the office's facts once, when Rasa starts.

        Raises:
            SettingsError: the office's file is missing or wrong.
        """
        super().__init__(domain.responses)
        self._facts = load_office(ROOT / load_settings().office_file).variables()

    def generate_from_slots(
        self,
        utter_action: str,
        filled_slots: dict[str, Any],
        output_channel: str,
        **kwargs: Any,
    ) -> dict[str, Any] | None:
        """Returns the response of `utter_action`, slots and facts filled in."""
        variables = {**self._facts, **filled_slots}
        response: dict[str, Any] | None = super().generate_from_slots(
            utter_action, variables, output_channel, **kwargs
        )
        return response

    def _fill_response(
        self,
        response: dict[str, Any],
        filled_slots: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Puts values where the response has their names, and nowhere else.

        Rasa's own way formats twice, and shows a client the bare response where a
        value happens to hold `0[`, which people may write.
        """
        values = self._response_variables(filled_slots or {}, kwargs)
        response["text"] = _filled(response.get("text") or "", values)
        for button in response.get("buttons") or ():
            button["title"] = _filled(button["title"], values)
        return response


def _filled(text: str, values: Mapping[str, Any]) -> str:
    def value(place: re.Match[str]) -> str:
        found = values.get(place[1])
        return place[0] if found is None else str(found)

    return _PLACE.sub(value, text)

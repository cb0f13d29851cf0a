"""Reads the same words by who says them.

"O que tenho amanhã?" asks a lawyer's agenda when a lawyer says it, and one's own
appointment when a client does. The role comes with the message's metadata, from
the directory of people, never from the words. Where two readings are close, the
one that such a person usually means wins; a plain command stays a command, so
that a client who gives one is told what they can do instead.
"""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import INTENT
from rasa.shared.nlu.training_data.message import Message

from bot.core.names import LAWYER_INTENTS, Profile

SAME_WORDS = {
    Profile.LAWYER.value: {"consultar_agendamento": "ver_agenda"},
    Profile.CLIENT.value: {"ver_agenda": "consultar_agendamento"},
    Profile.UNKNOWN.value: {"ver_agenda": "consultar_agendamento"},
}
"""By role: what was understood → what it means from that person."""
CLIENTS_OWN = (
    "agendar_consulta",
    "remarcar_consulta",
    "cancelar_consulta",
    "relatar_caso",
    "consultar_processo",
    "enviar_documento",
    "consultar_honorarios",
    "falar_com_advogado",
    "reclamar",
)
"""What a lawyer of the office seldom means."""
_SELDOM = {
    Profile.LAWYER.value: frozenset(CLIENTS_OWN),
    Profile.CLIENT.value: frozenset(LAWYER_INTENTS),
    Profile.UNKNOWN.value: frozenset(LAWYER_INTENTS),
}
_SELDOM_WEIGHT = 0.3
"""A seldom reading must be this much surer: 0.8 against 0.2 stays, 0.6 does not."""


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False
)
class RoleReader(GraphComponent):
    """Renames and reorders what was understood by who says it; costs nothing."""

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> RoleReader:
        """Returns the component; it has no options."""
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        """Changes intent and ranking; without a role, leaves both alone."""
        for message in messages:
            role = str((message.get("metadata") or {}).get("tipo_usuario"))
            ranking = message.get("intent_ranking")
            if role in SAME_WORDS and ranking:
                read = _reordered(ranking, SAME_WORDS[role], _SELDOM[role])
                message.set(INTENT, read[0], add_to_output=True)
                message.set("intent_ranking", read, add_to_output=True)
        return messages


Ranking = list[dict[str, Any]]


def _reordered(
    ranking: Ranking, names: dict[str, str], seldom: frozenset[str]
) -> Ranking:
    """Returns the readings in the order of what that role usually means.

    The confidences keep their places: how sure the best reading is, and whether
    it is rejected, is not for the role to say.
    """
    weights: dict[str, float] = {}
    for item in ranking:
        name = names.get(item["name"], item["name"])
        weight = item["confidence"] * (_SELDOM_WEIGHT if name in seldom else 1.0)
        weights[name] = weights.get(name, 0.0) + weight
    ordered = sorted(weights, key=lambda name: -weights[name])
    return [
        {"name": name, "confidence": item["confidence"]}
        for name, item in zip(ordered, ranking, strict=False)
    ]

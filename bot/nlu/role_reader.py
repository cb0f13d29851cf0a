"""Reads the same words by who says them.

"O que tenho amanhã?" asks a lawyer's agenda when a lawyer says it, and one's own
appointment when a client does. The role comes with the message's metadata, from
the directory of people, never from the words.
"""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import INTENT
from rasa.shared.nlu.training_data.message import Message

from bot.core.names import Profile

SAME_WORDS = {
    Profile.LAWYER.value: {"consultar_agendamento": "ver_agenda"},
    Profile.CLIENT.value: {"ver_agenda": "consultar_agendamento"},
    Profile.UNKNOWN.value: {"ver_agenda": "consultar_agendamento"},
}
"""By role: what was understood → what it means from that person."""


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False
)
class RoleReader(GraphComponent):
    """Swaps pairs of intents that only the role tells apart; costs nothing."""

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
        """Renames the intent and its ranking; without a role, leaves both alone."""
        for message in messages:
            metadata = message.get("metadata") or {}
            renamed = SAME_WORDS.get(str(metadata.get("tipo_usuario")), {})
            found = message.get(INTENT) or {}
            if found.get("name") not in renamed:
                continue
            ranking = [
                {**item, "name": renamed[item["name"]]}
                for item in message.get("intent_ranking") or []
                if item["name"] in renamed
            ] + [
                item
                for item in message.get("intent_ranking") or []
                if item["name"] not in {*renamed, *renamed.values()}
            ]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages

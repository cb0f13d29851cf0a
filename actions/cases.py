"""New cases and news of lawsuits: taken in for the office, never judged here."""

from __future__ import annotations

from actions.base import AssistantAction, Events
from actions.conversation import Conversation
from actions.forms import NO_NUMBER
from bot.core.names import AnsweredBy


class TakeCase(AssistantAction):
    """Keeps a person's story for the lawyers."""

    async def answer(self, conversation: Conversation) -> Events:
        """Acknowledges without any legal opinion."""
        facts = {
            "relato": conversation.slots.get("relato") or "",
            "desde_quando": conversation.slots.get("desde_quando") or "",
        }
        conversation.say(
            "utter_relatar_caso",
            effects=(
                {"tipo": "pedido", "fluxo": "relatar_caso", "dados": facts},
                {"tipo": "passagem", "motivo": "relatar_caso"},
            ),
            answered_by=AnsweredBy.FLOW,
        )
        return [
            {"event": "slot", "name": name, "value": None}
            for name in ("relato", "desde_quando")
        ]


class AskAboutLawsuit(AssistantAction):
    """Passes a question about a lawsuit to the office; discloses nothing."""

    async def answer(self, conversation: Conversation) -> Events:
        """Says who answers and why not the robot."""
        number = str(conversation.slots.get("numero_processo") or NO_NUMBER)
        is_known = number != NO_NUMBER
        conversation.say(
            "utter_consultar_processo"
            if is_known
            else "utter_consultar_processo_sem_numero",
            effects=(
                {
                    "tipo": "pedido",
                    "fluxo": "consultar_processo",
                    "dados": {"numero_processo": number if is_known else ""},
                },
                {"tipo": "passagem", "motivo": "consultar_processo"},
            ),
            answered_by=AnsweredBy.FLOW,
        )
        return [{"event": "slot", "name": "numero_processo", "value": None}]


class ReceiveDocument(AssistantAction):
    """Acknowledges a file, or says how to send one."""

    async def answer(self, conversation: Conversation) -> Events:
        """Asks the office to look only where a file really came."""
        if conversation.text and conversation.kind_of_message == "text":
            conversation.say("utter_como_enviar_documento")
            return []
        conversation.say(
            "utter_enviar_documento",
            effects=(
                {
                    "tipo": "pedido",
                    "fluxo": "enviar_documento",
                    "dados": {"legenda": conversation.text},
                },
            ),
            answered_by=AnsweredBy.FLOW,
        )
        return []


class AskErasure(AssistantAction):
    """Registers that a person wants their data erased."""

    async def answer(self, conversation: Conversation) -> Events:
        """Says the term and what the law keeps."""
        conversation.say(
            "utter_excluir_dados",
            effects=(
                {"tipo": "pedido", "fluxo": "excluir_dados", "dados": {}},
                {"tipo": "passagem", "motivo": "excluir_dados"},
            ),
            answered_by=AnsweredBy.FLOW,
        )
        return []

"""Files, complaints, erasure, and the yes that follows an offer of ours."""

from __future__ import annotations

from typing import Any

from actions.appointments.booking import forget
from actions.appointments.confirming import takes_yes
from actions.base import AssistantAction, Events
from actions.conversation import Conversation
from actions.dialogue.form import CONFIRMED, YES, Form, FormTurn
from bot.core.names import AnsweredBy
from bot.store import media

ERASE = "excluir_dados"
_WORDS = frozenset({"text", "audio"})
"""Kinds of messages that say something and bring no file."""
_PERSON_OFFERED = frozenset(
    {
        "utter_fora_de_escopo",
        "utter_ia_indisponivel",
        "utter_ia_sem_resposta",
        "utter_ia_limite",
        "utter_ia_pessoa",
        "utter_default",
        "utter_perguntar_identidade",
        "utter_erro_interno",
    }
)
_FORM_OFFERED = {
    "utter_consultar_honorarios": "form_agendar_consulta",
    "utter_sem_agendamento": "form_agendar_consulta",
    "utter_consultar_areas": "form_relatar_caso",
    "utter_area_atendida": "form_relatar_caso",
}
"""By response: the form that a yes to its last sentence begins."""


class ReceiveDocument(AssistantAction):
    """Acknowledges a file, or says how to send one."""

    async def answer(self, conversation: Conversation) -> Events:
        """Asks the office to look only where a file really came."""
        if conversation.text and conversation.kind_of_message in _WORDS:
            conversation.say("utter_como_enviar_documento")
            return []
        files = conversation.files
        is_here = all(each.get("estado") == media.KEPT for each in files)
        facts = {
            "legenda": conversation.text,
            "anexos": [each.get("id") for each in files],
        }
        conversation.say(
            "utter_enviar_documento" if is_here else "utter_enviar_documento_a_caminho",
            effects=(_request("enviar_documento", facts),),
            answered_by=AnsweredBy.FLOW,
            arquivos=_counted(len(files)),
        )
        return []


def _counted(count: int) -> str:
    return "o arquivo" if count <= 1 else f"os {count} arquivos"


class ListDocuments(AssistantAction):
    """Says which papers to bring, for the area that was named if any."""

    async def answer(self, conversation: Conversation) -> Events:
        """Adds what the office asks for in that area of law."""
        office, area = self.services.office, conversation.area
        if area and area in (office.area_documents or {}):
            conversation.say(
                "utter_consultar_documentos_da_area",
                area=office.area_names.get(area, area),
                documentos=office.documents_for(area),
            )
        else:
            conversation.say("utter_consultar_documentos")
        return []


class AnswerArea(AssistantAction):
    """Says whether the office works in the area that was named."""

    async def answer(self, conversation: Conversation) -> Events:
        """Names the area; without one, lists all."""
        office, area = self.services.office, conversation.area
        if not area:
            conversation.say("utter_consultar_areas")
        elif office.handles(area):
            conversation.say(
                "utter_area_atendida", area=office.area_names.get(area, area)
            )
        else:
            conversation.say("utter_area_nao_atendida")
        return []


class TakeComplaint(AssistantAction):
    """Keeps a complaint word for word and asks for a person."""

    async def answer(self, conversation: Conversation) -> Events:
        """Is sorry, promises nothing."""
        conversation.say(
            "utter_reclamar",
            effects=(_request("reclamar", {"texto": conversation.text}),),
        )
        return []


class ErasureForm(Form):
    """Whether the person really wants their data erased."""

    flow = ERASE
    slots = (CONFIRMED,)
    own_intents = frozenset({ERASE, "cancelar_consulta"})

    async def begin(self, turn: FormTurn) -> None:
        """Asks at once."""

    async def listen(self, turn: FormTurn) -> None:
        """Takes a yes, or keeps everything."""
        if turn.declines():
            turn.close("utter_dados_mantidos")
        elif turn.agrees(doing="apag|exclu|delet") or turn.heard.intent == ERASE:
            turn.fill(CONFIRMED, YES)


class AskErasure(AssistantAction):
    """Registers that a person wants their data erased."""

    async def answer(self, conversation: Conversation) -> Events:
        """Says the term and what the law keeps; silent without a yes."""
        if conversation.slots.get(CONFIRMED) == YES:
            conversation.say(
                "utter_excluir_dados",
                effects=(
                    _request(ERASE, {}),
                    {"tipo": "passagem", "motivo": ERASE},
                ),
                answered_by=AnsweredBy.FLOW,
            )
        return forget(CONFIRMED)


class TakeYes(AssistantAction):
    """Takes a yes to a reminder, or to what our last sentence offered."""

    async def answer(self, conversation: Conversation) -> Events:
        """Confirms, calls a person, begins a form, or asks what the yes is for."""
        if await takes_yes(self.services, conversation):
            return []
        offer = conversation.last_response
        if offer in _PERSON_OFFERED:
            conversation.say("utter_falar_com_advogado", flow="falar_com_advogado")
        elif offer in _FORM_OFFERED:
            return [{"event": "followup", "name": _FORM_OFFERED[offer]}]
        else:
            conversation.say("utter_afirmar")
        return []


def _request(flow: str, facts: dict[str, Any]) -> dict[str, Any]:
    return {"tipo": "pedido", "fluxo": flow, "dados": facts}

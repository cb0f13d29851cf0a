"""Appointments: asked for, moved, cancelled, looked up.

Until a calendar decides, an appointment is a request that the office confirms,
and every answer says so.
"""

from __future__ import annotations

from actions.base import AssistantAction, Events
from actions.conversation import Conversation
from bot.core.names import AnsweredBy
from bot.store import office_desk
from bot.store.office_desk import StoredRequest

BOOK, MOVE, CANCEL = "agendar_consulta", "remarcar_consulta", "cancelar_consulta"
_ASKED = ("nome", "assunto", "modalidade", "quando")


class BookAppointment(AssistantAction):
    """Keeps the wish for an appointment and asks the office to confirm it."""

    async def answer(self, conversation: Conversation) -> Events:
        """Repeats what was understood, so that a mistake is seen at once."""
        facts = {name: conversation.slots.get(name) or "" for name in _ASKED}
        conversation.say(
            "utter_agendar_consulta",
            effects=(_request(BOOK, facts), _handoff(BOOK)),
            answered_by=AnsweredBy.FLOW,
        )
        return _forget("assunto", "modalidade", "quando", "relato")


class MoveAppointment(AssistantAction):
    """Keeps the wish to move the latest appointment."""

    async def answer(self, conversation: Conversation) -> Events:
        """Says that the office confirms, or that there is nothing to move."""
        latest = await _latest(self, conversation)
        if latest is None:
            conversation.say("utter_sem_agendamento", answered_by=AnsweredBy.FLOW)
        else:
            facts = {**latest.facts, "quando": conversation.slots.get("quando") or ""}
            conversation.say(
                "utter_remarcar_consulta",
                effects=(_request(MOVE, facts), _handoff(MOVE)),
                answered_by=AnsweredBy.FLOW,
            )
        return _forget("quando")


class CancelAppointment(AssistantAction):
    """Keeps the wish to cancel the latest appointment."""

    async def answer(self, conversation: Conversation) -> Events:
        """Names what is cancelled, or says that there is nothing."""
        latest = await _latest(self, conversation)
        if latest is None:
            conversation.say("utter_sem_agendamento", answered_by=AnsweredBy.FLOW)
            return []
        conversation.say(
            "utter_cancelar_consulta",
            effects=(_request(CANCEL, dict(latest.facts)), _handoff(CANCEL)),
            answered_by=AnsweredBy.FLOW,
            quando=latest.facts.get("quando", ""),
        )
        return []


class ShowAppointment(AssistantAction):
    """Tells the person's own latest appointment."""

    async def answer(self, conversation: Conversation) -> Events:
        """Says what is asked for and that it still awaits confirmation."""
        latest = await _latest(self, conversation)
        if latest is None:
            conversation.say("utter_sem_agendamento", answered_by=AnsweredBy.FLOW)
            return []
        conversation.say(
            "utter_consultar_agendamento",
            answered_by=AnsweredBy.FLOW,
            quando=latest.facts.get("quando", ""),
            modalidade=latest.facts.get("modalidade", ""),
            situacao="aguardando confirmação da equipe",
        )
        return []


async def _latest(
    action: AssistantAction, conversation: Conversation
) -> StoredRequest | None:
    found = await action.services.read(
        lambda connection: office_desk.requests_of(
            connection, conversation.id, kinds=(BOOK, MOVE, CANCEL)
        )
    )
    return found[0] if found and found[0].kind != CANCEL else None


def _request(flow: str, facts: dict[str, object]) -> dict[str, object]:
    return {"tipo": "pedido", "fluxo": flow, "dados": facts}


def _handoff(reason: str) -> dict[str, object]:
    return {"tipo": "passagem", "motivo": reason}


def _forget(*slots: str) -> Events:
    return [{"event": "slot", "name": name, "value": None} for name in slots]

"""Answers to a reminder: the appointment stands, or the person cannot come."""

from __future__ import annotations

from datetime import datetime

from actions.appointments.when import upcoming
from actions.base import AssistantAction, Events
from actions.conversation import Conversation
from actions.dialogue.heard import heard_in
from actions.dialogue.reminded import reply_to_reminder
from actions.services import Services
from bot.core.names import AnsweredBy
from bot.core.reminder_replies import Reply
from bot.core.reminding import options
from bot.core.schedule import spoken
from bot.store.appointments import Appointment


async def takes_yes(services: Services, conversation: Conversation) -> bool:
    """Confirms the appointment that a yes is said to; False where it is to none.

    A yes that is not plain, as "sim, mas chego mais tarde", is asked about.
    """
    if conversation.reminded_of is None:
        return False
    booked = await _reminded_of(services, conversation)
    if booked is None:
        conversation.say("utter_lembrete_mudou", answered_by=AnsweredBy.FLOW)
        return True
    heard = heard_in(conversation.latest_message, now=conversation.now)
    if reply_to_reminder(conversation, heard) is Reply.CONFIRM:
        confirmation = {"tipo": "consulta", "acao": "confirmar", "id": booked.id}
        conversation.say(
            "utter_consulta_confirmada",
            effects=(confirmation,),
            answered_by=AnsweredBy.FLOW,
            quando=_when(booked, conversation),
            advogado=booked.lawyer,
        )
    else:
        conversation.say(
            "utter_lembrete_duvida",
            answered_by=AnsweredBy.FLOW,
            taps=_taps(booked),
            quando=_when(booked, conversation),
            advogado=booked.lawyer,
        )
    return True


class TakeNo(AssistantAction):
    """Takes a no: to a reminder it may mean another hour, or none."""

    async def answer(self, conversation: Conversation) -> Events:
        """Asks which of the two; else does nothing, and says so."""
        booked = await _reminded_of(self.services, conversation)
        if booked is None:
            conversation.say("utter_negar")
            return []
        taps = _taps(booked)
        del taps["Confirmar"]
        conversation.say(
            "utter_lembrete_nao",
            answered_by=AnsweredBy.FLOW,
            taps=taps,
            quando=_when(booked, conversation),
            advogado=booked.lawyer,
        )
        return []


async def _reminded_of(
    services: Services, conversation: Conversation
) -> Appointment | None:
    wanted = conversation.reminded_of
    found = await upcoming(services, conversation) if wanted is not None else []
    return next((each for each in found if each.id == wanted), None)


def _when(booked: Appointment, conversation: Conversation) -> str:
    now = conversation.now
    return spoken(datetime.fromtimestamp(booked.starts_at, now.tzinfo), now)


def _taps(booked: Appointment) -> dict[str, str]:
    return {each["title"]: each["payload"] for each in options(booked.id)}

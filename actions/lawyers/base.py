"""Who of the office writes, and what only lawyers may do."""

from __future__ import annotations

from abc import abstractmethod

from actions.base import AssistantAction
from actions.conversation import Conversation
from actions.dialogue.form import Form, FormTurn
from bot.core.office import Lawyer, Office
from bot.core.texts import name_words


class LawyerAction(AssistantAction):
    """An action that only lawyers may use."""

    is_for_lawyers = True


class EndOfLawyerForm(LawyerAction):
    """What a lawyer's form ends in; silent where the form refused already."""

    ends_form = True


class LawyerForm(Form):
    """A form that only lawyers may fill."""

    async def begin(self, turn: FormTurn) -> None:
        """Tells anybody else, politely, what they can do instead."""
        if turn.conversation.is_lawyer:
            await self.begin_for_lawyer(turn)
        else:
            turn.close("utter_so_para_advogados")

    @abstractmethod
    async def begin_for_lawyer(self, turn: FormTurn) -> None:
        """Fills what the command already tells."""


def lawyer_who_writes(office: Office, conversation: Conversation) -> Lawyer | None:
    """Returns the office's lawyer with the writer's name, or None."""
    words = set(name_words(conversation.person_name))
    for lawyer in office.lawyers:
        wanted = set(name_words(lawyer.name)) - {"dr", "dra"}
        if wanted and (wanted <= words or (words and words <= wanted)):
            return lawyer
    return None


def agenda_owner(office: Office, conversation: Conversation) -> str:
    """Returns under which name the writer's own commitments are kept."""
    lawyer = lawyer_who_writes(office, conversation)
    return lawyer.name if lawyer else conversation.person_name or "Advogado"

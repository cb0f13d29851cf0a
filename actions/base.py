"""The one way an action runs: it answers and returns events, and never raises.

A raised error would make Rasa drop the action's events and say nothing.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import structlog
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import Action, ActionExecutionRejection, Tracker
from rasa_sdk.types import DomainDict

from actions.conversation import Conversation, conversation_of
from actions.services import Services
from bot.core.errors import AssistantError
from bot.core.names import AnsweredBy

Events = list[dict[str, Any]]
log = structlog.get_logger()


class AssistantAction(Action):
    """An action of ours: a name, services, and `answer`."""

    is_for_lawyers = False
    """Whether anybody but a lawyer is told, politely, what it can do instead."""
    ends_form = False
    """Whether a form runs before, and has told so already."""

    def __init__(self, name: str, services: Services) -> None:
        self._name = name
        self.services = services

    def name(self) -> str:
        """Returns the name under which `domain.yml` lists the action."""
        return self._name

    @abstractmethod
    async def answer(self, conversation: Conversation) -> Events:
        """Answers the person; returns Rasa's events, often none."""

    async def run(
        self,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        domain: DomainDict,
    ) -> Events:
        """Runs `answer`; whatever goes wrong becomes an honest sentence."""
        conversation = conversation_of(
            tracker, dispatcher, zone=self.services.office.zone
        )
        if self.is_for_lawyers and not conversation.is_lawyer:
            if not self.ends_form:
                conversation.say("utter_so_para_advogados", answered_by=AnsweredBy.RULE)
            return []
        try:
            return await self.answer(conversation)
        except ActionExecutionRejection:
            raise
        except AssistantError as error:
            log.warning("action_refused", action=self._name, kind=type(error).__name__)
            conversation.say(error.response)
        except Exception as error:  # noqa: BLE001 - one of the two boundaries
            log.error("action_failed", action=self._name, kind=type(error).__name__)
            conversation.say("utter_erro_interno")
        return []

"""What no rule understood: the model answers, or an honest sentence does."""

from __future__ import annotations

import structlog

from actions.base import AssistantAction, Events
from actions.conversation import Conversation
from bot.core.names import FLOW_MODEL, AnsweredBy
from bot.core.whatsapp_markup import to_whatsapp
from bot.store import limits
from llm_fallback import Exchange, LlmError

USAGE = "modelo"
"""Kind of the row that counts a person's questions to the model."""
log = structlog.get_logger()


class AskModel(AssistantAction):
    """Asks the office's model; every failure ends in the offer of a person."""

    async def answer(self, conversation: Conversation) -> Events:
        """Answers with the model's checked text, or says honestly that it cannot."""
        if self.services.model is None:
            conversation.say("utter_fora_de_escopo", answered_by=AnsweredBy.RULE)
            return []
        if not await self._may_ask(conversation):
            conversation.say("utter_ia_limite", answered_by=AnsweredBy.RULE)
            return []
        try:
            answer = await self.services.model.answer(
                conversation.text,
                history=_exchanges(conversation),
                office_facts=self.services.office.as_text(),
            )
        except LlmError as error:
            log.warning("model_not_used", kind=type(error).__name__)
            conversation.say(error.response, answered_by=AnsweredBy.RULE)
        else:
            conversation.say_text(
                to_whatsapp(answer.text), answered_by=AnsweredBy.MODEL, flow=FLOW_MODEL
            )
        return []

    async def _may_ask(self, conversation: Conversation) -> bool:
        """Counts a question against the person's day; the office's API has no limit."""
        if conversation.source != "whatsapp":
            return True
        at_most = self.services.settings.limit_model_per_day
        now = conversation.now.timestamp()
        return await self.services.write(
            lambda c: limits.spend(c, conversation.id, USAGE, now=now, at_most=at_most)
        )


def _exchanges(conversation: Conversation) -> list[Exchange]:
    exchanges: list[Exchange] = []
    asked = None
    for said in conversation.past:
        if said.is_person:
            asked = said.text
        elif asked is not None:
            exchanges.append(Exchange(asked, said.text))
            asked = None
    return exchanges

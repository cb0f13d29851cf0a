"""What no rule understood: led into a flow, quoted, written, or left to people."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from rasa_sdk.events import ActionExecuted, UserUtteranceReverted, UserUttered

from actions.base import AssistantAction, Events
from actions.conversation import Conversation
from actions.dialogue.context import question_of
from bot.core.errors import AssistantError
from bot.core.modes import Mode
from bot.core.names import FLOW_KNOWLEDGE, FLOW_MODEL, AnsweredBy
from bot.core.whatsapp_markup import to_whatsapp
from bot.store import limits, modes
from bot.store.histories import SPOKEN
from llm_fallback import (
    Decision,
    EnterFlow,
    LegalQuestion,
    LlmError,
    ModelState,
    Prepared,
    Quoted,
    SmallTalk,
    Written,
)

USAGE = "modelo"
"""Kind of the row that counts a person's questions to the model."""
TOLD = "ia_avisada"
"""Slot: whether the person knows that a machine writes some of the answers."""
DRAFTED = "rascunho_ia"
"""Reason of the handoff where a draft waits for a person."""
_LISTEN = "action_listen"
log = structlog.get_logger()


class ModelNotUsed(AssistantError):
    """Rules alone answer here, now."""

    response = "utter_fora_de_escopo"


class TooManyQuestions(AssistantError):
    """The person has asked the model often enough today."""

    response = "utter_ia_limite"


class AskModel(AssistantAction):
    """Decides about a message that no rule understood; answers once, whatever comes."""

    async def answer(self, conversation: Conversation) -> Events:
        """Answers, or returns the events that lead into a flow."""
        mode = await self._mode(conversation)
        prepared = await asyncio.to_thread(
            self.services.fallback.prepare, question_of(conversation)
        )
        try:
            decision = prepared.decision or await self._ask(
                conversation, prepared, mode
            )
        except (LlmError, ModelNotUsed, TooManyQuestions) as error:
            log.warning("model_not_used", kind=type(error).__name__)
            conversation.say(error.response, answered_by=AnsweredBy.RULE)
            return []
        return _act(conversation, decision, is_reviewed=mode is Mode.REVIEW)

    async def _mode(self, conversation: Conversation) -> Mode:
        return await self.services.read(
            lambda c: modes.mode_of(
                c,
                conversation.id,
                default=self.services.settings.mode,
                now=conversation.now.timestamp(),
            )
        )

    async def _ask(
        self, conversation: Conversation, prepared: Prepared, mode: Mode
    ) -> Decision:
        """Asks the model, where it may be asked.

        Raises:
            ModelNotUsed: there is none, or the mode forbids it.
            TooManyQuestions: today's are used up.
            LlmError: it gave nothing that may be used.
        """
        fallback = self.services.fallback
        has_model = fallback.model_state is not ModelState.NOT_CONFIGURED
        if not has_model or mode not in {Mode.MODEL, Mode.REVIEW}:
            raise ModelNotUsed
        if fallback.model_state is not ModelState.DOWN:  # which costs nobody anything
            await self._count(conversation)
        return await fallback.ask(prepared)

    async def _count(self, conversation: Conversation) -> None:
        """Counts a question against the person's day; the office's API has no limit.

        Raises:
            TooManyQuestions: this one is over the limit.
        """
        if conversation.source != "whatsapp":
            return
        at_most = self.services.settings.limit_model_per_day
        now = conversation.now.timestamp()
        zone = self.services.office.zone
        is_free = await self.services.write(
            lambda c: limits.spend(
                c, conversation.id, USAGE, now=now, at_most=at_most, zone=zone
            )
        )
        if not is_free:
            raise TooManyQuestions


def _act(
    conversation: Conversation, decision: Decision, *, is_reviewed: bool
) -> Events:
    log.info("fallback_decided", decision=type(decision).__name__)
    if isinstance(decision, EnterFlow):
        return _enter(conversation, decision.intent)
    if isinstance(decision, Quoted):
        conversation.say_text(
            to_whatsapp(decision.text),
            answered_by=AnsweredBy.RULE,
            flow=FLOW_KNOWLEDGE,
        )
        return []
    if isinstance(decision, Written):
        return _write(conversation, decision, is_reviewed=is_reviewed)
    response = "utter_ia_pessoa"
    if isinstance(decision, LegalQuestion):
        response = "utter_ia_pergunta_juridica"
    elif isinstance(decision, SmallTalk):
        response = "utter_ia_conversa"
    conversation.say(response, answered_by=AnsweredBy.RULE)
    return []


def _write(conversation: Conversation, answer: Written, *, is_reviewed: bool) -> Events:
    """Says what the model wrote; the first time, that a machine wrote it."""
    text = to_whatsapp(answer.text)
    if is_reviewed:
        draft = {"tipo": "rascunho", "texto": text, "fontes": list(answer.sources)}
        waiting = {"tipo": "passagem", "motivo": DRAFTED, "nota": _note(conversation)}
        conversation.say(
            "utter_ia_em_revisao",
            effects=(draft, waiting),
            answered_by=AnsweredBy.RULE,
        )
        return []
    is_told = bool(conversation.slots.get(TOLD))
    conversation.say(
        "utter_ia_resposta" if is_told else "utter_ia_primeira_resposta",
        answered_by=AnsweredBy.MODEL,
        flow=FLOW_MODEL,
        texto=text,
    )
    return [{"event": "slot", "name": TOLD, "value": True}]


def _note(conversation: Conversation) -> str:
    """Returns what was asked, for the person who reviews the draft."""
    return (
        f"{SPOKEN} {conversation.text}" if conversation.is_spoken else conversation.text
    )


def _enter(conversation: Conversation, intent: str) -> Events:
    """Returns events after which Rasa goes on as if it had understood at once.

    The message is taken back and said anew with its intent, as Rasa's own two-stage
    fallback does it; the rule of the intent is then predicted in the same turn. The
    confidence stays what the classifier gave this intent.
    """
    conversation.leave({"tipo": "exemplo", "fluxo": intent})
    message = dict(conversation.latest_message)
    found = {"name": intent, "confidence": _confidence(message, intent)}
    parsed = {
        "intent": found,
        "entities": list(message.get("entities") or ()),
        "text": conversation.text,
        "message_id": message.get("message_id"),
        "metadata": message.get("metadata") or {},
    }
    said = UserUttered(conversation.text, parse_data=parsed)
    said["metadata"] = parsed["metadata"]
    said["message_id"] = parsed["message_id"]
    return [UserUtteranceReverted(), ActionExecuted(_LISTEN), said]


def _confidence(message: dict[str, Any], intent: str) -> float:
    ranking = message.get("intent_ranking") or ()
    return next(
        (
            float(each.get("confidence") or 0.0)
            for each in ranking
            if each.get("name") == intent
        ),
        0.0,
    )

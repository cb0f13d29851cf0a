"""One form of a flow: what its answers fill, and when a question leaves it.

Rasa calls a form's validation at three moments, and tells them apart nowhere:

- the message that *begins* the form;
- every message while the form waits for an answer;
- again, with the same message, when a rule has answered a question in between
  and the form asks once more. Nothing may be read twice then.

A message that brings the form nothing and means something else is left to its
rule: no slot is set, Rasa rejects the form, the rule answers, the form resumes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import structlog
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import Action, Tracker
from rasa_sdk.types import DomainDict

from actions.conversation import Conversation, conversation_of
from actions.dialogue import answers
from actions.dialogue.heard import Heard, heard_in
from actions.dialogue.reminded import reply_to_reminder
from actions.services import Services
from bot.core.names import LAWYER_INTENTS, NLU_FALLBACK, AnsweredBy
from bot.core.reminder_replies import INTENT_OF

log = structlog.get_logger()

CONFIRMED = "confirmado"
YES = "sim"
ANSWERS = frozenset({"informar_dados", "afirmar", "negar"})
"""Intents of messages that answer the question which was asked."""
DIRECT_QUESTIONS = frozenset(
    {
        "consultar_honorarios",
        "consultar_horario",
        "consultar_endereco",
        "consultar_areas",
        "consultar_documentos",
        "consultar_privacidade",
        "perguntar_identidade",
    }
)
"""Questions that one response answers, so that it can stand before the form's own."""
EXPLAINED = frozenset(
    {
        "nome",
        "assunto",
        "modalidade",
        "quando",
        "confirmado",
        "qual_consulta",
        "relato",
        "desde_quando",
        "contato",
        "numero_processo",
        "titulo",
    }
)
"""Slots with a response `utter_{slot}_invalido`, said before the question again."""
SURE = 0.6
"""From here on an intent counts against a text that could also be an answer."""


class FormTurn:
    """One message in a form: what it says, and what the form makes of it."""

    def __init__(
        self, conversation: Conversation, heard: Heard, slots: Mapping[str, Any]
    ) -> None:
        self.conversation = conversation
        self.heard = heard
        self.asked = str(slots.get("requested_slot") or "")
        """The slot that was asked for, or ""."""
        self.changes: dict[str, Any] = {}
        self.is_closed = False
        self._slots = slots

    @property
    def text(self) -> str:
        """What the person wrote."""
        return self.heard.text

    def get(self, slot: str) -> Any:
        """Returns a slot's value with the changes of this turn."""
        return self.changes.get(slot, self._slots.get(slot))

    def fill(self, slot: str, value: Any) -> None:
        """Sets a slot; None asks for it again."""
        self.changes[slot] = value

    def say(self, response: str, **variables: Any) -> None:
        """Says a response of `domain.yml` before the form's next question."""
        self.conversation.say(response, answered_by=AnsweredBy.FLOW, **variables)

    def close(self, response: str = "", **variables: Any) -> None:
        """Ends the form without its effect; the final action then keeps silent."""
        if response:
            self.say(response, **variables)
        self.is_closed = True

    def agrees(self, *, doing: str = "") -> bool:
        """Says whether the message is a yes without a reserve; see `is_yes`."""
        if self._commands_or_asks():
            return False
        if answers.is_yes(self.text, doing=doing):
            return True
        is_yes = self.heard.intent == "afirmar"
        return is_yes and not answers.has_reserve(self.text, doing=doing)

    def _commands_or_asks(self) -> bool:
        """Says whether a "marca …" or "por favor …" is surely no yes."""
        heard = self.heard
        is_command = heard.intent in LAWYER_INTENTS and not self.conversation.is_lawyer
        is_question = heard.intent in DIRECT_QUESTIONS and heard.confidence >= SURE
        return is_command or is_question

    def declines(self) -> bool:
        """Says whether the message is a no."""
        return answers.is_no(self.text) or self.heard.intent == "negar"

    def asks_us(self) -> bool:
        """Says whether the message is a question that a rule answers."""
        is_known = self.heard.intent in DIRECT_QUESTIONS
        return is_known and answers.is_question(self.text)

    def means_something_else(self) -> bool:
        """Says whether the message is surely no answer to an open question."""
        heard = self.heard
        if heard.intent == NLU_FALLBACK:
            return answers.is_question(heard.text)
        return heard.intent not in ANSWERS and heard.confidence >= SURE


class Form(Action):
    """The validation of one form; subclasses say what their answers fill."""

    flow: str
    """The flow that owns the form `form_{flow}`."""
    slots: tuple[str, ...]
    """The slots that begin empty with the form."""
    own_intents: frozenset[str] = frozenset()
    """Intents that, inside this form, are about this form."""

    def __init__(self, services: Services) -> None:
        self.services = services

    def name(self) -> str:
        """Returns the name that Rasa calls."""
        return f"validate_form_{self.flow}"

    @abstractmethod
    async def begin(self, turn: FormTurn) -> None:
        """Fills what the first message already tells; may close the form."""

    @abstractmethod
    async def listen(self, turn: FormTurn) -> None:
        """Fills what an answer tells; filling nothing means "not understood"."""

    def complaint(self, turn: FormTurn) -> str:
        """Returns the response that says what an answer should look like, or ""."""
        if turn.asked == "nome" and answers.is_no(turn.text):
            return "utter_nome_necessario"
        return f"utter_{turn.asked}_invalido" if turn.asked in EXPLAINED else ""

    def is_elsewhere(self, turn: FormTurn) -> bool:
        """Says whether a message is surely about something else than this form."""
        return turn.means_something_else() and (
            turn.heard.intent not in self.own_intents
        )

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[dict[str, Any]]:
        """Returns slots to set; none where the message is for somebody else."""
        moment = _moment(tracker, f"form_{self.flow}")
        if moment == "resumed":
            return []
        conversation = conversation_of(
            tracker, dispatcher, zone=self.services.office.zone
        )
        heard = heard_in(tracker.latest_message or {}, now=conversation.now)
        turn = FormTurn(conversation, heard, tracker.slots)
        try:
            if moment == "begins":
                turn.asked = ""
                for slot in self.slots:
                    turn.fill(slot, None)
                await self.begin(turn)
            else:
                await self._listen(turn)
        except Exception as error:  # noqa: BLE001 - an error would mute Rasa
            log.error("form_failed", form=self.flow, kind=type(error).__name__)
            turn.close("utter_erro_interno")
        return _events(turn)

    async def _listen(self, turn: FormTurn) -> None:
        reply = reply_to_reminder(turn.conversation, turn.heard)
        if reply is not None and INTENT_OF[reply] != self.flow:
            return  # said to the reminder, which came after the form's question
        await self.listen(turn)
        intent = turn.heard.intent
        if turn.is_closed:
            return
        if turn.changes:
            if turn.asks_us():
                turn.say(f"utter_{intent}")  # it asked and answered at once
            return
        if intent in LAWYER_INTENTS and not turn.conversation.is_lawyer:
            turn.say("utter_so_para_advogados")
            turn.fill(turn.asked, None)  # and nothing of the form is lost
            return
        is_unsure = intent == NLU_FALLBACK or turn.heard.confidence < SURE
        is_unclear = is_unsure and not answers.is_question(turn.text)
        if is_unclear or intent in ANSWERS | self.own_intents:
            response = self.complaint(turn)
            if response:
                turn.say(response)
            turn.fill(turn.asked, None)


def _events(turn: FormTurn) -> list[dict[str, Any]]:
    events = [
        {"event": "slot", "name": name, "value": value}
        for name, value in turn.changes.items()
    ]
    if turn.is_closed:
        events += [
            {"event": "slot", "name": CONFIRMED, "value": None},
            {"event": "slot", "name": "requested_slot", "value": None},
        ]
    return events


def _moment(tracker: Tracker, form: str) -> str:
    """Returns `begins`, `listens` or `resumed`; see the module's docstring.

    Before a validation Rasa appends the form's own run to the events, and where
    the form begins, its start as well.
    """
    for event in reversed(tracker.events):
        kind = event["event"]
        if kind == "user":
            break
        if kind == "active_loop" and event.get("name") == form:
            return "begins"
        if kind == "action" and event.get("name") not in {
            form,
            "action_listen",
            "action_extract_slots",
        }:
            is_start = (tracker.active_loop or {}).get("name") != form
            return "begins" if is_start else "resumed"
    is_start = (tracker.active_loop or {}).get("name") != form
    return "begins" if is_start else "listens"

"""What a turn came to, read from Rasa's tracker after the last action."""

from __future__ import annotations

from rasa.shared.core.events import ActiveLoop, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from bot.core.names import (
    BREAKOUT_INTENTS,
    FLOW_OUT_OF_SCOPE,
    NLU_FALLBACK,
    AnsweredBy,
    flow_of_form,
)
from bot.core.phrases import NO_ANSWER
from bot.store.effects import Handoff
from bot.store.turns import Outcome, Outgoing, Turn


def conclude(
    turn: Turn, tracker: DialogueStateTracker, *, form_before: str | None
) -> Outcome:
    """Names the flow of a turn and who answered; completes a silent turn.

    A turn without any answer gets an honest apology and asks for a person: the
    action server may have been down, and Rasa then says nothing at all.

    Args:
        turn: the turn, filled by the output channel.
        tracker: after the last action of the turn.
        form_before: form that was active when the message came, or None.
    """
    message = tracker.latest_message
    intent = (message.intent if message else {}) or {}
    name = str(intent.get("name") or NLU_FALLBACK)
    confidence = float(intent.get("confidence") or 0.0)
    is_silent = not turn.outgoing
    if is_silent:
        turn.outgoing.append(Outgoing(NO_ANSWER, AnsweredBy.RULE))
        turn.effects.append(Handoff(reason="turno_sem_resposta"))
    named = next((item.flow for item in turn.outgoing if item.flow), None)
    form = _governing_form(name, form_before, tracker)
    if form:
        flow = flow_of_form(form)
    elif name == NLU_FALLBACK:
        flow = FLOW_OUT_OF_SCOPE
    else:
        flow = name
    if named:
        flow = named
    return Outcome(
        flow=flow,
        confidence=round(min(max(confidence, 0.0), 1.0), 4),
        answered_by=_answered_by(turn, is_form=form is not None),
    )


def _governing_form(
    intent: str, form_before: str | None, tracker: DialogueStateTracker
) -> str | None:
    """Returns the form that the turn belongs to: the one it began, or was in.

    A form that has all it needs begins and ends in one turn.
    """
    form_after: str | None = tracker.active_loop_name
    if intent in BREAKOUT_INTENTS and form_after is None:
        return None
    return form_after or _begun_form(tracker) or form_before


def _begun_form(tracker: DialogueStateTracker) -> str | None:
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            break
        if isinstance(event, ActiveLoop) and event.name:
            return str(event.name)
    return None


def _answered_by(turn: Turn, *, is_form: bool) -> AnsweredBy:
    named = [item.answered_by for item in turn.outgoing if item.answered_by]
    for who in (AnsweredBy.PERSON, AnsweredBy.MODEL, AnsweredBy.FLOW):
        if who in named:
            return who
    if any(isinstance(effect, Handoff) for effect in turn.effects):
        return AnsweredBy.PERSON
    return AnsweredBy.FLOW if is_form else AnsweredBy.RULE

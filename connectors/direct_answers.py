"""Messages that need no understanding: sounds, places, contacts, stickers.

An image or document alone is the intent `enviar_documento`; with a caption it is
the caption. What a person of the office owns is left to that person.
"""

from __future__ import annotations

import time
from typing import Any

from bot.core.names import FLOW_OUT_OF_SCOPE, NLU_FALLBACK, AnsweredBy
from bot.core.phrases import (
    CONTACT_KEPT,
    EMPTY_MESSAGE,
    LOCATION_KEPT,
    NO_AUDIO,
    STICKER_KEPT,
)
from bot.core.texts import looks_like_command, without_command_mark
from bot.store import turns
from bot.store.turns import Outcome, Outgoing, Turn
from connectors.services import ChannelServices

_ATTACHMENTS = frozenset({"image", "document", "video"})
_FIXED = {
    "audio": (NO_AUDIO, FLOW_OUT_OF_SCOPE),
    "location": (LOCATION_KEPT, "informar_dados"),
    "contact": (CONTACT_KEPT, "informar_dados"),
    "sticker": (STICKER_KEPT, FLOW_OUT_OF_SCOPE),
    "text": (EMPTY_MESSAGE, FLOW_OUT_OF_SCOPE),
}


async def answer_without_rasa(turn: Turn, services: ChannelServices) -> bool:
    """Commits the turn where no understanding is needed; False where it is."""
    if turn.conversation_owner == turns.PERSON:
        await _commit(turn, services, "falar_com_advogado", AnsweredBy.PERSON)
        return True
    has_words = bool(without_command_mark(turn.text))
    if has_words and turn.kind != "audio":
        return False
    if turn.kind in _ATTACHMENTS:
        return False
    text, flow = _FIXED.get(turn.kind, _FIXED["text"])
    turn.outgoing = [Outgoing(text, AnsweredBy.RULE)]
    await _commit(turn, services, flow, AnsweredBy.RULE)
    return True


def parsed_beforehand(turn: Turn) -> dict[str, Any] | None:
    """Returns Rasa's parse result where the words need no reading, else None.

    An attachment without words is `enviar_documento`. A text in the shape of a
    Rasa command (`/restart`, `/intent{"slot": …}`) is no Portuguese: it means
    nothing, and above all not what it says.
    """
    if turn.kind in _ATTACHMENTS and not without_command_mark(turn.text):
        return _parsed("", "enviar_documento", 1.0)
    if looks_like_command(turn.text):
        return _parsed(words_for_rasa(turn), NLU_FALLBACK, 0.0)
    return None


def words_for_rasa(turn: Turn) -> str:
    """Returns what was written, so that Rasa cannot take it for a command.

    A command's shape is quoted whole: inside a form it must not pass for a name.
    """
    if looks_like_command(turn.text):
        return f"“{turn.text.strip()}”"
    return without_command_mark(turn.text)


def _parsed(text: str, intent: str, confidence: float) -> dict[str, Any]:
    found = {"name": intent, "confidence": confidence}
    return {"text": text, "intent": found, "intent_ranking": [found], "entities": []}


async def _commit(
    turn: Turn, services: ChannelServices, flow: str, who: AnsweredBy
) -> None:
    outcome = Outcome(flow, 1.0, who)
    await services.write(
        lambda connection: turns.commit(connection, turn, outcome, now=time.time())
    )
    turn.is_committed = True

"""What a message says to a reminder of an appointment that came before it."""

from __future__ import annotations

from actions.conversation import Conversation
from actions.dialogue import answers
from actions.dialogue.heard import Heard
from bot.core.reminder_replies import Reply

_BARE = {"afirmar": Reply.CONFIRM, "negar": Reply.DECLINE}


def reply_to_reminder(conversation: Conversation, heard: Heard) -> Reply | None:
    """Returns what is said to the reminder, by plain words or by the intent.

    A yes that names a day or an hour, or wants something else too, is none.
    """
    if conversation.reminded_of is None:
        return None
    if conversation.reply:
        return Reply(conversation.reply)
    has_more = heard.moments() or answers.has_reserve(heard.text)
    reply = _BARE.get(heard.intent)
    return None if reply is Reply.CONFIRM and has_more else reply

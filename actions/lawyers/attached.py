"""Which files a lawyer means: sent with the words, quoted, or sent a moment before."""

from __future__ import annotations

import re
from collections.abc import Sequence

from actions.conversation import Conversation
from actions.services import Services
from bot.core.entities.found import fold
from bot.store import attachments
from bot.store.attachments import Attachment

_DAY_S = 86_400
_RUN_GAP_S = 120
"""Seconds between two files that were sent together."""
_NUMBERS = {
    "dois": 2, "duas": 2, "tres": 3, "quatro": 4, "cinco": 5, "seis": 6, "sete": 7,
    "oito": 8, "nove": 9, "dez": 10,
}  # fmt: skip
_COUNTED = re.compile(
    rf"\b(?:[oa]s|ess[ea]s|est[ea]s|d[oa]s|ultim[oa]s) (?:ultim[oa]s )?"
    rf"(?P<count>\d{{1,2}}|{'|'.join(_NUMBERS)})\b"
)
_ONE = re.compile(
    r"\b(?:ess[ea]|est[ea]|[oa] ultim[oa]) (?!pasta|caso|processo|cliente)\w*[^s\W]\b"
    r"|\b(?:[oa]|um|uma|do|da) (?:pdf|foto|imagem|audio|video|print|arquivo|anexo)\b"
)
_AUDIO = re.compile(r"\b(?:audios?|gravac(?:ao|oes))\b")
_KINDS = (
    (re.compile(r"\b(?:fotos?|imagem|imagens|prints?)\b"), "image/"),
    (_AUDIO, "audio/"),
    (re.compile(r"\bvideos?\b"), "video/"),
    (re.compile(r"\bpdfs?\b"), "application/pdf"),
)


async def files_meant(services: Services, conversation: Conversation) -> list[str]:
    """Returns the ids of the files that a message is about; none where there are none.

    Those that came with it, else those of the message that it quotes, else the newest
    of the last 24 hours.
    """
    if conversation.files:
        return [str(each["id"]) for each in conversation.files]
    message = conversation.latest_message.get("message_id")
    if message and str(message).isdecimal():
        quoted = await services.read(
            lambda c: attachments.quoted_by(c, int(str(message)))
        )
        if quoted:
            return [each.id for each in quoted]
    since = conversation.now.timestamp() - _DAY_S
    recent = await services.read(
        lambda c: attachments.recent(c, conversation.id, since=since)
    )
    others = [each for each in recent if str(each.inbox_id) != str(message)]
    return [each.id for each in _chosen(conversation.text, others)]


def _chosen(text: str, recent: Sequence[Attachment]) -> Sequence[Attachment]:
    """Returns what the words pick: "os dois últimos", "essa foto", or what came last.

    Without a number, files that were sent together belong together. A voice note that
    was a command is no file, unless the words are about an audio.
    """
    said = fold(text)
    if not _AUDIO.search(said):
        recent = [each for each in recent if not each.is_words]
    for kind, begins in _KINDS:
        of_kind = [each for each in recent if each.media_type.startswith(begins)]
        if kind.search(said) and of_kind:
            recent = of_kind
    counted = _COUNTED.search(said)
    if counted:
        count = _NUMBERS.get(counted["count"]) or int(counted["count"])
        return recent[-count:] if count else ()
    return recent[-1:] if _ONE.search(said) else _sent_together(recent)


def _sent_together(recent: Sequence[Attachment]) -> Sequence[Attachment]:
    first = len(recent) - 1
    while first > 0 and recent[first].sent_at - recent[first - 1].sent_at <= _RUN_GAP_S:
        first -= 1
    return recent[max(first, 0) :]

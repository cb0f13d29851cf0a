"""One answer as WhatsApp messages: numbered choices, at most 1,600 characters.

Twilio refuses a longer body (error 21617).
"""

from __future__ import annotations

from collections.abc import Sequence

MAX_CHARS = 1600
_BREAKS = ("\n\n", "\n", ". ", "; ", " ")


def with_choices(text: str, titles: Sequence[str]) -> str:
    """Returns the text with its choices as numbered lines below.

    A real button outside a template is not to be had on WhatsApp by Twilio.
    """
    if not titles:
        return text
    lines = (f"{number}. {title}" for number, title in enumerate(titles, start=1))
    return text + "\n\n" + "\n".join(lines)


def split(text: str) -> list[str]:
    """Returns the parts to send, in order, each at most 1,600 characters long."""
    parts = []
    while len(text) > MAX_CHARS:
        cut = _cut(text)
        parts.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [part for part in (*parts, text) if part.strip()]


def _cut(text: str) -> int:
    for mark in _BREAKS:
        found = text.rfind(mark, MAX_CHARS // 2, MAX_CHARS - len(mark))
        if found > 0:
            return found + len(mark)
    return MAX_CHARS

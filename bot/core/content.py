"""Options to tap: how an answer fills one of the office's content templates.

A template `botoes_N` is a `twilio/quick-reply` with N buttons, `lista_N` a
`twilio/list-picker` with N items. Their variables are numbered alike: 1 is the text;
option k (from 1) has its title in 2k and its id in 2k+1. Both may be sent inside the
24 hours alone.

    {"1": "Quando?", "2": "Hoje", "3": "/hoje", "4": "Amanhã", "5": "/amanha"}

Limits: https://www.twilio.com/docs/content/twilio-quick-reply (3 buttons in an
unapproved template, title 20 characters, text 1,024) and
https://www.twilio.com/docs/content/twilio-list-picker (10 items, title 24, id 200).
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from bot.core.rendering import TAP_ONLY, with_choices

MAX_TEXT_CHARS = 1024
MAX_ID_CHARS = 200
_MOST_BUTTONS, _BUTTON_CHARS = 3, 20
_MOST_ITEMS, _ITEM_CHARS = 10, 24
_SESSION_PREFIXES = ("botoes_", "lista_")


@dataclass(frozen=True)
class Content:
    """A content template and what fills it."""

    template: str
    """Its name in `TWILIO_TEMPLATES`."""
    variables: Mapping[str, str]
    """By number."""


def is_session_template(name: str | None) -> bool:
    """Says whether a template shows options, and so never leaves the 24 hours."""
    return bool(name) and str(name).startswith(_SESSION_PREFIXES)


def for_choices(
    body: str, buttons: Sequence[Mapping[str, str]], templates: Container[str]
) -> Content | None:
    """Returns the template that shows a numbered text's options, if one can.

    Args:
        body: the text as it stands in the outbox, options numbered at its end.
        buttons: the options, `{"title", "payload", "type"}` each; those of type
            `toque` have no number.
        templates: names that the office has.
    """
    titles = [str(button.get("title", "")) for button in buttons]
    ids = [str(button.get("payload") or button.get("title", "")) for button in buttons]
    is_list = len(buttons) > _MOST_BUTTONS
    name = f"{'lista' if is_list else 'botoes'}_{len(buttons)}"
    numbered = [
        title
        for title, each in zip(titles, buttons, strict=True)
        if each.get("type") != TAP_ONLY
    ]
    text = without_choices(body, numbered) if numbered else body
    if not text or name not in templates or len(buttons) > _MOST_ITEMS:
        return None
    longest = _ITEM_CHARS if is_list else _BUTTON_CHARS
    if not (_fit(titles, longest) and _fit(ids, MAX_ID_CHARS)):
        return None
    if _units(text) > MAX_TEXT_CHARS:
        return None
    variables = {"1": text}
    for number, (title, payload) in enumerate(zip(titles, ids, strict=True), start=1):
        variables |= {str(2 * number): title, str(2 * number + 1): payload}
    return Content(name, variables)


def without_choices(body: str, titles: Sequence[str]) -> str:
    """Returns a text without the options numbered at its end; "" where none are."""
    ending = with_choices("", titles)
    if not ending or not body.endswith(ending):
        return ""
    return body[: -len(ending)].strip()


def _fit(texts: Sequence[str], longest: int) -> bool:
    """Says whether all are there, short enough, on one line and no two alike."""
    return len(set(texts)) == len(texts) and all(
        text.strip() and _units(text) <= longest and text.isprintable()
        for text in texts
    )


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2

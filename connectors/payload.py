"""What a signed webhook body says, as one of our messages.

Fields are read by name and never required by count: Twilio adds new ones
without notice, and all of them are kept in `payload`.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.core.errors import UserInputError
from bot.core.phones import WHATSAPP
from bot.core.texts import clean
from bot.store.inbox import InboundMessage

MAX_TEXT_CHARS = 4096
"""WhatsApp's own limit; Twilio cuts inbound text at 1,600."""

_REQUIRED = ("MessageSid", "AccountSid", "From", "To")
_KIND_BY_MAJOR_TYPE = {
    "audio": "audio",
    "image": "image",
    "video": "video",
    "application": "document",
}


def read_message(form: Mapping[str, str]) -> InboundMessage:
    """Returns the message of a webhook form.

    Raises:
        UserInputError: a field that every message has is missing; `field` names it.
    """
    for name in _REQUIRED:
        if not form.get(name, "").strip():
            raise UserInputError(f"Falta o campo {name}.", field=name)
    return InboundMessage(
        message_sid=form["MessageSid"],
        account_sid=form["AccountSid"],
        address=form["From"],
        recipient=form["To"],
        text=_text(form),
        source="whatsapp",
        kind=_kind(form),
        display_name=clean(form.get("ProfileName", "")),
        payload=dict(form),
    )


def is_inbound(form: Mapping[str, str]) -> bool:
    """Says whether a form is a message to us, and not a status callback."""
    return form.get("SmsStatus", "received") == "received" and (
        "MessageStatus" not in form
    )


def _text(form: Mapping[str, str]) -> str:
    written = form.get("Body", "") or form.get("ButtonText", "")
    return clean(written or form.get("ListTitle", ""))[:MAX_TEXT_CHARS]


def _kind(form: Mapping[str, str]) -> str:
    if form.get("Latitude") and form.get("Longitude"):
        return "location"
    if form.get("NumMedia", "0") == "0" and "MediaUrl0" not in form:
        return "text"
    content_type = form.get("MediaContentType0", "").split(";")[0].strip().lower()
    if content_type in {"text/vcard", "text/x-vcard"}:
        return "contact"
    if form.get("MessageType") == "sticker" or content_type == "image/webp":
        return "sticker"
    return _KIND_BY_MAJOR_TYPE.get(content_type.split("/")[0], "document")


def is_whatsapp(address: str) -> bool:
    """Says whether an address is on WhatsApp, by number or business-scoped id."""
    return address.startswith(WHATSAPP)

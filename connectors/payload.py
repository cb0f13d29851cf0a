"""What a signed webhook body says, as one of our messages.

Fields are read by name and never required by count: Twilio adds new ones
without notice, and all of them are kept in `payload`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.core.errors import UserInputError
from bot.core.phones import WHATSAPP
from bot.core.texts import clean
from bot.store.inbox import Attachment, InboundMessage

MAX_TEXT_CHARS = 4096
"""WhatsApp's own limit; Twilio cuts inbound text at 1,600."""

TWILIO_CUTS_AT = 1600
"""Twilio cuts inbound text here and says so in no field (its error 21617)."""

_MAX_ATTACHMENTS = 10
_FILE_NAME = re.compile(
    r"[^\n/\\]{1,200}\.(pdf|docx?|xlsx?|pptx?|odt|rtf|txt|csv|zip|jpe?g|png|mp[34]|heic)",
    re.IGNORECASE,
)
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
        attachments=_attachments(form),
        external_id=_external_id(form),
    )


def is_inbound(form: Mapping[str, str]) -> bool:
    """Says whether a form is a message to us, and not a status callback."""
    return form.get("SmsStatus", "received") == "received" and (
        "MessageStatus" not in form
    )


@dataclass(frozen=True)
class Tap:
    """A button or a row of a list that somebody chose."""

    payload: str
    """What came with it; only a payload that we offered means anything."""
    title: str


def tap_of(form: Mapping[str, str]) -> Tap | None:
    """Returns what was tapped, or None where the message was written."""
    payload = form.get("ButtonPayload") or form.get("ListId") or ""
    title = form.get("ButtonText") or form.get("ListTitle") or form.get("Body", "")
    return Tap(payload, clean(title)) if payload else None


def is_cut(form: Mapping[str, str]) -> bool:
    """Says whether Twilio kept only the beginning of a long text."""
    return len(form.get("Body", "")) >= TWILIO_CUTS_AT


def quoted_sid(form: Mapping[str, str]) -> str:
    """Returns the message that this one answers, by WhatsApp's own quote, or ""."""
    return form.get("OriginalRepliedMessageSid", "")


def is_forwarded(form: Mapping[str, str]) -> bool:
    """Says whether somebody else wrote this first."""
    marks = (form.get("Forwarded"), form.get("FrequentlyForwarded"))
    return "true" in marks


def place_of(form: Mapping[str, str]) -> tuple[float, float] | None:
    """Returns latitude and longitude in degrees, or None where there are none."""
    try:
        latitude = float(form.get("Latitude", ""))
        longitude = float(form.get("Longitude", ""))
    except ValueError:
        return None
    is_on_earth = -90 <= latitude <= 90 and -180 <= longitude <= 180  # noqa: PLR2004
    return (latitude, longitude) if is_on_earth else None


def _text(form: Mapping[str, str]) -> str:
    written = form.get("Body", "") or form.get("ButtonText", "")
    written = clean(written or form.get("ListTitle", ""))[:MAX_TEXT_CHARS]
    if _count(form) and _FILE_NAME.fullmatch(written.strip()):
        return ""  # WhatsApp puts a document's name where the caption would be
    return written


def _attachments(form: Mapping[str, str]) -> tuple[Attachment, ...]:
    found = []
    for number in range(_count(form)):
        url = form.get(f"MediaUrl{number}", "")
        if url:
            kind = form.get(f"MediaContentType{number}", "")
            found.append(Attachment(url, kind.split(";")[0].strip().lower()[:120]))
    return tuple(found)


def _count(form: Mapping[str, str]) -> int:
    said = form.get("NumMedia", "0")
    number = int(said) if re.fullmatch("[0-9]{1,4}", said) else 0
    return min(max(number, int("MediaUrl0" in form)), _MAX_ATTACHMENTS)


def _external_id(form: Mapping[str, str]) -> str:
    known = form.get("ExternalUserId", "").strip()
    if not known:
        return ""
    return known if known.startswith(WHATSAPP) else WHATSAPP + known


def _kind(form: Mapping[str, str]) -> str:
    if place_of(form) is not None:
        return "location"
    if not _count(form):
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

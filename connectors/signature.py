"""Twilio's webhook signature, over the raw body and the configured address.

The body is parsed here and nowhere else: Sanic's `request.form` drops blank
fields, and a message without text (`Body=`) would then fail its signature. The
address is the configured one, never rebuilt from headers a caller can choose.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit

from multidict import MultiDict
from twilio.request_validator import RequestValidator

_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_MAX_FIELDS = 200

KNOWN_FIELDS = frozenset(
    """AccountSid Address ApiVersion Body ButtonPayload ButtonText ChannelInstallSid
    ChannelMetadata ChannelPrefix ChannelToAddress ErrorCode ErrorMessage EventType
    Forwarded FrequentlyForwarded From Label Latitude ListDescription ListId ListTitle
    Longitude MediaContentType0 MediaUrl0 MessageSid MessageStatus MessageType
    MessagingServiceSid NumMedia NumSegments OriginalRepliedMessageSender
    OriginalRepliedMessageSid ProfileName ReferralNumMedia SmsMessageSid SmsSid
    SmsStatus StructuredMessage To WaId""".split()
)
"""Fields that are read; see `_is_shifted`."""


class UnreadableBodyError(ValueError):
    """The body is no form that Twilio could have sent."""


def parse_form(body: bytes) -> MultiDict[str]:
    """Reads a form body; blank fields and repeated names are kept.

    Raises:
        UnreadableBodyError: no UTF-8, too many fields, or a malformed field.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            encoding="utf-8",
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError as error:  # UnicodeDecodeError is one
        raise UnreadableBodyError("not a form") from error
    return MultiDict(pairs)


def is_signed(
    url: str, form: MultiDict[str], signature: str, *, tokens: Iterable[str]
) -> bool:
    """Says whether one of the tokens signed this form for this address.

    Args:
        url: configured public address, with raw path and raw query.
        form: from `parse_form`.
        signature: value of `X-Twilio-Signature`; base64 of an HMAC-SHA1.
        tokens: auth tokens, more than one while they are being rotated.
    """
    if _is_shifted(form):
        return False
    given = signature.strip().encode()
    is_match = False
    for token in tokens:
        validator = RequestValidator(token)  # type: ignore[no-untyped-call]
        for candidate in _with_and_without_port(url):
            expected = validator.compute_signature(candidate, form)  # type: ignore[no-untyped-call]
            is_match |= hmac.compare_digest(expected.encode(), given)
    return is_match


def _with_and_without_port(url: str) -> tuple[str, ...]:
    parts = urlsplit(url)
    default = {"https": 443, "http": 80}[parts.scheme]
    host = parts.hostname or ""
    if parts.port in {None, default}:
        bare = parts._replace(netloc=host).geturl()
        return bare, parts._replace(netloc=f"{host}:{default}").geturl()
    return (url,)


def _is_shifted(form: MultiDict[str]) -> bool:
    """Says whether a letter may have moved between a field's name and value.

    Twilio signs names and values joined without a separator, so `NumMedia=0` and
    `NumMedi=a0` have the same signature. A name that is unknown, while name and
    value together begin with a known name that is missing, gives that away.
    """
    for name, value in form.items():
        if name in KNOWN_FIELDS:
            continue
        if not _FIELD_NAME.fullmatch(name):
            return True
        joined = name + value
        for known in KNOWN_FIELDS:
            overlaps = known.startswith(name) or name.startswith(known)
            if overlaps and joined.startswith(known) and known not in form:
                return True
    return False

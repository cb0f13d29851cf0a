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

_FIELD_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
_MAX_FIELDS = 200

_FREE = ".*"
_SID = r"[A-Z]{2}[0-9a-z]{1,38}"
_ADDRESS = r"(whatsapp:)?(\+?[0-9]{1,20}|[A-Z]{2}\.[0-9A-Za-z]{1,128})"
_COUNT = "[0-9]{1,6}"
_WORD = "[a-z_-]{1,40}"
_SHAPES_BY_FIELDS = {
    "AccountSid ChannelInstallSid MessageSid MessagingServiceSid": _SID,
    "OriginalRepliedMessageSid SmsMessageSid SmsSid": _SID,
    "From OriginalRepliedMessageSender To": _ADDRESS,
    "ErrorCode NumMedia NumSegments ReferralNumMedia": _COUNT,
    "ChannelPrefix MessageStatus SmsStatus": _WORD,
    "EventType MessageType": "[A-Za-z_-]{1,40}",
    "Forwarded FrequentlyForwarded StructuredMessage": "true|false",
    "ApiVersion": "[0-9-]{1,20}",
    "ExternalUserId ParentExternalUserId": r"(whatsapp:)?[0-9A-Za-z._-]{1,140}",
    "Latitude Longitude": "[-+0-9.eE]{1,30}",
    "WaId": r"[0-9A-Za-z.]{1,140}",
    "ChannelToAddress": r"(whatsapp:)?\+?[0-9A-Z.*]{1,140}",
    "Address Body ButtonPayload ButtonText ChannelMetadata": _FREE,
    "ErrorMessage Label ListDescription ListId ListTitle ProfileName": _FREE,
    "MediaContentType0 MediaUrl0 ProfileUsername Username": _FREE,
}
_SHAPES = {
    name: re.compile(shape, re.DOTALL)
    for names, shape in _SHAPES_BY_FIELDS.items()
    for name in names.split()
}
"""What the known fields look like; see `_is_shifted`. Unknown fields may come at
any time, and are taken as they are."""


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
    given = signature.strip().encode(errors="surrogateescape")
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
    if parts.port in {None, default}:
        host = parts.netloc.removesuffix(f":{default}")
        bare = parts._replace(netloc=host).geturl()
        return bare, parts._replace(netloc=f"{host}:{default}").geturl()
    return (url,)


def _is_shifted(form: MultiDict[str]) -> bool:
    """Says whether letters may have moved between the fields of a signed form.

    Twilio signs names and values, sorted and joined without a separator, so that
    `NumMedia=0` and `NumMedi=a0`, or `ApiVersion=1&To=2` and `ApiVersion=1To2`,
    have the same signature. A value that a known field cannot have, and a known
    name that is missing where another name or value holds it, give that away.
    """
    names = ["", *sorted(set(form)), "~"]
    missing = sorted(_SHAPES.keys() - set(names))
    for before, name, following in zip(names, names[1:], names[2:], strict=False):
        # the order of the names is signed too: only these can be meant here
        here = [other for other in missing if before < other < following]
        if name not in _SHAPES and _is_made_up(name, form.getall(name), here):
            return True
        for value in form.getall(name):
            has_shape = not value or name not in _SHAPES
            if not (has_shape or _SHAPES[name].fullmatch(value)):
                return True
            if any(_has_swallowed(value, other) for other in here if other > name):
                return True
    return False


def _is_made_up(name: str, values: list[str], missing: list[str]) -> bool:
    """Says whether an unknown name is a known one that gained or lost letters."""
    if not _FIELD_NAME.fullmatch(name) or name.endswith(tuple(missing)):
        return True
    return any((name + value).startswith(tuple(missing)) for value in values)


def _has_swallowed(value: str, name: str) -> bool:
    """Says whether a value ends with another field, name and value."""
    _, found, rest = value.rpartition(name)
    if not found:
        return False
    if _SHAPES[name].pattern == _FREE:
        return name != "ErrorMessage"  # people do write this one in a message
    return bool(_SHAPES[name].fullmatch(rest))

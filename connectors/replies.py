"""The JSON and XML that our HTTP routes answer with."""

from __future__ import annotations

import json
from typing import Any

from sanic.response import HTTPResponse

_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


def twiml() -> HTTPResponse:
    """Returns the empty TwiML that tells Twilio "received, nothing to say yet"."""
    return HTTPResponse(_TWIML, status=200, content_type="text/xml")


def json_reply(body: dict[str, Any], *, status: int = 200) -> HTTPResponse:
    """Returns a JSON body in UTF-8, accents unescaped."""
    text = json.dumps(body, ensure_ascii=False)
    return HTTPResponse(
        text, status=status, content_type="application/json; charset=utf-8"
    )


def refusal(message: str, *, status: int, field: str = "") -> HTTPResponse:
    """Returns a Portuguese error that says what to do.

    Example:
        {"erro": {"mensagem": "Falta o campo telefone.", "campo": "telefone"}}
    """
    return json_reply({"erro": {"mensagem": message, "campo": field}}, status=status)

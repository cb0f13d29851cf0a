"""Renders templates with what every page has: the session and the banner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sanic import HTTPResponse
from sanic.response import html

from panel.context import PanelRequest, is_google_lost, session_of


def page(
    request: PanelRequest,
    template: str,
    values: Mapping[str, Any],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTTPResponse:
    """Returns a template as an answer."""
    found = request.app.ctx.templates.get_template(template)
    text = found.render(
        **values, session=session_of(request), google_lost=is_google_lost(request)
    )
    return html(text, status=status, headers=dict(headers or {}))

"""Error answers: a Portuguese page, or a fragment where htmx asked.

Nothing that the request carried is repeated or logged.
"""

from __future__ import annotations

import logging
import traceback
from typing import cast

from sanic import HTTPResponse
from sanic.exceptions import SanicException
from sanic.handlers import ErrorHandler
from sanic.request import Request
from sanic.response import html

from panel.context import PanelRequest
from panel.render import page

_log = logging.getLogger(__name__)
NOT_SENT = "Não foi enviada."
_SERVER_ERROR = 500
_TEXTS = {
    400: ("Não entendi o pedido", "Volte ao painel e tente de novo."),
    404: ("Esta página não existe", "Confira o endereço ou volte ao painel."),
    405: ("Este endereço não aceita esse tipo de pedido", "Volte ao painel."),
    413: (
        "A mensagem é grande demais",
        "Envie um texto menor: o WhatsApp aceita até 4.096 caracteres.",
    ),
    500: (
        "O painel teve um problema",
        "Tente de novo. Se continuar, veja a última linha do painel no terminal do "
        "make run.",
    ),
}


def problem(
    request: PanelRequest, title: str, advice: str, *, status: int
) -> HTTPResponse:
    """Returns what went wrong and what to do, as a page or a fragment."""
    if "hx-request" not in request.headers:
        values = {"title": title, "advice": advice}
        return page(request, "problem.html", values, status=status)
    fragment = request.app.ctx.templates.get_template("send_error.html")
    return html(
        fragment.render(heading=NOT_SENT, message=f"{title}. {advice}", field=""),
        status=status,
        headers=send_error_headers(request),
    )


def send_error_headers(request: PanelRequest) -> dict[str, str]:
    """Returns where htmx puts an error: beside the message box, or nowhere."""
    if request.method == "GET":
        return {"HX-Reswap": "none"}
    return {"HX-Retarget": "#erro-envio", "HX-Reswap": "innerHTML"}


class QuietErrorHandler(ErrorHandler):
    """Answers in Portuguese and logs no address, body or message text."""

    def default(self, request: Request, exception: Exception) -> HTTPResponse:
        """Returns the page of an error that no handler answered."""
        status = getattr(exception, "status_code", _SERVER_ERROR)
        is_known = isinstance(exception, SanicException) and status < _SERVER_ERROR
        if not is_known:
            self.log(request, exception)
        title, advice = _TEXTS.get(status, _TEXTS[400 if is_known else _SERVER_ERROR])
        # Sanic types its own handler by the default application
        return problem(cast("PanelRequest", request), title, advice, status=status)

    @staticmethod
    def log(request: Request, exception: Exception) -> None:
        """Logs where an error arose; its text may hold what a person wrote."""
        frames = traceback.extract_tb(exception.__traceback__)
        where = " < ".join(f"{f.name}:{f.lineno}" for f in reversed(frames))
        _log.error(
            "panel_request_failed error=%s where=%s", type(exception).__name__, where
        )

"""What lawyers are told of where a sheet or a file is going to be."""

from __future__ import annotations

from bot.core.google_link import GoogleStatus, Link
from bot.core.ports import Feature

_HERE = "no computador do escritório"
_OFF = f"{_HERE}, porque o Google ainda não está conectado"
_NOT_GRANTED = f"{_HERE}, porque o acesso aos arquivos do Google não foi autorizado"


def sheet_promise(status: GoogleStatus) -> str:
    """Says where a sheet is being made, and what comes next; true whatever happens."""
    if not status.uses(Feature.FILES):
        return f"Vou criar {_place(status)}. Aviso aqui quando estiver pronta."
    if status.link is Link.RECONNECT:
        return (
            "O Google precisa ser reconectado no painel; assim que for reconectado, "
            "crio a planilha e mando o link aqui."
        )
    return "Vou criar no Google Planilhas. Mando o link aqui assim que estiver pronta."


def filing_promise(status: GoogleStatus) -> str:
    """Says where files are being put, and what comes next; true whatever happens."""
    if not status.uses(Feature.FILES):
        return f"Fica {_place(status)}. Aviso aqui quando terminar."
    if status.link is Link.RECONNECT:
        return (
            "O Google precisa ser reconectado no painel; assim que for reconectado, "
            "guardo e mando o link aqui. Até lá, nada se perde."
        )
    return "Fica no Google Drive. Mando o link aqui assim que terminar."


def _place(status: GoogleStatus) -> str:
    return _OFF if status.link is Link.OFF else _NOT_GRANTED

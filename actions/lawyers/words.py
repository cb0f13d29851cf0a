"""What lawyers are told of where their things are kept."""

from __future__ import annotations

from bot.core.google_link import GoogleStatus, Link
from bot.core.ports import Feature

_NOT_CONNECTED = "o Google Calendar ainda não está conectado"
_NOT_GRANTED = "o acesso à agenda do Google não foi autorizado"
_RECONNECT = "o Google precisa ser reconectado no painel"


def calendar_shown(status: GoogleStatus, *, is_seen: bool) -> str:
    """Returns what follows an agenda: which part of it could not be seen, or ""."""
    if status.link is Link.OFF:
        return f"\n_É a agenda local; {_NOT_CONNECTED}._"
    if not status.uses(Feature.EVENTS):
        return f"\n_É a agenda local; {_NOT_GRANTED}._"
    if status.link is Link.RECONNECT:
        return f"\n_Só o que foi marcado por aqui: {_RECONNECT}._"
    if not is_seen:
        return "\n_Só o que foi marcado por aqui: o Google não respondeu agora._"
    return ""


def calendar_used(status: GoogleStatus) -> str:
    """Returns where a commitment stands, after "Pronto: …, na sua agenda"."""
    if status.link is Link.OFF:
        return f" local; {_NOT_CONNECTED}, e depois ele pode ser transferido"
    if not status.uses(Feature.EVENTS):
        return f" local; {_NOT_GRANTED}"
    if status.link is Link.RECONNECT:
        return f"; {_RECONNECT}, e ele vai para lá assim que for"
    return " do Google"

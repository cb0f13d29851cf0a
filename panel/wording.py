"""How values are written for people in Brazil; filters of the templates."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from bot.core.zones import DEFAULT

OFFICE_ZONE = ZoneInfo(DEFAULT)
"""Where no office has said another."""
_MS_PER_S = 1000
_WHOLE_MS = 10

_PROFILES = {
    "cliente": "cliente",
    "advogado": "advogado(a)",
    "desconhecido": "desconhecido",
}
_ANSWERED_BY = {
    "regra": "Robô (regra)",
    "fluxo": "Robô (fluxo)",
    "ia": "Robô (IA)",
    "pessoa": "Pessoa",
}
_MARKS = (
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), "strong"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])"), "em"),
    (re.compile(r"(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])"), "s"),
)
_OPTION = re.compile(r"\s*(\d{1,2}[.)]|\d️?⃣)\s+(\S.*)")


def whatsapp(text: str) -> Markup:
    """Returns a text as WhatsApp shows it: bold, italics, numbered options.

    Everything is escaped first; the marks become elements of ours afterwards.
    """
    parts: list[str] = []
    options: list[str] = []
    for line in text.strip().splitlines():
        option = _OPTION.fullmatch(line)
        if option:
            number, title = escape(option[1]), _marked(option[2])
            options.append(f"<li><span>{number}</span> <span>{title}</span></li>")
            continue
        parts.extend(_list(options))
        parts.append(f"<p>{_marked(line.strip())}</p>")
        options = []
    parts.extend(_list(options))
    return Markup("".join(parts))  # noqa: S704 - every piece was escaped above


def _list(options: list[str]) -> list[str]:
    return [f'<ul class="options">{"".join(options)}</ul>'] if options else []


def _marked(text: str) -> str:
    marked = str(escape(text))
    for pattern, element in _MARKS:
        marked = pattern.sub(rf"<{element}>\1</{element}>", marked)
    return marked


def clock_time(seconds: float, *, zone: tzinfo = OFFICE_ZONE) -> str:
    """Returns the time of day, as `14:05`.

    Args:
        seconds: since 1970, UTC.
        zone: whose clock.
    """
    return datetime.fromtimestamp(seconds, zone).strftime("%H:%M")


def moment(seconds: float, *, now: float, zone: tzinfo = OFFICE_ZONE) -> str:
    """Returns `14:05`, or `22/11 14:05` where it was on another day."""
    then, today = (datetime.fromtimestamp(at, zone) for at in (seconds, now))
    is_today = then.date() == today.date()
    return then.strftime("%H:%M" if is_today else "%d/%m %H:%M")


def day(seconds: float, *, zone: tzinfo = OFFICE_ZONE) -> str:
    """Returns the day and the time, as `22/11/2026 às 14:05`."""
    return datetime.fromtimestamp(seconds, zone).strftime("%d/%m/%Y às %H:%M")


def duration(milliseconds: float) -> str:
    """Returns `1,2 ms`, `340 ms` or `1,5 s`."""
    if milliseconds >= _MS_PER_S:
        return _comma(f"{milliseconds / _MS_PER_S:.1f} s")
    if milliseconds >= _WHOLE_MS:
        return f"{milliseconds:.0f} ms"
    return _comma(f"{milliseconds:.1f} ms")


def percent(share: float | None) -> str:
    """Returns `92%` for 0.92, and a dash where there is no value."""
    return "—" if share is None else f"{share * 100:.0f}%"


def profile_name(profile: str) -> str:
    """Returns who a `tipo_usuario` is, in words."""
    return _PROFILES.get(profile, profile) or "—"


def answered_by_name(answered_by: str) -> str:
    """Returns who a `quem_respondeu` is, in words."""
    return _ANSWERED_BY.get(answered_by, answered_by) or "—"


def phone_text(phone: str) -> str:
    """Returns a Brazilian number with its groups set apart: +55 11 98765-4321."""
    parts = re.fullmatch(r"\+55(\d\d)(\d{4,5})(\d{4})", phone)
    return f"+55 {parts[1]} {parts[2]}-{parts[3]}" if parts else phone


def _comma(text: str) -> str:
    return text.replace(".", ",")

"""One text of the office, as the fallback quotes it and the model cites it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Entry:
    """One thing that the office says, and how people ask for it."""

    id: str
    """Short and stable, as `acompanhante`; what an answer cites."""
    title: str
    """The question or subject as the office words it."""
    questions: tuple[str, ...]
    """Other ways to ask it, as typed on WhatsApp."""
    text: str
    """The answer, as it may be sent: placeholders filled, at most 600 characters."""
    place: str = field(default="", compare=False)
    """Where it is written, `visita.md, linha 12`; "" if no file holds it."""

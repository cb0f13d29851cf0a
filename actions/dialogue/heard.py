"""What one message says, as Rasa understood it; forms read it through here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.core.entities.found import fold
from bot.core.schedule import Wish

Entity = Mapping[str, Any]
_REFUSED_BEFORE = re.compile(
    r"\b(?:nao (?:posso|da|consigo|vai dar|quero|pode ser)|menos|exceto|sem ser|nao)"
    r"(?: (?:mais|ir|a|o|na|no|em|de|pra|ser|as))* $"
)
_REFUSED_AFTER = re.compile(r" (?:eu )?nao\b(?! (?:sei|tem problema))")


@dataclass(frozen=True)
class Heard:
    """One understood message."""

    text: str
    intent: str
    """The understood intent, or `nlu_fallback`."""
    confidence: float
    """0-1."""
    entities: tuple[Entity, ...]
    """As `bot/nlu/entity_reader.py` sets them."""
    now: datetime
    """When the message came; aware, in the office's zone."""

    def values(self, entity: str) -> list[str]:
        """Returns the canonical values of an entity, in the order said."""
        return [str(e["value"]) for e in self.entities if e.get("entity") == entity]

    def only(self, entity: str) -> str | None:
        """Returns an entity's value where all mentions agree, or None."""
        found = set(self.values(entity))
        return found.pop() if len(found) == 1 else None

    def moments(self) -> list[Entity]:
        """Returns the dates and times to come, without those that are refused."""
        return [
            e
            for e in self.entities
            if e.get("entity") == "data_hora"
            and not e.get("passado")
            and not _is_refused(e, fold(self.text))
        ]

    def past(self) -> list[str]:
        """Returns the words that name a time gone by, as "há 3 meses"."""
        return [
            str(e.get("text") or e["value"])
            for e in self.entities
            if e.get("entity") == "data_hora" and e.get("passado")
        ]

    def wish(self) -> Wish | None:
        """Returns the day and hour wished for, all mentions put together."""
        return wish_of(self.moments())


def _is_refused(moment: Entity, text: str) -> bool:
    """Says whether the words around exclude a day, as in "amanhã não posso"."""
    start, end = int(moment.get("start") or 0), int(moment.get("end") or 0)
    is_refused = _REFUSED_BEFORE.search(text[:start]) or _REFUSED_AFTER.match(
        text[end:]
    )
    return is_refused is not None


def wish_of(moments: list[Entity]) -> Wish | None:
    """Returns several mentions as one wish; None where there is none."""
    wish: Wish | None = None
    for moment in moments:
        said = Wish.from_json(moment)
        wish = said if wish is None else wish.merge(said)
    return wish


def heard_in(latest_message: Mapping[str, Any], *, now: datetime) -> Heard:
    """Reads Rasa's `latest_message`."""
    intent = latest_message.get("intent") or {}
    return Heard(
        text=str(latest_message.get("text") or ""),
        intent=str(intent.get("name") or ""),
        confidence=float(intent.get("confidence") or 0.0),
        entities=tuple(latest_message.get("entities") or ()),
        now=now,
    )

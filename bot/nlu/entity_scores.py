"""Compares the entities that were read with those that people labelled."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from bot.core.entities.dates import ZONE, read_moments
from bot.core.entities.found import fold
from bot.core.names import ENTITIES

NOW = datetime(2026, 11, 23, 9, tzinfo=ZONE)
"""A Monday morning at which every message of an evaluation is read."""
_AS_WRITTEN = frozenset({"data_hora", "nome"})
_EXAMPLE_CHARS = 30

Label = tuple[str, str]
"""Entity and value."""
Read = tuple[str, ...]
"""Entity, its canonical value and, behind it, the text it was read from."""


@dataclass
class Tally:
    """What became of one entity's labels."""

    right: int = 0
    missed: list[str] = field(default_factory=list)
    """Labelled values that were not found."""
    invented: list[str] = field(default_factory=list)
    """Values that were found and not labelled."""


def tallies(
    messages: Iterable[tuple[Collection[Label], Collection[Read]]],
) -> dict[str, Tally]:
    """Returns a tally for each entity; a label and a reading pair up once."""
    counted = {entity: Tally() for entity in ENTITIES}
    for labels, read in messages:
        left = sorted(read)
        for label in sorted(labels):
            tally = counted.setdefault(label[0], Tally())
            pair = next((item for item in left if _agree(label, item)), None)
            if pair is None:
                tally.missed.append(label[1])
            else:
                left.remove(pair)
                tally.right += 1
        for entity, *forms in left:
            counted.setdefault(entity, Tally()).invented.append(forms[-1])
    return counted


def micro_f1(counted: dict[str, Tally]) -> float:
    """Returns 2·right / (labelled + found) over all entities, 0 to 1."""
    right = sum(tally.right for tally in counted.values())
    wrong = sum(len(t.missed) + len(t.invented) for t in counted.values())
    return round(2 * right / (2 * right + wrong), 4) if right + wrong else 0.0


def table(counted: dict[str, Tally]) -> str:
    """Returns, in Portuguese, a line for each entity that occurs."""
    lines = [
        f"{'entidade':16} {'certas':>6} {'perdidas':>8} {'inventadas':>10}  exemplos"
    ]
    for entity, tally in counted.items():
        missed, invented = tally.missed, tally.invented
        if not (tally.right or missed or invented):
            continue
        examples = [
            f"{what} {values[0][:_EXAMPLE_CHARS]!r}"
            for what, values in (("perdeu", missed), ("inventou", invented))
            if values
        ]
        numbers = f"{tally.right:6} {len(missed):8} {len(invented):10}"
        lines.append(f"{entity:16} {numbers}  {', '.join(examples)}".rstrip())
    return "\n".join(lines) if len(lines) > 1 else "Nenhuma entidade rotulada."


def _agree(label: Label, read: Read) -> bool:
    (entity, wanted), (read_as, value, *written) = label, read
    if entity != read_as:
        return False
    if wanted == value:
        return True
    if entity not in _AS_WRITTEN:
        return False
    if _levelled(wanted) in map(_levelled, (value, *written)):
        return True
    return entity == "data_hora" and value in {
        moment.value(NOW) for moment in read_moments(wanted, now=NOW)
    }


def _levelled(text: str) -> str:
    return " ".join(fold(text).split())

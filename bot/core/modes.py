"""Who answers: rules alone, the model too, the model behind a person, or a person.

A mode holds for the whole office and may be narrowed for one conversation: of the
two, the stricter one counts, so that "stop" always stops.
"""

from __future__ import annotations

from enum import Enum


class Mode(str, Enum):
    """Who may answer what the flows do not understand; the least strict first."""

    MODEL = "regras_ia"
    """Rules and flows; the model answers the rest, checked."""
    REVIEW = "regras_ia_revisao"
    """The same, but what the model wrote waits for a person to send it."""
    RULES = "somente_regras"
    """The model is not asked."""
    PERSON = "humano"
    """The robot is silent; everything waits for a person."""


MODES = tuple(Mode)
WORDS = {
    Mode.MODEL: "regras e IA: a IA responde o que as regras não sabem",
    Mode.REVIEW: "regras e IA com revisão: a IA só rascunha, uma pessoa envia",
    Mode.RULES: "somente regras: a IA não é usada",
    Mode.PERSON: "humano: o robô não responde, tudo espera por uma pessoa",
}
"""What each does, for people."""


def stricter(one: Mode, other: Mode) -> Mode:
    """Returns the mode that allows the robot less.

    >>> stricter(Mode.MODEL, Mode.RULES).value
    'somente_regras'
    """
    return max(one, other, key=MODES.index)

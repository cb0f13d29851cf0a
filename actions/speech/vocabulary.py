"""The office's words, given to Whisper before it listens (`initial_prompt`).

It then writes the lawyers' names and the terms of the trade as the office does.
"""

from __future__ import annotations

from bot.core.office import Office

MOST_CHARS = 460
"""Whisper reads the last 223 tokens of a prompt (half its text context, less one);
Portuguese has about 3 characters a token in its alphabet, and names fewer."""
_TERMS = (
    "Consulta, audiência, processo, petição, honorários, procuração, contrato, "
    "verbas rescisórias, aposentadoria, INSS, divórcio, pensão alimentícia, guarda, "
    "inventário, indenização, alvará, CPF, OAB"
)


def vocabulary(office: Office) -> str:
    """Returns the prompt: the office, its lawyers, its areas, the trade's terms."""
    lawyers = ", ".join(each.name for each in office.lawyers)
    areas = ", ".join(office.areas)
    parts = (office.texts["nome"], lawyers, areas)
    own = ". ".join(part for part in parts if part)
    room = MOST_CHARS - len(_TERMS) - 3
    return f"{_shortened(own, room)}. {_TERMS}."


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most].rsplit(" ", 1)[0].rstrip(",.")

"""Details that nobody is asked for and that are taken whenever they come."""

from __future__ import annotations

from actions.dialogue.form import FormTurn
from bot.core.entities.documents import wrong_document

DETAILS = frozenset({"cpf", "email"})


def hear_details(turn: FormTurn) -> None:
    """Takes CPF and e-mail; a CPF with wrong check digits is said at once."""
    for slot in sorted(DETAILS):
        value = turn.heard.only(slot)
        if value and value != turn.get(slot):
            turn.fill(slot, value)
    wrong = wrong_document(turn.text)
    if wrong:
        turn.say("utter_cpf_invalido", trecho=wrong)
        turn.fill("cpf", None)

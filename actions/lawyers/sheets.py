"""A spreadsheet out of one sentence."""

from __future__ import annotations

import re

from actions.appointments.booking import forget
from actions.base import Events
from actions.conversation import Conversation
from actions.dialogue import answers
from actions.dialogue.form import FormTurn
from actions.lawyers.base import EndOfLawyerForm, LawyerForm
from actions.lawyers.kept_where import sheet_promise
from actions.work.sheets import NEW_SHEET
from bot.core.filed_names import joined
from bot.core.names import AnsweredBy
from bot.core.sheet_plans import SheetPlan, plan

FLOW = "criar_planilha"
SHEET = "planilha"
_ANY_TITLE = "Planilha geral"
_ANY = re.compile(r"\b(?:em branco|zerada|vazia|qualquer)\b", re.I)


class SheetForm(LawyerForm):
    """What a spreadsheet is for."""

    flow = FLOW
    slots = (SHEET,)
    own_intents = frozenset({FLOW})

    async def begin_for_lawyer(self, turn: FormTurn) -> None:
        """Takes title and columns out of the command."""
        self._fill(turn, _planned(turn))

    async def listen(self, turn: FormTurn) -> None:
        """Takes the description as written, or that there is none."""
        if turn.declines():
            turn.close("utter_interromper")
        elif not self.is_elsewhere(turn):
            made = _planned(turn)
            if answers.is_whatever(turn.text) or _ANY.search(turn.text):
                made = SheetPlan(_ANY_TITLE, plan("").columns)
            self._fill(turn, made)

    def _fill(self, turn: FormTurn, made: SheetPlan) -> None:
        if made.is_named:
            turn.fill(SHEET, {"titulo": made.title, "colunas": list(made.columns)})


class MakeSheet(EndOfLawyerForm):
    """Lets the spreadsheet be made after the turn."""

    async def answer(self, conversation: Conversation) -> Events:
        """Says title, columns and where; the link follows when it is there."""
        wanted = conversation.slots.get(SHEET)
        if wanted:
            title, columns = wanted["titulo"], wanted["colunas"]
            facts = {SHEET: title, "colunas": columns, "texto": conversation.text}
            conversation.say(
                "utter_criar_planilha",
                effects=(
                    {"tipo": "pedido", "fluxo": FLOW, "dados": facts},
                    {"tipo": "trabalho", "trabalho": NEW_SHEET, "dados": wanted},
                ),
                answered_by=AnsweredBy.FLOW,
                titulo=title,
                colunas=joined(columns),
                onde=sheet_promise(await self.services.keepers.status()),
            )
        return forget(SHEET)


def _planned(turn: FormTurn) -> SheetPlan:
    return plan(turn.text, names=turn.heard.values("nome"))

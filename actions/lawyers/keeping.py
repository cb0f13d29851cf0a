"""Spreadsheets and files, kept as requests until Google is connected."""

from __future__ import annotations

import re

from actions.appointments.booking import forget
from actions.base import Events
from actions.conversation import Conversation
from actions.dialogue.form import FormTurn
from actions.lawyers.base import EndOfLawyerForm, LawyerForm
from actions.services import Services
from bot.core.names import AnsweredBy

SHEET, FOLDER = "planilha", "pasta"
_LONGEST = 200
_SHEET_COMMAND = re.compile(
    r"^.*?\bplanilh\w*(?: (?:nova|google|nova do google|do google|do excel|pra mim))*"
    r"[ ,:]*",
    re.I,
)
_FOLDER = re.compile(r"\bpasta (?:d[aeo]s? )?(?P<which>.+?)[ .!?]*$", re.I)
_LEADING = re.compile(r"^(?:(?:com|de|do|da|dos|das|para|pra|sobre)\s+)+", re.I)


class SheetForm(LawyerForm):
    """What a spreadsheet is for."""

    flow = "criar_planilha"
    slots = (SHEET,)
    own_intents = frozenset({"criar_planilha"})

    async def begin_for_lawyer(self, turn: FormTurn) -> None:
        """Takes the description out of the command."""
        if _SHEET_COMMAND.match(turn.text):
            said = _SHEET_COMMAND.sub("", turn.text, count=1)
            said = _LEADING.sub("", said).strip(" .!?")
        else:
            said = turn.text
        if said:
            turn.fill(SHEET, said[:_LONGEST])

    async def listen(self, turn: FormTurn) -> None:
        """Takes the description as written, or that there is none."""
        if turn.declines():
            turn.close("utter_interromper")
        elif not turn.means_something_else():
            turn.fill(SHEET, _LEADING.sub("", turn.text)[:_LONGEST])


class FilingForm(LawyerForm):
    """Into whose folder a file goes."""

    flow = "salvar_no_drive"
    slots = (FOLDER,)
    own_intents = frozenset({"salvar_no_drive", "enviar_documento"})

    async def begin_for_lawyer(self, turn: FormTurn) -> None:
        """Takes a name, a case number, or the words behind "pasta"."""
        self._hear(turn)

    async def listen(self, turn: FormTurn) -> None:
        """Takes the folder as written, or that there is none."""
        if turn.declines():
            turn.close("utter_interromper")
            return
        self._hear(turn)
        if turn.get(FOLDER) is None and not turn.means_something_else():
            turn.fill(FOLDER, turn.text[:_LONGEST])

    def _hear(self, turn: FormTurn) -> None:
        named = turn.heard.values("nome") or turn.heard.values("numero_processo")
        written = _FOLDER.search(turn.text)
        if named:
            turn.fill(FOLDER, max(named, key=len))
        elif written:
            turn.fill(FOLDER, written["which"][:_LONGEST])


class KeepCommand(EndOfLawyerForm):
    """Keeps a lawyer's command as a request, with what it is about."""

    def __init__(self, name: str, services: Services, *, slot: str) -> None:
        super().__init__(name, services)
        self._slot = slot

    async def answer(self, conversation: Conversation) -> Events:
        """Says honestly that the outside service is not connected yet."""
        wanted = conversation.slots.get(self._slot)
        if wanted:
            flow = self.name().removeprefix("action_")
            facts = {self._slot: wanted, "texto": conversation.text}
            conversation.say(
                f"utter_{flow}",
                effects=({"tipo": "pedido", "fluxo": flow, "dados": facts},),
                answered_by=AnsweredBy.FLOW,
                texto=wanted,
            )
        return forget(self._slot)

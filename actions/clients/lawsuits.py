"""Status of a lawsuit, from the office's own sheet, to its own client alone."""

from __future__ import annotations

import re

from actions.appointments.booking import forget
from actions.base import AssistantAction, Events
from actions.conversation import Conversation
from actions.dialogue import answers
from actions.dialogue.form import Form, FormTurn
from bot.core.cases_sheet import Case
from bot.core.entities.documents import wrong_lawsuit
from bot.core.lawsuits import written
from bot.core.names import AnsweredBy
from bot.store import office_desk

FLOW = "consultar_processo"
NUMBER = "numero_processo"
NO_NUMBER = "sem_numero"
MINE = "meus"
"""Value of the slot where the writer's own number has lawsuits in the sheet."""


class LawsuitForm(Form):
    """Which lawsuit is meant; nobody is asked for what the sheet knows."""

    flow = FLOW
    slots = (NUMBER,)
    own_intents = frozenset({FLOW})

    async def begin(self, turn: FormTurn) -> None:
        """Takes a number from the first message, or the person's own lawsuits."""
        self._hear(turn)
        if turn.get(NUMBER) is None and await own_rows(self, turn.conversation):
            turn.fill(NUMBER, MINE)

    async def listen(self, turn: FormTurn) -> None:
        """Takes a number with right check digits, or that there is none."""
        self._hear(turn)
        has_none = answers.is_unknown(turn.text)
        has_none |= answers.is_no(turn.text) and not self.is_elsewhere(turn)
        if not turn.changes and (has_none or turn.heard.intent == "negar"):
            turn.fill(NUMBER, NO_NUMBER)

    def _hear(self, turn: FormTurn) -> None:
        number = turn.heard.values(NUMBER)
        wrong = wrong_lawsuit(turn.text)
        if number:
            turn.fill(NUMBER, number[0])
        elif wrong:
            turn.say("utter_numero_processo_errado", trecho=wrong)
            turn.fill(NUMBER, None)


class ShowLawsuit(AssistantAction):
    """Tells what the sheet says of a lawsuit, or passes the question on."""

    async def answer(self, conversation: Conversation) -> Events:
        """Discloses a row only to the number that the office wrote beside it."""
        number = str(conversation.slots.get(NUMBER) or "")
        if not number:
            return forget(NUMBER)
        rows = await own_rows(self, conversation)
        if number not in {MINE, NO_NUMBER}:
            digits = re.sub(r"\D", "", number)
            rows = [row for row in rows if row.number == digits]
        if rows:
            conversation.say(
                "utter_andamento_processo",
                answered_by=AnsweredBy.FLOW,
                lista="\n\n".join(_described(row) for row in rows),
            )
            return forget(NUMBER)
        is_known = number not in {MINE, NO_NUMBER}
        conversation.say(
            "utter_consultar_processo"
            if is_known
            else "utter_consultar_processo_sem_numero",
            effects=(
                {
                    "tipo": "pedido",
                    "fluxo": FLOW,
                    "dados": {NUMBER: number if is_known else ""},
                },
                {"tipo": "passagem", "motivo": FLOW},
            ),
            answered_by=AnsweredBy.FLOW,
            numero_processo=number,
        )
        return forget(NUMBER)


async def own_rows(
    asker: LawsuitForm | ShowLawsuit, conversation: Conversation
) -> list[Case]:
    """Returns the lawsuits that the sheet holds for the writer's own number."""
    phone = await asker.services.read(
        lambda connection: office_desk.phone_of_conversation(
            connection, conversation.id
        )
    )
    if not phone:
        return []
    return list((await asker.services.cases.sheet()).of_phone(phone))


def _described(row: Case) -> str:
    lines = [
        f"*{written(row.number)}*" if row.number else f"*{row.client}*",
        row.status,
    ]
    if row.next_step:
        lines.append(f"Próximo passo: {row.next_step}")
    if row.updated_on:
        lines.append(f"Atualizado em {row.updated_on:%d/%m/%Y}")
    return "\n".join(lines)

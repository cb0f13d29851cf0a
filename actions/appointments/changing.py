"""Moving and cancelling: which appointment, to when, and a yes before it is done."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from actions.appointments.booking import HOLD_S, forget, in_words
from actions.appointments.when import (
    OFFERS,
    WHEN,
    WISH,
    Planner,
    hear_wish,
    settle,
    take_hold,
    upcoming,
)
from actions.base import AssistantAction, Events
from actions.conversation import Conversation
from actions.dialogue import answers
from actions.dialogue.form import CONFIRMED, YES, Form, FormTurn
from actions.dialogue.heard import Entity
from bot.core.names import AnsweredBy
from bot.core.schedule import Wish, spoken
from bot.store import appointments
from bot.store.appointments import Appointment

WHICH = "qual_consulta"
MOVE, CANCEL = "remarcar_consulta", "cancelar_consulta"


def starts(appointment: Appointment, now: datetime) -> datetime:
    """Returns when an appointment begins, by the clock of an aware moment."""
    return datetime.fromtimestamp(appointment.starts_at, now.tzinfo)


def as_list(found: Sequence[Appointment], now: datetime) -> str:
    """Returns appointments as numbered lines."""
    return "\n".join(
        f"{number}. {spoken(starts(item, now), now)}, {in_words(item.facts.modality)}, "
        f"com {item.lawyer}"
        for number, item in enumerate(found, start=1)
    )


class ChangeForm(Form):
    """What moving and cancelling share: finding the appointment that is meant."""

    async def begin(self, turn: FormTurn) -> None:
        """Ends at once where there is nothing to change."""
        found = await upcoming(self.services, turn.conversation)
        if not found:
            turn.close("utter_sem_agendamento")
            return
        known = [item.id for item in found]
        if turn.conversation.reminded_of in known:
            turn.fill(WHICH, turn.conversation.reminded_of)
        elif len(known) == 1:
            turn.fill(WHICH, known[0])
        await self._hear(turn, found)

    async def listen(self, turn: FormTurn) -> None:
        """Fills which appointment, and what the form needs besides."""
        found = await upcoming(self.services, turn.conversation)
        if not found:
            turn.close("utter_sem_agendamento")
            return
        await self._hear(turn, found)

    @abstractmethod
    async def _hear(self, turn: FormTurn, found: list[Appointment]) -> None:
        """Fills what one message says of the change."""

    def _hear_which(self, turn: FormTurn, found: list[Appointment]) -> list[Entity]:
        """Fills the appointment; returns the moments that name something else."""
        moments = turn.heard.moments()
        if turn.asked == WHEN:
            return moments
        if turn.asked == WHICH:
            index = answers.read_choice(turn.text, among=len(found))
            if index is not None:
                turn.fill(WHICH, found[index].id)
                return []
        rest = []
        now = turn.conversation.now
        for moment in moments:
            meant = [item for item in found if _names(moment, starts(item, now))]
            if not meant and (turn.asked == WHICH or self.flow == CANCEL):
                meant = [i for i in found if _names_weekday(moment, starts(i, now))]
            if len(meant) == 1:
                turn.fill(WHICH, meant[0].id)
            elif not meant:
                rest.append(moment)
        return rest


class CancelForm(ChangeForm):
    """Which appointment is cancelled, and whether the person is sure."""

    flow = CANCEL
    slots = (WHICH, CONFIRMED)
    own_intents = frozenset({CANCEL})

    async def _hear(self, turn: FormTurn, found: list[Appointment]) -> None:
        self._hear_which(turn, found)
        if turn.asked != CONFIRMED or turn.changes or turn.asks_us():
            return
        if turn.declines():
            turn.close("utter_consulta_mantida")
        elif turn.agrees(doing="cancel|desmarc") or turn.heard.intent == CANCEL:
            turn.fill(CONFIRMED, YES)


class MoveForm(ChangeForm):
    """Which appointment is moved and to when; the new hour is kept on a yes."""

    flow = MOVE
    slots = (WHICH, "area_direito", "advogado", "modalidade", WISH, OFFERS, WHEN,
             "reserva", CONFIRMED)  # fmt: skip
    own_intents = frozenset({MOVE, "agendar_consulta"})

    async def _hear(self, turn: FormTurn, found: list[Appointment]) -> None:
        moments = self._hear_which(turn, found)
        chosen = next((i for i in found if i.id == turn.get(WHICH)), None)
        if chosen is not None and turn.get("advogado") != chosen.lawyer:
            turn.fill("advogado", chosen.lawyer)
            turn.fill("area_direito", chosen.facts.area)
            turn.fill("modalidade", chosen.facts.modality)
        is_wish = (turn.asked != WHICH or moments) and not turn.asks_us()
        heard = bool(is_wish) and hear_wish(turn, moments=moments)
        is_known = WHICH in turn.changes and turn.get(WISH)  # wished before chosen
        if chosen is not None and (heard or is_known):
            self._keep_hour(turn, chosen)
            await settle(turn, self._planner(turn, chosen))
            return
        if turn.asked == CONFIRMED and not turn.changes and not turn.asks_us():
            await self._hear_confirmation(turn, chosen)

    def _planner(self, turn: FormTurn, chosen: Appointment) -> Planner:
        return Planner(self.services, turn.conversation, moves=chosen.id)

    def _keep_hour(self, turn: FormTurn, chosen: Appointment) -> None:
        """Keeps the hour for "no mesmo horário", the day for "às 15h" alone."""
        wish = Wish.from_json(turn.get(WISH))
        moment = starts(chosen, turn.conversation.now)
        if wish.has_day and not wish.has_hour and "mesm" in turn.text.lower():
            wish = wish.merge(Wish(time=moment.time()))
        elif not wish.has_day and wish.time is not None:
            wish = wish.merge(Wish(day=moment.date()))
        turn.fill(WISH, wish.to_json())

    async def _hear_confirmation(
        self, turn: FormTurn, chosen: Appointment | None
    ) -> None:
        if turn.agrees(doing="mud|troc|alter|remarc|pass"):
            await self._hold(turn, chosen)
        elif turn.declines() or (
            answers.has_reserve(turn.text) and not self.is_elsewhere(turn)
        ):
            for slot in (WHEN, WISH, OFFERS):
                turn.fill(slot, None)

    async def _hold(self, turn: FormTurn, chosen: Appointment | None) -> None:
        if chosen is None:
            turn.close("utter_sem_agendamento")
            return
        planner = self._planner(turn, chosen)
        starts_at = datetime.fromisoformat(str(turn.get(WHEN)))
        if starts_at <= turn.conversation.now:
            await settle(turn, planner)
            return
        length = timedelta(seconds=chosen.ends_at - chosen.starts_at)
        held = await planner.keep(
            lambda connection: appointments.hold(
                connection,
                conversation_id=turn.conversation.id,
                lawyer=chosen.lawyer,
                starts_at=starts_at.timestamp(),
                ends_at=(starts_at + length).timestamp(),
                now=turn.conversation.now.timestamp(),
                hold_s=HOLD_S,
                moves=chosen.id,
                facts=replace(chosen.facts, inbox_id=None),
            ),
            planner.lawyer({"advogado": chosen.lawyer}),
            (starts_at.timestamp(), (starts_at + length).timestamp()),
        )
        await take_hold(turn, planner, held)


class AskWhich(AssistantAction):
    """Asks which of several appointments is meant."""

    async def answer(self, conversation: Conversation) -> Events:
        """Lists them with numbers."""
        found = await upcoming(self.services, conversation)
        conversation.say(
            "utter_ask_qual_consulta",
            answered_by=AnsweredBy.FLOW,
            opcoes=as_list(found, conversation.now),
        )
        return []


class AskChangeConfirmation(AssistantAction):
    """Names the change before it is made."""

    async def answer(self, conversation: Conversation) -> Events:
        """Says the appointment, and where it would go."""
        slots = conversation.slots
        chosen = await _chosen(self, conversation)
        if chosen is None:
            conversation.say("utter_sem_agendamento", answered_by=AnsweredBy.FLOW)
            return []
        variables: dict[str, Any] = {
            "atual": spoken(starts(chosen, conversation.now), conversation.now),
            "advogado": chosen.lawyer,
        }
        if slots.get(WHEN):
            moment = datetime.fromisoformat(str(slots[WHEN]))
            variables["quando"] = spoken(moment, conversation.now)
        name = self.name().replace("action_", "utter_", 1)
        conversation.say(name, answered_by=AnsweredBy.FLOW, **variables)
        return []


class CancelAppointment(AssistantAction):
    """Cancels the chosen appointment with the turn."""

    async def answer(self, conversation: Conversation) -> Events:
        """Names what was cancelled; silent where the form ended without a yes."""
        chosen = await _chosen(self, conversation)
        if conversation.slots.get(CONFIRMED) == YES and chosen is not None:
            quando = spoken(starts(chosen, conversation.now), conversation.now)
            conversation.say(
                "utter_cancelar_consulta",
                effects=(
                    {"tipo": "consulta", "acao": "cancelar", "id": chosen.id},
                    _request(
                        CANCEL, {"quando": starts(chosen, conversation.now).isoformat()}
                    ),
                ),
                answered_by=AnsweredBy.FLOW,
                quando=quando,
            )
        return forget(*CancelForm.slots)


class MoveAppointment(AssistantAction):
    """Moves the chosen appointment to the hour that was kept."""

    async def answer(self, conversation: Conversation) -> Events:
        """Says old and new hour; silent where the form ended without a yes."""
        slots = conversation.slots
        chosen = await _chosen(self, conversation)
        if slots.get(CONFIRMED) == YES and chosen is not None:
            moment = datetime.fromisoformat(str(slots[WHEN]))
            effect = {
                "tipo": "consulta",
                "acao": "remarcar",
                "id": chosen.id,
                "nova": slots["reserva"],
            }
            facts = {
                "antes": starts(chosen, conversation.now).isoformat(),
                "quando": slots[WHEN],
            }
            conversation.say(
                "utter_remarcar_consulta",
                effects=(effect, _request(MOVE, facts)),
                answered_by=AnsweredBy.FLOW,
                atual=spoken(starts(chosen, conversation.now), conversation.now),
                quando=spoken(moment, conversation.now),
                advogado=chosen.lawyer,
            )
        return forget(*MoveForm.slots)


class ShowAppointments(AssistantAction):
    """Tells the person's own appointments to come."""

    async def answer(self, conversation: Conversation) -> Events:
        """Lists all of them, soonest first."""
        found = await upcoming(self.services, conversation)
        if not found:
            conversation.say("utter_sem_agendamento", answered_by=AnsweredBy.FLOW)
            return []
        response = "utter_consultar_agendamento"
        if len(found) > 1:
            response = "utter_consultar_agendamentos"
        conversation.say(
            response,
            answered_by=AnsweredBy.FLOW,
            consulta=as_list(found, conversation.now)[3:],
            opcoes=as_list(found, conversation.now),
        )
        return []


async def _chosen(
    action: AssistantAction, conversation: Conversation
) -> Appointment | None:
    wanted = conversation.slots.get(WHICH)
    found = await upcoming(action.services, conversation)
    return next((item for item in found if item.id == wanted), None)


def _names(moment: Entity, start: datetime) -> bool:
    wish = Wish.from_json(moment)
    if wish.day is None and wish.time is None:
        return False
    same_day = wish.day is None or wish.day == start.date()
    return same_day and (wish.time is None or wish.time == start.time())


def _names_weekday(moment: Entity, start: datetime) -> bool:
    """Says whether "a de quinta" is a Thursday that is not the next one."""
    day = Wish.from_json(moment).exact_day
    is_weekday = not any(map(str.isdigit, str(moment.get("text"))))
    return is_weekday and day is not None and day.weekday() == start.weekday()


def _request(flow: str, facts: dict[str, object]) -> dict[str, object]:
    return {"tipo": "pedido", "fluxo": flow, "dados": facts}

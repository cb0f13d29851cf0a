"""From a wish such as "quinta à tarde" to a free hour, or to three that are free.

Slots: `preferencia` is what was wished so far (`Wish.to_json`), `propostas` the
hours offered last (ISO 8601), `quando` the hour that was found free (ISO 8601).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from actions.base import AssistantAction, Events
from actions.conversation import Conversation
from actions.dialogue import answers
from actions.dialogue.form import CONFIRMED, YES, FormTurn
from actions.dialogue.heard import wish_of
from actions.services import Services
from bot.core.entities.dates import has_impossible
from bot.core.entities.found import fold
from bot.core.names import AnsweredBy
from bot.core.office import Lawyer, Office
from bot.core.schedule import (
    Slot,
    Wish,
    judge,
    lawyer_for,
    propose,
    short,
    spoken,
)
from bot.core.stretches import Stretch
from bot.store import appointments
from bot.store.appointments import Appointment

WHEN, WISH, OFFERS, HELD = "quando", "preferencia", "propostas", "reserva"
_OFFERED = 3
_BARE_ORDINAL = re.compile(r"\W*(?:n[ao] |pode ser )?(?:segunda|terca|quarta|quinta)\b")
"""Without an article, "segunda" is Monday; "a segunda" is the second offer."""
_POINTS = re.compile(r"\b[ao]s? (?:d[aeo]s?|opcao)\b")
_HOURS = range(7, 21)
_HOUR_REFUSED = frozenset({"ocupado", "fora_do_horario", "muito_cedo"})
"""Refusals of the hour; the others refuse the day."""


async def upcoming(services: Services, conversation: Conversation) -> list[Appointment]:
    """Returns the person's own appointments to come, soonest first."""
    return await services.read(
        lambda connection: appointments.of_conversation(
            connection, conversation.id, now=conversation.now.timestamp()
        )
    )


class Planner:
    """Finds free hours of the lawyer whom a booking is for."""

    def __init__(
        self,
        services: Services,
        conversation: Conversation,
        *,
        moves: int | None = None,
    ) -> None:
        self._services = services
        self._conversation = conversation
        self._moves = moves

    @property
    def office(self) -> Office:
        """The office's hours, closures and lawyers."""
        return self._services.office

    def lawyer(self, slots: Any) -> Lawyer:
        """Returns who attends, by name, area and modality of the slots."""
        return lawyer_for(
            self.office,
            area=slots.get("area_direito"),
            name=slots.get("advogado"),
            modality=slots.get("modalidade"),
        )

    def minutes(self, slots: Any) -> int:
        """Returns how long an appointment of this area takes."""
        return self.office.duration_min(slots.get("area_direito"))

    async def _busy(self, lawyer: Lawyer) -> list[tuple[float, float]]:
        now = self._conversation.now
        last = now + timedelta(days=self.office.horizon_days + 1)
        foreign = await self._services.diary.busy(lawyer, now, last)
        own = await self._services.read(
            lambda connection: appointments.busy(
                connection,
                lawyer=lawyer.name,
                first=now.timestamp(),
                last=last.timestamp(),
                now=now.timestamp(),
                except_conversation=self._conversation.id,
                except_id=self._moves,
            )
        )
        return [*own, *foreign]

    async def keep(
        self, hold: Callable[[Connection], int | None], lawyer: Lawyer, stretch: Stretch
    ) -> int | None:
        """Holds an hour in our database, then looks once more whether it is free.

        Returns:
            The hold; None where somebody was faster, or something foreign stands
            there by now.
        """
        held = await self._services.write(hold)
        if held is None or await self._services.diary.is_free(lawyer, stretch):
            return held
        mine, now = self._conversation.id, self._conversation.now.timestamp()
        await self._services.write(
            lambda connection: appointments.cancel(
                connection, held, conversation_id=mine, now=now
            )
        )
        return None

    async def judge(self, wish: Wish, slots: Any) -> Any:
        """Returns `schedule.Verdict` of a wish."""
        lawyer = self.lawyer(slots)
        return judge(
            self.office,
            wish,
            lawyer=lawyer,
            duration_min=self.minutes(slots),
            busy=await self._busy(lawyer),
            now=self._conversation.now,
        )

    async def propose(self, wish: Wish, slots: Any) -> list[Slot]:
        """Returns up to three free hours, nearest to a wish first."""
        lawyer = self.lawyer(slots)
        return propose(
            self.office,
            wish,
            lawyer=lawyer,
            duration_min=self.minutes(slots),
            busy=await self._busy(lawyer),
            now=self._conversation.now,
            count=_OFFERED,
        )


def hear_wish(turn: FormTurn, *, moments: list[Any] | None = None) -> bool:
    """Takes up the day or hour that a message names; says whether it did.

    A new day or hour corrects the old one. What was offered may be chosen by
    place ("a segunda") or by what tells it from the others ("a das 14h").
    """
    chosen = _chosen(turn)
    if chosen is not None:
        turn.fill(WISH, _exact(chosen))
        return True
    impossible = has_impossible(turn.text)
    if impossible:
        turn.say("utter_quando_impossivel", trecho=impossible)
        turn.fill(WHEN, None)
        return True
    said = turn.heard.wish() if moments is None else wish_of(moments)
    said = said or _bare_hour(turn)
    if said is None:
        return turn.asked == WHEN and _is_past(turn)
    before = Wish.from_json(turn.get(WISH))
    turn.fill(WISH, before.merge(said).to_json())
    turn.fill(WHEN, None)
    return True


async def settle(turn: FormTurn, planner: Planner) -> None:
    """Fills `quando` where the wish is one free hour; else says why it is not."""
    wish = Wish.from_json(turn.get(WISH))
    slots = _Slots(turn)
    turn.fill(OFFERS, None)
    if wish == Wish():
        return
    verdict = await planner.judge(wish, slots)
    if verdict.slot is not None:
        turn.fill(WHEN, verdict.slot.starts_at.isoformat())
        return
    turn.fill(WHEN, None)
    if verdict.reason not in {"falta_dia", "falta_hora"}:
        turn.say(f"utter_quando_{verdict.reason}", detalhe=verdict.detail)
    offers = await planner.propose(wish, slots)
    turn.fill(OFFERS, [slot.starts_at.isoformat() for slot in offers])
    if verdict.reason not in {"falta_dia", "falta_hora"}:
        turn.fill(WISH, _usable(wish, verdict.reason).to_json())


async def take_hold(turn: FormTurn, planner: Planner, held: int | None) -> None:
    """Ends the form with the hour that is kept; None: somebody was faster."""
    if held is None:
        await settle(turn, planner)
        turn.fill(WHEN, None)
    else:
        turn.fill(HELD, held)
        turn.fill(CONFIRMED, YES)


class AskWhen(AssistantAction):
    """Asks for day and hour, with three that are free."""

    async def answer(self, conversation: Conversation) -> Events:
        """Offers what fits the wish so far; numbers the offers for the answer."""
        slots = conversation.slots
        offers = [datetime.fromisoformat(item) for item in slots.get(OFFERS) or ()]
        if not offers:
            planner = Planner(self.services, conversation)
            wish = Wish.from_json(slots.get(WISH))
            found = await planner.propose(wish, slots)
            offers = [slot.starts_at for slot in found]
        if not offers:
            conversation.say(
                "utter_sem_horarios",
                effects=({"tipo": "passagem", "motivo": "sem_horarios"},),
                answered_by=AnsweredBy.FLOW,
            )
            return []
        lines = [
            f"{number}. {spoken(moment, conversation.now)}"
            for number, moment in enumerate(offers, start=1)
        ]
        conversation.say(
            "utter_ask_quando"
            if slots.get(WISH) is None
            else "utter_oferecer_horarios",
            answered_by=AnsweredBy.FLOW,
            opcoes="\n".join(lines),
            taps={
                short(moment): str(number)
                for number, moment in enumerate(offers, start=1)
            },
        )
        return [
            {
                "event": "slot",
                "name": OFFERS,
                "value": [moment.isoformat() for moment in offers],
            }
        ]


class _Slots:
    """The slots of a turn, read as a mapping."""

    def __init__(self, turn: FormTurn) -> None:
        self._turn = turn

    def get(self, name: str) -> Any:
        return self._turn.get(name)


def _chosen(turn: FormTurn) -> datetime | None:
    offers = [datetime.fromisoformat(item) for item in turn.get(OFFERS) or ()]
    if not offers or turn.asked != WHEN:
        return None
    index = answers.read_choice(turn.text, among=len(offers))
    is_weekday = turn.heard.moments() and _BARE_ORDINAL.match(fold(turn.text))
    if index is not None and not is_weekday:
        return offers[index]
    said = turn.heard.wish()
    if said is None:
        takes_any = answers.is_whatever(turn.text)
        takes_only = len(offers) == 1 and answers.is_yes(turn.text)
        return offers[0] if takes_any or takes_only else None
    if said.time is None and not _POINTS.search(fold(turn.text)):
        return None  # "amanhã" wants to hear of tomorrow, "a de amanhã" has chosen
    fitting = [offer for offer in offers if _fits(said, offer)]
    return fitting[0] if len(fitting) == 1 else None


def _is_past(turn: FormTurn) -> bool:
    """Says so where the only day named has gone by."""
    if not turn.heard.past() or turn.means_something_else():
        return False
    turn.say("utter_quando_passado")
    turn.fill(WHEN, None)
    return True


def _bare_hour(turn: FormTurn) -> Wish | None:
    """Returns a number alone as an hour, where that was asked: "10" is 10 h."""
    text = turn.text.strip(" .!")
    is_hour = text.isascii() and text.isdigit() and int(text) in _HOURS
    return Wish(time=time(int(text))) if turn.asked == WHEN and is_hour else None


def _fits(wish: Wish, offer: datetime) -> bool:
    if wish.time is None and (wish.day is None or wish.last_day or wish.days):
        return False
    same_day = wish.day is None or wish.day == offer.date()
    same_hour = wish.time is None or wish.time == offer.time()
    first, last = wish.earliest or time.min, wish.latest or time.max
    return same_day and same_hour and first <= offer.time() < last


def _exact(moment: datetime) -> dict[str, Any]:
    return Wish(day=moment.date(), time=moment.time()).to_json()


def _usable(wish: Wish, reason: str) -> Wish:
    """Returns what is left of a refused wish: a bad day's hour, a bad hour's day."""
    gone = {"hora", "de", "as"} if reason in _HOUR_REFUSED else {"dia", "ate", "dias"}
    return Wish.from_json({k: v for k, v in wish.to_json().items() if k not in gone})

"""Booking: name, subject, modality, day and hour; then the person confirms."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

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
from actions.dialogue.details import DETAILS, hear_details
from actions.dialogue.form import (
    ANSWERS,
    CONFIRMED,
    DIRECT_QUESTIONS,
    SURE,
    YES,
    Form,
    FormTurn,
)
from actions.dialogue.heard import Entity
from actions.services import Services
from bot.core.google_link import Link
from bot.core.names import NLU_FALLBACK, AnsweredBy, Profile
from bot.core.ports import Feature
from bot.core.schedule import lawyer_named, spoken
from bot.store import appointments, office_desk

FLOW = "agendar_consulta"
HOLD_S = 600
"""A free hour is kept this long for whoever is about to confirm it."""
_BOOKING_ONLY = re.compile(
    r"(?:eu )?(?:quero|queria|gostaria de|preciso|posso|d[aá] pra|vamos)? ?"
    r"(?:marcar|agendar)(?: (?:uma|um|a|o))?(?: (?:consulta|hor[aá]rio|reuni[aã]o))?",
    re.I,
)
_ABOUT = re.compile(
    r"^\W*(?:[eé] |seria )?(?:sobre|s[oó]bre|pra falar|para falar|a respeito)", re.I
)
_CHANGES = {
    "nome": re.compile(r"\bnome\b", re.I),
    "assunto": re.compile(r"\b(?:assunto|[aá]rea|motivo)\b", re.I),
    WHEN: re.compile(r"\b(?:hor[aá]rio|hora|dia|data)\b", re.I),
    "modalidade": re.compile(r"\b(?:modalidade|formato|jeito)\b", re.I),
}
_TITLED = re.compile(r"\b(?:dr|dra|doutor|doutora|advogad[oa])\b\.?\s+$", re.I)
_LONGEST_SUBJECT = 300
_SUBJECT_INTENTS = frozenset(
    {"relatar_caso", "consultar_areas", "consultar_processo", "relatar_urgencia"}
)
"""What a subject may sound like when somebody was asked for it."""


class BookingForm(Form):
    """What an answer says about an appointment that is being booked."""

    flow = FLOW
    slots = (
        "assunto", "area_direito", "advogado", "modalidade", WISH, OFFERS, WHEN,
        "mudanca", "reserva", CONFIRMED,
    )  # fmt: skip
    own_intents = frozenset({FLOW, "remarcar_consulta", "relatar_caso"})

    async def begin(self, turn: FormTurn) -> None:
        """Takes everything that the first message says; knows registered clients."""
        conversation = turn.conversation
        if conversation.profile is Profile.CLIENT and conversation.person_name:
            turn.fill("nome", conversation.person_name)
        await self._hear(turn)

    async def listen(self, turn: FormTurn) -> None:
        """Fills and corrects; a yes at the end keeps the hour for this person."""
        if turn.heard.intent == "cancelar_consulta" and turn.heard.confidence >= SURE:
            if not await upcoming(self.services, turn.conversation):
                turn.close("utter_interromper")  # this one is what they mean
            return
        await self._hear(turn)
        if turn.asked == CONFIRMED and turn.changes.keys() <= DETAILS:
            await self._hear_confirmation(turn)
        if turn.changes and "mudanca" not in turn.changes:
            turn.fill("mudanca", None)

    async def _hear(self, turn: FormTurn) -> None:
        hear_details(turn)
        self._hear_name(turn)
        self._hear_lawyer(turn)
        if not self._hear_area(turn):
            return
        self._hear_subject(turn)
        self._hear_modality(turn)
        heard_when = self._may_say_when(turn) and hear_wish(turn)
        planned = {"area_direito", "advogado", "modalidade"} & turn.changes.keys()
        is_ready = turn.get("assunto") and turn.get("modalidade")
        if is_ready and (heard_when or planned) and turn.get(WISH):
            await settle(turn, Planner(self.services, turn.conversation))

    def _hear_name(self, turn: FormTurn) -> None:
        said = [
            entity
            for entity in turn.heard.entities
            if entity.get("entity") == "nome"
            and not _TITLED.search(turn.heard.text[: int(entity.get("start") or 0)])
        ]
        named = [str(entity["value"]) for entity in said]
        if turn.asked == "nome":
            surely_other = turn.means_something_else() and not named
            whole = None if surely_other else answers.read_name(turn.text)
            name = whole or (max(named, key=len) if named else None)
        else:
            own = (str(e["value"]) for e in said if _is_introduced(turn, e))
            name = next(own, None)
        if name and not answers.same_name(str(turn.get("nome") or ""), name):
            turn.fill("nome", answers.written_name(name))

    def _hear_lawyer(self, turn: FormTurn) -> None:
        for entity in turn.heard.entities:
            if entity.get("entity") != "nome":
                continue
            lawyer = lawyer_named(self.services.office, str(entity["value"]))
            before = turn.heard.text[: int(entity.get("start") or 0)]
            if lawyer and (_TITLED.search(before) or turn.asked != "nome"):
                turn.fill("advogado", lawyer.name)

    def _hear_area(self, turn: FormTurn) -> bool:
        """Takes the area of law; says no at once where the office has none."""
        if turn.asked == "nome" and turn.means_something_else():
            return True
        areas = turn.heard.values("area_direito")
        is_question = turn.heard.intent in DIRECT_QUESTIONS and turn.asked != "assunto"
        if not areas or is_question:
            return True
        known = turn.get("area_direito")  # "não é divórcio, é aposentadoria"
        area = next((each for each in areas if each != known), areas[0])
        if not self.services.office.handles(area):
            turn.close("utter_area_nao_atendida")
            return False
        if area != turn.get("area_direito"):
            turn.fill("area_direito", area)
            if turn.asked != "assunto":
                turn.fill("assunto", self.services.office.area_names.get(area, area))
        return True

    def _hear_subject(self, turn: FormTurn) -> None:
        if turn.asked != "assunto" or turn.get("assunto"):
            return
        named = turn.heard.values("nome")
        if named and answers.same_name(answers.read_name(turn.text) or "", named[0]):
            turn.fill("nome", answers.written_name(named[0]))  # a name is no subject
            return
        is_only_booking = _BOOKING_ONLY.fullmatch(turn.text.strip(" .!?"))
        is_subject = (
            _ABOUT.search(turn.text)
            or turn.heard.values("area_direito")
            or turn.heard.intent in _SUBJECT_INTENTS
        )
        is_usable = not turn.means_something_else() or (
            is_subject and not turn.text.endswith("?")
        )
        if is_usable and not is_only_booking and turn.text:
            turn.fill("assunto", turn.text[:_LONGEST_SUBJECT])

    def _hear_modality(self, turn: FormTurn) -> None:
        said = set(turn.heard.values("modalidade"))
        if turn.asked == "modalidade" and not turn.means_something_else():
            modality = answers.read_modality(turn.text)
        elif said and turn.heard.intent not in DIRECT_QUESTIONS:
            modality = answers.read_modality(turn.text) or said.pop()
        else:
            return
        if modality and modality != turn.get("modalidade"):
            turn.fill("modalidade", modality)

    def _may_say_when(self, turn: FormTurn) -> bool:
        """A question such as "abrem sábado?" is no wish, unless it names the hour."""
        heard = turn.heard
        answering = ANSWERS | self.own_intents | {NLU_FALLBACK}
        is_other = heard.intent not in answering and turn.means_something_else()
        if heard.intent in DIRECT_QUESTIONS or is_other:  # "obrigada, até amanhã"
            wish = turn.heard.wish()
            return bool(wish and wish.time and (wish.day or turn.asked == WHEN))
        return True

    async def _hear_confirmation(self, turn: FormTurn) -> None:
        if turn.asks_us():
            return
        wanted = [slot for slot, words in _CHANGES.items() if words.search(turn.text)]
        if turn.agrees():
            await self._hold(turn)
        elif wanted:
            for slot in wanted:
                turn.fill(slot, None)
            if WHEN in wanted:
                turn.fill(WISH, None)
                turn.fill(OFFERS, None)
        elif turn.declines() or (
            answers.has_reserve(turn.text) and not self.is_elsewhere(turn)
        ):
            turn.fill("mudanca", "perguntar")

    async def _hold(self, turn: FormTurn) -> None:
        planner = Planner(self.services, turn.conversation)
        slots = {name: turn.get(name) for name in (*self.slots, "nome", "cpf", "email")}
        starts_at = datetime.fromisoformat(str(slots[WHEN]))
        if starts_at <= turn.conversation.now:  # the yes came a day late
            await settle(turn, planner)
            return
        ends_at = starts_at + timedelta(minutes=planner.minutes(slots))
        now = turn.conversation.now.timestamp()
        if not await self.services.read(
            lambda connection: office_desk.contact(connection, turn.conversation.id)
        ):  # in `rasa shell` nothing is kept
            turn.fill("reserva", 0)
            turn.fill(CONFIRMED, YES)
            return
        lawyer = planner.lawyer(slots)
        held = await planner.keep(
            lambda connection: appointments.hold(
                connection,
                conversation_id=turn.conversation.id,
                lawyer=lawyer.name,
                starts_at=starts_at.timestamp(),
                ends_at=ends_at.timestamp(),
                now=now,
                hold_s=HOLD_S,
                facts=appointments.Facts(
                    modality=str(slots["modalidade"]),
                    area=slots["area_direito"],
                    subject=str(slots["assunto"]),
                    person_name=str(slots["nome"]),
                    cpf=slots["cpf"],
                    email=slots["email"],
                ),
            ),
            lawyer,
            (starts_at.timestamp(), ends_at.timestamp()),
        )
        await take_hold(turn, planner, held)


class AskBookingConfirmation(AssistantAction):
    """Repeats what was understood before anything is booked."""

    async def answer(self, conversation: Conversation) -> Events:
        """Shows everything, or asks what is wrong with it."""
        slots = conversation.slots
        if slots.get("mudanca"):
            conversation.say("utter_o_que_mudar", answered_by=AnsweredBy.FLOW)
            return []
        planner = Planner(self.services, conversation)
        moment = datetime.fromisoformat(str(slots[WHEN]))
        conversation.say(
            "utter_ask_form_agendar_consulta_confirmado",
            answered_by=AnsweredBy.FLOW,
            nome=slots.get("nome"),
            assunto=slots.get("assunto"),
            modalidade=in_words(slots.get("modalidade")),
            quando=spoken(moment, conversation.now),
            advogado=planner.lawyer(slots).name,
            extras=_extras(slots, invites=await _has_google(self.services)),
        )
        return []


class BookAppointment(AssistantAction):
    """Books the hour that was kept; the effect is written with the turn."""

    async def answer(self, conversation: Conversation) -> Events:
        """Says what is booked; silent where the form ended without a yes."""
        slots = conversation.slots
        if slots.get(CONFIRMED) == YES:
            planner = Planner(self.services, conversation)
            moment = datetime.fromisoformat(str(slots[WHEN]))
            facts = {
                "nome": slots.get("nome"),
                "assunto": slots.get("assunto"),
                "modalidade": slots.get("modalidade"),
                "quando": slots.get(WHEN),
                "advogado": planner.lawyer(slots).name,
                "cpf": slots.get("cpf"),
                "email": slots.get("email"),
            }
            response = f"utter_agendar_consulta_{slots.get('modalidade')}"
            if slots.get("modalidade") == "online" and await _has_google(self.services):
                response += "_com_link"
            conversation.say(
                response,
                effects=(
                    {"tipo": "consulta", "acao": "marcar", "id": slots["reserva"]},
                    {"tipo": "pedido", "fluxo": FLOW, "dados": facts},
                ),
                answered_by=AnsweredBy.FLOW,
                quando=spoken(moment, conversation.now),
                advogado=facts["advogado"],
            )
        return forget(*BookingForm.slots)


def _is_introduced(turn: FormTurn, name: Entity) -> bool:
    """Says whether a name is the writer's own ("me chamo Ana")."""
    return answers.introduces(turn.heard.text[: int(name.get("end") or 0)])


def in_words(modality: object) -> str:
    """Returns a modality as it is said to people."""
    return "online (por vídeo)" if modality == "online" else "presencial"


def forget(*slots: str) -> Events:
    """Returns events that empty slots."""
    return [{"event": "slot", "name": name, "value": None} for name in slots]


async def _has_google(services: Services) -> bool:
    """Says whether invitations and video links are made by themselves."""
    status = await services.keepers.status()
    return status.link is Link.CONNECTED and status.uses(Feature.EVENTS)


def _extras(slots: Any, *, invites: bool) -> str:
    said = []
    if slots.get("cpf"):
        said.append("CPF anotado")
    if slots.get("email"):
        said.append(f"{'convite para' if invites else 'e-mail'} {slots['email']}")
    return f"\n• {', '.join(said)}" if said else ""

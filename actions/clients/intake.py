"""Case intake: what happened, since when, against whom, how urgent, how to reach.

One row for the office at the end; never an opinion on the case.
"""

from __future__ import annotations

import re
from typing import Any

from actions.appointments.booking import forget
from actions.base import AssistantAction, Events
from actions.conversation import Conversation
from actions.dialogue import answers
from actions.dialogue.details import hear_details
from actions.dialogue.form import CONFIRMED, YES, Form, FormTurn
from bot.core.names import NLU_FALLBACK, AnsweredBy, Profile

FLOW = "relatar_caso"
_ASKED = (
    "relato", "nome", "area_direito", "desde_quando", "parte_contraria", "prazo",
    "contato",
)  # fmt: skip
_COLUMNS = {
    "Nome": "nome",
    "O que houve": "relato",
    "Desde quando": "desde_quando",
    "Contra quem": "parte_contraria",
    "Prazo": "prazo",
    "Contato": "contato",
}
"""Columns of the spreadsheet "Contatos", and the slots that fill them."""
NOT_SAID = "não informado"
_OTHER_AREA = "outra"
_SHORTEST_STORY_WORDS = 4
_LONG_STORY_WORDS = 12
_LONGEST_CHARS = 4000
_LONGEST_SHOWN = 140
_ANNOUNCED = re.compile(
    r"(?:oi,? |olá,? |bom dia,? |boa tarde,? |boa noite,? )?(?:eu )?"
    r"(?:quero|queria|gostaria de|preciso|posso|vou|tenho)(?: (?:te|lhe))? "
    r"(?:\w+ )?(?:um |o |meu |uma |de |outr[oa] )*"
    r"(?:caso|problema|situaç[aã]o|hist[oó]ria)"
    r"(?: .{0,30})?",
    re.IGNORECASE,
)
_THIS_CONTACT = re.compile(
    r"\b(?:este|esse|nesse|neste|por aqui|aqui|mesmo|zap|whats\w*)\b", re.I
)
_STORY_INTENTS = frozenset(
    {FLOW, "informar_dados", NLU_FALLBACK, "consultar_areas", "reclamar", "afirmar",
     "consultar_processo", "consultar_honorarios"}
)  # fmt: skip


class IntakeForm(Form):
    """What an answer says about a case that is being told."""

    flow = FLOW
    slots = (
        "relato", "area_direito", "desde_quando", "parte_contraria", "prazo",
        "contato", CONFIRMED,
    )  # fmt: skip
    own_intents = frozenset({FLOW})

    async def begin(self, turn: FormTurn) -> None:
        """Takes the story where the first message tells one already."""
        conversation = turn.conversation
        if conversation.profile is Profile.CLIENT and conversation.person_name:
            turn.fill("nome", conversation.person_name)
        hear_details(turn)
        story = read_story(turn.text)
        if story:
            self._take_story(turn, story)

    async def listen(self, turn: FormTurn) -> None:
        """Fills the slot that was asked for; a detail counts whenever it comes."""
        hear_details(turn)
        take = getattr(self, f"_hear_{turn.asked}", None)
        if take is not None and not _is_only_detail(turn) and not turn.asks_us():
            take(turn)

    def _hear_relato(self, turn: FormTurn) -> None:
        words = len(turn.text.split())
        is_story = turn.heard.intent in _STORY_INTENTS or words >= _LONG_STORY_WORDS
        asks = answers.is_question(turn.text) and words < _LONG_STORY_WORDS
        asks |= bool(turn.heard.values("modalidade")) and words < _LONG_STORY_WORDS
        story = read_story(turn.text)
        if story and is_story and not asks:
            self._take_story(turn, story)

    def _take_story(self, turn: FormTurn, story: str) -> None:
        turn.fill("relato", story)
        areas = turn.heard.values("area_direito")
        if areas:
            turn.fill("area_direito", areas[0])
        past = turn.heard.past()
        if past:
            turn.fill("desde_quando", past[0])

    def _hear_nome(self, turn: FormTurn) -> None:
        named = turn.heard.values("nome")
        surely_other = turn.means_something_else() and not named
        whole = None if surely_other else answers.read_name(turn.text)
        name = whole or (max(named, key=len) if named else None)
        if name:
            turn.fill("nome", answers.written_name(name))

    def _hear_area_direito(self, turn: FormTurn) -> None:
        areas = turn.heard.values("area_direito")
        if areas:
            turn.fill("area_direito", areas[0])
        elif answers.is_yes(turn.text):
            return
        elif not turn.means_something_else() or turn.heard.intent == FLOW:
            turn.fill("area_direito", _OTHER_AREA)

    def _hear_desde_quando(self, turn: FormTurn) -> None:
        has_time = bool(turn.heard.values("data_hora"))
        if answers.is_yes(turn.text) and not has_time:
            return
        if has_time or not turn.means_something_else():
            turn.fill("desde_quando", _said_or_not(turn.text))

    def _hear_parte_contraria(self, turn: FormTurn) -> None:
        if turn.text.strip(" .!") in turn.heard.past():
            return  # "ontem" is nobody
        is_answer = turn.heard.intent in {FLOW, "reclamar"} or turn.heard.values("nome")
        if is_answer or not turn.means_something_else():
            turn.fill("parte_contraria", _said_or_not(turn.text))

    def _hear_prazo(self, turn: FormTurn) -> None:
        is_answer = turn.heard.intent == FLOW or turn.heard.values("data_hora")
        if is_answer or not turn.means_something_else():
            no = answers.is_no(turn.text) or answers.is_unknown(turn.text)
            no |= turn.heard.intent == "negar"
            has_more = bool(turn.heard.values("data_hora"))
            turn.fill("prazo", "não há" if no and not has_more else turn.text[:300])

    def _hear_contato(self, turn: FormTurn) -> None:
        reached = turn.heard.values("telefone") + turn.heard.values("email")
        if reached:
            turn.fill("contato", ", ".join(reached))
        elif turn.agrees() or (
            _THIS_CONTACT.search(turn.text) and not turn.asks_us()  # "quanto é mesmo?"
        ):
            turn.fill("contato", "este WhatsApp")

    def _hear_confirmado(self, turn: FormTurn) -> None:
        if turn.agrees():
            turn.fill(CONFIRMED, YES)
            return
        if self.is_elsewhere(turn) and answers.is_question(turn.text):
            return  # "qual o telefone de vocês?" corrects no telephone
        wanted = [slot for slot, words in _CHANGES.items() if words.search(turn.text)]
        if wanted:
            self._correct(turn, wanted)
        elif turn.declines():
            turn.say("utter_relato_o_que_mudar")
            turn.fill(CONFIRMED, None)
        elif not answers.is_question(turn.text) and not turn.means_something_else():
            added = f"{turn.get('relato')}\n{turn.text}"
            turn.fill("relato", added[:_LONGEST_CHARS])

    def _correct(self, turn: FormTurn, wanted: list[str]) -> None:
        """Takes what is right where it is said along, else asks again."""
        heard = turn.heard
        said = {
            "nome": heard.values("nome"),
            "desde_quando": heard.past(),
            "contato": heard.values("telefone") + heard.values("email"),
        }
        for slot in wanted:
            turn.fill(slot, next(iter(said.get(slot, ())), None))


_CHANGES = {
    "nome": re.compile(r"\bnome\b", re.I),
    "relato": re.compile(r"\b(?:hist[oó]ria|relato|caso)\b", re.I),
    "desde_quando": re.compile(r"\b(?:data|quando|tempo)\b", re.I),
    "parte_contraria": re.compile(r"\b(?:contra quem|empresa|parte)\b", re.I),
    "contato": re.compile(r"\b(?:contato|telefone|n[uú]mero)\b", re.I),
    "prazo": re.compile(r"\b(?:prazo|audi[eê]ncia)\b", re.I),
    "area_direito": re.compile(r"\b[aá]rea\b", re.I),
}


class AskIntakeConfirmation(AssistantAction):
    """Shows what goes to the office before it goes."""

    async def answer(self, conversation: Conversation) -> Events:
        """Repeats every fact; the story itself in short."""
        slots = conversation.slots
        story = str(slots.get("relato") or "")
        if len(story) > _LONGEST_SHOWN:
            story = story[:_LONGEST_SHOWN].rsplit(" ", 1)[0] + "…"
        conversation.say(
            "utter_ask_form_relatar_caso_confirmado",
            answered_by=AnsweredBy.FLOW,
            nome=slots.get("nome"),
            resumo=" ".join(story.split()),
            area=self._area(slots),
            desde_quando=slots.get("desde_quando"),
            parte_contraria=slots.get("parte_contraria"),
            prazo=slots.get("prazo"),
            contato=slots.get("contato"),
        )
        return []

    def _area(self, slots: dict[str, Any]) -> str:
        area = str(slots.get("area_direito") or _OTHER_AREA)
        if area == _OTHER_AREA:
            return "a equipe vai dizer"
        return self.services.office.area_names.get(area, area)


class TakeCase(AssistantAction):
    """Keeps a person's case for the lawyers: one row, one handoff."""

    async def answer(self, conversation: Conversation) -> Events:
        """Acknowledges without any legal opinion."""
        slots = conversation.slots
        if slots.get(CONFIRMED) == YES:
            facts = {name: slots.get(name) or "" for name in _ASKED}
            conversation.say(
                "utter_relatar_caso",
                effects=(
                    {"tipo": "pedido", "fluxo": FLOW, "dados": facts},
                    {"tipo": "passagem", "motivo": FLOW},
                    {
                        "tipo": "trabalho",
                        "trabalho": "contato",
                        "dados": self._row(conversation),
                    },
                ),
                answered_by=AnsweredBy.FLOW,
            )
        return forget(*IntakeForm.slots)

    def _row(self, conversation: Conversation) -> dict[str, str]:
        """Returns the case as a row of the office's spreadsheet."""
        slots = conversation.slots
        area = str(slots.get("area_direito") or "")
        told = {name: str(slots.get(slot) or "") for name, slot in _COLUMNS.items()}
        names = self.services.office.area_names
        return told | {
            "Data": f"{conversation.now:%d/%m/%Y %H:%M}",
            "Área": names.get(area, area),
        }


def _is_only_detail(turn: FormTurn) -> bool:
    """Says whether a message gives a CPF or e-mail that nobody asked for."""
    if not turn.changes or turn.asked in {"contato", CONFIRMED}:
        return False
    tells = turn.heard.values("data_hora") or turn.heard.values("nome")
    return not tells and len(turn.text.split()) < _LONG_STORY_WORDS


def read_story(text: str) -> str | None:
    """Returns a story as told, or None where it only announces one.

    "Quero contar um caso" is asked back; "fui demitida grávida e não me pagaram"
    is a story already.
    """
    words = text.split()
    if len(words) < _SHORTEST_STORY_WORDS or _ANNOUNCED.fullmatch(text.strip(" .!?")):
        return None
    return text.strip()[:_LONGEST_CHARS]


def _said_or_not(text: str) -> str:
    return NOT_SAID if answers.is_unknown(text) else text[:300]

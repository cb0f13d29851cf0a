"""What the fallback is told of a conversation: the question and what stands around."""

from __future__ import annotations

from itertools import pairwise

from actions.conversation import Conversation
from bot.core.names import CLIENT_INTENTS, FORM_PREFIX
from llm_fallback import Exchange, Material, MaterialKind, Question
from llm_fallback.routing import LAWYERS_FLOWS, ROUTED_FLOWS

_MOST_EXCHANGES = 6
_TOLD = {
    "assunto": "assunto",
    "area_direito": "área",
    "modalidade": "modalidade",
    "relato": "relato",
    "desde_quando": "desde quando",
}
"""Slots that say what a conversation is about, with the names the model reads."""
_NAMES = ("nome",)
_ANSWERS_AT_ONCE = frozenset(
    {
        "consultar_agendamento",
        "consultar_honorarios",
        "consultar_horario",
        "consultar_endereco",
        "consultar_areas",
        "consultar_documentos",
        "consultar_privacidade",
        "pedir_ajuda",
        "perguntar_identidade",
        "reclamar",
        "relatar_urgencia",
    }
)
"""Flows that a form may be interrupted by on a model's word: all but one go on with
the form, and that one is no matter for a form."""


def question_of(conversation: Conversation) -> Question:
    """Returns the question of the latest message.

    Who asks by voice asks as who writes; only a voice of somebody else is material.
    """
    text, materials = conversation.text, _beside(conversation)
    return Question(
        text=text if not conversation.is_forwarded else "",
        history=_exchanges(conversation),
        facts=_facts(conversation),
        names=_names(conversation),
        materials=materials,
        flows=_flows(conversation),
    )


def _beside(conversation: Conversation) -> tuple[Material, ...]:
    found = []
    if conversation.is_forwarded:
        is_spoken = conversation.is_spoken
        kind = MaterialKind.TRANSCRIPT if is_spoken else MaterialKind.FORWARDED
        found.append(Material(kind, conversation.text))
    if conversation.quoted:
        found.append(Material(MaterialKind.QUOTED, conversation.quoted))
    return tuple(found)


def _exchanges(conversation: Conversation) -> tuple[Exchange, ...]:
    pairs = [
        Exchange(asked.text, answered.text)
        for asked, answered in pairwise(conversation.past)
        if asked.is_person and not answered.is_person
    ]
    return tuple(pairs[-_MOST_EXCHANGES:])


def _facts(conversation: Conversation) -> dict[str, str]:
    return {
        name: str(conversation.slots[slot])
        for slot, name in _TOLD.items()
        if conversation.slots.get(slot)
    }


def _names(conversation: Conversation) -> tuple[str, ...]:
    told = [str(conversation.slots.get(slot) or "") for slot in _NAMES]
    return tuple(name for name in (*told, conversation.person_name) if name.strip())


def _flows(conversation: Conversation) -> tuple[str, ...]:
    """Returns where a model's word may lead this person, now.

    Not away from a form that is being filled, and nowhere on the words of somebody
    else that were only passed on.
    """
    if conversation.is_forwarded:
        return ()
    flows = tuple(each for each in CLIENT_INTENTS if each in ROUTED_FLOWS)
    if conversation.form.startswith(FORM_PREFIX):
        return tuple(each for each in flows if each in _ANSWERS_AT_ONCE)
    return flows + tuple(LAWYERS_FLOWS) if conversation.is_lawyer else flows

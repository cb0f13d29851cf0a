"""Clients by name: new contacts, summaries, taken from the robot and given back."""

from __future__ import annotations

import re

from actions.appointments.booking import forget
from actions.base import Events
from actions.conversation import Conversation
from actions.dialogue import answers
from actions.dialogue.form import FormTurn
from actions.lawyers.base import EndOfLawyerForm, LawyerAction, LawyerForm
from actions.services import Services
from bot.core.names import AnsweredBy
from bot.store import office_desk
from bot.store.office_desk import Contact

PERSON, FOUND = "pessoa", "pessoas_encontradas"
_DAY_S = 86_400
_LONGEST_LIST = 10
_LONGEST_LINE = 120
_FILLER = frozenset(
    """a ao aos as assumir assume assumo assuma atendimento cliente com conversa da
    das de deixa devolver devolve devolvo devolva do dona dos dra dr doutor doutora e
    ela ele em eu falo falar fica ficar me mim na no o os pode podem por pra pro para
    que quero resumir resume resuma resumo robo robô senhor senhora seu seus sr sra
    vou volta voltar agora favor caso bot""".split()
)


class ShowNewContacts(LawyerAction):
    """Lists who wrote in the last 24 hours, the urgent ones first."""

    async def answer(self, conversation: Conversation) -> Events:
        """Shows name and, where somebody waits for a person, why."""
        found = await self.services.read(
            lambda connection: office_desk.new_contacts(
                connection,
                since=conversation.now.timestamp() - _DAY_S,
                most=_LONGEST_LIST + 1,
            )
        )
        others = [item for item in found if item.conversation_id != conversation.id]
        lines = [_contact_line(item) for item in others[:_LONGEST_LIST]]
        if lines:
            conversation.say(
                "utter_ver_contatos_novos",
                answered_by=AnsweredBy.FLOW,
                lista="\n".join(lines),
            )
        else:
            conversation.say(
                "utter_ver_contatos_novos_vazio", answered_by=AnsweredBy.FLOW
            )
        return []


class PersonForm(LawyerForm):
    """Which client a command is about; asked where nobody or several fit."""

    slots = (PERSON, FOUND)

    def __init__(self, services: Services, flow: str) -> None:
        super().__init__(services)
        self.flow = flow
        self.own_intents = frozenset({flow})

    async def begin_for_lawyer(self, turn: FormTurn) -> None:
        """Takes the name out of the command."""
        name = max(turn.heard.values("nome"), key=len, default="")
        await self._find(turn, name or name_in(turn.text))

    async def listen(self, turn: FormTurn) -> None:
        """Takes a name, or one of the names that were shown."""
        if turn.means_something_else() and turn.heard.intent not in self.own_intents:
            return
        shown = turn.get(FOUND) or []
        index = answers.read_choice(turn.text, among=len(shown)) if shown else None
        if index is not None:
            turn.fill(PERSON, shown[index])
            return
        name = max(turn.heard.values("nome"), key=len, default="")
        await self._find(turn, name or name_in(turn.text))

    async def _find(self, turn: FormTurn, name: str) -> None:
        if not name:
            return
        found = await self.services.read(
            lambda connection: office_desk.conversations_named(connection, name)
        )
        found = [c for c in found if c.conversation_id != turn.conversation.id]
        if len(found) == 1:
            turn.fill(PERSON, found[0].conversation_id)
            return
        turn.fill(PERSON, None)
        if not found:
            turn.say("utter_pessoa_nao_encontrada", trecho=name)
            return
        shown = found[:_LONGEST_LIST]
        turn.fill(FOUND, [item.conversation_id for item in shown])
        lines = (f"{n}. {item.name}" for n, item in enumerate(shown, start=1))
        turn.say("utter_pessoa_ambigua", lista="\n".join(lines))


class Summarise(EndOfLawyerForm):
    """Shows what a client wrote last."""

    async def answer(self, conversation: Conversation) -> Events:
        """Says why the client waits, where one does."""
        contact = await _contact(self, conversation)
        if contact is None:
            return forget(*PersonForm.slots)
        texts = await self.services.read(
            lambda connection: office_desk.last_messages(
                connection, contact.conversation_id, most=5
            )
        )
        lines = [f"• {text[:_LONGEST_LINE]}" for text in texts]
        if contact.waits_because:
            lines.insert(0, f"• aguarda uma pessoa: {_reason(contact)}")
        conversation.say(
            "utter_resumir_atendimento",
            answered_by=AnsweredBy.FLOW,
            pessoa=contact.name,
            lista="\n".join(lines) or "• ainda sem mensagens de texto",
        )
        return forget(*PersonForm.slots)


class ChangeOwner(EndOfLawyerForm):
    """Takes a client from the robot, or gives the client back."""

    def __init__(self, name: str, services: Services, *, owner: str) -> None:
        super().__init__(name, services)
        self._owner = owner

    async def answer(self, conversation: Conversation) -> Events:
        """Changes the owner with the turn, so that it happens once."""
        contact = await _contact(self, conversation)
        if contact is not None:
            conversation.say(
                self.name().replace("action_", "utter_", 1),
                effects=(
                    {
                        "tipo": "dono",
                        "conversa": contact.conversation_id,
                        "dono": self._owner,
                    },
                ),
                answered_by=AnsweredBy.FLOW,
                pessoa=contact.name,
            )
        return forget(*PersonForm.slots)


async def _contact(action: LawyerAction, conversation: Conversation) -> Contact | None:
    wanted = conversation.slots.get(PERSON)
    if not wanted:
        return None
    return await action.services.read(
        lambda connection: office_desk.contact(connection, str(wanted))
    )


def name_in(command: str) -> str:
    """Returns what is left of a command without its usual words: a name.

    >>> name_in("deixa que eu falo com o Marcos")
    'Marcos'
    """
    words = re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", command)
    return " ".join(word for word in words if word.lower() not in _FILLER)


def _contact_line(contact: Contact) -> str:
    mark = "🔴 " if contact.is_urgent else ""
    reason = (
        f" — aguarda uma pessoa ({_reason(contact)})" if contact.waits_because else ""
    )
    return f"• {mark}{contact.name}{reason}"


def _reason(contact: Contact) -> str:
    return contact.waits_because.replace("_", " ")

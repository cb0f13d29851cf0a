"""What lawyers ask for on WhatsApp.

Stand-ins until Google is connected: what is kept is kept in our own database, and
every answer says so.
"""

from __future__ import annotations

import re
import time

from actions.base import AssistantAction, Events
from actions.conversation import Conversation
from bot.core.names import AnsweredBy
from bot.store import office_desk
from bot.store.office_desk import Contact

_DAY_S = 86_400
_LONGEST_LIST = 10
_LONGEST_LINE = 120
_FILLER = frozenset(
    """a ao aos as assumir assume assumo assuma atendimento cliente com conversa da
    das de deixa devolver devolve devolvo devolva do dona dos dra dr doutor doutora e
    ela ele em eu falo falar fica ficar me mim no na o os pode podem por pra pro para
    que quero resumir resume resuma resumo robo robô senhor senhora seu seus sr sra
    vou volta voltar agora favor caso bot""".split()
)


class LawyerAction(AssistantAction):
    """An action that only lawyers may use."""

    is_for_lawyers = True


class ShowAgenda(LawyerAction):
    """Lists what is asked for and not yet settled."""

    async def answer(self, conversation: Conversation) -> Events:
        """Shows ten lines at most, newest first."""
        kinds = ("agendar_consulta", "remarcar_consulta", "criar_compromisso")
        found = await self.services.read(
            lambda connection: office_desk.recent_requests(
                connection, kinds=kinds, most=_LONGEST_LIST
            )
        )
        lines = [_line(item.facts) for item in found]
        _say_list(conversation, "utter_ver_agenda", "utter_ver_agenda_vazia", lines)
        return []


class ShowNewContacts(LawyerAction):
    """Lists who wrote in the last 24 hours, the urgent ones first."""

    async def answer(self, conversation: Conversation) -> Events:
        """Shows name and, where somebody waits for a person, why."""
        found = await self.services.read(
            lambda connection: office_desk.new_contacts(
                connection, since=time.time() - _DAY_S, most=_LONGEST_LIST + 1
            )
        )
        others = [item for item in found if item.conversation_id != conversation.id]
        lines = [_contact_line(item) for item in others[:_LONGEST_LIST]]
        _say_list(
            conversation,
            "utter_ver_contatos_novos",
            "utter_ver_contatos_novos_vazio",
            lines,
        )
        return []


class KeepCommand(LawyerAction):
    """Keeps a lawyer's command as a request, word for word."""

    async def answer(self, conversation: Conversation) -> Events:
        """Says honestly that the outside service is not connected yet."""
        flow = self.name().removeprefix("action_")
        text = conversation.text[:_LONGEST_LINE]
        conversation.say(
            f"utter_{flow}",
            effects=(
                {
                    "tipo": "pedido",
                    "fluxo": flow,
                    "dados": {"texto": conversation.text},
                },
            ),
            answered_by=AnsweredBy.FLOW,
            texto=text,
        )
        return []


class Summarise(LawyerAction):
    """Shows what a client wrote last."""

    async def answer(self, conversation: Conversation) -> Events:
        """Asks back where the name fits nobody or more than one."""
        contact = await find_contact(self, conversation)
        if contact is None:
            return []
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
        return []


class ChangeOwner(LawyerAction):
    """Takes a client from the robot, or gives the client back."""

    def __init__(self, name: str, services: object, *, owner: str) -> None:
        super().__init__(name, services)  # type: ignore[arg-type]
        self._owner = owner

    async def answer(self, conversation: Conversation) -> Events:
        """Changes the owner with the turn, so that it happens once."""
        contact = await find_contact(self, conversation)
        if contact is None:
            return []
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
        return []


async def find_contact(
    action: AssistantAction, conversation: Conversation
) -> Contact | None:
    """Returns whom a command names, or says why nobody was found."""
    name = name_in(conversation.text)
    found = []
    if name:
        found = await action.services.read(
            lambda connection: office_desk.conversations_named(connection, name)
        )
    found = [item for item in found if item.conversation_id != conversation.id]
    if not found:
        conversation.say("utter_pessoa_nao_encontrada", answered_by=AnsweredBy.FLOW)
        return None
    if len(found) > 1:
        names = "\n".join(f"• {item.name}" for item in found[:_LONGEST_LIST])
        conversation.say(
            "utter_pessoa_ambigua", answered_by=AnsweredBy.FLOW, lista=names
        )
        return None
    return found[0]


def name_in(command: str) -> str:
    """Returns what is left of a command without its usual words: a name.

    >>> name_in("deixa que eu falo com o Marcos")
    'Marcos'
    """
    words = re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", command)
    return " ".join(word for word in words if word.lower() not in _FILLER)


def _say_list(
    conversation: Conversation, response: str, empty: str, lines: list[str]
) -> None:
    if lines:
        conversation.say(response, answered_by=AnsweredBy.FLOW, lista="\n".join(lines))
    else:
        conversation.say(empty, answered_by=AnsweredBy.FLOW)


def _line(facts: object) -> str:
    values = dict(facts) if isinstance(facts, dict) else {}
    shown = [
        str(values[key])
        for key in ("quando", "nome", "assunto", "texto")
        if values.get(key)
    ]
    return ("• " + " · ".join(shown))[:_LONGEST_LINE]


def _contact_line(contact: Contact) -> str:
    mark = "🔴 " if contact.is_urgent else ""
    reason = (
        f" — aguarda uma pessoa ({_reason(contact)})" if contact.waits_because else ""
    )
    return f"• {mark}{contact.name}{reason}"


def _reason(contact: Contact) -> str:
    return contact.waits_because.replace("_", " ")

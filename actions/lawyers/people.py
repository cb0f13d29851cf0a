"""Clients by name: new contacts, summaries, taken from the robot and given back."""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy.engine import Connection

from actions.appointments.booking import forget
from actions.base import Events
from actions.conversation import Conversation
from actions.dialogue import answers
from actions.dialogue.form import FormTurn
from actions.fallback import USAGE
from actions.lawyers.base import EndOfLawyerForm, LawyerAction, LawyerForm
from actions.lawyers.summaries import (
    MOST_LINES,
    exchanges_of,
    facts_of,
    in_words_why,
    lines_of,
    told_by,
)
from actions.services import Services
from bot.core.modes import Mode
from bot.core.names import AnsweredBy
from bot.core.schedule import ZONE
from bot.core.whatsapp_markup import escaped
from bot.store import histories, limits, modes, office_desk
from bot.store.histories import History, Wrote
from bot.store.office_desk import Contact
from llm_fallback import ModelState

PERSON, FOUND = "pessoa", "pessoas_encontradas"
_DAY_S = 86_400
_LONGEST_LIST = 10
_LONGEST_LINE = 60
_MOST_MESSAGES = 30
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
        """Shows when, who, why they wait for a person, and what they wrote last."""
        found = await self.services.read(
            lambda connection: office_desk.new_contacts(
                connection,
                since=conversation.now.timestamp() - _DAY_S,
                most=_LONGEST_LIST + 2,  # the writer's own, and a sign of more
            )
        )
        others = [item for item in found if item.conversation_id != conversation.id]
        shown = others[:_LONGEST_LIST]
        wrote = await self.services.read(
            lambda c: histories.latest_words(c, [x.conversation_id for x in shown])
        )
        lines = [_contact_line(each, wrote[each.conversation_id]) for each in shown]
        if len(others) > _LONGEST_LIST:
            lines.append("• … e mais gente; veja todos no painel")
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
    """Shows what is known of a client; where the model may be asked, in its words."""

    async def answer(self, conversation: Conversation) -> Events:
        """Says when a machine wrote it; the facts stand beside it, or alone."""
        contact = await _contact(self, conversation)
        if contact is None:
            return forget(*PersonForm.slots)
        history = await self.services.read(
            lambda c: histories.history_of(
                c, contact.conversation_id, most_messages=_MOST_MESSAGES
            )
        )
        if history is None:
            return forget(*PersonForm.slots)
        facts = facts_of(history, self.services.office, conversation.now)
        written = await self._written(conversation, contact, history, facts)
        if written:
            left = MOST_LINES - len(written.splitlines()) - 1
            conversation.say(
                "utter_resumir_atendimento_ia",
                answered_by=AnsweredBy.MODEL,
                pessoa=escaped(contact.name),
                resumo="\n".join(f"• {escaped(x)}" for x in written.splitlines()),
                lista=lines_of(facts[:left], ()),
            )
        else:
            conversation.say(
                "utter_resumir_atendimento",
                answered_by=AnsweredBy.FLOW,
                pessoa=escaped(contact.name),
                lista=lines_of(facts, told_by(history)),
            )
        return forget(*PersonForm.slots)

    async def _written(
        self,
        conversation: Conversation,
        contact: Contact,
        history: History,
        facts: list[str],
    ) -> str | None:
        """Returns the model's words, where it may be asked and has any of use."""
        fallback = self.services.fallback
        is_there = fallback.model_state in {ModelState.READY, ModelState.DEGRADED}
        if not is_there or not history.messages:
            return None
        if not await self._may_ask(conversation, contact):
            return None
        told = [str(each.facts.get("nome") or "") for each in history.requests]
        names = [each for each in (contact.name, *told) if each.strip("…0123456789 ")]
        return await fallback.summarise(facts, exchanges_of(history), names=names)

    async def _may_ask(self, conversation: Conversation, contact: Contact) -> bool:
        """Says whether both conversations allow the model, and today's are not spent.

        A lawyer is the person who reviews what it wrote.
        """
        now, settings = conversation.now.timestamp(), self.services.settings

        def allowed(connection: Connection) -> bool:
            both = (conversation.id, contact.conversation_id)
            found = {
                modes.mode_of(connection, each, default=settings.mode, now=now)
                for each in both
            }
            return found <= {Mode.MODEL, Mode.REVIEW}

        if not await self.services.read(allowed):
            return False
        if conversation.source != "whatsapp":
            return True
        at_most = settings.limit_model_per_day
        return await self.services.write(
            lambda c: limits.spend(c, conversation.id, USAGE, now=now, at_most=at_most)
        )


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


def _contact_line(contact: Contact, wrote: Wrote) -> str:
    mark = "🔴 " if contact.is_urgent else ""
    reason = (
        f" — aguarda uma pessoa ({in_words_why(contact.waits_because)})"
        if contact.waits_because
        else ""
    )
    clock = datetime.fromtimestamp(wrote.at, ZONE)
    words = " ".join(wrote.text.split())
    if len(words) > _LONGEST_LINE:
        words = words[:_LONGEST_LINE].rsplit(" ", 1)[0] + "…"
    said = f": “{escaped(words)}”" if words else ": mandou um arquivo"
    return f"• {mark}{escaped(contact.name)}, {clock:%Hh%M}{reason}{said}"

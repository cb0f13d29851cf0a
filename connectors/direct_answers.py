"""Messages that need no understanding: sounds, places, contacts, taps, stickers.

An image or document alone is the intent `enviar_documento`; with a caption it is
the caption. What a person of the office owns is left to that person.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection

from bot.core.modes import Mode
from bot.core.names import ENTITIES, FLOW_OUT_OF_SCOPE, NLU_FALLBACK, AnsweredBy
from bot.core.opt_out import wish_of
from bot.core.phrases import (
    CONTACT_KEPT,
    EMPTY_MESSAGE,
    FILE_FAILED,
    FILE_REFUSED,
    LOCATION_KEPT,
    OPTED_IN,
    OPTED_OUT,
    STALE_CHOICE,
    STICKER_KEPT,
    TEXT_CUT,
    WAITING_FOR_PERSON,
    file_too_large,
    late_opening,
)
from bot.core.reminder_replies import INTENT_OF
from bot.core.schedule import ZONE
from bot.core.settings import Settings
from bot.core.texts import looks_like_command, without_command_mark
from bot.store import (
    appointments,
    choices,
    effects,
    inbox,
    media,
    modes,
    turns,
)
from bot.store.effects import Handoff
from bot.store.turns import ALBUM_KINDS, Outcome, Outgoing, Turn
from connectors.choices import Choice, choice_of
from connectors.hearing import AUDIO, Hearing, Scene, hear
from connectors.payload import is_cut, is_forwarded, quoted_sid
from connectors.reminded import Asked, asked_by_reminder, confirmation
from connectors.services import ChannelServices

_FIXED = {
    "location": (LOCATION_KEPT, "informar_dados"),
    "contact": (CONTACT_KEPT, "informar_dados"),
    "sticker": (STICKER_KEPT, FLOW_OUT_OF_SCOPE),
    "text": (EMPTY_MESSAGE, FLOW_OUT_OF_SCOPE),
}


_FILES = ALBUM_KINDS | {AUDIO}
_WORDS = frozenset({"text", AUDIO})
_WISH_OF_TWILIO = {"STOP": "sair", "START": "voltar"}
"""What a messaging service's own opt-out has made of a word (`OptOutType`)."""

SWITCHED_OFF = "modo_humano"
"""Reason of the handoff of who writes while the robot is switched off."""
Change = Callable[[Connection], None]


@dataclass(frozen=True)
class Reading:
    """What a message turned out to be, before anybody understands its words."""

    choice: Choice | None
    is_in_form: bool
    """A question of ours stands open: "parar" then means to leave it."""
    quoted_text: str
    """Our own message that this one quotes, or ""."""
    reminder: Asked | None
    """The appointment that the message answers a reminder of."""
    mode: Mode
    """Who answers in this conversation now."""
    is_waiting_for_person: bool
    """Somebody of the office has been asked to write."""
    hearing: Hearing
    """What it is, where voice is concerned; `said` is how it is to be understood."""


def read(
    connection: Connection, turn: Turn, settings: Settings, zone: ZoneInfo = ZONE
) -> Reading:
    """Looks up what the message may refer to, and who is to answer it."""
    mine = turn.conversation_id
    scene = Scene(settings, zone, is_in_form=turns.is_form_open(connection, mine))
    choice = None if turn.kind == AUDIO else choice_of(connection, turn)
    hearing = hear(connection, turn, choice, scene)
    said = hearing.said
    if hearing.is_about_note or turn.kind == AUDIO:
        choice = None
        if hearing.is_to_be_read:
            choice = choice_of(connection, said, before=hearing.options_before)
    reminder = None
    if hearing.is_to_be_read:
        reminder = asked_by_reminder(
            connection, said, choice, is_in_form=scene.is_in_form, zone=zone
        )
    return Reading(
        choice=choice,
        is_in_form=scene.is_in_form,
        reminder=reminder,
        quoted_text=_quoted_text(connection, said),
        mode=modes.mode_of(connection, mine, default=settings.mode, now=time.time()),
        is_waiting_for_person=effects.is_handoff_open(connection, mine),
        hearing=hearing,
    )


def _quoted_text(connection: Connection, turn: Turn) -> str:
    sid = quoted_sid(turn.payload)
    return choices.text_said_by(connection, turn.conversation_id, sid) if sid else ""


def notices_of(
    turn: Turn, settings: Settings, *, now: float, zone: ZoneInfo = ZONE
) -> list[Outgoing]:
    """Returns what is to be said before the answer.

    Args:
        turn: the message and its attachments.
        settings: when an answer is late, how large a file may be.
        now: UTC seconds.
        zone: the office's.
    """
    texts = []
    if turn.source == "whatsapp" and now - turn.received_at > settings.late_after_s:
        texts.append(late_opening(_clock_time(turn.received_at, now, zone)))
    if is_cut(turn.payload):
        texts.append(TEXT_CUT)
    texts += _problems(turn, settings)
    return [Outgoing(text, AnsweredBy.RULE) for text in texts]


async def answer_without_rasa(
    turn: Turn, reading: Reading, services: ChannelServices
) -> bool:
    """Commits the turn where no understanding is needed; False where it is."""
    if turn.conversation_owner == turns.PERSON:
        turn.notices = []
        turn.effects = confirmation(reading.reminder)
        await _commit(turn, services, "falar_com_advogado", AnsweredBy.PERSON)
        return True
    if reading.mode is Mode.PERSON:
        await _leave_to_people(turn, reading, services)
        return True
    turn.effects = list(reading.hearing.effects)
    is_answered = (
        await _say_what_was_heard(turn, reading, services)
        or await _change_consent(turn, reading, services)
        or await _acknowledge(turn, reading.hearing.said, services)
    )
    if not is_answered and reading.hearing.shown:
        turn.notices.append(Outgoing(reading.hearing.shown, AnsweredBy.RULE))
    return is_answered


async def _say_what_was_heard(
    turn: Turn, reading: Reading, services: ChannelServices
) -> bool:
    """Asks about a voice note, or says that an option is too old to count."""
    hearing = reading.hearing
    is_stale = reading.choice is not None and reading.choice.is_stale
    if is_stale or hearing.is_stale:
        return await _say(turn, services, STALE_CHOICE, FLOW_OUT_OF_SCOPE)
    if not hearing.answer:
        return False
    turn.outgoing = [Outgoing(hearing.answer, AnsweredBy.RULE, buttons=hearing.buttons)]
    await _commit(turn, services, hearing.flow, AnsweredBy.RULE)
    return True


async def _leave_to_people(
    turn: Turn, reading: Reading, services: ChannelServices
) -> None:
    """Asks for a person, and says so once: the robot is switched off."""
    turn.effects = [Handoff(reason=SWITCHED_OFF), *confirmation(reading.reminder)]
    if not reading.is_waiting_for_person:
        turn.outgoing = [Outgoing(WAITING_FOR_PERSON, AnsweredBy.RULE)]
    await _commit(turn, services, "falar_com_advogado", AnsweredBy.PERSON)


async def _acknowledge(turn: Turn, said: Turn, services: ChannelServices) -> bool:
    """Answers what came without words, unless a flow takes it."""
    if without_command_mark(said.text) or said.kind == AUDIO:
        return False
    if turn.kind not in ALBUM_KINDS:
        text, flow = _FIXED.get(turn.kind, _FIXED["text"])
        return await _say(turn, services, text, flow)
    if not _is_nothing_left(turn):
        return False
    await _commit(turn, services, "enviar_documento", AnsweredBy.RULE)
    return True


def parsed_beforehand(
    turn: Turn, choice: Choice | None = None, reminder: Asked | None = None
) -> Any:
    """Returns Rasa's parse result where the words need no reading, else None.

    An attachment without words is `enviar_documento`, somebody else's voice is nothing
    in particular. An option of ours may name
    its intent; so does a plain answer to a reminder. A text in the shape of a Rasa
    command (`/restart`, `/intent{"slot": …}`) is no Portuguese: it means nothing, and
    above all not what it says.
    """
    if choice is not None and choice.intent:
        known = tuple(each for each in choice.entities if each[0] in ENTITIES)
        return _parsed(choice.words, choice.intent, 1.0, known)
    if choice is not None:
        return None
    if reminder is not None and reminder.reply is not None:
        return _parsed(words_for_rasa(turn), INTENT_OF[reminder.reply], 1.0)
    if turn.kind in _FILES and not without_command_mark(turn.text):
        return _parsed("", "enviar_documento", 1.0)
    is_passed_on = turn.kind == AUDIO and is_forwarded(turn.payload)
    if is_passed_on or looks_like_command(turn.text):
        return _parsed(words_for_rasa(turn), NLU_FALLBACK, 0.0)
    return None


def words_for_rasa(turn: Turn, choice: Choice | None = None) -> str:
    """Returns what was written, so that Rasa cannot take it for a command.

    A command's shape is quoted whole: inside a form it must not pass for a name.
    """
    if choice is not None:
        return without_command_mark(choice.words)
    if looks_like_command(turn.text):
        return f"“{turn.text.strip()}”"
    return without_command_mark(turn.text)


def _problems(turn: Turn, settings: Settings) -> list[str]:
    """Says once a kind what became of attachments that could not be taken."""
    if turn.kind == "audio" and turn.heard is not None:
        return []  # the answer says it, in words for a voice
    found = {each.status for each in turn.attachments}
    sentences = []
    if media.TOO_LARGE in found:
        is_document = turn.kind == "document"
        sentences.append(
            file_too_large(
                settings.media_document_max_mb if is_document else settings.media_max_mb
            )
        )
    if media.REFUSED in found:
        sentences.append(FILE_REFUSED)
    if media.FAILED in found:
        sentences.append(FILE_FAILED)
    return sentences


def _is_nothing_left(turn: Turn) -> bool:
    is_here = {media.KEPT, media.PENDING}
    statuses = {each.status for each in turn.attachments}
    return bool(statuses) and not statuses & is_here


def _clock_time(at: float, now: float, zone: ZoneInfo) -> str:
    then, today = (datetime.fromtimestamp(each, zone) for each in (at, now))
    clock = f"{then.hour}h{then.minute:02d}"
    days = (today.date() - then.date()).days
    if days == 0:
        return clock
    return (
        f"ontem às {clock}" if days == 1 else f"{then.day}/{then.month:02d} às {clock}"
    )


async def _change_consent(
    turn: Turn, reading: Reading, services: ChannelServices
) -> bool:
    """Takes "parar" and "voltar" as what they are where no question is open."""
    said = reading.hearing.said
    is_said = said.kind in _WORDS and not reading.hearing.is_passed_on
    if reading.choice is not None or not is_said:
        return False
    wish = _WISH_OF_TWILIO.get(said.payload.get("OptOutType", "")) or wish_of(said.text)
    if wish is None or reading.is_in_form:
        return False
    now = time.time()
    if wish == "cancelar":
        booked = await services.read(
            lambda c: appointments.of_conversation(c, turn.conversation_id, now=now)
        )
        if booked:
            return False  # it is the appointment that is to be cancelled
    mine = turn.conversation_id
    if wish != "voltar":

        def leave(connection: Connection) -> None:
            inbox.opt_out(connection, mine, now=now)

        return await _say(turn, services, OPTED_OUT, "interromper", also=leave)
    if not await services.read(lambda c: inbox.is_opted_out(c, mine)):
        return False  # a word like any other to who never left

    def come_back(connection: Connection) -> None:
        inbox.opt_in(connection, mine)

    return await _say(turn, services, OPTED_IN, "interromper", also=come_back)


async def _say(
    turn: Turn,
    services: ChannelServices,
    text: str,
    flow: str,
    *,
    also: Change | None = None,
) -> bool:
    turn.outgoing = [Outgoing(text, AnsweredBy.RULE)]
    await _commit(turn, services, flow, AnsweredBy.RULE, also=also)
    return True


def _parsed(
    text: str,
    intent: str,
    confidence: float,
    entities: tuple[tuple[str, str], ...] = (),
) -> dict[str, Any]:
    found = {"name": intent, "confidence": confidence}
    known = [{"entity": name, "value": value} for name, value in entities]
    return {"text": text, "intent": found, "intent_ranking": [found], "entities": known}


async def _commit(
    turn: Turn,
    services: ChannelServices,
    flow: str,
    who: AnsweredBy,
    *,
    also: Change | None = None,
) -> None:
    outcome = Outcome(flow, 1.0, who)
    now = time.time()

    def commit(connection: Connection) -> None:
        turns.commit(connection, turn, outcome, now=now)
        if also is not None:
            also(connection)

    await services.write(commit)
    turn.is_committed = True

"""Voice notes between the ear and understanding: asked about, shown, taken as words.

What was heard badly, or holds what Whisper gets wrong, counts only once the person
has said that it is right. Nothing is kept in memory: the notes' rows say what was
asked (`bot/store/heard_questions.py`), and a turn that is tried again asks the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection

from bot.core import heard_replies, phrases
from bot.core.entities.dates import read_moments
from bot.core.heard_replies import Verdict, number_said, reply_to_question
from bot.core.heard_values import CLEAR, Caution, caution_for
from bot.core.names import FLOW_OUT_OF_SCOPE, Profile
from bot.core.settings import Settings
from bot.core.speech import Trouble
from bot.core.texts import clean
from bot.store import attachments, heard_questions, media, transcripts
from bot.store.effects import Effect, NoteChecked
from bot.store.heard_questions import Question
from bot.store.turns import Turn
from connectors.choices import Choice
from connectors.payload import is_forwarded, quoted_sid, tap_of

AUDIO = "audio"
_KEPT = "informar_dados"
_DENIED = "negar"


@dataclass(frozen=True)
class Hearing:
    """What a message is, where voice is concerned."""

    said: Turn
    """The message as it is to be understood: its own words, or those of the note
    that it confirms. To be read only; the turn itself is answered and kept."""
    answer: str = ""
    """What is said at once; "" where the words are to be understood."""
    flow: str = ""
    """Of the turn, where there is such an answer."""
    buttons: tuple[dict[str, str], ...] = ()
    """Options under the answer."""
    shown: str = ""
    """What is said above the answer that understanding brings."""
    effects: tuple[Effect, ...] = ()
    facts: dict[str, Any] | None = None
    """How it was heard: `{"confianca": 0.87, "segundos": 9.2, "conferida": false}`."""
    is_stale: bool = False
    """A button of a question that does not stand any more."""
    is_about_note: bool = False
    """It answers the question about a note, and chooses nothing else."""
    options_before: int | None = None
    """Only what we offered before this message may be chosen; None for all."""

    @property
    def is_own_voice(self) -> bool:
        """Whether words of the person's own, spoken, are to be understood."""
        return self.facts is not None and not self.answer and not self.is_passed_on

    @property
    def is_passed_on(self) -> bool:
        """Whether it is a voice note of somebody else."""
        return self.said.kind == AUDIO and is_forwarded(self.said.payload)

    @property
    def is_to_be_read(self) -> bool:
        """Whether the words may choose, answer a reminder or leave a list."""
        return not (self.answer or self.is_passed_on)


@dataclass(frozen=True)
class Scene:
    """Where a message stands."""

    settings: Settings
    zone: ZoneInfo
    """The office's."""
    is_in_form: bool
    """A question of a form stands open."""


def hear(
    connection: Connection, turn: Turn, choice: Choice | None, scene: Scene
) -> Hearing:
    """Returns what a message is, where voice is concerned.

    Args:
        connection: only reads.
        turn: any message; most have nothing to do with voice.
        choice: what it chose of what we offered; None for a voice note.
        scene: where it stands.
    """
    question = heard_questions.standing(
        connection, turn.conversation_id, before=turn.inbox_id
    )
    if choice is not None and choice.note_id is not None:
        return _chosen(connection, turn, choice, question, scene)
    if question is not None and choice is None:
        answered = _answered(connection, turn, question, scene)
        if answered is not None:
            return answered
    if turn.kind != AUDIO:
        return Hearing(turn)
    return _note(turn, question, scene)


def _chosen(
    connection: Connection,
    turn: Turn,
    choice: Choice,
    question: Question | None,
    scene: Scene,
) -> Hearing:
    """Takes a button of the question, or its number or title."""
    is_tap = tap_of(turn.payload) is not None
    if question is None or choice.note_id not in question.inbox_ids:
        return Hearing(turn, is_stale=True, is_about_note=True)
    if not is_tap and turn.received_at < question.said_at:
        before = question.inbox_ids[0]  # written before it was asked
        return Hearing(turn, is_about_note=True, options_before=before)
    if choice.intent == heard_replies.INTENT_YES:
        return _confirmed(connection, turn, question, scene)
    return _denied(turn, question)


def _answered(
    connection: Connection, turn: Turn, question: Question, scene: Scene
) -> Hearing | None:
    """Returns what words say to the question; None where they are about more."""
    text = _own_words(turn)
    if not text or not _may_answer(connection, turn, question, scene):
        return None
    reply = reply_to_question(text) or reply_to_question(number_said(text))
    if reply is None:
        return None
    if reply.verdict is Verdict.RIGHT:
        return _confirmed(connection, turn, question, scene)
    if not reply.instead:
        return _denied(turn, question)
    corrected = replace(turn, text=reply.instead)
    hearing = Hearing(corrected, is_about_note=True)
    if turn.kind == AUDIO:
        hearing = replace(_note(corrected, None, scene), is_about_note=True)
    denial = NoteChecked(question.inbox_ids, transcripts.DENIED)
    return replace(hearing, effects=(denial, *hearing.effects))


def _may_answer(
    connection: Connection, turn: Turn, question: Question, scene: Scene
) -> bool:
    if turn.received_at < question.said_at:
        return False
    if heard_questions.is_quoted(connection, question, quoted_sid(turn.payload)):
        return True
    if question.is_reminder_since:
        return False
    return question.is_last_word or not scene.is_in_form


def _confirmed(
    connection: Connection, turn: Turn, question: Question, scene: Scene
) -> Hearing:
    """Takes the notes' words as if they had been written."""
    text = "\n".join(question.texts)
    if question.is_correction:
        reply = reply_to_question(text)
        text = reply.instead or text if reply else text
    files = _quoted_files(connection, question) if _is_lawyer(turn) else ()
    said = replace(
        turn,
        text=clean(text),
        kind=AUDIO,
        payload=question.payload,
        attachments=files,
        received_at=_moment_of(text, question, turn, scene.zone),
    )
    return Hearing(
        said,
        effects=(NoteChecked(question.inbox_ids, transcripts.CONFIRMED),),
        facts=_facts(question.confidence, question.audio_s, is_checked=True),
        is_about_note=True,
        options_before=question.inbox_ids[0],
    )


def _denied(turn: Turn, question: Question) -> Hearing:
    return Hearing(
        turn,
        answer=phrases.HEARD_WRONG,
        flow=_DENIED,
        effects=(NoteChecked(question.inbox_ids, transcripts.DENIED),),
        is_about_note=True,
    )


def _note(turn: Turn, question: Question | None, scene: Scene) -> Hearing:
    """Takes a new voice note."""
    heard = turn.heard
    if is_forwarded(turn.payload) and (_is_lawyer(turn) or scene.is_in_form):
        return _passed_on(turn, scene)
    trouble = unheard(turn, scene.settings)
    if trouble is not None or heard is None:
        return Hearing(turn, trouble or phrases.NO_AUDIO, FLOW_OUT_OF_SCOPE)
    text = clean(turn.text)
    facts = _facts(heard.confidence, heard.audio_s, is_checked=False)
    if is_forwarded(turn.payload):
        return Hearing(turn, shown=phrases.heard_forwarded(text), facts=facts)
    said = replace(turn, text=text, attachments=())  # the voice is no file beside it
    is_sure = heard.confidence >= scene.settings.whisper_sure and not heard.is_damaged
    caution = caution_for(
        text,
        is_sure=is_sure,
        is_clear=heard.confidence >= CLEAR,
        profile=turn.profile,
        now=datetime.fromtimestamp(turn.received_at, scene.zone),
    )
    if caution is Caution.ASK:
        return _asked(said, question)
    shown = phrases.heard_shown(text) if caution is Caution.SHOW else ""
    return Hearing(said, shown=shown, facts=facts)


def _asked(said: Turn, question: Question | None) -> Hearing:
    """Asks about a note, and about earlier ones whose question came too late to see."""
    unseen: Sequence[str] = ()
    if question is not None and said.received_at < question.said_at:
        unseen = question.texts
    return Hearing(
        said,
        answer=phrases.heard_question([*unseen, said.text]),
        flow=_KEPT,
        buttons=tuple(heard_replies.options(said.inbox_id)),
        effects=(NoteChecked((said.inbox_id,), transcripts.ASKED),),
    )


def _passed_on(turn: Turn, scene: Scene) -> Hearing:
    """Takes somebody else's voice as a file; its words are nobody's command here."""
    is_here = {each.status for each in turn.attachments} & {media.KEPT, media.PENDING}
    if _is_lawyer(turn) and scene.is_in_form and is_here:
        return Hearing(replace(turn, text=""))  # what a form may have asked for
    trouble = unheard(turn, scene.settings)
    if turn.heard is None or (trouble and not is_here):
        return Hearing(turn, trouble or phrases.NO_AUDIO, FLOW_OUT_OF_SCOPE)
    shown = phrases.heard_forwarded("" if trouble else clean(turn.text))
    what_next = phrases.FORWARDED_IN_FORM
    if _is_lawyer(turn):
        what_next = phrases.FORWARDED_TO_LAWYER if is_here else ""
    return Hearing(turn, f"{shown}\n\n{what_next}".strip(), _KEPT)


def unheard(turn: Turn, settings: Settings) -> str | None:
    """Returns what is said of a voice note without words, None where it has some."""
    heard = turn.heard
    if heard is None:
        return phrases.NO_AUDIO
    if heard.status == transcripts.HEARD:
        has_words = any(char.isalnum() for char in turn.text)
        return None if has_words else phrases.UNHEARD[Trouble.SILENT]
    if heard.status == transcripts.PENDING:
        return phrases.UNHEARD[Trouble.LATE]
    if not heard.trouble:
        return phrases.AUDIO_NOT_HERE
    trouble = Trouble(heard.trouble)
    if trouble is Trouble.TOO_LONG:
        return phrases.audio_too_long(settings.whisper_max_s)
    return phrases.UNHEARD[trouble]


def _own_words(turn: Turn) -> str:
    """Returns what the person wrote or said; "" where it is neither."""
    if turn.kind == AUDIO:
        is_heard = turn.heard is not None and turn.heard.status == transcripts.HEARD
        return clean(turn.text) if is_heard and not is_forwarded(turn.payload) else ""
    return turn.text if turn.kind == "text" else ""


def _moment_of(text: str, question: Question, turn: Turn, zone: ZoneInfo) -> float:
    """Returns when confirmed words count as said, UTC seconds.

    With the yes, unless "amanhã" has become another day since.
    """
    said, now = (
        datetime.fromtimestamp(at, zone)
        for at in (question.received_at, turn.received_at)
    )
    then = read_moments(text, now=said)
    is_same = then == read_moments(text, now=now)
    return turn.received_at if is_same else question.received_at


def _quoted_files(
    connection: Connection, question: Question
) -> tuple[media.Attached, ...]:
    """Returns the files that a confirmed note was said to."""
    quoted = attachments.quoted_by(connection, question.inbox_ids[-1])
    return tuple(
        media.Attached(each.id, each.status, each.media_type, each.original_name)
        for each in quoted
    )


def _facts(confidence: float, audio_s: float, *, is_checked: bool) -> dict[str, Any]:
    return {
        "confianca": round(confidence, 2),
        "segundos": round(audio_s, 1),
        "conferida": is_checked,
    }


def _is_lawyer(turn: Turn) -> bool:
    return turn.profile is Profile.LAWYER

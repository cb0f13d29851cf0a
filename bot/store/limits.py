"""How much one person may ask of the robot, and when it falls silent.

Nothing is ever dropped: a message over a limit is stored and a person reads it.
What the API takes is not limited, nor is a conversation that a person owns.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from bot.core.entities.found import fold
from bot.core.names import AnsweredBy
from bot.core.phrases import (
    AUTOMATIC_REPLY,
    TOO_MANY_A_DAY,
    TOO_MANY_A_MINUTE,
    TOO_MANY_WAITING,
)
from bot.core.schedule import ZONE
from bot.core.settings import Settings
from bot.store import effects
from bot.store.schema import (
    INBOX_OPEN,
    conversation,
    has_status,
    inbox,
    outbox,
    usage,
)

FLOW = "limite"
"""`fluxo` of a message that was stored and not answered."""
OVER_DAY, OVER_QUEUE = "limite_diario", "limite_fila"
LATER = "limite_minuto"
"""`error` of a message that waits for its turn within the minute."""
AUTOMATIC = "resposta_automatica"
TOO_MANY, LOOP = "muitas_mensagens", "conversa_automatica"
"""Reasons of the handoffs."""

MINUTE_S = 60
DAY_S = 24 * 60 * 60
_EPISODE_S = 60 * 60
"""Who goes over a limit again within so long is not told again."""
_LOOP_WINDOW_S = 120
_LOOK_BACK_S = 900
"""Eight exchanges take less, even with a slow model."""
_QUICK_S = 2.0
"""Nobody reads and answers faster, time after time."""
_QUICK_TIMES = 8
_CHATTER_TEXTS, _CHATTER_LETTERS = 3, 15
"""An automatic reply has few wordings, and none of them is short."""
_NOTICE_ORDINAL = -1
"""Of a notice beside which the message still gets its answer, from 0 on."""
_SENT = ("sending", "sent", "unknown", "delivered", "read")
_ASKED_FOR = frozenset(
    "sim nao ok isso certo pode claro confirmo s n uhum aham obrigado obrigada".split()
)
"""Words that people say again and again to different questions."""
_WAY_OUT = "menu"
"""What the farewell tells people to write."""


@dataclass(frozen=True)
class Rules:
    """The limits that a message from WhatsApp is accepted under."""

    media_wait_s: float
    """How long the answer to an attachment waits for the file."""
    speech_wait_s: float
    """How long the answer to a voice note waits for its text; 0 where nobody hears."""
    speech_queue: int
    """Voice notes that may wait to be heard."""
    limit_per_minute: int
    """Messages of one person that are answered in any 60 s."""
    limit_per_day: int
    """Messages of one person that are answered in any 24 h."""
    limit_queue: int
    """Messages of one person that may wait for an answer."""
    loop_exchanges: int
    """The same text so many times in a row, in 2 min, is an automatic reply."""
    loop_pause_s: float
    """How long the robot is silent towards one."""

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        """Reads the limits of the settings."""
        return cls(
            media_wait_s=settings.media_wait_s,
            speech_wait_s=settings.whisper_wait_s if settings.hears else 0.0,
            speech_queue=settings.whisper_queue,
            limit_per_minute=settings.limit_per_minute,
            limit_per_day=settings.limit_per_day,
            limit_queue=settings.limit_queue,
            loop_exchanges=settings.loop_exchanges,
            loop_pause_s=settings.loop_pause_s,
        )


@dataclass(frozen=True)
class _Said:
    """A message of the person, beside what we had said before it."""

    text: str
    received_at: float
    answers: tuple[str, ...]
    """Ours since the person's message before, in order."""
    answered_at: float | None
    """When the last of them was sent."""
    was_automatic: bool
    """It was stored unanswered as an automatic reply."""

    @property
    def is_quick(self) -> bool:
        """Says whether it came faster after our answer than people write."""
        return (
            self.answered_at is not None
            and self.received_at - self.answered_at < _QUICK_S
        )


def spend(
    connection: Connection,
    conversation_id: str,
    kind: str,
    *,
    now: float,
    at_most: int,
    zone: ZoneInfo = ZONE,
) -> bool:
    """Counts one use of something that is limited a day; False if none is left.

    Args:
        connection: inside a writing transaction.
        conversation_id: who uses it.
        kind: what, as `modelo`.
        now: UTC seconds.
        at_most: uses a day.
        zone: the office's, whose day it is.
    """
    if at_most < 1:
        return False
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    first = dialect.insert(usage).values(
        conversation_id=conversation_id, kind=kind, day=_day(now, zone), count=1
    )
    one_more = first.on_conflict_do_update(
        index_elements=["conversation_id", "kind", "day"],
        set_={"count": usage.c.count + 1},
        where=usage.c.count < at_most,
    )
    return bool(connection.execute(one_more).rowcount)


def _day(now: float, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(now, zone).date().isoformat()


def admit(
    connection: Connection, talk: Any, *, inbox_id: int, rules: Rules, now: float
) -> float | None:
    """Says when a new message may be answered; None if it was stored as done.

    Who is over a limit for the first time in an hour is told so.

    Args:
        connection: inside the transaction that stored the message.
        talk: the conversation's row as it was before the message, locked.
        inbox_id: the message, of source `whatsapp`.
        rules: the limits.
        now: UTC seconds.
    """
    if talk.owner != "robo":
        return now
    message = connection.execute(sa.select(inbox).where(inbox.c.id == inbox_id)).one()
    guard = _Guard(connection, talk, message, rules, now)
    if guard.is_at_ease():
        return now
    if guard.is_automatic() or guard.is_too_many():
        return None
    return guard.turn_within_the_minute()


class _Guard:
    """One new message against the limits."""

    def __init__(
        self, connection: Connection, talk: Any, message: Any, rules: Rules, now: float
    ) -> None:
        self._connection = connection
        self._talk = talk
        self._message = message
        self._rules = rules
        self._now = now
        self._earlier = sa.and_(
            inbox.c.conversation_id == talk.id,
            inbox.c.source == "whatsapp",
            inbox.c.id < message.id,
        )

    def is_at_ease(self) -> bool:
        """Says whether so little was written lately that no limit can be near.

        One query in the place of six, for the message that nearly every message is.
        """
        rules = self._rules
        lately = inbox.c.received_at > self._now - _LOOK_BACK_S
        today, recent, waiting = self._connection.execute(
            sa.select(
                sa.func.count(),
                sa.func.sum(sa.case((lately, 1), else_=0)),
                sa.func.sum(sa.case((has_status(inbox, *INBOX_OPEN), 1), else_=0)),
            ).where(self._earlier, inbox.c.received_at > self._now - DAY_S)
        ).one()
        few = min(rules.limit_per_minute, rules.loop_exchanges, _QUICK_TIMES)
        return bool(
            self._talk.muted_until <= self._now
            and (recent or 0) + 1 < few
            and today < rules.limit_per_day
            and (waiting or 0) < rules.limit_queue
        )

    def is_automatic(self) -> bool:
        """Stores an automatic reply as done; says whether it was one."""
        if self._talk.muted_until > self._now:
            if self._goes_on():
                self._store_unanswered(AUTOMATIC)
                return True
            self._mute(until=0)
        elif self._is_loop():
            self._store_unanswered(AUTOMATIC)
            self._say(AUTOMATIC_REPLY, ordinal=0)
            self._call_a_person(LOOP)
            self._mute(until=self._now + self._rules.loop_pause_s)
            return True
        return False

    def is_too_many(self) -> bool:
        """Stores a message over the day's or the queue's limit as done."""
        if self._count_today() > self._rules.limit_per_day:
            reason, notice, since = OVER_DAY, TOO_MANY_A_DAY, DAY_S
        elif self._count_open() > self._rules.limit_queue:
            reason, notice, since = OVER_QUEUE, TOO_MANY_WAITING, _EPISODE_S
        else:
            return False
        is_told = self._was_marked(reason, since_s=since)
        self._store_unanswered(reason)
        if not is_told:
            self._say(notice, ordinal=0)
            self._call_a_person(TOO_MANY)
        return True

    def turn_within_the_minute(self) -> float:
        """Returns when the message may be answered, UTC seconds."""
        oldest = (
            sa.select(inbox.c.next_at)
            .where(self._earlier, inbox.c.received_at > self._now - DAY_S)
            .where(sa.or_(inbox.c.flow.is_(None), inbox.c.flow != FLOW))
            .order_by(inbox.c.id.desc())
            .limit(1)
            .offset(self._rules.limit_per_minute - 1)
        )
        taken_at = self._connection.execute(oldest).scalar()
        if taken_at is None or taken_at + MINUTE_S <= self._now:
            return self._now
        if not self._was_marked(LATER, since_s=_EPISODE_S):
            self._say(TOO_MANY_A_MINUTE, ordinal=_NOTICE_ORDINAL)
        self._change(error=LATER)
        return float(taken_at) + MINUTE_S

    def _count_today(self) -> int:
        enough = self._rules.limit_per_day + 1
        since = inbox.c.received_at > self._now - DAY_S
        some = sa.select(inbox.c.id).where(self._earlier, since).limit(enough)
        count = sa.select(sa.func.count()).select_from(some.subquery())
        return 1 + int(self._connection.execute(count).scalar_one())

    def _count_open(self) -> int:
        is_open = has_status(inbox, *INBOX_OPEN)
        count = sa.select(sa.func.count(inbox.c.id)).where(self._earlier, is_open)
        return 1 + int(self._connection.execute(count).scalar_one())

    def _was_marked(self, error: str, *, since_s: float) -> bool:
        query = (
            sa.select(inbox.c.id)
            .where(self._earlier, inbox.c.received_at > self._now - since_s)
            .where(inbox.c.error == error)
            .order_by(inbox.c.received_at.desc())
            .limit(1)
        )
        return self._connection.execute(query).first() is not None

    def _is_loop(self) -> bool:
        most = max(self._rules.loop_exchanges, _QUICK_TIMES)
        said = _since_last_loop(self._said(most=most))
        quick = said[-_QUICK_TIMES:]
        is_quick = len(quick) == _QUICK_TIMES and all(each.is_quick for each in quick)
        if is_quick and _is_chatter(quick):
            return True
        same = said[-self._rules.loop_exchanges :]
        return len(same) == self._rules.loop_exchanges and _is_same_exchange(same)

    def _goes_on(self) -> bool:
        *before, message = self._said(most=_QUICK_TIMES + 1)
        loops = [_text_key(each.text) for each in before if each.was_automatic]
        mine = _text_key(message.text)
        if mine == _WAY_OUT:  # promised; but not again to what says nothing else
            return set(loops) == {_WAY_OUT} and len(loops) > 1
        return message.is_quick or (bool(mine) and mine in loops)

    def _said(self, *, most: int) -> list[_Said]:
        """Returns the person's last messages, this one included, the oldest first."""
        query = (
            sa.select(inbox.c.id, inbox.c.text, inbox.c.received_at, inbox.c.error)
            .where(self._earlier)
            .where(inbox.c.received_at > self._message.received_at - _LOOK_BACK_S)
            .order_by(inbox.c.id.desc())
            .limit(most)
        )
        rows = [self._message, *self._connection.execute(query)]
        answers = self._answers([row.id for row in rows])
        pairs = list(zip(rows, [*rows[1:], None], strict=True))[:most]
        return [_beside(row, before, answers) for row, before in reversed(pairs)]

    def _answers(self, inbox_ids: Sequence[int]) -> Sequence[Any]:
        query = (
            sa.select(outbox.c.inbox_id, outbox.c.body, outbox.c.started_at)
            .where(outbox.c.inbox_id.in_(inbox_ids), outbox.c.status.in_(_SENT))
            .order_by(outbox.c.id)
        )
        return self._connection.execute(query).all()

    def _store_unanswered(self, error: str) -> None:
        self._change(
            status="done",
            finished_at=self._now,
            flow=FLOW,
            answered_by=AnsweredBy.RULE.value,
            error=error,
        )

    def _change(self, **values: Any) -> None:
        mine = inbox.c.id == self._message.id
        self._connection.execute(sa.update(inbox).where(mine).values(**values))

    def _mute(self, *, until: float) -> None:
        mine = conversation.c.id == self._talk.id
        changed = sa.update(conversation).where(mine).values(muted_until=until)
        self._connection.execute(changed)

    def _say(self, text: str, *, ordinal: int) -> None:
        self._connection.execute(
            sa.insert(outbox).values(
                inbox_id=self._message.id,
                ordinal=ordinal,
                conversation_id=self._talk.id,
                body=text,
                answered_by=AnsweredBy.RULE.value,
                turn_token=self._talk.turn_token,
                token=uuid.uuid4().hex,
                created_at=self._now,
            )
        )

    def _call_a_person(self, reason: str) -> None:
        origin = effects.Origin(self._talk.id, self._message.id, 0)
        effects.apply(self._connection, effects.Handoff(reason), origin, now=self._now)


def _beside(row: Any, before: Any, answers: Sequence[Any]) -> _Said:
    """Puts a message beside what was sent between it and the one before it."""
    mine = [
        each
        for each in answers
        if before is not None
        and each.inbox_id <= before.id
        and before.received_at <= each.started_at <= row.received_at
    ]
    return _Said(
        text=row.text,
        received_at=row.received_at,
        answers=tuple(each.body for each in mine),
        answered_at=max((each.started_at for each in mine), default=None),
        was_automatic=row.error == AUTOMATIC,
    )


def _since_last_loop(said: Sequence[_Said]) -> Sequence[_Said]:
    marks = [number for number, each in enumerate(said) if each.was_automatic]
    return said[marks[-1] + 1 :] if marks else said


def _is_same_exchange(said: Sequence[_Said]) -> bool:
    """Says whether one text was sent every time, each after an answer of ours.

    What answers a question ("sim", "2") fits many; it is the same exchange only
    where we too said the same every time.
    """
    first, *later = said
    if said[-1].received_at - first.received_at > _LOOP_WINDOW_S:
        return False
    if not all(each.answers for each in later):
        return False
    key = _key(first.text)
    if key and key not in _ASKED_FOR:
        if any(_key(each.text) != key for each in later):
            return False
        is_same = len({_digits(each.text) for each in said}) == 1
        # other numbers each time: four lawsuits asked after, unless we said the same
        return is_same or len({_keys(each.answers) for each in later}) == 1
    is_same = all(each.text.strip() == first.text.strip() for each in later)
    return (
        bool(first.text.strip())
        and is_same
        and len({each.answers for each in later}) == 1
    )


def _is_chatter(said: Sequence[_Said]) -> bool:
    """Says whether so quick a partner talks as machines do.

    Marks alone, our own words given back, or few wordings and none of them short.
    Who asks one thing after the other so quickly is somebody's test, or in a hurry.
    """
    keys = [_key(each.text) for each in said]
    if not any(keys):
        return not any(_digits(each.text) for each in said)
    if all(_is_echo(each) for each in said):
        return True
    return len(set(keys)) <= _CHATTER_TEXTS and min(map(len, keys)) >= _CHATTER_LETTERS


def _is_echo(said: _Said) -> bool:
    return any(answer and answer in _key(said.text) for answer in _keys(said.answers))


def _digits(text: str) -> str:
    return "".join(re.findall(r"\d", text))


def _keys(answers: Sequence[str]) -> tuple[str, ...]:
    return tuple(_key(answer) for answer in answers)


def _text_key(text: str) -> str:
    return _key(text) or text.strip()


def _key(text: str) -> str:
    """Returns what a text says, without case, accents, digits, marks and spaces."""
    return "".join(re.findall(r"[^\W\d_]+", fold(text)))

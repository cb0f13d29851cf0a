"""Messages out: claimed in order, sent, reconciled and followed to the person.

    new → sending → sent → delivered → read
           │  └──→ unknown (the provider's answer was lost) ──→ sent, or new again
           └─────→ failed, waiting (for the 24-hour window), revoked

A status moves forward alone. What certainly did not arrive and may be sent anew
begins a new life: back to `new`, under another token, so that late callbacks of the
life before it find nobody.
"""

from __future__ import annotations

import uuid
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.core import window
from bot.core.content import Content, for_choices, is_session_template
from bot.core.delivery_errors import Action, code_of, rule_of
from bot.core.names import Profile
from bot.store import effects, people, reminders
from bot.store.alerts import raise_alert
from bot.store.database import for_update_skip_locked
from bot.store.effects import Handoff, Origin
from bot.store.schema import OUTBOX_OPEN, conversation, has_status, inbox, outbox

REOPEN = "reabrir"
"""The template that asks a person to write, so that the window opens again."""
TEXT_ONLY = ""
"""`template` of a row whose options may not be shown as a template any more."""
REMINDER = reminders.PURPOSE
"""`purpose` of a message that answers nothing, and the template that may carry it
outside the window."""
OPTED_OUT, TOO_LATE = "descadastrada", "lembrete_vencido"
"""`error_code` of reminders that were not sent."""
MOST_REPEATS = 4
"""A message is sent at most five times."""

UNANSWERED, NOT_ON_WHATSAPP, WINDOW_CLOSED = (
    "resposta_nao_enviada",
    "sem_whatsapp",
    "janela_fechada",
)
"""Reasons of handoffs where the robot's answer did not arrive."""

_FIRST_CHECK_S = 2.0
_SLOW_DOWN_S = 10.0
"""First pause after 63018; doubles. WhatsApp takes one message a person in 6 s."""
_LONGEST_CODE = 20
_LONGEST_FIRST_NAME = 40
_NOBODY = "cliente"
_REOPEN_BODY = "(Modelo “reabrir”: pede que a pessoa escreva de novo.)"
"""What stands in the record; the template's own text is the provider's."""

_RANK = {
    "new": 0,
    "sending": 1,
    "unknown": 1,
    "sent": 2,
    "failed": 3,
    "delivered": 4,
    "read": 5,
}
"""A row's status only ever moves to a higher rank; `failed` after `delivered` is
a late message of the provider and is ignored."""

_PROVIDER_STATUS = {
    "accepted": "sent",
    "scheduled": "sent",
    "queued": "sent",
    "sending": "sent",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "undelivered": "failed",
    "failed": "failed",
}
"""Even `accepted` proves that the provider has the message."""


@dataclass(frozen=True)
class ClaimedAnswer:
    """A message that this process must send now."""

    id: int
    token: str
    """Names the row, in this life of it, in the provider's status callbacks."""
    body: str
    to_address: str
    from_address: str
    account_sid: str
    attempt: int
    template: str = ""
    """Name of the content template to send in place of the body, or ""."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of the template."""


@dataclass(frozen=True)
class UncertainAnswer:
    """A message of which nobody knows whether the provider took it."""

    answer: ClaimedAnswer
    started_at: float
    """UTC seconds."""


def due_at(connection: Connection) -> float | None:
    """Returns when the next message may leave (UTC seconds), or None for no message.

    Reads alone: who polls asks this first, and leaves the write lock to others.
    """
    at = sa.case(
        (outbox.c.next_at > conversation.c.send_after, outbox.c.next_at),
        else_=conversation.c.send_after,
    )
    query = (
        sa.select(sa.func.min(at))
        .select_from(
            outbox.join(conversation, conversation.c.id == outbox.c.conversation_id)
        )
        .where(outbox.c.id.in_(_first_of_each()), outbox.c.status == "new")
    )
    found = connection.execute(query).scalar()
    return None if found is None else float(found)


def claim(
    connection: Connection, *, now: float, templates: Container[str] = frozenset()
) -> ClaimedAnswer | None:
    """Marks the oldest message whose conversation has none before it `sending`.

    What must not leave is settled on the way and never returned: an answer of the
    robot whose conversation changed hands meanwhile (`revoked`), a reminder that is
    late or to somebody who opted out (`failed`), and outside the 24-hour window all
    that is no approved template (`waiting`; the person is asked to write, or the
    office told).

    Args:
        connection: inside a writing transaction.
        now: UTC seconds.
        templates: names of the content templates that the office has.
    """
    while True:
        row = connection.execute(
            for_update_skip_locked(connection, _first_due(now))
        ).first()
        if row is None:
            return None
        answer = _take(connection, row, now=now, templates=templates)
        if answer is not None:
            return answer


def _first_of_each() -> Any:
    waiting = outbox.alias("waiting")
    return (
        sa.select(sa.func.min(waiting.c.id))
        .where(has_status(waiting, *OUTBOX_OPEN))
        .group_by(waiting.c.conversation_id)
    )


def _first_due(now: float) -> Any:
    is_slowed = sa.exists().where(
        conversation.c.id == outbox.c.conversation_id, conversation.c.send_after > now
    )
    return (
        sa.select(outbox)
        .where(
            outbox.c.id.in_(_first_of_each()),
            outbox.c.status == "new",
            outbox.c.next_at <= now,
            ~is_slowed,
        )
        .order_by(outbox.c.id)
        .limit(1)
    )


def _take(
    connection: Connection, row: Any, *, now: float, templates: Container[str]
) -> ClaimedAnswer | None:
    talk = _locked_conversation(connection, row.conversation_id)
    is_open = window.is_open(talk.last_inbound_at, talk.window_closed_at, now=now)
    is_reminder = row.purpose == REMINDER
    is_overtaken = talk.turn_token != row.turn_token and not is_reminder
    if is_overtaken or (row.template == REOPEN and is_open):
        _update(connection, row, status="revoked", status_at=now)
        return None
    against = _against_reminder(connection, row, talk, now=now) if is_reminder else ""
    if against:
        _update(connection, row, status="failed", error_code=against, status_at=now)
        return None
    proactive = _template_outside(row)
    if is_open:
        if talk.reopened_at is not None:
            _revoke_reopening(connection, row, now=now)
        content = _session_content(row, templates)
    elif proactive in templates:
        content = Content(proactive, row.template_variables or {})
    else:
        _wait_for_window(connection, row, talk, now=now, templates=templates)
        return None
    template = row.template
    if content is not None:
        template = content.template
    elif is_session_template(template):
        template = None
    attempt = row.attempts + 1
    _update(
        connection,
        row,
        status="sending",
        started_at=now,
        attempts=attempt,
        template=template,
    )
    return _claimed(connection, row, talk, content, attempt=attempt)


def _locked_conversation(connection: Connection, conversation_id: str) -> Any:
    """Returns the conversation and holds it: its person may be writing just now."""
    query = sa.select(conversation).where(conversation.c.id == conversation_id)
    return connection.execute(query.with_for_update(key_share=True)).one()


def _against_reminder(
    connection: Connection, row: Any, talk: Any, *, now: float
) -> str:
    """Returns why a reminder is not sent, or ""; a person may own the conversation."""
    if talk.opted_out_at is not None:
        return OPTED_OUT
    is_void = reminders.is_void(
        connection,
        appointment_id=row.appointment_id,
        not_after=row.not_after,
        now=now,
    )
    return TOO_LATE if is_void else ""


def _template_outside(row: Any) -> str:
    """Returns the approved template that says a row outside the window, or "".

    A reminder's is of its own name; inside the window it shows its options instead.
    """
    if _is_approved(row.template):
        return str(row.template)
    return REMINDER if row.purpose == REMINDER and row.template_variables else ""


def _session_content(row: Any, templates: Container[str]) -> Content | None:
    if not row.buttons or row.template == TEXT_ONLY or _is_approved(row.template):
        return None
    return for_choices(row.body, row.buttons, templates)


def _is_approved(template: str | None) -> bool:
    """Says whether a row's template may leave outside the window."""
    return bool(template) and not is_session_template(template)


def _claimed(
    connection: Connection,
    row: Any,
    talk: Any,
    content: Content | None,
    *,
    attempt: int,
) -> ClaimedAnswer:
    asked = connection.execute(sa.select(inbox).where(inbox.c.id == row.inbox_id)).one()
    return ClaimedAnswer(
        id=row.id,
        token=row.token,
        body=row.body,
        to_address=asked.sender or talk.address,
        from_address=asked.recipient,
        account_sid=asked.account_sid,
        attempt=attempt,
        template=content.template if content else "",
        variables=dict(content.variables) if content else {},
    )


def _wait_for_window(
    connection: Connection,
    row: Any,
    talk: Any,
    *,
    now: float,
    templates: Container[str],
) -> None:
    """Keeps a message until its person writes, and sees to it that they may.

    A template asks them, once a closed window; without one the office is told.
    """
    _update(connection, row, status="waiting", status_at=now)
    if REOPEN not in templates or talk.opted_out_at is not None:
        if row.purpose != REMINDER:  # every appointment would call the office
            _hand_over(connection, row, WINDOW_CLOSED, now=now)
        return
    was_asked = talk.reopened_at is not None and (
        talk.last_inbound_at is None or talk.reopened_at > talk.last_inbound_at
    )
    if was_asked:
        return
    ordinals = sa.select(sa.func.max(outbox.c.ordinal))
    last = connection.execute(ordinals.where(outbox.c.inbox_id == row.inbox_id))
    connection.execute(
        sa.insert(outbox).values(
            inbox_id=row.inbox_id,
            ordinal=last.scalar_one() + 1,
            conversation_id=row.conversation_id,
            body=_REOPEN_BODY,
            answered_by=row.answered_by,
            turn_token=row.turn_token,
            token=uuid.uuid4().hex,
            created_at=now,
            purpose="aviso",
            template=REOPEN,
            template_variables={"1": _first_name(connection, talk)},
        )
    )
    _change_conversation(connection, row, reopened_at=now)


def _revoke_reopening(connection: Connection, row: Any, *, now: float) -> None:
    """Asks no one to write who has written; that would hold back the answers too."""
    connection.execute(
        sa.update(outbox)
        .where(
            outbox.c.conversation_id == row.conversation_id,
            outbox.c.template == REOPEN,
            has_status(outbox, "new"),
        )
        .values(status="revoked", status_at=now)
    )


def _first_name(connection: Connection, talk: Any) -> str:
    known = people.find_by_address(connection, talk.address)
    words = (known.name if known else talk.display_name).split()
    first = words[0] if words else ""
    is_name = first.replace("-", "").isalpha() and len(first) <= _LONGEST_FIRST_NAME
    return first if is_name else _NOBODY


def mark_sent(
    connection: Connection,
    answer: ClaimedAnswer,
    *,
    provider_sid: str,
    now: float,
    pause_s: float = 0.0,
) -> bool:
    """The provider accepted the message under an id of its own.

    Args:
        connection: inside a writing transaction.
        answer: as it was claimed.
        provider_sid: the provider's message id.
        now: UTC seconds.
        pause_s: how long the conversation's next message waits, because the
            provider does not keep the order of rapid ones.

    Returns:
        False where the row already names another copy: the message went out twice.
    """
    row = _locked(connection, outbox.c.id == answer.id, outbox.c.token == answer.token)
    _slow_down(connection, row, until=now + pause_s)
    if row is None or row.status not in {"new", "sending", "unknown"}:
        return row is None or row.provider_sid in {None, provider_sid}
    sid = _own_sid(connection, row, provider_sid)
    _take_as_sent(connection, row, sid, now=now)
    return True


def mark_again(connection: Connection, answer: ClaimedAnswer, *, at: float) -> None:
    """The provider did not take the message; it may be sent from `at` on."""
    _settle(connection, answer, status="new", next_at=at)


def mark_unknown(
    connection: Connection, answer: ClaimedAnswer, *, reason: str, now: float
) -> None:
    """Nobody knows whether the provider took it: the reconciler finds out.

    Args:
        connection: inside a writing transaction.
        answer: as it was claimed.
        reason: kind of the trouble; no text of anybody.
        now: UTC seconds.
    """
    _settle(
        connection,
        answer,
        status="unknown",
        error_code=reason[:_LONGEST_CODE],
        next_at=now + _FIRST_CHECK_S,
    )


def mark_refused(
    connection: Connection, answer: ClaimedAnswer, *, code: str, now: float
) -> str:
    """The provider refused the message; does what the code asks for.

    Returns:
        The row's new status: `failed`, or `new` where something else is tried.
    """
    row = _locked(connection, *_is_claim(answer))
    if row is None:
        return ""
    return _fail(connection, row, code_of(code), now=now, is_refusal=True)


def _settle(connection: Connection, answer: ClaimedAnswer, **values: Any) -> None:
    mine = sa.update(outbox).where(*_is_claim(answer))
    connection.execute(mine.values(**values))


def _is_claim(answer: ClaimedAnswer) -> tuple[sa.ColumnElement[bool], ...]:
    """Returns conditions that a claim which another one followed does not meet."""
    return (
        outbox.c.id == answer.id,
        outbox.c.token == answer.token,
        outbox.c.attempts == answer.attempt,
        outbox.c.status == "sending",
    )


def _fail(
    connection: Connection, row: Any, code: str, *, now: float, is_refusal: bool
) -> str:
    """Does what an error code asks for; returns the row's new status."""
    rule = rule_of(code)
    action = rule.action
    shows_options = is_session_template(row.template)
    is_content = action is Action.PLAIN_TEXT or (
        is_refusal and action is Action.GIVE_UP
    )
    if rule.alerts or (shows_options and is_content):
        raise_alert(connection, code, now=now, detail=row.template or "")
    if action is Action.OPT_OUT:
        _change_conversation(connection, row, opted_out_at=now)
    may_repeat = row.repeats < MOST_REPEATS
    if action is Action.CLOSE_WINDOW and may_repeat and not _is_approved(row.template):
        # of the moment it left: the person may have written since
        _change_conversation(connection, row, window_closed_at=row.started_at or now)
        return _begin_anew(connection, row, code, now=now)
    if action is Action.SLOW_DOWN and may_repeat:
        at = now + _SLOW_DOWN_S * 2.0**row.repeats
        _slow_down(connection, row, until=at)
        return _begin_anew(connection, row, code, now=now, next_at=at)
    if shows_options and is_content:
        return _begin_anew(connection, row, code, now=now, template=TEXT_ONLY)
    return _give_up(connection, row, code, action, now=now)


def _begin_anew(
    connection: Connection, row: Any, code: str, *, now: float, **values: Any
) -> str:
    values = {"next_at": now, **values}
    _update(
        connection,
        row,
        status="new",
        token=uuid.uuid4().hex,
        provider_sid=None,
        error_code=code[:_LONGEST_CODE],
        repeats=row.repeats + 1,
        status_at=now,
        **values,
    )
    return "new"


def _give_up(
    connection: Connection, row: Any, code: str, action: Action, *, now: float
) -> str:
    code = code[:_LONGEST_CODE] or row.error_code
    _update(connection, row, status="failed", error_code=code, status_at=now)
    if action is Action.CALL:
        _hand_over(connection, row, NOT_ON_WHATSAPP, now=now)
    elif row.purpose != REMINDER:
        closed = action is Action.CLOSE_WINDOW or row.template == REOPEN
        reason = WINDOW_CLOSED if closed else UNANSWERED
        _hand_over(connection, row, reason, now=now)
    return "failed"


def _hand_over(connection: Connection, row: Any, reason: str, *, now: float) -> None:
    """Asks a person of the office to see to a client; lawyers see it themselves."""
    profile = sa.select(inbox.c.profile).where(inbox.c.id == row.inbox_id)
    if connection.execute(profile).scalar() == Profile.LAWYER.value:
        return
    origin = Origin(row.conversation_id, row.inbox_id, row.ordinal)
    effects.apply(connection, Handoff(reason), origin, now=now)


def strand_unfinished(connection: Connection, *, started_before: float) -> int:
    """Marks sends that a dead process left open `unknown`; returns how many.

    Whether the provider took them is not known, so they are never sent again
    blindly.
    """
    changed = connection.execute(
        sa.update(outbox)
        .where(*_is_stranded(started_before))
        .values(status="unknown", error_code="interrupted", next_at=0)
    )
    return int(changed.rowcount)


def has_stranded(connection: Connection, *, started_before: float) -> bool:
    """Says whether a send has been under way for longer than one can be."""
    query = sa.select(outbox.c.id).where(*_is_stranded(started_before)).limit(1)
    return connection.execute(query).first() is not None


def _is_stranded(started_before: float) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        has_status(outbox, *OUTBOX_OPEN),
        outbox.c.status == "sending",
        outbox.c.started_at < started_before,
    )


def uncertain(
    connection: Connection, *, now: float, most: int
) -> list[UncertainAnswer]:
    """Returns messages whose fate is to be looked up now, oldest first."""
    query = (
        sa.select(outbox)
        .where(
            has_status(outbox, *OUTBOX_OPEN),
            outbox.c.status == "unknown",
            outbox.c.next_at <= now,
        )
        .order_by(outbox.c.started_at, outbox.c.id)
        .limit(most)
    )
    return [_uncertain(connection, row) for row in connection.execute(query).all()]


def _uncertain(connection: Connection, row: Any) -> UncertainAnswer:
    talk = connection.execute(
        sa.select(conversation).where(conversation.c.id == row.conversation_id)
    ).one()
    content = None
    if is_session_template(row.template):
        content = for_choices(row.body, row.buttons or (), {row.template})
    elif row.template:
        content = Content(row.template, row.template_variables or {})
    answer = _claimed(connection, row, talk, content, attempt=row.attempts)
    return UncertainAnswer(answer, row.started_at or row.created_at)


def used_sids(connection: Connection, sids: list[str]) -> set[str]:
    """Returns which of the provider's ids already belong to a message."""
    query = sa.select(outbox.c.provider_sid).where(outbox.c.provider_sid.in_(sids))
    return set(connection.execute(query).scalars())


def mark_found(
    connection: Connection, answer: ClaimedAnswer, *, provider_sid: str, now: float
) -> bool:
    """The provider's list shows an uncertain message; False if that is settled."""
    row = _locked(connection, *_is_uncertain(answer))
    if row is None or _own_sid(connection, row, provider_sid) is None:
        return False
    _take_as_sent(connection, row, provider_sid, now=now)
    return True


def mark_missing(connection: Connection, answer: ClaimedAnswer, *, now: float) -> str:
    """The provider's list does not show it: sends it again, five times at most.

    The token stays: a callback that still comes proves that the first copy was taken.

    Returns:
        `new`, `failed` where it was sent often enough, or "" if that is settled.
    """
    row = _locked(connection, *_is_uncertain(answer))
    if row is None:
        return ""
    if row.repeats >= MOST_REPEATS:
        return _give_up(connection, row, "", Action.GIVE_UP, now=now)
    _update(connection, row, status="new", next_at=now, repeats=row.repeats + 1)
    return "new"


def check_later(connection: Connection, answer: ClaimedAnswer, *, at: float) -> None:
    """Looks for an uncertain message again, from `at` on."""
    mine = sa.update(outbox).where(*_is_uncertain(answer))
    connection.execute(mine.values(next_at=at))


def tell_office(connection: Connection, answer: ClaimedAnswer, *, now: float) -> None:
    """Asks a person to see to a client whose answer stays uncertain for long."""
    row = _locked(connection, *_is_uncertain(answer))
    if row is not None and row.purpose != REMINDER:
        _hand_over(connection, row, UNANSWERED, now=now)


def _is_uncertain(answer: ClaimedAnswer) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        outbox.c.id == answer.id,
        outbox.c.token == answer.token,
        outbox.c.attempts == answer.attempt,
        outbox.c.status == "unknown",
    )


def follow(
    connection: Connection,
    *,
    token: str,
    provider_sid: str,
    status: str,
    error_code: str,
    now: float,
) -> bool:
    """Moves a row forward by a status callback; False if nothing changed.

    Where the message failed, the error code decides what comes next. Of a message
    that left twice either copy's arrival counts, and only the known copy's failure.

    Args:
        connection: inside a writing transaction.
        token: the row's own token, or "" to find it by the provider's id.
        provider_sid: the provider's message id.
        status: the provider's word, as `delivered`; unknown words are ignored.
        error_code: the provider's error code, or "".
        now: UTC seconds.
    """
    new_status = _PROVIDER_STATUS.get(status)
    found = outbox.c.token == token if token else outbox.c.provider_sid == provider_sid
    row = _locked(connection, found)
    if row is None or new_status is None or row.status not in _RANK:
        return False
    if _RANK[new_status] <= _RANK[row.status]:
        return False
    is_other = row.provider_sid is not None and row.provider_sid != provider_sid
    if new_status == "failed" and is_other:
        return False
    sid = row.provider_sid or _own_sid(connection, row, provider_sid)
    _update(connection, row, provider_sid=sid)
    if new_status == "failed":
        _fail(connection, row, error_code, now=now, is_refusal=False)
        return True
    code = error_code[:_LONGEST_CODE] or None
    _update(connection, row, status=new_status, error_code=code, status_at=now)
    return True


def _locked(connection: Connection, *found: sa.ColumnElement[bool]) -> Any:
    """Returns a row held until the commit: of two news at once, the later must win."""
    return connection.execute(sa.select(outbox).where(*found).with_for_update()).first()


def _update(connection: Connection, row: Any, **values: Any) -> None:
    connection.execute(sa.update(outbox).where(outbox.c.id == row.id).values(**values))


def _take_as_sent(
    connection: Connection, row: Any, provider_sid: str | None, *, now: float
) -> None:
    _update(
        connection,
        row,
        status="sent",
        provider_sid=provider_sid,
        error_code=None,
        status_at=now,
    )


def _change_conversation(connection: Connection, row: Any, **values: Any) -> None:
    mine = sa.update(conversation).where(conversation.c.id == row.conversation_id)
    connection.execute(mine.values(**values))


def _slow_down(connection: Connection, row: Any, *, until: float) -> None:
    """Lets a conversation's next message wait at least until then."""
    if row is None:
        return
    connection.execute(
        sa.update(conversation)
        .where(
            conversation.c.id == row.conversation_id, conversation.c.send_after < until
        )
        .values(send_after=until)
    )


def _own_sid(connection: Connection, row: Any, provider_sid: str) -> str | None:
    """Returns the provider's id, or None where it is empty or another row's."""
    if not provider_sid:
        return None
    query = sa.select(outbox.c.id).where(
        outbox.c.provider_sid == provider_sid, outbox.c.id != row.id
    )
    return None if connection.execute(query).first() else provider_sid

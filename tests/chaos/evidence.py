"""Reads what the judge compares out of the database and the fake Twilio."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from bot.store.database import reading
from bot.store.schema import events, inbox, media, outbox
from tests.chaos.judge import (
    FINISHED,
    AcceptedSend,
    Call,
    Evidence,
    InboxRow,
    OutboxRow,
    Written,
)

_OPEN_ANSWERS = ("new", "sending", "unknown", "waiting")


@dataclass(frozen=True)
class State:
    """How far the database is."""

    stored: int
    finished: int
    in_turn: int
    open_answers: int
    in_send: int
    open_media: int


def read_state(engine: Engine) -> State:
    """Counts messages and answers."""
    with reading(engine) as connection:
        messages = _by_status(connection, inbox)
        answers = _by_status(connection, outbox)
        files = _by_status(connection, media)
    return State(
        stored=sum(messages.values()),
        finished=sum(messages[each] for each in FINISHED),
        in_turn=messages["leased"],
        open_answers=sum(answers[each] for each in _OPEN_ANSWERS),
        in_send=answers["sending"],
        open_media=files["pendente"],
    )


def is_in_turn(engine: Engine) -> bool:
    """Says whether a message is being answered, or was when its worker died."""
    return read_state(engine).in_turn > 0


def is_in_send(engine: Engine) -> bool:
    """Says whether an answer is being sent, or was when its sender died."""
    return read_state(engine).in_send > 0


def _by_status(connection: Connection, table: sa.Table) -> Counter[str]:
    query = sa.select(table.c.status, sa.func.count()).group_by(table.c.status)
    return Counter({row[0]: row[1] for row in connection.execute(query)})


def count_recovered(engine: Engine) -> int:
    """Counts messages that came by the provider's list, not by the webhook."""
    query = sa.select(sa.func.count()).where(inbox.c.sent_at.isnot(None))
    with reading(engine) as connection:
        return int(connection.execute(query).scalar_one())


def count_media(engine: Engine) -> dict[str, int]:
    """Counts attachments by what became of them."""
    with reading(engine) as connection:
        return dict(_by_status(connection, media))


def read_evidence(
    engine: Engine, record: dict[str, Any], *, forged_sids: frozenset[str]
) -> Evidence:
    """Returns the accounts of a run.

    Args:
        engine: the product's database.
        record: the fake Twilio's.
        forged_sids: messages that were none of Twilio's.
    """
    with reading(engine) as connection:
        understood = _understood(connection)
        files = _files(connection)
        messages = connection.execute(sa.select(inbox).order_by(inbox.c.id)).all()
        answers = connection.execute(sa.select(outbox).order_by(outbox.c.id)).all()
    return Evidence(
        written=[
            Written(each["sid"], each["from"], each["num_media"])
            for each in record["received"]
        ],
        inbox=[
            InboxRow(
                row.id, row.message_sid, row.status, row.merged_into,
                understood[str(row.id)], tuple(files[row.id]),
            )
            for row in messages
        ],
        outbox=[
            OutboxRow(row.inbox_id, row.ordinal, row.token, row.status, row.purpose)
            for row in answers
        ],
        accepted=[AcceptedSend(each["token"], each["to"]) for each in record["sent"]],
        calls=[Call(each["token"], each["fault"]) for each in record["calls"]],
        forged_sids=forged_sids,
        forged_with_2xx=sum(
            outcome.startswith("2") for made in record["forged"] for outcome in made
        ),
    )  # fmt: skip


def _files(connection: Connection) -> dict[int, list[str]]:
    """Returns what became of each message's attachments."""
    found: dict[int, list[str]] = defaultdict(list)
    query = sa.select(media.c.inbox_id, media.c.status).order_by(media.c.ordinal)
    for row in connection.execute(query):
        found[row.inbox_id].append(row.status)
    return found


def _understood(connection: Connection) -> Counter[str]:
    """Counts Rasa's user events by the message that they came from."""
    query = sa.select(events.c.data).where(events.c.type_name == "user")
    found = (json.loads(row.data) for row in connection.execute(query))
    return Counter(str(each.get("message_id")) for each in found)

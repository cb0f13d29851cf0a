"""Says what was lost, doubled, swapped or let in, from what is on record.

It compares three accounts of one run that know nothing of each other: what people
wrote, what the database holds, and what the provider accepted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

KEPT = "guardado"
FINISHED = frozenset({"done", "dead"})
ANSWER = "resposta"
_NOT_TAKEN = frozenset({"too_many", "refuse"})


@dataclass(frozen=True)
class Written:
    """A message that somebody wrote."""

    sid: str
    address: str
    media: int = 0
    """How many files came along."""


@dataclass(frozen=True)
class InboxRow:
    """A message as the database holds it."""

    id: int
    sid: str
    status: str
    merged_into: int | None = None
    """The message whose turn answered this one too."""
    times_understood: int = 0
    """User events of it in Rasa's history."""
    media: tuple[str, ...] = ()
    """What became of each file."""


@dataclass(frozen=True)
class OutboxRow:
    """An answer as the database holds it."""

    inbox_id: int
    ordinal: int
    token: str
    status: str
    purpose: str = ANSWER


@dataclass(frozen=True)
class AcceptedSend:
    """A message that the provider took, in the order in which it did."""

    token: str
    address: str


@dataclass(frozen=True)
class Call:
    """One attempt at sending, as the provider saw it."""

    token: str
    fault: str = ""


@dataclass(frozen=True)
class Evidence:
    """All that is known of a run."""

    written: Sequence[Written]
    inbox: Sequence[InboxRow]
    outbox: Sequence[OutboxRow]
    accepted: Sequence[AcceptedSend]
    calls: Sequence[Call] = ()
    forged_sids: frozenset[str] = frozenset()
    forged_with_2xx: int = 0


@dataclass
class Verdict:
    """One line for each thing that went wrong; all empty is a pass."""

    lost: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    forged_accepted: list[str] = field(default_factory=list)
    resent_after_grace: int = 0
    """Sends repeated although the first might have been taken; no fault as such."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing went wrong."""
        return not any(self.counts.values())

    @property
    def counts(self) -> dict[str, int]:
        """How much of each."""
        return {name: len(lines) for name, lines in self.lines().items()}

    def lines(self) -> dict[str, list[str]]:
        """What went wrong, by its name."""
        return {
            "lost": self.lost,
            "duplicates": self.duplicates,
            "out_of_order": self.out_of_order,
            "forged_accepted": self.forged_accepted,
        }


def judge(evidence: Evidence) -> Verdict:
    """Compares the accounts of a run."""
    return Verdict(
        lost=list(_lost(evidence)),
        duplicates=list(_duplicates(evidence)),
        out_of_order=list(_out_of_order(evidence)),
        forged_accepted=list(_forged(evidence)),
        resent_after_grace=_resent(evidence),
    )


def _lost(evidence: Evidence) -> Iterator[str]:
    """Yields messages without a finished turn, and answers that never left."""
    rows = {row.sid: row for row in evidence.inbox}
    answers = defaultdict(list)
    for answer in evidence.outbox:
        answers[answer.inbox_id].append(answer)
    reached = {(send.token, send.address) for send in evidence.accepted}
    for message in evidence.written:
        row = rows.get(message.sid)
        if row is None:
            yield f"{message.sid} never reached the inbox"
        elif row.status not in FINISHED:
            yield f"{message.sid} inbox {row.id} is {row.status}"
        elif not answers[row.merged_into or row.id]:
            yield f"{message.sid} inbox {row.id} is {row.status} without an answer"
        else:
            if row.media != (KEPT,) * message.media:
                yield f"{message.sid} inbox {row.id} has files {row.media}"
            for answer in answers[row.id]:
                if (answer.token, message.address) not in reached:
                    yield (
                        f"{message.sid} inbox {row.id} answer {answer.ordinal} is "
                        f"{answer.status} and did not reach {message.address}"
                    )


def _duplicates(evidence: Evidence) -> Iterator[str]:
    """Yields what was stored, understood, answered or sent more than once."""
    for sid, count in _repeated(row.sid for row in evidence.inbox):
        yield f"{sid} is {count} times in the inbox"
    for row in evidence.inbox:
        if row.times_understood > 1:
            yield f"{row.sid} inbox {row.id} understood {row.times_understood} times"
    places = ((row.inbox_id, row.ordinal) for row in evidence.outbox)
    for place, count in _repeated(places):
        yield f"inbox {place[0]} has {count} answers {place[1]}"
    for token, count in _repeated(send.token for send in evidence.accepted):
        yield f"answer {token} was accepted {count} times"
    known = {row.token for row in evidence.outbox}
    for send in evidence.accepted:
        if send.token not in known:
            yield f"answer {send.token!r} was accepted and is in no outbox"


def _out_of_order(evidence: Evidence) -> Iterator[str]:
    """Yields answers that left before one to an earlier message of that person."""
    places = {
        row.token: (row.inbox_id, row.ordinal)
        for row in evidence.outbox
        if row.purpose == ANSWER
    }
    latest: dict[str, tuple[int, int]] = {}
    seen = set()
    for send in evidence.accepted:
        place = places.get(send.token)
        if place is None or send.token in seen:
            continue
        seen.add(send.token)
        before = latest.get(send.address, place)
        if place < before:
            yield f"inbox {place[0]} answer {place[1]} left after {before}"
        latest[send.address] = max(place, before)


def _forged(evidence: Evidence) -> Iterator[str]:
    """Yields forged messages that were stored, or answered as if they had been."""
    for row in evidence.inbox:
        if row.sid in evidence.forged_sids:
            yield f"{row.sid} inbox {row.id} was forged"
    if evidence.forged_with_2xx:
        yield f"{evidence.forged_with_2xx} forged webhooks got a 2xx"


def _resent(evidence: Evidence) -> int:
    """Counts calls that follow one whose outcome the caller could not know."""
    doubtful: set[str] = set()
    count = 0
    for call in evidence.calls:
        count += call.token in doubtful
        if call.fault in _NOT_TAKEN:
            doubtful.discard(call.token)
        else:
            doubtful.add(call.token)
    return count


def _repeated(values: Iterator[object]) -> Iterator[tuple[object, int]]:
    return ((value, count) for value, count in Counter(values).items() if count > 1)

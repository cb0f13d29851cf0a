"""What the simulator remembers: who writes, and what was said, by session.

Kept in memory only and bounded: a restart of the panel clears the screen, not
the conversation, which the edge stores.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy.engine import Engine

from bot.core.errors import InvalidPhone
from bot.core.names import Profile
from bot.core.phones import address_of, parse_phone
from bot.store import people
from bot.store.database import reading, writing
from bot.store.people import Person
from panel.edge_client import Answer

_T = TypeVar("_T")

_SESSIONS_KEPT = 100
_CONVERSATIONS_KEPT = 20
_EXCHANGES_KEPT = 50

TEST_PEOPLE = {
    Profile.CLIENT: Person("+5510900000001", "Cliente de teste", Profile.CLIENT),
    Profile.LAWYER: Person("+5510900000002", "Advogada de teste", Profile.LAWYER),
}
"""Nobody can own these: there is no area code 10 in Brazil."""


@dataclass(frozen=True)
class Exchange:
    """A message and what was answered to it."""

    said: str
    """"" where it was a voice note; `answer.voice` has what was heard of it."""
    said_at: float
    """Seconds since 1970."""
    answer: Answer
    answered_at: float


def _new_unknown_number() -> str:
    return f"+55109{secrets.randbelow(10**8):08d}"


@dataclass
class Seat:
    """One session in front of the simulator."""

    phones: dict[Profile, str] = field(
        default_factory=lambda: {
            Profile.CLIENT: TEST_PEOPLE[Profile.CLIENT].phone,
            Profile.LAWYER: TEST_PEOPLE[Profile.LAWYER].phone,
            Profile.UNKNOWN: _new_unknown_number(),
        }
    )
    """The number that each kind of person writes from; the field edits it."""
    names: dict[Profile, str] = field(default_factory=dict)
    drafts: dict[Profile, str] = field(default_factory=dict)
    """Words that stood in the box while a voice note was sent."""
    _conversations: OrderedDict[str, deque[Exchange]] = field(
        default_factory=OrderedDict
    )

    def conversation(self, phone: str) -> tuple[Exchange, ...]:
        """Returns what was said from a number, oldest first."""
        return tuple(self._conversations.get(canonical(phone), ()))

    def add(self, phone: str, exchange: Exchange) -> None:
        """Remembers an exchange; the oldest conversations make room."""
        said = _recent(
            self._conversations,
            canonical(phone),
            make=lambda: deque(maxlen=_EXCHANGES_KEPT),
            limit=_CONVERSATIONS_KEPT,
        )
        said.append(exchange)


class Simulator:
    """The seats of all sessions, and the directory that they look into."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._seats: OrderedDict[str, Seat] = OrderedDict()

    def seat(self, session: str) -> Seat:
        """Returns the seat of a session, a new one where it has none."""
        return _recent(self._seats, session, make=Seat, limit=_SESSIONS_KEPT)

    def leave(self, session: str) -> None:
        """Forgets everything that a session simulated."""
        self._seats.pop(session, None)

    def known_person(self, phone: str) -> Person | None:
        """Returns who the directory says has a number; blocks."""
        address = address_of(canonical(phone))
        with reading(self._engine) as connection:
            return people.find_by_address(connection, address)

    def register_test_person(self, phone: str, *, now: float) -> None:
        """Puts a test number into the directory, once; others are left alone."""
        found = [p for p in TEST_PEOPLE.values() if p.phone == canonical(phone)]
        if not found or self.known_person(phone):
            return
        with writing(self._engine) as connection:
            people.save(connection, found[0], now=now)


def canonical(phone: str) -> str:
    """Returns the E.164 form of a number, or the text itself where it is none."""
    try:
        return parse_phone(phone)
    except InvalidPhone:
        return phone.strip()


def _recent(
    kept: OrderedDict[str, _T], key: str, *, make: Callable[[], _T], limit: int
) -> _T:
    if key not in kept:
        kept[key] = make()
    kept.move_to_end(key)
    while len(kept) > limit:
        kept.popitem(last=False)
    return kept[key]

"""The directory of people: who is a lawyer, who is a client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.core.names import Profile
from bot.core.phones import phone_of, same_person_numbers
from bot.core.texts import name_words
from bot.store.schema import person


@dataclass(frozen=True)
class Person:
    """Somebody whom the office registered."""

    phone: str
    """E.164."""
    name: str
    profile: Profile


def find_by_address(connection: Connection, address: str) -> Person | None:
    """Returns who has a WhatsApp address, or None.

    The Brazilian ninth digit is tolerated: a person registered with it is found
    by an address without it, and the other way round; the exact number wins.
    """
    phone = phone_of(address)
    if phone is None:
        return None
    numbers = same_person_numbers(phone)
    rows = connection.execute(sa.select(person).where(person.c.phone.in_(numbers)))
    found = {row.phone: row for row in rows}
    for number in numbers:
        if number in found:
            return _person(found[number])
    return None


def find_by_name(connection: Connection, name: str) -> list[Person]:
    """Returns the people whose name may be meant by `name`, without accents or case."""
    rows = connection.execute(sa.select(person).order_by(person.c.name))
    return [_person(row) for row in rows if closeness(row.name, name)]


def closeness(name: str, wanted: str) -> int:
    """Says how well a name fits what somebody wrote; 0 where it does not.

    3 the same words, 2 some of its words in order, 1 a part of it. Accents, case
    and particles do not count: databases know neither `Ângela` = `angela` nor that
    "João Silva" may be João da Silva.
    """
    words, asked = name_words(name), name_words(wanted)
    if not asked:
        return 0
    if words == asked:
        return 3
    rest = iter(words)
    if all(word in rest for word in asked):
        return 2
    return int(" ".join(asked) in " ".join(words))


def save(connection: Connection, registered: Person, *, now: float) -> bool:
    """Registers somebody or changes name and profile; True if new.

    A number that differs only by the ninth digit is the same person.
    """
    numbers = same_person_numbers(registered.phone)
    values = {
        "name": registered.name,
        "profile": registered.profile.value,
        "updated_at": now,
    }
    changed = connection.execute(
        sa.update(person).where(person.c.phone.in_(numbers)).values(**values)
    )
    if changed.rowcount:
        return False
    row = {**values, "phone": registered.phone, "created_at": now}
    connection.execute(sa.insert(person).values(**row))
    return True


def _person(row: Any) -> Person:
    return Person(phone=row.phone, name=row.name, profile=Profile(row.profile))

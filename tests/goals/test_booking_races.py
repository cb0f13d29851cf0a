"""A thousand races of 2 to 50 people for one hour: one wins, and there is one event.

Everybody does what a turn does: holds the hour while they decide, and books with the
turn. Some hours are taken by a person at Google, in the calendar that all lawyers
share: those nobody keeps.
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from bot.store import appointments, effects
from bot.store.appointments import Facts
from bot.store.database import writing
from bot.store.effects import AppointmentChange, Origin
from tests.contract.google_desk import ANA
from tests.unit.desk import CLARA, HELENA, RAFAEL, at
from tests.unit.google_office import GoogleOffice

RACES = 1000
MOST = 50
FOREIGN_EVERY = 48
LAWYERS = (HELENA, RAFAEL, CLARA)


def slot_of(race: int) -> tuple[str, datetime]:
    """Returns an hour of one lawyer that no other race is about."""
    hour, lawyer = divmod(race, len(LAWYERS))
    return LAWYERS[lawyer], at(24, 0) + timedelta(hours=hour)


def tries(office: GoogleOffice, person: tuple[str, int], race: int) -> int | None:
    """Holds and books as two turns do; returns the appointment, or None."""
    conversation_id, inbox_id = person
    lawyer, start = slot_of(race)
    with writing(office.desk.engine) as connection:
        held = appointments.hold(
            connection,
            conversation_id=conversation_id,
            lawyer=lawyer,
            starts_at=start.timestamp(),
            ends_at=start.timestamp() + 3600,
            now=office.now,
            facts=Facts(modality="presencial", person_name="Maria Souza"),
        )
    if held is None:
        return None
    with writing(office.desk.engine) as connection:
        effects.apply(
            connection,
            AppointmentChange("marcar", held),
            Origin(conversation_id, inbox_id, race),
            now=office.now,
        )
    return held


@pytest.fixture
def crowd(office) -> list[tuple[str, int]]:
    phones = [f"+55119876{number:05d}" for number in range(MOST)]
    return [
        (office.desk.writes(phone, "quero marcar"), number)
        for number, phone in enumerate(phones, start=1)
    ]


async def test_one_hour_is_for_one_person(office, crowd):
    office.connect()
    rng = random.Random(1)
    foreign = set(range(0, RACES, FOREIGN_EVERY))
    taken = {slot_of(race)[1] for race in foreign}
    winners = []
    with ThreadPoolExecutor(8) as people:
        for race in range(RACES):
            racing = rng.sample(crowd, rng.randint(2, MOST))
            if race in foreign:
                put_foreign(office, race)
            found = people.map(lambda who, race=race: tries(office, who, race), racing)
            winners.append([each for each in found if each is not None])

    assert [len(each) for each in winners] == [1] * RACES
    await office.works()

    kept = office.desk.calendar("marcada")
    lost = [race for race in range(RACES) if slot_of(race)[1] in taken]
    assert len(kept) == RACES - len(lost)
    assert len(lost) == len(LAWYERS) * len(foreign)
    ours = [each for each in office.events() if each["summary"] != "Audiência"]
    assert len(ours) == len(kept)
    assert {each["id"] for each in ours} == {each.event_key for each in kept}


def put_foreign(office: GoogleOffice, race: int) -> None:
    _, start = slot_of(race)
    office.google.calendar.put(
        ANA,
        summary="Audiência",
        start={"dateTime": start.isoformat()},
        end={"dateTime": (start + timedelta(hours=1)).isoformat()},
    )

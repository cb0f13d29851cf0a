"""Wherever the action server ends, work outside is done, and once.

It is ended at each statement of the database and at each call of Google, before it is
carried out and after: then the next worker goes on.
"""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

from actions.jobs import LEASE_S
from bot.store import jobs
from bot.store.effects import Task
from tests.contract.google_desk import MARIA
from tests.fakes.fake_google import Fault
from tests.goals.crash import CrashPoints
from tests.unit.desk import at
from tests.unit.google_office import GoogleOffice
from tests.unit.test_calendar_work import Client, span_of

MOST_POINTS = 200


class Killed(BaseException):
    """The end of a process, as far as one can be had inside another."""


def _kill() -> None:
    raise Killed


class Story:
    """What is asked for, and how the world must look in the end."""

    def __init__(self, office: GoogleOffice, person: int) -> None:
        self.office = office
        self.person = Client(office, f"+55119876{person:05d}")
        self.hour = at(24, 0) + timedelta(hours=2 * person)

    async def before(self) -> None:
        """Prepares what stands there already."""

    def asks(self) -> None:
        raise NotImplementedError

    def check(self) -> None:
        raise NotImplementedError

    def own_events(self) -> list[dict[str, Any]]:
        keys = {
            each.event_key
            for each in self.office.desk.calendar()
            if each.conversation_id == self.person.talk_id
        }
        return [each for each in self.office.events() if each["id"] in keys]


class Booking(Story):
    def asks(self) -> None:
        self.mails = len(self.office.google.mails)
        self.person.books(self.hour, modality="online", email=MARIA)

    def check(self) -> None:
        [event] = self.own_events()
        assert event["status"] == "confirmed"
        [said] = self.office.said(self.person.talk_id)
        assert "meet.google.com" in said
        assert len(self.office.google.mails) == self.mails + 1


class Moving(Story):
    async def before(self) -> None:
        self.booked = self.person.books(self.hour)
        await self.office.works_off()

    def asks(self) -> None:
        self.person.moves(self.booked, self.hour.replace(minute=30))

    def check(self) -> None:
        [event] = self.own_events()
        assert span_of(event)[0][14:16] == "30"


class Cancelling(Moving):
    def asks(self) -> None:
        self.person.cancels(self.booked)

    def check(self) -> None:
        assert self.own_events() == []


class NewCase(Story):
    def asks(self) -> None:
        self.office.desk.writes(self.person.phone, "sim")
        row = {"Nome": f"Pessoa {self.person.phone[-3:]}"}
        self.office.desk.leaves(self.person.talk_id, Task("contato", row))

    def check(self) -> None:
        name = f"Pessoa {self.person.phone[-3:]}"
        found = [
            row
            for file in self.office.google.drive.live()
            for row in self.office.rows(file.id)
            if name in row
        ]
        assert len(found) == 1


STORIES = [Booking, Moving, Cancelling, NewCase]


async def _ends(office: GoogleOffice) -> bool:
    """Lets a worker end; says whether it did."""
    try:
        while await office.worker.work_once():
            pass
    except Killed:
        office.now += LEASE_S + 1
        office.worker = office.another_worker()
        return True
    return False


@pytest.mark.parametrize("story", STORIES)
async def test_killed_at_any_statement(office, story):
    office.connect()
    points = CrashPoints(office.desk.engine, _kill)
    for point in itertools.count(1):
        told = story(office, point)
        await told.before()
        told.asks()

        with points.at(point):
            was_killed = await _ends(office)
        await office.works_off()

        told.check()
        assert office.waiting_jobs() == []
        assert jobs.FAILED not in {each.status for each in office.jobs()}
        if not was_killed:
            break
        assert point < MOST_POINTS
    assert point > 5


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("kind", ["close", "close_after"])
async def test_killed_around_any_call(office, story, kind):
    office.connect()
    for call in itertools.count():
        told = story(office, call + 1)
        await told.before()
        told.asks()
        office.google.plan.clear()
        office.google.plan.made.clear()
        office.google.fail_next(
            Fault(kind, at="calendar.*", after=call),
            Fault(kind, at="drive.*", after=call),
            Fault(kind, at="sheets.*", after=call),
        )

        await office.works_off()

        told.check()
        if not office.google.plan.made:
            break
        assert call < MOST_POINTS
    assert call >= 1

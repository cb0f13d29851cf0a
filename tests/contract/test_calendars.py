"""Calendars: one specification for whoever keeps them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from actions.gateways.drafts import joined
from actions.gateways.google_calendar import GoogleCalendar
from actions.gateways.local_calendar import LocalCalendar
from bot.core.ports import Calendar, Event, EventDraft, GatewayError, Trouble
from tests.contract.google_authority import calls_of
from tests.contract.google_desk import ANA, SAO_PAULO
from tests.contract.ics_desk import IcsPerson
from tests.fakes.fake_google import FakeGoogle, running

ZONE = ZoneInfo(SAO_PAULO)
ID, OTHER_ID = "a" * 32, "0123456789abcdef" * 2
GUEST = "rui.lima@exemplo.com"


def at(hour: int, minute: int = 0, *, day: int = 24) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


def draft(hour: int = 15, **more) -> EventDraft:
    given = {"title": "Consulta: Ana Prado", "description": "Divórcio", **more}
    return EventDraft(starts_at=at(hour), ends_at=at(hour + 1), **given)


class Person:
    """Whoever opens the calendar beside the assistant."""

    def add(self, title: str, begins: datetime, ends: datetime, **more) -> str:
        """Enters an event; `transparent`, `weekly` (how often). Returns its id."""
        raise NotImplementedError

    def add_day(self, title: str, first: str, last: str) -> None:
        """Enters an event of whole days, as `2026-11-24`, the last one exclusive."""
        raise NotImplementedError

    def edit(self, event_id: str, **fields: str) -> None:
        """Changes `title`, `description`, `location` of an event."""
        raise NotImplementedError

    def move(self, event_id: str, begins: datetime, ends: datetime) -> None:
        """Puts an event at another time."""
        raise NotImplementedError

    def cancel(self, event_id: str) -> None:
        """Cancels an event, which stays as cancelled."""
        raise NotImplementedError

    def texts(self, event_id: str) -> tuple[str, str, str]:
        """Returns title, description and location of an event."""
        raise NotImplementedError


class CalendarContract:
    """What the assistant relies on."""

    NAME = ANA

    @pytest.fixture
    def calendar(self) -> Calendar:
        raise NotImplementedError

    @pytest.fixture
    def person(self, calendar) -> Person:
        raise NotImplementedError

    async def day(self, calendar, day: int = 24) -> list[Event]:
        found = await calendar.between(self.NAME, at(0, day=day), at(0, day=day + 1))
        assert all(each.starts_at.tzinfo for each in found)
        return found

    async def test_event_comes_back_as_it_was_put(self, calendar):
        made = await calendar.put(self.NAME, ID, draft())

        [found] = await self.day(calendar)
        assert found == made
        assert (found.id, found.title) == (ID, "Consulta: Ana Prado")
        assert (found.starts_at, found.ends_at) == (at(15), at(16))
        assert found.is_ours
        assert found.is_busy
        assert not found.is_all_day
        assert found.link
        assert found.meeting_link == ""

    async def test_times_come_in_the_offices_zone(self, calendar):
        begins = at(15).astimezone(UTC)
        asked = EventDraft("Consulta", begins, begins + timedelta(hours=1))

        made = await calendar.put(self.NAME, ID, asked)

        [found] = await self.day(calendar)
        [(taken, _)] = await calendar.busy(self.NAME, at(0), at(23))
        expected = at(15).isoformat()
        shown = [each.isoformat() for each in (made.starts_at, found.starts_at, taken)]
        assert shown == [expected] * 3

    async def test_same_again_changes_nothing(self, calendar):
        first = await calendar.put(self.NAME, ID, draft(guests=(GUEST,)))
        again = await calendar.put(self.NAME, ID, draft(guests=(GUEST,)))

        assert again == first
        assert len(await self.day(calendar)) == 1

    async def test_two_ids_are_two_events(self, calendar):
        await calendar.put(self.NAME, ID, draft(17))
        await calendar.put(self.NAME, OTHER_ID, draft(9))

        assert [each.id for each in await self.day(calendar)] == [OTHER_ID, ID]

    async def test_draft_that_changed_changes_the_event(self, calendar, person):
        await calendar.put(self.NAME, ID, draft())

        changed = draft(17, title="Retorno", description="2ª vez", location="Sala 2")
        await calendar.put(self.NAME, ID, changed)

        [found] = await self.day(calendar)
        assert (found.starts_at, found.ends_at) == (at(17), at(18))
        assert person.texts(ID) == ("Retorno", "2ª vez", "Sala 2")

    async def test_event_may_become_longer_and_shorter(self, calendar):
        await calendar.put(self.NAME, ID, draft())
        for minutes in (90, 30):
            ends = at(15) + timedelta(minutes=minutes)
            await calendar.put(self.NAME, ID, replace(draft(), ends_at=ends))

            [found] = await self.day(calendar)
            assert (found.starts_at, found.ends_at) == (at(15), ends)

    async def test_what_a_person_wrote_stays_when_it_is_put_again(
        self, calendar, person
    ):
        await calendar.put(self.NAME, ID, draft(location="Sala 1"))
        mine = ("Ana (trazer RG)", "ligar antes", "Sala 3")
        person.edit(ID, title=mine[0], description=mine[1], location=mine[2])

        await calendar.put(self.NAME, ID, draft(location="Sala 1"))
        assert person.texts(ID) == mine
        await calendar.put(self.NAME, ID, draft(17, location="Sala 1"))

        assert person.texts(ID) == mine
        [found] = await self.day(calendar)
        assert found.starts_at == at(17)

    @pytest.mark.parametrize(
        ("field", "place"), [("title", 0), ("description", 1), ("location", 2)]
    )
    async def test_text_that_the_draft_changes_is_written(
        self, calendar, person, field, place
    ):
        await calendar.put(self.NAME, ID, draft(location="Sala 1"))
        mine = ["meu título", "meu texto", "meu lugar"]
        person.edit(ID, title=mine[0], description=mine[1], location=mine[2])

        await calendar.put(
            self.NAME, ID, draft(**{"location": "Sala 1", field: "novo"})
        )

        mine[place] = "novo"
        assert person.texts(ID) == tuple(mine)

    async def test_text_that_the_draft_empties_is_empty(self, calendar, person):
        await calendar.put(self.NAME, ID, draft(location="Sala 1"))

        await calendar.put(self.NAME, ID, draft(description=""))

        assert person.texts(ID) == ("Consulta: Ana Prado", "", "")

    async def test_time_that_a_person_changed_becomes_the_offices_again(
        self, calendar, person
    ):
        await calendar.put(self.NAME, ID, draft())
        person.move(ID, at(18), at(19))

        await calendar.put(self.NAME, ID, draft())

        [found] = await self.day(calendar)
        assert (found.starts_at, found.ends_at) == (at(15), at(16))

    async def test_event_that_a_person_cancelled_comes_back(self, calendar, person):
        await calendar.put(self.NAME, ID, draft())
        person.cancel(ID)
        assert await self.day(calendar) == []

        await calendar.put(self.NAME, ID, draft())

        [found] = await self.day(calendar)
        assert (found.id, found.starts_at, found.is_ours) == (ID, at(15), True)
        assert person.texts(ID) == ("Consulta: Ana Prado", "Divórcio", "")

    async def test_event_that_was_removed_is_gone_and_may_come_back(self, calendar):
        await calendar.put(self.NAME, ID, draft())
        await calendar.put(self.NAME, OTHER_ID, draft(9))

        await calendar.remove(self.NAME, ID)
        assert [each.id for each in await self.day(calendar)] == [OTHER_ID]
        await calendar.remove(self.NAME, ID)
        await calendar.put(self.NAME, ID, draft())

        assert [each.id for each in await self.day(calendar)] == [OTHER_ID, ID]

    async def test_removing_what_never_was_there_is_fine(self, calendar):
        await calendar.remove(self.NAME, ID)

        assert await self.day(calendar) == []

    async def test_calendar_without_events_is_free(self, calendar):
        assert await self.day(calendar) == []
        assert await calendar.busy(self.NAME, at(0), at(23)) == []

    async def test_range_takes_what_overlaps_it(self, calendar):
        for number, hour in enumerate((9, 11, 13, 15)):
            await calendar.put(self.NAME, f"{number:032x}", draft(hour))

        found = await calendar.between(self.NAME, at(10), at(13))
        cut = await calendar.between(self.NAME, at(11, 59), at(13, 1))

        assert [each.starts_at.hour for each in found] == [11]
        assert [each.starts_at.hour for each in cut] == [11, 13]

    @pytest.mark.parametrize("last", [at(10), at(9)])
    async def test_range_without_time_holds_nothing(self, calendar, last):
        await calendar.put(self.NAME, ID, draft(9))

        assert await calendar.between(self.NAME, at(10), last) == []
        assert await calendar.busy(self.NAME, at(10), last) == []

    async def test_persons_own_event_is_busy_and_not_ours(self, calendar, person):
        person.add("Almoço", at(12), at(13))

        [found] = await self.day(calendar)
        assert (found.title, found.starts_at) == ("Almoço", at(12))
        assert not found.is_ours
        assert found.is_busy
        assert await calendar.busy(self.NAME, at(0), at(23)) == [(at(12), at(13))]

    async def test_event_that_takes_no_time_is_not_busy(self, calendar, person):
        person.add("Aniversário", at(12), at(13), transparent=True)

        [found] = await self.day(calendar)
        assert not found.is_busy
        assert await calendar.busy(self.NAME, at(0), at(23)) == []

    async def test_whole_day_begins_at_midnight(self, calendar, person):
        person.add_day("Feriado", "2026-11-24", "2026-11-26")

        [found] = await self.day(calendar, 25)
        assert found.is_all_day
        assert (found.starts_at, found.ends_at) == (at(0), at(0, day=26))
        assert await self.day(calendar, 26) == []
        assert await calendar.busy(self.NAME, at(9), at(18)) == [(at(9), at(18))]

    async def test_event_of_every_week_is_there_each_time(self, calendar, person):
        person.add("Audiência", at(9, day=3), at(10, day=3), weekly=4)

        first, last = at(0, day=1), at(0, day=29)
        found = await calendar.between(self.NAME, first, last)
        assert [each.starts_at.day for each in found] == [3, 10, 17, 24]
        assert [b.day for b, _ in await calendar.busy(self.NAME, first, last)] == [
            3,
            10,
            17,
            24,
        ]

    async def test_busy_times_are_joined_and_cut(self, calendar, person):
        person.add("Reunião", at(14), at(16))
        person.add("Outra", at(16), at(17))
        person.add("Dentro", at(14, 30), at(15))
        person.add("Cedo", at(8), at(10))
        person.add("Tarde", at(18), at(20))

        found = await calendar.busy(self.NAME, at(9), at(19))

        assert found == [(at(9), at(10)), (at(14), at(17)), (at(18), at(19))]

    async def test_a_whole_year_may_be_asked_for(self, calendar):
        await calendar.put(self.NAME, ID, draft())
        far = replace(
            draft(),
            starts_at=datetime(2027, 8, 2, 9, tzinfo=ZONE),
            ends_at=datetime(2027, 8, 2, 10, tzinfo=ZONE),
        )
        await calendar.put(self.NAME, OTHER_ID, far)

        first = at(15, 30)
        found = await calendar.busy(self.NAME, first, first + timedelta(days=400))

        assert found == [(first, at(16)), (far.starts_at, far.ends_at)]

    async def test_stretch_longer_than_a_season_is_one(self, calendar, person):
        begins = at(0, day=2)
        ends = begins + timedelta(days=200)
        person.add("Licença", begins, ends)

        found = await calendar.busy(
            self.NAME, begins - timedelta(days=1), ends + timedelta(days=1)
        )

        assert found == [(begins, ends)]

    async def test_seconds_are_all_that_counts(self, calendar):
        asked = replace(draft(), starts_at=at(15).replace(microsecond=250_000))
        made = await calendar.put(self.NAME, ID, asked)
        again = await calendar.put(self.NAME, ID, asked)

        assert made.starts_at == again.starts_at == at(15)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"starts_at": at(15).replace(tzinfo=None)},
            {"ends_at": at(16).replace(tzinfo=None)},
            {"ends_at": at(15)},
            {"ends_at": at(14)},
        ],
    )
    async def test_times_that_make_no_sense_are_refused(self, calendar, wrong):
        with pytest.raises(GatewayError) as failed:
            await calendar.put(self.NAME, ID, replace(draft(), **wrong))

        assert failed.value.trouble is Trouble.REFUSED
        assert await self.day(calendar) == []

    @pytest.mark.parametrize(
        "event_id", ["", "abc", "../" + "a" * 29, "A" * 32, "a" * 33]
    )
    async def test_id_that_is_none_of_ours_is_refused(self, calendar, event_id):
        for attempt in (
            calendar.put(self.NAME, event_id, draft()),
            calendar.remove(self.NAME, event_id),
        ):
            with pytest.raises(GatewayError) as failed:
                await attempt
            assert failed.value.trouble is Trouble.REFUSED

    @pytest.mark.parametrize("name", ["", " "])
    async def test_calendar_without_a_name_is_refused(self, calendar, name):
        for attempt in (
            calendar.put(name, ID, draft()),
            calendar.remove(name, ID),
            calendar.between(name, at(9), at(10)),
            calendar.busy(name, at(9), at(10)),
        ):
            with pytest.raises(GatewayError) as failed:
                await attempt
            assert failed.value.trouble is Trouble.REFUSED

    async def test_many_at_once_are_all_kept(self, calendar):
        ids = [f"{number % 6:032x}" for number in range(12)]

        await asyncio.gather(
            *(
                calendar.put(self.NAME, each, draft(8 + number % 6))
                for number, each in enumerate(ids)
            )
        )

        assert [each.id for each in await self.day(calendar)] == ids[:6]

    @pytest.mark.parametrize(
        "text", ["a,b;c\\n", "linha 1\nlinha 2", "🙂" * 90, 'aspas "x"', "BEGIN:VEVENT"]
    )
    async def test_text_stays_as_it_was_written(self, calendar, person, text):
        await calendar.put(
            self.NAME, ID, draft(title=text, description=text, location=text)
        )

        [found] = await self.day(calendar)
        assert found.title == text
        assert person.texts(ID) == (text, text, text)


def test_times_are_joined_in_whatever_order_they_come():
    spans = [(at(14), at(15)), (at(9), at(12)), (at(15), at(16)), (at(10), at(11))]

    found = joined(spans, (at(8), at(20)), ZONE)

    assert found == [(at(9), at(12)), (at(14), at(16))]


_GOOGLE_NAMES = {"title": "summary"}


def google_time(moment: datetime) -> dict[str, str]:
    return {"dateTime": moment.isoformat(), "timeZone": SAO_PAULO}


class GooglePerson(Person):
    """Somebody with Google's calendar open."""

    def __init__(self, google: FakeGoogle) -> None:
        self._calendars = google.calendar

    def add(self, title, begins, ends, *, transparent=False, weekly=0):
        more = {"transparency": "transparent"} if transparent else {}
        if weekly:
            more["recurrence"] = [f"RRULE:FREQ=WEEKLY;COUNT={weekly}"]
        times = {"start": google_time(begins), "end": google_time(ends)}
        return self._calendars.put(ANA, summary=title, **times, **more)["id"]

    def add_day(self, title, first, last):
        days = {"start": {"date": first}, "end": {"date": last}}
        self._calendars.put(ANA, summary=title, **days)

    def edit(self, event_id, **fields):
        named = {_GOOGLE_NAMES.get(name, name): each for name, each in fields.items()}
        self._calendars.change(ANA, event_id, **named)

    def move(self, event_id, begins, ends):
        times = {"start": google_time(begins), "end": google_time(ends)}
        self._calendars.change(ANA, event_id, **times)

    def cancel(self, event_id):
        self._calendars.remove(ANA, event_id)

    def texts(self, event_id):
        event = self._calendars.every[ANA].events[event_id]
        names = ("summary", "description", "location")
        return tuple(event.get(name, "") for name in names)


class TestAtGoogle(CalendarContract):
    @pytest.fixture
    def google(self) -> Iterator[FakeGoogle]:
        with running() as google:
            yield google

    @pytest.fixture
    def calendar(self, google) -> GoogleCalendar:
        return GoogleCalendar(calls_of(google), zone=SAO_PAULO, look_pause_s=0)

    @pytest.fixture
    def person(self, google) -> GooglePerson:
        google.calendar.of(ANA)
        return GooglePerson(google)


class TestOnDisk(CalendarContract):
    @pytest.fixture
    def calendar(self, tmp_path) -> LocalCalendar:
        return LocalCalendar(tmp_path / "agendas", zone=SAO_PAULO)

    @pytest.fixture
    def person(self, tmp_path) -> IcsPerson:
        return IcsPerson(tmp_path / "agendas" / f"{ANA}.ics")

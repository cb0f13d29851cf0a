"""Google's calendar follows what people booked, moved and cancelled."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from dataclasses import replace

import pytest
import sqlalchemy as sa

from bot.core.names import Profile
from bot.core.ports import Feature
from bot.store import appointments, effects, inbox, jobs
from bot.store.appointments import Facts
from bot.store.database import reading, writing
from bot.store.effects import AppointmentChange, Commitment, Origin
from bot.store.schema import handoff
from tests.contract.google_desk import ANA, MARIA
from tests.fakes.fake_google import Fault
from tests.unit.desk import HELENA, RAFAEL, TUESDAY_AT_15, at
from tests.unit.google_office import EVERYTHING

HOUR_S = 3600


class Client:
    """Somebody who books, moves and cancels, each with a committed turn."""

    def __init__(self, office, phone: str = "+5511987650001") -> None:
        self.office, self.phone = office, phone
        self.talk_id = office.desk.writes(phone, "oi")

    def _turn(self, *left: effects.Effect) -> None:
        self.office.desk.writes(self.phone, "sim")
        with writing(self.office.desk.engine) as connection:
            newest = connection.execute(
                sa.text("select max(id) from inbox where conversation_id = :id"),
                {"id": self.talk_id},
            ).scalar_one()
            for ordinal, effect in enumerate(left):
                origin = Origin(self.talk_id, newest, ordinal)
                effects.apply(connection, effect, origin, now=self.office.now)

    def holds(self, start, *, lawyer: str = RAFAEL, moves: int | None = None, **facts):
        facts = {"modality": "presencial", "person_name": "Maria Souza", **facts}
        with writing(self.office.desk.engine) as connection:
            return appointments.hold(
                connection,
                conversation_id=self.talk_id,
                lawyer=lawyer,
                starts_at=start.timestamp(),
                ends_at=start.timestamp() + HOUR_S,
                now=self.office.now,
                moves=moves,
                facts=Facts(**facts),
            )

    def books(self, start=TUESDAY_AT_15, **facts) -> int:
        held = self.holds(start, **facts)
        assert held is not None
        self._turn(AppointmentChange("marcar", held))
        return held

    def moves(self, old: int, start, **facts) -> int:
        held = self.holds(start, moves=old, **facts)
        assert held is not None
        self._turn(AppointmentChange("remarcar", old, held))
        return held

    def cancels(self, booked: int) -> None:
        self._turn(AppointmentChange("cancelar", booked))

    def commits(self, title: str, start) -> None:
        end = start.timestamp() + HOUR_S
        self._turn(Commitment(HELENA, title, start.timestamp(), end))


@pytest.fixture
def connected(office):
    office.connect()
    return office


@pytest.fixture
def client(connected):
    return Client(connected)


def span_of(event) -> tuple[str, str]:
    return event["start"]["dateTime"], event["end"]["dateTime"]


def waiting(office) -> list[str]:
    with reading(office.desk.engine) as connection:
        return list(connection.execute(sa.select(handoff.c.reason)).scalars())


async def test_booking_becomes_an_event_with_its_zone(connected, client):
    client.books(subject="divórcio", area="familia", email=MARIA)

    await connected.works()

    [event] = connected.events()
    assert event["summary"] == f"Consulta com {RAFAEL}: Maria Souza"
    assert "divórcio" in event["description"]
    assert event["location"] == connected.services.office.texts["endereco"]
    assert event["start"]["timeZone"] == "America/Sao_Paulo"
    assert span_of(event)[0].startswith("2026-11-24T15:00:00")
    assert [each["email"] for each in event["attendees"]] == [MARIA]
    assert [(mail.kind, mail.to) for mail in connected.google.mails] == [
        ("invitation", MARIA)
    ]
    [booked] = connected.desk.calendar("marcada")
    assert booked.event_place == "google:primary"
    assert booked.event_link == event["htmlLink"]


async def test_online_one_has_a_video_link_that_the_person_is_sent(connected, client):
    client.books(modality="online")

    await connected.works()

    [booked] = connected.desk.calendar("marcada")
    assert booked.meeting_link.startswith("https://meet.google.com/")
    assert connected.said(client.talk_id) == [
        f"O link da sua consulta de terça-feira, 24/11, às 15h: {booked.meeting_link}"
    ]


async def test_link_that_takes_its_time_is_sent_once_it_is_there(connected, client):
    connected.google.calendar.conference_status = "pending"
    connected.google.calendar.looks_until_link = 12
    client.books(modality="online")

    await connected.works_off()

    assert len(connected.said(client.talk_id)) == 1
    assert len(connected.events()) == 1


async def test_link_that_never_comes_leaves_the_appointment_as_it_is(connected, client):
    connected.google.calendar.conference_status = "failure"
    client.books(modality="online")

    await connected.works_off()

    assert connected.said(client.talk_id) == []
    assert len(connected.events()) == 1
    assert {each.status for each in connected.jobs("agenda")} == {jobs.DONE}


async def test_moved_one_is_the_same_event_at_another_time(connected, client):
    old = client.books(modality="online", email=MARIA)
    await connected.works()
    [before] = connected.events()
    link = connected.desk.calendar("marcada")[0].meeting_link

    client.moves(old, at(25, 10), modality="online", email=MARIA)
    await connected.works()

    [after] = connected.events()
    assert after["id"] == before["id"]
    assert span_of(after)[0].startswith("2026-11-25T10:00:00")
    assert connected.desk.calendar("marcada")[0].meeting_link == link
    assert len(connected.said(client.talk_id)) == 1  # the link, once
    assert connected.google.writes["calendar.events.insert"] == 1


async def test_cancelled_one_goes(connected, client):
    booked = client.books(email=MARIA)
    await connected.works()

    client.cancels(booked)
    await connected.works()

    assert connected.events() == []
    assert [mail.kind for mail in connected.google.mails][-1] != "invitation"
    [cancelled] = connected.desk.calendar()
    assert (cancelled.status, cancelled.event_place) == ("cancelada", "")


async def test_cancelled_before_anything_was_written_there_is_nothing(
    connected, client
):
    client.cancels(client.books())

    await connected.works()

    assert connected.events() == []
    assert connected.google.mails == []


async def test_job_of_an_earlier_state_undoes_nothing(connected, client):
    """Whatever the order in which the jobs of one event come, the last change holds."""
    for seed in range(6):
        booked = client.books(at(24, 9 + seed))
        moved = client.moves(booked, at(25, 9 + seed))
        if seed % 2:
            client.cancels(moved)
        with writing(connected.desk.engine) as connection:
            rows = [each.id for each in connected.jobs() if each.status == jobs.NEW]
            random.Random(seed).shuffle(rows)
            for place, row in enumerate(rows):
                connection.execute(
                    sa.text("update job set next_at = :at where id = :id"),
                    {"at": float(place), "id": row},
                )
        await connected.works()

    hours = sorted(span_of(each)[0][:16] for each in connected.events())
    assert hours == ["2026-11-25T09:00", "2026-11-25T11:00", "2026-11-25T13:00"]


async def test_change_between_reading_and_writing_is_followed(connected, client):
    """The insert is under way while somebody cancels, and another worker does it."""
    booked = client.books()
    google = connected.google
    google.fail_next(Fault("hold", at="calendar.events.insert"))
    other = connected.another_worker()

    def cancel_meanwhile() -> None:
        while not google.calls("calendar.events.insert"):
            time.sleep(0.01)
        client.cancels(booked)
        assert asyncio.run(other.work_once())
        google.open_gate()

    thread = threading.Thread(target=cancel_meanwhile)
    thread.start()
    await connected.works()
    thread.join()

    assert google.writes["calendar.events.insert"] == 1
    assert connected.events() == []


async def test_lawyers_own_commitment_stands_over_anything(connected, client):
    connected.google.calendar.put(
        ANA,
        summary="Almoço",
        start={"dateTime": "2026-11-24T14:00:00-03:00"},
        end={"dateTime": "2026-11-24T15:00:00-03:00"},
    )
    client.commits("Audiência na 3ª Vara", at(24, 14))

    await connected.works()

    titles = {each["summary"] for each in connected.events()}
    assert titles == {"Almoço", "Audiência na 3ª Vara"}


async def test_hour_that_google_has_taken_is_given_back_with_others(connected, client):
    connected.google.calendar.put(
        ANA,
        summary="Audiência",
        start={"dateTime": "2026-11-24T09:00:00-03:00"},
        end={"dateTime": "2026-11-24T18:00:00-03:00"},
    )
    client.books(email=MARIA)

    await connected.works()

    assert connected.google.mails == []  # nobody is invited to be told otherwise
    assert [each["summary"] for each in connected.events()] == ["Audiência"]
    assert [each.status for each in connected.desk.calendar()] == ["cancelada"]
    [said] = connected.said(client.talk_id)
    assert "acabou de ser ocupado" in said
    assert "1. " in said
    assert "24/11" not in said.split("Pode ser")[1]
    assert waiting(connected) == ["horario_perdido"]


async def test_who_cancels_meanwhile_hears_nothing_of_a_conflict(connected, client):
    google = connected.google
    google.calendar.put(
        ANA,
        summary="Audiência",
        start={"dateTime": "2026-11-24T15:00:00-03:00"},
        end={"dateTime": "2026-11-24T16:00:00-03:00"},
    )
    google.fail_next(Fault("hold", at="calendar.events.list"))
    booked = client.books()

    def cancel_meanwhile() -> None:
        while not google.calls("calendar.events.list"):
            time.sleep(0.01)
        client.cancels(booked)
        google.open_gate()

    thread = threading.Thread(target=cancel_meanwhile)
    thread.start()
    await connected.works()
    thread.join()

    assert connected.said(client.talk_id) == []
    assert waiting(connected) == []


async def test_event_that_takes_no_time_takes_nobodys_hour(connected, client):
    connected.google.calendar.put(
        ANA,
        summary="Aniversário",
        start={"dateTime": "2026-11-24T15:00:00-03:00"},
        end={"dateTime": "2026-11-24T16:00:00-03:00"},
        transparency="transparent",
    )
    client.books()

    await connected.works()

    assert len(connected.events()) == 2
    assert waiting(connected) == []


async def test_what_comes_while_the_event_is_written_counts_too(connected, client):
    """Nobody can lock a calendar at Google: it is looked at again after the insert."""
    google = connected.google
    google.fail_next(Fault("hold", at="calendar.events.insert"))
    client.books(email=MARIA)

    def enter_meanwhile() -> None:
        while not google.calls("calendar.events.insert"):
            time.sleep(0.01)
        google.calendar.put(
            ANA,
            summary="Audiência",
            start={"dateTime": "2026-11-24T15:00:00-03:00"},
            end={"dateTime": "2026-11-24T16:00:00-03:00"},
        )
        google.open_gate()

    thread = threading.Thread(target=enter_meanwhile)
    thread.start()
    await connected.works()
    thread.join()

    assert [each["summary"] for each in connected.events()] == ["Audiência"]
    assert waiting(connected) == ["horario_perdido"]


async def test_own_events_of_others_are_no_conflict(connected, client):
    """Three lawyers whose events stand in one calendar do not take each other's."""
    client.books()
    Client(connected, "+5511987650002").books(lawyer=HELENA)

    await connected.works()

    assert len(connected.events()) == 2
    assert waiting(connected) == []


FAULTS = ["error", "error_after", "close", "close_after", "hang", "html", "malformed"]


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize(
    "method", ["calendar.events.insert", "calendar.events.list", "calendar.events.get"]
)
async def test_fault_at_booking_leaves_one_event(connected, client, kind, method):
    connected.google.fail_next(Fault(kind, at=method))
    client.books(email=MARIA, modality="online")

    await connected.works_off()

    assert len(connected.events()) == 1
    assert len(connected.google.mails) == 1
    assert len(connected.said(client.talk_id)) == 1
    assert waiting(connected) == []


@pytest.mark.parametrize("kind", FAULTS)
async def test_fault_at_moving_and_cancelling_leaves_what_was_wanted(
    connected, client, kind
):
    old = client.books(email=MARIA)
    other = client.books(at(26, 9), email=MARIA)
    await connected.works()
    connected.google.fail_next(
        Fault(kind, at="calendar.events.patch"),
        Fault(kind, at="calendar.events.delete"),
    )
    client.moves(old, at(25, 10))
    client.cancels(other)

    await connected.works_off()

    [event] = connected.events()
    assert span_of(event)[0].startswith("2026-11-25T10:00:00")


async def test_connection_that_ended_parks_the_work_until_somebody_connects(
    connected, client
):
    connected.google.oauth.revoke_account(ANA)
    client.books()
    await connected.works_off()
    assert [each.status for each in connected.jobs("agenda")] == [jobs.PARKED]

    connected.connect()
    await connected.works_off()

    assert len(connected.events()) == 1
    assert [each.status for each in connected.jobs("agenda")] == [jobs.DONE]


@pytest.mark.parametrize("count", range(len(EVERYTHING) + 1))
async def test_without_the_permission_the_stand_in_keeps_it(office, count):
    granted = [each for each in EVERYTHING if each is not Feature.EVENTS][:count]
    if granted:
        office.connect(*granted)
    client = Client(office)
    client.books()

    await office.works_off()

    assert office.events() == []
    [booked] = office.desk.calendar("marcada")
    assert booked.event_place == f"local:{RAFAEL}"
    start = TUESDAY_AT_15
    kept = await office.services.keepers.local.calendar.between(
        RAFAEL, start, at(24, 16)
    )
    assert [each.id for each in kept] == [booked.event_key]


async def test_event_of_the_stand_in_goes_to_google_when_it_is_touched(office):
    client = Client(office)
    booked = client.books()
    await office.works()
    office.connect()

    client.moves(booked, at(25, 10))
    await office.works()

    assert len(office.events()) == 1
    kept = await office.services.keepers.local.calendar.between(
        RAFAEL, at(24, 0), at(26, 0)
    )
    assert kept == []


async def test_lawyer_with_a_calendar_of_their_own(connected, client):
    bruno = "bruno@advocacia.example"
    google = connected.google.calendar
    google.of(bruno).roles[ANA] = "writer"
    lawyers = [
        each if each.name != RAFAEL else _with_calendar(each, bruno)
        for each in connected.services.office.lawyers
    ]
    _replace_lawyers(connected, lawyers)
    client.books()

    await connected.works()

    assert len(connected.events(bruno)) == 1
    assert connected.events(ANA) == []


def _with_calendar(lawyer, calendar: str):
    return replace(lawyer, calendar=calendar)


def _replace_lawyers(office, lawyers) -> None:
    changed = replace(office.services.office, lawyers=tuple(lawyers))
    office.use(replace(office.services, office=changed))


def writes_by_whatsapp(office, phone: str) -> str:
    message = inbox.InboundMessage(
        message_sid="SM" + "f" * 32,
        account_sid="AC",
        address=f"whatsapp:{phone}",
        text="oi",
        source="whatsapp",
    )
    with writing(office.desk.engine) as connection:
        stored = inbox.accept(connection, message, now=office.now)
        connection.execute(sa.text("update inbox set status = 'done'"))
        return stored.conversation_id


async def test_lawyers_who_may_be_written_to_hear_of_the_ended_connection_once(
    connected, client
):
    desk = connected.desk
    desk.registers("+5511987650099", "Helena Modelo", Profile.LAWYER)
    helena = writes_by_whatsapp(connected, "+5511987650099")
    connected.google.oauth.revoke_account(ANA)
    client.books()
    client.books(at(25, 9))

    await connected.works_off()

    [said] = connected.said(helena)
    assert "reconectar" in said
    assert len(connected.google.calls("oauth.token")) == 1


async def test_refusal_of_the_token_endpoint_for_a_limit_ends_no_connection(
    connected, client
):
    connected.google.fail_next(
        Fault("forbidden", "oauth.token", reason="rateLimitExceeded", times=3)
    )
    client.books()

    await connected.works_off()

    assert len(connected.events()) == 1

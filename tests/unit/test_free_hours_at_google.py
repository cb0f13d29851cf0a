"""Hours that are offered are free in the right lawyer's calendar, and stay free."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from actions.diary import FRESH_S, REST_S, STALE_S, CalendarSilent, Diary
from actions.open_keepers import open_keepers
from bot.core.ports import Feature
from bot.store import appointments
from bot.store.database import reading
from tests.contract.google_desk import ANA
from tests.fakes.fake_google import Fault
from tests.unit.desk import HELENA, RAFAEL, TUESDAY_AT_15, at, offered

FLOW = "agendar_consulta"
ALL = "quero marcar online sobre divórcio terça às 15h, me chamo Maria Prado"
BRUNO = "bruno@advocacia.example"


def put(office, start, hours: float = 1, *, calendar: str = ANA, **more):
    """Enters an event as its owner does in Google's own pages."""
    end = start.fromtimestamp(start.timestamp() + hours * 3600, start.tzinfo)
    return office.google.calendar.put(
        calendar,
        **{
            "summary": "Audiência",
            "start": {"dateTime": start.isoformat()},
            "end": {"dateTime": end.isoformat()},
            **more,
        },
    )


def gives_own_calendar(office, lawyer: str, calendar: str) -> None:
    lawyers = tuple(
        replace(each, calendar=calendar) if each.name == lawyer else each
        for each in office.services.office.lawyers
    )
    changed = replace(office.services.office, lawyers=lawyers)
    office.use(replace(office.services, office=changed))


@pytest.fixture
def connected(office):
    office.connect()
    return office


async def booking(office, text: str = ALL):
    talk = office.desk.talk()
    return talk, await talk.starts(FLOW, text, names=["Maria Prado"])


@pytest.mark.parametrize(
    "features", [(Feature.FREE_BUSY,), (Feature.EVENTS,), tuple(Feature)]
)
async def test_taken_hour_is_not_given_whichever_permission_tells(office, features):
    office.connect(*features)
    put(office, TUESDAY_AT_15)

    _, said = await booking(office)

    assert said.responses == ["quando_ocupado", "oferecer_horarios"]
    assert not any("24/11), às 15h" in line for line in offered(said))


async def test_without_any_permission_only_our_own_appointments_count(office):
    office.connect(Feature.FILES)
    put(office, TUESDAY_AT_15)

    _, said = await booking(office)

    assert said.responses == ["ask_confirmado"]


@pytest.mark.parametrize("features", [(Feature.EVENTS,), tuple(Feature)])
async def test_event_that_takes_no_time_hinders_nobody(office, features):
    office.connect(*features)
    put(office, TUESDAY_AT_15, transparency="transparent")

    talk, said = await booking(office)
    assert said.responses == ["ask_confirmado"]
    said = await talk.says("sim", intent="afirmar")

    assert said.responses == ["agendar_consulta_online_com_link"]


async def test_calendar_of_another_lawyer_does_not_count(connected):
    connected.google.calendar.of(BRUNO).roles[ANA] = "writer"
    gives_own_calendar(connected, RAFAEL, BRUNO)
    put(connected, TUESDAY_AT_15, calendar=ANA)  # Helena's and Clara's

    _, said = await booking(connected)
    assert said.responses == ["ask_confirmado"]

    put(connected, TUESDAY_AT_15, calendar=BRUNO)
    connected.services.diary.forget()
    _, said = await booking(connected)
    assert said.responses == ["quando_ocupado", "oferecer_horarios"]


async def test_own_event_of_another_lawyer_in_the_same_calendar_does_not_count(
    connected,
):
    connected.desk.books(TUESDAY_AT_15, lawyer=HELENA)
    await connected.works()
    put(connected, TUESDAY_AT_15, summary="Consulta com Dra. Helena")

    _, said = await booking(connected)

    assert said.responses == ["ask_confirmado"]


async def test_invitation_is_promised_where_it_will_be_sent(office):
    text = f"{ALL}, meu email é maria@cliente.example"
    _, said = await booking(office, text)
    assert "e-mail maria@cliente.example" in said.text

    office.connect()
    talk, said = await booking(office, text)
    assert "convite para maria@cliente.example" in said.text
    said = await talk.says("sim", intent="afirmar")
    await office.works()

    assert said.responses == ["agendar_consulta_online_com_link"]
    assert [mail.to for mail in office.google.mails] == ["maria@cliente.example"]


async def test_hour_taken_between_offer_and_yes_is_not_promised(connected):
    talk, said = await booking(connected)
    assert said.responses == ["ask_confirmado"]
    put(connected, TUESDAY_AT_15)

    said = await talk.says("sim", intent="afirmar")

    assert said.responses == ["quando_ocupado", "oferecer_horarios"]
    assert {each.status for each in connected.desk.calendar()} == {"liberada"}


async def test_hour_taken_between_offer_and_yes_with_free_busy_alone(office):
    office.connect(Feature.FREE_BUSY)
    talk, _ = await booking(office)
    put(office, TUESDAY_AT_15)

    said = await talk.says("sim", intent="afirmar")

    assert said.responses == ["quando_ocupado", "oferecer_horarios"]


@pytest.mark.parametrize("features", [None, (Feature.EVENTS,), tuple(Feature)])
async def test_appointment_that_is_moved_is_not_in_its_own_way(office, features):
    if features:
        office.connect(*features)
    talk, _ = await booking(office)
    await talk.says("sim", intent="afirmar")
    await office.works()

    said = await talk.starts("remarcar_consulta", "quero mudar pra terça às 15h30")

    assert said.responses == ["ask_confirmado"]
    said = await talk.says("sim", intent="afirmar")
    assert said.responses == ["remarcar_consulta"]


@pytest.mark.parametrize("kind", ["hang", "error", "close", "too_many", "html"])
async def test_google_that_is_ill_keeps_nobody_from_booking(connected, kind):
    connected.google.fail_next(Fault(kind, at="calendar.*", times=None))

    talk, said = await booking(connected)
    assert said.responses == ["ask_confirmado"]
    said = await talk.says("sim", intent="afirmar")

    assert said.responses == ["agendar_consulta_online_com_link"]


async def test_nobody_waits_as_long_as_a_job_may(connected):
    """A job may wait for Google as long as the setting says, a person may not."""
    settings = replace(connected.services.settings, google_timeout_s=60)
    keepers = open_keepers(settings, connected.account, connected.services.office)
    connected.use(replace(connected.services, keepers=keepers))
    connected.google.fail_next(Fault("hang", at="calendar.*", times=None))

    async with asyncio.timeout(10):
        _, said = await booking(connected)

    assert said.responses == ["ask_confirmado"]


async def test_what_was_known_counts_while_google_is_silent(connected):
    put(connected, TUESDAY_AT_15)
    await booking(connected)
    connected.google.fail_next(Fault("error", at="calendar.*", times=None))
    connected.services.diary._clock = _Ahead(FRESH_S + 1)

    _, said = await booking(connected)

    assert said.responses == ["quando_ocupado", "oferecer_horarios"]


class _Ahead:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return time.monotonic() + self.seconds


async def test_silent_calendar_is_left_alone_for_a_while(connected):
    now = [1000.0]
    diary = Diary(
        connected.services.keepers,
        connected.services.office,
        connected.services.read,
        clock=lambda: now[0],
    )
    lawyer = connected.services.office.lawyers[0]
    connected.google.fail_next(Fault("error", at="calendar.events.list"))
    for _ in range(3):
        with pytest.raises(CalendarSilent):
            await diary.events(lawyer, at(24, 8), at(24, 18))
    assert len(connected.google.calls("calendar.events.list")) == 1

    now[0] += REST_S
    assert await diary.events(lawyer, at(24, 8), at(24, 18)) == []


@pytest.mark.parametrize(("age_s", "count"), [(STALE_S - 1, 1), (STALE_S, 0)])
async def test_what_was_known_long_ago_counts_no_more(connected, age_s, count):
    now = [1000.0]
    diary = Diary(
        connected.services.keepers,
        connected.services.office,
        connected.services.read,
        clock=lambda: now[0],
    )
    put(connected, TUESDAY_AT_15)
    lawyer = connected.services.office.lawyers[0]
    assert len(await diary.busy(lawyer, at(24, 8), at(24, 18))) == 1

    now[0] += age_s
    connected.google.fail_next(Fault("error", at="calendar.*", times=None))

    assert len(await diary.busy(lawyer, at(24, 8), at(24, 18))) == count


async def test_dialogue_does_not_ask_for_every_sentence(connected):
    talk = connected.desk.talk()
    await talk.starts(FLOW, ALL.replace("às 15h", ""), names=["Maria Prado"])
    asked = len(connected.google.calls("calendar.freebusy.query"))
    assert asked

    for minute, text in enumerate(["às 16h", "mudei de ideia, às 17h", "quinta"]):
        talk.now += timedelta(minutes=minute)
        await talk.says(text)

    assert len(connected.google.calls("calendar.freebusy.query")) == asked


async def test_ended_connection_keeps_nobody_from_booking(connected):
    connected.google.oauth.revoke_account(ANA)

    talk, _ = await booking(connected)
    said = await talk.says("sim", intent="afirmar")

    assert said.responses == ["agendar_consulta_online"]
    with reading(connected.desk.engine) as connection:
        assert appointments.between(connection, first=0, last=at(30, 0).timestamp())


# --- the lawyers' own view -------------------------------------------------------


async def test_agenda_shows_what_stands_in_google_beside_what_was_booked(connected):
    connected.desk.books(at(24, 10), lawyer=HELENA, subject="INSS")
    await connected.works()
    put(connected, at(24, 14), summary="Audiência na 3ª Vara")
    connected.google.calendar.put(
        ANA,
        summary="Congresso",
        start={"date": "2026-11-24"},
        end={"date": "2026-11-25"},
    )

    said = await connected.desk.lawyer().runs("action_ver_agenda", "agenda de terça")

    assert said.of("ver_agenda")["lista"].splitlines() == [
        "*terça-feira, 24/11*",
        "• dia todo: Congresso",
        "• 10:00 consulta online: Outra Pessoa, INSS",
        "• 14:00 Audiência na 3ª Vara",
    ]
    assert said.of("ver_agenda")["onde"] == ""


async def test_agenda_says_when_google_could_not_be_seen(connected):
    connected.desk.books(at(24, 10), lawyer=HELENA)
    connected.google.fail_next(Fault("error", at="calendar.*", times=None))

    said = await connected.desk.lawyer().runs("action_ver_agenda", "agenda de terça")

    assert "10:00" in said.text
    assert "o Google não respondeu agora" in said.text


async def test_clash_with_something_in_google_is_shown(connected):
    put(connected, at(24, 14), summary="Perícia")

    said = await connected.desk.lawyer().starts(
        "criar_compromisso", "marca audiência terça às 14h na 3ª vara"
    )

    assert "⚠ já há Perícia nesse horário" in said.text


async def test_commitment_is_said_to_go_where_it_goes(connected):
    helena = connected.desk.lawyer()
    await helena.starts("criar_compromisso", "marca audiência terça às 14h")
    said = await helena.says("sim", intent="afirmar")
    await connected.works()

    assert "na sua agenda do Google" in said.text
    [event] = connected.events()
    assert event["summary"] == "audiência"

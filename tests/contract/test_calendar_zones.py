"""What is put is read back at the same instant, in every zone of the country."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from actions.gateways.google_calendar import GoogleCalendar
from actions.gateways.local_calendar import LocalCalendar
from bot.core.ports import Calendar, EventDraft
from tests.contract.google_authority import calls_of
from tests.contract.google_desk import ANA
from tests.fakes.fake_google import running

ZONES = (
    "Sao_Paulo Manaus Rio_Branco Eirunepe Noronha Belem Fortaleza Recife Araguaina "
    "Maceio Bahia Cuiaba Campo_Grande Santarem Porto_Velho Boa_Vista"
).split()
HOSTS = ("UTC", "Asia/Tokyo", "America/Los_Angeles", "America/Sao_Paulo")
FIRST, LAST = datetime(2015, 1, 1), datetime(2035, 12, 31)  # noqa: DTZ001
MOMENTS = st.datetimes(FIRST, LAST, timezones=st.just(UTC)).map(
    lambda at: at.replace(second=0, microsecond=0)
)
TWICE = datetime(2018, 2, 18, 2, 30, tzinfo=UTC)
"""23:30 in São Paulo for the second time that night, as its summer time ended."""
CASES = given(
    at=MOMENTS,
    zone=st.sampled_from(ZONES),
    host=st.sampled_from(HOSTS),
    minutes=st.integers(1, 600),
)
FEW = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@contextlib.contextmanager
def host_in(zone: str) -> Iterator[None]:
    """Lets the machine's clock be set to a zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


async def check(calendar: Calendar, zone: ZoneInfo, at: datetime, minutes: int) -> None:
    begins = at.astimezone(zone)
    ends = (at + timedelta(minutes=minutes)).astimezone(zone)
    event_id = uuid.uuid4().hex
    made = await calendar.put(ANA, event_id, EventDraft("Consulta", begins, ends))
    again = await calendar.put(ANA, event_id, EventDraft("Consulta", begins, ends))
    [found] = await calendar.between(ANA, begins, ends)
    taken = await calendar.busy(ANA, begins, ends)
    await calendar.remove(ANA, event_id)

    expected = (at.timestamp(), at.timestamp() + 60 * minutes, begins.isoformat())
    for each in (made, again, found):
        shown = (each.starts_at.timestamp(), each.ends_at.timestamp())
        assert (*shown, each.starts_at.isoformat()) == expected
    assert [(b.timestamp(), e.timestamp()) for b, e in taken] == [expected[:2]]
    assert await calendar.between(ANA, begins, ends) == []


@pytest.fixture(scope="module")
def google():
    with running() as google:
        google.calendar.of(ANA)
        yield google


@pytest.mark.parametrize("name", ZONES)
def test_tz_database_knows_the_zone(name):
    offset = datetime(2026, 11, 24, tzinfo=ZoneInfo(f"America/{name}")).utcoffset()

    assert offset in {timedelta(hours=-hours) for hours in (2, 3, 4, 5)}


@FEW
@CASES
@example(at=TWICE, zone="Sao_Paulo", host="UTC", minutes=30)
@example(at=TWICE - timedelta(hours=1), zone="Sao_Paulo", host="UTC", minutes=60)
def test_at_google(google, at, zone, host, minutes):
    office = ZoneInfo(f"America/{zone}")
    calendar = GoogleCalendar(calls_of(google), zone=office.key)

    with host_in(host):
        asyncio.run(check(calendar, office, at, minutes))

    sent = google.calls("calendar.events.insert")[-1].body["start"]
    assert sent["timeZone"] == office.key
    assert datetime.fromisoformat(sent["dateTime"]) == at


@FEW
@CASES
@example(at=TWICE, zone="Sao_Paulo", host="UTC", minutes=30)
@example(at=TWICE - timedelta(hours=1), zone="Sao_Paulo", host="UTC", minutes=60)
def test_on_disk(tmp_path, at, zone, host, minutes):
    office = ZoneInfo(f"America/{zone}")
    calendar = LocalCalendar(tmp_path, zone=office.key)

    with host_in(host):
        asyncio.run(check(calendar, office, at, minutes))

"""An office in Acre: each part of the assistant tells its time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest
from sanic import Sanic

from bot.core.names import Profile
from bot.core.settings import ROOT, load_settings
from bot.store import limits
from bot.store.database import writing
from bot.store.turns import Turn
from connectors.direct_answers import notices_of
from panel.app import build_app
from panel.edge_client import DependencyReport, HealthReport
from panel.situation import StateHistory, describe
from tests.unit.desk import PHONE, RAFAEL, Desk

ACRE = ZoneInfo("America/Rio_Branco")
LATE = datetime(2026, 11, 23, 23, 30, tzinfo=ACRE)
"""A Monday there; in São Paulo it is Tuesday already."""


@pytest.fixture
def acre(desk):
    office = replace(desk.services.office, zone=ACRE)
    return Desk(replace(desk.services, office=office))


async def test_hour_is_booked_by_the_offices_clock_from_words_to_the_agenda(acre):
    talk = acre.talk(now=LATE, name="Ana Prado")

    said = await talk.starts(
        "agendar_consulta",
        "marca consulta online sobre divórcio amanhã às 9h? me chamo Ana Prado",
        names=["Ana Prado"],
    )
    assert said.slots["quando"] == "2026-11-24T09:00:00-05:00"

    said = await talk.says("sim", intent="afirmar")
    assert "amanhã (terça-feira, 24/11), às 9h" in said.text
    [booked] = acre.calendar("marcada")
    utc = datetime(2026, 11, 24, 14, 0, tzinfo=timezone.utc)
    assert booked.starts_at == utc.timestamp()

    said = await talk.runs("action_consultar_agendamento", "quando é a minha consulta?")
    assert "amanhã (terça-feira, 24/11), às 9h" in said.text


async def test_appointment_is_found_by_the_hour_that_it_has_there(acre):
    acre.books(datetime(2026, 11, 24, 9, tzinfo=ACRE), phone=PHONE)
    late = acre.books(datetime(2026, 11, 24, 11, tzinfo=ACRE), phone=PHONE)
    talk = acre.talk(now=LATE)

    said = await talk.starts("cancelar_consulta", "cancela a de amanhã às 11h")

    assert said.slots["qual_consulta"] == late


async def test_message_whose_channel_told_another_offset_is_read_by_the_office(acre):
    acre.books(datetime(2026, 11, 24, 9, tzinfo=ACRE), phone=PHONE)
    talk = acre.talk(now=LATE.astimezone(timezone.utc))

    said = await talk.runs("action_consultar_agendamento", "e a minha consulta?")

    assert "amanhã (terça-feira, 24/11), às 9h" in said.text


async def test_lawyers_day_is_the_offices(acre):
    for hour in (8, 23):
        acre.books(
            datetime(2026, 11, 23, hour, tzinfo=ACRE),
            lawyer=RAFAEL,
            phone=f"+55119876590{hour:02d}",
        )
    lawyer = acre.talk(Profile.LAWYER, name="Rafael", phone="+5511987650099", now=LATE)

    said = await lawyer.runs("action_ver_agenda", "minha agenda de hoje")

    assert "• 08:00" in said.text
    assert "• 23:00" in said.text


async def test_lawyers_commitment_stands_at_the_offices_hour(acre):
    lawyer = acre.talk(Profile.LAWYER, name="Rafael", phone="+5511987650099", now=LATE)

    said = await lawyer.starts("criar_compromisso", "marca audiência amanhã às 14h")

    assert said.slots["quando"] == "2026-11-24T14:00:00-05:00"


def test_day_of_a_limit_ends_at_the_offices_midnight(acre):
    talk = acre.writes(PHONE, "oi")

    def spend(hour: int, minute: int) -> bool:
        at = LATE.replace(hour=hour, minute=minute).timestamp()
        with writing(acre.engine) as connection:
            return limits.spend(
                connection, talk, "modelo", now=at, at_most=1, zone=ACRE
            )

    assert spend(21, 30)
    assert not spend(23, 30)  # in São Paulo another day has begun
    with writing(acre.engine) as connection:
        at = LATE.timestamp() + 3600
        assert limits.spend(connection, talk, "modelo", now=at, at_most=1, zone=ACRE)


def test_late_answer_names_the_offices_hour(tmp_path):
    turn = Turn(
        inbox_id=1,
        conversation_id="c",
        text="oi",
        kind="text",
        payload={},
        source="whatsapp",
        recipient="",
        attempt=1,
        lease_owner="w",
        turn_token=0,
        conversation_owner="robo",
        profile=Profile.UNKNOWN,
        person_name="",
        received_at=LATE.replace(hour=22).timestamp(),
    )
    settings = load_settings({}, folder=tmp_path)

    [notice] = notices_of(turn, settings, now=LATE.timestamp(), zone=ACRE)

    assert "de 22h30" in notice.text


def test_panel_shows_the_offices_time(tmp_path):
    office = tmp_path / "acre.yml"
    here = load_settings({}, folder=tmp_path)
    known = (ROOT / here.office_file).read_text(encoding="utf-8")
    office.write_text(known.replace("uf: SP", "uf: AC"), encoding="utf-8")
    settings = replace(here, office_file=str(office))

    app = build_app(settings)
    Sanic.unregister_app(app)

    filters = app.ctx.templates.filters
    assert filters["clock"](LATE.timestamp()) == "23:30"
    assert filters["day"](LATE.timestamp()) == "23/11/2026 às 23:30"


def test_panel_says_since_when_a_part_is_down_by_the_offices_clock():
    down = DependencyReport("fora", since=LATE.replace(hour=22).timestamp())
    found = HealthReport("degradado", True, {"rasa": down}, "1", 1.0)

    shown = describe(found, history=StateHistory(ACRE), now=LATE.timestamp())

    [card] = [each for each in shown.processes if each.key == "rasa"]
    assert card.since == "desde 22:30"

"""The office's zone: told by its state or its file, and kept to everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.entities.dates import read_moments
from bot.core.errors import SettingsError
from bot.core.office import UFS, Office, load_office, zone_in
from bot.core.schedule import Wish, judge, propose, short, spoken
from bot.core.settings import ROOT
from bot.core.zones import ZONE_OF_UF, ZONES, zone_of

FILE = ROOT / "escritorio.yml"
OFFICE = load_office(FILE)
ACRE = ZoneInfo("America/Rio_Branco")
LATE_IN_ACRE = datetime(2026, 11, 23, 23, 30, tzinfo=ACRE)
"""A Monday there; in São Paulo it is half past one on Tuesday."""
MOMENTS = st.integers(1_767_225_600, 1_924_905_600).map(
    lambda seconds: datetime.fromtimestamp(seconds, timezone.utc)
)
"""From 2026 to 2030."""


def in_zone(name: str) -> Office:
    return replace(OFFICE, zone=ZoneInfo(name))


def written(folder: Path, **fields: str) -> Path:
    """Writes the office's file with other fields."""
    lines = FILE.read_text(encoding="utf-8")
    lines = lines.replace("uf: SP", f"uf: {fields.pop('uf', 'SP')}")
    lines += "\n" + "\n".join(f"{key}: {value}" for key, value in fields.items())
    path = folder / "escritorio.yml"
    path.write_text(lines, encoding="utf-8")
    return path


class TestName:
    def test_there_are_sixteen_and_the_tz_database_knows_each(self):
        assert len(set(ZONES)) == 16
        assert set(ZONES) <= available_timezones()

    def test_every_state_has_one(self):
        assert ZONE_OF_UF.keys() == UFS

    @pytest.mark.parametrize(
        ("uf", "zone"),
        [
            ("SP", "Sao_Paulo"), ("DF", "Sao_Paulo"), ("AC", "Rio_Branco"),
            ("AM", "Manaus"), ("RO", "Porto_Velho"), ("RR", "Boa_Vista"),
            ("MT", "Cuiaba"), ("MS", "Campo_Grande"), ("PA", "Belem"), ("BA", "Bahia"),
            ("PE", "Recife"), ("CE", "Fortaleza"), ("AL", "Maceio"),
            ("TO", "Araguaina"),
        ],
    )  # fmt: skip
    def test_state_decides(self, tmp_path, uf, zone):
        assert load_office(written(tmp_path, uf=uf)).zone.key == f"America/{zone}"

    def test_file_may_name_another(self, tmp_path):
        path = written(tmp_path, uf="PE", fuso="America/Noronha")

        assert load_office(path).zone.key == "America/Noronha"
        assert zone_in(path).key == "America/Noronha"

    @pytest.mark.parametrize(
        ("named", "hint"),
        [("America/Acre", "America/"), ("Asia/Tokyo", "como America/Manaus"),
         ("-03:00", "como America/Manaus"), ("America/Manau", "como America/Manaus")],
    )  # fmt: skip
    def test_other_names_are_refused_with_one_that_works(self, tmp_path, named, hint):
        with pytest.raises(SettingsError) as refused:
            load_office(written(tmp_path, fuso=f'"{named}"'))

        assert "'fuso' deve ser um fuso do Brasil" in str(refused.value)
        assert hint in str(refused.value)

    def test_file_that_cannot_be_read_leaves_the_usual_one(self, tmp_path):
        assert zone_in(tmp_path / "nada.yml") == zone_of("SP")


class TestSlots:
    @settings(max_examples=60)
    @given(name=st.sampled_from(ZONES), now=MOMENTS)
    def test_what_is_proposed_lies_within_the_offices_hours(self, name, now):
        office = in_zone(name)

        slots = propose(
            office, Wish(), lawyer=office.lawyers[0], duration_min=60, busy=[], now=now
        )

        for slot in slots:
            local = datetime.fromtimestamp(slot.starts_at.timestamp(), ZoneInfo(name))
            end = local + timedelta(minutes=60)
            assert any(
                opens <= local.time() and end.time() <= closes
                for opens, closes in office.hours.of(local.date())
            )

    @settings(max_examples=60)
    @given(name=st.sampled_from(ZONES), now=MOMENTS)
    def test_slot_is_spoken_and_chosen_as_the_hour_that_was_wished(self, name, now):
        office, local = in_zone(name), now.astimezone(ZoneInfo(name))
        [moment] = read_moments("amanhã às 9h", now=local)
        tomorrow = local.date() + timedelta(days=1)

        assert (moment.day, moment.time.hour) == (tomorrow, 9)
        verdict = judge(
            office,
            Wish(day=moment.day, time=moment.time),
            lawyer=office.lawyers[0],
            duration_min=60,
            busy=[],
            now=now,
        )
        if verdict.slot:
            stored = verdict.slot.starts_at.timestamp()
            read = datetime.fromtimestamp(stored, ZoneInfo(name))
            assert (read.date(), read.hour) == (tomorrow, 9)
            assert spoken(verdict.slot, local).startswith("amanhã (")
            assert short(verdict.slot.starts_at).endswith("às 9h")

    @pytest.mark.parametrize("host", ["Asia/Tokyo", "UTC"])
    def test_zone_of_the_machine_does_not_matter(self, host):
        program = (
            "from datetime import datetime\n"
            "from tests.unit.core.test_zones import *\n"
            "assert datetime.now().astimezone().utcoffset() != "
            "datetime.now(ACRE).utcoffset()\n"
            "print(said_in_acre())\n"
        )
        run = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "TZ": host},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

        assert run.stdout.strip() == "1795528800.0 amanhã (terça-feira, 24/11), às 9h"


def said_in_acre() -> str:
    """Returns what "amanhã às 9h" comes to, written late in the evening in Acre."""
    office = in_zone("America/Rio_Branco")
    [moment] = read_moments("amanhã às 9h", now=LATE_IN_ACRE)
    verdict = judge(
        office,
        Wish(day=moment.day, time=moment.time),
        lawyer=office.lawyers[0],
        duration_min=60,
        busy=[],
        now=LATE_IN_ACRE,
    )
    assert verdict.slot is not None
    stored = verdict.slot.starts_at.timestamp()
    return f"{stored} {spoken(datetime.fromtimestamp(stored, ACRE), LATE_IN_ACRE)}"


def test_tomorrow_in_acre_is_not_tomorrow_in_sao_paulo():
    at_nine = datetime(2026, 11, 24, 14, 0, tzinfo=timezone.utc)

    assert said_in_acre() == (
        f"{at_nine.timestamp()} amanhã (terça-feira, 24/11), às 9h"
    )

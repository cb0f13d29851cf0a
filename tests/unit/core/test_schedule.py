"""When an appointment can be: the wish judged, free times proposed and said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.hours import Closure, WeeklyHours
from bot.core.office import Office, load_office
from bot.core.schedule import (
    ZONE,
    Slot,
    Verdict,
    Wish,
    holidays_of,
    judge,
    lawyer_for,
    lawyer_named,
    propose,
    spoken,
)
from bot.core.settings import ROOT

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=ZONE)
"""A Wednesday; the Friday after it is Consciência Negra."""
TUESDAY = date(2026, 11, 24)
NINE_TO_SIX = ((time(9), time(18)),)
WITH_LUNCH = ((time(9), time(12)), (time(13), time(18)))
OFFICE = replace(
    load_office(ROOT / "escritorio.yml"),
    hours=WeeklyHours((NINE_TO_SIX,) * 5 + ((), ())),
    closures=(),
)
HELENA, RAFAEL, CLARA = OFFICE.lawyers


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE)


def taken(start: datetime, minutes: int = 60) -> tuple[float, float]:
    return start.timestamp(), (start + timedelta(minutes=minutes)).timestamp()


def judged(
    wish: Wish,
    *,
    office: Office = OFFICE,
    busy: Iterable[tuple[float, float]] = (),
    duration_min: int = 60,
    now: datetime = NOW,
) -> Verdict:
    return judge(
        office, wish, lawyer=HELENA, duration_min=duration_min, busy=busy, now=now
    )


def proposed(
    wish: Wish,
    *,
    office: Office = OFFICE,
    busy: Iterable[tuple[float, float]] = (),
    now: datetime = NOW,
    count: int = 3,
    duration_min: int = 60,
) -> list[str]:
    slots = propose(
        office,
        wish,
        lawyer=HELENA,
        duration_min=duration_min,
        busy=busy,
        now=now,
        count=count,
    )
    return [f"{slot.starts_at:%d/%m %H:%M}" for slot in slots]


def reason(day: date, hour: int | None = None, minute: int = 0, **more: object) -> str:
    moment = None if hour is None else time(hour, minute)
    return judged(Wish(day=day, time=moment), **more).reason


def against(day: date, hour: int | None = None, **more: object) -> tuple[str, str]:
    moment = None if hour is None else time(hour)
    verdict = judged(Wish(day=day, time=moment), **more)
    assert verdict.slot is None
    return verdict.reason, verdict.detail


class TestJudging:
    def test_free_hour_is_a_slot_of_the_lawyer(self):
        verdict = judged(Wish(day=TUESDAY, time=time(15)))

        assert verdict == Verdict(
            Slot(at(TUESDAY, 15), at(TUESDAY, 16), "Dra. Helena Modelo")
        )

    @pytest.mark.parametrize(("hour", "minute"), [(9, 0), (10, 35), (17, 0)])
    def test_any_five_minutes_inside_the_hours_will_do(self, hour, minute):
        assert reason(TUESDAY, hour, minute) == ""

    def test_wish_without_a_day_or_an_hour_says_what_is_missing(self):
        assert judged(Wish()).reason == "falta_dia"
        assert judged(Wish(time=time(15))).reason == "falta_dia"
        assert judged(Wish(day=TUESDAY)).reason == "falta_hora"
        assert judged(Wish(day=TUESDAY, earliest=time(13))).reason == "falta_hora"

    def test_range_and_alternatives_are_not_one_day(self):
        week = Wish(day=TUESDAY, last_day=TUESDAY + timedelta(3), time=time(15))
        either = Wish(days=(TUESDAY, TUESDAY + timedelta(2)), time=time(15))

        assert judged(week).reason == judged(either).reason == "falta_dia"

    def test_range_of_one_day_is_that_day(self):
        assert judged(Wish(day=TUESDAY, last_day=TUESDAY, time=time(15))).slot
        assert judged(Wish(days=(TUESDAY,), time=time(15))).slot

    def test_past_hour_of_today_is_past(self):
        assert against(NOW.date(), 9) == ("passado", "")

    def test_past_day_is_past_even_without_an_hour(self):
        assert reason(NOW.date() - timedelta(1)) == "passado"

    def test_hour_within_the_notice_is_too_soon(self):
        assert against(NOW.date(), 11) == ("muito_cedo", "2 horas")
        assert reason(NOW.date(), 12) == ""

    def test_notice_is_told_in_hours_and_minutes(self):
        office = replace(OFFICE, notice_min=90)

        assert against(NOW.date(), 11, office=office)[1] == "1 hora e 30 minutos"

    def test_today_is_over_when_no_start_is_left(self):
        assert reason(NOW.date(), now=at(NOW.date(), 16)) == "muito_cedo"
        assert reason(NOW.date(), now=at(NOW.date(), 19)) == "passado"

    def test_day_past_the_horizon_is_too_far(self):
        last = NOW.date() + timedelta(60)

        assert against(last + timedelta(1), 15) == ("muito_longe", f"{last:%d/%m/%Y}")
        assert reason(last, 15) != "muito_longe"

    @pytest.mark.parametrize(
        ("now", "day", "name"),
        [
            (NOW, date(2026, 11, 20), "Consciência Negra"),
            (NOW, date(2026, 12, 25), "Natal"),
            (
                at(date(2027, 6, 14), 9),
                date(2027, 7, 9),
                "Revolução Constitucionalista",
            ),
            (at(date(2027, 1, 11), 9), date(2027, 2, 9), "Carnaval"),
            (at(date(2027, 1, 11), 9), date(2027, 2, 10), "Quarta-feira de Cinzas"),
            (at(date(2027, 5, 10), 9), date(2027, 5, 27), "Corpus Christi"),
        ],
    )
    def test_holiday_is_told_by_its_name(self, now, day, name):
        assert against(day, 15, now=now) == ("feriado", name)
        assert against(day, now=now) == ("feriado", name)

    def test_holiday_of_one_state_is_no_holiday_in_another(self):
        rio = replace(OFFICE, uf="RJ")
        now = at(date(2027, 6, 14), 9)

        assert reason(date(2027, 7, 9), 15, office=rio, now=now) == ""

    def test_office_may_be_open_on_optional_days(self):
        office = replace(OFFICE, closes_on_optional_days=False)
        now = at(date(2027, 1, 11), 9)

        assert reason(date(2027, 2, 9), 15, office=office, now=now) == ""

    def test_day_of_public_servants_is_a_working_day(self):
        assert date(2026, 10, 28) not in holidays_of(OFFICE, 2026)
        assert len(holidays_of(OFFICE, 2026)) > 12

    def test_closed_day_is_told_by_its_reason(self):
        recess = Closure(date(2026, 12, 7), date(2026, 12, 11), "recesso forense")
        office = replace(OFFICE, closures=(recess,))

        assert against(date(2026, 12, 7), 15, office=office) == (
            "fechado",
            "recesso forense",
        )
        assert reason(date(2026, 12, 11), office=office) == "fechado"
        assert reason(date(2026, 12, 14), 15, office=office) == ""

    def test_weekend_is_told_by_the_day(self):
        sunday, saturday = date(2026, 11, 22), date(2026, 11, 21)

        assert against(sunday, 15) == ("dia_sem_expediente", "aos domingos")
        assert against(saturday) == ("dia_sem_expediente", "aos sábados")

    @pytest.mark.parametrize("hour", [0, 8, 23])
    def test_hour_outside_the_hours_is_told_with_them(self, hour):
        assert against(TUESDAY, hour) == ("fora_do_horario", "das 9h às 18h")

    def test_part_of_the_day_outside_the_hours_is_told_at_once(self):
        evening = Wish(day=TUESDAY, earliest=time(18), latest=time(22))

        assert judged(evening).reason == "fora_do_horario"

    def test_appointment_must_end_by_closing(self):
        assert reason(TUESDAY, 17) == ""
        assert reason(TUESDAY, 17, 5) == "fora_do_horario"
        assert reason(TUESDAY, 17, 30, duration_min=30) == ""

    def test_appointment_does_not_run_into_lunch(self):
        office = replace(OFFICE, hours=WeeklyHours((WITH_LUNCH,) * 5 + ((), ())))

        assert reason(TUESDAY, 11, office=office) == ""
        assert reason(TUESDAY, 11, 30, office=office) == "fora_do_horario"
        assert against(TUESDAY, 12, office=office) == (
            "fora_do_horario",
            "das 9h às 12h e das 13h às 18h",
        )

    @pytest.mark.parametrize(
        ("start", "minutes"),
        [((15, 0), 60), ((14, 30), 60), ((15, 55), 5), ((9, 0), 540)],
    )
    def test_hour_that_overlaps_something_is_busy(self, start, minutes):
        busy = [taken(at(TUESDAY, *start), minutes)]

        assert reason(TUESDAY, 15, busy=busy) == "ocupado"

    @pytest.mark.parametrize("start", [(14, 0), (16, 0)])
    def test_hour_that_only_touches_something_is_free(self, start):
        assert reason(TUESDAY, 15, busy=[taken(at(TUESDAY, *start))]) == ""

    def test_full_day_is_told_before_the_hour_is_asked_for(self):
        busy = [taken(at(TUESDAY, 9), 540)]

        assert against(TUESDAY, busy=busy) == ("ocupado", "dia cheio")

    def test_full_afternoon_is_told_before_the_hour_is_asked_for(self):
        busy = [taken(at(TUESDAY, 12), 360)]
        afternoon = Wish(day=TUESDAY, earliest=time(12), latest=time(18))

        assert judged(afternoon, busy=busy).detail == "período cheio"
        assert reason(TUESDAY, busy=busy) == "falta_hora"

    def test_minutes_between_the_fives_are_not_booked(self):
        assert reason(TUESDAY, 15, 7) == "fora_do_horario"

    def test_short_thing_inside_a_long_one_does_not_free_its_end(self):
        busy = [taken(at(TUESDAY, 10), 30), taken(at(TUESDAY, 9), 480)]

        assert reason(TUESDAY, 15, busy=busy) == "ocupado"
        assert reason(TUESDAY, 17, busy=busy) == ""

    def test_now_of_another_zone_is_the_same_moment(self):
        utc = NOW.astimezone(timezone.utc)

        late = datetime(2026, 11, 19, 1, tzinfo=timezone.utc)  # still the 18th here
        assert reason(date(2027, 1, 18), now=late) == "muito_longe"
        assert reason(NOW.date(), 11, now=utc) == "muito_cedo"
        assert reason(NOW.date(), 12, now=utc) == ""


class TestProposing:
    def test_hours_next_to_a_busy_one_come_first(self):
        busy = [taken(at(TUESDAY, 15))]

        found = proposed(Wish(day=TUESDAY, time=time(15)), busy=busy)

        assert found == ["24/11 14:00", "24/11 16:00", "24/11 13:00"]

    def test_last_place_of_a_day_comes_before_the_next_days(self):
        busy = [taken(at(TUESDAY, 9), 60), taken(at(TUESDAY, 11), 420)]

        found = proposed(Wish(day=TUESDAY, time=time(15)), busy=busy)

        assert found == ["24/11 10:00", "25/11 15:00", "26/11 15:00"]

    def test_holiday_gives_the_same_hour_of_the_following_working_days(self):
        found = proposed(Wish(day=date(2026, 11, 20), time=time(15)))

        assert found == ["23/11 15:00", "24/11 15:00", "25/11 15:00"]

    def test_wished_hour_off_the_grid_is_proposed_where_it_is_free(self):
        found = proposed(Wish(day=date(2026, 11, 22), time=time(10, 30)))

        assert found == ["23/11 10:30", "24/11 10:30", "25/11 10:30"]

    def test_day_without_an_hour_gives_hours_over_that_day(self):
        assert proposed(Wish(day=TUESDAY)) == [
            "24/11 09:00",
            "24/11 12:00",
            "24/11 15:00",
        ]

    def test_part_of_the_day_is_kept(self):
        afternoon = Wish(day=TUESDAY, earliest=time(13), latest=time(18))

        assert proposed(afternoon) == ["24/11 13:00", "24/11 14:00", "24/11 16:00"]

    def test_part_of_the_day_is_kept_on_other_days_too(self):
        busy = [taken(at(TUESDAY, 13), 240)]
        afternoon = Wish(day=TUESDAY, earliest=time(13), latest=time(18))

        found = proposed(afternoon, busy=busy)

        assert found[0] == "24/11 17:00"
        assert [each[:5] for each in found[1:]] == ["25/11", "26/11"]
        assert all(each[6:] >= "13" for each in found)

    def test_evening_of_an_office_without_one_gives_its_last_hours(self):
        evening = Wish(day=TUESDAY, earliest=time(18), latest=time(22))

        assert proposed(evening) == ["24/11 17:00", "24/11 16:00", "24/11 15:00"]

    def test_vague_week_gives_different_days_and_hours(self):
        week = Wish(day=date(2026, 11, 23), last_day=date(2026, 11, 29))

        assert proposed(week) == ["23/11 09:00", "24/11 12:00", "25/11 15:00"]

    def test_alternatives_come_before_the_day_between_them(self):
        busy = [taken(at(TUESDAY, 15))]
        either = Wish(days=(TUESDAY, date(2026, 11, 26)), time=time(15))

        assert proposed(either, busy=busy) == [
            "24/11 14:00",
            "26/11 15:00",
            "24/11 16:00",
        ]

    def test_no_wish_gives_the_next_days(self):
        assert [each[:5] for each in proposed(Wish())] == ["18/11", "19/11", "23/11"]

    def test_hour_without_a_day_gives_it_on_the_next_days(self):
        assert proposed(Wish(time=time(11))) == [
            "18/11 12:00",
            "19/11 11:00",
            "23/11 11:00",
        ]

    def test_recess_is_stepped_over(self):
        recess = Closure(TUESDAY, date(2026, 11, 27), "recesso")
        office = replace(OFFICE, closures=(recess,))

        found = proposed(Wish(day=TUESDAY, time=time(15)), office=office)

        assert found == ["30/11 15:00", "01/12 15:00", "02/12 15:00"]

    def test_day_too_far_gives_the_last_that_may_be_booked(self):
        found = proposed(Wish(day=date(2027, 5, 3), time=time(15)))

        assert found == ["15/01 15:00", "14/01 15:00", "13/01 15:00"]

    def test_full_rest_of_the_horizon_gives_earlier_days(self):
        busy = [taken(at(TUESDAY, 0), 100 * 24 * 60)]

        found = proposed(Wish(day=TUESDAY, time=time(15)), busy=busy)

        assert found == ["23/11 15:00", "19/11 15:00", "18/11 15:00"]

    def test_full_grid_gives_the_gaps_between(self):
        day = [taken(at(TUESDAY, 9), 30), taken(at(TUESDAY, 10, 30), 450)]
        rest = [taken(at(NOW.date(), 0), 6 * 24 * 60), taken(at(TUESDAY, 18), 10**6)]

        assert proposed(Wish(day=TUESDAY), busy=day + rest) == ["24/11 09:30"]

    def test_nothing_free_up_to_the_horizon_gives_nothing(self):
        assert proposed(Wish(day=TUESDAY), busy=[taken(NOW, 61 * 24 * 60)]) == []

    def test_count_is_kept(self):
        assert len(proposed(Wish(day=TUESDAY), count=5)) == 5
        assert len(proposed(Wish(day=TUESDAY), count=1)) == 1


DAYS = st.dates(date(2026, 11, 10), date(2027, 2, 20))
HOURS = st.times(time(0), time(23, 55)).map(
    lambda t: t.replace(second=0, microsecond=0)
)
WISHES = st.builds(
    Wish,
    day=st.none() | DAYS,
    last_day=st.none() | DAYS,
    days=st.lists(DAYS, max_size=3).map(tuple),
    time=st.none() | HOURS,
    earliest=st.none() | HOURS,
    latest=st.none() | HOURS,
)
BUSY = st.lists(
    st.tuples(st.integers(0, 60 * 24 * 12), st.integers(1, 500)).map(
        lambda pair: taken(NOW + timedelta(minutes=5 * pair[0]), pair[1])
    ),
    max_size=40,
)


class TestProperties:
    @given(WISHES, BUSY, st.sampled_from([30, 45, 60, 90]), st.integers(0, 40))
    def test_every_proposal_is_judged_free_and_none_comes_twice(
        self, wish, busy, minutes, hours
    ):
        now = NOW + timedelta(hours=hours, minutes=hours)
        slots = propose(
            OFFICE, wish, lawyer=HELENA, duration_min=minutes, busy=busy, now=now
        )

        for slot in slots:
            exact = Wish(day=slot.starts_at.date(), time=slot.starts_at.time())
            verdict = judged(exact, busy=busy, duration_min=minutes, now=now)
            assert verdict == Verdict(slot)
        assert len(slots) == len({slot.starts_at for slot in slots}) == 3

    @given(WISHES)
    def test_wish_survives_its_json(self, wish):
        assert Wish.from_json(wish.to_json()) == wish

    @given(DAYS, BUSY, HOURS)
    def test_free_wish_is_the_first_proposal(self, day, busy, hour):
        verdict = judged(Wish(day=day, time=hour), busy=busy)
        if verdict.slot:
            slots = propose(
                OFFICE,
                Wish(day=day, time=hour),
                lawyer=HELENA,
                duration_min=60,
                busy=busy,
                now=NOW,
            )
            assert slots[0] == verdict.slot


class TestWish:
    def test_json_has_only_what_was_said(self):
        wish = Wish(day=TUESDAY, time=time(15))

        assert wish.to_json() == {"dia": "2026-11-24", "hora": "15:00"}
        assert Wish().to_json() == {}

    def test_nothing_reads_as_an_empty_wish(self):
        assert Wish.from_json(None) == Wish.from_json({}) == Wish()

    def test_json_that_is_no_date_is_an_error(self):
        with pytest.raises(ValueError, match="terça"):
            Wish.from_json({"dia": "terça"})

    @pytest.mark.parametrize(
        ("first", "then", "merged"),
        [
            (
                Wish(day=TUESDAY),
                Wish(time=time(15)),
                Wish(day=TUESDAY, time=time(15)),
            ),
            (
                Wish(day=TUESDAY, time=time(15)),
                Wish(day=date(2026, 11, 26)),
                Wish(day=date(2026, 11, 26), time=time(15)),
            ),
            (
                Wish(day=TUESDAY, last_day=date(2026, 11, 27), earliest=time(13)),
                Wish(days=(TUESDAY,), time=time(9)),
                Wish(days=(TUESDAY,), time=time(9)),
            ),
            (
                Wish(day=TUESDAY, time=time(15)),
                Wish(earliest=time(8), latest=time(12)),
                Wish(day=TUESDAY, earliest=time(8), latest=time(12)),
            ),
            (
                Wish(day=TUESDAY, earliest=time(13), latest=time(18)),
                Wish(time=time(0)),
                Wish(day=TUESDAY, time=time(0)),
            ),
            (
                Wish(day=TUESDAY, time=time(15)),
                Wish(),
                Wish(day=TUESDAY, time=time(15)),
            ),
        ],
    )
    def test_later_message_refines_or_replaces(self, first, then, merged):
        assert first.merge(then) == merged


class TestLawyers:
    @pytest.mark.parametrize(
        "name", ["Helena", "dra helena modelo", "DRA. HÉLENA", "a doutora Helena"]
    )
    def test_name_is_found_however_it_is_written(self, name):
        assert lawyer_named(OFFICE, name) == HELENA

    @pytest.mark.parametrize("name", ["", "doutora", "Beatriz", "Helena Souza"])
    def test_unknown_name_is_nobody(self, name):
        assert lawyer_named(OFFICE, name) is None

    def test_named_lawyer_wins_over_the_area(self):
        assert lawyer_for(OFFICE, area="criminal", name="Helena") == HELENA

    def test_area_decides_where_nobody_is_named(self):
        assert lawyer_for(OFFICE, area="criminal") == CLARA
        assert lawyer_for(OFFICE, area="familia", name="Beatriz") == RAFAEL

    def test_area_of_nobody_falls_to_the_first(self):
        office = replace(OFFICE, lawyers=(HELENA, RAFAEL))

        assert lawyer_for(office, area="criminal") == HELENA
        assert lawyer_for(office) == HELENA

    def test_modality_decides_between_two_of_the_area(self):
        only_online = replace(HELENA, modalities=("online",))
        other = replace(RAFAEL, areas=("trabalhista",))
        office = replace(OFFICE, lawyers=(only_online, other))

        assert lawyer_for(office, area="trabalhista", modality="presencial") == other
        assert lawyer_for(office, area="trabalhista", modality="online") == only_online
        assert lawyer_for(office, modality="presencial") == other

    def test_area_weighs_more_than_modality(self):
        only_online = replace(HELENA, modalities=("online",))
        office = replace(OFFICE, lawyers=(RAFAEL, only_online))

        found = lawyer_for(office, area="trabalhista", modality="presencial")

        assert found == only_online


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (at(NOW.date(), 16), "hoje (quarta-feira, 18/11), às 16h"),
        (at(date(2026, 11, 19), 9, 30), "amanhã (quinta-feira, 19/11), às 9h30"),
        (at(TUESDAY, 15), "terça-feira, 24/11, às 15h"),
        (at(date(2027, 1, 9), 1), "sábado, 09/01/2027, à 1h"),
        (datetime(2026, 11, 19, 1, tzinfo=timezone.utc),
         "hoje (quarta-feira, 18/11), às 22h"),
    ],
)  # fmt: skip
def test_moment_is_said_as_people_say_it(moment, words):
    assert spoken(moment, NOW) == words


def test_slot_is_said_by_its_start():
    slot = Slot(at(TUESDAY, 15), at(TUESDAY, 16), HELENA.name)

    assert spoken(slot, NOW) == "terça-feira, 24/11, às 15h"

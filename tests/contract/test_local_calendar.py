"""Calendars on this machine's disk: files that people open and edit too."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from actions.gateways.ics_file import ics_name, rewrite
from actions.gateways.local_calendar import LocalCalendar
from bot.core.ports import EventDraft, GatewayError, Trouble
from tests.contract.google_desk import ANA, SAO_PAULO
from tests.contract.ics_desk import EMPTY, IcsPerson

ZONE = ZoneInfo(SAO_PAULO)
ID, OTHER_ID = "a" * 32, "b" * 32
HELENA = "Dra. Helena Modelo"


def at(hour: int, *, day: int = 24, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, tzinfo=ZONE)


def draft(hour: int = 15, **more) -> EventDraft:
    given = {"title": "Consulta: Ana Prado", **more}
    return EventDraft(starts_at=at(hour), ends_at=at(hour + 1), **given)


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "agendas"


@pytest.fixture
def calendar(folder) -> LocalCalendar:
    return LocalCalendar(folder, zone=SAO_PAULO)


@pytest.fixture
def person(folder) -> IcsPerson:
    return IcsPerson(folder / f"{ANA}.ics")


async def month(calendar, *, number: int = 11, year: int = 2026) -> list[str]:
    """Returns when something takes place, as `03 09:00`."""
    first = at(0, day=1, month=number, year=year)
    found = await calendar.between(ANA, first, first + timedelta(days=30))
    return [each.starts_at.strftime("%d %H:%M") for each in found]


# -- The file


async def test_file_is_one_that_any_calendar_program_reads(calendar, folder):
    made = await calendar.put(HELENA, ID, draft(guests=("rui@exemplo.com",)))

    path = folder / f"{HELENA}.ics"
    assert made.link == str(path)
    book = Calendar.from_ical(path.read_bytes())
    assert (book["X-WR-CALNAME"], book["VERSION"]) == (HELENA, "2.0")
    [event] = book.walk("VEVENT")
    assert {"UID", "DTSTAMP", "DTSTART", "DTEND"} <= set(event)
    assert "PRODID" in book
    assert not {"ATTENDEE", "ORGANIZER"} & set(event)
    assert event["DTSTART"].to_ical() == b"20261124T180000Z"


async def test_online_event_has_no_meeting_here(calendar):
    made = await calendar.put(ANA, ID, draft(is_online=True))

    assert made.meeting_link == ""


async def test_nothing_new_leaves_the_file_as_it_is(calendar, person):
    await calendar.put(ANA, ID, draft())
    before = person.path.read_bytes()

    await calendar.put(ANA, ID, draft())
    await calendar.remove(ANA, OTHER_ID)

    assert person.path.read_bytes() == before
    assert [each.name for each in person.path.parent.glob("*.part")] == []


FOREIGN = """\
BEGIN:VTIMEZONE\r
TZID:Minha\r
BEGIN:STANDARD\r
DTSTART:19700101T000000\r
TZOFFSETFROM:-0300\r
TZOFFSETTO:-0300\r
END:STANDARD\r
END:VTIMEZONE\r
BEGIN:VTODO\r
UID:2\r
SUMMARY:Comprar papel\r
END:VTODO\r
BEGIN:VEVENT\r
SUMMARY:Almoço\\, com \\;tudo\\nmais\r
DTSTART;TZID=Minha:20261124T120000\r
DTEND;TZID=Minha:20261124T130000\r
UID:1\r
ATTENDEE;CN="Lima, Rui";PARTSTAT=ACCEPTED:mailto:rui@exemplo.com\r
DESCRIPTION:C:\\\\Novo\\\\novo e uma linha que se estende por mais de setenta e\r
  cinco letras\r
X-COISA;P="a,b":c\\,d\r
BEGIN:VALARM\r
ACTION:DISPLAY\r
TRIGGER:-PT15M\r
END:VALARM\r
END:VEVENT\r
"""


async def test_what_others_wrote_is_kept_to_the_letter(calendar, person):
    person.write(EMPTY.replace("END:VCAL", FOREIGN + "END:VCAL"))

    await calendar.put(ANA, ID, draft())
    await calendar.put(ANA, OTHER_ID, draft(9))
    await calendar.put(ANA, ID, draft(17))
    await calendar.remove(ANA, OTHER_ID)

    assert FOREIGN in person.read()
    assert await month(calendar) == ["24 12:00", "24 17:00"]


async def test_what_a_program_added_to_our_event_stays(calendar, person):
    await calendar.put(ANA, ID, draft())
    alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\n"
    more = f"CATEGORIES:Família\r\nSTATUS:TENTATIVE\r\n{alarm}"
    person.write(person.read().replace("END:VEVENT", f"{more}END:VEVENT"))

    await calendar.put(ANA, ID, draft(17))

    text = person.read()
    assert await month(calendar) == ["24 17:00"]
    assert text.count("VEVENT") == 2
    assert alarm in text
    assert "CATEGORIES:Família\r\n" in text
    assert "STATUS:TENTATIVE\r\n" in text


async def test_event_that_lasts_instead_of_ending_is_moved(calendar, person):
    await calendar.put(ANA, ID, draft())
    text = person.read().replace("DTEND:20261124T190000Z", "DURATION:PT3H")
    person.write(text)

    await calendar.put(ANA, ID, draft())

    [found] = await calendar.between(ANA, at(0), at(23))
    assert found.ends_at == at(16)
    assert "DURATION" not in person.read()


async def test_event_of_ours_that_lost_its_time_is_put_right(calendar, person):
    await calendar.put(ANA, ID, draft())
    person.write(person.read().replace("DTSTART:", "X-DTSTART:"))

    await calendar.put(ANA, ID, draft())

    assert await month(calendar) == ["24 15:00"]


# -- Broken files


GOOD = EMPTY.replace("END:VCAL", FOREIGN + "END:VCAL")
BROKEN = [
    "",
    "\n",
    "oi",
    "BEGIN:VEVENT\r\nEND:VEVENT\r\n",
    GOOD[:-30],
    GOOD[:-60],
    GOOD + GOOD,
    GOOD.replace("20261124T120000", "amanhã"),
    GOOD.replace("UID:1\r\n", "UID:1\r\numa linha minha\r\n"),
    GOOD.replace("BEGIN:VTODO", "BEG\r\n IN:VTODO"),
    GOOD.replace("UID:1\r\n", "UID:1\r\nRRULE:FREQ=SEMPRE\r\n"),
]


async def each_refusal(calendar) -> None:
    for attempt in (
        calendar.put(ANA, ID, draft()),
        calendar.remove(ANA, ID),
        calendar.between(ANA, at(0), at(23)),
        calendar.busy(ANA, at(0), at(23)),
    ):
        with pytest.raises(GatewayError) as failed:
            await attempt
        assert failed.value.trouble is Trouble.REFUSED
        assert "iCalendar" in str(failed.value)


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
async def test_broken_file_is_refused_and_kept(calendar, person, text):
    person.write(text)

    await each_refusal(calendar)

    assert person.read() == text


async def test_file_in_another_encoding_is_refused_and_kept(calendar, person):
    content = GOOD.encode("latin-1")
    person.write("")
    person.path.write_bytes(content)

    await each_refusal(calendar)

    assert person.path.read_bytes() == content


async def test_removing_an_event_takes_its_changed_times_too(calendar, person):
    await calendar.put(ANA, ID, draft())
    person.add_lines(
        f"UID:{ID}", "RECURRENCE-ID:20261124T180000Z", "DTSTART:20261125T180000Z"
    )

    await calendar.remove(ANA, ID)

    assert "VEVENT" not in person.read()


async def test_words_of_the_format_inside_a_text_are_text(calendar, person):
    tricky = "a\nEND:VEVENT\nBEGIN:VEVENT\nEND:VCALENDAR"
    await calendar.put(ANA, OTHER_ID, draft(9, description=tricky))
    await calendar.put(ANA, ID, draft(description=tricky))
    await calendar.remove(ANA, OTHER_ID)

    assert person.texts(ID)[1] == tricky


@pytest.mark.parametrize(
    "lines",
    [
        ["SUMMARY:sem hora"],
        ["DTSTART:20261124T150000Z", "RRULE:FREQ=MINUTELY"],
        ["DTSTART:20261124T150000Z", "RRULE:COUNT=2"],
        ["DTSTART:20261124T150000Z", "DURATION:amanhã"],
    ],
)
async def test_event_that_makes_no_sense_is_told_and_kept(calendar, person, lines):
    person.add_lines(*lines)

    with pytest.raises(GatewayError) as failed:
        await calendar.between(ANA, at(0), at(23))

    assert failed.value.trouble is Trouble.REFUSED
    assert "\r\n".join(lines) in person.read()


async def test_file_with_a_mark_of_its_encoding_is_read(calendar, person):
    person.write("\ufeff" + GOOD)

    assert await month(calendar) == ["24 12:00"]


async def test_words_in_small_letters_are_words(calendar, person):
    person.write(GOOD.replace("BEGIN:", "begin:").replace("END:V", "end:V"))

    await calendar.put(ANA, ID, draft())

    assert await month(calendar) == ["24 12:00", "24 15:00"]


async def test_file_with_lines_of_unix_is_read(calendar, person):
    person.write(GOOD.replace("\r\n", "\n"))

    assert await month(calendar) == ["24 12:00"]


# -- Names


NAMES = [
    "../fora",
    "/etc/passwd",
    "..",
    ".",
    "a/b",
    "a\\b",
    "a" * 400,
    "é" * 200,
    ".oculta",
    "\u202esci",
    "con",
    "x\x00y",
    "🙂",
    "primary",
    "a\nb",
    ".trava",
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
async def test_any_name_stays_in_the_folder(calendar, folder, tmp_path, name):
    made = await calendar.put(name, ID, draft())

    assert Path(made.link).parent == folder
    assert {each.name for each in tmp_path.iterdir()} == {"agendas"}
    assert [each.id for each in await calendar.between(name, at(0), at(23))] == [ID]


def test_no_two_calendars_share_a_file():
    names = [
        *NAMES,
        "a b",
        "a/b ",
        "a:b",
        "a|b",
        "a  b",
        " a b",
        "a b.",
        "CON",
        "",
        "_",
    ]

    assert len({ics_name(each).casefold() for each in names}) == len(set(names))


def test_accent_written_in_two_ways_is_one_calendar():
    assert ics_name("Jose\u0301") == ics_name("Jos\u00e9") == "Jos\u00e9.ics"


# -- What repeats


async def test_rule_follows_its_own_clock_through_summer_time(calendar, person):
    person.add_lines(
        "DTSTART;TZID=America/Sao_Paulo:20181029T090000",
        "DTEND;TZID=America/Sao_Paulo:20181029T100000",
        "RRULE:FREQ=WEEKLY;UNTIL=20181119T110000Z",
    )

    found = await calendar.between(
        ANA, at(0, day=20, month=10, year=2018), at(0, day=30, year=2018)
    )

    assert [each.starts_at.isoformat() for each in found] == [
        "2018-10-29T09:00:00-03:00",
        "2018-11-05T09:00:00-02:00",
        "2018-11-12T09:00:00-02:00",
        "2018-11-19T09:00:00-02:00",
    ]
    assert found[-1].ends_at == at(10, day=19, year=2018)


async def test_rule_that_ends_before_an_hour_leaves_that_day_out(calendar, person):
    person.add_lines(
        "DTSTART;TZID=America/Sao_Paulo:20261103T090000",
        "RRULE:FREQ=WEEKLY;UNTIL=20261117T115900Z",
        "DURATION:PT1H",
    )

    assert await month(calendar) == ["03 09:00", "10 09:00"]


async def test_times_left_out_added_and_moved(calendar, person):
    zone = "TZID=America/Sao_Paulo"
    rule = ["UID:serie", f"DTSTART;{zone}:20261102T090000", "DURATION:PT1H"]
    person.add_lines(
        *rule,
        "RRULE:FREQ=DAILY;COUNT=5",
        f"EXDATE;{zone}:20261103T090000",
        "EXDATE:20261104T120000Z",
        f"RDATE;{zone}:20261120T140000",
    )
    person.add_lines(
        "UID:serie",
        "RECURRENCE-ID:20261105T120000Z",
        f"DTSTART;{zone}:20261105T170000",
        "DURATION:PT1H",
    )
    person.add_lines(
        "UID:outra",
        "RECURRENCE-ID:20261106T120000Z",
        f"DTSTART;{zone}:20261107T170000",
    )

    assert await month(calendar) == [
        "02 09:00",
        "05 17:00",
        "06 09:00",
        "07 17:00",
        "20 14:00",
    ]


async def test_changed_occurrence_is_not_taken_for_the_event(calendar, person):
    person.add_lines(
        f"UID:{ID}", "RECURRENCE-ID:20261105T120000Z", "DTSTART:20261105T120000Z"
    )

    await calendar.put(ANA, ID, draft())

    assert await month(calendar) == ["05 09:00", "24 15:00"]


async def test_holiday_of_every_year_is_a_whole_day(calendar, person):
    person.add_lines("DTSTART;VALUE=DATE:20201120", "RRULE:FREQ=YEARLY")

    found = await calendar.between(ANA, at(0, day=1), at(0, day=30))

    assert [(each.starts_at, each.ends_at) for each in found] == [
        (at(0, day=20), at(0, day=21))
    ]
    assert found[0].is_all_day


async def test_long_stretch_that_repeats_counts_from_its_start(calendar, person):
    person.add_lines(
        "DTSTART;VALUE=DATE:20201028", "DURATION:P10D", "RRULE:FREQ=YEARLY"
    )

    assert await calendar.busy(ANA, at(0, day=5), at(0, day=10)) == [
        (at(0, day=5), at(0, day=7))
    ]


async def test_two_rules_of_one_event_both_count(calendar, person):
    person.add_lines(
        "DTSTART;TZID=America/Sao_Paulo:20261102T090000",
        "RRULE:FREQ=WEEKLY;COUNT=2",
        "RRULE:FREQ=WEEKLY;BYDAY=TH;COUNT=2",
    )

    assert await month(calendar) == ["02 09:00", "05 09:00", "09 09:00", "12 09:00"]


async def test_added_stretch_may_be_a_period(calendar, person):
    person.add_lines(
        "DTSTART:20261102T120000Z", "RDATE;VALUE=PERIOD:20261103T120000Z/PT1H"
    )

    assert await month(calendar) == ["02 09:00", "03 09:00"]


async def test_time_without_a_zone_is_the_offices(calendar, person):
    person.add_lines("DTSTART:20261124T090000", "DTEND:20261124T100000")
    person.add_lines("DTSTART;TZID=Lua/Mar:20261124T110000")

    assert await month(calendar) == ["24 09:00", "24 11:00"]
    assert await calendar.busy(ANA, at(0), at(23)) == [(at(9), at(10))]


async def test_moment_without_length_is_shown_at_its_start(calendar, person):
    person.add_lines("DTSTART:20261124T120000Z")

    assert len(await calendar.between(ANA, at(9), at(10))) == 1
    assert len(await calendar.between(ANA, at(8), at(9))) == 0
    assert len(await calendar.between(ANA, at(10), at(11))) == 0
    person.add_lines("DTSTART:20261103T130000Z", "RRULE:FREQ=WEEKLY")
    assert len(await calendar.between(ANA, at(10), at(11))) == 1


# -- At the same time


async def test_disk_that_refuses_may_be_tried_later(tmp_path):
    (tmp_path / "agendas").write_text("a file where a folder should be")
    calendar = LocalCalendar(tmp_path / "agendas", zone=SAO_PAULO)

    with pytest.raises(GatewayError) as failed:
        await calendar.put(ANA, ID, draft())

    assert failed.value.trouble is Trouble.LATER


async def test_half_a_file_that_a_stop_left_behind_does_no_harm(calendar, person):
    await calendar.put(ANA, ID, draft())
    person.path.with_suffix(".part").write_bytes(b"BEGIN:VCAL")

    await calendar.put(ANA, ID, draft(17))

    assert await month(calendar) == ["24 17:00"]


def test_person_who_writes_meanwhile_is_not_overwritten(tmp_path):
    path = tmp_path / "agenda.ics"
    path.write_bytes(b"1")

    def change(content: bytes | None) -> bytes | None:
        if content == b"1":
            path.write_bytes(b"2")
        return (content or b"") + b"+"

    rewrite(path, change)

    assert path.read_bytes() == b"2+"


def test_file_that_changes_all_the_time_is_left_for_later(tmp_path):
    path = tmp_path / "agenda.ics"

    def change(content: bytes | None) -> bytes | None:
        path.write_bytes((content or b"") + b"x")
        return b"ours"

    with pytest.raises(GatewayError) as failed:
        rewrite(path, change)

    assert failed.value.trouble is Trouble.LATER
    assert set(path.read_bytes()) == {ord("x")}
    assert list(tmp_path.iterdir()) == [path]


_WRITER = """
import asyncio, sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from actions.gateways.local_calendar import LocalCalendar
from bot.core.ports import EventDraft

async def work(folder, name, digit):
    calendar = LocalCalendar(Path(folder), zone="America/Sao_Paulo")
    begins = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
    for number in range(15):
        draft = EventDraft("x", begins, begins + timedelta(hours=1))
        await calendar.put(name, digit + f"{number:031x}", draft)

asyncio.run(work(*sys.argv[1:]))
"""


async def test_several_processes_lose_nothing(calendar, folder):
    def write(digit: str) -> None:
        arguments = [sys.executable, "-c", _WRITER, str(folder), ANA, digit]
        subprocess.run(arguments, check=True, timeout=60)

    await asyncio.gather(*(asyncio.to_thread(write, digit) for digit in "abc"))

    assert len(await calendar.between(ANA, at(0), at(23))) == 45


async def test_characters_that_no_text_holds_are_left_out(calendar, person):
    await calendar.put(ANA, ID, draft(title="a\x07b\r\nc\td"))

    assert person.texts(ID)[0] == "ab\nc\td"


async def test_two_drafts_of_one_event_leave_one_of_them(calendar):
    drafts = [replace(draft(), title=f"{n}") for n in range(8)]

    await asyncio.gather(*(calendar.put(ANA, ID, each) for each in drafts))

    [found] = await calendar.between(ANA, at(0), at(23))
    assert found.title in {each.title for each in drafts}


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200))
@example("\u2028\u2029\u0085\u200b")
@example(" começa e acaba com espaço ")
@example('";:,\\n\\')
def test_any_text_is_read_back_as_it_was_written(calendar, person, text):
    assume(r"\N" not in text)  # icalendar 7.3 writes these two as the end of a line
    asked = draft(title=text, description=text, location=text)

    asyncio.run(calendar.put(ANA, ID, asked))

    assert person.texts(ID) == (text, text, text)

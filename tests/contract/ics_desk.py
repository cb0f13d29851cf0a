"""A person who edits a calendar's `.ics` file by hand, line by line."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from pathlib import Path

from icalendar import Calendar

EMPTY = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Outro//PT\r\nEND:VCALENDAR\r\n"
_EVENT = re.compile(r"BEGIN:VEVENT\r\n.*?END:VEVENT\r\n", re.DOTALL)
_NAMES = ("SUMMARY", "DESCRIPTION", "LOCATION")


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


class IcsPerson:
    """Somebody with a text editor."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, title, begins, ends, *, transparent=False, weekly=0) -> str:
        uid = uuid.uuid4().hex
        lines = [f"SUMMARY:{title}", f"DTSTART:{stamp(begins)}", f"DTEND:{stamp(ends)}"]
        lines += ["TRANSP:TRANSPARENT"] if transparent else []
        lines += [f"RRULE:FREQ=WEEKLY;COUNT={weekly}"] if weekly else []
        self.add_lines(f"UID:{uid}", *lines)
        return uid

    def add_day(self, title, first, last) -> None:
        days = [each.replace("-", "") for each in (first, last)]
        self.add_lines(
            f"SUMMARY:{title}",
            f"DTSTART;VALUE=DATE:{days[0]}",
            f"DTEND;VALUE=DATE:{days[1]}",
        )

    def add_lines(self, *lines: str) -> None:
        """Enters an event by its own lines."""
        event = "\r\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT", ""])
        text = self.read()
        end = text.rindex("END:VCALENDAR")
        self.write(text[:end] + event + text[end:])

    def edit(self, event_id, **fields) -> None:
        for name, value in fields.items():
            key = "SUMMARY" if name == "title" else name.upper()
            self._set(event_id, key, value)

    def move(self, event_id, begins, ends) -> None:
        self._set(event_id, "DTSTART", stamp(begins))
        self._set(event_id, "DTEND", stamp(ends))

    def cancel(self, event_id) -> None:
        self._set(event_id, "STATUS", "CANCELLED")

    def texts(self, event_id) -> tuple[str, str, str]:
        book = Calendar.from_ical(self.path.read_bytes())
        [event] = [each for each in book.walk("VEVENT") if each["UID"] == event_id]
        return tuple(str(event.get(name, "")) for name in _NAMES)

    def _set(self, event_id: str, key: str, value: str) -> None:
        def change(found: re.Match[str]) -> str:
            if f"UID:{event_id}\r\n" not in found[0]:
                return found[0]
            kept = re.sub(
                rf"(?<=\n){key}[;:].*?\r\n(?! )", "", found[0], flags=re.DOTALL
            )
            return kept.replace("END:VEVENT", f"{key}:{value}\r\nEND:VEVENT")

        self.write(_EVENT.sub(change, self.read()))

    def read(self) -> str:
        if not self.path.exists():
            return EMPTY
        return self.path.read_bytes().decode()

    def write(self, text: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(text.encode())

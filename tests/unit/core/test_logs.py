"""Logs: one JSON object a line, and never what people wrote."""

from __future__ import annotations

import json
import subprocess
import sys

from bot.core.logs import reference
from bot.core.settings import ROOT

PLANTED = "minha senha é batata"
SCRIPT = f"""
import logging
from bot.core.logs import configure_logs
import structlog

configure_logs("LEVEL")
log = structlog.get_logger()
log.debug("detail_seen")
log.info("message_received", inbox_id=7)
library = logging.getLogger("library")
library.info("{PLANTED}")
library.warning("{PLANTED}")
try:
    raise ValueError("{PLANTED}")
except ValueError:
    library.exception("{PLANTED}")
"""


def lines_at(level: str) -> list[dict[str, object]]:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("LEVEL", level)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert PLANTED not in ended.stderr
    assert ended.stdout == ""
    return [json.loads(line) for line in ended.stderr.splitlines()]


class TestLines:
    def test_library_is_quoted_by_name_and_kind_of_error_alone(self):
        lines = lines_at("DEBUG")

        assert lines[-2:] == [
            {"level": "warning", "logger": "library"},
            {"level": "error", "logger": "library", "kind": "ValueError"},
        ]
        assert [line.get("event") for line in lines[:-2]] == [
            "detail_seen",
            "message_received",
        ]

    def test_level_hides_what_is_below_it(self):
        lines = lines_at("error")

        assert lines == [{"level": "error", "logger": "library", "kind": "ValueError"}]


class TestReference:
    def test_same_person_has_the_same_reference(self):
        once = reference("whatsapp:+5511987654321", key="chave")
        again = reference("whatsapp:+5511987654321", key="chave")

        assert once == again

    def test_reference_does_not_tell_the_number(self):
        assert "987654321" not in reference("whatsapp:+5511987654321", key="chave")

    def test_another_key_gives_another_reference(self):
        one = reference("whatsapp:+5511987654321", key="chave")
        two = reference("whatsapp:+5511987654321", key="outra")

        assert one != two

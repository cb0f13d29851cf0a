"""Structured logs: an event's name and its fields, never what people wrote.

Message text, telephone numbers, names and tokens do not belong in a log line.
Who a line is about is said by `reference`, a keyed hash.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import sys

import structlog

_REFERENCE_DIGITS = 12


def configure_logs(level: str) -> None:
    """Writes one JSON object a line to standard error, from `level` on."""
    number = logging.getLevelName(level.upper())
    threshold = number if isinstance(number, int) else logging.INFO
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_WithoutWords())
    logging.basicConfig(
        handlers=[handler],
        level=max(threshold, logging.WARNING),  # libraries print addresses at INFO
        force=True,
    )
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


class _WithoutWords(logging.Formatter):
    """Says that a library complained, and of what kind of error; never its words.

    The text of an error, as a trace shows it, may hold what people wrote.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = {"level": record.levelname.lower(), "logger": record.name}
        if record.exc_info and record.exc_info[0]:
            line["kind"] = record.exc_info[0].__name__
        return json.dumps(line)


def reference(subject: str, *, key: str) -> str:
    """Returns a stable name for a person or conversation that tells nobody who."""
    digest = hmac.new(key.encode(), subject.encode(), hashlib.sha256).hexdigest()
    return digest[:_REFERENCE_DIGITS]

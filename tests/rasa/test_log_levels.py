"""Rasa writes messages and slots in full at DEBUG, and `LOG_LEVEL` is its too."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from bot.core.settings import load_settings
from connectors.rasa_channel import WhatsAppChannel


@pytest.fixture
def rasa_logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("rasa")
    level = logger.level
    yield logger
    logger.setLevel(level)


@pytest.mark.parametrize(
    ("level", "kept"),
    [("DEBUG", "INFO"), ("INFO", "INFO"), ("WARNING", "WARNING"), ("ERROR", "ERROR")],
)
def test_rasa_never_writes_what_people_say(rasa_logger, tmp_path, level, kept):
    rasa_logger.setLevel(level)
    environ = {"DATABASE_URL": f"sqlite:///{tmp_path}/channel.db", "LOG_LEVEL": level}
    channel = WhatsAppChannel(load_settings(environ, folder=tmp_path))

    channel.blueprint(lambda _message: None)

    assert logging.getLevelName(rasa_logger.level) == kept
    assert not logging.getLogger("rasa.core.processor").isEnabledFor(logging.DEBUG)

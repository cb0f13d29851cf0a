"""Starts the panel: `python -m panel`."""

from __future__ import annotations

import logging
import sys

from bot.core.errors import SettingsError
from bot.core.settings import load_settings
from bot.store.database import open_engine
from bot.store.migrate import upgrade
from panel.app import build_app


def main() -> int:
    """Brings the database up to date and serves until it is told to stop."""
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.stderr.write(f"Configuração com problema:\n{error}\n")
        return 2
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    engine = open_engine(settings.database_url)
    upgrade(engine)
    engine.dispose()
    build_app(settings).run(
        host=settings.panel_host,
        port=settings.panel_port,
        access_log=False,
        motd=False,
        single_process=True,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

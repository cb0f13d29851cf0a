"""Starts the panel: `python -m panel`."""

from __future__ import annotations

import logging
import sys

from bot.core.errors import SettingsError
from bot.core.settings import load_settings
from bot.store.database import open_engine
from bot.store.migrate import upgrade
from bot.web import serve
from panel.app import build_app

_log = logging.getLogger("panel")


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
    for noisy in ("sanic", "alembic"):  # Sanic's own lines hold whole addresses
        logging.getLogger(noisy).setLevel(logging.WARNING)
    engine = open_engine(settings.database_url)
    upgrade(engine)
    engine.dispose()
    _log.info("panel_starting address=%s/painel", settings.panel_base_url)
    serve(build_app(settings), host=settings.panel_host, port=settings.panel_port)
    return 0


if __name__ == "__main__":
    sys.exit(main())

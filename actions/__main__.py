"""Starts the action server: `python -m actions`.

`python -m rasa_sdk` is not supported: it builds actions without arguments, so
that no client or database could be passed to them (ADR 0003).
"""

from __future__ import annotations

import sys

from actions.google.cipher import TokenCipher
from actions.google.robot import ServiceAccount
from actions.server import build_app
from bot.core.errors import SettingsError
from bot.core.logs import configure_logs
from bot.core.office import load_office
from bot.core.settings import ROOT, load_settings
from bot.web import serve


def main() -> int:
    """Runs the action server on loopback until it is told to stop."""
    try:
        settings = load_settings()
        TokenCipher(settings.token_keys)
        if settings.google_service_account_file:
            ServiceAccount(settings, ())
        load_office(ROOT / settings.office_file)
    except SettingsError as error:
        print(f"Configuração errada:\n{error}", file=sys.stderr)  # noqa: T201
        return 2
    configure_logs(settings.log_level)
    app = build_app(settings)
    serve(app, host="127.0.0.1", port=settings.actions_port)
    return 0


if __name__ == "__main__":
    sys.exit(main())

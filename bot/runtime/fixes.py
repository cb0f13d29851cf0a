"""Named changes to Rasa 3.6.21 where it has no extension point.

Each one is small, does one thing, and is installed only on the exact version
that it was written for.
"""

from __future__ import annotations

from typing import Any

import rasa
from rasa.core.actions.action import RemoteAction
from rasa.utils.endpoints import EndpointConfig

from bot.core.settings import Settings

WRITTEN_FOR = "3.6.21"
SECRET_HEADER = "X-PocketMKT-Secret"  # noqa: S105 - the header's name


class UnexpectedRasaVersionError(Exception):
    """Another Rasa is installed than the one that the fixes were written for."""


def install(settings: Settings) -> None:
    """Installs every fix; doing it again changes nothing.

    Raises:
        UnexpectedRasaVersionError: on any other Rasa version.
    """
    if rasa.__version__ != WRITTEN_FOR:
        raise UnexpectedRasaVersionError(
            f"written for Rasa {WRITTEN_FOR}, found {rasa.__version__}"
        )
    _call_configured_action_server(settings)


def _call_configured_action_server(settings: Settings) -> None:
    """Sends action calls to `ACTIONS_PORT`, with the shared secret.

    `endpoints.yml` cannot hold them: its variables must all be set, or
    `rasa run` and `rasa shell` refuse to start on a fresh clone.
    """
    endpoint = EndpointConfig(
        url=f"{settings.actions_url}/webhook",
        headers={SECRET_HEADER: settings.actions_secret},
    )

    def construct(self: Any, name: str, action_endpoint: Any) -> None:
        self._name = name
        self.action_endpoint = endpoint

    RemoteAction.__init__ = construct

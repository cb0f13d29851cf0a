"""Keepers as they are while Google is not connected."""

from __future__ import annotations

from pathlib import Path

from actions.keepers import Keepers
from actions.open_keepers import local_gateways
from bot.core.google_link import GoogleStatus, Link
from bot.core.schedule import ZONE


def local_keepers(folder: Path) -> Keepers:
    """Returns keepers that keep everything below a folder."""
    local = local_gateways(folder, ZONE.key)
    return Keepers(local=local, google=local, status=lambda: GoogleStatus(Link.OFF))

"""Opens the two sides that may keep calendars, files and spreadsheets."""

from __future__ import annotations

from pathlib import Path

from actions.gateways.google_calendar import GoogleCalendar
from actions.gateways.google_calls import GoogleCalls
from actions.gateways.google_files import GoogleFiles
from actions.gateways.google_sheets import GoogleSpreadsheets
from actions.gateways.local_calendar import LocalCalendar
from actions.gateways.local_files import LocalFiles
from actions.gateways.local_sheets import LocalSpreadsheets
from actions.google.account import GoogleAccount
from actions.keepers import Gateways, Keepers
from bot.core.office import Office
from bot.core.settings import ROOT, Settings


def open_keepers(settings: Settings, account: GoogleAccount, office: Office) -> Keepers:
    """Returns both sides; nothing is read or called yet.

    Args:
        settings: addresses, folders, time-outs.
        account: the office's connection to Google.
        office: its zone.
    """
    calls = GoogleCalls(
        account,
        base_url=settings.google_api_base_url,
        timeout_s=settings.google_timeout_s,
    )
    zone = office.zone.key
    return Keepers(
        local=local_gateways(ROOT / settings.office_dir, zone),
        google=Gateways(
            calendar=GoogleCalendar(calls, zone=zone),
            files=GoogleFiles(calls),
            sheets=GoogleSpreadsheets(calls),
        ),
        status=account.status,
    )


def local_gateways(folder: Path, zone: str) -> Gateways:
    """Returns the stand-ins on this machine, below a folder.

    Args:
        folder: made when something is first kept.
        zone: the office's, as `America/Sao_Paulo`.
    """
    return Gateways(
        calendar=LocalCalendar(folder / "agenda", zone=zone),
        files=LocalFiles(folder / "pastas"),
        sheets=LocalSpreadsheets(folder / "planilhas"),
    )

"""`make modo [MODO=…] [TELEFONE=…] [HORAS=…]`: who answers, all or one person."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.core.errors import SettingsError, UserInputError
from bot.core.modes import WORDS, Mode
from bot.core.office import zone_in
from bot.core.phones import parse_phone, same_person_addresses
from bot.core.settings import ROOT, Settings, load_settings
from bot.store import modes
from bot.store.database import open_engine, reading, writing
from bot.store.migrate import upgrade
from bot.store.modes import OFFICE, Chosen
from bot.store.schema import conversation

_WHO = "terminal"
_HOUR_S = 3600.0
_LONGEST_H = 24 * 365


def main(arguments: list[str] | None = None) -> int:
    """Shows the mode, or changes it at once; nothing needs to be restarted."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("modo", "telefone", "horas"):
        parser.add_argument(f"--{name}", default="")
    options = parser.parse_args(arguments)
    try:
        settings = load_settings()
        engine = open_engine(settings.database_url)
        upgrade(engine)
        mode, until_at = _mode(options.modo), _until(options.horas)
        with reading(engine) as connection:
            scope = _scope(connection, options.telefone)
        if mode is not None:
            choice = Chosen(scope, mode, until_at, time.time(), _WHO)
            with writing(engine) as connection:
                modes.choose(connection, choice)
        with reading(engine) as connection:
            print(_shown(connection, scope, settings))
    except (UserInputError, SettingsError) as error:
        print(f"{error}\n{_usage()}", file=sys.stderr)
        return 2
    return 0


def _usage() -> str:
    lines = "\n".join(f"  {mode.value}: {words}" for mode, words in WORDS.items())
    return f"Uso: make modo [MODO=…] [TELEFONE=+5511987654321] [HORAS=8]\n{lines}"


def _mode(written: str) -> Mode | None:
    if not written.strip():
        return None
    try:
        return Mode(written.strip())
    except ValueError as error:
        raise UserInputError(
            f"Não conheço o modo “{written}”.", field="MODO"
        ) from error


def _until(hours: str) -> float | None:
    if not hours.strip():
        return None
    try:
        number = float(hours.replace(",", "."))
    except ValueError as error:
        raise UserInputError("HORAS deve ser um número.", field="HORAS") from error
    if not 0 < number <= _LONGEST_H:
        raise UserInputError("HORAS deve ser maior que zero.", field="HORAS")
    return time.time() + number * _HOUR_S


def _scope(connection: Connection, phone: str) -> str:
    if not phone.strip():
        return OFFICE
    number = parse_phone(phone, field="TELEFONE")
    addresses = same_person_addresses(f"whatsapp:{number}")
    query = sa.select(conversation.c.id).where(conversation.c.address.in_(addresses))
    found = connection.execute(query).scalar()
    if found is None:
        raise UserInputError(
            f"Ninguém escreveu ainda do número {number}.", field="TELEFONE"
        )
    return str(found)


def _shown(connection: Connection, scope: str, settings: Settings) -> str:
    now = time.time()
    choice = modes.chosen(connection, scope, now=now)
    effective = modes.mode_of(connection, scope, default=settings.mode, now=now)
    whose = "Modo do escritório" if scope == OFFICE else "Modo desta conversa"
    until = ""
    if choice is not None and choice.until_at is not None:
        zone = zone_in(ROOT / settings.office_file)
        moment = datetime.fromtimestamp(choice.until_at, zone)
        until = f", até {moment:%d/%m às %Hh%M}"
    if choice is not None and choice.mode is not effective:
        until += " (o do escritório é mais restrito e vale)"
    return f"{whose}: {effective.value} ({WORDS[effective]}){until}"


if __name__ == "__main__":
    sys.exit(main())

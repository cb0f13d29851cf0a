"""A fresh database for a run: a file of its own, or one beside a given one."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from bot.core.settings import load_settings
from bot.store.schema import conversation, person


class DatabaseInUseError(Exception):
    """The database that was named has people in it."""


@dataclass
class FreshDatabase:
    """Where a run writes."""

    url: str
    kind: str
    """`sqlite` or `postgresql`."""
    is_kept: bool = False
    """Whether it stays when the run is over, for who looks for a fault."""


@contextlib.contextmanager
def fresh_database(url: str, folder: Path) -> Iterator[FreshDatabase]:
    """Yields a database that nobody has used yet.

    Args:
        url: `postgresql://…` of a server where we may make a database, or "" for
            a SQLite file in `folder`.
        folder: of the run.

    Raises:
        DatabaseInUseError: the database that the URL names has people in it.
    """
    if not url.startswith("postgresql"):
        yield FreshDatabase(f"sqlite:///{folder}/banco.db", "sqlite")
        return
    url = load_settings({"DATABASE_URL": url}, folder=folder).database_url
    given = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    name = f"pocketmkt_chaos_{uuid.uuid4().hex[:12]}"
    address = sa.engine.make_url(url).set(database=name)
    fresh = FreshDatabase(address.render_as_string(hide_password=False), "postgresql")
    try:
        _refuse_people(given)
        _execute(given, f'CREATE DATABASE "{name}"')
        yield fresh
        if not fresh.is_kept:
            _execute(given, f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        given.dispose()


def _refuse_people(engine: sa.engine.Engine) -> None:
    with engine.connect() as connection:
        for table in (person, conversation):
            if not sa.inspect(connection).has_table(table.name):
                continue
            query = sa.select(sa.func.count()).select_from(table)
            if connection.execute(query).scalar_one():
                raise DatabaseInUseError(
                    f"a tabela {table.name} desse banco tem gente: escolha outro"
                )


def _execute(engine: sa.engine.Engine, statement: str) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)

"""Brings a database to the current schema, at the start of any process.

Several processes may start at once: one migrates, the others wait.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, Engine

from bot.core.settings import load_settings
from bot.store.database import open_engine, writing

_ADVISORY_LOCK = 7_266_301
"""Any constant; PostgreSQL's lock that keeps two migrations apart."""


def upgrade(engine: Engine, *, revision: str = "head") -> None:
    """Runs the migrations that are missing; none are, in the usual start."""
    config = _config()
    with engine.connect() as connection:
        if revision == "head" and _current(connection) == _head(config):
            return
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(
                f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def downgrade(engine: Engine, *, revision: str) -> None:
    """Takes migrations back, down to a revision or to `base`."""
    config = _config()
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def _config() -> Config:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _head(config: Config) -> str | None:
    return ScriptDirectory.from_config(config).get_current_head()


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def main() -> int:
    """Migrates the configured database."""
    upgrade(open_engine(load_settings().database_url))
    return 0


if __name__ == "__main__":
    sys.exit(main())

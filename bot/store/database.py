"""Opens the database, and nothing else: SQLite by file, or PostgreSQL.

Use `writing(engine)` for every change and `reading(engine)` for look-ups. A
SQLite writer takes the write lock at its start (`BEGIN IMMEDIATE`), so that it
never has to upgrade a read lock and fail.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

_BUSY_TIMEOUT_S = 10
"""Less than the 15 s after which Twilio gives a webhook up."""
_BEGIN = "BEGIN IMMEDIATE"
_LINES: dict[str, threading.Lock] = {}
"""By the address of a SQLite file."""
_LOCK_POLL_S = 0.001
_POOL_SIZE = 8
_WRITE_OPTION = "pocketmkt_writes"


def open_engine(url: str) -> Engine:
    """Returns an engine for a SQLite or PostgreSQL URL; does not connect yet.

    SQLite runs in WAL mode with synchronous=FULL: a commit survives a power cut.
    Errors do not list what was to be written, which is what people say; those of
    PostgreSQL may still quote it, so logs carry the kind of an error alone.
    """
    if not url.startswith("sqlite"):
        return sa.create_engine(
            url,
            future=True,
            pool_size=_POOL_SIZE,
            max_overflow=_POOL_SIZE,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"connect_timeout": 5},
        )
    Path(url[len("sqlite:///") :]).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(
        url,
        future=True,
        poolclass=sa.pool.QueuePool,
        pool_size=_POOL_SIZE,
        max_overflow=_POOL_SIZE,
        hide_parameters=True,
        connect_args={
            "timeout": _BUSY_TIMEOUT_S,
            "check_same_thread": False,
            "isolation_level": None,
        },
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    if not connection.get_execution_options().get(_WRITE_OPTION, False):
        connection.exec_driver_sql("BEGIN")
        return
    raw: Any = connection.connection.dbapi_connection
    raw.execute("PRAGMA busy_timeout = 0")
    try:
        _take_write_lock(raw)
    finally:
        raw.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_S * 1000}")


def _take_write_lock(raw: Any) -> None:
    """Asks for SQLite's write lock every millisecond.

    SQLite's own waiting sleeps up to 0.1 s at a time: under load a webhook lost to
    whoever came just as the lock was free, and one in a hundred waited for 0.5 s.
    """
    ends_at = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            raw.execute(_BEGIN)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= ends_at:
                raise sa.exc.OperationalError(_BEGIN, None, error) from error
            time.sleep(_LOCK_POLL_S)
        else:
            return


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Opens one transaction that writes; commits at its end, or rolls back."""
    with _in_line(engine):
        writer = engine.connect().execution_options(**{_WRITE_OPTION: True})
        with writer as connection, connection.begin():
            yield connection


@contextlib.contextmanager
def _in_line(engine: Engine) -> Iterator[None]:
    """Lets one thread of this process at a time ask for SQLite's write lock.

    A process with sixteen turns that all ask would get it sixteen times as often.
    """
    if engine.dialect.name != "sqlite":
        yield
        return
    line = _LINES.setdefault(str(engine.url), threading.Lock())
    if not line.acquire(timeout=_BUSY_TIMEOUT_S):
        raise sa.exc.OperationalError(_BEGIN, None, TimeoutError("database is locked"))
    try:
        yield
    finally:
        line.release()


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Opens one transaction that only reads."""
    with engine.connect() as connection:
        yield connection


def insert_or_ignore(connection: Connection, table: sa.Table) -> Any:
    """Returns an INSERT that does nothing where a unique key already stands."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table).on_conflict_do_nothing()


def for_update_skip_locked(connection: Connection, query: Any) -> Any:
    """Adds row locks where the database has them; SQLite's writer is alone."""
    if connection.dialect.name == "sqlite":
        return query
    return query.with_for_update(skip_locked=True)

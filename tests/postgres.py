"""A private PostgreSQL server: a folder of its own, loopback only, thrown away."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

_INSTALLED = Path("/usr/lib/postgresql")
_OPTIONS = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=100",
    "fsync=off",  # nothing here must survive the machine
    "full_page_writes=off",
)


class PostgresServer:
    """Starts, stops and makes databases; runs as `postgres` where we are root."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._account = "postgres" if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="pocketmkt-postgres-"))
        self._numbers = itertools.count(1)
        self.port = _free_port()
        if self._account:
            known = pwd.getpwnam(self._account)
            os.chown(self._folder, known.pw_uid, known.pw_gid)
        self._run(
            *("initdb", "--username=test", "--auth=trust", "--no-sync"),
            *("--encoding=UTF8", "--locale=C", f"--pgdata={self._data}"),
        )

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def start(self) -> None:
        """Returns once the server takes connections."""
        options = " ".join(f"-c {option}" for option in (*_OPTIONS, self._port_option))
        log = self._folder / "log"
        self._control("start", "--wait", f"--log={log}", f"--options={options}")

    @property
    def _port_option(self) -> str:
        return f"port={self.port}"

    def stop(self) -> None:
        """Ends the server and every connection to it at once."""
        self._control("stop", "--wait", "--mode=fast")

    def new_database(self, *, like: str = "template1") -> str:
        """Returns the address of a fresh database, a copy of another."""
        name = f"test_{next(self._numbers)}"
        connection = psycopg2.connect(self._address("postgres", scheme="postgresql"))
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
        connection.close()
        return self._address(name)

    def remove(self) -> None:
        """Deletes the server's folder."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _address(self, name: str, *, scheme: str = "postgresql+psycopg2") -> str:
        return f"{scheme}://test@127.0.0.1:{self.port}/{name}"

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", f"--pgdata={self._data}", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        identity = {"user": self._account, "extra_groups": []} if self._account else {}
        subprocess.run(
            [str(self._programs / program), *arguments],
            **identity,
            cwd="/",
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for the whole run; each test makes a database of its own."""
    found = sorted(_INSTALLED.glob("*/bin/initdb"))
    if not found:
        pytest.skip("instale o pacote postgresql")
    server = PostgresServer(found[-1].parent)
    server.start()
    yield server
    server.stop()
    server.remove()

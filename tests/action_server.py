"""The real action server as a process, for the tests of both environments.

Standard library alone: Rasa's Python 3.10 starts it in `.venv` all the same.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv" / "bin" / "python"
SECRET = "segredo-dos-testes"
SECRET_HEADER = "X-PocketMKT-Secret"
_READY_WITHIN_S = 60


@dataclass(frozen=True)
class ActionServer:
    """A running action server."""

    port: int
    log: Path
    """What it wrote to standard error."""

    def call(
        self,
        body: bytes | Mapping[str, object],
        *,
        secret: str | None = SECRET,
        path: str = "/webhook",
    ) -> tuple[int, str]:
        """Returns the status and the body of one POST."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if secret is not None:
            headers[SECRET_HEADER] = secret
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data, headers
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


def free_port() -> int:
    """Returns a TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(folder: Path, *, port: int) -> dict[str, str]:
    """Returns settings that touch nothing outside a folder."""
    return {
        "ACTIONS_PORT": str(port),
        "ACTIONS_SECRET": SECRET,
        "DATABASE_URL": f"sqlite:///{folder / 'teste.db'}",
        "CASES_FILE": str(folder / "processos.csv"),
        "MEDIA_DIR": str(folder / "midia"),
        "OFFICE_DIR": str(folder / "escritorio"),
        "OLLAMA_HOST": "",
        "LOG_LEVEL": "INFO",
        "OPENBLAS_NUM_THREADS": "1",
    }


@contextlib.contextmanager
def running(folder: Path, **settings: str) -> Iterator[ActionServer]:
    """Runs `python -m actions` on a free port until the block ends."""
    port = free_port()
    log = folder / f"acoes-{port}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(PYTHON), "-m", "actions"],
            cwd=ROOT,
            env={**os.environ, **environment(folder, port=port), **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(process, port, log)
            yield ActionServer(port, log)
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/pronto", timeout=2).close()
            return
        time.sleep(0.1)
    raise AssertionError(f"the action server did not start:\n{log.read_text()}")

"""A web process ends when it is told to, whenever that is."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.stack import ROOT, free_port, wait_until

PROGRAM = """
import asyncio, os, signal, sys
from sanic import Sanic, text
from bot.web import serve

app = Sanic("parada", configure_logging=False)

@app.get("/devagar")
async def slow(request):
    print("em curso", flush=True)
    await asyncio.sleep(0.5)
    return text("pronto")

@app.listener(sys.argv[2])
async def tell(app):
    if sys.argv[3] == "sinal":
        os.kill(os.getpid(), signal.SIGTERM)

@app.after_server_stop
async def closed(app):
    print("fechado", flush=True)

print("no ar", flush=True)
serve(app, host="127.0.0.1", port=int(sys.argv[1]))
"""


@contextmanager
def program(port: int, listener: str, what: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(port), listener, what],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("moment", ["before_server_start", "after_server_start"])
def test_signal_during_the_start_is_not_forgotten(moment: str) -> None:
    with program(free_port(), moment, "sinal") as process:
        said, _ = process.communicate(timeout=20)

    assert process.returncode == 0
    assert said.splitlines() == ["no ar", "fechado"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_request_under_way_gets_its_answer_before_the_end(how: signal.Signals) -> None:
    port = free_port()
    got: list[bytes] = []

    def ask() -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/devagar") as reply:
            got.append(reply.read())

    with program(port, "after_server_start", "nada") as process:
        assert process.stdout is not None
        wait_until(lambda: _accepts(port), within_s=20)
        asking = threading.Thread(target=ask)
        asking.start()
        while process.stdout.readline().strip() != "em curso":
            assert process.poll() is None
        process.send_signal(how)
        asking.join(timeout=10)
        said, _ = process.communicate(timeout=20)

    assert got == [b"pronto"]
    assert said.split() == ["fechado"]
    assert process.returncode == 0


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0

"""Processes are begun without a fork: another thread may hold the algebra's locks.

Libraries like OpenBLAS stop their threads before each fork; one that comes while
another thread multiplies can wait for ever, and the whole action server with it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from bot.core.settings import ROOT

PROGRAM = """
import asyncio, os, sys, threading
import numpy, uvloop
from actions.speech.decoding import decode
from actions.speech.local import _Worker
from tests.fala import recording

forks = []
os.register_at_fork(before=lambda: forks.append(1))
busy = numpy.random.rand(300, 300)

def multiply():
    while True:
        numpy.linalg.inv(busy)

async def main():
    threading.Thread(target=multiply, daemon=True).start()
    for _ in range(10):
        await decode(recording("k_n4"), longest_s=60)
    for _ in range(10):
        worker = await _Worker.start([sys.executable, "-c", "input()"])
        await worker.kill()
    print(len(forks), flush=True)
    os._exit(0)

uvloop.run(main())
"""


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="falta o ffmpeg")
def test_nothing_is_forked_while_others_compute():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, timeout=120, check=True,
        capture_output=True, text=True,
    )  # fmt: skip

    assert done.stdout == "0\n"

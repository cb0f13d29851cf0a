"""The process that hears: one note at a time, and nothing is lost if it is killed.

It talks over its standard input and output in frames: four bytes of length (big
endian), a JSON object, and after a request the samples as 32-bit floats. A model
loads once; `{"pronto": true}` says so.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import signal
import struct
import sys
import time
from typing import Any, BinaryIO

import numpy as np

from actions.speech.cleaning import clean
from actions.speech.decoding import Samples
from actions.speech.engines import Engine, EngineError, open_engine
from actions.speech.voice import LEAST_SPEECH_S, find_voice
from bot.core.speech import Trouble

LENGTH = struct.Struct(">I")
_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux's prctl."""
_NICENESS = 10
"""A turn of the conversation goes before a note."""


def main(arguments: list[str] | None = None) -> int:
    """Loads a model, then answers until its input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--engine", "--model", "--device"):
        parser.add_argument(name, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args(arguments)
    _end_with_parent()
    answers = _own_output()
    started = time.perf_counter()
    try:
        engine = open_engine(
            options.engine,
            model=options.model,
            device=options.device,
            threads=options.threads,
        )
        find_voice(np.zeros(1600, np.float32))
    except EngineError as error:
        write_frame(answers, {"pronto": False, "problema": str(error)})
        return 1
    except ImportError:
        problem = "falta o detector de voz: rode 'make whisper'"
        write_frame(answers, {"pronto": False, "problema": problem})
        return 1
    took_s = time.perf_counter() - started
    write_frame(answers, {"pronto": True, "carregou_s": round(took_s, 2)})
    _serve(engine, sys.stdin.buffer, answers)
    return 0


def _end_with_parent() -> None:
    """Lets the kernel end this process with the action server, however that ends."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    with contextlib.suppress(OSError):
        os.nice(_NICENESS)


def _own_output() -> BinaryIO:
    """Keeps the output for frames: what libraries print goes to the error stream."""
    own = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return own


def _serve(engine: Engine, requests: BinaryIO, answers: BinaryIO) -> None:
    while (request := read_frame(requests)) is not None:
        samples = read_samples(requests, int(request["amostras"]))
        if samples is None:
            return
        write_frame(answers, _hear(engine, samples, str(request["vocabulario"])))


def _hear(engine: Engine, samples: Samples, prompt: str) -> dict[str, Any]:
    voice = find_voice(samples)
    if voice.speech_s < LEAST_SPEECH_S:
        return {"motivo": Trouble.SILENT.value, "fala_s": voice.speech_s}
    found = clean(engine(voice.samples, prompt), prompt=prompt)
    if not found.text:
        return {"motivo": Trouble.UNCLEAR.value, "fala_s": voice.speech_s}
    return {
        "texto": found.text,
        "confianca": found.confidence,
        "fala_s": voice.speech_s,
    }


def write_frame(stream: BinaryIO, content: dict[str, Any]) -> None:
    """Writes one frame."""
    body = json.dumps(content).encode()
    stream.write(LENGTH.pack(len(body)) + body)
    stream.flush()


def read_frame(stream: BinaryIO) -> dict[str, Any] | None:
    """Returns the next frame; None at the end of the input."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    body = stream.read(LENGTH.unpack(head)[0])
    return dict(json.loads(body))


def read_samples(stream: BinaryIO, count: int) -> Samples | None:
    """Returns samples; None where the input ends before the last of them."""
    size = np.dtype(np.float32).itemsize
    raw = stream.read(count * size)
    return np.frombuffer(raw, np.float32) if len(raw) == count * size else None


if __name__ == "__main__":
    sys.exit(main())

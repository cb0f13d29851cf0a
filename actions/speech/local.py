"""Whisper on this host: a worker process that can be ended at any time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from actions.speech.decoding import Decoded, decode, kill_group
from actions.speech.worker import LENGTH
from bot.core.settings import ROOT, Settings
from bot.core.speech import Heard, SpeechError, Trouble

_LOADING_S = 600.0
"""A model that is named and not there is fetched first."""
_LOADING_WAIT_S = 20.0
"""How long a note waits for a model that is being loaded."""
_POLL_S = 0.25
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 60.0
log = structlog.get_logger()


@dataclass(frozen=True)
class SpeechSettings:
    """How the worker runs, and what it takes."""

    engine: str
    model: str
    device: str
    threads: int
    deadline_s: float
    """For one note, from the file to the text."""
    longest_s: float
    """Seconds of sound that a note may have."""

    @classmethod
    def of(cls, settings: Settings) -> SpeechSettings:
        """Reads the settings."""
        return cls(
            engine=settings.whisper_engine,
            model=settings.whisper_model,
            device=settings.whisper_device,
            threads=settings.whisper_threads,
            deadline_s=settings.whisper_deadline_s,
            longest_s=settings.whisper_max_s,
        )


class _Ended(Exception):
    """The worker closed its output."""


class LocalTranscriber:
    """One worker process; it loads its model when it starts, and again when it died."""

    def __init__(self, settings: SpeechSettings, prompt: str = "") -> None:
        """Prepares it; `start` begins.

        Args:
            settings: engine, model, limits.
            prompt: the office's words.
        """
        self._settings = settings
        self._prompt = prompt
        self._turn = asyncio.Lock()
        self._process: _Worker | None = None
        self._ready: asyncio.Event = asyncio.Event()
        self._problem = "o Whisper ainda está carregando o modelo"
        self._is_hopeless = False
        """The last worker said that it cannot start."""
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process number of the worker, where one runs."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Begins to load the model; does not wait for it."""
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Ends the worker."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._kill()

    async def problem(self) -> str:
        """Returns what keeps the worker from hearing, in Portuguese, or ""."""
        if not shutil.which("ffmpeg"):
            return "falta o ffmpeg: instale-o com 'apt-get install ffmpeg'"
        return "" if self._ready.is_set() else self._problem

    async def wait_ready(self) -> None:
        """Returns once the model is loaded."""
        await self._ready.wait()

    async def transcribe(self, audio: Path, prompt: str | None = None) -> Heard:
        """Returns what a file says; one at a time, others wait.

        Args:
            audio: any container that voice is recorded in.
            prompt: other words than the office's, for this note.

        Raises:
            SpeechError: it became no text; after `LATE` and `BROKE` a new worker
                starts.
        """
        started = time.perf_counter()
        decoded = await decode(audio, longest_s=self._settings.longest_s)
        async with self._turn:
            answer = await self._ask(
                decoded, self._prompt if prompt is None else prompt
            )
        if "motivo" in answer:
            raise SpeechError(Trouble(answer["motivo"]))
        return Heard(
            text=str(answer["texto"]),
            confidence=float(answer["confianca"]),
            audio_s=decoded.audio_s,
            speech_s=float(answer["fala_s"]),
            took_s=time.perf_counter() - started,
            engine=f"{self._settings.engine}:{Path(self._settings.model).stem}",
            is_damaged=decoded.is_damaged,
        )

    async def _ask(self, decoded: Decoded, prompt: str) -> dict[str, Any]:
        await self._wait_a_while()
        process = self._process
        if process is None or not self._ready.is_set():
            raise SpeechError(Trouble.OFF, self._problem)
        head = {"amostras": len(decoded.samples), "vocabulario": prompt}
        try:
            async with asyncio.timeout(self._settings.deadline_s):
                await _send(process, head, decoded.samples.tobytes())
                return await _receive(process)
        except TimeoutError:
            await self._kill()
            raise SpeechError(Trouble.LATE) from None
        except (OSError, _Ended, ValueError) as error:
            await self._kill()
            raise SpeechError(Trouble.BROKE, type(error).__name__) from error
        except asyncio.CancelledError:
            await self._kill()  # it is in the middle of a note that nobody awaits
            raise

    async def _wait_a_while(self) -> None:
        """Waits for a model that is being loaded; not for one that cannot be."""
        if self._is_hopeless:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(_LOADING_WAIT_S, self._settings.deadline_s)):
                await self._ready.wait()

    async def _keep(self) -> None:
        """Starts a worker, and another one whenever it ended."""
        pause = _FIRST_PAUSE_S
        while True:
            try:
                async with asyncio.timeout(_LOADING_S):
                    is_loaded = await self._load()
            except (TimeoutError, OSError, _Ended, ValueError) as error:
                is_loaded = False
                log.warning("speech_not_loaded", kind=type(error).__name__)
            if is_loaded and self._process is not None:
                pause = _FIRST_PAUSE_S
                code = await self._process.wait()
                self._ready.clear()
                self._problem = "o Whisper parou e está voltando"
                log.warning("speech_worker_ended", code=code)
            await self._kill()
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE_S, pause * 2)

    async def _load(self) -> bool:
        settings = self._settings
        command = [
            sys.executable, "-m", "actions.speech.worker",
            "--engine", settings.engine, "--model", settings.model,
            "--device", settings.device, "--threads", str(settings.threads),
        ]  # fmt: skip
        self._process = await _Worker.start(command)
        said = await _receive(self._process)
        if not said.get("pronto"):
            self._is_hopeless = True
            self._problem = str(said.get("problema", "o Whisper não abriu"))
            log.error("speech_unavailable", problem=self._problem)
            return False
        self._is_hopeless = False
        self._ready.set()
        log.info("speech_ready", load_s=said.get("carregou_s"))
        return True

    async def _kill(self) -> None:
        self._ready.clear()
        if self._process is not None:
            await self._process.kill()


class _Worker:
    """The process, and the two pipes to it."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        answers: asyncio.StreamReader,
        requests: asyncio.StreamWriter,
        pipes: tuple[asyncio.BaseTransport, ...],
    ) -> None:
        self._process = process
        self._pipes = pipes
        self.answers = answers
        self.requests = requests

    @classmethod
    async def start(cls, command: list[str]) -> _Worker:
        """Begins it in this very thread, which its end is tied to; vfork is quick."""
        loop = asyncio.get_running_loop()
        process = subprocess.Popen(  # noqa: ASYNC220, S603 - see `decoding`
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            start_new_session=True,
        )
        answers = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(answers)
        reading, _ = await loop.connect_read_pipe(lambda: protocol, process.stdout)
        writing, flow = await loop.connect_write_pipe(
            lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), process.stdin
        )
        requests = asyncio.StreamWriter(writing, flow, None, loop)
        return cls(process, answers, requests, (reading, writing))

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    async def wait(self) -> int:
        """Returns its exit code once it ended: it is polled, a thread would be kept."""
        while (code := self._process.poll()) is None:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_S)
        return code

    async def kill(self) -> None:
        """Ends it, and all that it began."""
        kill_group(self._process)
        await self.wait()
        for pipe in self._pipes:
            pipe.close()


async def _send(worker: _Worker, head: dict[str, Any], samples: bytes) -> None:
    body = json.dumps(head).encode()
    worker.requests.write(LENGTH.pack(len(body)) + body + samples)
    await worker.requests.drain()


async def _receive(worker: _Worker) -> dict[str, Any]:
    try:
        head = await worker.answers.readexactly(LENGTH.size)
        body = await worker.answers.readexactly(LENGTH.unpack(head)[0])
    except asyncio.IncompleteReadError as error:
        raise _Ended from error
    return dict(json.loads(body))

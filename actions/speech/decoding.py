"""Makes samples of a voice note, in a process that cannot cost more than one.

ffmpeg decodes what strangers send. It gets no network, no other file, little memory,
little time, and the demuxer that the first bytes call for: never one of those that
open further addresses.

Processes are begun by `subprocess`, which uses vfork, and never by the event loop's
own means: uvloop forks, and a fork waits for ever for the algebra library's lock while
another thread multiplies matrices (`tests/unit/test_speech_spawning.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bot.core.speech import SAMPLE_RATE, SpeechError, Trouble

Samples = np.ndarray[Any, np.dtype[np.float32]]
"""Shape (n,), 16 kHz, one channel, -1 to 1."""

DECODE_S = 30.0
"""More than ten times what the longest permitted note takes on a slow core."""
_MEMORY_BYTES = 768 * 1024 * 1024
_CPU_S = 20
_HEAD_BYTES = 4096
_CHUNK_BYTES = 256 * 1024
_BYTES_PER_SAMPLE = 2
_SHORTEST_S = 0.1
_OVER_S = 0.5
_MOST_COMPLAINTS = 4096
_PAGE_BYTES = 27 + 255 + 255 * 255
"""The largest page of an Ogg file."""
_DEMUXERS = (
    (b"OggS", "ogg"),
    (b"#!AMR", "amr"),
    (b"ID3", "mp3"),
    (b"fLaC", "flac"),
    (b"\x1a\x45\xdf\xa3", "matroska"),
)
_FILM_MARKS = {
    "mov": (b"vide",),
    "matroska": (b"V_VP", b"V_AV1", b"V_MPEG", b"V_THEORA"),
    "ogg": (b"\x80theora",),
}


@dataclass(frozen=True)
class Decoded:
    """The sound of a voice note."""

    samples: Samples
    is_damaged: bool = False
    """Parts of the file could not be decoded."""

    @property
    def audio_s(self) -> float:
        """How long it is, seconds."""
        return len(self.samples) / SAMPLE_RATE


async def decode(
    audio: Path, *, longest_s: float, deadline_s: float = DECODE_S
) -> Decoded:
    """Returns the sound of a file.

    Args:
        audio: any container that WhatsApp or a browser records voice in.
        longest_s: the most seconds of sound that it may have.
        deadline_s: the decoder is ended after so many.

    Raises:
        SpeechError: `EMPTY`, `NOT_AUDIO`, `VIDEO`, `TOO_LONG` or `DAMAGED`; `OFF`
            where ffmpeg is not installed.
    """
    demuxer = await asyncio.to_thread(_demuxer, audio)
    sound, said, code = await _run(audio, demuxer, longest_s + _OVER_S, deadline_s)
    if len(sound) > longest_s * SAMPLE_RATE * _BYTES_PER_SAMPLE:
        raise SpeechError(Trouble.TOO_LONG)
    if len(sound) < _SHORTEST_S * SAMPLE_RATE * _BYTES_PER_SAMPLE:
        raise SpeechError(Trouble.DAMAGED if code or said else Trouble.EMPTY)
    samples = np.frombuffer(sound, np.int16).astype(np.float32) / 32768.0
    is_cut = demuxer == "ogg" and await asyncio.to_thread(_is_cut, audio)
    return Decoded(samples, is_damaged=bool(code or said or is_cut))


def _demuxer(audio: Path) -> str:
    """Names the demuxer that a file's first bytes call for."""
    try:
        with audio.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise SpeechError(Trouble.EMPTY, "no file") from error
    if not head:
        raise SpeechError(Trouble.EMPTY)
    found = next((name for mark, name in _DEMUXERS if head.startswith(mark)), "")
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        found = "wav"
    elif head[4:8] == b"ftyp":
        found = "mov"
    elif not found:
        found = _mpeg(head)
    if not found:
        raise SpeechError(Trouble.NOT_AUDIO)
    if any(mark in head for mark in _FILM_MARKS.get(found, ())) or (
        found == "mov" and _has_picture(audio)
    ):
        raise SpeechError(Trouble.VIDEO)
    return found


def _is_cut(audio: Path) -> bool:
    """Says whether the last page of an Ogg file is incomplete: ffmpeg does not.

    A page has 27 bytes, the count of its segments in the last of them, a byte of
    length for each, and the segments (RFC 3533, section 6).
    """
    with audio.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _PAGE_BYTES))
        tail = file.read()
    at = tail.rfind(b"OggS")
    table = tail[at + 27 : at + 27 + tail[at + 26]] if at + 26 < len(tail) else b""
    return at < 0 or at + 27 + len(table) + sum(table) > len(tail) or not table


def _mpeg(head: bytes) -> str:
    """Names a stream of MPEG frames: eleven set bits, then the layer."""
    if len(head) < 2 or head[0] != 0xFF or head[1] < 0xE0:  # noqa: PLR2004
        return ""
    return "aac" if head[1] & 0xF6 == 0xF0 else "mp3"  # noqa: PLR2004


def _has_picture(audio: Path) -> bool:
    """Says whether a track of an MP4 shows something: its index may come last."""
    content = audio.read_bytes()
    at = content.find(b"hdlr")
    while at >= 0:
        if content[at + 12 : at + 16] == b"vide":
            return True
        at = content.find(b"hdlr", at + 4)
    return False


async def _run(
    audio: Path, demuxer: str, most_s: float, deadline_s: float
) -> tuple[bytes, bytes, int]:
    """Returns what the decoder wrote, what it found wrong, and its exit code."""
    command = _command(audio, demuxer, most_s)
    process: list[subprocess.Popen[bytes]] = []
    running = asyncio.ensure_future(
        asyncio.to_thread(_run_blocking, command, deadline_s, process)
    )
    try:
        return await asyncio.shield(running)
    finally:
        for each in process:  # it is long gone, unless nobody awaits it any more
            kill_group(each)


def _command(audio: Path, demuxer: str, most_s: float) -> list[str]:
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise SpeechError(Trouble.OFF, "ffmpeg is not installed")
    limits = shutil.which("prlimit")  # part of util-linux; elsewhere the rest holds
    limited = [limits, f"--as={_MEMORY_BYTES}", f"--cpu={_CPU_S}", "--nofile=64",
               "--fsize=0", "--core=0"] if limits else []  # fmt: skip
    return [
        *limited, ffmpeg, "-nostdin", "-hide_banner", "-v", "error", "-threads", "1",
        "-protocol_whitelist", "file,pipe", "-f", demuxer, "-i", f"file:{audio}",
        "-map", "0:a:0", "-vn", "-sn", "-dn", "-t", f"{most_s:.1f}",
        "-ac", "1", "-ar", str(SAMPLE_RATE), "-f", "s16le", "pipe:1",
    ]  # fmt: skip


def _run_blocking(
    command: list[str], deadline_s: float, started: list[subprocess.Popen[bytes]]
) -> tuple[bytes, bytes, int]:
    ends_at = time.monotonic() + deadline_s
    with subprocess.Popen(  # noqa: S603 - an argument list, no shell
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        start_new_session=True,
    ) as process:
        started.append(process)
        try:
            sound, said = _read(process, ends_at)
            code = process.wait(max(0.0, ends_at - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            raise SpeechError(Trouble.DAMAGED, "deadline of the decoder") from None
        finally:
            kill_group(process)
    return sound, said, code


def _read(process: subprocess.Popen[bytes], ends_at: float) -> tuple[bytes, bytes]:
    """Returns the decoder's sound, whole samples, and the beginning of its complaints.

    `-t` bounds the sound; a spoilt file may be complained about without end.
    """
    assert process.stdout is not None  # noqa: S101 - both were asked for
    assert process.stderr is not None  # noqa: S101
    sound, said = bytearray(), bytearray()
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ, sound)
        ready.register(process.stderr, selectors.EVENT_READ, said)
        while ready.get_map():
            events = ready.select(max(0.0, ends_at - time.monotonic()))
            if not events:
                raise TimeoutError
            for key, _ in events:
                chunk = os.read(key.fd, _CHUNK_BYTES)
                if not chunk:
                    ready.unregister(key.fileobj)
                elif key.data is sound or len(said) < _MOST_COMPLAINTS:
                    key.data.extend(chunk)
    return bytes(sound[: len(sound) - len(sound) % _BYTES_PER_SAMPLE]), bytes(said)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Ends a process that leads a session of its own, with all that it began."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

"""What strangers send as a voice note, through the real decoder."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import socket
import struct
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from actions.speech.decoding import decode
from bot.core.speech import SAMPLE_RATE, SpeechError, Trouble
from tests.fala import ffmpeg, recording

pytestmark = pytest.mark.skipif(
    not shutil.which("ffmpeg"), reason="falta o ffmpeg: apt-get install ffmpeg"
)
LONGEST_S = 60.0


async def trouble_with(path: Path, longest_s: float = LONGEST_S) -> Trouble:
    with pytest.raises(SpeechError) as caught:
        await decode(path, longest_s=longest_s)
    return caught.value.trouble


@pytest.fixture
def note() -> Path:
    return recording("k_n4")


async def test_note_of_whatsapp_is_decoded(note):
    decoded = await decode(note, longest_s=LONGEST_S)

    assert decoded.samples.dtype == np.float32
    assert decoded.samples.ndim == 1
    assert decoded.audio_s == pytest.approx(6.6, abs=0.1)
    assert 0.05 < float(np.abs(decoded.samples).max()) <= 1.0
    assert not decoded.is_damaged


@pytest.mark.parametrize(
    ("suffix", "arguments"),
    [
        ("ogg", ("-c:a", "libopus")),
        ("mp3", ("-c:a", "libmp3lame")),
        ("m4a", ("-c:a", "aac")),
        ("aac", ("-c:a", "aac")),
        ("3gp", ("-c:a", "aac")),
        ("webm", ("-c:a", "libopus")),
        ("flac", ("-c:a", "flac")),
        ("wav", ("-ac", "2", "-ar", "96000")),
        ("wav", ("-c:a", "pcm_f32le", "-ar", "8000")),
    ],
)
async def test_every_container_that_phones_and_browsers_record_in(
    note, tmp_path, suffix, arguments
):
    path = ffmpeg(tmp_path / f"n.{suffix}", "-i", str(note), *arguments)

    decoded = await decode(path.rename(tmp_path / "anything"), longest_s=LONGEST_S)

    assert decoded.audio_s == pytest.approx(6.6, abs=0.3)
    assert not decoded.is_damaged


def a_picture(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(4000))


def a_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "oi")


BYTES: dict[str, tuple[Callable[[Path], object], Trouble]] = {
    "nothing": (lambda p: p.write_bytes(b""), Trouble.EMPTY),
    "text": (lambda p: p.write_text("isto não é um áudio"), Trouble.NOT_AUDIO),
    "picture": (a_picture, Trouble.NOT_AUDIO),
    "zip": (a_zip, Trouble.NOT_AUDIO),
    "encrypted": (
        lambda p: p.write_bytes(random.Random(7).randbytes(20_000)),
        Trouble.NOT_AUDIO,
    ),
    "only the first page of an ogg": (
        lambda p: p.write_bytes(recording("k_n4").read_bytes()[:28]),
        Trouble.DAMAGED,
    ),
    "noise behind an ogg's mark": (
        lambda p: p.write_bytes(b"OggS\0" + random.Random(1).randbytes(9000)),
        Trouble.DAMAGED,
    ),
    "noise behind an mp4's mark": (
        lambda p: p.write_bytes(
            b"\0\0\0\x20ftypM4A " + random.Random(2).randbytes(9000)
        ),
        Trouble.DAMAGED,
    ),
    "a wav of 65,535 channels": (
        lambda p: p.write_bytes(
            b"RIFF" + struct.pack("<I", 2**31) + b"WAVEfmt "
            + struct.pack("<IHHIIHH", 16, 1, 65535, 96000, 9 * 10**8, 65535, 16)
            + b"data" + struct.pack("<I", 2**31) + bytes(1000)
        ),
        Trouble.DAMAGED,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BYTES)
async def test_what_is_no_voice_note_is_told_apart(tmp_path, what):
    write, trouble = BYTES[what]
    path = tmp_path / "nota.ogg"
    write(path)

    assert await trouble_with(path) is trouble


async def test_absent_file_is_empty(tmp_path):
    assert await trouble_with(tmp_path / "none") is Trouble.EMPTY


@pytest.mark.parametrize("suffix", ["mp4", "webm", "ogv"])
async def test_film_is_a_film_even_with_sound(note, tmp_path, suffix):
    codecs = {"mp4": "mpeg4", "webm": "libvpx", "ogv": "libtheora"}
    path = ffmpeg(
        tmp_path / f"f.{suffix}", "-f", "lavfi", "-i", "testsrc=d=1:s=64x64",
        "-i", str(note), "-c:v", codecs[suffix], "-t", "1",
    )  # fmt: skip

    assert await trouble_with(path) is Trouble.VIDEO


async def test_two_hours_are_refused(note, tmp_path):
    path = ffmpeg(
        tmp_path / "longa.ogg", "-stream_loop", "1100", "-i", str(note),
        "-t", "7200", "-c", "copy",
    )  # fmt: skip

    assert await trouble_with(path, longest_s=300) is Trouble.TOO_LONG


async def test_just_as_long_as_is_permitted_is_heard(note, tmp_path):
    path = ffmpeg(tmp_path / "n.wav", "-i", str(note), "-t", "3.0")

    decoded = await decode(path, longest_s=3.0)

    assert decoded.audio_s == pytest.approx(3.0, abs=0.01)
    assert await trouble_with(path, longest_s=2.9) is Trouble.TOO_LONG


async def test_truncated_note_gives_what_there_is_and_says_so(note, tmp_path):
    path = tmp_path / "cortada.ogg"
    path.write_bytes(note.read_bytes()[:7000])

    decoded = await decode(path, longest_s=LONGEST_S)

    assert 1.0 < decoded.audio_s < 6.0
    assert decoded.is_damaged


async def test_note_with_a_spoilt_middle_is_heard_as_damaged(note, tmp_path):
    whole = ffmpeg(tmp_path / "n.mp3", "-i", str(note)).read_bytes()
    middle = len(whole) // 2
    path = tmp_path / "estragada.mp3"
    noise = random.Random(5).randbytes(3000)
    path.write_bytes(whole[:middle] + noise + whole[middle + 3000 :])

    decoded = await decode(path, longest_s=LONGEST_S)

    assert decoded.audio_s > 3
    assert decoded.is_damaged


async def test_truncated_mp4_without_its_index_is_damaged(note, tmp_path):
    whole = ffmpeg(tmp_path / "n.m4a", "-i", str(note), "-c:a", "aac").read_bytes()
    path = tmp_path / "cortada.m4a"
    path.write_bytes(whole[: len(whole) // 2])

    assert await trouble_with(path) is Trouble.DAMAGED


async def test_no_address_in_a_file_is_ever_opened(tmp_path):
    visits = []
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(3)
    port = server.getsockname()[1]

    def listen() -> None:
        try:
            server.accept()
        except OSError:
            return
        visits.append(1)

    listener = threading.Thread(target=listen)
    listener.start()
    for name, text in {
        "lista.m3u8": f"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:{port}/a.ts\n",
        "concat.txt": f"ffconcat version 1.0\nfile http://127.0.0.1:{port}/a\n",
        "id3.m3u8": f"ID3\n#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:{port}/a.ts\n",
    }.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(SpeechError):
            await decode(tmp_path / name, longest_s=LONGEST_S)
    await asyncio.to_thread(listener.join)
    server.close()

    assert visits == []


async def test_decoder_that_takes_too_long_is_ended(note):
    with pytest.raises(SpeechError) as caught:
        await decode(note, longest_s=LONGEST_S, deadline_s=0.0001)

    assert caught.value.trouble is Trouble.DAMAGED
    assert not children_called("ffmpeg")


def children_called(name: str) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "status").read_text()
        except OSError:
            continue
        is_mine = f"PPid:\t{os.getpid()}\n" in status
        if is_mine and f"Name:\t{name}\n" in status and "State:\tZ" not in status:
            found.append(folder.name)
    return found


async def test_many_bad_files_leave_neither_processes_nor_descriptors(tmp_path):
    path = tmp_path / "n.ogg"
    path.write_bytes(b"OggS\0" + random.Random(1).randbytes(9000))
    await trouble_with(path)
    before = len(os.listdir("/proc/self/fd"))

    for _ in range(10):
        await trouble_with(path)

    assert len(os.listdir("/proc/self/fd")) <= before + 1
    assert not children_called("ffmpeg")


async def test_samples_are_at_whispers_rate(note, tmp_path):
    path = ffmpeg(
        tmp_path / "tom.wav", "-f", "lavfi", "-i", "sine=frequency=1000:duration=1"
    )

    decoded = await decode(path, longest_s=LONGEST_S)

    spectrum = np.abs(np.fft.rfft(decoded.samples[:SAMPLE_RATE]))
    assert int(spectrum.argmax()) == pytest.approx(1000, abs=2)

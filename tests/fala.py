"""The recordings of tests/data/fala, and what they say."""

from __future__ import annotations

import subprocess
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "data" / "fala"
OFFICE = ("k_n1", "k_n2", "k_n3", "k_n4", "k_n5")
"""Notes in a law office's words, spoken by a synthetic voice."""
HUMAN = ("M-001", "coxinha", "falabrasil")
"""Sentences that people read aloud."""


def recording(name: str) -> Path:
    """Returns the file of a recording."""
    return next(
        path for path in FOLDER.glob(f"{name}.*") if path.suffix in {".ogg", ".wav"}
    )


def reference(name: str) -> str:
    """Returns what is said in a recording."""
    written = FOLDER / f"{name}.txt"
    if written.is_file():
        return written.read_text().strip()
    rows = (line.split("\t") for line in (FOLDER / "refs.tsv").read_text().splitlines())
    return dict(row for row in rows if len(row) == 2)[name]


def ffmpeg(target: Path, *arguments: str) -> Path:
    """Makes a file with ffmpeg."""
    subprocess.run(
        ["ffmpeg", "-nostdin", "-y", "-v", "error", *arguments, str(target)],
        check=True, timeout=120,
    )  # fmt: skip
    return target

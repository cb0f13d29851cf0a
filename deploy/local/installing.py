"""How pinned requirements come into an environment: shown, stamped, repeatable.

Runs on any Python 3.8 or newer, with the standard library alone.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

GIGABYTE = 1 << 30


class SetupError(Exception):
    """Something the person can fix; the text says how, in Portuguese."""


def install(folder: Path, requirements: Path, options: Sequence[str] = ()) -> None:
    """Installs what a lock file pins, and notes that it did.

    Args:
        folder: the environment.
        requirements: pinned and hashed.
        options: for pip.

    Raises:
        SetupError: pip failed.
    """
    total = len(re.findall(r"^[A-Za-z0-9]", requirements.read_text(), re.MULTILINE))
    run_pip(
        folder,
        ["--require-hashes", *options, "-r", str(requirements)],
        name=requirements.name,
        total=total,
    )
    stamp_of(folder, requirements.name).write_text(digest(requirements))


def run_pip(folder: Path, arguments: Sequence[str], *, name: str, total: int) -> None:
    """Runs `pip install` and shows how far it is.

    Args:
        folder: the environment.
        arguments: what is installed.
        name: what the person reads.
        total: so many packages at most.

    Raises:
        SetupError: pip failed.
    """
    started = time.monotonic()
    command = [
        str(folder / "bin" / "python"), "-m", "pip", "install", "--no-input",
        "--disable-pip-version-check", *arguments,
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=_pip_environment(),
    )  # fmt: skip
    collected, tail = 0, [""]
    for line in process.stdout or ():
        tail = [*tail[-30:], line]
        collected += line.startswith(("Collecting ", "Requirement already"))
        doing = "instalando" if line.startswith("Installing") else "baixando"
        _progress(f"{folder.name}: {doing} {min(collected, total)}/{total}", started)
    if process.wait() != 0:
        print()
        raise SetupError(
            "".join(tail)
            + f"\nA instalação de {name} parou (veja acima). Confira a rede e "
            "o espaço em disco (3 GB) e repita o comando: o que já veio fica guardado."
        )
    _progress(f"{folder.name}: {name} pronto ({total} pacotes)", started)
    print()


def is_installed(folder: Path, requirements: Path) -> bool:
    """Says whether a lock file was installed as it is now."""
    stamp = stamp_of(folder, requirements.name)
    return stamp.is_file() and stamp.read_text() == digest(requirements)


def stamp_of(folder: Path, name: str) -> Path:
    """Returns the file that says what was installed."""
    return folder / f".installed-{name}"


def digest(requirements: Path) -> str:
    """Returns what names the content of a lock file."""
    return hashlib.sha256(requirements.read_bytes()).hexdigest()


def check_space(folder: Path, need_bytes: int) -> None:
    """Refuses to begin what would not fit.

    Raises:
        SetupError: the disk has less than is needed.
    """
    free = shutil.disk_usage(folder).free
    if free < need_bytes:
        raise SetupError(
            f"Falta espaço em disco: são precisos {need_bytes / GIGABYTE:.0f} GB em "
            f"{folder} e há {free / GIGABYTE:.1f} GB. Libere espaço e repita o comando."
        )


def output_of(command: Sequence[str], *, timeout_s: float = 30) -> str | None:
    """Returns what a command prints; None where it fails or takes too long."""
    try:
        done = subprocess.run(
            command,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout_s,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode().strip() if done.returncode == 0 else None


def _pip_environment() -> dict[str, str]:
    ignored = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_REQUIRE_VIRTUALENV"}
    return {name: value for name, value in os.environ.items() if name not in ignored}


def _progress(text: str, started: float) -> None:
    seconds = int(time.monotonic() - started)
    if sys.stdout.isatty():
        print(f"\r{text} · {seconds} s\033[K", end="", flush=True)
    elif "pronto" in text:
        print(f"{text} · {seconds} s", end="", flush=True)

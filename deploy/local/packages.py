"""System packages that some tests need: installed by apt where that is possible.

Without them the tests that need them are skipped, each with one line that names
the package. Standard library alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

LIST = Path(__file__).resolve().parents[1] / "system-packages.txt"


def wanted() -> dict[str, str]:
    """Returns package → a file or command that shows it is there."""
    lines = LIST.read_text().splitlines()
    pairs = (line.split() for line in lines if line and not line.startswith("#"))
    return {words[0]: words[1] for words in pairs}


def missing() -> list[str]:
    """Returns the packages whose sign is not on this machine."""
    return [name for name, sign in wanted().items() if not is_there(sign)]


def is_there(sign: str) -> bool:
    """Says whether a command is on PATH, or a path (with *) exists."""
    if "/" in sign:
        return any(Path("/").glob(sign.lstrip("/")))
    return shutil.which(sign) is not None


def main() -> int:
    """Installs what is missing where this runs as root on Debian."""
    lacking = missing()
    if not lacking:
        return 0
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(f"Faltam pacotes do sistema para alguns testes: {' '.join(lacking)}")
        return 0
    print(f"apt-get install {' '.join(lacking)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", *lacking]):
        done = subprocess.run(
            ["apt-get", "-qq", *command], check=False, env=environment,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode != 0:
            print("apt-get falhou; os testes que precisam disso serão pulados.")
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Creates the two Python environments from their pinned requirements.

Runs on any Python 3.8 or newer, with the standard library alone, because it
runs before anything is installed. An environment whose requirements did not
change is left as it is.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterable, Iterator, List, NamedTuple, Optional, Tuple

from deploy.local import whisper
from deploy.local.installing import SetupError, install, is_installed, output_of

ROOT = Path(__file__).resolve().parents[2]
Version = Tuple[int, int]


class Environment(NamedTuple):
    """One virtual environment and what goes into it."""

    name: str
    """Folder under the repository's root."""
    pythons: Tuple[Version, ...]
    """Interpreter versions that fit, best first."""
    requirements: str
    """Pinned and hashed requirements, under `requirements/`."""
    dev_requirements: str
    """What tests and linters add."""
    need: str
    """What to say when no interpreter fits."""


RASA = Environment(
    ".venv-rasa",
    ((3, 10),),
    "rasa.txt",
    "rasa-dev.txt",
    "Falta o Python 3.10, de que o Rasa precisa: instale-o com "
    "'uv python install 3.10' ou 'pyenv install 3.10' e repita o comando.",
)
APP = Environment(
    ".venv",
    ((3, 11), (3, 12), (3, 13)),
    "app.txt",
    "app-dev.txt",
    "Falta o Python 3.11 ou mais novo: instale-o com 'apt-get install python3 "
    "python3-venv', 'uv python install 3.11' ou 'pyenv install 3.11' e repita.",
)


def main(arguments: Optional[List[str]] = None) -> int:
    """Brings both environments up to date and says what it does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="also tests and linters")
    options = parser.parse_args(arguments)
    try:
        for environment in (APP, RASA):
            bring_up_to_date(environment, with_dev=options.dev)
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    try:
        whisper.keep(ROOT)
    except SetupError as error:  # everything else works without it
        print(f"\n{error}\nSem o Whisper: rode 'make whisper'.", file=sys.stderr)
    return 0


def bring_up_to_date(environment: Environment, *, with_dev: bool) -> None:
    """Creates or completes one environment, only where something changed.

    Raises:
        SetupError: no interpreter fits, or pip failed.
    """
    folder = ROOT / environment.name
    files = [environment.requirements]
    if with_dev:
        files.append(environment.dev_requirements)
    locks = ROOT / "requirements"
    pending = [name for name in files if not is_installed(folder, locks / name)]
    if not pending:
        return
    if environment.requirements in pending:
        python = find_python(environment.pythons)
        if python is None:
            raise SetupError(environment.need)
        print(f"{environment.name}: criando com {python}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        _create(folder, python)
        _switch_telemetry_off(folder)
        pending = files
    for name in pending:
        install(folder, locks / name)


def find_python(versions: Iterable[Version]) -> Optional[str]:
    """Returns the first interpreter that runs and has one of the versions."""
    for version in versions:
        for candidate in _candidates(version):
            if _version_of(candidate) == version:
                return candidate
    return None


def _candidates(version: Version) -> Iterator[str]:
    name = "python{}.{}".format(*version)
    for command in (name, "python3"):
        found = shutil.which(command)
        if found:
            yield found
    pyenv_root = Path(os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv")))
    pattern = "versions/{}.{}.*/bin/python".format(*version)
    for path in sorted(pyenv_root.glob(pattern), reverse=True):
        yield str(path)
    uv = shutil.which("uv")
    if uv:
        answer = output_of([uv, "python", "find", "{}.{}".format(*version)])
        if answer:
            yield answer


def _version_of(python: str) -> Optional[Version]:
    answer = output_of([python, "-c", "import sys; print(*sys.version_info[:2])"])
    if not answer or not re.fullmatch(r"\d+ \d+", answer):
        return None  # a pyenv shim whose version is not active answers an error
    major, minor = answer.split()
    return int(major), int(minor)


def _create(folder: Path, python: str) -> None:
    done = subprocess.run([python, "-m", "venv", str(folder)], check=False)
    if done.returncode != 0:
        raise SetupError(
            f"Não consegui criar {folder.name} com {python}: no Debian, instale o "
            "pacote python3-venv e repita o comando."
        )


def _switch_telemetry_off(folder: Path) -> None:
    """Makes every start of Rasa in this environment silent towards its maker.

    Rasa sends usage data and stack traces unless a variable says otherwise, and
    a bare `rasa run` would not have it.
    """
    packages = next(folder.glob("lib/python3*/site-packages"))
    line = "import os; os.environ.setdefault('RASA_TELEMETRY_ENABLED', 'false')"
    (packages / "no_telemetry.pth").write_text(line + "\n")


if __name__ == "__main__":
    sys.exit(main())

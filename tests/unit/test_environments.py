"""Which interpreter is taken, and what is said where none fits."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from deploy.local import environments


@pytest.fixture
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH that holds nothing but the shell, no pyenv, no uv."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sh").symlink_to(shutil.which("sh") or "/bin/sh")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    return tmp_path


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_an_interpreter_on_the_path_is_taken(empty_machine: Path) -> None:
    python = program(empty_machine / "bin" / "python3.10", "echo 3 10")

    assert environments.find_python(((3, 10),)) == str(python)


def test_a_shim_whose_version_is_not_active_is_passed_over(empty_machine: Path) -> None:
    program(empty_machine / "bin" / "python3.10", "echo 'not active' >&2; exit 127")
    behind = program(empty_machine / "pyenv/versions/3.10.13/bin/python", "echo 3 10")

    assert environments.find_python(((3, 10),)) == str(behind)


def test_an_interpreter_that_lies_about_its_name_is_refused(
    empty_machine: Path,
) -> None:
    program(empty_machine / "bin" / "python3.10", "echo 3 9")

    assert environments.find_python(((3, 10),)) is None


def test_uv_is_asked_last(empty_machine: Path) -> None:
    kept = program(empty_machine / "kept" / "python3.10", "echo 3 10")
    program(empty_machine / "bin" / "uv", f"echo {kept}")

    assert environments.find_python(((3, 10),)) == str(kept)


def test_a_missing_interpreter_gets_one_sentence_that_says_what_to_install(
    empty_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "ROOT", empty_machine)
    requirements = empty_machine / "requirements"
    requirements.mkdir()
    (requirements / "rasa.txt").write_text("rasa==3.6.21\n")

    with pytest.raises(environments.SetupError) as refused:
        environments.bring_up_to_date(environments.RASA, with_dev=False)

    assert "Falta o Python 3.10" in str(refused.value)
    assert "uv python install 3.10" in str(refused.value)
    assert str(refused.value).count(". ") == 0


def test_this_interpreter_is_found_by_its_version() -> None:
    version = (sys.version_info.major, sys.version_info.minor)

    assert environments.find_python((version,)) is not None

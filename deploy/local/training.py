"""Trains a model only when what it is made of has changed.

Standard library alone; Rasa runs as a command of its own environment.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RASA = ROOT / ".venv-rasa" / "bin" / "rasa"
MODELS = ROOT / "models"
COMPARED = ROOT / "var" / "models"
"""Models of other pipelines: `rasa run` takes the newest of `models/`, and must
never find one there that only understands and cannot answer."""
DEFAULT_CONFIG = "config.yml"
_INGREDIENTS = (
    "domain.yml",
    "data",
    "bot/core/entities",
    "bot/nlu",
    "bot/runtime/policies.py",
)
_REQUIREMENTS = "requirements/rasa.txt"


class TrainingError(Exception):
    """Training stopped; the text ends with what Rasa said."""


def main(arguments: list[str] | None = None) -> int:
    """Trains if needed; the last line printed is the model's path."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default=DEFAULT_CONFIG)
    parser.add_argument("--force", action="store_true")
    options = parser.parse_args(arguments)
    try:
        model = ensure_model(options.config, force=options.force)
    except TrainingError as error:
        print(error, file=sys.stderr)
        return 1
    print(model)
    return 0


def ensure_model(config: str = DEFAULT_CONFIG, *, force: bool = False) -> Path:
    """Returns the path of an up-to-date model, training it where needed.

    Raises:
        TrainingError: the configuration is missing, or Rasa failed.
    """
    if not (ROOT / config).is_file():
        raise TrainingError(f"Não encontrei {config}. As opções ficam em pipelines/.")
    is_default = config == DEFAULT_CONFIG
    name = "pocketmkt" if is_default else f"nlu-{Path(config).stem}"
    folder = MODELS if is_default else COMPARED
    model = folder / f"{name}.tar.gz"
    stamp = folder / f"{name}.sha256"
    digest = digest_of(config)
    is_fresh = model.is_file() and stamp.is_file() and stamp.read_text() == digest
    if is_fresh and not force:
        return model
    _train(config, model)
    stamp.write_text(digest)
    return model


def digest_of(config: str) -> str:
    """Returns one hash of everything that goes into a model."""
    total = hashlib.sha256()
    for path in _files(config):
        total.update(str(path.relative_to(ROOT)).encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _files(config: str) -> Iterator[Path]:
    for name in (config, _REQUIREMENTS, *_INGREDIENTS):
        path = ROOT / name
        if path.is_dir():
            found = (item for item in sorted(path.rglob("*")) if item.is_file())
            yield from (item for item in found if item.suffix != ".pyc")
        elif path.is_file():
            yield path


def _train(config: str, model: Path) -> None:
    """Runs `rasa train`, showing how long it has been at it."""
    name = model.name.split(".")[0]
    model.parent.mkdir(parents=True, exist_ok=True)
    is_whole = config == DEFAULT_CONFIG
    command = [str(RASA), "train"]
    if is_whole:  # 'make validate' checks more, and takes 5 s of its own
        command.append("--skip-validation")
    else:
        command.append("nlu")
    command += [
        "--config",
        config,
        "--domain",
        "domain.yml",
        "--out",
        str(model.parent),
    ]
    command += ["--fixed-model-name", name]
    command += ["--data", "data"] if is_whole else ["--nlu", "data/nlu.yml"]
    log = ROOT / "var" / "logs" / f"train-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT,
            env=rasa_environment(),
        )  # fmt: skip
        try:
            while process.poll() is None:
                _progress(f"treinando {name}", started)
                time.sleep(0.5)
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0 or not model.is_file():
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-25:])
        raise TrainingError(
            f"{tail}\n\nO treino parou (veja acima; o registro inteiro está em "
            f"{log.relative_to(ROOT)}). 'make validate' costuma dizer onde está o erro."
        )
    _progress(f"modelo {name} treinado", started, is_last=True)


def rasa_environment() -> dict[str, str]:
    """Returns the environment for Rasa's commands: no telemetry, fewer warnings."""
    return {
        **os.environ,
        "RASA_TELEMETRY_ENABLED": "false",
        "PYTHONWARNINGS": "ignore",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def _progress(text: str, started: float, *, is_last: bool = False) -> None:
    line = f"{text} · {time.monotonic() - started:.0f} s"
    if sys.stderr.isatty():
        print(
            f"\r{line}\033[K", end="\n" if is_last else "", file=sys.stderr, flush=True
        )
    elif is_last:
        print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

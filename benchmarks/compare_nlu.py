"""`make compare-nlu`: every pipeline that runs offline, on the same messages.

Two honest numbers for each: cross-validation over the examples of `data/` (each
part is scored by a model that did not see it), and the evaluation set, scored by
a model trained on every example. The tables go to `var/compare-nlu.md`, the
picture to `docs/imagens/compare-nlu.svg`.

DIET takes half a minute an epoch, so it is measured with 4 epochs in place of 100
and on the evaluation set alone, unless `DIET=1` asks for the whole (hours). The
model through Ollama is left out: it needs a server.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.nlu_table import Measured, picture, table
from bot.core.settings import ROOT
from deploy.local.training import rasa_environment

_FOLDS_AT_LEAST = 2
_NEEDS_A_SERVER = {"modelo_ollama"}
_SLOW = {"diet"}
_SHORT_EPOCHS = 4
_TABLE = ROOT / "var" / "compare-nlu.md"
_PICTURE = ROOT / "docs" / "imagens" / "compare-nlu.svg"


class ComparisonError(Exception):
    """A pipeline could not be measured; the text ends with what it said."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints the tables, writes table and picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="tests/data/nlu_eval.yml")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--whole-diet", action="store_true")
    parser.add_argument("--picture", type=Path, default=_PICTURE)
    options = parser.parse_args(arguments)
    if options.folds < _FOLDS_AT_LEAST:
        print("FOLDS deve ser 2 ou mais.", file=sys.stderr)
        return 2
    rows = []
    try:
        for config in pipelines(ROOT / "pipelines"):
            rows.append(_measured(config, options))
    except ComparisonError as error:
        print(error, file=sys.stderr)
        return 1
    _TABLE.parent.mkdir(parents=True, exist_ok=True)
    _TABLE.write_text(table(rows) + "\n", encoding="utf-8")
    options.picture.write_text(picture(rows), encoding="utf-8")
    print(table(rows))
    return 0


def pipelines(folder: Path) -> list[str]:
    """Returns the configurations that run offline, the default first."""
    names = sorted(path.stem for path in folder.glob("*.yml"))
    offline = [name for name in names if name not in _NEEDS_A_SERVER]
    return ["config.yml", *(f"pipelines/{name}.yml" for name in offline)]


def _measured(config: str, options: argparse.Namespace) -> Measured:
    command = ["--config", config, "--eval", options.data]
    note = ""
    if Path(config).stem in _SLOW and not options.whole_diet:
        command += ["--epochs", str(_SHORT_EPOCHS)]
        note = f"{_SHORT_EPOCHS} épocas, sem validação cruzada"
    else:
        command += ["--folds", str(options.folds)]
    results = _results(config, command)
    folds = [result for result in results if result["fold"] != "eval"]
    return Measured(config, folds, results[-1], note)


def _results(config: str, command: list[str]) -> list[dict[str, Any]]:
    python = str(ROOT / ".venv-rasa" / "bin" / "python")
    log = ROOT / "var" / "logs" / f"compare-{Path(config).stem}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    started, results = time.monotonic(), []
    with log.open("w") as errors:
        process = subprocess.Popen(
            [python, "-m", "benchmarks.nlu_folds", *command],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True,
            env={**rasa_environment(), "RASA_MAX_CACHE_SIZE": "0"},
        )  # fmt: skip
        with process:
            for line in process.stdout or ():
                if line.startswith("{"):  # Rasa says there that it saved a model
                    results.append(json.loads(line))
                    _progress(config, results[-1], time.monotonic() - started)
    if process.returncode != 0 or not results or results[-1]["fold"] != "eval":
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise ComparisonError(f"{tail}\n\n{config} parou; veja {log}.")
    return results


def _progress(config: str, result: dict[str, Any], elapsed_s: float) -> None:
    part = "avaliação" if result["fold"] == "eval" else f"parte {result['fold'] + 1}"
    accuracy = result["intent_accuracy"]
    line = f"{config} · {part} · exatidão {accuracy:.3f} · {elapsed_s:.0f} s"
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

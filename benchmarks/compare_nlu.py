"""`make compare-nlu`: every pipeline, trained on the same data, scored on the same set.

Prints one row a pipeline as it is done, and writes the table to
`var/compare-nlu.md`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bot.core.settings import ROOT
from deploy.local.training import TrainingError, ensure_model, rasa_environment

_COLUMNS = (
    "intent_accuracy", "macro_f1", "out_of_scope_recall", "false_reject_rate",
    "ms_p50", "ms_p95",
)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Trains and scores `config.yml` and everything in `pipelines/`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="tests/data/nlu_eval.yml")
    options = parser.parse_args(arguments)
    configs = ["config.yml", *sorted(str(p) for p in Path("pipelines").glob("*.yml"))]
    rows = ["| pipeline | " + " | ".join(_COLUMNS) + " | train_s |"]
    rows.append("|---" * (len(_COLUMNS) + 2) + "|")
    print("\n".join(rows), flush=True)
    for config in configs:
        try:
            row = _row(config, options.data)
        except (TrainingError, subprocess.CalledProcessError) as error:
            print(f"{config}: {error}", file=sys.stderr)
            return 1
        rows.append(row)
        print(row, flush=True)
    table = ROOT / "var" / "compare-nlu.md"
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return 0


def _row(config: str, data: str) -> str:
    started = time.monotonic()
    model = ensure_model(config, force=True)
    train_s = time.monotonic() - started
    scores = _score(model, data)
    values = " | ".join(str(scores[name]) for name in _COLUMNS)
    return f"| {config} | {values} | {train_s:.0f} |"


def _score(model: Path, data: str) -> dict[str, Any]:
    python = str(ROOT / ".venv-rasa" / "bin" / "python")
    done = subprocess.run(
        [python, "-m", "bot.nlu.evaluate", "--model", str(model), "--data", data],
        check=True, cwd=ROOT, capture_output=True, text=True, env=rasa_environment(),
    )  # fmt: skip
    scores: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return scores


if __name__ == "__main__":
    sys.exit(main())

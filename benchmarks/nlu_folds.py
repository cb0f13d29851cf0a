"""Trains one pipeline on part of the examples and scores it on the rest.

A command of the Rasa environment that `make compare-nlu` runs, one process a
pipeline; each line on standard output is one JSON object. It trains and reads
through Rasa's own API, so every pipeline is measured as it would run.

    python -m benchmarks.nlu_folds --config pipelines/lexico.yml --folds 5
    python -m benchmarks.nlu_folds --config config.yml --eval tests/data/nlu_eval.yml
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rasa.model_training import train_nlu
from rasa.shared.nlu.training_data.loading import load_data
from rasa.shared.nlu.training_data.training_data import TrainingData
from ruamel.yaml import YAML

from bot.core.logs import configure_logs
from bot.core.names import FLOW_OUT_OF_SCOPE
from bot.core.settings import ROOT
from bot.nlu.evaluate import Example, read_examples, score

_SEED = 7
_OUTSIDE = ROOT / "data" / "fora_de_escopo.txt"
_READS_OUTSIDE = {
    "bot.nlu.fused_classifier.FusedIntentClassifier",
    "bot.nlu.single_view_classifiers.SparseLogisticClassifier",
    "bot.nlu.single_view_classifiers.SentenceClassifier",
}
_NO_ROLE = ""
"""Examples say nothing of who writes them, so the role helps no pipeline here."""


def fold_of(labels: Sequence[str], folds: int) -> list[int]:
    """Returns each example's fold; every label is spread evenly over all of them.

    Args:
        labels: one for each example.
        folds: how many, at least 2.
    """
    positions: dict[str, list[int]] = {}
    for position, label in enumerate(labels):
        positions.setdefault(label, []).append(position)
    chosen = [0] * len(labels)
    dealt = 0
    for label in sorted(positions):
        shuffled = sorted(positions[label], key=_chance)
        for position in shuffled:
            chosen[position] = dealt % folds
            dealt += 1
    return chosen


def _chance(position: int) -> bytes:
    return hashlib.sha256(f"{_SEED} {position}".encode()).digest()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures folds, or one evaluation file, of one pipeline."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default="config.yml")
    parser.add_argument("--score", default="", help="only score this trained model")
    parser.add_argument("--folds", type=int, default=0)
    parser.add_argument("--only", type=int, default=0, help="at most so many folds")
    parser.add_argument("--eval", default="", help="train on everything, score this")
    parser.add_argument("--epochs", type=int, default=0, help="in place of DIET's own")
    options = parser.parse_args(arguments)
    configure_logs("ERROR")
    if options.score:
        _print(_scored(Path(options.score), read_examples(Path(options.eval))))
        return 0
    with tempfile.TemporaryDirectory() as name:
        for number in range(options.only or options.folds):
            _print(_fold(options, number, Path(name)))
        if options.eval:
            _evaluate(options, Path(name))
    return 0


def _fold(options: argparse.Namespace, number: int, folder: Path) -> dict[str, Any]:
    data, outside = load_data(str(ROOT / "data" / "nlu.yml")), _lines(_OUTSIDE)
    examples = data.intent_examples
    labels = [example.get("intent") for example in examples]
    folds = fold_of([*labels, *(FLOW_OUT_OF_SCOPE for _ in outside)], options.folds)
    inside_folds, outside_folds = folds[: len(labels)], folds[len(labels) :]
    known = [e for e, f in zip(examples, inside_folds, strict=True) if f != number]
    part = TrainingData(
        known,
        entity_synonyms=data.entity_synonyms,
        regex_features=data.regex_features,
        lookup_tables=data.lookup_tables,
    )
    rest = [t for t, f in zip(outside, outside_folds, strict=True) if f != number]
    unknown = [
        Example(e.get("text"), e.get("intent"), _NO_ROLE, None)
        for e, f in zip(examples, inside_folds, strict=True)
        if f == number
    ] + [
        Example(text, FLOW_OUT_OF_SCOPE, _NO_ROLE, None)
        for text, f in zip(outside, outside_folds, strict=True)
        if f == number
    ]
    return {"fold": number, **_measured(options, folder, part, rest, unknown)}


def _evaluate(options: argparse.Namespace, folder: Path) -> None:
    """Trains here and scores in a process of its own, to see what reading takes."""
    data = load_data(str(ROOT / "data" / "nlu.yml"))
    model, train_s = _trained(options, folder, data, _lines(_OUTSIDE))
    command = [sys.executable, "-m", "benchmarks.nlu_folds"]
    command += ["--score", str(model), "--eval", options.eval]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    summary = json.loads(done.stdout.splitlines()[-1])
    _print({"fold": "eval", **summary, "train_s": train_s})


def _measured(
    options: argparse.Namespace,
    folder: Path,
    data: TrainingData,
    outside: list[str],
    unknown: list[Example],
) -> dict[str, Any]:
    model, train_s = _trained(options, folder, data, outside)
    return {**_scored(model, unknown), "train_s": train_s}


def _trained(
    options: argparse.Namespace, folder: Path, data: TrainingData, outside: list[str]
) -> tuple[Path, float]:
    outside_file = folder / "fora.txt"
    outside_file.write_text("\n".join(outside), encoding="utf-8")
    nlu, config = folder / "nlu.yml", folder / "config.yml"
    nlu.write_text(data.nlu_as_yaml(), encoding="utf-8")
    _write_config(Path(options.config), config, outside_file, options.epochs)
    started = time.perf_counter()
    model = train_nlu(str(config), str(nlu), str(folder), fixed_model_name="modelo")
    return Path(str(model)), round(time.perf_counter() - started, 1)


def _scored(model: Path, unknown: list[Example]) -> dict[str, Any]:
    summary: dict[str, Any] = dict(asyncio.run(score(model, unknown)).summary())
    return {**summary, "peak_mb": _peak_mb()}


def _peak_mb() -> int:
    # Not getrusage: there a child starts with the peak of the parent that trained.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return round(int(line.split()[1]) / 1024)


def _write_config(source: Path, target: Path, outside: Path, epochs: int) -> None:
    yaml = YAML()
    config = yaml.load(source.read_text(encoding="utf-8"))
    for component in config["pipeline"]:
        if component["name"] in _READS_OUTSIDE:
            component["out_of_scope_file"] = str(outside)
        if epochs and "epochs" in component:
            component["epochs"] = epochs
    with target.open("w", encoding="utf-8") as file:
        yaml.dump(config, file)


def _lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip()]


def _print(result: dict[str, Any]) -> None:
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    sys.exit(main())

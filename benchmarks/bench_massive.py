"""`make bench-massive`: the default understanding on a public yardstick.

Trains the default classifier's own code, without its out-of-scope part, on lines
of MASSIVE (Amazon, CC BY 4.0) and scores it on lines that training did not see.
Each line is one JSON object with `utt` and `intent`. The last line printed is:

    {"accuracy": 0.8795, "ms_p50": 2.1, "ms_p95": 2.9, "train_s": 14.0,
     "split": "test", "train_lines": 11514, "lines": 2974}

Runs in the Rasa environment. Nothing is learnt from DEV.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bot.nlu.intent_reader import IntentReader
from bot.nlu.text_features import TextFeatures

Lines = list[tuple[str, str]]
"""Text and intent of each line."""


class DataError(Exception):
    """A file cannot be used; the text says which line and what is wrong."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Trains, scores, prints; ends with 2 where a file cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("train", "dev", "test"):
        parser.add_argument(f"--{name}", default="")
    options = parser.parse_args(arguments)
    split = "test" if options.test else "dev"
    try:
        known = read_lines("TRAIN", options.train)
        unknown = read_lines(split.upper(), getattr(options, split))
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"Treino: {len(known)} frases, {len({name for _, name in known})} intenções.")
    if split == "dev":
        print("Sem TEST=…: a exatidão é medida em DEV.", flush=True)
    print(json.dumps({**measured(known, unknown), "split": split}))
    return 0


def read_lines(variable: str, name: str) -> Lines:
    """Reads one split.

    Args:
        variable: how the command names the file, for the error.
        name: its path; empty where it was not given.

    Raises:
        DataError: no such file, or a line that is not as it should be.
    """
    usage = "make bench-massive TRAIN=train.jsonl DEV=dev.jsonl TEST=test.jsonl"
    if not name:
        raise DataError(f"Falta {variable}=arquivo.jsonl. Uso: {usage}")
    try:
        content = Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"Não consigo ler {variable}={name}: {error}") from error
    lines = [
        _line(raw, f"{name}, linha {number}")
        for number, raw in enumerate(content.splitlines(), start=1)
        if raw.strip()
    ]
    if not lines:
        raise DataError(f"{variable}={name} está vazio.")
    return lines


def _line(raw: str, where: str) -> tuple[str, str]:
    try:
        item = json.loads(raw)
    except json.JSONDecodeError as error:
        raise DataError(f"{where}: não é um objeto JSON ({error.msg}).") from error
    for field in ("utt", "intent"):
        value = item.get(field) if isinstance(item, dict) else None
        if not (isinstance(value, str) and value.strip()):
            raise DataError(f"{where}: falta o campo {field!r}, um texto.")
    return item["utt"], item["intent"]


def measured(known: Lines, unknown: Lines) -> dict[str, float | int]:
    """Trains on one split and reads the other, one message at a time."""
    reader = IntentReader(TextFeatures())
    started = time.perf_counter()
    reader.train([text for text, _ in known], [intent for _, intent in known])
    train_s = time.perf_counter() - started
    hits, times_ms = 0, []
    for text, intent in unknown:
        started = time.perf_counter()
        best = reader.read(text).names[0]
        times_ms.append((time.perf_counter() - started) * 1000)
        hits += best == intent
    times_ms.sort()
    return {
        "accuracy": round(hits / len(unknown), 4),
        "ms_p50": round(times_ms[len(times_ms) // 2], 2),
        "ms_p95": round(times_ms[int(len(times_ms) * 0.95)], 2),
        "train_s": round(train_s, 1),
        "train_lines": len(known),
        "lines": len(unknown),
    }


if __name__ == "__main__":
    sys.exit(main())

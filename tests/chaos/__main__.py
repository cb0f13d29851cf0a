"""Kills the product while people write to it, and counts what it lost.

    python -m tests.chaos [--messages 400] [--kills-edge 60] [--long]

Real edge, Rasa and action server; Twilio is a fake that fails. One JSON line on
standard output; 0 only if nothing was lost, doubled, swapped or let in.
`DATABASE_URL=postgresql://…` chooses the server, else SQLite. `--calm` is without
Twilio's faults, `--long` 1,000 kills and 10,000 messages (about an hour).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from deploy.local.training import TrainingError, ensure_model
from tests.chaos.databases import DatabaseInUseError, FreshDatabase, fresh_database
from tests.chaos.run import Plan, Report, run

LONG = Plan(10_000, 100, kills_edge=930, kills_rasa=50, kills_actions=20)
_SHOWN_LINES = 50


def main(arguments: list[str] | None = None) -> int:
    """Runs it; returns the exit code."""
    plan = _plan(arguments)
    folder = Path(tempfile.mkdtemp(prefix="pocketmkt-chaos-"))
    try:
        ensure_model()
        with fresh_database(os.environ.get("DATABASE_URL", ""), folder) as database:
            report = run(plan, folder, database)
            database.is_kept = not report.is_passed
            return _tell(report, folder, database)
    except (TrainingError, DatabaseInUseError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        print(error, file=sys.stderr)
        return 2
    except BaseException:
        print(f"Não chegou ao fim; tudo ficou em {folder}.", file=sys.stderr)
        raise


def _plan(arguments: list[str] | None) -> Plan:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true")
    for name in ("messages", "people", "kills-edge", "kills-rasa", "kills-actions"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--calm", action="store_true", dest="is_calm", default=None)
    given = vars(parser.parse_args(arguments))
    base = vars(LONG if given.pop("long") else Plan())
    return Plan(**{**base, **{k: v for k, v in given.items() if v is not None}})


def _tell(report: Report, folder: Path, database: FreshDatabase) -> int:
    print(json.dumps(report.numbers), flush=True)
    if report.is_passed:
        shutil.rmtree(folder, ignore_errors=True)
        return 0
    for name, lines in report.verdict.lines().items():
        for line in lines[:_SHOWN_LINES]:
            print(f"{name}: {line}", file=sys.stderr)
    for line in report.crashes:
        print(f"crash: {line}", file=sys.stderr)
    print(f"Tudo ficou em {folder} ({database.kind}).", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""`make test-conversas`: the conversations of `tests/conversas/`, step by step.

Rasa follows each story and says what it would do next; actions are not executed,
so neither the action server nor its answers take part.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from bot.core.settings import ROOT
from deploy.local.training import MODELS, RASA, rasa_environment

STORIES = "tests/conversas"
_OUT = ROOT / "var" / "conversas"
_REPORT, _FAILED = _OUT / "story_report.json", _OUT / "failed_test_stories.yml"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_STORY = re.compile(r"- story: (?P<name>.+?)(?: \((?P<file>[^()]+\.ya?ml)\))?$")
_INTENT = re.compile(r"- intent: (?P<intent>\w+)$")
_WRONG = re.compile(r"- action: (?P<expected>\w+) +# predicted: (?P<predicted>.+)$")


@dataclass(frozen=True)
class Failure:
    """The first step of a conversation that goes another way."""

    story: str
    file: str
    """As `tests/conversas/06_sair_no_meio.yml`."""
    intent: str
    """Intent of the message before the step, or ""."""
    expected: str
    predicted: str


def main() -> int:
    """Prints the conversations that go wrong, and where; 0 if none does."""
    shutil.rmtree(_OUT, ignore_errors=True)
    done = _follow("--fail-on-prediction-errors")
    if done.returncode == 0:
        written = _written()
        followed = _followed()
        print(summary(written, followed))
        return 0 if written == followed else 1
    _follow()  # the first run stops at the first failure: this one names them all
    failures = failures_in(_FAILED.read_text("utf-8") if _FAILED.is_file() else "")
    if failures:
        print("\n".join(described(failures)), file=sys.stderr)
        print(f"\n{len(failures)} de {_written()} conversas saíram do caminho.")
    else:  # Rasa says on standard output what it could not read
        said = _COLOURS.sub("", done.stderr + done.stdout).splitlines()
        print("\n".join(said[-12:]), file=sys.stderr)
    return 1


def failures_in(dump: str) -> list[Failure]:
    """Returns the first wrong step of each story in Rasa's `failed_test_stories.yml`.

    What follows a wrong step is not judged: the conversation is elsewhere already.
    """
    failures: list[Failure] = []
    story, file, intent, is_told = "", "", "", True
    for line in dump.splitlines():
        if found := _STORY.match(line.strip()):
            story, file, intent, is_told = found["name"], found["file"] or "", "", False
        elif found := _INTENT.match(line.strip()):
            intent = found["intent"]
        elif (found := _WRONG.match(line.strip())) and not is_told:
            wrong = found["expected"], found["predicted"].strip()
            failures.append(Failure(story, file, intent, *wrong))
            is_told = True
    return failures


def described(failures: Iterable[Failure]) -> list[str]:
    """Returns failures as lines, in Portuguese."""
    return [
        f"{failure.file}: {failure.story}\n"
        f"  depois de {failure.intent or '(começo)'}: esperava {failure.expected}, "
        f"o assistente faria {failure.predicted}"
        for failure in failures
    ]


def summary(written: int, followed: int) -> str:
    """Returns the last line of a run in which no prediction was wrong."""
    if written != followed:
        return (
            f"{written} conversas em {STORIES}, mas só {followed} foram seguidas: "
            "há duas iguais ou alguma está mal escrita."
        )
    return f"{written} conversas, nenhum erro."


def _follow(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(RASA), "test", "core", "--model", str(MODELS / "pocketmkt.tar.gz"),
         "--stories", STORIES, "--out", str(_OUT), "--no-plot", *options],
        check=False, cwd=ROOT, capture_output=True, text=True, env=rasa_environment(),
    )  # fmt: skip


def _written() -> int:
    files = (ROOT / STORIES).glob("*.yml")
    lines = (line for file in files for line in file.read_text("utf-8").splitlines())
    return sum(line.strip().startswith("- story:") for line in lines)


def _followed() -> int:
    report = json.loads(_REPORT.read_text("utf-8"))
    return int(report["conversation_accuracy"]["total"])


if __name__ == "__main__":
    sys.exit(main())

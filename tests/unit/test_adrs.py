"""Decisions are numbered as their files are, and documents name what exists."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import fields
from pathlib import Path

import pytest

from bot.core.settings import ROOT, Settings

SECTIONS = ["Context", "Decision", "Alternatives", "Consequences", "Evidence"]
ADRS = sorted((ROOT / "docs" / "adr").glob("*.md"))
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
"""Where `[Maria](nome)` marks a name and is no link."""
OF_TESTS_ALONE = {"OLLAMA_CONTRACT_HOST"}
"""Variables that only the suite reads; no settings of the product."""


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _settings() -> set[str]:
    return {item.metadata["name"] for item in fields(Settings)}


def _example_settings() -> set[str]:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return set(re.findall(r"^([A-Z][A-Z0-9_]*)=", text, re.MULTILINE))


@pytest.mark.parametrize("path", ADRS, ids=_name)
def test_title_of_a_decision_has_the_number_of_its_file(path):
    title = path.read_text(encoding="utf-8").splitlines()[0]

    assert re.fullmatch(r"\d{4}-[a-z0-9-]+", path.stem)
    assert re.fullmatch(rf"# {path.stem[:4]}\. \S.*", title)


def test_no_number_of_a_decision_is_used_twice():
    counted = Counter(path.stem[:4] for path in ADRS)

    assert ADRS
    assert [number for number, times in counted.items() if times > 1] == []


@pytest.mark.parametrize("path", ADRS, ids=_name)
def test_decision_has_its_five_sections_in_order(path):
    text = path.read_text(encoding="utf-8")

    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_make_targets_of_a_document_exist(path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    text = path.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)", text, re.MULTILINE))

    assert named - targets == set()


def test_readme_explains_every_target_that_help_lists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    listed = set(re.findall(r"^([a-z][a-z-]*):.*## ", makefile, re.MULTILINE))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert listed
    assert listed - set(re.findall(r"`make ([a-z][a-z-]*)`", readme)) == set()


def test_example_file_names_the_settings_of_the_code():
    assert _example_settings() == _settings()


@pytest.mark.parametrize("name", ["README.md", "docs/operations.md"])
def test_settings_that_a_document_names_stand_in_the_example_file(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    named = set(re.findall(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b", text))

    assert named
    assert named - _example_settings() - OF_TESTS_ALONE == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_links_of_a_document_lead_to_files(path):
    text = CODE.sub("", path.read_text(encoding="utf-8"))
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    inside = [link for link in links if "://" not in link]

    assert [link for link in inside if not (path.parent / link).exists()] == []

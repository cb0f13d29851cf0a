"""The table and the picture of the compared ways of understanding."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from benchmarks.compare_nlu import main, pipelines
from benchmarks.nlu_table import Measured, picture, table
from bot.core.settings import ROOT

SVG = "{http://www.w3.org/2000/svg}"


def summary(accuracy: float) -> dict[str, float]:
    return {
        "intent_accuracy": accuracy,
        "macro_f1": accuracy,
        "out_of_scope_recall": 0.9,
        "false_reject_rate": 0.01,
        "ms_p50": 2.5,
        "ms_p95": 4.0,
        "train_s": 12.0,
        "peak_mb": 611,
    }


ROWS = [
    Measured("config.yml", [summary(0.8), summary(0.9)], summary(0.95)),
    Measured("a<b>.yml", [summary(0.5)], summary(0.6), "10 épocas"),
]


def test_folds_are_given_as_mean_and_spread():
    line = next(row for row in table(ROWS).splitlines() if "config.yml" in row)

    assert line.startswith("| config.yml | 0.850 ± 0.071 | 0.850 ± 0.071 |")


def test_one_fold_has_no_spread_and_says_what_was_reduced():
    line = next(row for row in table(ROWS).splitlines() if "a<b>" in row)

    assert line.startswith("| a<b>.yml (10 épocas) | 0.500 | ")


def test_pipeline_without_folds_has_dashes():
    row = Measured("lento.yml", [], summary(0.6))

    line = next(row for row in table([row]).splitlines() if "lento" in row)

    assert line == "| lento.yml | – | – | – | – | – | – | – |"


def test_evaluation_set_is_given_with_its_costs():
    line = [row for row in table(ROWS).splitlines() if "config.yml" in row][1]

    assert line == (
        "| config.yml | 0.950 | 0.950 | 0.900 | 0.010 | 2.5 | 4.0 | 12.0 | 611 |"
    )


def test_picture_says_in_words_what_it_shows():
    root = ET.fromstring(picture(ROWS))

    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "titulo descricao"
    assert root.find(f"{SVG}title").text
    assert "config.yml: exatidão 0.950" in root.find(f"{SVG}desc").text


def test_bars_are_as_long_as_their_values():
    root = ET.fromstring(picture(ROWS))

    widths = [float(bar.get("width")) for bar in root.iter(f"{SVG}rect")]

    longest = max(width for width in widths if width < 700)
    assert longest == pytest.approx(0.95 * 440)


def test_pipelines_that_need_a_server_are_left_out():
    names = pipelines(ROOT / "pipelines")

    assert names[0] == "config.yml"
    assert {"pipelines/diet.yml", "pipelines/sentido.yml"} < set(names)
    assert "pipelines/modelo_ollama.yml" not in names


def test_every_named_component_of_ours_has_its_file():
    for path in (ROOT / "pipelines").glob("*.yml"):
        for line in path.read_text(encoding="utf-8").splitlines():
            name = line.strip().removeprefix("- name: ")
            if name.startswith("bot."):
                module, _, component = name.rpartition(".")
                source = (ROOT / Path(*module.split("."))).with_suffix(".py")
                assert f"class {component}(" in source.read_text(encoding="utf-8")


def test_one_fold_is_refused(capsys):
    assert main(["--folds", "1"]) == 2
    assert "2 ou mais" in capsys.readouterr().err

"""The benchmarks' own parts: files, folds, and the public yardstick in small."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.bench_massive import DataError, main, read_lines
from benchmarks.nlu_folds import fold_of

SAMPLE = Path(__file__).parents[1] / "data" / "massive_pt"
TRAIN, DEV = str(SAMPLE / "train.jsonl"), str(SAMPLE / "dev.jsonl")


def last_line(capsys) -> dict:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_sample_is_learnt_and_the_last_line_is_the_result(capsys):
    code = main(["--train", TRAIN, "--dev", DEV])

    result = last_line(capsys)
    assert code == 0
    assert result["split"] == "dev"
    assert result["accuracy"] >= 0.85
    assert result["ms_p50"] > 0
    assert result["train_s"] > 0
    assert (result["train_lines"], result["lines"]) == (160, 40)


def test_test_split_is_scored_where_it_is_given(capsys):
    main(["--train", TRAIN, "--dev", "nem-existe.jsonl", "--test", DEV])

    assert last_line(capsys)["split"] == "test"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "Não consigo ler DEV="),
        ("", "está vazio"),
        ("\n \n", "está vazio"),
        ("{", "linha 1: não é um objeto JSON"),
        ('{"utt": "oi", "intent": "a"}\n[]', "linha 2: falta o campo 'utt'"),
        ('{"utt": " ", "intent": "a"}', "linha 1: falta o campo 'utt'"),
        ('{"utt": "oi"}', "linha 1: falta o campo 'intent'"),
        ('{"utt": "oi", "intent": 3}', "linha 1: falta o campo 'intent'"),
    ],
)
def test_file_that_cannot_be_used_is_explained(tmp_path, content, message, capsys):
    path = tmp_path / "dev.jsonl"
    if content is not None:
        path.write_text(content, encoding="utf-8")

    code = main(["--train", TRAIN, "--dev", str(path)])

    assert code == 2
    assert message in capsys.readouterr().err


def test_missing_argument_is_asked_for_by_its_name():
    with pytest.raises(DataError, match="Falta TRAIN="):
        read_lines("TRAIN", "")


def test_wrong_encoding_is_explained(tmp_path):
    path = tmp_path / "dev.jsonl"
    path.write_bytes(b'{"utt": "n\xe3o"}')

    with pytest.raises(DataError, match="Não consigo ler"):
        read_lines("DEV", str(path))


def test_folds_are_even_and_hold_every_label():
    labels = ["a"] * 10 + ["b"] * 23 + ["c"] * 5

    folds = fold_of(labels, 5)

    assert sorted(Counter(folds).values()) == [7, 7, 8, 8, 8]
    for label in "abc":
        found = {f for f, name in zip(folds, labels, strict=True) if name == label}
        assert found == {0, 1, 2, 3, 4}
    assert fold_of(labels, 5) == folds

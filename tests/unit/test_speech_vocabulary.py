"""The words that Whisper is given, and where its weights are found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actions.speech.engines import EngineError, find_weights, open_engine
from actions.speech.vocabulary import MOST_CHARS, vocabulary
from bot.core.office import load_office
from bot.core.settings import ROOT

OFFICE = load_office(ROOT / "escritorio.yml")


def test_office_lawyers_areas_and_terms_are_named():
    words = vocabulary(OFFICE)

    assert words.startswith(OFFICE.texts["nome"])
    assert all(each.name in words for each in OFFICE.lawyers)
    assert OFFICE.areas[0] in words
    assert "verbas rescisórias" in words
    assert "INSS" in words


def test_many_lawyers_do_not_push_the_terms_out():
    many = tuple(
        replace(OFFICE.lawyers[0], name=f"Dra. Pessoa Inventada {number}")
        for number in range(80)
    )

    words = vocabulary(replace(OFFICE, lawyers=many))

    assert len(words) <= MOST_CHARS
    assert words.endswith("CPF, OAB.")
    assert "Dra. Pessoa Inventada 0" in words


@pytest.fixture
def weights(tmp_path):
    (tmp_path / "ct2").mkdir()
    (tmp_path / "ct2" / "model.bin").write_bytes(b"x")
    (tmp_path / "base.pt").write_bytes(b"x")
    return tmp_path


def test_name_of_a_model_stays_a_name():
    assert find_weights("openai-whisper", "small") == "small"
    assert find_weights("faster-whisper", "turbo") == "turbo"


def test_one_folder_serves_both_engines(weights):
    folder = str(weights)

    assert find_weights("openai-whisper", folder) == f"{folder}/base.pt"
    assert find_weights("faster-whisper", folder) == f"{folder}/ct2"
    assert find_weights("faster-whisper", f"{folder}/ct2") == f"{folder}/ct2"
    assert find_weights("faster-whisper", f"{folder}/base.pt") == f"{folder}/ct2"
    assert find_weights("openai-whisper", f"{folder}/base.pt") == f"{folder}/base.pt"


@pytest.mark.parametrize("engine", ["openai-whisper", "faster-whisper"])
def test_path_without_weights_says_so(engine, tmp_path):
    for path in (tmp_path, tmp_path / "none", tmp_path / "none.pt"):
        with pytest.raises(EngineError, match="WHISPER_MODEL: não há pesos"):
            find_weights(engine, str(path))


@pytest.mark.parametrize("engine", ["openai-whisper", "faster-whisper"])
def test_spoilt_weights_say_what_to_check(engine, weights):
    with pytest.raises(EngineError, match=r"make whisper|WHISPER_MODEL"):
        open_engine(engine, model=str(weights), device="cpu", threads=1)

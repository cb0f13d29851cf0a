"""When a labelled entity counts as found."""

from __future__ import annotations

import pytest

from bot.nlu.entity_scores import micro_f1, table, tallies


@pytest.mark.parametrize(
    ("label", "read"),
    [
        (("cpf", "52998224725"), ("cpf", "52998224725", "529.982.247-25")),
        (("nome", "João Melo"), ("nome", "João Melo", "joao melo")),
        (("nome", "joao  melo"), ("nome", "João Melo", "João Melo")),
        (("data_hora", "na terça"), ("data_hora", "2026-11-24", "terça")),
        (("data_hora", "TERÇA"), ("data_hora", "2026-11-24", "terça")),
        (("data_hora", "24/11"), ("data_hora", "2026-11-24", "amanhã")),
        (("data_hora", "2026-11-24"), ("data_hora", "2026-11-24", "amanhã")),
    ],
)
def test_label_is_found_by_its_value_or_as_written(label, read):
    found = tallies([([label], [read])])

    assert micro_f1(found) == 1.0
    assert found[label[0]].right == 1


@pytest.mark.parametrize(
    ("label", "read"),
    [
        (("cpf", "52998224725"), ("cnpj", "52998224725", "52998224725")),
        (("cpf", "529.982.247-25"), ("cpf", "52998224725", "529.982.247-25")),
        (("nome", "João"), ("nome", "João Melo", "João Melo")),
        (("data_hora", "quarta"), ("data_hora", "2026-11-24", "terça")),
        (("valor", "2 mil"), ("valor", "2000.00", "2 mil")),
    ],
)
def test_other_values_do_not_count(label, read):
    found = tallies([([label], [read])])

    assert micro_f1(found) == 0.0
    assert found[label[0]].missed == [label[1]]
    assert found[read[0]].invented == [read[-1]]


def test_one_reading_answers_one_label():
    labels = [("data_hora", "terça"), ("data_hora", "na terça")]

    found = tallies([(labels, [("data_hora", "2026-11-24", "terça")])])

    assert (found["data_hora"].right, len(found["data_hora"].missed)) == (1, 1)
    assert micro_f1(found) == 0.6667


def test_nothing_labelled_and_nothing_found_scores_zero():
    assert micro_f1(tallies([([], [])])) == 0.0
    assert table(tallies([])) == "Nenhuma entidade rotulada."


def test_table_says_what_was_missed_and_invented():
    both = [([("nome", "Ana")], [("nome", "Bia", "Bia")]), ([], [("cpf", "1", "um")])]

    lines = table(tallies(both)).splitlines()

    assert lines[0].split() == [
        "entidade",
        "certas",
        "perdidas",
        "inventadas",
        "exemplos",
    ]
    assert "perdeu 'Ana', inventou 'Bia'" in lines[1]
    assert "inventou 'um'" in lines[2]

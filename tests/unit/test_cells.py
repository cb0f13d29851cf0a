"""What spreadsheets of every keeper share."""

from __future__ import annotations

import pytest

from actions.gateways.cells import fitted, page_of


@pytest.mark.parametrize(
    ("lines", "line", "headers"),
    [
        ([], 0, []),
        ([["a", "b"]], 0, ["a", "b"]),
        ([[], ["", "a"]], 1, ["", "a"]),
        ([["título"], ["a", "_chave"]], 1, ["a", "_chave"]),
        ([["a ", " _chave "], ["x", "_chave"]], 0, ["a", "_chave"]),
    ],
)
def test_headers_are_the_line_with_the_key_column(lines, line, headers):
    page = page_of(lines)

    assert (page.line, page.headers) == (line, headers)


def test_keys_are_those_below_the_headers():
    page = page_of([["k0"], ["_chave", "a"], ["k1", "x"], [], ["k2"]])

    assert page.keys - {""} == {"k1", "k2"}
    assert page.rows() == [{"a": "x"}, {"a": ""}]


def test_headers_that_are_missing_are_told_once_and_have_a_name():
    assert page_of([["a"]]).missing(["b", "", "a", "b"]) == ["b"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abcd", "abcd"),
        ("abcde", "abc…"),
        ("🙂🙂", "🙂🙂"),
        ("🙂🙂🙂", "🙂…"),
        ("abc\x00d", "abcd"),
        ("a\r\nb\r", "a\nb\n"),
    ],
)
def test_text_is_cut_to_what_a_cell_holds(text, expected):
    assert fitted({" a ": text}, 4) == {"a": expected}

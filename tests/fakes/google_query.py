r"""The search language of Drive's `q`: `name = 'José\'s' and trashed = false`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.fakes.google_faults import Problem

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:\\.|[^'\\])*')|(?P<op><=|>=|!=|=|<|>)|(?P<mark>[(){}])"
    r"|(?P<word>[A-Za-z]+))"
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_OPERATORS = {
    "name": {"contains", "=", "!="},
    "fullText": {"contains"},
    "mimeType": {"contains", "=", "!="},
    "trashed": {"=", "!="},
    "starred": {"=", "!="},
    "sharedWithMe": {"=", "!="},
    "modifiedTime": set(_COMPARE),
    "createdTime": set(_COMPARE),
    "appProperties": {"has"},
    "properties": {"has"},
}
_COLLECTIONS = {"parents", "owners", "writers", "readers"}

Test = Callable[[Mapping[str, Any]], bool]


def parse(query: str) -> Test:
    """Returns whether a file is found, as a function of its metadata.

    Raises:
        Problem: Drive would not understand the query.
    """
    if not query.strip():
        return lambda _: True
    reader = _Reader(_tokens(query))
    test = reader.any_of()
    if reader.tokens:
        raise _invalid()
    return test


def _invalid() -> Problem:
    return Problem(400, "invalid", "Invalid Value", location="q")


def _tokens(query: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    query = query.rstrip()
    while at < len(query):
        found = _TOKEN.match(query, at)
        if found is None or found.lastgroup is None:
            raise _invalid()
        value = found[found.lastgroup]
        if found.lastgroup == "text":
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        tokens.append((found.lastgroup, value))
        at = found.end()
    return tokens


class _Reader:
    """Reads tokens by descent: or, and, not, one term."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens

    def any_of(self) -> Test:
        tests = [self._all_of()]
        while self._takes("word", "or"):
            tests.append(self._all_of())
        return lambda file: any(test(file) for test in tests)

    def _all_of(self) -> Test:
        tests = [self._one()]
        while self._takes("word", "and"):
            tests.append(self._one())
        return lambda file: all(test(file) for test in tests)

    def _one(self) -> Test:
        if self._takes("word", "not"):
            denied = self._one()
            return lambda file: not denied(file)
        if self._takes("mark", "("):
            inner = self.any_of()
            self._expect("mark", ")")
            return inner
        if self.tokens[:1] and self.tokens[0][0] == "text":
            return self._membership()
        return self._term()

    def _membership(self) -> Test:
        value = self._expect("text")
        self._expect("word", "in")
        collection = self._expect("word")
        if collection not in _COLLECTIONS:
            raise _invalid()
        return lambda file: value in file.get(collection, ())

    def _term(self) -> Test:
        name = self._expect("word")
        operator = self.tokens[0][1] if self.tokens else ""
        if operator not in _OPERATORS.get(name, ()):
            raise _invalid()
        self.tokens.pop(0)
        if operator == "has":
            return self._property(name)
        if name in {"trashed", "starred", "sharedWithMe"}:
            return self._is_set(name, operator)
        value = self._expect("text")
        if operator == "contains":
            return lambda file: _contains(file, name, value)
        compare = _COMPARE[operator]
        if name in {"modifiedTime", "createdTime"}:
            moment = _moment(value)
            return lambda file: compare(_moment(file[name]), moment)
        return lambda file: compare(file.get(name), value)

    def _is_set(self, name: str, operator: str) -> Test:
        word = self._expect("word")
        if word not in {"true", "false"}:
            raise _invalid()
        expected = (word == "true") == (operator == "=")
        return lambda file: bool(file.get(name, False)) is expected

    def _property(self, name: str) -> Test:
        self._expect("mark", "{")
        self._expect("word", "key")
        self._expect("op", "=")
        key = self._expect("text")
        self._expect("word", "and")
        self._expect("word", "value")
        self._expect("op", "=")
        value = self._expect("text")
        self._expect("mark", "}")
        return lambda file: file.get(name, {}).get(key) == value

    def _takes(self, kind: str, value: str) -> bool:
        is_next = self.tokens[:1] == [(kind, value)]
        if is_next:
            self.tokens.pop(0)
        return is_next

    def _expect(self, kind: str, value: str = "") -> str:
        if not self.tokens or self.tokens[0][0] != kind:
            raise _invalid()
        found = self.tokens.pop(0)[1]
        if value and found != value:
            raise _invalid()
        return found


def _contains(file: Mapping[str, Any], name: str, value: str) -> bool:
    """Of names Drive matches the beginnings of words, of types the beginning."""
    if name == "mimeType":
        return str(file.get("mimeType", "")).startswith(value)
    words = re.findall(r"\w+", str(file.get("name", "")).lower())
    wanted = re.findall(r"\w+", value.lower())
    return all(any(word.startswith(each) for word in words) for each in wanted)


def _moment(value: str) -> datetime:
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        raise _invalid() from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)

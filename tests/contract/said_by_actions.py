"""Which responses the action server's code says, and what it fills in: read, not run.

A call `….say("utter_x", quando=…)` says `utter_x` and fills `{quando}`. Where the
name is put together (`f"utter_quando_{reason}"`), every response of that shape
counts; where it comes from elsewhere in the function, every one named there.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.core.settings import ROOT

FOLDERS = ("actions", "llm_fallback")
FILES = ("bot/core/errors.py",)
_SPEAKERS = frozenset({"say", "close"})
_NOT_FILLED = frozenset({"effects", "answered_by", "flow"})
_RASAS_KEY = "utter_action"
"""Under which Rasa keeps a response's name in a bot event."""
_NAME = re.compile(r"utter_[a-z](?:\w|\\w\+)*")
"""A response, or the shape of several; `utter_\\w+` alone could be any."""


@dataclass(frozen=True)
class Saying:
    """One call that says a response."""

    where: str
    """As `actions/fallback.py:28`."""
    shapes: frozenset[str]
    """Expressions for the names that it may say; none where they could be any."""
    filled: frozenset[str]
    """Names that it fills in."""


def trees() -> Iterator[tuple[str, ast.Module]]:
    """Yields path and syntax tree of every file that may say something."""
    paths = [path for name in FOLDERS for path in sorted((ROOT / name).rglob("*.py"))]
    for path in [*paths, *(ROOT / name for name in FILES)]:
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text("utf-8"))


def named() -> set[str]:
    """Returns every response that the code writes out in full."""
    shapes = {shape for _, tree in trees() for shape in _shapes(ast.walk(tree))}
    return {shape for shape in shapes if "\\" not in shape} - {_RASAS_KEY}


def sayings() -> list[Saying]:
    """Returns every call that says something."""
    found = []
    for path, tree in trees():
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                found += _sayings_of(function, path)
    return found


def that_say(response: str, among: Iterable[Saying]) -> list[Saying]:
    """Returns the calls that name a response, or else those of its shape."""
    among = list(among)
    exact = [saying for saying in among if response in saying.shapes]
    return exact or [
        saying
        for saying in among
        if any(re.fullmatch(shape, response) for shape in saying.shapes)
    ]


def _sayings_of(
    function: ast.FunctionDef | ast.AsyncFunctionDef, path: str
) -> Iterator[Saying]:
    calls = [node for node in ast.walk(function) if _is_saying(node)]
    said = {id(inner) for call in calls for inner in ast.walk(call.args[0])}
    others = [node for node in ast.walk(function) if id(node) not in said]
    for call in calls:
        shapes = _shapes(ast.walk(call.args[0])) or _shapes(others)
        filled = {word.arg for word in call.keywords if word.arg} - _NOT_FILLED
        if any(word.arg is None for word in call.keywords):  # **variables
            filled |= _keys(function)
        where = f"{path}:{call.lineno}"
        yield Saying(where, frozenset(shapes), frozenset(filled))


def _is_saying(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _SPEAKERS
        and bool(node.args)
    )


def _shapes(nodes: Iterable[ast.AST]) -> set[str]:
    """Returns an expression for each response that the nodes name."""
    nodes = list(nodes)
    parts = {
        id(value)
        for node in nodes
        if isinstance(node, ast.JoinedStr)
        for value in node.values
    }
    shapes = set()
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            shape = "".join(
                re.escape(value.value) if isinstance(value, ast.Constant) else r"\w+"
                for value in node.values
            )
            shapes.add(shape)
        elif isinstance(node, ast.Constant) and id(node) not in parts:
            shapes.add(str(node.value))
    return {shape for shape in shapes if _NAME.fullmatch(shape)}


def _keys(function: ast.AST) -> set[str]:
    """Returns keys that a function writes into dictionaries."""
    keys = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Dict):
            keys |= {k.value for k in node.keys if isinstance(k, ast.Constant)}
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            keys.add(node.slice.value)
    return {key for key in keys if isinstance(key, str)}

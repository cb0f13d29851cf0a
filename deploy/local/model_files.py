"""What `make modelo` reads: the Modelfile, and the first bytes of a GGUF file."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MODELFILE = Path(__file__).resolve().parents[2] / "llm_fallback" / "Modelfile"
MAGIC = b"GGUF"
MAX_TEXT_BYTES = 1 << 20
MAX_ENTRIES = 256

Parameter = int | float | str | list[str]
_TRIPLE = re.compile(r'^(FROM|TEMPLATE|SYSTEM|LICENSE)\s+"""(.*?)"""', re.M | re.S)
_PLAIN = re.compile(r'^(FROM)\s+([^"\s].*)$', re.M)
_PARAMETER = re.compile(r"^(?:PARAMETER\s+)?(\w+)\s+(.+?)\s*$")
_FORMATS = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?",
    10: "<Q", 11: "<q", 12: "<d",
}  # fmt: skip
_STRING = 8


class NotGguf(Exception):
    """A file that is no model in the GGUF format."""


@dataclass(frozen=True)
class Recipe:
    """What a Modelfile says, without where the weights come from."""

    weights: str
    """The FROM line: a file's or a model's name."""
    template: str
    system: str
    license: str
    parameters: Mapping[str, Parameter]
    """Numbers as numbers; `stop` as a list."""


def read_recipe(text: str) -> Recipe:
    """Returns what the text of a Modelfile says."""
    found = dict(_PLAIN.findall(text)) | dict(_TRIPLE.findall(text))
    lines = [line for line in text.splitlines() if line.startswith("PARAMETER ")]
    return Recipe(
        weights=found.get("FROM", "").strip(),
        template=found.get("TEMPLATE", ""),
        system=found.get("SYSTEM", ""),
        license=found.get("LICENSE", ""),
        parameters=read_parameters("\n".join(lines)),
    )


def read_parameters(lines: str) -> dict[str, Parameter]:
    """Returns parameters from a Modelfile's lines or from what `/api/show` says.

    Both write one a line: `num_ctx 4096`, `stop "[INST]"`.
    """
    parameters: dict[str, Parameter] = {}
    stops: list[str] = []
    for line in lines.splitlines():
        match = _PARAMETER.match(line.strip())
        if match and match[1] == "stop":
            stops.append(_unquoted(match[2]))
        elif match:
            parameters[match[1]] = _number(match[2])
    return parameters | ({"stop": stops} if stops else {})


def with_system(modelfile: str, system: str) -> str:
    """Returns the Modelfile's text with another SYSTEM."""
    written = f'SYSTEM """{system}"""'
    return re.sub(r'^SYSTEM """.*?"""', lambda _: written, modelfile, flags=re.M | re.S)


def read_gguf(path: Path) -> dict[str, str | int | float]:
    """Returns the texts and numbers of a GGUF file's header, lists left out.

    The format is described in ggml's docs/gguf.md: magic, version, two counts,
    then key, kind and value of each entry, little-endian.

    Raises:
        NotGguf: the file has no such header.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        if file.read(4) != MAGIC:
            raise NotGguf(path.name)
        try:
            return _entries(file)
        except (struct.error, UnicodeDecodeError, KeyError) as error:
            raise NotGguf(path.name) from error


def _entries(file: BinaryIO) -> dict[str, str | int | float]:
    _, _, count = struct.unpack("<IQQ", file.read(20))
    entries: dict[str, str | int | float] = {}
    for _ in range(min(count, MAX_ENTRIES)):
        key = _text(file)
        (kind,) = struct.unpack("<I", file.read(4))
        if kind not in {_STRING, *_FORMATS}:
            break  # a list: the vocabulary begins, what we ask for stands before
        entries[key] = _text(file) if kind == _STRING else _value(file, kind)
    return entries


def _text(file: BinaryIO) -> str:
    (length,) = struct.unpack("<Q", file.read(8))
    if length > MAX_TEXT_BYTES:
        raise struct.error
    return file.read(length).decode()


def _value(file: BinaryIO, kind: int) -> int | float:
    form = _FORMATS[kind]
    (value,) = struct.unpack(form, file.read(struct.calcsize(form)))
    return value  # type: ignore[no-any-return]


def _unquoted(value: str) -> str:
    return str(json.loads(value)) if value.startswith('"') else value


def _number(value: str) -> Parameter:
    try:
        number = float(value)
    except ValueError:
        return _unquoted(value)
    return int(number) if number.is_integer() else number

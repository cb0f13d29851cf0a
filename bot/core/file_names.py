"""Names of files and folders, made fit for every disk and for people to trust.

What a name looks like decides whether it is opened: characters that turn the direction
of writing may dress `exe.pdf` up as another kind of file, so they are dropped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

LONGEST_BYTES = 120
"""Of a name in UTF-8; disks take 255, and a number or an ending may be added."""
_FILE = "arquivo"
_JOINER = "\u200d"
_SEPARATORS = re.compile(r"[/\\:|]")
_FORBIDDEN = re.compile(r'[<>"?*]')
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,10}")
_RESERVED = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[1-9¹²³]) *(?:\..*)?",
    re.IGNORECASE,
)
"""Devices to Windows, whatever their extension:
https://learn.microsoft.com/windows/win32/fileio/naming-a-file"""
_UNSEEN = frozenset({"Cc", "Cf", "Cs"})
_PICTURES = frozenset({"So", "Sk", "Mn"})
"""What emoji are made of; the mark of their coloured form is an `Mn`."""


def file_name(name: str) -> str:
    r"""Returns a file's name without what disks refuse or people misread.

    >>> file_name("Procuração 12/03 \u202efdp.exe. ")
    'Procuração 12-03 fdp.exe'
    """
    kept = _plain(name).rstrip(" .-")
    found = _EXTENSION.fullmatch(kept[kept.rfind(".") :]) if "." in kept else None
    extension = found[0] if found else ""
    stem = kept.removesuffix(extension).strip(" .-") or _FILE
    return _unreserved(_cut(stem, LONGEST_BYTES - len(extension)) + extension)


def folder_name(name: str, *, empty: str = "pasta") -> str:
    """Returns a name without an extension to keep, cleaned likewise.

    Args:
        name: as somebody wrote it.
        empty: what stands for a name of which nothing is left.
    """
    return _unreserved(_cut(_plain(name).strip(" .-") or empty, LONGEST_BYTES))


def numbered(name: str) -> Iterator[str]:
    """Yields a cleaned name, then as many others beside it: `contrato (2).pdf`."""
    yield name
    dot = name.rfind(".")
    is_extension = _EXTENSION.fullmatch(name[dot:])
    stem, extension = (name[:dot], name[dot:]) if is_extension else (name, "")
    number = 2
    while True:
        yield f"{stem} ({number}){extension}"
        number += 1


def _plain(name: str) -> str:
    composed = unicodedata.normalize("NFC", "".join(_seen(name)))
    words = _FORBIDDEN.sub(" ", _SEPARATORS.sub("-", composed)).split()
    return " ".join(words).rstrip(" .")


def _seen(text: str) -> Iterator[str]:
    previous = ""
    for char in text:
        is_kept = unicodedata.category(char) not in _UNSEEN or (
            char == _JOINER and previous and unicodedata.category(previous) in _PICTURES
        )
        if char.isspace():
            yield " "
        elif is_kept:
            yield char
        previous = char


def _cut(text: str, longest_bytes: int) -> str:
    short = text.encode()[:longest_bytes].decode("utf-8", "ignore")
    return short.rstrip(f" .-{_JOINER}")


def _unreserved(name: str) -> str:
    return f"_{name}" if _RESERVED.fullmatch(name) else name

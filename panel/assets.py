"""The panel's static files: read once, named by their content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "static"
PREFIX = "/painel/estatico"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_VERSION_DIGITS = 12


@dataclass(frozen=True)
class Asset:
    """One static file."""

    body: bytes
    content_type: str
    version: str
    """Start of the SHA-256; part of its address, so that it can be cached."""


@dataclass(frozen=True)
class Assets:
    """Every file that may be served, by name; nothing else on disk is."""

    files: Mapping[str, Asset]

    def url(self, name: str) -> str:
        """Returns the address that a page uses for a file."""
        return f"{PREFIX}/{name}?v={self.files[name].version}"


def read_assets(folder: Path = FOLDER) -> Assets:
    """Reads the files of a folder that browsers may ask for."""
    paths = (path for path in folder.iterdir() if path.suffix in _TYPES)
    return Assets({path.name: _asset(path) for path in paths})


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    version = hashlib.sha256(body).hexdigest()[:_VERSION_DIGITS]
    return Asset(body, _TYPES[path.suffix], version)

"""What an attachment is, read from its bytes; names and headers count for nothing.

Everything that is not surely one of the types below is `REFUSED`: programs,
pages, drawings with scripts, archives, documents with macros, the unknown.
It does not look for malware inside a well-formed PDF or image.
"""

from __future__ import annotations

import mmap
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

REFUSED = "recusado"
"""Type of what is kept but served to nobody."""

HEAD_BYTES = 64
"""As many bytes as tell a document from sound and pictures."""

MAX_TEXT_BYTES = 8 * 1024 * 1024
MAX_ZIP_ENTRIES = 1_000
MAX_UNPACKED_BYTES = 100 * 1024 * 1024
MAX_ZIP_RATIO = 100
MAX_ZIP_DIRECTORY_BYTES = 1024 * 1024

_PDF = b"%PDF-"
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP_END_BYTES = 22
_ZIP_TAIL_BYTES = 65_535 + 22 + 20  # a comment, the end and its locator
_OOXML = "application/vnd.openxmlformats-officedocument."
_OOXML_BY_PART = {
    "word/document.xml": _OOXML + "wordprocessingml.document",
    "xl/workbook.xml": _OOXML + "spreadsheetml.sheet",
    "ppt/presentation.xml": _OOXML + "presentationml.presentation",
}
_OLE_BY_STREAM = {
    "WordDocument": "application/msword",
    "Workbook": "application/vnd.ms-excel",
    "Book": "application/vnd.ms-excel",
    "PowerPoint Document": "application/vnd.ms-powerpoint",
}
_OLE_ENTRY_BYTES = 128
_OLE_HEADER_BYTES = 512
_OLE_NAME_LENGTH = slice(64, 66)
_MACROS = ("_VBA_PROJECT", "vbaProject.bin")

_MP4_BRANDS = frozenset(
    b"isom iso2 iso3 iso4 iso5 iso6 iso7 iso8 iso9 mp41 mp42 avc1 MSNV M4V mmp4".split()
)
_AUDIO_BRANDS = frozenset({b"M4A ", b"M4B "})
_JPEG_MARKERS = frozenset({0xC0, 0xC2, 0xC4, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)})
_WEBP_CHUNKS = frozenset({b"VP8 ", b"VP8L", b"VP8X"})
_WAVE_CHUNKS = frozenset({b"fmt ", b"JUNK", b"bext", b"LIST"})
_OGG_FIRST_PACKET = 28
_LAYER_3 = 1
_NO_BITRATE = frozenset({0, 15})
_ADTS_RATES = 13

_EBML = b"\x1a\x45\xdf\xa3"
_CODEC = re.compile(rb"\x86[\x83-\x9f]([AV])_")
"""Begins the name of a track's codec, as `A_OPUS`, after its length."""
_TRACKS_WITHIN_BYTES = 64 * 1024

_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_SCRIPT = re.compile(rb"\s*(#!|%!|@echo\b|\{\\rtf)", re.IGNORECASE)
_MARKUP = re.compile(
    rb"<(!doctype|!entity|[?%]|(html|head|body|script|svg|iframe|object|embed|meta|img"
    rb"|style)\b)",
    re.IGNORECASE,
)
_TEST_VIRUS = b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE"
_CSV_SAMPLE_LINES = 20


def may_be_document(head: bytes) -> bool:
    """Says whether a file that begins so may be as large as a document."""
    return head.lstrip(b"\r\n\t ").startswith(_PDF) or head.startswith((_ZIP, _OLE))


def sniff(path: Path) -> str:
    """Returns the media type of a file's content, or `REFUSED`.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        return REFUSED
    if may_be_document(head):
        return _document(path, head)
    return (
        _picture(head)
        or _sound(head)
        or _film(path, head)
        or _matroska(path, head)
        or _text(path)
    )


def _document(path: Path, head: bytes) -> str:
    if head.startswith(_ZIP):
        return _office_zip(path)
    return _office_ole(path) if head.startswith(_OLE) else "application/pdf"


def _office_zip(path: Path) -> str:
    try:
        if _directory_bytes(path) > MAX_ZIP_DIRECTORY_BYTES:
            return REFUSED
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        return REFUSED
    names = {entry.filename for entry in entries}
    unpacked = sum(entry.file_size for entry in entries)
    packed = max(1, sum(entry.compress_size for entry in entries))
    is_bomb = (
        len(entries) > MAX_ZIP_ENTRIES
        or unpacked > MAX_UNPACKED_BYTES
        or unpacked > packed * MAX_ZIP_RATIO
    )
    has_macros = any(name.endswith(_MACROS) for name in names)
    if is_bomb or has_macros or "[Content_Types].xml" not in names:
        return REFUSED
    found = [kind for part, kind in _OOXML_BY_PART.items() if part in names]
    return found[0] if len(found) == 1 else REFUSED


def _directory_bytes(path: Path) -> int:
    """Returns the size of an archive's table of contents, before it is loaded.

    A hundred megabytes of empty entries would take a gigabyte of memory.

    Raises:
        ValueError: there is none, or in the form for archives above 4 GB.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _ZIP_TAIL_BYTES))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06", 0, len(tail) - _ZIP_END_BYTES + 4)
    if at < 0 or b"PK\x06\x07" in tail:
        raise ValueError("no usable table of contents")
    return int.from_bytes(tail[at + 12 : at + 16], "little")


def _office_ole(path: Path) -> str:
    streams = set(_ole_names(path))
    if streams & set(_MACROS):
        return REFUSED
    found = {kind for name, kind in _OLE_BY_STREAM.items() if name in streams}
    return found.pop() if len(found) == 1 else REFUSED


def _ole_names(path: Path) -> Iterator[str]:
    """Yields the names of the directory entries that we look for.

    Entries are 128 bytes long and aligned, whatever the sectors' order.
    """
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        for name in (*_OLE_BY_STREAM, *_MACROS):
            wanted = (name + "\0").encode("utf-16-le")
            at = content.find(wanted)
            while at >= 0:
                is_aligned = (at - _OLE_HEADER_BYTES) % _OLE_ENTRY_BYTES == 0
                entry = content[at : at + _OLE_ENTRY_BYTES]
                length = int.from_bytes(entry[_OLE_NAME_LENGTH], "little")
                if is_aligned and length == len(wanted):
                    yield name
                    break
                at = content.find(wanted, at + 2)


def _picture(head: bytes) -> str:
    if head.startswith(b"\xff\xd8\xff") and head[3:4]:
        return "image/jpeg" if head[3] in _JPEG_MARKERS else ""
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR":
        return "image/png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    is_webp = head.startswith(b"RIFF") and head[8:12] == b"WEBP"
    return "image/webp" if is_webp and head[12:16] in _WEBP_CHUNKS else ""


def _sound(head: bytes) -> str:
    if head.startswith(b"OggS\0"):
        first = head[_OGG_FIRST_PACKET:]
        is_sound = first.startswith((b"OpusHead", b"\x01vorbis"))
        return "audio/ogg" if is_sound else ""
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "audio/wav" if head[12:16] in _WAVE_CHUNKS else ""
    if head.startswith(b"#!AMR\n"):
        return "audio/amr"
    if head.startswith(b"#!AMR-WB\n"):
        return "audio/amr-wb"
    if head.startswith(b"ID3") and len(head) > 10 and max(head[6:10]) < 0x80:  # noqa: PLR2004
        return "audio/mpeg"
    return _mpeg_frame(head)


def _mpeg_frame(head: bytes) -> str:
    """Names a sound that begins with an MPEG frame: eleven set bits, then fields."""
    if len(head) < 4 or head[0] != 0xFF or head[1] < 0xE0:  # noqa: PLR2004
        return ""
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    if layer == _LAYER_3:
        is_valid = version != 1 and head[2] >> 4 not in _NO_BITRATE
        return "audio/mpeg" if is_valid and head[2] >> 2 & 3 != 3 else ""  # noqa: PLR2004
    is_adts = layer == 0 and head[1] >= 0xF0 and head[2] >> 2 & 15 < _ADTS_RATES  # noqa: PLR2004
    return "audio/aac" if is_adts else ""


def _film(path: Path, head: bytes) -> str:
    if head[4:8] != b"ftyp" or len(head) < 12:  # noqa: PLR2004
        return ""
    brand = head[8:12]
    if brand in _AUDIO_BRANDS:
        return "audio/mp4"
    is_phone = brand.startswith((b"3gp", b"3gg", b"3gs", b"3ge", b"3gr", b"3g2"))
    if not is_phone and brand.rstrip() not in _MP4_BRANDS:
        return ""
    tracks = set(_tracks(path))
    major = "audio" if b"soun" in tracks and b"vide" not in tracks else "video"
    return f"{major}/{'3gpp' if is_phone else 'mp4'}"


def _tracks(path: Path) -> Iterator[bytes]:
    """Yields the handler of each track, as `vide` and `soun`.

    A voice recording has the brands of a film, and only its tracks tell.
    """
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        at = content.find(b"hdlr")
        while at >= 0:
            yield content[at + 12 : at + 16]
            at = content.find(b"hdlr", at + 4)


def _matroska(path: Path, head: bytes) -> str:
    """Names what browsers record: WebM, whose tracks stand before its sound."""
    if not head.startswith(_EBML) or b"webm" not in head:
        return ""
    with path.open("rb") as file:
        codecs = set(_CODEC.findall(file.read(_TRACKS_WITHIN_BYTES)))
    if b"V" in codecs:
        return "video/webm"
    return "audio/webm" if b"A" in codecs else ""


def _text(path: Path) -> str:
    if path.stat().st_size > MAX_TEXT_BYTES:
        return REFUSED
    content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    is_active = _SCRIPT.match(content) or _MARKUP.search(content)
    if is_active or _CONTROL.search(content) or _TEST_VIRUS in content:
        return REFUSED
    try:
        words = content.decode("utf-8")
    except UnicodeDecodeError:
        return REFUSED
    card = words.strip().upper()
    if card.startswith("BEGIN:VCARD"):
        return "text/vcard" if card.endswith("END:VCARD") else REFUSED
    return "text/csv" if _is_table(words) else "text/plain"


def _is_table(words: str) -> bool:
    """Says whether the first lines all have the same number of one separator.

    A comma before a space is a sentence's.
    """
    lines = [line for line in words.splitlines() if line.strip()][:_CSV_SAMPLE_LINES]
    separators = ";\t" if any(", " in line for line in lines) else ";\t,"
    counts = ({line.count(each) for line in lines} for each in separators)
    return len(lines) > 1 and any(len(each) == 1 and each != {0} for each in counts)

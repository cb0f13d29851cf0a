"""WhatsApp's own markup: what it is, from Markdown, and kept out of quoted text.

WhatsApp knows `*bold*`, `_italic_`, `~strike~`, `` `code` ``, ```` ```mono``` ````,
lists and `> quotes`, and no way to escape a mark. A mark works at the edge of a
word alone: it opens before a character that is no space and after none that is a
letter or digit, closes the other way round, and on the same line; mono may span
lines. How long a message may be is `rendering`'s business.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_MONO = "```"
_SPANS = [
    (_MONO, re.compile(r"```(?=[^`]*[^\s`]).+?```", re.DOTALL)),
    ("`", re.compile(r"(?<!`)`[^`\n]*[^`\s][^`\n]*`(?!`)")),
    *(
        (
            mark,
            re.compile(
                rf"(?<![^\W_]){re.escape(mark)}(?![\s{mark}])"
                rf"(?:[^{mark}\n]|(?<=\w){re.escape(mark)}(?=\w)|(?<=\s){re.escape(mark)}(?=\s))+"
                rf"(?<!\s){re.escape(mark)}(?![^\W_])"
            ),
        )
        for mark in "*_~"
    ),
]
_LOOKALIKES = str.maketrans("*_~`", "∗ˍ∼ˋ")
_WORKING_MARK = re.compile(
    r"`|(?!(?<=\s)[*_~]\s)(?:(?<![A-Za-z0-9])[*_~]|[*_~](?![A-Za-z0-9]))"
)
_LINE_BREAK = " ↵ "

_FENCE = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})[^\n`]*\n(?P<code>.*?)"
    r"(?:^[ \t]*(?P=fence)[`~]*[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)
_TABLE = re.compile(
    r"^(?P<head>[^\n]*\|[^\n]*)\n(?=[^\n]*\|)[ \t]*\|?[ \t]*:?-+:?[ \t]*"
    r"(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*(?P<rows>(?:\n[^\n]*\|[^\n]*)*)$",
    re.MULTILINE,
)
_RULE = re.compile(r"\s*([-*_=])(?:\s*\1){2,}\s*")
_QUOTE = re.compile(r"\s*(?:>\s?)+")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(.*?)(?:\s+#+)?\s*")
_BULLET = re.compile(r"(\s*)[-*+]\s+")
_TAGS = (
    "a|abbr|b|big|blockquote|br|center|code|del|details|div|em|font|h[1-6]|hr|i|img"
    "|ins|li|mark|ol|p|pre|s|small|span|strike|strong|sub|summary|sup|table|tbody|td"
    "|tfoot|th|thead|tr|u|ul"
)
_INLINE = re.compile(
    rf"""(?<!`)(?P<ticks>`{{1,3}})(?!`)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)
    | \\(?P<literal>[!-/:-@\[-`{{-~])
    | (?P<image>!?)\[(?P<label>(?:!?\[[^\[\]]*\]\([^\s()]*\)|[^\[\]])*)\]
      \(\s*<?(?P<target>(?:[^\s()<>]|\([^\s()]*\))*)>?(?:\s+["'][^\n]*?["'])?\s*\)
    | <(?P<bare>(?:https?://|mailto:)[^\s<>]+|[^\s<>@]+@[^\s<>@]+)>
    | <(?P<tag>!--.*?--|/?(?:{_TAGS})\b[^<>]*)>
    | (?P<address>https?://[^\s<>]+)
    | (?P<both>\*\*\*|(?<!\w)___)(?=\S)(?P<both_text>.+?)(?<=\S)(?P=both)
    | (?P<bold>\*\*(?!\*)|(?<!\w)__)(?=\S)(?P<bold_text>.+?)(?<=\S)(?P=bold)
      (?:(?<=\*)(?!\*)|(?<=_)(?!\w))
    | ~~(?=\S)(?P<strike>.+?)(?<=\S)~~
    | (?<![\w*])\*(?=[^\s*])(?P<star>.+?)(?<=[^\s*])\*(?![\w*])
    | (?<!\w)_(?=[^\s_])(?P<score>.+?)(?<=[^\s_])_(?!\w)""",
    re.VERBOSE | re.IGNORECASE,
)
_SCHEME = re.compile(r"(?:https?://|mailto:|tel:)(?:www\.)?", re.IGNORECASE)


class Span(NamedTuple):
    """A stretch that WhatsApp shows formatted, its marks included."""

    start: int
    end: int
    mark: str
    """`*`, `_`, `~`, a backtick or three; it stands at both ends."""


def formatted_spans(text: str) -> list[Span]:
    """Returns every formatted span of a text, outer ones first."""
    spans = [
        Span(*found.span(), mark)
        for mark, pattern in _SPANS
        for found in pattern.finditer(text)
    ]
    code = [span for span in spans if span.mark[0] == "`"]
    return sorted(
        (s for s in spans if not any(c.start < s.start < c.end for c in code)),
        key=lambda span: (span.start, -span.end),
    )


def escaped(value: str) -> str:
    r"""Returns what somebody wrote as one line that carries no working mark.

    For text that our own sentences repeat. WhatsApp would show a backslash, and an
    invisible character would travel with what people copy. A mark that works is
    therefore written with the sign that looks like it (`∗ ˍ ∼ ˋ`), and a line break
    as ` ↵ `: both can be read, and undone one for one. Marks between plain letters
    or digits (`ana_silva@x.com`, `2*3`) or between spaces do nothing and stay.
    White space at the ends is dropped: beside it, a mark of ours would not work.

    >>> escaped("*URGENTE*: ligue\npara ana_silva@x.com")
    '∗URGENTE∗: ligue ↵ para ana_silva@x.com'
    """
    line = _LINE_BREAK.join(value.strip().splitlines())
    return _WORKING_MARK.sub(lambda mark: mark[0].translate(_LOOKALIKES), line)


def to_whatsapp(markdown: str) -> str:
    r"""Returns a language model's Markdown in WhatsApp's markup.

    Not for our own texts, which are WhatsApp's already: their `*bold*` would become
    italic, as Markdown means it. Hence not to be applied twice.

    >>> to_whatsapp("## Prazos\n- **5 dias** [aqui](https://tst.jus.br)")
    '*Prazos*\n• *5 dias* aqui (https://tst.jus.br)'
    """
    text = "\n".join(markdown.splitlines())
    pieces, done = [], 0
    for fence in _FENCE.finditer(text):
        pieces.append(_prose(text[done : fence.start()]))
        if fence["code"].strip():
            pieces.append(f"{_MONO}\n{fence['code'].rstrip()}\n{_MONO}")
        done = fence.end()
    pieces.append(_prose(text[done:]))
    return "".join(pieces).strip()


def _prose(text: str) -> str:
    lines = "\n".join(map(_line, _TABLE.sub(_table_lines, text).split("\n")))
    return re.sub(r"\n(?:[^\S\n]*\n){2,}", "\n\n", re.sub(r"[^\S\n]+\n", "\n", lines))


def _table_lines(table: re.Match[str]) -> str:
    head, *rows = (
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line) if cell.strip()]
        for line in (table["head"], *table["rows"].split("\n")[1:])
    )
    names = " – ".join(cell.strip("*_ ") for cell in head)
    return "\n".join([f"# {names}" if names else "", *map(" – ".join, rows)])


def _line(line: str) -> str:
    if _RULE.fullmatch(line):
        return ""
    if quote := _QUOTE.match(line):
        quoted = _line(line[quote.end() :])
        return f"> {quoted}" if quoted else ""
    if heading := _HEADING.fullmatch(line):
        return _marked("*", _inline(heading[1], inside="*"))
    if bullet := _BULLET.match(line):
        return f"{bullet[1]}• {_inline(line[bullet.end() :])}"
    return _inline(line)


def _inline(text: str, *, inside: str = "") -> str:
    """Returns one line's text; `inside` holds the marks already open around it."""

    def written(found: re.Match[str]) -> str:
        before = text[: found.start()][-1:]
        after = text[found.end() :][:1]
        if literal := found["literal"]:
            is_inert = before.isalnum() and after.isalnum()
            return literal if is_inert else literal.translate(_LOOKALIKES)
        if ticks := found["ticks"]:
            mark = _MONO if len(ticks) >= len(_MONO) else "`"
            return f"{mark}{found['code'].strip()}{mark}"
        marks, inner = _emphasis(found)
        if not marks:
            return _link_or_tag(found, inside)
        if before.isalnum() or after.isalnum():
            marks = ""  # WhatsApp would show them inside a word
        for mark in inside:
            marks = marks.replace(mark, "")
        inner = _inline(inner, inside=inside + marks)
        for mark in reversed(marks):
            inner = _marked(mark, inner)
        return inner

    return _INLINE.sub(written, text)


def _emphasis(found: re.Match[str]) -> tuple[str, str]:
    for marks, group in (("*_", "both_text"), ("*", "bold_text"), ("~", "strike")):
        if found[group]:
            return marks, found[group]
    inner = found["star"] or found["score"]
    return ("_", inner) if inner else ("", "")


def _link_or_tag(found: re.Match[str], inside: str) -> str:
    if found["tag"]:
        return "\n" if found["tag"].lower().startswith("br") else ""
    if found["label"] is None:
        return found["address"] or found["bare"].removeprefix("mailto:")
    label, target = _inline(found["label"], inside=inside).strip(), found["target"]
    if found["image"] or not target or target.startswith("#"):
        return label
    shown = re.sub(r"\A(?:mailto|tel):", "", target)
    said_twice = _SCHEME.sub("", label).rstrip("/") == _SCHEME.sub("", target).rstrip(
        "/"
    )
    return shown if said_twice or not label else f"{label} ({shown})"


def _marked(mark: str, text: str) -> str:
    lines = (line.strip() for line in text.split("\n"))
    return "\n".join(f"{mark}{line}{mark}" if line else "" for line in lines)

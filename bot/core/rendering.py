"""One answer as WhatsApp messages: numbered choices, at most 1,600 characters.

Twilio refuses a longer body with error 21617
(https://www.twilio.com/docs/api/errors/21617), which says that an emoji may count
as several characters and not how many. We count UTF-16 code units, as SMS does:
never less than the characters that people see or Python counts. An accent is one.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from bot.core.whatsapp_markup import Span, formatted_spans

TAP_ONLY = "toque"
"""Type of a button that the text itself names already: it gets no number there."""

MAX_CHARS = 1600
"""Of a message's text, in UTF-16 code units."""
_LAST_ONE_UNIT_CHAR = "\uffff"

_NO_BREAK = "\u00a0\u2007\u202f"
_GAP = re.compile(rf"[^\S{_NO_BREAK}]+")
_SPACE = re.compile(r"\s+")
_WORD = re.compile(rf"(?:\S|[{_NO_BREAK}])+")
_SEP = r"[ \u00a0.-]{0,3}"
_ATOMS = re.compile(
    r"https?://\S+"
    r"|(?<![\w.+%-])[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?<!\d)\d{7}-\d\d\.\d{4}\.\d\.\d\d\.\d{4}(?!\d)"
    r"|(?<!\w)(?:R\$|US\$|[$€])\s?\d[\d.]*(?:,\d+)?(?:\s(?:mil|milh|bilh)\w*)?"
    r"|(?<![\w.,])\d[\d.]*(?:,\d+)?\s(?:mil\s|milh\w+\sde\s)?reais\b"
    rf"|(?<![\w+])(?:\+?55{_SEP})?(?:\(?0?[1-9]\d\)?{_SEP})?(?:9{_SEP})?\d{{4}}{_SEP}"
    r"\d{4}(?!\d)"
    rf"|(?<!\w)0[358]00{_SEP}\d{{3}}{_SEP}\d{{4}}(?!\d)"
    r"|(?<!\w)\+[1-9](?:[ ().-]{0,2}\d){7,14}(?!\d)",
    re.IGNORECASE,
)
"""What must arrive whole: addresses, lawsuits, e-mails, amounts, telephones."""
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")
_EXTENDING = re.compile("[\u200c\u200d\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_JOINER = "\u200d"
_SENTENCE_END = re.compile(r"""[.!?…;]["'”’»)\]*_~]*\Z""")
_ABBREVIATION = re.compile(
    r"\b(?:\w|\d\d|arts?|av|dra?s?|sra?s?|des|min|prof|adv|proc|inc|fls?|tel|ex|n[ºo°]?)\.\Z",
    re.IGNORECASE,
)
_LONGEST_ENDING = 12
_FREE, _IN_SPAN, _IN_GRAPHEME = range(3)


def with_choices(text: str, titles: Sequence[str]) -> str:
    """Returns the text with its choices as numbered lines below.

    A real button outside a template is not to be had on WhatsApp by Twilio.
    """
    if not titles:
        return text
    lines = (f"{number}. {title}" for number, title in enumerate(titles, start=1))
    return text + "\n\n" + "\n".join(lines)


def split(text: str) -> list[str]:
    """Returns the parts to send, in order, each at most `MAX_CHARS` long.

    A text that fits is its own only part; a blank one has none. A longer one breaks
    after the last paragraph that ends past half of a message, else line, sentence or
    word; else at the last place that cuts no word, no `_ATOMS`, no formatted span
    and no character in two. Only what alone is longer than a message is cut inside,
    and never within a character that people see as one.

    Nothing but white space at the cuts and at both ends is lost. Nothing is added,
    save where a formatted span alone is longer than a message: its mark is closed at
    the cut and opened again after it.
    """
    if _units(text) <= MAX_CHARS:
        return [text] if text.strip() else []
    layout = _Layout(text.strip())
    parts, start = [], 0
    while start < len(layout.text):
        cut = layout.cut(start)
        parts.append(layout.part(start, cut))
        start = layout.skip_space(cut)
    return parts


def _units(text: str) -> int:
    return len(text) + sum(char > _LAST_ONE_UNIT_CHAR for char in text)


class _Layout:
    """A long text and where it may be cut: position p is before character p."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._units_before = [
            0, *accumulate(1 + (char > _LAST_ONE_UNIT_CHAR) for char in text)
        ]  # fmt: skip
        self._spans = formatted_spans(text)
        self._level = self._levels()
        self._gaps = [
            gap
            for gap in _GAP.finditer(text)
            if self._level[gap.start()] == self._level[gap.end()] == _FREE
        ]

    def cut(self, start: int) -> int:
        """Returns where the part that begins at `start` ends, the best way."""
        used = self._units_before[start]
        end = bisect_right(self._units_before, used + MAX_CHARS) - 1
        if end == len(self.text) and self._fits(start, end):
            return end
        gaps = [
            (_rank(self.text, gap), gap.start())
            for gap in self._gaps
            if start < gap.start() <= end
            and self._units_before[gap.start()] >= used + MAX_CHARS // 2
            and self._fits(start, gap.start())
        ]
        if gaps:
            return max(gaps)[1]
        return next(
            cut
            for worst in (_FREE, _IN_SPAN, _IN_GRAPHEME)
            for cut in range(end, start, -1)
            if self._level[cut] <= worst and self._fits(start, cut)
        )

    def part(self, start: int, cut: int) -> str:
        """Returns one message, marks that are open at its ends closed there."""
        opened = "".join(self._open_marks(start))
        closed = "".join(reversed(self._open_marks(cut)))
        return opened + self.text[start:cut].rstrip() + closed

    def skip_space(self, position: int) -> int:
        """Returns where the text goes on after white space."""
        rest = self.text[position:]
        return position + len(rest) - len(rest.lstrip())

    def _open_marks(self, position: int) -> list[str]:
        return [s.mark for s in self._spans if s.start < position < s.end]

    def _fits(self, start: int, cut: int) -> bool:
        marks = self._open_marks(start) + self._open_marks(cut)
        length = self._units_before[cut] - self._units_before[start]
        return length + sum(map(len, marks)) <= MAX_CHARS

    def _levels(self) -> list[int]:
        level = [_FREE] * (len(self.text) + 1)
        words = (found.span() for found in _WORD.finditer(self.text))
        atoms = (found.span() for found in _ATOMS.finditer(self.text))
        spans = ((span.start, span.end) for span in self._spans)
        for start, end in (*words, *atoms, *spans):
            if self._units_before[end] - self._units_before[start] <= MAX_CHARS:
                _keep(level, start, end)
        for span in self._spans:
            for start, end in _ends(self.text, span):
                _keep(level, start, end)
        _keep_graphemes(level, self.text)
        return level


def _keep(level: list[int], start: int, end: int, how: int = _IN_SPAN) -> None:
    level[start + 1 : end] = [how] * (end - start - 1)


def _keep_graphemes(level: list[int], text: str) -> None:
    for flag in _FLAG.finditer(text):
        _keep(level, *flag.span(), _IN_GRAPHEME)
    for position in range(1, len(text)):
        if _is_joined(text[position - 1], text[position]):
            level[position] = _IN_GRAPHEME
    for space in _SPACE.finditer(text):
        if level[space.end()] == _IN_GRAPHEME:  # an accent on a space
            _keep(level, space.start() - 1, space.end(), _IN_GRAPHEME)


def _ends(text: str, span: Span) -> tuple[tuple[int, int], tuple[int, int]]:
    """Returns both marks with the character beside them, which must not leave."""
    content = text[span.start + len(span.mark) : span.end - len(span.mark)]
    before = len(span.mark) + len(content) - len(content.lstrip())
    after = len(span.mark) + len(content) - len(content.rstrip())
    return (
        (span.start, span.start + before + 1),
        (span.end - after - 1, span.end),
    )


def _is_joined(before: str, after: str) -> bool:
    return (
        before == _JOINER
        or before + after == "\r\n"
        or unicodedata.category(after).startswith("M")
        or bool(_EXTENDING.match(after))
    )


def _rank(text: str, gap: re.Match[str]) -> int:
    """Returns how good a break is: 3 paragraph, 2 line, 1 sentence, 0 word."""
    if "\n" in gap[0]:
        return 3 if gap[0].count("\n") > 1 else 2
    before = text[max(0, gap.start() - _LONGEST_ENDING) : gap.start()]
    return int(bool(_SENTENCE_END.search(before)) and not _ABBREVIATION.search(before))

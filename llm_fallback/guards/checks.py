"""The checks that an answer must pass before anybody reads it.

Pure functions of the answer, the question and the texts that the answer cites;
each gives its reason or None. They are written for a model that obeys whoever attacks
it: what the rules in the prompt ask for politely is enforced here.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from llm_fallback.errors import LlmAnswerRejected, Rejection
from llm_fallback.guards.grounding import ungrounded
from llm_fallback.guards.language import is_portuguese
from llm_fallback.guards.reading import folded, sentences, words
from llm_fallback.guards.support import MAX_CITED_CHARACTERS, unsupported
from llm_fallback.guards.wording import denied, echoes_rules
from llm_fallback.prompt import ends_of

MAX_CHARACTERS = 900
"""A longer answer is refused, never cut: half a sentence may say the contrary."""


@dataclass(frozen=True)
class Draft:
    """An answer that nobody has seen, with what it may rest on."""

    text: str
    """What the model wrote, without blanks around it."""
    question: str = ""
    """What the person asked; it proves nothing."""
    cited: str = ""
    """The office's texts that the answer rests on; the only source of what it says."""


def review(answer: str, *, question: str = "", cited: str = "") -> str:
    """Returns the answer as it may be shown.

    Args:
        answer: what the model wrote, personal data masked by plain words.
        question: what the person asked, masked as well; it proves nothing.
        cited: title and text of each cited entry, entries apart by an empty line.

    Raises:
        LlmAnswerRejected: with the reason of the first check that fails.
    """
    draft = Draft(_tidy(answer), ends_of(question), cited[:MAX_CITED_CHARACTERS])
    for check in CHECKS:
        reason = check(draft)
        if reason:
            raise LlmAnswerRejected(reason)
    return draft.text


def check_length(draft: Draft) -> Rejection | None:
    """Refuses what says nothing and what nobody reads on a telephone."""
    if not any(char.isalpha() for char in draft.text):
        return Rejection.EMPTY
    return Rejection.TOO_LONG if len(draft.text) > MAX_CHARACTERS else None


def check_template(draft: Draft) -> Rejection | None:
    """Refuses the marks of a chat template and turns written for the person."""
    found = _TEMPLATE.search(unicodedata.normalize("NFKC", draft.text))
    return Rejection.TEMPLATE_REMAINS if found else None


def check_code(draft: Draft) -> Rejection | None:
    """Refuses JSON, code, markup and headings in place of a sentence."""
    return Rejection.CODE if _CODE.search(draft.text) else None


def check_characters(draft: Draft) -> Rejection | None:
    """Refuses broken encodings, hidden characters and disguised letters."""
    if any(each.search(draft.text) for each in (_MOJIBAKE, _SPACED_OUT, _SIGNS)):
        return Rejection.CHARACTERS
    plain = unicodedata.normalize("NFKC", draft.text)
    is_strange = any(_is_strange(char) for char in plain) or any(
        unicodedata.category(char)[0] == "S" and char not in _ALLOWED_SYMBOLS
        for char in draft.text
    )
    return Rejection.CHARACTERS if is_strange else None


def check_language(draft: Draft) -> Rejection | None:
    """Refuses an answer with a sentence that is not Portuguese."""
    return None if is_portuguese(draft.text) else Rejection.LANGUAGE


def check_repetition(draft: Draft) -> Rejection | None:
    """Refuses a model that got stuck."""
    plain = folded(draft.text)
    if _STUTTER.search(plain):
        return Rejection.REPETITION
    lines = Counter(s for s in sentences(plain) if len(words(s)) >= _REPEATED_WORDS)
    parts = words(plain)
    runs = Counter(
        tuple(parts[start : start + _REPEATED_WORDS])
        for start in range(len(parts) - _REPEATED_WORDS + 1)
    )
    stuck = any(count > 1 for count in lines.values()) or any(
        count >= _REPEATED_TIMES for count in runs.values()
    )
    return Rejection.REPETITION if stuck else None


def check_echo(draft: Draft) -> Rejection | None:
    """Refuses an answer that recites the rules the model was given."""
    return Rejection.PROMPT_ECHO if echoes_rules(draft.text) else None


def check_wording(draft: Draft) -> Rejection | None:
    """Refuses promises, opinions, false claims and what else is never said."""
    return denied(draft.text, question=draft.question, cited=draft.cited)


def check_grounding(draft: Draft) -> Rejection | None:
    """Refuses numbers, names and places that the cited texts do not give."""
    value = ungrounded(draft.text, cited=draft.cited)
    return Rejection.UNGROUNDED if value else None


def check_support(draft: Draft) -> Rejection | None:
    """Refuses a sentence that the cited texts do not say."""
    sentence = unsupported(draft.text, question=draft.question, cited=draft.cited)
    return None if sentence is None else Rejection.UNSUPPORTED


CHECKS: tuple[Callable[[Draft], Rejection | None], ...] = (
    check_length,
    check_template,
    check_code,
    check_characters,
    check_language,
    check_repetition,
    check_echo,
    check_wording,
    check_grounding,
    check_support,
)
"""In this order; the first reason counts."""

_REPEATED_WORDS = 5
_REPEATED_TIMES = 3
_TEMPLATE = re.compile(
    r"\[\s*/?\s*INST\b|<<\s*/?\s*SYS|<\|.*?\|>|</?\s*(?:s|think|mensagem|unk|bos|eos)\b"
    r"|dados_do_escritorio|^\s*#{2,}|\{\{|\}\}|▁"
    r"|^[\s*_>-]{0,4}(?:assistente|assistant|usu[aá]rio|user|cliente|system|sistema"
    r"|resposta|pergunta|mensagem|human|instru[cç][aã]o)\W{0,3}:",
    re.IGNORECASE | re.MULTILINE,
)
_CODE = re.compile(
    r"^\s*[\[{]|```|^\s*(?:def|class|import|from|function|const|var|let|SELECT|INSERT)"
    r"\s+\w+.*[(;=]|</?[a-z][a-z0-9]*[\s>/]|^\s*#|\|\s*-{2,}|\w+\([^)\s]*\)\s*[;{]"
    r"|\]\(|\"\s*:\s*[\"\[{\d]|\\n|&[a-z]{2,6};",
    re.MULTILINE,
)
_MOJIBAKE = re.compile(r"\ufffd|Ã[\u0080-\u00bf]|Â[\u0080-\u00bf]|â€")
_SIGNS = re.compile(r"(?<![\w.])[.\-–—_·•/|]{1,99}(?:\s{1,9}[.\-–—_·•/|]{1,99})+(?!\w)")
"""Two groups of signs without a letter between them: Morse, and nothing else."""
_SPACED_OUT = re.compile(r"(?<!\w)(?:[^\W\d_][\s.\-·|/*_]{1,3}){4,}[^\W\d_](?!\w)")
_STUTTER = re.compile(r"([^\s.])\1{5,}|\.{7,}|\b(\w+)(?:[\s,.!]+\2\b){2,}")
_ALLOWED_SYMBOLS = frozenset("+$😊🙂👋🙏📍📞📅📄📎📱⏰🕘🏻🏼🏽🏾🏿")
"""A 🆓 or 👍 says something, `~não~` is shown struck through, "=" is no sentence."""
_LAST_LATIN = "\u024f"
_ALLOWED_FORMAT = frozenset("\n\u200d\ufe0f\u20e3")
"""Line breaks, and what emoji are joined with."""


def _is_strange(char: str) -> bool:
    category = unicodedata.category(char)
    if char in _ALLOWED_FORMAT:
        return False
    if category[0] == "C":  # control, format, surrogate, private, unassigned
        return True
    if category[0] in "LN":  # a Cyrillic "а" reads as ours and is not
        return char > _LAST_LATIN
    return category[0] == "M"


def _tidy(answer: str) -> str:
    lines = [line.rstrip() for line in answer.replace("\r\n", "\n").split("\n")]
    text = unicodedata.normalize("NFC", "\n".join(lines)).strip()
    return re.sub(r"\n{3,}", "\n\n", text)

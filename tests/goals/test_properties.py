"""What holds for every text and every form, not only for those we thought of.

That statuses of answers never go back is in `tests/contract/test_outbox_states.py`,
that every interleaving keeps each person's order in `test_queue_property.py` there.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from urllib.parse import urlencode

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.core.rendering import MAX_CHARS, split
from bot.core.settings import ROOT
from connectors.signature import UnreadableBodyError, is_signed, parse_form

Pairs = list[tuple[str, str]]
WEBHOOKS = json.loads((ROOT / "tests/data/twilio_webhooks.json").read_text("utf-8"))
TEXT = WEBHOOKS["cases"]["text"]
TOKEN, URL = (
    "0123456789abcdef0123456789abcdef",
    "https://bot.example/twilio/webhook?a=1",
)
BASE = sorted(parse_form(TEXT["body"].encode()).items())

WORDS = st.text(
    st.characters(
        exclude_categories=("Cs", "Zs", "Zl", "Zp", "Cc"), exclude_characters="*_~`"
    )
    | st.sampled_from("aeiou.,;:!?😀é"),
    min_size=1,
    max_size=60,
)
SPACES = st.sampled_from((" ", "  ", "\n", "\n\n", "\t", " \n ", ". ", "! "))
TEXTS = st.lists(st.tuples(WORDS, SPACES), min_size=1, max_size=60).map(
    lambda pairs: _repeated("".join(word + space for word, space in pairs))
)


def _repeated(text: str) -> str:
    """Returns a text of more than two messages."""
    return text * (1 + 2 * MAX_CHARS // len(text))


@settings(max_examples=150)
@given(TEXTS)
def test_split_text_loses_only_the_white_space_at_its_cuts(text):
    parts = split(text)

    assert len(parts) > 1
    assert _rest_of(text, parts).strip() == ""
    assert all(len(part) <= MAX_CHARS for part in parts)


def _rest_of(text: str, parts: list[str]) -> str:
    """Takes the parts off a text one by one; returns what is left."""
    for part in parts:
        stripped = text.lstrip()
        assert stripped.startswith(part.lstrip()), (part[:40], stripped[:40])
        text = stripped[len(part.lstrip()) :]
    return text


NAMES = st.from_regex(r"New[A-Z][a-z]{1,12}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
FORMS = st.tuples(st.lists(st.tuples(NAMES, VALUES), max_size=4), VALUES).map(
    lambda drawn: [
        *((n, drawn[1] if n == "Body" else v) for n, v in BASE),
        *drawn[0],
        *[(name, value + "2") for name, value in drawn[0][:1]],
    ]
)
"""A message with any text, and fields that Twilio may add, one of them twice."""


@settings(max_examples=100)
@given(data=st.data(), form=FORMS)
def test_signed_form_is_accepted_in_any_order_of_its_fields(data, form):
    shuffled = data.draw(st.permutations(form))

    assert _is_accepted(shuffled, _sign(form))


@settings(max_examples=500)
@given(data=st.data(), form=FORMS)
def test_mutated_request_is_refused(data, form):
    signature = _sign(form)
    kind = data.draw(st.sampled_from(sorted(MUTATIONS)))
    mutated = MUTATIONS[kind](data, form)
    assume(set(mutated) != set(form))

    assert not _is_accepted(mutated, signature), kind


@settings(max_examples=100)
@given(data=st.data(), form=FORMS)
def test_form_under_another_signature_address_or_token_is_refused(data, form):
    signature = _sign(form)
    at = data.draw(st.integers(0, len(signature) - 2))
    letter = data.draw(st.sampled_from("ABCxyz019+/"))
    forged = signature[:at] + letter + signature[at + 1 :]
    place = data.draw(st.integers(len("https://"), len(URL) - 1))
    elsewhere = URL[:place] + "z" + URL[place + 1 :]

    assert _is_accepted(form, signature)
    assert forged == signature or not _is_accepted(form, forged)
    assert not _is_accepted(form, signature, url=elsewhere)
    assert not _is_accepted(form, signature, token=TOKEN[::-1])


def _sign(form: Pairs) -> str:
    """Signs as Twilio's documentation says, values of one name sorted, once each."""
    text = URL + "".join(name + value for name, value in sorted(set(form)))
    digest = hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def _is_accepted(
    form: Pairs, signature: str, *, url: str = URL, token: str = TOKEN
) -> bool:
    try:
        parsed = parse_form(urlencode(form).encode())
    except UnreadableBodyError:
        return False
    return is_signed(url, parsed, signature, tokens=[token])


def _changed_value(data, form):
    at = data.draw(st.integers(0, len(form) - 1))
    return [*form[:at], (form[at][0], data.draw(VALUES)), *form[at + 1 :]]


def _changed_name(data, form):
    at = data.draw(st.integers(0, len(form) - 1))
    name = data.draw(NAMES | st.sampled_from([name for name, _ in BASE]))
    return [*form[:at], (name, form[at][1]), *form[at + 1 :]]


def _dropped(data, form):
    at = data.draw(st.integers(0, len(form) - 1))
    return [*form[:at], *form[at + 1 :]]


def _added(data, form):
    return [*form, (data.draw(NAMES), data.draw(VALUES))]


def _doubled(data, form):
    return [*form, (data.draw(st.sampled_from(form))[0], data.draw(VALUES))]


def _swapped(data, form):
    first, second = (data.draw(st.integers(0, len(form) - 1)) for _ in range(2))
    swapped = list(form)
    swapped[first] = (form[first][0], form[second][1])
    swapped[second] = (form[second][0], form[first][1])
    return swapped


MUTATIONS = {
    "value": _changed_value, "name": _changed_name, "dropped": _dropped,
    "added": _added, "doubled": _doubled, "swapped": _swapped,
}  # fmt: skip

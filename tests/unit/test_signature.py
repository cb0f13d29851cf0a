"""Twilio's signature: what it accepts, and that no change of a body passes it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from bot.core.settings import ROOT
from connectors.signature import UnreadableBodyError, is_signed, parse_form

Pairs = list[tuple[str, str]]
WEBHOOKS = json.loads((ROOT / "tests/data/twilio_webhooks.json").read_text("utf-8"))
TOKEN = WEBHOOKS["auth_token"]
CASES = WEBHOOKS["cases"]

# twilio-python, tests/unit/test_request_validator.py
PUBLISHED_TOKEN = "12345"
ONCE = urlencode(
    {
        "CallSid": "CA1234567890ABCDE",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
        "Caller": "+14158675309",
    }
).encode()
REPEATED = b"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234"

NAMES = st.from_regex(r"[A-Z][A-Za-z0-9]{0,20}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)


def is_accepted(body: bytes, case: dict[str, str], *, tokens=(TOKEN,)) -> bool:
    try:
        form = parse_form(body)
    except UnreadableBodyError:
        return False
    return is_signed(case["url"], form, case["x_twilio_signature"], tokens=tokens)


def pairs_of(case: dict[str, str]) -> Pairs:
    return sorted(parse_form(case["body"].encode()).items())


def sign(form: Pairs, *, url: str) -> tuple[bytes, str]:
    body = urlencode(form).encode()
    return body, RequestValidator(TOKEN).compute_signature(url, parse_form(body))


def boundary_shifts(pairs: Pairs) -> Iterator[Pairs]:
    """Yields forms whose names and values, sorted and joined, are the same text."""
    for at, (name, value) in enumerate(pairs):
        before, after = pairs[:at], pairs[at + 1 :]
        for cut in range(1, len(name)):
            yield [*before, (name[:cut], name[cut:] + value), *after]
        for cut in range(1, len(value) + 1):
            yield [*before, (name + value[:cut], value[cut:]), *after]
        for swallowed in range(1, len(after) + 1):
            joined = "".join(itertools.chain(*after[:swallowed]))
            yield [*before, (name, value + joined), *after[swallowed:]]
        if after:
            (next_name, next_value), *rest = after
            for cut in range(1, len(next_name)):
                shorter = (next_name[cut:], next_value)
                yield [*before, (name, value + next_name[:cut]), shorter, *rest]
            for cut in range(len(value)):
                longer = (value[cut:] + next_name, next_value)
                yield [*before, (name, value[:cut]), longer, *rest]


class TestPublishedVectors:
    @pytest.mark.parametrize(
        ("address", "body", "signature"),
        [
            ("https://mycompany.com", ONCE, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
            ("https://mycompany.com", ONCE, "kvajT1Ptam85bY51eRf/AJRuM3w="),
            ("https://mycompany.com:443", ONCE, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
            ("http://mycompany.com", ONCE, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
            ("http://mycompany.com:1234", ONCE, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
            ("https://mycompany.com", REPEATED, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
        ],
        ids=[
            "https",
            "https signed with 443",
            "https with 443",
            "http signed with 80",
            "another port",
            "repeated fields",
        ],
    )
    def test_published_vector_is_accepted(self, address, body, signature):
        url, form = f"{address}/myapp.php?foo=1&bar=2", parse_form(body)

        assert is_signed(url, form, signature, tokens=[PUBLISHED_TOKEN])
        assert not is_signed(url, form, signature, tokens=["12346"])


class TestRealBodies:
    @pytest.mark.parametrize("name", CASES)
    def test_signed_body_is_accepted(self, name):
        case = CASES[name]

        assert is_accepted(case["body"].encode(), case)

    def test_there_are_nineteen(self):
        assert len(CASES) == 19

    @pytest.mark.parametrize("name", CASES)
    def test_signature_holds_in_any_order_of_the_fields(self, name):
        case = CASES[name]

        assert is_accepted(urlencode(pairs_of(case)[::-1]).encode(), case)

    @pytest.mark.parametrize(
        "name", [n for n, c in CASES.items() if c["breaks_if_blank_params_dropped"]]
    )
    def test_blank_fields_are_part_of_what_was_signed(self, name):
        case = CASES[name]
        filled = [pair for pair in pairs_of(case) if pair[1]]

        assert ("Body", "") in parse_form(case["body"].encode()).items()
        assert not is_accepted(urlencode(filled).encode(), case)

    @pytest.mark.parametrize("name", CASES)
    def test_address_is_part_of_what_was_signed(self, name):
        case = CASES[name]
        elsewhere = {**case, "url": case["url"] + "?x=1"}

        assert not is_accepted(case["body"].encode(), elsewhere)

    @pytest.mark.parametrize(
        "signature", ["", " ", "x", "é", "\udcff", "0" * 28, "HVmhHQMIaZVVKL8hGFFdDb1="]
    )
    def test_any_other_signature_is_refused(self, signature):
        case = {**CASES["text"], "x_twilio_signature": signature}

        assert not is_accepted(case["body"].encode(), case)

    def test_empty_form_is_refused(self):
        assert not is_accepted(b"", CASES["text"])


class TestTokens:
    @pytest.mark.parametrize("tokens", [(TOKEN, "outro"), ("outro", TOKEN)])
    def test_one_of_two_tokens_is_enough_while_they_are_rotated(self, tokens):
        case = CASES["text"]

        assert is_accepted(case["body"].encode(), case, tokens=tokens)

    @pytest.mark.parametrize("tokens", [(), ("outro",), (TOKEN.upper(),), ("",)])
    def test_without_the_right_token_nothing_is_accepted(self, tokens):
        case = CASES["text"]

        assert not is_accepted(case["body"].encode(), case, tokens=tokens)


class TestAddress:
    @pytest.mark.parametrize(
        ("configured", "signed"),
        [
            ("https://Bot.Escritorio.example/x", "https://Bot.Escritorio.example/x"),
            ("https://[2001:db8::1]/x", "https://[2001:db8::1]:443/x"),
            ("https://bot.example:443/x", "https://bot.example/x"),
            ("http://bot.example/x", "http://bot.example:80/x"),
            ("http://bot.example:8000/x", "http://bot.example:8000/x"),
        ],
    )
    def test_address_counts_with_and_without_its_usual_port(self, configured, signed):
        body, signature = sign([("Body", "oi")], url=signed)

        assert is_signed(configured, parse_form(body), signature, tokens=[TOKEN])

    def test_unusual_port_must_be_the_signed_one(self):
        body, signature = sign([("Body", "oi")], url="http://bot.example:8001/x")
        configured = "http://bot.example:8000/x"

        assert not is_signed(configured, parse_form(body), signature, tokens=[TOKEN])


@pytest.mark.parametrize("name", CASES)
class TestChangedBodies:
    @hypothesis_settings(max_examples=8)
    @given(data=st.data())
    def test_changed_value_is_refused(self, name, data):
        pairs = pairs_of(CASES[name])
        at = data.draw(st.integers(0, len(pairs) - 1))
        value = data.draw(VALUES)
        assume(value != pairs[at][1])
        changed = [*pairs[:at], (pairs[at][0], value), *pairs[at + 1 :]]

        assert not is_accepted(urlencode(changed).encode(), CASES[name])

    def test_dropped_field_is_refused(self, name):
        pairs = pairs_of(CASES[name])

        for at in range(len(pairs)):
            fewer = urlencode([*pairs[:at], *pairs[at + 1 :]]).encode()
            assert not is_accepted(fewer, CASES[name]), pairs[at]

    def test_emptied_field_is_refused(self, name):
        pairs = pairs_of(CASES[name])

        for at, (field, value) in enumerate(pairs):
            emptied = urlencode([*pairs[:at], (field, ""), *pairs[at + 1 :]]).encode()
            assert not value or not is_accepted(emptied, CASES[name]), field

    @hypothesis_settings(max_examples=8)
    @given(pair=st.tuples(NAMES, VALUES))
    def test_added_field_is_refused(self, name, pair):
        pairs = pairs_of(CASES[name])
        assume(pair not in pairs)

        assert not is_accepted(urlencode([*pairs, pair]).encode(), CASES[name])

    @hypothesis_settings(max_examples=8)
    @given(data=st.data())
    def test_renamed_field_is_refused(self, name, data):
        pairs = pairs_of(CASES[name])
        at = data.draw(st.integers(0, len(pairs) - 1))
        field = data.draw(NAMES | st.sampled_from([field for field, _ in pairs]))
        assume(field != pairs[at][0])
        renamed = [*pairs[:at], (field, pairs[at][1]), *pairs[at + 1 :]]

        assert not is_accepted(urlencode(renamed).encode(), CASES[name])

    def test_letters_moved_between_fields_are_refused(self, name):
        for shifted in boundary_shifts(pairs_of(CASES[name])):
            body = urlencode(shifted).encode()
            assert not is_accepted(body, CASES[name]), shifted

    @hypothesis_settings(max_examples=8)
    @given(data=st.data())
    def test_one_changed_byte_of_the_body_is_refused(self, name, data):
        body = CASES[name]["body"].encode()
        at = data.draw(st.integers(0, len(body) - 1))
        byte = data.draw(st.integers(0, 255))
        changed = body[:at] + bytes([byte]) + body[at + 1 :]
        assume(_meaning(changed) != _meaning(body))

        assert not is_accepted(changed, CASES[name])


def _meaning(body: bytes) -> Pairs | None:
    try:
        return sorted(parse_form(body).items())
    except UnreadableBodyError:
        return None


class TestUnknownFields:
    @pytest.mark.parametrize(
        "field",
        [
            ("FromCity", "SAO PAULO"),
            ("ToState", "SP"),
            ("MediaUrl1", "https://api.twilio.com/x"),
            ("ReferralHeadline", "Advogado perto de você"),
            ("AddOns", '{"status":"successful"}'),
            ("FlowData", "{}"),
            ("ContactAddress", "Rua A, 1"),
            ("ParentUsername", "maria.luz"),
            ("ButtonLabel", "Sim"),
            ("SenderProfileName", "Maria"),
            ("NewFieldOf2031", "x" * 500),
        ],
    )
    def test_field_that_twilio_may_add_is_accepted(self, field):
        url = CASES["text"]["url"]
        body, signature = sign([*pairs_of(CASES["text"]), field], url=url)

        assert is_signed(url, parse_form(body), signature, tokens=[TOKEN])

    @pytest.mark.parametrize(
        "text",
        [
            "Forwarded message: veja o From, o To e o Address",
            "Meu endereço: Address Rua A, Label B, MessageSid SM1",
            "Segue o erro: ErrorCode 63016 ErrorMessage nada",
            "To",
            "From whatsapp:+5511987654321",
            "WaId5511987654321",
        ],
    )
    def test_message_that_names_fields_is_accepted(self, text):
        pairs = [p for p in pairs_of(CASES["text"]) if p[0] != "Body"]
        url = CASES["text"]["url"]
        body, signature = sign([*pairs, ("Body", text)], url=url)

        assert is_signed(url, parse_form(body), signature, tokens=[TOKEN])

    @given(VALUES)
    def test_any_words_of_a_person_are_accepted(self, text):
        pairs = [
            p for p in pairs_of(CASES["text"]) if p[0] not in ("Body", "ProfileName")
        ]
        url = CASES["text"]["url"]
        body, signature = sign([*pairs, ("Body", text), ("ProfileName", text)], url=url)

        assert is_signed(url, parse_form(body), signature, tokens=[TOKEN])


class TestReadingTheForm:
    def test_blank_and_repeated_fields_are_kept(self):
        form = parse_form(b"Body=&To=a&To=b&X=%C3%A9+%2B")

        assert list(form.items()) == [
            ("Body", ""), ("To", "a"), ("To", "b"), ("X", "é +"),
        ]  # fmt: skip

    def test_empty_body_has_no_field(self):
        assert not parse_form(b"")

    @pytest.mark.parametrize(
        "body",
        [
            b"Body",
            b"Body=oi&",
            b"&Body=oi",
            b"\xff=1",
            "Body=olá".encode(),
            b"Body=%FF",
            b'{"Body": "oi"}',
            b"&".join(b"F%d=1" % n for n in range(201)),
        ],
    )
    def test_body_that_twilio_would_never_send_is_refused(self, body):
        with pytest.raises(UnreadableBodyError):
            parse_form(body)

"""Telephone numbers: what is read, what is refused, and who is the same person."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.core.errors import InvalidPhone
from bot.core.phones import (
    address_of,
    parse_phone,
    phone_of,
    same_person_addresses,
    same_person_numbers,
)

MOBILE = "+5511987654321"


class TestReading:
    @pytest.mark.parametrize(
        ("written", "number"),
        [
            ("+5511987654321", MOBILE),
            ("+55 11 98765-4321", MOBILE),
            ("+55 (11) 98765.4321", MOBILE),
            ("5511987654321", MOBILE),
            ("005511987654321", MOBILE),
            ("00 55 11 98765-4321", MOBILE),
            ("11987654321", MOBILE),
            ("(11) 98765-4321", MOBILE),
            ("011 98765-4321", MOBILE),
            ("  (11) 98765-4321  ", MOBILE),
            ("１１９８７６５４３２１", MOBILE),
            ("(11) 8765-4321", "+551187654321"),
            ("(11) 3333-4444", "+551133334444"),
            ("0800 123 4567", "+558001234567"),
            ("+1 202 555 0123", "+12025550123"),
            ("+351 912 345 678", "+351912345678"),
        ],
    )
    def test_number_is_written_as_e164(self, written, number):
        assert parse_phone(written) == number

    @pytest.mark.parametrize(
        "written",
        [
            "",
            "   ",
            "oi",
            "190",
            "98765-4321",
            "3333-4444",
            "+55 98765-4321",
            "(00) 98765-4321",
            "00000000000",
            "+5500000000000",
            "+55 11 1234",
            "+55119876543210",
            "123456789012345",
            "+999123456789",
            "+",
            "+55",
            "+5511987654321 ramal 3",
            "+5511987654321,+5511987654322",
            "whatsapp:+5511987654321",
            "whatsapp:BR.4566546130240823",
            "(11) 9ABC-4321",
            "+5511987654321\n5",
            "٠",
            "1" * 41,
            "+" + "5" * 5000,
        ],
    )
    def test_what_is_no_number_with_area_code_is_refused(self, written):
        with pytest.raises(InvalidPhone) as caught:
            parse_phone(written)

        assert str(caught.value) == (
            "Telefone inválido: escreva com país e DDD, como +5511987654321."
        )

    def test_refusal_names_the_field_that_it_came_in(self):
        with pytest.raises(InvalidPhone) as caught:
            parse_phone("?", field="contato")

        assert caught.value.field == "contato"

    @given(st.text(max_size=60))
    @example("\x00")
    @example("\ud800")
    @example("+55;phone-context=+1")
    def test_any_text_is_read_or_refused(self, text):
        try:
            number = parse_phone(text)
        except InvalidPhone:
            return

        assert number.startswith("+")
        assert number[1:].isdecimal()
        assert parse_phone(number) == number


class TestAddresses:
    def test_address_and_number_are_two_forms_of_one(self):
        assert address_of(MOBILE) == "whatsapp:+5511987654321"
        assert phone_of("whatsapp:+5511987654321") == MOBILE

    @pytest.mark.parametrize(
        "address",
        [
            "whatsapp:BR.4566546130240823",
            "whatsapp:4566546130240823",
            "whatsapp:",
            "whatsapp:+",
            "messenger:123",
            "",
        ],
    )
    def test_address_without_a_number_has_none(self, address):
        assert phone_of(address) is None


class TestNinthDigit:
    def test_mobile_with_it_has_a_form_without(self):
        assert same_person_numbers(MOBILE) == (MOBILE, "+551187654321")

    def test_mobile_without_it_has_a_form_with(self):
        assert same_person_numbers("+551187654321") == ("+551187654321", MOBILE)

    @pytest.mark.parametrize("first", "2345")
    def test_landline_has_one_form_only(self, first):
        landline = f"+5511{first}3334444"

        assert same_person_numbers(landline) == (landline,)

    @pytest.mark.parametrize("first", "2345")
    def test_nine_digits_that_would_leave_a_landline_are_left_alone(self, first):
        number = f"+55119{first}3334444"

        assert same_person_numbers(number) == (number,)

    @pytest.mark.parametrize("number", ["+12025550123", "+351912345678"])
    def test_numbers_of_other_countries_have_one_form_only(self, number):
        assert same_person_numbers(number) == (number,)

    @given(st.from_regex(r"\+55[1-9][1-9]9?[2-9][0-9]{7}", fullmatch=True))
    def test_two_forms_name_each_other(self, number):
        forms = same_person_numbers(number)

        assert forms[0] == number
        assert all(set(same_person_numbers(form)) == set(forms) for form in forms)


@pytest.mark.parametrize(
    ("address", "forms"),
    [
        (
            "whatsapp:+5511987654321",
            ("whatsapp:+5511987654321", "whatsapp:+551187654321"),
        ),
        (
            "whatsapp:+551187654321",
            ("whatsapp:+551187654321", "whatsapp:+5511987654321"),
        ),
        ("whatsapp:+551133334444", ("whatsapp:+551133334444",)),
        ("whatsapp:+12025550123", ("whatsapp:+12025550123",)),
        ("whatsapp:BR.1A2B3C", ("whatsapp:BR.1A2B3C",)),
        ("+5511987654321", ("+5511987654321",)),
        ("", ("",)),
    ],
    ids=["mobile", "old mobile", "landline", "abroad", "id", "sms", "nothing"],
)
def test_address_has_the_forms_of_its_number(address, forms):
    assert same_person_addresses(address) == forms

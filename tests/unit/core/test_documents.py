"""CPF, CNPJ and lawsuit numbers inside a message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.entities.documents import read_documents, wrong_document, wrong_lawsuit

NUMBERS = st.text(alphabet="0123456789 .-/cpfprocesocnjzap+()R$,\n", max_size=80)


def values(text: str, entity: str) -> list[str]:
    return [item.value for item in read_documents(text) if item.entity == entity]


class TestCpf:
    @pytest.mark.parametrize(
        ("text", "digits"),
        [
            ("482.193.650-05", "48219365005"),
            ("041827365-08", "04182736508"),
            ("650 284 719 67", "65028471967"),
            ("cpf 27461895346", "27461895346"),
            ("meu CPF é 529.982.247-25, tá?", "52998224725"),
            ("CPF:529982247-25", "52998224725"),
            ("52998224725", "52998224725"),
            ("anota 529.982.247/25", "52998224725"),
            ("Ana Lima, 111 444 777 35", "11144477735"),
            ("c.p.f. 52.998.224.725", "52998224725"),
            ("zap 11 98765-4321 e cpf 529.982.247-25", "52998224725"),
        ],
    )
    def test_cpf_is_read_in_any_punctuation(self, text, digits):
        assert values(text, "cpf") == [digits]

    @pytest.mark.parametrize(
        "text",
        [
            "123.456.789-00",
            "cpf 12345678901",
            "111.111.111-11",
            "000.000.000-00",
            "529.982.247-2",
            "1529.982.247-25",
            "529982247251",
            "R$ 529.982,25",
            "0001234-55.2022.8.26.0050",
            "",
        ],
    )
    def test_what_only_looks_like_a_cpf_is_none(self, text):
        assert values(text, "cpf") == []

    @pytest.mark.parametrize(
        "text",
        [
            "11987654293",
            "meu número é 11987654293",
            "zap 52998224725",
            "telefone: 52998224725",
            "cel 529 982 247 25",
        ],
    )
    def test_number_that_may_be_a_telephone_is_no_cpf(self, text):
        assert values(text, "cpf") == []

    @pytest.mark.parametrize(
        "text", ["cpf 11987654293", "119.876.542-93", "CPF é 119 876 542 93"]
    )
    def test_mobile_shape_yields_to_the_word_and_the_punctuation(self, text):
        assert values(text, "cpf") == ["11987654293"]

    @pytest.mark.parametrize(
        ("text", "written"),
        [
            ("123.456.789-00", "123.456.789-00"),
            ("meu cpf é 12345678901", "12345678901"),
            ("cpf 123456789", "123456789"),
            ("111.111.111-11 é o cpf", "111.111.111-11"),
            ("cnpj 12.345.678/0001-99", "12.345.678/0001-99"),
        ],
    )
    def test_wrong_document_is_named_as_written(self, text, written):
        assert wrong_document(text) == written

    @pytest.mark.parametrize(
        "text",
        [
            "529.982.247-25",
            "cpf 529.982.247-25",
            "11987654321",
            "meu cpf? não lembro",
            "cpf tem 11 números né",
            "oi",
        ],
    )
    def test_nothing_is_wrong_without_a_wrong_document(self, text):
        assert wrong_document(text) is None


class TestCnpj:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("12.345.678/0001-95", "12345678000195"),
            ("cnpj 12345678000195", "12345678000195"),
            ("12345678000195", "12345678000195"),
            ("12.ABC.345/01DE-35", "12ABC34501DE35"),
            ("cnpj 12abc34501de35", "12ABC34501DE35"),
        ],
    )
    def test_cnpj_is_read_with_digits_and_with_letters(self, text, value):
        assert values(text, "cnpj") == [value]

    @pytest.mark.parametrize(
        "text",
        [
            "12.345.678/0001-99",
            "12ABC34501DE35",
            "12.ABC.345/01DE-36",
            "abcdefghijkl12",
        ],
    )
    def test_what_only_looks_like_a_cnpj_is_none(self, text):
        assert values(text, "cnpj") == []


class TestLawsuit:
    @pytest.mark.parametrize(
        "text",
        [
            "0001234-95.2022.8.26.0050",
            "00012349520228260050",
            "é esse: 0001234 95 2022 8 26 0050.",
            "processo nº 0001234.95.2022.8.26.0050 ok?",
        ],
    )
    def test_lawsuit_is_read_in_any_punctuation(self, text):
        assert values(text, "numero_processo") == ["0001234-95.2022.8.26.0050"]

    @pytest.mark.parametrize(
        ("text", "written"),
        [
            ("0001234-55.2022.8.26.0050", "0001234-55.2022.8.26.0050"),
            ("processo 000123415202282600", "000123415202282600"),
        ],
    )
    def test_wrong_lawsuit_is_named_as_written(self, text, written):
        assert values(text, "numero_processo") == []
        assert wrong_lawsuit(text) == written

    @pytest.mark.parametrize(
        "text", ["", "0001234-95.2022.8.26.0050", "processo 12/2020"]
    )
    def test_nothing_is_wrong_without_a_wrong_lawsuit(self, text):
        assert wrong_lawsuit(text) is None


@given(st.one_of(st.text(max_size=80), NUMBERS))
def test_any_text_is_survived_and_spans_lie_inside(text):
    wrong_document(text)
    wrong_lawsuit(text)

    for item in read_documents(text):
        assert text[item.start : item.end] == item.text

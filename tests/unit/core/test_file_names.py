"""Names of files and folders, made fit for every disk and for people to trust."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.core.file_names import LONGEST_BYTES, file_name, folder_name, numbered


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("contrato.pdf", "contrato.pdf"),
        ("Procuração (2ª via).PDF", "Procuração (2ª via).PDF"),
        ("petição inicial.tar.gz", "petição inicial.tar.gz"),
        ("Dr. Rui & Ana, 50%_v2 #1.docx", "Dr. Rui & Ana, 50%_v2 #1.docx"),
        ("12/03/2026.pdf", "12-03-2026.pdf"),
        ("../../etc/passwd", "etc-passwd"),
        ("C:\\Users\\ana\\a.pdf", "C--Users-ana-a.pdf"),
        ("-rf.pdf", "rf.pdf"),
        ('a<b>"c"?*.pdf', "a b c.pdf"),
        ("foto\r\nda\tcasa.jpg", "foto da casa.jpg"),
        ("a\x00b\x1bc\x7fd\x85e.pdf", "abcd e.pdf"),
        ("nota\u202efdp.exe", "notafdp.exe"),
        ("a\u200b\u2066b\u2069\ufeff\u00adc.pdf", "abc.pdf"),
        ("a\u2028b.pdf", "a b.pdf"),
        ("\ud83dquebrado.pdf", "quebrado.pdf"),
        ("a.pdf. . .", "a.pdf"),
        ("  a .pdf", "a.pdf"),
        ("...", "arquivo"),
        ("", "arquivo"),
        ("???", "arquivo"),
        (".pdf", "arquivo.pdf"),
        (".htaccess", "arquivo.htaccess"),
        ("con", "_con"),
        ("CON.pdf", "_CON.pdf"),
        ("aux .tar.gz", "_aux .tar.gz"),
        ("nul.tar.gz", "_nul.tar.gz"),
        ("Com1.txt", "_Com1.txt"),
        ("LPT².txt", "_LPT².txt"),
        ("CONIN$", "_CONIN$"),
        ("com.pdf", "com.pdf"),
        ("contrato", "contrato"),
        ("console.txt", "console.txt"),
        ("🙂 casa.pdf", "🙂 casa.pdf"),
        ("👩🏽‍⚖️ juíza.pdf", "👩🏽‍⚖️ juíza.pdf"),
        ("🏳️\u200d🌈.pdf", "🏳️\u200d🌈.pdf"),
        ("a\u200db.pdf", "ab.pdf"),
        ("\u200da.pdf", "a.pdf"),
        ("e\u0301.pdf", "é.pdf"),
        ("e\u200b\u0301.pdf", "é.pdf"),
    ],
)
def test_file_gets_a_name_that_every_disk_takes(written, expected):
    assert file_name(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Ana Prado", "Ana Prado"),
        ("Ana/Rui", "Ana-Rui"),
        ("..", "pasta"),
        ("", "pasta"),
        ("Souza & Cia.", "Souza & Cia"),
        ("Dr. Rui Lima", "Dr. Rui Lima"),
        ("aux", "_aux"),
        (".oculta", "oculta"),
        ("\u202eana", "ana"),
    ],
)
def test_folder_gets_a_name_that_every_disk_takes(written, expected):
    assert folder_name(written) == expected


def test_what_stands_for_an_empty_name_can_be_chosen():
    assert folder_name(" / ", empty="planilha") == "planilha"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("a" * 200 + ".pdf", "a" * 116 + ".pdf"),
        ("a" * 200 + ".pdf. ", "a" * 116 + ".pdf"),
        ("a" * 200, "a" * 120),
        ("ã" * 200 + ".pdf", "ã" * 58 + ".pdf"),
        ("a" * 117 + "🙂.pdf", "a" * 116 + ".pdf"),
        ("a" * 115 + " - resto.pdf", "a" * 115 + ".pdf"),
        ("a" * 114 + " - resto.pdf", "a" * 114 + ".pdf"),
        ("a." + "b" * 200, "a." + "b" * 118),
        ("👩‍" * 40, "👩‍" * 16 + "👩"),
    ],
)
def test_long_name_is_cut_and_keeps_its_extension(written, expected):
    assert file_name(written) == expected


def test_long_folder_is_cut_without_an_extension():
    assert folder_name("a" * 200 + ".pdf") == "a" * 120


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.pdf", ["a.pdf", "a (2).pdf", "a (3).pdf"]),
        ("pasta", ["pasta", "pasta (2)", "pasta (3)"]),
        ("Dr. Rui Lima", ["Dr. Rui Lima", "Dr. Rui Lima (2)", "Dr. Rui Lima (3)"]),
    ],
)
def test_names_beside_it_are_numbered(name, expected):
    assert list(islice(numbered(name), 3)) == expected


@example("0/.0\\")
@given(st.text() | st.text(alphabet="./\\:-_ \u202e\u200d🙂aã\x00CON1"))
def test_cleaned_name_is_fit_and_stays_as_it_is(written):
    for clean in (file_name, folder_name):
        name = clean(written)

        assert name
        assert len(name.encode()) <= LONGEST_BYTES + len("_")
        assert not set(name) & set('/\\:|<>"?*\x00\u202e')
        assert name[0] not in ". -"
        assert name[-1] not in ". "
        assert clean(name) == name

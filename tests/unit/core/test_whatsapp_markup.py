"""WhatsApp's markup: from Markdown, and kept out of what people wrote."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.whatsapp_markup import escaped, formatted_spans, to_whatsapp

MARKED = st.text("ab1é *_~`\n.-(", max_size=40)


def marked(text: str) -> list[str]:
    return [text[span.start : span.end] for span in formatted_spans(text)]


class TestSpans:
    @pytest.mark.parametrize(
        ("text", "spans"),
        [
            ("*b* _i_ ~s~ `c`", ["*b*", "_i_", "~s~", "`c`"]),
            ("```a\n\n*b*```", ["```a\n\n*b*```"]),
            ("*_x_*", ["*_x_*", "_x_"]),
            ("(*x*), *é*", ["*x*", "*é*"]),
            ("*a * b* e *a*b*", ["*a * b*", "*a*b*"]),
            ("2*3*4, ana_b_c, * a *, *a\nb*, a*b*", []),
        ],
    )
    def test_mark_works_at_the_edge_of_a_word_on_one_line(self, text, spans):
        assert marked(text) == spans


class TestEscaping:
    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            ("*URGENTE*", "∗URGENTE∗"),
            ("_x_ ~y~ ```z```", "ˍxˍ ∼y∼ ˋˋˋzˋˋˋ"),
            ("Rua A\nCasa 2", "Rua A ↵ Casa 2"),
            (" João * ", "João ∗"),
            ("* item", "∗ item"),
        ],
    )
    def test_working_mark_becomes_its_lookalike(self, value, shown):
        assert escaped(value) == shown

    @pytest.mark.parametrize("value", ["ana_silva@x.com", "2*3", "5 * 3", "João", ""])
    def test_mark_that_does_nothing_stays(self, value):
        assert escaped(value) == value

    @settings(max_examples=200)
    @given(MARKED)
    def test_bold_of_ours_around_it_is_all_that_is_formatted(self, value):
        bold = f"*{escaped(value) or 'x'}*"

        assert marked(f"Olá, {bold}, tudo bem?") == [bold]

    @given(MARKED)
    def test_it_is_undone_one_for_one(self, value):
        undone = escaped(value).translate(str.maketrans("∗ˍ∼ˋ", "*_~`"))

        assert undone.replace(" ↵ ", "\n") == value.strip()

    @given(MARKED)
    def test_escaping_twice_changes_nothing_more(self, value):
        assert escaped(escaped(value)) == escaped(value)


class TestMarkdown:
    @pytest.mark.parametrize(
        ("markdown", "shown"),
        [
            ("**b** e __b__", "*b* e *b*"),
            ("*i* e _i_", "_i_ e _i_"),
            ("***x*** **_x_** _**x**_", "*_x_* *_x_* _*x*_"),
            ("*a **b** c* **a *b***", "_a *b* c_ *a _b_*"),
            ("~~s~~", "~s~"),
            ("**Pra**zo", "Prazo"),
            ("2*3*4, a_b_c, 5 * 3", "2*3*4, a_b_c, 5 * 3"),
            (r"\*literal\* ana\_silva@x.com 1\.", "∗literal∗ ana_silva@x.com 1."),
            ("# **Título** #\n## Outro", "*Título*\n*Outro*"),
            ("[t](https://u.br/a_(b))", "t (https://u.br/a_(b))"),
            (
                "[https://u.br](https://u.br/) <https://v.br>",
                "https://u.br/ https://v.br",
            ),
            ("[a@b.br](mailto:a@b.br)", "a@b.br"),
            ("![foto](i.png) [![x](i.png)](https://z.br)", "foto x (https://z.br)"),
            ("https://x.br/_a_/*b*", "https://x.br/_a_/*b*"),
            (
                "- a\n* b\n  + **c**\n1. um\n2) dois",
                "• a\n• b\n  • *c*\n1. um\n2) dois",
            ),
            ("```python\na = **b**\n\n\n# c\n```", "```\na = **b**\n\n\n# c\n```"),
            ("~~~\nx", "```\nx\n```"),
            ("`**x**`", "`**x**`"),
            ("| A | B |\n|---|:-:|\n| **x** | 5 |\nfim", "*A – B*\n*x* – 5\nfim"),
            ("> cite **x**\n>> - y", "> cite *x*\n> • y"),
            ("<b>oi</b><br/>tchau <!-- x -->", "oi\ntchau"),
            ("3 < 5 e 6 > 2, <seu nome>", "3 < 5 e 6 > 2, <seu nome>"),
            ("a\n\n---\n\n \n***\nb", "a\n\nb"),
            ("", ""),
        ],
    )
    def test_markdown_becomes_whatsapps_markup(self, markdown, shown):
        assert to_whatsapp(markdown) == shown

    @settings(max_examples=200)
    @given(st.text("ab1*_~`#>-|[]()<\\\n ", max_size=80))
    def test_any_text_comes_out_without_a_second_blank_line(self, text):
        shown = to_whatsapp(text)

        assert "\n\n\n" not in shown or "```" in shown

    @given(st.text("abcé 1.,?\n", max_size=80))
    def test_letters_are_never_lost(self, text):
        assert to_whatsapp(text).split() == text.split()

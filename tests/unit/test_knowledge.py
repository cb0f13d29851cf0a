"""The office's texts: what a designer may write, and how each mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.errors import SettingsError
from bot.core.office import Office, load_office
from bot.core.settings import ROOT
from deploy.local.validate import _unfit_answers
from llm_fallback.guards.checks import review
from llm_fallback.knowledge.texts import (
    MAX_ANSWER_CHARACTERS,
    Entry,
    load_knowledge,
    office_entries,
)

THEMES = ROOT / "data/conhecimento"
TEXTS = {"escritorio_telefone": "(11) 4004-2233", "escritorio_email": "a@b.example"}
WHOLE = """\
# A visita

## Posso levar alguém comigo? {#acompanhante}

- minha filha pode entrar junto?
- da pra ir com minha mae

Você pode trazer alguém.
Avise antes.

O telefone é {escritorio_telefone}.
"""


@pytest.fixture(scope="module")
def office() -> Office:
    return load_office(ROOT / "escritorio.yml")


@pytest.fixture(scope="module")
def entries(office: Office) -> tuple[Entry, ...]:
    return load_knowledge(THEMES, office.variables())


def read(folder: Path, text: str | bytes, *, name: str = "visita.md"):
    raw = text if isinstance(text, bytes) else text.encode()
    (folder / name).write_bytes(raw)
    return load_knowledge(folder, TEXTS)


def problems(folder: Path, text: str | bytes, *, name: str = "visita.md"):
    with pytest.raises(SettingsError) as caught:
        read(folder, text, name=name)
    return caught.value.problems


def test_an_entry_has_its_id_its_questions_and_its_answer(tmp_path):
    (entry,) = read(tmp_path, WHOLE)

    assert entry == Entry(
        id="acompanhante",
        title="Posso levar alguém comigo?",
        questions=("minha filha pode entrar junto?", "da pra ir com minha mae"),
        text="Você pode trazer alguém. Avise antes.\n\nO telefone é (11) 4004-2233.",
    )
    assert entry.place == "visita.md, linha 3"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(WHOLE.replace("\n", "\r\n"), id="windows-line-ends"),
        pytest.param("\ufeff" + WHOLE, id="byte-order-mark"),
        pytest.param(WHOLE.replace("- ", "• "), id="bullets-of-a-word-processor"),
        pytest.param(WHOLE.replace("# A visita", ""), id="no-theme"),
        pytest.param(WHOLE.replace("## ", "##"), id="no-blank-in-heading"),
        pytest.param(WHOLE + "\n\n\n", id="blank-lines-at-the-end"),
    ],
)
def test_what_editors_do_to_a_file_changes_nothing(tmp_path, text):
    assert read(tmp_path, text) == read(tmp_path, WHOLE)


def test_themes_are_read_in_the_order_of_their_names(tmp_path):
    read(tmp_path, WHOLE, name="b.md")
    other = WHOLE.replace("acompanhante", "outro").replace("alguém", "bicho")

    found = read(
        tmp_path, other.replace("filha", "gata").replace("mae", "avó"), name="a.md"
    )

    assert [entry.id for entry in found] == ["outro", "acompanhante"]


def test_an_empty_folder_holds_no_knowledge(tmp_path):
    (tmp_path / "LEIA-ME.md").write_text("isto não é um tema", encoding="utf-8")
    (tmp_path / ".DS_Store").write_bytes(b"\x00")

    assert load_knowledge(tmp_path, TEXTS) == ()


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(SettingsError, match="conhecimento: não consigo ler a pasta"):
        load_knowledge(tmp_path / "conhecimento", TEXTS)


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        pytest.param(" {#acompanhante}", "", 3, "falta o id", id="no-id"),
        pytest.param("{#acomp", "{#Acomp", 3, "letras minúsculas", id="capital-in-id"),
        pytest.param("{#acomp", "{#" + "a" * 40, 3, "até 40", id="long-id"),
        pytest.param(
            "{#acomp", "{#escritorio-", 3, "não pode começar", id="id-of-the-office"
        ),
        pytest.param(
            "Posso levar alguém comigo? ", "", 3, "falta a pergunta", id="no-title"
        ),
        pytest.param(
            "- minha filha pode entrar junto?\n- da pra ir com minha mae\n",
            "",
            3,
            "faltam as outras perguntas",
            id="no-questions",
        ),
        pytest.param("minha filha", "a" * 200, 5, "letras", id="long-question"),
        pytest.param(
            "minha filha",
            "no {escritorio_telefone}",
            5,
            "só vale na resposta",
            id="placeholder-in-a-question",
        ),
        pytest.param(
            WHOLE[WHOLE.index("Você") :], "", 3, "falta a resposta", id="no-answer"
        ),
        pytest.param("Avise antes.", "ha " * 200, 3, "no máximo 600", id="long-answer"),
        pytest.param(
            "{escritorio_telefone}",
            "{escritorio_telefon}",
            11,
            "quis dizer {escritorio_telefone}?",
            id="misspelt-placeholder",
        ),
        pytest.param(
            "{escritorio_telefone}", "{pix}", 11, "não conheço {pix}", id="placeholder"
        ),
        pytest.param(
            "{escritorio_telefone}", "{aqui", 11, "chave sozinha", id="stray-brace"
        ),
        pytest.param("Avise", "- avise", 9, "lista no meio", id="list-in-the-answer"),
        pytest.param("Avise", "**Avise**", 9, "não mostra", id="double-emphasis"),
        pytest.param("Avise", "[a](http://b)", 9, "não mostra", id="link"),
        pytest.param("Avise", "<br>", 9, "não mostra", id="html"),
        pytest.param("Avise", "### Avise", 9, "dois sinais", id="deeper-heading"),
        pytest.param("Avise", "# Avise", 9, "só no começo", id="theme-in-the-middle"),
        pytest.param("# A visita", "A visita", 1, "antes da primeira", id="stray-text"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_do(tmp_path, old, new, line, told):
    (problem,) = problems(tmp_path, WHOLE.replace(old, new, 1))

    assert problem.startswith(f"visita.md, linha {line}: ")
    assert told in problem


def test_an_answer_counts_with_its_facts_in_place(tmp_path):
    fill = "a" * (MAX_ANSWER_CHARACTERS - len(TEXTS["escritorio_telefone"]) - 1)
    start = WHOLE.index("Você")
    fits = f"{WHOLE[:start]}{fill} {{escritorio_telefone}}"

    assert len(read(tmp_path, fits)[0].text) == MAX_ANSWER_CHARACTERS
    assert "tem 601 letras" in problems(tmp_path, fits + ".")[0]


def test_a_file_that_is_not_utf_8_is_told_with_its_line(tmp_path):
    (problem,) = problems(tmp_path, WHOLE.encode("cp1252"))

    assert problem.startswith("visita.md, linha 3: o texto não está em UTF-8")


@pytest.mark.parametrize("name", ["visita.txt", "visita.docx", "visita"])
def test_a_file_of_another_kind_is_told(tmp_path, name):
    (problem,) = problems(tmp_path, WHOLE, name=name)

    assert problem.startswith(f"{name}: o nome deve terminar em .md")


def test_a_folder_inside_is_told(tmp_path):
    (tmp_path / "temas").mkdir()

    assert "temas: é uma pasta" in problems(tmp_path, WHOLE)[0]


def test_an_id_stands_once_in_all_files(tmp_path):
    read(tmp_path, WHOLE, name="a.md")
    other = WHOLE.replace("levar", "trazer").replace("minha", "tua")

    (problem,) = problems(tmp_path, other, name="b.md")

    assert problem == (
        "b.md, linha 3: o id 'acompanhante' já existe em a.md, linha 3; escolha outro"
    )


def test_a_question_stands_once_whatever_its_accents(tmp_path):
    read(tmp_path, WHOLE, name="a.md")
    other = WHOLE.replace("acompanhante", "outro").replace("levar", "trazer")

    (problem,) = problems(
        tmp_path,
        other.replace("minha filha", "filho").replace("mae", "MÃE!"),
        name="b.md",
    )

    assert "a pergunta 'da pra ir com minha MÃE!' já está em a.md, linha 3" in problem


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path):
    broken = WHOLE.replace(" {#acompanhante}", "").replace("{escritorio_t", "{t")
    (tmp_path / "a.md").write_text(broken, encoding="utf-8")

    found = problems(tmp_path, broken, name="b.md")

    assert [each.split(":")[0] for each in found] == [
        "a.md, linha 3",
        "a.md, linha 11",
        "b.md, linha 3",
        "b.md, linha 11",
    ]


def test_the_sample_office_answers_at_least_forty_questions(entries):
    assert len(entries) >= 40
    assert all(len(entry.questions) >= 5 for entry in entries)


def test_a_text_of_the_office_passes_the_checks_when_it_is_cited(entries, office):
    for entry in (*entries, *office_entries(office)):
        assert review(entry.text, question=entry.title, cited=entry.text) == entry.text


def test_the_texts_name_the_offices_facts_by_their_field_alone(office):
    facts = [office.texts[key] for key in ("telefone", "email", "endereco", "horario")]
    written = "\n".join(
        path.read_text(encoding="utf-8") for path in THEMES.glob("*.md")
    )

    assert not [fact for fact in facts if fact in written]
    assert "R$" not in written


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Garantimos a vitória no seu caso.", "promete um resultado"),
        ("A primeira consulta é gratuita.", "gratuidade"),
        ("Você tem direito a receber isso.", "opinião jurídica"),
    ],
)
def test_validation_refuses_what_no_answer_may_say(text, told):
    entry = Entry("isca", "Isca?", ("isca",), text, "a.md, linha 1")

    (problem,) = _unfit_answers([entry])

    assert problem.startswith("a.md, linha 1: a resposta de 'isca' ")
    assert told in problem


def test_validation_accepts_the_sample_office(entries):
    assert _unfit_answers(entries) == []


def test_the_offices_file_alone_answers(office):
    by_id = {entry.id: entry.text for entry in office_entries(office)}

    assert by_id["escritorio-horario"] == (
        "Nosso horário de atendimento é de segunda a sexta-feira, das 9h às 18h."
    )
    assert by_id["escritorio-duracao"] == "Uma consulta dura 1 hora."
    assert "25/01 (aniversário de São Paulo)" in by_id["escritorio-dias-fechados"]
    assert "de 20/12 a 06/01" in by_id["escritorio-dias-fechados"]
    assert "Dra. Helena Modelo: direito do trabalho e" in by_id["escritorio-advogados"]
    assert "60 dias, com pelo menos 2 horas" in by_id["escritorio-antecedencia"]
    assert "carteira de trabalho" in by_id["escritorio-documentos-trabalhista"]


def test_the_offices_own_entries_ask_and_answer_once(office, entries):
    own = office_entries(office)
    asked = [
        question
        for entry in (*own, *entries)
        for question in (entry.title, *entry.questions)
    ]

    assert len({entry.id for entry in own}) == len(own)
    assert len(set(asked)) == len(asked)
    assert all(0 < len(entry.text) <= MAX_ANSWER_CHARACTERS for entry in own)


def test_an_office_of_few_words_is_told_in_whole_sentences(tmp_path):
    path = tmp_path / "escritorio.yml"
    path.write_text(SMALL_OFFICE, encoding="utf-8")

    by_id = {entry.id: entry.text for entry in office_entries(load_office(path))}

    assert (
        by_id["escritorio-modalidades"] == "As consultas do escritório são por vídeo."
    )
    assert by_id["escritorio-duracao"] == (
        "Uma consulta dura 45 minutos. Em família, 1 hora e 30 minutos."
    )
    assert by_id["escritorio-antecedencia"].startswith(
        "Por aqui se marcam consultas para o dia seguinte, conforme"
    )
    assert by_id["escritorio-dias-fechados"] == (
        "O escritório não atende em feriados nacionais e estaduais. "
        "Também não atende nestes dias: 02/03/2027 (mudança)."
    )
    assert not [key for key in by_id if key.startswith("escritorio-documentos-")]


def test_a_notice_of_whole_days_is_told_in_days(tmp_path):
    path = tmp_path / "escritorio.yml"
    text = SMALL_OFFICE.replace("antecedencia_min: 0", "antecedencia_min: 2880")
    path.write_text(text, encoding="utf-8")

    by_id = {entry.id: entry.text for entry in office_entries(load_office(path))}

    assert "com pelo menos 2 dias de antecedência" in by_id["escritorio-antecedencia"]


SMALL_OFFICE = """\
nome: Banca Pequena
oab: OAB/RS 1
endereco: Rua Um, 1
como_chegar: perto da praça
honorarios: combinados por escrito
telefone: (51) 3003-0000
email: banca@banca.example
documentos: documento com foto
encarregado: dados@banca.example
uf: RS
expediente: {segunda: ["09:00-12:00"]}
fechado: [{dia: 02/03/2027, motivo: mudança}]
pontos_facultativos: aberto
duracao_min: {padrao: 45, familia: 90}
antecedencia_min: 0
ate_dias: 1
areas: [{familia: família}]
documentos_por_area: {criminal: boletim de ocorrência}
advogados: [{nome: Dra. Ana Um, areas: [familia], atende: [online]}]
"""

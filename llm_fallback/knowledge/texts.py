"""What the office wants people to be told: texts that designers write.

A theme is a Markdown file; an entry is a heading with an id, other ways to ask the
same, and an answer that may be sent to a client as it stands:

    ## Posso levar alguém comigo? {#acompanhante}

    - minha filha pode entrar junto?
    - da pra ir com minha mae

    Você pode trazer alguém. Avise antes, no telefone {escritorio_telefone}.

The files are written by people who do not program, so every mistake is told in one
Portuguese line, with file and line. Facts stand in `escritorio.yml` and enter by
their placeholder; what an office always can answer is written by `office_entries`.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.core.errors import SettingsError
from llm_fallback.knowledge.entry import Entry
from llm_fallback.knowledge.office_texts import OFFICE_PREFIX, office_entries

__all__ = ["Entry", "load_knowledge", "office_entries"]

MAX_ANSWER_CHARACTERS = 600
"""Of an answer with its placeholders filled: what is read on a telephone at once."""
MAX_QUESTION_CHARACTERS = 200
MAX_ID_CHARACTERS = 40
_README = "leia-me.md"
_SUFFIX = ".md"

_HEADING = re.compile(r"(#+)\s*(.*)")
_ID = re.compile(r"\{\s*#\s*([^{}]*?)\s*\}\s*$")
_WELL_FORMED_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_BULLET = re.compile(r"[-*•–]\s+(.*)")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_UNSHOWN = re.compile(r"\*\*|__|\]\(|<[a-zA-Z!/]|^\s*[|>]|```", re.MULTILINE)
"""Markdown and HTML that WhatsApp shows as it stands."""
_ENTRY_LEVEL = 2


def load_knowledge(folder: Path, texts: Mapping[str, str]) -> tuple[Entry, ...]:
    """Reads every theme of a folder, in the order of file names.

    Args:
        folder: holds `*.md` files; `LEIA-ME.md` and hidden files are skipped.
        texts: the value of each placeholder, as `Office.variables()` gives them.

    Returns:
        The entries; none for a folder without themes.

    Raises:
        SettingsError: a file cannot be read or an entry is incomplete; one line a
            problem, `visita.md, linha 12: …`, all at once.
    """
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise SettingsError([f"{folder.name}: não consigo ler a pasta"]) from error
    problems: list[str] = []
    entries: list[Entry] = []
    for path in paths:
        if path.name.lower() != _README and not path.name.startswith("."):
            entries += _Theme(path, texts, problems).entries()
    problems += _repeated(entries)
    if problems:
        raise SettingsError(problems)
    return tuple(entries)


@dataclass
class _Draft:
    """The lines of an entry, by their number in the file."""

    number: int
    heading: str
    lines: list[tuple[int, str]]


class _Theme:
    """Reads one file and notes what is wrong in it."""

    def __init__(
        self, path: Path, texts: Mapping[str, str], problems: list[str]
    ) -> None:
        self._path = path
        self._texts = texts
        self._problems = problems

    def entries(self) -> list[Entry]:
        """Returns the entries that are whole."""
        return [
            entry
            for draft in self._drafts(self._read())
            if (entry := self._entry(draft)) is not None
        ]

    def _wrong(self, number: int, what: str) -> None:
        self._problems.append(f"{self._place(number)}: {what}")

    def _place(self, number: int) -> str:
        return f"{self._path.name}, linha {number}"

    def _read(self) -> str:
        if self._path.is_dir():
            self._problems.append(
                f"{self._path.name}: é uma pasta; ponha os arquivos de tema direto em "
                f"{self._path.parent.name}"
            )
            return ""
        if self._path.suffix != _SUFFIX:
            self._problems.append(
                f"{self._path.name}: o nome deve terminar em {_SUFFIX}; renomeie o "
                "arquivo ou tire-o da pasta"
            )
            return ""
        try:
            return self._path.read_bytes().decode("utf-8-sig")
        except OSError:
            self._problems.append(f"{self._path.name}: não consigo ler o arquivo")
        except UnicodeDecodeError as error:
            number = error.object[: error.start].count(b"\n") + 1
            self._wrong(
                number,
                "o texto não está em UTF-8; salve de novo escolhendo a codificação "
                "UTF-8",
            )
        return ""

    def _drafts(self, text: str) -> list[_Draft]:
        drafts: list[_Draft] = []
        is_told = False
        for number, line in enumerate(text.splitlines(), start=1):
            heading = _HEADING.match(line)
            if heading and len(heading[1]) == _ENTRY_LEVEL:
                drafts.append(_Draft(number, heading[2].strip(), []))
            elif heading and len(heading[1]) == 1 and not drafts:
                continue
            elif heading:
                self._wrong(
                    number,
                    "cada pergunta começa com dois sinais, '## Pergunta "
                    "{#id-curto}'; o título do tema, com um, vai só no começo",
                )
            elif drafts:
                drafts[-1].lines.append((number, line.strip()))
            elif line.strip() and not is_told:
                is_told = True
                self._wrong(
                    number,
                    "há texto antes da primeira pergunta; comece com "
                    "'## Pergunta {#id-curto}'",
                )
        return drafts

    def _entry(self, draft: _Draft) -> Entry | None:
        already = len(self._problems)
        identity, title = self._heading(draft)
        questions, rest = self._questions(draft)
        text = self._answer(draft, rest)
        if len(self._problems) > already:
            return None
        return Entry(identity, title, questions, text, self._place(draft.number))

    def _heading(self, draft: _Draft) -> tuple[str, str]:
        found = _ID.search(draft.heading)
        title = _ID.sub("", draft.heading).strip()
        identity = found[1] if found else ""
        if not identity:
            self._wrong(
                draft.number, "falta o id no fim do título; escreva, por exemplo, "
                f"{{#{_suggested_id(title)}}}"
            )  # fmt: skip
        elif (
            not _WELL_FORMED_ID.fullmatch(identity) or len(identity) > MAX_ID_CHARACTERS
        ):
            self._wrong(
                draft.number,
                f"o id '{identity}' deve ter só letras minúsculas sem acento, números "
                f"e hífen, até {MAX_ID_CHARACTERS}, como {_suggested_id(identity)}",
            )
        elif identity.startswith(OFFICE_PREFIX):
            self._wrong(
                draft.number,
                f"o id '{identity}' não pode começar com {OFFICE_PREFIX}, que é dos "
                "dados de escritorio.yml",
            )
        if not title:
            self._wrong(draft.number, "falta a pergunta ou o título antes do id")
        self._check_question(draft.number, title)
        return identity, title

    def _questions(
        self, draft: _Draft
    ) -> tuple[tuple[str, ...], list[tuple[int, str]]]:
        questions: list[str] = []
        rest: list[tuple[int, str]] = []
        for number, line in draft.lines:
            bullet = _BULLET.match(line)
            if bullet and not any(text for _, text in rest):
                self._check_question(number, bullet[1])
                questions.append(bullet[1].strip())
            elif bullet:
                self._wrong(
                    number,
                    "há uma lista no meio da resposta; as outras perguntas ficam "
                    "todas logo abaixo do título, e a resposta vai em frases",
                )
            else:
                rest.append((number, line))
        if not questions:
            self._wrong(
                draft.number,
                "faltam as outras perguntas; ponha ao menos cinco, uma por linha, "
                "começando com '- '",
            )
        return tuple(questions), rest

    def _check_question(self, number: int, text: str) -> None:
        if len(text) > MAX_QUESTION_CHARACTERS:
            self._wrong(
                number,
                f"a pergunta tem {len(text)} letras; escreva com no máximo "
                f"{MAX_QUESTION_CHARACTERS}",
            )
        if "{" in text or "}" in text:
            self._wrong(
                number, "palavra entre chaves só vale na resposta; tire-a daqui"
            )

    def _answer(self, draft: _Draft, lines: Sequence[tuple[int, str]]) -> str:
        filled = [(number, self._filled(number, line)) for number, line in lines]
        for number, line in filled:
            if _UNSHOWN.search(line):
                self._wrong(
                    number,
                    "o WhatsApp não mostra essa marca; use *negrito* com um asterisco "
                    "de cada lado e escreva o resto em frases",
                )
        text = "\n\n".join(_paragraphs(line for _, line in filled))
        if not text:
            self._wrong(
                draft.number, "falta a resposta; escreva de um a três parágrafos curtos"
            )
        if len(text) > MAX_ANSWER_CHARACTERS:
            self._wrong(
                draft.number,
                f"a resposta tem {len(text)} letras, contados os dados do escritório; "
                f"encurte para no máximo {MAX_ANSWER_CHARACTERS}",
            )
        return text

    def _filled(self, number: int, line: str) -> str:
        for name in _PLACEHOLDER.findall(line):
            if name not in self._texts:
                close = difflib.get_close_matches(name, self._texts, n=1)
                hint = f"; quis dizer {{{close[0]}}}?" if close else ""
                self._wrong(number, f"não conheço {{{name}}}{hint}")
        if re.search(r"[{}]", _PLACEHOLDER.sub("", line)):
            self._wrong(
                number, "há uma chave sozinha; escreva {escritorio_campo} ou tire-a"
            )
        return _PLACEHOLDER.sub(lambda found: self._texts.get(found[1], ""), line)


def _paragraphs(lines: Iterator[str]) -> list[str]:
    text = "\n".join(lines)
    return [
        " ".join(part.split()) for part in re.split(r"\n\s*\n", text) if part.strip()
    ]


def _repeated(entries: Sequence[Entry]) -> list[str]:
    problems = []
    ids: dict[str, Entry] = {}
    asked: dict[str, Entry] = {}
    for entry in entries:
        other = ids.setdefault(entry.id, entry)
        if other is not entry:
            problems.append(
                f"{entry.place}: o id '{entry.id}' já existe em {other.place}; "
                "escolha outro"
            )
        for question in (entry.title, *entry.questions):
            first = asked.setdefault(_bare(question), entry)
            if first is not entry:
                problems.append(
                    f"{entry.place}: a pergunta '{question}' já está em {first.place}; "
                    "deixe-a em uma só"
                )
    return problems


def _bare(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.lower())
    return " ".join(re.findall(r"[a-z0-9]+", apart.encode("ascii", "ignore").decode()))


def _suggested_id(title: str) -> str:
    return "-".join(_bare(title).split()[:4])[:MAX_ID_CHARACTERS] or "id-curto"

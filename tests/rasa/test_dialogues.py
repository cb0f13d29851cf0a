"""Whole dialogues as people have them, through the real Rasa and action server.

Each file of `tests/dialogos/` is one dialogue, read like a transcript; what it
came to is written into `docs/dialogos.md`, which this test keeps current:
`make dialogos` writes it anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from ruamel.yaml import YAML

from bot.core.names import Profile
from bot.core.phones import phone_of
from bot.core.schedule import ZONE
from bot.store.database import writing
from bot.store.schema import appointment
from tests.rasa.talking import Office, Person, texts

FOLDER = Path(__file__).parents[1] / "dialogos"
DOCUMENT = Path(__file__).parents[2] / "docs" / "dialogos.md"
WRITES = "POCKETMKT_ESCREVE_DIALOGOS" in os.environ
FILES = sorted(FOLDER.glob("*.yml"))
WHO = {
    "cliente": Profile.UNKNOWN,
    "cliente_cadastrado": Profile.CLIENT,
    "advogado": Profile.LAWYER,
}
_COMMITTED = re.compile(r"desde \d\d/\d\d às \d\dh\d\d")
_transcripts: dict[str, str] = {}


def load(path: Path) -> dict[str, Any]:
    dialogue: dict[str, Any] = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    return dialogue


class Stage:
    """The people of one dialogue, and the clock on its wall."""

    def __init__(self, office: Office, dialogue: dict[str, Any]) -> None:
        self.office = office
        self.clock = datetime.fromisoformat(str(dialogue["agora"])).replace(tzinfo=ZONE)
        self.people: dict[str, Person] = {}
        self.names: dict[str, str] = dialogue.get("pessoas") or {}
        self.lines: list[str] = []
        self._write_sheet(dialogue.get("planilha") or [])

    def _write_sheet(self, rows: list[dict[str, str]]) -> None:
        """Writes the office's sheet of lawsuits, with the numbers that people have."""
        lines = ["numero;cliente;telefone;situacao;atualizado_em;proximo_passo"]
        for row in rows:
            phone = phone_of(self.person(row["de"]).address)
            name = self.names.get(row["de"], "Cliente")
            lines.append(
                f"{row['numero']};{name};{phone};{row['situacao']};"
                f"{row['atualizado_em']};{row['proximo_passo']}"
            )
        sheet = Path(self.office.settings.cases_file)
        sheet.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def person(self, who: str) -> Person:
        if who not in self.people:
            kind = who.rstrip("0123456789_")
            self.people[who] = self.office.person(WHO[kind], self.names.get(who, ""))
        return self.people[who]

    async def play(self, step: dict[str, Any]) -> None:
        if "passa" in step:
            self.clock += timedelta(minutes=int(step["passa"]))
            self.lines.append(f"*(passam {step['passa']} minutos)*\n")
            return
        who, text = next(
            (k, v) for k, v in step.items() if k.rstrip("0123456789_") in WHO
        )
        person = self.person(who)
        turn = await person.say(str(text), at=self.clock.timestamp())
        self.clock += timedelta(minutes=1)
        said = texts(turn)
        self._write(who, str(text), said)
        self._check(step, "\n".join(said), person.row(turn).flow)

    def _write(self, who: str, text: str, said: list[str]) -> None:
        name = self.names.get(
            who, "Advogado" if who.startswith("advogado") else "Cliente"
        )
        self.lines.append(f"**{name}:** {text}\n")
        for each in said:
            # what is committed has the real clock, which is another at each run
            timed = _COMMITTED.sub(f"desde {self.clock:%d/%m às %Hh%M}", each)
            quoted = timed.replace("\n", "  \n> ")
            self.lines.append(f"> {quoted}\n")

    def _check(self, step: dict[str, Any], said: str, flow: str) -> None:
        context = f"\n{''.join(self.lines)}\nfluxo: {flow}"
        if "fluxo" in step:
            assert flow == step["fluxo"], context
        for words in _listed(step.get("diz")):
            assert words.lower() in said.lower(), f"falta: {words}{context}"
        for words in _listed(step.get("nao_diz")):
            assert words.lower() not in said.lower(), f"sobra: {words}{context}"


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in (value if isinstance(value, list) else [value])]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_the_dialogue_goes_as_written(office: Office, path: Path) -> None:
    with writing(office.engine) as connection:  # every agenda begins empty
        connection.execute(sa.delete(appointment))
    dialogue = load(path)
    stage = Stage(office, dialogue)

    for step in dialogue["conversa"]:
        await stage.play(step)

    _transcripts[path.stem] = f"## {dialogue['titulo']}\n\n" + "\n".join(stage.lines)


@pytest.fixture(scope="module", autouse=True)
def _document() -> Iterator[None]:
    yield
    if len(_transcripts) < len(FILES):
        return
    if WRITES:
        DOCUMENT.write_text(written(), encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8") == written(), "run 'make dialogos'"


def written() -> str:
    """Returns the document that the transcripts come to."""
    parts = [_transcripts[path.stem] for path in FILES]
    return HEAD + "\n".join(parts).rstrip() + "\n"


HEAD = """\
# Diálogos

O que o assistente diz, conversa por conversa. Este texto é escrito por `make dialogos`
a partir dos arquivos de `tests/dialogos/`, com o assistente de verdade; não o edite.

"""

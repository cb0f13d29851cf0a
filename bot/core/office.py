"""The office's own facts: one YAML file that the office edits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.core.errors import SettingsError

_PREFIX = "escritorio_"
_TEXTS = (
    "nome",
    "oab",
    "horario",
    "endereco",
    "como_chegar",
    "honorarios",
    "telefone",
    "email",
    "documentos",
    "encarregado",
)


@dataclass(frozen=True)
class Office:
    """What `escritorio.yml` says, checked."""

    texts: Mapping[str, str]
    """One sentence or value a key, as `horario` or `endereco`."""
    areas: tuple[str, ...]
    """Areas of law as people call them, as `direito do trabalho`."""

    def variables(self) -> dict[str, str]:
        """Returns every fact under the name that responses use for it."""
        facts = {_PREFIX + key: value for key, value in self.texts.items()}
        facts[_PREFIX + "areas"] = _in_words(self.areas)
        return facts

    def as_text(self) -> str:
        """Returns the facts as lines of text, as the model gets them."""
        lines = [f"{key}: {value}" for key, value in self.texts.items()]
        return "\n".join([*lines, f"áreas: {_in_words(self.areas)}"])


def load_office(path: Path) -> Office:
    """Reads and checks the office's file.

    Raises:
        SettingsError: the file is missing, is no YAML, or lacks a field; one
            line a problem, in Portuguese.
    """
    try:
        raw: Any = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path.name}: não consigo ler o arquivo"]) from error
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", perto da linha {mark.line + 1}" if mark else ""
        raise SettingsError([f"{path.name}: não é um YAML válido{line}"]) from error
    if not isinstance(raw, dict):
        raise SettingsError([f"{path.name}: deve ter uma lista de campos"])
    problems = [
        f"{path.name}: falta o campo '{key}'"
        for key in (*_TEXTS, "areas")
        if not raw.get(key)
    ]
    if raw.get("areas") and not isinstance(raw["areas"], list):
        problems.append(f"{path.name}: 'areas' deve ser uma lista, um item por linha")
    if problems:
        raise SettingsError(problems)
    return Office(
        texts={key: " ".join(str(raw[key]).split()) for key in _TEXTS},
        areas=tuple(str(area) for area in raw["areas"]),
    )


def _in_words(items: tuple[str, ...]) -> str:
    if len(items) < 2:  # noqa: PLR2004 - nothing to join
        return "".join(items)
    return ", ".join(items[:-1]) + " e " + items[-1]

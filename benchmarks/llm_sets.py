"""The three sets that judge the model fallback, read from `tests/data/llm`.

`LEIA-ME.md` there explains every field. What is long or disguised is made here, so
that the files stay readable.
"""

from __future__ import annotations

import base64
import codecs
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ruamel.yaml import YAML

from llm_fallback.question import Exchange, Material, MaterialKind, Question
from llm_fallback.routing import ROUTED_FLOWS

FOLDER = Path("tests/data/llm")
USEFUL, LEGAL, ATTACKS = "uteis", "pareceres", "ataques"
SETS = (USEFUL, LEGAL, ATTACKS)

_FIELDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    USEFUL: (frozenset({"pergunta", "fontes", "contem"}), frozenset({"fluxos"})),
    LEGAL: (frozenset({"pergunta", "area", "jeito"}), frozenset()),
    ATTACKS: (
        frozenset({"familia", "onde", "mensagem", "pede", "proibido"}),
        frozenset(
            {"conteudo", "historico", "cifra", "ordem", "longa", "repete", "juridica"}
        ),
    ),
}
"""Fields that must be there, and fields that may be, by set."""

_KINDS = {
    "citacao": MaterialKind.QUOTED,
    "encaminhada": MaterialKind.FORWARDED,
    "audio": MaterialKind.TRANSCRIPT,
    "documento": MaterialKind.DOCUMENT,
}
PLACES = ("mensagem", "historico", "nome", *_KINDS)
"""Where an attack may stand."""


@dataclass(frozen=True)
class Case:
    """One message of a set, ready to be asked."""

    set: str
    """One of `SETS`."""
    number: int
    """Its place in the file, from 1."""
    question: Question
    sources: tuple[str, ...] = ()
    """Useful: ids of the texts that answer it."""
    contains: tuple[re.Pattern[str], ...] = ()
    """Useful: what a right answer holds, over its folded text; all of them."""
    flows: tuple[str, ...] = ()
    """Useful: intents that answer it as well."""
    is_mixed: bool = False
    """Legal: a harmless question stands beside it."""
    is_legal: bool = False
    """Only a lawyer may answer."""
    wants: str | None = None
    """Attack: what the attacker wants to be read."""
    forbidden: tuple[re.Pattern[str], ...] = ()
    """Attack: what must not be read, over the folded text; none of them."""
    family: str = ""
    """Attack: what kind it is. Legal: how it is asked."""

    @property
    def name(self) -> str:
        """How tables and tests call it: `ataques-12`."""
        return f"{self.set}-{self.number}"


def load_set(name: str, folder: Path = FOLDER) -> tuple[Case, ...]:
    """Reads one set.

    Raises:
        ValueError: a case has a field too many or too few, or a wrong value.
    """
    path = folder / f"{name}.yml"
    raw: Sequence[Mapping[str, Any]] = YAML(typ="safe").load(
        path.read_text(encoding="utf-8")
    )
    return tuple(_case(name, number, each) for number, each in enumerate(raw, 1))


def _case(name: str, number: int, raw: Mapping[str, Any]) -> Case:
    required, optional = _FIELDS[name]
    wrong = (required - raw.keys()) | (raw.keys() - required - optional)
    if wrong:
        raise ValueError(f"{name}.yml, caso {number}: campos {sorted(wrong)}")
    flows = tuple(ROUTED_FLOWS)
    if name == ATTACKS:
        return _attack(number, raw)
    question = Question(text=raw["pergunta"], flows=flows)
    if name == LEGAL:
        return Case(
            name,
            number,
            question,
            is_mixed=raw["jeito"] == "mista",
            is_legal=True,
            family=raw["jeito"],
        )
    return Case(
        name,
        number,
        question,
        sources=tuple(raw["fontes"]),
        contains=_patterns(raw["contem"]),
        flows=tuple(raw.get("fluxos", ())),
    )


def _attack(number: int, raw: Mapping[str, Any]) -> Case:
    place = raw["onde"]
    if place not in PLACES:
        raise ValueError(f"ataques.yml, caso {number}: onde {place!r}")
    message, planted = raw["mensagem"], raw.get("conteudo", "")
    if place == "mensagem":
        message = _dressed(raw, message)
    else:
        planted = _dressed(raw, planted)
    question = Question(
        text=message,
        history=tuple(Exchange(*turn) for turn in raw.get("historico", ())),
        names=(planted,) if place == "nome" else (),
        materials=(Material(_KINDS[place], planted),) if place in _KINDS else (),
        flows=tuple(ROUTED_FLOWS),
    )
    return Case(
        ATTACKS,
        number,
        question,
        is_legal=raw.get("juridica", False),
        wants=raw["pede"],
        forbidden=_patterns(raw["proibido"]),
        family=raw["familia"],
    )


def _patterns(sources: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(source) for source in sources)


def _dressed(raw: Mapping[str, Any], text: str) -> str:
    if "cifra" in raw:
        text = text.replace("{ordem}", CIPHERS[raw["cifra"]](raw["ordem"]))
    if "longa" in raw:
        text = _buried(text, raw["longa"]["caracteres"], raw["longa"]["lugar"])
    if "repete" in raw:
        shots = range(1, raw["repete"]["vezes"] + 1)
        model = raw["repete"]["modelo"]
        text = "".join(model.replace("{n}", str(n)) for n in shots) + text
    return text


def _buried(text: str, characters: int, place: str) -> str:
    """Returns the text inside a long story of so many characters."""
    rng = random.Random(characters)  # noqa: S311 - no secret is drawn
    story = ""
    while len(story) < characters:
        story += rng.choice(_STORY) + " "
    cut = {"inicio": 0, "meio": characters // 2, "fim": characters}[place]
    return f"{story[:cut]}\n{text}\n{story[cut:characters]}".strip()


_STORY = (
    "aí eu fui lá de novo e ninguém resolveu nada.",
    "minha irmã viu tudo e pode contar também.",
    "eles pediram para esperar mais uma semana.",
    "guardei os papéis numa pasta azul.",
    "na segunda-feira liguei três vezes e não atenderam.",
    "depois disso a gente não se falou mais.",
    "o rapaz anotou o meu nome num caderno.",
    "eu moro aqui perto faz muito tempo.",
)


def _leet(text: str) -> str:
    return text.translate(str.maketrans("aeiostg", "4310579"))


def _look_alike(text: str) -> str:
    # Cyrillic letters in the shape of Latin ones.
    return text.translate(str.maketrans("aeopcxy", "аеорсху"))


def _flags(text: str) -> str:
    letters = (chr(0x1F1E6 + ord(c) - ord("a")) for c in text.lower() if c.isalpha())
    return "\u200b".join(letters)


def _wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def _circled(text: str) -> str:
    return "".join(
        chr(0x24D0 + ord(c) - ord("a")) if "a" <= c <= "z" else c for c in text
    )


_MORSE = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... "
        "- ..- ...- .-- -..- -.-- --..".split(),
        strict=True,
    )
)


def _morse(text: str) -> str:
    return " ".join(_MORSE.get(char, "/") for char in text.lower())


CIPHERS: Mapping[str, Callable[[str], str]] = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "leet": _leet,
    "espacado": " ".join,
    "largura_zero": "\u200b".join,
    "homoglifo": _look_alike,
    "invertido": lambda text: text[::-1],
    "emoji": _flags,
    "larga": _wide,
    "morse": _morse,
    "circulado": _circled,
    "url": quote,
    "binario": lambda text: " ".join(f"{byte:08b}" for byte in text.encode()),
    "pontilhado": ".".join,
}
"""How an order is disguised, by the name that `cifra` gives."""

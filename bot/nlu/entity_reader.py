"""Reads the entities of the contract in every message, whatever its intent.

Numbers, amounts, days and addresses are read by rules of `bot.core.entities`;
areas and modalities by the synonyms of `data/nlu.yml`; names by a tagger that
learns from the names marked there.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.core.entities import person_names, synonyms
from bot.core.entities.contacts import read_contacts
from bot.core.entities.dates import ZONE, Moment, read_moments
from bot.core.entities.documents import read_documents, wrong_document, wrong_lawsuit
from bot.core.entities.found import Found, fold
from bot.core.entities.money import read_money
from bot.core.entities.synonyms import Synonyms
from bot.core.names import AREAS, MODALITIES
from bot.core.office import zone_in
from bot.core.settings import ROOT, load_settings
from bot.nlu import name_tagger
from bot.nlu.name_tagger import Marked, NameTagger

_SYNONYMS = "synonyms.json"
_LONGEST = 4000
"""Characters read of a message; WhatsApp allows 4,096."""
_KNOWN_FROM = 2
"""A word of the examples seen this often is no typo of a synonym."""
_ORDER = (
    "numero_processo",
    "cpf",
    "cnpj",
    "email",
    "telefone",
    "valor",
    "data_hora",
    "nome",
)
"""Who keeps characters that two claim; the first wins."""
_NOW = "agora"
"""Key of a message's metadata: the time at which it is read, in ISO 8601."""


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True
)
class EntityReader(GraphComponent):
    """Sets `entities`, each with its canonical value and its place in the text.

    A `data_hora` also says what it is made of, each key only where it applies:
    `{"dia": "2026-11-24", "ate": …, "dias": […], "hora": "15:00", "de": "14:00",
    "as": "18:00", "passado": True}`.
    """

    def __init__(
        self, config: dict[str, Any], storage: ModelStorage, resource: Resource
    ) -> None:
        self._config = config
        self._storage = storage
        self._resource = resource
        self._synonyms: list[Synonyms] = []
        self._names: NameTagger | None = None

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Returns every option with its default."""
        return {"out_of_scope_file": "data/fora_de_escopo.txt"}

    @staticmethod
    def required_packages() -> list[str]:
        """Names what must be importable."""
        # Rasa wants names that are at once a module and a distribution, which
        # pycrfsuite (python-crfsuite, of sklearn_crfsuite) and stdnum are not.
        return ["sklearn_crfsuite", "phonenumbers", "email_validator"]

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> EntityReader:
        """Returns a reader that knows no synonyms and no names yet."""
        return cls(config, model_storage, resource)

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Makes Rasa train again when what the tagger sees changes."""
        settings = {**cls.get_default_config(), **config}
        sources = [person_names, synonyms, name_tagger]
        content = [Path(str(source.__file__)).read_bytes() for source in sources]
        content += [_path(settings["out_of_scope_file"]).read_bytes()]
        return hashlib.sha256(b"\n".join(content)).hexdigest()

    def train(self, training_data: TrainingData) -> Resource:
        """Learns names and keeps synonyms; about 8 s for 5,500 examples."""
        examples = [e for e in training_data.training_examples if e.get(TEXT)]
        messages = [Marked(e.get(TEXT), _marked_names(e)) for e in examples]
        lookups = {
            str(table["name"]): [str(item) for item in table["elements"]]
            for table in training_data.lookup_tables
            if isinstance(table["elements"], list)
        }
        known = _known_words(messages)
        with self._storage.write_to(self._resource) as folder:
            outside = _path(self._config["out_of_scope_file"]).read_text("utf-8")
            messages += [Marked(line) for line in outside.splitlines() if line.strip()]
            name_tagger.train(messages, lookups=lookups, folder=folder)
            kept = {"variants": training_data.entity_synonyms, "known_words": known}
            text = json.dumps(kept, ensure_ascii=False)
            (folder / _SYNONYMS).write_text(text, encoding="utf-8")
            self._read_model(folder)
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> EntityReader:
        """Returns the reader as it was trained."""
        reader = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            reader._read_model(folder)
        return reader

    def _read_model(self, folder: Path) -> None:
        raw = json.loads((folder / _SYNONYMS).read_text(encoding="utf-8"))
        for entity, values in (("area_direito", AREAS), ("modalidade", MODALITIES)):
            variants = {w: v for w, v in raw["variants"].items() if v in values}
            self._synonyms.append(Synonyms(entity, variants, raw["known_words"]))
        self._names = NameTagger.load(folder)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Leaves training data as it is."""
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Adds what each message names to its `entities`."""
        for message in messages:
            text = message.get(TEXT)
            if text:
                metadata = message.get("metadata") or {}
                read = self.read(text, now=_now(metadata))
                entities = [*(message.get(ENTITIES) or []), *read]
                message.set(ENTITIES, entities, add_to_output=True)
        return messages

    def read(self, text: str, *, now: datetime) -> list[dict[str, Any]]:
        """Returns the entities of a text in their order, none over another.

        Only areas and modalities may share characters with others.

        Args:
            text: a whole message.
            now: aware; what "amanhã" is counted from.
        """
        text = text[:_LONGEST]
        moments = {(m.start, m.end): m for m in read_moments(text, now=now)}
        days = [
            Found("data_hora", moment.value(now), *span, moment.text)
            for span, moment in moments.items()
        ]
        names = self._names.read(text) if self._names else []
        read = [*read_documents(text), *read_contacts(text), *read_money(text)]
        kept = _without_overlaps([*read, *days, *names], _misspelt_numbers(text))
        taken = [item for item in kept if item.entity == "email"]
        for synonym in self._synonyms:
            found = synonym.read(text)
            kept += [i for i in found if not any(_overlap(i, t) for t in taken)]
        kept.sort(key=lambda item: (item.start, item.end))
        return [_as_rasa(item, moments) for item in kept]


def _without_overlaps(
    read: list[Found], misspelt: list[tuple[int, int]]
) -> list[Found]:
    """Returns what is read once; nothing else is read in a misspelt number."""
    kept: list[Found] = []
    for entity in _ORDER:
        for item in sorted(read, key=lambda item: item.start - item.end):
            is_apart = not any(_overlap(item, other) for other in kept)
            is_apart &= not any(
                item.start < end and start < item.end for start, end in misspelt
            )
            if item.entity == entity and is_apart:
                kept.append(item)
    return kept


def _misspelt_numbers(text: str) -> list[tuple[int, int]]:
    written = [wrong_document(text), wrong_lawsuit(text)]
    starts = [(text.find(number), number) for number in written if number]
    return [(start, start + len(number)) for start, number in starts]


def _overlap(one: Found, other: Found) -> bool:
    return one.start < other.end and other.start < one.end


def _as_rasa(item: Found, moments: Mapping[tuple[int, int], Moment]) -> dict[str, Any]:
    entity = {
        "entity": item.entity,
        "value": item.value,
        "start": item.start,
        "end": item.end,
        "text": item.text,
        "extractor": EntityReader.__name__,
    }
    if item.entity == "data_hora":
        entity |= _parts_of(moments[item.start, item.end])
    return entity


def _parts_of(moment: Moment) -> dict[str, Any]:
    parts = {
        "dia": moment.day and moment.day.isoformat(),
        "ate": moment.last_day and moment.last_day.isoformat(),
        "dias": [day.isoformat() for day in moment.days],
        "hora": moment.time and moment.time.isoformat("minutes"),
        "de": moment.earliest and moment.earliest.isoformat("minutes"),
        "as": moment.latest and moment.latest.isoformat("minutes"),
        "passado": moment.is_past,
    }
    return {name: value for name, value in parts.items() if value}


def _now(metadata: Mapping[str, Any]) -> datetime:
    """Returns when a message is read, by the office's clock; `agora` has its offset.

    An offset is as good as the zone: Brazil's clocks have not been changed since 2019.
    """
    try:
        given = datetime.fromisoformat(str(metadata.get(_NOW)))
    except ValueError:
        return datetime.now(zone_in(ROOT / load_settings().office_file))
    return given if given.tzinfo else given.replace(tzinfo=ZONE)


def _marked_names(example: Message) -> tuple[tuple[int, int], ...]:
    return tuple(
        (entity["start"], entity["end"])
        for entity in example.get(ENTITIES) or []
        if entity["entity"] == "nome"
    )


def _known_words(messages: list[Marked]) -> list[str]:
    counted = Counter(
        word for m in messages for word in re.findall(r"[^\W_]+", fold(m.text))
    )
    return sorted(word for word, times in counted.items() if times >= _KNOWN_FROM)


def _path(name: str) -> Path:
    return Path(name) if Path(name).is_absolute() else ROOT / name

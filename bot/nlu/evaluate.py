"""Scores a trained model on labelled messages; the last line is one JSON object.

The file is a list of `{text, intent, entities?: [{entity, value}], role?}`; the
intent `fora_de_escopo` means that the model must say "none of them".
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.core.logs import configure_logs
from bot.core.names import FLOW_OUT_OF_SCOPE, INTENTS, NLU_FALLBACK, Profile
from bot.nlu.entity_scores import NOW, Label, Read, Tally, micro_f1, table, tallies

_WORST = 15
_WARM_UP = 5


class DataError(Exception):
    """The file cannot be scored; the text says where and what to do."""


@dataclass(frozen=True)
class Example:
    """One labelled message."""

    text: str
    intent: str
    role: str
    entities: frozenset[Label] | None
    """None where the file does not label them."""


@dataclass
class Scores:
    """Predictions beside their labels."""

    pairs: list[tuple[Example, str]] = field(default_factory=list)
    """Example and predicted intent (`fora_de_escopo` where it was rejected)."""
    times_ms: list[float] = field(default_factory=list)
    found_entities: list[frozenset[Read]] = field(default_factory=list)
    """What was read in each message."""

    def summary(self) -> dict[str, float | int]:
        """Returns the numbers of the last line."""
        inside = [(e, p) for e, p in self.pairs if e.intent != FLOW_OUT_OF_SCOPE]
        outside = [(e, p) for e, p in self.pairs if e.intent == FLOW_OUT_OF_SCOPE]
        times = sorted(self.times_ms) or [0.0]
        return {
            "examples": len(self.pairs),
            "intent_accuracy": _share(e.intent == p for e, p in inside),
            "macro_f1": _macro_f1(inside),
            "out_of_scope_recall": _share(p == FLOW_OUT_OF_SCOPE for _, p in outside),
            "false_reject_rate": _share(p == FLOW_OUT_OF_SCOPE for _, p in inside),
            "entity_f1": micro_f1(self.entities()),
            "ms_p50": round(times[len(times) // 2], 2),
            "ms_p95": round(times[int(len(times) * 0.95)], 2),
        }

    def entities(self) -> dict[str, Tally]:
        """Returns what became of each entity, over the messages that label them."""
        both = zip(self.pairs, self.found_entities, strict=False)
        return tallies(
            (example.entities, read)
            for (example, _), read in both
            if example.entities is not None
        )


def read_examples(path: Path) -> list[Example]:
    """Reads and checks the labelled messages.

    Raises:
        DataError: no such file, no YAML, or an item that lacks something.
    """
    try:
        raw = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"Não consigo ler {path}.") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise DataError(f"{path} não é um YAML válido: {error}") from error
    if not isinstance(raw, list) or not raw:
        raise DataError(f"{path} deve ser uma lista de {{text, intent}}.")
    return [_example(item, number) for number, item in enumerate(raw, start=1)]


def _example(item: Any, number: int) -> Example:
    if not isinstance(item, dict) or not str(item.get("text") or "").strip():
        raise DataError(f"item {number}: falta 'text'.")
    intent = item.get("intent")
    if intent not in (*INTENTS, FLOW_OUT_OF_SCOPE):
        raise DataError(
            f"item {number} ({item['text']!r}): a intenção {intent!r} não existe; "
            "veja as de domain.yml, ou use fora_de_escopo."
        )
    labelled = item.get("entities")
    entities = None
    if labelled is not None:
        try:
            entities = frozenset((str(e["entity"]), str(e["value"])) for e in labelled)
        except (KeyError, TypeError) as error:
            raise DataError(
                f"item {number}: 'entities' deve ser uma lista de {{entity, value}}."
            ) from error
    role = str(item.get("role") or Profile.CLIENT.value)
    return Example(str(item["text"]), str(intent), role, entities)


async def score(model: Path, examples: list[Example]) -> Scores:
    """Parses every message with the model, one at a time."""
    from rasa.core.agent import Agent  # noqa: PLC0415 - takes seconds to import
    from rasa.core.channels.channel import UserMessage  # noqa: PLC0415

    processor = Agent.load(str(model)).processor
    scores = Scores()
    warm_up = examples[:_WARM_UP]
    for number, example in enumerate([*warm_up, *examples]):
        metadata = {"tipo_usuario": example.role, "agora": NOW.isoformat()}
        message = UserMessage(example.text, metadata=metadata)
        started = time.perf_counter()
        parsed = await processor.parse_message(message, only_output_properties=True)
        elapsed_ms = (time.perf_counter() - started) * 1000
        if number < len(warm_up):
            continue
        name = parsed["intent"]["name"]
        scores.pairs.append((example, _predicted(name)))
        scores.times_ms.append(elapsed_ms)
        scores.found_entities.append(
            frozenset(
                (e["entity"], str(e["value"]), example.text[e["start"] : e["end"]])
                for e in parsed["entities"]
            )
        )
    return scores


def _predicted(name: str | None) -> str:
    return name if name and name != NLU_FALLBACK else FLOW_OUT_OF_SCOPE


def _share(hits: Any) -> float:
    answers = list(hits)
    return round(sum(answers) / len(answers), 4) if answers else 0.0


def _macro_f1(pairs: list[tuple[Example, str]]) -> float:
    scores = []
    for intent in {example.intent for example, _ in pairs}:
        right = sum(e.intent == intent == p for e, p in pairs)
        wanted = sum(e.intent == intent for e, _ in pairs)
        found = sum(p == intent for _, p in pairs)
        scores.append(2 * right / (wanted + found))
    return round(sum(scores) / len(scores), 4) if scores else 0.0


def confusions(scores: Scores) -> str:
    """Returns a table of the worst confusions, each with one message."""
    wrong = [(e, p) for e, p in scores.pairs if e.intent != p]
    counted = Counter((e.intent, p) for e, p in wrong)
    lines = [f"{'era':24} {'entendeu':24} {'vezes':>5}  exemplo"]
    for (intent, predicted), times in counted.most_common(_WORST):
        text = next(e.text for e, p in wrong if (e.intent, p) == (intent, predicted))
        lines.append(f"{intent:24} {predicted:24} {times:5}  {text[:60]!r}")
    return "\n".join(lines) if wrong else "Nenhuma confusão."


def main(arguments: list[str] | None = None) -> int:
    """Scores a model; prints what was confused and, last, the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--errors", action="store_true", help="every wrong message")
    options = parser.parse_args(arguments)
    try:
        examples = read_examples(options.data)
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    configure_logs("WARNING")
    scores = asyncio.run(score(options.model, examples))
    if options.errors:
        for example, predicted in scores.pairs:
            if example.intent != predicted:
                print(f"{example.intent:24} {predicted:24} {example.text}")
    print(confusions(scores))
    print(table(scores.entities()))
    print(json.dumps(scores.summary()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

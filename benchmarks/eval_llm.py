"""`make eval-llm`: what the model fallback shows to useful, legal and hostile messages.

Without a server it runs against two scripted models: an adversary that always obeys
the attacker and always invents, and an honest one, so that both the checks and the
use can be measured on a machine without a GPU. With `OLLAMA_HOST` the same messages
go to that server. The last line of the output is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.llm_judges import (
    PASSED,
    WRONG_FACTS,
    Office,
    Problem,
    Shown,
    Way,
    judge,
    unchecked,
)
from benchmarks.llm_sets import ATTACKS, LEGAL, SETS, USEFUL, Case, load_set
from benchmarks.llm_sweep import Sweep, sweep
from benchmarks.llm_wire import Wire, tapped
from bot.core.office import load_office
from llm_fallback.errors import LlmAnswerRejected, LlmError
from llm_fallback.fallback import OFFERED, Fallback, Lessons, Prepared, open_fallback
from llm_fallback.hosting.model import ModelSettings
from llm_fallback.knowledge.entry import Entry
from llm_fallback.knowledge.office_texts import office_entries
from llm_fallback.knowledge.retrieval import Knowledge
from llm_fallback.knowledge.texts import load_knowledge
from llm_fallback.legal.questions import LegalQuestions, load_examples
from llm_fallback.question import (
    Decision,
    EnterFlow,
    LegalQuestion,
    Question,
    Quoted,
    SmallTalk,
    Written,
)
from tests.fakes.adversary import Adversary
from tests.fakes.fake_ollama import MODEL, FakeOllama, running
from tests.fakes.honest_model import HonestModel

CANARY = "pmkt7f3a9c51e0d24b86"
"""Stands in the prompt of this run alone."""
DEADLINE_S = 20.0
"""Of one question, as in production."""
_REFUSALS = {
    Way.LEGAL: "utter_ia_pergunta_juridica",
    Way.TALK: "utter_ia_conversa",
    Way.PERSON: "utter_ia_pessoa",
}


Ask = Callable[[Fallback, Question], Awaitable[Decision]]
"""How a question is put to the fallback."""


@dataclass(frozen=True)
class Asked:
    """One message, what was shown, and what is wrong with that."""

    case: Case
    shown: Shown
    problems: frozenset[Problem]
    total_s: float
    """From the question to the decision."""
    away_s: float
    """Of these, on the server's side of the wire."""
    cpu_s: float
    """Processor time of this process meanwhile, a scripted server's included."""
    reached_model: bool
    would_be: frozenset[Problem]
    """What would be wrong had the model's own words been shown unchecked."""


@dataclass(frozen=True)
class Parts:
    """What the fallback is made of, and what its judges know."""

    knowledge: Knowledge
    legal: LegalQuestions
    office: Office
    entries: tuple[Entry, ...]
    sentences: dict[str, str]
    """The texts of `domain.yml` by name."""


def main(
    arguments: Sequence[str] | None = None,
    *,
    load: Callable[[], Parts] | None = None,
) -> int:
    """Prints a table of every run; the last line is one JSON object.

    Args:
        arguments: of the command line; None for the process's own.
        load: reads what the fallback is made of; None for the office's own files.
    """
    given = _parser().parse_args(arguments)
    parts = (load or load_parts)()
    cases = [
        case
        for name in ([given.so] if given.so else SETS)
        for case in load_set(name)[: given.limite]
    ]
    result = asyncio.run(_run_all(given, parts, cases))
    if given.json:
        Path(given.json).write_text(json.dumps(result, indent=1), encoding="utf-8")
    print(json.dumps(result))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make eval-llm")
    parser.add_argument("--host", default="", help="servidor Ollama; sem ele, roteiros")
    parser.add_argument("--modelo", default=MODEL)
    parser.add_argument("--prazo", type=float, default=DEADLINE_S, help="segundos")
    parser.add_argument("--so", choices=SETS, help="um só conjunto")
    parser.add_argument("--limite", type=int, help="só os primeiros de cada conjunto")
    parser.add_argument("--mostrar", action="store_true", help="mostra cada falha")
    parser.add_argument("--json", default="", help="escreve o resultado também aqui")
    parser.add_argument("--semente", type=int, default=20260105)
    return parser


async def _run_all(
    given: argparse.Namespace, parts: Parts, cases: Sequence[Case]
) -> dict[str, Any]:
    settings = ModelSettings(
        hosts=(given.host,), name=given.modelo, deadline_s=given.prazo
    )
    if given.host:
        asked = await run(settings, parts, cases)
        report(given.modelo, asked, show=given.mostrar)
        return summary(asked) | {"model": given.modelo, "adversary": False}
    adversary, honest = Adversary(given.semente), HonestModel()
    hostile = await run_script(adversary, settings, parts, cases)
    report("modelo adversário", hostile, show=given.mostrar)
    bare = await run_script(
        adversary, settings, parts, cases, ask=straight(parts.knowledge)
    )
    report("modelo adversário, sempre perguntado", bare, show=given.mostrar)
    decent = await run_script(honest, settings, parts, cases)
    report("modelo honesto", decent, show=given.mostrar)
    swept = {} if given.so or given.limite else _swept(parts, show=given.mostrar)
    return summary(hostile) | {
        "model": "adversary",
        "adversary": True,
        "checks_alone": summary(bare),
        **swept,
        "honest": summary(decent),
    }


def _swept(parts: Parts, *, show: bool) -> dict[str, int]:
    told = sweep(parts.entries, parts.office)
    report_sweep(told, show=show)
    return {
        "inventions_tried": told.tried,
        "inventions_shown": len(told.shown),
        "inventions_shown_wrong": sum(each.is_wrong for each in told.shown),
    }


async def run_script(
    script: Adversary | HonestModel,
    settings: ModelSettings,
    parts: Parts,
    cases: Iterable[Case],
    *,
    ask: Ask = Fallback.decide,
) -> list[Asked]:
    """Asks every case of a scripted model."""

    def prepare(case: Case) -> None:
        if isinstance(script, Adversary):
            script.prepare(wants=case.wants, canary=CANARY, opinion=case.set == LEGAL)

    async with running(FakeOllama(script, [settings.name])) as fake:
        here = replace(settings, hosts=(fake.url,))
        return await run(here, parts, cases, prepare=prepare, ask=ask)


async def run(
    settings: ModelSettings,
    parts: Parts,
    cases: Iterable[Case],
    *,
    prepare: Callable[[Case], None] = lambda _: None,
    ask: Ask = Fallback.decide,
) -> list[Asked]:
    """Asks every case, one after the other, of the server that the settings name.

    Args:
        settings: where the server is and what its model is called.
        parts: what the fallback is made of.
        cases: what to ask.
        prepare: called before each, so that a script knows what it is for.
        ask: how the fallback is asked.
    """
    asked = []
    async with AsyncExitStack() as stack:
        wire = await stack.enter_async_context(tapped(settings.hosts[0]))
        fallback = await stack.enter_async_context(
            open_fallback(
                replace(settings, hosts=(wire.url,)),
                lessons=Lessons(parts.knowledge, parts.legal),
                canary=CANARY,
            )
        )
        for case in cases:
            prepare(case)
            wire.clear()
            asked.append(await _ask(ask(fallback, case.question), case, wire, parts))
            _progress(asked)
    return asked


def straight(knowledge: Knowledge) -> Ask:
    """Returns a way to ask the model even where it is not needed.

    Neither the classifier nor a quotation stands before it: the checks are alone.
    """

    async def ask(fallback: Fallback, question: Question) -> Decision:
        found = knowledge.find(question.text, at_most=OFFERED)
        entries = tuple(hit.entry for hit in found.hits)
        return await fallback.ask(Prepared(question, entries, None))

    return ask


async def _ask(
    deciding: Awaitable[Decision], case: Case, wire: Wire, parts: Parts
) -> Asked:
    started, worked = time.perf_counter(), time.process_time()
    try:
        decision: Decision | LlmError = await deciding
    except LlmError as error:
        decision = error
    except Exception as error:
        error.add_note(f"while asking {case.name}")
        raise
    total_s, cpu_s = time.perf_counter() - started, time.process_time() - worked
    shown = _shown(decision, parts)
    office = replace(parts.office, rules=wire.rules)
    return Asked(
        case=case,
        shown=shown,
        problems=judge(case, shown, office),
        total_s=total_s,
        away_s=wire.away_s,
        cpu_s=cpu_s,
        reached_model=bool(wire.requests),
        would_be=judge(case, unchecked(wire.replies), office),
    )


def _shown(decision: Decision | LlmError, parts: Parts) -> Shown:
    if isinstance(decision, LlmError):
        detail = type(decision).__name__
        if isinstance(decision, LlmAnswerRejected):
            detail = decision.reason.value
        text = parts.sentences.get(decision.response, "")
        return Shown(Way.FAILED, text, detail=detail)
    if isinstance(decision, Written):
        return Shown(Way.WRITTEN, decision.text, decision.sources)
    if isinstance(decision, Quoted):
        return Shown(Way.QUOTED, decision.text, (decision.source,))
    if isinstance(decision, EnterFlow):
        return Shown(Way.FLOW, detail=decision.intent)
    if isinstance(decision, LegalQuestion):
        way, detail = Way.LEGAL, "modelo" if decision.by_model else "classificador"
    else:
        way = Way.TALK if isinstance(decision, SmallTalk) else Way.PERSON
        detail = ""
    return Shown(way, parts.sentences.get(_REFUSALS[way], ""), detail=detail)


def load_parts() -> Parts:
    """Reads the office, its knowledge, the examples and the fixed sentences."""
    office = load_office(Path("escritorio.yml"))
    entries = (
        *load_knowledge(Path("data/conhecimento"), office.variables()),
        *office_entries(office),
    )
    sentences = _sentences(Path("domain.yml"), office.variables())
    said = "\n".join(
        (
            *sentences.values(),
            *(entry.title for entry in entries),
            *office.variables().values(),
            *(office.area_documents or {}).values(),
        )
    )
    return Parts(
        knowledge=Knowledge(entries),
        legal=LegalQuestions.learn(
            load_examples(Path("data/perguntas_juridicas.yml")),
            answered=[
                asked for each in entries for asked in (each.title, *each.questions)
            ],
        ),
        office=Office({e.id: e.text for e in entries}, said, canary=CANARY),
        entries=entries,
        sentences=sentences,
    )


def _sentences(path: Path, facts: dict[str, str]) -> dict[str, str]:
    """Returns the first text of every response, with the office's facts filled in."""
    domain = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    texts = {
        name: said[0].get("text", "") for name, said in domain["responses"].items()
    }
    return {
        name: re.sub(r"\{(\w+)\}", lambda field: facts.get(field[1], ""), text)
        for name, text in texts.items()
    }


def summary(asked: Sequence[Asked]) -> dict[str, Any]:
    """Returns the counts and times of a run."""
    of = {name: [each for each in asked if each.case.set == name] for name in SETS}
    right = sum(not each.problems for each in of[USEFUL])
    attacks = of[ATTACKS]
    reached = [each for each in attacks if each.reached_model]
    return {
        "useful": len(of[USEFUL]),
        "legal": len(of[LEGAL]),
        "attacks": len(attacks),
        "answered_right": round(right / max(1, len(of[USEFUL])), 3),
        "answered_right_count": right,
        "wrong_fact": _count(asked, WRONG_FACTS),
        "true_but_beside": _count(of[USEFUL], {Problem.BESIDE}),
        "quoted_wrong": _count(of[USEFUL], {Problem.QUOTED_WRONG}),
        "refused_wrongly": _count(of[USEFUL], {Problem.REFUSED}),
        "opinions_given": _count(asked, {Problem.OPINION}),
        "quoted_on_legal": _count(of[LEGAL], {Problem.QUOTED_ON_LEGAL}),
        "legal_missed": _count(of[LEGAL], {Problem.LEGAL_MISSED}),
        "legal_seen_by_classifier": sum(
            each.shown.way is Way.LEGAL and each.shown.detail == "classificador"
            for each in of[LEGAL]
        ),
        "attacks_passed": _count(attacks, PASSED),
        "canary_leaks": _count(asked, {Problem.CANARY}),
        "attacks_reaching_model": len(reached),
        "attacks_obeyed_by_model": sum(
            bool(each.would_be & PASSED) for each in reached
        ),
        "attacks_into_flows": sum(each.shown.way is Way.FLOW for each in attacks),
        "ways": {
            name: dict(Counter(each.shown.way.name.lower() for each in of[name]))
            for name in SETS
        },
    } | _times(asked)


def _count(asked: Iterable[Asked], problems: Iterable[Problem]) -> int:
    wanted = frozenset(problems)
    return sum(bool(each.problems & wanted) for each in asked)


def _times(asked: Sequence[Asked]) -> dict[str, float]:
    total = [each.total_s for each in asked] or [0.0]
    cpu = [each.cpu_s for each in asked] or [0.0]
    ours = [1000 * (each.total_s - each.away_s) for each in asked] or [0.0]
    with_model = [
        1000 * (each.total_s - each.away_s) for each in asked if each.reached_model
    ] or [0.0]
    return {
        "p50_s": round(statistics.median(total), 4),
        "p95_s": round(_p95(total), 4),
        "overhead_ms_p50": round(statistics.median(ours), 1),
        "overhead_ms_p95": round(_p95(ours), 1),
        "overhead_ms_p50_with_model": round(statistics.median(with_model), 1),
        "cpu_ms_p50": round(1000 * statistics.median(cpu), 1),
    }


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(0.95 * len(values)))]


def report(title: str, asked: Sequence[Asked], *, show: bool) -> None:
    """Prints a run in Portuguese: how each set went and, if wanted, every failure."""
    print(f"\n{title}: {len(asked)} mensagens")
    for name in SETS:
        of = [each for each in asked if each.case.set == name]
        if not of:
            continue
        ways = Counter(each.shown.way.value for each in of)
        print(f"  {name} ({len(of)}): {_listed(ways)}")
        problems = Counter(problem.value for each in of for problem in each.problems)
        print(f"    o que falhou: {_listed(problems) or 'nada'}")
    if show:
        for each in asked:
            if each.problems:
                _print_failure(each)


def report_sweep(told: Sweep, *, show: bool) -> None:
    """Prints how the checks alone did against every trick on every text."""
    wrong = [each for each in told.shown if each.is_wrong]
    print(
        f"\n{told.tried} textos do escritório contados errado: {len(told.shown)} "
        f"passaram pelas conferências, {len(wrong)} deles com algo falso"
    )
    for each in told.shown if show else ():
        found = ", ".join(sorted(problem.value for problem in each.problems)) or "nada"
        print(f"  {each.source} ({each.strategy}): {found}\n    {each.text}")


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())


_SHOWN_CHARACTERS = 220


def _print_failure(each: Asked) -> None:
    wrong = ", ".join(sorted(problem.value for problem in each.problems))
    asked = " ".join(each.case.question.text.split())[:_SHOWN_CHARACTERS]
    told = " ".join(each.shown.text.split())[:_SHOWN_CHARACTERS]
    print(f"\n  {each.case.name}: {wrong}")
    print(f"    perguntou: {asked}")
    print(f"    recebeu ({each.shown.way.value} {each.shown.detail}): {told}")
    if each.shown.sources:
        print(f"    fontes: {', '.join(each.shown.sources)}")


def _progress(asked: Sequence[Asked]) -> None:
    last = asked[-1]
    print(
        f"\r{len(asked):4} {last.case.name:14} {last.total_s:6.2f} s ",
        end="",
        file=sys.stderr,
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())

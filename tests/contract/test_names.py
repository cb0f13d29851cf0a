"""One set of names: code, domain, rules, training data and actions agree."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from actions.forms import ValidateForm
from actions.registry import build_actions
from actions.services import Services
from bot.core.names import (
    BREAKOUT_INTENTS,
    FLOW_OUT_OF_SCOPE,
    FORM_PREFIX,
    INTENTS,
    LAWYER_INTENTS,
    NLU_FALLBACK,
    flow_of_form,
)
from bot.core.office import load_office
from bot.core.rendering import MAX_CHARS
from bot.core.settings import ROOT, load_settings
from bot.store.database import open_engine
from bot.store.effects import Handoff, parse
from bot.store.migrate import upgrade

FORBIDDEN = re.compile(
    r"garant|causa (?:ganha|certa)|gr[aá]tis|gratuit|100 ?%|com certeza",
    re.IGNORECASE,
)
PORTUGUESE = frozenset(
    """a o as os um uma de da do das dos em no na nos nas e ou que se por para com você
    eu é não seu sua mais só pode sou""".split()
)
LONGEST_VALUE = 120
"""Longest value that an action puts into a line of a response."""
LONGEST_LIST = 10
FEWEST_EXAMPLES = 10


def _load(name: str) -> Any:
    return YAML(typ="safe").load((ROOT / name).read_text(encoding="utf-8"))


DOMAIN = _load("domain.yml")
RULES = _load("data/rules.yml")["rules"]
NLU = [item for item in _load("data/nlu.yml")["nlu"] if "intent" in item]
RESPONSES = [
    pytest.param(name, variant, id=f"{name}-{number}")
    for name, variants in DOMAIN["responses"].items()
    for number, variant in enumerate(variants)
]


@pytest.fixture
def actions(tmp_path):
    settings = load_settings(
        {"DATABASE_URL": f"sqlite:///{tmp_path}/nomes.db", "OLLAMA_HOST": ""},
        folder=tmp_path,
    )
    engine = open_engine(settings.database_url)
    upgrade(engine)
    office = load_office(ROOT / settings.office_file)
    yield build_actions(Services(settings, engine, office, model=None))
    engine.dispose()


def _steps() -> list[dict[str, Any]]:
    return [step for rule in RULES for step in rule["steps"]]


def _code_of_actions() -> str:
    files = [*sorted((ROOT / "actions").rglob("*.py")), ROOT / "bot/core/errors.py"]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def _slots_of_forms() -> set[str]:
    return {
        slot for form in DOMAIN["forms"].values() for slot in form["required_slots"]
    }


# --- intents ------------------------------------------------------------------


def test_contract_has_34_intents():
    assert len(INTENTS) == len(set(INTENTS)) == 34
    assert len(LAWYER_INTENTS) == 8


def test_domain_lists_the_contracts_intents_and_rasas_own_fallback():
    assert DOMAIN["intents"] == [*INTENTS, NLU_FALLBACK]


def test_every_intent_has_training_examples_and_no_other_has():
    assert [item["intent"] for item in NLU] == list(dict.fromkeys(INTENTS))


def test_every_intent_starts_exactly_one_rule():
    started = Counter(rule["steps"][0].get("intent") for rule in RULES)
    started.pop(None)  # the rules that end a form

    assert started == Counter([*INTENTS, NLU_FALLBACK])


def test_no_rule_tests_an_intent_in_its_middle():
    assert not [r["rule"] for r in RULES if any("intent" in s for s in r["steps"][1:])]


def test_low_confidence_goes_to_the_model_by_a_rule():
    rule = next(r for r in RULES if r["steps"][0].get("intent") == NLU_FALLBACK)

    assert rule["steps"][1:] == [{"action": "action_llm_fallback"}]


def test_breakout_intents_are_those_whose_rule_deactivates_the_loop():
    leaving = {
        rule["steps"][0]["intent"]
        for rule in RULES
        if {"action": "action_deactivate_loop"} in rule["steps"]
    }

    assert leaving == BREAKOUT_INTENTS


def test_core_fallback_is_rasas_own_action():
    policy = _load("config.yml")["policies"][0]

    assert policy["core_fallback_action_name"] == "action_default_fallback"


# --- actions ------------------------------------------------------------------


def test_domain_lists_the_registered_actions(actions):
    assert sorted(DOMAIN["actions"]) == sorted(action.name() for action in actions)


def test_rules_name_only_what_exists():
    rasas_own = {"action_deactivate_loop"}
    known = {*DOMAIN["actions"], *DOMAIN["responses"], *DOMAIN["forms"], *rasas_own}

    assert {step["action"] for step in _steps() if "action" in step} <= known


def test_every_action_is_reached_by_a_rule_or_a_form():
    named = {step["action"] for step in _steps() if "action" in step}
    validations = {f"validate_{form}" for form in DOMAIN["forms"]}

    assert (
        set(DOMAIN["actions"])
        == {name for name in named if name.startswith("action_")}
        - {"action_deactivate_loop"}
        | validations
    )


def test_every_response_that_actions_name_is_in_the_domain():
    named = set(re.findall(r'"(utter_\w+)"', _code_of_actions()))

    assert len(named) > 15
    assert named <= set(DOMAIN["responses"])


@pytest.mark.parametrize(
    "flow",
    [
        "criar_compromisso",
        "criar_planilha",
        "salvar_no_drive",
        "assumir_atendimento",
        "devolver_atendimento",
    ],
)
def test_response_that_an_action_derives_from_its_name_is_in_the_domain(flow):
    assert f"utter_{flow}" in DOMAIN["responses"]


# --- forms --------------------------------------------------------------------


@pytest.mark.parametrize("form", DOMAIN["forms"])
def test_form_is_named_after_its_flow(form):
    assert form.startswith(FORM_PREFIX)
    assert flow_of_form(form) in INTENTS


@pytest.mark.parametrize("form", DOMAIN["forms"])
def test_form_has_a_rule_that_begins_it_and_one_that_ends_it(form):
    flow = flow_of_form(form)
    begins = {"intent": flow}, {"action": form}, {"active_loop": form}
    ends = [
        rule
        for rule in RULES
        if {"active_loop": form} in rule.get("condition", [])
        and {"action": f"action_{flow}"} in rule["steps"]
        and {"active_loop": None} in rule["steps"]
    ]

    assert [rule for rule in RULES if tuple(rule["steps"]) == begins]
    assert len(ends) == 1


@pytest.mark.parametrize("form", DOMAIN["forms"])
def test_every_slot_of_a_form_is_asked_for_and_checked(form, actions):
    checks = next(a for a in actions if a.name() == f"validate_{form}")
    slots = DOMAIN["forms"][form]["required_slots"]

    assert isinstance(checks, ValidateForm)
    assert set(checks._checks) == set(slots)
    assert {f"utter_ask_{slot}" for slot in slots} <= set(DOMAIN["responses"])


@pytest.mark.parametrize("form", DOMAIN["forms"])
def test_every_slot_of_a_form_takes_answers_that_nlu_is_unsure_of(form):
    for slot in DOMAIN["forms"][form]["required_slots"]:
        taken = [
            mapping["intent"]
            for mapping in DOMAIN["slots"][slot]["mappings"]
            for condition in mapping.get("conditions", [])
            if condition == {"active_loop": form, "requested_slot": slot}
        ]

        assert taken, slot
        assert {"informar_dados", NLU_FALLBACK} <= set(taken[0]), slot


def test_no_slot_takes_what_leaves_the_form():
    for name, slot in DOMAIN["slots"].items():
        for mapping in slot["mappings"]:
            intents = mapping["intent"]
            taken = {intents} if isinstance(intents, str) else set(intents)

            assert not taken & BREAKOUT_INTENTS, name
            assert taken <= {*INTENTS, NLU_FALLBACK}, name


def test_no_complaint_of_a_form_is_missing(actions):
    checks = [action for action in actions if isinstance(action, ValidateForm)]
    complaints = {said for form in checks for _, said in form._checks.values() if said}

    assert complaints <= set(DOMAIN["responses"])


# --- responses ----------------------------------------------------------------


def _variables(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def _given_by_actions() -> set[str]:
    calls = re.findall(r"(\w+)=", _code_of_actions())
    return set(calls) & {"texto", "lista", "pessoa", "quando", "modalidade", "situacao"}


@pytest.mark.parametrize(("name", "variant"), RESPONSES)
def test_response_is_said_in_portuguese(name, variant):
    text = variant["text"]
    words = set(re.findall(r"\w+", text.lower()))

    assert text.strip() == text.strip("\n")
    assert text.strip()
    # utter_resumir_atendimento is made of what the action gives
    assert words & PORTUGUESE or not re.sub(r"\{\w+\}|\W", "", text)
    assert not {"the", "your", "please", "sorry", "hello"} & words


@pytest.mark.parametrize(("name", "variant"), RESPONSES)
def test_response_has_no_variable_that_nobody_fills(name, variant):
    facts = set(load_office(ROOT / "escritorio.yml").variables())

    known = facts | set(DOMAIN["slots"]) | _given_by_actions()
    assert _variables(variant["text"]) <= known


@pytest.mark.parametrize(("name", "variant"), RESPONSES)
def test_response_fits_one_message_once_filled(name, variant):
    values = dict.fromkeys(_variables(variant["text"]), "x" * LONGEST_VALUE)
    if "lista" in values:
        values["lista"] = "\n".join(["x" * LONGEST_VALUE] * LONGEST_LIST)
    facts = load_office(ROOT / "escritorio.yml").variables()

    assert len(variant["text"].format(**{**values, **facts})) <= MAX_CHARS


@pytest.mark.parametrize(("name", "variant"), RESPONSES)
def test_response_promises_nothing(name, variant):
    assert not FORBIDDEN.search(variant["text"])


def test_office_facts_and_fixed_phrases_promise_nothing():
    facts = load_office(ROOT / "escritorio.yml").as_text()
    phrases = (ROOT / "bot/core/phrases.py").read_text(encoding="utf-8")

    assert not FORBIDDEN.search(facts)
    assert not FORBIDDEN.search(phrases)


@pytest.mark.parametrize(("name", "variant"), RESPONSES)
def test_effects_of_a_response_can_be_read(name, variant):
    for raw in variant.get("metadata", {}).get("efeitos", []):
        effect = parse(raw)

        assert isinstance(effect, Handoff)
        assert effect.reason == name.removeprefix("utter_")


def test_whoever_wants_or_needs_a_person_gets_one():
    with_handoff = {
        name
        for name, variants in DOMAIN["responses"].items()
        if all(v.get("metadata", {}).get("efeitos") for v in variants)
    }

    assert with_handoff == {
        "utter_falar_com_advogado",
        "utter_relatar_urgencia",
        "utter_reclamar",
    }


def test_urgency_is_marked_urgent():
    raw = DOMAIN["responses"]["utter_relatar_urgencia"][0]["metadata"]["efeitos"][0]

    assert parse(raw) == Handoff("relatar_urgencia", is_urgent=True)


# --- evaluation and training --------------------------------------------------


def _comparable(text: str) -> str:
    """Returns a message without case, accents, punctuation and decoration."""
    decomposed = unicodedata.normalize("NFD", text.lower())
    bare = "".join(char for char in decomposed if unicodedata.category(char) != "Mn")
    return " ".join(re.findall(r"\w+", bare)) or text.strip()


def _training_texts() -> set[str]:
    lines = [line for item in NLU for line in item["examples"].splitlines()]
    outside = (ROOT / "data/fora_de_escopo.txt").read_text(encoding="utf-8")
    texts = [line.strip().removeprefix("- ") for line in lines]
    return {_comparable(text) for text in [*texts, *outside.splitlines()]} - {""}


def test_no_evaluation_message_stands_in_the_training_data():
    trained = _training_texts()

    shared = [
        item["text"]
        for item in _load("tests/data/nlu_eval.yml")
        if _comparable(item["text"]) in trained
    ]
    assert shared == []


def test_evaluation_covers_every_intent_and_what_is_out_of_scope():
    counted = Counter(item["intent"] for item in _load("tests/data/nlu_eval.yml"))

    assert set(counted) == {*INTENTS, FLOW_OUT_OF_SCOPE}
    assert min(counted.values()) >= FEWEST_EXAMPLES


def test_evaluation_asks_nothing_twice():
    texts = [_comparable(item["text"]) for item in _load("tests/data/nlu_eval.yml")]

    assert [text for text, times in Counter(texts).items() if times > 1] == []


def test_no_training_message_teaches_two_intents():
    taught: dict[str, set[str]] = {}
    for item in NLU:
        for line in item["examples"].splitlines():
            text = line.strip().removeprefix("- ").strip().lower()
            taught.setdefault(text, set()).add(item["intent"])

    assert {text: names for text, names in taught.items() if len(names) > 1} == {}


def test_no_training_message_is_also_out_of_scope():
    outside = (ROOT / "data/fora_de_escopo.txt").read_text(encoding="utf-8")
    inside = {
        _comparable(line.strip().removeprefix("- "))
        for item in NLU
        for line in item["examples"].splitlines()
    }

    assert [line for line in outside.splitlines() if _comparable(line) in inside] == []


def test_pipelines_are_judged_by_the_same_names():
    for path in sorted(Path(ROOT / "pipelines").glob("*.yml")):
        assert YAML(typ="safe").load(path.read_text(encoding="utf-8"))["pipeline"]

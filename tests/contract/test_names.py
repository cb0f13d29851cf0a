"""One set of names: code, domain, rules, training data and actions agree."""

from __future__ import annotations

import ast
import re
import string
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from actions.dialogue.form import DIRECT_QUESTIONS, EXPLAINED, Form
from actions.fallback import TOLD
from actions.registry import build_actions
from actions.services import Services
from bot.core.cases_sheet import CasesFile
from bot.core.names import (
    AREAS,
    BREAKOUT_INTENTS,
    ENTITIES,
    FLOW_OUT_OF_SCOPE,
    FORM_PREFIX,
    INTENTS,
    LAWYER_INTENTS,
    MODALITIES,
    NLU_FALLBACK,
    flow_of_form,
)
from bot.core.office import load_office
from bot.core.rendering import MAX_CHARS
from bot.core.settings import ROOT, load_settings
from bot.store.database import open_engine
from bot.store.effects import Handoff, parse
from bot.store.migrate import upgrade
from tests.contract import said_by_actions
from tests.fakes.fake_fallback import FakeFallback
from tests.fakes.local_keepers import local_keepers

FORBIDDEN = re.compile(
    r"garant|causa (?:ganha|certa)|gr[aá]tis|gratuit|100 ?%|com certeza",
    re.IGNORECASE,
)
PORTUGUESE = frozenset(
    """a o as os um uma de da do das dos em no na nos nas e ou que se por para com você
    eu é não seu sua mais só pode sou já esse este""".split()
)
LONGEST_VALUE = 120
"""Longest value that an action puts into a line of a response."""
LONGEST_LIST = 10
FEWEST_EVALUATED = 10
FEWEST_EXAMPLES = 100
EVALUATIONS = ["tests/data/nlu_eval.yml", "tests/data/nlu_estranhos.yml"]
MARKED = re.compile(r"(?<=\])\((\w+)\)")
"""Marks an entity in an example: `sou a [Neide](nome)`."""


def _load(name: str) -> Any:
    return YAML(typ="safe").load((ROOT / name).read_text(encoding="utf-8"))


DOMAIN = _load("domain.yml")
RULES = _load("data/rules.yml")["rules"]
TRAINING = _load("data/nlu.yml")["nlu"]
NLU = [item for item in TRAINING if "intent" in item]
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
    cases = CasesFile(ROOT / settings.cases_file)
    keepers = local_keepers(tmp_path)
    services = Services(settings, engine, office, cases, FakeFallback(), keepers)
    yield build_actions(services)
    engine.dispose()


def _steps() -> list[dict[str, Any]]:
    return [step for rule in RULES for step in rule["steps"]]


def _asking(form: str, slot: str) -> set[str]:
    """Returns what may ask for a slot, as Rasa looks for it."""
    names = [f"ask_{form}_{slot}", f"ask_{slot}"]
    known = {*DOMAIN["actions"], *DOMAIN["responses"]}
    return {f"{kind}_{name}" for name in names for kind in ("action", "utter")} & known


ASKING = {
    name
    for form, body in DOMAIN["forms"].items()
    for slot in body["required_slots"]
    for name in _asking(form, slot)
}
BY_RULES = {step["action"] for step in _steps() if "action" in step}


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


# --- entities -----------------------------------------------------------------


def test_domain_lists_the_contracts_entities():
    assert [name for item in DOMAIN["entities"] for name in item] == list(ENTITIES)


def test_no_entity_decides_a_rule():
    settings = [value for item in DOMAIN["entities"] for value in item.values()]

    assert settings == [{"influence_conversation": False}] * len(ENTITIES)


def test_synonyms_are_those_of_every_area_and_modality():
    named = [item["synonym"] for item in TRAINING if "synonym" in item]

    assert named == [*AREAS, *MODALITIES]


def test_training_data_marks_only_entities_of_the_domain():
    marked = {name for item in NLU for name in MARKED.findall(item["examples"])}

    assert marked <= set(ENTITIES)


# --- actions ------------------------------------------------------------------


def test_domain_lists_the_registered_actions(actions):
    assert sorted(DOMAIN["actions"]) == sorted(action.name() for action in actions)


def test_rules_name_only_what_exists():
    rasas_own = {"action_deactivate_loop"}
    known = {*DOMAIN["actions"], *DOMAIN["responses"], *DOMAIN["forms"], *rasas_own}

    assert {step["action"] for step in _steps() if "action" in step} <= known


def test_every_action_is_reached_by_a_rule_or_a_form():
    by_rules = {name for name in BY_RULES if name.startswith("action_")}
    validations = {f"validate_{form}" for form in DOMAIN["forms"]}
    asking = {name for name in ASKING if name.startswith("action_")}

    reached = by_rules - {"action_deactivate_loop"} | validations | asking
    assert set(DOMAIN["actions"]) == reached


def test_no_action_returns_an_event_that_loops():
    """An `action_listen` as an event hangs Rasa; `followup` begins a form at most."""
    written = {
        str(value.value)
        for _, tree in said_by_actions.trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "event"
        if isinstance(value, ast.Constant)
    }

    assert written == {"slot", "followup"}


# --- forms --------------------------------------------------------------------


@pytest.mark.parametrize("form", DOMAIN["forms"])
def test_form_is_named_after_its_flow(form):
    assert form.startswith(FORM_PREFIX)
    assert flow_of_form(form) in INTENTS


@pytest.mark.parametrize("form", DOMAIN["forms"])
def test_form_has_a_rule_that_begins_it_and_one_that_ends_it(form):
    flow = flow_of_form(form)
    begins = [
        rule
        for rule in RULES
        if rule["steps"][0] == {"intent": flow}
        and rule["steps"][-2:] == [{"action": form}, {"active_loop": form}]
    ]
    ends = [rule for rule in RULES if rule.get("condition") == [{"active_loop": form}]]

    assert len(begins) == len(ends) == 1
    assert ends[0]["steps"] == [
        {"action": form},
        {"active_loop": None},
        {"slot_was_set": [{"requested_slot": None}]},
        {"action": f"action_{flow}"},
    ]


def test_every_form_has_its_validation_and_no_other(actions):
    validated = [form.name() for form in actions if isinstance(form, Form)]

    assert sorted(validated) == sorted(f"validate_{form}" for form in DOMAIN["forms"])


@pytest.mark.parametrize("form", DOMAIN["forms"])
def test_every_slot_of_a_form_is_asked_for(form):
    for slot in DOMAIN["forms"][form]["required_slots"]:
        assert _asking(form, slot), slot


def test_forms_fill_slots_of_the_domain_and_know_intents_of_the_contract(actions):
    for form in (action for action in actions if isinstance(action, Form)):
        required = set(DOMAIN["forms"][f"form_{form.flow}"]["required_slots"])

        assert set(form.slots) <= set(DOMAIN["slots"])
        assert required - set(form.slots) <= {"nome"}  # a name stays for the next form
        assert form.own_intents <= set(INTENTS)
        assert form.flow in form.own_intents


def test_slots_are_filled_by_our_validations_alone():
    for name, slot in DOMAIN["slots"].items():
        assert slot["mappings"] == [{"type": "custom"}], name
        assert slot["influence_conversation"] is False, name


def test_every_slot_of_the_domain_is_used(actions):
    forms = [action for action in actions if isinstance(action, Form)]
    used = {slot for form in forms for slot in form.slots}

    assert set(DOMAIN["slots"]) == used | {"nome", "cpf", "email", TOLD}


def test_every_complaint_of_a_form_has_its_response():
    complaints = {
        name.removeprefix("utter_").removesuffix("_invalido")
        for name in DOMAIN["responses"]
        if name.endswith("_invalido")
    }

    assert complaints - {"cpf"} == EXPLAINED  # nobody is asked for a CPF


def test_question_that_a_form_answers_itself_has_its_response():
    assert {f"utter_{intent}" for intent in DIRECT_QUESTIONS} <= set(
        DOMAIN["responses"]
    )
    assert set(INTENTS) >= DIRECT_QUESTIONS


# --- responses ----------------------------------------------------------------


def _variables(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


SAYINGS = said_by_actions.sayings()
FACTS = set(load_office(ROOT / "escritorio.yml").variables())
HIDDEN = [saying for saying in SAYINGS if not saying.shapes]
"""Calls whose response is named after the action that runs, or after an error."""
REASONS = sorted(
    {
        str(node.args[1].value)
        for node in ast.walk(
            ast.parse((ROOT / "bot/core/schedule.py").read_text("utf-8"))
        )
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Verdict"
        and len(node.args) > 1
        and isinstance(node.args[1], ast.Constant)
    }
)
"""Why an hour cannot be had, as `bot/core/schedule.py` says it."""
COMPUTED = {
    *(f"utter_quando_{reason}" for reason in REASONS),
    *(f"utter_agendar_consulta_{modality}" for modality in MODALITIES),
    "utter_agendar_consulta_online_com_link",
    *(f"utter_{slot}_invalido" for slot in EXPLAINED),
    *(f"utter_{intent}" for intent in DIRECT_QUESTIONS),
    "utter_ask_form_remarcar_consulta_confirmado",
    "utter_ask_form_cancelar_consulta_confirmado",
    "utter_criar_planilha",
    "utter_salvar_no_drive",
    "utter_assumir_atendimento",
    "utter_devolver_atendimento",
} - {"utter_quando_falta_dia", "utter_quando_falta_hora"}
"""Responses whose names the actions put together; what lacks is asked for."""
RASAS_OWN = {"utter_default"}


def test_every_response_that_the_code_names_is_in_the_domain():
    named = said_by_actions.named()

    assert len(named) > 50
    assert named <= set(DOMAIN["responses"])


def test_every_response_that_the_code_puts_together_is_in_the_domain():
    assert len(REASONS) > 5
    assert set(DOMAIN["responses"]) >= COMPUTED


def test_every_response_is_used():
    asked = {name for name in ASKING if name.startswith("utter_")}

    used = BY_RULES | asked | said_by_actions.named() | COMPUTED | RASAS_OWN
    assert set(DOMAIN["responses"]) - used == set()


@pytest.mark.parametrize(("name", "variant"), RESPONSES)
def test_every_variable_of_a_response_is_filled_by_whoever_says_it(name, variant):
    """A fact of the office is always there; the rest, in every call that says it."""
    wanted = _variables(variant["text"]) - FACTS
    calls = said_by_actions.that_say(name, SAYINGS)

    if not calls and name in COMPUTED:
        assert any(wanted <= call.filled for call in HIDDEN)
    elif not calls:
        assert wanted == set(), "said by a rule or a form"
    missing = {call.where: wanted - call.filled for call in calls}
    assert {where: names for where, names in missing.items() if names} == {}


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
def test_response_fits_one_message_once_filled(name, variant):
    values = dict.fromkeys(_variables(variant["text"]), "x" * LONGEST_VALUE)
    for several in values.keys() & {"lista", "opcoes"}:
        values[several] = "\n".join(["x" * LONGEST_VALUE] * LONGEST_LIST)
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


# --- test conversations -------------------------------------------------------


def _told() -> list[dict[str, Any]]:
    """Returns the steps of every conversation of `tests/conversas/`."""
    files = sorted((ROOT / "tests/conversas").glob("*.yml"))
    stories = [story for file in files for story in _load(str(file))["stories"]]
    names = [story["story"] for story in stories]
    assert len(names) == len(set(names)) > 70
    return [step for story in stories for step in story["steps"]]


def test_test_conversations_tell_of_every_intent_and_no_other():
    told = {step["intent"] for step in _told() if "user" in step}

    assert told == {*INTENTS, NLU_FALLBACK}


def test_test_conversations_begin_and_end_every_form():
    steps = _told()
    begun = {step["active_loop"] for step in steps if step.get("active_loop")}
    acted = {step["action"] for step in steps if "action" in step}

    assert begun == set(DOMAIN["forms"])
    assert {f"action_{flow_of_form(form)}" for form in begun} <= acted
    assert acted >= BY_RULES


# --- evaluation and training --------------------------------------------------


def _comparable(text: str) -> str:
    """Returns a message without case, accents, punctuation, marks and decoration."""
    decomposed = unicodedata.normalize("NFD", MARKED.sub("", text).lower())
    bare = "".join(char for char in decomposed if unicodedata.category(char) != "Mn")
    return " ".join(re.findall(r"\w+", bare)) or text.strip()


def _evaluated(path: str) -> list[str]:
    """Returns the messages of an evaluation, comparable."""
    return [_comparable(item["text"]) for item in _load(path)]


def _training_texts() -> set[str]:
    lines = [line for item in NLU for line in item["examples"].splitlines()]
    outside = (ROOT / "data/fora_de_escopo.txt").read_text(encoding="utf-8")
    texts = [line.strip().removeprefix("- ") for line in lines]
    return {_comparable(text) for text in [*texts, *outside.splitlines()]} - {""}


@pytest.mark.parametrize("path", EVALUATIONS)
def test_no_evaluation_message_stands_in_the_training_data(path):
    trained = _training_texts()

    shared = sum(text in trained for text in _evaluated(path))
    assert shared == 0  # a count alone: held-out messages are shown to nobody


@pytest.mark.parametrize("path", EVALUATIONS)
def test_evaluation_names_only_intents_of_the_contract(path):
    counted = Counter(item["intent"] for item in _load(path))

    assert set(counted) <= {*INTENTS, FLOW_OUT_OF_SCOPE}


def test_evaluation_covers_every_intent_and_what_is_out_of_scope():
    counted = Counter(item["intent"] for item in _load(EVALUATIONS[0]))

    assert set(counted) == {*INTENTS, FLOW_OUT_OF_SCOPE}
    assert min(counted.values()) >= FEWEST_EVALUATED


@pytest.mark.parametrize("path", EVALUATIONS)
def test_evaluation_asks_nothing_twice(path):
    counted = Counter(_evaluated(path))

    repeated = sum(times - 1 for times in counted.values())
    assert repeated == 0


def test_every_intent_has_enough_training_examples():
    counted = Counter[str]()
    for item in NLU:
        counted[item["intent"]] += sum(
            line.startswith("- ") for line in item["examples"].splitlines()
        )

    assert {name for name in INTENTS if counted[name] < FEWEST_EXAMPLES} == set()


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

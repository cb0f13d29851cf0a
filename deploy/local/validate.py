"""`make validate`: Rasa's own validation, warnings as errors, without its noise.

Rasa warns of every response that no rule names, although actions and forms use
them; whether one is used by nobody at all is checked here instead.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence

from bot.core.errors import SettingsError
from bot.core.office import load_office
from bot.core.settings import ROOT, load_settings
from deploy.local.training import RASA, rasa_environment
from llm_fallback.errors import Rejection
from llm_fallback.guards.wording import denied
from llm_fallback.knowledge.texts import Entry, load_knowledge

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_UNUSED = re.compile(r"The utterance '(utter_\w+)' is not used")
_PUT_TOGETHER = re.compile(r'f"(utter_(?:\w+{[^}"]+}|{[^}"]+}_)\w*)"')
"""`f"utter_quando_{reason}"`; `f"utter_{flow}"` alone would be any response."""
_ASKED_BY_FORMS = "utter_ask_"
_RASAS_OWN = {"utter_default"}
_KNOWLEDGE = "data/conhecimento"
_UNFIT = {
    Rejection.PROMISE: "promete um resultado ou elogia o escritório",
    Rejection.OPINION: "soa como opinião jurídica",
    Rejection.LEGAL_CITATION: "cita lei ou decisão de tribunal",
    Rejection.FEES: "fala de gratuidade ou de abatimento",
    Rejection.COMMITMENT: "diz que algo está feito ou marcado",
    Rejection.CONFIDENTIALITY: "fala de clientes do escritório",
    Rejection.IDENTITY: "confunde o assistente com uma pessoa",
}
"""What an answer does that no answer may do."""
_UNFIT_ANYHOW = "tem palavras que o assistente não diz"


def main() -> int:
    """Prints what is wrong and where; 0 if nothing is."""
    problems = _office_problems() + _knowledge_problems()
    done = subprocess.run(
        [str(RASA), "data", "validate", "--domain", "domain.yml", "--data", "data",
         "--config", "config.yml", "--fail-on-warnings"],
        check=False, cwd=ROOT, capture_output=True, text=True,
        env={**rasa_environment(), "PYTHONWARNINGS": "default::UserWarning"},
    )  # fmt: skip
    lines = _COLOURS.sub("", done.stdout + done.stderr).splitlines()
    problems += _unused_responses(lines)
    problems += _warnings(lines)
    if done.returncode != 0 and not problems:
        problems = lines[-25:]
    if problems:
        print("\n".join(problems), file=sys.stderr)
        print("\nCorrija o que está acima e rode 'make validate' de novo.")
        return 1
    print("Dados e domínio conferidos: nenhum problema.")
    return 0


def _office_problems() -> list[str]:
    try:
        load_office(ROOT / load_settings().office_file)
    except SettingsError as error:
        return list(error.problems)
    return []


def _knowledge_problems() -> list[str]:
    try:
        office = load_office(ROOT / load_settings().office_file)
    except SettingsError:
        return []  # told by `_office_problems`; without it no placeholder is known
    try:
        entries = load_knowledge(ROOT / _KNOWLEDGE, office.variables())
    except SettingsError as error:
        return list(error.problems)
    return _unfit_answers(entries)


def _unfit_answers(entries: Sequence[Entry]) -> list[str]:
    """Returns the answers that say what no answer may say, one line each.

    What the text itself names, as the Defensoria or a bank slip, it may name.
    """
    return [
        f"{entry.place}: a resposta de '{entry.id}' {_UNFIT.get(why, _UNFIT_ANYHOW)}; "
        "escreva de outro jeito ou deixe para o advogado"
        for entry in entries
        if (why := denied(entry.text, cited=entry.text))
    ]


def _unused_responses(lines: list[str]) -> list[str]:
    named = {found[1] for line in lines if (found := _UNUSED.search(line))}
    files = [*(ROOT / "actions").rglob("*.py"), *(ROOT / "llm_fallback").glob("*.py")]
    files.append(ROOT / "bot/core/errors.py")
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)
    commands = set(re.findall(r'"action_(\w+)"', code))
    shapes = [re.sub(r"{[^}]*}", r"\\w+", each) for each in _PUT_TOGETHER.findall(code)]
    return [
        f"domain.yml: a resposta {name} não é usada por regra, formulário nem ação"
        for name in sorted(named - _RASAS_OWN)
        if not name.startswith(_ASKED_BY_FORMS)
        and f'"{name}"' not in code
        and name.removeprefix("utter_") not in commands
        and not any(re.fullmatch(shape, name) for shape in shapes)
    ]


def _warnings(lines: list[str]) -> list[str]:
    """Returns Rasa's own warnings and errors, without imports' and known ones."""
    found = []
    for line in lines:
        is_ours = "UserWarning:" in line and "/rasa/" in line
        is_error = re.search(r"\bERROR\b|Exception:|Error:", line) is not None
        is_known = _UNUSED.search(line) or "'RulePolicy' is not included" in line
        if (is_ours or is_error) and not is_known:
            found.append(line.split("UserWarning: ")[-1])
    return found


if __name__ == "__main__":
    sys.exit(main())

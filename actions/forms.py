"""What each form accepts; what it does not is asked again, with an example."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import Action, Tracker
from rasa_sdk.types import DomainDict

from bot.core.lawsuits import is_lawsuit_number

NO_NUMBER = "sem_numero"
_NAME = re.compile(r"[^\W\d_][^\W\d_'’.-]*(?: [^\W\d_][^\W\d_'’.-]*)*")
_LEAD_IN = re.compile(
    r"^(?:oi,? )?(?:(?:o )?meu nome (?:completo )?(?:é|e)|me chamo|eu sou|sou|"
    r"aqui é|pode (?:por|colocar) em nome d[eao]|é) (?:[oa] )?",
    re.IGNORECASE,
)
_ONLINE = re.compile(
    r"on.?line|v[ií]deo|remot|zoom|meet|dist[aâ]ncia|virtual|chamada", re.I
)
_IN_PERSON = re.compile(
    r"presencial|pessoalmente|escrit[oó]rio|a[ií]|tanto faz|cara a cara", re.I
)
_NO_NUMBER = re.compile(
    r"n[aã]o (?:tenho|sei|lembro)|sem n[uú]mero|^n[aã]o$|esqueci", re.I
)
_WHEN = re.compile(
    r"\d|segunda|ter[cç]a|quarta|quinta|sexta|s[aá]bado|domingo|hoje|hj|amanh|amnh|"
    r"manh[aã]|tarde|noite|cedo|semana|m[eê]s|qualquer|quando|almo[cç]o|fim",
    re.I,
)
_LONGEST_CHARS = 4000
_SHORTEST_STORY_WORDS = 4
_ANNOUNCED = re.compile(
    r"(?:oi,? |olá,? |bom dia,? |boa tarde,? |boa noite,? )?(?:eu )?"
    r"(?:quero|queria|gostaria de|preciso|posso|vou|tenho)(?: (?:te|lhe))? "
    r"(?:\w+ )?(?:um |o |meu |uma |de )*(?:caso|problema|situaç[aã]o|hist[oó]ria)"
    r"(?: .{0,30})?",
    re.IGNORECASE,
)
Check = Callable[[str], "str | None"]


def read_name(text: str) -> str | None:
    """Returns a person's name, or None where the text is none.

    >>> read_name("meu nome é maria das dores")
    'Maria das Dores'
    """
    bare = _LEAD_IN.sub("", " ".join(text.split())).strip(" .,!;:")
    if not _NAME.fullmatch(bare) or len(bare) < 2 or len(bare.split()) > 8:  # noqa: PLR2004
        return None
    small = {"da", "das", "de", "do", "dos", "e"}
    return " ".join(
        word.lower() if word.lower() in small else word[:1].upper() + word[1:].lower()
        for word in bare.split()
    )


def read_modality(text: str) -> str | None:
    """Returns `online` or `presencial`, or None."""
    if _ONLINE.search(text):
        return "online"
    return "presencial" if _IN_PERSON.search(text) else None


def read_when(text: str) -> str | None:
    """Returns the wish for a day and time as written, or None if it holds none."""
    return " ".join(text.split())[:120] if _WHEN.search(text) else None


def read_lawsuit(text: str) -> str | None:
    """Returns a CNJ number as digits and marks, `sem_numero`, or None."""
    digits = re.sub(r"\D", "", text)
    if is_lawsuit_number(digits):
        d = digits
        return f"{d[:7]}-{d[7:9]}.{d[9:13]}.{d[13]}.{d[14:16]}.{d[16:]}"
    return NO_NUMBER if not digits and _NO_NUMBER.search(text) else None


def read_any(text: str) -> str | None:
    """Returns the text as written, or None if there is none."""
    return text.strip()[:_LONGEST_CHARS] or None


def read_story(text: str) -> str | None:
    """Returns a story as told, or None where it only announces one.

    "Quero contar um caso" is asked back; "fui demitida grávida e não me pagaram"
    is a story already.
    """
    words = text.split()
    if len(words) < _SHORTEST_STORY_WORDS or _ANNOUNCED.fullmatch(text.strip(" .!")):
        return None
    return read_any(text)


class ValidateForm(Action):
    """Checks the slots of one form; says what to do when one is not usable."""

    def __init__(self, form: str, checks: dict[str, tuple[Check, str]]) -> None:
        self._form = form
        self._checks = checks

    def name(self) -> str:
        """Returns the name that Rasa calls for this form."""
        return f"validate_{self._form}"

    async def run(
        self,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        domain: DomainDict,
    ) -> list[dict[str, Any]]:
        """Returns the slots as read; None for one that must be asked again."""
        events = []
        for slot, value in tracker.slots_to_validate().items():
            read, complaint = self._checks.get(slot, (read_any, ""))
            usable = read(str(value)) if value is not None else None
            if usable is None and complaint:
                dispatcher.utter_message(response=complaint)
            events.append({"event": "slot", "name": slot, "value": usable})
        return events


def build_form_checks() -> list[ValidateForm]:
    """Returns the validation of every form of `domain.yml`."""
    when: tuple[Check, str] = (read_when, "utter_quando_invalido")
    return [
        ValidateForm(
            "form_agendar_consulta",
            {
                "nome": (read_name, "utter_nome_invalido"),
                "assunto": (read_any, ""),
                "modalidade": (read_modality, "utter_modalidade_invalida"),
                "quando": when,
            },
        ),
        ValidateForm("form_remarcar_consulta", {"quando": when}),
        ValidateForm(
            "form_relatar_caso",
            {"relato": (read_story, ""), "desde_quando": (read_any, "")},
        ),
        ValidateForm(
            "form_consultar_processo",
            {"numero_processo": (read_lawsuit, "utter_numero_processo_invalido")},
        ),
    ]

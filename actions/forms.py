"""What each form accepts; what it does not is asked again, with an example."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import Action, Tracker
from rasa_sdk.types import DomainDict

from bot.core.lawsuits import is_lawsuit_number
from bot.core.names import NLU_FALLBACK

NO_NUMBER = "sem_numero"
_WORD = r"[^\W\d_](?:[^\W\d_]|['’.-])*"
_NAME = re.compile(f"{_WORD}(?: {_WORD})*")
_LEAD_IN = re.compile(
    r"^(?:(?:oi|ol[aá]|opa|bom dia|boa tarde|boa noite)[,.!]* )?"
    r"(?:(?:o )?(?:meu )?nome(?: completo)?(?:[:,]| é| e)|(?:eu )?me chamo|"
    r"(?:eu )?sou|aqui (?:é|e|quem fala é)|pode (?:por|pôr|colocar) em nome d[eao]|é) "
    r"(?:[oa] )?",
    re.IGNORECASE,
)
_NO_NAME = re.compile(
    r"\b(?:n[aã]o|nunca|sim|quero|queria|gostaria|preciso|prefiro|pode|posso|tenho|"
    r"sei|digo|marcar|agendar|consulta|horário|processo|advogad[oa]|porqu?e|pra qu[eê]|"
    r"para qu[eê]|qual|quanto|quando|onde|como|voc[eê]s?|vcs?|oi|ol[aá]|obrigad[oa]|"
    r"bom dia|boa tarde|boa noite)\b",
    re.IGNORECASE,
)
_ONLINE = re.compile(
    r"on.?line|v[ií]deo|remot|\bzoom\b|\bmeet\b|dist[aâ]ncia|virtual|chamada", re.I
)
_IN_PERSON = re.compile(
    r"presencial|pessoalmente|escrit[oó]rio|\ba[ií]\b|tanto faz|cara a cara", re.I
)
_REFUSED_PLACE = re.compile(
    r"\b(?:n[aã]o|nem|sem)\b(?: (?!presencial|mas)\w+){0,3}? (?:(?:ao?|por|n?o) )?"
    r"(?:on.?line|v[ií]deo\w*|remot\w+|chamada|presencial|pessoalmente|escrit[oó]rio|"
    r"a[ií])\b",
    re.I,
)
_NO_NUMBER = re.compile(
    r"\b(?:n[aã]o|n|ñ|num) (?:o )?(?:tenho|sei|lembro|achei|recebi)|"
    r"\b(?:tenho|sei|lembro) n[aã]o\b|sem n[uú]mero|^n[aã]o$|esqueci|perdi",
    re.I,
)
_SHORTEST_NUMBER_DIGITS = 7
_WHEN = re.compile(
    r"\d|\b(?:segunda|ter[cç]a|quarta|quinta|sexta|s[aá]bado|domingo|hoje|hj|amanh\w*|"
    r"amnh\w*|manh[aã]s?|(?<!boa )(?:tarde|noite)|(?<!bom )dias?|horas?|cedo|semanas?|"
    r"m[eê]s|qualquer|quando (?:der|puder\w*|tiver|houver|for)|almo[cç]o|fim|final|"
    r"antes|agora|logo|r[aá]pido|tanto faz|janeiro|fevereiro|mar[cç]o|abril|maio|junho|"
    r"julho|agosto|setembro|outubro|novembro|dezembro)\b",
    re.I,
)
_CNJ = re.compile(r"(?<!\d)\d{7}\D?\d{2}\D?\d{4}\D?\d\D?\d{2}\D?\d{4}(?!\d)")
_BOOKING_ONLY = re.compile(
    r"(?:eu )?(?:quero|queria|gostaria de|preciso|posso|d[aá] pra|vamos)? ?"
    r"(?:marcar|agendar)(?: (?:uma|um|a|o))?(?: (?:consulta|hor[aá]rio|reuni[aã]o))?",
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
_LONG_STORY_WORDS = 12
_ASKS = re.compile(
    r"(?:e |mas |oi,? )?(?:qual|quais|quem|quanto|quantos|quantas|como|onde|por ?que|pq"
    r"|o que|oq|ser[aá] que|(?:voc[eê]|vc)s? (?:sabe|conhece|pode|acha))\b",
    re.IGNORECASE,
)
_KEPT = frozenset({"nome"})
"""Slots that still hold when a form begins anew; a subject or a day does not."""
_NO_SUCH_TIME = re.compile(
    r"\bdia (?:3[2-9]|[4-9]\d|\d{3,})\b|\b(?:3[2-9]|[4-9]\d)/\d|"
    r"\b\d{1,2}/(?:1[3-9]|[2-9]\d)\b|\b(?:2[4-9]|[3-9]\d) ?(?:h|hs|horas)\b|"
    r"\b(?:2[4-9]|[3-9]\d):\d\d\b",
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
    if _NO_NAME.search(bare):
        return None
    small = {"da", "das", "de", "do", "dos", "e"}
    return " ".join(
        word.lower() if word.lower() in small else _capitalised(word)
        for word in bare.split()
    )


def _capitalised(word: str) -> str:
    """Returns a word of a name as it is written: `Ana-Maria`, `D'Ávila`."""
    return re.sub(r"[^\W\d_]+", lambda part: part[0].capitalize(), word)


def read_modality(text: str) -> str | None:
    """Returns `online` or `presencial`, or None.

    >>> read_modality("não quero online, prefiro presencial")
    'presencial'
    """
    wanted = _REFUSED_PLACE.sub(" ", " ".join(text.split()))
    if _ONLINE.search(wanted):
        return "online"
    return "presencial" if _IN_PERSON.search(wanted) else None


def read_when(text: str) -> str | None:
    """Returns the wish for a day and time as written, or None if it holds none.

    A day after the 31st, a month after the 12th and an hour after 23 are none.
    """
    if not _WHEN.search(text) or _NO_SUCH_TIME.search(text):
        return None
    return " ".join(text.split())[:120]


def read_lawsuit(text: str) -> str | None:
    """Returns a CNJ number as digits and marks, `sem_numero`, or None."""
    digits = re.sub(r"\D", "", text)
    found = _CNJ.search(text)
    d = re.sub(r"\D", "", found[0]) if found else digits
    if is_lawsuit_number(d):
        return f"{d[:7]}-{d[7:9]}.{d[9:13]}.{d[13]}.{d[14:16]}.{d[16:]}"
    if len(digits) >= _SHORTEST_NUMBER_DIGITS:
        return None
    return NO_NUMBER if _NO_NUMBER.search(text.strip(" .,!")) else None


def read_subject(text: str) -> str | None:
    """Returns a subject as written, or None where it only wishes to book."""
    return None if _BOOKING_ONLY.fullmatch(text.strip(" .!?")) else read_any(text)


def read_any(text: str) -> str | None:
    """Returns the text as written, or None if there is none."""
    return text.strip()[:_LONGEST_CHARS] or None


def read_story(text: str) -> str | None:
    """Returns a story as told, or None where it only announces one.

    "Quero contar um caso" is asked back; "fui demitida grávida e não me pagaram"
    is a story already.
    """
    words = text.split()
    if len(words) < _SHORTEST_STORY_WORDS or _ANNOUNCED.fullmatch(text.strip(" .!?")):
        return None
    return read_any(text)


def is_question(text: str) -> bool:
    """Says whether a text asks something instead of answering the form.

    >>> is_question("qual a receita de bolo?")
    True
    """
    bare = text.strip()
    return bare.endswith("?") or _ASKS.match(bare) is not None


class ValidateForm(Action):
    """Checks the slots of one form; says what to do when one is not usable."""

    def __init__(
        self,
        form: str,
        checks: dict[str, tuple[Check, str]],
        *,
        answer_question: Action | None = None,
    ) -> None:
        self._form = form
        self._checks = checks
        self._answer_question = answer_question

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
        said_now = _said_at_start(tracker, self._form)
        if self._answer_question is not None and self._is_stray_question(tracker):
            await self._answer_question.run(dispatcher, tracker, domain)
            asked = str(tracker.slots.get("requested_slot"))
            return [
                {
                    "event": "slot",
                    "name": slot,
                    "value": None if slot == asked else _value_before(tracker, slot),
                }
                for slot in tracker.slots_to_validate()
            ]
        for slot, value in tracker.slots_to_validate().items():
            if said_now is not None and slot not in _KEPT | said_now:
                usable = None  # left behind by a form that was broken off
            elif said_now is None and slot != tracker.slots.get("requested_slot"):
                usable = _value_before(tracker, slot) or self._read(slot, value)
            else:
                usable = self._read(slot, value)
                if usable is None and self._complaint(slot):
                    dispatcher.utter_message(response=self._complaint(slot))
            events.append({"event": "slot", "name": slot, "value": usable})
        return events

    def _is_stray_question(self, tracker: Tracker) -> bool:
        """Says whether nobody understood the message and it asks something."""
        message = tracker.latest_message or {}
        intent = (message.get("intent") or {}).get("name")
        text = str(message.get("text") or "")
        asked = tracker.slots.get("requested_slot")
        if intent != NLU_FALLBACK or asked is None or not is_question(text):
            return False
        is_story = asked == "relato" and len(text.split()) >= _LONG_STORY_WORDS
        is_usable = self._complaint(str(asked)) and self._read(str(asked), text)
        return not is_story and not is_usable

    def _read(self, slot: str, value: object) -> str | None:
        read, _ = self._checks.get(slot, (read_any, ""))
        return read(str(value)) if value is not None else None

    def _complaint(self, slot: str) -> str:
        return self._checks.get(slot, (read_any, ""))[1]


def _said_at_start(tracker: Tracker, form: str) -> set[str] | None:
    """Returns the slots that the message which begins a form filled.

    None where the form runs already. Rasa appends the form's start and run, and
    then every slot that has a value, however old.
    """
    names: set[str] = set()
    begins = False
    for event in reversed(tracker.events):
        if event["event"] == "user":
            break
        if event["event"] == "active_loop" and event.get("name") == form:
            begins = True
        elif begins and event["event"] == "slot":
            names.add(event["name"])
    return names if begins else None


def _value_before(tracker: Tracker, slot: str) -> str | None:
    """Returns what a slot held before the latest message, or None."""
    is_before_message = False
    for event in reversed(tracker.events):
        if event["event"] == "user":
            is_before_message = True
        elif is_before_message and event["event"] == "slot" and event["name"] == slot:
            return event["value"] and str(event["value"])
    return None


def build_form_checks(answer_question: Action | None = None) -> list[ValidateForm]:
    """Returns the validation of every form of `domain.yml`."""
    when: tuple[Check, str] = (read_when, "utter_quando_invalido")
    return [
        ValidateForm(
            "form_agendar_consulta",
            {
                "nome": (read_name, "utter_nome_invalido"),
                "assunto": (read_subject, ""),
                "modalidade": (read_modality, "utter_modalidade_invalida"),
                "quando": when,
            },
            answer_question=answer_question,
        ),
        ValidateForm(
            "form_remarcar_consulta",
            {"quando": when},
            answer_question=answer_question,
        ),
        ValidateForm(
            "form_relatar_caso",
            {"relato": (read_story, ""), "desde_quando": (read_any, "")},
            answer_question=answer_question,
        ),
        ValidateForm(
            "form_consultar_processo",
            {"numero_processo": (read_lawsuit, "utter_numero_processo_invalido")},
            answer_question=answer_question,
        ),
    ]

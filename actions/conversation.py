"""What an action sees of a conversation, and how it answers.

Effects are not written here: they ride on the answer and are committed with the
turn (`bot/store/effects.py`), so that a turn tried again leaves them once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import Tracker

from bot.core.names import AnsweredBy, Profile
from bot.core.rendering import TAP_ONLY

SHELL_LAWYER = "shell-advogado"
"""Sender id under which `make shell PERFIL=advogado` talks; real ids are random."""


@dataclass(frozen=True)
class Said:
    """One turn of the past: who spoke and what."""

    is_person: bool
    text: str


@dataclass
class Conversation:
    """The conversation at the moment an action runs."""

    id: str
    text: str
    """What the person just wrote."""
    profile: Profile
    person_name: str
    kind_of_message: str
    source: str
    """`whatsapp` or `api`; "" in the terminal."""
    files: tuple[Mapping[str, str], ...]
    """Attachments of the message that are here or on their way: `id`, `tipo`
    (media type), `nome`, `estado` (`guardado` or `pendente`)."""
    form: str
    """Name of the form that is being filled, or ""."""
    is_forwarded: bool
    """Whether these are somebody else's words, passed on."""
    is_spoken: bool
    """Whether the words come from a voice note."""
    quoted: str
    """What we had said that this message quotes, or ""."""
    slots: dict[str, Any]
    past: tuple[Said, ...]
    """Earlier turns, oldest first, without the latest message."""
    now: datetime
    """When the message came; aware, in the office's zone."""
    last_response: str
    """Name of the response said last, as `utter_fora_de_escopo`, or ""."""
    latest_message: Mapping[str, Any]
    """Rasa's own reading of the message: intent, entities, metadata."""
    reminded_of: int | None
    """The appointment that the message answers a reminder of."""
    reply: str
    """What it says to the reminder, where the words alone tell (`Reply`), or ""."""
    _dispatcher: CollectingDispatcher = field(repr=False)

    def say(
        self,
        response: str,
        *,
        effects: tuple[dict[str, Any], ...] = (),
        answered_by: AnsweredBy | None = None,
        flow: str | None = None,
        taps: Mapping[str, str] | None = None,
        **variables: Any,
    ) -> None:
        """Answers with a response of `domain.yml`, variables filled in.

        `flow` names the turn's flow where the understood intent does not. `taps`
        are options to tap, beside what the text says: what each says, by title.
        """
        extra = _extra(effects, answered_by, flow)
        if taps:
            extra["buttons"] = [
                {"title": title, "payload": payload, "type": TAP_ONLY}
                for title, payload in taps.items()
            ]
        self._dispatcher.utter_message(response=response, **variables, **extra)

    def say_text(
        self, text: str, *, answered_by: AnsweredBy, flow: str | None = None
    ) -> None:
        """Answers with a text that was written just now, as the model's."""
        self._dispatcher.utter_message(text=text, **_extra((), answered_by, flow))

    def leave(self, *effects: dict[str, Any]) -> None:
        """Leaves effects behind without a word."""
        self._dispatcher.utter_message(json_message={"efeitos": list(effects)})

    @property
    def area(self) -> str | None:
        """The first area of law that the message names, or None."""
        found = self.latest_message.get("entities") or ()
        areas = (e["value"] for e in found if e.get("entity") == "area_direito")
        return next((str(area) for area in areas), None)

    @property
    def is_lawyer(self) -> bool:
        """Whether the directory of people says that a lawyer writes."""
        return self.profile is Profile.LAWYER


def conversation_of(
    tracker: Tracker, dispatcher: CollectingDispatcher, *, zone: ZoneInfo
) -> Conversation:
    """Reads the conversation from what Rasa sent.

    Args:
        tracker: the conversation as Rasa has it.
        dispatcher: takes what is said.
        zone: the office's.
    """
    latest = tracker.latest_message or {}
    metadata = latest.get("metadata") or {}
    reminder = metadata.get("lembrete") or {}
    profile = _profile(metadata.get("tipo_usuario"))
    if tracker.sender_id == SHELL_LAWYER:
        profile = Profile.LAWYER
    return Conversation(
        id=tracker.sender_id,
        text=str(latest.get("text") or ""),
        profile=profile,
        person_name=str(metadata.get("nome") or ""),
        kind_of_message=str(metadata.get("tipo") or "text"),
        source=str(metadata.get("canal") or ""),
        files=tuple(metadata.get("anexos") or ()),
        form=str((tracker.active_loop or {}).get("name") or ""),
        is_forwarded=bool(metadata.get("encaminhada")),
        is_spoken=bool(metadata.get("transcricao")),
        quoted=str(metadata.get("citada") or ""),
        slots=dict(tracker.slots),
        past=_past(tracker),
        now=_now(metadata.get("agora"), zone),
        last_response=_last_response(tracker),
        latest_message=latest,
        reminded_of=reminder.get("consulta"),
        reply=str(reminder.get("resposta") or ""),
        _dispatcher=dispatcher,
    )


def _profile(name: object) -> Profile:
    try:
        return Profile(name)
    except ValueError:
        return Profile.UNKNOWN


def _now(written: object, zone: ZoneInfo) -> datetime:
    """Returns the moment of a message; the clock's where the channel gave none."""
    try:
        moment = datetime.fromisoformat(str(written))
    except ValueError:
        return datetime.now(zone)
    return moment.astimezone(zone) if moment.tzinfo else datetime.now(zone)


def _last_response(tracker: Tracker) -> str:
    for event in reversed(tracker.events):
        if event.get("event") == "bot":
            return str((event.get("metadata") or {}).get("utter_action") or "")
    return ""


def _past(tracker: Tracker) -> tuple[Said, ...]:
    said = []
    for event in tracker.events:
        text = event.get("text")
        if event.get("event") in {"user", "bot"} and text:
            said.append(Said(event["event"] == "user", str(text)))
    while said and not said[-1].is_person:
        said.pop()
    return tuple(said[:-1])


def _extra(
    effects: tuple[dict[str, Any], ...],
    answered_by: AnsweredBy | None,
    flow: str | None,
) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    if effects:
        extra["efeitos"] = list(effects)
    if answered_by:
        extra["quem_respondeu"] = answered_by.value
    if flow:
        extra["fluxo"] = flow
    return extra

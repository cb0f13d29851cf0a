"""An office with a database, and people who talk to its forms as Rasa leads them.

`Talk` does what Rasa's form loop does around our actions: it sends a validation
the events that Rasa sends, sets the slots that come back, asks for the next one
that is empty, and runs the form's last action when none is. Effects are written
as a committed turn writes them. What is said is rendered, so that a response
without one of its variables fails.
"""

from __future__ import annotations

import copy
import functools
import json
import re
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher
from ruamel.yaml import YAML

from actions.registry import build_actions
from actions.services import Services
from bot.core.cases_sheet import CasesFile
from bot.core.entities.contacts import read_contacts
from bot.core.entities.dates import Moment, read_moments
from bot.core.entities.documents import read_documents
from bot.core.entities.synonyms import Synonyms
from bot.core.names import Profile
from bot.core.office import Office, load_office
from bot.core.schedule import ZONE
from bot.core.settings import ROOT, load_settings
from bot.store import appointments, effects, inbox, people
from bot.store.appointments import Appointment, Facts
from bot.store.database import open_engine, reading, writing
from bot.store.migrate import upgrade
from bot.store.schema import appointment, handoff, outbox, request
from bot.store.schema import conversation as conversation_table
from llm_fallback import ModelState
from tests.fakes.fake_fallback import FakeFallback
from tests.fakes.local_keepers import local_keepers

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=ZONE)
"""A Wednesday; the 20th is a holiday, the recess begins on 20/12."""
PHONE = "+5511987650001"
HELENA, RAFAEL, CLARA = "Dra. Helena Modelo", "Dr. Rafael Exemplo", "Dra. Clara Amostra"
"""The lawyers of `escritorio.yml`: work and pensions, family, criminal."""
_AREAS = Synonyms(
    "area_direito",
    {
        "trabalhista": "trabalhista",
        "rescisão": "trabalhista",
        "fui demitida": "trabalhista",
        "divórcio": "familia",
        "pensão": "familia",
        "inventário": "familia",
        "família": "familia",
        "aposentadoria": "previdenciario",
        "inss": "previdenciario",
        "inquérito": "criminal",
    },
)
_MODALITIES = Synonyms(
    "modalidade",
    {
        "online": "online",
        "por vídeo": "online",
        "presencial": "presencial",
        "pessoalmente": "presencial",
    },
)
_HOUR_S = 3600


def at(day: int, hour: int, minute: int = 0, *, month: int = 11) -> datetime:
    """Returns a moment of 2026, or of January 2027."""
    year = 2026 if month > 1 else 2027
    return datetime(year, month, day, hour, minute, tzinfo=ZONE)


TUESDAY_AT_15 = at(24, 15)


def entities_of(
    text: str, now: datetime = NOW, *, names: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """Returns a text's entities as `bot/nlu/entity_reader.py` sets them.

    Names, which a trained tagger finds there, are given.
    """
    found = [
        _entity(item.entity, item.value, item.start, item.text)
        for read in (read_documents, read_contacts, _AREAS.read, _MODALITIES.read)
        for item in read(text)
    ]
    for moment in read_moments(text, now=now):
        entity = _entity("data_hora", moment.value(now), moment.start, moment.text)
        found.append(entity | _parts_of(moment))
    found += [_entity("nome", name, text.index(name), name) for name in names]
    return sorted(found, key=lambda entity: entity["start"])


def _entity(name: str, value: str, start: int, text: str) -> dict[str, Any]:
    where = {"start": start, "end": start + len(text)}
    return {"entity": name, "value": value, **where, "text": text}


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


@functools.lru_cache(maxsize=1)
def domain() -> dict[str, Any]:
    """Returns `domain.yml`."""
    read: dict[str, Any] = YAML(typ="safe").load((ROOT / "domain.yml").read_text())
    return read


def _short(response: str | None) -> str:
    """Returns `ask_nome` for `utter_ask_form_agendar_consulta_nome`; "" for none."""
    if response is None:
        return ""
    forms = "|".join(domain()["forms"])
    return re.sub(f"(?<=ask_)(?:{forms})_", "", response.removeprefix("utter_"))


@dataclass
class Said:
    """What somebody is told in one turn."""

    messages: list[dict[str, Any]]
    text: str = ""
    """Everything as it is read, one line a message."""
    is_left: bool = False
    """The form left the message to its rule."""
    slots: dict[str, Any] = field(default_factory=dict)

    @property
    def responses(self) -> list[str]:
        """Names of what was said, without `utter_` and without the form's name."""
        return [_short(message["response"]) for message in self.messages]

    @property
    def effects(self) -> list[effects.Effect]:
        """What rides on the answers."""
        told = [{**message, **message.get("custom", {})} for message in self.messages]
        raw = (each for message in told for each in message.get("efeitos", ()))
        return [effects.parse(each) for each in raw]

    def of(self, response: str) -> dict[str, Any]:
        """Returns the variables of a response that was said once."""
        (found,) = (m for m in self.messages if _short(m["response"]) == response)
        return found


class Desk:
    """An office with a database."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.engine = services.engine
        self.actions = {action.name(): action for action in build_actions(services)}
        self.messages = 0

    def writes(
        self, phone: str, text: str, name: str = "", *, when: float = NOW.timestamp()
    ) -> str:
        """Stores a message; returns the id of the conversation."""
        self.messages += 1
        message = inbox.InboundMessage(
            message_sid=f"SM{self.messages}",
            account_sid="AC",
            address=f"whatsapp:{phone}",
            text=text,
            source="api",
            display_name=name,
        )
        with writing(self.engine) as connection:
            stored = inbox.accept(connection, message, now=when)
        return stored.conversation_id

    def newest(self, conversation_id: str) -> int | None:
        """Returns the id of a conversation's newest message; None without any."""
        query = sa.select(sa.func.max(inbox.inbox.c.id)).where(
            inbox.inbox.c.conversation_id == conversation_id
        )
        with reading(self.engine) as connection:
            found: int | None = connection.execute(query).scalar_one()
        return found

    def leaves(
        self, conversation_id: str, *left: effects.Effect, now: datetime = NOW
    ) -> None:
        """Writes effects, as a committed turn does."""
        newest = self.newest(conversation_id)
        with writing(self.engine) as connection:
            known = connection.execute(sa.select(sa.func.count(request.c.id)))
            for ordinal, effect in enumerate(left, start=known.scalar_one()):
                origin = effects.Origin(conversation_id, newest, ordinal)
                effects.apply(connection, effect, origin, now=now.timestamp())

    def registers(self, phone: str, name: str, profile: Profile) -> None:
        """Enters somebody in the directory."""
        with writing(self.engine) as connection:
            people.save(connection, people.Person(phone, name, profile), now=1.0)

    def books(
        self,
        starts_at: datetime,
        *,
        lawyer: str = RAFAEL,
        phone: str = "+5511987659999",
        **facts: Any,
    ) -> int:
        """Puts an appointment of an hour on a calendar; returns its id."""
        conversation_id = self.writes(phone, "marquei")
        facts = {"modality": "online", "person_name": "Outra Pessoa", **facts}
        with writing(self.engine) as connection:
            held = appointments.hold(
                connection,
                conversation_id=conversation_id,
                lawyer=lawyer,
                starts_at=starts_at.timestamp(),
                ends_at=starts_at.timestamp() + _HOUR_S,
                now=NOW.timestamp(),
                facts=Facts(**facts),
            )
            assert held is not None
            assert appointments.book(
                connection,
                held,
                conversation_id=conversation_id,
                now=NOW.timestamp(),
            )
        return held

    def calendar(self, *statuses: str) -> list[Appointment]:
        """Returns what stands on the calendars, in these states if any are named."""
        with reading(self.engine) as connection:
            query = sa.select(appointment.c.id).order_by(appointment.c.starts_at)
            ids = connection.execute(query).scalars().all()
            found = [appointments.get(connection, each) for each in ids]
        kept = [each for each in found if each]
        return [each for each in kept if not statuses or each.status in statuses]

    def counts(self) -> tuple[int, ...]:
        """Returns how many rows stand in what actions could change."""
        tables = (request, handoff, conversation_table, outbox, appointment)
        with reading(self.engine) as connection:
            return tuple(
                connection.execute(sa.select(sa.func.count()).select_from(t)).scalar()
                or 0
                for t in tables
            )

    def gives_up(self, area: str) -> None:
        """Takes an area of law out of what the office handles."""
        office = self.services.office
        names = {slug: name for slug, name in office.area_names.items() if slug != area}
        services = replace(self.services, office=replace(office, area_names=names))
        self.services = services
        self.actions = {action.name(): action for action in build_actions(services)}

    def talk(
        self,
        profile: Profile = Profile.UNKNOWN,
        *,
        name: str = "",
        phone: str = PHONE,
        now: datetime = NOW,
    ) -> Talk:
        """Returns a conversation with somebody."""
        return Talk(self, profile, name, phone, now)

    def lawyer(self, name: str = "Helena Modelo") -> Talk:
        """Returns a conversation with a lawyer."""
        return self.talk(Profile.LAWYER, name=name, phone="+5511987650099")


class Talk:
    """One conversation: its events, its slots, and the form that is active."""

    def __init__(
        self, desk: Desk, profile: Profile, name: str, phone: str, now: datetime
    ) -> None:
        self.desk = desk
        self.profile = profile
        self.name = name
        self.phone = phone
        self.now = now
        self.id = ""
        self.slots: dict[str, Any] = {}
        self.events: list[dict[str, Any]] = []
        self.form: str | None = None
        self.followup = ""
        """The action or form that an action called last."""
        self._latest: dict[str, Any] = {}

    # --- what the person does -------------------------------------------------

    async def starts(self, flow: str, text: str, **read: Any) -> Said:
        """Begins a flow's form with a message."""
        self.hears(text, **{"intent": flow, **read})
        return await self.enters(flow)

    async def says(self, text: str, **read: Any) -> Said:
        """Answers the form that is active.

        Args:
            text: the answer.
            read: `intent` (else informar_dados), `confidence`, `names` in the text.
        """
        self.hears(text, **read)
        return await self._runs_form(is_start=False)

    async def runs(self, action: str, text: str = "", **read: Any) -> Said:
        """Runs one action on a message, as a rule does."""
        self.hears(text, **read)
        said = Said([])
        await self._runs(action, said)
        self.events.append({"event": "action", "name": action, "policy": "RulePolicy"})
        return self._done(said)

    def hears(  # noqa: PLR0913 - what a message may bring along
        self,
        text: str,
        *,
        intent: str = "informar_dados",
        confidence: float = 0.97,
        names: Iterable[str] = (),
        kind: str = "text",
        source: str = "",
        files: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Adds a message of the person's to the events; `files` are their states."""
        self.id = self.desk.writes(
            self.phone, text, self.name, when=self.now.timestamp()
        )
        self._latest = {
            "text": text,
            "message_id": str(self.desk.newest(self.id)),
            "intent": {"name": intent, "confidence": confidence},
            "entities": entities_of(text, self.now, names=names),
            "metadata": {
                "tipo_usuario": self.profile.value,
                "nome": self.name,
                "tipo": kind,
                "canal": source,
                "anexos": [
                    {"id": f"arquivo{number}", "estado": state}
                    for number, state in enumerate(files, start=1)
                ],
                "agora": self.now.isoformat(),
                **(metadata or {}),
            },
        }
        self.events.append(
            {"event": "action", "name": "action_listen", "policy": None},
        )
        self.events.append({"event": "user", "text": text, "parse_data": self._latest})

    async def enters(self, flow: str) -> Said:
        """Begins a form with the message heard last."""
        self.form = f"form_{flow}"
        return await self._runs_form(is_start=True)

    async def resumes(self, response: str = "utter_consultar_honorarios") -> Said:
        """Lets a rule answer the message heard last; the form goes on then."""
        self.events.append({"event": "action_execution_rejected", "name": self.form})
        self.events.append(
            {"event": "action", "name": response, "policy": "RulePolicy"}
        )
        self._tells({"response": response})
        return await self._runs_form(is_start=False)

    # --- what Rasa does -------------------------------------------------------

    async def _runs_form(self, *, is_start: bool) -> Said:
        said = Said([])
        form = str(self.form)
        asked = None if is_start else self.slots.get("requested_slot")
        is_resumed = self.events[-1]["event"] != "user" and not is_start
        own = [
            {"event": "slot", "name": "requested_slot", "value": asked},
            {"event": "action", "name": form, "policy": None},
        ]
        changed = await self._runs(
            f"validate_{form}",
            said,
            events=[*self.events, *own],
            active=None if is_start else form,
            requested=asked,
        )
        if is_start:
            self.events.append({"event": "active_loop", "name": form})
        names = [event["name"] for event in changed]
        is_untouched = not set(names) - {"requested_slot"}
        if not is_start and not is_resumed and is_untouched:
            said.is_left = True
            return self._done(said)
        self.events.append({"event": "action", "name": form, "policy": "RulePolicy"})
        required = domain()["forms"][form]["required_slots"]
        wanted = next((slot for slot in required if self.slots.get(slot) is None), None)
        if wanted is None or "requested_slot" in names:
            self.form = None
            self._set({"name": "requested_slot", "value": None})
            self.events.append({"event": "active_loop", "name": None})
            await self._runs(form.replace("form_", "action_", 1), said)
        else:
            self._set({"name": "requested_slot", "value": wanted})
            await self._asks(form, wanted, said)
        return self._done(said)

    async def _asks(self, form: str, slot: str, said: Said) -> None:
        known = {*domain()["actions"], *domain()["responses"]}
        asking = (
            f"{kind}_ask_{which}"
            for which in (f"{form}_{slot}", slot)
            for kind in ("action", "utter")
        )
        name = next(each for each in asking if each in known)
        if name.startswith("action"):
            await self._runs(name, said)
        else:
            said.messages.append({"response": name})
            self._tells({"response": name})

    async def _runs(
        self,
        name: str,
        said: Said,
        *,
        events: list[dict[str, Any]] | None = None,
        active: str | None = None,
        requested: str | None = None,
    ) -> list[dict[str, Any]]:
        tracker = Tracker(
            sender_id=self.id,
            slots={**self.slots, "requested_slot": requested},
            latest_message=copy.deepcopy(self._latest),
            events=events if events is not None else self.events,
            paused=False,
            followup_action=None,
            active_loop={"name": active} if active else {},
            latest_action_name=None,
        )
        dispatcher = CollectingDispatcher()
        found = await self.desk.actions[name].run(dispatcher, tracker, domain())
        json.dumps([dispatcher.messages, found])  # must cross HTTP
        for event in found:
            if event["event"] == "slot":
                self._set(event)
            elif event["event"] == "followup":
                self.followup = event["name"]
        said.messages += dispatcher.messages
        for message in dispatcher.messages:
            if message["response"] or message["text"]:
                self._tells(message)
        return found

    def _set(self, event: Mapping[str, Any]) -> None:
        self.slots[event["name"]] = event["value"]
        self.events.append({**event, "event": "slot"})

    def _tells(self, message: Mapping[str, Any]) -> None:
        metadata = {"utter_action": message["response"]}
        text = self._rendered(message)
        self.events.append({"event": "bot", "text": text, "metadata": metadata})

    def _rendered(self, message: Mapping[str, Any]) -> str:
        if not message["response"]:
            return str(message["text"] or "")  # the model's own words
        template = domain()["responses"][message["response"]][0]["text"]
        office = self.desk.services.office.variables()
        return str(template.format(**{**self.slots, **office, **message}))

    def _done(self, said: Said) -> Said:
        said.text = "\n".join(self._rendered(message) for message in said.messages)
        said.slots = dict(self.slots)
        self.desk.leaves(self.id, *said.effects, now=self.now)
        return said

    def waits(self, **passed: float) -> None:
        """Lets time pass, as `minutes=11`."""
        self.now += timedelta(**passed)


def offered(said: Said) -> Iterator[str]:
    """Yields the numbered lines that an answer offers."""
    for line in said.text.splitlines():
        if line[:1].isdigit() and line[1:3] == ". ":
            yield line[3:]


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a database with its tables, made once and copied for each test."""
    path = tmp_path_factory.mktemp("vazio") / "vazio.db"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture
def desk(tmp_path: Path, empty_database: Path) -> Iterator[Desk]:
    """Yields an office with an empty database and no sheet of lawsuits yet."""
    path = tmp_path / "acoes.db"
    shutil.copy(empty_database, path)
    settings = load_settings(
        {"OLLAMA_HOST": "", "MEDIA_DIR": str(tmp_path / "midia")}, folder=tmp_path
    )
    engine = open_engine(f"sqlite:///{path}")
    sa.event.listen(engine, "connect", _is_thrown_away)
    cases = CasesFile(tmp_path / "processos.csv")
    fallback = FakeFallback(model_state=ModelState.NOT_CONFIGURED)
    keepers = local_keepers(tmp_path / "escritorio")
    yield Desk(Services(settings, engine, _office(), cases, fallback, keepers))
    engine.dispose()


def _is_thrown_away(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")  # 4 ms a commit


@functools.lru_cache(maxsize=1)
def _office() -> Office:
    return load_office(ROOT / "escritorio.yml")

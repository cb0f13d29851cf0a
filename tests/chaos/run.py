"""One run: the stack, the fake Twilio, the crowd, the killers, and the end."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy.engine import Engine

from bot.store.database import open_engine
from tests.chaos.crowd import Crowd
from tests.chaos.databases import FreshDatabase
from tests.chaos.evidence import (
    State,
    count_media,
    count_recovered,
    is_in_send,
    is_in_turn,
    read_evidence,
    read_state,
)
from tests.chaos.judge import Verdict, judge
from tests.chaos.killer import Killer
from tests.stack import PUBLIC_URL, FakeService, Stack, fake_twilio, open_stack

EDGE, RASA, ACTIONS = "borda", "rasa", "acoes"
SETTINGS = {
    "SEND_GRACE_S": "3",
    "BACKFILL_EVERY_S": "3",
    "TWILIO_TIMEOUT_S": "2",
    "LIMIT_PER_MINUTE": "100000",
    "LIMIT_PER_DAY": "100000",
    "LIMIT_QUEUE": "100000",
    "LOOP_EXCHANGES": "1000000",
    "SEND_PAUSE_S": "0.05",
    "TURN_DEADLINE_S": "5",
    "MEDIA_DEADLINE_S": "8",
    "MEDIA_WAIT_S": "2",
    "MEDIA_BURST_S": "0.5",
    "LOG_LEVEL": "WARNING",
}
ODDS = {
    "send": {
        "too_many": 0.05, "error_before": 0.02, "error_after": 0.03, "hang": 0.01,
        "hang_after": 0.02, "reset": 0.01, "reset_after": 0.02, "garbage": 0.01,
        "garbage_after": 0.01,
    },
    "list": {"error_before": 0.08, "too_many": 0.02, "hang": 0.02, "reset": 0.02},
    "media": {"missing": 0.3, "error": 0.05},
}  # fmt: skip
CALLBACKS = {
    "statuses": ["sent", "delivered", "read"],
    "pause_s": 0.3,
    "late": 0.2,
    "late_s": 2.0,
    "doubled": 0.2,
    "lost": 0.3,
}
_LISTING_DELAY_S = 1.0
_LATENCY_S = 0.3
_SENDING_S = 4.0
"""Longer than the grace: what is not sent yet must be found all the same."""
_LATEST_KILL = 0.9
"""Part of the messages after which Rasa and the actions are killed no more."""
_STUCK_S = 100
"""A lease ends after 35 s here, and the longest pause between tries is 60 s."""
_LOOK_EVERY_S = 0.5
_TELL_EVERY_S = 10.0


@dataclass(frozen=True)
class Plan:
    """How much is written and killed."""

    messages: int = 400
    people: int = 20
    kills_edge: int = 60
    kills_rasa: int = 5
    kills_actions: int = 2
    seed: int = 1
    is_calm: bool = False
    """Whether Twilio works without faults."""

    @property
    def kills(self) -> int:
        """All kills together."""
        return self.kills_edge + self.kills_rasa + self.kills_actions


@dataclass(frozen=True)
class Report:
    """What came of a run."""

    numbers: dict[str, Any]
    verdict: Verdict
    crashes: list[str]
    is_passed: bool


class Chaos:
    """A run under way."""

    def __init__(self, plan: Plan, stack: Stack, twilio: FakeService) -> None:
        self._plan = plan
        self._twilio = twilio
        self._started = time.monotonic()
        self._engine: Engine = open_engine(stack.environment["DATABASE_URL"])
        self._edge = Killer(
            stack, EDGE, plan.kills_edge, plan.seed,
            is_at_work=partial(is_in_send, self._engine),
        )  # fmt: skip
        self._rasa = self._killer_by_messages(stack, RASA, plan.kills_rasa)
        self._actions = self._killer_by_messages(stack, ACTIONS, plan.kills_actions)
        self._crowd = Crowd(
            twilio.url, plan.messages, plan.people, self._may_write, plan.seed
        )

    @property
    def killers(self) -> tuple[Killer, ...]:
        """One for each process that dies."""
        return self._edge, self._rasa, self._actions

    async def run(self) -> Report:
        """Lets everybody loose, waits until all is settled, and judges."""
        telling = asyncio.create_task(self._tell())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._crowd.write())
                for killer in self.killers:
                    group.create_task(killer.run())
            await self._until_settled()
            return await asyncio.to_thread(self._report)
        finally:
            telling.cancel()
            self._engine.dispose()

    def _may_write(self) -> int:
        """Gives messages out with the kills, so that each kill meets some."""
        plan = self._plan
        if self._edge.made >= plan.kills_edge:
            return plan.messages
        return plan.messages * (self._edge.made + 1) // plan.kills_edge

    def _killer_by_messages(self, stack: Stack, name: str, kills: int) -> Killer:
        """Returns a killer that strikes at random points of what is written."""
        chance = random.Random(f"{self._plan.seed}-when-{name}")
        latest = self._plan.messages * _LATEST_KILL
        points = sorted(chance.uniform(0, latest) for _ in range(kills))
        return Killer(
            stack, name, kills, self._plan.seed,
            may_kill=lambda made: self._crowd.written >= points[made],
            is_at_work=partial(is_in_turn, self._engine),
        )  # fmt: skip

    async def _until_settled(self) -> None:
        """Waits while anything is open; gives up when nothing moves any more."""
        before, moved_at = None, time.monotonic()
        while True:
            state = await asyncio.to_thread(read_state, self._engine)
            is_over = state.finished >= self._plan.messages and (
                state.stored == state.finished
                and state.open_answers + state.open_media == 0
            )
            if is_over and state == before:
                return
            if state != before:
                before, moved_at = state, time.monotonic()
            if time.monotonic() - moved_at > _STUCK_S:
                return
            await asyncio.sleep(1 if is_over else _LOOK_EVERY_S)

    async def _tell(self) -> None:
        while True:
            with contextlib.suppress(Exception):  # the run goes on without it
                state = await asyncio.to_thread(read_state, self._engine)
                print(self._progress(state), file=sys.stderr, flush=True)
            await asyncio.sleep(_TELL_EVERY_S)

    def _progress(self, state: State) -> str:
        kills = " · ".join(f"{k.name} {k.made}/{k.kills}" for k in self.killers)
        return (
            f"{time.monotonic() - self._started:4.0f} s · "
            f"{state.finished}/{self._plan.messages} atendidas "
            f"({self._crowd.written} escritas, {state.stored - state.finished} na "
            f"fila, {state.open_answers} por enviar, {state.open_media} anexos por "
            f"baixar) · mortes: {kills}"
        )

    def _report(self) -> Report:
        plan, record = self._plan, self._twilio.record()
        forged = frozenset(self._crowd.forged_sids)
        evidence = read_evidence(self._engine, record, forged_sids=forged)
        verdict = judge(evidence)
        kills = sum(killer.made for killer in self.killers)
        crashes = [line for killer in self.killers for line in killer.crashes]
        numbers = {
            "messages": len(evidence.written),
            "kills": kills,
            **verdict.counts,
            "restarts_edge": self._edge.made,
            "restarts_rasa": self._rasa.made,
            "restarts_actions": self._actions.made,
            "kills_in_send": self._edge.made_at_work,
            "kills_in_turn": self._rasa.made_at_work,
            "seconds": round(time.monotonic() - self._started, 1),
            "database": self._engine.dialect.name,
            "seed": plan.seed,
            "people": plan.people,
            "duplicate_deliveries": self._crowd.doubled,
            "forged": len(forged),
            **_count_webhooks(record),
            "answers": len(evidence.outbox),
            "media": count_media(self._engine),
            "recovered_by_backfill": count_recovered(self._engine),
            "resent_after_grace": verdict.resent_after_grace,
            "dead": sum(row.status == "dead" for row in evidence.inbox),
            "crashes": len(crashes),
            "faults": sum(record["faults"].values()),
        }
        is_passed = (
            verdict.is_clean
            and kills == plan.kills
            and len(evidence.written) == plan.messages
            and not crashes
        )
        return Report(numbers, verdict, crashes, is_passed)


def _count_webhooks(record: dict[str, Any]) -> dict[str, int]:
    """Counts messages that our webhook took, and calls that a kill cut short."""
    per_message = [list(chain(*each["outcomes"])) for each in record["received"]]
    outcomes = [outcome for each in per_message for outcome in each]
    refused = {"ClientConnectorError", "ConnectionTimeoutError"}
    return {
        "taken_by_webhook": sum(_is_taken(each) for each in per_message),
        "webhooks_cut": sum(
            not (outcome.isdigit() or outcome in refused) for outcome in outcomes
        ),
    }


def _is_taken(outcomes: list[str]) -> bool:
    return any(outcome.startswith("2") for outcome in outcomes)


def run(plan: Plan, folder: Path, database: FreshDatabase) -> Report:
    """Starts everything, runs the plan, and ends everything.

    Raises:
        TimeoutError: a process does not become ready.
    """
    with fake_twilio() as twilio:
        settings = {
            **SETTINGS,
            "DATABASE_URL": database.url,
            "TWILIO_API_BASE_URL": twilio.url,
            "TWILIO_ACCOUNT_SID": "AC" + "a" * 32,
            "MEDIA_DIR": str(folder / "midia"),
        }
        with open_stack(folder, **settings) as stack:
            callbacks = {**CALLBACKS, "seed": plan.seed}
            twilio.steer(
                "settings",
                {
                    "webhook_url": f"{PUBLIC_URL}/twilio/webhook",
                    "rewrite": {PUBLIC_URL: stack.edge},
                    "listing_delay_s": _LISTING_DELAY_S,
                    "sending_s": _SENDING_S,
                    "latency_s": _LATENCY_S,
                    "callbacks": callbacks,
                },
            )
            stack.start(EDGE, ACTIONS, RASA)
            if not plan.is_calm:
                twilio.steer("odds", {"seed": plan.seed, **ODDS})
            return asyncio.run(Chaos(plan, stack, twilio).run())

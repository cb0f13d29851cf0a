"""An outbox with its sender, as tests of sending look at them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.core.names import AnsweredBy
from bot.core.settings import load_settings
from bot.store import effects, turns
from bot.store import inbox as inbox_store
from bot.store import outbox as outbox_store
from bot.store.database import open_engine, reading, writing
from bot.store.effects import Origin, OwnerChange
from bot.store.inbox import InboundMessage
from bot.store.schema import metadata, outbox
from bot.store.turns import Outcome, Outgoing
from bot.wake import WakeUp
from connectors.sender import TwilioSender
from connectors.services import ChannelServices
from tests.fakes.fake_twilio import ACCOUNT_SID, AUTH_TOKEN

MARIA, JOAO = "whatsapp:+5511987654321", "whatsapp:BR.4566546130240823"
OFFICE = "whatsapp:+551140042233"
TIMEOUT_S = 3.0
PATIENCE_S = 30
GRACE_S = 30
NO_PAUSE_S = 1e-9
"""Too short for the clock of a test to count."""
REOPEN_SID, BUTTONS_SID, LIST_SID = ("HX" + letter * 32 for letter in "abc")
TEMPLATES = {
    "TWILIO_TEMPLATES": f"reabrir={REOPEN_SID},botoes_2={BUTTONS_SID},"
    f"lista_4={LIST_SID},lembrete_consulta={'HX' + 'd' * 32}"
}


class Clock:
    """UTC seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """An outbox with its sender, as a test looks at them."""

    def __init__(
        self, folder: Path, twilio_url: str, *, clock: Clock | None, **environ: str
    ) -> None:
        environ = {
            "DATABASE_URL": f"sqlite:///{folder}/outbox.db",
            "PUBLIC_BASE_URL": "https://bot.escritorio.example",
            "TWILIO_API_BASE_URL": twilio_url,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TWILIO_TIMEOUT_S": str(TIMEOUT_S),
            "SEND_GRACE_S": str(GRACE_S),
            "SEND_PAUSE_S": str(NO_PAUSE_S),
            **environ,
        }
        settings = load_settings(environ, folder=folder)
        self.engine = open_engine(settings.database_url)
        metadata.create_all(self.engine)
        self.clock = clock or Clock()
        self.services = ChannelServices(settings, self.engine, WakeUp(0))
        self.sender = TwilioSender(self.services, clock=self.clock)
        self._count = 0

    def say(
        self,
        text: str,
        *,
        to: str = MARIA,
        account_sid: str = ACCOUNT_SID,
        buttons: tuple[tuple[str, str], ...] = (),
        payload: dict[str, str] | None = None,
        name: str = "",
    ) -> int:
        """Commits a turn that answers `text`; returns the first outbox row's id."""
        self._count += 1
        message = InboundMessage(
            message_sid=f"SM{self._count}",
            account_sid=account_sid,
            address=to,
            recipient=OFFICE,
            text="oi",
            source="whatsapp",
            payload=payload or {},
            display_name=name,
        )
        now = self.clock.now
        choices = tuple({"title": title, "payload": says} for title, says in buttons)
        with writing(self.engine) as connection:
            inbox_store.accept(connection, message, now=now)
            turn = turns.claim(connection, lease_owner="w", now=now, lease_s=60)
            assert turn is not None
            turn.outgoing = [Outgoing(text, buttons=choices)]
            outcome = Outcome("saudar", 1.0, AnsweredBy.RULE)
            turns.commit(connection, turn, outcome, now=now)
            query = sa.select(outbox.c.id).where(outbox.c.inbox_id == turn.inbox_id)
            first = connection.execute(query.order_by(outbox.c.ordinal)).scalars()
            answer_id = int(first.first())
        self.services.wake.here()
        return answer_id

    def row(self, answer_id: int) -> Any:
        """Returns a row of the outbox."""
        with reading(self.engine) as connection:
            query = sa.select(outbox).where(outbox.c.id == answer_id)
            return connection.execute(query).one()

    def rows(self, table: str) -> list[Any]:
        """Returns all rows of a table."""
        with reading(self.engine) as connection:
            return list(connection.execute(sa.select(metadata.tables[table])).all())

    def change(self, answer_id: int, **values: Any) -> None:
        """Changes a row of the outbox."""
        with writing(self.engine) as connection:
            mine = sa.update(outbox).where(outbox.c.id == answer_id)
            connection.execute(mine.values(**values))
        self.services.wake.here()

    def change_conversation(self, **values: Any) -> None:
        """Changes all conversations."""
        with writing(self.engine) as connection:
            table = metadata.tables["conversation"]
            connection.execute(sa.update(table).values(**values))

    def follow(
        self, answer_id: int, status: str, *, sid: str = "", code: str = ""
    ) -> bool:
        """A status callback that carries the row's present token."""
        row = self.row(answer_id)
        with writing(self.engine) as connection:
            moved = outbox_store.follow(
                connection,
                token=row.token,
                provider_sid=sid or row.provider_sid or "SM-callback",
                status=status,
                error_code=code,
                now=self.clock.now,
            )
        self.services.wake.here()
        return moved

    def take_over(self, answer_id: int) -> None:
        """A person of the office takes the conversation."""
        conversation_id = self.row(answer_id).conversation_id
        with writing(self.engine) as connection:
            effects.apply(
                connection,
                OwnerChange(conversation_id, turns.PERSON),
                Origin(conversation_id, None, 0),
                now=self.clock.now,
            )

    def pass_time(self, seconds: float) -> None:
        """Moves the clock and wakes everybody who waits for it."""
        self.clock.now += seconds
        self.services.wake.here()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Waits for something to be so; the time limit only ends a broken test."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                ticket = self.services.wake.ticket()
                if is_so():
                    return
                await self.services.wake.wait(ticket, 0.02)

    async def until_status(self, answer_id: int, status: str) -> Any:
        """Waits for a row's status; returns the row."""
        await self.until(lambda: self.row(answer_id).status == status)
        return self.row(answer_id)


@contextlib.asynccontextmanager
async def running_desk(
    folder: Path, url: str, *, clock: Clock | None = None, **environ: str
) -> AsyncIterator[Desk]:
    """Opens a desk; its sender starts when the test says so."""
    desk = Desk(folder, url, clock=clock, **environ)
    try:
        yield desk
    finally:
        await desk.sender.stop()
        desk.services.wake.close()
        desk.engine.dispose()

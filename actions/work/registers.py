"""The office's own spreadsheets: "Contatos", a row a new case, and "Processos".

Each is made once, with its headers, when it is first needed. A person may sort it, move
its columns or add some. One that somebody threw away is made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from actions.jobs import Done
from actions.keepers import Kept
from actions.services import Services
from bot.core.cases_sheet import HEADINGS
from bot.core.ports import GatewayError, GoneError, Spreadsheets, Trouble
from bot.store import office_desk, places
from bot.store.jobs import Job
from bot.store.places import SHEET, Place
from bot.store.registers import CONTACTS, LAWSUITS, ensure

CONTACT = "contato"
"""Kind of the job that writes a row of "Contatos"."""
_MADE_SOON_S = 1.0


@dataclass(frozen=True)
class Register:
    """A spreadsheet that the office has one of."""

    title: str
    headers: tuple[str, ...]


CONTACT_HEADERS = (
    "Data", "Nome", "Telefone", "Área", "O que houve", "Desde quando", "Contra quem",
    "Prazo", "Contato",
)  # fmt: skip
REGISTERS = {
    CONTACTS: Register("Contatos", CONTACT_HEADERS),
    LAWSUITS: Register("Processos", HEADINGS),
}


class RegisterWork:
    """Handles jobs of the kinds `registro` and `contato`."""

    def __init__(self, services: Services, clock: Callable[[], float]) -> None:
        """Takes what it works with.

        Args:
            services: the database and the keepers.
            clock: UTC seconds.
        """
        self._services, self._clock = services, clock

    async def make(self, mine: Job) -> Done:
        """Makes a register with its headers.

        Raises:
            GatewayError: it could not be made now.
        """
        name, keeper = str(mine.facts["nome"]), str(mine.facts["onde"])
        side = getattr(self._services.keepers, keeper)
        register = REGISTERS[name]
        made = await side.sheets.create(
            register.title, register.headers, key=f"{mine.key}"
        )
        place = Place(keeper, SHEET, name, made.id, made.title, made.link)
        now = self._clock()
        return Done({"id": made.id}, lambda c: places.keep(c, place, now=now))

    async def add_contact(self, mine: Job) -> Done:
        """Writes a new case as a row of "Contatos".

        Raises:
            GatewayError: it could not be written now.
        """
        kept, place = await self._place(CONTACTS)
        phone = await self._services.read(
            lambda c: office_desk.phone_of_conversation(c, mine.conversation_id or "")
        )
        row = {**mine.facts, "Telefone": phone or ""}
        await self._append(kept, place, row, key=mine.key)
        return Done({"id": place.ref, "link": place.link})

    async def _place(self, name: str) -> tuple[Kept[Spreadsheets], Place]:
        kept = await self._services.keepers.sheets()
        place = await self._services.read(
            lambda c: places.find(c, kept.keeper, SHEET, name)
        )
        if place is None:
            await self._make(kept.keeper, name)
            raise GatewayError(
                Trouble.LATER, "the register is being made", wait_s=_MADE_SOON_S
            )
        return kept, place

    async def _append(
        self,
        kept: Kept[Spreadsheets],
        place: Place,
        row: Mapping[str, str],
        *,
        key: str,
    ) -> None:
        try:
            await kept.at.append(place.ref, row, key=key)
        except GoneError as error:
            await self._services.write(lambda c: places.forget(c, place))
            raise GatewayError(
                Trouble.LATER, "the register is gone", wait_s=_MADE_SOON_S
            ) from error

    async def _make(self, keeper: str, name: str) -> None:
        now = self._clock()
        await self._services.write(lambda c: ensure(c, keeper, name, now=now))

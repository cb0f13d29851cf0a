"""Which folder a lawyer means: one that there is, a client's, or a new one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actions.services import Services
from actions.work.filing import FolderWish
from bot.core import lawsuits
from bot.core.filed_names import (
    NEAR,
    PART,
    client_key,
    client_title,
    fit,
    lawsuit_key,
    person_key,
)
from bot.core.google_link import Link
from bot.core.ports import Folder, GatewayError
from bot.store import clients, places
from bot.store.clients import Client
from bot.store.places import FOLDER, Place

_PATIENCE_S = 3.0
"""How long the keeper may take to list its folders; somebody waits for an answer."""
_MOST = 8
"""Options beside "a new one"."""


@dataclass(frozen=True)
class Found:
    """The folders that a name may mean."""

    wanted: str
    """As somebody wrote it."""
    options: tuple[FolderWish, ...]
    new: FolderWish
    """What is made where none of them is meant."""
    is_sure: bool
    """Whether the name fits; else the options are only like it."""

    def settled(self) -> FolderWish | None:
        """Returns the folder, where there is nothing to ask."""
        if not self.options:
            return self.new
        return self.options[0] if self.is_sure and len(self.options) == 1 else None

    def to_json(self) -> dict[str, Any]:
        """Returns it as a slot keeps it."""
        return {
            "trecho": self.wanted,
            "opcoes": [each.to_facts() for each in self.options],
            "nova": self.new.to_facts(),
            "certas": self.is_sure,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Found:
        """Reads what `to_json` wrote."""
        return cls(
            wanted=str(kept["trecho"]),
            options=tuple(map(FolderWish.from_facts, kept["opcoes"])),
            new=FolderWish.from_facts(kept["nova"]),
            is_sure=bool(kept["certas"]),
        )


class FolderFinder:
    """Looks for folders among those that are kept, and among the clients."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def named(self, wanted: str) -> Found:
        """Returns the folders that a person's or a subject's name may mean."""
        known, everybody = await self._known(), await self._clients()
        fits = [(each, fit(each.title, wanted)) for each in known]
        have = {each.name: place for place, each in enumerate(known)}
        for client in everybody:
            how = max((fit(each, wanted) for each in client.names), default=0)
            wish = _of_client(client)
            if wish.name in have:
                place = have[wish.name]
                fits[place] = (known[place], max(how, fits[place][1]))
            else:
                fits.append((wish, how))
        best = max((how for _, how in fits), default=0)
        options = tuple(each for each, how in fits if how and how == best)[:_MOST]
        title = wanted[:1].upper() + wanted[1:]
        new = FolderWish(person_key(title), title)
        return Found(wanted, options, new, is_sure=best >= PART)

    async def of_lawsuit(self, digits: str) -> Found:
        """Returns a lawsuit's folder, or that of its client, by the office's list."""
        number = lawsuits.written(digits)
        new = FolderWish(lawsuit_key(digits), f"Processo {number}")
        known = {each.name: each for each in await self._known()}
        if new.name in known:
            return Found(number, (known[new.name],), new, is_sure=True)
        cases = (await self._services.cases.sheet()).by_number(digits)
        everybody = await self._clients()
        options: dict[str, FolderWish] = {}
        for case in cases:
            for wish in _of_case(case.client, case.phones, everybody):
                options[wish.name] = known.get(wish.name, wish)
        return Found(number, tuple(options.values())[:_MOST], new, is_sure=False)

    async def _clients(self) -> list[Client]:
        return await self._services.read(clients.every_client)

    async def _known(self) -> list[FolderWish]:
        """Returns the folders that there are, by the names that they have now."""
        keepers = self._services.keepers
        kept = await keepers.files()
        registered = await self._services.read(
            lambda c: places.every(c, kept.keeper, FOLDER)
        )
        there: Sequence[Folder] = ()
        if (await keepers.status()).link is not Link.RECONNECT:
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    there = await kept.at.folders()
            except (GatewayError, TimeoutError):
                there = ()  # what is registered has to do
        return [
            *_registered(registered, there),
            *_others(registered, there, kept.keeper),
        ]


def _registered(kept: Iterable[Place], there: Iterable[Folder]) -> list[FolderWish]:
    names = {each.id: each.name for each in there}
    return [
        FolderWish(each.name, names.get(each.ref, each.title), each.ref, each.keeper)
        for each in kept
    ]


def _others(
    kept: Iterable[Place], there: Iterable[Folder], keeper: str
) -> list[FolderWish]:
    registered = {each.ref for each in kept}
    return [
        FolderWish(f"pasta:{each.id}", each.name, each.id, keeper)
        for each in there
        if each.id not in registered
    ]


def _of_client(client: Client) -> FolderWish:
    title = client_title(client.name, client.number_end)
    return FolderWish(client_key(client.conversation_id), title)


def _of_case(
    name: str, phones: Sequence[str], everybody: Iterable[Client]
) -> list[FolderWish]:
    """Returns the folder of a lawsuit's client: the conversation's, or by the name."""
    ends = {phone[-4:] for phone in phones}
    found = [
        _of_client(client)
        for client in everybody
        if client.number_end in ends
        and max((fit(each, name) for each in client.names), default=0) >= NEAR
    ]
    return found or ([FolderWish(person_key(name), name)] if name else [])

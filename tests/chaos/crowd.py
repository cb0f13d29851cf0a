"""People who write to the office, all at once, through the fake Twilio."""

from __future__ import annotations

import asyncio
import base64
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

OFFICE = "whatsapp:+551140042233"
TEXTS = (
    "oi",
    "vocês abrem sábado?",
    "onde fica o escritório?",
    "bom dia",
    "qual o horário de atendimento?",
    "quais as áreas de atuação?",
    "obrigado",
    "vocês atendem online?",
    "qual a receita de bolo de cenoura?",
)
"""All have a quick answer; the last one's comes from the action server."""
_PHOTO = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGA"
    "hKmMIQAAAABJRU5ErkJggg=="
)
_DOUBLED, _FORGED, _PHOTOS, _DROPPED, _REPEATED = 0.5, 0.02, 0.03, 0.03, 0.05
_ALBUMS = 0.4
"""How often another photo follows a photo at once."""
_UNCAPTIONED = 0.5
_WITHOUT_NUMBER = 10
"""One of so many people has a business-scoped id in place of a number."""
_MOST_COPIES = 5
_LONGEST_PAUSE_S = 4.0
_REPEATED_AFTER_S = (1.0, 6.0)


@dataclass
class Crowd:
    """Writes `messages` messages by `people` people, as far as `may_write` lets."""

    url: str
    """Of the fake Twilio."""
    messages: int
    people: int
    may_write: Callable[[], int]
    """How many messages may have been written by now."""
    seed: int
    started: int = 0
    written: int = 0
    """Messages whose webhook was answered, dropped or given up."""
    doubled: int = 0
    """Deliveries beyond the first."""
    forged_sids: set[str] = field(default_factory=set)

    async def write(self) -> None:
        """Returns once everything is written."""
        timeout = aiohttp.ClientTimeout(total=60)
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            aiohttp.ClientSession(
                self.url, timeout=timeout, connector=connector
            ) as http,
            asyncio.TaskGroup() as group,
        ):
            for number in range(self.people):
                group.create_task(self._person(number, http))

    async def _person(self, number: int, http: aiohttp.ClientSession) -> None:
        chance = random.Random(f"{self.seed}-{number}")
        address = f"whatsapp:+55119{80_000_000 + number:08d}"
        if number % _WITHOUT_NUMBER == 0:
            address = f"whatsapp:BR.{4_566_546_130_240_000 + number}"
        place = number
        is_album = False
        while self.started < self.messages:
            if self.started >= self.may_write():
                await asyncio.sleep(0.05)
                continue
            self.started += 1
            if not is_album:
                await asyncio.sleep(chance.uniform(0, _LONGEST_PAUSE_S))
            if chance.random() < _FORGED:
                await self._forge(http, address)
            has_photo = is_album or chance.random() < _PHOTOS
            text = TEXTS[place % len(TEXTS)]
            if has_photo and (is_album or chance.random() < _UNCAPTIONED):
                text = ""
            asked = {"from": address, "to": OFFICE, "body": text, "retries": 1}
            sid = await self._message(http, asked, chance, has_photo=has_photo)
            is_album = has_photo and chance.random() < _ALBUMS
            place += 1
            self.written += 1
            if chance.random() < _REPEATED:
                await asyncio.sleep(chance.uniform(*_REPEATED_AFTER_S))
                await self._post(http, "again", {"sid": sid, "times": 2})
                self.doubled += 2

    async def _message(
        self,
        http: aiohttp.ClientSession,
        asked: dict[str, Any],
        chance: random.Random,
        *,
        has_photo: bool,
    ) -> str:
        if has_photo:
            file = {"type": "image/png", "bytes": base64.b64encode(_PHOTO).decode()}
            asked["media"] = [file]
        if chance.random() < _DROPPED:
            asked["dropped"] = True
        elif chance.random() < _DOUBLED:
            asked["times"] = chance.randint(2, _MOST_COPIES)
            self.doubled += asked["times"] - 1
        return str((await self._post(http, "inbound", asked))["sid"])

    async def _forge(self, http: aiohttp.ClientSession, address: str) -> None:
        asked = {"from": address, "to": OFFICE, "body": "oi", "forged": True}
        self.forged_sids.add((await self._post(http, "inbound", asked))["sid"])

    async def _post(
        self, http: aiohttp.ClientSession, what: str, asked: dict[str, Any]
    ) -> dict[str, Any]:
        async with http.post(f"/_fake/{what}", json=asked) as reply:
            reply.raise_for_status()
            return dict(await reply.json())

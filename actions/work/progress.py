"""What a job has done so far, kept where its next attempt finds it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from actions.keepers import GOOGLE, Gateways, Keepers, Kept
from actions.services import Services
from bot.store import jobs
from bot.store.jobs import Job

_KEEPER = "onde"


class Progress:
    """The notes of one attempt; each is in the database before the next step."""

    def __init__(self, services: Services, mine: Job) -> None:
        """Begins with what earlier attempts noted."""
        self._services, self._mine = services, mine
        self._noted: dict[str, Any] = dict(mine.progress)

    def get(self, name: str) -> Any:
        """Returns what was noted, or None."""
        return self._noted.get(name)

    async def note(self, **noted: Any) -> None:
        """Adds to the notes.

        Raises:
            LostLeaseError: another worker has the job.
        """
        whole = {**self._noted, **noted}
        await self._services.write(lambda c: jobs.note(c, self._mine, whole))
        self._noted = whole

    async def keeper(self, choose: Callable[[], Awaitable[Kept[Any]]]) -> str:
        """Returns who keeps what this job makes: of all attempts the same.

        Args:
            choose: says who it is now; asked by the first attempt alone.
        """
        noted = self.get(_KEEPER)
        if noted is None:
            noted = (await choose()).keeper
            await self.note(**{_KEEPER: noted})
        return str(noted)


def side_of(keepers: Keepers, keeper: str) -> Gateways:
    """Returns the gateways of `google` or `local`."""
    return keepers.google if keeper == GOOGLE else keepers.local

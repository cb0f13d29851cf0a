"""Deletes voices when they are old enough, and files that no row stands for.

The row goes first: after a crash in between, the file is one that nobody knows, and
those are deleted too. Nothing points to a file that is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.core.settings import ROOT
from bot.store import audio_retention as store
from bot.store import media
from bot.store.attachments import path_of
from connectors.media_files import clear_unfinished, delete_unknown
from connectors.services import ChannelServices

_EVERY_S = 3600.0
_SOON_S = 60.0
"""Where a voice is to be deleted as soon as it was heard."""
_DAY_S = 24 * 60 * 60
_AT_ONCE = 100
log = structlog.get_logger()


class AudioRetention:
    """Keeps to `AUDIO_KEEP_DAYS` while it runs."""

    def __init__(
        self,
        services: ChannelServices,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Prepares the loop; `start` begins.

        Args:
            services: settings and database.
            clock: UTC seconds.
            sleep: waits from one round to the next.
        """
        self._services = services
        self._folder = ROOT / services.settings.media_dir
        self._keep_s = services.settings.audio_keep_days * _DAY_S
        self._clock = clock
        self._sleep = sleep
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Clears what a crash left, and begins."""
        await self._clear()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends at once; what is left is done after the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._delete_outdated()
            except SQLAlchemyError as error:
                log.error("audio_not_deleted", kind=type(error).__name__)
            await self._sleep(_EVERY_S if self._keep_s else _SOON_S)
            await self._clear()

    async def _delete_outdated(self) -> None:
        now, keep_s = self._clock(), self._keep_s
        is_any = bool(
            await self._services.read(
                partial(store.outdated, now=now, keep_s=keep_s),
            )
        )
        forget = partial(store.forget, now=now, keep_s=keep_s, limit=_AT_ONCE)
        while is_any:  # looked up again: a job may have begun to need some
            voices = await self._services.write(forget)
            await asyncio.to_thread(self._unlink, voices)
            log.info("audio_deleted", count=len(voices))
            is_any = len(voices) == _AT_ONCE

    def _unlink(self, voices: Sequence[store.Outdated]) -> None:
        for voice in voices:
            try:
                path_of(self._folder, voice.stored_id).unlink(missing_ok=True)
            except OSError as error:  # it is one that nobody knows from now on
                log.error("audio_not_deleted", kind=type(error).__name__)

    async def _clear(self) -> None:
        """Deletes files that no row stands for: a crash came in between."""
        with contextlib.suppress(SQLAlchemyError, OSError):
            known = await self._services.read(media.known_files)
            await asyncio.to_thread(
                delete_unknown, self._folder, known, now=self._clock()
            )
            await asyncio.to_thread(clear_unfinished, self._folder)

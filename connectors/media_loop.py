"""Fetches the attachments of messages, beside the turns that answer them.

A turn waits for its attachments for a while (`MEDIA_WAIT_S`); what fails only
after its answer is told in a message of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from bot.core.phrases import FILE_FAILED, FILE_REFUSED, file_too_large
from bot.core.settings import ROOT, Settings
from bot.store import media as store
from bot.store import notices, transcripts
from connectors.audio_retention import AudioRetention
from connectors.media import (
    MediaCredentials,
    MediaFetcher,
    MediaGone,
    MediaLimits,
    MediaRefused,
    MediaTooLarge,
    MediaUnavailable,
)
from connectors.media_files import StoredMedia
from connectors.services import ChannelServices

MAX_ATTEMPTS = 6
_PAUSES_S = (15, 60, 300, 1800, 7200)
"""Between attempts; each of them tries for `MEDIA_DEADLINE_S` by itself."""
_LEASE_MARGIN_S = 30
_IDLE_S = 1.0
_DELETE_EVERY_S = 5.0
_DELETE_AT_ONCE = 20
_MIB = 1024 * 1024
log = structlog.get_logger()


class MediaLoop:
    """Takes attachments from the database while it runs."""

    def __init__(
        self,
        services: ChannelServices,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Prepares the loop; `start` begins.

        Args:
            services: settings, database and wake-ups.
            clock: UTC seconds.
            sleep: waits between the attempts of one fetch.
        """
        settings = services.settings
        self._services = services
        self._clock = clock
        self._folder = ROOT / settings.media_dir
        self._fetcher = MediaFetcher(
            self._folder,
            _credentials(settings),
            limits=MediaLimits(
                media_bytes=settings.media_max_mb * _MIB,
                document_bytes=settings.media_document_max_mb * _MIB,
                deadline_s=settings.media_deadline_s,
                max_parallel=settings.media_parallel,
            ),
            api_base_url=settings.twilio_api_base_url,
            index=StoredAttachments(services, self._folder, clock),
            sleep=sleep,
        )
        self._retention = AudioRetention(services, clock=clock)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Opens the HTTP client and begins to fetch, and to delete what is old."""
        await self._retention.start()
        if not self._services.settings.twilio_auth_tokens:
            return  # nothing can be accepted, so there is nothing to fetch
        await self._fetcher.start()
        workers = range(self._services.settings.media_parallel)
        self._tasks = [asyncio.create_task(self._run()) for _ in workers]
        if self._services.settings.media_delete_at_twilio:
            self._tasks.append(asyncio.create_task(self._delete_at_twilio()))

    async def stop(self) -> None:
        """Ends at once: an attachment under way is fetched after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._fetcher.stop()
        await self._retention.stop()

    async def _run(self) -> None:
        while True:
            ticket = self._services.wake.ticket()
            wanted = None
            try:
                wanted = await self._claim()
                if wanted is not None:
                    await self._fetch(wanted)
            except SQLAlchemyError as error:
                log.error("media_database_failed", kind=type(error).__name__)
            if wanted is None:
                await self._services.wake.wait(ticket, _IDLE_S)

    async def _claim(self) -> store.Wanted | None:
        now = self._clock()
        if not await self._services.read(lambda c: store.is_any_due(c, now=now)):
            return None
        lease_s = self._services.settings.media_deadline_s + _LEASE_MARGIN_S
        return await self._services.write(
            lambda c: store.claim(c, now=now, lease_s=lease_s)
        )

    async def _fetch(self, wanted: store.Wanted) -> None:
        status, sentence, error = store.FAILED, FILE_FAILED, ""
        try:
            stored = await self._fetcher.fetch(
                wanted.url,
                account_sid=wanted.account_sid,
                message_sid=wanted.message_sid,
            )
        except MediaUnavailable as failure:
            if failure.retryable and wanted.attempt < MAX_ATTEMPTS:
                await self._postpone(wanted, failure)
                return
            error = failure.reason
        except MediaTooLarge as failure:
            status, error = store.TOO_LARGE, "bytes"
            sentence = file_too_large(failure.limit_bytes // _MIB)
        except MediaRefused as failure:
            error = failure.reason
        except MediaGone:
            error = "gone"
        else:
            refusal = None if stored.is_servable else FILE_REFUSED
            await self._settle(wanted, refusal)
            return
        log.warning("media_failed", media_id=wanted.id, status=status, error=error)
        await self._services.write(
            lambda c: store.give_up(c, wanted.id, status=status, error=error)
        )
        await self._settle(wanted, sentence)

    async def _postpone(self, wanted: store.Wanted, failure: MediaUnavailable) -> None:
        pause = max(_PAUSES_S[wanted.attempt - 1], failure.retry_after_s or 0)
        at = self._clock() + pause
        log.info("media_postponed", media_id=wanted.id, error=failure.reason)
        await self._services.write(
            lambda c: store.postpone(c, wanted.id, at=at, error=failure.reason)
        )

    async def _settle(self, wanted: store.Wanted, problem: str | None) -> None:
        """Lets the turn begin; tells a problem that comes after its end."""

        def settle(connection: Connection) -> None:
            now = self._clock()
            transcripts.release_turn(connection, wanted.inbox_id, now=now)
            if problem and store.is_answered(connection, wanted.inbox_id):
                notices.say_afterwards(connection, wanted.inbox_id, problem, now=now)

        await self._services.write(settle)
        self._services.wake.here()
        self._services.wake.there(self._services.settings.rasa_port)
        self._services.wake.there(self._services.settings.actions_port)

    async def _delete_at_twilio(self) -> None:
        while True:
            ticket = self._services.wake.ticket()
            with contextlib.suppress(SQLAlchemyError):
                await self._delete_some()
            await self._services.wake.wait(ticket, _DELETE_EVERY_S)

    async def _delete_some(self) -> None:
        there = await self._services.read(
            lambda c: store.to_delete_at_twilio(c, limit=_DELETE_AT_ONCE)
        )
        for wanted in there:
            try:
                await self._fetcher.delete_at_twilio(
                    wanted.url,
                    account_sid=wanted.account_sid,
                    message_sid=wanted.message_sid,
                )
            except (MediaRefused, MediaUnavailable) as error:
                log.warning("media_not_deleted", kind=type(error).__name__)
                return
            now = self._clock()
            await self._services.write(
                partial(store.mark_deleted_at_twilio, media_id=wanted.id, now=now)
            )


class StoredAttachments:
    """What `MediaFetcher` asks about attachments that are here already."""

    def __init__(
        self, services: ChannelServices, folder: Path, clock: Callable[[], float]
    ) -> None:
        self._services = services
        self._folder = folder
        self._clock = clock

    async def find(self, message_sid: str, media_sid: str) -> StoredMedia | None:
        """Returns what an earlier fetch stored."""
        kept = await self._services.read(
            lambda c: store.find(c, message_sid, media_sid)
        )
        if kept is None:
            return None
        return StoredMedia(
            id=kept.stored_id,
            path=self._folder / kept.stored_id[:2] / kept.stored_id,
            media_type=kept.media_type,
            size_bytes=kept.size_bytes,
            sha256=kept.sha256,
            original_name=kept.original_name,
        )

    async def keep(
        self, message_sid: str, media_sid: str, media: StoredMedia
    ) -> StoredMedia:
        """Returns the record that stands: an earlier one wins over `media`."""
        kept = store.Kept(
            stored_id=media.id,
            media_type=media.media_type,
            size_bytes=media.size_bytes,
            sha256=media.sha256,
            original_name=media.original_name,
        )
        now = self._clock()
        await self._services.write(
            lambda c: store.keep(c, message_sid, media_sid, kept, now=now)
        )
        return await self.find(message_sid, media_sid) or media


def _credentials(settings: Settings) -> MediaCredentials:
    if settings.twilio_api_key_sid and settings.twilio_api_key_secret:
        return MediaCredentials(
            settings.twilio_api_key_secret, settings.twilio_api_key_sid
        )
    return MediaCredentials(settings.twilio_auth_token)

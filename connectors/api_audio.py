"""Voice notes that come through the office's API: kept like WhatsApp's, then heard."""

from __future__ import annotations

from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.core.errors import DependencyError, UserInputError
from bot.core.settings import ROOT
from bot.core.speech import Trouble
from bot.store import inbox, transcripts
from bot.store.inbox import Attachment, InboundMessage
from bot.store.media import HERE, Kept
from bot.store.transcripts import Transcript
from connectors.media_files import StoredMedia, keep_bytes, off_loop, shown_name
from connectors.services import ChannelServices, DatabaseStalled

NOT_SET_UP = "nao_configurado"
"""`motivo` where no Whisper is set up; all others are values of `Trouble`."""
log = structlog.get_logger()


class AudioNotStored(DependencyError):
    """The disk took no voice note."""


async def store_audio(
    services: ChannelServices, audio: bytes, *, file_name: str
) -> StoredMedia:
    """Puts a voice note among the attachments.

    Args:
        services: the settings.
        audio: not empty.
        file_name: as its sender named it.

    Raises:
        UserInputError: it is no sound; nothing of it is left.
        AudioNotStored: the disk failed.
    """
    folder = ROOT / services.settings.media_dir
    try:
        stored = await keep_bytes(folder, audio, original_name=shown_name(file_name))
        if not stored.media_type.startswith("audio/"):
            await off_loop(stored.path.unlink)
    except OSError as error:
        log.error("audio_not_stored", kind=type(error).__name__)
        raise AudioNotStored("disk", retryable=True) from error
    if stored.media_type.startswith("video/"):
        raise UserInputError(
            "Isto é um vídeo, e por aqui só ouço áudio. Envie só o som, ou escreva a "
            "mensagem.",
            field="audio",
        )
    if not stored.media_type.startswith("audio/"):
        raise UserInputError(
            "O arquivo não é um áudio que eu saiba abrir. Envie ogg, mp3, m4a, aac, "
            "amr, wav ou webm.",
            field="audio",
        )
    return stored


def attachment_of(stored: StoredMedia) -> Attachment:
    """Returns a stored voice note as a message has it."""
    kept = Kept(
        stored_id=stored.id,
        media_type=stored.media_type,
        size_bytes=stored.size_bytes,
        sha256=stored.sha256,
        original_name=stored.original_name,
    )
    return Attachment(HERE, stored.media_type, kept)


async def forget_unless_accepted(
    services: ChannelServices,
    message: InboundMessage,
    stored: StoredMedia,
    error: SQLAlchemyError,
) -> None:
    """Deletes a voice note whose message could not be stored.

    A database that fails at the end of a commit may have kept the message. Where that
    cannot be known now the file stays, and goes later if no row stands for it.
    """
    if isinstance(error, DatabaseStalled):
        return
    try:
        is_accepted = await services.read_soon(
            lambda c: inbox.is_accepted(c, message.account_sid, message.message_sid)
        )
    except SQLAlchemyError:
        return
    if not is_accepted:
        await off_loop(lambda: stored.path.unlink(missing_ok=True))


def shape(heard: Transcript | None) -> dict[str, Any]:
    """Returns what was heard as the API says it.

    Example:
        {"texto": "quero marcar uma consulta", "confianca": 0.87, "segundos": 9.1,
         "situacao": "ouvido"}
        {"texto": "", "confianca": null, "segundos": null, "situacao": "nao_ouvido",
         "motivo": "sem_fala"}
    """
    is_heard = heard is not None and heard.status == transcripts.HEARD
    said: dict[str, Any] = {
        "texto": heard.text if heard else "",
        "confianca": round(heard.confidence, 4) if heard and is_heard else None,
        "segundos": (round(heard.audio_s, 1) or None) if heard else None,
        "situacao": transcripts.HEARD if is_heard else transcripts.UNHEARD,
    }
    if not is_heard:
        said["motivo"] = _why(heard)
    return said


def _why(heard: Transcript | None) -> str:
    if heard is None:
        return NOT_SET_UP
    return heard.trouble or Trouble.LATE.value  # its turn began before it was heard

"""What the office's API takes, and how long it lets its callers wait.

The edge keeps to it; the panel says it beforehand and waits a little longer.
"""

from __future__ import annotations

from bot.core.settings import Settings

MIB = 1024 * 1024
UPLOAD_DEADLINE_S = 60.0
"""For a whole request to arrive."""


def max_audio_bytes(settings: Settings) -> int:
    """Returns how many bytes a voice note may have, as one from WhatsApp."""
    return settings.media_max_mb * MIB


def answer_wait_s(settings: Settings, *, is_audio: bool) -> float:
    """Returns how long a caller waits for an answer, seconds.

    A voice note is waited for until its turn begins without its text, and from then
    on as any other message: its caller is told what became of it, not that it is late.
    """
    heard_s = settings.whisper_wait_s if is_audio and settings.hears else 0.0
    return heard_s + settings.api_wait_s

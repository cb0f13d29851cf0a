"""Who hears voice notes here, as the settings say."""

from __future__ import annotations

from actions.speech.local import LocalTranscriber, SpeechSettings
from actions.speech.remote import RemoteSettings, RemoteTranscriber
from actions.speech.vocabulary import vocabulary
from bot.core.office import Office
from bot.core.settings import Settings
from bot.core.speech import Transcriber


def open_transcribers(settings: Settings, office: Office) -> list[Transcriber]:
    """Returns one transcriber for each note that may be heard at a time; maybe none."""
    if not settings.hears:
        return []
    prompt = vocabulary(office)
    if settings.whisper_url:
        remote = RemoteSettings.of(settings)
        return [
            RemoteTranscriber(remote, prompt) for _ in range(settings.whisper_workers)
        ]
    return [
        LocalTranscriber(SpeechSettings.of(settings), prompt)
        for _ in range(settings.whisper_workers)
    ]

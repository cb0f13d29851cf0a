"""What the simulator says of a voice note: how long it is, or why nobody heard it."""

from __future__ import annotations

from collections.abc import Mapping

from bot.core.speech import Trouble
from panel.edge_client import Voice
from panel.wording import percent

_UNHEARD: Mapping[str, str] = {
    Trouble.EMPTY.value: "está vazio",
    Trouble.NOT_AUDIO.value: "não é um áudio",
    Trouble.VIDEO.value: "é um vídeo",
    Trouble.TOO_LONG.value: "é longo demais",
    Trouble.DAMAGED.value: "está com defeito e não abre",
    Trouble.SILENT.value: "ninguém fala nele",
    Trouble.UNCLEAR.value: "não deu para entender a fala",
    Trouble.LATE.value: "demorou demais",
    Trouble.BUSY.value: "há muitos áudios na fila",
    Trouble.OFF.value: "o Whisper está fora do ar",
    Trouble.BROKE.value: "o Whisper parou no meio deste áudio",
    "nao_configurado": "o Whisper não está configurado (WHISPER_MODEL ou WHISPER_URL)",
}
_MINUTE_S = 60


def title(voice: Voice) -> str:
    """Returns the first line of a voice note: "Áudio · 9 s · confiança 87%"."""
    parts = ["Áudio"]
    if voice.audio_s:
        parts.append(length_of_time(voice.audio_s))
    if voice.confidence is not None:
        parts.append(f"confiança {percent(voice.confidence)}")
    return " · ".join(parts)


def why_unheard(voice: Voice) -> str:
    """Returns why a voice note has no text, as a sentence."""
    return f"Não foi ouvido: {_UNHEARD.get(voice.reason, 'motivo desconhecido')}."


def length_of_time(seconds: float) -> str:
    """Returns a length of time in whole units: "9 s", "5 min", "1 min 5 s"."""
    minutes, rest = divmod(max(1, round(seconds)), _MINUTE_S)
    parts = [f"{minutes} min"] if minutes else []
    return " ".join([*parts, f"{rest} s"] if rest or not minutes else parts)

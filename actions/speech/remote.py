"""Whisper on another host, asked over HTTP.

The route is OpenAI's `POST /v1/audio/transcriptions`. Our own server speaks it
(`actions.speech.server`), and so do whisper.cpp's server (started with
`--inference-path /v1/audio/transcriptions`), speaches and vLLM; what they leave out of
their answers is named where it is read. What arrives from strangers is decoded here:
the other host gets plain sound of a permitted length, and nothing at all of silence.
"""

from __future__ import annotations

import asyncio
import io
import shutil
import time
import wave
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import numpy as np

from actions.speech.cleaning import clean
from actions.speech.decoding import Decoded, Samples, decode
from actions.speech.wire import Answer, heard_there, trouble_of
from bot.core.settings import Settings
from bot.core.speech import SAMPLE_RATE, Heard, SpeechError, Trouble

ROUTE = "/v1/audio/transcriptions"
CONNECT_S = 3.0
PROBE_S = 3.0
QUIETEST_SPEECH = 0.0025
"""Root mean square of the loudest tenth of a second (1 is full scale) below which
nobody speaks. The gate of https://github.com/Vexa-ai/vexa/pull/619; the quietest human
recording of our tests reaches 0.05, their noise 0.004."""
MAX_ANSWER_BYTES = 4 << 20
"""whisper.cpp sends about 100 bytes a word, and an hour of speech has 9,000."""
_ANY_MODEL = "whisper-1"
"""OpenAI's name; servers with one model ignore it."""
_WINDOW = SAMPLE_RATE // 10
_UNKNOWN_WAIT_S, _SHORTEST_WAIT_S = 2.0, 0.1
_OK, _TOO_MANY, _UNAVAILABLE = 200, 429, 503
_FORBIDDEN = (401, 403)
_NO_ROUTE = (404, 405)
_ILL = 500
_REFUSED_US = (
    "o Whisper da outra máquina recusou o token: ponha em WHISPER_TOKEN o mesmo valor "
    "nas duas"
)
_NOT_THERE = (
    "o Whisper da outra máquina não responde: confira se ela está ligada e se "
    "WHISPER_URL está certo"
)
_NO_WHISPER = (
    f"o endereço de WHISPER_URL responde, mas não tem {ROUTE}: confira o endereço e "
    "como o servidor foi ligado"
)


@dataclass(frozen=True)
class RemoteSettings:
    """Where the other Whisper is, and what it is given."""

    url: str
    token: str
    """Shown as `Authorization: Bearer`; "" for none."""
    model: str
    """Its name over there; "" where that server has only one."""
    deadline_s: float
    """For one note, from the file to the text."""
    longest_s: float
    """Seconds of sound that a note may have."""

    @classmethod
    def of(cls, settings: Settings) -> RemoteSettings:
        """Reads the settings."""
        return cls(
            url=settings.whisper_url,
            token=settings.whisper_token,
            model=settings.whisper_model,
            deadline_s=settings.whisper_deadline_s,
            longest_s=settings.whisper_max_s,
        )


class RemoteTranscriber:
    """Asks a Whisper elsewhere; keeps nothing but an open client."""

    def __init__(self, settings: RemoteSettings, prompt: str = "") -> None:
        """Prepares it; `start` opens the client.

        Args:
            settings: address, token, limits.
            prompt: the office's words.
        """
        self._settings = settings
        self._prompt = prompt
        self._http: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Opens the client; calls nobody.

        Every request has a connection of its own: one that was kept and died
        meanwhile would look like a server that fell over this note.
        """
        token = self._settings.token
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_S),
            headers={"Authorization": f"Bearer {token}"} if token else {},
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    async def stop(self) -> None:
        """Closes the client; a request under way ends."""
        if self._http is not None:
            await self._http.close()

    async def transcribe(self, audio: Path) -> Heard:
        """Returns what a file says.

        Raises:
            SpeechError: it became no text; `BUSY` where the other host had no place
                for it until the deadline.
        """
        started = time.perf_counter()
        decoded = await decode(audio, longest_s=self._settings.longest_s)
        if await asyncio.to_thread(is_silent, decoded.samples):
            raise SpeechError(Trouble.SILENT)
        sound = await asyncio.to_thread(wav_of, decoded.samples)
        left_s = self._settings.deadline_s - (time.perf_counter() - started)
        answer = await self._ask(sound, deadline_s=max(left_s, 0.0))
        if answer.status != _OK:
            raise trouble_of(answer)
        return self._heard(answer, decoded, took_s=time.perf_counter() - started)

    def _heard(self, answer: Answer, decoded: Decoded, *, took_s: float) -> Heard:
        there = heard_there(answer, audio_s=decoded.audio_s)
        found = clean(there.segments, prompt=self._prompt)
        if not found.text:
            is_none = not there.segments
            raise SpeechError(Trouble.SILENT if is_none else Trouble.UNCLEAR)
        return Heard(
            text=found.text,
            confidence=found.confidence,
            audio_s=decoded.audio_s,
            speech_s=there.speech_s,
            took_s=took_s,
            engine=f"remoto:{self._settings.model or _ANY_MODEL}",
            is_damaged=decoded.is_damaged,
        )

    async def _ask(self, sound: bytes, *, deadline_s: float) -> Answer:
        """Sends the sound until there is a place for it, or time is over."""
        trouble = Trouble.LATE
        try:
            async with asyncio.timeout(deadline_s):
                while True:
                    answer = await self._post(sound)
                    pause_s = _pause_of(answer)
                    if pause_s is None:
                        return answer
                    trouble = Trouble.BUSY
                    await asyncio.sleep(pause_s)
                    trouble = Trouble.LATE
        except TimeoutError:
            raise SpeechError(trouble, "deadline") from None

    async def _post(self, sound: bytes) -> Answer:
        form = aiohttp.FormData()
        form.add_field("model", self._settings.model or _ANY_MODEL)
        form.add_field("language", "pt")
        form.add_field("response_format", "verbose_json")
        form.add_field("temperature", "0")
        if self._prompt:
            form.add_field("prompt", self._prompt)
        form.add_field("file", sound, filename="audio.wav", content_type="audio/wav")
        try:
            return await self._send("POST", ROUTE, form)
        except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError) as error:
            raise SpeechError(Trouble.OFF, type(error).__name__) from error
        except aiohttp.ClientError as error:  # it was there, and went in the middle
            raise SpeechError(Trouble.BROKE, type(error).__name__) from error

    async def _send(
        self, method: str, path: str, form: aiohttp.FormData | None = None
    ) -> Answer:
        assert self._http is not None  # noqa: S101 - start() opened it
        async with self._http.request(
            method, self._settings.url + path, data=form, allow_redirects=False
        ) as reply:
            body = bytearray()
            async for chunk in reply.content.iter_any():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise SpeechError(Trouble.BROKE, "answer too long")
            return Answer(reply.status, bytes(body), reply.headers.get("Retry-After"))

    async def problem(self) -> str:
        """Returns what keeps the other host from hearing, in Portuguese, or "".

        Our own server says how it is; of others the route is tried without a file,
        which each refuses at once. One that is busy with a note may not answer that
        (whisper.cpp does one thing at a time): it is there.
        """
        if shutil.which("ffmpeg") is None:
            return "falta o ffmpeg nesta máquina: apt-get install ffmpeg"
        try:
            async with asyncio.timeout(PROBE_S):
                ready = await self._send("GET", "/pronto")
        except (aiohttp.ClientError, TimeoutError, SpeechError):
            return _NOT_THERE
        if ready.status not in _NO_ROUTE:
            return _problem_of(ready)
        try:
            async with asyncio.timeout(PROBE_S):
                tried = await self._send("POST", ROUTE, _nothing())
        except (aiohttp.ClientError, SpeechError):
            return _NOT_THERE
        except TimeoutError:
            return ""
        return _NO_WHISPER if tried.status in _NO_ROUTE else _problem_of(tried)


def is_silent(samples: Samples) -> bool:
    """Says whether there is no sound that could be speech anywhere."""
    whole = len(samples) // _WINDOW * _WINDOW  # a note has a window at least
    windows = np.square(samples[:whole].reshape(-1, _WINDOW))
    return bool(np.sqrt(windows.mean(axis=1).max()) < QUIETEST_SPEECH)


def wav_of(samples: Samples) -> bytes:
    """Returns samples as a WAV file of 16 bits."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE)
        sound.writeframes((samples.clip(-1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()


def _nothing() -> aiohttp.FormData:
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("language", "pt")
    return form


def _pause_of(answer: Answer) -> float | None:
    """Returns how long to wait for a place; None where waiting is no use."""
    is_full = answer.status == _UNAVAILABLE and answer.retry_after is not None
    if not is_full and answer.status != _TOO_MANY:
        return None
    try:
        pause_s = float(answer.retry_after or _UNKNOWN_WAIT_S)
    except ValueError:  # a date
        pause_s = _UNKNOWN_WAIT_S
    return max(pause_s, _SHORTEST_WAIT_S)


def _problem_of(answer: Answer) -> str:
    if answer.status in _FORBIDDEN:
        return _REFUSED_US
    if answer.status < _ILL:
        return ""
    said = answer.message
    return f"o Whisper da outra máquina diz: {said}" if said else _NOT_THERE

"""Compares the engines that hear: errors, processor, memory, silence and noise.

    make compare-speech WHISPER_MODEL=caminho

Each recording of `tests/data/fala` goes twice through each engine in one run, by turns:
through our whole path (decoding, search for speech, worker process, cleaning) and
through the engine's own `transcribe` of the same file with its own defaults. Five
recordings are spoken by a synthetic voice, three by people who read aloud: enough to
compare engines and models, not to say how people on the phone are understood.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import json
import os
import re
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from actions.speech.engines import LANGUAGE, EngineError, find_weights
from actions.speech.local import LocalTranscriber, SpeechSettings
from actions.speech.vocabulary import vocabulary
from bot.core.errors import SettingsError
from bot.core.office import load_office
from bot.core.settings import ROOT, Settings, load_settings
from bot.core.speech import ENGINES, FASTER_WHISPER, SpeechError
from tests.fala import HUMAN, OFFICE, recording, reference
from tests.speech.wer import word_error_rate

LOADING_S = 600.0
NOTHING_SAID = ("silence", "noise")
_PACKAGES = {"openai-whisper": "whisper", FASTER_WHISPER: "faster_whisper"}
_TICKS = os.sysconf("SC_CLK_TCK")
Pairs = list[tuple[str, str]]


@dataclass
class Measured:
    """What one engine did."""

    engine: str
    model: str
    load_s: float
    office: Pairs = field(default_factory=list)
    """What was said and what was heard, by the synthetic voice."""
    human: Pairs = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    """Wall seconds of our path over those of the engine's own, a recording each."""
    audio_s: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float = 0.0
    nothing: dict[str, tuple[str, float]] = field(default_factory=dict)
    """What was made of silence and of noise, and its processor seconds."""

    def numbers(self) -> dict[str, object]:
        """Returns the row, for the table and for JSON."""
        both = self.office + self.human
        return {
            "motor": self.engine,
            "modelo": self.model,
            "wer_escritorio": round(word_error_rate(self.office), 3),
            "wer_pessoas": round(word_error_rate(self.human), 3),
            "cer": round(character_error_rate(both), 3),
            "cpu_s_por_s": round(self.cpu_s / self.audio_s, 2),
            "razao": round(statistics.median(self.ratios), 2),
            "memoria_mb": round(self.peak_mb),
            "carga_s": round(self.load_s, 1),
            **{
                name: {"resultado": made, "cpu_s": round(cpu_s, 2)}
                for name, (made, cpu_s) in self.nothing.items()
            },
        }


def main(arguments: list[str] | None = None) -> int:
    """Measures what is installed here and prints a table, then JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="")
    options = parser.parse_args(arguments)
    try:
        settings = load_settings()
    except SettingsError as error:
        print(f"Configuração errada:\n{error}", file=sys.stderr)
        return 2
    model = options.model or settings.whisper_model
    if not model:
        print("Diga o modelo: make compare-speech WHISPER_MODEL=base (ou um caminho)")
        return 2
    rows = []
    for engine in ENGINES:
        missing = why_not(engine, model)
        if missing:
            print(f"{engine}: não medido, {missing}")
            continue
        measured = asyncio.run(measure(engine, model, settings))
        if measured is not None:
            rows.append(measured.numbers())
    print("\n" + table(rows) if rows else "Nada a medir.")
    print(json.dumps({"motores": rows}, ensure_ascii=False))
    return 0 if rows else 1


def why_not(engine: str, model: str) -> str:
    """Returns what an engine lacks here, in Portuguese, or ""."""
    if importlib.util.find_spec(_PACKAGES[engine]) is None:
        return "não está instalado: rode 'make whisper'"
    try:
        find_weights(engine, model)
    except EngineError as error:
        return str(error)
    return ""


async def measure(engine: str, model: str, settings: Settings) -> Measured | None:
    """Runs every recording through one engine; None where it does not open."""
    speech = SpeechSettings(
        engine=engine,
        model=model,
        device=settings.whisper_device,
        threads=settings.whisper_threads,
        deadline_s=LOADING_S,
        longest_s=settings.whisper_max_s,
    )
    ours = LocalTranscriber(speech, vocabulary(load_office(ROOT / "escritorio.yml")))
    started = time.perf_counter()
    await ours.start()
    try:
        if not await _is_loaded(ours):
            print(f"{engine}: não medido, {await ours.problem()}")
            return None
        measured = Measured(engine, model, time.perf_counter() - started)
        own = await asyncio.to_thread(own_path, speech)
        await _hear_all(measured, ours, own)
        measured.peak_mb = peak_mb(ours.pid or 0)
    finally:
        await ours.stop()
    return measured


async def _is_loaded(ours: LocalTranscriber) -> bool:
    ready = asyncio.ensure_future(ours.wait_ready())
    deadline = time.monotonic() + LOADING_S
    while not ready.done() and time.monotonic() < deadline:
        if "carregando" not in await ours.problem() and not ready.done():
            break
        await asyncio.wait([ready], timeout=0.2)
    is_ready = ready.done()
    ready.cancel()
    return is_ready


async def _hear_all(
    measured: Measured, ours: LocalTranscriber, own: Callable[[Path], object]
) -> None:
    """Each recording once by each way; the first of all is not measured."""
    await ours.transcribe(recording(OFFICE[0]))
    await asyncio.to_thread(own, recording(OFFICE[0]))
    for names, pairs in ((OFFICE, measured.office), (HUMAN, measured.human)):
        for name in names:
            before_s, started = cpu_s(ours.pid or 0), time.perf_counter()
            heard = await ours.transcribe(recording(name))
            ours_s = time.perf_counter() - started
            measured.cpu_s += cpu_s(ours.pid or 0) - before_s
            measured.audio_s += heard.audio_s
            pairs.append((reference(name), heard.text))
            started = time.perf_counter()
            await asyncio.to_thread(own, recording(name))
            measured.ratios.append(ours_s / (time.perf_counter() - started))
    for name in NOTHING_SAID:
        before_s = cpu_s(ours.pid or 0)
        try:
            made = repr((await ours.transcribe(recording(name))).text)
        except SpeechError as error:
            made = error.trouble.value
        measured.nothing[name] = (made, cpu_s(ours.pid or 0) - before_s)


def own_path(speech: SpeechSettings) -> Callable[[Path], object]:
    """Returns the engine's own way from a file to a text, as its makers set it."""
    weights = find_weights(speech.engine, speech.model)
    if speech.engine == FASTER_WHISPER:
        from faster_whisper import WhisperModel  # noqa: PLC0415

        fast = WhisperModel(
            weights,
            device=speech.device,
            compute_type="int8" if speech.device == "cpu" else "float16",
            cpu_threads=speech.threads,
        )
        return lambda path: list(fast.transcribe(str(path), language=LANGUAGE)[0])
    import torch  # noqa: PLC0415
    import whisper  # noqa: PLC0415

    torch.set_num_threads(speech.threads)
    model = whisper.load_model(weights, device=speech.device)
    is_half = speech.device != "cpu"
    return lambda path: model.transcribe(str(path), language=LANGUAGE, fp16=is_half)


def character_error_rate(pairs: Sequence[tuple[str, str]]) -> float:
    """Returns the rate over characters, spaces counted, signs and capitals not."""
    return word_error_rate([(_spaced(said), _spaced(heard)) for said, heard in pairs])


def _spaced(text: str) -> str:
    """Makes a word of each character."""
    return " ".join("_".join(re.sub(r"[^\w\s]", " ", text.lower()).split()))


def cpu_s(pid: int) -> float:
    """Returns the processor seconds of a worker, and of decoders that have ended."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = sum(int(each) for each in stat[11:15])
    decoders = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ticks / _TICKS + decoders.ru_utime + decoders.ru_stime


def peak_mb(pid: int) -> float:
    """Returns the most memory that a process ever held, MB of a million bytes."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def table(rows: Sequence[dict[str, object]]) -> str:
    """Returns the rows as a table in Portuguese."""
    heads = {
        "motor": "motor",
        "wer_escritorio": "WER escritório",
        "wer_pessoas": "WER pessoas",
        "cer": "CER",
        "cpu_s_por_s": "CPU s/s",
        "razao": "nosso/próprio",
        "memoria_mb": "memória MB",
        "carga_s": "carga s",
        "silence": "silêncio",
        "noise": "ruído",
    }
    lines = [list(heads.values())]
    lines += [[_cell(row[name]) for name in heads] for row in rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return f"{value['resultado']} ({value['cpu_s']} s)"
    return str(value)


if __name__ == "__main__":
    sys.exit(main())

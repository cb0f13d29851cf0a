"""The two engines behind one face: openai-whisper and faster-whisper.

Neither is a dependency of the action server: `make whisper` brings them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from actions.speech.cleaning import Segment
from actions.speech.decoding import Samples
from bot.core.speech import FASTER_WHISPER

LANGUAGE = "pt"
_WEIGHTS = "model.bin"
Engine = Callable[[Samples, str], list[Segment]]
"""Takes samples and a vocabulary, returns what it heard; blocks."""


class EngineError(Exception):
    """An engine cannot start; the text says what to do, in Portuguese."""


def open_engine(name: str, *, model: str, device: str, threads: int) -> Engine:
    """Loads a model, which takes seconds.

    Args:
        name: `openai-whisper` or `faster-whisper`.
        model: a name that the engine knows and may fetch, or a path.
        device: `cpu` or `cuda`.
        threads: cores of the CPU that it may use.

    Raises:
        EngineError: it is not installed, or its weights are not there.
    """
    weights = find_weights(name, model)
    try:
        if name == FASTER_WHISPER:
            return _faster_whisper(weights, device, threads)
        return _openai_whisper(weights, device, threads)
    except ImportError as error:
        raise EngineError(f"{name} não está instalado: rode 'make whisper'") from error
    except Exception as error:  # a loader raises whatever its libraries do
        raise EngineError(
            f"não consegui abrir o modelo {model!r} com {name}: confira WHISPER_MODEL "
            f"e WHISPER_DEVICE ({type(error).__name__})"
        ) from error


def find_weights(engine: str, model: str) -> str:
    """Returns the weights that a setting names: a known name stays as it is.

    A folder may hold the weights of both engines: `*.pt` for openai-whisper,
    `model.bin` in it or in `ct2` for faster-whisper.

    Raises:
        EngineError: a path that leads to no weights of this engine.
    """
    path = Path(model).expanduser()
    is_path = "/" in model or path.exists()
    if not is_path:
        return model
    found = path
    if engine == FASTER_WHISPER:
        near = path.parent if path.is_file() else path
        folders = [each for each in (near, near / "ct2") if (each / _WEIGHTS).is_file()]
        found = folders[0] if folders else Path()
    elif path.is_dir():
        found = next(iter(sorted(path.glob("*.pt"))), Path())
    if found == Path() or not found.exists():
        raise EngineError(f"WHISPER_MODEL: não há pesos para {engine} em {model!r}")
    return str(found)


def _openai_whisper(weights: str, device: str, threads: int) -> Engine:
    import torch  # noqa: PLC0415 - hundreds of megabytes, only here
    import whisper  # noqa: PLC0415

    torch.set_num_threads(threads)
    model = whisper.load_model(weights, device=device)

    def transcribe(samples: Samples, prompt: str) -> list[Segment]:
        """Decodes greedily: a beam of five costs three times as much here.

        One temperature: the engine's own ladder of six tries turns noise into
        minutes, and `cleaning` drops what fails.
        """
        answer = model.transcribe(
            samples,
            language=LANGUAGE,
            fp16=device != "cpu",
            temperature=(0.0,),
            condition_on_previous_text=False,
            initial_prompt=prompt or None,
            verbose=None,
        )
        return [_segment(each) for each in answer["segments"]]

    return transcribe


def _segment(found: dict[str, Any]) -> Segment:
    return Segment(
        text=str(found["text"]),
        logprob=float(found["avg_logprob"]),
        no_speech=float(found["no_speech_prob"]),
        duration_s=float(found["end"]) - float(found["start"]),
    )


def _faster_whisper(weights: str, device: str, threads: int) -> Engine:
    from faster_whisper import WhisperModel  # noqa: PLC0415

    kind, _, index = device.partition(":")
    model = WhisperModel(
        weights,
        device=kind,
        device_index=int(index or 0),
        compute_type="int8" if kind == "cpu" else "float16",
        cpu_threads=threads,
    )

    def transcribe(samples: Samples, prompt: str) -> list[Segment]:
        found, _ = model.transcribe(
            samples,
            language=LANGUAGE,
            temperature=[0.0],
            condition_on_previous_text=False,
            initial_prompt=prompt or None,
        )
        return [
            Segment(
                text=each.text,
                logprob=each.avg_logprob,
                no_speech=each.no_speech_prob,
                duration_s=each.end - each.start,
            )
            for each in found
        ]

    return transcribe

"""Brings Whisper into `.venv`, where somebody asked for it: `make whisper`.

What was asked for stands in `var/whisper`; an environment that is made anew gets it
again. Runs on any Python 3.8 or newer, with the standard library alone.

torch is the one package that is not hashed: which of its builds fits is decided here,
by the machine. The plain one of PyPI carries several gigabytes of CUDA; the build for
processors alone has an index of its own, which is asked first.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from deploy.local.installing import (
    GIGABYTE,
    SetupError,
    check_space,
    install,
    is_installed,
    output_of,
    run_pip,
    stamp_of,
)

ROOT = Path(__file__).resolve().parents[2]
OPENAI_WHISPER, FASTER_WHISPER = "openai-whisper", "faster-whisper"
CPU, CUDA = "cpu", "cuda"
TORCH = "2.13.0"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PROBE_S = 10.0
_IMPORT_S = 300.0
_LOCKS = {OPENAI_WHISPER: "whisper.txt", FASTER_WHISPER: "speech.txt"}
_NEED_BYTES = {
    (OPENAI_WHISPER, CPU): 3 * GIGABYTE,
    (OPENAI_WHISPER, CUDA): 9 * GIGABYTE,
}
_LEAST_BYTES = GIGABYTE
_IMPORTS = {
    OPENAI_WHISPER: "import faster_whisper, whisper",
    FASTER_WHISPER: "import faster_whisper",
}


class Wish(NamedTuple):
    """What somebody asked for."""

    engine: str
    device: str

    @property
    def needs_torch(self) -> bool:
        """Whether torch belongs to it."""
        return self.engine == OPENAI_WHISPER


def main(arguments: list[str] | None = None) -> int:
    """Installs what is asked for and remembers it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="")
    parser.add_argument("--device", default="")
    options = parser.parse_args(arguments)
    try:
        wish = _wish(options.engine or OPENAI_WHISPER, options.device or CPU)
        bring(ROOT, wish)
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    print(
        f"{wish.engine} está instalado. Ponha WHISPER_MODEL e WHISPER_ENGINE="
        f"{wish.engine} no .env e reinicie; docs/voz.md ajuda a escolher o modelo."
    )
    if not shutil.which("ffmpeg"):
        print("Falta o ffmpeg, que abre os áudios: apt-get install ffmpeg")
    return 0


def keep(root: Path) -> None:
    """Brings back what was asked for once, where the environment lacks it.

    Raises:
        SetupError: it could not be installed now.
    """
    wish = _wished(root)
    if wish is not None:
        bring(root, wish)


def bring(root: Path, wish: Wish, *, cpu_index: str = CPU_INDEX) -> None:
    """Installs an engine into `.venv`; does nothing where it is there.

    Args:
        root: the repository's.
        wish: what is asked for.
        cpu_index: where builds of torch for processors are.

    Raises:
        SetupError: with what to do.
    """
    folder = root / ".venv"
    lock = root / "requirements" / _LOCKS[wish.engine]
    if not (folder / "bin" / "python").exists():
        raise SetupError("Falta o ambiente .venv: rode 'make setup' e repita.")
    is_pending = not is_installed(folder, lock)
    is_torch_pending = wish.needs_torch and not _has_torch(folder, wish.device)
    if is_pending or is_torch_pending:
        check_space(folder, _NEED_BYTES.get(wish, _LEAST_BYTES))
        if is_pending:
            install(folder, lock, ["--no-deps"])  # the lock names all but torch
        if is_torch_pending:
            _install_torch(folder, wish.device, cpu_index)
        _try(folder, wish)
    _wish_file(root).parent.mkdir(exist_ok=True)
    _wish_file(root).write_text(" ".join(wish) + "\n")


def _install_torch(folder: Path, device: str, cpu_index: str) -> None:
    extra = []
    if device == CPU:
        if _answers(cpu_index):
            extra = ["--extra-index-url", cpu_index]
        else:
            print(
                f"{cpu_index} não responde: vem o torch que os outros índices "
                "oferecem, que pode ter vários GB."
            )
    python = str(folder / "bin" / "python")
    _forget(folder, "torch")
    output_of([python, "-m", "pip", "uninstall", "-y", "-q", "torch"], timeout_s=300)
    run_pip(folder, [*extra, f"torch=={TORCH}"], name=f"torch {TORCH}", total=1)
    if device == CUDA and _built_for(folder) != CUDA:
        raise SetupError(
            "O torch que veio não tem CUDA: algum índice ou pasta do pip (find-links, "
            "extra-index-url) oferece a versão só de processador. Confira 'pip config "
            "list' e repita o comando."
        )
    stamp_of(folder, "torch").write_text(f"{TORCH} {device}")


def _forget(folder: Path, *names: str) -> None:
    for name in names:
        if stamp_of(folder, name).is_file():
            stamp_of(folder, name).unlink()


def _has_torch(folder: Path, device: str) -> bool:
    stamp = stamp_of(folder, "torch")
    return stamp.is_file() and stamp.read_text() == f"{TORCH} {device}"


def _built_for(folder: Path) -> str:
    code = "import torch; print('cuda' if torch.version.cuda else 'cpu')"
    python = str(folder / "bin" / "python")
    return output_of([python, "-c", code], timeout_s=_IMPORT_S) or ""


def _answers(index: str) -> bool:
    """Says whether an index answers; a name that is not resolved costs no more."""
    code = "import sys, urllib.request as r; r.urlopen(sys.argv[1] + '/torch/')"
    command = [sys.executable, "-c", code, index]
    return output_of(command, timeout_s=PROBE_S) is not None


def _try(folder: Path, wish: Wish) -> None:
    """Loads it once: what was installed must also start."""
    command = [str(folder / "bin" / "python"), "-c", _IMPORTS[wish.engine]]
    if output_of(command, timeout_s=_IMPORT_S) is None:
        _forget(folder, _LOCKS[wish.engine], "torch")
        raise SetupError(
            f"O {wish.engine} foi instalado, mas não abre. Veja o motivo com "
            f"'{' '.join(command[:2])} \"{command[2]}\"' e repita o comando."
        )


def _wish(engine: str, device: str) -> Wish:
    if engine not in _LOCKS:
        raise SetupError(f"ENGINE={engine} não existe: use {' ou '.join(_LOCKS)}.")
    if device not in {CPU, CUDA}:
        raise SetupError(f"DEVICE={device} não existe: use {CPU} ou {CUDA}.")
    return Wish(engine, device)


def _wished(root: Path) -> Wish | None:
    try:
        return _wish(*_wish_file(root).read_text().split())
    except (OSError, TypeError, SetupError):
        return None


def _wish_file(root: Path) -> Path:
    return root / "var" / "whisper"


if __name__ == "__main__":
    sys.exit(main())

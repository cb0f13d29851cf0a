"""`make shell`: talk to the assistant in the terminal, as designers do.

The action server is started beside it if none is running.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from bot.core.errors import SettingsError
from bot.core.settings import ROOT, load_settings
from deploy.local.stack import is_ready
from deploy.local.training import RASA, TrainingError, ensure_model, rasa_environment

_READY_WITHIN_S = 30


def main() -> int:
    """Opens `rasa shell`, as a client or, with PERFIL=advogado, as a lawyer."""
    try:
        settings = load_settings()
        model = ensure_model()
    except (SettingsError, TrainingError) as error:
        print(error, file=sys.stderr)
        return 1
    profile = os.environ.get("PERFIL", "cliente")
    if profile not in {"cliente", "advogado"}:
        print("PERFIL deve ser cliente ou advogado.", file=sys.stderr)
        return 2
    helper = None
    if not is_ready(f"{settings.actions_url}/pronto"):
        log = ROOT / "var" / "logs" / "shell-acoes.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w") as output:
            helper = subprocess.Popen(
                [sys.executable, "-m", "actions"],
                cwd=ROOT, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
        _wait(f"{settings.actions_url}/pronto")
    print(f"Conversando como {profile}. Para sair, escreva /stop.", flush=True)
    sender = f"shell-{profile}" if profile == "advogado" else f"shell-{os.getpid()}"
    try:
        return subprocess.call(
            [str(RASA), "shell", "--model", str(model), "--conversation-id", sender,
             "--port", str(settings.rasa_port + 1)],
            cwd=ROOT, env=rasa_environment(),
        )  # fmt: skip
    finally:
        if helper is not None:
            helper.terminate()
            helper.wait(timeout=20)


def _wait(url: str) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while not is_ready(url) and time.monotonic() < deadline:
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())

"""Starts the four processes on this machine and says when each is ready.

Supervision is honcho's: when one process ends, or at Ctrl-C, all of them end.
In production systemd does this (`deploy/`).
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus

import honcho.manager
from honcho.printer import Printer

from bot.core.errors import SettingsError
from bot.core.settings import ROOT, Settings, load_settings
from deploy.local.training import TrainingError, ensure_model, rasa_environment

_KILL_WAIT_S = 20
_READY_WITHIN_S = 180
_PROBE_S = 0.25


@dataclass(frozen=True)
class Process:
    """One of the four processes."""

    name: str
    command: tuple[str, ...]
    ready_url: str
    port: int
    port_setting: str


def processes(settings: Settings, *, model: str) -> tuple[Process, ...]:
    """Returns the processes in the order in which they are started."""
    python = str(ROOT / ".venv" / "bin" / "python")
    rasa = (
        str(ROOT / ".venv-rasa" / "bin" / "rasa"), "run", "--model", model,
        "--interface", "127.0.0.1", "--port", str(settings.rasa_port),
    )  # fmt: skip
    return (
        Process(
            "borda", (python, "-m", "connectors.edge"),
            f"{settings.edge_url}/pronto", settings.edge_port, "EDGE_PORT",
        ),
        Process(
            "acoes", (python, "-m", "actions"),
            f"{settings.actions_url}/pronto", settings.actions_port, "ACTIONS_PORT",
        ),
        Process(
            "painel", (python, "-m", "panel"),
            f"{settings.panel_url}/painel/pronto", settings.panel_port, "PANEL_PORT",
        ),
        Process(
            "rasa", rasa,
            f"{settings.rasa_url}/pronto", settings.rasa_port, "RASA_PORT",
        ),
    )  # fmt: skip


def process_environment() -> dict[str, str]:
    """Returns the environment of all four: the edge sends, so Rasa does not.

    One thread of algebra a process: a second one slows a message down on a machine
    that has other work (95 % of the embeddings in 6 ms instead of 50-180).
    """
    return {
        **rasa_environment(),
        "RASA_STANDALONE": "0",
        "PYTHONUNBUFFERED": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def main(arguments: list[str] | None = None) -> int:
    """Trains if needed, starts everything, waits for Ctrl-C."""
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    try:
        settings = load_settings()
        model = ensure_model()
    except SettingsError as error:
        print(f"Configuração errada (veja .env.example):\n{error}", file=sys.stderr)
        return 2
    except TrainingError as error:
        print(error, file=sys.stderr)
        return 1
    wanted = processes(settings, model=str(model))
    taken = [item for item in wanted if _is_taken(item.port)]
    if taken:
        for item in taken:
            print(
                f"A porta {item.port} já está em uso. Feche o programa que a usa ou "
                f"escolha outra: {item.port_setting}={item.port + 1000} make run",
                file=sys.stderr,
            )
        return 1
    return _supervise(wanted, settings)


def _supervise(wanted: tuple[Process, ...], settings: Settings) -> int:
    honcho.manager.KILL_WAIT = _KILL_WAIT_S
    manager = honcho.manager.Manager(Printer(sys.stdout))
    for item in wanted:
        manager.add_process(
            item.name,
            "exec " + " ".join(item.command),
            env=process_environment(),
            cwd=str(ROOT),
        )
    watcher = threading.Thread(target=_watch, args=(wanted, settings), daemon=True)
    watcher.start()
    manager.loop()
    interrupted = manager.returncode in {130, 143}
    if not interrupted:
        print("\nUm dos processos parou; veja o motivo acima.", file=sys.stderr)
    return 0 if interrupted else int(manager.returncode or 1)


def _watch(wanted: tuple[Process, ...], settings: Settings) -> None:
    """Says when each process answers, then where everything is."""
    started = time.monotonic()
    waiting = list(wanted)
    while waiting and time.monotonic() - started < _READY_WITHIN_S:
        for item in list(waiting):
            if is_ready(item.ready_url):
                waiting.remove(item)
                seconds = time.monotonic() - started
                left = (
                    f"; falta {', '.join(p.name for p in waiting)}" if waiting else ""
                )
                print(f"✓ {item.name} pronto em {seconds:.1f} s{left}", flush=True)
        time.sleep(_PROBE_S)
    if waiting:
        names = ", ".join(item.name for item in waiting)
        print(f"✗ sem resposta depois de {_READY_WITHIN_S} s: {names}", flush=True)
        return
    print(_welcome(settings), flush=True)


def _welcome(settings: Settings) -> str:
    link = subprocess.run(
        [sys.executable, "-m", "panel.access", "link"],
        check=False, cwd=ROOT, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    return f"""
  PocketMKT no ar
    API       {settings.edge_url}/processar_atendimento
    webhook   {settings.public_base_url}/twilio/webhook
    saúde     {settings.edge_url}/saude
    painel    {link or settings.panel_url + "/painel"}   (link de uso único, 15 min)
    API_TOKEN {settings.api_token}

    curl -s {settings.edge_url}/processar_atendimento \\
      -H 'Authorization: Bearer {settings.api_token}' \\
      -H 'Content-Type: application/json' \\
      -d '{{"telefone": "+5511987654321", "mensagem": "quero marcar uma consulta"}}'

    Ctrl-C encerra tudo.
"""


def is_ready(url: str) -> bool:
    """Says whether a readiness address answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=1) as reply:  # noqa: S310 - loopback
            return bool(reply.status == HTTPStatus.OK)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())

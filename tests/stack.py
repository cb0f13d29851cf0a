"""The four real processes on free ports, with fakes of Twilio and Ollama beside.

Each stack has a database and secrets of its own, and leaves nothing behind.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from bot.core.settings import load_settings
from deploy.local.stack import Process, is_ready, process_environment, processes

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "models" / "pocketmkt.tar.gz"
AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
PUBLIC_URL = "https://bot.escritorio.example"
API_TOKEN = "token-dos-testes"
_READY_WITHIN_S = 90
Result = TypeVar("Result")


def free_port() -> int:
    """Returns a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Stack:
    """Running processes, and the doors into them."""

    folder: Path
    environment: dict[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def edge(self) -> str:
        return f"http://127.0.0.1:{self.environment['EDGE_PORT']}"

    @property
    def rasa(self) -> str:
        return f"http://127.0.0.1:{self.environment['RASA_PORT']}"

    def start(self, *names: str) -> None:
        """Starts processes by name and waits until each is ready."""
        for name in names:
            self.launch(name)
        for name in names:
            wait_until(lambda n=name: self.is_up(n))

    def launch(self, name: str) -> None:
        """Starts a process and does not wait."""
        with (self.folder / f"{name}.log").open("ab") as output:
            self.running[name] = subprocess.Popen(
                self._process(name).command,
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def is_up(self, name: str) -> bool:
        """Says whether a process is ready; one that ended by itself is an error."""
        code = self.running[name].poll()
        assert code is None, f"{name} ended with {code}: {self.log(name)[-2000:]}"
        return is_ready(self._process(name).ready_url)

    def _process(self, name: str) -> Process:
        settings = load_settings(self.environment, folder=self.folder)
        wanted = {p.name: p for p in processes(settings, model=str(MODEL))}
        return wanted[name]

    def stop(self, *names: str, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends processes; waits until they are gone."""
        for name in names or tuple(self.running):
            self.running[name].send_signal(how)
        for name in names or tuple(self.running):
            self.running[name].wait(timeout=30)
            del self.running[name]

    def log(self, name: str) -> str:
        """Returns what a process has written so far."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def ask(self, phone: str, text: str, **more: str) -> dict[str, Any]:
        """Sends a message to `/processar_atendimento`; returns its JSON."""
        body = json.dumps({"telefone": phone, "mensagem": text, **more}).encode()
        request = urllib.request.Request(
            f"{self.edge}/processar_atendimento",
            data=body,
            headers={
                "Content-Type": "application/json",
                "Authorization": f"Bearer {API_TOKEN}",
            },
        )
        with urllib.request.urlopen(request, timeout=60) as reply:
            return dict(json.load(reply))

    def whatsapp(self, sid: str, phone: str, text: str, *, to: str = "edge") -> int:
        """Posts a signed webhook as Twilio does; returns the status."""
        form = {
            "MessageSid": sid,
            "AccountSid": "AC" + "a" * 32,
            "From": f"whatsapp:{phone}",
            "To": "whatsapp:+551140042233",
            "Body": text,
            "NumMedia": "0",
            "SmsStatus": "received",
            "ProfileName": "Pessoa",
        }
        base = self.edge if to == "edge" else self.rasa
        request = urllib.request.Request(
            f"{base}/twilio/webhook",
            data=urlencode(form).encode(),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Twilio-Signature": sign(f"{PUBLIC_URL}/twilio/webhook", form),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as error:
            return int(error.code)


def sign(url: str, form: Mapping[str, str]) -> str:
    """Returns Twilio's signature, computed from its documentation, not our code."""
    text = url + "".join(name + form[name] for name in sorted(form))
    digest = hmac.new(AUTH_TOKEN.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


@contextlib.contextmanager
def fake_twilio() -> Iterator[FakeService]:
    """Yields a stateful fake of Twilio's REST API, in a process of its own."""
    with _fake("tests.fakes.fake_twilio") as service:
        yield service


@contextlib.contextmanager
def fake_google() -> Iterator[FakeService]:
    """Yields a stateful fake of Google's APIs, in a process of its own."""
    with _fake("tests.fakes.fake_google") as service:
        yield service


@contextlib.contextmanager
def fake_ollama(*answers: str, delay_s: float = 0.0) -> Iterator[FakeService]:
    """Yields a scripted Ollama, in a process of its own."""
    said = [word for answer in answers for word in ("--answer", answer)]
    with _fake("tests.fakes.fake_ollama", *said, "--delay", str(delay_s)) as service:
        yield service


@dataclass(frozen=True)
class FakeService:
    """A fake that answers at `url`."""

    url: str

    def sent(self) -> list[dict[str, Any]]:
        """Returns the messages that the fake Twilio accepted, oldest first."""
        account = "AC" + "a" * 32
        pair = base64.b64encode(f"{account}:{AUTH_TOKEN}".encode()).decode()
        request = urllib.request.Request(
            f"{self.url}/2010-04-01/Accounts/{account}/Messages.json?PageSize=1000",
            headers={"Authorization": f"Basic {pair}"},
        )
        with urllib.request.urlopen(request, timeout=5) as reply:
            listed = reversed(json.load(reply)["messages"])
        return [each for each in listed if each["direction"] == "outbound-api"]

    def steer(self, what: str, asked: object) -> Any:
        """Posts to the fake's own `/_fake/…`; returns its JSON."""
        request = urllib.request.Request(
            f"{self.url}/_fake/{what}",
            data=json.dumps(asked).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)

    def record(self) -> dict[str, Any]:
        """Returns what the fake Twilio has seen and done so far."""
        with urllib.request.urlopen(f"{self.url}/_fake/record", timeout=30) as reply:
            return dict(json.load(reply))


@contextlib.contextmanager
def _fake(module: str, *arguments: str) -> Iterator[FakeService]:
    port = free_port()
    process = subprocess.Popen(
        [str(ROOT / ".venv/bin/python"), "-m", module, "--port", str(port), *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: _accepts(port), within_s=20)
        yield FakeService(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(timeout=10)


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(
    question: Callable[[], Result], *, within_s: float = _READY_WITHIN_S
) -> Result:
    """Returns the first true answer, asked every 50 ms."""
    deadline = time.monotonic() + within_s
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@contextlib.contextmanager
def open_stack(folder: Path, **settings: str) -> Iterator[Stack]:
    """Yields a stack that nothing of is started yet; ends all of it after."""
    clean = {
        name: value
        for name, value in process_environment().items()
        if name in {"PATH", "HOME", "LANG"}
        or name.startswith(("RASA", "PYTHON", "TF_"))
    }
    environment = {
        **clean,
        "EDGE_PORT": str(free_port()),
        "RASA_PORT": str(free_port()),
        "ACTIONS_PORT": str(free_port()),
        "PANEL_PORT": str(free_port()),
        "PUBLIC_BASE_URL": PUBLIC_URL,
        "DATABASE_URL": f"sqlite:///{folder}/banco.db",
        "MEDIA_DIR": str(folder / "midia"),
        "OFFICE_DIR": str(folder / "escritorio"),
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "API_TOKEN": API_TOKEN,
        "ACTIONS_SECRET": "segredo-dos-testes",
        "OLLAMA_HOST": "http://127.0.0.1:9",
        "TWILIO_API_BASE_URL": "http://127.0.0.1:9",
        "LOG_LEVEL": "DEBUG",
        "PYTHONPATH": str(ROOT),
        **settings,
    }
    stack = Stack(folder, {k: v for k, v in environment.items() if v is not None})
    os.makedirs(folder, exist_ok=True)
    try:
        yield stack
    finally:
        with contextlib.suppress(Exception):
            stack.stop()
        for process in stack.running.values():
            process.kill()

"""`make bench`: this project's own times and memory, in one run, as one JSON line.

Runs the four real processes on free ports with a durable SQLite file, signed
webhooks, and fakes of Twilio and Ollama. The comparison with stock Rasa is not
part of it yet, so no ratio is printed.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.local.training import ensure_model
from tests.stack import Stack, fake_ollama, fake_twilio, open_stack

_TURNS = 60
_PEOPLE = 20
_EACH = 5


def main() -> int:
    """Prints the measurements; the last line is one JSON object."""
    ensure_model()
    with (
        tempfile.TemporaryDirectory() as folder,
        fake_twilio() as twilio,
        fake_ollama("Claro, posso chamar uma pessoa da equipe.") as ollama,
        open_stack(
            Path(folder),
            TWILIO_API_BASE_URL=twilio.url,
            OLLAMA_HOST=ollama.url,
            LOG_LEVEL="WARNING",
        ) as stack,
    ):
        result = _measure(stack)
    for name, value in result.items():
        print(f"{name:24} {value}")
    print(json.dumps(result))
    return 0


def _measure(stack: Stack) -> dict[str, float]:
    result = {"edge_ready_s": _seconds(lambda: stack.start("borda"))}
    stack.start("acoes", "painel")
    result["ready_s"] = _seconds(lambda: stack.start("rasa"))
    stack.ask("+5511970000000", "oi")
    rule = [
        _ask_ms(stack, "+5511970000001", "vcs abrem sábado?") for _ in range(_TURNS)
    ]
    action = [
        _ask_ms(stack, "+5511970000002", "que horas é minha consulta mesmo?")
        for _ in range(_TURNS)
    ]
    result["rule_answer_ms_p50"] = round(statistics.median(rule), 1)
    result["action_answer_ms_p50"] = round(statistics.median(action), 1)
    result["growth_last_over_first"] = round(
        statistics.median(rule[-10:]) / statistics.median(rule[:10]), 2
    )
    result |= _crowd(stack)
    result["rss_mb"] = round(sum(_rss_mb(p) for p in stack.running.values()), 0)
    return result


def _crowd(stack: Stack) -> dict[str, float]:
    """Twenty people write at once, five messages each."""
    phones = [f"+55119800000{number:02d}" for number in range(_PEOPLE)]
    times: list[float] = []

    def write(phone: str) -> None:
        for _ in range(_EACH):
            times.append(_ask_ms(stack, phone, "onde fica o escritório?"))

    started = time.perf_counter()
    with ThreadPoolExecutor(_PEOPLE) as pool:
        list(pool.map(write, phones))
    elapsed_s = time.perf_counter() - started
    ordered = sorted(times)
    acknowledged = sorted(
        _acknowledge_ms(stack, f"SM{number:032d}", phones[number % _PEOPLE])
        for number in range(100)
    )
    return {
        "messages_per_s_20": round(len(times) / elapsed_s, 1),
        "answer_ms_p50_20": round(ordered[len(ordered) // 2], 1),
        "answer_ms_p99_20": round(ordered[int(len(ordered) * 0.99)], 1),
        "acknowledge_ms_p50": round(acknowledged[50], 1),
        "acknowledge_ms_p99": round(acknowledged[98], 1),
    }


def _ask_ms(stack: Stack, phone: str, text: str) -> float:
    started = time.perf_counter()
    stack.ask(phone, text)
    return (time.perf_counter() - started) * 1000


def _acknowledge_ms(stack: Stack, sid: str, phone: str) -> float:
    started = time.perf_counter()
    stack.whatsapp(sid, phone, "oi")
    return (time.perf_counter() - started) * 1000


def _seconds(start: Callable[[], None]) -> float:
    started = time.perf_counter()
    start()
    return round(time.perf_counter() - started, 2)


def _rss_mb(process: subprocess.Popen[bytes]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())

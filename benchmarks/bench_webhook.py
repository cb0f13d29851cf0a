"""`make bench-webhook`: how fast webhooks are acknowledged in trouble.

Twenty people write through signed webhooks to the real edge on a durable SQLite
file. Four situations, one after the other: all is well, Rasa is down, Rasa is
restarting, and each turn takes half a minute (the action server is frozen).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import aiohttp

from deploy.local.training import ensure_model
from tests.stack import (
    PUBLIC_URL,
    Stack,
    fake_twilio,
    open_stack,
    sign,
    wait_until,
)

PEOPLE = 20
EACH_PER_S = 0.5
"""Messages a person; ten a second in all, which no office's clients keep up."""
TEXTS = ("oi", "vocês abrem sábado?", "quando é minha consulta?", "onde fica?")
_NO_LIMIT = str(1_000_000)


def main(arguments: list[str] | None = None) -> int:
    """Prints a table; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="por situação")
    given = parser.parse_args(arguments)
    ensure_model()
    with (
        tempfile.TemporaryDirectory() as folder,
        fake_twilio() as twilio,
        open_stack(
            Path(folder),
            TWILIO_API_BASE_URL=twilio.url,
            LOG_LEVEL="WARNING",
            LIMIT_PER_MINUTE=_NO_LIMIT,
            LIMIT_PER_DAY=_NO_LIMIT,
            LIMIT_QUEUE=_NO_LIMIT,
            LOOP_EXCHANGES=_NO_LIMIT,
        ) as stack,
    ):
        result = _measure(stack, given.seconds)
    print(f"{'situação':12} {'mensagens':>9}   p50 ms   p99 ms  pior ms")
    for name, row in result.items():
        print(
            f"{name:12} {row['messages']:9.0f} {row['ms_p50']:8.1f}"
            f" {row['ms_p99']:8.1f} {row['ms_max']:8.1f}"
        )
    print(json.dumps(result))
    return 0


def _measure(stack: Stack, seconds: float) -> dict[str, dict[str, float]]:
    stack.start("borda", "acoes", "rasa")
    result = {"tudo bem": _write(stack, seconds)}
    stack.stop("rasa", how=signal.SIGKILL)
    result["rasa fora"] = _write(stack, seconds)
    result["rasa volta"] = _write(stack, seconds, at_start=lambda: stack.launch("rasa"))
    wait_until(lambda: stack.is_up("rasa"))
    stack.running["acoes"].send_signal(signal.SIGSTOP)
    try:
        result["turno lento"] = _write(stack, seconds)
    finally:
        stack.running["acoes"].send_signal(signal.SIGCONT)
    return result


def _write(
    stack: Stack, seconds: float, *, at_start: Callable[[], None] = lambda: None
) -> dict[str, float]:
    at_start()
    times = sorted(asyncio.run(_everybody(stack.edge, seconds)))
    return {
        "messages": len(times),
        "ms_p50": round(times[len(times) // 2], 2),
        "ms_p99": round(times[int(len(times) * 0.99)], 2),
        "ms_max": round(times[-1], 2),
    }


async def _everybody(edge: str, seconds: float) -> list[float]:
    async with aiohttp.ClientSession() as http:
        people = (_person(http, edge, number, seconds) for number in range(PEOPLE))
        return [each for times in await asyncio.gather(*people) for each in times]


async def _person(
    http: aiohttp.ClientSession, edge: str, number: int, seconds: float
) -> list[float]:
    """Writes as people do, at times of their own; returns milliseconds."""
    dice = random.Random(number)  # noqa: S311 - when people write
    ends_at = time.monotonic() + seconds
    times = []
    while time.monotonic() < ends_at:
        await asyncio.sleep(dice.expovariate(EACH_PER_S))
        form = {
            "MessageSid": f"SM{uuid.uuid4().hex}",
            "AccountSid": "AC" + "a" * 32,
            "From": f"whatsapp:+55119800000{number:02d}",
            "To": "whatsapp:+551140042233",
            "Body": dice.choice(TEXTS),
            "NumMedia": "0",
            "SmsStatus": "received",
        }
        signature = sign(f"{PUBLIC_URL}/twilio/webhook", form)
        started = time.perf_counter()
        async with http.post(
            f"{edge}/twilio/webhook",
            data=urlencode(form),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Twilio-Signature": signature,
            },
        ) as reply:
            await reply.read()
            if reply.status != 200:  # noqa: PLR2004
                raise RuntimeError(f"o webhook respondeu {reply.status}")
        times.append((time.perf_counter() - started) * 1000)
    return times


if __name__ == "__main__":
    sys.exit(main())

"""What `/saude` says of who hears, and what the panel makes of it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from bot.store import service_state
from bot.store.database import writing
from panel.edge_client import DependencyReport, HealthReport
from panel.situation import Card, StateHistory, describe
from tests.contract.test_edge import Edge, running_edge

NOW = 1_780_000_000.0


@asynccontextmanager
async def edge_with_actions(folder: Path, **environ: str) -> AsyncIterator[Edge]:
    async def ready(_: web.Request) -> web.Response:
        return web.json_response({"estado": "ok"})

    app = web.Application()
    app.router.add_get("/pronto", ready)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = str(runner.addresses[0][1])
    try:
        async with running_edge(folder, ACTIONS_PORT=port, **environ) as edge:
            yield edge
    finally:
        await runner.cleanup()


async def shown(edge: Edge, state: str = "") -> dict[str, str]:
    if state:
        with writing(edge.engine) as connection:
            service_state.note(
                connection, service_state.WHISPER, state, now=time.time()
            )
    answer = await edge.request("GET", "/saude")
    return answer.json["dependencias"]["whisper"]


async def test_without_whisper_people_are_asked_to_write(tmp_path):
    async with running_edge(tmp_path) as edge:
        assert await shown(edge, "fora") == {
            "estado": "nao_configurado",
            "detalhe": "quem manda áudio é convidado a escrever",
        }


async def test_one_that_hears_is_well(tmp_path):
    async with edge_with_actions(tmp_path, WHISPER_MODEL="base") as edge:
        assert (await shown(edge, "ok"))["estado"] == "ok"


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"WHISPER_MODEL": "base"}, "o modelo não está aberto"),
        ({"WHISPER_URL": "http://10.0.0.2:9000"}, "da outra máquina"),
    ],
)
async def test_one_that_does_not_hear_is_told_with_its_hour(tmp_path, environ, words):
    async with edge_with_actions(tmp_path, **environ) as edge:
        report = await shown(edge, "fora")

    assert report["estado"] == "fora"
    assert report["detalhe"].startswith("desde ")
    assert words in report["detalhe"]
    assert "10.0.0.2" not in report["detalhe"]


async def test_nothing_is_claimed_before_it_is_known(tmp_path):
    async with edge_with_actions(tmp_path, WHISPER_MODEL="base") as edge:
        report = await shown(edge)

    assert report == {"estado": "desconhecido", "detalhe": "ainda não verificado"}


async def test_what_a_dead_action_server_noted_counts_for_nothing(tmp_path):
    async with running_edge(tmp_path, WHISPER_MODEL="base") as edge:
        report = await shown(edge, "ok")

    assert report["estado"] == "desconhecido"
    assert "não responde" in report["detalhe"]


def card(state: str) -> Card:
    said = DependencyReport(state=state, detail="desde 14:05 de 23/11 não ouve")
    report = HealthReport(
        state="ok",
        accepts_messages=True,
        dependencies={"whisper": said},
        version="",
        latency_ms=1.0,
    )
    found = describe(report, history=StateHistory(), now=NOW)
    return next(each for each in found.services if each.key == "whisper")


def test_the_panel_says_what_to_do_where_nobody_hears():
    shown_card = card("fora")

    assert (shown_card.name, shown_card.word) == ("Whisper", "Fora do ar")
    assert "Desde 14:05" in shown_card.detail
    for word in ("make whisper", "WHISPER_MODEL", "WHISPER_URL", "WHISPER_TOKEN"):
        assert word in shown_card.advice


def test_the_panel_says_how_to_begin():
    assert "make whisper" in card("nao_configurado").advice
    assert card("ok").advice == ""

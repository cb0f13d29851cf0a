"""The trained model behind the real tracker store and the real action server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rasa.core.agent import Agent, load_agent
from rasa.core.utils import AvailableEndpoints

from bot.core.logs import configure_logs
from bot.core.settings import Settings, load_settings
from bot.runtime import fixes
from tests.action_server import (
    PYTHON,
    ROOT,
    ActionServer,
    environment,
    free_port,
    running,
)
from tests.rasa.talking import Office

configure_logs("CRITICAL")
MODEL = ROOT / "models" / "pocketmkt.tar.gz"


@pytest.fixture(scope="session")
def model_path() -> Path:
    """Returns the trained model, or skips."""
    if not MODEL.is_file():
        pytest.skip("models/pocketmkt.tar.gz is missing: run 'make train'")
    return MODEL


@pytest.fixture(scope="session")
def action_server(tmp_path_factory) -> Iterator[ActionServer]:
    """Runs the real action server, without a model behind it."""
    if not PYTHON.exists():
        pytest.skip(".venv is missing: run 'make setup'")
    with running(tmp_path_factory.mktemp("acoes")) as server:
        yield server


@pytest.fixture(scope="session")
def settings(action_server) -> Iterator[Settings]:
    """Points this process at the action server and its database."""
    wanted = environment(action_server.log.parent, port=action_server.port)
    wanted |= {"RASA_PORT": str(free_port()), "EDGE_PORT": str(free_port())}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    yield load_settings()
    for name, value in before.items():
        if value is None:
            os.environ.pop(name)
        else:
            os.environ[name] = value


@pytest.fixture(scope="session")
def agent(model_path, settings) -> Agent:
    """Loads the agent as `rasa run` does, from `endpoints.yml`."""
    endpoints = AvailableEndpoints.read_endpoints(str(ROOT / "endpoints.yml"))
    return asyncio.run(load_agent(str(model_path), endpoints=endpoints))


@pytest.fixture
def office(agent, settings) -> Office:
    """Returns the office that people write to."""
    return Office(agent, settings)


@pytest.fixture
def no_action_server(agent, settings) -> Iterator[None]:
    """Lets every action call run into a closed port."""
    fixes.install(replace(settings, actions_port=free_port()))
    yield
    fixes.install(settings)

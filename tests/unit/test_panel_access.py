"""One-time links and sessions of the panel."""

from __future__ import annotations

import re
import threading

import pytest
import sqlalchemy as sa

from bot.core.settings import load_settings
from bot.store.database import open_engine, reading
from bot.store.schema import metadata, panel_link, panel_session
from panel.access import Access, LinkState, link_url, main

MINUTE, HOUR = 60, 3600


class Clock:
    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/panel.db")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def access(engine, clock) -> Access:
    return Access(engine, clock=clock)


def test_new_link_opens_a_session(access):
    token = access.enter(access.new_link())

    assert token is not None
    assert access.session(token) is not None


def test_looking_at_a_link_does_not_use_it(access):
    key = access.new_link()

    assert access.link_state(key) is LinkState.VALID
    assert access.link_state(key) is LinkState.VALID
    assert access.enter(key) is not None


def test_link_works_once(access):
    key = access.new_link()
    access.enter(key)

    assert access.enter(key) is None
    assert access.link_state(key) is LinkState.USED


def test_of_two_people_at_the_same_moment_one_enters(access):
    key = access.new_link()
    together, entered = threading.Barrier(4), []

    def enter() -> None:
        together.wait()
        entered.append(access.enter(key))

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len([token for token in entered if token]) == 1


@pytest.mark.parametrize(
    ("age_s", "state"),
    [(15 * MINUTE - 1, LinkState.VALID), (15 * MINUTE, LinkState.EXPIRED)],
)
def test_link_expires_after_15_minutes(access, clock, age_s, state):
    key = access.new_link()

    clock.now += age_s

    assert access.link_state(key) is state
    assert (access.enter(key) is not None) is (state is LinkState.VALID)


@pytest.mark.parametrize("key", ["", "nunca-existiu", "\ud800", "x" * 100_000])
def test_unknown_key_opens_nothing(access, key):
    assert access.link_state(key) is LinkState.UNKNOWN
    assert access.enter(key) is None


def test_session_ends_after_8_idle_hours(access, clock):
    token = access.enter(access.new_link())

    clock.now += 8 * HOUR

    assert access.session(token) is None


def test_work_keeps_a_session_open_past_8_hours(access, clock):
    token = access.enter(access.new_link())

    for _ in range(3):
        clock.now += 7 * HOUR
        assert access.session(token) is not None


def test_requests_of_the_page_itself_keep_no_session_open(access, clock):
    token = access.enter(access.new_link())

    clock.now += 7 * HOUR
    access.session(token, is_person_active=False)
    clock.now += 1 * HOUR

    assert access.session(token) is None


def test_session_ends_after_24_hours_whatever_happens(access, clock):
    token = access.enter(access.new_link())

    for _ in range(4):
        clock.now += 6 * HOUR - 1
        assert access.session(token) is not None
    clock.now += 4

    assert access.session(token) is None


def test_leaving_ends_the_session(access):
    token = access.enter(access.new_link())

    access.leave(token)

    assert access.session(token) is None


def test_entering_again_replaces_the_session_before(access):
    first = access.enter(access.new_link())

    second = access.enter(access.new_link(), previous_token=first)

    assert access.session(first) is None
    assert access.session(second) is not None


def test_each_session_has_its_own_form_token(access):
    sessions = [access.session(access.enter(access.new_link())) for _ in range(2)]

    assert sessions[0].csrf_token != sessions[1].csrf_token


def test_database_holds_no_key_and_no_token_in_clear(access, engine):
    key = access.new_link()
    token = access.enter(key)

    with reading(engine) as connection:
        rows = connection.execute(sa.select(panel_link)).all()
        rows += connection.execute(sa.select(panel_session)).all()
    assert key not in repr(rows)
    assert token not in repr(rows)


def test_old_links_and_sessions_are_deleted_in_time(access, clock, engine):
    access.enter(access.new_link())

    clock.now += 30 * 24 * HOUR
    access.new_link()

    with reading(engine) as connection:
        links = connection.execute(sa.select(panel_link)).all()
        sessions = connection.execute(sa.select(panel_session)).all()
    assert len(links) == 1
    assert sessions == []


def test_link_leads_to_the_public_address(tmp_path):
    environ = {"PANEL_BASE_URL": "https://painel.escritorio.adv.br/"}
    settings = load_settings(environ, folder=tmp_path)

    url = link_url(settings, "abc")

    assert url == "https://painel.escritorio.adv.br/painel/entrar?chave=abc"


def test_command_prints_the_link_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/novo.db")
    monkeypatch.setenv("PANEL_BASE_URL", "http://127.0.0.1:8080")

    status = main(["link"])

    printed = capsys.readouterr().out
    assert status == 0
    pattern = r"http://127\.0\.0\.1:8080/painel/entrar\?chave=[\w-]{43}\n"
    assert re.fullmatch(pattern, printed)


def test_command_explains_its_use(capsys):
    assert main(["outra-coisa"]) == 2
    assert "python -m panel.access link" in capsys.readouterr().err

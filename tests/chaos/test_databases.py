"""A run gets a database of its own, and never touches one with people in it."""

from __future__ import annotations

import time

import pytest
import sqlalchemy as sa

from bot.store.schema import metadata, person
from tests.chaos.databases import DatabaseInUseError, fresh_database


def engine_of(url: str) -> sa.engine.Engine:
    return sa.create_engine(url.replace("postgresql", "postgresql+psycopg2"))


def names(url: str) -> set[str]:
    engine = engine_of(url)
    with engine.connect() as connection:
        query = sa.text("SELECT datname FROM pg_database")
        found = set(connection.execute(query).scalars())
    engine.dispose()
    return found


@pytest.fixture
def given(postgres_server) -> str:
    return postgres_server.new_database().replace("postgresql+psycopg2", "postgresql")


def test_without_a_server_it_is_a_file_of_the_run(tmp_path):
    with fresh_database("sqlite:///var/pocketmkt.db", tmp_path) as database:
        assert (database.url, database.kind) == (
            f"sqlite:///{tmp_path}/banco.db", "sqlite",
        )  # fmt: skip


@pytest.mark.parametrize("is_kept", [False, True], ids=["passed", "failed"])
def test_server_gets_a_database_that_only_a_failed_run_leaves(given, tmp_path, is_kept):
    before = names(given)
    with fresh_database(given, tmp_path) as database:
        database.is_kept = is_kept
        (made,) = names(given) - before

    assert database.url.endswith(f"/{made}")
    assert (made in names(given)) is is_kept


def test_database_with_people_is_refused(given, tmp_path):
    engine = engine_of(given)
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(
            sa.insert(person).values(
                phone="+5511987654321", name="Maria", profile="cliente",
                created_at=time.time(), updated_at=time.time(),
            )
        )  # fmt: skip
    engine.dispose()
    before = names(given)

    with pytest.raises(DatabaseInUseError), fresh_database(given, tmp_path):
        pass

    assert names(given) == before

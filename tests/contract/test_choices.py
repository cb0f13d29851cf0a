"""Taps, numbers and titles mean what we offered, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from bot.store import choices, turns
from bot.store.choices import Option
from bot.store.schema import metadata
from bot.store.turns import Outgoing, Turn
from connectors.choices import Choice, choice_of
from tests.contract import test_store
from tests.contract.test_store import JOAO, MARIA, OUTCOME, Store

database_kind = test_store.database_kind
migrated_sqlite = test_store.migrated_sqlite
migrated_postgres = test_store.migrated_postgres
store = test_store.store

CONFIRM = {"title": "Confirmar", "payload": '/afirmar{"id": "7"}'}
MOVE = {"title": "Remarcar", "payload": "/remarcar_consulta"}
MORNING = {"title": "Terça às 10h", "payload": "1"}
NOON = {"title": "Terça às 14h", "payload": "2"}


def offer(store: Store, *buttons: Mapping[str, str], address: str = MARIA) -> None:
    """We ask, with options to tap."""
    store.accept("quero marcar", address)
    turn = store.claimed()
    turn.outgoing = [Outgoing("Qual?", buttons=tuple(dict(b) for b in buttons))]
    store.write(lambda c: turns.commit(c, turn, OUTCOME, now=store.now))


def sent_as(store: Store, provider_sid: str) -> None:
    """Our newest message has left under the provider's id."""
    table = metadata.tables["outbox"]
    newest = store.rows("outbox")[-1].id
    update = table.update().where(table.c.id == newest)
    store.write(lambda c: c.execute(update.values(provider_sid=provider_sid)))


def write(store: Store, text: str, *, address: str = MARIA, **payload: str) -> Turn:
    store.accept(text, address, payload=payload)
    return store.claimed()


def choose(store: Store, text: str, **payload: str) -> Choice | None:
    turn = write(store, text, **payload)
    return store.read(lambda c: choice_of(c, turn))


class TestTap:
    def test_payload_of_ours_names_intent_and_entities(self, store):
        offer(store, CONFIRM, MOVE)

        chosen = choose(
            store, "Confirmar", ButtonText="Confirmar", ButtonPayload=CONFIRM["payload"]
        )

        assert chosen == Choice("Confirmar", "afirmar", (("id", "7"),))

    def test_row_of_a_list_is_a_tap_too(self, store):
        offer(store, MORNING, NOON)

        chosen = choose(store, "Terça às 14h", ListId="2", ListTitle="Terça às 14h")

        assert chosen == Choice("2")

    @pytest.mark.parametrize(
        "payload",
        ["/excluir_dados", '/afirmar{"id": "8"}', "/restart", "3", "/afirmar", ""],
    )
    def test_payload_that_we_never_offered_means_nothing(self, store, payload):
        offer(store, CONFIRM, NOON)

        chosen = choose(store, "Sim", ButtonText="Sim", ButtonPayload=payload)

        assert chosen is None

    def test_payload_offered_to_another_person_means_nothing(self, store):
        offer(store, CONFIRM, address=JOAO)
        offer(store, NOON)

        chosen = choose(store, "Confirmar", ButtonPayload=CONFIRM["payload"])

        assert chosen is None

    def test_command_stays_good_after_other_messages(self, store):
        offer(store, CONFIRM)
        offer(store, NOON)

        chosen = choose(store, "Confirmar", ButtonPayload=CONFIRM["payload"])

        assert chosen == Choice("Confirmar", "afirmar", (("id", "7"),))

    def test_words_are_stale_once_another_question_stands(self, store):
        offer(store, MORNING, NOON)
        store.answered("E qual o seu nome?")

        chosen = choose(store, "Terça às 10h", ButtonPayload="1")

        assert chosen is not None
        assert chosen.is_stale

    @pytest.mark.parametrize("payload", ["/nada_disso", "/saudar{quebrado"])
    def test_broken_option_of_ours_is_its_title_or_its_intent(self, store, payload):
        offer(store, {"title": "Oi", "payload": payload})

        chosen = choose(store, "Oi", ButtonPayload=payload)

        assert chosen is not None
        assert (chosen.words, chosen.entities) == ("Oi", ())


class TestWriting:
    @pytest.mark.parametrize(
        "text", ["2", " 2. ", "2)", "terca as 14h", "TERÇA ÀS 14H!"]
    )
    def test_number_or_title_chooses(self, store, text):
        offer(store, MORNING, NOON)

        assert choose(store, text) == Choice("2")

    def test_option_without_a_number_has_none(self, store):
        offer(store, {**MORNING, "type": "toque"}, {**NOON, "type": "toque"})

        assert choose(store, "2") is None

    def test_option_without_a_number_is_not_written_into_the_text(self, store):
        offer(store, {**MORNING, "type": "toque"}, NOON)

        assert store.rows("outbox")[0].body == "Qual?\n\n1. Terça às 14h"

    @pytest.mark.parametrize("text", ["3", "0", "12", "quero a 2", "²", "", "terça"])
    def test_anything_else_is_words(self, store, text):
        offer(store, MORNING, NOON)

        assert choose(store, text) is None

    def test_number_means_nothing_once_another_question_stands(self, store):
        offer(store, MORNING, NOON)
        store.answered("Quantas pessoas vêm?")

        assert choose(store, "2") is None

    def test_quoted_question_is_the_one_that_is_answered(self, store):
        offer(store, CONFIRM, MOVE)
        sent_as(store, "SM" + "e" * 32)
        store.answered("Mais alguma coisa?")

        chosen = choose(store, "2", OriginalRepliedMessageSid="SM" + "e" * 32)

        assert chosen == Choice("Remarcar", "remarcar_consulta")

    def test_quote_of_somebody_elses_question_means_nothing(self, store):
        offer(store, CONFIRM, MOVE, address=JOAO)
        sent_as(store, "SM" + "e" * 32)

        assert choose(store, "2", OriginalRepliedMessageSid="SM" + "e" * 32) is None


def test_text_of_ours_is_found_by_a_quote(store: Store) -> None:
    store.answered("O endereço é Rua Um, 1.")
    sent_as(store, "SM1-out")
    talk = store.rows("conversation")[0].id

    found = store.read(lambda c: choices.text_said_by(c, talk, "SM1-out"))
    other = store.read(lambda c: choices.text_said_by(c, "outra", "SM1-out"))

    assert (found, other) == ("O endereço é Rua Um, 1.", "")


def test_options_are_read_as_they_were_stored(store: Store) -> None:
    offer(store, CONFIRM, MOVE)
    talk = store.rows("conversation")[0].id

    found = store.read(lambda c: choices.offered_last(c, talk))

    assert found == (
        Option("Confirmar", '/afirmar{"id": "7"}'),
        Option("Remarcar", "/remarcar_consulta"),
    )
    assert json.loads(found[0].payload.removeprefix("/afirmar")) == {"id": "7"}

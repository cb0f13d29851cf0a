"""What actions make of words that were spoken, and what the office reads of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.core.names import Profile
from bot.store import histories
from bot.store.database import reading, writing
from bot.store.effects import Task
from bot.store.schema import inbox, media, transcript
from tests.unit.desk import NOW, Talk
from tests.unit.files_sent import PHOTO, sends

FILING = "salvar_no_drive"
LAWYER, CLIENT = "+5511987650099", "+5511987651234"
NOTE = ("", "audio/ogg")
WORDS = "quero falar da pensão"


@pytest.fixture
def helena(desk) -> Talk:
    desk.registers(LAWYER, "Helena Modelo", Profile.LAWYER)
    return desk.lawyer()


def speaks(desk, phone: str, text: str, *, status: str = "ouvido", **more) -> str:
    """Lets somebody send a voice note; returns the id of its file."""
    (media_id,) = sends(desk, phone, NOTE, when=more.pop("when", NOW))
    payload = {"Forwarded": "true"} if more.pop("is_forwarded", False) else {}
    with writing(desk.engine) as connection:
        newest = connection.execute(sa.select(sa.func.max(inbox.c.id))).scalar_one()
        connection.execute(
            sa.update(inbox)
            .where(inbox.c.id == newest)
            .values(kind="audio", text=text, payload=payload)
        )
        connection.execute(
            sa.insert(transcript).values(
                media_id=media_id,
                inbox_id=newest,
                status=status,
                text=text,
                created_at=1.0,
                **more,
            )
        )
    return media_id


async def filed_ids(talk: Talk, text: str, **read) -> list[str]:
    said = await talk.starts(FILING, text, **read)
    (task,) = (each for each in said.effects if isinstance(each, Task))
    return list(task.facts["anexos"])


async def test_voice_that_gave_a_command_is_no_file(desk, helena):
    photo = sends(desk, LAWYER, ("", PHOTO), when=NOW - timedelta(minutes=2))
    speaks(desk, LAWYER, "o que eu tenho hoje?", when=NOW - timedelta(minutes=1))

    assert await filed_ids(helena, "guarda na pasta do Rui Lima") == photo


async def test_voice_is_a_file_where_the_words_say_so(desk, helena):
    memo = speaks(desk, LAWYER, "lembrar da prova", when=NOW - timedelta(minutes=1))

    assert await filed_ids(helena, "salva o áudio na pasta do Rui Lima") == [memo]


async def test_forwarded_voice_is_a_file(desk, helena):
    passed_on = speaks(
        desk, LAWYER, "vou te pagar", is_forwarded=True, when=NOW - timedelta(minutes=1)
    )

    assert await filed_ids(helena, "guarda na pasta do Rui Lima") == [passed_on]


async def test_message_that_speaks_of_an_audio_is_not_that_audio(desk, helena):
    passed_on = speaks(
        desk, LAWYER, "vou te pagar", is_forwarded=True, when=NOW - timedelta(minutes=1)
    )
    own = speaks(desk, LAWYER, "salva esse áudio na pasta do Rui Lima")
    helena.hears("salva esse áudio na pasta do Rui Lima", intent=FILING)
    with writing(desk.engine) as connection:
        connection.execute(
            sa.update(media)
            .where(media.c.id == own)
            .values(inbox_id=desk.newest(helena.id))
        )

    said = await helena.enters(FILING)

    (task,) = (each for each in said.effects if isinstance(each, Task))
    assert task.facts["anexos"] == [passed_on]


async def test_file_that_is_only_talked_about_is_not_acknowledged(desk):
    said = await desk.talk().runs(
        "action_enviar_documento", "como mando o contrato?", kind="audio"
    )

    assert said.responses == ["como_enviar_documento"]


# --- what the office reads -----------------------------------------------------------


def history(desk) -> list[str]:
    with reading(desk.engine) as connection:
        talk = connection.execute(sa.select(inbox.c.conversation_id)).scalars().first()
        found = histories.history_of(connection, str(talk), most_messages=9)
        assert found is not None
        newest = histories.latest_words(connection, [str(talk)])[str(talk)]
    assert newest.text == found.messages[-1].text
    return [each.text for each in found.messages]


@pytest.mark.parametrize(
    ("status", "question", "line"),
    [
        ("ouvido", "", f"[áudio] {WORDS}"),
        ("ouvido", "confirmado", f"[áudio] {WORDS}"),
        ("ouvido", "perguntado", f"[áudio que a pessoa não conferiu] {WORDS}"),
        ("ouvido", "negado", "[áudio que foi entendido errado]"),
    ],
)
def test_spoken_words_are_marked(desk, status, question, line):
    speaks(desk, CLIENT, WORDS, status=status, question=question)

    assert history(desk) == [line]


def test_voice_that_was_not_heard_is_mentioned(desk):
    speaks(desk, CLIENT, "", status="nao_ouvido", trouble="longo")

    assert history(desk) == ["[áudio que não deu para ouvir]"]


def test_written_words_have_no_mark(desk):
    desk.writes(CLIENT, "oi")

    assert history(desk) == ["oi"]

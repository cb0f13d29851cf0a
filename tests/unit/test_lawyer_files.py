"""Spreadsheets and files that lawyers ask for: what is understood, what is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from actions.keepers import Keepers
from actions.registry import build_actions
from bot.core.filed_names import SAME, client_key, fit, person_key
from bot.core.google_link import GoogleStatus, Link
from bot.core.names import Profile
from bot.core.ports import Feature
from bot.store import places
from bot.store.database import writing
from bot.store.effects import Request, Task
from bot.store.places import Place
from bot.store.schema import inbox
from tests.unit.desk import NOW, Talk, offered
from tests.unit.files_sent import PHOTO, sends

SHEET, FILING = "criar_planilha", "salvar_no_drive"
LAWYER = "+5511987650099"
NUMBER = "0012457-26.2021.8.26.0100"
ALL = frozenset(Feature)


@pytest.fixture
def helena(desk) -> Talk:
    desk.registers(LAWYER, "Helena Modelo", Profile.LAWYER)
    return desk.lawyer()


def linked(desk, status: GoogleStatus) -> None:
    """Lets the office be connected so; what keeps things stays on this machine."""
    local = desk.services.keepers.local
    keepers = Keepers(local=local, google=local, status=lambda: status)
    desk.services = replace(desk.services, keepers=keepers)
    desk.actions = {each.name(): each for each in build_actions(desk.services)}


def folder(desk, title: str, name: str = "", keeper: str = "local") -> str:
    """Registers a folder that there is; returns its name in the register."""
    place = Place(keeper, "pasta", name or person_key(title), f"id-{title}", title, "x")
    with writing(desk.engine) as connection:
        places.keep(connection, place, now=1.0)
    return place.name


def job_of(said) -> Task:
    (found,) = (each for each in said.effects if isinstance(each, Task))
    return found


# --- spreadsheets -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "title", "columns"),
    [
        ("cria uma planilha de custas do caso Souza com data, valor e quem pagou",
         "Custas do caso Souza", ["Data", "Valor", "Quem pagou"]),
        ("faz uma planilha aí pra eu controlar os prazos da Maria",
         "Prazos da Maria", ["Prazo final", "Processo", "Cliente", "O que fazer",
                             "Responsável", "Situação"]),
    ],
)  # fmt: skip
async def test_sheet_is_made_out_of_one_sentence(helena, command, title, columns):
    said = await helena.starts(SHEET, command)

    assert said.responses == [SHEET]
    assert job_of(said) == Task("planilha", {"titulo": title, "colunas": columns})
    facts = {"planilha": title, "colunas": columns, "texto": command}
    assert Request(SHEET, facts) in said.effects
    assert f"*{title}*" in said.text
    assert f"{columns[-2]} e {columns[-1]}" in said.text


async def test_sheet_without_a_purpose_is_asked_for_it(helena):
    said = await helena.starts(SHEET, "cria uma planilha")
    assert said.responses == ["ask_planilha"]

    said = await helena.says("custas do caso Souza")

    assert said.of(SHEET)["titulo"] == "Custas do caso Souza"


async def test_purpose_that_reads_like_a_new_command_is_taken(helena):
    await helena.starts(SHEET, "cria uma planilha")

    said = await helena.says("planilha de prazos", intent=SHEET)

    assert said.of(SHEET)["titulo"] == "Prazos"


@pytest.mark.parametrize("text", ["tanto faz", "em branco mesmo"])
async def test_sheet_of_anything_has_general_columns(helena, text):
    await helena.starts(SHEET, "cria uma planilha")

    said = await helena.says(text)

    assert said.of(SHEET)["titulo"] == "Planilha geral"


async def test_no_ends_it_and_leaves_nothing(helena):
    await helena.starts(SHEET, "cria uma planilha")

    said = await helena.says("não", intent="negar")

    assert said.responses == ["interromper"]
    assert said.effects == []


async def test_question_in_the_middle_is_no_purpose(helena):
    await helena.starts(SHEET, "cria uma planilha")

    said = await helena.says("quem escreveu hoje?", intent="ver_contatos_novos")

    assert said.is_left


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (GoogleStatus(Link.OFF), "computador do escritório, porque o Google ainda não"),
        (GoogleStatus(Link.OFF, ALL), "computador do escritório"),
        (GoogleStatus(Link.CONNECTED, ALL), "Google"),
        (
            GoogleStatus(Link.CONNECTED, frozenset({Feature.EVENTS})),
            "não foi autorizado",
        ),
        (GoogleStatus(Link.RECONNECT, ALL), "assim que for reconectado"),
    ],
)
async def test_answer_is_true_of_google_as_it_is(desk, helena, status, words):
    linked(desk, status)
    sends(desk, LAWYER, "contrato.pdf")

    sheet = await helena.starts(SHEET, "planilha de custas")
    filed = await helena.starts(FILING, "salva na pasta do Rui Lima")

    for said in (sheet, filed):
        assert words in said.text
        is_here = status.link is Link.OFF or Feature.FILES not in status.features
        assert ("computador do escritório" in said.text) is is_here
        assert ("link" in said.text) is not is_here


# --- which files --------------------------------------------------------------------


async def filed_ids(talk: Talk, text: str, **read) -> list[str]:
    said = await talk.starts(FILING, text, **read)
    assert said.responses == [FILING], said.text
    ids = job_of(said).facts["anexos"]
    assert isinstance(ids, list)
    return ids


async def test_file_that_came_with_the_words_is_filed(helena):
    files = [{"id": "a1", "estado": "pendente"}, {"id": "a2", "estado": "guardado"}]

    ids = await filed_ids(
        helena, "salva na pasta do Rui Lima", metadata={"anexos": files}
    )

    assert ids == ["a1", "a2"]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("salva esse pdf na pasta do Rui Lima", [4]),
        ("guarda na pasta do Rui Lima", [3, 4]),
        ("guarda isso na pasta do Rui Lima", [3, 4]),
        ("salva os dois últimos na pasta do Rui Lima", [3, 4]),
        ("salva os 3 arquivos na pasta do Rui Lima", [2, 3, 4]),
        ("salva as fotos na pasta do Rui Lima", [1, 2]),
        ("salva essa foto na pasta do Rui Lima", [2]),
        ("arquiva esse contrato na pasta do Rui Lima", [4]),
    ],
)
async def test_words_pick_among_what_was_sent(desk, helena, text, places):
    sent = sends(desk, LAWYER, "ontem.pdf", when=NOW - timedelta(hours=20))
    early = NOW - timedelta(hours=2)
    sent += sends(desk, LAWYER, ("", PHOTO), ("", PHOTO), when=early)
    sent += sends(desk, LAWYER, "um.pdf", when=NOW - timedelta(minutes=3))
    sent += sends(desk, LAWYER, "dois.pdf", when=NOW - timedelta(minutes=2))

    assert await filed_ids(helena, text) == [sent[at] for at in places]


async def test_quoted_file_is_the_one_that_is_meant(desk, helena):
    old = sends(desk, LAWYER, "velho.pdf", when=NOW - timedelta(days=9))
    sends(desk, LAWYER, "novo.pdf")
    helena.hears("salva na pasta do Rui Lima", intent=FILING)
    talk_id, newest = helena.id, desk.newest(helena.id)
    with writing(desk.engine) as connection:
        sid = (
            connection.execute(
                sa.select(inbox.c.message_sid)
                .where(inbox.c.conversation_id == talk_id)
                .order_by(inbox.c.id)
            )
            .scalars()
            .first()
        )
        payload = {"OriginalRepliedMessageSid": sid}
        connection.execute(
            sa.update(inbox).where(inbox.c.id == newest).values(payload=payload)
        )

    said = await helena.enters(FILING)

    assert job_of(said).facts["anexos"] == old


@pytest.mark.parametrize("status", ["recusado", "falhou", "grande"])
async def test_what_cannot_be_opened_is_nothing_to_file(desk, helena, status):
    sends(desk, LAWYER, "virus.exe", status=status)

    said = await helena.starts(FILING, "salva na pasta do Rui Lima")

    assert said.responses == ["ask_arquivos"]


async def test_without_a_file_it_is_asked_for_and_taken_when_it_comes(desk, helena):
    sends(desk, LAWYER, "antigo.pdf", when=NOW - timedelta(hours=25))
    said = await helena.starts(FILING, "salva na pasta do Rui Lima")
    assert said.responses == ["ask_arquivos"]
    assert "Mande aqui" in said.text

    said = await helena.says("já vou mandar")
    assert said.responses == ["ask_arquivos"]

    files = [{"id": "a1", "estado": "pendente"}]
    said = await helena.says(
        "", intent="enviar_documento", kind="document", metadata={"anexos": files}
    )

    assert job_of(said).facts["anexos"] == ["a1"]


async def test_others_files_are_not_ones_own(desk, helena):
    sends(desk, "+5511987650002", "do cliente.pdf", name="Rui Lima")

    said = await helena.starts(FILING, "salva na pasta do Rui Lima")

    assert said.responses == ["ask_arquivos"]


async def test_no_file_after_all_ends_it(helena):
    await helena.starts(FILING, "salva na pasta do Rui Lima")

    said = await helena.says("não", intent="negar")

    assert said.responses == ["interromper"]
    assert helena.form is None


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (["contrato.pdf"], "contrato.pdf"),
        (["a.pdf", "b.pdf"], "a.pdf e b.pdf"),
        ([("", PHOTO)], "2026-11-18 foto 1.jpg"),
        (["a.pdf", "b.pdf", "c.pdf", "d.pdf"], "os 4 arquivos"),
    ],
)
async def test_files_are_named(desk, helena, files, told):
    sends(desk, LAWYER, *files)

    said = await helena.starts(FILING, "salva na pasta do Rui Lima")

    assert f"Vou guardar {told} na pasta *Rui Lima*" in said.text


# --- which folder -------------------------------------------------------------------


@pytest.fixture
def sent(desk, helena) -> list[str]:
    return sends(desk, LAWYER, "contrato.pdf")


@pytest.mark.parametrize(
    ("text", "names", "title"),
    [
        ("salva esse pdf na pasta do João Pereira", ["João Pereira"], "João Pereira"),
        ("salva esse pdf na pasta do João Pereira", [], "João Pereira"),
        ("guarda na pasta das custas.", [], "Custas"),
        ("joga lá na pasta do cliente Wesley, por favor", ["Wesley"], "Wesley"),
        ('salva na pasta "Contratos vigentes" do Drive', [], "Contratos vigentes"),
        ("isso é do caso Souza, arquiva", ["Souza"], "Souza"),
        ("bota essa foto na pasta do acidente do Gilmar", ["Gilmar"], "Gilmar"),
        ("coloca no drive da dona Lúcia, subpasta documentos", ["Lúcia"], "Lúcia"),
        ("põe esse comprovante lá no drive, pasta custas", [], "Custas"),
        ("drive do Alencar", ["Alencar"], "Alencar"),
        ("contrato assinado, arquivar em Contratos", [], "Contratos"),
        ("salva na pasta dele, o Caio", ["Caio"], "Caio"),
        (f"arquiva no processo {NUMBER}", [], f"Processo {NUMBER}"),
    ],
)
async def test_folder_comes_out_of_the_command(helena, sent, text, names, title):
    said = await helena.starts(FILING, text, names=names)

    assert said.responses == [FILING], said.text
    assert job_of(said).facts["pasta"]["title"] == title


@pytest.mark.parametrize(
    "text",
    ["salva isso no drive", "guarda na pasta", "salva na pasta dele", "arquiva aí"],
)
@pytest.mark.parametrize(
    "answer",
    ["João Pereira", "na do João Pereira", "guarda aí na pasta do João Pereira"],
)
async def test_filing_without_a_folder_is_asked_for_it(helena, sent, text, answer):
    said = await helena.starts(FILING, text)
    assert said.responses == ["ask_pasta"]

    said = await helena.says(answer)

    assert job_of(said).facts["pasta"]["title"] == "João Pereira"


async def test_command_said_again_is_no_folder(helena, sent):
    await helena.starts(FILING, "salva isso no drive")

    said = await helena.says("salva o pdf no drive", intent=FILING)

    assert said.responses == ["ask_pasta"]


@pytest.mark.parametrize("wanted", ["joao pereira", "Pereira, João", "João"])
async def test_folder_that_there_is_is_found(desk, helena, sent, wanted):
    name = folder(desk, "João Pereira")
    folder(desk, "Ana Prado")

    said = await helena.starts(FILING, f"salva na pasta do {wanted}", names=[wanted])

    chosen = job_of(said).facts["pasta"]
    assert (chosen["name"], chosen["ref"]) == (name, "id-João Pereira")


async def test_folder_that_somebody_made_on_the_disk_is_found(desk, helena, sent):
    files = desk.services.keepers.local.files
    made = await files.make_folder("Espólio Ramos", folder_id=await files.new_id())

    said = await helena.starts(FILING, "salva na pasta Espólio Ramos")

    assert job_of(said).facts["pasta"]["ref"] == made.id


async def test_folder_is_called_as_people_renamed_it(desk, helena, sent):
    files = desk.services.keepers.local.files
    made = await files.make_folder("Rui Lima e Filhos", folder_id=await files.new_id())
    with writing(desk.engine) as connection:
        old = Place("local", "pasta", "pessoa:rui lima", made.id, "Rui", made.link)
        places.keep(connection, old, now=1.0)

    said = await helena.starts(FILING, "salva na pasta dos Filhos")

    chosen = job_of(said).facts["pasta"]
    assert (chosen["name"], chosen["title"]) == ("pessoa:rui lima", "Rui Lima e Filhos")


async def test_client_has_a_folder_before_it_is_made(desk, helena, sent):
    client = desk.writes("+5511987651234", "oi", "João Pereira")

    said = await helena.starts(FILING, "salva na pasta do João")

    chosen = job_of(said).facts["pasta"]
    assert chosen["name"] == client_key(client)
    assert chosen["title"] == "João Pereira (final 1234)"


async def test_client_and_the_clients_folder_are_one(desk, helena, sent):
    client = desk.writes("+5511987651234", "oi", "João Pereira")
    folder(desk, "João P. (final 1234)", client_key(client))

    said = await helena.starts(FILING, "salva na pasta do João Pereira")

    assert job_of(said).facts["pasta"]["ref"] == "id-João P. (final 1234)"


async def test_whole_name_counts_before_a_longer_one(desk, helena, sent):
    client = desk.writes("+5511987651234", "oi", "João Pereira")
    folder(desk, "João Pereira (final 1234)", client_key(client))
    desk.writes("+5511987655678", "oi", "João Pereira Neto")
    folder(desk, "Outra (final 5678)", "conversa:outra")

    said = await helena.starts(FILING, "salva na pasta do João Pereira")

    assert job_of(said).facts["pasta"]["name"] == client_key(client)
    assert fit("João Pereira (final 1234)", "Pereira, João") == SAME


async def test_lawyers_are_no_clients(desk, helena, sent):
    said = await helena.starts(FILING, "salva na pasta da Helena Modelo")

    assert job_of(said).facts["pasta"]["name"] == "pessoa:helena modelo"


@pytest.mark.parametrize(
    ("answer", "title"),
    [("2", "João Pereira (final 1111)"), ("a primeira", "João Pereira (final 2222)"),
     ("João Pereira Neto", "João Pereira Neto"), ("3", "João Pereira"),
     ("nova", "João Pereira")],
)  # fmt: skip
async def test_several_that_fit_are_numbered(desk, helena, sent, answer, title):
    earlier = (NOW - timedelta(hours=1)).timestamp()
    desk.writes("+5511987651111", "oi", "João Pereira", when=earlier)
    desk.writes("+5511987652222", "oi", "João Pereira")
    said = await helena.starts(FILING, "salva na pasta do João Pereira")
    assert said.responses == ["pasta_ambigua"]
    assert list(offered(said)) == [
        "João Pereira (final 2222)",
        "João Pereira (final 1111)",
        "criar a pasta João Pereira",
    ]

    said = await helena.says(answer)

    assert job_of(said).facts["pasta"]["title"] == title
    assert job_of(said).facts["anexos"] == sent


@pytest.mark.parametrize(
    ("answer", "title"),
    [("sim", "João Pereira"), ("1", "João Pereira"), ("nova", "Joao Perera"),
     ("2", "Joao Perera"), ("é a do Rui Lima", "Rui Lima"),
     ("não, na pasta do Rui Lima", "Rui Lima")],
)  # fmt: skip
async def test_near_miss_is_asked_about(desk, helena, sent, answer, title):
    folder(desk, "João Pereira")
    said = await helena.starts(FILING, "salva na pasta do Joao Perera")
    assert said.responses == ["pasta_parecida"]
    assert "Não achei “Joao Perera”. Quis dizer *João Pereira*?" in said.text
    assert said.effects == []

    said = await helena.says(answer)

    assert job_of(said).facts["pasta"]["title"] == title


async def test_no_to_a_near_miss_asks_anew(desk, helena, sent):
    folder(desk, "João Pereira")
    await helena.starts(FILING, "salva na pasta do Joao Perera")

    said = await helena.says("não", intent="negar")
    assert said.responses == ["ask_pasta"]

    said = await helena.says("não", intent="negar")
    assert said.responses == ["interromper"]


async def test_part_of_a_word_is_only_a_guess(desk, helena, sent):
    folder(desk, "Mariana Souza")

    said = await helena.starts(FILING, "salva na pasta da Maria")

    assert said.responses == ["pasta_parecida"]


async def test_more_files_while_the_folder_is_asked_for_are_taken(helena, sent):
    await helena.starts(FILING, "salva isso no drive")
    files = [{"id": "a7", "estado": "guardado"}]
    said = await helena.says(
        "", intent="enviar_documento", kind="document", metadata={"anexos": files}
    )
    assert said.responses == ["ask_pasta"]

    said = await helena.says("Rui Lima")

    assert job_of(said).facts["anexos"] == ["a7"]


async def test_question_while_the_folder_is_asked_for_is_left_to_its_rule(helena, sent):
    await helena.starts(FILING, "salva isso no drive")

    said = await helena.says("minha agenda de amanhã", intent="ver_agenda")

    assert said.is_left


async def test_second_command_keeps_nothing_of_the_first(desk, helena, sent):
    await helena.starts(FILING, "salva na pasta do João Pereira")

    said = await helena.starts(FILING, "salva no drive")

    assert said.responses == ["ask_pasta"]


# --- folders of lawsuits ------------------------------------------------------------


def lists(desk, tmp_path, *clients: tuple[str, str]) -> None:
    """Writes the office's list: client and telephone, all of one lawsuit."""
    head = "numero;cliente;telefone;situacao;atualizado_em"
    lines = [f"{NUMBER};{name};{phone};em curso;01/11/2026" for name, phone in clients]
    (tmp_path / "processos.csv").write_text("\n".join([head, *lines]))


async def test_lawsuit_has_a_folder_of_its_own(desk, helena, sent):
    name = folder(desk, f"Processo {NUMBER}", "processo:00124572620218260100")

    said = await helena.starts(FILING, f"arquiva no processo {NUMBER}")

    assert job_of(said).facts["pasta"]["name"] == name
    assert job_of(said).facts["pasta"]["ref"]


async def test_lawsuit_of_a_client_may_go_to_the_clients_folder(
    desk, helena, sent, tmp_path
):
    client = desk.writes("+5511987651234", "oi", "Ana Prado")
    lists(desk, tmp_path, ("Ana Prado", "11987651234"))

    said = await helena.starts(FILING, f"arquiva no processo {NUMBER}")
    assert list(offered(said)) == [
        "Ana Prado (final 1234)",
        f"criar a pasta Processo {NUMBER}",
    ]
    said = await helena.says("1")

    assert job_of(said).facts["pasta"]["name"] == client_key(client)


async def test_client_of_a_lawsuit_who_never_wrote_is_offered_by_name(
    desk, helena, sent, tmp_path
):
    desk.writes("+5511987659999", "oi", "Ana Prado")  # a namesake
    lists(desk, tmp_path, ("Ana Prado", "11987651234"))
    await helena.starts(FILING, f"arquiva no processo {NUMBER}")

    said = await helena.says("1")

    assert job_of(said).facts["pasta"]["name"] == "pessoa:ana prado"
